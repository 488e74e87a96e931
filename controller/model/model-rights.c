/* SPDX-License-Identifier: Apache-2.0
 *
 * What a request may change.  Checked where all of what it does is known, what
 * cascades and prunes do included, so there is one place for it and no way
 * round.  Not for who somebody is (northbound/door.c). */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "controller/model/model-private.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/selector.h"
#include "util.h"

/* Copies 'from', which is well-formed, by its text. */
static void
copy_selector(struct vmn_selector *to, const struct vmn_selector *from,
              struct arena *arena)
{
    memset(to, 0, sizeof *to);
    if (from->text) {
        free(selector_parse(from->text, strlen(from->text), arena, to));
    }
}

struct model_rights *
model_rights_create(uint64_t tables, const struct vmn_selector *scope,
                    const struct vmn_selector *reads)
{
    struct model_rights *rights = xzalloc(sizeof *rights);

    rights->tables = tables;
    rights->arena = xmalloc(sizeof *rights->arena);
    arena_init(rights->arena);
    copy_selector(&rights->scope, scope, rights->arena);
    copy_selector(&rights->reads, reads, rights->arena);
    return rights;
}

struct model_rights *
model_rights_clone(const struct model_rights *rights)
{
    return rights ? model_rights_create(rights->tables, &rights->scope,
                                        &rights->reads) : NULL;
}

void
model_rights_destroy(struct model_rights *rights)
{
    if (rights) {
        arena_uninit(rights->arena);
        free(rights->arena);
        free(rights);
    }
}

/* Whether 'selector' selects the row. */
static bool
selects(const struct vmn_selector *selector, const struct vmn_row *row)
{
    static const struct vmn_labels none = { 0, NULL };
    const struct vmn_labels *labels = schema_row_labels(row);

    return (selector->text
            && vmn_selector_matches(selector, labels ? labels : &none));
}

bool
model_sees(const struct model_rights *rights, const struct vmn_row *row)
{
    return (!rights || !rights->scope.text || row->table == VMN_TABLE_HOST
            || row->table == VMN_TABLE_TIER || row->table == VMN_TABLE_APP
            || selects(&rights->scope, row) || selects(&rights->reads, row));
}

/* Checking.  ------------------------------------------------------------- */

struct rights_check {
    struct txn *txn;
    const struct entry *entry;
};

static void
check_ref(void *check_, enum vmn_table table, const char *name,
          const char *field)
{
    const struct rights_check *check = check_;
    const struct model_rights *rights = check->txn->request->rights;
    const struct vmn_row *row = model_get(check->txn->model, table, name);

    /* In the words of what is not there: what somebody does not see, he is not
     * told of. */
    if (row && !model_sees(rights, row)) {
        txn_error(check->txn, check->entry, VMN_ERR_INVALID, field,
                  "%s \"%s\" does not exist", schema_tables[table].singular,
                  name);
    }
}

static void
check_selectors(struct txn *txn, const struct entry *entry)
{
    const struct schema_table *table = &schema_tables[entry->table];
    const struct model_rights *rights = txn->request->rights;
    const char *row = (const char *) entry->cur->row;

    for (const struct schema_field *f = table->row.fields; f->name; f++) {
        const struct vmn_selector *selector = (const void *) (row + f->offset);
        char *field;

        if (f->type != SCHEMA_SELECTOR || !selector->text
            || selector_is_within(selector, &rights->scope)) {
            continue;
        }
        field = xasprintf("/%s", f->name);
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, field, "must select only "
                  "what this account's scope does: add \"%s\"",
                  rights->scope.text);
        free(field);
    }
}

static void
check_scope(struct txn *txn, const struct entry *entry)
{
    const struct model_rights *rights = txn->request->rights;
    const char *singular = schema_tables[entry->table].singular;
    struct rights_check check = { txn, entry };

    if (entry->before && !selects(&rights->scope, entry->before->row)) {
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, "", "%s \"%s\" is not within "
                  "this account's scope", singular, entry->name);
    } else if (entry->cur && !selects(&rights->scope, entry->cur->row)) {
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, "/labels", "must be of this "
                  "account's scope: \"%s\"", rights->scope.text);
    } else if (entry->cur) {
        check_selectors(txn, entry);
        schema_row_refs(entry->cur->row, check_ref, &check);
    }
}

void
check_rights(struct txn *txn)
{
    const struct model_rights *rights = txn->request->rights;

    for (size_t i = 0; rights && i < txn->n_touched; i++) {
        const struct entry *entry = txn->touched[i];

        /* What hosts report follows what it is about. */
        if (entry->cur == entry->before
            || schema_tables[entry->table].observed) {
            continue;
        }
        if (!(rights->tables & UINT64_C(1) << entry->table)) {
            txn_error(txn, entry, VMN_ERR_FORBIDDEN, "", "%s \"%s\" is not "
                      "for this account to change",
                      schema_tables[entry->table].singular, entry->name);
        } else if (rights->scope.text) {
            check_scope(txn, entry);
        }
        model_pause(txn->model);
    }
}
