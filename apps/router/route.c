/* SPDX-License-Identifier: Apache-2.0
 *
 * Routes by way of others, and to nowhere.  A next hop is looked up where the
 * route is compiled: a port, an allowed address, or another router.  Of
 * several, those that are there share the connections. */

#include "router.h"

#include <string.h>

/* Where a next hop is: at a MAC, or another router. */
struct next {
    enum { NEXT_NOBODY, NEXT_MAC, NEXT_ROUTER } kind;
    uint32_t vni;
    struct vmn_mac mac;
    uint32_t router;            /* Its number. */
};

/* Next hops.  ------------------------------------------------------------ */

/* Returns the network of the router whose subnet contains 'ip', or NULL. */
static const struct vmn_network *
find_network(const struct router_ctx *ctx, const struct vmn_ip *ip)
{
    for (size_t i = 0; i < ctx->router->n_interfaces; i++) {
        const struct vmn_network *network = vmn_read_network(
            ctx->view, vmn_router_interface_at(ctx->router, i)->network);

        for (size_t j = 0; network && network->vni && j < network->n_subnets;
             j++) {
            if (vmn_prefix_contains(&vmn_subnet_at(network, j)->cidr, ip)) {
                return network;
            }
        }
    }
    return NULL;
}

/* Finds the port with an address, if it is enabled and bound, as in
 * neighbour-table.c.  Returns false if there is none. */
static bool
find_port(const struct router_ctx *ctx, const char *key, struct vmn_mac *mac)
{
    struct vmn_names names = vmn_lookup(ctx->view, VMN_INDEX_PORT_BY_IP, key);

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_port *port = vmn_read_port(ctx->view,
                                                    names.names[i]);
        const struct vmn_binding *binding = vmn_read_binding(ctx->view,
                                                             names.names[i]);

        if (port && port->enabled && binding && binding->host) {
            *mac = port->mac;
            return true;
        }
    }
    return false;
}

static bool
has_address(const struct vmn_router *router,
            const struct vmn_network *network, const struct vmn_ip *ip)
{
    for (size_t i = 0; i < router->n_interfaces; i++) {
        struct vmn_ip own[VMN_ADDRESSES_MAX];
        size_t n;

        if (strcmp(vmn_router_interface_at(router, i)->network,
                   network->row.name)) {
            continue;
        }
        n = vmn_interface_addresses(vmn_router_interface_at(router, i),
                                    network, own);
        for (size_t j = 0; j < n; j++) {
            if (!memcmp(&own[j], ip, sizeof *ip)) {
                return true;
            }
        }
    }
    return false;
}

static const char *
find_router(const struct router_ctx *ctx, const struct vmn_network *network,
            const struct vmn_ip *ip)
{
    struct vmn_names names = vmn_lookup(ctx->view,
                                        VMN_INDEX_ROUTER_BY_NETWORK,
                                        network->row.name);

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_router *router = vmn_read_router(ctx->view,
                                                          names.names[i]);

        if (router && has_address(router, network, ip)) {
            return names.names[i];
        }
    }
    return NULL;
}

static bool
find_neighbour(const struct router_ctx *ctx, const char *network,
               const struct vmn_ip *ip, struct vmn_mac *mac)
{
    const struct vmn_prefix prefix = { *ip, vmn_ip_bits(ip) };
    struct vmn_mac macs[NEIGHBOUR_MACS_MAX];
    const char *key = vmn_printf(ctx->view, "%s|%s", network,
                                 vmn_prefix_text(ctx->view, &prefix));

    if (neighbour_macs(ctx->view, key, macs) != 1) {
        return false;
    }
    *mac = macs[0];
    return true;
}

