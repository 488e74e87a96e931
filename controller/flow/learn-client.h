/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients of balanced services, which switches remember by their addresses.  A
 * flow with vmn_act_learn_client() has a learn() action, which adds a flow to
 * CLIENT_TABLE: by routing domain, service and address, with a number of the
 * app's.  Packets look it up by a detour (vmn_act_find_client()).  No other
 * flows are added there. */

#ifndef CONTROLLER_FLOW_LEARN_CLIENT_H
#define CONTROLLER_FLOW_LEARN_CLIENT_H 1

#include "vmn/flow.h"

struct ofpbuf;

/* After all stages; the next table is that of Ethernet addresses. */
#define CLIENT_TABLE 248

/* Appends the learn() action to ofpacts, for vmn_act_learn_client().  The
 * client's members are valid. */
void learn_client_put(struct ofpbuf *ofpacts, uint16_t app,
                      const struct vmn_client *);

#endif /* controller/flow/learn-client.h */
