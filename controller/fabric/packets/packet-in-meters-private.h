/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations that packet-in-meters.c and packet-in-meter-flows.c share.  Not
 * for other files. */

#ifndef CONTROLLER_FABRIC_PACKETS_PACKET_IN_METERS_PRIVATE_H
#define CONTROLLER_FABRIC_PACKETS_PACKET_IN_METERS_PRIVATE_H 1

#include <stdint.h>

#include "controller/fabric/packets/packet-in-meters.h"

struct ofpbuf;
struct ofputil_flow_stats;

/* Each appends an OpenFlow message with 'xid'. */

/* Sends 'command' (enum ofp13_meter_mod_command) for meter 'i' of the pool,
 * with a rate of 'rate' packets per second. */
void packet_in_meter_append(uint32_t xid, uint16_t command, unsigned i,
                            unsigned rate, struct ofpbuf *);
/* Adds flow 'i', less than PACKET_IN_METER_FLOWS. */
void packet_in_meter_flows_append(uint32_t xid, unsigned i, struct ofpbuf *);
/* Deletes a flow that a switch has reported. */
void packet_in_meter_flows_append_delete(uint32_t xid,
                                         const struct ofputil_flow_stats *,
                                         struct ofpbuf *);
/* Deletes all flows of 'table'. */
void packet_in_meter_flows_append_delete_table(uint32_t xid, uint8_t table,
                                               struct ofpbuf *);

/* Returns the table of flow 'i'. */
uint8_t packet_in_meter_flows_table(unsigned i);
/* Returns the index of the flow that this one equals, or PACKET_IN_METER_FLOWS
 * if it equals none. */
unsigned packet_in_meter_flows_find(const struct ofputil_flow_stats *);

#endif /* controller/fabric/packets/packet-in-meters-private.h */
