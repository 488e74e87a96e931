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

#include "controller/model/checks.h"
#include "controller/model/txn.h"
#include "controller/schema/value.h"

void
check_mac_is_not_reserved(struct txn *txn, const struct entry *entry,
                          const char *field, struct vmn_mac mac)
{
    char buf[VALUE_MAC_SIZE];

    if (value_mac_is_reserved(mac)) {
        txn_error(txn, entry, VMN_ERR_INVALID, field,
                  "%s is reserved, as are all that begin with 0e:56:4d, "
                  "0e:56:4e or 0e:56:4f", value_format_mac(mac, buf));
    }
}
