/* SPDX-License-Identifier: Apache-2.0
 *
 * The status of objects of a type that an app declares: what is known of any
 * such object, and behind that what the app finds out, of which the type says
 * in which relations it is.  A member that has the name of another one is left
 * out: an app that declares it is not loaded, but what is stored has to be
 * read by a later version too, which may have one more of its own.  Not for
 * the values (northbound). */

#include <config.h>

#include "controller/schema/schema-own.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "util.h"

/* By enum vmn_field_type. */
static const enum schema_type types[] = {
    [VMN_FIELD_BOOL] = SCHEMA_BOOL, [VMN_FIELD_INT] = SCHEMA_I64,
    [VMN_FIELD_TEXT] = SCHEMA_STRING,
};

static size_t
count_fields(const struct schema_field *f)
{
    size_t n = 0;

    while (f[n].name) {
        n++;
    }
    return n;
}

static struct schema_field
make_field(const struct vmn_type_status *from, size_t i, struct arena *arena)
{
    return (struct schema_field) {
        .name = arena_strdup(arena, from->name), .type = types[from->type],
        .flags = SCHEMA_PRINTED
                 | (from->list ? SCHEMA_LIST | SCHEMA_REQUIRED : 0),
        .min = from->type == VMN_FIELD_INT ? INT64_MIN : 0,
        .max = from->type == VMN_FIELD_INT ? INT64_MAX : 0,
        .max_items = SCHEMA_OWN_VALUES_MAX,
        .offset = sizeof(struct status_own_object) + i * sizeof(char *),
        .doc = arena_strdup(arena, from->doc),
    };
}

bool
schema_own_status_is_taken(const char *name)
{
    return (schema_find_field(&schema_status_object, name)
            || !strcmp(name, "failed"));
}

const char *
schema_own_warnings(const struct schema_table *table)
{
    const char *const *relation = table->relations;

    if (!schema_is_own(table->id) || !relation) {
        return NULL;
    }
    for (const struct schema_field *f = table->status->fields; f->name; f++) {
        if (f->flags & SCHEMA_PRINTED) {
            if (!strcmp(f->name, "warnings") && f->type == SCHEMA_STRING) {
                return *relation;
            }
            relation++;
        }
    }
    return NULL;
}

void
schema_own_make_status(const struct vmn_type_row *row,
                       struct schema_table *table, struct arena *arena)
{
    const struct schema_struct *base = &schema_status_object;
    size_t n = count_fields(base->fields);
    struct schema_field *fields = arena_alloc(
        arena, (n + row->n_status + 1) * sizeof *fields);
    const char **relations = arena_alloc(arena, (row->n_status + 1)
                                                * sizeof *relations);
    struct schema_struct *status = arena_alloc(arena, sizeof *status);

    *status = (struct schema_struct) { .name = base->name, .fields = fields };
    memcpy(fields, base->fields, n * sizeof *fields);
    for (size_t i = 0; i < row->n_status; i++) {
        const struct vmn_type_status *from = &row->status[i];

        if (!schema_own_status_is_taken(from->name)
            && !schema_find_field(status, from->name)) {
            relations[table->n_relations]
                = arena_strdup(arena, from->relation);
            fields[n++] = make_field(from, table->n_relations++, arena);
        }
    }
    status->size = base->size + table->n_relations * sizeof(char *);
    table->status = status;
    table->relations = relations;
}
