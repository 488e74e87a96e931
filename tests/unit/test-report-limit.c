/* SPDX-License-Identifier: Apache-2.0
 *
 * The rate of a host's reports (controller/fabric/ovsdb/report-limit.c), on a
 * clock of its own. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "controller/fabric/ovsdb/report-limit.h"
#include "timeval.h"

/* How many of 'n' reports that change something are taken in at once. */
static unsigned
take(struct report_limit *limit, unsigned n)
{
    unsigned taken = 0;

    for (unsigned i = 0; i < n; i++) {
        if (report_limit_begin(limit, 0)) {
            report_limit_end(limit, true);
            taken++;
        }
    }
    return taken;
}

static void
burst_is_taken_in_at_once(void **state)
{
    struct report_limit limit;

    (void) state;
    /* So slow that no time that the test takes makes one more. */
    report_limit_init(&limit, 1, 0);
    assert_int_equal(take(&limit, 1000), REPORT_BURST_S);
    assert_in_range(limit.due_ms, 1, 2000);
}

static void
report_without_a_change_is_free(void **state)
{
    struct report_limit limit;

    (void) state;
    report_limit_init(&limit, 1, 0);
    for (int i = 0; i < 1000; i++) {
        assert_true(report_limit_begin(&limit, 0));
        report_limit_end(&limit, false);
    }
    assert_int_equal(take(&limit, 1000), REPORT_BURST_S);
}

static void
rate_of_zero_is_any_number(void **state)
{
    struct report_limit limit;

    (void) state;
    report_limit_init(&limit, 0, 0);
    assert_int_equal(take(&limit, 100000), 100000);
    assert_true(limit.due_ms == INT64_MAX);
}

static void
mtu_goes_down_at_once_and_up_later(void **state)
{
    struct report_limit limit;

    (void) state;
    report_limit_init(&limit, 0, 30000);
    assert_int_equal(report_limit_mtu(&limit, 0, 9000, 0), 9000);
    assert_int_equal(report_limit_mtu(&limit, 9000, 0, 0), 9000);
    assert_int_equal(report_limit_mtu(&limit, 9000, 1500, 10), 1500);
    assert_int_equal(report_limit_mtu(&limit, 1500, 9000, 20), 1500);
    assert_int_equal(limit.mtu_due_ms, 30020);
    assert_int_equal(report_limit_mtu(&limit, 1500, 9000, 30019), 1500);
    assert_int_equal(report_limit_mtu(&limit, 1500, 9000, 30020), 9000);
    assert_true(limit.mtu_due_ms == INT64_MAX);
}

/* One that flips all the time gets the lower one, and each time that it has
 * waited for long enough it has to wait twice as long. */
static void
mtu_that_flips_stays_low(void **state)
{
    struct report_limit limit;
    uint32_t held = 9000;
    int n_changes = 0;

    (void) state;
    report_limit_init(&limit, 0, 30000);
    for (int64_t now = 0; now < 3600 * 1000; now += 10) {
        uint32_t next = report_limit_mtu(&limit, held,
                                         now / 10 % 2 ? 9000 : 1500, now);

        n_changes += next != held;
        held = next;
    }
    assert_int_equal(n_changes, 1);
    assert_int_equal(held, 1500);

    /* As one does that knows the rule: up for as long as it takes. */
    for (int64_t now = 3600 * 1000; now < 2 * 3600 * 1000; now += 1000) {
        uint32_t next = report_limit_mtu(&limit, held,
                                         held == 1500 ? 9000 : 1500, now);

        n_changes += next != held;
        held = next;
    }
    assert_in_range(n_changes, 2, 20);
}

/* Lower, and lower again. */
static void
mtu_goes_down_by_steps_at_a_rate(void **state)
{
    struct report_limit limit;
    uint32_t held = 9000;
    int n_changes = 0;

    (void) state;
    report_limit_init(&limit, 0, 30000);
    for (int i = 0; i < 5000; i++) {
        uint32_t next = report_limit_mtu(&limit, held, 8999 - i, 10 * i);

        n_changes += next != held;
        held = next;
    }
    assert_int_equal(n_changes, 50000 / REPORT_MTU_LOWER_MS);
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(burst_is_taken_in_at_once),
        cmocka_unit_test(report_without_a_change_is_free),
        cmocka_unit_test(rate_of_zero_is_any_number),
        cmocka_unit_test(mtu_goes_down_at_once_and_up_later),
        cmocka_unit_test(mtu_that_flips_stays_low),
        cmocka_unit_test(mtu_goes_down_by_steps_at_a_rate),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
