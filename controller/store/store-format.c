/* SPDX-License-Identifier: Apache-2.0
 *
 * The database schema: a table for each stored resource, generated from its
 * description, with typed columns (lists and nested objects as JSON text) and
 * foreign keys; the tables of IDs, of cursors and of secrets; the log of
 * revisions.
 *
 * An empty file gets the newest format at once; an older one is migrated step
 * by step. */

#include <config.h>

#include "controller/store/store-private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Where the allocation of addresses of each subnet continues. */
#define CURSORS_TABLE                                                   \
    "CREATE TABLE IF NOT EXISTS cursors ("                              \
    "network TEXT NOT NULL REFERENCES networks (name) "                 \
    "ON DELETE CASCADE, "                                               \
    "subnet TEXT NOT NULL, next INTEGER NOT NULL, "                     \
    "PRIMARY KEY (network, subnet)"                                     \
    ") STRICT, WITHOUT ROWID;"

/* Secret values. */
#define SECRETS_TABLE                                                   \
    "CREATE TABLE IF NOT EXISTS secrets ("                              \
    "name TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL"               \
    ") STRICT, WITHOUT ROWID;"

/* Receipts of groups of revisions 'first' to 'revision' (store-receipts.c);
 * 'people': of a user, or of a program on a user's behalf. */
#define RECEIPTS_TABLE                                                  \
    "CREATE TABLE IF NOT EXISTS receipts ("                             \
    "revision INTEGER PRIMARY KEY, first INTEGER NOT NULL, "            \
    "people INTEGER NOT NULL, hosts INTEGER NOT NULL, "                 \
    "missing INTEGER NOT NULL, bytes INTEGER NOT NULL, "                \
    "body TEXT NOT NULL"                                                \
    ") STRICT;"

/* For trimming the log (store-batch.c). */
#define LOG_INDEXES                                                     \
    "CREATE INDEX IF NOT EXISTS revisions_people "                      \
    "ON revisions (time_ms) WHERE " STORE_LOG_PEOPLE ";"                \
    "CREATE INDEX IF NOT EXISTS revisions_others "                      \
    "ON revisions (revision) WHERE " STORE_LOG_OTHERS ";"

/* For finding the entries of one author. */
#define LOG_AUTHOR_INDEX                                                \
    "CREATE INDEX IF NOT EXISTS revisions_author "                      \
    "ON revisions (" STORE_LOG_AUTHOR("who") ", revision) "             \
    "WHERE " STORE_LOG_PEOPLE ";"

/* What revisions made of objects; see store-contents.c. */
#define CONTENTS_TABLE                                                  \
    "CREATE TABLE IF NOT EXISTS contents ("                             \
    "revision INTEGER PRIMARY KEY, "                                    \
    "author TEXT NOT NULL, size INTEGER NOT NULL, objects TEXT NOT NULL" \
    ") STRICT;"                                                         \
    "CREATE INDEX IF NOT EXISTS contents_author "                       \
    "ON contents (author, revision, size);"

/* The newest revision that changed each set of POST /v1/apply?prune=SET: what
 * it deleted has no row that would say so. */
#define SETS_TABLE                                                      \
    "CREATE TABLE IF NOT EXISTS sets ("                                 \
    "name TEXT NOT NULL PRIMARY KEY, revision INTEGER NOT NULL"         \
    ") STRICT, WITHOUT ROWID;"

/* Makes all of the log's indexes anew, with the conditions that they have
 * now. */
#define NEW_LOG_INDEXES                                                 \
    "DROP INDEX IF EXISTS revisions_people;"                            \
    "DROP INDEX IF EXISTS revisions_others;"                            \
    "DROP INDEX IF EXISTS revisions_author;"                            \
    LOG_INDEXES LOG_AUTHOR_INDEX

/* Migrations from each format to the next.  Format 1 is the first.  Tables and
 * columns that the file lacks are added after these steps, so a format that
 * only adds some needs no SQL. */
const struct store_step store_steps[] = {
    { 1, "" },
    { 2, CURSORS_TABLE },
    { 3, "" },
    { 4, "" },
    { 5, LOG_INDEXES },
    { 6, LOG_AUTHOR_INDEX SECRETS_TABLE },
    { 7, RECEIPTS_TABLE },
    { 8, CONTENTS_TABLE },
    { 9, SETS_TABLE },
    { 10, "ALTER TABLE revisions ADD COLUMN comment TEXT;" },
    { 11, NEW_LOG_INDEXES },
    { 12, "ALTER TABLE revisions ADD COLUMN undoes INTEGER;" },
    { 0, NULL },
};

