/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /metrics: Prometheus's text format.  A metric is a row of the table. */

#include <config.h>

#include "controller/northbound/events.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "openvswitch/dynamic-string.h"
#include "proto/loop/loop.h"
#include "util.h"

/* All the figures, gathered once a request. */
struct figures {
    struct engine_stats engine;
    struct fabric_stats fabric;
    struct commit_stats commit;
    struct http_stats http;
    struct event_readers_stats events;
    struct store_stats store;
    uint64_t store_ok;
    uint64_t store_corrupt;
    uint64_t revision;
    uint64_t ready;
};

struct metric {
    const char *name;
    const char *help;
    bool counter;               /* Else a gauge. */
    size_t offset;              /* Of a uint64_t in struct figures. */
};

#define GAUGE(NAME, MEMBER, HELP) \
    { NAME, HELP, false, offsetof(struct figures, MEMBER) }
#define COUNTER(NAME, MEMBER, HELP) \
    { NAME, HELP, true, offsetof(struct figures, MEMBER) }

static const struct metric metrics[] = {
    GAUGE("vmn_ready", ready, "1 once the controller is up."),
    GAUGE("vmn_revision", revision, "Newest durable revision."),
    GAUGE("vmn_engine_units", engine.n_units, "Units that are kept."),
    GAUGE("vmn_engine_queries", engine.n_queries, "Queries kept."),
    GAUGE("vmn_engine_facts", engine.n_facts, "Facts published."),
    GAUGE("vmn_engine_flows", engine.n_flows, "Flows wanted."),
    GAUGE("vmn_engine_groups", engine.n_groups, "Groups wanted."),
    GAUGE("vmn_engine_scopes", engine.n_scopes, "Scopes with flows."),
    GAUGE("vmn_engine_message_bytes", engine.n_bytes,
          "Bytes of encoded messages."),
    COUNTER("vmn_engine_runs_total", engine.n_runs, "Compilations."),
    COUNTER("vmn_engine_units_computed_total", engine.n_units_computed,
            "Units compiled."),
    COUNTER("vmn_engine_queries_computed_total", engine.n_queries_computed,
            "Queries evaluated."),
    COUNTER("vmn_engine_queries_cut_total", engine.n_queries_cut,
            "Queries evaluated to the value they had."),
    GAUGE("vmn_commit_queue", commit.n_queue, "Requests that wait."),
    COUNTER("vmn_commit_groups_total", commit.n_groups,
            "Groups of requests: each is one compile and one bundle a host."),
    COUNTER("vmn_commit_requests_total", commit.n_requests,
            "Requests in these groups."),
    GAUGE("vmn_commit_delay_microseconds", commit.delay_us,
          "How long a group waits for more while hosts are behind."),
    COUNTER("vmn_commit_delayed_total", commit.n_waits,
            "Groups that have waited so."),
    COUNTER("vmn_commit_delayed_microseconds_total", commit.waited_us,
            "How long, in all."),
    GAUGE("vmn_hosts", fabric.n_hosts, "Hosts configured."),
    GAUGE("vmn_hosts_connected", fabric.n_connected, "Hosts connected."),
    GAUGE("vmn_hosts_synced", fabric.n_synced,
          "Hosts that hold what is wanted."),
    GAUGE("vmn_hosts_diverged", fabric.n_diverged,
          "Connected hosts whose switches refuse something."),
    COUNTER("vmn_fabric_flow_adds_total", fabric.n_flow_adds,
            "Flows added on switches."),
    COUNTER("vmn_fabric_flow_deletes_total", fabric.n_flow_deletes,
            "Flows withdrawn from switches."),
    COUNTER("vmn_fabric_group_mods_total", fabric.n_group_mods,
            "Group messages sent."),
    COUNTER("vmn_fabric_bundles_total", fabric.n_bundles, "Bundles sent."),
    COUNTER("vmn_fabric_errors_total", fabric.n_errors,
            "Errors from switches."),
    COUNTER("vmn_fabric_reconciles_total", fabric.n_reconciles,
            "Reconciliations of a host."),
    COUNTER("vmn_fabric_reconciles_unchanged_total",
            fabric.n_reconciles_unchanged,
            "Of these, with nothing to change."),
    COUNTER("vmn_fabric_fingerprints_equal_total",
            fabric.n_fingerprints_equal,
            "Of these, known by the fingerprint alone."),
    COUNTER("vmn_fabric_audits_total", fabric.n_audits, "Audits of a host."),
    COUNTER("vmn_fabric_audit_missing_total", fabric.n_audit_missing,
            "Flows and groups that audits found missing."),
    COUNTER("vmn_fabric_audit_altered_total", fabric.n_audit_altered,
            "Flows and groups that audits found altered."),
    COUNTER("vmn_fabric_audit_strangers_total", fabric.n_audit_strangers,
            "Flows and groups that audits found and nobody wants."),
    COUNTER("vmn_fabric_put_off_total", fabric.n_put_off,
            "Differences not sent at once, as a host owed answers."),
    COUNTER("vmn_fabric_merged_total", fabric.n_merged,
            "Of these, merged into another's bundle."),
    COUNTER("vmn_fabric_stalls_total", fabric.n_stalls,
            "Hosts cut off for not reading or not answering."),
    COUNTER("vmn_switch_connections_refused_total", fabric.n_conns_refused,
            "Connections of switches refused, as there were too many."),
    COUNTER("vmn_switch_connections_failed_total", fabric.n_conns_failed,
            "Connections that ended before the handshake was complete."),
    COUNTER("vmn_switch_messages_bad_total", fabric.n_conns_bad,
            "Messages on switches' connections that made no sense."),
    COUNTER("vmn_switch_connections_silent_total", fabric.n_conns_silent,
            "Connections of switches closed for not answering a probe."),
    GAUGE("vmn_store_ok", store_ok,
          "1 unless the newest change could not be stored."),
    GAUGE("vmn_store_corrupt", store_corrupt,
          "1 once the database has turned out to be corrupt."),
    GAUGE("vmn_store_bytes", store.size, "Size of the database."),
    GAUGE("vmn_store_log_bytes", store.log_size,
          "Size of its write-ahead log."),
    COUNTER("vmn_store_batches_total", store.n_batches,
            "Groups of changes stored, with one fsync each."),
    COUNTER("vmn_store_failures_total", store.n_failed,
            "Groups of changes that the store refused."),
    COUNTER("vmn_store_backups_total", store.n_copies, "Backups made."),
    COUNTER("vmn_packet_ins_total", fabric.n_packet_ins,
            "Packets that switches sent up."),
    COUNTER("vmn_packet_outs_total", fabric.n_packet_outs,
            "Packets sent for these."),
    COUNTER("vmn_samples_in_total", fabric.n_samples_in,
            "Copies of packets that switches sent up."),
    COUNTER("vmn_samples_total", fabric.n_samples,
            "Of these, kept as a sample of a drop or an event of a log."),
    COUNTER("vmn_samples_suppressed_total", fabric.n_samples_suppressed,
            "Of these, not kept, for the budget's sake."),
    COUNTER("vmn_counter_polls_total", fabric.n_counter_polls,
            "Readings of a host's counters."),
    COUNTER("vmn_counter_poll_failures_total", fabric.n_counter_failures,
            "Of these, that failed."),
    GAUGE("vmn_counted_flows", fabric.n_counted_flows,
          "Flows of all hosts whose hits are kept."),
    COUNTER("vmn_counters_full_total", fabric.n_counters_full,
            "Readings of flows not kept, for want of room."),
    GAUGE("vmn_http_connections", http.n_connections, "API clients."),
    COUNTER("vmn_http_accepted_total", http.n_accepted,
            "API clients accepted."),
    COUNTER("vmn_http_turned_away_total", http.n_turned_away,
            "API clients refused at the limit."),
    COUNTER("vmn_http_requests_total", http.n_requests, "API requests."),
    COUNTER("vmn_http_bad_total", http.n_bad,
            "API requests that were malformed."),
    COUNTER("vmn_http_unauthorized_total", http.n_unauthorized,
            "API requests without the right token."),
    COUNTER("vmn_http_timed_out_total", http.n_timed_out,
            "API clients that were too slow."),
    COUNTER("vmn_http_gone_total", http.n_gone,
            "API clients that left before the reply."),
    GAUGE("vmn_event_readers", events.n_readers,
          "API clients that listen to events."),
    COUNTER("vmn_event_readers_cut_off_total", events.n_cut_off,
            "Of these, cut off since they did not keep up."),
};

