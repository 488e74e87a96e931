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

/* Tables of STAGE_EXTERNAL. */
enum {
    EXTERNAL_ENTER,
    EXTERNAL_ANNOUNCED,         /* A machine, to all. */
    EXTERNAL_N_TABLES
};

/* Tables of STAGE_EGRESS. */
enum {
    OUT_ENTER,                  /* At the gateway, or to it. */
    OUT_UNBALANCED,             /* Perhaps an answer of a virtual IP. */
    OUT_NAT,
    OUT_HOP,                    /* Chooses the next hop. */
    OUT_SEND,                   /* Sends it, if the neighbour is known. */
    OUT_N_TABLES
};

/* Priorities.  In both tables for NAT there are the same. */
enum {
    ENTER_MIGRATED = 170,       /* An address is announced that was here. */
    ENTER_RARP = 160,           /* A guest that has migrated is announced. */
    ENTER_FROM_EXTERNAL = 150,
    ENTER_STANDBY_NO_LLADDR = 145, /* As the next one, without link-layer
                                    * address. */
    ENTER_STANDBY_ADDRESS = 140, /* Who asks a gateway that stands by. */
    ENTER_STANDBY_ROUTER = 135, /* To one. */
    ENTER_BALANCED = 125,       /* From a virtual IP. */
    ENTER_OPENS = 122,          /* No backend's reply... */
    ENTER_MAY_BE_BALANCED = 120, /* ...and perhaps one. */
    ENTER_ND = 115,             /* Neighbour discovery. */
    ENTER_PING = 110,           /* The gateway itself. */
    ENTER_DISTRIBUTED_REPLY = 106,
    ENTER_DISTRIBUTED = 105,    /* From a port with a distributed address. */
    ENTER_RELAYED = 103,        /* By another gateway, to one that stands
                                 * by. */
    ENTER_OWN = 100,            /* Sent by the router itself. */
    ENTER_LOCAL = 100,
    ENTER_SENT = 90,            /* By vmnd to all of the external network. */
    ENTER_STANDBY = 95,         /* To a gateway that stands by. */
    ENTER_ROUTED = 90,          /* To an address behind the router. */
    ENTER_RELAY = 80,           /* From one, to another. */
    ENTER_REMOTE_OPENS = 55,    /* As ENTER_OPENS... */
    ENTER_REMOTE = 50,          /* ...and all other packets. */

    NAT_ELSEWHERE = 125,        /* A reply of a connection by a gateway. */
    NAT_INVALID = 120,
    NAT_OWN = 115,              /* An error of the router itself. */
    NAT_OPEN = 110,             /* Of a connection that conntrack knows... */
    NAT_GONE = 105,             /* ...and whose translation is gone. */
    NAT_FLOATING = 100,
    NAT_FORWARD = 95,
    NAT_SERVED = 93,            /* To an address of the router itself. */
    NAT_EXEMPT = 90,
    NAT_SHARE = 85,             /* With source ports of the sender's share. */
    NAT_DEFAULT = 80,

    HOP_UNTRANSLATED = 500,     /* NAT has failed. */
    HOP_LINK = 300,             /* And the length of the prefix, as below. */
    HOP_FURTHER_OF = 100,       /* By the source's subnet. */
    HOP_FURTHER = 50,

    UNBALANCED_REPLY = 110,     /* It has its virtual IP again. */
    UNBALANCED_OTHER = 100,

    EXTERNAL_DIRECT_NO_LLADDR = 125, /* As the next one, without a source
                                      * link-layer address option. */
    EXTERNAL_DIRECT = 120,      /* Neighbour unreachability detection. */
    EXTERNAL_PROBE = 110,       /* Duplicate address detection. */
    EXTERNAL_NO_LLADDR = 105,   /* Request without link-layer address. */
    EXTERNAL_REQUEST = 100,
    EXTERNAL_REPLY_NO_LLADDR = 95,
    EXTERNAL_REPLY = 90,
    EXTERNAL_GATEWAY_NO_LLADDR = 85,
    EXTERNAL_GATEWAY = 80,
    EXTERNAL_ANNOUNCEMENT_NO_LLADDR = 75,
    EXTERNAL_ANNOUNCEMENT = 70, /* To all. */

