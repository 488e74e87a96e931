/* SPDX-License-Identifier: Apache-2.0
 *
 * Loads the state from the database into an empty model. */

#include <config.h>

#include "controller/store/store-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/schema.h"
#include "util.h"

static const char *
column_text(sqlite3_stmt *stmt, int column)
{
    return (const char *) sqlite3_column_text(stmt, column);
}

/* Returns the value of a column as the field's JSON, or NULL. */
static json_t *
column_json(sqlite3_stmt *stmt, int column, const struct schema_field *f)
{
    switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_INTEGER:
        return f->type == SCHEMA_BOOL
               ? json_boolean(sqlite3_column_int(stmt, column))
               : json_integer(sqlite3_column_int64(stmt, column));
    case SQLITE_TEXT:
        /* Invalid JSON is rejected later, as a string in place of a list. */
        if (store_is_json(f)) {
            json_t *json = json_loads(column_text(stmt, column), 0, NULL);

            if (json) {
                return json;
            }
        }
        return json_string(column_text(stmt, column));
    default:
        return NULL;
    }
}

static void
set_member(json_t *object, const char *name, json_t *value)
{
    if (value) {
        json_object_set_new(object, name, value);
    }
}

static int
load_row(struct model *model, const struct schema_table *table,
         sqlite3_stmt *stmt, struct vmn_errors *errors)
{
    const struct schema_field *fields = table->row.fields;
    json_t *status = json_object();
    json_t *spec = json_object();
    struct model_meta meta;
    int column = 1;

    for (const struct schema_field *f = fields; f->name; f++) {
        set_member(spec, f->name, column_json(stmt, column++, f));
    }
    for (const struct schema_field *f = fields; f->name; f++) {
        if (f->flags & SCHEMA_ASSIGNED) {
            set_member(status, f->name, column_json(stmt, column++, f));
        }
    }
    meta.revision = sqlite3_column_int64(stmt, column++);
    meta.created_ms = sqlite3_column_int64(stmt, column++);
    meta.updated_ms = sqlite3_column_int64(stmt, column++);
    meta.set = column_text(stmt, column++);
    meta.unknown = column_text(stmt, column++);

    int error = model_load_row(model, table->id, column_text(stmt, 0), spec,
                               status, &meta, errors);
    json_decref(spec);
    json_decref(status);
    return error;
}

static int
load_table(sqlite3 *db, struct model *model,
           const struct schema_table *table, struct vmn_errors *errors,
           struct vmn_error *why)
{
    char *sql = store_sql_select(table);
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    if (code == SQLITE_OK) {
        while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
            load_row(model, table, stmt, errors);
        }
    }
    int error = code == SQLITE_DONE ? 0 : store_error(db, why,
                                                      "cannot read");
    sqlite3_finalize(stmt);
    free(sql);
    return error;
}

static int
load_ids(sqlite3 *db, struct id_pools *pools, struct vmn_errors *errors,
         struct vmn_error *why)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db, "SELECT kind, key, number FROM numbers "
                                  "ORDER BY kind, number", -1, &stmt, NULL);

    if (code == SQLITE_OK) {
        while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
            int64_t value = sqlite3_column_int64(stmt, 2);

            if (value < 1 || value > UINT32_MAX
                || id_pools_load(pools, column_text(stmt, 0),
                                 column_text(stmt, 1), value)) {
                vmn_errors_add(errors, VMN_ERR_INVALID, "/numbers",
                               "number %"PRId64" of \"%s\" is not valid",
                               value, column_text(stmt, 1));
            }
        }
    }
    int error = code == SQLITE_DONE ? 0 : store_error(db, why,
                                                      "cannot read");
    sqlite3_finalize(stmt);
    return error;
}

