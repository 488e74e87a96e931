/* SPDX-License-Identifier: Apache-2.0
 *
 * A fabric of hosts that a test speaks for, in the place of controller/fabric:
 * what northbound asks is answered from 'fake_fabric'; see
 * northbound-fixture.h. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-audit.h"
#include "controller/fabric/fabric-captures.h"
#include "controller/fabric/fabric-counters.h"
#include "controller/fabric/fabric-drops.h"
#include "controller/fabric/fabric-flows.h"
#include "controller/fabric/fabric-flush.h"
#include "controller/fabric/fabric-frames.h"
#include "controller/fabric/fabric-guests.h"
#include "controller/fabric/fabric-learned-connections.h"
#include "controller/fabric/fabric-live-trace.h"
#include "controller/fabric/fabric-packet-sampling.h"
#include "controller/fabric/fabric-pairs.h"
#include "controller/fabric/fabric-receipts.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/fabric-traffic.h"
#include "controller/fabric/fabric-watch.h"
#include "controller/fabric/fabric.h"
#include "controller/flow/learn-connection.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "svec.h"
#include "tests/unit/northbound-fixture.h"
#include "util.h"

struct fabric fake_fabric;

bool
fabric_host_status(const struct fabric *f, const char *host,
                   struct arena *arena, struct status_host *status)
{
    static struct status_unclaimed unclaimed = {
        .iface_id = "lost", .interface = "tap1", .mac = "02:00:00:00:00:01",
        .since = 1000,
    };

    *status = (struct status_host) {
        .ports = -1, .state = f->host_state ? f->host_state : "offline",
        .reason = arena_strdup(arena, host), .unclaimed = f->n_unclaimed,
        .n_unclaimed_interfaces = f->n_unclaimed ? 1 : 0,
        .unclaimed_interfaces = f->n_unclaimed ? &unclaimed : NULL,
    };
    return true;
}

bool
fabric_neighbour_unanswered(const struct fabric *f,
                            const char *host OVS_UNUSED,
                            uint32_t network OVS_UNUSED,
                            const struct vmn_ip *ip OVS_UNUSED,
                            struct fabric_unanswered *asked)
{
    *asked = f->unanswered;
    return asked->n > 0;
}

bool
fabric_host_state(const struct fabric *f, const char *host OVS_UNUSED,
                  const char **state, struct status_lag *lag)
{
    *state = f->host_state ? f->host_state : "offline";
    *lag = (struct status_lag) { .revisions = 0 };
    return true;
}

bool
fabric_host_is_unheard(const struct fabric *f, const char *host,
                       int64_t *since_ms)
{
    *since_ms = f->unheard_ms;
    return f->unheard_ms && !strcmp(host, "hv1");
}

bool
fabric_any_host_is_unheard(const struct fabric *f)
{
    return f->unheard_ms != 0;
}

bool
fabric_host_is_seen(const struct fabric *f OVS_UNUSED,
                    const char *host OVS_UNUSED)
{
    return true;
}

bool
fabric_each_unseen(const struct fabric *f OVS_UNUSED, int ms OVS_UNUSED,
                   fabric_unseen_cb *cb OVS_UNUSED, void *aux OVS_UNUSED)
{
    return true;
}

bool
fabric_host_changes_role(const struct fabric *f OVS_UNUSED,
                         const char *host OVS_UNUSED)
{
    return false;
}

bool
fabric_host_switch_is_dead(const struct fabric *f OVS_UNUSED,
                           const char *host OVS_UNUSED)
{
    return false;
}

char *
fabric_host_unheard_reason(const struct fabric *f, const char *host)
{
    return (f->unheard_ms && !strcmp(host, "hv1")
            ? xstrdup("host \"hv1\" has not been heard") : NULL);
}

char *
fabric_host_stale_reason(const struct fabric *f, const char *host)
{
    return fabric_host_unheard_reason(f, host);
}

const char *
fabric_port_state(const struct fabric *f,
                  const struct vmn_port *row OVS_UNUSED)
{
    return f->port_state ? f->port_state : "unbound";
}

bool
fabric_port_status(const struct fabric *f, const char *port OVS_UNUSED,
                   struct arena *arena OVS_UNUSED, struct status_port *status)
{
    *status = (struct status_port) {
        .state = f->port_state ? f->port_state : "unbound",
        .host = f->port_state ? "hv1" : NULL,
    };
    return true;
}

void
fabric_add_watch(struct fabric *f, const struct fabric_watch *watch,
                 void *aux)
{
    assert_true(f->n_watches < FABRIC_WATCHERS_MAX);
    f->watches[f->n_watches].watch = watch;
    f->watches[f->n_watches++].aux = aux;
}

void
fabric_remove_watch(struct fabric *f, const struct fabric_watch *watch,
                    void *aux)
{
    for (size_t i = 0; i < f->n_watches; i++) {
        if (f->watches[i].watch == watch && f->watches[i].aux == aux) {
            f->watches[i] = f->watches[--f->n_watches];
            return;
        }
    }
    fail_msg("nobody watches so");
}

size_t
fabric_unclaimed_interfaces(const struct fabric *f, struct svec *hosts)
{
    for (size_t i = 1; hosts && i <= f->n_unclaiming; i++) {
        svec_add_nocopy(hosts, xasprintf("hv%"PRIuSIZE, i));
    }
    return f->n_unclaimed;
}

size_t
fabric_unread_hosts(const struct fabric *f)
{
    return f->n_unread;
}

int64_t
fabric_counted_ms(const struct fabric *f)
{
    return f->counted_ms;
}

int64_t
fabric_count_interval(const struct fabric *f OVS_UNUSED)
{
    return 0;
}

bool
fabric_host_is_connected(const struct fabric *f OVS_UNUSED,
                         const char *host OVS_UNUSED)
{
    return false;
}

bool
fabric_host_is_live(const struct fabric *f OVS_UNUSED,
                    const char *host OVS_UNUSED)
{
    return false;
}

bool
fabric_host_answered_since(const struct fabric *f OVS_UNUSED,
                           const char *host OVS_UNUSED,
                           int64_t since_us OVS_UNUSED)
{
    return false;
}

bool
fabric_send_frame(struct fabric *f OVS_UNUSED, const char *host OVS_UNUSED,
                  uint32_t ofport OVS_UNUSED, const void *frame OVS_UNUSED,
                  size_t size OVS_UNUSED)
{
    return false;
}

void
fabric_probe_host(struct fabric *f OVS_UNUSED, const char *host OVS_UNUSED)
{
}

bool
fabric_host_heard_since(const struct fabric *f OVS_UNUSED,
                        const char *host OVS_UNUSED,
                        int64_t since_us OVS_UNUSED)
{
    return false;
}

void
fabric_flush_domain(struct fabric *f OVS_UNUSED,
                    const char *domain OVS_UNUSED,
                    const struct fabric_flush *flushes OVS_UNUSED,
                    size_t n OVS_UNUSED, uint64_t after_revision OVS_UNUSED)
{
}

void
fabric_flush_cancel(struct fabric *f OVS_UNUSED,
                    const struct fabric_flush *flush OVS_UNUSED)
{
}

void
fabric_set_sink(struct fabric *f OVS_UNUSED, fabric_sink_cb *sink OVS_UNUSED,
                void *aux OVS_UNUSED)
{
}

void
fabric_set_path_sink(struct fabric *f OVS_UNUSED,
                     fabric_sink_cb *sink OVS_UNUSED, void *aux OVS_UNUSED)
{
}

unsigned
fabric_packet_port_rate(const struct fabric *f OVS_UNUSED)
{
    return 0;
}

bool
fabric_send_to_host(struct fabric *f OVS_UNUSED, const char *host OVS_UNUSED,
                    uint32_t vni OVS_UNUSED, uint32_t number OVS_UNUSED,
                    const void *frame OVS_UNUSED, size_t size OVS_UNUSED)
{
    return false;
}

void
fabric_set_capture(struct fabric *f OVS_UNUSED,
                   fabric_captured_cb *cb OVS_UNUSED, void *aux OVS_UNUSED)
{
}

const struct tls *
fabric_tls(const struct fabric *f OVS_UNUSED)
{
    return NULL;
}

uint64_t
fabric_host_acked(const struct fabric *f, const char *host OVS_UNUSED)
{
    return f->acked;
}

bool
fabric_tunnel_traffic(const struct fabric *f OVS_UNUSED,
                      const char *host OVS_UNUSED,
                      struct fabric_traffic *traffic)
{
    memset(traffic, 0, sizeof *traffic);
    traffic->sent_bytes_per_s = 7;
    return true;
}

bool
fabric_get_receipt(const struct fabric *f, uint64_t revision,
                   struct arena *arena OVS_UNUSED,
                   struct fabric_receipt *receipt)
{
    *receipt = (struct fabric_receipt) {
        .revision = revision, .installed = !f->lacking,
        .recorded = revision == f->recorded,
    };
    return ((revision > 1 || receipt->recorded)
            && (!f->behind || revision < f->behind));
}

struct fabric_rejected_host *
fabric_rejected_hosts(const struct fabric *f OVS_UNUSED, struct arena *arena,
                      size_t *n)
{
    struct fabric_rejected_host *hosts = arena_alloc(arena, sizeof *hosts);

    *hosts = (struct fabric_rejected_host) {
        .address = "192.0.2.9", .protocol = "ovsdb",
        .reason = "no host \"h9\" is known that dials in", .count = 2,
        .first = 1000, .last = 2000,
    };
    *n = 1;
    return hosts;
}

struct fabric_wait *
fabric_wait(struct fabric *f, const struct fabric_wait_for *what,
            int timeout_ms, fabric_wait_cb *cb, void *aux)
{
    assert_null(f->cb);
    f->cb = cb;
    f->aux = aux;
    f->revision = what->revisions[what->n_revisions - 1];
    f->timeout_ms = timeout_ms;
    return (struct fabric_wait *) f;
}

void
fabric_wait_cancel(struct fabric_wait *wait)
{
    struct fabric *f = (struct fabric *) wait;

    f->cb = NULL;
    f->n_cancelled++;
}

bool
fabric_progress(const struct fabric *f OVS_UNUSED, uint64_t revision,
                struct fabric_progress *progress)
{
    *progress = (struct fabric_progress) {
        .n_hosts = 2, .n_confirmed = 2, .confirmed_us = INT64_MAX / 2,
    };
    return revision > 1;
}

size_t
fabric_behind(const struct fabric *f OVS_UNUSED,
              struct arena *arena OVS_UNUSED, struct fabric_behind **list)
{
    *list = xzalloc(sizeof **list);
    (*list)->host = "hv1";
    return 1;
}

/* Keeps what was asked for. */
static void
keep_look(const struct fabric_filter *filter, size_t limit, bool repair)
{
    struct fabric *f = &fake_fabric;

    f->look = (struct fabric_audit_request) {
        .repair = repair, .limit = limit, .filter = *filter,
    };
    if (filter->app) {
        ovs_strlcpy(f->look_app, filter->app, sizeof f->look_app);
        f->look.filter.app = f->look_app;
    }
    if (filter->object) {
        ovs_strlcpy(f->look_object, filter->object, sizeof f->look_object);
        f->look.filter.object = f->look_object;
    }
}

