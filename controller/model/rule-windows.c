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

/* Returns true if the window begins on 'day', and sets from when until before
 * when it is open then. */
static bool
get_span(struct time_zones *zones, const struct vmn_window *window,
         int64_t day, int64_t *from, int64_t *to)
{
    int start = value_parse_time_of_day(window->start);
    int end = value_parse_time_of_day(window->end);

    return (window->days[(day + FIRST_DAY) % VMN_N_DAYS]
            && to_utc(zones, window, day, start, from)
            && to_utc(zones, window, day + (end < start), end, to));
}

/* Returns true if 'seconds' is in the window of 'day'. */
static bool
is_open_on(struct time_zones *zones, const struct vmn_window *window,
           int64_t day, int64_t seconds)
{
    int64_t from, to;

    return (get_span(zones, window, day, &from, &to)
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

/* Returns true if the window is open from 'first' on and before
 * 'not_after'. */
static bool
opens_from(struct time_zones *zones, const struct vmn_window *window,
           int64_t first)
{
    int64_t last = (window->not_after ? value_parse_time(window->not_after)
                    : INT64_MAX);
    int64_t today = first / DAY, from, to;

    /* All days of the week, and what the clocks of its zone may differ. */
    for (int64_t day = MAX(today - 2, 0); day <= today + VMN_N_DAYS + 2;
         day++) {
        if (get_span(zones, window, day, &from, &to)
            && MAX(from, first) < MIN(to, last)) {
            return true;
        }
    }
    return false;
}

enum window_fate
window_fate_at(struct time_zones *zones, const struct vmn_window *window,
               int64_t seconds)
{
    int64_t first = (window->not_before ? value_parse_time(window->not_before)
                     : 0);

    return (!window->not_after || opens_from(zones, window,
                                             MAX(first, seconds))
            ? WINDOW_OPENS
            : window->not_before && !opens_from(zones, window, first)
            ? WINDOW_NEVER : WINDOW_OVER);
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
