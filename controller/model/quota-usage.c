/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts what quotas are about; see usage.h.
 *
 * Most scopes are "project=shop": such a counter is found by that label of a
 * row, so a change costs as much as its row has labels, however many quotas
 * there are.  The others are tried one by one. */

#include <config.h>

#include "controller/model/quota-usage.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/model-private.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/selector.h"
#include "hash.h"
#include "openvswitch/shash.h"
#include "util.h"

struct usage_counter {
    char *name;                 /* The quota's. */
    struct arena arena;         /* Of 'scope'. */
    struct vmn_selector scope;
    bool counted;               /* Else 'counts' is nothing. */
    struct model_usage counts;
    char *label;                /* "KEY=VALUE", which all rows in its scope
                                 * have, or NULL. */
    struct hmap_node label_node; /* In struct usage's 'by_label', if so. */
    struct ovs_list other_node; /* Else in 'others'. */
};

struct usage {
    struct shash counters;      /* struct usage_counter, by quota. */
    struct hmap by_label;       /* Those with 'label', by its hash. */
    struct ovs_list others;
    bool stale;                 /* Some are not counted. */
};

struct usage *
usage_create(void)
{
    struct usage *usage = xzalloc(sizeof *usage);

    shash_init(&usage->counters);
    hmap_init(&usage->by_label);
    ovs_list_init(&usage->others);
    return usage;
}

static void
counter_destroy(struct usage *usage, struct usage_counter *counter)
{
    if (counter->label) {
        hmap_remove(&usage->by_label, &counter->label_node);
    } else {
        ovs_list_remove(&counter->other_node);
    }
    arena_uninit(&counter->arena);
    free(counter->label);
    free(counter->name);
    free(counter);
}

void
usage_destroy(struct usage *usage)
{
    struct shash_node *node, *next;

    if (!usage) {
        return;
    }
    SHASH_FOR_EACH_SAFE (node, next, &usage->counters) {
        counter_destroy(usage, node->data);
        shash_delete(&usage->counters, node);
    }
    shash_destroy(&usage->counters);
    hmap_destroy(&usage->by_label);
    free(usage);
}

/* A label that all rows in 'scope' have, as "KEY=VALUE", or NULL. */
static char *
find_label(const struct vmn_selector *scope)
{
    for (size_t i = 0; i < scope->n_terms; i++) {
        const struct vmn_selector_term *term = &scope->terms[i];

        if (term->op == VMN_SEL_IN && term->n_values == 1) {
            return xasprintf("%s=%s", term->key, term->values[0]);
        }
    }
    return NULL;
}

static void
counter_create(struct usage *usage, const struct vmn_quota *quota)
{
    struct usage_counter *counter = xzalloc(sizeof *counter);
    const char *text = quota->scope.text ? quota->scope.text : "";

    counter->name = xstrdup(quota->row.name);
    arena_init(&counter->arena);
    /* It was well-formed in the row. */
    free(selector_parse(text, strlen(text), &counter->arena,
                        &counter->scope));
    counter->label = find_label(&counter->scope);
    if (counter->label) {
        hmap_insert(&usage->by_label, &counter->label_node,
                    hash_string(counter->label, 0));
    } else {
        ovs_list_push_back(&usage->others, &counter->other_node);
    }
    shash_add(&usage->counters, counter->name, counter);
    usage->stale = true;
}

static void
quota_change(struct usage *usage, const struct vmn_quota *before,
             const struct vmn_quota *after)
{
    if (before && after && !strcmp(before->row.name, after->row.name)
        && nullable_string_is_equal(before->scope.text, after->scope.text)) {
        return;
    }
    if (before) {
        struct usage_counter *counter = shash_find_and_delete(
            &usage->counters, before->row.name);

        if (counter) {
            counter_destroy(usage, counter);
        }
    }
    if (after) {
        counter_create(usage, after);
    }
}

/* What rows use up.  ------------------------------------------------------ */

static int64_t
addresses_of(const struct vmn_row *row)
{
    if (row->table == VMN_TABLE_PORT) {
        const struct vmn_port *port = (const struct vmn_port *) row;

        return port->n_ips + port->n_allowed_addresses;
    }
    return (row->table == VMN_TABLE_LOADBALANCER
            || row->table == VMN_TABLE_FLOATING_IP);
}

static int64_t
members_of(const struct vmn_row *row)
{
    if (row->table == VMN_TABLE_GROUP) {
        const struct vmn_group *group = (const struct vmn_group *) row;

        return (group->n_ports + group->n_groups + group->n_cidrs
                + group->n_except);
    } else if (row->table == VMN_TABLE_QUARANTINE) {
        return ((const struct vmn_quarantine *) row)->n_ports;
    } else if (row->table == VMN_TABLE_LOADBALANCER) {
        return ((const struct vmn_loadbalancer *) row)->n_backends;
    } else if (row->table == VMN_TABLE_DNS_ZONE) {
        return ((const struct vmn_dns_zone *) row)->n_records;
    } else if (row->table == VMN_TABLE_SERVICE) {
        return ((const struct vmn_service *) row)->n_entries;
    } else if (row->table == VMN_TABLE_ROUTER) {
        return ((const struct vmn_router *) row)->external.n_forwards;
    }
    return 0;
}

