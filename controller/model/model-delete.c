/* SPDX-License-Identifier: Apache-2.0
 *
 * Deletions: what is asked for, what goes with it, and what a prune takes. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "controller/model/model-private.h"
#include "controller/schema/schema-row.h"
#include "sset.h"
#include "util.h"

static void delete_entry(struct txn *, struct entry *, bool cascade);

/* The names of 'set', copied: it changes while they are worked on. */
static void
copy_names(const struct name_set *set, struct sset *copy)
{
    sset_init(copy);
    for (size_t i = 0; i < set->n; i++) {
        sset_add(copy, set->names[i]);
    }
}

/* Takes host 'host' away from a binding: the binding goes with its active
 * host, and a candidate is only forgotten. */
static void
unbind(struct txn *txn, struct entry *entry, const char *host)
{
    const struct vmn_binding *binding = entry_row(entry);

    if (!strcmp(binding->host, host)) {
        txn_set(txn, entry, NULL);
        return;
    }

    struct version *version = version_create();
    struct vmn_binding *copy = (struct vmn_binding *)
        schema_row_clone(&binding->row, &version->arena);

    copy->candidate = NULL;
    version->row = &copy->row;
    txn_set(txn, entry, version);
}

/* What hosts reported about something that is deleted never keeps it. */
static void
drop_observed(struct txn *txn, struct entry *entry,
              const struct entry *target)
{
    if (entry->op && entry->op->kind != MODEL_DELETE) {
        return;                 /* Reported anew: the check will tell. */
    }
    if (entry->table == VMN_TABLE_BINDING
        && target->table == VMN_TABLE_HOST) {
        unbind(txn, entry, target->name);
    } else {
        txn_set(txn, entry, NULL);
    }
}

static void
delete_referrers(struct txn *txn, const struct entry *target,
                 enum vmn_table table, bool cascade)
{
    struct model *model = txn->model;
    struct sset names;
    const char *name;

    copy_names(index_get(model, index_refs(target->table, table),
                         target->name), &names);
    SSET_FOR_EACH (name, &names) {
        struct entry *entry = model_find(model, table, name);

        if (!entry_row(entry)) {
            continue;           /* Went with another one. */
        }
        if (schema_tables[table].observed) {
            drop_observed(txn, entry, target);
        } else if (cascade
                   && !(entry->op && entry->op->kind != MODEL_DELETE)) {
            delete_entry(txn, entry, true);
        }
    }
    sset_destroy(&names);
}

/* Deletes 'entry' and what must or may go with it.  References between tables
 * have no cycle, so this ends. */
static void
delete_entry(struct txn *txn, struct entry *entry, bool cascade)
{
    for (int i = 0; i < VMN_N_TABLES; i++) {
        delete_referrers(txn, entry, i, cascade);
    }
    txn_set(txn, entry, NULL);
}

static void
prune(struct txn *txn, enum vmn_table table)
{
    struct model *model = txn->model;
    struct sset names;
    const char *name;

    copy_names(index_get(model, INDEX_SET + table, txn->request->prune_set),
               &names);
    SSET_FOR_EACH (name, &names) {
        struct entry *entry = model_find(model, table, name);

        if (entry_row(entry) && !entry->op) {
            delete_entry(txn, entry, false);
        }
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
    }
    for (int i = 0; txn->request->prune_set && i < VMN_N_TABLES; i++) {
        prune(txn, i);
    }
}
