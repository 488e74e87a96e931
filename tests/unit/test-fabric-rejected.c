/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of what the fabric does about switches that refuse, or do not read, or
 * do not answer. */

#include <config.h>

#include "tests/unit/fabric-hosts.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/fabric.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "openvswitch/ofp-bundle.h"
#include "proto/openflow/ofmsg.h"
#include "svec.h"
#include "tests/unit/fake-db.h"
#include "timeval.h"
#include "util.h"

/* Trouble.  -------------------------------------------------------------- */

static void
refused_flow_is_named_and_does_not_spin(void **state OVS_UNUSED)
{
    uint64_t refused;
    unsigned n_dumps;

    connect_host(0);
    switches[0].refuse_priority = 200;
    edit_port("b", "red", 200, "all", 1, false);
    refused = revision;
    TURN_UNTIL(is_diverged(0));
    assert_string_equal(receipt_of(refused, 0), "failed");
    assert_non_null(strstr(host_reason(0), "priority=200"));
    assert_non_null(strstr(host_reason(0), "toy.port/b"));
    assert_non_null(strstr(host_reason(0), "OFPBAC_BAD_TYPE"));

    /* It is not tried again all the time, and the rest goes on. */
    n_dumps = switches[0].n_dumps;
    edit_port("a", "red", 100, "all", 1, false);
    TURN_UNTIL(!strcmp(receipt_of(revision, 0), "confirmed"));
    for (int i = 0; i < 50; i++) {
        turn();
    }
    assert_true(switches[0].n_dumps <= n_dumps + 1);
    assert_non_null(fake_switch_find(&switches[0], 100));
    assert_null(fake_switch_find(&switches[0], 200));

    /* Tried again after the rest, and no longer refused. */
    switches[0].refuse_priority = 0;
    TURN_UNTIL(is_synced(0));
    check_host(0);
    assert_string_equal(receipt_of(refused, 0), "confirmed");
}

static void
refused_flow_that_is_withdrawn_is_forgotten_at_once(void **state OVS_UNUSED)
{
    connect_host(0);
    switches[0].refuse_priority = 200;
    edit_port("b", "red", 200, "all", 1, false);
    TURN_UNTIL(is_diverged(0));
    host(0)->sw->rejected.backoff_ms = 1000000;
    edit(VMN_TABLE_PORT, "b", NULL);
    TURN_UNTIL(is_synced(0));
    check_host(0);
}

static void
first_bundle_commits_nothing_before_it_is_checked(void **state OVS_UNUSED)
{
    edit_port("a", "red", 100, "all", 1, false);
    edit_port("b", "red", 200, "all", 1, false);
    switches[0].refuse_priority = 200;
    connect_only(0);
    TURN_UNTIL(is_diverged(0));
    /* Dropped, and made again without the refused flow. */
    assert_int_equal(switches[0].n_discards, 1);
    assert_int_equal(switches[0].n_commits, 1);
    assert_non_null(fake_switch_find(&switches[0], 100));
    assert_null(fake_switch_find(&switches[0], 200));
}

static void
fault_at_commit_leaves_out_what_caused_it(void **state OVS_UNUSED)
{
    /* Once in a first bundle ... */
    edit_port("a", "red", 100, "all", 1, false);
    edit_port("b", "red", 200, "all", 1, false);
    switches[0].refuse_at_commit = 200;
    connect_only(0);
    TURN_UNTIL(is_diverged(0));
    assert_non_null(fake_switch_find(&switches[0], 100));
    assert_null(fake_switch_find(&switches[0], 200));
    assert_non_null(strstr(host_reason(0), "OFPBAC_BAD_OUT_GROUP"));

    /* ... and once in a later one. */
    switches[0].refuse_at_commit = 0;
    TURN_UNTIL(is_synced(0));
    switches[0].refuse_at_commit = 300;
    edit_port("c", "red", 300, "all", 1, false);
    TURN_UNTIL(is_diverged(0));
    switches[0].refuse_at_commit = 0;
    TURN_UNTIL(is_synced(0));
    check_host(0);
}

