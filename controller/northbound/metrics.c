/* SPDX-License-Identifier: Apache-2.0
 *
 * The metrics of GET /metrics, in Prometheus' text format.  A family with a
 * single sample is a row of the table; families with labels follow it.
 * docs/monitoring.md describes them all. */

#include <config.h>

#include "controller/northbound/metrics.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "controller/audit-log.h"
#include "controller/cluster/cluster.h"
#include "controller/fabric/fabric-audit.h"
#include "controller/fabric/fabric-drops.h"
#include "controller/fabric/fabric-pairs.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric-status.h"
#include "controller/northbound/auth.h"
#include "controller/northbound/event-log.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "openvswitch/dynamic-string.h"
#include "proto/webhook/webhook.h"
#include "util.h"

/* All statistics, collected once per request. */
struct figures {
    struct engine_stats engine;
    struct fabric_stats fabric;
    struct commit_stats commit;
    struct http_stats http;
    struct event_readers_stats events;
    struct store_stats store;
    struct prober_stats health;
    struct audit_log_stats audit_log;
    uint64_t store_ok;
    uint64_t store_corrupt;
    uint64_t revision;
    uint64_t ready;
    struct cluster_figures {
        uint64_t is_member, is_writer;
        uint64_t members, away, behind, connected, epoch;
    } cluster;
};

struct metric {
    const char *name;
    const char *help;
    bool counter;               /* Or a gauge. */
    unsigned per_unit;          /* The value is divided by this. */
    size_t offset;              /* Of a uint64_t in struct figures. */
    bool of_all;                /* It is of the cluster, and the writer says
                                 * it; or of this process. */
};

#define METRIC(NAME, MEMBER, HELP, COUNTER, PARTS, OF_ALL) \
    { NAME, HELP, COUNTER, PARTS, offsetof(struct figures, MEMBER), OF_ALL }
#define GAUGE(NAME, MEMBER, HELP) METRIC(NAME, MEMBER, HELP, false, 1, false)
#define COUNTER(NAME, MEMBER, HELP) METRIC(NAME, MEMBER, HELP, true, 1, false)
#define GAUGE_OF_ALL(NAME, MEMBER, HELP) \
    METRIC(NAME, MEMBER, HELP, false, 1, true)
#define COUNTER_OF_ALL(NAME, MEMBER, HELP) \
    METRIC(NAME, MEMBER, HELP, true, 1, true)
/* In seconds, of a member in units of 1/PARTS second. */
#define GAUGE_SECONDS(NAME, MEMBER, PARTS, HELP) \
    METRIC(NAME, MEMBER, HELP, false, PARTS, false)
#define COUNTER_SECONDS(NAME, MEMBER, PARTS, HELP) \
    METRIC(NAME, MEMBER, HELP, true, PARTS, false)
#define GAUGE_SECONDS_OF_ALL(NAME, MEMBER, PARTS, HELP) \
    METRIC(NAME, MEMBER, HELP, false, PARTS, true)

