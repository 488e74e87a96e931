/* SPDX-License-Identifier: Apache-2.0
 *
 * The changes that a switch has not been sent yet: while it is reconciled
 * (reconcile.c), or has too many outstanding replies, revisions are not sent
 * to it but recorded here by key.  What was added and removed in between
 * cancels out.  Not for deciding when to send (bundle-acks.c,
 * bundle-send.c). */

#ifndef CONTROLLER_FABRIC_SESSION_BACKLOG_H
#define CONTROLLER_FABRIC_SESSION_BACKLOG_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/hmap.h"

struct flow_item;

/* The key of a flow or group that was touched. */
struct backlog_entry {
    struct hmap_node node;      /* By the key's hash. */
    struct flow_item *key;    /* Any item with this key.  Counted. */
    struct flow_item *sent;     /* The item last sent to the switch, or NULL.
                                 * Counted. */
    bool doubtful;              /* The switch has rejected that. */
};

/* A flow or group that the switch is to be sent.  All members are borrowed. */
struct backlog_change {
    struct backlog_entry *entry;
    const struct flow_item *desired; /* NULL: it is to be deleted. */
    uint64_t order;
};

struct backlog {
    struct hmap entries;        /* struct backlog_entry. */
    struct backlog_change *changes; /* What is to be sent, in order, since the
                                     * last group; or NULL: not known. */
    size_t n_changes, next;     /* 'next': the first that was not sent. */
    unsigned n_clears;          /* Number of backlog_clear() calls. */
    size_t n_groups;            /* Recorded groups of revisions. */
    uint64_t before;            /* Revision that is acknowledged without any of
                                 * them. */
    uint64_t first, last;       /* Last revisions of the first and last
                                 * group. */
    bool begun;                 /* A part of it was sent. */
};

void backlog_init(struct backlog *);
void backlog_uninit(struct backlog *);
void backlog_clear(struct backlog *);
static inline bool
backlog_is_empty(const struct backlog *backlog)
{
    return !backlog->n_groups;
}

/* Begins a group of revisions that ends with 'last'; 'before' is the newest
 * revision before it.  Its changes follow, withdrawals first. */
void backlog_open_group(struct backlog *, uint64_t before, uint64_t last);
/* Records that 'item' was added or withdrawn; 'sent': the switch has been sent
 * it, unless another item was recorded for its key before. */
void backlog_touch(struct backlog *, const struct flow_item *, bool sent);
/* If 'item' is what the switch was last sent: it has rejected that, so what it
 * has installed for the key is nothing, or older. */
void backlog_doubt(struct backlog *, const struct flow_item *);
/* Forgets an entry: it was sent. */
void backlog_remove(struct backlog *, struct backlog_entry *);
/* Returns true if the item's key was touched. */
bool backlog_contains(const struct backlog *, const struct flow_item *);

#endif /* controller/fabric/session/backlog.h */
