/* SPDX-License-Identifier: Apache-2.0
 *
 * What an account may see and change, as far as one row says.  What a request
 * may change is checked in rights-checks.c. */

#include <config.h>

#include "controller/model/rights.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/draft-contents.h"
#include "controller/model/txn.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/selector.h"
#include "util.h"

/* Copies 'from', which is well-formed, by way of its text. */
static void
copy_selector(struct vmn_selector *to, const struct vmn_selector *from,
              struct arena *arena)
{
    memset(to, 0, sizeof *to);
    if (from->text) {
        selector_parse(from->text, strlen(from->text), arena, to, NULL);
    }
}

struct model_rights *
model_rights_create(uint64_t tables, const struct vmn_account *account)
{
    struct model_rights *rights = xzalloc(sizeof *rights);
    const char **tiers;

    rights->tables = tables;
    rights->arena = xmalloc(sizeof *rights->arena);
    arena_init(rights->arena);
    copy_selector(&rights->scope, &account->scope, rights->arena);
    copy_selector(&rights->reads, &account->reads, rights->arena);
    tiers = arena_alloc(rights->arena, account->n_tiers * sizeof *tiers);
    for (size_t i = 0; i < account->n_tiers; i++) {
        tiers[i] = arena_strdup(rights->arena, account->tiers[i]);
    }
    rights->n_tiers = account->n_tiers;
    rights->tiers = tiers;
    rights->iface_ids = account->iface_ids
                        ? arena_strdup(rights->arena, account->iface_ids)
                        : NULL;
    return rights;
}

struct model_rights *
model_rights_clone(const struct model_rights *rights)
{
    struct vmn_account account = { .n_tiers = 0 };

    if (!rights) {
        return NULL;
    }
    account.scope = rights->scope;
    account.reads = rights->reads;
    account.n_tiers = rights->n_tiers;
    account.tiers = rights->tiers;
    account.iface_ids = rights->iface_ids;
    return model_rights_create(rights->tables, &account);
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

bool
model_rights_are_of(const struct model_rights *rights,
                    const struct vmn_account *account)
{
    bool same = rights->n_tiers == account->n_tiers;

    for (size_t i = 0; same && i < rights->n_tiers; i++) {
        same = !strcmp(rights->tiers[i], account->tiers[i]);
    }
    return (same
            && nullable_string_is_equal(rights->scope.text,
                                        account->scope.text)
            && nullable_string_is_equal(rights->reads.text,
                                        account->reads.text)
            && nullable_string_is_equal(rights->iface_ids,
                                        account->iface_ids));
}

/* Returns true if 'selector' matches the row, and of a draft also all that it
 * changes. */
static bool
selects(const struct vmn_selector *selector, const struct vmn_row *row)
{
    static const struct vmn_labels none = { 0, NULL };
    const struct vmn_labels *labels = schema_row_labels(row);

    return (selector->text
            && vmn_selector_matches(selector, labels ? labels : &none)
            && (row->table != VMN_TABLE_DRAFT
                || draft_is_within((const void *) row, selector)));
}

bool
rights_own(const struct model_rights *rights, const struct vmn_row *row)
{
    return !rights || !rights->scope.text || selects(&rights->scope, row);
}

bool
rights_have_table(const struct model_rights *rights, enum vmn_table table)
{
    /* Looked up each time: an app may have declared its type anew since these
     * rights were made. */
    return (!rights
            || (rights->tables & UINT64_C(1) << table
                && !(rights->scope.text && schema_tables[table]->unscoped)));
}

bool
model_sees(const struct model_rights *rights, const struct vmn_row *row)
{
    return (rights_own(rights, row) || schema_tables[row->table]->everyone_sees
            || (row->table != VMN_TABLE_DRAFT
                && selects(&rights->reads, row)));
}

bool
model_in_scope(const struct model_rights *rights, const struct vmn_row *row)
{
    return rights_own(rights, row);
}

bool
model_may_change(const struct model_rights *rights,
                 const struct vmn_row *row)
{
    return (rights_have_table(rights, row->table)
            && rights_own(rights, row));
}

/* Secrets.  --------------------------------------------------------------- */

bool
model_shows_secrets(const struct model_rights *rights,
                    const struct vmn_row *row)
{
    return (row->table == VMN_TABLE_HOST ? !rights || !rights->scope.text
            : model_may_change(rights, row));
}

bool
rights_have_secrets(const struct schema_struct *s)
{
    const struct schema_field *f = s->fields;

    while (f && f->name && !(f->flags & SCHEMA_SECRET)) {
        f++;
    }
    return f && f->name;
}

bool
model_refuses_type(const struct model_rights *rights, enum vmn_table table)
{
    return (!rights_have_table(rights, table)
            && (schema_tables[table]->authenticates
                || (!schema_tables[table]->everyone_sees
                    && rights_have_secrets(&schema_tables[table]->row))));
}

bool
model_may_have_secrets(const struct vmn_row *row)
{
    switch ((int) row->table) {
    case VMN_TABLE_ACCOUNT:
    case VMN_TABLE_TOKEN:
    case VMN_TABLE_HOST:
    case VMN_TABLE_DRAFT:
        return true;
    case VMN_TABLE_LOADBALANCER: /* SCHEMA_REDACTED is shown. */
        return ((const struct vmn_loadbalancer *) row)->scale.webhook;
    case VMN_TABLE_APP:         /* Its code is shown to nobody. */
        return false;
    default:
        return rights_have_secrets(schema_struct_of(row));
    }
}

bool
rights_show_all(const struct model_rights *rights, const struct vmn_row *row)
{
    return (model_sees(rights, row)
            && (model_shows_secrets(rights, row)
                || !model_may_have_secrets(row)));
}

const struct vmn_row *
rights_row(const struct txn *txn, enum vmn_table table, const char *name)
{
    const struct entry *entry = model_find(txn->model, table, name);

    if (!entry) {
        return NULL;
    }
    return (entry->touched && entry->before ? entry->before->row
            : entry_row(entry));
}
