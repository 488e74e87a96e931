/* SPDX-License-Identifier: Apache-2.0
 *
 * A client's connection: takes requests apart, one at a time, and hands them
 * to their handlers.  What a client may make the server hold is bounded: the
 * input stops at a watermark, every state but "the handler has it" has a
 * deadline, and the next request is read only when the last reply has left. */

#include <config.h>

#include "proto/http/http-private.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "openvswitch/vlog.h"
#include "proto/tls/tls.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(http_conn);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 20);

#define INPUT_HIGH (64 * 1024)      /* Bytes that wait to be understood. */
#define CHUNK_LINE_MAX 1024         /* Bytes of a chunk's size line. */
#define TRAILER_MAX 4096            /* Bytes of a chunked body's trailers. */
#define LINGER_MS 2000              /* For the client to read the reply. */
#define LINGER_MAX (16u << 20)      /* Bytes thrown away meanwhile. */
#define ANSWERS_MAX 8               /* Of one connection at a time. */

static void conn_input(struct http_conn *);

/* Deadlines.  A request changes its connection's several times, within one
 * turn as a rule, and most are never met: the timer is only set anew for one
 * that comes earlier, and looks at the deadline when it fires.  */

static void
set_timer(struct http_conn *conn, long long int when_ms)
{
    long long int ms = MAX(when_ms - time_msec(), 0);
    struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

    conn->timer_ms = when_ms;
    event_add(conn->timer, &tv);
}

static void
set_deadline(struct http_conn *conn, int ms)
{
    conn->timed = true;
    conn->deadline_ms = time_msec() + ms;
    if (conn->deadline_ms < conn->timer_ms) {
        set_timer(conn, conn->deadline_ms);
    }
}

static void
clear_deadline(struct http_conn *conn)
{
    conn->deadline_ms = LLONG_MAX;
}

static void
become_idle(struct http_conn *conn)
{
    conn->state = HTTP_IDLE;
    set_deadline(conn, conn->listener->server->options.idle_timeout_ms);
    if (conn->entry.state != ADMISSION_PENDING) {
        admission_set_state(conn->listener->admission, &conn->entry,
                            ADMISSION_IDLE, time_msec());
    }
}

void
http_conn_authenticated(struct http_conn *conn)
{
    admission_set_state(conn->listener->admission, &conn->entry,
                        ADMISSION_ACTIVE, time_msec());
}

/* Tells the client that what it has got is all: by TLS, that nobody has cut it
 * short. */
static void
say_end(struct http_conn *conn)
{
    if (conn->tls) {
        SSL_shutdown(bufferevent_openssl_get_ssl(conn->bev));
        ERR_clear_error();
    }
}

char *
http_conn_certificate(const struct http_conn *conn)
{
    return (conn->tls ? tls_peer_name(bufferevent_openssl_get_ssl(conn->bev))
            : NULL);
}

void
http_conn_destroy(struct http_conn *conn)
{
    struct http_request *req = conn->request;

    ovs_list_remove(&conn->node);
    admission_remove(conn->listener->admission, &conn->entry);
    conn->listener->n_conns--;
    conn->listener->server->stats.n_connections--;
    event_free(conn->timer);
    if (conn->gone) {
        *conn->gone = true;
    }
    if (conn->state == HTTP_STREAMING) {
        say_end(conn);
    }
    bufferevent_free(conn->bev);
    if (conn->state == HTTP_STREAMING) {
        conn->listener->server->stats.n_streams--;
        if (conn->stream.ops) {
            conn->stream.ops->closed(conn->stream.aux, conn->stream.stuck);
        }
    }
    if (req && conn->state == HTTP_HANDLING) {
        conn->listener->server->stats.n_gone++;
        req->conn = NULL;
        req->server = NULL;
        if (req->gone) {
            req->gone(req->gone_aux);
        }
    } else if (req) {
        http_request_free(req);
    }
    free(conn->who);
    free(conn);
}

/* Refuses what came, with a reply, and closes. */
static void
conn_fault(struct http_conn *conn, const struct http_fault *fault)
{
    VLOG_INFO_RL(&rl, "%s: bad request: %s", conn->who, fault->text);
    if (!conn->request) {
        conn->request = http_request_create(conn);
    }
    conn->close = true;
    http_reply_fault(conn->request, fault);
}

/* Writes what is in the output, as far as the socket takes it: a reply mostly
 * leaves at once, without the loop having to ask whether it may.  What is
 * left, or an error, is the bufferevent's.  Returns true if nothing is left. */
