/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests that are passed on (proto/relay): to a server behind the one that
 * has received them, which breaks off, sleeps, and is replaced. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <event2/event.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fatal-signal.h"
#include "openvswitch/vlog.h"
#include "proto/http/http.h"
#include "proto/relay/relay.h"
#include "proto/tls/tls.h"
#include "tests/unit/http-client.h"
#include "tests/unit/listening.h"
#include "tests/unit/turn-until.h"
#include "util.h"

#define H " HTTP/1.1\r\nHost: h\r\n"
/* How long a request waits that waits in vain; others wait for PATIENCE_MS. */
#define WAIT_MS 2000
/* Bytes of a reply that is passed back as it comes. */
#define BIG (3u << 20)

struct fixture {
    struct event_base *base;
    char dir[64];
    char *pem;                      /* Key, certificate and CA in one. */
    struct tls *tls;
    struct http_server *back;       /* Behind; or NULL. */
    char *address;                  /* Of it. */
    uint16_t port;                  /* The same. */
    uint64_t shown;                 /* By the relay's callback. */
    struct http_server *front;
    struct relay *relay;
    struct client client;
    struct http_request *held[2];   /* By the former, and the new one. */
    bool is_new;                    /* That one has come. */
    struct http_stream *slow;       /* Has been sent a half. */
    int n_breaks;                   /* Replies that it still breaks off. */
    int n_refusals;                 /* Requests that it still refuses. */
    int n_misdirected;              /* That are still sent to the wrong one. */
    int n_strangers;                /* That come before it knows from whom. */
    bool here;                      /* The last one is not to be passed on. */
    bool refuses_hold;
    char key[64];                   /* The last idempotency key. */
    char if_match[16];              /* The last, or "none". */
};

/* Writes a key and a certificate for "m" that it has signed itself. */
static void
write_certificate(const char *path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x509 = X509_new();
    X509_NAME *name = X509_get_subject_name(x509);
    FILE *stream = fopen(path, "w");
    X509_EXTENSION *san;
    X509V3_CTX v3;

    assert_non_null(stream);
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -60);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const unsigned char *) "m", -1, -1, 0);
    X509_set_issuer_name(x509, name);
    X509_set_pubkey(x509, key);
    X509V3_set_ctx(&v3, x509, x509, NULL, NULL, 0);
    san = X509V3_EXT_conf_nid(NULL, &v3, NID_subject_alt_name, "DNS:m");
    X509_add_ext(x509, san, -1);
    X509_EXTENSION_free(san);
    assert_true(X509_sign(x509, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_X509(stream, x509), 1);
    assert_int_equal(PEM_write_PrivateKey(stream, key, NULL, NULL, 0, NULL,
                                          NULL), 1);
    fclose(stream);
    X509_free(x509);
    EVP_PKEY_free(key);
}

/* The server behind.  ----------------------------------------------------- */

static bool
believe(const char *certificate, void *aux OVS_UNUSED)
{
    return !strcmp(certificate, "m");
}

static bool
know_relays(void *fixture)
{
    struct fixture *f = fixture;

    if (f->n_strangers) {
        f->n_strangers--;
        return false;
    }
    return true;
}

static bool
authenticate(struct http_request *req OVS_UNUSED,
             const struct http_peer *peer OVS_UNUSED, void *aux OVS_UNUSED)
{
    return true;
}

/* Says who has asked, and for what. */
static void
handle_echo(struct http_request *req, void *fixture_)
{
    const char *key = http_request_header(req, "Idempotency-Key");
    const char *if_match = http_request_header(req, "If-Match");
    struct fixture *f = fixture_;
    struct ds ds = DS_EMPTY_INITIALIZER;

    ovs_strlcpy(f->key, key ? key : "", sizeof f->key);
    ovs_strlcpy(f->if_match, if_match ? if_match : "none",
                sizeof f->if_match);
    f->here = http_request_is_here(req);
    if (f->n_misdirected) {
        f->n_misdirected--;
        http_reply_problem(req, HTTP_MISDIRECTED, NULL, NULL, "not me");
        return;
    }
    if (f->n_refusals) {
        f->n_refusals--;
        http_reply_problem(req, 503, NULL, NULL, "not now");
        return;
    }
    ds_put_format(&ds, "%s %s %s %.*s", http_request_who(req),
                  http_request_method(req), http_request_target(req),
                  (int) http_request_body_size(req), http_request_body(req));
    http_reply_header(req, "X-More", "yes");
    http_reply_header(req, "X-Empty", "");
    http_reply_header(req, "X-Odd", ": a:b");
    http_reply_body(req, 200, "text/plain", &ds);
}

