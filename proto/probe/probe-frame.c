/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames that a probe sends, and those that come back, up to where the upper
 * layer begins: untagged Ethernet, IPv4 with or without options, IPv6 without
 * extension headers, no fragments.  Every length is held against what there is
 * before anything is read. */

#include <config.h>

#include "proto/probe/probe-private.h"

#include <string.h>

#include "csum.h"
#include "packets.h"
#include "proto/packet/packet-bytes.h"
#include "util.h"
#include "vmn/flow.h"

#define HOP_LIMIT 64

BUILD_ASSERT_DECL(ETH_SIZE + IPV6_SIZE + 20 + PROBE_REQUEST_MAX
                  <= PROBE_FRAME_SIZE);

static bool
is_v6(const struct probe *p)
{
    return p->dst.family == 6;
}

static size_t
ip_size(const struct probe *p)
{
    return is_v6(p) ? 16 : 4;
}

/* The checksum of an upper layer; 0 if the one in it is right. */
static ovs_be16
csum_upper(const struct probe *p, const uint8_t *src, const uint8_t *dst,
           uint8_t proto, const uint8_t *l4, size_t size)
{
    return (proto == VMN_IP_PROTO_ICMP ? csum(l4, size)
            : csum_with_pseudo(src, dst, ip_size(p), proto, l4, size));
}

/* Reading.  --------------------------------------------------------------- */

static bool
parse_ipv4(const uint8_t *ip, size_t size, struct probe_packet *packet)
{
    size_t header, total;

    if (size < IPV4_SIZE || ip[0] >> 4 != 4) {
        return false;
    }
    header = (ip[0] & 0xf) * 4;
    total = get_u16(ip + 2);
    if (header < IPV4_SIZE || total > size || total < header
        || get_u16(ip + 6) & 0x3fff /* More fragments, or an offset. */
        || csum(ip, header)) {
        return false;
    }
    packet->proto = ip[9];
    packet->l4 = ip + header;
    packet->l4_size = total - header;
    return true;
}

static bool
parse_ipv6(const uint8_t *ip, size_t size, struct probe_packet *packet)
{
    if (size < IPV6_SIZE || ip[0] >> 4 != 6
        || get_u16(ip + 4) > size - IPV6_SIZE) {
        return false;
    }
    packet->proto = ip[6];
    packet->l4 = ip + IPV6_SIZE;
    packet->l4_size = get_u16(ip + 4);
    return true;
}

bool
probe_parse(const struct probe *p, const uint8_t *frame, size_t size,
            struct probe_packet *packet)
{
    const uint8_t *ip = frame + ETH_SIZE;
    bool through = p->type == PROBE_THROUGH;
    const uint8_t *src, *dst;
    bool is_icmp;

    if (size < ETH_SIZE || frame[0] & 1
        || get_u16(frame + 12) != (is_v6(p) ? VMN_ETH_IPV6 : VMN_ETH_IPV4)
        || !(is_v6(p) ? parse_ipv6(ip, size - ETH_SIZE, packet)
             : parse_ipv4(ip, size - ETH_SIZE, packet))) {
        return false;
    }
    is_icmp = packet->proto == (is_v6(p) ? VMN_IP_PROTO_ICMPV6
                                : VMN_IP_PROTO_ICMP);
    src = ip + (is_v6(p) ? 8 : 12);
    dst = src + ip_size(p);
    if (memcmp(through ? src : dst, p->src.addr, ip_size(p))
        || ((through || !is_icmp)
            && memcmp(through ? dst : src, p->dst.addr, ip_size(p)))) {
        return false;
    }
    /* UDP's is vmn_udp_parse()'s to look at: it may be absent. */
    return (packet->proto == VMN_IP_PROTO_UDP
            || ((packet->proto == VMN_IP_PROTO_TCP || is_icmp)
                && !csum_upper(p, src, dst, packet->proto, packet->l4,
                               packet->l4_size)));
}

/* Where the upper layer of a quoted packet begins, of which there are
 * PROBE_QUOTED_MIN bytes; or NULL. */
static const uint8_t *
quoted_upper(bool v6, const uint8_t *ip, size_t size)
{
    size_t header = IPV6_SIZE;

    if (!v6) {
        if (size < IPV4_SIZE || ip[0] >> 4 != 4 || get_u16(ip + 6) & 0x1fff) {
            return NULL;
        }
        header = (ip[0] & 0xf) * 4;
    } else if (size < IPV6_SIZE || ip[0] >> 4 != 6) {
        return NULL;
    }
    return (header < IPV4_SIZE || size < header + PROBE_QUOTED_MIN ? NULL
            : ip + header);
}

const uint8_t *
probe_quoted(const struct probe *p, const uint8_t *ip, size_t size,
             uint8_t *proto)
{
    const uint8_t *l4 = quoted_upper(is_v6(p), ip, size);
    const uint8_t *src = ip + (is_v6(p) ? 8 : 12);

    if (!l4 || memcmp(src, p->src.addr, ip_size(p))
        || memcmp(src + ip_size(p), p->dst.addr, ip_size(p))) {
        return NULL;
    }
    *proto = is_v6(p) ? ip[6] : ip[9];
    return l4;
}