static const char fixed_tables[] =
    CURSORS_TABLE
    SECRETS_TABLE
    RECEIPTS_TABLE
    SETS_TABLE
    "CREATE TABLE numbers ("
    "kind TEXT NOT NULL, key TEXT NOT NULL, number INTEGER NOT NULL, "
    "PRIMARY KEY (kind, key), UNIQUE (kind, number)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE revisions ("
    "revision INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, "
    "who TEXT NOT NULL, changes TEXT NOT NULL, comment TEXT, "
    "undoes INTEGER"
    ") STRICT;"
    LOG_INDEXES
    LOG_AUTHOR_INDEX
    CONTENTS_TABLE;

/* Returns the positive errno for a primary result code of SQLite. */
static int
errno_of(int code, int os_error)
{
    switch (code) {
    case SQLITE_FULL: return ENOSPC;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return EBUSY;
    case SQLITE_READONLY: return EROFS;
    case SQLITE_PERM:
    case SQLITE_AUTH: return EACCES;
    case SQLITE_CANTOPEN: return os_error ? os_error : ENOENT;
    case SQLITE_NOMEM: return ENOMEM;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH: return EINVAL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return EUCLEAN;
    case SQLITE_INTERRUPT: return EINTR;
    default: return EIO;
    }
}

int
store_error(sqlite3 *db, struct vmn_error *why, const char *doing)
{
    int code = sqlite3_errcode(db) & 0xff;
    int os_error = code == SQLITE_IOERR || code == SQLITE_CANTOPEN
                   ? sqlite3_system_errno(db) : 0;

    /* Of VACUUM, the message is about the copy. */
    return vmn_error_errno(why, errno_of(code, os_error), "%s: %s%s%s%s",
                           doing,
                           code == SQLITE_CORRUPT ? sqlite3_errstr(code)
                                                  : sqlite3_errmsg(db),
                           os_error ? " (" : "",
                           os_error ? ovs_strerror(os_error) : "",
                           os_error ? ")" : "");
}

int
store_connect(const char *path, int flags, const char *pragmas, sqlite3 **db,
              struct vmn_error *why)
{
    int error;

    if (sqlite3_open_v2(path, db, flags | SQLITE_OPEN_NOMUTEX, NULL)
        == SQLITE_OK
        && sqlite3_extended_result_codes(*db, 1) == SQLITE_OK
        /* Otherwise SQLite takes the name of a missing column for a string. */
        && sqlite3_db_config(*db, SQLITE_DBCONFIG_DQS_DML, 0, NULL)
           == SQLITE_OK
        && sqlite3_exec(*db, pragmas, NULL, NULL, NULL) == SQLITE_OK) {
        return 0;
    }
    if (!*db) {
        return vmn_error_errno(why, ENOMEM, "cannot open %s: out of memory",
                               path);
    }
    error = store_error(*db, why, "cannot open it");
    vmn_error_prefix(why, path);
    return error;
}

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
               || f->type == SCHEMA_U16 || f->type == SCHEMA_U32);
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

/* Appends '"NAME" TYPE'. */
static void
put_column(struct ds *ds, const struct schema_field *f, bool given)
{
    ds_put_format(ds, "\"%s%s\" %s", f->name, given ? "_given" : "",
                  is_integer(f) ? "INTEGER" : "TEXT");
    if (is_foreign_key(f) && !given) {
        put_reference(ds, f->ref);
    }
}

/* Appends an index of the column: without one, deleting a row that it refers
 * to would scan the whole table. */
static void
put_column_index(struct ds *ds, const struct schema_table *table,
                 const struct schema_field *f)
{
    if (is_foreign_key(f)) {
        ds_put_format(ds, "CREATE INDEX \"%s_%s\" ON \"%s\" (\"%s\");",
                      table->plural, f->name, table->plural, f->name);
    }
}

