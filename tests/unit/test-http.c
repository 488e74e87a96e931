/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests and replies of the HTTP server (proto/http), with a raw client:
 * split bytes, pipelines, malformed heads, replies that come later.  Not for
 * limits (test-http-limits.c) nor for who is let in (test-http-login.c). */

#include <config.h>

#include "tests/unit/http-fixture.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "random.h"
#include "util.h"

static void
request_is_routed_and_answered(void **state)
{
    struct fixture *f = *state;
    struct client c;
    char *who = xasprintf("\"who\":\"unix:uid=%u\"", (unsigned) getuid());

    client_open(&c, f);
    assert_ask(200, &c, "GET /items/a%2Fb" H "\r\n");
    assert_has(&c.body, "\"name\":\"a/b\"");
    assert_has(&c.body, who);
    assert_has(&c.head, "Content-Type: application/json\r\n");
    assert_ask(200, &c, "GET /echo?q=a%20b+c" H "\r\n");
    assert_has(&c.body, "\"q\":\"a b c\"");
    assert_ask(400, &c, "GET /echo?q=1&colour=2&q=3&q=4" H "\r\n");
    assert_has(&c.body, "\"errors\":[{\"pointer\":\"\",\"parameter\":"
               "\"colour\",\"detail\":\"unknown parameter; known: q\"},"
               "{\"pointer\":\"\",\"parameter\":\"q\","
               "\"detail\":\"appears more than once\"}]");
    assert_ask(404, &c, "GET /nowhere" H "\r\n");
    assert_has(&c.head, "application/problem+json");
    assert_has(&c.body, "\"status\":404");
    assert_ask(404, &c, "GET /items/" H "\r\n");
    assert_ask(404, &c, "GET /items/a/b" H "\r\n");
    assert_ask(404, &c, "GET /items/%ff" H "\r\n");
    assert_ask(405, &c, "DELETE /body" H "\r\n");
    assert_has(&c.head, "Allow: PUT, PATCH, OPTIONS\r\n");
    assert_has(&c.body, "/body supports PUT, PATCH\"");
    client_close(&c);
    free(who);
}

/* RFC 9110, sections 12.5.3 and 13.1.2. */
static void
client_picks_the_coding_and_may_have_it_already(void **state)
{
    static const struct {
        const char *headers;
        int status;
        const char *body;           /* Or NULL: not looked at. */
    } cases[] = {
        { "", 200, "plain" },
        { "Accept-Encoding: gzip\r\n", 200, NULL },
        { "Accept-Encoding: br, GZIP;q=0.5\r\n", 200, NULL },
        { "Accept-Encoding: gzip;q=0\r\n", 200, "plain" },
        { "Accept-Encoding: gzip;q=0.000, *\r\n", 200, "plain" },
        { "Accept-Encoding: *;q=0.001\r\n", 200, NULL },
        { "Accept-Encoding: identity, xgzip\r\n", 200, "plain" },
        { "If-None-Match: \"1\"\r\n", 304, "" },
        { "If-None-Match: \"0\", W/\"1\"\r\n", 304, "" },
        { "If-None-Match: x \"1\r\n", 200, "plain" },
        { "If-None-Match: \"11\",\"\",\"1-gzip\"\r\n", 200, "plain" },
        { "If-None-Match: *\r\n", 304, "" },
        { "If-None-Match: \"1\"\r\nAccept-Encoding: gzip\r\n", 200, NULL },
        { "If-None-Match: \"1-gzip\"\r\nAccept-Encoding: gzip\r\n", 304,
          "" },
    };
    struct fixture *f = *state;
    struct client c;

    client_open_tcp(&c, f);     /* Open: without a token. */
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *request = xasprintf("GET /" H "%s\r\n", cases[i].headers);

        assert_ask(cases[i].status, &c, request);
        if (cases[i].body) {
            assert_string_equal(ds_cstr(&c.body), cases[i].body);
        } else {
            assert_int_equal(c.body.length, 3);
            assert_memory_equal(c.body.string, "g\0z", 3);
        }
        if (cases[i].status == 304) {
            assert_null(strstr(ds_cstr(&c.head), "\r\nContent-Length:"));
            assert_null(strstr(ds_cstr(&c.head), "\r\nContent-Type:"));
            assert_has(&c.head, "ETag: \"1");
        }
        free(request);
    }
    client_close(&c);
}

