/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of the fabric of a cluster's member that becomes the writer while a
 * host lacks something that is desired, which the former writer has not sent:
 * this one sends it, and reads no flows if the switch's marker is one that it
 * knows. */

#include <config.h>

#include "tests/unit/fabric-hosts.h"

#include <stdlib.h>

#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric.h"
#include "openvswitch/ofp-connection.h"
#include "random.h"
#include "util.h"

/* The switch reports the marker that it has. */
static void
tell(void)
{
    fake_switch_tell_marker(&switches[0], fake_switch_marker(&switches[0]));
    for (int i = 0; i < 10; i++) {
        turn();
    }
}

/* Another process is the writer, and has the host's switch have the state that
 * 'edits' makes, as it ends; this member is a standby and knows that. */
static void
begin(void (*edits)(void))
{
    struct fake_tables tables;

    edits();
    connect_host(0);
    until_acked(0);
    fake_switch_save(&switches[0], &tables);
    teardown(NULL);
    setup_observing(NULL);
    edits();
    fake_switch_restore(&switches[0], &tables);
    fake_tables_uninit(&tables);
    connect_only(0);
    TURN_UNTIL(switches[0].monitored);
    tell();
    assert_true(is_synced(0));
}

/* This member becomes the writer, and has the host have what is desired. */
static void
take(void)
{
    fabric_lead(fabric, 8, NULL);
    fabric_host_set_reported(host(0));
    TURN_UNTIL(switches[0].role == OFPCR12_ROLE_PRIMARY
               && host(0)->sw->state == SWITCH_LIVE);
    until_acked(0);
    TURN_UNTIL(is_synced(0));
    check_host(0);
}

static uint64_t
n_resumed(void)
{
    struct fabric_stats stats;

    fabric_get_stats(fabric, &stats);
    return stats.n_reconciles_resumed;
}

static void
edit_flow(int value)
{
    edit_port("a", "red", 100, "all", value, false);
}

static void
edit_some(void)
{
    edit_ports(20, "all", 1);
    edit_flow(5);
}

/* Nothing is read but the marker, and only what has changed is sent. */
static void
what_a_dead_writer_has_not_sent(void **state OVS_UNUSED)
{
    unsigned n_dumps, n_mods, n_commits;

    begin(edit_some);
    n_dumps = switches[0].n_dumps;
    n_mods = switches[0].n_mods;
    n_commits = switches[0].n_commits;
    edit_flow(1);
    edit_port("b", "red", 101, "h0", 1, true);
    edit_flow(2);
    assert_string_equal(receipt_of(revision, 0), "pending");
    take();
    assert_string_equal(receipt_of(revision, 0), "confirmed");
    assert_int_equal(n_resumed(), 1);
    assert_int_equal(switches[0].n_dumps, n_dumps);
    /* Two flows and a group, by one bundle. */
    assert_int_equal(switches[0].n_mods, n_mods + 3);
    assert_int_equal(switches[0].n_commits, n_commits + 1);
    /* It is sent each revision from now on. */
    edit_flow(3);
    until_acked(0);
    check_host(0);
    assert_int_equal(switches[0].n_mods, n_mods + 4);
}

/* A revision comes between the role and the marker. */
static void
what_comes_meanwhile(void **state OVS_UNUSED)
{
    begin(edit_some);
    edit_flow(1);
    fabric_lead(fabric, 8, NULL);
    fabric_host_set_reported(host(0));
    TURN_UNTIL(switches[0].role == OFPCR12_ROLE_PRIMARY);
    assert_true(host(0)->sw->state != SWITCH_LIVE);
    edit_flow(2);
    edit_port("b", "red", 101, "h0", 1, true);
    TURN_UNTIL(host(0)->sw->state == SWITCH_LIVE);
    until_acked(0);
    check_host(0);
    assert_int_equal(n_resumed(), 1);
}

/* Of which it is not known what it has. */
static void
marker_of_an_unknown_state(void **state OVS_UNUSED)
{
    struct fake_tables old;
    unsigned n_dumps;

    edit_flow(1);
    connect_host(0);
    until_acked(0);
    fake_switch_save(&switches[0], &old);
    disconnect_host(0);
    begin(edit_some);
    edit_flow(4);
    fake_switch_restore(&switches[0], &old);
    n_dumps = switches[0].n_dumps;
    take();
    assert_int_equal(n_resumed(), 0);
    assert_true(switches[0].n_dumps > n_dumps);
    fake_tables_uninit(&old);
}

/* What one that disconnects has is not known any more. */
static void
switch_that_comes_again(void **state OVS_UNUSED)
{
    begin(edit_some);
    edit_flow(1);
    disconnect_host(0);
    edit_flow(2);
    connect_only(0);
    take();
    assert_int_equal(n_resumed(), 0);
}

/* Nothing says what the former writer was to send and did not. */
static void
more_than_is_kept(void **state OVS_UNUSED)
{
    begin(edit_some);
    for (int i = 0; i < 1100; i++) {
        edit_flow(i + 10);
    }
    take();
    assert_int_equal(n_resumed(), 0);
}

/* At random.  ------------------------------------------------------------- */

#define N_PORTS 8

/* Wants another state, by a revision for each port. */
static void
edit_at_random(void)
{
    static const char *const scopes[] = { "all", "h0", "net" };

    for (int i = 0; i < N_PORTS; i++) {
        char name[] = { 'p', (char) ('0' + i), '\0' };
        int value = (int) random_range(4) - 1;

        /* One that is not there is on another host. */
        edit_port(name, "red", 200 + i, value < 0 ? "h1" : scopes[i % 3],
                  MAX(value, 0), random_range(2));
    }
}

static uint32_t seed;

static void
edit_by_seed(void)
{
    random_set_seed(seed);
    edit_host(0, "red", NULL);
    edit_at_random();
}

static void
random_states(void **state OVS_UNUSED)
{
    for (seed = 1; seed <= 20; seed++) {
        begin(edit_by_seed);
        for (unsigned i = 0; i <= seed % 3; i++) {
            edit_at_random();
        }
        take();
        assert_int_equal(n_resumed(), 1);
        teardown(NULL);
        setup(NULL);
    }
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
        T(what_a_dead_writer_has_not_sent),
        T(what_comes_meanwhile),
        T(marker_of_an_unknown_state),
        T(switch_that_comes_again),
        T(more_than_is_kept),
        T(random_states),
    };

    return run_all(argv, tests, ARRAY_SIZE(tests));
}
