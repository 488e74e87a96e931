/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of what members of a cluster tell the writer of counters: the form of
 * reports, and what a member tells.  How the writer takes it is in
 * test-counter-takes.c. */

#include <config.h>

#include "tests/unit/fabric-hosts.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/counters/counter-report.h"
#include "controller/fabric/counters/counters-private.h"
#include "controller/fabric/fabric-counter-reports.h"
#include "controller/fabric/fabric-counters.h"
#include "controller/fabric/fabric.h"
#include "hash.h"
#include "openvswitch/ofpbuf.h"
#include "random.h"
#include "sset.h"
#include "svec.h"
#include "timeval.h"
#include "util.h"

/* What a test tells, or was told. */
struct told {
    struct counter_report report;
    struct counter_report_host hosts[4];
    char names[4][256];
    size_t n_hosts;
    struct counter_report_flow flows[8];
    size_t n_flows;             /* Of all hosts, one after the other. */
};

/* Returns the report, which the caller uninitialises. */
static struct ofpbuf
print(const struct told *told)
{
    size_t flow = 0;
    struct ofpbuf b;

    ofpbuf_init(&b, 0);
    counter_report_begin(&b);
    for (size_t i = 0; i < told->n_hosts; i++) {
        counter_report_put_host(&b, &told->hosts[i]);
        for (uint32_t j = 0; j < told->hosts[i].n_flows; j++) {
            counter_report_put_flow(&b, &told->flows[flow++]);
        }
    }
    counter_report_end(&b, &told->report);
    assert_int_equal(flow, told->n_flows);
    return b;
}

static bool
host_cb(void *told_, const struct counter_report *report OVS_UNUSED,
        const struct counter_report_host *h)
{
    struct told *told = told_;

    assert_true(told->n_hosts < ARRAY_SIZE(told->hosts));
    ovs_strlcpy(told->names[told->n_hosts], h->name, sizeof told->names[0]);
    told->hosts[told->n_hosts] = *h;
    told->hosts[told->n_hosts].name = told->names[told->n_hosts];
    told->n_hosts++;
    return strcmp(h->name, "unwanted") != 0;
}

static void
flow_cb(void *told_, const struct counter_report_flow *flow)
{
    struct told *told = told_;

    assert_true(told->n_flows < ARRAY_SIZE(told->flows));
    told->flows[told->n_flows++] = *flow;
}

static void
end_cb(void *told OVS_UNUSED,
       const struct counter_report_host *h OVS_UNUSED)
{
}

static const struct counter_report_ops ops = { host_cb, flow_cb, end_cb };

/* The form.  -------------------------------------------------------------- */

static struct told
example(void)
{
    struct told told = {
        .report = { .run = 5, .seq = 17, .more = true },
        .n_hosts = 3, .n_flows = 3,
        .hosts = {
            { .name = "h1", .ago_ms = 20, .rest_ms = 30, .whole = true,
              .n_flows = 1, .stamp_ms = 40 },
            { .name = "unwanted", .n_flows = 1 },
            { .name = "h3", .unsure = true, .n_flows = 1 },
        },
    };

    for (size_t i = 0; i < told.n_flows; i++) {
        told.flows[i] = (struct counter_report_flow) {
            .hash = 1 + i, .part = 2, .cookie = UINT64_C(3) << 40,
            .reason = i ? 0 : 4, .drops = !i, .log = i == 1, .group = i == 2,
            .hit_ago_ms = 5, .age_ms = 6, .packets = 7, .bytes = 8,
            .total_packets = COUNTER_REPORT_COUNT_MAX, .total_bytes = 10,
        };
    }
    return told;
}

static void
reports_are_read_as_they_were_written(void **state OVS_UNUSED)
{
    const struct told told = example();
    struct ofpbuf b = print(&told);
    struct told read = { .n_hosts = 0 };

    assert_null(counter_report_read(b.data, b.size, &read.report, &ops,
                                    &read));
    assert_int_equal(read.report.run, 5);
    assert_int_equal(read.report.seq, 17);
    assert_true(read.report.more);
    assert_int_equal(read.n_hosts, 3);
    assert_string_equal(read.names[0], "h1");
    assert_int_equal(read.hosts[0].ago_ms, 20);
    assert_int_equal(read.hosts[0].rest_ms, 30);
    assert_int_equal(read.hosts[0].stamp_ms, 40);
    assert_true(read.hosts[0].whole && !read.hosts[0].unsure);
    assert_true(read.hosts[2].unsure && !read.hosts[2].whole);
    /* Those of a host that is not wanted are passed over. */
    assert_int_equal(read.n_flows, 2);
    assert_true(read.flows[0].drops && !read.flows[0].group);
    assert_int_equal(read.flows[0].reason, 4);
    assert_int_equal(read.flows[0].cookie, UINT64_C(3) << 40);
    assert_int_equal(read.flows[1].hash, 3);
    assert_true(read.flows[1].group && !read.flows[1].drops);
    assert_true(read.flows[1].total_packets == COUNTER_REPORT_COUNT_MAX);
    ofpbuf_uninit(&b);
}

