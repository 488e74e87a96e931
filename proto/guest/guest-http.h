/* SPDX-License-Identifier: Apache-2.0
 *
 * An HTTP/1.1 server for guests, over the frames that they send: connections,
 * bounds, and which request is answered when.  It also serves messages behind
 * their length (DNS by TCP), as requests of another form.  Does no I/O and
 * knows no event loop: the caller hands in frames, sends those that it is
 * given, answers requests, and calls guest_http_run() for the timers.
 *
 * Who calls it: the fabric, for handlers with VMN_HANDLER_HTTP
 * (vmn/requests.h).  Not for what is replied.
 *
 * Why not evhttp, nor the API's server (proto/http): both read sockets, and
 * there is none here.  What a request is is decided by the API's parser. */

#ifndef PROTO_GUEST_GUEST_HTTP_H
#define PROTO_GUEST_GUEST_HTTP_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmn/requests.h"

struct guest_http;

/* Who sends a frame, and what for. */
struct guest_peer {
    const char *host;
    uint32_t in_port;           /* OpenFlow port of the host. */
    const char *port;           /* Name of the port that this is, or NULL: a
                                 * connection is not another one's. */
    const void *handler;        /* Whose flow has sent it up: the caller's. */
    uint32_t arg;               /* As given to vmn_act_punt(). */
    bool messages;              /* In place of HTTP: VMN_HANDLER_MESSAGES. */
    uint32_t owner;             /* The port's: connections and requests are
                                 * shared by owner. */
    uint32_t regs[VMN_N_REGS];
};

/* The peer is that of a connection's last frame. */
struct guest_http_callbacks {
    /* Sends a frame to the peer.  Where it cannot, TCP tries again. */
    void (*send)(void *aux, const struct guest_peer *, const void *frame,
                 size_t size);
    /* Answers a request of 'size' bytes: fills in 'reply', whose texts and
     * body last until the next call.  Returns false if it is to be asked again
     * later. */
    bool (*answer)(void *aux, const struct guest_peer *, const uint8_t *bytes,
                   size_t size, struct vmn_http_reply *reply);
};

/* One at a time: see guest-tcp.h. */
struct guest_http *guest_http_create(const struct guest_http_callbacks *,
                                     void *aux);
void guest_http_destroy(struct guest_http *);

/* Takes a frame.  Returns NULL, or why it is dropped, a string literal. */
const char *guest_http_receive(struct guest_http *, const struct guest_peer *,
                               const uint8_t *frame, size_t size);

/* Ends the connections of a host, of which nobody is told: another member of
 * the cluster answers for it. */
void guest_http_forget(struct guest_http *, const char *host);

/* Does what is due.  Returns in how many milliseconds it is to be called
 * again, or -1: not before the next frame. */
int guest_http_run(struct guest_http *);

struct guest_http_stats {
    size_t n_connections;       /* By now. */
    uint64_t n_opened;          /* Connections, so far, as the others. */
    uint64_t n_requests;
    uint64_t n_limited;         /* Of them refused by their port's rate. */
    uint64_t n_given_up;        /* Connections that took too long, or made way
                                 * for others. */
};
void guest_http_get_stats(const struct guest_http *,
                          struct guest_http_stats *);

#endif /* proto/guest/guest-http.h */
