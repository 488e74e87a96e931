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

/* Requests all meters.  Returns the request's ID. */
uint32_t sampling_request_meters(struct fabric_switch *);

/* Calls 'cb' for each meter in a reply.  SAMPLING_REPLY_BAD: it is malformed;
 * SAMPLING_REPLY_TOO_MANY: the connection was closed. */
enum sampling_reply {
    SAMPLING_REPLY_OK, SAMPLING_REPLY_BAD, SAMPLING_REPLY_TOO_MANY
};
typedef void sampling_meter_cb(struct fabric_switch *,
                               const struct ofputil_meter_config *);
enum sampling_reply sampling_each_meter(struct fabric_switch *,
                                        const struct ofp_header *,
                                        sampling_meter_cb *);

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
