/* SPDX-License-Identifier: Apache-2.0
 *
 * ARP for the addresses of ports: answered where it is asked, in place of the
 * port.  ARP leaves its host only where a port may use an address for which
 * the switch cannot reply.  Not for neighbour discovery (nd-responder.c). */

#include "overlay.h"

void
arp_of_address(struct vmn_emit *emit, const struct port_ctx *ctx,
               const struct vmn_ip *ip)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_network(ctx->network->row.name), STAGE_SERVICE,
        SERVICE_REQUEST, SERVICE_ANSWER);

    match_network(flow, ctx->network);
    vmn_match(flow, VMN_F_ARP_OP, 1);
    vmn_match_ip(flow, VMN_F_ARP_TPA, ip);
    vmn_act_arp_reply(vmn_flow_actions(flow), ctx->port->mac, ip);
}

/* Drops requests of a guest for its own address: it detects duplicates or
 * announces itself, and a reply would tell it that there is a duplicate. */
void
arp_self(struct vmn_emit *emit, const struct port_ctx *ctx,
         const struct vmn_ip *ip)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(ctx->host),
                                         STAGE_SERVICE, SERVICE_REQUEST,
                                         SERVICE_SELF);

    vmn_match(flow, VMN_F_IN_PORT, ctx->ofport);
    vmn_match(flow, VMN_F_ARP_OP, 1);
    vmn_match_ip(flow, VMN_F_ARP_TPA, ip);
    drop_background(flow, "ARP for own address");
}
