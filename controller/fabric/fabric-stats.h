/* SPDX-License-Identifier: Apache-2.0
 *
 * The fabric in figures, for /metrics and unixctl. */

#ifndef CONTROLLER_FABRIC_FABRIC_STATS_H
#define CONTROLLER_FABRIC_FABRIC_STATS_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/fabric/fabric-status.h"
#include "controller/histogram.h"

struct admission_stats;
struct fabric;

struct fabric_stats {
    uint64_t n_rejected;        /* Connections of hosts that were refused. */
    uint64_t n_hosts, n_connected, n_synced, n_diverged;
    uint64_t n_in_state[FABRIC_N_STATES];
    uint64_t n_ports_unknown;   /* Ports whose host is unheard. */
    uint64_t n_ovsdb_sessions;  /* Hosts whose database is connected. */
    uint64_t n_ovsdb_opened, n_openflow_opened; /* Sessions, since the
                                                 * start. */
    uint64_t installed_revision; /* The newest that all hosts have. */
    uint64_t lag_ms;            /* How long the oldest revision that some
                                 * connected host lacks has been there. */
    struct histogram installed; /* Groups of revisions, from the beginning of
                                 * their making until all hosts that they
                                 * concern had them. */
    uint64_t n_flow_adds, n_flow_deletes, n_group_mods, n_bundles, n_errors;
    uint64_t n_reconciles, n_reconciles_unchanged;
    uint64_t n_put_off;         /* Differences for a host not sent at once. */
    uint64_t n_merged;          /* Of these, that needed no bundle. */
    uint64_t n_stalls;          /* Switches cut off for not reading or not
                                 * answering. */
    uint64_t n_audits;          /* That were completed, and what they found: */
    uint64_t n_audit_missing, n_audit_altered, n_audit_unknown;
    uint64_t n_fingerprints_equal;  /* Of the latter, by one question. */
    uint64_t n_flushes;         /* Of connections, for each host that did. */
    uint64_t n_flushes_refused; /* By switches that cannot. */
    uint64_t n_flushes_lost;    /* Given up: too many, or too old. */
    uint64_t n_packet_ins, n_packet_outs; /* Sent up, and sent for them. */
    uint64_t n_packets_answered; /* Of the former, with one or more. */
    uint64_t n_packets_limited; /* Of these, over a port's or host's rate. */
    uint64_t n_reports_delayed; /* Of hosts, over their rate. */
    uint64_t n_counter_polls, n_counter_failures; /* Of hosts' counters. */
    uint64_t n_counted_flows;   /* Flows that were hit. */
    uint64_t n_samples_in;      /* Copies of packets that came up, */
    uint64_t n_samples;         /* those that were kept, and those that were */
    uint64_t n_samples_suppressed; /* not, for the budget's sake. */
    uint64_t n_counters_full;   /* Hits not kept, for want of room. */
    uint64_t n_candidates;      /* Ports that a second host claims. */
    /* Of switches' connections; see struct ofserver_stats. */
    uint64_t n_conns_refused, n_conns_failed, n_conns_bad, n_conns_silent;
    uint64_t n_datapath_clashes; /* Hosts that came with another's id. */
};
void fabric_get_stats(const struct fabric *, struct fabric_stats *);

/* Calls 'cb' for each host and each kind of its sessions, "ovsdb" and
 * "openflow", that was dropped since the host sent too much, with how often
 * that was. */
typedef void fabric_over_budget_cb(void *aux, const char *host,
                                   const char *session, uint64_t n);
void fabric_over_budget(const struct fabric *, fabric_over_budget_cb *,
                        void *aux);

/* Calls 'cb' for each pair of hosts of which the first had the interface of a
 * port that the second was to have ("" where no host was named), with how many
 * of its claims were rejected. */
typedef void fabric_rejected_claims_cb(void *aux, const char *host,
                                       const char *expected, uint64_t n);
void fabric_rejected_claims(const struct fabric *, fabric_rejected_claims_cb *,
                            void *aux);

/* Of the listener for switches, or that for databases; false if there is no
 * such listener. */
enum fabric_listener { FABRIC_OPENFLOW, FABRIC_OVSDB, FABRIC_N_LISTENERS };
bool fabric_get_admission(const struct fabric *, enum fabric_listener,
                          struct admission_stats *);

#endif /* controller/fabric/fabric-stats.h */
