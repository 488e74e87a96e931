/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the router app share: its stages, tables, priorities and
 * relations.  docs/pipeline.md describes the tables. */

#ifndef APPS_ROUTER_H
#define APPS_ROUTER_H 1

#include "vmn/app.h"

enum router_stage {
    STAGE_ARP,                  /* ARP and neighbour discovery. */
    STAGE_ROUTE,
    STAGE_LOCAL,                /* For a router itself. */
};

/* Priorities in STAGE_ARP. */
enum {
    ARP_ND_REPLY = 100,         /* The lowest, for vmn_arp_nd_respond(). */
};

/* Tables of STAGE_ROUTE.  A packet that is forwarded to another router returns
 * to ROUTE_HOP. */
enum {
    ROUTE_ENTER,                /* Is it for a router's MAC address? */
    ROUTE_HOP,                  /* For the router itself, or TTL exceeded? */
    ROUTE_LOOKUP,               /* Destination -> network or next hop. */
    ROUTE_NEIGHBOUR,            /* Destination -> MAC address. */
    ROUTE_SEND,                 /* Sets the router's MAC as source. */
    ROUTE_MTU,                  /* Does so if the packet is not too large. */
    ROUTE_N_TABLES
};
enum {
    HOP_LOOP = 250,             /* A routing loop. */
    HOP_UNKNOWN = 240,          /* From a guest behind a port. */
    HOP_SELF = 200,
    HOP_NOT_FORWARDED = 150,    /* Addresses that no router forwards. */
    HOP_TTL_EXCEEDED = 100,
    HOP_FORWARD = 50,

    /* For a destination prefix of length D and a source prefix of length S
     * (-1: none), this plus 130 x D + S + 1, since the destination takes
     * precedence. */
    LOOKUP_ROUTE = 100,
    LOOKUP_BACK = 55,           /* From the external network, with no inner
                                 * destination. */
    LOOKUP_EXTERNAL = 50,

    NEIGHBOUR_OWN = 300,
    NEIGHBOUR_PAIR = 100,       /* Plus the prefix length. */

    ONLY = 100,                 /* In tables with one kind of flows. */
    TOO_LARGE = 110,            /* Before ONLY: is it too large? */
    LAST_FORMER = 3,            /* Open connections to former virtual IPs, */
    LAST_UNTRACKED = 2,         /* for which conntrack is asked. */
    PRIORITY_LAST = 1,          /* Matches all other packets, in any table. */
};

/* Priorities in STAGE_LOCAL. */
enum {
    SELF_PING = 100,
    SELF_UNREACHABLE = 90,      /* Answered by an ICMP error. */
    SELF_OTHER = 50,
};

enum router_handler {
    HANDLER_ICMP_ERROR,         /* Sends ICMP errors. */
    HANDLER_NEIGHBOUR,          /* Replies to unicast solicitations. */
    HANDLER_ANNOUNCE,           /* Announces routers to ports. */
};

/* Why: the argument of HANDLER_ICMP_ERROR. */
enum router_error {
    ERROR_TTL,
    ERROR_NO_ROUTE,
    ERROR_NO_NEIGHBOUR,
    ERROR_NO_SERVICE,           /* From the router itself. */
    ERROR_TOO_LARGE,            /* The MTU is in the bits above the error. */
};
#define ERROR_BITS 8

/* Registers inside of STAGE_ROUTE. */
#define REG_ROUTER VMN_F_REG10  /* The current router's ID. */
#define REG_HOPS VMN_F_REG11    /* A bit for each router that has forwarded it
                                 * to another, from the lowest up. */
#define REG_FROM VMN_F_REG12    /* VNI of the network by which it came to
                                 * REG_ROUTER. */
#define REG_ENTRY VMN_F_REG13   /* VNI of the network by which it came to the
                                 * first router: from outside its transit. */

/* A switch limits resubmits to 64: this is less than half of that, since
 * equal-cost routes count twice. */
#define HOPS_MAX 24
/* In REG_HOPS: conntrack was asked for a former virtual IP. */
#define HOPS_TRACKED (1u << 26)

#define ID_POOL_ROUTER "router.router" /* Router. */

/* Relations. */
#define REL_HOSTS "router.hosts"      /* "" -> hosts where there is a
                                       * router. */
