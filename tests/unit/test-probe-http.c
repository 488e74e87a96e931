/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/probe: HTTP over a TCP of its own. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/probe/probe.h"
#include "tests/unit/probe-fixture.h"
#include "util.h"

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

    start_probe(s, &target);
    assert_int_equal(segment(s, SYN | ACK, ""), PROBE_CONTINUES);
    assert_int_equal(s->out.n, 1);
    s->ack += get_data(s, 0, data);
    assert_int_equal(segment(s, ACK, ""), PROBE_CONTINUES);
    assert_int_equal(s->out.n, 0);
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
        start_probe(&s, &target);
        make_segment(&s, &f, SYN | ACK, "");
        set_u16(f.bytes + f.size - 24, cases[i].port);
        end_frame(&f, f.bytes + f.size - 24, TCP, 16);
        assert_int_equal(take_frame(&s, &f), PROBE_CONTINUES);
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
            enum probe_verdict verdict = PROBE_CONTINUES;
            struct server s;

            start_http(&s, 4);
            if (at_once) {
                verdict = segment(&s, ACK | PSH, cases[i].answer);
            }
            for (const char *c = cases[i].answer;
                 *c && verdict == PROBE_CONTINUES; c++) {
                char one[2] = { *c, '\0' };

                verdict = segment(&s, ACK, one);
                assert_int_equal(s.out.n, 1);
                if (verdict == PROBE_CONTINUES) {
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
        start_probe(&s, &target);
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

    start_probe(&s, &target);
    assert_int_equal(probe_timeout(&s.probe, &s.out), PROBE_FAILURE);
    assert_string_equal(probe_reason(&s.probe), "no answer");

    /* It accepts, and its reset must fit whether it has the request or not. */
    start_probe(&s, &target);
    segment(&s, SYN | ACK, "");
    assert_int_equal(probe_timeout(&s.probe, &s.out), PROBE_FAILURE);
    assert_string_equal(probe_reason(&s.probe),
                        "connected, but no answer to GET");
    assert_int_equal(s.out.n, 2);
    check_segment(&s, 0, RST | ACK, RANDOM + 1 + s.probe.request_size,
                  IRS + 1);
    check_segment(&s, 1, RST | ACK, RANDOM + 1, IRS + 1);

    start_http(&s, 4);
    assert_int_equal(segment(&s, ACK, "HTTP/1.1 100 x\r\n"), PROBE_CONTINUES);
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
    assert_int_equal(segment(&s, ACK, "500 "), PROBE_CONTINUES);
    check_segment(&s, 0, ACK, s.ack, IRS + 1);
    s.seq = IRS + 1;
    assert_int_equal(segment(&s, ACK, "HTTP/1.1"), PROBE_CONTINUES);
    check_segment(&s, 0, ACK, s.ack, IRS + 9);
    s.seq = IRS + 1;
    assert_int_equal(segment(&s, ACK, "HTTP/1.1"), PROBE_CONTINUES);
    check_segment(&s, 0, ACK, s.ack, IRS + 9);
    /* The half that is new counts. */
    s.seq = IRS + 5;
    assert_int_equal(segment(&s, ACK, "xxxx 200 "), PROBE_SUCCESS);

    /* The request once more, when its SYN-ACK comes again or on demand. */
    start_http(&s, 4);
    s.ack = RANDOM + 1;
    s.seq = IRS;
    struct probe_target target = target_of(PROBE_HTTP, 4);
    start_probe(&s, &target);
    segment(&s, SYN | ACK, "");
    get_data(&s, 0, data);
    s.seq = IRS;
    assert_int_equal(segment(&s, SYN | ACK, ""), PROBE_CONTINUES);
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
    start_probe(&s, &target);
    s.window = 50;
    make_segment(&s, &f, SYN | ACK, "");
    f.bytes[f.size - 1] = 40;   /* The low byte of its segment size... */
    f.bytes[f.size - 2] = 0;    /* ...and the high one. */
    end_frame(&f, f.bytes + f.size - 24, TCP, 16);
    assert_int_equal(take_frame(&s, &f), PROBE_CONTINUES);
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
        assert_int_equal(segment(&s, ACK, ""), PROBE_CONTINUES);
    }
    assert_memory_equal(whole, "GET /pppp", 9);
    assert_string_equal(whole + strlen(whole) - 23,
                        "\r\nConnection: close\r\n\r\n");
    assert_int_equal(segment(&s, ACK, "HTTP/1.1 200 "), PROBE_SUCCESS);
}

static void
http_endless_answers_end(void **state OVS_UNUSED)
{
    enum probe_verdict verdict = PROBE_CONTINUES;
    char text[1001];
    size_t n = 0;
    struct server s;

    memset(text, 'x', 1000);
    text[1000] = '\0';
    start_http(&s, 4);
    assert_int_equal(segment(&s, ACK, "HTTP/1.1 100 "), PROBE_CONTINUES);
    while (verdict == PROBE_CONTINUES && n++ < 10) {
        verdict = segment(&s, ACK, text);
    }
    assert_int_equal(verdict, PROBE_FAILURE);
    assert_int_equal(n, 5);
    assert_string_equal(probe_reason(&s.probe), "answer too long");
    assert_int_equal(upper_of(&s.out, 0).bytes[13], RST | ACK);
}

int
main(int argc, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_request_is_one_segment),
        cmocka_unit_test(http_status_decides),
        cmocka_unit_test(http_expected_statuses_are_the_callers),
        cmocka_unit_test(http_ends_are_told_apart),
        cmocka_unit_test(http_timeouts_say_how_far_it_was),
        cmocka_unit_test(http_disorder_and_repetition_are_acknowledged),
        cmocka_unit_test(http_numbers_outside_the_window_are_ignored),
        cmocka_unit_test(http_request_respects_what_the_server_takes),
        cmocka_unit_test(http_endless_answers_end),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
