/* SPDX-License-Identifier: Apache-2.0
 *
 * The receipts of revisions, beside the log: what is put is queued for the
 * writer's thread, which writes it in a transaction of its own between two
 * batches, without an fsync.  So no batch waits for one or fails with it; what
 * a crash of the machine takes away is not known, and said to be so.  Not for
 * what is in a receipt (controller/fabric/session/receipt-history.c). */

#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/store/store-private.h"
#include "util.h"

/* Bytes that receipts may take in all: of people's revisions, and of others'.
 * The oldest give way. */
#define PEOPLE_BYTES_MAX (64 * 1024 * 1024)
#define OTHERS_BYTES_MAX (16 * 1024 * 1024)
/* What one takes beside its text. */
#define RECEIPT_OVERHEAD 64
/* Rows that are deleted at once. */
#define TRIM_ROWS "64"

static bool
prepare(sqlite3 *db, const char *sql, sqlite3_stmt **stmt)
{
    return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt,
                              NULL) == SQLITE_OK;
}

int
store_receipts_prepare(struct store_receipts *r, sqlite3 *db,
                       struct vmn_error *why)
{
    static const char *const sums[2] = {
        "SELECT coalesce(sum(bytes), 0) FROM receipts WHERE people = 0",
        "SELECT coalesce(sum(bytes), 0) FROM receipts WHERE people = 1",
    };
    bool ok = prepare(db, "BEGIN IMMEDIATE", &r->begin)
              && prepare(db, "COMMIT", &r->commit)
              && prepare(db, "ROLLBACK", &r->rollback)
              && prepare(db, "SELECT bytes FROM receipts WHERE revision = ?",
                         &r->size)
              && prepare(db, "INSERT OR REPLACE INTO receipts (revision, "
                         "first, people, hosts, missing, bytes, body) "
                         "VALUES (?, ?, ?, ?, ?, ?, ?)", &r->put)
              && prepare(db, "DELETE FROM receipts WHERE revision IN ("
                         "SELECT revision FROM receipts "
                         "WHERE revision > ? AND people = ? "
                         "ORDER BY revision LIMIT " TRIM_ROWS ") "
                         "RETURNING bytes, revision", &r->trim);
    int error = ok ? 0 : store_error(db, why, "cannot prepare to write "
                                     "receipts");

    for (int i = 0; !error && i < 2; i++) {
        error = store_get_int(db, sums[i], &r->kept.bytes[i], why);
    }
    return error ? error
           : store_get_int(db, "SELECT max(revision) FROM receipts",
                           &r->kept.newest, why);
}

void
store_receipts_finalize(struct store_receipts *r)
{
    sqlite3_finalize(r->begin);
    sqlite3_finalize(r->commit);
    sqlite3_finalize(r->rollback);
    sqlite3_finalize(r->size);
    sqlite3_finalize(r->put);
    sqlite3_finalize(r->trim);
    store_receipts_free(r->queue, r->n_queue);
}

void
store_receipts_free(struct store_receipt *receipts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(receipts[i].body);
    }
    free(receipts);
}

/* Returns the bytes that are kept of 'revision', 0 if there is no receipt of
 * it, or -1 after an error. */
static int64_t
kept_bytes(const struct store_receipts *r, int64_t revision)
{
    int64_t bytes = 0;
    int code;

    if (revision > r->kept.newest) {
        return 0;               /* As of nearly each. */
    }
    sqlite3_bind_int64(r->size, 1, revision);
    code = sqlite3_step(r->size);
    if (code == SQLITE_ROW) {
        bytes = sqlite3_column_int64(r->size, 0);
    }
    sqlite3_reset(r->size);
    return code == SQLITE_ROW || code == SQLITE_DONE ? bytes : -1;
}

static bool
write_receipt(struct store_receipts *r, const struct store_receipt *receipt)
{
    int64_t bytes = strlen(receipt->body) + RECEIPT_OVERHEAD;
    int64_t before;

    if ((int64_t) receipt->last <= r->kept.trimmed[receipt->of_people]) {
        return true;            /* It has given way. */
    }
    before = kept_bytes(r, receipt->last);
    if (before < 0) {
        return false;
    }
    sqlite3_bind_int64(r->put, 1, receipt->last);
    sqlite3_bind_int64(r->put, 2, receipt->first);
    sqlite3_bind_int64(r->put, 3, receipt->of_people);
    sqlite3_bind_int64(r->put, 4, receipt->n_hosts);
    sqlite3_bind_int64(r->put, 5, receipt->n_missing);
    sqlite3_bind_int64(r->put, 6, bytes);
    sqlite3_bind_text(r->put, 7, receipt->body, -1, SQLITE_STATIC);
    r->kept.bytes[receipt->of_people] += bytes - before;
    r->kept.newest = MAX(r->kept.newest, (int64_t) receipt->last);
    return store_statement_run(r->put);
}

/* Deletes the oldest until no more is kept than may be. */
static bool
trim(struct store_receipts *r, bool of_people)
{
    int64_t max = of_people ? PEOPLE_BYTES_MAX : OTHERS_BYTES_MAX;

    while (r->kept.bytes[of_people] > max) {
        bool any = false;
        int code;

        sqlite3_bind_int64(r->trim, 1, r->kept.trimmed[of_people]);
        sqlite3_bind_int64(r->trim, 2, of_people);
        while ((code = sqlite3_step(r->trim)) == SQLITE_ROW) {
            int64_t *trimmed = &r->kept.trimmed[of_people];

            r->kept.bytes[of_people] -= sqlite3_column_int64(r->trim, 0);
            *trimmed = MAX(*trimmed, sqlite3_column_int64(r->trim, 1));
            any = true;
        }
        sqlite3_reset(r->trim);
        if (code != SQLITE_DONE || !any) {
            return false;
        }
    }
    return true;
}

int
store_receipts_write(struct store_receipts *r, sqlite3 *db,
                     const struct store_receipt *receipts, size_t n,
                     bool in_cluster, struct vmn_error *why)
{
    const struct store_receipts_kept before = r->kept;
    bool ok;
    int error = 0;

    sqlite3_exec(db, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
    ok = store_statement_run(r->begin);
    for (size_t i = 0; ok && i < n; i++) {
        ok = write_receipt(r, &receipts[i]);
    }
    ok = ok && trim(r, false) && trim(r, true)
         && store_statement_run(r->commit);
    if (!ok) {
        error = store_error(db, why, "cannot store receipts");
        if (!sqlite3_get_autocommit(db)) {
            store_statement_run(r->rollback);
        }
        r->kept = before;
    }
    store_set_sync(db, in_cluster);
    return error;
}

int
store_receipts_read(sqlite3_stmt *stmt, uint64_t revision,
                    struct store_receipt *receipt)
{
    int code, error = ENOENT;

    memset(receipt, 0, sizeof *receipt);
    sqlite3_bind_int64(stmt, 1, MIN(revision, INT64_MAX));
    code = sqlite3_step(stmt);
    if (code == SQLITE_ROW
        && (uint64_t) sqlite3_column_int64(stmt, 1) <= revision) {
        const char *body = (const char *) sqlite3_column_text(stmt, 4);

        receipt->last = sqlite3_column_int64(stmt, 0);
        receipt->first = sqlite3_column_int64(stmt, 1);
        receipt->n_hosts = sqlite3_column_int64(stmt, 2);
        receipt->n_missing = sqlite3_column_int64(stmt, 3);
        receipt->body = nullable_xstrdup(body);
        error = 0;
    } else if (code != SQLITE_ROW && code != SQLITE_DONE) {
        error = EIO;
    }
    sqlite3_reset(stmt);
    return error;
}
