/* SPDX-License-Identifier: Apache-2.0
 *
 * The packet of a live trace as bytes; see live-frame.h. */

#include <config.h>

#include "controller/simulator/live-frame.h"

#include <netinet/in.h>
#include <netinet/ip6.h>
#include <string.h>

#include "byte-order.h"
#include "controller/schema/arena.h"
#include "crc32c.h"
#include "csum.h"
#include "dp-packet.h"
#include "flow.h"
#include "packets.h"
#include "util.h"

/* SCTP's INIT (RFC 9260, section 3.3.2), which begins an association, without
 * parameters. */
#define SCTP_INIT 1

struct sctp_init {
    uint8_t type;
    uint8_t flags;
    ovs_be16 length;
    ovs_be32 tag;               /* Not 0. */
    ovs_be32 window;            /* At least 1500. */
    ovs_be16 n_out, n_in;       /* Streams, at least one. */
    ovs_be32 tsn;
};
BUILD_ASSERT_DECL(sizeof(struct sctp_init) == 20);

/* Appends an INIT to SCTP's header, if there is one: conntrack looks at it,
 * and at the checksum of both. */
static void
put_sctp_init(const struct flow *flow, uint16_t id, struct dp_packet *packet)
{
    const struct sctp_init init = {
        .type = SCTP_INIT,
        .length = htons(sizeof init),
        .tag = htonl(UINT32_C(0x10000) | id),
        .window = htonl(65536),
        .n_out = htons(1),
        .n_in = htons(1),
        .tsn = htonl(1),
    };
    struct sctp_header *sctp;

    if (!dp_packet_l4(packet)
        || dp_packet_l4_size(packet) < SCTP_HEADER_LEN) {
        return;
    }
    dp_packet_put(packet, &init, sizeof init);
    if (flow->dl_type == htons(ETH_TYPE_IP)) {
        struct ip_header *ip = dp_packet_l3(packet);

        ip->ip_tot_len = htons(ntohs(ip->ip_tot_len) + sizeof init);
        ip->ip_csum = 0;
        ip->ip_csum = csum(ip, sizeof *ip);
    } else {
        struct ovs_16aligned_ip6_hdr *ip6 = dp_packet_l3(packet);

        ip6->ip6_plen = htons(ntohs(ip6->ip6_plen) + sizeof init);
    }
    sctp = dp_packet_l4(packet);
    put_16aligned_be32(&sctp->sctp_csum, 0);
    put_16aligned_be32(&sctp->sctp_csum,
                       crc32c((const uint8_t *) sctp,
                              sizeof *sctp + sizeof init));
}

/* Gives an echo request an identifier of its own: conntrack would take it for
 * one of an earlier trace's. */
static void
set_echo_id(const struct flow *flow, uint16_t id, struct dp_packet *packet)
{
    struct icmp_header *icmp = dp_packet_l4(packet);

    if (!icmp || dp_packet_l4_size(packet) < ICMP_HEADER_LEN) {
        return;
    }
    if ((flow->nw_proto == IPPROTO_ICMP
         && flow->tp_src == htons(ICMP4_ECHO_REQUEST))
        || (flow->nw_proto == IPPROTO_ICMPV6
            && flow->tp_src == htons(ICMP6_ECHO_REQUEST))) {
        icmp->icmp_csum = recalc_csum16(icmp->icmp_csum,
                                        icmp->icmp_fields.echo.id, htons(id));
        icmp->icmp_fields.echo.id = htons(id);
    }
}

const uint8_t *
live_frame_make(const struct flow *flow, uint16_t id, struct arena *arena,
                size_t *size)
{
    uint64_t stub[2048 / 8];
    struct dp_packet packet;
    const uint8_t *frame;

    dp_packet_use_stub(&packet, stub, sizeof stub);
    flow_compose(&packet, flow, NULL, 0);
    if (flow->nw_proto == IPPROTO_SCTP) {
        put_sctp_init(flow, id, &packet);
    } else {
        set_echo_id(flow, id, &packet);
    }
    *size = dp_packet_size(&packet);
    frame = (const uint8_t *) arena_memdup0(arena, dp_packet_data(&packet),
                                            *size);
    dp_packet_uninit(&packet);
    return frame;
}
