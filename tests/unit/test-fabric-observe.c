/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of the fabric of a cluster's member: what it knows of hosts that
 * another member manages, by their markers; and of hosts that come to be its
 * own, or another's. */

#include <config.h>

#include "tests/unit/fabric-hosts.h"

#include <string.h>

#include "controller/fabric/fabric-faults.h"
#include "controller/fabric/fabric.h"
#include "openvswitch/ofp-connection.h"
#include "timeval.h"
#include "util.h"

/* How long a new master waits for the former one, as switch.c has it. */
#define SETTLE_MS 250

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

/* Its master says what is wrong; what is installed else is known by that. */
static void
master_says_what_is_rejected(void **state OVS_UNUSED)
{
    struct fabric_fault fault = { .host = "h0", .reason = "no room" };

    come(0);
    tell(0, marker_now(0));
    edit_flow(1);
    fault.acked = revision;
    tell(0, 0);
    assert_false(is_diverged(0));
    fabric_set_faults(fabric, &fault, 1);
    assert_true(is_diverged(0));
    assert_string_equal(host_reason(0), "no room");
    assert_string_equal(receipt_of(revision, 0), "failed");
    assert_int_equal(switch_acked(host(0)->sw), revision);
    /* That is of another revision. */
    edit_flow(2);
    fabric_set_faults(fabric, &fault, 1);
    assert_string_equal(receipt_of(revision, 0), "pending");
    /* It says of more than there is here. */
    fault.acked = revision + 1000;
    fabric_set_faults(fabric, &fault, 1);
    assert_int_equal(switch_acked(host(0)->sw), revision);
    /* It had its marker before its master heard of it. */
    edit_flow(3);
    tell(0, marker_now(0));
    assert_true(is_confirmed(revision));
    tell(0, 0);
    fault.acked = fault.revision = revision;
    fabric_set_faults(fabric, &fault, 1);
    assert_string_equal(receipt_of(revision, 0), "failed");
    /* What the switch says comes first. */
    edit_flow(4);
    tell(0, marker_now(0));
    assert_true(is_synced(0) && is_confirmed(revision));
    tell(0, 0);
    assert_true(is_diverged(0));
    fabric_set_faults(fabric, NULL, 0);
    assert_false(is_diverged(0) || is_synced(0));
}

/* It takes no marker, and everything else. */
static void
master_says_what_has_no_marker(void **state OVS_UNUSED)
{
    struct fabric_fault fault = { .host = "h0", .reason = "" };

    come(0);
    edit_flow(1);
    fault.acked = revision;
    fabric_set_faults(fabric, &fault, 1);
    assert_true(is_synced(0) && is_confirmed(revision));
    assert_int_equal(switch_acked(host(0)->sw), revision);
}

static void
count_fault(void *n_, const struct fabric_fault *fault)
{
    int *n = n_;

    ++*n;
    assert_string_equal(fault->host, "h0");
    assert_int_equal(fault->acked, revision);
    assert_non_null(strstr(fault->reason, "was rejected with"));
}

/* What a host's database says is committed by another member. */
static void
edit_underlay(int i)
{
    char name[16], id[17];

    snprintf(name, sizeof name, "h%d", i);
    snprintf(id, sizeof id, "%016x", 0x100 + i);
    edit(VMN_TABLE_UNDERLAY, name, json_pack("{s:s}", "datapath_id", id));
}

static void
until_master(int i, uint64_t generation)
{
    TURN_UNTIL(switches[i].role == OFPCR12_ROLE_PRIMARY);
    assert_int_equal(switches[i].generation_id, generation);
    TURN_UNTIL(host(i)->sw->state == SWITCH_LIVE);
    /* Acknowledged it may have been to whoever managed it before. */
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
    managed[0] = managed[1] = true;
    assert_false(fabric_host_changes_role(fabric, host(0)->name));
    fabric_lead(fabric, 8, 80, NULL);
    assert_false(is_synced(0));
    /* What it had is not known, and that is no news; of one that was not there
     * before it is. */
    assert_true(fabric_host_changes_role(fabric, host(0)->name));
    assert_false(fabric_host_changes_role(fabric, host(1)->name));
    fabric_host_set_reported(host(0));
    until_master(0, 80);
    until_acked(0);
    check_host(0);
    edit_flow(2);
    until_acked(0);
    check_host(0);
    connect_host(1);
    assert_int_equal(switches[1].role, OFPCR12_ROLE_PRIMARY);
    check_host(1);
}

