/* SPDX-License-Identifier: Apache-2.0
 *
 * The requests that are passed on, and when each is sent; see relay.h. */

#include <config.h>

#include "proto/relay/relay.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/vlog.h"
#include "proto/http/http.h"
#include "proto/relay/relay-private.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(relay);

/* Between two tries to reach the server. */
#define AGAIN_MS 50
/* After a reply that it is not the one: it may be busy becoming it. */
#define MISDIRECTED_MS 250
/* So many connect at once, and others after AGAIN_MS: all of a crowd would be
 * in each other's way, with a handshake each. */
#define CONNECTING_MAX 32
/* How long a reply that the server cannot do it now is held back, in case that
 * another one becomes the server, which can. */
#define HOLD_MS 1500

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 10);

bool
relay_is_reading(const struct http_request *req)
{
    const char *method = http_request_method(req);

    return (!strcmp(method, "GET") || !strcmp(method, "HEAD")
            || !strcmp(method, "OPTIONS"));
}

static void
set_timer(struct relay *relay)
{
    const struct timeval tv = { 0, AGAIN_MS * 1000 };

    if (!event_pending(relay->timer, EV_TIMEOUT, NULL)) {
        event_add(relay->timer, &tv);
    }
}

void
relay_pass_done(struct pass *pass)
{
    pass_stop(pass);
    ovs_list_remove(&pass->node);
    pass->relay->stats.n_now--;
    curl_slist_free_all(pass->headers);
    ds_destroy(&pass->body);
    free(pass->fault);
    free(pass);
}

/* Replies that it was in vain; of what may have been carried out all the same,
 * that nobody knows. */
static void
give_up(struct pass *pass, const char *why)
{
    bool uncertain = pass->in_doubt && !relay_is_reading(pass->req);
    struct http_request *req = pass->req;

    VLOG_INFO_RL(&rl, "%s: %s %s was not replied: %s", http_request_who(req),
                 http_request_method(req), http_request_target(req), why);
    pass->relay->stats.n_failed++;
    http_request_set_close_cb(req, NULL, NULL);
    http_reply_header(req, "Retry-After", "1");
    http_reply_problem(req, 503, uncertain ? "uncertain" : "unavailable", NULL,
                       "%s%s", why, uncertain
                       ? "; it is not known whether the request was carried "
                         "out: it may be repeated" : "");
    relay_pass_done(pass);
}

bool
relay_pass_hold(struct pass *pass)
{
    if (pass->held_ms) {
        return false;
    }
    pass->held_ms = time_msec() + HOLD_MS;
    set_timer(pass->relay);
    return true;
}

/* Replies with the refusal that was held back, which says nothing of an
 * earlier try that had no reply. */
static void
end_hold(struct pass *pass)
{
    if (pass->in_doubt) {
        char *why = pass_refusal(pass, "the server refuses it now");

        give_up(pass, why);
        free(why);
    } else {
        pass_reply(pass);
        relay_pass_done(pass);
    }
}

/* Sends it, or gives up if it has waited for too long. */
static void
try(struct pass *pass)
{
    struct relay *relay = pass->relay;

    if (pass->status) {
        if (time_msec() >= pass->held_ms) {
            end_hold(pass);
        } else {
            set_timer(relay);
        }
    } else if (time_msec() >= pass->end_ms) {
        char *why = (pass->fault ? xstrdup(pass->fault)
                     : xstrdup("no member of the cluster is known that could "
                               "do it: there is none now, or the cluster's "
                               "database is out of reach"));

        give_up(pass, why);
        free(why);
    } else if (relay->address && relay->n_connecting < CONNECTING_MAX
               && time_msec() >= pass->again_ms) {
        pass_send(pass);
    } else {
        set_timer(relay);
    }
}

static void
try_all(struct relay *relay)
{
    struct pass *pass, *next;

    LIST_FOR_EACH_SAFE (pass, next, node, &relay->passes) {
        if (!pass->transfer.easy) {
            try(pass);
        }
    }
}

static void
timer_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *relay)
{
    try_all(relay);
}

void
relay_pass_failed(struct pass *pass)
{
    struct relay *relay = pass->relay;

    pass->again_ms = (pass->status == HTTP_MISDIRECTED
                      ? time_msec() + MISDIRECTED_MS : 0);
    pass_stop(pass);
    /* After those that have not been sent yet. */
    ovs_list_remove(&pass->node);
    ovs_list_push_back(&relay->passes, &pass->node);
    relay->stats.n_again++;
    set_timer(relay);
}

void
relay_set_server(struct relay *relay, const char *name, const char *address)
{
    struct pass *pass;

    if (nullable_string_is_equal(relay->name, name)
        && nullable_string_is_equal(relay->address, address)) {
        return;
    }
    free(relay->name);
    free(relay->address);
    relay->name = nullable_xstrdup(name);
    relay->address = nullable_xstrdup(address);
    if (!address) {
        return;
    }
    /* What the former one has not replied it will not carry out any more, or
     * it has, which the new one knows by the idempotency key. */
    LIST_FOR_EACH (pass, node, &relay->passes) {
        if (!pass->req) {
            continue;
        }
        pass->end_ms = time_msec() + relay->options.wait_ms;
        pass->again_ms = 0;
        if (pass->transfer.easy || pass->status) {
            pass->in_doubt = true;
            pass->held_ms = 0;
            pass_stop(pass);
            relay->stats.n_again++;
        }
    }
    try_all(relay);
}

static void
client_left(void *pass_)
{
    struct pass *pass = pass_;

    pass_stop(pass);
    http_request_drop(pass->req);
    relay_pass_done(pass);
}

void
relay_pass(struct relay *relay, struct http_request *req,
           const struct http_peer *peer)
{
    struct pass *pass;
    char *key = NULL;

    /* Of several only one would be passed on. */
    if (!relay_is_reading(req) && !http_request_idempotency_key(req, &key)) {
        return;
    }
    free(key);
    pass = xzalloc(sizeof *pass);
    pass->relay = relay;
    pass->req = req;
    pass->end_ms = time_msec() + relay->options.wait_ms;
    ds_init(&pass->body);
    ovs_list_push_back(&relay->passes, &pass->node);
    relay->stats.n_now++;
    pass_init_headers(pass, peer);
    http_request_set_close_cb(req, client_left, pass);
    try(pass);
}

void
relay_get_stats(const struct relay *relay, struct relay_stats *stats)
{
    *stats = relay->stats;
}

struct relay *
relay_create(struct event_base *base, const struct relay_options *options)
{
    struct relay *relay = xzalloc(sizeof *relay);

    relay->options = *options;
    relay->curl = loop_curl_create(base);
    relay->timer = evtimer_new(base, timer_cb, relay);
    ovs_list_init(&relay->passes);
    return relay;
}

void
relay_destroy(struct relay *relay)
{
    struct pass *pass, *next;

    if (!relay) {
        return;
    }
    LIST_FOR_EACH_SAFE (pass, next, node, &relay->passes) {
        pass->in_doubt |= pass->transfer.easy || pass->status;
        pass_stop(pass);
        if (pass->stream) {
            http_stream_close(pass->stream);
            relay_pass_done(pass);
        } else {
            give_up(pass, "this member of the cluster passes nothing on any "
                    "more: repeat the request");
        }
    }
    loop_curl_destroy(relay->curl);
    event_free(relay->timer);
    free(relay->name);
    free(relay->address);
    free(relay);
}
