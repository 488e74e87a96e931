/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets between a switch and its controller: what a packet-in says, and
 * packet-outs.  libopenvswitch is the codec.  Packet-ins come as
 * NXT_PACKET_IN2, which has the user data of the flow's action
 * (ofconn_options.packet_ins asks for that).  Used by the fabric; not for what
 * is in a packet. */

#ifndef PROTO_OPENFLOW_OFPACKET_H
#define PROTO_OPENFLOW_OFPACKET_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/ofp-errors.h"

struct ofp_header;
struct ofpbuf;

#define OFPACKET_REGS 16

/* The connection that a packet belongs to: conntrack's original tuple, before
 * any NAT, and its zone (ovs-fields(7), ct_nw_dst, ct_zone). */
struct ofpacket_ct {
    int family;                 /* 4, 6, or 0: the message does not say. */
    uint8_t protocol;
    uint16_t zone;
    uint8_t src[16], dst[16];   /* Network order. */
    uint16_t src_port, dst_port; /* Host order; type and code for ICMP. */
    bool is_reply;              /* The packet is of the other direction. */
};

struct ofpacket_in {
    uint32_t in_port;           /* 0: the message does not say. */
    uint32_t regs[OFPACKET_REGS];
    uint64_t metadata;          /* OpenFlow's. */
    uint64_t tun_id;
    struct ofpacket_ct ct;
    const uint8_t *userdata;    /* Into the message, as 'bytes'. */
    size_t userdata_size;
    const uint8_t *bytes;       /* The packet, or its beginning. */
    size_t size;                /* Of 'bytes'. */
    size_t full_size;           /* Of the packet. */
};

/* What packets of a port have in common comes in the same bytes each time, and
 * is decoded once.  Zeroed is empty. */
struct ofpacket_cache {
    struct ofpacket_metadata *entries[64]; /* By a hash of the bytes. */
};
void ofpacket_cache_uninit(struct ofpacket_cache *);

/* Decodes 'oh', an OFPTYPE_PACKET_IN.  Returns 0, or why it makes no sense. */
enum ofperr ofpacket_decode(const struct ofp_header *oh,
                            struct ofpacket_cache *, struct ofpacket_in *);

/* Sets '*flow' to the packet of 'oh', an OFPTYPE_PACKET_IN that was decoded
 * without an error, or to what its first bytes say of it: with its metadata as
 * the switch had them, registers and conntrack's state among them.  Takes
 * longer than ofpacket_decode().  Returns false if it makes no sense. */
struct flow;
bool ofpacket_get_flow(const struct ofp_header *oh, struct flow *flow);

/* A packet-out but for the packet, encoded: good for any number of packets.
 * Its xid is OFCONN_XID_PACKETS. */
struct ofpacket_out {
    size_t size;                /* 0: not made yet. */
    uint8_t bytes[248];
};

/* Packets go out of port 'ofport'. */
void ofpacket_make_output(struct ofpacket_out *, uint32_t ofport);
/* They go through the flows from 'table' on, as if they had come in by
 * 'in_port' with these registers. */
void ofpacket_make_resubmit(struct ofpacket_out *, uint8_t table,
                            uint32_t in_port,
                            const uint32_t regs[OFPACKET_REGS]);
/* Appends the message that sends packet 'bytes', at most OFPACKET_MAX of
 * them. */
#define OFPACKET_MAX 65000
void ofpacket_put(struct ofpbuf *, const struct ofpacket_out *,
                  const void *bytes, size_t size);

#endif /* proto/openflow/ofpacket.h */
