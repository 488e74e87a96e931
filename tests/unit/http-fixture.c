/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the HTTP server share; see http-fixture.h. */

#include <config.h>

#include "tests/unit/http-fixture.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fatal-signal.h"
#include "openvswitch/vlog.h"
#include "proto/tls/tls.h"
#include "tests/unit/listening.h"
#include "util.h"

/* Routes.  --------------------------------------------------------------- */

void
reply_with_json(struct http_request *req, int status, json_t *body)
{
    char *text = json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);
    char *line = xasprintf("%s\n", text);

    http_reply_bytes(req, status, "application/json", line, strlen(line));
    free(line);
    free(text);
    json_decref(body);
}

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
    reply_with_json(req, 200, reply);
}

static void
handle_body(struct http_request *req, void *aux OVS_UNUSED)
{
    json_t *body = http_request_json(req);

    if (body) {
        reply_with_json(req, 200, body);
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
    http_request_set_close_cb(req, on_gone, f);
}

static void
handle_big(struct http_request *req, void *aux OVS_UNUSED)
{
    char *text = xmalloc(BIG);

    memset(text, 'x', BIG);
    http_reply_bytes(req, 200, "text/plain", text, BIG);
    free(text);
}

static void
handle_etag(struct http_request *req, void *aux OVS_UNUSED)
{
    http_reply_etag(req, "7");
    reply_with_json(req, 200, json_object());
}

static void
handle_if_match(struct http_request *req, void *aux OVS_UNUSED)
{
    bool creates;
    char *etag;

    if (http_request_if_match(req, &etag, &creates)) {
        reply_with_json(req, 200, json_pack("{s:s?, s:b}", "etag", etag,
                                            "creates", creates));
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
        http_reply_empty(req, 304);
    } else {
        http_reply_bytes(req, 200, "text/plain", gzip ? "g\0z" : "plain",
                         gzip ? 3 : 5);
    }
}

/* Replies with as many bytes as the path says, which become few when they are
 * compressed. */
static void
handle_text(struct http_request *req, void *aux OVS_UNUSED)
{
    const char *size = http_request_param(req, "size");
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_char_multiple(&ds, 'x', strtoul(size, NULL, 10));
    if (http_request_query(req, "secret")) {
        http_reply_secret(req);
    }
    if (http_request_query(req, "weak")) {
        http_reply_weak_etag(req, size);
    } else {
        http_reply_etag(req, size);
    }
    http_reply_body(req, 200, "text/plain", &ds);
}

static void
on_drained(void *fixture OVS_UNUSED)
{
}

static void
on_stream_closed(void *fixture_, bool stuck OVS_UNUSED)
{
    struct fixture *f = fixture_;

    f->stream = NULL;
}

static void
handle_stream(struct http_request *req, void *fixture_)
{
    static const struct http_stream_ops ops = { on_drained, on_stream_closed };
    struct fixture *f = fixture_;

    assert_null(f->stream);
    f->stream = http_reply_stream(req, 200, "text/plain", &ops, f);
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
    { .method = HTTP_GET, .pattern = "/text/{size}",
      .handler = handle_text, .query = "secret weak", .data = "" },
    { .method = HTTP_POST, .pattern = "/text/{size}",
      .handler = handle_text, .query = "secret weak", .data = "" },
    { .method = HTTP_GET, .pattern = "/",
      .handler = handle_coded, .open = true, .data = "" },
    { .method = HTTP_GET, .pattern = "/stream",
      .handler = handle_stream, .open = true, .data = "" },
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
        || http_listen_tcp(f->server, "127.0.0.1:0", TOKEN, f->tls,
                           &text)) {
        fail_msg("%s", text);
    }
}

int
http_fixture_setup(void **state)
{
    static const struct http_options options = HTTP_OPTIONS_DEFAULT;
    struct fixture *f = xzalloc(sizeof *f);

    alarm(240);
    f->base = event_base_new();
    ovs_strlcpy(f->dir, "/tmp/vmn-http-XXXXXX", sizeof f->dir);
    assert_non_null(mkdtemp(f->dir));
    f->path = xasprintf("%s/sock", f->dir);
    start(f, &options);
    *state = f;
    return 0;
}

int
http_fixture_teardown(void **state)
{
    struct fixture *f = *state;

    http_server_destroy(f->server);
    tls_destroy(f->tls);
    event_base_free(f->base);
    rmdir(f->dir);
    free(f->path);
    free(f);
    return 0;
}

void
http_fixture_restart(struct fixture *f, const struct http_options *options)
{
    http_server_destroy(f->server);
    start(f, options);
}

/* The client.  ----------------------------------------------------------- */

void
client_open(struct client *c, struct fixture *f)
{
    client_connect(c, f->base, f->path);
}

void
client_open_tcp(struct client *c, struct fixture *f)
{
    client_connect_tcp(c, f->base, listening_port());
}

void
assert_ask(int want, struct client *c, const char *request)
{
    int status = client_ask(c, request);

    if (status != want) {
        fail_msg("%d instead of %d: %s", status, want, request);
    }
}

int
ask_once(struct fixture *f, const char *request)
{
    struct client c;
    int status;

    client_open(&c, f);
    status = client_ask(&c, request);
    client_close(&c);
    return status;
}

void
assert_alive(struct fixture *f)
{
    assert_int_equal(ask_once(f, "GET /echo" H "\r\n"), 200);
}

void
http_fixture_init(void)
{
    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
}