/* What was computed, class by class: names of apps and classes are checked
 * when an app is loaded, so they need no quoting. */
static void
put_classes(const struct engine *engine, struct ds *ds)
{
    static const char name[] = "vmn_engine_class_computed_total";

    ds_put_format(ds, "# HELP %s Computations of units and queries, by "
                  "class.\n# TYPE %s counter\n", name, name);
    for (size_t i = 0; i < engine_n_classes(engine); i++) {
        struct engine_class c = engine_get_class(engine, i);

        ds_put_format(ds, "%s{app=\"%s\",kind=\"%s\",class=\"%s\"} "
                      "%"PRIu64"\n", name, c.app,
                      c.is_query ? "query" : "unit", c.name, c.n_computed);
    }
}

/* What audits found, by owner: apps' names again. */
static void
put_audits(const struct fabric *fabric, struct ds *ds)
{
    static const char name[] = "vmn_fabric_audit_differences_total";
    json_t *owners = fabric_audit_owners(fabric);
    const char *owner, *kind;
    json_t *counts, *n;

    ds_put_format(ds, "# HELP %s What audits found, by whose it is.\n"
                  "# TYPE %s counter\n", name, name);
    json_object_foreach (owners, owner, counts) {
        json_object_foreach (counts, kind, n) {
            ds_put_format(ds, "%s{owner=\"%s\",kind=\"%s\"} "
                          "%"JSON_INTEGER_FORMAT"\n", name, owner, kind,
                          json_integer_value(n));
        }
    }
    json_decref(owners);
}

