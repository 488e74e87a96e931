/* SPDX-License-Identifier: Apache-2.0
 *
 * Virtual IPs that no client could send anything to.  Not for those that
 * somebody else has (row-checks.c).
 *
 * One that was there before the request, and as bad, is left alone: earlier
 * releases took it, and who deletes a port need not mend its balancer first.
 * Loading passes by here. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "controller/model/address-owners.h"
#include "controller/model/checks.h"
#include "controller/model/row-index.h"
#include "controller/model/subnets.h"
#include "controller/model/txn.h"
#include "controller/schema/value.h"
#include "util.h"

/* Returns the row of 'entry' before the request, or NULL. */
static const void *
row_before(const struct entry *entry)
{
    const struct version *version = entry_is_changed(entry) ? entry->before
                                    : entry->cur;

    return version ? version->row : NULL;
}

static bool
is_same_vip(const struct vmn_loadbalancer *a, const struct vmn_loadbalancer *b)
{
    return a && b && !memcmp(&a->vip, &b->vip, sizeof a->vip);
}

/* Checks that the virtual IP is not in 127.0.0.0/8, to which no guest sends
 * packets (RFC 1122, section 3.2.1.3). */
void
check_vip_loopback(struct txn *txn, const struct entry *entry)
{
    const struct vmn_loadbalancer *lb = entry_row(entry);
    char buf[VALUE_IP_SIZE];

    if (lb->vip.family == 4 && lb->vip.addr[0] == 127
        && !is_same_vip(lb, row_before(entry))) {
        txn_error(txn, entry, VMN_ERR_INVALID, "/vip",
                  "must not be a loopback address: %s",
                  value_format_ip(&lb->vip, buf));
    }
}

static bool
is_reserved(const struct vmn_loadbalancer *lb,
            const struct vmn_network *network)
{
    const struct vmn_subnet *subnet = address_subnet(network, &lb->vip);

    return (vmn_lb_is_offered_in(lb, network->row.name) && subnet
            && value_prefix_is_reserved(&subnet->cidr, &lb->vip));
}

void
check_vip_fits(struct txn *txn, const struct entry *where, const char *field,
               const struct entry *balancer, const struct entry *network)
{
    const struct vmn_loadbalancer *lb = entry_row(balancer);
    const struct vmn_loadbalancer *lb_before = row_before(balancer);
    const struct vmn_network *now = entry_row(network);
    const struct vmn_network *before = row_before(network);
    char buf[VALUE_IP_SIZE];

    if (!is_reserved(lb, now)
        || (before && is_same_vip(lb, lb_before)
            && is_reserved(lb_before, before))) {
        return;
    }
    txn_error(txn, where, VMN_ERR_INVALID, field,
              "%s of %s is the first %saddress of its subnet in network "
              "\"%s\"", value_format_ip(&lb->vip, buf),
              txn_name(txn, VMN_TABLE_LOADBALANCER, lb->row.name),
              lb->vip.family == 4 ? "or last " : "",
              now->row.name);
}

/* Who else has it.  ------------------------------------------------------- */

void
check_vip_is_free(struct txn *txn, const struct entry *where,
                        const char *field, const struct vmn_loadbalancer *lb,
                        const struct vmn_network *network)
{
    for (size_t i = 0; i < network->n_subnets; i++) {
        const struct vmn_ip *gateway = &network->subnets[i].gateway;

        if (!memcmp(gateway, &lb->vip, sizeof *gateway)) {
            txn_error(txn, where, VMN_ERR_CONFLICT, field,
                      "the virtual IP of %s is the gateway of network "
                      "\"%s\"",
                      txn_name(txn, VMN_TABLE_LOADBALANCER, lb->row.name),
                      network->row.name);
        }

        const struct vmn_reservation *r
            = address_reservation(&network->subnets[i], &lb->vip);
        if (r) {
            txn_error(txn, where, VMN_ERR_CONFLICT, field,
                      "the virtual IP of %s is reserved for %s in network "
                      "\"%s\"",
                      txn_name(txn, VMN_TABLE_LOADBALANCER, lb->row.name),
                      txn_name(txn, VMN_TABLE_PORT, r->port),
                      network->row.name);
        }
    }
}

