/* SPDX-License-Identifier: Apache-2.0
 *
 * Apps that run in worker processes, with the real engine: an app that does
 * what it must not (bad-app.c) loses nothing but its own computation. */

#include <config.h>

#include "controller/worker/app-worker.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "controller/apphost/apphost.h"
#include "controller/engine/engine.h"
#include "controller/engine/packet-handler.h"
#include "controller/engine/relation.h"
#include "controller/flow/pipeline.h"
#include "controller/model/model.h"
#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/apps-fixture.h"
#include "timeval.h"
#include "util.h"

#define WORKER "./vmn-app-worker"

static char *module, *withdraw_module;

/* What follows the network in its flows. */
#define DROP "dl_type=0x88b5 actions=drop (bad)"

/* A host with a port in each of three networks. */
#define ROWS                                                            \
    "{'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.1'},"     \
    " 'networks/a': {'vni': 7, 'subnets': [{'cidr': '10.0.0.0/24'}]},"  \
    " 'networks/b': {'vni': 8, 'subnets': [{'cidr': '10.1.0.0/24'}]},"  \
    " 'networks/c': {'vni': 9, 'subnets': [{'cidr': '10.2.0.0/24'}]},"  \
    " 'ports/pa': {'network': 'a', 'ips': ['10.0.0.1']},"               \
    " 'ports/pb': {'network': 'b', 'ips': ['10.1.0.1']},"               \
    " 'ports/pc': {'network': 'c', 'ips': ['10.2.0.1']},"               \
    " 'bindings/pa': {'host': 'h1'}, 'bindings/pb': {'host': 'h1'},"    \
    " 'bindings/pc': {'host': 'h1'}}"

static struct apps_fixture *
start_with(const char *file)
{
    const char *const apps[] = { "overlay", file, NULL };
    struct apps_fixture *f = apps_fixture_create(apps);

    apps_fixture_apply(f, ROWS);
    apps_fixture_check(f);
    return f;
}

static struct apps_fixture *
start(void)
{
    return start_with(module);
}

static void
apply_network(struct apps_fixture *f, const char *name, int vni,
              const char *labels)
{
    char *json = xasprintf("{'networks/%s': {'vni': %d, 'subnets': "
                           "[{'cidr': '10.%d.0.0/24'}], 'labels': {%s}}}",
                           name, vni, name[0] - 'a', labels);

    apps_fixture_apply(f, json);
    free(json);
}

/* How many of the app's flows are there. */
static size_t
count_flows(struct apps_fixture *f)
{
    struct ds flows = DS_EMPTY_INITIALIZER;
    size_t n = 0;

    apps_fixture_flows(f, "h1", false, &flows);
    for (const char *p = ds_cstr(&flows);
         (p = strstr(p, "bad.bad/0 10 ")); p++) {
        n++;
    }
    ds_destroy(&flows);
    return n;
}

static bool
has_flow(struct apps_fixture *f, const char *text)
{
    struct ds flows = DS_EMPTY_INITIALIZER;
    bool has;

    apps_fixture_flows(f, "h1", false, &flows);
    has = strstr(ds_cstr(&flows), text) != NULL;
    ds_destroy(&flows);
    return has;
}

static struct app_worker *
worker_of(struct apps_fixture *f, const char *app)
{
    const struct pipeline *pipeline = apps_fixture_pipeline(f);

    for (size_t i = 0; i < pipeline->n_apps; i++) {
        if (!strcmp(pipeline->apps[i].class_->name, app)) {
            return pipeline->apps[i].worker;
        }
    }
    return NULL;
}

static struct app_worker_status
status_of(struct apps_fixture *f)
{
    struct app_worker_status status;

    app_worker_get_status(worker_of(f, "bad"), &status);
    return status;
}

static void
assert_either(const char *problem, const char *text, const char *other)
{
    if (!strstr(problem, text) && !strstr(problem, other)) {
        fail_msg("neither \"%s\" nor \"%s\" in: %s", text, other, problem);
    }
}

static void
assert_problem(struct apps_fixture *f, const char *text)
{
    char *problems = apps_fixture_problems(f);

    if (!strstr(problems, text)) {
        fail_msg("no \"%s\" in: %s", text, problems);
    }
    free(problems);
}