/* A text of an app's, in quotes. */
static void
put_label(struct ds *ds, const char *text)
{
    ds_put_char(ds, '"');
    for (const char *p = text; *p; p++) {
        if (*p == '\\' || *p == '"') {
            ds_put_char(ds, '\\');
        }
        ds_put_char(ds, *p < ' ' ? ' ' : *p);
    }
    ds_put_char(ds, '"');
}

static void
put_drop(void *ds, const char *who, const char *reason, uint64_t n)
{
    ds_put_format(ds, "vmn_packets_dropped_total{by=\"%s\",reason=", who);
    put_label(ds, reason);
    ds_put_format(ds, "} %"PRIu64"\n", n);
}

static void
put_drops(const struct fabric *fabric, struct ds *ds)
{
    ds_put_cstr(ds, "# HELP vmn_packets_dropped_total Packets sent up, and "
                "answers to them, that were dropped.\n"
                "# TYPE vmn_packets_dropped_total counter\n");
    fabric_packet_drops(fabric, put_drop, ds);
}

/* What flows dropped.  There are two lists, one after the other. */
struct sums {
    struct ds packets, bytes;
};

static void
put_sum(void *sums_, const char *app, const char *reason, uint64_t packets,
        uint64_t bytes)
{
    struct sums *sums = sums_;

    ds_put_format(&sums->packets, "vmn_drops_packets_total{app=\"%s\","
                  "reason=", app);
    put_label(&sums->packets, reason);
    ds_put_format(&sums->packets, "} %"PRIu64"\n", packets);
    ds_put_format(&sums->bytes, "vmn_drops_bytes_total{app=\"%s\",reason=",
                  app);
    put_label(&sums->bytes, reason);
    ds_put_format(&sums->bytes, "} %"PRIu64"\n", bytes);
}

static void
put_flow_drops(const struct fabric *fabric, struct ds *ds)
{
    struct sums sums = { DS_EMPTY_INITIALIZER, DS_EMPTY_INITIALIZER };

    fabric_drop_sums(fabric, put_sum, &sums);
    ds_put_format(ds, "# HELP vmn_drops_packets_total Packets that flows "
                  "dropped.\n# TYPE vmn_drops_packets_total counter\n%s"
                  "# HELP vmn_drops_bytes_total Bytes of these.\n"
                  "# TYPE vmn_drops_bytes_total counter\n%s",
                  ds_cstr(&sums.packets), ds_cstr(&sums.bytes));
    ds_destroy(&sums.packets);
    ds_destroy(&sums.bytes);
}

