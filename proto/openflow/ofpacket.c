/* SPDX-License-Identifier: Apache-2.0
 *
 * Packet-ins and packet-outs; see ofpacket.h. */

#include <config.h>

#include "proto/openflow/ofpacket.h"

#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "dp-packet.h"
#include "flow.h"
#include "hash.h"
#include "nx-match.h"
#include "openflow/nicira-ext.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-packet.h"
#include "openvswitch/ofp-prop.h"
#include "openvswitch/ofpbuf.h"
#include "proto/openflow/ofconn.h"
#include "packets.h"
#include "util.h"

/* Packet-ins.  ----------------------------------------------------------- */

/* Longest metadata that are kept, in bytes. */
#define METADATA_MAX 512

/* Places in the cache where an entry may be. */
#define PROBES 4
/* The input port is among the first bytes, and tells most entries apart. */
#define HASHED_SIZE 24

struct ofpacket_metadata {
    uint32_t in_port;
    uint32_t regs[OFPACKET_REGS];
    uint64_t metadata, tun_id;
    struct ofpacket_ct ct;
    size_t size;
    uint8_t bytes[];            /* As they came. */
};
BUILD_ASSERT_DECL(FLOW_N_REGS >= OFPACKET_REGS);

void
ofpacket_cache_uninit(struct ofpacket_cache *cache)
{
    for (size_t i = 0; i < ARRAY_SIZE(cache->entries); i++) {
        free(cache->entries[i]);
        cache->entries[i] = NULL;
    }
}

static void
take_ct(const struct flow *flow, struct ofpacket_ct *ct)
{
    if (!flow->ct_nw_proto) {
        return;
    } else if (flow->dl_type == htons(ETH_TYPE_IP)) {
        ct->family = 4;
        memcpy(ct->src, &flow->ct_nw_src, 4);
        memcpy(ct->dst, &flow->ct_nw_dst, 4);
    } else if (flow->dl_type == htons(ETH_TYPE_IPV6)) {
        ct->family = 6;
        memcpy(ct->src, &flow->ct_ipv6_src, 16);
        memcpy(ct->dst, &flow->ct_ipv6_dst, 16);
    }
    ct->protocol = flow->ct_nw_proto;
    ct->zone = flow->ct_zone;
    ct->src_port = ntohs(flow->ct_tp_src);
    ct->dst_port = ntohs(flow->ct_tp_dst);
    ct->is_reply = flow->ct_state & CS_REPLY_DIR;
}

static enum ofperr
decode_metadata(const uint8_t *bytes, size_t size, struct ofpacket_in *in)
{
    struct match match;
    enum ofperr error = oxm_decode_match(bytes, size, true, NULL, NULL,
                                         &match);

    if (!error) {
        in->in_port = ofp_to_u16(match.flow.in_port.ofp_port);
        memcpy(in->regs, match.flow.regs, sizeof in->regs);
        in->metadata = ntohll(match.flow.metadata);
        in->tun_id = ntohll(match.flow.tunnel.tun_id);
        take_ct(&match.flow, &in->ct);
    }
    return error;
}

static enum ofperr
take_metadata(const struct ofpbuf *payload, struct ofpacket_cache *cache,
              struct ofpacket_in *in)
{
    const uint8_t *bytes = payload->msg;
    size_t size = ofpbuf_msgsize(payload);
    uint32_t hash = hash_bytes(bytes, MIN(size, HASHED_SIZE), 0);
    struct ofpacket_metadata **slot, *m;
    enum ofperr error;

    for (unsigned i = 0; i < PROBES; i++) {
        slot = &cache->entries[(hash + i) % ARRAY_SIZE(cache->entries)];
        m = *slot;
        if (!m) {
            break;
        } else if (m->size == size && !memcmp(m->bytes, bytes, size)) {
            in->in_port = m->in_port;
            memcpy(in->regs, m->regs, sizeof in->regs);
            in->metadata = m->metadata;
            in->tun_id = m->tun_id;
            in->ct = m->ct;
            return 0;
        }
    }
    error = decode_metadata(bytes, size, in);
    if (!error && size <= METADATA_MAX) {
        m = *slot = xrealloc(*slot, sizeof *m + size);
        m->in_port = in->in_port;
        memcpy(m->regs, in->regs, sizeof m->regs);
        m->metadata = in->metadata;
        m->tun_id = in->tun_id;
        m->ct = in->ct;
        m->size = size;
        memcpy(m->bytes, bytes, size);
    }
    return error;
}

enum ofperr
ofpacket_decode(const struct ofp_header *oh, struct ofpacket_cache *cache,
                struct ofpacket_in *in)
{
    struct ofpbuf b = ofpbuf_const_initializer(oh, ntohs(oh->length));
    enum ofperr error = 0;
    enum ofpraw raw;

