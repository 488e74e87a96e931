/* SPDX-License-Identifier: Apache-2.0
 *
 * The flows of a live trace; see live-trace-flows.h.
 *
 * A flow cannot send a copy and then leave the packet to the flow below it.
 * So it sends the copy, notes the table in the mark, and has the packet looked
 * up there again; that it does not match then takes a flow for each bit in
 * which the mark's table may differ from its own.  A packet that comes back to
 * a table from another one is seen again.
 *
 * A packet that comes by a tunnel, or is put in, has a VNI that nothing else
 * has until one of these flows marks it: where they are not there, it goes
 * nowhere. */

#include <config.h>

#include "controller/fabric/packets/live-trace-flows.h"

#include "byte-order.h"
#include "controller/fabric/fabric-live-trace.h"
#include "controller/flow/punt-action.h"
#include "controller/flow/sample-action.h"
#include "flow.h"
#include "openflow/openflow.h"
#include "openvswitch/match.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-packet.h"
#include "openvswitch/ofpbuf.h"
#include "packets.h"
#include "proto/openflow/ofconn.h"
#include "util.h"
#include "vmn/vocabulary.h"

/* Bits of the mark's table. */
#define MARK_TABLE_BITS 8
/* Of that the last copy was of none. */
#define NO_TABLE 0xff

struct writer {
    const struct live_trace_flows *flows;
    struct ofpbuf *out;
    /* The next flow. */
    struct match match;
    struct ofpbuf ofpacts;
};

static uint64_t
mark_of(const struct live_trace_flows *flows)
{
    return TRACE_MARK | (uint64_t) flows->trace << 8;
}

/* The same in tun_gbp_id.  Never 0: that is unmarked. */
static uint16_t
gbp_of(const struct live_trace_flows *flows)
{
    return 0x8000u | (flows->trace & 0x7fff);
}

static void
append(struct ofpbuf *msg, struct ofpbuf *out)
{
    ofpmsg_update_length(msg);
    ((struct ofp_header *) msg->data)->xid = htonl(OFCONN_XID_TRACES);
    ofpbuf_put(out, msg->data, msg->size);
    ofpbuf_delete(msg);
}

/* Begins a flow for packets with 'mark', of which 'mask' counts. */
static void
begin_masked(struct writer *w, uint64_t mark, uint64_t mask)
{
    match_init_catchall(&w->match);
    match_set_metadata_masked(&w->match, htonll(mark), htonll(mask));
    ofpbuf_clear(&w->ofpacts);
}

/* The same with the trace's mark. */
static void
begin(struct writer *w)
{
    begin_masked(w, mark_of(w->flows), TRACE_MARK_MASK);
}

static void
end(struct writer *w, uint8_t table, uint16_t priority)
{
    struct ofputil_flow_mod fm = {
        .table_id = table,
        .priority = priority,
        .command = OFPFC_ADD,
        .buffer_id = UINT32_MAX,
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
        .new_cookie = htonll(TRACE_COOKIE | w->flows->trace),
        .hard_timeout = w->flows->hard_timeout_s,
        .ofpacts = w->ofpacts.data,
        .ofpacts_len = w->ofpacts.size,
    };

    minimatch_init(&fm.match, &w->match);
    append(ofputil_encode_flow_mod(&fm, OFPUTIL_P_OF15_OXM), w->out);
    minimatch_destroy(&fm.match);
}

static void
put_metadata(struct writer *w, uint64_t mark)
{
    const union mf_value metadata = { .be64 = htonll(mark) };

    ofpact_put_set_field(&w->ofpacts, mf_from_id(MFF_METADATA), &metadata,
                         NULL);
}

static void
put_marks(struct writer *w, uint64_t mark, uint16_t gbp_id, uint8_t table)
{
    const union mf_value id = { .be16 = htons(gbp_id) };
    const union mf_value flags = { .u8 = table };

    put_metadata(w, mark | table);
    ofpact_put_set_field(&w->ofpacts, mf_from_id(MFF_TUN_GBP_ID), &id, NULL);
    ofpact_put_set_field(&w->ofpacts, mf_from_id(MFF_TUN_GBP_FLAGS), &flags,
                         NULL);
}

static void
put_mark(struct writer *w, uint8_t table)
{
    put_marks(w, mark_of(w->flows), gbp_of(w->flows), table);
}

static void
clear_mark(struct writer *w)
{
    put_marks(w, 0, 0, 0);
}

