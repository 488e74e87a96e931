/* SPDX-License-Identifier: Apache-2.0
 *
 * A router that has an external network: what no route is for leaves by its
 * gateway, and what the gateway lets in is routed as what comes from anywhere.
 * Both are in the router's transit network meanwhile.  Not for what gateways
 * do (app gateway). */

#include "router.h"

static bool
has_external(const struct vmn_router *router, uint8_t family)
{
    for (size_t i = 0; i < router->external.n_addresses; i++) {
        if (router->external.addresses[i].family == family) {
            return true;
        }
    }
    return false;
}

/* Routes packets that no route matches to the external network, for a family
 * of which the router has an external address. */
static void
emit_family(const struct router_ctx *ctx, uint32_t vni, uint16_t eth_type)
{
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    flow = router_flow_here(ctx, ROUTE_LOOKUP, LOOKUP_BACK);
    vmn_match(flow, VMN_F_ETH_TYPE, eth_type);
    vmn_match(flow, REG_FROM, vni);
    vmn_act_drop(vmn_flow_actions(flow), "no route");

    /* Egress rules are applied on this host, as for all packets that leave
     * it. */
    flow = router_flow_here(ctx, ROUTE_LOOKUP, LOOKUP_EXTERNAL);
    vmn_match(flow, VMN_F_ETH_TYPE, eth_type);
    vmn_flow_count(flow);
    actions = vmn_flow_actions(flow);
    vmn_act_set(actions, VMN_REG_NETWORK, vni);
    vmn_act_set(actions, VMN_REG_DST_HOST, VMN_DST_HOST_EXTERNAL);
    vmn_act_goto(actions, STAGE_ROUTE, ROUTE_SEND);
}

void
emit_external(const struct router_ctx *ctx)
{
    uint32_t vni = vmn_transit_vni(ctx->view, ctx->router->row.name);
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    /* At the gateway, for packets from the external network. */
    flow = router_flow(ctx, ROUTE_ENTER, ONLY);
    vmn_match(flow, VMN_REG_NETWORK, vni);
    vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_EXTERNAL,
                     VMN_FLAG_EXTERNAL);
    vmn_match_mac(flow, VMN_F_ETH_DST, ctx->router->mac);
    actions = vmn_flow_actions(flow);
    vmn_act_set(actions, REG_ROUTER, ctx->number);
    vmn_act_set(actions, REG_HOPS, 0);
    vmn_act_set(actions, REG_ENTRY, vni);
    vmn_act_goto(actions, STAGE_ROUTE, ROUTE_HOP);

    if (has_external(ctx->router, 4)) {
        emit_family(ctx, vni, VMN_ETH_IPV4);
    }
    if (has_external(ctx->router, 6)) {
        emit_family(ctx, vni, VMN_ETH_IPV6);
    }
}
