/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets, and what is to become of them; see policy-packets.h. */

#include <config.h>

#include "tests/property/policy-packets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "controller/simulator/packet-in-reply.h"
#include "packets.h"
#include "tests/property/setup.h"
#include "util.h"

static const struct vmn_ip *
address_of(const struct vmn_port *port, uint8_t family)
{
    for (size_t i = 0; i < port->n_ips; i++) {
        if (port->ips[i].family == family) {
            return &port->ips[i];
        }
    }
    return NULL;
}

void
random_packet(const struct world *world, struct text_packet *packet)
{
    static const uint16_t ports[] = { 80, 81, 83, 84, 95, 96, 6, 1000 };
    static const enum vmn_protocol protocols[] = {
        VMN_PROTO_TCP, VMN_PROTO_TCP, VMN_PROTO_UDP, VMN_PROTO_ICMP,
        VMN_PROTO_SCTP,
    };
    unsigned a = rnd(N_PORTS);
    unsigned b = (a + 1 + rnd(N_PORTS - 1)) % N_PORTS;
    bool v6 = chance(40);
    char name[16];

    snprintf(name, sizeof name, "p%u", a);
    packet->src = model_get(world->model, VMN_TABLE_PORT, name);
    snprintf(name, sizeof name, "p%u", b);
    packet->dst = model_get(world->model, VMN_TABLE_PORT, name);
    packet->src_ip = *address_of(packet->src, v6 ? 6 : 4);
    packet->dst_ip = *address_of(packet->dst, v6 ? 6 : 4);
    packet->protocol = PICK(protocols);
    packet->port = PICK(ports);
    packet->code = 0;
    if (packet->protocol == VMN_PROTO_ICMP) {
        packet->protocol = v6 ? VMN_PROTO_ICMPV6 : VMN_PROTO_ICMP;
        packet->port = v6 ? 128 : chance(70) ? 8 : 13;
        packet->code = chance(20);
    }
}

unsigned
network_index(const struct vmn_port *port)
{
    return atoi(port->network + 1);
}

void
set_macs(const struct world *world, struct sim_packet *packet,
         const struct vmn_port *src, const struct vmn_port *dst)
{
    const char *way[N_ROUTERS] = { NULL, NULL };
    const struct vmn_mac *to = &dst->mac;

    if (find_way(world, network_index(src), network_index(dst), way)
        && way[0]) {
        const struct vmn_router *router = model_get(
            world->model, VMN_TABLE_ROUTER, way[0]);

        to = &router->mac;
    }
    memcpy(packet->flow.dl_src.ea, src->mac.ea, sizeof src->mac.ea);
    memcpy(packet->flow.dl_dst.ea, to->ea, sizeof to->ea);
}

void
make_packet(const struct world *world, const struct text_packet *text,
            struct sim_packet *packet)
{
    static const uint8_t protocols[] = {
        [VMN_PROTO_TCP] = IPPROTO_TCP, [VMN_PROTO_UDP] = IPPROTO_UDP,
        [VMN_PROTO_SCTP] = IPPROTO_SCTP, [VMN_PROTO_ICMP] = IPPROTO_ICMP,
        [VMN_PROTO_ICMPV6] = IPPROTO_ICMPV6,
    };
    struct flow *flow = &packet->flow;

    memset(packet, 0, sizeof *packet);
    set_macs(world, packet, text->src, text->dst);
    if (text->src_ip.family == 4) {
        flow->dl_type = htons(ETH_TYPE_IP);
        memcpy(&flow->nw_src, text->src_ip.addr, sizeof flow->nw_src);
        memcpy(&flow->nw_dst, text->dst_ip.addr, sizeof flow->nw_dst);
    } else {
        flow->dl_type = htons(ETH_TYPE_IPV6);
        memcpy(&flow->ipv6_src, text->src_ip.addr, sizeof flow->ipv6_src);
        memcpy(&flow->ipv6_dst, text->dst_ip.addr, sizeof flow->ipv6_dst);
    }
    flow->nw_ttl = 64;
    flow->nw_proto = protocols[text->protocol];
    if (text->protocol == VMN_PROTO_ICMP
        || text->protocol == VMN_PROTO_ICMPV6) {
        flow->tp_src = htons(text->port);
        flow->tp_dst = htons(text->code);
    } else {
        flow->tp_src = htons(40000 + rnd(1000));
        flow->tp_dst = htons(text->port);
        flow->tcp_flags = htons(text->protocol == VMN_PROTO_TCP ? TCP_SYN
                                : 0);
    }
    packet->tp_src = flow->tp_src;
    packet->tp_dst = flow->tp_dst;
    packet->tcp_flags = flow->tcp_flags;
    packet->icmp_id = 1 + rnd(1000);
}

