/* SPDX-License-Identifier: Apache-2.0
 *
 * Decides whose silence it is when a probe gets no answer: the backend's, or
 * its host's, whose control link may be cut.  Nothing is held against a
 * backend while nobody can say.  A pure state machine: its caller has the
 * clock, asks the host and hears it.  Not for what follows (prober.c).
 *
 * The host is probed at the probe's timeout.  If it answers soon the probe got
 * there, and so would have the backend's answer.  If it answers late, the link
 * was perhaps cut in between, and the probe proves nothing. */

#ifndef CONTROLLER_HEALTH_HOST_SILENCE_H
#define CONTROLLER_HEALTH_HOST_SILENCE_H 1

#include <stdbool.h>
#include <stdint.h>

/* How soon a host has to answer, in microseconds.  TCP, which lost a segment,
 * takes longer: it tries again after 200 ms. */
#define HOST_SILENCE_SOON_US (190 * 1000)
/* As many probes in a row may prove nothing; the next one is believed, as on a
 * host that always takes that long. */
#define HOST_SILENCE_UNPROVEN_MAX 3

enum host_silence_verdict {
    HOST_SILENCE_UNKNOWN,       /* Look again at host_silence_next_us(). */
    HOST_SILENCE_BACKEND,       /* The backend has not answered. */
    HOST_SILENCE_UNPROVEN,      /* The probe is to be repeated. */
};

struct host_silence {
    int64_t probed_us;          /* When the host was probed; 0: it has answered
                                 * since. */
    int64_t next_us;
    int64_t delay_us;           /* From one look to the next. */
    unsigned n_unproven;        /* In a row. */
};

/* Begins: the host is probed now. */
void host_silence_begin(struct host_silence *, int64_t now_us);

/* Returns when to look next. */
int64_t host_silence_next_us(const struct host_silence *);

/* Returns the verdict of a look at 'at_us', the time at which it was due,
 * however late it is.  'heard': the host was heard since 'probed_us'. */
enum host_silence_verdict host_silence_look(struct host_silence *, bool heard,
                                            int64_t at_us, int64_t now_us);

#endif /* controller/health/host-silence.h */
