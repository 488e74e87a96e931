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
    *w = (struct path_window) { .since_down = PATH_WINDOW };
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

/* Returns how many in the window were lost; of a cut, none. */
static unsigned
window_lost(const struct path_window *w)
{
    return w->n - count_1bits(w->answered);
}

unsigned
path_window_count(const struct path_window *w, unsigned *lost)
{
    uint32_t answered = w->cut < PATH_WINDOW ? w->answered << w->cut : 0;
    unsigned n = MIN(w->n + w->cut, PATH_WINDOW);

    *lost = n - count_1bits(answered);
    return n;
}

/* Counts one more in a row, which ends the other row. */
static void
count(uint8_t *row, uint8_t *other)
{
    *row = MIN(*row + 1, UINT8_MAX);
    *other = 0;
}

/* Adds a result to the window. */
static void
add_to_window(struct path_window *w, bool answered)
{
    w->answered = w->answered << 1 | answered;
    w->n = MIN(w->n + 1, PATH_WINDOW);
    w->since_down = MIN(w->since_down + 1, PATH_WINDOW);
    w->cut = 0;
}

/* The path is down: what was lost in a row just now is not loss, unless that
 * has happened a short while ago, too. */
static void
begin_down(struct path_window *w)
{
    unsigned row = MIN(w->lost_row, w->n);

    w->down = true;
    w->lossy |= w->since_down < PATH_WINDOW;
    w->since_down = 0;
    w->cut = row;
    w->answered >>= row;        /* Less than PATH_WINDOW. */
    w->n -= row;
    path_least_init(&w->took);
}

static void
end_down(struct path_window *w)
{
    w->down = w->too_small = false;
    w->large_lost_row = w->large_answered_row = 0;
}

/* Says whether the path is lossy, as of what is in the window.  Those that
 * were lost just now may be the first of a cut. */
static void
judge_loss(struct path_window *w)
{
    unsigned lost = window_lost(w);

    if (w->n >= PATH_LOSSY_OF && lost >= PATH_LOSSY_FROM && !w->lost_row) {
        w->lossy = true;
    } else if (w->n == PATH_WINDOW && w->since_down == PATH_WINDOW
               && lost <= PATH_LOSSY_UNTIL) {
        w->lossy = false;
    }
}

bool
path_window_add(struct path_window *w, bool answered, int64_t took_us)
{
    enum path_state before = path_window_state(w);

    if (answered) {
        count(&w->answered_row, &w->lost_row);
        if (took_us >= 0) {
            path_least_add(&w->took, took_us);
        }
        add_to_window(w, true);
        if (w->down && w->answered_row >= PATH_UP_AFTER) {
            end_down(w);
        }
    } else {
        count(&w->lost_row, &w->answered_row);
        if (w->cut) {
            w->cut = MIN(w->cut + 1, UINT8_MAX);
        } else {
            add_to_window(w, false);
            if (!w->down && w->lost_row >= (w->lossy ? PATH_DOWN_AFTER_LOSSY
                                            : PATH_DOWN_AFTER)) {
                begin_down(w);
            }
        }
    }
    judge_loss(w);
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
        if (w->large_lost_row >= (window_lost(w) > PATH_LOSSY_UNTIL || w->lossy
                                  ? PATH_MTU_AFTER_LOSSY : PATH_MTU_AFTER)) {
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
path_window_is_undecided(const struct path_window *w)
{
    return w->down ? w->answered_row : w->lost_row;
}

bool
path_window_is_large_urgent(const struct path_window *w)
{
    return w->large_lost_row || w->too_small;
}
