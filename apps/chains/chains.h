/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the chains app share: its type, stages, registers and
 * relations.  docs/apps/chains.md says what chains are. */

#ifndef APPS_CHAINS_H
#define APPS_CHAINS_H 1

#include "vmn/app.h"
#include "vmn/own-types.h"
#include "vmn/packet.h"

/* Rows.  ------------------------------------------------------------------ */

enum chain_protocol { CHAIN_TCP, CHAIN_UDP, CHAIN_ICMP };

struct chain_service {
    int protocol;               /* enum chain_protocol. */
    size_t n_ports;             /* 0: all. */
    const struct vmn_port_range *ports;
};

struct chain_function {
    const char *in;             /* Port by which requests reach it. */
    const char *out;            /* Port by which they leave it; NULL: the same,
                                 * to which they are addressed. */
};

/* What becomes of connections whose function is down. */
enum chain_failure {
    CHAIN_NEXT,                 /* Another function of the hop has them. */
    CHAIN_BYPASS,               /* The same; if there is none, they go past the
                                 * hop. */
    CHAIN_BLOCK,                /* They are dropped until it is up. */
};

/* By what a function is known to be up, beside its links. */
enum chain_health {
    CHAIN_LINK,                 /* Nothing. */
    CHAIN_HEARTBEAT,            /* It forwards, from "in" to "out". */
    CHAIN_PROBE_PING,           /* It answers a ping, */
    CHAIN_PROBE_TCP,            /* or at a port of TCP. */
};

struct chain_hop {
    const char *name;
    size_t n_functions;
    const struct chain_function *functions;
    int on_failure;             /* enum chain_failure. */
    int health;                 /* enum chain_health. */
    int health_port;            /* CHAIN_PROBE_TCP; else 0. */
    int health_interval_ms;
    int healthy_after;          /* Probes in a row. */
    int unhealthy_after;
};

/* What becomes of traffic of the chain's VMs that cannot go through it. */
enum chain_unsupported {
    CHAIN_UNSUPPORTED_BLOCK,
    CHAIN_UNSUPPORTED_BYPASS,
};

struct chain {
    struct vmn_object object;
    const char *network;
    bool enabled;
    int priority;
    struct vmn_selector sources;
    struct vmn_selector destinations;
    size_t n_services;
    const struct chain_service *services;
    int unsupported;            /* enum chain_unsupported. */
    size_t n_hops;
    const struct chain_hop *hops;
};

/* The app's only type. */
#define ROW_CHAIN VMN_ROW_OWN(0)

#define CHAIN_PRIORITY_MAX 1000
#define CHAIN_HOPS_MAX 8
#define CHAIN_FUNCTIONS_MAX 64

/* The pipeline.  ---------------------------------------------------------- */

enum chains_stage {
    STAGE_RETURN,               /* What functions send. */
    STAGE_TRANSIT,              /* The same, for other hosts. */
    STAGE_CLASSIFY,             /* Which chain is it of, if any? */
    STAGE_STEER,                /* To the next hop. */
};

/* Tables of STAGE_RETURN. */
enum {
    RETURN_PORT,                /* Port of a function -> what is next. */
    RETURN_SOURCE,              /* Is it from one of the chain's VMs? */
    RETURN_SIDE,                /* From a VM of either side: to whom is it? */
    RETURN_DIRECTION,           /* From a function with one port: side -> what
                                 * is next. */
    RETURN_ON,                  /* To the next hop, if there is one. */
    RETURN_RESTORE,             /* Behind the last hop: to whom it was. */
    RETURN_N_TABLES
};

/* Tables of STAGE_STEER. */
enum {
    STEER_ENTER,                /* Are there chains in the domain? */
    STEER_FRAGMENT,             /* Of those but the first STAGE_CLASSIFY knows
                                 * nothing. */
    STEER_MATCH,                /* A detour: which chain is the packet's? */
    STEER_FOUND,                /* Is it of a chain? */
    STEER_UNSUPPORTED,          /* Or would it be, by other addresses? */
    STEER_HOP,                  /* Hop -> conntrack in its zone. */
    STEER_REMEMBERED,           /* The function that the connection has. */
    STEER_CHOOSE,               /* One for a connection that has none. */
    STEER_HAND,                 /* Function -> one of its ports. */
    STEER_N_TABLES
};

/* Priorities, where nothing else is said. */
enum {
    PRIORITY_VERDICT = 65000,   /* Above all of chain_priority(). */
    PRIORITY_SPECIAL = 20,
    PRIORITY_USUAL = 10,
    PRIORITY_LAST = 1,
};

/* Number of the hop times 2, plus 1 for replies; 0: of no chain.
 * STAGE_CLASSIFY keeps it for STAGE_STEER. */
#define REG_STEP VMN_F_REG10
/* Value of REG_STEP: of a chain, all of whose hops are bypassed. */
#define STEP_PAST 1
/* Zone in which connections of the hop have the number of their function as
 * mark. */
