/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of probes (proto/probe): what they send, and what they make of
 * what a server answers.  The server here is a test that writes each segment.
 * Checksums and lengths of all frames are looked at wherever one is taken. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/probe/probe.h"
#include "util.h"

#define ETH 14
enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
enum { ICMP = 1, TCP = 6, UDP = 17, ICMP6 = 58 };

#define RANDOM 0xfffffff0u      /* Numbers run over soon. */
#define IRS 0xffffff00u         /* The server's. */

static const struct vmn_ip vip4 = { 4, { 10, 0, 0, 100 } };
static const struct vmn_ip server4 = { 4, { 10, 0, 0, 1 } };
static const struct vmn_ip vip6 = { 6, { 0xfd, [15] = 0x64 } };
static const struct vmn_ip server6 = { 6, { 0xfd, [15] = 1 } };
static const struct vmn_mac vip_mac = { { 2, 0, 0, 0, 0, 0x64 } };
static const struct vmn_mac server_mac = { { 2, 0, 0, 0, 0, 1 } };

static struct probe_target
target_of(enum probe_type type, int family)
{
    return (struct probe_target) {
        .type = type,
        .src_mac = vip_mac, .dst_mac = server_mac,
        .src = family == 6 ? vip6 : vip4,
        .dst = family == 6 ? server6 : server4,
        .src_port = 600, .dst_port = 8080, .random = RANDOM,
        .answer = true,
    };
}

/* Numbers and checksums, independent of the code's.  ---------------------- */

