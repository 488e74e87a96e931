/* SPDX-License-Identifier: Apache-2.0
 *
 * Histograms of durations; see histogram.h. */

#include <config.h>

#include "controller/histogram.h"

const uint32_t histogram_us[HISTOGRAM_N_BOUNDS] = {
    500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000,
    1000000, 2500000, 5000000, 10000000, 30000000,
};

void
histogram_add(struct histogram *histogram, int64_t us)
{
    int i = 0;

    if (us < 0) {
        us = 0;
    }
    while (i < HISTOGRAM_N_BOUNDS && us > histogram_us[i]) {
        i++;
    }
    histogram->n[i]++;
    histogram->total_us += us;
}
