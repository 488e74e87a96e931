/* SPDX-License-Identifier: Apache-2.0
 *
 * A client's connection: its life cycle, its state, and its output.  What a
 * client can make the server hold is bounded: the input stops at a watermark,
 * every state except HTTP_HANDLING has a deadline (http-deadline.c), and the
 * next request is read (http-input.c) only when the last reply was written. */

#include <config.h>

#include "proto/http/http-private.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
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

#define INPUT_HIGH (64 * 1024)      /* Bytes of input that are not parsed
                                     * yet. */
#define LINGER_MS 2000              /* Milliseconds for the client to read the
                                     * reply. */
#define ANSWERS_MAX 8               /* Requests handled in a row on one
                                     * connection. */

/* Ends the connection's request: it is not in use any more, and may be closed
 * to make room. */
static void
end_request(struct http_conn *conn)
{
    http_limits_release_conn(conn);
    if (conn->entry.state != ADMISSION_PENDING) {
        admission_set_state(conn->listener->admission, &conn->entry,
                            ADMISSION_IDLE, time_msec());
    }
}

static void
become_idle(struct http_conn *conn)
{
    conn->state = HTTP_IDLE;
    http_deadline_set(conn, conn->listener->server->options.idle_timeout_ms);
    end_request(conn);
}

/* Called when the client is authenticated.  The connection does not count as
 * in use before the body has arrived, which may be never. */
void
http_conn_authenticated(struct http_conn *conn)
{
    admission_set_state(conn->listener->admission, &conn->entry,
                        ADMISSION_IDLE, time_msec());
}

/* Called when the request is dispatched.  Only connections of authenticated
 * clients keep their place in any case; their number is bounded
 * (http-limits.c). */
void
http_conn_dispatched(struct http_conn *conn)
{
    if (conn->request->authenticated) {
        admission_set_state(conn->listener->admission, &conn->entry,
                            ADMISSION_ACTIVE, time_msec());
    }
    http_conn_waits(conn);
}

/* Ends TLS with a close_notify, so that the client knows that nothing was cut
 * off. */
static void
send_close_notify(struct http_conn *conn)
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
    http_limits_release_conn(conn);
    admission_remove(conn->listener->admission, &conn->entry);
    conn->listener->n_conns--;
    conn->listener->server->stats.n_connections--;
    event_free(conn->timer);
    if (conn->gone) {
        *conn->gone = true;
    }
    if (conn->state == HTTP_STREAMING) {
        send_close_notify(conn);
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
        if (req->close_cb) {
            req->close_cb(req->close_aux);
        }
    } else if (req) {
        http_request_free(req);
    }
    http_token_free(conn->token);
    free(conn->who);
    free(conn);
}

void
http_conn_fault(struct http_conn *conn, const struct http_fault *fault)
{
    VLOG_INFO_RL(&rl, "%s: bad request: %s", conn->who, fault->text);
    if (!conn->request) {
        conn->request = http_request_create(conn);
    }
    conn->close = true;
    http_reply_fault(conn->request, fault);
}

bool
http_conn_flush(struct http_conn *conn)
{
    struct evbuffer *out = bufferevent_get_output(conn->bev);

    if (conn->tls) {
        return false;           /* With TLS, the bufferevent writes by
                                 * itself. */
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
    http_deadline_clear(conn);
}

void
http_conn_replied(struct http_conn *conn)
{
    conn->request = NULL;
    conn->state = HTTP_REPLYING;
    http_deadline_clear(conn);
    if (!http_conn_flush(conn)
        && evbuffer_get_length(bufferevent_get_output(conn->bev))) {
        return;                         /* on_write() is called. */
    }
    if (conn->gone) {
        conn->sent = true;              /* conn_input() continues. */
    } else {
        /* Have the loop call on_write(). */
        bufferevent_trigger(conn->bev, EV_WRITE, BEV_OPT_DEFER_CALLBACKS);
    }
}

void
http_conn_streams(struct http_conn *conn)
{
    conn->request = NULL;
    conn->state = HTTP_STREAMING;
    conn->listener->server->stats.n_streams++;
    http_deadline_clear(conn);
    bufferevent_setwatermark(conn->bev, EV_WRITE, HTTP_STREAM_LOW, 0);
    bufferevent_enable(conn->bev, EV_WRITE);
}

void
http_conn_streamed(struct http_conn *conn)
{
    conn->listener->server->stats.n_streams--;
    bufferevent_setwatermark(conn->bev, EV_WRITE, 0, 0);
    http_conn_replied(conn);
}

/* Called when the whole reply was written.  The connection may be freed
 * afterwards. */
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
        end_request(conn);
        http_deadline_set(conn, LINGER_MS);
        send_close_notify(conn);
        shutdown(bufferevent_getfd(conn->bev), SHUT_WR);
    }
}

/* Processes received bytes.  The connection may be freed afterwards. */
static void
conn_input(struct http_conn *conn)
{
    bool gone = false;

    conn->gone = &gone;
    for (int n = 0; ; n++) {
        conn->sent = false;
        http_input_take(conn);
        if (gone) {
            return;
        }
        if (!conn->sent) {
            break;
        }
        if (n >= ANSWERS_MAX) {
            http_deadline_set(conn, 0);     /* It is resumed in a later
                                             * turn. */
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

/* Called when the output is empty, or for a stream, low. */
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
    if (conn->state == HTTP_REPLYING
        && evbuffer_get_length(bufferevent_get_output(bev))) {
        return;                 /* Deferred from when it was a stream, which
                                 * has ended since: there is more to write. */
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

void
http_conn_resume(struct http_conn *conn)
{
    on_write(conn->bev, conn);
}

/* Returns true if the client has closed both directions.  After a FIN alone
 * (TCP) that cannot be known. */
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
        become_idle(conn);      /* The TLS handshake is complete. */
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
    /* The client sends no more, but may still wait for its replies. */
    conn->half_closed = true;
    conn_input(conn);
}

/* Counts received bytes; count_out() counts those sent. */
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

/* Takes ownership of 'fd', and sets TLS up if the listener uses it.  Returns
 * NULL on failure. */
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
        /* Callbacks are deferred, since TLS may fail while a reply is
         * written. */
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
    http_deadline_init(conn);
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
        http_deadline_set_handshake(conn);
    }
    return true;
}
