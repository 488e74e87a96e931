/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of how the writer of a cluster takes what other members tell of
 * counters.  What they tell, and its form, are in test-counter-reports.c. */

#include <config.h>

#include "tests/unit/fabric-hosts.h"

#include <stdlib.h>

#include "controller/fabric/counters/counter-report.h"
#include "controller/fabric/counters/counters-private.h"
#include "controller/fabric/counters/group-counters.h"
#include "controller/fabric/fabric-counter-reports.h"
#include "controller/fabric/fabric-counters.h"
#include "openvswitch/ofpbuf.h"
#include "timeval.h"
#include "util.h"

static void
edit_counted(const char *name, int prio, const char *label)
{
    edit(VMN_TABLE_PORT, name, json_pack(
             "{s:s, s:{s:o, s:s, s:s, s:s}}", "network", "red", "labels",
             "prio", json_sprintf("%d", prio), "value", "1", "scope", "all",
             label, ""));
}

static void
hit(int i, uint16_t prio, uint64_t packets)
{
    struct fake_flow *flow = fake_switch_find(&switches[i], prio);

    assert_non_null(flow);
    flow->packets = packets;
    flow->bytes = packets * 10;
}

static uint64_t
counted(void)
{
    struct fabric_count counts[3], rest;

    fabric_rule_counts(fabric, VMN_TABLE_POLICY, "p", 3, counts, &rest);
    return counts[1].packets;
}

static bool manages_none;       /* The member that tells. */

static bool
is_managed_cb(void *aux OVS_UNUSED, const char *name)
{
    return !manages_none && name[0] == 'h';
}

static const char *
take_bytes(const void *data, size_t size)
{
    bool any_more;

    return fabric_take_counters(fabric, "m", data, size, time_msec(),
                                is_managed_cb, NULL, &any_more);
}

static uint64_t stamp_ms;       /* Of the next report that is taken. */
static bool more;               /* It says so. */

/* Takes a report of h0 with these flows. */
static void
take(uint64_t run, bool whole, const struct counter_report_flow *flows,
     size_t n)
{
    const struct counter_report report = {
        .run = run, .seq = 1, .more = more,
    };
    struct ofpbuf b;

    ofpbuf_init(&b, 0);
    counter_report_begin(&b);
    counter_report_put_host(&b, &(struct counter_report_host) {
        .name = "h0", .whole = whole, .n_flows = n, .stamp_ms = stamp_ms,
    });
    for (size_t i = 0; i < n; i++) {
        counter_report_put_flow(&b, &flows[i]);
    }
    counter_report_end(&b, &report);
    assert_null(take_bytes(b.data, b.size));
    ofpbuf_uninit(&b);
}

/* A host whose counters this member has read once, with 5 packets of rule 1;
 * returns what another one would say of that flow.  Its connection is lost. */
static struct counter_report_flow
read_once(void)
{
    const struct counted_flow *flow;
    struct hmap *flows;

    manages_none = false;
    edit_counted("rule", 100, "count");
    connect_host(0);
    hit(0, 100, 5);
    TURN_UNTIL(counted() == 5);
    flows = &counters_of(host(0)->sw)->flows;
    assert_int_equal(hmap_count(flows), 1);
    flow = CONTAINER_OF(hmap_first(flows), struct counted_flow, node);
    disconnect_host(0);
    /* A report of the same millisecond might be older. */
    counters_of(host(0)->sw)->read_here_ms--;
    return (struct counter_report_flow) {
        .hash = flow->key_hash, .part = flow->counter->part,
        .cookie = flow->counter->cookie, .packets = 5, .bytes = 50,
        .total_packets = 5, .total_bytes = 50,
    };
}

static void
set(struct counter_report_flow *flow, uint64_t packets, uint64_t total)
{
    flow->packets = packets;
    flow->bytes = packets * 10;
    flow->total_packets = total;
    flow->total_bytes = total * 10;
}

