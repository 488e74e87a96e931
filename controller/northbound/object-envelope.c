/* SPDX-License-Identifier: Apache-2.0
 *
 * The envelope of an object in a request: {"spec": {...}} and the members that
 * replies have beside it, so that an object can be read, changed and sent
 * back: "type" and "name" must match the path; "metadata" and "status" are
 * ignored. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/arena.h"
#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

const char *
nb_outcome_name(enum model_outcome outcome)
{
    switch (outcome) {
    case MODEL_UNCHANGED:
        return "unchanged";
    case MODEL_CREATED:
        return "created";
    case MODEL_UPDATED:
        return "updated";
    case MODEL_DELETED:
        return "deleted";
    }
    OVS_NOT_REACHED();
}

char *
nb_pointer(const char *pointer, const char *key)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&ds, pointer);
    http_json_pointer_add(&ds, key);
    return ds_steal_cstr(&ds);
}

/* Checks a member other than "spec". */
static void
check_member(const char *key, const json_t *value,
             const struct schema_table *table, const char *name,
             const char *pointer, struct vmn_errors *errors)
{
    char *at = nb_pointer(pointer, key);
    const char *text = json_string_value(value);

    if (!strcmp(key, "type")) {
        if (!text || strcmp(text, table->plural)) {
            vmn_errors_add(errors, VMN_ERR_INVALID, at,
                           "must be \"%s\", as in the address",
                           table->plural);
        }
    } else if (!strcmp(key, "name")) {
        if (!text || strcmp(text, name)) {
            vmn_errors_add(errors, VMN_ERR_INVALID, at,
                           "must be \"%s\", as in the address", name);
        }
    } else if (!strcmp(key, "metadata") || !strcmp(key, "status")) {
        if (!json_is_object(value)) {
            vmn_errors_add(errors, VMN_ERR_INVALID, at,
                           "must be an object (which is ignored)");
        }
    } else if (!strcmp(key, "op") && *pointer) {
        /* Of a list: nb_add_object() has read it. */
    } else if (schema_find_field(&table->row, key)) {
        vmn_errors_add(errors, VMN_ERR_INVALID, at,
                       "belongs into \"spec\"");
    } else {
        vmn_errors_add(errors, VMN_ERR_INVALID, at, "unknown field");
    }
    free(at);
}

/* Adds the errors of the spec, too: all errors are reported at once. */
static void
check_spec(const json_t *spec, const struct schema_table *table,
           const char *name, const char *pointer, struct vmn_errors *errors)
{
    struct arena arena;

    arena_init(&arena);
    schema_row_parse(table, name, spec, pointer, &arena, errors);
    arena_uninit(&arena);
}

json_t *
nb_envelope_spec(const json_t *body, const struct schema_table *table,
                 const char *name, const char *pointer, bool complete,
                 struct vmn_errors *errors)
{
    size_t n_before = errors->n + errors->n_suppressed;
    json_t *spec = json_object_get(body, "spec");
    char *at = nb_pointer(pointer, "spec");
    const char *key;
    json_t *value;

    if (!json_is_object(body)) {
        vmn_errors_add(errors, VMN_ERR_INVALID, pointer,
                       "must be an object: {\"spec\": {...}}");
    } else if (!spec) {
        vmn_errors_add(errors, VMN_ERR_INVALID, pointer,
                       "must have the member \"spec\"");
    } else if (!json_is_object(spec)) {
        vmn_errors_add(errors, VMN_ERR_INVALID, at, "must be an object");
    }
    json_object_foreach (CONST_CAST(json_t *, body), key, value) {
        if (strcmp(key, "spec")) {
            check_member(key, value, table, name, pointer, errors);
        }
    }

    bool ok = errors->n + errors->n_suppressed == n_before;
    if (!ok && complete && json_is_object(spec)) {
        check_spec(spec, table, name, at, errors);
    }
    free(at);
    return ok ? spec : NULL;
}