static void
on_drained(void *aux OVS_UNUSED)
{
}

static void
on_closed(void *aux OVS_UNUSED, bool stuck OVS_UNUSED)
{
}

static const struct http_stream_ops stream_ops = { on_drained, on_closed };

/* Says that 10 bytes follow, and breaks off after 5; or not. */
static void
handle_short(struct http_request *req, void *fixture_)
{
    struct http_stream *stream = http_reply_sized_stream(
        req, 200, "text/plain", 10, &stream_ops, NULL);
    struct fixture *f = fixture_;

    assert_non_null(stream);
    if (f->n_breaks) {
        f->n_breaks--;
        http_stream_write(stream, "01234", 5);
        http_stream_end(stream);
    } else {
        http_stream_write(stream, "0123456789", 10);
        http_stream_end(stream);
    }
}

static void
handle_big(struct http_request *req, void *fixture OVS_UNUSED)
{
    char *bytes = xmalloc(BIG);

    memset(bytes, 'x', BIG);
    http_reply_bytes(req, 200, "text/plain", bytes, BIG);
    free(bytes);
}

/* Sends half of it, and the rest by and by. */
static void
handle_slow(struct http_request *req, void *fixture_)
{
    char *bytes = xmalloc(BIG / 2);
    struct fixture *f = fixture_;

    f->slow = http_reply_sized_stream(req, 200, "text/plain", BIG,
                                      &stream_ops, NULL);
    assert_non_null(f->slow);
    memset(bytes, 'x', BIG / 2);
    http_stream_write(f->slow, bytes, BIG / 2);
    free(bytes);
}

static void
end_slow(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *fixture_)
{
    char *bytes = xmalloc(BIG / 2);
    struct fixture *f = fixture_;

    memset(bytes, 'x', BIG / 2);
    http_stream_write(f->slow, bytes, BIG / 2);
    http_stream_end(f->slow);
    f->slow = NULL;
    free(bytes);
}

static void
on_gone(void *held_)
{
    struct http_request **held = held_;

    http_request_drop(*held);
    *held = NULL;
}

static void
handle_hold(struct http_request *req, void *fixture_)
{
    struct fixture *f = fixture_;

    if (f->refuses_hold) {
        http_reply_problem(req, 503, NULL, NULL, "not now");
        return;
    }
    f->held[f->is_new] = req;
    http_request_set_close_cb(req, on_gone, &f->held[f->is_new]);
}

static void
load_tls(struct fixture *f)
{
    const struct tls_options options = {
        .private_key = f->pem, .certificate = f->pem, .ca_cert = f->pem,
        .peers_are_equal = true,
    };
    char *text = NULL;

    if (tls_create(&options, f->base, &f->tls, &text)) {
        fail_msg("%s", text);
    }
}

/* Streams what a relay is told of it, and what only looks like it. */
static void
handle_events(struct http_request *req, void *aux OVS_UNUSED)
{
    static const char text[] = "data: " HTTP_RELAYED_SHOWN_LINE "90\n"
                               HTTP_RELAYED_SHOWN_LINE "\n"
                               HTTP_RELAYED_SHOWN_LINE "x91\n\n"
                               HTTP_RELAYED_SHOWN_LINE "7\n\n:sho\n\n";
    struct http_stream *stream = http_reply_stream(
        req, 200, "text/event-stream", &stream_ops, NULL);

    http_stream_write(stream, text, strlen(text));
    http_stream_end(stream);
}

static uint64_t
revision_is_5(void *aux OVS_UNUSED)
{
    return 5;
}

static uint64_t
shown_revision_is_6(void *aux OVS_UNUSED)
{
    return 6;
}

