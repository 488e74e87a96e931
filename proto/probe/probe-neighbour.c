/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking a guest whose address is its own, by ARP (RFC 826) or neighbour
 * discovery (RFC 4861): what no firewall of a guest is in the way of.  The
 * question is for its Ethernet address alone, so nobody else hears it.
 *
 * Neither has a number by which a question and its answer belong together, so
 * who hands in frames has to know that they are from the guest. */

#include <config.h>

#include <string.h>

#include "packets.h"
#include "proto/packet/packet-bytes.h"
#include "proto/probe/probe-private.h"
#include "util.h"
#include "vmn/packet.h"

#define ARP_REPLY 2
#define ADVERT_SIZE 24          /* Without options. */
#define FLAG_SOLICITED 0x40
#define HOP_LIMIT 255           /* RFC 4861, section 7.1.2. */

BUILD_ASSERT_DECL(VMN_ARP_SIZE <= PROBE_FRAME_SIZE);
BUILD_ASSERT_DECL(VMN_ND_SOLICIT_SIZE <= PROBE_FRAME_SIZE);

/* Where the addresses of ARP are in a frame. */
enum { ARP_HEAD = ETH_SIZE, ARP_OP = 20, ARP_SHA = 22, ARP_SPA = 28,
       ARP_TPA = 38 };

void
probe_neighbour_ask(const struct probe *p, struct probe_frames *frames)
{
    uint8_t *frame = frames->bytes[0];

    if (p->dst.family == 6) {
        vmn_nd_solicit_build(p->src_mac, &p->src, &p->dst, frame);
        frames->sizes[0] = VMN_ND_SOLICIT_SIZE;
    } else {
        vmn_arp_request_build(p->src_mac, &p->src, &p->dst, frame);
        frames->sizes[0] = VMN_ARP_SIZE;
    }
    memcpy(frame, p->dst_mac.ea, 6);
    frames->n = 1;
}

/* Returns true if the frame is a reply of ARP for Ethernet and IPv4. */
static bool
is_arp_reply(const uint8_t *frame, size_t size)
{
    static const uint8_t head[] = { 0, 1, 8, 0, 6, 4, 0, ARP_REPLY };

    return (size >= VMN_ARP_SIZE && get_u16(frame + 12) == VMN_ETH_ARP
            && !memcmp(frame + ARP_HEAD, head, sizeof head));
}

/* Returns true if the frame is an advertisement that answers somebody. */
static bool
is_advert(const uint8_t *frame, size_t size)
{
    const uint8_t *ip = frame + ETH_SIZE, *icmp = ip + IPV6_SIZE;
    size_t icmp_size;

    if (size < ETH_SIZE + IPV6_SIZE + ADVERT_SIZE
        || get_u16(frame + 12) != VMN_ETH_IPV6 || ip[0] >> 4 != 6) {
        return false;
    }
    icmp_size = get_u16(ip + 4);
    return (ip[6] == VMN_IP_PROTO_ICMPV6 && ip[7] == HOP_LIMIT
            && icmp_size >= ADVERT_SIZE
            && icmp_size <= size - ETH_SIZE - IPV6_SIZE
            && icmp[0] == ICMP6_ADVERTISEMENT && !icmp[1]
            && icmp[4] & FLAG_SOLICITED && !csum_icmpv6(ip, icmp_size));
}

bool
probe_neighbour_address(const uint8_t *frame, size_t size,
                        struct vmn_ip *server)
{
    bool arp = is_arp_reply(frame, size);

    if (!arp && !is_advert(frame, size)) {
        return false;
    }
    memset(server, 0, sizeof *server);
    server->family = arp ? 4 : 6;
    memcpy(server->addr, frame + (arp ? ARP_SPA : ETH_SIZE + IPV6_SIZE + 8),
           arp ? 4 : 16);
    return true;
}

enum probe_verdict
probe_neighbour_receive(struct probe *p, const uint8_t *frame, size_t size)
{
    struct vmn_ip from;
    bool ours;

    if (!probe_neighbour_address(frame, size, &from)
        || !vmn_ip_equal(&from, &p->dst)
        || memcmp(frame + 6, p->dst_mac.ea, 6)) {
        return PROBE_IGNORED;
    }
    ours = (from.family == 4
            ? !memcmp(frame + ARP_SHA, p->dst_mac.ea, 6)
              && !memcmp(frame + ARP_TPA, p->src.addr, 4)
            : !memcmp(frame + ETH_SIZE + 24, p->src.addr, 16));
    return ours ? probe_succeeds(p) : PROBE_IGNORED;
}
