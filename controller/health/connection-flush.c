/* SPDX-License-Identifier: Apache-2.0
 *
 * See connection-flush.h. */

#include <config.h>

#include "controller/health/connection-flush.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/fabric/fabric-flush.h"
#include "controller/model/model.h"
#include "controller/model/id-pools.h"
#include "openvswitch/shash.h"
#include "util.h"
#include "vmn/vocabulary.h"

/* A backend whose connections are kept. */
struct kept {
    char *domain;
    struct fabric_flush flush;  /* What to flush when it is removed, with zone
                                 * 0. */
};

struct keeps {
    size_t n;
    struct kept *kept;
};

struct connection_flush {
    struct model *model;
    struct engine *engine;
    struct fabric *fabric;
    struct shash balancers;     /* Name -> struct keeps, of balancers of
                                 * UDP. */
};

static void
keeps_destroy(struct keeps *keeps)
{
    for (size_t i = 0; keeps && i < keeps->n; i++) {
        free(keeps->kept[i].domain);
    }
    if (keeps) {
        free(keeps->kept);
        free(keeps);
    }
}

static struct keeps *
keeps_read(const struct connection_flush *gone,
           const struct vmn_loadbalancer *lb,
           const struct vmn_lb_member *members, size_t n)
{
    struct keeps *keeps = xzalloc(sizeof *keeps);
    bool one_port = lb->n_ports == 1 && !lb->ports[0].end_port;

    keeps->kept = xcalloc(MAX(n, 1), sizeof *keeps->kept);
    for (size_t i = 0; i < n; i++) {
        if (members[i].keeps) {
            keeps->kept[keeps->n++] = (struct kept) {
                .domain = engine_domain_of(gone->engine,
                                           members[i].network),
                .flush = {
                    .protocol = lb->protocol,
                    .vip = lb->vip,
                    .port = one_port ? lb->ports[0].port : 0,
                    .backend = members[i].ip,
                },
            };
        }
    }
    return keeps;
}

/* Returns true if 'keeps' has the backend, whatever ports: a flush by one port
 * or all ports affects connections of this backend only. */
static bool
has_kept(const struct keeps *keeps, const struct kept *kept)
{
    for (size_t i = 0; keeps && i < keeps->n; i++) {
        const struct fabric_flush *a = &keeps->kept[i].flush;
        const struct fabric_flush *b = &kept->flush;

        if (vmn_ip_equal(&a->vip, &b->vip)
            && vmn_ip_equal(&a->backend, &b->backend)
            && !strcmp(keeps->kept[i].domain, kept->domain)) {
            return true;
        }
    }
    return false;
}

/* Returns the conntrack zone in which hosts balance connections for the
 * domain. */
static uint16_t
zone_of(const struct connection_flush *gone, const char *domain)
{
    char *key = xasprintf("balance/%s", domain);
    uint32_t zone =
        id_pools_peek(model_id_pools(gone->model), VMN_ID_POOL_ZONE, key);

    free(key);
    return zone;
}

static void
forget(struct connection_flush *gone, const struct kept *kept)
{
    struct fabric_flush flush = kept->flush;

    flush.zone = zone_of(gone, kept->domain);
    if (flush.zone) {
        fabric_flush_domain(gone->fabric, kept->domain, &flush, 1,
                            model_revision(gone->model));
    }
}

/* Keeps a backend.  Flushes that hosts did not get yet no longer concern it,
 * neither those of one of its ports nor those of all. */
static void
keep(struct connection_flush *gone, const struct vmn_loadbalancer *lb,
     const struct kept *kept)
{
    struct fabric_flush flush = kept->flush;

    flush.zone = zone_of(gone, kept->domain);
    for (size_t i = 0; flush.zone && i <= lb->n_ports; i++) {
        flush.port = i < lb->n_ports ? lb->ports[i].port : 0;
        fabric_flush_cancel(gone->fabric, &flush);
    }
}

void
connection_flush_update(struct connection_flush *gone, const char *name,
                        const struct vmn_loadbalancer *lb,
                        const struct vmn_lb_member *members, size_t n)
{
    struct keeps *before = shash_find_and_delete(&gone->balancers, name);
    struct keeps *now = (lb && lb->protocol == VMN_PROTO_UDP
                         ? keeps_read(gone, lb, members, n) : NULL);

    for (size_t i = 0; before && i < before->n; i++) {
        if (!has_kept(now, &before->kept[i])) {
            forget(gone, &before->kept[i]);
        }
    }
    for (size_t i = 0; now && i < now->n; i++) {
        if (!has_kept(before, &now->kept[i])) {
            keep(gone, lb, &now->kept[i]);
        }
    }
    if (now) {
        shash_add(&gone->balancers, name, now);
    }
    keeps_destroy(before);
}

struct connection_flush *
connection_flush_create(struct model *model, struct engine *engine,
                        struct fabric *fabric)
{
    struct connection_flush *gone = xzalloc(sizeof *gone);

    gone->model = model;
    gone->engine = engine;
    gone->fabric = fabric;
    shash_init(&gone->balancers);
    return gone;
}

void
connection_flush_destroy(struct connection_flush *gone)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &gone->balancers) {
        keeps_destroy(node->data);
    }
    shash_destroy(&gone->balancers);
    free(gone);
}
