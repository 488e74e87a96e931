/* SPDX-License-Identifier: Apache-2.0
 *
 * Who has a router's address: ARP and neighbour discovery (RFC 4861) in the
 * networks that it joins, for those on this host.  As those for ports, answers
 * to solicitations of a group are made by the switch out of what was asked: a
 * solicitation of the asker.  Whether a router is still there is asked of its
 * own address; only an advertisement says so, and that is the handler's. */

#include "router.h"

#include <string.h>

static struct vmn_flow *
flow_add(const struct site *site, const struct vmn_network *network,
         uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(
        site->emit, vmn_scope_network(network->row.name), STAGE_ANSWER, 0,
        priority);

    vmn_match(flow, VMN_REG_NETWORK, network->vni);
    vmn_match(flow, VMN_REG_SRC_LOCAL, 1);
    return flow;
}

static struct vmn_flow *
solicit_add(const struct site *site, const struct vmn_network *network,
            const struct vmn_ip *ip, uint16_t priority)
{
    struct vmn_flow *flow = flow_add(site, network, priority);

    vmn_match(flow, VMN_F_ICMPV6_TYPE, VMN_ND_SOLICIT);
    vmn_match_ip(flow, VMN_F_ND_TARGET, ip);
    return flow;
}

static void
answer_arp(const struct site *site, const struct vmn_network *network,
           const struct vmn_ip *ip)
{
    struct vmn_flow *flow = flow_add(site, network, ANSWER_ASKER);

    vmn_match(flow, VMN_F_ARP_OP, 1);
    vmn_match_ip(flow, VMN_F_ARP_TPA, ip);
    vmn_act_arp_reply(vmn_flow_actions(flow), site->router->mac, ip);
}

/* To one that has no address yet and would take the router's (RFC 4861, section
 * 7.2.4). */
static void
answer_probe(const struct site *site, const struct vmn_network *network,
             const struct vmn_ip *ip)
{
    const struct vmn_mac all_nodes_mac = { { 0x33, 0x33, 0, 0, 0, 1 } };
    const struct vmn_ip all_nodes = { .family = 6, .addr = {
        0xff, 2, [15] = 1 } };
    const struct vmn_ip nobody = { .family = 6 };
    struct vmn_flow *flow = solicit_add(site, network, ip, ANSWER_PROBE);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match_ip(flow, VMN_F_IPV6_SRC, &nobody);
    vmn_act_set_mac(actions, VMN_F_ETH_SRC, site->router->mac);
    vmn_act_set_mac(actions, VMN_F_ETH_DST, all_nodes_mac);
    vmn_act_set_ip(actions, VMN_F_IPV6_SRC, ip);
    vmn_act_set_ip(actions, VMN_F_IPV6_DST, &all_nodes);
    vmn_act_set(actions, VMN_F_ICMPV6_TYPE, VMN_ND_ADVERT);
    vmn_act_output_in_port(actions);
}

static void
answer_asker(const struct site *site, const struct vmn_network *network,
             const struct vmn_ip *ip)
{
    struct vmn_flow *flow = solicit_add(site, network, ip, ANSWER_ASKER);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_act_move(actions, VMN_F_ETH_SRC, VMN_F_ETH_DST);
    vmn_act_set_mac(actions, VMN_F_ETH_SRC, site->router->mac);
    vmn_act_move(actions, VMN_F_IPV6_SRC, VMN_F_IPV6_DST);
    vmn_act_move(actions, VMN_F_IPV6_SRC, VMN_F_ND_TARGET);
    vmn_act_set_ip(actions, VMN_F_IPV6_SRC, ip);
    vmn_act_set_mac(actions, VMN_F_ND_SLL, site->router->mac);
    vmn_act_output_in_port(actions);
}

static void
answer_nd(const struct site *site, const struct vmn_network *network,
          const struct vmn_ip *ip)
{
    const uint64_t group_bit = UINT64_C(1) << 40;
    struct vmn_flow *flow;

    flow = solicit_add(site, network, ip, ANSWER_DIRECT);
    vmn_match_masked(flow, VMN_F_ETH_DST, 0, group_bit);
    vmn_act_punt(vmn_flow_actions(flow), HANDLER_NEIGHBOUR, site->number,
                 VMN_PUNT_ALL);

    answer_probe(site, network, ip);

    /* There is no room for one in the answer. */
    flow = solicit_add(site, network, ip, ANSWER_MUTE);
    vmn_match_mac(flow, VMN_F_ND_SLL, (struct vmn_mac) { { 0 } });
    vmn_act_drop(vmn_flow_actions(flow), "ND without link-layer address");

    answer_asker(site, network, ip);
}

void
answer_for(const struct site *site, const struct vmn_network *network,
           const struct vmn_ip *ip)
{
    if (ip->family == 6) {
        answer_nd(site, network, ip);
    } else {
        answer_arp(site, network, ip);
    }
}

/* The flow has seen to it that the target is the router's. */
void
handle_neighbour(struct vmn_view *view, const struct vmn_packet_in *in,
                 struct vmn_packets_out *out)
{
    const struct vmn_router *router = router_of_number(view, in->arg);
    uint8_t answer[VMN_ND_ADVERT_SIZE];

    if (!router) {
        vmn_send_nothing(out, "router is gone");
    } else if (!vmn_nd_advert_build(in->bytes, in->size, router->mac, true,
                                    answer)) {
        vmn_send_nothing(out, "malformed");
    } else {
        vmn_send_back(out, answer, sizeof answer);
    }
}
