/* SPDX-License-Identifier: Apache-2.0
 *
 * Deletions: those of the request, those of a prune, and their cascades.  A
 * cascade removes references to deleted rows from the rows that have them, and
 * deletes only rows that require one: deleting a group that is a peer in a
 * policy must not delete the policy, whose isolation protects others. */

#include <config.h>

#include "controller/model/cascade.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "controller/model/model-class.h"
#include "controller/model/rights.h"
#include "controller/model/row-index.h"
#include "controller/model/txn.h"
#include "controller/schema/schema-row.h"
#include "sset.h"
#include "util.h"

/* Deletes 'entry', which follows from 'cause', or is what that deletes (NULL:
 * a prune does, or a report of a host goes with its object).  Objects that
 * refer to it are handled later. */
static void
delete_entry(struct txn *txn, struct entry *entry, bool cascade,
             const struct model_op *cause)
{
    entry->cascade |= cascade;
    entry->cause = cause;
    txn_set(txn, entry, NULL);
}

/* What is deleted.  ------------------------------------------------------- */

static void
prune(struct txn *txn, enum vmn_table table)
{
    struct model *model = txn->model;
    const struct name_set *set = index_get(model, INDEX_SET + table,
                                           txn->request->prune_set);
    struct sset names;
    const char *name;

    /* A copy, since the set changes meanwhile. */
    sset_init(&names);
    for (size_t i = 0; i < set->n; i++) {
        sset_add(&names, set->names[i]);
        model_yield(model);
    }
    SSET_FOR_EACH (name, &names) {
        struct entry *entry = model_find(model, table, name);

        /* The account must not remove objects of others from the set, such as
         * accounts, nor do they prevent the prune. */
        if (entry_row(entry) && !entry->op
            && model_may_change(txn->request->rights, entry_row(entry))) {
            delete_entry(txn, entry, false, NULL);
        }
        model_yield(model);
    }
    sset_destroy(&names);
}

/* What follows.  ---------------------------------------------------------- */

/* An entry whose references are looked at. */
struct look {
    const struct txn *txn;
    const struct model_op *cause; /* Of those that deleted what it refers to,
                                   * the one that may change least, or
                                   * NULL. */
};

/* Returns true if 'a' may change less than 'b', which may be NULL. */
static bool
is_stricter(const struct model_op *a, const struct model_op *b)
{
    return a->cascade_since && (!b || !b->cascade_since
                                || a->cascade_since < b->cascade_since);
}

/* Returns true if the row does not exist.  If rows refer to it, this request
 * deletes it. */
static bool
is_gone(void *look_, enum vmn_table table, const char *name)
{
    const struct look *look = look_;

    return !model_get(look->txn->model, table, name);
}

/* Returns true if the row does not exist and references to it are to be
 * removed. */
static bool
is_gone_by_cascade(void *look_, enum vmn_table table, const char *name)
{
    struct look *look = look_;
    const struct entry *entry = model_find(look->txn->model, table, name);

    if (!entry || entry->cur || !entry->cascade) {
        return false;
    }
    if (entry->cause && is_stricter(entry->cause, look->cause)) {
        look->cause = entry->cause;
    }
    return true;
}

/* Has 'look' know of all that a row refers to: it is deleted for the first
 * that it requires. */
static void
look_at_ref(void *look, enum vmn_table table, const char *name,
            const struct schema_field *field OVS_UNUSED,
            const char *pointer OVS_UNUSED)
{
    is_gone_by_cascade(look, table, name);
}

/* Reports that 'entry', which follows from 'cause', came or was changed after
 * that was written. */
static void
check_since(struct txn *txn, const struct entry *entry,
            const struct model_op *cause, const char *verb)
{
    const struct version *was = entry->touched ? entry->before : entry->cur;
    char when[40] = "";

    if (!cause || !was || was->meta.revision <= cause->cascade_since) {
        return;
    }
    if (txn->errors->n >= VMN_ERRORS_MAX) {
        txn_op_error(txn, cause, VMN_ERR_CONFLICT, "", "counts alone");
        return;
    }
    if (txn_shows(txn, entry->table, entry->name)) {
        snprintf(when, sizeof when, ", in revision %"PRIu64,
                 was->meta.revision);
    }
    txn_op_error(txn, cause, VMN_ERR_CONFLICT, "", "%s, which would be %s as "
                 "well, has come or was changed since%s",
                 txn_name(txn, entry->table, entry->name), verb, when);
}