/* Sets the metadata to the mark again. */
static void
restore_mark(struct writer *w)
{
    struct ofpact_reg_move *move;

    put_metadata(w, mark_of(w->flows));
    move = ofpact_put_REG_MOVE(&w->ofpacts);
    move->src.field = mf_from_id(MFF_TUN_GBP_FLAGS);
    move->dst.field = mf_from_id(MFF_METADATA);
    move->src.n_bits = move->dst.n_bits = MARK_TABLE_BITS;
}

static void
put_resubmit(struct ofpbuf *ofpacts, uint8_t table)
{
    struct ofpact_resubmit *resubmit = ofpact_put_RESUBMIT(ofpacts);

    resubmit->in_port = OFPP_IN_PORT;
    resubmit->table_id = table;
}

static void
put_copy(struct writer *w, enum trace_copy_kind kind, uint8_t table)
{
    trace_copy_put(&w->ofpacts, w->flows->trace, kind, table);
}

/* Matches packets with the addresses, protocol and ports of 'flow', but from
 * any Ethernet address. */
static void
match_received(struct match *match, const struct flow *flow)
{
    match_set_dl_dst(match, flow->dl_dst);
    match_set_dl_type(match, flow->dl_type);
    if (flow->dl_type == htons(ETH_TYPE_IP)) {
        match_set_nw_src(match, flow->nw_src);
        match_set_nw_dst(match, flow->nw_dst);
    } else {
        match_set_ipv6_src(match, &flow->ipv6_src);
        match_set_ipv6_dst(match, &flow->ipv6_dst);
    }
    match_set_nw_proto(match, flow->nw_proto);
    match_set_tp_src(match, flow->tp_src);
    match_set_tp_dst(match, flow->tp_dst);
}

static void
match_packet(struct match *match, const struct flow *flow)
{
    match_set_dl_src(match, flow->dl_src);
    match_received(match, flow);
}

static void
put_tun_id(struct ofpbuf *ofpacts, uint64_t tun_id)
{
    const union mf_value value = { .be64 = htonll(tun_id) };

    ofpact_put_set_field(ofpacts, mf_from_id(MFF_TUN_ID), &value, NULL);
}

/* Flows.  ---------------------------------------------------------------- */

/* Begins a flow for packets of which the last copy was of another table:
 * whose mark differs in bit 'i'. */
static void
begin_seeing(struct writer *w, uint8_t table, unsigned i)
{
    uint64_t bit = UINT64_C(1) << i;

    begin_masked(w, mark_of(w->flows) | (~(uint64_t) table & bit),
                 TRACE_MARK_MASK | bit);
}

/* Ends it: sends a copy, and has the packet go on. */
static void
end_seeing(struct writer *w, enum trace_copy_kind kind, uint8_t table,
           uint16_t priority)
{
    put_copy(w, kind, table);
    put_mark(w, table);
    put_resubmit(&w->ofpacts, table);
    end(w, table, priority);
}

static void
append_stage(struct writer *w, uint8_t table)
{
    for (unsigned i = 0; i < MARK_TABLE_BITS; i++) {
        begin_seeing(w, table, i);
        end_seeing(w, TRACE_COPY_STAGE, table, TRACE_PRIORITY);
    }
}

/* In the last stage.  If 'deliver' a port gets the packet; and a physical
 * network if the packet 'leaves' here. */
static void
append_last(struct writer *w, uint8_t table, bool deliver, bool leaves)
{
    for (unsigned i = 0; i < MARK_TABLE_BITS; i++) {
        begin_seeing(w, table, i);
        if (deliver) {
            end_seeing(w, TRACE_COPY_LAST, table, TRACE_PRIORITY);
        } else {
            put_copy(w, TRACE_COPY_LAST, table);
            end(w, table, TRACE_PRIORITY);
        }
    }
    if (deliver) {
        begin(w);
        match_set_reg(&w->match, 4, 1);
        put_copy(w, TRACE_COPY_LAST, table);
        clear_mark(w);
        put_resubmit(&w->ofpacts, table);
        end(w, table, TRACE_PRIORITY + 1);
    }
    if (deliver && !leaves) {
        /* Its copy was sent; what crosses is not looked up with the mark
         * again. */
        begin_masked(w, mark_of(w->flows) | table,
                     TRACE_MARK_MASK | NO_TABLE);
        match_set_reg(&w->match, 6, VMN_DST_HOST_PROVIDER);
        end(w, table, TRACE_PRIORITY + 1);
    }
}

