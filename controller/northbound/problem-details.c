/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors as problem details (RFC 9457): one status, and a list of all errors.
 * JSON, as http_reply_problem() takes it, which says why. */

#include <config.h>

#include "controller/northbound/auth.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* By enum vmn_error_code.  The status is that of the error with the highest
 * rank: the one to be corrected first. */
static const struct {
    int status;
    const char *kind;
    const char *several;
    int rank;
} codes[] = {
    [VMN_ERR_INVALID] = { 400, "invalid", "fields are wrong", 4 },
    [VMN_ERR_NOT_FOUND] = { 404, "not-found", "objects are not there", 2 },
    [VMN_ERR_CONFLICT] = { 409, "conflict", "conflicts", 1 },
    [VMN_ERR_STALE] = { 412, "stale", "objects have changed meanwhile", 5 },
    [VMN_ERR_TOO_LARGE] = { 413, "too-large", "bounds are exceeded", 3 },
    [VMN_ERR_FORBIDDEN] = { 403, "forbidden", "changes are not for this "
                            "account", 7 },
    [VMN_ERR_UNAVAILABLE] = { 503, "unavailable", "changes were not stored",
                              6 },
    [VMN_ERR_UNCERTAIN] = { 503, "uncertain", "changes may be stored or "
                            "not", 8 },
    [VMN_ERR_KEY_USED] = { 422, "key-used", "keys are of other requests",
                           9 },
    [VMN_ERR_BUSY] = { 503, "busy", "apps are busy", 6 },
    [VMN_ERR_QUOTA] = { 403, "quota", "limits of quotas are exceeded", 3 },
};

/* Returns the pointer of a draft's operation: the first one is that of the
 * draft itself, and the others are its changes. */
static char *
draft_pointer(const char *pointer, size_t index)
{
    unsigned long op = strtoul(pointer + 1, NULL, 10);

    return (!op ? xstrdup("")
            : xasprintf("/spec/changes/%lu%s%s", op - 1,
                        pointer[index] ? "/spec" : "", pointer + index));
}

/* Returns the pointer relative to the body.  The caller frees it. */
static char *
body_pointer(const char *pointer, enum nb_pointers at)
{
    size_t index = *pointer ? 1 + strcspn(pointer + 1, "/") : 0;

    if (at == NB_POINT_AT_BODY || !*pointer) {
        return xstrdup(pointer);
    } else if (at == NB_POINT_AT_SPEC) {
        return xasprintf("/spec%s", pointer);
    } else if (at == NB_POINT_AT_DRAFT) {
        return draft_pointer(pointer, index);
    }
    return xasprintf("%s%.*s%s%s",
                     at == NB_POINT_AT_AFTER ? "/after" : "/objects",
                     (int) index, pointer,
                     pointer[index] ? "/spec" : "", pointer + index);
}

static void
put_excess(json_t *json, const struct vmn_excess *excess)
{
    json_object_set_new(json, "quota", json_string(excess->quota));
    json_object_set_new(json, "resource", json_string(excess->resource));
    if (excess->host) {
        json_object_set_new(json, "host", json_string(excess->host));
    }
    json_object_set_new(json, "limit", json_integer(excess->limit));
    if (excess->used >= 0) {
        json_object_set_new(json, "used", json_integer(excess->used));
    }
    json_object_set_new(json, "requested", json_integer(excess->requested));
}

static json_t *
error_json(const struct vmn_error *error, enum nb_pointers at)
{
    char *pointer = body_pointer(error->pointer, at);
    json_t *json = json_object();

    json_object_set_new(json, "pointer", http_json_string(pointer));
    free(pointer);
    json_object_set_new(json, "code", json_string(codes[error->code].kind));
    json_object_set_new(json, "detail", http_json_string(error->text));
    if (error->excess) {
        put_excess(json, error->excess);
    }
    return json;
}

void
nb_reply_errors(struct http_request *req, const struct vmn_errors *errors,
                enum nb_pointers at)
{
    enum vmn_error_code code = errors->n ? errors->errors[0].code
                               : VMN_ERR_INVALID;
    size_t n = errors->n + errors->n_suppressed;
    json_t *array = json_array();

    for (size_t i = 0; i < errors->n; i++) {
        const struct vmn_error *error = &errors->errors[i];

        if (codes[error->code].rank > codes[code].rank) {
            code = error->code;
        }
        json_array_append_new(array, error_json(error, at));
    }
    if (errors->n_suppressed) {
        char *text = xasprintf("%"PRIuSIZE" more are not listed",
                               errors->n_suppressed);

        json_array_append_new(array, json_pack("{s:s, s:s}", "pointer", "",
                                               "detail", text));
        free(text);
    }
    if (codes[code].status == 503) {
        http_reply_header(req, "Retry-After", "1");
    }
    if (n == 1) {
        char *pointer = body_pointer(errors->errors[0].pointer, at);

        http_reply_problem(req, codes[code].status, codes[code].kind, array,
                           "%s%s%s", pointer, *pointer ? ": " : "",
                           errors->errors[0].text);
        free(pointer);
    } else {
        http_reply_problem(req, codes[code].status, codes[code].kind, array,
                           "%"PRIuSIZE" %s", n, codes[code].several);
    }
}

void
nb_reply_no_revision(const struct northbound *nb, struct http_request *req,
                     uint64_t revision)
{
    http_reply_problem(req, 404, "not-found", NULL, "Revision %"PRIu64" does "
                       "not exist: the newest is %"PRIu64, revision,
                       model_durable_revision(nb->model));
}

void
nb_reply_no_object(const struct northbound *nb, struct http_request *req,
                   const struct schema_table *table, const char *name)
{
    char *guess = model_suggestion(nb->model, MODEL_DURABLE, nb_rights(req),
                                   table->id, name);

    http_reply_problem(req, 404, "not-found", NULL, "%s \"%s\" not found%s",
                       table->singular, name, guess);
    free(guess);
}
