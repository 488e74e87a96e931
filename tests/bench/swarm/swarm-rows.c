/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows, and what they were before a change; see rows.h. */

#include <config.h>

#include "tests/bench/swarm/swarm-rows.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/json.h"
#include "util.h"
#include "uuid.h"

static size_t
n_columns(const struct rows *rows, const struct row *row)
{
    return rows->schema->tables[row->table].n_columns;
}

static void
values_destroy(const struct rows *rows, const struct row *row,
               struct ovsdb_datum **values)
{
    const struct schema_table *table = &rows->schema->tables[row->table];

    for (size_t i = 0; i < table->n_columns; i++) {
        if (values[i]) {
            ovsdb_datum_destroy(values[i], &table->columns[i].type);
            free(values[i]);
        }
    }
    free(values);
}

static void
row_forget_before(const struct rows *rows, struct row *row)
{
    if (row->before) {
        values_destroy(rows, row, row->before->values);
        free(row->before);
        row->before = NULL;
    }
}

static void
row_destroy(struct rows *rows, struct row *row)
{
    row_forget_before(rows, row);
    hmap_remove(&rows->all, &row->node);
    values_destroy(rows, row, row->values);
    free(row);
}

void
rows_init(struct rows *rows, const struct schema *schema)
{
    memset(rows, 0, sizeof *rows);
    rows->schema = schema;
    hmap_init(&rows->all);
}

void
rows_uninit(struct rows *rows)
{
    struct row *row;

    HMAP_FOR_EACH_SAFE (row, node, &rows->all) {
        row_destroy(rows, row);
    }
    hmap_destroy(&rows->all);
    free(rows->touched);
}

const struct schema_table *
rows_table(const struct rows *rows, const struct row *row)
{
    return &rows->schema->tables[row->table];
}

struct row *
rows_find(const struct rows *rows, int table, const struct uuid *uuid)
{
    struct row *row;

    HMAP_FOR_EACH_WITH_HASH (row, node, uuid_hash(uuid), &rows->all) {
        if (uuid_equals(&row->uuid, uuid) && !row->deleted
            && (table < 0 || row->table == table)) {
            return row;
        }
    }
    return NULL;
}

/* Remembers what the row is, once in a change. */
static void
touch(struct rows *rows, struct row *row, bool existed)
{
    size_t n = n_columns(rows, row);

    if (row->before) {
        return;
    }
    row->before = xmalloc(sizeof *row->before);
    row->before->existed = existed;
    row->before->values = xcalloc(n, sizeof *row->before->values);
    for (size_t i = 0; i < n; i++) {
        if (row->values[i]) {
            row->before->values[i] = xmalloc(sizeof *row->values[i]);
            ovsdb_datum_clone(row->before->values[i], row->values[i]);
        }
    }
    if (rows->n_touched >= rows->allocated_touched) {
        rows->touched = x2nrealloc(rows->touched, &rows->allocated_touched,
                                   sizeof *rows->touched);
    }
    rows->touched[rows->n_touched++] = row;
}

struct row *
rows_insert(struct rows *rows, int table, const struct uuid *uuid)
{
    struct row *row = xzalloc(sizeof *row);

    row->uuid = *uuid;
    row->table = table;
    row->values = xcalloc(n_columns(rows, row), sizeof *row->values);
    hmap_insert(&rows->all, &row->node, uuid_hash(uuid));
    touch(rows, row, false);
    return row;
}

void
rows_delete(struct rows *rows, struct row *row)
{
    touch(rows, row, true);
    row->deleted = true;
}

void
rows_copy(const struct rows *rows, const struct row *row, int column,
          struct ovsdb_datum *copy)
{
    const struct ovsdb_type *type
        = &rows_table(rows, row)->columns[column].type;

    if (row->values[column]) {
        ovsdb_datum_clone(copy, row->values[column]);
    } else {
        ovsdb_datum_init_default(copy, type);
    }
}

struct ovsdb_datum
rows_get(const struct rows *rows, const struct row *row, int column)
{
    return row->values[column] ? *row->values[column]
           : *ovsdb_datum_default(
               &rows_table(rows, row)->columns[column].type);
}

void
rows_set(struct rows *rows, struct row *row, int column,
         struct ovsdb_datum *value)
{
    const struct ovsdb_type *type
        = &rows_table(rows, row)->columns[column].type;

    touch(rows, row, true);
    if (row->values[column]) {
        ovsdb_datum_destroy(row->values[column], type);
    } else {
        row->values[column] = xmalloc(sizeof *value);
    }
    *row->values[column] = *value;
    if (ovsdb_datum_is_default(value, type)) {
        ovsdb_datum_destroy(row->values[column], type);
        free(row->values[column]);
        row->values[column] = NULL;
    }
}

/* By name.  -------------------------------------------------------------- */

static int
column_named(const struct rows *rows, const struct row *row, const char *name)
{
    int column = schema_find_column(rows_table(rows, row), name);

    if (column < 0) {
        ovs_fatal(0, "the schema has no column %s:%s",
                  rows_table(rows, row)->name, name);
    }
    return column;
}

const char *
rows_get_string(const struct rows *rows, const struct row *row,
                const char *column)
{
    struct ovsdb_datum d = rows_get(rows, row,
                                    column_named(rows, row, column));

    return d.n ? d.keys[0].s->string : NULL;
}