/* Counters are read by the writer, and by nobody else. */
static void
writer_is_equal_where_others_manage(void **state OVS_UNUSED)
{
    come(0);
    tell(0, marker_now(0));
    assert_int_equal(switches[0].n_polls, 0);
    fabric_lead(fabric, 8, 80, NULL);
    TURN_UNTIL(switches[0].role == OFPCR12_ROLE_EQUAL);
    TURN_UNTIL(host(0)->sw->conn);
    tell(0, marker_now(0));
    assert_true(is_synced(0));
    TURN_UNTIL(switches[0].n_polls);
    edit_flow(1);
    assert_string_equal(receipt_of(revision, 0), "pending");
    tell(0, marker_now(0));
    assert_true(is_confirmed(revision));
    assert_int_equal(switches[0].n_mods + switches[0].n_commits
                     + switches[0].n_meter_mods, 0);
}

/* It has a report of the host, which the writer has committed. */
static void
share_is_taken(void **state OVS_UNUSED)
{
    edit_underlay(0);
    come(0);
    tell(0, marker_now(0));
    managed[0] = true;
    set_shares(8);
    until_master(0, 8);
    until_acked(0);
    check_host(0);
    edit_flow(1);
    until_acked(0);
    check_host(0);
    assert_true(is_confirmed(revision));
    assert_int_equal(switches[0].n_polls, 0);
    /* One more of the same. */
    managed[1] = true;
    edit_underlay(1);
    set_shares(9);
    connect_only(1);
    until_master(1, 9);
    check_host(1);
    assert_int_equal(switches[0].generation_id, 8);
}

static void
faults_of_a_share_are_told(void **state OVS_UNUSED)
{
    int n = 0;

    edit_underlay(0);
    managed[0] = true;
    set_shares(8);
    switches[0].refuse_priority = 100;
    connect_only(0);
    until_master(0, 8);
    fabric_each_fault(fabric, count_fault, &n);
    assert_int_equal(n, 0);
    edit_flow(1);
    TURN_UNTIL(is_diverged(0) && switch_acked(host(0)->sw) == revision);
    fabric_each_fault(fabric, count_fault, &n);
    assert_int_equal(n, 1);
}

/* Nothing is sent before that. */
static void
share_waits_for_a_report(void **state OVS_UNUSED)
{
    managed[0] = true;
    set_shares(8);
    connect_only(0);
    TURN_UNTIL(host(0)->sw->state == SWITCH_WAITING);
    edit_flow(1);
    for (int i = 0; i < 100; i++) {
        turn();
    }
    assert_int_equal(switches[0].n_mods, 0);
    assert_true(host(0)->sw->state == SWITCH_WAITING);
    edit_underlay(0);
    TURN_UNTIL(is_synced(0));
    check_host(0);
}

/* Has host 0 be this member's, which waits: as long as it does so.  A busy
 * machine may not have come through 'n' turns by then. */
static void
take_share_waiting(int n)
{
    long long int since_ms = time_msec();
    uint32_t role;

    managed[0] = true;
    set_shares(8);
    while (n--) {
        turn();
    }
    role = switches[0].role;
    if (time_msec() < since_ms + SETTLE_MS) {
        assert_int_equal(role, OFPCR12_ROLE_SECONDARY);
    }
}

