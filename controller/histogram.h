/* SPDX-License-Identifier: Apache-2.0
 *
 * How long things took, in ranges of time: what /metrics shows as a histogram.
 * Any room may keep one; northbound prints it.  Turns of the loop have one of
 * their own (proto/loop/loop.h), with finer ranges. */

#ifndef CONTROLLER_HISTOGRAM_H
#define CONTROLLER_HISTOGRAM_H 1

#include <stdint.h>

#define HISTOGRAM_N_BOUNDS 15
extern const uint32_t histogram_us[HISTOGRAM_N_BOUNDS];

/* n[i] took no longer than histogram_us[i] and longer than the one before; the
 * last element is for all that took longer.  All zero: nothing yet. */
struct histogram {
    uint64_t n[HISTOGRAM_N_BOUNDS + 1];
    uint64_t total_us;
};

/* What took less than nothing, by a clock that was set, took nothing. */
void histogram_add(struct histogram *, int64_t us);

#endif /* controller/histogram.h */
