/* SPDX-License-Identifier: Apache-2.0
 *
 * Subnets of networks.  For controller/model alone. */

#ifndef CONTROLLER_MODEL_SUBNETS_H
#define CONTROLLER_MODEL_SUBNETS_H 1

#include "controller/model/model-private.h"

struct txn;

/* The subnet that an address is of, or NULL. */
const struct vmn_subnet *address_subnet(const struct vmn_network *,
                                        const struct vmn_ip *);
/* For whom an address is kept, or NULL. */
const struct vmn_reservation *address_reservation(const struct vmn_subnet *,
                                                  const struct vmn_ip *);
/* Returns true if the network's subnets and gateways are what they were. */
bool network_keeps_subnets(const struct entry *);
/* Checks that 'ip' is an address of the network that 'port' may have.  Errors
 * go to 'field' of 'where'. */
bool check_ip_fits(struct txn *, const struct entry *where,
                   const char *field, const struct vmn_port *,
                   const struct vmn_ip *ip, const struct vmn_network *);
/* Checks that the addresses of ports and the virtual IPs in a network fit its
 * subnets, which have changed. */
void check_subnets_in_use(struct txn *, const struct entry *network);

#endif /* controller/model/subnets.h */
