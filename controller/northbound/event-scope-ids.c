/* SPDX-License-Identifier: Apache-2.0
 *
 * Ids of events for accounts with a scope; see event-scope-ids.h.  Nothing is
 * kept of an event: its id is computed again to find it, of some ten thousand
 * in a fraction of a millisecond, once for each stream that resumes. */

#include <config.h>

#include "controller/northbound/event-scope-ids.h"

#include <stdlib.h>
#include <string.h>

#include "controller/siphash.h"
#include "entropy.h"
#include "util.h"

/* What is hashed. */
enum { HEAD_EVENT = 1, HEAD_BEGUN, HEAD_ACCOUNT };

#define ID_BITS 53

/* A stream that has begun. */
struct begun {
    uint64_t number;            /* 0: there is none here. */
    uint64_t account;           /* The hash of its name. */
    uint64_t next;              /* Where. */
};

struct event_scope_ids {
    uint8_t bytes[EVENT_SCOPE_KEY_SIZE];
    struct siphash_key key;     /* Of these. */
    uint64_t last_begun;        /* The number of the last one.  The first one's
                                 * is drawn by lot: other members have the
                                 * same key, and must not give the same ids to
                                 * streams of theirs. */
    struct begun begun[EVENT_SCOPE_BEGUN_MAX]; /* In any order. */
};

static uint64_t
make_id(const struct event_scope_ids *ids, uint64_t head, uint64_t number)
{
    return (siphash24(&ids->key, head, &number, sizeof number)
            >> (64 - ID_BITS));
}

uint64_t
event_scope_id(const struct event_scope_ids *ids, uint64_t id)
{
    return make_id(ids, HEAD_EVENT, id);
}

/* Returns the place for another stream of the account: of its oldest, if it
 * has too many, else of the oldest of all, or of none. */
static struct begun *
find_place(struct event_scope_ids *ids, uint64_t account)
{
    struct begun *oldest = &ids->begun[0], *own = NULL;
    size_t n_own = 0;

    for (size_t i = 0; i < EVENT_SCOPE_BEGUN_MAX; i++) {
        struct begun *begun = &ids->begun[i];

        if (begun->number < oldest->number) {
            oldest = begun;
        }
        if (begun->number && begun->account == account) {
            own = !own || begun->number < own->number ? begun : own;
            n_own++;
        }
    }
    return n_own < EVENT_SCOPE_BEGUN_ACCOUNT_MAX ? oldest : own;
}

uint64_t
event_scope_begin_id(struct event_scope_ids *ids, const char *account,
                     uint64_t next)
{
    uint64_t hash = siphash24(&ids->key, HEAD_ACCOUNT, account,
                              strlen(account));
    uint64_t number = ++ids->last_begun;

    *find_place(ids, hash) = (struct begun) { number, hash, next };
    return make_id(ids, HEAD_BEGUN, number);
}

bool
event_scope_id_find(const struct event_scope_ids *ids, uint64_t id,
                    uint64_t oldest, uint64_t end, uint64_t *next)
{
    for (uint64_t at = oldest - 1; at < end; at++) {
        if (make_id(ids, HEAD_EVENT, at) == id) {
            *next = at + 1;
            return true;
        }
    }
    return false;
}

bool
event_scope_id_find_begun(const struct event_scope_ids *ids, uint64_t id,
                          uint64_t *next)
{
    for (size_t i = 0; i < EVENT_SCOPE_BEGUN_MAX; i++) {
        const struct begun *begun = &ids->begun[i];

        if (begun->number && make_id(ids, HEAD_BEGUN, begun->number) == id) {
            *next = begun->next;
            return true;
        }
    }
    return false;
}

const uint8_t *
event_scope_ids_key(const struct event_scope_ids *ids)
{
    return ids->bytes;
}

void
event_scope_ids_set_key(struct event_scope_ids *ids, const uint8_t *key)
{
    if (memcmp(ids->bytes, key, sizeof ids->bytes)) {
        memcpy(ids->bytes, key, sizeof ids->bytes);
        siphash_key_init(&ids->key, ids->bytes);
    }
}

struct event_scope_ids *
event_scope_ids_create(void)
{
    struct event_scope_ids *ids = xzalloc(sizeof *ids);

    BUILD_ASSERT(sizeof ids->bytes == SIPHASH_KEY_SIZE);
    get_entropy_or_die(ids->bytes, sizeof ids->bytes);
    siphash_key_init(&ids->key, ids->bytes);
    get_entropy_or_die(&ids->last_begun, sizeof ids->last_begun);
    ids->last_begun >>= 1;      /* So that it does not wrap. */
    return ids;
}

void
event_scope_ids_destroy(struct event_scope_ids *ids)
{
    free(ids);
}
