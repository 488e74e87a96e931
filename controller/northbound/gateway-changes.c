/* SPDX-License-Identifier: Apache-2.0
 *
 * See gateway-changes.h.  A gateway that is lost and comes back on the same
 * host has not moved; the first that a router has is no change either.
 *
 * What moves a gateway is mostly a host that is not heard: a change of what is
 * not stored, of which the log would say nothing. */

#include <config.h>

#include "controller/northbound/gateway-changes.h"

#include <stdlib.h>
#include <string.h>

#include "controller/northbound/event-log.h"
#include "controller/northbound/northbound-private.h"
#include "controller/northbound/replies.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-log.h"
#include "controller/schema/schema-row.h"
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
    struct sset routers;        /* To be looked at. */
};

static void
gateway_remove(struct gateway_changes *g, struct shash_node *node)
{
    struct gateway *gateway = node->data;

    free(gateway->host);
    free(gateway);
    shash_delete(&g->gateways, node);
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
    if (!host) {
        nb_fill_gateways(g->nb, NULL, router, &arena, &status);
        event.reason = status.reason;
    }
    event_about(&about, VMN_TABLE_ROUTER, router->row.name);
    event_about(&about, VMN_TABLE_HOST, before);
    event_about(&about, VMN_TABLE_HOST, host);
    event_push(g->nb, EVENT_GATEWAY, &nb_event_gateway, &event, &about,
               false);
    arena_uninit(&arena);
}

/* What becomes of a router's gateway. */
enum outcome { SAME, FIRST, LOST, MOVED, BACK, REMOVED };

/* Returns what it is by the current rows, and sets '*host' to the gateway
 * (NULL: none is), which the caller frees. */
static enum outcome
compare(const struct gateway_changes *g, const char *name, char **host)
{
    const struct gateway *gateway = shash_find_data(&g->gateways, name);
    const struct vmn_router *router = model_get(g->nb->model,
                                                VMN_TABLE_ROUTER, name);

    *host = router ? nb_active_gateway(g->nb, name) : NULL;
    if (!router || !router->external.network) {
        return REMOVED;
    } else if (!gateway) {
        return *host ? FIRST : SAME;
    } else if (!*host) {
        return gateway->lost ? SAME : LOST;
    } else if (strcmp(gateway->host, *host)) {
        return MOVED;
    }
    return gateway->lost ? BACK : SAME;
}

/* Notes which host is the router's gateway now.  The current row counts: that
 * of a group which has just been stored is not settled yet. */
static void
update_gateway(struct gateway_changes *g, const char *name)
{
    struct shash_node *node = shash_find(&g->gateways, name);
    struct gateway *gateway = node ? node->data : NULL;
    char *host;
    enum outcome outcome = compare(g, name, &host);

    if (outcome == REMOVED) {
        if (node) {
            gateway_remove(g, node);
        }
    } else if (outcome == FIRST) {
        gateway = xzalloc(sizeof *gateway);
        gateway->host = xstrdup(host);
        shash_add(&g->gateways, name, gateway);
    } else if (outcome != SAME) {
        push_event(g, model_get(g->nb->model, VMN_TABLE_ROUTER, name), host,
                   gateway->host);
        gateway->lost = outcome == LOST;
        if (outcome == MOVED) {
            gateway->n_changes++;
            free(gateway->host);
            gateway->host = xstrdup(host);
        }
    }
    free(host);
}

/* The log.  --------------------------------------------------------------- */

/* Returns true if the log's entry has a change of the object, or of one whose
 * name begins with 'name'. */
static bool
names_object(const struct model_log *log, enum vmn_table table,
             const char *name, const char *end)
{
    struct ds pattern = DS_EMPTY_INITIALIZER;
    bool found;

    ds_put_format(&pattern, "\"type\":\"%s\",\"name\":\"%s%s",
                  schema_tables[table]->plural, name, end);
    found = strstr(log->summary, ds_cstr(&pattern)) != NULL;
    ds_destroy(&pattern);
    return found;
}

