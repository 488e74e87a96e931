/* SPDX-License-Identifier: Apache-2.0
 *
 * Deletions: those of the request, those of a prune, and their cascades.  A
 * cascade removes references to deleted rows from the rows that have them, and
 * deletes only rows that require one: deleting a group that is a peer in a
 * policy must not delete the policy, whose isolation protects others. */

#include <config.h>

#include "controller/model/cascade.h"

#include <string.h>

#include "controller/model/model-class.h"
#include "controller/model/rights.h"
#include "controller/model/row-index.h"
#include "controller/model/txn.h"
#include "controller/schema/schema-row.h"
#include "sset.h"
#include "util.h"

/* Deletes 'entry'.  Objects that refer to it are handled later. */
static void
delete_entry(struct txn *txn, struct entry *entry, bool cascade)
{
    entry->cascade |= cascade;
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

        /* The account must not remove objects of others from the set, nor do
         * they prevent the prune. */
        if (entry_row(entry) && !entry->op
            && rights_own(txn->request->rights, entry_row(entry))) {
            delete_entry(txn, entry, false);
        }
        model_yield(model);
    }
    sset_destroy(&names);
}

/* What follows.  ---------------------------------------------------------- */

/* Returns true if the row does not exist.  If rows refer to it, this request
 * deletes it. */
static bool
is_gone(void *txn_, enum vmn_table table, const char *name)
{
    const struct txn *txn = txn_;

    return !model_get(txn->model, table, name);
}

/* Returns true if the row does not exist and references to it are to be
 * removed. */
static bool
is_gone_by_cascade(void *txn_, enum vmn_table table, const char *name)
{
    const struct txn *txn = txn_;
    const struct entry *entry = model_find(txn->model, table, name);

    return entry && !entry->cur && entry->cascade;
}

/* Removes references to deleted rows from 'entry', or deletes it if it
 * requires one of them. */
static void
strip(struct txn *txn, struct entry *entry, schema_is_gone_cb *gone)
{
    const struct version *old = entry->cur;
    json_t *spec = schema_row_strip(old->row, gone, txn);

    if (!spec) {
        delete_entry(txn, entry, true);
        return;
    }

    struct version *version = version_create();
    version->row = schema_row_parse(model_table(txn->model, entry->table),
                                    entry->name, spec, "", &version->arena,
                                    txn->errors);
    json_decref(spec);
    if (!version->row || schema_row_same_spec(version->row, old->row)) {
        version_destroy(txn->model, version);
        return;
    }
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
 * cascade: a binding goes with its active host, and a candidate is only
 * removed from it.  What the request itself writes is left to the checks. */
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

/* Executes the DELETE operations of the request, and its prune.  References
 * that remain are reported by check_touched(). */
void
delete_asked(struct txn *txn)
{
    size_t n = txn->n_touched;

    for (size_t i = 0; i < n; i++) {
        struct entry *entry = txn->touched[i];

        if (entry->cur && entry->op && entry->op->kind == MODEL_DELETE) {
            delete_entry(txn, entry, entry->op->cascade);
        }
        model_yield(txn->model);
    }
    for (int i = 0; txn->request->prune_set && i < VMN_N_TABLES; i++) {
        prune(txn, i);
    }
    /* Rows refer only to rows of tables before their own. */
    for (int i = 0; i < VMN_N_TABLES; i++) {
        follow(txn, i);
    }
}
