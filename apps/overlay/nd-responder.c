/* SPDX-License-Identifier: Apache-2.0
 *
 * Neighbour discovery (RFC 4861): what ARP is to IPv4.  Solicitations of a
 * group for the address of a bound port are answered where they are asked, and
 * those of one neighbour go to it.
 *
 * An answer is another solicitation, of the asker by the one that it asks for:
 * it says the same link-layer address, and hosts take it from there as well
 * (RFC 4861, section 7.2.3).  To make an advertisement of a solicitation takes
 * fields that Open vSwitch can set in its userspace datapath alone
 * (nd_reserved and nd_options_type, ovs-fields(7)); a bridge of the kernel's
 * refuses such a flow.  What only an advertisement can say is that a neighbour
 * is still there, and that is asked of itself.
 *
 * Not for what a port may say of itself (nd-port-security.c), nor for what
 * several ports may share (address-pairs.c). */

#include "overlay.h"

#include <string.h>

#define REASON_OWN_ND "ND for own address"

static void
match_from_nobody(struct vmn_flow *flow)
{
    const struct vmn_ip none = { .family = 6 };

    vmn_match_ip(flow, VMN_F_IPV6_SRC, &none);
}

static void
match_one(struct vmn_flow *flow)
{
    vmn_match_masked(flow, VMN_F_ETH_DST, 0, GROUP_BIT);
}

/* Everywhere.  ----------------------------------------------------------- */

/* Adds a flow on all hosts for messages of ICMPv6 'type'. */
struct vmn_flow *
nd_flow_add(struct vmn_emit *emit, unsigned stage, unsigned table,
            uint16_t priority, uint8_t type)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(), stage, table,
                                         priority);

    vmn_match(flow, VMN_F_ICMPV6_TYPE, type);
    return flow;
}

static void
base_request(struct vmn_emit *emit)
{
    struct vmn_flow *flow;

    flow = nd_flow_add(emit, STAGE_SERVICE, SERVICE_REQUEST, SERVICE_REMOTE,
                       VMN_ND_SOLICIT);
    vmn_match(flow, VMN_REG_SRC_LOCAL, 0);
    vmn_act_next(vmn_flow_actions(flow));

    flow = nd_flow_add(emit, STAGE_SERVICE, SERVICE_REQUEST, SERVICE_DIRECT,
                       VMN_ND_SOLICIT);
    match_one(flow);
    vmn_act_next(vmn_flow_actions(flow));

    flow = nd_flow_add(emit, STAGE_SERVICE, SERVICE_REQUEST, SERVICE_REPLY,
                       VMN_ND_ADVERT);
    vmn_act_next(vmn_flow_actions(flow));

    flow = nd_flow_add(emit, STAGE_SERVICE, SERVICE_REQUEST, SERVICE_UNKNOWN,
                       VMN_ND_SOLICIT);
    drop(flow, "ND for unknown address");
}

/* Turns solicitations into replies. nd_of_address() has set the Ethernet
 * addresses. */
static void
base_answer(struct vmn_emit *emit)
{
    const struct vmn_mac all_nodes_mac = { { 0x33, 0x33, 0, 0, 0, 1 } };
    const struct vmn_ip all_nodes = { .family = 6, .addr = {
        0xff, 2, [15] = 1 } };
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    /* Reply to duplicate address detection, whose sender has no address yet
     * (RFC 4861, section 7.2.4).  Its message has no link-layer address option
     * to rewrite, and needs none. */
    flow = nd_flow_add(emit, STAGE_SERVICE, SERVICE_ND_REPLY, ND_REPLY_DAD,
                       VMN_ND_SOLICIT);
    match_from_nobody(flow);
    actions = vmn_flow_actions(flow);
    vmn_act_set_mac(actions, VMN_F_ETH_DST, all_nodes_mac);
    vmn_act_set_ip(actions, VMN_F_IPV6_DST, &all_nodes);
    vmn_act_move(actions, VMN_F_ND_TARGET, VMN_F_IPV6_SRC);
    vmn_act_set(actions, VMN_F_ICMPV6_TYPE, VMN_ND_ADVERT);
    vmn_act_output_in_port(actions);

    /* Without the option, there is no room for a link-layer address in the
     * reply. */
    flow = nd_flow_add(emit, STAGE_SERVICE, SERVICE_ND_REPLY,
                       ND_REPLY_NO_LLADDR, VMN_ND_SOLICIT);
    vmn_match_mac(flow, VMN_F_ND_SLL, (struct vmn_mac) { { 0 } });
    drop(flow, "ND without link-layer address");

    /* Swap source and target. */
    flow = nd_flow_add(emit, STAGE_SERVICE, SERVICE_ND_REPLY,
                       ND_REPLY_SOLICITED, VMN_ND_SOLICIT);
    actions = vmn_flow_actions(flow);
    vmn_act_move(actions, VMN_F_IPV6_SRC, VMN_F_IPV6_DST);
    vmn_act_move(actions, VMN_F_ND_TARGET, VMN_F_IPV6_SRC);
    vmn_act_move(actions, VMN_F_IPV6_DST, VMN_F_ND_TARGET);
    vmn_act_move(actions, VMN_F_ETH_SRC, VMN_F_ND_SLL);
    vmn_act_output_in_port(actions);
}

void
nd_base(struct vmn_emit *emit)
{
    base_request(emit);
    base_answer(emit);
}

/* In a network.  --------------------------------------------------------- */

