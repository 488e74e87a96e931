/* SPDX-License-Identifier: Apache-2.0
 *
 * What clients of the HTTP server (proto/http) may take: time, connections,
 * bodies in flight. */

#include <config.h>

#include "tests/unit/http-fixture.h"

#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>

#include "openvswitch/dynamic-string.h"
#include "tests/unit/listening.h"
#include "util.h"

static void
slow_clients_are_timed_out(void **state)
{
    struct http_options options = HTTP_OPTIONS_DEFAULT;
    struct fixture *f = *state;
    struct http_stats stats;
    struct client head, body, idle;

    options.head_timeout_ms = options.body_timeout_ms = 40;
    http_fixture_restart(f, &options);
    client_open(&head, f);
    client_open(&body, f);
    assert_ask(408, &head, "GET /ec");
    assert_has(&head.body, "within 0.04 s");
    assert_ask(408, &body, "PUT /body" H "Content-Length: 9\r\n\r\n{");
    http_server_get_stats(f->server, &stats);
    assert_int_equal(stats.n_timed_out, 2);
    client_close(&head);
    client_close(&body);

    /* Also after a request.  (Were it to be idle for as short a time, it might
     * be closed before there is any of the next one.) */
    client_open(&head, f);
    assert_ask(200, &head, "GET /echo" H "\r\n");
    assert_ask(408, &head, "GET /ec");
    client_close(&head);

    options.idle_timeout_ms = 40;
    http_fixture_restart(f, &options);
    client_open(&idle, f);
    assert_ask(0, &idle, "");
    client_close(&idle);

    /* Also after a request. */
    client_open(&idle, f);
    assert_ask(200, &idle, "GET /echo" H "\r\n");
    client_wait_eof(&idle);
    client_close(&idle);
}

/* Each client may have 50 bytes in a body, 80 in all, and three connections in
 * use. */
static bool
know_by_header(struct http_request *req,
               const struct http_peer *peer OVS_UNUSED, void *aux OVS_UNUSED)
{
    const char *client = http_request_header(req, "X-Client");
    const struct http_limits limits = {
        .body_max = 50, .bodies_max = 80, .conns_max = 3,
        .exempt = !strcmp(client, "root"),
    };

    http_request_set_limits(req, client, &limits);
    return true;
}

#define PUT_AS(CLIENT, SIZE) \
    "PUT /body" H "X-Client: " CLIENT "\r\nContent-Length: " #SIZE "\r\n\r\n"
#define CHUNKS_AS(CLIENT) "PUT /body" H "X-Client: " CLIENT "\r\n" \
    "Transfer-Encoding: chunked\r\n\r\n"
#define TEN "\"45678901\""
#define TWENTY "          " TEN

static void
assert_body_bytes(struct fixture *f, uint64_t want)
{
    struct http_stats stats;

    do {
        event_base_loop(f->base, EVLOOP_NONBLOCK);
        http_server_get_stats(f->server, &stats);
    } while (stats.n_body_bytes != want); /* Or the alarm. */
}

