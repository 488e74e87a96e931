/* SPDX-License-Identifier: Apache-2.0
 *
 * The description of the API as OpenAPI 3.1 has it, made of the table of
 * routes and the schema.  Not for other rooms. */

#ifndef CONTROLLER_NORTHBOUND_OPENAPI_H
#define CONTROLLER_NORTHBOUND_OPENAPI_H 1

#include <jansson.h>

#include "controller/schema/schema.h"

struct http_route;

/* The document as text, which the caller frees.  'routes' are those of
 * northbound.c: their 'about' is a struct nb_operation, or NULL for what is
 * not described; their 'data' the type of object, or NULL. */
char *openapi_make(const struct http_route *routes, size_t n);

/* A document on its way. */
struct openapi {
    json_t *paths;
    json_t *schemas;            /* Of "components", as the next one. */
    json_t *parameters;
};

/* openapi-types.c: schemas, in the sense of JSON. */

/* "#/components/SECTION/NAME" as {"$ref"}.  The caller owns it. */
json_t *openapi_ref(const char *section, const char *name);

/* What a parameter of a query may be, with its default. */
json_t *openapi_of_parameter(const struct schema_field *);

/* Of a body or a reply; adds to the components what it refers to. */
json_t *openapi_of_body(struct openapi *, const struct schema_struct *);
json_t *openapi_of_reply(struct openapi *, const struct schema_struct *);

/* Adds to the components what all objects of 'table' consist of: "Port",
 * "PortSpec", "PortList" and so on. */
void openapi_add_type(struct openapi *, const struct schema_table *);

/* Adds what does not belong to one type: addresses, labels, any object. */
void openapi_add_values(struct openapi *);
/* Adds changes and deletions, as POST /v1/apply takes them. */
void openapi_add_operations(json_t *schemas);

/* "FloatingIps" of "floating-ips".  The caller frees it. */
char *openapi_camel(const char *plural);

#endif /* controller/northbound/openapi.h */
