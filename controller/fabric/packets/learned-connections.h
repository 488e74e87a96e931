/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the connections that switches have noted
 * (controller/flow/learn-connection.h): one request to each of some hosts,
 * whoever asks.  What is read is handed on and not kept.  Not for what follows
 * from it (recommend/). */

#ifndef CONTROLLER_FABRIC_PACKETS_LEARNED_CONNECTIONS_H
#define CONTROLLER_FABRIC_PACKETS_LEARNED_CONNECTIONS_H 1

#include <stdbool.h>

#include "openvswitch/ofp-msgs.h"

struct fabric_switch;

/* Takes a message that belongs to a reading (and returns true). */
bool learned_message(struct fabric_switch *, enum ofptype,
                   const struct ofp_header *);
/* True if it owes an answer. */
bool learned_are_owed(const struct fabric_switch *);
/* The connection is gone. */
void learned_disconnected(struct fabric_switch *);

#endif /* controller/fabric/packets/learned-connections.h */
