/* SPDX-License-Identifier: Apache-2.0
 *
 * Who has a router's address: ARP and neighbour discovery (RFC 4861) in the
 * networks that it joins, for those on this host. */

#include "router.h"

#include <string.h>

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

/* Sends gratuitous ARP (RFC 5227, section 3) or an unsolicited advertisement
 * (RFC 4861, section 7.2.6) for an address of a router. */
static void
announce(const struct vmn_router *router, const struct vmn_ip *ip,
         struct vmn_packets_out *out)
{
    uint8_t frame[VMN_ND_ADVERT_SIZE];

    if (ip->family == 4) {
        vmn_arp_request_build(router->mac, ip, ip, frame);
        vmn_send_back(out, frame, VMN_ARP_SIZE);
    } else {
        vmn_nd_announce_build(router->mac, ip, true, frame);
        vmn_send_back(out, frame, VMN_ND_ADVERT_SIZE);
    }
}

/* Announces to a port the routers in its network: the guest may have learned
 * that one of their addresses has another MAC. */
void
handle_announce(struct vmn_view *view, const struct vmn_packet_in *in,
                struct vmn_packets_out *out)
{
    const struct vmn_network *network
        = in->port ? vmn_read_network(view, in->port->network) : NULL;
    struct vmn_names routers = { 0, NULL };
    size_t room = VMN_SENDS_MAX;

    if (network) {
        routers = vmn_lookup(view, VMN_INDEX_ROUTER_BY_NETWORK,
                             network->row.name);
    }
    for (size_t i = 0; i < routers.n; i++) {
        const struct vmn_router *router = vmn_read_router(view,
                                                          routers.names[i]);

        for (size_t j = 0; router && j < router->n_interfaces; j++) {
            const struct vmn_router_interface *interface
                = vmn_router_interface_at(router, j);
            struct vmn_ip ips[VMN_ADDRESSES_MAX];
            size_t n = (strcmp(interface->network, network->row.name) ? 0
                        : vmn_interface_addresses(interface, network, ips));

            for (size_t k = 0; k < n && room; k++, room--) {
                announce(router, &ips[k], out);
            }
        }
    }
}
