/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of controller/health as a whole: what becomes rows, and when.
 * The real loadbalancer app, engine, commit and fabric, a fake switch and a
 * store that fails as it is told.  Probes are of UDP without an answer:
 * silence is success. */

#include <config.h>

#include "tests/unit/fabric-fixture.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "controller/fabric/fabric-status.h"
#include "controller/health/health.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "openvswitch/vlog.h"
#include "tests/unit/fake-switch.h"
#include "util.h"

static const char *const modules[] = { "loadbalancer", NULL };

static struct fake_switch sw;
static struct health *health;
static char dir[32];
static char *path;

static void
turn(void)
{
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
set_link(const char *port, int ofport, bool up)
{
    char *name = xasprintf("h1/%s", port);

    edit(VMN_TABLE_VIF, name,
         json_pack("{s:s, s:s, s:s, s:i, s:b}", "host", "h1", "iface_id",
                   port, "iface", port, "ofport", ofport, "link_up", up));
    free(name);
}

static void
add_port(const char *name, int ofport)
{
    edit(VMN_TABLE_PORT, name, json_pack("{s:s, s:{s:s}}", "network", "red",
                                         "labels", "role", "web"));
    set_link(name, ofport, true);
    edit(VMN_TABLE_BINDING, name, json_pack("{s:s}", "host", "h1"));
}

static void
put_balancer(const char *selector)
{
    edit(VMN_TABLE_LOADBALANCER, "lb", json_pack(
        "{s:s, s:[s], s:s, s:[{s:i}], s:s, s:{s:s, s:i, s:i}, s:i}",
        "vip", "10.0.200.1", "networks", "red", "protocol", "udp",
        "ports", "port", 53, "selector", selector, "health", "type", "udp",
        "interval_ms", 200, "timeout_ms", 50, "unheard_seconds", 1));
}

static void
put_row(const char *lb, const char *port, const char *state)
{
    char *name = xasprintf("%s/%s", lb, port);

    edit(VMN_TABLE_HEALTH, name, json_pack("{s:s, s:s, s:s}", "loadbalancer",
                                           lb, "port", port, "state",
                                           state));
    free(name);
}

/* What the durable row of a backend of "lb" says; -1: there is none. */
static int
row_of(const char *port)
{
    char *name = xasprintf("lb/%s", port);
    const struct vmn_health *row = model_get_durable(
        toy.model, VMN_TABLE_HEALTH, name, NULL);

    free(name);
    return row ? (int) row->state : -1;
}

static void
connect_switch(void)
{
    struct fabric_host *host = fabric_find_host(fabric, "h1");

    fabric_host_set_datapath(host, sw.datapath_id);
    fabric_host_set_reported(host);
    fake_switch_connect(&sw, path + strlen("unix:"));
    TURN_UNTIL(fabric_host_is_connected(fabric, "h1"));
}

static void
start_health(void)
{
    health = health_create(loop_base(loop), toy.model, toy.engine, commit,
                           fabric);
}

static int
setup(void **state OVS_UNUSED)
{
    strcpy(dir, "/tmp/test-health-XXXXXX");
    assert_non_null(mkdtemp(dir));
    path = xasprintf("unix:%s/openflow", dir);
    fake_switch_init(&sw, 0x100);
    fixture_start(path, NULL, NULL, modules);
    edit(VMN_TABLE_NETWORK, "red", toy_network());
    edit(VMN_TABLE_HOST, "h1", toy_host(1));
    add_port("a", 1);
    add_port("b", 2);
    return 0;
}

static int
teardown(void **state OVS_UNUSED)
{
    fixture_store_errors = 0;
    fake_switch_uninit(&sw);
    commit_stop(commit);
    health_destroy(health);
    fixture_stop();
    rmdir(dir);
    free(path);
    return 0;
}

static void
states_become_rows(void **state)
{
    connect_switch();
    start_health();
    put_balancer("role=web");
    TURN_UNTIL(row_of("a") == VMN_HEALTH_UP && row_of("b") == VMN_HEALTH_UP);
    assert_true(sw.n_packet_outs >= 2);

    set_link("a", 1, false);
    TURN_UNTIL(row_of("a") == VMN_HEALTH_DOWN);
    assert_int_equal(row_of("b"), VMN_HEALTH_UP);
    set_link("a", 1, true);
    TURN_UNTIL(row_of("a") == VMN_HEALTH_UP);

    /* Who leaves has none, and rows go with their balancer. */
    put_balancer("role=nobody");
    TURN_UNTIL(row_of("a") < 0 && row_of("b") < 0);
    put_balancer("role=web");
    TURN_UNTIL(row_of("a") == VMN_HEALTH_UP && row_of("b") == VMN_HEALTH_UP);
    edit(VMN_TABLE_LOADBALANCER, "lb", NULL);
    TURN_UNTIL(row_of("a") < 0 && row_of("b") < 0);
}

static void
rows_that_a_store_refuses_are_written_later(void **state)
{
    connect_switch();
    start_health();
    put_balancer("role=web");
    fixture_store_errors = 3;
    TURN_UNTIL(row_of("a") == VMN_HEALTH_UP && row_of("b") == VMN_HEALTH_UP);
    assert_int_equal(fixture_store_errors, 0);
    fixture_store_errors = 2;
    fake_switch_disconnect(&sw);
    TURN_UNTIL(row_of("a") == VMN_HEALTH_DOWN
               && row_of("b") == VMN_HEALTH_DOWN);
}

static void
yield_cb(void *aux OVS_UNUSED, const struct commit_group *group OVS_UNUSED)
{
    commit_yield(commit);
}

/* Others that are told of a group may take their time. */
static void
balancers_are_read_when_they_are_durable(void **state)
{
    connect_switch();
    start_health();
    commit_add_watch(commit, yield_cb, NULL);
    commit_set_max_yields(commit, 1);
    put_balancer("role=web");
    TURN_UNTIL(row_of("a") == VMN_HEALTH_UP && row_of("b") == VMN_HEALTH_UP);
    put_balancer("role=nobody");
    TURN_UNTIL(row_of("a") < 0 && row_of("b") < 0);
    commit_remove_watch(commit, yield_cb, NULL);
}

static bool
shown(const char *port, struct arena *arena,
      struct status_backend_health *status)
{
    return health_backend_status(health, "lb", port, arena, status);
}

static void
rows_are_believed_after_a_start(void **state)
{
    struct status_backend_health status;
    struct arena arena;
    uint64_t before;

    arena_init(&arena);
    put_balancer("role=web");
    put_row("lb", "a", "up");
    put_row("lb", "b", "down");
    edit(VMN_TABLE_PORT, "c", json_pack("{s:s}", "network", "red"));
    put_row("lb", "c", "up");   /* No backend, or not any more. */
    before = model_durable_revision(toy.model);
    start_health();
    TURN_UNTIL(row_of("c") < 0);
    assert_int_equal(model_durable_revision(toy.model), before + 1);
    /* Its host has not been heard of yet, which says nothing. */
    assert_true(shown("a", &arena, &status));
    assert_string_equal(status.state, "up");
    assert_int_equal(status.n_history, 0);
    assert_true(shown("b", &arena, &status));
    assert_string_equal(status.state, "down");
    assert_false(shown("c", &arena, &status));
    connect_switch();
    TURN_UNTIL(row_of("b") == VMN_HEALTH_UP);
    assert_true(shown("a", &arena, &status));
    assert_int_equal(status.n_history, 0);
    assert_true(status.ok > 0);
    /* One that goes after it has been there is away, and is waited for. */
    fake_switch_disconnect(&sw);
    TURN_UNTIL(shown("a", &arena, &status) && status.reason);
    assert_string_equal(status.reason,
                        "its host is not connected: it keeps its state");
    assert_int_equal(row_of("a"), VMN_HEALTH_UP);
    TURN_UNTIL(row_of("a") == VMN_HEALTH_DOWN);
    assert_true(shown("a", &arena, &status));
    assert_string_equal(status.reason, "its host is not connected");
    arena_uninit(&arena);
}

#define T(TEST) cmocka_unit_test_setup_teardown(TEST, setup, teardown)

int
main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        T(states_become_rows),
        T(rows_that_a_store_refuses_are_written_later),
        T(balancers_are_read_when_they_are_durable),
        T(rows_are_believed_after_a_start),
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
