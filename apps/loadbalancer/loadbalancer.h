/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the loadbalancer app share: its stages, tables,
 * priorities, numbers and relations.  docs/pipeline.md describes the
 * tables. */

#ifndef APPS_LOADBALANCER_H
#define APPS_LOADBALANCER_H 1

#include "vmn/app.h"

enum loadbalancer_stage { STAGE_ARP, STAGE_BALANCE, STAGE_UNBALANCE };

enum loadbalancer_handler {
    HANDLER_NEIGHBOUR,
    HANDLER_REJECT,
    HANDLER_PROBE,
    HANDLER_FORGET,             /* Rejects, and forgets the connection. */
};

#define ARP_ND_REPLY 100        /* Priority in STAGE_ARP, for
                                 * vmn_arp_nd_respond(). */

/* Tables of STAGE_BALANCE. */
enum {
    BALANCE_VIP,                /* Is it for a virtual IP? */
    BALANCE_SERVICE,            /* For one of its services? */
    BALANCE_SELECT,             /* Tracked: of which balancer is a new
                                 * connection? */
    BALANCE_CHOOSE,             /* Selects a backend. */
    BALANCE_LIMIT,              /* Where clients are limited: selects the... */
    BALANCE_METER,              /* ...meter, and applies it. */
    BALANCE_COMMIT,             /* Commits the connection to the backend. */
    BALANCE_ADMITTED,           /* Counts what the limit has admitted, */
    BALANCE_ASSIGNED,           /* and counts it for the backend. */
    BALANCE_BACKEND,            /* Sets the backend's MAC. */
    BALANCE_ASIDE,              /* Rejections made here for a client, and
                                 * connections that another host knows. */
    BALANCE_N_TABLES
};
enum {
    VIP_TOLD_NOTHING = 130,     /* Back from the other host of a port that */
    VIP_TOLD = 120,             /* migrates, which knows the connection. */
    VIP_ASKED_BACK = 115,       /* From such a host: sent to the port, */
    VIP_ASKED = 110,            /* or by it. */
    VIP_FROM_OUTSIDE = 105,     /* Its size is checked. */
    VIP_ONE = 100,
    VIP_FORMER = 50,            /* To the MAC of one that is gone. */

    SERVICE_TOO_LARGE = 230,    /* From outside, for the network. */
    SERVICE_FRAGMENT = 220,
    SERVICE_PROBE_REPLY = 210,  /* A backend's reply to a probe. */
    SERVICE_ONE = 200,
    SERVICE_PING = 180,
    SERVICE_HAIRPIN = 150,      /* A backend's reply to itself. */
    SERVICE_OTHER = 100,

    SELECT_TOLD = 140,          /* Another host knows the connection, */
    SELECT_TOLD_TWICE = 130,    /* and this one by now, too. */
    SELECT_PORT_LIMITED = 120,  /* Is it within its port's limit? */
    SELECT_INVALID = 110,
    SELECT_NEW_LIMITED = 101,   /* Flows of their own, with their own
                                 * counters. */
    SELECT_NEW = 100,
    SELECT_FRAGMENT = 90,
    SELECT_OTHER = 80,          /* For no service. */
    SELECT_OPEN = 70,           /* Of an open connection. */
    SELECT_REPLY = 60,          /* To itself, restored to the virtual IP. */

    CHOOSE_OPEN = 140,          /* Of one to a backend that may keep it; */
    CHOOSE_END = 135,           /* a reset of any other, */
    CHOOSE_GONE = 130,          /* and the rest of that. */
    CHOOSE_NOT_ASKED = 120,     /* As if it were something else; */
    CHOOSE_ASK = 110,           /* another host may know the connection. */
    CHOOSE_KNOWN = 100,         /* A client with affinity. */
    CHOOSE_HERE = 70,           /* A backend on the client's own host. */
    CHOOSE_ANY = 50,

    LIMIT_ONE = 100,

    METER_ONE = 100,

    COMMIT_ONE_LIMITED = 101,
    COMMIT_ONE = 100,

    ADMITTED_ONE = 100,

    ASSIGNED_ONE = 100,

    BACKEND_HAIRPIN = 100,
    BACKEND_MAC = 50,
    BACKEND_ROUTED = 40,
    BACKEND_RESET_MAC = 30,     /* The same for resets only, where its */
    BACKEND_RESET_ROUTED = 20,  /* connections are cut. */

