/* SPDX-License-Identifier: Apache-2.0
 *
 * How many connections a port may open in a second: a meter for each, on its
 * own host, for what conntrack has not seen yet and policies are about to
 * judge.  So a guest fills no more of conntrack, which all of a host's ports
 * share, than its rate allows in the time after which an idle connection is
 * forgotten.  App loadbalancer does the same for connections to virtual IPs,
 * by the same meters. */

#include "firewall.h"

void
compile_limit(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_limited limited[2];
    size_t n = vmn_connection_limits(view, key, limited);

    for (size_t i = 0; i < n; i++) {
        struct vmn_flow *flow = vmn_flow_add(
            emit, vmn_scope_host(limited[i].host), STAGE_TRACK, TRACK_VERDICT,
            VERDICT_LIMIT);

        vmn_limit_connections(view, flow, &limited[i]);
        vmn_act_next(vmn_flow_actions(flow));
    }
}
