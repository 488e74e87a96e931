/* SPDX-License-Identifier: Apache-2.0
 *
 * Provider networks: those on a physical network, to which a port of the
 * integration bridge leads on hosts that have the bridge for it (VIF
 * "HOST/@PHYSICAL").  What is for nobody on a host goes there, with the
 * network's VLAN tag; what comes from there is for local ports alone, and is
 * never sent back.  There are no tunnels.
 *
 * Others are on the physical network, too.  Who they are is told by their
 * address, where that is a port's; anybody else is nobody.  They answer for
 * themselves, and so do local ports to them; where a local port asks for
 * another one, the switch answers as it does in an overlay. */

#include "overlay.h"

#define ROUTER_SOLICITATION 133
#define VLAN_PRESENT 0x1000
#define VLAN_VID 0x0fff
#define VLAN_PCP_SHIFT 13
/* Link-local addresses of machines outside, on each host. */
#define OUTSIDE_MAX 1024

/* On a host.  ------------------------------------------------------------- */

/* Emits the drop of packets from the host's physical networks that belong to
 * no network there. */
void
provider_of_host(struct vmn_view *view, struct vmn_emit *emit,
                 const struct vmn_host *host)
{
    for (size_t i = 0; i < host->n_provider_bridges; i++) {
        const struct vmn_vif *vif = vmn_read_vif(
            view, host->row.name,
            vmn_printf(view, "@%s", vmn_provider_bridge_at(host,
                                                           i)->physical));

        if (vif) {
            struct vmn_flow *flow = vmn_flow_add(
                emit, vmn_scope_host(host->row.name), STAGE_ADMIT,
                ADMIT_CLASSIFY, CLASSIFY_PROVIDER_OTHER);

            vmn_match(flow, VMN_F_IN_PORT, vif->ofport);
            drop_background(flow, "no network with this VLAN here");
        }
    }
}

/* Classifies packets from the physical network: with the network's tag, or, if
 * sent here again, without it. */
static void
emit_classify(struct vmn_view *view, struct vmn_emit *emit,
              const struct vmn_network *network, const char *host,
              uint32_t ofport, bool again)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(host),
                                         STAGE_ADMIT, ADMIT_CLASSIFY,
                                         again ? CLASSIFY_PROVIDER_AGAIN
                                         : CLASSIFY_PROVIDER);
    struct vmn_actions *actions = vmn_flow_actions(flow);
    uint32_t vlan = network->provider.vlan;

    vmn_match(flow, VMN_F_IN_PORT, ofport);
    if (again) {
        match_network(flow, network);
    } else {
        vmn_match(flow, VMN_REG_NETWORK, 0);
        /* A tag with VLAN 0 carries only a priority. */
        vmn_match_masked(flow, VMN_F_VLAN_TCI, vlan ? VLAN_PRESENT | vlan : 0,
                         vlan ? VLAN_PRESENT | VLAN_VID : VLAN_VID);
        vmn_act_set(actions, VMN_F_VLAN_TCI, 0);
    }
    network_registers(view, actions, network,
                      vmn_domain_zone(view, network->row.name));
    vmn_act_goto(actions, STAGE_ADMIT, ADMIT_SOURCE);
}

/* Passes ARP requests and solicitations from the physical network to the
 * guests, which reply themselves. */
static void
emit_requests(struct vmn_emit *emit, const struct vmn_network *network,
              const char *host, uint32_t ofport)
{
    for (int v6 = 0; v6 < 2; v6++) {
        struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(host),
                                             STAGE_SERVICE, SERVICE_REQUEST,
                                             SERVICE_PROVIDER);

        match_network(flow, network);
        vmn_match(flow, VMN_F_IN_PORT, ofport);
        if (v6) {
            vmn_match(flow, VMN_F_ICMPV6_TYPE, VMN_ND_SOLICIT);
        } else {
            vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_ARP);
        }
        vmn_act_next(vmn_flow_actions(flow));
    }
}

/* Learns which link-local addresses machines outside have chosen, before a
 * guest of the network can: a router, for instance.  No more of these than
 * OUTSIDE_MAX, and what they send is not dropped for it. */
