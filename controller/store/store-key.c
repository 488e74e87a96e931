/* SPDX-License-Identifier: Apache-2.0
 *
 * The key for digests, in the database: with a new key at each start, stored
 * digests would be useless, and all flows of each host would be compared. */

#include <config.h>

#include "controller/store/store-private.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "util.h"

#define KEY_NAME "digest"

/* Reads the key, and sets '*found' if there is one.  One of another size does
 * not count. */
static int
read_key(sqlite3 *db, uint8_t key[STORE_KEY_SIZE], bool *found,
         struct vmn_error *why)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db, "SELECT value FROM secrets WHERE name "
                                  "= '" KEY_NAME "'", -1, &stmt, NULL);

    if (code == SQLITE_OK) {
        code = sqlite3_step(stmt);
    }
    *found = (code == SQLITE_ROW
              && sqlite3_column_bytes(stmt, 0) == STORE_KEY_SIZE);
    if (*found) {
        memcpy(key, sqlite3_column_blob(stmt, 0), STORE_KEY_SIZE);
    }
    int error = code == SQLITE_ROW || code == SQLITE_DONE ? 0
                : store_error(db, why, "cannot read");
    sqlite3_finalize(stmt);
    return error;
}

static int
make_key(uint8_t key[STORE_KEY_SIZE], struct vmn_error *why)
{
    /* Waits, at the machine's start, until there are random bytes; so few come
     * all at once, and without being interrupted. */
    if (getrandom(key, STORE_KEY_SIZE, 0) != STORE_KEY_SIZE) {
        int error = errno;

        return vmn_error_errno(why, error, "cannot make a key: %s",
                               ovs_strerror(error));
    }
    return 0;
}

static int
write_key(sqlite3 *db, const uint8_t key[STORE_KEY_SIZE],
          struct vmn_error *why)
{
    sqlite3_stmt *stmt = NULL;
    int error = 0;

    if (sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO secrets (name, value) "
                           "VALUES ('" KEY_NAME "', ?)", -1, &stmt, NULL)
        != SQLITE_OK
        || sqlite3_bind_blob(stmt, 1, key, STORE_KEY_SIZE, SQLITE_STATIC)
           != SQLITE_OK
        || sqlite3_step(stmt) != SQLITE_DONE) {
        error = store_error(db, why, "cannot write its key");
    }
    sqlite3_finalize(stmt);
    return error;
}

int
store_key_load(sqlite3 *db, uint8_t key[STORE_KEY_SIZE], struct vmn_error *why)
{
    bool found;
    int error = read_key(db, key, &found, why);

    if (error || found) {
        return error;
    }
    error = make_key(key, why);
    return error ? error : write_key(db, key, why);
}
