/* SPDX-License-Identifier: Apache-2.0
 *
 * Learned connections: those that a switch has seen, as flows that it adds by
 * itself.
 *
 * A flow that learns them (vmn_act_learn_connection()) has a learn() action,
 * which adds to CONNECTION_TABLE, in which packets are never looked up, a flow
 * without actions whose match is the connection, with the cookie of the
 * learning flow's unit.  When the last learning flow with that cookie is
 * deleted, the learned ones are, too.  No other flows are added there, so
 * reconciliation, audits and the marker skip that table.  Not for reading them
 * (fabric/packets/learned-connections.c). */

#ifndef CONTROLLER_FLOW_LEARN_CONNECTION_H
#define CONTROLLER_FLOW_LEARN_CONNECTION_H 1

#include <stdbool.h>
#include <stdint.h>

#include "vmn/types.h"

struct match;
struct ofpbuf;

/* After all stages; the next table is that of samples. */
#define CONNECTION_TABLE 251

/* A connection. */
struct learned_connection {
    uint32_t vni;
    uint32_t ofport;            /* The local port that packets go to. */
    struct vmn_ip src, dst;
    uint8_t protocol;           /* Of IP. */
    uint16_t port;              /* TCP, UDP, SCTP: of the destination. */
    uint8_t icmp_type, icmp_code; /* ICMP of both families. */
};

/* Appends to ofpacts the action of vmn_act_learn_connection(). */
void learn_connection_put(struct ofpbuf *ofpacts, uint16_t eth_type,
                          uint8_t ip_proto);

/* Parses the match of a learned flow; returns false if it is invalid. */
bool learned_connection_parse(const struct match *,
                              struct learned_connection *);

#endif /* controller/flow/learn-connection.h */
