/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds the owner of an address of a network, and reports address conflicts:
 * with routers, by their interfaces or by their addresses in an external
 * network, and with floating addresses. */

#include <config.h>

#include "controller/model/address-owners.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/row-index.h"
#include "controller/model/txn.h"
#include "controller/schema/value.h"
#include "util.h"

/* Returns the name, in 'index', of the object that has KEY/IP, other than
 * 'except' (or NULL); NULL if there is none. */
const char *
find_in_external(const struct model *model, int index, const char *key,
                 const struct vmn_ip *ip, const char *except)
{
    char full[2 * VMN_NAME_LEN + VALUE_IP_SIZE], buf[VALUE_IP_SIZE];
    const struct name_set *names;

    snprintf(full, sizeof full, "%s/%s", key, value_format_ip(ip, buf));
    names = index_get(model, index, full);
    for (size_t i = 0; i < names->n; i++) {
        if (!except || strcmp(names->names[i], except)) {
            return names->names[i];
        }
    }
    return NULL;
}

/* Returns the name of the object other than 'entry' (or NULL) that has 'ip' in
 * the external network, and sets '*table' to its table; NULL if there is
 * none. */
const char *
external_find_other(const struct model *model, const char *network,
                    const struct vmn_ip *ip, const struct entry *entry,
                    enum vmn_table *table)
{
    const struct name_set *routers = index_get(
        model, VMN_INDEX_ROUTER_BY_EXTERNAL, network);
    const char *name;

    *table = VMN_TABLE_ROUTER;
    name = find_in_external(model, INDEX_EXTERNAL_IP, network, ip,
                            entry && entry->table == *table ? entry->name
                            : NULL);
    for (size_t i = 0; !name && i < routers->n; i++) {
        *table = VMN_TABLE_FLOATING_IP;
        name = find_in_external(model, INDEX_FLOATING_IP, routers->names[i],
                                ip, entry && entry->table == *table
                                    ? entry->name : NULL);
    }
    return name;
}

const char *
external_find(const struct model *model, const char *network,
              const struct vmn_ip *ip, enum vmn_table *table)
{
    return external_find_other(model, network, ip, NULL, table);
}

char *
router_mac_key(const char *network, struct vmn_mac mac)
{
    char buf[VALUE_MAC_SIZE];

    return xasprintf("%s/%s", network, value_format_mac(mac, buf));
}

bool
interface_has_address(const struct vmn_router_interface *interface,
                      const struct vmn_network *network,
                      const struct vmn_ip *ip)
{
    struct vmn_ip own[VMN_ADDRESSES_MAX];
    size_t n = vmn_interface_addresses(interface, network, own);

    for (size_t i = 0; i < n; i++) {
        if (!memcmp(&own[i], ip, sizeof *ip)) {
            return true;
        }
    }
    return false;
}

const char *
route_find_router(const struct model *model, const char *network_name,
                  const struct vmn_ip *ip, const char *except)
{
    const struct vmn_network *network = model_get(model, VMN_TABLE_NETWORK,
                                                  network_name);
    const struct name_set *names = index_get(
        model, VMN_INDEX_ROUTER_BY_NETWORK, network_name);

    for (size_t i = 0; network && i < names->n; i++) {
        const struct vmn_router *router = model_get(model, VMN_TABLE_ROUTER,
                                                    names->names[i]);

        for (size_t j = 0; strcmp(names->names[i], except)
                           && j < router->n_interfaces; j++) {
            const struct vmn_router_interface *interface
                = &router->interfaces[j];

            if (!strcmp(interface->network, network_name)
                && interface_has_address(interface, network, ip)) {
                return names->names[i];
            }
        }
    }
    return NULL;
}

void
check_no_router_has(struct txn *txn, const struct entry *where,
                    const char *field, const char *network,
                    const struct vmn_ip *ip)
{
    const char *router = route_find_router(txn->model, network, ip, "");
    enum vmn_table table;
    const char *external = external_find(txn->model, network, ip, &table);
    char buf[VALUE_IP_SIZE];

    if (external) {
        txn_error(txn, where, VMN_ERR_CONFLICT, field,
                  "%s is the address of %s in network \"%s\"",
                  value_format_ip(ip, buf), txn_name(txn, table, external),
                  network);
    }
    if (router) {
        txn_error(txn, where, VMN_ERR_CONFLICT, field,
                  "%s is the address of %s in network \"%s\"",
                  value_format_ip(ip, buf),
                  txn_name(txn, VMN_TABLE_ROUTER, router), network);
    }
}

void
check_no_router_has_mac(struct txn *txn, const struct entry *where,
                        const char *network, struct vmn_mac mac)
{
    char buf[VALUE_MAC_SIZE];
    char *key = router_mac_key(network, mac);
    const struct name_set *names = index_get(txn->model, INDEX_ROUTER_MAC,
                                             key);

    if (names->n) {
        txn_error(txn, where, VMN_ERR_CONFLICT, "/mac",
                  "%s is that of %s", value_format_mac(mac, buf),
                  txn_name(txn, VMN_TABLE_ROUTER, names->names[0]));
    }
    free(key);
}
