/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts what quotas are about; see quota-usage.h.
 *
 * Most scopes are "project=shop": such a counter is found by that label of a
 * row, so a change costs as much as its row has labels, however many quotas
 * there are.  The others are tried one by one. */

#include <config.h>

#include "controller/model/quota-usage.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/model-class.h"
#include "controller/model/model-private.h"
#include "controller/model/row-checks.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/selector.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/shash.h"
#include "util.h"

struct usage_counter {
    char *name;                 /* The quota's. */
    struct arena arena;         /* Holds what 'scope' points to. */
    struct vmn_selector scope;
    bool counted;               /* If false, 'counts' is not valid. */
    struct model_usage counts;
    char *label;                /* "KEY=VALUE" that all rows in its scope have,
                                 * or NULL. */
    struct hmap_node label_node; /* In struct usage's 'by_label', if 'label' is
                                  * not NULL. */
    struct ovs_list other_node; /* Otherwise, in 'others'. */
};

struct usage {
    const struct model_class *const *classes; /* By enum vmn_table. */
    struct shash counters;      /* struct usage_counter, by quota. */
    struct hmap by_label;       /* Counters with 'label', by its hash. */
    struct ovs_list others;
    bool stale;                 /* Some counters are not counted yet. */
    bool memberships_stale;     /* Memberships are not counted. */
};

