/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets to an external network: to the gateway, through NAT (snat.c), and to
 * the next hop. */

#include "gateway.h"

#include <string.h>

/* Resolves the neighbour that OUT_HOP did not find: from floating IP number
 * 'floating', or from the router (0). */
static void
act_resolve(struct vmn_actions *actions, uint32_t floating)
{
    vmn_act_punt(actions, HANDLER_RESOLVE, floating, 64);
    vmn_act_drop(actions, "neighbour is not known yet");
}

/* Has the neighbour that OUT_HOP has found probed, for the same. */
static void
act_probe(struct vmn_flow *flow, uint32_t floating)
{
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match_masked(flow, VMN_REG_NEIGHBOUR_STATE, 0,
                     VMN_NEIGHBOUR_REACHABLE);
    vmn_act_learn_neighbour(actions, VMN_NEIGHBOUR_PROBED);
    vmn_act_punt(actions, HANDLER_RESOLVE, floating, 64);
}

/* To the gateway.  ------------------------------------------------------- */

struct vmn_flow *
out_enter_flow(const struct gateway_ctx *ctx, struct vmn_scope scope,
               uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(ctx->emit, scope, STAGE_EGRESS,
                                         OUT_ENTER, priority);

    vmn_match(flow, VMN_REG_NETWORK, ctx->transit);
    vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_EXTERNAL);
    match_stands_in(ctx, flow);
    return flow;
}

void
out_track(const struct gateway_ctx *ctx, struct vmn_actions *actions)
{
    vmn_act_set(actions, REG_NAT_ZONE, ctx->nat_zone);
    vmn_act_set(actions, REG_TRANSIT, ctx->transit);
    vmn_act_ct(actions, &(struct vmn_ct) { .zone = REG_NAT_ZONE, .nat = true,
                                           .then = VMN_CT_TABLE,
                                           .stage = STAGE_EGRESS,
                                           .table = OUT_NAT });
}

/* Sends what a port with address 'ip' sends to the external network out of
 * this host, which serves its floating IP 'floating'. */
void
outbound_distributed(const struct gateway_ctx *ctx, const struct vmn_ip *ip,
                     const struct vmn_ip *floating, uint32_t number)
{
    static const uint16_t priorities[] = {
        SEND_DISTRIBUTED_UNKNOWN, SEND_DISTRIBUTED_STALE, SEND_DISTRIBUTED
    };
    struct vmn_scope scope = vmn_scope_host(ctx->host);
    struct vmn_flow *flow = out_enter_flow(ctx, scope, ENTER_DISTRIBUTED);
    struct vmn_actions *actions;

    vmn_match_ip(flow, vmn_field_ip_src(ip->family), ip);
    vmn_act_set(vmn_flow_actions(flow), REG_REPLY, 0);
    out_track(ctx, vmn_flow_actions(flow));

    for (size_t i = 0; i < sizeof priorities / sizeof *priorities; i++) {
        flow = vmn_flow_add(ctx->emit, scope, STAGE_EGRESS, OUT_SEND,
                            priorities[i]);
        actions = vmn_flow_actions(flow);
        vmn_match(flow, REG_TRANSIT, ctx->transit);
        vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_PROVIDER);
        vmn_match_ip(flow, vmn_field_ip_src(floating->family), floating);
        if (priorities[i] == SEND_DISTRIBUTED_UNKNOWN) {
            vmn_match_mac(flow, VMN_F_ETH_DST, (struct vmn_mac) { { 0 } });
            act_resolve(actions, number);
            continue;
        }
        if (priorities[i] == SEND_DISTRIBUTED_STALE) {
            act_probe(flow, number);
        }
        vmn_act_set_mac(actions, VMN_F_ETH_SRC, ctx->mac);
        vmn_act_next(actions);
    }
}

