/* SPDX-License-Identifier: Apache-2.0
 *
 * The drain of a backend: when it began, also if vmnd was restarted meanwhile,
 * when it ends at the latest, and whether it is over.  A pure state machine:
 * its caller has the clock, and knows since when clients are quiet.  Not for
 * what follows (prober.c), nor for what clients send (health.c). */

#ifndef CONTROLLER_HEALTH_DRAIN_H
#define CONTROLLER_HEALTH_DRAIN_H 1

#include <stdbool.h>
#include <stdint.h>

/* A drain is over once no client has sent anything for so long. */
#define DRAIN_QUIET_MS (60 * 1000)
#define DRAIN_QUIET_TEXT "60 s"

/* How a drain ended. */
enum drain_result {
    DRAIN_UNKNOWN,              /* It has not, or before vmnd's start. */
    DRAIN_QUIET,                /* No client sent anything for long enough. */
    DRAIN_CUT,                  /* It lasted as long as it may. */
};

/* Times are in microseconds. */
struct drain {
    bool goes_on, is_over;      /* Neither: there is none. */
    enum drain_result result;
    int64_t from_us;            /* When it began at the latest. */
    int64_t latest_us;          /* When it ends at the latest. */
    int64_t begun_us;           /* As far as known since vmnd's start. */
};

/* Begins the drain if it is 'wanted', or takes it back if it is not; it lasts
 * 'max_ms' at most.  'edited_ms' is the balancer's last edit, 'wall_ms' the
 * time, both by the wall clock.  Returns true if it was over and is taken
 * back. */
bool drain_set(struct drain *, bool wanted, int64_t max_ms, int64_t edited_ms,
               int64_t wall_ms, int64_t now_us);

/* Ends the drain if it has lasted as long as it may, or no client has sent
 * anything for long enough: since 'quiet_since_us', INT64_MAX if that is not
 * known.  Returns why, a constant, or NULL if it goes on; sets its result. */
const char *drain_end(struct drain *, int64_t quiet_since_us, int64_t now_us);

#endif /* controller/health/drain.h */
