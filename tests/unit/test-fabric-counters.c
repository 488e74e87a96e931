/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of the fabric's counters. */

#include <config.h>

#include "tests/unit/fabric-hosts.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "controller/fabric/counters/counters-private.h"
#include "controller/fabric/fabric-counters.h"
#include "controller/fabric/fabric-drops.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric-traffic.h"
#include "controller/fabric/fabric.h"
#include "controller/fabric/hosts/hosts.h"
#include "sset.h"
#include "timeval.h"
#include "util.h"

/* A port's flow, with another label than those that edit_port() gives. */
static void
edit_labelled(const char *name, int prio, int value, const char *label)
{
    edit(VMN_TABLE_PORT, name, json_pack(
             "{s:s, s:{s:o, s:o, s:s, s:s}}", "network", "red", "labels",
             "prio", json_sprintf("%d", prio),
             "value", json_sprintf("%d", value), "scope", "all", label, ""));
}

/* What host 'i' tells of the flow of priority 'prio' from now on. */
static void
hit(int i, uint16_t prio, uint64_t packets, uint64_t bytes)
{
    struct fake_flow *flow = fake_switch_find(&switches[i], prio);

    assert_non_null(flow);
    flow->packets = packets;
    flow->bytes = bytes;
}

static struct fabric_count
rule_count(void)
{
    struct fabric_count counts[3], rest;

    assert_false(fabric_rule_counts(fabric, VMN_TABLE_POLICY, "rule", 3,
                                    counts, &rest));
    assert_false(fabric_rule_counts(fabric, VMN_TABLE_QUARANTINE, "p", 3,
                                    counts, &rest));
    fabric_rule_counts(fabric, VMN_TABLE_POLICY, "p", 3, counts, &rest);
    assert_int_equal(rest.packets, 0);
    assert_int_equal(counts[0].packets, 0);
    assert_int_equal(counts[2].packets, 0);
    return counts[1];
}

struct seen_drop {
    const char *host, *reason;
    struct fabric_count count;
};

static void
drop_cb(void *seen_, const struct fabric_drop *drop)
{
    struct seen_drop *seen = seen_;

    if (!strcmp(drop->host, seen->host)
        && !strcmp(drop->reason, seen->reason)) {
        struct engine_flow_owner about;

        engine_get_flow_owner(toy.engine, drop->cookie, drop->part, &about);
        assert_string_equal(drop->app, "toy");
        if (about.owner) {
            assert_string_equal(about.type, "ports");
            assert_string_equal(about.name, "d");
            assert_string_equal(about.owner, "toy.port/d");
        }
        seen->count = drop->count;
    }
}

static struct fabric_count
drops_on(const char *host)
{
    struct seen_drop seen = { .host = host, .reason = "not desired" };

    fabric_drops(fabric, NULL, drop_cb, &seen);
    return seen.count;
}

static void
sum_cb(void *packets, const char *app, const char *reason,
       bool background OVS_UNUSED, uint64_t n, uint64_t n_bytes OVS_UNUSED)
{
    if (!strcmp(app, "toy") && !strcmp(reason, "not desired")) {
        *(uint64_t *) packets = n;
    }
}

static uint64_t
drop_sum(void)
{
    uint64_t packets = 0;

    fabric_drop_sums(fabric, sum_cb, &packets);
    return packets;
}

/* Tests.  ---------------------------------------------------------------- */

static void
hits_are_summed_over_hosts(void **state OVS_UNUSED)
{
    int64_t now = time(NULL) * INT64_C(1000);

    edit_labelled("rule", 100, 1, "count");
    edit_labelled("d", 200, 1, "drop");
    edit_port("x", "red", 300, "all", 1, false);
    connect_host(0);
    connect_host(1);
    check_host(0);
    hit(0, 100, 5, 500);
    hit(1, 100, 3, 300);
    hit(0, 200, 7, 70);
    hit(0, 300, 1000, 1000);
    TURN_UNTIL(rule_count().packets == 8);
    assert_int_equal(rule_count().bytes, 800);
    assert_in_range(rule_count().last_ms, now - 2000, now + 30000);
    TURN_UNTIL(drops_on("h0").packets == 7);
    assert_int_equal(drops_on("h0").bytes, 70);
    assert_int_equal(drops_on("h1").packets, 0);
    assert_int_equal(drop_sum(), 7);

    /* Only counted flows are told of: both, and two misses. */
    assert_int_equal(switches[0].n_polled % switches[0].n_polls, 0);
    assert_int_equal(switches[0].n_polled / switches[0].n_polls, 4);
    /* More of the same. */
    hit(0, 100, 6, 600);
    TURN_UNTIL(rule_count().packets == 9);
    assert_int_equal(rule_count().bytes, 900);
    assert_int_equal(switches[0].n_dumps, 1);
}