void
turn_packet(struct sim_packet *packet)
{
    struct flow *flow = &packet->flow;
    struct in6_addr ip6 = flow->ipv6_src;
    ovs_be32 ip = flow->nw_src;

    flow->nw_src = flow->nw_dst;
    flow->nw_dst = ip;
    flow->ipv6_src = flow->ipv6_dst;
    flow->ipv6_dst = ip6;
    if (flow->nw_proto == IPPROTO_ICMP) {
        flow->tp_src = htons(ntohs(flow->tp_src) == 8 ? 0 : 14);
    } else if (flow->nw_proto == IPPROTO_ICMPV6) {
        flow->tp_src = htons(129);
    } else {
        ovs_be16 port = flow->tp_src;

        flow->tp_src = flow->tp_dst;
        flow->tp_dst = port;
        flow->tcp_flags |= htons(flow->tcp_flags ? TCP_ACK : 0);
    }
    packet->tp_src = flow->tp_src;
    packet->tp_dst = flow->tp_dst;
    packet->tcp_flags = flow->tcp_flags;
}

const struct vmn_vif *
find_vif(const struct world *world, const struct vmn_port *port)
{
    const struct vmn_binding *binding = model_get(
        world->model, VMN_TABLE_BINDING, port->row.name);
    char name[64];

    snprintf(name, sizeof name, "%s/%s", binding->host, port->row.name);
    return model_get(world->model, VMN_TABLE_VIF, name);
}

/* Whether what was sent last has arrived at 'dst', and no copy of it anywhere
 * else.  '*reason' is why not. */
static bool
has_arrived(const struct world *world, const struct simulator *sim,
            const struct vmn_port *dst, const char **reason)
{
    const struct vmn_vif *to = find_vif(world, dst);
    const struct sim_end *ends;
    unsigned n_here = 0;
    unsigned n_elsewhere = 0;
    size_t n = simulator_ends(sim, &ends);

    *reason = "nothing becomes of it";
    for (size_t i = 0; i < n; i++) {
        const struct sim_end *end = &ends[i];

        if (end->kind == SIM_OUTPUT && !strcmp(end->host, to->host)
            && end->port == to->ofport) {
            n_here++;
        } else if (end->kind == SIM_OUTPUT) {
            n_elsewhere++;
            *reason = "arrives elsewhere";
        } else if (end->kind == SIM_DROP) {
            /* Detours end in a flow that drops for no reason. */
            *reason = (!end->rule ? "no flow"
                       : end->rule->drop_reason ? end->rule->drop_reason
                       : *reason);
        } else {
            *reason = end->text ? end->text : "sent up";
        }
    }
    return n_here == 1 && !n_elsewhere;
}

/* Each router on the way from 'src' to 'dst', where the last packet has
 * arrived, takes one from the hop limit, and the last one puts its own MAC
 * in. */