/* Checks that balancers that share a virtual IP have no port of it in
 * common. */
static void
check_vip_ports(struct txn *txn, const struct entry *entry,
                const struct vmn_loadbalancer *lb, const char *network,
                const char *vip, const char *name)
{
    const struct vmn_loadbalancer *other = model_get(
        txn->model, VMN_TABLE_LOADBALANCER, name);

    if (!other || other->protocol != lb->protocol) {
        return;
    }
    for (size_t i = 0; i < lb->n_ports; i++) {
        const struct vmn_lb_port *port = &lb->ports[i];

        for (size_t j = 0; j < other->n_ports; j++) {
            if (port->port <= vmn_lb_port_last(&other->ports[j])
                && other->ports[j].port <= vmn_lb_port_last(port)) {
                txn_error(txn, entry, VMN_ERR_CONFLICT, "/ports",
                          "port %u of %s is served by %s in network \"%s\"",
                          MAX(port->port, other->ports[j].port), vip,
                          txn_name(txn, VMN_TABLE_LOADBALANCER, name),
                          network);
                return;
            }
        }
    }
}

/* Checks that no other balancer in 'network' has its services. */
void
check_vip_others(struct txn *txn, const struct entry *entry,
                 const struct vmn_loadbalancer *lb, const char *network)
{
    char vip[VALUE_IP_SIZE];
    char *key = xasprintf("%s/%s", network, value_format_ip(&lb->vip, vip));
    const struct name_set *names = index_get(txn->model, INDEX_VIP_IP, key);

    for (size_t i = 0; i < names->n; i++) {
        if (strcmp(names->names[i], entry->name)) {
            check_vip_ports(txn, entry, lb, network, vip, names->names[i]);
        }
    }
    free(key);
}

/* Returns true if the balancer had its virtual IP in 'network' before the
 * request. */
static bool
had_vip(const struct entry *entry, const char *network)
{
    const struct vmn_loadbalancer *lb = entry_row(entry);
    const struct vmn_loadbalancer *before = entry->before
        ? (const struct vmn_loadbalancer *) entry->before->row : NULL;

    return (before && !memcmp(&before->vip, &lb->vip, sizeof lb->vip)
            && vmn_lb_is_offered_in(before, network));
}

/* Checks that the virtual IP is no external address of a router that joins
 * 'network': guests could not reach the router there. */
static void
check_vip_outside(struct txn *txn, const struct entry *entry,
                  const struct vmn_loadbalancer *lb, const char *network)
{
    struct vmn_names routers = model_lookup(
        txn->model, VMN_INDEX_ROUTER_BY_NETWORK, network);
    char vip[VALUE_IP_SIZE];

    for (size_t i = 0; i < routers.n; i++) {
        const struct vmn_router *router = model_get(
            txn->model, VMN_TABLE_ROUTER, routers.names[i]);

        for (size_t j = 0; router && j < router->external.n_addresses; j++) {
            if (vmn_ip_equal(&router->external.addresses[j], &lb->vip)) {
                txn_error(txn, entry, VMN_ERR_CONFLICT, "/vip",
                          "%s is the address of %s in network \"%s\"",
                          value_format_ip(&lb->vip, vip),
                          txn_name(txn, VMN_TABLE_ROUTER, routers.names[i]),
                          router->external.network);
            }
        }
    }
}

void
check_vip(struct txn *txn, const struct entry *entry,
          const struct vmn_loadbalancer *lb, const char *network)
{
    char vip[VALUE_IP_SIZE];
    const char *other;

    value_format_ip(&lb->vip, vip);
    other = index_find_other_in(txn->model, VMN_INDEX_PORT_BY_IP, network,
                                vip, "");
    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/vip",
                  "%s is used by %s in network \"%s\"", vip,
                  txn_name(txn, VMN_TABLE_PORT, other), network);
    }
    check_no_router_has(txn, entry, "/vip", network, &lb->vip);
    if (!had_vip(entry, network)) {
        check_vip_outside(txn, entry, lb, network);
        check_is_not_allowed(txn, entry, "/vip", network, &lb->vip);
    }
    check_vip_others(txn, entry, lb, network);
}
