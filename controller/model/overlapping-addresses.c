/* SPDX-License-Identifier: Apache-2.0
 *
 * Rejects subnets and virtual IPs that overlap in a routing domain: in the
 * networks that routers join, directly or by way of others.  No two of them
 * may have the same addresses, so an address says whose it is.  Whatever a
 * request makes wrong goes through something that it changed, so only that is
 * examined.  Not for a router in its own networks (router-addresses.c). */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "controller/model/checks.h"
#include "controller/model/rights.h"
#include "controller/model/row-index.h"
#include "controller/model/subnets.h"
#include "controller/model/txn.h"
#include "controller/schema/value.h"
#include "sset.h"
#include "svec.h"
#include "util.h"

/* A subnet in a routing domain. */
struct area {
    struct vmn_prefix cidr;
    const char *network;
};

/* Networks that routers join. */
struct domain {
    const struct model *model;
    struct sset seen;           /* "network/NAME", "router/NAME". */
    struct svec queue;          /* Networks to visit. */
    size_t n, allocated;
    struct area *areas;
};

static void
add_network(struct domain *domain, const char *name)
{
    char *key = xasprintf("network/%s", name);

    if (sset_add(&domain->seen, key)) {
        svec_add(&domain->queue, name);
    }
    free(key);
}

static void
add_router(struct domain *domain, const struct vmn_router *router)
{
    char *key = xasprintf("router/%s", router->row.name);

    if (sset_add(&domain->seen, key)) {
        for (size_t i = 0; i < router->n_interfaces; i++) {
            add_network(domain, router->interfaces[i].network);
        }
    }
    free(key);
}

/* Queues the networks that are one router away from 'name'. */
static void
follow(struct domain *domain, const char *name)
{
    const struct name_set *routers = index_get(
        domain->model, VMN_INDEX_ROUTER_BY_NETWORK, name);

    for (size_t i = 0; i < routers->n; i++) {
        add_router(domain, model_get(domain->model, VMN_TABLE_ROUTER,
                                     routers->names[i]));
    }
}

const char *
model_find_routed_address(const struct model *model, const char *network,
                          const char *ip)
{
    struct domain domain = { .model = model,
                             .seen = SSET_INITIALIZER(&domain.seen),
                             .queue = SVEC_EMPTY_INITIALIZER };
    const char *port = NULL;

    add_network(&domain, network);
    for (size_t i = 0; !port && i < domain.queue.n; i++) {
        port = model_find_address(model, domain.queue.names[i], ip);
        if (!port) {
            follow(&domain, domain.queue.names[i]);
        }
    }
    sset_destroy(&domain.seen);
    svec_destroy(&domain.queue);
    return port;
}

void
model_routed_networks(const struct model *model, const char *network,
                      size_t max, model_network_cb *cb, void *aux)
{
    struct domain domain = { .model = model,
                             .seen = SSET_INITIALIZER(&domain.seen),
                             .queue = SVEC_EMPTY_INITIALIZER };

    add_network(&domain, network);
    for (size_t i = 0; i < domain.queue.n && i < max; i++) {
        const struct vmn_network *row = model_get(
            model, VMN_TABLE_NETWORK, domain.queue.names[i]);

        if (row) {
            cb(aux, row);
        }
        follow(&domain, domain.queue.names[i]);
    }
    sset_destroy(&domain.seen);
    svec_destroy(&domain.queue);
}

/* Checking.  -------------------------------------------------------------- */

static void
add_areas(struct domain *domain, const struct vmn_network *network)
{
    for (size_t i = 0; i < network->n_subnets; i++) {
        if (domain->n >= domain->allocated) {
            domain->areas = x2nrealloc(domain->areas, &domain->allocated,
                                       sizeof *domain->areas);
        }
        domain->areas[domain->n].cidr = network->subnets[i].cidr;
        domain->areas[domain->n++].network = network->row.name;
    }
}

/* Collects the subnets of all networks that can be reached from those in the
 * queue. */
static void
gather(struct domain *domain, struct model *model)
{
    for (size_t i = 0; i < domain->queue.n; i++) {
        const char *name = domain->queue.names[i];
        const struct vmn_network *network = model_get(
            model, VMN_TABLE_NETWORK, name);

        if (network) {
            add_areas(domain, network);
        }
        follow(domain, name);
        model_yield(model);
    }
}

