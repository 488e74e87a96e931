/* SPDX-License-Identifier: Apache-2.0
 *
 * Parses the body of a request into a struct, by the description of the body,
 * which is also the one in OpenAPI (openapi-operations.h).  Not for objects
 * and their specs (schema-row.h), nor for the elements of lists of objects
 * (api-apply.c). */

#ifndef CONTROLLER_NORTHBOUND_REQUEST_BODY_H
#define CONTROLLER_NORTHBOUND_REQUEST_BODY_H 1

#include <jansson.h>

struct arena;
struct schema_struct;
struct vmn_errors;

/* Parses the members of the object 'body' into 'struct_', which the caller has
 * initialized with the defaults of absent members.  schema.h says how each
 * type is represented; lists and structs are left to the caller (if there are
 * no other members, 'arena' and 'struct_' may be NULL).  Strings are copied to
 * 'arena'.  Adds an error for each invalid, missing or unknown member to
 * 'errors', with its JSON pointer in the body. */
void nb_body_read(const json_t *body, const struct schema_struct *,
                  struct arena *, void *struct_, struct vmn_errors *errors);

#endif /* controller/northbound/request-body.h */
