/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of how the fabric sends differences, of receipts, and of all together
 * at random. */

#include <config.h>

#include "tests/unit/fabric-hosts.h"

#include <event2/event.h>
#include <string.h>

#include "controller/fabric/fabric-receipts.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/fabric.h"
#include "controller/model/id-pools.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-struct.h"
#include "openvswitch/dynamic-string.h"
#include "random.h"
#include "tests/unit/fake-db.h"
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
    assert_behind("h0 ", 2, 1);
    switches[1].hold = true;
    edit_port("a", "red", 100, "all", 2, false);
    until_acked(2);
    /* The one that has been longest comes first. */
    assert_behind("h0 h1 ", 3, 2);
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

/* Acknowledgements.  ----------------------------------------------------- */

static int n_waits;
static bool wait_installed;

static void
wait_cb(void *aux OVS_UNUSED, bool installed,
        const struct fabric_receipt *receipt)
{
    n_waits++;
    wait_installed = installed;
    assert_non_null(receipt);
}

/* Asserts that the newest revision's receipt is this JSON text, but for its
 * times. */
static void
assert_receipt_text(const char *expected)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct fabric_receipt receipt;
    struct arena arena;

    arena_init(&arena);
    assert_true(fabric_get_receipt(fabric, revision, &arena, &receipt));
    schema_struct_print(&fabric_receipt_shown, &receipt, &ds);
    arena_uninit(&arena);
    for (char *p = ds_cstr(&ds); (p = strstr(p, "\"time\":\"")); p++) {
        assert_int_equal(p[32], '"'); /* "2026-11-22T16:30:00.000Z" */
        memmove(p + 8, p + 32, strlen(p + 32) + 1);
    }
    assert_string_equal(ds_cstr(&ds), expected);
    ds_destroy(&ds);
}

static void
receipt_says_where_each_host_is(void **state OVS_UNUSED)
{
    connect_host(0);
    connect_host(1);
    switches[1].hold = true;
    edit_port("a", "red", 100, "all", 1, false);
    TURN_UNTIL(!strcmp(receipt_of(revision, 0), "confirmed"));
    assert_receipt_text(
        "{\"revision\":6,\"recorded\":true,\"installed\":false,\"hosts\":["
        "{\"host\":\"h0\",\"state\":\"confirmed\",\"time\":\"\"},"
        "{\"host\":\"h1\",\"state\":\"pending\",\"time\":\"\","
        "\"reason\":\"its switch has not acknowledged it yet\"},"
        "{\"host\":\"h2\",\"state\":\"offline\",\"time\":\"\","
        "\"reason\":\"its switch has not connected\"}],"
        "\"flows\":[{\"app\":\"toy\",\"added\":1,\"changed\":0,"
        "\"removed\":0}]}");
    /* As all else that tells the state of a host. */
    fake_db_state = "unheard";
    assert_receipt_text(
        "{\"revision\":6,\"recorded\":true,\"installed\":false,\"hosts\":["
        "{\"host\":\"h0\",\"state\":\"confirmed\",\"time\":\"\"},"
        "{\"host\":\"h1\",\"state\":\"unheard\",\"time\":\"\","
        "\"reason\":\"its database\"},"
        "{\"host\":\"h2\",\"state\":\"offline\",\"time\":\"\","
        "\"reason\":\"its switch has not connected\"}],"
        "\"flows\":[{\"app\":\"toy\",\"added\":1,\"changed\":0,"
        "\"removed\":0}]}");
    struct fabric_stats stats;

    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_connected, 2);
    assert_int_equal(stats.n_heard, 0);
    fake_db_state = NULL;
    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_heard, 2);
    fake_switch_release(&switches[1]);
    TURN_UNTIL(!strcmp(receipt_of(revision, 1), "confirmed"));
    switches[0].refuse_priority = 200;
    edit_port("b", "red", 200, "all", 1, false);
    TURN_UNTIL(!strcmp(receipt_of(revision, 0), "failed")
               && !strcmp(receipt_of(revision, 1), "confirmed"));
    assert_receipt_text(
        "{\"revision\":7,\"recorded\":true,\"installed\":false,\"hosts\":["
        "{\"host\":\"h0\",\"state\":\"failed\",\"time\":\"\","
        "\"reason\":\"flow table=0,priority=200,reg0=0x7 "
        "actions=set_field:0x1->reg1,goto_table:192 of toy.port/b "
        "was rejected with OFPBAC_BAD_TYPE\"},"
        "{\"host\":\"h1\",\"state\":\"confirmed\",\"time\":\"\"},"
        "{\"host\":\"h2\",\"state\":\"offline\",\"time\":\"\","
        "\"reason\":\"its switch has not connected\"}],"
        "\"flows\":[{\"app\":\"toy\",\"added\":1,\"changed\":0,"
        "\"removed\":0}]}");
}

