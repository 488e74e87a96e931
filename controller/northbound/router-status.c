/* SPDX-License-Identifier: Apache-2.0
 *
 * The status of routers: which host is the gateway, which ones could stand in,
 * and what cannot be reached without one.  Not for how often it moved, nor for
 * events of that (gateway-changes.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-counters.h"
#include "controller/model/gateway-hosts.h"
#include "controller/model/warnings.h"
#include "controller/northbound/router-status.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"
#include "vmn/vocabulary.h"

/* The app whose flows route; those that a router has a way on by are counted,
 * and no others of it (docs/pipeline.md). */
#define ROUTER_APP "router"

/* Maximum number of floating IPs that a warning names. */
#define NAMED_MAX 3

char *
nb_active_gateway(const struct northbound *nb, const char *router)
{
    size_t size;

    return engine_peek(nb->engine, VMN_QUERY_GATEWAY, router, &size);
}

/* Gateways.  ------------------------------------------------------------- */

static const char *
gateway_state(enum model_gateway able, bool is_active)
{
    return (is_active ? "active"
            : able == MODEL_GATEWAY_ABLE ? "standby" : "unable");
}

static bool
is_in_maintenance(const struct northbound *nb, const char *name)
{
    const struct vmn_host *host = model_get(nb->model, VMN_TABLE_HOST, name);

    return host && host->maintenance;
}

/* Returns why none of the gateways of 'status' is active, in 'arena'. */
static const char *
explain_none(const struct status_router *status, struct arena *arena)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    const char *text;

    for (size_t i = 0; i < status->n_gateways; i++) {
        const struct status_gateway *gateway = &status->gateways[i];

        if (gateway->reason) {
            ds_put_format(&ds, "%s%s: %s", ds.length ? "; "
                          : "no gateway can serve: ", gateway->host,
                          gateway->reason);
        }
    }
    text = (ds.length ? arena_strdup(arena, ds_cstr(&ds))
            : "no gateway has been elected yet");
    ds_destroy(&ds);
    return text;
}

void
nb_fill_gateways(const struct northbound *nb,
                 const struct model_rights *rights,
                 const struct vmn_router *router, struct arena *arena,
                 struct status_router *status)
{
    const struct vmn_external *external = &router->external;
    char *active;

    if (!external->network) {
        return;
    }
    active = nb_active_gateway(nb, router->row.name);
    status->gateway = active ? arena_strdup(arena, active) : NULL;
    free(active);
    status->n_gateways = external->n_gateways;
    status->gateways = arena_alloc(arena, external->n_gateways
                                          * sizeof *status->gateways);
    for (size_t i = 0; i < external->n_gateways; i++) {
        const char *host = external->gateways[i].host;
        bool is_active = status->gateway && !strcmp(status->gateway, host);
        const char *reason;
        enum model_gateway able = model_gateway_host(
            nb->model, rights, router, host, arena, &reason);

        status->gateways[i] = (struct status_gateway) {
            .host = host, .state = gateway_state(able, is_active),
            .reason = (is_active ? NULL
                       : reason ? reason
                       : is_in_maintenance(nb, host)
                       ? "it is in maintenance: others are preferred" : NULL),
        };
        status->n_standby += !strcmp(status->gateways[i].state, "standby");
    }
    if (!status->gateway) {
        status->reason = explain_none(status, arena);
    }
}

/* Rounds to tenths. */
static double
in_tenths(double rate)
{
    return round(10 * rate) / 10;
}

/* Fills in what the router has forwarded, if that is known here.  An account
 * is told it of the routers in its scope. */
static void
fill_traffic(const struct nb_status_query *q, const struct vmn_row *row,
             struct status_router *status)
{
    struct fabric_load load;

    if (!model_in_scope(q->rights, row)) {
        return;
    }
    /* Also where nothing is known, to tell how much that is. */
    status->unread_hosts = fabric_unread_hosts(q->nb->fabric);
    status->counted = fabric_counted_ms(q->nb->fabric);
    if (!fabric_object_load(q->nb->fabric, ROUTER_APP, VMN_TABLE_ROUTER,
                            row->name, &load)) {
        return;
    }
    status->traffic = arena_alloc(q->arena, sizeof *status->traffic);
    *status->traffic = (struct status_forwarded) {
        .packets = load.packets, .bytes = load.bytes,
        .packets_per_s = in_tenths(load.packets_per_s),
        .bytes_per_s = in_tenths(load.bytes_per_s), .last = load.last_ms,
    };
}