static void
switch_without_bundles_is_let_go_and_rests(void **state OVS_UNUSED)
{
    unsigned n_dumps;

    edit_port("a", "red", 100, "all", 1, false);
    switches[0].refuse_open = true;
    connect_only(0);
    TURN_UNTIL(switches[0].fd < 0);
    assert_non_null(strstr(host_reason(0), "rejects bundles"));
    n_dumps = switches[0].n_dumps;
    switches[0].refuse_open = false;
    fake_switch_connect(&switches[0], listen_path + strlen("unix:"));
    TURN_UNTIL(host(0)->sw->conn);
    assert_int_equal(switches[0].n_dumps, n_dumps);
    TURN_UNTIL(is_synced(0));
    check_host(0);
}

static void
reply_out_of_the_blue_ends_the_connection(void **state OVS_UNUSED)
{
    struct ofputil_bundle_ctrl_msg ctrl = {
        .bundle_id = 1, .type = OFPBCT_COMMIT_REPLY,
    };
    struct ofpbuf request;

    connect_host(0);
    ofpbuf_init(&request, 0);
    ofmsg_put_bundle_commit(&request, 1, 77);
    fake_switch_send(&switches[0],
                     ofputil_encode_bundle_ctrl_reply(request.data, &ctrl));
    ofpbuf_uninit(&request);
    TURN_UNTIL(switches[0].fd < 0);
    TURN_UNTIL(!host(0)->sw->conn);
}

static void
second_connection_takes_the_place_of_the_first(void **state OVS_UNUSED)
{
    struct fake_switch other;

    connect_host(0);
    fake_switch_init(&other, switches[0].datapath_id);
    fake_switch_connect(&other, listen_path + strlen("unix:"));
    TURN_UNTIL((fake_switch_run(&other), switches[0].fd < 0));
    fake_switch_uninit(&other);
}

/* Turns the loop, and looks each time that the receipt of 'rev' does not say
 * more than is true: that host 'i' has a flow with this priority. */
#define TURN_TRULY_UNTIL(I, REV, PRIORITY, CONDITION)                   \
    TURN_UNTIL((assert_true(strcmp(receipt_of(REV, I), "confirmed")     \
                            || fake_switch_find(&switches[I], PRIORITY)), \
                (CONDITION)))

/* Ends a rest, or a pause. */
static void
wake(int i)
{
    event_active(host(i)->sw->rejected.backoff, EV_TIMEOUT, 1);
}

static void
commit_that_is_refused_alone_is_mended_at_once(void **state OVS_UNUSED)
{
    connect_host(0);
    host(0)->sw->rejected.backoff_ms = 100000;  /* It is not to rest. */
    switches[0].refuse_commits = 1;
    edit_port("a", "red", 100, "all", 1, false);
    TURN_TRULY_UNTIL(0, revision, 100,
                     !strcmp(receipt_of(revision, 0), "confirmed"));
    assert_true(is_synced(0));
    assert_false(host(0)->sw->rejected.backing_off);
    check_host(0);
}

static void
commits_that_are_always_refused_mean_rests_that_grow(void **state OVS_UNUSED)
{
    unsigned n_dumps;
    int rest_ms;

    connect_host(0);
    switches[0].refuse_commits = 1000;
    host(0)->sw->rejected.backoff_ms = 10000;
    edit_port("a", "red", 100, "all", 1, false);
    TURN_TRULY_UNTIL(0, revision, 100, is_diverged(0));
    assert_string_equal(receipt_of(revision, 0), "failed");
    assert_non_null(strstr(host_reason(0), "the commit was rejected with "
                           "OFPBFC_MSG_FAILED"));
    rest_ms = host(0)->sw->rejected.backoff_ms;
    n_dumps = switches[0].n_dumps;
    edit_port("b", "red", 200, "all", 1, false);
    for (int i = 0; i < 50; i++) {
        turn();
    }
    assert_int_equal(switches[0].n_dumps, n_dumps);
    assert_string_equal(receipt_of(revision, 0), "pending");

    /* The connection stays, the next rest is longer. */
    wake(0);
    TURN_UNTIL(switches[0].n_dumps > n_dumps
               && host(0)->sw->rejected.backing_off);
    assert_int_equal(host(0)->sw->rejected.backoff_ms, 2 * rest_ms);
    assert_non_null(host(0)->sw->conn);
    switches[0].refuse_commits = 0;
    wake(0);
    TURN_TRULY_UNTIL(0, revision, 200, is_synced(0));
    assert_string_equal(receipt_of(revision, 0), "confirmed");
    assert_string_equal(receipt_of(revision - 1, 0), "confirmed");
    assert_int_equal(host(0)->sw->rejected.backoff_ms, 0);
    check_host(0);
}