static void
wait_ends_when_every_host_has_it(void **state OVS_UNUSED)
{
    n_waits = 0;
    connect_host(0);
    connect_host(1);
    switches[1].hold = true;
    edit_port("a", "red", 100, "all", 1, false);
    wait_for_revision(fabric, revision, 60000, wait_cb, NULL);
    TURN_UNTIL(!strcmp(receipt_of(revision, 0), "confirmed"));
    assert_string_equal(receipt_of(revision, 1), "pending");
    assert_string_equal(receipt_of(revision, 2), "offline");
    assert_int_equal(n_waits, 0);
    fake_switch_release(&switches[1]);
    TURN_UNTIL(!strcmp(receipt_of(revision, 1), "confirmed"));
    assert_int_equal(n_waits, 0);
    connect_host(2);
    TURN_UNTIL(n_waits);
    assert_true(wait_installed);
    assert_int_equal(n_waits, 1);

    /* Once more: at once, but not from inside of the call. */
    wait_for_revision(fabric, revision, 60000, wait_cb, NULL);
    assert_int_equal(n_waits, 1);
    TURN_UNTIL(n_waits == 2);
}

static void
wait_ends_at_its_time_out(void **state OVS_UNUSED)
{
    struct fabric_wait *cancelled;

    n_waits = 0;
    edit_port("a", "red", 100, "all", 1, false);
    cancelled = wait_for_revision(fabric, revision, 1, wait_cb, NULL);
    fabric_wait_cancel(cancelled);
    wait_for_revision(fabric, revision, 1, wait_cb, NULL);
    TURN_UNTIL(n_waits);
    assert_false(wait_installed);
    assert_int_equal(n_waits, 1);
}

static void
later_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *later)
{
    *(bool *) later = true;
}

/* Destroys the fabric 'n_turns' after host 0 has acknowledged all that its
 * numbers are then freed for, while somebody waits for what it has not. */
static void
destroy_with_a_wait(int n_turns)
{
    /* After the time-out of the wait. */
    const struct timeval later = { .tv_usec = 10000 };
    struct fabric_options options = { .openflow_listen = listen_path };
    bool is_later = false;
    uint64_t first;

    for (int i = 0; i < N_HOSTS; i++) {
        connect_host(i);
    }
    switches[0].hold = true;
    edit_port("a", "red", 100, "all", 2 * n_turns, false);
    first = revision;
    edit_port("a", "red", 100, "all", 2 * n_turns + 1, false);
    TURN_UNTIL((fake_switch_release_one(&switches[0]),
                !strcmp(receipt_of(first, 0), "confirmed")));
    for (int i = 0; i < n_turns; i++) {
        fixture_turn();
    }
    assert_string_equal(receipt_of(revision, 0), "pending");
    wait_for_revision(fabric, revision, 1, wait_cb, NULL);
    fabric_destroy(fabric);
    fabric = NULL;
    event_base_once(loop_base(loop), -1, EV_TIMEOUT, later_cb, &is_later,
                    &later);
    FIXTURE_TURN_UNTIL(fixture_turn, is_later);
    fixture_start_fabric(&options);
    for (int i = 0; i < N_HOSTS; i++) {
        fake_switch_disconnect(&switches[i]);
        switches[i].hold = false;
    }
}

static void
nobody_is_called_for_a_fabric_that_is_gone(void **state OVS_UNUSED)
{
    n_waits = 0;
    for (int n_turns = 0; n_turns < 4; n_turns++) {
        destroy_with_a_wait(n_turns);
        assert_int_equal(n_waits, 0);
    }
}

static void
removed_host_is_not_waited_for(void **state OVS_UNUSED)
{
    n_waits = 0;
    connect_host(0);
    connect_host(1);
    edit_port("a", "red", 100, "all", 1, false);
    wait_for_revision(fabric, revision, 60000, wait_cb, NULL);
    TURN_UNTIL(!strcmp(receipt_of(revision, 1), "confirmed"));
    edit(VMN_TABLE_HOST, "h2", NULL);
    TURN_UNTIL(n_waits);
    assert_true(wait_installed);
    assert_null(host(2));
    edit(VMN_TABLE_HOST, "h1", NULL);
    TURN_UNTIL(switches[1].fd < 0);
}

