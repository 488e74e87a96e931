/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of how the fabric sends differences, with what limits, and of all
 * together at random.  Not of what hosts acknowledge (test-fabric-acks.c). */

#include <config.h>

#include "tests/unit/fabric-hosts.h"

#include <event2/event.h>
#include <string.h>

#include "controller/fabric/fabric-receipts.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric.h"
#include "controller/model/id-pools.h"
#include "controller/schema/arena.h"
#include "openvswitch/dynamic-string.h"
#include "random.h"
#include "timeval.h"
#include "util.h"

/* Differences.  ---------------------------------------------------------- */

static void
each_revision_is_one_bundle_in_order(void **state OVS_UNUSED)
{
    edit_port("a", "red", 100, "all", 1, true);
    connect_host(0);
    ds_clear(&switches[0].order);

    edit_port("b", "red", 200, "all", 1, true);
    until_acked(0);
    assert_string_equal(ds_cstr(&switches[0].order), "GF.");
    /* The flow's key stays: it is added over the old, and not deleted. */
    ds_clear(&switches[0].order);
    edit_port("b", "red", 200, "all", 1, false);
    until_acked(0);
    assert_string_equal(ds_cstr(&switches[0].order), "Fg.");
    ds_clear(&switches[0].order);
    edit(VMN_TABLE_PORT, "a", NULL);
    until_acked(0);
    assert_string_equal(ds_cstr(&switches[0].order), "fg.");
    check_host(0);
}

static void
change_that_no_flow_reads_sends_nothing(void **state OVS_UNUSED)
{
    json_t *receipt;
    unsigned n;

    edit_port("a", "red", 100, "all", 1, false);
    connect_host(0);
    n = switches[0].n_commits;
    edit(VMN_TABLE_NETWORK, "blue",
         json_pack("{s:s, s:[{s:s}]}", "description", "other",
                   "subnets", "cidr", "10.0.0.0/16"));
    receipt = fixture_receipt(revision);
    assert_true(json_is_true(json_object_get(receipt, "installed")));
    assert_int_equal(json_array_size(json_object_get(receipt, "hosts")), 0);
    json_decref(receipt);
    for (int i = 0; i < 10; i++) {
        turn();
    }
    assert_int_equal(switches[0].n_commits, n);
    assert_int_equal(switch_acked(host(0)->sw), revision);
}

/* Asserts what fabric_progress() says of the newest revision; returns when the
 * newest confirmation was. */
static int64_t
assert_progress(size_t n_hosts, size_t n_confirmed)
{
    struct fabric_progress progress;

    assert_true(fabric_progress(fabric, revision, &progress));
    assert_int_equal(progress.n_hosts, n_hosts);
    assert_int_equal(progress.n_confirmed, n_confirmed);
    return progress.confirmed_us;
}

/* Asserts which hosts fabric_behind() names, as in "h0 h1 ", the lag of the
 * first, and how many there are. */
static void
assert_behind(const char *names, int lag, size_t n)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct fabric_behind *behind;
    struct arena arena;
    size_t n_behind;

    arena_init(&arena);
    n_behind = fabric_behind(fabric, &arena, &behind);

    for (size_t i = 0; i < n_behind; i++) {
        ds_put_format(&ds, "%s ", behind[i].host);
        if (!i) {
            assert_int_equal(lag, behind[i].lag.revisions);
        }
    }
    assert_string_equal(ds_cstr(&ds), names);
    assert_int_equal(n_behind, n);
    free(behind);
    arena_uninit(&arena);
    ds_destroy(&ds);
}

