/* SPDX-License-Identifier: Apache-2.0
 *
 * What apps answer: a packet that a flow sends up is given to the handler that
 * it is for, and what that sends goes on through the simulator.  Handlers are
 * pure, so it is what they would send for a real one.  Not for limits. */

#ifndef CONTROLLER_SIMULATOR_PACKET_IN_REPLY_H
#define CONTROLLER_SIMULATOR_PACKET_IN_REPLY_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/simulator/simulator.h"

struct engine;
struct model;

struct packet_in_reply {
    struct sim_packet packet;
    uint32_t http_status;       /* Of a reply to an HTTP request; or 0. */
    uint8_t *payload;           /* What it carries, if it is UDP, or the body
                                 * of such a reply; or NULL. */
    size_t payload_size;
    bool refuses;               /* TCP reset or ICMP error. */
    const char *why_not;        /* It is none; a static string, or NULL. */
    char *problem;              /* Why the app failed, or NULL. */
};

/* Asks who gets a packet that ended as 'end', a SIM_PUNT, whose memory may be
 * the simulator's.  If it is UDP, it carries the 'size' bytes at 'payload'.
 * Returns false if that is no handler.  Else fills in 'answer', to be passed
 * to packet_in_reply_uninit(), and unless there is none, the steps and ends of
 * 'sim' are the answer's: of the first packet, if several are sent. */
bool packet_in_reply_run(struct engine *, const struct model *,
                         struct simulator *, const struct sim_end *end,
                         const void *payload, size_t size,
                         struct packet_in_reply *);
void packet_in_reply_uninit(struct packet_in_reply *);

/* Describes the reply: "TCP reset", "ICMP error 3/13".  The caller frees it.
 */
char *packet_in_reply_to_string(const struct packet_in_reply *);

#endif /* controller/simulator/packet-in-reply.h */
