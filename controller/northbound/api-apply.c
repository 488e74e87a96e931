/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /v1/apply: applies a list of objects, in any order, as one
 * transaction. */

#include <config.h>

#include "controller/northbound/auth.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/value.h"
#include "util.h"

/* Bytes of a body beyond which it is read in a fiber, which yields to the
 * event loop. */
#define LARGE_BODY 65536

/* Sets '*table' and '*name' to those of 'object'.  Returns false, with
 * 'errors', if one is missing or invalid. */
static bool
identify(const json_t *object, const char *pointer,
         const struct schema_table **table, const char **name,
         struct vmn_errors *errors)
{
    const char *type = json_string_value(json_object_get(object, "type"));
    char *at_type = xasprintf("%s/type", pointer);
    char *at_name = xasprintf("%s/name", pointer);

    *table = type ? schema_find_table(type) : NULL;
    *name = json_string_value(json_object_get(object, "name"));
    if (!json_is_object(object)) {
        vmn_errors_add(errors, VMN_ERR_INVALID, pointer, "must be an object:"
                       " {\"type\", \"name\", \"spec\"}");
        *table = NULL;
    } else {
        if (!type) {
            vmn_errors_add(errors, VMN_ERR_INVALID, at_type,
                           "is required, such as \"ports\"");
        } else if (!*table || (*table)->observed
                   || strcmp(type, (*table)->plural)) {
            vmn_errors_add(errors, VMN_ERR_INVALID, at_type,
                           "\"%s\" is an unknown type; GET /v1 lists "
                           "them", type);
            *table = NULL;
        }
        if (!*name) {
            vmn_errors_add(errors, VMN_ERR_INVALID, at_name,
                           "is required, and must be a string");
        }
    }
    free(at_type);
    free(at_name);
    return *table && *name;
}

/* Reads "op" of an object; false with 'errors'. */
static bool
get_op(const json_t *object, const char *pointer, enum model_op_kind *kind,
       struct vmn_errors *errors)
{
    const json_t *value = json_object_get(object, "op");
    const char *op = json_string_value(value);
    char *at;

    if (!value) {
        *kind = MODEL_PUT;
    } else if (op && !strcmp(op, "patch")) {
        *kind = MODEL_PATCH;
    } else if (op && !strcmp(op, "delete")) {
        *kind = MODEL_DELETE;
    } else {
        at = nb_pointer(pointer, "op");
        vmn_errors_add(errors, VMN_ERR_INVALID, at,
                       "must be \"patch\" or \"delete\", or absent");
        free(at);
        return false;
    }
    return true;
}

/* Adds a deletion, {"op", "type", "name", "cascade"}. */
static void
add_deletion(struct model_request *request, const json_t *object,
             const struct schema_table *table, const char *name,
             const char *pointer, struct vmn_errors *errors)
{
    size_t n_before = errors->n + errors->n_suppressed;
    const char *key;
    json_t *value;

    json_object_foreach (CONST_CAST(json_t *, object), key, value) {
        bool cascade = !strcmp(key, "cascade");

        if ((cascade && !json_is_boolean(value))
            || (!cascade && strcmp(key, "op") && strcmp(key, "type")
                && strcmp(key, "name"))) {
            char *at = nb_pointer(pointer, key);

            vmn_errors_add(errors, VMN_ERR_INVALID, at, cascade
                           ? "must be true or false"
                           : "does not go with a deletion");
            free(at);
        }
    }
    if (errors->n + errors->n_suppressed == n_before) {
        model_request_add(request, MODEL_DELETE, table->id, name, NULL)
            ->cascade = json_is_true(json_object_get(object, "cascade"));
    }
}

void
nb_add_object(struct model_request *request, const json_t *object,
              const char *pointer, struct vmn_errors *errors)
{
    const struct schema_table *table;
    enum model_op_kind kind;
    const char *name;

    if (!identify(object, pointer, &table, &name, errors)
        || !get_op(object, pointer, &kind, errors)) {
        return;
    }
    if (kind == MODEL_DELETE) {
        add_deletion(request, object, table, name, pointer, errors);
        return;
    }

    json_t *spec = nb_envelope_spec(object, table, name, pointer,
                                    kind == MODEL_PUT, errors);
    if (spec) {
        model_request_add(request, kind, table->id, name, json_incref(spec));
    }
}

/* Returns "objects" of the body, borrowed, or NULL with 'errors'. */
static const json_t *
get_objects(const json_t *body, struct vmn_errors *errors)
{
    const json_t *objects = json_object_get(body, "objects");
    const char *key;
    json_t *value;

    if (!json_is_object(body) || !json_is_array(objects)) {
        vmn_errors_add(errors, VMN_ERR_INVALID, "",
                       "must be an object: {\"objects\": [...]}");
        objects = NULL;
    } else if (json_array_size(objects) > MODEL_OPS_MAX) {
        vmn_errors_add(errors, VMN_ERR_TOO_LARGE, "/objects",
                       "there are more than %d objects", MODEL_OPS_MAX);
        objects = NULL;
    }
    json_object_foreach (CONST_CAST(json_t *, body), key, value) {
        if (strcmp(key, "objects")) {
            char *pointer = nb_pointer("", key);

            vmn_errors_add(errors, VMN_ERR_INVALID, pointer,
                           "unknown field");
            free(pointer);
        }
    }
    return objects;
}

/* Returns true if 'set' is NULL or a valid name of a set; else replies 400. */
static bool
check_prune(struct http_request *req, const char *set)
{
    struct vmn_error error = VMN_ERROR_INIT;

    if (set && value_check_name(set, &error)) {
        http_reply_problem(req, 400, "invalid", json_pack(
            "[o]", http_query_error("prune", "%s", error.text)),
            "?prune is not a valid name: %s", error.text);
        vmn_error_uninit(&error);
        return false;
    }
    return true;
}

static void
apply(struct http_request *req, struct northbound *nb)
{
    const char *set = http_request_query(req, "prune");
    struct model_request request;
    struct vmn_errors errors;
    struct nb_wait wait;

    if (!nb_query_wait(req, &wait) || !check_prune(req, set)) {
        return;
    }

    json_t *body = http_request_json(req);
    if (!body) {
        return;
    }
    vmn_errors_init(&errors);
    nb_request_init(&request, req);
    request.list = true;
    request.prune_set = nullable_xstrdup(set);

    const json_t *objects = get_objects(body, &errors), *object;
    size_t i;
    json_array_foreach (objects, i, object) {
        char pointer[32];

        snprintf(pointer, sizeof pointer, "/objects/%"PRIuSIZE, i);
        nb_add_object(&request, object, pointer, &errors);
        commit_yield(nb->commit);
    }
    if (errors.n) {
        nb_reply_errors(req, &errors, NB_POINT_AT_BODY);
    } else if (nb_take_key(nb, req, &wait, &request)) {
        nb_change_submit(nb, req, &request, NULL, NULL, &wait, NULL);
    }
    model_request_uninit(&request);
    vmn_errors_uninit(&errors);
    while (json_array_size(objects)) {
        json_array_remove(CONST_CAST(json_t *, objects),
                          json_array_size(objects) - 1);
        commit_yield(nb->commit);
    }
    json_decref(body);
}

/* A large list is read in a fiber. */
void
nb_apply(struct http_request *req, void *nb)
{
    if (http_request_body_size(req) > LARGE_BODY) {
        nb_when_quiescent(nb, req, apply);
    } else {
        apply(req, nb);
    }
}
