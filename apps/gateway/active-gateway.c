/* SPDX-License-Identifier: Apache-2.0
 *
 * Elects the active gateway of a router among the hosts that it lists, and the
 * order in which the others would replace it: by priority and then by name,
 * those that have the port to the router's external network.  Those that are
 * cut off from the hosts that watch them come last, and of the others those
 * that are in maintenance.  A host that is silent loses its port, and one that
 * is lost has none.  Not for the flows by which they replace it by themselves
 * (failover.c). */

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
static struct vmn_names
gateways_in_order(struct vmn_view *view, const struct vmn_router *router,
                  const struct vmn_network *network)
{
    size_t max = router->external.n_gateways, n = 0;
    struct candidate *sorted = vmn_alloc(view, (max + 1) * sizeof *sorted);
    const char **names = vmn_alloc(view, (max + 1) * sizeof *names);

    for (size_t i = 0; i < max; i++) {
        const struct vmn_gateway *g = vmn_gateway_at(&router->external, i);
        const struct vmn_host *host = vmn_read_host(view, g->host);
        const struct vmn_vif *vif = vmn_provider_vif(view, network, g->host);
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

/* Returns true if 'host' has a session with each of the first 'n' of 'names'
 * that has been up, and is not contradicted by others: only then that it is
 * down means something. */
static bool
watches_all(struct vmn_view *view, const char *host, const char *const *names,
            size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct vmn_vif *vif = vmn_read_vif(
            view, host, vmn_printf(view, VMN_VIF_PEER, names[i]));

        if (!vif || !vif->link_up) {
            return false;
        }
    }
    return true;
}

/* Evaluates QUERY_FAILOVER. */
void
query_failover(struct vmn_view *view, const char *name,
               struct vmn_value *value)
{
    const struct vmn_router *router = vmn_read_router(view, name);
    const struct vmn_network *network = external_network(view, router);
    struct vmn_names order = { 0, NULL };
    const char **taken, *text;
    size_t n = 1;

    if (network) {
        order = gateways_in_order(view, router, network);
    }
    if (!order.n) {
        return;
    }
    taken = vmn_alloc(view, order.n * sizeof *taken);
    taken[0] = text = order.names[0];
    for (size_t i = 1; i < order.n; i++) {
        if (watches_all(view, order.names[i], taken, n)) {
            taken[n++] = order.names[i];
            text = vmn_printf(view, "%s|%s", text, order.names[i]);
        }
    }
    vmn_value_set(value, text, strlen(text) + 1);
}

/* Evaluates VMN_QUERY_GATEWAY. */
void
query_active(struct vmn_view *view, const char *name, struct vmn_value *value)
{
    size_t size;
    const char *text = vmn_query(view, QUERY_FAILOVER, name, &size);
    const char *host = text ? vmn_printf(view, "%.*s",
                                         (int) strcspn(text, "|"), text)
                       : NULL;

    if (host) {
        vmn_value_set(value, host, strlen(host) + 1);
    }
}
