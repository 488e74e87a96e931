/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/probe: TCP, UDP and ping, ICMP errors, and frames that are none of the
 * probe's. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/probe/probe.h"
#include "tests/unit/probe-fixture.h"
#include "util.h"

/* TCP.  ------------------------------------------------------------------- */

static void
tcp_syn_ack_is_success_and_reset(void **state OVS_UNUSED)
{
    for (int family = 4; family <= 6; family += 2) {
        struct probe_target target = target_of(PROBE_TCP, family);
        struct server s;

        start_probe(&s, &target);
        check_segment(&s, 0, SYN, RANDOM, 0);
        assert_int_equal(segment(&s, SYN | ACK, ""), PROBE_SUCCESS);
        assert_int_equal(s.out.n, 1);
        check_segment(&s, 0, RST | ACK, RANDOM + 1, IRS + 1);
        /* And nothing more. */
        s.seq = IRS;
        assert_int_equal(segment(&s, SYN | ACK, ""), PROBE_IGNORED);
        assert_int_equal(s.out.n, 0);
        assert_int_equal(probe_timeout(&s.probe, &s.out), PROBE_IGNORED);
        probe_retransmit(&s.probe, &s.out);
        assert_int_equal(s.out.n, 0);
    }
}

static void
tcp_reset_is_refused(void **state OVS_UNUSED)
{
    struct probe_target target = target_of(PROBE_TCP, 4);
    struct server s;

    start_probe(&s, &target);
    assert_int_equal(segment(&s, RST, ""), PROBE_IGNORED);
    s.ack = RANDOM;
    assert_int_equal(segment(&s, RST | ACK, ""), PROBE_IGNORED);
    assert_int_equal(s.out.n, 0);
    s.ack = RANDOM + 1;
    assert_int_equal(segment(&s, RST | ACK, ""), PROBE_FAILURE);
    assert_string_equal(probe_reason(&s.probe), "connection refused");
    assert_int_equal(s.out.n, 0);
}

static void
tcp_silence_is_no_answer(void **state OVS_UNUSED)
{
    struct probe_target target = target_of(PROBE_TCP, 4);
    struct server s;

    start_probe(&s, &target);
    probe_retransmit(&s.probe, &s.out);
    assert_int_equal(s.out.n, 1);
    check_segment(&s, 0, SYN, RANDOM, 0);
    assert_int_equal(probe_timeout(&s.probe, &s.out), PROBE_FAILURE);
    assert_string_equal(probe_reason(&s.probe), "no answer");
    /* A SYN-ACK may be lost; no server stays half-open. */
    assert_int_equal(s.out.n, 1);
    check_segment(&s, 0, RST, RANDOM + 1, 0);
}

/* The server has a connection of that port, from before a restart of ours. */
static void
tcp_stale_connection_is_reset_and_asked_again(void **state OVS_UNUSED)
{
    struct probe_target target = target_of(PROBE_TCP, 4);
    struct server s;

    start_probe(&s, &target);
    s.ack = 12345;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(segment(&s, ACK, ""), PROBE_CONTINUES);
        assert_int_equal(s.out.n, 2);
        check_segment(&s, 0, RST, 12345, 0);
        check_segment(&s, 1, SYN, RANDOM, 0);
    }
    /* Not for ever. */
    assert_int_equal(segment(&s, ACK, ""), PROBE_IGNORED);
    s.ack = RANDOM + 1;
    assert_int_equal(segment(&s, SYN | ACK, ""), PROBE_SUCCESS);
}

/* UDP and pings.  --------------------------------------------------------- */

static struct frame
datagram(int family, uint16_t from, uint16_t to)
{
    struct frame f;
    uint8_t *udp = begin_frame(&f, family, UDP, 9, 0);

    set_u16(udp, from);
    set_u16(udp + 2, to);
    set_u16(udp + 4, 9);
    end_frame(&f, udp, UDP, 6);
    return f;
}

