/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /v1/drafts/{name}/apply: makes the changes of a draft, as one
 * transaction, which deletes the draft too: it is made once, and the log says
 * what it was.  It is refused where somebody has changed the same since.  What
 * is applied is what was compared: each operation has the ETag of the object
 * as it is now.  Not for writing drafts, which are objects as others
 * (api-object.c), nor for making one of a revision (api-undo.c). */

#include <config.h>

#include "controller/northbound/auth.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/draft-conflicts.h"
#include "controller/model/draft-contents.h"
#include "controller/model/request-author.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "timeval.h"
#include "util.h"

/* Conflicts.  ------------------------------------------------------------- */

struct refusal {
    struct nb_status_query query;
    const struct vmn_draft *draft;
    struct vmn_errors *errors;
    struct status_draft_conflict last; /* Once there are errors. */
};

/* Appends a value for people. */
static void
put_value(struct ds *ds, const char *before, const char *value,
          const char *none, bool left_out)
{
    ds_put_format(ds, "%s%s", before, value ? value
                  : left_out ? "another value" : none);
}

/* Returns what is wrong, as a sentence that the caller frees. */
static char *
describe(const struct draft_conflict *conflict,
         const struct status_draft_conflict *c, const char *singular)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_format(&ds, "%s \"%s\" ", singular, c->name);
    if (conflict->left_out) {
        ds_put_cstr(&ds, "is of a type with a secret field now, which drafts "
                    "do not change: take it out of the draft");
    } else if (!*c->path) {
        ds_put_cstr(&ds, !conflict->base ? "was created since"
                    : !conflict->now ? "was deleted since"
                    : "was deleted and created anew since");
    } else {
        ds_put_cstr(&ds, "has changed since:");
        put_value(&ds, " it was ", c->base, "absent", c->left_out);
        put_value(&ds, ", is ", c->now, "absent", c->left_out);
        put_value(&ds, " now, and would be ", c->draft, "absent",
                  c->left_out);
    }
    if (c->revision) {
        ds_put_format(&ds, "; last changed in revision %"PRIu64, c->revision);
        if (c->who) {
            ds_put_format(&ds, " by %s", c->who);
        }
    }
    return ds_steal_cstr(&ds);
}

static void
refuse(void *refusal_, const struct draft_conflict *conflict)
{
    struct refusal *refusal = refusal_;
    struct status_draft_conflict status;
    const struct schema_table *table;
    char *pointer, *text;

    if (refusal->errors->n >= VMN_ERRORS_MAX) {
        refusal->errors->n_suppressed++;
        return;
    }
    nb_fill_draft_conflict(&refusal->query, refusal->draft, conflict,
                           refusal->errors->n,
                           refusal->errors->n ? &refusal->last : NULL,
                           &status);
    refusal->last = status;
    table = schema_find_table(status.type);
    text = describe(conflict, &status, table ? table->singular : status.type);
    pointer = xasprintf("/spec/changes/%"PRIuSIZE"%s", conflict->change,
                        conflict->path);
    vmn_errors_add(refusal->errors, VMN_ERR_CONFLICT, pointer, "%s", text);
    free(pointer);
    free(text);
}

static void
check_conflicts(const struct northbound *nb, struct http_request *req,
                const struct vmn_draft *draft, struct vmn_errors *errors)
{
    struct arena arena;
    struct refusal refusal = {
        .query = { nb, nb_rights(req), true, &arena },
        .draft = draft, .errors = errors,
    };

    arena_init(&arena);
    draft_conflicts(nb->model, nb_rights(req), draft, refuse, &refusal);
    arena_uninit(&arena);
}

/* The request.  ----------------------------------------------------------- */

#define ACCOUNT "account:"

static const enum model_op_kind kinds[] = {
    [VMN_DRAFT_PUT] = MODEL_PUT, [VMN_DRAFT_PATCH] = MODEL_PATCH,
    [VMN_DRAFT_DELETE] = MODEL_DELETE,
};