static const struct metric metrics[] = {
    GAUGE("vmn_ready", ready, "1 once the state is loaded and compiled."),
    GAUGE("vmn_cluster_member", cluster.is_member,
          "1 if this vmnd is a member of a cluster."),
    GAUGE("vmn_cluster_writer", cluster.is_writer,
          "1 if it is the cluster's writer."),
    GAUGE_OF_ALL("vmn_cluster_members", cluster.members,
                 "Members of the cluster whose writer this is; 0: of none."),
    GAUGE_OF_ALL("vmn_cluster_members_away", cluster.away,
                 "Those of them that have not been heard for 3 seconds."),
    GAUGE_OF_ALL("vmn_cluster_behind_batches", cluster.behind,
                 "Batches of changes that the member lacks that lacks most."),
    GAUGE("vmn_cluster_connected", cluster.connected,
          "1 while the cluster's database is there, with most of its "
          "servers."),
    GAUGE("vmn_cluster_epoch", cluster.epoch,
          "Raised with each writer of the cluster."),
    GAUGE("vmn_revision", revision, "Newest durable revision."),
    COUNTER("vmn_revisions_total", commit.n_revisions, "Revisions committed."),
    GAUGE_OF_ALL("vmn_installed_revision", fabric.installed_revision,
                 "Newest revision that all hosts have acknowledged."),
    GAUGE_SECONDS_OF_ALL("vmn_installed_lag_seconds", fabric.lag_ms, 1000,
                         "Age of the oldest revision that a connected host "
                         "has not acknowledged."),
    GAUGE("vmn_engine_units", engine.n_units,
          "Units in the dependency graph."),
    GAUGE("vmn_engine_queries", engine.n_queries,
          "Queries in the dependency graph."),
    GAUGE("vmn_engine_relation_values", engine.n_relation_values,
          "Values of relations, as units publish them."),
    GAUGE("vmn_engine_flows", engine.n_flows,
          "Flows in the desired state of all hosts."),
    GAUGE("vmn_engine_groups", engine.n_groups,
          "Groups in the desired state of all hosts."),
    GAUGE("vmn_engine_scopes", engine.n_scopes,
          "Scopes (sets of hosts) that have flows."),
    GAUGE("vmn_engine_message_bytes", engine.n_bytes,
          "Bytes of encoded OpenFlow messages kept."),
    COUNTER("vmn_engine_runs_total", engine.n_runs, "Compilations."),
    COUNTER("vmn_engine_units_computed_total", engine.n_units_computed,
            "Units computed."),
    COUNTER("vmn_engine_queries_computed_total", engine.n_queries_computed,
            "Queries computed."),
    COUNTER("vmn_engine_queries_unchanged_total", engine.n_queries_unchanged,
            "Queries computed whose value did not change."),
    GAUGE("vmn_commit_queue_length", commit.n_queue,
          "Requests waiting to be committed."),
    COUNTER("vmn_commit_groups_total", commit.n_groups,
            "Groups of requests committed; each is one compilation and at "
            "most one bundle per host."),
    COUNTER("vmn_commit_requests_total", commit.n_requests,
            "Requests in these groups."),
    GAUGE_SECONDS("vmn_commit_delay_seconds", commit.delay_us, 1000000,
                  "How long a group waits for more requests while hosts are "
                  "behind."),
    COUNTER("vmn_commit_delayed_total", commit.n_waits,
            "Groups that were delayed to batch more requests."),
    COUNTER_SECONDS("vmn_commit_delay_seconds_total", commit.waited_us,
                    1000000, "Total delay of these groups."),
    GAUGE_OF_ALL("vmn_hosts", fabric.n_hosts, "Hosts configured."),
    COUNTER_OF_ALL("vmn_hosts_rejected_total", fabric.n_rejected,
                   "Connections of hosts, or of peers that claim to be one, "
                   "rejected."),
    GAUGE_OF_ALL("vmn_hosts_connected", fabric.n_heard,
                 "Hosts whose switch is connected, and that are not unheard, "
                 "nor lost."),
    GAUGE_OF_ALL("vmn_hosts_synced", fabric.n_synced,
                 "Hosts that have their desired flows installed."),
    GAUGE_OF_ALL("vmn_hosts_diverged", fabric.n_diverged,
                 "Connected hosts whose switch rejects part of the desired "
                 "flows."),
    GAUGE_OF_ALL("vmn_ports_unknown", fabric.n_ports_unknown,
                 "Ports whose state is unknown, since their host is not "
                 "heard."),
    GAUGE_OF_ALL("vmn_bfd_sessions", fabric.n_bfd_sessions,
                 "Sessions of BFD that hosts are to have with each other, "
                 "counted at both of them."),
    GAUGE_OF_ALL("vmn_bfd_sessions_down", fabric.n_bfd_down,
                 "Of these, those that are not up, as their host last said."),
    GAUGE_OF_ALL("vmn_hosts_cut_off", fabric.n_cut_off,
                 "Hosts that no host reaches which watches them by BFD."),
    GAUGE_OF_ALL("vmn_ports_with_candidate", fabric.n_candidates,
                 "Ports whose interface is also present on a second host, "
                 "to which they may be rebound."),
    GAUGE_OF_ALL("vmn_interfaces_unclaimed", fabric.n_unclaimed,
                 "Interfaces of VMs, on all hosts, whose iface-id no port "
                 "has."),
    COUNTER("vmn_fabric_flow_adds_total", fabric.n_flow_adds,
            "Flow additions sent to switches."),
    COUNTER("vmn_fabric_flow_deletes_total", fabric.n_flow_deletes,
            "Flow deletions sent to switches."),
    COUNTER("vmn_fabric_group_mods_total", fabric.n_group_mods,
            "Group modifications sent to switches."),
    COUNTER("vmn_fabric_bundles_total", fabric.n_bundles,
            "Bundles sent to switches."),
    COUNTER("vmn_fabric_errors_total", fabric.n_errors,
            "OpenFlow errors received from switches."),
    COUNTER("vmn_fabric_reconciles_total", fabric.n_reconciles,
            "Reconciliations of a host."),
    COUNTER("vmn_fabric_reconciles_unchanged_total",
            fabric.n_reconciles_unchanged,
            "Reconciliations that found nothing to change."),
    COUNTER("vmn_fabric_reconciles_digest_matched_total",
            fabric.n_fingerprints_equal,
            "Reconciliations that a matching digest made unnecessary."),
    COUNTER("vmn_fabric_reconciles_resumed_total",
            fabric.n_reconciles_resumed,
            "Reconciliations that sent what had changed since a known "
            "digest, without reading flows."),
    COUNTER("vmn_fabric_audits_total", fabric.n_audits, "Audits of a host."),
    COUNTER("vmn_fabric_audit_missing_total", fabric.n_audit_missing,
            "Flows and groups that audits found missing."),
    COUNTER("vmn_fabric_audit_altered_total", fabric.n_audit_altered,
            "Flows and groups that audits found altered."),
    COUNTER("vmn_fabric_audit_unknown_total", fabric.n_audit_unknown,
            "Flows and groups that audits found and that are not desired."),
    COUNTER("vmn_fabric_deltas_deferred_total", fabric.n_put_off,
            "Deltas deferred because a host had outstanding bundles, or was "
            "to get more than one takes."),
    COUNTER("vmn_fabric_deltas_merged_total", fabric.n_merged,
            "Deferred deltas that were merged with another one."),
    COUNTER("vmn_fabric_stalls_total", fabric.n_stalls,
            "Hosts disconnected because they did not read or acknowledge."),
    COUNTER("vmn_host_reports_delayed_total", fabric.n_reports_delayed,
            "Reports of hosts delayed because they exceeded --report-rate."),
    COUNTER_OF_ALL("vmn_conntrack_flushes_total", fabric.n_forgotten,
                   "Obsolete connections that hosts were sent a flush for."),
    GAUGE("vmn_ovsdb_sessions", fabric.n_ovsdb_sessions,
          "Hosts whose database is connected."),
    COUNTER("vmn_ovsdb_sessions_opened_total", fabric.n_ovsdb_opened,
            "OVSDB sessions established."),
    GAUGE("vmn_openflow_sessions", fabric.n_connected,
          "Hosts whose switch is connected."),
    COUNTER("vmn_openflow_sessions_opened_total", fabric.n_openflow_opened,
            "OpenFlow sessions established."),
    COUNTER("vmn_datapath_id_conflicts_total", fabric.n_datapath_clashes,
            "Hosts rejected because another host has their datapath id."),
    COUNTER("vmn_switch_connections_rejected_total", fabric.n_conns_refused,
            "Connections of switches rejected at the limit."),
    COUNTER("vmn_switch_connections_failed_total", fabric.n_conns_failed,
            "Connections of switches that ended before the handshake was "
            "complete."),
    COUNTER("vmn_switch_messages_invalid_total", fabric.n_conns_bad,
            "Invalid messages received from switches."),
    COUNTER("vmn_switch_connections_timed_out_total", fabric.n_conns_silent,
            "Connections of switches closed because a liveness probe was not "
            "answered."),
    GAUGE("vmn_store_ok", store_ok,
          "1 unless the newest change could not be stored."),
    GAUGE("vmn_store_corrupt", store_corrupt,
          "1 once the database was found to be corrupt."),
    GAUGE("vmn_store_bytes", store.size, "Size of the database."),
    GAUGE("vmn_store_log_bytes", store.log_size,
          "Size of the database's write-ahead log."),
    GAUGE("vmn_store_disk_free_bytes", store.disk_free,
          "Bytes that vmnd may still write on the file system of its "
          "database."),
    GAUGE("vmn_store_disk_bytes", store.disk_size,
          "Size of the file system of the database."),
    COUNTER("vmn_store_batches_total", store.n_batches,
            "Groups of changes stored, each with one fsync."),
    COUNTER("vmn_store_failures_total", store.n_failed,
            "Groups of changes that could not be stored."),
    COUNTER("vmn_store_read_failures_total", store.n_read_failures,
            "Failed reads of the log of changes."),
    COUNTER("vmn_store_receipts_lost_total", store.n_receipts_lost,
            "Receipts that could not be written."),
    COUNTER("vmn_store_backups_total", store.n_copies, "Backups made."),
    COUNTER_OF_ALL("vmn_audit_log_entries_total", audit_log.n_written,
                   "Changes by users written to --audit-log."),
    COUNTER_OF_ALL("vmn_audit_log_lost_total", audit_log.n_lost,
                   "Changes by users that could not be written to "
                   "--audit-log."),
    COUNTER("vmn_packet_ins_total", fabric.n_packet_ins,
            "Packet-ins received."),
    COUNTER("vmn_packet_ins_answered_total", fabric.n_packets_answered,
            "Packet-ins that were answered."),
    COUNTER("vmn_packet_ins_rate_limited_total", fabric.n_packets_limited,
            "Packet-ins dropped by vmnd because they exceeded the rate of "
            "their port or host."),
    COUNTER("vmn_packet_outs_total", fabric.n_packet_outs,
            "Packet-outs sent."),
    GAUGE("vmn_guest_http_connections", fabric.n_guest_connections,
          "Connections of guests to HTTP servers of apps."),
    COUNTER("vmn_guest_http_connections_opened_total",
            fabric.n_guest_connections_opened,
            "Connections that guests opened to HTTP servers of apps."),
    COUNTER("vmn_guest_http_connections_given_up_total",
            fabric.n_guest_connections_given_up,
            "Of these, those that vmnd ended because they took too long or "
            "to make room for others."),
    COUNTER("vmn_guest_http_requests_total", fabric.n_guest_requests,
            "HTTP requests of guests given to apps."),
    COUNTER("vmn_guest_http_requests_rate_limited_total",
            fabric.n_guest_requests_limited,
            "HTTP requests of guests refused because they exceeded the rate "
            "of their port."),
    COUNTER("vmn_samples_received_total", fabric.n_samples_in,
            "Packet samples received from switches."),
    COUNTER("vmn_samples_recorded_total", fabric.n_samples,
            "Packet samples recorded as a drop or as an event of a rule's "
            "log."),
    COUNTER("vmn_samples_suppressed_total", fabric.n_samples_suppressed,
            "Packet samples discarded because they exceeded their budget."),
    COUNTER("vmn_flow_count_polls_total", fabric.n_counter_polls,
            "Polls of a host's flow counters."),
    COUNTER("vmn_flow_count_poll_failures_total", fabric.n_counter_failures,
            "Polls of a host's flow counters that failed."),
    GAUGE_OF_ALL("vmn_flow_counts", fabric.n_counted_flows,
                 "Flows, on all hosts, whose counters are kept."),
    COUNTER_OF_ALL("vmn_flow_counts_discarded_total", fabric.n_counters_full,
                   "Flow counters discarded for lack of room."),
    GAUGE("vmn_http_connections", http.n_connections,
          "Open connections of API clients."),
    GAUGE("vmn_http_streams", http.n_streams,
          "Open connections of API clients with a streaming reply."),
    COUNTER("vmn_http_received_bytes_total", http.n_bytes_in,
            "Bytes received from API clients."),
    COUNTER("vmn_http_sent_bytes_total", http.n_bytes_out,
            "Bytes sent to API clients."),
    COUNTER("vmn_http_connections_accepted_total", http.n_accepted,
            "Connections of API clients accepted."),
    COUNTER("vmn_http_connections_rejected_total", http.n_rejected,
            "Connections of API clients rejected at the limit."),
    COUNTER("vmn_http_requests_total", http.n_requests, "API requests."),
    COUNTER("vmn_http_requests_malformed_total", http.n_bad,
            "API requests that were malformed."),
    COUNTER("vmn_http_requests_cross_origin_total", http.n_cross_origin,
            "API requests rejected because they came from a page of another "
            "origin."),
    COUNTER("vmn_http_requests_unauthorized_total", http.n_unauthorized,
            "API requests without a valid token or certificate."),
    COUNTER("vmn_http_auth_failures_delayed_total", http.n_logins_delayed,
            "Replies to invalid tokens delayed because too many came from "
            "their address."),
    COUNTER("vmn_http_auth_attempts_rejected_total", http.n_logins_rejected,
            "API requests rejected unchecked because too many invalid tokens "
            "came from their address."),
    COUNTER("vmn_http_account_connections_rejected_total",
            http.n_account_conns_rejected,
            "API requests rejected because their account has too many "
            "connections in use."),
    GAUGE("vmn_http_body_bytes", http.n_body_bytes,
          "Bytes of request bodies in flight."),
    COUNTER("vmn_http_bodies_rejected_total", http.n_bodies_rejected,
            "API requests rejected because their bodies exceeded a budget."),
    COUNTER("vmn_http_client_timeouts_total", http.n_timed_out,
            "API clients disconnected because they were too slow."),
    COUNTER("vmn_http_client_disconnects_total", http.n_gone,
            "API clients that disconnected before their reply."),
    COUNTER_OF_ALL("vmn_health_changes_total", health.n_changes,
                   "State changes of backends."),
    COUNTER_OF_ALL("vmn_health_probes_delayed_total", health.n_late,
            "Probes delayed because too many were due."),
    COUNTER_OF_ALL("vmn_health_probes_repeated_total", health.n_unproven,
            "Probes without an answer that were repeated, since "
            "their host was late to answer, too."),
    COUNTER_OF_ALL("vmn_health_frames_ignored_total", health.n_ignored,
            "Frames received by probes that answered none."),
    GAUGE_OF_ALL("vmn_event_streams", events.n_readers,
          "API clients subscribed to events."),
    COUNTER_OF_ALL("vmn_event_streams_overrun_total", events.n_overrun,
            "Event streams closed because their client did not keep up."),
    COUNTER_OF_ALL("vmn_event_streams_rejected_total", events.n_refused,
            "Event streams rejected at the limit of all, or of their "
            "account."),
};

