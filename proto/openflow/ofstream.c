/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes of a connection; see ofstream.h. */

#include <config.h>

#include "proto/openflow/ofstream.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/loop/loop.h"
#include "proto/tls/tls.h"
#include "util.h"

/* Bytes that a stream reads at a time. */
#define READ_MAX (64 * 1024)
/* Bytes written at a time. */
#define WRITE_MAX (128 * 1024)
/* Bytes that TLS takes in before they are looked at. */
#define TLS_INPUT_MAX (128 * 1024)

struct ofstream {
    struct ofstream_pool *pool;
    const struct ofstream_callbacks *callbacks;
    void *aux;
    uint8_t *left;              /* Not done with yet, or NULL. */
    size_t n_left;
    size_t read_max;            /* Bytes read at a time. */
    bool paused;                /* Nothing is read. */

    /* With TLS. */
    struct bufferevent *bev;    /* Or NULL. */

    /* Without. */
    int fd;
    struct event *readable, *writable;
    struct evbuffer *output;
    bool writing;               /* There is output that is on its way. */
    struct loop_deferred read_later, write_later; /* If the pool has a loop. */
};

void
ofstream_pool_init(struct ofstream_pool *pool, struct event_base *base,
                   struct loop *loop)
{
    pool->base = base;
    pool->loop = loop;
    pool->buffer = xmalloc(OFSTREAM_LEFT_MAX + READ_MAX);
}

void
ofstream_pool_uninit(struct ofstream_pool *pool)
{
    free(pool->buffer);
}

/* Returns true if what 'event' announces is to wait: then it is 'later'
 * done. */
static bool
is_deferred(const struct ofstream *stream, struct event *event,
            struct loop_deferred *later)
{
    struct loop *loop = stream->pool->loop;

    if (!loop) {
        return false;
    } else if (!loop_turn_is_over(loop)) {
        loop_deferred_cancel(later);
        return false;
    }
    loop_defer(later);
    if (event_pending(event, EV_READ | EV_WRITE, NULL)
        && loop_should_unwatch(loop)) {
        event_del(event);
    }
    return true;
}

/* Input.  ---------------------------------------------------------------- */

/* Puts what is left of earlier input into the pool's buffer.  Returns where
 * more is to go. */
static uint8_t *
begin_input(const struct ofstream *stream)
{
    uint8_t *bytes = (uint8_t *) stream->pool->buffer;

    if (stream->n_left) {
        memcpy(bytes, stream->left, stream->n_left);
    }
    return bytes + stream->n_left;
}

/* 'n' bytes were put there.  Returns false if the stream is gone. */
static bool
end_input(struct ofstream *stream, size_t n)
{
    const uint8_t *bytes = (const uint8_t *) stream->pool->buffer;
    size_t size = stream->n_left + n;
    size_t used = stream->callbacks->input(stream->aux, bytes, size);

    if (used == OFSTREAM_GONE) {
        return false;
    }
    free(stream->left);
    stream->n_left = size - used;
    ovs_assert(stream->n_left < OFSTREAM_LEFT_MAX);
    stream->left = (stream->n_left
                    ? xmemdup(bytes + used, stream->n_left) : NULL);
    return true;
}

static void
failed(struct ofstream *stream, const char *what, const char *why)
{
    char *reason = xasprintf("%s: %s", what, why);

    stream->callbacks->failed(stream->aux, reason);
    free(reason);
}

static void
closed_by_peer(struct ofstream *stream)
{
    stream->callbacks->failed(stream->aux, "connection closed by peer");
}

static void
read_some(struct ofstream *stream)
{
    ssize_t n = recv(stream->fd, begin_input(stream), stream->read_max, 0);

    if (n > 0) {
        end_input(stream, n);
    } else if (!n) {
        closed_by_peer(stream);
    } else if (errno != EAGAIN && errno != EINTR) {
        failed(stream, "connection failed", ovs_strerror(errno));
    }
}

static void
readable_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED,
            void *stream_)
{
    struct ofstream *stream = stream_;

    if (!is_deferred(stream, stream->readable, &stream->read_later)) {
        read_some(stream);
    }
}

