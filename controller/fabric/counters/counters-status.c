/* SPDX-License-Identifier: Apache-2.0
 *
 * Queries of flows' hits: by object, by host, and in sums.  Not for reading
 * switches (counters.c). */

#include <config.h>

#include "controller/fabric/counters/counters-private.h"
#include "controller/fabric/counters/pair-log.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/counters/counters.h"
#include "controller/fabric/fabric-counters.h"
#include "controller/fabric/fabric-drops.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric-traffic.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/packets/packet-in-meters.h"
#include "controller/fabric/packets/packet-sampling.h"
#include "controller/fabric/session/switch.h"
#include "controller/schema/schema.h"
#include "hash.h"
#include "util.h"

static void
add(struct fabric_count *sum, const struct fabric_count *count)
{
    sum->packets += count->packets;
    sum->bytes += count->bytes;
    sum->last_ms = MAX(sum->last_ms, count->last_ms);
}

/* Returns true if 'counter' belongs to the object; fills in 'about'. */
static bool
is_of(const struct fabric *f, const struct counter *counter,
      enum vmn_table table, const char *name, struct engine_flow_owner *about)
{
    engine_get_flow_owner(f->engine, counter->cookie, counter->part, about);
    return (about->type && !strcmp(about->type, schema_tables[table]->plural)
            && !strcmp(about->name, name));
}

bool
fabric_rule_counts(const struct fabric *f, enum vmn_table table,
                   const char *name, size_t n_rules,
                   struct fabric_count *counts, struct fabric_count *rest)
{
    const struct counter *counter;
    bool any = false;

    if (n_rules) {
        memset(counts, 0, n_rules * sizeof *counts);
    }
    memset(rest, 0, sizeof *rest);
    HMAP_FOR_EACH_WITH_HASH (counter, object_node, hash_string(name, 0),
                             &f->counters->by_object) {
        struct engine_flow_owner about;

        if (!is_of(f, counter, table, name, &about)) {
            continue;
        }
        if (about.rule >= 0 && (size_t) about.rule < n_rules) {
            add(&counts[about.rule], &counter->total);
            any = true;
        } else if (!counter->part) {
            add(rest, &counter->total);
        }
    }
    return any;
}

size_t
fabric_unread_hosts(const struct fabric *f)
{
    return (hmap_count(&f->hosts)
            - f->counters->n_read);
}

int64_t
fabric_counted_ms(const struct fabric *f)
{
    const struct fabric_host *host;
    int64_t oldest_ms = 0;

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        int64_t ms = counters_of(host->sw)->counted_ms;

        if (ms && (!oldest_ms || ms < oldest_ms)) {
            oldest_ms = ms;
        }
    }
    return oldest_ms;
}

static void
add_load(struct fabric_load *load, const struct counter *counter)
{
    load->packets += counter->total.packets;
    load->bytes += counter->total.bytes;
    load->last_ms = MAX(load->last_ms, counter->total.last_ms);
    load->packets_per_s += counter->packets_1000s / 1000.0;
    load->bytes_per_s += counter->bytes_1000s / 1000.0;
}

/* Without asking the app once more: it may be in another process, and lists
 * have many objects. */
static bool
is_of_row(const struct counter *counter, enum vmn_table table,
          const char *name)
{
    return (counter->type && !strcmp(counter->name, name)
            && !strcmp(counter->type, schema_tables[table]->plural));
}

void
fabric_parts(const struct fabric *f, enum vmn_table table, const char *name,
             fabric_part_cb *cb, void *aux)
{
    const struct counter *counter;

    HMAP_FOR_EACH_WITH_HASH (counter, object_node, hash_string(name, 0),
                             &f->counters->by_object) {
        if (is_of_row(counter, table, name)) {
            struct fabric_load load = { .packets = 0 };

            add_load(&load, counter);
            cb(aux, counter->part, counter->reason, &load);
        }
    }
}

bool
fabric_object_load(const struct fabric *f, const char *app,
                   enum vmn_table table, const char *name,
                   struct fabric_load *load)
{
    const struct counter *counter;

    memset(load, 0, sizeof *load);
    if (!f->counters->interval_ms) {
        return false;
    }
    HMAP_FOR_EACH_WITH_HASH (counter, object_node, hash_string(name, 0),
                             &f->counters->by_object) {
        if (!counter->reason && !counter->log && !strcmp(counter->app, app)
            && is_of_row(counter, table, name)) {
            add_load(load, counter);
        }
    }
    return true;
}

/* A sampled copy may be newer than the last reading of counters. */
void
fabric_rule_logs(const struct fabric *f, const char *policy, size_t n_rules,
                 struct fabric_log *logs)
{
    const struct counter *counter;

    memset(logs, 0, n_rules * sizeof *logs);
    HMAP_FOR_EACH_WITH_HASH (counter, object_node, hash_string(policy, 0),
                             &f->counters->by_object) {
        struct engine_flow_owner about;

        if (counter->log
            && is_of(f, counter, VMN_TABLE_POLICY, policy, &about)
            && about.rule >= 0 && (size_t) about.rule < n_rules) {
            uint64_t n_logged = sampling_n_logged(f, counter->cookie,
                                                  counter->part);

            logs[about.rule].n_logged += n_logged;
            logs[about.rule].n_events += MAX(
                counter->total.packets - counter->n_before, n_logged);
        }
    }
}

/* Flows of a host that share a counter, summed up. */
struct row {
    struct hmap_node node;      /* By the counter's address. */
    const struct counter *counter;
    struct fabric_count count;
};

