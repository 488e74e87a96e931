/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP server (proto/http) against a raw client: split bytes, pipelines,
 * slow and rude clients, tokens, limits, replies that come later. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fatal-signal.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "proto/http/http.h"
#include "random.h"
#include "tests/unit/http-client.h"
#include "util.h"

#define TOKEN "correct-horse-battery"
#define BIG (3u << 20)
#define H " HTTP/1.1\r\nHost: h\r\n"

struct fixture {
    struct event_base *base;
    struct http_server *server;
    char dir[64];
    char *path;
    struct http_request *held;      /* By the route /hold. */
    unsigned n_gone;
    unsigned n_echoes;              /* Requests to /echo and the like, */
    unsigned n_echoes_before_hold;  /* when there was one to /hold. */
};

/* Routes.  --------------------------------------------------------------- */

/* Says what the handler saw. */
static void
handle_echo(struct http_request *req, void *fixture_)
{
    struct fixture *f = fixture_;
    json_t *reply = json_pack("{s:s, s:s}",
                              "who", http_request_who(req),
                              "data", http_request_data(req));
    const char *q = http_request_query(req, "q");

    f->n_echoes++;
    if (!strcmp(http_request_data(req), "item")) {
        json_object_set_new(reply, "name",
                            json_string(http_request_param(req, "name")));
    }
    if (q) {
        json_object_set_new(reply, "q", json_string(q));
    }
    http_reply_json(req, 200, reply);
}

static void
handle_body(struct http_request *req, void *aux OVS_UNUSED)
{
    json_t *body = http_request_json(req);

    if (body) {
        http_reply_json(req, 200, body);
    }
}

static void
on_gone(void *fixture_)
{
    struct fixture *f = fixture_;

    f->n_gone++;
    http_request_drop(f->held);
    f->held = NULL;
}

static void
handle_hold(struct http_request *req, void *fixture_)
{
    struct fixture *f = fixture_;

    assert_null(f->held);
    f->held = req;
    f->n_echoes_before_hold = f->n_echoes;
    http_request_set_gone(req, on_gone, f);
}

static void
handle_big(struct http_request *req, void *aux OVS_UNUSED)
{
    char *text = xmalloc(BIG + 1);

    memset(text, 'x', BIG);
    text[BIG] = '\0';
    http_reply_text(req, 200, "text/plain", text);
    free(text);
}

static void
handle_etag(struct http_request *req, void *aux OVS_UNUSED)
{
    http_reply_etag(req, "7");
    http_reply_json(req, 200, json_object());
}

static void
handle_if_match(struct http_request *req, void *aux OVS_UNUSED)
{
    char *etag;

    if (http_request_if_match(req, &etag)) {
        http_reply_json(req, 200, json_pack("{s:s?}", "etag", etag));
        free(etag);
    }
}

/* Bytes of two codings, which the client picks from. */
static void
handle_coded(struct http_request *req, void *aux OVS_UNUSED)
{
    bool gzip = http_request_accepts(req, "gzip");

    http_reply_etag(req, gzip ? "1-gzip" : "1");
    if (http_request_has_etag(req, gzip ? "1-gzip" : "1")) {
        http_reply_not_modified(req);
    } else {
        http_reply_bytes(req, 200, "text/plain", gzip ? "g\0z" : "plain",
                         gzip ? 3 : 5);
    }
}

static void
handle_drop(struct http_request *req, void *aux OVS_UNUSED)
{
    http_request_drop(req);
}

static const struct http_route routes[] = {
    { .method = HTTP_GET, .pattern = "/echo",
      .handler = handle_echo, .query = "q", .data = "echo" },
    { .method = HTTP_GET, .pattern = "/open",
      .handler = handle_echo, .open = true, .data = "open" },
    { .method = HTTP_GET, .pattern = "/items/{name}",
      .handler = handle_echo, .data = "item" },
    { .method = HTTP_PUT, .pattern = "/body",
      .handler = handle_body, .takes_body = true, .data = "" },
    { .method = HTTP_PATCH, .pattern = "/body",
      .handler = handle_body, .takes_body = true, .data = "" },
    { .method = HTTP_GET, .pattern = "/hold",
      .handler = handle_hold, .data = "" },
    { .method = HTTP_GET, .pattern = "/big",
      .handler = handle_big, .data = "" },
    { .method = HTTP_GET, .pattern = "/etag",
      .handler = handle_etag, .data = "" },
    { .method = HTTP_PUT, .pattern = "/etag",
      .handler = handle_if_match, .data = "" },
    { .method = HTTP_GET, .pattern = "/",
      .handler = handle_coded, .open = true, .data = "" },
    { .method = HTTP_GET, .pattern = "/drop",
      .handler = handle_drop, .data = "" },
};

