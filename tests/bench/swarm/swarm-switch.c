/* SPDX-License-Identifier: Apache-2.0
 *
 * A switch's connections to its controllers: dials, cuts messages out of the
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
close_connection(struct of_conn *conn)
{
    if (conn->bev) {
        bufferevent_free(conn->bev);
        conn->bev = NULL;
        bundle_forget(conn);
        vswitchd_note_controllers(conn->host);
    }
}

/* Dials again at a random time, so that hosts come in any order. */
static void
retry_later(struct of_conn *conn)
{
    int ms = 1 + random_range(MAX(conn->max_backoff_ms, 1));
    struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

    event_add(conn->retry, &tv);
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

static bool
may_read(const struct of_conn *conn)
{
    return (conn->bev && !conn->stalled && !conn->host->rests
            && !(conn->link && conn->link->cut_in));
}

static void
read_cb(struct bufferevent *bev, void *conn_)
{
    struct evbuffer *in = bufferevent_get_input(bev);
    struct of_conn *conn = conn_;
    struct host *host = conn->host;

    while (conn->bev == bev && may_read(conn)) {
        const struct ofp_header *oh;
        size_t length;

        if (evbuffer_get_length(in) < sizeof *oh) {
            break;
        }
        oh = aligned(host, in, sizeof *oh);
        length = ntohs(oh->length);
        if (length < sizeof *oh) {
            switch_drop_one(conn);
            break;
        }
        if (evbuffer_get_length(in) < length) {
            break;
        }
        oh = aligned(host, in, length);
        host->counters.bytes_in += length;
        switch_handle(conn, oh);
        if (conn->bev == bev) {
            evbuffer_drain(in, length);
        }
    }
}

static void
write_cb(struct bufferevent *bev OVS_UNUSED, void *conn)
{
    hostile_of_drained(conn);
}

static void
event_cb(struct bufferevent *bev, short what, void *conn_)
{
    struct of_conn *conn = conn_;

    if (what & BEV_EVENT_CONNECTED) {
        int on = 1;

        /* Fails on unix sockets, which need it not. */
        setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_NODELAY, &on,
                   sizeof on);
        conn->host->counters.connects++;
        conn->is_known = false;
        role_reset(conn);
        vswitchd_note_controllers(conn->host);
        hostile_of_connected(conn->host);
        switch_send(conn, ofputil_encode_hello(1u << OFP15_VERSION));
    } else {
        switch_drop_one(conn);
    }
}

/* Lets bytes through, or not. */
static void
set_flow(struct of_conn *conn)
{
    if (conn->bev) {
        link_set_flow(conn->link, conn->bev, may_read(conn));
    }
}

static void
connect_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *conn_)
{
    struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
    struct of_conn *conn = conn_;
    struct host *host = conn->host;
    int size;

    if (conn->bev || host->cut) {
        return;
    }
    if (conn->link && (conn->link->cut_in || conn->link->cut_out)) {
        retry_later(conn);
        return;
    }
    if (!parse_target(conn->dialled, &ss, &size)) {
        VLOG_FATAL("%s: can't connect to \"%s\"", host->name, conn->dialled);
    }
    conn->bev = bufferevent_socket_new(host->swarm->base, -1,
                                       BEV_OPT_CLOSE_ON_FREE
                                       | BEV_OPT_DEFER_CALLBACKS);
    bufferevent_set_max_single_read(conn->bev, 65536);
    bufferevent_setcb(conn->bev, read_cb, write_cb, event_cb, conn);
    if (bufferevent_socket_connect(conn->bev, (void *) &ss, size)) {
        switch_drop_one(conn);
        return;
    }
    set_flow(conn);
}

/* Controllers.  ---------------------------------------------------------- */

static struct of_conn *
conn_create(struct host *host, const char *target)
{
    struct of_conn *conn = xzalloc(sizeof *conn);
    const char *other = host->swarm->target_override;

    conn->host = host;
    conn->target = xstrdup(target);
    conn->dialled = xstrdup(other ? other : target);
    conn->link = link_of_target(host, target);
    conn->retry = evtimer_new(host->swarm->base, connect_cb, conn);
    ofpbuf_init(&conn->bundle, 0);
    role_reset(conn);
    ovs_list_push_back(&host->of_conns, &conn->node);
    event_active(conn->retry, EV_TIMEOUT, 0);
    return conn;
}

