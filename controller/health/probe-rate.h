/* SPDX-License-Identifier: Apache-2.0
 *
 * When a probe may leave: so many a second in all and to each host.  Who is too
 * early is given a later time, in turn, and has it for sure (a generic cell rate
 * algorithm).  Not for waiting. */

#ifndef CONTROLLER_HEALTH_PROBE_RATE_H
#define CONTROLLER_HEALTH_PROBE_RATE_H 1

#include <stdint.h>

#include "openvswitch/shash.h"

/* Probes a second, and how many at once. */
#define PROBE_RATE_TOTAL 2000
#define PROBE_RATE_TOTAL_BURST 200
#define PROBE_RATE_HOST 100
#define PROBE_RATE_HOST_BURST 20

struct probe_rate {
    int64_t all_us;             /* When the next would be due if all came
                                 * evenly. */
    struct shash hosts;         /* The same of each: int64_t. */
};

void probe_rate_init(struct probe_rate *);
void probe_rate_uninit(struct probe_rate *);
/* Takes a turn for 'host'; returns when that is, 'now_us' or later. */
int64_t probe_rate_reserve(struct probe_rate *, const char *host,
                           int64_t now_us);

#endif /* controller/health/probe-rate.h */
