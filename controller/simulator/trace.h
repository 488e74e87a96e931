/* SPDX-License-Identifier: Apache-2.0
 *
 * A trace: what becomes of one packet, and of its answer, told in full.  The
 * sender first asks for its neighbour's address, as a guest does.
 *
 * The structs are what POST /v1/trace answers; northbound/openapi-simulator.c
 * describes them, where members are called as in JSON.  What they point to is
 * in the arena that trace_make() was given. */

#ifndef CONTROLLER_SIMULATOR_TRACE_H
#define CONTROLLER_SIMULATOR_TRACE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/simulator/result-names.h"
#include "controller/simulator/trace-request.h"

struct arena;
struct schema_texts;
struct vmn_error;

/* One step of a packet, in a table. */
struct trace_step {
    const char *kind;           /* "lookup", ... */
    const char *host;
    const char *stage;          /* NULL: not an app's. */
    int table;
    uint32_t copy;              /* Which copy of the packet, from 0. */
    struct result_owner by;     /* "lookup": of the flow. */
    int64_t priority;           /* The flow's, as are the next ones; -1:
                                 * none. */
    const char *match, *actions; /* NULL: none. */
    const char *reason;         /* Why the flow drops, or NULL. */
    uint32_t conjunction;       /* 0: none. */
    const char *rule_action;    /* What the rule of 'by' does, or NULL... */
    bool shadow;                /* ...would do: it decides nothing. */
    int64_t zone;               /* "conntrack"; -1: another kind. */
    const bool *commit;         /* "conntrack"; or NULL. */
    const char *state;          /* Conntrack state, or NULL. */
    int64_t group, bucket;      /* "group"; -1: none. */
    const char *to;             /* The other host, or NULL. */
    size_t n_changes;           /* Fields with their values before and
                                 * after. */
    struct schema_texts *changes; /* NULL: none. */
};

/* Where a packet ends. */
struct trace_end {
    const char *kind;           /* "delivered", ... */
    const char *host;
    const char *stage;          /* NULL: not an app's. */
    int table;                  /* -1: in none, as of "unreachable". */
    struct result_owner by;
    const char *port;           /* NULL: not one of ours; schema_absent: not
                                 * delivered. */
    int64_t ofport;             /* -1: not delivered. */
    const char *where;          /* "outside": sent to a physical network, so
                                 * that nobody knows who gets it; or NULL. */
    const char *reason;         /* NULL: delivered. */
};

/* One packet, from its source to all its ends. */
struct trace_leg {
    const char *kind;           /* "request", ... */
    const char *packet;
    size_t n_steps;
    struct trace_step *steps;
    size_t n_ends;
    struct trace_end *ends;
};

/* A handler's reply to the sender. */
struct trace_answer {
    const char *message;
    const char *payload;        /* What it carries, if it is UDP or a reply
                                 * of HTTP, as text... */
    const char *payload_hex;    /* ...or, if it is none, in hexadecimal. */
    const char *verdict;        /* NULL: nothing was sent. */
    struct trace_end *at;       /* The same. */
};

/* The outcome of one exchange of packets. */
#define TRACE_LEGS_MAX 4        /* A request, a reply, and what a handler sends
                                 * for each. */
struct trace_outcome {
    double share;               /* Share of all connections, 0 to 1. */
    const char *verdict;
    const char *packet;         /* The packet that the outcome is about. */
    struct trace_end at;
    size_t n_legs;
    struct trace_leg *legs;
    struct trace_answer *answer; /* Or NULL. */
    bool asked_at_sender;       /* For an answer, on the sender's own host.
                                 * Not shown. */
    const char *asks_learned;   /* The app that drops it, and has asked for
                                 * flows that the switch has learned; or NULL.
                                 * Not shown. */
    const struct rule *rule;    /* verdict_rule() of the request; for callers
                                 * of trace_run(), no part of the answer. */
};

struct trace_from {
    const char *port;           /* NULL: who is outside... */
    const char *network;        /* ...in this provider network; or NULL. */
    const char *host;           /* Where it comes in, or NULL: nowhere. */
    struct vmn_ip ip;
};

struct trace_to {
    struct vmn_ip ip;
    const char *port;           /* Or NULL. */
    const char *network;        /* The provider network if it is outside, or
                                 * NULL. */
};

struct trace {
    const char *verdict;
    struct trace_from from;
    struct trace_to to;
    size_t n_outcomes;
    struct trace_outcome *outcomes;
    bool complete;
    size_t n_warnings;          /* The caller's to fill in. */
    const char **warnings;
};

/* Traces 'request' in the model's current state, as the engine has compiled
 * it.  An account with a scope is told less (trace-scope.h).  Returns the
 * trace, in 'arena'; or NULL with '*error', whose pointer is into the body of
 * the request.  Pauses. */
struct trace *trace_make(struct engine *, const struct model *,
                         const struct pipeline *,
                         const struct trace_request *, struct arena *,
                         struct vmn_error *error);

/* The same in a simulator of the caller's, of the state that 'names' are of.
 * An account's scope is not looked at. */
struct trace *trace_run(struct simulator *, const struct result_names *,
                        const struct trace_request *, struct arena *,
                        struct vmn_error *error);

#endif /* controller/simulator/trace.h */
