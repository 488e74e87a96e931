/* SPDX-License-Identifier: Apache-2.0
 *
 * UDP over IPv4 and IPv6, taken apart and put together for apps: that part of
 * include/vmn/packet.h.  RFC 768, RFC 791, RFC 1071, RFC 8200.  Every length
 * is held against what there is before anything is read. */

#include <config.h>

#include "vmn/packet.h"

#include <string.h>

#include "csum.h"
#include "packets.h"
#include "proto/packet/packet-bytes.h"
#include "util.h"

#define UDP_SIZE 8
#define DEFAULT_TTL 64

BUILD_ASSERT_DECL(VMN_UDP_HEADERS == ETH_SIZE + IPV4_SIZE + UDP_SIZE);
BUILD_ASSERT_DECL(VMN_UDP6_HEADERS == ETH_SIZE + IPV6_SIZE + UDP_SIZE);

static size_t
ip_size(uint8_t family)
{
    return family == 6 ? 16 : 4;
}

static struct vmn_ip
get_ip(uint8_t family, const uint8_t *p)
{
    struct vmn_ip ip = { .family = family };

    memcpy(ip.addr, p, ip_size(family));
    return ip;
}

static ovs_be16
udp_csum(const struct vmn_ip *src, const struct vmn_ip *dst,
         const uint8_t *l4, size_t udp_size)
{
    return csum_with_pseudo(src->addr, dst->addr, ip_size(src->family),
                            VMN_IP_PROTO_UDP, l4, udp_size);
}

/* Taking apart.  ---------------------------------------------------------- */

/* Returns what follows the IPv4 header of 'ip', which has 'size' bytes that
 * may include Ethernet's padding; NULL if it is not valid UDP. */
static const uint8_t *
parse_ipv4(const uint8_t *ip, size_t size, size_t *l4_size,
           struct vmn_udp *udp)
{
    size_t header, total;

    if (size < IPV4_SIZE || ip[0] >> 4 != 4 || ip[9] != VMN_IP_PROTO_UDP) {
        return NULL;
    }
    header = (ip[0] & 0xf) * 4;
    total = get_u16(ip + 2);
    if (header < IPV4_SIZE || total > size || total < header
        || get_u16(ip + 6) & 0x3fff /* More fragments, or an offset. */
        || csum(ip, header)) {
        return NULL;
    }
    udp->ip_src = get_ip(4, ip + 12);
    udp->ip_dst = get_ip(4, ip + 16);
    udp->ttl = ip[8];
    *l4_size = total - header;
    return ip + header;
}

/* Does the same for IPv6, without extension headers. */
static const uint8_t *
parse_ipv6(const uint8_t *ip, size_t size, size_t *l4_size,
           struct vmn_udp *udp)
{
    if (size < IPV6_SIZE || ip[0] >> 4 != 6 || ip[6] != VMN_IP_PROTO_UDP
        || get_u16(ip + 4) > size - IPV6_SIZE) {
        return NULL;
    }
    udp->ip_src = get_ip(6, ip + 8);
    udp->ip_dst = get_ip(6, ip + 24);
    udp->ttl = ip[7];
    *l4_size = get_u16(ip + 4);
    return ip + IPV6_SIZE;
}