static void
progress_tells_who_is_behind_and_since_when(void **state OVS_UNUSED)
{
    struct fabric_progress progress;
    int64_t before, first;

    connect_host(0);
    connect_host(1);
    connect_host(2);
    until_acked(0);
    until_acked(1);
    until_acked(2);
    assert_behind("", 0, 0);

    before = time_usec();
    switches[0].hold = true;
    edit_port("a", "red", 100, "all", 1, false);
    until_acked(1);
    until_acked(2);
    first = assert_progress(3, 2);
    assert_true(first >= before && first <= time_usec());
    assert_behind("h0 ", 1, 1);
    edit_port("b", "red", 200, "h2", 1, false);
    until_acked(2);
    assert_progress(1, 1);
    /* What concerns others alone it does not lack. */
    assert_behind("h0 ", 1, 1);
    switches[1].hold = true;
    edit_port("a", "red", 100, "all", 2, false);
    until_acked(2);
    /* The one that has been longest comes first. */
    assert_behind("h0 h1 ", 2, 2);
    fake_switch_release(&switches[0]);
    fake_switch_release(&switches[1]);
    until_acked(0);
    until_acked(1);
    assert_true(assert_progress(3, 3) > first);
    assert_behind("", 0, 0);
    assert_false(fabric_progress(fabric, revision + 1, &progress));

    disconnect_host(1);
    assert_behind("h1 ", 0, 1);
}

static void
joining_a_scope_installs_all_and_leaving_withdraws(void **state OVS_UNUSED)
{
    edit_port("a", "red", 100, "net", 1, true);
    edit_port("b", "red", 200, "net", 1, false);
    edit_port("c", "blue", 300, "net", 1, false);
    for (int i = 0; i < N_HOSTS; i++) {
        connect_host(i);
        assert_true(ovs_list_is_empty(&switches[i].groups));
    }
    edit_host(1, "red", NULL);
    until_acked(1);
    check_host(1);
    assert_non_null(fake_switch_find(&switches[1], 200));
    assert_int_equal(ovs_list_size(&switches[1].groups), 1);
    assert_string_equal(receipt_of(revision, 0), "none");
    assert_string_equal(receipt_of(revision, 1), "confirmed");

    edit_host(1, "blue", NULL);
    until_acked(1);
    check_host(1);
    assert_null(fake_switch_find(&switches[1], 200));
    assert_non_null(fake_switch_find(&switches[1], 300));

    edit_host(1, NULL, NULL);
    until_acked(1);
    check_host(1);
    assert_null(fake_switch_find(&switches[1], 300));
}

static void
large_differences_reach_all_hosts_whole(void **state OVS_UNUSED)
{
    /* More than a reference is worth, and more than a socket holds. */
    const int n = 3000;

    for (int i = 0; i < N_HOSTS; i++) {
        connect_host(i);
    }
    edit_ports(n, "all", 1);
    for (int i = 0; i < N_HOSTS; i++) {
        until_acked(i);
        check_host(i);
    }
    disconnect_host(0);
    connect_host(0);
    check_host(0);
    edit_ports(n, "net", 2);
    edit_host(0, "red", NULL);
    edit_host(1, "red", NULL);
    for (int i = 0; i < N_HOSTS; i++) {
        until_acked(i);
        check_host(i);
    }
    assert_int_equal(ovs_list_size(&switches[2].flows),
                     ovs_list_size(&switches[0].flows) - n);
    edit_ports(n, NULL, -1);
    for (int i = 0; i < N_HOSTS; i++) {
        until_acked(i);
        check_host(i);
    }
}

static void
flow_that_changes_scope_is_never_missing(void **state OVS_UNUSED)
{
    edit_port("a", "red", 100, "all", 1, false);
    for (int i = 0; i < N_HOSTS; i++) {
        connect_host(i);
    }
    for (int round = 0; round < 3; round++) {
        /* The same cookie, match and actions, in another scope. */
        edit_port("a", "red", 100, "h1", 1, false);
        for (int i = 0; i < N_HOSTS; i++) {
            until_acked(i);
            check_host(i);
        }
        assert_non_null(fake_switch_find(&switches[1], 100));
        assert_null(fake_switch_find(&switches[2], 100));
        assert_null(strchr(ds_cstr(&switches[1].order), 'f'));

        edit_port("a", "red", 100, "h2", 1, false);
        until_acked(1);
        until_acked(2);
        check_host(1);
        check_host(2);
        edit_port("a", "red", 100, "all", 1, false);
        for (int i = 0; i < N_HOSTS; i++) {
            until_acked(i);
            check_host(i);
            ds_clear(&switches[i].order);
        }
    }
}

/* Limits.  --------------------------------------------------------------- */

