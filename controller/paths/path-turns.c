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

/* Adds paths that are as urgent as that, until there are 'max', and returns
 * how many there are then.  '*less': if there are less, how urgent others are
 * at most. */
static size_t
take_urgent(struct path_turns *t, size_t n, unsigned urgency,
            path_turns_urgent_cb *urgent, const void *aux, size_t picks[],
            size_t n_picks, size_t max, unsigned *less)
{
    size_t from = n ? t->next_urgent[urgency] % n : 0;

    *less = 0;
    for (size_t i = 0; i < n && n_picks < max; i++) {
        size_t at = (from + i) % n;
        unsigned this = urgent(aux, at);

        if (this == urgency) {
            picks[n_picks++] = at;
            t->next_urgent[urgency] = at + 1;
        } else if (this < urgency) {
            *less = MAX(*less, this);
        }
    }
    return n_picks;
}

size_t
path_turns_take(struct path_turns *t, size_t n, size_t n_taken,
                path_turns_urgent_cb *urgent, const void *aux,
                size_t picks[PATH_TURN_PATHS])
{
    size_t n_urgent = n_taken < PATH_TURN_URGENT ? PATH_TURN_URGENT - n_taken
                      : 1;
    size_t n_picks = 0, from = n ? t->next % n : 0;

    for (unsigned u = PATH_URGENCIES - 1, less; u && n_picks < n_urgent;
         u = less) {
        n_picks = take_urgent(t, n, u, urgent, aux, picks, n_picks, n_urgent,
                              &less);
    }
    for (size_t i = 0; i < n && n_picks + n_taken < PATH_TURN_PATHS; i++) {
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
