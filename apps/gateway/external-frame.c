/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames that the gateway itself sends to an external network: requests for
 * neighbours by ARP and by neighbour discovery.  Not for when they are sent
 * (neighbour-resolution.c, gratuitous-arp.c). */

#include "gateway.h"

#include <string.h>

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
send_external(struct vmn_packets_out *out, uint32_t vni,
              const uint8_t *frame, size_t size)
{
    uint32_t regs[VMN_N_REGS] = { 0 };

    regs[VMN_REG_NETWORK - VMN_F_REG0] = vni;
    regs[VMN_REG_DST_HOST - VMN_F_REG0] = VMN_DST_HOST_PROVIDER;
    vmn_send_to_hook(out, VMN_HOOK_DELIVER, VMN_TUNNEL_OFPORT, regs, frame,
                     size);
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
