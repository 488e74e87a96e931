/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of controller/health's prober: when a backend that is drained is
 * let go. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controller/health/prober.h"
#include "openvswitch/vlog.h"
#include "tests/unit/prober-fixture.h"
#include "timeval.h"
#include "util.h"

/* Returns the time of an edit that has just been made: later than now, so that
 * the real time that passes meanwhile does not count. */
static int64_t
edited_now(void)
{
    return time_wall_msec() + 3600 * 1000;
}

static void
drain_ends_at_its_deadline(void **state OVS_UNUSED)
{
    struct prober_world *w = prober_world_create();
    struct prober_member m = member_of("p");
    struct prober_settings s = default_settings;

    s.edited_ms = edited_now();
    prober_set(&w->prober, "lb", &s, &m, 1, w->now_us);
    pass_ms(w, 10);
    m.drain = true;
    m.idle = "it is draining";
    prober_set(&w->prober, "lb", &s, &m, 1, w->now_us);
    pass_ms(w, 4000);
    prober_end_drains(&w->prober, w->now_us);
    assert_string_equal(w->told, "up ");
    pass_ms(w, 2000);
    prober_end_drains(&w->prober, w->now_us);
    assert_string_equal(w->told, "up drained ");
    /* It has to answer before it serves again. */
    m.drain = false;
    m.idle = NULL;
    prober_set(&w->prober, "lb", &s, &m, 1, w->now_us);
    assert_string_equal(w->told, "up drained checking ");
    pass_ms(w, 10);
    assert_string_equal(w->told, "up drained checking up ");
    prober_remove(&w->prober, "lb");

    /* After a restart the last edit says when it began at the latest. */
    m.drain = true;
    m.idle = "it is draining";
    s.edited_ms = time_wall_msec() - 4500;
    prober_set(&w->prober, "lb", &s, &m, 1, w->now_us);
    pass_ms(w, 600);
    prober_end_drains(&w->prober, w->now_us);
    assert_string_equal(w->told, "up drained checking up drained ");
    prober_remove(&w->prober, "lb");
    m.row = BACKEND_DRAINED;
    prober_set(&w->prober, "lb", &s, &m, 1, w->now_us);
    prober_end_drains(&w->prober, w->now_us);
    assert_string_equal(w->told, "up drained checking up drained ");
    prober_world_destroy(w);
}

/* Its time counts from its begin. */
static void
drain_goes_by_a_deadline_that_changes(void **state OVS_UNUSED)
{
    struct prober_world *w = prober_world_create();
    struct prober_member m = member_of("p");
    struct prober_settings s = default_settings;

    s.probes = false;
    s.edited_ms = edited_now();
    s.drain_ms = 600 * 1000;
    m.drain = true;
    m.idle = "it is draining";
    prober_set(&w->prober, "lb", &s, &m, 1, w->now_us);
    pass_ms(w, 10000);
    s.drain_ms = 12 * 1000;
    prober_set(&w->prober, "lb", &s, &m, 1, w->now_us);
    pass_ms(w, 1500);
    prober_end_drains(&w->prober, w->now_us);
    assert_string_equal(w->told, "idle ");
    pass_ms(w, 1000);
    prober_end_drains(&w->prober, w->now_us);
    assert_string_equal(w->told, "idle drained ");
    prober_world_destroy(w);
}

/* Nobody says of one that is not probed that it is to answer yet. */
static void
drain_without_probes_is_idle(void **state OVS_UNUSED)
{
    struct prober_world *w = prober_world_create();
    struct prober_member m = member_of("p");
    struct prober_settings s = default_settings;

    s.probes = false;
    s.edited_ms = edited_now();
    m.drain = true;
    m.idle = "it is draining";
    prober_set(&w->prober, "lb", &s, &m, 1, w->now_us);
    assert_string_equal(w->told, "idle ");
    pass_ms(w, 6000);
    prober_end_drains(&w->prober, w->now_us);
    assert_string_equal(w->told, "idle drained ");
    assert_string_equal(prober_find(&w->prober, "lb", "p")->reason,
                        "drain_seconds are over: open connections are cut, "
                        "how many is not known");
    assert_int_equal(prober_find(&w->prober, "lb", "p")->drain.result,
                     DRAIN_CUT);
    /* Nothing is known of the next. */
    m.drain = false;
    prober_set(&w->prober, "lb", &s, &m, 1, w->now_us);
    assert_int_equal(prober_find(&w->prober, "lb", "p")->drain.result,
                     DRAIN_UNKNOWN);
    prober_world_destroy(w);
}

static void
drain_ends_when_nothing_is_sent(void **state OVS_UNUSED)
{
    struct prober_world *w = prober_world_create();
    struct prober_member m = member_of("p");
    struct prober_settings s = default_settings;

    s.drain_ms = 3600 * 1000;
    s.edited_ms = edited_now();
    m.drain = true;
    m.idle = "it is draining";
    m.row = BACKEND_UP;
    w->quiet_us = 0;            /* Since long before. */
    prober_set(&w->prober, "lb", &s, &m, 1, w->now_us);
    pass_ms(w, DRAIN_QUIET_MS - 1);
    prober_end_drains(&w->prober, w->now_us);
    assert_string_equal(w->told, "");
    /* Something is sent. */
    w->quiet_us = w->now_us;
    pass_ms(w, DRAIN_QUIET_MS - 1);
    prober_end_drains(&w->prober, w->now_us);
    assert_string_equal(w->told, "");
    /* Nobody knows. */
    w->quiet_us = INT64_MAX;
    pass_ms(w, DRAIN_QUIET_MS);
    prober_end_drains(&w->prober, w->now_us);
    assert_string_equal(w->told, "");
    w->quiet_us = w->now_us - DRAIN_QUIET_MS * INT64_C(1000);
    prober_end_drains(&w->prober, w->now_us);
    assert_string_equal(w->told, "drained ");
    assert_string_equal(prober_find(&w->prober, "lb", "p")->reason,
                        "no client has sent it a packet for 60 s");
    assert_int_equal(prober_find(&w->prober, "lb", "p")->drain.result,
                     DRAIN_QUIET);
    prober_world_destroy(w);
}

int
main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(drain_ends_at_its_deadline),
        cmocka_unit_test(drain_goes_by_a_deadline_that_changes),
        cmocka_unit_test(drain_without_probes_is_idle),
        cmocka_unit_test(drain_ends_when_nothing_is_sent),
    };

    vlog_set_levels(NULL, VLF_CONSOLE, VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