static void
udp_answer_is_success(void **state OVS_UNUSED)
{
    for (int family = 4; family <= 6; family += 2) {
        struct probe_target target = target_of(PROBE_UDP, family);
        struct frame f;
        struct upper u;
        struct server s;

        target.payload = "ping";
        target.payload_size = 4;
        start_probe(&s, &target);
        u = upper_of(&s.out, 0);
        assert_int_equal(u.proto, UDP);
        assert_int_equal(u16_at(u.bytes), 600);
        assert_int_equal(u16_at(u.bytes + 2), 8080);
        assert_int_equal(u.size, 12);
        assert_memory_equal(u.bytes + 8, "ping", 4);
        f = datagram(family, 8081, 600);
        assert_int_equal(take_frame(&s, &f), PROBE_IGNORED);
        f = datagram(family, 8080, 601);
        assert_int_equal(take_frame(&s, &f), PROBE_IGNORED);
        f = datagram(family, 8080, 600);
        assert_int_equal(take_frame(&s, &f), PROBE_SUCCESS);
    }
}

static void
udp_silence_is_what_was_awaited(void **state OVS_UNUSED)
{
    struct probe_target target = target_of(PROBE_UDP, 4);
    struct server s;

    start_probe(&s, &target);
    probe_retransmit(&s.probe, &s.out);
    assert_int_equal(s.out.n, 1);
    assert_int_equal(probe_timeout(&s.probe, &s.out), PROBE_FAILURE);
    assert_string_equal(probe_reason(&s.probe), "no answer");

    target.answer = false;
    start_probe(&s, &target);
    assert_int_equal(probe_timeout(&s.probe, &s.out), PROBE_SUCCESS);
    assert_int_equal(s.out.n, 0);
}

/* The answer to the ping that was sent, with one byte changed by 'delta'. */
static enum probe_verdict
answer_ping(struct server *s, size_t offset, uint8_t delta)
{
    struct upper u = upper_of(&s->out, 0);
    struct frame f;
    uint8_t *icmp = begin_frame(&f, s->family, u.proto, u.size, 0);

    memcpy(icmp, u.bytes, u.size);
    icmp[0] = s->family == 6 ? 129 : 0;
    icmp[offset] += delta;
    end_frame(&f, icmp, u.proto, 2);
    return probe_receive(&s->probe, f.bytes, f.size,
                         &(struct probe_frames) { 0 });
}

static void
ping_answer_is_success(void **state OVS_UNUSED)
{
    for (int family = 4; family <= 6; family += 2) {
        struct probe_target target = target_of(PROBE_PING, family);
        struct upper u;
        struct server s;

        start_probe(&s, &target);
        u = upper_of(&s.out, 0);
        assert_int_equal(u.proto, family == 6 ? ICMP6 : ICMP);
        assert_int_equal(u.bytes[0], family == 6 ? 128 : 8);
        assert_int_equal(u16_at(u.bytes + 4), 600);
        assert_int_equal(u16_at(u.bytes + 6), 8080);
        /* Type, code, identifier, sequence number, data. */
        for (size_t offset = 0; offset < u.size;
             offset += offset == 1 ? 3 : 1) {
            assert_int_equal(answer_ping(&s, offset, 1), PROBE_IGNORED);
        }
        assert_int_equal(answer_ping(&s, 0, 0), PROBE_SUCCESS);
    }
}

/* Whatever is at offset 'at' of what was sent is changed. */
static enum probe_verdict
forward(struct server *s, size_t at)
{
    uint8_t frame[PROBE_FRAME_SIZE];

    memcpy(frame, s->out.bytes[0], s->out.sizes[0]);
    if (at) {
        frame[at] ^= 0x10;
    }
    return probe_receive(&s->probe, frame, s->out.sizes[0],
                         &(struct probe_frames) { 0 });
}