static void
put_process(struct ds *ds)
{
    unsigned long size, resident;
    struct rusage usage;
    FILE *statm = fopen("/proc/self/statm", "re");

    if (statm) {
        if (fscanf(statm, "%lu %lu", &size, &resident) == 2) {
            ds_put_format(ds, "# HELP process_resident_memory_bytes Memory.\n"
                          "# TYPE process_resident_memory_bytes gauge\n"
                          "process_resident_memory_bytes %lu\n",
                          resident * (unsigned long) sysconf(_SC_PAGESIZE));
        }
        fclose(statm);
    }
    getrusage(RUSAGE_SELF, &usage);
    ds_put_format(ds, "# HELP process_cpu_seconds_total CPU time.\n"
                  "# TYPE process_cpu_seconds_total counter\n"
                  "process_cpu_seconds_total %.6f\n",
                  usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
                  + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
}

/* A histogram in the form of Prometheus. */
static void
put_turns(struct ds *ds, const struct loop *loop)
{
    struct loop_stats stats;
    uint64_t n = 0;

    loop_get_stats(loop, &stats);
    ds_put_cstr(ds, "# HELP vmn_loop_turn_seconds CPU time of a turn of the "
                "event loop.\n# TYPE vmn_loop_turn_seconds histogram\n");
    for (int i = 0; i < LOOP_N_BOUNDS; i++) {
        n += stats.n[i];
        ds_put_format(ds, "vmn_loop_turn_seconds_bucket{le=\"%g\"} "
                      "%"PRIu64"\n", loop_turn_us[i] / 1e6, n);
    }
    n += stats.n[LOOP_N_BOUNDS];
    ds_put_format(ds, "vmn_loop_turn_seconds_bucket{le=\"+Inf\"} %"PRIu64
                  "\nvmn_loop_turn_seconds_sum %.6f\n"
                  "vmn_loop_turn_seconds_count %"PRIu64"\n"
                  "# HELP vmn_loop_turn_longest_seconds The longest turn.\n"
                  "# TYPE vmn_loop_turn_longest_seconds gauge\n"
                  "vmn_loop_turn_longest_seconds %.6f\n",
                  n, stats.total_us / 1e6, n, stats.longest_us / 1e6);
}

void
nb_get_metrics(struct http_request *req, void *nb_)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct northbound *nb = nb_;
    struct figures figures;

    engine_get_stats(nb->engine, &figures.engine);
    fabric_get_stats(nb->fabric, &figures.fabric);
    commit_get_stats(nb->commit, &figures.commit);
    http_server_get_stats(nb->http, &figures.http);
    nb->store_class->get_stats(nb->store, &figures.store);
    event_readers_get_stats(nb->event_readers, &figures.events);
    figures.store_ok = figures.store.ok;
    figures.store_corrupt = figures.store.corrupt;
    figures.revision = model_durable_revision(nb->model);
    figures.ready = nb->ready;

    for (size_t i = 0; i < ARRAY_SIZE(metrics); i++) {
        const struct metric *m = &metrics[i];
        const uint64_t *value = ALIGNED_CAST(
            const uint64_t *, (const char *) &figures + m->offset);

        ds_put_format(&ds, "# HELP %s %s\n# TYPE %s %s\n%s %"PRIu64"\n",
                      m->name, m->help, m->name,
                      m->counter ? "counter" : "gauge", m->name, *value);
    }
    put_classes(nb->engine, &ds);
    put_audits(nb->fabric, &ds);
    put_drops(nb->fabric, &ds);
    put_flow_drops(nb->fabric, &ds);
    put_process(&ds);
    if (nb->loop) {
        put_turns(&ds, nb->loop);
    }
    http_reply_text(req, 200, "text/plain; version=0.0.4; charset=utf-8",
                    ds_cstr(&ds));
    ds_destroy(&ds);
}
