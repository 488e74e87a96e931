/* SPDX-License-Identifier: Apache-2.0
 *
 * The format of a database file: an empty file gets the newest at once, an
 * older one is migrated step by step, and one of a newer vmnd or of another
 * program is refused.  Not for the tables themselves (store-schema.c). */

#include <config.h>

#include "controller/store/store-private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

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
    int code = sqlite3_exec(db, store_fixed_tables, NULL, NULL, NULL);
    char *sql;

    for (int i = 0; i < VMN_N_TABLES && code == SQLITE_OK; i++) {
        if (schema_has_columns(schema_tables[i])) {
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

static bool
has_column(sqlite3 *db, const struct schema_table *table, const char *name)
{
    return sqlite3_table_column_metadata(db, NULL, table->plural, name, NULL,
                                         NULL, NULL, NULL, NULL) == SQLITE_OK;
}

static int
add_unknown_column(sqlite3 *db, const struct schema_table *table)
{
    char *sql = xasprintf("ALTER TABLE \"%s\" ADD COLUMN "
                          STORE_UNKNOWN_COLUMN, table->plural);
    int code = (has_column(db, table, "unknown_fields") ? SQLITE_OK
                : sqlite3_exec(db, sql, NULL, NULL, NULL));

    free(sql);
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
    if (!has_column(db, table, ds_cstr(&name))) {
        ds_put_format(&sql, "ALTER TABLE \"%s\" ADD COLUMN ",
                      table->plural);
        store_sql_column(&sql, f, given);
        ds_put_char(&sql, ';');
        if (!given) {
            store_sql_column_index(&sql, table, f);
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

        if (!schema_has_columns(table)) {
            continue;
        }
        if (!has_column(db, table, NULL)) {
            code = create_table(db, table);
            continue;
        }
        code = add_unknown_column(db, table);
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

/* Checks that each table has the columns that its statements name. */
static int
check_columns(sqlite3 *db, const char *path, struct vmn_error *why)
{
    for (int i = 0; i < VMN_N_TABLES; i++) {
        sqlite3_stmt *stmt = NULL;
        struct vmn_error reason = VMN_ERROR_INIT;
        char *sql;

        if (!schema_has_columns(schema_tables[i])) {
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
