/* SPDX-License-Identifier: Apache-2.0
 *
 * Receipts of revisions: on which hosts one is installed, and waiting for
 * that. */

#ifndef CONTROLLER_FABRIC_FABRIC_RECEIPTS_H
#define CONTROLLER_FABRIC_FABRIC_RECEIPTS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/commit/activity.h"

struct arena;
struct fabric;
struct schema_struct;
struct status_app_flows;

/* Where a revision is on one host.  Members are called as in JSON. */
struct fabric_receipt_host {
    const char *host;
    const char *state;          /* "confirmed", "pending", "offline" or
                                 * "failed". */
    int64_t time;               /* Of the last change of state, in ms (wall
                                 * clock); 0: not known. */
    const char *reason;         /* Why it has not confirmed, or NULL. */
};

/* The receipt of a revision.  Revisions that were grouped share one. */
struct fabric_receipt {
    uint64_t revision;          /* That it is of. */
    bool recorded;              /* Else 'hosts' are all hosts as they are now,
                                 * and flows are not known. */
    bool installed;             /* All hosts concerned have confirmed. */
    size_t n_hosts;
    struct fabric_receipt_host *hosts;
    size_t n_flows;             /* By app. */
    struct status_app_flows *flows;
    bool has_steps;             /* What it took is known. */
    struct activity_item_steps steps; /* Not shown with the receipt. */
};
extern const struct schema_struct fabric_receipt_shown;

/* Fills in the receipt of a revision, with its lists in 'arena' and texts that
 * are borrowed until the loop's next turn.
 *
 * 'hosts' are those that the revision concerns.  They are in memory for the
 * newest FABRIC_RECEIPTS_MAX revisions since the start; of an older one they
 * are as recorded, where one that had not confirmed then has if it has
 * acknowledged a revision as new since.
 * Returns false for a revision that is not durable. */
#define FABRIC_RECEIPTS_MAX 4096
bool fabric_get_receipt(const struct fabric *, uint64_t revision,
                        struct arena *arena, struct fabric_receipt *);

/* How far a revision has come, in short. */
struct fabric_progress {
    size_t n_hosts;             /* Concerned. */
    size_t n_confirmed;
    int64_t confirmed_us;       /* time_usec() of the newest confirmation; 0:
                                 * there was none yet, or it is not known. */
};
/* Fills that in.  Returns false if nothing is recorded of it. */
bool fabric_progress(const struct fabric *, uint64_t revision,
                     struct fabric_progress *);

/* What is waited for.  Owned by who declares it, and copied. */
struct fabric_wait_for {
    size_t n_revisions;
    const uint64_t *revisions;  /* Ascending, each once; at least one. */
    size_t n_ports;
    const char *const *ports;   /* Of these, that what their hosts reported
                                 * already has led to bindings, which are
                                 * revisions of their own. */
};

/* Calls 'cb' once: when every host concerned has acknowledged all of that, or
 * at the time-out, from the loop.  'receipt' is of the newest revision that is
 * waited for, or at the time-out of one that is not installed; it is borrowed
 * until 'cb' returns, and NULL if there is none.  The caller may cancel the
 * wait before that. */
struct fabric_wait;
typedef void fabric_wait_cb(void *aux, bool installed,
                            const struct fabric_receipt *receipt);
struct fabric_wait *fabric_wait(struct fabric *,
                                const struct fabric_wait_for *,
                                int timeout_ms, fabric_wait_cb *, void *aux);
/* Ends the wait without calling 'cb'.  NULL is none. */
void fabric_wait_cancel(struct fabric_wait *);

#endif /* controller/fabric/fabric-receipts.h */
