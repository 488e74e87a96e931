/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of how switches are had to follow a traced packet: that it is put in
 * once they all can, how a trace ends, and that its flows go.  What Open
 * vSwitch makes of them is in tests/system/test_live_trace.py. */

#include <config.h>

#include "tests/unit/fabric-hosts.h"
#include "tests/unit/fake-switch-private.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-live-trace.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/marker.h"
#include "controller/fabric/session/switch.h"
#include "controller/flow/trace-copy.h"
#include "flow.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-packet.h"
#include "openvswitch/ofpbuf.h"
#include "packets.h"
#include "util.h"

static const uint8_t tables[] = { 0, 16, 64 };

/* What has become of a trace. */
struct outcome {
    unsigned n_copies, n_done, n_sent;
    int ready_ms;               /* 0: it takes a minute. */
    const char *not_sent;       /* Why it may not be put in, or NULL. */
    unsigned enough;            /* So many copies are all. */
    struct trace_copy last;
    char *reason;
    const char *not_by;         /* The host that cannot follow it. */
};

static const char *
send_cb(void *outcome_)
{
    struct outcome *outcome = outcome_;

    outcome->n_sent++;
    return outcome->not_sent;
}

static bool
copy_cb(void *outcome_, const struct trace_copy *copy)
{
    struct outcome *outcome = outcome_;

    outcome->last = *copy;
    return ++outcome->n_copies == outcome->enough;
}

static void
done_cb(void *outcome_, const char *reason)
{
    struct outcome *outcome = outcome_;

    outcome->n_done++;
    free(outcome->reason);
    outcome->reason = nullable_xstrdup(reason);
}

static const struct fabric_live_callbacks callbacks = {
    .send = send_cb, .copy = copy_cb, .done = done_cb,
};

/* From h0 to h1, by a tunnel, and if 'flow' is not NULL by a physical network
 * as well. */
static struct fabric_live *
begin_crossing(struct outcome *outcome, const struct flow *flow, bool deliver,
               int timeout_ms, const char **reason)
{
    const struct fabric_live_crossing crossing = {
        .from = 0, .to = 1, .in_port = 41, .vlan = 7, .flow = flow,
    };
    static const uint8_t frame[60] = { 2 };
    static const struct fabric_live_host hosts[] = {
        { .name = "h0" }, { .name = "h1" },
    };
    static const struct fabric_live_hop hop = {
        .from = 0, .to = 1, .table = 199, .tun_id = 100, .dst_host = 2,
    };
    const struct fabric_live_request request = {
        .n_hosts = 2, .hosts = hosts, .in_port = 5,
        .n_hops = 1, .hops = &hop, .first_vni = 77777, .deliver = deliver,
        .n_crossings = flow ? 1 : 0, .crossings = &crossing,
        .frame = frame, .size = sizeof frame,
        .n_tables = ARRAY_SIZE(tables), .tables = tables, .last_table = 198,
        .n_last_tables = 2,
        .ready_ms = outcome->ready_ms ? outcome->ready_ms : 60000,
        .timeout_ms = timeout_ms,
    };

    return fabric_live_begin(fabric, &request, &callbacks, outcome,
                             &outcome->not_by, reason);
}

static struct fabric_live *
begin(struct outcome *outcome, int timeout_ms, const char **reason)
{
    return begin_crossing(outcome, NULL, false, timeout_ms, reason);
}

static int
setup_connected(void **state)
{
    setup(state);
    for (int i = 0; i < N_HOSTS; i++) {
        connect_host(i);
    }
    return 0;
}

static size_t
n_trace_flows(int i)
{
    const struct fake_flow *flow;
    size_t n = 0;

    LIST_FOR_EACH (flow, node, &switches[i].flows) {
        n += (flow->cookie & TRACE_COOKIE_MASK) == TRACE_COOKIE;
    }
    return n;
}

