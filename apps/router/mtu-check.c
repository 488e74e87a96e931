/* SPDX-License-Identifier: Apache-2.0
 *
 * Routers between networks of different MTUs.  What is too large for the
 * network that it leaves for is dropped, and its sender is told how much there
 * is room for (RFC 1812, section 5.2.7.1; RFC 4443, section 3.2).  Switches do
 * not cut packets up, so IPv4 is treated as if none may be.  Where no network
 * of a router has a larger MTU, and no other router joins one, nothing is
 * looked at here: a packet that is too large for the network it comes from is
 * app overlay's concern. */

#include "router.h"

static const struct vmn_network *
network_of(const struct router_ctx *ctx, size_t i)
{
    return vmn_read_network(ctx->view, vmn_router_interface_at(ctx->router,
                                                               i)->network);
}

static void
emit_mtu_check(const struct router_ctx *ctx, uint32_t vni, uint32_t mtu)
{
    struct vmn_flow *flow = router_flow_here(ctx, ROUTE_SEND, TOO_LARGE);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_REG_NETWORK, vni);
    vmn_act_check_size(actions, mtu);
    vmn_act_goto(actions, STAGE_ROUTE, ROUTE_MTU);

    flow = router_flow_here(ctx, ROUTE_MTU, TOO_LARGE);
    actions = vmn_flow_actions(flow);
    vmn_match(flow, VMN_REG_NETWORK, vni);
    vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_LARGE, VMN_FLAG_LARGE);
    vmn_act_punt(actions, HANDLER_ICMP_ERROR,
                 ERROR_TOO_LARGE | mtu << ERROR_BITS, VMN_REJECT_QUOTED_MAX);
    vmn_act_drop(actions, "larger than the MTU");
}

void
emit_mtu_checks(const struct router_ctx *ctx)
{
    const struct vmn_network *external = (
        ctx->router->external.network
        ? vmn_read_network(ctx->view, ctx->router->external.network) : NULL);
    uint32_t max = external ? vmn_mtu_of(ctx->view, external) : 0;
    bool any = external;

    for (size_t i = 0; i < ctx->router->n_interfaces; i++) {
        const struct vmn_network *network = network_of(ctx, i);

        if (network && vmn_lookup(ctx->view, VMN_INDEX_ROUTER_BY_NETWORK,
                                  network->row.name).n > 1) {
            max = UINT32_MAX;   /* From networks further on. */
        } else if (network && vmn_mtu_of(ctx->view, network) > max) {
            max = vmn_mtu_of(ctx->view, network);
        }
    }
    for (size_t i = 0; i < ctx->router->n_interfaces; i++) {
        const struct vmn_network *network = network_of(ctx, i);

        if (network && network->vni
            && vmn_mtu_of(ctx->view, network) < max) {
            emit_mtu_check(ctx, network->vni, vmn_mtu_of(ctx->view, network));
            any = true;
        }
    }
    if (external) {
        emit_mtu_check(ctx, vmn_transit_vni(ctx->view, ctx->router->row.name),
                       vmn_external_mtu(ctx->view, ctx->router));
    }
    if (any) {
        act_send(ctx, vmn_flow_actions(router_flow_here(ctx, ROUTE_MTU,
                                                        ONLY)));
    }
}