static int
compare_areas(const void *a_, const void *b_)
{
    const struct area *a = a_, *b = b_;
    int cmp = memcmp(&a->cidr, &b->cidr, sizeof a->cidr);

    return cmp ? cmp : strcmp(a->network, b->network);
}

/* Reports overlapping subnets.  In sorted order, some neighbours overlap if
 * any two do. */
static void
check_overlaps(struct txn *txn, const struct domain *domain,
               const struct entry *entry, const char *field)
{
    if (!domain->n) {
        return;                 /* Visited before, or without subnets. */
    }
    qsort(domain->areas, domain->n, sizeof *domain->areas, compare_areas);
    for (size_t i = 1; i < domain->n; i++) {
        const struct area *a = &domain->areas[i - 1], *b = a + 1;
        char buf_a[VALUE_PREFIX_SIZE], buf_b[VALUE_PREFIX_SIZE];

        if (strcmp(a->network, b->network)
            && value_prefix_overlaps(&a->cidr, &b->cidr)) {
            bool shown = (txn_shows(txn, VMN_TABLE_NETWORK, a->network)
                          && txn_shows(txn, VMN_TABLE_NETWORK, b->network));

            value_format_prefix(&a->cidr, buf_a);
            value_format_prefix(&b->cidr, buf_b);
            txn_error(txn, entry, VMN_ERR_CONFLICT,
                      field,
                      "routers join %s and %s, whose subnets %s%s%s%soverlap",
                      txn_name(txn, VMN_TABLE_NETWORK, a->network),
                      txn_name(txn, VMN_TABLE_NETWORK, b->network),
                      shown ? buf_a : "", shown ? " and " : "",
                      shown ? buf_b : "", shown ? " " : "");
        }
    }
}

/* Virtual IPs.  ----------------------------------------------------------- */

/* Checks a virtual IP against the domain's subnets.  It is reachable from the
 * whole domain; if it is in a network's subnet, it must be offered in that
 * network, too, so that address allocation need not look at other networks.
 * Errors are reported at 'field' of 'where'. */
static void
check_vip_areas(struct txn *txn, const struct domain *domain,
                const struct entry *where, const char *field,
                const struct vmn_loadbalancer *lb)
{
    for (size_t i = 0; i < domain->n; i++) {
        const struct area *area = &domain->areas[i];
        char buf[VALUE_IP_SIZE];

        if (vmn_prefix_contains(&area->cidr, &lb->vip)
            && !vmn_lb_is_offered_in(lb, area->network)) {
            txn_error(txn, where, VMN_ERR_CONFLICT,
                      field,
                      "%s, the virtual IP of %s, is an address of %s, which "
                      "routers join to its own: it must be offered there, too",
                      value_format_ip(&lb->vip, buf),
                      txn_name(txn, VMN_TABLE_LOADBALANCER, lb->row.name),
                      txn_name(txn, VMN_TABLE_NETWORK, area->network));
        }
    }
}

/* Reports a virtual IP outside of all subnets of its networks that would
 * capture packets of networks of other accounts that routers join. */
static void
check_vip_rights(struct txn *txn, const struct domain *domain,
                 const struct entry *where, const char *field,
                const struct vmn_loadbalancer *lb)
{
    const struct model_rights *rights = txn->request->rights;
    char buf[VALUE_IP_SIZE];

    if (!rights || !rights->scope.text || !rights_own(rights, &lb->row)) {
        return;
    }
    for (size_t i = 0; i < domain->n; i++) {
        if (vmn_prefix_contains(&domain->areas[i].cidr, &lb->vip)) {
            return;
        }
    }
    for (size_t i = 0; i < domain->queue.n; i++) {
        const struct vmn_row *network = rights_row(
            txn, VMN_TABLE_NETWORK, domain->queue.names[i]);

        if (network && !rights_own(rights, network)) {
            txn_error(txn, where, VMN_ERR_FORBIDDEN,
                      field,
                      "%s, the virtual IP of %s, must be an address of its "
                      "networks: routers join them to some that are not "
                      "within this account's scope",
                      value_format_ip(&lb->vip, buf),
                      txn_name(txn, VMN_TABLE_LOADBALANCER, lb->row.name));
            return;
        }
    }
}