    memset(in, 0, sizeof *in);
    error = ofpraw_pull(&raw, &b);
    if (error) {
        return error;
    } else if (raw != OFPRAW_NXT_PACKET_IN2) {
        return OFPERR_OFPBRC_BAD_TYPE; /* Not as it was asked for. */
    }
    while (b.size > 0 && !error) {
        struct ofpbuf payload;
        uint64_t type;
        uint32_t u32;

        error = ofpprop_pull(&b, &payload, &type);
        if (error) {
            break;
        }
        switch (type) {
        case NXPINT_PACKET:
            in->bytes = payload.msg;
            in->size = ofpbuf_msgsize(&payload);
            break;
        case NXPINT_FULL_LEN:
            error = ofpprop_parse_u32(&payload, &u32);
            in->full_size = error ? 0 : u32;
            break;
        case NXPINT_METADATA:
            error = take_metadata(&payload, cache, in);
            break;
        case NXPINT_USERDATA:
            in->userdata = payload.msg;
            in->userdata_size = ofpbuf_msgsize(&payload);
            break;
        default:
            break;              /* Not of use here. */
        }
    }
    if (!error && !in->size) {
        error = OFPERR_OFPBRC_BAD_LEN;
    }
    in->full_size = MAX(in->full_size, in->size);
    return error;
}

bool
ofpacket_get_flow(const struct ofp_header *oh, struct flow *flow)
{
    struct ofputil_packet_in pin;
    const struct flow *metadata = &pin.flow_metadata.flow;
    struct dp_packet packet;
    size_t total_len;
    uint32_t buffer_id;

    if (ofputil_decode_packet_in(oh, true, NULL, NULL, &pin, &total_len,
                                 &buffer_id, NULL)
        || !pin.packet_len) {
        return false;
    }
    dp_packet_use_const(&packet, pin.packet, pin.packet_len);
    pkt_metadata_from_flow(&packet.md, metadata);
    flow_extract(&packet, flow);
    memcpy(flow->regs, metadata->regs, sizeof flow->regs);
    flow->metadata = metadata->metadata;
    dp_packet_uninit(&packet);
    return true;
}

/* Packet-outs.  ---------------------------------------------------------- */

static void
make(struct ofpacket_out *out, struct match *metadata,
     const struct ofpbuf *ofpacts)
{
    struct ofputil_packet_out po = {
        .buffer_id = UINT32_MAX,
        .flow_metadata = *metadata,
        .ofpacts = ofpacts->data,
        .ofpacts_len = ofpacts->size,
    };
    struct ofpbuf *msg = ofputil_encode_packet_out(&po, OFPUTIL_P_OF15_OXM);

    ovs_assert(msg->size <= sizeof out->bytes);
    ((struct ofp_header *) msg->data)->xid = htonl(OFCONN_XID_PACKETS);
    out->size = msg->size;
    memcpy(out->bytes, msg->data, msg->size);
    ofpbuf_delete(msg);
}

/* Returns the port's number as OpenFlow has it: no port's if it cannot be. */
static ofp_port_t
to_ofp(uint32_t port)
{
    return port <= UINT16_MAX ? u16_to_ofp((uint16_t) port) : OFPP_NONE;
}

void
ofpacket_make_output(struct ofpacket_out *out, uint32_t ofport)
{
    uint64_t stub[64 / 8];
    struct ofpbuf ofpacts = OFPBUF_STUB_INITIALIZER(stub);
    struct match metadata;

    match_init_catchall(&metadata);
    match_set_in_port(&metadata, OFPP_CONTROLLER);
    ofpact_put_OUTPUT(&ofpacts)->port = to_ofp(ofport);
    make(out, &metadata, &ofpacts);
    ofpbuf_uninit(&ofpacts);
}

void
ofpacket_make_resubmit(struct ofpacket_out *out, uint8_t table,
                       uint32_t in_port, const uint32_t regs[OFPACKET_REGS])
{
    uint64_t stub[64 / 8];
    struct ofpbuf ofpacts = OFPBUF_STUB_INITIALIZER(stub);
    struct ofpact_resubmit *resubmit;
    struct match metadata;

    match_init_catchall(&metadata);
    match_set_in_port(&metadata, to_ofp(in_port));
    for (unsigned i = 0; i < OFPACKET_REGS; i++) {
        if (regs[i]) {
            match_set_reg(&metadata, i, regs[i]);
        }
    }
    resubmit = ofpact_put_RESUBMIT(&ofpacts);
    resubmit->in_port = OFPP_IN_PORT;
    resubmit->table_id = table;
    make(out, &metadata, &ofpacts);
    ofpbuf_uninit(&ofpacts);
}

void
ofpacket_put(struct ofpbuf *b, const struct ofpacket_out *out,
             const void *bytes, size_t size)
{
    ovs_be16 length = htons((uint16_t) (out->size + size));
    uint8_t *msg;

    ovs_assert(size <= OFPACKET_MAX);
    ofpbuf_prealloc_tailroom(b, out->size + size);
    msg = ofpbuf_put(b, out->bytes, out->size);
    /* A packet before it may have had an odd length. */
    memcpy(msg + offsetof(struct ofp_header, length), &length, sizeof length);
    ofpbuf_put(b, bytes, size);
}