static void
read_later_cb(void *stream_)
{
    struct ofstream *stream = stream_;

    event_add(stream->readable, NULL);
    read_some(stream);
}

/* Output.  --------------------------------------------------------------- */

static void
end_writing(struct ofstream *stream)
{
    stream->writing = false;
    event_del(stream->writable);
}

static void
write_some(void *stream_)
{
    struct ofstream *stream = stream_;
    int n = evbuffer_write_atmost(stream->output, stream->fd, WRITE_MAX);

    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        int error = errno;

        end_writing(stream);
        failed(stream, "connection failed", ovs_strerror(error));
    } else if (evbuffer_get_length(stream->output)) {
        event_add(stream->writable, NULL);
    } else {
        end_writing(stream);
        stream->callbacks->drained(stream->aux);
    }
}

static void
writable_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED,
            void *stream_)
{
    struct ofstream *stream = stream_;

    if (!is_deferred(stream, stream->writable, &stream->write_later)) {
        write_some(stream);
    }
}

/* Sees to it that what is queued goes out, from the loop: more may follow. */
static void
start_writing(struct ofstream *stream)
{
    if (!stream->bev && !stream->writing
        && evbuffer_get_length(stream->output)) {
        stream->writing = true;
        event_active(stream->writable, EV_WRITE, 0);
    }
}

static struct evbuffer *
output_of(const struct ofstream *stream)
{
    return (stream->bev ? bufferevent_get_output(stream->bev)
            : stream->output);
}

void
ofstream_write(struct ofstream *stream, const void *bytes, size_t size)
{
    evbuffer_add(output_of(stream), bytes, size);
    start_writing(stream);
}

/* Who to tell that a block is no longer needed. */
struct release {
    void (*cb)(void *aux);
    void *aux;
};

static void
release_cb(const void *bytes OVS_UNUSED, size_t size OVS_UNUSED,
           void *release_)
{
    struct release *release = release_;

    release->cb(release->aux);
    free(release);
}

void
ofstream_write_ref(struct ofstream *stream, const void *bytes, size_t size,
                   void (*release)(void *aux), void *aux)
{
    struct release *r = xmalloc(sizeof *r);

    r->cb = release;
    r->aux = aux;
    if (evbuffer_add_reference(output_of(stream), bytes, size, release_cb,
                               r)) {
        release_cb(NULL, 0, r);
    }
    start_writing(stream);
}

size_t
ofstream_queued(const struct ofstream *stream)
{
    return evbuffer_get_length(output_of(stream));
}

/* TLS.  ------------------------------------------------------------------ */

static void
tls_read_cb(struct bufferevent *bev, void *stream_)
{
    struct ofstream *stream = stream_;
    size_t n;

    if (stream->paused) {
        return;
    }
    do {
        n = bufferevent_read(bev, begin_input(stream), stream->read_max);
    } while (n && end_input(stream, n) && !stream->paused);
}

static void
tls_write_cb(struct bufferevent *bev OVS_UNUSED, void *stream_)
{
    struct ofstream *stream = stream_;

    stream->callbacks->drained(stream->aux);
}

