/* SPDX-License-Identifier: Apache-2.0
 *
 * What `get` shows of objects that were read: their order, formats and
 * columns.  Not for reading them (cmd-get.c, get-watch.c). */

#ifndef CONTROLLER_CTL_GET_OUTPUT_H
#define CONTROLLER_CTL_GET_OUTPUT_H 1

#include <jansson.h>

#include "controller/ctl/ctl.h"

struct schema_table;
struct ctl_column;

/* Objects of one type that were read. */
struct ctl_found {
    const struct schema_table *type;
    json_t *objects;            /* Array. */
    bool hidden;                /* The account may not see any. */
};

/* Shows the objects of 'n' types, as -o and --no-headers say; 'one' is true if
 * a single object was asked for. */
void ctl_show_found(struct ctl *, const struct ctl_found *, size_t n,
                    bool one);

/* Sorts the array 'objects' by --sort-by, if that was given, and cuts it at
 * --limit. */
void ctl_sort_found(const struct ctl *, json_t *objects);

/* Returns copies of 'objects' with "type" in front, so that the output can be
 * applied.  The caller owns them. */
json_t *ctl_with_types(const json_t *objects, const struct schema_table *);

/* Returns a table for objects of 'type', and its columns in '*columns', which
 * must outlive it and which the caller frees. */
struct ctl_table *ctl_get_table(const struct ctl *,
                                const struct schema_table *type,
                                struct ctl_column **columns);

/* Adds an object with its type, as of ctl_with_types(), to such a table. */
void ctl_get_table_add(const struct ctl *, struct ctl_table *,
                       const json_t *typed);

#endif /* controller/ctl/get-output.h */
