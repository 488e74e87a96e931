/* SPDX-License-Identifier: Apache-2.0
 *
 * Identifies the sender of a packet-in; see packet-in-senders.c. */

#ifndef CONTROLLER_FABRIC_PACKETS_PACKET_IN_SENDERS_H
#define CONTROLLER_FABRIC_PACKETS_PACKET_IN_SENDERS_H 1

#include <stdint.h>

struct packet_port;
struct packets_of_switch;
struct vmn_port;

/* Fills in the rows of 'port', unless they are cached for this revision. */
void packet_sender_resolve(struct packets_of_switch *, struct packet_port *);
/* Returns the port whose VIF is at 'in_port' of the host, or NULL. */
const struct vmn_port *packet_sender_port(const struct packets_of_switch *,
                                          uint32_t in_port);
/* Returns the OpenFlow port of the VIF of port 'name' on the switch's host, or
 * 0. */
uint32_t packet_sender_find_ofport(const struct packets_of_switch *,
                                   const char *name);

#endif /* controller/fabric/packets/packet-in-senders.h */
