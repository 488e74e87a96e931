/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /v1/revisions/{revision}/undo: the inverse of a change, from what the
 * log keeps of it, as one transaction.  What was created is deleted, what was
 * deleted is made again, and fields that were changed are what they were.  It
 * is refused where an object has changed since, unless it is forced.  A client
 * with a scope undoes what its account has made, as far as all objects in it
 * are its own still; the rest the model checks, as of any change.  With
 * ?draft=NAME the same is put into a draft, as changes of what the revision
 * left: what has changed since is then a conflict of the draft.  With ?first=
 * that is for all revisions from this one on together. */

#include <config.h>

#include "controller/northbound/auth.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/draft-contents.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/schema-unknown.h"
#include "controller/schema/value.h"
#include "timeval.h"
#include "util.h"

/* What is asked for. */
struct undo {
    struct northbound *nb;
    uint64_t first, revision;   /* The first and the last one. */
    uint64_t changed;           /* That which has changed the object at hand
                                 * last. */
    const char *type, *name;    /* Of that object alone; or NULL. */
    const char *draft;          /* The draft that it is to be; or NULL. */
    json_t *changes;            /* Of that draft. */
    int64_t time_ms;            /* Of the revision; 0: not looked up yet. */
    bool force;
    bool foreign;               /* An object is not the client's. */
    bool of_daemon;             /* One is vmnd's. */
    bool deleted;               /* One was deleted since. */
    struct model_request request;
    struct vmn_errors errors;
};

/* Has what the controller once assigned asked for, so that it is the same
 * again: MAC and IP addresses that 'version' shows in its status. */
static void
pin_addresses(const struct schema_table *table, const json_t *version,
              json_t *spec)
{
    const json_t *status = json_object_get(version, "status");
    const struct schema_field *f = table->row.fields;

    for (; f->name; f++) {
        json_t *value = json_object_get(status, f->name);
        const json_t *asked = json_object_get(spec, f->name);

        if (f->flags & SCHEMA_ASSIGNED && value
            && (f->type == SCHEMA_MAC || f->type == SCHEMA_IP)
            && (!asked || json_is_null(asked))) {
            json_object_set(spec, f->name, value);
        }
    }
}

/* Returns the present spec of 'row' with the fields of 'before' in place of
 * those of 'after'. */
static json_t *
replace_fields(const struct vmn_row *row, const json_t *before,
               const json_t *after)
{
    json_t *was = json_object_get(before, "spec");
    json_t *became = json_object_get(after, "spec");
    json_t *spec = schema_row_spec(row), *value;
    const char *field;

    json_object_foreach (became, field, value) {
        json_object_del(spec, field);
    }
    json_object_update(spec, was);
    return spec;
}

/* Returns the same, with the addresses that the object had. */
static json_t *
inverse_spec(const struct vmn_row *row, const json_t *before,
             const json_t *after)
{
    json_t *spec = replace_fields(row, before, after);

    pin_addresses(schema_tables[row->table], before, spec);
    return spec;
}

static const char *
set_of(const json_t *version)
{
    return json_string_value(json_object_get(
        json_object_get(version, "metadata"), "set"));
}

/* Has the object belong to the set that it belonged to, if that is another
 * one: of an update the versions have what differs alone. */
static void
restore_set(struct model_op *op, const json_t *before, const json_t *after)
{
    const char *was = set_of(before);

    if (!nullable_string_is_equal(was, set_of(after))) {
        op->sets = true;
        op->set = nullable_xstrdup(was);
    }
}

/* Adds the inverse of what became of the object, of which there is 'row' (or
 * NULL) now. */
static void
add_inverse(struct undo *undo, const struct schema_table *table,
            const char *name, const json_t *before, const json_t *after,
            const struct vmn_row *row, uint64_t row_revision)
{
    struct model_request *request = &undo->request;
    struct model_op *op;
    json_t *spec;

    if (!after) {
        spec = json_deep_copy(json_object_get(before, "spec"));
        pin_addresses(table, before, spec);
        restore_set(model_request_add(request, MODEL_PUT, table->id, name,
                                      spec), before, NULL);
        return;
    }
    spec = before ? inverse_spec(row, before, after) : NULL;
    op = model_request_add(request, before ? MODEL_PUT : MODEL_DELETE,
                           table->id, name, spec);
    /* What was looked at is what is changed. */
    op->if_match = xasprintf("%"PRIu64, row_revision);
    if (before) {
        restore_set(op, before, after);
    }
}

