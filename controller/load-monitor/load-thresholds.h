/* SPDX-License-Identifier: Apache-2.0
 *
 * When a load that goes up and down is worth telling: above one threshold, or
 * below another, for long enough, and not again until some time has passed. A
 * state machine on figures and a clock that it is given; not for where they
 * come from, nor for telling. */

#ifndef CONTROLLER_LOAD_MONITOR_LOAD_THRESHOLDS_H
#define CONTROLLER_LOAD_MONITOR_LOAD_THRESHOLDS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vmn_lb_scale;

enum load_state {
    LOAD_UNKNOWN,               /* There is no figure. */
    LOAD_NORMAL,
    LOAD_HIGH,
    LOAD_LOW,
    LOAD_COOLING,               /* Somebody was told a while ago. */
    LOAD_N_STATES
};

enum load_direction { LOAD_SAME, LOAD_UP, LOAD_DOWN, LOAD_N_DIRECTIONS };

/* All zeros at the beginning.  Times are a monotonic clock's, in ms. */
struct load_thresholds {
    enum load_state side;       /* Of the last figure; never COOLING. */
    int64_t side_ms;            /* Since when, without a break. */
    bool cooling;
    int64_t cooling_ms;         /* Since when; until when: */
    int64_t cool_ms;
};

/* Takes the figure of 'now_ms', the load of one backend that serves; 'known'
 * says that there is one.  Returns what is to be told.  'may_shrink' is false
 * while nobody could go: then "down" is told to nobody. */
enum load_direction load_thresholds_step(struct load_thresholds *,
                                         const struct vmn_lb_scale *,
                                         bool known, double value,
                                         bool may_shrink, int64_t now_ms);

/* What it is in, and since when. */
enum load_state load_thresholds_state(const struct load_thresholds *,
                                      int64_t *since_ms);

#endif /* controller/load-monitor/load-thresholds.h */
