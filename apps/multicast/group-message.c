/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages of IGMP and MLD; see group-message.h. */

#include "group-message.h"

#include <stdlib.h>
#include <string.h>

#define ETH_SIZE 14
#define ETH_TYPE_OFS 12
#define IPV4_SIZE 20
#define IPV4_WITH_OPTION 24     /* With a router alert (RFC 2113). */
#define IPV6_SIZE 40
#define IPV6_OPTIONS_SIZE 8     /* With a router alert (RFC 2711). */
#define IGMP_SIZE 8
#define IGMP3_QUERY_SIZE 12     /* Without sources. */
#define MLD_SIZE 24
#define MLD2_QUERY_SIZE 28      /* The same. */
#define RECORD4_SIZE 8          /* Of IGMPv3, without sources. */
#define RECORD6_SIZE 20         /* Of MLDv2, without sources. */
#define PROTO_HOP_BY_HOP 0

/* Types of IGMP (RFC 1112, 2236, 3376). */
enum {
    IGMP_QUERY = 0x11,
    IGMP1_REPORT = 0x12,
    IGMP2_REPORT = 0x16,
    IGMP2_LEAVE = 0x17,
    IGMP3_REPORT = 0x22,
};

/* Types of a record (RFC 3376, section 4.2.12; RFC 3810, section 5.2.12). */
enum {
    MODE_IS_INCLUDE = 1,
    MODE_IS_EXCLUDE,
    CHANGE_TO_INCLUDE,
    CHANGE_TO_EXCLUDE,
    ALLOW_NEW_SOURCES,
    BLOCK_OLD_SOURCES,
};

static uint16_t
get_u16(const uint8_t *bytes)
{
    return (uint16_t) (bytes[0] << 8 | bytes[1]);
}

static void
put_u16(uint8_t *bytes, size_t value)
{
    bytes[0] = (uint8_t) (value >> 8);
    bytes[1] = (uint8_t) value;
}

/* Returns the sum of RFC 1071 with 'size' more bytes, folded. */
static uint32_t
sum_of(uint32_t sum, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i + 1 < size; i += 2) {
        sum += get_u16(bytes + i);
    }
    if (size % 2) {
        sum += (uint32_t) bytes[size - 1] << 8;
    }
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

/* Returns that of the pseudo-header of ICMPv6 (RFC 8200, section 8.1), whose
 * addresses are in 'ip'. */
static uint32_t
pseudo_sum(const uint8_t *ip, size_t size)
{
    return sum_of((uint32_t) size + VMN_IP_PROTO_ICMPV6, ip + 8, 32);
}

static struct vmn_ip
get_ip(uint8_t family, const uint8_t *bytes)
{
    struct vmn_ip ip = { .family = family };

    memcpy(ip.addr, bytes, family == 6 ? 16 : 4);
    return ip;
}

/* Parsing.  --------------------------------------------------------------- */

static bool
is_group(const struct vmn_ip *ip)
{
    return (ip->family == 4 ? (ip->addr[0] & 0xf0) == 0xe0
            : ip->addr[0] == 0xff);
}

/* Returns true if a switch may know members of the group: it is none of the
 * link, nor of an interface (RFC 4291, section 2.7). */
static bool
is_snooped(const struct vmn_ip *ip)
{
    return (is_group(ip)
            && (ip->family == 4
                ? ip->addr[0] != 224 || ip->addr[1] || ip->addr[2]
                : (ip->addr[1] & 0x0f) > 1 && ip->addr[1] != 0x02));
}

/* Returns true if packets of a group may come from there. */
static bool
is_source(const struct vmn_ip *ip)
{
    static const uint8_t nobody[16];

    if (ip->family == 4) {
        return ip->addr[0] && ip->addr[0] != 127 && ip->addr[0] < 224;
    }
    return ip->addr[0] != 0xff && memcmp(ip->addr, nobody, 15);
}

/* Returns the room for one more record, about 'group', or NULL: there is none
 * for groups of the link, nor for too many. */
static struct group_record *
add_record(struct group_message *message, const struct vmn_ip *group,
           enum group_wish wish)
{
    struct group_record *record;

    if (!is_snooped(group)) {
        return NULL;
    } else if (message->n >= GROUP_RECORDS_MAX) {
        message->more |= wish != WISH_LEAVE && wish != WISH_BLOCK;
        return NULL;
    }
    record = &message->records[message->n++];
    record->group = *group;
    record->wish = wish;
    return record;
}

