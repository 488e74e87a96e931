/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said of neighbours on physical networks that have not answered the
 * hosts that ask for them: of the one that a traced packet goes to, and of a
 * router's next hop.  Flows do not show it: they send to whoever answers. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-status.h"
#include "controller/model/warnings.h"
#include "controller/northbound/router-status.h"
#include "controller/schema/arena.h"
#include "controller/schema/value.h"
#include "controller/simulator/trace.h"
#include "util.h"

/* Returns the first gateway of the network's subnets of that family; NULL if
 * it has none. */
static const struct vmn_ip *
find_gateway(const struct vmn_network *network, uint8_t family)
{
    for (size_t i = 0; i < network->n_subnets; i++) {
        const struct vmn_subnet *subnet = vmn_subnet_at(network, i);

        if (subnet->gateway.family == family) {
            return &subnet->gateway;
        }
    }
    return NULL;
}

/* Returns whom a gateway asks for to send to 'ip' by way of the network: 'ip'
 * itself, or a next hop; NULL if there is none. */
static const struct vmn_ip *
find_neighbour(const struct vmn_network *network, const struct vmn_ip *ip)
{
    for (size_t i = 0; i < network->n_subnets; i++) {
        if (value_prefix_contains(&vmn_subnet_at(network, i)->cidr, ip)) {
            return ip;
        }
    }
    return find_gateway(network, ip->family);
}

/* Returns, in 'arena', that neighbour 'ip' of the network has not answered
 * 'host'; NULL if nothing is known of that. */
static const char *
describe(const struct northbound *nb, const char *host,
         const struct vmn_network *network, const struct vmn_ip *ip,
         struct arena *arena)
{
    struct fabric_unanswered asked;
    char text[VALUE_IP_SIZE];

    if (!fabric_neighbour_unanswered(nb->fabric, host, network->vni, ip,
                                     &asked)) {
        return NULL;
    }
    return arena_printf(
        arena, "%s in network \"%s\" has not answered host \"%s\": "
        "%"PRIu64" requests within %"PRId64" s, the last %"PRId64" s ago",
        value_format_ip(ip, text), network->row.name, host, asked.n,
        asked.within_ms / 1000, asked.ago_ms / 1000);
}

/* Traces.  --------------------------------------------------------------- */

static bool
is_outside(const struct trace_end *end, const char *host)
{
    return end->where && end->host && !strcmp(end->host, host);
}

/* Returns the packet of the trace that leaves to a physical network from
 * 'host', or NULL. */
static const struct trace_leg *
find_leaving(const struct trace *trace, const char *host)
{
    for (size_t i = 0; i < trace->n_outcomes; i++) {
        const struct trace_outcome *outcome = &trace->outcomes[i];

        for (size_t j = 0; j < outcome->n_legs; j++) {
            const struct trace_leg *leg = &outcome->legs[j];

            for (size_t k = 0; k < leg->n_ends; k++) {
                if (is_outside(&leg->ends[k], host)) {
                    return leg;
                }
            }
        }
    }
    return NULL;
}

/* Returns the router that the flow of a step is of, or NULL. */
static const struct vmn_router *
router_of_step(const struct northbound *nb, const struct trace_step *step)
{
    const struct status_object *object = step->by.object;
    const char *name = object ? object->name : NULL;

    if (object && !strcmp(object->type, "floating-ips")) {
        const struct vmn_floating_ip *floating
            = model_get(nb->model, VMN_TABLE_FLOATING_IP, name);

        name = floating ? floating->router : NULL;
    } else if (object && strcmp(object->type, "routers")) {
        name = NULL;
    }
    return name ? model_get(nb->model, VMN_TABLE_ROUTER, name) : NULL;
}

/* Returns the network that the packet leaves to: that of the last router. */
static const char *
network_of(const struct northbound *nb, const struct trace_leg *leg)
{
    for (size_t i = leg->n_steps; i > 0; i--) {
        const struct vmn_router *router
            = router_of_step(nb, &leg->steps[i - 1]);

        if (router && router->external.network) {
            return router->external.network;
        }
    }
    return NULL;
}

const char *
nb_describe_unanswered(const struct northbound *nb, const struct trace *trace,
                       const char *host, struct arena *arena)
{
    const struct trace_leg *leg = find_leaving(trace, host);
    const struct vmn_ip *ip = (trace->from.network ? &trace->from.ip
                               : &trace->to.ip);
    const char *name = leg ? network_of(nb, leg) : NULL;
    const struct vmn_network *network
        = name ? model_get(nb->model, VMN_TABLE_NETWORK, name) : NULL;
    const struct vmn_ip *neighbour = (network ? find_neighbour(network, ip)
                                      : NULL);

    return (neighbour ? describe(nb, host, network, neighbour, arena)
            : NULL);
}

/* Routers.  -------------------------------------------------------------- */

void
nb_warn_of_next_hops(const struct northbound *nb,
                     const struct vmn_router *router,
                     struct model_warnings *warnings)
{
    static const uint8_t families[] = { 4, 6 };
    const struct vmn_network *network
        = (router->external.network
           ? model_get(nb->model, VMN_TABLE_NETWORK, router->external.network)
           : NULL);
    char *host = network ? nb_active_gateway(nb, router->row.name) : NULL;
    struct arena arena;

    arena_init(&arena);
    for (size_t i = 0; host && i < ARRAY_SIZE(families); i++) {
        const struct vmn_ip *next = find_gateway(network, families[i]);
        const char *text = (next ? describe(nb, host, network, next, &arena)
                            : NULL);

        if (text) {
            model_warnings_put(warnings, &router->row, "/external/network",
                               "its next hop %s", text);
        }
    }
    arena_uninit(&arena);
    free(host);
}