static void
start_back(struct fixture *f)
{
    static const struct http_route routes[] = {
        { .method = HTTP_GET, .pattern = "/echo", .handler = handle_echo,
          .query = "q" },
        { .method = HTTP_PUT, .pattern = "/echo", .handler = handle_echo,
          .takes_body = true },
        { .method = HTTP_GET, .pattern = "/short", .handler = handle_short },
        { .method = HTTP_GET, .pattern = "/big", .handler = handle_big },
        { .method = HTTP_GET, .pattern = "/hold", .handler = handle_hold },
        { .method = HTTP_GET, .pattern = "/events", .handler = handle_events },
        { .method = HTTP_PUT, .pattern = "/hold", .handler = handle_hold },
        { .method = HTTP_GET, .pattern = "/own/echo",
          .handler = handle_echo },
        { .method = HTTP_GET, .pattern = "/own/hold",
          .handler = handle_hold },
        { .method = HTTP_GET, .pattern = "/own/slow",
          .handler = handle_slow },
    };
    struct http_options options = HTTP_OPTIONS_DEFAULT;
    char *text = NULL;

    options.tls_timeout_ms = PATIENCE_MS;
    options.may_relay = believe;
    options.knows_relays = know_relays;
    options.authenticate = authenticate;
    options.revision = revision_is_5;
    options.shown_revision = shown_revision_is_6;
    f->back = http_server_create(f->base, &options, routes,
                                 ARRAY_SIZE(routes), f);
    if (http_listen_relayed(f->back, "127.0.0.1:0", f->tls, &text)) {
        fail_msg("%s", text);
    }
    free(f->address);
    f->port = listening_port_but(f->port);
    f->address = xasprintf("127.0.0.1:%u", f->port);
}

static void
stop_back(struct fixture *f)
{
    http_server_destroy(f->back);
    f->back = NULL;
    f->port = 0;
    assert_null(f->held[0]);
}

/* The one in front.  ------------------------------------------------------ */

static void
relay_cb(struct http_request *req, const struct http_peer *peer,
         void *fixture_)
{
    struct fixture *f = fixture_;

    relay_pass(f->relay, req, peer);
}

/* It has the other server asked, and can answer as well. */
static void
handle_own(struct http_request *req, void *fixture OVS_UNUSED)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (!http_request_was_given_back(req)) {
        http_request_pass_or_handle(req);
        return;
    }
    ds_put_format(&ds, "own %s", http_request_param(req, "what"));
    http_reply_body(req, 200, "text/plain", &ds);
}

static void
on_shown(void *fixture, uint64_t revision)
{
    struct fixture *f = fixture;

    f->shown = revision;
}

/* With the fixture's certificates, and time to connect. */
static void
make_relay_of(struct fixture *f, struct relay_options options)
{
    options.private_key = options.certificate = options.ca_cert = f->pem;
    options.connect_ms = PATIENCE_MS;
    relay_destroy(f->relay);
    f->relay = relay_create(f->base, &options);
}

static void
make_relay(struct fixture *f, int64_t wait_ms)
{
    make_relay_of(f, (struct relay_options) {
        .wait_ms = wait_ms, .shown = on_shown, .aux = f,
    });
}

static int
setup(void **state)
{
    static const struct http_route routes[] = {
        { .method = HTTP_GET, .pattern = "/own/{what}",
          .handler = handle_own },
    };
    struct fixture *f = xzalloc(sizeof *f);
    struct http_options options = HTTP_OPTIONS_DEFAULT;
    char *text = NULL, *path;

    f->base = event_base_new();
    ovs_strlcpy(f->dir, "/tmp/vmn-relay-XXXXXX", sizeof f->dir);
    assert_non_null(mkdtemp(f->dir));
    f->pem = xasprintf("%s/m.pem", f->dir);
    write_certificate(f->pem);
    load_tls(f);
    start_back(f);
    make_relay(f, PATIENCE_MS);
    options.relay = relay_cb;
    f->front = http_server_create(f->base, &options, routes,
                                  ARRAY_SIZE(routes), f);
    path = xasprintf("%s/sock", f->dir);
    if (http_listen_unix(f->front, path, NULL, &text)) {
        fail_msg("%s", text);
    }
    client_connect(&f->client, f->base, path);
    free(path);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    client_close(&f->client);
    relay_destroy(f->relay);
    http_server_destroy(f->front);
    http_server_destroy(f->back);
    tls_destroy(f->tls);
    event_base_free(f->base);
    unlink(f->pem);
    rmdir(f->dir);
    free(f->pem);
    free(f->address);
    free(f);
    return 0;
}

