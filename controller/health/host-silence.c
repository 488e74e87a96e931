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
host_silence_begin(struct host_silence *s, int64_t now_us)
{
    s->probed_us = now_us;
    s->delay_us = DELAY_MIN_US;
    s->next_us = now_us + s->delay_us;
}

int64_t
host_silence_next_us(const struct host_silence *s)
{
    return s->next_us;
}

enum host_silence_verdict
host_silence_look(struct host_silence *s, bool heard, int64_t at_us,
                  int64_t now_us)
{
    bool soon = at_us - s->probed_us <= HOST_SILENCE_SOON_US;

    if (!heard) {
        s->delay_us = MIN(s->delay_us * 2, DELAY_MAX_US);
        s->next_us = MAX(at_us, now_us) + s->delay_us;
        return HOST_SILENCE_UNKNOWN;
    }
    s->probed_us = 0;
    if (!soon && s->n_unproven < HOST_SILENCE_UNPROVEN_MAX) {
        s->n_unproven++;
        return HOST_SILENCE_UNPROVEN;
    }
    s->n_unproven = 0;
    return HOST_SILENCE_BACKEND;
}
