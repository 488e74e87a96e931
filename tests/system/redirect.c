/* SPDX-License-Identifier: Apache-2.0
 *
 * An app of the tests: sends UDP to port 9000 of a network to the port that
 * the network's label "redirect" names, wherever that is, with a DSCP of its
 * own and a copy to where the packet was going if the label "copy" says so.
 * With the label "bypass", packets go their way while the port is on no host.
 * Not an example: apps/example is. */

#include "vmn/app.h"

enum { STAGE_REDIRECT };
enum { TABLE_CHOOSE, TABLE_GO_ON, N_TABLES };

static const uint16_t eth_types[] = { VMN_ETH_IPV4, VMN_ETH_IPV6 };

static struct vmn_flow *
flow_add(struct vmn_emit *emit, const struct vmn_network *network,
         uint16_t eth_type, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_network(network->row.name), STAGE_REDIRECT,
        TABLE_CHOOSE, priority);

    vmn_match(flow, VMN_REG_NETWORK, network->vni);
    vmn_match(flow, VMN_REG_SRC_LOCAL, 1);
    vmn_match(flow, VMN_F_ETH_TYPE, eth_type);
    vmn_match(flow, VMN_F_UDP_DST, 9000);
    return flow;
}

static void
compile_network(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_network *network = vmn_read_network(view, key);
    const struct vmn_labels *labels;
    const struct vmn_port *port;
    const char *name;

    if (!network || !network->vni) {
        return;
    }
    labels = vmn_labels_of(view, &network->row);
    name = vmn_labels_get(labels, "redirect");
    if (!name || (vmn_labels_get(labels, "bypass")
                  && !vmn_host_of_port(view, name))) {
        return;
    }
    port = vmn_read_port(view, name);
    for (int i = 0; i < 2; i++) {
        struct vmn_flow *flow = flow_add(emit, network, eth_types[i], 10);
        struct vmn_actions *actions = vmn_flow_actions(flow);

        if (vmn_labels_get(labels, "copy")) {
            vmn_act_clone(actions, STAGE_REDIRECT, TABLE_GO_ON);
        }
        vmn_act_set(actions, VMN_F_IP_DSCP, VMN_DSCP_EF);
        vmn_act_set_queue(actions, 1);
        if (!vmn_act_send_to_port(view, actions, key, name)) {
            vmn_fail(emit, "nothing can be sent to port %s", name);
        }
        if (port) {
            /* What it sends on itself goes its way. */
            flow = flow_add(emit, network, eth_types[i], 20);
            vmn_match_mac(flow, VMN_F_ETH_SRC, port->mac);
            vmn_act_next(vmn_flow_actions(flow));
        }
    }
}

static const struct vmn_stage_class stages[] = {
    [STAGE_REDIRECT] = { .name = "redirect", .hook = VMN_HOOK_SERVICE,
                         .order = 10, .n_tables = N_TABLES,
                         .miss = VMN_MISS_NEXT },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "network", .each = VMN_EACH_ROW, .row_type = VMN_ROW_NETWORK,
      .compile = compile_network },
    { .name = NULL },
};

const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD,
    .name = "redirect",
    .description = "Sends packets to a port of choice",
    .stages = stages,
    .units = units,
};