static void
id_pools_are_freed_once_every_host_has_acknowledged(void **state OVS_UNUSED)
{
    struct id_pools *numbers = model_id_pools(toy.model);
    uint32_t value;

    connect_host(0);
    connect_host(1);
    edit_port("a", "red", 100, "all", 1, true);
    value = id_pools_peek(numbers, VMN_ID_POOL_GROUP, "a");
    assert_int_not_equal(value, 0);
    edit(VMN_TABLE_PORT, "a", NULL);
    until_acked(0);
    until_acked(1);
    for (int i = 0; i < 10; i++) {
        turn();
    }
    /* Host 2 is offline. */
    assert_string_equal(id_pools_key_of(numbers, VMN_ID_POOL_GROUP, value),
                        "a");
    connect_host(2);
    TURN_UNTIL(!id_pools_key_of(numbers, VMN_ID_POOL_GROUP, value));
}

static void
edit_few(const char *name, int prio)
{
    edit(VMN_TABLE_PORT, name, json_pack(
             "{s:s, s:{s:o, s:s, s:s}}", "network", "red", "labels",
             "prio", json_sprintf("%d", prio), "scope", "all", "few",
             "yes"));
}

/* True if all switches but the last one hold the flow of priority 'prio'. */
static bool
others_hold(int prio)
{
    bool hold = true;

    for (int i = 0; i < N_HOSTS - 1; i++) {
        hold &= fake_switch_find(&switches[i], prio) != NULL;
    }
    return hold;
}

static void
flow_that_lacked_a_number_comes_when_one_is_free(void **state OVS_UNUSED)
{
    const int last = N_HOSTS - 1;

    for (int i = 0; i < N_HOSTS; i++) {
        connect_host(i);
    }
    edit_few("a", 100);
    edit_few("b", 200);
    edit(VMN_TABLE_PORT, "a", NULL);
    TURN_UNTIL(others_hold(200));
    for (int i = 0; i < N_HOSTS; i++) {
        TURN_UNTIL(fake_switch_find(&switches[i], 200));
        until_acked(i);
        check_host(i);
        assert_string_equal(receipt_of(revision, i), "confirmed");
    }

    /* The same for hosts that are behind: the number is free once the last of
     * them has answered, and no revision comes after that. */
    switches[last].hold = true;
    edit_few("a", 100);
    edit(VMN_TABLE_PORT, "b", NULL);
    for (int i = 0; i < 10; i++) {
        turn();
    }
    assert_false(others_hold(100));
    assert_string_equal(receipt_of(revision, last), "pending");
    fake_switch_release(&switches[last]);
    TURN_UNTIL(others_hold(100) && fake_switch_find(&switches[last], 100));
    for (int i = 0; i < N_HOSTS; i++) {
        until_acked(i);
        check_host(i);
        assert_null(fake_switch_find(&switches[i], 200));
    }
    assert_string_equal(receipt_of(revision, last), "confirmed");
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
    const struct id_pools *numbers = model_id_pools(toy.model);
    uint32_t meter;

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

    /* Another rate is another meter; the old one goes when nobody can have a
     * flow with it any more, wherever it is.  What is asked for the second
     * time and on comes later, but for a test. */
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
               && !hmap_is_empty(&host(0)->sw->faults.rejected));
    assert_null(fake_switch_find(&switches[0], 100));
    assert_non_null(strstr(host(0)->sw->faults.text, "OFPMMFC_OUT_OF_METERS"));
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
        T(receipt_says_where_each_host_is, setup),
        T(wait_ends_when_every_host_has_it, setup),
        T(wait_ends_at_its_time_out, setup),
        T(nobody_is_called_for_a_fabric_that_is_gone, setup),
        T(removed_host_is_not_waited_for, setup),
        T(id_pools_are_freed_once_every_host_has_acknowledged, setup),
        T(flow_that_lacked_a_number_comes_when_one_is_free, setup),
        T(a_limit_comes_with_its_flow, setup),
        T(only_a_switch_with_meters_is_asked_for_them_again, setup),
        T(a_switch_without_meters_lacks_what_has_a_limit, setup),
        T(random_edits_and_drops_end_in_what_is_desired, setup_narrow),
    };

    return run_all(argv, tests, ARRAY_SIZE(tests));
}
