/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts rejected claims and notifies of them; see rejected-claims.h. */

#include <config.h>

#include "controller/fabric/ovsdb/rejected-claims.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-private.h"
#include "openvswitch/shash.h"
#include "openvswitch/token-bucket.h"
#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(rejected_claims);

/* The name in the counter that further pairs of hosts share.  No host can have
 * it: names contain no parentheses. */
#define OTHERS "(others)"

/* A counter. */
struct pair {
    char *host;
    char *expected;             /* The host that was expected; or "". */
    uint64_t n;
};

struct rejected_claims {
    struct fabric *fabric;
    struct shash pairs;         /* struct pair, by "HOST/EXPECTED". */
    struct shash rates;         /* struct token_bucket, by host. */
};

struct rejected_claims *
rejected_claims_create(struct fabric *fabric)
{
    struct rejected_claims *claims = xzalloc(sizeof *claims);

    claims->fabric = fabric;
    shash_init(&claims->pairs);
    shash_init(&claims->rates);
    return claims;
}

void
rejected_claims_destroy(struct rejected_claims *claims)
{
    struct shash_node *node;

    if (!claims) {
        return;
    }
    SHASH_FOR_EACH (node, &claims->pairs) {
        struct pair *pair = node->data;

        free(pair->host);
        free(pair->expected);
        free(pair);
    }
    shash_destroy(&claims->pairs);
    shash_destroy_free_data(&claims->rates);
    free(claims);
}

static void
count(struct rejected_claims *claims, const char *host, const char *expected)
{
    char *key = xasprintf("%s/%s", host, expected);
    struct pair *pair = shash_find_data(&claims->pairs, key);

    if (!pair && shash_count(&claims->pairs) >= REJECTED_CLAIMS_PAIRS_MAX) {
        host = expected = OTHERS;
        free(key);
        key = xstrdup(OTHERS);
        pair = shash_find_data(&claims->pairs, key);
    }
    if (!pair) {
        pair = xmalloc(sizeof *pair);
        pair->host = xstrdup(host);
        pair->expected = xstrdup(expected);
        pair->n = 0;
        shash_add(&claims->pairs, key, pair);
    }
    pair->n++;
    free(key);
}

static bool
is_within_rate(struct rejected_claims *claims, const char *host)
{
    struct token_bucket *bucket = shash_find_data(&claims->rates, host);

    if (!bucket) {
        bucket = xmalloc(sizeof *bucket);
        /* Tokens per millisecond; a notification takes 1000. */
        token_bucket_init(bucket, REJECTED_CLAIMS_EVENTS_PER_S,
                          REJECTED_CLAIMS_EVENTS_BURST * 1000);
        shash_add(&claims->rates, host, bucket);
    }
    return token_bucket_withdraw(bucket, 1000);
}

void
rejected_claims_add(struct rejected_claims *claims, const char *port,
                    const char *host, const char *expected, const char *reason)
{
    count(claims, host, expected ? expected : "");
    if (is_within_rate(claims, host)) {
        VLOG_WARN("port %s: rejected the claim of host %s: %s", port,
                  host, reason);
        FABRIC_NOTIFY(claims->fabric, claim_rejected,
                    (aux, port, host, expected, reason))
    }
}

void
rejected_claims_forget_host(struct rejected_claims *claims, const char *host)
{
    free(shash_find_and_delete(&claims->rates, host));
}

void
rejected_claims_each(const struct rejected_claims *claims,
                     rejected_claims_cb *cb, void *aux)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &claims->pairs) {
        const struct pair *pair = node->data;

        cb(aux, pair->host, pair->expected, pair->n);
    }
}
