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
#define DHCP6_SERVER 547
#define ROUTER_SOLICITATION 133

static const struct vmn_ip everyone = { 4, { 255, 255, 255, 255 } };

static uint16_t
client_port(uint8_t family)
{
    return family == 6 ? DHCP6_CLIENT : DHCP4_CLIENT;
}

/* Drops packets to the ports of clients: only servers send these.  Clients do
 * not look at the port by which a server sends. */
static void
drop_servers(struct vmn_emit *emit)
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

/* Matches what a DHCPv4 client sends to 'to', from whatever address. */
static void
match_dhcp4_request(struct vmn_flow *flow, const struct vmn_ip *to)
{
    vmn_match_ip(flow, VMN_F_IPV4_DST, to);
    vmn_match(flow, VMN_F_UDP_SRC, DHCP4_CLIENT);
    vmn_match(flow, VMN_F_UDP_DST, DHCP4_SERVER);
}

/* Lets a client that extends a lease reach the controller's server after its
 * port has lost the address: it gets DHCPNAK (RFC 2131, section 4.3.2).  The
 * app of the server takes all of that. */
void
dhcp_guard_base(struct vmn_view *view, struct vmn_emit *emit)
{
    struct vmn_names servers = vmn_relation_values(view, VMN_REL_SERVED, "");

    drop_servers(emit);
    for (size_t i = 0; i < servers.n; i++) {
        struct vmn_flow *flow;
        struct vmn_ip server;

        if (!vmn_ip_from_text(servers.names[i], &server)) {
            continue;
        }
        flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_ADMIT, ADMIT_GUARD,
                            GUARD_FORMER);
        match_dhcp4_request(flow, &server);
        vmn_act_next(vmn_flow_actions(flow));

        flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_ADMIT, ADMIT_GUARD,
                            GUARD_FORMER);
        vmn_match(flow, VMN_F_ARP_OP, 1);
        vmn_match_ip(flow, VMN_F_ARP_TPA, &server);
        vmn_act_next(vmn_flow_actions(flow));
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

    match_network(flow, network);
    vmn_match_ip(flow, VMN_F_IPV4_SRC, &nobody);
    match_dhcp4_request(flow, &everyone);
}

static struct vmn_flow *
guard_add(struct vmn_emit *emit, const struct vmn_network *network,
          uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(emit,
                                         vmn_scope_network(network->row.name),
                                         STAGE_ADMIT, ADMIT_GUARD, priority);

    match_network(flow, network);
    return flow;
}

/* Answers ARP requests for the router's addresses here, whoever sends them:
 * on the way to the server by its router, a client resolves that with the
 * address that its port has lost. */
static void
answer_former(struct vmn_emit *emit, const struct vmn_network *network,
              const struct vmn_router *router)
{
    for (size_t i = 0; i < router->n_interfaces; i++) {
        const struct vmn_router_interface *interface
            = vmn_router_interface_at(router, i);
        struct vmn_ip ips[VMN_ADDRESSES_MAX];
        size_t n = 0;

        if (!strcmp(interface->network, network->row.name)) {
            n = vmn_interface_addresses(interface, network, ips);
        }
        for (size_t j = 0; j < n; j++) {
            if (ips[j].family == 4) {
                struct vmn_flow *flow = guard_add(emit, network, GUARD_FORMER);

                vmn_match(flow, VMN_F_ARP_OP, 1);
                vmn_match_ip(flow, VMN_F_ARP_TPA, &ips[j]);
                vmn_act_arp_reply(vmn_flow_actions(flow), router->mac,
                                  &ips[j]);
            }
        }
    }
}

/* Lets all that clients send to all servers reach the controller's, which
 * takes it: from no address, and from a former one as well. */
static void
serve_dhcp4(struct vmn_view *view, struct vmn_emit *emit,
            const struct vmn_network *network)
{
    struct vmn_names routers = vmn_lookup(view, VMN_INDEX_ROUTER_BY_NETWORK,
                                          network->row.name);
    struct vmn_flow *flow = guard_add(emit, network, GUARD_SERVED);

    match_dhcp4_client(flow, network);
    vmn_act_next(vmn_flow_actions(flow));
    flow = guard_add(emit, network, GUARD_FORMER);
    match_dhcp4_request(flow, &everyone);
    vmn_act_next(vmn_flow_actions(flow));
    for (size_t i = 0; i < routers.n; i++) {
        const struct vmn_router *router = vmn_read_router(view,
                                                          routers.names[i]);

        if (router) {
            answer_former(emit, network, router);
        }
    }
}

/* The same of DHCPv6. */
static void
serve_dhcp6(struct vmn_emit *emit, const struct vmn_network *network)
{
    /* All_DHCP_Relay_Agents_and_Servers (RFC 8415, section 7.1). */
    static const struct vmn_ip all_servers = { 6, {
        0xff, 2, [13] = 1, [15] = 2 } };
    struct vmn_flow *flow = guard_add(emit, network, GUARD_SERVED);

    vmn_match_ip(flow, VMN_F_IPV6_DST, &all_servers);
    vmn_match(flow, VMN_F_UDP_SRC, DHCP6_CLIENT);
    vmn_match(flow, VMN_F_UDP_DST, DHCP6_SERVER);
    vmn_act_next(vmn_flow_actions(flow));
}

static void
serve_routers(struct vmn_emit *emit, const struct vmn_network *network)
{
    struct vmn_flow *flow = guard_add(emit, network, GUARD_SERVED);

    vmn_match(flow, VMN_F_ICMPV6_TYPE, ROUTER_SOLICITATION);
    vmn_act_next(vmn_flow_actions(flow));
}

void
served_of_network(struct vmn_view *view, struct vmn_emit *emit,
                  const struct vmn_network *network)
{
    struct vmn_names served = vmn_relation_values(view, VMN_REL_SERVED,
                                                  network->row.name);

    for (size_t i = 0; i < served.n; i++) {
        const char *what = served.names[i];

        if (!strcmp(what, VMN_SERVED_DHCP4)) {
            serve_dhcp4(view, emit, network);
        } else if (!strcmp(what, VMN_SERVED_DHCP6)) {
            serve_dhcp6(emit, network);
        } else if (!strcmp(what, VMN_SERVED_ROUTERS)) {
            serve_routers(emit, network);
        }
    }
}

/* Returns true if a guest or a machine on the physical network may be the
 * network's DHCPv4 server: the controller is not. */
static bool
has_other_server(struct vmn_view *view, const struct vmn_network *network)
{
    const char *name = network->row.name;
    struct vmn_names served = vmn_relation_values(view, VMN_REL_SERVED, name);

    for (size_t i = 0; i < served.n; i++) {
        if (!strcmp(served.names[i], VMN_SERVED_DHCP4)) {
            return false;
        }
    }
    return (is_provider(network)
            || vmn_relation_values(view, REL_DHCP_SERVERS, name).n > 0);
}

/* Lets the port, which has no address yet, ask another server than the
 * controller for one. */
void
dhcp_client_of_port(struct vmn_view *view, struct vmn_emit *emit,
                    const struct port_ctx *ctx)
{
    struct vmn_flow *flow;

    if (has_other_server(view, ctx->network)) {
        flow = vmn_flow_add(emit, vmn_scope_host(ctx->host), STAGE_ADMIT,
                            ADMIT_GUARD, GUARD_SERVED);
        match_dhcp4_client(flow, ctx->network);
        vmn_match(flow, VMN_F_IN_PORT, ctx->ofport);
        vmn_match_mac(flow, VMN_F_ETH_SRC, ctx->port->mac);
        vmn_act_next(vmn_flow_actions(flow));
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