/* The former master has sent something that the switch does not have yet. */
static void
share_is_taken_once_it_has_settled(void **state OVS_UNUSED)
{
    edit_underlay(0);
    come(0);
    tell(0, marker_now(0));
    edit_flow(1);
    take_share_waiting(10);
    tell(0, marker_now(0));
    until_master(0, 8);
}

/* A former master that is gone sends nothing more. */
static void
share_is_taken_after_a_while(void **state OVS_UNUSED)
{
    edit_underlay(0);
    come(0);
    take_share_waiting(1);
    until_master(0, 8);
    check_host(0);
}

/* As it is given to another one meanwhile. */
static void
share_that_has_not_settled_is_given_up(void **state OVS_UNUSED)
{
    edit_underlay(0);
    come(0);
    managed[0] = true;
    set_shares(8);
    managed[0] = false;
    set_shares(9);
    tell(0, marker_now(0));
    for (int i = 0; i < 100; i++) {
        turn();
    }
    assert_int_equal(switches[0].role, OFPCR12_ROLE_SECONDARY);
    assert_int_equal(switches[0].generation_id, 7);
}

/* It lacks what the switch may have. */
static void
share_waits_for_this_member(void **state OVS_UNUSED)
{
    edit_underlay(0);
    come(0);
    tell(0, marker_now(0));
    managed[0] = true;
    fabric_set_shares(fabric, 8, false);
    turn();
    assert_int_equal(switches[0].role, OFPCR12_ROLE_SECONDARY);
    fabric_set_shares(fabric, 8, true);
    until_master(0, 8);
    /* What it manages it keeps. */
    fabric_set_shares(fabric, 9, false);
    turn();
    assert_true(host(0)->sw->state == SWITCH_LIVE);
}

/* It answers nothing any more. */
static void
switch_that_gives_no_role_is_offline(void **state OVS_UNUSED)
{
    come(0);
    tell(0, marker_now(0));
    assert_string_equal(host(0)->state, "synced");
    switches[0].deaf = true;
    managed[0] = true;
    set_shares(8);
    assert_string_equal(host(0)->state, "synced");
    TURN_UNTIL(!strcmp(host(0)->state, "offline"));
    assert_non_null(strstr(host_reason(0), "has another role"));
}

/* While it was asked for the role, its datapath ID became nobody's. */
static void
stray_that_is_demoted_is_closed(void **state OVS_UNUSED)
{
    const struct ofputil_role_status status = {
        .role = OFPCR12_ROLE_SECONDARY, .reason = OFPCRR_PRIMARY_REQUEST,
        .generation_id = 9,
    };

    edit_underlay(0);
    come(0);
    tell(0, marker_now(0));
    managed[0] = true;
    set_shares(8);
    fabric_host_set_datapath(host(0), 0);
    TURN_UNTIL(switches[0].role == OFPCR12_ROLE_PRIMARY);
    turn();
    fake_switch_send(&switches[0], ofputil_encode_role_status(
                                       &status, OFPUTIL_P_OF15_OXM));
    TURN_UNTIL(switches[0].fd < 0);
    fabric_host_set_datapath(host(0), switches[0].datapath_id);
    turn();
    assert_null(host(0)->sw->conn);
}

static void
share_is_given_up(void **state OVS_UNUSED)
{
    edit_underlay(0);
    managed[0] = true;
    set_shares(8);
    connect_only(0);
    until_master(0, 8);
    edit_flow(1);
    until_acked(0);
    managed[0] = false;
    set_shares(9);
    TURN_UNTIL(switches[0].role == OFPCR12_ROLE_SECONDARY);
    assert_int_equal(switches[0].generation_id, 9);
    check_host(0);
    TURN_UNTIL(switches[0].monitored && host(0)->sw->conn);
    assert_false(is_synced(0));
    tell(0, fake_switch_marker(&switches[0]));
    assert_true(is_synced(0) && is_confirmed(revision));
    managed[0] = true;
    set_shares(10);
    until_master(0, 10);
    /* It asks for the other role after what it has sent.  Errors of that it
     * does not hear of, so whoever is the master next is to look. */
    edit_flow(3);
    assert_true(host(0)->sw->bundles.n_sent);
    managed[0] = false;
    set_shares(11);
    TURN_UNTIL(switches[0].role == OFPCR12_ROLE_SECONDARY);
    assert_int_equal(fake_switch_marker(&switches[0]), 0);
    tell(0, marker_now(0));
    assert_true(is_confirmed(revision));
    edit_flow(2);
    for (int i = 0; i < 100; i++) {
        turn();
    }
    assert_string_equal(receipt_of(revision, 0), "pending");
}

