/* SPDX-License-Identifier: Apache-2.0
 *
 * Neighbour discovery (RFC 4861) from an external network: what external-arp.c
 * does by ARP.  As inside, a switch answers solicitations of a
 * group by one of its own, which says the same link-layer address
 * (apps/overlay/nd-responder.c says why), and whether a router is still there
 * is the handler's to say.
 *
 * What is heard has hop limit 255, so it has crossed no router (sections 7.1.1
 * and 7.1.2): else anybody further out could say where neighbours are. */

#include "gateway.h"

#include <string.h>

#define HOP_LIMIT 255

void
match_nd(struct vmn_flow *flow, uint8_t type)
{
    vmn_match(flow, VMN_F_ICMPV6_TYPE, type);
    vmn_match(flow, VMN_F_ICMPV6_CODE, 0);
    vmn_match(flow, VMN_F_IP_TTL, HOP_LIMIT);
}

/* Leads neighbour discovery past NAT, to STAGE_EXTERNAL. */
void
nd_link(const struct external_link *link)
{
    static const uint8_t types[] = { VMN_ND_SOLICIT, VMN_ND_ADVERT };

    for (size_t i = 0; i < sizeof types; i++) {
        struct vmn_flow *flow = link_flow(link, STAGE_INGRESS, ENTER_ND);

        match_nd(flow, types[i]);
        vmn_act_next(vmn_flow_actions(flow));
    }
}

/* Replies.  --------------------------------------------------------------- */

static struct vmn_flow *
request_add(const struct gateway_ctx *ctx, const struct vmn_ip *ip,
            uint16_t priority)
{
    struct vmn_flow *flow = external_flow(ctx, STAGE_EXTERNAL, 0, priority);

    match_nd(flow, VMN_ND_SOLICIT);
    vmn_match_ip(flow, VMN_F_ND_TARGET, ip);
    return flow;
}

/* Replies to duplicate address detection, whose sender has no address yet
 * (section 7.2.4). */
static void
reply_dad(const struct gateway_ctx *ctx, const struct vmn_ip *ip)
{
    const struct vmn_mac all_nodes_mac = { { 0x33, 0x33, 0, 0, 0, 1 } };
    const struct vmn_ip all_nodes = { .family = 6, .addr = {
        0xff, 2, [15] = 1 } };
    const struct vmn_ip nobody = { .family = 6 };
    struct vmn_flow *flow = request_add(ctx, ip, EXTERNAL_PROBE);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match_ip(flow, VMN_F_IPV6_SRC, &nobody);
    vmn_act_set_mac(actions, VMN_F_ETH_SRC, ctx->mac);
    vmn_act_set_mac(actions, VMN_F_ETH_DST, all_nodes_mac);
    vmn_act_set_ip(actions, VMN_F_IPV6_SRC, ip);
    vmn_act_set_ip(actions, VMN_F_IPV6_DST, &all_nodes);
    vmn_act_set(actions, VMN_F_ICMPV6_TYPE, VMN_ND_ADVERT);
    act_reply(actions);
}

static void
reply_solicited(const struct gateway_ctx *ctx, const struct vmn_ip *ip)
{
    struct vmn_flow *flow = request_add(ctx, ip, EXTERNAL_REQUEST);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_act_learn_neighbour(actions, VMN_NEIGHBOUR_SOLICIT);
    vmn_act_move(actions, VMN_F_ETH_SRC, VMN_F_ETH_DST);
    vmn_act_set_mac(actions, VMN_F_ETH_SRC, ctx->mac);
    vmn_act_move(actions, VMN_F_IPV6_SRC, VMN_F_IPV6_DST);
    vmn_act_move(actions, VMN_F_IPV6_SRC, VMN_F_ND_TARGET);
    vmn_act_set_ip(actions, VMN_F_IPV6_SRC, ip);
    vmn_act_set_mac(actions, VMN_F_ND_SLL, ctx->mac);
    act_reply(actions);
}

/* Replies to a unicast solicitation.  Switches that reply (above) send such
 * solicitations, and are to learn the address. */
static void
reply_unicast(const struct gateway_ctx *ctx, const struct vmn_ip *ip,
              bool no_lladdr)
{
    struct vmn_flow *flow = request_add(ctx, ip, no_lladdr
                                        ? EXTERNAL_DIRECT_NO_LLADDR
                                        : EXTERNAL_DIRECT);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match_mac(flow, VMN_F_ETH_DST, ctx->mac);
    if (no_lladdr) {
        vmn_match_mac(flow, VMN_F_ND_SLL, (struct vmn_mac) { { 0 } });
    } else {
        vmn_act_learn_neighbour(actions, VMN_NEIGHBOUR_SOLICIT);
    }
    vmn_act_punt(actions, HANDLER_NEIGHBOUR, ctx->transit, VMN_PUNT_ALL);
}

