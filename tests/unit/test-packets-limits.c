/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets that apps handle: rates of ports, identities and hosts, and the
 * meters that hold senders to them. */

#include <config.h>

#include "tests/unit/fabric-fixture.h"

#include <signal.h>

#include "controller/fabric/fabric-audit.h"
#include "controller/fabric/fabric-frames.h"
#include "controller/fabric/packets/packet-in-queue.h"
#include "controller/flow/punt-action.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "tests/unit/fake-switch.h"
#include "tests/unit/packets-fixture.h"
#include "timeval.h"
#include "util.h"

/* As of a source with that identity. */
static void
send_up_as(int i, uint32_t in_port, uint32_t identity, enum what what,
           const char *text, size_t size)
{
    send_up_of("do", i, in_port, identity, what, text, size);
}

/* Limits.  ---------------------------------------------------------------- */

/* What a limit may let through since 'start_ms', a bucket of a second. */
static unsigned
allowed(unsigned rate, int64_t start_ms)
{
    return rate + rate * (time_msec() - start_ms + 1) / 1000 + 1;
}

static void
told_packets_are_limited_as_others(void **state)
{
    struct told told = { .n = 0 };
    int64_t start_ms = time_msec();

    fabric_set_sink(fabric, told_cb, &told);
    for (int i = 0; i < 100; i++) {
        send_up_to("told", 0, 1, ECHO, "flood", 60);
    }
    TURN_UNTIL(told.n + dropped("vmn", "port's rate") == 100);
    assert_true(told.n >= PORT_RATE);
    assert_true(told.n <= allowed(PORT_RATE, start_ms));
    fabric_set_sink(fabric, NULL, NULL);
}

static void
port_over_its_rate_takes_nothing_from_others(void **state)
{
    int64_t start_ms = time_msec();

    for (int i = 0; i < 100; i++) {
        send_up(0, 1, ECHO, "flood", 60);
    }
    TURN_UNTIL(seen.n + dropped("vmn", "port's rate") == 100);
    assert_true(seen.n >= PORT_RATE);
    assert_true(seen.n <= allowed(PORT_RATE, start_ms));
    send_up(0, 2, ECHO, "another port", 60);
    send_up(1, 1, ECHO, "another host", 60);
    TURN_UNTIL(fakes[1].n_packet_outs == 1);
    TURN_UNTIL(fakes[0].n_packet_outs == seen.n - 1);
    assert_output(0, 2, "another port");
}

/* What comes by a tunnel is of whom its identity says. */
static void
identity_over_its_rate_takes_nothing_from_others(void **state)
{
    int64_t start_ms = time_msec();
    unsigned n;

    for (int i = 0; i < 100; i++) {
        send_up_as(0, VMN_TUNNEL_OFPORT, 7, NOTHING, "flood", 60);
    }
    TURN_UNTIL(seen.n + dropped("vmn", "port's rate") == 100);
    assert_true(seen.n <= allowed(PORT_RATE, start_ms));
    n = seen.n;
    send_up_as(0, VMN_TUNNEL_OFPORT, 8, NOTHING, "another", 60);
    TURN_UNTIL(seen.n == n + 1);
    assert_string_equal(seen.text, "another");

    /* Of one that is at a port it does not matter. */
    for (int i = 0; i < 100; i++) {
        send_up_as(1, 1, i, NOTHING, "flood", 60);
    }
    TURN_UNTIL(seen.n + dropped("vmn", "port's rate") == 201);
    assert_true(seen.n <= n + 1 + allowed(PORT_RATE, start_ms));
}

/* Meters.  --------------------------------------------------------------- */

static json_t *
meters_of(int i)
{
    json_t *status = fixture_host_status(new_host(i)->name);
    json_t *meters = json_incref(json_object_get(status,
                                                 "packet_in_meters"));

    json_decref(status);
    return meters;
}

static void
connect_with_meters(int i)
{
    fake_switch_disconnect(&fakes[i]);
    TURN_UNTIL(!new_host(i)->sw->conn);
    fakes[i].meters = true;
    fake_switch_connect(&fakes[i], path + strlen("unix:"));
    TURN_UNTIL(has_synced(i));
}

