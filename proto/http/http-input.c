/* SPDX-License-Identifier: Apache-2.0
 *
 * Parses the input of a client: heads, bodies, chunks, one request at a time.
 * Not for reading (http-conn.c), nor for handling requests
 * (http-request.c). */

#include <config.h>

#include "proto/http/http-private.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>

#include "timeval.h"
#include "util.h"

#define CHUNK_LINE_MAX 1024         /* Bytes of a chunk's size line. */
#define TRAILER_MAX 4096            /* Bytes of a chunked body's trailer
                                     * fields. */
#define LINGER_MAX (16u << 20)      /* Bytes discarded after a reply. */

static void
dispatch(struct http_conn *conn)
{
    struct http_request *req = conn->request;
    const struct http_server *server = conn->listener->server;

    http_conn_dispatched(conn);
    /* Last, since the handler may end the request, and even free the
     * connection. */
    if (req->route && server->refusal && !req->route->open) {
        http_reply_header(req, "Retry-After", "1");
        http_reply_problem(req, 503, "unavailable", NULL, "%s",
                           server->refusal);
    } else if (!req->route) {
        http_relay_dispatch(req);
    } else if (req->route->open || !server->options.hold
               || !server->options.hold(req, server->aux)) {
        http_request_handle(req);
    }
}

/* Handles a complete head: 'size' bytes at 'text'.  Returns false if a body
 * must be read; otherwise the connection may be freed. */
static bool
take_head(struct http_conn *conn, const char *text, size_t size)
{
    struct http_server *server = conn->listener->server;
    struct http_request *req = http_request_create(conn);
    struct http_fault fault;

    conn->request = req;
    if (!http_head_parse(&req->head, text, size, &fault)) {
        http_conn_fault(conn, &fault);
        return true;
    }
    evbuffer_drain(bufferevent_get_input(conn->bev), size);
    server->stats.n_requests++;
    req->understood = true;
    if (!http_request_accept(req)) {
        return true;                    /* The reply was sent, and the request
                                         * is freed. */
    }
    if (!req->head.chunked && !req->head.body_size) {
        dispatch(conn);
        return true;
    }
    if (req->head.expects_continue) {
        evbuffer_add_printf(bufferevent_get_output(conn->bev),
                            "HTTP/1.1 100 Continue\r\n\r\n");
        http_conn_flush(conn);
    }
    conn->state = HTTP_BODY;
    conn->timed = false;
    conn->body_ms = time_msec();
    /* Exactly the bytes that the budget grants: growing would take twice as
     * many. */
    ds_reserve(&req->body, req->head.body_size);
    conn->chunk = HTTP_CHUNK_SIZE;
    conn->trailer_size = 0;
    return false;
}

/* Reads a head.  Returns false if more bytes are needed, of the head or of a
 * body (see the state); otherwise the connection may be freed. */
static bool
read_head(struct http_conn *conn, struct evbuffer *in)
{
    size_t size = MIN(evbuffer_get_length(in), HTTP_HEAD_MAX + 1);
    const char *text = (const char *) evbuffer_pullup(in, size);
    struct http_fault fault;
    int head_size;

    head_size = http_head_size(text, size, &conn->scanned, &fault);
    if (head_size < 0) {
        http_conn_fault(conn, &fault);
        return true;
    }
    return head_size && take_head(conn, text, head_size);
}

/* Moves up to 'max' bytes to the body.  Returns how many these are. */
static size_t
take_body(struct http_conn *conn, struct evbuffer *in, uint64_t max)
{
    size_t n = MIN(evbuffer_get_length(in), max);

    if (n) {
        evbuffer_remove(in, ds_put_uninit(&conn->request->body, n), n);
    }
    return n;
}

/* Returns a line of chunk framing, which the caller frees, or NULL if it is
 * incomplete, or, with '*fault', if it is too long. */
static char *
take_line(struct evbuffer *in, size_t *len, struct http_fault *fault)
{
    char *line = evbuffer_readln(in, len, EVBUFFER_EOL_CRLF_STRICT);

    if (!line && evbuffer_get_length(in) > CHUNK_LINE_MAX) {
        fault->text = "The chunked body is malformed";
    }
    return line;
}

/* Reads a part of a chunked body.  Returns 1 if the body is complete, 0 if
 * not, -1 with '*fault', or -2 if a reply was sent already.  Sets '*progress'
 * if it may be called again at once. */