static void
bodies_in_flight_are_bounded(void **state)
{
    struct http_options options = HTTP_OPTIONS_DEFAULT;
    struct fixture *f = *state;
    struct http_stats stats;
    struct client a, b, other;

    options.authenticate = know_by_header;
    options.bodies_max = 100;
    http_fixture_restart(f, &options);
    client_open(&a, f);
    client_open(&b, f);
    client_open(&other, f);

    /* Of one request. */
    assert_ask(413, &other, PUT_AS("a", 51));
    assert_has(&other.body, "51 bytes or more; a may send 50");
    client_close(&other);
    client_open(&other, f);
    assert_ask(413, &other, CHUNKS_AS("a") "a\r\n" TEN "\r\n29\r\n");
    client_close(&other);
    client_open(&other, f);
    assert_ask(413, &other, CHUNKS_AS("a") "800001\r\n");
    assert_has(&other.body, "8388609 bytes or more; a may send 50");
    client_close(&other);
    assert_body_bytes(f, 0);

    /* Of one client, however many connections it has. */
    client_say(&a, PUT_AS("a", 50) "                    ");
    assert_body_bytes(f, 50);
    client_open(&other, f);
    assert_ask(429, &other, PUT_AS("a", 31));
    assert_has(&other.head, "Retry-After: 1\r\n");
    assert_has(&other.body, "81 bytes of bodies in flight, more than 80");
    client_close(&other);

    /* Of all, but those who may do everything. */
    client_say(&b, CHUNKS_AS("b") "1e\r\n" TEN);
    assert_body_bytes(f, 80);
    client_open(&other, f);
    assert_ask(503, &other, PUT_AS("c", 21));
    assert_has(&other.head, "Retry-After: 1\r\n");
    assert_has(&other.body, "101 bytes of bodies in flight, more than 100");
    client_close(&other);
    client_open(&other, f);
    assert_ask(200, &other, PUT_AS("root", 30) "          " TWENTY);
    assert_ask(200, &other, PUT_AS("c", 20) TWENTY);

    /* Each gives back what it took: answered, and gone. */
    assert_ask(200, &a, "          " TWENTY);
    assert_body_bytes(f, 30);
    client_close(&b);
    assert_body_bytes(f, 0);
    http_server_get_stats(f->server, &stats);
    assert_int_equal(stats.n_bodies_rejected, 5);
    client_close(&a);
    client_close(&other);
}

/* Waits until the server has seen the heads of 'n' requests. */
static void
await_requests(struct fixture *f, uint64_t n)
{
    struct http_stats stats;

    do {
        event_base_loop(f->base, EVLOOP_NONBLOCK);
        http_server_get_stats(f->server, &stats);
    } while (stats.n_requests < n); /* Or the alarm. */
}

/* Who is known takes all connections by bodies that do not come. */
static void
connections_that_await_a_body_give_way(void **state)
{
    struct http_options options = HTTP_OPTIONS_DEFAULT;
    struct fixture *f = *state;
    struct client body[2], c;

    options.authenticate = know_by_header;
    options.max_connections = ARRAY_SIZE(body);
    http_fixture_restart(f, &options);
    for (size_t i = 0; i < ARRAY_SIZE(body); i++) {
        client_open(&body[i], f);
        client_say(&body[i], PUT_AS("a", 10));
        await_requests(f, i + 1);
    }
    client_open(&c, f);
    assert_ask(200, &c, "GET /echo" H "X-Client: b\r\n\r\n");
    client_wait_eof(&body[0]);
    /* One whose body has come stays until it is answered. */
    assert_ask(200, &body[1], TEN);
    client_close(&c);
    client_open(&c, f);
    client_say(&c, "GET /hold" H "X-Client: a\r\n\r\n");
    while (!f->held) {
        client_turn(&c);
    }
    client_close(&body[0]);
    client_open(&body[0], f);
    assert_ask(200, &body[0], PUT_AS("b", 10) TEN);
    reply_with_json(f->held, 200, json_object());
    f->held = NULL;
    assert_int_equal(client_reply(&c), 200);
    client_close(&c);
    for (size_t i = 0; i < ARRAY_SIZE(body); i++) {
        client_close(&body[i]);
    }
}

