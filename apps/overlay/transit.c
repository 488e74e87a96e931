/* SPDX-License-Identifier: Apache-2.0
 *
 * The way to and from what is outside, as far as it leads through the overlay:
 * a router's gateway is a host of its domain and of its external network, and
 * between it and the others the packets of both directions are told apart from
 * those of networks.  What gateways do is app gateway's. */

#include "overlay.h"

#include <string.h>

/* Publishes that the transit network of a router, by which packets for the
 * external network reach those who send them there through tunnels, is let in
 * on 'host'. */
static void
publish_transit(struct vmn_view *view, struct vmn_emit *emit,
                const char *router, const char *host)
{
    vmn_publish(emit, REL_TRANSIT, vmn_printf(view, "%s|%s", router, host),
                "");
}

/* Compiles the transit network of a router on a host that it is let in on. */
void
compile_transit(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_router *router;
    const char *name, *host;
    struct vmn_flow *flow;
    struct vmn_actions *actions;
    uint32_t vni;

    if (!vmn_key_split_two(view, key, &name, &host)) {
        return;
    }
    router = vmn_read_router(view, name);
    if (!router || !router->n_interfaces) {
        return;
    }
    vni = vmn_transit_vni(view, name);
    flow = vmn_flow_add(emit, vmn_scope_host(host), STAGE_ADMIT, ADMIT_TUNNEL,
                        TUNNEL_NETWORK);
    actions = vmn_flow_actions(flow);
    vmn_match(flow, VMN_F_TUN_ID, vni);
    vmn_act_set(actions, VMN_REG_NETWORK, vni);
    vmn_act_set(actions, VMN_REG_ZONE, vmn_domain_zone(
        view, vmn_domain_of(view,
                            vmn_router_interface_at(router, 0)->network)));
    vmn_act_set(actions, VMN_REG_DST_HOST, VMN_DST_HOST_EXTERNAL);
    vmn_act_goto(actions, STAGE_ADMIT, ADMIT_SOURCE);
}

void
compile_external(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_router *router = vmn_read_router(view, key);
    const struct vmn_external *external = router ? &router->external : NULL;
    const struct vmn_network *network;
    const char *domain;

    if (!router || !external->network || !router->n_interfaces) {
        return;
    }
    network = vmn_read_network(view, external->network);
    domain = vmn_domain_of(view, vmn_router_interface_at(router, 0)->network);
    if (!network || !is_provider(network) || !vmn_domain_is_routed(domain)) {
        return;
    }
    vmn_publish(emit, REL_EXTERNAL, domain, key);
    tunnel_mtu_of_vni(view, emit, domain, vmn_transit_vni(view, key),
                      vmn_external_mtu(view, router));
    for (size_t i = 0; i < external->n_gateways; i++) {
        const char *host = vmn_gateway_at(external, i)->host;

        /* Hosts that may become the gateway have the flows already. */
        if (vmn_provider_ofport(view, network, host)) {
            vmn_publish(emit, VMN_REL_DOMAIN_HOSTS, domain, host);
            vmn_publish(emit, VMN_REL_NETWORK_HOSTS, network->row.name, host);
            vmn_publish(emit, REL_PROVIDER,
                        vmn_printf(view, "%s|%s", network->row.name, host),
                        vmn_printf(view, "router/%s", key));
            publish_transit(view, emit, key, host);
        }
    }
}

/* Publishes that 'host' (NULL: none) is on 'network', to which floating IP
 * 'floating' belongs.  Returns false if it is not. */
static bool
publish_external(struct vmn_view *view, struct vmn_emit *emit,
                 const struct vmn_network *network, const char *host,
                 const char *floating)
{
    if (!host || !vmn_provider_ofport(view, network, host)) {
        return false;
    }
    vmn_publish(emit, VMN_REL_NETWORK_HOSTS, network->row.name, host);
    vmn_publish(emit, REL_PROVIDER,
                vmn_printf(view, "%s|%s", network->row.name, host),
                vmn_printf(view, "floating/%s", floating));
    return true;
}

/* Compiles a floating IP that is served on its port's own host (app gateway),
 * for which that host needs the external network.  While the port migrates,
 * and for a while after that, both of its hosts do: what is for it comes in by
 * whichever the physical network sends it to; and the router's transit, by
 * which one may have the other one send. */
void
compile_floating_ip(struct vmn_view *view, const char *key,
                    struct vmn_emit *emit)
{
    const struct vmn_floating_ip *floating = vmn_read_floating_ip(view, key);
    const struct vmn_router *router
        = floating ? vmn_read_router(view, floating->router) : NULL;
    const struct vmn_network *network
        = (router && router->external.network
           ? vmn_read_network(view, router->external.network) : NULL);
    const struct vmn_port *port
        = (network && is_provider(network) && floating->port
           ? vmn_read_port(view, floating->port) : NULL);
    const struct vmn_binding *binding
        = (port && port->enabled && !port->external
           ? vmn_read_binding(view, floating->port) : NULL);

    if (binding
        && publish_external(view, emit, network, binding->host, key)
        && publish_external(view, emit, network, vmn_other_host(binding),
                            key)) {
        publish_transit(view, emit, floating->router, binding->host);
        publish_transit(view, emit, floating->router, vmn_other_host(binding));
    }
}

void
external_of_domain(struct vmn_view *view, struct vmn_emit *emit,
                   const char *domain)
{
    struct vmn_scope scope = vmn_scope_domain(domain);
    uint32_t zone = vmn_domain_zone(view, domain);
    struct vmn_flow *flow;

    if (!vmn_relation_values(view, REL_EXTERNAL, domain).n) {
        return;
    }

    /* Sent through the pipeline again on the gateway: no source identity, as
     * before. */
    flow = vmn_flow_add(emit, scope, STAGE_ADMIT, ADMIT_CLASSIFY,
                        CLASSIFY_EXTERNAL);
    match_domain(flow, zone);
    vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_EXTERNAL,
                     VMN_FLAG_EXTERNAL);
    vmn_act_next(vmn_flow_actions(flow));

    /* From a gateway: no source identity, whatever the source address is. */
    flow = vmn_flow_add(emit, scope, STAGE_ADMIT, ADMIT_SOURCE,
                        SOURCE_GATEWAY);
    match_domain(flow, zone);
    vmn_match(flow, VMN_F_IN_PORT, VMN_TUNNEL_OFPORT);
    vmn_match_mac(flow, VMN_F_ETH_SRC, VMN_EXTERNAL_MAC);
    vmn_act_next(vmn_flow_actions(flow));

    flow = vmn_flow_add(emit, scope, STAGE_LOCATE, 0, LOCATE_ROUTER);
    match_domain(flow, zone);
    vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_EXTERNAL);
    vmn_act_next(vmn_flow_actions(flow));
}
