/* SPDX-License-Identifier: Apache-2.0
 *
 * The wanted items that a switch was seen to hold just as they are, gathered
 * while its dump is read (reconcile.c, audit.c).  Noting one is cheap; which
 * are there is looked up at the end, and only if their sum does not tell. */

#ifndef CONTROLLER_FABRIC_SESSION_HELD_H
#define CONTROLLER_FABRIC_SESSION_HELD_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine_item;

struct held {
    size_t n, allocated;
    struct engine_item **items; /* Counted. */
    uint64_t digest;            /* Sum of theirs. */
    size_t table_mask;          /* Its size less one. */
    const struct engine_item **table; /* By address, or NULL: not asked yet. */
};

void held_init(struct held *);
void held_uninit(struct held *);

void held_add(struct held *, const struct engine_item *);

/* True if they are exactly the items whose digests sum up to 'digest', as
 * engine_host_digest() does.  Needs no look at any. */
bool held_are_all(const struct held *, uint64_t digest);

/* Looks up; the first call sorts all of them in, and drops those that are
 * there twice.  So held_add() may follow, but at the price of sorting all
 * again. */
bool held_contains(struct held *, const struct engine_item *);

#endif /* controller/fabric/session/held.h */
