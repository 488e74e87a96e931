/* SPDX-License-Identifier: Apache-2.0
 *
 * Neighbours on a provider network, which switches learn from what they send.
 *
 * A flow that learns them (vmn_act_learn_neighbour()) has a learn() action.
 * What it learns goes into NEIGHBOUR_TABLE: by network and address, the
 * Ethernet address.  Packets make a detour there (vmn_act_find_neighbour()).
 * Besides, there are entries of neighbours that were asked for and have not
 * answered yet, which are the fabric's and go by themselves.  Nobody else adds
 * flows there, so reconciliation, audits and the marker skip that table. */

#ifndef CONTROLLER_FLOW_LEARN_NEIGHBOUR_H
#define CONTROLLER_FLOW_LEARN_NEIGHBOUR_H 1

#include "vmn/flow.h"

struct ofpbuf;

/* Behind all stages; that of connections is the next one. */
#define NEIGHBOUR_TABLE 250

/* Appends to ofpacts what learns from a packet, for
 * vmn_act_learn_neighbour(). */
void learn_neighbour_put(struct ofpbuf *ofpacts, enum vmn_neighbour);
/* Appends to 'b' a message with 'xid' that has neighbour 'ip' of 'network' be
 * incomplete for VMN_NEIGHBOUR_RETRY_S seconds
 * (vmn_neighbour_is_incomplete()).  Its flow gives way to what the neighbour
 * says. */
void learn_neighbour_put_incomplete(struct ofpbuf *b, uint32_t xid,
                                    uint32_t network, const struct vmn_ip *ip);

#endif /* controller/flow/learn-neighbour.h */
