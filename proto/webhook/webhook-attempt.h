/* SPDX-License-Identifier: Apache-2.0
 *
 * One attempt of a call: a connection of its own to a web server, one request,
 * the head of its reply, and an end within a bounded time.  By libcurl: names,
 * TLS, a proxy and the reply are its matter; what it may do is bounded here.
 * Only for proto/webhook. */

#ifndef PROTO_WEBHOOK_WEBHOOK_ATTEMPT_H
#define PROTO_WEBHOOK_WEBHOOK_ATTEMPT_H 1

#include <stdbool.h>

struct curl_slist;
struct event_base;
struct loop_curl;
struct webhook_attempt;
struct webhook_url;

/* What all attempts share.  Its strings are borrowed. */
struct webhook_client {
    struct event_base *base;
    struct loop_curl *curl;
    unsigned timeout_ms;        /* From name resolution to the reply's head. */
    unsigned linger_ms;         /* After that, for its body. */
    const char *ca_cert;        /* PEM file, or NULL: the system's CAs. */
    const char *proxy;          /* http://HOST[:PORT], or NULL: none. */
};

/* Most bytes of a reply's head, with those of interim replies and of a
 * proxy. */
#define WEBHOOK_HEAD_MAX 16384
/* Most bytes of a body, which are discarded. */
#define WEBHOOK_BODY_READ_MAX 4096

struct webhook_result {
    int status;                 /* 101 to 999; 0: no reply. */
    const char *fault;          /* If so, why: a sentence. */
    unsigned retry_after_ms;    /* Retry-After, a day at most; or 0. */
};

/* Called with the result.  The attempt is freed. */
typedef void webhook_attempt_cb(void *aux, const struct webhook_result *);

/* Posts 'body', a JSON value, to 'url', both borrowed until the attempt ends.
 * Takes ownership of 'headers'.  'done' is called later, unless the attempt is
 * cancelled. */
struct webhook_attempt *webhook_attempt_start(const struct webhook_client *,
                                              const struct webhook_url *url,
                                              struct curl_slist *headers,
                                              const char *body,
                                              webhook_attempt_cb *done,
                                              void *aux);
void webhook_attempt_cancel(struct webhook_attempt *);

#endif /* proto/webhook/webhook-attempt.h */
