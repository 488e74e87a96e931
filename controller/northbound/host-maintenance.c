/* SPDX-License-Identifier: Apache-2.0
 *
 * What is left on a host in maintenance: of which routers it still is the
 * gateway, which ports are bound there or migrate to or from it, and how many
 * backends on it drain.
 * What leaves it by itself, and when, is decided by the apps gateway and
 * loadbalancer. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/health/health.h"
#include "controller/northbound/router-status.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "openvswitch/shash.h"
#include "proto/loop/loop.h"
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

/* How many backends drain, by host, as counted in a turn of the loop: once for
 * all hosts of a list. */
struct nb_drains {
    int64_t turn_ms;
    uint64_t revision;          /* Durable then. */
    struct shash hosts;         /* uint64_t; none of others. */
};

struct nb_drains *
nb_drains_create(void)
{
    struct nb_drains *drains = xmalloc(sizeof *drains);

    drains->turn_ms = INT64_MIN;
    shash_init(&drains->hosts);
    return drains;
}

void
nb_drains_destroy(struct nb_drains *drains)
{
    if (drains) {
        shash_destroy_free_data(&drains->hosts);
        free(drains);
    }
}

static void
count_all(const struct northbound *nb, struct shash *hosts)
{
    struct vmn_names names = model_names(nb->model, VMN_TABLE_LOADBALANCER);

    for (size_t i = 0; i < names.n; i++) {
        size_t n;
        struct vmn_lb_member *members = nb_balancer_members(
            nb, names.names[i], &n);

        for (size_t j = 0; j < n; j++) {
            uint64_t *n_draining;

            if (members[j].state != VMN_LB_DRAINING) {
                continue;
            }
            n_draining = shash_find_data(hosts, members[j].host);
            if (!n_draining) {
                n_draining = xzalloc(sizeof *n_draining);
                shash_add(hosts, members[j].host, n_draining);
            }
            ++*n_draining;
        }
        free(members);
    }
}

/* Returns how many backends on the host drain, and are not drained yet.  A
 * standby probes none, and goes by what the app makes of the writer's rows. */
static uint64_t
count_drains(const struct northbound *nb, const char *host)
{
    struct nb_drains *drains = nb->drains;
    uint64_t revision = model_durable_revision(nb->model);
    const uint64_t *n_draining;

    if (!nb->following) {
        return health_count_drains(nb->health, host);
    }
    if (drains->turn_ms != loop_now_ms(nb->loop)
        || drains->revision != revision) {
        drains->turn_ms = loop_now_ms(nb->loop);
        drains->revision = revision;
        shash_clear_free_data(&drains->hosts);
        count_all(nb, &drains->hosts);
    }
    n_draining = shash_find_data(&drains->hosts, host);
    return n_draining ? *n_draining : 0;
}

static const char **
names_alloc(struct arena *arena)
{
    return arena_alloc(arena, PORT_NAMES_MAX * sizeof(char *));
}

/* Fills in the ports that are bound on the host, and those that have it as
 * their candidate: with its interface a VM may run there at any moment. */
static void
fill_ports(const struct northbound *nb, const char *host, struct arena *arena,
           struct status_maintenance *status)
{
    struct vmn_names names = model_referrers(nb->model, VMN_TABLE_HOST, host,
                                             VMN_TABLE_BINDING);

    status->port_names = names_alloc(arena);
    status->migrating_names = names_alloc(arena);
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_binding *binding = model_get_durable(
            nb->model, VMN_TABLE_BINDING, names.names[i], NULL);

        if (!binding) {
            continue;
        }
        if (!strcmp(binding->host, host)) {
            if (status->ports++ < PORT_NAMES_MAX) {
                status->port_names[status->n_port_names++]
                    = binding->row.name;
            }
        } else if (nullable_string_is_equal(binding->candidate, host)
                   && status->migrating++ < PORT_NAMES_MAX) {
            status->migrating_names[status->n_migrating_names++]
                = binding->row.name;
        }
    }
}

struct status_maintenance *
nb_host_maintenance(const struct northbound *nb, const struct vmn_host *host,
                    struct arena *arena)
{
    struct status_maintenance *status;

    if (!host->maintenance) {
        return NULL;            /* As of nearly all. */
    }
    status = arena_alloc(arena, sizeof *status);
    *status = (struct status_maintenance) {
        .draining = count_drains(nb, host->row.name),
    };
    fill_ports(nb, host->row.name, arena, status);
    fill_routers(nb, host->row.name, arena, status);
    status->state = (status->ports || status->migrating || status->n_routers
                     || status->draining ? "draining" : "drained");
    return status;
}