/* Fails the test unless the reply is compressed and becomes 'size' times
 * "x". */
static void
assert_gzip_of(struct client *c, size_t size)
{
    char *text = xmalloc(size + 1);
    z_stream z = { .next_in = (uint8_t *) c->body.string };

    assert_has(&c->head, "Content-Encoding: gzip\r\n");
    assert_true(c->body.length < size / 10);
    z.avail_in = (unsigned) c->body.length;
    z.next_out = (uint8_t *) text;
    z.avail_out = (unsigned) size + 1;
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.total_out, size);
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(text[i], 'x');
    }
    inflateEnd(&z);
    free(text);
}

/* Short ones, changes, secrets, and replies to other clients are as they
 * are. */
static void
long_replies_to_reads_are_compressed(void **state)
{
    static const char accept[] = "Accept-Encoding: br, gzip\r\n";
    static const struct {
        const char *request;
        const char *headers;
        size_t size;
        bool compressed, varies;
    } cases[] = {
        { "GET /text/2000", accept, 2000, true, true },
        { "GET /text/1000000", accept, 1000000, true, true },
        { "GET /text/2000", "", 2000, false, true },
        { "GET /text/2000", "Accept-Encoding: gzip;q=0\r\n", 2000, false,
          true },
        { "GET /text/100", accept, 100, false, false },
        { "GET /text/0", accept, 0, false, false },
        { "GET /text/2000?secret=", accept, 2000, false, false },
        { "POST /text/2000", accept, 2000, false, false },
    };
    struct client c;

    client_open(&c, *state);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *request = xasprintf("%s" H "%s\r\n", cases[i].request,
                                  cases[i].headers);

        assert_ask(200, &c, request);
        assert_int_equal(strstr(ds_cstr(&c.head), "Vary: Accept-Encoding\r\n")
                         != NULL, cases[i].varies);
        if (cases[i].compressed) {
            assert_gzip_of(&c, cases[i].size);
            assert_has(&c.head, "000-gzip\"\r\n");
        } else {
            assert_int_equal(c.body.length, cases[i].size);
            assert_null(strstr(ds_cstr(&c.head), "gzip"));
        }
        free(request);
    }
    client_close(&c);
}

static void
client_may_leave_while_its_reply_is_compressed(void **state)
{
    struct fixture *f = *state;
    struct client c;

    client_open(&c, f);
    client_say(&c, "GET /text/5000000" H "Accept-Encoding: gzip\r\n\r\n");
    client_turn(&c);
    client_close(&c);
    assert_alive(f);
}

/* RFC 9110, section 13.1.2: with the tag of either coding. */
static void
reads_with_the_tag_of_the_reply_get_304(void **state)
{
    static const struct {
        const char *request, *tag;
        int status;
        const char *etag;
    } cases[] = {
        { "GET /text/2000", "\"2000\"", 304, "ETag: \"2000\"\r\n" },
        { "GET /text/2000", "\"2000-gzip\"", 304,
          "ETag: \"2000-gzip\"\r\nVary: Accept-Encoding\r\n" },
        { "GET /text/2000", "\"1\", W/\"2000\"", 304, NULL },
        { "GET /text/2000", "\"200\"", 200, "ETag: \"2000\"\r\n" },
        { "GET /text/2000?weak=", "W/\"2000\"", 304,
          "ETag: W/\"2000\"\r\n" },
        { "GET /text/2000?weak=", "\"2000\"", 304, NULL },
        { "POST /text/2000", "\"2000\"", 200, NULL },
    };
    struct client c;

    client_open(&c, *state);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *request = xasprintf("%s" H "If-None-Match: %s\r\n\r\n",
                                  cases[i].request, cases[i].tag);

        assert_ask(cases[i].status, &c, request);
        assert_int_equal(c.body.length, cases[i].status == 304 ? 0 : 2000);
        if (cases[i].etag) {
            assert_has(&c.head, cases[i].etag);
        }
        free(request);
    }
    client_close(&c);
}

