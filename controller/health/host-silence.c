/* SPDX-License-Identifier: Apache-2.0
 *
 * See host-silence.h. */

#include <config.h>

#include "controller/health/host-silence.h"

#include "util.h"

/* The first look, and the longest time between two, in microseconds. */
#define DELAY_MIN_US 2000
#define DELAY_MAX_US (1000 * 1000)

void
silence_begin(struct silence *s, int64_t now_us)
{
    s->probed_us = now_us;
    s->delay_us = DELAY_MIN_US;
    s->next_us = now_us + s->delay_us;
}

int64_t
silence_next_us(const struct silence *s)
{
    return s->next_us;
}

enum silence_verdict
silence_look(struct silence *s, bool heard, int64_t at_us, int64_t now_us)
{
    bool soon = at_us - s->probed_us <= SILENCE_SOON_US;

    if (!heard) {
        s->delay_us = MIN(s->delay_us * 2, DELAY_MAX_US);
        s->next_us = MAX(at_us, now_us) + s->delay_us;
        return SILENCE_UNKNOWN;
    }
    s->probed_us = 0;
    if (!soon && s->n_unproven < SILENCE_UNPROVEN_MAX) {
        s->n_unproven++;
        return SILENCE_UNPROVEN;
    }
    s->n_unproven = 0;
    return SILENCE_BACKEND;
}
