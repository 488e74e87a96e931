/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of neighbour discovery for apps (vmn/packet.h): which questions
 * are answered, and how. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "csum.h"
#include "packets.h"
#include "util.h"
#include "vmn/packet.h"

#define ETH 14
#define V6 40

static const struct vmn_mac router_mac = { { 0x0a, 0, 0, 0, 0, 1 } };

/* The checksum over the ICMPv6 message of 'size' bytes; 0 if it is right. */
static ovs_be16
sum(const uint8_t *packet, size_t size)
{
    uint32_t partial = csum_continue(0, packet + ETH + 8, 32);

    partial = csum_add16(partial, htons(size));
    partial = csum_add16(partial, htons(58));
    return csum_finish(csum_continue(partial, packet + ETH + V6, size));
}

static void
set_sum(uint8_t *packet, size_t size)
{
    ovs_be16 right;

    memset(packet + ETH + V6 + 2, 0, 2);
    right = sum(packet, size);
    memcpy(packet + ETH + V6 + 2, &right, 2);
}

#define ICMP_SIZE 32
#define SIZE (ETH + V6 + ICMP_SIZE)

/* fd00::5 asks who has fd00::1, with its link-layer address. */
static void
put_question(uint8_t packet[SIZE])
{
    static const uint8_t head[] = {
        0x0a, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 5, 0x86, 0xdd,
        0x60, 0, 0, 0, 0, ICMP_SIZE, 58, 255,
    };
    uint8_t *icmp = packet + ETH + V6;

    memset(packet, 0, SIZE);
    memcpy(packet, head, sizeof head);
    packet[ETH + 8] = packet[ETH + 24] = icmp[8] = 0xfd;
    packet[ETH + 23] = 5;
    packet[ETH + 39] = icmp[23] = 1;
    icmp[0] = 135;
    icmp[24] = icmp[25] = 1;
    memcpy(icmp + 26, packet + 6, 6);
    set_sum(packet, ICMP_SIZE);
}

static void
question_is_answered_to_its_asker(void **state OVS_UNUSED)
{
    static const uint8_t expected[] = {
        2, 0, 0, 0, 0, 5, 0x0a, 0, 0, 0, 0, 1, 0x86, 0xdd,
        0x60, 0, 0, 0, 0, 32, 58, 255,
        0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
        0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5,
        136, 0, 0, 0, 0xe0, 0, 0, 0,
        0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
        2, 1, 0x0a, 0, 0, 0, 0, 1,
    };
    uint8_t packet[SIZE], answer[VMN_ND_ADVERT_SIZE];

    put_question(packet);
    assert_true(vmn_nd_advert_build(packet, SIZE, router_mac, true, answer));
    assert_int_equal(sum(answer, 32), 0);
    memset(answer + ETH + V6 + 2, 0, 2);
    assert_memory_equal(answer, expected, sizeof expected);

    assert_true(vmn_nd_advert_build(packet, SIZE, router_mac, false, answer));
    assert_int_equal(answer[ETH + V6 + 4], 0x60);
}

/* To the group of its target, and what it asks can be answered. */
static void
question_is_for_the_group_of_its_target(void **state OVS_UNUSED)
{
    static const uint8_t expected[] = {
        0x33, 0x33, 0xff, 0xab, 0xcd, 0xef, 0x0a, 0, 0, 0, 0, 1, 0x86, 0xdd,
        0x60, 0, 0, 0, 0, 32, 58, 255,
        0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5,
        0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xab, 0xcd, 0xef,
        135, 0, 0, 0, 0, 0, 0, 0,
        0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0xab, 0xcd, 0xef,
        1, 1, 0x0a, 0, 0, 0, 0, 1,
    };
    const struct vmn_ip from = { 6, { 0xfd, [15] = 5 } };
    const struct vmn_ip target = { 6, { 0xfd, [12] = 0x12, 0xab, 0xcd,
                                        0xef } };
    const struct vmn_mac mac = { { 2, 0, 0, 0, 0, 9 } };
    uint8_t packet[VMN_ND_SOLICIT_SIZE], answer[VMN_ND_ADVERT_SIZE];

    vmn_nd_solicit_build(router_mac, &from, &target, packet);
    assert_int_equal(sum(packet, 32), 0);
    assert_true(vmn_nd_advert_build(packet, sizeof packet, mac, false,
                                    answer));
    assert_memory_equal(answer, router_mac.ea, 6);
    memset(packet + ETH + V6 + 2, 0, 2);
    assert_memory_equal(packet, expected, sizeof expected);
}

