/* SPDX-License-Identifier: Apache-2.0
 *
 * Elects the active gateway of a router among the hosts that it lists: the
 * first, by priority and then by name, that has the port to the router's
 * external network, and is not in maintenance; if all that have it are, the
 * first of these.  A host that is silent loses that port, and one that is lost
 * has none. */

#include "gateway.h"

#include <string.h>

/* Evaluates VMN_QUERY_GATEWAY.  The router's gateways are sorted by name. */
void
query_active(struct vmn_view *view, const char *name, struct vmn_value *value)
{
    const struct vmn_router *router = vmn_read_router(view, name);
    const struct vmn_network *network = external_network(view, router);
    const struct vmn_gateway *best = NULL;
    bool best_leaves = false;   /* Is in maintenance. */

    for (size_t i = 0; network && i < router->external.n_gateways; i++) {
        const struct vmn_gateway *g = vmn_gateway_at(&router->external, i);
        const struct vmn_host *host = vmn_read_host(view, g->host);

        if (!host || host->lost || !external_ofport(view, network, g->host)) {
            continue;
        }
        if (!best || (host->maintenance == best_leaves
                      ? g->priority < best->priority : best_leaves)) {
            best = g;
            best_leaves = host->maintenance;
        }
    }
    if (best) {
        vmn_value_set(value, best->host, strlen(best->host) + 1);
    }
}