static void
use_back(struct fixture *f)
{
    relay_set_server(f->relay, "m", f->address);
}

static struct relay_stats
stats_of(const struct fixture *f)
{
    struct relay_stats stats;

    relay_get_stats(f->relay, &stats);
    return stats;
}

static void
await_held(struct fixture *f)
{
    while (!f->held[f->is_new]) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
}

/* Has a new server beside the former, which is not asked any more.  Returns
 * that. */
static struct http_server *
replace_back(struct fixture *f)
{
    struct http_server *former = f->back;

    f->is_new = true;
    start_back(f);
    use_back(f);
    return former;
}

/* Tests.  ---------------------------------------------------------------- */

static void
requests_and_replies_are_whole(void **state)
{
    struct fixture *f = *state;
    char key[sizeof f->key];

    use_back(f);
    assert_int_equal(client_ask(&f->client, "GET /echo?q=a%20b" H "\r\n"),
                     200);
    assert_has(&f->client.body, "unix:uid=");
    assert_has(&f->client.body, "GET /echo?q=a%20b ");
    assert_has(&f->client.head, "X-More: yes");
    assert_has(&f->client.head, "X-Empty: \r\n");
    assert_has(&f->client.head, "X-Odd: : a:b\r\n");
    assert_string_equal(f->key, "");

    assert_int_equal(client_ask(&f->client, "PUT /echo" H
                                "Content-Length: 2\r\n\r\n{}"), 200);
    assert_has(&f->client.body, "PUT /echo {}");
    /* A key of its own, another each time. */
    assert_true(strlen(f->key) > 30);
    ovs_strlcpy(key, f->key, sizeof key);
    assert_int_equal(client_ask(&f->client, "PUT /echo" H "\r\n"), 200);
    assert_string_not_equal(f->key, key);
    /* Or the client's. */
    assert_int_equal(client_ask(&f->client, "PUT /echo" H
                                "Idempotency-Key: \"k\"\r\n\r\n"), 200);
    assert_string_equal(f->key, "\"k\"");
    assert_int_equal(client_ask(&f->client, "GET /none" H "\r\n"), 404);

    client_say(&f->client, "GET /big" H "\r\n");
    assert_int_equal(client_reply(&f->client), 200);
    assert_int_equal(f->client.body.length, BIG);
    assert_int_equal(stats_of(f).n_now, 0);
}

/* What the client is about to be shown this server knows before it is. */
static void
revisions_are_told(void **state)
{
    struct fixture *f = *state;

    use_back(f);
    assert_int_equal(client_ask(&f->client, "GET /echo" H "\r\n"), 200);
    assert_int_equal(f->shown, 6);
    assert_has(&f->client.head, "\r\n" HTTP_REVISION ": 5\r\n");
    assert_null(strstr(ds_cstr(&f->client.head), HTTP_RELAYED_SHOWN));
    client_say(&f->client, "GET /events" H "\r\n");
    client_wait_eof(&f->client);
    assert_int_equal(f->shown, 7);
}

static void
broken_reply_is_no_reply(void **state)
{
    struct fixture *f = *state;

    use_back(f);
    f->n_breaks = 3;
    assert_int_equal(client_ask(&f->client, "GET /short" H "\r\n"), 200);
    assert_string_equal(ds_cstr(&f->client.body), "0123456789");
    assert_int_equal(stats_of(f).n_again, 3);
}

static void
without_a_server_it_waits_for_one(void **state)
{
    struct fixture *f = *state;

    client_say(&f->client, "GET /echo" H "\r\n");
    while (!stats_of(f).n_now) {
        client_turn(&f->client);
    }
    use_back(f);
    assert_int_equal(client_reply(&f->client), 200);

    /* Not for ever. */
    stop_back(f);
    make_relay(f, WAIT_MS);
    use_back(f);
    assert_int_equal(client_ask(&f->client, "GET /echo" H "\r\n"), 503);
    assert_has(&f->client.body, "member \\\"m\\\" at 127.0.0.1:");
    assert_has(&f->client.head, "Retry-After: 1");
    relay_set_server(f->relay, NULL, NULL);
    assert_int_equal(client_ask(&f->client, "GET /echo" H "\r\n"), 503);
    assert_has(&f->client.body, "no member of the cluster");
    assert_int_equal(stats_of(f).n_failed, 2);
}