static void
assert_refused(const struct ofpbuf *b, size_t size, const char *fault)
{
    struct told read = { .n_hosts = 0 };
    /* A copy that ends where the report does. */
    void *copy = xmemdup(b->data, size ? size : 1);
    const char *found = counter_report_read(copy, size, &read.report, &ops,
                                            &read);

    assert_non_null(found);
    if (fault) {
        assert_string_equal(found, fault);
    }
    /* Nothing was called. */
    assert_int_equal(read.n_hosts + read.n_flows, 0);
    free(copy);
}

static void
bad_reports_are_refused(void **state OVS_UNUSED)
{
    const struct told told = example();
    struct ofpbuf b = print(&told);
    uint8_t *bytes = b.data;

    for (size_t size = 0; size < b.size; size++) {
        assert_refused(&b, size, NULL);
    }
    ofpbuf_put_zeros(&b, 1);
    bytes = b.data;
    assert_refused(&b, b.size, "there is something behind the last host");
    b.size--;
    assert_refused(&b, 0, "it is no report of counters");
    bytes[5] = 2;
    assert_refused(&b, b.size, "it is a report of another version");
    bytes[5] = 1;
    bytes[8] = 0x80;
    assert_refused(&b, b.size, "'run' or 'seq' is out of range");
    bytes[8] = bytes[15] = 0;
    assert_refused(&b, b.size, "'run' or 'seq' is out of range");
    bytes[15] = 5;
    /* The first host: its name, its times, its flows. */
    bytes[33] = 0;
    assert_refused(&b, b.size,
                   "the name of a host is too short or too long");
    bytes[32] = 1;
    assert_refused(&b, b.size,
                   "the name of a host is too short or too long");
    bytes[32] = 0;
    bytes[33] = 2;
    bytes[57] = '\0';
    assert_refused(&b, b.size, "the name of a host has a null");
    bytes[57] = '1';
    bytes[36] = 1;
    assert_refused(&b, b.size,
                   "the time of a host's reading is out of range");
    bytes[36] = 0;
    bytes[48] = 0x80;
    assert_refused(&b, b.size,
                   "the time of a host's reading is out of range");
    bytes[48] = 0;
    bytes[44] = 0xff;
    assert_refused(&b, b.size, "a host has more flows than there are");
    bytes[44] = 0;
    /* What its flow has counted. */
    for (int i = 58 + 32; i < 58 + 64; i += 8) {
        uint8_t before = bytes[i];

        bytes[i] = 0x80;
        assert_refused(&b, b.size, "what a flow has counted is out of range");
        bytes[i] = before;
    }
    ofpbuf_uninit(&b);
}

/* Any byte may be wrong: what is read then is bounded all the same. */
static void
random_bytes_do_no_harm(void **state OVS_UNUSED)
{
    const struct told told = example();
    struct ofpbuf b = print(&told);
    uint8_t *bytes = b.data;

    for (int i = 0; i < 20000; i++) {
        struct told read = { .n_hosts = 0 };
        size_t at = random_range(b.size);
        uint8_t before = bytes[at];

        bytes[at] = random_range(256);
        counter_report_read(b.data, b.size, &read.report, &ops, &read);
        bytes[at] = before;
    }
    ofpbuf_uninit(&b);
}

static void
assert_no_ask(const char *text, const char *fault)
{
    struct counter_ask ask;

    counter_ask_init(&ask);
    assert_string_equal(counter_ask_read(text, strlen(text), &ask), fault);
    counter_ask_uninit(&ask);
}

static void
requests_are_read_as_they_were_written(void **state OVS_UNUSED)
{
    struct counter_ask ask, read;
    char *text;

    counter_ask_init(&ask);
    counter_ask_init(&read);
    ask.run = INT64_MAX;
    ask.after = 7;
    sset_add(&ask.often, "h1");
    sset_add(&ask.whole, "h2");
    text = counter_ask_print(&ask);
    assert_null(counter_ask_read(text, strlen(text), &read));
    assert_true(read.run == INT64_MAX && read.after == 7);
    assert_true(sset_equals(&read.often, &ask.often));
    assert_true(sset_equals(&read.whole, &ask.whole));
    free(text);
    counter_ask_uninit(&ask);
    counter_ask_uninit(&read);

    assert_no_ask("", "it is no JSON object");
    assert_no_ask("[]", "it is no JSON object");
    assert_no_ask("{}", "'run' or 'after' is no number");
    assert_no_ask("{\"run\": 1, \"after\": -1}",
                  "'run' or 'after' is no number");
    assert_no_ask("{\"run\": 1, \"after\": 1, \"often\": 1}",
                  "'often' or 'whole' is no list of hosts");
    assert_no_ask("{\"run\": 1, \"after\": 1, \"often\": [], \"whole\": [1]}",
                  "'often' or 'whole' has what is no name of a host");
}