/* Appends the families of the table; of a standby, without those 'of_all'. */
static void
put_figures(const struct figures *figures, bool following, struct ds *ds)
{
    for (size_t i = 0; i < ARRAY_SIZE(metrics); i++) {
        const struct metric *m = &metrics[i];
        uint64_t value = *ALIGNED_CAST(
            const uint64_t *, (const char *) figures + m->offset);

        if (m->of_all && following) {
            continue;
        }
        metrics_family(ds, m->name, m->counter ? "counter" : "gauge",
                       m->help);
        if (m->per_unit == 1) {
            ds_put_format(ds, "%s %"PRIu64"\n", m->name, value);
        } else {
            ds_put_format(ds, "%s %.6f\n", m->name,
                          (double) value / m->per_unit);
        }
    }
}

/* Appends the last backup, if there was one: there is no value that would mean
 * that it is not known. */
static void
put_backup(const struct store_last_backup *last, struct ds *ds)
{
    static const char time[] = "vmn_backup_last_timestamp_seconds";
    static const char revision[] = "vmn_backup_last_revision";

    metrics_family(ds, time, "gauge", "When the last backup was made, checked "
                   "and sent, as a Unix time.");
    if (last->ms) {
        ds_put_format(ds, "%s %.3f\n", time, last->ms / 1000.0);
    }
    metrics_family(ds, revision, "gauge", "The revision of the last backup.");
    if (last->ms) {
        ds_put_format(ds, "%s %"PRIu64"\n", revision, last->revision);
    }
}

