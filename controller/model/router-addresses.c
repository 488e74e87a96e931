/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of routers: their MAC addresses are assigned, and their addresses and
 * next hops must fit their networks.  Not for conflicts between networks that
 * routers connect (overlapping-addresses.c). */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "controller/model/address-owners.h"
#include "controller/model/checks.h"
#include "controller/model/row-index.h"
#include "controller/model/subnets.h"
#include "controller/model/txn.h"
#include "controller/schema/value.h"
#include "controller/siphash.h"
#include "util.h"

/* MAC addresses.  --------------------------------------------------------- */

/* Returns true if an object in the router's networks has 'mac'. */
static bool
mac_is_taken(const struct model *model, const struct vmn_router *router,
             struct vmn_mac mac)
{
    bool taken = false;

    for (size_t i = 0; !taken && i < router->n_interfaces; i++) {
        char *key = router_mac_key(router->interfaces[i].network, mac);

        taken = (index_get(model, INDEX_MAC, key)->n
                 || index_get(model, INDEX_ROUTER_MAC, key)->n);
        free(key);
    }
    return taken;
}

/* Assigns a locally administered MAC from another range than ports'.  It is
 * derived from the name, so that a router that is created again has the
 * same. */
void
route_assign_mac(struct txn *txn, struct entry *entry)
{
    struct vmn_router *router = (struct vmn_router *) entry->cur->row;

    if (!value_mac_is_none(router->mac)) {
        return;
    }
    for (uint32_t try = 0; value_mac_is_none(router->mac); try++) {
        uint64_t hash = stable_hash64(router->row.name,
                                      strlen(router->row.name), try);
        struct vmn_mac mac = { { 0x0a, hash >> 32, hash >> 24, hash >> 16,
                                 hash >> 8, hash } };

        if (!mac_is_taken(txn->model, router, mac)) {
            router->mac = mac;
        }
    }
    for (size_t i = 0; i < router->n_interfaces; i++) {
        char *key = router_mac_key(router->interfaces[i].network, router->mac);

        index_put(txn->model, INDEX_ROUTER_MAC, key, entry->name, true);
        free(key);
    }
}

/* Reports an object among 'names' other than 'except' that has the router's
 * MAC. */
static void
report_mac(struct txn *txn, const struct entry *entry, const char *network,
           int index, enum vmn_table table, const char *except)
{
    const struct vmn_router *router = entry_row(entry);
    char *key = router_mac_key(network, router->mac);
    const struct name_set *names = index_get(txn->model, index, key);
    char buf[VALUE_MAC_SIZE];

    for (size_t i = 0; i < names->n; i++) {
        if (strcmp(names->names[i], except)) {
            txn_error(txn, entry, VMN_ERR_CONFLICT, "/mac",
                      "%s is that of %s in network \"%s\"",
                      value_format_mac(router->mac, buf),
                      txn_name(txn, table, names->names[i]),
                      network);
        }
    }
    free(key);
}

static void
check_mac(struct txn *txn, const struct entry *entry, const char *network)
{
    report_mac(txn, entry, network, INDEX_MAC, VMN_TABLE_PORT, "");
    report_mac(txn, entry, network, INDEX_ROUTER_MAC, VMN_TABLE_ROUTER,
               entry->name);
}

/* Addresses.  ------------------------------------------------------------- */

static const struct vmn_network *
network_of(const struct txn *txn, const struct vmn_router_interface *interface)
{
    return model_get(txn->model, VMN_TABLE_NETWORK, interface->network);
}

/* Where an error of a router is reported: at the router, or at the object
 * whose change affects it. */
struct place {
    struct txn *txn;
    const struct entry *entry;
    const char *field;
    /* Returns true if 'ip' was the router's in the network before the request,
     * given the changed entry's row before it. */
    bool (*had_address)(const struct vmn_row *before,
                        const struct vmn_network *, const struct vmn_ip *ip);
};