/* Whose probe. ------------------------------------------------------------ */

static void
set_server(struct vmn_ip *server, bool v6, const uint8_t *addr)
{
    memset(server, 0, sizeof *server);
    server->family = v6 ? 6 : 4;
    memcpy(server->addr, addr, v6 ? 16 : 4);
}

/* The same of an ICMP error, by what it quotes. */
static bool
quoted_address(bool v6, const uint8_t *ip, size_t size,
               struct vmn_ip *server, uint16_t *id)
{
    const uint8_t *l4 = quoted_upper(v6, ip, size);
    uint8_t proto;

    if (!l4) {
        return false;
    }
    proto = v6 ? ip[6] : ip[9];
    *id = get_u16(l4 + (proto == VMN_IP_PROTO_TCP || proto == VMN_IP_PROTO_UDP
                        ? 0 : 4));
    set_server(server, v6, ip + (v6 ? 24 : 16));
    return true;
}

bool
probe_address(const uint8_t *frame, size_t size, struct vmn_ip *server,
              uint16_t *id)
{
    const uint8_t *ip = frame + ETH_SIZE;
    struct probe_packet packet;
    bool v6;

    if (size < ETH_SIZE) {
        return false;
    }
    if (probe_neighbour_address(frame, size, server)) {
        *id = 0;
        return true;
    }
    v6 = get_u16(frame + 12) == VMN_ETH_IPV6;
    if ((!v6 && get_u16(frame + 12) != VMN_ETH_IPV4)
        || !(v6 ? parse_ipv6(ip, size - ETH_SIZE, &packet)
             : parse_ipv4(ip, size - ETH_SIZE, &packet))
        || packet.l4_size < 8) {
        return false;
    }
    set_server(server, v6, ip + (v6 ? 8 : 12));
    if (packet.proto == VMN_IP_PROTO_TCP || packet.proto == VMN_IP_PROTO_UDP) {
        *id = get_u16(packet.l4 + 2);
        return true;
    } else if (packet.proto != (v6 ? VMN_IP_PROTO_ICMPV6
                                : VMN_IP_PROTO_ICMP)) {
        return false;
    } else if (packet.l4[0] == (v6 ? ICMP6_UNREACHABLE : ICMP4_UNREACHABLE)) {
        return quoted_address(v6, packet.l4 + 8, packet.l4_size - 8, server,
                              id);
    } else if (packet.l4[0] == (v6 ? ICMP6_REQUEST : ICMP4_REQUEST)) {
        set_server(server, v6, ip + (v6 ? 24 : 16));
    }
    *id = get_u16(packet.l4 + 4);
    return true;
}

/* Writing.  --------------------------------------------------------------- */

static void
put_ipv4(const struct probe *p, uint8_t *ip, uint8_t proto, size_t l4_size)
{
    ovs_be16 sum;

    ip[0] = 0x45;
    put_u16(ip + 2, size_u16(IPV4_SIZE + l4_size));
    put_u16(ip + 6, 0x4000);    /* Not to be fragmented. */
    ip[8] = HOP_LIMIT;
    ip[9] = proto;
    memcpy(ip + 12, p->src.addr, 4);
    memcpy(ip + 16, p->dst.addr, 4);
    sum = csum(ip, IPV4_SIZE);
    memcpy(ip + 10, &sum, sizeof sum);
}

static void
put_ipv6(const struct probe *p, uint8_t *ip, uint8_t proto, size_t l4_size)
{
    ip[0] = 0x60;
    put_u16(ip + 4, size_u16(l4_size));
    ip[6] = proto;
    ip[7] = HOP_LIMIT;
    memcpy(ip + 8, p->src.addr, 16);
    memcpy(ip + 24, p->dst.addr, 16);
}

uint8_t *
probe_frame_begin(const struct probe *p, struct probe_frames *frames,
                  uint8_t proto, size_t l4_size)
{
    size_t header = ETH_SIZE + (is_v6(p) ? IPV6_SIZE : IPV4_SIZE);
    uint8_t *frame;

    if (frames->n >= PROBE_FRAMES_MAX
        || l4_size > PROBE_FRAME_SIZE - header) {
        return NULL;
    }
    frame = frames->bytes[frames->n];
    frames->sizes[frames->n++] = header + l4_size;
    memset(frame, 0, header + l4_size);
    memcpy(frame, p->dst_mac.ea, 6);
    memcpy(frame + 6, p->src_mac.ea, 6);
    put_u16(frame + 12, is_v6(p) ? VMN_ETH_IPV6 : VMN_ETH_IPV4);
    if (is_v6(p)) {
        put_ipv6(p, frame + ETH_SIZE, proto, l4_size);
    } else {
        put_ipv4(p, frame + ETH_SIZE, proto, l4_size);
    }
    return frame + header;
}

void
probe_frame_end(const struct probe *p, struct probe_frames *frames,
                uint8_t proto, size_t l4_size, size_t offset)
{
    size_t last = frames->n - 1;
    uint8_t *l4 = frames->bytes[last] + frames->sizes[last] - l4_size;
    ovs_be16 sum = csum_upper(p, p->src.addr, p->dst.addr, proto, l4,
                              l4_size);

    memcpy(l4 + offset, &sum, sizeof sum);
}
