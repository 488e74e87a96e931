/* SPDX-License-Identifier: Apache-2.0
 *
 * The flows of a live trace, as messages to a switch; see
 * controller/flow/trace-copy.h.  Not for when they are sent (live-trace.c). */

#ifndef CONTROLLER_FABRIC_PACKETS_LIVE_TRACE_FLOWS_H
#define CONTROLLER_FABRIC_PACKETS_LIVE_TRACE_FLOWS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fabric_live_request;
struct ofpbuf;

struct live_trace_flows {
    uint32_t trace;             /* Its number. */
    uint16_t hard_timeout_s;    /* After which the switch deletes them. */
};

/* Appends messages with transaction id OFCONN_XID_TRACES: */
/* Has the switch of host 'i' of the request follow the packet. */
void live_trace_flows_append(const struct live_trace_flows *,
                             const struct fabric_live_request *, size_t i,
                             struct ofpbuf *);
/* Deletes these flows. */
void live_trace_flows_append_delete(uint32_t trace, struct ofpbuf *);
/* Puts a packet in at a port, as if it had come by a tunnel with 'vni', which
 * is one of those that its flows there know: it goes nowhere if these are not
 * there. */
void live_trace_flows_append_packet(uint32_t in_port, uint32_t vni,
                                    const uint8_t *frame, size_t size,
                                    struct ofpbuf *);
/* Returns the VNI of crossing 'i' of the request. */
uint32_t live_trace_crossing_vni(const struct fabric_live_request *, size_t i);

#endif /* controller/fabric/packets/live-trace-flows.h */