void
check_vip_domain(struct txn *txn, const struct entry *entry,
                 const struct vmn_loadbalancer *lb)
{
    struct domain domain = { .model = txn->model,
                             .seen = SSET_INITIALIZER(&domain.seen),
                             .queue = SVEC_EMPTY_INITIALIZER };

    for (size_t i = 0; i < lb->n_networks; i++) {
        add_network(&domain, lb->networks[i]);
    }
    gather(&domain, txn->model);
    check_vip_areas(txn, &domain, entry, "/vip", lb);
    check_vip_rights(txn, &domain, entry, "/vip", lb);
    for (size_t i = 0; i < domain.queue.n; i++) {
        if (!vmn_lb_is_offered_in(lb, domain.queue.names[i])) {
            check_vip_others(txn, entry, lb, domain.queue.names[i]);
        }
    }
    sset_destroy(&domain.seen);
    svec_destroy(&domain.queue);
    free(domain.areas);
}

/* Checks the virtual IPs of networks that a router joins newly. */
static void
check_joined_vips(struct txn *txn, const struct domain *domain,
                  const struct entry *where, const char *field)
{
    for (size_t i = 0; i < domain->queue.n; i++) {
        const struct name_set *names = index_get(
            txn->model, VMN_INDEX_LB_BY_NETWORK, domain->queue.names[i]);

        for (size_t j = 0; j < names->n; j++) {
            const struct entry *lb = model_find(
                txn->model, VMN_TABLE_LOADBALANCER, names->names[j]);

            if (!entry_is_changed(lb)) {
                check_vip_areas(txn, domain, where, field, entry_row(lb));
                check_vip_rights(txn, domain, where, field, entry_row(lb));
            }
        }
        model_yield(txn->model);
    }
}

/* Returns true if the router joins all networks that it joined before. */
static bool
keeps_networks(const struct entry *entry)
{
    const struct vmn_router *is = entry_row(entry);
    const struct vmn_router *was = entry->before
        ? (const struct vmn_router *) entry->before->row : NULL;
    bool same = was && was->n_interfaces == is->n_interfaces;

    for (size_t i = 0; same && i < is->n_interfaces; i++) {
        same = !strcmp(is->interfaces[i].network, was->interfaces[i].network);
    }
    return same;
}

/* Queues the networks that a router joins newly.  Returns false if there are
 * none. */
static bool
add_changed_router(struct domain *domain, const struct entry *entry)
{
    if (keeps_networks(entry)) {
        return false;
    }
    add_router(domain, entry_row(entry));
    return true;
}

/* Queues a network that routers join and whose subnets have changed. */
static bool
add_changed_network(struct domain *domain, const struct entry *entry)
{
    if (network_keeps_subnets(entry)
        || !index_get(domain->model, VMN_INDEX_ROUTER_BY_NETWORK,
                      entry->name)->n) {
        return false;
    }
    add_network(domain, entry->name);
    return true;
}

/* Checks the routing domains of changed routers and networks.  Routers come
 * first: conflicts are mostly theirs to resolve. */
void
check_domains(struct txn *txn)
{
    static const struct {
        enum vmn_table table;
        const char *field;      /* Where errors are reported. */
        bool (*add)(struct domain *, const struct entry *);
    } order[] = {
        { VMN_TABLE_ROUTER, "/interfaces", add_changed_router },
        { VMN_TABLE_NETWORK, "/subnets", add_changed_network },
    };
    struct domain domain = { .model = txn->model,
                             .seen = SSET_INITIALIZER(&domain.seen),
                             .queue = SVEC_EMPTY_INITIALIZER };

    for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
        size_t n;
        struct entry **entries = txn_changed(txn, order[i].table, &n);

        for (size_t j = 0; j < n; j++) {
            if (!order[i].add(&domain, entries[j])) {
                continue;
            }
            gather(&domain, txn->model);
            check_overlaps(txn, &domain, entries[j], order[i].field);
            check_joined_vips(txn, &domain, entries[j], order[i].field);
            svec_clear(&domain.queue);
            domain.n = 0;
        }
        free(entries);
    }
    sset_destroy(&domain.seen);
    svec_destroy(&domain.queue);
    free(domain.areas);
}
