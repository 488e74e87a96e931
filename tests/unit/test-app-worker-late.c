/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of apps' worker processes that are late, among them checks of what is
 * written, with the real engine.  Not for ends of processes
 * (test-app-worker-ends.c). */

#include <config.h>

#include "tests/unit/app-worker-fixture.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "controller/engine/engine.h"
#include "controller/engine/relation.h"
#include "controller/model/model.h"
#include "controller/schema/schema.h"
#include "util.h"

/* Many reads, within the worker's memory.  More than the bound fail, unless
 * the time does first: 23,000 take a quarter of it, and under valgrind, where
 * each answer takes long, all of it. */
static void
test_reads(void **state OVS_UNUSED)
{
    const char *preload = getenv("LD_PRELOAD");
    bool valgrind = preload && strstr(preload, "valgrind");
    struct apps_fixture *f = app_worker_start();

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
    struct apps_fixture *f = app_worker_start();

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
    assert_int_equal(app_worker_status_of(f).n_ends, 0);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

/* What it reads changes while it is late. */
static void
test_late_changed(void **state OVS_UNUSED)
{
    struct apps_fixture *f = app_worker_start();

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
    struct apps_fixture *f = app_worker_start();
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
    assert_int_equal(app_worker_status_of(f).n_ends, 0);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

/* One that exceeds its limits while nobody waits for it fails, and is not
 * tried again before something changes. */
static void
test_late_failure(void **state OVS_UNUSED)
{
    struct apps_fixture *f = app_worker_start();

    engine_set_worker_wait(apps_fixture_engine(f), SHORT_MS);
    apply_network(f, "a", 107, "'do': 'loop'");
    apply_network(f, "b", 108, "'do': 'wait'");
    apply_network(f, "d", 110, "'do': 'loop'");
    wait_done(f);
    assert_problem(f, "bad.network/d");
    assert_problem(f, "its worker took more than 1000 ms of processor time");
    assert_problem(f, "its worker took more than 10000 ms");
    assert_int_equal(app_worker_status_of(f).n_ends, 3);
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
    assert_int_equal(app_worker_status_of(f).n_ends, 3);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

/* Checks of what is written.  -------------------------------------------- */

static void
check_object(void *f, const struct vmn_type_row *type,
             const struct vmn_row *object, uint64_t *checked,
             struct vmn_errors *faults)
{
    engine_check_object(apps_fixture_engine(f), type, object, checked,
                        faults);
}

static struct apps_fixture *
start_with_deeds(void)
{
    struct apps_fixture *f = app_worker_start();

    apps_fixture_declare_types(f, "bad");
    model_set_check_object(apps_fixture_model(f), check_object, f);
    engine_set_worker_wait(apps_fixture_engine(f), SHORT_MS);
    return f;
}

/* Prepares to write an object of the app's whose check does 'deed'. */
static void
init_write(struct model_request *request, const char *deed)
{
    model_request_init(request, "test");
    model_request_add(request, MODEL_PUT, schema_find_table("bad-deeds")->id,
                      "one", json_pack("{s:s}", "deed", deed));
}

/* Writes it, and undoes that.  Returns the error, which the caller frees, or
 * NULL; '*busy' is set if the write is to be repeated. */
static char *
try_write(struct apps_fixture *f, struct model_request *request, bool *busy)
{
    struct model *model = apps_fixture_model(f);
    struct vmn_errors errors;
    char *problem = NULL;
    uint64_t revision;

    vmn_errors_init(&errors);
    if (model_apply(model, request, 1, &revision, &errors)) {
        assert_int_equal(errors.n, 1);
        problem = xstrdup(errors.errors[0].text);
        *busy = errors.errors[0].code == VMN_ERR_BUSY;
    } else {
        model_undo(model);
        *busy = false;
    }
    vmn_errors_uninit(&errors);
    return problem;
}

/* Writes it while the worker's process is stopped. */
static void
write_late(struct apps_fixture *f, struct model_request *request)
{
    char *problem;
    bool busy;

    kill(app_worker_status_of(f).pid, SIGSTOP);
    problem = try_write(f, request, &busy);
    kill(app_worker_status_of(f).pid, SIGCONT);
    assert_non_null(strstr(problem, "app bad could not look at it: its worker "
                           "is computing bad-deeds"));
    assert_true(busy);
    free(problem);
}

/* Looks after the worker until its result or failure is there, and has the
 * engine compute what waited for it. */
static void
await_result(struct apps_fixture *f, uint64_t n_ready)
{
    struct engine *engine = apps_fixture_engine(f);

    while (app_worker_n_ready(worker_of(f, "bad")) == n_ready) {
        usleep(1000);
        app_worker_look(worker_of(f, "bad"));
    }
    engine_take_ready_workers(engine);
    engine_delta_destroy(engine_run(engine));
}

/* The next write of the same object takes the result. */
static void
test_late_check(void **state OVS_UNUSED)
{
    struct apps_fixture *f = start_with_deeds();
    uint64_t n_calls = app_worker_status_of(f).n_calls;
    uint64_t n_ready = app_worker_n_ready(worker_of(f, "bad"));
    struct model_request request;
    bool busy;

    init_write(&request, "sort");
    write_late(f, &request);
    await_result(f, n_ready);
    assert_null(try_write(f, &request, &busy));
    assert_int_equal(app_worker_status_of(f).n_calls, n_calls + 1);
    assert_int_equal(request.n_checked, 1);
    /* What has been checked is not checked again. */
    assert_null(try_write(f, &request, &busy));
    assert_int_equal(app_worker_status_of(f).n_calls, n_calls + 1);
    model_request_uninit(&request);
    assert_int_equal(app_worker_status_of(f).n_ends, 0);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

/* A late check that exceeds its limit ends the process once, and has the next
 * write fail. */
static void
test_late_check_that_fails(void **state OVS_UNUSED)
{
    struct apps_fixture *f = start_with_deeds();
    uint64_t n_ready = app_worker_n_ready(worker_of(f, "bad"));
    struct model_request request;
    char *problem;
    bool busy;

    init_write(&request, "loop");
    write_late(f, &request);
    await_result(f, n_ready);
    assert_int_equal(app_worker_status_of(f).n_ends, 1);
    assert_string_equal(app_worker_status_of(f).computed, "bad-deeds");
    problem = try_write(f, &request, &busy);
    assert_non_null(strstr(problem, "app bad could not look at it: its worker "
                           "took more than"));
    assert_either(problem, "50 ms of processor time", "1000 ms");
    assert_false(busy);
    free(problem);
    model_request_uninit(&request);

    apply_network(f, "b", 108, "");
    wait_done(f);
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x6c," DROP));
    assert_int_equal(app_worker_status_of(f).n_ends, 1);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

/* A late check that no write waits for any more blocks no unit. */
static void
test_late_check_that_is_forgotten(void **state OVS_UNUSED)
{
    struct apps_fixture *f = start_with_deeds();
    uint64_t n_ready = app_worker_n_ready(worker_of(f, "bad"));
    struct model_request request;

    for (int i = 0; i < 2; i++) {
        init_write(&request, "sort");
        write_late(f, &request);
        model_request_uninit(&request);
        if (i) {
            await_result(f, n_ready);
        }
        engine_end_checks(apps_fixture_engine(f));
        apply_network(f, "b", 108 + i, "");
        wait_done(f);
    }
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x6d," DROP));
    assert_int_equal(app_worker_status_of(f).n_ends, 0);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

/* A write waits for one computation of the app at most. */
static void
test_check_comes_before_units(void **state OVS_UNUSED)
{
    struct apps_fixture *f = start_with_deeds();
    struct model_request request;
    uint64_t n_ready;
    char *problem;
    bool busy;

    apply_network(f, "a", 107, "'do': 'compute'");
    apply_network(f, "b", 108, "'do': 'compute'");
    n_ready = app_worker_n_ready(worker_of(f, "bad"));
    init_write(&request, "sort");
    problem = try_write(f, &request, &busy);
    assert_non_null(strstr(problem, "its worker is computing bad.network/"));
    assert_true(busy);
    free(problem);

    await_result(f, n_ready);
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x6b," DROP));
    assert_problem(f, "bad.network/b");
    assert_null(try_write(f, &request, &busy));
    model_request_uninit(&request);
    wait_done(f);
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x6c," DROP));
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
        cmocka_unit_test(test_late_check),
        cmocka_unit_test(test_late_check_that_fails),
        cmocka_unit_test(test_late_check_that_is_forgotten),
        cmocka_unit_test(test_check_comes_before_units),
    };

    return cmocka_run_group_tests(tests, app_worker_setup,
                                  app_worker_teardown);
}
