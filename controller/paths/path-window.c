/* SPDX-License-Identifier: Apache-2.0
 *
 * See path-window.h. */

#include <config.h>

#include "controller/paths/path-window.h"

#include "util.h"

const char *const path_state_names[PATH_N_STATES] = {
    [PATH_UNKNOWN] = "unknown", [PATH_UP] = "up", [PATH_LOSSY] = "lossy",
    [PATH_MTU] = "mtu", [PATH_DOWN] = "down",
};

void
path_least_init(struct path_least *least)
{
    *least = (struct path_least) { 0, { UINT32_MAX, UINT32_MAX } };
}

void
path_least_add(struct path_least *least, int64_t us)
{
    if (least->n >= PATH_LEAST_OF) {
        least->us[1] = least->us[0];
        least->us[0] = UINT32_MAX;
        least->n = 0;
    }
    least->us[0] = MIN(least->us[0], MIN(MAX(us, 0), UINT32_MAX - 1));
    least->n++;
}

int64_t
path_least_get(const struct path_least *least)
{
    uint32_t us = MIN(least->us[0], least->us[1]);

    return us == UINT32_MAX ? -1 : (int64_t) us;
}

void
path_window_init(struct path_window *w)
{
    *w = (struct path_window) { .n = 0 };
    path_least_init(&w->took);
}

enum path_state
path_window_state(const struct path_window *w)
{
    return (w->down ? PATH_DOWN
            : !w->answered ? PATH_UNKNOWN
            : w->too_small ? PATH_MTU
            : w->lossy ? PATH_LOSSY : PATH_UP);
}

unsigned
path_window_lost(const struct path_window *w)
{
    return w->n - count_1bits(w->answered);
}

/* Counts one more in a row, which ends the other row. */
static void
count(uint8_t *row, uint8_t *other)
{
    *row = MIN(*row + 1, UINT8_MAX);
    *other = 0;
}

/* A path that is up again begins anew: what was lost while it was down is not
 * loss. */
static void
begin_again(struct path_window *w)
{
    w->down = w->lossy = w->too_small = false;
    w->n = PATH_UP_AFTER;
    w->answered = (1u << PATH_UP_AFTER) - 1;
    w->large_lost_row = w->large_answered_row = 0;
}

bool
path_window_add(struct path_window *w, bool answered, int64_t took_us)
{
    enum path_state before = path_window_state(w);
    unsigned lost;

    w->answered = w->answered << 1 | answered;
    w->n = MIN(w->n + 1, PATH_WINDOW);
    if (answered) {
        count(&w->answered_row, &w->lost_row);
        path_least_add(&w->took, took_us);
        if (w->down && w->answered_row >= PATH_UP_AFTER) {
            begin_again(w);
        }
    } else {
        count(&w->lost_row, &w->answered_row);
        if (w->lost_row >= PATH_DOWN_AFTER && !w->down) {
            w->down = true;
            path_least_init(&w->took);
        }
    }
    lost = path_window_lost(w);
    if (w->n >= PATH_LOSSY_OF && lost >= PATH_LOSSY_FROM) {
        w->lossy = true;
    } else if (lost <= PATH_LOSSY_UNTIL) {
        w->lossy = false;
    }
    return path_window_state(w) != before;
}

bool
path_window_add_large(struct path_window *w, bool answered)
{
    enum path_state before = path_window_state(w);

    if (answered) {
        count(&w->large_answered_row, &w->large_lost_row);
        if (w->large_answered_row >= PATH_MTU_UNTIL) {
            w->too_small = false;
        }
    } else {
        count(&w->large_lost_row, &w->large_answered_row);
        if (w->large_lost_row >= PATH_MTU_AFTER) {
            w->too_small = true;
        }
    }
    return path_window_state(w) != before;
}

bool
path_window_is_urgent(const struct path_window *w)
{
    return w->lost_row || w->down || path_window_is_large_urgent(w);
}

bool
path_window_is_large_urgent(const struct path_window *w)
{
    return w->large_lost_row || w->too_small;
}