static void
counters_go_on_when_flows_are_replaced(void **state OVS_UNUSED)
{
    edit_labelled("rule", 100, 1, "count");
    connect_host(0);
    hit(0, 100, 5, 500);
    TURN_UNTIL(rule_count().packets == 5);

    /* Another action: the switch's own counters stay. */
    edit_labelled("rule", 100, 2, "count");
    until_acked(0);
    hit(0, 100, 6, 600);
    TURN_UNTIL(rule_count().packets == 6);
    assert_int_equal(rule_count().bytes, 600);

    /* Another flow of the same owner. */
    edit_labelled("rule", 101, 2, "count");
    until_acked(0);
    assert_null(fake_switch_find(&switches[0], 100));
    hit(0, 101, 2, 20);
    TURN_UNTIL(rule_count().packets == 8);

    /* The switch has lost all, and counts anew. */
    hit(0, 101, 1, 10);
    TURN_UNTIL(rule_count().packets == 9);
    disconnect_host(0);
    connect_host(0);
    hit(0, 101, 3, 30);
    TURN_UNTIL(rule_count().packets == 11);
    assert_int_equal(rule_count().bytes, 650);
}

static struct fabric_log
rule_log(void)
{
    struct fabric_log logs[3];

    fabric_rule_logs(fabric, "q", 3, logs);
    assert_int_equal(logs[1].n_events, 0);
    fabric_rule_logs(fabric, "p", 3, logs);
    assert_int_equal(logs[0].n_events, 0);
    assert_int_equal(logs[2].n_events, 0);
    return logs[1];
}

static void
events_are_counted_while_there_is_a_log(void **state OVS_UNUSED)
{
    edit_labelled("rule", 100, 1, "count");
    connect_host(0);
    hit(0, 100, 5, 500);
    TURN_UNTIL(rule_count().packets == 5);
    assert_int_equal(rule_log().n_events, 0);

    /* What came before was not told, nor is it forgotten. */
    edit_labelled("rule", 100, 1, "log");
    until_acked(0);
    hit(0, 100, 8, 800);
    TURN_UNTIL(rule_log().n_events);
    assert_int_equal(rule_log().n_events, 3);
    assert_int_equal(rule_log().n_logged, 0);
    assert_int_equal(rule_count().packets, 8);
    edit_labelled("rule", 100, 1, "count");
    until_acked(0);
    hit(0, 100, 9, 900);
    TURN_UNTIL(rule_count().packets == 9);
    assert_int_equal(rule_log().n_events, 3);
}

static void
what_takes_a_place_begins_at_nothing(void **state OVS_UNUSED)
{
    edit_labelled("d", 200, 1, "drop");
    connect_host(0);
    hit(0, 200, 50, 5000);
    TURN_UNTIL(drop_sum() == 50);

    /* The same match, but of another owner, in one revision. */
    struct model_request request;

    model_request_init(&request, "test");
    request.list = true;
    model_request_add(&request, MODEL_DELETE, VMN_TABLE_PORT, "d", NULL);
    model_request_add(&request, MODEL_PUT, VMN_TABLE_PORT, "rule", json_pack(
                          "{s:s, s:{s:s, s:s, s:s}}", "network", "red",
                          "labels", "prio", "200", "value", "1", "count",
                          ""));
    fixture_submit(&request, turn);
    until_acked(0);
    hit(0, 200, 53, 5300);
    TURN_UNTIL(rule_count().packets);
    assert_int_equal(rule_count().packets, 3);
    assert_int_equal(rule_count().bytes, 300);
    /* Nobody's any more, but it did happen. */
    assert_int_equal(drop_sum(), 50);
    assert_int_equal(drops_on("h0").packets, 0);
}

