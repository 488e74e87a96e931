/* SPDX-License-Identifier: Apache-2.0
 *
 * Deletions: what is asked for, what a prune takes, and what follows.
 *
 * A cascade takes references to what is deleted out of what refers to it, and
 * deletes only what cannot be without: deleting a group that is a peer in a
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

/* Deletes 'entry'.  What refers to it is seen to later. */
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

    /* Copied: it changes while they are worked on. */
    sset_init(&names);
    for (size_t i = 0; i < set->n; i++) {
        sset_add(&names, set->names[i]);
        model_yield(model);
    }
    SSET_FOR_EACH (name, &names) {
        struct entry *entry = model_find(model, table, name);

        /* Others' are not the account's to take out of the set, nor may they
         * be in its way. */
        if (entry_row(entry) && !entry->op
            && rights_own(txn->request->rights, entry_row(entry))) {
            delete_entry(txn, entry, false);
        }
        model_yield(model);
    }
    sset_destroy(&names);
}

/* What follows.  ---------------------------------------------------------- */

/* True if the row is not there, which for a row that is referred to means
 * that this request deletes it. */
static bool
is_gone(void *txn_, enum vmn_table table, const char *name)
{
    const struct txn *txn = txn_;

    return !model_get(txn->model, table, name);
}

/* The same, if references to it are to be taken out. */
static bool
is_gone_by_cascade(void *txn_, enum vmn_table table, const char *name)
{
    const struct txn *txn = txn_;
    const struct entry *entry = model_find(txn->model, table, name);

    return entry && !entry->cur && entry->cascade;
}

/* Takes the references that are gone out of 'entry', or deletes it where it
 * cannot be without. */
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
    version->row = schema_row_parse(schema_tables[entry->table],
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

/* The rows of 'table' that refer to something that was deleted. */
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

/* Each row is worked on once, whatever number of its references are gone.
 * What hosts reported about something that is deleted never keeps it, cascade
 * or not: a binding goes with its active host, and a candidate is only
 * forgotten.  What the request itself writes is left to the checks. */
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

/* Carries out the DELETE operations of the request, and its prune.  What is
 * still referred to afterwards is found by check_touched(). */
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
    /* Tables refer only to tables before them. */
    for (int i = 0; i < VMN_N_TABLES; i++) {
        follow(txn, i);
    }
}
