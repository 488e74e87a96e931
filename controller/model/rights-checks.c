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
 * to act on, even if it has the labels: an administrator made it.  One of an
 * app's type may yet be deleted by whose labels it and all have that it names
 * (is_let_go()).  Nor does it act on a policy in a tier that is not for it,
 * which an administrator has made just so.
 *
 * Not for who somebody is (northbound/auth.c), for ports
 * (port-rights.c), nor for what others depend on
 * (shared-rights.c). */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "controller/model/model-class.h"
#include "controller/model/rights.h"
#include "controller/model/txn.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/selector.h"
#include "sset.h"
#include "util.h"


/* References and selectors.  ---------------------------------------------- */

struct rights_check {
    struct txn *txn;
    const struct entry *entry;
    const struct vmn_row *row;  /* The version that is checked... */
    bool was;                   /* ...which is the one before. */
    bool acts;                  /* That acts on what it may not. */
    bool told;                  /* Why it would not change with others. */
};

/* Returns true if the request does not name the object: it would change with
 * what is deleted. */
static bool
is_cascaded(const struct rights_check *check)
{
    return !check->entry->op && !check->was;
}

/* Reports that the object, which would change with what is deleted, does what
 * 'verb' says to what is not the account's; once.  That is not named: the
 * request has not named it either. */
static void
refuse_cascade(struct rights_check *check, const char *verb,
               const char *of_type)
{
    if (!check->told) {
        txn_error(check->txn, check->entry, VMN_ERR_FORBIDDEN, "",
                  "%s would change as well, and %s a %s that is out of this "
                  "account's scope",
                  txn_name(check->txn, check->entry->table,
                           check->entry->name), verb, of_type);
    }
    check->told = true;
}

/* Returns true if 'f', a field of the object or of a struct in it, says what
 * it said before. */
static bool
is_as_before(const struct rights_check *check, const struct schema_field *f)
{
    const char *row = (const char *) check->row;
    const char *was = (const char *) check->entry->before->row;
    const struct schema_field *outer = schema_struct_of(check->row)->fields;

    for (; outer->name; outer++) {
        if (outer == f) {
            return schema_field_same(f, was, row);
        }
        for (const struct schema_field *inner
             = (outer->type == SCHEMA_STRUCT && !(outer->flags & SCHEMA_LIST)
                ? outer->nested->fields : NULL);
             inner && inner->name; inner++) {
            if (inner == f) {
                return schema_field_same(f, was + outer->offset,
                                         row + outer->offset);
            }
        }
    }
    return false;
}

/* Returns true if the object is where it was put before. */
static bool
is_placed(const struct rights_check *check, const struct schema_field *f)
{
    return (f && f->reach == SCHEMA_PLACES
            && (check->was
                || (check->entry->before && is_as_before(check, f))));
}

/* Returns true if the object is of an app's type and is deleted, and 'row',
 * which it names, has the account's labels.  If others' ports have come into
 * such a group, or under such a policy, the object does to them what its owner
 * may not do any more: to end that is his right.  What isolates of VMN's own,
 * a policy or a quarantine, is not let go: others may rely on it. */
static bool
is_let_go(const struct rights_check *check, const struct vmn_row *row)
{
    return (check->was && !check->entry->cur
            && schema_is_own(check->entry->table)
            && rights_own(check->txn->request->rights, row));
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
    } else if (is_cascaded(check)) {
        refuse_cascade(check, "acts on", schema_tables[table]->singular);
    } else {
        const struct vmn_row *row = rights_row(check->txn, table, name);

        txn_error(check->txn, check->entry, VMN_ERR_FORBIDDEN, field,
                  rights_own(check->txn->request->rights, row)
                  && !rights_keep_tiers(check->txn, row)
                  ? "%s \"%s\" is in a tier that is not for this account"
                  : "%s \"%s\" is not within this account's scope, or acts on "
                  "what is not",
                  schema_tables[table]->singular, name);
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
    if (!model_sees(rights, row) && is_cascaded(check)) {
        refuse_cascade(check, "refers to", schema_tables[table]->singular);
    } else if (!model_sees(rights, row) && !check->was) {
        /* In the words of what is not there: it is not for this account to
         * know of. */
        char *guess = model_suggestion_for(
            check->txn->errors, check->txn->model, rights, table, name,
            check->entry->table == VMN_TABLE_QUARANTINE);

        txn_error(check->txn, check->entry, VMN_ERR_INVALID, field,
                  "%s \"%s\" does not exist%s",
                  schema_tables[table]->singular, name, guess);
        free(guess);
    } else if ((!f || f->reach != SCHEMA_MENTIONS)
               && !is_placed(check, f) && !is_let_go(check, row)
               && !rights_is_within_scope(check->txn, row)) {
        refuse_act(check, table, name, field);
    }
}

