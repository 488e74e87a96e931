/* SPDX-License-Identifier: Apache-2.0
 *
 * Neighbours on a provider network, which switches learn from packets.  A flow
 * with vmn_act_learn_neighbour() has a learn() action, which adds a flow to
 * NEIGHBOUR_TABLE: by network and address, with the Ethernet address.  Another
 * one adds a flow with the same key to REACHABLE_TABLE: while that is there,
 * the neighbour was heard not long ago.  The former is kept by the packets
 * that use it, the latter by those of the neighbour alone.  Packets look both
 * up by detours (vmn_act_find_neighbour()).  The fabric adds entries of
 * neighbours that are probed and have not replied yet; they time out.  No
 * other flows are added there, so reconciliation, audits and the marker skip
 * these tables. */

#ifndef CONTROLLER_FLOW_LEARN_NEIGHBOUR_H
#define CONTROLLER_FLOW_LEARN_NEIGHBOUR_H 1

#include "vmn/flow.h"

struct ofpbuf;

/* After all stages; the next table is that of connections. */
#define NEIGHBOUR_TABLE 250
#define REACHABLE_TABLE 242

/* Appends the learn() action to ofpacts, for vmn_act_learn_neighbour(). */
void learn_neighbour_put(struct ofpbuf *ofpacts, uint16_t app,
                         enum vmn_neighbour);
/* Appends to 'b' messages with 'xid' for neighbour 'ip' of 'network', of the
 * app with number 'app'.  If 'known' is zero it has no entry, and is
 * incomplete for VMN_NEIGHBOUR_RETRY_S seconds
 * (vmn_neighbour_is_incomplete()).  Else its entry, with that address, expires
 * in VMN_NEIGHBOUR_PROBE_S seconds (vmn_neighbour_is_probed()).  A packet of
 * the neighbour that is learned replaces either. */
void learn_neighbour_put_probed(struct ofpbuf *b, uint32_t xid, uint16_t app,
                                uint32_t network, const struct vmn_ip *ip,
                                struct vmn_mac known);

#endif /* controller/flow/learn-neighbour.h */