    ANNOUNCED_UNKNOWN = 20,     /* By a machine that is no neighbour yet. */
    ANNOUNCED = 10,

    SEND_SERVED_PING = 145,     /* The same, of an address that replies. */
    SEND_SERVED = 140,          /* To an address that this host serves. */
    SEND_MIGRATED_INCOMPLETE = 135, /* From a distributed address whose port
                                     * migrates to this host. */
    SEND_INCOMPLETE = 130,      /* Resolution is in progress. */
    SEND_MIGRATED_UNKNOWN = 125,
    SEND_RELAYED_UNKNOWN = 122, /* By the host that its port migrates from. */
    SEND_DISTRIBUTED_UNKNOWN = 120, /* From a distributed address. */
    SEND_RELAYED = 115,
    SEND_DISTRIBUTED_STALE = 112,
    SEND_DISTRIBUTED = 110,
    SEND_STALE = 90,            /* The neighbour was not heard for long. */

    ONLY = 100,                 /* In tables with one kind of flows. */
};

enum gateway_handler {
    HANDLER_RESOLVE,            /* Resolves a neighbour in the external
                                 * network. */
    HANDLER_ANNOUNCE,           /* Announces external addresses there. */
    HANDLER_NEIGHBOUR,          /* Replies to unicast solicitations. */
    HANDLER_FORGET,             /* Forgets a connection. */
};

/* In the argument of HANDLER_RESOLVE, with the number of a floating address:
 * the host asks as itself. */
#define RESOLVE_AS_HOST (1u << 31)

/* Seconds between announcements. */
#define ANNOUNCE_INTERVAL 5

/* Registers inside of STAGE_INGRESS and STAGE_EGRESS. */
#define REG_NAT_ZONE VMN_F_REG10
#define REG_TRANSIT VMN_F_REG11 /* VNI of the router's transit. */
#define REG_REPLY VMN_REG_NEIGHBOUR4 /* Before OUT_HOP: 1 of a reply from a
                                      * port with a distributed address. */
#define REG_MARK VMN_F_REG12    /* Of a connection that is committed. */

/* In the mark of each connection in a zone for NAT. */
#define MARK_TRANSLATED (UINT32_C(1) << 31)

/* Argument of HANDLER_FORGET: the packet is from outside. */
#define FORGET_FROM_OUTSIDE 1

/* Relations. */
#define REL_HOSTS "gateway.hosts"       /* "" -> hosts that may be a
                                         * gateway. */
#define REL_GATEWAY_HOSTS "gateway.gateway-hosts" /* Router -> hosts that may
                                                   * be its gateway. */
#define REL_TRANSIT "gateway.transit"   /* VNI -> router. */
#define REL_BALANCED "gateway.balanced" /* Router -> FAMILY|PROTOCOL of
                                         * balancers. */
#define REL_LINKS "gateway.links"       /* NETWORK|HOST -> routers that have
                                         * their gateway there. */
#define REL_ASKS "gateway.asks"         /* NETWORK|HOST -> "": the host asks
                                         * there as itself. */
#define REL_RARP "gateway.rarp"         /* PORT|HOST -> NETWORK|MAC, of which
                                         * the port's RARP is to tell. */

/* In VMN_REL_ANNOUNCED, in place of ADDRESS: resolve the IPv6 gateway of the
 * external network. */
#define ASK_GATEWAY "?"
/* In VMN_REL_ANNOUNCED, in place of ROUTER|MAC|..., before NETWORK|GATEWAY: a
 * host that does not serve there yet resolves a subnet's gateway, as
 * itself. */
#define ASK_AS_HOST '|'

/* Query: router -> "HOST|HOST...", its active gateway and those that take over
 * by themselves, by flows, in this order: each watches all that come before
 * it.  No value: there is no gateway. */
#define QUERY_FAILOVER "gateway.failover"

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
    struct vmn_names failover;  /* Of QUERY_FAILOVER; the first one is active.
                                 * Empty: there is no gateway. */
    const char *host;           /* The active gateway, or NULL; or the host
                                 * that serves a distributed floating
                                 * address; or the one that gateway_at()
                                 * says. */
    uint32_t ofport;            /* Its port to the external network, or 0. */
    size_t rank;                /* Of 'host' in 'failover': if not 0, it stands
                                 * by. */
    struct vmn_mac mac;         /* In the external network. */
};

