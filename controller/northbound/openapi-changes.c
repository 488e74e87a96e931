/* SPDX-License-Identifier: Apache-2.0
 *
 * Describes what POST /v1/apply takes besides whole objects: changes and
 * deletions of some. */

#include <config.h>

#include "controller/northbound/openapi.h"

#include <stdlib.h>

#include "controller/northbound/openapi-operations.h"
#include "controller/schema/schema.h"
#include "util.h"

/* A reference to a schema by its name. */
static json_t *
ref_to_name(const char *name)
{
    char *ref = xasprintf("#/components/schemas/%s", name);
    json_t *json = json_pack("{s:s}", "$ref", ref);

    free(ref);
    return json;
}

/* A change of an object that is none as a whole: {"op": OP, "type", "name"}
 * and a member more. */
static json_t *
operation_schema(const char *op, const char *doc, const char *member,
                 bool required, json_t *schema)
{
    json_t *types = json_array();
    json_t *names = json_pack("[s, s, s]", "op", "type", "name");

    for (int i = 0; i < VMN_N_TABLES; i++) {
        if (!schema_tables[i]->observed) {
            json_array_append_new(types,
                                  json_string(schema_tables[i]->plural));
        }
    }
    if (required) {
        json_array_append_new(names, json_string(member));
    }
    return json_pack("{s:s, s:s, s:o, s:{s:{s:s, s:[s]}, s:{s:s, s:o},"
                     " s:{s:s}, s:o}, s:b}",
                     "type", "object", "description", doc,
                     "required", names, "properties",
                     "op", "type", "string", "enum", op,
                     "type", "type", "string", "enum", types,
                     "name", "type", "string", member, schema,
                     "additionalProperties", false);
}

void
openapi_add_operations(json_t *schemas)
{
    json_object_set_new(schemas, "Patch", operation_schema(
        "patch", "A merge patch (RFC 7396) of an object's spec.", "spec",
        true, json_pack("{s:s}", "type", "object")));
    json_object_set_new(schemas, "Deletion", operation_schema(
        "delete", "The deletion of an object.", "cascade", false,
        json_pack("{s:s, s:s}", "type", "boolean", "description",
                  "Takes it out of what refers to it, and deletes what "
                  "cannot be without it.")));
    json_object_set_new(schemas, nb_any_operation.name, json_pack(
        "{s:s, s:[o, o, o]}", "description",
        "An object that is put, or a change or deletion of one.", "anyOf",
        ref_to_name(nb_any_object.name), ref_to_name("Patch"),
        ref_to_name("Deletion")));
}
