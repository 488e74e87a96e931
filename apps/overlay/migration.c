/* SPDX-License-Identifier: Apache-2.0
 *
 * A port that two hosts have while its VM migrates: where it is bound, and its
 * candidate.  The guest runs on one of them, and which one that is changes
 * without a notice.
 *
 * So what is sent to its MAC address goes to both, and each copy is judged
 * where it arrives.  The target's switch drops its copies until the guest is
 * announced there: by that the switch learns that the guest runs here, and
 * delivers from that packet on, without waiting for the controller, which is
 * told by the same packet, and activates the port there.  The announcement is
 * QEMU's RARP, which no guest sends of its own: so a VM that is started with
 * another one's iface-id by mistake announces nothing.  Where the port's row
 * says that both hosts may have it, any packet from the guest will do.  A
 * queue of copies in the tap of a VM that does not run yet would be old by the
 * time it does, and have no room for new ones.  Then the source is the
 * candidate, and goes on delivering: the guest may be back at once.  When it
 * has dropped the interface it can still be asked for a while.
 *
 * Not copied are floods, and what is for other addresses that guests of the
 * port have (an allowed MAC address of its own): these change over with the
 * binding.  So does all of a port with 'unknown', whose own address is learned
 * like its guests'.  Nor are packets in a provider network copied: its
 * switches learn where the guest is.
 *
 * What the guest floods goes out by either host (flood.c); that from the
 * candidate gets to its interface on the other one, too, where it does not run
 * then.  Others' floods are not copied to both: one copy is for all ports of
 * an identity, and that which the target drops would have to be one more. */

#include "overlay.h"

#include <string.h>

/* What the candidate's switch remembers of the port's MAC address: no VNI
 * (mac-learning.c), and another one each time the interface is plugged. */
static uint32_t
here_value(const struct port_ctx *ctx)
{
    return VMN_MAC_OF_GUEST | ctx->candidate_ofport;
}

static struct vmn_flow *
out_add(struct vmn_emit *emit, struct vmn_scope scope, uint16_t priority,
        const struct port_ctx *ctx)
{
    struct vmn_flow *flow = vmn_flow_add(emit, scope, STAGE_DELIVER,
                                         DELIVER_OUT, priority);

    match_network(flow, ctx->network);
    vmn_match_mac(flow, VMN_F_ETH_DST, ctx->port->mac);
    return flow;
}

/* Has the packet go into a tunnel to host 'number', of which it may be the
 * sender's own: that has a copy already, or none. */
static void
put_last_copy(struct vmn_actions *actions, uint32_t number)
{
    vmn_act_set(actions, VMN_REG_DST_HOST, number);
    vmn_act_set(actions, VMN_REG_OUT_PORT, VMN_TUNNEL_OFPORT);
    vmn_act_goto(actions, STAGE_DELIVER, DELIVER_TUNNEL);
}

static void
put_tunnel_headers(struct vmn_view *view, struct vmn_actions *actions,
                   const struct port_ctx *ctx)
{
    vmn_act_move(actions, VMN_REG_NETWORK, VMN_F_TUN_ID);
    vmn_act_check_size(actions, vmn_mtu_of(view, ctx->network));
}

/* Emits the flows of one of both hosts, where the port has number 'ofport',
 * that copy what it delivers to the other one, number 'other'; but for what a
 * third one has copied already. */
