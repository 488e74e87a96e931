/* SPDX-License-Identifier: Apache-2.0
 *
 * What takes more than one object to check.  Everything is checked against
 * the state at the end of the request, by the classes of the tables. */

#include <config.h>

#include "controller/model/row-checks.h"

#include <stdlib.h>

#include "controller/model/model-class.h"
#include "controller/model/txn.h"
#include "controller/schema/schema.h"
#include "controller/schema/selector.h"
#include "util.h"

static void
check_selectors(struct txn *txn, const struct entry *entry)
{
    const char *row = entry_row(entry);
    const struct schema_field *f
        = schema_struct_of((const void *) row)->fields;

    for (; f->name; f++) {
        const struct vmn_selector *selector
            = (const void *) (row + f->offset);
        const char *key;
        char *field;

        if (f->type != SCHEMA_SELECTOR || !selector->text
            || selector_is_satisfiable(selector, &key)) {
            continue;
        }
        field = xasprintf("/%s", f->name);
        txn_error(txn, entry, VMN_ERR_INVALID, field, "can never select "
                  "anything: no object meets all that it says of label "
                  "\"%s\"", key);
        free(field);
    }
}

/* Reports what the request writes to 'entry' that can never have an effect: a
 * policy that seems to protect and decides nothing, a selector that
 * contradicts itself, options that are never sent.  Checks only what a request
 * writes, so that cascades succeed.
 * What has no effect yet, such as a group without members, is accepted. */
static void
check_effect(struct txn *txn, const struct entry *entry)
{
    const struct model_class *class = txn->model->classes[entry->table];

    if (!entry->op || schema_tables[entry->table]->observed) {
        return;
    }
    check_selectors(txn, entry);
    if (class->check_effect) {
        class->check_effect(txn, entry);
    }
}

static void
check_entry(struct txn *txn, const struct entry *entry)
{
    const struct model_class *class = txn->model->classes[entry->table];

    /* A row that the request does not name lacks only what the request
     * deletes; check_referrers() reports that at the operation that deletes
     * it. */
    if (entry->op) {
        char *pointer = txn_pointer(txn, entry, "");

        check_refs(txn, entry, pointer);
        if (class->check_request) {
            class->check_request(txn, entry);
        }
        free(pointer);
    }
    check_effect(txn, entry);
    if (class->check) {
        class->check(txn, entry);
    }
}

void
check_touched(struct txn *txn)
{
    for (size_t i = 0; i < txn->n_touched; i++) {
        const struct entry *entry = txn->touched[i];

        if (!entry_is_changed(entry)) {
            continue;
        }
        if (entry->cur) {
            check_entry(txn, entry);
        } else {
            check_referrers(txn, entry);
            check_unknown_referrers(txn, entry);
        }
        model_yield(txn->model);
    }
    /* Rows that refer to others before those. */
    for (int i = VMN_N_TABLES; i-- > 0; ) {
        if (txn->model->classes[i]->check_all) {
            txn->model->classes[i]->check_all(txn);
        }
    }
}
