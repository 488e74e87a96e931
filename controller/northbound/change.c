/* SPDX-License-Identifier: Apache-2.0
 *
 * A transaction of a request: submitted, then durable, then, if requested,
 * installed on every host concerned.  The client may disconnect at any time;
 * the transaction goes on.  Or one that is only planned. */

#include <config.h>

#include "controller/northbound/auth.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/commit/plan.h"
#include "controller/commit/request-warnings.h"
#include "controller/fabric/fabric-receipts.h"
#include "controller/model/warnings.h"
#include "controller/northbound/replies.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-diff.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/schema-struct.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(northbound_change);

struct change {
    struct ovs_list node;           /* In northbound's 'changes'. */
    struct northbound *nb;          /* NULL: it was destroyed. */
    struct http_request *req;       /* NULL: the client has disconnected. */
    const struct schema_table *table; /* NULL: a list of objects. */
    char *name;
    struct nb_wait wait;
    char *secret;                   /* Included in the reply; or NULL. */
    struct fabric_wait *fabric_wait; /* Once durable, if it is waited for. */
    size_t n_objects;               /* Of the request, once durable; not those
                                     * that it deletes. */
    struct nb_object_name *objects; /* Names are owned. */
    int status;                     /* Of the reply if it is installed in
                                     * time. */
    uint64_t revision;              /* Of the object in the reply. */
    bool repeated;                  /* The request was applied before. */
    size_t n_object;                /* Bytes of 'reply' that are the object;
                                     * 0: there is none, or a list. */
    struct ds reply;                /* Once durable: the text of the reply,
                                     * without its last brace. */
};

static void
change_destroy(struct change *change)
{
    if (change->nb) {
        ovs_list_remove(&change->node);
    }
    if (change->fabric_wait) {
        fabric_wait_cancel(change->fabric_wait);
    }
    ds_destroy(&change->reply);
    for (size_t i = 0; i < change->n_objects; i++) {
        free(change->objects[i].name);
    }
    free(change->objects);
    free(change->name);
    free(change->secret);
    free(change);
}

static void
on_gone(void *change_)
{
    struct change *change = change_;

    http_request_drop(change->req);
    change->req = NULL;
    if (change->fabric_wait) {
        change_destroy(change);
    }
    /* Else the commit has it, and will call on_done(). */
}

void
nb_changes_abandon(struct northbound *nb)
{
    struct change *change, *next;

    LIST_FOR_EACH_SAFE (change, next, node, &nb->changes) {
        ovs_list_remove(&change->node);
        change->nb = NULL;
    }
}

/* Replies.  -------------------------------------------------------------- */

static void
finish(struct change *change, int status)
{
    struct ds *ds = &change->reply;

    ds_put_cstr(ds, "}\n");
    if (change->repeated) {
        http_reply_header(change->req, "Idempotency-Replayed", "true");
    }
    http_reply_body(change->req, status, "application/json", ds);
    ds_init(ds);
    change_destroy(change);
}

/* Shows the object as it has become while its change was waited for (where a
 * port is, say), unless it was changed once more. */
static void
renew_object(struct change *change)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct model_meta meta;
    const struct vmn_row *row = model_get_durable(
        change->nb->model, change->table->id, change->name, &meta);

    if (row && meta.revision == change->revision) {
        nb_append_object(change->nb, nb_rights(change->req), row, &meta, true,
                         &ds);
        ds_put_cstr(&ds, ds_cstr(&change->reply) + change->n_object);
        ds_swap(&change->reply, &ds);
    }
    ds_destroy(&ds);
}

static bool
append_failures(struct change *change)
{
    return nb_append_failures(change->nb, nb_rights(change->req),
                              change->objects, change->n_objects,
                              &change->reply);
}

static void
on_waited(void *change_, bool installed, const struct fabric_receipt *receipt)
{
    struct change *change = change_;
    struct ds *ds = &change->reply;

    change->fabric_wait = NULL;
    if (change->n_object) {
        renew_object(change);
    }
    installed &= !append_failures(change);
    nb_append_receipt(change->req, receipt, ds);
    finish(change, installed ? change->status : 202);
}

/* Appends "results": [{"type", "name", "outcome", "revision", "fields"}, ...].
 * Yields: meanwhile the client may disconnect, and the northbound be
 * destroyed. */
