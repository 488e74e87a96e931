/* SPDX-License-Identifier: Apache-2.0
 *
 * What a trace is asked for: the body of POST /v1/trace, without "after", as
 * northbound/trace-body.h reads it.  Names are looked up in trace.c. */

#ifndef CONTROLLER_SIMULATOR_TRACE_REQUEST_H
#define CONTROLLER_SIMULATOR_TRACE_REQUEST_H 1

#include <stdbool.h>
#include <stdint.h>

#include "vmn/types.h"

/* TRACE_ICMP is that of whichever family the addresses have, TRACE_ICMPV6 is
 * for those of IPv6 alone. */
enum trace_protocol {
    TRACE_TCP, TRACE_UDP, TRACE_SCTP, TRACE_ICMP, TRACE_ICMPV6,
};
enum trace_tcp_flags { TRACE_SYN, TRACE_SYN_ACK, TRACE_ACK };
enum trace_fragment { TRACE_WHOLE = -1, TRACE_FIRST, TRACE_LATER };

/* What a guest's kernel might pick. */
#define TRACE_SOURCE_PORT_DEFAULT 40000

/* Texts are the caller's. */
struct trace_request {
    const char *from;           /* A port's name. */
    const char *to;             /* A port's or a balancer's, or an address. */
    enum trace_protocol protocol;
    uint16_t port, source_port; /* TCP, UDP, SCTP. */
    int icmp_type;              /* -1: that of a ping. */
    int icmp_code;
    enum trace_tcp_flags tcp_flags; /* TCP. */
    uint32_t size;              /* Of the IP packet; 0: it fits anywhere. */
    enum trace_fragment fragment;
    bool reply;                 /* The answer as well. */
    struct vmn_ip source_ip;    /* Family 0: the port's own. */
    struct vmn_mac source_mac;  /* Zero: the port's own. */
    struct vmn_mac destination_mac; /* Zero: what a neighbour answers. */
};

/* Sets what is not asked for. */
void trace_request_init(struct trace_request *);

/* By enum trace_protocol: "tcp", "udp", "sctp", "icmp" and "icmpv6"; NULL
 * ends. */
extern const char *const trace_protocol_names[];
/* Reads one of these. */
bool trace_protocol_parse(const char *, enum trace_protocol *);

/* Returns true of TRACE_ICMP and TRACE_ICMPV6, which have types and codes in
 * place of ports. */
bool trace_protocol_is_icmp(enum trace_protocol);
/* Returns true if the protocol goes with addresses of this family, 4 or 6. */
bool trace_protocol_has(enum trace_protocol, uint8_t family);

#endif /* controller/simulator/trace-request.h */