struct usage *
usage_create(const struct model_class *const *classes)
{
    struct usage *usage = xzalloc(sizeof *usage);

    usage->classes = classes;
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

/* Returns a label that all rows in 'scope' have, as "KEY=VALUE", or NULL.  The
 * caller frees it. */
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
counter_create(struct usage *usage, const char *name, const char *scope)
{
    struct usage_counter *counter = xzalloc(sizeof *counter);

    counter->name = xstrdup(name);
    arena_init(&counter->arena);
    /* It was checked when the row was written. */
    selector_parse(scope, strlen(scope), &counter->arena, &counter->scope,
                   NULL);
    counter->label = find_label(&counter->scope);
    if (counter->label) {
        hmap_insert(&usage->by_label, &counter->label_node,
                    hash_string(counter->label, 0));
    } else {
        ovs_list_push_back(&usage->others, &counter->other_node);
    }
    shash_add(&usage->counters, counter->name, counter);
    usage->stale = usage->memberships_stale = true;
}

/* Has a counter of 'name' for what 'scope' selects, in the place of one for
 * 'former'.  NULL: none. */
static void
counter_change(struct usage *usage, const char *name, const char *former,
               const char *scope)
{
    if (former && scope && !strcmp(former, scope)) {
        return;
    }
    if (former) {
        struct usage_counter *counter = shash_find_and_delete(
            &usage->counters, name);

        if (counter) {
            counter_destroy(usage, counter);
        }
    }
    if (scope) {
        counter_create(usage, name, scope);
    }
}

static const char *
quota_scope(const struct vmn_row *row)
{
    const struct vmn_quota *quota = (const struct vmn_quota *) row;

    return quota ? quota->scope.text ? quota->scope.text : "" : NULL;
}

void
usage_quota_changed(struct usage *usage, const struct vmn_row *before,
                    const struct vmn_row *after)
{
    counter_change(usage, (before ? before : after)->name,
                   quota_scope(before), quota_scope(after));
}

static const char *
account_scope(const struct vmn_row *row)
{
    const struct vmn_account *account = (const struct vmn_account *) row;

    return account ? account->scope.text : NULL;
}

void
usage_account_changed(struct usage *usage, const struct vmn_row *before,
                      const struct vmn_row *after)
{
    char name[MODEL_DEFAULT_QUOTA_SIZE];

    usage_account_name(name, (before ? before : after)->name);
    counter_change(usage, name, account_scope(before), account_scope(after));
}

void
usage_account_name(char name[MODEL_DEFAULT_QUOTA_SIZE], const char *account)
{
    snprintf(name, MODEL_DEFAULT_QUOTA_SIZE, "account/%s", account);
}

/* Returns the bytes of the row's name and spec. */
static size_t
size_of(const struct vmn_row *row)
{
    struct ds spec = DS_EMPTY_INITIALIZER;
    size_t size;

    schema_row_print_spec(row, &spec);
    size = strlen(row->name) + spec.length;
    ds_destroy(&spec);
    return size;
}

void
usage_add(const struct usage *usage, struct model_usage *counts,
          const struct vmn_row *row, int sign)
{
    const struct model_class *class = usage->classes[row->table];
    const struct vmn_labels *labels = schema_row_labels(row);
    struct model_usage used = { .addresses = 0 };

    if (class->count) {
        class->count(row, &used);
    }
    counts->objects[row->table] += sign;
    counts->addresses += sign * used.addresses;
    counts->members += sign * used.members;
    counts->rules += sign * used.rules;
    counts->fqdns += sign * used.fqdns;
    counts->object_labels += sign * (int64_t) (labels ? labels->n : 0);
    counts->bytes += sign * (int64_t) size_of(row);
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

    if (schema_tables[row->table]->observed
        || schema_tables[row->table]->unscoped) {
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
    const struct usage *usage;
    const struct vmn_row *row;
    int sign;
    bool counted;               /* Whether 'row' counts for counters that are
                                 * counted, or for the others. */
};

static void
counter_add(void *addition_, struct usage_counter *counter)
{
    const struct addition *addition = addition_;

    if (counter->counted == addition->counted) {
        usage_add(addition->usage, &counter->counts, addition->row,
                  addition->sign);
    }
}

/* Adds 'row' times 'sign' to the counters whose 'counted' equals this. */
static void
count_row(struct usage *usage, const struct vmn_row *row, int sign,
          bool counted)
{
    struct addition addition = { usage, row, sign, counted };

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

static void
find_widest(void *widest_, struct usage_counter *counter)
{
    const struct vmn_selector **widest = widest_;
    const struct vmn_selector *scope = &counter->scope;

    if (strchr(counter->name, '/') && scope->n_terms
        && (!*widest || scope->n_terms < (*widest)->n_terms
            || (scope->n_terms == (*widest)->n_terms
                && strcmp(scope->text, (*widest)->text) < 0))) {
        *widest = scope;
    }
}

const char *
usage_scope_of(const struct usage *usage, const struct vmn_row *row)
{
    const struct vmn_selector *widest = NULL;

    each_counter(usage, row, find_widest, &widest);
    return widest ? widest->text : NULL;
}

void
usage_change(struct usage *usage, const struct vmn_row *before,
             const struct vmn_row *after)
{
    const struct vmn_row *row = before ? before : after;

    usage->memberships_stale |= (row && (row->table == VMN_TABLE_GROUP
                                         || row->table == VMN_TABLE_PORT));
    if (row && usage->classes[row->table]->changed) {
        usage->classes[row->table]->changed(usage, before, after);
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
            model_yield(model);
        }
    }
    SHASH_FOR_EACH (node, &usage->counters) {
        struct usage_counter *counter = node->data;

        counter->counted = true;
    }
    usage->stale = false;
}

static void
add_memberships(void *n, struct usage_counter *counter)
{
    counter->counts.memberships += *(const int64_t *) n;
}

void
usage_count_memberships(struct usage *usage, const struct model *model)
{
    struct vmn_names names = model_names(model, VMN_TABLE_GROUP);
    struct shash_node *node;

    if (!usage->memberships_stale) {
        return;
    }
    SHASH_FOR_EACH (node, &usage->counters) {
        struct usage_counter *counter = node->data;

        counter->counts.memberships = 0;
    }
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_row *row = model_get(model, VMN_TABLE_GROUP,
                                              names.names[i]);
        int64_t n = memberships_of(model, row);

        each_counter(usage, row, add_memberships, &n);
    }
    usage->memberships_stale = false;
}

const struct model_usage *
usage_get(const struct usage *usage, const char *name)
{
    const struct usage_counter *counter = shash_find_data(&usage->counters,
                                                          name);

    return counter && counter->counted ? &counter->counts : NULL;
}