/* Hosts and objects.  ---------------------------------------------------- */

static void
put_states(const struct fabric_stats *stats, struct ds *ds)
{
    static const char name[] = "vmn_hosts_in_state";

    metrics_family(ds, name, "gauge", "Hosts, by state.");
    for (size_t i = 0; i < FABRIC_N_STATES; i++) {
        ds_put_format(ds, "%s{state=\"%s\"} %"PRIu64"\n", name,
                      fabric_states[i], stats->n_in_state[i]);
    }
}

static void
put_types(const struct model *model, struct ds *ds)
{
    metrics_family(ds, "vmn_objects", "gauge", "Objects, by type.");
    for (int i = 0; i < VMN_N_TABLES; i++) {
        if (!schema_tables[i]->observed) {
            ds_put_format(ds, "vmn_objects{type=\"%s\"} %"PRIuSIZE"\n",
                          schema_tables[i]->plural, model_names(model, i).n);
        }
    }
}

/* Apps.  Their names, and their classes', are checked when they are loaded, so
 * they need no quoting.  -------------------------------------------------- */

/* Appends how often units and queries of each class were computed. */
static void
put_classes(const struct engine *engine, struct ds *ds)
{
    static const char name[] = "vmn_engine_class_computed_total";

    metrics_family(ds, name, "counter",
                   "Units and queries computed, by class.");
    for (size_t i = 0; i < engine_n_classes(engine); i++) {
        struct engine_class c = engine_get_class(engine, i);

        ds_put_format(ds, "%s{app=\"%s\",kind=\"%s\",class=\"%s\"} "
                      "%"PRIu64"\n", name, c.app,
                      c.is_query ? "query" : "unit", c.name, c.n_computed);
    }
}