static void
meters_of_senders_are_put_there_once(void **state)
{
    json_t *meters;

    connect_with_meters(0);
    TURN_UNTIL(packet_in_meters_are_on(new_host(0)->sw));
    assert_int_equal(fakes[0].n_packet_in_meter_flows, PACKET_IN_METER_FLOWS);
    assert_int_equal(fakes[0].n_limits, PACKET_IN_METERS);
    for (unsigned i = 0; i < PACKET_IN_METERS; i++) {
        assert_int_equal(fakes[0].limits[i].rate, PORT_RATE);
        assert_int_equal(fakes[0].limits[i].burst, PORT_RATE);
    }
    meters = meters_of(0);
    assert_true(json_is_true(json_object_get(meters, "installed")));
    json_decref(meters);

    /* The next connection finds all there, the flows too; but a meter that is
     * another is made right. */
    connect_with_meters(0);
    edit_port_row("a", "0");
    send_up(0, 1, ECHO, "later", 60);
    TURN_UNTIL(fakes[0].n_packet_outs);
    TURN_UNTIL(packet_in_meters_are_on(new_host(0)->sw));
    assert_int_equal(fakes[0].n_packet_in_meter_flows, PACKET_IN_METER_FLOWS);
    fakes[0].limits[3].rate++;
    connect_with_meters(0);
    TURN_UNTIL(fakes[0].limits[3].rate == PORT_RATE);
    TURN_UNTIL(packet_in_meters_are_on(new_host(0)->sw));
    assert_int_equal(fakes[0].n_packet_in_meter_flows, PACKET_IN_METER_FLOWS);
    assert_int_equal(fakes[0].n_limits, PACKET_IN_METERS);
}

/* The flow with 'cookie' in a table of packet-in meters. */
static struct fake_flow *
find_punt(int i, uint8_t table, uint64_t cookie)
{
    struct fake_flow *flow;

    LIST_FOR_EACH (flow, node, &fakes[i].flows) {
        if (flow->table == table && flow->cookie == cookie) {
            return flow;
        }
    }
    return NULL;
}

static unsigned
count_punts(int i)
{
    struct fake_flow *flow;
    unsigned n = 0;

    LIST_FOR_EACH (flow, node, &fakes[i].flows) {
        n += punt_is_table(flow->table);
    }
    return n;
}

/* Takes meter 'i' away, and leaves its flow there, as a switch does. */
static void
lose_meter(unsigned i)
{
    for (size_t j = 0; j < fakes[0].n_limits; j++) {
        if (fakes[0].limits[j].meter == PACKET_IN_METERS_FIRST + i) {
            fakes[0].limits[j] = fakes[0].limits[--fakes[0].n_limits];
            return;
        }
    }
    fail_msg("there is no such meter");
}

/* Its flow is sent again: it goes by a meter that is no more. */
static void
meter_that_is_gone_comes_back_with_its_flow(void **state)
{
    unsigned n_flows;

    connect_with_meters(0);
    TURN_UNTIL(packet_in_meters_are_on(new_host(0)->sw));
    lose_meter(7);
    n_flows = fakes[0].n_packet_in_meter_flows;
    connect_with_meters(0);
    TURN_UNTIL(packet_in_meters_are_on(new_host(0)->sw));
    assert_int_equal(fakes[0].n_limits, PACKET_IN_METERS);
    assert_int_equal(fakes[0].n_packet_in_meter_flows, n_flows + 1);
    assert_int_equal(count_punts(0), PACKET_IN_METER_FLOWS);
}

static void
flows_to_meters_are_put_back_by_a_connect(void **state)
{
    struct fake_flow *flow;

    connect_with_meters(0);
    TURN_UNTIL(packet_in_meters_are_on(new_host(0)->sw));
    flow = find_punt(0, PUNT_TABLE, PACKET_IN_METERS + 1);
    assert_non_null(flow);
    ovs_list_remove(&flow->node);
    connect_with_meters(0);
    TURN_UNTIL(find_punt(0, PUNT_TABLE, PACKET_IN_METERS + 1));
    TURN_UNTIL(packet_in_meters_are_on(new_host(0)->sw));
    ofpbuf_delete(flow->mod);
    free(flow);
}