static void
check_address_fits(const struct place *at, const struct vmn_router *router,
                   const struct vmn_network *network, const struct vmn_ip *ip)
{
    const struct vmn_subnet *subnet = address_subnet(network, ip);
    char buf[VALUE_IP_SIZE];

    value_format_ip(ip, buf);
    if (!subnet) {
        txn_error(at->txn, at->entry, VMN_ERR_INVALID, at->field,
                  "%s of %s is in no subnet of network \"%s\"", buf,
                  txn_name(at->txn, VMN_TABLE_ROUTER, router->row.name),
                  network->row.name);
    } else if (ip->family == 4
               && value_prefix_is_reserved(&subnet->cidr, ip)) {
        txn_error(at->txn, at->entry, VMN_ERR_INVALID, at->field,
                  "%s of %s is the first or last address of its subnet", buf,
                  txn_name(at->txn, VMN_TABLE_ROUTER, router->row.name));
    }
}

static void
check_address_free(const struct place *at, const struct vmn_router *router,
                   const struct vmn_network *network, const struct vmn_ip *ip)
{
    const struct model *model = at->txn->model;
    const char *name = network->row.name, *other;
    enum vmn_table table = VMN_TABLE_PORT;
    const struct name_set *names;
    char buf[VALUE_IP_SIZE];
    char *key;

    key = xasprintf("%s/%s", name, value_format_ip(ip, buf));
    names = index_get(model, VMN_INDEX_PORT_BY_IP, key);
    if (!names->n) {
        names = index_get(model, INDEX_VIP_IP, key);
        table = VMN_TABLE_LOADBALANCER;
    }
    other = names->n ? names->names[0] : NULL;
    free(key);
    if (!other) {
        other = route_find_router(model, name, ip, router->row.name);
        table = VMN_TABLE_ROUTER;
    }
    if (other) {
        txn_error(at->txn, at->entry, VMN_ERR_CONFLICT, at->field,
                  "%s of %s is used by %s in network \"%s\"", buf,
                  txn_name(at->txn, VMN_TABLE_ROUTER, router->row.name),
                  txn_name(at->txn, table, other), name);
    }
}

static bool
router_had_address(const struct vmn_row *before,
                   const struct vmn_network *network, const struct vmn_ip *ip)
{
    const struct vmn_router *router = (const struct vmn_router *) before;

    for (size_t i = 0; i < router->n_interfaces; i++) {
        if (!strcmp(router->interfaces[i].network, network->row.name)
            && interface_has_address(&router->interfaces[i], network, ip)) {
            return true;
        }
    }
    return false;
}

/* Does so for a changed network, of which 'ip' was a subnet's gateway. */
static bool
network_had_gateway(const struct vmn_row *before,
                    const struct vmn_network *network OVS_UNUSED,
                    const struct vmn_ip *ip)
{
    const struct vmn_network *was = (const struct vmn_network *) before;

    for (size_t i = 0; i < was->n_subnets; i++) {
        if (vmn_ip_equal(&was->subnets[i].gateway, ip)) {
            return true;
        }
    }
    return false;
}

static bool
had_address(const struct place *at, const struct vmn_network *network,
            const struct vmn_ip *ip)
{
    return (at->entry->before
            && at->had_address(at->entry->before->row, network, ip));
}

static void
check_interface(const struct place *at, const struct vmn_router *router,
                const struct vmn_router_interface *interface)
{
    const struct vmn_network *network = network_of(at->txn, interface);
    struct vmn_ip ips[VMN_ADDRESSES_MAX];
    size_t n;

    if (!network) {
        return;                 /* Reported by check_refs(). */
    }
    n = vmn_interface_addresses(interface, network, ips);
    if (!n) {
        txn_error(at->txn, at->entry, VMN_ERR_INVALID, at->field,
                  "%s has no address in network \"%s\", whose subnets have "
                  "no gateway",
                  txn_name(at->txn, VMN_TABLE_ROUTER, router->row.name),
                  network->row.name);
    }
    for (size_t i = 0; i < n; i++) {
        check_address_fits(at, router, network, &ips[i]);
        check_address_free(at, router, network, &ips[i]);
        if (!had_address(at, network, &ips[i])) {
            check_is_not_allowed(at->txn, at->entry, at->field,
                                 network->row.name, &ips[i]);
        }
    }
}

/* Routes.  ---------------------------------------------------------------- */

/* Returns true if the router has an address in the subnet that contains
 * 'ip'. */
