/* SPDX-License-Identifier: Apache-2.0
 *
 * Ids of events for accounts with a scope; see event-scope-ids.h.  Nothing is
 * kept of an event: its id is computed again to find it, of some ten thousand
 * in a fraction of a millisecond, once for each stream that resumes. */

#include <config.h>

#include "controller/northbound/event-scope-ids.h"

#include <stdlib.h>

#include "controller/siphash.h"
#include "entropy.h"
#include "util.h"

/* What is hashed. */
enum { HEAD_EVENT = 1, HEAD_BEGUN };

#define ID_BITS 53

struct event_scope_ids {
    struct siphash_key key;
    uint64_t n_begun;           /* Streams that have begun so far; */
    uint64_t begun[EVENT_SCOPE_BEGUN_MAX]; /* where, by their number modulo
                                            * EVENT_SCOPE_BEGUN_MAX. */
};

static uint64_t
make_id(const struct event_scope_ids *ids, uint64_t head, uint64_t number)
{
    return (siphash24(&ids->key, head, &number, sizeof number)
            >> (64 - ID_BITS));
}

uint64_t
event_scope_id(const struct event_scope_ids *ids, uint64_t at)
{
    return make_id(ids, HEAD_EVENT, at);
}

uint64_t
event_scope_begin_id(struct event_scope_ids *ids, uint64_t next)
{
    uint64_t number = ids->n_begun++;

    ids->begun[number % EVENT_SCOPE_BEGUN_MAX] = next;
    return make_id(ids, HEAD_BEGUN, number);
}

bool
event_scope_id_find(const struct event_scope_ids *ids, uint64_t id,
                    uint64_t oldest, uint64_t end, uint64_t *next)
{
    uint64_t n = MIN(ids->n_begun, EVENT_SCOPE_BEGUN_MAX);

    for (uint64_t at = oldest - 1; at < end; at++) {
        if (make_id(ids, HEAD_EVENT, at) == id) {
            *next = at + 1;
            return true;
        }
    }
    for (uint64_t i = 1; i <= n; i++) {
        uint64_t number = ids->n_begun - i;

        if (make_id(ids, HEAD_BEGUN, number) == id) {
            *next = ids->begun[number % EVENT_SCOPE_BEGUN_MAX];
            return true;
        }
    }
    return false;
}

struct event_scope_ids *
event_scope_ids_create(void)
{
    struct event_scope_ids *ids = xzalloc(sizeof *ids);
    uint8_t bytes[SIPHASH_KEY_SIZE];

    get_entropy_or_die(bytes, sizeof bytes);
    siphash_key_init(&ids->key, bytes);
    return ids;
}

void
event_scope_ids_destroy(struct event_scope_ids *ids)
{
    free(ids);
}