bool
vmn_udp_parse(const uint8_t *bytes, size_t size, struct vmn_udp *udp_)
{
    struct vmn_udp udp;
    const uint8_t *l4;
    size_t l4_size, udp_size;
    uint16_t eth_type;

    if (size < ETH_SIZE) {
        return false;
    }
    eth_type = get_u16(bytes + 12);
    l4 = (eth_type == VMN_ETH_IPV4
          ? parse_ipv4(bytes + ETH_SIZE, size - ETH_SIZE, &l4_size, &udp)
          : eth_type == VMN_ETH_IPV6
          ? parse_ipv6(bytes + ETH_SIZE, size - ETH_SIZE, &l4_size, &udp)
          : NULL);
    if (!l4 || l4_size < UDP_SIZE) {
        return false;
    }
    udp_size = get_u16(l4 + 4);
    if (udp_size < UDP_SIZE || udp_size > l4_size) {
        return false;
    }
    /* Only IPv4 allows it to be absent (RFC 8200, section 8.1). */
    if ((udp.ip_src.family == 6 || get_u16(l4 + 6))
        && (!get_u16(l4 + 6)
            || udp_csum(&udp.ip_src, &udp.ip_dst, l4, udp_size))) {
        return false;
    }
    memcpy(udp.eth_dst.ea, bytes, 6);
    memcpy(udp.eth_src.ea, bytes + 6, 6);
    udp.src_port = get_u16(l4);
    udp.dst_port = get_u16(l4 + 2);
    udp.payload = l4 + UDP_SIZE;
    udp.payload_size = udp_size - UDP_SIZE;
    *udp_ = udp;
    return true;
}

void
vmn_udp_swap(struct vmn_udp *udp)
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

/* Putting together.  ------------------------------------------------------ */

static void
put_ipv4(const struct vmn_udp *udp, size_t udp_size, uint8_t *ip)
{
    ovs_be16 sum;

    memset(ip, 0, IPV4_SIZE);
    ip[0] = 0x45;
    put_u16(ip + 2, size_u16(IPV4_SIZE + udp_size));
    put_u16(ip + 6, 0x4000);    /* Do not fragment. */
    ip[8] = udp->ttl;
    ip[9] = VMN_IP_PROTO_UDP;
    memcpy(ip + 12, udp->ip_src.addr, 4);
    memcpy(ip + 16, udp->ip_dst.addr, 4);
    sum = csum(ip, IPV4_SIZE);
    memcpy(ip + 10, &sum, sizeof sum);
}

static void
put_ipv6(const struct vmn_udp *udp, size_t udp_size, uint8_t *ip)
{
    memset(ip, 0, IPV6_SIZE);
    ip[0] = 0x60;
    put_u16(ip + 4, size_u16(udp_size));
    ip[6] = VMN_IP_PROTO_UDP;
    ip[7] = udp->ttl;
    memcpy(ip + 8, udp->ip_src.addr, 16);
    memcpy(ip + 24, udp->ip_dst.addr, 16);
}

size_t
vmn_udp_build(const struct vmn_udp *udp, uint8_t *buffer, size_t size)
{
    bool v6 = udp->ip_src.family == 6;
    size_t headers = v6 ? VMN_UDP6_HEADERS : VMN_UDP_HEADERS;
    uint8_t *l4 = buffer + headers - UDP_SIZE;
    size_t udp_size;
    ovs_be16 sum;

    if (size < headers || udp->payload_size > size - headers
        || udp->payload_size > UINT16_MAX - IPV4_SIZE - UDP_SIZE
        || udp->ip_dst.family != udp->ip_src.family) {
        return 0;
    }
    /* First, since the headers may overwrite it. */
    memmove(l4 + UDP_SIZE, udp->payload, udp->payload_size);
    udp_size = UDP_SIZE + udp->payload_size;

    memcpy(buffer, udp->eth_dst.ea, 6);
    memcpy(buffer + 6, udp->eth_src.ea, 6);
    put_u16(buffer + 12, v6 ? VMN_ETH_IPV6 : VMN_ETH_IPV4);
    if (v6) {
        put_ipv6(udp, udp_size, buffer + ETH_SIZE);
    } else {
        put_ipv4(udp, udp_size, buffer + ETH_SIZE);
    }

    put_u16(l4, udp->src_port);
    put_u16(l4 + 2, udp->dst_port);
    put_u16(l4 + 4, size_u16(udp_size));
    put_u16(l4 + 6, 0);
    sum = udp_csum(&udp->ip_src, &udp->ip_dst, l4, udp_size);
    if (!sum) {
        sum = OVS_BE16_MAX;     /* 0 would mean that there is no checksum. */
    }
    memcpy(l4 + 6, &sum, sizeof sum);
    return headers + udp->payload_size;
}
