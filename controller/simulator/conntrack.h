/* SPDX-License-Identifier: Apache-2.0
 *
 * What conntrack would answer, to the packets of one simulated exchange: its
 * connections are those that the exchange has committed.  The rules are those
 * that Open vSwitch's userspace conntrack and the kernel's have in common;
 * what they do differently, or what takes more than an exchange to know, is
 * said and not guessed. */

#ifndef CONTROLLER_SIMULATOR_CONNTRACK_H
#define CONTROLLER_SIMULATOR_CONNTRACK_H 1

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/flow.h"

struct ofpact_nat;

/* Identifies a connection in one direction. */
struct ct_tuple {
    uint16_t dl_type;           /* ETH_TYPE_IP or ETH_TYPE_IPV6. */
    uint8_t proto;
    struct in6_addr src, dst;   /* IPv4 addresses are mapped. */
    uint16_t tp_src, tp_dst;    /* Ports; of ICMP: type and code. */
    uint16_t icmp_id;
};

/* A packet.  The 'flow' of a later fragment has no ports, but conntrack uses
 * those of the whole packet. */
struct sim_packet {
    struct flow flow;
    ovs_be16 tp_src, tp_dst;    /* Of the whole packet. */
    ovs_be16 tcp_flags;         /* The same. */
    uint16_t icmp_id;           /* Of echo requests and replies. */
    uint32_t size;              /* With the Ethernet header; 0: small enough
                                 * anywhere. */
    bool quotes;                /* An ICMP error, about a packet */
    struct ct_tuple quoted;     /* with this tuple. */
};

struct ct_conn {
    const char *host;
    uint16_t zone;
    struct ct_tuple orig;       /* The first packet's. */
    struct ct_tuple reply;      /* Its replies'. */
    uint8_t nat;                /* CS_SRC_NAT, CS_DST_NAT. */
    bool replied;
    uint32_t mark;
    ovs_u128 label;
};

#define CT_CONNS_MAX 256
struct conntrack {
    size_t n;
    struct ct_conn conns[CT_CONNS_MAX];
};

/* A ct() action.  'nat': with NAT; 'range', or NULL, is that of new
 * connections. */
struct ct_action {
    const char *host;           /* Must live as long as the connections. */
    uint16_t zone;
    bool commit, force;
    bool nat;
    const struct ofpact_nat *range;
};

/* Passes 'packet' through conntrack: sets its ct_* fields, and what NAT
 * changes.  '*conn' is its connection, or NULL.  Returns NULL, or a text why
 * the result is not known. */
const char *conntrack_pass(struct conntrack *, const struct ct_action *,
                           struct sim_packet *, struct ct_conn **conn);

/* Reads the tuple of an IP packet's flow and its whole packet's ports. */
void ct_tuple_of(const struct sim_packet *, struct ct_tuple *);

#endif /* controller/simulator/conntrack.h */
