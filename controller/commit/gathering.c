/* SPDX-License-Identifier: Apache-2.0
 *
 * The wait for those who have just been answered; see gathering.h. */

#include <config.h>

#include "controller/commit/gathering.h"

#include "util.h"

/* Maximum number of groups between two waits, while nobody comes. */
#define SKIP_MAX 63

void
gathering_stored(struct gathering *g, size_t n_group, size_t n_queue,
                 int64_t took_us, int64_t now_us)
{
    g->n_expected = n_group + n_queue;
    g->until_us = now_us;
    if (took_us < GATHERING_MIN_US || g->n_expected < 2) {
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
    if (n >= g->n_expected || now_us >= g->until_us) {
        return 0;
    }
    if (!g->waiting) {
        g->waiting = true;
        g->since_us = now_us;
        g->n_first = n;
    }
    return g->until_us - now_us;
}

void
gathering_begin(struct gathering *g, size_t n, int64_t now_us)
{
    if (g->waiting) {
        g->waiting = false;
        g->n_waits++;
        g->waited_us += now_us - g->since_us;
        g->n_skipped = 0;
        g->skip = n > g->n_first ? 0 : MIN(2 * g->skip + 1, SKIP_MAX);
    }
    g->n_expected = 0;
}
