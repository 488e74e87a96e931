/* SPDX-License-Identifier: Apache-2.0
 *
 * Which bundles are under way to a switch, what waits to be sent, and what the
 * switch has acknowledged.  Not for what is in a bundle, nor for sending it
 * (bundle-send.c, reconcile.c). */

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

/* A bundle whose commit was sent and not answered.  They are answered in
 * order. */
struct sent_bundle {
    struct ovs_list node;
    uint64_t first, revision;   /* Acknowledged with it: of merged groups the
                                 * first and the last, else equal. */
    uint64_t before;            /* Acknowledged without it. */
    uint32_t commit_xid;
    size_t size;                /* Bytes. */
    bool reconcile;
    bool makes_room;            /* Deletes flows, where a table was full. */
    size_t n_rejected;          /* Known when it was made. */
    char *failed;               /* Why, or NULL.  Owned. */
};

struct switch_bundles {
    struct ovs_list sent;       /* struct sent_bundle, oldest first. */
    size_t n_sent, sent_bytes;  /* Of these. */
    struct backlog backlog;     /* What is not sent while it owes answers. */
    bool flushing;              /* That goes out at the next settled moment. */
    uint64_t sent_revision;
    uint64_t digest;            /* Of all that it is to hold, if known. */
    bool digest_known;
    bool unmarkable;            /* It rejects the marker, and gets none. */
    bool doubtful;              /* A bundle may have been rejected unseen: its
                                 * marker is not to be trusted. */
    uint64_t acked;             /* If 'frozen'; see switch_acked(). */
    bool frozen;                /* Not known to hold all up to a bundle. */
    struct backlog *touched;    /* Where to note what it is sent while it is
                                 * read, or NULL.  Borrowed. */

    /* While a group is being sent (bundle-send.c). */
    size_t n_diffs, allocated_diffs;
    struct scope_diff **diffs;  /* What it gets. */
    bool concerned;             /* Its turn is still to come. */
};

extern const struct switch_part_class bundles_part;

/* A bundle is sent, with its commit. */
struct sent_bundle *bundles_add(struct fabric_switch *,
                                uint64_t first, uint64_t revision,
                                uint64_t before, uint32_t commit_xid,
                                size_t size);
/* Sends the backlog once that can be. */
void bundles_flush(struct fabric_switch *);
/* The reconciling is over: the switch holds all of 'revision', but for what
 * it has rejected. */
void bundles_reconciled(struct fabric_switch *, uint64_t revision);

#endif /* controller/fabric/session/bundle-acks.h */
