/* SPDX-License-Identifier: Apache-2.0
 *
 * What apps in worker processes compute, with the real engine: an app that
 * does what it must not (bad-app.c) loses nothing but its own computation.
 * Not for ends and bars (test-app-worker-ends.c), nor for late calls
 * (test-app-worker-late.c). */

#include <config.h>

#include "tests/unit/app-worker-fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controller/apphost/apphost.h"
#include "controller/engine/engine.h"
#include "controller/engine/relation.h"
#include "controller/flow/pipeline.h"
#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static void
test_same_as_in_process(void **state OVS_UNUSED)
{
    struct apps_fixture *f = app_worker_start();

    assert_non_null(worker_of(f, "overlay"));
    assert_int_equal(count_flows(f), 3);
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x7," DROP));
    assert_int_equal(app_worker_status_of(f).n_ends, 0);
    apps_fixture_destroy(f);
}

/* Rows that use all of VMN's own apps. */
#define MANY_ROWS                                                       \
    "{'routers/r': {'interfaces': ["                                    \
    "    {'network': 'a', 'addresses': ['10.0.0.254']},"                \
    "    {'network': 'b', 'addresses': ['10.1.0.254']}]},"              \
    " 'groups/web': {'ports': ['pa']}, 'groups/db': {'ports': ['pb']},"  \
    " 'policies/p': {'applies_to': ['db'], 'rules': ["                  \
    "    {'direction': 'ingress', 'action': 'allow',"                   \
    "     'peers': [{'group': 'web'}],"                                 \
    "     'services': [{'protocol': 'tcp', 'ports': [5432]}]}]},"       \
    " 'loadbalancers/lb': {'vip': '10.0.0.100', 'networks': ['a'],"     \
    "    'protocol': 'tcp', 'ports': [{'port': 80}],"                   \
    "    'backends': [{'port': 'pa'}]}}"

/* All flows and groups of a host; with 'apart', of apps in workers. */
static char *
own_apps_text(bool apart)
{
    static const char *const apps[] = {
        "overlay", "firewall", "loadbalancer", "router", "gateway", "dhcp",
        "dns", NULL,
    };
    struct ds text = DS_EMPTY_INITIALIZER;
    struct apps_fixture *f;

    if (!apart) {
        unsetenv("VMN_TEST_WORKER");
    }
    f = apps_fixture_create(apps);
    setenv("VMN_TEST_WORKER", WORKER, 1);
    apps_fixture_apply(f, ROWS);
    apps_fixture_apply(f, MANY_ROWS);
    apps_fixture_check(f);
    assert_true(!worker_of(f, "firewall") == !apart);
    apps_fixture_flows(f, "h1", false, &text);
    apps_fixture_groups(f, "h1", &text);
    apps_fixture_destroy(f);
    return ds_steal_cstr(&text);
}

static void
test_own_apps(void **state OVS_UNUSED)
{
    char *here = own_apps_text(false);
    char *apart = own_apps_text(true);

    assert_non_null(strstr(here, "tp_dst=5432"));
    assert_string_equal(here, apart);
    free(here);
    free(apart);
}

/* What is read the second time is sent along, and what is not used any more
 * calls nobody. */
static void
test_dependencies(void **state OVS_UNUSED)
{
    struct apps_fixture *f = app_worker_start();
    struct engine *engine = apps_fixture_engine(f);
    struct vmn_names answers;

    apply_network(f, "a", 7, "'ask': 'b'");
    answers = engine_relation_values(engine, "bad.answers", "a");
    assert_int_equal(answers.n, 1);
    assert_string_equal(answers.names[0], "8");

    apply_network(f, "b", 108, "");
    answers = engine_relation_values(engine, "bad.answers", "a");
    assert_string_equal(answers.names[0], "108");
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x6c,"));
    apply_network(f, "a", 7, "'ask': 'nobody'");
    answers = engine_relation_values(engine, "bad.answers", "a");
    assert_string_equal(answers.names[0], "nothing");
    apply_network(f, "a", 7, "");
    answers = engine_relation_values(engine, "bad.answers", "a");
    assert_int_equal(answers.n, 0);
    apps_fixture_check(f);

    /* Only its own unit of the app, and what the overlay has of it. */
    uint64_t calls = app_worker_status_of(f).n_calls;

    apply_network(f, "c", 109, "");
    assert_int_equal(app_worker_status_of(f).n_calls, calls + 1);
    apps_fixture_destroy(f);
}

/* Each misdeed: the unit fails and keeps its flow, all others go on, and once
 * the object is right again so is all.  It fails with one of two problems. */
