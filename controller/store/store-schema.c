/* SPDX-License-Identifier: Apache-2.0
 *
 * The database schema: a table for each stored resource, generated from its
 * description, with typed columns (lists and nested objects as JSON text) and
 * foreign keys; the tables of IDs, of cursors and of secrets; the log of
 * revisions.  Not for making and migrating them (store-upgrade.c). */

#include <config.h>

#include "controller/store/store-private.h"

#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Migrations from each format to the next: none, as format 1 is the first.
 * Tables and columns that the file lacks are added after these steps, so a
 * format that only adds some needs no SQL. */
const struct store_step store_steps[] = {
    { 0, NULL },
};

const int store_format = STORE_FORMAT;

const char store_fixed_tables[] =
    /* Where the allocation of addresses of each subnet continues. */
    "CREATE TABLE cursors ("
    "network TEXT NOT NULL REFERENCES networks (name) "
    "ON DELETE CASCADE, "
    "subnet TEXT NOT NULL, next INTEGER NOT NULL, "
    "PRIMARY KEY (network, subnet)"
    ") STRICT, WITHOUT ROWID;"
    /* Secret values. */
    "CREATE TABLE secrets ("
    "name TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    /* Receipts of groups of revisions 'first' to 'revision'
     * (store-receipts.c); 'people': of a user, or of a program on a user's
     * behalf. */
    "CREATE TABLE receipts ("
    "revision INTEGER PRIMARY KEY, first INTEGER NOT NULL, "
    "people INTEGER NOT NULL, hosts INTEGER NOT NULL, "
    "missing INTEGER NOT NULL, bytes INTEGER NOT NULL, "
    "body TEXT NOT NULL"
    ") STRICT;"
    /* The newest revision that changed each set of POST /v1/apply?prune=SET:
     * what it deleted has no row that would say so. */
    "CREATE TABLE sets ("
    "name TEXT NOT NULL PRIMARY KEY, revision INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    /* Single numbers; see store-properties.c. */
    "CREATE TABLE properties ("
    "name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    /* Objects of the types that apps declare; see store-objects.c. */
    "CREATE TABLE objects ("
    "type TEXT NOT NULL REFERENCES types (name) "
    "DEFERRABLE INITIALLY DEFERRED, "
    "name TEXT NOT NULL, spec TEXT NOT NULL, revision INTEGER NOT NULL, "
    "created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, "
    "apply_set TEXT, " STORE_UNKNOWN_COLUMN ", "
    "PRIMARY KEY (type, name)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE numbers ("
    "kind TEXT NOT NULL, key TEXT NOT NULL, number INTEGER NOT NULL, "
    "PRIMARY KEY (kind, key), UNIQUE (kind, number)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE revisions ("
    "revision INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, "
    "who TEXT NOT NULL, changes TEXT NOT NULL, comment TEXT, "
    "undoes INTEGER, request_key TEXT, request_digest TEXT, "
    "draft TEXT, draft_author TEXT"
    ") STRICT;"
    /* For trimming the log (store-batch.c). */
    "CREATE INDEX revisions_people "
    "ON revisions (time_ms) WHERE " STORE_LOG_PEOPLE ";"
    "CREATE INDEX revisions_others "
    "ON revisions (revision, " STORE_LOG_WEIGHT ") "
    "WHERE " STORE_LOG_OTHERS ";"
    /* For finding the entries of one author. */
    "CREATE INDEX revisions_author "
    "ON revisions (" STORE_LOG_AUTHOR("who") ", revision, "
    STORE_LOG_WEIGHT ") "
    "WHERE " STORE_LOG_PEOPLE ";"
    /* For finding the newest revisions whose request had a key, at the
     * start. */
    "CREATE INDEX revisions_key "
    "ON revisions (revision) WHERE request_key IS NOT NULL;"
    /* What revisions made of objects; see store-log-contents.c. */
    "CREATE TABLE contents ("
    "revision INTEGER PRIMARY KEY, "
    "author TEXT NOT NULL, size INTEGER NOT NULL, objects TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX contents_author "
    "ON contents (author, revision, size);";

/* Generated SQL.  --------------------------------------------------------- */

bool
store_is_json(const struct schema_field *f)
{
    return f->flags & SCHEMA_LIST || f->type == SCHEMA_LABELS
           || f->type == SCHEMA_STRUCT || f->type == SCHEMA_ENUM_SET;
}

static bool
is_integer(const struct schema_field *f)
{
    return !store_is_json(f)
           && (f->type == SCHEMA_BOOL || f->type == SCHEMA_INT
               || f->type == SCHEMA_U16 || f->type == SCHEMA_U32
               || f->type == SCHEMA_U64);
}

static bool
is_foreign_key(const struct schema_field *f)
{
    return f->type == SCHEMA_REF && !store_is_json(f)
           && !schema_tables[f->ref]->builtin;
}

static void
put_reference(struct ds *ds, enum vmn_table table)
{
    ds_put_format(ds, " REFERENCES \"%s\" (\"name\")"
                  " DEFERRABLE INITIALLY DEFERRED",
                  schema_tables[table]->plural);
}

void
store_sql_column(struct ds *ds, const struct schema_field *f, bool given)
{
    ds_put_format(ds, "\"%s%s\" %s", f->name, given ? "_given" : "",
                  is_integer(f) ? "INTEGER" : "TEXT");
    if (is_foreign_key(f) && !given) {
        put_reference(ds, f->ref);
    }
}

