/* SPDX-License-Identifier: Apache-2.0
 *
 * Neighbours on a provider network, which switches learn from packets.  A flow
 * with vmn_act_learn_neighbour() has a learn() action, which adds a flow to
 * NEIGHBOUR_TABLE: by network and address, with the Ethernet address.  Packets
 * look it up by a detour (vmn_act_find_neighbour()).  The fabric adds entries
 * of incomplete neighbours, which were solicited and have not replied yet;
 * they time out.  No other flows are added there, so reconciliation, audits
 * and the marker skip that table. */

#ifndef CONTROLLER_FLOW_LEARN_NEIGHBOUR_H
#define CONTROLLER_FLOW_LEARN_NEIGHBOUR_H 1

#include "vmn/flow.h"

struct ofpbuf;

/* After all stages; the next table is that of connections. */
#define NEIGHBOUR_TABLE 250

/* Appends the learn() action to ofpacts, for vmn_act_learn_neighbour(). */
void learn_neighbour_put(struct ofpbuf *ofpacts, uint16_t app,
                         enum vmn_neighbour);
/* Appends to 'b' a message with 'xid' that makes neighbour 'ip' of 'network',
 * for the app with number 'app', incomplete for VMN_NEIGHBOUR_RETRY_S seconds
 * (vmn_neighbour_is_incomplete()).  A reply of the neighbour replaces its
 * flow. */
void learn_neighbour_put_incomplete(struct ofpbuf *b, uint32_t xid,
                                    uint16_t app, uint32_t network,
                                    const struct vmn_ip *ip);

#endif /* controller/flow/learn-neighbour.h */