static void
test_same_as_in_process(void **state OVS_UNUSED)
{
    struct apps_fixture *f = start();

    assert_non_null(worker_of(f, "overlay"));
    assert_int_equal(count_flows(f), 3);
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x7," DROP));
    assert_int_equal(status_of(f).n_ends, 0);
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
    struct apps_fixture *f = start();
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
    uint64_t calls = status_of(f).n_calls;

    apply_network(f, "c", 109, "");
    assert_int_equal(status_of(f).n_calls, calls + 1);
    apps_fixture_destroy(f);
}

/* Each misdeed: the unit fails and keeps its flow, all others go on, and once
 * the object is right again so is all.  It fails with one of two problems. */
static void
check_deed_of_two(const char *deed, const char *problem, const char *other)
{
    struct apps_fixture *f = start();
    char *label = xasprintf("'do': '%s'", deed);
    struct app_worker_status status;
    char *problems;

    apply_network(f, "a", 107, label);
    assert_problem(f, "bad.network/a");
    problems = apps_fixture_problems(f);
    assert_either(problems, problem, other);
    free(problems);
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x7," DROP));
    status = status_of(f);
    assert_int_equal(status.n_ends, 1);
    assert_string_equal(status.computed, "bad.network/a");
    assert_non_null(status.failure);

    /* Others, and the overlay. */
    apply_network(f, "b", 108, "");
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x6c," DROP));
    assert_int_equal(status_of(f).n_ends, 1);

    apply_network(f, "a", 117, "");
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x75," DROP));
    assert_int_equal(status_of(f).n_ends, 1);
    apps_fixture_check(f);
    free(label);
    apps_fixture_destroy(f);
}

static void
check_deed(const char *deed, const char *problem)
{
    check_deed_of_two(deed, problem, problem);
}

/* Returns the processor time that children had which have ended. */
static int64_t
children_ms(void)
{
    struct rusage usage;

    getrusage(RUSAGE_CHILDREN, &usage);
    return (timeval_to_msec(&usage.ru_utime)
            + timeval_to_msec(&usage.ru_stime));
}

