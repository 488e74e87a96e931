/* SPDX-License-Identifier: Apache-2.0
 *
 * What a trace is asked for: the body of POST /v1/trace, without "after", as
 * northbound/trace-body.h reads it.  Names are looked up in trace.c. */

#ifndef CONTROLLER_SIMULATOR_TRACE_REQUEST_H
#define CONTROLLER_SIMULATOR_TRACE_REQUEST_H 1

#include <stdbool.h>
#include <stdint.h>

#include "vmn/types.h"

/* TRACE_ICMP is that of the addresses' family; TRACE_ICMPV6 requires IPv6. */
enum trace_protocol {
    TRACE_TCP, TRACE_UDP, TRACE_SCTP, TRACE_ICMP, TRACE_ICMPV6,
};
enum trace_tcp_flags { TRACE_SYN, TRACE_SYN_ACK, TRACE_ACK };
enum trace_fragment { TRACE_WHOLE = -1, TRACE_FIRST, TRACE_LATER };

/* A port such as a guest's kernel would choose. */
#define TRACE_SOURCE_PORT_DEFAULT 40000

/* How long a live trace waits for its packet, in seconds. */
#define LIVE_TIMEOUT_DEFAULT_S 5

/* Bytes of a datagram's payload: what fits an MTU. */
#define TRACE_PAYLOAD_MAX 1400

/* What trace_service_parse() takes. */
#define TRACE_SERVICE_LEN 16
#define TRACE_SERVICE_PATTERN                                           \
    "^((tcp|udp|sctp)/[0-9]{1,5}|icmp(v6)?(/[0-9]{1,3}){0,2})$"

struct learned_flows;
struct live_prediction;
struct model_rights;
struct sim_underlay;

/* Texts are borrowed. */
struct trace_request {
    const char *from;           /* A port's name, or "outside". */
    const char *to;             /* A port's, a balancer's or a floating
                                 * address's, "outside", or an address. */
    const char *network;        /* The provider network by which what is
                                 * outside is reached; NULL: the only one. */
    const char *service;        /* Protocol with its port, or type and code,
                                 * for trace_service_parse(); or NULL. */
    enum trace_protocol protocol;
    uint16_t port, source_port; /* TCP, UDP, SCTP. */
    int icmp_type;              /* -1: echo request. */
    int icmp_code;
    enum trace_tcp_flags tcp_flags; /* TCP. */
    uint16_t dscp;              /* 0 to 63 (RFC 2474). */
    uint32_t size;              /* Of the IP packet; 0: small enough
                                 * anywhere. */
    enum trace_fragment fragment;
    bool reply;                 /* Trace the reply, too. */
    struct vmn_ip source_ip;    /* Family 0: the port's own. */
    struct vmn_mac source_mac;  /* Zero: the port's own. */
    struct vmn_mac destination_mac; /* Zero: resolved. */
    const char *payload;        /* What a UDP datagram, or a request over
                                 * TCP, carries, as text... */
    const char *payload_hex;    /* ...or as bytes; or NULL. */
    const uint8_t *data;        /* The same, whichever it is.  Borrowed.  No
                                 * part of the body, as the next. */
    size_t data_size;           /* Up to TRACE_PAYLOAD_MAX. */
    bool brief;                 /* Without legs.  No part of the body. */
    struct live_prediction *prediction; /* Gets the request's ways, or NULL.
                                         * No part of the body. */
    bool deliver;               /* Of POST /v1/live-trace alone: a port gets
                                 * the packet; and how long it is followed, in
                                 * seconds. */
    uint32_t timeout;
    const struct sim_underlay *underlay; /* What is known of hosts; NULL: flows
                                          * alone decide.  Borrowed.  No part
                                          * of the body. */
    struct learned_flows *learned; /* What switches have learned, which the
                                    * packet adds to; NULL: as if nothing were
                                    * learned.  Borrowed.  No part of the
                                    * body. */
    const struct model_rights *rights; /* Of who asks; NULL: all.  Borrowed.
                                        * No part of the body. */
};

/* Sets the defaults. */
void trace_request_init(struct trace_request *);

/* By enum trace_protocol: "tcp", "udp", "sctp", "icmp" and "icmpv6"; NULL
 * ends. */
extern const char *const trace_protocol_names[];
/* Parses one of these.  Returns false if 'name' is none. */
bool trace_protocol_parse(const char *, enum trace_protocol *);

/* Parses "tcp/80", "icmp", "icmpv6/128" or "icmp/8/0" into the protocol and
 * its port, or type and code.  Returns false if it is none of these. */
bool trace_service_parse(const char *, struct trace_request *);

/* Returns true for TRACE_ICMP and TRACE_ICMPV6, which have types and codes in
 * place of ports. */
bool trace_protocol_is_icmp(enum trace_protocol);
/* Returns true if the protocol exists in this family, 4 or 6. */
bool trace_protocol_has(enum trace_protocol, uint8_t family);

#endif /* controller/simulator/trace-request.h */
