/* SPDX-License-Identifier: Apache-2.0
 *
 * What the rules of a policy or quarantine come to: a match for each prefix of
 * their peers, also of groups', and for each block of ports of their services.
 * Each is one flow or more in each routing domain, so a few rules that name
 * large groups and services would take all of vmnd's memory.
 *
 * Not for how many flows a host may have, which the engine counts
 * (engine/host-totals.c), nor for quotas (rules_cost()). */

#include <config.h>

#include <stdlib.h>

#include "controller/model/checks.h"
#include "controller/model/row-index.h"
#include "controller/model/txn.h"
#include "simap.h"
#include "sset.h"
#include "util.h"

#define TOO_MANY (CHECKS_MATCHES_MAX + 1)

/* More levels of groups are refused. */
#define LEVELS_MAX 64

struct counting {
    struct txn *txn;
    struct simap groups, services; /* What was counted already. */
    struct sset checked;        /* "TABLE/NAME" of policies and quarantines. */
};

/* Counting.  -------------------------------------------------------------- */

static size_t
count_group(struct counting *c, const char *name, int level)
{
    const struct vmn_group *group = model_get(c->txn->model, VMN_TABLE_GROUP,
                                              name);
    const struct simap_node *node = simap_find(&c->groups, name);
    size_t n;

    if (node || !group || level > LEVELS_MAX) {
        return node ? node->data : 0;
    }
    simap_put(&c->groups, name, 0);     /* In case of a circle. */
    n = group_prefixes(group);
    for (size_t i = 0; i < group->n_groups && n < TOO_MANY; i++) {
        n += count_group(c, group->groups[i], level + 1);
    }
    n = MIN(n, TOO_MANY);
    simap_put(&c->groups, name, n);
    return n;
}

static size_t
count_entry(const struct vmn_service_entry *entry)
{
    size_t n = 0;

    for (size_t i = 0; i < entry->n_ports; i++) {
        uint32_t port = entry->ports[i].first;

        for (; port <= entry->ports[i].last; n++) {
            vmn_range_mask(&port, entry->ports[i].last);
        }
    }
    return MAX(n, 1);
}

static size_t
count_service(struct counting *c, const char *name)
{
    const struct vmn_service *service = model_get(
        c->txn->model, VMN_TABLE_SERVICE, name);
    const struct simap_node *node = simap_find(&c->services, name);
    size_t n = 0;

    if (node || !service) {
        return node ? node->data : 0;
    }
    for (size_t i = 0; i < service->n_entries; i++) {
        n += count_entry(&service->entries[i]);
    }
    simap_put(&c->services, name, n);
    return n;
}

static size_t
count_rule(struct counting *c, const struct vmn_rule *rule)
{
    size_t n = 1;

    for (size_t i = 0; i < rule->n_peers && n < TOO_MANY; i++) {
        const struct vmn_peer *peer = &rule->peers[i];

        n += (peer->group ? count_group(c, peer->group, 0)
              : peer->cidr.ip.family ? peer_prefixes(peer, NULL) : 1);
    }
    for (size_t i = 0; i < rule->n_services && n < TOO_MANY; i++) {
        const struct vmn_rule_service *use = &rule->services[i];

        n += (use->service ? count_service(c, use->service)
              : count_entry(&use->inline_entry));
    }
    return n;
}

/* Checking.  -------------------------------------------------------------- */

/* Reports an object whose rules come to too much at 'entry', which is its own
 * or that of what it uses. */
static void
check_object(struct counting *c, const struct entry *entry,
             enum vmn_table table, const char *name)
{
    bool is_policy = table == VMN_TABLE_POLICY;
    const void *row = model_get(c->txn->model, table, name);
    const struct vmn_policy *policy = is_policy ? row : NULL;
    const struct vmn_quarantine *quarantine = is_policy ? NULL : row;
    size_t n_rules = (policy ? policy->n_rules
                      : quarantine ? quarantine->n_allow : 0);
    const char *what = is_policy ? "policy" : "quarantine";
    char *key = xasprintf("%s/%s", what, name);
    size_t n = 0;

    if (!sset_add(&c->checked, key)) {
        n_rules = 0;            /* It was checked. */
    }
    for (size_t i = 0; i < n_rules && n < TOO_MANY; i++) {
        n += count_rule(c, policy ? &policy->rules[i] : &quarantine->allow[i]);
    }
    free(key);
    model_yield(c->txn->model);
    if (n < TOO_MANY) {
        return;
    } else if (entry->table == table) {
        txn_error(c->txn, entry, VMN_ERR_INVALID,
                  is_policy ? "/rules" : "/allow",
                  "must come to at most %d matches: each prefix of a peer is "
                  "one, and each block of ports of a service",
                  CHECKS_MATCHES_MAX);
    } else {
        txn_error(c->txn, entry, VMN_ERR_INVALID, "",
                  "the rules of %s would come to more than %d matches with it",
                  txn_name(c->txn, table, name), CHECKS_MATCHES_MAX);
    }
}

/* Checks policies and quarantines that refer to a group or service, and those
 * that refer to groups which have the group. */
static void
check_users(struct counting *c, const struct entry *entry, const char *name,
            int level)
{
    static const enum vmn_table tables[] = { VMN_TABLE_POLICY,
                                             VMN_TABLE_QUARANTINE };
    const struct name_set *users;

    for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
        users = index_get(c->txn->model, index_refs(entry->table, tables[i]),
                          name);
        for (size_t j = 0; j < users->n; j++) {
            check_object(c, entry, tables[i], users->names[j]);
        }
    }
    if (entry->table != VMN_TABLE_GROUP || level > LEVELS_MAX) {
        return;
    }
    users = index_get(c->txn->model, index_refs(VMN_TABLE_GROUP,
                                                VMN_TABLE_GROUP), name);
    for (size_t i = 0; i < users->n; i++) {
        char *key = xasprintf("group/%s", users->names[i]);

        if (sset_add(&c->checked, key)) {
            check_users(c, entry, users->names[i], level + 1);
        }
        free(key);
    }
}

static void
check_table(struct counting *c, enum vmn_table table)
{
    size_t n;
    struct entry **entries = txn_changed(c->txn, table, &n);

    for (size_t i = 0; i < n; i++) {
        const char *name = entries[i]->name;

        if (!entries[i]->op) {
            continue;           /* By a deletion, which makes it smaller. */
        }
        if (table == VMN_TABLE_POLICY || table == VMN_TABLE_QUARANTINE) {
            check_object(c, entries[i], table, name);
        } else if (table == VMN_TABLE_SERVICE || count_group(c, name, 0)) {
            check_users(c, entries[i], name, 0);
        }
    }
    free(entries);
}

void
check_matches(struct txn *txn)
{
    struct counting c = { .txn = txn };

    simap_init(&c.groups);
    simap_init(&c.services);
    sset_init(&c.checked);
    check_table(&c, VMN_TABLE_POLICY);
    check_table(&c, VMN_TABLE_QUARANTINE);
    check_table(&c, VMN_TABLE_SERVICE);
    check_table(&c, VMN_TABLE_GROUP);
    sset_destroy(&c.checked);
    simap_destroy(&c.services);
    simap_destroy(&c.groups);
}
