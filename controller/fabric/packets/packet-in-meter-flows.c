/* SPDX-License-Identifier: Apache-2.0
 *
 * Encodes the meters of packet-in-meters.h and the flows that send copies
 * through them, and recognizes these flows on a switch.  A flow's cookie is
 * its number plus 1. */

#include <config.h>

#include "byte-order.h"
#include "controller/engine/engine.h"
#include "controller/fabric/packets/packet-in-meters-private.h"
#include "controller/fabric/session/reported-flows.h"
#include "controller/flow/punt-action.h"
#include "flow.h"
#include "openflow/openflow.h"
#include "openvswitch/match.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-meter.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"
#include "vmn/vocabulary.h"

BUILD_ASSERT_DECL(IS_POW2(PACKET_IN_METERS_PORTS)
                  && IS_POW2(PACKET_IN_METERS_IDENTITIES));

/* The flows beside those of the meters. */
enum {
    PICK_PORT = PACKET_IN_METERS,
    PICK_IDENTITY,
    UNMETERED,
    PATH_PROBE,
    N_FLOWS
};
BUILD_ASSERT_DECL(N_FLOWS == PACKET_IN_METER_FLOWS);

/* Lowest bits of OpenFlow's metadata, which PUNT_TABLE sets and
 * PUNT_METER_TABLE matches: this one if the packet came from a tunnel, and
 * below it the lowest bits of the value that selects the meter. */
#define FROM_TUNNEL UINT64_C(0x10000)
#define SENDER_MASK ((UINT64_C(1) << PUNT_SENDER_BITS) - 1)
BUILD_ASSERT_DECL(FROM_TUNNEL <= SENDER_MASK);

/* A flow while it is encoded or compared. */
struct punt_flow {
    struct ofputil_flow_mod fm; /* Without its match and actions. */
    struct match match;
    struct ofpbuf ofpacts;
};

/* Moves 'msg' to the end of 'b'. */
static void
append(uint32_t xid, struct ofpbuf *msg, struct ofpbuf *b)
{
    ofpmsg_update_length(msg);
    ((struct ofp_header *) msg->data)->xid = htonl(xid);
    ofpbuf_put(b, msg->data, msg->size);
    ofpbuf_delete(msg);
}

void
packet_in_meter_append(uint32_t xid, uint16_t command, unsigned i,
                       unsigned rate, struct ofpbuf *b)
{
    struct ofputil_meter_band band = {
        .type = OFPMBT13_DROP,
        .rate = rate,
        .burst_size = rate,
    };
    const struct ofputil_meter_mod mm = {
        .command = command,
        .meter = {
            .meter_id = PACKET_IN_METERS_FIRST + i,
            .flags = OFPMF13_PKTPS | OFPMF13_BURST,
            .n_bands = 1,
            .bands = &band,
        },
    };

    append(xid, ofputil_encode_meter_mod(OFP15_VERSION, &mm), b);
}

static unsigned
n_bits(unsigned n_values)
{
    return ctz32(n_values);
}

/* Sets the metadata's lowest bits to those of the value that selects the
 * meter, and goes to the table with the meters. */
static void
make_pick(bool tunnel, struct punt_flow *flow)
{
    const union mf_value metadata = {
        .be64 = htonll(tunnel ? FROM_TUNNEL : 0),
    };
    const union mf_value mask = { .be64 = htonll(SENDER_MASK) };
    struct ofpact_resubmit *resubmit;
    struct ofpact_reg_move *move;

    flow->fm.priority = tunnel ? 20 : 10;
    if (tunnel) {
        match_set_in_port(&flow->match, u16_to_ofp(VMN_TUNNEL_OFPORT));
    }
    ofpact_put_set_field(&flow->ofpacts, mf_from_id(MFF_METADATA), &metadata,
                         &mask);
    move = ofpact_put_REG_MOVE(&flow->ofpacts);
    move->src.field = mf_from_id(tunnel ? MFF_REG1 : MFF_IN_PORT);
    move->dst.field = mf_from_id(MFF_METADATA);
    move->src.n_bits = move->dst.n_bits
        = n_bits(tunnel ? PACKET_IN_METERS_IDENTITIES
                 : PACKET_IN_METERS_PORTS);
    resubmit = ofpact_put_RESUBMIT(&flow->ofpacts);
    resubmit->in_port = OFPP_IN_PORT;
    resubmit->table_id = PUNT_METER_TABLE;
}

/* To meter 'i'. */
static void
make_metered(unsigned i, struct punt_flow *flow)
{
    bool tunnel = i >= PACKET_IN_METERS_PORTS;
    unsigned n = tunnel ? PACKET_IN_METERS_IDENTITIES : PACKET_IN_METERS_PORTS;

    flow->fm.priority = 10;
    match_set_metadata_masked(&flow->match,
                              htonll((tunnel ? FROM_TUNNEL : 0) | i % n),
                              htonll(FROM_TUNNEL | (n - 1)));
    punt_put_copy(&flow->ofpacts, PUNT_USERDATA_HANDLER, UINT16_MAX,
                  PACKET_IN_METERS_FIRST + i);
}

