/* SPDX-License-Identifier: Apache-2.0
 *
 * Audits: what a host's switch holds, against what it is to hold. */

#ifndef CONTROLLER_FABRIC_FABRIC_AUDIT_H
#define CONTROLLER_FABRIC_FABRIC_AUDIT_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/fabric/fabric-flows.h"
#include "controller/schema/status.h"

struct fabric;

/* A flow or a group that is not what is desired.  Members are called as in
 * JSON. */
struct fabric_difference {
    const char *kind;           /* "missing", "altered", "unknown" or
                                 * "rejected". */
    int table, priority;        /* -1: none; it is a group. */
    const char *match;          /* NULL of a group. */
    int64_t group_id;           /* -1 of a flow. */
    const char *owner;          /* "APP.UNIT/KEY"; NULL: nobody's. */
    const char *scope;          /* NULL of what is not desired. */
    struct fabric_contents *desired; /* NULL: nothing. */
    struct fabric_contents *installed; /* NULL: nothing, or not known. */
    size_t n_differs;
    const char **differs;       /* NULL, or of an altered one in what:
                                 * "actions", "cookie", "group", "timeouts",
                                 * "flags"; or, if all of these read the same,
                                 * "encoding". */
};

/* What an audit has found, which is borrowed. */
struct fabric_audit_result {
    const char *host;
    bool repairing;
    struct status_audit found;
    /* If a request was given: the differences that pass its filter, at most
     * its limit, and how many pass in all. */
    size_t n_differences;
    struct fabric_difference *differences;
    uint64_t matching;
};
extern const struct schema_struct fabric_audit_shown;

/* What a user wants of an audit. */
struct fabric_audit_request {
    bool repair;                /* What differs is repaired.  Else the audit
                                 * changes nothing, and is not counted. */
    size_t limit;               /* Differences that are listed, at most. */
    struct fabric_filter filter; /* Which of them. */
};
typedef void fabric_audit_cb(void *aux, const struct fabric_audit_result *,
                             const char *reason);

/* Reads the host's switch now, and calls 'cb' once, from the loop: with what
 * differs from what is desired, or with NULL and the reason.  Returns NULL, or
 * the reason why that is not possible now; 'cb' is not called then.
 *
 * Without a request this is like a periodic audit: differences are logged,
 * counted and repaired, and the result is also part of the host's status.
 * With a request it is that only if 'repair' is set. */
const char *fabric_audit(struct fabric *, const char *host,
                         const struct fabric_audit_request *,
                         fabric_audit_cb *, void *aux);
/* What all audits have found, by owner alone.  Borrowed until the loop's next
 * turn. */
const struct status_audit *fabric_audited(const struct fabric *);
/* 'cb' is not called for 'aux' any more.  The reading goes on. */
void fabric_audit_forget(struct fabric *, fabric_audit_cb *cb, void *aux);

#endif /* controller/fabric/fabric-audit.h */
