/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of provider networks: each VLAN of a physical network is one network,
 * and has only features that work on a network shared with others.  Not for
 * the hosts' bridges: a host without the bridge reports that itself. */

#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/checks.h"
#include "controller/model/row-index.h"
#include "controller/model/txn.h"
#include "controller/schema/schema.h"
#include "util.h"

static void
check_part_is_free(struct txn *txn, const struct entry *entry,
                   const struct vmn_provider *provider)
{
    char *key = xasprintf("%s/%"PRIu32, provider->physical, provider->vlan);
    const struct name_set *names = index_get(txn->model, INDEX_PROVIDER, key);

    for (size_t i = 0; i < names->n; i++) {
        if (strcmp(names->names[i], entry->name)) {
            char *vlan = provider->vlan
                         ? xasprintf("VLAN %"PRIu32, provider->vlan)
                         : xstrdup("what has no VLAN");

            txn_error(txn, entry, VMN_ERR_CONFLICT, "/provider",
                      "%s of physical network \"%s\" is %s", vlan,
                      provider->physical,
                      txn_name(txn, VMN_TABLE_NETWORK, names->names[i]));
            free(vlan);
        }
    }
    free(key);
}

/* Checks the objects in a network that became a provider network. */
static void
check_users(struct txn *txn, const struct entry *entry)
{
    static const struct {
        int index;
        enum vmn_table table;
    } users[] = {
        { VMN_INDEX_LB_BY_NETWORK, VMN_TABLE_LOADBALANCER },
        { VMN_INDEX_ROUTER_BY_NETWORK, VMN_TABLE_ROUTER },
    };

    for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
        const struct name_set *names = index_get(txn->model, users[i].index,
                                                 entry->name);

        for (size_t j = 0; j < names->n; j++) {
            if (!entry_is_changed(model_find(txn->model, users[i].table,
                                             names->names[j]))) {
                txn_error(txn, entry, VMN_ERR_CONFLICT, "/provider",
                          "%s cannot be in a provider network",
                          txn_name(txn, users[i].table, names->names[j]));
            }
        }
    }
}

/* Checks the ports in a network that is a provider network no longer. */
static void
check_external_ports(struct txn *txn, const struct entry *entry)
{
    const struct name_set *names = index_get(
        txn->model, VMN_INDEX_PORT_BY_NETWORK, entry->name);

    for (size_t i = 0; i < names->n; i++) {
        const struct entry *other = model_find(txn->model, VMN_TABLE_PORT,
                                               names->names[i]);
        const struct vmn_port *port = entry_row(other);

        if (port->external && !entry_is_changed(other)) {
            txn_error(txn, entry, VMN_ERR_CONFLICT, "/provider",
                      "%s is external, and so in a provider network",
                      txn_name(txn, VMN_TABLE_PORT, port->row.name));
        }
    }
}

void
check_provider(struct txn *txn, const struct entry *entry)
{
    const struct vmn_network *network = entry_row(entry);

    if (network->provider.physical) {
        check_part_is_free(txn, entry, &network->provider);
        check_users(txn, entry);
    } else if (entry->before
               && ((const struct vmn_network *) entry->before->row)
                  ->provider.physical) {
        check_external_ports(txn, entry);
    }
}

void
check_port_external(struct txn *txn, const struct entry *where,
                    const struct vmn_port *port,
                    const struct vmn_network *network)
{
    if (port->external && !network->provider.physical) {
        txn_error(txn, where, VMN_ERR_INVALID, "/external",
                  "is only for ports of provider networks, and \"%s\" is none",
                  network->row.name);
    }
}

void
check_is_overlay(struct txn *txn, const struct entry *where,
                 const char *field, const char *network_name,
                 const char *what)
{
    const struct vmn_network *network = model_get(
        txn->model, VMN_TABLE_NETWORK, network_name);

    if (network && network->provider.physical) {
        txn_error(txn, where, VMN_ERR_INVALID, field,
                  "\"%s\" is a provider network, which cannot have %s",
                  network_name, what);
    }
}
