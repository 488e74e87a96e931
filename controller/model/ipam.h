/* SPDX-License-Identifier: Apache-2.0
 *
 * Which addresses of subnets are given out.  For controller/model alone. */

#ifndef CONTROLLER_MODEL_IPAM_H
#define CONTROLLER_MODEL_IPAM_H 1

#include "controller/model/model-private.h"

/* Returns a free address of the subnet: the one reserved for 'port', or the
 * one derived from its MAC if the subnet says so, or the next one.  Family 0
 * if there is none. */
struct vmn_ip address_find(struct model *, struct entry *network,
                           const struct vmn_subnet *,
                           const struct vmn_port *port);
/* Returns true if 'ip' could be assigned to a port that requests no address,
 * whether it is in use, reserved or not. */
bool address_is_allocatable(const struct vmn_subnet *, const struct vmn_port *,
                            const struct vmn_ip *ip);
/* Takes back what was given out since there were 'n' notes of it in the
 * model's 'cursors'. */
void address_undo(struct model *, size_t n);
/* Forgets those notes: what they are of is settled. */
void address_settle(struct model *);
/* Forgets about subnets that a network does not have any more. */
void address_forget(struct entry *network);

/* Sets a cursor as another member of the cluster has it, so that it is stored.
 * Ignores one of a network that is not there. */
void address_replicate(struct model *, const struct model_cursor *);

#endif /* controller/model/ipam.h */
