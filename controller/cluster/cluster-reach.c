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

/* A member, since it has its share. */
struct reach_member {
    int64_t run;                /* Of its process. */
    int64_t since_ms;
};

/* A member that cannot reach the host, or could not. */
struct reach_entry {
    bool said;                  /* It says so, */
    int64_t since_ms;           /* since then; or has not since then. */
    bool excluded;
};

/* A host that a member cannot reach. */
struct reach_host {
    struct shash entries;       /* Of struct reach_entry, by member. */
};

void
reach_init(struct reach *reach)
{
    shash_init(&reach->hosts);
    shash_init(&reach->members);
}

static void
delete_host(struct reach *reach, struct shash_node *node)
{
    struct reach_host *host = node->data;

    shash_destroy_free_data(&host->entries);
    free(host);
    shash_delete(&reach->hosts, node);
}

void
reach_uninit(struct reach *reach)
{
    struct shash_node *node;

    SHASH_FOR_EACH_SAFE (node, &reach->hosts) {
        delete_host(reach, node);
    }
    shash_destroy(&reach->hosts);
    shash_destroy_free_data(&reach->members);
}

static struct reach_entry *
get_entry(struct reach *reach, const char *name, const char *member)
{
    struct reach_host *host = shash_find_data(&reach->hosts, name);
    struct reach_entry *entry;

    if (!host) {
        host = xmalloc(sizeof *host);
        shash_init(&host->entries);
        shash_add(&reach->hosts, name, host);
    }
    entry = shash_find_data(&host->entries, member);
    if (!entry) {
        entry = xzalloc(sizeof *entry);
        shash_add(&host->entries, member, entry);
    }
    return entry;
}

/* What members say.  ------------------------------------------------------ */

/* What the writer before has published this one goes on with. */
static void
heed_current(struct reach *reach, const struct shares *current, int64_t now_ms)
{
    for (size_t i = 0; i < current->n_excluded; i++) {
        const struct shares_exclusion *x = &current->excluded[i];

        for (size_t j = 0; j < current->n; j++) {
            struct reach_entry *entry;

            if (!(x->members & UINT32_C(1) << j)) {
                continue;
            }
            entry = get_entry(reach, x->host, current->shares[j].name);
            if (!entry->since_ms) {
                entry->since_ms = now_ms;
                entry->excluded = true;
            }
        }
    }
}

static bool
says(const struct shares_member *m, const char *host)
{
    return m->unreachable && sset_contains(m->unreachable, host);
}

/* Notes what a member says, and since when it has its share. */
static void
heed_member(struct reach *reach, const struct shares_member *m,
            const struct shares *next, int64_t now_ms)
{
    struct reach_member *member = shash_find_data(&reach->members, m->name);
    const char *host;

    if (!member) {
        member = xzalloc(sizeof *member);
        shash_add(&reach->members, m->name, member);
    }
    if (!shares_find(next, m->name)) {
        member->run = 0;
    } else if (member->run != m->run) {
        member->run = m->run;
        member->since_ms = now_ms;
    }
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

/* Notes who says nothing any more of the host, or is not in the list. */
static void
heed_silence(struct reach_host *host, const char *name,
             const struct shares_member *members, size_t n, int64_t now_ms)
{
    struct shash_node *node;

    SHASH_FOR_EACH_SAFE (node, &host->entries) {
        const struct shares_member *m = find_member(members, n, node->name);
        struct reach_entry *entry = node->data;

        if (m && entry->said && !says(m, name)) {
            entry->said = false;
            entry->since_ms = now_ms;
        }
        if (!m || (!entry->said
                   && now_ms >= entry->since_ms + REACH_BACK_MS)) {
            free(entry);
            shash_delete(&host->entries, node);
        }
    }
}

/* What follows.  ---------------------------------------------------------- */

/* Returns for how long the member, which has a share, has reached the host;
 * -1: it does not.  One whose list is full may not say of all. */
static int64_t
reached_for(const struct reach *reach, const struct reach_host *host,
            const struct shares_member *m, int64_t now_ms)
{
    const struct reach_member *member = shash_find_data(&reach->members,
                                                        m->name);
    const struct reach_entry *entry = shash_find_data(&host->entries, m->name);

    if ((entry && entry->said)
        || (m->unreachable
            && sset_count(m->unreachable) >= REACH_HOSTS_MAX)) {
        return -1;
    }
    return now_ms - MAX(member->since_ms, entry ? entry->since_ms : 0);
}

/* Decides who is excluded.  A member that has been, and can reach the host
 * again, has it back at once if no other one can. */
static void
decide(const struct reach *reach, struct reach_host *host,
       const struct shares_member *members, size_t n, int64_t now_ms,
       const struct shares *next)
{
    bool is_reached = false, is_held = true;
    struct shash_node *node;

    for (size_t i = 0; i < n; i++) {
        const struct shares_member *m = &members[i];
        const struct reach_entry *entry = shash_find_data(&host->entries,
                                                          m->name);
        int64_t ms;

        if (shares_find(next, m->name)) {
            ms = reached_for(reach, host, m, now_ms);
            is_reached |= ms >= REACH_LOST_MS;
            is_held &= ms < 0 || (entry && entry->excluded);
        }
    }
    SHASH_FOR_EACH (node, &host->entries) {
        struct reach_entry *entry = node->data;

        if (!entry->said) {
            entry->excluded = entry->excluded && !is_held;
        } else if (is_reached && now_ms >= entry->since_ms + REACH_LOST_MS) {
            entry->excluded = true;
        }
    }
}

static void
exclude(const struct reach_host *host, const char *name, struct shares *next)
{
    for (size_t i = 0; i < next->n; i++) {
        const struct reach_entry *entry = shash_find_data(
            &host->entries, next->shares[i].name);

        if (entry && entry->excluded) {
            shares_exclude(next, name, next->shares[i].name);
        }
    }
}

static void
forget_members(struct reach *reach, const struct shares_member *members,
               size_t n)
{
    struct shash_node *node;

    SHASH_FOR_EACH_SAFE (node, &reach->members) {
        if (!find_member(members, n, node->name)) {
            free(node->data);
            shash_delete(&reach->members, node);
        }
    }
}

void
reach_ask(struct reach *reach, const struct shares *current,
          const struct shares_member *members, size_t n, int64_t now_ms,
          struct shares *next)
{
    const struct shash_node **nodes;
    struct shash_node *node;
    size_t n_hosts;

    heed_current(reach, current, now_ms);
    for (size_t i = 0; i < n; i++) {
        heed_member(reach, &members[i], next, now_ms);
    }
    SHASH_FOR_EACH_SAFE (node, &reach->hosts) {
        struct reach_host *host = node->data;

        heed_silence(host, node->name, members, n, now_ms);
        if (shash_is_empty(&host->entries)) {
            delete_host(reach, node);
        } else {
            decide(reach, host, members, n, now_ms, next);
        }
    }
    n_hosts = shash_count(&reach->hosts);
    nodes = shash_sort(&reach->hosts);
    for (size_t i = 0; i < n_hosts; i++) {
        exclude(nodes[i]->data, nodes[i]->name, next);
    }
    free(nodes);
    forget_members(reach, members, n);
}
