/* SPDX-License-Identifier: Apache-2.0
 *
 * Implements controller/model/rule-windows.h, for who knows what time it is.
 * Apps do not (apps/firewall/rule-window.c); tests compare both. */

#include <config.h>

#include "controller/model/rule-windows.h"

#include "controller/model/time-zones.h"
#include "controller/schema/value.h"
#include "util.h"
#include "vmn/rows.h"

#define DAY (24 * 60 * 60)
/* 1970-01-01 was a Thursday. */
#define FIRST_DAY 3

/* Sets '*when' to when it is 'minute' of 'day', counted from 1970 on, for the
 * window. */
static bool
to_utc(struct time_zones *zones, const struct vmn_window *window, int64_t day,
       int minute, int64_t *when)
{
    return time_zones_to_utc(zones, window->timezone, day * DAY + minute * 60,
                             when);
}

/* Returns true if 'seconds' is in the window of 'day'. */
static bool
is_open_on(struct time_zones *zones, const struct vmn_window *window,
           int64_t day, int64_t seconds)
{
    int start = value_parse_time_of_day(window->start);
    int end = value_parse_time_of_day(window->end);
    int64_t from, to;

    return (window->days[(day + FIRST_DAY) % VMN_N_DAYS]
            && to_utc(zones, window, day, start, &from)
            && to_utc(zones, window, day + (end < start), end, &to)
            && seconds >= from && seconds < to);
}

static bool
is_open(struct time_zones *zones, const struct vmn_window *window,
        int64_t seconds)
{
    int64_t today = seconds / DAY;

    if ((window->not_before && seconds < value_parse_time(window->not_before))
        || (window->not_after
            && seconds >= value_parse_time(window->not_after))) {
        return false;
    }
    /* It may be tomorrow already where clocks are ahead, and what has begun
     * yesterday where they are behind may not have ended. */
    for (int64_t day = MAX(today - 2, 0); day <= today + 1; day++) {
        if (is_open_on(zones, window, day, seconds)) {
            return true;
        }
    }
    return false;
}

bool
rule_is_valid_at(struct time_zones *zones, const struct vmn_rule *rule,
                 int64_t seconds)
{
    for (size_t i = 0; i < rule->n_windows; i++) {
        if (is_open(zones, vmn_window_at(rule, i), seconds)) {
            return true;
        }
    }
    return !rule->n_windows;
}
