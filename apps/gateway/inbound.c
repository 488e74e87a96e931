/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets from an external network: through NAT, and to the router, without a
 * source identity. */

#include "gateway.h"

static void
act_track(const struct gateway_ctx *ctx, struct vmn_flow *flow)
{
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_act_set(actions, REG_NAT_ZONE, ctx->nat_zone);
    vmn_act_set(actions, REG_TRANSIT, ctx->transit);
    vmn_act_ct(actions, &(struct vmn_ct) { .zone = REG_NAT_ZONE, .nat = true,
                                           .then = VMN_CT_TABLE,
                                           .stage = STAGE_INGRESS,
                                           .table = IN_NAT });
}

/* Adds a flow for packets to 'ip' that would leave by the host that serves it.
 * A physical network returns no packet to the host that sent it. */
static struct vmn_flow *
served_flow(const struct gateway_ctx *ctx, const struct vmn_ip *ip,
            uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(ctx->emit, vmn_scope_host(ctx->host),
                                         STAGE_EGRESS, OUT_SEND, priority);

    vmn_match(flow, VMN_REG_NETWORK, ctx->network->vni);
    vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_PROVIDER);
    vmn_match_ip(flow, vmn_field_ip_dst(ip->family), ip);
    match_stands_in(ctx, flow);
    return flow;
}

void
act_come_in(struct vmn_view *view, struct vmn_actions *actions,
            uint32_t ofport)
{
    vmn_act_set(actions, VMN_F_IN_PORT, ofport);
    vmn_forget_tunnel(view, actions);
    vmn_act_set_masked(actions, VMN_REG_FLAGS, 0,
                       (uint32_t) ~VMN_FLAG_STANDS_IN);
    vmn_act_restart(actions);
}

void
in_from_port(const struct gateway_ctx *ctx)
{
    static const enum vmn_field zeroed[] = {
        VMN_REG_SRC_ID, VMN_REG_DST_ID, VMN_REG_SRC_LOCAL, VMN_REG_DST_LOCAL,
        VMN_REG_DST_HOST, VMN_REG_OUT_PORT, VMN_REG_FLAGS,
    };
    struct vmn_flow *flow;

    if (!ctx->ofport || ctx->rank) {
        return;
    }
    flow = vmn_flow_add(ctx->emit, vmn_scope_host(ctx->host), STAGE_EGRESS,
                        OUT_ENTER, ENTER_LOCAL);
    vmn_match(flow, VMN_REG_NETWORK, ctx->network->vni);
    vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_PROVIDER);
    vmn_match_mac(flow, VMN_F_ETH_DST, ctx->mac);
    vmn_act_set(vmn_flow_actions(flow), VMN_F_IN_PORT, ctx->ofport);
    for (size_t i = 0; i < sizeof zeroed / sizeof *zeroed; i++) {
        vmn_act_set(vmn_flow_actions(flow), zeroed[i], 0);
    }
    vmn_act_jump(vmn_flow_actions(flow), STAGE_INGRESS, IN_ENTER);
}

void
in_served(const struct gateway_ctx *ctx, const struct vmn_ip *ip)
{
    struct vmn_actions *actions
        = vmn_flow_actions(served_flow(ctx, ip, SEND_SERVED));

    vmn_act_set_mac(actions, VMN_F_ETH_DST, ctx->mac);
    act_come_in(ctx->view, actions, ctx->ofport);
}

void
in_address(const struct gateway_ctx *ctx, const struct vmn_ip *ip)
{
    struct vmn_flow *flow;

    if (!ctx->ofport) {
        return;
    }
    in_served(ctx, ip);
    flow = external_flow(ctx, STAGE_INGRESS, IN_ENTER, ENTER_LOCAL);
    vmn_match_ip(flow, vmn_field_ip_dst(ip->family), ip);
    act_track(ctx, flow);
}

/* Turns an echo request into its reply. */
static void
act_ping_reply(struct vmn_flow *flow, uint8_t family)
{
    struct vmn_actions *actions = vmn_flow_actions(flow);
    bool v6 = family == 6;
    enum vmn_field type = vmn_field_icmp_type(family);

    vmn_match(flow, type, v6 ? 128 : 8);
    vmn_act_swap(actions, VMN_F_ETH_SRC, VMN_F_ETH_DST);
    vmn_act_swap(actions, vmn_field_ip_src(family), vmn_field_ip_dst(family));
    vmn_act_set(actions, VMN_F_IP_TTL, 64);
    vmn_act_set(actions, type, v6 ? 129 : 0);
}

/* Replies to pings of the gateway's address.  Echo replies to others have
 * another type, and are not matched. */
void
in_ping(const struct gateway_ctx *ctx, const struct vmn_ip *ip)
{
    struct vmn_flow *flow = external_flow(ctx, STAGE_INGRESS, IN_ENTER,
                                          ENTER_PING);

    vmn_match_ip(flow, vmn_field_ip_dst(ip->family), ip);
    act_ping_reply(flow, ip->family);
    act_reply(vmn_flow_actions(flow));

    flow = served_flow(ctx, ip, SEND_SERVED_PING);
    act_ping_reply(flow, ip->family);
    act_come_in(ctx->view, vmn_flow_actions(flow), ctx->ofport);
}

