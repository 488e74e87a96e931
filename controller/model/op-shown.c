/* SPDX-License-Identifier: Apache-2.0
 *
 * What a request is told of an operation's object that its account does not
 * see, or is not shown whole: nothing by the way, such as its revision, or
 * what does not fit what it says.  Not for what may be changed
 * (rights-checks.c), nor for what a row shows (rights.c). */

#include <config.h>

#include "controller/model/checks.h"

#include "controller/model/request.h"
#include "controller/model/rights.h"
#include "controller/model/txn.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-row.h"
#include "util.h"

const char *
set_of_op(const struct txn *txn, const struct model_op *op,
          const struct version *old)
{
    if (txn->request->prune_set && !schema_tables[op->table]->observed
        && !schema_tables[op->table]->of_daemon
        && !model_is_builtin(op->table, op->name)) {
        return txn->request->prune_set;
    }
    if (op->sets) {
        return op->set;
    }
    return old ? old->meta.set : NULL;
}

/* Returns true if the request puts 'old', an account or a token, just as it
 * is, and the account that does has no scope: administrators keep such in
 * files that operators apply as well. */
static bool
puts_what_is(const struct txn *txn, const struct model_op *op,
             const struct version *old)
{
    const struct model_rights *rights = txn->request->rights;
    const struct vmn_row *row;
    struct vmn_errors errors;
    struct arena arena;
    json_t *spec;
    bool same;

    if (!old || op->kind != MODEL_PUT || op->if_match || op->creates
        || rights->scope.text
        || !nullable_string_is_equal(set_of_op(txn, op, old), old->meta.set)) {
        return false;
    }
    arena_init(&arena);
    vmn_errors_init(&errors);
    spec = spec_of_op(op, old, rights, false);
    row = schema_row_parse(model_table(txn->model, op->table), op->name, spec,
                           "", &arena, &errors);
    same = row && schema_row_same_spec(row, old->row);
    json_decref(spec);
    vmn_errors_uninit(&errors);
    arena_uninit(&arena);
    return same;
}

/* What may be changed is said where all of it is known (rights-checks.c). */
bool
check_op_shown(struct txn *txn, const struct model_op *op,
               const struct version *old)
{
    const struct model_rights *rights = txn->request->rights;
    const struct schema_table *table = schema_tables[op->table];

    if (model_refuses_type(rights, op->table)
        ? table->authenticates && puts_what_is(txn, op, old)
        : !old || table->observed || rights_show_all(rights, old->row)) {
        return true;
    }
    txn_op_error(txn, op, VMN_ERR_FORBIDDEN, "",
                 rights_have_table(rights, op->table)
                 ? "%s \"%s\" is not within this account's scope"
                 : "%s \"%s\" must not be changed by this account",
                 table->singular, op->name);
    return false;
}

const struct version *
op_known(const struct txn *txn, const struct model_op *op,
         const struct entry *entry)
{
    const struct model_rights *rights = txn->request->rights;
    const struct model_rights *seer = txn->is_trial ? txn->applier : rights;
    const struct version *old = entry ? entry->cur : NULL;

    return (!old || op->kind == MODEL_PUT || schema_tables[op->table]->observed
            || model_refuses_type(rights, op->table)
            || model_sees(seer, old->row) ? old : NULL);
}
