/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of the fabric of a cluster's member that comes to manage a host whose
 * former master has not installed all that is desired: it sends what is
 * missing, and reads no flows if the switch's marker is one that it knows. */

#include <config.h>

#include "tests/unit/fabric-hosts.h"

#include <stdlib.h>

#include "controller/fabric/fabric-faults.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric.h"
#include "openvswitch/ofp-connection.h"
#include "random.h"
#include "util.h"

static uint64_t generation;

static void
set_managed(bool is_managed)
{
    managed[0] = is_managed;
    set_shares(++generation);
}

/* Becomes the host's master and waits until it has what is desired. */
static void
take(void)
{
    set_managed(true);
    TURN_UNTIL(switches[0].role == OFPCR12_ROLE_PRIMARY
               && host(0)->sw->state == SWITCH_LIVE);
    until_acked(0);
    TURN_UNTIL(is_synced(0));
    check_host(0);
}

/* Another member becomes it. */
static void
give(void)
{
    switches[0].monitored = false;
    set_managed(false);
    TURN_UNTIL(switches[0].role == OFPCR12_ROLE_SECONDARY
               && switches[0].monitored && host(0)->sw->conn);
}

/* The switch tells of the marker that it has. */
static void
tell(void)
{
    fake_switch_tell_marker(&switches[0], fake_switch_marker(&switches[0]));
    for (int i = 0; i < 10; i++) {
        turn();
    }
}

/* This member has been the host's master, and is not any more. */
static void
begin(void)
{
    generation = 7;
    edit(VMN_TABLE_UNDERLAY, "h0",
         json_pack("{s:s}", "datapath_id", "0000000000000100"));
    managed[0] = true;
    set_shares(++generation);
    connect_only(0);
    take();
    give();
    tell();
    assert_true(is_synced(0));
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

/* Nothing is read but the marker, and only what has changed is sent. */
static void
what_a_dead_master_has_not_sent(void **state OVS_UNUSED)
{
    unsigned n_dumps, n_mods, n_commits;

    edit_ports(20, "all", 1);
    begin();
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

/* The next writer is an equal first, as of all hosts of others. */
static void
what_a_dead_writer_has_not_sent(void **state OVS_UNUSED)
{
    unsigned n_dumps;

    begin();
    n_dumps = switches[0].n_dumps;
    edit_flow(1);
    fabric_lead(fabric, 8, 800, NULL);
    TURN_UNTIL(switches[0].role == OFPCR12_ROLE_EQUAL && host(0)->sw->conn);
    edit_flow(2);
    generation = 800;
    fabric_host_set_reported(host(0));
    take();
    assert_int_equal(n_resumed(), 1);
    assert_int_equal(switches[0].n_dumps, n_dumps);
}

/* While its master says that it rejects something, what comes is not kept. */
static void
what_comes_to_one_that_rejects(void **state OVS_UNUSED)
{
    const struct fabric_fault fault = { .host = "h0", .reason = "no room" };

    begin();
    fake_switch_tell_marker(&switches[0], 0);
    for (int i = 0; i < 10; i++) {
        turn();
    }
    fabric_set_faults(fabric, &fault, 1);
    edit_flow(1);
    fabric_set_faults(fabric, NULL, 0);
    take();
    assert_int_equal(n_resumed(), 0);
}

/* A revision comes between the role and the marker. */
static void
what_comes_meanwhile(void **state OVS_UNUSED)
{
    begin();
    edit_flow(1);
    set_managed(true);
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
marker_of_somebody_else(void **state OVS_UNUSED)
{
    struct fake_tables old;
    unsigned n_dumps;

    edit_flow(1);
    begin();
    fake_switch_save(&switches[0], &old);
    for (int value = 2; value < 4; value++) {
        take();
        edit_flow(value);
        until_acked(0);
        give();
        tell();
    }
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
    begin();
    edit_flow(1);
    disconnect_host(0);
    edit_flow(2);
    managed[0] = true;
    set_shares(++generation);
    connect_only(0);
    take();
    assert_int_equal(n_resumed(), 0);
}

/* Nothing says what its master was sent and did not send. */
static void
more_than_is_kept(void **state OVS_UNUSED)
{
    begin();
    for (int i = 0; i < 1100; i++) {
        edit_flow(i + 1);
    }
    take();
    assert_int_equal(n_resumed(), 0);
}

/* At random.  ------------------------------------------------------------- */

#define N_CONFIGS 6
#define N_PORTS 8

struct config {
    int values[N_PORTS];        /* -1: there is no such port. */
    bool grouped[N_PORTS];
    struct fake_tables tables;  /* Of a switch that has it. */
};

static void
config_make(struct config *config)
{
    for (int i = 0; i < N_PORTS; i++) {
        config->values[i] = (int) random_range(4) - 1;
        config->grouped[i] = random_range(2);
    }
}

/* Wants 'config', by a revision for each port. */
static void
config_set(const struct config *config)
{
    static const char *const scopes[] = { "all", "h0", "net" };

    for (int i = 0; i < N_PORTS; i++) {
        char name[] = { 'p', (char) ('0' + i), '\0' };

        /* One that is not there is on another host. */
        edit_port(name, "red", 200 + i,
                  config->values[i] < 0 ? "h1" : scopes[i % 3],
                  MAX(config->values[i], 0), config->grouped[i]);
    }
}

/* Members of a cluster take turns as the host's master, and each stops in the
 * middle of what it had to send. */
static void
random_walk(void **state OVS_UNUSED)
{
    struct config configs[N_CONFIGS];
    int now = N_CONFIGS - 1;
    uint64_t resumed = n_resumed();

    random_set_seed(1);
    edit_host(0, "red", NULL);
    begin();
    take();
    for (int i = 0; i < N_CONFIGS; i++) {
        config_make(&configs[i]);
        config_set(&configs[i]);
        until_acked(0);
        fake_switch_save(&switches[0], &configs[i].tables);
    }
    for (int round = 0; round < 60; round++) {
        int stop = (int) random_range(4);
        int has = now;

        give();
        tell();
        for (int i = 0; i < 3; i++) {
            now = (int) random_range(N_CONFIGS);
            config_set(&configs[now]);
            has = i < stop ? now : has;
            if (i < stop && random_range(2)) {
                fake_switch_restore(&switches[0], &configs[has].tables);
                tell();
            }
        }
        fake_switch_restore(&switches[0], &configs[has].tables);
        take();
    }
    /* But for those that had all, and those whose master went on to something
     * that was desired before, which did not tell. */
    assert_true(n_resumed() > resumed + 20);
    for (int i = 0; i < N_CONFIGS; i++) {
        fake_tables_uninit(&configs[i].tables);
    }
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) \
        cmocka_unit_test_setup_teardown(NAME, setup_observing, teardown)
        T(what_a_dead_master_has_not_sent),
        T(what_a_dead_writer_has_not_sent),
        T(what_comes_to_one_that_rejects),
        T(what_comes_meanwhile),
        T(marker_of_somebody_else),
        T(switch_that_comes_again),
        T(more_than_is_kept),
        T(random_walk),
    };

    return run_all(argv, tests, ARRAY_SIZE(tests));
}
