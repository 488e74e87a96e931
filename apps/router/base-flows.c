/* SPDX-License-Identifier: Apache-2.0
 *
 * What there is on every host of a domain that has routers, once, whatever
 * their number: drops of what no router forwards, and the hop limit.  Not for
 * what routers answer themselves (ping-reply.c). */

#include "router.h"

#include <string.h>

static struct vmn_flow *
flow_add(struct vmn_emit *emit, unsigned stage, unsigned table,
         uint16_t priority)
{
    return vmn_flow_add(emit, vmn_scope_relation(REL_HOSTS, ""), stage, table,
                        priority);
}

/* On the way.  ----------------------------------------------------------- */

/* Drops addresses that RFC 6890 lists as neither forwardable nor global.
 * Multicast is not routed. */
static void
base_not_forwarded(struct vmn_emit *emit)
{
    static const struct vmn_prefix prefixes[] = {
        { { 4, { 0 } }, 8 },
        { { 4, { 127 } }, 8 },
        { { 4, { 169, 254 } }, 16 },
        { { 4, { 224 } }, 3 },
        { { 6, { 0 } }, 127 },
        { { 6, { 0xfe, 0x80 } }, 10 },
        { { 6, { 0xff } }, 8 },
    };

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        struct vmn_flow *flow = flow_add(emit, STAGE_ROUTE, ROUTE_HOP,
                                         HOP_NOT_FORWARDED);

        vmn_match_prefix(flow, vmn_field_ip_dst(prefixes[i].ip.family),
                         &prefixes[i]);
        vmn_act_drop(vmn_flow_actions(flow), "destination is not routed");
    }

    /* Link-local sources (RFC 4291, section 2.5.6). */
    struct vmn_flow *flow = flow_add(emit, STAGE_ROUTE, ROUTE_HOP,
                                     HOP_NOT_FORWARDED - 1);

    vmn_match_prefix(flow, VMN_F_IPV6_SRC, &prefixes[5]);
    vmn_act_drop(vmn_flow_actions(flow), "source is not routed");

    /* A guest behind a port, which no row names, could not be sent a reply. */
    flow = flow_add(emit, STAGE_ROUTE, ROUTE_HOP, HOP_UNKNOWN);
    vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_UNKNOWN, VMN_FLAG_UNKNOWN);
    vmn_act_drop(vmn_flow_actions(flow), "source is not routed");
}

static void
base_hop(struct vmn_emit *emit)
{
    static const uint16_t eth_types[] = { VMN_ETH_IPV4, VMN_ETH_IPV6 };

    for (size_t i = 0; i < sizeof eth_types / sizeof eth_types[0]; i++) {
        struct vmn_flow *flow = flow_add(emit, STAGE_ROUTE, ROUTE_HOP,
                                         HOP_FORWARD);
        struct vmn_actions *actions = vmn_flow_actions(flow);

        vmn_match(flow, VMN_F_ETH_TYPE, eth_types[i]);
        vmn_act_dec_ttl(actions);
        vmn_act_move(actions, VMN_REG_NETWORK, REG_FROM);
        vmn_act_goto(actions, STAGE_ROUTE, ROUTE_LOOKUP);
    }
    vmn_act_drop(vmn_flow_actions(flow_add(emit, STAGE_ROUTE, ROUTE_HOP,
                                           PRIORITY_LAST)),
                 "non-IP packet to a router");
}

void
compile_base(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    base_not_forwarded(emit);
    base_hop(emit);
    local_replies_base(emit);
}
