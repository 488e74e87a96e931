/* SPDX-License-Identifier: Apache-2.0
 *
 * Virtual IPs with a floating address.  What comes for it becomes, at the
 * gateway, a packet to the virtual IP in the balancer's network, and is
 * balanced there as that of any client.  An answer of a backend is a packet
 * from a port of that network; whether it answers for the virtual IP,
 * conntrack knows, in the zone where the gateway has balanced it. */

#include "gateway.h"

#include <string.h>

/* Returns the first network of the balancer that the router joins, or NULL. */
static const struct vmn_network *
find_network(const struct gateway_ctx *ctx, const struct vmn_loadbalancer *lb)
{
    for (size_t i = 0; i < lb->n_networks; i++) {
        for (size_t j = 0; j < ctx->router->n_interfaces; j++) {
            if (!strcmp(lb->networks[i],
                        vmn_router_interface_at(ctx->router, j)->network)) {
                return vmn_read_network(ctx->view, lb->networks[i]);
            }
        }
    }
    return NULL;
}

static uint32_t
balance_zone(const struct gateway_ctx *ctx, const struct vmn_network *network)
{
    return vmn_id_of(ctx->view, VMN_ID_POOL_ZONE,
                     vmn_printf(ctx->view, "balance/%s",
                                vmn_domain_of(ctx->view,
                                              network->row.name)));
}

/* Emits flows that bring packets for the floating IP into the network, as from
 * the router: from there on they are a client's. */
static void
emit_in(const struct gateway_ctx *ctx, const struct vmn_floating_ip *floating,
        const struct vmn_loadbalancer *lb, const struct vmn_network *network)
{
    struct vmn_flow *flow = nat_new(ctx, lb->vip.family, STAGE_INGRESS, IN_NAT,
                                    NAT_FLOATING);
    struct vmn_actions *actions;

    vmn_match_ip(flow, vmn_field_ip_dst(floating->ip.family), &floating->ip);
    nat_commit(flow, STAGE_INGRESS, IN_ROUTE, NULL, &lb->vip, 0);

    flow = gateway_flow(ctx, STAGE_INGRESS, IN_ROUTE, IN_BALANCED);
    actions = vmn_flow_actions(flow);
    vmn_match(flow, REG_TRANSIT, ctx->transit);
    vmn_match_ip(flow, vmn_field_ip_dst(lb->vip.family), &lb->vip);
    vmn_act_set(actions, VMN_REG_NETWORK, network->vni);
    vmn_act_set(actions, VMN_REG_ZONE, ctx->zone);
    vmn_act_set(actions, VMN_REG_BALANCE_ZONE, balance_zone(ctx, network));
    vmn_act_set(actions, VMN_REG_SRC_ID, 0);
    vmn_act_set_masked(actions, VMN_REG_FLAGS, VMN_FLAG_EXTERNAL,
                       VMN_FLAG_EXTERNAL | VMN_SRC_ISOLATION_MASK);
    vmn_act_set_mac(actions, VMN_F_ETH_SRC, ctx->router->mac);
    vmn_act_next(actions);
}

/* Emits flows for replies.  Backends are the balancer's concern: any address
 * of 'family' in its networks may be one. */
static void
emit_out(const struct gateway_ctx *ctx, const struct vmn_network *network,
         uint8_t family)
{
    for (size_t i = 0; i < network->n_subnets; i++) {
        const struct vmn_prefix *cidr = &vmn_subnet_at(network, i)->cidr;
        struct vmn_flow *flow;
        struct vmn_actions *actions;

        if (cidr->ip.family != family) {
            continue;
        }
        flow = out_enter_flow(ctx, vmn_scope_host(ctx->host),
                              ENTER_BALANCED);
        vmn_match_prefix(flow, vmn_field_ip_src(family), cidr);
        actions = vmn_flow_actions(flow);
        vmn_act_set(actions, REG_NAT_ZONE, balance_zone(ctx, network));
        vmn_act_ct(actions, &(struct vmn_ct) { .zone = REG_NAT_ZONE,
                                               .nat = true,
                                               .then = VMN_CT_TABLE,
                                               .stage = STAGE_EGRESS,
                                               .table = OUT_UNBALANCED });
    }
}

/* Emits where packets go on that are no replies of a virtual IP. */
static void
emit_out_end(const struct gateway_ctx *ctx, uint8_t family)
{
    struct vmn_flow *flow =
        gateway_flow(ctx, STAGE_EGRESS, OUT_UNBALANCED, ONLY);

    vmn_match(flow, VMN_REG_NETWORK, ctx->transit);
    vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(family));
    out_track(ctx, vmn_flow_actions(flow));
}

void
balanced(const struct gateway_ctx *ctx, const struct vmn_floating_ip *floating)
{
    const struct vmn_loadbalancer *lb = vmn_read_loadbalancer(
        ctx->view, floating->load_balancer);
    const struct vmn_network *network = lb ? find_network(ctx, lb) : NULL;

    if (network && network->vni && lb->vip.family == floating->ip.family) {
        for (size_t i = 0; i < ctx->failover.n; i++) {
            const struct gateway_ctx at = gateway_at(ctx, i);

            in_address(&at, &floating->ip);
            external_address(&at, &floating->ip);
            in_ping(&at, &floating->ip);
        }
        emit_in(ctx, floating, lb, network);
        vmn_publish(ctx->emit, REL_BALANCED, ctx->router->row.name,
                    vmn_printf(ctx->view, "%u|%s", lb->vip.family,
                               network->row.name));
    }
}

/* Emits what several balancers of a network share: what the host of 'ctx'
 * has, and what all do that may be the gateway. */
void
balanced_networks_at(const struct gateway_ctx *ctx)
{
    struct vmn_names names = vmn_relation_values(ctx->view, REL_BALANCED,
                                                 ctx->router->row.name);

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_network *network = vmn_read_network(
            ctx->view, names.names[i] + 2);

        if (network) {
            emit_out(ctx, network, names.names[i][0] == '6' ? 6 : 4);
        }
    }
}

void
balanced_networks(const struct gateway_ctx *ctx)
{
    struct vmn_names names = vmn_relation_values(ctx->view, REL_BALANCED,
                                                 ctx->router->row.name);
    bool some[7] = { false };

    for (size_t i = 0; i < names.n; i++) {
        if (vmn_read_network(ctx->view, names.names[i] + 2)) {
            some[names.names[i][0] == '6' ? 6 : 4] = true;
        }
    }
    for (int family = 4; family <= 6; family += 2) {
        if (some[family]) {
            emit_out_end(ctx, family);
        }
    }
}
