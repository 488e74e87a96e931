/* SPDX-License-Identifier: Apache-2.0
 *
 * Sends replies.  Each function writes the whole message into the connection's
 * output and ends the request; if the client has disconnected, it only ends
 * the request. */

#include <config.h>

#include "proto/http/http-private.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "timeval.h"
#include "util.h"

/* At the end of the tag of a compressed body. */
#define GZIP_TAG "-gzip"

static const struct {
    int status;
    const char *phrase;
} phrases[] = {
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 304, "Not Modified" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 417, "Expectation Failed" },
    { HTTP_MISDIRECTED, "Misdirected Request" },
    { 422, "Unprocessable Content" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
};

static const char *
http_status_phrase(int status)
{
    for (size_t i = 0; i < ARRAY_SIZE(phrases); i++) {
        if (phrases[i].status == status) {
            return phrases[i].phrase;
        }
    }
    return "Unknown";
}

void
http_reply_header(struct http_request *req, const char *name,
                  const char *value)
{
    for (const char *p = value; *p; p++) {
        ovs_assert(*p >= ' ' && *p < 0x7f);
    }
    ds_put_format(&req->headers, "%s: %s\r\n", name, value);
}

void
http_reply_etag(struct http_request *req, const char *etag)
{
    free(req->etag);
    req->etag = xasprintf("\"%s\"", etag);
}

void
http_reply_weak_etag(struct http_request *req, const char *etag)
{
    free(req->etag);
    req->etag = xasprintf("W/\"%s\"", etag);
}

void
http_reply_secret(struct http_request *req)
{
    req->has_secret = true;
}

void
http_reply_allow_caching(struct http_request *req)
{
    req->cacheable = true;
}

/* Returns the Date header's value, which is computed once a second. */
static const char *
get_date(struct http_server *server)
{
    long long int now_s = time_wall();

    if (now_s != server->date_s) {
        time_t now = now_s;
        struct tm tm;

        gmtime_r(&now, &tm);
        strftime(server->date, sizeof server->date,
                 "%a, %d %b %Y %H:%M:%S GMT", &tm);
        server->date_s = now_s;
    }
    return server->date;
}

/* Writes of which revision the reply is. */
static void
put_revision(const struct http_request *req, struct evbuffer *out)
{
    const struct http_options *options = &req->server->options;

    if (!req->route || !req->authenticated || !options->revision) {
        return;
    }
    evbuffer_add_printf(out, HTTP_REVISION": %"PRIu64"\r\n", req->revision
                        ? req->revision : options->revision(req->server->aux));
}

/* Writes headers that restrict what browsers do with the reply, and what they
 * may interpret it as; and for another server, what it may believe of the
 * client. */
static void
put_guards(const struct http_request *req, struct evbuffer *out)
{
    if (req->authenticated && req->conn->listener->relayed) {
        evbuffer_add_printf(out, HTTP_RELAYED_OK ": yes\r\n");
    }
    evbuffer_add_printf(out, "Cache-Control: %s\r\n"
                        "X-Content-Type-Options: nosniff\r\n%s%s",
                        req->cacheable ? "no-cache" : "no-store",
                        req->cacheable ? ""
                        : "Content-Security-Policy: default-src 'none'; "
                          "frame-ancestors 'none'\r\n",
                        req->conn->tls
                        ? "Strict-Transport-Security: max-age=31536000\r\n"
                        : "");
}

/* Writes the entity tag.  Other bytes require another strong tag (RFC 9110,
 * section 8.8.3). */
static void
put_etag(const struct http_request *req, struct evbuffer *out)
{
    bool is_other = req->gzipped && req->etag && req->etag[0] == '"';

    if (req->etag) {
        evbuffer_add_printf(out, "ETag: %.*s%s\"\r\n",
                            (int) strlen(req->etag) - 1, req->etag,
                            is_other ? GZIP_TAG : "");
    }
}

/* Writes the status line and the headers.  'size' is the body's; -1 if it ends
 * with the connection.  'content_type' is NULL for a reply without a body,
 * which has no headers about one (RFC 9110, sections 8.6 and 15.4.5). */
static void
put_head(struct http_request *req, struct evbuffer *out, int status,
         const char *content_type, int64_t size)
{
    bool is_gzipped = req->gzipped && content_type;

    evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\n", status,
                        http_status_phrase(status), get_date(req->server));
    if (content_type) {
        evbuffer_add_printf(out, "Content-Type: %s\r\n", content_type);
    }
    put_guards(req, out);
    put_revision(req, out);
    if (size >= 0 && content_type) {
        evbuffer_add_printf(out, "Content-Length: %"PRId64"\r\n", size);
    }
    put_etag(req, out);
    if (req->varies) {
        evbuffer_add_printf(out, "Vary: Accept-Encoding\r\n");
    }
    evbuffer_add_printf(out, "%s%s%s\r\n",
                        is_gzipped ? "Content-Encoding: gzip\r\n" : "",
                        ds_cstr(&req->headers),
                        req->conn->close ? "Connection: close\r\n" : "");
}

