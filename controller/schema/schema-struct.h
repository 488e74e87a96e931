/* SPDX-License-Identifier: Apache-2.0
 *
 * What is only shown (the status of objects, replies of calls): a struct that
 * a lower room fills, printed as JSON by its description, which is also the
 * API's description, docs/api-reference.md and `vmnctl explain`.  Not for what
 * users write (schema-row.h), and nothing is parsed here.
 *
 * How a field is kept in its struct, beyond what schema.h says of rows:
 *
 * - Text may come from a peer: bytes that are not UTF-8 are shown as '?'.
 * - SCHEMA_ENUM is a const char *, one of the names.
 * - What is absent is NULL (texts, lists, SCHEMA_POINTER), 0 (SCHEMA_TIME), no
 *   finite number (SCHEMA_DOUBLE), or has the value 'def' with
 *   SCHEMA_HIDE_DEFAULT.  It is shown as null with SCHEMA_NULLABLE, and else
 *   left out.
 * - A text that is schema_absent is left out even with SCHEMA_NULLABLE.
 * - An address of SCHEMA_MAC that is all zeros is absent, unless it has
 *   SCHEMA_REQUIRED: packets may have it.
 * - A list with SCHEMA_REQUIRED is shown when it is empty, also if it is NULL;
 *   any other if it is not NULL. */

#ifndef CONTROLLER_SCHEMA_SCHEMA_STRUCT_H
#define CONTROLLER_SCHEMA_SCHEMA_STRUCT_H 1

#include "controller/schema/schema.h"

struct ds;

/* A member of what has SCHEMA_MAP and SCHEMA_U64. */
struct schema_entry {
    const char *name;
    uint64_t value;
};

/* A member of what has SCHEMA_MAP, SCHEMA_LIST and SCHEMA_STRING. */
struct schema_texts {
    const char *name;
    size_t n;
    const char **texts;
};

extern const char schema_absent[];

/* Appends a text that may not be valid UTF-8 as a string. */
void schema_print_text(const char *text, struct ds *);

/* Appends 'struct_' as an object. */
void schema_struct_print(const struct schema_struct *, const void *struct_,
                         struct ds *);
/* Appends its members to an object that has no last brace. */
void schema_struct_print_members(const struct schema_struct *,
                                 const void *struct_, struct ds *);
/* Appends 'struct_' as an object, and calls 'pause' with 'aux' after each
 * element of the lists that it has itself, which may be long. */
void schema_struct_print_pausing(const struct schema_struct *,
                                 const void *struct_, struct ds *,
                                 void (*pause)(void *aux), void *aux);
/* The same as a tree, which the caller owns. */
json_t *schema_struct_to_json(const struct schema_struct *,
                              const void *struct_);

#endif /* controller/schema/schema-struct.h */