/* Lets new connections to addresses behind the router through without NAT: to
 * those that are exempt, or to all. */
static void
in_exempt(const struct gateway_ctx *ctx, uint8_t family)
{
    const struct vmn_external *external = &ctx->router->external;
    struct vmn_flow *flow;

    for (size_t i = 0; i < external->n_exempt; i++) {
        const struct translation exempt = exempt_of(ctx, i);

        if (exempt.family == family) {
            flow = nat_new(ctx, family, STAGE_INGRESS, IN_NAT, NAT_EXEMPT);
            vmn_match_prefix(flow, vmn_field_ip_src(family),
                             &external->exempt[i]);
            nat_commit(flow, STAGE_INGRESS, &exempt);
        }
    }
    flow = nat_new(ctx, family, STAGE_INGRESS, IN_NAT, NAT_DEFAULT);
    if (external->routed) {
        nat_commit(flow, STAGE_INGRESS,
                   &(struct translation) { .family = family });
    } else {
        vmn_act_drop(vmn_flow_actions(flow),
                     "no such service at external address");
    }
}

static void
in_forwards(const struct gateway_ctx *ctx)
{
    const struct vmn_external *external = &ctx->router->external;

    for (size_t i = 0; i < external->n_forwards; i++) {
        const struct vmn_forward *forward = vmn_forward_at(external, i);
        const struct vmn_port *port = vmn_read_port(ctx->view, forward->to);
        const struct vmn_ip *to = vmn_forward_address(external, forward);
        const struct vmn_ip *ip = port ? first_ip(port, to->family) : NULL;
        const struct translation t = {
            .family = to->family,
            .protocol = forward->protocol,
            .outer = to, .outer_port = forward->port,
            .inner = ip, .inner_port = forward->target,
        };
        struct vmn_flow *flow;

        if (ip) {
            flow =
                nat_new(ctx, to->family, STAGE_INGRESS, IN_NAT, NAT_FORWARD);
            vmn_match_ip(flow, vmn_field_ip_dst(to->family), to);
            vmn_match(flow, forward->protocol == VMN_PROTO_UDP
                      ? VMN_F_UDP_DST : VMN_F_TCP_DST, forward->port);
            nat_commit(flow, STAGE_INGRESS, &t);
            nat_allow(ctx, &t);
        }
    }
}

void
act_let_in(const struct gateway_ctx *ctx, struct vmn_actions *actions,
           uint32_t balance_zone)
{
    vmn_act_set(actions, VMN_REG_NETWORK, ctx->transit);
    vmn_act_set(actions, VMN_REG_ZONE, ctx->zone);
    vmn_act_set(actions, VMN_REG_BALANCE_ZONE, balance_zone);
    vmn_act_set(actions, VMN_REG_SRC_ID, 0);
    /* It may leave by another router, whose gateway may be up. */
    vmn_act_set_masked(actions, VMN_REG_FLAGS, VMN_FLAG_EXTERNAL,
                       VMN_FLAG_EXTERNAL | VMN_FLAG_STANDS_IN
                       | VMN_SRC_ISOLATION_MASK);
    vmn_act_set_mac(actions, VMN_F_ETH_DST, ctx->router->mac);
    vmn_act_next(actions);
}

static void
in_route(const struct gateway_ctx *ctx)
{
    struct vmn_flow *flow = gateway_flow(ctx, STAGE_INGRESS, IN_ROUTE, ONLY);

    vmn_match(flow, REG_TRANSIT, ctx->transit);
    act_let_in(ctx, vmn_flow_actions(flow), 0);
}

/* Emits what leads packets of a family to NAT. */
static void
in_family_at(const struct gateway_ctx *ctx, uint8_t family)
{
    struct vmn_flow *flow = external_flow(ctx, STAGE_INGRESS, IN_ENTER,
                                          ENTER_ROUTED);

    vmn_match_mac(flow, VMN_F_ETH_DST, ctx->router->mac);
    vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(family));
    act_track(ctx, flow);
    if (family == 6) {
        const struct vmn_ip local = vmn_link_local(ctx->router->mac);

        in_ping(ctx, &local);
    }
}

void
in_router_at(const struct gateway_ctx *ctx)
{
    const struct vmn_external *external = &ctx->router->external;

    in_from_port(ctx);
    for (size_t i = 0; i < external->n_addresses; i++) {
        in_ping(ctx, &external->addresses[i]);
    }
    for (size_t i = 0; i < N_FAMILIES; i++) {
        if (first_external(ctx->router, families[i])) {
            in_family_at(ctx, families[i]);
        }
    }
}

void
in_router(const struct gateway_ctx *ctx)
{
    for (size_t i = 0; i < N_FAMILIES; i++) {
        if (first_external(ctx->router, families[i])) {
            in_exempt(ctx, families[i]);
        }
    }
    in_forwards(ctx);
    in_route(ctx);
}
