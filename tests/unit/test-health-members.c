/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of controller/health in a cluster: what a member that stands by
 * probes and tells, and what the writer takes of it and does itself.  The real
 * loadbalancer app, engine, commit and fabric, and a fake switch.  Probes are
 * of UDP without an answer: silence is success. */

#include <config.h>

#include "tests/unit/fabric-fixture.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "controller/fabric/fabric-status.h"
#include "controller/health/health-private.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "openvswitch/vlog.h"
#include "tests/unit/fake-switch.h"
#include "timeval.h"
#include "util.h"

static const char *const modules[] = { "loadbalancer", NULL };

static struct fake_switch sw;
static struct health *health;
static char dir[32];
static char *path;
static const char *manager;     /* Of the host; NULL: this member. */
static const char *tells;       /* Who tells the writer in each turn, */
static const char *hosts;       /* of these. */

static int64_t asked_after;      /* In the last question to a member. */

static const char *
take(const char *member, const char *text)
{
    bool more;
    char *ask = health_ask_probes(health, member);
    json_t *json = ask ? json_loads(ask, 0, NULL) : NULL;

    if (json) {
        asked_after = json_integer_value(json_object_get(json, "after"));
    }
    json_decref(json);
    free(ask);
    return health_take_probes(health, member, text, strlen(text), time_msec(),
                              &more);
}

static void
turn(void)
{
    if (tells) {
        char *text = xasprintf("{\"run\":9,\"seq\":1,\"revision\":0,\"hosts\":"
                               "[%s],\"backends\":[]}", hosts);

        assert_null(take(tells, text));
        free(text);
    }
    fixture_turn();
    fake_switch_run(&sw);
}

#define TURN_UNTIL(CONDITION) FIXTURE_TURN_UNTIL(turn, CONDITION)

static void
edit(enum vmn_table table, const char *name, json_t *spec)
{
    fixture_edit(table, name, spec, turn);
}

static void
put_balancer(void)
{
    edit(VMN_TABLE_LOADBALANCER, "lb", json_pack(
        "{s:s, s:[s], s:s, s:[{s:i}], s:s, s:{s:s, s:i, s:i, s:i, s:i}}",
        "vip", "10.0.200.1", "networks", "red", "protocol", "udp",
        "ports", "port", 53, "selector", "role=web", "health", "type", "udp",
        "interval_ms", 200, "timeout_ms", 50, "healthy_after", 2,
        "unhealthy_after", 3));
}

static void
put_row(const char *state)
{
    edit(VMN_TABLE_HEALTH, "lb/a", json_pack(
        "{s:s, s:s, s:s}", "loadbalancer", "lb", "port", "a", "state",
        state));
}

static int
row(void)
{
    const struct vmn_health *health_row = model_get_durable(
        toy.model, VMN_TABLE_HEALTH, "lb/a", NULL);

    return health_row ? (int) health_row->state : -1;
}

static const char *
manager_cb(void *aux OVS_UNUSED, const char *host OVS_UNUSED)
{
    return manager;
}

static int
setup(void **state OVS_UNUSED)
{
    static const struct health_sharing sharing = { manager_cb };
    struct fabric_host *host;

    strcpy(dir, "/tmp/test-health-XXXXXX");
    assert_non_null(mkdtemp(dir));
    path = xasprintf("unix:%s/openflow", dir);
    manager = tells = NULL;
    fake_switch_init(&sw, 0x100);
    fixture_start(path, NULL, NULL, modules);
    health = health_create(loop_base(loop), toy.model, toy.engine, commit,
                           fabric, &sharing, NULL);
    edit(VMN_TABLE_NETWORK, "red", toy_network());
    edit(VMN_TABLE_HOST, "h1", toy_host(1));
    edit(VMN_TABLE_PORT, "a", json_pack("{s:s, s:{s:s}}", "network", "red",
                                        "labels", "role", "web"));
    edit(VMN_TABLE_VIF, "h1/a", json_pack(
        "{s:s, s:s, s:s, s:i, s:b}", "host", "h1", "iface_id", "a", "iface",
        "a", "ofport", 1, "link_up", true));
    edit(VMN_TABLE_BINDING, "a", json_pack("{s:s}", "host", "h1"));
    put_balancer();
    host = fabric_find_host(fabric, "h1");
    fabric_host_set_datapath(host, sw.datapath_id);
    fabric_host_set_reported(host);
    fake_switch_connect(&sw, path + strlen("unix:"));
    TURN_UNTIL(fabric_host_is_mastered(fabric, "h1"));
    return 0;
}

static int
teardown(void **state OVS_UNUSED)
{
    fake_switch_uninit(&sw);
    commit_stop(commit);
    health_destroy(health);
    fixture_stop();
    rmdir(dir);
    free(path);
    return 0;
}