static void
writer_adds_what_is_more(void **state OVS_UNUSED)
{
    struct counter_report_flow flow = read_once();
    struct counter_report_flow other;

    /* What it has read itself it knows, whatever the member has counted. */
    set(&flow, 6, 1000);
    take(1, true, &flow, 1);
    assert_int_equal(counted(), 6);
    take(1, true, &flow, 1);            /* Again. */
    assert_int_equal(counted(), 6);
    take(1, false, NULL, 0);            /* No change. */
    assert_int_equal(counted(), 6);
    set(&flow, 8, 1002);
    take(1, false, &flow, 1);
    assert_int_equal(counted(), 8);
    /* The flow was replaced, twice: all of it counts. */
    set(&flow, 1, 1012);
    take(1, false, &flow, 1);
    assert_int_equal(counted(), 18);

    /* Another member, which has been the master before. */
    set(&flow, 4, 50);
    take(2, true, &flow, 1);
    assert_int_equal(counted(), 21);
    /* And the one before again: by what the switch says. */
    set(&flow, 6, 1100);
    take(1, true, &flow, 1);
    assert_int_equal(counted(), 23);

    /* A flow that was never seen, of the same rule. */
    other = flow;
    other.hash++;
    set(&other, 3, 3);
    take(1, false, &other, 1);
    assert_int_equal(counted(), 26);
    /* One that is gone, as a whole does not have it, begins anew. */
    take(3, true, &flow, 1);
    set(&other, 2, 2);
    take(3, false, &other, 1);
    assert_int_equal(counted(), 28);
    assert_int_equal(fabric->counters->n_reported, 10);
}

static void
writer_goes_on_itself(void **state OVS_UNUSED)
{
    struct counter_report_flow flow = read_once();

    set(&flow, 9, 9);
    take(1, true, &flow, 1);
    assert_int_equal(counted(), 9);
    connect_host(0);
    hit(0, 100, 10);
    TURN_UNTIL(counted() == 10);
    disconnect_host(0);
    counters_of(host(0)->sw)->read_here_ms--;
    /* The member's totals have what was read here, too. */
    set(&flow, 12, 12);
    take(1, false, &flow, 1);
    assert_int_equal(counted(), 12);
}

/* The deletion that this member has sent was before what it was told. */
static void
flow_made_again_goes_on_elsewhere(void **state OVS_UNUSED)
{
    struct counter_report_flow flow = read_once();
    struct hmap *flows = &counters_of(host(0)->sw)->flows;

    connect_host(0);
    hit(0, 100, 6);
    TURN_UNTIL(counted() == 6);
    TURN_UNTIL(!counters_of(host(0)->sw)->dump);
    counters_of(host(0)->sw)->rest_until_ms = INT64_MAX;
    edit_counted("rule", 101, "count");
    edit_counted("rule", 100, "count");
    until_acked(0);
    disconnect_host(0);
    counters_of(host(0)->sw)->read_here_ms--;
    set(&flow, 9, 9);
    take(1, true, &flow, 1);
    assert_int_equal(counted(), 9);
    assert_int_equal(hmap_count(flows), 1);
    assert_false(CONTAINER_OF(hmap_first(flows), struct counted_flow,
                              node)->gone);
    connect_host(0);
    hit(0, 100, 10);
    TURN_UNTIL(counted() > 9);
    assert_int_equal(counted(), 10);
}

static void
assert_untaken(struct counter_report_flow *flow, bool is_whole)
{
    uint64_t before = counted();

    set(flow, flow->packets + 1, flow->total_packets + 1);
    take(1, is_whole, flow, 1);
    assert_int_equal(counted(), before);
}

