/* SPDX-License-Identifier: Apache-2.0
 *
 * Audits: compare the flows and groups that a host's switch has installed with
 * the desired ones. */

#ifndef CONTROLLER_FABRIC_FABRIC_AUDIT_H
#define CONTROLLER_FABRIC_FABRIC_AUDIT_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/fabric/fabric-flows.h"
#include "controller/schema/status.h"

struct fabric;

/* A flow or group that differs from the desired state.  Members are called as
 * in JSON. */
struct fabric_difference {
    const char *kind;           /* "missing", "altered", "unknown" or
                                 * "rejected". */
    int table, priority;        /* -1: a group. */
    const char *match;          /* NULL for a group. */
    int64_t group_id;           /* -1 for a flow. */
    const char *owner;          /* "APP.UNIT/KEY"; NULL: unknown. */
    const char *scope;          /* NULL if it is not desired. */
    struct fabric_contents *desired; /* NULL: nothing. */
    struct fabric_contents *installed; /* NULL: nothing, or unknown. */
    size_t n_differs;
    const char **differs;       /* Of an altered one, else NULL: which of
                                 * "actions", "cookie", "group", "timeouts",
                                 * "flags"; or, if all of these are formatted
                                 * alike, "encoding". */
};

/* The result of an audit.  Borrowed. */
struct fabric_audit_result {
    const char *host;
    bool repairing;
    struct status_audit found;
    /* With a request: the differences that pass its filter, at most its limit,
     * and how many pass in total. */
    size_t n_differences;
    struct fabric_difference *differences;
    uint64_t matching;
};
extern const struct schema_struct fabric_audit_shown;

/* A user's request for an audit. */
struct fabric_audit_request {
    bool repair;                /* Repair the differences.  Otherwise the audit
                                 * changes nothing, and is not counted. */
    size_t limit;               /* Maximum number of differences listed. */
    struct fabric_filter filter; /* Which of them. */
};
typedef void fabric_audit_cb(void *aux, const struct fabric_audit_result *,
                             const char *reason);

/* Reads the flows of the host's switch, and calls 'cb' once, from the loop:
 * with the differences to the desired state, or with NULL and the reason of a
 * failure.  Returns NULL, or the reason why no audit can be started now; 'cb'
 * is not called then.  Without a request this is a periodic audit: differences
 * are logged, counted and repaired, and the result is shown in the host's
 * status.  With a request that is so only if 'repair' is set. */
const char *fabric_audit(struct fabric *, const char *host,
                         const struct fabric_audit_request *,
                         fabric_audit_cb *, void *aux);
/* Returns the differences found by all audits, by owner.  Borrowed until the
 * next iteration of the loop. */
const struct status_audit *fabric_audited(const struct fabric *);
/* Cancels the callback for 'aux'.  The audit itself continues. */
void fabric_audit_forget(struct fabric *, fabric_audit_cb *cb, void *aux);

#endif /* controller/fabric/fabric-audit.h */
