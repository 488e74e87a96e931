/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the log of changes, through a connection of its own, which in WAL mode
 * neither waits for the writer nor blocks it.  An error is never taken for the
 * end of the log.  Not for writing it (store-batch.c). */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/schema-log.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/schema-struct.h"
#include "controller/store/store-private.h"
#include "openvswitch/dynamic-string.h"
#include "svec.h"
#include "util.h"

/* Returns the revision of the backup that a restore put in place, as its entry
 * in the log says, or 'unknown': older entries do not. */
static uint64_t
restored_revision(const char *changes, uint64_t unknown)
{
    json_t *json = changes ? json_loads(changes, 0, NULL) : NULL;
    const json_t *revision = json_object_get(json_array_get(json, 0),
                                             "revision");
    json_int_t value = json_is_integer(revision)
                       ? json_integer_value(revision) : -1;

    json_decref(json);
    return value >= 0 ? (uint64_t) value : unknown;
}

/* Reads which restores of backups are in effect: the newest first, as it may
 * have taken back others. */
static int
read_restores(struct store_log *log, struct vmn_error *why)
{
    static const char sql[]
        = "SELECT revision, changes FROM revisions "
          "WHERE " STORE_LOG_AUTHOR("who") " = '" STORE_LOG_RESTORE "' "
          "AND " STORE_LOG_PEOPLE " ORDER BY revision DESC";
    uint64_t valid = UINT64_MAX; /* Restores after this are taken back. */
    sqlite3_stmt *stmt = NULL;
    size_t allocated = 0;
    int code = sqlite3_prepare_v2(log->db, sql, -1, &stmt, NULL);

    if (code == SQLITE_OK) {
        code = sqlite3_step(stmt);
    }
    for (; code == SQLITE_ROW; code = sqlite3_step(stmt)) {
        uint64_t at = sqlite3_column_int64(stmt, 0);

        if (at <= valid) {
            valid = restored_revision(
                (const char *) sqlite3_column_text(stmt, 1), at - 1);
            if (log->n_restores >= allocated) {
                log->restores = x2nrealloc(log->restores, &allocated,
                                           sizeof *log->restores);
            }
            log->restores[log->n_restores++] = (struct store_log_restore) {
                at, valid,
            };
        }
    }
    sqlite3_finalize(stmt);
    return code == SQLITE_DONE ? 0
           : store_error(log->db, why, "cannot read the log");
}

int
store_log_open(struct store_log *log, const char *path, struct vmn_error *why)
{
#define SELECT_LOG "SELECT revision, time_ms, who, changes, comment, " \
                   "undoes, draft, draft_author FROM revisions "
    static const char *const sql[] = {
        SELECT_LOG "WHERE revision = ?",
        SELECT_LOG "WHERE revision > ? AND revision < ? ORDER BY revision "
        "LIMIT ?",
        "SELECT * FROM (" SELECT_LOG "WHERE revision < ? "
        "ORDER BY revision DESC LIMIT ?) ORDER BY revision",
        SELECT_LOG "WHERE revision < ? ORDER BY revision DESC",
        STORE_SELECT_RECEIPT("body"),
        STORE_SELECT_RECEIPT("NULL"),
        "SELECT objects FROM contents WHERE revision = ?",
        "SELECT revision FROM sets WHERE name = ?",
        "SELECT count(*) FROM (SELECT 1 FROM revisions WHERE revision > ? "
        "LIMIT ?)",
    };
    sqlite3_stmt **const stmts[] = {
        &log->one, &log->many, &log->newest, &log->back, &log->receipt,
        &log->progress, &log->contents, &log->set, &log->count,
    };
    int error = store_connect(path, SQLITE_OPEN_READONLY,
                              "PRAGMA busy_timeout = 0", &log->db, why);

    for (size_t i = 0; !error && i < ARRAY_SIZE(sql); i++) {
        if (sqlite3_prepare_v2(log->db, sql[i], -1, stmts[i], NULL)
            != SQLITE_OK) {
            error = store_error(log->db, why, "cannot read the log");
        }
    }
    return error ? error : read_restores(log, why);
}

void
store_log_close(struct store_log *log)
{
    sqlite3_finalize(log->one);
    sqlite3_finalize(log->many);
    sqlite3_finalize(log->newest);
    sqlite3_finalize(log->back);
    sqlite3_finalize(log->receipt);
    sqlite3_finalize(log->progress);
    sqlite3_finalize(log->contents);
    sqlite3_finalize(log->set);
    sqlite3_finalize(log->count);
    sqlite3_close(log->db);
    free(log->restores);
}

int
store_log_set(struct store_log *log, const char *set, uint64_t *revision,
              struct vmn_error *why)
{
    sqlite3_stmt *stmt = log->set;
    int code, error = 0;

    *revision = 0;
    sqlite3_bind_text(stmt, 1, set, -1, SQLITE_STATIC);
    code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) {
        *revision = sqlite3_column_int64(stmt, 0);
    } else if (code != SQLITE_DONE) {
        error = store_error(log->db, why, "cannot read the sets");
    }
    sqlite3_reset(stmt);
    return error;
}