/* What a record of IGMPv3 or MLDv2 wants; false: nothing is known of its type.
 * Where lists are not kept, 'n_sources' says only whether it has any. */
static bool
wish_of(uint8_t type, size_t n_sources, bool lists, enum group_wish *wish)
{
    switch (type) {
    case MODE_IS_INCLUDE:
    case CHANGE_TO_INCLUDE:
        *wish = !n_sources ? WISH_LEAVE : lists ? WISH_INCLUDE : WISH_JOIN;
        return true;
    case MODE_IS_EXCLUDE:
    case CHANGE_TO_EXCLUDE:
        *wish = n_sources && lists ? WISH_EXCLUDE : WISH_JOIN;
        return true;
    case ALLOW_NEW_SOURCES:
        *wish = lists ? WISH_ALLOW : WISH_JOIN;
        return n_sources > 0;
    case BLOCK_OLD_SOURCES:
        *wish = WISH_BLOCK;
        return n_sources > 0 && lists;
    default:                    /* What is to come. */
        return false;
    }
}

static int
compare_ips(const void *a_, const void *b_)
{
    const struct vmn_ip *a = (const struct vmn_ip *) a_;
    const struct vmn_ip *b = (const struct vmn_ip *) b_;

    return memcmp(a->addr, b->addr, sizeof a->addr);
}

/* Returns the number of different sources in 'bytes', 'n' addresses, and keeps
 * them, sorted; or GROUP_SOURCES_MAX + 1 if they are too many. */
static size_t
take_sources(const uint8_t *bytes, size_t n, uint8_t family,
             struct vmn_ip sources[GROUP_SOURCES_MAX])
{
    size_t n_kept = 0;

    for (size_t i = 0; i < n; i++) {
        struct vmn_ip ip = get_ip(family, bytes + i * (family == 6 ? 16 : 4));
        size_t j = 0;

        while (j < n_kept && compare_ips(&sources[j], &ip)) {
            j++;
        }
        if (j < n_kept || !is_source(&ip)) {
            continue;
        } else if (n_kept >= GROUP_SOURCES_MAX) {
            return GROUP_SOURCES_MAX + 1;
        }
        sources[n_kept++] = ip;
    }
    qsort(sources, n_kept, sizeof *sources, compare_ips);
    return n_kept;
}

/* Adds the group of one record, of a type and with so many sources, which
 * begin at 'bytes'.  It may go on in another report ('is_cut'). */
static void
add_typed(struct group_message *message, const struct vmn_ip *group,
          uint8_t type, const uint8_t *bytes, size_t n, bool lists,
          bool is_cut)
{
    struct vmn_ip sources[GROUP_SOURCES_MAX];
    size_t n_sources = (lists ? take_sources(bytes, n, group->family, sources)
                        : n);
    struct group_record *record;
    enum group_wish wish;

    if (!wish_of(type, n_sources, lists, &wish)) {
        return;
    }
    record = add_record(message, group, wish);
    if (!record || wish == WISH_LEAVE || wish == WISH_JOIN) {
        return;
    }
    /* Lists to be excluded never go on, and others only add to what is
     * wanted, or take from it. */
    is_cut &= wish == WISH_INCLUDE;
    if (n_sources <= GROUP_SOURCES_MAX && !is_cut) {
        record->n_sources = n_sources;
        memcpy(record->sources, sources, n_sources * sizeof *sources);
    } else if (wish == WISH_BLOCK) {
        message->n--;           /* It gets them all the same. */
    } else {
        /* What comes in the next report takes the place of this one's list,
         * but not of all groups. */
        record->wish = WISH_JOIN;
        message->over = true;
        message->more |= is_cut;
    }
}

/* Takes the records of IGMPv3 or MLDv2 apart: 'bytes' begins with its header
 * of 8 bytes, the last two of which are their number. */
static bool
parse_records(const uint8_t *bytes, size_t size, uint8_t family, bool lists,
              struct group_message *message)
{
    size_t header = family == 6 ? RECORD6_SIZE : RECORD4_SIZE;
    size_t address = family == 6 ? 16 : 4;
    uint16_t n = get_u16(bytes + 6);
    bool is_long = size > GROUP_WHOLE_MAX;

