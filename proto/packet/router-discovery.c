/* SPDX-License-Identifier: Apache-2.0
 *
 * Router solicitations taken apart, and advertisements put together: that part
 * of include/vmn/packet.h.  RFC 4861, sections 4 and 6.1, and RFC 8106. */

#include <config.h>

#include "vmn/packet.h"

#include <string.h>

#include "packets.h"
#include "proto/packet/packet-bytes.h"
#include "util.h"
#include "vmn/bytes.h"

#define ICMPV6_OFS (ETH_SIZE + IPV6_SIZE)
#define RS_SIZE 8               /* Without options. */
#define HOP_LIMIT 255           /* Shows that no router has forwarded it. */
#define GUESTS_HOP_LIMIT 64     /* The hop limit for hosts to use. */

enum {
    OPTION_SLL = 1,
    OPTION_PREFIX = 3,
    OPTION_MTU = 5,
    OPTION_RDNSS = 25,
    OPTION_DNSSL = 31,
};
#define PREFIX_ON_LINK 0x80
#define PREFIX_AUTONOMOUS 0x40

static bool
is_none(const uint8_t ip[16])
{
    static const uint8_t none[16];

    return !memcmp(ip, none, sizeof none);
}

/* Returns true if the options are valid: none is empty, and a sender without
 * an address gives no link-layer address. */
static bool
are_rs_options_right(const uint8_t *p, size_t size, bool from_nobody)
{
    while (size) {
        if (size < 8 || !p[1] || (size_t) p[1] * 8 > size
            || (from_nobody && p[0] == OPTION_SLL)) {
            return false;
        }
        size -= (size_t) p[1] * 8;
        p += (size_t) p[1] * 8;
    }
    return true;
}

bool
vmn_rs_parse(const uint8_t *bytes, size_t size, struct vmn_rs *rs)
{
    const uint8_t *ip = bytes + ETH_SIZE, *icmp = bytes + ICMPV6_OFS;
    size_t icmp_size;

    if (size < ICMPV6_OFS + RS_SIZE || get_u16(bytes + 12) != VMN_ETH_IPV6
        || ip[0] >> 4 != 6 || ip[6] != VMN_IP_PROTO_ICMPV6
        || ip[7] != HOP_LIMIT) {
        return false;
    }
    icmp_size = get_u16(ip + 4);
    if (icmp_size < RS_SIZE || icmp_size > size - ICMPV6_OFS
        || icmp[0] != VMN_ND_ROUTER_SOLICIT || icmp[1]
        || csum_icmpv6(ip, icmp_size)
        || !are_rs_options_right(icmp + RS_SIZE, icmp_size - RS_SIZE,
                                 is_none(ip + 8))) {
        return false;
    }
    memcpy(rs->eth_src.ea, bytes + 6, 6);
    rs->ip_src.family = 6;
    memcpy(rs->ip_src.addr, ip + 8, 16);
    return true;
}

/* Advertisements.  -------------------------------------------------------- */

static void
put_headers(struct vmn_bytes *b, const struct vmn_ra *ra)
{
    vmn_put(b, ra->eth_dst.ea, 6);
    vmn_put(b, ra->eth_src.ea, 6);
    vmn_put_u16(b, VMN_ETH_IPV6);

    vmn_put_u32(b, 0x60000000);
    vmn_put_u16(b, 0);          /* The length is set later. */
    vmn_put_u8(b, VMN_IP_PROTO_ICMPV6);
    vmn_put_u8(b, HOP_LIMIT);
    vmn_put_ip(b, &ra->ip_src);
    vmn_put_ip(b, &ra->ip_dst);

    vmn_put_u8(b, VMN_ND_ROUTER_ADVERT);
    vmn_put_u8(b, 0);
    vmn_put_u16(b, 0);          /* The checksum is set later. */
    vmn_put_u8(b, GUESTS_HOP_LIMIT);
    vmn_put_u8(b, (ra->managed ? 0x80 : 0) | (ra->other ? 0x40 : 0));
    vmn_put_u16(b, ra->router_s);
    vmn_put_zeros(b, 8);        /* Reachable and retransmission times. */
}

static void
put_prefix(struct vmn_bytes *b, const struct vmn_ra *ra,
           const struct vmn_ra_prefix *prefix)
{
    vmn_put_u8(b, OPTION_PREFIX);
    vmn_put_u8(b, 4);
    vmn_put_u8(b, prefix->prefix.len);
    vmn_put_u8(b, (!prefix->autonomous || ra->valid_s ? PREFIX_ON_LINK : 0)
               | (prefix->autonomous ? PREFIX_AUTONOMOUS : 0));
    vmn_put_u32(b, ra->valid_s);
    vmn_put_u32(b, ra->preferred_s);
    vmn_put_u32(b, 0);
    vmn_put_ip(b, &prefix->prefix.ip);
}

static void
put_dns(struct vmn_bytes *b, const struct vmn_ra *ra)
{
    vmn_put_u8(b, OPTION_RDNSS);
    vmn_put_u8(b, (uint8_t) (1 + 2 * ra->n_dns));
    vmn_put_u16(b, 0);
    vmn_put_u32(b, ra->dns_s);
    for (size_t i = 0; i < ra->n_dns; i++) {
        vmn_put_ip(b, &ra->dns[i]);
    }
}

/* Appends as many search domains as fit; the option is padded to a multiple of
 * 8 bytes. */
static void
put_search(struct vmn_bytes *b_, const struct vmn_ra *ra)
{
    struct vmn_bytes b = *b_;
    size_t start = b.size, names;

    vmn_put_u8(&b, OPTION_DNSSL);
    vmn_put_u8(&b, 0);
    vmn_put_u16(&b, 0);
    vmn_put_u32(&b, ra->dns_s);
    if (b.full) {
        return;
    }
    names = b.size;
    b.room -= MIN(b.room - b.size, 7); /* Leaves room for the padding. */
    b.room = MIN(b.room, start + 255 * 8 - 7);
    for (size_t i = 0; i < ra->n_search && vmn_put_name(&b, ra->search[i]);
         i++) {
        continue;
    }
    if (b.size > names) {
        b.room = b_->room;
        vmn_put_zeros(&b, ROUND_UP(b.size - start, 8) - (b.size - start));
        b.data[start + 1] = (uint8_t) ((b.size - start) / 8);
        b_->size = b.size;
    }
}

size_t
vmn_ra_build(const struct vmn_ra *ra, uint8_t *buffer, size_t size)
{
    struct vmn_bytes b = vmn_bytes(buffer, size);
    ovs_be16 sum;

    put_headers(&b, ra);
    vmn_put_u8(&b, OPTION_SLL);
    vmn_put_u8(&b, 1);
    vmn_put(&b, ra->eth_src.ea, 6);
    if (ra->mtu) {
        vmn_put_u8(&b, OPTION_MTU);
        vmn_put_u8(&b, 1);
        vmn_put_u16(&b, 0);
        vmn_put_u32(&b, ra->mtu);
    }
    for (size_t i = 0; i < ra->n_prefixes; i++) {
        put_prefix(&b, ra, &ra->prefixes[i]);
    }
    if (ra->n_dns) {
        put_dns(&b, ra);
    }
    if (b.full) {
        return 0;
    }
    put_search(&b, ra);

    put_u16(buffer + ETH_SIZE + 4, size_u16(b.size - ICMPV6_OFS));
    sum = csum_icmpv6(buffer + ETH_SIZE, b.size - ICMPV6_OFS);
    memcpy(buffer + ICMPV6_OFS + 2, &sum, sizeof sum);
    return b.size;
}
