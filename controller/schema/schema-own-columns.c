/* SPDX-License-Identifier: Apache-2.0
 *
 * The columns of vmnctl's table of objects of a type that an app declares; see
 * schema-own.h. */

#include <config.h>

#include "controller/schema/schema-own.h"

#include "controller/schema/arena.h"
#include "util.h"

#define COLUMNS_MAX 8           /* Of vmnctl's table. */
/* Members of the status that have a column although there are more fields. */
#define STATUS_COLUMNS_MAX 3

/* Returns a heading of vmnctl's table: "MAX-RATE" of "max_rate". */
static char *
heading(struct arena *arena, const char *name)
{
    char *text = arena_strdup(arena, name);

    for (char *p = text; *p; p++) {
        *p = (*p == '_' ? '-' : *p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
    }
    return text;
}

static struct schema_column
make_column(struct arena *arena, const char *name, const char *part)
{
    return (struct schema_column) {
        .heading = heading(arena, name),
        .path = arena_printf(arena, "/%s/%s", part, name),
    };
}

/* The name, the first fields that fit, the first members that the app adds to
 * the status, the description. */
const struct schema_column *
schema_own_make_columns(const struct schema_table *table,
                        const struct schema_field *f, struct arena *arena)
{
    struct schema_column *columns = arena_alloc(
        arena, (COLUMNS_MAX + 1) * sizeof *columns);
    size_t n_status = MIN(table->n_relations, STATUS_COLUMNS_MAX);
    size_t n = 0;

    columns[n++] = (struct schema_column) { .heading = "NAME",
                                            .path = "/name" };
    for (; f->name && n < COLUMNS_MAX - 1 - n_status; f++) {
        columns[n++] = make_column(arena, f->name, "spec");
    }
    for (f = table->status->fields; f->name; f++) {
        if (f->flags & SCHEMA_PRINTED && n < COLUMNS_MAX - 1) {
            columns[n++] = make_column(arena, f->name, "status");
        }
    }
    columns[n++] = (struct schema_column) { .heading = "DESCRIPTION",
                                            .path = "/spec/description" };
    columns[n] = (struct schema_column) { .heading = NULL };
    return columns;
}