static void
emit_holders(struct vmn_emit *emit, const struct vmn_network *network,
             const char *host, uint32_t ofport)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(host),
                                         STAGE_ADMIT, ADMIT_SOURCE,
                                         SOURCE_EXTERNAL_LINK_LOCAL);

    match_network(flow, network);
    vmn_match(flow, VMN_F_IN_PORT, ofport);
    vmn_match_prefix(flow, VMN_F_IPV6_SRC, &link_local_prefix);
    link_local_check_source(vmn_flow_actions(flow));
    vmn_act_goto(vmn_flow_actions(flow), STAGE_ADMIT, ADMIT_HOLDER);

    flow = vmn_flow_add(emit, vmn_scope_host(host), STAGE_ADMIT,
                        ADMIT_HOLDER, HOLDER_OUTSIDE);
    match_network(flow, network);
    vmn_match(flow, VMN_F_IN_PORT, ofport);
    vmn_act_learn_holder(vmn_flow_actions(flow), OUTSIDE_MAX);
    vmn_act_next(vmn_flow_actions(flow));
}

/* Compiles a provider network on a host with ports of it. */
void
compile_provider(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_network *network;
    const char *parts[2];
    struct vmn_flow *flow;
    struct vmn_actions *actions;
    uint32_t ofport;

    if (vmn_key_split(view, key, parts, 2) < 2) {
        return;
    }
    network = vmn_read_network(view, parts[0]);
    if (!network || !network->vni || !is_provider(network)) {
        return;
    }
    ofport = vmn_provider_ofport(view, network, parts[1]);
    if (!ofport) {
        return;
    }

    emit_classify(view, emit, network, parts[1], ofport, false);
    emit_classify(view, emit, network, parts[1], ofport, true);
    emit_requests(emit, network, parts[1], ofport);
    emit_holders(emit, network, parts[1], ofport);

    flow = vmn_flow_add(emit, vmn_scope_host(parts[1]), STAGE_LOCATE, 0,
                        LOCATE_NOT_HERE);
    match_network(flow, network);
    vmn_match(flow, VMN_F_IN_PORT, ofport);
    drop_background(flow, REASON_OTHERS);

    unknown_of_provider(view, emit, network, parts[1], ofport);

    flow = vmn_flow_add(emit, vmn_scope_host(parts[1]), STAGE_DELIVER,
                        DELIVER_OUT, OUT_PROVIDER);
    match_network(flow, network);
    vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_PROVIDER);
    actions = vmn_flow_actions(flow);
    if (network->provider.vlan) {
        vmn_act_set(actions, VMN_F_VLAN_TCI,
                    VLAN_PRESENT | network->provider.vlan);
        vmn_act_move_bits(actions, VMN_REG_FLAGS, VMN_FLAG_PCP_SHIFT,
                          VMN_F_VLAN_TCI, VLAN_PCP_SHIFT, VMN_FLAG_PCP_BITS);
    }
    vmn_act_output(actions, ofport);
}

/* In a network.  ---------------------------------------------------------- */

void
provider_of_network(struct vmn_emit *emit, const struct vmn_network *network)
{
    const struct vmn_scope scope = vmn_scope_network(network->row.name);
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    flow = vmn_flow_add(emit, scope, STAGE_ADMIT, ADMIT_SOURCE,
                        SOURCE_EXTERNAL);
    match_network(flow, network);
    vmn_act_next(vmn_flow_actions(flow));

    flow = vmn_flow_add(emit, scope, STAGE_SERVICE, SERVICE_REQUEST,
                        SERVICE_EXTERNAL);
    match_network(flow, network);
    vmn_match(flow, VMN_F_ARP_OP, 1);
    vmn_act_next(vmn_flow_actions(flow));

    flow = vmn_flow_add(emit, scope, STAGE_SERVICE, SERVICE_REQUEST,
                        SERVICE_EXTERNAL);
    match_network(flow, network);
    vmn_match(flow, VMN_F_ICMPV6_TYPE, VMN_ND_SOLICIT);
    vmn_act_next(vmn_flow_actions(flow));

    flow = vmn_flow_add(emit, scope, STAGE_LOCATE, 0, LOCATE_EXTERNAL);
    match_network(flow, network);
    actions = vmn_flow_actions(flow);
    vmn_act_set(actions, VMN_REG_DST_HOST, VMN_DST_HOST_PROVIDER);
    vmn_act_next(actions);

    flow = vmn_flow_add(emit, scope, STAGE_DELIVER, DELIVER_OUT,
                        OUT_NO_PROVIDER);
    match_network(flow, network);
    vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_PROVIDER);
    drop(flow, "no bridge to the physical network");
}

/* A port.  ---------------------------------------------------------------- */

/* Passes a port's probes for duplicates and announcements on to the physical
 * network. */
