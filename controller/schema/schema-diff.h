/* SPDX-License-Identifier: Apache-2.0
 *
 * The difference of two versions of an object, field by field, by the
 * description: for plans, replies to changes and the log of changes.  Bounded,
 * and without secrets.  Not for testing rows for equality (schema-row.h). */

#ifndef CONTROLLER_SCHEMA_SCHEMA_DIFF_H
#define CONTROLLER_SCHEMA_SCHEMA_DIFF_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/schema/tables.h"

struct arena;
struct ds;
struct schema_struct;
struct schema_table;

/* Maximum number of fields that are listed of one object, and of all objects
 * of one request. */
#define SCHEMA_DIFF_MAX 100
#define SCHEMA_DIFF_TOTAL_MAX 1000
/* Maximum length of a value that is shown, in bytes of JSON. */
#define SCHEMA_DIFF_VALUE_MAX 1000

/* A field that differs.  Texts are in the arena of the diff; those of values
 * are JSON.  Members are called as in JSON. */
struct schema_diff_field {
    const char *path;           /* JSON pointer into the object. */
    const char *before, *after; /* NULL: absent, or left out. */
    const char *added, *removed; /* Of a long set: lists; or NULL. */
    const char *left_out;       /* Why there are no values, or NULL. */
};

struct schema_diff {
    size_t n;
    struct schema_diff_field *fields;
    uint64_t n_more;            /* Those that are not listed. */
};

/* A version of an object. */
struct schema_version {
    const struct vmn_row *row;  /* NULL: there is none. */
    const char *set;            /* That it belongs to, or NULL. */
};

/* Describes a struct schema_diff_field. */
extern const struct schema_struct schema_diff_field_shown;

/* Fills in 'diff', in 'arena', with the fields that differ between two
 * versions, which both have rows; at most 'max' are listed. */
void schema_version_diff(const struct schema_version *before,
                         const struct schema_version *after, size_t max,
                         struct arena *, struct schema_diff *);

/* The same for two objects as schema_version_print() prints them; NULL: there
 * was or is none. */
void schema_json_diff(const struct schema_table *, const json_t *before,
                      const json_t *after, size_t max, struct arena *,
                      struct schema_diff *);

/* Returns true if what takes an object of an app's type back from 'after' to
 * 'before' is secret. */
bool schema_version_has_secrets(const struct schema_version *before,
                                const struct schema_version *after);

/* Appends an object {"metadata", "spec", "status"} with the set, the fields
 * and the assigned values of 'version' that differ from those of 'other' (all,
 * if that has no row), without secrets.  'version' has a row. */
void schema_version_print(const struct schema_version *,
                          const struct schema_version *other, struct ds *);

#endif /* controller/schema/schema-diff.h */