/* All that has waited is sent when there is a server, and replied; more than
 * connect at once.  Under valgrind, all their handshakes take long. */
static void
crowd_is_served(void **state)
{
    enum { N = 50 };
    struct fixture *f = *state;
    char *path = xasprintf("%s/sock", f->dir);
    struct client clients[N];

    make_relay(f, 5 * PATIENCE_MS);
    for (int i = 0; i < N; i++) {
        client_connect(&clients[i], f->base, path);
        client_say(&clients[i], "PUT /echo" H "\r\n");
    }
    while (stats_of(f).n_now < N) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    use_back(f);
    for (int i = 0; i < N; i++) {
        assert_int_equal(client_reply(&clients[i]), 200);
        client_close(&clients[i]);
    }
    assert_int_equal(stats_of(f).n_failed, 0);
    free(path);
}

static void
next_server_gets_what_the_former_has_not_replied(void **state)
{
    struct http_server *former;
    struct fixture *f = *state;

    use_back(f);
    client_say(&f->client, "GET /hold" H "\r\n");
    await_held(f);
    /* It sleeps: its connection is up. */
    former = replace_back(f);
    await_held(f);
    while (f->held[0]) {
        client_turn(&f->client);    /* The relay has left it. */
    }
    http_request_set_close_cb(f->held[1], NULL, NULL);
    http_reply_bytes(f->held[1], 200, "text/plain", "new", 3);
    f->held[1] = NULL;
    assert_int_equal(client_reply(&f->client), 200);
    assert_string_equal(ds_cstr(&f->client.body), "new");
    http_server_destroy(former);
}

static void
refusal_is_held_back_for_the_next_server(void **state)
{
    struct http_server *former;
    struct fixture *f = *state;
    char key[sizeof f->key];

    /* None comes: it is passed back, once. */
    use_back(f);
    f->n_refusals = 1;
    assert_int_equal(client_ask(&f->client, "PUT /echo" H "\r\n"), 503);
    assert_has(&f->client.body, "not now");
    /* Reading is not held back. */
    f->n_refusals = 1;
    assert_int_equal(client_ask(&f->client, "GET /echo" H "\r\n"), 503);

    f->n_refusals = 1;
    client_say(&f->client, "PUT /echo" H "\r\n");
    while (f->n_refusals) {
        client_turn(&f->client);
    }
    ovs_strlcpy(key, f->key, sizeof key);
    former = replace_back(f);
    assert_int_equal(client_reply(&f->client), 200);
    assert_string_equal(f->key, key);
    http_server_destroy(former);
}

/* An earlier try has had no reply: what refuses the next one cannot know. */
static void
refusal_after_a_doubt_is_none(void **state)
{
    struct http_server *former;
    struct fixture *f = *state;

    use_back(f);
    client_say(&f->client, "PUT /hold" H "\r\n");
    await_held(f);
    f->refuses_hold = true;
    former = replace_back(f);
    assert_int_equal(client_reply(&f->client), 503);
    assert_has(&f->client.body, "urn:vmn:problem:uncertain");
    assert_has(&f->client.body, "not now; it is not known whether");
    assert_int_equal(stats_of(f).n_now, 0);
    /* What was never sent is certain. */
    make_relay(f, WAIT_MS);
    relay_set_server(f->relay, "m", "127.0.0.1:1");
    assert_int_equal(client_ask(&f->client, "PUT /echo" H "\r\n"), 503);
    assert_has(&f->client.body, "urn:vmn:problem:unavailable");
    http_server_destroy(former);
}

