/* SPDX-License-Identifier: Apache-2.0
 *
 * Where in a request something is that was found in the row made of it: a row
 * has the elements of a set in an order of its own. */

#ifndef CONTROLLER_MODEL_ASKED_POINTER_H
#define CONTROLLER_MODEL_ASKED_POINTER_H 1

#include <jansson.h>

struct schema_struct;

/* Returns 'pointer', of the spec 'kept' of a row that 's' describes, as that
 * into 'asked', of which the row was parsed.  What is not found there keeps
 * its place.  The caller frees it. */
char *asked_pointer(const char *pointer, const struct schema_struct *s,
                    const json_t *kept, const json_t *asked);

#endif /* controller/model/asked-pointer.h */