/* A member that stands by.  ----------------------------------------------- */

/* Asks as the writer of that epoch, of the report before that. */
static json_t *
ask(int epoch, json_int_t run, json_int_t after)
{
    char *text = xasprintf("{\"epoch\":%d,\"run\":%"PRId64",\"after\":%"PRId64
                           "}", epoch, (int64_t) run, (int64_t) after);
    char *answer;
    const char *fault = health_tell_probes(health, text, strlen(text),
                                           &answer);
    json_t *json = fault ? json_string(fault)
                         : json_loads(answer, 0, NULL);

    assert_non_null(json);
    free(answer);
    free(text);
    return json;
}

static json_int_t
get(const json_t *report, const char *name)
{
    return json_integer_value(json_object_get(report, name));
}

static json_int_t
field(const json_t *report, size_t i)
{
    const json_t *backends = json_object_get(report, "backends");

    return json_integer_value(json_array_get(json_array_get(backends, 0), i));
}

#define ID 3
#define N_OK 4

/* Asks again and again until there is a result; returns the report. */
static json_t *
ask_until_told(int epoch, json_int_t run, json_int_t after)
{
    json_t *report = ask(epoch, run, after);

    while (!json_array_size(json_object_get(report, "backends"))) {
        json_decref(report);
        turn();
        report = ask(epoch, run, after);
    }
    return report;
}

/* Asks again and again until the report has so many hosts; -1: no list of
 * them.  One that is silent for a moment, as a machine that is busy may be, is
 * left out for some time. */
static json_t *
ask_until_hosts(int n, int epoch, json_int_t run, json_int_t after)
{
    for (;;) {
        json_t *report = ask(epoch, run, after);
        const json_t *list = json_object_get(report, "hosts");

        if ((list ? (int) json_array_size(list) : -1) == n) {
            return report;
        }
        json_decref(report);
        turn();
    }
}

/* Waits until no probe was sent for longer than some intervals. */
static void
await_quiet(void)
{
    size_t n = sw.n_packet_outs;
    int64_t since_ms = time_msec();

    while (time_msec() < since_ms + 1000) {
        turn();
        if (sw.n_packet_outs != n) {
            n = sw.n_packet_outs;
            since_ms = time_msec();
        }
    }
}

static void
member_probes_and_tells_while_it_is_asked(void **state OVS_UNUSED)
{
    json_t *report, *next;
    json_int_t run, seq;

    await_quiet();
    assert_int_equal(sw.n_packet_outs, 0);
    json_decref(ask_until_told(5, 0, 0));
    report = ask_until_hosts(1, 5, 0, 0);
    run = get(report, "run");
    seq = get(report, "seq");
    assert_true(run && seq && field(report, N_OK));
    assert_true(sw.n_packet_outs > 0);
    /* What the writer has it is not told again, nor its hosts. */
    next = ask_until_hosts(-1, 5, run, seq);
    json_decref(next);
    /* Another writer is told all. */
    next = ask_until_hosts(1, 6, run + 1, seq);
    assert_int_equal(field(next, ID), field(report, ID));
    assert_true(field(next, N_OK) >= field(report, N_OK));
    json_decref(next);
    /* The former one is not. */
    next = ask(5, run, seq);
    assert_string_equal(json_string_value(next), "a former writer asks");
    json_decref(next);
    assert_int_equal(row(), -1);

    /* It ends if nobody asks, and begins anew: also to count. */
    await_quiet();
    next = ask_until_told(6, run, 0);
    assert_true(field(next, ID) > field(report, ID));
    assert_int_equal(field(next, N_OK), 1);
    json_decref(next);
    json_decref(report);
}

static void
results_that_change_nothing_are_told_seldom(void **state OVS_UNUSED)
{
    json_t *report = ask_until_told(5, 0, 0), *next;
    json_int_t run = get(report, "run"), seq, id, n_ok, n_more = 0;

    /* The writer says what it has concluded: it is news until then. */
    json_decref(report);
    put_row("up");
    report = ask(5, run, 0);
    seq = get(report, "seq");
    n_ok = field(report, N_OK);
    id = field(report, ID);
    json_decref(report);
    /* Each time there was more than one since, unless the machine stood still
     * for that long. */
    for (int i = 0; i < 3 && n_more < 2; i++) {
        next = ask_until_told(5, run, seq);
        assert_int_equal(field(next, ID), id);
        n_more = field(next, N_OK) - n_ok;
        seq = get(next, "seq");
        n_ok = field(next, N_OK);
        json_decref(next);
    }
    assert_true(n_more >= 2);
}

/* It is left out until it was heard for some time, that it does not change
 * hands all the time. */
