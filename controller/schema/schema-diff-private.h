/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations that schema-diff.c and schema-diff-rows.c share.  Not for
 * others. */

#ifndef CONTROLLER_SCHEMA_SCHEMA_DIFF_PRIVATE_H
#define CONTROLLER_SCHEMA_SCHEMA_DIFF_PRIVATE_H 1

#include <jansson.h>
#include <stddef.h>

#include "controller/schema/schema-diff.h"
#include "openvswitch/dynamic-string.h"

struct arena;
struct schema_field;

/* A difference that is being computed. */
struct differ {
    struct arena *arena;
    struct schema_diff *diff;
    size_t max, allocated;
    struct ds path;
};

/* Appends a step to the path; returns its former length, for
 * differ_leave(). */
size_t differ_enter(struct differ *, const char *step);
void differ_leave(struct differ *, size_t length);
/* Adds the field at the path.  Returns it, or NULL if there are too many. */
struct schema_diff_field *differ_add(struct differ *);
/* Compares two values of a field, and adds what differs; NULL: absent. */
void differ_compare(struct differ *, const struct schema_field *,
                    const json_t *before, const json_t *after);

#endif /* controller/schema/schema-diff-private.h */