/* Drafts.  ---------------------------------------------------------------- */

/* Returns the merge patch (RFC 7396) that makes 'to' of 'from'. */
static json_t *
diff_patch(const json_t *from, const json_t *to)
{
    json_t *patch = json_object(), *value;
    const char *key;

    json_object_foreach (CONST_CAST(json_t *, from), key, value) {
        if (!json_object_get(to, key)) {
            json_object_set_new(patch, key, json_null());
        }
    }
    json_object_foreach (CONST_CAST(json_t *, to), key, value) {
        const json_t *was = json_object_get(from, key);

        if (json_is_object(was) && json_is_object(value)) {
            json_object_set_new(patch, key, diff_patch(was, value));
        } else if (!was || !json_equal(was, value)) {
            json_object_set(patch, key, value);
        }
    }
    return patch;
}

/* Adds a change to the draft, of what the revision left: 'base', which it
 * takes ownership of (NULL: nothing), of the object that was created at
 * 'created_ms'.  Returns it, borrowed. */
static json_t *
add_draft_change(struct undo *undo, const char *op,
                 const struct schema_table *table, const char *name,
                 json_t *base, int64_t created_ms)
{
    char *etag = (base ? xasprintf("%"PRIu64, undo->changed)
                  : xstrdup(VMN_DRAFT_NONE));
    json_t *change = json_pack("{s:s, s:s, s:s, s:s, s:o*}", "op", op,
                               "type", table->plural, "name", name,
                               "base", etag, "base_spec", base);

    free(etag);
    if (base) {
        json_object_set_new(change, "base_created", json_integer(created_ms));
    }
    json_array_append_new(undo->changes, change);
    return change;
}

/* Returns true if what was created then came after the revision. */
static bool
is_newer(struct undo *undo, int64_t created_ms)
{
    if (!undo->time_ms) {
        json_t *entry = nb_find_log_entry(undo->nb, undo->revision, NULL,
                                          NULL);

        undo->time_ms = nb_log_entry_ms(entry);
        if (!undo->time_ms) {
            undo->time_ms = INT64_MAX;
        }
        json_decref(entry);
    }
    return created_ms > undo->time_ms;
}

/* Adds, to the draft, what add_inverse() adds to the request. */
static void
draft_inverse(struct undo *undo, const struct schema_table *table,
              const char *name, const json_t *before, const json_t *after,
              const struct vmn_row *row, int64_t created_ms)
{
    json_t *change, *spec, *base;

    if (after && is_newer(undo, created_ms)) {
        vmn_errors_add(&undo->errors, VMN_ERR_CONFLICT, "",
                       "%s \"%s\" was deleted and created anew after "
                       "revision %"PRIu64, table->singular, name,
                       undo->revision);
        return;
    }
    if (!draft_may_have(table)) {
        vmn_errors_add(&undo->errors, VMN_ERR_CONFLICT, "",
                       "revision %"PRIu64" changed %s \"%s\", and %s are not "
                       "changed by drafts: undo it without one",
                       undo->revision, table->singular, name, table->plural);
        return;
    }
    if (!after) {
        spec = json_deep_copy(json_object_get(before, "spec"));
        pin_addresses(table, before, spec);
        change = add_draft_change(undo, "put", table, name, NULL, 0);
        json_object_set_new(change, "spec", spec);
    } else if (!before) {
        change = add_draft_change(undo, "delete", table, name,
                                  json_deep_copy(json_object_get(after,
                                                                 "spec")),
                                  created_ms);
    } else {
        /* What the revision did not change counts as unchanged since: the
         * patch does not name it. */
        base = replace_fields(row, after, after);
        spec = diff_patch(json_object_get(after, "spec"),
                          json_object_get(before, "spec"));
        pin_addresses(table, before, spec);
        change = add_draft_change(undo, "patch", table, name, base,
                                  created_ms);
        json_object_set_new(change, "spec", spec);
    }
    if (before && set_of(before)
        && !nullable_string_is_equal(set_of(before), set_of(after))) {
        json_object_set_new(change, "set", json_string(set_of(before)));
    } else if (after && before && set_of(after) && !set_of(before)) {
        vmn_errors_add(&undo->errors, VMN_ERR_CONFLICT, "",
                       "revision %"PRIu64" put %s \"%s\" into set \"%s\", "
                       "which a draft does not take back: undo it without "
                       "one", undo->revision, table->singular, name,
                       set_of(after));
    }
}