#define REL_NUMBER "router.number"    /* Number -> router. */
#define REL_TRANSIT "gateway.transit" /* VNI -> router.  Published by
                                        * gateway. */
#define REL_NEIGHBOUR "router.neighbour" /* NETWORK|PREFIX -> MAC|PORT. */

/* Query of a router: the name of the first router, by name, in its domain. */
#define QUERY_COMPONENT "router.component"

/* What all flows of a router need. */
struct router_ctx {
    struct vmn_view *view;
    struct vmn_emit *emit;
    const struct vmn_router *router;
    uint32_t number;
    struct vmn_scope scope;     /* Hosts of the domain. */
};

/* Fills in 'ctx' for router 'name'.  Returns false if it has no flows. */
bool router_ctx_read(struct vmn_view *, struct vmn_emit *, const char *name,
                     struct router_ctx *);

/* Adds a flow on all hosts of the domain, in a table of STAGE_ROUTE. */
struct vmn_flow *router_flow(const struct router_ctx *, unsigned table,
                             uint16_t priority);
/* Adds the same for packets that are at the router. */
struct vmn_flow *router_flow_here(const struct router_ctx *, unsigned table,
                                  uint16_t priority);

/* Drops the packet, and sends an ICMP error to its sender. */
void refuse(struct vmn_flow *, enum router_error, const char *reason);

/* Sends the packet from the router's MAC. */
void act_send(const struct router_ctx *, struct vmn_actions *);

/* Continues at another router. */
void act_hop(struct vmn_actions *, uint32_t router_number);

/* arp-nd.c: emits replies of ARP and neighbour discovery for 'ip' in a
 * network. */
void reply_for(const struct router_ctx *, const struct vmn_network *,
               const struct vmn_ip *ip);
void handle_neighbour(struct vmn_view *, const struct vmn_packet_in *,
                      struct vmn_packets_out *);
/* Seconds between announcements of a router; changes are announced at once. */
#define ANNOUNCE_INTERVAL 600
void handle_announce(struct vmn_view *, const struct vmn_packet_in *,
                     struct vmn_packets_out *);

/* routing-domain.c */
void query_domain(struct vmn_view *, const char *network, struct vmn_value *);
void query_component(struct vmn_view *, const char *router,
                     struct vmn_value *);
void compile_domain(struct vmn_view *, const char *key, struct vmn_emit *);

/* icmp-error.c */
void handle_error(struct vmn_view *, const struct vmn_packet_in *,
                  struct vmn_packets_out *);
/* Returns the router with ID 'number', or NULL. */
/* original-packet.c: returns the bytes of a packet as its sender has sent it,
 * with the destination from before NAT. */
const uint8_t *original_packet(struct vmn_view *,
                               const struct vmn_packet_in *);
const struct vmn_router *router_of_number(struct vmn_view *, uint32_t number);

/* martian-drop.c, hop-limit.c: flows that all routers share. */
void martian_drop_base(struct vmn_emit *);
void hop_limit_base(struct vmn_emit *);

/* ping-reply.c: replies of routers themselves. */
void local_replies_base(struct vmn_emit *);

/* interface.c: a router and its networks. */
void compile_router(struct vmn_view *, const char *key, struct vmn_emit *);

/* external-route.c: the way to the gateway. */
void emit_external(const struct router_ctx *);

/* mtu-check.c: networks of different MTUs. */
void emit_mtu_checks(const struct router_ctx *);

/* neighbour-table.c: who has which address in a network. */

/* MAC addresses of an allowed address that get a copy of each packet, at
 * most. */
#define NEIGHBOUR_MACS_MAX 8
/* Sets 'macs' to those that the holder of a key of REL_NEIGHBOUR may have, and
 * returns how many; 0 if they are too many.  One that all of its ports may use
 * is the only one (VRRP's virtual MAC address, RFC 5798, section 7.3). */
size_t neighbour_macs(struct vmn_view *, const char *key,
                      struct vmn_mac macs[NEIGHBOUR_MACS_MAX]);
void compile_port(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_neighbour(struct vmn_view *, const char *key, struct vmn_emit *);

/* route.c: routes with next hops. */
void compile_routes(struct vmn_view *, const char *key, struct vmn_emit *);

#endif /* apps/router/router.h */
