/* SPDX-License-Identifier: Apache-2.0
 *
 * Verifies a backup, or any other database file, before it replaces the one in
 * use: its pages, its references, and that every row loads; see
 * store-file.h. */

#include <config.h>

#include "controller/store/store-file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/model.h"
#include "controller/store/store-private.h"
#include "util.h"

int
store_check_whole(sqlite3 *db, const char *path, bool all,
                  struct vmn_error *why)
{
    int error;
    char *result = store_get_text(db, all ? "PRAGMA integrity_check(1)"
                                          : "PRAGMA quick_check(1)",
                                  &error, why);

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

static int
check_references(sqlite3 *db, const char *name, struct vmn_error *why)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db, "PRAGMA foreign_key_check", -1, &stmt,
                                  NULL);
    int error = 0;

    if (code == SQLITE_OK) {
        code = sqlite3_step(stmt);
    }
    if (code == SQLITE_ROW) {
        error = vmn_error_errno(
            why, EUCLEAN, "%s is damaged: a row of %s refers to one of %s "
            "that is not there", name,
            (const char *) sqlite3_column_text(stmt, 0),
            (const char *) sqlite3_column_text(stmt, 2));
    } else if (code != SQLITE_DONE) {
        error = store_error(db, why, "cannot read");
    }
    sqlite3_finalize(stmt);
    return error;
}

/* Loads all rows as vmnd does at its start, and counts them. */
static int
check_rows(sqlite3 *db, const char *name, struct store_file_info *info,
           struct vmn_error *why)
{
    struct model *model = model_create();
    int error = store_load(db, name, model, why);

    info->revision = model_durable_revision(model);
    info->n_objects = 0;
    for (int i = 0; i < VMN_N_TABLES; i++) {
        const struct schema_table *table = model_table(model, i);
        struct vmn_names names = model_names(model, i);

        for (size_t j = 0; table && !table->observed && !table->of_daemon
                           && j < names.n;
             j++) {
            info->n_objects += !model_is_builtin(i, names.names[j]);
        }
    }
    info->n_accounts = model_names(model, VMN_TABLE_ACCOUNT).n;
    model_destroy(model);
    return error == EINVAL ? EUCLEAN : error;
}

int
store_file_verify(const char *path, const char *name,
                  struct store_file_info *info, struct vmn_error *why)
{
    sqlite3 *db = NULL;
    int error = store_connect(path, SQLITE_OPEN_READWRITE,
                              "PRAGMA trusted_schema = OFF;"
                              "PRAGMA foreign_keys = ON", &db, why);
    int64_t n_tables = 0, n_others = 0;

    error = error ? error : store_check_whole(db, name, true, why);
    error = error ? error
            : store_get_int(db, "SELECT count(*) FROM sqlite_schema",
                            &n_tables, why);
    if (!error && !n_tables) {
        error = vmn_error_errno(why, EUCLEAN, "%s is empty", name);
    }
    /* A trigger or a view would have vmnd execute foreign SQL. */
    error = error ? error
            : store_get_int(db, "SELECT count(*) FROM sqlite_schema "
                            "WHERE type NOT IN ('table', 'index')", &n_others,
                            why);
    if (!error && n_others) {
        error = vmn_error_errno(
            why, EUCLEAN, "%s has triggers or views, which no vmnd made",
            name);
    }
    error = error ? error : store_format_check(db, name, store_steps,
                                               store_format, why);
    error = error ? error : check_references(db, name, why);
    error = error ? error : check_rows(db, name, info, why);
    error = error ? error
            : store_get_int(db, "SELECT (SELECT time_ms FROM revisions "
                            "ORDER BY revision DESC LIMIT 1)",
                            &info->time_ms, why);
    sqlite3_close(db);
    return store_name_file(name, error, why);
}

int
store_file_load(const char *file, const char *name, struct model *model,
                struct vmn_error *why)
{
    sqlite3 *db = NULL;
    int error = store_connect(file, SQLITE_OPEN_READONLY,
                              "PRAGMA trusted_schema = OFF", &db, why);

    error = error ? error : store_load(db, name, model, why);
    sqlite3_close(db);
    return store_name_file(name, error, why);
}
