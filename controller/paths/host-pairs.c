/* SPDX-License-Identifier: Apache-2.0
 *
 * Which hosts are pairs: those whose switches are connected, and that have
 * parts in the same network, or in networks that routers join
 * (path-domains.c).  Part of path-measuring.c, which says when. */

#include <config.h>

#include "controller/paths/paths-private.h"

#include <stdlib.h>
#include <string.h>

#include "bitmap.h"
#include "controller/engine/engine.h"
#include "controller/engine/relation.h"
#include "controller/fabric/fabric-frames.h"
#include "controller/fabric/fabric-status.h"
#include "controller/model/id-pools.h"
#include "controller/model/model.h"
#include "hash.h"
#include "jhash.h"
#include "timeval.h"
#include "util.h"
#include "vmn/app.h"

/* Hosts and paths.  ------------------------------------------------------- */

static uint32_t
pair_hash(const struct path_host *a, const struct path_host *b)
{
    return (a->number < b->number ? hash_2words(a->number, b->number)
            : hash_2words(b->number, a->number));
}

/* Returns true if of two hosts the one with the larger number probes.  By a
 * hash that is the same in any build: members of a cluster must agree. */
static bool
larger_probes(const struct path_host *a, const struct path_host *b)
{
    uint32_t words[] = { MIN(a->number, b->number),
                         MAX(a->number, b->number) };

    return jhash_words(words, ARRAY_SIZE(words), 0) & 1;
}

struct path *
host_pairs_find(const struct paths *p, const struct path_host *a,
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
    path_judging_forget(p, path);
    for (size_t i = 0; i < 2; i++) {
        forget_probes(path->hosts[i]->last, path);
        forget_probes(path->hosts[i]->before, path);
    }
    hmap_remove(&p->pairs, &path->node);
    free(path);
}

static void
host_free(struct paths *p, struct path_host *host)
{
    path_suspects_forget(p, host);
    hmap_remove(&p->numbers, &host->node);
    shash_find_and_delete(&p->hosts, host->name);
    free(host->name);
    free(host->own);
    free(host->last);
    free(host->before);
    free(host);
}

/* Returns the host, which is created if it is new. */
static struct path_host *
get_host(struct paths *p, const struct finding_host *found)
{
    struct path_host *host = shash_find_data(&p->hosts, found->name);

    if (!host) {
        host = xzalloc(sizeof *host);
        host->name = xstrdup(found->name);
        host->number = found->number;
        host->revision = model_durable_revision(p->model);
        path_least_init(&host->reference);
        host->last = xzalloc(sizeof *host->last);
        host->before = xzalloc(sizeof *host->before);
        hmap_insert(&p->numbers, &host->node, hash_int(host->number, 0));
        shash_add(&p->hosts, host->name, host);
    }
    return host;
}

/* Forgets all paths of the host, and the host. */
static void
forget_host(struct paths *p, struct path_host *host)
{
    struct path *path, *next;

    HMAP_FOR_EACH_SAFE (path, next, node, &p->pairs) {
        if (path->hosts[0] == host || path->hosts[1] == host) {
            path_free(p, path);
        }
    }
    host_free(p, host);
}

/* Those with the largest MTU come first. */
static int
compare_domains(const void *a_, const void *b_)
{
    const struct path_domain *const *a = a_, *const *b = b_;

    return ((*a)->most < (*b)->most) - ((*a)->most > (*b)->most);
}

/* Has each host that has peers be there; those whose number is another one are
 * others. */
static void
find_hosts(struct paths *p, struct path_finding *f)
{
    for (size_t i = 0; i < f->n; i++) {
        struct finding_host *found = &f->hosts[i];
        struct path_host *host = shash_find_data(&p->hosts, found->name);

        if (host && host->number != found->number) {
            forget_host(p, host);
        }
        if (found->peers) {
            found->host = get_host(p, found);
            found->host->index = i + 1;
            found->live = fabric_host_is_live(p->fabric, found->name);
            found->acked = fabric_host_acked(p->fabric, found->name);
            found->domains = bitmap_allocate(f->n_list);
        }
    }
    if (f->n_list) {
        qsort(f->list, f->n_list, sizeof *f->list, compare_domains);
    }
    for (size_t k = 0; k < f->n_list; k++) {
        const struct path_domain *domain = f->list[k];
        size_t i;

        if (domain->n_hosts >= 2) {
            BITMAP_FOR_EACH_1 (i, f->n, domain->hosts) {
                bitmap_set1(f->hosts[i].domains, k);
            }
        }
    }
}

/* Returns the largest MTU of packets that the hosts have for each other. */
static uint32_t
mtu_of(const struct path_finding *f, size_t a, size_t b)
{
    const unsigned long *of_a = f->hosts[a].domains;
    const unsigned long *of_b = f->hosts[b].domains;
    uint32_t mtu = 0;

    for (size_t w = 0; w < bitmap_n_longs(f->n_list); w++) {
        unsigned long common = of_a[w] & of_b[w];

        for (; common; common = zero_rightmost_1bit(common)) {
            size_t k = w * BITMAP_ULONG_BITS + raw_ctz(common);

            if (f->list[k]->most <= mtu) {
                return mtu;
            }
            mtu = MAX(mtu, path_domain_mtu(f->list[k], a, b));
        }
    }
    return mtu;
}

/* Of the paths that there are forgets those of hosts that are no pairs any
 * more; the others are no peers in 'f' then: who still is, is new. */
static void
keep_paths(struct paths *p, struct path_finding *f)
{
    struct path *path, *next;

    HMAP_FOR_EACH_SAFE (path, next, node, &p->pairs) {
        size_t a = path->hosts[0]->index, b = path->hosts[1]->index;

        if (!a || !b || !bitmap_is_set(f->hosts[a - 1].peers, b - 1)) {
            path_free(p, path);
            continue;
        }
        bitmap_set0(f->hosts[a - 1].peers, b - 1);
        bitmap_set0(f->hosts[b - 1].peers, a - 1);
        path->mtu = mtu_of(f, a - 1, b - 1);
    }
}

