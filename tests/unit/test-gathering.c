/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of the wait for clients that were just answered, on a clock of
 * their own. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "controller/commit/gathering.h"
#include "util.h"

#define TOOK_US 4000
#define MAX_US 20000

static struct gathering gathering;
static int64_t now;

/* A group is stored, of 'n_group' clients while 'n_queue' wait; then come
 * 'n_back' of the former, and as many as there are begin when they may.
 * Returns how long they waited. */
static int64_t
group(size_t n_group, size_t n_queue, size_t n_back)
{
    int64_t since = now, us;

    gathering_answered(&gathering, n_group + n_queue, TOOK_US, now);
    us = n_queue ? gathering_wait(&gathering, n_queue, now) : 0;
    for (size_t i = 1; i <= n_back; i++) {
        now += 10;
        us = gathering_wait(&gathering, n_queue + i, now);
    }
    now += us;
    assert_int_equal(gathering_wait(&gathering, n_queue + n_back, now), 0);
    gathering_begin(&gathering, n_queue + n_back);
    return now - since;
}

static int
setup(void **state OVS_UNUSED)
{
    gathering = (struct gathering) { .max_us = MAX_US };
    now = 1000000000;
    return 0;
}

static void
client_alone_never_waits(void **state OVS_UNUSED)
{
    assert_int_equal(gathering_wait(&gathering, 1, now), 0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(group(1, 0, 1), 10);
    }
}

static void
group_begins_once_all_are_there(void **state OVS_UNUSED)
{
    /* They waited for the sixteenth alone. */
    assert_int_equal(group(16, 16, 16), 160);
    assert_int_equal(group(32, 0, 32), 320);
}

static void
it_waits_for_half_of_a_write_at_most(void **state OVS_UNUSED)
{
    assert_int_equal(group(16, 16, 8), TOOK_US / 2);

    gathering_answered(&gathering, 32, 1000 * TOOK_US, now);
    assert_int_equal(gathering_wait(&gathering, 16, now), MAX_US);
    now += 7;
    assert_int_equal(gathering_wait(&gathering, 17, now),
                     MAX_US - 7);
    gathering_begin(&gathering, 32);

    /* What comes later begins a group of its own. */
    gathering_answered(&gathering, 16, TOOK_US, now);
    assert_int_equal(gathering_wait(&gathering, 1, now + TOOK_US / 2), 0);
}

static void
quick_writes_have_no_wait(void **state OVS_UNUSED)
{
    gathering_answered(&gathering, 32, GATHERING_MIN_US - 1, now);
    assert_int_equal(gathering_wait(&gathering, 16, now), 0);
}

static void
bound_of_none_means_no_wait(void **state OVS_UNUSED)
{
    gathering.max_us = 0;
    assert_int_equal(group(16, 16, 3), 30);
}

/* Nor do groups of which there was none before, as after a failure. */
static void
what_was_expected_is_forgotten(void **state OVS_UNUSED)
{
    gathering_answered(&gathering, 32, TOOK_US, now);
    gathering_begin(&gathering, 16);
    assert_int_equal(gathering_wait(&gathering, 1, now), 0);
}

static void
waiting_for_nobody_becomes_rare(void **state OVS_UNUSED)
{
    int n_waits = 0;

    for (int i = 0; i < 1000; i++) {
        n_waits += group(1, 1, 0) > 0;
    }
    assert_in_range(n_waits, 5, 40);

    /* Until others come. */
    for (int i = 0; i < 200; i++) {
        group(1, 1, 1);
    }
    assert_int_equal(gathering.skip, 0);
}

/* One of sixteen that comes back is in vain as well; half of them is not. */
static void
waiting_for_few_becomes_rare(void **state OVS_UNUSED)
{
    int n_waits = 0;

    for (int i = 0; i < 1000; i++) {
        n_waits += group(16, 16, 1) > 10;
    }
    assert_in_range(n_waits, 5, 40);

    for (int i = 0; i < 200; i++) {
        group(16, 16, 8);
    }
    assert_int_equal(gathering.skip, 0);
    assert_int_equal(group(16, 16, 1), TOOK_US / 2);
    assert_int_equal(gathering.skip, 1);
}

/* What hosts report is nobody's who was answered. */
static void
group_without_clients_does_not_wait(void **state OVS_UNUSED)
{
    gathering_answered(&gathering, 32, TOOK_US, now);
    assert_int_equal(gathering_wait(&gathering, 0, now), 0);
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup(NAME, setup)
        T(client_alone_never_waits),
        T(group_begins_once_all_are_there),
        T(it_waits_for_half_of_a_write_at_most),
        T(quick_writes_have_no_wait),
        T(bound_of_none_means_no_wait),
        T(what_was_expected_is_forgotten),
        T(waiting_for_nobody_becomes_rare),
        T(waiting_for_few_becomes_rare),
        T(group_without_clients_does_not_wait),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