static void
append_onward(struct writer *w, uint8_t table, const struct flow *flow)
{
    static const int regs[] = { 0, 4, 6, 7 };

    for (unsigned i = 0; i < MARK_TABLE_BITS; i++) {
        begin_seeing(w, table, i);
        match_packet(&w->match, flow);
        for (size_t j = 0; j < ARRAY_SIZE(regs); j++) {
            match_set_reg(&w->match, regs[j], flow->regs[regs[j]]);
        }
        end_seeing(w, TRACE_COPY_LAST, table, TRACE_PRIORITY + 1);
    }
}

/* In the last stage's further tables the packet goes no further, */
static void
append_hold(struct writer *w, uint8_t table)
{
    begin(w);
    put_copy(w, TRACE_COPY_STAGE, table);
    end(w, table, TRACE_PRIORITY);
}

/* but into the tunnel that it is to take. */
static void
append_leave(struct writer *w, const struct fabric_live_hop *hop, uint32_t vni)
{
    begin(w);
    match_set_tun_id(&w->match, htonll(hop->tun_id));
    match_set_reg(&w->match, 6, hop->dst_host);
    clear_mark(w);
    put_tun_id(&w->ofpacts, vni);
    put_resubmit(&w->ofpacts, hop->table);
    end(w, hop->table, TRACE_PRIORITY + 1);
}

/* Marks what comes by a tunnel with the trace's 'vni', or is put in as if it
 * did. */
static void
append_enter(struct writer *w, uint32_t vni, uint64_t tun_id)
{
    static const uint16_t ports[] = { VMN_TUNNEL_OFPORT, VMN_GENEVE_OFPORT };

    for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
        begin_masked(w, 0, TRACE_MARK_MASK);
        match_set_in_port(&w->match, u16_to_ofp(ports[i]));
        match_set_tun_id(&w->match, htonll(vni));
        put_tun_id(&w->ofpacts, tun_id);
        put_mark(w, NO_TABLE);
        put_resubmit(&w->ofpacts, 0);
        end(w, 0, TRACE_PRIORITY);
    }
}

/* Over a physical network.  ---------------------------------------------- */

/* By which a trace's packet is known there: nobody else sends from it, and a
 * switch has kept nothing of it, unless of 256 traces before. */
static struct eth_addr
crossing_mac(const struct writer *w)
{
    return TRACE_MAC(w->flows->trace & 0xff);
}

static void
put_eth_src(struct ofpbuf *ofpacts, struct eth_addr ea)
{
    const union mf_value value = { .mac = ea };

    ofpact_put_set_field(ofpacts, mf_from_id(MFF_ETH_SRC), &value, NULL);
}

/* Matches the packet that crosses, but for its source's Ethernet address. */
static void
match_crossing(struct match *match,
               const struct fabric_live_crossing *crossing)
{
    match_received(match, crossing->flow);
    if (crossing->any_port) {
        match_set_tp_src_masked(match, htons(0), htons(0));
    }
}

/* Sends what is to cross from that address. */
static void
append_cross(struct writer *w, const struct fabric_live_crossing *crossing,
             uint8_t table)
{
    const struct flow *flow = crossing->flow;

    begin(w);
    match_set_reg(&w->match, 0, flow->regs[0]);
    match_set_reg(&w->match, 6, flow->regs[6]);
    match_crossing(&w->match, crossing);
    put_copy(w, TRACE_COPY_LAST, table);
    clear_mark(w);
    put_eth_src(&w->ofpacts, crossing_mac(w));
    put_resubmit(&w->ofpacts, table);
    end(w, table, TRACE_PRIORITY + 1);
}

/* Marks what has crossed, and gives it its address again.  Others on the
 * physical network may send from that address as well: only what is the packet
 * otherwise, and has its VLAN, is taken for it. */
static void
append_crossed(struct writer *w, const struct fabric_live_crossing *crossing)
{
    begin_masked(w, 0, TRACE_MARK_MASK);
    match_set_in_port(&w->match, u16_to_ofp((uint16_t) crossing->in_port));
    match_set_dl_src(&w->match, crossing_mac(w));
    match_set_dl_vlan(&w->match, htons(crossing->vlan ? crossing->vlan
                                       : OFP10_VLAN_NONE), 0);
    match_crossing(&w->match, crossing);
    put_eth_src(&w->ofpacts, crossing->flow->dl_src);
    put_mark(w, NO_TABLE);
    put_resubmit(&w->ofpacts, 0);
    end(w, 0, TRACE_PRIORITY);
}

uint32_t
live_trace_crossing_vni(const struct fabric_live_request *request, size_t i)
{
    return (uint32_t) (request->first_vni + 1 + request->n_hops + i);
}