void
replies_to_gateway(const struct gateway_ctx *ctx, const char *host,
                   const struct vmn_ip *ip)
{
    /* Of a connection that NAT does not know here: a reply that opens none is
     * invalid. */
    static const unsigned unknown[] = { VMN_CT_NEW, VMN_CT_INV };
    struct vmn_scope scope = vmn_scope_host(host);
    struct vmn_flow *flow;

    if (ctx->host && !strcmp(ctx->host, host)) {
        return;
    }
    flow = vmn_flow_add(ctx->emit, scope, STAGE_EGRESS, OUT_ENTER,
                        ENTER_DISTRIBUTED_REPLY);
    vmn_match(flow, VMN_REG_NETWORK, ctx->transit);
    vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_EXTERNAL);
    vmn_match_ip(flow, vmn_field_ip_src(ip->family), ip);
    /* By the zone of policies. */
    vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | VMN_CT_RPL,
                     VMN_CT_TRK | VMN_CT_RPL);
    vmn_act_set(vmn_flow_actions(flow), REG_REPLY, 1);
    out_track(ctx, vmn_flow_actions(flow));

    /* What vmnd answers in the port's name is not tracked; but it is to where
     * the packet came from (app router, table ROUTE_ENTER). */
    flow = vmn_flow_add(ctx->emit, scope, STAGE_EGRESS, OUT_ENTER,
                        ENTER_DISTRIBUTED_REPLY);
    vmn_match(flow, VMN_REG_NETWORK, ctx->transit);
    vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_EXTERNAL);
    vmn_match_ip(flow, vmn_field_ip_src(ip->family), ip);
    vmn_match_mac(flow, VMN_F_ETH_DST, VMN_EXTERNAL_MAC);
    act_to_gateways(ctx, vmn_flow_actions(flow));

    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        flow = vmn_flow_add(ctx->emit, scope, STAGE_EGRESS, OUT_NAT,
                            NAT_ELSEWHERE);
        vmn_match(flow, REG_TRANSIT, ctx->transit);
        vmn_match(flow, REG_REPLY, 1);
        vmn_match_ip(flow, vmn_field_ip_src(ip->family), ip);
        vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | unknown[i],
                         VMN_CT_TRK | unknown[i]);
        act_to_gateways(ctx, vmn_flow_actions(flow));
    }
}

void
out_router_at(const struct gateway_ctx *ctx)
{
    for (size_t i = 0; i < N_FAMILIES; i++) {
        if (first_external(ctx->router, families[i])) {
            struct vmn_flow *flow = out_enter_flow(
                ctx, vmn_scope_host(ctx->host), ENTER_LOCAL);

            vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(families[i]));
            out_track(ctx, vmn_flow_actions(flow));
        }
    }
}

/* At the gateway.  ------------------------------------------------------- */

void
act_neighbour(struct vmn_actions *actions, uint8_t family,
              enum vmn_field field, const struct vmn_ip *next)
{
    const unsigned n = family == 6 ? 4 : 1, first = 4 - n;

    for (unsigned i = 0; i < 4; i++) {
        enum vmn_field reg = VMN_REG_NEIGHBOUR6 + i;

        if (i < first) {
            vmn_act_set(actions, reg, 0);
        } else if (next) {
            const uint8_t *p = &next->addr[4 * (i - first)];

            vmn_act_set(actions, reg, (uint32_t) p[0] << 24 | p[1] << 16
                        | p[2] << 8 | p[3]);
        } else {
            vmn_act_move_bits(actions, field, 96 - 32 * i, reg, 0, 32);
        }
    }
    vmn_act_find_neighbour(actions);
}

/* Sends packets to the next hop 'next', a gateway, or to their own destination
 * (NULL). */
static void
out_to(const struct gateway_ctx *ctx, struct vmn_flow *flow, uint8_t family,
       const struct vmn_ip *next)
{
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, REG_TRANSIT, ctx->transit);
    vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(family));
    vmn_act_set(actions, VMN_REG_NETWORK, ctx->network->vni);
    vmn_act_set(actions, VMN_REG_DST_HOST, VMN_DST_HOST_PROVIDER);
    vmn_act_set_mac(actions, VMN_F_ETH_SRC, ctx->router->mac);
    act_neighbour(actions, family, vmn_field_ip_dst(family), next);
    vmn_act_goto(actions, STAGE_EGRESS, OUT_SEND);
}

