/* SPDX-License-Identifier: Apache-2.0
 *
 * ARP from an external network: the gateway replies for the external
 * addresses, and learns neighbours.  Not for neighbour discovery
 * (external-nd.c), nor for what the gateway itself sends
 * (gratuitous-arp.c). */

#include "gateway.h"

#include <string.h>

#define GROUP_BIT (UINT64_C(1) << 40) /* Of an Ethernet address. */

/* Routers.  --------------------------------------------------------------- */

static void
arp_address(const struct gateway_ctx *ctx, const struct vmn_ip *ip)
{
    struct vmn_flow *flow = external_flow(ctx, STAGE_EXTERNAL, 0,
                                          EXTERNAL_REQUEST);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_F_ARP_OP, 1);
    vmn_match_ip(flow, VMN_F_ARP_TPA, ip);
    vmn_act_learn_neighbour(actions, VMN_NEIGHBOUR_ARP);
    vmn_act_move(actions, VMN_F_ETH_SRC, VMN_F_ETH_DST);
    vmn_act_set_mac(actions, VMN_F_ETH_SRC, ctx->mac);
    vmn_act_set(actions, VMN_F_ARP_OP, 2);
    vmn_act_move(actions, VMN_F_ARP_SHA, VMN_F_ARP_THA);
    vmn_act_set_mac(actions, VMN_F_ARP_SHA, ctx->mac);
    vmn_act_move(actions, VMN_F_ARP_SPA, VMN_F_ARP_TPA);
    vmn_act_set_ip(actions, VMN_F_ARP_SPA, ip);
    act_reply(actions);
}

void
publish_announced(const struct gateway_ctx *ctx, const char *what)
{
    if (ctx->rank) {
        return;
    }
    vmn_publish(ctx->emit, VMN_REL_ANNOUNCED,
                vmn_printf(ctx->view, "%s|%s", ctx->host,
                           ctx->network->provider.physical),
                vmn_printf(ctx->view, "%s|%s|%s", ctx->router->row.name,
                           vmn_mac_text(ctx->view, ctx->mac), what));
}

void
publish_asks(const struct gateway_ctx *ctx)
{
    vmn_publish(ctx->emit, REL_ASKS,
                vmn_printf(ctx->view, "%s|%s", ctx->network->row.name,
                           ctx->host), "");
}

bool
asks_as_host(struct vmn_view *view, const char *network, const char *host)
{
    return vmn_relation_values(view, REL_ASKS,
                               vmn_printf(view, "%s|%s", network, host)).n;
}

void
publish_asks_as_host(const struct gateway_ctx *ctx)
{
    const char *network = ctx->network->row.name;

    publish_asks(ctx);
    for (size_t i = 0; i < ctx->network->n_subnets; i++) {
        const struct vmn_ip *gateway
            = &vmn_subnet_at(ctx->network, i)->gateway;

        if (gateway->family) {
            vmn_publish(ctx->emit, VMN_REL_ANNOUNCED,
                        vmn_printf(ctx->view, "%s|%s", ctx->host,
                                   ctx->network->provider.physical),
                        vmn_printf(ctx->view, "%c%s|%s", ASK_AS_HOST, network,
                                   vmn_ip_text(ctx->view, gateway)));
        }
    }
}

void
external_address(const struct gateway_ctx *ctx, const struct vmn_ip *ip)
{
    if (!ctx->ofport) {
        return;
    }
    if (ip->family == 6) {
        nd_address(ctx, ip);
    } else {
        arp_address(ctx, ip);
    }
    publish_announced(ctx, vmn_ip_text(ctx->view, ip));
    if (ctx->rank) {
        stand_by_address(ctx, ip);
    }
}

void
publish_gateway_hosts(const struct gateway_ctx *ctx)
{
    const struct vmn_external *external = &ctx->router->external;

    for (size_t i = 0; i < external->n_gateways; i++) {
        const char *host = vmn_gateway_at(external, i)->host;

        if (vmn_provider_ofport(ctx->view, ctx->network, host)) {
            vmn_publish(ctx->emit, REL_GATEWAY_HOSTS, ctx->router->row.name,
                        host);
            vmn_publish(ctx->emit, REL_HOSTS, "", host);
        }
    }
}

