/* SPDX-License-Identifier: Apache-2.0
 *
 * What a request may change.  Checked where all of what it does is known, what
 * cascades and prunes do included, so there is one place for it and no way
 * round.
 *
 * An account with a scope changes what its scope selects, before and after.
 * What it changes acts only on what is within its scope, and mentions only
 * what it sees; which reference does what is said by the schema (enum
 * schema_reach).  An object that acts on others, by itself or by the groups,
 * balancers or routers that it acts on, is not for it to change, to delete, or
 * to act on, even if it has the labels: an administrator made it.
 *
 * Not for who somebody is (northbound/auth.c), for ports
 * (port-rights.c), nor for what others depend on
 * (shared-rights.c). */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "controller/model/model-private.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/selector.h"
#include "sset.h"
#include "util.h"

/* With so many faults it is refused, whatever the rest does. */
#define ERRORS_ENOUGH 50

/* Rights.  --------------------------------------------------------------- */

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
model_rights_create(uint64_t tables, const struct vmn_account *account)
{
    struct model_rights *rights = xzalloc(sizeof *rights);
    const char **tiers;

    rights->tables = tables;
    for (int i = 0; account->scope.text && i < VMN_N_TABLES; i++) {
        if (schema_tables[i].unscoped) {
            rights->tables &= ~(UINT64_C(1) << i);
        }
    }
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

/* Returns true if 'selector' selects the row. */
static bool
selects(const struct vmn_selector *selector, const struct vmn_row *row)
{
    static const struct vmn_labels none = { 0, NULL };
    const struct vmn_labels *labels = schema_row_labels(row);

    return (selector->text
            && vmn_selector_matches(selector, labels ? labels : &none));
}

bool
rights_own(const struct model_rights *rights, const struct vmn_row *row)
{
    return !rights || !rights->scope.text || selects(&rights->scope, row);
}

bool
model_sees(const struct model_rights *rights, const struct vmn_row *row)
{
    return (rights_own(rights, row) || row->table == VMN_TABLE_HOST
            || row->table == VMN_TABLE_TIER || row->table == VMN_TABLE_APP
            || selects(&rights->reads, row));
}

bool
model_may_change(const struct model_rights *rights,
                 const struct vmn_row *row)
{
    return (!rights || (rights->tables & UINT64_C(1) << row->table
                        && rights_own(rights, row)));
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

/* Tiers.  ---------------------------------------------------------------- */

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

/* Returns true if 'row' decides in no tier but those that the account may use.
 * What a quarantine allows comes before all tiers but emergency, and gets
 * through other quarantines: it is as good as a rule of that one. */
static bool
keeps_tiers(const struct model_rights *rights, const struct vmn_row *row)
{
    if (row->table == VMN_TABLE_POLICY) {
        return may_use(rights, ((const struct vmn_policy *) row)->tier);
    }
    return (row->table != VMN_TABLE_QUARANTINE
            || !((const struct vmn_quarantine *) row)->n_allow
            || may_use(rights, "emergency"));
}

/* What is acted on in turn.  --------------------------------------------- */

/* Who acts on a group acts on its members, who falls back on a balancer on its
 * backends, and who gives addresses to a router on its external network. */
static bool
passes_on(enum vmn_table table)
{
    return (table == VMN_TABLE_GROUP || table == VMN_TABLE_LOADBALANCER
            || table == VMN_TABLE_ROUTER);
}

struct passing {
    const struct txn *txn;
    struct sset seen;           /* "TABLE/NAME". */
    unsigned depth;
    bool within;                /* All so far is within the scope. */
};

static void pass_on(struct passing *, const struct vmn_row *);

static void
pass_ref(void *passing_, enum vmn_table table, const char *name,
         const struct schema_field *f, const char *field OVS_UNUSED)
{
    struct passing *passing = passing_;
    const struct vmn_row *row = rights_row(passing->txn, table, name);

    if (row && passing->within && f && f->reach == SCHEMA_ACTS) {
        passing->within = rights_own(passing->txn->request->rights, row);
        if (passing->within && passes_on(table)) {
            pass_on(passing, row);
        }
    }
}

/* Looks at all that 'row' acts on. */
static void
pass_on(struct passing *passing, const struct vmn_row *row)
{
    const struct vmn_selector *scope = &passing->txn->request->rights->scope;
    const struct schema_table *table = &schema_tables[row->table];
    struct rights_memo *memo = passing->txn->memo;
    char *key = xasprintf("%d/%s", row->table, row->name);

    if (sset_contains(&memo->within, key)
        || !sset_add(&passing->seen, key)) {
        free(key);
        return;
    }
    passing->within &= (!sset_contains(&memo->outside, key)
                        && passing->depth < RIGHTS_DEPTH_MAX);
    for (const struct schema_field *f = table->row.fields; f->name; f++) {
        const struct vmn_selector *selector
            = (const void *) ((const char *) row + f->offset);

        if (f->type == SCHEMA_SELECTOR && f->reach == SCHEMA_ACTS
            && selector->text) {
            passing->within &= selector_is_within(selector, scope);
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

/* Returns true if 'row' acts on nothing that is not within the scope: an
 * administrator may have labelled it, and put others' into it. */
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

    return (rights_own(rights, row) && keeps_tiers(rights, row)
            && acts_within_scope(txn, row));
}

/* Returns true if objects within the scope may act on 'row'. */
static bool
is_within_scope(const struct txn *txn, const struct vmn_row *row)
{
    return (rights_own(txn->request->rights, row)
            && (!passes_on(row->table) || acts_within_scope(txn, row)));
}

/* References and selectors.  --------------------------------------------- */

struct rights_check {
    struct txn *txn;
    const struct entry *entry;
    const struct vmn_row *row;  /* The version that is checked... */
    bool was;                   /* ...which is the one before. */
    bool acts;                  /* That acts on what it may not. */
};

/* Returns true if the object is where it was put before. */
static bool
is_placed(const struct rights_check *check, const struct schema_field *f)
{
    const struct entry *entry = check->entry;

    return (f && f->reach == SCHEMA_PLACES
            && (check->was
                || (entry->before
                    && schema_field_same(f, entry->before->row,
                                         check->row))));
}

/* Reports that the object acts on 'name', which is not the account's. */
static void
refuse_act(struct rights_check *check, enum vmn_table table,
           const char *name, const char *field)
{
    check->acts = true;
    if (check->was) {
        txn_error(check->txn, check->entry, VMN_ERR_FORBIDDEN, "",
                  "%s acts on what is not within this account's scope",
                  txn_name(check->txn, check->entry->table,
                           check->entry->name));
    } else {
        txn_error(check->txn, check->entry, VMN_ERR_FORBIDDEN, field,
                  "%s \"%s\" is not within this account's scope, or acts on "
                  "what is not", schema_tables[table].singular, name);
    }
}

static void
check_ref(void *check_, enum vmn_table table, const char *name,
          const struct schema_field *f, const char *field)
{
    struct rights_check *check = check_;
    const struct model_rights *rights = check->txn->request->rights;
    const struct vmn_row *row = rights_row(check->txn, table, name);

    if (!row) {
        return;                 /* Said elsewhere. */
    }
    if (!model_sees(rights, row) && !check->was) {
        /* In the words of what is not there: it is not for this account to
         * know of. */
        txn_error(check->txn, check->entry, VMN_ERR_INVALID, field,
                  "%s \"%s\" does not exist",
                  schema_tables[table].singular, name);
    } else if ((!f || f->reach != SCHEMA_MENTIONS)
               && !is_placed(check, f)
               && !is_within_scope(check->txn, row)) {
        refuse_act(check, table, name, field);
    }
}

static void
check_selectors(struct rights_check *check)
{
    const struct schema_table *table = &schema_tables[check->row->table];
    const struct model_rights *rights = check->txn->request->rights;
    const char *row = (const char *) check->row;

    for (const struct schema_field *f = table->row.fields; f->name; f++) {
        const struct vmn_selector *selector = (const void *) (row + f->offset);
        char *field;

        if (f->type != SCHEMA_SELECTOR || !selector->text
            || selector_is_within(selector, &rights->scope)
            || (f->reach == SCHEMA_MENTIONS && rights->reads.text
                && selector_is_within(selector, &rights->reads))) {
            continue;
        }
        check->acts = true;
        field = check->was ? xstrdup("") : xasprintf("/%s", f->name);
        txn_error(check->txn, check->entry, VMN_ERR_FORBIDDEN, field,
                  "must select only what this account's scope does: add "
                  "\"%s\"", rights->scope.text);
        free(field);
    }
}

/* Checks what a version of 'entry' acts on and mentions.  Returns false if it
 * acts on what is not the account's. */
static bool
check_reach(struct txn *txn, const struct entry *entry,
            const struct version *version, bool was)
{
    struct rights_check check = { txn, entry, version->row, was, false };

    check_selectors(&check);
    schema_row_refs(version->row, check_ref, &check);
    return !check.acts;
}

/* Fields.  --------------------------------------------------------------- */

/* Returns true if 'f' of a row says what it would if it was absent. */
static bool
is_absent(const struct schema_field *f, const struct vmn_row *row)
{
    json_t *value = schema_field_to_json(f, row, false);
    bool absent = (!value
                   || (json_is_boolean(value)
                       && json_boolean_value(value) == (f->def != 0)));

    json_decref(value);
    return absent;
}

static void
check_writers(struct txn *txn, const struct entry *entry)
{
    const struct vmn_row *row = entry_row(entry);
    const struct schema_field *f = schema_tables[entry->table].row.fields;

    for (; f->name; f++) {
        const struct vmn_row *was = entry->before ? entry->before->row : NULL;
        bool owners = f->writers == SCHEMA_NETWORK_OWNERS;
        char *field;

        if (f->writers == SCHEMA_ANYONE
            || (owners && rights_own_network(txn, row))
            || (was && schema_field_same(f, was, row)
                && (!owners
                    || !strcmp(((const struct vmn_port *) was)->network,
                               ((const struct vmn_port *) row)->network)))
            || (is_absent(f, row)
                && (owners || !was || is_absent(f, was)))) {
            continue;
        }
        field = xasprintf("/%s", f->name);
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, field, "%s",
                  owners ? "is only for ports of networks that are within "
                  "this account's scope"
                  : "is only for accounts without a scope to change");
        free(field);
    }
}

static bool
check_tier(struct txn *txn, const struct entry *entry,
           const struct vmn_row *row)
{
    if (keeps_tiers(txn->request->rights, row)) {
        return true;
    }
    if (row->table == VMN_TABLE_POLICY) {
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, "/tier",
                  "policies of tier \"%s\" are not for this account",
                  ((const struct vmn_policy *) row)->tier);
    } else {
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, "/allow",
                  "is only for accounts that may use tier \"emergency\"");
    }
    return false;
}

/* All of it.  ------------------------------------------------------------ */

/* Reports that the object, which the request names or which would go with one
 * that it names, is not the account's. */
static void
refuse_scope(struct txn *txn, const struct entry *entry)
{
    if (txn_shows(txn, entry->table, entry->name)) {
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, "",
                  "%s \"%s\" is not within this account's scope",
                  schema_tables[entry->table].singular, entry->name);
    } else {
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, "",
                  "concerns what is not within this account's scope");
    }
}

