/* SPDX-License-Identifier: Apache-2.0
 *
 * A router and the networks that it joins: which packets come to it, which
 * addresses are its own, and what is one hop away.  Routes by way of others
 * are in route.c, neighbours in neighbour-table.c. */

#include "router.h"

#include <string.h>

bool
router_ctx_read(struct vmn_view *view, struct vmn_emit *emit, const char *name,
                struct router_ctx *ctx)
{
    size_t size;
    const char *first = vmn_query(view, QUERY_COMPONENT, name, &size);

    *ctx = (struct router_ctx) {
        .view = view,
        .emit = emit,
        .router = vmn_read_router(view, name),
    };
    if (!ctx->router || !first) {
        return false;
    }
    ctx->number = vmn_id_of(view, ID_POOL_ROUTER, name);
    ctx->scope = vmn_scope_domain(vmn_printf(view, "@%s", first));
    return true;
}

struct vmn_flow *
router_flow(const struct router_ctx *ctx, unsigned table, uint16_t priority)
{
    return vmn_flow_add(ctx->emit, ctx->scope, STAGE_ROUTE, table,
                        priority);
}

struct vmn_flow *
router_flow_here(const struct router_ctx *ctx, unsigned table,
                 uint16_t priority)
{
    struct vmn_flow *flow = router_flow(ctx, table, priority);

    vmn_match(flow, REG_ROUTER, ctx->number);
    return flow;
}

void
refuse(struct vmn_flow *flow, enum router_error error, const char *reason)
{
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_act_punt(actions, HANDLER_ICMP_ERROR, error, VMN_REJECT_QUOTED_MAX);
    vmn_act_drop(actions, reason);
}

/* Counts hops as bits, since a switch cannot add. */
void
act_hop(struct vmn_actions *actions, uint32_t router_number)
{
    vmn_act_set(actions, REG_ROUTER, router_number);
    vmn_act_move_bits(actions, REG_HOPS, 0, REG_HOPS, 1, HOPS_MAX);
    vmn_act_set_masked(actions, REG_HOPS, 1, 1);
    vmn_act_jump(actions, STAGE_ROUTE, ROUTE_HOP);
}

#define ADDRESSES_MAX (VMN_ADDRESSES_MAX + 1)

/* Sets 'addresses' to the router's addresses in a network, with the link-local
 * one last if there are others of IPv6.  Returns how many. */
static size_t
interface_addresses(const struct vmn_router *router,
                    const struct vmn_router_interface *interface,
                    const struct vmn_network *network,
                    struct vmn_ip addresses[ADDRESSES_MAX])
{
    size_t n = vmn_interface_addresses(interface, network, addresses);

    for (size_t i = 0; i < n; i++) {
        if (addresses[i].family == 6) {
            addresses[n++] = vmn_link_local(router->mac);
            break;
        }
    }
    return n;
}

/* Its addresses.  -------------------------------------------------------- */

/* Marks packets for the router itself, which then pass policies like any
 * other, in the network by which they came to the first router: what answers
 * them has to know by which gateway they came in. */
static void
emit_self(const struct router_ctx *ctx, const struct vmn_ip *ip)
{
    struct vmn_flow *flow = router_flow_here(ctx, ROUTE_HOP, HOP_SELF);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match_ip(flow, vmn_field_ip_dst(ip->family), ip);
    vmn_act_set(actions, VMN_REG_DST_HOST, VMN_DST_HOST_ROUTER);
    vmn_act_move(actions, REG_ENTRY, VMN_REG_NETWORK);
    vmn_act_next(actions);
}

/* Makes the router's address a neighbour for other routers in that network. */
static void
emit_neighbour(const struct router_ctx *ctx, const struct vmn_network *network,
               const struct vmn_ip *ip)
{
    struct vmn_flow *flow = router_flow(ctx, ROUTE_NEIGHBOUR, NEIGHBOUR_OWN);

    vmn_match(flow, VMN_REG_NETWORK, network->vni);
    vmn_match_ip(flow, vmn_field_ip_dst(ip->family), ip);
    act_hop(vmn_flow_actions(flow), ctx->number);
}

/* Its networks.  --------------------------------------------------------- */

