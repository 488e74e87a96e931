/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a backend is taken for well, by how its probes went.  A pure state
 * machine: its caller has the clock.  Not for probes (prober.h).
 *
 * What has never been up is up after one success.  What is up is down after so
 * many failures in a row, and comes back after so many successes in a row: the
 * more of them the more often it has changed lately. */

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
    int64_t changed_ms;         /* Of the last change due to probes; 0: none. */
    bool quick;                 /* One success is enough. */
};

void rise_fall_init(struct rise_fall *, enum rise_fall_state);

/* How a probe went.  True if the state is another one. */
bool rise_fall_succeeded(struct rise_fall *, const struct rise_fall_rules *,
                         int64_t now_ms);
bool rise_fall_failed(struct rise_fall *, const struct rise_fall_rules *,
                      int64_t now_ms);

/* It cannot serve, whatever probes say.  True if the state is another one.  One
 * success brings back what was up; that is no flapping. */
bool rise_fall_unavailable(struct rise_fall *);

/* Successes in a row that would make it up. */
unsigned rise_fall_needed(const struct rise_fall *,
                          const struct rise_fall_rules *, int64_t now_ms);

#endif /* controller/health/rise-fall.h */