#define N_FAMILIES 2
static const uint8_t families[N_FAMILIES] = { 4, 6 };

/* A host's connection to an external network, shared by the routers whose
 * gateway is there. */
struct external_link {
    struct vmn_view *view;
    struct vmn_emit *emit;
    const struct vmn_network *network; /* The external one. */
    const char *host;
    uint32_t ofport;            /* The host's port to 'network'. */
};

/* active-gateway.c */
void query_failover(struct vmn_view *, const char *name, struct vmn_value *);
void query_active(struct vmn_view *, const char *name, struct vmn_value *);

/* gateway-context.c */
/* Returns the external network of 'router' (or NULL), or NULL if it has none
 * that is usable. */
const struct vmn_network *external_network(struct vmn_view *,
                                           const struct vmn_router *);
/* Fills in 'ctx' for router 'name'.  Returns false if it has no usable
 * external network. */
bool gateway_ctx_read(struct vmn_view *, struct vmn_emit *, const char *name,
                      struct gateway_ctx *);
/* Returns the context of the host in place 'rank' of 'failover': what is
 * emitted with it is there on that host, and if it stands by, for packets with
 * VMN_FLAG_STANDS_IN alone. */
struct gateway_ctx gateway_at(const struct gateway_ctx *, size_t rank);
/* Has a flow of a host that stands by match VMN_FLAG_STANDS_IN. */
void match_stands_in(const struct gateway_ctx *, struct vmn_flow *);
/* Adds a flow on all hosts that may be the gateway. */
struct vmn_flow *gateway_flow(const struct gateway_ctx *, unsigned stage,
                              unsigned table, uint16_t priority);
/* Adds a flow on the context's host for packets from the external network. */
struct vmn_flow *external_flow(const struct gateway_ctx *, unsigned stage,
                               unsigned table, uint16_t priority);
/* Returns what VMN_F_VLAN_TCI is of the external network's packets. */
uint32_t external_vlan_tci(const struct vmn_network *);
/* Sends what a packet from the external network was turned into back there;
 * ends the actions. */
void act_reply(struct vmn_actions *);
/* Returns the MAC address by which 'host' asks for neighbours as itself. */
struct vmn_mac host_mac(struct vmn_view *, const char *host);
/* Returns the gateway of the subnet that 'ip' is in, or NULL. */
const struct vmn_ip *gateway_of(const struct vmn_network *,
                                const struct vmn_ip *ip);
/* Returns the gateway of the first subnet of a family that has one, or
 * NULL. */
const struct vmn_ip *next_hop(const struct vmn_network *, uint8_t family);
/* Returns the router's first external address of a family, or NULL: packets of
 * that family are not forwarded. */
const struct vmn_ip *first_external(const struct vmn_router *,
                                    uint8_t family);

/* watched-hosts.c */
void compile_watched(struct vmn_view *, const char *key, struct vmn_emit *);

/* failover.c */
/* Adds the flow that leads from the router's hosts to its gateway: to the
 * first one that they see, if there are several. */
void out_to_gateways(const struct gateway_ctx *);
/* Does the same with a packet of one of them; ends the actions. */
void act_to_gateways(const struct gateway_ctx *, struct vmn_actions *);
/* Adds the flows of a host that stands by for all that is for the router. */
void stand_by(const struct gateway_ctx *);
/* Adds its flows for questions of the external network for 'ip', which are not
 * sent to the router's MAC address. */
void stand_by_address(const struct gateway_ctx *, const struct vmn_ip *ip);
void compile_standby(struct vmn_view *, const char *key, struct vmn_emit *);

/* inbound.c */
/* What all hosts that may be the gateway have, and what the context's has. */
void in_router(const struct gateway_ctx *);
void in_router_at(const struct gateway_ctx *);
/* Continues as if the packet had come in from the external network, by
 * OpenFlow port 'ofport'; ends the actions. */
