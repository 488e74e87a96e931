/* SPDX-License-Identifier: Apache-2.0
 *
 * Load balancers: virtual IPs, backends and limits that fit. */

#include <config.h>

#include <stdlib.h>

#include "controller/model/checks.h"
#include "controller/model/model-class.h"
#include "controller/model/row-index.h"
#include "controller/model/txn.h"
#include "controller/schema/value.h"
#include "util.h"

static void
add_keys(const struct index_sink *sink, const struct vmn_row *row)
{
    const struct vmn_loadbalancer *lb = (const struct vmn_loadbalancer *) row;
    char vip[VALUE_IP_SIZE];

    value_format_ip(&lb->vip, vip);
    for (size_t i = 0; i < lb->n_networks; i++) {
        const char *network = lb->networks[i];

        index_add(sink, VMN_INDEX_LB_BY_NETWORK, network);
        index_add_joined(sink, INDEX_VIP_IP, network, '/', vip);
    }
}

static void
count(const struct vmn_row *row, struct model_usage *used)
{
    used->addresses = 1;
    used->members = ((const struct vmn_loadbalancer *) row)->n_backends;
}

/* Checks that fallbacks form no loop, in which the search for backends would
 * not end. */
static void
check_fallback(struct txn *txn, const struct entry *entry,
               const struct vmn_loadbalancer *lb)
{
    const struct vmn_loadbalancer *at = lb;
    unsigned depth = 0;

    while (at && at->fallback) {
        at = model_get(txn->model, VMN_TABLE_LOADBALANCER, at->fallback);
        if (at && !depth && (at->vip.family != lb->vip.family
                             || at->protocol != lb->protocol)) {
            txn_error(txn, entry, VMN_ERR_INVALID, "/fallback",
                      "loadbalancer \"%s\" is of another protocol or family",
                      at->row.name);
        }
        if (++depth > VMN_LB_FALLBACKS_MAX) {
            txn_error(txn, entry, VMN_ERR_INVALID, "/fallback",
                      "must not form a chain of more than %d, nor a cycle",
                      VMN_LB_FALLBACKS_MAX);
            return;
        }
    }
}

static void
check_loadbalancer(struct txn *txn, const struct entry *entry)
{
    const struct vmn_loadbalancer *lb = entry_row(entry);

    check_vip_loopback(txn, entry);
    for (size_t i = 0; i < lb->n_networks; i++) {
        const struct entry *network = model_find(
            txn->model, VMN_TABLE_NETWORK, lb->networks[i]);

        check_vip(txn, entry, lb, lb->networks[i]);
        check_is_overlay(txn, entry, "/networks", lb->networks[i],
                         "virtual IPs");
        if (entry_row(network)) {
            check_vip_is_free(txn, entry, "/vip", lb, entry_row(network));
            check_vip_fits(txn, entry, "/vip", entry, network);
        }
    }
    check_vip_domain(txn, entry, lb);
    check_backends(txn, entry);
    check_fallback(txn, entry, lb);
    check_lb_floating(txn, entry);
}

static int
compare_limits(const void *a_, const void *b_)
{
    const struct vmn_lb_client_limit *a = a_, *b = b_;

    return (a->rate != b->rate ? (a->rate < b->rate ? -1 : 1)
            : a->burst < b->burst ? -1 : a->burst > b->burst);
}

/* Returns how many different client limits balancers have. */
static size_t
count_limits(const struct model *model)
{
    struct vmn_names names = model_names(model, VMN_TABLE_LOADBALANCER);
    struct vmn_lb_client_limit *limits = xmalloc(MAX(names.n, 1)
                                                 * sizeof *limits);
    size_t n = 0, n_different = 0;

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_loadbalancer *lb = model_get(
            model, VMN_TABLE_LOADBALANCER, names.names[i]);

        if (lb && lb->client_limit.rate) {
            limits[n] = lb->client_limit;
            limits[n].burst = vmn_lb_burst(&lb->client_limit);
            n++;
        }
    }
    qsort(limits, n, sizeof *limits, compare_limits);
    for (size_t i = 0; i < n; i++) {
        n_different += !i || compare_limits(&limits[i - 1], &limits[i]);
    }
    free(limits);
    return n_different;
}

/* Bounds the number of client limits: each takes many of a switch's meters. */
static void
check_limits(struct txn *txn)
{
    size_t n;
    struct entry **balancers = txn_changed(txn, VMN_TABLE_LOADBALANCER, &n);
    const struct entry *limited = NULL;

    for (size_t i = 0; !limited && i < n; i++) {
        const struct vmn_loadbalancer *lb = entry_row(balancers[i]);

        limited = lb->client_limit.rate ? balancers[i] : NULL;
    }
    free(balancers);
    if (limited && count_limits(txn->model) > VMN_LB_LIMITS_MAX) {
        txn_error(txn, limited, VMN_ERR_CONFLICT, "/client_limit",
                  "balancers can have at most %d different limits",
                  VMN_LB_LIMITS_MAX);
    }
}

const struct model_class model_loadbalancer = {
    .add_keys = add_keys,
    .check = check_loadbalancer,
    .check_all = check_limits,
    .count = count,
    .limit = "loadbalancers",
    .limit_offset = offsetof(struct vmn_quota, loadbalancers),
};
