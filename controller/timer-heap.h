/* SPDX-License-Identifier: Apache-2.0
 *
 * A binary heap of timers, most of which are moved before they expire.  Not
 * for waiting itself. */

#ifndef CONTROLLER_TIMER_HEAP_H
#define CONTROLLER_TIMER_HEAP_H 1

#include <stddef.h>
#include <stdint.h>

/* A member of its owner; not set while zeroed. */
struct timer {
    int64_t at;                 /* In the unit of its owner. */
    size_t place;               /* In the heap, from 1 on; 0: not set. */
};

struct timer_heap {
    size_t n, allocated;
    struct timer **heap;        /* From 1 on: no parent is later than its
                                 * children at twice its place. */
};

void timer_heap_init(struct timer_heap *);
void timer_heap_uninit(struct timer_heap *);
/* Sets 'timer', or moves it. */
void timer_heap_set(struct timer_heap *, struct timer *, int64_t at);
void timer_heap_unset(struct timer_heap *, struct timer *);
/* Returns the timer that expires first, or NULL. */
struct timer *timer_heap_first(const struct timer_heap *);

#endif /* controller/timer-heap.h */