/* Has host 'i' send a copy of trace 'number'. */
static void
send_copy(int i, uint32_t number, enum trace_copy_kind kind, uint8_t table)
{
    uint8_t frame[60] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5 };
    const struct ofpact_controller *action;
    struct ofpbuf ofpacts;
    struct ofputil_packet_in_private pin = {
        .base = {
            .packet = frame,
            .packet_len = sizeof frame,
            .flow_metadata = MATCH_CATCHALL_INITIALIZER,
            .reason = OFPR_ACTION,
        },
    };

    ofpbuf_init(&ofpacts, 64);
    trace_copy_put(&ofpacts, number, kind, table);
    action = ofpact_get_CONTROLLER(ofpacts.data);
    pin.base.userdata = CONST_CAST(uint8_t *, action->userdata);
    pin.base.userdata_len = action->userdata_len;
    match_set_in_port(&pin.base.flow_metadata, u16_to_ofp(5));
    match_set_reg(&pin.base.flow_metadata, 7, 8);
    fake_switch_send(&switches[i], ofputil_encode_packet_in_private(
                         &pin, OFPUTIL_P_OF15_OXM, OFPUTIL_PACKET_IN_NXT2));
    ofpbuf_uninit(&ofpacts);
}

static void
packet_is_put_in_when_all_can_follow_it(void **state OVS_UNUSED)
{
    struct outcome outcome = { .enough = 2 };
    const char *reason;

    switches[1].hold = true;
    assert_non_null(begin(&outcome, 60000, &reason));
    TURN_UNTIL(n_trace_flows(0) && n_trace_flows(1));
    for (int i = 0; i < 20; i++) {
        turn();
    }
    assert_int_equal(switches[0].n_packet_outs, 0);
    switches[1].hold = false;
    fake_switch_release(&switches[1]);
    TURN_UNTIL(switches[0].n_packet_outs == 1);
    assert_int_equal(n_trace_flows(2), 0);

    /* Of another trace, which may have ended. */
    send_copy(0, fabric->last_live_trace - 1, TRACE_COPY_STAGE, 16);
    send_copy(0, fabric->last_live_trace, TRACE_COPY_STAGE, 64);
    TURN_UNTIL(outcome.n_copies == 1);
    assert_int_equal(outcome.last.kind, TRACE_COPY_STAGE);
    assert_int_equal(outcome.last.table, 64);
    assert_string_equal(outcome.last.host, "h0");
    assert_int_equal(outcome.last.flow.regs[7], 8);
    assert_int_equal(ntohs(outcome.last.flow.dl_type), 0x88b5);
    send_copy(1, fabric->last_live_trace, TRACE_COPY_LAST, 198);
    TURN_UNTIL(outcome.n_done);
    assert_null(outcome.reason);
    TURN_UNTIL(!n_trace_flows(0) && !n_trace_flows(1));
    /* What comes later is nobody's. */
    send_copy(1, fabric->last_live_trace, TRACE_COPY_LAST, 198);
    for (int i = 0; i < 20; i++) {
        turn();
    }
    assert_int_equal(outcome.n_copies, 2);
    assert_int_equal(outcome.n_done, 1);
}

/* Whoever is on the physical network can send from a trace's address: what is
 * taken for its packet has the VLAN and all else of it. */
static void
check_crossed(int host, const struct flow *packet)
{
    const struct fake_flow *flow;
    size_t n = 0;

    LIST_FOR_EACH (flow, node, &switches[host].flows) {
        struct ofputil_flow_mod fm;
        struct ofpbuf ofpacts;
        struct match match;

        if ((flow->cookie & TRACE_COOKIE_MASK) != TRACE_COOKIE) {
            continue;
        }
        ofpbuf_init(&ofpacts, 64);
        assert_true(fake_decode(&fm, flow->mod, &ofpacts));
        minimatch_expand(&fm.match, &match);
        if (ofp_to_u16(match.flow.in_port.ofp_port) == 41) {
            n++;
            assert_int_equal(match.flow.vlans[0].tci, htons(VLAN_CFI | 7));
            assert_int_equal(match.wc.masks.vlans[0].tci,
                             htons(VLAN_CFI | VLAN_VID_MASK));
            assert_int_equal(match.flow.nw_dst, packet->nw_dst);
            assert_int_equal(match.flow.nw_proto, packet->nw_proto);
            assert_int_equal(match.flow.tp_src, packet->tp_src);
            assert_int_equal(match.flow.tp_dst, packet->tp_dst);
        }
        minimatch_destroy(&fm.match);
        ofpbuf_uninit(&ofpacts);
    }
    assert_int_equal(n, 1);
}

/* A packet is put in where it comes to the next host, once; what is delivered
 * has flows for that in place of it. */