/* Returns true if the account may have the selector so. */
static bool
may_select(const struct model_rights *rights, const struct schema_field *f,
           const struct vmn_selector *selector)
{
    if (!selector->text) {
        return !(f->flags & SCHEMA_OR_ALL);
    }
    return (selector_is_within(selector, &rights->scope)
            || (f->reach == SCHEMA_MENTIONS && rights->reads.text
                && selector_is_within(selector, &rights->reads)));
}

static void
check_selectors(struct rights_check *check)
{
    const struct schema_field *f = schema_struct_of(check->row)->fields;
    const struct model_rights *rights = check->txn->request->rights;
    const char *row = (const char *) check->row;

    for (; f->name; f++) {
        char *field;

        if (f->type != SCHEMA_SELECTOR
            || may_select(rights, f, (const void *) (row + f->offset))) {
            continue;
        }
        check->acts = true;
        if (is_cascaded(check)) {
            refuse_cascade(check, "selects", "port");
            continue;
        }
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
    struct rights_check check = { txn, entry, version->row, was, false,
                                  false };

    check_selectors(&check);
    schema_row_refs(version->row, check_ref, &check);
    return !check.acts;
}

/* Fields.  ---------------------------------------------------------------- */

/* Returns true if 'f' of a row says what it would if it was absent. */
static bool
is_absent(const struct schema_field *f, const struct vmn_row *row)
{
    json_t *value = schema_field_to_json(f, row, false);
    bool absent = (!value
                   || (json_is_boolean(value)
                       && json_boolean_value(value) == (f->def != 0))
                   || (json_is_integer(value)
                       && json_integer_value(value) == f->def)
                   || (f->type == SCHEMA_ENUM && f->def >= 0
                       && json_is_string(value)
                       && !strcmp(json_string_value(value),
                                  f->names[f->def])));

    json_decref(value);
    return absent;
}

static void
check_writers(struct txn *txn, const struct entry *entry)
{
    const struct vmn_row *row = entry_row(entry);
    const struct schema_field *f = schema_struct_of(row)->fields;
    const struct vmn_row *was = entry->before ? entry->before->row : NULL;

    /* One of an app's type that the app has declared otherwise since. */
    if (was && schema_struct_of(was) != schema_struct_of(row)) {
        was = NULL;
    }
    for (; f->name; f++) {
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

/* Checks that 'row' decides in no tier but those that the account may use. */
static bool
check_tier(struct txn *txn, const struct entry *entry,
           const struct vmn_row *row)
{
    if (rights_keep_tiers(txn, row)) {
        return true;
    }
    txn->model->classes[row->table]->refuse_tier(txn, entry, row);
    return false;
}

/* All of it.  ------------------------------------------------------------- */

/* Reports that the object, which the request names or which would go with one
 * that it names, is not the account's. */
static void
refuse_scope(struct txn *txn, const struct entry *entry)
{
    if (!txn_shows(txn, entry->table, entry->name)) {
        if (txn->memo->told_hidden) {
            return;
        }
        txn->memo->told_hidden = true;
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, "",
                  "an object that is out of this account's scope would change "
                  "as well");
    } else {
        txn_error(txn, entry, VMN_ERR_FORBIDDEN, "",
                  "%s \"%s\" %sis not within this account's scope",
                  schema_tables[entry->table]->singular, entry->name,
                  entry->op ? "" : "would change as well, and ");
    }
}

static void
check_scope(struct txn *txn, const struct entry *entry)
{
    const struct model_rights *rights = txn->request->rights;
    bool ok = true;

    if (entry->before && !rights_own(rights, entry->before->row)) {
        refuse_scope(txn, entry);
        return;
    } else if (entry->cur && !rights_own(rights, entry->cur->row)) {
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
    if (txn->model->classes[entry->table]->check_rights) {
        txn->model->classes[entry->table]->check_rights(txn, entry);
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
                       && txn->errors->n < VMN_ERRORS_MAX; i++) {
        const struct entry *entry = txn->touched[i];

        /* Reports of hosts follow the objects that they are about. */
        if (schema_tables[entry->table]->observed) {
            continue;
        }
        /* An account that is put as it is was let through by its operation
         * (transaction.c). */
        if (entry->cur == entry->before
            && (!entry->op || !entry->before
                || schema_tables[entry->table]->authenticates
                || rights_show_all(rights, entry->before->row))) {
            continue;
        }
        /* What is as it was is refused in the words of a change: that it
         * exists, or what it says, must not be disclosed. */
        if (!rights_have_table(rights, entry->table)) {
            txn_error(txn, entry, VMN_ERR_FORBIDDEN, "",
                      "%s must not be changed by this account",
                      txn_name(txn, entry->table, entry->name));
        } else if (entry->cur == entry->before) {
            refuse_scope(txn, entry);
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
