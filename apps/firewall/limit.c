/* SPDX-License-Identifier: Apache-2.0
 *
 * How many connections a port may open in a second: a meter for each, on its
 * own host, for what conntrack has not seen yet and policies are about to
 * judge.  So a guest fills no more of conntrack, which all of a host's ports
 * share, than its rate allows in the time after which an idle connection is
 * forgotten.  App loadbalancer does the same for connections to virtual IPs,
 * by the same meters. */

#include "firewall.h"

static void
limit_on(struct vmn_view *view, struct vmn_emit *emit,
         const struct vmn_port *port, const char *host)
{
    const struct vmn_lb_client_limit *limit;
    const struct vmn_vif *vif;
    struct vmn_flow *flow;

    limit = host ? vmn_connection_limit(view, host) : NULL;
    vif = limit ? vmn_read_vif(view, host, port->iface_id) : NULL;
    if (vif) {
        flow = vmn_flow_add(emit, vmn_scope_host(host), STAGE_TRACK,
                            TRACK_VERDICT, VERDICT_LIMIT);
        vmn_limit_connections(view, flow, vif->ofport, limit);
        vmn_act_next(vmn_flow_actions(flow));
    }
}

void
compile_limit(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    const struct vmn_binding *binding;

    if (!port || !port->enabled || port->external) {
        return;
    }
    binding = vmn_read_binding(view, key);
    if (binding) {
        limit_on(view, emit, port, binding->host);
        limit_on(view, emit, port, binding->candidate);
    }
}
