/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies of packets for readers: passes those that switches send up on to who
 * reads them (fabric-captures.h), within a rate of the host. */

#ifndef CONTROLLER_FABRIC_PACKETS_CAPTURED_PACKETS_H
#define CONTROLLER_FABRIC_PACKETS_CAPTURED_PACKETS_H 1

#include <stdbool.h>

struct ofpacket_in;
struct packets_of_switch;

/* Takes the packet-in if it is such a copy, and returns true; else false. */
bool captured_receive(struct packets_of_switch *, const struct ofpacket_in *);

#endif /* controller/fabric/packets/captured-packets.h */