/* Sends packets on by the gateway of the subnet that their source is in: other
 * machines find the way back by that one.  Those of no subnet go by that of
 * the router's own address. */
static void
out_further(const struct gateway_ctx *ctx, uint8_t family)
{
    const struct vmn_ip *own = first_external(ctx->router, family);
    const struct vmn_ip *next = own ? gateway_of(ctx->network, own) : NULL;

    next = next ? next : next_hop(ctx->network, family);
    if (!next) {
        return;
    }
    out_to(ctx, gateway_flow(ctx, STAGE_EGRESS, OUT_HOP, HOP_FURTHER), family,
           next);
    for (size_t i = 0; i < ctx->network->n_subnets; i++) {
        const struct vmn_subnet *subnet = vmn_subnet_at(ctx->network, i);

        if (subnet->gateway.family == family
            && memcmp(&subnet->gateway, next, sizeof *next)) {
            struct vmn_flow *flow = gateway_flow(
                ctx, STAGE_EGRESS, OUT_HOP, HOP_FURTHER_OF + subnet->cidr.len);

            vmn_match_prefix(flow, vmn_field_ip_src(family), &subnet->cidr);
            out_to(ctx, flow, family, &subnet->gateway);
        }
    }
}

static void
out_hop(const struct gateway_ctx *ctx, uint8_t family)
{
    for (size_t i = 0; i < ctx->network->n_subnets; i++) {
        const struct vmn_prefix *cidr = &vmn_subnet_at(ctx->network, i)->cidr;

        if (cidr->ip.family == family) {
            struct vmn_flow *flow = gateway_flow(ctx, STAGE_EGRESS, OUT_HOP,
                                                 HOP_LINK + cidr->len);

            vmn_match_prefix(flow, vmn_field_ip_dst(family), cidr);
            out_to(ctx, flow, family, NULL);
        }
    }
    out_further(ctx, family);
}

void
out_router(const struct gateway_ctx *ctx)
{
    out_to_gateways(ctx);
    for (size_t i = 0; i < N_FAMILIES; i++) {
        if (first_external(ctx->router, families[i])) {
            nat_own(ctx, families[i]);
            snat_router(ctx, families[i]);
            out_hop(ctx, families[i]);
        }
    }
    for (size_t i = 0; i < ctx->router->external.n_addresses; i++) {
        snat_served(ctx, &ctx->router->external.addresses[i]);
    }
}

void
out_base(struct vmn_emit *emit)
{
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    /* From the external network, and for another host: there the flag tells
     * where it came from. */
    flow = vmn_flow_add(emit, vmn_scope_relation(REL_HOSTS, ""), STAGE_EGRESS,
                        OUT_ENTER, ENTER_FROM_EXTERNAL);
    vmn_match(flow, VMN_REG_DST_LOCAL, 0);
    vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_EXTERNAL,
                     VMN_FLAG_EXTERNAL);
    actions = vmn_flow_actions(flow);
    vmn_act_set_mac(actions, VMN_F_ETH_SRC, VMN_EXTERNAL_MAC);
    vmn_act_next(actions);

    flow = vmn_flow_add(emit, vmn_scope_relation(REL_HOSTS, ""), STAGE_EGRESS,
                        OUT_SEND, ONLY);
    vmn_match_mac(flow, VMN_F_ETH_DST, (struct vmn_mac) { { 0 } });
    actions = vmn_flow_actions(flow);
    act_resolve(actions, 0);

    flow = vmn_flow_add(emit, vmn_scope_relation(REL_HOSTS, ""), STAGE_EGRESS,
                        OUT_SEND, SEND_STALE);
    act_probe(flow, 0);
    vmn_act_next(vmn_flow_actions(flow));

    /* While resolution is in progress, no further requests are sent. */
    flow = vmn_flow_add(emit, vmn_scope_relation(REL_HOSTS, ""), STAGE_EGRESS,
                        OUT_SEND, SEND_INCOMPLETE);
    vmn_match_mac(flow, VMN_F_ETH_DST, VMN_NEIGHBOUR_INCOMPLETE);
    vmn_act_drop(vmn_flow_actions(flow), "neighbour does not answer");
}