static void
put_results(struct ds *ds, struct commit *commit,
            const struct model_request *request)
{
    ds_put_cstr(ds, "\"results\":[");
    for (size_t i = 0; i < request->n_ops; i++) {
        const struct model_op *op = &request->ops[i];

        struct nb_apply_result result = {
            schema_tables[op->table]->plural, op->name,
            nb_outcome_name(op->outcome), op->revision, { 0, NULL, 0 },
        };

        if (op->diff) {
            result.diff = *op->diff;
        }
        ds_put_cstr(ds, i ? "," : "");
        schema_struct_print(&nb_apply_result, &result, ds);
        commit_yield(commit);
    }
    ds_put_char(ds, ']');
}

/* Returns the other objects that 'request' changed, in 'arena', and sets '*n';
 * NULL if there are none. */
static struct schema_changed *
get_also_changed(const struct model_request *request, struct arena *arena,
                 size_t *n)
{
    size_t n_named = MIN(request->n_also, MODEL_ALSO_MAX);
    struct schema_changed *changed;

    *n = n_named;
    if (!n_named) {
        return NULL;
    }
    changed = arena_alloc(arena, (n_named + 1) * sizeof *changed);
    for (size_t i = 0; i < n_named; i++) {
        const struct model_also *also = &request->also[i];

        changed[i] = (struct schema_changed) {
            .op = model_outcome_op(also->outcome),
            .type = schema_tables[also->table]->plural, .name = also->name,
        };
        if (also->diff) {
            changed[i].diff = *also->diff;
        }
    }
    if (request->n_also > n_named) {
        changed[(*n)++].more = request->n_also - n_named;
    }
    return changed;
}

/* Appends the object as the request has made it, though another one in the
 * same group may have changed it once more: who has the ETag of that, and not
 * what it says, would undo it unknowingly.  Or its type and name if it was
 * deleted, also by another. */
static void
put_object(struct change *change, const struct model_op *op)
{
    struct model_meta meta;
    const struct vmn_row *row = model_get_durable(
        change->nb->model, change->table->id, change->name, &meta);
    const struct vmn_row *made = row ? model_op_made(op, &meta) : NULL;
    struct ds *ds = &change->reply;

    row = made ? made : row;

    /* The first of repeated requests may have been long ago: the client may
     * have lost the object since. */
    if (op->kind == MODEL_DELETE || !row
        || (change->repeated && !model_sees(nb_rights(change->req), row))) {
        ds_put_format(ds, "{\"type\":\"%s\",\"name\":",
                      change->table->plural);
        schema_print_string(ds, change->name);
    } else {
        char etag[24];

        nb_append_object(change->nb, nb_rights(change->req), row, &meta, true,
                         ds);
        snprintf(etag, sizeof etag, "%"PRIu64, op->revision);
        http_reply_etag(change->req, etag);
        change->revision = op->revision;
        change->n_object = ds->length;
    }
}

/* Finds the warnings of the reply; none for a repeated request, whose objects
 * may not be for the client to see any more. */
static void
find_warnings(const struct change *change, const struct commit_result *result,
              struct arena *arena, struct model_warnings *warnings)
{
    if (change->repeated) {
        memset(warnings, 0, sizeof *warnings);
    } else {
        request_warnings_find(change->nb->model, change->nb->engine,
                              result->request, arena, warnings);
    }
}

/* Appends the reply for one object: the object and its outcome. */
static void
put_one(struct change *change, const struct commit_result *result)
{
    const struct model_op *op = &result->request->ops[0];
    struct nb_change_end end = {
        .kind = "change",
        .outcome = nb_outcome_name(op->outcome),
        .secret = (op->outcome != MODEL_UNCHANGED && !change->repeated
                   ? change->secret : NULL),
        .revision = result->revision,
    };
    struct model_warnings warnings;
    struct arena arena;

    put_object(change, op);
    if (op->diff) {
        end.diff = *op->diff;
    }
    arena_init(&arena);
    end.also_changed = get_also_changed(result->request, &arena,
                                        &end.n_also_changed);
    find_warnings(change, result, &arena, &warnings);
    end.n_warnings = warnings.n;
    end.warnings = warnings.warnings;
    schema_struct_print_members(&nb_change_end, &end, &change->reply);
    arena_uninit(&arena);
}

/* Appends the reply for a list of objects.  Returns false if the client
 * disconnected, or the northbound was destroyed, meanwhile. */