static void
member_leaves_out_what_it_does_not_hear(void **state OVS_UNUSED)
{
    json_t *report = ask_until_hosts(1, 5, 0, 0);
    size_t n = 1;
    int64_t since_ms;

    while (n) {
        json_decref(report);
        fixture_turn();         /* And the switch does nothing. */
        report = ask(5, 0, 0);
        n = json_array_size(json_object_get(report, "hosts"));
    }
    since_ms = time_msec();
    json_decref(report);
    report = ask_until_hosts(1, 5, 0, 0);
    assert_true(time_msec() - since_ms > 2500);
    json_decref(report);
}

/* The writer.  ------------------------------------------------------------ */

static bool
shown(struct status_backend_health *status)
{
    struct arena arena;
    bool found;

    arena_init(&arena);
    found = health_backend_status(health, "lb", "a", &arena, status);
    arena_uninit(&arena);
    return found;
}

/* "b" manages the host, of which it tells; the backend was up. */
static void
lead(void)
{
    struct status_backend_health status;

    put_row("up");
    manager = tells = "b";
    hosts = "\"h1\"";
    health_lead(health, 7);
    TURN_UNTIL(shown(&status));
}

/* Has the member tell that; 'n' is negative if the last ones have failed. */
static void
tell(const char *member, int id, int n_ok, int n_failed, int n)
{
    char *text = xasprintf(
        "{\"run\":9,\"seq\":1,\"revision\":%"PRIu64",\"hosts\":[%s],"
        "\"backends\":[[\"h1\",\"lb\",\"a\",%d,%d,%d,%d,20,300,\"%s\"]]}",
        model_durable_revision(toy.model), hosts, id, n_ok, n_failed, n,
        n < 0 ? "no answer" : "");

    assert_null(take(member, text));
    free(text);
}

static void
turn_some(void)
{
    for (int i = 0; i < 20; i++) {
        turn();
    }
}

static void
writer_concludes_from_what_it_is_told(void **state OVS_UNUSED)
{
    struct status_backend_health status;

    lead();
    tell("b", 1, 0, 2, -2);
    /* It is told the same twice, and of a host that another one manages. */
    tell("b", 1, 0, 2, -2);
    tell("c", 1, 0, 3, -3);
    turn_some();
    assert_true(shown(&status));
    assert_int_equal(status.failed, 2);
    assert_string_equal(status.reason, "no answer");
    assert_int_equal(row(), VMN_HEALTH_UP);
    tell("b", 1, 0, 3, -3);
    TURN_UNTIL(row() == VMN_HEALTH_DOWN);
    tell("b", 1, 2, 3, 2);
    TURN_UNTIL(row() == VMN_HEALTH_UP);
    assert_true(shown(&status));
    assert_int_equal(status.ok, 2);
    assert_int_equal(status.latency_us, 300);
    assert_null(status.reason);
}

/* Those of the former master and of the next one are a row; what was between
 * them interrupts it. */
static void
counts_are_not_cut_short(void **state OVS_UNUSED)
{
    struct status_backend_health status;

    lead();
    tell("b", 1, 0, 2, -2);
    /* Two more, with one that was answered between. */
    tell("b", 1, 1, 4, -2);
    turn_some();
    assert_int_equal(row(), VMN_HEALTH_UP);
    manager = tells = "c";
    tell("c", 2, 0, 1, -1);
    TURN_UNTIL(row() == VMN_HEALTH_DOWN);
    /* "b" was late. */
    tell("b", 1, 9, 4, 8);
    turn_some();
    assert_true(shown(&status));
    assert_string_equal(status.state, "down");
}

static void
results_of_what_was_are_ignored(void **state OVS_UNUSED)
{
    struct status_backend_health status;

    lead();
    assert_null(take("b", "{\"run\":9,\"seq\":1,\"revision\":1,\"hosts\":["
                          "\"h1\"],\"backends\":[[\"h1\",\"lb\",\"a\",1,0,3,"
                          "-3,0,0,\"no answer\"]]}"));
    assert_true(shown(&status));
    assert_int_equal(status.failed, 0);
    assert_string_equal(status.state, "up");
    /* It asks again, when the member may have caught up. */
    asked_after = 1;
    TURN_UNTIL(!asked_after);
    tell("b", 1, 0, 3, -3);
    TURN_UNTIL(row() == VMN_HEALTH_DOWN);
}

