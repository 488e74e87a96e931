/* SPDX-License-Identifier: Apache-2.0
 *
 * Items that reconciling leaves out: those that the switch has rejected, and
 * those that would be rejected because of them.  A commit's error names one
 * item only, so the rest has to be inferred: after a flow whose table was full
 * further ones do not fit either, and a flow to a rejected group has no group.
 * What is left out is recorded as rejected.  For reconcile.c. */

#ifndef CONTROLLER_FABRIC_SESSION_DEPENDENCY_FILTER_H
#define CONTROLLER_FABRIC_SESSION_DEPENDENCY_FILTER_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow_item;
struct fabric_switch;

struct dependency_filter {
    struct fabric_switch *sw;
    bool full[UINT8_MAX + 1];   /* Tables that are full. */
    size_t n_groups, allocated_groups;
    uint32_t *groups;           /* Groups that are left out. */
};

void dependency_filter_init(struct dependency_filter *,
                            struct fabric_switch *);
void dependency_filter_uninit(struct dependency_filter *);

/* Returns true if the switch is to be sent the item.  Called for all items of
 * a bundle in their order, including rejected ones; groups come first.
 * 'replaces': the switch has an item with its key installed. */
bool dependency_filter_passes(struct dependency_filter *,
                              const struct flow_item *, bool replaces);

#endif /* controller/fabric/session/dependency-filter.h */
