/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of what app multicast makes of IGMP and MLD
 * (apps/multicast/group-message.h): messages as Linux 6.1 sends them, what is
 * broken or forged, and what is built. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "apps/multicast/group-message.h"
#include "util.h"

/* Captured: what a guest with 10.0.0.5 says. */
#define IGMP3_JOIN                                                          \
    "01005e000016020000000005080046c00028000040000102f9f40a000005e0000016"  \
    "940400002200e9fb0000000104000000ef010101"
#define IGMP3_JOIN_SSM                                                      \
    "01005e000016020000000005080046c0002c000040000102f9f00a000005e0000016"  \
    "940400002200e5f10000000105000001e80101010a000009"
#define IGMP3_LEAVE                                                         \
    "01005e000016020000000005080046c00034000040000102f9e80a000005e0000016"  \
    "940400002200f1ed0000000206000001e80101010a00000903000000ef010101"
#define IGMP2_LEAVE                                                         \
    "01005e000002020000000005080046c00020000040000102fa100a000005e0000002"  \
    "940400001700f8fcef010101"
#define MLD2_JOIN                                                           \
    "33330000001602000000000586dd6000000000240001fe8000000000000000000"     \
    "0fffe000005ff0200000000000000000000000000163a000502000001008f0070f1"   \
    "0000000104000000ff150000000000000000000000010001"
#define MLD1_DONE                                                           \
    "33330000000202000000000586dd6000000000200001fe8000000000000000000"     \
    "0fffe000005ff0200000000000000000000000000023a000502000001008400800a"   \
    "00000000ff150000000000000000000000010001"

static size_t
from_hex(const char *hex, uint8_t *bytes)
{
    size_t size = strlen(hex) / 2;

    for (size_t i = 0; i < size; i++) {
        char digits[3] = { hex[2 * i], hex[2 * i + 1] };

        bytes[i] = (uint8_t) strtoul(digits, NULL, 16);
    }
    return size;
}

static const struct vmn_ip group4 = { 4, { 239, 1, 1, 1 } };
static const struct vmn_ip link_local = { 6, { 0xfe, 0x80, [15] = 5 } };
static const struct vmn_ip source4 = { 4, { 10, 0, 0, 9 } };
static const struct vmn_ip group6
    = { 6, { 0xff, 0x15, [13] = 1, [15] = 1 } };

static void
messages_of_linux_are_understood(void **state OVS_UNUSED)
{
    static const struct {
        const char *hex;
        const struct vmn_ip *group;
        bool joins;
    } cases[] = {
        { IGMP3_JOIN, &group4, true }, { IGMP3_LEAVE, &group4, false },
        { IGMP2_LEAVE, &group4, false }, { MLD2_JOIN, &group6, true },
        { MLD1_DONE, &group6, false },
    };
    struct group_message message;
    uint8_t bytes[128];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t size = from_hex(cases[i].hex, bytes);

        assert_true(group_message_parse(bytes, size, false, &message));
        assert_int_equal(message.n, 1);
        assert_true(message.is_to_group);
        assert_false(message.is_query || message.more);
        assert_memory_equal(&message.records[0].group, cases[i].group,
                            sizeof *cases[i].group);
        assert_int_equal(message.records[0].wish,
                         cases[i].joins ? WISH_JOIN : WISH_LEAVE);
    }
    /* Who wants one source of a group is a member of it... */
    assert_true(group_message_parse(bytes, from_hex(IGMP3_JOIN_SSM, bytes),
                                    false, &message));
    assert_int_equal(message.n, 1);
    assert_int_equal(message.records[0].wish, WISH_JOIN);
    assert_int_equal(message.records[0].group.addr[0], 232);
    /* ...unless sources are told apart. */
    assert_true(group_message_parse(bytes, from_hex(IGMP3_JOIN_SSM, bytes),
                                    true, &message));
    assert_int_equal(message.n, 1);
    assert_int_equal(message.records[0].wish, WISH_ALLOW);
    assert_int_equal(message.records[0].n_sources, 1);
    assert_memory_equal(&message.records[0].sources[0], &source4,
                        sizeof source4);
    assert_true(group_message_parse(bytes, from_hex(IGMP3_LEAVE, bytes),
                                    true, &message));
    assert_int_equal(message.n, 2);
    assert_int_equal(message.records[0].wish, WISH_BLOCK);
    assert_int_equal(message.records[1].wish, WISH_LEAVE);
    assert_int_equal(message.records[1].n_sources, 0);
}

