/* SPDX-License-Identifier: Apache-2.0
 *
 * References between rows: referenced rows must exist, and rows with referrers
 * must not be deleted. */

#include <config.h>

#include "controller/model/row-checks.h"

#include <stdlib.h>

#include "controller/model/model-class.h"
#include "controller/model/row-index.h"
#include "controller/model/txn.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/schema-row.h"
#include "util.h"

struct refs_check {
    struct txn *txn;
    const char *pointer;        /* JSON pointer within the object. */
    bool harms;                 /* A quarantine isolates what it refers to. */
};

static void
check_ref(void *check_, enum vmn_table table, const char *name,
          const struct schema_field *f OVS_UNUSED, const char *field)
{
    const struct refs_check *check = check_;

    if (!model_get(check->txn->model, table, name)) {
        char *pointer = xasprintf("%s%s", check->pointer, field);
        char *(*list)(const struct model *)
            = check->txn->model->classes[table]->list;
        char *others = list ? list(check->txn->model) : NULL;
        /* Rows that are loaded are of no request. */
        const struct model_request *request = check->txn->request;
        char *guess = (others || !request ? NULL
                       : model_suggestion_for(
                           check->txn->errors, check->txn->model,
                           request->rights, table, name, check->harms));

        vmn_errors_add(check->txn->errors, VMN_ERR_INVALID, pointer,
                       "%s \"%s\" does not exist%s%s",
                       schema_singular(table), name,
                       others ? ": there are " : guess ? guess : "",
                       others ? others : "");
        free(others);
        free(guess);
        free(pointer);
    }
}

void
check_refs(struct txn *txn, const struct entry *entry, const char *pointer)
{
    struct refs_check check = {
        txn, pointer, entry->table == VMN_TABLE_QUARANTINE,
    };

    schema_row_refs(entry->cur->row, check_ref, &check);
}

/* Reports the objects that still refer to a deleted entry. */
void
check_referrers(struct txn *txn, const struct entry *entry)
{
    const struct schema_table *table = schema_tables[entry->table];
    bool hidden = false;

    for (int i = 0; i < VMN_N_TABLES; i++) {
        const struct name_set *names = index_get(
            txn->model, index_refs(entry->table, i), entry->name);

        for (size_t j = 0; j < names->n; j++) {
            bool shown = txn_shows(txn, i, names->names[j]);

            /* One error for all referrers that the account must not see; their
             * number is not disclosed. */
            if (shown || !hidden) {
                txn_error(txn, entry, VMN_ERR_CONFLICT, "",
                          "%s \"%s\" is referenced by %s",
                          table->singular, entry->name,
                          txn_name(txn, i, names->names[j]));
            }
            hidden |= !shown;
        }
    }
}