/* Also where no reading has seen that it was gone. */
static void
what_is_made_again_begins_at_nothing(void **state OVS_UNUSED)
{
    edit_labelled("d", 200, 1, "drop");
    connect_host(0);
    hit(0, 200, 50, 5000);
    TURN_UNTIL(drop_sum() == 50);
    assert_int_equal(drops_on("h0").packets, 50);

    edit(VMN_TABLE_PORT, "d", NULL);
    edit_labelled("d", 200, 1, "drop");
    until_acked(0);
    assert_int_equal(drops_on("h0").packets, 0);
    hit(0, 200, 3, 300);
    TURN_UNTIL(drops_on("h0").packets);
    assert_int_equal(drops_on("h0").packets, 3);
    assert_int_equal(drop_sum(), 53);
}

static void
a_restart_takes_counters_up(void **state OVS_UNUSED)
{
    const struct fabric_options options = {
        .openflow_listen = listen_path, .openflow_target = listen_path,
        .count_s = 1,
    };

    edit_labelled("rule", 100, 1, "count");
    connect_host(0);
    hit(0, 100, 5, 500);
    TURN_UNTIL(rule_count().packets == 5);
    disconnect_host(0);
    fixture_stop_fabric();
    fixture_start_fabric(&options);
    assert_int_equal(rule_count().packets, 0);
    connect_host(0);
    TURN_UNTIL(rule_count().packets == 5);
}

/* A mark changes the cookie and nothing else. */
static void
a_mark_costs_no_flow(void **state OVS_UNUSED)
{
    size_t n_flows;
    unsigned n_mods;

    edit_labelled("rule", 100, 1, "nothing");
    connect_host(0);
    n_flows = fake_switch_n_flows(&switches[0]);
    n_mods = switches[0].n_mods;
    assert_false(fake_switch_find(&switches[0], 100)->cookie
                 & FLOW_COOKIE_COUNTED);

    edit_labelled("rule", 100, 1, "count");
    until_acked(0);
    assert_int_equal(fake_switch_n_flows(&switches[0]), n_flows);
    assert_int_equal(switches[0].n_mods, n_mods + 1);
    assert_true(fake_switch_find(&switches[0], 100)->cookie
                & FLOW_COOKIE_COUNTED);
    assert_string_equal("toy.port/rule", engine_cookie_name(
        toy.engine, fake_switch_find(&switches[0], 100)->cookie));
    check_host(0);
    assert_false(fake_switch_marker(&switches[0]) & FLOW_COOKIE_COUNTED);
}

static void
strangers_and_refusals_do_no_harm(void **state OVS_UNUSED)
{
    struct fabric_stats stats;

    edit_labelled("rule", 100, 1, "count");
    connect_host(0);
    fake_switch_add_flow(&switches[0], "table=9,priority=77,"
                         "cookie=0x8000000000000005,actions=drop");
    hit(0, 77, 1, 1);
    hit(0, 100, 5, 500);
    TURN_UNTIL(rule_count().packets == 5);
    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_counted_flows, 1);
    assert_int_equal(stats.n_counter_failures, 0);
    disconnect_host(0);
    edit(VMN_TABLE_HOST, "h0", NULL);
    TURN_UNTIL(rule_count().packets == 0); /* Once it is given up. */
    fabric_get_stats(fabric, &stats);
    assert_int_equal(stats.n_counted_flows, 0);
}

static struct fabric_traffic
traffic(uint32_t ofport)
{
    struct fabric_traffic found;

    fabric_port_traffic(fabric, "h0", ofport, &found);
    return found;
}

