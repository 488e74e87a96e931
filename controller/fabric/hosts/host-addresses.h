/* SPDX-License-Identifier: Apache-2.0
 *
 * The addresses that the rows of hosts name.  Not for proving who somebody
 * is. */

#ifndef CONTROLLER_FABRIC_HOSTS_HOST_ADDRESSES_H
#define CONTROLLER_FABRIC_HOSTS_HOST_ADDRESSES_H 1

#include <netinet/in.h>
#include <stdbool.h>

struct fabric;

/* Tells whether a host's row names the address. */
bool fabric_knows_address(void *fabric, const struct in6_addr *);
/* Rows of hosts are others. */
void fabric_addresses_update(struct fabric *);
void fabric_addresses_clear(struct fabric *);

#endif /* controller/fabric/hosts/host-addresses.h */