    bytes += 8;
    size -= 8;
    for (uint16_t i = 0; i < n; i++) {
        struct vmn_ip group;
        uint16_t n_sources;
        size_t length;

        if (size < header) {
            return false;
        }
        n_sources = get_u16(bytes + 2);
        length = header + n_sources * address + bytes[1] * (size_t) 4;
        if (size < length) {
            return false;
        }
        group = get_ip(family, bytes + 4);
        add_typed(message, &group, bytes[0], bytes + header, n_sources, lists,
                  is_long && i == n - 1);
        bytes += length;
        size -= length;
    }
    return true;
}

/* Takes the end of a query of IGMPv3 or MLDv2 apart, 4 bytes. */
static void
parse_query_end(const uint8_t *bytes, struct group_query *query)
{
    query->lists = true;
    query->flags = bytes[0];
    query->interval = bytes[1];
    query->n_sources = get_u16(bytes + 2);
}

static bool
parse_igmp(const uint8_t *bytes, size_t size, bool lists,
           struct group_message *message)
{
    struct vmn_ip group;

    if (size < IGMP_SIZE || sum_of(0, bytes, size) != 0xffff) {
        return false;
    }
    group = get_ip(4, bytes + 4);
    switch (bytes[0]) {
    case IGMP_QUERY:
        message->is_query = true;
        message->query.response = bytes[1];
        if (is_group(&group)) {
            message->query.group = group;
        }
        if (size >= IGMP3_QUERY_SIZE) {
            parse_query_end(bytes + IGMP_SIZE, &message->query);
        }
        return true;
    case IGMP1_REPORT:
    case IGMP2_REPORT:
    case IGMP2_LEAVE:
        add_record(message, &group,
                   bytes[0] == IGMP2_LEAVE ? WISH_LEAVE : WISH_JOIN);
        return true;
    case IGMP3_REPORT:
        return parse_records(bytes, size, 4, lists, message);
    default:
        return false;
    }
}

static bool
parse_mld(const uint8_t *bytes, size_t size, bool lists,
          struct group_message *message)
{
    struct vmn_ip group;

    if (size < 8) {
        return false;
    }
    if (bytes[0] == MLD2_REPORT) {
        return parse_records(bytes, size, 6, lists, message);
    }
    if (size < MLD_SIZE) {
        return false;
    }
    group = get_ip(6, bytes + 8);
    switch (bytes[0]) {
    case MLD_QUERY:
        message->is_query = true;
        message->query.response = get_u16(bytes + 4);
        if (is_group(&group)) {
            message->query.group = group;
        }
        if (size >= MLD2_QUERY_SIZE) {
            parse_query_end(bytes + MLD_SIZE, &message->query);
        }
        return true;
    case MLD_REPORT:
    case MLD_DONE:
        add_record(message, &group,
                   bytes[0] == MLD_DONE ? WISH_LEAVE : WISH_JOIN);
        return true;
    default:
        return false;
    }
}

static bool
parse_ipv4(const uint8_t *ip, size_t size, bool lists,
           struct group_message *message)
{
    size_t header, length;

    if (size < IPV4_SIZE || ip[0] >> 4 != 4) {
        return false;
    }
    header = (ip[0] & 0x0f) * (size_t) 4;
    length = get_u16(ip + 2);
    if (header < IPV4_SIZE || length < header || length > size
        || (get_u16(ip + 6) & 0x3fff) || ip[9] != PROTO_IGMP
        || sum_of(0, ip, header) != 0xffff) {
        return false;
    }
    message->source = get_ip(4, ip + 12);
    message->is_to_group = (ip[16] & 0xf0) == 0xe0;
    return parse_igmp(ip + header, length - header, lists, message);
}

/* MLD never goes further than the link, and has at most a header of hop-by-hop
 * options (RFC 2710, section 3). */
static bool
parse_ipv6(const uint8_t *ip, size_t size, bool lists,
           struct group_message *message)
{
    size_t length, options = 0;
    const uint8_t *mld;
    uint8_t next;

