/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of text.  Not for the text of a cell (output-cell.h), nor for which
 * columns a type has (the schema, and object-types.c). */

#ifndef CONTROLLER_CTL_OUTPUT_TABLE_H
#define CONTROLLER_CTL_OUTPUT_TABLE_H 1

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#include "controller/ctl/output-cell.h"

struct ds;
struct ctl_table;

/* A column of a table of JSON objects.  The cell is what 'print' appends, or
 * else the value at 'path'.  An empty cell is printed as "-". */
struct ctl_column {
    const char *heading;        /* NULL in the last element of an array. */
    const char *path;           /* As in ctl_path_print(). */
    void (*print)(const json_t *object, struct ds *);
};

struct ctl_table *ctl_table_create(const struct ctl_column *);
void ctl_table_destroy(struct ctl_table *);
/* Has cells that are added from now on cut at 63 characters, the most that a
 * name has, but for those of the last column. */
void ctl_table_cut_cells(struct ctl_table *);
/* Takes the headings out of a table that has no rows yet. */
void ctl_table_omit_headings(struct ctl_table *);
void ctl_table_add(struct ctl_table *, const json_t *object);
/* Prints headings and rows, with columns as wide as necessary.  Cells are
 * quoted, so that text from the server cannot control the terminal
 * (proto/text/quoted-text.h). */
void ctl_table_print(const struct ctl_table *, FILE *);

/* Prints the rows that were added since the last call, and the headings if
 * they were not printed yet. */
void ctl_table_print_on(struct ctl_table *, FILE *);

/* Prints 'text', quoted, in its colour under 'heading' if 'file' is a
 * terminal. */
void ctl_print_coloured(FILE *, const char *heading, const char *text);

/* Prints 'text', quoted but for line feeds. */
void ctl_print_safely(FILE *, const char *text);
void ctl_printf_safely(FILE *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif /* controller/ctl/output-table.h */
