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
 * gets to see; the lowest byte is one of these.  Where there are two of a
 * kind, the lowest bit is what is learned. */
#define MESSAGE_MAC(KIND) (VMN_SNOOPED_MAC | (KIND))
#define MESSAGE_MAC_MASK VMN_SNOOPED_MAC_MASK
enum message {
    MESSAGE_LEAVE = 0,
    MESSAGE_JOIN = 1,
    MESSAGE_ALL = 2,            /* The port gets all groups from now on. */
    MESSAGE_ROUTER = 3,         /* So it does, and hears reports. */
    MESSAGE_TICK = 4,           /* A port of the network is being asked. */
    MESSAGE_REPORT = 5,         /* What a guest has said, for routers. */
    MESSAGE_INCLUDE = 6,        /* The port is in a group for a list of sources
                                 * alone (or for none: it has left it)... */
    MESSAGE_EXCLUDE = 7,        /* ...or for all but those of the list. */
    MESSAGE_BLOCKED = 8,        /* The IP source is one of such a list: of
                                 * MESSAGE_EXCLUDE... */
    MESSAGE_WANTED = 9,         /* ...or of MESSAGE_INCLUDE. */
    MESSAGE_OVER = 10,          /* There was no room: this is counted. */
    MESSAGE_UNWANTED = 11,      /* The IP source is not wanted any more, if
                                 * only those of a list are. */
    MESSAGE_WIRE = 12,          /* What a guest has said, for the physical
                                 * network. */
};

#define PROTO_IGMP 2
#define MLD_QUERY 130
#define MLD_REPORT 131          /* MLDv1 (RFC 2710). */
#define MLD_DONE 132
#define MLD2_REPORT 143         /* MLDv2 (RFC 3810). */

/* Sources of a list that are kept: as many as Linux lets a program ask for by
 * default (igmp_max_msf).  Of who names more, all are taken. */
#define GROUP_SOURCES_MAX 10
/* The last list of a longer message, in bytes without headers of IP, may be
 * the beginning of one that goes on in the next report (RFC 3376, section
 * 4.2.16; RFC 3810, section 5.2.15), where it looks like a list of its own.
 * Who splits one fills the packet, and an MTU is hardly ever less than 576
 * (RFC 791). */
#define GROUP_WHOLE_MAX 500

/* What a group is told in a report: what its sender wants from now on. */
enum group_wish {
    WISH_LEAVE,
    WISH_JOIN,                  /* Any source. */
    WISH_INCLUDE,               /* 'sources' alone. */
    WISH_EXCLUDE,               /* All but 'sources'. */
    /* 'sources' too, or not any more: what that comes to depends on what it
     * has wanted before. */
    WISH_ALLOW,
    WISH_BLOCK,
};
struct group_record {
    struct vmn_ip group;
    enum group_wish wish;
    size_t n_sources;           /* 1 or more of the last four, else 0... */
    struct vmn_ip sources[GROUP_SOURCES_MAX]; /* ...sorted. */
};

/* Groups of one report that are kept: with one more message, and a query, it
 * is as much as a handler may send. */
#define GROUP_RECORDS_MAX (VMN_SENDS_MAX - 2)

/* A query (RFC 2236, 3376, 2710, 3810). */
struct group_query {
    struct vmn_ip source;       /* Who asks... */
    struct vmn_mac mac;         /* ...from there. */
    struct vmn_ip group;        /* Family 0: about all. */
    bool lists;                 /* Is of IGMPv3 or MLDv2: guests may answer
                                 * with lists of sources. */
    uint16_t response;          /* The field "Max Resp Code", as it is. */
    uint8_t flags;              /* Those, and the querier's robustness. */
    uint8_t interval;           /* The querier's, as it is. */
    uint16_t n_sources;         /* About so many sources alone. */
};

struct group_message {
    struct vmn_ip source;
    bool is_to_group;           /* And not to one machine. */
    bool is_query;              /* And no report. */
    struct group_query query;
    size_t n;
    struct group_record records[GROUP_RECORDS_MAX];
    bool more;                  /* It joins others, too, or may name more
                                 * sources in another report. */
    bool over;                  /* A list was too long, or may not be all of
                                 * it: its record is WISH_JOIN. */
};

/* Takes an Ethernet frame apart.  Groups of the link, and what is none, are
 * left out.  Lists of sources are kept if they are wanted ('lists'); else who
 * wants some sources of a group, or all but some, is a member of it.  Returns
 * false unless it is a whole and correct message of IGMP or MLD that hosts or
 * routers send. */
bool group_message_parse(const uint8_t *bytes, size_t size, bool lists,
                         struct group_message *);

/* Returns a number for a list of sources, of WISH_INCLUDE or WISH_EXCLUDE: the
 * same for the same list, and hardly ever for another one (a hash of 23 bits).
 * Its highest bit of 24 is set. */
uint32_t group_list_number(const struct group_record *);

/* Writes a message that a switch learns from to 'buffer', of the group's
 * family.  Its IP source is 'source', and the lowest 24 bits of its Ethernet
 * source are 'list'.  'group' is not looked at if the message is of none.
 * Where it matters in which order two are learned they are told apart by
 * 'number', as one packet of a guest's from another: the TTL of what is about
 * lists is 1 and its remainder of 255; and of MESSAGE_INCLUDE and
 * MESSAGE_EXCLUDE, which nobody else gets to see, the lowest 16 bits of the IP
 * source are those of the number.  Returns its length. */
#define GROUP_FRAME_MAX 90
size_t group_frame_build(enum message, uint32_t list, uint32_t number,
                         const struct vmn_ip *source,
                         const struct vmn_ip *group,
                         uint8_t buffer[GROUP_FRAME_MAX]);

/* Makes of a report, an Ethernet frame of 'size' bytes, a message of
 * MESSAGE_REPORT or MESSAGE_WIRE. */
void group_report_mark(enum message, uint8_t *bytes, size_t size);

/* Writes a query to 'buffer', about no specific sources.  Returns its
 * length. */
size_t group_query_build(const struct group_query *,
                         uint8_t buffer[GROUP_FRAME_MAX]);

#endif /* apps/multicast/group-message.h */
