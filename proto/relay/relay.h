/* SPDX-License-Identifier: Apache-2.0
 *
 * Passes requests that an HTTP server has received on to another one, by TLS
 * with certificates on both sides, and its replies back, streams included.
 * Which server that is may change at any time: a request that has no reply yet
 * is then sent to the new one, so that a client need not know.  So is one to
 * which a server replies that it was sent to the wrong one (421).
 *
 * Each call that may change something has an idempotency key, if need be one
 * that is made here: so sending it again is safe, also if it is not known
 * whether it was carried out.
 *
 * Not for authentication of clients: the other server does that
 * (http_listen_relayed()). */

#ifndef PROTO_RELAY_RELAY_H
#define PROTO_RELAY_RELAY_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct http_peer;
struct http_request;
struct relay;

struct relay_options {
    const char *private_key;    /* PEM files, which may be replaced at any */
    const char *certificate;    /* time.  Borrowed. */
    const char *ca_cert;        /* Of the other servers. */
    int64_t wait_ms;            /* For how long a request may wait for a server
                                 * that can be reached. */
};
#define RELAY_WAIT_MS 10000

struct relay *relay_create(struct event_base *, const struct relay_options *);
/* Replies 503 to what has no reply yet. */
void relay_destroy(struct relay *);

/* Has requests passed on to the server at 'address', ADDRESS:PORT, whose
 * certificate must be for 'name'; NULL: there is none now. */
void relay_set_server(struct relay *, const char *name, const char *address);

/* Passes 'request' on; takes ownership.  'peer' is what is known of who has
 * sent it. */
void relay_pass(struct relay *, struct http_request *request,
                const struct http_peer *peer);

struct relay_stats {
    size_t n_now;               /* Under way. */
    uint64_t n_passed;          /* Replied by the other server. */
    uint64_t n_again;           /* Sent again. */
    uint64_t n_failed;          /* Replied 503 here. */
};
void relay_get_stats(const struct relay *, struct relay_stats *);

#endif /* proto/relay/relay.h */
