/* SPDX-License-Identifier: Apache-2.0
 *
 * Builds the OpenFlow 1.5 messages of ofmsg.h.  Used by the fabric. */

#include <config.h>

#include "proto/openflow/ofmsg.h"

#include "byte-order.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-bundle.h"
#include "openvswitch/ofp-ct.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofp-packet.h"
#include "openvswitch/ofp-protocol.h"
#include "openvswitch/ofp-util.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

/* Moves 'msg' to the end of 'b', with 'xid'. */
static void
append(struct ofpbuf *b, struct ofpbuf *msg, uint32_t xid)
{
    ofpmsg_update_length(msg);  /* Not all encoders do. */
    ((struct ofp_header *) msg->data)->xid = htonl(xid);
    ofpbuf_put(b, msg->data, msg->size);
    ofpbuf_delete(msg);
}

static void
put_bundle_ctrl(struct ofpbuf *b, uint32_t bundle_id, uint16_t type,
                uint32_t xid)
{
    struct ofputil_bundle_ctrl_msg ctrl = {
        .bundle_id = bundle_id,
        .type = type,
        .flags = OFMSG_BUNDLE_FLAGS,
    };

    append(b, ofputil_encode_bundle_ctrl_request(OFP15_VERSION, &ctrl), xid);
}

void
ofmsg_put(struct ofpbuf *b, const void *msgs, size_t size)
{
    if (ofpbuf_tailroom(b) < size) {
        ofpbuf_prealloc_tailroom(b, MAX(size, b->size));
    }
    ofpbuf_put(b, msgs, size);
}

void
ofmsg_put_bundle_open(struct ofpbuf *b, uint32_t bundle_id, uint32_t xid)
{
    put_bundle_ctrl(b, bundle_id, OFPBCT_OPEN_REQUEST, xid);
}

void
ofmsg_put_bundle_commit(struct ofpbuf *b, uint32_t bundle_id, uint32_t xid)
{
    put_bundle_ctrl(b, bundle_id, OFPBCT_COMMIT_REQUEST, xid);
}

void
ofmsg_put_bundle_discard(struct ofpbuf *b, uint32_t bundle_id, uint32_t xid)
{
    put_bundle_ctrl(b, bundle_id, OFPBCT_DISCARD_REQUEST, xid);
}

void
ofmsg_put_bundle_add(struct ofpbuf *b, uint32_t bundle_id,
                     const struct ofp_header *inner)
{
    struct ofputil_bundle_add_msg add = {
        .bundle_id = bundle_id,
        .flags = OFMSG_BUNDLE_FLAGS,
        .msg = inner,
    };

    append(b, ofputil_encode_bundle_add(OFP15_VERSION, &add),
           ntohl(inner->xid));
}

void
ofmsg_put_barrier(struct ofpbuf *b, uint32_t xid)
{
    append(b, ofputil_encode_barrier_request(OFP15_VERSION), xid);
}

void
ofmsg_put_flow_request(struct ofpbuf *b, uint8_t table, uint64_t cookie_bits,
                       const struct match *match, uint32_t xid)
{
    struct ofputil_flow_stats_request request = {
        .cookie = htonll(cookie_bits),
        .cookie_mask = htonll(cookie_bits),
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
        .table_id = table,
    };

    if (match) {
        request.match = *match;
    } else {
        match_init_catchall(&request.match);
    }
    append(b, ofputil_encode_flow_stats_request(&request,
                                                OFPUTIL_P_OF15_OXM), xid);
}

void
ofmsg_put_group_request(struct ofpbuf *b, uint32_t xid)
{
    append(b, ofputil_encode_group_desc_request(OFP15_VERSION, OFPG_ALL),
           xid);
}

void
ofmsg_put_ct_flush(struct ofpbuf *b, const struct ofp_ct_match *match,
                   uint16_t zone, uint32_t xid)
{
    append(b, ofp_ct_match_encode(match, &zone, OFP15_VERSION), xid);
}

bool
ofmsg_decode_bundle_reply(const struct ofp_header *oh, uint16_t *type,
                          uint32_t *bundle_id)
{
    struct ofputil_bundle_ctrl_msg ctrl;

    if (ofputil_decode_bundle_ctrl(oh, &ctrl)) {
        return false;
    }
    *type = ctrl.type;
    *bundle_id = ctrl.bundle_id;
    return true;
}

uint32_t
ofmsg_error_xid(const struct ofp_header *oh)
{
    return ntohl(oh->xid);
}

bool
ofmsg_error_get_cookie(const struct ofp_header *oh, uint64_t *cookie)
{
    struct ofpbuf payload;
    const struct ofp_header *request;
    enum ofpraw raw;
    bool is_flow_mod = false;

    ofperr_decode_msg(oh, &payload);
    request = payload.data;
    if (payload.size >= sizeof *request + sizeof *cookie
        && !ofpraw_decode_partial(&raw, request, payload.size)
        && ofptype_from_ofpraw(raw) == OFPTYPE_FLOW_MOD) {
        ovs_be64 value;

        memcpy(&value, request + 1, sizeof value);
        *cookie = ntohll(value);
        is_flow_mod = true;
    }
    ofpbuf_uninit(&payload);
    return is_flow_mod;
}

bool
ofmsg_error_is_full(const struct ofp_header *oh)
{
    return ofperr_decode_msg(oh, NULL) == OFPERR_OFPFMFC_TABLE_FULL;
}

bool
ofmsg_error_is_known_meter(const struct ofp_header *oh)
{
    return ofperr_decode_msg(oh, NULL) == OFPERR_OFPMMFC_METER_EXISTS;
}

const char *
ofmsg_error_name(const struct ofp_header *oh)
{
    enum ofperr error = ofperr_decode_msg(oh, NULL);

    return error ? ofperr_get_name(error) : "unknown error";
}