/* Telling.  --------------------------------------------------------------- */

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

/* Returns what the member tells who has had all up to 'after' from 'run'. */
static struct told
ask(uint64_t run, uint64_t after)
{
    struct told told = { .n_hosts = 0 };
    struct counter_ask ask;
    struct ofpbuf b;
    char *text;

    counter_ask_init(&ask);
    ask.run = run;
    ask.after = after;
    text = counter_ask_print(&ask);
    ofpbuf_init(&b, 0);
    assert_null(fabric_tell_counters(fabric, text, strlen(text), &b));
    assert_null(counter_report_read(b.data, b.size, &told.report, &ops,
                                    &told));
    ofpbuf_uninit(&b);
    counter_ask_uninit(&ask);
    free(text);
    return told;
}

static void
become_master(int i)
{
    char name[] = { 'h', '0' + i, '\0' };

    fabric_host_set_reported(fabric_find_host(fabric, name));
    managed[i] = true;
    set_shares(8 + i);
    connect_only(i);
    TURN_UNTIL(is_synced(i) && host(i)->sw->state == SWITCH_LIVE);
}

static void
master_tells_what_it_reads(void **state OVS_UNUSED)
{
    uint64_t run, seq;
    struct told told;

    edit_counted("rule", 100, "count");
    edit_counted("other", 101, "count");
    edit_counted("d", 200, "drop");
    become_master(0);
    connect_only(1);
    hit(0, 100, 5);
    for (int i = 0; i < 100; i++) {
        turn();
    }
    /* It reads nothing before somebody asks, and then its own host alone. */
    assert_int_equal(switches[0].n_polls, 0);
    told = ask(0, 0);
    assert_int_equal(told.n_hosts, 0);
    run = told.report.run;
    TURN_UNTIL((told = ask(run, 0)).n_hosts);
    assert_int_equal(switches[1].n_polls, 0);
    assert_string_equal(told.names[0], "h0");
    assert_true(told.hosts[0].whole && !told.hosts[0].unsure);
    assert_int_equal(told.n_flows, 1);
    assert_int_equal(told.flows[0].packets, 5);
    assert_int_equal(told.flows[0].bytes, 50);
    assert_int_equal(told.flows[0].total_packets, 5);
    /* It shows nobody a part of the sum. */
    assert_int_equal(counted(), 0);
    assert_int_equal(fabric_unread_hosts(fabric), N_HOSTS);
    assert_int_equal(fabric_counted_ms(fabric), 0);
    seq = told.report.seq;

    /* The same again, for whom that did not reach; no less. */
    told = ask(run, 0);
    assert_int_equal(told.n_flows, 1);
    /* What has changed since. */
    hit(0, 101, 1);
    hit(0, 200, 3);
    TURN_UNTIL((told = ask(run, seq)).n_flows);
    assert_int_equal(told.n_hosts, 1);
    assert_false(told.hosts[0].whole);
    assert_int_equal(told.n_flows, 2);
    assert_int_equal(told.flows[0].drops + told.flows[1].drops, 1);
    seq = told.report.seq;
    TURN_UNTIL((told = ask(run, seq)).n_hosts);
    assert_int_equal(told.n_flows, 0);

    /* All, to who knows another process. */
    assert_int_equal(ask(run + 1, seq).n_flows, 3);

    /* A flow that is gone is told to have nothing; what there was stays. */
    edit_counted("rule", 110, "count");
    until_acked(0);
    TURN_UNTIL((told = ask(run, seq)).n_flows);
    assert_int_equal(told.n_flows, 1);
    assert_int_equal(told.flows[0].packets, 0);
    assert_int_equal(told.flows[0].total_packets, 5);
}

/* Its writer does it, for some time; then it is told of as a whole. */
static void
host_with_too_many_flows_is_not_told(void **state OVS_UNUSED)
{
    struct counters_of_switch *cs = counters_of(host(0)->sw);
    const struct counted_flow *first;
    uint64_t run, seq;
    struct told told;

    edit_counted("rule", 100, "count");
    become_master(0);
    hit(0, 100, 5);
    TURN_UNTIL((told = ask(0, 0)).n_flows);
    run = told.report.run;
    seq = told.report.seq;
    first = CONTAINER_OF(hmap_first(&cs->flows), struct counted_flow, node);
    for (uint32_t i = 0; i <= COUNTER_REPORT_FLOWS_MAX; i++) {
        struct counted_flow *flow = counted_flow_add(
            fabric->counters, &cs->flows, first->counter, hash_int(i, 0));

        flow->total.last_ms = first->total.last_ms;
        flow->dirty = true;
    }
    TURN_UNTIL((told = ask(run, seq)).report.seq != seq);
    assert_int_equal(told.n_hosts, 0);
    assert_false(counters_are_read_here(host(0)->sw));
    assert_true(cs->whole);
}

