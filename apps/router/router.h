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
    STAGE_LOCAL,                /* What is for a router itself. */
};

/* Priorities in STAGE_ARP. */
enum {
    ARP_ND_REPLY = 100,         /* The least, of vmn_arp_nd_respond(). */
};

/* Tables of STAGE_ROUTE.  A packet that comes to another router is back at
 * ROUTE_HOP. */
enum {
    ROUTE_ENTER,                /* Is it for a router's MAC address? */
    ROUTE_HOP,                  /* For the router itself, or used up? */
    ROUTE_LOOKUP,               /* Destination -> network or next hop. */
    ROUTE_NEIGHBOUR,            /* Destination -> MAC address. */
    ROUTE_SEND,                 /* From the router's MAC address. */
    ROUTE_MTU,                  /* The same, if it is not too large. */
    ROUTE_N_TABLES
};
enum {
    HOP_LOOP = 250,             /* It goes in circles. */
    HOP_UNKNOWN = 240,          /* From somebody behind a port. */
    HOP_SELF = 200,
    HOP_NOT_FORWARDED = 150,    /* What no router passes on. */
    HOP_TTL_EXCEEDED = 100,
    HOP_FORWARD = 50,

    /* For a destination as long as D and a source as long as S (-1: none) this
     * plus 130 x D + S + 1, since the destination goes first. */
    LOOKUP_ROUTE = 100,
    LOOKUP_BACK = 55,           /* From outside, and not for inside. */
    LOOKUP_EXTERNAL = 50,

    NEIGHBOUR_OWN = 300,
    NEIGHBOUR_PAIR = 100,       /* Plus the prefix length. */

    ONLY = 100,                 /* Where there is one kind. */
    TOO_LARGE = 110,            /* Before these: is it too large? */
    PRIORITY_LAST = 1,          /* Catches the rest, in any table. */
};

/* Priorities in STAGE_LOCAL. */
enum {
    SELF_PING = 100,
    SELF_UNREACHABLE = 90,      /* What gets an answer all the same. */
    SELF_OTHER = 50,
};

enum router_handler {
    HANDLER_ICMP_ERROR,         /* Tells a sender what became of a packet. */
    HANDLER_NEIGHBOUR,          /* Says that a router is still there. */
};

/* What a sender is told: the argument of HANDLER_ICMP_ERROR. */
enum router_error {
    ERROR_TTL,
    ERROR_NO_ROUTE,
    ERROR_NO_NEIGHBOUR,
    ERROR_NO_SERVICE,           /* By the router itself. */
    ERROR_TOO_LARGE,            /* The MTU is in the bits above the error's. */
};
#define ERROR_BITS 8

/* Registers inside of STAGE_ROUTE. */
#define REG_ROUTER VMN_F_REG10  /* Number of the router where a packet is. */
#define REG_HOPS VMN_F_REG11    /* A bit for each router that sent it on to
                                 * another, from the lowest up. */
#define REG_FROM VMN_F_REG12    /* VNI of the network by which it came to
                                 * REG_ROUTER. */

/* A switch takes no packet through more tables than it knows how to count:
 * this is less than half of its 64 times back, since equal-cost routes count
 * twice. */
#define HOPS_MAX 24

#define ID_POOL_ROUTER "router.router" /* Router. */

/* Relations. */
#define REL_HOSTS "router.hosts"      /* "" -> hosts where there is a
                                       * router. */
#define REL_NUMBER "router.number"    /* Number -> router. */
#define REL_NEIGHBOUR "router.neighbour" /* NETWORK|PREFIX -> MAC. */

/* Query: router -> name of the first router, by name, of its domain. */
#define QUERY_COMPONENT "router.component"

/* What all flows of a router need. */
struct router_ctx {
    struct vmn_view *view;
    struct vmn_emit *emit;
    const struct vmn_router *router;
    uint32_t number;
    struct vmn_scope scope;     /* Hosts of the domain. */
};

/* Fills in 'ctx' for router 'name'; false if it has no flows. */
bool router_ctx_read(struct vmn_view *, struct vmn_emit *, const char *name,
                     struct router_ctx *);

/* A flow on all hosts of the domain, in a table of STAGE_ROUTE. */
struct vmn_flow *router_flow(const struct router_ctx *, unsigned table,
                             uint16_t priority);
/* The same for packets that are at the router. */
struct vmn_flow *router_flow_here(const struct router_ctx *, unsigned table,
                                  uint16_t priority);

/* Drops, and tells the sender. */
void refuse(struct vmn_flow *, enum router_error, const char *reason);

/* Sends the packet on from the router's MAC address. */
void act_send(const struct router_ctx *, struct vmn_actions *);

/* The packet goes on at another router. */
void act_hop(struct vmn_actions *, uint32_t router_number);

/* The router's addresses in a network, the link-local one (which is the last)
 * included where there are others of IPv6.  Returns how many. */
#define ADDRESSES_MAX (VMN_ADDRESSES_MAX + 1)
size_t interface_addresses(const struct vmn_router *,
                           const struct vmn_router_interface *,
                           const struct vmn_network *,
                           struct vmn_ip addresses[ADDRESSES_MAX]);

/* arp-nd.c: in one network, ARP and neighbour discovery for 'ip'. */
void reply_for(const struct router_ctx *, const struct vmn_network *,
               const struct vmn_ip *ip);
void handle_neighbour(struct vmn_view *, const struct vmn_packet_in *,
                      struct vmn_packets_out *);

/* domain.c */
void query_domain(struct vmn_view *, const char *network, struct vmn_value *);
void query_component(struct vmn_view *, const char *router,
                     struct vmn_value *);
void compile_domain(struct vmn_view *, const char *key, struct vmn_emit *);

/* icmp-error.c */
void handle_error(struct vmn_view *, const struct vmn_packet_in *,
                  struct vmn_packets_out *);
/* The router with number 'number', or NULL. */
const struct vmn_router *router_of_number(struct vmn_view *, uint32_t number);

/* base-flows.c: what there is where any router is. */
void compile_base(struct vmn_view *, const char *key, struct vmn_emit *);

/* ping-reply.c: replies of routers themselves. */
void local_replies_base(struct vmn_emit *);

/* interface.c: a router and its networks. */
void compile_router(struct vmn_view *, const char *key, struct vmn_emit *);

/* external.c: by way of the gateway. */
void emit_external(const struct router_ctx *);

/* mtu-check.c: networks of different MTUs. */
void emit_mtu_checks(const struct router_ctx *);

/* neighbour-table.c: who has which address. */
void compile_port(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_neighbour(struct vmn_view *, const char *key, struct vmn_emit *);

/* route.c: routes by way of others. */
void compile_routes(struct vmn_view *, const char *key, struct vmn_emit *);

#endif /* apps/router/router.h */
