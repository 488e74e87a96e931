/* SPDX-License-Identifier: Apache-2.0
 *
 * How long requests wait for others, so that they share one compile and one
 * bundle for each host.  A group that comes while hosts keep up never waits,
 * so a lone change does not.  While most hosts still owe answers when the next
 * group is sent, the delay grows; it shrinks when they keep up.  A wait that
 * nobody joined was for nothing: it is tried again ever more rarely.
 *
 * Only arithmetic: commit-queue.c has the queue and the clock. */

#ifndef CONTROLLER_COMMIT_BATCHING_H
#define CONTROLLER_COMMIT_BATCHING_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The least delay but none, in microseconds. */
#define BATCHING_MIN_US 1000

struct batching {
    int64_t max_us;             /* 0: never waits. */
    int64_t delay_us;           /* From one group that was sent to the next
                                 * that is begun. */
    int64_t not_before_us;
    bool waiting;
    int64_t since_us;           /* While waiting: the beginning, and how */
    size_t n_first;             /* many requests there were. */
    bool fruitless;             /* Nobody joined the last wait. */
    unsigned skip, n_skipped;   /* So many groups are left alone after it. */

    uint64_t n_waits, waited_us; /* In all. */
};

/* Returns the microseconds that a group of 'n' requests is to wait from
 * 'now_us' on, or 0 to begin it.  'behind': most hosts owe answers. */
int64_t batching_wait(struct batching *, bool behind, size_t n, int64_t
                      now_us);
/* Notes that a group of 'n' requests begins. */
void batching_begin(struct batching *, size_t n, int64_t now_us);
/* Notes that the group is about to be sent.  'behind': most hosts owe answers
 * to what was sent before. */
void batching_sent(struct batching *, bool behind, int64_t now_us);

#endif /* controller/commit/batching.h */