/* What is cut off, or has one byte changed, is refused; but for bytes that no
 * checksum is about and nobody reads: of Ethernet, of IPv6 before its next
 * header, and the hop-by-hop options. */
static void
what_is_broken_is_refused(void **state OVS_UNUSED)
{
    static const char *const cases[] = {
        IGMP3_JOIN, IGMP3_JOIN_SSM, IGMP3_LEAVE, IGMP2_LEAVE, MLD2_JOIN,
        MLD1_DONE,
    };
    struct group_message message;
    uint8_t bytes[128];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t size = from_hex(cases[i], bytes);
        bool is_v6 = bytes[12] == 0x86;

        for (size_t n = 0; n < size; n++) {
            uint8_t *cut = malloc(n ? n : 1);

            memcpy(cut, bytes, n);
            assert_false(group_message_parse(cut, n, true, &message));
            free(cut);
        }
        for (size_t n = 12; n < size; n++) {
            if (is_v6 && ((n > 14 && n < 18) || (n >= 56 && n < 62))) {
                continue;
            }
            bytes[n] ^= 0x40;
            if (n != 14 || !is_v6) {
                assert_false(group_message_parse(bytes, size, true, &message));
            }
            bytes[n] ^= 0x40;
        }
        assert_true(group_message_parse(bytes, size, true, &message));
    }
}