static bool
put_list(struct change *change, const struct commit_result *result)
{
    struct nb_apply_end end = {
        .kind = "change",
        .changed = result->changed,
        .revision = nb_change_revision(change->nb, result),
    };
    struct model_warnings warnings;
    struct arena arena;

    ds_put_char(&change->reply, '{');
    put_results(&change->reply, change->nb->commit, result->request);
    if (!change->nb || !change->req) {
        return false;
    }
    arena_init(&arena);
    end.also_changed = get_also_changed(result->request, &arena,
                                        &end.n_also_changed);
    find_warnings(change, result, &arena, &warnings);
    end.n_warnings = warnings.n;
    end.warnings = warnings.warnings;
    schema_struct_print_members(&nb_apply_end, &end, &change->reply);
    arena_uninit(&arena);
    return true;
}

/* Notes the objects that there are by the request. */
static void
note_objects(struct change *change, const struct model_request *request)
{
    change->objects = xcalloc(MAX(request->n_ops, 1),
                              sizeof *change->objects);
    for (size_t i = 0; i < request->n_ops; i++) {
        const struct model_op *op = &request->ops[i];

        if (op->kind != MODEL_DELETE) {
            change->objects[change->n_objects++] = (struct nb_object_name) {
                op->table, xstrdup(op->name),
            };
        }
    }
}

/* Returns true if the request itself changed accounts or tokens. */
static bool
changes_accounts(const struct model_request *request)
{
    for (size_t i = 0; i < request->n_ops; i++) {
        if (schema_tables[request->ops[i].table]->authenticates) {
            return true;
        }
    }
    return false;
}

/* Checks that the client, which may have lost rights while its change was
 * queued, may be told what became of it.  One that has taken them from itself
 * is told, but does not wait.  Replies and returns false if it may not. */
static bool
check_client(struct change *change, const struct commit_result *result)
{
    if (nb_request_is_valid(change->nb, change->req)) {
        return true;
    }
    if (result->ok && changes_accounts(result->request)) {
        change->wait.installed = false;
        return true;
    }
    http_reply_unauthorized(change->req, "The account or the token of this "
                            "request was deleted or changed, or the token has "
                            "expired, while it waited",
                            false);
    return false;
}

static void
on_done(void *change_, const struct commit_result *result)
{
    struct change *change = change_;
    const struct model_request *request = result->request;
    struct commit_result first = *result;

    if (change->nb && result->ok && !result->plan) {
        nb_note_set(change->nb, result);
        nb_start_observation_timer(change->nb);
    }
    if (!change->nb || !change->req) {
        change_destroy(change);
        return;
    }
    if (!check_client(change, result)) {
        change_destroy(change);
        return;
    }
    if (!result->ok) {
        nb_reply_errors(change->req, result->errors,
                        change->table ? NB_POINT_AT_SPEC
                        : request->draft ? NB_POINT_AT_DRAFT
                        : NB_POINT_AT_LIST);
        change_destroy(change);
        return;
    }
    if (result->plan) {
        ds_put_char(&change->reply, '{');
        schema_struct_print_members(&plan_shown, result->plan,
                                    &change->reply);
        finish(change, 200);
        return;
    }
    VLOG_DBG("revision %"PRIu64" by %s: %s", result->revision,
             http_request_who(change->req),
             result->changed ? "changed" : "unchanged");
    if (request->repeated) {
        /* It is replied what the first one was. */
        change->repeated = first.changed = true;
        nb_recall_outcomes(change->nb, first.request, first.revision);
        result = &first;
    }
    if (change->table && request->n_ops) {
        put_one(change, result);
        change->status = request->ops[0].outcome == MODEL_CREATED ? 201 : 200;
    } else {
        if (!put_list(change, result)) {
            change_destroy(change);
            return;
        }
        change->status = 200;
    }
    note_objects(change, request);
    if (change->wait.installed) {
        change->fabric_wait = nb_wait_installed(
            change->nb, result, change->wait.timeout_ms, on_waited, change);
    } else {
        append_failures(change);
        finish(change, change->status);
    }
}

void
nb_change_submit(struct northbound *nb, struct http_request *req,
                 struct model_request *request,
                 const struct schema_table *table, const char *name,
                 const struct nb_wait *wait, const char *secret)
{
    struct change *change = xzalloc(sizeof *change);

    change->nb = nb;
    change->req = req;
    change->table = table;
    change->name = nullable_xstrdup(name);
    change->wait = *wait;
    change->secret = nullable_xstrdup(secret);
    ds_init(&change->reply);
    ovs_list_push_back(&nb->changes, &change->node);
    http_request_set_close_cb(req, on_gone, change);
    request->shows = table != NULL;
    if (wait->refuse_loosening) {
        request->loosening = MODEL_LOOSENING_REFUSED;
    }
    if (wait->plan) {
        commit_plan(nb->commit, request, on_done, change);
    } else {
        commit_submit(nb->commit, request, on_done, change);
    }
}
