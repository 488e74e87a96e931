/* SPDX-License-Identifier: Apache-2.0
 *
 * The packet that an ICMP error quotes.  A packet to a virtual IP, a floating
 * address or a port forward comes to a router with another destination, which
 * its sender does not know: an error that quotes that reaches no socket. */

#include "router.h"

#include <string.h>

#define ETH_SIZE 14
#define IPV4_SIZE 20
#define IPV6_SIZE 40
#define IPV6_FRAGMENT 44        /* The next header, RFC 8200, section 4.5... */
#define FRAGMENT_SIZE 8         /* ...and its size. */

/* Where a frame has what NAT changes: offsets, 0 if it has none. */
struct fields {
    size_t dst, dst_size;
    size_t ip_sum;              /* Of IPv4's header. */
    size_t port;                /* Destination port of TCP or UDP. */
    size_t l4_sum;
};

static void
find_ports(const struct vmn_packet_in *in, uint8_t proto, size_t l4,
           struct fields *f)
{
    size_t sum = l4 + (proto == VMN_IP_PROTO_TCP ? 16 : 6);

    if ((proto != VMN_IP_PROTO_TCP && proto != VMN_IP_PROTO_UDP)
        || l4 + 4 > in->size) {
        return;
    }
    f->port = l4 + 2;
    /* UDP without a checksum has 0. */
    if (sum + 2 <= in->size && (in->bytes[sum] || in->bytes[sum + 1])) {
        f->l4_sum = sum;
    }
}

/* Returns false if the frame is none of 'family' or ends in its header. */
static bool
find_fields(const struct vmn_packet_in *in, uint8_t family, struct fields *f)
{
    const uint8_t *ip = in->bytes + ETH_SIZE;

    memset(f, 0, sizeof *f);
    if (family == 4 && in->size >= ETH_SIZE + IPV4_SIZE && ip[0] >> 4 == 4) {
        f->dst = ETH_SIZE + 16;
        f->dst_size = 4;
        f->ip_sum = ETH_SIZE + 10;
        find_ports(in, ip[9], ETH_SIZE + (ip[0] & 0xf) * 4, f);
        return true;
    }
    if (family == 6 && in->size >= ETH_SIZE + IPV6_SIZE && ip[0] >> 4 == 6) {
        bool fragment = (ip[6] == IPV6_FRAGMENT
                         && in->size >= ETH_SIZE + IPV6_SIZE + FRAGMENT_SIZE);

        f->dst = ETH_SIZE + 24;
        f->dst_size = 16;
        find_ports(in, fragment ? ip[IPV6_SIZE] : ip[6],
                   ETH_SIZE + IPV6_SIZE + (fragment ? FRAGMENT_SIZE : 0), f);
        return true;
    }
    return false;
}

static uint32_t
get_u16(const uint8_t *p)
{
    return (uint32_t) p[0] << 8 | p[1];
}

/* Updates the checksum at 'ofs' (0: none) for two bytes that change (RFC 1624,
 * section 3). */
static void
update_sum(uint8_t *bytes, size_t ofs, const uint8_t *before,
           const uint8_t *after)
{
    uint32_t sum;

    if (ofs) {
        sum = ((~get_u16(bytes + ofs) & 0xffff)
               + (~get_u16(before) & 0xffff) + get_u16(after));
        sum = (sum & 0xffff) + (sum >> 16);
        sum = ~((sum & 0xffff) + (sum >> 16));
        bytes[ofs] = (uint8_t) (sum >> 8);
        bytes[ofs + 1] = (uint8_t) sum;
    }
}

const uint8_t *
original_packet(struct vmn_view *view, const struct vmn_packet_in *in)
{
    const uint8_t port[2] = { (uint8_t) (in->sent_to_port >> 8),
                              (uint8_t) in->sent_to_port };
    struct fields f;
    uint8_t *bytes;

    if (!find_fields(in, in->sent_to.family, &f)) {
        return in->bytes;
    }
    bytes = vmn_alloc(view, in->size);
    memcpy(bytes, in->bytes, in->size);
    for (size_t i = 0; i < f.dst_size; i += 2) {
        update_sum(bytes, f.ip_sum, bytes + f.dst + i, in->sent_to.addr + i);
        update_sum(bytes, f.l4_sum, bytes + f.dst + i, in->sent_to.addr + i);
    }
    memcpy(bytes + f.dst, in->sent_to.addr, f.dst_size);
    if (f.port) {
        update_sum(bytes, f.l4_sum, bytes + f.port, port);
        memcpy(bytes + f.port, port, sizeof port);
    }
    return bytes;
}