#define REG_HOP_ZONE VMN_F_REG11
#define REG_FUNCTION VMN_F_REG12 /* That number. */
#define REG_LINK VMN_F_REG13    /* Which of the functions, by a hash. */

/* In STAGE_RETURN: the chain's number. */
#define REG_CHAIN VMN_F_REG13
/* In STAGE_RETURN: 0, or the number of the hop whose function, which has one
 * port, has sent it; so nothing but addresses tells its direction. */
#define REG_SENDER VMN_F_REG11
#define REG_SIDE VMN_F_REG12    /* In STAGE_RETURN: enum chain_side. */

#define POOL_CHAIN "chains.chain" /* Key CHAIN; of conjunctions, too, in
                                   * tables of their own. */
#define POOL_HOP "chains.hop"   /* "CHAIN|HOP". */
#define POOL_FUNCTION "chains.function" /* "CHAIN|HOP|PORT". */

/* DOMAIN -> "PRIORITY|CHAIN" with four digits: its chains, in order. */
#define REL_OF_DOMAIN "chains.of-domain"
/* Port of a function -> its chain. */
#define REL_PORT "chains.port"
/* "CHAIN|HOP|PORT" of a function that is probed -> "". */
#define REL_PROBED "chains.probed"
/* CHAIN -> port that is a source and a destination of it, if
 * chain_has_inner_router(). */
#define REL_BOTH "chains.both"
/* CHAIN -> "in" of those of its functions that are down. */
#define REL_DOWN "chains.down"
/* CHAIN -> what becomes of connections of functions that are down. */
#define REL_WARNINGS "chains.warnings"
/* "chains/CHAIN" -> "PART|NAME" of what is counted. */
#define REL_PART_NAMES "chains.part-names"

/* Of a packet: who has opened the connection, as far as a VM's address tells
 * it. */
enum chain_side {
    SIDE_EITHER,                /* The VM is a source and a destination. */
    SIDE_SOURCE,                /* Its sender: it is a request. */
    SIDE_DESTINATION,           /* Its receiver: it is an answer. */
};

/* Its only handler. */
enum { HANDLER_PROBE };

/* chain-state.c: what a chain comes to.  --------------------------------- */

struct function_state {
    const struct chain_function *function;
    uint32_t number;            /* Of POOL_FUNCTION. */
    bool up;
};

struct hop_state {
    const struct chain_hop *hop;
    uint32_t number;            /* Of POOL_HOP. */
    struct function_state *functions;
    size_t n_choices;           /* Of those that get new connections. */
    const struct function_state **choices;
};

struct chain_state {
    const struct chain *chain;
    const char *domain;
    uint32_t zone;              /* The domain's. */
    struct hop_state hops[CHAIN_HOPS_MAX];
};

/* function-health.c.  Returns true if the function, whose number is known, is
 * up. */
bool function_is_up(struct vmn_view *, const struct chain_hop *,
                    const struct function_state *);
void handle_probe(struct vmn_view *, const struct vmn_packet_in *,
                  struct vmn_packets_out *);

/* Returns chain 'name', or NULL: it is not there, not enabled, or without a
 * network. */
const struct chain *chain_read(struct vmn_view *, const char *name);

/* Fills in 'state' for chain 'name', which chain_read() must know, else
 * returns false.  Memory is the view's. */
bool chain_state_read(struct vmn_view *, const char *name,
                      struct chain_state *);

/* Fails the unit, and returns false, if a port of the chain's functions cannot
 * be such, whatever its guest does. */
bool chain_is_possible(struct vmn_view *, struct vmn_emit *,
                       const struct chain_state *);

/* Returns the hop that follows hop 'from' in the direction of requests, or of
 * replies, and is not to be bypassed: its index, or -1 if there is none.
 * Before the first one is -1, behind the last one n_hops. */
int chain_next_hop(const struct chain_state *, int from, bool reply);

/* Returns the value of REG_STEP on the way to hop 'hop', an index; 0 for what
 * chain_next_hop() returns if there is none. */
uint32_t chain_step(const struct chain_state *, int hop, bool reply);

/* Returns true if a function of the hop has one port, and the chain has other
 * hops; and if that is so of any hop of the chain. */
bool hop_is_inner_router(const struct chain *, const struct chain_hop *);
bool chain_has_inner_router(const struct chain *);

/* Matches a hop, in either direction. */
void match_hop(struct vmn_flow *, const struct hop_state *);

/* Returns the OpenFlow priority of clauses of chain 'name' in 'domain'; 0: the
 * domain does not know it (yet); -1: too many have its priority. */
int chain_priority(struct vmn_view *, const char *domain, const char *name);

/* Units.  ----------------------------------------------------------------- */

void compile_chain(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_classifier(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_member(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_domain(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_port(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_both(struct vmn_view *, const char *key, struct vmn_emit *);
void compile_probe(struct vmn_view *, const char *key, struct vmn_emit *);

#endif /* apps/chains/chains.h */