/* Adds a flow in the port's network for solicitations of 'ip'. */
static struct vmn_flow *
solicitation_add(struct vmn_emit *emit, const struct port_ctx *ctx,
                 const struct vmn_ip *ip, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_network(ctx->network->row.name), STAGE_SERVICE,
        SERVICE_REQUEST, priority);

    match_network(flow, ctx->network);
    vmn_match(flow, VMN_F_ICMPV6_TYPE, VMN_ND_SOLICIT);
    vmn_match_ip(flow, VMN_F_ND_TARGET, ip);
    return flow;
}

/* Emits the flows that reply for 'ip' with the port's MAC. */
void
nd_of_address(struct vmn_emit *emit, const struct port_ctx *ctx,
              const struct vmn_ip *ip)
{
    for (int i = 0; i < isolation_n_askers(ctx); i++) {
        struct vmn_flow *flow = solicitation_add(emit, ctx, ip,
                                                 SERVICE_ANSWER);
        struct vmn_actions *actions = vmn_flow_actions(flow);

        isolation_match_asker(flow, ctx, i);
        vmn_act_move(actions, VMN_F_ETH_SRC, VMN_F_ETH_DST);
        vmn_act_set_mac(actions, VMN_F_ETH_SRC, ctx->port->mac);
        vmn_act_goto(actions, STAGE_SERVICE, SERVICE_ND_REPLY);
    }
    if (ctx->isolation) {
        isolation_refuse_askers(solicitation_add(emit, ctx, ip,
                                                 SERVICE_ISOLATED));
    }
}

/* Emits a network's flows.  Where solicitations are flooded to guests,
 * duplicate address detection crosses tunnels; its packets have no source
 * identity, and no policy applies.  Where ports are isolated from each other,
 * they are for promiscuous ones alone: they say their sender's MAC address.
 * In a provider network everybody's arrive, and who is isolated is told by the
 * MAC address (provider.c). */
void
nd_of_network(struct vmn_view *view, struct vmn_emit *emit,
              const struct vmn_network *network)
{
    const char *name = network->row.name;

    if (!is_provider(network)
        && vmn_relation_values(view, REL_FLOODS_ND, name).n) {
        struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_network(name),
                                             STAGE_ADMIT, ADMIT_SOURCE,
                                             SOURCE_OWN);

        match_network(flow, network);
        vmn_match(flow, VMN_F_ICMPV6_TYPE, VMN_ND_SOLICIT);
        match_from_nobody(flow);
        isolation_of_probes(view, flow, network);
        link_local_check_dad(vmn_flow_actions(flow));
        vmn_act_goto(vmn_flow_actions(flow), STAGE_ADMIT, ADMIT_HOLDER);
    }
}

/* Where a port is.  ------------------------------------------------------ */

/* Drops what an isolated port asks for its own address, which is not answered
 * to it as to others: else it would be told to be kept from itself.  In a
 * provider network, such questions go on (provider.c). */
static void
nd_self(struct vmn_view *view, struct vmn_emit *emit,
        const struct port_ctx *ctx)
{
    struct vmn_ip *ips;
    size_t n = port_ips(view, ctx->port, &ips);
    size_t first = is_provider(ctx->network) ? ctx->port->n_ips : 0;

    for (size_t i = first; ctx->isolation && i < n; i++) {
        if (ips[i].family == 6) {
            struct vmn_flow *flow = vmn_flow_add(
                emit, vmn_scope_host(ctx->host), STAGE_SERVICE,
                SERVICE_REQUEST, SERVICE_SELF);

            vmn_match(flow, VMN_F_IN_PORT, ctx->ofport);
            vmn_match(flow, VMN_F_ICMPV6_TYPE, VMN_ND_SOLICIT);
            vmn_match_ip(flow, VMN_F_ND_TARGET, &ips[i]);
            drop_background(flow, REASON_OWN_ND);
        }
    }
}

/* Emits what a port with IPv6 has once, whatever its addresses.  The reply
 * would have the port's own MAC: it solicits its own address, and would take
 * the reply for a duplicate. */
void
nd_of_port(struct vmn_view *view, struct vmn_emit *emit,
           const struct port_ctx *ctx)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(ctx->host),
                                         STAGE_SERVICE, SERVICE_ND_REPLY,
                                         ND_REPLY_SELF);

    vmn_match(flow, VMN_F_IN_PORT, ctx->ofport);
    vmn_match_mac(flow, VMN_F_ETH_SRC, ctx->port->mac);
    drop_background(flow, REASON_OWN_ND);
    nd_self(view, emit, ctx);
}

/* Emits what a quarantined port has once. */
void
nd_of_quarantined(struct vmn_emit *emit, const struct port_ctx *ctx)
{
    static const uint8_t types[] = { VMN_ND_SOLICIT, VMN_ND_ADVERT };
    struct vmn_flow *flow;

    for (size_t i = 0; i < sizeof types; i++) {
        flow = vmn_flow_add(emit, vmn_scope_host(ctx->host), STAGE_SERVICE,
                            SERVICE_REQUEST, SERVICE_QUARANTINE);
        vmn_match(flow, VMN_F_IN_PORT, ctx->ofport);
        vmn_match(flow, VMN_F_ICMPV6_TYPE, types[i]);
        drop(flow, "quarantined");
    }
    flow = vmn_flow_add(emit, vmn_scope_host(ctx->host), STAGE_SERVICE,
                        SERVICE_REQUEST, SERVICE_QUARANTINE_DIRECT);
    vmn_match(flow, VMN_F_IN_PORT, ctx->ofport);
    vmn_match(flow, VMN_F_ICMPV6_TYPE, VMN_ND_SOLICIT);
    match_one(flow);
    drop(flow, "quarantined");
}
