/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages of IGMP and MLD; see group-message.h. */

#include "group-message.h"

#include <string.h>

#define ETH_SIZE 14
#define ETH_TYPE_OFS 12
#define IPV4_SIZE 20
#define IPV4_WITH_OPTION 24     /* With a router alert (RFC 2113). */
#define IPV6_SIZE 40
#define IPV6_OPTIONS_SIZE 8     /* With a router alert (RFC 2711). */
#define IGMP_SIZE 8
#define MLD_SIZE 24
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

/* Returns true if a switch may know members of the group: it is one, and not
 * of the link, nor of an interface (RFC 4291, section 2.7). */
static bool
is_snooped(const struct vmn_ip *ip)
{
    if (ip->family == 4) {
        return ((ip->addr[0] & 0xf0) == 0xe0
                && (ip->addr[0] != 224 || ip->addr[1] || ip->addr[2]));
    }
    return (ip->addr[0] == 0xff && (ip->addr[1] & 0x0f) > 1
            && ip->addr[1] != 0x02);
}

static void
add_record(struct group_message *message, const struct vmn_ip *group,
           bool joins)
{
    if (!is_snooped(group)) {
        return;
    }
    if (message->n < GROUP_RECORDS_MAX) {
        message->records[message->n++] = (struct group_record) {
            *group, joins };
    } else {
        message->more |= joins;
    }
}

/* Adds the group of one record, of a type and with so many sources.  Who wants
 * some sources of a group, or all but some, is a member of it. */
static void
add_typed(struct group_message *message, const struct vmn_ip *group,
          uint8_t type, uint16_t n_sources)
{
    switch (type) {
    case MODE_IS_INCLUDE:
    case CHANGE_TO_INCLUDE:
        add_record(message, group, n_sources > 0);
        break;
    case MODE_IS_EXCLUDE:
    case CHANGE_TO_EXCLUDE:
        add_record(message, group, true);
        break;
    case ALLOW_NEW_SOURCES:
        if (n_sources) {
            add_record(message, group, true);
        }
        break;
    default:                    /* BLOCK_OLD_SOURCES, and what is to come. */
        break;
    }
}

/* Takes the records of IGMPv3 or MLDv2 apart: 'bytes' begins with its header
 * of 8 bytes, the last two of which are their number. */
static bool
parse_records(const uint8_t *bytes, size_t size, uint8_t family,
              struct group_message *message)
{
    size_t header = family == 6 ? RECORD6_SIZE : RECORD4_SIZE;
    size_t address = family == 6 ? 16 : 4;
    uint16_t n = get_u16(bytes + 6);

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
        add_typed(message, &group, bytes[0], n_sources);
        bytes += length;
        size -= length;
    }
    return true;
}

static bool
parse_igmp(const uint8_t *bytes, size_t size, struct group_message *message)
{
    struct vmn_ip group;

    if (size < IGMP_SIZE || sum_of(0, bytes, size) != 0xffff) {
        return false;
    }
    group = get_ip(4, bytes + 4);
    switch (bytes[0]) {
    case IGMP_QUERY:
        message->is_query = true;
        return true;
    case IGMP1_REPORT:
    case IGMP2_REPORT:
    case IGMP2_LEAVE:
        add_record(message, &group, bytes[0] != IGMP2_LEAVE);
        return true;
    case IGMP3_REPORT:
        return parse_records(bytes, size, 4, message);
    default:
        return false;
    }
}

static bool
parse_mld(const uint8_t *bytes, size_t size, struct group_message *message)
{
    struct vmn_ip group;

    if (size < 8) {
        return false;
    }
    if (bytes[0] == MLD2_REPORT) {
        return parse_records(bytes, size, 6, message);
    }
    if (size < MLD_SIZE) {
        return false;
    }
    group = get_ip(6, bytes + 8);
    switch (bytes[0]) {
    case MLD_QUERY:
        message->is_query = true;
        return true;
    case MLD_REPORT:
    case MLD_DONE:
        add_record(message, &group, bytes[0] == MLD_REPORT);
        return true;
    default:
        return false;
    }
}

static bool
parse_ipv4(const uint8_t *ip, size_t size, struct group_message *message)
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
    return parse_igmp(ip + header, length - header, message);
}

/* MLD never goes further than the link, and has at most a header of hop-by-hop
 * options (RFC 2710, section 3). */
static bool
parse_ipv6(const uint8_t *ip, size_t size, struct group_message *message)
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
    return parse_mld(mld, length, message);
}

bool
group_message_parse(const uint8_t *bytes, size_t size,
                    struct group_message *message)
{
    memset(message, 0, sizeof *message);
    if (size < ETH_SIZE) {
        return false;
    }
    switch (get_u16(bytes + ETH_TYPE_OFS)) {
    case VMN_ETH_IPV4:
        return parse_ipv4(bytes + ETH_SIZE, size - ETH_SIZE, message);
    case VMN_ETH_IPV6:
        return parse_ipv6(bytes + ETH_SIZE, size - ETH_SIZE, message);
    default:
        return false;
    }
}

