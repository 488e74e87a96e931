/* SPDX-License-Identifier: Apache-2.0
 *
 * Packet-ins and packet-outs; see ofpacket.h. */

#include <config.h>

#include "proto/openflow/ofpacket.h"

#include <string.h>

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
#include "util.h"

/* Packet-ins.  ----------------------------------------------------------- */

static enum ofperr
decode_metadata(const struct ofpbuf *payload, struct ofpacket_metadata *m)
{
    struct match match;
    enum ofperr error = oxm_decode_match(payload->msg,
                                         ofpbuf_msgsize(payload), true, NULL,
                                         NULL, &match);

    if (!error) {
        m->in_port = ofp_to_u16(match.flow.in_port.ofp_port);
        memcpy(m->regs, match.flow.regs, sizeof m->regs);
    }
    return error;
}
BUILD_ASSERT_DECL(FLOW_N_REGS >= OFPACKET_REGS);

/* The entry that has these bytes, or is theirs from now on. */
static enum ofperr
take_metadata(const struct ofpbuf *payload, struct ofpacket_cache *cache,
              struct ofpacket_in *in)
{
    size_t size = ofpbuf_msgsize(payload);
    struct ofpacket_metadata other, *m = &other;
    enum ofperr error;

    if (size && size <= sizeof m->bytes) {
        m = &cache->entries[hash_bytes(payload->msg, size, 0)
                            % ARRAY_SIZE(cache->entries)];
    }
    if (m == &other || m->size != size
        || memcmp(m->bytes, payload->msg, size)) {
        error = decode_metadata(payload, m);
        if (m != &other) {
            m->size = error ? 0 : size;
            memcpy(m->bytes, payload->msg, size);
        }
        if (error) {
            return error;
        }
    }
    in->in_port = m->in_port;
    memcpy(in->regs, m->regs, sizeof in->regs);
    return 0;
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

/* Packet-outs.  ---------------------------------------------------------- */

static void
put_packet_out(struct ofpbuf *b, struct ofputil_packet_out *po,
               const struct ofpbuf *ofpacts, const void *bytes, size_t size)
{
    struct ofpbuf *msg;

    po->packet = bytes;
    po->packet_len = size;
    po->buffer_id = UINT32_MAX;
    po->ofpacts = ofpacts->data;
    po->ofpacts_len = ofpacts->size;
    msg = ofputil_encode_packet_out(po, OFPUTIL_P_OF15_OXM);
    ofpmsg_update_length(msg);
    ((struct ofp_header *) msg->data)->xid = htonl(OFCONN_XID_PACKETS);
    ofpbuf_put(b, msg->data, msg->size);
    ofpbuf_delete(msg);
}

void
ofpacket_put_output(struct ofpbuf *b, uint32_t ofport, const void *bytes,
                    size_t size)
{
    uint64_t stub[64 / 8];
    struct ofpbuf ofpacts = OFPBUF_STUB_INITIALIZER(stub);
    struct ofputil_packet_out po;

    match_init_catchall(&po.flow_metadata);
    match_set_in_port(&po.flow_metadata, OFPP_CONTROLLER);
    ofpact_put_OUTPUT(&ofpacts)->port = u16_to_ofp(ofport);
    put_packet_out(b, &po, &ofpacts, bytes, size);
    ofpbuf_uninit(&ofpacts);
}

void
ofpacket_put_resubmit(struct ofpbuf *b, uint8_t table, uint32_t in_port,
                      const uint32_t regs[OFPACKET_REGS], const void *bytes,
                      size_t size)
{
    uint64_t stub[64 / 8];
    struct ofpbuf ofpacts = OFPBUF_STUB_INITIALIZER(stub);
    struct ofpact_resubmit *resubmit;
    struct ofputil_packet_out po;

    match_init_catchall(&po.flow_metadata);
    match_set_in_port(&po.flow_metadata, u16_to_ofp(in_port));
    for (unsigned i = 0; i < OFPACKET_REGS; i++) {
        if (regs[i]) {
            match_set_reg(&po.flow_metadata, i, regs[i]);
        }
    }
    resubmit = ofpact_put_RESUBMIT(&ofpacts);
    resubmit->in_port = OFPP_IN_PORT;
    resubmit->table_id = table;
    put_packet_out(b, &po, &ofpacts, bytes, size);
    ofpbuf_uninit(&ofpacts);
}