int64_t
rows_get_integer(const struct rows *rows, const struct row *row,
                 const char *column, int64_t none)
{
    struct ovsdb_datum d = rows_get(rows, row,
                                    column_named(rows, row, column));

    return d.n ? d.keys[0].integer : none;
}

bool
rows_get_boolean(const struct rows *rows, const struct row *row,
                 const char *column)
{
    struct ovsdb_datum d = rows_get(rows, row,
                                    column_named(rows, row, column));

    return d.n && d.keys[0].boolean;
}

const char *
rows_get_key(const struct rows *rows, const struct row *row,
             const char *column, const char *key)
{
    struct ovsdb_datum d = rows_get(rows, row,
                                    column_named(rows, row, column));

    for (unsigned i = 0; i < d.n; i++) {
        if (!strcmp(d.keys[i].s->string, key)) {
            return d.values[i].s->string;
        }
    }
    return NULL;
}

static void
set_one(struct rows *rows, struct row *row, const char *name,
        union ovsdb_atom key)
{
    struct ovsdb_datum d = { .n = 1, .keys = xmemdup(&key, sizeof key) };

    rows_set(rows, row, column_named(rows, row, name), &d);
}

void
rows_set_string(struct rows *rows, struct row *row, const char *column,
                const char *value)
{
    set_one(rows, row, column,
            (union ovsdb_atom) { .s = json_string_create(value) });
}

void
rows_set_integer(struct rows *rows, struct row *row, const char *column,
                 int64_t value)
{
    set_one(rows, row, column, (union ovsdb_atom) { .integer = value });
}

void
rows_set_boolean(struct rows *rows, struct row *row, const char *column,
                 bool value)
{
    set_one(rows, row, column, (union ovsdb_atom) { .boolean = value });
}

void
rows_set_uuid(struct rows *rows, struct row *row, const char *column,
              const struct uuid *value)
{
    set_one(rows, row, column, (union ovsdb_atom) { .uuid = *value });
}

void
rows_set_pair(struct rows *rows, struct row *row, const char *column,
              const char *key, const char *value)
{
    struct ovsdb_datum d = {
        .n = 1,
        .keys = xmalloc(sizeof *d.keys),
        .values = xmalloc(sizeof *d.values),
    };

    d.keys[0].s = json_string_create(key);
    d.values[0].s = json_string_create(value);
    rows_set(rows, row, column_named(rows, row, column), &d);
}

void
rows_refer(struct rows *rows, struct row *row, const char *name,
           const struct uuid *uuid, bool add)
{
    int column = column_named(rows, row, name);
    const struct ovsdb_type *type
        = &rows_table(rows, row)->columns[column].type;
    union ovsdb_atom key = { .uuid = *uuid };
    struct ovsdb_datum one = { .n = 1, .keys = &key };
    struct ovsdb_datum d;

    rows_copy(rows, row, column, &d);
    if (add) {
        ovsdb_datum_union(&d, &one, type);
    } else {
        ovsdb_datum_subtract(&d, type, &one, type);
    }
    rows_set(rows, row, column, &d);
}

/* Ends of changes.  ------------------------------------------------------ */

static void mark(struct rows *, struct row *);

static void
mark_all(struct rows *rows, const struct ovsdb_base_type *base,
         const union ovsdb_atom *atoms, unsigned n)
{
    if (!ovsdb_base_type_is_strong_ref(base)) {
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        struct row *row = rows_find(rows, -1, &atoms[i].uuid);

        if (row) {
            mark(rows, row);
        }
    }
}

/* Marks the row and all that it leads to. */
static void
mark(struct rows *rows, struct row *row)
{
    const struct schema_table *table = rows_table(rows, row);

    if (row->marked) {
        return;
    }
    row->marked = true;
    for (size_t i = 0; i < table->n_columns; i++) {
        const struct ovsdb_datum *d = row->values[i];

        if (d) {
            mark_all(rows, &table->columns[i].type.key, d->keys, d->n);
            mark_all(rows, &table->columns[i].type.value, d->values, d->n);
        }
    }
}

void
rows_commit(struct rows *rows)
{
    struct row *row;

    if (!rows->n_touched) {
        return;
    }
    HMAP_FOR_EACH (row, node, &rows->all) {
        if (!row->deleted && rows_table(rows, row)->is_root) {
            mark(rows, row);
        }
    }
    HMAP_FOR_EACH (row, node, &rows->all) {
        if (!row->marked && !row->deleted) {
            rows_delete(rows, row);
        }
        row->marked = false;
    }
}

void
rows_settle(struct rows *rows)
{
    for (size_t i = 0; i < rows->n_touched; i++) {
        struct row *row = rows->touched[i];

        row_forget_before(rows, row);
        if (row->deleted) {
            row_destroy(rows, row);
        }
    }
    rows->n_touched = 0;
}

void
rows_abort(struct rows *rows)
{
    for (size_t i = 0; i < rows->n_touched; i++) {
        struct row *row = rows->touched[i];

        if (!row->before->existed) {
            row_destroy(rows, row);
            continue;
        }
        values_destroy(rows, row, row->values);
        row->values = row->before->values;
        free(row->before);
        row->before = NULL;
        row->deleted = false;
    }
    rows->n_touched = 0;
}