void act_come_in(struct vmn_view *, struct vmn_actions *, uint32_t ofport);
/* Lets packets in that ports of the external network on this host send to
 * 'ctx->mac', after policies have judged them. */
void in_from_port(const struct gateway_ctx *);
/* Adds flows that answer pings of the address. */
void in_ping(const struct gateway_ctx *, const struct vmn_ip *);
/* Adds flows that send packets to an external address through NAT. */
void in_address(const struct gateway_ctx *, const struct vmn_ip *);
/* Adds a flow that lets packets to an external address in that would leave by
 * the host that serves it. */
void in_served(const struct gateway_ctx *, const struct vmn_ip *);
/* Sends the packet to the router, as from outside; ends the actions. */
void act_let_in(const struct gateway_ctx *, struct vmn_actions *,
                uint32_t balance_zone);

/* floating-vip.c: a virtual IP that has a floating address. */
void balanced(const struct gateway_ctx *, const struct vmn_floating_ip *);
void balanced_replies(const struct gateway_ctx *);

/* outbound.c */
/* Adds a flow for packets from the router's domain to the external network. */
struct vmn_flow *out_enter_flow(const struct gateway_ctx *, struct vmn_scope,
                                uint16_t priority);
/* Looks for the neighbour whose address is in 'field', or that is 'next' if
 * this is not NULL. */
void act_neighbour(struct vmn_actions *, uint8_t family, enum vmn_field field,
                   const struct vmn_ip *next);
/* Sends the packet through conntrack, to OUT_NAT. */
void out_track(const struct gateway_ctx *, struct vmn_actions *);
void out_base(struct vmn_emit *);
void outbound_distributed(const struct gateway_ctx *, const struct vmn_ip *ip,
                          const struct vmn_ip *floating, uint32_t number);
/* Has replies from the port that has 'ip' leave by the router's gateway, which
 * 'ctx' is of, unless their connection came in by 'host' itself. */
void replies_to_gateway(const struct gateway_ctx *, const char *host,
                        const struct vmn_ip *ip);
void out_router(const struct gateway_ctx *);
void out_router_at(const struct gateway_ctx *);

/* snat.c */
/* Emits NAT of new connections of a family to the external network. */
void nat_own(const struct gateway_ctx *, uint8_t family);
void snat_router(const struct gateway_ctx *, uint8_t family);
/* Has what the router's ports send to 'ip', an address of the router or a
 * floating one, get the router's address where it would keep its own: the
 * target would reply to that directly. */
void snat_served(const struct gateway_ctx *, const struct vmn_ip *ip);
/* What a connection through a router was translated by.  Its mark identifies
 * that, and continues only while it is among those that nat_allow() has
 * emitted: so a connection ends with what it is translated by, whichever host
 * knows it, and whatever becomes of vmnd. */
struct translation {
    uint8_t family;
    uint8_t protocol;           /* Of a port forward; else 0. */
    const struct vmn_ip *outer; /* NULL: it is not translated. */
    uint16_t outer_port;        /* Of a port forward; else 0. */
    const struct vmn_ip *inner; /* NULL: any. */
    uint16_t inner_port;        /* 0: it is not translated. */
};
uint32_t translation_mark(const struct translation *);
/* Has connections that are translated so continue. */
void nat_allow(const struct gateway_ctx *, const struct translation *);
/* Returns that of prefix 'i' of the router's that are exempt. */
struct translation exempt_of(const struct gateway_ctx *, size_t i);
/* Adds a flow for new connections through the router. */
struct vmn_flow *nat_new(const struct gateway_ctx *, uint8_t family,
                         unsigned stage, unsigned table, uint16_t priority);
/* Commits the connection, which is translated so: its destination in
 * STAGE_INGRESS, its source in STAGE_EGRESS. */
void nat_commit(struct vmn_flow *, unsigned stage, const struct translation *);

/* gone.c */
void handle_forget(struct vmn_view *, const struct vmn_packet_in *,
                   struct vmn_packets_out *);

