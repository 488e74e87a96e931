/* SPDX-License-Identifier: Apache-2.0
 *
 * The addresses in the rows of hosts.  Not for authentication. */

#ifndef CONTROLLER_FABRIC_HOSTS_HOST_ADDRESSES_H
#define CONTROLLER_FABRIC_HOSTS_HOST_ADDRESSES_H 1

#include <netinet/in.h>
#include <stdbool.h>

struct fabric;
struct fabric_host;

/* Returns true if the row of a host has the address.  'fabric' is a struct
 * fabric: a callback of listeners. */
bool fabric_knows_address(void *fabric, const struct in6_addr *);
/* Returns true if the row of that host has the address of 'peer', such as
 * "tcp:10.0.0.1:6653". */
bool fabric_host_has_address_of(const struct fabric_host *, const char *peer);
/* Updates the addresses after rows of hosts changed. */
void fabric_addresses_update(struct fabric *);
/* Frees all addresses. */
void fabric_addresses_clear(struct fabric *);

#endif /* controller/fabric/hosts/host-addresses.h */