static struct next
next_find(const struct router_ctx *ctx, const struct vmn_ip *ip)
{
    const struct vmn_network *network = find_network(ctx, ip);
    struct next next = { .kind = NEXT_NOBODY };
    const char *router;

    if (!network) {
        return next;
    }
    next.vni = network->vni;
    if (find_port(ctx, vmn_printf(ctx->view, "%s/%s", network->row.name,
                                  vmn_ip_text(ctx->view, ip)), &next.mac)) {
        next.kind = NEXT_MAC;
        return next;
    }
    router = find_router(ctx, network, ip);
    if (router) {
        next.kind = NEXT_ROUTER;
        next.router = vmn_id_of(ctx->view, ID_POOL_ROUTER, router);
    } else if (find_neighbour(ctx, network->row.name, ip, &next.mac)) {
        next.kind = NEXT_MAC;
    }
    return next;
}

/* Routes.  --------------------------------------------------------------- */

static void
act_next_hop(struct vmn_actions *actions, const struct next *next)
{
    vmn_act_set(actions, VMN_REG_NETWORK, next->vni);
    if (next->kind == NEXT_ROUTER) {
        act_hop(actions, next->router);
    } else {
        vmn_act_set_mac(actions, VMN_F_ETH_DST, next->mac);
        vmn_act_jump(actions, STAGE_ROUTE, ROUTE_SEND);
    }
}

/* Distributes connections over the next hops.  The buckets follow from the
 * order of the next hops, so that only the connections of one that is removed
 * move. */
static void
act_share(const struct router_ctx *ctx, struct vmn_actions *actions,
          const struct vmn_route *route, const struct next *nexts)
{
    const char *from = (route->source.ip.family
                        ? vmn_prefix_text(ctx->view, &route->source) : "");
    struct vmn_group_msg *group = vmn_group_add(
        ctx->emit, ctx->scope, VMN_GROUP_SELECT,
        vmn_printf(ctx->view, "router/%s/%s/%s", ctx->router->row.name,
                   vmn_prefix_text(ctx->view, &route->destination), from));

    for (size_t i = 0; i < route->n_via; i++) {
        if (nexts[i].kind != NEXT_NOBODY) {
            act_next_hop(vmn_bucket_add(group, i, 1), &nexts[i]);
        }
    }
    vmn_act_group(actions, group);
}

static void
emit_route(const struct router_ctx *ctx, const struct vmn_route *route)
{
    bool has_source = route->source.ip.family;
    uint8_t family = route->destination.ip.family;
    struct next *nexts = vmn_alloc(ctx->view,
                                   (route->n_via + 1) * sizeof *nexts);
    const struct next *first = NULL;
    size_t n = 0;
    struct vmn_flow *flow = router_flow_here(
        ctx, ROUTE_LOOKUP, LOOKUP_ROUTE + 130 * route->destination.len
                            + (has_source ? route->source.len + 1 : 0));

    vmn_match_prefix(flow, vmn_field_ip_dst(family), &route->destination);
    if (has_source) {
        vmn_match_prefix(flow, vmn_field_ip_src(family), &route->source);
    }
    if (route->blackhole) {
        vmn_act_drop(vmn_flow_actions(flow), "blackhole route");
        return;
    }
    for (size_t i = 0; i < route->n_via; i++) {
        nexts[i] = next_find(ctx, &route->via[i]);
        if (nexts[i].kind != NEXT_NOBODY) {
            first = first ? first : &nexts[i];
            n++;
        }
    }
    if (n) {
        vmn_flow_count(flow);
    }
    if (n > 1) {
        act_share(ctx, vmn_flow_actions(flow), route, nexts);
    } else if (n) {
        act_next_hop(vmn_flow_actions(flow), first);
    } else {
        refuse(flow, ERROR_NO_NEIGHBOUR, "no such next hop");
    }
}

void
compile_routes(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct router_ctx ctx;

    if (router_ctx_read(view, emit, key, &ctx)) {
        for (size_t i = 0; i < ctx.router->n_routes; i++) {
            emit_route(&ctx, vmn_route_at(ctx.router, i));
        }
    }
}
