/* SPDX-License-Identifier: Apache-2.0
 *
 * The wait for those who have just been answered; see gathering.h. */

#include <config.h>

#include "controller/commit/gathering.h"

#include "util.h"

/* Maximum number of groups between two waits, while too few come. */
#define SKIP_MAX 63

void
gathering_answered(struct gathering *g, size_t n, int64_t took_us,
                   int64_t now_us)
{
    g->n_expected = n;
    g->until_us = now_us;
    if (took_us < GATHERING_MIN_US || n < 2) {
        /* No wait. */
    } else if (g->n_skipped < g->skip) {
        g->n_skipped++;
    } else {
        g->until_us += MIN(took_us / 2, g->max_us);
    }
}

int64_t
gathering_wait(struct gathering *g, size_t n, int64_t now_us)
{
    if (!n || n >= g->n_expected || now_us >= g->until_us) {
        return 0;
    }
    if (!g->waiting) {
        g->waiting = true;
        g->n_first = n;
    }
    return g->until_us - now_us;
}

void
gathering_begin(struct gathering *g, size_t n)
{
    if (g->waiting) {
        size_t n_missing = g->n_expected - g->n_first;
        size_t n_came = n > g->n_first ? n - g->n_first : 0;

        g->waiting = false;
        g->n_skipped = 0;
        g->skip = 2 * n_came >= n_missing ? 0 : MIN(2 * g->skip + 1, SKIP_MAX);
    }
    g->n_expected = 0;
}
