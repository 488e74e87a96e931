/* SPDX-License-Identifier: Apache-2.0
 *
 * What a reconciling leaves out: items that the switch has refused, and what
 * would be refused because of them.  A commit's error names one item only, so
 * the rest has to be concluded: what follows a flow that found its table full
 * does not fit either, and a flow through a group that was refused has none.
 * What is left out is noted as rejected.  For reconcile.c. */

#ifndef CONTROLLER_FABRIC_SESSION_DEPENDENCY_FILTER_H
#define CONTROLLER_FABRIC_SESSION_DEPENDENCY_FILTER_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow_item;
struct fabric_switch;

struct dependency_filter {
    struct fabric_switch *sw;
    bool full[UINT8_MAX + 1];   /* Tables that take no more flows. */
    size_t n_groups, allocated_groups;
    uint32_t *groups;           /* Left out. */
};

void dependency_filter_init(struct dependency_filter *,
                            struct fabric_switch *);
void dependency_filter_uninit(struct dependency_filter *);

/* Returns true if the switch is to get the item.  Called for all of a bundle
 * in the order in which they are in it, those that were refused included;
 * groups come first.  'replaces': the switch holds something of its key. */
bool dependency_filter_passes(struct dependency_filter *,
                              const struct flow_item *, bool replaces);

#endif /* controller/fabric/session/dependency-filter.h */