static bool
is_on_link(const struct txn *txn, const struct vmn_router *router,
           const struct vmn_ip *ip, bool *is_own)
{
    for (size_t i = 0; i < router->n_interfaces; i++) {
        const struct vmn_router_interface *interface = &router->interfaces[i];
        const struct vmn_network *network = network_of(txn, interface);
        const struct vmn_subnet *subnet = network ? address_subnet(network, ip)
                                          : NULL;
        struct vmn_ip own[VMN_ADDRESSES_MAX];
        size_t n = subnet ? vmn_interface_addresses(interface, network, own)
                   : 0;

        for (size_t j = 0; j < n; j++) {
            if (value_prefix_contains(&subnet->cidr, &own[j])) {
                *is_own = interface_has_address(interface, network, ip);
                return true;
            }
        }
    }
    return false;
}

/* Returns the network of the router that has a subnet 'prefix', or NULL. */
static const char *
find_connected(const struct txn *txn, const struct vmn_router *router,
               const struct vmn_prefix *prefix)
{
    for (size_t i = 0; i < router->n_interfaces; i++) {
        const struct vmn_network *network = network_of(
            txn, &router->interfaces[i]);

        for (size_t j = 0; network && j < network->n_subnets; j++) {
            if (!memcmp(&network->subnets[j].cidr, prefix, sizeof *prefix)) {
                return network->row.name;
            }
        }
    }
    return NULL;
}

static void
check_route(const struct place *at, const struct vmn_router *router,
            const struct vmn_route *route)
{
    char to[VALUE_PREFIX_SIZE], via[VALUE_IP_SIZE];
    const char *connected = find_connected(at->txn, router,
                                           &route->destination);

    value_format_prefix(&route->destination, to);
    if (connected && !route->source.ip.family) {
        txn_error(at->txn, at->entry, VMN_ERR_CONFLICT, at->field,
                  "%s of %s is a subnet of its %s", to,
                  txn_name(at->txn, VMN_TABLE_ROUTER, router->row.name),
                  txn_name(at->txn, VMN_TABLE_NETWORK, connected));
    }
    for (size_t i = 0; i < route->n_via; i++) {
        bool is_own = false;

        value_format_ip(&route->via[i], via);
        if (!is_on_link(at->txn, router, &route->via[i], &is_own)) {
            txn_error(at->txn, at->entry, VMN_ERR_INVALID, at->field,
                      "next hop %s of %s to %s is in no subnet in which the "
                      "router has an address", via,
                      txn_name(at->txn, VMN_TABLE_ROUTER, router->row.name),
                      to);
        } else if (is_own) {
            txn_error(at->txn, at->entry, VMN_ERR_INVALID, at->field,
                      "next hop %s of %s to %s is the router itself", via,
                      txn_name(at->txn, VMN_TABLE_ROUTER, router->row.name),
                      to);
        }
    }
}

static void
check_routes(const struct place *at, const struct vmn_router *router)
{
    for (size_t i = 0; i < router->n_routes; i++) {
        check_route(at, router, &router->routes[i]);
    }
}

void
check_router(struct txn *txn, const struct entry *entry)
{
    const struct vmn_router *router = entry_row(entry);
    const struct place interfaces = { txn, entry, "/interfaces",
                                      router_had_address };
    const struct place routes = { txn, entry, "/routes",
                                  router_had_address };

    /* A router that only lost a deleted network may keep routes by way of it:
     * these next hops do not exist any more. */
    if (!entry->op) {
        return;
    }
    for (size_t i = 0; i < router->n_interfaces; i++) {
        check_mac(txn, entry, router->interfaces[i].network);
        check_is_overlay(txn, entry, "/interfaces",
                         router->interfaces[i].network, "routers");
        check_interface(&interfaces, router, &router->interfaces[i]);
    }
    if (router->external.network) {
        check_mac(txn, entry, router->external.network);
    }
    check_routes(&routes, router);
}

void
check_network_routers(struct txn *txn, const struct entry *entry)
{
    const struct place at = { txn, entry, "/subnets", network_had_gateway };
    const struct name_set *names = index_get(
        txn->model, VMN_INDEX_ROUTER_BY_NETWORK, entry->name);

    for (size_t i = 0; i < names->n; i++) {
        const struct entry *other = model_find(txn->model, VMN_TABLE_ROUTER,
                                               names->names[i]);
        const struct vmn_router *router = entry_row(other);

        for (size_t j = 0; !entry_is_changed(other)
                           && j < router->n_interfaces; j++) {
            if (!strcmp(router->interfaces[j].network, entry->name)) {
                check_interface(&at, router, &router->interfaces[j]);
                check_routes(&at, router);
            }
        }
    }
}
