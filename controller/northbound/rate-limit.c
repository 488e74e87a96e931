/* SPDX-License-Identifier: Apache-2.0
 *
 * Rate limits of API requests; see rate-limit.h. */

#include <config.h>

#include "controller/northbound/rate-limit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/northbound/metrics.h"
#include "controller/northbound/northbound-private.h"
#include "controller/schema/selector.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/hmap.h"
#include "openvswitch/token-bucket.h"
#include "util.h"

/* A bucket holds the requests of BURST_S seconds; a request takes CALL tokens
 * from it. */
#define BURST_S 2
#define CALL 1000
/* Limiters that are kept.  Beyond that all are dropped, and begin anew with
 * full buckets. */
#define LIMITERS_MAX 4096

struct rate_limiter {
    struct hmap_node node;
    char *key;                  /* See get_limiter(). */
    struct token_bucket bucket;
};

struct rate_limit {
    unsigned rate;              /* Requests of an account per second, or 0. */
    struct hmap limiters;       /* Of struct rate_limiter. */
    uint64_t n_throttled;       /* Requests replied 429. */
};

static void
destroy_limiters(struct rate_limit *limit)
{
    struct rate_limiter *limiter, *next;

    HMAP_FOR_EACH_SAFE (limiter, next, node, &limit->limiters) {
        hmap_remove(&limit->limiters, &limiter->node);
        free(limiter->key);
        free(limiter);
    }
}

/* Returns the limiter of 'account' or "quota:NAME" or "refused:ACCOUNT"; a new
 * one has a full bucket. */
static struct rate_limiter *
get_limiter(struct rate_limit *limit, const char *key)
{
    uint32_t hash = hash_string(key, 0);
    struct rate_limiter *limiter;

    HMAP_FOR_EACH_WITH_HASH (limiter, node, hash, &limit->limiters) {
        if (!strcmp(limiter->key, key)) {
            return limiter;
        }
    }
    if (hmap_count(&limit->limiters) >= LIMITERS_MAX) {
        destroy_limiters(limit);
    }
    limiter = xzalloc(sizeof *limiter);
    limiter->key = xstrdup(key);
    token_bucket_init(&limiter->bucket, limit->rate,
                      limit->rate * BURST_S * CALL);
    hmap_insert(&limit->limiters, &limiter->node, hash);
    return limiter;
}

/* Withdraws a call from the bucket, unless 'peek'.  Returns false if the
 * bucket is empty. */
static bool
withdraw_call(struct rate_limiter *limiter, bool peek)
{
    bool ok = token_bucket_withdraw(&limiter->bucket, CALL);

    if (ok && peek) {
        limiter->bucket.tokens += CALL;
    }
    return ok;
}

/* Returns the quota after 'quota' (NULL: the first one) that limits the
 * account's rate of requests, or NULL. */
static const struct vmn_quota *
next_quota(const struct northbound *nb, const struct vmn_account *account,
           const struct vmn_quota *quota)
{
    while (account && account->scope.text
           && (quota = model_next_durable(nb->model, VMN_TABLE_QUOTA,
                                          quota ? quota->row.name : "",
                                          NULL))) {
        if (quota->requests >= 0
            && selector_is_within(&account->scope, &quota->scope)) {
            return quota;
        }
    }
    return NULL;
}

/* The same for a quota, whose rate may have changed since the last call. */
static bool
withdraw_quota_call(struct rate_limit *limit, const struct vmn_quota *quota,
                    bool peek)
{
    char *key = xasprintf("quota:%s", quota->row.name);
    struct rate_limiter *limiter = get_limiter(limit, key);

    free(key);
    token_bucket_set(&limiter->bucket, quota->requests,
                     quota->requests * BURST_S * CALL);
    return withdraw_call(limiter, peek);
}

/* Replies 429 with the sentence 'why', which it frees.  Returns false. */
static bool
reject_call(struct rate_limit *limit, struct http_request *req, char *why)
{
    limit->n_throttled++;
    http_reply_header(req, "Retry-After", "1");
    http_reply_problem(req, 429, "throttled", NULL, "%s", why);
    free(why);
    return false;
}

bool
rate_limit_allows(struct rate_limit *limit, const struct northbound *nb,
                  struct http_request *req, const char *name,
                  const struct vmn_account *account)
{
    const struct vmn_quota *quota;
    char *key = account ? xstrdup(name) : xasprintf("refused:%s", name);
    bool ok = !limit->rate || withdraw_call(get_limiter(limit, key), true);

    if (!ok) {
        reject_call(limit, req, xasprintf(
            "Account \"%s\" exceeds its rate of %u requests per second", name,
            limit->rate));
    }
    for (quota = NULL; ok && (quota = next_quota(nb, account, quota)); ) {
        if (!withdraw_quota_call(limit, quota, true)) {
            ok = reject_call(limit, req, xasprintf(
                "Quota \"%s\" allows %d requests per second", quota->row.name,
                quota->requests));
        }
    }
    if (ok && limit->rate) {
        withdraw_call(get_limiter(limit, key), false);
    }
    for (quota = NULL; ok && (quota = next_quota(nb, account, quota)); ) {
        withdraw_quota_call(limit, quota, false);
    }
    free(key);
    return ok;
}

struct rate_limit *
rate_limit_create(unsigned rate)
{
    struct rate_limit *limit = xzalloc(sizeof *limit);

    limit->rate = rate;
    hmap_init(&limit->limiters);
    return limit;
}

void
rate_limit_destroy(struct rate_limit *limit)
{
    if (limit) {
        destroy_limiters(limit);
        hmap_destroy(&limit->limiters);
        free(limit);
    }
}

void
rate_limit_append_metrics(const struct rate_limit *limit, struct ds *ds)
{
    metrics_family(ds, "vmn_http_requests_throttled_total", "counter",
                   "API requests that exceeded the rate of their account.");
    ds_put_format(ds, "vmn_http_requests_throttled_total %"PRIu64"\n",
                  limit->n_throttled);
}