static void
copies_here(struct vmn_view *view, struct vmn_emit *emit,
            const struct port_ctx *ctx, const char *host, uint32_t ofport,
            uint32_t other)
{
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    flow = out_add(emit, vmn_scope_host(host), OUT_BOTH_REMOTE, ctx);
    vmn_match(flow, VMN_REG_OUT_PORT, ofport);
    vmn_match(flow, VMN_F_IN_PORT, VMN_TUNNEL_OFPORT);
    vmn_act_output(vmn_flow_actions(flow), ofport);

    /* What has come in from outside here says so in the tunnel: its source is
     * nobody's (transit.c). */
    for (int external = 0; external < 2; external++) {
        flow = out_add(emit, vmn_scope_host(host),
                       external ? OUT_BOTH_EXTERNAL : OUT_BOTH_HERE, ctx);
        vmn_match(flow, VMN_REG_OUT_PORT, ofport);
        vmn_match_masked(flow, VMN_REG_FLAGS, external ? VMN_FLAG_EXTERNAL : 0,
                         VMN_FLAG_UNKNOWN | (external ? VMN_FLAG_EXTERNAL
                                             : 0));
        actions = vmn_flow_actions(flow);
        vmn_act_output(actions, ofport);
        if (external) {
            vmn_act_set_mac(actions, VMN_F_ETH_SRC, VMN_EXTERNAL_MAC);
        }
        put_tunnel_headers(view, actions, ctx);
        put_last_copy(actions, other);
    }
}

void
copies_of_migration(struct vmn_view *view, struct vmn_emit *emit,
                    const struct port_ctx *ctx)
{
    uint32_t host, candidate;
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    if (!ctx->ofport || is_provider(ctx->network)) {
        return;
    }
    host = vmn_id_of(view, VMN_ID_POOL_HOST, ctx->host);
    candidate = vmn_id_of(view, VMN_ID_POOL_HOST, ctx->candidate);

    /* From other hosts, and from the candidate's.  What a guest behind a port
     * sends has a VNI of that port's in the tunnel. */
    flow = out_add(emit, vmn_scope_domain(ctx->domain), OUT_BOTH, ctx);
    vmn_match(flow, VMN_REG_DST_HOST, host);
    vmn_match_masked(flow, VMN_REG_FLAGS, 0, VMN_FLAG_UNKNOWN);
    actions = vmn_flow_actions(flow);
    put_tunnel_headers(view, actions, ctx);
    vmn_act_clone(actions, STAGE_DELIVER, DELIVER_TUNNEL);
    put_last_copy(actions, candidate);

    copies_here(view, emit, ctx, ctx->host, ctx->ofport, candidate);
    copies_here(view, emit, ctx, ctx->candidate, ctx->candidate_ofport, host);
}

/* Returns true if any packet from the candidate says that the guest runs
 * there: nobody announces sub-ports. */
static bool
is_expected_there(const struct port_ctx *ctx)
{
    const char *to = ctx->port->migration.to;

    return (ctx->port->host || ctx->port->n_hosts || ctx->port->parent
            || (to && !strcmp(to, ctx->candidate)));
}

/* Returns true if the controller is to hear of the candidate's guest.  If the
 * row says where it runs, or the parent decides, that is of no matter. */
static bool
is_listened_to(const struct port_ctx *ctx)
{
    const struct vmn_port *port = ctx->port;

    return (!port->parent
            && (port->migration.to ? !port->migration.activated
                : !port->host));
}

/* A source is listened to as well: a guest that goes on there has not
 * migrated. */
void
classify_migrating(const struct port_ctx *ctx, struct vmn_flow *flow)
{
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match_mac(flow, VMN_F_ETH_SRC, ctx->port->mac);
    if (!ctx->activated) {
        if (!is_expected_there(ctx)) {
            vmn_match(flow, VMN_F_ETH_TYPE, ETH_RARP);
        }
        if (!ctx->port->unknown) {
            vmn_act_learn_mac(actions, here_value(ctx));
        }
    }
    if (is_listened_to(ctx)) {
        vmn_act_punt(actions, HANDLER_GUEST, 0, GUEST_QUOTED_MAX);
    }
}

static struct vmn_flow *
learned_add(struct vmn_emit *emit, const struct port_ctx *ctx,
            uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_host(ctx->candidate), STAGE_LOCATE, LOCATE_LEARNED,
        priority);

    match_network(flow, ctx->network);
    vmn_match_mac(flow, VMN_F_ETH_DST, ctx->port->mac);
    return flow;
}

