/* SPDX-License-Identifier: Apache-2.0
 *
 * What the fake fabric of northbound-fabric.c says of traffic: what hosts have
 * counted, dropped, sampled and seen of connections.  Not for hosts, flows and
 * ports, which are there. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-counters.h"
#include "controller/fabric/fabric-drops.h"
#include "controller/fabric/fabric-learned-connections.h"
#include "controller/fabric/fabric-live-trace.h"
#include "controller/fabric/fabric-packet-sampling.h"
#include "controller/fabric/fabric-pairs.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/fabric-traffic.h"
#include "controller/fabric/fabric.h"
#include "controller/flow/learn-connection.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "tests/unit/northbound-fixture.h"
#include "util.h"

void
fabric_packet_drops(const struct fabric *f OVS_UNUSED,
                    fabric_packet_drop_cb *cb, void *aux)
{
    cb(aux, "vmn", "port's rate", 7);
    cb(aux, "app.handler", "so \"said\" \\ it", 1);
}

void
fabric_rule_logs(const struct fabric *f OVS_UNUSED,
                 const char *policy OVS_UNUSED, size_t n_rules,
                 struct fabric_log *logs)
{
    for (size_t i = 0; i < n_rules; i++) {
        logs[i] = (struct fabric_log) { 10 * i, 4 * i };
    }
}

void
fabric_telemetry_status(const struct fabric *f OVS_UNUSED,
                        const struct vmn_telemetry *row, size_t max,
                        struct arena *arena, struct status_telemetry *status)
{
    *status = (struct status_telemetry) { .n_hosts = 1 };
    if (max) {
        status->n_listed = 1;
        status->hosts = arena_alloc(arena, sizeof *status->hosts);
        *status->hosts = (struct status_telemetry_host) {
            .host = "hv1", .sflow = "blocked", .reason = row->row.name,
        };
    }
}

void
fabric_balancer_load(const struct fabric *f OVS_UNUSED, const char *balancer,
                     const struct vmn_lb_member *members OVS_UNUSED, size_t n,
                     struct fabric_balancer_load *load,
                     struct fabric_balancer_load *loads)
{
    *load = (struct fabric_balancer_load) {
        .connections = strlen(balancer), .connections_per_s = 1.5,
        .packets = 10, .bytes = 90, .packets_per_s = 2, .bytes_per_s = 18,
        .dropped = 2, .last_ms = 1000,
    };
    for (size_t i = 0; i < n; i++) {
        loads[i] = (struct fabric_balancer_load) { .connections = i };
    }
}

bool
fabric_rule_counts(const struct fabric *f OVS_UNUSED, enum vmn_table table,
                   const char *name, size_t n_rules,
                   struct fabric_count *counts, struct fabric_count *rest)
{
    if (table == VMN_TABLE_TIER) {
        *rest = (struct fabric_count) { !strcmp(name, "platform") ? 9 : 0, 90,
                                        INT64_C(1763650927000) };
        return false;
    } else if (table == VMN_TABLE_QUARANTINE) {
        memset(counts, 0, n_rules * sizeof *counts);
        if (n_rules > 1) {
            counts[1] = (struct fabric_count) { 4, 400, 1000 };
        }
        return n_rules > 1;
    }
    assert_int_equal(table, VMN_TABLE_POLICY);
    assert_string_equal(name, "p");
    *rest = (struct fabric_count) { 7, 700, 2000 };
    memset(counts, 0, n_rules * sizeof *counts);
    counts[1] = (struct fabric_count) { 5, 500, 1000 };
    counts[2] = (struct fabric_count) { 2, 20, INT64_C(1763650927000) };
    return true;
}

void
fabric_metered(const struct fabric *f OVS_UNUSED, uint64_t *ports,
               uint64_t *tunnels)
{
    *ports = 17;
    *tunnels = 3;
}

/* Five drops: one is of what is no more, one of no flow, one background. */
void
fabric_drops(const struct fabric *f OVS_UNUSED, const char *host,
             fabric_drop_cb *cb, void *aux)
{
    const struct fabric_drop drops[] = {
        { "hv1", "overlay", "spoofed", flow_owner_cookie("overlay.net/shop"),
          0, { 1, 60, 3000 }, false, false, NULL },
        { "hv2", "overlay", "no \"good\"",
          flow_owner_cookie("overlay.net/shop"), 0, { 9, 900, 9000 },
          false, false, NULL },
        { "hv2", "overlay", "gone", 77, 0, { 9, 900, 9500 }, false, false,
          NULL },
        { "hv3", "vmn", "too many packets", 0, 0, { 4, 400, 2000 }, false,
          true, "web-1" },
        { "hv3", "overlay", "MLD", flow_owner_cookie("overlay.net/shop"), 0,
          { 5, 500, 9900 }, true, false, NULL },
    };

    for (size_t i = 0; i < ARRAY_SIZE(drops); i++) {
        if (!host || !strcmp(host, drops[i].host)) {
            cb(aux, &drops[i]);
        }
    }
}

