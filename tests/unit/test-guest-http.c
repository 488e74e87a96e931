/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of proto/guest: HTTP over frames of guests.  Not for what would
 * break TCP (test-guest-attacks.c), nor for what apps answer
 * (apps/metadata/metadata-test.yaml). */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "proto/guest/guest-frame.h"
#include "proto/guest/guest-http.h"
#include "proto/guest/guest-request.h"
#include "proto/guest/guest-segment.h"
#include "tests/unit/guest-client.h"
#include "util.h"
#include "vmn/requests.h"

/* Whole exchanges.  ------------------------------------------------------- */

static void
check_exchange(struct world *w, bool v6)
{
    struct client *c = make_client(w, "web-1", 3, v6);

    open_conn(c, 1460);
    guest_ask(c, "GET /who" LAST);
    wait_closed(c);
    assert_non_null(strstr(c->got, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(c->got, "Content-Length: 10\r\n"));
    assert_non_null(strstr(c->got, "\r\n\r\nweb-1 /who"));
    assert_false(c->reset);
    end(c);
    assert_int_equal(n_connections(w), 0);
}

static void
exchange_over_ipv4(void **state)
{
    check_exchange(*state, false);
}

static void
exchange_over_ipv6(void **state)
{
    check_exchange(*state, true);
}

static void
several_requests_on_a_connection(void **state)
{
    struct client *c = make_client(*state, "web-1", 3, false);

    open_conn(c, 1460);
    guest_ask(c, "GET /a" NEXT "GET /b" NEXT "GET /c");
    assert_non_null(strstr(c->got, "web-1 /a"));
    assert_non_null(strstr(c->got, "web-1 /b"));
    assert_null(strstr(c->got, "/c"));
    guest_ask(c, NEXT);
    assert_non_null(strstr(c->got, "web-1 /c"));
    assert_false(c->closed);
    end(c);
}

static void
answer_that_comes_later(void **state)
{
    struct world *w = *state;
    struct client *c = make_client(w, "web-1", 3, false);

    w->later = true;
    open_conn(c, 1460);
    guest_ask(c, "GET /a" LAST);
    assert_int_equal(c->got_size, 0);
    wait_closed(c);
    assert_non_null(strstr(c->got, "web-1 /a"));
    end(c);
}

/* Two guests with one address and one TCP port. */
static void
guests_are_told_apart_by_their_ports(void **state)
{
    struct world *w = *state;
    struct client *a = make_client(w, "web-1", 3, false);
    struct client *b = make_client(w, "web-2", 4, false);

    assert_null(send_segment(a, SYN, "", 0, 1460));
    a->seq++;
    take(a);
    assert_null(send_segment(b, SYN, "", 0, 1460));
    b->seq++;
    b->read = 0;
    take(b);
    send_segment(a, ACK, "", 0, 0);
    send_segment(b, ACK, "", 0, 0);
    b->read = w->n_sent = a->read = 0;
    guest_ask(a, "GET /x" NEXT);
    b->read = w->n_sent = 0;
    guest_ask(b, "GET /x" NEXT);
    assert_non_null(strstr(a->got, "web-1 /x"));
    assert_null(strstr(a->got, "web-2"));
    assert_non_null(strstr(b->got, "web-2 /x"));
    end(a);
    end(b);
}

/* The OpenFlow port is another's in the middle of a connection. */
static void
what_is_anothers_is_not_sent(void **state)
{
    struct world *w = *state;
    struct client *c = make_client(w, "web-1", 3, false);

    open_conn(c, 1460);
    send_segment(c, ACK, "GET /big" LAST, strlen("GET /big" LAST), 0);
    assert_true(w->n_sent > 0);
    w->n_sent = 0;
    c->peer.port = "web-2";
    assert_string_equal(send_segment(c, ACK, "", 0, 0), "no connection");
    for (size_t i = 0; i < w->n_sent; i++) {
        assert_true(w->sent[i].segment[13] & RST);
        assert_int_equal(w->sent[i].size, 20);
    }
    assert_int_equal(n_connections(w), 0);
    free(c);
}

static void
hop_limit_is_that_of_the_reply(void **state)
{
    struct world *w = *state;
    struct client *c = make_client(w, "web-1", 3, false);

    open_conn(c, 1460);
    w->n_sent = c->read = 0;
    send_segment(c, ACK, "GET /near" NEXT, strlen("GET /near" NEXT), 0);
    assert_int_equal(w->sent[w->n_sent - 1].ttl, 1);
    free(c);
}

/* Much, and trouble.  ----------------------------------------------------- */

static void
check_big(struct world *w, uint16_t mss, unsigned lose_every)
{
    struct client *c = make_client(w, "web-1", 3, false);
    const char *body;

    open_conn(c, mss);
    c->lose_every = lose_every;
    guest_ask(c, "GET /big" LAST);
    wait_closed(c);
    body = strstr(c->got, "\r\n\r\n");
    assert_non_null(body);
    assert_int_equal(c->got + c->got_size - (body + 4), BIG_SIZE);
    assert_memory_equal(body + 4, w->big, BIG_SIZE);
    end(c);
}

static void
big_reply(void **state)
{
    check_big(*state, 1460, 0);
}

static void
big_reply_in_small_segments(void **state)
{
    check_big(*state, 300, 0);
}

static void
big_reply_with_losses(void **state)
{
    check_big(*state, 1460, 5);
}

/* One that would be tens of thousands of segments. */
static void
smallest_segments_are_bounded(void **state)
{
    struct world *w = *state;
    struct client *c = make_client(w, "web-1", 3, false);

    open_conn(c, 1);
    w->n_sent = c->read = 0;
    send_segment(c, ACK, "GET /big" LAST, strlen("GET /big" LAST), 0);
    assert_true(w->n_sent > 0);
    assert_true(w->sent[0].size >= 20 + GUEST_MSS_MIN);
    free(c);
}

static void
connections_of_a_port_are_bounded(void **state)
{
    struct world *w = *state;
    struct client *other = make_client(w, "web-2", 4, false);
    struct client *c;

    for (unsigned i = 0; i <= VMN_HTTP_CONNECTIONS_MAX; i++) {
        const char *why;

        c = make_client(w, "web-1", 3, false);
        c->ends.src_port = 1000 + i;
        why = send_segment(c, SYN, "", 0, 1460);
        if (i < VMN_HTTP_CONNECTIONS_MAX) {
            assert_null(why);
        } else {
            assert_string_equal(why, "too many connections");
        }
        free(c);
    }
    assert_int_equal(n_connections(w), VMN_HTTP_CONNECTIONS_MAX);
    other->read = w->n_sent = 0;
    open_conn(other, 1460);
    end(other);
}

static void
all_connections_are_bounded(void **state)
{
    struct world *w = *state;

    for (uint32_t i = 0; i < 1100; i++) {
        struct client *c = make_client(w, "web-1", 3 + i / 20, false);

        c->ends.src_port = 1000 + i;
        assert_null(send_segment(c, SYN, "", 0, 1460));
        w->n_sent = 0;
        free(c);
    }
    assert_int_equal(n_connections(w), 1024);
}

static void
requests_of_a_port_are_bounded(void **state)
{
    struct world *w = *state;
    struct client *c = make_client(w, "web-1", 3, false);
    struct guest_http_stats stats;

    open_conn(c, 1460);
    for (int i = 0; i < 3 * VMN_HTTP_RATE && !c->closed; i++) {
        guest_ask(c, "GET /a" NEXT);
    }
    assert_true(c->closed);
    assert_non_null(strstr(c->got, "429 Too Many Requests"));
    guest_http_get_stats(w->http, &stats);
    assert_int_equal(stats.n_limited, 1);
    end(c);
}

static void
rubbish_is_refused(void **state)
{
    static const struct {
        const char *request;
        const char *status;
    } cases[] = {
        { "rubbish\r\n\r\n", "400" },
        { "GET / HTTP/1.1\r\n\r\n", "400" },
        { "GET / HTTP/2.0\r\n\r\n", "505" },
        { "BREW / HTTP/1.1\r\nHost: x\r\n\r\n", "501" },
        { "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n",
          "413" },
        { "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
          "411" },
        { "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
          "Content-Length: 2\r\n\r\n", "400" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct client *c = make_client(*state, "web-1", 3, false);

        c->ends.src_port += i;
        open_conn(c, 1460);
        guest_ask(c, cases[i].request);
        wait_closed(c);
        assert_memory_equal(c->got + 9, cases[i].status, 3);
        end(c);
    }
}

static void
heads_are_bounded(void **state)
{
    struct client *c = make_client(*state, "web-1", 3, false);
    char text[1201];

    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    open_conn(c, 1460);
    for (int i = 0; i < 5 && !c->closed; i++) {
        guest_ask(c, text);
    }
    wait_closed(c);
    assert_memory_equal(c->got + 9, "431", 3);
    end(c);
}

static void
what_is_of_no_connection_is_reset(void **state)
{
    struct world *w = *state;
    struct client *c = make_client(w, "web-1", 3, false);

    c->ack = 77;
    assert_string_equal(send_segment(c, ACK, "x", 1, 0), "no connection");
    take(c);
    assert_true(c->reset);
    assert_string_equal(send_segment(c, RST, "", 0, 0), "reset");
    assert_int_equal(w->n_sent, 0);
    assert_int_equal(n_connections(w), 0);
    free(c);
}

/* Cut, or with any byte changed, a frame is none or does no harm. */
static void
frames_that_are_none(void **state)
{
    struct world *w = *state;
    struct client *c = make_client(w, "web-1", 3, false);
    const struct guest_ends reversed = {
        .eth_src = c->ends.eth_dst, .eth_dst = c->ends.eth_src,
        .ip_src = c->ends.ip_dst, .ip_dst = c->ends.ip_src,
        .src_port = 80, .dst_port = 40000,
    };
    uint8_t tcp[24] = { [12] = 6 << 4, [13] = SYN, [20] = 2, 4, 5, 180 };
    uint8_t frame[100], *copy;
    size_t size = guest_frame_build(&reversed, 64, tcp, sizeof tcp, frame);

    for (size_t n = 0; n < size; n++) {
        copy = xmemdup(frame, MAX(n, 1));
        assert_non_null(guest_http_receive(w->http, &c->peer, copy, n));
        free(copy);
    }
    for (size_t i = 12; i < size; i++) {
        copy = xmemdup(frame, size);
        copy[i] ^= 1;
        assert_non_null(guest_http_receive(w->http, &c->peer, copy, size));
        free(copy);
    }
    assert_int_equal(n_connections(w), 0);
    free(c);
}

/* Requests as apps see them.  --------------------------------------------- */

static void
request_is_taken_apart(void **state OVS_UNUSED)
{
    static const char text[] = "PUT /a/b?c=d HTTP/1.1\r\nHost: x\r\n"
                               "X-Some-Thing:  y z \r\nContent-Length: 3\r\n"
                               "\r\nabcGET";
    static struct vmn_http_request request;

    assert_true(vmn_http_parse((const uint8_t *) text, sizeof text - 1,
                               &request));
    assert_int_equal(request.method, VMN_HTTP_PUT);
    assert_string_equal(request.path, "/a/b");
    assert_string_equal(request.query, "c=d");
    assert_string_equal(vmn_http_find(&request, "x-some-thing"), "y z");
    assert_null(vmn_http_find(&request, "x-some"));
    assert_int_equal(request.body_size, 3);
    assert_memory_equal(request.body, "abc", 3);
    for (size_t n = 0; n < sizeof text - 1 - 3; n++) {
        assert_false(vmn_http_parse((const uint8_t *) text, n, &request));
    }
}

static void
replies_that_are_none(void **state OVS_UNUSED)
{
    const struct vmn_http_reply good = { .status = 200, .type = "a/b",
                                         .body = "x", .body_size = 1 };
    struct vmn_http_reply reply = good;

    assert_true(guest_reply_is_valid(&reply));
    reply.status = 99;
    assert_false(guest_reply_is_valid(&reply));
    reply = good;
    reply.type = "a/b\r\nX: y";
    assert_false(guest_reply_is_valid(&reply));
    reply = good;
    reply.field_name = "a";
    assert_false(guest_reply_is_valid(&reply));
    reply.field_value = "b\n";
    assert_false(guest_reply_is_valid(&reply));
    reply.field_value = "b";
    assert_true(guest_reply_is_valid(&reply));
    reply.body_size = VMN_HTTP_REPLY_MAX + 1;
    assert_false(guest_reply_is_valid(&reply));
    reply = good;
    reply.body = NULL;
    assert_false(guest_reply_is_valid(&reply));
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, guest_setup, \
                                                  guest_teardown)

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        TEST(exchange_over_ipv4),
        TEST(exchange_over_ipv6),
        TEST(several_requests_on_a_connection),
        TEST(answer_that_comes_later),
        TEST(guests_are_told_apart_by_their_ports),
        TEST(what_is_anothers_is_not_sent),
        TEST(hop_limit_is_that_of_the_reply),
        TEST(big_reply),
        TEST(big_reply_in_small_segments),
        TEST(big_reply_with_losses),
        TEST(smallest_segments_are_bounded),
        TEST(connections_of_a_port_are_bounded),
        TEST(all_connections_are_bounded),
        TEST(requests_of_a_port_are_bounded),
        TEST(rubbish_is_refused),
        TEST(heads_are_bounded),
        TEST(what_is_of_no_connection_is_reset),
        TEST(frames_that_are_none),
        cmocka_unit_test(request_is_taken_apart),
        cmocka_unit_test(replies_that_are_none),
    };

    set_program_name(argv[0]);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
