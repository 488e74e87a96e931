/* SPDX-License-Identifier: Apache-2.0
 *
 * Neighbour discovery (RFC 4861) for apps: that part of include/vmn/packet.h.
 * What is asked is held against section 7.1.1 before it is answered.  What is
 * written is a solicitation or an advertisement with one option. */

#include <config.h>

#include "vmn/packet.h"

#include <string.h>

#include "packets.h"
#include "proto/packet/packet-bytes.h"
#include "util.h"

#define SOLICIT_SIZE 24         /* Without options; an advertisement has as
                                 * many. */
#define OPTION_SIZE 8
#define HOP_LIMIT 255           /* Shows that no router has forwarded it. */

enum { FLAG_ROUTER = 0x80, FLAG_SOLICITED = 0x40, FLAG_OVERRIDE = 0x20 };
enum { OPTION_SOURCE = 1, OPTION_TARGET = 2 };

BUILD_ASSERT_DECL(VMN_ND_ADVERT_SIZE
                  == ETH_SIZE + IPV6_SIZE + SOLICIT_SIZE + OPTION_SIZE);
BUILD_ASSERT_DECL(VMN_ND_SOLICIT_SIZE == VMN_ND_ADVERT_SIZE);

/* Returns true if no option is empty, and the last one ends where the message
 * does. */
static bool
options_are_whole(const uint8_t *option, size_t size)
{
    while (size) {
        size_t length = size >= OPTION_SIZE ? option[1] * 8 : 0;

        if (!length || length > size) {
            return false;
        }
        option += length;
        size -= length;
    }
    return true;
}

static bool
is_solicitation(const uint8_t *bytes, size_t size)
{
    static const uint8_t nobody[16];
    const uint8_t *ip = bytes + ETH_SIZE, *icmp = ip + IPV6_SIZE;
    size_t icmp_size;

    if (size < ETH_SIZE + IPV6_SIZE + SOLICIT_SIZE
        || get_u16(bytes + 12) != VMN_ETH_IPV6 || ip[0] >> 4 != 6) {
        return false;
    }
    icmp_size = get_u16(ip + 4);
    return (ip[6] == VMN_IP_PROTO_ICMPV6 && ip[7] == HOP_LIMIT
            && icmp_size >= SOLICIT_SIZE
            && icmp_size <= size - ETH_SIZE - IPV6_SIZE
            && icmp[0] == VMN_ND_SOLICIT && !icmp[1]
            && !csum_icmpv6(ip, icmp_size)
            && !(bytes[6] & 1) && ip[8] != 0xff
            && memcmp(ip + 8, nobody, sizeof nobody)
            && icmp[8] != 0xff
            && options_are_whole(icmp + SOLICIT_SIZE,
                                 icmp_size - SOLICIT_SIZE));
}

/* The parts of a message.  Addresses have 16 bytes. */
struct message {
    const uint8_t *eth_dst;
    struct vmn_mac mac;         /* Its sender, and the option's value. */
    const uint8_t *src, *dst, *target;
    uint8_t type, flags, option;
};

static void
put_message(const struct message *m, uint8_t buffer[VMN_ND_ADVERT_SIZE])
{
    uint8_t *ip = buffer + ETH_SIZE, *icmp = ip + IPV6_SIZE;
    const size_t icmp_size = SOLICIT_SIZE + OPTION_SIZE;
    ovs_be16 sum;

    memset(buffer, 0, VMN_ND_ADVERT_SIZE);
    memcpy(buffer, m->eth_dst, 6);
    memcpy(buffer + 6, m->mac.ea, 6);
    put_u16(buffer + 12, VMN_ETH_IPV6);
    ip[0] = 0x60;
    put_u16(ip + 4, icmp_size);
    ip[6] = VMN_IP_PROTO_ICMPV6;
    ip[7] = HOP_LIMIT;
    memcpy(ip + 8, m->src, 16);
    memcpy(ip + 24, m->dst, 16);
    icmp[0] = m->type;
    icmp[4] = m->flags;
    memcpy(icmp + 8, m->target, 16);
    icmp[SOLICIT_SIZE] = m->option;
    icmp[SOLICIT_SIZE + 1] = 1;
    memcpy(icmp + SOLICIT_SIZE + 2, m->mac.ea, 6);
    sum = csum_icmpv6(ip, icmp_size);
    memcpy(icmp + 2, &sum, sizeof sum);
}

bool
vmn_nd_advert_build(const uint8_t *bytes, size_t size, struct vmn_mac mac,
                    bool is_router, uint8_t buffer[VMN_ND_ADVERT_SIZE])
{
    if (!is_solicitation(bytes, size)) {
        return false;
    }

    const uint8_t *target = bytes + ETH_SIZE + IPV6_SIZE + 8;

    put_message(&(struct message) {
        .eth_dst = bytes + 6, .mac = mac, .src = target,
        .dst = bytes + ETH_SIZE + 8, .target = target, .type = VMN_ND_ADVERT,
        .flags = (FLAG_SOLICITED | FLAG_OVERRIDE
                  | (is_router ? FLAG_ROUTER : 0)),
        .option = OPTION_TARGET }, buffer);
    return true;
}

/* Builds a solicitation to the solicited-node address of the target (RFC 4291,
 * section 2.7.1; RFC 2464, section 7). */
void
vmn_nd_solicit_build(struct vmn_mac mac, const struct vmn_ip *from,
                     const struct vmn_ip *target,
                     uint8_t buffer[VMN_ND_SOLICIT_SIZE])
{
    const uint8_t *low = &target->addr[13];
    const uint8_t group[16] = { 0xff, 2, [11] = 1, 0xff,
                                low[0], low[1], low[2] };
    const uint8_t group_mac[6] = { 0x33, 0x33, 0xff, low[0], low[1], low[2] };

    put_message(&(struct message) {
        .eth_dst = group_mac, .mac = mac, .src = from->addr, .dst = group,
        .target = target->addr, .type = VMN_ND_SOLICIT,
        .option = OPTION_SOURCE }, buffer);
}

void
vmn_nd_announce_build(struct vmn_mac mac, const struct vmn_ip *ip,
                      bool is_router, uint8_t buffer[VMN_ND_ADVERT_SIZE])
{
    static const uint8_t all_nodes_mac[6] = { 0x33, 0x33, [5] = 1 };
    static const uint8_t all_nodes[16] = { 0xff, 2, [15] = 1 };

    put_message(&(struct message) {
        .eth_dst = all_nodes_mac, .mac = mac, .src = ip->addr,
        .dst = all_nodes, .target = ip->addr, .type = VMN_ND_ADVERT,
        .flags = FLAG_OVERRIDE | (is_router ? FLAG_ROUTER : 0),
        .option = OPTION_TARGET }, buffer);
}
