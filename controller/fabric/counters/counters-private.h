/* SPDX-License-Identifier: Apache-2.0
 *
 * What counters.c and counters-status.c share.  Not for others. */

#ifndef CONTROLLER_FABRIC_COUNTERS_COUNTERS_PRIVATE_H
#define CONTROLLER_FABRIC_COUNTERS_COUNTERS_PRIVATE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/fabric/counters/traffic.h"
#include "controller/fabric/fabric-counters.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "proto/openflow/ofdump.h"

struct event;
struct fabric_switch;

/* Kinds of drops, by app and reason, that are apart in sums. */
#define COUNTERS_SUMS_MAX 256

/* Drops of an app for a reason, since the start.  Strings are the app's. */
struct drop_sum {
    const char *app, *reason;
    uint64_t packets, bytes;
};

/* What flows that say the same were hit by, on all hosts. */
struct counter {
    struct hmap_node node;      /* In 'counters', by its cookie, part, reason
                                 * and log. */
    struct hmap_node object_node; /* In 'by_object', by the name of what it is
                                   * for. */
    uint64_t cookie;            /* Of its owner, */
    const char *app;            /* which is of this one. */
    uint32_t part;              /* flow_item_part(). */
    const char *reason;         /* Of a drop, or NULL.  The app's. */
    bool log;                   /* What these flows decide is logged. */
    struct drop_sum *sum;       /* Of a drop, or NULL. */
    size_t n_flows;             /* That refer to it. */
    struct fabric_count total;
    int64_t packets_1000s;      /* Sums of their rates, in thousandths: they */
    int64_t bytes_1000s;        /* are added and taken off without an error. */
    uint64_t n_before;          /* With a log: packets of these that came
                                 * before this vmnd. */
};

struct counted_seen {
    uint64_t packets, bytes;
};

/* A flow of a host that was hit. */
struct counted_flow {
    struct hmap_node node;      /* In 'flows', by flow_item's 'key_hash'. */
    struct counter *counter;
    uint32_t xid;               /* Of the item that it was for then. */
    struct counted_seen seen;   /* When it was read last. */
    struct fabric_count total;
    uint32_t round;             /* When that was. */
    float packets_per_s, bytes_per_s;   /* Between the last two readings. */
};

struct counters_of_switch {
    struct fabric_switch *sw;
    struct hmap flows;          /* struct counted_flow. */
    struct ovs_list due_node;   /* In 'due', if hosts are read at all. */
    int64_t due_ms;             /* time_msec() of its turn. */
    bool often;                 /* fabric_count_often(). */
    struct ofdump *dump;        /* While an answer is waited for, or NULL. */
    uint32_t round;             /* Of the last reading. */
    bool unsure;                /* In it there was a flow that nobody wants. */
    int64_t before_ms;          /* time_msec() when the last whole one began;
                                 * 0: there was none. */
    int64_t requested_ms;           /* time_msec() when this one began, and */
    int64_t wall_ms;            /* wall clock. */
    int64_t rest_until_ms;      /* time_msec(). */
    struct ofdump_counts counts; /* Of the flow that is being read. */
    struct traffic traffic;     /* Of its ports. */
    bool was_read;              /* Once, as a whole. */
};

struct counters {
    struct hmap counters;       /* struct counter. */
    struct hmap by_object;      /* The same. */
    size_t n_read;              /* Hosts with 'was_read'. */
    size_t n_flows;             /* struct counted_flow, of all hosts. */
    int64_t interval_ms;        /* 0: hosts are not read. */
    int64_t started_ms;         /* time_msec(). */
    struct ovs_list due;        /* struct counters_of_switch, next one
                                 * first. */
    struct event *timer;
    size_t n_sums;
    struct drop_sum sums[COUNTERS_SUMS_MAX];
    uint64_t n_polls, n_failed;
    uint64_t n_full;            /* Flows' hits that were not kept. */
};

/* Returns what is kept of a switch. */
struct counters_of_switch *counters_of(const struct fabric_switch *);

#endif /* controller/fabric/counters/counters-private.h */