static void
ports_tell_what_goes_through_them(void **state OVS_UNUSED)
{
    struct fabric_traffic unused;

    assert_false(fabric_port_traffic(fabric, "h0", 1, &unused));
    assert_false(fabric_port_traffic(fabric, "h9", 1, &unused));
    switches[0].port_bytes = 1000;
    connect_host(0);
    TURN_UNTIL(traffic(1).sent_bytes == 1000);
    assert_int_equal(traffic(1).received_bytes, 100);
    assert_true(traffic(1).sent_bytes_per_s == 0);
    /* The other one does not know; and there is no third. */
    assert_true(fabric_port_traffic(fabric, "h0", 2, &unused));
    assert_int_equal(traffic(2).sent_bytes, 0);
    assert_false(fabric_port_traffic(fabric, "h0", 3, &unused));
    assert_false(fabric_tunnel_traffic(fabric, "h0", &unused));

    switches[0].port_bytes = 1000000;
    TURN_UNTIL(traffic(1).sent_bytes == 1000000);
    assert_true(traffic(1).sent_bytes_per_s > 0);
    assert_true(traffic(1).received_bytes_per_s > 0);
    assert_true(traffic(1).received_bytes_per_s
                < traffic(1).sent_bytes_per_s / 5);
    /* It begins anew: no rate, until the next time. */
    switches[0].port_bytes = 10;
    TURN_UNTIL(traffic(1).sent_bytes == 10);
    assert_true(traffic(1).sent_bytes_per_s == 0);
    disconnect_host(0);
    assert_false(fabric_port_traffic(fabric, "h0", 1, &unused));
}

static void
switches_that_tell_of_no_ports_are_not_asked_again(void **state OVS_UNUSED)
{
    struct fabric_traffic unused;

    edit_labelled("rule", 100, 1, "count");
    switches[0].refuse_ports = true;
    connect_host(0);
    hit(0, 100, 5, 500);
    TURN_UNTIL(rule_count().packets == 5);
    switches[0].refuse_ports = false;
    hit(0, 100, 6, 600);
    TURN_UNTIL(rule_count().packets == 6);
    assert_false(fabric_port_traffic(fabric, "h0", 1, &unused));
    disconnect_host(0);
    connect_host(0);
    TURN_UNTIL(fabric_port_traffic(fabric, "h0", 1, &unused));
}

/* Balancers.  ------------------------------------------------------------ */

/* A port's flow that is counted as 'part'. */
static void
edit_part(const char *name, int prio, const char *scope, unsigned part)
{
    edit(VMN_TABLE_PORT, name, json_pack(
             "{s:s, s:{s:o, s:s, s:o}}", "network", "red", "labels",
             "prio", json_sprintf("%d", prio), "scope", scope,
             "part", json_sprintf("%u", part)));
}

static struct fabric_balancer_load backend_loads[2];

/* Counters are hardly ever read, but for hosts that are to be read often. */
static int
setup_rarely(void **state OVS_UNUSED)
{
    struct fabric_options options = { .count_s = 3600 };
    int status = setup(state);

    options.openflow_listen = listen_path;
    fixture_stop_fabric();
    fixture_start_fabric(&options);
    fabric->count_often_ms = 20;
    return status;
}

/* All hosts are from now on. */
static void
begin_to_count(void)
{
    struct sset hosts = SSET_INITIALIZER(&hosts);

    for (int i = 0; i < N_HOSTS; i++) {
        sset_add(&hosts, host(i)->name);
    }
    fabric_count_often(fabric, &hosts);
    sset_destroy(&hosts);
}

/* Of a balancer with the backends p1 (part 17) and p2 (18). */
static struct fabric_balancer_load
load_now(void)
{
    static const struct vmn_lb_member members[2] = {
        { .port = "p1", .part = 17 }, { .port = "p2", .part = 18 },
    };
    struct fabric_balancer_load load;

    fabric_balancer_load(fabric, "lb", members, 2, &load, backend_loads);
    return load;
}