static void
probes_of_paths_have_no_meter(void **state)
{
    struct ofputil_flow_mod fm;
    struct ofpbuf ofpacts;
    struct fake_flow *flow;
    struct match match;

    connect_with_meters(0);
    TURN_UNTIL(packet_in_meters_are_on(new_host(0)->sw));
    flow = find_punt(0, PUNT_TABLE, PACKET_IN_METERS + 4);
    assert_non_null(flow);
    ofpbuf_init(&ofpacts, 64);
    assert_int_equal(ofputil_decode_flow_mod(
        &fm, flow->mod->data, OFPUTIL_P_OF15_OXM, NULL, NULL, &ofpacts,
        OFPP_MAX, UINT8_MAX), 0);
    minimatch_expand(&fm.match, &match);
    assert_int_equal(match.flow.regs[VMN_REG_SRC_ID - VMN_F_REG0],
                     VMN_PATH_SRC_ID);
    assert_int_equal(ofpact_get_CONTROLLER(ofpacts.data)->meter_id,
                     NX_CTLR_NO_METER);
    assert_int_equal(fm.priority, 30);
    minimatch_destroy(&fm.match);
    ofpbuf_uninit(&ofpacts);
}

static void
switch_without_meters_sends_packets_up(void **state)
{
    static const char *const reasons[] = { "has no meters",
                                           "OFPMMFC_OUT_OF_METERS" };
    for (int i = 0; i < N_HOSTS; i++) {
        json_t *meters;

        if (i) {
            fakes[i].refuse_meters = true;
            connect_with_meters(i);
        }
        TURN_UNTIL(packet_in_meters_of(new_host(i)->sw)->state
                   == PACKET_IN_METERS_OFF);
        meters = meters_of(i);
        assert_true(json_is_false(json_object_get(meters, "installed")));
        assert_non_null(strstr(json_string_value(json_object_get(
            meters, "reason")), reasons[i]));
        json_decref(meters);
        send_up(i, 1, ECHO, "all the same", 60);
        TURN_UNTIL(fakes[i].n_packet_outs == 1);
        /* By a flow that has no meter. */
        TURN_UNTIL(packet_in_meters_of(new_host(i)->sw)->installed);
        assert_int_equal(count_punts(i), 4);
        assert_non_null(find_punt(i, PUNT_METER_TABLE,
                                  PACKET_IN_METERS + 3));
    }
}

static void
host_has_a_rate_as_well(void **state)
{
    int64_t start_ms = time_msec();

    for (int port = 1; port <= 5; port++) {
        for (int i = 0; i < PORT_RATE; i++) {
            send_up(0, port, ECHO, "flood", 60);
        }
    }
    TURN_UNTIL(seen.n + dropped("vmn", "host's rate") == 5 * PORT_RATE);
    assert_true(seen.n >= HOST_RATE);
    assert_true(seen.n <= allowed(HOST_RATE, start_ms));
}

/* Ports of a network that use up the host's rate take nothing from those of
 * another, which have half of it. */
static void
networks_share_the_rate_of_a_host(void **state)
{
    unsigned n;

    for (int port = 1; port <= 20; port++) {
        for (int i = 0; i < PORT_RATE; i++) {
            send_up_in(7, "do", 0, port, 0, NOTHING, "flood", 60);
        }
    }
    TURN_UNTIL(seen.n + dropped("vmn", "host's rate") == 20 * PORT_RATE);
    n = seen.n;
    for (int i = 0; i < HOST_RATE / 4; i++) {
        send_up_in(8, "do", 0, 30, 0, NOTHING, "another", 60);
        n++;
        TURN_UNTIL(seen.n == n);
        assert_string_equal(seen.text, "another");
    }
}

/* Networks of a tenant have one share together, however many there are. */
static void
networks_of_a_tenant_have_one_share(void **state)
{
    unsigned n;

    edit_row(VMN_TABLE_ACCOUNT, "shop", json_pack(
        "{s:s, s:s}", "role", "operator", "scope", "project=shop"));
    for (int i = 0; i < 20; i++) {
        char name[16];

        snprintf(name, sizeof name, "shop%d", i);
        edit_row(VMN_TABLE_NETWORK, name, json_pack(
            "{s:i, s:{s:s}}", "vni", 100 + i, "labels", "project", "shop"));
        send_up_in(100 + i, "do", 0, i + 1, 0, NOTHING, "flood", 60);
    }
    for (int i = 0; i < 20 * (PORT_RATE - 1); i++) {
        send_up_in(100 + i % 20, "do", 0, i % 20 + 1, 0, NOTHING, "flood",
                   60);
    }
    TURN_UNTIL(seen.n + dropped("vmn", "host's rate") == 20 * PORT_RATE);
    n = seen.n;
    for (int i = 0; i < HOST_RATE / 4; i++) {
        send_up_in(8, "do", 0, 30, 0, NOTHING, "another", 60);
        n++;
        TURN_UNTIL(seen.n == n);
        assert_string_equal(seen.text, "another");
    }
}

