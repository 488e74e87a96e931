/* SPDX-License-Identifier: Apache-2.0
 *
 * Elects the active gateway of a router among the hosts that it lists: the
 * first, by priority and then by name, that has the port to the router's
 * external network, and is not in maintenance; if all that have it are, the
 * first of these.  A host that is silent loses that port. */

#include "gateway.h"

#include <string.h>

static bool
is_in_maintenance(struct vmn_view *view, const char *name)
{
    const struct vmn_host *host = vmn_read_host(view, name);

    return host && host->maintenance;
}

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
        bool leaves = is_in_maintenance(view, g->host);

        if ((!best || (leaves == best_leaves ? g->priority < best->priority
                       : best_leaves))
            && external_ofport(view, network, g->host)) {
            best = g;
            best_leaves = leaves;
        }
    }
    if (best) {
        vmn_value_set(value, best->host, strlen(best->host) + 1);
    }
}
