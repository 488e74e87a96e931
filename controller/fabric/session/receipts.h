/* SPDX-License-Identifier: Apache-2.0
 *
 * Who has acknowledged which revision: receipts, waits for them, and the
 * revision that everyone has acknowledged (which frees numbers).  Not for how
 * an acknowledgement comes about (switch.c). */

#ifndef CONTROLLER_FABRIC_SESSION_RECEIPTS_H
#define CONTROLLER_FABRIC_SESSION_RECEIPTS_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "controller/schema/status.h"

struct commit_group;
struct fabric;
struct fabric_host;
struct fabric_stats;
struct receipt;

void receipts_create(struct fabric *);
/* Forgets waits that are left without calling anybody. */
void receipts_destroy(struct fabric *);

/* Opens the receipt of 'group'; its hosts are then added one by one, and
 * receipts_close() called, which takes ownership.  Returns NULL if the group
 * holds no revision. */
struct receipt *receipts_open(struct fabric *, const struct commit_group *);
void receipts_add_host(struct receipt *, const struct fabric_host *);
void receipts_close(struct fabric *, struct receipt *);

/* Notes that the host has acknowledged the groups that end with 'first' to
 * 'last', or refused a part of them ('reason', a sentence part). */
void receipts_confirm(struct fabric *, const struct fabric_host *,
                      uint64_t first, uint64_t last);
void receipts_fail(struct fabric *, const struct fabric_host *,
                   uint64_t first, uint64_t last, const char *reason);
/* Does the same for all revisions up to 'revision', since the host was
 * reconciled.  With 'reason', what was not confirmed before is failed. */
void receipts_confirm_all(struct fabric *, const struct fabric_host *,
                          uint64_t revision, const char *reason);
/* Stops waiting for a host whose row is gone. */
void receipts_remove_host(struct fabric *, const struct fabric_host *);

/* Returns {"receipts", "first_revision", "revision" (that are kept), "waits"
 * (of clients), "n_incomplete", "incomplete": [{"first_revision", "revision",
 * "time", "confirmed", "missing": [...]}, the newest 'max']}, where "missing"
 * are "hosts" of fabric_append_receipt().  The caller owns it. */
json_t *receipts_to_json(const struct fabric *, size_t max);

/* Returns how far a host that has acknowledged 'acked' is behind. */
struct status_lag receipts_lag(const struct fabric *, uint64_t acked);
/* Returns the same in milliseconds, since the oldest of them was made, as far
 * as receipts go back. */
int64_t receipts_lag_ms(const struct fabric *, uint64_t acked);

/* Fills in what concerns receipts. */
void receipts_get_stats(const struct fabric *, struct fabric_stats *);

/* Checks waits and ID pools later in this turn: switch_acked() of some host
 * may have changed. */
void receipts_acked_changed(struct fabric *);

#endif /* controller/fabric/session/receipts.h */
