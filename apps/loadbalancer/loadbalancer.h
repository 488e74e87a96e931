/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the loadbalancer app share: its stages, tables,
 * priorities, numbers and relations.  docs/pipeline.md describes the
 * tables. */

#ifndef APPS_LOADBALANCER_H
#define APPS_LOADBALANCER_H 1

#include "vmn/app.h"

enum loadbalancer_stage { STAGE_ARP, STAGE_BALANCE, STAGE_UNBALANCE };

enum loadbalancer_handler { HANDLER_NEIGHBOUR, HANDLER_REJECT, HANDLER_PROBE };

#define ARP_ND_REPLY 100        /* In STAGE_ARP: of vmn_arp_nd_respond(). */

/* Tables of STAGE_BALANCE. */
enum {
    BALANCE_VIP,                /* Is it for a virtual IP? */
    BALANCE_SELECT,             /* Tracked: whose is a new connection? */
    BALANCE_CHOOSE,             /* It gets a backend... */
    BALANCE_LIMIT,              /* (where clients have a limit: by whose... */
    BALANCE_METER,              /* ...meter it counts) */
    BALANCE_CHOSEN,             /* ...and is that one's from then on. */
    BALANCE_ADMITTED,           /* Where there is a limit, it counts now, */
    BALANCE_GIVEN,              /* also as that backend's. */
    BALANCE_BACKEND,            /* Has its backend: the backend's MAC. */
    BALANCE_REFUSED,            /* What was made here for a client. */
    BALANCE_N_TABLES
};
enum {
    VIP_FRAGMENT = 220,
    VIP_PROBED = 210,           /* A backend's answer to a probe. */
    VIP_SERVICE = 200,
    VIP_PING = 180,
    VIP_HAIRPIN = 150,          /* A backend's answer to itself. */
    VIP_OTHER = 100,

    SELECT_PORT_LIMITED = 120,  /* Within its port's limit? */
    SELECT_INVALID = 110,
    SELECT_NEW_LIMITED = 101,   /* Other flows, which are counted anew. */
    SELECT_NEW = 100,
    SELECT_FRAGMENT = 90,
    SELECT_ANSWER = 60,         /* To itself, from the virtual IP again. */

    CHOOSE_KNOWN = 100,         /* A client that has a backend. */
    CHOOSE_HERE = 70,           /* One on the client's own host. */
    CHOOSE_ANY = 50,

    LIMIT_ONE = 100,

    METER_ONE = 100,

    CHOSEN_ONE_LIMITED = 101,
    CHOSEN_ONE = 100,

    ADMITTED_ONE = 100,

    GIVEN_ONE = 100,

    BACKEND_HAIRPIN = 100,
    BACKEND_MAC = 50,
    BACKEND_ROUTED = 40,
    BACKEND_RESET_MAC = 30,     /* The same for resets alone, where its */
    BACKEND_RESET_ROUTED = 20,  /* connections are cut. */

    PRIORITY_LAST = 1,
};

/* Scratch registers in STAGE_BALANCE. */
#define REG_BACKEND VMN_F_REG10 /* Number of the backend of that balancer. */
#define REG_LIMIT VMN_F_REG13   /* The client's meter. */
#define REG_BALANCER VMN_REG_CLIENT_SERVICE /* Number of the balancer. */

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


/* Probes come from these ports of the virtual IP, where no guest's own
 * connection to it begins: 512 to 1023. */
#define PROBE_PORT 0x200
#define PROBE_PORT_MASK 0xfe00

#define ID_POOL_VIP "loadbalancer.vip" /* NETWORK|IP. */
#define ID_POOL_BALANCER "loadbalancer.balancer" /* Its name. */
#define ID_POOL_AFFINITY "loadbalancer.memory" /* NAME|SECONDS: of clients. */
#define ID_POOL_BACKEND "loadbalancer.backend" /* BALANCER|PORT. */
#define ID_POOL_LIMIT "loadbalancer.limit" /* DOMAIN|RATE|BURST. */