/* RFC 9110, section 9.3.7. */
static void
options_lists_the_methods_of_a_path(void **state)
{
    struct fixture *f = *state;
    struct client c;

    client_open(&c, f);
    assert_ask(204, &c, "OPTIONS /etag" H "\r\n");
    assert_has(&c.head, "Allow: GET, HEAD, PUT, OPTIONS\r\n");
    assert_null(strstr(ds_cstr(&c.head), "\r\nContent-L"));
    assert_int_equal(c.body.length, 0);
    assert_ask(404, &c, "OPTIONS /nowhere" H "\r\n");
    assert_ask(204, &c, "OPTIONS /text/9?any=1" H "\r\n");
    assert_has(&c.head, "Allow: GET, HEAD, POST, OPTIONS\r\n");
    client_close(&c);

    client_open_tcp(&c, f);     /* Without a token: what is open alone. */
    assert_ask(204, &c, "OPTIONS /open" H "\r\n");
    assert_ask(401, &c, "OPTIONS /etag" H "\r\n");
    assert_ask(401, &c, "OPTIONS /nowhere" H "\r\n");
    client_close(&c);
}

static void
head_gets_the_headers_alone(void **state)
{
    struct client c;

    client_open(&c, *state);
    client_say(&c, "HEAD /big" H "Connection: close\r\n\r\n");
    client_wait_eof(&c);
    assert_has(&c.in, "Content-Length: 3145728\r\n");
    assert_true(c.in.length < 1000);
    client_close(&c);
}

static void
request_may_come_byte_by_byte(void **state)
{
    static const char request[] =
        "\r\nPUT /body" H "Content-Length: 7\r\n\r\n{\"a\":1}"
        "PUT /body" H "Transfer-Encoding: chunked\r\n\r\n"
        "3\r\n{\"b\r\n4;x=y\r\n\":2}\r\n0\r\nTrailer: t\r\n\r\n";
    struct client c;

    client_open(&c, *state);
    for (size_t i = 0; i < sizeof request - 1; i++) {
        client_send(&c, request + i, 1);
        client_turn(&c);
    }
    assert_int_equal(client_reply(&c), 200);
    assert_string_equal(ds_cstr(&c.body), "{\"a\":1}\n");
    assert_int_equal(client_reply(&c), 200);
    assert_string_equal(ds_cstr(&c.body), "{\"b\":2}\n");
    client_close(&c);
}

static void
pipelined_requests_are_answered_in_order(void **state)
{
    struct ds all = DS_EMPTY_INITIALIZER;
    struct client c;

    client_open(&c, *state);
    for (int i = 0; i < 500; i++) {
        ds_put_format(&all, "PUT /body" H "Content-Length: 3\r\n\r\n%3d", i);
    }
    client_send(&c, ds_cstr(&all), all.length);
    for (int i = 0; i < 500; i++) {
        assert_int_equal(client_reply(&c), 200);
        assert_int_equal(atoi(ds_cstr(&c.body)), i);
    }
    ds_destroy(&all);
    client_close(&c);
}

static void
half_closed_client_gets_all_its_replies(void **state)
{
    static const char requests[] = "GET /echo?q=1" H "\r\nGET /big" H "\r\n"
                                   "GET /echo?q=3" H "\r\nGET /unfin";
    struct client c;

    client_open(&c, *state);
    client_send(&c, requests, sizeof requests - 1);
    shutdown(c.fd, SHUT_WR);
    assert_int_equal(client_reply(&c), 200);
    assert_int_equal(client_reply(&c), 200);
    assert_int_equal(c.body.length, BIG);
    assert_int_equal(client_reply(&c), 200);
    assert_has(&c.body, "\"q\":\"3\"");
    assert_int_equal(client_reply(&c), 0);
    client_close(&c);
}

