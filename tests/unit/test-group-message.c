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

        assert_true(group_message_parse(bytes, size, &message));
        assert_int_equal(message.n, 1);
        assert_false(message.is_query || message.more);
        assert_memory_equal(&message.records[0].group, cases[i].group,
                            sizeof *cases[i].group);
        assert_int_equal(message.records[0].joins, cases[i].joins);
    }
    /* Who wants one source of a group is a member of it. */
    assert_true(group_message_parse(bytes, from_hex(IGMP3_JOIN_SSM, bytes),
                                    &message));
    assert_int_equal(message.n, 1);
    assert_true(message.records[0].joins);
    assert_int_equal(message.records[0].group.addr[0], 232);
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
            assert_false(group_message_parse(cut, n, &message));
            free(cut);
        }
        for (size_t n = 12; n < size; n++) {
            if (is_v6 && ((n > 14 && n < 18) || (n >= 56 && n < 62))) {
                continue;
            }
            bytes[n] ^= 0x40;
            if (n != 14 || !is_v6) {
                assert_false(group_message_parse(bytes, size, &message));
            }
            bytes[n] ^= 0x40;
        }
        assert_true(group_message_parse(bytes, size, &message));
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
                                                        false), &message));
    assert_int_equal(message.n, GROUP_RECORDS_MAX);
    assert_true(message.more);
    /* Groups of the link take no room. */
    assert_true(group_message_parse(bytes, many_records(bytes, 183, 183, true),
                                    &message));
    assert_int_equal(message.n, 0);
    assert_false(message.more);
    /* A report that says it has more than it has is none; what is behind the
     * last record is not looked at (RFC 3376, section 4.2.11). */
    assert_false(group_message_parse(bytes, many_records(bytes, 3, 4, false),
                                     &message));
    assert_false(group_message_parse(bytes, many_records(bytes, 3, 65535,
                                                         false), &message));
    assert_true(group_message_parse(bytes, many_records(bytes, 3, 2, false),
                                    &message));
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
            size = group_frame_build(joins ? MESSAGE_JOIN : MESSAGE_LEAVE,
                                     &sources[i], groups[i], frame);
            assert_true(size <= sizeof frame);
            assert_int_equal(frame[5], joins);
            assert_true(group_message_parse(frame, size, &message));
            assert_int_equal(message.n, 1);
            assert_int_equal(message.records[0].joins, joins);
            assert_memory_equal(&message.records[0].group, groups[i],
                                sizeof *groups[i]);
            assert_memory_equal(&message.source, &sources[i],
                                sizeof sources[i]);
        }
        size = group_query_build(&sources[i], 20, frame);
        assert_true(group_message_parse(frame, size, &message));
        assert_true(message.is_query);
        assert_int_equal(message.n, 0);
        assert_int_equal(frame[0], i ? 0x33 : 0x01);
    }
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_linux_are_understood),
        cmocka_unit_test(what_is_broken_is_refused),
        cmocka_unit_test(records_are_bounded),
        cmocka_unit_test(what_is_built_is_understood),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
