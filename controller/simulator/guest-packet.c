/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets as guests send them; see guest-packet.h. */

#include <config.h>

#include "controller/simulator/guest-packet.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>

#include "flow.h"
#include "packets.h"
#include "util.h"

#define TTL 64
#define ICMP_ID 1

static struct eth_addr
to_eth(struct vmn_mac mac)
{
    struct eth_addr ea;

    memcpy(ea.ea, mac.ea, sizeof ea.ea);
    return ea;
}

static ovs_be32
to_be32(const struct vmn_ip *ip)
{
    ovs_be32 v4;

    memcpy(&v4, ip->addr, sizeof v4);
    return v4;
}

static struct in6_addr
to_in6(const struct vmn_ip *ip)
{
    struct in6_addr addr;

    memcpy(&addr, ip->addr, sizeof addr);
    return addr;
}

static void
begin(struct sim_packet *packet, const struct packet_ends *ends)
{
    memset(packet, 0, sizeof *packet);
    packet->flow.dl_src = to_eth(ends->source_mac);
    packet->flow.dl_dst = to_eth(ends->destination_mac);
}

static void
put_ip(struct sim_packet *packet, const struct packet_ends *ends,
       uint8_t proto)
{
    struct flow *flow = &packet->flow;

    if (ends->destination_ip.family == 4) {
        flow->dl_type = htons(ETH_TYPE_IP);
        flow->nw_src = to_be32(&ends->source_ip);
        flow->nw_dst = to_be32(&ends->destination_ip);
    } else {
        flow->dl_type = htons(ETH_TYPE_IPV6);
        flow->ipv6_src = to_in6(&ends->source_ip);
        flow->ipv6_dst = to_in6(&ends->destination_ip);
    }
    flow->nw_proto = proto;
    flow->nw_ttl = TTL;
}

static void
put_ports(struct sim_packet *packet, uint16_t src, uint16_t dst)
{
    packet->tp_src = packet->flow.tp_src = htons(src);
    packet->tp_dst = packet->flow.tp_dst = htons(dst);
}

/* Asking.  --------------------------------------------------------------- */

static void
ask_arp(const struct packet_ends *ends, const struct vmn_ip *target,
        struct sim_packet *packet)
{
    struct flow *flow = &packet->flow;

    begin(packet, ends);
    flow->dl_dst = eth_addr_broadcast;
    flow->dl_type = htons(ETH_TYPE_ARP);
    flow->nw_proto = ARP_OP_REQUEST;
    flow->nw_src = to_be32(&ends->source_ip);
    flow->nw_dst = to_be32(target);
    flow->arp_sha = flow->dl_src;
}

static void
ask_nd(const struct packet_ends *ends, const struct vmn_ip *target,
       struct sim_packet *packet)
{
    struct flow *flow = &packet->flow;
    struct in6_addr ip = to_in6(target);

    begin(packet, ends);
    put_ip(packet, ends, IPPROTO_ICMPV6);
    in6_addr_solicited_node(&flow->ipv6_dst, &ip);
    ipv6_multicast_to_ethernet(&flow->dl_dst, &flow->ipv6_dst);
    flow->nw_ttl = 255;
    put_ports(packet, ND_NEIGHBOR_SOLICIT, 0);
    flow->nd_target = ip;
    /* The sender's link-layer address is an option.  Open vSwitch keeps its
     * type where TCP has its flags. */
    flow->tcp_flags = htons(ND_OPT_SOURCE_LINKADDR);
    flow->arp_sha = flow->dl_src;
}

void
packet_solicit(const struct packet_ends *ends, const struct vmn_ip *target,
               struct sim_packet *packet)
{
    if (target->family == 4) {
        ask_arp(ends, target, packet);
    } else {
        ask_nd(ends, target, packet);
    }
}

struct vmn_mac
packet_group_mac(const struct vmn_ip *group)
{
    struct eth_addr ea = eth_addr_broadcast;
    struct vmn_mac mac;

    if (group->family == 6) {
        struct in6_addr ip = to_in6(group);

        ipv6_multicast_to_ethernet(&ea, &ip);
    } else if ((group->addr[0] & 0xf0) == 0xe0) {
        ea = (struct eth_addr) ETH_ADDR_C(01, 00, 5e, 00, 00, 00);
        memcpy(&ea.ea[3], &group->addr[1], 3);
        ea.ea[3] &= 0x7f;
    }
    memcpy(mac.ea, ea.ea, sizeof mac.ea);
    return mac;
}

static bool
is_arp_answer(const struct flow *flow, const struct vmn_ip *target,
              struct vmn_mac *mac)
{
    memcpy(mac->ea, flow->arp_sha.ea, sizeof mac->ea);
    return (flow->dl_type == htons(ETH_TYPE_ARP)
            && flow->nw_proto == ARP_OP_REPLY
            && flow->nw_src == to_be32(target));
}

/* Returns true if the packet tells the MAC of 'target'.  An advertisement
 * does; so does a solicitation of its sender, which its receiver learns as
 * well (RFC 4861, section 7.2.3). */
static bool
is_nd_answer(const struct flow *flow, const struct vmn_ip *target,
             struct vmn_mac *mac)
{
    struct in6_addr ip = to_in6(target);

    if (flow->dl_type != htons(ETH_TYPE_IPV6)
        || flow->nw_proto != IPPROTO_ICMPV6) {
        return false;
    }
    if (flow->tp_src == htons(ND_NEIGHBOR_ADVERT)) {
        memcpy(mac->ea, flow->arp_tha.ea, sizeof mac->ea);
        return ipv6_addr_equals(&flow->nd_target, &ip);
    }
    memcpy(mac->ea, flow->arp_sha.ea, sizeof mac->ea);
    return (flow->tp_src == htons(ND_NEIGHBOR_SOLICIT)
            && ipv6_addr_equals(&flow->ipv6_src, &ip));
}