static void
edit_limited(const char *name, int prio, const char *rate)
{
    edit(VMN_TABLE_PORT, name, json_pack(
             "{s:s, s:{s:o, s:s, s:s}}", "network", "red", "labels",
             "prio", json_sprintf("%d", prio), "scope", "all", "limit",
             rate));
}

static uint64_t
n_errors(void)
{
    struct fabric_stats stats;

    fabric_get_stats(fabric, &stats);
    return stats.n_errors;
}

static void
assert_limit(int i, uint32_t rate)
{
    assert_int_equal(switches[i].n_limits, 1);
    assert_int_equal(switches[i].limits[0].rate, rate);
    assert_int_equal(switches[i].limits[0].burst, 7);
}

static void
a_limit_comes_with_its_flow(void **state OVS_UNUSED)
{
    for (int i = 0; i < N_HOSTS; i++) {
        switches[i].meters = true;
    }
    connect_host(0);
    edit_limited("a", 100, "20");
    until_acked(0);
    assert_limit(0, 20);
    check_host(0);
    assert_non_null(fake_switch_find(&switches[0], 100));
    assert_int_equal(n_errors(), 0);

    /* Another flow that has it, and one that replaces another: that it is
     * there already is no trouble. */
    edit_port("a", "red", 100, "all", 5, false);
    edit_limited("a", 100, "20");
    edit_limited("a", 101, "20");
    until_acked(0);
    check_host(0);
    assert_limit(0, 20);
    assert_int_equal(n_errors(), 0);

    /* A switch that lost its flows, and one that connects late. */
    disconnect_host(0);
    fake_switch_remove(&switches[0], 101);
    connect_host(0);
    reconcile_start(host(0)->sw);
    TURN_UNTIL(is_synced(0));
    check_host(0);
    assert_non_null(fake_switch_find(&switches[0], 101));
    connect_host(1);
    connect_host(2);
    TURN_UNTIL(is_synced(1) && is_synced(2));
    assert_limit(1, 20);

    /* One that somebody has changed is right when it connects again. */
    switches[0].limits[0].rate = 999;
    disconnect_host(0);
    connect_host(0);
    TURN_UNTIL(switches[0].limits[0].rate == 20);
    TURN_UNTIL(is_synced(0));
    assert_int_equal(n_errors(), 0);
}

/* Another rate is another meter; the old one goes when nobody can have a flow
 * with it any more, wherever it is. */
static void
another_limit_takes_the_place_of_one_everywhere(void **state OVS_UNUSED)
{
    const struct id_pools *numbers = model_id_pools(toy.model);
    uint32_t meter;

    for (int i = 0; i < N_HOSTS; i++) {
        switches[i].meters = true;
        connect_host(i);
    }
    edit_limited("a", 101, "20");
    for (int i = 0; i < N_HOSTS; i++) {
        until_acked(i);
        assert_limit(i, 20);
    }
    /* What is asked for the second time and on comes later, but for a test. */
    fabric->request_limits_ms = 0;
    meter = switches[0].limits[0].meter;
    edit_limited("a", 101, "30");
    for (int i = 0; i < N_HOSTS; i++) {
        until_acked(i);
    }
    TURN_UNTIL(!id_pools_key_of(numbers, VMN_ID_POOL_METER,
                                meter - FLOW_LIMIT_FIRST_METER + 1));
    for (int i = 0; i < N_HOSTS; i++) {
        TURN_UNTIL(switches[i].n_limits == 1);
        assert_limit(i, 30);
        check_host(i);
        assert_non_null(fake_switch_find(&switches[i], 101));
    }

    /* One that was away is told when it connects. */
    disconnect_host(0);
    edit(VMN_TABLE_PORT, "a", NULL);
    until_acked(1);
    until_acked(2);
    assert_int_equal(switches[1].n_limits, 1);
    assert_int_equal(id_pools_n_freed(numbers, VMN_ID_POOL_METER), 1);
    connect_host(0);
    for (int i = 0; i < N_HOSTS; i++) {
        TURN_UNTIL(!switches[i].n_limits);
        check_host(i);
    }
    assert_int_equal(n_errors(), 0);
}

