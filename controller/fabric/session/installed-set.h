/* SPDX-License-Identifier: Apache-2.0
 *
 * The desired items that a switch was seen to hold just as they are, gathered
 * while its dump is read (reconcile.c, audit.c).  Noting one is cheap; which
 * are there is looked up at the end, and only if their sum does not tell. */

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
    size_t table_mask;          /* Its size less one. */
    const struct flow_item **table; /* By address, or NULL: not asked yet. */
};

void installed_set_init(struct installed_set *);
void installed_set_uninit(struct installed_set *);

void installed_set_add(struct installed_set *, const struct flow_item *);

/* Returns true if they are exactly the items whose digests sum up to 'digest',
 * as engine_host_digest() does.  Needs no look at any. */
bool installed_set_is_all(const struct installed_set *, uint64_t digest);

/* Looks up; the first call sorts all of them in, and drops those that are
 * there twice.  So installed_set_add() may follow, but at the price of sorting
 * all again. */
bool installed_set_contains(struct installed_set *,
                            const struct flow_item *);

#endif /* controller/fabric/session/installed-set.h */
