/* SPDX-License-Identifier: Apache-2.0
 *
 * Histograms of durations, for /metrics.  Any room may have one; northbound
 * prints it.  The iterations of the loop have a histogram of their own with
 * finer buckets (proto/loop/loop.h). */

#ifndef CONTROLLER_HISTOGRAM_H
#define CONTROLLER_HISTOGRAM_H 1

#include <stdint.h>

#define HISTOGRAM_N_BOUNDS 15
extern const uint32_t histogram_us[HISTOGRAM_N_BOUNDS];

/* n[i] counts durations up to histogram_us[i] and above the bound before; the
 * last element counts all above.  Zero-initialized, it is empty. */
struct histogram {
    uint64_t n[HISTOGRAM_N_BOUNDS + 1];
    uint64_t total_us;
};

/* Adds a duration in microseconds.  A negative one, by a clock that was set,
 * counts as 0. */
void histogram_add(struct histogram *, int64_t us);

#endif /* controller/histogram.h */
