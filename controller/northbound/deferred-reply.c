/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests that are replied to when the commit is quiescent, and in a fiber,
 * as they may take long; or at once, unless a plan is applied just then.
 *
 * Requests that need all problems, which take long to find among many flows,
 * do not wait forever: if the commit is not quiescent within a second, as when
 * a disk hangs, they are replied to with the problems that are known. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <event2/event.h>
#include <stdlib.h>

#include "util.h"

#define DEFER_MAX_MS 1000

struct deferred {
    struct northbound *nb;          /* NULL: it was ended. */
    struct http_request *req;       /* NULL: replied, or the client has
                                     * disconnected. */
    nb_deferred_cb *reply;
    struct event *timer;            /* Or NULL. */
    bool looks;                     /* For engine_problems(). */
    bool in_callback;               /* In quiescent_cb(). */
};

static void quiescent_cb(void *deferred);

/* Cancels the callback and frees 'deferred', now or at the end of
 * quiescent_cb(). */
static void
deferred_end(struct deferred *deferred)
{
    deferred->req = NULL;
    if (deferred->nb) {
        commit_cancel_when_quiescent(deferred->nb->commit, quiescent_cb,
                                     deferred);
        if (deferred->timer) {
            event_free(deferred->timer);
        }
        deferred->nb = NULL;
    }
    if (!deferred->in_callback) {
        free(deferred);
    }
}

static void
disconnected_cb(void *deferred_)
{
    struct deferred *deferred = deferred_;

    http_request_drop(deferred->req);
    deferred_end(deferred);
}

static void
reply(struct deferred *deferred)
{
    struct http_request *req = deferred->req;
    struct northbound *nb = deferred->nb;
    nb_deferred_cb *cb = deferred->reply;

    http_request_set_close_cb(req, NULL, NULL);
    deferred_end(deferred);
    cb(req, nb);
}

static void
quiescent_cb(void *deferred_)
{
    struct deferred *deferred = deferred_;

    if (deferred->looks) {
        /* While it yields, the client may disconnect, and the northbound be
         * destroyed. */
        deferred->in_callback = true;
        engine_problems(deferred->nb->engine);
        deferred->in_callback = false;
    }
    if (deferred->req) {
        reply(deferred);
    } else {
        deferred_end(deferred);
    }
}

static void
timer_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *deferred)
{
    reply(deferred);
}

static struct deferred *
deferred_create(struct northbound *nb, struct http_request *req,
                nb_deferred_cb *cb)
{
    struct deferred *deferred = xzalloc(sizeof *deferred);

    deferred->nb = nb;
    deferred->req = req;
    deferred->reply = cb;
    http_request_set_close_cb(req, disconnected_cb, deferred);
    commit_when_quiescent(nb->commit, quiescent_cb, deferred);
    return deferred;
}

void
nb_when_quiescent(struct northbound *nb, struct http_request *req,
                  nb_deferred_cb *cb)
{
    deferred_create(nb, req, cb);
}

/* A reply that is made at once. */
struct whole {
    struct northbound *nb;
    struct http_request *req;
    nb_deferred_cb *reply;
};

static bool
read_nothing(void *whole OVS_UNUSED)
{
    return true;
}

static void
reply_whole(void *whole_)
{
    const struct whole *whole = whole_;

    whole->reply(whole->req, whole->nb);
}

void
nb_unless_trying(struct northbound *nb, struct http_request *req,
                 nb_deferred_cb *cb)
{
    static const struct nb_parts_class class = {
        read_nothing, reply_whole, free,
    };
    struct whole *whole = xmalloc(sizeof *whole);

    *whole = (struct whole) { nb, req, cb };
    nb_reply_in_parts(nb, req, &class, whole);
}

/* Has the reply made after DEFER_MAX_MS, whatever the commit does. */
static void
set_timer(struct deferred *deferred)
{
    static const struct timeval tv = { DEFER_MAX_MS / 1000,
                                       DEFER_MAX_MS % 1000 * 1000 };

    deferred->timer = event_new(deferred->nb->base, -1, 0, timer_cb, deferred);
    event_add(deferred->timer, &tv);
}

void
nb_when_quiescent_or_late(struct northbound *nb, struct http_request *req,
                          nb_deferred_cb *cb)
{
    set_timer(deferred_create(nb, req, cb));
}

void
nb_when_problems_known(struct northbound *nb, struct http_request *req,
                       nb_deferred_cb *cb)
{
    struct deferred *deferred = deferred_create(nb, req, cb);

    deferred->looks = true;
    set_timer(deferred);
}