static void
what_does_not_fit_is_not_taken(void **state OVS_UNUSED)
{
    struct counter_report_flow flow = read_once();
    struct counters_of_switch *cs = counters_of(host(0)->sw);
    struct counter_report_flow wrong;

    /* It is not that member's. */
    manages_none = true;
    assert_untaken(&flow, true);
    assert_true(cs->ask_whole);
    manages_none = false;
    /* It is not known what came before. */
    cs->ask_whole = false;
    assert_untaken(&flow, false);
    assert_true(cs->ask_whole);
    /* It is not newer than what was read here. */
    cs->ask_whole = false;
    cs->read_here_ms = time_msec() + 1000;
    assert_untaken(&flow, true);
    assert_true(cs->ask_whole);
    cs->read_here_ms = 0;
    /* Nobody knows the owner, or the reason. */
    wrong = flow;
    wrong.cookie ^= 4;
    assert_untaken(&wrong, true);
    assert_true(cs->ask_whole);
    wrong = flow;
    wrong.drops = true;
    wrong.reason = 4;
    assert_untaken(&wrong, true);
    assert_true(cs->ask_whole);
    /* What else is told then does not make up for it. */
    take(1, false, NULL, 0);
    assert_true(cs->ask_whole);
    /* No bytes. */
    assert_non_null(take_bytes("x", 1));
    /* None of this said that the flow was away. */
    take(1, true, &flow, 1);
    assert_int_equal(counted(), flow.packets);
    assert_false(cs->ask_whole);
}

/* The switch has counted 5 for the rule's flow, and goes on with that once the
 * rule has a log: so there is another counter, and none of these are new. */
static struct counter_report_flow
logged_from_now_on(struct counter_report_flow *flow)
{
    struct counter_report_flow logged = *flow;

    take(1, true, flow, 1);
    assert_int_equal(counted(), 5);
    logged.log = true;
    set(flow, 0, 5);
    return logged;
}

static void
flow_with_another_counter_goes_on(void **state OVS_UNUSED)
{
    struct counter_report_flow flow = read_once();
    struct counter_report_flow logged = logged_from_now_on(&flow);
    struct counter_report_flow both[2] = { flow, logged };

    set(&both[1], 6, 1);
    take(1, false, both, 2);
    assert_int_equal(counted(), 6);
    set(&both[1], 8, 3);
    take(1, false, &both[1], 1);
    assert_int_equal(counted(), 8);
    /* And back, told of in the other order. */
    set(&both[1], 0, 3);
    set(&flow, 9, 6);
    take(1, false, (struct counter_report_flow[2]) { flow, both[1] }, 2);
    assert_int_equal(counted(), 9);
    /* By another member, which has counted all itself. */
    set(&flow, 0, 9);
    set(&logged, 11, 2);
    take(2, true, (struct counter_report_flow[2]) { logged, flow }, 2);
    assert_int_equal(counted(), 11);
}

/* Nothing has hit it before the reading in which it had the counter, and what
 * is told of later. */
static void
flow_with_another_counter_is_hit_later(void **state OVS_UNUSED)
{
    struct counter_report_flow flow = read_once();
    struct counter_report_flow logged = logged_from_now_on(&flow);
    struct counter_report_flow both[2] = { flow, logged };

    set(&both[1], 5, 0);
    take(1, false, both, 2);
    assert_int_equal(counted(), 5);
    set(&logged, 6, 1);
    take(1, false, &logged, 1);
    assert_int_equal(counted(), 6);
}

static void
flow_with_another_counter_is_told_later(void **state OVS_UNUSED)
{
    struct counter_report_flow flow = read_once();
    struct counter_report_flow logged = logged_from_now_on(&flow);

    take(1, false, &flow, 1);
    set(&logged, 6, 1);
    take(1, false, &logged, 1);
    assert_int_equal(counted(), 6);
}

/* A rule's flow and a part of a group have 5 packets each, as another member
 * tells; then the policy is another one, and they stay.  Sets both. */