static void
failures_one_after_the_other_are_mended_with_pauses(void **state OVS_UNUSED)
{
    uint64_t first;
    unsigned n_dumps;

    connect_host(0);
    switches[0].refuse_commits = 1;
    edit_port("a", "red", 100, "all", 1, false);
    TURN_UNTIL(!strcmp(receipt_of(revision, 0), "confirmed"));
    host(0)->sw->rejected.read_ms = 1000000;     /* The longest pause. */
    n_dumps = switches[0].n_dumps;
    switches[0].refuse_commits = 1;
    edit_port("b", "red", 200, "all", 1, false);
    first = revision;
    TURN_TRULY_UNTIL(0, first, 200, is_diverged(0));
    edit_port("c", "red", 300, "all", 1, false);
    for (int i = 0; i < 50; i++) {
        turn();
    }
    assert_int_equal(switches[0].n_dumps, n_dumps);
    assert_non_null(strstr(host_reason(0), "the commit was rejected"));
    assert_string_equal(receipt_of(first, 0), "failed");
    assert_string_equal(receipt_of(revision, 0), "pending");
    event_active(host(0)->sw->rejected.pause, EV_TIMEOUT, 1);
    TURN_UNTIL(is_synced(0));
    assert_int_equal(switches[0].n_dumps, n_dumps + 1);
    assert_string_equal(receipt_of(first, 0), "confirmed");
    assert_string_equal(receipt_of(revision, 0), "confirmed");
    check_host(0);
}

static void
full_table_takes_what_fits_and_rests(void **state OVS_UNUSED)
{
    size_t max;
    unsigned n_dumps;
    uint64_t many;

    edit_port("old", "red", 100, "all", 1, false);
    connect_host(0);
    connect_host(1);
    host(0)->sw->rejected.backoff_ms = 100000;
    max = switches[0].max_flows = fake_switch_n_flows(&switches[0]) + 20;
    n_dumps = switches[0].n_dumps;
    edit_ports(50, "all", 1);
    many = revision;
    TURN_UNTIL(is_diverged(0) && host(0)->sw->rejected.backing_off);
    assert_int_equal(fake_switch_n_flows(&switches[0]), max);
    assert_int_equal(openflow_figure(0, "rejected"), 30);
    assert_int_equal(fake_switch_marker(&switches[0]), 0);
    assert_non_null(strstr(host_reason(0), "OFPFMFC_TABLE_FULL"));
    assert_string_equal(receipt_of(many, 0), "failed");
    /* One that failed, one that tells which do not fit, one without these. */
    assert_int_equal(switches[0].n_dumps, n_dumps + 2);
    TURN_UNTIL(!strcmp(receipt_of(many, 1), "confirmed"));

    /* What needs no room goes on; nothing else is tried meanwhile. */
    edit_port("old", "red", 100, "all", 2, false);
    TURN_UNTIL(!strcmp(receipt_of(revision, 0), "confirmed"));
    for (int i = 0; i < 50; i++) {
        turn();
    }
    assert_int_equal(switches[0].n_dumps, n_dumps + 2);
    assert_string_equal(receipt_of(many, 0), "failed");

    /* The table has grown. */
    switches[0].max_flows = 0;
    wake(0);
    TURN_UNTIL(is_synced(0));
    assert_string_equal(receipt_of(many, 0), "confirmed");
    check_host(0);
}

static void
room_in_a_full_table_is_used_at_once(void **state OVS_UNUSED)
{
    uint64_t added;

    edit_port("a", "red", 100, "all", 1, false);
    connect_host(0);
    switches[0].max_flows = fake_switch_n_flows(&switches[0]);
    host(0)->sw->rejected.backoff_ms = 100000;
    edit_port("b", "red", 200, "all", 1, false);
    added = revision;
    TURN_TRULY_UNTIL(0, added, 200, is_diverged(0)
                     && host(0)->sw->rejected.backing_off);
    edit(VMN_TABLE_PORT, "a", NULL);
    TURN_UNTIL(is_diverged(0)
               && event_pending(host(0)->sw->rejected.pause, EV_TIMEOUT,
                                 NULL));
    event_active(host(0)->sw->rejected.pause, EV_TIMEOUT, 1);
    TURN_TRULY_UNTIL(0, added, 200, is_synced(0));
    assert_string_equal(receipt_of(added, 0), "confirmed");
    check_host(0);
}

