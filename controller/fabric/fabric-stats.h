/* SPDX-License-Identifier: Apache-2.0
 *
 * Statistics of the fabric, for /metrics and unixctl. */

#ifndef CONTROLLER_FABRIC_FABRIC_STATS_H
#define CONTROLLER_FABRIC_FABRIC_STATS_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/fabric/fabric-status.h"
#include "controller/histogram.h"

struct admission_stats;
struct fabric;

struct fabric_stats {
    uint64_t n_rejected;        /* Rejected connections of hosts. */
    uint64_t n_hosts, n_connected, n_synced, n_diverged;
    uint64_t n_lost;            /* Declared lost: nobody waits for them. */
    uint64_t n_away;            /* Others whose switch is not connected. */
    uint64_t n_heard;           /* Connected ones that are not "unheard". */
    uint64_t n_in_state[FABRIC_N_STATES];
    uint64_t n_ports_unknown;   /* Ports whose host is unheard. */
    uint64_t n_bfd_sessions, n_bfd_down; /* Of hosts that watch each other:
                                          * each is two, one of each host. */
    uint64_t n_cut_off;         /* Hosts, by these. */
    uint64_t n_ovsdb_sessions;  /* Hosts whose database is connected. */
    uint64_t n_ovsdb_opened, n_openflow_opened; /* Sessions, since the
                                                 * start. */
    uint64_t installed_revision; /* The newest revision that all hosts have
                                  * installed. */
    uint64_t lag_ms;            /* Age of the oldest revision that some
                                 * connected host has not acknowledged. */
    struct histogram installed; /* Latency of groups of revisions, from the
                                 * start of their commit until all hosts
                                 * concerned have acknowledged them. */
    uint64_t n_flow_adds, n_flow_deletes, n_group_mods, n_bundles, n_errors;
    uint64_t n_reconciles, n_reconciles_unchanged;
    uint64_t n_reconciles_resumed; /* Sent changes without reading flows. */
    uint64_t n_put_off;         /* Differences for a host that were
                                 * deferred. */
    uint64_t n_merged;          /* Of these, those that merging made empty. */
    uint64_t n_stalls;          /* Disconnected switches that did not read or
                                 * reply. */
    uint64_t n_audits;          /* Completed audits, and their findings: */
    uint64_t n_audit_missing, n_audit_altered, n_audit_unknown;
    uint64_t n_fingerprints_equal;  /* Of these audits, those that only read
                                     * the fingerprint. */
    uint64_t n_forgotten;       /* Connections that switches were to
                                 * forget. */
    uint64_t n_packet_ins, n_packet_outs; /* Packet-ins, and packet-outs in
                                           * reply to them. */
    uint64_t n_packets_answered; /* Packet-ins with at least one reply. */
    uint64_t n_packets_limited; /* Packet-ins above a port's or host's rate. */
    size_t n_guest_connections; /* To handlers of HTTP, by now... */
    uint64_t n_guest_connections_opened; /* ...and so far... */
    uint64_t n_guest_connections_given_up; /* ...and of them, those that took
                                            * too long or made way. */
    uint64_t n_guest_requests;  /* Of them, but for those beyond a rate... */
    uint64_t n_guest_requests_limited; /* ...which are these. */
    uint64_t n_reports_delayed; /* Of hosts above their rate. */
    uint64_t n_counter_polls, n_counter_failures; /* Of hosts' counters. */
    uint64_t n_counted_flows;   /* Flows with hits. */
    uint64_t n_samples_in;      /* Received copies of packets, */
    uint64_t n_samples;         /* those that were kept, and those that */
    uint64_t n_samples_suppressed; /* were over a budget. */
    uint64_t n_counters_full;   /* Hits not counted for lack of space. */
    uint64_t n_candidates;      /* Ports that a second host claims. */
    uint64_t n_unclaimed;       /* VMs' interfaces that no port claims. */
    /* Of switches' connections; see struct ofserver_stats. */
    uint64_t n_conns_refused, n_conns_failed, n_conns_bad, n_conns_silent;
    uint64_t n_datapath_clashes; /* Hosts that reported another host's datapath
                                  * ID. */
};
void fabric_get_stats(const struct fabric *, struct fabric_stats *);
/* Returns how many hosts' switches are connected. */
size_t fabric_n_connected(const struct fabric *);

/* Calls 'cb' for each host and each kind of its sessions, "ovsdb" and
 * "openflow", that was dropped because the host exceeded its memory budget,
 * with the number of times. */
typedef void fabric_over_budget_cb(void *aux, const char *host,
                                   const char *session, uint64_t n);
void fabric_over_budget(const struct fabric *, fabric_over_budget_cb *,
                        void *aux);

/* Calls 'cb' for each pair of hosts of which the first has claimed a port that
 * belongs on the second ("" if no host was named), with the number of rejected
 * claims. */
typedef void fabric_rejected_claims_cb(void *aux, const char *host,
                                       const char *expected, uint64_t n);
void fabric_rejected_claims(const struct fabric *, fabric_rejected_claims_cb *,
                            void *aux);

/* Fills in the statistics of the listener for switches, or that for databases;
 * returns false if there is no such listener. */
enum fabric_listener { FABRIC_OPENFLOW, FABRIC_OVSDB, FABRIC_N_LISTENERS };
bool fabric_get_admission(const struct fabric *, enum fabric_listener,
                          struct admission_stats *);

#endif /* controller/fabric/fabric-stats.h */
