/* SPDX-License-Identifier: Apache-2.0
 *
 * The delay between groups; see batching.h. */

#include <config.h>

#include "controller/commit/batching.h"

#include "util.h"

/* Maximum number of groups between two attempts, while waiting does not
 * help. */
#define SKIP_MAX 63

int64_t
batching_wait(struct batching *batching, bool behind, size_t n, int64_t now_us)
{
    if (!behind || now_us >= batching->not_before_us) {
        return 0;
    }
    if (!batching->waiting) {
        batching->waiting = true;
        batching->n_first = n;
    }
    return batching->not_before_us - now_us;
}

void
batching_begin(struct batching *batching, size_t n)
{
    if (batching->waiting) {
        batching->waiting = false;
        batching->fruitless = n <= batching->n_first;
        if (!batching->fruitless) {
            batching->skip = 0;
        }
    }
}

void
batching_sent(struct batching *batching, bool behind, int64_t now_us)
{
    if (batching->fruitless) {
        batching->fruitless = false;
        batching->delay_us = 0;
        batching->skip = MIN(2 * batching->skip + 1, SKIP_MAX);
        batching->n_skipped = 0;
    } else if (!behind) {
        batching->delay_us /= 2;
        if (batching->delay_us < BATCHING_MIN_US) {
            batching->delay_us = 0;
        }
    } else if (batching->n_skipped < batching->skip) {
        batching->n_skipped++;
    } else {
        batching->delay_us = MIN(MAX(2 * batching->delay_us, BATCHING_MIN_US),
                                 batching->max_us);
    }
    batching->not_before_us = now_us + batching->delay_us;
}
