/* SPDX-License-Identifier: Apache-2.0
 *
 * What is left on a host in maintenance: of which routers it still is the
 * gateway, which ports are bound there, and how many backends on it drain.
 * What leaves it by itself, and when, is decided by the apps gateway and
 * loadbalancer. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/health/health.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "util.h"

#define PORT_NAMES_MAX 100

static bool
lists_gateway(const struct vmn_router *router, const char *host)
{
    for (size_t i = 0; i < router->external.n_gateways; i++) {
        if (!strcmp(router->external.gateways[i].host, host)) {
            return true;
        }
    }
    return false;
}

/* Fills in the routers whose gateway the host is. */
static void
fill_routers(const struct northbound *nb, const char *host,
             struct arena *arena, struct status_maintenance *status)
{
    struct vmn_names names = model_names(nb->model, VMN_TABLE_ROUTER);

    status->routers = arena_alloc(arena, names.n * sizeof *status->routers);
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_router *router = model_get_durable(
            nb->model, VMN_TABLE_ROUTER, names.names[i], NULL);
        char *active = (router && lists_gateway(router, host)
                        ? nb_active_gateway(nb, names.names[i]) : NULL);

        if (active && !strcmp(active, host)) {
            status->routers[status->n_routers++] = router->row.name;
        }
        free(active);
    }
}

/* Returns how many backends on the host drain, and are not drained yet.  Who
 * stands by probes none, and goes by what the app makes of the writer's
 * rows. */
static uint64_t
count_drains(const struct northbound *nb, const char *host)
{
    struct vmn_names names;
    uint64_t n_draining = 0;

    if (!nb->following) {
        return health_count_drains(nb->health, host);
    }
    names = model_names(nb->model, VMN_TABLE_LOADBALANCER);
    for (size_t i = 0; i < names.n; i++) {
        size_t n;
        struct vmn_lb_member *members = nb_balancer_members(
            nb, names.names[i], &n);

        for (size_t j = 0; j < n; j++) {
            n_draining += (members[j].state == VMN_LB_DRAINING
                           && !strcmp(members[j].host, host));
        }
        free(members);
    }
    return n_draining;
}

struct status_maintenance *
nb_host_maintenance(const struct northbound *nb, const struct vmn_host *host,
                    struct arena *arena)
{
    struct status_maintenance *status;
    struct vmn_names ports;

    if (!host->maintenance) {
        return NULL;            /* As of nearly all. */
    }
    ports = model_lookup(nb->model, VMN_INDEX_PORT_BY_HOST, host->row.name);
    status = arena_alloc(arena, sizeof *status);
    *status = (struct status_maintenance) {
        .ports = ports.n, .n_port_names = MIN(ports.n, PORT_NAMES_MAX),
        .draining = count_drains(nb, host->row.name),
    };
    status->port_names = arena_alloc(arena, status->n_port_names
                                            * sizeof *status->port_names);
    for (size_t i = 0; i < status->n_port_names; i++) {
        status->port_names[i] = arena_strdup(arena, ports.names[i]);
    }
    fill_routers(nb, host->row.name, arena, status);
    status->state = (ports.n || status->n_routers || status->draining
                     ? "draining" : "drained");
    return status;
}
