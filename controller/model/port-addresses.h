/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses that ports are given.  For model-port.c alone. */

#ifndef CONTROLLER_MODEL_PORT_ADDRESSES_H
#define CONTROLLER_MODEL_PORT_ADDRESSES_H 1

#include "controller/model/model-private.h"

struct txn;

/* Fills in the addresses that a port asks for, or has had. */
void port_keep_addresses(struct version *, const struct version *old);
/* Give out what is lacking.  Errors go to the transaction. */
void port_assign_mac(struct txn *, struct entry *port);
void port_assign_ips(struct txn *, struct entry *port);

#endif /* controller/model/port-addresses.h */
