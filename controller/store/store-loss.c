/* SPDX-License-Identifier: Apache-2.0
 *
 * What a restore takes back: revisions of users since the backup, and objects
 * that differ.  Not for taking it back (store-restore.c). */

#include <config.h>

#include "controller/store/store-private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Returns a column's text as a JSON string. */
static json_t *
text_of(sqlite3_stmt *stmt, int column)
{
    const char *text = (const char *) sqlite3_column_text(stmt, column);

    return json_string(text ? text : "");
}

/* Returns the entry of the log that a row is: revision, time, author, changes
 * and comment. */
static json_t *
entry_of(sqlite3_stmt *stmt)
{
    const char *changes = (const char *) sqlite3_column_text(stmt, 3);
    json_t *list = changes ? json_loads(changes, 0, NULL) : NULL;
    struct ds time = DS_EMPTY_INITIALIZER;
    json_t *entry;

    ds_put_strftime_msec(&time, "%Y-%m-%dT%H:%M:%S.###Z",
                         sqlite3_column_int64(stmt, 1), true);
    entry = json_pack("{s:I, s:s, s:o, s:o}", "revision",
                      (json_int_t) sqlite3_column_int64(stmt, 0), "time",
                      ds_cstr(&time), "who", text_of(stmt, 2), "changes",
                      list ? list : json_array());
    if (sqlite3_column_type(stmt, 4) != SQLITE_NULL) {
        json_object_set_new(entry, "comment", text_of(stmt, 4));
    }
    ds_destroy(&time);
    return entry;
}

int
store_former_has_comments(sqlite3 *db, int64_t *has, struct vmn_error *why)
{
    return store_get_int(
        db, "SELECT count(*) FROM pragma_table_info('revisions', 'former') "
        "WHERE name = 'comment'", has, why);
}

static int
find_revisions(sqlite3 *db, uint64_t revision, struct store_loss *loss,
               struct vmn_error *why)
{
#define SINCE "FROM former.revisions WHERE revision > %"PRIu64" AND "   \
              STORE_LOG_PEOPLE
    char *count = xasprintf("SELECT count(*) " SINCE, revision);
    sqlite3_stmt *stmt = NULL;
    int64_t n = 0, has_comments = 0;
    int error = store_get_int(db, count, &n, why);

    error = error ? error : store_former_has_comments(db, &has_comments, why);
    char *sql = xasprintf("SELECT revision, time_ms, who, changes, %s " SINCE
                          " ORDER BY revision DESC LIMIT %d",
                          has_comments ? "comment" : "NULL", revision,
                          STORE_LOSS_MAX);
    int code = SQLITE_DONE;

    if (!error) {
        code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
        while (code == SQLITE_OK || code == SQLITE_ROW) {
            code = sqlite3_step(stmt);
            if (code == SQLITE_ROW) {
                json_array_insert_new(loss->revisions, 0, entry_of(stmt));
            }
        }
    }
    if (!error && code != SQLITE_DONE) {
        error = store_error(db, why, "cannot read the former log");
    }
    sqlite3_finalize(stmt);
    free(count);
    free(sql);
    loss->n_revisions = n;
    return error;
#undef SINCE
}

/* Adds objects of 'table' that differ: those that the restore deletes, makes
 * again, and changes. */
static int
find_objects(sqlite3 *db, const struct schema_table *table,
             struct store_loss *loss, struct vmn_error *why)
{
    const char *t = table->plural;
    char *sql = xasprintf(
        "SELECT 'delete', name FROM former.\"%s\""
        " WHERE name NOT IN (SELECT name FROM main.\"%s\") "
        "UNION ALL SELECT 'create', name FROM main.\"%s\""
        " WHERE name NOT IN (SELECT name FROM former.\"%s\") "
        "UNION ALL SELECT 'update', m.name FROM main.\"%s\" m"
        " JOIN former.\"%s\" f ON m.name = f.name"
        " WHERE m.revision <> f.revision", t, t, t, t, t, t);
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(stmt);
        if (code == SQLITE_ROW && loss->n_objects++ < STORE_LOSS_MAX) {
            json_array_append_new(loss->objects, json_pack(
                "{s:o, s:s, s:o}", "op", text_of(stmt, 0), "type", t, "name",
                text_of(stmt, 1)));
        }
    }
    sqlite3_finalize(stmt);
    free(sql);
    return code == SQLITE_DONE ? 0
           : store_error(db, why, "cannot compare with the former database");
}

/* Sets '*there' to whether the former database, perhaps of an older format,
 * has the table. */
static int
has_table(sqlite3 *db, const struct schema_table *table, int64_t *there,
          struct vmn_error *why)
{
    char *sql = xasprintf("SELECT count(*) FROM former.sqlite_schema "
                          "WHERE type = 'table' AND name = '%s'",
                          table->plural);
    int error = store_get_int(db, sql, there, why);

    free(sql);
    return error;
}

int
store_loss_find(sqlite3 *db, uint64_t revision, struct store_loss *loss,
                struct vmn_error *why)
{
    int error;

    *loss = (struct store_loss) {
        .revisions = json_array(), .objects = json_array(),
    };
    error = find_revisions(db, revision, loss, why);
    for (int i = 0; i < VMN_N_TABLES && !error; i++) {
        const struct schema_table *table = schema_tables[i];
        int64_t there = 0;

        if (table->stored && !table->observed && !table->of_daemon) {
            error = has_table(db, table, &there, why);
            if (!error && there) {
                error = find_objects(db, table, loss, why);
            }
        }
    }
    return error;
}
