/* SPDX-License-Identifier: Apache-2.0
 *
 * Decides how long requests wait for others, so that they share one compile
 * and one bundle per host.  A group never waits while hosts keep up, so a
 * single change is not delayed.  If most hosts have outstanding replies when
 * the next group is sent, the delay grows; it shrinks when they keep up.  If
 * no request joined during a wait, the wait was useless: waits are then
 * attempted less and less often.  Pure arithmetic: commit-queue.c has the
 * queue and the clock. */

#ifndef CONTROLLER_COMMIT_BATCHING_H
#define CONTROLLER_COMMIT_BATCHING_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The smallest delay other than 0, in microseconds. */
#define BATCHING_MIN_US 1000

struct batching {
    int64_t max_us;             /* 0: never waits. */
    int64_t delay_us;           /* From the sending of one group to the start
                                 * of the next. */
    int64_t not_before_us;
    bool waiting;
    size_t n_first;             /* Requests at the beginning of the wait. */
    bool fruitless;             /* No request joined during the last wait. */
    unsigned skip, n_skipped;   /* Number of groups that do not wait after
                                 * that. */
};

/* Returns how many microseconds a group of 'n' requests must wait from
 * 'now_us' on, or 0 to begin it.  'behind': most hosts have outstanding
 * replies. */
int64_t batching_wait(struct batching *, bool behind, size_t n, int64_t
                      now_us);
/* Records that a group of 'n' requests begins. */
void batching_begin(struct batching *, size_t n);
/* Records that the group is about to be sent.  'behind': most hosts have
 * outstanding replies to earlier ones. */
void batching_sent(struct batching *, bool behind, int64_t now_us);

#endif /* controller/commit/batching.h */
