/* SPDX-License-Identifier: Apache-2.0
 *
 * ARP for the addresses of ports: answered where it is asked, in place of the
 * port.  ARP leaves its host only where a port may use an address for which
 * the switch cannot reply.  Not for neighbour discovery (nd-responder.c). */

#include "overlay.h"

/* Adds a flow in the port's network for requests for 'ip'. */
static struct vmn_flow *
request_add(struct vmn_emit *emit, const struct port_ctx *ctx,
            const struct vmn_ip *ip, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_network(ctx->network->row.name), STAGE_SERVICE,
        SERVICE_REQUEST, priority);

    match_network(flow, ctx->network);
    vmn_match(flow, VMN_F_ARP_OP, 1);
    vmn_match_ip(flow, VMN_F_ARP_TPA, ip);
    return flow;
}

void
arp_of_address(struct vmn_emit *emit, const struct port_ctx *ctx,
               const struct vmn_ip *ip)
{
    struct vmn_flow *flow;

    for (int i = 0; i < isolation_n_askers(ctx); i++) {
        flow = request_add(emit, ctx, ip, SERVICE_ANSWER);
        isolation_match_asker(flow, ctx, i);
        vmn_act_arp_reply(vmn_flow_actions(flow), ctx->port->mac, ip);
    }
    if (ctx->isolation) {
        isolation_refuse_askers(request_add(emit, ctx, ip, SERVICE_ISOLATED));
    }
}

/* Floods requests of a guest for its own address, by which it detects
 * duplicates or announces itself: a reply from here would tell it that there
 * is a duplicate.  What drops them is another flow: one that replaces the
 * first would go on from its counters. */
void
arp_self(struct vmn_view *view, struct vmn_emit *emit,
         const struct port_ctx *ctx, const struct vmn_ip *ip)
{
    bool is_quarantined = vmn_is_quarantined(view, ctx->port);
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_host(ctx->host), STAGE_SERVICE, SERVICE_REQUEST,
        is_quarantined ? SERVICE_QUARANTINE_DIRECT : SERVICE_SELF);

    vmn_match(flow, VMN_F_IN_PORT, ctx->ofport);
    vmn_match(flow, VMN_F_ARP_OP, 1);
    vmn_match_ip(flow, VMN_F_ARP_TPA, ip);
    if (is_quarantined) {
        drop(flow, "quarantined");
    } else {
        vmn_act_next(vmn_flow_actions(flow));
    }
}

/* Lets in ARP from other hosts, whose sender was checked there, where no flow
 * identifies that: guests announce themselves. */
void
arp_base(struct vmn_emit *emit)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_ADMIT,
                                         ADMIT_SOURCE, SOURCE_ARP);

    vmn_match(flow, VMN_F_IN_PORT, VMN_TUNNEL_OFPORT);
    vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_ARP);
    vmn_act_next(vmn_flow_actions(flow));
}