uint64_t
store_log_taken_back(const struct store_log *log, uint64_t revision)
{
    for (size_t i = 0; i < log->n_restores; i++) {
        const struct store_log_restore *r = &log->restores[i];

        if (r->revision > revision && revision > r->after) {
            return r->revision;
        }
    }
    return 0;
}

/* Returns an entry, whose texts are borrowed.  Its changes, perhaps thousands,
 * are JSON text already. */
static struct schema_log_entry
get_entry(const struct store_log *log, sqlite3_stmt *stmt)
{
    const char *who = (const char *) sqlite3_column_text(stmt, 2);
    const char *changes = (const char *) sqlite3_column_text(stmt, 3);
    bool commented = sqlite3_column_type(stmt, 4) != SQLITE_NULL;
    const char *comment = (const char *) sqlite3_column_text(stmt, 4);

    if (!who || !changes || (commented && !comment)) {
        out_of_memory();        /* Text that is there is never NULL. */
    }
    return (struct schema_log_entry) {
        .revision = sqlite3_column_int64(stmt, 0),
        .time = sqlite3_column_int64(stmt, 1), .who = who,
        .comment = comment,
        .undoes = sqlite3_column_int64(stmt, 5),
        .draft = (const char *) sqlite3_column_text(stmt, 6),
        .draft_author = (const char *) sqlite3_column_text(stmt, 7),
        .restored_over = store_log_taken_back(log,
                                              sqlite3_column_int64(stmt, 0)),
        .changes = *changes == '[' ? changes : "[]",
    };
}

/* Appends an entry. */
static void
put_entry(const struct store_log *log, sqlite3_stmt *stmt, struct ds *ds)
{
    const struct schema_log_entry entry = get_entry(log, stmt);

    ds_put_char(ds, '{');
    schema_struct_print_members(&schema_log_entry_shown, &entry, ds);
}

/* Appends an entry of a list. */
static void
put_item(struct store_log *log, sqlite3_stmt *stmt, struct ds *ds)
{
    put_entry(log, stmt, ds);
    if (log->more) {
        log->more(log->more_aux, sqlite3_column_int64(stmt, 0), ds);
    }
    ds_put_char(ds, '}');
}

/* Finishes a query of the log that ended with SQLite's 'code'.  If that is an
 * error, truncates 'ds' to 'size' bytes and returns the errno with a
 * sentence. */
static int
finish_reading(struct store_log *log, sqlite3_stmt *stmt, int code,
               struct ds *ds, size_t size, struct vmn_error *why)
{
    int error = 0;

    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        error = store_error(log->db, why, "cannot read the log");
        ds_truncate(ds, size);
    }
    sqlite3_reset(stmt);
    return error;
}

int
store_log_one(struct store_log *log, uint64_t revision, struct ds *ds,
              struct vmn_error *why)
{
    sqlite3_stmt *stmt = log->one;
    size_t size = ds->length;
    int code, error;

    sqlite3_bind_int64(stmt, 1, MIN(revision, INT64_MAX));
    code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) {
        put_entry(log, stmt, ds);
    }
    error = finish_reading(log, stmt, code, ds, size, why);
    return error ? error : code == SQLITE_ROW ? 0 : ENOENT;
}

/* Appends all entries that 'stmt', whose parameters are bound, returns. */
static int
put_entries(struct store_log *log, sqlite3_stmt *stmt, struct ds *ds,
            struct vmn_error *why)
{
    size_t size = ds->length;
    bool first = true;
    int code;

    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        ds_put_cstr(ds, first ? "" : ",");
        put_item(log, stmt, ds);
        first = false;
    }
    return finish_reading(log, stmt, code, ds, size, why);
}

int
store_log_after(struct store_log *log, uint64_t after, uint64_t before,
                size_t limit, struct ds *ds, struct vmn_error *why)
{
    sqlite3_bind_int64(log->many, 1, MIN(after, INT64_MAX));
    sqlite3_bind_int64(log->many, 2, MIN(before, INT64_MAX));
    sqlite3_bind_int64(log->many, 3, MIN(limit, STORE_LOG_MAX));
    return put_entries(log, log->many, ds, why);
}

int
store_log_each(struct store_log *log, uint64_t after, size_t limit,
               store_log_entry_cb *cb, void *aux, struct vmn_error *why)
{
    struct ds none = DS_EMPTY_INITIALIZER;
    int code;

    sqlite3_bind_int64(log->many, 1, MIN(after, INT64_MAX));
    sqlite3_bind_int64(log->many, 2, INT64_MAX);
    sqlite3_bind_int64(log->many, 3, MIN(limit, STORE_LOG_MAX));
    while ((code = sqlite3_step(log->many)) == SQLITE_ROW) {
        const struct schema_log_entry entry = get_entry(log, log->many);

        cb(aux, &entry);
    }
    return finish_reading(log, log->many, code, &none, 0, why);
}