static void
only_a_switch_with_meters_is_asked_for_them_again(void **state OVS_UNUSED)
{
    struct model_request request;
    unsigned n_mods;

    for (int i = 0; i < N_HOSTS; i++) {
        switches[i].meters = i > 0;
        connect_host(i);
    }
    edit_limited("a", 100, "20");
    edit_limited("b", 101, "20");
    for (int i = 0; i < N_HOSTS; i++) {
        until_acked(i);
        assert_int_equal(switches[i].n_meter_asks, 1);
    }
    n_mods = switches[1].n_meter_mods;
    /* Two numbers become free at once: one question. */
    model_request_init(&request, "test");
    request.list = true;
    model_request_add(&request, MODEL_DELETE, VMN_TABLE_PORT, "a", NULL);
    model_request_add(&request, MODEL_DELETE, VMN_TABLE_PORT, "b", NULL);
    fixture_submit(&request, turn);
    TURN_UNTIL(!switches[1].n_limits && !switches[2].n_limits);
    for (int i = 0; i < 10; i++) {
        turn();
    }
    assert_int_equal(switches[0].n_meter_asks, 1);
    assert_int_equal(switches[1].n_meter_asks, 2);
    assert_int_equal(switches[2].n_meter_asks, 2);
    /* The bank is not put there once more. */
    assert_int_equal(switches[1].n_meter_mods, n_mods);
}

static void
a_switch_without_meters_lacks_what_has_a_limit(void **state OVS_UNUSED)
{
    switches[0].meters = switches[0].refuse_meters = true;
    connect_host(0);
    edit_limited("a", 100, "20");
    edit_port("b", "red", 200, "all", 1, false);
    TURN_UNTIL(fake_switch_find(&switches[0], 200)
               && !hmap_is_empty(&host(0)->sw->rejected.items));
    assert_null(fake_switch_find(&switches[0], 100));
    assert_non_null(strstr(host(0)->sw->rejected.text,
                           "OFPMMFC_OUT_OF_METERS"));
}

/* Parts.  ---------------------------------------------------------------- */

/* Lets the switch commit the bundle that has come, which is but one: the next
 * one waits for its answer. */
static void
commit_one(void)
{
    unsigned before = switches[0].n_commits;

    for (int i = 0; i < 10; i++) {
        turn();
    }
    while (!ovs_list_is_empty(&switches[0].held)) {
        fake_switch_release_one(&switches[0]);
    }
    assert_int_equal(switches[0].n_commits, before + 1);
}

/* Edits 'n' ports of a switch that answers nothing. */
static void
edit_and_hold(int n, int value)
{
    switches[0].hold = true;
    ds_clear(&switches[0].order);
    edit_ports(n, "h0", value);
}

static bool
holds(int prio)
{
    return fake_switch_find(&switches[0], prio) != NULL;
}

static void
large_change_comes_in_parts_that_hide_nothing(void **state OVS_UNUSED)
{
    connect_host(0);
    assert_true(fake_switch_marker(&switches[0]) != 0);

    edit_and_hold(7, 1);
    commit_one();
    assert_string_equal(ds_cstr(&switches[0].order), "FFF.");
    assert_true(holds(1006) && holds(1005) && holds(1004) && !holds(1003));
    assert_int_equal(fake_switch_marker(&switches[0]), 0);
    assert_string_equal(receipt_of(revision, 0), "pending");
    assert_true(switch_acked(host(0)->sw) < revision);
    commit_one();
    assert_true(holds(1001) && !holds(1000));
    assert_string_equal(receipt_of(revision, 0), "pending");
    fake_switch_release(&switches[0]);
    until_acked(0);
    assert_string_equal(ds_cstr(&switches[0].order), "FFF.FFF.F.");
    assert_string_equal(receipt_of(revision, 0), "confirmed");
    check_host(0);

    /* What would come to light with another is gone before it. */
    edit_and_hold(7, -1);
    commit_one();
    assert_true(!holds(1000) && !holds(1002) && holds(1003));
    fake_switch_release(&switches[0]);
    until_acked(0);
    assert_string_equal(ds_cstr(&switches[0].order), "fff.fff.f.");
    check_host(0);

    /* As many as fit are one. */
    edit_and_hold(3, 1);
    fake_switch_release(&switches[0]);
    until_acked(0);
    assert_string_equal(ds_cstr(&switches[0].order), "FFF.");
    check_host(0);
}