struct fabric_connections_reading *
fabric_read_connections(struct fabric *f, uint32_t vni,
                  const struct vmn_names *hosts, int64_t since_ms,
                  fabric_connections_cb *cb, void *aux)
{
    struct fabric_connections_reading *reading = xzalloc(sizeof *reading);

    assert_true(since_ms > 0);
    reading->cb = cb;
    reading->aux = aux;
    reading->vni = vni;
    for (size_t i = 0; i < hosts->n; i++) {
        strcat(strcat(reading->hosts, i ? "," : ""), hosts->names[i]);
    }
    f->reading = reading;
    return reading;
}

void
fabric_connections_cancel(struct fabric_connections_reading *reading)
{
    free(reading);
    fake_fabric.reading = NULL;
}

/* hv1 has seen 'from' speak to 'to' on TCP port 80 and by GRE; it has no room
 * for more, and hv2 is away. */
void
tell_notes(void)
{
    struct fabric_connections_reading *reading = fake_fabric.reading;
    struct fabric_connections_host hosts[] = {
        { .name = "hv1", .n = 2, .full = true },
        { .name = "hv2", .missing = "its switch has disconnected" },
    };
    const struct learned_connection learned[] = {
        { .vni = 1, .ofport = 7, .src = fake_fabric.from,
          .dst = fake_fabric.to, .protocol = 6, .port = 80 },
        { .vni = 1, .ofport = 7, .src = fake_fabric.from,
          .dst = fake_fabric.to, .protocol = 47 },
    };
    const uint32_t where[] = { 0, 0 };
    const struct fabric_connections reported = {
        2, hosts, ARRAY_SIZE(learned), learned, where,
    };

    fake_fabric.reading = NULL;
    reading->cb(reading->aux, &reported);
    free(reading);
}

uint64_t
fabric_samples(const struct fabric *f OVS_UNUSED,
               enum fabric_sample_kind kind, uint64_t after,
               fabric_sample_cb *cb, void *aux)
{
    struct fabric_sample sample = {
        .id = 7, .time_ms = 9000, .n = 3, .n_suppressed = 2,
        .host = "hv1", .network = "shop", .src_port = "web-1",
        .reason = kind == FABRIC_SAMPLE_DROP ? "spoofed" : NULL,
        .owner = "overlay.net/shop", .type = "networks", .name = "shop",
        .rule = -1, .size = 74, .eth_type = 0x800, .family = 4,
        .src = { 10, 0, 0, 1 }, .dst = { 10, 0, 0, 2 }, .protocol = 6,
        .tp_src = 1025, .tp_dst = 80,
        .verdict = VMN_DENY, .shadow = true,
    };

    ovs_strlcpy(sample.dst_port, fake_fabric.sample_to,
                sizeof sample.dst_port);
    if (after < 6 && kind == FABRIC_SAMPLE_DROP) {
        struct fabric_sample background = sample;

        background.id = 6;
        background.reason = "MLD";
        background.background = true;
        cb(aux, &background);
    }
    if (after < 7) {
        cb(aux, &sample);
    }
    if (after < 8) {
        sample.id = 8;
        sample.family = 0;
        sample.protocol = 0;
        sample.eth_type = 0x88cc;
        sample.verdict = VMN_ALLOW;
        sample.shadow = false;
        strcpy(sample.host, "hv2");
        cb(aux, &sample);
    }
    return 8;
}

