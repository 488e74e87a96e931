/* SPDX-License-Identifier: Apache-2.0
 *
 * What a trace is asked for: the body of POST /v1/trace, without "after".
 * Only what is wrong by itself is refused here; names are looked up in
 * trace.c. */

#ifndef CONTROLLER_SIMULATOR_TRACE_REQUEST_H
#define CONTROLLER_SIMULATOR_TRACE_REQUEST_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "controller/schema/error.h"
#include "vmn/types.h"

/* TRACE_ICMP is that of whichever family the addresses have, TRACE_ICMPV6 is
 * for those of IPv6 alone. */
enum trace_protocol {
    TRACE_TCP, TRACE_UDP, TRACE_ICMP, TRACE_SCTP, TRACE_ICMPV6,
};
enum trace_fragment { TRACE_WHOLE, TRACE_FIRST, TRACE_LATER };

struct trace_request {
    char *from;                 /* A port's name.  Owned. */
    char *to;                   /* A port's or a balancer's, or an address.
                                 * Owned. */
    enum trace_protocol protocol;
    uint16_t port, source_port; /* TCP, UDP, SCTP. */
    int icmp_type;              /* -1: that of a ping. */
    uint8_t icmp_code;
    uint16_t tcp_flags;
    uint32_t size;              /* Of the IP packet; 0: it fits anywhere. */
    enum trace_fragment fragment;
    bool reply;                 /* The answer as well. */
    struct vmn_ip source_ip;    /* Family 0: the port's own. */
    bool has_source_mac, has_destination_mac;
    struct vmn_mac source_mac, destination_mac;
};

/* Reads 'body'.  False with 'errors', which point into it.  The member "after"
 * is the caller's. */
bool trace_request_parse(const json_t *body, struct trace_request *,
                         struct vmn_errors *errors);
void trace_request_uninit(struct trace_request *);

/* Reads "tcp", "udp", "icmp", "sctp" or "icmpv6". */
bool trace_protocol_parse(const char *, enum trace_protocol *);

/* Returns true of TRACE_ICMP and TRACE_ICMPV6, which have types and codes in
 * place of ports. */
bool trace_protocol_is_icmp(enum trace_protocol);
/* Returns true if the protocol goes with addresses of this family, 4 or 6. */
bool trace_protocol_has(enum trace_protocol, uint8_t family);

#endif /* controller/simulator/trace-request.h */
