/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of what controller/health is made of: when a backend is taken for
 * well, timers, how many probes may leave, and standbys that serve.  The
 * prober's are in test-health.c. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "controller/health/backend-up-down.h"
#include "controller/health/probe-rate.h"
#include "controller/health/standby-watch.h"
#include "controller/timer-heap.h"
#include "openvswitch/vlog.h"
#include "random.h"
#include "util.h"

/* Checks.  ---------------------------------------------------------------- */

static const struct up_down_rules rules = { 1000, 2, 3 };

static void
new_is_up_after_one_success(void **state OVS_UNUSED)
{
    struct up_down c;

    up_down_init(&c, UP_DOWN_NEW);
    assert_true(up_down_succeeded(&c, &rules, 1000));
    assert_int_equal(c.state, UP_DOWN_UP);
    assert_false(up_down_succeeded(&c, &rules, 2000));

    /* Also after it has been found down: it was never up. */
    up_down_init(&c, UP_DOWN_NEW);
    assert_false(up_down_failed(&c, &rules, 1000));
    assert_false(up_down_failed(&c, &rules, 2000));
    assert_true(up_down_failed(&c, &rules, 3000));
    assert_int_equal(c.state, UP_DOWN_DOWN);
    assert_true(up_down_succeeded(&c, &rules, 4000));
    assert_int_equal(c.state, UP_DOWN_UP);
}

static void
failures_and_successes_count_in_a_row(void **state OVS_UNUSED)
{
    struct up_down c;

    up_down_init(&c, UP_DOWN_UP);
    assert_false(up_down_failed(&c, &rules, 1000));
    assert_false(up_down_failed(&c, &rules, 2000));
    assert_false(up_down_succeeded(&c, &rules, 3000));
    assert_false(up_down_failed(&c, &rules, 4000));
    assert_false(up_down_failed(&c, &rules, 5000));
    assert_int_equal(c.state, UP_DOWN_UP);
    assert_true(up_down_failed(&c, &rules, 6000));
    assert_false(up_down_succeeded(&c, &rules, 7000));
    assert_false(up_down_failed(&c, &rules, 8000));
    assert_false(up_down_succeeded(&c, &rules, 9000));
    assert_true(up_down_succeeded(&c, &rules, 10000));
    assert_int_equal(c.state, UP_DOWN_UP);
}

/* How many successes in a row it takes, one each interval from '*now' on. */
static unsigned
come_back(struct up_down *c, int64_t *now)
{
    unsigned n = 1;

    while (!up_down_succeeded(c, &rules, *now += rules.interval_ms)) {
        assert_true(++n < 100);
    }
    return n;
}

static void
go_down(struct up_down *c, int64_t *now)
{
    while (!up_down_failed(c, &rules, *now += rules.interval_ms)) {
        continue;
    }
}

static void
flapping_is_damped_and_forgiven(void **state OVS_UNUSED)
{
    int64_t now = 100000;
    struct up_down c;

    up_down_init(&c, UP_DOWN_UP);
    go_down(&c, &now);
    assert_int_equal(come_back(&c, &now), 2);
    go_down(&c, &now);          /* The third change in a short time. */
    assert_int_equal(come_back(&c, &now), 8);
    go_down(&c, &now);
    /* 16, halved while it waits. */
    assert_int_equal(come_back(&c, &now), 10);
    for (int i = 0; i < 20; i++) {
        go_down(&c, &now);
        assert_true(come_back(&c, &now) <= 16);
    }
    now += rules.interval_ms * UP_DOWN_FLAP_WINDOW
           * UP_DOWN_FLAP_PENALTY_MAX;
    go_down(&c, &now);
    assert_int_equal(come_back(&c, &now), 2);
}

static void
out_is_at_once_and_no_flapping(void **state OVS_UNUSED)
{
    int64_t now = 100000;
    struct up_down c;

    up_down_init(&c, UP_DOWN_UP);
    for (int i = 0; i < 5; i++) {
        assert_true(up_down_unavailable(&c));
        assert_false(up_down_unavailable(&c));
        assert_int_equal(c.state, UP_DOWN_DOWN);
        assert_int_equal(come_back(&c, &now), 1);
    }
    go_down(&c, &now);
    assert_int_equal(come_back(&c, &now), 2);
    /* One that has failed before has to prove itself all the same. */
    go_down(&c, &now);
    assert_false(up_down_unavailable(&c));
    assert_true(come_back(&c, &now) > 1);
}

/* Times.  ----------------------------------------------------------------- */

