/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of refusals (vmn/packet.h): which packets are answered, and by
 * what.  Checksums and lengths of all answers are fuzz-refusal's. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "csum.h"
#include "util.h"
#include "vmn/packet.h"

#define ETH 14
#define V4 20
#define V6 40

/* A packet that is being written. */
struct packet {
    uint8_t bytes[2048];
    size_t size;
};

static void
append(struct packet *p, size_t n, const uint8_t *bytes)
{
    memcpy(p->bytes + p->size, bytes, n);
    p->size += n;
}
#define APPEND(P, ...)                                                  \
    append(P, sizeof((uint8_t[]) { __VA_ARGS__ }), (uint8_t[]) { __VA_ARGS__ })

static void
begin_ethernet(struct packet *p, uint16_t type)
{
    p->size = 0;
    APPEND(p, 2, 0, 0, 0, 0, 0xb, 2, 0, 0, 0, 0, 0xa, type >> 8, type & 0xff);
}

/* From 10.0.0.1 to 10.0.0.2; 'size' bytes follow. */
static void
begin_ipv4(struct packet *p, uint8_t proto, size_t size)
{
    size_t total = V4 + size;

    begin_ethernet(p, VMN_ETH_IPV4);
    APPEND(p, 0x45, 0xb9, total >> 8, total & 0xff, 0, 1, 0, 0, 64, proto, 0,
           0, 10, 0, 0, 1, 10, 0, 0, 2);
}