static bool
flush(struct http_conn *conn)
{
    struct evbuffer *out = bufferevent_get_output(conn->bev);

    if (conn->tls) {
        return false;           /* The bufferevent does it all. */
    }
    evbuffer_unfreeze(out, 1);
    ignore(evbuffer_write(out, bufferevent_getfd(conn->bev)));
    evbuffer_freeze(out, 1);
    if (evbuffer_get_length(out)) {
        bufferevent_enable(conn->bev, EV_WRITE);
        return false;
    }
    return true;
}

void
http_conn_waits(struct http_conn *conn)
{
    conn->state = HTTP_HANDLING;
    clear_deadline(conn);
}

void
http_conn_replied(struct http_conn *conn)
{
    conn->request = NULL;
    conn->state = HTTP_REPLYING;
    clear_deadline(conn);
    if (!flush(conn)) {
        return;
    }
    if (conn->gone) {
        conn->sent = true;              /* conn_input() goes on. */
    } else {
        /* Has on_write() called by the loop. */
        bufferevent_trigger(conn->bev, EV_WRITE, BEV_OPT_DEFER_CALLBACKS);
    }
}

void
http_conn_streams(struct http_conn *conn)
{
    conn->request = NULL;
    conn->state = HTTP_STREAMING;
    conn->listener->server->stats.n_streams++;
    clear_deadline(conn);
    bufferevent_setwatermark(conn->bev, EV_WRITE, HTTP_STREAM_LOW, 0);
    bufferevent_enable(conn->bev, EV_WRITE);
}

/* Reading.  -------------------------------------------------------------- */

static void
dispatch(struct http_conn *conn)
{
    struct http_request *req = conn->request;

    http_conn_waits(conn);
    /* Last: the handler may end the request, even the connection. */
    req->route->handler(req, conn->listener->server->aux);
}

/* The head is complete: 'size' bytes at 'text'.  Returns false if a body is to
 * be read; else the connection may be gone. */
static bool
take_head(struct http_conn *conn, const char *text, size_t size)
{
    struct http_server *server = conn->listener->server;
    struct http_request *req = http_request_create(conn);
    struct http_fault fault;

    conn->request = req;
    if (!http_head_parse(&req->head, text, size, &fault)) {
        conn_fault(conn, &fault);
        return true;
    }
    evbuffer_drain(bufferevent_get_input(conn->bev), size);
    server->stats.n_requests++;
    req->understood = true;
    if (!http_request_accept(req)) {
        return true;                    /* Answered, and gone. */
    }
    if (!req->head.chunked && !req->head.body_size) {
        dispatch(conn);
        return true;
    }
    if (req->head.expects_continue) {
        evbuffer_add_printf(bufferevent_get_output(conn->bev),
                            "HTTP/1.1 100 Continue\r\n\r\n");
        flush(conn);
    }
    conn->state = HTTP_BODY;
    conn->timed = false;
    conn->body_ms = time_msec();
    /* Exactly what was granted: growing would take twice as much. */
    ds_reserve(&req->body, req->head.body_size);
    conn->chunk = HTTP_CHUNK_SIZE;
    conn->trailer_size = 0;
    return false;
}

/* Looks for a head.  Returns false if more must come: of the head, or a body
 * (the state says which); else the connection may be gone. */
static bool
read_head(struct http_conn *conn, struct evbuffer *in)
{
    size_t size = MIN(evbuffer_get_length(in), HTTP_HEAD_MAX + 1);
    const char *text = (const char *) evbuffer_pullup(in, size);
    struct http_fault fault;
    int head_size;

    head_size = http_head_size(text, size, &conn->scanned, &fault);
    if (head_size < 0) {
        conn_fault(conn, &fault);
        return true;
    }
    return head_size && take_head(conn, text, head_size);
}

/* Moves up to 'max' bytes to the body.  Returns how many. */
static size_t
take_body(struct http_conn *conn, struct evbuffer *in, uint64_t max)
{
    size_t n = MIN(evbuffer_get_length(in), max);

    if (n) {
        evbuffer_remove(in, ds_put_uninit(&conn->request->body, n), n);
    }
    return n;
}

/* A line of chunk framing, or NULL.  With '*fault' if it cannot be one. */
static char *
take_line(struct evbuffer *in, size_t *len, struct http_fault *fault)
{
    char *line = evbuffer_readln(in, len, EVBUFFER_EOL_CRLF_STRICT);

    if (!line && evbuffer_get_length(in) > CHUNK_LINE_MAX) {
        fault->text = "The chunked body is malformed";
    }
    return line;
}

/* Takes one piece of a chunked body.  Returns 1 if the body is complete, 0 if
 * more must come or is there, -1 with '*fault', -2 if it was answered already.
 * '*progress' says which. */
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
        if (ok && conn->chunk_left > HTTP_BODY_MAX - req->body.length) {
            fault->status = 413;
            fault->text = "The body is larger than 8 MiB";
            ok = false;
        }
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
        && !http_budget_take(req, conn->chunk_left)) {
        return -2;
    }
    return !ok ? -1 : done;
}

