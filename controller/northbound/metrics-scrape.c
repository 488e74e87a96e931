/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /metrics: reads all objects, over as many iterations of the loop as that
 * takes, then prints everything at once.  Not for what is printed (metrics.c,
 * metrics-census.c). */

#include <config.h>

#include <event2/event.h>
#include <stdlib.h>

#include "controller/northbound/metrics-census.h"
#include "controller/northbound/metrics.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

struct scrape {
    struct northbound *nb;
    struct http_request *req;
    struct census *census;      /* Owned. */
    struct event *next;         /* Continues in the next iteration; or NULL. */
};

static void
scrape_destroy(struct scrape *s)
{
    if (s->next) {
        event_free(s->next);
    }
    census_destroy(s->census);
    free(s);
}

static void
gone_cb(void *s_)
{
    struct scrape *s = s_;

    http_request_drop(s->req);
    scrape_destroy(s);
}

static void
scrape_reply(struct scrape *s)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    metrics_append_all(s->nb, &ds);
    census_append(s->census, &ds);
    http_request_set_close_cb(s->req, NULL, NULL);
    http_reply_body(s->req, 200, "text/plain; version=0.0.4; charset=utf-8",
                    &ds);
    scrape_destroy(s);
}

static void
part_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *s_)
{
    static const struct timeval at_once = { 0, 0 };
    struct scrape *s = s_;

    if (census_take(s->census)) {
        scrape_reply(s);
        return;
    }
    if (!s->next) {
        s->next = event_new(s->nb->base, -1, 0, part_cb, s);
        http_request_set_close_cb(s->req, gone_cb, s);
    }
    event_add(s->next, &at_once);
}

void
nb_get_metrics(struct http_request *req, void *nb_)
{
    struct northbound *nb = nb_;
    struct scrape *s = xzalloc(sizeof *s);

    s->nb = nb;
    s->req = req;
    s->census = census_create(nb);
    part_cb(-1, 0, s);
}