static void
malformed_request_is_refused_and_closed(void **state)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        { "GET /echo\n\n", 400 },
        { "GET /echo" H "Folded: a\r\n b\r\n\r\n", 400 },
        { "PUT /body" H "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
          400 },
        { "PUT /body" H "Content-Length: 9000000\r\n\r\n{}", 413 },
        { "PUT /body" H "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400 },
        { "PUT /body" H "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
          400 },
        { "PUT /body" H "Transfer-Encoding: chunked\r\n\r\n800001\r\n", 413 },
        { "GET /echo" H "Content-Length: 2\r\n\r\n{}", 400 },
        { "PUT /body" H "Content-Type: text/xml\r\nContent-Length: 2\r\n\r\n"
          "{}", 415 },
        { "GET /echo?a=%zz" H "Connection: close\r\n\r\n", 400 },
        { "GET /echo HTTP/3.0\r\n\r\n", 505 },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct client c;

        client_open(&c, f);
        int status = client_ask(&c, cases[i].request);
        if (status != cases[i].status) {
            fail_msg("case %"PRIuSIZE": %d instead of %d", i, status,
                     cases[i].status);
        }
        assert_has(&c.head, "Connection: close\r\n");
        assert_has(&c.body, "\"detail\":\"");
        client_wait_eof(&c);
        client_close(&c);
    }
    assert_alive(f);
}

static void
oversized_head_is_refused_while_it_is_sent(void **state)
{
    struct fixture *f = *state;
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct client c;

    client_open(&c, f);
    ds_put_cstr(&ds, "GET /echo" H "X: ");
    ds_put_char_multiple(&ds, 'x', 4 << 20);
    assert_ask(431, &c, ds_cstr(&ds));
    client_close(&c);
    ds_destroy(&ds);
    assert_alive(f);
}

static void
unknown_query_parameters_are_all_named(void **state)
{
    struct client c;

    client_open(&c, *state);
    assert_ask(400, &c, "GET /echo?q=1&x=2&dry_run=plan" H "\r\n");
    assert_has(&c.body, "\"parameter\":\"x\"");
    assert_has(&c.body, "\"parameter\":\"dry_run\"");
    assert_ask(400, &c, "GET /open?q=1" H "\r\n");

    /* The connection goes on: nothing was left unread. */
    assert_ask(200, &c, "GET /echo" H "\r\n");
    client_close(&c);
}

static void
bad_json_is_refused_and_the_connection_goes_on(void **state)
{
    struct client c;

    client_open(&c, *state);
    assert_ask(400, &c,
               "PUT /body" H "Content-Length: 13\r\n\r\n"
               "{\"a\":1,\"a\":2}");
    assert_has(&c.body, "duplicate object key");
    assert_ask(400, &c, "PUT /body" H "Content-Length: 4\r\n\r\n{} x");
    assert_ask(400, &c, "PUT /body" H "\r\n");
    assert_ask(200, &c,
               "PATCH /body" H "Content-Type: "
               "application/merge-patch+json; charset=utf-8\r\n"
               "Content-Length: 2\r\n\r\n{}");

    client_close(&c);
}

static void
etags_are_compared(void **state)
{
    struct client c;

    client_open(&c, *state);
    assert_ask(200, &c, "GET /etag" H "\r\n");
    assert_has(&c.head, "ETag: \"7\"\r\n");
    assert_ask(200, &c, "PUT /etag" H "If-Match: \"7\"\r\n\r\n");
    assert_has(&c.body, "{\"etag\":\"7\",\"creates\":false}");
    assert_ask(200, &c, "PUT /etag" H "If-Match: *\r\n\r\n");
    assert_has(&c.body, "{\"etag\":\"*\",\"creates\":false}");
    assert_ask(200, &c, "PUT /etag" H "If-Match: W/\"7\"\r\n\r\n");
    assert_has(&c.body, "{\"etag\":\"W/\\\"7\\\"\",\"creates\":false}");
    assert_ask(400, &c, "PUT /etag" H "If-Match: 7\r\n\r\n");
    assert_ask(400, &c, "PUT /etag" H "If-Match: \"7\r\n\r\n");
    assert_ask(400, &c, "PUT /etag" H "If-Match: \"6\", \"7\"\r\n\r\n");
    assert_ask(200, &c, "PUT /etag" H "If-None-Match: *\r\n\r\n");
    assert_has(&c.body, "{\"etag\":null,\"creates\":true}");
    assert_ask(400, &c, "PUT /etag" H "If-None-Match: \"7\"\r\n\r\n");
    assert_ask(400, &c, "PUT /etag" H "If-None-Match: *\r\n"
               "If-Match: *\r\n\r\n");
    client_close(&c);
}