/* Counts the reply, and decides whether the connection stays open. */
static void
begin_reply(struct http_request *req, int status)
{
    struct http_conn *conn = req->conn;

    req->server->stats.n_replies_to[
        req->understood ? req->head.method : HTTP_N_METHODS][status / 100]++;
    /* A body that was not read would be parsed as the next request. */
    if (req->head.close || conn->state != HTTP_HANDLING) {
        if (req->head.close || req->head.chunked || req->head.body_size) {
            conn->close = true;
        }
    }
}

/* Ends 'req' with a reply of 'size' bytes at 'body'. */
static void
send_reply(struct http_request *req, int status, const char *content_type,
           const void *body, size_t size)
{
    struct http_conn *conn = req->conn;

    if (!conn) {
        http_request_free(req);
        return;
    }

    struct evbuffer *out = bufferevent_get_output(conn->bev);

    begin_reply(req, status);
    put_head(req, out, status, content_type, size);
    if (size && !req->head.head) {
        evbuffer_add(out, body, size);
    }
    http_conn_replied(conn);
    http_request_free(req);
}

/* Compressed replies.  ---------------------------------------------------- */

/* Bytes of the shortest body that is compressed: a shorter one fits into one
 * packet anyway. */
#define GZIP_MIN 1400

/* A reply whose body is being compressed, a slice in each iteration of the
 * loop. */
struct compressed {
    struct http_request *req;
    char *content_type;
    struct ds body;
    struct http_gzip *gzip;
    struct event *next;
};

static void
compressed_destroy(struct compressed *c)
{
    event_free(c->next);
    http_gzip_destroy(c->gzip);
    ds_destroy(&c->body);
    free(c->content_type);
    free(c);
}

static void
disconnected_cb(void *c_)
{
    struct compressed *c = c_;

    http_request_drop(c->req);
    compressed_destroy(c);
}

static void
compress_slice(struct compressed *c)
{
    static const struct timeval at_once = { 0, 0 };
    const void *result;
    size_t size;

    if (http_gzip_continue(c->gzip)) {
        event_add(c->next, &at_once);
        return;
    }
    result = http_gzip_result(c->gzip, &size);
    http_request_set_close_cb(c->req, NULL, NULL);
    c->req->gzipped = result != NULL;
    send_reply(c->req, 200, c->content_type,
               result ? result : ds_cstr(&c->body),
               result ? size : c->body.length);
    compressed_destroy(c);
}

static void
next_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *c)
{
    compress_slice(c);
}

/* Takes ownership of 'body'. */
static void
compress(struct http_request *req, const char *content_type, struct ds *body)
{
    struct compressed *c = xmalloc(sizeof *c);

    c->req = req;
    c->content_type = xstrdup(content_type);
    c->body = *body;
    ds_init(body);
    c->gzip = http_gzip_create(ds_cstr(&c->body), c->body.length);
    c->next = event_new(req->server->base, -1, 0, next_cb, c);
    http_request_set_close_cb(req, disconnected_cb, c);
    compress_slice(c);
}

/* Returns true if a body of this size is compressed for clients that accept
 * it: of a read, without a secret. */
static bool
may_be_compressed(const struct http_request *req, size_t size)
{
    return (req->conn && req->head.method == HTTP_GET && !req->has_secret
            && size >= GZIP_MIN);
}

/* Returns true if the client has a copy with the reply's tag, or with that of
 * the compressed body, which is the tag of the 304 then: a cache selects its
 * copy by it (RFC 9111, section 4.3.4). */
static bool
has_current_copy(struct http_request *req)
{
    size_t start = req->etag && req->etag[0] == 'W' ? 3 : 1;
    char *plain, *gzip;
    bool has;

    if (!req->etag || req->head.method != HTTP_GET) {
        return false;
    }
    plain = xmemdup0(req->etag + start, strlen(req->etag) - start - 1);
    gzip = xasprintf("%s%s", plain, GZIP_TAG);
    has = http_request_has_etag(req, plain);
    if (!has) {
        has = req->gzipped = http_request_has_etag(req, gzip);
    }
    free(gzip);
    free(plain);
    return has;
}

void
http_reply_body(struct http_request *req, int status,
                const char *content_type, struct ds *body)
{
    req->varies = status == 200 && may_be_compressed(req, body->length);
    if (status == 200 && has_current_copy(req)) {
        http_reply_empty(req, 304);
        ds_destroy(body);
    } else if (req->varies && http_request_accepts(req, "gzip")) {
        compress(req, content_type, body);
    } else {
        send_reply(req, status, content_type, ds_cstr(body), body->length);
        ds_destroy(body);
    }
}

