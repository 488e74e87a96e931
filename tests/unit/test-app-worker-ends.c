/* SPDX-License-Identifier: Apache-2.0
 *
 * Ends of apps' worker processes, and bars of guests whose packets end them,
 * with the real engine.  Not for late calls (test-app-worker-late.c), nor for
 * what apps compute (test-app-worker.c). */

#include <config.h>

#include "tests/unit/app-worker-fixture.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controller/engine/engine.h"
#include "controller/engine/packet-handler.h"
#include "controller/engine/relation.h"
#include "controller/model/model.h"
#include "timeval.h"
#include "util.h"

static char *
handle_of(struct apps_fixture *f, uint32_t network, uint32_t in_port,
          struct vmn_packets_out *out)
{
    struct engine *engine = apps_fixture_engine(f);
    static const uint8_t bytes[60] = { 1, 2, 3 };
    const struct engine_handler *handler = engine_get_handler(engine, 0);
    const struct vmn_packet_in in = {
        .host = "h1", .in_port = in_port,
        .port = model_get_durable(apps_fixture_model(f), VMN_TABLE_PORT, "pa",
                                  NULL),
        .bytes = bytes, .size = sizeof bytes, .full_size = sizeof bytes,
        .number = UINT32_MAX, .regs = { network },
    };

    for (size_t i = 0; strcmp(handler->name, "bad.packet"); ) {
        handler = engine_get_handler(engine, ++i);
    }
    return engine_handle_packet(engine, handler, &in, out);
}

static char *
handle(struct apps_fixture *f, uint32_t in_port, struct vmn_packets_out *out)
{
    return handle_of(f, 1, in_port, out);
}

