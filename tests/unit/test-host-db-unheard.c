/* SPDX-License-Identifier: Apache-2.0
 *
 * The fabric's OVSDB side with real ovsdb-servers: what is said of hosts that
 * are not heard, and of their ports. */

#include <config.h>

#include "tests/unit/fabric-fixture.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric-watch.h"
#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/observed-state.h"
#include "openvswitch/vlog.h"
#include "tests/unit/host-db-fixture.h"
#include "tests/unit/ovs-sandbox.h"
#include "util.h"

/* Returns true if the port's state is "unknown" since a time that is known,
 * and since the host is as 'what' says. */
static bool
port_is_unknown(const char *port, const char *what)
{
    json_t *status = fixture_port_status(port);
    const char *reason = json_string_value(json_object_get(status, "reason"));
    bool unknown = port_state_is(port, "unknown");

    if (unknown) {
        assert_true(json_is_string(json_object_get(status, "since")));
        assert_true(json_is_string(json_object_get(status, "host")));
        assert_null(json_object_get(status, "traffic"));
        unknown = reason && !strncmp(reason, what, strlen(what));
    } else {
        assert_null(json_object_get(status, "since"));
    }
    json_decref(status);
    return unknown;
}

static uint64_t
count_unknown(void)
{
    struct fabric_stats stats;

    fabric_get_stats(fabric, &stats);
    return stats.n_ports_unknown;
}

/* A host "hv1" with a switch, and ports "a" and "b" that are up there. */
static void
start_ports_that_are_up(void)
{
    static const char *const names[] = { "a", "b" };

    fabric->silent_ms = 100;
    ovs_sandbox_start_vswitchd(&sandboxes[0]);
    put_host(0, "br-int", false);
    UNTIL(status_is("hv1", "state", "synced"));
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        put_port(names[i], NULL, NULL);
        VSCTL(0, "add-port br-int %s -- set Interface %s type=dummy "
              "external_ids:iface-id=%s", names[i], names[i], names[i]);
        UNTIL(port_state_is(names[i], "up"));
    }
    assert_int_equal(count_unknown(), 0);
}

/* Neither bindings nor what follows from them is touched. */
static void
ports_of_a_host_that_is_away_are_unknown(void **state OVS_UNUSED)
{
    uint64_t before;

    start_ports_that_are_up();
    before = model_durable_revision(toy.model);
    ovs_sandbox_stop_vswitchd(&sandboxes[0]);
    ovs_sandbox_stop_server(&sandboxes[0]);
    UNTIL(port_is_unknown("a", "host \"hv1\" has not been heard since 2"));
    assert_true(port_is_unknown("b", "host \"hv1\""));
    assert_int_equal(count_unknown(), 2);
    assert_true(bound("a", "hv1", NULL));
    host_db_settle();
    assert_int_equal(model_durable_revision(toy.model), before);

    ovs_sandbox_start_server(&sandboxes[0]);
    ovs_sandbox_start_vswitchd(&sandboxes[0]);
    UNTIL(port_state_is("a", "up") && port_state_is("b", "up"));
    assert_int_equal(count_unknown(), 0);
}

/* Why hv1 is unheard, as watchers could see it when they were notified last;
 * NULL: it is heard. */
static char *told_reason;

static void
told_cb(void *aux OVS_UNUSED, const char *host)
{
    if (!strcmp(host, "hv1")) {
        free(told_reason);
        told_reason = fabric_host_unheard_reason(fabric, "hv1");
    }
}

/* Also while the other of its two sessions stays away. */
static void
watchers_are_told_why_a_host_is_unheard(void **state OVS_UNUSED)
{
    static const struct fabric_watch watch = { .host = told_cb };
    static const struct {
        void (*act)(struct ovs_sandbox *);
        const char *reason;
    } steps[] = {
        { ovs_sandbox_stop_vswitchd, "the switch of host" },
        { ovs_sandbox_stop_server, "host \"hv1\" has not been heard" },
        { ovs_sandbox_start_server, "the switch of host" },
    };

    start_ports_that_are_up();
    fabric_add_watch(fabric, &watch, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        steps[i].act(&sandboxes[0]);
        UNTIL(told_reason && !strncmp(told_reason, steps[i].reason,
                                      strlen(steps[i].reason)));
    }
    ovs_sandbox_start_vswitchd(&sandboxes[0]);
    UNTIL(!told_reason);
    fabric_remove_watch(fabric, &watch, NULL);
}

/* Who writes the database is the switch: without that it is old. */
static void
ports_of_a_switch_that_is_away_are_unknown(void **state OVS_UNUSED)
{
    start_ports_that_are_up();
    ovs_sandbox_stop_vswitchd(&sandboxes[0]);
    UNTIL(port_is_unknown("a", "the switch of host \"hv1\" has not"));
    ovs_sandbox_start_vswitchd(&sandboxes[0]);
    UNTIL(port_state_is("a", "up"));
}

