/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets of connections whose translation is gone: the switch forgets the
 * connection, and a client outside is notified.  Its next packet could open no
 * other one.  Not for the flows that find such packets (snat.c). */

#include "gateway.h"

#include <string.h>

/* Offsets in an Ethernet frame: IPv4, IPv6. */
#define PROTOCOL_AT(V6) ((V6) ? 20 : 23)
#define DST_AT(V6) ((V6) ? 38 : 30)

/* Returns true if the client's next datagram opens a connection at the address
 * that it sends to: of another port forward, to another port by a floating
 * address, or without NAT. */
static bool
is_served(const struct vmn_external *external, const struct vmn_packet_in *in)
{
    bool v6 = in->sent_to.family == 6;

    if (in->size < DST_AT(v6) + (v6 ? 16u : 4)
        || in->bytes[PROTOCOL_AT(v6)] != VMN_IP_PROTO_UDP) {
        return false;
    }
    for (size_t i = 0; i < external->n_forwards; i++) {
        const struct vmn_forward *forward = vmn_forward_at(external, i);

        if (forward->protocol == VMN_PROTO_UDP
            && forward->port == in->sent_to_port
            && vmn_ip_equal(vmn_forward_address(external, forward),
                            &in->sent_to)) {
            return true;
        }
    }
    for (size_t i = 0; i < external->n_addresses; i++) {
        if (vmn_ip_equal(&external->addresses[i], &in->sent_to)) {
            return false;
        }
    }
    return external->routed || memcmp(in->bytes + DST_AT(v6),
                                      in->sent_to.addr, v6 ? 16 : 4);
}

/* Sends the answer back through NAT, to the MAC address that the packet came
 * from. */
static void
send_outside(const struct vmn_packet_in *in, struct vmn_packets_out *out,
             const uint8_t *answer, size_t size)
{
    uint32_t regs[VMN_N_REGS] = { 0 };

    regs[VMN_REG_NETWORK - VMN_F_REG0] = vmn_packet_reg(in, REG_TRANSIT);
    regs[VMN_REG_DST_HOST - VMN_F_REG0] = VMN_DST_HOST_PROVIDER;
    vmn_send_to_hook(out, VMN_HOOK_DELIVER, VMN_TUNNEL_OFPORT, regs, answer,
                     size);
}

void
handle_forget(struct vmn_view *view, const struct vmn_packet_in *in,
              struct vmn_packets_out *out)
{
    const struct vmn_reject reject = { .reason = VMN_REJECT_NO_PORT };
    const struct vmn_router *router
        = router_of_transit(view, vmn_packet_reg(in, REG_TRANSIT));
    uint8_t answer[VMN_REJECT_SIZE_MAX];
    const char *why;
    size_t size;

    if (in->arg != FORGET_FROM_OUTSIDE || !in->sent_to.family || !router
        || is_served(&router->external, in)) {
        vmn_send_nothing(out, "translation is gone");
        return;
    }
    size = vmn_reject_build_as(&reject, in->bytes, in->size, answer, &why);
    if (size) {
        send_outside(in, out, answer, size);
    } else {
        vmn_send_nothing(out, why);
    }
}
