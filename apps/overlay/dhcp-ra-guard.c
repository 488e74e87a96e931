/* SPDX-License-Identifier: Apache-2.0
 *
 * DHCP and router discovery.  No guest answers DHCP or DHCPv6 clients, whether
 * the controller serves the network or not, but behind a port with
 * 'dhcp_server'.  Clients without an address may ask where a server is: the
 * controller (VMN_REL_SERVED), or such a port.  Router advertisements are
 * dropped everywhere (nd-port-security.c).
 *
 * Packets admitted for the controller reach its app alone, which compares them
 * with the port's own MAC and address. */

#include "overlay.h"

#include <string.h>

#define DHCP4_CLIENT 68
#define DHCP4_SERVER 67
#define DHCP6_CLIENT 546
#define ROUTER_SOLICITATION 133

static uint16_t
client_port(uint8_t family)
{
    return family == 6 ? DHCP6_CLIENT : DHCP4_CLIENT;
}

/* Drops packets to the ports of clients: only servers send these.  Clients do
 * not look at the port by which a server sends. */
void
dhcp_guard_base(struct vmn_emit *emit)
{
    for (uint8_t family = 4; family <= 6; family += 2) {
        struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(),
                                             STAGE_ADMIT, ADMIT_GUARD,
                                             GUARD_SERVER);

        vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(family));
        vmn_match(flow, VMN_F_UDP_DST, client_port(family));
        drop(flow, "DHCP server");
    }
}

/* Has 'flow', which lets in what a port sends by one of its addresses, match
 * what a server sends to clients. */
void
match_dhcp_server(struct vmn_flow *flow, uint8_t family)
{
    vmn_match(flow, VMN_F_UDP_DST, client_port(family));
}

/* Matches requests of clients without an address. */
static void
match_dhcp4_client(struct vmn_flow *flow, const struct vmn_network *network)
{
    static const struct vmn_ip nobody = { .family = 4 };
    static const struct vmn_ip everyone = { 4, { 255, 255, 255, 255 } };

    match_network(flow, network);
    vmn_match_ip(flow, VMN_F_IPV4_SRC, &nobody);
    vmn_match_ip(flow, VMN_F_IPV4_DST, &everyone);
    vmn_match(flow, VMN_F_UDP_SRC, DHCP4_CLIENT);
    vmn_match(flow, VMN_F_UDP_DST, DHCP4_SERVER);
}

static struct vmn_flow *
guard_add(struct vmn_emit *emit, const struct vmn_network *network)
{
    return vmn_flow_add(emit, vmn_scope_network(network->row.name),
                        STAGE_ADMIT, ADMIT_GUARD, GUARD_SERVED);
}

static void
serve_dhcp4(struct vmn_emit *emit, const struct vmn_network *network)
{
    struct vmn_flow *flow = guard_add(emit, network);

    match_dhcp4_client(flow, network);
    vmn_act_next(vmn_flow_actions(flow));
}

static void
serve_routers(struct vmn_emit *emit, const struct vmn_network *network)
{
    struct vmn_flow *flow = guard_add(emit, network);

    match_network(flow, network);
    vmn_match(flow, VMN_F_ICMPV6_TYPE, ROUTER_SOLICITATION);
    vmn_act_next(vmn_flow_actions(flow));
}

void
served_of_network(struct vmn_view *view, struct vmn_emit *emit,
                  const struct vmn_network *network)
{
    struct vmn_names served = vmn_relation_values(view, VMN_REL_SERVED,
                                                  network->row.name);
    bool dhcp4 = vmn_relation_values(view, REL_DHCP_SERVERS,
                                     network->row.name).n > 0;

    for (size_t i = 0; i < served.n; i++) {
        const char *what = served.names[i];

        dhcp4 |= !strcmp(what, VMN_SERVED_DHCP4);
        if (!strcmp(what, VMN_SERVED_ROUTERS)) {
            serve_routers(emit, network);
        }
    }
    if (dhcp4) {
        serve_dhcp4(emit, network);
    }
}

/* Identifies the port of a client without an address on the other hosts of a
 * network that has a port with 'dhcp_server'. */
void
dhcp_client_source(struct vmn_view *view, struct vmn_emit *emit,
                   const struct port_ctx *ctx)
{
    const char *network = ctx->network->row.name;
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    if (ctx->port->dhcp_server) {
        vmn_publish(emit, REL_DHCP_SERVERS, network, ctx->port->row.name);
    }
    if (!ctx->host || is_provider(ctx->network)
        || !vmn_relation_values(view, REL_DHCP_SERVERS, network).n) {
        return;
    }
    flow = vmn_flow_add(emit, vmn_scope_network(network), STAGE_ADMIT,
                        ADMIT_SOURCE, SOURCE_DHCP);
    match_dhcp4_client(flow, ctx->network);
    vmn_match_mac(flow, VMN_F_ETH_SRC, ctx->port->mac);
    actions = vmn_flow_actions(flow);
    vmn_act_set(actions, VMN_REG_SRC_ID, ctx->identity);
    isolation_of_source(actions, ctx);
    vmn_act_next(actions);
}
