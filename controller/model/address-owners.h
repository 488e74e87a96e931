/* SPDX-License-Identifier: Apache-2.0
 *
 * Who has an address of a network.  For controller/model alone. */

#ifndef CONTROLLER_MODEL_ADDRESS_OWNERS_H
#define CONTROLLER_MODEL_ADDRESS_OWNERS_H 1

#include "controller/model/model-private.h"

struct txn;

/* The router or floating address that has 'ip' in the external network, and
 * '*table' of which it is; or NULL. */
const char *external_find(const struct model *, const char *network,
                          const struct vmn_ip *ip, enum vmn_table *table);
/* The same, but for 'entry' (or NULL). */
const char *external_find_other(const struct model *, const char *network,
                                const struct vmn_ip *ip,
                                const struct entry *,
                                enum vmn_table *table);
/* The name, in 'index', of who has KEY/IP, but for 'except' (or NULL). */
const char *find_in_external(const struct model *, int index,
                             const char *key, const struct vmn_ip *ip,
                             const char *except);
/* The router but 'except' that has 'ip' in the network, or NULL. */
const char *route_find_router(const struct model *, const char *network,
                              const struct vmn_ip *, const char *except);
/* Returns true if a router has 'ip' by its interface in the network. */
bool interface_has_address(const struct vmn_router_interface *,
                           const struct vmn_network *,
                           const struct vmn_ip *ip);
/* The key "NETWORK/MAC".  The caller frees it. */
char *router_mac_key(const char *network, struct vmn_mac);

/* Reports to 'field' of 'where' if 'ip' is a router's address in 'network'. */
void check_no_router_has(struct txn *, const struct entry *where,
                         const char *field, const char *network,
                         const struct vmn_ip *ip);
/* Reports a port whose MAC address is a router's in 'network'. */
void check_no_router_has_mac(struct txn *, const struct entry *where,
                             const char *network, struct vmn_mac);

#endif /* controller/model/address-owners.h */
