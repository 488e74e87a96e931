/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts and announces refused claims; see claims.h. */

#include <config.h>

#include "controller/fabric/ovsdb/claims.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-private.h"
#include "openvswitch/shash.h"
#include "openvswitch/token-bucket.h"
#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(claims);

/* The name that stands for hosts without a count of their own.  No host has
 * it, since names have no parentheses. */
#define OTHERS "(others)"

struct pair {
    char *host;
    char *expected;             /* Or "". */
    uint64_t n;
};

struct claims {
    struct fabric *fabric;
    struct shash pairs;         /* struct pair, by "HOST/EXPECTED". */
    struct shash rates;         /* struct token_bucket, by host. */
};

struct claims *
claims_create(struct fabric *fabric)
{
    struct claims *claims = xzalloc(sizeof *claims);

    claims->fabric = fabric;
    shash_init(&claims->pairs);
    shash_init(&claims->rates);
    return claims;
}

void
claims_destroy(struct claims *claims)
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
count(struct claims *claims, const char *host, const char *expected)
{
    char *key = xasprintf("%s/%s", host, expected);
    struct pair *pair = shash_find_data(&claims->pairs, key);

    if (!pair && shash_count(&claims->pairs) >= CLAIMS_PAIRS_MAX) {
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
is_within_rate(struct claims *claims, const char *host)
{
    struct token_bucket *bucket = shash_find_data(&claims->rates, host);

    if (!bucket) {
        bucket = xmalloc(sizeof *bucket);
        /* Tokens a millisecond; one announcement takes 1000. */
        token_bucket_init(bucket, CLAIMS_EVENTS_PER_S,
                          CLAIMS_EVENTS_BURST * 1000);
        shash_add(&claims->rates, host, bucket);
    }
    return token_bucket_withdraw(bucket, 1000);
}

void
claims_refused(struct claims *claims, const char *port, const char *host,
               const char *expected, const char *reason)
{
    count(claims, host, expected ? expected : "");
    if (is_within_rate(claims, host)) {
        VLOG_WARN("port %s: the claim of %s is refused: %s", port, host,
                  reason);
        FABRIC_NOTIFY(claims->fabric, claim_refused,
                    (aux, port, host, expected, reason))
    }
}

void
claims_forget_host(struct claims *claims, const char *host)
{
    free(shash_find_and_delete(&claims->rates, host));
}

void
claims_each(const struct claims *claims, claims_cb *cb, void *aux)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &claims->pairs) {
        const struct pair *pair = node->data;

        cb(aux, pair->host, pair->expected, pair->n);
    }
}