/* Fixture.  -------------------------------------------------------------- */

static void
start(struct fixture *f, const struct http_options *options)
{
    char *text = NULL;

    f->server = http_server_create(f->base, options, routes,
                                   ARRAY_SIZE(routes), f);
    if (http_listen_unix(f->server, f->path, NULL, &text)
        || http_listen_tcp(f->server, "127.0.0.1:0", TOKEN, NULL, &text)) {
        fail_msg("%s", text);
    }
}

static int
setup(void **state)
{
    static const struct http_options options = HTTP_OPTIONS_DEFAULT;
    struct fixture *f = xzalloc(sizeof *f);

    alarm(120);
    f->base = event_base_new();
    ovs_strlcpy(f->dir, "/tmp/vmn-http-XXXXXX", sizeof f->dir);
    assert_non_null(mkdtemp(f->dir));
    f->path = xasprintf("%s/sock", f->dir);
    start(f, &options);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    http_server_destroy(f->server);
    event_base_free(f->base);
    rmdir(f->dir);
    free(f->path);
    free(f);
    return 0;
}

static void
restart(struct fixture *f, const struct http_options *options)
{
    http_server_destroy(f->server);
    start(f, options);
}

/* The client.  ----------------------------------------------------------- */

static void
client_open(struct client *c, struct fixture *f)
{
    client_connect(c, f->base, f->path);
}

static void
client_open_tcp(struct client *c, struct fixture *f)
{
    client_connect_tcp(c, f->base, http_server_port(f->server));
}

static void
assert_ask(int want, struct client *c, const char *request)
{
    int status = client_ask(c, request);

    if (status != want) {
        fail_msg("%d instead of %d: %s", status, want, request);
    }
}

/* One request on a connection of its own. */
static int
ask_once(struct fixture *f, const char *request)
{
    struct client c;
    int status;

    client_open(&c, f);
    status = client_ask(&c, request);
    client_close(&c);
    return status;
}

/* Serves as the proof that the server goes on. */
static void
assert_alive(struct fixture *f)
{
    assert_int_equal(ask_once(f, "GET /echo" H "\r\n"), 200);
}

/* Tests.  ---------------------------------------------------------------- */

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
               "\"colour\",\"detail\":\"is not known here; there are: q\"},"
               "{\"pointer\":\"\",\"parameter\":\"q\","
               "\"detail\":\"is there more than once\"}]");
    assert_ask(404, &c, "GET /nowhere" H "\r\n");
    assert_has(&c.head, "application/problem+json");
    assert_has(&c.body, "\"status\":404");
    assert_ask(404, &c, "GET /items/" H "\r\n");
    assert_ask(404, &c, "GET /items/a/b" H "\r\n");
    assert_ask(404, &c, "GET /items/%ff" H "\r\n");
    assert_ask(405, &c, "DELETE /body" H "\r\n");
    assert_has(&c.head, "Allow: PUT, PATCH\r\n");
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
            assert_null(strstr(ds_cstr(&c.head), "\r\nContent-"));
            assert_has(&c.head, "ETag: \"1");
        }
        free(request);
    }
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
    assert_has(&c.body, "{\"etag\":\"7\"}");
    assert_ask(200, &c, "PUT /etag" H "If-Match: *\r\n\r\n");
    assert_has(&c.body, "{\"etag\":\"*\"}");
    assert_ask(200, &c, "PUT /etag" H "If-Match: W/\"7\"\r\n\r\n");
    assert_has(&c.body, "{\"etag\":\"W/\\\"7\\\"\"}");
    assert_ask(400, &c, "PUT /etag" H "If-Match: 7\r\n\r\n");
    assert_ask(400, &c, "PUT /etag" H "If-Match: \"7\r\n\r\n");
    assert_ask(400, &c, "PUT /etag" H "If-Match: \"6\", \"7\"\r\n\r\n");
    assert_ask(400, &c, "PUT /etag" H "If-None-Match: *\r\n\r\n");
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
slow_clients_are_timed_out(void **state)
{
    struct http_options options = HTTP_OPTIONS_DEFAULT;
    struct fixture *f = *state;
    struct http_stats stats;
    struct client head, body, idle;

    options.head_timeout_ms = options.body_timeout_ms = 40;
    restart(f, &options);
    client_open(&head, f);
    client_open(&body, f);
    assert_ask(408, &head, "GET /ec");
    assert_ask(408, &body, "PUT /body" H "Content-Length: 9\r\n\r\n{");
    http_server_get_stats(f->server, &stats);
    assert_int_equal(stats.n_timed_out, 2);

    options.idle_timeout_ms = 40;
    restart(f, &options);
    client_open(&idle, f);
    assert_ask(0, &idle, "");
    client_close(&head);
    client_close(&body);
    client_close(&idle);

    /* Also after a request, and while a head is on its way. */
    client_open(&idle, f);
    assert_ask(200, &idle, "GET /echo" H "\r\n");
    client_wait_eof(&idle);
    client_close(&idle);
    client_open(&head, f);
    assert_ask(200, &head, "GET /echo" H "\r\n");
    assert_ask(408, &head, "GET /ec");
    client_close(&head);
}