/* Returns true if the host's interfaces changed by the revision. */
static bool
is_by_host(const struct model_log *log, const char *host)
{
    return host && names_object(log, VMN_TABLE_VIF, host, "/");
}

/* Adds to the newest revision of the group that may have done it, or else to
 * the last, that router 'name' has another gateway. */
static void
log_change(struct gateway_changes *g, const char *name, const char *from,
           const char *to)
{
    struct schema_changed change = {
        .op = "gateway", .type = schema_tables[VMN_TABLE_ROUTER]->plural,
        .name = name, .from = from, .to = to,
    };
    struct model_pending pending;
    char *by = NULL;
    size_t i;

    model_get_pending(g->nb->model, &pending);
    for (i = pending.n_logs; !by && i-- > 0; ) {
        const struct model_log *log = &pending.logs[i];

        if (is_by_host(log, from) || is_by_host(log, to)) {
            by = xasprintf("%s/%s", schema_tables[VMN_TABLE_HOST]->plural,
                           is_by_host(log, from) ? from : to);
        } else if (names_object(log, VMN_TABLE_ROUTER, name, "\"")) {
            by = xasprintf("%s/%s", change.type, name);
        }
    }
    if (!by && pending.n_logs) {
        i = pending.n_logs - 1;
        by = xasprintf("%s/%s", schema_tables[VMN_TABLE_HOST]->plural,
                       from ? from : to);
    }
    if (by) {
        change.by = by;
        model_log_add(g->nb->model, i, &change);
    }
    free(by);
}

static void
add_cb(void *routers, const char *name)
{
    sset_add(routers, name);
}

/* Finds the routers to look at.  A query that is read for the first time has
 * not changed, so routers that were written are looked at, too. */
static void
find_routers(struct gateway_changes *g)
{
    engine_take_changed(g->nb->engine, VMN_QUERY_GATEWAY, &g->routers);
    model_each_unsettled(g->nb->model, VMN_TABLE_ROUTER, add_cb, &g->routers);
}

/* Called before the group is stored, which may fail. */
static void
compiled_cb(void *g_, const struct commit_group *group OVS_UNUSED)
{
    struct gateway_changes *g = g_;
    const char *router;

    find_routers(g);
    SSET_FOR_EACH (router, &g->routers) {
        const struct gateway *gateway = shash_find_data(&g->gateways, router);
        char *host;
        enum outcome outcome = compare(g, router, &host);

        if (outcome == LOST || outcome == MOVED || outcome == BACK) {
            log_change(g, router, gateway->lost ? NULL : gateway->host, host);
        }
        free(host);
    }
}

static void
group_cb(void *g_, const struct commit_group *group OVS_UNUSED)
{
    struct gateway_changes *g = g_;
    const char *router;

    find_routers(g);
    SSET_FOR_EACH (router, &g->routers) {
        update_gateway(g, router);
    }
    sset_clear(&g->routers);
}

/* Called when the first compile is done. */
static void
begin_cb(void *g_)
{
    struct gateway_changes *g = g_;
    struct vmn_names names = model_names(g->nb->model, VMN_TABLE_ROUTER);

    for (size_t i = 0; i < names.n; i++) {
        update_gateway(g, names.names[i]);
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
    sset_init(&g->routers);
    engine_watch(nb->engine, VMN_QUERY_GATEWAY);
    commit_set_compiled(nb->commit, compiled_cb, g);
    commit_add_watch(nb->commit, group_cb, g);
    commit_when_quiescent(nb->commit, begin_cb, g);
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
    commit_set_compiled(g->nb->commit, NULL, NULL);
    SHASH_FOR_EACH_SAFE (node, next, &g->gateways) {
        gateway_remove(g, node);
    }
    shash_destroy(&g->gateways);
    sset_destroy(&g->routers);
    free(g);
}
