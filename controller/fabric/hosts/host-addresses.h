/* SPDX-License-Identifier: Apache-2.0
 *
 * The addresses that the rows of hosts name.  Not for proving who somebody
 * is. */

#ifndef CONTROLLER_FABRIC_HOSTS_HOST_ADDRESSES_H
#define CONTROLLER_FABRIC_HOSTS_HOST_ADDRESSES_H 1

#include <netinet/in.h>
#include <stdbool.h>

struct fabric;

/* Returns true if a host's row names the address.  'fabric' is one: for
 * callbacks of listeners. */
bool fabric_knows_address(void *fabric, const struct in6_addr *);
/* Reads the addresses anew, since rows of hosts have changed. */
void fabric_addresses_update(struct fabric *);
/* Forgets all of them. */
void fabric_addresses_clear(struct fabric *);

#endif /* controller/fabric/hosts/host-addresses.h */