/* Another controller becomes the master of the switch. */
static void
demote(int i, uint64_t generation)
{
    const struct ofputil_role_status status = {
        .role = OFPCR12_ROLE_SECONDARY, .reason = OFPCRR_PRIMARY_REQUEST,
        .generation_id = generation,
    };

    fake_switch_send(&switches[i], ofputil_encode_role_status(
                                       &status, OFPUTIL_P_OF15_OXM));
    TURN_UNTIL(switches[i].role == OFPCR12_ROLE_SECONDARY);
}

/* Another member has become the master before this one has heard of it. */
static void
switch_has_another_master(void **state OVS_UNUSED)
{
    edit_underlay(0);
    managed[0] = true;
    set_shares(8);
    connect_only(0);
    until_master(0, 8);
    demote(0, 9);
    assert_int_equal(switches[0].generation_id, 9);
    TURN_UNTIL(host(0)->sw->state == SWITCH_OBSERVED);
    edit_flow(1);
    assert_string_equal(receipt_of(revision, 0), "pending");
    managed[0] = false;
    set_shares(9);
    turn();
    assert_int_equal(switches[0].role, OFPCR12_ROLE_SECONDARY);
    /* And back. */
    managed[0] = true;
    set_shares(10);
    until_master(0, 10);
    until_acked(0);
    check_host(0);
}

/* The next master was faster than what the writer has published itself. */
static void
writer_has_another_master_first(void **state OVS_UNUSED)
{
    edit_underlay(0);
    managed[0] = true;
    set_shares(8);
    connect_only(0);
    until_master(0, 8);
    fabric_lead(fabric, 8, 80, NULL);
    demote(0, 81);
    assert_null(host(0)->sw->conn);
    managed[0] = false;
    set_shares(81);
    TURN_UNTIL(host(0)->sw->conn && switches[0].role == OFPCR12_ROLE_EQUAL);
}

/* Nothing changes at a host that it has managed before. */
static void
writer_goes_on_with_its_share(void **state OVS_UNUSED)
{
    struct ofconn *conn;

    edit_underlay(0);
    managed[0] = true;
    set_shares(8);
    connect_only(0);
    until_master(0, 8);
    until_acked(0);
    conn = host(0)->sw->conn;
    fabric_lead(fabric, 8, 80, NULL);
    assert_true(host(0)->sw->state == SWITCH_LIVE);
    edit_flow(1);
    until_acked(0);
    check_host(0);
    assert_ptr_equal(host(0)->sw->conn, conn);
    assert_int_equal(switches[0].generation_id, 8);
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
        T(writer_is_equal_where_others_manage),
        T(master_says_what_is_rejected),
        T(master_says_what_has_no_marker),
        T(share_waits_for_this_member),
        T(switch_that_gives_no_role_is_offline),
        T(stray_that_is_demoted_is_closed),
        T(faults_of_a_share_are_told),
        T(share_is_taken),
        T(share_waits_for_a_report),
        T(share_is_taken_once_it_has_settled),
        T(share_is_taken_after_a_while),
        T(share_that_has_not_settled_is_given_up),
        T(share_is_given_up),
        T(switch_has_another_master),
        T(writer_has_another_master_first),
        T(writer_goes_on_with_its_share),
    };

    return run_all(argv, tests, ARRAY_SIZE(tests));
}
