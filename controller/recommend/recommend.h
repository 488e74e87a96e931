/* SPDX-License-Identifier: Apache-2.0
 *
 * From the connections that were seen in a network to the fewest rules, by
 * labels, that allow them.  A pure function: northbound asks, with what the
 * fabric has read.
 *
 * Labels tell port classes: those of equal labels are one.  A rule leads from
 * a set of port classes (or addresses) to a set of port classes, each of which
 * one group or selector selects, and has some services.  It is only proposed
 * if each of its port classes was seen to speak each of its services to each
 * of the others.  So all rules together allow what was seen and what labels
 * cannot tell from it, no matter which rules are taken; that is reported of
 * each rule.  Of all such sets of rules one of the fewest is taken
 * (set-cover.h).
 *
 * Not for how rules become policies (northbound/). */

#ifndef CONTROLLER_RECOMMEND_RECOMMEND_H
#define CONTROLLER_RECOMMEND_RECOMMEND_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmn/types.h"

struct arena;
struct vmn_errors;

/* A protocol of IP; of TCP, UDP and SCTP ports 'first' to 'last', of ICMP
 * (both families) 256 x type + code. */
struct recommend_service {
    uint8_t protocol;
    uint16_t first, last;
};

/* Where a port is. */
enum recommend_where {
    RECOMMEND_INSIDE,           /* In the network: rules are about it. */
    RECOMMEND_NEAR,             /* In one that routers join with it: it may be
                                 * where rules lead from. */
    RECOMMEND_ELSEWHERE,        /* Rules must not name it. */
};

struct recommend_port {
    const char *name;
    const struct vmn_labels *labels;
    enum recommend_where where;
};

/* A group that there is, none of whose members is elsewhere. */
struct recommend_group {
    const char *name;
    size_t n_ports;
    const size_t *ports;        /* Indexes, sorted. */
};

struct recommend_connection {
    size_t src;                 /* Index of a port that is not elsewhere, or
                                 * SIZE_MAX: 'src_ip' says who. */
    size_t dst;                 /* Of one inside. */
    struct vmn_ip src_ip;
    struct recommend_service service; /* One. */
};

struct recommend_request {
    size_t n_ports;
    const struct recommend_port *ports;
    size_t n_groups;
    const struct recommend_group *groups; /* By name. */
    size_t n_seen;
    const struct recommend_connection *seen; /* In any order, any times. */
    const struct vmn_names *labels; /* Keys that are used; NULL: all. */
    bool exact;                 /* Each port is a port class of its own. */
    void (*yield)(void *aux);   /* Called now and then; or NULL. */
    void *aux;
};

/* Bounds; more is refused. */
#define RECOMMEND_PORT_CLASSES_MAX 300         /* Of ports and addresses. */
#define RECOMMEND_CELLS_MAX 16384    /* Kind, port class, and service. */
#define RECOMMEND_STEPS_MAX 20000       /* Of the search for the fewest. */

enum recommend_by {
    RECOMMEND_GROUP,            /* 'text' is the name of a group. */
    RECOMMEND_SELECTOR,         /* 'text' is a selector. */
    RECOMMEND_PORTS,            /* Ports by name. */
    RECOMMEND_ADDRESSES,        /* Prefixes. */
};
struct recommend_side {
    enum recommend_by by;
    const char *text;           /* Or NULL. */
    size_t n_ports;             /* Those that it selects, sorted by index. */
    const size_t *ports;
    size_t n_prefixes;          /* Merged. */
    const struct vmn_prefix *prefixes;
};

/* A connection that a rule allows and that was not seen. */
struct recommend_extra {
    size_t src;                 /* Or SIZE_MAX. */
    struct vmn_ip src_ip;
    size_t dst;
    struct recommend_service service;
};
#define RECOMMEND_EXTRAS_MAX 20

struct recommend_rule {
    struct recommend_side from, to;
    size_t n_services;
    const struct recommend_service *services; /* Sorted, ranges merged. */
    uint64_t n_seen;            /* Connections that were: from, to, service. */
    uint64_t n_extra;           /* Allowed beside them. */
    size_t n_extras;            /* The first of these. */
    struct recommend_extra extras[RECOMMEND_EXTRAS_MAX];
};

struct recommend_answer {
    size_t n_rules;
    const struct recommend_rule *rules;
    size_t n_seen;              /* Different connections. */
    bool fewest;                /* No set of fewer such rules does. */
};

/* Fills in '*answer', which lives in 'arena'.  Returns false, with the reason
 * in 'errors', if there is too much. */
bool recommend_rules(const struct recommend_request *, struct arena *,
                     struct recommend_answer *, struct vmn_errors *);

/* Sorts services, and makes one of those that touch or overlap.  Returns how
 * many are left. */
size_t recommend_merge_services(struct recommend_service *, size_t n);

#endif /* controller/recommend/recommend.h */
