/* SPDX-License-Identifier: Apache-2.0
 *
 * Decides how long a group waits for those who have just been answered, so
 * that they share its write.  Clients that write one after the other come back
 * together once their group is stored; those who came meanwhile are first by a
 * moment.  Without a wait they make two groups, each of half of them, which
 * take turns for ever; with it one, of all, which takes half as many writes.
 * That counts in a cluster, where a write costs six processes some wake-ups,
 * whatever is in it.
 * A group waits for at most half of what the last write took, as PostgreSQL
 * advises for its commit_delay, and not at all if all are there, so a client
 * alone never does; nor does a group without clients, such as of what hosts
 * report.  If less than half of those who were missing came, the wait was in
 * vain: waits are then attempted less and less often.  Not for hosts that are
 * behind (batching.h).  Pure arithmetic: commit-queue.c has the queue and the
 * clock. */

#ifndef CONTROLLER_COMMIT_GATHERING_H
#define CONTROLLER_COMMIT_GATHERING_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A write that takes less is not worth a wait, in microseconds: that has a
 * timer, and a turn of the loop for each who comes, of its own. */
#define GATHERING_MIN_US 1000

struct gathering {
    int64_t max_us;             /* The longest wait; 0: none. */
    size_t n_expected;          /* Clients that were answered, or waited
                                 * then. */
    int64_t until_us;           /* The next group waits no longer. */
    bool waiting;
    size_t n_first;             /* Clients at the beginning of the wait. */
    unsigned skip, n_skipped;   /* Groups that do not wait after one that
                                 * waited in vain. */
};

/* Records at 'now_us' that the clients of a group, whose write took 'took_us',
 * have been answered.  'n' clients are expected: these, and those who waited
 * when it was stored. */
void gathering_answered(struct gathering *, size_t n, int64_t took_us,
                        int64_t now_us);
/* Returns how many microseconds a group of 'n' clients must wait from 'now_us'
 * on, or 0 to begin it. */
int64_t gathering_wait(struct gathering *, size_t n, int64_t now_us);
/* Records that a group of 'n' clients begins. */
void gathering_begin(struct gathering *, size_t n);

#endif /* controller/commit/gathering.h */