static void
make_again(struct counter_report_flow both[2])
{
    both[0] = both[1] = read_once();
    both[1].group = true;
    take(1, true, both, 2);
    assert_int_equal(counted(), 10);
    edit(VMN_TABLE_GROUP, "g", json_pack("{s:s}", "selector", "a=b"));
    edit(VMN_TABLE_POLICY, "p", json_pack(
             "{s:[s], s:[{s:s, s:s}]}", "applies_to", "g", "rules",
             "direction", "ingress", "action", "deny"));
    edit(VMN_TABLE_POLICY, "p", NULL);
    assert_int_equal(counted(), 0);
}

static void
what_is_made_again_begins_at_nothing(void **state OVS_UNUSED)
{
    struct counters_of_switch *cs = counters_of(host(0)->sw);
    struct counter_report_flow both[2];

    make_again(both);
    take(1, false, NULL, 0);
    set(&both[0], 6, 1);
    set(&both[1], 8, 3);
    take(1, false, both, 2);
    assert_int_equal(counted(), 4);
    /* What there was is kept until all flows were told of. */
    assert_true(cs->ask_whole);
    assert_int_equal(hmap_count(group_counters_flows(cs->sw)), 2);
    take(1, true, both, 2);
    assert_false(cs->ask_whole);
    assert_int_equal(hmap_count(&cs->flows), 1);
    assert_int_equal(hmap_count(group_counters_flows(cs->sw)), 1);
    assert_int_equal(counted(), 4);
}

/* The member has taken nothing off: its switch had deleted them before. */
static void
what_is_made_again_was_deleted(void **state OVS_UNUSED)
{
    struct counter_report_flow both[2];

    make_again(both);
    take(1, false, NULL, 0);
    set(&both[0], 6, 6);
    take(1, false, both, 1);
    assert_int_equal(counted(), 6);
}

static void
what_is_made_again_is_told_by_another(void **state OVS_UNUSED)
{
    struct counter_report_flow both[2];

    make_again(both);
    take(1, false, NULL, 0);
    set(&both[0], 6, 6);
    set(&both[1], 8, 8);
    take(2, true, both, 2);
    assert_int_equal(counted(), 4);
}

static void
what_is_made_again_is_read_here(void **state OVS_UNUSED)
{
    struct counter_report_flow both[2];

    make_again(both);
    take(1, false, NULL, 0);
    connect_host(0);
    hit(0, 100, 7);
    TURN_UNTIL(counted());
    assert_int_equal(counted(), 2);
}

/* What the member says of its clock counts, and not when it is taken. */
static void
rates_are_between_the_members_readings(void **state OVS_UNUSED)
{
    struct counter_report_flow flow = read_once();
    const struct counted_flow *counted_flow;

    stamp_ms = 1000000;
    take(1, true, &flow, 1);
    counted_flow = CONTAINER_OF(hmap_first(&counters_of(host(0)->sw)->flows),
                                struct counted_flow, node);
    stamp_ms += 10000;
    set(&flow, 25, 25);
    take(1, false, &flow, 1);
    assert_int_equal(counted_flow->packets_per_s * 1000, 2000);
    assert_int_equal(counted_flow->counter->packets_1000s, 2000);
    /* Of no time there is no rate; nor of a reading that is long ago. */
    set(&flow, 26, 26);
    take(1, false, &flow, 1);
    assert_int_equal(counted_flow->counter->packets_1000s, 0);
    stamp_ms = 0;
}

