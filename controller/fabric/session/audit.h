/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit: from time to time each host that is live is read in full, though
 * nothing says that it holds anything but what it was sent, and compared.
 * What differs is named and counted; mending it is reconcile.c's. */

#ifndef CONTROLLER_FABRIC_SESSION_AUDIT_H
#define CONTROLLER_FABRIC_SESSION_AUDIT_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/ofp-msgs.h"

struct audit;
struct backlog;
struct fabric;
struct fabric_options;
struct fabric_switch;

/* What the last audit of a host found. */
struct audit_result {
    int64_t time_ms;            /* Wall clock; 0: there was none yet. */
    size_t n_flows, n_groups;   /* That the switch held, marker apart. */
    size_t n_missing;           /* Wanted, and not there. */
    size_t n_altered;           /* There, but with other contents. */
    size_t n_unknown;         /* There, and not wanted. */
    size_t n_refused;           /* Wanted, and known to be refused. */
    size_t n_skipped;           /* Touched meanwhile: nothing can be said. */
    json_t *differences;        /* The first ones in words.  Owned. */
    json_t *owners;             /* {OWNER: {KIND: n}}, where OWNER is an app,
                                 * "vmnd" or "stranger".  Owned. */
};
json_t *audit_result_to_json(const struct audit_result *);

/* Begins to audit every host every 'audit_s' seconds. */
void audits_create(struct fabric *, const struct fabric_options *);
void audits_destroy(struct fabric *);

/* Ends the audit of a switch that goes or is reconciled. */
void audit_stop(struct fabric_switch *, const char *reason);
/* True if it waits for the switch. */
bool audit_is_owed(const struct fabric_switch *);
/* Where to note what the switch is sent while it is read, or NULL. */
struct backlog *audit_touched(struct fabric_switch *);
/* Takes a message that belongs to it (and returns true). */
bool audit_message(struct fabric_switch *, enum ofptype,
                   const struct ofp_header *);

#endif /* controller/fabric/session/audit.h */