bool
packet_is_advertisement(const struct sim_packet *packet,
                        const struct vmn_ip *target, struct vmn_mac *mac)
{
    return (target->family == 4
            ? is_arp_answer(&packet->flow, target, mac)
            : is_nd_answer(&packet->flow, target, mac));
}

/* Requests and replies.  ------------------------------------------------- */

static uint8_t
ip_proto(const struct trace_request *request, uint8_t family)
{
    return (request->protocol == TRACE_TCP ? IPPROTO_TCP
            : request->protocol == TRACE_UDP ? IPPROTO_UDP
            : request->protocol == TRACE_SCTP ? IPPROTO_SCTP
            : family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

static ovs_be16
tcp_flags(enum trace_tcp_flags flags)
{
    return htons(flags == TRACE_SYN ? TCP_SYN
                 : flags == TRACE_SYN_ACK ? TCP_SYN | TCP_ACK : TCP_ACK);
}

void
packet_request(const struct packet_ends *ends,
               const struct trace_request *request,
               struct sim_packet *packet)
{
    uint8_t family = ends->destination_ip.family;
    struct flow *flow = &packet->flow;

    begin(packet, ends);
    put_ip(packet, ends, ip_proto(request, family));
    flow->nw_tos = request->dscp << 2;
    if (trace_protocol_is_icmp(request->protocol)) {
        int ping = family == 4 ? ICMP4_ECHO_REQUEST : ICMP6_ECHO_REQUEST;

        put_ports(packet, request->icmp_type < 0 ? ping : request->icmp_type,
                  request->icmp_code);
        packet->icmp_id = ICMP_ID;
    } else {
        put_ports(packet, request->source_port, request->port);
    }
    if (request->protocol == TRACE_TCP) {
        packet->tcp_flags = flow->tcp_flags = tcp_flags(request->tcp_flags);
    }
    packet->size = request->size ? request->size + ETH_HEADER_LEN : 0;
    if (request->fragment != TRACE_WHOLE) {
        flow->nw_frag = FLOW_NW_FRAG_ANY;
    }
    if (request->fragment == TRACE_LATER) {
        flow->nw_frag |= FLOW_NW_FRAG_LATER;
        flow->tp_src = flow->tp_dst = 0;
        flow->tcp_flags = 0;
    }
}

static bool
reply_to_icmp(const struct sim_packet *request, struct sim_packet *reply)
{
    uint8_t type = ntohs(request->tp_src);

    if (request->flow.nw_proto == IPPROTO_ICMP
        && type == ICMP4_ECHO_REQUEST) {
        put_ports(reply, ICMP4_ECHO_REPLY, 0);
    } else if (request->flow.nw_proto == IPPROTO_ICMPV6
               && type == ICMP6_ECHO_REQUEST) {
        put_ports(reply, ICMP6_ECHO_REPLY, 0);
    } else {
        return false;
    }
    reply->icmp_id = request->icmp_id;
    return true;
}

bool
packet_reply(const struct sim_packet *request, struct sim_packet *reply)
{
    const struct flow *in = &request->flow;
    struct flow *out = &reply->flow;

    if (eth_addr_is_multicast(in->dl_dst)) {
        return false;
    }
    memset(reply, 0, sizeof *reply);
    out->vlans[0] = in->vlans[0];
    out->dl_src = in->dl_dst;
    out->dl_dst = in->dl_src;
    out->dl_type = in->dl_type;
    out->nw_src = in->nw_dst;
    out->nw_dst = in->nw_src;
    out->ipv6_src = in->ipv6_dst;
    out->ipv6_dst = in->ipv6_src;
    out->nw_proto = in->nw_proto;
    out->nw_ttl = TTL;
    if (in->nw_proto == IPPROTO_ICMP || in->nw_proto == IPPROTO_ICMPV6) {
        return reply_to_icmp(request, reply);
    }
    put_ports(reply, ntohs(request->tp_dst), ntohs(request->tp_src));
    if (in->nw_proto == IPPROTO_TCP) {
        out->tcp_flags = htons(ntohs(request->tcp_flags) & TCP_SYN
                               ? TCP_SYN | TCP_ACK : TCP_ACK);
        reply->tcp_flags = out->tcp_flags;
    }
    return true;
}

void
packet_get_destination(const struct sim_packet *packet, struct vmn_ip *ip)
{
    const struct flow *flow = &packet->flow;

    memset(ip, 0, sizeof *ip);
    if (flow->dl_type == htons(ETH_TYPE_IP)) {
        ip->family = 4;
        memcpy(ip->addr, &flow->nw_dst, sizeof flow->nw_dst);
    } else {
        ip->family = 6;
        memcpy(ip->addr, &flow->ipv6_dst, sizeof flow->ipv6_dst);
    }
}

void
packet_set_next_hop(struct sim_packet *packet, struct vmn_mac mac)
{
    memcpy(packet->flow.dl_dst.ea, mac.ea, sizeof mac.ea);
}

void
packet_set_vlan(struct sim_packet *packet, uint16_t vid)
{
    if (vid) {
        packet->flow.vlans[0].tpid = htons(ETH_TYPE_VLAN_8021Q);
        packet->flow.vlans[0].tci = htons(vid | VLAN_CFI);
    }
}
