/* SPDX-License-Identifier: Apache-2.0
 *
 * Assigns addresses to ports.  Only for model-port.c. */

#ifndef CONTROLLER_MODEL_PORT_ADDRESSES_H
#define CONTROLLER_MODEL_PORT_ADDRESSES_H 1

#include "controller/model/model-private.h"

struct txn;

/* Fills in the addresses that a port requests, or has had. */
void port_keep_addresses(struct version *, const struct version *old);
/* Assign missing addresses.  Errors go to the transaction. */
void port_assign_mac(struct txn *, struct entry *port);
void port_assign_ips(struct txn *, struct entry *port);

#endif /* controller/model/port-addresses.h */