static void
full_table_has_room_for_what_replaces(void **state OVS_UNUSED)
{
    struct model_request request;

    edit_port("a", "red", 100, "all", 1, false);
    connect_host(0);
    switches[0].max_flows = fake_switch_n_flows(&switches[0]);
    /* A bundle adds first, and fails; mending deletes first. */
    model_request_init(&request, "test");
    request.list = true;
    model_request_add(&request, MODEL_DELETE, VMN_TABLE_PORT, "a", NULL);
    model_request_add(&request, MODEL_PUT, VMN_TABLE_PORT, "b",
                      json_pack("{s:s, s:{s:s, s:s, s:s}}",
                                "network", "red", "labels", "prio", "200",
                                "scope", "all", "value", "1"));
    fixture_submit(&request, turn);
    TURN_TRULY_UNTIL(0, revision, 200,
                     !strcmp(receipt_of(revision, 0), "confirmed"));
    assert_true(is_synced(0));
    check_host(0);
}

static void
flows_through_a_refused_group_are_left_out(void **state OVS_UNUSED)
{
    unsigned n_dumps;

    connect_host(0);
    switches[0].refuse_groups = true;
    host(0)->sw->rejected.backoff_ms = 100000;
    n_dumps = switches[0].n_dumps;
    for (int i = 0; i < 20; i++) {
        char name[16];

        snprintf(name, sizeof name, "g%d", i);
        edit_port(name, "red", 100 + i, "h0", 1, true);
    }
    edit_port("a", "red", 200, "all", 1, false);
    /* The first is mended, the others after a pause. */
    TURN_UNTIL(is_diverged(0));
    TURN_UNTIL((event_active(host(0)->sw->rejected.pause, EV_TIMEOUT, 1),
                fake_switch_find(&switches[0], 200)));
    TURN_UNTIL(is_diverged(0) && host(0)->sw->state == SWITCH_LIVE
               && host(0)->sw->rejected.backing_off);
    assert_int_equal(openflow_figure(0, "rejected"), 40);
    assert_true(switches[0].n_dumps <= n_dumps + 3);
    switches[0].refuse_groups = false;
    wake(0);
    TURN_UNTIL(is_synced(0));
    check_host(0);
}

static void
lost_group_is_mended_at_once(void **state OVS_UNUSED)
{
    edit_port("a", "red", 100, "all", 1, true);
    connect_host(0);
    host(0)->sw->rejected.backoff_ms = 100000;  /* It is not to rest. */
    fake_switch_remove_group(&switches[0], CONTAINER_OF(
        ovs_list_front(&switches[0].groups), struct fake_group, node)->id);
    assert_null(fake_switch_find(&switches[0], 100));
    /* The same group, another flow. */
    edit_port("a", "red", 300, "all", 1, true);
    TURN_TRULY_UNTIL(0, revision, 300,
                     !strcmp(receipt_of(revision, 0), "confirmed"));
    assert_true(is_synced(0));
    assert_false(host(0)->sw->rejected.backing_off);
    check_host(0);
}

/* The marker is only for vmnd itself. */
static void
switch_that_refuses_the_marker_gets_all_else(void **state OVS_UNUSED)
{
    unsigned n_dumps;

    edit_port("a", "red", 100, "all", 1, false);
    switches[0].refuse_marker = true;
    connect_host(0);
    until_acked(0);
    assert_non_null(fake_switch_find(&switches[0], 100));
    n_dumps = switches[0].n_dumps;
    edit_port("b", "red", 200, "all", 1, false);
    TURN_TRULY_UNTIL(0, revision, 200,
                     !strcmp(receipt_of(revision, 0), "confirmed"));
    assert_true(is_synced(0));
    assert_int_equal(switches[0].n_dumps, n_dumps);
    assert_int_equal(fake_switch_marker(&switches[0]), 0);

    /* One that begins to refuse it later. */
    connect_host(1);
    switches[1].refuse_marker = true;
    edit_port("c", "red", 300, "all", 1, false);
    TURN_TRULY_UNTIL(1, revision, 300,
                     !strcmp(receipt_of(revision, 1), "confirmed"));
    assert_true(is_synced(1));
    assert_non_null(host(1)->sw->conn);

    /* Each connection is a new chance. */
    switches[0].refuse_marker = false;
    disconnect_host(0);
    connect_host(0);
    check_host(0);
}

