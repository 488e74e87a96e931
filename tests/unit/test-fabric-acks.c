/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of what hosts acknowledge: receipts, who waits for these, and IDs that
 * are free again. */

#include <config.h>

#include "tests/unit/fabric-hosts.h"

#include <event2/event.h>
#include <string.h>

#include "controller/fabric/fabric-receipts.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric.h"
#include "controller/model/id-pools.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-struct.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/fake-db.h"
#include "timeval.h"
#include "util.h"

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
        "actions=set_field:0x1->reg10,goto_table:192 of toy.port/b "
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
    fixture_stop_fabric();
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
    value = id_pools_peek(numbers, VMN_ID_POOL_GROUP, "app/toy/a");
    assert_int_not_equal(value, 0);
    edit(VMN_TABLE_PORT, "a", NULL);
    until_acked(0);
    until_acked(1);
    for (int i = 0; i < 10; i++) {
        turn();
    }
    /* Host 2 is offline. */
    assert_string_equal(id_pools_key_of(numbers, VMN_ID_POOL_GROUP, value),
                        "app/toy/a");
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

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME, SETUP) \
        cmocka_unit_test_setup_teardown(NAME, SETUP, teardown)
        T(receipt_says_where_each_host_is, setup),
        T(wait_ends_when_every_host_has_it, setup),
        T(wait_ends_at_its_time_out, setup),
        T(nobody_is_called_for_a_fabric_that_is_gone, setup),
        T(removed_host_is_not_waited_for, setup),
        T(id_pools_are_freed_once_every_host_has_acknowledged, setup),
        T(flow_that_lacked_a_number_comes_when_one_is_free, setup),
    };

    return run_all(argv, tests, ARRAY_SIZE(tests));
}
