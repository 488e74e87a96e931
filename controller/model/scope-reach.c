/* SPDX-License-Identifier: Apache-2.0
 *
 * How far an account with a scope reaches: whether what an object acts on, by
 * itself or by the groups, balancers or routers that it acts on, is within the
 * scope. */

#include <config.h>

#include "controller/model/rights.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/model-class.h"
#include "controller/model/txn.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/selector.h"
#include "sset.h"
#include "util.h"

/* Tiers.  ----------------------------------------------------------------- */

/* Returns true if the account's policies may be in 'tier'. */
static bool
may_use(const struct model_rights *rights, const char *tier)
{
    for (size_t i = 0; i < rights->n_tiers; i++) {
        if (!strcmp(rights->tiers[i], tier)) {
            return true;
        }
    }
    return !rights->n_tiers && !strcmp(tier, "application");
}

bool
rights_keep_tiers(const struct txn *txn, const struct vmn_row *row)
{
    const struct model_class *class = txn->model->classes[row->table];
    const char *tier = class->tier ? class->tier(row) : NULL;

    return !tier || may_use(txn->request->rights, tier);
}

/* What is acted on in turn.  ---------------------------------------------- */

struct passing {
    const struct txn *txn;
    struct sset seen;           /* "TABLE/NAME". */
    unsigned depth;
    bool within;                /* Everything so far is within the scope. */
};

static void pass_on(struct passing *, const struct vmn_row *);

static void
pass_ref(void *passing_, enum vmn_table table, const char *name,
         const struct schema_field *f, const char *field OVS_UNUSED)
{
    struct passing *passing = passing_;
    const struct vmn_row *row = rights_row(passing->txn, table, name);

    if (row && passing->within && f && f->reach == SCHEMA_ACTS) {
        passing->within = (rights_own(passing->txn->request->rights, row)
                           && rights_keep_tiers(passing->txn, row));
        if (passing->within && schema_tables[table]->passes_on) {
            pass_on(passing, row);
        }
    }
}

/* Visits all objects that 'row' acts on. */
static void
pass_on(struct passing *passing, const struct vmn_row *row)
{
    const struct vmn_selector *scope = &passing->txn->request->rights->scope;
    const struct schema_field *f = schema_struct_of(row)->fields;
    struct rights_memo *memo = passing->txn->memo;
    char *key = xasprintf("%d/%s", row->table, row->name);

    if (sset_contains(&memo->within, key)
        || !sset_add(&passing->seen, key)) {
        free(key);
        return;
    }
    passing->within &= (!sset_contains(&memo->outside, key)
                        && passing->depth < RIGHTS_DEPTH_MAX);
    for (; f->name; f++) {
        const struct vmn_selector *selector
            = (const void *) ((const char *) row + f->offset);

        if (f->type == SCHEMA_SELECTOR && f->reach == SCHEMA_ACTS) {
            passing->within &= (selector->text
                                ? selector_is_within(selector, scope)
                                : !(f->flags & SCHEMA_OR_ALL));
        }
    }
    passing->depth++;
    schema_row_refs(row, pass_ref, passing);
    passing->depth--;
    if (!passing->within) {
        sset_add(&memo->outside, key);
    }
    free(key);
    model_yield(passing->txn->model);
}

/* Returns true if all that 'row' acts on is within the scope.  It need not be:
 * an administrator may have labelled the row, and made it refer to others'
 * objects. */
static bool
acts_within_scope(const struct txn *txn, const struct vmn_row *row)
{
    struct passing passing = { txn, SSET_INITIALIZER(&passing.seen), 0,
                               true };
    const char *key;

    pass_on(&passing, row);
    if (passing.within) {
        SSET_FOR_EACH (key, &passing.seen) {
            sset_add(&txn->memo->within, key);
        }
    }
    sset_destroy(&passing.seen);
    return passing.within;
}

bool
rights_may_change(const struct txn *txn, const struct vmn_row *row)
{
    const struct model_rights *rights = txn->request->rights;

    return (rights_own(rights, row) && rights_keep_tiers(txn, row)
            && acts_within_scope(txn, row));
}

/* Returns true if objects within the scope may act on 'row'. */
bool
rights_is_within_scope(const struct txn *txn, const struct vmn_row *row)
{
    return (rights_own(txn->request->rights, row)
            && rights_keep_tiers(txn, row)
            && (!schema_tables[row->table]->passes_on
                || acts_within_scope(txn, row)));
}
