/* SPDX-License-Identifier: Apache-2.0
 *
 * The overlay between hosts: tunnels, and networks on them.  Not for single
 * ports (port.c), nor for floods inside of a host (flood.c). */

#include "overlay.h"

void
network_registers(struct vmn_view *view, struct vmn_actions *actions,
                  const struct vmn_network *network)
{
    const char *name = network->row.name;

    vmn_act_set(actions, VMN_REG_NETWORK, network->vni);
    vmn_act_set(actions, VMN_REG_ZONE,
                vmn_number(view, VMN_NUMBER_ZONE,
                           vmn_printf(view, "policy/%s", name)));
    vmn_act_set(actions, VMN_REG_BALANCE_ZONE,
                vmn_number(view, VMN_NUMBER_ZONE,
                           vmn_printf(view, "balance/%s", name)));
}

/* The tunnel to and from one host, for all the others. */
void
compile_host(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_host *host = vmn_read_host(view, key);

    if (!host || host->tunnel_ip.family != 4) {
        return;
    }

    uint32_t number = vmn_number(view, VMN_NUMBER_HOST, key);
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_ADMIT, ADMIT_CLASSIFY,
                        CLASSIFY_PORT);
    vmn_match(flow, VMN_F_IN_PORT, VMN_TUNNEL_OFPORT);
    vmn_match_ip(flow, VMN_F_TUN_SRC, &host->tunnel_ip);
    vmn_act_goto(vmn_flow_actions(flow), STAGE_ADMIT, ADMIT_TUNNEL);

    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_DELIVER, DELIVER_TUNNEL,
                        TUNNEL_HOST);
    vmn_match(flow, VMN_REG_DST_HOST, number);
    actions = vmn_flow_actions(flow);
    vmn_act_move(actions, VMN_REG_NETWORK, VMN_F_TUN_ID);
    vmn_act_set_ip(actions, VMN_F_TUN_DST, &host->tunnel_ip);
    vmn_act_output(actions, VMN_TUNNEL_OFPORT);

    /* Others' flows name this host where a port is; on the host itself that
     * means that the port has not come up, or that it is a flood. */
    flow = vmn_flow_add(emit, vmn_scope_host(key), STAGE_DELIVER,
                        DELIVER_TUNNEL, TUNNEL_OWN);
    vmn_match(flow, VMN_REG_DST_HOST, number);
    drop(flow, "this host itself");
}

/* One bucket for each host of the network.  The group is the same on all of
 * them: a host's own bucket ends in "this host itself". */
static void
network_flood(struct vmn_view *view, struct vmn_emit *emit,
              const struct vmn_network *network)
{
    struct vmn_scope scope = vmn_scope_network(network->row.name);
    struct vmn_names hosts = vmn_facts(view, VMN_REL_NETWORK_HOSTS,
                                       network->row.name);

    if (hosts.n < 2) {
        return;
    }

    struct vmn_group_msg *group = vmn_group_add(
        emit, scope, VMN_GROUP_ALL,
        vmn_printf(view, "flood/%s", network->row.name));

    for (size_t i = 0; i < hosts.n; i++) {
        uint32_t number = vmn_number(view, VMN_NUMBER_HOST, hosts.names[i]);
        struct vmn_actions *bucket = vmn_bucket_add(group, number, 0);

        vmn_act_set(bucket, VMN_REG_DST_HOST, number);
        vmn_act_resubmit(bucket, STAGE_DELIVER, DELIVER_TUNNEL);
    }

    struct vmn_flow *flow = vmn_flow_add(emit, scope, STAGE_DELIVER,
                                         DELIVER_OUT, OUT_FLOOD);

    match_network(flow, network);
    vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_FLOOD);
    vmn_act_group(vmn_flow_actions(flow), group);
}

void
compile_network(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_network *network = vmn_read_network(view, key);

    if (!network || !network->vni) {
        return;
    }

    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_network(key),
                                         STAGE_ADMIT, ADMIT_TUNNEL,
                                         TUNNEL_NETWORK);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_F_TUN_ID, network->vni);
    network_registers(view, actions, network);
    vmn_act_goto(actions, STAGE_ADMIT, ADMIT_SOURCE);
    network_flood(view, emit, network);
}