static void
continue_is_sent_only_for_a_body_that_is_wanted(void **state)
{
    struct fixture *f = *state;
    struct client c;

    client_open(&c, f);
    assert_ask(100, &c,
               "PUT /body" H "Expect: 100-continue\r\n"
               "Content-Length: 2\r\n\r\n");
    assert_ask(200, &c, "{}");
    assert_ask(404, &c,
               "PUT /nowhere" H "Expect: 100-continue\r\n"
               "Content-Length: 2\r\n\r\n");
    client_wait_eof(&c);
    client_close(&c);
}

static void
reply_may_come_later(void **state)
{
    struct fixture *f = *state;
    struct client c;

    client_open(&c, f);
    client_say(&c, "GET /hold" H "\r\nGET /echo" H "\r\n");
    while (!f->held) {
        client_turn(&c);
    }
    assert_alive(f);                    /* Others are served meanwhile. */
    assert_int_equal(c.in.length, 0);   /* The second one waits its turn. */
    reply_with_json(f->held, 202, json_object());
    f->held = NULL;
    assert_int_equal(client_reply(&c), 202);
    assert_int_equal(client_reply(&c), 200);
    client_close(&c);
}

static void
client_that_leaves_is_noticed(void **state)
{
    struct fixture *f = *state;
    struct client c;

    client_open(&c, f);
    client_say(&c, "GET /hold" H "\r\n");
    while (!f->held) {
        client_turn(&c);
    }
    close(c.fd);
    c.fd = -1;
    while (!f->n_gone) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_null(f->held);
    client_close(&c);
    assert_alive(f);
}

static void
reply_to_a_client_that_left_is_harmless(void **state)
{
    struct fixture *f = *state;
    struct client c;

    /* Over TCP a close looks like a half-close, until the reply. */
    client_open_tcp(&c, f);
    client_say(&c, "GET /hold" H "Authorization: Bearer " TOKEN "\r\n\r\n");
    while (!f->held) {
        client_turn(&c);
    }
    close(c.fd);
    c.fd = -1;
    for (int i = 0; i < 10; i++) {
        event_base_loop(f->base, EVLOOP_NONBLOCK);
    }
    assert_non_null(f->held);
    reply_with_json(f->held, 200, json_object());
    f->held = NULL;
    client_close(&c);
    assert_alive(f);
}

static void
dropped_request_closes_the_connection(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask_once(f, "GET /drop" H "\r\nGET /echo" H "\r\n"), 0);
    assert_alive(f);
}

static void
destroying_the_server_lets_go_of_held_requests(void **state)
{
    static const struct http_options options = HTTP_OPTIONS_DEFAULT;
    struct fixture *f = *state;
    struct client c;

    client_open(&c, f);
    client_say(&c, "GET /hold" H "\r\n");
    while (!f->held) {
        client_turn(&c);
    }
    http_fixture_restart(f, &options);
    assert_int_equal(f->n_gone, 1);
    client_close(&c);
    assert_alive(f);
}

static bool
know_by_name(struct http_request *req,
             const struct http_peer *peer OVS_UNUSED, void *aux OVS_UNUSED)
{
    const char *name = http_request_header(req, "X-Name");

    if (name) {
        http_request_set_who(req, xstrdup(name), xstrdup(name), free);
    }
    return true;
}

static bool
is_not(const void *identity, void *name)
{
    return strcmp(identity, name);
}

/* As if it had left, but that it is told; whoever waits as another, or as
 * nobody, goes on. */
static void
request_that_waits_ends_with_its_authorization(void **state)
{
    struct http_options options = HTTP_OPTIONS_DEFAULT;
    static char anna[] = "anna", hugo[] = "hugo";
    struct fixture *f = *state;
    struct client c;

    options.authenticate = know_by_name;
    http_fixture_restart(f, &options);
    client_open(&c, f);
    client_say(&c, "GET /hold" H "X-Name: anna\r\n\r\n");
    while (!f->held) {
        client_turn(&c);
    }
    http_server_end_invalid(f->server, is_not, hugo, "gone");
    assert_non_null(f->held);
    http_server_end_invalid(f->server, is_not, anna, "gone");
    assert_null(f->held);
    assert_int_equal(f->n_gone, 1);
    assert_ask(401, &c, "");
    assert_has(&c.body, "\"gone\"");
    assert_ask(200, &c, "GET /echo" H "X-Name: hugo\r\n\r\n");

    client_say(&c, "GET /hold" H "\r\n");
    while (!f->held) {
        client_turn(&c);
    }
    http_server_end_invalid(f->server, is_not, anna, "gone");
    assert_non_null(f->held);
    client_close(&c);
    assert_alive(f);
}