/* Appends the calls of web servers. */
static void
put_webhooks(const struct webhook *webhook, struct ds *ds)
{
    static const char name[] = "vmn_webhook_calls_total";
    struct webhook_stats stats;

    if (!webhook) {
        return;
    }
    webhook_get_stats(webhook, &stats);
    metrics_family(ds, name, "counter",
                   "Webhook calls completed, by result.");
    for (size_t i = WEBHOOK_PENDING + 1; i < WEBHOOK_N_OUTCOMES; i++) {
        ds_put_format(ds, "%s{result=\"%s\"} %"PRIu64"\n", name,
                      webhook_outcome_names[i], stats.n_calls[i]);
    }
    metrics_family(ds, "vmn_webhook_calls_pending", "gauge",
                   "Webhook calls not completed.");
    ds_put_format(ds, "vmn_webhook_calls_pending %"PRIu64"\n",
                  stats.n_calls[WEBHOOK_PENDING]);
    metrics_family(ds, "vmn_webhook_attempts_total", "counter",
                   "Requests made for webhook calls, retries included.");
    ds_put_format(ds, "vmn_webhook_attempts_total %"PRIu64"\n",
                  stats.n_attempts);
}

/* Appends the loads of balancers that have thresholds. */
static void
put_loads(const struct load_monitor *load, struct ds *ds)
{
    static const char told[] = "vmn_scale_events_total";
    static const char states[] = "vmn_scale_loadbalancers";
    struct load_monitor_stats stats;

    if (!load) {
        return;
    }
    load_monitor_get_stats(load, &stats);
    metrics_family(ds, told, "counter",
                   "Scale events, by direction.");
    for (size_t i = LOAD_SAME + 1; i < LOAD_N_DIRECTIONS; i++) {
        ds_put_format(ds, "%s{direction=\"%s\"} %"PRIu64"\n", told,
                      load_direction_names[i], stats.n_told[i]);
    }
    metrics_family(ds, states, "gauge",
                   "Balancers with load thresholds, by state.");
    for (size_t i = 0; i < LOAD_N_STATES; i++) {
        ds_put_format(ds, "%s{state=\"%s\"} %"PRIu64"\n", states,
                      load_state_names[i], stats.n_in_state[i]);
    }
}

