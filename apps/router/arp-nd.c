/* SPDX-License-Identifier: Apache-2.0
 *
 * Who has a router's address: ARP and neighbour discovery (RFC 4861) in the
 * networks that it joins, for those on this host. */

#include "router.h"

void
reply_for(const struct router_ctx *ctx, const struct vmn_network *network,
          const struct vmn_ip *ip)
{
    const struct vmn_arp_nd_responder by = {
        .scope = vmn_scope_network(network->row.name),
        .stage = STAGE_ARP,
        .priority = ARP_ND_REPLY,
        .vni = network->vni,
        .mac = ctx->router->mac,
        .handler = HANDLER_NEIGHBOUR,
        .arg = ctx->number,
    };

    vmn_arp_nd_respond(ctx->emit, &by, ip);
}

/* Replies to a unicast solicitation.  Its flow has matched that the target is
 * an address of the router. */
void
handle_neighbour(struct vmn_view *view, const struct vmn_packet_in *in,
                 struct vmn_packets_out *out)
{
    const struct vmn_router *router = router_of_number(view, in->arg);

    if (router) {
        vmn_send_nd_advert(in, router->mac, true, out);
    } else {
        vmn_send_nothing(out, "router is gone");
    }
}
