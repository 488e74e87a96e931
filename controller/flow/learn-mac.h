/* SPDX-License-Identifier: Apache-2.0
 *
 * Ethernet addresses behind ports, which switches learn from who sends.
 *
 * A flow that hears them (vmn_act_learn_mac()) has a learn() action.  What it
 * learns goes into MAC_TABLE: by network and Ethernet address, a number of the
 * app's.  Packets make a detour there (vmn_act_find_mac()).  Nobody else adds
 * flows there. */

#ifndef CONTROLLER_FLOW_LEARN_MAC_H
#define CONTROLLER_FLOW_LEARN_MAC_H 1

#include <stdint.h>

struct ofpbuf;

/* Behind all stages; that of neighbours is the next one. */
#define MAC_TABLE 249

/* Appends to ofpacts what learns from a packet, for vmn_act_learn_mac(). */
void learn_mac_put(struct ofpbuf *ofpacts, uint32_t value);

#endif /* controller/flow/learn-mac.h */
