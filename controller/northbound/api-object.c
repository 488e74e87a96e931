/* SPDX-License-Identifier: Apache-2.0
 *
 * /v1/TYPE/NAME: reads, creates, changes and deletes one object.  Reads are of
 * the durable state.  The type is the route's data. */

#include <config.h>

#include "controller/northbound/auth.h"
#include "controller/northbound/field-selection.h"

#include <stdlib.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"

/* One object.  ----------------------------------------------------------- */

static void
get_one(struct http_request *req, struct northbound *nb)
{
    const struct schema_table *table = http_request_data(req);
    const char *name = http_request_param(req, "name");
    struct model_meta meta;
    const struct vmn_row *row = model_get_durable(nb->model, table->id, name,
                                                  &meta);

    if (!row || !model_sees(nb_rights(req), row)) {
        nb_reply_no_object(nb, req, table, name);
        return;
    }

    struct ds ds = DS_EMPTY_INITIALIZER;
    struct field_selection fields;

    if (!field_selection_init(&fields, req, table)) {
        return;
    }
    if (table->id == VMN_TABLE_HOST && nb_hides_hosts(nb_rights(req))) {
        meta.revision = 0;      /* As in the body: not when it changed. */
    }
    nb_append_object(nb, nb_rights(req), row, &meta, true, &ds);
    ds_put_char(&ds, '}');
    field_selection_apply(&fields, 0, &ds);
    field_selection_uninit(&fields);
    if (nb_shows_secret(nb_rights(req), row)) {
        http_reply_secret(req);
    }
    nb_tag_object(req, meta.revision, &ds);
    ds_put_char(&ds, '\n');
    http_reply_body(req, 200, "application/json", &ds);
}

static void
get_port(struct http_request *req, struct northbound *nb)
{
    nb_unless_trying(nb, req, get_one);
}

void
nb_get_one(struct http_request *req, void *nb_)
{
    const struct schema_table *table = http_request_data(req);
    const char *name = http_request_param(req, "name");
    struct northbound *nb = nb_;
    const struct vmn_row *row;

    row = (table->id == VMN_TABLE_PORT
           ? model_get_durable(nb->model, table->id, name, NULL) : NULL);
    if (row && model_sees(nb_rights(req), row)) {
        nb_when_guest_looked_at(nb, req, name, get_port);
    } else {
        nb_unless_trying(nb, req, get_one);
    }
}

/* Generates the secret of a token that a PUT creates, for the reply.  Returns
 * NULL if the token exists: it keeps its secret.  The route is for
 * administrators alone; it would tell others that the token exists. */
static char *
make_secret(const struct northbound *nb, struct http_request *req,
            enum model_op_kind kind, json_t *spec)
{
    const struct schema_table *table = http_request_data(req);
    const char *name = http_request_param(req, "name");
    const struct vmn_token *token;

    if (table->id != VMN_TABLE_TOKEN || kind != MODEL_PUT
        || !json_is_object(spec) || json_object_get(spec, "sha256")) {
        return NULL;
    }
    token = model_get_durable(nb->model, VMN_TABLE_TOKEN, name, NULL);
    if (!token) {
        return nb_token_make(name, spec);
    }
    json_object_set_new(spec, "sha256", json_string(token->sha256));
    return NULL;
}

/* Returns false, and replies 403, to a PUT of an object that the client does
 * not see: the name is taken.  Else the model says what is told of such
 * (op-shown.c). */
static bool
may_take_name(const struct northbound *nb, struct http_request *req,
              enum model_op_kind kind)
{
    const struct schema_table *table = http_request_data(req);
    const char *name = http_request_param(req, "name");
    const struct vmn_row *row = model_get_durable(nb->model, table->id, name,
                                                  NULL);

    if (kind != MODEL_PUT || !row || model_sees(nb_rights(req), row)
        || model_refuses_type(nb_rights(req), table->id)) {
        return true;
    }
    http_reply_problem(req, 403, "forbidden", NULL, "The name \"%s\" is taken "
                       "by a %s that is not within this account's scope", name,
                       table->singular);
    return false;
}

/* Submits a change of the object in the path.  Takes ownership of 'spec'. */
static void
submit(struct northbound *nb, struct http_request *req,
       enum model_op_kind kind, json_t *spec, bool cascade,
       const struct nb_wait *wait)
{
    const struct schema_table *table = http_request_data(req);
    const char *name = http_request_param(req, "name");
    struct model_request request;
    struct model_op *op;
    char *if_match, *secret;
    bool creates;

    if (!may_take_name(nb, req, kind)
        || !nb_if_match(req, &if_match, &creates)) {
        json_decref(spec);
        return;
    }
    secret = make_secret(nb, req, kind, spec);
    nb_request_init(&request, req);
    op = model_request_add(&request, kind, table->id, name, spec);
    op->if_match = if_match;
    op->creates = creates;
    op->cascade = cascade;
    if (nb_take_key(nb, req, wait, &request)) {
        nb_change_submit(nb, req, &request, table, name, wait, secret);
    }
    model_request_uninit(&request);
    free(secret);
}

static void
put_or_patch(struct northbound *nb, struct http_request *req,
             enum model_op_kind kind)
{
    const struct schema_table *table = http_request_data(req);
    const char *name = http_request_param(req, "name");
    struct vmn_errors errors;
    struct nb_wait wait;

    if (!nb_query_wait(req, &wait)) {
        return;
    }

    json_t *body = http_request_json(req);
    if (!body) {
        return;
    }
    vmn_errors_init(&errors);
    json_t *spec = nb_envelope_spec(body, table, name, "",
                                    kind == MODEL_PUT, &errors);
    if (spec) {
        submit(nb, req, kind, json_incref(spec), false, &wait);
    } else {
        nb_reply_errors(req, &errors, NB_POINT_AT_BODY);
    }
    vmn_errors_uninit(&errors);
    json_decref(body);
}

void
nb_put(struct http_request *req, void *nb)
{
    put_or_patch(nb, req, MODEL_PUT);
}

void
nb_patch(struct http_request *req, void *nb)
{
    put_or_patch(nb, req, MODEL_PATCH);
}

void
nb_delete(struct http_request *req, void *nb)
{
    struct nb_wait wait;
    bool cascade;

    if (nb_query_wait(req, &wait)
        && nb_query_bool(req, "cascade", &cascade)) {
        submit(nb, req, MODEL_DELETE, NULL, cascade, &wait);
    }
}
