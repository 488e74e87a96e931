/* SPDX-License-Identifier: Apache-2.0
 *
 * Neighbour discovery (RFC 4861) on the wire of an external network: what
 * external-arp.c does by ARP.  As inside, a switch answers solicitations of a
 * group by one of its own, which says the same link-layer address
 * (apps/overlay/nd-responder.c says why), and whether a router is still there
 * is the handler's to say.
 *
 * What is heard has hop limit 255, so it has crossed no router (sections 7.1.1
 * and 7.1.2): else anybody further out could say where neighbours are. */

#include "gateway.h"

#include <string.h>

#define HOP_LIMIT 255

static void
match_nd(struct vmn_flow *flow, uint8_t type)
{
    vmn_match(flow, VMN_F_ICMPV6_TYPE, type);
    vmn_match(flow, VMN_F_IP_TTL, HOP_LIMIT);
}

/* It is no connection, and for STAGE_WIRE. */
void
nd_wire(const struct wire *wire)
{
    static const uint8_t types[] = { VMN_ND_SOLICIT, VMN_ND_ADVERT };

    for (size_t i = 0; i < sizeof types; i++) {
        struct vmn_flow *flow = wire_flow(wire, STAGE_IN, ENTER_ND);

        match_nd(flow, types[i]);
        vmn_act_next(vmn_flow_actions(flow));
    }
}

/* Answering.  ------------------------------------------------------------- */

static struct vmn_flow *
asked_add(const struct site *site, const struct vmn_ip *ip, uint16_t priority)
{
    struct vmn_flow *flow = site_wire_flow(site, STAGE_WIRE, 0, priority);

    match_nd(flow, VMN_ND_SOLICIT);
    vmn_match_ip(flow, VMN_F_ND_TARGET, ip);
    return flow;
}

/* To one that has no address yet and would take this (section 7.2.4). */
static void
answer_probe(const struct site *site, const struct vmn_ip *ip)
{
    const struct vmn_mac all_nodes_mac = { { 0x33, 0x33, 0, 0, 0, 1 } };
    const struct vmn_ip all_nodes = { .family = 6, .addr = {
        0xff, 2, [15] = 1 } };
    const struct vmn_ip nobody = { .family = 6 };
    struct vmn_flow *flow = asked_add(site, ip, WIRE_PROBE);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match_ip(flow, VMN_F_IPV6_SRC, &nobody);
    vmn_act_set_mac(actions, VMN_F_ETH_SRC, site->mac);
    vmn_act_set_mac(actions, VMN_F_ETH_DST, all_nodes_mac);
    vmn_act_set_ip(actions, VMN_F_IPV6_SRC, ip);
    vmn_act_set_ip(actions, VMN_F_IPV6_DST, &all_nodes);
    vmn_act_set(actions, VMN_F_ICMPV6_TYPE, VMN_ND_ADVERT);
    site_tag(site, actions);
    vmn_act_output_in_port(actions);
}

static void
answer_asker(const struct site *site, const struct vmn_ip *ip)
{
    struct vmn_flow *flow = asked_add(site, ip, WIRE_ASKED);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_act_learn_neighbour(actions, VMN_NEIGHBOUR_SOLICIT);
    vmn_act_move(actions, VMN_F_ETH_SRC, VMN_F_ETH_DST);
    vmn_act_set_mac(actions, VMN_F_ETH_SRC, site->mac);
    vmn_act_move(actions, VMN_F_IPV6_SRC, VMN_F_IPV6_DST);
    vmn_act_move(actions, VMN_F_IPV6_SRC, VMN_F_ND_TARGET);
    vmn_act_set_ip(actions, VMN_F_IPV6_SRC, ip);
    vmn_act_set_mac(actions, VMN_F_ND_SLL, site->mac);
    site_tag(site, actions);
    vmn_act_output_in_port(actions);
}

/* Asked of its own MAC address, whether it is still there.  So do switches
 * answer (above), whose address is to be learned. */