void
fabric_drop_sums(const struct fabric *f OVS_UNUSED, fabric_drop_sum_cb *cb,
                 void *aux)
{
    cb(aux, "overlay", "no \"good\"", false, 9, 900);
}

void
fabric_unit_counts(const struct fabric *f OVS_UNUSED, const char *app,
                   fabric_unit_cb *cb, void *aux)
{
    const struct fabric_count count = { 7, 700, 1000 };

    cb(aux, app ? app : "overlay", "port", &count);
}

void
fabric_parts(const struct fabric *f OVS_UNUSED,
             enum vmn_table table OVS_UNUSED, const char *name OVS_UNUSED,
             fabric_part_cb *cb OVS_UNUSED, void *aux OVS_UNUSED)
{
}

/* Of each object of the router app. */
bool
fabric_object_load(const struct fabric *f, const char *app,
                   enum vmn_table table OVS_UNUSED,
                   const char *name OVS_UNUSED, struct fabric_load *load)
{
    *load = (struct fabric_load) {
        .packets = strcmp(app, "router") ? 0 : 5, .bytes = 500,
        .packets_per_s = 0.25, .bytes_per_s = 25.04, .last_ms = 1000,
    };
    return f->counted_ms != 0;
}

static void
add_pair(struct fabric_pair_sums *sums, const struct fabric_pair *p)
{
    enum fabric_pair_way way
        = (!p->src ? FABRIC_PAIR_OTHERS
           : strcmp(p->src_host, p->dst_host) ? FABRIC_PAIR_CROSS_HOST
           : FABRIC_PAIR_SAME_HOST);

    sums->packets[way] += p->packets;
    sums->bytes[way] += p->bytes;
}

void
fabric_pairs(const struct fabric *f, int64_t since_ms OVS_UNUSED,
             fabric_pair_cb *cb, void *aux,
             struct fabric_pair_totals *totals)
{
    memset(totals, 0, sizeof *totals);
    for (size_t i = 0; i < f->n_pairs; i++) {
        totals->since_ms = 1000;
        totals->unlisted_bytes = 11;
        add_pair(&totals->sums, &f->pairs[i]);
        cb(aux, &f->pairs[i]);
    }
}

void
fabric_pair_stats(const struct fabric *f, struct fabric_pair_stats *stats)
{
    memset(stats, 0, sizeof *stats);
    stats->n_pairs = f->n_pairs;
    stats->n_full_hosts = f->n_full_hosts;
    for (size_t i = 0; i < f->n_pairs; i++) {
        add_pair(&stats->sums, &f->pairs[i]);
    }
}

/* Live traces.  ---------------------------------------------------------- */

struct fabric_live *
fabric_live_begin(struct fabric *f OVS_UNUSED,
                  const struct fabric_live_request *request,
                  const struct fabric_live_callbacks *cbs OVS_UNUSED,
                  void *aux OVS_UNUSED, const char **host,
                  const char **reason)
{
    *host = request->hosts[0].name;
    *reason = "its switch is not connected";
    return NULL;
}

void
fabric_live_put_in(struct fabric_live *live OVS_UNUSED, size_t i OVS_UNUSED,
                   const uint8_t *frame OVS_UNUSED, size_t size OVS_UNUSED)
{
}

void
fabric_live_cancel(struct fabric_live *live OVS_UNUSED)
{
}

bool
fabric_live_is_behind(const struct fabric *f OVS_UNUSED,
                      const char *host OVS_UNUSED)
{
    return false;
}