static void
conn_destroy(struct of_conn *conn)
{
    ovs_list_remove(&conn->node);
    close_connection(conn);
    event_free(conn->retry);
    ofpbuf_uninit(&conn->bundle);
    free(conn->target);
    free(conn->dialled);
    free(conn);
}

struct of_conn *
switch_find_controller(const struct host *host, const char *target)
{
    struct of_conn *conn;

    LIST_FOR_EACH (conn, node, &host->of_conns) {
        if (!strcmp(conn->target, target)) {
            return conn;
        }
    }
    return NULL;
}

void
switch_set_controllers(struct host *host, const struct controller *wanted,
                       size_t n)
{
    struct of_conn *conn;

    LIST_FOR_EACH (conn, node, &host->of_conns) {
        conn->is_wanted = false;
    }
    for (size_t i = 0; i < n; i++) {
        conn = switch_find_controller(host, wanted[i].target);
        if (!conn) {
            conn = conn_create(host, wanted[i].target);
        }
        conn->is_wanted = true;
        conn->max_backoff_ms = wanted[i].max_backoff_ms;
    }
    LIST_FOR_EACH_SAFE (conn, node, &host->of_conns) {
        if (!conn->is_wanted) {
            conn_destroy(conn);
        }
    }
}

bool
switch_is_connected(const struct host *host)
{
    const struct of_conn *conn;

    LIST_FOR_EACH (conn, node, &host->of_conns) {
        if (conn->bev) {
            return true;
        }
    }
    return false;
}

static void rested_cb(evutil_socket_t, short, void *host);

void
switch_init(struct host *host)
{
    ovs_list_init(&host->of_conns);
    host->slow = evtimer_new(host->swarm->base, rested_cb, host);
}

void
switch_uninit(struct host *host)
{
    switch_set_controllers(host, NULL, 0);
    event_free(host->slow);
    table_clear(&host->flows, &host->swarm->store);
    table_clear(&host->groups, &host->swarm->store);
    free(host->max_in_table);
}

/* Faults.  --------------------------------------------------------------- */

void
switch_drop_one(struct of_conn *conn)
{
    close_connection(conn);
    conn->stalled = conn->muted = conn->silent = false;
    retry_later(conn);
}

void
switch_drop(struct host *host)
{
    struct of_conn *conn;

    event_del(host->slow);
    host->rests = false;
    LIST_FOR_EACH (conn, node, &host->of_conns) {
        switch_drop_one(conn);
    }
}

void
switch_stall_one(struct of_conn *conn, bool stalled)
{
    conn->stalled = stalled;
    set_flow(conn);
}

void
switch_set_flow(struct host *host)
{
    struct of_conn *conn;

    LIST_FOR_EACH (conn, node, &host->of_conns) {
        set_flow(conn);
    }
}

static void
rested_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *host_)
{
    struct host *host = host_;

    host->rests = false;
    switch_set_flow(host);
}

void
switch_tire(struct host *host)
{
    if (host->slow_ms) {
        const struct timeval tv = { host->slow_ms / 1000,
                                    host->slow_ms % 1000 * 1000 };

        host->rests = true;
        switch_set_flow(host);
        event_add(host->slow, &tv);
    }
}

/* Sending.  -------------------------------------------------------------- */

void
switch_send(struct of_conn *conn, struct ofpbuf *msg)
{
    ofpmsg_update_length(msg);
    if (conn->bev && !conn->muted) {
        conn->host->counters.bytes_out += msg->size;
        bufferevent_write(conn->bev, msg->data, msg->size);
    }
    ofpbuf_delete(msg);
}

void
switch_send_error(struct of_conn *conn, enum ofperr error,
                  const struct ofp_header *oh)
{
    switch_send(conn, ofperr_encode_reply(error, oh));
}
