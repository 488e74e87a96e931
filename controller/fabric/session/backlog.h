/* SPDX-License-Identifier: Apache-2.0
 *
 * What a switch has not been sent yet of what changed: while it is checked
 * (reconcile.c), or owes too many answers, revisions are not sent to it but
 * noted here by key.  What was added and removed in between then comes to
 * nothing.  Not for deciding when to send (bundle-acks.c,
 * bundle-send.c). */

#ifndef CONTROLLER_FABRIC_SESSION_BACKLOG_H
#define CONTROLLER_FABRIC_SESSION_BACKLOG_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/hmap.h"

struct flow_item;

/* A flow's or a group's key that was touched. */
struct backlog_entry {
    struct hmap_node node;      /* By the key's hash. */
    struct flow_item *key;    /* Some item of this key.  Counted. */
    struct flow_item *sent;     /* What the switch was last sent, or NULL.
                                 * Counted. */
    bool doubtful;              /* It has refused that. */
};

struct backlog {
    struct hmap entries;        /* struct backlog_entry. */
    size_t n_groups;            /* That were noted. */
    uint64_t before;            /* Revision that is known without any. */
    uint64_t first, last;       /* Revisions that the groups end with. */
};

void backlog_init(struct backlog *);
void backlog_uninit(struct backlog *);
void backlog_clear(struct backlog *);
static inline bool
backlog_is_empty(const struct backlog *backlog)
{
    return !backlog->n_groups;
}

/* A group that ends with 'last' begins; 'before' is the newest revision
 * before it.  Its changes follow: what the switch no longer is to hold first.
 */
void backlog_open_group(struct backlog *, uint64_t before, uint64_t last);
/* 'item' has come or gone; 'sent': the switch has been sent it, unless
 * something else was noted for its key before. */
void backlog_touch(struct backlog *, const struct flow_item *, bool sent);
/* If 'item' is what the switch was last sent: it has refused that, so what it
 * holds of its key is nothing, or older. */
void backlog_doubt(struct backlog *, const struct flow_item *);
/* Returns true if something of the item's key was touched. */
bool backlog_contains(const struct backlog *, const struct flow_item *);

#endif /* controller/fabric/session/backlog.h */
