/* SPDX-License-Identifier: Apache-2.0
 *
 * Rejecting: a packet is dropped as one that is denied is, and its sender is
 * told: TCP by a reset, all else by an ICMP error.  The packet goes up to the
 * handler here, whose answer goes the way that one of the packet's destination
 * would go: to the sender on this host, or through the tunnel to the host that
 * it is on, and back through load balancing there; or out by the gateway, and
 * back through its NAT.
 *
 * On this host no policy judges the answer.  On the sender's, if that is
 * another one, it belongs to the connection that the packet has opened there,
 * and is judged as that is. */

#include "firewall.h"

void
act_reject(struct vmn_actions *actions)
{
    vmn_act_punt(actions, HANDLER_REJECT, 0, VMN_REJECT_QUOTED_MAX);
    vmn_act_drop(actions, "rejected by rule");
}

void
handle_reject(struct vmn_view *view, const struct vmn_packet_in *in,
              struct vmn_packets_out *out)
{
    uint8_t answer[VMN_REJECT_SIZE_MAX];
    uint32_t in_port = in->in_port;
    const char *why;
    size_t size = vmn_reject_build(in->bytes, in->size, answer, &why);

    if (!size) {
        vmn_send_nothing(out, why);
        return;
    }
    /* A packet that no port here has sent is answered from the port that it
     * was for: nothing is forwarded from tunnel to tunnel, and a datapath
     * loses a tracked packet whose input port is a patch port. */
    if (!in->port) {
        in_port = (vmn_packet_reg(in, VMN_REG_OUT_PORT)
                   & ((1u << VMN_OUT_ISOLATION_SHIFT) - 1));
    }
    if (!in_port) {
        vmn_send_nothing(out, "not for a port of this host");
        return;
    }
    vmn_send_as_answer(in, in_port, out, answer, size);
}