static void
tls_event_cb(struct bufferevent *bev, short what, void *stream_)
{
    struct ofstream *stream = stream_;
    unsigned long ssl_error;

    if (what & BEV_EVENT_CONNECTED) {
        stream->callbacks->secured(stream->aux);
        return;
    } else if (what & BEV_EVENT_EOF) {
        closed_by_peer(stream);
        return;
    }
    ssl_error = bufferevent_get_openssl_error(bev);
    if (ssl_error) {
        const char *s = ERR_reason_error_string(ssl_error);

        failed(stream, "TLS failed", s ? s : "unknown error");
    } else {
        failed(stream, "connection failed",
               evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
    }
}

static bool
start_tls(struct ofstream *stream, int fd, SSL_CTX *ctx)
{
    SSL *ssl = SSL_new(ctx);

    /* Deferred: TLS may otherwise fail inside of ofstream_write(). */
    stream->bev = (ssl ? bufferevent_openssl_socket_new(
                       stream->pool->base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING,
                       BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS)
                   : NULL);
    if (!stream->bev) {
        close(fd);
        return false;
    }
    bufferevent_setcb(stream->bev, tls_read_cb, tls_write_cb, tls_event_cb,
                      stream);
    bufferevent_setwatermark(stream->bev, EV_READ, 0, OFSTREAM_SMALL_READ);
    bufferevent_set_max_single_read(stream->bev, OFSTREAM_SMALL_READ);
    bufferevent_set_max_single_write(stream->bev, READ_MAX);
    bufferevent_enable(stream->bev, EV_READ | EV_WRITE);
    return true;
}

char *
ofstream_certificate(const struct ofstream *stream)
{
    char *name;

    if (!stream->bev) {
        return NULL;
    }
    name = tls_peer_name(bufferevent_openssl_get_ssl(stream->bev));
    return name ? name : xstrdup("");
}

/* Life.  ----------------------------------------------------------------- */

static void
start_plain(struct ofstream *stream, int fd)
{
    struct event_base *base = stream->pool->base;

    stream->fd = fd;
    stream->output = evbuffer_new();
    stream->readable = event_new(base, fd, EV_READ | EV_PERSIST, readable_cb,
                                 stream);
    stream->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, writable_cb,
                                 stream);
    event_add(stream->readable, NULL);
    if (stream->pool->loop) {
        loop_deferred_init(&stream->read_later, stream->pool->loop,
                           read_later_cb, stream);
        loop_deferred_init(&stream->write_later, stream->pool->loop,
                           write_some, stream);
    }
}

/* Nothing is read or, with 'all', written from now on. */
static void
cancel_deferred(struct ofstream *stream, bool all)
{
    if (stream->pool->loop) {
        loop_deferred_cancel(&stream->read_later);
        if (all) {
            loop_deferred_cancel(&stream->write_later);
        }
    }
}

struct ofstream *
ofstream_create(struct ofstream_pool *pool, int fd, SSL_CTX *ctx,
                const struct ofstream_callbacks *callbacks, void *aux)
{
    struct ofstream *stream = xzalloc(sizeof *stream);

    stream->pool = pool;
    stream->callbacks = callbacks;
    stream->aux = aux;
    stream->read_max = OFSTREAM_SMALL_READ;
    if (!ctx) {
        start_plain(stream, fd);
    } else if (!start_tls(stream, fd, ctx)) {
        free(stream);
        return NULL;
    }
    return stream;
}

void
ofstream_destroy(struct ofstream *stream)
{
    if (!stream) {
        return;
    } else if (stream->bev) {
        bufferevent_free(stream->bev);
    } else {
        cancel_deferred(stream, true);
        event_free(stream->readable);
        event_free(stream->writable);
        evbuffer_free(stream->output);
        close(stream->fd);
    }
    free(stream->left);
    free(stream);
}

void
ofstream_stop_input(struct ofstream *stream)
{
    if (stream->bev) {
        bufferevent_disable(stream->bev, EV_READ);
    } else {
        event_del(stream->readable);
        cancel_deferred(stream, false);
    }
}

void
ofstream_pause_input(struct ofstream *stream)
{
    if (!stream->paused) {
        stream->paused = true;
        ofstream_stop_input(stream);
    }
}

void
ofstream_resume_input(struct ofstream *stream)
{
    if (!stream->paused) {
        return;
    }
    stream->paused = false;
    if (stream->bev) {
        bufferevent_enable(stream->bev, EV_READ);
        if (evbuffer_get_length(bufferevent_get_input(stream->bev))) {
            /* What is there already is not announced again. */
            bufferevent_trigger(stream->bev, EV_READ,
                                BEV_OPT_DEFER_CALLBACKS);
        }
    } else {
        event_add(stream->readable, NULL);
    }
}

void
ofstream_read_large(struct ofstream *stream)
{
    stream->read_max = READ_MAX;
    if (stream->bev) {
        bufferevent_setwatermark(stream->bev, EV_READ, 0, TLS_INPUT_MAX);
        bufferevent_set_max_single_read(stream->bev, READ_MAX);
    }
}
