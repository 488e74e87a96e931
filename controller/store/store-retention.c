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

/* Deletes at most 'n' entries of people that are older than 'time_ms', the
 * oldest first. */
static bool
trim_people(struct store_statements *s, int64_t time_ms, int64_t n,
            struct store_log_counts *counts)
{
    sqlite3_bind_int64(s->log_trim_people, 1, time_ms);
    sqlite3_bind_int64(s->log_trim_people, 2, n);
    if (!store_statement_run(s->log_trim_people)) {
        return false;
    }
    counts->people -= sqlite3_changes(sqlite3_db_handle(s->log_trim_people));
    return true;
}

/* Deletes the oldest entries of the author with the most entries, at most 'n',
 * and not so many that another author has more.  Returns how many, or -1 after
 * an error. */
static int64_t
trim_most(struct store_statements *s, int64_t n)
{
    int code = sqlite3_step(s->log_most);
    int64_t more;

    if (code == SQLITE_ROW) {
        more = (sqlite3_column_int64(s->log_most, 1)
                - sqlite3_column_int64(s->log_most, 2));
        sqlite3_bind_value(s->log_trim_author, 1,
                           sqlite3_column_value(s->log_most, 0));
        sqlite3_bind_int64(s->log_trim_author, 2, MIN(n, MAX(more, 1)));
    }
    sqlite3_reset(s->log_most);
    if (code != SQLITE_ROW) {
        return code == SQLITE_DONE ? 0 : -1;
    }
    return (store_statement_run(s->log_trim_author)
            ? sqlite3_changes(sqlite3_db_handle(s->log_trim_author)) : -1);
}

/* Deletes 'n' entries of people, always of the author with the most entries,
 * so that nobody can displace the entries of others: of A authors, each keeps
 * a share of 1/A of the log. */
static bool
trim_fairly(struct store_statements *s, int64_t n,
            struct store_log_counts *counts)
{
    while (n > 0) {
        int64_t n_removed = trim_most(s, n);

        if (n_removed < 0) {
            return false;
        } else if (!n_removed) {
            break;
        }
        counts->people -= n_removed;
        n -= n_removed;
    }
    return true;
}

/* Trims the log by the count of its entries, not by revision numbers, which a
 * restore leaves gaps in; and by their times, of which a clock that was wrong
 * for a while leaves some. */
bool
store_log_trim(struct store_statements *s, int64_t newest_ms,
          struct store_log_counts *n)
{
    const struct store_retention *keep = &s->keep;

    if (n->others > keep->others_max) {
        sqlite3_bind_int64(s->log_trim_others, 1,
                           n->others - keep->others_max);
        if (!store_statement_run(s->log_trim_others)) {
            return false;
        }
        n->others = keep->others_max;
    }
    if (n->people > keep->people_max
        && !trim_fairly(s, n->people - keep->people_max, n)) {
        return false;
    }
    return (n->people <= keep->people_min
            || trim_people(s, newest_ms - keep->people_ms,
                           MIN(n->people - keep->people_min, TRIM_MAX), n));
}
