/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls that this server makes of another one by itself, and not for a client,
 * by TLS with certificates on both sides.  The other one is to answer it
 * itself (HTTP_RELAYED_HERE), which it does as for whoever may do all.  Not
 * for requests that are passed on (relay.h). */

#ifndef PROTO_RELAY_RELAY_CALL_H
#define PROTO_RELAY_RELAY_CALL_H 1

#include <stddef.h>

struct event_base;
struct relay_caller;

struct relay_caller_options {
    const char *private_key;    /* PEM files, which may be replaced at any */
    const char *certificate;    /* time.  Borrowed. */
    const char *ca_cert;        /* Of the other servers. */
    const char *client;         /* Who this server says it is.  Borrowed. */
    int connect_ms;             /* For how long connecting may take, with the
                                 * handshake. */
    size_t reply_max;           /* Bytes of a reply's body. */
};

struct relay_caller *relay_caller_create(struct event_base *,
                                         const struct relay_caller_options *);
/* Ends what is under way; nothing is called any more. */
void relay_caller_destroy(struct relay_caller *);

/* Called once, from the loop: with the status of the reply and its body, which
 * are valid in the call; or with status 0 and why there is none. */
typedef void relay_call_cb(void *aux, int status, const void *body,
                           size_t size, const char *fault);

/* Posts 'json' to 'path' of the server at 'address', ADDRESS:PORT, whose
 * certificate must be for 'name'.  All of it may take 'reply_ms'. */
void relay_call_post(struct relay_caller *, const char *name,
                     const char *address, const char *path, const char *json,
                     int reply_ms, relay_call_cb *, void *aux);

/* Ends the calls under way that were made with these: nothing is called. */
void relay_call_cancel(struct relay_caller *, relay_call_cb *, void *aux);

#endif /* proto/relay/relay-call.h */
