/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests as data: building them, what an operation asks for as a whole
 * object, and how a row is shown. */

#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/model-private.h"
#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

void
model_request_init(struct model_request *request, const char *who)
{
    memset(request, 0, sizeof *request);
    request->who = xstrdup(who);
}

void
model_request_uninit(struct model_request *request)
{
    for (size_t i = 0; i < request->n_ops; i++) {
        struct model_op *op = &request->ops[i];

        free(op->name);
        json_decref(op->spec);
        free(op->if_match);
    }
    free(request->ops);
    free(request->who);
    free(request->prune_set);
    json_decref(request->also);
    memset(request, 0, sizeof *request);
}

struct model_op *
model_request_add(struct model_request *request, enum model_op_kind kind,
                  enum vmn_table table, const char *name, json_t *spec)
{
    struct model_op *op;

    if (request->n_ops >= request->allocated_ops) {
        request->ops = x2nrealloc(request->ops, &request->allocated_ops,
                                  sizeof *request->ops);
    }
    op = &request->ops[request->n_ops++];
    memset(op, 0, sizeof *op);
    op->kind = kind;
    op->table = table;
    op->name = xstrdup(name);
    op->spec = spec;
    return op;
}

/* Returns 'target' changed as RFC 7396 says.  Takes ownership of 'target',
 * which may be NULL. */
static json_t *
merge_patch(json_t *target, json_t *patch)
{
    const char *key;
    json_t *value;

    if (!json_is_object(patch)) {
        json_decref(target);
        return json_incref(patch);
    }
    if (!json_is_object(target)) {
        json_decref(target);
        target = json_object();
    }
    json_object_foreach (patch, key, value) {
        if (json_is_null(value)) {
            json_object_del(target, key);
        } else {
            json_object_set_new(target, key, merge_patch(
                json_incref(json_object_get(target, key)), value));
        }
    }
    return target;
}

/* An app's description and labels are its own: a user who gives none keeps
 * them. */
static void
keep_app_fields(json_t *spec, const struct version *old)
{
    static const char *const fields[] = { "description", "labels" };
    json_t *base = schema_row_spec(old->row);

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        json_t *value = json_object_get(base, fields[i]);

        if (value && !json_object_get(spec, fields[i])) {
            json_object_set(spec, fields[i], value);
        }
    }
    json_decref(base);
}

json_t *
spec_of_op(const struct model_op *op, const struct version *old,
           bool is_daemon)
{
    json_t *spec;

    if (op->kind == MODEL_PATCH) {
        return merge_patch(schema_row_spec(old->row), op->spec);
    }
    if (!op->spec) {
        return json_object();
    }
    if (op->table != VMN_TABLE_APP || is_daemon || !old
        || !json_is_object(op->spec)) {
        return json_incref(op->spec);
    }
    spec = json_copy(op->spec);
    keep_app_fields(spec, old);
    return spec;
}

static json_t *
time_to_json(int64_t time_ms)
{
    char *text = xastrftime_msec("%Y-%m-%dT%H:%M:%S.###Z", time_ms, true);
    json_t *json = json_string(text);

    free(text);
    return json;
}

json_t *
model_row_to_json(const struct vmn_row *row, const struct model_meta *meta)
{
    json_t *metadata = json_object();
    json_t *json = json_object();
    char etag[24];

    snprintf(etag, sizeof etag, "%"PRIu64, meta->revision);
    json_object_set_new(metadata, "revision", json_integer(meta->revision));
    json_object_set_new(metadata, "etag", json_string(etag));
    json_object_set_new(metadata, "created", time_to_json(meta->created_ms));
    json_object_set_new(metadata, "updated", time_to_json(meta->updated_ms));
    if (meta->set) {
        json_object_set_new(metadata, "set", json_string(meta->set));
    }

    json_object_set_new(json, "name", json_string(row->name));
    json_object_set_new(json, "metadata", metadata);
    json_object_set_new(json, "spec", schema_row_spec(row));
    json_object_set_new(json, "status", schema_row_status(row));
    return json;
}
