/* SPDX-License-Identifier: Apache-2.0
 *
 * Single numbers that the database keeps besides the state: when the last
 * backup was made, how far the log has been trimmed of revocations, which only
 * grow, and where it stands in a cluster. */

#include <config.h>

#include "controller/store/store-private.h"

#include <inttypes.h>
#include <stdlib.h>

#include "util.h"

int
store_property_get(sqlite3 *db, const char *schema, const char *name,
                   int64_t *value, struct vmn_error *why)
{
    char *sql = xasprintf("SELECT coalesce(max(value), 0) FROM %s.properties "
                          "WHERE name = '%s'", schema, name);
    int error = store_get_int(db, sql, value, why);

    free(sql);
    return error;
}

int
store_properties_continue(sqlite3 *db, struct vmn_error *why)
{
    static const char sql[]
        = "INSERT OR REPLACE INTO main.properties (name, value) "
          "SELECT name, max(value) FROM (SELECT name, value FROM "
          "former.properties UNION ALL SELECT name, value FROM "
          "main.properties) GROUP BY name";

    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
           : store_error(db, why, "cannot prepare the restored state");
}

int
store_last_backup_read(sqlite3 *db, struct store_last_backup *last,
                       struct vmn_error *why)
{
    int64_t revision = 0;
    int error = store_property_get(db, "main", STORE_BACKUP_MS, &last->ms,
                                   why);

    error = error ? error
            : store_property_get(db, "main", STORE_BACKUP_REVISION, &revision,
                                 why);
    last->revision = revision;
    return error;
}

/* Writes two properties at once.  'what' begins the text of an error. */
static int
write_two(sqlite3 *db, const char *a, int64_t a_value, const char *b,
          int64_t b_value, const char *what, struct vmn_error *why)
{
    char *sql = xasprintf(
        "INSERT OR REPLACE INTO properties (name, value) VALUES "
        "('%s', %"PRId64"), ('%s', %"PRId64")", a, a_value, b, b_value);
    int error = (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
                 : store_error(db, why, what));

    free(sql);
    return error;
}

int
store_last_backup_write(sqlite3 *db, const struct store_last_backup *last,
                        struct vmn_error *why)
{
    return write_two(db, STORE_BACKUP_MS, last->ms, STORE_BACKUP_REVISION,
                     last->revision, "cannot store when the last backup was "
                     "made", why);
}

int
store_place_read(sqlite3 *db, struct store_place *place, struct vmn_error *why)
{
    int error = store_property_get(db, "main", STORE_CLUSTER, &place->cluster,
                                   why);

    return error ? error
           : store_property_get(db, "main", STORE_CLUSTER_INDEX,
                                &place->index, why);
}

/* Deletes the rows that only members of a cluster store. */
static int
delete_replicated(sqlite3 *db, struct vmn_error *why)
{
    int error = 0;

    for (int i = 0; !error && i < VMN_N_TABLES; i++) {
        const struct schema_table *table = schema_tables[i];
        char *sql = xasprintf("DELETE FROM main.\"%s\"", table->plural);

        if (!table->stored && table->replicated
            && sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
            error = store_error(db, why, "cannot delete what only members of "
                                "a cluster store");
        }
        free(sql);
    }
    return error;
}

int
store_place_write(sqlite3 *db, const struct store_place *place,
                  struct vmn_error *why)
{
    int error = write_two(db, STORE_CLUSTER, place->cluster,
                          STORE_CLUSTER_INDEX, place->index,
                          "cannot store which cluster this is of", why);

    return error || place->cluster ? error : delete_replicated(db, why);
}