static unsigned
u16_at(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

static uint32_t
u32_at(const uint8_t *p)
{
    return (uint32_t) u16_at(p) << 16 | u16_at(p + 2);
}

static void
set_u16(uint8_t *p, unsigned value)
{
    p[0] = value >> 8;
    p[1] = value;
}

static void
set_u32(uint8_t *p, uint32_t value)
{
    set_u16(p, value >> 16);
    set_u16(p + 2, value & 0xffff);
}

static uint32_t
sum_of(const uint8_t *p, size_t size)
{
    uint32_t total = 0;

    for (size_t i = 0; i < size; i++) {
        total += i % 2 ? p[i] : (uint32_t) p[i] << 8;
    }
    return total;
}

static unsigned
fold(uint32_t total)
{
    while (total >> 16) {
        total = (total & 0xffff) + (total >> 16);
    }
    return total;
}

/* Frames.  ---------------------------------------------------------------- */

struct frame {
    uint8_t bytes[2048];
    size_t size;
};

/* Of a frame: the upper layer. */
struct upper {
    uint8_t proto;
    const uint8_t *bytes;
    size_t size;
};

static uint32_t
pseudo(const uint8_t *ip, uint8_t proto, size_t size)
{
    bool v6 = ip[0] >> 4 == 6;

    if (proto == ICMP) {
        return 0;
    }
    return sum_of(ip + (v6 ? 8 : 12), v6 ? 32 : 8) + proto + size;
}

/* Takes apart what a probe sends: all of it has to be right. */
static struct upper
upper_of(const struct probe_frames *frames, size_t i)
{
    const uint8_t *frame = frames->bytes[i];
    const uint8_t *ip = frame + ETH;
    size_t size = frames->sizes[i] - ETH;
    struct upper u;

    assert_true(i < frames->n);
    assert_memory_equal(frame, &server_mac, 6);
    assert_memory_equal(frame + 6, &vip_mac, 6);
    if (u16_at(frame + 12) == 0x86dd) {
        assert_int_equal(ip[0], 0x60);
        assert_int_equal(u16_at(ip + 4), size - 40);
        assert_memory_equal(ip + 8, vip6.addr, 16);
        assert_memory_equal(ip + 24, server6.addr, 16);
        u = (struct upper) { ip[6], ip + 40, size - 40 };
    } else {
        assert_int_equal(u16_at(frame + 12), 0x0800);
        assert_int_equal(ip[0], 0x45);
        assert_int_equal(u16_at(ip + 2), size);
        assert_memory_equal(ip + 12, vip4.addr, 4);
        assert_memory_equal(ip + 16, server4.addr, 4);
        assert_int_equal(fold(sum_of(ip, 20)), 0xffff);
        u = (struct upper) { ip[9], ip + 20, size - 20 };
    }
    assert_int_equal(fold(sum_of(u.bytes, u.size)
                          + pseudo(ip, u.proto, u.size)), 0xffff);
    return u;
}

/* Begins what the server sends, 'options' bytes of IPv4 options in it. */
static uint8_t *
begin_frame(struct frame *f, int family, uint8_t proto, size_t size,
            size_t options)
{
    uint8_t *ip = f->bytes + ETH;
    size_t header = family == 6 ? 40 : 20 + options;

    memset(f, 0, sizeof *f);
    f->size = ETH + header + size;
    memcpy(f->bytes, &vip_mac, 6);
    memcpy(f->bytes + 6, &server_mac, 6);
    set_u16(f->bytes + 12, family == 6 ? 0x86dd : 0x0800);
    if (family == 6) {
        ip[0] = 0x60;
        set_u16(ip + 4, size);
        ip[6] = proto;
        ip[7] = 64;
        memcpy(ip + 8, server6.addr, 16);
        memcpy(ip + 24, vip6.addr, 16);
    } else {
        ip[0] = 0x40 | header / 4;
        set_u16(ip + 2, header + size);
        ip[8] = 64;
        ip[9] = proto;
        memcpy(ip + 12, server4.addr, 4);
        memcpy(ip + 16, vip4.addr, 4);
        memset(ip + 20, 1, options);
        set_u16(ip + 10, ~fold(sum_of(ip, header)));
    }
    return ip + header;
}

static void
end_frame(struct frame *f, uint8_t *l4, uint8_t proto, size_t offset)
{
    size_t size = f->bytes + f->size - l4;

    set_u16(l4 + offset, 0);
    set_u16(l4 + offset, ~fold(sum_of(l4, size)
                               + pseudo(f->bytes + ETH, proto, size)));
}

/* A connection with a probe at its other end.  ---------------------------- */

struct server {
    struct probe probe;
    struct probe_frames out;    /* What the probe sent last. */
    int family;
    uint32_t seq, ack;          /* The server's. */
    unsigned window;
};

static void
start(struct server *s, const struct probe_target *target)
{
    memset(s, 0, sizeof *s);
    s->family = target->dst.family;
    s->seq = IRS;
    s->ack = RANDOM + 1;
    s->window = 65535;
    assert_null(probe_init(&s->probe, target));
    probe_begin(&s->probe, &s->out);
    assert_int_equal(s->out.n, 1);
}

static enum probe_verdict
receive(struct server *s, const struct frame *f)
{
    /* A copy that ends where the frame does, for sanitizers. */
    uint8_t *copy = malloc(f->size + 1);
    enum probe_verdict verdict;
    struct vmn_ip server;
    bool is_known;
    uint16_t id;

    memcpy(copy, f->bytes, f->size);
    is_known = probe_address(copy, f->size, &server, &id);
    verdict = probe_receive(&s->probe, copy, f->size, &s->out);
    free(copy);
    if (verdict != PROBE_IGNORED) {
        assert_true(is_known);
        assert_int_equal(id, 600);
        assert_memory_equal(&server, &s->probe.dst, sizeof server);
    }
    assert_int_equal(verdict == PROBE_FAILURE,
                     *probe_reason(&s->probe) != '\0');
    return verdict;
}

static void
make_segment(struct server *s, struct frame *f, uint8_t flags,
             const char *data)
{
    size_t header = flags & SYN ? 24 : 20;
    uint8_t *tcp = begin_frame(f, s->family, TCP, header + strlen(data), 0);

    set_u16(tcp, 8080);
    set_u16(tcp + 2, 600);
    set_u32(tcp + 4, s->seq);
    set_u32(tcp + 8, flags & ACK ? s->ack : 0);
    tcp[12] = header / 4 << 4;
    tcp[13] = flags;
    set_u16(tcp + 14, s->window);
    if (flags & SYN) {
        set_u32(tcp + 20, 0x02040000 | 1400);
    }
    memcpy(tcp + header, data, strlen(data));
    end_frame(f, tcp, TCP, 16);
}

/* The server sends a segment. */
static enum probe_verdict
segment(struct server *s, uint8_t flags, const char *data)
{
    struct frame f;

    make_segment(s, &f, flags, data);
    s->seq += strlen(data) + !!(flags & SYN) + !!(flags & FIN);
    return receive(s, &f);
}

/* Frame 'i' of what the probe sent has these flags and numbers, and no
 * data. */
static void
check_segment(const struct server *s, size_t i, uint8_t flags, uint32_t seq,
              uint32_t ack)
{
    struct upper u = upper_of(&s->out, i);

    assert_int_equal(u.proto, TCP);
    assert_int_equal(u16_at(u.bytes), 600);
    assert_int_equal(u16_at(u.bytes + 2), 8080);
    assert_int_equal(u.bytes[13], flags);
    assert_int_equal(u32_at(u.bytes + 4), seq);
    assert_int_equal(u32_at(u.bytes + 8), ack);
    assert_int_equal(u.size, flags & SYN ? 24 : 20);
}

/* The data of the only frame. */
static size_t
get_data(const struct server *s, size_t i, char *data)
{
    struct upper u = upper_of(&s->out, i);
    size_t header = (u.bytes[12] >> 4) * 4;

    assert_int_equal(u.proto, TCP);
    memcpy(data, u.bytes + header, u.size - header);
    data[u.size - header] = '\0';
    return u.size - header;
}

/* Gets an HTTP probe to where its request has been taken. */
static void
start_http(struct server *s, int family)
{
    struct probe_target target = target_of(PROBE_HTTP, family);
    char data[1024];

    start(s, &target);
    assert_int_equal(segment(s, SYN | ACK, ""), PROBE_GOES_ON);
    assert_int_equal(s->out.n, 1);
    s->ack += get_data(s, 0, data);
    assert_int_equal(segment(s, ACK, ""), PROBE_GOES_ON);
    assert_int_equal(s->out.n, 0);
}

/* TCP.  ------------------------------------------------------------------- */

static void
tcp_syn_ack_is_success_and_reset(void **state OVS_UNUSED)
{
    for (int family = 4; family <= 6; family += 2) {
        struct probe_target target = target_of(PROBE_TCP, family);
        struct server s;

        start(&s, &target);
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

    start(&s, &target);
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

    start(&s, &target);
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

    start(&s, &target);
    s.ack = 12345;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(segment(&s, ACK, ""), PROBE_GOES_ON);
        assert_int_equal(s.out.n, 2);
        check_segment(&s, 0, RST, 12345, 0);
        check_segment(&s, 1, SYN, RANDOM, 0);
    }
    /* Not for ever. */
    assert_int_equal(segment(&s, ACK, ""), PROBE_IGNORED);
    s.ack = RANDOM + 1;
    assert_int_equal(segment(&s, SYN | ACK, ""), PROBE_SUCCESS);
}

/* HTTP.  ------------------------------------------------------------------ */

static void
http_request_is_one_segment(void **state OVS_UNUSED)
{
    static const struct {
        int family;
        uint16_t port;
        const char *path, *host, *request;
    } cases[] = {
        { 4, 8080, NULL, NULL, "GET / HTTP/1.1\r\nHost: 10.0.0.1:8080\r\n" },
        { 4, 80, "/x?y", NULL, "GET /x?y HTTP/1.1\r\nHost: 10.0.0.1\r\n" },
        { 6, 8080, NULL, NULL, "GET / HTTP/1.1\r\nHost: [fd00::1]:8080\r\n" },
        { 6, 80, "/", "a.b", "GET / HTTP/1.1\r\nHost: a.b\r\n" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct probe_target target = target_of(PROBE_HTTP, cases[i].family);
        char data[1024], *whole;
        struct upper u;
        struct server s;
        struct frame f;

        target.dst_port = cases[i].port;
        target.path = cases[i].path;
        target.host = cases[i].host;
        start(&s, &target);
        make_segment(&s, &f, SYN | ACK, "");
        set_u16(f.bytes + f.size - 24, cases[i].port);
        end_frame(&f, f.bytes + f.size - 24, TCP, 16);
        assert_int_equal(receive(&s, &f), PROBE_GOES_ON);
        assert_int_equal(s.out.n, 1);
        u = upper_of(&s.out, 0);
        assert_int_equal(u.bytes[13], ACK | PSH);
        assert_int_equal(u32_at(u.bytes + 4), RANDOM + 1);
        assert_int_equal(u32_at(u.bytes + 8), IRS + 1);
        assert_true(u16_at(u.bytes + 14) <= 2048);
        get_data(&s, 0, data);
        whole = xasprintf("%sUser-Agent: vmn-health\r\nAccept: */*\r\n"
                          "Connection: close\r\n\r\n", cases[i].request);
        assert_string_equal(data, whole);
        free(whole);
    }
}

static void
http_status_decides(void **state OVS_UNUSED)
{
    static const struct {
        const char *answer, *reason; /* NULL: success. */
    } cases[] = {
        { "HTTP/1.1 200 OK\r\n", NULL },
        { "HTTP/1.0 204\r\n", NULL },
        { "HTTP/1.1 399\n", NULL },
        { "HTTP/1.1 400 Bad", "status 400" },
        { "HTTP/1.1 500 Internal Server Error\r\n\r\nx", "status 500" },
        { "HTTP/1.1 101 Switching\r\n", "status 101" },
        { "HTTP/1.1 099 ", "not HTTP" },
        { "HTTP/1.1 2000 ", "not HTTP" },
        { "HTTP/1.1 2x", "not HTTP" },
        { "HTTP/2 200 OK", "not HTTP" },
        { "SSH-2.0-x\r\n", "not HTTP" },
        { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ", NULL },
        { "HTTP/1.1 103 Early\r\nLink: a\r\nB: c\r\n\r\nHTTP/1.1 503 ",
          "status 503" },
        { "HTTP/1.1 100\n\nHTTP/1.1 204 ", NULL },
        { "HTTP/1.1 100 x\r\n\r\n200", "not HTTP" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (int at_once = 0; at_once < 2; at_once++) {
            enum probe_verdict verdict = PROBE_GOES_ON;
            struct server s;

            start_http(&s, 4);
            if (at_once) {
                verdict = segment(&s, ACK | PSH, cases[i].answer);
            }
            for (const char *c = cases[i].answer;
                 *c && verdict == PROBE_GOES_ON; c++) {
                char one[2] = { *c, '\0' };

                verdict = segment(&s, ACK, one);
                assert_int_equal(s.out.n, 1);
                if (verdict == PROBE_GOES_ON) {
                    check_segment(&s, 0, ACK, s.ack, s.seq);
                }
            }
            assert_int_equal(verdict, cases[i].reason ? PROBE_FAILURE
                             : PROBE_SUCCESS);
            assert_string_equal(probe_reason(&s.probe),
                                cases[i].reason ? cases[i].reason : "");
            assert_int_equal(s.out.n, 1);
            check_segment(&s, 0, RST | ACK, s.ack, s.seq);
        }
    }
}

static void
http_expected_statuses_are_the_callers(void **state OVS_UNUSED)
{
    static const struct probe_range expect[] = { { 401, 401 }, { 500, 599 } };
    static const struct {
        const char *answer;
        enum probe_verdict verdict;
    } cases[] = {
        { "HTTP/1.1 401 x", PROBE_SUCCESS },
        { "HTTP/1.1 500 x", PROBE_SUCCESS },
        { "HTTP/1.1 599 x", PROBE_SUCCESS },
        { "HTTP/1.1 200 x", PROBE_FAILURE },
        { "HTTP/1.1 402 x", PROBE_FAILURE },
        { "HTTP/1.1 600 x", PROBE_FAILURE },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct probe_target target = target_of(PROBE_HTTP, 4);
        struct server s;

        target.n_expect = ARRAY_SIZE(expect);
        target.expect = expect;
        start(&s, &target);
        segment(&s, SYN | ACK, "");
        assert_int_equal(segment(&s, ACK, cases[i].answer),
                         cases[i].verdict);
    }
}

static void
http_ends_are_told_apart(void **state OVS_UNUSED)
{
    struct server s;

    start_http(&s, 6);
    assert_int_equal(segment(&s, FIN | ACK, ""), PROBE_FAILURE);
    assert_string_equal(probe_reason(&s.probe), "closed early");
    check_segment(&s, 0, RST | ACK, s.ack, s.seq);

    start_http(&s, 4);
    assert_int_equal(segment(&s, FIN | ACK, "HTTP/1.1 20"), PROBE_FAILURE);
    assert_string_equal(probe_reason(&s.probe), "closed early");

    /* One that answers and closes is well. */
    start_http(&s, 4);
    assert_int_equal(segment(&s, FIN | ACK, "HTTP/1.1 200 OK\r\n\r\n"),
                     PROBE_SUCCESS);

    start_http(&s, 4);
    s.seq += 5;
    assert_int_equal(segment(&s, RST | ACK, ""), PROBE_IGNORED);
    s.seq -= 5;
    assert_int_equal(segment(&s, RST | ACK, ""), PROBE_FAILURE);
    assert_string_equal(probe_reason(&s.probe), "connection reset");
    assert_int_equal(s.out.n, 0);
}

static void
http_timeouts_say_how_far_it_was(void **state OVS_UNUSED)
{
    struct probe_target target = target_of(PROBE_HTTP, 4);
    struct server s;

    start(&s, &target);
    assert_int_equal(probe_timeout(&s.probe, &s.out), PROBE_FAILURE);
    assert_string_equal(probe_reason(&s.probe), "no answer");

    /* It accepts, and its reset must fit whether it has the request or not. */
    start(&s, &target);
    segment(&s, SYN | ACK, "");
    assert_int_equal(probe_timeout(&s.probe, &s.out), PROBE_FAILURE);
    assert_string_equal(probe_reason(&s.probe),
                        "connected, but no answer to GET");
    assert_int_equal(s.out.n, 2);
    check_segment(&s, 0, RST | ACK, RANDOM + 1 + s.probe.request_size,
                  IRS + 1);
    check_segment(&s, 1, RST | ACK, RANDOM + 1, IRS + 1);

    start_http(&s, 4);
    assert_int_equal(segment(&s, ACK, "HTTP/1.1 100 x\r\n"), PROBE_GOES_ON);
    assert_int_equal(probe_timeout(&s.probe, &s.out), PROBE_FAILURE);
    assert_string_equal(probe_reason(&s.probe), "answer not complete");
    assert_int_equal(s.out.n, 1);
    check_segment(&s, 0, RST | ACK, s.ack, s.seq);
}

static void
http_disorder_and_repetition_are_acknowledged(void **state OVS_UNUSED)
{
    char data[1024], again[1024];
    struct server s;

    /* What it has is acknowledged, not what is ahead of it. */
    start_http(&s, 4);
    s.seq += 8;
    assert_int_equal(segment(&s, ACK, "500 "), PROBE_GOES_ON);
    check_segment(&s, 0, ACK, s.ack, IRS + 1);
    s.seq = IRS + 1;
    assert_int_equal(segment(&s, ACK, "HTTP/1.1"), PROBE_GOES_ON);
    check_segment(&s, 0, ACK, s.ack, IRS + 9);
    s.seq = IRS + 1;
    assert_int_equal(segment(&s, ACK, "HTTP/1.1"), PROBE_GOES_ON);
    check_segment(&s, 0, ACK, s.ack, IRS + 9);
    /* The half that is new counts. */
    s.seq = IRS + 5;
    assert_int_equal(segment(&s, ACK, "xxxx 200 "), PROBE_SUCCESS);

    /* The request once more, when its SYN-ACK comes again or on demand. */
    start_http(&s, 4);
    s.ack = RANDOM + 1;
    s.seq = IRS;
    struct probe_target target = target_of(PROBE_HTTP, 4);
    start(&s, &target);
    segment(&s, SYN | ACK, "");
    get_data(&s, 0, data);
    s.seq = IRS;
    assert_int_equal(segment(&s, SYN | ACK, ""), PROBE_GOES_ON);
    get_data(&s, 0, again);
    assert_string_equal(data, again);
    probe_retransmit(&s.probe, &s.out);
    assert_int_equal(s.out.n, 1);
    get_data(&s, 0, again);
    assert_string_equal(data, again);

    /* Once it is acknowledged, an acknowledgement is all that there is. */
    s.ack += strlen(data);
    segment(&s, ACK, "");
    probe_retransmit(&s.probe, &s.out);
    check_segment(&s, 0, ACK, s.ack, s.seq);
}

static void
http_numbers_outside_the_window_are_ignored(void **state OVS_UNUSED)
{
    struct server s;

    start_http(&s, 4);
    s.seq += 2048;
    assert_int_equal(segment(&s, ACK, "HTTP/1.1 200 "), PROBE_IGNORED);
    s.seq = IRS + 1 - 70000;
    assert_int_equal(segment(&s, ACK, "HTTP/1.1 200 "), PROBE_IGNORED);
    s.seq = IRS + 1;
    s.ack++;                    /* What was not sent. */
    assert_int_equal(segment(&s, ACK, "HTTP/1.1 200 "), PROBE_IGNORED);
    s.seq = IRS + 1;
    s.ack = RANDOM;
    assert_int_equal(segment(&s, ACK, "HTTP/1.1 200 "), PROBE_IGNORED);
    s.seq = IRS + 1;
    assert_int_equal(segment(&s, PSH, "HTTP/1.1 200 "), PROBE_IGNORED);
    s.seq = IRS + 1;
    s.ack = RANDOM + 1;         /* An old one is none, but data count. */
    assert_int_equal(segment(&s, ACK, "HTTP/1.1 200 "), PROBE_SUCCESS);
}

/* A server with small segments and a small window. */
static void
http_request_respects_what_the_server_takes(void **state OVS_UNUSED)
{
    char path[256], whole[1024] = "", data[1024];
    struct probe_target target = target_of(PROBE_HTTP, 4);
    struct server s;
    struct frame f;

    memset(path, 'p', sizeof path - 1);
    path[0] = '/';
    path[255] = '\0';
    target.path = path;
    start(&s, &target);
    s.window = 50;
    make_segment(&s, &f, SYN | ACK, "");
    f.bytes[f.size - 1] = 40;   /* The low byte of its segment size... */
    f.bytes[f.size - 2] = 0;    /* ...and the high one. */
    end_frame(&f, f.bytes + f.size - 24, TCP, 16);
    assert_int_equal(receive(&s, &f), PROBE_GOES_ON);
    s.seq++;
    while (s.out.n) {
        size_t n = 0;

        for (size_t i = 0; i < s.out.n; i++) {
            size_t size = get_data(&s, i, data);

            assert_true(size > 0 && size <= 40);
            n += size;
            strcat(whole, data);
        }
        assert_true(n <= s.window);
        s.ack += n;
        /* More than PROBE_FRAMES_MAX segments fit. */
        s.window = 1000;
        assert_int_equal(segment(&s, ACK, ""), PROBE_GOES_ON);
    }
    assert_memory_equal(whole, "GET /pppp", 9);
    assert_string_equal(whole + strlen(whole) - 23,
                        "\r\nConnection: close\r\n\r\n");
    assert_int_equal(segment(&s, ACK, "HTTP/1.1 200 "), PROBE_SUCCESS);
}

static void
http_endless_answers_end(void **state OVS_UNUSED)
{
    enum probe_verdict verdict = PROBE_GOES_ON;
    char text[1001];
    size_t n = 0;
    struct server s;

    memset(text, 'x', 1000);
    text[1000] = '\0';
    start_http(&s, 4);
    assert_int_equal(segment(&s, ACK, "HTTP/1.1 100 "), PROBE_GOES_ON);
    while (verdict == PROBE_GOES_ON && n++ < 10) {
        verdict = segment(&s, ACK, text);
    }
    assert_int_equal(verdict, PROBE_FAILURE);
    assert_int_equal(n, 5);
    assert_string_equal(probe_reason(&s.probe), "answer too long");
    assert_int_equal(upper_of(&s.out, 0).bytes[13], RST | ACK);
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
        start(&s, &target);
        u = upper_of(&s.out, 0);
        assert_int_equal(u.proto, UDP);
        assert_int_equal(u16_at(u.bytes), 600);
        assert_int_equal(u16_at(u.bytes + 2), 8080);
        assert_int_equal(u.size, 12);
        assert_memory_equal(u.bytes + 8, "ping", 4);
        f = datagram(family, 8081, 600);
        assert_int_equal(receive(&s, &f), PROBE_IGNORED);
        f = datagram(family, 8080, 601);
        assert_int_equal(receive(&s, &f), PROBE_IGNORED);
        f = datagram(family, 8080, 600);
        assert_int_equal(receive(&s, &f), PROBE_SUCCESS);
    }
}

static void
udp_silence_is_what_was_awaited(void **state OVS_UNUSED)
{
    struct probe_target target = target_of(PROBE_UDP, 4);
    struct server s;

    start(&s, &target);
    probe_retransmit(&s.probe, &s.out);
    assert_int_equal(s.out.n, 1);
    assert_int_equal(probe_timeout(&s.probe, &s.out), PROBE_FAILURE);
    assert_string_equal(probe_reason(&s.probe), "no answer");

    target.answer = false;
    start(&s, &target);
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

        start(&s, &target);
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
    return receive(s, &f);
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

        start(&s, &target);
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

    start(&s, &target);
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

        start(&s, &target);
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
            assert_int_equal(receive(&s, &f), PROBE_IGNORED);
        }
        f = right;
        f.bytes[0] |= 1;        /* To many. */
        assert_int_equal(receive(&s, &f), PROBE_IGNORED);
        for (f = right, f.size = 0; f.size < right.size; f.size++) {
            assert_int_equal(receive(&s, &f), PROBE_IGNORED);
        }
        f = right;
        f.size += 6;            /* Ethernet's padding. */
        assert_int_equal(receive(&s, &f), PROBE_SUCCESS);
    }
}

static void
ipv4_options_are_skipped_and_fragments_ignored(void **state OVS_UNUSED)
{
    struct probe_target target = target_of(PROBE_TCP, 4);
    struct frame f, g;
    uint8_t *tcp;
    struct server s;

    start(&s, &target);
    make_segment(&s, &f, SYN | ACK, "");
    tcp = begin_frame(&g, 4, TCP, 24, 8);
    memcpy(tcp, f.bytes + f.size - 24, 24);
    f = g;
    set_u16(f.bytes + ETH + 6, 0x2000);
    set_u16(f.bytes + ETH + 10, 0);
    set_u16(f.bytes + ETH + 10, ~fold(sum_of(f.bytes + ETH, 28)));
    assert_int_equal(receive(&s, &f), PROBE_IGNORED);
    assert_int_equal(receive(&s, &g), PROBE_SUCCESS);
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

        start(&s, &target);
        make_segment(&s, &f, SYN | ACK, "");
        memcpy(f.bytes + f.size - 4, options[i], 4);
        end_frame(&f, f.bytes + f.size - 24, TCP, 16);
        assert_int_equal(receive(&s, &f), PROBE_GOES_ON);
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
        cmocka_unit_test(http_request_is_one_segment),
        cmocka_unit_test(http_status_decides),
        cmocka_unit_test(http_expected_statuses_are_the_callers),
        cmocka_unit_test(http_ends_are_told_apart),
        cmocka_unit_test(http_timeouts_say_how_far_it_was),
        cmocka_unit_test(http_disorder_and_repetition_are_acknowledged),
        cmocka_unit_test(http_numbers_outside_the_window_are_ignored),
        cmocka_unit_test(http_request_respects_what_the_server_takes),
        cmocka_unit_test(http_endless_answers_end),
        cmocka_unit_test(udp_answer_is_success),
        cmocka_unit_test(udp_silence_is_what_was_awaited),
        cmocka_unit_test(ping_answer_is_success),
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
