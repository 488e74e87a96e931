/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages of IGMP and MLD, all versions: taking them apart, and those that
 * switches learn from.  Bytes alone, without state, and without the app's
 * other files: there is a fuzz target.
 *
 * What a switch learns from has one group, its IP destination, and is a
 * message of IGMPv2 or MLDv1 but for that: a leave is for the group as well.
 * Which it is, its Ethernet destination says. */

#ifndef APPS_MULTICAST_GROUP_MESSAGE_H
#define APPS_MULTICAST_GROUP_MESSAGE_H 1

#include "vmn/packet.h"

/* Ethernet destinations of messages that switches learn from, which no guest
 * gets to see; the lowest byte is one of these. */
#define MESSAGE_MAC(KIND) (VMN_SNOOPED_MAC | (KIND))
#define MESSAGE_MAC_MASK VMN_SNOOPED_MAC_MASK
enum message {
    MESSAGE_LEAVE = 0,          /* The lowest bit is what is learned. */
    MESSAGE_JOIN = 1,
    MESSAGE_ALL = 2,            /* The port gets all groups from now on. */
    MESSAGE_ROUTER = 3,         /* So it does, and hears reports. */
    MESSAGE_TICK = 4,           /* A port of the network is being asked. */
};

#define PROTO_IGMP 2
#define MLD_QUERY 130
#define MLD_REPORT 131          /* MLDv1 (RFC 2710). */
#define MLD_DONE 132
#define MLD2_REPORT 143         /* MLDv2 (RFC 3810). */

/* What a group is told in a report. */
struct group_record {
    struct vmn_ip group;
    bool joins;                 /* Or leaves it. */
};

/* Groups of one report that are kept: with one more message, and a query, it
 * is as much as a handler may send. */
#define GROUP_RECORDS_MAX (VMN_SENDS_MAX - 2)

struct group_message {
    struct vmn_ip source;
    bool is_query;              /* And no report. */
    size_t n;
    struct group_record records[GROUP_RECORDS_MAX];
    bool more;                  /* It joins others, too. */
};

/* Takes an Ethernet frame apart.  Groups of the link, and what is none, are
 * left out.  Returns false unless it is a whole and correct message of IGMP or
 * MLD that hosts or routers send. */
bool group_message_parse(const uint8_t *bytes, size_t size,
                         struct group_message *);

/* Writes a message that a switch learns from to 'buffer', from 'source', of
 * the group's family.  'group' is not looked at if the message is of none.
 * Returns its length. */
#define GROUP_FRAME_MAX 86
size_t group_frame_build(enum message, const struct vmn_ip *source,
                         const struct vmn_ip *group,
                         uint8_t buffer[GROUP_FRAME_MAX]);

/* Writes a general query of IGMPv2 or MLDv1 to 'buffer', to be answered within
 * 'response_ds' tenths of a second (1 to 255).  Returns its length. */
size_t group_query_build(const struct vmn_ip *source, uint8_t response_ds,
                         uint8_t buffer[GROUP_FRAME_MAX]);

#endif /* apps/multicast/group-message.h */
