/* SPDX-License-Identifier: Apache-2.0
 *
 * What is heard on the wire of an external network: the gateway answers ARP
 * for the external addresses, and hears who the others are.  Neighbour
 * discovery is in external-nd.c, what is asked and said by the gateway itself
 * in announce.c. */

#include "gateway.h"

#include <string.h>

/* Routers.  --------------------------------------------------------------- */

static void
arp_address(const struct site *site, const struct vmn_ip *ip)
{
    struct vmn_flow *flow = site_wire_flow(site, STAGE_WIRE, 0, WIRE_ASKED);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_F_ARP_OP, 1);
    vmn_match_ip(flow, VMN_F_ARP_TPA, ip);
    vmn_act_learn_neighbour(actions, VMN_NEIGHBOUR_ARP);
    site_tag(site, actions);
    vmn_act_arp_reply(actions, site->mac, ip);
}

void
says(const struct site *site, const char *what)
{
    vmn_publish(site->emit, REL_SAYS,
                vmn_printf(site->view, "%s|%s", site->host,
                           site->network->provider.physical),
                vmn_printf(site->view, "%s|%s|%s", site->router->row.name,
                           vmn_mac_text(site->view, site->mac), what));
}

void
wire_address(const struct site *site, const struct vmn_ip *ip)
{
    if (!site->ofport) {
        return;
    }
    if (ip->family == 6) {
        nd_address(site, ip);
    } else {
        arp_address(site, ip);
    }
    says(site, vmn_ip_text(site->view, ip));
}

void
wire_router(const struct site *site)
{
    const struct vmn_external *external = &site->router->external;

    for (size_t i = 0; i < external->n_gateways; i++) {
        const char *host = external->gateways[i].host;

        if (wire_ofport(site->view, site->network, host)) {
            vmn_publish(site->emit, REL_SITES, site->router->row.name, host);
            vmn_publish(site->emit, REL_HOSTS, "", host);
        }
    }
    if (!site->ofport) {
        return;
    }
    wire_hears(site);
    if (first_external(site->router, 6)) {
        nd_router(site);
    }
}

void
wire_hears(const struct site *site)
{
    vmn_publish(site->emit, REL_WIRES,
                vmn_printf(site->view, "%s|%s", site->network->row.name,
                           site->host),
                site->router->row.name);
    if (first_external(site->router, 4)) {
        struct vmn_flow *flow = site_wire_flow(site, STAGE_WIRE, 0,
                                               WIRE_ANSWERED);

        vmn_match(flow, VMN_F_ARP_OP, 2);
        vmn_match_mac(flow, VMN_F_ETH_DST, site->mac);
        vmn_act_learn_neighbour(vmn_flow_actions(flow), VMN_NEIGHBOUR_ARP);
    }
    if (first_external(site->router, 6)) {
        nd_hears(site);
    }
}

/* What the routers share that have their gateway on one host.  ------------ */

struct vmn_flow *
wire_flow(const struct wire *wire, unsigned stage, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(wire->emit,
                                         vmn_scope_host(wire->host), stage, 0,
                                         priority);

    vmn_match(flow, VMN_F_IN_PORT, wire->ofport);
    vmn_match(flow, VMN_REG_NETWORK, wire->network->vni);
    return flow;
}

/* A subnet's gateway says that it is elsewhere by now. */
static void
arp_gateway(const struct wire *wire, const struct vmn_ip *gateway)
{
    struct vmn_flow *flow = wire_flow(wire, STAGE_WIRE, WIRE_GATEWAY);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match_ip(flow, VMN_F_ARP_SPA, gateway);
    vmn_act_learn_neighbour(actions, VMN_NEIGHBOUR_ARP);
    vmn_act_next(actions);
}

void
compile_wire(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const char *bar = strchr(key, '|');
    struct wire wire = { .emit = emit, .host = bar ? bar + 1 : "" };

    if (!bar) {
        return;
    }
    wire.network = vmn_read_network(view, vmn_printf(
        view, "%.*s", (int) (bar - key), key));
    if (!wire.network || !wire.network->vni
        || !wire.network->provider.physical) {
        return;
    }
    wire.ofport = wire_ofport(view, wire.network, wire.host);
    if (!wire.ofport) {
        return;
    }
    for (size_t i = 0; i < wire.network->n_subnets; i++) {
        const struct vmn_ip *gateway = &wire.network->subnets[i].gateway;

        if (gateway->family == 4) {
            arp_gateway(&wire, gateway);
        } else if (gateway->family == 6) {
            nd_gateway(&wire, gateway);
        }
    }
    if (next_hop(wire.network, 6)) {
        nd_wire(&wire);
    }
}