/* Each client may have 50 bytes in a body, and 80 in all. */
static bool
know_by_header(struct http_request *req,
               const struct http_peer *peer OVS_UNUSED, void *aux OVS_UNUSED)
{
    const char *client = http_request_header(req, "X-Client");
    const struct http_limits limits = {
        .body_max = 50, .bodies_max = 80, .exempt = !strcmp(client, "root"),
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
    restart(f, &options);
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
    assert_int_equal(stats.n_bodies_refused, 4);
    client_close(&a);
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
    restart(f, &options);
    client_open(&slow, f);
    client_open(&steady, f);
    client_say(&steady, "PUT /body" H "Content-Length: 40\r\n\r\n" TWENTY);
    assert_body_bytes(f, 40);
    assert_ask(408, &slow, "PUT /body" H "Content-Length: 40\r\n\r\n");
    assert_has(&slow.body, "8 KiB a second");
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
    restart(f, &options);
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
    http_reply_json(f->held, 202, json_object());
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
    http_reply_json(f->held, 200, json_object());
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
    restart(f, &options);
    assert_int_equal(f->n_gone, 1);
    client_close(&c);
    assert_alive(f);
}

static void
token_is_required_over_tcp(void **state)
{
    static const char *const bad[] = {
        "", "Authorization: Bearer\r\n", "Authorization: Bearer x\r\n",
        "Authorization: Basic " TOKEN "\r\n",
        "Authorization: " TOKEN "\r\n",
        "Authorization: Bearer " TOKEN "x\r\n",
        "Authorization: Bearer correct-horse-batterz\r\n",
    };
    struct fixture *f = *state;
    struct http_stats stats;
    struct client c;

    client_open_tcp(&c, f);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        char *request = xasprintf("GET /echo" H "%s\r\n", bad[i]);

        assert_ask(401, &c, request);
        assert_has(&c.head, "WWW-Authenticate: Bearer\r\n");
        free(request);
    }
    /* Without it nobody learns which paths there are. */
    assert_ask(401, &c, "GET /nowhere" H "\r\n");
    assert_ask(200, &c, "GET /open" H "\r\n");
    assert_has(&c.body, "\"who\":\"tcp:127.0.0.1\"");
    assert_ask(401, &c, "PUT /open" H "\r\n");
    assert_ask(200, &c,
               "GET /echo" H "Authorization: bearer " TOKEN "\r\n\r\n");
    assert_ask(401, &c, "PUT /body" H "Content-Length: 5\r\n\r\n");
    client_wait_eof(&c);
    http_server_get_stats(f->server, &stats);
    assert_int_equal(stats.n_unauthorized, ARRAY_SIZE(bad) + 3);
    client_close(&c);
}

/* Who guesses is told so ever later; who has the token waits for nobody, though
 * the address is the same. */