/* Adds the operation of a change, for the object as it is now. */
static void
add_change(const struct northbound *nb, struct model_request *request,
           const struct vmn_draft_change *change, size_t i,
           struct vmn_errors *errors)
{
    const struct schema_table *table = schema_find_table(change->type);
    const struct vmn_row *row;
    struct model_meta meta;
    struct model_op *op;

    if (!table) {
        char *pointer = xasprintf("/spec/changes/%"PRIuSIZE"/type", i);

        vmn_errors_add(errors, VMN_ERR_NOT_FOUND, pointer,
                       "there is no type \"%s\" any more", change->type);
        free(pointer);
        return;
    }
    row = model_get_durable(nb->model, table->id, change->name, &meta);
    op = model_request_add(request, kinds[change->op], table->id,
                           change->name, draft_spec(change));
    op->cascade = change->cascade;
    op->cascade_since = change->base_revision;
    op->missing_ok = change->op == VMN_DRAFT_DELETE;
    op->sets = change->set != NULL;
    op->set = nullable_xstrdup(change->set);
    if (row && model_sees(request->rights, row)) {
        op->if_match = xasprintf("%"PRIu64, meta.revision);
    } else {
        /* What is not there to be deleted is not there then either. */
        op->creates = change->op != VMN_DRAFT_PATCH;
    }
}

/* Adds, as the first one (NB_POINT_AT_DRAFT), that the draft goes: it must be
 * the one that was read. */
static void
add_deletion(struct model_request *request, const struct vmn_draft *draft,
             uint64_t revision)
{
    model_request_add(request, MODEL_DELETE, VMN_TABLE_DRAFT, draft->row.name,
                      NULL)->if_match = xasprintf("%"PRIu64, revision);
}

/* Adds the account that 'who' is, "account:NAME" or "account:NAME/TOKEN", as
 * one that must be allowed to make the changes, unless it is the request's own
 * or has all rights. */
static void
add_writer(const struct northbound *nb, struct model_request *request,
           const char *who, struct vmn_errors *errors)
{
    struct model_writer *writer;
    const struct vmn_account *account;
    char *name;

    if (!who || strncmp(who, ACCOUNT, strlen(ACCOUNT))) {
        return;
    }
    who += strlen(ACCOUNT);
    name = xmemdup0(who, strcspn(who, "/"));
    for (size_t i = 0; i < request->n_writers; i++) {
        if (!strcmp(request->writers[i].author->account, name)) {
            free(name);
            return;
        }
    }
    account = model_get_durable(nb->model, VMN_TABLE_ACCOUNT, name, NULL);
    if (!account) {
        vmn_errors_add(errors, VMN_ERR_CONFLICT, "/spec/writers", "account "
                       "\"%s\", by whose rights as well it is applied, was "
                       "deleted: write its changes to another draft", name);
    } else if (account->role != VMN_ROLE_ADMIN
               && (!request->author
                   || strcmp(request->author->account, name))) {
        request->writers = xrealloc(request->writers,
                                    (request->n_writers + 1)
                                    * sizeof *request->writers);
        writer = &request->writers[request->n_writers++];
        writer->rights = nb_rights_of(account);
        writer->author = xzalloc(sizeof *writer->author);
        writer->author->account = xstrdup(name);
        writer->author->role = account->role;
    }
    free(name);
}

static void
add_writers(const struct northbound *nb, struct model_request *request,
            const struct vmn_draft *draft, struct vmn_errors *errors)
{
    add_writer(nb, request, draft->author, errors);
    for (size_t i = 0; i < draft->n_writers; i++) {
        add_writer(nb, request, draft->writers[i], errors);
    }
}

