/* SPDX-License-Identifier: Apache-2.0
 *
 * Generates the OpenAPI 3.1 description of the API from the table of routes
 * and the schema.  Not for other rooms. */

#ifndef CONTROLLER_NORTHBOUND_OPENAPI_H
#define CONTROLLER_NORTHBOUND_OPENAPI_H 1

#include <jansson.h>

#include "controller/schema/schema.h"

struct http_route;

/* Returns the document as text, which the caller frees.  'routes' are those of
 * northbound.c: their 'about' is a struct nb_operation, or NULL if the call is
 * not described; their 'data' is the type of object, or NULL. */
char *openapi_make(const struct http_route *routes, size_t n);

/* Has nb->openapi be the document of what there is now. */
struct northbound;
void openapi_update(struct northbound *);

/* A document being generated. */
struct openapi {
    json_t *paths;
    json_t *schemas;            /* Of "components", as the next one. */
    json_t *parameters;
};

/* openapi-types.c: JSON schemas. */

/* Returns {"$ref": "#/components/SECTION/NAME"}, which the caller owns. */
json_t *openapi_ref(const char *section, const char *name);

/* Returns the schema of a query parameter, with its default. */
json_t *openapi_of_parameter(const struct schema_field *);

/* Return the schema of a body or a reply; add the components that it refers
 * to. */
json_t *openapi_of_body(struct openapi *, const struct schema_struct *);
json_t *openapi_of_reply(struct openapi *, const struct schema_struct *);

/* Adds the components of a type: "Port", "PortSpec", "PortList" and so on. */
void openapi_add_type(struct openapi *, const struct schema_table *);

/* Adds the components that belong to no type: addresses, labels, any
 * object. */
void openapi_add_values(struct openapi *);

/* Returns "FloatingIps" for "floating-ips".  The caller frees it. */
char *openapi_camel(const char *plural);

/* openapi-changes.c: adds changes and deletions, as POST /v1/apply takes
 * them. */
void openapi_add_operations(json_t *schemas);

#endif /* controller/northbound/openapi.h */
