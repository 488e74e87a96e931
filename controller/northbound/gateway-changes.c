/* SPDX-License-Identifier: Apache-2.0
 *
 * See gateway-changes.h.  A gateway that is lost and comes back on the same
 * host has not moved; the first that a router has is no change either. */

#include <config.h>

#include "controller/northbound/gateway-changes.h"

#include <stdlib.h>
#include <string.h>

#include "controller/northbound/northbound-private.h"
#include "openvswitch/shash.h"
#include "sset.h"
#include "util.h"
#include "vmn/vocabulary.h"

struct gateway {
    char *host;                 /* The last one; owned. */
    uint64_t n_changes;
};

struct gateway_changes {
    const struct northbound *nb;
    struct shash gateways;      /* Of struct gateway, by router. */
};

static void
gateway_remove(struct gateway_changes *g, struct shash_node *node)
{
    struct gateway *gateway = node->data;

    free(gateway->host);
    free(gateway);
    shash_delete(&g->gateways, node);
}

/* Notes which host is the router's gateway now.  The current row counts: that
 * of a group which has just been stored is not settled yet. */
static void
update_gateway(struct gateway_changes *g, const char *router)
{
    struct shash_node *node = shash_find(&g->gateways, router);
    struct gateway *gateway = node ? node->data : NULL;
    char *host;

    if (!model_get(g->nb->model, VMN_TABLE_ROUTER, router)) {
        if (node) {
            gateway_remove(g, node);
        }
        return;
    }
    host = nb_active_gateway(g->nb, router);
    if (!host || (gateway && !strcmp(gateway->host, host))) {
        free(host);
        return;
    }
    if (!gateway) {
        gateway = xzalloc(sizeof *gateway);
        shash_add(&g->gateways, router, gateway);
    } else {
        gateway->n_changes++;
        free(gateway->host);
    }
    gateway->host = host;
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
gateway_changes_create(const struct northbound *nb)
{
    struct gateway_changes *g = xzalloc(sizeof *g);

    g->nb = nb;
    shash_init(&g->gateways);
    engine_watch(nb->engine, VMN_QUERY_GATEWAY);
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
    SHASH_FOR_EACH_SAFE (node, next, &g->gateways) {
        gateway_remove(g, node);
    }
    shash_destroy(&g->gateways);
    free(g);
}