/* Admits packets from this host for the router's MAC.  A network has these
 * flows on all hosts of its domain: the reply to a routed packet is on a host
 * that may have no port in the network. */
static struct vmn_flow *
emit_enter(const struct router_ctx *ctx, const struct vmn_network *network,
           struct vmn_mac mac)
{
    struct vmn_flow *flow = router_flow(ctx, ROUTE_ENTER, ONLY);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_REG_NETWORK, network->vni);
    vmn_match(flow, VMN_REG_SRC_LOCAL, 1);
    vmn_match_mac(flow, VMN_F_ETH_DST, mac);
    vmn_act_set(actions, REG_ROUTER, ctx->number);
    vmn_act_set(actions, REG_HOPS, 0);
    vmn_act_set(actions, REG_ENTRY, network->vni);
    vmn_act_goto(actions, STAGE_ROUTE, ROUTE_HOP);
    return flow;
}

/* Admits what vmnd answers in a port's name to a machine outside, whose packet
 * came from the gateway by a tunnel: with VMN_EXTERNAL_MAC as its source.  A
 * port's own answer goes to its subnet's gateway. */
static void
emit_enter_answers(const struct router_ctx *ctx,
                   const struct vmn_network *network, const struct vmn_ip *ip)
{
    for (size_t i = 0; i < network->n_subnets; i++) {
        const struct vmn_subnet *subnet = vmn_subnet_at(network, i);

        if (vmn_ip_equal(&subnet->gateway, ip)) {
            vmn_match_prefix(emit_enter(ctx, network, VMN_EXTERNAL_MAC),
                             vmn_field_ip_src(ip->family), &subnet->cidr);
        }
    }
}

static void
emit_connected(const struct router_ctx *ctx, const struct vmn_network *network,
               const struct vmn_prefix *cidr)
{
    struct vmn_flow *flow = router_flow_here(ctx, ROUTE_LOOKUP,
                                             LOOKUP_ROUTE + 130 * cidr->len);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match_prefix(flow, vmn_field_ip_dst(cidr->ip.family), cidr);
    vmn_flow_count(flow);
    vmn_act_set(actions, VMN_REG_NETWORK, network->vni);
    vmn_act_goto(actions, STAGE_ROUTE, ROUTE_NEIGHBOUR);
}

static bool
any_in(const struct vmn_prefix *cidr, const struct vmn_ip *ips, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (vmn_prefix_contains(cidr, &ips[i])) {
            return true;
        }
    }
    return false;
}

static void
emit_interface(const struct router_ctx *ctx,
               const struct vmn_router_interface *interface)
{
    const struct vmn_network *network = vmn_read_network(ctx->view,
                                                         interface->network);
    const struct vmn_ip local = vmn_link_local(ctx->router->mac);
    struct vmn_ip ips[ADDRESSES_MAX];
    size_t n;

    if (!network || !network->vni) {
        return;
    }
    n = interface_addresses(ctx->router, interface, network, ips);
    emit_enter(ctx, network, ctx->router->mac);
    vmn_claim_mac(ctx->view, ctx->emit, interface->network,
                  ctx->router->mac);
    for (size_t i = 0; i < n; i++) {
        vmn_claim_ip(ctx->view, ctx->emit, interface->network, &ips[i]);
        reply_for(ctx, network, &ips[i]);
        if (memcmp(&ips[i], &local, sizeof local)) {
            emit_self(ctx, &ips[i]);
            emit_neighbour(ctx, network, &ips[i]);
            emit_enter_answers(ctx, network, &ips[i]);
        }
    }
    for (size_t i = 0; i < network->n_subnets; i++) {
        if (any_in(&vmn_subnet_at(network, i)->cidr, ips, n)) {
            emit_connected(ctx, network, &vmn_subnet_at(network, i)->cidr);
        }
    }
}

/* The router itself.  ---------------------------------------------------- */

/* Resets, where 'table' knows no way, open connections to a virtual IP that is
 * none any more: conntrack still has those that this host has balanced.  UDP
 * clients are notified by the error for new packets. */
