/* SPDX-License-Identifier: Apache-2.0
 *
 * Limits the rate of a host's reports; see report-limit.h. */

#include <config.h>

#include "controller/fabric/ovsdb/report-limit.h"

#include "util.h"

/* Tokens per change: token-bucket.h's unit of tokens per millisecond then is
 * changes per second. */
#define TOKENS 1000

void
report_limit_init(struct report_limit *limit, unsigned rate, int mtu_hold_ms)
{
    *limit = (struct report_limit) {
        .rate = rate,
        .due_ms = INT64_MAX,
        .mtu_hold_ms = mtu_hold_ms,
        .mtu_wait_ms = mtu_hold_ms,
        .mtu_lowered_ms = INT64_MIN,
        .mtu_due_ms = INT64_MAX,
    };
    token_bucket_init(&limit->bucket, rate, rate * REPORT_BURST_S * TOKENS);
}

bool
report_limit_begin(struct report_limit *limit, int64_t now_ms)
{
    if (limit->rate && !token_bucket_withdraw(&limit->bucket, TOKENS)) {
        limit->due_ms = now_ms + TOKENS / limit->rate + 1;
        return false;
    }
    limit->due_ms = INT64_MAX;
    return true;
}

void
report_limit_end(struct report_limit *limit, bool changed)
{
    if (!changed && limit->rate) {
        limit->bucket.tokens += TOKENS;
    }
}

/* The MTU decreases: the next increase is delayed longer, if this is not the
 * first recent decrease. */
static uint32_t
lower(struct report_limit *limit, uint32_t mtu, int64_t now_ms)
{
    bool calm = (limit->mtu_lowered_ms == INT64_MIN
                 || now_ms - limit->mtu_lowered_ms > REPORT_MTU_CALM_MS);

    limit->mtu_wait_ms = (calm ? limit->mtu_hold_ms
                          : MIN(2 * limit->mtu_wait_ms,
                                REPORT_MTU_HOLD_MAX_MS));
    limit->mtu_lowered_ms = now_ms;
    return mtu;
}

uint32_t
report_limit_mtu(struct report_limit *limit, uint32_t held,
                 uint32_t reported, int64_t now_ms)
{
    int64_t due_ms;

    limit->mtu_due_ms = INT64_MAX;
    if (!reported) {
        return held;
    }
    if (reported != limit->mtu) {
        limit->mtu = reported;
        limit->mtu_since_ms = now_ms;
    }
    if (!held || !limit->mtu_hold_ms || reported == held) {
        return reported;
    }
    if (reported > held) {
        due_ms = limit->mtu_since_ms + limit->mtu_wait_ms;
        if (now_ms >= due_ms) {
            return reported;
        }
    } else {
        due_ms = (limit->mtu_lowered_ms == INT64_MIN ? now_ms
                  : limit->mtu_lowered_ms + REPORT_MTU_LOWER_MS);
        if (now_ms >= due_ms) {
            return lower(limit, reported, now_ms);
        }
    }
    limit->mtu_due_ms = due_ms;
    return held;
}