static void
put_sum(uint8_t *to, const uint8_t *bytes, size_t size)
{
    uint32_t sum = 0;

    to[0] = to[1] = 0;
    for (size_t i = 0; i < size; i += 2) {
        sum += (uint32_t) (bytes[i] << 8 | bytes[i + 1]);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = ~((sum & 0xffff) + (sum >> 16));
    to[0] = (uint8_t) (sum >> 8);
    to[1] = (uint8_t) sum;
}

/* Writes a report of IGMPv3 with 'n' records, of which the header says that
 * there are 'told'.  Returns its length. */
static size_t
many_records(uint8_t *bytes, size_t n, size_t told, bool of_link)
{
    uint8_t *ip = bytes + 14, *igmp = ip + 20;
    size_t length = 20 + 8 + 8 * n;

    memset(bytes, 0, 14 + length);
    bytes[12] = 0x08;
    ip[0] = 0x45;
    ip[2] = (uint8_t) (length >> 8);
    ip[3] = (uint8_t) length;
    ip[8] = 1;
    ip[9] = PROTO_IGMP;
    put_sum(ip + 10, ip, 20);
    igmp[0] = 0x22;
    igmp[6] = (uint8_t) (told >> 8);
    igmp[7] = (uint8_t) told;
    for (size_t i = 0; i < n; i++) {
        uint8_t *record = igmp + 8 + 8 * i;

        record[0] = 4;
        record[4] = of_link ? 224 : 239;
        record[6] = of_link ? 0 : (uint8_t) (i >> 8);
        record[7] = (uint8_t) i;
    }
    put_sum(igmp + 2, igmp, 8 + 8 * n);
    return 14 + length;
}

static void
records_are_bounded(void **state OVS_UNUSED)
{
    struct group_message message;
    uint8_t bytes[2048];

    assert_true(group_message_parse(bytes, many_records(bytes, 183, 183,
                                                        false), false,
                                    &message));
    assert_int_equal(message.n, GROUP_RECORDS_MAX);
    assert_true(message.more);
    /* Groups of the link take no room. */
    assert_true(group_message_parse(bytes, many_records(bytes, 183, 183, true),
                                    false, &message));
    assert_int_equal(message.n, 0);
    assert_false(message.more);
    /* A report that says it has more than it has is none; what is behind the
     * last record is not looked at (RFC 3376, section 4.2.11). */
    assert_false(group_message_parse(bytes, many_records(bytes, 3, 4, false),
                                     false, &message));
    assert_false(group_message_parse(bytes, many_records(bytes, 3, 65535,
                                                         false), false,
                                     &message));
    assert_true(group_message_parse(bytes, many_records(bytes, 3, 2, false),
                                    false, &message));
    assert_int_equal(message.n, 2);
}

static void
what_is_built_is_understood(void **state OVS_UNUSED)
{
    static const struct vmn_ip sources[] = {
        { 4, { 10, 0, 0, 5 } }, { 6, { 0xfe, 0x80, [15] = 5 } },
    };
    const struct vmn_ip *groups[] = { &group4, &group6 };

    for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
        struct group_message message;
        uint8_t frame[GROUP_FRAME_MAX];
        size_t size;

        for (int joins = 0; joins < 2; joins++) {
            size = group_frame_build(joins ? MESSAGE_JOIN : MESSAGE_LEAVE, 7,
                                     0, &sources[i], groups[i], frame);
            assert_true(size <= sizeof frame);
            assert_int_equal(frame[5], joins);
            assert_int_equal(frame[11], 7);
            assert_true(group_message_parse(frame, size, false,
                                            &message));
            assert_int_equal(message.n, 1);
            assert_int_equal(message.records[0].wish,
                             joins ? WISH_JOIN : WISH_LEAVE);
            assert_memory_equal(&message.records[0].group, groups[i],
                                sizeof *groups[i]);
            assert_memory_equal(&message.source, &sources[i],
                                sizeof sources[i]);
        }
    }
}

/* Messages about lists that are alike but for their number are not alike; what
 * a router gets to see has no number. */
static void
what_is_built_is_told_apart(void **state OVS_UNUSED)
{
    for (uint32_t i = 0; i < 1000; i++) {
        bool is_v6 = i & 1;
        uint32_t number = i * 65537;
        size_t source_end = is_v6 ? 14 + 24 : 14 + 16;
        size_t ttl = is_v6 ? 14 + 7 : 14 + 8;

        for (enum message kind = MESSAGE_LEAVE; kind <= MESSAGE_UNWANTED;
             kind++) {
            bool is_plain = kind < MESSAGE_INCLUDE;
            bool is_listed = (kind == MESSAGE_INCLUDE
                              || kind == MESSAGE_EXCLUDE);
            const struct vmn_ip *source = is_v6 ? &link_local : &source4;
            struct group_message message;
            uint8_t frame[GROUP_FRAME_MAX];
            size_t size = group_frame_build(kind, 7, number, source,
                                            is_v6 ? &group6 : &group4, frame);

            assert_int_equal(frame[ttl], is_plain ? 1 : 1 + number % 255);
            assert_int_equal(frame[source_end - 2] << 8
                             | frame[source_end - 1],
                             is_listed ? number & 0xffff : is_v6 ? 5 : 9);
            frame[ttl] = 1;
            assert_true((!is_v6 && number % 255)
                        || group_message_parse(frame, size, true, &message));
        }
    }
}

/* A query of any version, about one group or all, is read as it was
 * written. */