void
arp_router_at(const struct gateway_ctx *ctx)
{
    arp_learn(ctx);
    if (first_external(ctx->router, 6)) {
        nd_router(ctx);
    }
    /* So does one that stands by (failover.c).  The answer to what the router
     * asks may go to the former gateway for a while, and the answer to what
     * the host asks does not. */
    if (!ctx->rank && ctx->router->external.n_gateways > 1) {
        publish_asks_as_host(ctx);
    }
}

void
arp_learn(const struct gateway_ctx *ctx)
{
    vmn_publish(ctx->emit, REL_LINKS,
                vmn_printf(ctx->view, "%s|%s", ctx->network->row.name,
                           ctx->host),
                ctx->router->row.name);
    if (first_external(ctx->router, 4)) {
        struct vmn_flow *flow = external_flow(ctx, STAGE_EXTERNAL, 0,
                                              EXTERNAL_REPLY);

        vmn_match(flow, VMN_F_ARP_OP, 2);
        vmn_match_mac(flow, VMN_F_ETH_DST, ctx->mac);
        vmn_act_learn_neighbour(vmn_flow_actions(flow), VMN_NEIGHBOUR_ARP);
    }
    if (first_external(ctx->router, 6)) {
        nd_learn(ctx);
    }
}

/* What the routers share that have their gateway on one host.  ------------ */

struct vmn_flow *
link_flow(const struct external_link *link, unsigned stage, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(link->emit,
                                         vmn_scope_host(link->host), stage, 0,
                                         priority);

    vmn_match(flow, VMN_REG_NETWORK, link->network->vni);
    return flow;
}

/* Learns the MAC of a subnet's gateway from its own announcements. */
static void
arp_gateway(const struct external_link *link, const struct vmn_ip *gateway)
{
    struct vmn_flow *flow = link_flow(link, STAGE_EXTERNAL, EXTERNAL_GATEWAY);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match_ip(flow, VMN_F_ARP_SPA, gateway);
    vmn_act_learn_neighbour(actions, VMN_NEIGHBOUR_ARP);
    vmn_act_next(actions);
}

/* Learns from replies to what the host asks as itself. */
static void
arp_host(const struct external_link *link)
{
    struct vmn_flow *flow = link_flow(link, STAGE_EXTERNAL, EXTERNAL_REPLY);

    vmn_match(flow, VMN_F_ARP_OP, 2);
    vmn_match_mac(flow, VMN_F_ETH_DST, host_mac(link->view, link->host));
    vmn_act_learn_neighbour(vmn_flow_actions(flow), VMN_NEIGHBOUR_ARP);
}

/* What vmnd sends to all of the network leaves, and comes in as well: the
 * physical network does not return it to the network's ports on this host. */
static void
sent_to_all(const struct external_link *link)
{
    struct vmn_flow *flow = link_flow(link, STAGE_EGRESS, ENTER_SENT);

    vmn_match(flow, VMN_F_IN_PORT, VMN_TUNNEL_OFPORT);
    vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_PROVIDER);
    vmn_match_masked(flow, VMN_F_ETH_DST, GROUP_BIT, GROUP_BIT);
    vmn_act_clone_next(vmn_flow_actions(flow));
    act_come_in(link->view, vmn_flow_actions(flow), link->ofport);
}

void
compile_external(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct external_link link = { .view = view, .emit = emit };
    const bool asks = vmn_relation_values(view, REL_ASKS, key).n;
    const char *network;

    if (!vmn_key_split_two(view, key, &network, &link.host)) {
        return;
    }
    link.network = vmn_read_network(view, network);
    if (!link.network || !link.network->vni
        || !link.network->provider.physical) {
        return;
    }
    link.ofport = vmn_provider_ofport(view, link.network, link.host);
    if (!link.ofport) {
        return;
    }
    for (size_t i = 0; i < link.network->n_subnets; i++) {
        const struct vmn_ip *gateway
            = &vmn_subnet_at(link.network, i)->gateway;

        if (gateway->family == 4) {
            arp_gateway(&link, gateway);
        } else if (gateway->family == 6) {
            nd_gateway(&link, gateway);
        }
    }
    sent_to_all(&link);
    announcements(&link, 4);
    if (asks) {
        arp_host(&link);
    }
    if (next_hop(link.network, 6)) {
        announcements(&link, 6);
        nd_link(&link);
        if (asks) {
            nd_host(&link);
        }
    }
}