void
http_reply_bytes(struct http_request *req, int status,
                 const char *content_type, const void *bytes, size_t size)
{
    send_reply(req, status, content_type, bytes, size);
}

void
http_reply_empty(struct http_request *req, int status)
{
    send_reply(req, status, NULL, NULL, 0);
}

void
http_reply_file(struct http_request *req, int status,
                const char *content_type, int fd, off_t size)
{
    struct http_conn *conn = req->conn;

    if (!conn || req->head.head) {
        close(fd);
        if (!conn) {
            http_request_free(req);
            return;
        }
    }

    struct evbuffer *out = bufferevent_get_output(conn->bev);

    begin_reply(req, status);
    put_head(req, out, status, content_type, size);
    if (!req->head.head && evbuffer_add_file(out, fd, 0, size)) {
        out_of_memory();
    }
    http_conn_replied(conn);
    http_request_free(req);
}

/* The problem is no struct with a table of fields, as other replies are: the
 * server itself has problems to tell, and proto/ does not know
 * controller/schema.  That nb_reply_problem describes what is sent is tested
 * (test-northbound-described). */
static void
send_problem(struct http_request *req, int status, const json_t *body)
{
    char *text = json_dumps(body, JSON_COMPACT);
    char *line = xasprintf("%s\n", text);

    send_reply(req, status, "application/problem+json", line, strlen(line));
    free(line);
    free(text);
}

void
http_reply_problem(struct http_request *req, int status, const char *kind,
                   json_t *errors, const char *format, ...)
{
    json_t *body = json_object();
    va_list args;

    va_start(args, format);
    char *detail = xvasprintf(format, args);
    va_end(args);
    char *type = kind ? xasprintf("urn:vmn:problem:%s", kind)
                 : xstrdup("about:blank");

    json_object_set_new(body, "type", json_string(type));
    json_object_set_new(body, "title",
                        json_string(http_status_phrase(status)));
    json_object_set_new(body, "status", json_integer(status));
    json_object_set_new(body, "detail", http_json_string(detail));
    if (errors) {
        json_object_set_new(body, "errors", errors);
    }
    free(type);
    free(detail);
    send_problem(req, status, body);
    json_decref(body);
}

void
http_reply_fault(struct http_request *req, const struct http_fault *fault)
{
    if (req->server) {
        req->server->stats.n_bad++;
    }
    http_reply_problem(req, fault->status, "http", NULL, "%s", fault->text);
}

void
http_request_drop(struct http_request *req)
{
    struct http_conn *conn = req->conn;

    if (req->end_text) {
        http_reply_unauthorized(req, req->end_text, false);
        return;
    }
    if (conn) {
        conn->request = NULL;
        http_conn_destroy(conn);
    }
    http_request_free(req);
}

/* Streams.  -------------------------------------------------------------- */

struct http_stream *
http_reply_sized_stream(struct http_request *req, int status,
                        const char *content_type, int64_t size,
                        const struct http_stream_ops *ops, void *aux)
{
    struct http_conn *conn = req->conn;
    struct http_stream *stream = NULL;

    if (conn) {
        conn->close = true;
        begin_reply(req, status);
        put_head(req, bufferevent_get_output(conn->bev), status,
                 content_type, size);
        if (req->head.head) {
            http_conn_replied(conn);
        } else {
            stream = &conn->stream;
            *stream = (struct http_stream) { conn, ops, aux, false };
            http_conn_streams(conn);
        }
    }
    http_request_free(req);
    return stream;
}

struct http_stream *
http_reply_stream(struct http_request *req, int status,
                  const char *content_type,
                  const struct http_stream_ops *ops, void *aux)
{
    return http_reply_sized_stream(req, status, content_type, -1, ops, aux);
}

/* The bufferevent writes it at the end of this turn of the loop at the
 * earliest, so that all that is written in one turn is sent by one call. */
void
http_stream_write(struct http_stream *stream, const char *data, size_t size)
{
    struct bufferevent *bev = stream->conn->bev;

    evbuffer_add(bufferevent_get_output(bev), data, size);
    bufferevent_enable(bev, EV_WRITE);
}

size_t
http_stream_queued(const struct http_stream *stream)
{
    return evbuffer_get_length(bufferevent_get_output(stream->conn->bev));
}

const char *
http_stream_who(const struct http_stream *stream)
{
    return stream->conn->who;
}

void
http_stream_end(struct http_stream *stream)
{
    struct http_conn *conn = stream->conn;

    stream->ops = NULL;
    http_conn_streamed(conn);
}

void
http_stream_close(struct http_stream *stream)
{
    stream->ops = NULL;
    http_conn_destroy(stream->conn);
}
