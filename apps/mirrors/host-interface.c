/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a host's copies go that are for an interface of its own
 * (`to_interface`): one that somebody has attached to its bridge, whose number
 * is another one on each host.  Not for which packets those are (mirror.c). */

#include "mirrors.h"

#include <string.h>

/* 'key' is "HOST MIRROR".  Asks for the interface, and emits the way of the
 * host's copies there. */
void
compile_at_host(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    size_t len = strcspn(key, " ");
    const char *host = vmn_printf(view, "%.*s", (int) len, key);
    const char *name = key + len + (key[len] == ' ');
    const struct mirror *row = read_mirror(view, name);
    const struct vmn_vif *vif;
    const char *iface_id;
    struct vmn_flow *flow;
    struct vmn_copy copy;

    /* What the relation says may be of a row that has changed since. */
    if (!vmn_relation_values(view, REL_AT_HOST, key).n || !row
        || !row->to_interface) {
        return;
    }
    iface_id = vmn_printf(view, VMN_COPY_INTERFACE, row->to_interface);
    vmn_publish(emit, VMN_REL_COPY_TUNNELS, host, iface_id);
    vif = vmn_read_vif(view, host, iface_id);
    if (!vif) {
        vmn_publish(emit, REL_WAITING, name, host);
        return;
    }
    vmn_publish(emit, REL_SENDERS, name, host);
    flow = vmn_flow_add(emit, vmn_scope_host(host), STAGE_INGRESS,
                        INGRESS_HAND, PRIORITY_FILTER);
    vmn_match(flow, REG_MIRROR, mirror_number(view, row));
    copy = mirror_copy(view, row);
    vmn_act_copy_to_port(vmn_flow_actions(flow), &copy, vif->ofport);
}
