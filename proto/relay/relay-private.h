/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of proto/relay share: relay.c has the requests and when they
 * are sent, relay-pass.c one call of the other server and its reply. */

#ifndef PROTO_RELAY_RELAY_PRIVATE_H
#define PROTO_RELAY_RELAY_PRIVATE_H 1

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/list.h"
#include "proto/loop/loop-curl.h"
#include "proto/relay/relay.h"

struct event;
struct http_stream;

struct relay {
    struct relay_options options;
    struct loop_curl *curl;
    char *name, *address;       /* Of the server; NULL: there is none. */
    struct event *timer;        /* Sends what waits again. */
    struct ovs_list passes;     /* Of struct pass. */
    size_t n_connecting;        /* Of these have no connection yet. */
    struct relay_stats stats;
};

/* A request that is being passed on.  It waits ('transfer.easy' is NULL), has
 * been sent, or its reply is being passed back as a stream. */
struct pass {
    struct ovs_list node;       /* In the relay's 'passes'. */
    struct relay *relay;
    struct http_request *req;   /* NULL while 'stream' is not. */
    struct curl_slist *headers; /* Of the request. */
    int64_t end_ms;             /* It does not wait longer than until then. */
    int64_t again_ms;           /* It is not sent again before. */
    int64_t held_ms;            /* Until when a reply 503 is held back; 0: none
                                 * was. */
    bool in_doubt;              /* It was sent, and may have been carried
                                 * out. */
    char *fault;                /* Why it was not sent or replied, or NULL. */

    struct loop_curl_transfer transfer;
    bool connecting;            /* It is in 'n_connecting'. */
    struct curl_slist *connect_to;
    int status;                 /* Of the reply; 0: its head is not there. */
    size_t head_size;           /* Bytes of it. */
    struct curl_slist *reply_headers; /* To be passed back. */
    char *content_type;
    int64_t size;               /* Of the body; -1: not known. */
    bool cacheable, guess, authenticated;
    struct ds body;             /* Of a reply that is no stream. */
    struct http_stream *stream; /* Or NULL. */
    bool paused;                /* The client does not keep up. */
};

/* Makes the headers of the request; 'peer' as of relay_pass(). */
void pass_init_headers(struct pass *, const struct http_peer *peer);
/* Sends the request to the relay's server, which there must be. */
void pass_send(struct pass *);
/* Ends the call, if there is one, and forgets its reply. */
void pass_stop(struct pass *);
/* Returns the detail of the reply, a problem, or what is said 'otherwise'.
 * The caller frees it. */
char *pass_refusal(const struct pass *, const char *otherwise);
/* Passes the reply, which is complete, back. */
void pass_reply(struct pass *);
/* Returns true if it changes nothing. */
bool relay_is_reading(const struct http_request *);
/* Holds the reply back for a while, unless one was: then returns false. */
bool relay_pass_hold(struct pass *);
/* There was no reply: it is sent again later, or given up. */
void relay_pass_failed(struct pass *);
/* Ends and frees it; the request was replied or dropped. */
void relay_pass_done(struct pass *);

#endif /* proto/relay/relay-private.h */
