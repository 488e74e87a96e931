/* SPDX-License-Identifier: Apache-2.0
 *
 * Probes of the paths between hosts (VMN_REL_PATH_PROBES): vmnd has a switch
 * send a frame to another host by the tunnel that packets of networks take,
 * that switch returns it, and the first one hands it to vmnd.  They have a
 * VNI that no network has and come in from a known host's address, so no guest
 * sends one and none gets one.  Not for what follows from them
 * (controller/paths). */

#include "overlay.h"


/* Goes on to the tunnel of the host with the number in VMN_REG_DST_HOST. */
static void
send_by_tunnel(struct vmn_actions *actions, uint32_t vni)
{
    vmn_act_set(actions, VMN_F_TUN_ID, vni);
    vmn_act_goto(actions, STAGE_DELIVER, DELIVER_TUNNEL);
}

/* Returns a request to the host whose number is in its source address. */
static void
return_request(struct vmn_view *view, struct vmn_emit *emit, uint32_t vni)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_ADMIT,
                                         ADMIT_TUNNEL, TUNNEL_NETWORK);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_F_TUN_ID, vni);
    vmn_match_mac(flow, VMN_F_ETH_DST, VMN_PATH_MAC_REQUEST);
    vmn_act_set_mac(actions, VMN_F_ETH_DST, VMN_PATH_MAC_REPLY);
    vmn_act_move_bits(actions, VMN_F_ETH_SRC, 0, VMN_REG_DST_HOST, 0, 32);
    vmn_forget_tunnel(view, actions);
    vmn_act_clear_in_port(actions);
    send_by_tunnel(actions, vni);
}

/* Hands a frame to vmnd: its beginning, which is all that is looked at.  As a
 * sender it is told from all ports, so that none uses up its rate, and the
 * fabric sends it up without a meter (packet-in-meter-flows.c). */
static void
take_frame(struct vmn_flow *flow)
{
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match_mac(flow, VMN_F_ETH_DST, VMN_PATH_MAC_REPLY);
    vmn_act_set(actions, VMN_REG_SRC_ID, VMN_PATH_SRC_ID);
    vmn_act_punt(actions, HANDLER_PATH, 0, VMN_PATH_FRAME_MIN);
}

void
compile_path_probes(struct vmn_view *view, const char *key,
                    struct vmn_emit *emit)
{
    uint32_t vni = vmn_id_of(view, VMN_ID_POOL_VNI, VMN_PATH_VNI_KEY);
    struct vmn_flow *flow;

    if (*key || !vni) {
        return;
    }

    /* From vmnd: to another host, whatever its size, or at once back. */
    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_DELIVER, DELIVER_OUT,
                        OUT_PATH_PROBE);
    vmn_match(flow, VMN_REG_NETWORK, vni);
    send_by_tunnel(vmn_flow_actions(flow), vni);
    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_DELIVER, DELIVER_OUT,
                        OUT_PATH_REFERENCE);
    vmn_match(flow, VMN_REG_NETWORK, vni);
    vmn_match(flow, VMN_REG_DST_HOST, 0);
    take_frame(flow);

    return_request(view, emit, vni);
    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_ADMIT, ADMIT_TUNNEL,
                        TUNNEL_NETWORK);
    vmn_match(flow, VMN_F_TUN_ID, vni);
    take_frame(flow);
}
