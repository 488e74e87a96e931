/* SPDX-License-Identifier: Apache-2.0
 *
 * See gateway-changes.h.  A gateway that is lost and comes back on the same
 * host has not moved; the first that a router has is no change either. */

#include <config.h>

#include "controller/northbound/gateway-changes.h"

#include <stdlib.h>
#include <string.h>

#include "controller/northbound/event-log.h"
#include "controller/northbound/northbound-private.h"
#include "controller/northbound/replies.h"
#include "controller/northbound/router-status.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "openvswitch/shash.h"
#include "sset.h"
#include "timeval.h"
#include "util.h"
#include "vmn/vocabulary.h"

struct gateway {
    char *host;                 /* The last one; owned. */
    bool lost;                  /* It is that no longer, and no other is. */
    uint64_t n_changes;
};

struct gateway_changes {
    struct northbound *nb;
    struct shash gateways;      /* Of struct gateway, by router. */
    bool due;                   /* All are looked at in the next quiescent
                                 * state. */
};

static void
gateway_remove(struct gateway_changes *g, struct shash_node *node)
{
    struct gateway *gateway = node->data;

    free(gateway->host);
    free(gateway);
    shash_delete(&g->gateways, node);
}

/* Returns why 'host' is not the gateway any more, or NULL: others come first,
 * or it is not listed. */
static const char *
find_reason(const struct status_router *status, const char *host)
{
    for (size_t i = 0; i < status->n_gateways; i++) {
        if (!strcmp(status->gateways[i].host, host)) {
            return status->gateways[i].reason;
        }
    }
    return NULL;
}

/* Appends an event: 'host' is the router's gateway now (NULL: none is), and
 * 'before' was the last one. */
static void
push_event(const struct gateway_changes *g, const struct vmn_router *router,
           const char *host, const char *before)
{
    struct nb_event_gateway event = {
        .router = router->row.name, .time = time_wall_msec(),
        .state = host ? "active" : "lost", .host = host, .before = before,
    };
    struct status_router status = { .gateway = NULL };
    struct ds about = DS_EMPTY_INITIALIZER;
    struct arena arena;

    arena_init(&arena);
    nb_fill_gateways(g->nb, NULL, router, &arena, &status);
    event.reason = host ? find_reason(&status, before) : status.reason;
    event_about(&about, VMN_TABLE_ROUTER, router->row.name);
    event_about(&about, VMN_TABLE_HOST, before);
    event_about(&about, VMN_TABLE_HOST, host);
    event_push(g->nb, EVENT_GATEWAY, &nb_event_gateway, &event, &about,
               false);
    arena_uninit(&arena);
}

/* Notes which host is the router's gateway now.  The current row counts: that
 * of a group which has just been stored is not settled yet. */
static void
update_gateway(struct gateway_changes *g, const char *name)
{
    struct shash_node *node = shash_find(&g->gateways, name);
    struct gateway *gateway = node ? node->data : NULL;
    const struct vmn_router *router = model_get(g->nb->model,
                                                VMN_TABLE_ROUTER, name);
    char *host = router ? nb_active_gateway(g->nb, name) : NULL;

    if (!router || !router->external.network) {
        if (node) {
            gateway_remove(g, node);
        }
    } else if (!gateway && host) {
        gateway = xzalloc(sizeof *gateway);
        gateway->host = xstrdup(host);
        shash_add(&g->gateways, name, gateway);
    } else if (gateway && !host && !gateway->lost) {
        gateway->lost = true;
        push_event(g, router, NULL, gateway->host);
    } else if (gateway && host
               && (gateway->lost || strcmp(gateway->host, host))) {
        gateway->n_changes += strcmp(gateway->host, host) != 0;
        push_event(g, router, host, gateway->host);
        free(gateway->host);
        gateway->host = xstrdup(host);
        gateway->lost = false;
    }
    free(host);
}

static void
add_cb(void *routers, const char *name)
{
    sset_add(routers, name);
}

/* A query that is read for the first time has not changed, so routers that
 * were written are looked at, too. */
static void
group_cb(void *g_, const struct commit_group *group OVS_UNUSED)
{
    struct sset routers = SSET_INITIALIZER(&routers);
    struct gateway_changes *g = g_;
    const char *router;

    engine_take_changed(g->nb->engine, VMN_QUERY_GATEWAY, &routers);
    model_each_unsettled(g->nb->model, VMN_TABLE_ROUTER, add_cb, &routers);
    SSET_FOR_EACH (router, &routers) {
        update_gateway(g, router);
    }
    sset_destroy(&routers);
}

/* Called when the first compile is done. */
static void
begin_cb(void *g_)
{
    struct gateway_changes *g = g_;
    struct vmn_names names = model_names(g->nb->model, VMN_TABLE_ROUTER);

    g->due = false;
    for (size_t i = 0; i < names.n; i++) {
        update_gateway(g, names.names[i]);
    }
}

static void
begin_when_quiescent(struct gateway_changes *g)
{
    if (!g->due) {
        g->due = true;
        commit_when_quiescent(g->nb->commit, begin_cb, g);
    }
}

uint64_t
gateway_changes_of(const struct gateway_changes *g, const char *router)
{
    const struct gateway *gateway = shash_find_data(&g->gateways, router);

    return gateway ? gateway->n_changes : 0;
}

struct gateway_changes *
gateway_changes_create(struct northbound *nb)
{
    struct gateway_changes *g = xzalloc(sizeof *g);

    g->nb = nb;
    shash_init(&g->gateways);
    engine_watch(nb->engine, VMN_QUERY_GATEWAY);
    commit_add_watch(nb->commit, group_cb, g);
    begin_when_quiescent(g);
    return g;
}

void
gateway_changes_destroy(struct gateway_changes *g)
{
    struct shash_node *node, *next;

    if (!g) {
        return;
    }
    commit_cancel_when_quiescent(g->nb->commit, begin_cb, g);
    commit_remove_watch(g->nb->commit, group_cb, g);
    SHASH_FOR_EACH_SAFE (node, next, &g->gateways) {
        gateway_remove(g, node);
    }
    shash_destroy(&g->gateways);
    free(g);
}