static void
what_comes_through_is_what_was_sent(void **state OVS_UNUSED)
{
    for (int family = 4; family <= 6; family += 2) {
        struct probe_target target = target_of(PROBE_THROUGH, family);
        struct vmn_ip server;
        struct server s;
        uint16_t id;

        start_probe(&s, &target);
        assert_int_equal(s.out.n, 1);
        assert_true(probe_address(s.out.bytes[0], s.out.sizes[0], &server,
                                  &id));
        assert_true(vmn_ip_equal(&server, &target.dst));
        assert_int_equal(id, target.src_port);
        /* From the IP header on; there are checksums for all of it. */
        for (size_t at = ETH + (family == 6 ? 8 : 0); at < s.out.sizes[0];
             at++) {
            assert_int_equal(forward(&s, at), PROBE_IGNORED);
        }
        /* An answer is none. */
        assert_int_equal(answer_ping(&s, 0, 0), PROBE_IGNORED);
        assert_int_equal(forward(&s, 0), PROBE_SUCCESS);

        start_probe(&s, &target);
        assert_int_equal(probe_timeout(&s.probe, &s.out), PROBE_FAILURE);
        assert_string_equal(probe_reason(&s.probe), "nothing comes through");
    }
}

/* Where the addresses of ARP are, and those of neighbour discovery. */
enum { ARP_OP = 20, ARP_SHA = 22, ARP_SPA = 28, ARP_THA = 32, ARP_TPA = 38,
       ND = ETH + 40 };

/* Makes the answer to the question that was sent; returns its size. */
static size_t
answer_neighbour(const struct server *s, uint8_t *frame)
{
    const struct probe *p = &s->probe;
    size_t size = s->out.sizes[0];

    memcpy(frame, s->out.bytes[0], size);
    memcpy(frame, &p->src_mac, 6);
    memcpy(frame + 6, &p->dst_mac, 6);
    if (p->dst.family == 4) {
        frame[ARP_OP + 1] = 2;
        memcpy(frame + ARP_SHA, &p->dst_mac, 6);
        memcpy(frame + ARP_SPA, p->dst.addr, 4);
        memcpy(frame + ARP_THA, &p->src_mac, 6);
        memcpy(frame + ARP_TPA, p->src.addr, 4);
        return size;
    }
    memcpy(frame + ETH + 8, p->dst.addr, 16);
    memcpy(frame + ETH + 24, p->src.addr, 16);
    frame[ND] = 136;
    frame[ND + 4] = 0x60;
    frame[ND + 24] = 2;         /* Target link-layer address. */
    memcpy(frame + ND + 26, &p->dst_mac, 6);
    set_u16(frame + ND + 2, 0);
    set_u16(frame + ND + 2, ~fold(sum_of(frame + ND, size - ND)
                                  + sum_of(frame + ETH + 8, 32) + 58
                                  + (size - ND)));
    return size;
}

static enum probe_verdict
hear(struct server *s, const uint8_t *frame, size_t size)
{
    return probe_receive(&s->probe, frame, size,
                         &(struct probe_frames) { 0 });
}

static void
a_neighbour_says_that_it_has_its_address(void **state OVS_UNUSED)
{
    for (int family = 4; family <= 6; family += 2) {
        struct probe_target target = target_of(PROBE_NEIGHBOUR, family);
        uint8_t frame[PROBE_FRAME_SIZE], other[PROBE_FRAME_SIZE];
        struct vmn_ip server;
        struct server s;
        uint16_t id;
        size_t size;

        target.src_port = 0;
        start_probe(&s, &target);
        assert_int_equal(s.out.n, 1);
        assert_memory_equal(s.out.bytes[0], &target.dst_mac, 6);
        assert_memory_equal(s.out.bytes[0] + 6, &target.src_mac, 6);
        /* The question, back again, is no answer. */
        assert_int_equal(hear(&s, s.out.bytes[0], s.out.sizes[0]),
                         PROBE_IGNORED);
        size = answer_neighbour(&s, frame);
        assert_true(probe_address(frame, size, &server, &id));
        assert_true(vmn_ip_equal(&server, &target.dst));
        assert_int_equal(id, 0);
        /* One byte is wrong of all but where it goes to: of IPv6 there are
         * checksums from the IP header's addresses on. */
        for (size_t at = 6; at < size; at++) {
            bool matters = (family == 4 ? at < ARP_THA || at >= ARP_TPA
                            : at < ETH + 1 || at >= ETH + 4);

            memcpy(other, frame, size);
            other[at] ^= 0x10;
            if (matters) {
                assert_int_equal(hear(&s, other, size), PROBE_IGNORED);
            }
        }
        for (size_t cut = 0; cut < size; cut++) {
            assert_int_equal(hear(&s, frame, cut), PROBE_IGNORED);
        }
        assert_int_equal(hear(&s, frame, size), PROBE_SUCCESS);
        assert_int_equal(hear(&s, frame, size), PROBE_IGNORED);

        start_probe(&s, &target);
        assert_int_equal(probe_timeout(&s.probe, &s.out), PROBE_FAILURE);
        assert_string_equal(probe_reason(&s.probe), "no answer");
    }
}