/* Returns true if the host has the flows by which it and 'other' send each
 * other probes: without these, they would be lost, and no path broken. */
static bool
has_flows(const struct finding_host *found, const struct finding_host *other)
{
    return (found->live && found->acked >= MAX(found->host->revision,
                                               other->host->revision));
}

/* The two hosts are a new pair.  Which of them probes, is by chance: so each
 * has about as many paths. */
static void
add_path(struct paths *p, const struct path_finding *f, size_t i, size_t j)
{
    struct path_host *a = f->hosts[i].host, *b = f->hosts[j].host;
    bool swap = larger_probes(a, b) != (a->number > b->number);
    struct path *path = xzalloc(sizeof *path);

    path->hosts[0] = swap ? b : a;
    path->hosts[1] = swap ? a : b;
    path->mtu = mtu_of(f, i, j);
    path->told = PATH_UP;
    path_window_init(&path->window);
    path->since_ms = time_wall_msec();
    hmap_insert(&p->pairs, &path->node, pair_hash(a, b));
}

/* Returns how many bits are set from 'i' on. */
static size_t
count_from(const unsigned long *bitmap, size_t i, size_t n)
{
    size_t whole = MIN(ROUND_UP(i, BITMAP_ULONG_BITS), n);
    size_t count = 0;

    for (; i < whole; i++) {
        count += bitmap_is_set(bitmap, i);
    }
    return i < n ? count + bitmap_count1(&bitmap[i / BITMAP_ULONG_BITS], n - i)
           : count;
}

/* Adds paths of host 'i' and those after it, while there is room. */
static void
add_paths_of(struct paths *p, const struct path_finding *f, size_t i)
{
    const struct finding_host *a = &f->hosts[i];

    for (size_t j = bitmap_scan(a->peers, true, i + 1, f->n); j < f->n;
         j = bitmap_scan(a->peers, true, j + 1, f->n)) {
        const struct finding_host *b = &f->hosts[j];

        if (hmap_count(&p->pairs) >= PATHS_MAX) {
            p->stats.n_unmeasured += count_from(a->peers, j, f->n);
            return;
        } else if (has_flows(a, b) && has_flows(b, a)) {
            add_path(p, f, i, j);
        } else {
            p->waits = true;
        }
    }
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

/* Forgets hosts without peers, whose paths are forgotten. */
static void
forget_hosts(struct paths *p)
{
    struct shash_node *node, *next;

    SHASH_FOR_EACH_SAFE (node, next, &p->hosts) {
        struct path_host *host = node->data;

        if (!host->index) {
            host_free(p, host);
        }
    }
}

static void
forget_indexes(struct paths *p)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &p->hosts) {
        struct path_host *host = node->data;

        host->index = 0;
    }
}

/* Returns the VNI of probes, or 0 and sets 'problem'. */
static uint32_t
find_vni(struct paths *p)
{
    unsigned rate = fabric_packet_port_rate(p->fabric);

    if (!engine_relation_values(p->engine, VMN_REL_PATH_PROBES, "").n) {
        p->problem = ("app paths is not loaded or not enabled, or was only "
                      "a moment ago");
    } else if (rate && rate < PATHS_PACKET_RATE_MIN) {
        p->problem = "--packet-port-rate is less than 20";
    } else {
        p->problem = "there is no VNI left for probes";
        return id_pools_peek(model_id_pools(p->model), VMN_ID_POOL_VNI,
                             VMN_PATH_VNI_KEY);
    }
    return 0;
}

/* All domains are known: makes the pairs be those that follow from them. */
static void
finish(struct paths *p, struct path_finding *f)
{
    p->waits = false;
    p->stats.n_unmeasured = 0;
    forget_indexes(p);
    find_hosts(p, f);
    keep_paths(p, f);
    for (size_t i = 0; i < f->n; i++) {
        if (f->hosts[i].peers) {
            add_paths_of(p, f, i);
        }
    }
    forget_hosts(p);
    give_turns(p);
    for (size_t k = 0; k < f->n_list; k++) {
        free(f->list[k]->largest);
        f->list[k]->largest = NULL;
    }
    shash_swap(&p->domains, &f->domains);
    hmap_swap(&p->networks.map, &f->networks.map);
    simap_swap(&p->indexes, &f->indexes);
}

void
host_pairs_begin(struct paths *p)
{
    uint32_t vni = find_vni(p);

    path_domains_free(p->finding);
    p->finding = NULL;
    if (vni != p->vni) {
        host_pairs_clear(p);    /* Flows of the former one are of no use. */
        p->vni = vni;
    }
    if (vni) {
        p->finding = path_domains_begin(p);
    }
}

bool
host_pairs_step(struct paths *p)
{
    struct path_finding *f = p->finding;

    if (f && !path_domains_step(p, f)) {
        return false;
    }
    if (f) {
        finish(p, f);
        path_domains_free(f);
        p->finding = NULL;
    }
    return true;
}

void
host_pairs_clear(struct paths *p)
{
    struct path *path, *next;

    HMAP_FOR_EACH_SAFE (path, next, node, &p->pairs) {
        path_free(p, path);
    }
    forget_indexes(p);
    forget_hosts(p);
    path_domains_clear(&p->domains);
    smap_clear(&p->networks);
    simap_clear(&p->indexes);
    path_domains_free(p->finding);
    p->finding = NULL;
    p->waits = false;
    p->stats.n_unmeasured = 0;
    p->n_turns = 0;
}
