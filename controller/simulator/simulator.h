/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of a packet by the flows that hosts are to hold: from table to
 * table, through groups and conntrack, and from host to host.  The flows mean
 * what they mean to a switch, and nothing is known here of the apps that want
 * them.  What does not follow from the flows (the underlay, its MTU, meters)
 * is not simulated, and where a packet's way depends on it, that is said.
 * What an app's handler answers to a packet is another packet
 * (packet-in-reply.h).
 *
 * Who calls it: trace.c and reachability-matrix.c here, and tests.  Not for
 * names of objects, nor for JSON. */

#ifndef CONTROLLER_SIMULATOR_SIMULATOR_H
#define CONTROLLER_SIMULATOR_SIMULATOR_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/simulator/conntrack.h"
#include "controller/simulator/flow-lookup.h"

struct learned_flows;
struct ofpact_controller;
struct ofputil_group_mod;
struct vmn_ip;
struct simulator;

/* Where hosts, their flows and groups come from.  Names of hosts must live as
 * long as what is returned is used. */
struct sim_net {
    void *aux;
    /* The sets of which 'host' has the flows of 'table'; '*n' of them. */
    struct rule_set *const *(*sets)(void *aux, const char *host,
                                    uint8_t table, size_t *n);
    /* A group of 'host', or NULL. */
    const struct ofputil_group_mod *(*group)(void *aux, const char *host,
                                             uint32_t group_id);
    /* The host that has this tunnel address, or NULL. */
    const char *(*host_at)(void *aux, const struct in6_addr *);
    /* A host's tunnel address of IPv6 if 'v6', of IPv4 (mapped) otherwise;
     * false if it has none. */
    bool (*tunnel_ip)(void *aux, const char *host, bool v6,
                      struct in6_addr *);
    /* Returns the name of the physical network to which 'port' of 'host'
     * leads, which must live as those of hosts, or NULL if it leads to none.
     * Then '*to' is the other host where the packet comes in again, at
     * '*in_port', or NULL: whoever it is for is none of ours.  May be NULL. */
    const char *(*provider)(void *aux, const char *host, uint32_t port,
                            const struct flow *, const char **to,
                            uint32_t *in_port);
    /* Finds the Ethernet address of 'ip' in the provider network with VNI
     * 'vni'; false: it is of none of our ports.  May be NULL. */
    bool (*neighbour)(void *aux, uint32_t vni, const struct vmn_ip *ip,
                      struct eth_addr *);
    /* Returns the name of the port at 'port' of 'host', which must live as
     * those of hosts, if its guest is a service function that forwards the
     * packet: then it comes in again at '*in_port' of host '*to' (NULL:
     * nowhere).  Else, and if the packet is for the guest itself, returns
     * NULL.  May be NULL. */
    const char *(*function)(void *aux, const char *host, uint32_t port,
                            const struct flow *, const char **to,
                            uint32_t *in_port);
    /* Lets others have their turn, or NULL. */
    void (*yield)(void *aux);
};

/* Known problems of hosts and of the underlay.  Texts must live as long as
 * names of hosts. */
struct sim_underlay {
    void *aux;
    /* Returns why no packet passes 'host', or NULL: it is not known to be
     * so. */
    const char *(*host_problem)(void *aux, const char *host);
    /* The same of tunnels from 'host' to 'peer'.  May be NULL. */
    const char *(*path_problem)(void *aux, const char *host,
                                const char *peer);
    /* The same of the guest of port 'name'; for traces.  May be NULL. */
    const char *(*port_problem)(void *aux, const char *name);
};

/* Bounds.  The first two are Open vSwitch's own (ofproto-dpif-xlate), the
 * third is the userspace datapath's. */
#define SIM_DEPTH_MAX 64                /* Resubmits inside of each other. */
#define SIM_RESUBMITS_MAX 4096          /* In one pass. */
#define SIM_RECIRCULATIONS_MAX 6        /* Of one copy on one host. */
#define SIM_TUNNELS_MAX 32              /* And functions, one after the
                                         * other. */
#define SIM_STEPS_MAX 20000
#define SIM_CHOICES_MAX 8               /* Of groups, in one exchange. */

/* Stands for the address of a neighbour in a provider network that is none of
 * our ports, which only the switch knows: the simulator assumes that it knows
 * all of them.  It is among those that no guest may have. */