static void
large_reply_is_complete_for_a_slow_reader(void **state)
{
    struct fixture *f = *state;
    struct client c;
    int size = 4096;

    client_open(&c, f);
    setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    client_say(&c, "GET /big" H "Connection: close\r\n\r\n");
    for (int i = 0; i < 50; i++) {
        event_base_loop(f->base, EVLOOP_NONBLOCK);
    }
    assert_int_equal(client_reply(&c), 200);
    assert_int_equal(c.body.length, BIG);
    client_wait_eof(&c);
    client_close(&c);
}

static void
rubbish_never_stops_the_server(void **state)
{
    static const char *const seeds[] = {
        "GET /echo?q=1" H "\r\n",
        "PUT /body" H "Content-Length: 7\r\n\r\n{\"a\":1}",
        "PUT /body" H "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    };
    struct fixture *f = *state;

    print_message("seed 20\n");
    random_set_seed(20);
    for (int i = 0; i < 400; i++) {
        char *bytes = xstrdup(seeds[i % ARRAY_SIZE(seeds)]);
        size_t size = strlen(bytes);
        struct client c;

        for (uint32_t n = random_range(6); n; n--) {
            bytes[random_range(size)] = random_range(256);
        }
        client_open(&c, f);
        client_send(&c, bytes, size);
        shutdown(c.fd, SHUT_WR);
        client_wait_eof(&c);
        client_close(&c);
        free(bytes);
    }
    assert_alive(f);
}

static void
server_refuses_what_comes_from_then_on(void **state)
{
    struct fixture *f = *state;
    struct client c;

    client_open(&c, f);
    assert_ask(200, &c, "GET /echo" H "\r\n");
    http_server_refuse(f->server, "another server has all that");
    assert_ask(503, &c, "GET /echo" H "\r\n");
    assert_non_null(strstr(ds_cstr(&c.body),
                           "another server has all that"));
    assert_ask(200, &c, "GET /open" H "\r\n");
    client_close(&c);
    assert_int_equal(ask_once(f, "GET /items/a" H "\r\n"), 503);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(request_is_routed_and_answered),
        HTTP_TEST(client_picks_the_coding_and_may_have_it_already),
        HTTP_TEST(head_gets_the_headers_alone),
        HTTP_TEST(request_may_come_byte_by_byte),
        HTTP_TEST(pipelined_requests_are_answered_in_order),
        HTTP_TEST(half_closed_client_gets_all_its_replies),
        HTTP_TEST(malformed_request_is_refused_and_closed),
        HTTP_TEST(oversized_head_is_refused_while_it_is_sent),
        HTTP_TEST(unknown_query_parameters_are_all_named),
        HTTP_TEST(bad_json_is_refused_and_the_connection_goes_on),
        HTTP_TEST(etags_are_compared),
        HTTP_TEST(long_replies_to_reads_are_compressed),
        HTTP_TEST(client_may_leave_while_its_reply_is_compressed),
        HTTP_TEST(reads_with_the_tag_of_the_reply_get_304),
        HTTP_TEST(options_lists_the_methods_of_a_path),
        HTTP_TEST(continue_is_sent_only_for_a_body_that_is_wanted),
        HTTP_TEST(reply_may_come_later),
        HTTP_TEST(client_that_leaves_is_noticed),
        HTTP_TEST(reply_to_a_client_that_left_is_harmless),
        HTTP_TEST(dropped_request_closes_the_connection),
        HTTP_TEST(destroying_the_server_lets_go_of_held_requests),
        HTTP_TEST(request_that_waits_ends_with_its_authorization),
        HTTP_TEST(large_reply_is_complete_for_a_slow_reader),
        HTTP_TEST(server_refuses_what_comes_from_then_on),
        HTTP_TEST(rubbish_never_stops_the_server),
    };

    return http_fixture_run(tests);
}
