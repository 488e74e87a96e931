/* SPDX-License-Identifier: Apache-2.0
 *
 * Emulated hosts: what each holds, by item key; see oracle-hosts.h. */

#include <config.h>

#include "tests/property/oracle-hosts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "openvswitch/hmap.h"
#include "openvswitch/shash.h"
#include "tests/property/oracle-random.h"
#include "util.h"

struct held {
    struct hmap_node node;
    struct flow_item *item;
};
struct emulated {
    struct hmap items;
};
static struct emulated hosts[N_HOSTS];

static struct emulated *
find_host(const char *name)
{
    return &hosts[atoi(name + 1) % N_HOSTS];
}

static struct held *
find_held(struct emulated *host, const struct flow_item *item)
{
    struct held *held;

    HMAP_FOR_EACH_WITH_HASH (held, node, item->key_hash, &host->items) {
        if (flow_item_same_key(held->item, item)) {
            return held;
        }
    }
    return NULL;
}

static void
hold(struct emulated *host, const struct flow_item *item)
{
    struct held *held = find_held(host, item);

    if (!held) {
        held = xmalloc(sizeof *held);
        hmap_insert(&host->items, &held->node, item->key_hash);
    } else {
        flow_item_unref(held->item);
    }
    held->item = flow_item_ref(item);
}

/* A switch deletes by key and cookie (or group number). */
static void
let_go(struct emulated *host, const struct flow_item *item)
{
    struct held *held = find_held(host, item);

    if (held && (item->kind == FLOW_ITEM_GROUP
                 || held->item->cookie == item->cookie)) {
        hmap_remove(&host->items, &held->node);
        flow_item_unref(held->item);
        free(held);
    }
}

static void
forget_all(struct emulated *host)
{
    struct held *held;

    HMAP_FOR_EACH_POP (held, node, &host->items) {
        flow_item_unref(held->item);
        free(held);
    }
}

void
hosts_init(void)
{
    for (int i = 0; i < N_HOSTS; i++) {
        hmap_init(&hosts[i].items);
    }
}

void
hosts_uninit(void)
{
    for (int i = 0; i < N_HOSTS; i++) {
        forget_all(&hosts[i]);
        hmap_destroy(&hosts[i].items);
    }
}

struct apply_ctx {
    const struct engine *engine;
    const char *host;
    bool joined;
};

static const struct flow_item *
desired_on(const struct engine *engine, const char *host,
           const struct flow_item *item);

static void
apply_item(void *ctx_, const struct flow_item *item)
{
    struct apply_ctx *ctx = ctx_;

    if (ctx->joined) {
        hold(find_host(ctx->host), item);
    } else if (!desired_on(ctx->engine, ctx->host, item)) {
        let_go(find_host(ctx->host), item);
    }
}

struct search {
    const struct flow_item *key;
    const struct flow_item *found;
};

static void
search_cb(void *search_, const struct flow_item *item)
{
    struct search *search = search_;

    if (flow_item_same_key(search->key, item)) {
        search->found = item;
    }
}

/* The item that 'host' is to hold at the key of 'item', if any. */
static const struct flow_item *
desired_on(const struct engine *engine, const char *host,
           const struct flow_item *item)
{
    struct search search = { item, NULL };

    engine_host_items(engine, host, search_cb, &search);
    return search.found;
}

static void
add_host_cb(void *list, const char *host)
{
    shash_add_once(list, host, NULL);
}

static bool
has_joined(const struct engine_delta *delta, const char *host,
           const struct engine_scope *scope)
{
    for (size_t i = 0; i < delta->n_members; i++) {
        if (delta->members[i].joined && delta->members[i].scope == scope
            && !strcmp(delta->members[i].host, host)) {
            return true;
        }
    }
    return false;
}

void
hosts_apply(const struct engine *engine, const struct engine_delta *delta)
{
    for (int pass = 0; pass < 2; pass++) {
        bool adding = !pass;

        for (size_t i = 0; i < delta->n_members; i++) {
            const struct engine_member *m = &delta->members[i];
            struct apply_ctx ctx = { engine, m->host, m->joined };

            if (m->joined == adding) {
                engine_scope_items(engine, m->scope, apply_item, &ctx);
            }
            /* One that left also held what was withdrawn meanwhile. */
            for (size_t j = 0; !m->joined && !adding && j < delta->n_changes;
                 j++) {
                if (!delta->changes[j].added
                    && delta->changes[j].item->scope == m->scope) {
                    apply_item(&ctx, delta->changes[j].item);
                }
            }
        }
        for (size_t i = 0; i < delta->n_changes; i++) {
            const struct engine_change *change = &delta->changes[i];
            struct shash names = SHASH_INITIALIZER(&names);
            struct shash_node *node;

            if (change->added != adding) {
                continue;
            }
            engine_scope_hosts(engine, change->item->scope, add_host_cb,
                               &names);
            SHASH_FOR_EACH (node, &names) {
                struct apply_ctx ctx = { engine, node->name, adding };

                if (!adding || !has_joined(delta, node->name,
                                           change->item->scope)) {
                    apply_item(&ctx, change->item);
                }
            }
            shash_destroy(&names);
        }
    }
}

struct check_ctx {
    struct emulated *host;
    size_t n;
    size_t n_wrong;
};

static void
check_cb(void *ctx_, const struct flow_item *item)
{
    struct check_ctx *ctx = ctx_;
    struct held *held = find_held(ctx->host, item);

    ctx->n++;
    if (!held || held->item->digest != item->digest) {
        printf("# %s of scope %s: table %u, priority %u, group %u\n",
               held ? "wrong" : "missing", engine_scope_name(item->scope),
               item->table, item->priority, item->group_id);
        ctx->n_wrong++;
    }
}

size_t
hosts_check(const struct engine *engine, const struct model *model)
{
    size_t n_wrong = 0;

    for (int i = 0; i < N_HOSTS; i++) {
        char name[16];
        struct check_ctx ctx = { &hosts[i], 0, 0 };

        snprintf(name, sizeof name, "h%d", i);
        if (!model_get(model, VMN_TABLE_HOST, name)) {
            /* Gone from the controller: nobody talks to it any more. */
            forget_all(&hosts[i]);
            continue;
        }
        engine_host_items(engine, name, check_cb, &ctx);
        if (ctx.n_wrong || hmap_count(&hosts[i].items) != ctx.n) {
            printf("# host %s holds %"PRIuSIZE" items, is to hold %"PRIuSIZE
                   ", %"PRIuSIZE" wrong\n", name,
                   hmap_count(&hosts[i].items), ctx.n, ctx.n_wrong);
            n_wrong++;
        }
    }
    return n_wrong;
}
