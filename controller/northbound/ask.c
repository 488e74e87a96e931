/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests that take long, or are to be answered at a settled moment.  They wait
 * for the next one, and are worked on in slices.
 *
 * What asks for all problems, which take long to find with many flows, does not
 * wait for ever: if there is no such moment for a second (a disk that hangs,
 * say), it is answered with what was known before. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <event2/event.h>
#include <stdlib.h>

#include "util.h"

#define ASK_MAX_MS 1000

struct ask {
    struct northbound *nb;          /* NULL: it is over. */
    struct http_request *req;       /* NULL: answered, or the client left. */
    nb_answer *answer;
    struct event *timer;            /* Or NULL. */
    bool looking;                   /* In settled_cb(). */
};

static void settled_cb(void *ask);

/* Frees it, now or when settled_cb() is done with it. */
static void
ask_end(struct ask *ask)
{
    ask->req = NULL;
    if (ask->nb) {
        commit_cancel_when_settled(ask->nb->commit, settled_cb, ask);
        if (ask->timer) {
            event_free(ask->timer);
        }
        ask->nb = NULL;
    }
    if (!ask->looking) {
        free(ask);
    }
}

static void
gone_cb(void *ask_)
{
    struct ask *ask = ask_;

    http_request_drop(ask->req);
    ask_end(ask);
}

static void
answer(struct ask *ask)
{
    struct http_request *req = ask->req;
    struct northbound *nb = ask->nb;
    nb_answer *cb = ask->answer;

    http_request_set_gone(req, NULL, NULL);
    ask_end(ask);
    cb(req, nb);
}

static void
settled_cb(void *ask_)
{
    struct ask *ask = ask_;

    if (ask->timer) {
        /* In its pauses, the client may leave, and the northbound go. */
        ask->looking = true;
        json_decref(engine_problems(ask->nb->engine));
        ask->looking = false;
    }
    if (ask->req) {
        answer(ask);
    } else {
        ask_end(ask);
    }
}

static void
timer_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *ask)
{
    answer(ask);
}

static struct ask *
ask_create(struct northbound *nb, struct http_request *req, nb_answer *cb)
{
    struct ask *ask = xzalloc(sizeof *ask);

    ask->nb = nb;
    ask->req = req;
    ask->answer = cb;
    http_request_set_gone(req, gone_cb, ask);
    commit_when_settled(nb->commit, settled_cb, ask);
    return ask;
}

void
nb_when_settled(struct northbound *nb, struct http_request *req,
                nb_answer *cb)
{
    ask_create(nb, req, cb);
}

void
nb_when_problems_known(struct northbound *nb, struct http_request *req,
                       nb_answer *cb)
{
    static const struct timeval tv = { ASK_MAX_MS / 1000,
                                       ASK_MAX_MS % 1000 * 1000 };
    struct ask *ask = ask_create(nb, req, cb);

    ask->timer = event_new(nb->base, -1, 0, timer_cb, ask);
    event_add(ask->timer, &tv);
}