static void
timers_come_in_order(void **state OVS_UNUSED)
{
    struct timer all[200] = { { 0 } }, *first;
    struct timer_heap timers;
    int64_t last = 0;
    size_t n = 0;

    random_set_seed(7);
    timer_heap_init(&timers);
    for (int i = 0; i < 2000; i++) {
        struct timer *timer = &all[random_range(ARRAY_SIZE(all))];

        if (random_range(4)) {
            timer_heap_set(&timers, timer, random_range(1000));
        } else {
            timer_heap_unset(&timers, timer);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        n += all[i].place != 0;
    }
    while ((first = timer_heap_first(&timers))) {
        assert_true(first->at >= last);
        last = first->at;
        timer_heap_unset(&timers, first);
        n--;
    }
    assert_int_equal(n, 0);
    timer_heap_uninit(&timers);
}

static void
pacing_gives_turns(void **state OVS_UNUSED)
{
    const int64_t now = 5000000;
    struct probe_rate pacing;
    int64_t last = now;

    probe_rate_init(&pacing, 1);
    for (int i = 0; i < PROBE_RATE_HOST_BURST; i++) {
        assert_int_equal(probe_rate_reserve(&pacing, "h1", 1, now), now);
    }
    for (int i = 0; i < 150; i++) {
        int64_t at = probe_rate_reserve(&pacing, "h1", 1, now);

        assert_in_range(at - last, 0, 2 * 1000000 / PROBE_RATE_HOST);
        last = at;
    }
    assert_int_equal(last - now, 150 * 1000000 / PROBE_RATE_HOST);
    /* Others do not wait for it. */
    assert_int_equal(probe_rate_reserve(&pacing, "h2", 1, now), now);
    probe_rate_uninit(&pacing);

    /* In a second not many more leave than may, whoever they are for. */
    size_t n = 0;

    probe_rate_init(&pacing, 1);
    for (int i = 0; i < 10000; i++) {
        char host[16];

        snprintf(host, sizeof host, "h%d", i % 500);
        n += probe_rate_reserve(&pacing, host, 1, now) < now + 1000000;
    }
    assert_in_range(n, PROBE_RATE_TOTAL,
                    PROBE_RATE_TOTAL + PROBE_RATE_TOTAL_BURST);
    probe_rate_uninit(&pacing);
}

/* One with many probes takes no other owner's share of a host and of all. */
static void
owners_share_the_pace(void **state OVS_UNUSED)
{
    const int64_t now = 5000000;
    int64_t at = now, last = now;
    struct probe_rate pacing;

    probe_rate_init(&pacing, 1);
    for (int i = 0; i < 10000; i++) {
        probe_rate_reserve(&pacing, "h1", 1, now);
    }
    /* A quarter of the rate is another's, and it waits for nothing else. */
    for (int i = 0; i < PROBE_RATE_HOST / 4; i++) {
        at = probe_rate_reserve(&pacing, "h1", 2, now);
        assert_true(at >= last && at <= now + 1000000);
        last = at;
    }
    assert_true(at > now + 500000);
    assert_int_equal(probe_rate_reserve(&pacing, "h2", 2, now + 1000000),
                     now + 1000000);
    /* The first one has what is left. */
    assert_true(probe_rate_reserve(&pacing, "h1", 1, now) > now + 50000000);
    probe_rate_uninit(&pacing);
}

/* Standbys.  -------------------------------------------------------------- */

struct told_standby {
    int n;
    char text[128];             /* The last one. */
};

static void
standby_cb(void *told_, const char *balancer, const char *port, bool serves,
           const char *reason)
{
    struct told_standby *told = told_;

    told->n++;
    snprintf(told->text, sizeof told->text, "%s %s %s: %s", balancer, port,
             serves ? "serves" : "stands by", reason);
}

static void
standbys_are_told_when_they_begin_and_end(void **state OVS_UNUSED)
{
    struct vmn_backend named[] = {
        { .port = "a" }, { .port = "c", .standby = true },
        { .port = "gone", .standby = true },
    };
    struct vmn_loadbalancer lb = {
        .row.name = "lb", .min_serving = 1, .backends = named,
        .n_backends = ARRAY_SIZE(named),
    };
    struct vmn_lb_member members[] = {
        { .port = "a", .state = VMN_LB_SERVING },
        { .port = "b", .state = VMN_LB_SERVING },
        { .port = "c", .state = VMN_LB_STANDBY },
    };
    struct told_standby told = { 0 };
    struct standby_watch *watch = standby_watch_create(standby_cb, &told);
    enum vmn_lb_state *c = &members[2].state;

#define UPDATE() \
    standby_watch_update(watch, "lb", &lb, members, ARRAY_SIZE(members), true)
    UPDATE();
    assert_int_equal(told.n, 0);
    *c = VMN_LB_SERVING;
    UPDATE();
    UPDATE();
    assert_int_equal(told.n, 1);
    assert_string_equal(told.text, "lb c serves: none of the others serves");
    /* That it fails is not told here, nor that it serves again. */
    *c = VMN_LB_DOWN;
    UPDATE();
    *c = VMN_LB_SERVING;
    UPDATE();
    assert_int_equal(told.n, 1);
    *c = VMN_LB_STANDBY;
    UPDATE();
    assert_int_equal(told.n, 2);
    assert_string_equal(told.text, "lb c stands by: enough others serve");
    lb.min_serving = 3;
    *c = VMN_LB_SERVING;
    UPDATE();
    assert_int_equal(told.n, 3);
    assert_string_equal(told.text, "lb c serves: fewer than 3 others serve");

    /* Who is no standby any more, or gone, is forgotten. */
    named[1].standby = false;
    UPDATE();
    named[1].standby = true;
    *c = VMN_LB_STANDBY;
    UPDATE();
    assert_int_equal(told.n, 3);
    /* What they do at the start is known. */
    *c = VMN_LB_SERVING;
    standby_watch_update(watch, "lb", NULL, NULL, 0, true);
    standby_watch_update(watch, "lb", &lb, members, ARRAY_SIZE(members),
                         false);
    UPDATE();
    assert_int_equal(told.n, 3);
    standby_watch_destroy(watch);
#undef UPDATE
}

int
main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_is_up_after_one_success),
        cmocka_unit_test(failures_and_successes_count_in_a_row),
        cmocka_unit_test(flapping_is_damped_and_forgiven),
        cmocka_unit_test(out_is_at_once_and_no_flapping),
        cmocka_unit_test(timers_come_in_order),
        cmocka_unit_test(pacing_gives_turns),
        cmocka_unit_test(owners_share_the_pace),
        cmocka_unit_test(standbys_are_told_when_they_begin_and_end),
    };

    vlog_set_levels(NULL, VLF_CONSOLE, VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
