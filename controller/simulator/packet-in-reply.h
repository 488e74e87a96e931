/* SPDX-License-Identifier: Apache-2.0
 *
 * What apps answer: a packet that a flow sends up is given to the handler that
 * it is for, and what that sends goes on through the simulator.  Handlers are
 * pure, so it is what they would send for a real one.  Not for limits. */

#ifndef CONTROLLER_SIMULATOR_PACKET_IN_REPLY_H
#define CONTROLLER_SIMULATOR_PACKET_IN_REPLY_H 1

#include <stdbool.h>

#include "controller/simulator/simulator.h"

struct engine;
struct model;

struct packet_in_reply {
    struct sim_packet packet;
    const char *why_not;        /* It is none; a static string, or NULL. */
};

/* Asks who gets a packet that ended as 'end', a SIM_PUNT, whose memory may be
 * the simulator's.  Returns false if that is no handler.  Else fills in
 * 'answer', and unless there is none, the steps and ends of 'sim' are the
 * answer's: of the first packet, if several are sent. */
bool packet_in_reply_run(struct engine *, const struct model *,
                         struct simulator *, const struct sim_end *end,
                         struct packet_in_reply *);

/* Describes the reply: "TCP reset", "ICMP error 3/13".  The caller frees it.
 */
char *packet_in_reply_to_string(const struct packet_in_reply *);

#endif /* controller/simulator/packet-in-reply.h */