int
store_log_count(struct store_log *log, uint64_t after, size_t max, size_t *n,
                struct vmn_error *why)
{
    struct ds none = DS_EMPTY_INITIALIZER;
    int code;

    sqlite3_bind_int64(log->count, 1, MIN(after, INT64_MAX));
    sqlite3_bind_int64(log->count, 2, MIN(max, STORE_LOG_MAX));
    code = sqlite3_step(log->count);
    *n = code == SQLITE_ROW ? sqlite3_column_int64(log->count, 0) : 0;
    return finish_reading(log, log->count, code, &none, 0, why);
}

int
store_log_newest(struct store_log *log, uint64_t before, size_t limit,
                 struct ds *ds, struct vmn_error *why)
{
    sqlite3_bind_int64(log->newest, 1, MIN(before, INT64_MAX));
    sqlite3_bind_int64(log->newest, 2, MIN(limit, STORE_LOG_MAX));
    return put_entries(log, log->newest, ds, why);
}

/* How much of the log one query scans, so that it takes no longer than a few
 * milliseconds of the loop's time. */
#define SCAN_ENTRIES 2000
#define SCAN_BYTES (1024 * 1024)
/* A query by time ends at an entry that is older by so much more than wanted:
 * the clock may have been wrong for a while. */
#define CLOCK_SLACK_MS INT64_C(86400000)

/* A filter, and the text that changes must contain, or "". */
struct scan {
    const struct store_log_filter *filter;
    const char *pattern;
};

/* Returns true if 'who' is the author, or one of the author's tokens. */
static bool
is_by(const char *who, const char *author)
{
    size_t n = strlen(author);

    return !strncmp(who, author, n) && (!who[n] || who[n] == '/');
}

/* Returns true if the filter lets the entry through. */
static bool
is_wanted(sqlite3_stmt *stmt, const struct scan *scan)
{
    const char *who = (const char *) sqlite3_column_text(stmt, 2);
    const char *changes = (const char *) sqlite3_column_text(stmt, 3);

    return (who && changes && strstr(changes, scan->pattern)
            && (!scan->filter->who || is_by(who, scan->filter->who))
            && (!scan->filter->author || is_by(who, scan->filter->author))
            && (!scan->filter->of_people || model_is_of_people(who))
            && sqlite3_column_int64(stmt, 1) >= scan->filter->since_ms);
}

/* Collects the entries that 'stmt' returns, newest first, and that are wanted,
 * down to the revision of the filter, and sets '*next' if the scan stopped
 * before the end.  Returns SQLite's code of the last step. */
static int
find_entries(struct store_log *log, sqlite3_stmt *stmt,
             const struct scan *scan, size_t limit, struct svec *found,
             uint64_t *next)
{
    size_t n_looked = 0, n_bytes = 0;
    int code;

    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        if ((uint64_t) sqlite3_column_int64(stmt, 0)
            < scan->filter->revision) {
            break;
        }
        if (n_looked >= SCAN_ENTRIES || n_bytes >= SCAN_BYTES
            || found->n >= limit) {
            *next = sqlite3_column_int64(stmt, 0) + 1;
            break;
        }
        if (scan->filter->since_ms != INT64_MIN
            && sqlite3_column_int64(stmt, 1)
               < scan->filter->since_ms - CLOCK_SLACK_MS) {
            break;
        }
        n_looked++;
        n_bytes += sqlite3_column_bytes(stmt, 3);
        if (is_wanted(stmt, scan)) {
            struct ds entry = DS_EMPTY_INITIALIZER;

            put_item(log, stmt, &entry);
            svec_add_nocopy(found, ds_steal_cstr(&entry));
        }
    }
    return code;
}

/* Scans the log backwards, in parts: an index of the log by object would be as
 * large as the log, and be written with each change. */
int
store_log_find(struct store_log *log, const struct store_log_filter *filter,
                 uint64_t before, size_t limit, struct ds *ds,
                 uint64_t *next, struct vmn_error *why)
{
    sqlite3_stmt *stmt = log->back;
    struct ds pattern = DS_EMPTY_INITIALIZER;
    struct svec found = SVEC_EMPTY_INITIALIZER;
    struct scan scan = { filter, "" };
    int code, error;

    /* Just as the model writes it (put_change()): more may follow the
     * name. */
    if (filter->type) {
        ds_put_format(&pattern, "\"type\":\"%s\",\"name\":", filter->type);
        if (filter->name) {
            schema_print_string(&pattern, filter->name);
        }
        scan.pattern = ds_cstr(&pattern);
    }
    if (filter->revision && filter->revision < before) {
        before = filter->revision + 1;
    }
    *next = 0;
    sqlite3_bind_int64(stmt, 1, MIN(before, INT64_MAX));
    code = find_entries(log, stmt, &scan, limit, &found, next);
    error = finish_reading(log, stmt, code, ds, ds->length, why);
    for (size_t i = found.n; !error && i-- > 0; ) {
        ds_put_format(ds, "%s%s", found.names[i], i ? "," : "");
    }
    svec_destroy(&found);
    ds_destroy(&pattern);
    return error;
}