/* Adds a flow for what comes to 'host' by a tunnel with the port's own VNI. */
static struct vmn_flow *
asked_add(struct vmn_view *view, struct vmn_emit *emit, uint16_t priority,
          const struct port_ctx *ctx, const char *host)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(host),
                                         STAGE_ADMIT, ADMIT_TUNNEL, priority);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_F_TUN_ID, port_vni(view, ctx->port));
    vmn_forget_tunnel(view, actions);
    network_registers(view, actions, ctx->network, ctx->zone);
    return flow;
}

/* Emits the flow of 'host' for what 'other' asks. */
static void
asked_here(struct vmn_view *view, struct vmn_emit *emit,
           const struct port_ctx *ctx, const char *host, const char *other)
{
    for (int to = 0; to < 2; to++) {
        struct vmn_flow *flow = asked_add(view, emit, to ? TUNNEL_ASKED_TO
                                          : TUNNEL_ASKED, ctx, host);
        struct vmn_actions *actions = vmn_flow_actions(flow);

        if (to) {               /* Whoever it is from. */
            vmn_match_mac(flow, VMN_F_ETH_DST, ctx->port->mac);
        }
        vmn_act_set(actions, VMN_REG_NETWORK, port_vni(view, ctx->port));
        vmn_act_set(actions, VMN_REG_DST_HOST,
                    vmn_id_of(view, VMN_ID_POOL_HOST, other));
        vmn_act_next(actions);
    }
}

/* Emits the flows of 'host', where the port has number 'ofport', for what it
 * has asked. */
static void
told_here(struct vmn_view *view, struct vmn_emit *emit,
          const struct port_ctx *ctx, const char *host, uint32_t ofport)
{
    struct vmn_flow *flow = asked_add(view, emit, TUNNEL_TOLD, ctx, host);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match_masked(flow, VMN_F_ETH_SRC,
                     (uint64_t) VMN_RESERVED_MAC_SERVICE << 24,
                     UINT64_C(0xffffff) << 24);
    vmn_act_set(actions, VMN_F_IN_PORT, ofport);
    vmn_act_set(actions, VMN_REG_SRC_ID, ctx->identity);
    vmn_act_set(actions, VMN_REG_SRC_LOCAL, 1);
    isolation_of_source(actions, ctx);
    vmn_act_next(actions);

    /* To the guest: this host has judged it before it asked. */
    flow = asked_add(view, emit, TUNNEL_TOLD_TO, ctx, host);
    actions = vmn_flow_actions(flow);
    vmn_match_mac(flow, VMN_F_ETH_DST, VMN_TOLD_MAC);
    vmn_act_set_mac(actions, VMN_F_ETH_DST, ctx->port->mac);
    vmn_act_set(actions, VMN_REG_DST_ID, ctx->identity);
    vmn_act_set(actions, VMN_REG_DST_LOCAL, 1);
    vmn_act_set(actions, VMN_REG_OUT_PORT, ofport);
    vmn_act_goto_hook(actions, VMN_HOOK_DELIVER);
}

/* What a guest behind a port sends has the same VNI, and what service
 * functions are handed. */
void
ask_other_host(struct vmn_view *view, struct vmn_emit *emit,
               const struct port_ctx *ctx)
{
    const char *name = ctx->port->row.name;
    const char *other = ctx->candidate ? ctx->candidate : ctx->former;

    if (!ctx->ofport || is_provider(ctx->network)
        || vmn_relation_values(view, VMN_REL_FUNCTION_PORTS, name).n
        || vmn_relation_values(view, VMN_REL_HANDED_PORTS, name).n) {
        return;
    }
    tunnel_mtu_of_vni(view, emit, ctx->domain, port_vni(view, ctx->port),
                      vmn_mtu_of(view, ctx->network));
    asked_here(view, emit, ctx, ctx->host, other);
    asked_here(view, emit, ctx, other, ctx->host);
    told_here(view, emit, ctx, ctx->host, ctx->ofport);
    if (ctx->candidate) {
        told_here(view, emit, ctx, ctx->candidate, ctx->candidate_ofport);
        vmn_publish(emit, VMN_REL_ASKING_PORTS, name, ctx->candidate);
    }
    if (ctx->activated || ctx->former) {
        vmn_publish(emit, VMN_REL_ASKING_PORTS, name, ctx->host);
    }
}

