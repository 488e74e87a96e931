/* SPDX-License-Identifier: Apache-2.0
 *
 * Which hosts watch each other by BFD: those of a router's domain and its
 * gateways, if there is more than one.  By what is configured, not by what
 * works: a session with a host that is away tells that it is back.  Not for
 * what follows from what they see (failover.c, active-gateway.c). */

#include "gateway.h"

#include <string.h>

/* Returns true if the host is to be on the physical network. */
static bool
is_wired(struct vmn_view *view, const char *name, const char *physical)
{
    const struct vmn_host *host = vmn_read_host(view, name);

    for (size_t i = 0; host && !host->lost && i < host->n_provider_bridges;
         i++) {
        if (!strcmp(vmn_provider_bridge_at(host, i)->physical, physical)) {
            return true;
        }
    }
    return false;
}

/* Publishes that 'gateway' and each of 'others' watch each other, which must
 * not fail for want of room if 'first' is set: gateways have flows for one
 * another that are of no use without. */
static void
publish_pairs(struct vmn_view *view, struct vmn_emit *emit,
              const char *gateway, struct vmn_names others, bool first)
{
    const char *prefix = first ? VMN_WATCHED_FIRST : "";

    for (size_t i = 0; i < others.n && i < VMN_WATCHED_HOSTS_MAX; i++) {
        const char *other = others.names[i];
        const struct vmn_host *host = vmn_read_host(view, other);

        if (host && !host->lost && strcmp(gateway, other)) {
            vmn_publish(emit, VMN_REL_WATCHED_HOSTS, gateway,
                        vmn_printf(view, "%s%s", prefix, other));
            vmn_publish(emit, VMN_REL_WATCHED_HOSTS, other,
                        vmn_printf(view, "%s%s", prefix, gateway));
        }
    }
}

void
compile_watched(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_router *router = vmn_read_router(view, key);
    const struct vmn_network *network = external_network(view, router);
    struct vmn_names gateways = { 0, NULL };
    const char *domain, **names;

    if (!network || !router->n_interfaces) {
        return;
    }
    domain = vmn_domain_of(view,
                           vmn_router_interface_at(router, 0)->network);
    names = vmn_alloc(view, (router->external.n_gateways + 1)
                            * sizeof *names);
    for (size_t i = 0; i < router->external.n_gateways; i++) {
        const char *host = vmn_gateway_at(&router->external, i)->host;

        if (is_wired(view, host, network->provider.physical)) {
            names[gateways.n++] = host;
        }
    }
    gateways.names = names;
    if (gateways.n < 2 || gateways.n >= VMN_WATCHED_HOSTS_MAX
        || !vmn_domain_is_routed(domain)) {
        return;
    }

    struct vmn_names hosts = vmn_relation_values(view, VMN_REL_DOMAIN_HOSTS,
                                                 domain);

    for (size_t i = 0; i < gateways.n; i++) {
        publish_pairs(view, emit, names[i], gateways, true);
        publish_pairs(view, emit, names[i], hosts, false);
    }
}