/* An error about a bundle that was made when an earlier one had failed
 * already: it is wrong because of that. */
static void
errors_that_follow_from_another_are_not_kept(void **state OVS_UNUSED)
{
    edit_port("a", "red", 100, "all", 1, false);
    connect_host(0);
    host(0)->sw->rejected.backoff_ms = 100000;  /* It is not to rest. */
    switches[0].hold = true;
    switches[0].refuse_commits = 1;
    edit_port("a", "red", 100, "all", 1, true);  /* Makes the group. */
    edit_port("a", "red", 400, "all", 1, true);  /* Uses it. */
    fake_switch_release(&switches[0]);
    TURN_TRULY_UNTIL(0, revision, 400,
                     !strcmp(receipt_of(revision, 0), "confirmed"));
    assert_true(is_synced(0));
    assert_int_equal(openflow_figure(0, "rejected"), 0);
    check_host(0);
}

static void
refusal_without_a_receipt_is_told(void **state OVS_UNUSED)
{
    struct fabric_options options = { .openflow_listen = listen_path };
    uint64_t before;
    json_t *receipt;

    edit_port("a", "red", 100, "h0", 1, false);
    edit_port("b", "red", 200, "h0", 1, false);
    before = revision;
    for (int i = 0; i < N_HOSTS; i++) {
        connect_host(i);
        disconnect_host(i);
    }
    fixture_stop_fabric();
    fixture_start_fabric(&options);
    /* From before the start: there is no receipt. */
    switches[0].refuse_priority = 200;
    fake_switch_remove(&switches[0], 200);
    fake_switch_remove(&switches[0], 65535);
    connect_host(1);
    connect_host(2);
    connect_only(0);
    TURN_TRULY_UNTIL(0, before, 200, is_diverged(0));
    assert_string_equal(receipt_of(before, 0), "failed");
    assert_string_equal(receipt_of(before, 1), "confirmed");
    receipt = fixture_receipt(before);
    assert_true(json_is_false(json_object_get(receipt, "installed")));
    json_decref(receipt);

    /* Whose flow it is, is not served; the others are. */
    assert_false(rejected_items_served(host(0)->sw, "b", before));
    assert_true(rejected_items_served(host(0)->sw, "a", before));
    switches[0].refuse_priority = 0;
    wake(0);
    TURN_TRULY_UNTIL(0, before, 200,
                     !strcmp(receipt_of(before, 0), "confirmed"));
    assert_true(rejected_items_served(host(0)->sw, "b", before));
}

/* Back-pressure.  -------------------------------------------------------- */

static void
slow_switch_gets_the_net_difference(void **state OVS_UNUSED)
{
    uint64_t revisions[32];
    unsigned n_mods, n_commits;
    int n = 0;

    edit_port("a", "red", 100, "all", 1, false);
    edit_port("gone", "red", 150, "all", 1, true);
    connect_host(0);
    connect_host(1);
    n_mods = switches[0].n_mods;
    n_commits = switches[0].n_commits;
    switches[0].hold = true;
    edit_port("b", "red", 200, "all", 1, false);
    edit_port("b", "red", 200, "all", 2, false);
    assert_int_equal(openflow_figure(0, "outstanding_bundles"), 2);
    assert_true(openflow_figure(0, "outstanding_bytes") > 0);
    assert_int_equal(openflow_figure(0, "backlog"), 0);

    /* From here on all is put off. */
    for (int i = 0; i < 5; i++) {
        edit_port("c", "red", 300, "all", i, i % 2);    /* Group 1, 3. */
        revisions[n++] = revision;
        edit_port("flicker", "red", 400, "all", i, true);
        revisions[n++] = revision;
        edit(VMN_TABLE_PORT, "flicker", NULL);
        revisions[n++] = revision;
    }
    edit_port("a", "red", 100, "all", 7, false);
    edit_port("a", "red", 100, "all", 1, false);        /* As it was. */
    edit(VMN_TABLE_PORT, "gone", NULL);
    revisions[n++] = revision;
    assert_int_equal(openflow_figure(0, "outstanding_bundles"), 2);
    assert_int_equal(openflow_figure(0, "backlog"), n + 2);
    for (int i = 0; i < n; i++) {
        assert_string_equal(receipt_of(revisions[i], 0), "pending");
    }
    assert_true(switch_acked(host(0)->sw) < revisions[0]);

    /* The other one was not slowed. */
    until_acked(1);
    check_host(1);
    assert_string_equal(receipt_of(revision, 1), "confirmed");

    fake_switch_release(&switches[0]);
    until_acked(0);
    check_host(0);
    /* Two for b, and then c's flow, and gone's flow and group. */
    assert_int_equal(switches[0].n_commits, n_commits + 3);
    assert_int_equal(switches[0].n_mods, n_mods + 2 + 3);
    assert_int_equal(openflow_figure(0, "backlog"), 0);
    for (int i = 0; i < n; i++) {
        assert_string_equal(receipt_of(revisions[i], 0), "confirmed");
    }
    assert_int_equal(switches[0].n_dumps, 1);
}

