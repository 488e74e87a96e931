/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of the fabric's counters where a flow is deleted and made again, or
 * takes another's place, between two readings: what the switch has counted for
 * which of them.  Other tests of counters are in test-fabric-counters.c. */

#include <config.h>

#include "tests/unit/fabric-hosts.h"

#include "controller/fabric/counters/counters-private.h"
#include "controller/fabric/fabric-counters.h"
#include "controller/fabric/hosts/hosts.h"
#include "timeval.h"
#include "util.h"

/* Port "d", whose flow has this scope, priority, action and label. */
static void
edit_flow_of(const char *scope, int prio, int value, const char *label)
{
    edit(VMN_TABLE_PORT, "d", json_pack(
             "{s:s, s:{s:o, s:o, s:s, s:s}}", "network", "red", "labels",
             "prio", json_sprintf("%d", prio),
             "value", json_sprintf("%d", value), "scope", scope, label, ""));
}

static void
edit_flow(int prio, int value, const char *label)
{
    edit_flow_of("all", prio, value, label);
}

/* What host h0 tells of the flow of priority 'prio' from now on. */
static void
hit(uint16_t prio, uint64_t packets)
{
    struct fake_flow *flow = fake_switch_find(&switches[0], prio);

    assert_non_null(flow);
    flow->packets = packets;
    flow->bytes = packets * 100;
}

struct sums {
    struct fabric_load passed, dropped;
};

static void
part_cb(void *sums_, uint32_t part OVS_UNUSED, const char *reason,
        const struct fabric_load *load)
{
    struct sums *sums = sums_;
    struct fabric_load *sum = reason ? &sums->dropped : &sums->passed;

    sum->packets += load->packets;
    sum->bytes += load->bytes;
}

static struct sums
sums(void)
{
    struct sums now = { .passed = { .packets = 0 } };

    fabric_parts(fabric, VMN_TABLE_PORT, "d", part_cb, &now);
    return now;
}

/* What the flows of port "d" have let through, and what they have dropped. */
static struct fabric_load
counted(void)
{
    return sums().passed;
}

static struct fabric_load
dropped(void)
{
    return sums().dropped;
}

/* Has no counters of h0 be read until resume_readings(). */
static void
pause_readings(void)
{
    struct counters_of_switch *cs = counters_of(host(0)->sw);

    TURN_UNTIL(!cs->dump);
    cs->rest_until_ms = INT64_MAX;
}

static void
resume_readings(void)
{
    counters_of(host(0)->sw)->rest_until_ms = 0;
}

/* Returns what is known of the flow of host h0 that has hits, its only one. */
static struct counted_flow *
only_flow(void)
{
    const struct hmap *flows = &counters_of(host(0)->sw)->flows;

    assert_int_equal(hmap_count(flows), 1);
    return CONTAINER_OF(hmap_first(flows), struct counted_flow, node);
}

/* A flow with 5 hits, which were read, and no more is. */
static struct counted_flow *
read_five(void)
{
    edit_flow(100, 1, "count");
    connect_host(0);
    hit(100, 5);
    TURN_UNTIL(counted().packets == 5);
    pause_readings();
    return only_flow();
}

/* The next reading has 7 hits, and the flow counts that many then. */
static void
expect_of_seven(uint64_t packets)
{
    hit(100, 7);
    resume_readings();
    TURN_UNTIL(counted().packets > 5);
    assert_int_equal(counted().packets, packets);
}

/* A flow that is deleted, and made again with more hits by the next reading
 * than the last one had: it does not go on from these. */
static void
flow_that_was_away_begins_anew(void **state OVS_UNUSED)
{
    const struct counted_flow *flow = read_five();
    const struct counters_of_switch *cs = counters_of(host(0)->sw);

    edit_flow(101, 1, "count");
    edit_flow(100, 1, "count");
    until_acked(0);
    expect_of_seven(12);
    assert_int_equal(counted().bytes, 1200);

    /* What a reading has that was requested before is of the one before: the
     * switch has not answered it yet. */
    pause_readings();
    switches[0].deaf = true;
    resume_readings();
    TURN_UNTIL(cs->dump);
    edit_flow(101, 1, "count");
    edit_flow(100, 1, "count");
    TURN_UNTIL(flow->gone);
    assert_non_null(cs->dump);
    assert_int_equal(flow->gone, cs->round);
    switches[0].deaf = false;
    until_acked(0);
    hit(100, 9);
    TURN_UNTIL(counted().packets > 12);
    assert_int_equal(counted().packets, 21);
    /* And from now on it goes on. */
    hit(100, 10);
    TURN_UNTIL(counted().packets == 22);
    assert_int_equal(counted().bytes, 2200);
}

/* One that is in another scope from now on, which the host is none of. */
static void
flow_that_was_elsewhere_begins_anew(void **state OVS_UNUSED)
{
    edit_host(0, "red", NULL);
    edit_flow_of("net", 100, 1, "count");
    connect_host(0);
    hit(100, 5);
    TURN_UNTIL(counted().packets == 5);
    pause_readings();
    edit_flow_of("h1", 100, 1, "count");
    edit_flow_of("net", 100, 1, "count");
    until_acked(0);
    expect_of_seven(12);
}

