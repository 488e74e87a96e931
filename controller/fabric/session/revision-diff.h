/* SPDX-License-Identifier: Apache-2.0
 *
 * The difference of a group of revisions, sorted by scope and by host, and
 * encoded.  Not for sending it (bundle-send.c). */

#ifndef CONTROLLER_FABRIC_SESSION_REVISION_DIFF_H
#define CONTROLLER_FABRIC_SESSION_REVISION_DIFF_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/hmap.h"
#include "openvswitch/ofpbuf.h"

struct commit_group;
struct deleted_flow;
struct engine_scope;
struct fabric;
struct fabric_host;
struct flow_item;

enum diff_kind {
    DIFF_CHANGED,               /* For hosts that stay in the scope. */
    DIFF_JOINED,                /* All of the scope. */
    DIFF_LEFT,                  /* All of the scope is removed. */
};

/* The phases of a bundle, in order. */
enum { GROUPS_ADD, FLOWS_ADD, FLOWS_DEL, GROUPS_DEL, N_PHASES };

/* Messages that several hosts get. */
struct block {
    unsigned n_refs;
    unsigned n_messages;
    struct ofpbuf b;
};

/* The items of a scope's difference, for longer than the difference is
 * there. */
struct kept_diff {
    unsigned n_refs;
    size_t n_withdrawn, n;
    struct flow_item *items[];  /* Those that are withdrawn, then those that
                                 * are added; 'n' of both.  Counted. */
};

/* The messages for a host of 'scope'. */
struct scope_diff {
    struct hmap_node node;      /* In struct revision_diff's 'diffs'. */
    const struct engine_scope *scope;
    enum diff_kind kind;
    uint64_t digest;            /* Its contribution to a host's digest. */
    struct block *blocks[N_PHASES];
    /* The same as items, for hosts that are sent them later. */
    size_t n_added, allocated_added;
    const struct flow_item **added;
    size_t n_encoded;           /* The number of these in 'blocks'. */
    size_t n_withdrawn, allocated_withdrawn;
    const struct flow_item **withdrawn;
    /* Withdrawals that depend on other desired items of the host. */
    size_t n_doubtful, allocated_doubtful;
    const struct flow_item **doubtful;
    bool counted_groups;        /* Groups with counted buckets are among the
                                 * added or the withdrawn. */
    /* Counted flows that are deleted from each of its hosts. */
    size_t n_gone, allocated_gone;
    struct deleted_flow *gone;
    struct kept_diff *kept;     /* NULL: not asked for.  Counted. */
};

/* The difference of a group of revisions. */
struct revision_diff {
    struct fabric *fabric;
    const struct commit_group *group;
    struct hmap diffs;          /* struct scope_diff. */
    struct hmap members;        /* struct member_node, by scope and host. */
    struct hmap added;          /* struct added_node. */
    size_t n_hosts, allocated_hosts;
    struct fabric_host **hosts; /* Those with differences. */
    struct scope_diff *diff;    /* Of the running callback. */
};

/* Sorts the difference of 'group', which is borrowed: sets 'hosts', and the
 * 'diffs' of each one's switch.  Yields. */
void revision_diff_init(struct revision_diff *, struct fabric *,
                        const struct commit_group *group);
/* Frees all members.  The caller clears the switches' 'diffs'.  Yields. */
void revision_diff_uninit(struct revision_diff *);

/* Encodes the next added item into its block.  Returns false if there is none.
 * */
bool scope_diff_encode_next(struct scope_diff *);
/* Returns a reference to the items that are added and withdrawn. */
struct kept_diff *scope_diff_keep(struct scope_diff *);
/* Releases one, or NULL. */
void kept_diff_unref(struct kept_diff *);
/* Releases a reference to 'block', which may be NULL. */
void block_unref(void *block);

#endif /* controller/fabric/session/revision-diff.h */
