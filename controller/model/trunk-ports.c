/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of trunks: a sub-port's parent is a port that has an interface of its
 * own, and carries each VLAN once. */

#include <config.h>

#include "controller/model/checks.h"
#include "controller/model/row-index.h"
#include "controller/model/txn.h"

#include <inttypes.h>
#include <string.h>

#include "util.h"

static void
check_parent(struct txn *txn, const struct entry *where,
             const struct vmn_port *port)
{
    const struct vmn_port *parent = model_get(txn->model, VMN_TABLE_PORT,
                                              port->parent);

    if (!parent) {
        return;                 /* Reported elsewhere. */
    }
    if (!strcmp(port->parent, port->row.name)) {
        txn_error(txn, where, VMN_ERR_INVALID, "/parent",
                  "cannot be the port itself");
    } else if (parent->parent) {
        txn_error(txn, where, VMN_ERR_INVALID, "/parent",
                  "\"%s\" is a sub-port itself, of %s", port->parent,
                  txn_name(txn, VMN_TABLE_PORT, parent->parent));
    } else if (parent->external) {
        txn_error(txn, where, VMN_ERR_INVALID, "/parent",
                  "\"%s\" is an external port, which is on no host",
                  port->parent);
    }
}

static void
check_vlan(struct txn *txn, const struct entry *where,
           const struct vmn_port *port)
{
    char *key = xasprintf("%s/%"PRIu32, port->parent, port->vlan);
    const struct name_set *names = index_get(txn->model, INDEX_PORT_VLAN, key);

    for (size_t i = 0; i < names->n; i++) {
        if (strcmp(names->names[i], port->row.name)) {
            txn_error(txn, where, VMN_ERR_CONFLICT, "/vlan",
                      "%"PRIu32" is used by %s, of the same parent",
                      port->vlan,
                      txn_name(txn, VMN_TABLE_PORT, names->names[i]));
            break;
        }
    }
    free(key);
}

void
check_port_trunk(struct txn *txn, const struct entry *where,
                 const struct vmn_port *port)
{
    const struct name_set *subs = index_get(
        txn->model, VMN_INDEX_PORT_BY_PARENT, port->row.name);

    if (port->parent) {
        check_parent(txn, where, port);
        check_vlan(txn, where, port);
    }
    if (subs->n && (port->parent || port->external)
        && strcmp(subs->names[0], port->row.name)) {
        txn_error(txn, where, VMN_ERR_CONFLICT,
                  port->parent ? "/parent" : "/external",
                  "%s is a sub-port of this one",
                  txn_name(txn, VMN_TABLE_PORT, subs->names[0]));
    }
}
