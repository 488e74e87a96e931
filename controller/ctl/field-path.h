/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths to a value of an object, such as .spec.labels.role, .status.ips[0] or
 * .spec.rules[*].action, and tables whose columns are such paths (-o
 * custom-columns).  A dot in a name is written "\.".  Not for JSONPath beyond
 * that. */

#ifndef CONTROLLER_CTL_FIELD_PATH_H
#define CONTROLLER_CTL_FIELD_PATH_H 1

#include <jansson.h>

#include "controller/schema/error.h"
#include "svec.h"

struct schema_table;
struct ctl_column;

struct ctl_field_path {
    char *text;                 /* As it was given.  Owned. */
    struct svec steps;          /* ".NAME", "[*]" or "[N]". */
};

/* Parses 'text', which may be in braces.  Returns 0, or EINVAL with an error;
 * ctl_field_path_uninit() is due in either case. */
int ctl_field_path_parse(struct ctl_field_path *, const char *text,
                         struct vmn_error *why);
void ctl_field_path_uninit(struct ctl_field_path *);

/* Returns 0 if objects of the type may have such a value, else EINVAL with an
 * error that says where the path ends. */
int ctl_field_path_check(const struct ctl_field_path *,
                         const struct schema_table *, struct vmn_error *why);

/* Compares the values in two objects: numbers as such, others as texts in
 * which digits count as numbers; what has no value is last. */
int ctl_field_path_compare(const struct ctl_field_path *, const json_t *a,
                           const json_t *b);

/* Columns that the user chose. */
struct ctl_custom {
    size_t n;
    struct ctl_field_path *paths;
    struct ctl_column *columns; /* For rows of ctl_custom_row(). */
};

/* Parses "HEADING:PATH,HEADING:PATH".  Returns NULL with an error if that is
 * invalid. */
struct ctl_custom *ctl_custom_parse(const char *text, struct vmn_error *why);
void ctl_custom_destroy(struct ctl_custom *);

/* Returns the row of an object, which the caller owns. */
json_t *ctl_custom_row(const struct ctl_custom *, const json_t *object);

#endif /* controller/ctl/field-path.h */