static void
emit_former_vips(const struct router_ctx *ctx, unsigned table)
{
    static const uint16_t eth_types[] = { VMN_ETH_IPV4, VMN_ETH_IPV6 };

    for (size_t i = 0; i < 2; i++) {
        struct vmn_flow *flow = router_flow_here(ctx, table, LAST_UNTRACKED);
        struct vmn_actions *actions = vmn_flow_actions(flow);

        vmn_match(flow, VMN_F_ETH_TYPE, eth_types[i]);
        vmn_match(flow, VMN_F_IP_PROTO, VMN_IP_PROTO_TCP);
        vmn_match_masked(flow, VMN_F_CT_STATE, 0, VMN_CT_TRK);
        vmn_act_set_masked(actions, REG_HOPS, HOPS_TRACKED, HOPS_TRACKED);
        vmn_act_ct(actions, &(struct vmn_ct) { .zone = VMN_REG_BALANCE_ZONE,
                                               .then = VMN_CT_TABLE,
                                               .stage = STAGE_ROUTE,
                                               .table = table });

        flow = router_flow_here(ctx, table, LAST_FORMER);
        vmn_match(flow, VMN_F_ETH_TYPE, eth_types[i]);
        vmn_match_masked(flow, REG_HOPS, HOPS_TRACKED, HOPS_TRACKED);
        vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | VMN_CT_EST,
                         VMN_CT_TRK | VMN_CT_EST | VMN_CT_INV);
        refuse(flow, ERROR_NO_SERVICE, "no such virtual IP");
    }
}

/* Drops what cannot be forwarded, with flows for each router, so that drops
 * are counted for it. */
static void
emit_ends(const struct router_ctx *ctx)
{
    static const uint16_t eth_types[] = { VMN_ETH_IPV4, VMN_ETH_IPV6 };
    const uint64_t last_hop = UINT64_C(1) << HOPS_MAX;
    struct vmn_flow *flow;

    flow = router_flow_here(ctx, ROUTE_HOP, HOP_LOOP);
    vmn_match_masked(flow, REG_HOPS, last_hop, last_hop);
    refuse(flow, ERROR_TTL, "too many routers");

    for (size_t i = 0; i < sizeof eth_types / sizeof eth_types[0]; i++) {
        for (int ttl = 0; ttl <= 1; ttl++) {
            flow = router_flow_here(ctx, ROUTE_HOP, HOP_TTL_EXCEEDED);
            vmn_match(flow, VMN_F_ETH_TYPE, eth_types[i]);
            vmn_match(flow, VMN_F_IP_TTL, ttl);
            refuse(flow, ERROR_TTL, "TTL exceeded");
        }
    }

    refuse(router_flow_here(ctx, ROUTE_LOOKUP, PRIORITY_LAST), ERROR_NO_ROUTE,
           "no route");
    refuse(router_flow_here(ctx, ROUTE_NEIGHBOUR, PRIORITY_LAST),
           ERROR_NO_NEIGHBOUR, "no such neighbour");
    emit_former_vips(ctx, ROUTE_LOOKUP);
    emit_former_vips(ctx, ROUTE_NEIGHBOUR);
}

void
act_send(const struct router_ctx *ctx, struct vmn_actions *actions)
{
    vmn_act_set_mac(actions, VMN_F_ETH_SRC, ctx->router->mac);
    vmn_act_set_masked(actions, VMN_REG_FLAGS, VMN_FLAG_ROUTED,
                       VMN_FLAG_ROUTED);
    vmn_act_next(actions);
}

void
compile_router(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct router_ctx ctx;
    struct vmn_ip local;

    if (!router_ctx_read(view, emit, key, &ctx)) {
        return;
    }
    vmn_publish(emit, REL_NUMBER, vmn_printf(view, "%u", ctx.number), key);
    local = vmn_link_local(ctx.router->mac);
    emit_self(&ctx, &local);
    emit_ends(&ctx);
    act_send(&ctx, vmn_flow_actions(router_flow_here(&ctx, ROUTE_SEND,
                                                     ONLY)));
    emit_mtu_checks(&ctx);
    for (size_t i = 0; i < ctx.router->n_interfaces; i++) {
        emit_interface(&ctx, vmn_router_interface_at(ctx.router, i));
    }
    if (ctx.router->external.network) {
        emit_external(&ctx);
    }
}
