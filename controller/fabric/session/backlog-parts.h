/* SPDX-License-Identifier: Apache-2.0
 *
 * What a switch is to be sent of its backlog, in which order, and how much of
 * it with one bundle.  Not for sending it (bundle-send.c). */

#ifndef CONTROLLER_FABRIC_SESSION_BACKLOG_PARTS_H
#define CONTROLLER_FABRIC_SESSION_BACKLOG_PARTS_H 1

#include <stddef.h>
#include <stdint.h>

struct backlog_entry;
struct fabric_switch;
struct flow_item;

/* A flow or group that the switch is to be sent.  All members are borrowed. */
struct backlog_change {
    struct backlog_entry *entry;
    const struct flow_item *desired; /* NULL: it is to be deleted. */
    uint64_t order;
};

/* Returns what the switch is to be sent for its backlog, in an order in which
 * it may be cut: a packet that comes in between is judged by each table either
 * as before or as after all of it.  Sets '*n'; the caller frees the array.  To
 * be called while the state is quiescent. */
struct backlog_change *backlog_get_changes(const struct fabric_switch *,
                                           size_t *n);

/* Returns how many of 'changes', from the first on, one bundle takes: at most
 * 'max_items' flows and groups, and 'max_bytes' bytes or a single one.  'n' if
 * it takes all. */
size_t backlog_count_fitting(const struct backlog_change *changes, size_t n,
                             size_t max_items, size_t max_bytes);

#endif /* controller/fabric/session/backlog-parts.h */