static void
guesses_are_answered_late(void **state)
{
    static const char guess[] = "GET /echo" H "Authorization: Bearer x\r\n"
                                "\r\n";
    struct client guessing[14], honest, smuggling;
    struct fixture *f = *state;
    struct http_stats stats;
    size_t n = ARRAY_SIZE(guessing);

    client_open_tcp(&honest, f);
    for (size_t i = 0; i < n; i++) {
        client_open_tcp(&guessing[i], f);
        client_say(&guessing[i], guess);
    }
    do {
        client_turn(&honest);
        http_server_get_stats(f->server, &stats);
    } while (stats.n_unauthorized < n);
    assert_in_range(stats.n_logins_delayed, 1, 4);
    assert_ask(200, &honest,
               "GET /echo" H "Authorization: Bearer " TOKEN "\r\n\r\n");
    assert_ask(401, &honest, "GET /echo" H "\r\n");   /* No guess at all. */
    http_server_get_stats(f->server, &stats);
    assert_true(stats.n_replies[4] < n + 1);
    /* A body is not read, and must not be taken for a request. */
    client_open_tcp(&smuggling, f);
    client_say(&smuggling, "PUT /body" H "Authorization: Bearer x\r\n"
               "Content-Length: 31\r\n\r\nGET /open" H "\r\n");
    assert_int_equal(client_reply(&smuggling), 401);
    client_wait_eof(&smuggling);
    assert_int_equal(smuggling.in.length, 0);
    client_close(&smuggling);
    /* One is waited for; the others leave, or are cut off. */
    assert_int_equal(client_reply(&guessing[n - 4]), 401);
    for (size_t i = 0; i < n; i++) {
        client_close(&guessing[i]);
    }
    client_close(&honest);
    assert_alive(f);
}

#define AUTH "Authorization: Bearer " TOKEN "\r\n"

static void
cross_site_requests_are_refused_over_tcp(void **state)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        { "GET /echo" H AUTH "\r\n", 200 },
        { "GET /echo" H AUTH "Origin: http://h\r\n\r\n", 200 },
        { "GET /echo" H AUTH "Origin: https://H\r\n\r\n", 200 },
        { "GET /echo" H AUTH "Origin: http://h:81\r\n\r\n", 403 },
        { "GET /echo" H AUTH "Origin: ftp://h\r\n\r\n", 403 },
        { "GET /echo" H AUTH "Origin: null\r\n\r\n", 403 },
        { "GET /echo" H AUTH "Origin: https://b:8\r\n\r\n", 200 },
        { "GET /echo" H AUTH "Origin: https://b\r\n\r\n", 403 },
        { "GET /echo" H AUTH "Sec-Fetch-Site: none\r\n\r\n", 200 },
        { "GET /echo" H AUTH "Sec-Fetch-Site: same-site\r\n\r\n", 403 },
        { "GET /open" H "Sec-Fetch-Site: cross-site\r\n\r\n", 200 },
        /* It is not counted as one without the right token. */
        { "GET /echo" H "Sec-Fetch-Site: cross-site\r\n\r\n", 403 },
        { "GET /echo" H "\r\n", 401 },
        /* A body says what it is. */
        { "PUT /body" H AUTH "Content-Type: application/json\r\n"
          "Content-Length: 2\r\n\r\n{}", 200 },
        { "PUT /body" H AUTH "Content-Length: 2\r\n\r\n{}", 415 },
    };
    struct http_options options = HTTP_OPTIONS_DEFAULT;
    struct fixture *f = *state;
    struct http_stats stats;
    struct client c;

    options.origins = "https://a,https://b:8";
    restart(f, &options);
    client_open_tcp(&c, f);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_ask(cases[i].status, &c, cases[i].request);
    }
    client_close(&c);
    http_server_get_stats(f->server, &stats);
    assert_int_equal(stats.n_unauthorized, 1);
    assert_int_equal(stats.n_cross_origin, 6);

    /* No browser opens a unix socket. */
    client_open(&c, f);
    assert_ask(200, &c, "GET /echo" H "Origin: http://other\r\n\r\n");
    assert_ask(200, &c, "PUT /body" H "Content-Length: 2\r\n\r\n{}");
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
    restart(f, &options);
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
    http_reply_json(f->held, 200, json_object());
    f->held = NULL;
    assert_int_equal(client_reply(&busy), 200);
    http_server_get_stats(f->server, &stats);
    assert_int_equal(stats.n_turned_away, 1);
    assert_int_equal(stats.n_connections, 1);
    client_close(&idle);
    client_close(&busy);
    client_close(&late);
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
socket_file_is_private_and_replaced_when_stale(void **state)
{
    static const struct http_options options = HTTP_OPTIONS_DEFAULT;
    struct fixture *f = *state;
    struct http_server *other;
    struct stat st;
    char *text = NULL;

    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);

    /* A live one is not taken over. */
    other = http_server_create(f->base, &options, routes, 1, NULL);
    assert_int_equal(http_listen_unix(other, f->path, NULL, &text),
                     EADDRINUSE);
    free(text);
    assert_alive(f);

    /* Nor is what is no socket. */
    char *file = xasprintf("%s/file", f->dir);
    close(open(file, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(http_listen_unix(other, file, NULL, &text), EEXIST);
    free(text);
    unlink(file);

    /* A dead one is. */
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ovs_strlcpy(sun.sun_path, file, sizeof sun.sun_path);
    assert_int_equal(bind(fd, (struct sockaddr *) &sun, sizeof sun), 0);
    close(fd);
    assert_int_equal(http_listen_unix(other, file, NULL, &text), 0);
    assert_int_equal(http_listen_unix(other, file, "no-such-group", &text),
                     EADDRINUSE);
    free(text);
    http_server_destroy(other);
    assert_int_equal(lstat(file, &st), -1);
    free(file);
}

static void
tcp_is_for_loopback_with_a_token_only(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;

    static const struct {
        const char *address;
        const char *token;
        int error;
    } cases[] = {
        { "0.0.0.0:0", TOKEN, EACCES }, { "[::]:0", TOKEN, EACCES },
        { "192.0.2.1:80", TOKEN, EACCES }, { "127.0.0.1:0", NULL, EACCES },
        { "localhost:0", TOKEN, EINVAL }, { "127.0.0.1:x", TOKEN, EINVAL },
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(http_listen_tcp(f->server, cases[i].address,
                                         cases[i].token, NULL, &text),
                         cases[i].error);
        free(text);
    }
}

static void
token_file_must_be_private_and_long_enough(void **state)
{
    static const struct {
        const char *content;
        int mode;
        int error;
    } cases[] = {
        { "0123456789abcdef\n", 0600, 0 },
        { "0123456789abcdef", 0400, 0 },
        { "0123456789abcdef\nmore\n", 0600, 0 },
        { "0123456789abcdef\n", 0640, EPERM },
        { "0123456789abcdef\n", 0604, EPERM },
        { "0123456789abcde\n", 0600, EINVAL },
        { "0123456789 abcdef\n", 0600, EINVAL },
        { "", 0600, EINVAL },
    };
    struct fixture *f = *state;
    char *file = xasprintf("%s/token", f->dir);

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *token, *text = NULL;
        int fd = open(file, O_CREAT | O_WRONLY | O_TRUNC, 0600);

        assert_true(write(fd, cases[i].content, strlen(cases[i].content))
                    >= 0);
        fchmod(fd, cases[i].mode);
        close(fd);
        assert_int_equal(http_token_load(file, &token, &text),
                         cases[i].error);
        if (!cases[i].error) {
            assert_string_equal(token, "0123456789abcdef");
        }
        free(token);
        free(text);
        unlink(file);
    }
    free(file);
}

