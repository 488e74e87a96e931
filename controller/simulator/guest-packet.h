/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets as guests send them: questions for a neighbour's address, requests,
 * and answers. */

#ifndef CONTROLLER_SIMULATOR_GUEST_PACKET_H
#define CONTROLLER_SIMULATOR_GUEST_PACKET_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/simulator/conntrack.h"
#include "controller/simulator/trace-request.h"
#include "vmn/types.h"

/* A packet's source and destination.  Both addresses have one family. */
struct packet_ends {
    struct vmn_mac source_mac, destination_mac;
    struct vmn_ip source_ip, destination_ip;
};

/* Makes a request for the MAC of 'target', by ARP or neighbour discovery (RFC
 * 4861). */
void packet_solicit(const struct packet_ends *, const struct vmn_ip *target,
                    struct sim_packet *);
/* Returns true if 'packet' tells the MAC of 'target', and sets '*mac' to
 * it. */
bool packet_is_advertisement(const struct sim_packet *,
                             const struct vmn_ip *target, struct vmn_mac *mac);

/* Returns the MAC address to which packets for 'group' are sent: a multicast
 * or a broadcast address (RFC 1112, section 6.4; RFC 2464, section 7). */
struct vmn_mac packet_group_mac(const struct vmn_ip *group);

/* Makes the packet of a trace. */
void packet_request(const struct packet_ends *, const struct trace_request *,
                    struct sim_packet *);

/* Makes the reply of the receiver of 'request'.  Returns false if there is no
 * reply: to an ICMP packet that is no request, or to a group. */
bool packet_reply(const struct sim_packet *request, struct sim_packet *);
/* Gets the destination address of an IP packet. */
void packet_get_destination(const struct sim_packet *, struct vmn_ip *);
void packet_set_next_hop(struct sim_packet *, struct vmn_mac);
/* Puts the tag of VLAN 'vid' on a packet without one; 0: none. */
void packet_set_vlan(struct sim_packet *, uint16_t vid);

#endif /* controller/simulator/guest-packet.h */
