/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets of handlers that answer HTTP (VMN_HANDLER_HTTP): hands them to the
 * TCP end of guests (proto/guest), sends what that sends, and has handlers
 * answer its requests.  Not for TCP, nor for what a request is. */

#include <config.h>

#include "controller/fabric/packets/packet-in-http.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/commit/commit.h"
#include "controller/fabric/fabric-frames.h"
#include "controller/fabric/fabric-private.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/packets/packet-in-private.h"
#include "controller/fabric/packets/packet-in-senders.h"
#include "controller/fabric/session/switch.h"
#include "openvswitch/vlog.h"
#include "proto/guest/guest-http.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(packet_in_http);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 20);

struct packet_in_http {
    struct fabric *fabric;
    struct guest_http *http;
    struct event *tick;
    struct vmn_packets_out out; /* Of the handler that answers. */
};

/* Finds who 'peer' is by now: the port that was there when its connection was
 * opened, or NULL.  Nobody else gets a byte of what is for that one. */
static struct packet_port *
find_sender(const struct packet_in_http *h, const struct guest_peer *peer,
            struct packets_of_switch **ps)
{
    const struct fabric_host *host = fabric_find_host(h->fabric, peer->host);
    struct packet_port *sender;

    if (!host || !host->sw->conn || host->sw->state == SWITCH_OBSERVED) {
        return NULL;            /* Or its master answers. */
    }
    *ps = packets_of(host->sw);
    sender = packets_sender(*ps, peer->in_port);
    if (sender) {
        packet_sender_resolve(*ps, sender);
    }
    return (sender && sender->port && peer->port
            && !strcmp(sender->port->row.name, peer->port) ? sender : NULL);
}

static void
send_frame(void *h_, const struct guest_peer *peer, const void *frame,
           size_t size)
{
    const struct packet_in_http *h = h_;
    struct packets_of_switch *ps;

    if (find_sender(h, peer, &ps)) {
        fabric_send_frame(h->fabric, peer->host, peer->in_port, frame, size);
    }
}

/* Makes the reply, which is 404 so far, of what the handler has said. */
static void
get_reply(struct packet_in_http *h, struct packets_of_switch *ps,
          const struct engine_handler *handler, const char *problem,
          struct vmn_http_reply *reply)
{
    /* What is there without a status is of an earlier request. */
    if (!problem && h->out.http.reply.status) {
        *reply = h->out.http.reply;
    } else if (problem) {
        VLOG_WARN_RL(&rl, "%s: handler %s: %s", ps->sw->host->name,
                     handler->name, problem);
        packets_count_drop(ps, PACKET_DROP_FAILED);
        reply->status = 500;
    } else {
        packets_count_unanswered(ps, handler, h->out.reason);
        reply->status = 404;
    }
}

static bool
answer(void *h_, const struct guest_peer *peer, const uint8_t *bytes,
       size_t size, struct vmn_http_reply *reply)
{
    struct packet_in_http *h = h_;
    const struct engine_handler *handler = peer->handler;
    struct packets_of_switch *ps;
    const struct packet_port *sender = find_sender(h, peer, &ps);
    struct vmn_packet_in in = {
        .host = peer->host,
        .in_port = peer->in_port,
        .arg = peer->arg,
        .bytes = bytes,
        .size = size,
        .full_size = size,
    };
    char *problem;

    if (!sender) {
        reply->status = 503;
        return true;
    }
    in.vif = sender->vif;
    in.port = sender->port;
    memcpy(in.regs, peer->regs, sizeof in.regs);
    h->out.rows_only = commit_is_trying(h->fabric->commit);
    if (!handler->gone) {
        engine_fill_http(h->fabric->engine, handler, &in);
    }
    problem = engine_handle_packet(h->fabric->engine, handler, &in, &h->out);
    if (h->out.later) {
        free(problem);
        return false;
    }
    get_reply(h, ps, handler, problem, reply);
    free(problem);
    return true;
}

static void
run(struct packet_in_http *h)
{
    int wait_ms = guest_http_run(h->http);

    if (wait_ms >= 0) {
        const struct timeval wait = { wait_ms / 1000, wait_ms % 1000 * 1000 };

        event_add(h->tick, &wait);
    }
}

static void
tick_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *h)
{
    run(h);
}

/* Made when the first packet comes: most have none. */
static struct packet_in_http *
http_of(struct fabric *f)
{
    static const struct guest_http_callbacks callbacks = {
        .send = send_frame,
        .answer = answer,
    };
    struct packet_in_http *h = f->packets->http;

    if (!h) {
        h = f->packets->http = xzalloc(sizeof *h);
        h->fabric = f;
        h->http = guest_http_create(&callbacks, h);
        h->tick = event_new(f->base, -1, 0, tick_cb, h);
        engine_packets_out_init(&h->out);
    }
    return h;
}

void
packet_in_http_receive(struct packets_of_switch *ps,
                       const struct waiting_packet *packet)
{
    struct packet_in_http *h = http_of(ps->sw->host->fabric);
    struct guest_peer peer = {
        .host = ps->sw->host->name,
        .in_port = packet->port->in_port,
        .handler = packet->handler,
        .arg = packet->arg,
        .owner = packet->owner,
        .messages = packet->handler->class_.options & VMN_HANDLER_MESSAGES,
    };
    const char *why;

    packet_sender_resolve(ps, packet->port);
    if (!packet->port->port) {
        packets_count_unanswered(ps, packet->handler, "from no port");
        return;
    }
    peer.port = packet->port->port->row.name;
    memcpy(peer.regs, packet->regs, sizeof peer.regs);
    why = guest_http_receive(h->http, &peer, packet->bytes, packet->size);
    if (why) {
        packets_count_unanswered(ps, packet->handler, why);
    } else {
        ps->packets->n_answered++;
    }
    if (!event_pending(h->tick, EV_TIMEOUT, NULL)) {
        run(h);
    }
}

void
packet_in_http_observed(struct fabric_switch *sw)
{
    struct fabric_packets *packets = sw->host->fabric->packets;

    if (packets && packets->http) {
        guest_http_forget(packets->http->http, sw->host->name);
    }
}

void
packet_in_http_destroy(struct fabric *f)
{
    struct packet_in_http *h = f->packets->http;

    if (h) {
        guest_http_destroy(h->http);
        event_free(h->tick);
        engine_packets_out_uninit(&h->out);
        free(h);
        f->packets->http = NULL;
    }
}

void
packet_in_http_get_stats(const struct fabric *f,
                         struct guest_http_stats *stats)
{
    memset(stats, 0, sizeof *stats);
    if (f->packets && f->packets->http) {
        guest_http_get_stats(f->packets->http->http, stats);
    }
}
