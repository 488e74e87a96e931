/* SPDX-License-Identifier: Apache-2.0
 *
 * A request that is being applied: what it has touched, and how errors about
 * it are reported.  What is done with it is in transaction.c. */

#include <config.h>

#include "controller/model/txn.h"

#include <stdarg.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/rights.h"
#include "controller/schema/schema-origin.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/schema.h"
#include "util.h"

bool
txn_is_daemon(const struct txn *txn)
{
    return schema_origin(txn->request->who) == ORIGIN_VMND;
}

bool
txn_may_load(const struct txn *txn)
{
    return txn->request->loads || txn_is_daemon(txn);
}

/* Returns the JSON pointer of 'field' of the operation's object in the
 * request, which is at "" or "/INDEX".  The caller frees it. */
char *
txn_op_pointer(const struct txn *txn, const struct model_op *op,
               const char *field)
{
    return txn->request->list
           ? xasprintf("/%"PRIuSIZE"%s", (size_t) (op - txn->request->ops),
                       field)
           : xstrdup(field);
}

char *
txn_pointer(const struct txn *txn, const struct entry *entry,
            const char *field)
{
    return entry && entry->op ? txn_op_pointer(txn, entry->op, field)
                              : xstrdup("");
}

/* Adds an error of the field at 'pointer', which it takes ownership of. */
static void OVS_PRINTF_FORMAT(4, 0)
add_error(struct txn *txn, enum vmn_error_code code, char *pointer,
          const char *format, va_list args)
{
    char *text = xvasprintf(format, args);

    vmn_errors_add(txn->errors, code, pointer, "%s", text);
    free(text);
    free(pointer);
}

void
txn_op_error(struct txn *txn, const struct model_op *op,
             enum vmn_error_code code, const char *field,
             const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_error(txn, code, txn_op_pointer(txn, op, field), format, args);
    va_end(args);
}

void
txn_error(struct txn *txn, const struct entry *entry,
          enum vmn_error_code code, const char *field, const char *format,
          ...)
{
    va_list args;

    va_start(args, format);
    add_error(txn, code, txn_pointer(txn, entry, field), format, args);
    va_end(args);
}

/* Returns true if the account may learn that the row exists.  What the request
 * itself names discloses nothing. */
bool
txn_shows(const struct txn *txn, enum vmn_table table, const char *name)
{
    const struct model_rights *rights = txn->request->rights;
    const struct entry *entry = model_find(txn->model, table, name);
    const struct vmn_row *row = rights_row(txn, table, name);

    if (!rights || (entry && entry->op)) {
        return true;
    }
    if (schema_tables[table]->authenticates
        && !rights_have_table(rights, table)) {
        return false;
    }
    return !rights->scope.text || (row && model_sees(rights, row));
}

const char *
txn_name(struct txn *txn, enum vmn_table table, const char *name)
{
    const struct model_rights *rights = txn->request->rights;
    char *text = (txn_shows(txn, table, name)
                  ? xasprintf("%s \"%s\"", schema_singular(table), name)
                  : xstrdup(rights->scope.text
                            ? "an object outside of this account's scope"
                            : "an object that this account is not shown"));

    svec_add_nocopy(&txn->names, text);
    return text;
}

const void *
entry_row_before(const struct entry *entry)
{
    const struct version *version = (!entry ? NULL
                                     : entry->touched ? entry->before
                                     : entry->cur);

    return version ? version->row : NULL;
}

void
txn_touch(struct txn *txn, struct entry *entry)
{
    if (entry->touched) {
        return;
    }
    entry->touched = true;
    entry->before = entry->cur;
    if (txn->n_touched >= txn->allocated_touched) {
        txn->touched = x2nrealloc(txn->touched, &txn->allocated_touched,
                                  sizeof *txn->touched);
    }
    txn->touched[txn->n_touched++] = entry;
}

void
txn_put_back(struct txn *txn, bool back)
{
    struct model *model = txn->model;

    model->is_put_back = false;
    for (size_t i = 0; i < txn->n_touched; i++) {
        struct entry *entry = txn->touched[i];

        if (back) {
            entry->after = entry->cur;
        }
        if (entry->before != entry->after) {
            model_set_cur(model, entry, back ? entry->before : entry->after);
        }
        model_yield(model);
    }
    model->is_put_back = back;
}

/* Makes 'version' (or NULL) current.  Takes ownership of it. */
void
txn_set(struct txn *txn, struct entry *entry, struct version *version)
{
    struct version *former = entry->cur;

    txn_touch(txn, entry);
    model_set_cur(txn->model, entry, version);
    if (former != entry->before) {
        version_destroy(txn->model, former);
    }
}

struct entry **
txn_changed(const struct txn *txn, enum vmn_table table, size_t *n)
{
    struct entry **entries = xmalloc(MAX(txn->n_touched, 1)
                                     * sizeof *entries);

    *n = 0;
    for (size_t i = 0; i < txn->n_touched; i++) {
        struct entry *entry = txn->touched[i];

        if (entry->table == table && entry->cur && entry_is_changed(entry)) {
            entries[(*n)++] = entry;
        }
    }
    return entries;
}
