/* SPDX-License-Identifier: Apache-2.0
 *
 * Decides from the results of its probes whether a backend is up or down.  A
 * pure state machine: its caller has the clock.  Not for probes (prober.h).
 *
 * A new backend is up after one success.  It falls after 'unhealthy_after'
 * failures in a row, and rises again after 'healthy_after' successes in a row,
 * doubled for each recent change (damping of flapping). */

#ifndef CONTROLLER_HEALTH_RISE_FALL_H
#define CONTROLLER_HEALTH_RISE_FALL_H 1

#include <stdbool.h>
#include <stdint.h>

enum rise_fall_state { RISE_FALL_NEW, RISE_FALL_UP, RISE_FALL_DOWN };

struct rise_fall_rules {
    int64_t interval_ms;        /* Between probes. */
    unsigned healthy_after;     /* Successes in a row, from 1 on. */
    unsigned unhealthy_after;   /* Failures in a row, from 1 on. */
};

/* A change within so many intervals of the last one doubles what a return
 * takes, up to so many times; as long a time without one halves it. */
#define RISE_FALL_FLAP_WINDOW 10
#define RISE_FALL_FLAP_PENALTY_MAX 3

struct rise_fall {
    enum rise_fall_state state;
    unsigned n_good, n_bad;     /* In a row. */
    unsigned penalty;           /* Doublings at 'changed_ms'. */
    int64_t changed_ms;         /* Of the last change due to probes; 0: none.
                                 * */
    bool quick;                 /* One success is enough. */
};

void rise_fall_init(struct rise_fall *, enum rise_fall_state);

/* Adds the result of a probe.  Returns true if that changed the state. */
bool rise_fall_succeeded(struct rise_fall *, const struct rise_fall_rules *,
                         int64_t now_ms);
bool rise_fall_failed(struct rise_fall *, const struct rise_fall_rules *,
                      int64_t now_ms);

/* Takes the backend down, whatever its probes say.  Returns true if that
 * changed the state.  One success brings it up again; this does not count as
 * flapping. */
bool rise_fall_unavailable(struct rise_fall *);

/* Returns how many successes in a row bring it up. */
unsigned rise_fall_needed(const struct rise_fall *,
                          const struct rise_fall_rules *, int64_t now_ms);

#endif /* controller/health/rise-fall.h */
