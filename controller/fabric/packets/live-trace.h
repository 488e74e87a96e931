/* SPDX-License-Identifier: Apache-2.0
 *
 * Live traces (fabric-live-trace.h) as a part of switches' sessions. */

#ifndef CONTROLLER_FABRIC_PACKETS_LIVE_TRACE_H
#define CONTROLLER_FABRIC_PACKETS_LIVE_TRACE_H 1

#include <stdbool.h>

struct fabric;
struct fabric_switch;
struct ofp_header;
struct ofpacket_in;
struct switch_part_class;

extern const struct switch_part_class live_trace_part;

/* Takes a packet-in, which 'in' has been decoded from, if it is a copy of a
 * traced packet.  Returns false if it is something else. */
bool live_trace_receive(struct fabric_switch *, const struct ofp_header *,
                        const struct ofpacket_in *in);

#endif /* controller/fabric/packets/live-trace.h */
