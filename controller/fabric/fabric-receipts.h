/* SPDX-License-Identifier: Apache-2.0
 *
 * Receipts of revisions: on which hosts one is installed, and waiting for
 * that. */

#ifndef CONTROLLER_FABRIC_FABRIC_RECEIPTS_H
#define CONTROLLER_FABRIC_FABRIC_RECEIPTS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ds;
struct fabric;

/* Appends the receipt of a revision to the 'ds', as JSON text: {"installed":
 * bool, "hosts": [{"host", "state" ("confirmed", "pending", "offline",
 * "failed"), "time", "reason"}], "flows": [{"app", "added", "changed",
 * "removed"}]}.  "time" is that of the host's last change of state, in RFC
 * 3339 form.  Revisions that were grouped share a receipt.
 *
 * "hosts" are those that the revision concerns.  They are known for the newest
 * FABRIC_RECEIPTS_MAX revisions since the start; of an older one "hosts" are
 * all hosts, each confirmed once it has acknowledged something as new.
 * Returns false, and appends nothing, for a revision that is not durable. */
#define FABRIC_RECEIPTS_MAX 4096
bool fabric_append_receipt(const struct fabric *, uint64_t revision,
                           struct ds *);

/* How far a revision has come, in short. */
struct fabric_progress {
    size_t n_hosts;             /* Concerned. */
    size_t n_confirmed;
    int64_t confirmed_us;       /* time_usec() of the newest confirmation; 0:
                                 * there was none yet. */
};
/* Fills that in.  Returns false if the revision has no receipt of its own. */
bool fabric_progress(const struct fabric *, uint64_t revision,
                     struct fabric_progress *);

/* Calls 'cb' once: when every host concerned has acknowledged 'revision', or
 * at the time-out, from the loop.  'receipt' is text as above, borrowed, or
 * NULL if there is none.  The caller may cancel the wait before that. */
struct fabric_wait;
typedef void fabric_wait_cb(void *aux, bool installed, const char *receipt);
struct fabric_wait *fabric_wait(struct fabric *, uint64_t revision,
                                int timeout_ms, fabric_wait_cb *, void *aux);
/* Ends the wait without calling 'cb'.  NULL is none. */
void fabric_wait_cancel(struct fabric_wait *);

#endif /* controller/fabric/fabric-receipts.h */