static void
balancers_and_backends_have_loads(void **state OVS_UNUSED)
{
    edit_part("lb1", 101, "all", VMN_LB_PART_PACKETS);
    edit_part("lb2", 102, "all", VMN_LB_PART_CONNECTIONS);
    edit_part("lb3", 103, "all", 17);
    edit_part("lb4", 104, "all", 18);
    edit_part("lb5", 105, "all", 19);
    edit_part("p1", 106, "all", VMN_LB_PART_PACKETS);
    edit_labelled("lb6", 107, 1, "drop");
    edit_part("lb7", 108, "all", VMN_LB_PART_ATTEMPTS);
    edit_part("lb8", 109, "h1", VMN_LB_PART_ADMITTED);
    assert_int_equal(load_now().packets, 0);
    connect_host(0);
    connect_host(1);
    check_host(0);
    for (int i = 0; i < 7; i++) {
        hit(0, 101 + i, 10 * (i + 1), 1000 * (i + 1));
    }
    hit(0, 108, 100, 6000);
    hit(1, 103, 5, 500);
    hit(1, 109, 60, 3600);
    begin_to_count();
    TURN_UNTIL(load_now().dropped == 70 && backend_loads[0].connections == 35
               && load_now().limited == 40);
    assert_int_equal(load_now().packets, 10);
    assert_int_equal(load_now().bytes, 1000);
    assert_int_equal(load_now().connections, 80);
    assert_true(load_now().last_ms > 0);
    assert_int_equal(backend_loads[0].packets, 60);
    assert_int_equal(backend_loads[0].bytes, 6000);
    assert_int_equal(backend_loads[1].connections, 40);
    assert_int_equal(backend_loads[1].packets, 0);
    /* What there was before the first reading is no rate. */
    assert_true(load_now().packets_per_s == 0
                && load_now().connections_per_s == 0);
}

static void
flow_that_counts_as_another_part_begins_anew(void **state OVS_UNUSED)
{
    edit_part("lb1", 101, "all", VMN_LB_PART_CONNECTIONS);
    edit_part("lb2", 102, "all", VMN_LB_PART_ADMITTED);
    connect_host(0);
    begin_to_count();
    hit(0, 101, 200, 20000);
    TURN_UNTIL(load_now().connections == 200);
    edit_part("lb1", 101, "all", VMN_LB_PART_ATTEMPTS);
    until_acked(0);
    hit(0, 101, 300, 30000);
    hit(0, 102, 40, 4000);
    TURN_UNTIL(load_now().connections == 240 && load_now().limited);
    assert_int_equal(load_now().limited, 60);
}

static void
rates_are_between_the_last_two_readings(void **state OVS_UNUSED)
{
    const struct counters_of_switch *cs = counters_of(host(0)->sw);
    int64_t before_ms = 0, requested_ms;

    edit_part("lb1", 101, "all", VMN_LB_PART_PACKETS);
    edit_part("lb2", 102, "h1", VMN_LB_PART_PACKETS);
    connect_host(0);
    hit(0, 101, 10, 1000);
    begin_to_count();
    TURN_UNTIL(load_now().packets == 10 && cs->before_ms);
    assert_true(load_now().packets_per_s == 0);
    hit(0, 101, 110, 21000);
    while (load_now().packets != 110) {
        before_ms = cs->before_ms;
        turn();
    }
    /* In the turn in which it ended the next one may have begun. */
    requested_ms = (cs->before_ms != before_ms ? cs->before_ms
                    : cs->requested_ms);
    assert_float_equal(load_now().packets_per_s,
                       100 * 1000.0 / (requested_ms - before_ms), 0.01);
    assert_float_equal(load_now().bytes_per_s,
                       20000 * 1000.0 / (requested_ms - before_ms), 1);
    assert_true(load_now().connections_per_s == 0);

    /* Other hosts add to it, and one that is gone does not any more. */
    connect_host(1);
    hit(0, 101, 210, 41000);
    hit(1, 102, 10, 1000);
    TURN_UNTIL(load_now().packets == 220);
    assert_true(load_now().packets_per_s > 0);
    disconnect_host(0);
    /* The other may have been read before it was hit, and have a rate. */
    TURN_UNTIL(load_now().packets_per_s == 0);
    hit(1, 102, 30, 3000);
    TURN_UNTIL(load_now().packets == 240);
    assert_true(load_now().packets_per_s > 0);
    /* What is hit no more has no rate. */
    TURN_UNTIL(load_now().packets_per_s == 0);
    hit(1, 102, 50, 5000);
    TURN_UNTIL(load_now().packets_per_s > 0);
    hit(1, 102, 0, 0);
    TURN_UNTIL(load_now().packets_per_s == 0);
    assert_int_equal(load_now().packets, 260);
}

/* A port with a flow to a group with a bucket for each of these parts. */
static json_t *
parts_spec(int prio, const char *parts)
{
    return json_pack("{s:s, s:{s:o, s:s}}", "network", "red", "labels",
                     "prio", json_sprintf("%d", prio), "parts", parts);
}