/* An advertisement that nobody has asked for says nothing now. */
static void
an_announcement_is_no_answer(void **state OVS_UNUSED)
{
    struct probe_target target = target_of(PROBE_NEIGHBOUR, 6);
    uint8_t frame[PROBE_FRAME_SIZE];
    struct server s;
    size_t size;

    target.src_port = 0;
    start_probe(&s, &target);
    size = answer_neighbour(&s, frame);
    frame[ND + 4] = 0x20;
    set_u16(frame + ND + 2, 0);
    set_u16(frame + ND + 2, ~fold(sum_of(frame + ND, size - ND)
                                  + sum_of(frame + ETH + 8, 32) + 58
                                  + (size - ND)));
    assert_int_equal(hear(&s, frame, size), PROBE_IGNORED);
}

/* A ping's request, back again, is no answer. */
static void
an_echo_of_the_ping_itself_is_no_answer(void **state OVS_UNUSED)
{
    struct probe_target target = target_of(PROBE_PING, 4);
    struct server s;

    start_probe(&s, &target);
    assert_int_equal(forward(&s, 0), PROBE_IGNORED);
}

/* ICMP errors.  ----------------------------------------------------------- */

/* An error about the frame that was sent last, of which 'offset' (of its IP
 * packet) is changed. */
static enum probe_verdict
icmp_error(struct server *s, const struct probe_frames *sent, uint8_t type,
           uint8_t code, size_t offset)
{
    size_t quoted = MIN(sent->sizes[0] - ETH,
                        (s->family == 6 ? 40u : 20u) + 8);
    uint8_t proto = s->family == 6 ? ICMP6 : ICMP;
    struct frame f;
    uint8_t *icmp = begin_frame(&f, s->family, proto, 8 + quoted, 0);

    icmp[0] = type;
    icmp[1] = code;
    memcpy(icmp + 8, sent->bytes[0] + ETH, quoted);
    if (offset) {
        icmp[8 + offset] ^= 0x80;
    }
    end_frame(&f, icmp, proto, 2);
    return take_frame(s, &f);
}

