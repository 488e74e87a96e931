/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints tables; see output-table.h. */

#include <config.h>

#include "controller/ctl/output-table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "controller/ctl/output-colour.h"
#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
#include "proto/text/quoted-text.h"
#include "svec.h"
#include "util.h"

/* Widest column, in characters: a longer cell shifts the rest of its row, and
 * where long cells are cut, */
#define WIDTH_MAX 200
/* the widest but the last: no name is cut. */
#define CUT_WIDTH VMN_NAME_LEN
#define CUT_MARK "..."

struct ctl_table {
    const struct ctl_column *columns; /* Borrowed. */
    size_t n_columns;
    bool cuts;                  /* ctl_table_cut_cells(). */
    size_t *widths;             /* Width of each column, in characters. */
    struct svec cells;          /* The headings, then row by row. */
};

/* Returns the number of characters of the UTF-8 text 's'. */
static size_t
text_width(const char *s)
{
    size_t n = 0;

    for (; *s; s++) {
        n += (*s & 0xc0) != 0x80;
    }
    return n;
}

/* Cuts a text of more than CUT_WIDTH characters. */
static void
cut_cell(char *cell)
{
    size_t n = 0;

    for (char *s = cell; *s; s++) {
        if ((*s & 0xc0) != 0x80 && n++ == CUT_WIDTH - strlen(CUT_MARK)) {
            strcpy(s, CUT_MARK);
            return;
        }
    }
}

/* Adds a cell; takes ownership of it. */
static void
add_cell(struct ctl_table *table, char *cell)
{
    size_t column = table->cells.n % table->n_columns;

    if (text_needs_quoting(cell)) {
        struct ds ds = DS_EMPTY_INITIALIZER;

        text_put_quoted(&ds, cell, strlen(cell), "");
        free(cell);
        cell = ds_steal_cstr(&ds);
    }
    if (table->cuts && column + 1 < table->n_columns
        && text_width(cell) > CUT_WIDTH) {
        cut_cell(cell);
    }
    table->widths[column] = MAX(table->widths[column],
                                MIN(text_width(cell), WIDTH_MAX));
    svec_add_nocopy(&table->cells, cell);
}

struct ctl_table *
ctl_table_create(const struct ctl_column *columns)
{
    struct ctl_table *table = xzalloc(sizeof *table);

    table->columns = columns;
    while (columns[table->n_columns].heading) {
        table->n_columns++;
    }
    table->widths = xcalloc(table->n_columns, sizeof *table->widths);
    svec_init(&table->cells);
    for (size_t i = 0; i < table->n_columns; i++) {
        add_cell(table, xstrdup(columns[i].heading));
    }
    return table;
}

void
ctl_table_destroy(struct ctl_table *table)
{
    if (table) {
        svec_destroy(&table->cells);
        free(table->widths);
        free(table);
    }
}

void
ctl_table_cut_cells(struct ctl_table *table)
{
    table->cuts = true;
}

void
ctl_table_omit_headings(struct ctl_table *table)
{
    svec_clear(&table->cells);
    memset(table->widths, 0, table->n_columns * sizeof *table->widths);
}

void
ctl_table_add(struct ctl_table *table, const json_t *object)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        const struct ctl_column *column = &table->columns[i];
        struct ds ds = DS_EMPTY_INITIALIZER;

        if (column->print) {
            column->print(object, &ds);
        } else {
            ctl_path_print(object, column->path, &ds);
        }
        if (!ds.length) {
            ds_put_char(&ds, '-');
        }
        add_cell(table, ds_steal_cstr(&ds));
    }
}

static void
print_safely(FILE *file, const char *text, const char *keep)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    text_put_quoted(&ds, text, strlen(text), keep);
    fwrite(ds.string, 1, ds.length, file);
    ds_destroy(&ds);
}

void
ctl_print_coloured(FILE *file, const char *heading, const char *text)
{
    const char *colour = (ctl_colour_on(file) ? ctl_colour_of(heading, text)
                          : NULL);

    fputs(colour ? colour : "", file);
    print_safely(file, text, "");
    fputs(colour ? CTL_COLOUR_END : "", file);
}

void
ctl_print_safely(FILE *file, const char *text)
{
    print_safely(file, text, "\n");
}

void
ctl_printf_safely(FILE *file, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = xvasprintf(format, args);
    va_end(args);
    ctl_print_safely(file, text);
    free(text);
}

void
ctl_table_print(const struct ctl_table *table, FILE *file)
{
    bool colours = ctl_colour_on(file);

    for (size_t i = 0; i < table->cells.n; i++) {
        size_t column = i % table->n_columns;
        const char *cell = table->cells.names[i];

        if (colours) {
            ctl_print_coloured(file, table->columns[column].heading, cell);
        } else {
            print_safely(file, cell, "");
        }
        if (column + 1 == table->n_columns) {
            putc('\n', file);
        } else {
            size_t width = text_width(cell);
            size_t pad = MAX(table->widths[column], width) - width;

            fprintf(file, "%*s", (int) pad + 3, "");
        }
    }
}

void
ctl_table_print_on(struct ctl_table *table, FILE *file)
{
    ctl_table_print(table, file);
    svec_clear(&table->cells);
}