/* Unasked, so without the flag S. */
static void
announcement_is_for_all(void **state OVS_UNUSED)
{
    static const uint8_t expected[] = {
        0x33, 0x33, 0, 0, 0, 1, 0x0a, 0, 0, 0, 0, 1, 0x86, 0xdd,
        0x60, 0, 0, 0, 0, 32, 58, 255,
        0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5,
        0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
        136, 0, 0, 0, 0xa0, 0, 0, 0,
        0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5,
        2, 1, 0x0a, 0, 0, 0, 0, 1,
    };
    const struct vmn_ip ip = { 6, { 0xfd, [15] = 5 } };
    uint8_t packet[VMN_ND_ADVERT_SIZE];

    vmn_nd_announce_build(router_mac, &ip, true, packet);
    assert_int_equal(sum(packet, 32), 0);
    memset(packet + ETH + V6 + 2, 0, 2);
    assert_memory_equal(packet, expected, sizeof expected);

    vmn_nd_announce_build(router_mac, &ip, false, packet);
    assert_int_equal(packet[ETH + V6 + 4], 0x20);
}

/* RFC 4861, section 7.1.1. */
static void
wrong_questions_get_no_answer(void **state OVS_UNUSED)
{
    static const struct {
        const char *what;
        size_t at;
        uint8_t value;
    } cases[] = {
        { "another protocol", 12, 8 },
        { "IPv4", ETH, 0x45 },
        { "more than there is", ETH + 5, ICMP_SIZE + 8 },
        { "less than it takes", ETH + 5, 16 },
        { "not ICMPv6", ETH + 6, 17 },
        { "it crossed a router", ETH + 7, 254 },
        { "from many", ETH + 8, 0xff },
        { "by many", 6, 3 },
        { "not a solicitation", ETH + V6, 136 },
        { "with a code", ETH + V6 + 1, 1 },
        { "for many", ETH + V6 + 8, 0xff },
        { "an option of no length", ETH + V6 + 25, 0 },
        { "an option beyond the end", ETH + V6 + 25, 2 },
    };
    uint8_t packet[SIZE], answer[VMN_ND_ADVERT_SIZE];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        put_question(packet);
        packet[cases[i].at] = cases[i].value;
        set_sum(packet, ICMP_SIZE);
        if (vmn_nd_advert_build(packet, SIZE, router_mac, true, answer)) {
            fail_msg("%s", cases[i].what);
        }
    }
    put_question(packet);
    packet[ETH + V6 + 2] ^= 1;
    assert_false(vmn_nd_advert_build(packet, SIZE, router_mac, true, answer));

    /* From nobody: a probe, which a switch answers. */
    put_question(packet);
    memset(packet + ETH + 8, 0, 16);
    set_sum(packet, ICMP_SIZE);
    assert_false(vmn_nd_advert_build(packet, SIZE, router_mac, true, answer));

    put_question(packet);
    for (size_t size = 0; size < SIZE; size++) {
        assert_false(vmn_nd_advert_build(packet, size, router_mac, true,
                                         answer));
    }
}

int
main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(question_is_answered_to_its_asker),
        cmocka_unit_test(question_is_for_the_group_of_its_target),
        cmocka_unit_test(announcement_is_for_all),
        cmocka_unit_test(wrong_questions_get_no_answer),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
