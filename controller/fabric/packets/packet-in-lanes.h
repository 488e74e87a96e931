/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets of a host that wait for their handler, by owner.  The caller,
 * packet-in-queue.c, owns the packets. */

#ifndef CONTROLLER_FABRIC_PACKETS_PACKET_IN_LANES_H
#define CONTROLLER_FABRIC_PACKETS_PACKET_IN_LANES_H 1

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/hmap.h"
#include "openvswitch/list.h"

struct waiting_packet;

struct packet_lanes {
    struct hmap lanes;          /* struct packet_lane, none of them empty. */
    struct ovs_list turns;      /* The same, the next one first. */
};

void packet_lanes_init(struct packet_lanes *);
/* They must be empty. */
void packet_lanes_uninit(struct packet_lanes *);
bool packet_lanes_are_empty(const struct packet_lanes *);
void packet_lanes_push(struct packet_lanes *, struct waiting_packet *);
void packet_lanes_push_front(struct packet_lanes *, struct waiting_packet *);
/* Returns the next packet; there must be one. */
struct waiting_packet *packet_lanes_pop(struct packet_lanes *);
/* Returns the last packet of the lane that has most, in packets or in bytes,
 * or NULL if that is 'owner's. */
struct waiting_packet *packet_lanes_pop_longest(struct packet_lanes *,
                                                uint32_t owner,
                                                bool by_bytes);

#endif /* controller/fabric/packets/packet-in-lanes.h */
