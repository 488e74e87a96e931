/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections to SQLite: opens one, reads single values, and says what an
 * error of SQLite's is. */

#include <config.h>

#include "controller/store/store-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

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

/* Of what a member of a cluster has committed since the last checkpoint of the
 * write-ahead log a power failure may lose the end, and nothing before it: the
 * member goes on from the batch that its file has.  That is 3,000 pages, or
 * more while a backup's copy holds the log; the cluster's database keeps 2,000
 * batches or 32 MiB. */
void
store_set_sync(sqlite3 *db, bool in_cluster)
{
    sqlite3_exec(db, (in_cluster ? "PRAGMA synchronous = NORMAL"
                      : "PRAGMA synchronous = FULL"), NULL, NULL, NULL);
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

char *
store_get_text(sqlite3 *db, const char *sql, int *error,
               struct vmn_error *why)
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
    char *s = store_get_text(db, sql, &error, why);

    *value = s ? strtoll(s, NULL, 10) : 0;
    free(s);
    return error;
}

int
store_check_mode(sqlite3 *db, const char *path, struct vmn_error *why)
{
    int error;
    char *mode = store_get_text(db, "PRAGMA journal_mode", &error, why);

    if (mode && strcmp(mode, "wal")) {
        error = vmn_error_invalid(
            why, "%s cannot have a write-ahead log: its file system does not "
            "allow it", path);
    }
    free(mode);
    return error;
}
