/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes the copy of a backup so that it continues the database that it
 * replaces: no revision and no ID that was in use since the backup is used
 * again with another meaning, and the log keeps what is taken back.  The
 * former database, attached as "former", says which those are, if it can still
 * be read; otherwise a gap is left that is larger than what can have been
 * used.  Not for files (store-restore.c). */

#include <config.h>

#include "controller/store/store-private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "timeval.h"
#include "util.h"

/* IDs of each pool that are skipped if it is not known which were
 * allocated. */
#define IDS_GAP 4096
/* Most tokens and accounts that the log names as kept revoked. */
#define LOGGED_MAX 1000

/* IDs.  ------------------------------------------------------------------- */

static int
run_sql(sqlite3 *db, const char *sql, struct vmn_error *why)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
           : store_error(db, why, "cannot prepare the restored state");
}

/* Counts the IDs of the backup that another key has in the former database;
 * with 'set', only VNIs that users have set. */
static int
count_conflicts(sqlite3 *db, bool set, size_t *n, struct vmn_error *why)
{
    int64_t value;
    int error = store_get_int(
        db, set ? "SELECT count(*) FROM numbers m JOIN former.numbers f "
                  "USING (kind, number) WHERE m.key <> f.key "
                  "AND kind = 'vni' AND number IN"
                  " (SELECT vni FROM networks WHERE vni IS NOT NULL)"
                : "SELECT count(*) FROM numbers m JOIN former.numbers f "
                  "USING (kind, number) WHERE m.key <> f.key",
        &value, why);

    *n = value;
    return error;
}

/* Allocates a new VNI to each network whose VNI another network has in the
 * former database.  One by one, since each takes the next free one. */
static int
renumber_networks(sqlite3 *db, struct vmn_error *why)
{
    static const char next[] =
        "UPDATE numbers SET number = (SELECT min(n) + 1 FROM "
        " (SELECT 0 AS n UNION SELECT number FROM numbers WHERE kind = 'vni'"
        "  UNION SELECT number FROM former.numbers WHERE kind = 'vni')"
        " WHERE n + 1 NOT IN"
        "  (SELECT number FROM numbers WHERE kind = 'vni' UNION"
        "   SELECT number FROM former.numbers WHERE kind = 'vni')) "
        "WHERE kind = 'vni' AND key = (SELECT m.key FROM numbers m"
        " JOIN former.numbers f USING (kind, number)"
        " WHERE m.key <> f.key AND kind = 'vni' AND number NOT IN"
        "  (SELECT vni FROM networks WHERE vni IS NOT NULL)"
        " LIMIT 1)";
    int error;

    do {
        error = run_sql(db, next, why);
    } while (!error && sqlite3_changes(db));
    return error ? error : run_sql(
        db, "UPDATE networks SET vni_given = n.number FROM numbers n "
        "WHERE n.kind = 'vni' AND n.key = networks.name", why);
}

/* Makes sure that no ID has two meanings on switches: IDs that the former
 * database had allocated keep their keys, as retired ones, until every host
 * has acknowledged the restored state. */
static int
keep_ids(sqlite3 *db, struct store_restored *r, struct vmn_error *why)
{
    int error = count_conflicts(db, false, &r->n_renumbered, why);

    error = error ? error : count_conflicts(db, true, &r->n_shared, why);
    error = error ? error : renumber_networks(db, why);
    /* vmnd allocates new IDs of the other pools when it compiles. */
    error = error ? error : run_sql(
        db, "DELETE FROM numbers WHERE kind <> 'vni' AND EXISTS"
        " (SELECT 1 FROM former.numbers f WHERE f.kind = numbers.kind"
        "  AND f.number = numbers.number AND f.key <> numbers.key);"
        "INSERT OR IGNORE INTO numbers SELECT * FROM former.numbers;"
        /* The keys of the others have another ID here. */
        "INSERT OR IGNORE INTO numbers"
        " SELECT kind, key || ' ' || number, number FROM former.numbers",
        why);
    return error;
}

static int
skip_ids(sqlite3 *db, struct vmn_error *why)
{
    char *sql = xasprintf(
        "INSERT OR REPLACE INTO numbers SELECT kind, ' restored',"
        " max(number) + %d FROM numbers GROUP BY kind"
        " HAVING max(number) < 4000000000", IDS_GAP);
    int error = run_sql(db, sql, why);

    free(sql);
    return error;
}

/* Revisions.  ------------------------------------------------------------- */

uint64_t
store_next_revision(const struct store_file_info *info, bool known,
                    uint64_t former)
{
    int64_t passed_ms = time_wall_msec() - info->time_ms;

    if (known) {
        return MAX(info->revision, former) + 1;
    }
    return info->revision + 1 + (info->time_ms ? MAX(passed_ms, 0) : 0);
}