static void
ports_of_a_database_that_is_away_are_unknown(void **state OVS_UNUSED)
{
    start_ports_that_are_up();
    ovs_sandbox_stop_server(&sandboxes[0]);
    UNTIL(port_is_unknown("a", "the database of host \"hv1\" has not"));
    ovs_sandbox_start_server(&sandboxes[0]);
    UNTIL(port_state_is("a", "up"));
}

/* What it says is not taken in. */
static void
ports_of_a_host_that_is_refused_are_unknown(void **state OVS_UNUSED)
{
    start_ports_that_are_up();
    VSCTL(0, "remove Bridge br-int external_ids vmn-owner");
    UNTIL(status_is("hv1", "state", "rejected"));
    UNTIL(port_is_unknown("a", "host \"hv1\" is rejected since 2"));
}

/* Returns true if hv1 is in 'state', and asserts that its ports are unknown if
 * and only if it is offline. */
static bool
host_and_ports_are(const char *state)
{
    bool offline = status_is("hv1", "state", "offline");
    bool unheard = port_is_unknown("a", "the switch of host \"hv1\" has not");

    if (offline) {
        assert_true(unheard);
    }
    assert_int_equal(count_unknown(), unheard ? 2 : 0);
    assert_true(!unheard || !status_is("hv1", "state", "synced"));
    return status_is("hv1", "state", state);
}

/* No time passes here: the time-out never ends. */
static void
ports_are_unknown_from_the_moment_their_host_is_offline(
    void **state OVS_UNUSED)
{
    start_ports_that_are_up();
    fabric->silent_ms = INT_MAX;
    for (int i = 0; i < 2; i++) {
        ovs_sandbox_stop_vswitchd(&sandboxes[0]);
        UNTIL(host_and_ports_are("offline"));
        host_db_settle();
        assert_true(host_and_ports_are("offline"));
        assert_true(bound("a", "hv1", NULL));
        assert_false(fabric_host_switch_is_dead(fabric, "hv1"));
        ovs_sandbox_start_vswitchd(&sandboxes[0]);
        UNTIL(host_and_ports_are("synced"));
        UNTIL(port_state_is("a", "up") && port_state_is("b", "up"));
    }
}

/* Reconnects until then do not count as heard, and a switch that has come back
 * is not lost. */
static void
host_that_came_back_in_time_is_not_lost(void **state OVS_UNUSED)
{
    struct fabric_host *host;

    start_ports_that_are_up();
    fabric->silent_ms = INT_MAX;
    host = fabric_find_host(fabric, "hv1");
    ovs_sandbox_stop_vswitchd(&sandboxes[0]);
    UNTIL(host_and_ports_are("offline"));
    assert_true(host->db->switch_session.due_ms > 0);
    ovs_sandbox_start_vswitchd(&sandboxes[0]);
    UNTIL(!host_and_ports_are("offline"));
    assert_int_equal(host->db->switch_session.due_ms, 0);
    assert_false(host->db->switch_session.lost);
    UNTIL(host_and_ports_are("synced"));
    assert_false(host->db->switch_session.gone);
    assert_int_equal(host->db->switch_session.away_ms, 0);
}

/* Its claims give way later: that is not of what is told. */
static void
ports_are_unknown_from_the_moment_their_host_is_rejected(
    void **state OVS_UNUSED)
{
    start_ports_that_are_up();
    fabric->silent_ms = INT_MAX;
    VSCTL(0, "remove Bridge br-int external_ids vmn-owner");
    UNTIL(status_is("hv1", "state", "rejected"));
    assert_true(port_is_unknown("a", "host \"hv1\" is rejected since 2"));
    assert_false(observed_find_host(fabric->db->observed, "hv1")->silent);
}

/* After a restart it is the start since when nobody knows. */
static void
ports_of_a_host_that_does_not_come_are_unknown(void **state OVS_UNUSED)
{
    start_ports_that_are_up();
    ovs_sandbox_stop_vswitchd(&sandboxes[0]);
    ovs_sandbox_stop_server(&sandboxes[0]);
    stop_vmnd();
    start_vmnd();
    fabric->silent_ms = 100;
    UNTIL(port_is_unknown("a", "host \"hv1\" has not been heard since 2"));
    assert_int_equal(count_unknown(), 2);
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) \
    cmocka_unit_test_setup_teardown(NAME, host_db_setup, host_db_teardown)
        T(ports_of_a_host_that_is_away_are_unknown),
        T(watchers_are_told_why_a_host_is_unheard),
        T(ports_of_a_switch_that_is_away_are_unknown),
        T(ports_of_a_database_that_is_away_are_unknown),
        T(ports_of_a_host_that_is_refused_are_unknown),
        T(host_that_came_back_in_time_is_not_lost),
        T(ports_of_a_host_that_does_not_come_are_unknown),
        T(ports_are_unknown_from_the_moment_their_host_is_offline),
        T(ports_are_unknown_from_the_moment_their_host_is_rejected),
    };

    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION,
                    getenv("VERBOSE") ? VLL_INFO : VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
