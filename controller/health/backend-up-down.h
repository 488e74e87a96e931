/* SPDX-License-Identifier: Apache-2.0
 *
 * Decides from the results of its probes whether a backend is up or down.  A
 * pure state machine: its caller has the clock.  Not for probes (prober.h).
 *
 * A new backend is up after one success.  It falls after 'unhealthy_after'
 * failures in a row, and rises again after 'healthy_after' successes in a row,
 * doubled for each recent change (damping of flapping). */

#ifndef CONTROLLER_HEALTH_BACKEND_UP_DOWN_H
#define CONTROLLER_HEALTH_BACKEND_UP_DOWN_H 1

#include <stdbool.h>
#include <stdint.h>

enum up_down_state { UP_DOWN_NEW, UP_DOWN_UP, UP_DOWN_DOWN };

struct up_down_rules {
    int64_t interval_ms;        /* Between probes. */
    unsigned healthy_after;     /* Successes in a row, from 1 on. */
    unsigned unhealthy_after;   /* Failures in a row, from 1 on. */
};

/* A change within this many intervals of the last one doubles the successes
 * required, up to this many times; each such time without a change halves
 * them. */
#define UP_DOWN_FLAP_WINDOW 10
#define UP_DOWN_FLAP_PENALTY_MAX 3

struct up_down {
    enum up_down_state state;
    unsigned n_good, n_bad;     /* In a row. */
    unsigned penalty;           /* Doublings at 'changed_ms'. */
    int64_t changed_ms;         /* Of the last change due to probes; 0: none.
                                 * */
    bool quick;                 /* One success is enough. */
    bool unasked;               /* Down since it was unavailable, and no
                                 * probes have shown that it is. */
};

void up_down_init(struct up_down *, enum up_down_state);

/* Adds the result of a probe.  Returns true if that changed the state. */
bool up_down_succeeded(struct up_down *, const struct up_down_rules *,
                         int64_t now_ms);
bool up_down_failed(struct up_down *, const struct up_down_rules *,
                      int64_t now_ms);

/* There were others between the results so far and the next ones: these are a
 * row of their own. */
void up_down_interrupted(struct up_down *);

/* Takes the backend down, whatever its probes say.  Returns true if that
 * changed the state.  One success brings it up again; this does not count as
 * flapping. */
bool up_down_unavailable(struct up_down *);

#endif /* controller/health/backend-up-down.h */