/* Loads the cursors.  A wrong one only has addresses reused sooner. */
static int
load_cursors(sqlite3 *db, struct model *model, struct vmn_error *why)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db, "SELECT network, subnet, next FROM "
                                  "cursors", -1, &stmt, NULL);

    if (code == SQLITE_OK) {
        while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
            const struct model_cursor cursor = {
                column_text(stmt, 0), column_text(stmt, 1),
                MAX(sqlite3_column_int64(stmt, 2), 0)
            };

            model_load_cursor(model, &cursor);
        }
    }
    int error = code == SQLITE_DONE ? 0 : store_error(db, why,
                                                      "cannot read");
    sqlite3_finalize(stmt);
    return error;
}

/* Loads the keys of the newest requests. */
static int
load_keys(sqlite3 *db, struct model *model, struct vmn_error *why)
{
    static const char sql[] =
        "SELECT * FROM (SELECT revision, time_ms, who, request_key, "
        "request_digest FROM revisions WHERE request_key IS NOT NULL "
        "ORDER BY revision DESC LIMIT ?) ORDER BY revision";
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    if (code == SQLITE_OK) {
        sqlite3_bind_int64(stmt, 1, MODEL_KEYS_MAX);
        while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
            const struct model_log log = {
                .revision = sqlite3_column_int64(stmt, 0),
                .time_ms = sqlite3_column_int64(stmt, 1),
                .who = column_text(stmt, 2),
                .key = column_text(stmt, 3),
                .digest = column_text(stmt, 4),
            };

            if (log.who && log.key && log.digest) {
                model_load_key(model, &log);
            }
        }
    }
    int error = code == SQLITE_DONE ? 0 : store_error(db, why,
                                                      "cannot read");
    sqlite3_finalize(stmt);
    return error;
}

/* Gets the result of 'sql', a number, from 'table', which older formats do not
 * have: 0 then. */
static int
get_from(sqlite3 *db, const char *table, const char *sql, int64_t *value,
         struct vmn_error *why)
{
    char *find = xasprintf("SELECT count(*) FROM sqlite_schema WHERE name = "
                           "'%s'", table);
    int64_t n = 0;
    int error = store_get_int(db, find, &n, why);

    free(find);
    *value = 0;
    return error || !n ? error : store_get_int(db, sql, value, why);
}

int
store_get_revision(sqlite3 *db, uint64_t *revision, struct vmn_error *why)
{
    int64_t stored = 0, recorded = 0, replicated = 0;
    int error = store_get_int(db, "SELECT max(revision) FROM revisions",
                              &stored, why);

    error = error ? error
            : get_from(db, "receipts", "SELECT max(revision) FROM receipts",
                       &recorded, why);
    error = error ? error
            : get_from(db, "properties", "SELECT max(value) FROM properties "
                       "WHERE name = '" STORE_CLUSTER_REVISION "'",
                       &replicated, why);
    *revision = MAX(MAX(MAX(stored, recorded), replicated), 0);
    return error;
}

int
store_load(sqlite3 *db, const char *path, struct model *model,
           struct vmn_error *why)
{
    struct vmn_errors errors;
    struct store_place place;
    uint64_t revision = 0;
    int error;

    vmn_errors_init(&errors);
    error = store_place_read(db, &place, why);
    error = error ? error : load_ids(db, model_id_pools(model), &errors, why);
    for (int i = 0; !error && i < VMN_TABLE_OWN_FIRST; i++) {
        if (schema_tables[i]->stored
            || (schema_tables[i]->replicated && place.cluster)) {
            error = load_table(db, model, schema_tables[i], &errors, why);
        }
    }
    error = error ? error : store_objects_load(db, model, &errors, why);
    error = error ? error : load_cursors(db, model, why);
    error = error ? error : load_keys(db, model, why);
    error = error ? error : store_get_revision(db, &revision, why);
    if (!error) {
        model_load_done(model, revision, &errors);
        if (errors.n) {
            error = vmn_error_invalid(why, "%s is damaged: %s: %s", path,
                                      errors.errors[0].pointer,
                                      errors.errors[0].text);
        }
    }
    vmn_errors_uninit(&errors);
    return error;
}
