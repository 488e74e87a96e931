/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of the fabric of a standby of a cluster: what it knows of hosts, by
 * their markers; and as it becomes the writer. */

#include <config.h>

#include "tests/unit/fabric-hosts.h"

#include <string.h>

#include "controller/fabric/fabric.h"
#include "openvswitch/ofp-connection.h"
#include "timeval.h"
#include "util.h"

/* The marker of host 'i' once it has all that is desired now. */
static uint64_t
marker_now(int i)
{
    const struct fabric_switch *sw = host(i)->sw;

    return switch_marker_of(sw, sw->bundles.digest);
}

static void
come(int i)
{
    connect_only(i);
    TURN_UNTIL(switches[i].monitored);
}

static void
tell(int i, uint64_t marker)
{
    fake_switch_tell_marker(&switches[i], marker);
    for (int j = 0; j < 10; j++) {
        turn();
    }
}

static void
edit_flow(int value)
{
    edit_port("a", "red", 100, "all", value, false);
}

static bool
is_confirmed(uint64_t rev)
{
    return !strcmp(receipt_of(rev, 0), "confirmed");
}

static void
markers_confirm_revisions(void **state OVS_UNUSED)
{
    come(0);
    assert_int_equal(switches[0].role, OFPCR12_ROLE_SECONDARY);
    assert_int_equal(switches[0].generation_id, 7);
    assert_false(is_synced(0));
    assert_string_equal(host_reason(0),
                        "its flows are not known to be what is desired");
    tell(0, marker_now(0));
    assert_true(is_synced(0));
    assert_int_equal(switch_acked(host(0)->sw), fabric->last_revision);

    edit_flow(1);
    assert_string_equal(receipt_of(revision, 0), "pending");
    assert_true(switch_acked(host(0)->sw) < revision);
    tell(0, marker_now(0));
    assert_true(is_synced(0));
    assert_true(is_confirmed(revision));
    assert_int_equal(switches[0].n_mods + switches[0].n_commits, 0);
}

static void
marker_of_an_earlier_revision_confirms_that(void **state OVS_UNUSED)
{
    uint64_t markers[3], revisions[3];

    come(0);
    tell(0, marker_now(0));
    for (int i = 0; i < 3; i++) {
        edit_flow(i + 1);
        markers[i] = marker_now(0);
        revisions[i] = revision;
    }
    tell(0, markers[1]);
    assert_true(is_confirmed(revisions[0]) && is_confirmed(revisions[1]));
    assert_false(is_confirmed(revisions[2]));
    assert_int_equal(switch_acked(host(0)->sw), revisions[1]);
    /* One that was confirmed says nothing any more, nor does another. */
    tell(0, markers[0]);
    tell(0, 0x1234);
    assert_true(is_synced(0));
    tell(0, 0);
    assert_false(is_synced(0));
    assert_int_equal(switch_acked(host(0)->sw), revisions[1]);
    tell(0, markers[2]);
    assert_true(is_confirmed(revisions[2]) && is_synced(0));
}

/* What is as it was needs no message. */
static void
desired_state_that_is_as_before_is_installed(void **state OVS_UNUSED)
{
    come(0);
    edit_flow(1);
    tell(0, marker_now(0));
    edit_flow(2);
    assert_false(is_confirmed(revision));
    edit_flow(1);
    assert_true(is_confirmed(revision) && is_confirmed(revision - 1));
}

/* The switch may tell before this member has the revision. */
static void
marker_may_come_first(void **state OVS_UNUSED)
{
    uint64_t marker;

    come(0);
    edit_flow(1);
    marker = marker_now(0);
    tell(0, marker);
    edit_flow(2);
    tell(0, marker_now(0));
    tell(0, marker);
    edit_flow(1);
    assert_true(is_confirmed(revision) && is_synced(0));
}