static void
answer_direct(const struct site *site, const struct vmn_ip *ip, bool mute)
{
    struct vmn_flow *flow = asked_add(site, ip, mute ? WIRE_DIRECT_MUTE
                                      : WIRE_DIRECT);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match_mac(flow, VMN_F_ETH_DST, site->mac);
    if (mute) {
        vmn_match_mac(flow, VMN_F_ND_SLL, (struct vmn_mac) { { 0 } });
    } else {
        vmn_act_learn_neighbour(actions, VMN_NEIGHBOUR_SOLICIT);
    }
    vmn_act_punt(actions, HANDLER_NEIGHBOUR, site->transit, VMN_PUNT_ALL);
}

void
nd_address(const struct site *site, const struct vmn_ip *ip)
{
    const struct vmn_mac none = { { 0 } };
    struct vmn_flow *flow;

    answer_direct(site, ip, true);
    answer_direct(site, ip, false);
    answer_probe(site, ip);

    /* There is no room for one in the answer. */
    flow = asked_add(site, ip, WIRE_MUTE);
    vmn_match_mac(flow, VMN_F_ND_SLL, none);
    vmn_act_drop(vmn_flow_actions(flow), "ND without link-layer address");

    answer_asker(site, ip);
}

/* The flow has seen to it that the target and the Ethernet destination are the
 * router's, or a floating address's. */
void
handle_neighbour(struct vmn_view *view, const struct vmn_packet_in *in,
                 struct vmn_packets_out *out)
{
    const struct vmn_router *router = router_of_transit(view, in->arg);
    uint8_t answer[VMN_ND_ADVERT_SIZE];
    struct vmn_mac mac;

    if (!router || in->size < sizeof mac) {
        vmn_send_nothing(out, "router leads nowhere by now");
        return;
    }
    memcpy(&mac, in->bytes, sizeof mac);
    if (!vmn_nd_advert_build(in->bytes, in->size, mac, true, answer)) {
        vmn_send_nothing(out, "malformed");
    } else {
        send_back_tagged(view, router, out, answer, sizeof answer);
    }
}

/* Hearing.  --------------------------------------------------------------- */

static void
act_hear(struct vmn_actions *actions)
{
    vmn_act_learn_neighbour(actions, VMN_NEIGHBOUR_ADVERT);
}

/* What the router itself is told.  Who was asked for nothing but whether it is
 * there may leave out where (section 4.4), and answers of switches ask for
 * that. */
void
nd_hears(const struct site *site)
{
    const struct vmn_mac none = { { 0 } };
    struct vmn_flow *flow = site_wire_flow(site, STAGE_WIRE, 0, WIRE_EMPTY);

    match_nd(flow, VMN_ND_ADVERT);
    vmn_match_mac(flow, VMN_F_ETH_DST, site->mac);
    vmn_match_mac(flow, VMN_F_ND_TLL, none);
    vmn_act_drop(vmn_flow_actions(flow), "ND without link-layer address");

    flow = site_wire_flow(site, STAGE_WIRE, 0, WIRE_ANSWERED);
    match_nd(flow, VMN_ND_ADVERT);
    vmn_match_mac(flow, VMN_F_ETH_DST, site->mac);
    act_hear(vmn_flow_actions(flow));
}

/* The router's link-local address is asked for as the others are. */
void
nd_router(const struct site *site)
{
    const struct vmn_ip local = vmn_link_local(site->router->mac);

    nd_address(site, &local);
    says(site, ASK_GATEWAY);
}

/* A subnet's gateway says that it is elsewhere by now. */
void
nd_gateway(const struct wire *wire, const struct vmn_ip *gateway)
{
    const struct vmn_mac none = { { 0 } };
    struct vmn_flow *flow = wire_flow(wire, STAGE_WIRE, WIRE_GATEWAY_EMPTY);

    match_nd(flow, VMN_ND_ADVERT);
    vmn_match_ip(flow, VMN_F_ND_TARGET, gateway);
    vmn_match_mac(flow, VMN_F_ND_TLL, none);
    vmn_act_next(vmn_flow_actions(flow));

    flow = wire_flow(wire, STAGE_WIRE, WIRE_GATEWAY);
    match_nd(flow, VMN_ND_ADVERT);
    vmn_match_ip(flow, VMN_F_ND_TARGET, gateway);
    act_hear(vmn_flow_actions(flow));
    vmn_act_next(vmn_flow_actions(flow));
}