static void
edit_parts(const char *name, int prio, const char *parts)
{
    edit(VMN_TABLE_PORT, name, parts_spec(prio, parts));
}

/* What host 'i' tells of its only group from now on. */
static void
hit_buckets(int i, uint64_t a, uint64_t b, uint64_t c)
{
    struct fake_group *group;

    assert_int_equal(ovs_list_size(&switches[i].groups), 1);
    group = CONTAINER_OF(ovs_list_front(&switches[i].groups),
                         struct fake_group, node);
    group->packets[0] = a;
    group->packets[1] = b;
    group->packets[2] = c;
}

/* Returns true if the backends p1 and p2 have got so many connections. */
static bool
backends_have(uint64_t p1, uint64_t p2)
{
    load_now();
    assert_true(backend_loads[0].connections <= p1
                && backend_loads[1].connections <= p2);
    return (backend_loads[0].connections == p1
            && backend_loads[1].connections == p2);
}

static void
buckets_count_for_backends(void **state OVS_UNUSED)
{
    edit_parts("lb1", 101, "17.18.17");
    connect_host(0);
    connect_host(1);
    hit_buckets(0, 10, 5, 1);
    hit_buckets(1, 100, 0, 0);
    begin_to_count();
    TURN_UNTIL(backends_have(111, 5));
    assert_true(backend_loads[0].last_ms > 0);
    hit_buckets(0, 11, 5, 3);
    TURN_UNTIL(backends_have(114, 5));
    TURN_UNTIL(backends_have(114, 5)
               && backend_loads[0].connections_per_s == 0);

    /* A switch that has lost its connection goes on, one that has lost its
     * group begins anew. */
    disconnect_host(0);
    connect_host(0);
    hit_buckets(0, 12, 5, 3);
    TURN_UNTIL(backends_have(115, 5));
    hit_buckets(0, 1, 0, 0);
    TURN_UNTIL(backends_have(116, 5));
}

/* The switch counts for the new one from zero; what it had counted for the one
 * before is read before that goes. */
static void
groups_are_read_before_they_change(void **state OVS_UNUSED)
{
    edit_parts("lb1", 101, "17.18");
    connect_host(0);
    hit_buckets(0, 7, 5, 0);
    edit_parts("lb1", 101, "18.17");
    until_acked(0);
    TURN_UNTIL(backends_have(7, 5));
    assert_int_equal(switches[0].n_group_stats, 1);
    hit_buckets(0, 30, 20, 0);
    edit_parts("lb1", 101, "18");
    until_acked(0);
    TURN_UNTIL(backends_have(27, 35));

    /* Of part 17 there is no bucket any more, and it is not forgotten. */
    hit_buckets(0, 1, 0, 0);
    begin_to_count();
    TURN_UNTIL(backends_have(27, 36));

    /* Several changes while the switch is slow are one for it. */
    switches[0].hold = true;
    edit_parts("lb1", 101, "17");
    edit_parts("lb1", 102, "17.18");
    edit_parts("lb1", 103, "18.17");
    fake_switch_release(&switches[0]);
    until_acked(0);
    hit_buckets(0, 2, 1, 0);
    TURN_UNTIL(backends_have(28, 38));

    edit(VMN_TABLE_PORT, "lb1", NULL);
    until_acked(0);
    assert_int_equal(ovs_list_size(&switches[0].groups), 0);
}

/* The balancer is another one, but the groups are the same. */
static void
buckets_of_what_is_made_again_begin_at_nothing(void **state OVS_UNUSED)
{
    edit(VMN_TABLE_LOADBALANCER, "lb", json_pack(
             "{s:s, s:[s], s:[{s:i}]}", "vip", "10.0.200.1", "networks",
             "red", "ports", "port", 53));
    edit_parts("lb1", 101, "17.18");
    connect_host(0);
    hit_buckets(0, 7, 5, 0);
    begin_to_count();
    TURN_UNTIL(backends_have(7, 5));
    edit(VMN_TABLE_LOADBALANCER, "lb", NULL);
    assert_true(backends_have(0, 0));
    hit_buckets(0, 8, 5, 0);
    TURN_UNTIL(backends_have(1, 0));
}

