/* SPDX-License-Identifier: Apache-2.0
 *
 * Broadcast and multicast on one host: a copy for each local port of the
 * network, with that port's identity, so that policy judges every copy on its
 * own; and one for the tunnels if the sender is local.  A MAC that several
 * ports may use goes the same way.
 *
 * The copy for the tunnels passes no policy here, since it has no single
 * destination: the sender's egress rules are judged with each copy where it
 * arrives, which is why the source counts as local there.  That for a provider
 * network's physical network is judged as one to anybody outside.
 *
 * Every sender gets the same copies, its own among them.  That one is dropped
 * before policy sees it, which would count it as denied. */

#include "overlay.h"

#include <string.h>

/* The ports of a network on one host: who gets a copy of a flood. */
struct flood_ports {
    const struct vmn_network *network;
    const char *host;
    uint32_t uplink;            /* Of a provider network: the port to the
                                 * physical network, or 0. */
    size_t n;
    struct port_ctx *members;
};

/* Reads the ports into 'to'.  Quarantined ports get no copies. */
static void
flood_ports_read(struct vmn_view *view, const char *key,
                 struct flood_ports *to)
{
    struct vmn_names ports = vmn_relation_values(view, REL_LOCAL, key);

    to->n = 0;
    to->members = vmn_alloc(view, (ports.n + 1) * sizeof *to->members);
    for (size_t i = 0; i < ports.n; i++) {
        struct port_ctx *ctx = &to->members[to->n];

        if (port_ctx_read(view, ports.names[i], ctx) && ctx->ofport
            && !strcmp(ctx->host, to->host)
            && !vmn_is_quarantined(view, ctx->port)) {
            to->n++;
        }
    }
}

static void
put_copies(struct vmn_actions *actions, const struct flood_ports *to)
{
    for (size_t i = 0; i < to->n; i++) {
        vmn_act_set(actions, VMN_REG_DST_ID, to->members[i].identity);
        vmn_act_set(actions, VMN_REG_DST_LOCAL, 1);
        vmn_act_set(actions, VMN_REG_OUT_PORT, to->members[i].ofport);
        vmn_act_resubmit(actions, STAGE_LOCATE, LOCATE_COPY);
    }
}

void
flood_to_sender(struct vmn_emit *emit, const struct port_ctx *ctx)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(ctx->host),
                                         STAGE_LOCATE, LOCATE_COPY,
                                         COPY_TO_SENDER);

    vmn_match(flow, VMN_F_IN_PORT, ctx->ofport);
    vmn_match(flow, VMN_REG_OUT_PORT, ctx->ofport);
    drop_background(flow, REASON_TO_SENDER);
}

void
flood_forward(struct vmn_actions *actions, const struct vmn_network *network,
              uint32_t hosts)
{
    bool provider = is_provider(network);

    if (!provider) {
        vmn_act_set(actions, VMN_REG_SRC_LOCAL, 0);
    }
    vmn_act_set(actions, VMN_REG_DST_ID, 0);
    vmn_act_set(actions, VMN_REG_DST_LOCAL, 0);
    vmn_act_set(actions, VMN_REG_OUT_PORT, provider ? 0 : VMN_TUNNEL_OFPORT);
    vmn_act_set(actions, VMN_REG_DST_HOST,
                provider ? VMN_DST_HOST_PROVIDER : hosts);
    vmn_act_next(actions);
}

/* Adds a flow that floods packets from a tunnel or the physical network
 * ('out_of_tunnel'), or from a local port. */
static struct vmn_flow *
flow_add(struct vmn_emit *emit, const struct flood_ports *to,
         bool out_of_tunnel, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(to->host),
                                         STAGE_LOCATE, 0, priority);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    match_network(flow, to->network);
    if (out_of_tunnel && is_provider(to->network)) {
        vmn_match(flow, VMN_F_IN_PORT, to->uplink);
        put_copies(actions, to);
    } else if (out_of_tunnel) {
        vmn_match(flow, VMN_F_IN_PORT, VMN_TUNNEL_OFPORT);
        vmn_act_set(actions, VMN_REG_SRC_LOCAL, 1);
        put_copies(actions, to);
    } else {
        put_copies(actions, to);
        flood_forward(actions, to->network, VMN_DST_HOST_FLOOD);
    }
    return flow;
}

/* Adds flows that flood packets for MACs that were not learned to all local
 * ports with 'unknown'. */
static void
unknown_copies(struct vmn_emit *emit, const struct flood_ports *to)
{
    struct flood_ports unknown = *to;
    uint32_t remote_port = (is_provider(to->network) ? to->uplink
                            : VMN_TUNNEL_OFPORT);

    unknown.n = 0;
    for (size_t i = 0; i < to->n; i++) {
        if (to->members[i].port->unknown) {
            unknown.members[unknown.n++] = to->members[i];
        }
    }
    for (int from_remote = 0;
         unknown.n && from_remote <= (remote_port != 0); from_remote++) {
        struct vmn_flow *flow = vmn_flow_add(
            emit, vmn_scope_host(to->host), STAGE_LOCATE, LOCATE_LEARNED,
            from_remote ? LEARNED_MISS_REMOTE : LEARNED_MISS_LOCAL);
        struct vmn_actions *actions = vmn_flow_actions(flow);

        match_network(flow, to->network);
        if (!from_remote) {
            put_copies(actions, &unknown);
            unknown_forward(actions, to->network);
            continue;
        }
        vmn_match(flow, VMN_F_IN_PORT, remote_port);
        vmn_match(flow, VMN_REG_MAC_VALUE, 0);
        if (!is_provider(to->network)) {
            vmn_act_set(actions, VMN_REG_SRC_LOCAL, 1);
        }
        put_copies(actions, &unknown);
    }
}

void
compile_flood(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const uint64_t group_bit = UINT64_C(1) << 40;
    const char *parts[2];

    if (vmn_key_split(view, key, parts, 2) < 2) {
        return;
    }

    struct flood_ports to = {
        .network = vmn_read_network(view, parts[0]),
        .host = parts[1],
    };

    if (!to.network || !to.network->vni) {
        return;
    }
    flood_ports_read(view, key, &to);
    if (is_provider(to.network)) {
        to.uplink = provider_ofport(view, to.network, to.host);
    }

    bool receives = to.n && (to.uplink || !is_provider(to.network));
    struct vmn_names shared = vmn_relation_values(view, REL_SHARED, parts[0]);

    /* For packets from local ports, then for those from a tunnel. */
    for (int tunnel = 0; tunnel <= (receives ? 1 : 0); tunnel++) {
        struct vmn_flow *flow = flow_add(emit, &to, tunnel,
                                         tunnel ? LOCATE_GROUP_TUNNEL
                                         : LOCATE_GROUP);

        vmn_match_masked(flow, VMN_F_ETH_DST, group_bit, group_bit);
        for (size_t i = 0; i < shared.n; i++) {
            struct vmn_mac mac;

            if (vmn_mac_from_text(shared.names[i], &mac)) {
                flow = flow_add(emit, &to, tunnel,
                                tunnel ? LOCATE_SHARED_TUNNEL
                                : LOCATE_SHARED);
                vmn_match_mac(flow, VMN_F_ETH_DST, mac);
            }
        }
    }
    unknown_copies(emit, &to);  /* Last, since it changes 'to'. */
}
