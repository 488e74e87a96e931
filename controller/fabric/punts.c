/* SPDX-License-Identifier: Apache-2.0
 *
 * Meters for packets that go up to handlers; see punts.h. */

#include <config.h>

#include "controller/fabric/punts.h"

#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "controller/engine/handler.h"
#include "controller/engine/pipeline.h"
#include "controller/engine/punt.h"
#include "controller/fabric/fabric-private.h"
#include "controller/fabric/packets.h"
#include "controller/fabric/switch.h"
#include "controller/fabric/taps.h"
#include "flow.h"
#include "openflow/openflow.h"
#include "openvswitch/match.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-meter.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "proto/openflow/ofconn.h"
#include "proto/openflow/ofmsg.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(punts);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 20);

BUILD_ASSERT_DECL(PIPELINE_N_TABLES <= PUNT_TABLE);
BUILD_ASSERT_DECL(TAPS_FIRST_METER + 2 * TAPS_METERS + TAPS_OWN
                  <= PUNTS_FIRST_METER);
BUILD_ASSERT_DECL(PUNTS_FIRST_METER + PUNTS_METERS <= ENGINE_FIRST_METER);
BUILD_ASSERT_DECL(IS_POW2(PUNTS_PORTS) && IS_POW2(PUNTS_IDENTITIES));

/* What PUNT_TABLE notes in OpenFlow's metadata, by which PUNT_METER_TABLE
 * goes: this if the packet came from a tunnel, and below it the lowest bits
 * of what picks the meter. */
#define FROM_TUNNEL UINT64_C(0x10000)

enum held { HELD_NOT, HELD_OTHER, HELD_RIGHT };

void
punts_turn_off(struct fabric_switch *sw, const char *reason)
{
    struct punts *punts = &sw->punts;

    if (punts->state != PUNTS_OFF) {
        VLOG_WARN_RL(&rl, "%s: no limits on packets that go up in the "
                     "datapath: %s", sw->host->name, reason);
        punts->state = PUNTS_OFF;
        free(punts->reason);
        punts->reason = xstrdup(reason);
    }
}

/* What vmnd takes in from a sender, or 0 if that is any number, or nobody
 * sends anything up. */
static unsigned
wanted_rate(const struct fabric_switch *sw)
{
    const struct fabric *f = sw->host->fabric;

    return engine_n_handlers(f->engine) ? packets_port_rate(f) : 0;
}

/* Encoding.  ------------------------------------------------------------- */

/* Moves 'msg' to the end of 'b'. */
static void
append(const struct punts *punts, struct ofpbuf *msg, struct ofpbuf *b)
{
    ofpmsg_update_length(msg);
    ((struct ofp_header *) msg->data)->xid = htonl(punts->xid);
    ofpbuf_put(b, msg->data, msg->size);
    ofpbuf_delete(msg);
}

static void
put_meter(const struct punts *punts, uint16_t command, unsigned i,
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
            .meter_id = PUNTS_FIRST_METER + i,
            .flags = OFPMF13_PKTPS | OFPMF13_BURST,
            .n_bands = 1,
            .bands = &band,
        },
    };

    append(punts, ofputil_encode_meter_mod(OFP15_VERSION, &mm), b);
}

static void
put_flow(const struct punts *punts, struct ofputil_flow_mod *fm,
         const struct match *match, const struct ofpbuf *ofpacts,
         struct ofpbuf *b)
{
    fm->buffer_id = UINT32_MAX;
    fm->out_port = OFPP_ANY;
    fm->out_group = OFPG_ANY;
    fm->ofpacts = ofpacts->data;
    fm->ofpacts_len = ofpacts->size;
    minimatch_init(&fm->match, match);
    append(punts, ofputil_encode_flow_mod(fm, OFPUTIL_P_OF15_OXM), b);
    minimatch_destroy(&fm->match);
}

static unsigned
n_bits(unsigned n_values)
{
    return ctz32(n_values);
}

/* Notes the lowest bits of 'from', and goes on to the meters. */
static void
put_pick(const struct punts *punts, bool tunnel, struct ofpbuf *b)
{
    struct ofputil_flow_mod fm = {
        .priority = tunnel ? 20 : 10,
        .new_cookie = htonll(tunnel ? 2 : 1),
        .table_id = PUNT_TABLE,
        .command = OFPFC_ADD,
    };
    const union mf_value metadata = {
        .be64 = htonll(tunnel ? FROM_TUNNEL : 0),
    };
    struct ofpact_resubmit *resubmit;
    struct ofpact_reg_move *move;
    struct ofpbuf ofpacts;
    struct match match;

    match_init_catchall(&match);
    if (tunnel) {
        match_set_in_port(&match, u16_to_ofp(VMN_TUNNEL_OFPORT));
    }
    ofpbuf_init(&ofpacts, 128);
    ofpact_put_set_field(&ofpacts, mf_from_id(MFF_METADATA), &metadata, NULL);
    move = ofpact_put_REG_MOVE(&ofpacts);
    move->src.field = mf_from_id(tunnel ? MFF_REG1 : MFF_IN_PORT);
    move->dst.field = mf_from_id(MFF_METADATA);
    move->src.n_bits = move->dst.n_bits
        = n_bits(tunnel ? PUNTS_IDENTITIES : PUNTS_PORTS);
    resubmit = ofpact_put_RESUBMIT(&ofpacts);
    resubmit->in_port = OFPP_IN_PORT;
    resubmit->table_id = PUNT_METER_TABLE;
    put_flow(punts, &fm, &match, &ofpacts, b);
    ofpbuf_uninit(&ofpacts);
}

