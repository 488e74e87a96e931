/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the gateway app share: its stages, tables, priorities and
 * relations.  docs/pipeline.md describes the tables. */

#ifndef APPS_GATEWAY_H
#define APPS_GATEWAY_H 1

#include "vmn/app.h"

enum gateway_stage {
    STAGE_IN,                   /* From outside. */
    STAGE_ARP,                  /* What is asked and said on the wire. */
    STAGE_OUT,                  /* To outside. */
};

/* Tables of STAGE_IN. */
enum {
    IN_ENTER,                   /* Is it for an external address? */
    IN_NAT,
    IN_ROUTE,                   /* To the router. */
    IN_N_TABLES
};

/* Tables of STAGE_OUT. */
enum {
    OUT_ENTER,                  /* Here, or at the gateway? */
    OUT_UNBALANCED,             /* Perhaps an answer of a virtual IP. */
    OUT_NAT,
    OUT_HOP,                    /* Whom on the wire it goes to. */
    OUT_SEND,                   /* Is that one known? */
    OUT_N_TABLES
};

/* Priorities.  In both tables for NAT there are the same. */
enum {
    ENTER_FROM_OUTSIDE = 150,
    ENTER_BALANCED = 120,       /* Perhaps a backend's answer. */
    ENTER_PING = 110,           /* The gateway itself. */
    ENTER_HERE = 100,
    ENTER_ROUTED = 90,          /* For whom is behind the router. */
    ENTER_AWAY = 50,

    NAT_INVALID = 120,
    NAT_OPEN = 110,             /* Conntrack knows what becomes of it. */
    NAT_FLOATING = 100,
    NAT_FORWARD = 95,
    NAT_EXEMPT = 90,
    NAT_REST = 80,

    HOP_LINK = 100,
    HOP_FURTHER = 50,

    IN_BALANCED = 110,

    ARP_ASKED = 100,
    ARP_ANSWERED = 90,
    ARP_GATEWAY = 80,

    ONLY = 100,                 /* Where there is one kind. */
};

enum gateway_handler {
    HANDLER_RESOLVE,            /* Asks who on the wire has an address. */
    HANDLER_ANNOUNCE,           /* Says on the wire who has which. */
};

/* How often somebody says so. */
#define ANNOUNCE_INTERVAL 5

/* Registers inside of STAGE_IN and STAGE_OUT. */
#define REG_NAT_ZONE VMN_F_REG10
#define REG_TRANSIT VMN_F_REG11 /* VNI of the router's transit. */

/* Relations. */
#define REL_HOSTS "gateway.hosts"       /* "" -> hosts that may be a gateway. */
#define REL_SITES "gateway.sites"       /* Router -> hosts that may be its. */
#define REL_TRANSIT "gateway.transit"   /* VNI -> router. */
#define REL_BALANCED "gateway.balanced" /* Router -> network of virtual IPs. */
#define REL_SAYS "gateway.says"         /* HOST|PHYSICAL -> ROUTER|ADDRESS. */

/* A router with an external network. */
struct site {
    struct vmn_view *view;
    struct vmn_emit *emit;
    const struct vmn_router *router;
    const struct vmn_network *network; /* The external one. */
    uint32_t transit;           /* VNI. */
    uint32_t zone;              /* The domain's. */
    uint32_t nat_zone;
    const char *domain;
    const char *host;           /* That is the gateway now, or NULL. */
    uint32_t ofport;            /* There, to the wire; or 0. */
};

/* site.c */
/* Fills in 'site' for router 'name'; false if it leads nowhere. */
bool site_read(struct vmn_view *, struct vmn_emit *, const char *name,
               struct site *);
/* A flow wherever the gateway may be. */
struct vmn_flow *site_flow(const struct site *, unsigned stage,
                           unsigned table, uint16_t priority);
/* A flow where it is, of what comes out of the wire. */
struct vmn_flow *site_wire_flow(const struct site *, unsigned stage,
                                unsigned table, uint16_t priority);
/* What is sent back into the wire has the network's tag. */
void site_tag(const struct site *, struct vmn_actions *);
/* The gateway, of IPv4, of the subnet that 'ip' is in, or of the first that has
 * one ('ip' NULL); or NULL. */
const struct vmn_ip *site_next_hop(const struct vmn_network *,
                                   const struct vmn_ip *ip);
void query_active(struct vmn_view *, const char *router, struct vmn_value *);

/* in.c */
void in_router(const struct site *);
/* What comes for an external address goes through NAT. */
void in_address(const struct site *, const struct vmn_ip *);

/* balanced.c: a virtual IP that has a floating address. */
void balanced(const struct site *, const struct vmn_floating_ip *);
void balanced_networks(const struct site *);

/* out.c */
/* Matches what goes out of the router, wherever it is in its domain. */
struct vmn_flow *out_enter_flow(const struct site *, struct vmn_scope,
                                uint16_t priority);
/* Has conntrack say what is known of it, for OUT_NAT. */
void out_track(const struct site *, struct vmn_actions *);
void out_base(struct vmn_emit *);
void out_router(const struct site *);
/* What both directions do with connections that are there already. */
void nat_open(const struct site *, unsigned stage, unsigned table,
              unsigned next);
/* A new connection of the router's. */
struct vmn_flow *nat_new(const struct site *, unsigned stage, unsigned table,
                         uint16_t priority);
/* It is kept, with 'snat' or 'dnat' (or neither: NULL) for its address, and
 * 'dnat_port' for the port of its destination, if it is not 0. */
void nat_commit(struct vmn_flow *, unsigned stage, unsigned next,
                const struct vmn_ip *snat, const struct vmn_ip *dnat,
                uint16_t dnat_port);

/* wire.c */
void wire_router(const struct site *);
void wire_address(const struct site *, const struct vmn_ip *);
void handle_resolve(struct vmn_view *, const struct vmn_packet_in *,
                    struct vmn_packets_out *);
void handle_announce(struct vmn_view *, const struct vmn_packet_in *,
                     struct vmn_packets_out *);

/* The port's first address of IPv4, or NULL. */
const struct vmn_ip *first_ipv4(const struct vmn_port *);

/* floating.c */
void compile_floating(struct vmn_view *, const char *key, struct vmn_emit *);

#endif /* apps/gateway/gateway.h */
