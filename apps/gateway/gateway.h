/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the gateway app share: its stages, tables, priorities and
 * relations.  docs/pipeline.md describes the tables. */

#ifndef APPS_GATEWAY_H
#define APPS_GATEWAY_H 1

#include "vmn/app.h"

enum gateway_stage {
    STAGE_INGRESS,              /* From outside. */
    STAGE_EXTERNAL,             /* Who asks there for whom. */
    STAGE_EGRESS,               /* To outside. */
};

/* Tables of STAGE_INGRESS. */
enum {
    IN_ENTER,                   /* Is it for an external address? */
    IN_NAT,
    IN_ROUTE,                   /* To the router. */
    IN_N_TABLES
};

/* Tables of STAGE_EGRESS. */
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
    ENTER_FROM_EXTERNAL = 150,
    ENTER_BALANCED = 120,       /* Perhaps a backend's answer. */
    ENTER_ND = 115,             /* Neighbour discovery. */
    ENTER_PING = 110,           /* The gateway itself. */
    ENTER_DISTRIBUTED = 105,    /* From one with a floating address here. */
    ENTER_HERE = 100,
    ENTER_ROUTED = 90,          /* For whom is behind the router. */
    ENTER_AWAY = 50,

    NAT_INVALID = 120,
    NAT_OPEN = 110,             /* Conntrack knows what becomes of it. */
    NAT_FLOATING = 100,
    NAT_FORWARD = 95,
    NAT_EXEMPT = 90,
    NAT_SHARE = 85,             /* With source ports of the sender's share. */
    NAT_REST = 80,

    HOP_LINK = 100,
    HOP_FURTHER = 50,

    IN_BALANCED = 110,

    EXTERNAL_DIRECT_MUTE = 125, /* As the next one, from one who does not say
                                 * its link-layer address. */
    EXTERNAL_DIRECT = 120,      /* Is it still there? */
    EXTERNAL_PROBE = 110,       /* From one that has no address yet. */
    EXTERNAL_MUTE = 105,        /* Says no link-layer address. */
    EXTERNAL_ASKED = 100,
    EXTERNAL_EMPTY = 95,        /* An answer that says none, either. */
    EXTERNAL_ANSWERED = 90,
    EXTERNAL_GATEWAY_EMPTY = 85,
    EXTERNAL_GATEWAY = 80,

    SEND_INCOMPLETE = 130,      /* Was asked for just now. */
    SEND_DISTRIBUTED_UNKNOWN = 120, /* From a floating address that is here. */
    SEND_DISTRIBUTED = 110,

    ONLY = 100,                 /* Where there is one kind. */
};

enum gateway_handler {
    HANDLER_RESOLVE,            /* Asks who on the wire has an address. */
    HANDLER_ANNOUNCE,           /* Says on the wire who has which. */
    HANDLER_NEIGHBOUR,          /* Says that the router is still there. */
};

/* How often somebody says so. */
#define ANNOUNCE_INTERVAL 5

/* Registers inside of STAGE_INGRESS and STAGE_EGRESS. */
#define REG_NAT_ZONE VMN_F_REG10
#define REG_TRANSIT VMN_F_REG11 /* VNI of the router's transit. */

/* Relations. */
#define REL_HOSTS "gateway.hosts"       /* "" -> hosts that may be a
                                         * gateway. */
#define REL_GATEWAY_HOSTS "gateway.gateway-hosts" /* Router -> hosts that may
                                                   * be its gateway. */
#define REL_TRANSIT "gateway.transit"   /* VNI -> router. */
#define REL_BALANCED "gateway.balanced" /* Router -> FAMILY|NETWORK of virtual
                                         * IPs. */
/* HOST|PHYSICAL -> ROUTER|MAC|ADDRESS, or ROUTER|MAC|ASK_GATEWAY. */
#define REL_ANNOUNCED "gateway.announced"
#define REL_LINKS "gateway.links"       /* NETWORK|HOST -> routers that have
                                         * their gateway there. */

/* In REL_ANNOUNCED: the gateway of IPv6 is asked for. */
#define ASK_GATEWAY "?"

/* A router with an external network. */
struct gateway_ctx {
    struct vmn_view *view;
    struct vmn_emit *emit;
    const struct vmn_router *router;
    const struct vmn_network *network; /* The external one. */
    uint32_t transit;           /* VNI. */
    uint32_t zone;              /* The domain's. */
    uint32_t nat_zone;
    const char *domain;
    const char *host;           /* That is the gateway now, or NULL; or where a
                                 * floating address is at home. */
    uint32_t ofport;            /* There, to the wire; or 0. */
    struct vmn_mac mac;         /* On the wire, there. */
};

#define N_FAMILIES 2
static const uint8_t families[N_FAMILIES] = { 4, 6 };

/* What routers share that have their gateway on one host and by one
 * network. */
struct external_link {
    struct vmn_emit *emit;
    const struct vmn_network *network; /* The external one. */
    const char *host;
    uint32_t ofport;            /* There, to the wire. */
};

/* active-gateway.c */
void query_active(struct vmn_view *, const char *name, struct vmn_value *);

/* gateway-context.c */
/* Returns the external network of 'router' (or NULL), or NULL if it has none
 * that is usable. */
const struct vmn_network *external_network(struct vmn_view *,
                                           const struct vmn_router *);