/* Relations, by key -> values.  What several balancers may want has a unit of
 * its own, so that it is there once. */
#define REL_ADDRESS "loadbalancer.address" /* DOMAIN|VIP -> NETWORK|PROTOCOL|
                                            * SERVICES|BALANCER. */
#define REL_BACKEND "loadbalancer.backend" /* PORT|FAMILY -> network. */
#define REL_RESET "loadbalancer.reset" /* PORT|FAMILY -> network. */
#define REL_TARGET "loadbalancer.target" /* PORT|FAMILY|PROTOCOL|VALUE|MASK
                                          * -> balancer. */
#define REL_HAIRPIN "loadbalancer.hairpin" /* PORT|VIP
                                            * -> PROTOCOL|VALUE|MASK. */
#define REL_LIMIT "loadbalancer.limit" /* DOMAIN|RATE|BURST -> balancer. */
#define REL_PROBE "loadbalancer.probe" /* PORT|VIP -> PROTOCOL|N. */

/* Those of a balancer that are in one routing domain. */
struct backends {
    size_t n;
    const struct vmn_lb_member **members; /* Sorted by name. */
};

/* backend-state.c: the query. */
void eval_backends(struct vmn_view *, const char *key, struct vmn_value *);
struct vmn_mac vip_mac(struct vmn_view *, const char *network,
                       const struct vmn_ip *vip);
struct vmn_mac number_mac(uint32_t number);
uint32_t backend_number(struct vmn_view *, const char *balancer,
                        const char *port);
const struct vmn_lb_member *members_of(struct vmn_view *, const char *balancer,
                                       size_t *n);

/* backend.c: what concerns a port, whatever balancers it serves. */
void compile_backend(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_reset(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_target(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_hairpin(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_probe(struct vmn_view *, const char *key, struct vmn_emit *);

/* maglev.c: how many of the slots each backend has, and whose each of them is.
 * There must be at least one backend. */
#define N_SLOTS 256
void slots_share(struct vmn_view *, const struct backends *,
                 uint32_t *shares);
void slots_fill(struct vmn_view *, const struct backends *,
                uint16_t slots[N_SLOTS]);

/* vip.c: a virtual IP, whatever is served there. */
void compile_address(struct vmn_view *, const char *key, struct vmn_emit *);
/* Says that a virtual IP of IPv6 is still there. */
void handle_neighbour(struct vmn_view *, const struct vmn_packet_in *,
                      struct vmn_packets_out *);

/* balancer.c: what one balancer does. */
void compile_balancer(struct vmn_view *, const char *key, struct vmn_emit *);
/* Has a backend chosen for a new connection; ends the actions. */
void act_choose(struct vmn_view *, struct vmn_actions *,
                const struct vmn_loadbalancer *);

/* client-limit.c: how many connections a client may open. */
void compile_limit(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_port_limit(struct vmn_view *, const char *key,
                        struct vmn_emit *);
/* Says that the balancer is limited in 'domain', which it is. */
void publish_limit(struct vmn_view *, struct vmn_emit *,
                   const struct vmn_loadbalancer *, const char *domain);
/* Goes on at the client's meter; ends the actions.  'balancer' is the
 * balancer's number. */
void act_limit(struct vmn_view *, struct vmn_actions *,
               const struct vmn_loadbalancer *, const char *domain,
               uint32_t balancer);

/* no-backend.c: drops, and tells the client. */
void act_reject(struct vmn_actions *, const char *reason);
void handle_reject(struct vmn_view *, const struct vmn_packet_in *,
                   struct vmn_packets_out *);

/* balancer-owner.c */
bool flow_owner(struct vmn_view *, const char *unit, const char *key,
                uint32_t part, struct vmn_flow_owner *);

/* The transport ports' fields of a protocol. */
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