bool
nb_fill_router(const struct nb_status_query *q, const struct vmn_row *row,
               void *status_)
{
    const struct vmn_router *router = (const void *) row;
    struct status_router *status = status_;

    if (q->one) {
        fill_traffic(q, row, status);
    }
    if (q->one && router->n_interfaces) {
        size_t size;
        char *domain = engine_peek(q->nb->engine, VMN_QUERY_DOMAIN,
                                   router->interfaces[0].network, &size);

        status->domain = domain ? arena_strdup(q->arena, domain) : NULL;
        free(domain);
    }
    nb_fill_gateways(q->nb, q->rights, router, q->arena, status);
    return true;
}

void
nb_count_gateways(const struct northbound *nb,
                  const struct vmn_router *router,
                  struct nb_gateway_counts *counts)
{
    struct status_router status = { .gateway = NULL };
    struct arena arena;

    arena_init(&arena);
    nb_fill_gateways(nb, NULL, router, &arena, &status);
    *counts = (struct nb_gateway_counts) {
        .n = status.n_gateways, .n_standby = status.n_standby,
        .active = status.gateway != NULL,
    };
    arena_uninit(&arena);
}

bool
nb_lacks_gateway(const struct nb_gateway_counts *counts)
{
    return counts->n && !counts->active;
}

bool
nb_lacks_standby(const struct nb_gateway_counts *counts)
{
    return counts->n > 1 && counts->active && !counts->n_standby;
}

/* What is lost.  --------------------------------------------------------- */

/* Returns true if the floating IP is served by the host of its port, without
 * the router's gateway. */
static bool
is_distributed(const struct northbound *nb, const struct vmn_router *router,
               const struct vmn_floating_ip *floating, struct arena *arena)
{
    const struct vmn_binding *binding
        = (floating->port ? model_get(nb->model, VMN_TABLE_BINDING,
                                      floating->port) : NULL);
    const char *reason;

    return (binding && binding->host
            && model_gateway_host(nb->model, NULL, router, binding->host,
                                  arena, &reason) == MODEL_GATEWAY_ABLE);
}

static void
put_floating(const struct vmn_floating_ip *floating, struct ds *ds)
{
    char ip[VALUE_IP_SIZE];

    ds_put_format(ds, "floating IP %s (%s)", floating->row.name,
                  value_format_ip(&floating->ip, ip));
    if (floating->load_balancer) {
        ds_put_format(ds, " of balancer %s", floating->load_balancer);
    }
}

/* Appends what nobody outside reaches while the router has no gateway, as far
 * as a client with 'rights' (NULL: all) sees it. */
static void
put_lost(const struct northbound *nb, const struct model_rights *rights,
         const struct vmn_router *router, struct arena *arena, struct ds *ds)
{
    static const char begin[] = "; not reachable from outside: ";
    struct vmn_names names = model_lookup(
        nb->model, VMN_INDEX_FLOATING_BY_ROUTER, router->row.name);
    size_t n_forwards = router->external.n_forwards, n = 0;

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_floating_ip *floating = model_get(
            nb->model, VMN_TABLE_FLOATING_IP, names.names[i]);

        if (floating && model_sees(rights, &floating->row)
            && !is_distributed(nb, router, floating, arena)
            && n++ < NAMED_MAX) {
            ds_put_cstr(ds, n == 1 ? begin : ", ");
            put_floating(floating, ds);
        }
    }
    if (n > NAMED_MAX) {
        ds_put_format(ds, " and %"PRIuSIZE" more", n - NAMED_MAX);
    }
    if (n_forwards) {
        ds_put_format(ds, "%s%"PRIuSIZE" port forward%s", n ? "; " : begin,
                      n_forwards, n_forwards == 1 ? "" : "s");
    }
}

void
nb_warn_of_router(const struct northbound *nb,
                  const struct vmn_router *router,
                  struct model_warnings *warnings)
{
    struct nb_gateway_counts counts;
    struct ds lost = DS_EMPTY_INITIALIZER;
    struct arena arena;

    nb_count_gateways(nb, router, &counts);
    if (!nb_lacks_gateway(&counts)) {
        nb_warn_of_next_hops(nb, router, warnings);
        return;
    }
    arena_init(&arena);
    put_lost(nb, warnings->rights, router, &arena, &lost);
    model_warnings_put(warnings, &router->row, "/external/gateways",
                       "has no active gateway: nothing leaves by it%s",
                       ds_cstr(&lost));
    ds_destroy(&lost);
    arena_uninit(&arena);
}
