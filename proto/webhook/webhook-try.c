/* SPDX-License-Identifier: Apache-2.0
 *
 * One try; see webhook-try.h.  A name is looked up, its addresses are tried one
 * after the other until one takes the connection, the request is written, and
 * the head of the reply decides.  Its body is read for a moment, so that a
 * server may write it and does not see its connection reset; what it says does
 * not matter.
 *
 * Not libevent's HTTP client: its timeout begins anew with each byte, so a
 * server that sends one now and then would hold a call for ever. */

#include <config.h>

#include "proto/webhook/webhook-try.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "openvswitch/dynamic-string.h"
#include "proto/tls/tls-client.h"
#include "proto/webhook/webhook-names.h"
#include "proto/webhook/webhook-reply.h"
#include "proto/webhook/webhook-url.h"
#include "timeval.h"
#include "util.h"

struct webhook_try {
    const struct webhook_tries *tries;
    const struct webhook_url *url;
    SSL_CTX *ctx;               /* A reference, or NULL. */
    struct ds request;
    webhook_tried *tried;
    void *aux;
    struct event *timer;        /* For whatever is waited for. */
    long long int deadline_ms;  /* Of timeval's clock. */

    struct webhook_lookup *lookup; /* Or NULL. */
    size_t n_addresses, next;   /* 'next' is the one to be tried next. */
    struct sockaddr_storage addresses[WEBHOOK_ADDRESSES_MAX];
    struct bufferevent *bev;    /* Or NULL. */
    bool connected;
    char *fault;                /* Of the address that was tried last. */

    bool has_reply;             /* Then the body is read. */
    struct webhook_reply reply;
    uint64_t n_body;            /* Bytes of it that were read. */
};

static void connect_to_next(struct webhook_try *);

/* The end.  --------------------------------------------------------------- */

static void
close_bev(struct webhook_try *try)
{
    if (try->bev) {
        if (try->ctx && try->connected) {
            /* It is closed on purpose, whatever the peer has to say. */
            SSL *ssl = bufferevent_openssl_get_ssl(try->bev);

            SSL_set_shutdown(ssl, SSL_RECEIVED_SHUTDOWN);
            SSL_shutdown(ssl);
            ERR_clear_error();
        }
        bufferevent_free(try->bev);
        try->bev = NULL;
        try->connected = false;
    }
}

void
webhook_try_cancel(struct webhook_try *try)
{
    if (try) {
        webhook_lookup_cancel(try->lookup);
        close_bev(try);
        event_free(try->timer);
        SSL_CTX_free(try->ctx);
        ds_destroy(&try->request);
        free(try->fault);
        free(try);
    }
}

static void
finish(struct webhook_try *try, const char *fault)
{
    struct webhook_result result = {
        .status = try->has_reply ? try->reply.status : 0,
        .fault = try->has_reply ? NULL : fault,
        .has_retry_after = try->reply.has_retry_after,
        .retry_after_s = try->reply.retry_after_s,
    };
    webhook_tried *tried = try->tried;
    char *copy = fault ? xstrdup(fault) : NULL;
    void *aux = try->aux;

    result.fault = result.fault ? copy : NULL;
    webhook_try_cancel(try);
    tried(aux, &result);
    free(copy);
}

static void
wait_for(struct webhook_try *try, long long int ms)
{
    struct timeval tv;

    ms = MAX(ms, 0);
    tv.tv_sec = ms / 1000;
    tv.tv_usec = ms % 1000 * 1000;
    event_add(try->timer, &tv);
}

/* The reply.  ------------------------------------------------------------- */

/* Throws away what has come of the body.  Returns true if it is read as far as
 * it will be. */
static bool
drain(struct webhook_try *try)
{
    struct evbuffer *input = bufferevent_get_input(try->bev);
    size_t n = evbuffer_get_length(input);

    evbuffer_drain(input, n);
    try->n_body += n;
    return (try->n_body >= WEBHOOK_BODY_READ_MAX
            || (try->reply.has_size && try->n_body >= try->reply.size)
            || try->reply.status == 204 || try->reply.status == 304);
}

static void
read_cb(struct bufferevent *bev, void *try_)
{
    struct evbuffer *input = bufferevent_get_input(bev);
    struct webhook_try *try = try_;
    size_t head_size;

    if (!try->has_reply) {
        size_t size = evbuffer_get_length(input);
        const char *text = (const char *) evbuffer_pullup(input, size);

        switch (webhook_reply_parse(&try->reply, text, size, time(NULL),
                                    &head_size)) {
        case WEBHOOK_HEAD_PART:
            return;
        case WEBHOOK_HEAD_BAD:
            finish(try, "its answer is not one of HTTP/1");
            return;
        case WEBHOOK_HEAD_WHOLE:
            break;
        default:
            OVS_NOT_REACHED();
        }
        evbuffer_drain(input, head_size);
        try->has_reply = true;
        wait_for(try, try->tries->linger_ms);
    }
    if (drain(try)) {
        finish(try, NULL);
    }
}

/* Connections.  ----------------------------------------------------------- */

/* The address of 'ss' failed: on to the next, unless it had taken the
 * connection, since then the request may have been read. */
static void
address_failed(struct webhook_try *try, char *fault)
{
    bool was_connected = try->connected;

    free(try->fault);
    try->fault = fault;
    close_bev(try);
    if (was_connected || try->next >= try->n_addresses) {
        finish(try, fault);
    } else {
        connect_to_next(try);
    }
}

