/* SPDX-License-Identifier: Apache-2.0
 *
 * A northbound with a store and a fabric that a test speaks for; see
 * northbound-fixture.h. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/apphost/apphost.h"
#include "controller/commit/commit.h"
#include "controller/fabric/fabric-audit.h"
#include "controller/fabric/fabric-counters.h"
#include "controller/fabric/fabric-drops.h"
#include "controller/fabric/fabric-flows.h"
#include "controller/fabric/fabric-flush.h"
#include "controller/fabric/fabric-frames.h"
#include "controller/fabric/fabric-learned-connections.h"
#include "controller/fabric/fabric-packet-sampling.h"
#include "controller/fabric/fabric-receipts.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/fabric-traffic.h"
#include "controller/fabric/fabric-watch.h"
#include "controller/fabric/fabric.h"
#include "controller/flow/flow-item.h"
#include "controller/flow/learn-connection.h"
#include "controller/model/id-pools.h"
#include "controller/northbound/northbound-private.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema.h"
#include "controller/schema/status.h"
#include "fatal-signal.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "proto/webhook/webhook.h"
#include "svec.h"
#include "tests/unit/northbound-fixture.h"
#include "util.h"

/* A store in memory.  ---------------------------------------------------- */

void
store_finish(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED,
             void *store_)
{
    struct vmn_error why = VMN_ERROR_INIT;
    struct store *store = store_;

    vmn_error_errno(&why, store->error, "disk full");
    store->cb(store->aux, store->error, store->error ? &why : NULL);
    vmn_error_uninit(&why);
}

static void
fake_submit(struct store *store, struct model *model, store_done_cb *cb,
            void *aux)
{
    const struct id_write *numbers;
    struct model_pending pending;
    size_t n;

    model_get_pending(model, &pending);
    id_pools_get_pending(model_id_pools(model), &n, &numbers);
    for (size_t i = 0; !store->error && i < pending.n_logs; i++) {
        const struct model_log *log = &pending.logs[i];

        if (log->stored) {
            json_array_append_new(store->logs, json_pack(
                "{s:I, s:s, s:s, s:o}", "revision",
                (json_int_t) log->revision, "time",
                "2026-11-20T09:51:13.595Z", "who", log->who, "changes",
                json_loads(log->summary, 0, NULL)));
        }
    }
    id_pools_written(model_id_pools(model));
    store->cb = cb;
    store->aux = aux;
    if (!store->hold) {
        event_active(store->done, EV_TIMEOUT, 1);
    }
}

static void
put_log(const json_t *log, struct ds *ds)
{
    char *text = json_dumps(log, JSON_COMPACT);

    ds_put_cstr(ds, text);
    free(text);
}

/* Fails as the test wants it. */
static int
fake_read(const struct store *store, struct vmn_error *why)
{
    return (store->read_error
            ? vmn_error_errno(why, store->read_error, "disk I/O error") : 0);
}

static int
fake_log(struct store *store, uint64_t revision, struct ds *ds,
         struct vmn_error *why)
{
    json_t *log;
    size_t i;

    if (fake_read(store, why)) {
        return store->read_error;
    }

    json_array_foreach (store->logs, i, log) {
        if (json_integer_value(json_object_get(log, "revision"))
            == (json_int_t) revision) {
            put_log(log, ds);
            ds_truncate(ds, ds->length - 1);
            return 0;
        }
    }
    return ENOENT;
}

static int
fake_logs(struct store *store, uint64_t after, size_t limit, struct ds *ds,
          struct vmn_error *why)
{
    json_t *log;
    size_t i, n = 0;

    json_array_foreach (store->logs, i, log) {
        if (json_integer_value(json_object_get(log, "revision"))
            > (json_int_t) after && n < limit) {
            ds_put_cstr(ds, n++ ? "," : "");
            put_log(log, ds);
        }
    }
    return fake_read(store, why);
}

static int
fake_newest_logs(struct store *store, size_t limit, struct ds *ds,
                 struct vmn_error *why)
{
    size_t n = json_array_size(store->logs);

    for (size_t i = n - MIN(n, limit); i < n; i++) {
        ds_put_cstr(ds, i > n - MIN(n, limit) ? "," : "");
        put_log(json_array_get(store->logs, i), ds);
    }
    return fake_read(store, why);
}

/* All at once. */
static int
fake_object_logs(struct store *store, const char *type, const char *name,
                 uint64_t before, size_t limit OVS_UNUSED, struct ds *ds,
                 uint64_t *next, struct vmn_error *why)
{
    const json_t *log, *change;
    size_t i, j, n = 0;

    json_array_foreach (store->logs, i, log) {
        json_array_foreach (json_object_get(log, "changes"), j, change) {
            if ((uint64_t) json_integer_value(json_object_get(log, "revision"))
                < before
                && !strcmp(json_string_value(json_object_get(change, "type")),
                           type)
                && !strcmp(json_string_value(json_object_get(change, "name")),
                           name)) {
                ds_put_cstr(ds, n++ ? "," : "");
                put_log(log, ds);
            }
        }
    }
    *next = before == 77 ? 5 : 0;
    return fake_read(store, why);
}

