/* SPDX-License-Identifier: Apache-2.0
 *
 * Drafts: when one is written, each of its changes is checked as far as it
 * stands by itself (that it is of an object of its type, valid, and for this
 * account to make), and gets what the object is now as its base, unless it has
 * one.  What it would mean for other objects is checked when it is planned or
 * applied. */

#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/draft-contents.h"
#include "controller/model/model-class.h"
#include "controller/model/request-author.h"
#include "controller/model/request.h"
#include "controller/model/rights.h"
#include "controller/model/txn.h"
#include "controller/schema/schema-row.h"
#include "sset.h"
#include "util.h"

/* Bytes of all specs in one draft, bases included. */
#define SPECS_MAX (512 * 1024)

/* Drafts of a scope that its accounts make, and those of the table that only
 * accounts without a scope do. */
#define SHARE_MAX 10
#define RESERVED 20

/* A change that is checked. */
struct check {
    struct txn *txn;
    const struct model_op *op;  /* That writes the draft. */
    size_t i;
    json_t *change;
    const struct vmn_draft *old; /* As it was before, or NULL. */
    const struct schema_table *table; /* Of the model. */
    const char *name;
    const struct version *now;  /* The object, or NULL. */
};

static void
fault(const struct check *check, enum vmn_error_code code, const char *member,
      const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void
fault(const struct check *check, enum vmn_error_code code, const char *member,
      const char *format, ...)
{
    char *field = xasprintf("/changes/%"PRIuSIZE"%s", check->i, member);
    va_list args;
    char *text;

    va_start(args, format);
    text = xvasprintf(format, args);
    va_end(args);
    txn_op_error(check->txn, check->op, code, field, "%s", text);
    free(text);
    free(field);
}

static const char *
member_text(const struct check *check, const char *member)
{
    return json_string_value(json_object_get(check->change, member));
}

/* Finds the type, which the account must be allowed to change. */
static bool
check_type(struct check *check)
{
    const struct model_rights *rights = check->txn->request->rights;
    const char *type = member_text(check, "type");
    const struct schema_table *table = type ? schema_find_table(type) : NULL;

    if (!type) {
        return false;           /* The description says so. */
    }
    check->table = (table && !table->observed && !strcmp(type, table->plural)
                    ? model_table(check->txn->model, table->id) : NULL);
    if (!check->table) {
        fault(check, VMN_ERR_INVALID, "/type", "\"%s\" is an unknown type; "
              "GET /v1 lists them", type);
    } else if (!draft_may_have(check->table)) {
        fault(check, VMN_ERR_INVALID, "/type", "%s are not changed by drafts",
              check->table->plural);
    } else if (!rights_have_table(rights, check->table->id)) {
        fault(check, VMN_ERR_FORBIDDEN, "/type", "%s must not be changed by "
              "this account", check->table->plural);
    } else {
        return true;
    }
    return false;
}

/* Reads the name, of an object that no other change is of. */
static bool
check_name(struct check *check, struct sset *names)
{
    struct vmn_error why = VMN_ERROR_INIT;
    char *key;
    bool once;

    check->name = member_text(check, "name");
    if (!check->name) {
        return false;
    }
    if (check->table->check_name(check->name, &why)) {
        fault(check, VMN_ERR_INVALID, "/name", "%s", why.text);
        vmn_error_uninit(&why);
        return false;
    }
    key = xasprintf("%s/%s", check->table->plural, check->name);
    once = sset_add(names, key) != NULL;
    free(key);
    if (!once) {
        fault(check, VMN_ERR_INVALID, "/name", "names %s \"%s\" a second time",
              check->table->singular, check->name);
    }
    return once;
}

/* Finds the object.  Of one that the account does not see no more is told
 * than by the change itself. */
static bool
find_object(struct check *check, bool puts)
{
    const struct model_rights *rights = check->txn->request->rights;
    const struct entry *entry = model_find(check->txn->model,
                                           check->table->id, check->name);
    const struct version *now = entry ? entry->cur : NULL;

    if (now && !model_sees(rights, now->row) && !puts) {
        now = NULL;             /* As one that is not there. */
    } else if (now && !model_in_scope(rights, now->row)) {
        fault(check, VMN_ERR_FORBIDDEN, "", "%s \"%s\" is not within this "
              "account's scope", check->table->singular, check->name);
        return false;
    }
    check->now = now;
    return true;
}

/* Returns the change of the object that the draft has already, if its base is
 * that of the new one, or NULL. */
static const struct vmn_draft_change *
find_with_base(const struct check *check)
{
    const struct vmn_draft *draft = check->old;

    for (size_t i = 0; draft && i < draft->n_changes; i++) {
        const struct vmn_draft_change *old = &draft->changes[i];

        if (!strcmp(old->type, check->table->plural)
            && !strcmp(old->name, check->name)) {
            json_t *was = draft_base_spec(old);
            const json_t *spec = json_object_get(check->change, "base_spec");
            const json_t *created = json_object_get(check->change,
                                                    "base_created");
            bool same = nullable_string_is_equal(
                            old->base, member_text(check, "base"))
                        && old->base_created == (uint64_t)
                                                json_integer_value(created)
                        && (was && spec ? json_equal(was, spec)
                            : !was == !spec);

            json_decref(was);
            return same ? old : NULL;
        }
    }
    return NULL;
}

/* Returns true if the draft has a change of the object with the same base
 * already, and the same revision if the new one has any. */
static bool
has_base(const struct check *check)
{
    const struct vmn_draft_change *old = find_with_base(check);
    const json_t *newest = json_object_get(check->change, "base_revision");

    return old && (!newest || json_is_null(newest)
                   || old->base_revision == (uint64_t)
                                            json_integer_value(newest));
}

/* Sets the base to what there is, unless there is one.  That of an account
 * with a scope must be one that was filled in: by another, it could have who
 * applies the draft take an object for the account's that is not. */
static bool
set_base(struct check *check, bool puts)
{
    const struct model_request *request = check->txn->request;
    const json_t *base = json_object_get(check->change, "base");

    if (base && !json_is_null(base)) {
        if (!request->rights || !request->rights->scope.text
            || request->has_bases || has_base(check)) {
            return true;
        }
        fault(check, VMN_ERR_FORBIDDEN, "/base", "is not the one that the "
              "draft has: leave it out, for the present object");
        return false;
    }
    if (!check->now && !puts) {
        char *guess = model_suggestion_for(
            check->txn->errors, check->txn->model,
            check->txn->request->rights, check->table->id, check->name, true);

        fault(check, VMN_ERR_NOT_FOUND, "/name", "%s \"%s\" does not exist%s",
              check->table->singular, check->name, guess);
        free(guess);
        return false;
    }
    if (check->now) {
        char etag[24];

        snprintf(etag, sizeof etag, "%"PRIu64, check->now->meta.revision);
        json_object_set_new(check->change, "base", json_string(etag));
        json_object_set_new(check->change, "base_spec",
                            schema_row_spec(check->now->row));
        json_object_set_new(check->change, "base_created",
                            json_integer(check->now->meta.created_ms));
    } else {
        json_object_set_new(check->change, "base",
                            json_string(VMN_DRAFT_NONE));
        json_object_del(check->change, "base_spec");
        json_object_del(check->change, "base_created");
    }
    return true;
}

/* A cascade is for what refers to the object once it is written, by the same
 * request as well, unless it is sent back with its base and says since when.
 * One that the draft has already stays what it is (so that the same again
 * changes nothing, and what came meanwhile is still seen), unless null is sent
 * for it. */
static void
set_base_revision(struct check *check, bool sent_back)
{
    const json_t *given = json_object_get(check->change, "base_revision");
    uint64_t newest = check->txn->model->revision + 1;
    bool deletes = nullable_string_is_equal(member_text(check, "op"),
                                            "delete");
    const struct vmn_draft_change *old;

    if (!deletes
        || !json_is_true(json_object_get(check->change, "cascade"))) {
        /* What is none is left to be refused. */
        if (json_is_null(given)
            || (deletes && json_is_integer(given)
                && json_integer_value(given) > 0)) {
            json_object_del(check->change, "base_revision");
        }
        return;
    }
    if (sent_back && given && !json_is_null(given)) {
        if (json_is_integer(given)
            && json_integer_value(given) > (json_int_t) newest) {
            fault(check, VMN_ERR_INVALID, "/base_revision", "is not a revision"
                  " yet: leave it out");
        }
        return;
    }
    old = json_is_null(given) ? NULL : find_with_base(check);
    if (old && old->op == VMN_DRAFT_DELETE && old->cascade) {
        newest = old->base_revision;
    }
    json_object_set_new(check->change, "base_revision",
                        json_integer((json_int_t) newest));
}

/* Sets whether 'row' (NULL: the spec is not valid) is as the base was. */
static void
set_unchanged(json_t *change, const struct vmn_row *row)
{
    json_t *spec = row ? schema_row_spec(row) : NULL;

    if (spec && !json_object_get(change, "set")
        && json_equal(spec, json_object_get(change, "base_spec"))) {
        json_object_set_new(change, "unchanged", json_true());
    }
    json_decref(spec);
}

/* Checks that the spec, of which a patch makes another one of the base, is
 * one of an object of the type. */
static void
check_spec(const struct check *check, bool patches)
{
    const struct model_rights *rights = check->txn->request->rights;
    json_t *spec = json_object_get(check->change, "spec");
    char *field = xasprintf("/changes/%"PRIuSIZE"/spec", check->i);
    char *pointer = txn_op_pointer(check->txn, check->op, field);
    const struct vmn_row *row;
    struct arena arena;
    json_t *whole;

    json_object_del(check->change, "unchanged");
    if (json_is_object(spec) && !patches) {
        spec = spec_with_scope_labels(check->table->id, rights, spec);
        json_object_set_new(check->change, "spec", spec);
    }
    if (json_is_object(spec)) {
        whole = (patches
                 ? spec_merge_patch(json_deep_copy(json_object_get(
                     check->change, "base_spec")), spec)
                 : json_incref(spec));
        arena_init(&arena);
        row = schema_row_parse(check->table, check->name, whole, pointer,
                               &arena, check->txn->errors);
        set_unchanged(check->change, row);
        arena_uninit(&arena);
        json_decref(whole);
    }
    free(pointer);
    free(field);
}

static void
check_change(struct check *check, struct sset *names)
{
    const json_t *op = json_object_get(check->change, "op");
    bool patches = op && nullable_string_is_equal(json_string_value(op),
                                                  "patch");
    bool puts = !op || nullable_string_is_equal(json_string_value(op), "put");
    const json_t *base = json_object_get(check->change, "base");
    bool sent_back = base && !json_is_null(base);

    if (check_type(check) && check_name(check, names)
        && find_object(check, puts) && set_base(check, puts)) {
        set_base_revision(check, sent_back);
        check_spec(check, patches);
    }
}

/* Sets who created the draft. */
static void
set_author(struct txn *txn, const struct model_op *op, json_t *spec,
           const struct version *old)
{
    const struct vmn_draft *was = old ? (const void *) old->row : NULL;
    const char *author = was && was->author ? was->author : txn->request->who;
    const json_t *given = json_object_get(spec, "author");

    if (given && !json_is_null(given)
        && !nullable_string_is_equal(json_string_value(given), author)) {
        txn_op_error(txn, op, VMN_ERR_INVALID, "/author",
                     "is filled in: leave it out");
        return;
    }
    json_object_set_new(spec, "author", json_string(author));
}

/* Returns 'changes' without what they are for. */
static json_t *
without_bases(const json_t *changes)
{
    json_t *copy = json_deep_copy(changes), *change;
    size_t i;

    json_array_foreach (copy, i, change) {
        json_object_del(change, "base");
        json_object_del(change, "base_spec");
        json_object_del(change, "base_created");
        json_object_del(change, "base_revision");
        json_object_del(change, "unchanged");
    }
    return copy;
}

/* Has the draft not claim any more to take a revision back, if what it changes
 * is not what vmnd has written for that. */
static void
set_undoes(struct txn *txn, const struct model_op *op, json_t *spec,
           const json_t *was)
{
    const json_t *given = json_object_get(spec, "undoes");
    const json_t *undoes = json_object_get(was, "undoes");
    json_t *before, *now;

    if (txn->request->has_bases || !given || json_is_null(given)) {
        return;
    }
    if (!undoes || !json_equal(given, undoes)) {
        txn_op_error(txn, op, VMN_ERR_INVALID, "/undoes", "is filled in by "
                     "POST /v1/revisions/REVISION/undo?draft=NAME: leave it "
                     "out");
        return;
    }
    before = without_bases(json_object_get(was, "changes"));
    now = without_bases(json_object_get(spec, "changes"));
    if (!before || !now || !json_equal(before, now)) {
        json_object_del(spec, "undoes");
    }
    json_decref(before);
    json_decref(now);
}

/* Returns who makes the request: of an account, without the token. */
static char *
get_writer(const struct model_request *request)
{
    return (request->author
            ? xasprintf("account:%s", request->author->account)
            : xstrdup(request->who));
}

/* Adds who writes the draft to its writers, as the last one, if the changes
 * are others than before. */
static void
set_writers(struct txn *txn, const struct model_op *op, json_t *spec,
            const json_t *was)
{
    const json_t *given = json_object_get(spec, "writers");
    const json_t *before = json_object_get(was, "writers");
    const json_t *changes = json_object_get(spec, "changes");
    const json_t *former = json_object_get(was, "changes");
    json_t *writers = before ? json_copy(CONST_CAST(json_t *, before))
                      : json_array();
    char *writer = get_writer(txn->request);

    if (given && !json_is_null(given) && !json_equal(given, writers)) {
        txn_op_error(txn, op, VMN_ERR_INVALID, "/writers",
                     "is filled in: leave it out");
    } else if (!changes || !former || !json_equal(changes, former)) {
        json_t *one;
        size_t i;

        json_array_foreach (writers, i, one) {
            if (!strcmp(json_string_value(one), writer)) {
                json_array_remove(writers, i);
                break;
            }
        }
        json_array_append_new(writers, json_string(writer));
    }
    if (json_array_size(writers) > VMN_DRAFT_WRITERS_MAX) {
        txn_op_error(txn, op, VMN_ERR_TOO_LARGE, "/writers", "are %d already: "
                     "write another draft", VMN_DRAFT_WRITERS_MAX);
    }
    json_object_set_new(spec, "writers", writers);
    free(writer);
}

static json_t *
complete(struct txn *txn, const struct model_op *op, json_t *spec,
         const struct version *old)
{
    struct sset names = SSET_INITIALIZER(&names);
    json_t *changes, *change, *copy, *was;
    size_t i;

    /* What is filled in would tell of a draft that is not the account's. */
    if (!json_is_object(spec)
        || (old && !model_in_scope(txn->request->rights, old->row))) {
        return spec;
    }
    copy = json_deep_copy(spec);
    json_decref(spec);
    set_author(txn, op, copy, old);
    changes = json_object_get(copy, "changes");
    json_array_foreach (changes, i, change) {
        struct check check = {
            .txn = txn, .op = op, .i = i, .change = change,
            .old = old ? (const void *) old->row : NULL,
        };

        if (json_is_object(change)) {
            check_change(&check, &names);
        }
        if (txn->errors->n >= VMN_ERRORS_MAX) {
            break;
        }
        model_yield(txn->model);
    }
    sset_destroy(&names);
    was = old ? schema_row_spec(old->row) : NULL;
    set_undoes(txn, op, copy, was);
    set_writers(txn, op, copy, was);
    json_decref(was);
    return copy;
}

/* Checks that an account with a scope makes no more drafts than are its share,
 * and leaves some to accounts without. */
static void
check_share(struct txn *txn, const struct model_op *op)
{
    const struct model_rights *rights = txn->request->rights;
    struct vmn_names names = model_names(txn->model, VMN_TABLE_DRAFT);
    size_t n = 0;

    if (!rights || !rights->scope.text) {
        return;
    }
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_row *row = model_get(txn->model, VMN_TABLE_DRAFT,
                                              names.names[i]);

        /* Those alone that the account may delete: it cannot make room by
         * others, nor is it told how many there are. */
        n += row && model_in_scope(rights, row);
        model_yield(txn->model);
    }
    if (n >= SHARE_MAX) {
        txn_op_error(txn, op, VMN_ERR_TOO_LARGE, "", "there are %"PRIuSIZE
                     " drafts in this account's scope: at most %d", n,
                     SHARE_MAX);
    } else if (names.n >= schema_tables[VMN_TABLE_DRAFT]->max_rows
                          - RESERVED) {
        txn_op_error(txn, op, VMN_ERR_TOO_LARGE, "", "there are too many "
                     "drafts: what is left is for accounts without a scope");
    }
}

static void
check_written(struct txn *txn, struct model_op *op,
              const struct vmn_row *row, const struct vmn_row *old)
{
    const struct vmn_draft *draft = (const void *) row;
    size_t size = 0;

    if (!old) {
        check_share(txn, op);
    }

    for (size_t i = 0; i < draft->n_changes; i++) {
        const struct vmn_draft_change *change = &draft->changes[i];

        size += change->spec ? strlen(change->spec) : 0;
        size += change->base_spec ? strlen(change->base_spec) : 0;
    }
    if (size > SPECS_MAX) {
        txn_op_error(txn, op, VMN_ERR_TOO_LARGE, "/changes", "are %"PRIuSIZE
                     " bytes, with what the objects were: more than %d", size,
                     SPECS_MAX);
    }
}

const struct model_class model_draft = {
    .complete = complete,
    .check_written = check_written,
    .limit = "drafts",
    .limit_offset = offsetof(struct vmn_quota, drafts),
};
