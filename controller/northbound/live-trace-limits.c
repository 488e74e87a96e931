/* SPDX-License-Identifier: Apache-2.0
 *
 * Limits of live traces; see live-trace-limits.h. */

#include <config.h>

#include "controller/northbound/live-trace-limits.h"

#include <stdlib.h>

#include "controller/flow/trace-copy.h"
#include "openvswitch/shash.h"
#include "openvswitch/token-bucket.h"
#include "proto/http/http.h"
#include "sset.h"
#include "timeval.h"
#include "util.h"

/* Traces per second, and at once after a pause: of all accounts, and of those
 * with a scope, each of which may begin one in ACCOUNT_MS. */
#define RATE 5
#define BURST 20
#define SCOPED_RATE 2
#define SCOPED_BURST 4
#define ACCOUNT_MS 1000
/* Tokens that a trace takes: buckets are filled by the millisecond. */
#define TRACE_TOKENS 1000

struct live_limits {
    size_t n;                   /* Traces that run. */
    struct sset running;        /* The accounts with a scope that have one. */
    struct token_bucket all, scoped;
    struct shash last;          /* int64_t, when an account with a scope began
                                 * one; of time_msec(). */
};

struct live_limits *
live_limits_create(void)
{
    struct live_limits *limits = xzalloc(sizeof *limits);

    sset_init(&limits->running);
    token_bucket_init(&limits->all, RATE, BURST * TRACE_TOKENS);
    token_bucket_init(&limits->scoped, SCOPED_RATE,
                      SCOPED_BURST * TRACE_TOKENS);
    shash_init(&limits->last);
    return limits;
}

void
live_limits_destroy(struct live_limits *limits)
{
    if (limits) {
        sset_destroy(&limits->running);
        shash_destroy_free_data(&limits->last);
        free(limits);
    }
}

/* Forgets those that may begin another one. */
static void
forget_old(struct live_limits *limits, int64_t now_ms)
{
    struct shash_node *node, *next;

    SHASH_FOR_EACH_SAFE (node, next, &limits->last) {
        if (*(const int64_t *) node->data + ACCOUNT_MS <= now_ms) {
            free(node->data);
            shash_delete(&limits->last, node);
        }
    }
}

/* Takes a trace from the account's rate, and from those of all. */
static bool
withdraw(struct live_limits *limits, const char *who, bool scoped)
{
    int64_t now_ms = time_msec();

    forget_old(limits, now_ms);
    if (scoped) {
        if (shash_find(&limits->last, who)
            || !token_bucket_withdraw(&limits->scoped, TRACE_TOKENS)) {
            return false;
        }
        shash_add(&limits->last, who, xmemdup(&now_ms, sizeof now_ms));
    }
    return token_bucket_withdraw(&limits->all, TRACE_TOKENS);
}

bool
live_limits_take(struct live_limits *limits, struct http_request *req,
                 const char *who, bool scoped)
{
    /* One is left to accounts that may see all. */
    size_t max = scoped ? TRACES_MAX - 1 : TRACES_MAX;

    if (scoped && sset_contains(&limits->running, who)) {
        http_reply_header(req, "Retry-After", "1");
        http_reply_problem(req, 429, "throttled", NULL,
                           "this account has a live trace in progress");
    } else if (limits->n >= max) {
        http_reply_header(req, "Retry-After", "1");
        http_reply_problem(req, 503, "busy", NULL,
                           "%"PRIuSIZE" other live traces are in progress",
                           limits->n);
    } else if (!withdraw(limits, who, scoped)) {
        http_reply_header(req, "Retry-After", "1");
        http_reply_problem(req, 429, "throttled", NULL,
                           "too many live traces: an account with a scope may "
                           "begin one per second, all of these %d, and all "
                           "accounts %d", SCOPED_RATE, RATE);
    } else {
        limits->n++;
        if (scoped) {
            sset_add(&limits->running, who);
        }
        return true;
    }
    return false;
}

void
live_limits_release(struct live_limits *limits, const char *who, bool scoped)
{
    limits->n--;
    if (scoped) {
        sset_find_and_delete(&limits->running, who);
    }
}
