/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts small steps of work, and pauses now and then. */

#ifndef CONTROLLER_RECOMMEND_STEP_COUNTER_H
#define CONTROLLER_RECOMMEND_STEP_COUNTER_H 1

#include <stddef.h>

/* Steps between two pauses: some tenths of a millisecond. */
#define STEP_COUNTER_INTERVAL 100000

struct step_counter {
    void (*yield)(void *aux);   /* Or NULL. */
    void *aux;
    size_t steps;               /* Done. */
};

static inline void
step_counter_add(struct step_counter *p, size_t steps)
{
    size_t before = p->steps;

    p->steps += steps;
    if (p->yield && p->steps / STEP_COUNTER_INTERVAL != before
        / STEP_COUNTER_INTERVAL) {
        p->yield(p->aux);
    }
}

#endif /* controller/recommend/step-counter.h */
