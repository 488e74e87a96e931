/* SPDX-License-Identifier: Apache-2.0
 *
 * A reply about one port waits until its switch has said what it knows of the
 * guest, but not for long: without that the rest is told. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <event2/event.h>
#include <stdlib.h>

#include "controller/fabric/fabric-guests.h"
#include "util.h"

#define LOOK_MAX_MS 500

struct look {
    struct northbound *nb;
    struct http_request *req;
    nb_deferred_cb *reply;
    struct event *timer;
};

static void
look_free(struct look *look)
{
    event_free(look->timer);
    free(look);
}

static void
looked_cb(void *look_)
{
    struct look *look = look_;
    struct http_request *req = look->req;
    struct northbound *nb = look->nb;
    nb_deferred_cb *reply = look->reply;

    http_request_set_close_cb(req, NULL, NULL);
    look_free(look);
    reply(req, nb);
}

static void
timer_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *look_)
{
    struct look *look = look_;

    fabric_forget_port(look->nb->fabric, looked_cb, look);
    looked_cb(look);
}

static void
disconnected_cb(void *look_)
{
    struct look *look = look_;

    fabric_forget_port(look->nb->fabric, looked_cb, look);
    http_request_drop(look->req);
    look_free(look);
}

void
nb_when_guest_looked_at(struct northbound *nb, struct http_request *req,
                        const char *port, nb_deferred_cb *cb)
{
    static const struct timeval tv = { 0, LOOK_MAX_MS * 1000 };
    struct look *look = xzalloc(sizeof *look);

    look->nb = nb;
    look->req = req;
    look->reply = cb;
    look->timer = event_new(nb->base, -1, 0, timer_cb, look);
    if (!nb->fabric
        || !fabric_look_at_port(nb->fabric, port, looked_cb, look)) {
        look_free(look);
        cb(req, nb);
        return;
    }
    http_request_set_close_cb(req, disconnected_cb, look);
    event_add(look->timer, &tv);
}