void
nd_address(const struct gateway_ctx *ctx, const struct vmn_ip *ip)
{
    const struct vmn_mac none = { { 0 } };
    struct vmn_flow *flow;

    reply_unicast(ctx, ip, true);
    reply_unicast(ctx, ip, false);
    reply_dad(ctx, ip);

    /* Without the option, there is no room for a link-layer address in the
     * reply. */
    flow = request_add(ctx, ip, EXTERNAL_NO_LLADDR);
    vmn_match_mac(flow, VMN_F_ND_SLL, none);
    vmn_act_drop(vmn_flow_actions(flow), "ND without link-layer address");

    reply_solicited(ctx, ip);
}

/* Replies to a unicast solicitation.  Its flow has matched that the target and
 * the Ethernet destination are the router's or a floating IP's. */
void
handle_neighbour(struct vmn_view *view, const struct vmn_packet_in *in,
                 struct vmn_packets_out *out)
{
    const struct vmn_router *router = router_of_transit(view, in->arg);
    uint8_t answer[VMN_ND_ADVERT_SIZE];
    struct vmn_mac mac;

    if (!router || in->size < sizeof mac) {
        vmn_send_nothing(out, "router has no external network");
        return;
    }
    memcpy(&mac, in->bytes, sizeof mac);
    if (!vmn_nd_advert_build(in->bytes, in->size, mac, true, answer)) {
        vmn_send_nothing(out, "malformed");
    } else {
        send_external(out, vmn_packet_reg(in, VMN_REG_NETWORK), answer,
                      sizeof answer);
    }
}

/* Learning.  -------------------------------------------------------------- */

static void
act_learn(struct vmn_actions *actions)
{
    vmn_act_learn_neighbour(actions, VMN_NEIGHBOUR_ADVERT);
}

/* Has 'with' learn from advertisements to 'mac'.  A neighbour that was sent a
 * unicast solicitation may leave out its link-layer address (section 4.4);
 * replies of switches solicit that: then it is 'without' that takes it. */
static void
learn_from_replies(struct vmn_flow *without, struct vmn_flow *with,
                   struct vmn_mac mac)
{
    const struct vmn_mac none = { { 0 } };

    match_nd(without, VMN_ND_ADVERT);
    vmn_match_mac(without, VMN_F_ETH_DST, mac);
    vmn_match_mac(without, VMN_F_ND_TLL, none);
    vmn_act_drop(vmn_flow_actions(without), "ND without link-layer address");

    match_nd(with, VMN_ND_ADVERT);
    vmn_match_mac(with, VMN_F_ETH_DST, mac);
    act_learn(vmn_flow_actions(with));
}

/* Learns neighbours from advertisements to the router. */
void
nd_learn(const struct gateway_ctx *ctx)
{
    learn_from_replies(external_flow(ctx, STAGE_EXTERNAL, 0,
                                     EXTERNAL_REPLY_NO_LLADDR),
                       external_flow(ctx, STAGE_EXTERNAL, 0, EXTERNAL_REPLY),
                       ctx->mac);
}

/* The same of those to the host itself. */
void
nd_host(const struct external_link *link)
{
    learn_from_replies(link_flow(link, STAGE_EXTERNAL,
                                 EXTERNAL_REPLY_NO_LLADDR),
                       link_flow(link, STAGE_EXTERNAL, EXTERNAL_REPLY),
                       host_mac(link->view, link->host));
}

/* Emits flows for the router's link-local address, as for its others. */
void
nd_router(const struct gateway_ctx *ctx)
{
    const struct vmn_ip local = vmn_link_local(ctx->router->mac);

    nd_address(ctx, &local);
    publish_announced(ctx, ASK_GATEWAY);
    if (ctx->rank) {
        stand_by_address(ctx, &local);
    }
}

/* Learns the link-layer address of a subnet's gateway from its own
 * announcements. */
void
nd_gateway(const struct external_link *link, const struct vmn_ip *gateway)
{
    const struct vmn_mac none = { { 0 } };
    struct vmn_flow *flow = link_flow(link, STAGE_EXTERNAL,
                                      EXTERNAL_GATEWAY_NO_LLADDR);

    match_nd(flow, VMN_ND_ADVERT);
    vmn_match_ip(flow, VMN_F_ND_TARGET, gateway);
    vmn_match_mac(flow, VMN_F_ND_TLL, none);
    vmn_act_next(vmn_flow_actions(flow));

    flow = link_flow(link, STAGE_EXTERNAL, EXTERNAL_GATEWAY);
    match_nd(flow, VMN_ND_ADVERT);
    vmn_match_ip(flow, VMN_F_ND_TARGET, gateway);
    act_learn(vmn_flow_actions(flow));
    vmn_act_next(vmn_flow_actions(flow));
}