    if (size < IPV6_SIZE || ip[0] >> 4 != 6 || ip[7] != 1) {
        return false;
    }
    length = get_u16(ip + 4);
    next = ip[6];
    if (length > size - IPV6_SIZE) {
        return false;
    }
    mld = ip + IPV6_SIZE;
    if (next == PROTO_HOP_BY_HOP) {
        options = length < 8 ? SIZE_MAX : (mld[1] + (size_t) 1) * 8;
        if (options > length) {
            return false;
        }
        next = mld[0];
    }
    mld += options;
    length -= options;
    if (next != VMN_IP_PROTO_ICMPV6
        || sum_of(pseudo_sum(ip, length), mld, length) != 0xffff) {
        return false;
    }
    message->source = get_ip(6, ip + 8);
    message->is_to_group = ip[24] == 0xff;
    return parse_mld(mld, length, lists, message);
}

bool
group_message_parse(const uint8_t *bytes, size_t size, bool lists,
                    struct group_message *message)
{
    bool is_good = false;

    memset(message, 0, sizeof *message);
    if (size < ETH_SIZE) {
        return false;
    }
    switch (get_u16(bytes + ETH_TYPE_OFS)) {
    case VMN_ETH_IPV4:
        is_good = parse_ipv4(bytes + ETH_SIZE, size - ETH_SIZE, lists,
                             message);
        break;
    case VMN_ETH_IPV6:
        is_good = parse_ipv6(bytes + ETH_SIZE, size - ETH_SIZE, lists,
                             message);
        break;
    }
    message->query.source = message->source;
    memcpy(&message->query.mac, bytes + sizeof message->query.mac,
           sizeof message->query.mac);
    return is_good;
}

/* FNV-1a. */
uint32_t
group_list_number(const struct group_record *record)
{
    uint32_t hash = (2166136261u ^ (uint32_t) record->wish) * 16777619u;

    for (size_t i = 0; i < record->n_sources; i++) {
        for (size_t j = 0; j < sizeof record->sources[i].addr; j++) {
            hash = (hash ^ record->sources[i].addr[j]) * 16777619u;
        }
    }
    return ((hash >> 23 ^ hash) & 0x7fffff) | 0x800000;
}

/* Building.  -------------------------------------------------------------- */

/* Writes IPv4 with a router alert, and IGMP behind it.  Returns the length of
 * the frame. */
static size_t
build_igmp(uint8_t *frame, uint8_t ttl, const struct vmn_ip *source,
           const struct vmn_ip *to, const uint8_t *igmp, size_t size)
{
    static const uint8_t alert[] = { 0x94, 4, 0, 0 };
    uint8_t *ip = frame + ETH_SIZE;

    put_u16(frame + ETH_TYPE_OFS, VMN_ETH_IPV4);
    ip[0] = 0x46;
    ip[1] = 0xc0;               /* Internetwork control (RFC 2474). */
    put_u16(ip + 2, IPV4_WITH_OPTION + size);
    ip[8] = ttl;
    ip[9] = PROTO_IGMP;
    memcpy(ip + 12, source->addr, 4);
    memcpy(ip + 16, to->addr, 4);
    memcpy(ip + IPV4_SIZE, alert, sizeof alert);
    put_u16(ip + 10, ~sum_of(0, ip, IPV4_WITH_OPTION));

    uint8_t *payload = ip + IPV4_WITH_OPTION;

    memcpy(payload, igmp, size);
    put_u16(payload + 2, ~sum_of(0, payload, size));
    return ETH_SIZE + IPV4_WITH_OPTION + size;
}

/* Writes IPv6 with a router alert, and MLD behind it. */
static size_t
build_mld(uint8_t *frame, uint8_t ttl, const struct vmn_ip *source,
          const struct vmn_ip *to, const uint8_t *mld, size_t size)
{
    static const uint8_t alert[IPV6_OPTIONS_SIZE] = {
        VMN_IP_PROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0,
    };
    uint8_t *ip = frame + ETH_SIZE;
    uint8_t *payload = ip + IPV6_SIZE + IPV6_OPTIONS_SIZE;

    put_u16(frame + ETH_TYPE_OFS, VMN_ETH_IPV6);
    ip[0] = 0x60;
    put_u16(ip + 4, IPV6_OPTIONS_SIZE + size);
    ip[6] = PROTO_HOP_BY_HOP;
    ip[7] = ttl;
    memcpy(ip + 8, source->addr, 16);
    memcpy(ip + 24, to->addr, 16);
    memcpy(ip + IPV6_SIZE, alert, sizeof alert);
    memcpy(payload, mld, size);
    put_u16(payload + 2, ~sum_of(pseudo_sum(ip, size), payload, size));
    return ETH_SIZE + IPV6_SIZE + IPV6_OPTIONS_SIZE + size;
}