    ASIDE_ANSWER = 120,         /* A backend's, of a known connection. */
    ASIDE_TARGET = 110,
    ASIDE_TARGETS = 100,        /* A mask of a range. */
    ASIDE_KNOWN = 60,           /* Whose backend is not one any more. */
    ASIDE_END = 57,             /* A backend's, of an unknown one. */
    ASIDE_INVALID = 55,
    ASIDE_UNKNOWN = 50,

    PRIORITY_LAST = 1,
};

/* Scratch registers in STAGE_BALANCE. */
#define REG_BACKEND VMN_F_REG10 /* The backend's ID. */
#define REG_LIMIT VMN_F_REG13   /* The client's meter. */
#define REG_BALANCER VMN_REG_CLIENT_SERVICE /* The balancer's ID. */

/* Tables of STAGE_UNBALANCE. */
enum {
    UNBALANCE_SEND,             /* Sends possible replies through conntrack. */
    UNBALANCE_MAC,              /* Sets the virtual IP's MAC on replies. */
    UNBALANCE_N_TABLES
};
enum {
    SEND_COPY = 120,            /* To a port that migrates, */
    SEND_UNTRACKED = 115,       /* and of an unknown connection. */
    SEND_FRAGMENT = 110,
    SEND_REPLY = 100,
    MAC_COPY = 110,
    MAC_ASK = 105,              /* Another host may know the connection. */
    MAC_REPLY = 100,
};


/* Source ports of probes at the virtual IP, from which no guest opens
 * connections to it: 512 to 1023. */
#define PROBE_PORT 0x200
#define PROBE_PORT_MASK 0xfe00

#define ID_POOL_BALANCER "loadbalancer.balancer" /* Its name. */
#define ID_POOL_AFFINITY "loadbalancer.memory" /* NAME|SECONDS: of clients. */
#define ID_POOL_BACKEND "loadbalancer.backend" /* BALANCER|PORT. */
#define ID_POOL_TARGET "loadbalancer.target" /* A key of REL_TARGET. */
#define ID_POOL_LIMIT "loadbalancer.limit" /* DOMAIN|RATE|BURST. */

/* Relations, by key -> values.  What several balancers may need has a unit of
 * its own, so that there is one flow. */
#define REL_ADDRESS "loadbalancer.address" /* DOMAIN|VIP -> NETWORK|PROTOCOL|
                                            * SERVICES|BALANCER. */
#define NO_NETWORK "-"          /* In it: a floating address, which is no
                                 * link's. */
#define REL_NETWORK "loadbalancer.network" /* NETWORK -> family of a virtual
                                            * IP. */
#define REL_BACKEND "loadbalancer.backend" /* PORT|FAMILY -> network. */
#define REL_RESET "loadbalancer.reset" /* PORT|FAMILY -> network. */
#define REL_REPLY "loadbalancer.reply" /* PORT|FAMILY|PROTOCOL -> balancer. */
#define REL_TARGET "loadbalancer.target" /* PORT|FAMILY|VALUE|MASK of TCP
                                          * -> balancer. */
#define REL_HAIRPIN "loadbalancer.hairpin" /* PORT|FAMILY
                                            * -> PROTOCOL|VALUE|MASK. */
#define REL_LIMIT "loadbalancer.limit" /* DOMAIN|RATE|BURST -> balancer. */
#define REL_PROBE "loadbalancer.probe" /* PORT|FAMILY -> PROTOCOL|N|VIP. */

/* What app firewall reads: virtual IPs of a domain, and which addresses serve
 * there. */
#define REL_VIPS "loadbalancer.vips" /* DOMAIN -> VIP. */
#define REL_SERVED "loadbalancer.served" /* DOMAIN|VIP -> IP. */

#define REL_DOMAIN "loadbalancer.domain" /* DOMAIN -> "", if it has any. */

/* DOMAIN -> the hosts of its ports that migrate. */
#define REL_ASKING "loadbalancer.asking"

/* A balancer's backends in one routing domain. */
struct backends {
    size_t n;
    const struct vmn_lb_member **members; /* Sorted by name. */
};

/* backend-state.c: the query. */
void eval_backends(struct vmn_view *, const char *key, struct vmn_value *);
uint32_t backend_number(struct vmn_view *, const char *balancer,
                        const char *port);
const struct vmn_lb_member *members_of(struct vmn_view *, const char *balancer,
                                       size_t *n);

