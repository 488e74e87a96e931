/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts small steps of work, and pauses now and then. */

#ifndef CONTROLLER_RECOMMEND_STEP_COUNTER_H
#define CONTROLLER_RECOMMEND_STEP_COUNTER_H 1

#include <stddef.h>

/* Steps between two pauses: some tenths of a millisecond. */
#define PACER_STEPS 100000

struct pacer {
    void (*pause)(void *aux);   /* Or NULL. */
    void *aux;
    size_t steps;               /* Done. */
};

static inline void
pacer_step(struct pacer *p, size_t steps)
{
    size_t before = p->steps;

    p->steps += steps;
    if (p->pause && p->steps / PACER_STEPS != before / PACER_STEPS) {
        p->pause(p->aux);
    }
}

#endif /* controller/recommend/step-counter.h */
