/* SPDX-License-Identifier: Apache-2.0
 *
 * The delay between groups; see batching.h. */

#include <config.h>

#include "controller/commit/batching.h"

#include "util.h"

/* Groups between two tries, where waiting is for nothing. */
#define SKIP_MAX 63

int64_t
batching_wait(struct batching *pace, bool behind, size_t n, int64_t now_us)
{
    if (!behind || now_us >= pace->not_before_us) {
        return 0;
    }
    if (!pace->waiting) {
        pace->waiting = true;
        pace->since_us = now_us;
        pace->n_first = n;
    }
    return pace->not_before_us - now_us;
}

void
batching_begin(struct batching *pace, size_t n, int64_t now_us)
{
    if (pace->waiting) {
        pace->waiting = false;
        pace->fruitless = n <= pace->n_first;
        pace->n_waits++;
        pace->waited_us += now_us - pace->since_us;
        if (!pace->fruitless) {
            pace->skip = 0;
        }
    }
}

void
batching_sent(struct batching *pace, bool behind, int64_t now_us)
{
    if (pace->fruitless) {
        pace->fruitless = false;
        pace->delay_us = 0;
        pace->skip = MIN(2 * pace->skip + 1, SKIP_MAX);
        pace->n_skipped = 0;
    } else if (!behind) {
        pace->delay_us /= 2;
        if (pace->delay_us < BATCHING_MIN_US) {
            pace->delay_us = 0;
        }
    } else if (pace->n_skipped < pace->skip) {
        pace->n_skipped++;
    } else {
        pace->delay_us = MIN(MAX(2 * pace->delay_us, BATCHING_MIN_US),
                             pace->max_us);
    }
    pace->not_before_us = now_us + pace->delay_us;
}
