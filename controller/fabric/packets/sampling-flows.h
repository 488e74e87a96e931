/* SPDX-License-Identifier: Apache-2.0
 *
 * The flows of SAMPLE_TABLE that send copies to vmnd through meters: what they
 * are, and which one a switch's flow is.  For sampling-meters.c alone, which
 * says when they are installed. */

#ifndef CONTROLLER_FABRIC_PACKETS_SAMPLING_FLOWS_H
#define CONTROLLER_FABRIC_PACKETS_SAMPLING_FLOWS_H 1

#include <stdint.h>

#include "controller/fabric/packets/sampling-meters.h"

struct ofpbuf;
struct ofputil_flow_stats;

/* The flows have numbers: those of the pool, which are always there; then
 * those of rules' own meters, two for each. */
#define SAMPLING_POOL_FLOWS (3 * SAMPLING_METERS)
#define SAMPLING_OWN_FLOWS 2
#define SAMPLING_N_FLOWS \
    (SAMPLING_POOL_FLOWS + SAMPLING_OWN_FLOWS * SAMPLING_OWN)

/* Appends a message that adds flow 'number' to 'b'. */
void sampling_flow_append(uint32_t xid, unsigned number, struct ofpbuf *b);
/* Appends one that deletes all flows of the table, or those of rules' own
 * meters alone. */
void sampling_flows_append_delete(uint32_t xid, bool own_only,
                                  struct ofpbuf *b);
/* Returns the number of the flow, or SAMPLING_N_FLOWS if it is none of these.
 * Its actions are not looked at. */
unsigned sampling_flow_number(const struct ofputil_flow_stats *);

#endif /* controller/fabric/packets/sampling-flows.h */
