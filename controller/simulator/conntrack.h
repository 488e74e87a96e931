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

/* What names a connection in one direction. */
struct ct_tuple {
    uint16_t dl_type;           /* ETH_TYPE_IP or ETH_TYPE_IPV6. */
    uint8_t proto;
    struct in6_addr src, dst;   /* IPv4 ones mapped. */
    uint16_t tp_src, tp_dst;    /* Ports; of ICMP: type and code. */
    uint16_t icmp_id;
};

/* A packet.  Of a fragment, 'flow' has no ports, but it is part of a whole
 * that does, and that conntrack looks at. */
struct sim_packet {
    struct flow flow;
    ovs_be16 tp_src, tp_dst;    /* Of the whole packet. */
    ovs_be16 tcp_flags;         /* The same. */
    uint16_t icmp_id;           /* Of pings. */
    uint32_t size;              /* With its Ethernet header; 0: no matter, it
                                 * has room anywhere. */
    bool quotes;                /* An ICMP error, about the packet ... */
    struct ct_tuple quoted;     /* ... that has this. */
};

struct ct_conn {
    const char *host;
    uint16_t zone;
    struct ct_tuple orig;       /* As the first packet was. */
    struct ct_tuple reply;      /* As its answers are. */
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

/* One ct() action.  'nat' says that there is NAT, and 'range' (or NULL) which
 * of a new connection. */
struct ct_action {
    const char *host;           /* Must live as long as the connections. */
    uint16_t zone;
    bool commit, force;
    bool nat;
    const struct ofpact_nat *range;
};

/* Passes 'packet' through: its fields ct_*, and what NAT changes, are as after
 * it.  '*conn' is its connection, or NULL.  Returns NULL, or a text that says
 * why nobody can know. */
const char *conntrack_pass(struct conntrack *, const struct ct_action *,
                           struct sim_packet *, struct ct_conn **conn);

/* Reads the tuple of an IP packet's flow and its whole packet's ports. */
void ct_tuple_of(const struct sim_packet *, struct ct_tuple *);

#endif /* controller/simulator/conntrack.h */
