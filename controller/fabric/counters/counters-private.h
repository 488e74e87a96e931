/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations that the files of this folder share.  Not for other files. */

#ifndef CONTROLLER_FABRIC_COUNTERS_COUNTERS_PRIVATE_H
#define CONTROLLER_FABRIC_COUNTERS_COUNTERS_PRIVATE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/fabric/counters/pair-reading.h"
#include "controller/fabric/counters/port-stats.h"
#include "controller/fabric/fabric-counters.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "proto/openflow/ofdump.h"

struct event;
struct fabric;
struct fabric_switch;

/* Maximum number of pairs of app and reason that have a sum of drops of their
 * own. */
#define COUNTERS_SUMS_MAX 256

/* Drops by an app for a reason, since the start.  The strings are the
 * app's. */
struct drop_sum {
    const char *app, *reason;
    uint64_t packets, bytes;
};

/* Maximum number of units that have a sum of hits of their own. */
#define COUNTERS_UNITS_MAX 512

/* Hits of the counted flows of an app's unit, of all its objects, since the
 * start.  The strings are owned: the app may go. */
struct unit_sum {
    char *app, *unit;
    struct fabric_count total;
};

/* A counter: hits of all flows with the same owner, part and reason, on all
 * hosts. */
struct counter {
    struct hmap_node node;      /* In 'counters', by its cookie, part, reason
                                 * and log. */
    struct hmap_node object_node; /* In 'by_object', by the name of the owner's
                                   * object. */
    uint64_t cookie;            /* Of the flows' owner, */
    const char *app;            /* and that owner's app. */
    const char *type;           /* Of the owner's object; NULL: of none. */
    char *name;                 /* The object's.  Owned. */
    uint32_t part;              /* flow_item_part(). */
    const char *reason;         /* Of a drop, or NULL.  The app's. */
    bool log;                   /* True if the decisions of these flows are
                                 * logged. */
    struct drop_sum *sum;       /* Of a drop, or NULL. */
    struct unit_sum *unit;      /* Of its unit. */
    size_t n_flows;             /* Flows that refer to this counter. */
    bool retired;               /* Its object was deleted: it is in neither
                                 * hmap, and one of the same name has
                                 * counters of its own. */
    struct fabric_count total;
    int64_t packets_1000s;      /* Sums of the flows' rates, in thousandths: */
    int64_t bytes_1000s;        /* integers, so without rounding errors. */
    uint64_t n_before;          /* With a log: packets that were counted before
                                 * this vmnd started. */
};

struct counted_seen {
    uint64_t packets, bytes;
};

/* A flow of a host that has hits. */
struct counted_flow {
    struct hmap_node node;      /* In 'flows', by 'key_hash'. */
    struct counter *counter;
    uint32_t xid;               /* Of the item that it was installed for at the
                                 * last reading. */
    uint32_t gone;              /* It was deleted since the reading of that
                                 * round: 'seen' is of no flow that a later
                                 * one has.  0: it was not. */
    struct counted_seen seen;   /* Statistics of the last reading. */
    struct fabric_count total;
    uint32_t round;             /* Round of the last reading that had it. */
    float packets_per_s, bytes_per_s;   /* Between the last two readings. */
};

struct counters_of_switch {
    struct fabric_switch *sw;
    struct hmap flows;          /* struct counted_flow. */
    struct ovs_list due_node;   /* In 'due', if hosts are read at all. */
    int64_t due_ms;             /* time_msec() of its next reading. */
    bool often;                 /* fabric_count_often(). */
    struct ofdump *dump;        /* The request in progress, or NULL. */
    uint32_t round;             /* Of the last reading. */
    bool unsure;                /* The last reading had a flow that is not
                                 * desired. */
    int64_t before_ms;          /* time_msec() when the last complete reading
                                 * was requested; 0: none was. */
    int64_t counted_ms;         /* The same, wall clock. */
    int64_t requested_ms;       /* time_msec() when this one was requested. */
    int64_t wall_ms;            /* The same, wall clock. */
    int64_t rest_until_ms;      /* time_msec(): not read again before. */
    int64_t took_ms;            /* The last reading; -1: there was none. */
    struct ofdump_counts counts; /* Of the flow that is being read. */
    struct port_stats_of_switch traffic; /* Of the host's ports. */
    struct pairs_of_switch pairs;
    bool was_read;              /* Read completely at least once. */
};

struct counters {
    struct hmap counters;       /* struct counter. */
    struct hmap by_object;      /* The same. */
    size_t n_read;              /* Hosts with 'was_read'. */
    size_t n_flows;             /* struct counted_flow, of all hosts. */
    int64_t interval_ms;        /* 0: hosts are not read. */
    bool any_often;             /* Hosts with 'often'. */
    int64_t started_ms;         /* time_msec(). */
    struct ovs_list due;        /* struct counters_of_switch, next one
                                 * first. */
    struct event *timer;
    size_t n_sums;
    struct drop_sum sums[COUNTERS_SUMS_MAX];
    size_t n_units;
    struct unit_sum units[COUNTERS_UNITS_MAX];
    struct pair_readings pairs;
    uint64_t n_polls, n_failed;
    uint64_t n_full;            /* Hits not counted since the limit of flows
                                 * was reached. */
};

/* counted-flows.c.  ------------------------------------------------------- */

uint32_t counter_hash(uint64_t cookie, uint32_t part, const char *reason,
                      bool log);
/* Returns the counter of a unit's flows, by its cookie; creates it if there is
 * none.  'reason' is the app's.  NULL: the unit is not known (yet). */
struct counter *counter_get(struct fabric *, uint64_t cookie, uint32_t part,
                            const char *reason, bool log);
/* Removes the counter, which is freed with its last flow. */
void counter_retire(struct counters *, struct counter *);

/* Adds a flow of 'counter' to a host's 'flows', by 'hash'.  Returns NULL if
 * there are too many, on all hosts; a counter without any is freed then. */
struct counted_flow *counted_flow_add(struct counters *, struct hmap *flows,
                                      struct counter *, uint32_t hash);
void counted_flow_free(struct counters *, struct hmap *flows,
                       struct counted_flow *);
/* Adds hits to the flow, its counter, and the sums of drops and units. */
void counted_flow_hit(struct counted_flow *, uint64_t packets, uint64_t bytes,
                      int64_t last_ms);
void counted_flow_set_rate(struct counted_flow *, float packets_per_s,
                           float bytes_per_s);

/* Adds hits since the last reading, of which 'ms' are known; a flow that
 * 'packets' are none of has no rate. */
void counted_flow_add_hits(struct counted_flow *, uint64_t packets,
                           uint64_t bytes, int64_t ms, int64_t last_ms);

/* counters.c.  ------------------------------------------------------------ */

/* Returns the counters of a switch. */
struct counters_of_switch *counters_of(const struct fabric_switch *);
#endif /* controller/fabric/counters/counters-private.h */
