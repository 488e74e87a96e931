/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of a call into a struct, by the description of the body, which is
 * the API's as well (openapi-operations.h).  Not for objects and their specs
 * (schema-row.h), nor for what goes on in lists of objects (api-apply.c). */

#ifndef CONTROLLER_NORTHBOUND_REQUEST_BODY_H
#define CONTROLLER_NORTHBOUND_REQUEST_BODY_H 1

#include <jansson.h>

struct arena;
struct schema_struct;
struct vmn_errors;

/* Reads the members of the object 'body' into 'struct_', which has what is to
 * be where they are absent.  A member is kept as schema.h says of its type;
 * lists and structs are left to the caller (if there is nothing else, 'arena'
 * and 'struct_' may be NULL).  Texts are copied to 'arena'.
 * Adds what is wrong, missing or unknown to 'errors', with pointers into the
 * body. */
void nb_body_read(const json_t *body, const struct schema_struct *,
                  struct arena *, void *struct_, struct vmn_errors *errors);

#endif /* controller/northbound/request-body.h */