static void
more_revisions_than_are_kept(void **state OVS_UNUSED)
{
    come(0);
    tell(0, marker_now(0));
    for (int i = 0; i < 1100; i++) {
        edit_flow(i + 1);
    }
    tell(0, marker_now(0));
    assert_true(is_synced(0) && is_confirmed(revision));
}

static void
switch_that_connects_again(void **state OVS_UNUSED)
{
    uint64_t acked;

    come(0);
    tell(0, marker_now(0));
    acked = fabric->last_revision;
    edit_flow(1);
    switches[0].monitored = false;
    disconnect_host(0);
    assert_int_equal(switch_acked(host(0)->sw), acked);
    edit_flow(2);
    come(0);
    assert_false(is_synced(0));
    tell(0, marker_now(0));
    assert_true(is_synced(0) && is_confirmed(revision)
                && is_confirmed(revision - 1));
}

static void
switch_without_monitors(void **state OVS_UNUSED)
{
    switches[0].refuse_monitor = true;
    connect_only(0);
    TURN_UNTIL(host(0)->sw->conn);
    edit_flow(1);
    for (int i = 0; i < 100; i++) {
        turn();
    }
    assert_non_null(host(0)->sw->conn);
    assert_false(is_synced(0) || is_confirmed(revision));
}

/* As one whose master finds that it rejects something. */
static void
switch_without_a_marker(void **state OVS_UNUSED)
{
    uint64_t acked;

    come(0);
    tell(0, marker_now(0));
    acked = fabric->last_revision;
    tell(0, 0);
    assert_false(is_synced(0));
    edit_port("a", "red", 100, "h1", 1, false);
    assert_int_equal(switch_acked(host(0)->sw), acked);
    tell(0, marker_now(0));
    assert_true(is_synced(0));
    assert_int_equal(switch_acked(host(0)->sw), revision);
}

static void
until_master(int i, uint64_t generation)
{
    TURN_UNTIL(switches[i].role == OFPCR12_ROLE_PRIMARY);
    assert_int_equal(switches[i].generation_id, generation);
    TURN_UNTIL(host(i)->sw->state == SWITCH_LIVE);
    /* It may have been acknowledged to the former writer. */
    TURN_UNTIL(is_synced(i));
}

/* It reads what there is, and sends what is missing. */
static void
writer_manages_hosts(void **state OVS_UNUSED)
{
    come(0);
    edit_flow(1);
    tell(0, marker_now(0));
    assert_true(is_synced(0));
    fabric_lead(fabric, 8, NULL);
    assert_false(is_synced(0));
    fabric_host_set_reported(host(0));
    until_master(0, 8);
    until_acked(0);
    check_host(0);
    edit_flow(2);
    until_acked(0);
    check_host(0);
    connect_host(1);
    assert_int_equal(switches[1].role, OFPCR12_ROLE_PRIMARY);
    check_host(1);
}

/* It answers nothing any more. */
static void
switch_that_gives_no_role_is_offline(void **state OVS_UNUSED)
{
    come(0);
    tell(0, marker_now(0));
    assert_string_equal(host(0)->state, "synced");
    switches[0].deaf = true;
    fabric_lead(fabric, 8, NULL);
    assert_string_equal(host(0)->state, "synced");
    TURN_UNTIL(!strcmp(host(0)->state, "offline"));
    assert_non_null(strstr(host_reason(0), "has another role"));
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) \
        cmocka_unit_test_setup_teardown(NAME, setup_observing, teardown)
        T(markers_confirm_revisions),
        T(marker_of_an_earlier_revision_confirms_that),
        T(desired_state_that_is_as_before_is_installed),
        T(marker_may_come_first),
        T(more_revisions_than_are_kept),
        T(switch_that_connects_again),
        T(switch_without_monitors),
        T(switch_without_a_marker),
        T(writer_manages_hosts),
        T(switch_that_gives_no_role_is_offline),
    };

    return run_all(argv, tests, ARRAY_SIZE(tests));
}