/* Who is known keeps all connections, and newcomers push each other out. */
static void
newcomers_come_in_though_one_client_has_all_connections(void **state)
{
    static const char request[] = "GET /echo" H "X-Client: a\r\n"
                                  "Authorization: Bearer " TOKEN "\r\n\r\n";
    struct http_options options = HTTP_OPTIONS_DEFAULT;
    struct client idle[20], late[5];
    struct fixture *f = *state;
    struct http_stats stats;
    uint16_t port;

    options.authenticate = know_by_header;
    options.max_connections = ARRAY_SIZE(idle);
    options.pending_grace_ms = 100 * 1000;
    http_fixture_restart(f, &options);
    port = listening_port();
    for (size_t i = 0; i < ARRAY_SIZE(idle); i++) {
        client_connect_from(&idle[i], f->base, port, 2);
        assert_ask(200, &idle[i], request);
    }
    for (size_t i = 0; i < ARRAY_SIZE(late); i++) {
        client_connect_from(&late[i], f->base, port, 3 + i);
        do {
            event_base_loop(f->base, EVLOOP_NONBLOCK);
            http_server_get_stats(f->server, &stats);
        } while (stats.n_accepted <= ARRAY_SIZE(idle) + i);
    }
    for (size_t i = 0; i < ARRAY_SIZE(late); i++) {
        assert_ask(200, &late[i], request);
        client_close(&late[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(idle); i++) {
        client_close(&idle[i]);
    }
}

static uint64_t
n_account_conns_rejected(const struct fixture *f)
{
    struct http_stats stats;

    http_server_get_stats(f->server, &stats);
    return stats.n_account_conns_rejected;
}

static void
connections_in_use_of_a_client_are_bounded(void **state)
{
    static const char echo_as_a[] = "GET /echo" H "X-Client: a\r\n\r\n";
    struct http_options options = HTTP_OPTIONS_DEFAULT;
    struct client body, held, reading, c, other;
    struct fixture *f = *state;
    int size = 4096;

    options.authenticate = know_by_header;
    http_fixture_restart(f, &options);
    client_open(&body, f);
    client_open(&held, f);
    client_open(&reading, f);
    client_open(&c, f);
    client_open(&other, f);

    /* One awaits a body, one its reply, and one does not read that. */
    setsockopt(reading.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    client_say(&body, PUT_AS("a", 10));
    client_say(&held, "GET /hold" H "X-Client: a\r\n\r\n");
    client_say(&reading, "GET /big" H "X-Client: a\r\n\r\n");
    await_requests(f, 3);
    assert_ask(429, &c, echo_as_a);
    assert_has(&c.head, "Retry-After: 1\r\n");
    assert_has(&c.head, "Connection: close\r\n");
    assert_has(&c.body, "a has 3 connections in use");
    assert_int_equal(n_account_conns_rejected(f), 1);
    client_close(&c);
    assert_ask(200, &other, "GET /echo" H "X-Client: b\r\n\r\n");

    /* Each that is idle again, or gone, makes room; idle ones take none. */
    assert_ask(200, &body, TEN);
    client_open(&c, f);
    assert_ask(200, &c, echo_as_a);
    assert_ask(200, &body, echo_as_a);
    client_say(&body, PUT_AS("a", 10));
    await_requests(f, 8);
    assert_ask(429, &c, echo_as_a);
    client_close(&c);
    client_close(&held);
    while (!f->n_gone) {
        event_base_loop(f->base, EVLOOP_NONBLOCK);
    }
    client_open(&c, f);
    assert_ask(200, &c, echo_as_a);
    client_say(&c, PUT_AS("a", 10));
    await_requests(f, 11);
    client_close(&other);
    client_open(&other, f);
    assert_ask(429, &other, echo_as_a);
    assert_int_equal(client_reply(&reading), 200);
    client_close(&other);
    client_open(&other, f);
    assert_ask(200, &other, echo_as_a);
    assert_int_equal(n_account_conns_rejected(f), 3);
    client_close(&c);
    client_close(&body);
    client_close(&reading);
    client_close(&other);
}

static void
slow_bodies_are_given_up(void **state)
{
    struct http_options options = HTTP_OPTIONS_DEFAULT;
    struct fixture *f = *state;
    struct client slow, steady;

    /* What has come buys time. */
    options.body_grace_ms = 40;
    options.body_rate_min = 1;
    http_fixture_restart(f, &options);
    client_open(&slow, f);
    client_open(&steady, f);
    client_say(&steady, "PUT /body" H "Content-Length: 40\r\n\r\n" TWENTY);
    assert_body_bytes(f, 40);
    assert_ask(408, &slow, "PUT /body" H "Content-Length: 40\r\n\r\n");
    assert_has(&slow.body, "after 0.04 s it must have come with 1 bytes a "
               "second, and within 30 s all");
    assert_body_bytes(f, 40);
    assert_ask(200, &steady, "                    ");
    client_close(&slow);
    client_close(&steady);
}

/* What one client has sent ahead does not come before all that others ask. */
static void
pipelining_client_does_not_keep_others_waiting(void **state)
{
    struct ds all = DS_EMPTY_INITIALIZER;
    struct fixture *f = *state;
    struct client many, one;

    client_open(&many, f);
    client_open(&one, f);
    assert_ask(200, &many, "GET /echo" H "\r\n");
    assert_ask(200, &one, "GET /echo" H "\r\n");
    f->n_echoes = 0;
    for (int i = 0; i < 500; i++) {
        ds_put_cstr(&all, "GET /echo" H "\r\n");
    }
    assert_int_equal(send(many.fd, all.string, all.length, 0), all.length);
    client_say(&one, "GET /hold" H "\r\n");
    while (!f->held) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_true(f->n_echoes_before_hold < 100);
    for (int i = 0; i < 500; i++) {
        assert_int_equal(client_reply(&many), 200);
    }
    ds_destroy(&all);
    client_close(&many);
    client_close(&one);
}

/* A byte now and then must not put the deadline off. */
static void
deadline_holds_for_a_client_that_trickles(void **state)
{
    struct http_options options = HTTP_OPTIONS_DEFAULT;
    struct fixture *f = *state;
    struct client c;

    options.head_timeout_ms = 60;
    http_fixture_restart(f, &options);
    client_open(&c, f);
    client_say(&c, "GET /echo HTTP/1.1\r\nX: ");
    while (!c.in.length && !c.eof) {
        client_say(&c, "x");
        client_turn(&c);
    }
    assert_int_equal(client_reply(&c), 408);
    client_close(&c);
}

static void
connections_are_limited(void **state)
{
    struct http_options options = HTTP_OPTIONS_DEFAULT;
    struct fixture *f = *state;
    struct http_stats stats;
    struct client idle, busy, late;

    options.max_connections = 1;
    http_fixture_restart(f, &options);
    client_open(&idle, f);
    assert_ask(200, &idle, "GET /echo" H "\r\n");


    /* One that is idle gives way. */
    client_open(&busy, f);
    client_say(&busy, "GET /hold" H "\r\n");
    while (!f->held) {
        client_turn(&busy);
    }
    client_wait_eof(&idle);

    /* One that waits for its reply does not. */
    client_open(&late, f);
    assert_ask(503, &late, "GET /echo" H "\r\n");
    assert_has(&late.body, "too many connections\"}\n");
    reply_with_json(f->held, 200, json_object());
    f->held = NULL;
    assert_int_equal(client_reply(&busy), 200);
    http_server_get_stats(f->server, &stats);
    assert_int_equal(stats.n_rejected, 1);
    assert_int_equal(stats.n_connections, 1);
    client_close(&idle);
    client_close(&busy);
    client_close(&late);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(slow_clients_are_timed_out),
        HTTP_TEST(bodies_in_flight_are_bounded),
        HTTP_TEST(connections_that_await_a_body_give_way),
        HTTP_TEST(newcomers_come_in_though_one_client_has_all_connections),
        HTTP_TEST(connections_in_use_of_a_client_are_bounded),
        HTTP_TEST(slow_bodies_are_given_up),
        HTTP_TEST(pipelining_client_does_not_keep_others_waiting),
        HTTP_TEST(deadline_holds_for_a_client_that_trickles),
        HTTP_TEST(connections_are_limited),
    };

    return http_fixture_run(tests);
}
