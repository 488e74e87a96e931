/* SPDX-License-Identifier: Apache-2.0
 *
 * The dhcp app: gives guests the addresses that their ports have, by DHCP,
 * DHCPv6 and router advertisements, and tells them what belongs to it.
 *
 * A lease is nothing but the port's row, so there is no database of them, and
 * any vmnd answers as any other.  Questions come up from the switch of the
 * port; overlay's guard lets through what comes from nobody's address, where
 * this app says that it is served.  What guests say as servers or routers ends
 * there, too. */

#include "dhcp-app.h"

enum { PRIORITY = 100 };

/* All_DHCP_Relay_Agents_and_Servers (RFC 8415, section 7.1). */
static const struct vmn_ip all_servers = { 6, {
    0xff, 2, [13] = 1, [15] = 2 } };
#define ROUTER_SOLICITATION 133

static struct vmn_flow *
scope_add(struct vmn_emit *emit, struct vmn_scope scope)
{
    struct vmn_flow *flow = vmn_flow_add(emit, scope, STAGE_DHCP, 0, PRIORITY);

    vmn_match(flow, VMN_REG_SRC_LOCAL, 1);
    return flow;
}

static struct vmn_flow *
flow_add(struct vmn_emit *emit, const struct vmn_network *network)
{
    struct vmn_flow *flow = scope_add(emit,
                                      vmn_scope_network(network->row.name));

    vmn_match(flow, VMN_REG_NETWORK, network->vni);
    return flow;
}

static void
punt(struct vmn_flow *flow, unsigned handler)
{
    vmn_act_punt(vmn_flow_actions(flow), handler, 0, VMN_PUNT_ALL);
}

/* Punts what clients send to the server itself, and answers their ARP requests
 * for it, in all networks: a client that has a lease renews it where the
 * network has no DHCP any more, or is another one, and gets DHCPNAK. */
static void
compile_server(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_flow *flow = scope_add(emit, vmn_scope_all());

    vmn_match_ip(flow, VMN_F_IPV4_DST, &server_ip);
    vmn_match(flow, VMN_F_UDP_DST, VMN_DHCP4_SERVER_PORT);
    punt(flow, HANDLER_V4);

    flow = scope_add(emit, vmn_scope_all());
    vmn_match(flow, VMN_F_ARP_OP, 1);
    vmn_match_ip(flow, VMN_F_ARP_TPA, &server_ip);
    vmn_act_arp_reply(vmn_flow_actions(flow), server_mac, &server_ip);
    vmn_publish(emit, VMN_REL_SERVED, key, vmn_ip_text(view, &server_ip));
}

/* Punts what clients send to all servers. */
static void
serve_v4(struct vmn_emit *emit, const struct vmn_network *network)
{
    static const struct vmn_ip everyone = { 4, { 255, 255, 255, 255 } };
    struct vmn_flow *flow = flow_add(emit, network);

    vmn_match_ip(flow, VMN_F_IPV4_DST, &everyone);
    vmn_match(flow, VMN_F_UDP_DST, VMN_DHCP4_SERVER_PORT);
    punt(flow, HANDLER_V4);
    vmn_publish(emit, VMN_REL_SERVED, network->row.name, VMN_SERVED_DHCP4);
}

static void
serve_v6(struct vmn_emit *emit, const struct vmn_network *network)
{
    struct vmn_flow *flow = flow_add(emit, network);

    vmn_match_ip(flow, VMN_F_IPV6_DST, &all_servers);
    vmn_match(flow, VMN_F_UDP_DST, VMN_DHCP6_SERVER_PORT);
    punt(flow, HANDLER_V6);
    vmn_publish(emit, VMN_REL_SERVED, network->row.name, VMN_SERVED_DHCP6);
}

static void
serve_routers(struct vmn_emit *emit, const struct vmn_network *network)
{
    struct vmn_flow *flow = flow_add(emit, network);

    vmn_match(flow, VMN_F_ICMPV6_TYPE, ROUTER_SOLICITATION);
    punt(flow, HANDLER_ROUTERS);
    vmn_publish(emit, VMN_REL_SERVED, network->row.name, VMN_SERVED_ROUTERS);
}

static void
compile_network(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_network *network = vmn_read_network(view, key);
    bool v4 = false, v6 = false;

    if (!network || !network->vni) {
        return;
    }
    for (size_t i = 0; i < network->n_subnets; i++) {
        const struct vmn_subnet *subnet = vmn_subnet_at(network, i);

        v4 |= subnet->dhcp && subnet->cidr.ip.family == 4;
        v6 |= subnet->dhcp && subnet->cidr.ip.family == 6;
    }
    if (v4) {
        vmn_claim_ip(view, emit, key, &server_ip);
        serve_v4(emit, network);
    }
    if (v6) {
        serve_v6(emit, network);
    }
    if (answers_solicitations(view, network)) {
        serve_routers(emit, network);
    }
    if (v6 || answers_solicitations(view, network)) {
        const struct vmn_ip local = vmn_link_local(server_mac);

        vmn_claim_ip(view, emit, key, &local);
    }
}

/* The app.  -------------------------------------------------------------- */

/* Before overlay (order 0), which drops ARP for unknown addresses. */
static const struct vmn_stage_class stages[] = {
    [STAGE_DHCP] = { .name = "dhcp", .hook = VMN_HOOK_SERVICE, .order = -5,
                     .n_tables = 1, .miss = VMN_MISS_NEXT },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "server", .each = VMN_EACH_ONCE, .compile = compile_server },
    { .name = "network", .each = VMN_EACH_ROW, .row_type = VMN_ROW_NETWORK,
      .compile = compile_network },
    { .name = NULL },
};

static const struct vmn_handler_class handlers[] = {
    [HANDLER_V4] = { .name = "v4", .handle = handle_v4 },
    [HANDLER_V6] = { .name = "v6", .handle = handle_v6 },
    [HANDLER_ROUTERS] = { .name = "routers", .handle = handle_routers,
                          .interval_s = ROUTER_INTERVAL },
    { .name = NULL },
};

extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD,
    .name = "dhcp",
    .description = "Addresses by DHCP, DHCPv6 and router advertisements",
    .stages = stages,
    .units = units,
    .handlers = handlers,
};