/* backend.c: flows of a port, whatever balancers it serves. */
void compile_backend(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_reset(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_replies(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_target(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_hairpin(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_probe(struct vmn_view *, const char *key, struct vmn_emit *);

/* maglev.c: assigns the slots to backends, of which there must be at least
 * one. */
#define N_SLOTS 256
void slots_share(struct vmn_view *, const struct backends *,
                 uint32_t *shares);
void slots_fill(struct vmn_view *, const struct backends *,
                uint16_t slots[N_SLOTS]);

/* vip.c: flows of a virtual IP, whatever services it has. */
void compile_address(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_network(struct vmn_view *, const char *key, struct vmn_emit *);
/* Emits what all virtual IPs have. */
void base_vip(struct vmn_emit *);
/* Replies to a unicast solicitation for a virtual IP. */
void handle_neighbour(struct vmn_view *, const struct vmn_packet_in *,
                      struct vmn_packets_out *);

/* vip-mac.c: the Ethernet address of a virtual IP. */
struct vmn_mac vip_mac(const struct vmn_ip *vip);
/* Sets the source to that of the virtual IP in field 'vip'. */
void act_set_vip_mac(struct vmn_actions *, enum vmn_field vip);

/* balancer.c: flows of one balancer. */
void compile_balancer(struct vmn_view *, const char *key, struct vmn_emit *);
/* Selects a backend for a new connection; ends the actions. */
void act_choose(struct vmn_view *, struct vmn_actions *,
                const struct vmn_loadbalancer *);

/* affinity.c: look up, and remember, which backend a client has. */
void act_find_client(struct vmn_view *, struct vmn_actions *,
                     const struct vmn_loadbalancer *);
void act_learn_client(struct vmn_view *, struct vmn_actions *,
                      const struct vmn_loadbalancer *);

/* client-limit.c: how many connections a client may open. */
void compile_limit(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_port_limit(struct vmn_view *, const char *key,
                        struct vmn_emit *);
/* Publishes that the balancer limits its clients in 'domain'. */
void publish_limit(struct vmn_view *, struct vmn_emit *,
                   const struct vmn_loadbalancer *, const char *domain);
/* Continues at the client's meter; ends the actions.  'balancer' is the
 * balancer's ID. */
void act_limit(struct vmn_view *, struct vmn_actions *,
               const struct vmn_loadbalancer *, const char *domain,
               uint32_t balancer);

/* migrating-client.c: connections of clients that migrate. */
void compile_migrating_client(struct vmn_view *, const char *key,
                              struct vmn_emit *);
/* Emits what all hosts have. */
void migrating_base(struct vmn_emit *);
/* A target of a backend: a port of TCP, or a mask of a range. */
struct migrating_target {
    const char *key;            /* Of REL_TARGET. */
    const char *domain;
    uint32_t zone;              /* The domain's. */
    const struct vmn_ip *ip;
    uint16_t value, mask;
};
/* Emits what is needed where clients migrate. */
void migrating_target(struct vmn_view *, struct vmn_emit *,
                      const struct migrating_target *);

/* no-backend.c: drops the packet, and rejects it to the client. */
void act_reject(struct vmn_actions *, const char *reason);
/* Does the same before conntrack has seen the packet. */
void act_reject_as_sent(struct vmn_actions *, const char *reason);
/* The same for a packet larger than 'mtu', in bytes. */
void act_reject_too_large(struct vmn_actions *, uint32_t mtu);
/* Does what act_reject() does; the switch also forgets the connection. */
void act_reject_forget(struct vmn_actions *, const char *reason);
void handle_reject(struct vmn_view *, const struct vmn_packet_in *,
                   struct vmn_packets_out *);

/* balancer-owner.c */
bool flow_owner(struct vmn_view *, const char *unit, const char *key,
                uint32_t part, struct vmn_flow_owner *);

/* The port fields of a protocol. */
static inline enum vmn_field
field_src(unsigned ip_proto)
{
    return ip_proto == VMN_IP_PROTO_TCP ? VMN_F_TCP_SRC : VMN_F_UDP_SRC;
}

static inline enum vmn_field
field_dst(unsigned ip_proto)
{
    return ip_proto == VMN_IP_PROTO_TCP ? VMN_F_TCP_DST : VMN_F_UDP_DST;
}

/* Sends the packet through the NAT of its connection. */
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
