/* SPDX-License-Identifier: Apache-2.0
 *
 * Elects the active gateway of a router among the hosts that it lists: the
 * first, by priority and then by name, that has the port to the router's
 * external network.  A host that is silent loses that port. */

#include "gateway.h"

#include <string.h>

/* Evaluates VMN_QUERY_GATEWAY.  The router's gateways are sorted by name. */
void
query_active(struct vmn_view *view, const char *name, struct vmn_value *value)
{
    const struct vmn_router *router = vmn_read_router(view, name);
    const struct vmn_network *network = external_network(view, router);
    const struct vmn_gateway *best = NULL;

    for (size_t i = 0; network && i < router->external.n_gateways; i++) {
        const struct vmn_gateway *g = vmn_gateway_at(&router->external, i);

        if ((!best || g->priority < best->priority)
            && external_ofport(view, network, g->host)) {
            best = g;
        }
    }
    if (best) {
        vmn_value_set(value, best->host, strlen(best->host) + 1);
    }
}
