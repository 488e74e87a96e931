/* SPDX-License-Identifier: Apache-2.0
 *
 * Members of multicast groups, which switches remember.  A flow with
 * vmn_act_learn_member() has a learn() action, which adds a flow to
 * MEMBER_TABLE: by network, member and group, with a number of the app's; that
 * with vmn_act_learn_source() one by a list and a source as well.
 * Packets look it up by a detour (vmn_act_find_member()).  No other flows are
 * added there. */

#ifndef CONTROLLER_FLOW_LEARN_MEMBER_H
#define CONTROLLER_FLOW_LEARN_MEMBER_H 1

#include "vmn/flow.h"

struct ofpbuf;

/* After all stages; the next tables are those of packet-ins. */
#define MEMBER_TABLE 245

/* Appends the learn() action to ofpacts, for vmn_act_learn_member(), or, if it
 * is 'by_source', for vmn_act_learn_source().  The member's members are
 * valid. */
void learn_member_put(struct ofpbuf *ofpacts, uint16_t app,
                      const struct vmn_member *, bool by_source);

#endif /* controller/flow/learn-member.h */
