/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of ports that are isolated from others of their network: the network
 * has to have isolation, or what they say would have no effect, and whoever
 * has set it would take for separate what is not.  And in a provider network
 * nobody is behind a port: on another host only the physical network is seen,
 * by which what such a guest sends has come.  Not for who may set it
 * (port-rights.c). */

#include <config.h>

#include "controller/model/checks.h"
#include "controller/model/row-index.h"
#include "controller/model/txn.h"
#include "controller/schema/schema.h"

/* Returns true if guests behind the port would not be isolated as it is. */
static bool
has_others_behind(const struct vmn_port *port,
                  const struct vmn_network *network)
{
    enum vmn_isolation kind = (port->isolation != VMN_ISOLATION_NONE
                               ? port->isolation : network->isolation);

    return (port->unknown && network->provider.physical
            && network->isolation != VMN_ISOLATION_NONE
            && kind != VMN_PROMISCUOUS);
}

void
check_port_isolation(struct txn *txn, const struct entry *entry,
                     const struct vmn_port *port,
                     const struct vmn_network *network)
{
    if (port->isolation != VMN_ISOLATION_NONE
        && network->isolation == VMN_ISOLATION_NONE) {
        txn_error(txn, entry, VMN_ERR_INVALID, "/isolation",
                  "is only for ports of networks with \"isolation\", and "
                  "\"%s\" has none", network->row.name);
    }
    if (has_others_behind(port, network)) {
        txn_error(txn, entry, VMN_ERR_INVALID, "/isolation",
                  "must be \"promiscuous\" with \"unknown\" in provider "
                  "network \"%s\": other hosts do not know who is behind a "
                  "port", network->row.name);
    }
}

/* Checks a port that stays as it is against its network, which was 'was'. */
static bool
check_port_of(struct txn *txn, const struct entry *entry,
              const struct vmn_port *port, const struct vmn_network *was)
{
    const struct vmn_network *network = entry_row(entry);

    if (network->isolation == VMN_ISOLATION_NONE
        && port->isolation != VMN_ISOLATION_NONE) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/isolation",
                  "%s has \"isolation\" of its own, which would have no "
                  "effect", txn_name(txn, VMN_TABLE_PORT, port->row.name));
        return false;
    }
    if (has_others_behind(port, network)) {
        txn_error(txn, entry, VMN_ERR_CONFLICT,
                  was->isolation != network->isolation ? "/isolation"
                  : "/provider",
                  "%s has \"unknown\", and would be isolated in a provider "
                  "network: other hosts do not know who is behind a port",
                  txn_name(txn, VMN_TABLE_PORT, port->row.name));
        return false;
    }
    return true;
}

void
check_network_isolation(struct txn *txn, const struct entry *entry)
{
    const struct vmn_network *network = entry_row(entry);
    const struct vmn_network *was = (entry->before
                                     ? (const struct vmn_network *)
                                       entry->before->row : NULL);
    const struct name_set *names;

    if (!was || (network->isolation == was->isolation
                 && !network->provider.physical == !was->provider.physical)) {
        return;
    }
    names = index_get(txn->model, VMN_INDEX_PORT_BY_NETWORK, entry->name);
    for (size_t i = 0; i < names->n; i++) {
        const struct entry *other = model_find(txn->model, VMN_TABLE_PORT,
                                               names->names[i]);

        if (!entry_is_changed(other)
            && !check_port_of(txn, entry, entry_row(other), was)) {
            return;
        }
    }
}