static void
packet_that_crosses_is_put_in_again(void **state OVS_UNUSED)
{
    static const uint8_t frame[60] = { 2 };
    struct outcome outcome = { .enough = 2 };
    struct flow flow = {
        .regs = { 9 }, .dl_type = htons(ETH_TYPE_IP),
        .nw_proto = IPPROTO_UDP, .nw_dst = htonl(0x0a000001),
        .tp_src = htons(40000), .tp_dst = htons(53),
    };
    const char *reason;
    struct fabric_live *live;
    size_t n_here;

    live = begin_crossing(&outcome, &flow, false, 60000, &reason);
    TURN_UNTIL(switches[0].n_packet_outs == 1);
    n_here = n_trace_flows(0);
    assert_int_equal(switches[1].n_packet_outs, 0);
    fabric_live_put_in(live, 0, frame, sizeof frame);
    fabric_live_put_in(live, 0, frame, sizeof frame);
    TURN_UNTIL(switches[1].n_packet_outs);
    for (int i = 0; i < 20; i++) {
        turn();
    }
    assert_int_equal(switches[1].n_packet_outs, 1);
    assert_int_equal(switches[0].n_packet_outs, 1);
    fabric_live_cancel(live);
    TURN_UNTIL(!n_trace_flows(0) && !n_trace_flows(1));

    live = begin_crossing(&outcome, &flow, true, 60000, &reason);
    TURN_UNTIL(switches[0].n_packet_outs == 2);
    /* One to deliver to a port, one to hold what leaves otherwise, and one to
     * send on. */
    assert_int_equal(n_trace_flows(0), n_here + 3);
    check_crossed(1, &flow);
    fabric_live_cancel(live);
    TURN_UNTIL(!n_trace_flows(0) && !n_trace_flows(1));
}

static void
trace_ends_by_its_time_limit(void **state OVS_UNUSED)
{
    struct outcome outcome = { .enough = 2 };
    const char *reason;

    assert_non_null(begin(&outcome, 50, &reason));
    TURN_UNTIL(outcome.n_done);
    assert_int_equal(outcome.n_sent, 1);
    assert_null(outcome.reason);
    TURN_UNTIL(!n_trace_flows(0) && !n_trace_flows(1));
}

/* It is not lost, as it was never there. */
static void
trace_that_was_not_sent_has_a_reason(void **state OVS_UNUSED)
{
    struct outcome outcome = { .enough = 2, .ready_ms = 50 };
    const char *reason;

    switches[1].hold = true;
    assert_non_null(begin(&outcome, 60000, &reason));
    TURN_UNTIL(outcome.n_done);
    assert_string_equal(outcome.reason, "not all of its hosts' switches have "
                        "taken its flows within 50 ms");
    free(outcome.reason);
    assert_int_equal(outcome.n_sent, 0);
    switches[1].hold = false;
    fake_switch_release(&switches[1]);
    TURN_UNTIL(!n_trace_flows(0) && !n_trace_flows(1));
    assert_int_equal(switches[0].n_packet_outs, 0);

    /* Whoever asked for it does not want it any more. */
    outcome = (struct outcome) { .enough = 2, .not_sent = "no port" };
    assert_non_null(begin(&outcome, 60000, &reason));
    TURN_UNTIL(outcome.n_done);
    assert_string_equal(outcome.reason, "no port");
    free(outcome.reason);
    assert_int_equal(switches[0].n_packet_outs, 0);
}

static void
trace_ends_with_a_host(void **state OVS_UNUSED)
{
    struct outcome outcome = { .enough = 2 };
    const char *reason;

    assert_non_null(begin(&outcome, 60000, &reason));
    TURN_UNTIL(n_trace_flows(0) && n_trace_flows(1));
    disconnect_host(1);
    TURN_UNTIL(outcome.n_done);
    assert_string_equal(outcome.reason,
                        "host \"h1\" on its way has disconnected");
    TURN_UNTIL(!n_trace_flows(0));
    free(outcome.reason);
    outcome.reason = NULL;

    assert_null(begin(&outcome, 60000, &reason));
    assert_non_null(reason);
    assert_string_equal(outcome.not_by, "h1");
    edit(VMN_TABLE_HOST, "h1", NULL);
    assert_null(begin(&outcome, 60000, &reason));
    assert_string_equal(reason, "there is no such host");
}

