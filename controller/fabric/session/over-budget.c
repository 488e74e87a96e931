/* SPDX-License-Identifier: Apache-2.0
 *
 * A switch that sends more than its budget is dropped and has to wait, longer
 * each time, so that one that was taken over cannot take vmnd from the
 * others.  Not for how much it may send (switch-budget.c). */

#include <config.h>

#include "controller/fabric/session/switch.h"

#include "timeval.h"
#include "util.h"

/* Rests of a host that sends too much; after SWITCH_CALM_MS it begins with the
 * least again. */
#define REST_MIN_MS 5000
#define REST_MAX_MS (300 * 1000)

void
switch_over_budget(struct fabric_switch *sw, const char *reason)
{
    int64_t now_ms = time_msec();
    bool calm = (!sw->over_budget_ms
                 || now_ms - sw->over_budget_ms > SWITCH_CALM_MS);

    sw->over_budget_rest_ms = (calm ? REST_MIN_MS
                               : MIN(2 * sw->over_budget_rest_ms,
                                     REST_MAX_MS));
    sw->over_budget_ms = now_ms;
    sw->n_over_budget++;
    /* Its marker says nothing of what is too much. */
    sw->doubtful = true;
    sw->rest_ms = MAX(sw->rest_ms, sw->over_budget_rest_ms / 2);
    switch_give_up(sw, reason);
}