/* Nothing has hit the flow since. */
static void
flow_with_another_counter_is_told(void **state OVS_UNUSED)
{
    uint64_t run, seq;
    struct told told;

    edit_counted("rule", 100, "count");
    become_master(0);
    hit(0, 100, 5);
    TURN_UNTIL((told = ask(0, 0)).n_flows);
    run = told.report.run;
    seq = told.report.seq;
    edit_counted("rule", 100, "log");
    until_acked(0);
    hit(0, 100, 5);
    TURN_UNTIL((told = ask(run, seq)).n_flows);
    assert_int_equal(told.n_flows, 2);
    assert_int_equal(told.flows[0].log + told.flows[1].log, 1);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(told.flows[i].packets, told.flows[i].log ? 5 : 0);
        assert_int_equal(told.flows[i].total_packets,
                         told.flows[i].log ? 0 : 5);
    }
}

static void
host_that_is_another_ones_is_not_told(void **state OVS_UNUSED)
{
    struct told told;

    edit_counted("rule", 100, "count");
    become_master(0);
    hit(0, 100, 5);
    TURN_UNTIL((told = ask(0, 0)).n_flows);
    managed[0] = false;
    set_shares(20);
    TURN_UNTIL(host(0)->sw->state != SWITCH_LIVE);
    assert_int_equal(ask(0, 0).n_hosts, 0);
    /* It is told as a whole when it has come back. */
    managed[0] = true;
    set_shares(21);
    TURN_UNTIL((told = ask(told.report.run, told.report.seq)).n_hosts);
    assert_true(told.hosts[0].whole);
    assert_int_equal(told.n_flows, 1);
}

/* Nor is what was counted there kept for ever. */
static void
host_that_went_long_ago_is_forgotten(void **state OVS_UNUSED)
{
    struct counters_of_switch *cs = counters_of(host(0)->sw);
    uint64_t run;

    edit_counted("rule", 100, "count");
    become_master(0);
    hit(0, 100, 5);
    TURN_UNTIL(ask(0, 0).n_flows);
    run = fabric->counters->run;
    managed[0] = false;
    set_shares(20);
    TURN_UNTIL(host(0)->sw->state != SWITCH_LIVE);
    assert_int_equal(hmap_count(&cs->flows), 1);
    cs->read_here_ms -= 3600 * 1000;
    TURN_UNTIL(hmap_is_empty(&cs->flows));
    assert_true(fabric->counters->run != run);
}

/* What it knew as a member that stood by. */
static void
next_writer_begins_with_its_own_hosts(void **state OVS_UNUSED)
{
    const struct svec none = SVEC_EMPTY_INITIALIZER;
    const struct fabric_others others = {
        .controllers = &none, .managers = &none, .all_managers = true,
    };
    struct sset often = SSET_INITIALIZER(&often);

    edit_counted("rule", 100, "count");
    become_master(0);
    become_master(1);
    hit(0, 100, 5);
    hit(1, 100, 5);
    TURN_UNTIL(ask(0, 0).n_flows == 2);
    managed[0] = false;
    set_shares(20);
    TURN_UNTIL(host(0)->sw->state != SWITCH_LIVE);
    sset_add(&often, "h1");
    fabric_count_often(fabric, &often);
    fabric_lead(fabric, 5, 21, &others);
    assert_int_equal(fabric_unread_hosts(fabric), N_HOSTS - 1);
    assert_false(counters_of(host(1)->sw)->often);
    sset_destroy(&often);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_are_read_as_they_were_written),
        cmocka_unit_test(bad_reports_are_refused),
        cmocka_unit_test(random_bytes_do_no_harm),
        cmocka_unit_test(requests_are_read_as_they_were_written),
        cmocka_unit_test_setup_teardown(master_tells_what_it_reads,
                                        setup_observing, teardown),
        cmocka_unit_test_setup_teardown(host_with_too_many_flows_is_not_told,
                                        setup_observing, teardown),
        cmocka_unit_test_setup_teardown(flow_with_another_counter_is_told,
                                        setup_observing, teardown),
        cmocka_unit_test_setup_teardown(
            host_that_is_another_ones_is_not_told, setup_observing,
            teardown),
        cmocka_unit_test_setup_teardown(host_that_went_long_ago_is_forgotten,
                                        setup_observing, teardown),
        cmocka_unit_test_setup_teardown(
            next_writer_begins_with_its_own_hosts, setup_observing, teardown),
    };

    return run_all(argv, tests, ARRAY_SIZE(tests));
}