void
provider_self(struct vmn_emit *emit, const struct port_ctx *ctx,
              const struct vmn_ip *ip)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(ctx->host),
                                         STAGE_SERVICE, SERVICE_REQUEST,
                                         SERVICE_SELF);

    vmn_match(flow, VMN_F_IN_PORT, ctx->ofport);
    if (ip->family == 6) {
        vmn_match(flow, VMN_F_ICMPV6_TYPE, VMN_ND_SOLICIT);
        vmn_match_ip(flow, VMN_F_ND_TARGET, ip);
    } else {
        vmn_match(flow, VMN_F_ARP_OP, 1);
        vmn_match_ip(flow, VMN_F_ARP_TPA, ip);
    }
    vmn_act_next(vmn_flow_actions(flow));
}

void
provider_return(struct vmn_view *view, struct vmn_emit *emit,
                const struct port_ctx *ctx, struct vmn_mac mac)
{
    uint32_t ofport = (is_provider(ctx->network)
                       ? vmn_provider_ofport(view, ctx->network, ctx->host)
                       : 0);
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    if (!ofport) {
        return;
    }
    flow = vmn_flow_add(emit, vmn_scope_host(ctx->host), STAGE_DELIVER,
                        DELIVER_OUT, OUT_PROVIDER_HERE);
    actions = vmn_flow_actions(flow);
    match_network(flow, ctx->network);
    vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_PROVIDER);
    vmn_match_mac(flow, VMN_F_ETH_DST, mac);
    vmn_act_set(actions, VMN_F_IN_PORT, ofport);
    vmn_forget_tunnel(view, actions);
    vmn_act_set(actions, VMN_REG_FLAGS, 0);
    vmn_act_restart(actions);
}

static struct vmn_flow *
guard_add(struct vmn_emit *emit, const struct port_ctx *ctx,
          uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(ctx->host),
                                         STAGE_ADMIT, ADMIT_GUARD, priority);

    vmn_match(flow, VMN_F_IN_PORT, ctx->ofport);
    vmn_match_mac(flow, VMN_F_ETH_SRC, ctx->port->mac);
    return flow;
}

/* Lets the port solicit routers from its link-local address, from none, and
 * from one that its guest has chosen. */
static void
emit_solicitations(struct vmn_emit *emit, const struct port_ctx *ctx)
{
    const struct vmn_ip sources[] = { vmn_link_local(ctx->port->mac),
                                      { .family = 6 } };
    struct vmn_flow *flow;

    for (size_t i = 0; i < 2; i++) {
        flow = guard_add(emit, ctx, GUARD_SERVED);
        vmn_match(flow, VMN_F_ICMPV6_TYPE, ROUTER_SOLICITATION);
        vmn_match_ip(flow, VMN_F_IPV6_SRC, &sources[i]);
        vmn_act_next(vmn_flow_actions(flow));
    }
    flow = guard_add(emit, ctx, GUARD_SERVED_CHOSEN);
    vmn_match(flow, VMN_F_ICMPV6_TYPE, ROUTER_SOLICITATION);
    vmn_match_prefix(flow, VMN_F_IPV6_SRC, &link_local_prefix);
    link_local_check_source(vmn_flow_actions(flow));
    vmn_act_goto(vmn_flow_actions(flow), STAGE_ADMIT, ADMIT_HOLDER);
}

/* Emits what else the port may send: RARP, by which hypervisors announce where
 * a migrated VM is, and router solicitations. */
void
provider_guard_port(struct vmn_view *view, struct vmn_emit *emit,
                    const struct port_ctx *ctx)
{
    struct vmn_flow *flow;

    /* Packets that the port has sent do not come back to it, but for
     * broadcasts, which some physical networks give to the sender, too. */
    if (!ctx->candidate) {
        flow = vmn_flow_add(emit, vmn_scope_host(ctx->host), STAGE_ADMIT,
                            ADMIT_SOURCE, SOURCE_OWN_FLOOD);
        match_network(flow, ctx->network);
        vmn_match_mac(flow, VMN_F_ETH_SRC, ctx->port->mac);
        vmn_match_masked(flow, VMN_F_ETH_DST, GROUP_BIT, GROUP_BIT);
        drop_background(flow, "own flood returned");

        flow = vmn_flow_add(emit, vmn_scope_host(ctx->host), STAGE_ADMIT,
                            ADMIT_SOURCE, SOURCE_SPOOFED);
        match_network(flow, ctx->network);
        vmn_match_mac(flow, VMN_F_ETH_SRC, ctx->port->mac);
        drop(flow, "spoofed");
    }
    if (vmn_is_quarantined(view, ctx->port)) {
        return;
    }

    flow = guard_add(emit, ctx, GUARD_SERVED);
    vmn_match(flow, VMN_F_ETH_TYPE, ETH_RARP);
    vmn_act_next(vmn_flow_actions(flow));
    if (port_has_ipv6(ctx->port)) {
        emit_solicitations(emit, ctx);
    }
}
