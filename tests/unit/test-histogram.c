/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranges of time: a bound is part of the range below it. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "controller/histogram.h"

static void
each_time_is_in_one_range(void **state)
{
    struct histogram h = { .n = { 0 } };
    uint64_t n = 0;

    (void) state;
    histogram_add(&h, 0);
    histogram_add(&h, -5);
    histogram_add(&h, histogram_us[0]);
    assert_int_equal(h.n[0], 3);
    histogram_add(&h, histogram_us[0] + 1);
    histogram_add(&h, histogram_us[1]);
    assert_int_equal(h.n[1], 2);
    histogram_add(&h, histogram_us[HISTOGRAM_N_BOUNDS - 1]);
    assert_int_equal(h.n[HISTOGRAM_N_BOUNDS - 1], 1);
    histogram_add(&h, INT64_C(1) << 40);
    assert_int_equal(h.n[HISTOGRAM_N_BOUNDS], 1);
    for (int i = 0; i <= HISTOGRAM_N_BOUNDS; i++) {
        n += h.n[i];
    }
    assert_int_equal(n, 7);
    assert_int_equal(h.total_us, 2 * histogram_us[0] + 1 + histogram_us[1]
                     + histogram_us[HISTOGRAM_N_BOUNDS - 1]
                     + (INT64_C(1) << 40));
}

static void
bounds_grow(void **state)
{
    (void) state;
    for (int i = 1; i < HISTOGRAM_N_BOUNDS; i++) {
        assert_true(histogram_us[i - 1] < histogram_us[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_time_is_in_one_range),
        cmocka_unit_test(bounds_grow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
