/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects of the types that apps declare, all in one table: the columns of a
 * table of their own would change with the app, and so would the file's
 * format.  What an object says is there as JSON. */

#include <config.h>

#include "controller/store/store-private.h"

#include <jansson.h>

#include "controller/schema/schema-own.h"
#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

bool
store_objects_prepare(struct store_statements *s, sqlite3 *db)
{
    static const char upsert[] =
        "INSERT INTO objects (type, name, spec, revision, created_ms, "
        "updated_ms, apply_set, unknown_fields) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (type, name) DO UPDATE "
        "SET spec = excluded.spec, revision = excluded.revision, "
        "created_ms = excluded.created_ms, updated_ms = excluded.updated_ms, "
        "apply_set = excluded.apply_set, "
        "unknown_fields = excluded.unknown_fields";

    return sqlite3_prepare_v3(db, upsert, -1, SQLITE_PREPARE_PERSISTENT,
                              &s->object_upsert, NULL) == SQLITE_OK
           && sqlite3_prepare_v3(db, "DELETE FROM objects WHERE type = ? AND "
                                 "name = ?", -1, SQLITE_PREPARE_PERSISTENT,
                                 &s->object_delete, NULL) == SQLITE_OK;
}

/* The text outlives the step. */
static void
bind_text(sqlite3_stmt *stmt, int column, const char *text)
{
    sqlite3_bind_text(stmt, column, text, -1, SQLITE_STATIC);
}

bool
store_object_write(const struct model_write *write,
                   struct store_statements *s)
{
    sqlite3_stmt *stmt = write->row ? s->object_upsert : s->object_delete;
    struct ds spec = DS_EMPTY_INITIALIZER;
    bool ok;

    bind_text(stmt, 1, schema_tables[write->table]->plural);
    bind_text(stmt, 2, write->name);
    if (write->row) {
        schema_row_print_spec(write->row, &spec);
        bind_text(stmt, 3, ds_cstr(&spec));
        sqlite3_bind_int64(stmt, 4, write->meta.revision);
        sqlite3_bind_int64(stmt, 5, write->meta.created_ms);
        sqlite3_bind_int64(stmt, 6, write->meta.updated_ms);
        bind_text(stmt, 7, write->meta.set);
        bind_text(stmt, 8, write->meta.unknown);
    }
    ok = store_statement_run(stmt);
    sqlite3_clear_bindings(stmt);
    ds_destroy(&spec);
    return ok;
}

static const char *
column_text(sqlite3_stmt *stmt, int column)
{
    return (const char *) sqlite3_column_text(stmt, column);
}

static void
load_object(struct model *model, sqlite3_stmt *stmt, struct vmn_errors *errors)
{
    const char *type = column_text(stmt, 0), *name = column_text(stmt, 1);
    enum vmn_table place = schema_own_place(type);
    json_t *spec = json_loads(column_text(stmt, 2), 0, NULL);
    json_t *status = json_object();
    const struct model_meta meta = {
        .revision = sqlite3_column_int64(stmt, 3),
        .created_ms = sqlite3_column_int64(stmt, 4),
        .updated_ms = sqlite3_column_int64(stmt, 5),
        .set = CONST_CAST(char *, column_text(stmt, 6)),
        .unknown = CONST_CAST(char *, column_text(stmt, 7)),
    };

    if (place == VMN_N_TABLES || !spec) {
        vmn_errors_add(errors, VMN_ERR_INVALID, "/objects", "%s \"%s\" %s",
                       type, name, spec ? "is of a type too many"
                       : "is no JSON");
    } else {
        model_load_row(model, place, name, spec, status, &meta, errors);
    }
    json_decref(spec);
    json_decref(status);
}

int
store_objects_load(sqlite3 *db, struct model *model,
                   struct vmn_errors *errors, struct vmn_error *why)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(
        db, "SELECT type, name, spec, revision, created_ms, updated_ms, "
        "apply_set, unknown_fields FROM objects ORDER BY type, name", -1,
        &stmt, NULL);
    int error;

    if (code == SQLITE_OK) {
        while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
            load_object(model, stmt, errors);
        }
    }
    error = code == SQLITE_DONE ? 0 : store_error(db, why, "cannot read");
    sqlite3_finalize(stmt);
    return error;
}
