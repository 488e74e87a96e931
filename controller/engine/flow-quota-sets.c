/* SPDX-License-Identifier: Apache-2.0
 *
 * Flow quotas, sets of them, and the number of items per host for each; see
 * flow-quota-sets.h. */

#include <config.h>

#include "controller/engine/flow-quota-sets.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine-private.h"
#include "hash.h"
#include "util.h"

/* The items of one scope that count for a quota. */
struct quota_share {
    struct hmap_node node;      /* In struct quotas. */
    struct ovs_list scope_node; /* In the scope's 'shares'. */
    struct ovs_list recount_node;
    bool recount;               /* In 'recount' of struct quotas. */
    struct flow_quota *quota;   /* Counted. */
    struct engine_scope *scope; /* Counted. */
    size_t n_items;
    size_t n_counted;           /* How many of these the totals include. */
};

/* Quotas.  --------------------------------------------------------------- */

struct flow_quota *
flow_quota_find(const struct quotas *quotas, const char *name)
{
    struct flow_quota *quota;

    HMAP_FOR_EACH_WITH_HASH (quota, node, hash_string(name, 0),
                             &quotas->quotas) {
        if (!strcmp(quota->name, name)) {
            return quota;
        }
    }
    return NULL;
}

static struct flow_quota *
flow_quota_ref(struct flow_quota *quota)
{
    quota->n_refs++;
    return quota;
}

void
flow_quota_unref(struct flow_quota *quota)
{
    if (!--quota->n_refs) {
        host_totals_uninit(&quota->totals);
        free(quota->name);
        free(quota->scope);
        free(quota);
    }
}

struct flow_quota *
flow_quota_create(struct quotas *quotas, const char *name)
{
    struct flow_quota *quota = xzalloc(sizeof *quota);

    quota->n_refs = 1;
    quota->name = xstrdup(name);
    host_totals_init(&quota->totals);
    hmap_insert(&quotas->quotas, &quota->node, hash_string(name, 0));
    return quota;
}

/* Sets.  ----------------------------------------------------------------- */

void
quota_draft_add(struct quota_draft *draft, struct flow_quota *quota)
{
    size_t i = draft->n;

    while (i && draft->quotas[i - 1] > quota) {
        i--;
    }
    if (i && draft->quotas[i - 1] == quota) {
        return;
    }
    if (draft->n >= draft->allocated) {
        draft->quotas = x2nrealloc(draft->quotas, &draft->allocated,
                                   sizeof *draft->quotas);
    }
    memmove(&draft->quotas[i + 1], &draft->quotas[i],
            (draft->n - i) * sizeof *draft->quotas);
    draft->quotas[i] = quota;
    draft->n++;
}

void
quota_draft_add_set(struct quota_draft *draft, const struct quota_set *set)
{
    for (size_t i = 0; i < set->n; i++) {
        quota_draft_add(draft, set->quotas[i]);
    }
}

struct quota_set *
quota_set_ref(struct quota_set *set)
{
    if (set) {
        set->n_refs++;
    }
    return set;
}

void
quota_set_unref(struct quota_set *set)
{
    if (set && !--set->n_refs) {
        hmap_remove(&set->table->sets, &set->node);
        for (size_t i = 0; i < set->n; i++) {
            flow_quota_unref(set->quotas[i]);
        }
        free(set);
    }
}

struct quota_set *
quota_draft_finish(struct quota_draft *draft, struct quotas *quotas)
{
    size_t size = draft->n * sizeof *draft->quotas;
    struct quota_set *set = NULL;
    uint32_t hash;

    if (!draft->n) {
        return NULL;
    }
    hash = hash_bytes(draft->quotas, size, 0);
    HMAP_FOR_EACH_WITH_HASH (set, node, hash, &quotas->sets) {
        if (set->n == draft->n
            && !memcmp(set->quotas, draft->quotas, size)) {
            free(draft->quotas);
            return quota_set_ref(set);
        }
    }
    set = xmalloc(sizeof *set + size);
    set->table = quotas;
    set->n_refs = 1;
    set->n = draft->n;
    for (size_t i = 0; i < draft->n; i++) {
        set->quotas[i] = flow_quota_ref(draft->quotas[i]);
    }
    hmap_insert(&quotas->sets, &set->node, hash);
    free(draft->quotas);
    return set;
}

