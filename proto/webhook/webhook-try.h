/* SPDX-License-Identifier: Apache-2.0
 *
 * One try of a call: a connection of its own to a web server, one request, the
 * head of its reply, and an end within a bounded time.  Only for
 * proto/webhook. */

#ifndef PROTO_WEBHOOK_WEBHOOK_TRY_H
#define PROTO_WEBHOOK_WEBHOOK_TRY_H 1

#include <stdbool.h>

struct ds;
struct event_base;
struct ssl_ctx_st;
struct webhook_names;
struct webhook_try;
struct webhook_url;

/* What all tries share.  Borrowed. */
struct webhook_tries {
    struct event_base *base;
    struct webhook_names *names;
    unsigned timeout_ms;        /* From the name to the reply's head. */
    unsigned linger_ms;         /* Then, for its body. */
};

/* Bytes of a body that are read, to be thrown away. */
#define WEBHOOK_BODY_READ_MAX 4096

struct webhook_result {
    int status;                 /* 200 to 999, or 0: there was no reply. */
    const char *fault;          /* Then: a sentence. */
    bool has_retry_after;
    unsigned retry_after_s;
};

/* How it ended.  The try is gone. */
typedef void webhook_tried(void *aux, const struct webhook_result *);

/* Sends 'request', the bytes of it all, which is taken over, to the server of
 * 'url', which is borrowed until the end.  'ctx' is for https, or NULL.
 * 'tried' is called later, unless the try is cancelled before. */
struct webhook_try *webhook_try_start(const struct webhook_tries *,
                                      const struct webhook_url *url,
                                      struct ssl_ctx_st *ctx,
                                      struct ds *request,
                                      webhook_tried *tried, void *aux);
void webhook_try_cancel(struct webhook_try *);

#endif /* proto/webhook/webhook-try.h */