/* A rule counts once for each peer and each service that it names. */
static int64_t
rules_cost(const struct vmn_rule *rules, size_t n)
{
    int64_t cost = n;

    for (size_t i = 0; i < n; i++) {
        cost += rules[i].n_peers + rules[i].n_services;
    }
    return cost;
}

static int64_t
rules_of(const struct vmn_row *row)
{
    if (row->table == VMN_TABLE_POLICY) {
        const struct vmn_policy *policy = (const struct vmn_policy *) row;

        return rules_cost(policy->rules, policy->n_rules);
    } else if (row->table == VMN_TABLE_QUARANTINE) {
        const struct vmn_quarantine *quarantine
            = (const struct vmn_quarantine *) row;

        return rules_cost(quarantine->allow, quarantine->n_allow);
    } else if (row->table == VMN_TABLE_ROUTER) {
        return ((const struct vmn_router *) row)->n_routes;
    }
    return 0;
}

void
usage_add(struct model_usage *counts, const struct vmn_row *row, int sign)
{
    counts->objects[row->table] += sign;
    counts->addresses += sign * addresses_of(row);
    counts->members += sign * members_of(row);
    counts->rules += sign * rules_of(row);
}

/* Counting.  -------------------------------------------------------------- */

/* Calls 'cb' for each counter whose scope selects 'row'. */
static void
each_counter(const struct usage *usage, const struct vmn_row *row,
             void (*cb)(void *aux, struct usage_counter *), void *aux)
{
    static const struct vmn_labels none = { 0, NULL };
    const struct vmn_labels *labels = schema_row_labels(row);
    struct usage_counter *counter;

    if (schema_tables[row->table].observed
        || schema_tables[row->table].unscoped) {
        return;
    }
    labels = labels ? labels : &none;
    for (size_t i = 0; i < labels->n
                       && !hmap_is_empty(&usage->by_label); i++) {
        char *label = xasprintf("%s=%s", labels->labels[i].key,
                                labels->labels[i].value);

        HMAP_FOR_EACH_WITH_HASH (counter, label_node, hash_string(label, 0),
                                 &usage->by_label) {
            if (!strcmp(counter->label, label)
                && vmn_selector_matches(&counter->scope, labels)) {
                cb(aux, counter);
            }
        }
        free(label);
    }
    LIST_FOR_EACH (counter, other_node, &usage->others) {
        if (vmn_selector_matches(&counter->scope, labels)) {
            cb(aux, counter);
        }
    }
}

struct addition {
    const struct vmn_row *row;
    int sign;
    bool counted;               /* For counters that are, else for others. */
};

static void
counter_add(void *addition_, struct usage_counter *counter)
{
    const struct addition *addition = addition_;

    if (counter->counted == addition->counted) {
        usage_add(&counter->counts, addition->row, addition->sign);
    }
}

/* Counts 'row' for those counters that are 'counted', or are not. */
static void
count_row(struct usage *usage, const struct vmn_row *row, int sign,
          bool counted)
{
    struct addition addition = { row, sign, counted };

    each_counter(usage, row, counter_add, &addition);
}

struct naming {
    void (*cb)(void *aux, const char *quota);
    void *aux;
};

static void
name_counter(void *naming_, struct usage_counter *counter)
{
    const struct naming *naming = naming_;

    naming->cb(naming->aux, counter->name);
}

void
usage_each_of(const struct usage *usage, const struct vmn_row *row,
              void (*cb)(void *aux, const char *quota), void *aux)
{
    struct naming naming = { cb, aux };

    each_counter(usage, row, name_counter, &naming);
}

void
usage_change(struct usage *usage, const struct vmn_row *before,
             const struct vmn_row *after)
{
    const struct vmn_row *row = before ? before : after;

    if (row && row->table == VMN_TABLE_QUOTA) {
        quota_change(usage, (const struct vmn_quota *) before,
                     (const struct vmn_quota *) after);
    } else if (!shash_is_empty(&usage->counters)) {
        if (before) {
            count_row(usage, before, -1, true);
        }
        if (after) {
            count_row(usage, after, 1, true);
        }
    }
}

void
usage_refresh(struct usage *usage, const struct model *model)
{
    struct shash_node *node;

    if (!usage->stale) {
        return;
    }
    for (int t = 0; t < VMN_N_TABLES; t++) {
        struct vmn_names names = model_names(model, t);

        for (size_t i = 0; i < names.n; i++) {
            count_row(usage, model_get(model, t, names.names[i]), 1, false);
        }
    }
    SHASH_FOR_EACH (node, &usage->counters) {
        struct usage_counter *counter = node->data;

        counter->counted = true;
    }
    usage->stale = false;
}

const struct model_usage *
usage_get(const struct usage *usage, const char *name)
{
    const struct usage_counter *counter = shash_find_data(&usage->counters,
                                                          name);

    return counter && counter->counted ? &counter->counts : NULL;
}