static void
put_claim(void *ds, const char *host, const char *expected, uint64_t n)
{
    ds_put_cstr(ds, "vmn_port_claims_rejected_total{host=");
    metrics_label(ds, host);
    ds_put_cstr(ds, ",expected=");
    metrics_label(ds, expected);
    ds_put_format(ds, "} %"PRIu64"\n", n);
}

/* Appends hosts' claims of ports that were rejected. */
static void
put_claims(const struct fabric *fabric, struct ds *ds)
{
    metrics_family(ds, "vmn_port_claims_rejected_total", "counter",
                   "Rejected claims of ports, by the host that has the "
                   "interface and the host that is expected to.");
    fabric_rejected_claims(fabric, put_claim, ds);
}

/* Appends what switches have counted for pairs of ports, summed up. */
static void
put_traffic(const struct fabric *fabric, struct ds *ds)
{
    static const char *const ways[] = {
        [FABRIC_PAIR_SAME_HOST] = "same_host",
        [FABRIC_PAIR_CROSS_HOST] = "cross_host",
        [FABRIC_PAIR_OTHERS] = "other",
    };
    struct fabric_pair_stats stats;

    fabric_pair_stats(fabric, &stats);
    metrics_family(ds, "vmn_traffic_bytes_total", "counter",
                   "Bytes counted for pairs of ports, by whether they went "
                   "from host to host.");
    for (size_t i = 0; i < FABRIC_PAIR_N_WAYS; i++) {
        ds_put_format(ds, "vmn_traffic_bytes_total{way=\"%s\"} %"PRIu64"\n",
                      ways[i], stats.sums.bytes[i]);
    }
    metrics_family(ds, "vmn_traffic_packets_total", "counter",
                   "Packets of these bytes.");
    for (size_t i = 0; i < FABRIC_PAIR_N_WAYS; i++) {
        ds_put_format(ds, "vmn_traffic_packets_total{way=\"%s\"} "
                      "%"PRIu64"\n", ways[i], stats.sums.packets[i]);
    }
    metrics_family(ds, "vmn_traffic_pairs", "gauge",
                   "Pairs of ports kept, of all five minutes together.");
    ds_put_format(ds, "vmn_traffic_pairs %"PRIuSIZE"\n", stats.n_pairs);
    metrics_family(ds, "vmn_traffic_full_hosts", "gauge",
                   "Hosts that count no more pairs, of some routing domain "
                   "or in all.");
    ds_put_format(ds, "vmn_traffic_full_hosts %"PRIuSIZE"\n",
                  stats.n_full_hosts);
}