int
main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(request_is_routed_and_answered),
        TEST(client_picks_the_coding_and_may_have_it_already),
        TEST(head_gets_the_headers_alone),
        TEST(request_may_come_byte_by_byte),
        TEST(pipelined_requests_are_answered_in_order),
        TEST(half_closed_client_gets_all_its_replies),
        TEST(malformed_request_is_refused_and_closed),
        TEST(oversized_head_is_refused_while_it_is_sent),
        TEST(unknown_query_parameters_are_all_named),
        TEST(bad_json_is_refused_and_the_connection_goes_on),
        TEST(etags_are_compared),
        TEST(continue_is_sent_only_for_a_body_that_is_wanted),
        TEST(slow_clients_are_timed_out),
        TEST(bodies_in_flight_are_bounded),
        TEST(slow_bodies_are_given_up),
        TEST(pipelining_client_does_not_keep_others_waiting),
        TEST(deadline_holds_for_a_client_that_trickles),
        TEST(reply_may_come_later),
        TEST(client_that_leaves_is_noticed),
        TEST(reply_to_a_client_that_left_is_harmless),
        TEST(dropped_request_closes_the_connection),
        TEST(destroying_the_server_lets_go_of_held_requests),
        TEST(token_is_required_over_tcp),
        TEST(guesses_are_answered_late),
        TEST(cross_site_requests_are_refused_over_tcp),
        TEST(connections_are_limited),
        TEST(large_reply_is_complete_for_a_slow_reader),
        TEST(rubbish_never_stops_the_server),
        TEST(socket_file_is_private_and_replaced_when_stale),
        TEST(tcp_is_for_loopback_with_a_token_only),
        TEST(token_file_must_be_private_and_long_enough),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
