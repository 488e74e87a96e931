/* SPDX-License-Identifier: Apache-2.0
 *
 * Holders of addresses of IPv6, which switches remember by what they send.  A
 * flow with vmn_act_learn_holder() has two learn() actions, which add flows to
 * HOLDER_TABLE: one by network and address, for all senders, and one of higher
 * priority for the sender that holds it.  Packets look them up by a detour
 * (vmn_act_find_holder()).  No other flows are added there. */

#ifndef CONTROLLER_FLOW_LEARN_HOLDER_H
#define CONTROLLER_FLOW_LEARN_HOLDER_H 1

#include <stdint.h>

struct ofpbuf;

/* After all stages; the next table is that of reachable neighbours. */
#define HOLDER_TABLE 241

/* Appends the learn() actions of the app with number 'app' to ofpacts, for
 * vmn_act_learn_holder(). */
void learn_holder_put(struct ofpbuf *ofpacts, uint16_t app, uint32_t limit);

#endif /* controller/flow/learn-holder.h */
