/* SPDX-License-Identifier: Apache-2.0
 *
 * Thresholds; see load-thresholds.h.  The side on which the load is goes on
 * being looked at while it cools down: a load that is still too high when that
 * is over has been so for long enough, and is told at once. */

#include <config.h>

#include "controller/load-monitor/load-thresholds.h"

#include "vmn/rows.h"

static enum load_state
side_of(const struct vmn_lb_scale *scale, bool known, double value)
{
    if (!known) {
        return LOAD_UNKNOWN;
    }
    if (scale->high && value > scale->high) {
        return LOAD_HIGH;
    }
    return scale->low && value < scale->low ? LOAD_LOW : LOAD_NORMAL;
}

enum load_direction
load_thresholds_step(struct load_thresholds *t,
                     const struct vmn_lb_scale *scale, bool known,
                     double value, bool may_shrink, int64_t now_ms)
{
    enum load_state side = side_of(scale, known, value);

    if (side != t->side || !t->side_ms) {
        t->side = side;
        t->side_ms = now_ms;
    }
    if (t->cooling && now_ms >= t->cool_ms) {
        t->cooling = false;
    }
    if (t->cooling || (side != LOAD_HIGH && side != LOAD_LOW)
        || (side == LOAD_LOW && !may_shrink)
        || now_ms - t->side_ms < scale->for_s * INT64_C(1000)) {
        return LOAD_SAME;
    }
    t->cooling = true;
    t->cooling_ms = now_ms;
    t->cool_ms = now_ms + scale->cooldown_s * INT64_C(1000);
    return side == LOAD_HIGH ? LOAD_UP : LOAD_DOWN;
}

enum load_state
load_thresholds_state(const struct load_thresholds *t, int64_t *since_ms)
{
    *since_ms = t->cooling ? t->cooling_ms : t->side_ms;
    return t->cooling ? LOAD_COOLING : t->side;
}
