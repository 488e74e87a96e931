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

/* Runs a statement that deletes entries, and returns of each "revision, who".
 * Returns how many, or -1 after an error. */
static int64_t
delete_entries(struct store_statements *s, sqlite3_stmt *stmt)
{
    int64_t n = 0;
    bool ok = true;
    int code;

    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *who = (const char *) sqlite3_column_text(stmt, 1);

        if (who && store_is_of_people(who)) {
            store_authors_add(&s->authors, who, -1, 0);
        } else {
            s->n_others--;
        }
        ok = ok && store_contents_delete(s, sqlite3_column_int64(stmt, 0));
        n++;
    }
    sqlite3_reset(stmt);
    return code == SQLITE_DONE && ok ? n : -1;
}

/* Deletes at most 'n' entries of people that are older than 'time_ms', the
 * oldest first. */
static bool
trim_people(struct store_statements *s, int64_t time_ms, int64_t n)
{
    sqlite3_bind_int64(s->log_trim_people, 1, time_ms);
    sqlite3_bind_int64(s->log_trim_people, 2, n);
    return delete_entries(s, s->log_trim_people) >= 0;
}

/* Deletes 'n' entries of people, always the oldest of the author with the most
 * entries, so that nobody can displace the entries of others: of A authors,
 * each keeps a share of 1/A of the log. */
static bool
trim_fairly(struct store_statements *s, int64_t n)
{
    while (n > 0) {
        int64_t more, n_removed;
        const char *most = store_authors_most_entries(&s->authors, &more);

        if (!most) {
            break;
        }
        sqlite3_bind_text(s->log_trim_author, 1, most, -1, SQLITE_TRANSIENT);
        sqlite3_bind_int64(s->log_trim_author, 2, MIN(n, MAX(more, 1)));
        n_removed = delete_entries(s, s->log_trim_author);
        if (n_removed < 0) {
            return false;
        } else if (!n_removed) {
            break;
        }
        n -= n_removed;
    }
    return true;
}

/* Trims the log by the count of its entries, not by revision numbers, which a
 * restore leaves gaps in; and by their times, of which a clock that was wrong
 * for a while leaves some. */
bool
store_log_trim(struct store_statements *s, int64_t newest_ms)
{
    const struct store_retention *keep = &s->keep;
    int64_t n_people;

    if (s->n_others > keep->others_max) {
        sqlite3_bind_int64(s->log_trim_others, 1,
                           s->n_others - keep->others_max);
        if (delete_entries(s, s->log_trim_others) < 0) {
            return false;
        }
    }
    if (!trim_fairly(s, s->authors.entries - keep->people_max)) {
        return false;
    }
    n_people = s->authors.entries;
    return (n_people <= keep->people_min
            || trim_people(s, newest_ms - keep->people_ms,
                           MIN(n_people - keep->people_min, TRIM_MAX)));
}