static void
queries_are_understood(void **state OVS_UNUSED)
{
    static const struct vmn_mac mac = { { 2, 0, 0, 0, 0, 5 } };

    for (int i = 0; i < 8; i++) {
        struct group_query query = {
            .source = i & 1 ? link_local : source4, .mac = mac,
            .lists = i & 2, .response = 20, .flags = i & 2 ? 2 : 0,
            .interval = i & 2 ? 30 : 0,
        };
        struct group_message message;
        uint8_t frame[GROUP_FRAME_MAX];
        size_t size;

        if (i & 4) {
            query.group = i & 1 ? group6 : group4;
        }
        size = group_query_build(&query, frame);
        assert_true(size <= sizeof frame);
        assert_true(group_message_parse(frame, size, true, &message));
        assert_true(message.is_query);
        assert_int_equal(message.n, 0);
        assert_memory_equal(&message.query, &query, sizeof query);
        /* To whom: the group's, or all that are on the link. */
        assert_int_equal(frame[0], i & 1 ? 0x33 : 0x01);
        assert_int_equal(frame[5], 1);
        assert_int_equal(frame[3], i & 4 ? 1 : 0);
    }
}

/* Lists of sources.  ------------------------------------------------------ */

/* Writes a report of IGMPv3 with one record, of 'type', about 239.1.1.1 and
 * sources 10.0.x.y, the first of which is number 'first', and 'step' apart.
 * Returns its length. */
static size_t
one_list(uint8_t *bytes, uint8_t type, size_t n, size_t first, int step)
{
    uint8_t *ip = bytes + 14, *igmp = ip + 20;
    size_t length = many_records(bytes, 1, 1, false) - 14 + 4 * n;

    ip[2] = (uint8_t) (length >> 8);
    ip[3] = (uint8_t) length;
    put_sum(ip + 10, ip, 20);
    igmp[8] = type;
    igmp[10] = (uint8_t) (n >> 8);
    igmp[11] = (uint8_t) n;
    memcpy(igmp + 12, group4.addr, 4);
    for (size_t i = 0; i < n; i++) {
        uint8_t *source = igmp + 16 + 4 * i;

        source[0] = 10;
        source[1] = 0;
        source[2] = (uint8_t) (first >> 8);
        source[3] = (uint8_t) first;
        first += (size_t) step;
    }
    put_sum(igmp + 2, igmp, length - 20);
    return 14 + length;
}

static const struct group_record *
parse_list(struct group_message *message, uint8_t type, size_t n, size_t first,
           int step)
{
    static uint8_t bytes[4096];

    assert_true(group_message_parse(bytes, one_list(bytes, type, n, first,
                                                    step), true, message));
    return message->n ? &message->records[0] : NULL;
}

static void
lists_are_bounded(void **state OVS_UNUSED)
{
    static const struct {
        uint8_t type;
        enum group_wish empty, few;
    } types[] = {
        { 1, WISH_LEAVE, WISH_INCLUDE }, { 2, WISH_JOIN, WISH_EXCLUDE },
        { 3, WISH_LEAVE, WISH_INCLUDE }, { 4, WISH_JOIN, WISH_EXCLUDE },
        { 5, WISH_LEAVE, WISH_ALLOW }, { 6, WISH_LEAVE, WISH_BLOCK },
    };
    struct group_message message;

    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        uint8_t type = types[i].type;
        const struct group_record *record = parse_list(&message, type, 0, 1,
                                                       1);

        if (type < 5) {
            assert_int_equal(record->wish, types[i].empty);
            assert_int_equal(record->n_sources, 0);
        } else {
            assert_null(record);
        }
        record = parse_list(&message, type, GROUP_SOURCES_MAX, 9, 1);
        assert_int_equal(record->wish, types[i].few);
        assert_int_equal(record->n_sources, GROUP_SOURCES_MAX);
        assert_false(message.more || message.over);
        /* Too many: all of them, and where they may go on in another report
         * all groups. */
        record = parse_list(&message, type, GROUP_SOURCES_MAX + 1, 9, 1);
        assert_true(type == 6 ? !record : record->wish == WISH_JOIN);
        assert_int_equal(message.over, type != 6);
        assert_false(message.more);
        record = parse_list(&message, type, GROUP_WHOLE_MAX / 4, 9, 1);
        assert_true(type == 6 ? !record : record->wish == WISH_JOIN);
        assert_int_equal(message.more, type == 1 || type == 3);
    }
    /* One that is named again takes no room. */
    assert_int_equal(parse_list(&message, 4, 11, 7, 0)->n_sources, 1);
}