static void
check_deed_of_two(const char *deed, const char *problem, const char *other)
{
    struct apps_fixture *f = app_worker_start();
    char *label = xasprintf("'do': '%s'", deed);
    struct app_worker_status status;
    char *problems;

    apply_network(f, "a", 107, label);
    assert_problem(f, "bad.network/a");
    problems = apps_fixture_problems(f);
    assert_either(problems, problem, other);
    free(problems);
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x7," DROP));
    status = app_worker_status_of(f);
    assert_int_equal(status.n_ends, 1);
    assert_string_equal(status.computed, "bad.network/a");
    assert_non_null(status.failure);

    /* Others, and the overlay. */
    apply_network(f, "b", 108, "");
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x6c," DROP));
    assert_int_equal(app_worker_status_of(f).n_ends, 1);

    apply_network(f, "a", 117, "");
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x75," DROP));
    assert_int_equal(app_worker_status_of(f).n_ends, 1);
    apps_fixture_check(f);
    free(label);
    apps_fixture_destroy(f);
}

static void
check_deed(const char *deed, const char *problem)
{
    check_deed_of_two(deed, problem, problem);
}

/* What an app may do whatever the C library does for it. */
static void
test_sorting(void **state OVS_UNUSED)
{
    struct apps_fixture *f = app_worker_start();

    apply_network(f, "a", 107, "'do': 'sort'");
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x6b," DROP));
    assert_int_equal(app_worker_status_of(f).n_ends, 0);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

static void
test_misdeeds(void **state OVS_UNUSED)
{
    int64_t before_ms;

    check_deed("null", "its worker was ended by signal 11 (Segmentation "
               "fault)");
    check_deed("abort", "its worker was ended by signal 6 (Aborted)");
    check_deed("exit", "its worker ended with status 0");
    check_deed("stack", "its worker was ended by signal 11 (Segmentation "
               "fault)");
    /* 1000 ms of processor time; where the machine is busy 10000 ms may be
     * over before it has had that. */
    before_ms = children_ms();
    check_deed_of_two("loop",
                      "its worker took more than 1000 ms of processor time",
                      "its worker took more than 10000 ms");
    assert_true(children_ms() - before_ms < 5000);
    check_deed("memory", "its worker ");
    check_deed("file", "its worker called open(): an app opens no file");
    check_deed("socket", "its worker called socket(): an app has no network");
    check_deed("thread", "its worker called pthread_create(): an app starts "
               "no thread");
    check_deed("fork", "its worker called fork(): an app starts no process");
    check_deed("kill", "its worker called kill(): an app sends no signal");
    check_deed("clock", "its worker called time(): an app reads no clock");
    check_deed("processor-clock",
               "its worker called clock_gettime(): an app reads no clock");
    /* The sanitizer's runtime opens files itself. */
#ifdef __SANITIZE_ADDRESS__
    check_deed("random", "its worker made system call getrandom (");
#else
    check_deed("raw-file", "its worker made system call openat (");
    check_deed("print", "which an app may not make: to print text, use "
               "vmn_log()");
    check_deed("random", "its worker called getrandom(): an app has no random "
               "numbers");
#endif
    check_deed("raw-socket", "its worker made system call socket (");
    check_deed("catch", "its worker made system call rt_sigaction (");
    check_deed("sleep", "its worker called sleep(): an app does not wait");
}

static bool kernel_confines;

bool __wrap_worker_files_are_confined(void);

bool
__wrap_worker_files_are_confined(void)
{
    return kernel_confines;
}

/* Without Landlock, a module's code may read files while it is loaded. */
static void
test_unconfined(void **state OVS_UNUSED)
{
    struct apps_fixture *f = app_worker_start();
    const struct pipeline *pipeline = apps_fixture_pipeline(f);

    for (int i = 0; i < 2; i++) {
        kernel_confines = i;
        assert_int_equal(apphost_is_confined(pipeline_find(pipeline, "bad")),
                         kernel_confines);
    }
    apps_fixture_destroy(f);
}

/* A failure that the app says is none of the worker's. */
static void
test_own_failure(void **state OVS_UNUSED)
{
    struct apps_fixture *f = app_worker_start();

    apply_network(f, "a", 107, "'do': 'fail'");
    assert_problem(f, "network a says so");
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x7,"));
    assert_int_equal(app_worker_status_of(f).n_ends, 0);
    apps_fixture_destroy(f);
}

/* What is another app's: the unit fails, and its worker goes on. */
static void
test_foreign(void **state OVS_UNUSED)
{
    static const struct {
        const char *use;
        const char *problem;
    } uses[] = {
        { "relation", "unit bad.network/a publishes to "
          "\\\"firewall.members\\\", a relation of app firewall" },
        { "pool", "unit bad.network/a asks for an ID of pool "
          "\\\"firewall.identity\\\", one of app firewall" },
        { "register", "stage bad of app bad writes register 12, which is not "
          "among its scratch registers" },
        { "zone", "stage bad of app bad writes register 5 (VMN_REG_ZONE), "
          "which is the pipeline's" },
    };
    struct apps_fixture *f = app_worker_start();

    for (size_t i = 0; i < ARRAY_SIZE(uses); i++) {
        char *label = xasprintf("'use': '%s'", uses[i].use);

        apply_network(f, "a", 107, label);
        assert_problem(f, uses[i].problem);
        assert_true(has_flow(f, "bad.bad/0 10 reg0=0x7,"));
        free(label);
    }
    apply_network(f, "a", 107, "'use': 'group'");
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x6b,"));
    assert_int_equal(app_worker_status_of(f).n_ends, 0);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

static void
test_too_many_flows(void **state OVS_UNUSED)
{
    struct apps_fixture *f = app_worker_start();

    apply_network(f, "a", 107, "'flows': '200001'");
    assert_problem(f, "more than 200000 flows");
    assert_int_equal(app_worker_status_of(f).n_ends, 0);
    /* "what is emitted is more than 64 MiB", or that took too long. */
    apply_network(f, "a", 107, "'flows': '2000000'");
    assert_problem(f, " more than ");
    assert_int_equal(count_flows(f), 3);
    apply_network(f, "a", 107, "'flows': '1000'");
    assert_int_equal(count_flows(f), 1002);
    apply_network(f, "a", 107, "");
    assert_int_equal(count_flows(f), 3);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

/* What vmnd keeps for an app.  ------------------------------------------- */

/* Returns what the app's status has of its memory, in bytes. */
static uint64_t
kept_for(struct apps_fixture *f)
{
    struct status_app status;
    struct arena arena;

    arena_init(&arena);
    assert_true(engine_app_status(apps_fixture_engine(f), "bad", &arena,
                                  &status));
    assert_true(status.max_memory_bytes >= 1 << 20);
    arena_uninit(&arena);
    return status.memory_bytes;
}

static void
limit_memory(struct apps_fixture *f, int mib)
{
    struct model *model = apps_fixture_model(f);
    struct model_request request;
    struct vmn_errors errors;
    uint64_t revision;

    vmn_errors_init(&errors);
    model_request_init(&request, "vmnd");
    request.loads = true;
    model_request_add(&request, MODEL_PUT, VMN_TABLE_APP, "bad",
                      json_pack("{s:i}", "max_memory_mib", mib));
    assert_int_equal(model_apply(model, &request, 1, &revision, &errors), 0);
    vmn_errors_uninit(&errors);
    model_request_uninit(&request);
    engine_delta_destroy(engine_run(apps_fixture_engine(f)));
    model_settle(model);
}

#define NO_MEMORY "no memory is left for it: app bad keeps "

/* Each label makes the unit too large for an app with one MiB: it fails, keeps
 * its flow, and ends nothing. */
static void
test_memory_limit_fails_the_unit(void **state OVS_UNUSED)
{
    static const char *const labels[] = {
        "'flows': '10000'", "'facts': '5000'", "'keys': '5000'",
        "'large': '2048'", "'queries': '3000', 'large': '1'",
        "'reads': '5000'",
    };

    for (size_t i = 0; i < ARRAY_SIZE(labels); i++) {
        struct apps_fixture *f = app_worker_start();
        uint64_t before;

        limit_memory(f, 1);
        before = kept_for(f);
        assert_true(before > 0);
        apply_network(f, "a", 107, labels[i]);
        assert_problem(f, NO_MEMORY);
        assert_problem(f, "max_memory_mib of apps/bad");
        assert_true(has_flow(f, "bad.bad/0 10 reg0=0x7," DROP));
        /* What it reads as before, its own row, comes on top. */
        assert_in_range(kept_for(f), 0, (1 << 20) + 16384);
        assert_int_equal(app_worker_status_of(f).n_ends, 0);
        /* Another one goes on. */
        apply_network(f, "b", 108, "");
        assert_true(has_flow(f, "bad.bad/0 10 reg0=0x6c," DROP));
        apply_network(f, "a", 117, "");
        assert_true(has_flow(f, "bad.bad/0 10 reg0=0x75," DROP));
        assert_int_equal(kept_for(f), before);
        apps_fixture_check(f);
        apps_fixture_destroy(f);
    }
}

/* Units that failed are computed again when another one has become smaller, or
 * the limit larger; a limit that is lower than what is kept withdraws
 * nothing. */
static void
test_memory_is_freed(void **state OVS_UNUSED)
{
    struct apps_fixture *f = app_worker_start();
    struct engine *engine = apps_fixture_engine(f);

    limit_memory(f, 1);
    apply_network(f, "a", 7, "'flows': '1000'");
    assert_int_equal(count_flows(f), 1002);
    apply_network(f, "b", 8, "'flows': '1001'");
    assert_problem(f, NO_MEMORY);
    assert_int_equal(count_flows(f), 1002);
    assert_false(engine_take_freed_memory(engine));

    apply_network(f, "a", 7, "'flows': '10'");
    assert_int_equal(count_flows(f), 12);
    assert_true(engine_take_freed_memory(engine));
    assert_false(engine_take_freed_memory(engine));
    engine_delta_destroy(engine_run(engine));
    assert_int_equal(count_flows(f), 10 + 1001 + 1);
    apps_fixture_check(f);

    apply_network(f, "a", 7, "'flows': '1000'");
    assert_problem(f, NO_MEMORY);
    limit_memory(f, 2);
    assert_int_equal(count_flows(f), 1000 + 1001 + 1);
    apps_fixture_check(f);

    limit_memory(f, 1);
    assert_int_equal(count_flows(f), 1000 + 1001 + 1);
    apps_fixture_destroy(f);
}

/* At a start as well: who comes first has its flows. */
static void
test_memory_limit_at_a_start(void **state OVS_UNUSED)
{
    struct apps_fixture *f = app_worker_start();
    struct engine *engine = apps_fixture_engine(f);
    const struct pipeline *pipeline = apps_fixture_pipeline(f);

    limit_memory(f, 4);
    apply_network(f, "a", 7, "'large': '1536'");
    apply_network(f, "b", 8, "'large': '1536'");
    apps_fixture_check(f);
    apply_network(f, "c", 9, "'large': '1536'");
    assert_problem(f, NO_MEMORY);

    /* A second engine of the same rows, as after a restart. */
    struct engine *fresh = engine_create(apps_fixture_model(f), pipeline);
    struct status_app status;
    struct arena arena;

    engine_delta_destroy(engine_run(fresh));
    arena_init(&arena);
    assert_true(engine_app_status(fresh, "bad", &arena, &status));
    assert_int_equal(status.problems, 1);
    assert_true(status.memory_bytes > 3 << 20);
    assert_true(status.memory_bytes <= status.max_memory_bytes);
    arena_uninit(&arena);
    engine_destroy(fresh);
    assert_true(kept_for(f) > 3 << 20);
    engine_delta_destroy(engine_run(engine));
    apps_fixture_destroy(f);
}

/* A query that ends its worker keeps its value, and fails the unit that is
 * being computed. */
static void
test_query(void **state OVS_UNUSED)
{
    struct apps_fixture *f = app_worker_start();
    struct engine *engine = apps_fixture_engine(f);

    apply_network(f, "a", 7, "'ask': 'b'");
    apply_network(f, "b", 8, "'query': 'null'");
    assert_int_equal(app_worker_status_of(f).n_ends, 1);
    assert_string_equal(app_worker_status_of(f).computed, "bad.does");
    assert_string_equal(engine_relation_values(engine, "bad.answers",
                                               "a").names[0], "8");
    apply_network(f, "b", 108, "");
    assert_string_equal(engine_relation_values(engine, "bad.answers",
                                               "a").names[0], "108");
    apps_fixture_check(f);

    /* The first time that it is asked, from within a unit. */
    apply_network(f, "c", 9, "'query': 'abort'");
    apply_network(f, "b", 108, "'ask': 'c'");
    assert_problem(f, "bad.network/b");
    assert_int_equal(app_worker_status_of(f).n_ends, 2);
    apply_network(f, "c", 9, "");
    assert_string_equal(engine_relation_values(engine, "bad.answers",
                                               "b").names[0], "9");
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_as_in_process),
        cmocka_unit_test(test_own_apps),
        cmocka_unit_test(test_dependencies),
        cmocka_unit_test(test_sorting),
        cmocka_unit_test(test_misdeeds),
        cmocka_unit_test(test_unconfined),
        cmocka_unit_test(test_own_failure),
        cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_too_many_flows),
        cmocka_unit_test(test_memory_limit_fails_the_unit),
        cmocka_unit_test(test_memory_is_freed),
        cmocka_unit_test(test_memory_limit_at_a_start),
        cmocka_unit_test(test_query),
    };

    return cmocka_run_group_tests(tests, app_worker_setup,
                                  app_worker_teardown);
}
