/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /metrics: reads all objects, over as many iterations of the loop as that
 * takes, then prints everything at once.  A standby of a cluster prints
 * the metrics of its own process alone.  Not for what is printed (metrics.c,
 * metrics-object-states.c). */

#include <config.h>

#include <stdlib.h>

#include "controller/northbound/metrics-object-states.h"
#include "controller/northbound/metrics.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

struct scrape {
    struct northbound *nb;
    struct http_request *req;
    struct object_states *states; /* Owned. */
};

static void
reply(struct http_request *req, struct ds *ds)
{
    http_reply_body(req, 200, "text/plain; version=0.0.4; charset=utf-8", ds);
}

static bool
scrape_read(void *s_)
{
    struct scrape *s = s_;

    return object_states_read(s->states);
}

static void
scrape_reply(void *s_)
{
    struct scrape *s = s_;
    struct ds ds = DS_EMPTY_INITIALIZER;

    metrics_append_all(s->nb, s->states, &ds);
    object_states_append(s->states, &ds);
    reply(s->req, &ds);
}

static void
scrape_destroy(void *s_)
{
    struct scrape *s = s_;

    object_states_destroy(s->states);
    free(s);
}

void
nb_get_metrics(struct http_request *req, void *nb_)
{
    static const struct nb_parts_class class = {
        scrape_read, scrape_reply, scrape_destroy,
    };
    struct northbound *nb = nb_;
    struct scrape *s;

    if (nb->following) {
        struct ds ds = DS_EMPTY_INITIALIZER;

        metrics_append_all(nb, NULL, &ds);
        reply(req, &ds);
        return;
    }
    s = xzalloc(sizeof *s);
    s->nb = nb;
    s->req = req;
    s->states = object_states_create(nb);
    nb_reply_in_parts(nb, req, &class, s);
}