/* It may be the right one a moment later. */
static void
wrong_server_is_asked_again(void **state)
{
    struct fixture *f = *state;

    use_back(f);
    f->n_misdirected = 2;
    assert_int_equal(client_ask(&f->client, "PUT /echo" H "\r\n"), 200);
    f->n_misdirected = 2;
    assert_int_equal(client_ask(&f->client, "GET /echo" H "\r\n"), 200);
    assert_int_equal(stats_of(f).n_again, 4);
    f->n_strangers = 1;
    assert_int_equal(client_ask(&f->client, "PUT /echo" H
                                "Content-Length: 2\r\n\r\n{}"), 200);
    assert_int_equal(f->n_strangers, 0);
    /* It has not carried anything out. */
    make_relay(f, WAIT_MS);
    use_back(f);
    f->n_misdirected = INT_MAX;
    assert_int_equal(client_ask(&f->client, "PUT /echo" H "\r\n"), 503);
    assert_has(&f->client.body, "urn:vmn:problem:unavailable");
    assert_has(&f->client.body, "does not answer it");
}

static void
server_is_told_to_pass_nothing_on(void **state)
{
    struct fixture *f = *state;

    use_back(f);
    assert_int_equal(client_ask(&f->client, "GET /echo" H "\r\n"), 200);
    assert_false(f->here);
    make_relay_of(f, (struct relay_options) {
        .wait_ms = PATIENCE_MS, .here = true });
    use_back(f);
    assert_int_equal(client_ask(&f->client, "GET /echo" H "\r\n"), 200);
    assert_true(f->here);
}

static void
server_that_does_not_answer_is_given_up(void **state)
{
    struct fixture *f = *state;

    make_relay_of(f, (struct relay_options) {
        .wait_ms = WAIT_MS, .reply_ms = WAIT_MS, .here = true });
    use_back(f);
    client_say(&f->client, "GET /hold" H "\r\n");
    await_held(f);
    assert_int_equal(client_reply(&f->client), 503);
    assert_has(&f->client.body, "urn:vmn:problem:unavailable");
    assert_has(&f->client.body, "has not answered in time");
    while (f->held[0]) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    /* Nor is what it refuses held back: there is no other. */
    f->n_refusals = 1;
    assert_int_equal(client_ask(&f->client, "PUT /echo" H "\r\n"), 503);
    assert_has(&f->client.body, "not now");
}

static void
expect_own(struct fixture *f, const char *target)
{
    char *request = xasprintf("GET /own/%s" H "\r\n", target);
    char *own = xasprintf("own %s", target);

    assert_int_equal(client_ask(&f->client, request), 200);
    assert_has(&f->client.body, own);
    assert_int_equal(stats_of(f).n_now, 0);
    free(own);
    free(request);
}

/* What its own server can answer, too, does not fail with the other one. */
static void
read_is_given_back(void **state)
{
    static const char echo[] = "GET /own/echo" H "\r\n";
    struct fixture *f = *state;

    /* There is none, yet. */
    expect_own(f, "echo");
    use_back(f);
    assert_int_equal(client_ask(&f->client, echo), 200);
    assert_has(&f->client.body, "GET /own/echo");
    /* It refuses, is not the one, or does not know the answer. */
    f->n_refusals = 1;
    expect_own(f, "echo");
    f->n_misdirected = 1;
    expect_own(f, "echo");
    assert_int_equal(client_ask(&f->client, "GET /own/x" H "\r\n"), 404);
    /* It does not answer in time, and who asks may leave meanwhile. */
    expect_own(f, "hold");
    client_say(&f->client, "GET /own/hold" H "\r\n");
    await_held(f);
    client_close(&f->client);
    while (f->held[0] || stats_of(f).n_now) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    /* It is gone. */
    char *path = xasprintf("%s/sock", f->dir);
    client_connect(&f->client, f->base, path);
    stop_back(f);
    expect_own(f, "echo");
    assert_int_equal(stats_of(f).n_failed, 0);
    free(path);
}

/* The time is that until the reply begins. */
static void
long_reply_is_not_cut_off(void **state)
{
    static const struct timeval later = { 1, 200 * 1000 };
    struct fixture *f = *state;

    use_back(f);
    client_say(&f->client, "GET /own/slow" H "\r\n");
    while (!stats_of(f).n_passed) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    event_base_once(f->base, -1, EV_TIMEOUT, end_slow, f, &later);
    assert_int_equal(client_reply(&f->client), 200);
    assert_int_equal(f->client.body.length, BIG);
    assert_null(f->slow);
}