/* What no meter is there for.  Its priority is not 0: a switch takes a flow
 * that matches all at that for a table miss, whose copies have another
 * reason. */
static void
make_unmetered(struct punt_flow *flow)
{
    flow->fm.priority = 1;
    punt_put_copy(&flow->ofpacts, PUNT_USERDATA_HANDLER, UINT16_MAX,
                  NX_CTLR_NO_METER);
}

/* Probes of paths between hosts, which no guest sends: whichever meter they
 * went by, ports that flood would have paths look broken. */
static void
make_path_probe(struct punt_flow *flow)
{
    flow->fm.priority = 30;
    match_set_reg(&flow->match, VMN_REG_SRC_ID - VMN_F_REG0, VMN_PATH_SRC_ID);
    punt_put_copy(&flow->ofpacts, PUNT_USERDATA_HANDLER, UINT16_MAX,
                  NX_CTLR_NO_METER);
}

uint8_t
packet_in_meter_flows_table(unsigned i)
{
    return (i == PICK_PORT || i == PICK_IDENTITY || i == PATH_PROBE
            ? PUNT_TABLE : PUNT_METER_TABLE);
}

/* The caller uninitializes 'ofpacts'. */
static void
make_flow(unsigned i, struct punt_flow *flow)
{
    flow->fm = (struct ofputil_flow_mod) {
        .new_cookie = htonll(i + 1),
        .table_id = packet_in_meter_flows_table(i),
        .command = OFPFC_ADD,
    };
    match_init_catchall(&flow->match);
    ofpbuf_init(&flow->ofpacts, 128);
    if (i < PACKET_IN_METERS) {
        make_metered(i, flow);
    } else if (i == UNMETERED) {
        make_unmetered(flow);
    } else if (i == PATH_PROBE) {
        make_path_probe(flow);
    } else {
        make_pick(i == PICK_IDENTITY, flow);
    }
}

static void
append_mod(uint32_t xid, struct ofputil_flow_mod *fm,
           const struct match *match, struct ofpbuf *b)
{
    fm->buffer_id = UINT32_MAX;
    fm->out_port = OFPP_ANY;
    fm->out_group = OFPG_ANY;
    minimatch_init(&fm->match, match);
    append(xid, ofputil_encode_flow_mod(fm, OFPUTIL_P_OF15_OXM), b);
    minimatch_destroy(&fm->match);
}

void
packet_in_meter_flows_append(uint32_t xid, unsigned i, struct ofpbuf *b)
{
    struct punt_flow flow;

    make_flow(i, &flow);
    flow.fm.ofpacts = flow.ofpacts.data;
    flow.fm.ofpacts_len = flow.ofpacts.size;
    append_mod(xid, &flow.fm, &flow.match, b);
    ofpbuf_uninit(&flow.ofpacts);
}

void
packet_in_meter_flows_append_delete(uint32_t xid,
                                    const struct ofputil_flow_stats *fs,
                                    struct ofpbuf *b)
{
    struct ofputil_flow_mod fm = {
        .priority = fs->priority,
        .table_id = fs->table_id,
        .command = OFPFC_DELETE_STRICT,
    };

    append_mod(xid, &fm, &fs->match, b);
}

void
packet_in_meter_flows_append_delete_table(uint32_t xid, uint8_t table,
                                          struct ofpbuf *b)
{
    struct ofputil_flow_mod fm = {
        .table_id = table,
        .command = OFPFC_DELETE,
    };
    struct match match;

    match_init_catchall(&match);
    append_mod(xid, &fm, &match, b);
}

unsigned
packet_in_meter_flows_find(const struct ofputil_flow_stats *fs)
{
    uint64_t cookie = ntohll(fs->cookie);
    struct punt_flow flow;
    unsigned i;
    bool same;

    if (!cookie || cookie > PACKET_IN_METER_FLOWS || fs->idle_timeout
        || fs->hard_timeout || fs->importance || fs->flags) {
        return PACKET_IN_METER_FLOWS;
    }
    i = cookie - 1;
    make_flow(i, &flow);
    same = (fs->table_id == flow.fm.table_id
            && fs->priority == flow.fm.priority
            && match_equal(&fs->match, &flow.match)
            && ofmessage_same_actions(fs->ofpacts, fs->ofpacts_len,
                                      flow.ofpacts.data, flow.ofpacts.size));
    ofpbuf_uninit(&flow.ofpacts);
    return same ? i : PACKET_IN_METER_FLOWS;
}
