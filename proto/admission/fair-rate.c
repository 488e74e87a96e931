/* SPDX-License-Identifier: Apache-2.0
 *
 * A rate that owners share; see fair-rate.h. */

#include <config.h>

#include "proto/admission/fair-rate.h"

#include <stdlib.h>

#include "hash.h"
#include "timeval.h"
#include "util.h"

/* Tokens of an event: rates are in tokens a millisecond then. */
#define TOKENS 1000

struct fair_owner {
    struct hmap_node node;      /* In 'owners', by ID. */
    uint32_t id;
    struct token_bucket bucket; /* Its share. */
    int64_t used_ms;            /* Time of its last event. */
    unsigned debt;              /* Events that were charged and not paid. */
};

void
fair_rate_init(struct fair_rate *f, unsigned rate, unsigned burst_s)
{
    unsigned half = MAX(rate - rate / 2, 1);

    f->rate = rate;
    f->burst_s = burst_s;
    f->forgot_ms = 0;
    f->debt = 0;
    token_bucket_init(&f->common, half, half * burst_s * TOKENS);
    hmap_init(&f->owners);
}

static void
forget(struct fair_rate *f, struct fair_owner *owner)
{
    hmap_remove(&f->owners, &owner->node);
    free(owner);
}

void
fair_rate_uninit(struct fair_rate *f)
{
    struct fair_owner *owner, *next;

    HMAP_FOR_EACH_SAFE (owner, next, node, &f->owners) {
        forget(f, owner);
    }
    hmap_destroy(&f->owners);
}

/* Returns the owner, or NULL: there are too many. */
static struct fair_owner *
get_owner(struct fair_rate *f, uint32_t id)
{
    uint32_t hash = hash_int(id, 0);
    struct fair_owner *owner;

    HMAP_FOR_EACH_WITH_HASH (owner, node, hash, &f->owners) {
        if (owner->id == id) {
            return owner;
        }
    }
    if (hmap_count(&f->owners) >= FAIR_RATE_OWNERS_MAX) {
        return NULL;
    }
    owner = xzalloc(sizeof *owner);
    owner->id = id;
    hmap_insert(&f->owners, &owner->node, hash);
    return owner;
}

/* Takes an event from the owner's own share. */
static bool
take_own(const struct fair_rate *f, struct fair_owner *owner, int64_t now_ms)
{
    unsigned share = MAX(f->rate / 2 / (unsigned) hmap_count(&f->owners), 1);
    unsigned burst = MAX(share * f->burst_s, 1) * TOKENS;

    if (!owner->used_ms) {
        token_bucket_init(&owner->bucket, share, burst);
    } else {
        token_bucket_set(&owner->bucket, share, burst);
    }
    owner->used_ms = now_ms;
    return token_bucket_withdraw(&owner->bucket, TOKENS);
}

/* Takes an event.  'owner' may be NULL. */
static bool
take(struct fair_rate *f, struct fair_owner *owner, int64_t now_ms)
{
    return ((owner && take_own(f, owner, now_ms))
            || token_bucket_withdraw(&f->common, TOKENS));
}

/* Pays debt from the rate, as far as possible.  Returns true if no debt is
 * left. */
static bool
pay(struct fair_rate *f, struct fair_owner *owner, int64_t now_ms)
{
    unsigned *debt = owner ? &owner->debt : &f->debt;

    while (*debt && take(f, owner, now_ms)) {
        --*debt;
    }
    return !*debt;
}

/* Once a second, forgets owners whose shares are full again. */
static void
forget_idle(struct fair_rate *f, int64_t now_ms)
{
    struct fair_owner *owner, *next;

    if (now_ms - f->forgot_ms < 1000) {
        return;
    }
    f->forgot_ms = now_ms;
    HMAP_FOR_EACH_SAFE (owner, next, node, &f->owners) {
        if (now_ms - owner->used_ms > 1000 * (int64_t) f->burst_s
            && pay(f, owner, now_ms)) {
            forget(f, owner);
        }
    }
}

bool
fair_rate_take(struct fair_rate *f, uint32_t id)
{
    int64_t now_ms = time_msec();
    struct fair_owner *owner;

    if (!f->rate) {
        return true;
    }
    forget_idle(f, now_ms);
    owner = get_owner(f, id);
    return pay(f, owner, now_ms) && take(f, owner, now_ms);
}

void
fair_rate_charge(struct fair_rate *f, uint32_t id, unsigned n)
{
    struct fair_owner *owner = get_owner(f, id);

    *(owner ? &owner->debt : &f->debt) += n;
}