void
store_sql_column_index(struct ds *ds, const struct schema_table *table,
                       const struct schema_field *f)
{
    if (is_foreign_key(f)) {
        ds_put_format(ds, "CREATE INDEX \"%s_%s\" ON \"%s\" (\"%s\");",
                      table->plural, f->name, table->plural, f->name);
    }
}

char *
store_sql_create(const struct schema_table *table)
{
    const struct schema_field *fields = table->row.fields;
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_format(&ds, "CREATE TABLE \"%s\" (\"name\" TEXT NOT NULL PRIMARY "
                  "KEY", table->plural);
    if (table->named_as != VMN_N_TABLES) {
        put_reference(&ds, table->named_as);
    }
    for (const struct schema_field *f = fields; f->name; f++) {
        ds_put_cstr(&ds, ", ");
        store_sql_column(&ds, f, false);
    }
    for (const struct schema_field *f = fields; f->name; f++) {
        if (f->flags & SCHEMA_ASSIGNED) {
            ds_put_cstr(&ds, ", ");
            store_sql_column(&ds, f, true);
        }
    }
    ds_put_cstr(&ds, ", revision INTEGER NOT NULL, created_ms INTEGER NOT "
                "NULL, updated_ms INTEGER NOT NULL, apply_set TEXT, "
                STORE_UNKNOWN_COLUMN ") STRICT;");
    for (const struct schema_field *f = fields; f->name; f++) {
        store_sql_column_index(&ds, table, f);
    }
    return ds_steal_cstr(&ds);
}

static const char *const meta_columns[STORE_META_COLUMNS] = {
    "revision", "created_ms", "updated_ms", "apply_set",
    "unknown_fields",
};

/* Appends the names of all columns but "name", each after 'before' and, if
 * 'excluded', as an assignment of an upsert.  Returns how many. */
static size_t
put_columns(struct ds *ds, const struct schema_table *table, bool excluded)
{
    const struct schema_field *fields = table->row.fields;
    size_t n = 0;

    for (const struct schema_field *f = fields; f->name; f++, n++) {
        ds_put_format(ds, "%s\"%s\"", n ? ", " : "", f->name);
        if (excluded) {
            ds_put_format(ds, " = excluded.\"%s\"", f->name);
        }
    }
    for (const struct schema_field *f = fields; f->name; f++) {
        if (f->flags & SCHEMA_ASSIGNED) {
            ds_put_format(ds, ", \"%s_given\"", f->name);
            if (excluded) {
                ds_put_format(ds, " = excluded.\"%s_given\"", f->name);
            }
            n++;
        }
    }
    for (size_t i = 0; i < STORE_META_COLUMNS; i++, n++) {
        ds_put_format(ds, ", %s", meta_columns[i]);
        if (excluded) {
            ds_put_format(ds, " = excluded.%s", meta_columns[i]);
        }
    }
    return n;
}

char *
store_sql_upsert(const struct schema_table *table)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_format(&ds, "INSERT INTO \"%s\" (\"name\", ", table->plural);
    size_t n = put_columns(&ds, table, false);
    ds_put_cstr(&ds, ") VALUES (?");
    for (size_t i = 0; i < n; i++) {
        ds_put_cstr(&ds, ", ?");
    }
    ds_put_cstr(&ds, ") ON CONFLICT (\"name\") DO UPDATE SET ");
    put_columns(&ds, table, true);
    return ds_steal_cstr(&ds);
}

/* Appends '"FIELD" = ?N' of the fields that are references, or of all others
 * but the name. */
static void
put_assignments(struct ds *ds, const struct schema_table *table,
                bool references, const char *between)
{
    const char *before = "";
    int n = 2;                  /* ?1 is the name. */

    for (const struct schema_field *f = table->row.fields; f->name;
         f++, n++) {
        if (is_foreign_key(f) == references) {
            ds_put_format(ds, "%s\"%s\" %s ?%d", before, f->name,
                          references ? "IS" : "=", n);
            before = between;
        }
    }
    for (const struct schema_field *f = table->row.fields; f->name; f++) {
        if (!references && f->flags & SCHEMA_ASSIGNED) {
            ds_put_format(ds, "%s\"%s_given\" = ?%d", before, f->name, n++);
            before = between;
        }
    }
    for (size_t i = 0; !references && i < STORE_META_COLUMNS; i++) {
        ds_put_format(ds, "%s%s = ?%d", before, meta_columns[i], n++);
        before = between;
    }
}

char *
store_sql_update(const struct schema_table *table)
{
    const struct schema_field *f = table->row.fields;
    struct ds ds = DS_EMPTY_INITIALIZER;

    while (f->name && !is_foreign_key(f)) {
        f++;
    }
    if (!f->name) {
        return NULL;
    }
    ds_put_format(&ds, "UPDATE \"%s\" SET ", table->plural);
    put_assignments(&ds, table, false, ", ");
    ds_put_cstr(&ds, " WHERE \"name\" = ?1 AND ");
    put_assignments(&ds, table, true, " AND ");
    return ds_steal_cstr(&ds);
}

char *
store_sql_select(const struct schema_table *table)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&ds, "SELECT \"name\", ");
    put_columns(&ds, table, false);
    ds_put_format(&ds, " FROM \"%s\" ORDER BY \"name\"", table->plural);
    return ds_steal_cstr(&ds);
}
