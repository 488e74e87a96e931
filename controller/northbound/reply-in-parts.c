/* SPDX-License-Identifier: Apache-2.0
 *
 * Replies whose data takes longer to read than one iteration of the loop
 * allows: the reading continues in the next iterations, and ends without a
 * reply if the client disconnects.  While the rows are those of a plan or a
 * dry run nothing is read.  Not for replies that wait for the commit, or run
 * in a fiber (deferred-reply.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <event2/event.h>
#include <stdlib.h>

#include "util.h"

struct reply_in_parts {
    struct commit *commit;
    const struct nb_parts_class *class;
    void *aux;                  /* Owned, by the class. */
    struct http_request *req;
    struct event *next;         /* Continues in the next iteration. */
};

static void
destroy(struct reply_in_parts *r)
{
    event_free(r->next);
    r->class->destroy(r->aux);
    free(r);
}

static void
disconnected_cb(void *r_)
{
    struct reply_in_parts *r = r_;

    http_request_drop(r->req);
    destroy(r);
}

static void
schedule(struct reply_in_parts *r)
{
    static const struct timeval at_once = { 0, 0 };

    event_add(r->next, &at_once);
}

static void
next_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *r_)
{
    struct reply_in_parts *r = r_;

    if (commit_is_trying(r->commit) || !r->class->read(r->aux)) {
        schedule(r);
        return;
    }
    http_request_set_close_cb(r->req, NULL, NULL);
    r->class->reply(r->aux);
    destroy(r);
}

void
nb_reply_in_parts(const struct northbound *nb, struct http_request *req,
                  const struct nb_parts_class *class, void *aux)
{
    struct reply_in_parts *r;

    if (!commit_is_trying(nb->commit) && class->read(aux)) {
        class->reply(aux);
        class->destroy(aux);
        return;
    }
    r = xmalloc(sizeof *r);
    r->commit = nb->commit;
    r->class = class;
    r->aux = aux;
    r->req = req;
    r->next = event_new(nb->base, -1, 0, next_cb, r);
    http_request_set_close_cb(req, disconnected_cb, r);
    schedule(r);
}