/* Writes a report of IGMPv3 with 'n' records about 10 sources each, and one of
 * 'type' about 3.  Returns its length. */
static size_t
long_report(uint8_t *bytes, size_t n, uint8_t type)
{
    uint8_t *ip = bytes + 14, *igmp = ip + 20, *record = igmp + 8;
    size_t length = many_records(bytes, 0, n + 1, false) - 14;

    memset(record, 0, (n + 1) * 48);
    for (size_t i = 0; i <= n; i++) {
        size_t n_sources = i < n ? 10 : 3;

        record[0] = i < n ? 1 : type;
        record[3] = (uint8_t) n_sources;
        record[4] = 239;
        record[7] = (uint8_t) i;
        for (size_t j = 0; j < n_sources; j++) {
            record[8 + 4 * j] = 10;
            record[11 + 4 * j] = (uint8_t) (1 + j);
        }
        record += 8 + 4 * n_sources;
        length += 8 + 4 * n_sources;
    }
    ip[2] = (uint8_t) (length >> 8);
    ip[3] = (uint8_t) length;
    put_sum(ip + 10, ip, 20);
    put_sum(igmp + 2, igmp, length - 20);
    return 14 + length;
}

/* The last list of a long report may go on in the next one, which nobody can
 * tell from a list of its own: what that one names must not take away what
 * this one does. */
static void
lists_go_on(void **state OVS_UNUSED)
{
    struct group_message message;
    uint8_t bytes[1024];

    for (uint8_t type = 1; type <= 6; type++) {
        bool goes_on = type == 1 || type == 3;
        const struct group_record *last = &message.records[11];

        assert_true(group_message_parse(bytes, long_report(bytes, 11, type),
                                        true, &message));
        assert_int_equal(message.n, 12);
        assert_int_equal(message.more, goes_on);
        assert_int_equal(message.over, goes_on);
        assert_int_equal(last->n_sources, goes_on ? 0 : 3);
        if (goes_on) {
            assert_int_equal(last->wish, WISH_JOIN);
        }
        /* Those before it are whole, and so is that of a shorter one. */
        assert_int_equal(message.records[10].wish, WISH_INCLUDE);
        assert_int_equal(message.records[10].n_sources, 10);
        assert_true(group_message_parse(bytes, long_report(bytes, 9, type),
                                        true, &message));
        assert_int_equal(message.records[9].n_sources, 3);
        assert_false(message.more || message.over);
    }
}

/* A list's number is that of its sources and of what it is for. */
static void
lists_have_numbers(void **state OVS_UNUSED)
{
    struct group_message message;
    uint32_t number = group_list_number(parse_list(&message, 1, 4, 5, 1));

    assert_true(number & 0x800000 && number < 0x1000000);
    assert_int_equal(group_list_number(parse_list(&message, 3, 4, 8, -1)),
                     number);
    assert_true(group_list_number(parse_list(&message, 3, 4, 6, 1))
                != number);
    assert_true(group_list_number(parse_list(&message, 3, 3, 5, 1))
                != number);
    assert_true(group_list_number(parse_list(&message, 4, 4, 5, 1))
                != number);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_linux_are_understood),
        cmocka_unit_test(what_is_broken_is_refused),
        cmocka_unit_test(records_are_bounded),
        cmocka_unit_test(what_is_built_is_understood),
        cmocka_unit_test(what_is_built_is_told_apart),
        cmocka_unit_test(queries_are_understood),
        cmocka_unit_test(lists_are_bounded),
        cmocka_unit_test(lists_go_on),
        cmocka_unit_test(lists_have_numbers),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