/* Returns false if more must come; else the connection may be gone. */
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
        conn_fault(conn, &fault);
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

/* Empty lines before a request (RFC 9112, section 2.2), and its first byte. */
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

/* Goes on with what has come, up to one reply.  The connection may be gone
 * afterwards. */
static void
take_input(struct http_conn *conn)
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
        evbuffer_drain(in, evbuffer_get_length(in)); /* Nobody answers. */
        return;
    }
    if (conn->half_closed && conn->state <= HTTP_BODY) {
        http_conn_destroy(conn);
    } else if (!conn->timed && conn->state == HTTP_HEAD) {
        set_deadline(conn, options->head_timeout_ms);
    } else if (!conn->timed && conn->state == HTTP_BODY) {
        set_deadline(conn, MIN(options->body_grace_ms,
                               options->body_timeout_ms));
    }
}

/* All of the reply has left.  The connection may be gone afterwards. */
static void
conn_sent(struct http_conn *conn)
{
    if (!conn->close) {
        become_idle(conn);
    } else if (conn->half_closed) {
        http_conn_destroy(conn);
    } else {
        conn->state = HTTP_LINGERING;
        conn->discarded = 0;
        set_deadline(conn, LINGER_MS);
        say_end(conn);
        shutdown(bufferevent_getfd(conn->bev), SHUT_WR);
    }
}

/* Goes on with what has come.  The connection may be gone afterwards. */
static void
conn_input(struct http_conn *conn)
{
    bool gone = false;

    conn->gone = &gone;
    for (int n = 0; ; n++) {
        conn->sent = false;
        take_input(conn);
        if (gone) {
            return;
        }
        if (!conn->sent) {
            break;
        }
        if (n >= ANSWERS_MAX) {
            set_deadline(conn, 0);      /* on_timer() goes on. */
            break;
        }
        conn_sent(conn);
        if (gone) {
            return;
        }
    }
    conn->gone = NULL;
}

/* Events.  --------------------------------------------------------------- */

static void
on_read(struct bufferevent *bev OVS_UNUSED, void *conn_)
{
    conn_input(conn_);
}

/* The output is empty; that of a stream is at least low. */
static void
on_write(struct bufferevent *bev, void *conn_)
{
    struct http_conn *conn = conn_;
    bool gone = false;

    if (conn->state == HTTP_STREAMING) {
        if (!conn->tls && !http_stream_queued(&conn->stream)) {
            bufferevent_disable(bev, EV_WRITE);
        }
        conn->stream.ops->drained(conn->stream.aux);
        return;
    }
    if (!conn->tls) {
        bufferevent_disable(bev, EV_WRITE);
    }
    if (conn->state == HTTP_REPLYING) {
        conn->gone = &gone;
        conn_sent(conn);
        if (!gone) {
            conn_input(conn);
        }
    }
}

/* True if the client has closed both directions.  After its FIN alone (TCP)
 * that cannot be known. */
static bool
is_hung_up(const struct http_conn *conn)
{
    struct pollfd pfd = { .fd = bufferevent_getfd(conn->bev) };

    return poll(&pfd, 1, 0) > 0 && pfd.revents & (POLLHUP | POLLERR);
}

static void
on_event(struct bufferevent *bev OVS_UNUSED, short what, void *conn_)
{
    struct http_conn *conn = conn_;

    if (what & BEV_EVENT_CONNECTED) {
        become_idle(conn);      /* TLS is up. */
        return;
    }
    if (what & BEV_EVENT_TIMEOUT) {
        conn->listener->server->stats.n_timed_out++;
        conn->stream.stuck = true;
        http_conn_destroy(conn);
        return;
    }
    if (!(what & BEV_EVENT_EOF) || what & BEV_EVENT_WRITING || conn->tls
        || is_hung_up(conn)) {
        http_conn_destroy(conn);
        return;
    }
    /* It sends no more but may still wait for its replies. */
    conn->half_closed = true;
    conn_input(conn);
}

/* By when the body must have come, or more of it.  What comes fast enough has
 * until body_timeout_ms. */
static long long int
body_deadline(const struct http_conn *conn)
{
    const struct http_options *options = &conn->listener->server->options;
    long long int earned_ms = (conn->request->body.length * 1000LL
                               / MAX(options->body_rate_min, 1));

    return conn->body_ms + MIN(options->body_grace_ms + earned_ms,
                               options->body_timeout_ms);
}

