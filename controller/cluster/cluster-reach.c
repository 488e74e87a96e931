/* SPDX-License-Identifier: Apache-2.0
 *
 * What members cannot reach; see cluster-reach.h. */

#include <config.h>

#include "controller/cluster/cluster-reach.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster-shares.h"
#include "sset.h"
#include "util.h"

/* A member that cannot reach a host, or could not. */
struct reach_entry {
    const char *host, *member;  /* In its key, "HOST MEMBER": names have no
                                 * spaces. */
    bool said;                  /* It says so, */
    int64_t since_ms;           /* since then; or has not since then. */
    bool excluded;
    bool listed;                /* It has a share. */
};

void
reach_init(struct reach *reach)
{
    shash_init(&reach->entries);
}

static void
delete_entry(struct reach *reach, struct shash_node *node)
{
    struct reach_entry *entry = node->data;

    shash_delete(&reach->entries, node);
    free(CONST_CAST(char *, entry->host));
    free(CONST_CAST(char *, entry->member));
    free(entry);
}

void
reach_uninit(struct reach *reach)
{
    struct shash_node *node;

    SHASH_FOR_EACH_SAFE (node, &reach->entries) {
        delete_entry(reach, node);
    }
    shash_destroy(&reach->entries);
}

static struct reach_entry *
get_entry(struct reach *reach, const char *host, const char *member)
{
    char *key = xasprintf("%s %s", host, member);
    struct reach_entry *entry = shash_find_data(&reach->entries, key);

    if (!entry) {
        entry = xzalloc(sizeof *entry);
        entry->host = xstrdup(host);
        entry->member = xstrdup(member);
        shash_add(&reach->entries, key, entry);
    }
    free(key);
    return entry;
}

/* What the writer before has published this one goes on with. */
static void
heed_current(struct reach *reach, const struct shares *current, int64_t now_ms)
{
    for (size_t i = 0; i < current->n_excluded; i++) {
        const struct shares_exclusion *x = &current->excluded[i];

        for (size_t j = 0; j < current->n; j++) {
            if (x->members & UINT32_C(1) << j) {
                struct reach_entry *entry = get_entry(
                    reach, x->host, current->shares[j].name);

                if (!entry->since_ms) {
                    entry->since_ms = now_ms;
                    entry->excluded = true;
                }
            }
        }
    }
}

/* Notes what a member says that has a share. */
static void
heed_member(struct reach *reach, const struct shares_member *m, int64_t now_ms)
{
    const char *host;

    if (!m->unreachable) {
        return;
    }
    SSET_FOR_EACH (host, m->unreachable) {
        struct reach_entry *entry = get_entry(reach, host, m->name);

        if (!entry->said) {
            entry->said = true;
            entry->since_ms = now_ms;
        }
    }
}

static const struct shares_member *
find_member(const struct shares_member *members, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(members[i].name, name)) {
            return &members[i];
        }
    }
    return NULL;
}

/* Returns true if a member that has a share does not say that it cannot reach
 * the host. */
static bool
is_reached(const char *host, const struct shares_member *members, size_t n,
           const struct shares *shares)
{
    for (size_t i = 0; i < n; i++) {
        const struct shares_member *m = &members[i];

        if (shares_find(shares, m->name)
            && !(m->unreachable && sset_contains(m->unreachable, host))) {
            return true;
        }
    }
    return false;
}

/* Returns false if the entry says nothing any more. */
static bool
update_entry(struct reach_entry *entry, const struct shares_member *members,
             size_t n, int64_t now_ms, const struct shares *next)
{
    const struct shares_member *m = find_member(members, n, entry->member);
    bool says = (m && m->unreachable
                 && sset_contains(m->unreachable, entry->host));

    if (!shares_find(next, entry->member)) {
        return false;
    }
    if (entry->said && !says) {
        entry->said = false;
        entry->since_ms = now_ms;
    }
    if (entry->said) {
        entry->excluded |= (now_ms >= entry->since_ms + REACH_LOST_MS
                            && is_reached(entry->host, members, n, next));
        return true;
    }
    return entry->excluded && now_ms < entry->since_ms + REACH_BACK_MS;
}

void
reach_ask(struct reach *reach, const struct shares *current,
          const struct shares_member *members, size_t n, int64_t now_ms,
          struct shares *next)
{
    const struct shash_node **nodes;
    struct shash_node *node;

    heed_current(reach, current, now_ms);
    for (size_t i = 0; i < n; i++) {
        if (shares_find(next, members[i].name)) {
            heed_member(reach, &members[i], now_ms);
        }
    }
    SHASH_FOR_EACH_SAFE (node, &reach->entries) {
        if (!update_entry(node->data, members, n, now_ms, next)) {
            delete_entry(reach, node);
        }
    }
    nodes = shash_sort(&reach->entries);
    for (size_t i = 0; i < shash_count(&reach->entries); i++) {
        const struct reach_entry *entry = nodes[i]->data;

        if (entry->excluded) {
            shares_exclude(next, entry->host, entry->member);
        }
    }
    free(nodes);
}
