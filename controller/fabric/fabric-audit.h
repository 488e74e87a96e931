/* SPDX-License-Identifier: Apache-2.0
 *
 * Audits: what a host's switch holds, against what it is to hold. */

#ifndef CONTROLLER_FABRIC_FABRIC_AUDIT_H
#define CONTROLLER_FABRIC_FABRIC_AUDIT_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "controller/fabric/fabric-flows.h"

struct fabric;

/* Reads the host's switch now, and calls 'cb' once, from the loop: with what
 * differs from what is wanted, or with NULL and the reason.  {"time", "flows",
 * "groups", "missing", "altered", "strangers", "refused" (by the switch, which
 * is known), "skipped" (changed since the reading began), "owners" (all of
 * these but "skipped" by owner, as of fabric_audit_owners()), "differences"}.
 * Returns NULL, or why that is not possible now; 'cb' is not called then.
 *
 * Without 'look' this is an audit like those that come by themselves: what
 * differs is logged, counted and mended, the result is also in the host's
 * status as "audit", and "differences" are the first 100, in words.
 *
 * With 'look', "differences" are at most 'look->limit' of those that pass its
 * filter, as difference_to_json() has them, and "matching" counts all of them;
 * and only if 'look->mend' it is an audit beside that. */
struct fabric_look {
    bool mend;
    size_t limit;
    struct fabric_filter filter;
};
typedef void fabric_audit_cb(void *aux, const json_t *result,
                             const char *reason);
const char *fabric_audit(struct fabric *, const char *host,
                         const struct fabric_look *look, fabric_audit_cb *,
                         void *aux);
/* What all audits have found, by owner: {OWNER: {"missing", "altered",
 * "stranger", "refused"}}, where OWNER is an app, "stranger", or "vmnd" for
 * the marker.  The caller owns it. */
json_t *fabric_audit_owners(const struct fabric *);
/* 'cb' is not called for 'aux' any more.  The reading goes on. */
void fabric_audit_forget(struct fabric *, fabric_audit_cb *cb, void *aux);

#endif /* controller/fabric/fabric-audit.h */