static void
switch_that_refuses_ends_it(void **state OVS_UNUSED)
{
    struct outcome outcome = { .enough = 2 };
    const char *reason;

    /* The flow in the table of samples, as one without meters does. */
    switches[1].refuse_meters = true;
    assert_non_null(begin(&outcome, 60000, &reason));
    TURN_UNTIL(outcome.n_done);
    assert_string_equal(outcome.reason, "a switch has refused to follow it");
    free(outcome.reason);
    TURN_UNTIL(!n_trace_flows(0) && !n_trace_flows(1));
    assert_int_equal(host(1)->sw->state, SWITCH_LIVE);
}

/* Has host 'i' be read from scratch. */
static void
forget_marker(int i)
{
    struct fake_flow *flow, *next;

    LIST_FOR_EACH_SAFE (flow, next, node, &switches[i].flows) {
        if (flow->table == MARKER_TABLE) {
            fake_flow_free(flow);
        }
    }
}

/* Reconciling does not delete flows of a trace, which another member may have
 * in progress: a packet that is on its way would go on without them. */
static void
reconciling_leaves_flows_alone(void **state OVS_UNUSED)
{
    struct outcome outcome = { .enough = 2 };
    const char *reason;
    size_t n;

    assert_non_null(begin(&outcome, 60000, &reason));
    TURN_UNTIL(n_trace_flows(0) && n_trace_flows(1));
    n = n_trace_flows(1);
    disconnect_host(1);
    TURN_UNTIL(outcome.n_done);
    free(outcome.reason);
    forget_marker(1);
    connect_host(1);
    TURN_UNTIL(host(1)->sw->state == SWITCH_LIVE);
    assert_int_equal(n_trace_flows(1), n);
}

/* Nor is what it refuses when the trace has ended taken for something
 * else's. */
static void
late_refusal_is_nobodys(void **state OVS_UNUSED)
{
    struct outcome outcome = { .enough = 2 };
    const char *reason;

    switches[1].refuse_meters = switches[1].hold = true;
    fabric_live_cancel(begin(&outcome, 60000, &reason));
    for (int i = 0; i < 20; i++) {
        turn();
    }
    switches[1].hold = false;
    fake_switch_release(&switches[1]);
    TURN_UNTIL(!n_trace_flows(0) && !n_trace_flows(1));
    for (int i = 0; i < 20; i++) {
        turn();
    }
    assert_int_equal(host(1)->sw->state, SWITCH_LIVE);
    assert_int_equal(outcome.n_done, 0);
}

static void
loop_ends(void **state OVS_UNUSED)
{
    struct outcome outcome = { .enough = 0 };
    const char *reason;

    assert_non_null(begin(&outcome, 60000, &reason));
    TURN_UNTIL(switches[0].n_packet_outs == 1);
    for (int i = 0; i <= FABRIC_LIVE_COPIES_MAX; i++) {
        send_copy(0, fabric->last_live_trace, TRACE_COPY_STAGE, 16);
    }
    TURN_UNTIL(outcome.n_done);
    assert_null(outcome.reason);
    assert_int_equal(outcome.n_copies, FABRIC_LIVE_COPIES_MAX);
}

static void
few_run_at_a_time(void **state OVS_UNUSED)
{
    struct outcome outcome = { .enough = 1 };
    struct fabric_live *lives[TRACES_MAX];
    const char *reason;

    for (int i = 0; i < TRACES_MAX; i++) {
        assert_false(fabric_live_is_busy(fabric));
        lives[i] = begin(&outcome, 60000, &reason);
        assert_non_null(lives[i]);
    }
    assert_true(fabric_live_is_busy(fabric));
    assert_null(begin(&outcome, 60000, &reason));
    assert_string_equal(reason, "others are in progress");
    for (int i = 0; i < TRACES_MAX; i++) {
        fabric_live_cancel(lives[i]);
    }
    assert_false(fabric_live_is_busy(fabric));
    TURN_UNTIL(!n_trace_flows(0) && !n_trace_flows(1));
    assert_int_equal(outcome.n_done, 0);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup_connected, \
                                                teardown)
        T(packet_is_put_in_when_all_can_follow_it),
        T(packet_that_crosses_is_put_in_again),
        T(trace_ends_by_its_time_limit),
        T(trace_that_was_not_sent_has_a_reason),
        T(trace_ends_with_a_host),
        T(switch_that_refuses_ends_it),
        T(reconciling_leaves_flows_alone),
        T(late_refusal_is_nobodys),
        T(loop_ends),
        T(few_run_at_a_time),
    };

    return run_all(argv, tests, ARRAY_SIZE(tests));
}
