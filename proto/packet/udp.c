/* SPDX-License-Identifier: Apache-2.0
 *
 * UDP over IPv4, taken apart and put together for apps: that part of
 * include/vmn/packet.h.  RFC 768, RFC 791, RFC 1071.  Every length is held
 * against what there is before anything is read. */

#include <config.h>

#include "vmn/packet.h"

#include <string.h>

#include "csum.h"
#include "packets.h"
#include "unaligned.h"
#include "util.h"

#define ETH_SIZE 14
#define IPV4_SIZE 20
#define UDP_SIZE 8
#define PROTO_UDP 17
#define DEFAULT_TTL 64

BUILD_ASSERT_DECL(VMN_UDP_HEADERS == ETH_SIZE + IPV4_SIZE + UDP_SIZE);

static uint16_t
get_u16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

static void
put_u16(uint8_t *p, uint16_t value)
{
    p[0] = value >> 8;
    p[1] = value & 0xff;
}

/* The sum over the pseudo header: addresses, protocol, length of UDP. */
static uint32_t
csum_pseudo(const uint8_t src[4], const uint8_t dst[4], size_t udp_size)
{
    uint32_t partial = csum_continue(0, src, 4);

    partial = csum_continue(partial, dst, 4);
    partial = csum_add16(partial, htons(PROTO_UDP));
    return csum_add16(partial, htons(udp_size));
}

static struct vmn_ip
get_ip(const uint8_t *p)
{
    struct vmn_ip ip = { .family = 4 };

    memcpy(ip.addr, p, 4);
    return ip;
}

bool
vmn_udp_parse(const uint8_t *bytes, size_t size, struct vmn_udp *udp)
{
    const uint8_t *ip = bytes + ETH_SIZE, *l4;
    size_t header, total, udp_size;

    if (size < VMN_UDP_HEADERS || get_u16(bytes + 12) != VMN_ETH_IPV4
        || ip[0] >> 4 != 4 || ip[9] != PROTO_UDP) {
        return false;
    }
    header = (ip[0] & 0xf) * 4;
    total = get_u16(ip + 2);    /* Ethernet may have padded it. */
    if (header < IPV4_SIZE || total > size - ETH_SIZE
        || total < header + UDP_SIZE
        || get_u16(ip + 6) & 0x3fff /* More fragments, or an offset. */
        || csum(ip, header)) {
        return false;
    }
    l4 = ip + header;
    udp_size = get_u16(l4 + 4);
    if (udp_size < UDP_SIZE || udp_size > total - header) {
        return false;
    }
    if (get_u16(l4 + 6)
        && csum_finish(csum_continue(csum_pseudo(ip + 12, ip + 16, udp_size),
                                     l4, udp_size))) {
        return false;
    }
    memcpy(udp->eth_dst.ea, bytes, 6);
    memcpy(udp->eth_src.ea, bytes + 6, 6);
    udp->ip_src = get_ip(ip + 12);
    udp->ip_dst = get_ip(ip + 16);
    udp->ttl = ip[8];
    udp->src_port = get_u16(l4);
    udp->dst_port = get_u16(l4 + 2);
    udp->payload = l4 + UDP_SIZE;
    udp->payload_size = udp_size - UDP_SIZE;
    return true;
}

void
vmn_udp_turn(struct vmn_udp *udp)
{
    struct vmn_mac mac = udp->eth_src;
    struct vmn_ip ip = udp->ip_src;
    uint16_t port = udp->src_port;

    udp->eth_src = udp->eth_dst;
    udp->eth_dst = mac;
    udp->ip_src = udp->ip_dst;
    udp->ip_dst = ip;
    udp->src_port = udp->dst_port;
    udp->dst_port = port;
    udp->ttl = DEFAULT_TTL;
}

size_t
vmn_udp_build(const struct vmn_udp *udp, uint8_t *buffer, size_t size)
{
    uint8_t *ip = buffer + ETH_SIZE;
    uint8_t *l4 = ip + IPV4_SIZE;
    size_t udp_size;
    ovs_be16 sum;

    if (size < VMN_UDP_HEADERS || udp->payload_size > size - VMN_UDP_HEADERS
        || udp->payload_size > UINT16_MAX - IPV4_SIZE - UDP_SIZE) {
        return 0;
    }
    udp_size = UDP_SIZE + udp->payload_size;

    memcpy(buffer, udp->eth_dst.ea, 6);
    memcpy(buffer + 6, udp->eth_src.ea, 6);
    put_u16(buffer + 12, VMN_ETH_IPV4);

    memset(ip, 0, IPV4_SIZE);
    ip[0] = 0x45;
    put_u16(ip + 2, IPV4_SIZE + udp_size);
    put_u16(ip + 6, 0x4000);    /* Not to be fragmented. */
    ip[8] = udp->ttl;
    ip[9] = PROTO_UDP;
    memcpy(ip + 12, udp->ip_src.addr, 4);
    memcpy(ip + 16, udp->ip_dst.addr, 4);
    sum = csum(ip, IPV4_SIZE);
    memcpy(ip + 10, &sum, sizeof sum);

    put_u16(l4, udp->src_port);
    put_u16(l4 + 2, udp->dst_port);
    put_u16(l4 + 4, udp_size);
    put_u16(l4 + 6, 0);
    memmove(l4 + UDP_SIZE, udp->payload, udp->payload_size);
    sum = csum_finish(csum_continue(csum_pseudo(ip + 12, ip + 16, udp_size),
                                    l4, udp_size));
    if (!sum) {
        sum = OVS_BE16_MAX;     /* 0 would mean that there is none. */
    }
    memcpy(l4 + 6, &sum, sizeof sum);
    return VMN_UDP_HEADERS + udp->payload_size;
}