static void
icmp_errors_are_failures_with_reasons(void **state OVS_UNUSED)
{
    static const struct {
        enum probe_type type;
        int family;
        uint8_t icmp_type, icmp_code;
        const char *reason;     /* NULL: it says nothing. */
    } cases[] = {
        { PROBE_UDP, 4, 3, 3, "no such port" },
        { PROBE_UDP, 6, 1, 4, "no such port" },
        { PROBE_TCP, 4, 3, 1, "host unreachable" },
        { PROBE_TCP, 6, 1, 3, "host unreachable" },
        { PROBE_HTTP, 4, 3, 13, "prohibited" },
        { PROBE_PING, 4, 3, 0, "network unreachable" },
        { PROBE_PING, 6, 1, 0, "no route" },
        { PROBE_UDP, 4, 3, 4, NULL },
        { PROBE_UDP, 4, 3, 200, NULL },
        { PROBE_UDP, 6, 1, 200, NULL },
        { PROBE_UDP, 4, 11, 0, NULL },
        { PROBE_UDP, 6, 2, 0, NULL },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct probe_target target = target_of(cases[i].type,
                                               cases[i].family);
        size_t addresses = cases[i].family == 6 ? 8 : 12;
        size_t l4 = cases[i].family == 6 ? 40 : 20;
        struct probe_frames sent;
        struct server s;

        start_probe(&s, &target);
        sent = s.out;
        if (!cases[i].reason) {
            assert_int_equal(icmp_error(&s, &sent, cases[i].icmp_type,
                                        cases[i].icmp_code, 0),
                             PROBE_IGNORED);
            continue;
        }
        /* About something else: addresses, ports or identifiers. */
        for (size_t j = 0; j < 2; j++) {
            assert_int_equal(icmp_error(&s, &sent, cases[i].icmp_type,
                                        cases[i].icmp_code,
                                        addresses + j * (l4 - addresses)
                                        / 2), PROBE_IGNORED);
            assert_int_equal(icmp_error(&s, &sent, cases[i].icmp_type,
                                        cases[i].icmp_code,
                                        l4 + j * 2
                                        + (target.type == PROBE_PING) * 4),
                             PROBE_IGNORED);
        }
        assert_int_equal(icmp_error(&s, &sent, cases[i].icmp_type,
                                    cases[i].icmp_code, 0), PROBE_FAILURE);
        assert_string_equal(probe_reason(&s.probe), cases[i].reason);
    }
}

/* A connection that stands is not ended by what anybody may have written. */
static void
icmp_errors_do_not_end_a_connection(void **state OVS_UNUSED)
{
    struct probe_target target = target_of(PROBE_HTTP, 4);
    struct probe_frames sent;
    struct server s;

    start_probe(&s, &target);
    sent = s.out;
    segment(&s, SYN | ACK, "");
    assert_int_equal(icmp_error(&s, &sent, 3, 3, 0), PROBE_IGNORED);
}

/* What is wrong.  --------------------------------------------------------- */

static void
wrong_frames_are_ignored(void **state OVS_UNUSED)
{
    for (int family = 4; family <= 6; family += 2) {
        struct probe_target target = target_of(PROBE_TCP, family);
        struct frame right, f;
        struct server s;

        start_probe(&s, &target);
        make_segment(&s, &right, SYN | ACK, "");
        /* Each byte but MACs (whose answer goes by a router has others). */
        for (size_t i = 12; i < right.size; i++) {
            if (family == 6 && i > ETH && i < ETH + 4) {
                continue;       /* Traffic class and flow label... */
            }
            if (family == 6 && i == ETH + 7) {
                continue;       /* ...and hop limit have no checksum. */
            }
            f = right;
            f.bytes[i] ^= 0x40;
            assert_int_equal(take_frame(&s, &f), PROBE_IGNORED);
        }
        f = right;
        f.bytes[0] |= 1;        /* To many. */
        assert_int_equal(take_frame(&s, &f), PROBE_IGNORED);
        for (f = right, f.size = 0; f.size < right.size; f.size++) {
            assert_int_equal(take_frame(&s, &f), PROBE_IGNORED);
        }
        f = right;
        f.size += 6;            /* Ethernet's padding. */
        assert_int_equal(take_frame(&s, &f), PROBE_SUCCESS);
    }
}

static void
ipv4_options_are_skipped_and_fragments_ignored(void **state OVS_UNUSED)
{
    struct probe_target target = target_of(PROBE_TCP, 4);
    struct frame f, g;
    uint8_t *tcp;
    struct server s;

    start_probe(&s, &target);
    make_segment(&s, &f, SYN | ACK, "");
    tcp = begin_frame(&g, 4, TCP, 24, 8);
    memcpy(tcp, f.bytes + f.size - 24, 24);
    f = g;
    set_u16(f.bytes + ETH + 6, 0x2000);
    set_u16(f.bytes + ETH + 10, 0);
    set_u16(f.bytes + ETH + 10, ~fold(sum_of(f.bytes + ETH, 28)));
    assert_int_equal(take_frame(&s, &f), PROBE_IGNORED);
    assert_int_equal(take_frame(&s, &g), PROBE_SUCCESS);
}

