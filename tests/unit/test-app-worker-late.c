/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of apps' worker processes that are late, with the real engine.  Not for
 * ends of processes (test-app-worker-ends.c). */

#include <config.h>

#include "tests/unit/app-worker-fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "controller/engine/engine.h"
#include "controller/engine/relation.h"
#include "util.h"

/* Many reads, within the worker's memory.  More than the bound fail, unless
 * the time does first: 23,000 take a quarter of it, and under valgrind, where
 * each answer takes long, all of it. */
static void
test_reads(void **state OVS_UNUSED)
{
    const char *preload = getenv("LD_PRELOAD");
    bool valgrind = preload && strstr(preload, "valgrind");
    struct apps_fixture *f = start();

    apply_network(f, "a", 107, valgrind ? "'reads': '2000'"
                  : "'reads': '23000'");
    wait_done(f);
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x6b," DROP));
    apply_network(f, "a", 107, "'reads': '110000'");
    wait_done(f);
    assert_problem(f, " more than 100");
    apps_fixture_destroy(f);
}

/* Time in which a worker is not done with what takes it some tenths of a
 * second, and the overlay's has computed what it has to. */
#define SHORT_MS 50

/* A unit that is not done in time keeps its flows, and others of its app
 * theirs, until it is.  All else goes on. */
static void
test_late(void **state OVS_UNUSED)
{
    struct apps_fixture *f = start();

    engine_set_worker_wait(apps_fixture_engine(f), SHORT_MS);
    apply_network(f, "a", 107, "'do': 'compute'");
    assert_problem(f, "\"late\"");
    assert_problem(f, "bad.network/a");
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x7," DROP));
    apply_network(f, "b", 108, "");
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x8," DROP));

    wait_done(f);
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x6b," DROP));
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x6c," DROP));
    assert_int_equal(status_of(f).n_ends, 0);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

/* What it reads changes while it is late. */
static void
test_late_changed(void **state OVS_UNUSED)
{
    struct apps_fixture *f = start();

    engine_set_worker_wait(apps_fixture_engine(f), SHORT_MS);
    apply_network(f, "a", 107, "'do': 'compute'");
    apply_network(f, "a", 117, "'do': 'compute'");
    wait_done(f);
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x75," DROP));
    assert_false(has_flow(f, "bad.bad/0 10 reg0=0x6b," DROP));
    apps_fixture_check(f);
    /* It goes altogether. */
    apply_network(f, "a", 127, "'do': 'compute'");
    apps_fixture_apply(f, "{'bindings/pa': null, 'ports/pa': null,"
                       " 'networks/a': null}");
    wait_done(f);
    assert_int_equal(count_flows(f), 2);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

/* A query of the same worker, in the middle of a unit. */
static void
test_late_query(void **state OVS_UNUSED)
{
    struct apps_fixture *f = start();
    struct engine *engine = apps_fixture_engine(f);
    struct vmn_names answers;

    engine_set_worker_wait(engine, SHORT_MS);
    apply_network(f, "b", 108, "'query': 'compute'");
    wait_done(f);
    apply_network(f, "a", 107, "'ask': 'b'");
    assert_problem(f, "bad.network/a");
    wait_done(f);
    answers = engine_relation_values(engine, "bad.answers", "a");
    assert_int_equal(answers.n, 1);
    assert_string_equal(answers.names[0], "108");
    apply_network(f, "b", 118, "'query': 'compute'");
    wait_done(f);
    answers = engine_relation_values(engine, "bad.answers", "a");
    assert_string_equal(answers.names[0], "118");
    assert_int_equal(status_of(f).n_ends, 0);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

/* One that exceeds its limits while nobody waits for it fails, and is not
 * tried again before something changes. */
static void
test_late_failure(void **state OVS_UNUSED)
{
    struct apps_fixture *f = start();

    engine_set_worker_wait(apps_fixture_engine(f), SHORT_MS);
    apply_network(f, "a", 107, "'do': 'loop'");
    apply_network(f, "b", 108, "'do': 'wait'");
    apply_network(f, "d", 110, "'do': 'loop'");
    wait_done(f);
    assert_problem(f, "bad.network/d");
    assert_problem(f, "its worker took more than 1000 ms of processor time");
    assert_problem(f, "its worker took more than 10000 ms");
    assert_int_equal(status_of(f).n_ends, 3);
    /* Its first computation has failed; what that has read counts. */
    apply_network(f, "d", 110, "");
    wait_done(f);
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x7," DROP));
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x8," DROP));
    apply_network(f, "a", 117, "");
    apply_network(f, "b", 118, "");
    wait_done(f);
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x75," DROP));
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x76," DROP));
    assert_int_equal(status_of(f).n_ends, 3);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_late),
        cmocka_unit_test(test_late_changed),
        cmocka_unit_test(test_late_query),
        cmocka_unit_test(test_late_failure),
    };

    return cmocka_run_group_tests(tests, app_worker_setup,
                                  app_worker_teardown);
}