/* What is told may be anything: sums do not wrap, and rates end with it. */
static void
extreme_figures_do_no_harm(void **state OVS_UNUSED)
{
    struct counter_report_flow flow = read_once();
    const struct counter *counter;
    struct hmap *flows = &counters_of(host(0)->sw)->flows;

    for (int i = 0; i < 4; i++) {
        flow.packets = flow.bytes = i % 2 ? 1 : COUNTER_REPORT_COUNT_MAX;
        flow.total_packets = flow.total_bytes = flow.packets;
        stamp_ms++;
        take(1, !i, &flow, 1);
        assert_true(counted() <= INT64_MAX);
    }
    assert_true(counted() == INT64_MAX);
    flow.packets = flow.total_packets = COUNTER_REPORT_COUNT_MAX;
    flow.bytes = flow.total_bytes = COUNTER_REPORT_COUNT_MAX;
    stamp_ms++;
    take(1, false, &flow, 1);
    counter = CONTAINER_OF(hmap_first(flows), struct counted_flow,
                           node)->counter;
    assert_true(counter->packets_1000s > 0);
    take(1, false, NULL, 0);
    assert_int_equal(counter->packets_1000s, 0);
    assert_int_equal(counter->bytes_1000s, 0);
    stamp_ms = 0;
}

static bool
is_asked(void)
{
    char *text = fabric_ask_counters(fabric, "m", is_managed_cb, NULL);
    bool asked = text != NULL;

    free(text);
    return asked;
}

static void
members_are_asked_now_and_then(void **state OVS_UNUSED)
{
    struct counter_report_flow flow = read_once();
    struct counters *c = fabric->counters;

    c->interval_ms = 3600 * 1000;
    assert_true(is_asked());
    assert_false(is_asked());
    more = true;
    take(1, true, &flow, 1);
    more = false;
    assert_true(is_asked());
    take(1, true, &flow, 1);
    assert_false(is_asked());
    c->interval_ms = 0;
    assert_false(is_asked());
}

/* The switch may have answered some of it. */
static void
broken_reading_was_one_too(void **state OVS_UNUSED)
{
    struct counter_report_flow flow = read_once();
    struct counters_of_switch *cs = counters_of(host(0)->sw);

    set(&flow, 6, 6);
    take(1, true, &flow, 1);
    connect_host(0);
    switches[0].deaf = true;
    TURN_UNTIL(cs->dump);
    cs->read_here_ms = 0;
    disconnect_host(0);
    assert_true(cs->read_here_ms);
    cs->read_here_ms = time_msec() + 1000;
    assert_untaken(&flow, true);
}

/* A port's flow goes to a group whose first bucket has so many packets. */
static void
edit_group(void)
{
    edit(VMN_TABLE_PORT, "lb1", json_pack(
             "{s:s, s:{s:s, s:s}}", "network", "red", "labels", "prio", "101",
             "parts", "17.18"));
}

static void
hit_group(uint64_t packets)
{
    assert_int_equal(ovs_list_size(&switches[0].groups), 1);
    CONTAINER_OF(ovs_list_front(&switches[0].groups), struct fake_group,
                 node)->packets[0] = packets;
}

/* It may have more than what is told, which would be taken for less. */
static void
answer_of_a_group_is_to_come(void **state OVS_UNUSED)
{
    struct counter_report_flow flow = read_once();
    struct counters_of_switch *cs = counters_of(host(0)->sw);

    edit_group();
    connect_host(0);
    TURN_UNTIL(!cs->dump && !group_counters_are_read(cs->sw));
    switches[0].deaf = true;
    group_counters_request(cs->sw);
    cs->sw->state = SWITCH_OBSERVED;
    cs->read_here_ms = 0;
    assert_untaken(&flow, true);
    assert_true(cs->ask_whole);
    cs->sw->state = SWITCH_LIVE;
}

/* Returns the part of a group that has a counter now, or NULL. */
static struct counted_flow *
counted_part(void)
{
    struct counted_flow *flow;

    HMAP_FOR_EACH (flow, node, group_counters_flows(host(0)->sw)) {
        if (!flow->counter->retired) {
            return flow;
        }
    }
    return NULL;
}

/* The balancer is another one, and the group the same, of which another member
 * has told; then it is read here. */