static char *
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
        put_column(&ds, f, false);
    }
    for (const struct schema_field *f = fields; f->name; f++) {
        if (f->flags & SCHEMA_ASSIGNED) {
            ds_put_cstr(&ds, ", ");
            put_column(&ds, f, true);
        }
    }
    ds_put_cstr(&ds, ", revision INTEGER NOT NULL, created_ms INTEGER NOT "
                "NULL, updated_ms INTEGER NOT NULL, apply_set TEXT) STRICT;");
    for (const struct schema_field *f = fields; f->name; f++) {
        put_column_index(&ds, table, f);
    }
    return ds_steal_cstr(&ds);
}

static const char *const meta_columns[STORE_META_COLUMNS] = {
    "revision", "created_ms", "updated_ms", "apply_set",
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

/* Formats.  --------------------------------------------------------------- */

/* Runs a statement that returns one value, which the caller frees; returns
 * NULL with '*error' set if it fails. */
static char *
get_value(sqlite3 *db, const char *sql, int *error, struct vmn_error *why)
{
    sqlite3_stmt *stmt = NULL;
    char *value = NULL;

    *error = 0;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK
        && sqlite3_step(stmt) == SQLITE_ROW) {
        const char *s = (const char *) sqlite3_column_text(stmt, 0);

        value = xstrdup(s ? s : "");
    } else {
        *error = store_error(db, why, "cannot read");
    }
    sqlite3_finalize(stmt);
    return value;
}

int
store_get_int(sqlite3 *db, const char *sql, int64_t *value,
              struct vmn_error *why)
{
    int error;
    char *s = get_value(db, sql, &error, why);

    *value = s ? strtoll(s, NULL, 10) : 0;
    free(s);
    return error;
}

static int
create_table(sqlite3 *db, const struct schema_table *table)
{
    char *sql = store_sql_create(table);
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);

    free(sql);
    return code;
}

static int
create_all(sqlite3 *db, int latest)
{
    int code = sqlite3_exec(db, fixed_tables, NULL, NULL, NULL);
    char *sql;

    for (int i = 0; i < VMN_N_TABLES && code == SQLITE_OK; i++) {
        if (schema_tables[i]->stored) {
            code = create_table(db, schema_tables[i]);
        }
    }
    if (code == SQLITE_OK) {
        sql = xasprintf("PRAGMA application_id = %d; PRAGMA user_version = "
                        "%d", STORE_APPLICATION_ID, latest);
        code = sqlite3_exec(db, sql, NULL, NULL, NULL);
        free(sql);
    }
    return code;
}

static int
take_steps(sqlite3 *db, const struct store_step *steps, int format,
           int latest)
{
    int code = SQLITE_OK;

    for (const struct store_step *step = steps; step->sql; step++) {
        if (step->from == format && format < latest && code == SQLITE_OK) {
            char *pragma = xasprintf("PRAGMA user_version = %d", ++format);

            code = sqlite3_exec(db, step->sql, NULL, NULL, NULL);
            if (code == SQLITE_OK) {
                code = sqlite3_exec(db, pragma, NULL, NULL, NULL);
            }
            free(pragma);
        }
    }
    return code;
}

/* Adds column "NAME" to 'table' if it is missing. */
static int
add_column(sqlite3 *db, const struct schema_table *table,
           const struct schema_field *f, bool given)
{
    struct ds name = DS_EMPTY_INITIALIZER;
    struct ds sql = DS_EMPTY_INITIALIZER;
    int code = SQLITE_OK;

    ds_put_format(&name, "%s%s", f->name, given ? "_given" : "");
    if (sqlite3_table_column_metadata(db, NULL, table->plural, ds_cstr(&name),
                                      NULL, NULL, NULL, NULL, NULL)
        != SQLITE_OK) {
        ds_put_format(&sql, "ALTER TABLE \"%s\" ADD COLUMN ",
                      table->plural);
        put_column(&sql, f, given);
        ds_put_char(&sql, ';');
        if (!given) {
            put_column_index(&sql, table, f);
        }
        code = sqlite3_exec(db, ds_cstr(&sql), NULL, NULL, NULL);
    }
    ds_destroy(&sql);
    ds_destroy(&name);
    return code;
}

