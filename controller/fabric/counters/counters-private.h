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
#include "openvswitch/shash.h"
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
    uint32_t key_hash;          /* The flow's or group's: 'node' has another
                                 * one for a part of a group. */
    bool dirty;                 /* 'seen' or 'total' is not what it was when
                                 * the last complete reading ended. */
    bool emptied;               /* Of the writer: the report that is being
                                 * taken says that the switch does not have
                                 * it.  'seen' stays until its end, for the
                                 * flow that replaces this one. */
    union {
        struct {                /* Of a member that tells the writer: */
            uint64_t changed;   /* 'seq' of the reading that changed it. */
            int64_t installed_ms; /* time_msec(); 0: not known. */
        };
        struct counted_seen reported; /* Of the writer: the master's last
                                       * totals; COUNTED_UNREPORTED. */
    };
};

/* In place of 'reported.packets': the master's totals cannot be compared with
 * those that it told before. */
#define COUNTED_UNREPORTED UINT64_MAX

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
    uint64_t n_here, n_told;    /* How often this member has, and others. */

    /* Of a member that tells the writer (counter-reports.c). */
    struct ovs_list report_node; /* In 'reports', if 'read_seq' is not 0. */
    uint64_t read_seq;          /* Of the last complete reading; 0: none. */
    uint64_t whole_seq;         /* Of the last one that is told as a whole. */
    bool whole;                 /* The next one is. */
    bool read_unsure;           /* 'unsure' of the last complete one. */
    int64_t left_until_ms;      /* time_msec(): it has what is not told, as
                                 * pairs, so the writer is to read it. */

    /* Of the writer (counter-takes.c). */
    uint64_t reporter;          /* Run of the member whose reports the flows
                                 * are as of; 0: of none. */
    int64_t reported_until_ms;  /* time_msec(): until then its master reads
                                 * it. */
    int64_t read_here_ms;       /* time_msec() when this member's own last
                                 * reading ended in any way, or a group's
                                 * answer came. */
    int64_t stamp_ms;           /* Of 'reporter', when what it has told last
                                 * was requested; 0: it was read here since. */
    bool ask_whole;             /* To be told of as a whole, */
    int64_t asked_whole_ms;     /* as was asked for then (time_msec()). */
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
    struct ovs_list reports;    /* struct counters_of_switch, by
                                 * 'read_seq'. */
    uint64_t run;               /* Of this process, as long as it has all that
                                 * it has counted; not 0. */
    uint64_t seq;               /* Of the newest reading. */
    int64_t wanted_ms;          /* time_msec() when the writer has asked last;
                                 * 0: it never has. */
    struct shash reporters;     /* struct reporter of counter-takes.c, by the
                                 * member's name. */
    uint64_t n_reported;        /* Readings of hosts by other members. */
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
/* Sets what the switch has counted for the flow, as this member has read it;
 * 'observing' as of struct fabric. */
void counted_flow_set_seen(struct counted_flow *, bool observing,
                           uint64_t packets, uint64_t bytes);

/* counters.c.  ------------------------------------------------------------ */

/* Returns the counters of a switch. */
struct counters_of_switch *counters_of(const struct fabric_switch *);
/* Returns true if this member reads the hits of the switch's flows: no other
 * one does. */
bool counters_are_read_here(const struct fabric_switch *);
/* Gives 'flow', which is new or was installed again, what the switch has
 * counted for the flow that it replaces, if that was not deleted before. */
void counters_take_over_seen(const struct counters_of_switch *,
                             struct counted_flow *flow,
                             const struct counted_seen *now);
/* Ends a reading: flows that it did not have are as if they had never been
 * hit, if it was 'complete', and forgotten if they were not for 'gone_ms'.
 * Those of owners that there are not any more are forgotten if it was of 'all'
 * flows: in another one flows that replace them may be to come.  Returns true
 * if any of them was kept for that. */
bool counters_forget_gone(struct counters_of_switch *, bool all,
                          bool complete, int64_t gone_ms);
/* Notes that there was a complete reading. */
void counters_note_read(struct counters_of_switch *, int64_t requested_ms,
                        int64_t wall_ms);

/* counter-reports.c.  ----------------------------------------------------- */

void counter_reports_init(struct counters *);
void counter_reports_uninit(struct counters *);
/* A complete reading of a host by this member has ended: what has changed is
 * told with it. */
void counter_reports_note_read(struct counters_of_switch *);
void counter_reports_forget_host(struct counters_of_switch *);
/* Frees what this member has counted of a host that it does not manage any
 * more, some time after that. */
void counter_reports_trim(struct counters_of_switch *);
/* Returns true if the writer has asked lately, and can be told of all that the
 * switch counts. */
bool counter_reports_may_tell(const struct counters_of_switch *);

/* group-counters.c.  ------------------------------------------------------ */

/* Returns the parts of groups of the switch that have hits. */
struct hmap *group_counters_flows(struct fabric_switch *);
/* Returns true if the switch owes an answer about a group. */
bool group_counters_are_read(struct fabric_switch *);
/* Returns the hash by which a part of the group with this key is there. */
uint32_t group_counters_hash(uint32_t key_hash, uint32_t part);

#endif /* controller/fabric/counters/counters-private.h */