/* Building.  -------------------------------------------------------------- */

/* Writes IPv4 with a router alert, and IGMP behind it.  Returns the length of
 * the frame. */
static size_t
build_igmp(uint8_t *frame, const struct vmn_ip *source,
           const struct vmn_ip *to, const uint8_t igmp[IGMP_SIZE])
{
    static const uint8_t alert[] = { 0x94, 4, 0, 0 };
    uint8_t *ip = frame + ETH_SIZE;

    put_u16(frame + ETH_TYPE_OFS, VMN_ETH_IPV4);
    ip[0] = 0x46;
    ip[1] = 0xc0;               /* Internetwork control (RFC 2474). */
    put_u16(ip + 2, IPV4_WITH_OPTION + IGMP_SIZE);
    ip[8] = 1;
    ip[9] = PROTO_IGMP;
    memcpy(ip + 12, source->addr, 4);
    memcpy(ip + 16, to->addr, 4);
    memcpy(ip + IPV4_SIZE, alert, sizeof alert);
    put_u16(ip + 10, ~sum_of(0, ip, IPV4_WITH_OPTION));

    uint8_t *payload = ip + IPV4_WITH_OPTION;

    memcpy(payload, igmp, IGMP_SIZE);
    put_u16(payload + 2, ~sum_of(0, payload, IGMP_SIZE));
    return ETH_SIZE + IPV4_WITH_OPTION + IGMP_SIZE;
}

/* Writes IPv6 with a router alert, and MLD behind it. */
static size_t
build_mld(uint8_t *frame, const struct vmn_ip *source,
          const struct vmn_ip *to, const uint8_t mld[MLD_SIZE])
{
    static const uint8_t alert[IPV6_OPTIONS_SIZE] = {
        VMN_IP_PROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0,
    };
    uint8_t *ip = frame + ETH_SIZE;
    uint8_t *payload = ip + IPV6_SIZE + IPV6_OPTIONS_SIZE;

    put_u16(frame + ETH_TYPE_OFS, VMN_ETH_IPV6);
    ip[0] = 0x60;
    put_u16(ip + 4, IPV6_OPTIONS_SIZE + MLD_SIZE);
    ip[6] = PROTO_HOP_BY_HOP;
    ip[7] = 1;
    memcpy(ip + 8, source->addr, 16);
    memcpy(ip + 24, to->addr, 16);
    memcpy(ip + IPV6_SIZE, alert, sizeof alert);
    memcpy(payload, mld, MLD_SIZE);
    put_u16(payload + 2, ~sum_of(pseudo_sum(ip, MLD_SIZE), payload,
                                 MLD_SIZE));
    return ETH_SIZE + IPV6_SIZE + IPV6_OPTIONS_SIZE + MLD_SIZE;
}

static void
put_mac(uint8_t *bytes, uint64_t mac)
{
    for (int i = 5; i >= 0; i--, mac >>= 8) {
        bytes[i] = (uint8_t) mac;
    }
}

size_t
group_frame_build(enum message kind, const struct vmn_ip *source,
                  const struct vmn_ip *group, uint8_t buffer[GROUP_FRAME_MAX])
{
    bool joins = kind != MESSAGE_LEAVE;

    memset(buffer, 0, GROUP_FRAME_MAX);
    put_mac(buffer, MESSAGE_MAC(kind));
    put_mac(buffer + 6, UINT64_C(0x0e564d000000));
    if (source->family == 6) {
        uint8_t mld[MLD_SIZE] = { joins ? MLD_REPORT : MLD_DONE };

        memcpy(mld + 8, group->addr, 16);
        return build_mld(buffer, source, group, mld);
    }

    uint8_t igmp[IGMP_SIZE] = { joins ? IGMP2_REPORT : IGMP2_LEAVE };

    memcpy(igmp + 4, group->addr, 4);
    return build_igmp(buffer, source, group, igmp);
}

size_t
group_query_build(const struct vmn_ip *source, uint8_t response_ds,
                  uint8_t buffer[GROUP_FRAME_MAX])
{
    static const struct vmn_ip all4 = { 4, { 224, 0, 0, 1 } };
    static const struct vmn_ip all6 = { 6, { 0xff, 2, [15] = 1 } };

    memset(buffer, 0, GROUP_FRAME_MAX);
    put_mac(buffer + 6, UINT64_C(0x0e564dff0002));
    if (source->family == 6) {
        uint8_t mld[MLD_SIZE] = { MLD_QUERY };

        put_u16(mld + 4, response_ds * (size_t) 100);
        put_mac(buffer, UINT64_C(0x333300000001));
        return build_mld(buffer, source, &all6, mld);
    }

    const uint8_t igmp[IGMP_SIZE] = { IGMP_QUERY, response_ds };

    put_mac(buffer, UINT64_C(0x01005e000001));
    return build_igmp(buffer, source, &all4, igmp);
}
