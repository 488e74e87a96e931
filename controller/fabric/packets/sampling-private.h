/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations that sampling-meters.c and sampling-audit.c share.  Not for
 * other files. */

#ifndef CONTROLLER_FABRIC_PACKETS_SAMPLING_PRIVATE_H
#define CONTROLLER_FABRIC_PACKETS_SAMPLING_PRIVATE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/fabric/packets/sampling-meters.h"
#include "controller/fabric/session/switch-part.h"

struct ofp_header;
struct ofputil_meter_config;

/* Meters of the pool; rules' own follow. */
#define N_METERS (2 * SAMPLING_METERS)

/* What the pool's meters were found to be. */
enum meter_found { METER_ABSENT, METER_DIFFERENT, METER_RIGHT };

/* Returns true if the meter is as meter 'i' is to be. */
bool sampling_is_right(const struct ofputil_meter_config *, unsigned i);

/* For switch_part_class. */
void sampling_audit_begin(struct fabric_switch *, void *sm);
bool sampling_audit_flow(struct fabric_switch *, void *sm,
                         const struct ofputil_flow_stats *);
void sampling_audit_compare(struct fabric_switch *, void *sm,
                            switch_audit_cb *, void *aux);
void sampling_audit_repair(struct fabric_switch *, void *sm);

/* Handles a reply to the request of sampling_audit_begin(). */
void sampling_handle_audit(struct fabric_switch *, const struct ofp_header *);

#endif /* controller/fabric/packets/sampling-private.h */