static void
conjunctions_come_and_go_in_parts_that_hide_nothing(void **state OVS_UNUSED)
{
    connect_host(0);
    ds_clear(&switches[0].order);
    edit_conjunction(1, 5);
    until_acked(0);
    assert_string_equal(ds_cstr(&switches[0].order), "VCC.CCC.");

    /* What becomes another's comes in one piece, however large it is. */
    ds_clear(&switches[0].order);
    edit_conjunction(2, 6);
    until_acked(0);
    assert_string_equal(ds_cstr(&switches[0].order), "VC.CCCCC.v.");
    check_host(0);

    ds_clear(&switches[0].order);
    edit(VMN_TABLE_PORT, "conjunction", NULL);
    until_acked(0);
    assert_string_equal(ds_cstr(&switches[0].order), "fff.fff.v.");
    check_host(0);
}

static void
parts_take_in_what_changes_meanwhile(void **state OVS_UNUSED)
{
    uint64_t first;

    connect_host(0);
    edit_and_hold(7, 1);
    TURN_UNTIL(!ovs_list_is_empty(&switches[0].held));
    first = revision;
    edit_port("many0", "red", 1000, "h0", 2, false);
    edit_port("many6", "red", 1006, "h0", 2, false);
    edit_port("more", "red", 2000, "h0", 1, true);
    fake_switch_release(&switches[0]);
    until_acked(0);
    /* The group, then new flows, then the one that was there already. */
    assert_string_equal(ds_cstr(&switches[0].order), "FFF.GFF.FFF.F.");
    assert_string_equal(receipt_of(first, 0), "confirmed");
    assert_string_equal(receipt_of(revision, 0), "confirmed");
    check_host(0);
}

static void
parts_of_which_the_rest_is_taken_back_are_complete(void **state OVS_UNUSED)
{
    connect_host(0);
    edit_and_hold(4, 1);
    TURN_UNTIL(!ovs_list_is_empty(&switches[0].held));
    edit(VMN_TABLE_PORT, "many0", NULL);
    fake_switch_release(&switches[0]);
    until_acked(0);
    assert_string_equal(ds_cstr(&switches[0].order), "FFF..");
    assert_string_equal(receipt_of(revision, 0), "confirmed");
    check_host(0);              /* The marker is there again. */
}

static void
part_that_is_refused_is_mended(void **state OVS_UNUSED)
{
    connect_host(0);
    switches[0].refuse_priority = 1001;
    edit_ports(7, "h0", 1);
    TURN_UNTIL(is_diverged(0) && host(0)->sw->rejected.backing_off);
    assert_string_equal(receipt_of(revision, 0), "failed");
    assert_true(holds(1006) && holds(1000) && !holds(1001));
    switches[0].refuse_priority = 0;
    event_active(host(0)->sw->rejected.backoff, EV_TIMEOUT, 1);
    TURN_UNTIL(is_synced(0));
    assert_string_equal(receipt_of(revision, 0), "confirmed");
    check_host(0);

    /* Lost in the middle: without a marker it is read. */
    edit_and_hold(7, 2);
    commit_one();
    disconnect_host(0);
    fake_switch_release(&switches[0]);
    connect_host(0);
    assert_string_equal(receipt_of(revision, 0), "confirmed");
    check_host(0);
}

/* Putting a large change in order leaves the loop to others, and the switch
 * may disconnect meanwhile. */
static void
switch_is_lost_while_a_large_change_is_put_in_order(void **state OVS_UNUSED)
{
    const int n = 1000;         /* More than are looked at in one go. */
    int n_turns = 0;

    connect_host(0);
    commit_set_max_yields(commit, 1);
    for (int i = 1; i < 5; i++) {
        edit_and_hold(n, i);
        TURN_UNTIL(host(0)->sw->bundles.flushing);
        for (int j = 0; j < i; j++) {
            turn();
        }
        disconnect_host(0);
        fake_switch_release(&switches[0]);
        connect_host(0);
        check_host(0);
    }
    edit_and_hold(n, 5);
    TURN_UNTIL(host(0)->sw->bundles.flushing);
    while (host(0)->sw->bundles.flushing) {
        turn();
        n_turns++;
    }
    assert_true(n_turns > 3);
    fake_switch_release(&switches[0]);
    until_acked(0);
    check_host(0);
}

