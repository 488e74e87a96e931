/* SPDX-License-Identifier: Apache-2.0
 *
 * The addresses in the rows of hosts.  Not for authentication. */

#ifndef CONTROLLER_FABRIC_HOSTS_HOST_ADDRESSES_H
#define CONTROLLER_FABRIC_HOSTS_HOST_ADDRESSES_H 1

#include <netinet/in.h>
#include <stdbool.h>

struct fabric;

/* Returns true if the row of a host has the address.  'fabric' is a struct
 * fabric: a callback of listeners. */
bool fabric_knows_address(void *fabric, const struct in6_addr *);
/* Updates the addresses after rows of hosts changed. */
void fabric_addresses_update(struct fabric *);
/* Frees all addresses. */
void fabric_addresses_clear(struct fabric *);

#endif /* controller/fabric/hosts/host-addresses.h */
