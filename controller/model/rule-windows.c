/* SPDX-License-Identifier: Apache-2.0
 *
 * Implements controller/model/rule-windows.h, for who knows what time it is.
 * Apps do not (apps/firewall/rule-window.c); tests compare both. */

#include <config.h>

#include "controller/model/rule-windows.h"

#include "controller/schema/value.h"
#include "vmn/rows.h"

#define DAY (24 * 60 * 60)
/* 1970-01-01 was a Thursday. */
#define FIRST_DAY 3

static bool
is_open(const struct vmn_window *window, int64_t seconds)
{
    int start = value_parse_time_of_day(window->start);
    int end = value_parse_time_of_day(window->end);
    int minute = seconds % DAY / 60;
    int day = (seconds / DAY + FIRST_DAY) % VMN_N_DAYS;
    int yesterday = (day + VMN_N_DAYS - 1) % VMN_N_DAYS;

    if ((window->not_before && seconds < value_parse_time(window->not_before))
        || (window->not_after
            && seconds >= value_parse_time(window->not_after))) {
        return false;
    }
    if (start < end) {
        return window->days[day] && minute >= start && minute < end;
    }
    return ((window->days[day] && minute >= start)
            || (window->days[yesterday] && minute < end));
}

bool
rule_is_valid_at(const struct vmn_rule *rule, int64_t seconds)
{
    for (size_t i = 0; i < rule->n_windows; i++) {
        if (is_open(vmn_window_at(rule, i), seconds)) {
            return true;
        }
    }
    return !rule->n_windows;
}
