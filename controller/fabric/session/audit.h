/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit: each live host is read in full, once per interval, although it
 * should have installed exactly what it was sent, and compared with the
 * desired state.  Differences are reported and counted; reconcile.c repairs
 * them. */

#ifndef CONTROLLER_FABRIC_SESSION_AUDIT_H
#define CONTROLLER_FABRIC_SESSION_AUDIT_H 1

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/ofp-msgs.h"

struct fabric;
struct fabric_options;
struct fabric_switch;
struct status_audit;
struct switch_part_class;

extern const struct switch_part_class audit_part;

/* Starts periodic audits of every host, every 'audit_s' seconds. */
void audits_create(struct fabric *, const struct fabric_options *);
void audits_destroy(struct fabric *);

bool audit_is_running(const struct fabric_switch *);
/* Returns the findings of the last audit. */
const struct status_audit *audit_last(const struct fabric_switch *);

#endif /* controller/fabric/session/audit.h */
