/* SPDX-License-Identifier: Apache-2.0
 *
 * Refuses reserved MAC addresses where somebody asks for one.  Switches know
 * by these what comes from outside, and what is for a balancer, a server of
 * VMN's or a floating address (VMN_RESERVED_MAC_* of vmn/vocabulary.h), so a
 * guest that had one would be taken for it.
 *
 * What an older vmnd has stored is loaded all the same, and refused when it is
 * changed.  Not for whether somebody has the address already
 * (row-checks.c). */

#include <config.h>

#include <stdlib.h>

#include "controller/model/model-private.h"
#include "controller/schema/value.h"
#include "util.h"

static void
check_mac(struct txn *txn, const struct entry *entry, const char *field,
          struct vmn_mac mac)
{
    char buf[VALUE_MAC_SIZE];

    if (value_mac_is_reserved(mac)) {
        txn_error(txn, entry, VMN_ERR_INVALID, field,
                  "%s is reserved, as are all that begin with 0e:56:4d or "
                  "0e:56:4e", value_format_mac(mac, buf));
    }
}

static void
check_pairs(struct txn *txn, const struct entry *entry,
            const struct vmn_port *port)
{
    for (size_t i = 0; i < port->n_allowed_addresses; i++) {
        char *field = xasprintf("/allowed_addresses/%"PRIuSIZE"/mac", i);

        check_mac(txn, entry, field, port->allowed_addresses[i].mac);
        free(field);
    }
}

void
check_reserved_macs(struct txn *txn, const struct entry *entry)
{
    if (entry->table == VMN_TABLE_PORT) {
        const struct vmn_port *port = entry_row(entry);

        check_mac(txn, entry, "/mac", port->want_mac);
        check_pairs(txn, entry, port);
    } else if (entry->table == VMN_TABLE_ROUTER) {
        check_mac(txn, entry, "/mac",
                  ((const struct vmn_router *) entry_row(entry))->want_mac);
    }
}