/* One that is deleted with all that a host has missed meanwhile. */
static void
flow_deleted_with_a_backlog_begins_anew(void **state OVS_UNUSED)
{
    const struct counted_flow *flow = read_five();

    fabric->max_bundles = 1;
    switches[0].hold = true;
    edit_port("other", "red", 200, "all", 1, false);
    assert_int_equal(openflow_figure(0, "backlog"), 0);
    edit_flow(101, 1, "count");
    TURN_UNTIL(openflow_figure(0, "backlog") >= 1);
    assert_false(flow->gone);
    fake_switch_release(&switches[0]);
    until_acked(0);
    assert_true(flow->gone);
    edit_flow(100, 1, "count");
    until_acked(0);
    expect_of_seven(12);
}

/* Also where it is another object of that name. */
static void
what_is_made_again_begins_at_nothing(void **state OVS_UNUSED)
{
    edit_flow(200, 1, "drop");
    connect_host(0);
    hit(200, 3);
    TURN_UNTIL(dropped().packets == 3);
    pause_readings();
    edit(VMN_TABLE_PORT, "d", NULL);
    edit_flow(200, 1, "drop");
    until_acked(0);
    hit(200, 10);
    resume_readings();
    TURN_UNTIL(dropped().packets);
    assert_int_equal(dropped().packets, 10);
}

/* A flow's age says nothing: one that takes a flow's place, or is added once
 * more in its own, is younger than what the switch has counted for it. */
static void
flow_that_is_younger_goes_on(void **state OVS_UNUSED)
{
    int64_t now;

    read_five();
    now = time_msec();
    TURN_UNTIL(time_msec() >= now + 3000);
    /* Two seconds after the last reading. */
    hit(100, 7);
    fake_switch_find(&switches[0], 100)->created_ms = time_msec() - 1000;
    resume_readings();
    TURN_UNTIL(counted().packets > 5);
    assert_int_equal(counted().packets, 7);

    pause_readings();
    edit_flow(100, 2, "count");
    until_acked(0);
    hit(100, 8);
    fake_switch_find(&switches[0], 100)->created_ms = time_msec();
    resume_readings();
    TURN_UNTIL(counted().packets > 7);
    assert_int_equal(counted().packets, 8);
}

/* Who knows what was done there meanwhile: too few are better than twice as
 * many. */
static void
flow_of_a_lost_switch_goes_on(void **state OVS_UNUSED)
{
    const struct counted_flow *flow = read_five();

    edit_flow(101, 1, "count");
    edit_flow(100, 1, "count");
    until_acked(0);
    hit(100, 7);
    assert_true(flow->gone);
    disconnect_host(0);
    assert_false(flow->gone);
    connect_host(0);
    TURN_UNTIL(counted().packets > 5);
    assert_int_equal(counted().packets, 7);
}

/* The same where it is reconciled, as it has refused a bundle. */
static void
flow_of_a_reconciled_switch_goes_on(void **state OVS_UNUSED)
{
    const struct counted_flow *flow = read_five();

    edit_flow(101, 1, "count");
    edit_flow(100, 1, "count");
    until_acked(0);
    assert_true(flow->gone);
    switches[0].refuse_commits = 1;
    edit_port("other", "red", 200, "all", 1, false);
    TURN_UNTIL(!flow->gone);
    assert_non_null(host(0)->sw->conn);
    TURN_UNTIL(is_synced(0));
    expect_of_seven(7);
}

/* What was deleted is of another item than the flow that was read: that has
 * its hash only. */
static void
flow_with_the_hash_of_a_deleted_one_goes_on(void **state OVS_UNUSED)
{
    struct counted_flow *flow = read_five();
    uint32_t xid = flow->xid;

    flow->xid = UINT32_MAX;     /* Of an item that there is not. */
    edit_flow(101, 1, "count");
    until_acked(0);
    assert_false(flow->gone);
    flow->xid = xid;
    edit_flow(100, 1, "count");
    until_acked(0);
    expect_of_seven(7);
}

/* What the switch has counted for a flow goes from counter to counter. */
static void
figures_are_of_the_last_counter(void **state OVS_UNUSED)
{
    static const char *const labels[] = { "count", "log", "count", "log" };

    connect_host(0);
    for (size_t i = 0; i < ARRAY_SIZE(labels); i++) {
        edit_flow(200, 1, labels[i]);
        until_acked(0);
        hit(200, 10 * (i + 1));
        TURN_UNTIL(counted().packets == 10 * (i + 1));
    }
    edit_flow(200, 1, "drop");
    until_acked(0);
    hit(200, 43);
    TURN_UNTIL(dropped().packets);
    assert_int_equal(dropped().packets, 3);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) \
    cmocka_unit_test_setup_teardown(NAME, setup_counts, teardown)
        T(flow_that_was_away_begins_anew),
        T(flow_that_was_elsewhere_begins_anew),
        T(flow_deleted_with_a_backlog_begins_anew),
        T(what_is_made_again_begins_at_nothing),
        T(flow_that_is_younger_goes_on),
        T(flow_of_a_lost_switch_goes_on),
        T(flow_of_a_reconciled_switch_goes_on),
        T(flow_with_the_hash_of_a_deleted_one_goes_on),
        T(figures_are_of_the_last_counter),
    };

    return run_all(argv, tests, ARRAY_SIZE(tests));
}
