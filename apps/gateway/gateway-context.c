/* SPDX-License-Identifier: Apache-2.0
 *
 * What the flows of a router with an external network depend on.  Not for
 * which host is its gateway (active-gateway.c). */

#include "gateway.h"

#include <string.h>

#define VLAN_PRESENT 0x1000

const struct vmn_network *
external_network(struct vmn_view *view, const struct vmn_router *router)
{
    const struct vmn_network *network
        = (router && router->external.network
           ? vmn_read_network(view, router->external.network) : NULL);

    return network && network->vni && network->provider.physical ? network
           : NULL;
}

/* Fills in 'failover' from the value of QUERY_FAILOVER. */
static void
read_failover(struct gateway_ctx *ctx, const char *text)
{
    size_t n = 1;
    const char **names;

    for (const char *p = text; *p; p++) {
        n += *p == '|';
    }
    names = vmn_alloc(ctx->view, n * sizeof *names);
    ctx->failover.n = vmn_key_split(ctx->view, text, names, n);
    ctx->failover.names = names;
}

bool
gateway_ctx_read(struct vmn_view *view, struct vmn_emit *emit,
                 const char *name, struct gateway_ctx *ctx)
{
    size_t size;

    *ctx = (struct gateway_ctx) {
        .view = view,
        .emit = emit,
        .router = vmn_read_router(view, name),
    };
    ctx->network = external_network(view, ctx->router);
    if (!ctx->network || !ctx->router->n_interfaces) {
        return false;
    }
    ctx->domain = vmn_domain_of(view, vmn_router_interface_at(ctx->router,
                                                              0)->network);
    if (!vmn_domain_is_routed(ctx->domain)) {
        return false;
    }
    ctx->mac = ctx->router->mac;
    ctx->transit = vmn_transit_vni(view, name);
    ctx->zone = vmn_domain_zone(view, ctx->domain);
    ctx->nat_zone = vmn_id_of(view, VMN_ID_POOL_ZONE,
                              vmn_printf(view, "gateway/%s", name));
    /* vmnd gets to know of changes of a query that units read. */
    if (vmn_query(view, VMN_QUERY_GATEWAY, name, &size)) {
        read_failover(ctx, vmn_query(view, QUERY_FAILOVER, name, &size));
        *ctx = gateway_at(ctx, 0);
    }
    return true;
}

struct gateway_ctx
gateway_at(const struct gateway_ctx *ctx, size_t rank)
{
    struct gateway_ctx at = *ctx;

    at.rank = rank;
    at.host = ctx->failover.names[rank];
    at.ofport = vmn_provider_ofport(ctx->view, ctx->network, at.host);
    return at;
}

void
match_stands_in(const struct gateway_ctx *ctx, struct vmn_flow *flow)
{
    if (ctx->rank) {
        vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_STANDS_IN,
                         VMN_FLAG_STANDS_IN);
    }
}

struct vmn_flow *
gateway_flow(const struct gateway_ctx *ctx, unsigned stage, unsigned table,
             uint16_t priority)
{
    return vmn_flow_add(ctx->emit,
                        vmn_scope_relation(REL_GATEWAY_HOSTS,
                                           ctx->router->row.name),
                        stage, table, priority);
}

struct vmn_flow *
external_flow(const struct gateway_ctx *ctx, unsigned stage, unsigned table,
              uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(ctx->emit,
                                         vmn_scope_host(ctx->host), stage,
                                         table, priority);

    /* What ports of the network on this host send comes in once policies have
     * judged it (in_from_port()), but these judge no ARP. */
    if (stage != STAGE_EXTERNAL) {
        vmn_match(flow, VMN_F_IN_PORT, ctx->ofport);
    }
    vmn_match(flow, VMN_REG_NETWORK, ctx->network->vni);
    match_stands_in(ctx, flow);
    return flow;
}

struct vmn_mac
host_mac(struct vmn_view *view, const char *host)
{
    return (struct vmn_mac) VMN_RESERVED_MAC(
        VMN_RESERVED_MAC_SERVICE, vmn_id_of(view, VMN_ID_POOL_HOST, host));
}

uint32_t
external_vlan_tci(const struct vmn_network *network)
{
    uint32_t vlan = network->provider.vlan;

    return vlan ? VLAN_PRESENT | vlan : 0;
}

void
act_reply(struct vmn_actions *actions)
{
    vmn_act_clear_in_port(actions);
    vmn_act_set(actions, VMN_REG_DST_HOST, VMN_DST_HOST_PROVIDER);
    vmn_act_goto_hook(actions, VMN_HOOK_DELIVER);
}

const struct vmn_ip *
gateway_of(const struct vmn_network *network, const struct vmn_ip *ip)
{
    for (size_t i = 0; i < network->n_subnets; i++) {
        const struct vmn_subnet *subnet = vmn_subnet_at(network, i);

        if (subnet->gateway.family
            && vmn_prefix_contains(&subnet->cidr, ip)) {
            return &subnet->gateway;
        }
    }
    return NULL;
}

const struct vmn_ip *
next_hop(const struct vmn_network *network, uint8_t family)
{
    for (size_t i = 0; i < network->n_subnets; i++) {
        if (vmn_subnet_at(network, i)->gateway.family == family) {
            return &vmn_subnet_at(network, i)->gateway;
        }
    }
    return NULL;
}

const struct vmn_ip *
first_external(const struct vmn_router *router, uint8_t family)
{
    for (size_t i = 0; i < router->external.n_addresses; i++) {
        if (router->external.addresses[i].family == family) {
            return &router->external.addresses[i];
        }
    }
    return NULL;
}
