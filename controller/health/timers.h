/* SPDX-License-Identifier: Apache-2.0
 *
 * What is due when: a heap of times, for many of which most are moved before
 * they come.  Not for waiting itself. */

#ifndef CONTROLLER_HEALTH_TIMERS_H
#define CONTROLLER_HEALTH_TIMERS_H 1

#include <stddef.h>
#include <stdint.h>

/* Embedded; zeroed is one that is not set. */
struct timer {
    int64_t at_us;
    size_t place;               /* In the heap, from 1 on; 0: not set. */
};

struct timers {
    size_t n, allocated;
    struct timer **heap;        /* From 1 on: no parent is later than its
                                 * children at twice its place. */
};

void timers_init(struct timers *);
void timers_uninit(struct timers *);
/* Sets 'timer', or moves it. */
void timers_set(struct timers *, struct timer *, int64_t at_us);
void timers_unset(struct timers *, struct timer *);
/* The earliest, or NULL. */
struct timer *timers_first(const struct timers *);

#endif /* controller/health/timers.h */