/* A switch may make up ports. */
static void
ports_that_are_remembered_are_bounded(void **state)
{
    for (uint32_t port = 1; port < 5000; port++) {
        send_up(0, port, NOTHING, "", 60);
        if (port % 200 == 0) {
            packets_turn();
        }
    }
    TURN_UNTIL(seen.n + dropped("vmn", "too many ports")
               + dropped("vmn", "host's rate") == 4999);
}

static void
what_there_is_is_shown(void **state)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (int i = 0; i < 100; i++) {
        send_up(0, 1, ECHO, "flood", 60);
    }
    send_up(0, 40000, NOTHING, "", 60);
    TURN_UNTIL(seen.n + dropped("vmn", "port's rate") == 101);
    packets_show(fabric, NULL, &ds);
    assert_non_null(strstr(ds_cstr(&ds), "limit of a port: 10/s\n"));
    assert_non_null(strstr(ds_cstr(&ds), "packets in: 101, out: "));
    assert_non_null(strstr(ds_cstr(&ds), "dropped by vmn, port's rate: "));
    assert_non_null(strstr(ds_cstr(&ds), "dropped by toy.do, unwanted: 1\n"));
    assert_non_null(strstr(ds_cstr(&ds), "\nhost h0: "));
    assert_non_null(strstr(ds_cstr(&ds), "\n  port 1 (a): "));
    assert_non_null(strstr(ds_cstr(&ds),
                           "\n  port 40000 (tunnel, identity 0): "));
    ds_clear(&ds);
    packets_show(fabric, "h1", &ds);
    assert_null(strstr(ds_cstr(&ds), "host h0"));
    ds_destroy(&ds);
}

/* What an audit says in words, a line each; NULL until it has ended. */
static void
audited_cb(void *text_, const struct fabric_audit_result *result,
           const char *reason OVS_UNUSED)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    char **text = text_;

    assert_non_null(result);
    for (size_t i = 0; i < result->found.n_differences; i++) {
        ds_put_format(&ds, "%s\n", result->found.differences[i]);
    }
    *text = ds_steal_cstr(&ds);
}

static void
assert_audit(const char *expected)
{
    char *text = NULL;

    assert_null(fabric_audit(fabric, new_host(0)->name, NULL, audited_cb,
                             &text));
    TURN_UNTIL(text);
    assert_string_equal(text, expected);
    free(text);
}

/* The fabric's own flows are looked at, too, and only what is wrong told. */
static void
audit_finds_flows_to_meters(void **state)
{
    connect_with_meters(0);
    TURN_UNTIL(packet_in_meters_are_on(new_host(0)->sw));
    assert_audit("");
    fake_switch_add_flow(&fakes[0], "table=246,priority=9,actions=drop");
    assert_audit("unknown: 1 flows to packet-in meters, "
                 "table 246\n");
    TURN_UNTIL(packet_in_meters_are_on(new_host(0)->sw));
    lose_meter(5);
    assert_audit("missing: 1 packet-in meters, table 247\n");
    TURN_UNTIL(packet_in_meters_are_on(new_host(0)->sw)
               && fakes[0].n_limits == PACKET_IN_METERS);
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME, SETUP) \
    cmocka_unit_test_setup_teardown(NAME, SETUP, packets_teardown)
        T(told_packets_are_limited_as_others, packets_setup_limited),
        T(port_over_its_rate_takes_nothing_from_others, packets_setup_limited),
        T(identity_over_its_rate_takes_nothing_from_others,
          packets_setup_limited),
        T(meters_of_senders_are_put_there_once, packets_setup_limited),
        T(meter_that_is_gone_comes_back_with_its_flow, packets_setup_limited),
        T(flows_to_meters_are_put_back_by_a_connect, packets_setup_limited),
        T(audit_finds_flows_to_meters, packets_setup_limited),
        T(probes_of_paths_have_no_meter, packets_setup_limited),
        T(switch_without_meters_sends_packets_up, packets_setup_limited),
        T(host_has_a_rate_as_well, packets_setup_limited),
        T(networks_share_the_rate_of_a_host, packets_setup_limited),
        T(networks_of_a_tenant_have_one_share, packets_setup_limited),
        T(ports_that_are_remembered_are_bounded, packets_setup_limited),
        T(what_there_is_is_shown, packets_setup_limited),
    };

    signal(SIGPIPE, SIG_IGN);
    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION,
                    getenv("VERBOSE") ? VLL_DBG : VLL_OFF);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
