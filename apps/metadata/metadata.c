/* SPDX-License-Identifier: Apache-2.0
 *
 * The metadata app: tells VMs who they are and what they are to do when they
 * start, at 169.254.169.254 and fe80::a9fe:a9fe, as cloud-init asks for it.
 * This file says where: which packets go to the server, and who has its
 * addresses.  What it answers is in the other ones. */

#include "metadata.h"

/* Priorities of flows; vmn_arp_nd_respond() has those from ARP_ND on. */
enum { PRIORITY_OTHERS = 50, PRIORITY_HTTP = 60, PRIORITY_ARP_ND = 100 };

#define HTTP_PORT 80

/* The server has the same MAC in all networks and on all hosts. */
static const struct vmn_mac server_mac = VMN_SERVER_MAC(HTTP_PORT);

static const struct vmn_ip server_ips[] = {
    { 4, { 169, 254, 169, 254 } },
    { 6, { 0xfe, 0x80, [12] = 0xa9, 0xfe, 0xa9, 0xfe } },
};

/* Packets for the server are its own whatever their Ethernet destination is: a
 * guest with a default route sends them to its router. */
static struct vmn_flow *
to_server(struct vmn_emit *emit, const struct vmn_network *network,
          const struct vmn_ip *ip, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(emit,
                                         vmn_scope_network(network->row.name),
                                         STAGE_SERVER, 0, priority);

    vmn_match(flow, VMN_REG_NETWORK, network->vni);
    vmn_match(flow, VMN_REG_SRC_LOCAL, 1);
    vmn_match_ip(flow, vmn_field_ip_dst(ip->family), ip);
    return flow;
}

static void
serve(struct vmn_view *view, struct vmn_emit *emit,
      const struct vmn_network *network, const struct vmn_ip *ip)
{
    const struct vmn_arp_nd_responder by = {
        .scope = vmn_scope_network(network->row.name),
        .stage = STAGE_SERVER,
        .priority = PRIORITY_ARP_ND,
        .vni = network->vni,
        .mac = server_mac,
        .handler = HANDLER_NEIGHBOUR,
    };
    struct vmn_flow *flow;

    vmn_claim_ip(view, emit, network->row.name, ip);
    vmn_arp_nd_respond(emit, &by, ip);
    flow = to_server(emit, network, ip, PRIORITY_HTTP);
    vmn_match(flow, VMN_F_TCP_DST, HTTP_PORT);
    vmn_act_punt(vmn_flow_actions(flow), HANDLER_HTTP, 0, VMN_PUNT_ALL);
    flow = to_server(emit, network, ip, PRIORITY_OTHERS);
    vmn_act_punt(vmn_flow_actions(flow), HANDLER_REFUSE, 0,
                 VMN_REJECT_QUOTED_MAX);
    vmn_act_drop(vmn_flow_actions(flow), "not for the metadata server");
}

static void
compile_network(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_network *network = vmn_read_network(view, key);

    if (!network || !network->vni) {
        return;
    }
    for (size_t i = 0; i < sizeof server_ips / sizeof server_ips[0]; i++) {
        serve(view, emit, network, &server_ips[i]);
    }
}

/* Says what the service of a network is like, for the other units and for
 * dhcp. */
static void
compile_service(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct metadata_network *row
        = (const struct metadata_network *) vmn_read(view, ROW_NETWORK, key);

    if (row) {
        vmn_publish(emit, VMN_REL_METADATA, row->network,
                    vmn_printf(view, "%d", row->tokens));
    }
}

/* Answers who asks by unicast whether the server is still there. */
static void
handle_neighbour(struct vmn_view *view, const struct vmn_packet_in *in,
                 struct vmn_packets_out *out)
{
    (void) view;
    vmn_send_nd_advert(in, server_mac, false, out);
}

/* The app.  --------------------------------------------------------------- */

/* Behind the guard, which has seen to it that senders are who they say they
 * are; before overlay (order 0), which drops ARP for unknown addresses, and
 * before balancing, routing and policies. */
static const struct vmn_stage_class stages[] = {
    [STAGE_SERVER] = { .name = "server", .hook = VMN_HOOK_SERVICE,
                       .order = -3, .n_tables = 1, .miss = VMN_MISS_NEXT },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "object", .each = VMN_EACH_ROW, .row_type = ROW_METADATA,
      .compile = compile_metadata },
    { .name = "service", .each = VMN_EACH_ROW, .row_type = ROW_NETWORK,
      .compile = compile_service },
    { .name = "network", .each = VMN_EACH_KEY, .relation = VMN_REL_METADATA,
      .compile = compile_network },
    { .name = NULL },
};

static const struct vmn_handler_class handlers[] = {
    [HANDLER_NEIGHBOUR] = { .name = "neighbour",
                            .handle = handle_neighbour },
    [HANDLER_HTTP] = { .name = "http", .handle = handle_http,
                       .options = VMN_HANDLER_HTTP },
    [HANDLER_REFUSE] = { .name = "refuse", .handle = vmn_handle_no_port },
    { .name = NULL },
};

extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD,
    .name = "metadata",
    .description = "Tells VMs who they are, as cloud-init asks for it",
    .stages = stages,
    .units = units,
    .handlers = handlers,
    VMN_APP_TYPES(metadata_types),
};