static void
tcp_options_that_make_no_sense_are_skipped(void **state OVS_UNUSED)
{
    static const uint8_t options[][4] = {
        { 2, 0, 0, 0 }, { 2, 1, 0, 0 }, { 2, 5, 0, 0 }, { 1, 1, 1, 2 },
        { 0, 2, 4, 0 }, { 2, 3, 0, 2 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        struct probe_target target = target_of(PROBE_HTTP, 4);
        struct server s;
        struct frame f;

        start_probe(&s, &target);
        make_segment(&s, &f, SYN | ACK, "");
        memcpy(f.bytes + f.size - 4, options[i], 4);
        end_frame(&f, f.bytes + f.size - 24, TCP, 16);
        assert_int_equal(take_frame(&s, &f), PROBE_CONTINUES);
        assert_int_equal(s.probe.peer_mss, 536);
    }
}

static void
targets_that_make_no_sense_are_refused(void **state OVS_UNUSED)
{
    static const struct probe_range ranges[PROBE_EXPECT_MAX + 1];
    static const char payload[PROBE_PAYLOAD_MAX + 1];
    char longest[PROBE_TEXT_MAX + 2];
    struct probe_target target;
    struct probe p;

    memset(longest, '/', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    target = target_of(PROBE_TCP, 4);
    target.dst = server6;
    assert_non_null(probe_init(&p, &target));
    target = target_of(PROBE_HTTP, 4);
    target.path = "/ HTTP/1.1";
    assert_non_null(probe_init(&p, &target));
    target.path = "/\r\nX: y";
    assert_non_null(probe_init(&p, &target));
    target.path = "x";
    assert_non_null(probe_init(&p, &target));
    target.path = longest;
    assert_non_null(probe_init(&p, &target));
    target.path = longest + 1;
    assert_null(probe_init(&p, &target));
    target.host = longest;
    assert_non_null(probe_init(&p, &target));
    target.host = "";
    assert_non_null(probe_init(&p, &target));
    target.host = "a\nb";
    assert_non_null(probe_init(&p, &target));
    target.host = longest + 1;
    assert_null(probe_init(&p, &target));
    target.expect = ranges;
    target.n_expect = ARRAY_SIZE(ranges);
    assert_non_null(probe_init(&p, &target));
    target = target_of(PROBE_UDP, 4);
    target.payload = payload;
    target.payload_size = sizeof payload;
    assert_non_null(probe_init(&p, &target));
}

int
main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcp_syn_ack_is_success_and_reset),
        cmocka_unit_test(tcp_reset_is_refused),
        cmocka_unit_test(tcp_silence_is_no_answer),
        cmocka_unit_test(tcp_stale_connection_is_reset_and_asked_again),
        cmocka_unit_test(udp_answer_is_success),
        cmocka_unit_test(udp_silence_is_what_was_awaited),
        cmocka_unit_test(ping_answer_is_success),
        cmocka_unit_test(what_comes_through_is_what_was_sent),
        cmocka_unit_test(a_neighbour_says_that_it_has_its_address),
        cmocka_unit_test(an_announcement_is_no_answer),
        cmocka_unit_test(an_echo_of_the_ping_itself_is_no_answer),
        cmocka_unit_test(icmp_errors_are_failures_with_reasons),
        cmocka_unit_test(icmp_errors_do_not_end_a_connection),
        cmocka_unit_test(wrong_frames_are_ignored),
        cmocka_unit_test(ipv4_options_are_skipped_and_fragments_ignored),
        cmocka_unit_test(tcp_options_that_make_no_sense_are_skipped),
        cmocka_unit_test(targets_that_make_no_sense_are_refused),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