static void
what_comes_to_nothing_sends_nothing(void **state OVS_UNUSED)
{
    unsigned n_commits;

    connect_host(0);
    switches[0].hold = true;
    edit_port("b", "red", 200, "all", 1, false);
    edit_port("c", "red", 300, "all", 1, false);
    edit_port("d", "red", 400, "all", 1, true);
    edit(VMN_TABLE_PORT, "d", NULL);
    n_commits = switches[0].n_commits;
    fake_switch_release(&switches[0]);
    until_acked(0);
    assert_string_equal(receipt_of(revision, 0), "confirmed");
    assert_string_equal(receipt_of(revision - 1, 0), "confirmed");
    assert_int_equal(switches[0].n_commits, n_commits + 2);
    check_host(0);
}

static void
error_with_a_backlog_is_mended(void **state OVS_UNUSED)
{
    connect_host(0);
    switches[0].hold = true;
    switches[0].refuse_priority = 300;
    edit_port("b", "red", 200, "all", 1, false);
    edit_port("c", "red", 300, "all", 1, false);
    edit_port("d", "red", 400, "all", 1, false);
    edit_port("e", "red", 300, "h0", 1, false);
    fake_switch_release(&switches[0]);
    TURN_UNTIL(is_diverged(0));
    assert_non_null(fake_switch_find(&switches[0], 400));
    assert_int_equal(fake_switch_marker(&switches[0]), 0);
    switches[0].refuse_priority = 0;
    TURN_UNTIL(is_synced(0));
    until_acked(0);
    check_host(0);
}

static void
switch_that_does_not_read_is_cut_off(void **state OVS_UNUSED)
{
    struct fabric_stats stats;

    connect_host(0);
    connect_host(1);
    switches[0].deaf = true;
    host(0)->sw->rejected.backoff_ms = 100000;
    for (int i = 1; host(0)->sw->conn; i++) {
        assert_true(i < 5);
        edit_ports(3000, "all", i);     /* Half of what may wait. */
        until_acked(1);
    }
    assert_non_null(strstr(host_reason(0), "does not read"));
    check_host(1);
    assert_non_null(strstr(host_reason(0), "stalled"));
    assert_string_equal(receipt_of(revision, 0), "offline");
    assert_int_equal(openflow_figure(0, "stalls"), 1);
    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_stalls, 1);

    /* It comes back, rests a while, and is made right bit by bit. */
    fake_switch_disconnect(&switches[0]);
    switches[0].deaf = false;
    edit_ports(3000, NULL, -1);
    fake_switch_connect(&switches[0], listen_path + strlen("unix:"));
    TURN_UNTIL(host(0)->sw->conn);
    assert_non_null(strstr(host_reason(0), "stalled"));
    assert_true(host(0)->sw->rejected.backing_off);
    event_active(host(0)->sw->rejected.backoff, EV_TIMEOUT, 1);
    TURN_UNTIL(is_synced(0));
    check_host(0);
    assert_string_equal(receipt_of(revision, 0), "confirmed");
}

static void
switch_that_does_not_answer_is_cut_off(void **state OVS_UNUSED)
{
    connect_host(0);
    switches[0].hold = true;
    edit_port("b", "red", 200, "all", 1, false);
    TURN_UNTIL(!host(0)->sw->conn);
    assert_non_null(strstr(host_reason(0), "stalled: no acknowledgement"));
    assert_string_equal(receipt_of(revision, 0), "offline");
    fake_switch_disconnect(&switches[0]);
    switches[0].hold = false;
    fake_switch_connect(&switches[0], listen_path + strlen("unix:"));
    TURN_UNTIL(is_synced(0));
    assert_string_equal(receipt_of(revision, 0), "confirmed");
    check_host(0);

    /* One that owes nothing is left alone. */
    for (int64_t end = time_msec() + 2000; time_msec() < end;) {
        turn();
    }
    assert_non_null(host(0)->sw->conn);
}

