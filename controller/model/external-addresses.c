/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of routers' external sides: the external network must be a provider
 * network, addresses there must be unique, and floating addresses must be for
 * ports that the router reaches.  Not for routers between networks
 * (router-addresses.c). */

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

/* Addresses.  ------------------------------------------------------------- */

/* Where an error is reported: at the owner of the address, or at the object
 * whose change affects it. */
struct place {
    struct txn *txn;
    const struct entry *entry;
    const char *field;
};

/* Returns the row of 'owner' before the request, or NULL. */
static const void *
row_before(const struct entry *owner)
{
    const struct version *version = entry_is_changed(owner) ? owner->before
                                    : owner->cur;

    return version ? version->row : NULL;
}

/* Checks that 'ip', which belongs to 'owner', is free and usable in external
 * network 'network'.  'had': it belonged to 'owner' before the request. */
static void
check_address(const struct place *at, const struct entry *owner,
              const struct vmn_network *network, const struct vmn_ip *ip,
              bool had)
{
    const struct vmn_subnet *subnet = address_subnet(network, ip);
    const char *name = network->row.name, *other;
    enum vmn_table table;
    char buf[VALUE_IP_SIZE];

    value_format_ip(ip, buf);
    if (!subnet) {
        txn_error(at->txn, at->entry, VMN_ERR_INVALID, at->field,
                  "%s of %s is in no subnet of %s", buf,
                  txn_name(at->txn, owner->table, owner->name),
                  txn_name(at->txn, VMN_TABLE_NETWORK, name));
    } else if (value_prefix_is_reserved(&subnet->cidr, ip)) {
        txn_error(at->txn, at->entry, VMN_ERR_INVALID, at->field,
                  "%s of %s is the first or last address of its subnet",
                  buf, txn_name(at->txn, owner->table, owner->name));
    } else if (!memcmp(&subnet->gateway, ip, sizeof *ip)) {
        txn_error(at->txn, at->entry, VMN_ERR_CONFLICT, at->field,
                  "%s of %s is the gateway of its subnet, which is outside",
                  buf, txn_name(at->txn, owner->table, owner->name));
    }
    other = find_in_external(at->txn->model, VMN_INDEX_PORT_BY_IP, name, ip,
                             NULL);
    table = VMN_TABLE_PORT;
    if (!other) {
        other = external_find_other(at->txn->model, name, ip, owner, &table);
    }
    if (other) {
        txn_error(at->txn, at->entry, VMN_ERR_CONFLICT, at->field,
                  "%s of %s is used by %s in %s", buf,
                  txn_name(at->txn, owner->table, owner->name),
                  txn_name(at->txn, table, other),
                  txn_name(at->txn, VMN_TABLE_NETWORK, name));
    }
    if (!had) {
        check_is_not_allowed(at->txn, at->entry, at->field, name, ip);
    }
}

/* Ports that get what comes in.  ------------------------------------------ */

static bool
joins(const struct vmn_router *router, const char *network)
{
    for (size_t i = 0; i < router->n_interfaces; i++) {
        if (!strcmp(router->interfaces[i].network, network)) {
            return true;
        }
    }
    return false;
}

/* Checks that 'port' has an address of the family to which 'what' of the
 * router forwards. */
static void
check_port_fits(const struct place *at, const struct vmn_router *router,
                const char *name, uint8_t family, const char *what)
{
    const struct vmn_port *port = model_get(at->txn->model, VMN_TABLE_PORT,
                                            name);
    bool has_ip = false;

    if (!port) {
        return;                 /* Reported by check_refs(). */
    }
    for (size_t i = 0; i < port->n_ips; i++) {
        has_ip |= port->ips[i].family == family;
    }
    if (!has_ip) {
        txn_error(at->txn, at->entry, VMN_ERR_INVALID, at->field,
                  "%s of %s has no address of IPv%u",
                  txn_name(at->txn, VMN_TABLE_PORT, name), what, family);
    }
    if (!joins(router, port->network)) {
        txn_error(at->txn, at->entry, VMN_ERR_INVALID, at->field,
                  "%s of %s is in no network of %s",
                  txn_name(at->txn, VMN_TABLE_PORT, name), what,
                  txn_name(at->txn, VMN_TABLE_ROUTER, router->row.name));
    }
}

/* Routers.  --------------------------------------------------------------- */

/* Returns true if 'ip' was the router's before the request. */
static bool
router_had(const struct entry *owner, const struct vmn_ip *ip)
{
    const struct vmn_router *router = row_before(owner);

    for (size_t i = 0; router && i < router->external.n_addresses; i++) {
        if (vmn_ip_equal(&router->external.addresses[i], ip)) {
            return true;
        }
    }
    return false;
}

static bool
has_gateway(const struct vmn_network *network, uint8_t family)
{
    for (size_t i = 0; i < network->n_subnets; i++) {
        if (network->subnets[i].gateway.family == family) {
            return true;
        }
    }
    return false;
}

