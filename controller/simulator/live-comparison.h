/* SPDX-License-Identifier: Apache-2.0
 *
 * A live trace: what the simulator says that a packet will meet, from stage to
 * stage, and beside it what copies of the packet say that it has met
 * (controller/flow/trace-copy.h).  A pure comparison: who puts the packet in
 * and gathers the copies is the fabric.  Not for the prediction itself
 * (trace.h).
 *
 * struct live_trace is what POST /v1/live-trace answers; northbound/
 * openapi-simulator.c describes it, where members are called as in JSON. */

#ifndef CONTROLLER_SIMULATOR_LIVE_COMPARISON_H
#define CONTROLLER_SIMULATOR_LIVE_COMPARISON_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/flow/trace-copy.h"
#include "controller/simulator/trace.h"

struct arena;
struct endpoint;
struct sim_end;
struct sim_packet;
struct simulator;
struct vmn_error;

/* Stages that a packet may pass, and outcomes. */
#define LIVE_VISITS_MAX 256
#define LIVE_WAYS_MAX 64
#define LIVE_COPIES_MAX 256

/* A stage as it was met. */
struct live_stage {
    const char *host;
    const char *stage;
    int table;
    const char *result;         /* "same", "differs", "missing" (predicted,
                                 * and not met) or "unexpected". */
    size_t n_changes;
    const char **changes;       /* What had changed since the stage before, as
                                 * met; if "missing", as predicted. */
    size_t n_differences;
    const char **differences;   /* Of "differs": which fields. */
};

/* Where it has ended, or was to. */
struct live_end {
    const char *verdict;        /* "delivered", "dropped", "punted", "lost",
                                 * or "unknown". */
    const char *host;           /* Or NULL, as all that follow. */
    const char *port;
    const char *where;          /* "outside": it leaves for a physical network,
                                 * by 'port', "@PHYSICAL", */
    const char *leaves_as;      /* as between whom: "192.0.2.1:33000 ->
                                 * 198.51.100.1:53". */
    const char *reason;
    const char *owner;          /* Whose flow dropped it. */
};

struct live_trace {
    bool agrees;
    const char *difference;     /* The first one, or NULL. */
    struct trace_from from;
    struct trace_to to;
    const char *packet;         /* As it was put in. */
    bool delivered;             /* A port has got it, or who is outside. */
    bool changing;              /* Hosts were not, or are not any more, as the
                                 * prediction assumes: that may be why. */
    bool next_hop_unknown;      /* It differs in that a switch did not know the
                                 * next hop's Ethernet address. */
    struct live_end predicted, seen;
    size_t n_stages;
    struct live_stage *stages;
    size_t n_warnings;
    const char **warnings;
};

/* What is predicted. */

struct live_visit {
    const char *host;
    uint8_t table;
    struct flow flow;
    bool any_port;              /* Source NAT chooses the port. */
    /* The first one since it has come to the host by a tunnel: the table in
     * which it has left the host before, its VNI, and register 6 there. */
    bool anew;
    uint8_t out_table;
    uint64_t out_tun_id;
    uint32_t out_dst_host;
    /* The first one since it has come to the host, at port flow.in_port, by a
     * physical network: the tag that it had there, of 'vlans'. */
    bool crossed;
    union flow_vlan_hdr tag;
};

/* One outcome. */
struct live_way {
    size_t n_visits;
    struct live_visit *visits;
    struct live_end end;
    enum { LIVE_END_PORT, LIVE_END_DROP, LIVE_END_PUNT, LIVE_END_LOST,
           LIVE_END_UNKNOWN } kind;
    uint32_t port;              /* LIVE_END_PORT; */
    bool leaves;                /* it leads to a physical network. */
    bool in_last;               /* It ends in the last stage. */
    const char *trouble;        /* Why it cannot be followed, or NULL. */
};

struct live_prediction {
    struct arena *arena;        /* Set by the caller, as the next. */
    uint16_t id;                /* Of an echo request. */
    size_t n_ways;
    struct live_way ways[LIVE_WAYS_MAX];
    size_t n_left_out;          /* Outcomes that are not among these. */
    const char *host;           /* Where the packet is put in, or NULL. */
    uint32_t in_port;
    const char *packet;         /* As text, */
    size_t size;                /* and as bytes. */
    const uint8_t *frame;
};

/* Adds the packet that was run last, which came from 'from' and by the
 * simulator's verdict ends at 'end'.  For trace.c. */
void live_prediction_add(struct live_prediction *, const struct result_names *,
                         const struct simulator *, const struct endpoint *from,
                         const struct sim_packet *, const struct sim_end *end);

/* Returns false with '*error' if the packet cannot be followed: it would not
 * leave its sender, goes through what switches do not show, is copied on its
 * way, or has too many outcomes.  'deliver': ports may get it. */
bool live_prediction_check(const struct live_prediction *, bool deliver,
                           struct vmn_error *error);

/* The first tables of all stages but the last one by their order, which is
 * '*last'.  Returns how many, at most 'max'. */
size_t live_tables(const struct pipeline *, uint8_t *tables, size_t max,
                   uint8_t *last);

/* Returns how many stages come after one with higher tables: packets come to
 * these by a resubmit, as to spare tables' followers. */
size_t live_n_ways_back(const struct pipeline *);

/* Returns how many tables the last stage has. */
uint8_t live_n_last_tables(const struct pipeline *);

/* Returns true if a packet that has come to the last stage so leaves for a
 * physical network. */
bool live_flow_leaves(const struct flow *);
/* Returns true if 'seen', which a switch says that it has met, is a whole
 * packet of the protocol of 'predicted' and between the same addresses. */
bool live_flow_is_of(const struct flow *seen, const struct flow *predicted);
/* Returns true if both have the same IP source. */
bool live_flow_has_source_of(const struct flow *, const struct flow *);
/* Returns "192.0.2.1:33000 -> 198.51.100.1:53", in 'arena'; without ports of
 * what has none. */
const char *live_between_whom(const struct flow *, struct arena *);

/* What was met. */
struct live_sight {
    size_t n;
    struct trace_copy copies[LIVE_COPIES_MAX]; /* As they came.  Hosts' names
                                                * are the prediction's, or
                                                * last as long. */
};

/* Sets the members of 'result' that tell of the packet's way, by the outcome
 * that is the most like it.  May pause. */
void live_compare(const struct live_prediction *, const struct result_names *,
                  const struct live_sight *, struct arena *,
                  struct live_trace *result);
/* Returns true if the packet has ended, and all is as one outcome says:
 * nothing more is to come.  Takes little time while it has not.  Does not
 * pause. */
bool live_is_complete(const struct live_prediction *,
                      const struct result_names *, const struct live_sight *);

#endif /* controller/simulator/live-comparison.h */