static int
read_chunked(struct http_conn *conn, struct evbuffer *in, bool *progress,
             struct http_fault *fault)
{
    struct http_request *req = conn->request;
    size_t len;

    *progress = true;
    fault->text = NULL;
    if (conn->chunk == HTTP_CHUNK_DATA) {
        size_t n = take_body(conn, in, conn->chunk_left);

        conn->chunk_left -= n;
        *progress = n != 0;
        if (!conn->chunk_left) {
            conn->chunk = HTTP_CHUNK_END;
        }
        return 0;
    }

    char *line = take_line(in, &len, fault);
    if (!line) {
        *progress = false;
        return fault->text ? -1 : 0;
    }
    fault->text = "The chunked body is malformed";
    bool ok = true, done = false;
    if (conn->chunk == HTTP_CHUNK_SIZE) {
        ok = http_chunk_size(line, len, &conn->chunk_left);
        conn->chunk = conn->chunk_left ? HTTP_CHUNK_DATA
                      : HTTP_CHUNK_TRAILER;
    } else if (conn->chunk == HTTP_CHUNK_END) {
        ok = !len;
        conn->chunk = HTTP_CHUNK_SIZE;
    } else {
        conn->trailer_size += len + 2;
        ok = conn->trailer_size <= TRAILER_MAX;
        done = !len;
    }
    free(line);
    if (ok && conn->chunk == HTTP_CHUNK_DATA
        && !http_limits_take(req, conn->chunk_left)) {
        return -2;
    }
    return !ok ? -1 : done;
}

/* Reads a body.  Returns false if more bytes are needed; otherwise the
 * connection may be freed. */
static bool
read_body(struct http_conn *conn, struct evbuffer *in)
{
    struct http_request *req = conn->request;
    struct http_fault fault = { .status = 400 };
    bool progress = true;

    if (!req->head.chunked) {
        take_body(conn, in, req->head.body_size - req->body.length);
        if (req->body.length < req->head.body_size) {
            return false;
        }
        dispatch(conn);
        return true;
    }

    int done = 0;
    while (!done && progress) {
        done = read_chunked(conn, in, &progress, &fault);
    }
    if (done == -1) {
        http_conn_fault(conn, &fault);
    } else if (done == 1) {
        dispatch(conn);
    }
    return done != 0;
}

static void
linger(struct http_conn *conn, struct evbuffer *in)
{
    size_t n = evbuffer_get_length(in);

    evbuffer_drain(in, n);
    conn->discarded += n;
    if (conn->half_closed || conn->discarded > LINGER_MAX) {
        http_conn_destroy(conn);
    }
}

/* Skips empty lines before a request (RFC 9112, section 2.2), and waits for
 * its first byte. */
static void
await_head(struct http_conn *conn, struct evbuffer *in)
{
    char eol[2];

    while (evbuffer_copyout(in, eol, 2) == 2 && !memcmp(eol, "\r\n", 2)) {
        evbuffer_drain(in, 2);
    }
    if (evbuffer_get_length(in) > 1 || (evbuffer_get_length(in)
                                        && evbuffer_copyout(in, eol, 1)
                                        && eol[0] != '\r')) {
        conn->state = HTTP_HEAD;
        conn->timed = false;
        conn->scanned = 0;
    }
}

void
http_input_take(struct http_conn *conn)
{
    const struct http_options *options = &conn->listener->server->options;
    struct evbuffer *in = bufferevent_get_input(conn->bev);

    if (conn->state == HTTP_IDLE) {
        await_head(conn, in);
    }
    if (conn->state == HTTP_HEAD && read_head(conn, in)) {
        return;
    }
    if (conn->state == HTTP_BODY && read_body(conn, in)) {
        return;
    }
    if (conn->state == HTTP_LINGERING) {
        linger(conn, in);
        return;
    }
    if (conn->state == HTTP_STREAMING) {
        evbuffer_drain(in, evbuffer_get_length(in)); /* Discard it; there is no
                                                      * reply. */
        return;
    }
    if (conn->half_closed && conn->state <= HTTP_BODY) {
        http_conn_destroy(conn);
    } else if (!conn->timed && conn->state == HTTP_HEAD) {
        http_deadline_set(conn, options->head_timeout_ms);
    } else if (!conn->timed && conn->state == HTTP_BODY) {
        http_deadline_set(conn, MIN(options->body_grace_ms,
                               options->body_timeout_ms));
    }
}
