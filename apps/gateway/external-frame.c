/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames that the gateway itself sends to an external network: with the
 * network's VLAN tag, and requests for neighbours by ARP and by neighbour
 * discovery.  Not for when they are sent (neighbour-resolution.c,
 * gratuitous-arp.c). */

#include "gateway.h"

#include <string.h>

#define TAG_SIZE 4

const struct vmn_router *
router_of_transit(struct vmn_view *view, uint32_t transit)
{
    struct vmn_names names = vmn_relation_values(
        view, REL_TRANSIT, vmn_printf(view, "%u", transit));
    const struct vmn_router *router
        = names.n ? vmn_read_router(view, names.names[0]) : NULL;

    return router && router->external.network ? router : NULL;
}

void
send_tagged(const struct vmn_network *network, struct vmn_packets_out *out,
            const uint8_t *frame, size_t size)
{
    uint32_t vlan = network->provider.vlan;
    const uint8_t tag[TAG_SIZE] = { 0x81, 0, vlan >> 8, vlan };
    uint8_t tagged[FRAME_MAX + TAG_SIZE];

    if (!vlan) {
        vmn_send_back(out, frame, size);
        return;
    }
    memcpy(tagged, frame, 12);
    memcpy(tagged + 12, tag, sizeof tag);
    memcpy(tagged + 12 + TAG_SIZE, frame + 12, size - 12);
    vmn_send_back(out, tagged, size + TAG_SIZE);
}

void
send_back_tagged(struct vmn_view *view, const struct vmn_router *router,
                 struct vmn_packets_out *out, const uint8_t *frame,
                 size_t size)
{
    const struct vmn_network *network = vmn_read_network(
        view, router->external.network);

    if (network && size <= FRAME_MAX) {
        send_tagged(network, out, frame, size);
    } else {
        vmn_send_nothing(out, "router has no external network");
    }
}

size_t
build_request(uint8_t frame[FRAME_MAX], struct vmn_mac mac,
              const struct vmn_ip *from, const struct vmn_ip *to)
{
    if (to->family == 4) {
        vmn_arp_request_build(mac, from, to, frame);
        return VMN_ARP_SIZE;
    }
    vmn_nd_solicit_build(mac, from, to, frame);
    return VMN_ND_SOLICIT_SIZE;
}
