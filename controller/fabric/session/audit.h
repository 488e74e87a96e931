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

struct fabric;
struct fabric_options;
struct fabric_switch;
struct switch_part_class;

extern const struct switch_part_class audit_part;

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

bool audit_is_running(const struct fabric_switch *);
/* What the last one has found. */
const struct audit_result *audit_last(const struct fabric_switch *);

#endif /* controller/fabric/session/audit.h */
