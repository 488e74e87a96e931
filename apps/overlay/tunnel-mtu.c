/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets that have more bytes than their network's MTU.  An underlay loses
 * them without a word, so none goes into a tunnel: they are dropped where they
 * are sent, with a reason that people can read, and their sender is told how
 * much there is room for (RFC 1191, RFC 8201), as from whom they were for.
 * Not for what is too large for a smaller network behind a router (app
 * router). */

#include "overlay.h"

#include <stdlib.h>

#define UNDERLAY_MTU 1500       /* Bytes; of a host that has not reported its
                                 * underlay's MTU. */
/* Bounds of a network's MTU, in bytes: the least that IPv6 allows (RFC 8200,
 * section 5), and the most that can be configured. */
#define MTU_MIN 1280
#define MTU_MAX 9216

/* Emits the size check of packets with 'vni' (0: of all) that enter a
 * tunnel. */
static void
emit_size_check(struct vmn_emit *emit, struct vmn_scope scope, uint32_t vni,
                uint32_t mtu)
{
    struct vmn_flow *flow = vmn_flow_add(emit, scope, STAGE_DELIVER,
                                         DELIVER_OUT, vni ? OUT_CHECK_SIZE
                                         : PRIORITY_LAST);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    if (vni) {
        vmn_match(flow, VMN_REG_NETWORK, vni);
    }
    vmn_act_move(actions, VMN_REG_NETWORK, VMN_F_TUN_ID);
    vmn_act_check_size(actions, mtu);
    vmn_act_goto(actions, STAGE_DELIVER, DELIVER_TUNNEL);

    flow = vmn_flow_add(emit, scope, STAGE_DELIVER, DELIVER_TUNNEL,
                        vni ? TUNNEL_LARGE : TUNNEL_LARGE_ANY);
    actions = vmn_flow_actions(flow);
    if (vni) {
        vmn_match(flow, VMN_REG_NETWORK, vni);
    }
    vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_LARGE, VMN_FLAG_LARGE);
    vmn_act_punt(actions, HANDLER_OVERSIZED, mtu, VMN_REJECT_QUOTED_MAX);
    vmn_act_drop(actions, "larger than the MTU");
}

/* Evaluates the largest packet that the tunnels of all hosts carry.  A host
 * whose row names no underlay interface counts as one with an MTU of 1500; a
 * host that has never reported its MTU does not count.  What a host has
 * reported stays in force while it is offline, so that nothing changes when
 * hosts come and go. */
void
eval_mtu(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    struct vmn_names rooms = vmn_relation_values(view, REL_HOST_MTU, "");
    uint32_t mtu = 0;

    for (size_t i = 0; i < rooms.n; i++) {
        uint32_t room = strtoul(rooms.names[i], NULL, 10);

        mtu = !mtu || room < mtu ? room : mtu;
    }
    mtu = !mtu ? VMN_MTU_DEFAULT : mtu < MTU_MIN ? MTU_MIN
          : mtu > MTU_MAX ? MTU_MAX : mtu;
    vmn_value_set(value, &mtu, sizeof mtu);
}

void
tunnel_mtu_of_host(struct vmn_view *view, struct vmn_emit *emit,
                   const struct vmn_host *host)
{
    bool v6 = (host->tunnel_ip.family == 6
               || host->second_tunnel_ip.family == 6);
    uint32_t overhead = v6 ? VMN_TUNNEL_OVERHEAD_IPV6
                        : VMN_TUNNEL_OVERHEAD_IPV4;
    uint32_t mtu = UNDERLAY_MTU;

    if (host->tunnel_interface) {
        const struct vmn_underlay *underlay = vmn_read_underlay(
            view, host->row.name);

        if (!underlay || !underlay->mtu) {
            return;
        }
        mtu = underlay->mtu;
    }
    vmn_publish(emit, REL_HOST_MTU, "",
                vmn_printf(view, "%u", mtu > overhead ? mtu - overhead : 1));
}

/* Returns the MTU of most networks, in bytes; for others see
 * tunnel_mtu_of_vni(). */
static uint32_t
common_mtu(struct vmn_view *view)
{
    const struct vmn_network any = { .mtu = 0 };

    return vmn_mtu_of(view, &any);
}

void
tunnel_mtu_base(struct vmn_view *view, struct vmn_emit *emit)
{
    emit_size_check(emit, vmn_scope_all(), 0, common_mtu(view));
}

/* Emits the size check of 'vni' for the whole domain, since routed packets may
 * leave from any of its hosts. */
void
tunnel_mtu_of_vni(struct vmn_view *view, struct vmn_emit *emit,
                  const char *domain, uint32_t vni, uint32_t mtu)
{
    if (mtu != common_mtu(view)) {
        emit_size_check(emit, vmn_scope_domain(domain), vni, mtu);
    }
}

void
handle_oversized(struct vmn_view *view, const struct vmn_packet_in *in,
                 struct vmn_packets_out *out)
{
    const struct vmn_reject reject = {
        .reason = VMN_REJECT_TOO_BIG,
        .mtu = in->arg,
    };
    uint8_t answer[VMN_REJECT_SIZE_MAX];
    const char *why;
    size_t size;

    if (!in->port) {
        vmn_send_nothing(out, "sender is not a port");
        return;
    }
    size = vmn_reject_build_as(&reject, in->bytes, in->size, answer, &why);
    if (size) {
        vmn_send_as_answer(in, in->in_port, out, answer, size);
    } else {
        vmn_send_nothing(out, why);
    }
}
