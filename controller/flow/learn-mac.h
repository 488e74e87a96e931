/* SPDX-License-Identifier: Apache-2.0
 *
 * Ethernet addresses behind ports, which switches learn from the source of
 * packets.  A flow with vmn_act_learn_mac() has a learn() action, which adds a
 * flow to MAC_TABLE: by network and Ethernet address, with a number of the
 * app's.  Packets look it up by a detour (vmn_act_find_mac()).  No other flows
 * are added there. */

#ifndef CONTROLLER_FLOW_LEARN_MAC_H
#define CONTROLLER_FLOW_LEARN_MAC_H 1

#include <stdint.h>

struct ofpbuf;

/* After all stages; the next table is that of neighbours. */
#define MAC_TABLE 249

/* Appends the learn() action to ofpacts, for vmn_act_learn_mac(). */
void learn_mac_put(struct ofpbuf *ofpacts, uint16_t app, uint32_t value);

#endif /* controller/flow/learn-mac.h */