static void
group_of_what_is_made_again_is_read_here(void **state OVS_UNUSED)
{
    struct counter_report_flow told = { .group = true };
    const struct counted_flow *part;

    manages_none = false;
    edit(VMN_TABLE_LOADBALANCER, "lb", json_pack(
             "{s:s, s:[s], s:[{s:i}]}", "vip", "10.0.200.1", "networks",
             "red", "ports", "port", 53));
    edit_group();
    connect_host(0);
    hit_group(7);
    TURN_UNTIL((part = counted_part()));
    told.hash = part->key_hash;
    told.part = part->counter->part;
    told.cookie = part->counter->cookie;
    disconnect_host(0);
    counters_of(host(0)->sw)->read_here_ms--;
    set(&told, 8, 8);
    told.bytes = told.total_bytes = 8 * 100; /* As the fake switch has. */
    take(1, true, &told, 1);
    assert_int_equal(part->counter->total.packets, 8);
    edit(VMN_TABLE_LOADBALANCER, "lb", NULL);
    take(1, false, NULL, 0);
    assert_null(counted_part());
    hit_group(9);
    connect_host(0);
    TURN_UNTIL((part = counted_part()));
    assert_int_equal(part->counter->total.packets, 1);
}

static void
host_that_is_told_of_is_not_read(void **state OVS_UNUSED)
{
    struct counter_report_flow flow = read_once();
    struct counters_of_switch *cs = counters_of(host(0)->sw);

    take(1, true, &flow, 1);
    assert_true(cs->reported_until_ms > time_msec());
    /* Whoever manages it next does not know for how long it was to rest. */
    cs->reported_until_ms += 3600 * 1000;
    set_shares(20);
    assert_true(cs->reported_until_ms < time_msec() + 1800 * 1000);
    host(0)->sw->state = SWITCH_OBSERVED;
    assert_false(counters_are_read_here(host(0)->sw));
    cs->reported_until_ms = time_msec() - 1;
    assert_true(counters_are_read_here(host(0)->sw));
    host(0)->sw->state = SWITCH_OFFLINE;
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writer_adds_what_is_more,
                                        setup_counts, teardown),
        cmocka_unit_test_setup_teardown(writer_goes_on_itself, setup_counts,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_not_taken,
                                        setup_counts, teardown),
        cmocka_unit_test_setup_teardown(flow_with_another_counter_goes_on,
                                        setup_counts, teardown),
        cmocka_unit_test_setup_teardown(
            flow_with_another_counter_is_hit_later, setup_counts, teardown),
        cmocka_unit_test_setup_teardown(
            flow_with_another_counter_is_told_later, setup_counts, teardown),
        cmocka_unit_test_setup_teardown(what_is_made_again_begins_at_nothing,
                                        setup_counts, teardown),
        cmocka_unit_test_setup_teardown(flow_made_again_goes_on_elsewhere,
                                        setup_counts, teardown),
        cmocka_unit_test_setup_teardown(what_is_made_again_was_deleted,
                                        setup_counts, teardown),
        cmocka_unit_test_setup_teardown(
            what_is_made_again_is_told_by_another, setup_counts, teardown),
        cmocka_unit_test_setup_teardown(what_is_made_again_is_read_here,
                                        setup_counts, teardown),
        cmocka_unit_test_setup_teardown(
            rates_are_between_the_members_readings, setup_counts, teardown),
        cmocka_unit_test_setup_teardown(extreme_figures_do_no_harm,
                                        setup_counts, teardown),
        cmocka_unit_test_setup_teardown(members_are_asked_now_and_then,
                                        setup_counts, teardown),
        cmocka_unit_test_setup_teardown(broken_reading_was_one_too,
                                        setup_counts, teardown),
        cmocka_unit_test_setup_teardown(answer_of_a_group_is_to_come,
                                        setup_counts, teardown),
        cmocka_unit_test_setup_teardown(
            group_of_what_is_made_again_is_read_here, setup_counts, teardown),
        cmocka_unit_test_setup_teardown(host_that_is_told_of_is_not_read,
                                        setup_counts, teardown),
    };

    return run_all(argv, tests, ARRAY_SIZE(tests));
}