static void
client_that_leaves_is_forgotten(void **state)
{
    struct fixture *f = *state;

    use_back(f);
    client_say(&f->client, "GET /hold" H "\r\n");
    await_held(f);
    client_close(&f->client);
    while (f->held[0] || stats_of(f).n_now) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    /* In the middle of a long reply, too. */
    char *path = xasprintf("%s/sock", f->dir);
    client_connect(&f->client, f->base, path);
    client_say(&f->client, "GET /big" H "\r\n");
    while (!stats_of(f).n_passed) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    client_close(&f->client);
    while (stats_of(f).n_now) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    client_connect(&f->client, f->base, path);
    assert_int_equal(client_ask(&f->client, "GET /echo" H "\r\n"), 200);
    free(path);
}

/* What the other server refuses must not be left out, as if it had not been
 * said. */
static void
odd_headers_are_passed_on(void **state)
{
    struct fixture *f = *state;

    use_back(f);
    assert_int_equal(client_ask(&f->client, "PUT /echo" H "\r\n"), 200);
    assert_string_equal(f->if_match, "none");
    assert_int_equal(client_ask(&f->client, "PUT /echo" H
                                "If-Match:\r\n\r\n"), 200);
    assert_string_equal(f->if_match, "");
    /* Empty is no key; the one that is made here would hide that. */
    assert_int_equal(client_ask(&f->client, "PUT /echo" H
                                "Idempotency-Key:\r\n\r\n"), 200);
    assert_string_equal(f->key, "");
    assert_int_equal(client_ask(&f->client, "PUT /echo" H
                                "Idempotency-Key: a\r\n"
                                "Idempotency-Key: b\r\n\r\n"), 400);
    assert_string_equal(f->key, "");
    /* A type is passed on without a body, too, and judged there. */
    assert_int_equal(client_ask(&f->client, "PUT /echo" H
                                "Content-Type: text/plain\r\n\r\n"), 415);
}

/* The files have a new key, and a new CA. */
static void
replaced_ca_is_believed_at_once(void **state)
{
    struct fixture *f = *state;

    use_back(f);
    assert_int_equal(client_ask(&f->client, "GET /echo" H "\r\n"), 200);
    stop_back(f);
    tls_destroy(f->tls);
    write_certificate(f->pem);
    load_tls(f);
    start_back(f);
    use_back(f);
    assert_int_equal(client_ask(&f->client, "GET /echo" H "\r\n"), 200);
}

static void
server_with_another_name_gets_nothing(void **state)
{
    struct fixture *f = *state;

    make_relay(f, WAIT_MS);
    relay_set_server(f->relay, "n", f->address);
    assert_int_equal(client_ask(&f->client, "GET /echo" H "\r\n"), 503);
    assert_has(&f->client.body, "cannot be reached");
}

static void
the_end_replies_what_waits(void **state)
{
    struct fixture *f = *state;

    use_back(f);
    client_say(&f->client, "PUT /hold" H "\r\n");
    await_held(f);
    make_relay(f, WAIT_MS);     /* Ends the former one. */
    assert_int_equal(client_reply(&f->client), 503);
    assert_has(&f->client.body, "urn:vmn:problem:uncertain");
    while (f->held[0]) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(requests_and_replies_are_whole),
        TEST(revisions_are_told),
        TEST(broken_reply_is_no_reply),
        TEST(without_a_server_it_waits_for_one),
        TEST(crowd_is_served),
        TEST(next_server_gets_what_the_former_has_not_replied),
        TEST(refusal_is_held_back_for_the_next_server),
        TEST(refusal_after_a_doubt_is_none),
        TEST(wrong_server_is_asked_again),
        TEST(server_is_told_to_pass_nothing_on),
        TEST(read_is_given_back),
        TEST(long_reply_is_not_cut_off),
        TEST(server_that_does_not_answer_is_given_up),
        TEST(client_that_leaves_is_forgotten),
        TEST(odd_headers_are_passed_on),
        TEST(replaced_ca_is_believed_at_once),
        TEST(server_with_another_name_gets_nothing),
        TEST(the_end_replies_what_waits),
    };

    vlog_set_levels(NULL, VLF_CONSOLE, VLL_OFF);
    fatal_ignore_sigpipe();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
