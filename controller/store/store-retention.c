/* SPDX-License-Identifier: Apache-2.0
 *
 * Deletes old entries of the log of changes, within the transaction of a
 * batch, by struct store_retention.  Runs in the writer thread.  Not for
 * writing entries (store-batch.c) or reading them (store-log.c). */

#include <config.h>

#include "controller/store/store-private.h"

#include "util.h"

/* Most entries of the log that one batch deletes for their age. */
#define TRIM_MAX 1000

/* Deletes the entries that 'oldest' returns, with its bound parameters, until
 * their weight is 'n' or more.  'oldest' returns the entry's
 * revision, 'who', whether it may have revoked something, and its weight.
 * Returns the weight of the deleted entries, or -1 after an error.  (DELETE
 * with RETURNING takes twice as long: SQLite makes a table of the rows.) */
static int64_t
delete_entries(struct store_statements *s, sqlite3_stmt *oldest, int64_t n)
{
    int64_t n_deleted = 0;

    while (n_deleted < n) {
        int code = sqlite3_step(oldest);

        if (code != SQLITE_ROW) {
            sqlite3_reset(oldest);
            return code == SQLITE_DONE ? n_deleted : -1;
        }

        int64_t revision = sqlite3_column_int64(oldest, 0);
        const char *who = (const char *) sqlite3_column_text(oldest, 1);
        int64_t weight = sqlite3_column_int64(oldest, 3);

        if (sqlite3_column_int(oldest, 2)) {
            s->trimmed = MAX(s->trimmed, revision);
        }

        if (who && model_is_of_people(who)) {
            store_authors_add(&s->authors, who, -weight, 0);
        } else {
            s->others -= weight;
        }
        sqlite3_reset(oldest);
        sqlite3_bind_int64(s->log_delete, 1, revision);
        if (!store_statement_run(s->log_delete)
            || !store_contents_delete(s, revision)) {
            return -1;
        }
        n_deleted += weight;
    }
    return n_deleted;
}

/* Deletes entries of people that are older than 'time_ms', the oldest first,
 * until their weight is 'n'. */
static bool
trim_people(struct store_statements *s, int64_t time_ms, int64_t n)
{
    sqlite3_bind_int64(s->log_oldest_people, 1, time_ms);
    return delete_entries(s, s->log_oldest_people, n) >= 0;
}

/* Deletes entries of people of weight 'n', always the oldest of the author
 * whose entries weigh most.  So no author displaces the entries of another: of
 * A authors, each keeps a share of 1/A of the log. */
static bool
trim_fairly(struct store_statements *s, int64_t n)
{
    while (n > 0) {
        int64_t more, n_removed;
        const char *most = store_authors_most_entries(&s->authors, &more);

        if (!most) {
            break;
        }
        sqlite3_bind_text(s->log_oldest_author, 1, most, -1,
                          SQLITE_TRANSIENT);
        n_removed = delete_entries(s, s->log_oldest_author,
                                   MIN(n, MAX(more, 1)));
        if (n_removed < 0) {
            return false;
        } else if (!n_removed) {
            break;
        }
        n -= n_removed;
    }
    return true;
}

/* Trims the log by the weight of its entries, not by revision numbers, which a
 * restore leaves gaps in; and by their times, of which a clock that was wrong
 * for a while leaves some. */
static bool
trim_all(struct store_statements *s, int64_t newest_ms)
{
    const struct store_retention *keep = &s->keep;
    int64_t n_people;

    if (delete_entries(s, s->log_oldest_others,
                       s->others - keep->others_max) < 0
        || !trim_fairly(s, s->authors.entries - keep->people_max)) {
        return false;
    }
    n_people = s->authors.entries;
    return (n_people <= keep->people_min
            || trim_people(s, newest_ms - keep->people_ms,
                           MIN(n_people - keep->people_min, TRIM_MAX)));
}

bool
store_log_trim(struct store_statements *s, int64_t newest_ms)
{
    s->trimmed = 0;
    if (!trim_all(s, newest_ms)) {
        return false;
    }
    if (s->trimmed) {
        sqlite3_bind_int64(s->trimmed_upsert, 1, s->trimmed);
        return store_statement_run(s->trimmed_upsert);
    }
    return true;
}