/* Removes references to deleted rows from 'entry', or deletes it if it
 * requires one of them. */
static void
strip(struct txn *txn, struct entry *entry, schema_is_gone_cb *gone)
{
    const struct version *old = entry->cur;
    struct look look = { .txn = txn };
    json_t *spec = schema_row_strip(old->row, gone, &look);

    if (!spec) {
        if (gone == is_gone_by_cascade) {
            schema_row_refs(old->row, look_at_ref, &look);
        }
        check_since(txn, entry, look.cause, "deleted");
        delete_entry(txn, entry, true, look.cause);
        return;
    }

    struct version *version = version_create();
    version->row = schema_row_parse_stored(
        model_table(txn->model, entry->table), entry->name, spec, "",
        &version->arena, txn->errors);
    json_decref(spec);
    if (!version->row || schema_row_same_spec(version->row, old->row)) {
        version_destroy(txn->model, version);
        return;
    }
    check_since(txn, entry, look.cause, "changed");
    version->meta.set = old->meta.set
                        ? arena_strdup(&version->arena, old->meta.set) : NULL;
    version_keep(txn->model, version, old);
    txn_set(txn, entry, version);
}

/* Adds the rows of 'table' that refer to a deleted row to 'names'. */
static void
find_referrers(const struct txn *txn, enum vmn_table table,
               struct sset *names)
{
    sset_init(names);
    for (size_t i = 0; i < txn->n_touched; i++) {
        const struct entry *entry = txn->touched[i];

        model_yield(txn->model);
        if (entry->cur || !entry->before) {
            continue;
        }

        const struct name_set *set = index_get(
            txn->model, index_refs(entry->table, table), entry->name);
        for (size_t j = 0; j < set->n; j++) {
            sset_add(names, set->names[j]);
        }
    }
}

/* Handles each row of 'table' once, however many of its references are gone.
 * Reports of hosts never keep an object from being deleted, with or without a
 * cascade: a binding goes with its active host, and a candidate, or a former
 * host, is only removed from it.  What the request itself writes is left to
 * the checks. */
static void
follow(struct txn *txn, enum vmn_table table)
{
    bool observed = schema_tables[table]->observed;
    struct sset names;
    const char *name;

    find_referrers(txn, table, &names);
    SSET_FOR_EACH (name, &names) {
        struct entry *entry = model_find(txn->model, table, name);

        if (!entry->op || entry->op->kind == MODEL_DELETE) {
            strip(txn, entry, observed ? is_gone : is_gone_by_cascade);
        }
        model_yield(txn->model);
    }
    sset_destroy(&names);
}

static bool
deletes_something(const struct txn *txn)
{
    for (size_t i = 0; i < txn->n_touched; i++) {
        if (!txn->touched[i]->cur && txn->touched[i]->before) {
            return true;
        }
        model_yield(txn->model);
    }
    return false;
}

/* Executes the DELETE operations of the request, and its prune.  References
 * that remain are reported by check_touched(). */
void
delete_asked(struct txn *txn)
{
    size_t n = txn->n_touched;

    for (size_t i = 0; i < n; i++) {
        struct entry *entry = txn->touched[i];

        if (entry->cur && entry->op && entry->op->kind == MODEL_DELETE) {
            delete_entry(txn, entry, entry->op->cascade, entry->op);
        }
        model_yield(txn->model);
    }
    for (int i = 0; txn->request->prune_set && i < VMN_N_TABLES; i++) {
        prune(txn, i);
    }
    if (!deletes_something(txn)) {
        return;
    }
    /* Rows refer only to rows of tables before their own. */
    for (int i = 0; i < VMN_N_TABLES; i++) {
        follow(txn, i);
    }
}
