/* SPDX-License-Identifier: Apache-2.0
 *
 * mailguard: an example of an app.  VMs may not send mail by themselves (TCP
 * port 25), so that a broken-in one cannot spam, except for those with the
 * label mail=yes.  docs/writing-an-app.md goes through this file. */

#include <string.h>

#include <vmn/app.h>

#define SMTP_PORT 25

enum { STAGE_MAIL };
enum { PRIORITY_MAY_SEND = 20, PRIORITY_OTHERS = 10 };

static const uint16_t eth_types[] = { VMN_ETH_IPV4, VMN_ETH_IPV6 };

/* Drops mail from VMs of a network on the VM's host, */
static void
compile_network(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_network *network = vmn_read_network(view, key);

    if (!network || !network->vni) {
        return;
    }

    for (size_t i = 0; i < sizeof eth_types / sizeof eth_types[0]; i++) {
        struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_network(key),
                                             STAGE_MAIL, 0, PRIORITY_OTHERS);

        vmn_match(flow, VMN_REG_NETWORK, network->vni);
        vmn_match(flow, VMN_REG_SRC_LOCAL, 1);
        vmn_match(flow, VMN_F_ETH_TYPE, eth_types[i]);
        vmn_match(flow, VMN_F_TCP_DST, SMTP_PORT);
        vmn_act_drop(vmn_flow_actions(flow), "direct mail");
    }
}

/* unless it comes from a port that may send it. */
static void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    const struct vmn_network *network;
    const char *label;

    if (!port || !port->enabled) {
        return;
    }
    label = vmn_labels_get(vmn_labels_of(view, &port->row), "mail");
    if (!label || strcmp(label, "yes")) {
        return;
    }
    network = vmn_read_network(view, port->network);
    if (!network || !network->vni) {
        return;
    }
    for (size_t i = 0; i < port->n_ips; i++) {
        struct vmn_flow *flow = vmn_flow_add(
            emit, vmn_scope_network(port->network), STAGE_MAIL, 0,
            PRIORITY_MAY_SEND);

        vmn_match(flow, VMN_REG_NETWORK, network->vni);
        vmn_match(flow, VMN_REG_SRC_LOCAL, 1);
        vmn_match_ip(flow, port->ips[i].family == 6
                     ? VMN_F_IPV6_SRC : VMN_F_IPV4_SRC, &port->ips[i]);
        vmn_match(flow, VMN_F_TCP_DST, SMTP_PORT);
        vmn_act_next(vmn_flow_actions(flow));
    }
}

/* After ARP (order 0), and before all else. */
static const struct vmn_stage_class stages[] = {
    [STAGE_MAIL] = { .name = "mail", .hook = VMN_HOOK_SERVICE, .order = 10,
                     .n_tables = 1, .miss = VMN_MISS_NEXT },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "network", .each = VMN_EACH_ROW, .row_type = VMN_ROW_NETWORK,
      .compile = compile_network },
    { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
      .compile = compile_port },
    { .name = NULL },
};

extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD,
    .name = "mailguard",
    .description = "Keeps VMs from sending mail, except for mail=yes",
    .stages = stages,
    .units = units,
    .options = VMN_APP_DENIES,
};
