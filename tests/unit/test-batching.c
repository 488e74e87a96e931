/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of the delay between groups, on a clock of their own. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "controller/commit/batching.h"
#include "util.h"

#define MAX_US 20000

static struct batching pace;
static int64_t now;

/* A group of 'n' requests that come at once, all of them at 'now' but for
 * 'n_later', which come while it waits; 'behind' from its beginning on.
 * Returns how long it waited. */
static int64_t
group(size_t n, size_t n_later, bool behind)
{
    int64_t us = batching_wait(&pace, behind, n, now);

    now += us;
    assert_int_equal(batching_wait(&pace, behind, n, now), 0);
    batching_begin(&pace, n + (us ? n_later : 0));
    batching_sent(&pace, behind, now);
    return us;
}

static int
setup(void **state OVS_UNUSED)
{
    pace = (struct batching) { .max_us = MAX_US };
    now = 1000000000;
    return 0;
}

static void
nothing_waits_while_hosts_keep_up(void **state OVS_UNUSED)
{
    for (int i = 0; i < 100; i++) {
        assert_int_equal(group(1, 0, false), 0);
        now += 100;
    }
}

static void
lone_change_never_waits(void **state OVS_UNUSED)
{
    /* Whatever was before. */
    for (int i = 0; i < 10; i++) {
        group(1, 5, true);
    }
    assert_int_equal(pace.delay_us, MAX_US);
    now += MAX_US;
    assert_int_equal(batching_wait(&pace, true, 1, now), 0);
    assert_int_equal(batching_wait(&pace, false, 1, now - MAX_US), 0);
}

static void
delay_grows_to_its_bound_while_hosts_are_behind(void **state OVS_UNUSED)
{
    int64_t last = -1;

    assert_int_equal(group(1, 5, true), 0);     /* None was before it. */
    for (int us = BATCHING_MIN_US; us < MAX_US; us *= 2) {
        assert_int_equal(group(1, 5, true), us);
    }
    for (int i = 0; i < 10; i++) {
        last = group(1, 5, true);
    }
    assert_int_equal(last, MAX_US);
}

static void
delay_shrinks_to_none_when_hosts_keep_up(void **state OVS_UNUSED)
{
    for (int i = 0; i < 10; i++) {
        group(1, 5, true);
    }
    for (int64_t us = MAX_US; us >= 2 * BATCHING_MIN_US; us /= 2) {
        assert_int_equal(pace.delay_us, us);
        batching_sent(&pace, false, now);
    }
    batching_sent(&pace, false, now);
    assert_int_equal(pace.delay_us, 0);
}

static void
wait_ends_when_hosts_have_caught_up(void **state OVS_UNUSED)
{
    for (int i = 0; i < 10; i++) {
        group(1, 5, true);
    }
    assert_int_equal(batching_wait(&pace, true, 1, now), MAX_US);
    now += 300;
    assert_int_equal(batching_wait(&pace, false, 2, now), 0);
    batching_begin(&pace, 2);
    assert_false(pace.waiting);
    assert_false(pace.fruitless);
}

/* One client that waits for each answer gains nothing from waiting: it does so
 * less and less. */
static void
waiting_for_nobody_becomes_rare(void **state OVS_UNUSED)
{
    int n_waits = 0;

    for (int i = 0; i < 1000; i++) {
        int64_t us = group(1, 0, true);

        assert_true(us <= BATCHING_MIN_US);
        n_waits += us > 0;
        now += 10;
    }
    assert_true(n_waits > 5 && n_waits < 40);

    /* Until others come. */
    for (int i = 0; i < 200; i++) {
        group(1, 1, true);
    }
    assert_int_equal(pace.delay_us, MAX_US);
}

static void
bound_of_none_means_no_wait(void **state OVS_UNUSED)
{
    pace.max_us = 0;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(group(1, 5, true), 0);
    }
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup(NAME, setup)
        T(nothing_waits_while_hosts_keep_up),
        T(lone_change_never_waits),
        T(delay_grows_to_its_bound_while_hosts_are_behind),
        T(delay_shrinks_to_none_when_hosts_keep_up),
        T(wait_ends_when_hosts_have_caught_up),
        T(waiting_for_nobody_becomes_rare),
        T(bound_of_none_means_no_wait),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
