/* SPDX-License-Identifier: Apache-2.0
 *
 * The bundles sent to a switch, what is waiting to be sent, and what the
 * switch has acknowledged.  Not for the contents of a bundle, nor for sending
 * it (bundle-send.c, reconcile.c). */

#ifndef CONTROLLER_FABRIC_SESSION_BUNDLE_ACKS_H
#define CONTROLLER_FABRIC_SESSION_BUNDLE_ACKS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/fabric/session/backlog.h"
#include "openvswitch/list.h"

struct fabric_switch;
struct scope_diff;
struct switch_part_class;

/* A bundle whose commit was sent and has no reply yet.  Replies are in
 * order. */
struct sent_bundle {
    struct ovs_list node;
    uint64_t first, revision;   /* Acknowledged by its reply: of merged groups
                                 * the first and the last, else equal. */
    uint64_t before;            /* Acknowledged without it. */
    uint32_t commit_xid;
    size_t size;                /* Bytes. */
    bool reconcile;
    bool makes_room;            /* Deletes flows while a table was full. */
    size_t n_rejected;          /* Number of rejected items at that time. */
    char *failed;               /* The error, or NULL.  Owned. */
};

struct switch_bundles {
    struct ovs_list sent;       /* struct sent_bundle, oldest first. */
    size_t n_sent, sent_bytes;  /* Totals of 'sent'. */
    struct backlog backlog;     /* Not sent while replies are outstanding. */
    bool flushing;              /* 'backlog' is sent once quiescent. */
    uint64_t sent_revision;
    uint64_t digest;            /* Of its desired state, if known. */
    bool digest_known;
    bool unmarkable;            /* It rejects the marker: none is sent. */
    bool doubtful;              /* A bundle may have been rejected without an
                                 * error: its marker must not be trusted. */
    uint64_t acked;             /* If 'frozen'; see switch_acked(). */
    bool frozen;                /* Not known to have installed everything up to
                                 * some bundle. */
    bool marked;                /* Observed: its marker is not MARKER_NONE, and
                                 * was of some revision since it connected. */
    struct backlog *touched;    /* Records what it is sent during an audit; or
                                 * NULL.  Borrowed. */

    /* While a group is being sent (bundle-send.c). */
    size_t n_diffs, allocated_diffs;
    struct scope_diff **diffs;  /* What it is sent. */
    bool concerned;             /* It has not been sent yet. */
};

extern const struct switch_part_class bundles_part;

/* Records a bundle that was sent, with its commit. */
struct sent_bundle *bundles_add(struct fabric_switch *,
                                uint64_t first, uint64_t revision,
                                uint64_t before, uint32_t commit_xid,
                                size_t size);
/* Sends the backlog as soon as possible. */
void bundles_flush(struct fabric_switch *);
/* Reconciling is complete: the switch has installed all of 'revision', except
 * what it has rejected. */
void bundles_reconciled(struct fabric_switch *, uint64_t revision);

#endif /* controller/fabric/session/bundle-acks.h */