/* From fd00::1 to fd00::2. */
static void
begin_ipv6(struct packet *p, uint8_t next, size_t size)
{
    begin_ethernet(p, VMN_ETH_IPV6);
    APPEND(p, 0x60, 0, 0, 0, size >> 8, size & 0xff, next, 64);
    APPEND(p, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
    APPEND(p, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);
}

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

/* From port 4660 to 80, SEQ 0x01020304, ACK 0x0a0b0c0d, four bytes of
 * options. */
static void
put_tcp(struct packet *p, uint8_t flags)
{
    APPEND(p, 0x12, 0x34, 0, 80, 1, 2, 3, 4, 0xa, 0xb, 0xc, 0xd, 6 << 4,
           flags, 1, 0, 0, 0, 0, 0, 2, 4, 5, 180);
}
#define TCP_HEADER 24

static void
put_zeros(struct packet *p, size_t n)
{
    memset(p->bytes + p->size, 0, n);
    p->size += n;
}

static uint32_t
u32(const uint8_t *p)
{
    return (uint32_t) p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/* Why the packet is not answered; fails if it is. */
static const char *
why_not(const struct packet *p)
{
    uint8_t answer[VMN_REJECT_SIZE_MAX];
    const char *why;

    assert_int_equal(vmn_reject_build(p->bytes, p->size, answer, &why), 0);
    assert_non_null(why);
    return why;
}

static size_t
answer_of(const struct packet *p, uint8_t answer[VMN_REJECT_SIZE_MAX])
{
    const char *why;
    size_t size = vmn_reject_build(p->bytes, p->size, answer, &why);

    assert_null(why);
    assert_true(size);
    return size;
}

/* RFC 9293, section 3.10.7.1. */
static void
check_reset(const struct packet *p, size_t header, uint8_t flags,
            uint32_t seq, uint32_t ack)
{
    uint8_t answer[VMN_REJECT_SIZE_MAX], *tcp = answer + ETH + header;

    assert_int_equal(answer_of(p, answer), ETH + header + 20);
    assert_memory_equal(answer, p->bytes + 6, 6);
    assert_memory_equal(answer + 6, p->bytes, 6);
    assert_memory_equal(tcp, ((uint8_t[]) { 0, 80, 0x12, 0x34 }), 4);
    assert_int_equal(u32(tcp + 4), seq);
    assert_int_equal(u32(tcp + 8), ack);
    assert_int_equal(tcp[12] >> 4, 5);
    assert_int_equal(tcp[13], flags);
}

static void
tcp_without_ack_is_reset_and_acknowledged(void **state OVS_UNUSED)
{
    struct packet p;

    begin_ipv4(&p, 6, TCP_HEADER);
    put_tcp(&p, SYN);
    check_reset(&p, V4, RST | ACK, 0, 0x01020305);

    begin_ipv6(&p, 6, TCP_HEADER + 100);
    put_tcp(&p, SYN | FIN);
    put_zeros(&p, 100);
    check_reset(&p, V6, RST | ACK, 0, 0x01020304 + 102);

    /* What was cut off counts, and Ethernet's padding does not. */
    p.size -= 50;
    check_reset(&p, V6, RST | ACK, 0, 0x01020304 + 102);
    begin_ipv4(&p, 6, TCP_HEADER);
    put_tcp(&p, 0);
    put_zeros(&p, 6);
    check_reset(&p, V4, RST | ACK, 0, 0x01020304);
}

static void
tcp_with_ack_is_reset_where_it_is_awaited(void **state OVS_UNUSED)
{
    struct packet p;

    begin_ipv4(&p, 6, TCP_HEADER + 10);
    put_tcp(&p, ACK);
    put_zeros(&p, 10);
    check_reset(&p, V4, RST, 0x0a0b0c0d, 0);
    /* Also the first fragment of one. */
    p.bytes[ETH + 6] = 0x20;
    check_reset(&p, V4, RST, 0x0a0b0c0d, 0);
    begin_ipv6(&p, 6, TCP_HEADER);
    put_tcp(&p, ACK | SYN);
    check_reset(&p, V6, RST, 0x0a0b0c0d, 0);
}

/* The answer quotes 'n_quoted' bytes of the packet, from its IP header on. */
static void
check_error(const struct packet *p, size_t header, uint8_t type, uint8_t code,
            size_t n_quoted)
{
    uint8_t answer[VMN_REJECT_SIZE_MAX], *icmp = answer + ETH + header;

    assert_int_equal(answer_of(p, answer), ETH + header + 8 + n_quoted);
    assert_int_equal(header == V6 ? answer[ETH + 6] : answer[ETH + 9],
                     header == V6 ? 58 : 1);
    assert_int_equal(icmp[0], type);
    assert_int_equal(icmp[1], code);
    assert_int_equal(u32(icmp + 4), 0);
    assert_memory_equal(icmp + 8, p->bytes + ETH, n_quoted);
    if (header == V4) {         /* The same service, without ECN. */
        assert_int_equal(answer[ETH + 1], 0xb8);
    }
}

static void
other_protocols_get_an_error(void **state OVS_UNUSED)
{
    static const uint8_t protos[] = { 17, 132, 47, 50, 0xfd };
    struct packet p;

    for (size_t i = 0; i < ARRAY_SIZE(protos); i++) {
        begin_ipv4(&p, protos[i], 30);
        put_zeros(&p, 30);
        check_error(&p, V4, 3, 13, 50);
        begin_ipv6(&p, protos[i], 30);
        put_zeros(&p, 30);
        check_error(&p, V6, 1, 1, 70);
    }
    /* Pings, their answers, and what is no ICMP of this family. */
    for (int type = 0; type <= 8; type += 8) {
        begin_ipv4(&p, 1, 8);
        put_zeros(&p, 8);
        p.bytes[ETH + V4] = type;
        check_error(&p, V4, 3, 13, 28);
    }
    begin_ipv6(&p, 58, 8);
    put_zeros(&p, 8);
    p.bytes[ETH + V6] = 128;
    check_error(&p, V6, 1, 1, 48);
    begin_ipv4(&p, 58, 8);
    put_zeros(&p, 8);
    check_error(&p, V4, 3, 13, 28);
}

static void
errors_quote_what_there_is_room_for(void **state OVS_UNUSED)
{
    struct packet p;

    begin_ipv4(&p, 17, 1480);
    put_zeros(&p, 1480);
    check_error(&p, V4, 3, 13, 576 - V4 - 8);
    begin_ipv6(&p, 17, 1460);
    put_zeros(&p, 1460);
    check_error(&p, V6, 1, 1, 1280 - V6 - 8);
    assert_int_equal(VMN_REJECT_QUOTED_MAX, ETH + 1280 - V6 - 8);
    /* With Ethernet's padding, and cut short. */
    begin_ipv4(&p, 17, 9);
    put_zeros(&p, 20);
    check_error(&p, V4, 3, 13, 29);
    begin_ipv4(&p, 17, 1000);
    put_zeros(&p, 100);
    check_error(&p, V4, 3, 13, 120);
    /* With options. */
    begin_ipv4(&p, 17, 16);
    p.bytes[ETH] = 0x46;
    put_zeros(&p, 16);
    check_error(&p, V4, 3, 13, 36);
}

/* Conntrack of the userspace datapath takes an error about a fragment for
 * invalid. */
static void
a_first_fragment_is_quoted_as_whole(void **state OVS_UNUSED)
{
    uint8_t answer[VMN_REJECT_SIZE_MAX], *quote = answer + ETH + V4 + 8;
    struct packet p;

    begin_ipv4(&p, 17, 16);
    put_zeros(&p, 16);
    p.bytes[ETH + 6] = 0x20;
    assert_int_equal(answer_of(&p, answer), ETH + V4 + 8 + 36);
    assert_int_equal(quote[6], 0);
    assert_int_equal(csum(quote, V4), 0);
    assert_memory_equal(quote + 12, p.bytes + ETH + 12, 36 - 12);

    begin_ipv6(&p, 44, 16);
    APPEND(&p, 17, 0, 0, 1, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8);
    quote = answer + ETH + V6 + 8;
    assert_int_equal(answer_of(&p, answer), ETH + V6 + 8 + V6 + 8);
    assert_int_equal(quote[5], 8);
    assert_int_equal(quote[6], 17);
    assert_memory_equal(quote + V6, p.bytes + ETH + V6 + 8, 8);
}

static void
headers_before_the_upper_layer_are_skipped(void **state OVS_UNUSED)
{
    struct packet p;

    /* Hop by hop of 16 bytes, destination options, routing, a first fragment,
     * authentication of 12. */
    begin_ipv6(&p, 0, 16 + 8 + 8 + 8 + 12 + TCP_HEADER);
    APPEND(&p, 60, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    APPEND(&p, 43, 0, 1, 4, 0, 0, 0, 0);
    APPEND(&p, 44, 0, 0, 0, 0, 0, 0, 0);
    APPEND(&p, 51, 0, 0, 1, 0, 0, 0, 7);
    APPEND(&p, 6, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1);
    put_tcp(&p, ACK);
    check_reset(&p, V6, RST, 0x0a0b0c0d, 0);
    for (size_t size = ETH + V6; size < p.size - 4; size++) {
        struct packet cut = p;

        cut.size = size;
        assert_string_equal(why_not(&cut), "malformed");
    }

    /* An error is one behind them, too. */
    begin_ipv6(&p, 60, 16);
    APPEND(&p, 58, 0, 1, 4, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0, 0, 0);
    assert_string_equal(why_not(&p), "ICMP error");
    /* No end of them. */
    begin_ipv6(&p, 60, 8 * 100);
    for (int i = 0; i < 100; i++) {
        APPEND(&p, 60, 0, 1, 4, 0, 0, 0, 0);
    }
    assert_string_equal(why_not(&p), "malformed");
    /* None at all. */
    begin_ipv6(&p, 59, 0);
    check_error(&p, V6, 1, 1, V6);
}

static void
errors_and_resets_get_no_answer(void **state OVS_UNUSED)
{
    static const uint8_t errors[] = { 3, 4, 5, 11, 12 };
    static const uint8_t errors6[] = { 0, 1, 2, 3, 4, 100, 127, 137 };
    struct packet p;

    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        begin_ipv4(&p, 1, 8);
        put_zeros(&p, 8);
        p.bytes[ETH + V4] = errors[i];
        assert_string_equal(why_not(&p), "ICMP error");
    }
    for (size_t i = 0; i < ARRAY_SIZE(errors6); i++) {
        begin_ipv6(&p, 58, 8);
        put_zeros(&p, 8);
        p.bytes[ETH + V6] = errors6[i];
        assert_string_equal(why_not(&p), "ICMP error");
    }
    begin_ipv4(&p, 6, TCP_HEADER);
    put_tcp(&p, RST);
    assert_string_equal(why_not(&p), "reset");
    begin_ipv6(&p, 6, TCP_HEADER);
    put_tcp(&p, RST | ACK);
    assert_string_equal(why_not(&p), "reset");
}

static void
fragments_get_no_answer_that_takes_the_whole(void **state OVS_UNUSED)
{
    struct packet p;

    begin_ipv4(&p, 17, 16);
    put_zeros(&p, 16);
    p.bytes[ETH + 7] = 1;       /* Offset 8. */
    assert_string_equal(why_not(&p), "later fragment");
    begin_ipv6(&p, 44, 16);
    APPEND(&p, 17, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    assert_string_equal(why_not(&p), "later fragment");
    begin_ipv4(&p, 6, TCP_HEADER);
    put_tcp(&p, SYN);
    p.bytes[ETH + 6] = 0x20;
    assert_string_equal(why_not(&p), "fragment without ACK");
}

/* Of IPv4, the packet with byte 'offset' of an address changed. */
static const char *
why_not_address(size_t offset, uint8_t value)
{
    struct packet p;

    begin_ipv4(&p, 17, 8);
    put_zeros(&p, 8);
    p.bytes[offset] = value;
    return why_not(&p);
}

static void
who_is_many_or_nobody_gets_no_answer(void **state OVS_UNUSED)
{
    struct packet p;

    assert_string_equal(why_not_address(0, 0xff), "multicast");
    assert_string_equal(why_not_address(0, 1), "multicast");
    assert_string_equal(why_not_address(6, 1), "malformed");
    assert_string_equal(why_not_address(ETH + 16, 224), "multicast");
    assert_string_equal(why_not_address(ETH + 16, 255), "multicast");
    assert_string_equal(why_not_address(ETH + 12, 0), "source is no host");
    assert_string_equal(why_not_address(ETH + 12, 127), "source is no host");
    assert_string_equal(why_not_address(ETH + 12, 239), "source is no host");
    assert_string_equal(why_not_address(ETH + 12, 255), "source is no host");

    begin_ipv6(&p, 17, 8);
    put_zeros(&p, 8);
    p.bytes[ETH + 24] = 0xff;
    assert_string_equal(why_not(&p), "multicast");
    p.bytes[ETH + 24] = 0xfd;
    p.bytes[ETH + 8] = 0xff;
    assert_string_equal(why_not(&p), "source is no host");
    memset(p.bytes + ETH + 8, 0, 16);
    assert_string_equal(why_not(&p), "source is no host");
    p.bytes[ETH + 23] = 1;
    assert_string_equal(why_not(&p), "source is no host");
}

static void
what_is_cut_short_or_wrong_gets_no_answer(void **state OVS_UNUSED)
{
    struct packet p, cut;

    begin_ipv4(&p, 6, TCP_HEADER);
    put_tcp(&p, SYN);
    for (cut = p, cut.size = 0; cut.size < ETH + V4 + 20; cut.size++) {
        assert_string_equal(why_not(&cut), "malformed");
    }
    cut = p;
    cut.bytes[ETH] = 0x44;
    assert_string_equal(why_not(&cut), "malformed");
    cut.bytes[ETH] = 0x65;
    assert_string_equal(why_not(&cut), "malformed");
    cut = p;
    cut.bytes[ETH + 3] = V4 - 1; /* In all. */
    assert_string_equal(why_not(&cut), "malformed");
    cut = p;
    cut.bytes[ETH + V4 + 12] = 4 << 4;
    assert_string_equal(why_not(&cut), "malformed");
    cut.bytes[ETH + V4 + 12] = 7 << 4;
    assert_string_equal(why_not(&cut), "malformed");
    cut = p;
    cut.bytes[12] = 0x81;
    cut.bytes[13] = 0;
    assert_string_equal(why_not(&cut), "not IP");
    begin_ipv4(&p, 1, 7);
    put_zeros(&p, 7);
    assert_string_equal(why_not(&p), "malformed");
}

/* What others than policies say, and who they are. */
static void
routers_say_who_they_are_and_why(void **state OVS_UNUSED)
{
    static const struct {
        enum vmn_reject_reason reason;
        uint8_t type4, code4, type6, code6;
    } cases[] = {
        { VMN_REJECT_NO_HOST, 3, 1, 1, 3 },
        { VMN_REJECT_NO_ROUTE, 3, 0, 1, 0 },
        { VMN_REJECT_TTL, 11, 0, 3, 0 },
        { VMN_REJECT_TOO_BIG, 3, 4, 2, 0 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct vmn_reject how = { .reason = cases[i].reason, .mtu = 1400,
                                  .from = { 4, { 10, 9, 9, 9 } } };
        uint8_t answer[VMN_REJECT_SIZE_MAX], *icmp = answer + ETH + V4;
        const char *why;
        struct packet p;

        /* To TCP as well: it is not refused for good. */
        begin_ipv4(&p, 6, TCP_HEADER);
        put_tcp(&p, SYN);
        assert_true(vmn_reject_build_as(&how, p.bytes, p.size, answer,
                                        &why));
        assert_memory_equal(answer + ETH + 12,
                            ((uint8_t[]) { 10, 9, 9, 9, 10, 0, 0, 1 }), 8);
        assert_int_equal(icmp[0], cases[i].type4);
        assert_int_equal(icmp[1], cases[i].code4);
        assert_int_equal(icmp[6] << 8 | icmp[7],
                         i == ARRAY_SIZE(cases) - 1 ? 1400 : 0);

        begin_ipv6(&p, 6, TCP_HEADER);
        put_tcp(&p, SYN);
        assert_false(vmn_reject_build_as(&how, p.bytes, p.size, answer,
                                         &why));
        assert_string_equal(why, "answer is of the other family");
        how.from = (struct vmn_ip) { 6, { 0xfd, [15] = 9 } };
        icmp = answer + ETH + V6;
        assert_true(vmn_reject_build_as(&how, p.bytes, p.size, answer,
                                        &why));
        assert_memory_equal(answer + ETH + 8, how.from.addr, 16);
        assert_int_equal(icmp[0], cases[i].type6);
        assert_int_equal(icmp[1], cases[i].code6);
        assert_int_equal(icmp[6] << 8 | icmp[7],
                         i == ARRAY_SIZE(cases) - 1 ? 1400 : 0);
    }
}

static void
nobody_listens_is_a_reset_or_port_unreachable(void **state OVS_UNUSED)
{
    const struct vmn_reject how = { .reason = VMN_REJECT_NO_PORT };
    uint8_t answer[VMN_REJECT_SIZE_MAX];
    const char *why;
    struct packet p;

    begin_ipv4(&p, 6, TCP_HEADER);
    put_tcp(&p, SYN);
    assert_int_equal(vmn_reject_build_as(&how, p.bytes, p.size, answer,
                                         &why), ETH + V4 + 20);
    assert_int_equal(answer[ETH + V4 + 13], RST | ACK);
    begin_ipv6(&p, 17, 8);
    put_zeros(&p, 8);
    assert_true(vmn_reject_build_as(&how, p.bytes, p.size, answer, &why));
    assert_memory_equal(answer + ETH + V6, ((uint8_t[]) { 1, 4 }), 2);
}

int
main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcp_without_ack_is_reset_and_acknowledged),
        cmocka_unit_test(tcp_with_ack_is_reset_where_it_is_awaited),
        cmocka_unit_test(other_protocols_get_an_error),
        cmocka_unit_test(errors_quote_what_there_is_room_for),
        cmocka_unit_test(a_first_fragment_is_quoted_as_whole),
        cmocka_unit_test(headers_before_the_upper_layer_are_skipped),
        cmocka_unit_test(errors_and_resets_get_no_answer),
        cmocka_unit_test(fragments_get_no_answer_that_takes_the_whole),
        cmocka_unit_test(who_is_many_or_nobody_gets_no_answer),
        cmocka_unit_test(what_is_cut_short_or_wrong_gets_no_answer),
        cmocka_unit_test(routers_say_who_they_are_and_why),
        cmocka_unit_test(nobody_listens_is_a_reset_or_port_unreachable),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