void
guard_announcement(struct vmn_view *view, struct vmn_emit *emit,
                   const struct port_ctx *ctx)
{
    const struct vmn_mac broadcast = {
        { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }
    };
    const struct vmn_ip nobody = { .family = 4 };
    struct vmn_names hosts = { 0, NULL };

    if (ctx->candidate || ctx->former) { /* Others do not read it. */
        hosts = vmn_relation_values(view, VMN_REL_RARP_PORTS,
                                    ctx->port->row.name);
    }
    for (size_t i = 0; i < hosts.n; i++) {
        if (!strcmp(hosts.names[i], ctx->host)) {
            struct vmn_flow *flow = vmn_flow_add(
                emit, vmn_scope_host(ctx->host), STAGE_ADMIT, ADMIT_GUARD,
                GUARD_SERVED);

            vmn_match(flow, VMN_F_IN_PORT, ctx->ofport);
            vmn_match_mac(flow, VMN_F_ETH_SRC, ctx->port->mac);
            vmn_match_mac(flow, VMN_F_ETH_DST, broadcast);
            vmn_match(flow, VMN_F_ETH_TYPE, ETH_RARP);
            vmn_match(flow, VMN_F_ARP_OP, RARP_REQUEST);
            vmn_match_mac(flow, VMN_F_ARP_SHA, ctx->port->mac);
            vmn_match_mac(flow, VMN_F_ARP_THA, ctx->port->mac);
            vmn_match_ip(flow, VMN_F_ARP_SPA, &nobody);
            vmn_match_ip(flow, VMN_F_ARP_TPA, &nobody);
            vmn_act_next(vmn_flow_actions(flow));
        }
    }
}

void
locate_on_candidate(struct vmn_view *view, struct vmn_emit *emit,
                    const struct port_ctx *ctx)
{
    bool provider = is_provider(ctx->network);
    uint32_t from = (provider ? vmn_provider_ofport(view, ctx->network,
                                                    ctx->candidate)
                     : VMN_TUNNEL_OFPORT);
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    flow = vmn_flow_add(emit, vmn_scope_host(ctx->candidate), STAGE_LOCATE,
                        LOCATE_DESTINATION, LOCATE_LOCAL);
    match_network(flow, ctx->network);
    vmn_match_mac(flow, VMN_F_ETH_DST, ctx->port->mac);
    actions = vmn_flow_actions(flow);
    vmn_act_find_mac(actions);
    vmn_act_goto(actions, STAGE_LOCATE, LOCATE_LEARNED);

    flow = learned_add(emit, ctx, LEARNED_MIGRATED);
    vmn_match(flow, VMN_REG_MAC_VALUE, here_value(ctx));
    actions = vmn_flow_actions(flow);
    vmn_act_set(actions, VMN_REG_DST_ID, ctx->identity);
    vmn_act_set(actions, VMN_REG_DST_LOCAL, 1);
    vmn_act_set(actions, VMN_REG_OUT_PORT, ctx->candidate_ofport);
    isolation_next(actions, ctx);

    if (from) {
        flow = learned_add(emit, ctx, LEARNED_MIGRATING_REMOTE);
        vmn_match(flow, VMN_F_IN_PORT, from);
        drop_background(flow, "guest runs on the other host");
    }

    flow = learned_add(emit, ctx, LEARNED_MIGRATING);
    actions = vmn_flow_actions(flow);
    vmn_act_set(actions, VMN_REG_DST_ID, ctx->identity);
    vmn_act_set(actions, VMN_REG_DST_HOST, provider ? VMN_DST_HOST_PROVIDER
                : vmn_id_of(view, VMN_ID_POOL_HOST, ctx->host));
    vmn_act_next(actions);
}
