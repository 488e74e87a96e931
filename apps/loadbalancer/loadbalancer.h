/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the loadbalancer app share: its stages, tables,
 * priorities and relations.  docs/pipeline.md describes the tables. */

#ifndef APPS_LOADBALANCER_H
#define APPS_LOADBALANCER_H 1

#include "vmn/app.h"

enum loadbalancer_stage { STAGE_ARP, STAGE_BALANCE, STAGE_UNBALANCE };

enum loadbalancer_handler { HANDLER_NEIGHBOUR };

#define ARP_ASKED 100           /* In STAGE_ARP: of vmn_answer_for(). */

/* Tables of STAGE_BALANCE. */
enum {
    BALANCE_VIP,                /* Is it for a virtual IP? */
    BALANCE_SELECT,             /* Tracked: a new connection gets a backend. */
    BALANCE_BACKEND,            /* Has its backend: the backend's MAC. */
    BALANCE_N_TABLES
};
enum {
    VIP_FRAGMENT = 220,
    VIP_SERVICE = 200,
    VIP_HAIRPIN = 150,          /* A backend's answer to itself. */
    VIP_OTHER = 100,

    SELECT_NEW = 100,
    SELECT_FRAGMENT = 90,
    SELECT_INVALID = 80,
    SELECT_ANSWER = 60,         /* To itself, from the virtual IP again. */

    BACKEND_HAIRPIN = 100,
    BACKEND_MAC = 50,

    PRIORITY_LAST = 1,
};

/* Tables of STAGE_UNBALANCE. */
enum {
    UNBALANCE_SEND,             /* Into conntrack if it may be an answer. */
    UNBALANCE_MAC,              /* Answers come from the virtual IP's MAC. */
    UNBALANCE_N_TABLES
};
enum {
    SEND_FRAGMENT = 110,
    SEND_ANSWER = 100,
    MAC_ANSWER = 100,
};

#define IP_PROTO_TCP 6
#define IP_PROTO_UDP 17

/* Of a packet that could not be delivered (RFC 792; RFC 4443, sections 3.1 and
 * 3.2). */
#define ICMP_UNREACHABLE 3
#define ICMPV6_UNREACHABLE 1
#define ICMPV6_TOO_BIG 2

#define NUMBER_VIP "loadbalancer.vip"

/* Relations. */
#define REL_BACKEND "loadbalancer.backend"  /* PORT|FAMILY -> balancer. */
#define REL_TARGET "loadbalancer.target" /* PORT|FAMILY|PROTO|N -> balancer. */

/* A port that serves. */
struct backend {
    const char *name;
    uint32_t weight;            /* More than 0. */
    struct vmn_ip ip;
    struct vmn_mac mac;
    const char *host;
};

struct backends {
    size_t n, allocated;
    struct backend *backends;   /* Sorted by name. */
};

/* backend.c: finds those that can serve in 'network' now. */
void backends_read(struct vmn_view *, const struct vmn_loadbalancer *,
                   const char *network, struct backends *);
void compile_backend(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_target(struct vmn_view *, const char *key, struct vmn_emit *);

/* slots.c: gives each of the slots of a group to a backend. */
#define N_SLOTS 256
void slots_fill(struct vmn_view *, const struct backends *,
                uint16_t slots[N_SLOTS]);

/* vip.c */
void compile_vip(struct vmn_view *, const char *key, struct vmn_emit *);
/* Says that a virtual IP of IPv6 is still there. */
void handle_neighbour(struct vmn_view *, const struct vmn_packet_in *,
                      struct vmn_packets_out *);

/* The fields of the IP addresses of a family. */
static inline enum vmn_field
field_ip_src(const struct vmn_ip *ip)
{
    return ip->family == 6 ? VMN_F_IPV6_SRC : VMN_F_IPV4_SRC;
}

static inline enum vmn_field
field_ip_dst(const struct vmn_ip *ip)
{
    return ip->family == 6 ? VMN_F_IPV6_DST : VMN_F_IPV4_DST;
}

/* The transport ports' fields of a protocol. */
static inline enum vmn_field
field_src(unsigned ip_proto)
{
    return ip_proto == IP_PROTO_TCP ? VMN_F_TCP_SRC : VMN_F_UDP_SRC;
}

static inline enum vmn_field
field_dst(unsigned ip_proto)
{
    return ip_proto == IP_PROTO_TCP ? VMN_F_TCP_DST : VMN_F_UDP_DST;
}

/* Through the NAT that the packet's connection already has. */
static inline void
act_nat(struct vmn_actions *actions, unsigned stage, unsigned table)
{
    vmn_act_ct(actions, &(struct vmn_ct) { .zone = VMN_REG_BALANCE_ZONE,
                                           .nat = true,
                                           .then = VMN_CT_TABLE,
                                           .stage = stage,
                                           .table = table });
}

#endif /* apps/loadbalancer/loadbalancer.h */