static void
put_mac(uint8_t *bytes, uint64_t mac)
{
    for (int i = 5; i >= 0; i--, mac >>= 8) {
        bytes[i] = (uint8_t) mac;
    }
}

size_t
group_frame_build(enum message kind, uint32_t list, uint32_t number,
                  const struct vmn_ip *source, const struct vmn_ip *group,
                  uint8_t buffer[GROUP_FRAME_MAX])
{
    bool joins = kind != MESSAGE_LEAVE;
    uint8_t ttl = (uint8_t) (kind < MESSAGE_INCLUDE ? 1 : 1 + number % 255);
    struct vmn_ip from = *source;

    if (kind == MESSAGE_INCLUDE || kind == MESSAGE_EXCLUDE) {
        put_u16(from.addr + (from.family == 6 ? 14 : 2), number);
    }
    memset(buffer, 0, GROUP_FRAME_MAX);
    put_mac(buffer, MESSAGE_MAC(kind));
    put_mac(buffer + 6, UINT64_C(0x0e564d000000) | (list & 0xffffff));
    if (source->family == 6) {
        uint8_t mld[MLD_SIZE] = { joins ? MLD_REPORT : MLD_DONE };

        memcpy(mld + 8, group->addr, 16);
        return build_mld(buffer, ttl, &from, group, mld, sizeof mld);
    }

    uint8_t igmp[IGMP_SIZE] = { joins ? IGMP2_REPORT : IGMP2_LEAVE };

    memcpy(igmp + 4, group->addr, 4);
    return build_igmp(buffer, ttl, &from, group, igmp, sizeof igmp);
}

void
group_report_mark(enum message kind, uint8_t *bytes, size_t size)
{
    if (size >= ETH_SIZE) {
        put_mac(bytes, MESSAGE_MAC(kind));
        put_mac(bytes + 6, UINT64_C(0x0e564d000000));
    }
}

/* Writes the end of a query of IGMPv3 or MLDv2. */
static void
put_query_end(uint8_t *bytes, const struct group_query *query)
{
    bytes[0] = query->flags;
    bytes[1] = query->interval;
}

static size_t
build_mld_query(const struct group_query *query,
                uint8_t buffer[GROUP_FRAME_MAX])
{
    static const struct vmn_ip all = { 6, { 0xff, 2, [15] = 1 } };
    const struct vmn_ip *to = query->group.family ? &query->group : &all;
    uint8_t mld[MLD2_QUERY_SIZE] = { MLD_QUERY };

    put_u16(mld + 4, query->response);
    memcpy(mld + 8, query->group.addr, 16);
    put_query_end(mld + MLD_SIZE, query);
    put_mac(buffer, UINT64_C(0x333300000000));
    memcpy(buffer + 2, to->addr + 12, 4);
    return build_mld(buffer, 1, &query->source, to, mld,
                     query->lists ? MLD2_QUERY_SIZE : MLD_SIZE);
}

size_t
group_query_build(const struct group_query *query,
                  uint8_t buffer[GROUP_FRAME_MAX])
{
    static const struct vmn_ip all = { 4, { 224, 0, 0, 1 } };
    const struct vmn_ip *to = query->group.family ? &query->group : &all;
    uint8_t igmp[IGMP3_QUERY_SIZE] = { IGMP_QUERY, (uint8_t) query->response };

    memset(buffer, 0, GROUP_FRAME_MAX);
    memcpy(buffer + 6, &query->mac, sizeof query->mac);
    if (query->source.family == 6) {
        return build_mld_query(query, buffer);
    }
    memcpy(igmp + 4, query->group.addr, 4);
    put_query_end(igmp + IGMP_SIZE, query);
    put_mac(buffer, UINT64_C(0x01005e000000));
    memcpy(buffer + 3, to->addr + 1, 3);
    buffer[3] &= 0x7f;
    return build_igmp(buffer, 1, &query->source, to, igmp,
                      query->lists ? IGMP3_QUERY_SIZE : IGMP_SIZE);
}