/* Why the connection failed, as well as it is known.  The caller frees it. */
static char *
fault_of(struct webhook_try *try, short what, int error)
{
    unsigned long ssl_error = (try->ctx
                               ? bufferevent_get_openssl_error(try->bev) : 0);
    const char *when = try->connected ? "" : "cannot connect: ";

    if (try->ctx) {
        const SSL *ssl = bufferevent_openssl_get_ssl(try->bev);
        const char *refusal = tls_client_refusal(ssl);

        if (!try->connected && refusal) {
            return xasprintf("its certificate is not believed: %s", refusal);
        }
    }
    if (ssl_error) {
        const char *reason = ERR_reason_error_string(ssl_error);

        return xasprintf("TLS failed: %s", reason ? reason : "unknown error");
    }
    if (what & BEV_EVENT_EOF || !error) {
        return xasprintf("%sit closed the connection", when);
    }
    return xasprintf("%s%s", when, ovs_strerror(error));
}

static void
event_cb(struct bufferevent *bev, short what, void *try_)
{
    int error = EVUTIL_SOCKET_ERROR();
    struct webhook_try *try = try_;

    if (what & BEV_EVENT_CONNECTED) {
        /* With TLS as well: the peer is who it is to be. */
        try->connected = true;
        wait_for(try, try->deadline_ms - time_msec());
        bufferevent_write(bev, try->request.string, try->request.length);
        bufferevent_enable(bev, EV_READ | EV_WRITE);
    } else if (try->has_reply) {
        finish(try, NULL);
    } else {
        address_failed(try, fault_of(try, what, error));
    }
}

/* How long the next address has: what there is, or half of it if there is one
 * after it. */
static long long int
share_of_time(const struct webhook_try *try)
{
    long long int left = try->deadline_ms - time_msec();

    return try->next + 1 < try->n_addresses ? left / 2 : left;
}

static bool
make_bev(struct webhook_try *try)
{
    /* Deferred: what fails at once fails inside of a call otherwise. */
    const int options = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;

    if (!try->ctx) {
        try->bev = bufferevent_socket_new(try->tries->base, -1, options);
        return try->bev != NULL;
    }

    SSL *ssl = tls_client_new(try->ctx, try->url->host, try->url->is_address);

    try->bev = (ssl ? bufferevent_openssl_socket_new(
                    try->tries->base, -1, ssl, BUFFEREVENT_SSL_CONNECTING,
                    options)
                : NULL);
    if (ssl && !try->bev) {
        SSL_free(ssl);
    }
    return try->bev != NULL;
}

static void
connect_to_next(struct webhook_try *try)
{
    struct sockaddr_storage *ss = &try->addresses[try->next];
    bool ipv6 = ss->ss_family == AF_INET6;

    wait_for(try, share_of_time(try));
    try->next++;
    if (ipv6) {
        ((struct sockaddr_in6 *) ss)->sin6_port = htons(try->url->port);
    } else {
        ((struct sockaddr_in *) ss)->sin_port = htons(try->url->port);
    }
    if (!make_bev(try)) {
        address_failed(try, xstrdup("cannot connect: no memory for it"));
        return;
    }
    bufferevent_setcb(try->bev, read_cb, NULL, event_cb, try);
    bufferevent_setwatermark(try->bev, EV_READ, 0, WEBHOOK_HEAD_MAX);
    if (bufferevent_socket_connect(try->bev, (struct sockaddr *) ss,
                                   ipv6 ? sizeof(struct sockaddr_in6)
                                   : sizeof(struct sockaddr_in))) {
        address_failed(try, xasprintf("cannot connect: %s",
                                      ovs_strerror(errno)));
    }
}

static void
found_cb(void *try_, const struct sockaddr_storage *addresses, size_t n,
         const char *fault)
{
    struct webhook_try *try = try_;

    try->lookup = NULL;
    if (!n) {
        finish(try, fault);
        return;
    }
    memcpy(try->addresses, addresses, n * sizeof *addresses);
    try->n_addresses = n;
    connect_to_next(try);
}

/* The beginning, once the caller has returned, and the time that is up. */
static void
timer_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *try_)
{
    struct webhook_try *try = try_;

    if (try->has_reply) {
        finish(try, NULL);
    } else if (try->bev && !try->connected) {
        address_failed(try, xstrdup("cannot connect: timed out"));
    } else if (try->bev) {
        finish(try, "it did not answer in time");
    } else if (try->lookup) {
        finish(try, "its name was not found in time");
    } else if (try->n_addresses) {
        connect_to_next(try);
    } else {
        wait_for(try, try->deadline_ms - time_msec());
        try->lookup = webhook_names_ask(try->tries->names, try->url->host,
                                        found_cb, try);
        if (!try->lookup) {
            finish(try, "its name cannot be looked up");
        }
    }
}

static void
take_address(struct webhook_try *try)
{
    struct sockaddr_storage *ss = &try->addresses[0];

    ss->ss_family = try->url->is_ipv6 ? AF_INET6 : AF_INET;
    inet_pton(ss->ss_family, try->url->host,
              try->url->is_ipv6
              ? (void *) &((struct sockaddr_in6 *) ss)->sin6_addr
              : (void *) &((struct sockaddr_in *) ss)->sin_addr);
    try->n_addresses = 1;
}

struct webhook_try *
webhook_try_start(const struct webhook_tries *tries,
                  const struct webhook_url *url, SSL_CTX *ctx,
                  struct ds *request, webhook_tried *tried, void *aux)
{
    struct webhook_try *try = xzalloc(sizeof *try);

    try->tries = tries;
    try->url = url;
    if (ctx) {
        SSL_CTX_up_ref(ctx);
        try->ctx = ctx;
    }
    try->request = *request;
    ds_init(request);
    try->tried = tried;
    try->aux = aux;
    try->timer = evtimer_new(tries->base, timer_cb, try);
    try->deadline_ms = time_msec() + tries->timeout_ms;
    if (url->is_address) {
        take_address(try);
    }
    wait_for(try, 0);
    return try;
}
