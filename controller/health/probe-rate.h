/* SPDX-License-Identifier: Apache-2.0
 *
 * Limits the rate of probes, in all and to each host, by a generic cell rate
 * algorithm: a probe that is too early gets a reservation for later.  Half of
 * each rate is divided equally among the owners that probe, the other half is
 * for any of them, so none waits for another's many probes.  Not for waiting,
 * nor for events that are dropped (proto/admission/fair-rate.h). */

#ifndef CONTROLLER_HEALTH_PROBE_RATE_H
#define CONTROLLER_HEALTH_PROBE_RATE_H 1

#include <stdint.h>

#include "openvswitch/hmap.h"
#include "openvswitch/shash.h"

/* Probes per second, and the largest burst. */
#define PROBE_RATE_TOTAL 2000
#define PROBE_RATE_TOTAL_BURST 200
#define PROBE_RATE_HOST 100
#define PROBE_RATE_HOST_BURST 20

/* When the next probe would be due at an even rate. */
struct probe_lane {
    int64_t common_us;          /* Of any owner. */
    struct hmap owners;         /* struct probe_owner, those of late. */
};

struct probe_rate {
    unsigned share;             /* It has one part of so many of the above. */
    struct probe_lane all;
    struct shash hosts;         /* struct probe_lane, by host. */
};

/* 'share' is 1: all; or more, at most PROBE_RATE_HOST_BURST. */
void probe_rate_init(struct probe_rate *, unsigned share);
void probe_rate_uninit(struct probe_rate *);
/* Reserves a probe of 'owner' to 'host'.  Returns its time in microseconds,
 * 'now_us' or later. */
int64_t probe_rate_reserve(struct probe_rate *, const char *host,
                           uint32_t owner, int64_t now_us);

#endif /* controller/health/probe-rate.h */