/* The objects.  ----------------------------------------------------------- */

/* Returns true if 'row' (NULL: there is none) is within the client's scope.
 * One that was may have got other labels since, or another owner: it is not
 * told then that it has changed, nor when. */
static bool
is_own(struct undo *undo, const struct vmn_row *row)
{
    if (!row || model_in_scope(undo->request.rights, row)) {
        return true;
    }
    if (!undo->foreign) {
        vmn_errors_add(&undo->errors, VMN_ERR_FORBIDDEN, "",
                       "revision %"PRIu64" changed what is not within this "
                       "account's scope now", undo->revision);
    }
    undo->foreign = true;
    return false;
}

/* Reports, once, that the revision created or deleted what is not for users
 * to create or delete. */
static void
refuse_of_daemon(struct undo *undo, const struct schema_table *table)
{
    if (!undo->of_daemon) {
        vmn_errors_add(&undo->errors, VMN_ERR_CONFLICT, "",
                       "revision %"PRIu64" is of vmnd's start: its %s come "
                       "and go with vmnd's configuration, and cannot be "
                       "undone; one is disabled by vmnctl patch %s NAME -p "
                       "'{enabled: false}'", undo->revision, table->plural,
                       table->plural);
    }
    undo->of_daemon = true;
}

/* Returns true if a version of an object has fields that are not known. */
static bool
has_unknown(const struct schema_table *table, const json_t *version)
{
    json_t *spec = json_deep_copy(json_object_get(version, "spec"));
    json_t *unknown = schema_unknown_take(&table->row, spec);
    bool found = unknown != NULL;

    json_decref(unknown);
    json_decref(spec);
    return found;
}

/* Returns true, with an error, if a newer member of the cluster has changed
 * fields that are not known here: they would stay as they are. */
static bool
is_of_newer(struct undo *undo, const struct schema_table *table,
            const char *name, const json_t *before, const json_t *after)
{
    if (!before || (!has_unknown(table, before)
                    && !has_unknown(table, after))) {
        return false;
    }
    vmn_errors_add(&undo->errors, VMN_ERR_CONFLICT, "",
                   "revision %"PRIu64" changed fields of %s \"%s\" that this "
                   "version of vmnd does not know", undo->revision,
                   table->singular, name);
    return true;
}

/* Notes that something is left out, as the rest is to be undone all the
 * same. */