/* Adds the tables and columns that the file lacks. */
static int
add_missing(sqlite3 *db)
{
    int code = SQLITE_OK;

    for (int i = 0; i < VMN_N_TABLES && code == SQLITE_OK; i++) {
        const struct schema_table *table = schema_tables[i];

        if (!table->stored) {
            continue;
        }
        if (sqlite3_table_column_metadata(db, NULL, table->plural, NULL, NULL,
                                          NULL, NULL, NULL, NULL)
            != SQLITE_OK) {
            code = create_table(db, table);
            continue;
        }
        for (const struct schema_field *f = table->row.fields;
             f->name && code == SQLITE_OK; f++) {
            code = add_column(db, table, f, false);
            if (code == SQLITE_OK && f->flags & SCHEMA_ASSIGNED) {
                code = add_column(db, table, f, true);
            }
        }
    }
    return code;
}

/* Migrates the file from 'format' to 'latest' in one transaction. */
static int
upgrade(sqlite3 *db, const struct store_step *steps, int format, int latest,
        struct vmn_error *why)
{
    int code = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    if (code == SQLITE_OK) {
        code = format ? take_steps(db, steps, format, latest)
                      : create_all(db, latest);
    }
    if (code == SQLITE_OK && format) {
        code = add_missing(db);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    }
    if (code != SQLITE_OK) {
        int error = store_error(db, why, format ? "cannot upgrade"
                                                 : "cannot create");

        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        return error;
    }
    return 0;
}

int
store_check_whole(sqlite3 *db, const char *path, bool all,
                  struct vmn_error *why)
{
    int error;
    char *result = get_value(db, all ? "PRAGMA integrity_check(1)"
                                     : "PRAGMA quick_check(1)", &error, why);

    if (result && strcmp(result, "ok")) {
        static const char title[] = "*** in database main ***\n";

        if (!strncmp(result, title, sizeof title - 1)) {
            memmove(result, result + sizeof title - 1,
                    strlen(result) - (sizeof title - 1) + 1);
        }
        result[strcspn(result, "\n")] = '\0';
        error = vmn_error_errno(why, EUCLEAN, "%s is corrupt (%s)", path,
                                result);
    }
    free(result);
    return error;
}

/* Checks that each table has the columns that its statements name. */
static int
check_columns(sqlite3 *db, const char *path, struct vmn_error *why)
{
    for (int i = 0; i < VMN_N_TABLES; i++) {
        sqlite3_stmt *stmt = NULL;
        struct vmn_error reason = VMN_ERROR_INIT;
        char *sql;

        if (!schema_tables[i]->stored) {
            continue;
        }
        sql = store_sql_select(schema_tables[i]);
        if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) {
            store_error(db, &reason, "its tables differ from the schema");
            vmn_error_errno(why, EUCLEAN, "%s is damaged: %s", path,
                            reason.text);
            vmn_error_uninit(&reason);
            free(sql);
            return EUCLEAN;
        }
        sqlite3_finalize(stmt);
        free(sql);
    }
    return 0;
}

int
store_check_mode(sqlite3 *db, const char *path, struct vmn_error *why)
{
    int error;
    char *mode = get_value(db, "PRAGMA journal_mode", &error, why);

    if (mode && strcmp(mode, "wal")) {
        error = vmn_error_invalid(
            why, "%s cannot have a write-ahead log: its file system does not "
            "allow it", path);
    }
    free(mode);
    return error;
}

int
store_format_check(sqlite3 *db, const char *path,
                   const struct store_step *steps, int latest,
                   struct vmn_error *why)
{
    int64_t application, format, n_tables;
    int error = store_get_int(db, "PRAGMA application_id", &application,
                              why);

    error = error ? error : store_get_int(db, "PRAGMA user_version", &format,
                                          why);
    error = error ? error
            : store_get_int(db, "SELECT count(*) FROM sqlite_schema",
                            &n_tables, why);
    if (error) {
        return error;
    }
    if (n_tables && (application != STORE_APPLICATION_ID || format < 1)) {
        return vmn_error_invalid(why, "%s is a database of another program",
                                 path);
    }
    if (format > latest) {
        return vmn_error_invalid(
            why, "%s was written by a newer vmnd: its format is %"PRId64
            ", and this vmnd knows up to %d", path, format, latest);
    }
    if (!n_tables || format < latest) {
        error = upgrade(db, steps, n_tables ? (int) format : 0, latest,
                        why);
    }
    return error ? error : check_columns(db, path, why);
}