static int
fake_copy(struct store *store, struct model *model OVS_UNUSED,
          store_copied_cb *copied, void *aux, struct vmn_error *why)
{
    if (store->copied) {
        return vmn_error_errno(why, EBUSY, "another backup is being made");
    }
    store->copied = copied;
    store->copied_aux = aux;
    return 0;
}

static void
fake_get_stats(const struct store *store, struct store_stats *stats)
{
    *stats = (struct store_stats) { .ok = !store->error, .corrupt = store->corrupt,
                                    .n_batches = 7 };
}

const struct store_class fake_store_class = {
    .name = "fake", .submit = fake_submit, .log = fake_log, .logs = fake_logs,
    .newest_logs = fake_newest_logs, .object_logs = fake_object_logs,
    .copy = fake_copy,
    .get_stats = fake_get_stats,
};

/* A fabric of hosts that the test speaks for.  ---------------------------- */

struct fabric fake_fabric;

bool
fabric_host_status(const struct fabric *f, const char *host,
                   struct arena *arena, struct status_host *status)
{
    *status = (struct status_host) {
        .ports = -1, .state = f->host_state ? f->host_state : "offline",
        .reason = arena_strdup(arena, host),
    };
    return true;
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
    f->watch = watch;
    f->watch_aux = aux;
}

