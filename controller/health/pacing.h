/* SPDX-License-Identifier: Apache-2.0
 *
 * When a probe may leave: so many a second in all and to each host.  Who is too
 * early is given a later time, in turn, and has it for sure (a generic cell rate
 * algorithm).  Not for waiting. */

#ifndef CONTROLLER_HEALTH_PACING_H
#define CONTROLLER_HEALTH_PACING_H 1

#include <stdint.h>

#include "openvswitch/shash.h"

/* Probes a second, and how many at once. */
#define PACING_ALL 2000
#define PACING_ALL_BURST 200
#define PACING_HOST 100
#define PACING_HOST_BURST 20

struct pacing {
    int64_t all_us;             /* When the next would be due if all came
                                 * evenly. */
    struct shash hosts;         /* The same of each: int64_t. */
};

void pacing_init(struct pacing *);
void pacing_uninit(struct pacing *);
/* Takes a turn for 'host'; returns when that is, 'now_us' or later. */
int64_t pacing_take(struct pacing *, const char *host, int64_t now_us);

#endif /* controller/health/pacing.h */
