/* SPDX-License-Identifier: Apache-2.0
 *
 * Which hosts have parts in which networks, as sets of bits: found network by
 * network, in slices of time, since there may be many of both.  Not for which
 * pairs follow (host-pairs.c). */

#include <config.h>

#include "controller/paths/paths-private.h"

#include <stdlib.h>

#include "bitmap.h"
#include "controller/engine/engine.h"
#include "controller/engine/relation.h"
#include "controller/fabric/fabric-status.h"
#include "controller/model/id-pools.h"
#include "controller/model/model.h"
#include "timeval.h"
#include "util.h"
#include "vmn/app.h"

/* Other work of the loop has its turn after so long. */
#define SLICE_US 5000

/* Gives each host whose switch is connected, and to which can be sent, an
 * index. */
static void
add_hosts(const struct paths *p, struct path_finding *f)
{
    const struct vmn_host *host = NULL;
    size_t allocated = 0;

    while ((host = model_next_durable(p->model, VMN_TABLE_HOST,
                                      host ? host->row.name : "", NULL))) {
        uint32_t number = id_pools_peek(model_id_pools(p->model),
                                        VMN_ID_POOL_HOST, host->row.name);

        if (!number || !fabric_host_is_connected(p->fabric, host->row.name)) {
            continue;
        }
        if (f->n >= allocated) {
            f->hosts = x2nrealloc(f->hosts, &allocated, sizeof *f->hosts);
        }
        f->hosts[f->n] = (struct finding_host) {
            .name = xstrdup(host->row.name), .number = number,
        };
        simap_put(&f->indexes, host->row.name, ++f->n);
    }
}

struct path_finding *
path_domains_begin(struct paths *p)
{
    struct path_finding *f = xzalloc(sizeof *f);
    size_t size;
    uint32_t *common = engine_peek(p->engine, VMN_QUERY_MTU, "", &size);

    f->common_mtu = (common && size == sizeof *common ? *common
                     : VMN_MTU_DEFAULT);
    free(common);
    f->after = xstrdup("");
    simap_init(&f->indexes);
    shash_init(&f->domains);
    smap_init(&f->networks);
    add_hosts(p, f);
    return f;
}

static void
domain_free(struct path_domain *domain)
{
    bitmap_free(domain->hosts);
    free(domain->largest);
    free(domain);
}

void
path_domains_clear(struct shash *domains)
{
    struct shash_node *node, *next;

    SHASH_FOR_EACH_SAFE (node, next, domains) {
        domain_free(node->data);
        shash_delete(domains, node);
    }
}

void
path_domains_free(struct path_finding *f)
{
    if (!f) {
        return;
    }
    for (size_t i = 0; i < f->n; i++) {
        free(f->hosts[i].name);
        bitmap_free(f->hosts[i].peers);
        bitmap_free(f->hosts[i].domains);
    }
    free(f->hosts);
    free(f->after);
    free(f->list);
    simap_destroy(&f->indexes);
    path_domains_clear(&f->domains);
    shash_destroy(&f->domains);
    smap_destroy(&f->networks);
    free(f);
}

/* Adds a domain with its hosts, each of which is a peer of the others then. */
static struct path_domain *
add_domain(struct paths *p, struct path_finding *f, const char *key)
{
    struct path_domain *domain = xzalloc(sizeof *domain);
    bool routed = vmn_domain_is_routed(key);
    struct vmn_names hosts = engine_relation_values(
        p->engine, routed ? VMN_REL_DOMAIN_HOSTS : VMN_REL_NETWORK_HOSTS, key);
    size_t i;

    domain->hosts = bitmap_allocate(f->n);
    for (size_t k = 0; k < hosts.n; k++) {
        i = simap_get(&f->indexes, hosts.names[k]);
        if (i) {
            bitmap_set1(domain->hosts, i - 1);
            domain->n_hosts++;
        }
    }
    if (domain->n_hosts >= 2) {
        domain->largest = (routed ? xcalloc(f->n, sizeof *domain->largest)
                           : NULL);
        BITMAP_FOR_EACH_1 (i, f->n, domain->hosts) {
            struct finding_host *host = &f->hosts[i];

            if (!host->peers) {
                host->peers = bitmap_allocate(f->n);
            }
            bitmap_or(host->peers, domain->hosts, f->n);
        }
    }
    if (f->n_list >= f->allocated) {
        f->list = x2nrealloc(f->list, &f->allocated, sizeof *f->list);
    }
    f->list[f->n_list++] = domain;
    shash_add(&f->domains, key, domain);
    return domain;
}

/* Notes the MTU of a network of the domain. */
static void
add_mtu(struct paths *p, const struct path_finding *f,
        struct path_domain *domain, const struct vmn_network *network)
{
    uint32_t mtu = network->mtu ? network->mtu : f->common_mtu;
    struct vmn_names hosts;

    domain->least = domain->least ? MIN(domain->least, mtu) : mtu;
    domain->most = MAX(domain->most, mtu);
    if (!domain->largest) {
        return;
    }
    hosts = engine_relation_values(p->engine, VMN_REL_NETWORK_HOSTS,
                                   network->row.name);
    for (size_t k = 0; k < hosts.n; k++) {
        size_t i = simap_get(&f->indexes, hosts.names[k]);

        if (i) {
            domain->largest[i - 1] = MAX(domain->largest[i - 1], mtu);
        }
    }
}

bool
path_domains_step(struct paths *p, struct path_finding *f)
{
    int64_t until_us = time_usec() + SLICE_US;
    const struct vmn_network *network;

    while ((network = model_next_durable(p->model, VMN_TABLE_NETWORK,
                                         f->after, NULL))) {
        struct path_domain *domain;
        char *key;

        if (time_usec() >= until_us) {
            return false;
        }
        free(f->after);
        f->after = xstrdup(network->row.name);
        if (!network->vni || network->provider.physical) {
            continue;
        }
        key = engine_domain_of(p->engine, network->row.name);
        domain = shash_find_data(&f->domains, key);
        if (!domain) {
            domain = add_domain(p, f, key);
        }
        add_mtu(p, f, domain, network);
        smap_add(&f->networks, network->row.name, key);
        free(key);
    }
    return true;
}

uint32_t
path_domain_mtu(const struct path_domain *domain, size_t a, size_t b)
{
    uint32_t mtu = (domain->largest
                    ? MIN(domain->largest[a], domain->largest[b]) : 0);

    /* A gateway has a part in the domain, and may have none in a network. */
    return mtu ? mtu : domain->least;
}