void
fabric_remove_watch(struct fabric *f,
                    const struct fabric_watch *watch OVS_UNUSED,
                    void *aux OVS_UNUSED)
{
    f->watch = NULL;
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
fabric_send_frame(struct fabric *f OVS_UNUSED, const char *host OVS_UNUSED,
                  uint32_t ofport OVS_UNUSED, const void *frame OVS_UNUSED,
                  size_t size OVS_UNUSED)
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
fabric_get_receipt(const struct fabric *f OVS_UNUSED, uint64_t revision,
                   struct arena *arena OVS_UNUSED,
                   struct fabric_receipt *receipt)
{
    *receipt = (struct fabric_receipt) { .installed = true };
    return revision > 1;
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
fabric_behind(const struct fabric *f OVS_UNUSED, struct fabric_behind **list)
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
fabric_refused_claims(const struct fabric *fabric OVS_UNUSED,
                      fabric_refused_claims_cb *cb, void *aux)
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
    "synced", "diverged", "reconciling", "connecting", "offline", "refused",
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

/* Four drops: one is of what is no more, one of no flow. */
void
fabric_drops(const struct fabric *f OVS_UNUSED, const char *host,
             fabric_drop_cb *cb, void *aux)
{
    const struct fabric_drop drops[] = {
        { "hv1", "overlay", "spoofed", flow_owner_cookie("overlay.net/shop"),
          0, { 1, 60, 3000 }, false, NULL },
        { "hv2", "overlay", "no \"good\"",
          flow_owner_cookie("overlay.net/shop"), 0, { 9, 900, 9000 },
          false, NULL },
        { "hv2", "overlay", "gone", 77, 0, { 9, 900, 9500 }, false, NULL },
        { "hv3", "vmn", "too many packets", 0, 0, { 4, 400, 2000 }, true,
          "web-1" },
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

/* hv1 has seen 'from' speak to 'to' on TCP port 80 and by GRE; it has no room
 * for more, and hv2 is away. */
void
tell_notes(void)
{
    struct fabric_connections_reading *reading = fake_fabric.reading;
    struct fabric_connections_host hosts[] = {
        { .name = "hv1", .n = 2, .full = true },
        { .name = "hv2", .missing = "its switch is gone" },
    };
    const struct learned_connection notes[] = {
        { .vni = 1, .ofport = 7, .src = fake_fabric.from,
          .dst = fake_fabric.to, .protocol = 6, .port = 80 },
        { .vni = 1, .ofport = 7, .src = fake_fabric.from,
          .dst = fake_fabric.to, .protocol = 47 },
    };
    const uint32_t where[] = { 0, 0 };
    const struct fabric_connections noted = {
        2, hosts, ARRAY_SIZE(notes), notes, where,
    };

    fake_fabric.reading = NULL;
    reading->cb(reading->aux, &noted);
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
    };

    if (after < 7) {
        cb(aux, &sample);
    }
    if (after < 8) {
        sample.id = 8;
        sample.family = 0;
        sample.protocol = 0;
        sample.eth_type = 0x88cc;
        strcpy(sample.host, "hv2");
        cb(aux, &sample);
    }
    return 8;
}

void
fabric_drop_sums(const struct fabric *f OVS_UNUSED, fabric_drop_sum_cb *cb,
                 void *aux)
{
    cb(aux, "overlay", "no \"good\"", 9, 900);
}

void
fabric_get_stats(const struct fabric *f OVS_UNUSED, struct fabric_stats *s)
{
    memset(s, 0, sizeof *s);
    s->n_hosts = 3;
    s->n_connected = fake_fabric.n_connected;
    s->n_synced = fake_fabric.n_synced;
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

/* Loads.  ---------------------------------------------------------------- */

struct fake_load fake_load;

static enum load_sample_quality
load_rate(void *aux OVS_UNUSED, const char *balancer OVS_UNUSED,
          enum vmn_scale_metric metric OVS_UNUSED, double *rate)
{
    *rate = fake_load.rate;
    return fake_load.known ? LOAD_WHOLE : LOAD_NOTHING;
}

static void
load_count(void *aux OVS_UNUSED, const char *balancer OVS_UNUSED,
           size_t *n_backends, size_t *n_serving)
{
    *n_backends = fake_load.n_backends;
    *n_serving = fake_load.n_serving;
}

static void
make_load(struct fixture *f)
{
    static const struct load_source source = { .rate = load_rate,
                                               .count = load_count };
    static const struct webhook_options options = WEBHOOK_OPTIONS_DEFAULT;
    char *text;

    memset(&fake_load, 0, sizeof fake_load);
    assert_int_equal(webhook_create(&options, f->base, &f->webhook, &text),
                     0);
    f->load = load_monitor_create(f->base, f->model, NULL, f->webhook, &source,
                                  3600 * 1000);
}

/* Fixture.  -------------------------------------------------------------- */

static void
compile_nothing(struct vmn_view *view OVS_UNUSED, const char *key OVS_UNUSED,
                struct vmn_emit *emit OVS_UNUSED)
{
}

static const struct vmn_app_class fake_app = {
    VMN_APP_HEAD,
    .name = "overlay", .description = "Nothing at all",
    .stages = (const struct vmn_stage_class[]) {
        { .name = "check", .hook = VMN_HOOK_ADMIT, .n_tables = 2,
          .miss = VMN_MISS_NEXT },
        { .name = NULL },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "net", .each = VMN_EACH_ROW, .row_type = VMN_ROW_NETWORK,
          .compile = compile_nothing },
        { .name = NULL },
    },
};

/* Who the backends of balancers are, as the app itself has it. */
void eval_backends(struct vmn_view *, const char *key, struct vmn_value *);

static void
compile_balancer(struct vmn_view *view, const char *key,
                 struct vmn_emit *emit OVS_UNUSED)
{
    size_t size;

    vmn_query(view, VMN_QUERY_BACKENDS, key, &size);
}

static const struct vmn_app_class fake_balancer = {
    VMN_APP_HEAD,
    .name = "loadbalancer", .description = "Nothing at all",
    .queries = (const struct vmn_query_class[]) {
        { .name = "backends", .eval = eval_backends },
        { .name = NULL },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "vip", .each = VMN_EACH_ROW,
          .row_type = VMN_ROW_LOADBALANCER, .compile = compile_balancer },
        { .name = NULL },
    },
    .id_pools = (const struct vmn_id_pool_class[]) {
        { "loadbalancer.vip", 1000 },
        { "loadbalancer.backend", 1000 },
        { .name = NULL },
    },
};

void
on_committed(void *done, const struct commit_result *result)
{
    assert_true(result->ok);
    *(bool *) done = true;
}

static void
make_app(struct fixture *f)
{
    struct model_request request;
    bool done = false;

    model_request_init(&request, "vmnd");
    model_request_add(&request, MODEL_PUT, VMN_TABLE_APP, "overlay",
                      json_object());
    commit_submit(f->commit, &request, on_committed, &done);
    model_request_uninit(&request);
    while (!done) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
}

int
setup(void **state)
{
    struct fixture *f = xzalloc(sizeof *f);
    struct northbound_options options = { 0 };
    struct vmn_errors errors;
    struct vmn_error why = VMN_ERROR_INIT;

    alarm(120);
    memset(&fake_fabric, 0, sizeof fake_fabric);
    f->base = event_base_new();
    ovs_strlcpy(f->dir, "/tmp/vmn-nb-XXXXXX", sizeof f->dir);
    assert_non_null(mkdtemp(f->dir));
    f->path = xasprintf("%s/sock", f->dir);
    f->store.done = event_new(f->base, -1, 0, store_finish, &f->store);
    f->store.logs = json_array();
    f->model = model_create();
    vmn_errors_init(&errors);
    assert_int_equal(model_load_done(f->model, 0, &errors), 0);
    f->apphost = apphost_create();
    assert_int_equal(apphost_add(f->apphost, &fake_app, NULL), 0);
    assert_int_equal(apphost_add(f->apphost, &fake_balancer, NULL), 0);
    assert_int_equal(apphost_place(f->apphost, NULL), 0);
    f->engine = engine_create(f->model, apphost_pipeline(f->apphost));
    f->commit = commit_create(f->base, f->model, f->engine,
                              &fake_store_class, &f->store);
    make_app(f);
    make_load(f);
    options.unix_path = f->path;
    options.webhook = f->webhook;
    options.load = f->load;
    if (northbound_create(&options, f->base, f->model, f->engine, f->commit,
                          &fake_fabric, &fake_store_class, &f->store,
                          f->apphost, &f->nb, &why)) {
        fail_msg("%s", why.text);
    }
    client_connect(&f->client, f->base, f->path);
    *state = f;
    return 0;
}

int
teardown(void **state)
{
    struct fixture *f = *state;

    json_decref(f->body);
    client_close(&f->client);
    northbound_destroy(f->nb);
    load_monitor_destroy(f->load);
    webhook_destroy(f->webhook);
    commit_destroy(f->commit);
    engine_destroy(f->engine);
    apphost_destroy(f->apphost);
    model_destroy(f->model);
    event_free(f->store.done);
    json_decref(f->store.logs);
    event_base_free(f->base);
    rmdir(f->dir);
    free(f->path);
    free(f);
    return 0;
}

/* Asking.  --------------------------------------------------------------- */

char *
make_request(const char *method, const char *path, const char *headers,
             const char *body)
{
    return xasprintf("%s %s HTTP/1.1\r\nHost: h\r\n%s"
                     "Content-Length: %"PRIuSIZE"\r\n\r\n%s", method, path,
                     headers, body ? strlen(body) : 0, body ? body : "");
}

/* Takes the next reply; its body to f->body. */
int
take_reply(struct fixture *f)
{
    int status = client_reply(&f->client);

    json_decref(f->body);
    f->body = json_loads(f->client.body.length
                         ? ds_cstr(&f->client.body) : "", 0, NULL);
    return status;
}

int
call_with(struct fixture *f, const char *method, const char *path,
          const char *headers, const char *body)
{
    char *request = make_request(method, path, headers, body);

    client_say(&f->client, request);
    free(request);
    return take_reply(f);
}

int
call(struct fixture *f, const char *method, const char *path,
     const char *body)
{
    return call_with(f, method, path, "", body);
}

/* Sends, and comes back before the reply. */
void
send_only(struct fixture *f, const char *method, const char *path,
          const char *body)
{
    char *request = make_request(method, path, "", body);

    client_say(&f->client, request);
    free(request);
}

/* The value at a dotted path of the last reply, such as "items.0.name". */
json_t *
at(struct fixture *f, const char *path)
{
    json_t *json = f->body;
    char *copy = xstrdup(path), *save = NULL;

    for (char *part = strtok_r(copy, ".", &save); part && json;
         part = strtok_r(NULL, ".", &save)) {
        json = json_is_array(json) ? json_array_get(json, atoi(part))
               : json_object_get(json, part);
    }
    free(copy);
    return json;
}

void
assert_text(struct fixture *f, const char *path, const char *want)
{
    const char *have = json_string_value(at(f, path));

    if (!have || strcmp(have, want)) {
        fail_msg("%s is %s instead of %s in %s", path, have ? have : "absent",
                 want, ds_cstr(&f->client.body));
    }
}

bool
has_error_at(struct fixture *f, const char *pointer)
{
    json_t *error;
    size_t i;

    json_array_foreach (at(f, "errors"), i, error) {
        const char *p = json_string_value(json_object_get(error, "pointer"));

        if (p && !strcmp(p, pointer)) {
            return true;
        }
    }
    return false;
}

void
assert_error_at(struct fixture *f, const char *pointer)
{
    if (!has_error_at(f, pointer)) {
        fail_msg("no error at %s in %s", pointer, ds_cstr(&f->client.body));
    }
}

void
assert_call(struct fixture *f, int want, const char *method,
            const char *path, const char *body)
{
    int status = call(f, method, path, body);

    if (status != want) {
        fail_msg("%s %s: %d instead of %d: %s", method, path, status, want,
                 f->client.body.length ? ds_cstr(&f->client.body) : "");
    }
}

json_int_t
revision(struct fixture *f)
{
    return json_integer_value(at(f, "revision"));
}

void
make_shop(struct fixture *f)
{
    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    assert_call(f, 201, "PUT", "/v1/ports/web-1", PORT("\"role\": \"web\""));
    assert_call(f, 201, "PUT", "/v1/ports/web-2", PORT("\"role\": \"web\""));
    assert_call(f, 201, "PUT", "/v1/ports/db-1", PORT("\"role\": \"db\""));
}