#define SIM_NEIGHBOUR_MAC ETH_ADDR_C(0e, 56, 4d, ff, 00, 0d)

enum sim_step_kind {
    SIM_LOOKUP,                 /* In 'table'; 'rule' is NULL if nothing. */
    SIM_CONNTRACK,              /* The answer is in 'flow'. */
    SIM_GROUP,                  /* 'number' is its number. */
    SIM_TUNNEL,                 /* To host 'to'. */
    SIM_PROVIDER,               /* The same by a physical network. */
    SIM_FUNCTION,               /* Through the guest of port 'to'. */
};

struct sim_step {
    enum sim_step_kind kind;
    const char *host;
    const char *to;             /* SIM_TUNNEL, SIM_PROVIDER: the other host;
                                 * SIM_FUNCTION: the port. */
    unsigned copy;              /* Copies have numbers, the first 0. */
    uint8_t table;
    uint32_t number;            /* Of the conjunction, or of the group. */
    uint32_t option;            /* SIM_GROUP: the bucket, or UINT32_MAX. */
    bool committed;             /* SIM_CONNTRACK. */
    bool asks_learned;          /* SIM_LOOKUP: for flows that the switch has
                                 * learned, which are not known. */
    const struct rule *rule;
    size_t flow;                /* Of sim_step_flow(). */
};

enum sim_end_kind {
    SIM_OUTPUT,                 /* At 'port' of 'host'. */
    SIM_DROP,                   /* 'rule' has no action, or nothing matches. */
    SIM_PUNT,                   /* To the controller; perhaps a copy. */
    SIM_LOST,                   /* 'text' says how. */
    SIM_UNREACHABLE,            /* 'text' names the host or path. */
    SIM_UNKNOWN,                /* 'text' says why nobody can know. */
};

struct sim_end {
    enum sim_end_kind kind;
    const char *host;
    uint8_t table;              /* Where it ended. */
    uint32_t port;
    const char *provider;       /* SIM_OUTPUT: to this physical network, and to
                                 * none of our hosts; or NULL. */
    const struct rule *rule;    /* That did it, or NULL. */
    size_t step;                /* The last step of its copy. */
    const char *text;           /* Or NULL. */
    struct sim_packet packet;   /* As it is by then. */
};

struct simulator *simulator_create(const struct sim_net *);
void simulator_destroy(struct simulator *);

/* Has packets end at hosts and paths with a problem; NULL: flows alone
 * decide, as at first.  Borrowed. */
void simulator_set_underlay(struct simulator *, const struct sim_underlay *);

/* Has switches learn, and find what they have learned; NULL: as if nothing
 * were learned, as at first.  Borrowed. */
void simulator_set_learned(struct simulator *, struct learned_flows *);

/* Keep the packet of each step; it takes memory.  Off at first. */
void simulator_keep_flows(struct simulator *, bool keep);

/* An exchange: packets that share conntrack.  Where a group's bucket is chosen
 * by a hash, the exchange takes the first possibility; the same exchange begun
 * again takes the next, until simulator_next() returns false. */
void simulator_begin(struct simulator *);
bool simulator_next(struct simulator *);
/* Returns the part of all packets that take the ways of this exchange, 0 to 1.
 */
double simulator_share(const struct simulator *);

/* Has 'packet' come in at 'in_port' of 'host'.  Its metadata are ignored.
 * Steps and ends of the packet before are forgotten. */
void simulator_run(struct simulator *, const char *host, uint32_t in_port,
                   const struct sim_packet *packet);

/* The same for one that goes on from 'table' of 'host', as if it had come in
 * at 'in_port' with these registers. */
void simulator_send(struct simulator *, const char *host, uint8_t table,
                    uint32_t in_port, const uint32_t regs[16],
                    const struct sim_packet *packet);

/* The same for one that goes out at 'port' of 'host', and that is all. */
void simulator_output(struct simulator *, const char *host, uint32_t port,
                      const struct sim_packet *packet);

size_t simulator_steps(const struct simulator *, const struct sim_step **);
size_t simulator_ends(const struct simulator *, const struct sim_end **);
/* Returns the packet as it came to a step (after it, of SIM_CONNTRACK), or
 * NULL. */
const struct flow *sim_step_flow(const struct simulator *,
                                 const struct sim_step *);

#endif /* controller/simulator/simulator.h */