static void
append_crossings(struct writer *w, const struct fabric_live_request *request,
                 size_t host_index)
{
    for (size_t i = 0; i < request->n_crossings; i++) {
        const struct fabric_live_crossing *crossing = &request->crossings[i];

        if (!request->deliver) {
            if (crossing->to == host_index) {
                append_enter(w, live_trace_crossing_vni(request, i), 0);
            }
            continue;
        }
        if (crossing->from == host_index) {
            append_cross(w, crossing, request->last_table);
        }
        if (crossing->to == host_index) {
            append_crossed(w, crossing);
        }
    }
}

/* Ends.  ------------------------------------------------------------------ */

/* What would be sampled or go to a handler is the trace's alone: nobody is
 * notified of a packet that no guest has sent.  One that a rule logs goes
 * on. */
static void
append_end(struct writer *w, enum trace_copy_kind kind, uint8_t table)
{
    match_init_catchall(&w->match);
    match_set_tun_gbp_id(&w->match, htons(gbp_of(w->flows)));
    ofpbuf_clear(&w->ofpacts);
    put_copy(w, kind, table);
    restore_mark(w);
    end(w, table, TRACE_PRIORITY);
}

void
live_trace_flows_append(const struct live_trace_flows *flows,
                        const struct fabric_live_request *request,
                        size_t host_index, struct ofpbuf *out)
{
    const struct fabric_live_host *host = &request->hosts[host_index];
    struct writer w = { .flows = flows, .out = out };

    ofpbuf_init(&w.ofpacts, 256);
    for (size_t i = 0; i < request->n_tables; i++) {
        append_stage(&w, request->tables[i]);
    }
    append_last(&w, request->last_table, request->deliver, host->leaves);
    for (uint8_t i = 1; i < request->n_last_tables; i++) {
        append_hold(&w, request->last_table + i);
    }
    if (!host_index) {
        append_enter(&w, request->first_vni, 0);
    }
    for (size_t i = 0; i < host->n_onward; i++) {
        append_onward(&w, request->last_table, &host->onward[i]);
    }
    for (size_t i = 0; i < request->n_hops; i++) {
        const struct fabric_live_hop *hop = &request->hops[i];
        uint32_t vni = request->first_vni + 1 + i;

        if (hop->from == host_index) {
            append_leave(&w, hop, vni);
        }
        if (hop->to == host_index) {
            append_enter(&w, vni, hop->tun_id);
        }
    }
    append_crossings(&w, request, host_index);
    append_end(&w, TRACE_COPY_DROP, SAMPLE_TABLE);
    append_end(&w, TRACE_COPY_PUNT, PUNT_TABLE);
    ofpbuf_uninit(&w.ofpacts);
}

void
live_trace_flows_append_delete(uint32_t trace, struct ofpbuf *out)
{
    struct ofputil_flow_mod fm = {
        .cookie = htonll(TRACE_COOKIE | trace),
        .cookie_mask = htonll(UINT64_MAX),
        .table_id = OFPTT_ALL,
        .command = OFPFC_DELETE,
        .buffer_id = UINT32_MAX,
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
    };
    struct match match;

    match_init_catchall(&match);
    minimatch_init(&fm.match, &match);
    append(ofputil_encode_flow_mod(&fm, OFPUTIL_P_OF15_OXM), out);
    minimatch_destroy(&fm.match);
}

void
live_trace_flows_append_packet(uint32_t in_port, uint32_t vni,
                               const uint8_t *frame, size_t size,
                               struct ofpbuf *out)
{
    struct ofputil_packet_out po = {
        .packet = CONST_CAST(uint8_t *, frame),
        .packet_len = size,
        .buffer_id = UINT32_MAX,
    };
    const union mf_value port = { .be16 = htons((uint16_t) in_port) };
    struct ofpact_resubmit *resubmit;
    struct ofpbuf ofpacts;

    ofpbuf_init(&ofpacts, 64);
    match_init_catchall(&po.flow_metadata);
    match_set_in_port(&po.flow_metadata, OFPP_LOCAL);
    ofpact_put_set_field(&ofpacts, mf_from_id(MFF_IN_PORT), &port, NULL);
    put_tun_id(&ofpacts, vni);
    resubmit = ofpact_put_RESUBMIT(&ofpacts);
    resubmit->in_port = u16_to_ofp(VMN_TUNNEL_OFPORT);
    resubmit->table_id = 0;
    po.ofpacts = ofpacts.data;
    po.ofpacts_len = ofpacts.size;
    append(ofputil_encode_packet_out(&po, OFPUTIL_P_OF15_OXM), out);
    ofpbuf_uninit(&ofpacts);
}
