/* SPDX-License-Identifier: Apache-2.0
 *
 * Acknowledgements of revisions: receipts, waits for them, and the revision
 * that all hosts have acknowledged (which frees IDs).  Not for how an
 * acknowledgement is received (bundle-acks.c). */

#ifndef CONTROLLER_FABRIC_SESSION_RECEIPTS_H
#define CONTROLLER_FABRIC_SESSION_RECEIPTS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/schema/status.h"

struct arena;
struct commit_group;
struct fabric;
struct fabric_host;
struct fabric_receipt_host;
struct fabric_stats;
struct receipt;
struct schema_struct;

void receipts_create(struct fabric *);
/* Stores all changed receipts: called at shutdown, before hosts are
 * disconnected. */
void receipts_save(struct fabric *);
/* Cancels the remaining waits without callbacks. */
void receipts_destroy(struct fabric *);

/* Opens the receipt of 'group'; its hosts are then added one by one, and
 * receipts_close() called, which takes ownership.  Returns NULL if the group
 * has no revision. */
struct receipt *receipts_open(struct fabric *, const struct commit_group *);
void receipts_add_host(struct receipt *, const struct fabric_host *);
void receipts_close(struct fabric *, struct receipt *);

/* Records that the host has acknowledged the groups that end with 'first' to
 * 'last', or rejected a part of them for 'reason', a part of a sentence. */
void receipts_confirm(struct fabric *, const struct fabric_host *,
                      uint64_t first, uint64_t last);
void receipts_fail(struct fabric *, const struct fabric_host *,
                   uint64_t first, uint64_t last, const char *reason);
/* Does the same for all revisions up to 'revision', since the host was
 * reconciled.  With 'reason', unconfirmed ones become failed. */
void receipts_confirm_all(struct fabric *, const struct fabric_host *,
                          uint64_t revision, const char *reason);
/* Stops waiting for a host whose row was deleted. */
void receipts_remove_host(struct fabric *, const struct fabric_host *);

/* A group of revisions that some hosts have not confirmed.  Members are called
 * as in JSON. */
struct receipt_incomplete {
    uint64_t first_revision, revision;
    int64_t time;               /* Of the group, in ms (wall clock). */
    uint64_t confirmed;         /* Hosts. */
    size_t n_missing;
    struct fabric_receipt_host *missing; /* The others. */
};
/* All receipts. */
struct receipts_status {
    uint64_t receipts;          /* In memory, */
    uint64_t first_revision, revision; /* and the range of their revisions. */
    uint64_t waits;             /* Of clients. */
    uint64_t n_incomplete;
    size_t n_listed;            /* The newest incomplete ones: */
    struct receipt_incomplete *incomplete;
};
extern const struct schema_struct receipts_shown;
/* Fills in 'status', in 'arena', with at most 'max' incomplete receipts. */
void receipts_get_status(const struct fabric *, size_t max,
                         struct arena *arena, struct receipts_status *status);

/* Returns how far a host is behind: what it has not acknowledged of that which
 * concerns it.  Of revisions without a receipt in memory that is not known,
 * and all of them count. */
struct status_lag receipts_lag(struct fabric_host *);

/* Fills in the members about receipts. */
void receipts_get_stats(const struct fabric *, struct fabric_stats *);

/* Schedules a check of waits and ID pools for the end of this iteration of the
 * loop: switch_acked() of some host may have changed. */
void receipts_acked_changed(struct fabric *);

#endif /* controller/fabric/session/receipts.h */
