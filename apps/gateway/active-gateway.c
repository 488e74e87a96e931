/* SPDX-License-Identifier: Apache-2.0
 *
 * Elects the active gateway of a router among the hosts that it lists, and the
 * order in which the others would replace it: by priority and then by name,
 * those that have the port to the router's external network.  Those that are
 * cut off from the hosts that watch them come last, and of the others those
 * that are in maintenance.  A host that is silent loses its port, and one that
 * is lost has none. */

#include "gateway.h"

#include <string.h>

/* A host that could be the gateway. */
struct candidate {
    const struct vmn_gateway *gateway;
    bool cut_off, leaves;       /* The latter: in maintenance. */
};

static bool
comes_first(const struct candidate *a, const struct candidate *b)
{
    if (a->cut_off != b->cut_off) {
        return b->cut_off;
    }
    if (a->leaves != b->leaves) {
        return b->leaves;
    }
    return a->gateway->priority < b->gateway->priority;
}

/* The router's gateways are sorted by name, so of equal ones the first by name
 * stays in front. */
struct vmn_names
gateways_in_order(struct vmn_view *view, const struct vmn_router *router,
                  const struct vmn_network *network)
{
    size_t max = router->external.n_gateways, n = 0;
    struct candidate *sorted = vmn_alloc(view, (max + 1) * sizeof *sorted);
    const char **names = vmn_alloc(view, (max + 1) * sizeof *names);

    for (size_t i = 0; i < max; i++) {
        const struct vmn_gateway *g = vmn_gateway_at(&router->external, i);
        const struct vmn_host *host = vmn_read_host(view, g->host);
        const struct vmn_vif *vif = external_vif(view, network, g->host);
        size_t at = n;

        if (!host || host->lost || !vif) {
            continue;
        }

        const struct candidate c = { g, vif->cut_off, host->maintenance };

        while (at && comes_first(&c, &sorted[at - 1])) {
            sorted[at] = sorted[at - 1];
            at--;
        }
        sorted[at] = c;
        n++;
    }
    for (size_t i = 0; i < n; i++) {
        names[i] = sorted[i].gateway->host;
    }
    return (struct vmn_names) { n, names };
}

/* Evaluates VMN_QUERY_GATEWAY. */
void
query_active(struct vmn_view *view, const char *name, struct vmn_value *value)
{
    const struct vmn_router *router = vmn_read_router(view, name);
    const struct vmn_network *network = external_network(view, router);
    struct vmn_names names = { 0, NULL };

    if (network) {
        names = gateways_in_order(view, router, network);
    }
    if (names.n) {
        vmn_value_set(value, names.names[0], strlen(names.names[0]) + 1);
    }
}
