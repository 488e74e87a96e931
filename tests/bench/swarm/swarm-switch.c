/* SPDX-License-Identifier: Apache-2.0
 *
 * A switch's connection to its controller: dials, cuts messages out of the
 * stream, dials again. */

#include <config.h>

#include "tests/bench/swarm/swarm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-util.h"
#include "openvswitch/vlog.h"
#include "random.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(swarm_switch);

static void
close_connection(struct host *host)
{
    if (host->of) {
        bufferevent_free(host->of);
        host->of = NULL;
        bundle_forget(host);
    }
}

/* Dials again at a random time, so that hosts come in any order. */
static void
retry_later(struct host *host)
{
    int ms = 1 + random_range(MAX(host->max_backoff_ms, 1));
    struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

    if (host->target) {
        event_add(host->of_retry, &tv);
    }
}

/* The first 'size' bytes of 'in', aligned as structs want them. */
static const struct ofp_header *
aligned(struct host *host, struct evbuffer *in, size_t size)
{
    uint8_t *p = evbuffer_pullup(in, size);

    if ((uintptr_t) p % 8) {
        memcpy(host->swarm->scratch, p, size);
        p = host->swarm->scratch;
    }
    return (const void *) p;
}

/* Parses "unix:PATH" and "tcp:IP:PORT".  False if it is neither. */
static bool
parse_target(const char *target, struct sockaddr_storage *ss, int *size)
{
    if (!strncmp(target, "unix:", 5)) {
        struct sockaddr_un *un = (void *) ss;

        un->sun_family = AF_UNIX;
        ovs_strlcpy(un->sun_path, target + 5, sizeof un->sun_path);
        *size = sizeof *un;
        return true;
    }
    *size = sizeof *ss;
    return (!strncmp(target, "tcp:", 4)
            && !evutil_parse_sockaddr_port(target + 4, (void *) ss, size));
}

static void
read_cb(struct bufferevent *bev, void *host_)
{
    struct evbuffer *in = bufferevent_get_input(bev);
    struct host *host = host_;

    while (host->of == bev && !host->stalled) {
        const struct ofp_header *oh;
        size_t length;

        if (evbuffer_get_length(in) < sizeof *oh) {
            break;
        }
        oh = aligned(host, in, sizeof *oh);
        length = ntohs(oh->length);
        if (length < sizeof *oh) {
            switch_drop(host);
            break;
        }
        if (evbuffer_get_length(in) < length) {
            break;
        }
        oh = aligned(host, in, length);
        host->counters.bytes_in += length;
        switch_handle(host, oh);
        if (host->of == bev) {
            evbuffer_drain(in, length);
        }
    }
}

static void
write_cb(struct bufferevent *bev OVS_UNUSED, void *host)
{
    hostile_of_drained(host);
}

static void
event_cb(struct bufferevent *bev, short what, void *host_)
{
    struct host *host = host_;

    if (what & BEV_EVENT_CONNECTED) {
        int on = 1;

        /* Fails on unix sockets, which need it not. */
        setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_NODELAY, &on,
                   sizeof on);
        host->counters.connects++;
        host->is_known = false;
        hostile_of_connected(host);
        switch_send(host, ofputil_encode_hello(1u << OFP15_VERSION));
    } else {
        switch_drop(host);
    }
}

static void
connect_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *host_)
{
    struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
    struct host *host = host_;
    int size;

    if (!host->target || host->of || host->cut) {
        return;
    }
    if (!parse_target(host->target, &ss, &size)) {
        VLOG_FATAL("%s: can't connect to \"%s\"", host->name, host->target);
    }
    host->of = bufferevent_socket_new(host->swarm->base, -1,
                                      BEV_OPT_CLOSE_ON_FREE
                                      | BEV_OPT_DEFER_CALLBACKS);
    bufferevent_set_max_single_read(host->of, 65536);
    bufferevent_setcb(host->of, read_cb, write_cb, event_cb, host);
    if (bufferevent_socket_connect(host->of, (void *) &ss, size)) {
        switch_drop(host);
        return;
    }
    bufferevent_enable(host->of, EV_READ | EV_WRITE);
}

static void slow_cb(evutil_socket_t, short, void *host);

void
switch_init(struct host *host)
{
    host->of_retry = evtimer_new(host->swarm->base, connect_cb, host);
    host->slow = evtimer_new(host->swarm->base, slow_cb, host);
    ofpbuf_init(&host->bundle, 0);
}

void
switch_uninit(struct host *host)
{
    close_connection(host);
    event_free(host->of_retry);
    event_free(host->slow);
    ofpbuf_uninit(&host->bundle);
    table_clear(&host->flows, &host->swarm->store);
    table_clear(&host->groups, &host->swarm->store);
    free(host->target);
    free(host->max_in_table);
}

void
switch_set_target(struct host *host, const char *target, int max_backoff_ms)
{
    if (host->swarm->target_override && target) {
        target = host->swarm->target_override;
    }
    host->max_backoff_ms = max_backoff_ms;
    if (!nullable_string_is_equal(host->target, target)) {
        free(host->target);
        host->target = nullable_xstrdup(target);
        event_del(host->of_retry);
        close_connection(host);
        if (target) {
            event_active(host->of_retry, EV_TIMEOUT, 0);
        }
    }
}

void
switch_drop(struct host *host)
{
    close_connection(host);
    event_del(host->slow);
    host->stalled = host->muted = host->silent = false;
    retry_later(host);
}

void
switch_stall(struct host *host, bool stalled)
{
    host->stalled = stalled;
    if (!host->of) {
        return;
    }
    if (stalled) {
        bufferevent_disable(host->of, EV_READ);
    } else {
        bufferevent_enable(host->of, EV_READ);
        bufferevent_trigger(host->of, EV_READ, 0);
    }
}

static void
slow_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *host)
{
    switch_stall(host, false);
}

void
switch_tire(struct host *host)
{
    if (host->slow_ms && host->of) {
        const struct timeval tv = { host->slow_ms / 1000,
                                    host->slow_ms % 1000 * 1000 };

        switch_stall(host, true);
        event_add(host->slow, &tv);
    }
}

void
switch_send(struct host *host, struct ofpbuf *msg)
{
    ofpmsg_update_length(msg);
    if (host->of && !host->muted) {
        host->counters.bytes_out += msg->size;
        bufferevent_write(host->of, msg->data, msg->size);
    }
    ofpbuf_delete(msg);
}

void
switch_send_error(struct host *host, enum ofperr error,
                  const struct ofp_header *oh)
{
    switch_send(host, ofperr_encode_reply(error, oh));
}