/* To meter 'i'. */
static void
put_metered(const struct punts *punts, unsigned i, struct ofpbuf *b)
{
    bool tunnel = i >= PUNTS_PORTS;
    unsigned n = tunnel ? PUNTS_IDENTITIES : PUNTS_PORTS;
    struct ofputil_flow_mod fm = {
        .priority = 10,
        .new_cookie = htonll(i + 1),
        .table_id = PUNT_METER_TABLE,
        .command = OFPFC_ADD,
    };
    struct ofpact_meter *meter;
    struct ofpbuf ofpacts;
    struct match match;

    match_init_catchall(&match);
    match_set_metadata_masked(&match,
                              htonll((tunnel ? FROM_TUNNEL : 0) | i % n),
                              htonll(FROM_TUNNEL | (n - 1)));
    ofpbuf_init(&ofpacts, 32);
    meter = ofpact_put_METER(&ofpacts);
    meter->meter_id = PUNTS_FIRST_METER + i;
    meter->provider_meter_id = UINT32_MAX;
    put_flow(punts, &fm, &match, &ofpacts, b);
    ofpbuf_uninit(&ofpacts);
}

/* Takes all away: packets are not to be limited. */
static void
put_deletes(const struct punts *punts, struct ofpbuf *b)
{
    static const uint8_t tables[] = { PUNT_TABLE, PUNT_METER_TABLE };
    const struct ofpbuf none = { .size = 0 };
    struct match match;

    match_init_catchall(&match);
    for (size_t i = 0; i < sizeof tables; i++) {
        struct ofputil_flow_mod fm = {
            .table_id = tables[i],
            .command = OFPFC_DELETE,
        };

        put_flow(punts, &fm, &match, &none, b);
    }
    for (unsigned i = 0; i < PUNTS_METERS; i++) {
        if (punts->held[i] != HELD_NOT) {
            put_meter(punts, OFPMC13_DELETE, i, 1, b);
        }
    }
}

/* On a switch.  ---------------------------------------------------------- */

void
punts_connected(struct fabric_switch *sw)
{
    punts_disconnected(sw);
    sw->punts.xid = ofconn_next_xid(sw->conn);
}

void
punts_disconnected(struct fabric_switch *sw)
{
    free(sw->punts.reason);
    memset(&sw->punts, 0, sizeof sw->punts);
}

void
punts_take_max(struct fabric_switch *sw, uint32_t max)
{
    if (max < PUNTS_FIRST_METER + PUNTS_METERS) {
        punts_turn_off(sw, "its switch has too few meters");
    }
}

bool
punts_take_meter(struct fabric_switch *sw,
                 const struct ofputil_meter_config *mc)
{
    uint32_t rate = wanted_rate(sw);

    if (mc->meter_id < PUNTS_FIRST_METER
        || mc->meter_id - PUNTS_FIRST_METER >= PUNTS_METERS) {
        return false;
    }
    sw->punts.held[mc->meter_id - PUNTS_FIRST_METER]
        = (mc->flags == (OFPMF13_PKTPS | OFPMF13_BURST) && mc->n_bands == 1
           && mc->bands[0].type == OFPMBT13_DROP && mc->bands[0].rate == rate
           && mc->bands[0].burst_size == rate ? HELD_RIGHT : HELD_OTHER);
    return true;
}

/* Where all meters are right, the flows are there, which came after them. */
static void
put_missing(const struct punts *punts, unsigned rate, struct ofpbuf *b)
{
    for (unsigned i = 0; i < PUNTS_METERS; i++) {
        if (punts->held[i] != HELD_RIGHT) {
            put_meter(punts, punts->held[i] == HELD_OTHER ? OFPMC13_MODIFY
                      : OFPMC13_ADD, i, rate, b);
        }
    }
    if (b->size) {
        for (unsigned i = 0; i < PUNTS_METERS; i++) {
            put_metered(punts, i, b);
        }
        put_pick(punts, true, b);
        put_pick(punts, false, b);
    }
}

void
punts_complete(struct fabric_switch *sw)
{
    struct punts *punts = &sw->punts;
    unsigned rate = wanted_rate(sw);
    struct ofpbuf b;

    if (punts->state == PUNTS_OFF) {
        return;
    }
    ofpbuf_init(&b, 4096);
    if (rate) {
        put_missing(punts, rate, &b);
        punts->state = PUNTS_ON;
    } else if (memchr(punts->held, HELD_OTHER, sizeof punts->held)) {
        put_deletes(punts, &b); /* Of a time with a rate. */
    }
    if (b.size) {
        ofconn_send(sw->conn, b.data, b.size);
    }
    ofpbuf_uninit(&b);
}

bool
punts_message(struct fabric_switch *sw, enum ofptype type,
              const struct ofp_header *oh)
{
    struct punts *punts = &sw->punts;

    if (type == OFPTYPE_ERROR && punts->xid
        && ntohl(oh->xid) == punts->xid) {
        char *reason = xasprintf("its switch refuses meters with %s",
                                 ofmsg_error_name(oh));

        punts_turn_off(sw, reason);
        free(reason);
        return true;
    }
    return false;
}

json_t *
punts_status(const struct fabric_switch *sw)
{
    return (sw->punts.state == PUNTS_UNKNOWN ? NULL
            : json_pack("{s:b, s:s*}", "installed",
                        sw->punts.state == PUNTS_ON, "reason",
                        sw->punts.reason));
}
