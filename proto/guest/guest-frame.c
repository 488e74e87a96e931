/* SPDX-License-Identifier: Apache-2.0
 *
 * TCP segments in frames; see guest-frame.h.  Every length is held against
 * what there is before anything is read. */

#include <config.h>

#include "proto/guest/guest-frame.h"

#include <string.h>

#include "proto/packet/packet-bytes.h"
#include "util.h"

#define ETH_TYPE_4 0x0800
#define ETH_TYPE_6 0x86dd
#define PROTO_TCP 6
#define TCP_MIN 20
#define TCP_SUM 16              /* Offset of the checksum. */

static const char malformed[] = "malformed";
static const char not_tcp[] = "not TCP";

/* True of addresses that are not one host's: nobody answers them. */
static bool
is_no_host(const struct vmn_ip *ip)
{
    static const struct vmn_ip none = { 6, { 0 } };

    return (ip->family == 4
            ? !ip->addr[0] || ip->addr[0] == 127 || ip->addr[0] >= 224
            : ip->addr[0] == 0xff || vmn_ip_equal(ip, &none));
}

static const char *
parse_ipv4(const uint8_t *ip, size_t room, struct guest_ends *ends,
           const uint8_t **l4, size_t *size)
{
    size_t header, total;

    if (room < IPV4_SIZE || ip[0] >> 4 != 4) {
        return malformed;
    }
    header = (ip[0] & 0xf) * 4u;
    total = get_u16(ip + 2);
    if (header < IPV4_SIZE || total < header || total > room
        || csum(ip, header)) {
        return malformed;
    }
    if (get_u16(ip + 6) & 0x3fff) {
        return "fragment";
    }
    if (ip[9] != PROTO_TCP) {
        return not_tcp;
    }
    ends->ip_src.family = ends->ip_dst.family = 4;
    memcpy(ends->ip_src.addr, ip + 12, 4);
    memcpy(ends->ip_dst.addr, ip + 16, 4);
    *l4 = ip + header;
    *size = total - header;
    return NULL;
}

static const char *
parse_ipv6(const uint8_t *ip, size_t room, struct guest_ends *ends,
           const uint8_t **l4, size_t *size)
{
    if (room < IPV6_SIZE || ip[0] >> 4 != 6
        || get_u16(ip + 4) > room - IPV6_SIZE) {
        return malformed;
    }
    if (ip[6] != PROTO_TCP) {
        return not_tcp;
    }
    ends->ip_src.family = ends->ip_dst.family = 6;
    memcpy(ends->ip_src.addr, ip + 8, 16);
    memcpy(ends->ip_dst.addr, ip + 24, 16);
    *l4 = ip + IPV6_SIZE;
    *size = get_u16(ip + 4);
    return NULL;
}

static ovs_be16
segment_csum(const struct guest_ends *ends, const uint8_t *segment,
             size_t size)
{
    return csum_with_pseudo(ends->ip_src.addr, ends->ip_dst.addr,
                            ends->ip_src.family == 4 ? 4 : 16, PROTO_TCP,
                            segment, size);
}

const char *
guest_frame_parse(const uint8_t *frame, size_t frame_size,
                  struct guest_ends *ends, const uint8_t **segment,
                  size_t *size)
{
    const char *why;
    size_t header;

    memset(ends, 0, sizeof *ends);
    if (frame_size < ETH_SIZE) {
        return malformed;
    }
    memcpy(ends->eth_dst.ea, frame, 6);
    memcpy(ends->eth_src.ea, frame + 6, 6);
    switch (get_u16(frame + 12)) {
    case ETH_TYPE_4:
        why = parse_ipv4(frame + ETH_SIZE, frame_size - ETH_SIZE, ends,
                         segment, size);
        break;
    case ETH_TYPE_6:
        why = parse_ipv6(frame + ETH_SIZE, frame_size - ETH_SIZE, ends,
                         segment, size);
        break;
    default:
        why = not_tcp;
        break;
    }
    if (why) {
        return why;
    }
    if (frame[0] & 1 || frame[6] & 1 || is_no_host(&ends->ip_src)
        || is_no_host(&ends->ip_dst) || *size < TCP_MIN) {
        return malformed;
    }
    header = ((*segment)[12] >> 4) * 4u;
    if (header < TCP_MIN || header > *size
        || segment_csum(ends, *segment, *size)) {
        return malformed;
    }
    ends->src_port = get_u16(*segment);
    ends->dst_port = get_u16(*segment + 2);
    return ends->src_port ? NULL : malformed;
}

static uint8_t *
put_ipv4(const struct guest_ends *ends, uint8_t ttl, size_t size, uint8_t *ip)
{
    ovs_be16 sum;

    memset(ip, 0, IPV4_SIZE);
    ip[0] = 0x45;
    put_u16(ip + 2, size_u16(IPV4_SIZE + size));
    put_u16(ip + 6, 0x4000);    /* Do not fragment. */
    ip[8] = ttl;
    ip[9] = PROTO_TCP;
    memcpy(ip + 12, ends->ip_dst.addr, 4);
    memcpy(ip + 16, ends->ip_src.addr, 4);
    sum = csum(ip, IPV4_SIZE);
    memcpy(ip + 10, &sum, sizeof sum);
    return ip + IPV4_SIZE;
}

static uint8_t *
put_ipv6(const struct guest_ends *ends, uint8_t ttl, size_t size, uint8_t *ip)
{
    memset(ip, 0, IPV6_SIZE);
    ip[0] = 0x60;
    put_u16(ip + 4, size_u16(size));
    ip[6] = PROTO_TCP;
    ip[7] = ttl;
    memcpy(ip + 8, ends->ip_dst.addr, 16);
    memcpy(ip + 24, ends->ip_src.addr, 16);
    return ip + IPV6_SIZE;
}

size_t
guest_frame_build(const struct guest_ends *ends, uint8_t ttl,
                  const uint8_t *segment, size_t size, uint8_t *frame)
{
    bool v6 = ends->ip_src.family == 6;
    uint8_t *ip = frame + ETH_SIZE, *l4;
    ovs_be16 sum;

    memcpy(frame, ends->eth_src.ea, 6);
    memcpy(frame + 6, ends->eth_dst.ea, 6);
    put_u16(frame + 12, v6 ? ETH_TYPE_6 : ETH_TYPE_4);
    l4 = (v6 ? put_ipv6 : put_ipv4)(ends, ttl, size, ip);
    memcpy(l4, segment, size);
    put_u16(l4, ends->dst_port);
    put_u16(l4 + 2, ends->src_port);
    memset(l4 + TCP_SUM, 0, 2);
    sum = segment_csum(ends, l4, size);
    memcpy(l4 + TCP_SUM, &sum, sizeof sum);
    return (size_t) (l4 - frame) + size;
}
