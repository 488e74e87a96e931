/* SPDX-License-Identifier: Apache-2.0
 *
 * Fields of a spec that the description does not have, since a member of the
 * cluster that is of a newer version wrote them: taken out of it, to be kept
 * beside the row, and put back.  Not for requests, where such fields are
 * errors (schema-row.h).
 *
 * They are kept as JSON that needs no description: {"fields": what is unknown
 * of the object, "in": by the name of a known struct the same of that, or by
 * the name of a list of structs [[element, the same of it or null], ...]}. */

#ifndef CONTROLLER_SCHEMA_SCHEMA_UNKNOWN_H
#define CONTROLLER_SCHEMA_SCHEMA_UNKNOWN_H 1

#include <jansson.h>
#include <stddef.h>

#include "controller/schema/schema.h"

/* Takes what is unknown out of 'object', and of the structs in it.  Returns
 * it, or NULL: all is known.  The caller owns it. */
json_t *schema_unknown_take(const struct schema_struct *, json_t *object);
/* Puts it back, as far as the structs that it was in are there.  Elements of
 * lists are recognised by all that is known of them. */
void schema_unknown_put(json_t *object, const json_t *unknown);
/* Returns how many bytes the unknown fields have as text. */
size_t schema_unknown_size(const json_t *unknown);

#endif /* controller/schema/schema-unknown.h */
