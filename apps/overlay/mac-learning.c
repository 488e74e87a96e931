/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports with 'unknown': others are behind them (nested guests, appliances that
 * bridge), with Ethernet addresses that no row names.  Switches learn these
 * from who sends, each for itself.  What is learned of an address is the port
 * that it is behind, and where that port is, flows say: so nothing that was
 * learned is wrong when the port moves.
 *
 * In a tunnel, what such a guest sends has a VNI of the port's own.  By it the
 * other hosts know whose it is, which no address tells, and so its identity.
 * What is for an address that nobody has said goes to all ports with
 * 'unknown', and is judged where it arrives, as a flood is.
 *
 * A guest behind a port may call itself anything but what has a meaning
 * already (claimed-addresses.c).  It stays on its network: routers do not know
 * who is there. */

#include "overlay.h"

#include <string.h>

uint32_t
port_vni(struct vmn_view *view, const struct vmn_port *port)
{
    return vmn_id_of(view, VMN_ID_POOL_VNI,
                     vmn_printf(view, VMN_PORT_VNI_KEY, port->row.name));
}

bool
has_unknown(struct vmn_view *view, const struct vmn_network *network)
{
    return vmn_relation_values(view, REL_UNKNOWN, network->row.name).n > 0;
}

static void
match_unknown(struct vmn_flow *flow)
{
    vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_UNKNOWN, VMN_FLAG_UNKNOWN);
}

/* The port.  -------------------------------------------------------------- */

void
unknown_learn(struct vmn_view *view, const struct port_ctx *ctx,
              struct vmn_flow *flow)
{
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_act_learn_mac(actions, port_vni(view, ctx->port));
    vmn_act_next(actions);
}

/* What of guests behind a port is let in by one flow. */
struct admitted {
    const struct vmn_mac *mac;  /* One of the port's own, or NULL: any. */
    uint16_t eth_type;
    bool dhcp_server;           /* Answers to DHCP clients alone. */
};

static void
admit_one(struct vmn_emit *emit, const struct port_ctx *ctx,
          const struct admitted *what)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_host(ctx->host), STAGE_ADMIT, ADMIT_GUARD,
        (what->dhcp_server ? GUARD_DHCP_SERVER_UNKNOWN : GUARD_UNKNOWN)
        + (what->mac ? GUARD_UNKNOWN_OWN - GUARD_UNKNOWN : 0));
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_F_IN_PORT, ctx->ofport);
    vmn_match(flow, VMN_F_ETH_TYPE, what->eth_type);
    if (what->mac) {
        vmn_match_mac(flow, VMN_F_ETH_SRC, *what->mac);
    }
    if (what->dhcp_server) {
        match_dhcp_server(flow, what->eth_type == VMN_ETH_IPV6 ? 6 : 4);
    }
    vmn_act_set(actions, VMN_REG_FLAGS,
                VMN_FLAG_UNKNOWN
                | ctx->isolation << VMN_SRC_ISOLATION_SHIFT);
    vmn_act_set(actions, REG_CHECK, what->mac ? CHECK_ANNOUNCED | CHECK_IP
                : CHECK_ANNOUNCED | CHECK_IP | CHECK_MAC);
    vmn_act_goto(actions, STAGE_ADMIT, ADMIT_ND);
}

/* Admits packets from guests behind the port: with 'mac', one of the port's
 * own, or with any other (NULL). */
static void
admit_from(struct vmn_emit *emit, const struct port_ctx *ctx,
           const struct vmn_mac *mac)
{
    static const uint16_t types[] = {
        VMN_ETH_IPV4, VMN_ETH_ARP, VMN_ETH_IPV6,
    };

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct admitted what = { .mac = mac, .eth_type = types[i] };

        admit_one(emit, ctx, &what);
        if (ctx->port->dhcp_server && types[i] != VMN_ETH_ARP) {
            what.dhcp_server = true;
            admit_one(emit, ctx, &what);
        }
    }
}

/* Admits packets from guests behind the port, and learns their MACs. */
static void
admit_unknown(struct vmn_view *view, struct vmn_emit *emit,
              const struct port_ctx *ctx)
{
    const struct vmn_port *port = ctx->port;
    struct vmn_flow *flow;

    admit_from(emit, ctx, NULL);
    admit_from(emit, ctx, &port->mac);
    for (size_t i = 0; i < port->n_allowed_addresses; i++) {
        if (pair_has_new_mac(port, i)) {
            struct vmn_mac mac = pair_mac(port, vmn_address_pair_at(port, i));

            admit_from(emit, ctx, &mac);
        }
    }
    flow = vmn_flow_add(emit, vmn_scope_host(ctx->host), STAGE_ADMIT,
                        ADMIT_ND, ND_UNKNOWN);
    vmn_match(flow, VMN_F_IN_PORT, ctx->ofport);
    match_unknown(flow);
    unknown_learn(view, ctx, flow);
}

