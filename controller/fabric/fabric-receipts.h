/* SPDX-License-Identifier: Apache-2.0
 *
 * Receipts of revisions: on which hosts a revision is installed, and waits
 * until it is. */

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

/* The state of a revision on one host.  Members are called as in JSON. */
struct fabric_receipt_host {
    const char *host;
    const char *state;          /* "confirmed", "pending", "offline",
                                 * "unheard" or "failed". */
    int64_t time;               /* Of the last change of state, in ms (wall
                                 * clock); 0: unknown. */
    const char *reason;         /* Why it has not confirmed; or NULL. */
};

/* The receipt of a revision.  Grouped revisions share one. */
struct fabric_receipt {
    uint64_t revision;          /* The revision. */
    bool recorded;              /* Otherwise 'hosts' are all current hosts, and
                                 * the flows are unknown. */
    bool installed;             /* All hosts concerned have confirmed it. */
    const char *late;           /* An app that has not computed yet what
                                 * follows from it; or NULL. */
    size_t n_hosts;
    struct fabric_receipt_host *hosts;
    size_t n_flows;             /* By app. */
    struct status_app_flows *flows;
    bool has_steps;             /* 'steps' is known. */
    struct activity_item_steps steps; /* Durations; not shown with the
                                       * receipt. */
};
extern const struct schema_struct fabric_receipt_shown;

/* Fills in the receipt of a revision, with its lists in 'arena' and texts that
 * are borrowed until the next iteration of the loop.  'hosts' are those that
 * the revision concerns.  The newest FABRIC_RECEIPTS_MAX revisions since the
 * start are in memory; an older receipt is as recorded, except that a host
 * that had not confirmed then counts as confirmed if it has acknowledged a
 * revision at least as new.  Returns false if the revision is not durable. */
#define FABRIC_RECEIPTS_MAX 4096
bool fabric_get_receipt(const struct fabric *, uint64_t revision,
                        struct arena *arena, struct fabric_receipt *);

/* Progress of a revision, in short. */
struct fabric_progress {
    size_t n_hosts;             /* Hosts concerned. */
    size_t n_confirmed;
    int64_t confirmed_us;       /* time_usec() of the newest confirmation; 0:
                                 * none yet, or unknown. */
};
/* Fills in the progress.  Returns false if no receipt is kept. */
bool fabric_progress(const struct fabric *, uint64_t revision,
                     struct fabric_progress *);

/* The condition of a wait.  Owned by the caller, and copied. */
struct fabric_wait_for {
    size_t n_revisions;
    const uint64_t *revisions;  /* Ascending and distinct; at least one. */
    size_t n_ports;
    const char *const *ports;   /* Ports whose already reported interfaces must
                                 * have led to bindings, which are revisions of
                                 * their own, that are installed as well. */
};

/* Calls 'cb' once, from the loop: when every host concerned has acknowledged
 * all of that, or at the time-out.  'receipt' is that of the newest revision
 * waited for, or at the time-out of one that is not installed; it is borrowed
 * until 'cb' returns, and NULL if there is none.  The caller may cancel the
 * wait before. */
struct fabric_wait;
typedef void fabric_wait_cb(void *aux, bool installed,
                            const struct fabric_receipt *receipt);
struct fabric_wait *fabric_wait(struct fabric *,
                                const struct fabric_wait_for *,
                                int timeout_ms, fabric_wait_cb *, void *aux);
/* Cancels the wait without calling 'cb'.  NULL is allowed. */
void fabric_wait_cancel(struct fabric_wait *);

#endif /* controller/fabric/fabric-receipts.h */