/* A group, and flows for several turns. */
#define N_FLOWS 250

struct fabric_flows {
    size_t n_groups, n_flows;   /* That were told. */
    char host[64];
};

struct fabric_flows *
fabric_flows_create(const struct fabric *f OVS_UNUSED, const char *host,
                    const struct fabric_filter *filter, size_t limit,
                    size_t *n_flows, size_t *n_groups)
{
    struct fabric_flows *flows = xzalloc(sizeof *flows);

    keep_look(filter, limit, false);
    ovs_strlcpy(flows->host, host, sizeof flows->host);
    *n_flows = N_FLOWS;
    *n_groups = 1;
    fake_fabric.n_flows++;
    return flows;
}

bool
fabric_flows_next_group(struct fabric_flows *flows,
                        struct arena *arena OVS_UNUSED,
                        struct fabric_group *group)
{
    *group = (struct fabric_group) { .group_id = 7, .group = "type=all",
                                     .scope = "all" };
    return !flows->n_groups++;
}

bool
fabric_flows_next_flow(struct fabric_flows *flows,
                       struct arena *arena OVS_UNUSED,
                       struct fabric_flow *flow)
{
    *flow = (struct fabric_flow) {
        .match = "ip", .actions = "drop", .cookie = "0x1",
        .owner = flows->host, .scope = "all",
    };
    return fake_fabric.endless || flows->n_flows++ < N_FLOWS;
}

