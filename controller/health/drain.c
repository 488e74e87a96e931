/* SPDX-License-Identifier: Apache-2.0
 *
 * See drain.h. */

#include <config.h>

#include "controller/health/drain.h"

#include <stddef.h>

#include "util.h"

bool
drain_set(struct drain *d, bool wanted, int64_t max_ms, int64_t edited_ms,
          int64_t wall_ms, int64_t now_us)
{
    bool taken_back = !wanted && d->is_over;

    if (wanted && !d->goes_on && !d->is_over) {
        /* Its start is not stored, but it is not later than the last edit. */
        int64_t ago_ms = wall_ms - edited_ms;

        d->from_us = now_us - MIN(MAX(ago_ms, 0), max_ms) * 1000;
        d->begun_us = now_us;
    }
    d->latest_us = d->from_us + max_ms * 1000;
    if (taken_back) {
        d->is_over = false;
        d->result = DRAIN_UNKNOWN;
    }
    d->goes_on = wanted && !d->is_over;
    return taken_back;
}

const char *
drain_end(struct drain *d, int64_t quiet_since_us, int64_t now_us)
{
    static const char *const why[] = {
        [DRAIN_UNKNOWN] = NULL,
        [DRAIN_QUIET] = "no client has sent it a packet for " DRAIN_QUIET_TEXT,
        [DRAIN_CUT] = "drain_seconds are over: open connections are cut, how "
                      "many is not known",
    };

    quiet_since_us = MAX(quiet_since_us, d->begun_us);
    d->result = (quiet_since_us <= now_us - DRAIN_QUIET_MS * INT64_C(1000)
                 ? DRAIN_QUIET
                 : now_us >= d->latest_us ? DRAIN_CUT : DRAIN_UNKNOWN);
    if (d->result != DRAIN_UNKNOWN) {
        d->goes_on = false;
        d->is_over = true;
    }
    return why[d->result];
}