/* A packet that ends the worker costs that packet. */
static void
test_handler(void **state OVS_UNUSED)
{
    struct apps_fixture *f = app_worker_start();
    struct vmn_packets_out out;
    int64_t before_ms;
    char *problem;

    engine_packets_out_init(&out);
    assert_null(handle(f, 5, &out));
    assert_int_equal(out.n, 1);
    assert_int_equal(out.sends[0].to, ENGINE_SEND_BACK);
    assert_int_equal(out.bytes.size, 60 - 1);
    assert_int_equal(((uint8_t *) out.bytes.data)[2], 3);

    apply_network(f, "a", 7, "'handle': 'null'");
    problem = handle(f, 5, &out);
    assert_non_null(strstr(problem, "signal 11"));
    free(problem);
    assert_int_equal(out.n, 0);
    assert_string_equal(app_worker_status_of(f).computed, "bad.packet");

    /* Who sent it is barred, and nobody else. */
    apply_network(f, "a", 7, "");
    assert_null(handle(f, 5, &out));
    assert_int_equal(out.n, 0);
    assert_string_equal(out.reason, "barred");
    assert_null(handle(f, 6, &out));
    assert_int_equal(out.n, 1);

    /* What nobody has sent bars nobody who has, but itself. */
    apply_network(f, "a", 7, "'handle': 'null'");
    out.simulated = true;
    problem = handle(f, 7, &out);
    assert_non_null(strstr(problem, "signal 11"));
    free(problem);
    apply_network(f, "a", 7, "");
    assert_null(handle(f, 8, &out));
    assert_string_equal(out.reason, "barred");
    out.simulated = false;
    assert_null(handle(f, 7, &out));
    assert_int_equal(out.n, 1);

    apply_network(f, "a", 7, "'handle': 'loop'");
    before_ms = children_ms();
    problem = handle(f, 6, &out);
    /* Or than 1000 ms, of which a busy machine has not given it 50. */
    assert_either(problem, "took more than 50 ms of processor time",
                  "took more than 1000 ms");
    /* That of its start, under ASan, is in it. */
    assert_true(children_ms() - before_ms < 5000);
    free(problem);
    engine_packets_out_uninit(&out);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

/* A trace whose packet ends the worker is no guest of the network with VNI
 * 1. */
static void
test_trace_bars_no_network(void **state OVS_UNUSED)
{
    struct apps_fixture *f = app_worker_start();
    struct vmn_packets_out out;

    engine_packets_out_init(&out);
    apply_network(f, "a", 7, "'handle': 'null'");
    for (uint32_t i = 0; i < WORKER_BARRED_OF_OWNER_MAX; i++) {
        char *problem;

        out.simulated = !i;
        problem = handle_of(f, 1, 100 + i, &out);
        assert_non_null(problem);
        free(problem);
    }
    apply_network(f, "a", 7, "");
    assert_null(handle_of(f, 1, 5, &out));
    assert_int_equal(out.n, 1);
    engine_packets_out_uninit(&out);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

/* Guests' packets do not suspend the app, and a network some of whose guests
 * have ended the worker is barred as a whole. */
static void
test_guests_do_not_suspend(void **state OVS_UNUSED)
{
    struct apps_fixture *f = app_worker_start();
    struct vmn_packets_out out;
    unsigned n_failed = 0;

    engine_packets_out_init(&out);
    apply_network(f, "a", 7, "'handle': 'null'");
    for (uint32_t network = 1; network <= WORKER_ENDS_MAX; network++) {
        for (uint32_t i = 0; i <= WORKER_BARRED_OF_OWNER_MAX; i++) {
            char *problem = handle_of(f, network, 100 * network + i, &out);

            n_failed += problem != NULL;
            free(problem);
        }
        assert_int_equal(n_failed, network * WORKER_BARRED_OF_OWNER_MAX);
        assert_string_equal(out.reason, "barred");
    }
    assert_int_equal(app_worker_status_of(f).n_ends, n_failed);
    assert_int_not_equal(app_worker_status_of(f).state, APP_WORKER_SUSPENDED);
    apply_network(f, "a", 7, "");
    assert_null(handle_of(f, 77, 5, &out));
    assert_int_equal(out.n, 1);
    engine_packets_out_uninit(&out);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

/* Somebody else kills it: nothing fails. */
static void
test_killed(void **state OVS_UNUSED)
{
    struct apps_fixture *f = app_worker_start();
    int64_t pid = app_worker_status_of(f).pid;

    kill(pid, SIGKILL);
    apply_network(f, "a", 107, "");
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x6b,"));
    assert_int_equal(app_worker_status_of(f).n_ends, 1);
    assert_true(app_worker_status_of(f).pid != pid);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

/* A change that is undone, while the process is away and would pause: nothing
 * of it is left. */
static void
test_undone(void **state OVS_UNUSED)
{
    struct apps_fixture *f = app_worker_start();
    struct engine *engine = apps_fixture_engine(f);
    struct model *model = apps_fixture_model(f);
    struct engine_delta *delta;
    struct model_request request;
    struct vmn_errors errors;
    uint64_t revision;

    for (int i = 0; i <= WORKER_ENDS_AT_ONCE; i++) {
        apply_network(f, "a", 300 + i, "'do': 'abort'");
    }
    wait_ready(f);

    model_request_init(&request, "test");
    model_request_add(&request, MODEL_PUT, VMN_TABLE_NETWORK, "b", json_pack(
        "{s:i, s:[{s:s}]}", "vni", 108, "subnets", "cidr", "10.1.0.0/24"));
    vmn_errors_init(&errors);
    assert_int_equal(model_apply(model, &request, 1, &revision, &errors), 0);
    vmn_errors_uninit(&errors);
    model_request_uninit(&request);
    delta = engine_run(engine);
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x6c,"));

    kill(app_worker_status_of(f).pid, SIGKILL);
    model_undo(model);
    engine_delta_destroy(engine_roll_back(engine, delta));
    engine_delta_destroy(delta);
    assert_false(has_flow(f, "bad.bad/0 10 reg0=0x6c,"));
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x8,"));

    apply_network(f, "a", 7, "");
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

/* Changes a network while the worker pauses: it is not computed, and worth
 * another try when the worker is back.  Returns whether it was so early that
 * it must have been in the pause; 'start' is when the pause began at the
 * earliest. */
static bool
try_in_pause(struct apps_fixture *f, int64_t start)
{
    unsigned n_ends = app_worker_status_of(f).n_ends;
    int64_t end = start + ((int64_t) WORKER_FIRST_PAUSE_MS
                           << (n_ends - WORKER_ENDS_AT_ONCE - 1));
    bool early;
    char *vni;

    apply_network(f, "b", 200 + (int) n_ends, "");
    early = time_msec() < end;
    if (early) {
        assert_problem(f, "bad.network/b");
    }
    wait_ready(f);
    vni = xasprintf("bad.bad/0 10 reg0=0x%x,", 200 + n_ends);
    assert_true(has_flow(f, vni));
    free(vni);
    return early;
}

/* One that ends again and again pauses, and is suspended; a new beginning has
 * all computed that was not. */
static void
test_suspended(void **state OVS_UNUSED)
{
    struct apps_fixture *f = app_worker_start();
    unsigned n_early = 0;

    while (app_worker_status_of(f).state != APP_WORKER_SUSPENDED) {
        unsigned n_ends = app_worker_status_of(f).n_ends;
        int64_t now = time_msec();

        apply_network(f, "a", 300 + (int) n_ends, "'do': 'abort'");
        assert_int_equal(app_worker_status_of(f).n_ends, n_ends + 1);
        if (app_worker_status_of(f).state == APP_WORKER_PAUSING
            && n_ends + 1 > WORKER_ENDS_AT_ONCE) {
            n_early += try_in_pause(f, now);
        }
    }
    assert_int_equal(app_worker_status_of(f).n_ends, WORKER_ENDS_MAX);
    /* A busy machine may take longer than the first pauses, of 20 ms and more,
     * but not than the last one, of 2.5 s. */
    assert_true(n_early > 0);
    assert_int_equal(app_worker_status_of(f).pid, 0);
    apply_network(f, "c", 409, "");
    assert_problem(f, "the app is suspended");
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x9,"));

    apply_network(f, "a", 7, "");
    app_worker_resume(worker_of(f, "bad"));
    wait_ready(f);
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x199,"));
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

/* One that says so has no flows while it is suspended. */
static void
test_withdrawn(void **state OVS_UNUSED)
{
    struct apps_fixture *f = app_worker_start_with(withdraw_module);
    struct engine *engine = apps_fixture_engine(f);
    size_t n = count_flows(f);

    while (app_worker_status_of(f).state != APP_WORKER_SUSPENDED) {
        apply_network(f, "a", 300 + (int) app_worker_status_of(f).n_ends,
                      "'do': 'abort'");
        if (app_worker_status_of(f).state != APP_WORKER_SUSPENDED) {
            assert_int_equal(count_flows(f), n);
            wait_ready(f);
        }
    }
    assert_true(engine_take_ready_workers(engine));
    engine_delta_destroy(engine_run(engine));
    assert_int_equal(count_flows(f), 0);
    assert_int_equal(engine_problems(engine)->n, 0);
    assert_false(engine_take_ready_workers(engine));
    /* What is computed anew is, too. */
    apply_network(f, "a", 7, "");
    apply_network(f, "c", 409, "");
    assert_int_equal(count_flows(f), 0);
    apps_fixture_check(f);

    app_worker_resume(worker_of(f, "bad"));
    wait_ready(f);
    assert_int_equal(count_flows(f), n);
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x199,"));
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handler),
        cmocka_unit_test(test_trace_bars_no_network),
        cmocka_unit_test(test_guests_do_not_suspend),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_undone),
        cmocka_unit_test(test_suspended),
        cmocka_unit_test(test_withdrawn),
    };

    return cmocka_run_group_tests(tests, app_worker_setup,
                                  app_worker_teardown);
}