/* Appends the differences that audits found, by owner. */
static void
put_audits(const struct fabric *fabric, struct ds *ds)
{
    static const char name[] = "vmn_fabric_audit_differences_total";
    const struct status_audit *audited = fabric_audited(fabric);

    metrics_family(ds, name, "counter",
                   "Differences that audits found, by owner.");
    for (size_t i = 0; i < audited->n_owners; i++) {
        const struct status_audit_owner *owner = &audited->owners[i];
        const struct {
            const char *kind;
            uint64_t n;
        } kinds[] = {
            { "missing", owner->missing }, { "altered", owner->altered },
            { "unknown", owner->unknown }, { "rejected", owner->rejected },
        };

        for (size_t j = 0; j < ARRAY_SIZE(kinds); j++) {
            if (kinds[j].n) {
                ds_put_format(ds, "%s{owner=\"%s\",kind=\"%s\"} %"PRIu64
                              "\n", name, owner->name, kinds[j].kind,
                              kinds[j].n);
            }
        }
    }
}

/* Appends a host that was disconnected for exceeding its budget. */
static void
put_over_budget(void *ds, const char *host, const char *session, uint64_t n)
{
    ds_put_cstr(ds, "vmn_host_budget_exceeded_total{host=");
    metrics_label(ds, host);
    ds_put_format(ds, ",session=\"%s\"} %"PRIu64"\n", session, n);
}

static void
put_over_budgets(const struct fabric *fabric, struct ds *ds)
{
    metrics_family(ds, "vmn_host_budget_exceeded_total", "counter",
                   "Sessions of a host closed because it exceeded its memory "
                   "budget.");
    fabric_over_budget(fabric, put_over_budget, ds);
}

/* Packets.  -------------------------------------------------------------- */

static void
put_drop(void *ds, const char *who, const char *reason, uint64_t n)
{
    ds_put_format(ds, "vmn_packet_ins_dropped_total{by=\"%s\",reason=", who);
    metrics_label(ds, reason);
    ds_put_format(ds, "} %"PRIu64"\n", n);
}

static void
put_drops(const struct fabric *fabric, struct ds *ds)
{
    metrics_family(ds, "vmn_packet_ins_dropped_total", "counter",
                   "Packet-ins, and replies to them, that were dropped.");
    fabric_packet_drops(fabric, put_drop, ds);
}

static void
put_metered(const struct fabric *fabric, struct ds *ds)
{
    uint64_t ports, tunnels;

    fabric_metered(fabric, &ports, &tunnels);
    metrics_family(ds, "vmn_packet_ins_metered_total", "counter",
                   "Packet-ins dropped by meters on hosts because a sender "
                   "exceeded its rate.");
    ds_put_format(ds, "vmn_packet_ins_metered_total{sender=\"port\"} "
                  "%"PRIu64"\n", ports);
    ds_put_format(ds, "vmn_packet_ins_metered_total{sender=\"tunnel\"} "
                  "%"PRIu64"\n", tunnels);
}

/* Packets and bytes that flows dropped.  They are two families, one after the
 * other, so their lines are collected separately. */
struct sums {
    struct ds packets, bytes;
};

static void
put_sum(void *sums_, const char *app, const char *reason, bool background,
        uint64_t packets, uint64_t bytes)
{
    struct sums *sums = sums_;
    const struct {
        struct ds *ds;
        const char *name;
        uint64_t n;
    } of[] = {
        { &sums->packets, "vmn_dropped_packets_total", packets },
        { &sums->bytes, "vmn_dropped_bytes_total", bytes },
    };

    for (size_t i = 0; i < ARRAY_SIZE(of); i++) {
        ds_put_format(of[i].ds, "%s{app=\"%s\",reason=", of[i].name, app);
        metrics_label(of[i].ds, reason);
        ds_put_format(of[i].ds, ",background=\"%s\"} %"PRIu64"\n",
                      background ? "true" : "false", of[i].n);
    }
}

static void
put_flow_drops(const struct fabric *fabric, struct ds *ds)
{
    struct sums sums = { DS_EMPTY_INITIALIZER, DS_EMPTY_INITIALIZER };

    fabric_drop_sums(fabric, put_sum, &sums);
    metrics_family(ds, "vmn_dropped_packets_total", "counter",
                   "Packets dropped by flows.");
    ds_put_cstr(ds, ds_cstr(&sums.packets));
    metrics_family(ds, "vmn_dropped_bytes_total", "counter",
                   "Bytes of packets dropped by flows.");
    ds_put_cstr(ds, ds_cstr(&sums.bytes));
    ds_destroy(&sums.packets);
    ds_destroy(&sums.bytes);
}

