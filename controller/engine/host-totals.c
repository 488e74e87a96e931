/* SPDX-License-Identifier: Apache-2.0
 *
 * Items by host; see host-totals.h. */

#include <config.h>

#include "controller/engine/host-totals.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "util.h"

struct host_total {
    struct hmap_node node;
    char *name;
    uint64_t n;
    uint64_t n_groups;          /* How many of these are groups. */
    uint64_t before;            /* Total when it was touched. */
    bool touched;
    struct ovs_list touched_node;
};

void
host_totals_init(struct host_totals *totals)
{
    memset(totals, 0, sizeof *totals);
    hmap_init(&totals->hosts);
    ovs_list_init(&totals->touched);
}

static void
destroy(struct host_totals *totals, struct host_total *host)
{
    hmap_remove(&totals->hosts, &host->node);
    free(host->name);
    free(host);
}

void
host_totals_uninit(struct host_totals *totals)
{
    struct host_total *host;

    HMAP_FOR_EACH_SAFE (host, node, &totals->hosts) {
        destroy(totals, host);
    }
    hmap_destroy(&totals->hosts);
}

static struct host_total *
find(const struct host_totals *totals, const char *name, uint32_t hash)
{
    struct host_total *host;

    HMAP_FOR_EACH_WITH_HASH (host, node, hash, &totals->hosts) {
        if (!strcmp(host->name, name)) {
            return host;
        }
    }
    return NULL;
}

void
host_totals_add(struct host_totals *totals, const char *name, int64_t n,
                int64_t n_groups)
{
    uint32_t hash = hash_string(name, 0);
    struct host_total *host;

    if (!n && !n_groups) {
        return;
    }
    host = find(totals, name, hash);
    if (!host) {
        host = xzalloc(sizeof *host);
        host->name = xstrdup(name);
        hmap_insert(&totals->hosts, &host->node, hash);
    }
    if (!host->touched) {
        host->touched = true;
        host->before = host->n;
        ovs_list_push_back(&totals->touched, &host->touched_node);
    }
    host->n += n;
    host->n_groups += n_groups;
}

void
host_totals_update(struct host_totals *totals)
{
    struct host_total *host;

    totals->exceeded = NULL;
    LIST_FOR_EACH_POP (host, touched_node, &totals->touched) {
        const struct host_total *worst = totals->exceeded;

        host->touched = false;
        if (!host->n) {
            destroy(totals, host);
        } else if (totals->max && host->n > totals->max
                   && host->n > host->before
                   && (!worst || host->n > worst->n)) {
            totals->exceeded = host;
        }
    }
}

uint64_t
host_totals_get(const struct host_totals *totals, const char *name)
{
    const struct host_total *host = find(totals, name, hash_string(name, 0));

    return host ? host->n : 0;
}

uint64_t
host_totals_get_groups(const struct host_totals *totals, const char *name)
{
    const struct host_total *host = find(totals, name, hash_string(name, 0));

    return host ? host->n_groups : 0;
}

void
host_totals_each(const struct host_totals *totals, void (*cb)(void *aux,
                                                              const char *host,
                                                              uint64_t n),
                 void *aux)
{
    const struct host_total *host;

    HMAP_FOR_EACH (host, node, &totals->hosts) {
        if (host->n) {
            cb(aux, host->name, host->n);
        }
    }
}

const char *
host_totals_most(const struct host_totals *totals, uint64_t *total)
{
    const struct host_total *host, *most = NULL;

    HMAP_FOR_EACH (host, node, &totals->hosts) {
        if (!most || host->n > most->n
            || (host->n == most->n && strcmp(host->name, most->name) < 0)) {
            most = host;
        }
    }
    *total = most ? most->n : 0;
    return *total ? most->name : NULL;
}

const char *
host_totals_exceeded(const struct host_totals *totals, uint64_t *total)
{
    *total = totals->exceeded ? totals->exceeded->n : 0;
    return totals->exceeded ? totals->exceeded->name : NULL;
}
