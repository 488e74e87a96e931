/* SPDX-License-Identifier: Apache-2.0
 *
 * The OpenFlow 1.5 messages that a controller of bundles sends, each appended
 * to a buffer, and what comes back for them.  libopenvswitch is the codec.
 * Not for flows and groups themselves: their users encode those. */

#ifndef PROTO_OPENFLOW_OFMSG_H
#define PROTO_OPENFLOW_OFMSG_H 1

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/types.h"

struct match;
struct ofp_ct_match;
struct ofpbuf;

/* All bundles are atomic and ordered. */
#define OFMSG_BUNDLE_FLAGS (OFPBF_ATOMIC | OFPBF_ORDERED)

/* Appends messages.  A buffer that is full doubles: an ofpbuf alone would grow
 * by the size of the addition. */
void ofmsg_put(struct ofpbuf *, const void *msgs, size_t size);

void ofmsg_put_bundle_open(struct ofpbuf *, uint32_t bundle_id, uint32_t xid);
void ofmsg_put_bundle_commit(struct ofpbuf *, uint32_t bundle_id,
                             uint32_t xid);
void ofmsg_put_bundle_discard(struct ofpbuf *, uint32_t bundle_id,
                              uint32_t xid);
/* 'inner' is the message to put into the bundle; its xid is also the outer
 * one. */
void ofmsg_put_bundle_add(struct ofpbuf *, uint32_t bundle_id,
                          const struct ofp_header *inner);

void ofmsg_put_barrier(struct ofpbuf *, uint32_t xid);
/* All flows of 'table', or of all tables, whose cookies have all bits of
 * 'cookie_bits', and that match all that 'match' does, if it is not NULL. */
#define OFMSG_ALL_TABLES 255
void ofmsg_put_flow_request(struct ofpbuf *, uint8_t table,
                            uint64_t cookie_bits, const struct match *,
                            uint32_t xid);
/* All groups with their buckets. */
void ofmsg_put_group_request(struct ofpbuf *, uint32_t xid);

/* Has the switch forget connections (NXT_CT_FLUSH; Open vSwitch 3.1 and
 * later): those in conntrack 'zone' that have all members of 'match' that are
 * not zero.  There is no answer but an error. */
void ofmsg_put_ct_flush(struct ofpbuf *, const struct ofp_ct_match *match,
                        uint16_t zone, uint32_t xid);

/* What a bundle control reply is about.  False if it is malformed. */
bool ofmsg_decode_bundle_reply(const struct ofp_header *,
                               uint16_t *type, uint32_t *bundle_id);

/* The transaction id of the message that 'oh', an OFPTYPE_ERROR, complains
 * about, in host order. */
uint32_t ofmsg_error_xid(const struct ofp_header *oh);
/* "OFPBAC_BAD_TYPE", or "unknown error".  A constant string. */
const char *ofmsg_error_name(const struct ofp_header *oh);
/* Sets '*cookie' to that of the flow-mod which the switch refuses.  Returns
 * false if it is another message. */
bool ofmsg_error_get_cookie(const struct ofp_header *oh, uint64_t *cookie);
/* True if a flow was refused because its table is full. */
bool ofmsg_error_is_full(const struct ofp_header *oh);
/* True if the error says that a meter that was to be added is there
 * already. */
bool ofmsg_error_is_known_meter(const struct ofp_header *oh);

#endif /* proto/openflow/ofmsg.h */