/* Asserts the state of host 0, as users see it, its reason, and whether it is
 * since the database was heard last. */
static void
assert_overall(const char *state, const char *reason, bool of_database)
{
    struct svec unsynced = SVEC_EMPTY_INITIALIZER;
    struct fabric_behind *behind;
    struct status_host status;
    struct arena arena;
    char *text = xasprintf("h0 (%s)", state);

    arena_init(&arena);
    assert_true(fabric_host_status(fabric, "h0", &arena, &status));
    assert_string_equal(status.state, state);
    assert_true(status.reason ? strstr(status.reason, reason) != NULL
                : !reason[0]);
    assert_true(status.since);
    assert_int_equal(status.since == FAKE_DB_SINCE_MS, of_database);
    fabric_unsynced_hosts(fabric, &unsynced);
    assert_int_equal(svec_contains(&unsynced, text),
                     strcmp(state, "synced") != 0);
    for (size_t i = fabric_behind(fabric, &arena, &behind); i-- > 0; ) {
        if (!strcmp(behind[i].host, "h0")) {
            assert_string_equal(behind[i].state, state);
            assert_string_equal(behind[i].reason, status.reason);
        }
    }
    free(behind);
    svec_destroy(&unsynced);
    free(text);
    arena_uninit(&arena);
}

static void
host_is_not_synced_while_its_database_is_unheard(void **state OVS_UNUSED)
{
    edit_port("a", "red", 100, "all", 1, false);
    fake_db_state = "unheard";
    assert_overall("offline", "", false);
    connect_host(0);
    assert_overall("unheard", "its database", true);
    fake_db_state = "rejected";
    assert_overall("rejected", "its database", true);
    fake_db_state = NULL;
    assert_overall("synced", "", false);

    /* Both faults are told of. */
    switches[0].refuse_priority = 200;
    edit_port("b", "red", 200, "all", 1, false);
    TURN_UNTIL(is_diverged(0));
    fake_db_state = "unheard";
    assert_overall("diverged", "; and its database", false);
    fake_db_state = NULL;
    assert_overall("diverged", "rejected", false);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME, SETUP) \
        cmocka_unit_test_setup_teardown(NAME, SETUP, teardown)
        T(host_is_not_synced_while_its_database_is_unheard, setup),
        T(refused_flow_is_named_and_does_not_spin, setup),
        T(refused_flow_that_is_withdrawn_is_forgotten_at_once, setup),
        T(first_bundle_commits_nothing_before_it_is_checked, setup),
        T(fault_at_commit_leaves_out_what_caused_it, setup),
        T(switch_without_bundles_is_let_go_and_rests, setup),
        T(reply_out_of_the_blue_ends_the_connection, setup),
        T(second_connection_takes_the_place_of_the_first, setup),
        T(commit_that_is_refused_alone_is_mended_at_once, setup),
        T(commits_that_are_always_refused_mean_rests_that_grow, setup),
        T(failures_one_after_the_other_are_mended_with_pauses, setup),
        T(full_table_takes_what_fits_and_rests, setup),
        T(room_in_a_full_table_is_used_at_once, setup),
        T(full_table_has_room_for_what_replaces, setup),
        T(flows_through_a_refused_group_are_left_out, setup),
        T(lost_group_is_mended_at_once, setup),
        T(errors_that_follow_from_another_are_not_kept, setup),
        T(switch_that_refuses_the_marker_gets_all_else, setup),
        T(refusal_without_a_receipt_is_told, setup),
        T(slow_switch_gets_the_net_difference, setup_narrow),
        T(what_comes_to_nothing_sends_nothing, setup_narrow),
        T(error_with_a_backlog_is_mended, setup_narrow),
        T(switch_that_does_not_read_is_cut_off, setup_tight),
        T(switch_that_does_not_answer_is_cut_off, setup_hasty),
    };

    return run_all(argv, tests, ARRAY_SIZE(tests));
}