/* Returns the number of the port of 'host' to the provider network, or 0. */
uint32_t external_ofport(struct vmn_view *, const struct vmn_network *,
                         const char *host);
/* Fills in 'ctx' for router 'name'; false if it leads nowhere. */
bool gateway_ctx_read(struct vmn_view *, struct vmn_emit *, const char *name,
                      struct gateway_ctx *);
/* A flow wherever the gateway may be. */
struct vmn_flow *gateway_flow(const struct gateway_ctx *, unsigned stage,
                              unsigned table, uint16_t priority);
/* A flow where it is, of what comes out of the wire. */
struct vmn_flow *external_flow(const struct gateway_ctx *, unsigned stage,
                               unsigned table, uint16_t priority);
/* What is sent back into the wire has the network's tag. */
void external_tag(const struct gateway_ctx *, struct vmn_actions *);
/* The gateway of the subnet that 'ip' is in; or NULL. */
const struct vmn_ip *gateway_of(const struct vmn_network *,
                                const struct vmn_ip *ip);
/* That of the first subnet of a family that has one; or NULL. */
const struct vmn_ip *next_hop(const struct vmn_network *, uint8_t family);
/* The router's first external address of a family.  NULL: of that family
 * nothing gets in or out. */
const struct vmn_ip *first_external(const struct vmn_router *,
                                    uint8_t family);

/* inbound.c */
void in_router(const struct gateway_ctx *);
/* Pings of it are answered. */
void in_ping(const struct gateway_ctx *, const struct vmn_ip *);
/* What comes for an external address goes through NAT. */
void in_address(const struct gateway_ctx *, const struct vmn_ip *);

/* floating-vip.c: a virtual IP that has a floating address. */
void balanced(const struct gateway_ctx *, const struct vmn_floating_ip *);
void balanced_networks(const struct gateway_ctx *);

/* outbound.c */
/* Matches what goes out of the router, wherever it is in its domain. */
struct vmn_flow *out_enter_flow(const struct gateway_ctx *, struct vmn_scope,
                                uint16_t priority);
/* Has conntrack say what is known of it, for OUT_NAT. */
void out_track(const struct gateway_ctx *, struct vmn_actions *);
void out_base(struct vmn_emit *);
void outbound_distributed(const struct gateway_ctx *, const struct vmn_ip *ip,
                          const struct vmn_ip *floating, uint32_t number);
void out_router(const struct gateway_ctx *);
/* What both directions do with connections of a family that are there
 * already. */
void nat_open(const struct gateway_ctx *, uint8_t family, unsigned stage,
              unsigned table, unsigned next);
/* A new connection of the router's. */
struct vmn_flow *nat_new(const struct gateway_ctx *, uint8_t family,
                         unsigned stage, unsigned table, uint16_t priority);
/* It is kept, with 'snat' or 'dnat' (or neither: NULL) for its address, and
 * 'dnat_port' for the port of its destination, if it is not 0. */
void nat_commit(struct vmn_flow *, unsigned stage, unsigned next,
                const struct vmn_ip *snat, const struct vmn_ip *dnat,
                uint16_t dnat_port);

/* external-arp.c */
void arp_router(const struct gateway_ctx *);
void external_address(const struct gateway_ctx *, const struct vmn_ip *);
/* Learns from what those on the wire answer to 'ctx->mac'. */
void arp_learn(const struct gateway_ctx *);
/* An address, or ASK_GATEWAY, is said by the clock. */
void publish_announced(const struct gateway_ctx *, const char *what);
void compile_external(struct vmn_view *, const char *key, struct vmn_emit *);
/* A flow in the first table of 'stage', of what comes out of the wire. */
struct vmn_flow *link_flow(const struct external_link *, unsigned stage,
                           uint16_t priority);

/* external-nd.c: the same for IPv6. */
void nd_router(const struct gateway_ctx *);
void nd_learn(const struct gateway_ctx *);
void nd_address(const struct gateway_ctx *, const struct vmn_ip *);
void nd_link(const struct external_link *);
void nd_gateway(const struct external_link *, const struct vmn_ip *gateway);
void handle_neighbour(struct vmn_view *, const struct vmn_packet_in *,
                      struct vmn_packets_out *);

/* announce.c */
void handle_resolve(struct vmn_view *, const struct vmn_packet_in *,
                    struct vmn_packets_out *);
void handle_announce(struct vmn_view *, const struct vmn_packet_in *,
                     struct vmn_packets_out *);
/* The router whose transit has VNI 'transit', or NULL. */
const struct vmn_router *router_of_transit(struct vmn_view *,
                                           uint32_t transit);
/* Sends 'frame', which is untagged and of VMN_ND_ADVERT_SIZE bytes at most,
 * out of the VIF that a packet came from, with the tag of the router's
 * external network. */
void send_back_tagged(struct vmn_view *, const struct vmn_router *,
                      struct vmn_packets_out *, const uint8_t *frame,
                      size_t size);

#define ID_POOL_FLOATING "gateway.floating" /* Floating addresses, by name. */

/* floating-ip.c */
/* The port's first address of a family, or NULL. */
const struct vmn_ip *first_ip(const struct vmn_port *, uint8_t family);
/* The MAC address of a floating address that is at home, by its number. */
struct vmn_mac floating_mac(uint32_t number);
void compile_floating_ip(struct vmn_view *, const char *key,
                         struct vmn_emit *);

#endif /* apps/gateway/gateway.h */