void
fabric_flows_destroy(struct fabric_flows *flows)
{
    free(flows);
    fake_fabric.n_flows--;
}

const char *
fabric_audit(struct fabric *f, const char *host OVS_UNUSED,
             const struct fabric_audit_request *look, fabric_audit_cb *cb,
             void *aux)
{
    if (f->not_now) {
        return f->not_now;
    }
    f->audit_cb = cb;
    f->audit_aux = aux;
    f->auditing = true;
    keep_look(&look->filter, look->limit, look->repair);
    f->n_audits++;
    return NULL;
}

void
fabric_audit_forget(struct fabric *f, fabric_audit_cb *cb OVS_UNUSED,
                    void *aux OVS_UNUSED)
{
    f->auditing = false;
    f->n_forgotten++;
}

const struct status_audit *
fabric_audited(const struct fabric *f OVS_UNUSED)
{
    static struct status_audit_owner owner = {
        .name = "overlay", .missing = 3,
    };
    static const struct status_audit audited = {
        .n_owners = 1, .owners = &owner,
    };

    return &audited;
}

void
fabric_rejected_claims(const struct fabric *fabric OVS_UNUSED,
                       fabric_rejected_claims_cb *cb, void *aux)
{
    cb(aux, "hv2", "hv1", 3);
}

