/* SPDX-License-Identifier: Apache-2.0
 *
 * What flows were hit by: rules of policies, parts of objects, balancers. */

#ifndef CONTROLLER_FABRIC_FABRIC_COUNTERS_H
#define CONTROLLER_FABRIC_FABRIC_COUNTERS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/schema/tables.h"

struct fabric;
struct sset;
struct vmn_lb_member;

/* What flows were hit by.  It is some seconds old (fabric_options.count_s). */
struct fabric_count {
    uint64_t packets, bytes;
    int64_t last_ms;            /* Wall clock, to the second; 0: never. */
};

/* Fills in 'rest' for what flows of an object (a policy, a quarantine, a tier)
 * were hit by that are no rule's, and 'counts' for its rules, of which there
 * are 'n_rules', on all hosts together.  Returns false if none of these was
 * ever hit. */
bool fabric_rule_counts(const struct fabric *, enum vmn_table,
                        const char *name, size_t n_rules,
                        struct fabric_count *counts,
                        struct fabric_count *rest);

/* Returns the number of hosts whose counters this vmnd has not read yet: what
 * flows were hit by there is in none of its figures. */
size_t fabric_unread_hosts(const struct fabric *);

/* What goes through flows of late, on all hosts together: rates are those
 * between the last two readings of each host. */
struct fabric_load {
    uint64_t packets, bytes;
    double packets_per_s, bytes_per_s;
    int64_t last_ms;            /* Wall clock, to the second; 0: never. */
};

/* Calls 'cb' for what flows of an object were hit by that are counted, apart
 * by part (vmn_flow_count_part(), or 0) and reason (of those that drop; else
 * NULL), in any order; several times for one part, perhaps. */
typedef void fabric_part_cb(void *aux, uint32_t part, const char *reason,
                            const struct fabric_load *);
void fabric_parts(const struct fabric *, enum vmn_table, const char *name,
                  fabric_part_cb *, void *aux);

/* The load of a balancer, on all hosts together. */
struct fabric_balancer_load {
    uint64_t connections;       /* New ones, and so many a second. */
    double connections_per_s;
    uint64_t packets, bytes;    /* That clients sent it. */
    double packets_per_s, bytes_per_s;
    uint64_t dropped;           /* Packets... */
    uint64_t limited;           /* ...and those that would have opened one
                                 * connection more than their clients may. */
    int64_t last_ms;            /* Of a connection; 0: never. */
};
/* Fills in 'load', and 'loads' for each of its 'n' backends
 * (VMN_QUERY_BACKENDS) what they were given by it; but packets and bytes of a
 * backend are what all balancers sent it. */
void fabric_balancer_load(const struct fabric *, const char *balancer,
                          const struct vmn_lb_member *members, size_t n,
                          struct fabric_balancer_load *load,
                          struct fabric_balancer_load *loads);

/* How often the counters of each host are read at least, in seconds; 0: never.
 * */
int64_t fabric_count_interval(const struct fabric *);

/* From now on the counters of these hosts, and of no others, are read every
 * FABRIC_COUNT_OFTEN_S, if that is more often than others are. */
#define FABRIC_COUNT_OFTEN_S 5
void fabric_count_often(struct fabric *, const struct sset *hosts);

/* What a rule with a log has decided since the start, as far as counters have
 * been read. */
struct fabric_log {
    uint64_t n_events;          /* Packets that the rule has decided on. */
    uint64_t n_logged;          /* Of these, that were logged. */
};
/* Fills in 'logs' for the 'n_rules' rules of a policy. */
void fabric_rule_logs(const struct fabric *, const char *policy,
                      size_t n_rules, struct fabric_log *logs);

#endif /* controller/fabric/fabric-counters.h */
