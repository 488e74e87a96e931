/* SPDX-License-Identifier: Apache-2.0
 *
 * Sub-ports: what joins one to its parent's interface.  The fabric has made a
 * pair of ports for it; one end is the sub-port's VIF, the other takes what
 * the parent sends with the VLAN's tag, and gives it what is for the sub-port.
 * All the rest is a port's, see port.c. */

#include "overlay.h"

#define VLAN_PRESENT 0x1000
#define VLAN_VID 0x0fff

/* Adds a flow for packets from 'in_port', which go out of another port without
 * passing the pipeline.  The caller adds the output. */
static struct vmn_flow *
pass_add(struct vmn_emit *emit, const char *host, uint32_t in_port)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(host),
                                         STAGE_ADMIT, ADMIT_CLASSIFY,
                                         CLASSIFY_TRUNK);

    vmn_match(flow, VMN_F_IN_PORT, in_port);
    return flow;
}

static void
emit_pair(struct vmn_emit *emit, const char *host, uint32_t vlan,
          uint32_t parent_ofport, uint32_t tag_ofport)
{
    struct vmn_flow *flow = pass_add(emit, host, parent_ofport);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    /* Whatever its priority bits are. */
    vmn_match_masked(flow, VMN_F_VLAN_TCI, VLAN_PRESENT | vlan,
                     VLAN_PRESENT | VLAN_VID);
    vmn_act_set(actions, VMN_F_VLAN_TCI, 0);
    vmn_act_output(actions, tag_ofport);

    flow = pass_add(emit, host, tag_ofport);
    actions = vmn_flow_actions(flow);
    vmn_act_set(actions, VMN_F_VLAN_TCI, VLAN_PRESENT | vlan);
    vmn_act_output(actions, parent_ofport);
}

void
trunk_of_port(struct vmn_view *view, struct vmn_emit *emit,
              const struct port_ctx *ctx)
{
    const struct vmn_port *parent;
    const struct vmn_vif *below, *vif;

    if (!ctx->port->parent) {
        return;
    }
    parent = vmn_read_port(view, ctx->port->parent);
    if (!parent || !parent->enabled) {
        return;
    }
    below = vmn_read_vif(view, ctx->host, parent->iface_id);
    vif = vmn_read_vif(view, ctx->host, ctx->port->iface_id);
    if (below && vif && vif->tag_ofport) {
        emit_pair(emit, ctx->host, ctx->port->vlan, below->ofport,
                  vif->tag_ofport);
    }
}
