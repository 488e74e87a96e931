/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables for people, and the small path language that says what goes into a
 * column.  Not for which columns a type has (object-types.c). */

#ifndef CONTROLLER_CTL_OUTPUT_TABLE_H
#define CONTROLLER_CTL_OUTPUT_TABLE_H 1

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

struct ds;
struct ctl_table;

/* A column of a table of JSON objects.  The cell is what 'print' appends, or
 * else the value at 'path'.  A cell that stays empty shows as "-". */
struct ctl_column {
    const char *heading;        /* NULL ends an array of columns. */
    const char *path;           /* As in ctl_path_print(). */
    void (*print)(const json_t *object, struct ds *);
};

/* Appends the value at 'path' in 'json'.  'path' is a JSON pointer, with "*"
 * for each element of an array (or each "key=value" of an object), joined by
 * ",".  Of an array of objects that is not taken apart by "*", the number of
 * elements shows. */
void ctl_path_print(const json_t *json, const char *path, struct ds *);

struct ctl_table *ctl_table_create(const struct ctl_column *);
void ctl_table_destroy(struct ctl_table *);
void ctl_table_add(struct ctl_table *, const json_t *object);
/* Writes headings and rows, columns as wide as they need to be.  Control
 * characters show as "?", so that a text from the server cannot drive the
 * terminal. */
void ctl_table_print(const struct ctl_table *, FILE *);

/* The same for rows that were added since the last call, without the headings
 * if they were written then. */
void ctl_table_print_on(struct ctl_table *, FILE *);

/* Writes 'text', control characters shown as "?", in its colour under
 * 'heading' if 'file' is a terminal. */
void ctl_print_coloured(FILE *, const char *heading, const char *text);

/* Writes 'text' with control characters other than line feed shown as "?". */
void ctl_print_safely(FILE *, const char *text);

#endif /* controller/ctl/output-table.h */
