/* SPDX-License-Identifier: Apache-2.0
 *
 * Responds for an address that exists in switches only, a router's or a
 * virtual IP: by ARP, and by neighbour discovery (RFC 4861).  As for ports
 * (apps/overlay/nd-responder.c explains why), the switch turns a multicast
 * solicitation into the reply: a solicitation of the sender.  Neighbour
 * unreachability detection sends to the address itself; only an advertisement
 * replies to that, which a handler sends. */

#include <config.h>

#include "vmn/flow.h"

#include "vmn/packet.h"
#include "vmn/vocabulary.h"

/* Added to the priority that the app gives. */
enum { SOLICITED = 0, NO_LLADDR = 5, DAD = 10, UNICAST = 20 };

static struct vmn_flow *
flow_add(struct vmn_emit *emit, const struct vmn_arp_nd_responder *by,
         uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(emit, by->scope, by->stage, by->table,
                                         by->priority + priority);

    vmn_match(flow, VMN_REG_NETWORK, by->vni);
    vmn_match(flow, VMN_REG_SRC_LOCAL, 1);
    return flow;
}

static struct vmn_flow *
solicit_add(struct vmn_emit *emit, const struct vmn_arp_nd_responder *by,
            const struct vmn_ip *ip, uint16_t priority)
{
    struct vmn_flow *flow = flow_add(emit, by, priority);

    vmn_match(flow, VMN_F_ICMPV6_TYPE, VMN_ND_SOLICIT);
    vmn_match_ip(flow, VMN_F_ND_TARGET, ip);
    return flow;
}

/* Replies to duplicate address detection, whose sender has no address yet
 * (section 7.2.4). */
static void
reply_dad(struct vmn_emit *emit, const struct vmn_arp_nd_responder *by,
          const struct vmn_ip *ip)
{
    const struct vmn_mac all_nodes_mac = { { 0x33, 0x33, 0, 0, 0, 1 } };
    const struct vmn_ip all_nodes = { .family = 6, .addr = {
        0xff, 2, [15] = 1 } };
    const struct vmn_ip nobody = { .family = 6 };
    struct vmn_flow *flow = solicit_add(emit, by, ip, DAD);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match_ip(flow, VMN_F_IPV6_SRC, &nobody);
    vmn_act_set_mac(actions, VMN_F_ETH_SRC, by->mac);
    vmn_act_set_mac(actions, VMN_F_ETH_DST, all_nodes_mac);
    vmn_act_set_ip(actions, VMN_F_IPV6_SRC, ip);
    vmn_act_set_ip(actions, VMN_F_IPV6_DST, &all_nodes);
    vmn_act_set(actions, VMN_F_ICMPV6_TYPE, VMN_ND_ADVERT);
    vmn_act_output_in_port(actions);
}

static void
reply_solicited(struct vmn_emit *emit, const struct vmn_arp_nd_responder *by,
                const struct vmn_ip *ip)
{
    struct vmn_flow *flow = solicit_add(emit, by, ip, SOLICITED);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_act_move(actions, VMN_F_ETH_SRC, VMN_F_ETH_DST);
    vmn_act_set_mac(actions, VMN_F_ETH_SRC, by->mac);
    vmn_act_move(actions, VMN_F_IPV6_SRC, VMN_F_IPV6_DST);
    vmn_act_move(actions, VMN_F_IPV6_SRC, VMN_F_ND_TARGET);
    vmn_act_set_ip(actions, VMN_F_IPV6_SRC, ip);
    vmn_act_set_mac(actions, VMN_F_ND_SLL, by->mac);
    vmn_act_output_in_port(actions);
}

static void
reply_nd(struct vmn_emit *emit, const struct vmn_arp_nd_responder *by,
         const struct vmn_ip *ip)
{
    const uint64_t group_bit = UINT64_C(1) << 40;
    struct vmn_flow *flow;

    flow = solicit_add(emit, by, ip, UNICAST);
    vmn_match_masked(flow, VMN_F_ETH_DST, 0, group_bit);
    vmn_act_punt(vmn_flow_actions(flow), by->handler, by->arg, VMN_PUNT_ALL);

    reply_dad(emit, by, ip);

    /* Without the option, there is no room for a link-layer address in the
     * reply. */
    flow = solicit_add(emit, by, ip, NO_LLADDR);
    vmn_match_mac(flow, VMN_F_ND_SLL, (struct vmn_mac) { { 0 } });
    vmn_act_drop(vmn_flow_actions(flow), "ND without link-layer address");

    reply_solicited(emit, by, ip);
}

void
vmn_arp_nd_respond(struct vmn_emit *emit,
                   const struct vmn_arp_nd_responder *by,
                   const struct vmn_ip *ip)
{
    struct vmn_flow *flow;

    if (ip->family == 6) {
        reply_nd(emit, by, ip);
        return;
    }
    flow = flow_add(emit, by, SOLICITED);
    vmn_match(flow, VMN_F_ARP_OP, 1);
    vmn_match_ip(flow, VMN_F_ARP_TPA, ip);
    vmn_act_arp_reply(vmn_flow_actions(flow), by->mac, ip);
}
