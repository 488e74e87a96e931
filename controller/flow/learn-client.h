/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients of balanced services, which switches remember by their addresses.
 *
 * A flow that has them remembered (vmn_act_learn_client()) has a learn()
 * action.  What it learns goes into CLIENT_TABLE: by routing domain, service
 * and address, a number of the app's.  Packets make a detour there
 * (vmn_act_find_client()).  Nobody else adds flows there. */

#ifndef CONTROLLER_FLOW_LEARN_CLIENT_H
#define CONTROLLER_FLOW_LEARN_CLIENT_H 1

#include "vmn/flow.h"

struct ofpbuf;

/* Behind all stages; that of Ethernet addresses is the next one. */
#define CLIENT_TABLE 248

/* Appends to ofpacts what learns from a packet, for vmn_act_learn_client().
 * The client's members are valid. */
void learn_client_put(struct ofpbuf *ofpacts, const struct vmn_client *);

#endif /* controller/flow/learn-client.h */