void
fabric_over_budget(const struct fabric *f OVS_UNUSED,
                   fabric_over_budget_cb *cb, void *aux)
{
    cb(aux, "hv1", "ovsdb", 2);
}

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

const char *const fabric_states[FABRIC_N_STATES] = {
    "synced", "diverged", "reconciling", "connecting", "offline", "rejected",
    "unheard", "lost",
};

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

const char *
fabric_port_at(const struct fabric *f OVS_UNUSED, const char *host,
               uint32_t ofport)
{
    return !strcmp(host, "hv1") && ofport == 7 ? "web-1" : NULL;
}

bool
fabric_port_is_at(const struct fabric *f, const char *name, const char *host,
                  uint32_t ofport)
{
    const char *there = fabric_port_at(f, host, ofport);

    return there && !strcmp(there, name);
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

void
fabric_get_stats(const struct fabric *f OVS_UNUSED, struct fabric_stats *s)
{
    memset(s, 0, sizeof *s);
    s->n_hosts = 3;
    s->n_connected = s->n_heard = fake_fabric.n_connected;
    s->n_synced = fake_fabric.n_synced;
    s->n_unclaimed = fake_fabric.n_unclaimed;
}

void
fabric_unsynced_hosts(const struct fabric *f, struct svec *hosts)
{
    for (size_t i = f->n_synced; i < 3; i++) {
        svec_add_nocopy(hosts, xasprintf("hv%"PRIuSIZE" (offline)", i + 1));
    }
}

bool
fabric_get_admission(const struct fabric *f OVS_UNUSED,
                     enum fabric_listener which OVS_UNUSED,
                     struct admission_stats *stats OVS_UNUSED)
{
    return false;
}

bool
fabric_look_at_port(struct fabric *f OVS_UNUSED, const char *port OVS_UNUSED,
                    fabric_looked_cb *cb OVS_UNUSED, void *aux OVS_UNUSED)
{
    return false;
}

void
fabric_forget_port(struct fabric *f OVS_UNUSED,
                   fabric_looked_cb *cb OVS_UNUSED, void *aux OVS_UNUSED)
{
}

void
fabric_guest_status(const struct fabric *f OVS_UNUSED,
                    const char *port OVS_UNUSED,
                    struct arena *arena OVS_UNUSED,
                    struct status_port *status OVS_UNUSED)
{
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
    for (size_t i = 0; i < f->n_pairs; i++) {
        add_pair(&stats->sums, &f->pairs[i]);
    }
}

/* Live traces.  ---------------------------------------------------------- */

bool
fabric_live_is_busy(const struct fabric *f)
{
    return f->not_now;
}

struct fabric_live *
fabric_live_begin(struct fabric *f OVS_UNUSED,
                  const struct fabric_live_request *request OVS_UNUSED,
                  const struct fabric_live_callbacks *cbs OVS_UNUSED,
                  void *aux OVS_UNUSED, const char **reason)
{
    *reason = "its switch is not connected";
    return NULL;
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
