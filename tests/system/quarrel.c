/* SPDX-License-Identifier: Apache-2.0
 *
 * An app for tests: does with packets what the labels of ports say, whatever
 * others say, so that two ports, or two such apps, can contradict each other.
 * NAME is the app's; its labels have it in front.
 *
 *   NAME=drop, NAME=pass        UDP port 9000 in the port's network
 *   NAME-to=drop                IPv4 to the port
 *   NAME-from=pass              IPv4 from the port
 *   NAME-group=drop, =pass      UDP port 9002 from the port, by a group that
 *                               all ports of the network share */

#include "vmn/app.h"

#include <string.h>

#ifndef NAME
#define NAME "quarrel"
#endif

enum { TABLE_FIRST, TABLE_GROUP, N_TABLES };

static bool
says(struct vmn_view *view, const struct vmn_port *port, const char *key,
     const char *value)
{
    const char *label = vmn_labels_get(vmn_labels_of(view, &port->row), key);

    return label && !strcmp(label, value);
}

static struct vmn_flow *
flow_add(struct vmn_emit *emit, const struct vmn_network *network,
         uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_network(network->row.name), 0, TABLE_FIRST, priority);

    vmn_match(flow, VMN_REG_NETWORK, network->vni);
    return flow;
}

static void
decide(struct vmn_flow *flow, bool drop)
{
    if (drop) {
        vmn_act_drop(vmn_flow_actions(flow), "quarrel");
    } else {
        vmn_act_next(vmn_flow_actions(flow));
    }
}

static void
decide_group(struct vmn_view *view, struct vmn_emit *emit,
             const struct vmn_network *network, const struct vmn_port *port,
             bool drop)
{
    struct vmn_group_msg *group = vmn_group_add(
        emit, vmn_scope_network(network->row.name), VMN_GROUP_ALL,
        vmn_printf(view, "quarrel/%s", network->row.name));
    struct vmn_actions *bucket = vmn_bucket_add(group, 1, 0);
    struct vmn_flow *flow = flow_add(emit, network, 30);

    if (!drop) {
        vmn_act_resubmit(bucket, 0, TABLE_GROUP);
    }
    vmn_match_ip(flow, VMN_F_IPV4_SRC, &port->ips[0]);
    vmn_match(flow, VMN_F_UDP_DST, 9002);
    vmn_act_group(vmn_flow_actions(flow), group);
}

static void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    const struct vmn_network *network
        = port ? vmn_read_network(view, port->network) : NULL;
    bool drop = port && says(view, port, NAME, "drop");
    struct vmn_flow *flow;

    if (!network || !network->vni || !port->n_ips) {
        return;
    }
    if (drop || says(view, port, NAME, "pass")) {
        flow = flow_add(emit, network, 10);
        vmn_match(flow, VMN_F_UDP_DST, 9000);
        decide(flow, drop);
    }
    if (says(view, port, NAME "-to", "drop")) {
        flow = flow_add(emit, network, 20);
        vmn_match_ip(flow, VMN_F_IPV4_DST, &port->ips[0]);
        decide(flow, true);
    }
    if (says(view, port, NAME "-from", "pass")) {
        flow = flow_add(emit, network, 20);
        vmn_match_ip(flow, VMN_F_IPV4_SRC, &port->ips[0]);
        decide(flow, false);
    }
    drop = says(view, port, NAME "-group", "drop");
    if (drop || says(view, port, NAME "-group", "pass")) {
        decide_group(view, emit, network, port, drop);
    }
}

static const struct vmn_stage_class stages[] = {
    { .name = "talk", .hook = VMN_HOOK_SERVICE, .order = 10,
      .n_tables = N_TABLES, .miss = VMN_MISS_NEXT },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
      .compile = compile_port },
    { .name = NULL },
};

extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD,
    .name = NAME,
    .description = "Contradicts",
    .stages = stages,
    .units = units,
};