/* Whether the deadline is met by what has come meanwhile. */
static bool
extend_deadline(struct http_conn *conn)
{
    long long int deadline_ms;

    if (conn->state != HTTP_BODY) {
        return false;
    }
    deadline_ms = body_deadline(conn);
    if (deadline_ms <= time_msec()) {
        return false;
    }
    conn->deadline_ms = deadline_ms;
    set_timer(conn, deadline_ms);
    return true;
}

/* Nobody knows who was too slow. */
static void
count_timeout(const struct http_conn *conn)
{
    if (conn->entry.state == ADMISSION_PENDING
        && conn->state != HTTP_LINGERING) {
        admission_count(conn->listener->admission, &conn->entry.peer,
                        ADMISSION_TIMEOUT);
    }
}

static void
on_timer(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *conn_)
{
    struct http_conn *conn = conn_;

    conn->timer_ms = LLONG_MAX;
    if (time_msec() < conn->deadline_ms) {
        if (conn->deadline_ms < LLONG_MAX) {
            set_timer(conn, conn->deadline_ms);
        }
    } else if (extend_deadline(conn)) {
        return;
    } else if (conn->state == HTTP_REPLYING) {
        on_write(conn->bev, conn);      /* After others had their turn. */
    } else if (conn->state == HTTP_HEAD || conn->state == HTTP_BODY) {
        struct http_fault fault = {
            408, conn->state == HTTP_HEAD
                 ? "The request did not come to its end in time"
                 : "The body came too slowly: after 5 s it must have come "
                   "with 8 KiB a second, and within 30 s all of it"
        };

        count_timeout(conn);
        conn->listener->server->stats.n_timed_out++;
        conn_fault(conn, &fault);
    } else {
        count_timeout(conn);
        http_conn_destroy(conn);
    }
}

/* What has come, and what has left. */
static void
count_in(struct evbuffer *in OVS_UNUSED, const struct evbuffer_cb_info *info,
         void *server_)
{
    struct http_server *server = server_;

    server->stats.n_bytes_in += info->n_added;
}

static void
count_out(struct evbuffer *out OVS_UNUSED,
          const struct evbuffer_cb_info *info, void *server_)
{
    struct http_server *server = server_;

    server->stats.n_bytes_out += info->n_deleted;
}

/* Takes 'fd', and what is needed for TLS, if that is asked for. */
static struct bufferevent *
make_bufferevent(const struct http_listener *listener, int fd)
{
    struct event_base *base = listener->server->base;
    struct bufferevent *bev;
    SSL *ssl;

    if (!listener->tls) {
        bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
    } else {
        ssl = SSL_new(tls_context(listener->tls));
        if (!ssl) {
            out_of_memory();
        }
        /* Deferred: TLS may otherwise fail inside of a reply. */
        bev = bufferevent_openssl_socket_new(
            base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING,
            BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    }
    if (!bev) {
        out_of_memory();
    }
    return bev;
}

bool
http_conn_create(struct http_listener *listener, int fd, char *who,
                 const struct admission_peer *peer)
{
    struct http_server *server = listener->server;
    struct http_conn *conn = xzalloc(sizeof *conn);
    int ms = server->options.write_timeout_ms;
    struct timeval write_timeout = { ms / 1000, ms % 1000 * 1000 };

    if (!admission_admit(listener->admission, &conn->entry, peer,
                         time_msec())) {
        free(conn);
        free(who);
        return false;
    }
    conn->listener = listener;
    conn->who = who;
    ovs_list_push_back(&listener->conns, &conn->node);
    listener->n_conns++;
    server->stats.n_connections++;
    conn->tls = listener->tls != NULL;
    conn->bev = make_bufferevent(listener, fd);
    conn->timer = event_new(server->base, -1, 0, on_timer, conn);
    conn->timer_ms = LLONG_MAX;
    if (!conn->timer) {
        out_of_memory();
    }
    if (!evbuffer_add_cb(bufferevent_get_input(conn->bev), count_in, server)
        || !evbuffer_add_cb(bufferevent_get_output(conn->bev), count_out,
                            server)) {
        VLOG_FATAL("out of memory");
    }
    bufferevent_setcb(conn->bev, on_read, on_write, on_event, conn);
    bufferevent_setwatermark(conn->bev, EV_READ, 0, INPUT_HIGH);
    bufferevent_set_timeouts(conn->bev, NULL, &write_timeout);
    bufferevent_enable(conn->bev, EV_READ);
    if (conn->tls) {
        bufferevent_enable(conn->bev, EV_WRITE);
    } else {
        bufferevent_disable(conn->bev, EV_WRITE);
    }
    become_idle(conn);
    if (conn->tls) {
        set_deadline(conn, server->options.tls_timeout_ms);
    }
    return true;
}