/* Copies what the former database's log has of the time since the backup,
 * which the restore takes back: who changed what, and what became of the
 * objects.  Receipts are not copied: no host has these revisions; nor keys of
 * requests: what was taken back may be requested again. */
static int
keep_log(sqlite3 *db, const struct store_restored *r, struct vmn_error *why)
{
    char *sql = xasprintf(
        "INSERT OR IGNORE INTO revisions (revision, time_ms, who, changes, "
        "comment, undoes, draft, draft_author)"
        " SELECT revision, time_ms, who, changes, comment, undoes, draft,"
        " draft_author"
        " FROM former.revisions WHERE revision > %"PRIu64, r->info.revision);
    int error = run_sql(db, sql, why);

    free(sql);
    if (!error) {
        sql = xasprintf(
            "INSERT OR IGNORE INTO contents (revision, author, size, objects)"
            " SELECT revision, author, size, objects FROM former.contents"
            " WHERE revision > %"PRIu64, r->info.revision);
        error = run_sql(db, sql, why);
        free(sql);
    }
    return error;
}

/* Returns the changes of the restore's revision as text that the caller frees:
 * the restore, and tokens and accounts that are not as in the backup. */
static char *
summary_of(const char *file, const json_t *revoked,
           const struct store_restored *r)
{
    const char *slash = strrchr(file, '/');
    json_t *name = json_string(slash ? slash + 1 : file);
    json_t *summary = json_pack(
        "[{s:s, s:s, s:o, s:I}]", "op", "restore", "type", "database", "name",
        name ? name : json_string("(not UTF-8)"), "revision",
        (json_int_t) r->info.revision);
    const json_t *object;
    size_t i;
    char *text;

    json_array_foreach (revoked, i, object) {
        if (!r->n_revoked) {
            break;
        }
        if (i == LOGGED_MAX) {
            json_array_append_new(summary, json_pack(
                "{s:I}", "more",
                (json_int_t) (json_array_size(revoked) - i)));
            break;
        }
        json_array_append_new(summary, json_pack(
            "{s:s, s:O, s:O}", "op", "update", "type",
            json_object_get(object, "type"), "name",
            json_object_get(object, "name")));
    }
    text = summary ? json_dumps(summary, JSON_COMPACT) : NULL;
    json_decref(summary);
    return text ? text : xstrdup("[]");
}

/* Adds the revision of the restore, with 'summary', which it frees. */
static int
add_revision(sqlite3 *db, const char *comment, char *summary,
             const struct store_restored *r, struct vmn_error *why)
{
    sqlite3_stmt *stmt = NULL;
    int error = 0;

    if (sqlite3_prepare_v2(db, "INSERT INTO revisions "
                           "(revision, time_ms, who, changes, comment) "
                           "VALUES (?, ?, ?, ?, ?)", -1, &stmt, NULL)
        != SQLITE_OK
        || sqlite3_bind_int64(stmt, 1, r->revision) != SQLITE_OK
        || sqlite3_bind_int64(stmt, 2, time_wall_msec()) != SQLITE_OK
        || sqlite3_bind_text(stmt, 3, STORE_LOG_RESTORE, -1, SQLITE_STATIC)
           != SQLITE_OK
        || sqlite3_bind_text(stmt, 4, summary, -1, SQLITE_STATIC)
           != SQLITE_OK
        || (comment && sqlite3_bind_text(stmt, 5, comment, -1, SQLITE_STATIC)
                       != SQLITE_OK)
        || sqlite3_step(stmt) != SQLITE_DONE) {
        error = store_error(db, why, "cannot prepare the restored state");
    }
    sqlite3_finalize(stmt);
    free(summary);
    return error;
}

int
store_continue(sqlite3 *db, const char *file, const char *comment, bool known,
               const json_t *revoked, struct store_restored *r,
               struct vmn_error *why)
{
    static const struct store_place nowhere = { .cluster = 0 };
    int error = run_sql(db, "BEGIN IMMEDIATE", why);

    error = error ? error : known ? keep_ids(db, r, why) : skip_ids(db, why);
    if (known) {
        error = error ? error : keep_log(db, r, why);
        error = error ? error : store_properties_continue(db, why);
    }
    /* What is restored is a state of its own, of no cluster. */
    error = error ? error : store_place_write(db, &nowhere, why);
    error = error ? error : add_revision(db, comment,
                                         summary_of(file, revoked, r), r,
                                         why);
    return error ? error : run_sql(db, "COMMIT", why);
}