/* Hosts.  ---------------------------------------------------------------- */

static struct quota_share *
get_share(struct quotas *quotas, struct flow_quota *quota,
          struct engine_scope *scope)
{
    uint32_t hash = hash_pointer(scope, hash_pointer(quota, 0));
    struct quota_share *share;

    HMAP_FOR_EACH_WITH_HASH (share, node, hash, &quotas->shares) {
        if (share->quota == quota && share->scope == scope) {
            return share;
        }
    }
    share = xzalloc(sizeof *share);
    share->quota = flow_quota_ref(quota);
    share->scope = scope;
    scope_ref(scope);
    ovs_list_push_back(&scope->shares, &share->scope_node);
    hmap_insert(&quotas->shares, &share->node, hash);
    return share;
}

static void
share_destroy(struct quotas *quotas, struct quota_share *share)
{
    if (share->recount) {
        ovs_list_remove(&share->recount_node);
    }
    hmap_remove(&quotas->shares, &share->node);
    ovs_list_remove(&share->scope_node);
    flow_quota_unref(share->quota);
    scope_unref(share->scope);
    free(share);
}

void
quotas_count_items(struct quotas *quotas, const struct quota_set *set,
                   struct engine_scope *scope, int n)
{
    for (size_t i = 0; set && i < set->n; i++) {
        struct quota_share *share;

        if (!set->quotas[i]->totals.max) {
            continue;
        }
        share = get_share(quotas, set->quotas[i], scope);
        share->n_items += n;
        if (!share->recount) {
            share->recount = true;
            ovs_list_push_back(&quotas->recount, &share->recount_node);
        }
    }
}

void
quotas_member_changed(struct engine_scope *scope, const char *host,
                      bool joined)
{
    const struct quota_share *share;

    LIST_FOR_EACH (share, scope_node, &scope->shares) {
        int64_t n = share->n_counted;

        host_totals_add(&share->quota->totals, host, joined ? n : -n, 0);
    }
}

void
quotas_update(struct engine *engine)
{
    struct quotas *quotas = &engine->quotas;
    struct flow_quota *quota;

    while (!ovs_list_is_empty(&quotas->recount)) {
        struct quota_share *share
            = CONTAINER_OF(ovs_list_pop_front(&quotas->recount),
                           struct quota_share, recount_node);
        int64_t n = (int64_t) share->n_items - (int64_t) share->n_counted;
        const char *host;

        share->recount = false;
        SSET_FOR_EACH (host, &share->scope->members) {
            host_totals_add(&share->quota->totals, host, n, 0);
        }
        share->n_counted = share->n_items;
        if (!share->n_items) {
            share_destroy(quotas, share);
        }
        engine_yield(engine);
    }
    HMAP_FOR_EACH (quota, node, &quotas->quotas) {
        host_totals_update(&quota->totals);
    }
    quotas->n_bound = 0;
}

/* Life.  ----------------------------------------------------------------- */

void
quotas_init(struct quotas *quotas)
{
    hmap_init(&quotas->quotas);
    hmap_init(&quotas->sets);
    hmap_init(&quotas->shares);
    ovs_list_init(&quotas->recount);
    ovs_list_init(&quotas->changed);
    quotas->stale = true;
}

void
quotas_uninit(struct quotas *quotas)
{
    struct quota_share *share, *next_share;
    struct flow_quota *quota;

    HMAP_FOR_EACH_SAFE (share, next_share, node, &quotas->shares) {
        share_destroy(quotas, share);
    }
    HMAP_FOR_EACH_POP (quota, node, &quotas->quotas) {
        flow_quota_unref(quota);
    }
    hmap_destroy(&quotas->shares);
    hmap_destroy(&quotas->sets);
    hmap_destroy(&quotas->quotas);
    free(quotas->bound);
}