/* Sets the port's VNI on its packets that enter a tunnel. */
static void
leave_unknown(struct vmn_view *view, struct vmn_emit *emit,
              const struct port_ctx *ctx)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(ctx->host),
                                         STAGE_DELIVER, DELIVER_OUT,
                                         OUT_UNKNOWN);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_F_IN_PORT, ctx->ofport);
    match_network(flow, ctx->network);
    match_unknown(flow);
    vmn_act_set(actions, VMN_F_TUN_ID, port_vni(view, ctx->port));
    vmn_act_check_size(actions, vmn_mtu_of(view, ctx->network));
    vmn_act_goto(actions, STAGE_DELIVER, DELIVER_TUNNEL);
}

/* Delivers packets for guests behind the port.  A packet from a tunnel may be
 * a copy of a flood, which its sender's host has not judged. */
static void
locate_here(struct vmn_view *view, struct vmn_emit *emit,
            const struct port_ctx *ctx, bool out_of_tunnel)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(ctx->host),
                                         STAGE_LOCATE, LOCATE_LEARNED,
                                         out_of_tunnel ? LEARNED_HERE_TUNNEL
                                         : LEARNED_HERE);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_REG_MAC_VALUE, port_vni(view, ctx->port));
    if (out_of_tunnel) {
        vmn_match(flow, VMN_F_IN_PORT, VMN_TUNNEL_OFPORT);
        vmn_act_set(actions, VMN_REG_SRC_LOCAL, 1);
    }
    vmn_act_set(actions, VMN_REG_DST_ID, ctx->identity);
    vmn_act_set(actions, VMN_REG_DST_LOCAL, 1);
    vmn_act_set(actions, VMN_REG_OUT_PORT, ctx->ofport);
    isolation_next(actions, ctx);
}

void
unknown_of_port_here(struct vmn_view *view, struct vmn_emit *emit,
                     const struct port_ctx *ctx)
{
    /* The candidate's own host goes on sending to the active host. */
    bool is_candidate = (ctx->candidate
                         && !strcmp(ctx->host, ctx->candidate));

    if (!ctx->port->unknown) {
        return;
    }
    admit_unknown(view, emit, ctx);
    if (!is_candidate) {
        locate_here(view, emit, ctx, false);
    }
    if (!is_provider(ctx->network)) {
        leave_unknown(view, emit, ctx);
        locate_here(view, emit, ctx, true);
    }
}

/* Emits the flows that each host of the network has for the port. */
void
unknown_of_port(struct vmn_view *view, struct vmn_emit *emit,
                const struct port_ctx *ctx)
{
    const char *network = ctx->network->row.name;
    struct vmn_scope scope = vmn_scope_network(network);
    struct vmn_flow *flow;
    struct vmn_actions *actions;
    uint32_t vni;

    if (!ctx->port->unknown || !ctx->host) {
        return;
    }
    vmn_publish(emit, REL_UNKNOWN, network, "");
    vmn_publish(emit, REL_UNKNOWN_HOSTS, network, ctx->host);
    vmn_publish(emit, REL_FLOODS_ARP, network, "");
    vmn_publish(emit, REL_FLOODS_ND, network, "");
    if (ctx->candidate) {
        vmn_publish(emit, REL_UNKNOWN_HOSTS, network, ctx->candidate);
    }
    if (is_provider(ctx->network)) {
        return;
    }

    vmn_publish(emit, REL_UNKNOWN_PORTS, network, ctx->port->row.name);
    vni = port_vni(view, ctx->port);
    flow = vmn_flow_add(emit, scope, STAGE_ADMIT, ADMIT_TUNNEL,
                        TUNNEL_NETWORK);
    vmn_match(flow, VMN_F_TUN_ID, vni);
    actions = vmn_flow_actions(flow);
    network_registers(view, actions, ctx->network, ctx->zone);
    vmn_act_set(actions, VMN_REG_SRC_ID, ctx->identity);
    isolation_of_source(actions, ctx);
    vmn_act_learn_mac(actions, vni);
    vmn_act_next(actions);

    flow = vmn_flow_add(emit, scope, STAGE_LOCATE, LOCATE_LEARNED,
                        LEARNED_ELSEWHERE);
    vmn_match(flow, VMN_REG_MAC_VALUE, vni);
    actions = vmn_flow_actions(flow);
    vmn_act_set(actions, VMN_REG_DST_ID, ctx->identity);
    vmn_act_set(actions, VMN_REG_DST_HOST,
                vmn_id_of(view, VMN_ID_POOL_HOST, ctx->host));
    vmn_act_next(actions);
}

/* The network.  ----------------------------------------------------------- */

static void
learned_add(struct vmn_emit *emit, const struct vmn_network *network,
            struct vmn_scope scope, uint32_t in_port)
{
    struct vmn_flow *flow = vmn_flow_add(emit, scope, STAGE_LOCATE,
                                         LOCATE_DESTINATION,
                                         in_port ? LOCATE_UNKNOWN_REMOTE
                                         : LOCATE_UNKNOWN);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    match_network(flow, network);
    if (in_port) {
        vmn_match(flow, VMN_F_IN_PORT, in_port);
    }
    vmn_act_find_mac(actions);
    vmn_act_goto(actions, STAGE_LOCATE, LOCATE_LEARNED);
}