bool
nb_draft_request(const struct northbound *nb, struct http_request *req,
                 const struct vmn_draft *draft, uint64_t revision,
                 struct model_request *request, struct vmn_errors *errors)
{
    check_conflicts(nb, req, draft, errors);
    if (!draft->n_changes) {
        vmn_errors_add(errors, VMN_ERR_CONFLICT, "/spec/changes",
                       "there are none to make");
    }
    request->list = true;
    request->undoes = draft->undoes;
    request->draft = xstrdup(draft->row.name);
    request->draft_author = nullable_xstrdup(draft->author);
    add_writers(nb, request, draft, errors);
    if (!request->comment && draft->description
        && !value_check_comment(draft->description, NULL)) {
        request->comment = xstrdup(draft->description);
    }
    add_deletion(request, draft, revision);
    for (size_t i = 0; i < draft->n_changes; i++) {
        add_change(nb, request, &draft->changes[i], i, errors);
    }
    return !errors->n;
}

const struct vmn_draft *
nb_get_draft(const struct northbound *nb, struct http_request *req,
             const char *name, uint64_t *revision)
{
    struct model_meta meta;
    const struct vmn_row *row = model_get_durable(nb->model, VMN_TABLE_DRAFT,
                                                  name, &meta);

    if (!row || !model_sees(nb_rights(req), row)) {
        nb_reply_no_object(nb, req, schema_tables[VMN_TABLE_DRAFT], name);
        return NULL;
    }
    *revision = meta.revision;
    return (const void *) row;
}

/* Returns true if If-Match, if there is one, is of this revision of the draft;
 * else replies 412. */
static bool
check_etag(struct http_request *req, const char *if_match, const char *name,
           uint64_t revision)
{
    char etag[24];

    snprintf(etag, sizeof etag, "%"PRIu64, revision);
    if (!if_match || !strcmp(if_match, "*") || !strcmp(if_match, etag)) {
        return true;
    }
    http_reply_problem(req, 412, "stale", NULL, "Draft \"%s\" was changed: "
                       "its ETag is \"%s\"", name, etag);
    return false;
}

/* Has the reply say which draft was planned, which is what is then to be
 * applied. */
static void
put_etag(struct http_request *req, uint64_t revision)
{
    char etag[24];

    snprintf(etag, sizeof etag, "%"PRIu64, revision);
    http_reply_etag(req, etag);
}

/* Submits the request, of which the key was taken: a request that was made
 * before is answered as then, the draft being gone. */
static void
submit(struct northbound *nb, struct http_request *req,
       struct model_request *request, const char *if_match,
       const struct nb_wait *wait)
{
    const char *name = http_request_param(req, "name");
    const struct vmn_draft *draft;
    struct vmn_errors errors;
    uint64_t revision;

    if (request->key && model_has_key(nb->model, request->who, request->key,
                                      time_wall_msec())) {
        request->repeats = true;
        request->list = true;
        request->draft = xstrdup(name);
        nb_change_submit(nb, req, request, NULL, NULL, wait, NULL);
        return;
    }
    draft = nb_get_draft(nb, req, name, &revision);
    if (!draft || !check_etag(req, if_match, name, revision)) {
        return;
    }
    vmn_errors_init(&errors);
    if (nb_draft_request(nb, req, draft, revision, request, &errors)) {
        if (wait->plan) {
            put_etag(req, revision);
        }
        nb_change_submit(nb, req, request, NULL, NULL, wait, NULL);
    } else {
        nb_reply_errors(req, &errors, NB_POINT_AT_BODY);
    }
    vmn_errors_uninit(&errors);
}

void
nb_apply_draft(struct http_request *req, void *nb)
{
    struct model_request request;
    struct nb_wait wait;
    char *if_match;
    bool creates;

    if (!nb_query_wait(req, &wait)
        || !nb_if_match(req, &if_match, &creates)) {
        return;
    }
    if (creates) {
        http_reply_problem(req, 400, "invalid", NULL, "If-None-Match does not "
                           "go with a draft that is applied: it is there");
        free(if_match);
        return;
    }
    nb_request_init(&request, req);
    if (nb_take_key(nb, req, &wait, &request)) {
        submit(nb, req, &request, if_match, &wait);
    }
    model_request_uninit(&request);
    free(if_match);
}
