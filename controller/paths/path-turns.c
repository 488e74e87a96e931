/* SPDX-License-Identifier: Apache-2.0
 *
 * See path-turns.h. */

#include <config.h>

#include "controller/paths/path-turns.h"

#include "util.h"

static bool
is_picked(const size_t picks[], size_t n, size_t i)
{
    for (size_t j = 0; j < n; j++) {
        if (picks[j] == i) {
            return true;
        }
    }
    return false;
}

size_t
path_turns_take(struct path_turns *t, size_t n, path_turns_urgent_cb *urgent,
                const void *aux, size_t picks[PATH_TURN_PATHS])
{
    size_t n_picks = 0, from = n ? t->next_urgent % n : 0;

    for (size_t i = 0; i < n && n_picks < PATH_TURN_URGENT; i++) {
        size_t at = (from + i) % n;

        if (urgent(aux, at)) {
            picks[n_picks++] = at;
            t->next_urgent = at + 1;
        }
    }
    from = n ? t->next % n : 0;
    for (size_t i = 0; i < n && n_picks < PATH_TURN_PATHS; i++) {
        size_t at = (from + i) % n;

        if (!is_picked(picks, n_picks, at)) {
            picks[n_picks++] = at;
        }
        t->next = at + 1;
    }
    return n_picks;
}

int64_t
path_turns_interval_us(size_t n_hosts)
{
    int64_t all_us = (int64_t) n_hosts * PATH_TURN_PATHS * 1000000
                     / PATH_RATE_MAX;

    return MAX(all_us, PATH_TURN_MIN_US);
}