static void
some_hosts_are_read_more_often(void **state OVS_UNUSED)
{
    struct sset often = SSET_INITIALIZER(&often);
    unsigned n;

    for (int i = 0; i < N_HOSTS; i++) {
        connect_host(i);
    }
    assert_int_equal(fabric_counted_ms(fabric), 0);
    sset_add(&often, "h0");
    sset_add(&often, "h1");
    sset_add(&often, "h9");
    fabric_count_often(fabric, &often);
    TURN_UNTIL(switches[0].n_polls > 3 && switches[1].n_polls > 3);
    assert_int_equal(switches[2].n_polls, 0);
    assert_in_range(fabric_counted_ms(fabric), 1, time_wall_msec());

    sset_clear(&often);
    sset_add(&often, "h2");
    fabric_count_often(fabric, &often);
    /* Each has one more turn, and then in an hour. */
    TURN_UNTIL(switches[2].n_polls > 3);
    n = switches[0].n_polls + switches[1].n_polls;
    TURN_UNTIL(switches[2].n_polls > 8);
    assert_int_equal(switches[0].n_polls + switches[1].n_polls, n);
    sset_destroy(&often);
}

/* A switch that stands still during a reading is read again as soon as after
 * the one before. */
static void
slow_reading_does_not_put_off_the_next(void **state OVS_UNUSED)
{
    const struct counters_of_switch *cs;
    int64_t requested_ms, took_ms;

    edit_labelled("rule", 100, 1, "count");
    connect_host(0);
    check_host(0);
    hit(0, 100, 5, 500);
    TURN_UNTIL(rule_count().packets == 5);
    cs = counters_of(host(0)->sw);
    TURN_UNTIL(cs->dump);
    requested_ms = cs->requested_ms;
    took_ms = cs->took_ms;
    usleep(900 * 1000);
    /* In the turn in which it ends the next one may begin. */
    TURN_UNTIL(!cs->dump || cs->requested_ms != requested_ms);
    assert_true(cs->took_ms >= 900);
    assert_true(cs->rest_until_ms <= time_msec() + 100 * took_ms);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hits_are_summed_over_hosts,
                                        setup_counts, teardown),
        cmocka_unit_test_setup_teardown(
            counters_go_on_when_flows_are_replaced, setup_counts, teardown),
        cmocka_unit_test_setup_teardown(
            events_are_counted_while_there_is_a_log, setup_counts,
            teardown),
        cmocka_unit_test_setup_teardown(what_takes_a_place_begins_at_nothing,
                                        setup_counts, teardown),
        cmocka_unit_test_setup_teardown(what_is_made_again_begins_at_nothing,
                                        setup_counts, teardown),
        cmocka_unit_test_setup_teardown(
            slow_reading_does_not_put_off_the_next, setup_counts, teardown),
        cmocka_unit_test_setup_teardown(a_restart_takes_counters_up,
                                        setup_counts, teardown),
        cmocka_unit_test_setup_teardown(a_mark_costs_no_flow, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(ports_tell_what_goes_through_them,
                                        setup_counts, teardown),
        cmocka_unit_test_setup_teardown(
            switches_that_tell_of_no_ports_are_not_asked_again,
            setup_counts, teardown),
        cmocka_unit_test_setup_teardown(balancers_and_backends_have_loads,
                                        setup_rarely, teardown),
        cmocka_unit_test_setup_teardown(
            flow_that_counts_as_another_part_begins_anew, setup_rarely,
            teardown),
        cmocka_unit_test_setup_teardown(
            rates_are_between_the_last_two_readings, setup_rarely,
            teardown),
        cmocka_unit_test_setup_teardown(buckets_count_for_backends,
                                        setup_rarely, teardown),
        cmocka_unit_test_setup_teardown(groups_are_read_before_they_change,
                                        setup_rarely, teardown),
        cmocka_unit_test_setup_teardown(
            buckets_of_what_is_made_again_begin_at_nothing, setup_rarely,
            teardown),
        cmocka_unit_test_setup_teardown(some_hosts_are_read_more_often,
                                        setup_rarely, teardown),
        cmocka_unit_test_setup_teardown(strangers_and_refusals_do_no_harm,
                                        setup_counts, teardown),
    };

    return run_all(argv, tests, ARRAY_SIZE(tests));
}