/* What an app may do whatever the C library does for it. */
static void
test_sorting(void **state OVS_UNUSED)
{
    struct apps_fixture *f = start();

    apply_network(f, "a", 107, "'do': 'sort'");
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x6b," DROP));
    assert_int_equal(status_of(f).n_ends, 0);
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
    struct apps_fixture *f = start();
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
    struct apps_fixture *f = start();

    apply_network(f, "a", 107, "'do': 'fail'");
    assert_problem(f, "network a says so");
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x7,"));
    assert_int_equal(status_of(f).n_ends, 0);
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
    struct apps_fixture *f = start();

    for (size_t i = 0; i < ARRAY_SIZE(uses); i++) {
        char *label = xasprintf("'use': '%s'", uses[i].use);

        apply_network(f, "a", 107, label);
        assert_problem(f, uses[i].problem);
        assert_true(has_flow(f, "bad.bad/0 10 reg0=0x7,"));
        free(label);
    }
    apply_network(f, "a", 107, "'use': 'group'");
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x6b,"));
    assert_int_equal(status_of(f).n_ends, 0);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

static void
test_too_many_flows(void **state OVS_UNUSED)
{
    struct apps_fixture *f = start();

    apply_network(f, "a", 107, "'flows': '200001'");
    assert_problem(f, "more than 200000 flows");
    assert_int_equal(status_of(f).n_ends, 0);
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
        struct apps_fixture *f = start();
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
        assert_int_equal(status_of(f).n_ends, 0);
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
    struct apps_fixture *f = start();
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
    struct apps_fixture *f = start();
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
    struct apps_fixture *f = start();
    struct engine *engine = apps_fixture_engine(f);

    apply_network(f, "a", 7, "'ask': 'b'");
    apply_network(f, "b", 8, "'query': 'null'");
    assert_int_equal(status_of(f).n_ends, 1);
    assert_string_equal(status_of(f).computed, "bad.does");
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
    assert_int_equal(status_of(f).n_ends, 2);
    apply_network(f, "c", 9, "");
    assert_string_equal(engine_relation_values(engine, "bad.answers",
                                               "b").names[0], "9");
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

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
    struct apps_fixture *f = start();
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
    assert_string_equal(status_of(f).computed, "bad.packet");

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
    struct apps_fixture *f = start();
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
    struct apps_fixture *f = start();
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
    assert_int_equal(status_of(f).n_ends, n_failed);
    assert_int_not_equal(status_of(f).state, APP_WORKER_SUSPENDED);
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
    struct apps_fixture *f = start();
    int64_t pid = status_of(f).pid;

    kill(pid, SIGKILL);
    apply_network(f, "a", 107, "");
    assert_true(has_flow(f, "bad.bad/0 10 reg0=0x6b,"));
    assert_int_equal(status_of(f).n_ends, 1);
    assert_true(status_of(f).pid != pid);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

/* Waits until it may be started again, and computes what was left. */
static void
wait_ready(struct apps_fixture *f)
{
    struct engine *engine = apps_fixture_engine(f);

    for (int i = 0; !app_worker_run(worker_of(f, "bad")); i++) {
        assert_true(i < 10000);
        usleep(1000);
    }
    if (engine_take_ready_workers(engine)) {
        engine_delta_destroy(engine_run(engine));
    }
}

/* A change that is undone, while the process is away and would pause: nothing
 * of it is left. */
static void
test_undone(void **state OVS_UNUSED)
{
    struct apps_fixture *f = start();
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

    kill(status_of(f).pid, SIGKILL);
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
    unsigned n_ends = status_of(f).n_ends;
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
    struct apps_fixture *f = start();
    unsigned n_early = 0;

    while (status_of(f).state != APP_WORKER_SUSPENDED) {
        unsigned n_ends = status_of(f).n_ends;
        int64_t now = time_msec();

        apply_network(f, "a", 300 + (int) n_ends, "'do': 'abort'");
        assert_int_equal(status_of(f).n_ends, n_ends + 1);
        if (status_of(f).state == APP_WORKER_PAUSING
            && n_ends + 1 > WORKER_ENDS_AT_ONCE) {
            n_early += try_in_pause(f, now);
        }
    }
    assert_int_equal(status_of(f).n_ends, WORKER_ENDS_MAX);
    /* A busy machine may take longer than the first pauses, of 20 ms and more,
     * but not than the last one, of 2.5 s. */
    assert_true(n_early > 0);
    assert_int_equal(status_of(f).pid, 0);
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
    struct apps_fixture *f = start_with(withdraw_module);
    struct engine *engine = apps_fixture_engine(f);
    size_t n = count_flows(f);

    while (status_of(f).state != APP_WORKER_SUSPENDED) {
        apply_network(f, "a", 300 + (int) status_of(f).n_ends,
                      "'do': 'abort'");
        if (status_of(f).state != APP_WORKER_SUSPENDED) {
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

/* Looks after the worker, and computes what was late, until nothing is. */
static void
wait_done(struct apps_fixture *f)
{
    struct engine *engine = apps_fixture_engine(f);

    for (int i = 0; ; i++) {
        char *problems = apps_fixture_problems(f);
        bool late = strstr(problems, "\"late\"") != NULL;

        free(problems);
        if (!late && !app_worker_is_busy(worker_of(f, "bad"))
            && !app_worker_is_busy(worker_of(f, "overlay"))) {
            return;
        }
        assert_true(i < 60000);
        usleep(1000);
        app_worker_look(worker_of(f, "bad"));
        app_worker_look(worker_of(f, "overlay"));
        if (engine_take_ready_workers(engine)) {
            engine_delta_destroy(engine_run(engine));
        }
    }
}

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
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_handler),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_undone),
        cmocka_unit_test(test_trace_bars_no_network),
        cmocka_unit_test(test_guests_do_not_suspend),
        cmocka_unit_test(test_suspended),
        cmocka_unit_test(test_late),
        cmocka_unit_test(test_late_changed),
        cmocka_unit_test(test_late_query),
        cmocka_unit_test(test_late_failure),
        cmocka_unit_test(test_withdrawn),
    };
    char here[PATH_MAX];

    if (!getcwd(here, sizeof here)) {
        return 1;
    }
    module = xasprintf("%s/tests/unit/.libs/bad-app.so", here);
    withdraw_module = xasprintf("%s/tests/unit/.libs/bad-app-withdraw.so",
                                here);
    setenv("VMN_TEST_WORKER", WORKER, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