static bool
has_address(const struct vmn_router *router, uint8_t family)
{
    for (size_t i = 0; i < router->external.n_addresses; i++) {
        if (router->external.addresses[i].family == family) {
            return true;
        }
    }
    return false;
}

static void
check_router_at(const struct place *at, const struct entry *entry)
{
    const struct vmn_router *router = entry_row(entry);
    const struct vmn_network *network = model_get(
        at->txn->model, VMN_TABLE_NETWORK, router->external.network);

    if (!network) {
        return;                 /* Reported by check_refs(). */
    }
    if (!network->provider.physical) {
        txn_error(at->txn, at->entry, VMN_ERR_INVALID, at->field,
                  "external %s of %s is no provider network",
                  txn_name(at->txn, VMN_TABLE_NETWORK, network->row.name),
                  txn_name(at->txn, VMN_TABLE_ROUTER, entry->name));
        return;
    }
    for (uint8_t family = 4; family <= 6; family += 2) {
        if (has_address(router, family) && !has_gateway(network, family)) {
            txn_error(at->txn, at->entry, VMN_ERR_INVALID, at->field,
                      "external %s of %s has no subnet of IPv%u with a "
                      "gateway",
                      txn_name(at->txn, VMN_TABLE_NETWORK, network->row.name),
                      txn_name(at->txn, VMN_TABLE_ROUTER, entry->name),
                      family);
        }
    }
    for (size_t i = 0; i < router->external.n_addresses; i++) {
        const struct vmn_ip *ip = &router->external.addresses[i];

        check_address(at, entry, network, ip, router_had(entry, ip));
    }
}

static void
check_forwards(const struct place *at, const struct vmn_router *router)
{
    char *what = xasprintf("a forward of %s",
                           txn_name(at->txn, VMN_TABLE_ROUTER,
                                    router->row.name));

    for (size_t i = 0; i < router->external.n_forwards; i++) {
        const struct vmn_forward *forward = &router->external.forwards[i];

        check_port_fits(at, router, forward->to,
                        vmn_forward_address(&router->external,
                                            forward)->family, what);
    }
    free(what);
}

/* Floating addresses.  ---------------------------------------------------- */

static bool
floating_had(const struct entry *owner, const struct vmn_ip *ip)
{
    const struct vmn_floating_ip *floating = row_before(owner);

    return floating && vmn_ip_equal(&floating->ip, ip);
}

/* Checks that the port has one floating IP of each family at most. */
static void
check_floating_port(const struct place *at, const struct entry *entry,
                    const struct vmn_router *router)
{
    const struct vmn_floating_ip *floating = entry_row(entry);
    const struct name_set *names = index_get(
        at->txn->model, VMN_INDEX_FLOATING_BY_PORT, floating->port);

    check_port_fits(at, router, floating->port, floating->ip.family,
                    txn_name(at->txn, VMN_TABLE_FLOATING_IP, entry->name));
    for (size_t i = 0; i < names->n; i++) {
        const struct vmn_floating_ip *other = model_get(
            at->txn->model, VMN_TABLE_FLOATING_IP, names->names[i]);

        if (strcmp(names->names[i], entry->name)
            && other->ip.family == floating->ip.family) {
            txn_error(at->txn, at->entry, VMN_ERR_CONFLICT, at->field,
                      "%s has %s already",
                      txn_name(at->txn, VMN_TABLE_PORT, floating->port),
                      txn_name(at->txn, VMN_TABLE_FLOATING_IP,
                               names->names[i]));
        }
    }
}

/* Checks that the balancer has one floating IP at most. */
static void
check_floating_lb(const struct place *at, const struct entry *entry,
                  const struct vmn_router *router)
{
    const struct vmn_floating_ip *floating = entry_row(entry);
    const struct vmn_loadbalancer *lb = model_get(
        at->txn->model, VMN_TABLE_LOADBALANCER, floating->load_balancer);
    const struct name_set *names = index_get(
        at->txn->model, INDEX_FLOATING_BY_LB, floating->load_balancer);
    bool joined = false;

    for (size_t i = 0; lb && i < lb->n_networks; i++) {
        joined |= joins(router, lb->networks[i]);
    }
    if (lb && !joined) {
        txn_error(at->txn, at->entry, VMN_ERR_INVALID, at->field,
                  "%s of %s is in no network of %s",
                  txn_name(at->txn, VMN_TABLE_LOADBALANCER,
                           floating->load_balancer),
                  txn_name(at->txn, VMN_TABLE_FLOATING_IP, entry->name),
                  txn_name(at->txn, VMN_TABLE_ROUTER, floating->router));
    }
    if (lb && lb->vip.family != floating->ip.family) {
        txn_error(at->txn, at->entry, VMN_ERR_INVALID, at->field,
                  "the virtual IP of %s is of IPv%u, and %s is not",
                  txn_name(at->txn, VMN_TABLE_LOADBALANCER,
                           floating->load_balancer), lb->vip.family,
                  txn_name(at->txn, VMN_TABLE_FLOATING_IP, entry->name));
    }
    for (size_t i = 0; i < names->n; i++) {
        if (strcmp(names->names[i], entry->name)) {
            txn_error(at->txn, at->entry, VMN_ERR_CONFLICT, at->field,
                      "%s has %s already",
                      txn_name(at->txn, VMN_TABLE_LOADBALANCER,
                               floating->load_balancer),
                      txn_name(at->txn, VMN_TABLE_FLOATING_IP,
                               names->names[i]));
        }
    }
}

