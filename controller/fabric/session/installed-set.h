/* SPDX-License-Identifier: Apache-2.0
 *
 * The desired items that a switch has installed exactly, collected while its
 * dump is read (reconcile.c, audit.c).  Adding one is cheap; lookups happen at
 * the end, and only if the sum of digests differs. */

#ifndef CONTROLLER_FABRIC_SESSION_INSTALLED_SET_H
#define CONTROLLER_FABRIC_SESSION_INSTALLED_SET_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow_item;

struct installed_set {
    size_t n, allocated;
    struct flow_item **items; /* Counted. */
    uint64_t digest;            /* Sum of theirs. */
    size_t table_mask;          /* Its size minus one. */
    const struct flow_item **table; /* By address; NULL: no lookup yet. */
};

void installed_set_init(struct installed_set *);
void installed_set_uninit(struct installed_set *);

void installed_set_add(struct installed_set *, const struct flow_item *);

/* Returns true if the set equals the items whose digests add up to 'digest',
 * as engine_host_digest() computes it.  Does not access any item. */
bool installed_set_is_all(const struct installed_set *, uint64_t digest);

/* Looks up an item; the first call builds the hash table, and removes
 * duplicates.  So installed_set_add() may follow, but then the table is built
 * again. */
bool installed_set_contains(struct installed_set *,
                            const struct flow_item *);

#endif /* controller/fabric/session/installed-set.h */