static void
writer_probes_what_nobody_does(void **state OVS_UNUSED)
{
    lead();
    turn_some();
    await_quiet();
    assert_int_equal(sw.n_packet_outs, 0);
    /* The member does not hear it. */
    hosts = "";
    health_set_shares(health, 1);
    TURN_UNTIL(sw.n_packet_outs > 0);
    hosts = "\"h1\"";
    await_quiet();
    /* The member says nothing. */
    sw.n_packet_outs = 0;
    tells = NULL;
    TURN_UNTIL(sw.n_packet_outs > 0);
    assert_int_equal(row(), VMN_HEALTH_UP);
    tells = "b";
    await_quiet();
    /* It does not manage the host any more: it is this one's. */
    sw.n_packet_outs = 0;
    manager = NULL;
    TURN_UNTIL(sw.n_packet_outs > 0);
}

/* A member tells of what the writer does not have as another one's yet: it is
 * asked for that once more. */
static void
results_that_came_too_soon_are_asked_for_again(void **state OVS_UNUSED)
{
    lead();
    hosts = "";
    TURN_UNTIL(!probe_members_is_elsewhere(health->members, "h1"));
    TURN_UNTIL(sw.n_packet_outs > 0);
    hosts = "\"h1\"";
    tell("b", 1, 0, 3, -3);
    assert_int_equal(row(), VMN_HEALTH_UP);
    asked_after = 1;
    TURN_UNTIL(!asked_after);
    tell("b", 1, 0, 3, -3);
    TURN_UNTIL(row() == VMN_HEALTH_DOWN);
    /* All is taken: it is asked for what is new. */
    TURN_UNTIL(asked_after);
}

/* The member says that it has it, but tells nothing: it may not be able to. */
static void
writer_probes_what_it_is_told_nothing_of(void **state OVS_UNUSED)
{
    struct backend *b;

    lead();
    TURN_UNTIL(probe_members_is_heard(health->members, "h1"));
    await_quiet();
    b = prober_find(&health->prober, "lb", "a");
    b->n_untold = 1000;         /* Since long ago. */
    sw.n_packet_outs = 0;
    TURN_UNTIL(sw.n_packet_outs > 0);
    assert_true(b->untold && !b->elsewhere);
    assert_true(probe_members_is_heard(health->members, "h1"));
    tell("b", 1, 1, 0, 1);
    TURN_UNTIL(b->elsewhere);
    assert_false(b->untold);
    asked_after = 1;
    TURN_UNTIL(!asked_after);
    tell("b", 1, 1, 0, 1);
    assert_int_equal(b->n_untold, 0);
}

/* Whatever comes first when it wakes up. */
static void
writer_that_slept_waits_for_others(void **state OVS_UNUSED)
{
    lead();
    TURN_UNTIL(probe_members_is_heard(health->members, "h1"));
    xnanosleep(UINT64_C(6000000000)); /* Longer than it believes members. */
    assert_null(take("c", "{\"run\":3,\"seq\":1,\"revision\":0,\"hosts\":[],"
                          "\"backends\":[]}"));
    assert_true(probe_members_is_elsewhere(health->members, "h1"));
    assert_false(probe_members_is_heard(health->members, "h1"));
    TURN_UNTIL(probe_members_is_heard(health->members, "h1"));
}

/* Since when, does not wait for a probe from here. */
static void
writer_asks_a_host_that_its_member_does_not_hear(void **state OVS_UNUSED)
{
    lead();
    hosts = "";
    TURN_UNTIL(!probe_members_is_elsewhere(health->members, "h1"));
    assert_true(probe_members_is_unheard(health->members, "h1"));
    manager = NULL;
    assert_false(probe_members_is_unheard(health->members, "h1"));
}

static void
bad_answers_are_refused(void **state OVS_UNUSED)
{
    bool more;
    char *answer;

    lead();
    assert_string_equal(take("b", "{}"),
                        "'run', 'seq' or 'revision' is out of range");
    assert_string_equal(health_take_probes(health, "x", "{}", 2, time_msec(),
                                           &more), "it was not asked");
    assert_non_null(health_tell_probes(health, "{}", 2, &answer));
    assert_null(answer);
    assert_non_null(health_tell_probes(NULL, "{}", 2, &answer));
}

#define T(TEST) cmocka_unit_test_setup_teardown(TEST, setup, teardown)

int
main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        T(member_probes_and_tells_while_it_is_asked),
        T(results_that_change_nothing_are_told_seldom),
        T(member_leaves_out_what_it_does_not_hear),
        T(writer_concludes_from_what_it_is_told),
        T(counts_are_not_cut_short),
        T(results_of_what_was_are_ignored),
        T(writer_probes_what_nobody_does),
        T(results_that_came_too_soon_are_asked_for_again),
        T(writer_probes_what_it_is_told_nothing_of),
        T(writer_that_slept_waits_for_others),
        T(writer_asks_a_host_that_its_member_does_not_hear),
        T(bad_answers_are_refused),
    };

    signal(SIGPIPE, SIG_IGN);
    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION,
                    getenv("VERBOSE") ? VLL_DBG : VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
