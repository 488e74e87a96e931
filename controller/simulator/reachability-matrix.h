/* SPDX-License-Identifier: Apache-2.0
 *
 * Reachability: who can reach whom on a service, by classes of ports
 * (port-classes.h), with what decides; and what a change would do to it.
 *
 * The structs are what GET and POST /v1/reachability answer;
 * northbound/openapi-simulator.c describes them, where members are called as
 * in JSON.  What they point to is in the arena that their maker was given. */

#ifndef CONTROLLER_SIMULATOR_REACHABILITY_MATRIX_H
#define CONTROLLER_SIMULATOR_REACHABILITY_MATRIX_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/simulator/result-names.h"
#include "controller/simulator/trace-request.h"

struct arena;
struct vmn_error;

/* At most so many classes of ports are looked at, and pairs of them; and
 * groups are shown. */
#define REACH_CLASSES_MAX 300
#define REACH_PAIRS_MAX 10000
#define REACH_GROUPS_MAX 500

struct reach_request {
    const char *network;        /* NULL: all.  The caller's. */
    enum trace_protocol protocol;
    uint16_t port;              /* TCP, UDP, SCTP. */
    bool ways;                  /* Also those of reach_add_outside(). */
    const struct sim_underlay *underlay; /* What is known of hosts; NULL: flows
                                          * alone decide.  The caller's. */
};

/* What becomes of requests of some ports to others, and of the replies. */
struct reach_verdict {
    const char *verdict;        /* "delivered", ..., REACH_MIXED. */
    const char *packet;         /* Which does not arrive, or NULL. */
    const char *reason;         /* Why not, or NULL. */
    struct result_owner by;
    /* Of REACH_MIXED, those that differ; or NULL. */
    const struct reach_verdict *across_hosts, *same_host;
    const struct reach_verdict *ipv4, *ipv6;
};
#define REACH_MIXED "mixed"

/* Ports that nothing tells apart. */
struct reach_class {
    size_t id;                  /* Its index. */
    const char *network;
    const char *domain;         /* The routing domain's key. */
    const char *groups;         /* All that its ports are in: "a,b", sorted. */
    size_t n_ports;
    const char **ports;         /* In the order of names. */
};

struct reach_cell {
    struct reach_verdict verdict;
    size_t from, to;            /* Classes. */
};

/* A way to an address that is no port's, or from or to who is outside. */
struct reach_way {
    const char *from;           /* The first of ports that are alike, or
                                 * "outside". */
    size_t n_ports;             /* How many; 0: outside. */
    struct vmn_ip source;       /* Family 0: it cannot be sent. */
    const char *type, *name;    /* A floating address, a balancer, or the
                                 * provider network that is outside. */
    struct vmn_ip destination;
    struct reach_verdict verdict;
};
#define REACH_WAYS_MAX 500

struct reach_matrix {
    size_t n_ways;
    struct reach_way *ways;
    bool more_ways;             /* Than REACH_WAYS_MAX. */
    size_t n_classes;
    struct reach_class *classes;
    size_t n_cells;
    struct reach_cell *cells;   /* By 'from', then 'to'. */
    size_t n_absent;
    const char **absent;        /* Ports that are on no host, or on one with a
                                 * problem, or disabled. */
    size_t n_warnings;          /* The caller's to fill in, as in the other
                                 * replies. */
    const char **warnings;
};

/* Returns the matrix in the model's current state, in 'arena'; or NULL with
 * '*error'.  Pauses. */
struct reach_matrix *reach_make(struct engine *, const struct model *,
                                const struct pipeline *,
                                const struct reach_request *, struct arena *,
                                struct vmn_error *error);

/* Returns true if two cells have the same verdict, and those in them (of
 * families, and of places) as well.  Of what NULL is, a port is absent. */
bool reach_same(const struct reach_verdict *, const struct reach_verdict *);

/* reachability-outside.c */

/* Adds to the matrix who reaches floating addresses from outside; and of each
 * class, as its first port, virtual IPs and who is outside.  Uses the
 * simulator for it.  Pauses. */
void reach_add_outside(struct simulator *, const struct result_names *,
                       const struct reach_request *, struct arena *,
                       struct reach_matrix *);

/* reachability-difference.c */

/* What a change does to all pairs of some ports. */
struct reach_change {
    size_t n_to;
    const char **to;
    const struct reach_verdict *before, *after;
    size_t n_from;
    const char **from;
};

struct reach_difference {
    size_t n_changes;
    struct reach_change *changes;
    size_t n_warnings;
    const char **warnings;
};

/* Returns the difference of two matrices, in 'arena', which refers to what is
 * in these.  Pauses, as the next one. */
struct reach_difference *reach_compare(struct engine *,
                                       const struct reach_matrix *before,
                                       const struct reach_matrix *after,
                                       struct arena *);

/* reachability-groups.c */

/* From which group to which; "-": ports of none. */
struct reach_group_pair {
    const char *from, *to;
};

/* Why some ports of a cell do not reach others, where that is not so of all,
 * or not for one reason. */
struct reach_exception {
    const char *reason;
    struct result_owner by;
    const char *from, *to;      /* Two such ports... */
    uint64_t n_pairs;           /* ...of so many pairs. */
};
#define REACH_EXCEPTIONS_MAX 8

struct reach_group_cell {
    struct reach_verdict verdict;
    size_t n_exceptions;        /* Those of the most pairs first. */
    struct reach_exception *exceptions;
    /* The pair, in the place where replies show it: of a cell that sums up
     * verdicts some of which are "delivered", before the verdict, and else
     * after it.  The other has NULL. */
    struct reach_group_pair before, after;
};

struct reach_groups {
    size_t n_ways;              /* As in the matrix. */
    struct reach_way *ways;
    bool more_ways;
    size_t n_groups;
    const char **groups;
    size_t n_cells;
    struct reach_group_cell *cells;
    size_t n_alone;             /* Pairs of groups of one and the same port,
                                 * which have no cell. */
    struct reach_group_pair *alone;
    size_t n_ungrouped;         /* Ports in no group, which are group "-"... */
    size_t n_named;             /* ...and the names of the first. */
    const char **ungrouped;
    size_t n_absent;
    const char **absent;
    size_t n_warnings;
    const char **warnings;
};

/* Returns the same matrix by groups of ports, in 'arena', which refers to what
 * is in it; NULL with '*error' if they are too many. */
struct reach_groups *reach_by_group(struct engine *,
                                    const struct reach_matrix *,
                                    struct arena *, struct vmn_error *error);

#endif /* controller/simulator/reachability-matrix.h */