/* Passes ARP requests and solicitations on to the guests, since those behind
 * ports may ask, or be asked for. */
static void
forward_requests(struct vmn_emit *emit, const struct vmn_network *network)
{
    for (int v6 = 0; v6 < 2; v6++) {
        struct vmn_flow *flow = vmn_flow_add(
            emit, vmn_scope_network(network->row.name), STAGE_SERVICE,
            SERVICE_REQUEST, SERVICE_EXTERNAL);

        match_network(flow, network);
        if (v6) {
            vmn_match(flow, VMN_F_ICMPV6_TYPE, VMN_ND_SOLICIT);
        } else {
            vmn_match(flow, VMN_F_ARP_OP, 1);
        }
        vmn_act_next(vmn_flow_actions(flow));
    }
}

/* Emits the flows of a provider network on 'host'.  Packets from 'uplink' (0:
 * there is none) are for local guests only. */
void
unknown_of_provider(struct vmn_view *view, struct vmn_emit *emit,
                    const struct vmn_network *network, const char *host,
                    uint32_t uplink)
{
    struct vmn_flow *flow;

    if (!has_unknown(view, network)) {
        return;
    }
    learned_add(emit, network, vmn_scope_host(host), uplink);
    flow = vmn_flow_add(emit, vmn_scope_host(host), STAGE_LOCATE,
                        LOCATE_LEARNED, LEARNED_NOT_HERE);
    match_network(flow, network);
    vmn_match(flow, VMN_F_IN_PORT, uplink);
    drop_background(flow, REASON_OTHERS);
}

/* Forwards packets for MACs that were not learned, on hosts without a port
 * with 'unknown'.  Other hosts have flows of higher priority (flood.c). */
static void
not_learned(struct vmn_emit *emit, const struct vmn_network *network)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_network(network->row.name), STAGE_LOCATE,
        LOCATE_LEARNED, LEARNED_MISS);

    match_network(flow, network);
    unknown_forward(vmn_flow_actions(flow), network);
}

void
unknown_forward(struct vmn_actions *actions,
                const struct vmn_network *network)
{
    flood_forward(actions, network, VMN_DST_HOST_UNKNOWN);
}

/* Floods packets from guests behind the port, on a host where the port is or
 * may be. */
static void
flood_of_port(struct vmn_view *view, struct vmn_emit *emit,
              const struct port_ctx *ctx, const char *host, uint32_t ofport,
              uint32_t to, struct vmn_group_msg *group)
{
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    if (!ofport) {
        return;
    }
    flow = vmn_flow_add(emit, vmn_scope_host(host), STAGE_DELIVER,
                        DELIVER_OUT, OUT_UNKNOWN_FLOOD);
    vmn_match(flow, VMN_F_IN_PORT, ofport);
    match_network(flow, ctx->network);
    match_unknown(flow);
    vmn_match(flow, VMN_REG_DST_HOST, to);
    actions = vmn_flow_actions(flow);
    vmn_act_set(actions, VMN_F_TUN_ID, port_vni(view, ctx->port));
    vmn_act_group(actions, group);
}

void
unknown_flood(struct vmn_view *view, struct vmn_emit *emit,
              const struct vmn_network *network, uint32_t to,
              struct vmn_group_msg *group)
{
    struct vmn_names ports = vmn_relation_values(view, REL_UNKNOWN_PORTS,
                                                 network->row.name);

    for (size_t i = 0; i < ports.n; i++) {
        struct port_ctx ctx;

        if (port_ctx_read(view, ports.names[i], &ctx)) {
            flood_of_port(view, emit, &ctx, ctx.host, ctx.ofport, to,
                          group);
            flood_of_port(view, emit, &ctx, ctx.candidate,
                          ctx.candidate_ofport, to, group);
        }
    }
}

/* Emits the flows of a network that has ports with 'unknown'. */
void
unknown_of_network(struct vmn_view *view, struct vmn_emit *emit,
                   const struct vmn_network *network)
{
    const struct vmn_scope scope = vmn_scope_network(network->row.name);
    struct vmn_flow *flow;

    if (!has_unknown(view, network)) {
        return;
    }
    learned_add(emit, network, scope, 0);
    not_learned(emit, network);
    if (is_provider(network)) {
        return;                 /* ARP requests are passed on already. */
    }
    forward_requests(emit, network);
    learned_add(emit, network, scope, VMN_TUNNEL_OFPORT);
    flow = vmn_flow_add(emit, scope, STAGE_LOCATE, LOCATE_LEARNED,
                        LEARNED_NOT_HERE);
    match_network(flow, network);
    vmn_match(flow, VMN_F_IN_PORT, VMN_TUNNEL_OFPORT);
    drop(flow, "destination is not here");
    flood_add(view, emit, network, VMN_DST_HOST_UNKNOWN,
              vmn_relation_values(view, REL_UNKNOWN_HOSTS, network->row.name));
}