static void
leave_out(struct undo *undo, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
leave_out(struct undo *undo, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    svec_add_nocopy(&undo->request.left_out, xvasprintf(format, args));
    va_end(args);
}

/* Notes, or reports, that the app has gone that had the type, and its last
 * object with it. */
static void
skip_of_no_type(struct undo *undo, const char *type, const char *name)
{
    if (undo->force) {
        leave_out(undo, "\"%s\" of type \"%s\", which is not there any more, "
                  "is left out", name, type);
    } else {
        vmn_errors_add(&undo->errors, VMN_ERR_CONFLICT, "",
                       "revision %"PRIu64" changed \"%s\" of type \"%s\", "
                       "which is not there any more: load its app first, or "
                       "undo the others with force", undo->revision, name,
                       type);
    }
}

/* Notes, or reports, that what the revision left was deleted since, which is a
 * later change. */
static void
skip_deleted(struct undo *undo, const struct schema_table *table,
             const char *name)
{
    undo->deleted = true;
    if (undo->force) {
        leave_out(undo, "%s \"%s\" was deleted after revision %"PRIu64", and "
                  "stays deleted", table->singular, name, undo->revision);
    } else {
        vmn_errors_add(&undo->errors, VMN_ERR_CONFLICT, "",
                       "%s \"%s\" was deleted after revision %"PRIu64,
                       table->singular, name, undo->revision);
    }
}

/* Adds the inverse of one object's change, or to the errors. */
static void
undo_object(struct undo *undo, const json_t *object)
{
    const char *type = json_string_value(json_object_get(object, "type"));
    const char *name = json_string_value(json_object_get(object, "name"));
    const json_t *before = json_object_get(object, "before");
    const json_t *after = json_object_get(object, "after");
    const struct schema_table *table = type ? schema_find_table(type) : NULL;
    const struct vmn_row *row;
    struct model_meta meta;

    if (!type || !name || (!before && !after)
        || (undo->type && (!table || strcmp(undo->type, table->plural)
                           || strcmp(undo->name, name)))) {
        return;
    }
    if (undo->request.repeats && (undo->draft || !table)) {
        return;
    }
    if (!table) {
        skip_of_no_type(undo, type, name);
        return;
    }
    if (undo->request.repeats) {
        /* It is not applied: what was undone is not as it was before. */
        model_request_add(&undo->request, after && !before ? MODEL_DELETE
                          : MODEL_PUT, table->id, name, NULL);
        return;
    }
    row = model_get_durable(undo->nb->model, table->id, name, &meta);
    if (!is_own(undo, row)) {
        return;
    }
    if (table->of_daemon && (!before || !after)) {
        /* A start of vmnd may be one of several revisions. */
        if (undo->first == undo->revision) {
            refuse_of_daemon(undo, table);
        }
        return;
    }
    if (is_of_newer(undo, table, name, before, after)) {
        return;
    }
    if (after && !row) {
        skip_deleted(undo, table, name);
    } else if (undo->draft) {
        draft_inverse(undo, table, name, before, after, row,
                      row ? meta.created_ms : 0);
    } else if (row && !undo->force
               && (!after || meta.revision != undo->revision)) {
        vmn_errors_add(&undo->errors, VMN_ERR_CONFLICT, "",
                       "%s \"%s\" was changed again after revision %"PRIu64
                       ", in revision %"PRIu64, table->singular, name,
                       undo->revision, meta.revision);
    } else {
        add_inverse(undo, table, name, before, after, row, meta.revision);
    }
}

/* Refuses what is not to be undone as a whole, or notes what is left out. */
static void
check_whole(struct undo *undo, const json_t *contents)
{
    json_int_t left_out = json_integer_value(json_object_get(contents,
                                                             "left_out"));

    if (undo->request.repeats) {
        return;
    }
    if (left_out && !undo->type) {
        const char *which = (undo->first == undo->revision ? "revision "
                             : "revisions up to ");

        if (undo->force) {
            leave_out(undo, "the changes of %lld objects in %s%"PRIu64" are "
                      "left out: they are not kept", (long long) left_out,
                      which, undo->revision);
        } else {
            vmn_errors_add(&undo->errors, VMN_ERR_CONFLICT, "",
                           "the changes of %lld objects in %s%"PRIu64" are "
                           "not kept", (long long) left_out, which,
                           undo->revision);
        }
    }
    if (!undo->errors.n && !undo->request.n_ops
        && !json_array_size(undo->changes)) {
        const char *what = (undo->deleted ? "is there any more"
                            : "can be undone");

        if (undo->first == undo->revision) {
            vmn_errors_add(&undo->errors, VMN_ERR_CONFLICT, "",
                           "revision %"PRIu64" changed nothing that %s",
                           undo->revision, what);
        } else {
            vmn_errors_add(&undo->errors, VMN_ERR_CONFLICT, "",
                           "revisions %"PRIu64" to %"PRIu64" together "
                           "changed nothing that %s", undo->first,
                           undo->revision, what);
        }
    }
}

/* Has the draft created. */
static void
submit_draft(struct undo *undo, struct http_request *req,
             const struct nb_wait *wait)
{
    const struct schema_table *table = schema_tables[VMN_TABLE_DRAFT];
    bool is_one = undo->first == undo->revision;
    char *description = (
        is_one ? xasprintf("Takes back revision %"PRIu64, undo->revision)
        : xasprintf("Takes back revisions %"PRIu64" to %"PRIu64, undo->first,
                    undo->revision));
    json_t *spec = json_pack("{s:s, s:O}", "description", description,
                             "changes", undo->changes);

    if (is_one) {
        json_object_set_new(spec, "undoes", json_integer(undo->revision));
    }
    free(description);
    undo->request.list = false;
    undo->request.has_bases = true;
    undo->request.undoes = 0;   /* The draft will, once it is applied. */
    model_request_add(&undo->request, MODEL_PUT, table->id, undo->draft,
                      spec)->creates = true;
    nb_change_submit(undo->nb, req, &undo->request, table, undo->draft, wait,
                     NULL);
}

static void
submit(struct undo *undo, struct http_request *req, const json_t *contents,
       const struct nb_wait *wait)
{
    const json_t *object;
    size_t i;

    nb_request_init(&undo->request, req);
    vmn_errors_init(&undo->errors);
    undo->request.list = true;
    undo->request.undoes = undo->revision;
    if (!nb_take_key(undo->nb, req, wait, &undo->request)) {
        model_request_uninit(&undo->request);
        return;
    }
    undo->request.repeats = (undo->request.key
                             && model_has_key(undo->nb->model,
                                              undo->request.who,
                                              undo->request.key,
                                              time_wall_msec()));
    json_array_foreach (json_object_get(contents, "objects"), i, object) {
        const json_t *changed = json_object_get(object, "revision");

        undo->changed = (changed ? (uint64_t) json_integer_value(changed)
                         : undo->revision);
        undo_object(undo, object);
    }
    check_whole(undo, contents);
    if (undo->errors.n) {
        nb_reply_errors(req, &undo->errors, NB_POINT_AT_BODY);
    } else if (undo->draft) {
        submit_draft(undo, req, wait);
    } else {
        nb_change_submit(undo->nb, req, &undo->request, NULL, NULL, wait,
                         NULL);
    }
    vmn_errors_uninit(&undo->errors);
    model_request_uninit(&undo->request);
}

/* Reads which object is meant, if one is; false after an answer. */
static bool
query_object(struct http_request *req, struct undo *undo)
{
    const char *type = http_request_query(req, "type");

    undo->name = http_request_query(req, "name");
    if (!type != !undo->name) {
        return nb_query_reject(req, type ? "type" : "name",
                               "requires \"%s\"", type ? "name" : "type");
    }
    return nb_query_type(req, &undo->type);
}

/* Reads the name of the draft, if it is to be one. */
static bool
query_draft(struct http_request *req, struct undo *undo)
{
    struct vmn_error why = VMN_ERROR_INIT;

    undo->draft = http_request_query(req, "draft");
    if (undo->draft && value_check_name(undo->draft, &why)) {
        nb_query_reject(req, "draft", "%s", why.text);
        vmn_error_uninit(&why);
        return false;
    }
    return true;
}

/* Reads the first revision, if there are to be several. */
static bool
query_first(struct http_request *req, struct undo *undo)
{
    return (nb_query_number(req, "first", 1, undo->revision, undo->revision,
                            &undo->first)
            && (undo->draft || !http_request_query(req, "first")
                || nb_query_reject(req, "first", "requires \"draft\"")));
}

void
nb_post_undo(struct http_request *req, void *nb)
{
    struct undo undo = { .nb = nb };
    struct nb_wait wait;
    json_t *contents;

    if (!nb_query_wait(req, &wait)
        || !nb_query_bool(req, "force", &undo.force)
        || !query_object(req, &undo) || !query_draft(req, &undo)
        || !nb_param_revision(req, &undo.revision)
        || !query_first(req, &undo)
        || !nb_sees_revision(nb, req, undo.revision)) {
        return;
    }
    if (undo.revision > model_durable_revision(undo.nb->model)) {
        nb_reply_no_revision(nb, req, undo.revision);
        return;
    }
    contents = nb_undo_contents(nb, req, undo.first, undo.revision);
    if (contents) {
        undo.changes = json_array();
        submit(&undo, req, contents, &wait);
        json_decref(undo.changes);
        json_decref(contents);
    }
}
