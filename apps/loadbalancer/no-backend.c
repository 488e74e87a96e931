/* SPDX-License-Identifier: Apache-2.0
 *
 * Telling clients that nobody serves them: by a reset, or by an ICMP error, as
 * from whom the packet was for.  Where that is a backend by now, conntrack
 * puts the virtual IP back.  No policy judges it: it is vmnd's own.  Those
 * outside are told as well, by the way that answers take. */

#include "loadbalancer.h"

/* The argument of HANDLER_REJECT for a packet that is as its client sent it:
 * conntrack need not look at the answer.  A larger one is the MTU that the
 * packet exceeds. */
#define AS_SENT 1

void
act_reject(struct vmn_actions *actions, const char *reason)
{
    vmn_act_punt(actions, HANDLER_REJECT, 0, VMN_REJECT_QUOTED_MAX);
    vmn_act_drop(actions, reason);
}

/* Sends an answer to who is outside by the gateway, on whose host the packet
 * is: like a backend's reply from another host.  It may leave by the port by
 * which the packet came, so it needs another input port. */
static void
send_outside(const struct vmn_packet_in *in, struct vmn_packets_out *out,
             const uint8_t *answer, size_t size)
{
    uint32_t regs[VMN_N_REGS] = { 0 };

    regs[VMN_REG_NETWORK - VMN_F_REG0] = vmn_packet_reg(in, VMN_REG_NETWORK);
    regs[VMN_REG_ZONE - VMN_F_REG0] = vmn_packet_reg(in, VMN_REG_ZONE);
    regs[VMN_REG_DST_HOST - VMN_F_REG0] = VMN_DST_HOST_EXTERNAL;
    vmn_send_to_hook(out, VMN_HOOK_DELIVER, VMN_TUNNEL_OFPORT, regs, answer,
                     size);
}

void
act_reject_as_sent(struct vmn_actions *actions, const char *reason)
{
    vmn_act_punt(actions, HANDLER_REJECT, AS_SENT, VMN_REJECT_QUOTED_MAX);
    vmn_act_drop(actions, reason);
}

void
act_reject_too_large(struct vmn_actions *actions, uint32_t mtu)
{
    vmn_act_punt(actions, HANDLER_REJECT, mtu, VMN_REJECT_QUOTED_MAX);
    vmn_act_drop(actions, "larger than the MTU");
}

void
act_reject_forget(struct vmn_actions *actions, const char *reason)
{
    vmn_act_punt(actions, HANDLER_FORGET, 0, VMN_REJECT_QUOTED_MAX);
    vmn_act_drop(actions, reason);
}

void
handle_reject(struct vmn_view *view, const struct vmn_packet_in *in,
              struct vmn_packets_out *out)
{
    bool too_large = in->arg > AS_SENT;
    const struct vmn_reject reject = {
        .reason = too_large ? VMN_REJECT_TOO_BIG : VMN_REJECT_NO_PORT,
        .mtu = too_large ? in->arg : 0,
    };
    uint8_t answer[VMN_REJECT_SIZE_MAX];
    const char *why;
    size_t size = vmn_reject_build_as(&reject, in->bytes, in->size, answer,
                                      &why);

    if (!size) {
        vmn_send_nothing(out, why);
    } else if (vmn_packet_reg(in, VMN_REG_FLAGS) & VMN_FLAG_EXTERNAL) {
        send_outside(in, out, answer, size);
    } else if (!in->in_port || in->in_port == VMN_TUNNEL_OFPORT) {
        vmn_send_nothing(out, "not from a port of this host");
    } else if (in->arg == AS_SENT) {
        vmn_send_as_answer(in, in->in_port, out, answer, size);
    } else {
        vmn_send_to_stage(out, STAGE_BALANCE, BALANCE_ASIDE, answer, size);
    }
}
