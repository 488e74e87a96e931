/* SPDX-License-Identifier: Apache-2.0
 *
 * Which hosts are pairs: those whose switches are connected, and that have
 * parts in the same network, or in networks that routers join.  Part of
 * path-measuring.c, which says when. */

#include <config.h>

#include "controller/paths/paths-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/engine/relation.h"
#include "controller/fabric/fabric-frames.h"
#include "controller/fabric/fabric-status.h"
#include "controller/model/id-pools.h"
#include "controller/model/model.h"
#include "hash.h"
#include "timeval.h"
#include "util.h"
#include "vmn/app.h"

/* Domains.  --------------------------------------------------------------- */

static void
clear_domains(struct paths *p)
{
    struct shash_node *node, *next;

    SHASH_FOR_EACH_SAFE (node, next, &p->domains) {
        struct path_domain *domain = node->data;

        sset_destroy(&domain->hosts);
        free(domain);
        shash_delete(&p->domains, node);
    }
    smap_clear(&p->networks);
}

/* Adds the hosts of a domain that are connected. */
static struct path_domain *
add_domain(struct paths *p, const char *key)
{
    struct path_domain *domain = xzalloc(sizeof *domain);
    struct vmn_names hosts = engine_relation_values(
        p->engine, (vmn_domain_is_routed(key) ? VMN_REL_DOMAIN_HOSTS
                    : VMN_REL_NETWORK_HOSTS), key);

    sset_init(&domain->hosts);
    for (size_t i = 0; i < hosts.n; i++) {
        if (fabric_host_is_connected(p->fabric, hosts.names[i])) {
            sset_add(&domain->hosts, hosts.names[i]);
        }
    }
    shash_add(&p->domains, key, domain);
    return domain;
}

static void
find_domains(struct paths *p)
{
    const struct vmn_network *network = NULL;
    size_t size;
    uint32_t *common = engine_peek(p->engine, VMN_QUERY_MTU, "", &size);
    uint32_t common_mtu = (common && size == sizeof *common ? *common
                           : VMN_MTU_DEFAULT);

    free(common);
    clear_domains(p);
    while ((network = model_next_durable(p->model, VMN_TABLE_NETWORK,
                                         network ? network->row.name : "",
                                         NULL))) {
        struct path_domain *domain;
        char *key;

        if (!network->vni || network->provider.physical) {
            continue;
        }
        key = engine_domain_of(p->engine, network->row.name);
        domain = shash_find_data(&p->domains, key);
        if (!domain) {
            domain = add_domain(p, key);
        }
        domain->mtu = MAX(domain->mtu,
                          network->mtu ? network->mtu : common_mtu);
        smap_add(&p->networks, network->row.name, key);
        free(key);
    }
}

/* Hosts and paths.  ------------------------------------------------------- */

static uint32_t
pair_hash(const struct path_host *a, const struct path_host *b)
{
    return (a->number < b->number ? hash_2words(a->number, b->number)
            : hash_2words(b->number, a->number));
}

struct path *
host_pairs_get(const struct paths *p, const struct path_host *a,
               const struct path_host *b)
{
    struct path *path;

    HMAP_FOR_EACH_WITH_HASH (path, node, pair_hash(a, b), &p->pairs) {
        if ((path->hosts[0] == a && path->hosts[1] == b)
            || (path->hosts[0] == b && path->hosts[1] == a)) {
            return path;
        }
    }
    return NULL;
}

static void
forget_probes(struct path_turn *turn, const struct path *path)
{
    for (size_t i = 0; i < turn->n; i++) {
        if (turn->probes[i].path == path) {
            turn->probes[i].path = NULL;
        }
    }
}

static void
path_free(struct paths *p, struct path *path)
{
    forget_probes(path->hosts[0]->last, path);
    forget_probes(path->hosts[0]->before, path);
    hmap_remove(&p->pairs, &path->node);
    free(path);
}

static void
host_free(struct paths *p, struct path_host *host)
{
    hmap_remove(&p->numbers, &host->node);
    shash_find_and_delete(&p->hosts, host->name);
    free(host->name);
    free(host->own);
    free(host->last);
    free(host->before);
    free(host);
}

/* Returns the host, which is created if it is new; or NULL if it has no
 * number, as nothing is sent to it. */
static struct path_host *
get_host(struct paths *p, const char *name)
{
    struct path_host *host = shash_find_data(&p->hosts, name);
    uint32_t number;

    if (!host) {
        number = id_pools_peek(model_id_pools(p->model), VMN_ID_POOL_HOST,
                               name);
        if (!number) {
            return NULL;
        }
        host = xzalloc(sizeof *host);
        host->name = xstrdup(name);
        host->number = number;
        host->revision = model_durable_revision(p->model);
        path_least_init(&host->reference);
        host->last = xzalloc(sizeof *host->last);
        host->before = xzalloc(sizeof *host->before);
        hmap_insert(&p->numbers, &host->node, hash_int(number, 0));
        shash_add(&p->hosts, name, host);
    }
    return host;
}

/* Returns true if the host has the flows by which it and 'other' send each
 * other probes: without these, they would be lost, and no path broken. */
static bool
has_flows(const struct paths *p, const struct path_host *host,
          const struct path_host *other)
{
    return fabric_host_acked(p->fabric, host->name) >= MAX(host->revision,
                                                           other->revision);
}

/* The two hosts are a pair.  Which of them probes, is by chance: so each has
 * about as many paths. */