static bool
is_as_routed(const struct world *world, const struct simulator *sim,
             const struct sim_packet *sent, const struct vmn_port *src,
             const struct vmn_port *dst)
{
    const char *way[N_ROUTERS];
    int n_hops = find_way(world, network_index(src), network_index(dst), way);
    const struct vmn_mac *mac = &src->mac;
    const struct sim_end *ends;
    size_t n = simulator_ends(sim, &ends);

    if (n_hops > 0) {
        const struct vmn_router *router = model_get(
            world->model, VMN_TABLE_ROUTER, way[n_hops - 1]);

        mac = &router->mac;
    }
    for (size_t i = 0; i < n; i++) {
        const struct flow *flow = &ends[i].packet.flow;

        if (ends[i].kind == SIM_OUTPUT
            && (flow->nw_ttl != sent->flow.nw_ttl - n_hops
                || memcmp(flow->dl_src.ea, mac->ea, sizeof mac->ea)
                || memcmp(flow->dl_dst.ea, dst->mac.ea,
                          sizeof dst->mac.ea))) {
            return false;
        }
    }
    return true;
}

bool
arrives(const struct world *world, struct simulator *sim,
        const struct vmn_port *src, const struct vmn_port *dst,
        const struct sim_packet *packet, const char **reason)
{
    const struct vmn_vif *from = find_vif(world, src);

    simulator_run(sim, from->host, from->ofport, packet);
    if (has_arrived(world, sim, dst, reason)
        && !is_as_routed(world, sim, packet, src, dst)) {
        *reason = "is not as it should be after its routers";
        return false;
    }
    return has_arrived(world, sim, dst, reason);
}

bool
is_told(const struct world *world, struct simulator *sim,
        const struct text_packet *text)
{
    const struct sim_end *ends;
    size_t n = simulator_ends(sim, &ends);
    struct packet_in_reply answer;
    const char *reason = "nothing was sent up";
    bool told = text->protocol == VMN_PROTO_SCTP;

    for (size_t i = 0; i < n && !told; i++) {
        if (ends[i].kind == SIM_PUNT) {
            reason = "there is no answer";
            told = packet_in_reply_run(world->engine, world->model, sim,
                                       &ends[i], NULL, 0, &answer);
            if (told) {
                told = (!answer.why_not
                        && has_arrived(world, sim, text->src, &reason));
                packet_in_reply_uninit(&answer);
            }
            break;
        }
    }
    if (!told) {
        printf("# %s is not told that %s rejects protocol %u, %u: %s\n",
               text->src->row.name, text->dst->row.name, text->protocol,
               text->port, reason);
    }
    return told;
}

/* What a port is to others of its network: 'p', 'i', or the first letter of
 * its community in capitals. */
static char
kind_of(const struct world *world, const struct vmn_port *port)
{
    const struct vmn_network *network = model_get(
        world->model, VMN_TABLE_NETWORK, port->network);

    if (network->isolation == VMN_ISOLATION_NONE
        || port->isolation == VMN_PROMISCUOUS) {
        return 'p';
    }
    return (port->isolation == VMN_COMMUNITY ? port->community[0] - 'a' + 'A'
            : port->isolation == VMN_ISOLATED
              || network->isolation == VMN_ISOLATED ? 'i' : 'p');
}

/* Whether the two are in one network and may not talk (RFC 5517). */
static bool
are_isolated(const struct world *world, const struct text_packet *text)
{
    char a = kind_of(world, text->src), b = kind_of(world, text->dst);

    return (!strcmp(text->src->network, text->dst->network)
            && a != 'p' && b != 'p' && (a != b || a == 'i'));
}

bool
has_way(const struct world *world, const struct text_packet *text)
{
    const char *way[N_ROUTERS];

    return (!are_isolated(world, text)
            && find_way(world, network_index(text->src),
                        network_index(text->dst), way) >= 0);
}

enum text_verdict
verdict_of(const struct world *world, const struct text_packet *text,
           char why[TEXT_WHY], unsigned kept[VMN_N_DIRECTIONS])
{
    if (!has_way(world, text)) {
        strcpy(why, "no way");
        return TEXT_DENIED;
    }
    return policy_text_verdict(world->model, text, why, kept);
}

bool
is_stateless(const struct world *world, const struct vmn_port *port,
             enum vmn_protocol protocol)
{
    const struct vmn_host *host = model_get(
        world->model, VMN_TABLE_HOST, find_vif(world, port)->host);

    return (protocol == VMN_PROTO_SCTP
            && host->datapath == VMN_DATAPATH_NETDEV);
}
