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

/* Whose packet it is, and for whom.  Both addresses are of one family. */
struct packet_ends {
    struct vmn_mac source_mac, destination_mac;
    struct vmn_ip source_ip, destination_ip;
};

/* Who has 'target': ARP, or neighbour discovery (RFC 4861). */
void packet_solicit(const struct packet_ends *, const struct vmn_ip *target,
                    struct sim_packet *);
/* True if 'packet' answers who has 'target', with '*mac'. */
bool packet_is_advertisement(const struct sim_packet *,
                             const struct vmn_ip *target, struct vmn_mac *mac);

/* The packet of a trace. */
void packet_request(const struct packet_ends *, const struct trace_request *,
                    struct sim_packet *);

/* What who got 'request' answers, to whom it has it from; false if nothing. */
bool packet_reply(const struct sim_packet *request, struct sim_packet *);
/* Whom a packet of IP is for. */
void packet_get_destination(const struct sim_packet *, struct vmn_ip *);
void packet_set_next_hop(struct sim_packet *, struct vmn_mac);

#endif /* controller/simulator/guest-packet.h */