static void
add_pair(struct paths *p, struct path_host *a, struct path_host *b,
         uint32_t mtu)
{
    struct path *path = host_pairs_get(p, a, b);

    if (!path) {
        bool swap = (a->number ^ b->number ^ (a->number > b->number)) & 1;

        if (hmap_count(&p->pairs) >= PATHS_MAX) {
            p->stats.n_unmeasured++;
            return;
        }
        if (!has_flows(p, a, b) || !has_flows(p, b, a)) {
            p->waits = a->shared = b->shared = true;
            return;
        }
        path = xzalloc(sizeof *path);
        path->hosts[0] = swap ? b : a;
        path->hosts[1] = swap ? a : b;
        path_window_init(&path->window);
        path->since_ms = time_wall_msec();
        hmap_insert(&p->pairs, &path->node, pair_hash(a, b));
    }
    path->mtu = path->shared ? MAX(path->mtu, mtu) : mtu;
    path->shared = a->shared = b->shared = true;
}

static void
add_pairs_of(struct paths *p, const struct path_domain *domain)
{
    const char **names = sset_array(&domain->hosts);
    size_t n = sset_count(&domain->hosts), n_hosts = 0;
    struct path_host **hosts = xmalloc(MAX(n, 1) * sizeof *hosts);

    for (size_t i = 0; i < n; i++) {
        struct path_host *host = get_host(p, names[i]);

        if (host) {
            hosts[n_hosts++] = host;
        }
    }
    for (size_t i = 0; i < n_hosts; i++) {
        for (size_t j = i + 1; j < n_hosts; j++) {
            add_pair(p, hosts[i], hosts[j], domain->mtu);
        }
    }
    free(hosts);
    free(names);
}

/* Lists the paths that each host probes, and the hosts that have turns. */
static void
give_turns(struct paths *p)
{
    const struct shash_node *node;
    struct path *path;

    SHASH_FOR_EACH (node, &p->hosts) {
        struct path_host *host = node->data;

        host->n_own = 0;
    }
    HMAP_FOR_EACH (path, node, &p->pairs) {
        struct path_host *host = path->hosts[0];

        if (host->n_own >= host->allocated) {
            host->own = x2nrealloc(host->own, &host->allocated,
                                   sizeof *host->own);
        }
        host->own[host->n_own++] = path;
    }
    p->n_turns = 0;
    p->in_turn = xrealloc(p->in_turn, MAX(shash_count(&p->hosts), 1)
                                      * sizeof *p->in_turn);
    SHASH_FOR_EACH (node, &p->hosts) {
        struct path_host *host = node->data;

        if (host->n_own) {
            p->in_turn[p->n_turns++] = host;
        }
    }
}

/* Forgets paths and hosts that are not 'shared'. */
static void
forget_others(struct paths *p)
{
    struct shash_node *node, *next_node;
    struct path *path, *next;

    HMAP_FOR_EACH_SAFE (path, next, node, &p->pairs) {
        if (!path->shared) {
            path_free(p, path);
        }
    }
    SHASH_FOR_EACH_SAFE (node, next_node, &p->hosts) {
        struct path_host *host = node->data;

        if (!host->shared) {
            host_free(p, host);
        }
    }
}

static void
begin(struct paths *p)
{
    const struct shash_node *node;
    struct path *path;

    p->waits = false;
    p->stats.n_unmeasured = 0;
    SHASH_FOR_EACH (node, &p->hosts) {
        struct path_host *host = node->data;

        host->shared = false;
    }
    HMAP_FOR_EACH (path, node, &p->pairs) {
        path->shared = false;
    }
}

/* Forgets hosts whose number is another one: they are others. */
static void
forget_renumbered(struct paths *p)
{
    const struct shash_node *node;
    struct path *path;

    SHASH_FOR_EACH (node, &p->hosts) {
        struct path_host *host = node->data;

        host->shared = host->number == id_pools_peek(
            model_id_pools(p->model), VMN_ID_POOL_HOST, host->name);
    }
    HMAP_FOR_EACH (path, node, &p->pairs) {
        path->shared = path->hosts[0]->shared && path->hosts[1]->shared;
    }
    forget_others(p);
}

/* Returns the VNI of probes, or 0 and sets 'problem'. */
static uint32_t
find_vni(struct paths *p)
{
    unsigned rate = fabric_packet_port_rate(p->fabric);

    if (!engine_relation_values(p->engine, VMN_REL_PATH_PROBES, "").n) {
        p->problem = "app paths is not loaded, or not enabled";
    } else if (rate && rate < PATHS_PACKET_RATE_MIN) {
        p->problem = "--packet-port-rate is less than 20";
    } else {
        p->problem = "there is no VNI left for probes";
        return id_pools_peek(model_id_pools(p->model), VMN_ID_POOL_VNI,
                             VMN_PATH_VNI_KEY);
    }
    return 0;
}

void
host_pairs_find(struct paths *p)
{
    const struct shash_node *node;

    p->vni = find_vni(p);
    if (!p->vni) {
        host_pairs_clear(p);
        return;
    }
    find_domains(p);
    forget_renumbered(p);
    begin(p);
    SHASH_FOR_EACH (node, &p->domains) {
        add_pairs_of(p, node->data);
    }
    forget_others(p);
    give_turns(p);
}

void
host_pairs_clear(struct paths *p)
{
    begin(p);
    forget_others(p);
    clear_domains(p);
    p->n_turns = 0;
}
