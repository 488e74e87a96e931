/* SPDX-License-Identifier: Apache-2.0
 *
 * The queue of a host's packets: a lane for each owner (packet-owner.h).  The
 * lanes are served in turn.  When the queue is full, the longest lane loses a
 * packet: guests of one owner delay the packets of another by one packet, and
 * take no room from them. */

#include <config.h>

#include <stdlib.h>

#include "controller/fabric/packets/packet-in-lanes.h"
#include "controller/fabric/packets/packet-in-private.h"
#include "controller/fabric/packets/packet-in-queue.h"
#include "hash.h"
#include "util.h"

/* Packets of an owner. */
struct packet_lane {
    struct hmap_node node;      /* In 'lanes', by owner. */
    struct ovs_list turn_node;  /* In 'turns'. */
    uint32_t owner;
    struct ovs_list waiting;    /* struct waiting_packet, one at least. */
    size_t n, bytes;
};

void
packet_lanes_init(struct packet_lanes *lanes)
{
    hmap_init(&lanes->lanes);
    ovs_list_init(&lanes->turns);
}

void
packet_lanes_uninit(struct packet_lanes *lanes)
{
    hmap_destroy(&lanes->lanes);
}

bool
packet_lanes_are_empty(const struct packet_lanes *lanes)
{
    return ovs_list_is_empty(&lanes->turns);
}

static struct packet_lane *
find_lane(const struct packet_lanes *lanes, uint32_t owner)
{
    struct packet_lane *lane;

    HMAP_FOR_EACH_WITH_HASH (lane, node, hash_int(owner, 0), &lanes->lanes) {
        if (lane->owner == owner) {
            return lane;
        }
    }
    return NULL;
}

/* Returns the lane of the packet, with the packet counted. */
static struct packet_lane *
lane_of(struct packet_lanes *lanes, const struct waiting_packet *packet)
{
    struct packet_lane *lane = find_lane(lanes, packet->owner);

    if (!lane) {
        lane = xzalloc(sizeof *lane);
        lane->owner = packet->owner;
        ovs_list_init(&lane->waiting);
        hmap_insert(&lanes->lanes, &lane->node, hash_int(lane->owner, 0));
        ovs_list_push_back(&lanes->turns, &lane->turn_node);
    }
    lane->n++;
    lane->bytes += packet->size;
    return lane;
}

void
packet_lanes_push(struct packet_lanes *lanes, struct waiting_packet *packet)
{
    ovs_list_push_back(&lane_of(lanes, packet)->waiting, &packet->node);
}

void
packet_lanes_push_front(struct packet_lanes *lanes,
                        struct waiting_packet *packet)
{
    ovs_list_push_front(&lane_of(lanes, packet)->waiting, &packet->node);
}

/* Takes the packet out of its lane, which gets its next turn behind all
 * others'. */
static struct waiting_packet *
take(struct packet_lanes *lanes, struct packet_lane *lane,
     struct ovs_list *node)
{
    struct waiting_packet *packet = CONTAINER_OF(node, struct waiting_packet,
                                                 node);

    ovs_list_remove(node);
    lane->n--;
    lane->bytes -= packet->size;
    if (!lane->n) {
        ovs_list_remove(&lane->turn_node);
        hmap_remove(&lanes->lanes, &lane->node);
        free(lane);
    }
    return packet;
}

struct waiting_packet *
packet_lanes_pop(struct packet_lanes *lanes)
{
    struct packet_lane *lane = CONTAINER_OF(ovs_list_front(&lanes->turns),
                                            struct packet_lane, turn_node);

    ovs_list_remove(&lane->turn_node);
    ovs_list_push_back(&lanes->turns, &lane->turn_node);
    return take(lanes, lane, ovs_list_front(&lane->waiting));
}

struct waiting_packet *
packet_lanes_pop_longest(struct packet_lanes *lanes, uint32_t owner,
                         bool by_bytes)
{
    const struct packet_lane *own = find_lane(lanes, owner);
    struct packet_lane *longest = NULL, *lane;
    size_t most = own ? (by_bytes ? own->bytes : own->n) : 0;

    HMAP_FOR_EACH (lane, node, &lanes->lanes) {
        size_t length = by_bytes ? lane->bytes : lane->n;

        if (length > most) {
            most = length;
            longest = lane;
        }
    }
    return longest ? take(lanes, longest, ovs_list_back(&longest->waiting))
           : NULL;
}
