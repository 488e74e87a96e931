/* SPDX-License-Identifier: Apache-2.0
 *
 * What the simulator's own files share.  A pass is what a switch does in one
 * go: from a table on, by goto and resubmit, up to outputs and ct().  What
 * goes on from there (another host, or a table after conntrack) waits as a
 * pass of its own, so that the stack is bounded by SIM_DEPTH_MAX alone. */

#ifndef CONTROLLER_SIMULATOR_PIPELINE_PASS_H
#define CONTROLLER_SIMULATOR_PIPELINE_PASS_H 1

#include "controller/simulator/simulator.h"
#include "flow.h"
#include "openvswitch/list.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofpbuf.h"

/* A pass that waits. */
struct pipeline_pass {
    struct ovs_list node;
    const char *host;
    uint8_t table;
    unsigned copy;
    unsigned n_recirculations;
    unsigned n_tunnels;
    struct sim_packet packet;
};

/* A group that had a choice. */
struct choice {
    uint32_t taken, n;          /* Of how many. */
    double share;
};

struct simulator {
    struct sim_net net;
    const struct sim_underlay *underlay; /* NULL: flows alone decide. */
    struct learned_flows *learned; /* NULL: as if nothing were learned. */
    bool keep_flows;
    struct conntrack conntrack;
    size_t n_choices;           /* Made in the exchange so far, ... */
    size_t n_known;             /* ... of which so many are settled. */
    struct choice choices[SIM_CHOICES_MAX];
    struct ovs_list passes;
    unsigned n_copies;
    size_t n_steps, allocated_steps;
    struct sim_step *steps;
    size_t n_ends, allocated_ends;
    struct sim_end *ends;
    size_t n_flows, allocated_flows;
    struct flow *flows;
};

/* The pass that is under way. */
struct pipeline_context {
    struct simulator *sim;
    struct pipeline_pass *pass;
    struct sim_packet *packet;  /* Of the pass. */
    struct flow *flow;          /* Of the packet. */
    struct ofpbuf stack;
    struct flow_wildcards wc;   /* What libopenvswitch notes there is of no
                                 * use here. */
    const struct rule *rule;    /* Whose actions are done. */
    uint8_t table;              /* Of the rule. */
    unsigned depth, n_resubmits;
    unsigned detour;            /* Resubmits that have not come back. */
    unsigned n_events;          /* Outputs and the like; not copies for the
                                 * controller. */
    unsigned n_punts;           /* These. */
    bool stop;                  /* The switch gives the packet up. */
};

/* pipeline-pass.c: results, and passes to come. */

struct sim_step *pipeline_add_step(struct pipeline_context *,
                                   enum sim_step_kind, const struct flow *);
/* 'text' is a static string, or NULL. */
struct sim_end *pipeline_add_end(struct pipeline_context *, enum sim_end_kind,
                                 const char *text);
/* Ends the pass where it cannot be followed any further; what was done so far
 * stands. */
void pipeline_fail(struct pipeline_context *, enum sim_end_kind,
                   const char *text);

/* Queues a pass of a copy of 'packet', from 'table' of 'host' on. */
struct pipeline_pass *pipeline_pass_create(struct simulator *,
                                           const char *host, uint8_t table,
                                           const struct sim_packet *packet);
/* Queues a pass of the packet as it is now.  If this pass has sent it
 * elsewhere already, that is another copy. */
struct pipeline_pass *pipeline_pass_fork(struct pipeline_context *,
                                         const char *host, uint8_t table);
/* Clears what a packet does not carry from one switch to another. */
void pipeline_clear_metadata(struct flow *);

/* pipeline-output.c */

/* Sends the packet out of 'port', as ovs-actions(7) says of "output". */
void pipeline_output(struct pipeline_context *, ofp_port_t port);
/* Ends the packet if the underlay has a problem with 'host', or, if it would
 * go there by 'tunnel', with that path.  Returns true if it did. */
bool pipeline_end_if_unreachable(struct pipeline_context *, const char *host,
                                 bool tunnel);

/* pipeline-groups.c */

void pipeline_do_group(struct pipeline_context *, uint32_t group_id);

/* pipeline-actions.c */

void pipeline_do_actions(struct pipeline_context *, const struct ofpact *,
                         size_t len);
/* Looks the packet up in 'table', and does what the flow there says.
 * 'deeper': it counts for SIM_DEPTH_MAX. */
void pipeline_enter_table(struct pipeline_context *, uint8_t table,
                          bool deeper);

#endif /* controller/simulator/pipeline-pass.h */