/* Checks a floating IP.  If another object's change affects it, errors are
 * reported at 'field' of 'where', the changed one; otherwise 'field' is
 * NULL. */
static void
check_floating_at(struct txn *txn, const struct entry *entry,
                  const struct entry *where, const char *field)
{
    const struct vmn_floating_ip *floating = entry_row(entry);
    const struct place ip = { txn, where, field ? field : "/ip" };
    const struct place whose = { txn, where, field ? field
                                 : floating->port ? "/port"
                                 : "/load_balancer" };
    const struct vmn_router *router = model_get(
        txn->model, VMN_TABLE_ROUTER, floating->router);
    const struct vmn_network *network;

    if (!router) {
        return;                 /* Reported by check_refs(). */
    }
    if (!router->external.network) {
        txn_error(txn, where, VMN_ERR_INVALID, field ? field : "/router",
                  "%s of %s has no \"external\"",
                  txn_name(txn, VMN_TABLE_ROUTER, floating->router),
                  txn_name(txn, VMN_TABLE_FLOATING_IP, entry->name));
        return;
    }
    network = model_get(txn->model, VMN_TABLE_NETWORK,
                        router->external.network);
    if (network) {
        check_address(&ip, entry, network, &floating->ip,
                      floating_had(entry, &floating->ip));
    }
    if (!has_address(router, floating->ip.family)) {
        txn_error(txn, where, VMN_ERR_INVALID, ip.field,
                  "%s of %s has no external address of IPv%u",
                  txn_name(txn, VMN_TABLE_ROUTER, floating->router),
                  txn_name(txn, VMN_TABLE_FLOATING_IP, entry->name),
                  floating->ip.family);
    }
    if (floating->port) {
        check_floating_port(&whose, entry, router);
    } else {
        check_floating_lb(&whose, entry, router);
    }
}

void
check_floating_ip(struct txn *txn, const struct entry *entry)
{
    if (entry->op) {
        check_floating_at(txn, entry, entry, NULL);
    }
}

/* Checks the floating IPs at 'key' of 'index' that the request itself does not
 * change. */
static void
check_floating_of(struct txn *txn, int index, const char *key,
                  const struct entry *where, const char *field)
{
    const struct name_set *names = index_get(txn->model, index, key);

    for (size_t i = 0; i < names->n; i++) {
        const struct entry *other = model_find(
            txn->model, VMN_TABLE_FLOATING_IP, names->names[i]);

        if (!entry_is_changed(other)) {
            check_floating_at(txn, other, where, field);
        }
    }
}

/* What changed.  ---------------------------------------------------------- */

void
check_external(struct txn *txn, const struct entry *entry)
{
    const struct vmn_router *router = entry_row(entry);
    const struct place at = { txn, entry, "/external" };

    if (!entry->op) {
        return;
    }
    if (router->external.network) {
        check_router_at(&at, entry);
        check_forwards(&at, router);
    }
    check_floating_of(txn, VMN_INDEX_FLOATING_BY_ROUTER, entry->name, entry,
                      "/external");
}

void
check_network_external(struct txn *txn, const struct entry *entry)
{
    const struct place at = { txn, entry, "/subnets" };
    const struct name_set *names = index_get(
        txn->model, VMN_INDEX_ROUTER_BY_EXTERNAL, entry->name);

    for (size_t i = 0; i < names->n; i++) {
        const struct entry *other = model_find(txn->model, VMN_TABLE_ROUTER,
                                               names->names[i]);

        if (!entry_is_changed(other)) {
            check_router_at(&at, other);
            check_floating_of(txn, VMN_INDEX_FLOATING_BY_ROUTER, other->name,
                              entry, "/subnets");
        }
    }
}

void
check_port_floating(struct txn *txn, const struct entry *entry)
{
    const struct place at = { txn, entry, "/network" };
    const struct name_set *routers = index_get(
        txn->model, index_refs(VMN_TABLE_PORT, VMN_TABLE_ROUTER),
        entry->name);

    check_floating_of(txn, VMN_INDEX_FLOATING_BY_PORT, entry->name, entry,
                      "/network");
    for (size_t i = 0; i < routers->n; i++) {
        const struct entry *other = model_find(txn->model, VMN_TABLE_ROUTER,
                                               routers->names[i]);

        if (!entry_is_changed(other)) {
            check_forwards(&at, entry_row(other));
        }
    }
}

void
check_lb_floating(struct txn *txn, const struct entry *entry)
{
    check_floating_of(txn, INDEX_FLOATING_BY_LB, entry->name, entry,
                      "/networks");
}