static void
check_scope(struct txn *txn, const struct entry *entry)
{
    const struct model_rights *rights = txn->request->rights;
    bool ok = true;

    if (entry->before && !selects(&rights->scope, entry->before->row)) {
        refuse_scope(txn, entry);
        return;
    } else if (entry->cur && !selects(&rights->scope, entry->cur->row)) {
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, "/labels", "must be of this "
                  "account's scope: \"%s\"", rights->scope.text);
        return;
    }
    if (entry->cur) {
        check_writers(txn, entry);
        ok = (check_reach(txn, entry, entry->cur, false)
              && check_tier(txn, entry, entry->cur->row));
    }
    if (entry->before && ok
        && check_reach(txn, entry, entry->before, true)) {
        check_tier(txn, entry, entry->before->row);
    }
    if (entry->table == VMN_TABLE_PORT) {
        check_port_rights(txn, entry);
    }
    check_shared_rights(txn, entry);
}

void
check_rights(struct txn *txn)
{
    const struct model_rights *rights = txn->request->rights;
    struct rights_memo memo = {
        .within = SSET_INITIALIZER(&memo.within),
        .outside = SSET_INITIALIZER(&memo.outside),
        .unused = SSET_INITIALIZER(&memo.unused),
    };

    txn->memo = &memo;
    for (size_t i = 0; rights && i < txn->n_touched
                       && txn->errors->n < ERRORS_ENOUGH; i++) {
        const struct entry *entry = txn->touched[i];

        /* What hosts report follows what it is about. */
        if (schema_tables[entry->table].observed) {
            continue;
        }
        if (entry->cur == entry->before) {
            /* That it is just so already is not for everybody to know. */
            if (entry->op && entry->before
                && !model_sees(rights, entry->before->row)) {
                refuse_scope(txn, entry);
            }
            continue;
        }
        if (!(rights->tables & UINT64_C(1) << entry->table)) {
            txn_error(txn, entry, VMN_ERR_FORBIDDEN, "",
                      "%s must not be changed by this account",
                      txn_name(txn, entry->table, entry->name));
        } else if (rights->scope.text) {
            check_scope(txn, entry);
        }
        model_yield(txn->model);
    }
    txn->memo = NULL;
    sset_destroy(&memo.within);
    sset_destroy(&memo.outside);
    sset_destroy(&memo.unused);
    free(memo.scopes);
}