static void
sum_up(struct hmap *rows, const struct counted_flow *flow)
{
    uint32_t hash = hash_pointer(flow->counter, 0);
    struct row *row;

    HMAP_FOR_EACH_WITH_HASH (row, node, hash, rows) {
        if (row->counter == flow->counter) {
            add(&row->count, &flow->total);
            return;
        }
    }
    row = xzalloc(sizeof *row);
    row->counter = flow->counter;
    row->count = flow->total;
    hmap_insert(rows, &row->node, hash);
}

static void
report_host(const struct fabric_host *host, fabric_drop_cb *cb, void *aux)
{
    struct hmap rows = HMAP_INITIALIZER(&rows);
    const struct counted_flow *flow;
    struct row *row;

    HMAP_FOR_EACH (flow, node, &counters_of(host->sw)->flows) {
        if (flow->counter->sum && !flow->counter->retired) {
            sum_up(&rows, flow);
        }
    }
    HMAP_FOR_EACH_POP (row, node, &rows) {
        const struct fabric_drop drop = {
            .host = host->name,
            .app = row->counter->app,
            .reason = row->counter->reason,
            .cookie = row->counter->cookie,
            .part = row->counter->part,
            .count = row->count,
            .background = engine_is_background(host->fabric->engine,
                                               row->counter->reason),
        };

        cb(aux, &drop);
        free(row);
    }
    hmap_destroy(&rows);
    packet_in_meter_drops_each(host->sw, cb, aux);
}

void
fabric_metered(const struct fabric *f, uint64_t *ports, uint64_t *tunnels)
{
    *ports = f->n_metered[0];
    *tunnels = f->n_metered[1];
}

void
fabric_drops(const struct fabric *f, const char *host_name,
             fabric_drop_cb *cb, void *aux)
{
    const struct fabric_host *host;

    if (host_name) {
        host = fabric_find_host(f, host_name);
        if (host) {
            report_host(host, cb, aux);
        }
        return;
    }
    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        report_host(host, cb, aux);
    }
}

void
fabric_unit_counts(const struct fabric *f, const char *app,
                   fabric_unit_cb *cb, void *aux)
{
    for (size_t i = 0; i < f->counters->n_units; i++) {
        const struct unit_sum *sum = &f->counters->units[i];

        if (!app || !strcmp(sum->app, app)) {
            cb(aux, sum->app, sum->unit, &sum->total);
        }
    }
}

void
fabric_drop_sums(const struct fabric *f, fabric_drop_sum_cb *cb, void *aux)
{
    for (size_t i = 0; i < f->counters->n_sums; i++) {
        const struct drop_sum *sum = &f->counters->sums[i];

        cb(aux, sum->app, sum->reason,
           engine_is_background(f->engine, sum->reason), sum->packets,
           sum->bytes);
    }
}

void
counters_get_stats(const struct fabric *f, struct fabric_stats *stats)
{
    stats->n_counter_polls = f->counters->n_polls;
    stats->n_counter_failures = f->counters->n_failed;
    stats->n_counted_flows = f->counters->n_flows;
    stats->n_counters_full = f->counters->n_full;
}

/* Traffic of ports.  ----------------------------------------------------- */

static const struct port_stats *
find_port(const struct fabric *f, const char *host, uint32_t ofport)
{
    const struct fabric_host *found = fabric_find_host(f, host);

    return (found ? port_stats_find(&counters_of(found->sw)->traffic, ofport)
            : NULL);
}

bool
fabric_port_traffic(const struct fabric *f, const char *host,
                    uint32_t ofport, struct fabric_traffic *traffic)
{
    const struct port_stats *port = find_port(f, host, ofport);

    memset(traffic, 0, sizeof *traffic);
    if (port) {
        *traffic = (struct fabric_traffic) {
            .sent_packets = port->rx_packets,
            .sent_bytes = port->rx_bytes,
            .sent_bytes_per_s = port->rx_bytes_per_s,
            .received_packets = port->tx_packets,
            .received_bytes = port->tx_bytes,
            .received_bytes_per_s = port->tx_bytes_per_s,
        };
    }
    return port != NULL;
}

bool
fabric_tunnel_traffic(const struct fabric *f, const char *host,
                      struct fabric_traffic *traffic)
{
    static const uint32_t tunnels[] = { VMN_TUNNEL_OFPORT,
                                        VMN_GENEVE_OFPORT };
    bool found = false;

    memset(traffic, 0, sizeof *traffic);
    for (size_t i = 0; i < ARRAY_SIZE(tunnels); i++) {
        const struct port_stats *port = find_port(f, host, tunnels[i]);

        if (port) {
            traffic->sent_packets += port->tx_packets;
            traffic->sent_bytes += port->tx_bytes;
            traffic->sent_bytes_per_s += port->tx_bytes_per_s;
            traffic->received_packets += port->rx_packets;
            traffic->received_bytes += port->rx_bytes;
            traffic->received_bytes_per_s += port->rx_bytes_per_s;
            found = true;
        }
    }
    return found;
}

/* Pairs.  ----------------------------------------------------------------- */

void
fabric_pairs(const struct fabric *f, int64_t since_ms, fabric_pair_cb *cb,
             void *aux, struct fabric_pair_totals *totals)
{
    pair_log_read(f->counters->pairs.log, since_ms, cb, aux, totals);
}

void
fabric_pair_stats(const struct fabric *f, struct fabric_pair_stats *stats)
{
    const struct pair_readings *pairs = &f->counters->pairs;

    stats->sums = *pair_log_sums(pairs->log);
    stats->n_pairs = pair_log_size(pairs->log);
    stats->n_full_hosts = pairs->n_full_hosts;
}
