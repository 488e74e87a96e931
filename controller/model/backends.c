/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports that balancers send to: each is in a network in which its balancer is
 * offered. */

#include <config.h>

#include <string.h>

#include "controller/model/checks.h"
#include "controller/model/row-index.h"
#include "controller/model/txn.h"

/* Checks the balancer's backend 'only', or all of them if that is NULL.
 * Errors are reported at 'field' of 'where'. */
static void
check_of_port(struct txn *txn, const struct entry *where, const char *field,
              const struct vmn_loadbalancer *lb, const char *only)
{
    for (size_t i = 0; i < lb->n_backends; i++) {
        const struct vmn_port *port = model_get(txn->model, VMN_TABLE_PORT,
                                                lb->backends[i].port);

        if (port && !vmn_lb_is_offered_in(lb, port->network)
            && (!only || !strcmp(only, port->row.name))) {
            txn_error(txn, where, VMN_ERR_INVALID, field,
                      "%s is a backend of %s, which is not offered in %s",
                      txn_name(txn, VMN_TABLE_PORT, port->row.name),
                      txn_name(txn, VMN_TABLE_LOADBALANCER, lb->row.name),
                      txn_name(txn, VMN_TABLE_NETWORK, port->network));
        }
    }
}

void
check_backends(struct txn *txn, const struct entry *balancer)
{
    check_of_port(txn, balancer, "/backends", entry_row(balancer), NULL);
}

/* Checks that a port that moved to another network is no backend of a balancer
 * that is not there. */
void
check_port_moved(struct txn *txn, const struct entry *entry)
{
    const struct vmn_port *port = entry_row(entry);
    const struct vmn_port *was = entry->before
        ? (const struct vmn_port *) entry->before->row : NULL;

    if (!was || !strcmp(was->network, port->network)) {
        return;
    }

    const struct name_set *lbs = index_get(
        txn->model, index_refs(VMN_TABLE_PORT, VMN_TABLE_LOADBALANCER),
        entry->name);
    for (size_t i = 0; i < lbs->n; i++) {
        const struct entry *lb = model_find(
            txn->model, VMN_TABLE_LOADBALANCER, lbs->names[i]);

        if (!entry_is_changed(lb)) {
            check_of_port(txn, entry, "/network", entry_row(lb),
                          entry->name);
        }
    }
}
