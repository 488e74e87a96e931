/* SPDX-License-Identifier: Apache-2.0
 *
 * Hits of flows: of policies' rules, of parts of objects, and of balancers. */

#ifndef CONTROLLER_FABRIC_FABRIC_COUNTERS_H
#define CONTROLLER_FABRIC_FABRIC_COUNTERS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/schema/tables.h"

struct fabric;
struct sset;
struct vmn_lb_member;

/* Hits of flows.  Some seconds old (fabric_options.count_s). */
struct fabric_count {
    uint64_t packets, bytes;
    int64_t last_ms;            /* Wall clock, to the second; 0: never. */
};

/* Fills in 'counts' with the hits of each of the 'n_rules' rules of an object
 * (a policy, a quarantine, a tier), and 'rest' with those of its flows that
 * belong to no rule, on all hosts together.  Returns false if all are zero. */
bool fabric_rule_counts(const struct fabric *, enum vmn_table,
                        const char *name, size_t n_rules,
                        struct fabric_count *counts,
                        struct fabric_count *rest);

/* Returns the number of hosts whose counters this vmnd has not read yet: hits
 * on these hosts are missing in all of its figures. */
size_t fabric_unread_hosts(const struct fabric *);

/* Returns the wall clock in ms when the oldest of the hosts' last readings of
 * counters was requested: the figures have all hits up to then, but for those
 * on hosts that were never read.  0: none was.  Takes as long as there are
 * hosts. */
int64_t fabric_counted_ms(const struct fabric *);

/* Calls 'cb' with the hits of the counted flows (vmn_flow_count(), and those
 * that drop) of each unit of 'app', or of all apps if that is NULL, since this
 * vmnd started; of units that had any. */
typedef void fabric_unit_cb(void *aux, const char *app, const char *unit,
                            const struct fabric_count *);
void fabric_unit_counts(const struct fabric *, const char *app,
                        fabric_unit_cb *, void *aux);

/* Current traffic through flows, on all hosts together: rates are those
 * between the last two readings of each host. */
struct fabric_load {
    uint64_t packets, bytes;
    double packets_per_s, bytes_per_s;
    int64_t last_ms;            /* Wall clock, to the second; 0: never. */
};

/* Calls 'cb' with the hits of an object's counted flows, separately by part
 * (vmn_flow_count_part(), or 0) and by reason (of those that drop; else NULL),
 * in any order; possibly several times for a part. */
typedef void fabric_part_cb(void *aux, uint32_t part, const char *reason,
                            const struct fabric_load *);
void fabric_parts(const struct fabric *, enum vmn_table, const char *name,
                  fabric_part_cb *, void *aux);

/* Fills in 'load' with what has passed the object's counted flows of 'app', of
 * all parts, without those that drop.  Returns false if no counters are
 * read. */
bool fabric_object_load(const struct fabric *, const char *app,
                        enum vmn_table, const char *name,
                        struct fabric_load *load);

/* The load of a balancer, on all hosts together. */
struct fabric_balancer_load {
    uint64_t connections;       /* New connections, and their rate per
                                 * second. */
    double connections_per_s;
    uint64_t packets, bytes;    /* Sent by clients. */
    double packets_per_s, bytes_per_s;
    uint64_t dropped;           /* Dropped packets, */
    uint64_t limited;           /* and packets dropped since they would have
                                 * exceeded the limit of connections per
                                 * client. */
    int64_t last_ms;            /* Of the last connection; 0: none yet. */
};
/* Fills in 'load', and 'loads' with what the balancer assigned to each of its
 * 'n' backends (VMN_QUERY_BACKENDS); but a backend's packets and bytes include
 * those of all balancers. */
void fabric_balancer_load(const struct fabric *, const char *balancer,
                          const struct vmn_lb_member *members, size_t n,
                          struct fabric_balancer_load *load,
                          struct fabric_balancer_load *loads);

/* Returns the maximum interval between readings of a host's counters, in
 * seconds; 0: never read. */
int64_t fabric_count_interval(const struct fabric *);

/* Has the counters of these hosts, and of no others, read every
 * FABRIC_COUNT_OFTEN_S, if that is more frequent than the configured
 * interval. */
#define FABRIC_COUNT_OFTEN_S 5
void fabric_count_often(struct fabric *, const struct sset *hosts);

/* Decisions of a rule with a log since the start, as of the last reading of
 * counters. */
struct fabric_log {
    uint64_t n_events;          /* Packets that matched the rule. */
    uint64_t n_logged;          /* Of these, those that were logged. */
};
/* Fills in 'logs' for the 'n_rules' rules of a policy. */
void fabric_rule_logs(const struct fabric *, const char *policy,
                      size_t n_rules, struct fabric_log *logs);

#endif /* controller/fabric/fabric-counters.h */
