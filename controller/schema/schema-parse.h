/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations that the two parts of the parser share: schema-scalar.c for
 * single values, schema-parse.c for lists, objects and rows. */

#ifndef CONTROLLER_SCHEMA_SCHEMA_PARSE_H
#define CONTROLLER_SCHEMA_SCHEMA_PARSE_H 1

#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"

struct arena;

struct parse {
    struct arena *arena;
    const char *name;           /* Of the object. */
    struct vmn_errors *errors;
    struct ds pointer;          /* Of what is being parsed. */
    bool stored;                /* It was taken once: see
                                 * schema_row_parse_stored(). */
    size_t n_errors;
};

/* Adds "/NAME" or "/INDEX" to the pointer; returns what parse_pop() takes. */
size_t parse_push(struct parse *, const char *name);
size_t parse_push_index(struct parse *, size_t index);
void parse_pop(struct parse *, size_t length);

/* Reports an error at the pointer.  Returns false. */
bool parse_fault(struct parse *, enum vmn_error_code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reports 'error', which a function of value.h may have set, if 'code' is not
 * 0, and releases it.  Returns true if it is 0. */
bool parse_check(struct parse *, int code, struct vmn_error *error);

/* Parses one value of a field of any type but SCHEMA_STRUCT into 'dst'.
 * Returns false if there was an error. */
bool parse_scalar(struct parse *, const struct schema_field *, const json_t *,
                  void *dst);

#endif /* controller/schema/schema-parse.h */