/* external-arp.c */
void publish_gateway_hosts(const struct gateway_ctx *);
void arp_router_at(const struct gateway_ctx *);
void external_address(const struct gateway_ctx *, const struct vmn_ip *);
/* Adds flows that learn neighbours from ARP replies to 'ctx->mac'. */
void arp_learn(const struct gateway_ctx *);
/* Has HANDLER_ANNOUNCE announce an address, or resolve ASK_GATEWAY, unless the
 * host stands by. */
void publish_announced(const struct gateway_ctx *, const char *what);
/* Has the host learn from replies to what it has asked as itself. */
void publish_asks(const struct gateway_ctx *);
/* Has HANDLER_ANNOUNCE resolve the external network's gateways as the host,
 * which learns whom it asks. */
void publish_asks_as_host(const struct gateway_ctx *);
/* Returns true if 'host' learns from replies to what it asks in 'network' as
 * itself. */
bool asks_as_host(struct vmn_view *, const char *network, const char *host);
void compile_external(struct vmn_view *, const char *key, struct vmn_emit *);
/* Adds a flow to the first table of 'stage' for packets from the external
 * network. */
struct vmn_flow *link_flow(const struct external_link *, unsigned stage,
                           uint16_t priority);

/* external-nd.c: the same for IPv6. */
/* Matches neighbour discovery from the link itself. */
void match_nd(struct vmn_flow *, uint8_t type);
void nd_router(const struct gateway_ctx *);
void nd_learn(const struct gateway_ctx *);
void nd_host(const struct external_link *);
void nd_address(const struct gateway_ctx *, const struct vmn_ip *);
void nd_link(const struct external_link *);
void nd_gateway(const struct external_link *, const struct vmn_ip *gateway);
void handle_neighbour(struct vmn_view *, const struct vmn_packet_in *,
                      struct vmn_packets_out *);

/* announcements.c */
void announcements(const struct external_link *, uint8_t family);

/* neighbour-resolution.c */
/* Returns the address that 'mac' asks for neighbours as without saying that
 * anybody is there: for IPv4 that makes a probe (RFC 5227, section 1.1), for
 * IPv6 it is a link-local address of the MAC address's own. */
struct vmn_ip nobody_ip(struct vmn_mac, uint8_t family);
void handle_resolve(struct vmn_view *, const struct vmn_packet_in *,
                    struct vmn_packets_out *);

/* gratuitous-arp.c */
void handle_announce(struct vmn_view *, const struct vmn_packet_in *,
                     struct vmn_packets_out *);

/* external-frame.c */
#define FRAME_MAX VMN_ND_ADVERT_SIZE /* As long as a solicitation. */
/* Returns the router whose transit has VNI 'transit', or NULL. */
const struct vmn_router *router_of_transit(struct vmn_view *,
                                           uint32_t transit);
/* Sends a frame to the external network with this VNI, its ports on this host
 * included. */
void send_external(struct vmn_packets_out *, uint32_t vni,
                   const uint8_t *frame, size_t size);
/* Writes a request for the neighbour 'to', and returns its size. */
size_t build_request(uint8_t frame[FRAME_MAX], struct vmn_mac,
                     const struct vmn_ip *from, const struct vmn_ip *to);

#define ID_POOL_FLOATING "gateway.floating" /* Floating addresses, by name. */

/* floating-ip.c */
/* Returns the port's first address of a family, or NULL. */
const struct vmn_ip *first_ip(const struct vmn_port *, uint8_t family);
/* Returns the MAC address of a distributed floating IP, by its number. */
struct vmn_mac floating_mac(uint32_t number);
void compile_floating_ip(struct vmn_view *, const char *key,
                         struct vmn_emit *);

/* migrating.c */
/* Adds what the hosts of a port that migrates, or has a former host, have for
 * its address 'ip', which has distributed floating IP 'number' with address
 * 'floating', besides what serves it.  The contexts are of the address on each
 * host, and what they point to must outlive the call. */
void migrating_address(const struct gateway_ctx *active,
                       const struct gateway_ctx *other,
                       const struct vmn_port *, const struct vmn_binding *,
                       const struct vmn_ip *ip, const struct vmn_ip *floating,
                       uint32_t number);
void compile_rarp(struct vmn_view *, const char *key, struct vmn_emit *);

#endif /* apps/gateway/gateway.h */