/* HTTP.  ----------------------------------------------------------------- */

static void
put_replies(const struct http_stats *stats, struct ds *ds)
{
    static const char name[] = "vmn_http_replies_total";

    metrics_family(ds, name, "counter", "Replies to API requests, by method "
                   "(HEAD counts as GET) and class of status.");
    for (int i = 0; i <= HTTP_N_METHODS; i++) {
        const char *method = (i < HTTP_N_METHODS ? http_method_names[i]
                              : "other");

        for (int j = 2; j <= 5; j++) {
            ds_put_format(ds, "%s{method=\"%s\",code=\"%dxx\"} %"PRIu64"\n",
                          name, method, j, stats->n_replies_to[i][j]);
        }
    }
}

static void
get_cluster(const struct northbound *nb, struct cluster_figures *figures)
{
    struct status_cluster status;
    struct arena arena;

    *figures = (struct cluster_figures) { .members = 0 };
    if (!nb->cluster) {
        return;
    }
    arena_init(&arena);
    cluster_get_status(nb->cluster, &arena, &status);
    figures->is_member = true;
    figures->is_writer = !nb->following;
    figures->members = status.n_members;
    figures->connected = status.connected;
    figures->epoch = status.epoch;
    for (size_t i = 0; i < status.n_members; i++) {
        const struct status_cluster_member *member = &status.members[i];

        figures->away += !strcmp(member->role, "away");
        figures->behind = MAX(figures->behind, (uint64_t) member->behind);
    }
    arena_uninit(&arena);
}

static void
get_figures(const struct northbound *nb, struct figures *figures)
{
    engine_get_stats(nb->engine, &figures->engine);
    fabric_get_stats(nb->fabric, &figures->fabric);
    commit_get_stats(nb->commit, &figures->commit);
    http_server_get_stats(nb->http, &figures->http);
    nb->store_class->get_stats(nb->store, &figures->store);
    if (!nb->following) {
        event_readers_get_stats(nb->event_readers, &figures->events);
        health_get_stats(nb->health, &figures->health);
        audit_log_get_stats(nb->audit_log, &figures->audit_log);
    }
    figures->store_ok = figures->store.ok;
    figures->store_corrupt = figures->store.corrupt;
    figures->revision = model_durable_revision(nb->model);
    figures->ready = nb->ready;
    get_cluster(nb, &figures->cluster);
}

/* Appends the families of the hosts and of all objects, which the writer alone
 * has. */
static void
append_of_all(struct northbound *nb, const struct figures *figures,
              const struct object_states *states, struct ds *ds)
{
    metrics_append_system_health(nb, states, ds);
    put_states(&figures->fabric, ds);
    put_types(nb->model, ds);
    metrics_append_apps(nb, ds);
    put_claims(nb->fabric, ds);
    put_over_budgets(nb->fabric, ds);
    put_metered(nb->fabric, ds);
    put_flow_drops(nb->fabric, ds);
    put_traffic(nb->fabric, ds);
    put_webhooks(nb->webhook, ds);
    put_loads(nb->load, ds);
    metrics_append_objects(nb, ds);
    metrics_append_health(nb, ds);
    metrics_append_probes(nb, ds);
    metrics_append_paths(nb, ds);
    metrics_append_usage(nb, ds);
}

void
metrics_append_all(struct northbound *nb, const struct object_states *states,
                   struct ds *ds)
{
    struct figures figures = { .ready = 0 };

    get_figures(nb, &figures);
    put_figures(&figures, nb->following, ds);
    put_backup(&figures.store.last_backup, ds);
    metrics_append_database_disk(nb, ds);
    if (!nb->following) {
        append_of_all(nb, &figures, states, ds);
    }
    put_classes(nb->engine, ds);
    put_audits(nb->fabric, ds);
    put_drops(nb->fabric, ds);
    put_replies(&figures.http, ds);
    metrics_append_listeners(nb, ds);
    metrics_append_times(nb, &figures.commit.stored, &figures.fabric.installed,
                         &figures.store.writing, ds);
    nb_auth_append_metrics(nb, ds);
    nb_certificates_append_metrics(nb, ds);
    metrics_append_process(ds);
}
