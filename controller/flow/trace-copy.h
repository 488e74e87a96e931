/* SPDX-License-Identifier: Apache-2.0
 *
 * Live traces: a packet that the controller puts in at a port, and copies of
 * it that switches send up as it goes through their tables.  Fields that no
 * guest's packet has so mark it inside of a switch (metadata, tun_gbp_id); in
 * a tunnel a VNI that nothing else uses does.  Here is what those who put
 * flows for that into switches (fabric/packets/live-trace-flows.h) and those
 * who compare copies with a prediction (simulator/live-comparison.h) have in
 * common.  Not for apps, whose flows know nothing of traces. */

#ifndef CONTROLLER_FLOW_TRACE_COPY_H
#define CONTROLLER_FLOW_TRACE_COPY_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/flow.h"
#include "vmn/vocabulary.h"

struct match;
struct ofpbuf;

/* Traces at a time. */
#define TRACES_MAX 4

/* Cookies of flows that are there while a trace runs: this, and the trace's
 * number.  Their priorities are above all others'.  Audits and reconciling
 * leave them alone; a switch deletes them by itself if vmnd does not. */
#define TRACE_COOKIE UINT64_C(0x766d6e7400000000)
#define TRACE_COOKIE_MASK UINT64_C(0xffffffff00000000)
#define TRACE_PRIORITY 65534

/* The mark: OpenFlow's metadata, of which TRACE_MARK_MASK is the trace's, and
 * the lowest byte the table of which the last copy was sent.  What a switch
 * keeps of a packet over conntrack has them, so that it takes it for no other
 * one's.  Flows that sample or punt write to them: so tun_gbp_id and
 * tun_gbp_flags, which nothing else uses, have it as well.  Neither is in
 * cached flows, so that setting them, and matching them, invalidates none; but
 * for tun_gbp_id of packets from tunnels of which apps make copies: these have
 * no metadata, nor tun_gbp_id, while tun_gbp_flags, which say nothing alone,
 * stay (copy-action.c). */
#define TRACE_MARK UINT64_C(0x766d740000000000)
#define TRACE_MARK_MASK UINT64_C(0xffffffffffffff00)

/* The Ethernet address that a traced packet has as source while it is on a
 * physical network, by which the other host knows it: 'NUMBER' is the lowest
 * byte of the trace's. */
#define TRACE_MAC(NUMBER) \
    ((struct eth_addr) { { { VMN_RESERVED_MAC_BYTES( \
        VMN_RESERVED_MAC_SERVICE, 0xff0400 | (NUMBER)) } } })

/* Returns true if a flow is a trace's: one of somebody else's with such a
 * cookie would stay forever, or be of ordinary packets. */
bool trace_copy_is_flow(uint64_t cookie, uint16_t priority,
                        uint16_t hard_timeout, const struct match *);

/* Why there is a copy. */
enum trace_copy_kind {
    TRACE_COPY_STAGE,           /* The packet enters a stage's first table. */
    TRACE_COPY_LAST,            /* The same of the last stage. */
    TRACE_COPY_DROP,            /* It is dropped by a flow, or logged: it is in
                                 * SAMPLE_TABLE. */
    TRACE_COPY_PUNT             /* It would go to an app's handler: it is in
                                 * PUNT_TABLE, and goes no further. */
};

struct trace_copy {
    enum trace_copy_kind kind;
    const char *host;           /* That has sent it.  Borrowed. */
    uint8_t table;              /* Of 'kind' STAGE and LAST. */
    struct flow flow;           /* The packet, with its registers. */
};

/* Appends to ofpacts an action that sends a copy to the controller.
 * 'trace' is the trace's number. */
void trace_copy_put(struct ofpbuf *ofpacts, uint32_t trace,
                    enum trace_copy_kind, uint8_t table);
/* Reads the user data of a packet-in.  Returns false if it is no such
 * copy. */
bool trace_copy_parse(const uint8_t *userdata, size_t size, uint32_t *trace,
                      enum trace_copy_kind *, uint8_t *table);

#endif /* controller/flow/trace-copy.h */
