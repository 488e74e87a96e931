/* SPDX-License-Identifier: Apache-2.0
 *
 * Deadlines of a connection's states.  A request changes its connection's
 * deadline several times, usually in one iteration of the loop, and most
 * deadlines are never reached: the timer is restarted only for an earlier one,
 * and compares the deadline with the time when it fires. */

#include <config.h>

#include "proto/http/http-private.h"

#include <event2/event.h>
#include <limits.h>
#include <stdlib.h>

#include "proto/tls/tls.h"
#include "timeval.h"
#include "util.h"

static void
set_timer(struct http_conn *conn, long long int when_ms)
{
    long long int ms = MAX(when_ms - time_msec(), 0);
    struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

    conn->timer_ms = when_ms;
    event_add(conn->timer, &tv);
}

void
http_deadline_set(struct http_conn *conn, int ms)
{
    conn->timed = true;
    conn->handshake_parts = 0;
    conn->deadline_ms = time_msec() + ms;
    if (conn->deadline_ms < conn->timer_ms) {
        set_timer(conn, conn->deadline_ms);
    }
}

void
http_deadline_clear(struct http_conn *conn)
{
    conn->deadline_ms = LLONG_MAX;
}

/* Starts a part of the handshake's time; 'n_left' parts follow. */
static void
set_handshake_part(struct http_conn *conn, unsigned n_left)
{
    http_deadline_set(conn, (conn->listener->server->options.tls_timeout_ms
                             / TLS_HANDSHAKE_PARTS));
    conn->handshake_parts = n_left;
}

void
http_deadline_set_handshake(struct http_conn *conn)
{
    set_handshake_part(conn, TLS_HANDSHAKE_PARTS - 1);
}

/* Returns by when the body, or more of it, must have arrived.  A body that is
 * fast enough has until body_timeout_ms. */
static long long int
body_deadline(const struct http_conn *conn)
{
    const struct http_options *options = &conn->listener->server->options;
    long long int earned_ms = (conn->request->body.length * 1000LL
                               / MAX(options->body_rate_min, 1));

    return conn->body_ms + MIN(options->body_grace_ms + earned_ms,
                               options->body_timeout_ms);
}

/* Returns true if the deadline is extended: a part of the handshake's time is
 * left, or enough of a body has arrived. */
static bool
extend_deadline(struct http_conn *conn)
{
    long long int deadline_ms;

    if (conn->handshake_parts) {
        set_handshake_part(conn, conn->handshake_parts - 1);
        return true;
    }
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

/* Counts a client that was too slow before it was authenticated. */
static void
count_timeout(const struct http_conn *conn)
{
    if (conn->entry.state == ADMISSION_PENDING
        && conn->state != HTTP_LINGERING) {
        admission_count(conn->listener->admission, &conn->entry.peer,
                        ADMISSION_TIMEOUT);
    }
}

/* Replies 408 and closes: a head or a body was not complete in time. */
static void
refuse_slow(struct http_conn *conn)
{
    const struct http_options *options = &conn->listener->server->options;
    char *text = (conn->state == HTTP_HEAD
                  ? xasprintf("The request was not complete in time: within "
                              "%g s", options->head_timeout_ms / 1e3)
                  : xasprintf("The body came too slowly: after %g s it must "
                              "have come with %d bytes a second, and within "
                              "%g s all of it", options->body_grace_ms / 1e3,
                              options->body_rate_min,
                              options->body_timeout_ms / 1e3));
    const struct http_fault fault = { 408, text };

    http_conn_fault(conn, &fault);
    free(text);
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
        http_conn_resume(conn);         /* In a later turn of the loop. */
    } else if (conn->state == HTTP_HEAD || conn->state == HTTP_BODY) {
        count_timeout(conn);
        conn->listener->server->stats.n_timed_out++;
        refuse_slow(conn);
    } else {
        count_timeout(conn);
        http_conn_destroy(conn);
    }
}

void
http_deadline_init(struct http_conn *conn)
{
    conn->timer = event_new(conn->listener->server->base, -1, 0, on_timer,
                            conn);
    conn->timer_ms = LLONG_MAX;
    if (!conn->timer) {
        out_of_memory();
    }
}
