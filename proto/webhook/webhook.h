/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of web servers that are told of something: a POST with a JSON body,
 * signed, tried again for a while where that may help, and bounded in
 * everything, since what is called is not ours and may do anything.
 *
 * Whom vmnd calls is its administrator's to say, not that of who may write
 * objects: a URL that no prefix in 'allow' covers is not called.
 *
 * Who calls it: whoever has something to report, from the loop's thread;
 * nothing blocks, and nobody is called back.  What became of a call is asked
 * for.  Not an HTTP client for anything else: replies' bodies are not looked
 * at. */

#ifndef PROTO_WEBHOOK_WEBHOOK_H
#define PROTO_WEBHOOK_WEBHOOK_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct webhook;

/* Bounds. */
#define WEBHOOK_BODY_MAX 65536      /* Bytes of a body. */
#define WEBHOOK_URL_ACTIVE_MAX 2    /* Calls of one URL at a time. */

struct webhook_options {
    /* Prefixes of URLs, separated by commas, as webhook-url.h has them; NULL:
     * nothing is called. */
    const char *allow;
    /* File whose first line is the key of signatures, with permissions as
     * http_token_load() requires.  It is read again when it changes.  NULL:
     * calls are not signed. */
    const char *key_file;
    /* PEM file of CAs; NULL: the system's. */
    const char *ca_cert;
    /* http://HOST[:PORT] of a proxy for all calls; see webhook_proxy_check().
     * NULL: none, whatever the environment says. */
    const char *proxy;

    unsigned attempt_ms;            /* Timeout of an attempt. */
    unsigned linger_ms;             /* Timeout of a reply's body, after its
                                     * head. */
    unsigned n_attempts;            /* Most attempts of a call. */
    unsigned backoff_ms;            /* Before the second attempt; doubled each
                                     * time, varied randomly by a quarter. */
    unsigned retry_after_max_ms;    /* Longest Retry-After that is honoured. */
    unsigned retry_within_ms;       /* After a call, no attempt starts later
                                     * than this. */
    unsigned n_active;              /* Calls in progress at a time. */
    unsigned n_waiting;             /* Calls that wait for an attempt. */
    unsigned url_interval_ms;       /* Average interval between attempts of one
                                     * URL, */
    unsigned url_burst;             /* and the largest burst. */
};
#define WEBHOOK_OPTIONS_DEFAULT                                         \
    { .attempt_ms = 10 * 1000, .linger_ms = 1000, .n_attempts = 5,       \
      .backoff_ms = 1000, .retry_after_max_ms = 60 * 1000,              \
      .retry_within_ms = 120 * 1000, .n_active = 8, .n_waiting = 256,   \
      .url_interval_ms = 1000, .url_burst = 5 }

/* Returns 0, or a positive errno with a sentence in '*text', which the caller
 * frees.  'options' is not used after the call. */
int webhook_create(const struct webhook_options *options, struct event_base *,
                   struct webhook **, char **text);
/* Frees everything.  Calls that are not complete are abandoned. */
void webhook_destroy(struct webhook *);

/* Returns NULL if 'url' may be called, or a sentence that the caller frees. */
char *webhook_check(const struct webhook *, const char *url);

/* Has 'url' told 'body', the text of a JSON value, which is of the kind
 * 'event' (letters).  'owner' is whom it is about, for webhook_get_status().
 * Calls of one URL begin in their order; one that is tried again may come
 * after a later one.
 *
 * Headers: X-VMN-Event ('event'), X-VMN-Delivery (a UUID, the same with each
 * attempt), X-VMN-Timestamp (of the attempt, in seconds since 1970) and, if
 * there is a key, X-VMN-Signature: "sha256=HEX", which is the HMAC-SHA256 of
 * "TIMESTAMP.BODY". */
void webhook_call(struct webhook *, const char *owner, const char *url,
                  const char *event, const char *body);

enum webhook_outcome {
    WEBHOOK_PENDING,            /* Waits for an attempt, or for a reply. */
    WEBHOOK_DELIVERED,          /* The reply was 2xx. */
    WEBHOOK_FAILED,             /* It was not, and there are no more
                                 * attempts. */
    WEBHOOK_REJECTED,           /* The URL may not be called. */
    WEBHOOK_DROPPED,            /* There were too many other calls. */
    WEBHOOK_N_OUTCOMES
};
extern const char *const webhook_outcome_names[WEBHOOK_N_OUTCOMES];

/* The last call of an owner.  Strings are borrowed until the loop's next
 * turn. */
struct webhook_status {
    enum webhook_outcome outcome;
    int64_t time_ms;            /* When the outcome was decided, by the wall
                                 * clock. */
    unsigned n_attempts;        /* Attempts that were started. */
    const char *reason;         /* Why it was not delivered, or NULL. */
    const char *delivery;       /* X-VMN-Delivery. */
};
/* Returns false if 'owner' has made no calls. */
bool webhook_get_status(const struct webhook *, const char *owner,
                        struct webhook_status *);
/* Forgets the status of 'owner'.  Its calls continue. */
void webhook_forget(struct webhook *, const char *owner);

struct webhook_stats {
    uint64_t n_calls[WEBHOOK_N_OUTCOMES]; /* By outcome; "pending": not
                                           * complete. */
    uint64_t n_attempts;
};
void webhook_get_stats(const struct webhook *, struct webhook_stats *);

#endif /* proto/webhook/webhook.h */
