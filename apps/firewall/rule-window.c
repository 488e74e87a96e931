/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether it is the time at which a rule is valid.  Nothing tells an app what
 * time it is, only whether one has passed (vmn_is_past()), so that what it
 * computes depends on the times that it has asked for, and on no other.  So
 * this looks for the week, and then asks for the first times that are to
 * come.  Not for what becomes of a rule at other times (policy-rules.c). */

#include "firewall.h"

#define MINUTE INT64_C(60)
#define DAY (24 * 60 * MINUTE)
#define WEEK (VMN_N_DAYS * DAY)
/* 1970-01-05, the first Monday that there is. */
#define FIRST_WEEK (4 * DAY)
/* More weeks than there are until the year 9999. */
#define N_WEEKS (INT64_C(1) << 19)

/* Returns when the present week has begun.  Besides the beginning of the next
 * one this asks for few times, which are years away. */
static int64_t
find_week(struct vmn_view *view)
{
    int64_t present = 0, later = 1;

    while (later < N_WEEKS && vmn_is_past(view, FIRST_WEEK + later * WEEK)) {
        present = later;
        later *= 2;
    }
    while (later - present > 1) {
        int64_t middle = present + (later - present) / 2;

        if (vmn_is_past(view, FIRST_WEEK + middle * WEEK)) {
            present = middle;
        } else {
            later = middle;
        }
    }
    return FIRST_WEEK + present * WEEK;
}

/* Returns the seconds since midnight at "HH:MM". */
static int64_t
parse_time(const char *text)
{
    int hours = 10 * (text[0] - '0') + text[1] - '0';
    int minutes = 10 * (text[3] - '0') + text[4] - '0';

    return (60 * hours + minutes) * MINUTE;
}

/* Returns true if 'text', or a time that is not set, has passed. */
static bool
is_past(struct vmn_view *view, const char *text, bool if_unset)
{
    int64_t when;

    return (text && vmn_time_from_text(text, &when) ? vmn_is_past(view, when)
            : if_unset);
}

/* As vmn_time_in_zone(); what is in UTC costs nothing. */
static bool
in_zone(struct vmn_view *view, const char *timezone, int64_t local,
        int64_t *when)
{
    if (!timezone) {
        *when = local;
        return true;
    }
    return vmn_time_in_zone(view, timezone, local, when);
}

/* Asks for the window's times in the order in which they come, up to the first
 * one that has not: those of the present week by its zone, which may have
 * begun before that of UTC or may begin after it, and of the day before, since
 * what has begun then may end in it. */
static bool
is_open(struct vmn_view *view, const struct vmn_window *window, int64_t week)
{
    int64_t start = parse_time(window->start);
    int64_t length = parse_time(window->end) - start;

    if (length <= 0) {
        length += DAY;
    }
    for (int day = -2; day <= VMN_N_DAYS; day++) {
        int64_t local = week + day * DAY + start;
        int64_t begin, end;

        if (!window->days[(day + VMN_N_DAYS) % VMN_N_DAYS]) {
            continue;
        }
        if (!in_zone(view, window->timezone, local, &begin)
            || !vmn_is_past(view, begin)
            || !in_zone(view, window->timezone, local + length, &end)) {
            return false;
        }
        if (!vmn_is_past(view, end)) {
            return true;
        }
    }
    return false;
}

bool
rule_is_valid(struct vmn_view *view, const struct vmn_rule *rule)
{
    int64_t week = rule->n_windows ? find_week(view) : 0;

    for (size_t i = 0; i < rule->n_windows; i++) {
        const struct vmn_window *window = vmn_window_at(rule, i);

        if (is_past(view, window->not_before, true)
            && !is_past(view, window->not_after, false)
            && is_open(view, window, week)) {
            return true;
        }
    }
    return !rule->n_windows;
}