/* All together.  --------------------------------------------------------- */

static void
random_edit(void)
{
    static const char *const scopes[] = { "all", "net", "h0", "h1", "h2" };
    static const char *const nets[] = { "red", "blue" };
    static const char *const none_or_net[] = { NULL, "red", "blue" };
    char name[16];

    snprintf(name, sizeof name, "p%d", random_range(6));
    switch (random_range(8)) {
    case 0:
        edit_host(random_range(N_HOSTS), none_or_net[random_range(3)],
                  none_or_net[random_range(3)]);
        break;
    case 1:
        if (model_get(toy.model, VMN_TABLE_PORT, name)) {
            edit(VMN_TABLE_PORT, name, NULL);
        }
        break;
    default:
        /* A priority of its own, so that there are no conflicts. */
        if (model_get(toy.model, VMN_TABLE_PORT, name)) {
            edit(VMN_TABLE_PORT, name, NULL);
        }
        edit_port(name, nets[random_range(2)], 100 + name[1],
                  scopes[random_range(5)], random_range(3),
                  random_range(2));
    }
}

static void
random_edits_and_drops_end_in_what_is_desired(void **state OVS_UNUSED)
{
    uint32_t seed = 4711;

    print_message("seed %"PRIu32"\n", seed);
    random_set_seed(seed);
    for (int i = 0; i < N_HOSTS; i++) {
        connect_only(i);
    }
    for (int round = 0; round < 60; round++) {
        for (int i = 0; i < N_HOSTS; i++) {
            switches[i].hold = !random_range(3);
        }
        for (int n = random_range(12); n >= 0; n--) {
            random_edit();
        }
        for (int i = 0; i < N_HOSTS; i++) {
            fake_switch_release(&switches[i]);
        }
        if (!random_range(3)) {
            int i = random_range(N_HOSTS);

            fake_switch_disconnect(&switches[i]);
            if (random_range(2)) {
                random_edit();
            }
            connect_only(i);
            if (random_range(2)) {
                random_edit();
            }
        }
        for (int i = 0; i < N_HOSTS; i++) {
            TURN_UNTIL(is_synced(i));
            until_acked(i);
            check_host(i);
        }
    }
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME, SETUP) \
        cmocka_unit_test_setup_teardown(NAME, SETUP, teardown)
        T(each_revision_is_one_bundle_in_order, setup),
        T(change_that_no_flow_reads_sends_nothing, setup),
        T(progress_tells_who_is_behind_and_since_when, setup),
        T(joining_a_scope_installs_all_and_leaving_withdraws, setup),
        T(large_differences_reach_all_hosts_whole, setup),
        T(flow_that_changes_scope_is_never_missing, setup),
        T(a_limit_comes_with_its_flow, setup),
        T(another_limit_takes_the_place_of_one_everywhere, setup),
        T(only_a_switch_with_meters_is_asked_for_them_again, setup),
        T(a_switch_without_meters_lacks_what_has_a_limit, setup),
        T(large_change_comes_in_parts_that_hide_nothing, setup_parts),
        T(conjunctions_come_and_go_in_parts_that_hide_nothing, setup_parts),
        T(parts_take_in_what_changes_meanwhile, setup_parts),
        T(parts_of_which_the_rest_is_taken_back_are_complete, setup_parts),
        T(part_that_is_refused_is_mended, setup_parts),
        T(switch_is_lost_while_a_large_change_is_put_in_order, setup_parts),
        T(random_edits_and_drops_end_in_what_is_desired, setup_narrow),
        T(random_edits_and_drops_end_in_what_is_desired, setup_parts),
    };

    return run_all(argv, tests, ARRAY_SIZE(tests));
}
