/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON API over a raw client, on a real model, engine and commit.  Only
 * the store and the fabric are made here, so that a test can hold, fail and
 * finish what they do. */

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
#include "controller/engine/commit.h"
#include "controller/engine/item.h"
#include "controller/engine/note.h"
#include "controller/fabric/fabric.h"
#include "controller/model/numbers.h"
#include "controller/northbound/northbound-private.h"
#include "controller/schema/schema.h"
#include "fatal-signal.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "tests/unit/http-client.h"
#include "util.h"

/* A store in memory.  ---------------------------------------------------- */

struct store {
    struct event *done;
    store_done_cb *cb;
    void *aux;
    int error;                  /* Of the next writes. */
    bool hold;                  /* Do not finish writes. */
    json_t *logs;
    /* The copy that was asked for. */
    store_copied_cb *copied;
    void *copied_aux;
};

static void
store_finish(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED,
             void *store_)
{
    struct store *store = store_;

    store->cb(store->aux, store->error, store->error ? "disk full" : NULL);
}

static void
fake_submit(struct store *store, struct model *model, store_done_cb *cb,
            void *aux)
{
    const struct number_write *numbers;
    struct model_pending pending;
    size_t n;

    model_get_pending(model, &pending);
    numbers_get_pending(model_numbers(model), &n, &numbers);
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
    numbers_written(model_numbers(model));
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

static bool
fake_log(struct store *store, uint64_t revision, struct ds *ds)
{
    json_t *log;
    size_t i;

    json_array_foreach (store->logs, i, log) {
        if (json_integer_value(json_object_get(log, "revision"))
            == (json_int_t) revision) {
            put_log(log, ds);
            ds_truncate(ds, ds->length - 1);
            return true;
        }
    }
    return false;
}

static void
fake_logs(struct store *store, uint64_t after, size_t limit, struct ds *ds)
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
}

static void
fake_newest_logs(struct store *store, size_t limit, struct ds *ds)
{
    size_t n = json_array_size(store->logs);

    for (size_t i = n - MIN(n, limit); i < n; i++) {
        ds_put_cstr(ds, i > n - MIN(n, limit) ? "," : "");
        put_log(json_array_get(store->logs, i), ds);
    }
}

static int
fake_copy(struct store *store, struct model *model OVS_UNUSED,
          store_copied_cb *copied, void *aux, char **text)
{
    if (store->copied) {
        *text = xstrdup("another backup is being made");
        return EBUSY;
    }
    store->copied = copied;
    store->copied_aux = aux;
    return 0;
}

static void
fake_get_stats(const struct store *store, struct store_stats *stats)
{
    *stats = (struct store_stats) { .ok = !store->error, .n_batches = 7 };
}

static const struct store_class fake_store_class = {
    .name = "fake", .submit = fake_submit, .log = fake_log, .logs = fake_logs,
    .newest_logs = fake_newest_logs, .copy = fake_copy,
    .get_stats = fake_get_stats,
};

/* A fabric of hosts that the test speaks for.  ---------------------------- */

struct fabric {
    fabric_wait_cb *cb;         /* One wait at a time. */
    void *aux;
    uint64_t revision;
    int timeout_ms;
    unsigned n_cancelled;
    const char *not_now;        /* Why nothing can be audited, or NULL. */
    fabric_audit_cb *audit_cb;
    void *audit_aux;
    json_t *audit;              /* What was asked for, of the newest. */
    unsigned n_audits, n_forgotten;
    unsigned n_flows;           /* Lists under way. */
    bool endless;               /* They do not end. */
    struct fabric_reading *reading; /* Of notes, the newest. */
    struct vmn_ip from, to;     /* Of what is noted. */
};
static struct fabric fake_fabric;

json_t *
fabric_host_status(const struct fabric *f OVS_UNUSED, const char *host)
{
    return json_pack("{s:s, s:s}", "state", "offline", "reason", host);
}

json_t *
fabric_port_status(const struct fabric *f OVS_UNUSED,
                   const char *port OVS_UNUSED)
{
    return json_pack("{s:s}", "state", "unbound");
}

bool
fabric_put_receipt(const struct fabric *f OVS_UNUSED, uint64_t revision,
                   struct ds *ds)
{
    if (revision > 1) {
        ds_put_cstr(ds, "{\"installed\":true,\"hosts\":[],\"flows\":[]}");
    }
    return revision > 1;
}

struct fabric_wait *
fabric_wait(struct fabric *f, uint64_t revision, int timeout_ms,
            fabric_wait_cb *cb, void *aux)
{
    assert_null(f->cb);
    f->cb = cb;
    f->aux = aux;
    f->revision = revision;
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

json_t *
fabric_behind(const struct fabric *f OVS_UNUSED, size_t max OVS_UNUSED,
              size_t *n)
{
    *n = 1;
    return json_pack("[{s:s}]", "host", "hv1");
}

static void
add_filter(json_t *json, const struct fabric_filter *filter, size_t limit)
{
    json_object_set_new(json, "app", json_string(filter->app));
    json_object_set_new(json, "object", json_string(filter->object));
    json_object_set_new(json, "limit", json_integer(limit));
    if (filter->by_table) {
        json_object_set_new(json, "first_table",
                            json_integer(filter->first_table));
        json_object_set_new(json, "last_table",
                            json_integer(filter->last_table));
    }
}

/* Echoes what was asked for, in several bits. */
struct fabric_flows {
    char *text;
    size_t done;
};

struct fabric_flows *
fabric_flows_create(const struct fabric *f OVS_UNUSED, const char *host,
                    const struct fabric_filter *filter, size_t limit)
{
    struct fabric_flows *flows = xzalloc(sizeof *flows);
    json_t *json = json_pack("{s:[{s:s}]}", "flows", "owner", host);

    add_filter(json, filter, limit);
    flows->text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    flows->done = 1;            /* Without the braces. */
    fake_fabric.n_flows++;
    return flows;
}

bool
fabric_flows_put(struct fabric_flows *flows, struct ds *ds)
{
    if (fake_fabric.endless) {
        return true;
    } else if (flows->text[flows->done + 1]) {
        ds_put_char(ds, flows->text[flows->done++]);
        return true;
    }
    return false;
}

void
fabric_flows_destroy(struct fabric_flows *flows)
{
    free(flows->text);
    free(flows);
    fake_fabric.n_flows--;
}

const char *
fabric_audit(struct fabric *f, const char *host OVS_UNUSED,
             const struct fabric_look *look, fabric_audit_cb *cb, void *aux)
{
    if (f->not_now) {
        return f->not_now;
    }
    f->audit_cb = cb;
    f->audit_aux = aux;
    f->audit = json_pack("{s:b}", "mend", look->mend);
    add_filter(f->audit, &look->filter, look->limit);
    f->n_audits++;
    return NULL;
}

void
fabric_audit_forget(struct fabric *f, fabric_audit_cb *cb OVS_UNUSED,
                    void *aux OVS_UNUSED)
{
    json_decref(f->audit);
    f->audit = NULL;
    f->n_forgotten++;
}

json_t *
fabric_audit_owners(const struct fabric *f OVS_UNUSED)
{
    return json_pack("{s:{s:i}}", "overlay", "missing", 3);
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

/* Three drops, one of which is of what is no more. */
void
fabric_drops(const struct fabric *f OVS_UNUSED, const char *host,
             fabric_drop_cb *cb, void *aux)
{
    const struct fabric_drop drops[] = {
        { "hv1", "overlay", "spoofed", item_owner_cookie("overlay.net/shop"),
          0, { 1, 60, 3000 } },
        { "hv2", "overlay", "no \"good\"",
          item_owner_cookie("overlay.net/shop"), 0, { 9, 900, 9000 } },
        { "hv2", "overlay", "gone", 77, 0, { 9, 900, 9500 } },
    };

    for (size_t i = 0; i < ARRAY_SIZE(drops); i++) {
        if (!host || !strcmp(host, drops[i].host)) {
            cb(aux, &drops[i]);
        }
    }
}

struct fabric_reading {
    fabric_noted_cb *cb;
    void *aux;
    uint32_t vni;
    char hosts[64];             /* "hv1,hv2". */
};

struct fabric_reading *
fabric_read_notes(struct fabric *f, uint32_t vni,
                  const struct vmn_names *hosts, int64_t since_ms,
                  fabric_noted_cb *cb, void *aux)
{
    struct fabric_reading *reading = xzalloc(sizeof *reading);

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
fabric_reading_cancel(struct fabric_reading *reading)
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
static void
tell_notes(void)
{
    struct fabric_reading *reading = fake_fabric.reading;
    struct fabric_noted_host hosts[] = {
        { .name = "hv1", .n = 2, .full = true },
        { .name = "hv2", .missing = "its switch is gone" },
    };
    const struct engine_note notes[] = {
        { .vni = 1, .ofport = 7, .src = fake_fabric.from,
          .dst = fake_fabric.to, .protocol = 6, .port = 80 },
        { .vni = 1, .ofport = 7, .src = fake_fabric.from,
          .dst = fake_fabric.to, .protocol = 47 },
    };
    const uint32_t where[] = { 0, 0 };
    const struct fabric_noted noted = { 2, hosts, ARRAY_SIZE(notes), notes,
                                        where };

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
}

/* Fixture.  -------------------------------------------------------------- */

struct fixture {
    struct event_base *base;
    struct model *model;
    struct engine *engine;
    struct commit *commit;
    struct apphost *apphost;
    struct northbound *nb;
    struct store store;
    char dir[64];
    char *path;
    struct client client;       /* Its last reply is what asserts look at. */
    json_t *body;               /* Of the last reply, or NULL. */
};

static void
compile_nothing(struct vmn_view *view OVS_UNUSED, const char *key OVS_UNUSED,
                struct vmn_emit *emit OVS_UNUSED)
{
}

static const struct vmn_app_class fake_app = {
    .abi = VMN_APP_ABI, .size = sizeof(struct vmn_app_class),
    .name = "overlay", .description = "Nothing at all",
    .stages = (const struct vmn_stage_class[]) {
        { .name = "check", .hook = VMN_HOOK_ADMIT, .n_tables = 2,
          .miss = VMN_MISS_NEXT },
        { .name = NULL },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "net", .each = VMN_EACH_ROW, .table = VMN_TABLE_NETWORK,
          .compile = compile_nothing },
        { .name = NULL },
    },
};

static void
on_app_made(void *done, const struct commit_result *result)
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
    commit_submit(f->commit, &request, on_app_made, &done);
    model_request_uninit(&request);
    while (!done) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
}

static int
setup(void **state)
{
    struct fixture *f = xzalloc(sizeof *f);
    struct northbound_options options = { 0 };
    struct vmn_errors errors;
    char *text = NULL;

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
    assert_int_equal(apphost_add(f->apphost, &fake_app, &text), 0);
    assert_int_equal(apphost_place(f->apphost, &text), 0);
    f->engine = engine_create(f->model, apphost_pipeline(f->apphost));
    f->commit = commit_create(f->base, f->model, f->engine,
                              &fake_store_class, &f->store);
    make_app(f);
    options.unix_path = f->path;
    if (northbound_create(&options, f->base, f->model, f->engine, f->commit,
                          &fake_fabric, &fake_store_class, &f->store,
                          f->apphost, &f->nb, &text)) {
        fail_msg("%s", text);
    }
    client_connect(&f->client, f->base, f->path);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    json_decref(f->body);
    client_close(&f->client);
    northbound_destroy(f->nb);
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

static char *
make_request(const char *method, const char *path, const char *headers,
             const char *body)
{
    return xasprintf("%s %s HTTP/1.1\r\nHost: h\r\n%s"
                     "Content-Length: %"PRIuSIZE"\r\n\r\n%s", method, path,
                     headers, body ? strlen(body) : 0, body ? body : "");
}

/* Takes the next reply; its body to f->body. */
static int
take_reply(struct fixture *f)
{
    int status = client_reply(&f->client);

    json_decref(f->body);
    f->body = json_loads(f->client.body.length
                         ? ds_cstr(&f->client.body) : "", 0, NULL);
    return status;
}

static int
call_with(struct fixture *f, const char *method, const char *path,
          const char *headers, const char *body)
{
    char *request = make_request(method, path, headers, body);

    client_say(&f->client, request);
    free(request);
    return take_reply(f);
}

static int
call(struct fixture *f, const char *method, const char *path,
     const char *body)
{
    return call_with(f, method, path, "", body);
}

/* Sends, and comes back before the reply. */
static void
send_only(struct fixture *f, const char *method, const char *path,
          const char *body)
{
    char *request = make_request(method, path, "", body);

    client_say(&f->client, request);
    free(request);
}

/* The value at a dotted path of the last reply, such as "items.0.name". */
static json_t *
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

static void
assert_text(struct fixture *f, const char *path, const char *want)
{
    const char *have = json_string_value(at(f, path));

    if (!have || strcmp(have, want)) {
        fail_msg("%s is %s instead of %s in %s", path, have ? have : "absent",
                 want, ds_cstr(&f->client.body));
    }
}

static bool
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

static void
assert_error_at(struct fixture *f, const char *pointer)
{
    if (!has_error_at(f, pointer)) {
        fail_msg("no error at %s in %s", pointer, ds_cstr(&f->client.body));
    }
}

static void
assert_call(struct fixture *f, int want, const char *method,
            const char *path, const char *body)
{
    int status = call(f, method, path, body);

    if (status != want) {
        fail_msg("%s %s: %d instead of %d: %s", method, path, status, want,
                 f->client.body.length ? ds_cstr(&f->client.body) : "");
    }
}

static json_int_t
revision(struct fixture *f)
{
    return json_integer_value(at(f, "revision"));
}

#define NET "{\"spec\": {\"subnets\": [{\"cidr\": \"10.0.0.0/24\"}]}}"
#define PORT(LABELS) "{\"spec\": {\"network\": \"shop\", \"labels\": {" \
                     LABELS "}}}"

static void
make_shop(struct fixture *f)
{
    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    assert_call(f, 201, "PUT", "/v1/ports/web-1", PORT("\"role\": \"web\""));
    assert_call(f, 201, "PUT", "/v1/ports/web-2", PORT("\"role\": \"web\""));
    assert_call(f, 201, "PUT", "/v1/ports/db-1", PORT("\"role\": \"db\""));
}

/* Objects.  -------------------------------------------------------------- */

static void
put_creates_then_changes_nothing(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    assert_text(f, "outcome", "created");
    assert_text(f, "name", "shop");
    json_int_t first = revision(f);
    char *etag = xasprintf("ETag: \"%"PRId64"\"\r\n", (int64_t) first);
    assert_has(&f->client.head, etag);

    assert_call(f, 200, "PUT", "/v1/networks/shop", NET);
    assert_text(f, "outcome", "unchanged");
    assert_int_equal(revision(f), first);
    assert_has(&f->client.head, etag);

    assert_call(f, 200, "GET", "/v1/networks/shop", NULL);
    assert_has(&f->client.head, etag);
    assert_true(json_integer_value(at(f, "status.vni")) > 0);
    assert_int_equal(json_integer_value(at(f, "status.ports")), 0);

    assert_call(f, 200, "PUT", "/v1/networks/shop", "{\"spec\": {}}");
    assert_text(f, "outcome", "updated");
    assert_true(revision(f) > first);
    free(etag);
}

static void
what_was_read_can_be_put_back(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 200, "GET", "/v1/ports/web-1", NULL);
    char *body = xstrdup(ds_cstr(&f->client.body));
    assert_call(f, 200, "PUT", "/v1/ports/web-1", body);
    assert_text(f, "outcome", "unchanged");
    /* But not as another one. */
    assert_call(f, 400, "PUT", "/v1/ports/web-2", body);
    assert_error_at(f, "/name");
    free(body);
}

static void
all_faults_are_told_at_once(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 400, "PUT", "/v1/ports/web-1",
                "{\"spec\": {\"network\": 7, \"mac\": \"x\", \"colour\": 1},"
                " \"labels\": {}, \"what\": 1, \"metadata\": 3}");
    assert_has(&f->client.head, "application/problem+json");
    assert_text(f, "title", "Bad Request");
    assert_text(f, "type", "urn:vmn:problem:invalid");
    assert_error_at(f, "/spec/network");
    assert_error_at(f, "/spec/mac");
    assert_error_at(f, "/spec/colour");
    assert_error_at(f, "/labels");
    assert_error_at(f, "/what");
    assert_error_at(f, "/metadata");

    assert_call(f, 400, "PUT", "/v1/ports/web-1",
                "{\"spec\": {\"network\": 7, \"mac\": \"x\"}}");
    assert_error_at(f, "/spec/network");
    assert_error_at(f, "/spec/mac");
}

static void
patch_merges_into_the_spec(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 200, "PATCH", "/v1/ports/web-1",
                "{\"spec\": {\"labels\": {\"role\": null, \"env\": \"x\"},"
                " \"quarantined\": true}}");
    assert_text(f, "outcome", "updated");
    assert_text(f, "spec.labels.env", "x");
    assert_null(at(f, "spec.labels.role"));
    assert_true(json_is_true(at(f, "spec.quarantined")));
    assert_text(f, "spec.network", "shop");
    assert_call(f, 404, "PATCH", "/v1/ports/none", "{\"spec\": {}}");
    assert_call(f, 400, "PATCH", "/v1/ports/web-1", "{\"spec\": null}");
}

static void
stale_if_match_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    char *old = xasprintf("If-Match: \"%"PRId64"\"\r\n",
                          (int64_t) revision(f));
    assert_int_equal(call_with(f, "PATCH", "/v1/networks/shop", old,
                               "{\"spec\": {\"mtu\": 1400}}"), 200);
    assert_int_equal(call_with(f, "PATCH", "/v1/networks/shop", old,
                               "{\"spec\": {\"mtu\": 1300}}"), 412);
    assert_text(f, "type", "urn:vmn:problem:stale");
    assert_int_equal(call_with(f, "DELETE", "/v1/networks/shop", old, NULL),
                     412);
    assert_int_equal(call_with(f, "PUT", "/v1/networks/new",
                               "If-Match: *\r\n", NET), 412);
    assert_int_equal(call_with(f, "PUT", "/v1/networks/shop",
                               "If-Match: 7\r\n", NET), 400);
    assert_call(f, 200, "GET", "/v1/networks/shop", NULL);
    assert_int_equal(json_integer_value(at(f, "spec.mtu")), 1400);
    free(old);
}

static void
referred_object_is_deleted_only_with_cascade(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 409, "DELETE", "/v1/networks/shop", NULL);
    assert_has(&f->client.body, "web-1");
    assert_call(f, 400, "DELETE", "/v1/networks/shop?cascade=yes", NULL);
    assert_call(f, 200, "DELETE", "/v1/networks/shop?cascade=true", NULL);
    assert_text(f, "outcome", "deleted");
    char *also = json_dumps(at(f, "also"), JSON_COMPACT | JSON_SORT_KEYS);
    assert_non_null(strstr(also, "{\"name\":\"web-1\",\"op\":\"delete\","
                           "\"type\":\"ports\"}"));
    assert_null(strstr(also, "shop"));
    free(also);
    assert_call(f, 404, "GET", "/v1/ports/web-1", NULL);
    assert_call(f, 404, "DELETE", "/v1/networks/shop", NULL);
}

static void
apps_can_only_be_switched(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 200, "GET", "/v1/apps/overlay", NULL);
    assert_true(json_is_true(at(f, "spec.enabled")));
    assert_text(f, "status.about", "Nothing at all");
    assert_call(f, 200, "PATCH", "/v1/apps/overlay",
                "{\"spec\": {\"enabled\": false}}");
    assert_call(f, 400, "PATCH", "/v1/apps/overlay",
                "{\"spec\": {\"description\": \"x\"}}");
    assert_call(f, 405, "DELETE", "/v1/apps/overlay", NULL);
    assert_has(&f->client.head, "Allow: GET, PUT, PATCH\r\n");
    assert_call(f, 404, "PUT", "/v1/apps/new", "{\"spec\": {}}");
}

/* Lists.  ---------------------------------------------------------------- */

static void
lists_come_in_pages(void **state)
{
    struct fixture *f = *state;
    struct ds names = DS_EMPTY_INITIALIZER;
    char *path = xstrdup("/v1/networks?limit=2");

    for (int i = 0; i < 5; i++) {
        char *name = xasprintf("/v1/networks/n%d", i);

        assert_call(f, 201, "PUT", name, "{\"spec\": {}}");
        free(name);
    }
    for (;;) {
        json_t *item;
        size_t i;

        assert_call(f, 200, "GET", path, NULL);
        json_array_foreach (at(f, "items"), i, item) {
            ds_put_format(&names, "%s ", json_string_value(
                json_object_get(item, "name")));
        }
        const char *next = json_string_value(at(f, "next"));
        if (!next) {
            break;
        }
        free(path);
        path = xasprintf("/v1/networks?limit=2&after=%s", next);
    }
    assert_string_equal(ds_cstr(&names), "n0 n1 n2 n3 n4 ");
    ds_destroy(&names);
    free(path);
    assert_call(f, 200, "GET", "/v1/networks?limit=5", NULL);
    assert_null(at(f, "next"));
    assert_call(f, 400, "GET", "/v1/networks?limit=0", NULL);
    assert_call(f, 400, "GET", "/v1/networks?limit=1001", NULL);
}

/* From now on each turn has been too long. */
static struct loop *
make_turns_over(struct fixture *f)
{
    struct loop *loop = loop_create();

    while (!loop_turn_is_over(loop)) {
        continue;
    }
    f->nb->loop = loop;
    return loop;
}

static void
page_that_takes_long_is_made_in_parts(void **state)
{
    struct fixture *f = *state;
    struct ds apply = DS_EMPTY_INITIALIZER;
    struct http_stats stats;
    struct loop *loop;

    ds_put_cstr(&apply, "{\"objects\": [");
    for (int i = 0; i < 100; i++) {
        ds_put_format(&apply, "%s{\"type\":\"networks\",\"name\":\"n%02d\","
                      "\"spec\":{\"labels\":{\"odd\":\"%d\"}}},"
                      "{\"type\":\"ports\",\"name\":\"p%02d\",\"spec\":{"
                      "\"network\":\"n00\",\"labels\":{\"odd\":\"%d\"}}}",
                      i ? "," : "", i, i % 2, i, i % 2);
    }
    ds_put_cstr(&apply, "]}");
    assert_call(f, 200, "POST", "/v1/apply", ds_cstr(&apply));
    ds_destroy(&apply);
    loop = make_turns_over(f);

    assert_call(f, 200, "GET", "/v1/networks?limit=90", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 90);
    assert_text(f, "items.0.name", "n00");
    assert_text(f, "items.89.name", "n89");
    assert_text(f, "next", "n89");
    assert_call(f, 200, "GET", "/v1/networks?limit=60&selector=odd=1", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 50);
    assert_text(f, "items.49.name", "n99");
    assert_null(at(f, "next"));
    assert_call(f, 200, "GET", "/v1/ports?limit=40&selector=odd=1&after=p03",
                NULL);
    assert_int_equal(json_array_size(at(f, "items")), 40);
    assert_text(f, "items.0.name", "p05");
    assert_text(f, "next", "p83");

    /* The client leaves in between. */
    send_only(f, "GET", "/v1/networks", NULL);
    event_base_loop(f->base, EVLOOP_ONCE);
    client_close(&f->client);
    client_connect(&f->client, f->base, f->path);
    assert_call(f, 200, "GET", "/v1/networks/n00", NULL);
    http_server_get_stats(f->nb->http, &stats);
    assert_int_equal(stats.n_gone, 1);
    f->nb->loop = NULL;
    loop_destroy(loop);
}

static void
lists_are_selected_by_label(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 200, "GET", "/v1/ports?selector=role%3Dweb", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 2);
    assert_call(f, 200, "GET", "/v1/ports?selector=role!=web", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 1);
    assert_text(f, "items.0.name", "db-1");
    assert_text(f, "items.0.status.state", "unbound");
    assert_call(f, 200, "GET", "/v1/ports?selector=role=web&limit=1", NULL);
    assert_text(f, "items.0.name", "web-1");
    assert_text(f, "next", "web-1");
    assert_call(f, 200, "GET", "/v1/ports?selector=role=web&after=web-1",
                NULL);
    assert_text(f, "items.0.name", "web-2");
    assert_null(at(f, "next"));
    assert_call(f, 200, "GET", "/v1/ports?selector=", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 3);
    assert_call(f, 200, "GET", "/v1/networks?selector=role", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 0);
    assert_call(f, 400, "GET", "/v1/ports?selector=%3D%3D", NULL);
}

static void
status_names_members_and_backends(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 201, "PUT", "/v1/groups/g", "{\"spec\": {\"selector\":"
                " \"role=web\", \"ports\": [\"db-1\", \"web-1\"]}}");
    assert_int_equal(json_integer_value(at(f, "status.n_members")), 3);
    assert_text(f, "status.members.0", "db-1");
    assert_text(f, "status.members.2", "web-2");
    assert_call(f, 201, "PUT", "/v1/groups/all", "{\"spec\": {\"groups\":"
                " [\"g\"], \"ports\": [\"web-2\"]}}");
    assert_int_equal(json_integer_value(at(f, "status.n_members")), 3);
    assert_text(f, "status.members.0", "db-1");
    assert_text(f, "status.members.2", "web-2");
    assert_call(f, 201, "PUT", "/v1/loadbalancers/lb", "{\"spec\": {\"vip\":"
                " \"10.0.0.100\", \"networks\": [\"shop\"], \"protocol\":"
                " \"tcp\", \"ports\": [{\"port\": 80}], \"selector\":"
                " \"role=web\"}}");
    assert_int_equal(json_array_size(at(f, "status.backends")), 2);
    assert_text(f, "status.backends.0.port", "web-1");
    assert_text(f, "status.backends.0.reason", "it is not bound to a host");
    assert_call(f, 201, "PUT", "/v1/groups/none", "{\"spec\": {\"selector\":"
                " \"role=nobody\"}}");
    assert_int_equal(json_integer_value(at(f, "status.n_members")), 0);
}

/* Transactions.  --------------------------------------------------------- */

#define APPLY "{\"objects\": ["                                             \
    "{\"type\": \"ports\", \"name\": \"a\", \"spec\": {\"network\": \"n\"}}," \
    "{\"type\": \"networks\", \"name\": \"n\", \"spec\": {}}]}"

static void
apply_takes_objects_in_any_order(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 200, "POST", "/v1/apply", APPLY);
    assert_true(json_is_true(at(f, "changed")));
    assert_text(f, "results.0.type", "ports");
    assert_text(f, "results.0.outcome", "created");
    assert_text(f, "results.1.name", "n");
    json_int_t first = revision(f);
    assert_call(f, 200, "POST", "/v1/apply", APPLY);
    assert_true(json_is_false(at(f, "changed")));
    assert_text(f, "results.0.outcome", "unchanged");
    assert_int_equal(revision(f), first);
}

static void
apply_is_all_or_nothing(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 400, "POST", "/v1/apply", "{\"objects\": ["
                "{\"type\": \"networks\", \"name\": \"n\", \"spec\": {}},"
                "{\"type\": \"networks\", \"name\": \"m\","
                " \"spec\": {\"mtu\": 5}},"
                "{\"type\": \"ports\", \"name\": \"p\","
                " \"spec\": {\"network\": \"gone\"}}]}");
    assert_error_at(f, "/objects/1/spec/mtu");
    assert_call(f, 404, "GET", "/v1/networks/n", NULL);
    assert_call(f, 400, "POST", "/v1/apply", "{\"objects\": [7,"
                "{\"type\": \"moons\", \"name\": \"n\"},"
                "{\"type\": \"ports\", \"spec\": {}},"
                "{\"type\": \"networks\", \"name\": \"m\","
                " \"spec\": {\"mtu\": 5}, \"x\": 1}], \"more\": 1}");
    assert_error_at(f, "/objects/0");
    assert_error_at(f, "/objects/1/type");
    assert_error_at(f, "/objects/2/name");
    assert_error_at(f, "/objects/3/x");
    assert_error_at(f, "/objects/3/spec/mtu");
    assert_error_at(f, "/more");
}

static void
apply_prunes_what_the_set_no_longer_names(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 200, "POST", "/v1/apply?prune=demo", APPLY);
    assert_call(f, 201, "PUT", "/v1/networks/other", NET);
    assert_call(f, 200, "POST", "/v1/apply?prune=demo",
                "{\"objects\": [{\"type\": \"networks\", \"name\": \"n\","
                " \"spec\": {}}]}");
    assert_text(f, "also.0.op", "delete");
    assert_text(f, "also.0.name", "a");
    assert_call(f, 404, "GET", "/v1/ports/a", NULL);
    assert_call(f, 200, "GET", "/v1/networks/n", NULL);
    assert_text(f, "metadata.set", "demo");
    assert_call(f, 200, "POST", "/v1/apply?prune=demo", "{\"objects\": []}");
    assert_true(json_is_true(at(f, "changed")));
    assert_text(f, "also.0.name", "n");
    assert_call(f, 200, "GET", "/v1/networks/other", NULL);
    assert_call(f, 400, "POST", "/v1/apply?prune=A%20b", APPLY);
}

static void
turn_until_waited(struct fixture *f)
{
    while (!fake_fabric.cb) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
}

static void
finish_wait(bool installed)
{
    fabric_wait_cb *cb = fake_fabric.cb;

    fake_fabric.cb = NULL;
    cb(fake_fabric.aux, installed, installed
       ? "{\"installed\":true,\"hosts\":[{\"host\":\"hv1\","
         "\"state\":\"confirmed\"}]}"
       : "{\"installed\":false,\"hosts\":[{\"host\":\"hv1\","
         "\"state\":\"offline\"}]}");
}

static void
wait_answers_with_the_receipt(void **state)
{
    struct fixture *f = *state;

    send_only(f, "PUT", "/v1/networks/shop?wait=installed&timeout=1500ms",
              NET);
    turn_until_waited(f);
    assert_int_equal(fake_fabric.timeout_ms, 1500);
    finish_wait(true);
    assert_int_equal(take_reply(f), 201);
    assert_int_equal(fake_fabric.revision, revision(f));
    assert_text(f, "receipt.hosts.0.state", "confirmed");

    send_only(f, "POST", "/v1/apply?wait=installed&timeout=2m", APPLY);
    turn_until_waited(f);
    assert_int_equal(fake_fabric.timeout_ms, 120000);
    finish_wait(false);
    assert_int_equal(take_reply(f), 202);
    assert_text(f, "receipt.hosts.0.state", "offline");
    assert_text(f, "results.0.outcome", "created");

    send_only(f, "DELETE", "/v1/networks/shop?wait=installed", NULL);
    turn_until_waited(f);
    assert_int_equal(fake_fabric.timeout_ms, 10000);
    finish_wait(true);
    assert_int_equal(take_reply(f), 200);
    assert_text(f, "outcome", "deleted");
}

static void
plan_tells_and_changes_nothing(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 200, "PUT", "/v1/networks/shop?dry_run=plan", NET);
    assert_true(json_is_true(at(f, "changed")));
    assert_text(f, "objects.0.type", "networks");
    assert_text(f, "objects.0.op", "created");
    assert_true(json_is_array(at(f, "flows.hosts")));
    assert_true(json_is_array(at(f, "flows.apps")));
    assert_true(json_is_array(at(f, "problems")));
    assert_call(f, 404, "GET", "/v1/networks/shop", NULL);

    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    json_int_t was = revision(f);
    assert_call(f, 200, "PUT", "/v1/networks/shop?dry_run=plan", NET);
    assert_true(json_is_false(at(f, "changed")));
    assert_text(f, "objects.0.op", "unchanged");
    assert_int_equal(revision(f), was);
    assert_call(f, 200, "PATCH", "/v1/networks/shop?dry_run=plan",
                "{\"spec\": {\"mtu\": 1400}}");
    assert_text(f, "objects.0.op", "updated");
    assert_call(f, 200, "GET", "/v1/networks/shop", NULL);
    assert_null(at(f, "spec.mtu"));

    /* It is refused as the change itself would be. */
    assert_call(f, 400, "PATCH", "/v1/networks/shop?dry_run=plan",
                "{\"spec\": {\"mtu\": 5}}");
    assert_error_at(f, "/spec/mtu");
    assert_call(f, 404, "DELETE", "/v1/networks/none?dry_run=plan", NULL);
}

static void
change_that_is_only_tried_leaves_nothing(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    assert_call(f, 200, "POST", "/v1/reachability",
                "{\"after\": [{\"type\": \"networks\", \"name\": \"n\","
                " \"spec\": {}}]}");
    assert_true(json_is_array(at(f, "changes")));
    assert_call(f, 404, "GET", "/v1/networks/n", NULL);
    assert_call(f, 400, "POST", "/v1/reachability",
                "{\"after\": [{\"type\": \"ports\", \"name\": \"p\","
                " \"spec\": {\"network\": \"none\"}}]}");
    assert_error_at(f, "/after/0/spec/network");
    assert_call(f, 400, "POST", "/v1/reachability", "{}");
    assert_error_at(f, "/after");
    assert_call(f, 400, "POST", "/v1/reachability",
                "{\"after\": [], \"before\": []}");
    assert_error_at(f, "/before");
    assert_call(f, 400, "POST", "/v1/reachability", "[]");
    assert_error_at(f, "");
    /* Refused in the state that it leads to. */
    assert_call(f, 409, "POST", "/v1/trace",
                "{\"from\": \"p\", \"to\": \"p\", \"protocol\": \"icmp\","
                " \"after\": [{\"type\": \"ports\", \"name\": \"p\","
                " \"spec\": {\"network\": \"shop\"}}]}");
    assert_error_at(f, "/from");
    assert_call(f, 404, "GET", "/v1/ports/p", NULL);
    assert_call(f, 200, "GET", "/v1/reachability?by=group", NULL);
    assert_true(json_is_array(at(f, "groups")));
}

static void
plan_knows_what_goes_along(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 200, "POST", "/v1/apply?prune=demo&dry_run=plan", APPLY);
    assert_text(f, "objects.0.name", "a");
    assert_text(f, "objects.1.op", "created");
    assert_call(f, 200, "POST", "/v1/apply?prune=demo", APPLY);
    assert_call(f, 200, "POST", "/v1/apply?prune=demo&dry_run=plan",
                "{\"objects\": [{\"type\": \"networks\", \"name\": \"n\","
                " \"spec\": {}}]}");
    assert_text(f, "objects.0.op", "unchanged");
    assert_text(f, "objects.1.type", "ports");
    assert_text(f, "objects.1.op", "deleted");
    assert_call(f, 409, "DELETE", "/v1/networks/n?dry_run=plan", NULL);
    assert_call(f, 200, "DELETE", "/v1/networks/n?dry_run=plan&cascade=true",
                NULL);
    assert_text(f, "objects.0.op", "deleted");
    assert_text(f, "objects.1.name", "a");
    assert_text(f, "objects.1.op", "deleted");
    assert_call(f, 200, "GET", "/v1/ports/a", NULL);
}

static void
client_that_leaves_ends_its_wait(void **state)
{
    struct fixture *f = *state;

    send_only(f, "PUT", "/v1/networks/shop?wait=installed", NET);
    turn_until_waited(f);
    client_close(&f->client);
    while (!fake_fabric.n_cancelled) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    client_connect(&f->client, f->base, f->path);
    assert_call(f, 200, "GET", "/v1/networks/shop", NULL);
}

/* Takes up what the store has answered. */
static void
settle(struct fixture *f)
{
    while (!commit_is_settled(f->commit)) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
}

static void
change_outlives_a_client_that_leaves(void **state)
{
    struct fixture *f = *state;

    f->store.hold = true;
    send_only(f, "PUT", "/v1/networks/shop", NET);
    while (commit_is_settled(f->commit)) {
        client_turn(&f->client);
    }
    client_close(&f->client);
    client_connect(&f->client, f->base, f->path);
    /* Nothing is shown before it is durable. */
    assert_call(f, 404, "GET", "/v1/networks/shop", NULL);
    f->store.hold = false;
    store_finish(-1, 0, &f->store);
    settle(f);
    assert_call(f, 200, "GET", "/v1/networks/shop", NULL);
}

static void
northbound_may_go_with_changes_in_flight(void **state)
{
    struct fixture *f = *state;

    f->store.hold = true;
    send_only(f, "PUT", "/v1/networks/shop", NET);
    while (commit_is_settled(f->commit)) {
        client_turn(&f->client);
    }
    northbound_destroy(f->nb);
    f->nb = NULL;
    store_finish(-1, 0, &f->store);
    settle(f);
    assert_non_null(model_get_durable(f->model, VMN_TABLE_NETWORK, "shop",
                                      NULL));
}

/* A list that is long enough to be read, applied and answered in slices. */
static char *
long_list(int n)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&ds, "{\"objects\": [");
    for (int i = 0; i < n; i++) {
        ds_put_format(&ds, "%s{\"type\": \"groups\", \"name\": \"g%d\", "
                      "\"spec\": {\"cidrs\": [\"10.%d.%d.0/24\"]}}",
                      i ? ", " : "", i, i / 256, i % 256);
    }
    ds_put_cstr(&ds, "]}");
    return ds_steal_cstr(&ds);
}

static void
long_lists_are_applied_in_slices(void **state)
{
    struct fixture *f = *state;
    char *text = long_list(5000);

    assert_call(f, 200, "POST", "/v1/apply", text);
    json_t *results = json_object_get(f->body, "results");
    assert_int_equal(json_array_size(results), 5000);
    assert_string_equal(json_string_value(json_object_get(
        json_array_get(results, 4999), "name")), "g4999");

    /* What is wrong far back in it is found, and nothing is done. */
    memcpy(strstr(text, "g4990"), "!", 1);
    assert_call(f, 400, "POST", "/v1/apply", text);
    memcpy(strstr(text, "!4990") - 1, " ", 1);
    assert_call(f, 400, "POST", "/v1/apply", text);
    free(text);
}

static void
client_of_a_long_list_may_leave_at_any_time(void **state)
{
    struct fixture *f = *state;
    char *text = long_list(3000);

    for (int n_turns = 0; n_turns < 40; n_turns += 3) {
        send_only(f, "POST", "/v1/apply", text);
        for (int i = 0; i < n_turns; i++) {
            client_turn(&f->client);
        }
        client_close(&f->client);
        settle(f);
        client_connect(&f->client, f->base, f->path);
        assert_call(f, 200, "GET", "/v1/status", NULL);
    }
    free(text);
}

static void
change_that_cannot_be_stored_is_undone(void **state)
{
    struct fixture *f = *state;

    f->store.error = ENOSPC;
    assert_call(f, 503, "PUT", "/v1/networks/shop", NET);
    assert_text(f, "type", "urn:vmn:problem:unavailable");
    assert_has(&f->client.body, "disk full");
    assert_has(&f->client.head, "Retry-After: 1\r\n");
    f->store.error = 0;
    assert_call(f, 404, "GET", "/v1/networks/shop", NULL);
    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
}

/* Backups.  --------------------------------------------------------------- */

static void
turn_until_copy(struct fixture *f)
{
    while (!f->store.copied) {
        client_turn(&f->client);
    }
}

/* Ends the copy: with 'size' bytes, or an error if 'size' is 0. */
static void
finish_copy(struct fixture *f, size_t size)
{
    char path[] = "/tmp/vmn-nb-XXXXXX";
    store_copied_cb *copied = f->store.copied;
    int fd = -1;

    if (size) {
        char *data = xmalloc(size);

        fd = mkstemp(path);
        unlink(path);
        memset(data, 'x', size);
        assert_int_equal(write(fd, data, size), size);
        free(data);
    }
    f->store.copied = NULL;
    copied(f->store.copied_aux, size ? 0 : ENOSPC,
           size ? NULL : "no room for it", fd);
}

static void
backup_is_a_file(void **state)
{
    struct fixture *f = *state;
    size_t size = 3000000;

    send_only(f, "GET", "/v1/backup", NULL);
    turn_until_copy(f);
    finish_copy(f, size);
    assert_int_equal(take_reply(f), 200);
    assert_has(&f->client.head, "Content-Type: application/vnd.sqlite3\r\n");
    assert_int_equal(f->client.body.length, size);
    assert_int_equal(strspn(ds_cstr(&f->client.body), "x"), size);
    /* The connection goes on. */
    assert_call(f, 200, "GET", "/healthz", NULL);

    send_only(f, "GET", "/v1/backup", NULL);
    turn_until_copy(f);
    finish_copy(f, 0);
    assert_int_equal(take_reply(f), 503);
    assert_has(&f->client.body, "no room for it");
}

static void
client_may_leave_its_backup(void **state)
{
    struct fixture *f = *state;

    send_only(f, "GET", "/v1/backup", NULL);
    turn_until_copy(f);
    client_close(&f->client);
    client_connect(&f->client, f->base, f->path);
    assert_call(f, 503, "GET", "/v1/backup", NULL);
    assert_has(&f->client.body, "another backup is being made");
    finish_copy(f, 10);
    send_only(f, "GET", "/v1/backup", NULL);
    turn_until_copy(f);
    finish_copy(f, 10);
    assert_int_equal(take_reply(f), 200);
}

/* What is going on.  ----------------------------------------------------- */

static void
revisions_have_who_what_and_receipt(void **state)
{
    struct fixture *f = *state;
    char *who = xasprintf("unix:uid=%u", (unsigned) getuid());

    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    char *path = xasprintf("/v1/revisions/%"PRId64, (int64_t) revision(f));
    assert_call(f, 200, "GET", path, NULL);
    assert_text(f, "who", who);
    assert_text(f, "changes.0.name", "shop");
    assert_true(json_is_true(at(f, "receipt.installed")));
    assert_call(f, 200, "GET", "/v1/revisions/1", NULL);
    assert_true(json_is_null(at(f, "receipt")));
    assert_call(f, 404, "GET", "/v1/revisions/99", NULL);
    assert_call(f, 400, "GET", "/v1/revisions/x", NULL);

    assert_call(f, 201, "PUT", "/v1/networks/b", NET);
    assert_call(f, 200, "GET", "/v1/revisions?limit=1", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 1);
    assert_text(f, "items.0.changes.0.name", "b");
    assert_call(f, 200, "GET", "/v1/revisions?after=1&limit=1", NULL);
    assert_text(f, "items.0.changes.0.name", "shop");
    free(who);
    free(path);
}

static void
status_and_metrics_are_told(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 200, "GET", "/v1/status", NULL);
    assert_int_equal(json_integer_value(at(f, "objects.ports")), 3);
    assert_int_equal(json_integer_value(at(f, "hosts.configured")), 3);
    assert_true(json_is_array(at(f, "problems")));
    assert_call(f, 200, "GET", "/v1", NULL);
    assert_text(f, "types.0.type", "hosts");
    assert_call(f, 200, "GET", "/metrics", NULL);
    assert_has(&f->client.head, "text/plain; version=0.0.4");
    assert_has(&f->client.body, "\nvmn_hosts 3\n");
    assert_has(&f->client.body, "\nvmn_store_ok 1\n");
    assert_has(&f->client.body, "\nvmn_store_batches_total 7\n");
    assert_has(&f->client.body, "# TYPE vmn_http_requests_total counter\n");
    assert_has(&f->client.body, "\nvmn_engine_class_computed_total{"
               "app=\"overlay\",kind=\"unit\",class=\"net\"} 1\n");
    assert_has(&f->client.body, "\nvmn_fabric_audit_differences_total{"
               "owner=\"overlay\",kind=\"missing\"} 3\n");
    assert_has(&f->client.body, "\nvmn_packets_dropped_total{by=\"vmn\","
               "reason=\"port's rate\"} 7\n");
    assert_has(&f->client.body, "{by=\"app.handler\","
               "reason=\"so \\\"said\\\" \\\\ it\"} 1\n");
    assert_call(f, 200, "GET", "/healthz", NULL);
    assert_text(f, "status", "ok");
    assert_call(f, 503, "GET", "/readyz", NULL);
    northbound_set_ready(f->nb, true);
    assert_call(f, 200, "GET", "/readyz", NULL);

    assert_call(f, 404, "GET", "/v1/hosts/hv1/flows", NULL);
    assert_call(f, 201, "PUT", "/v1/hosts/hv1", "{\"spec\": {\"ovsdb\":"
                " \"tcp:127.0.0.1:6640\", \"tunnel_ip\": \"192.0.2.1\"}}");
    assert_text(f, "status.reason", "hv1");
    assert_call(f, 200, "GET", "/v1/hosts/hv1/flows", NULL);
    assert_text(f, "flows.0.owner", "hv1");
}

/* Without a firewall there are none; tests/system has those that there are. */
static void
identities_are_asked_for_by_network_and_number(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 200, "GET", "/v1/identities?network=shop&limit=1&after=4",
                NULL);
    assert_int_equal(json_array_size(at(f, "items")), 0);
    assert_true(json_is_integer(at(f, "revision")));
    assert_null(at(f, "next"));
    assert_call(f, 400, "GET", "/v1/identities?network=none", NULL);
    assert_text(f, "errors.0.parameter", "network");
    assert_call(f, 400, "GET", "/v1/identities?after=web", NULL);
    assert_text(f, "errors.0.parameter", "after");
    assert_call(f, 400, "GET", "/v1/identities?limit=1001", NULL);
    assert_text(f, "errors.0.parameter", "limit");
}

static void
drops_of_what_is_nowhere_are_refused(void **state)
{
    static const char *const calls[][2] = {
        { "/v1/drops?host=hv9", "host" },
        { "/v1/drops?network=shop&port=web-3", "port" },
        { "/v1/drops?network=shap&port=web-1", "network" },
        { "/v1/drops?app=overlie", "app" },
        { "/v1/logs?host=hv9", "host" },
        { "/v1/logs?policy=shop", "policy" },
    };
    struct fixture *f = *state;

    make_shop(f);
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        assert_call(f, 400, "GET", calls[i][0], NULL);
        assert_text(f, "errors.0.parameter", calls[i][1]);
    }
    assert_call(f, 400, "GET", "/v1/logs?policy=shop", NULL);
    assert_text(f, "errors.0.detail", "there is no policy \"shop\"");

    /* What is gone is told of as long as samples are. */
    assert_call(f, 200, "DELETE", "/v1/ports/web-1", NULL);
    assert_call(f, 200, "GET", "/v1/drops?port=web-1&after=8", NULL);
}

static void
drops_are_told_by_what_they_are_for(void **state)
{
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 200, "GET", "/v1/drops", NULL);
    /* The newest first; what has no owner any more is left out. */
    assert_int_equal(json_array_size(at(f, "counters")), 2);
    assert_text(f, "counters.0.host", "hv2");
    assert_text(f, "counters.0.reason", "no \"good\"");
    assert_text(f, "counters.0.owner", "overlay.net/shop");
    assert_text(f, "counters.0.object.type", "networks");
    assert_text(f, "counters.0.object.name", "shop");
    assert_null(at(f, "counters.0.rule"));
    assert_int_equal(json_integer_value(at(f, "counters.0.packets")), 9);
    assert_text(f, "counters.0.last", "1970-01-01T00:00:09.000Z");
    assert_text(f, "counters.1.reason", "spoofed");

    assert_call(f, 200, "GET", "/v1/drops?host=hv1&app=overlay", NULL);
    assert_int_equal(json_integer_value(at(f, "matching")), 1);
    assert_text(f, "counters.0.reason", "spoofed");
    assert_call(f, 200, "GET", "/v1/drops?network=shop&limit=1", NULL);
    assert_int_equal(json_integer_value(at(f, "matching")), 2);
    assert_int_equal(json_array_size(at(f, "counters")), 1);
    assert_call(f, 200, "GET", "/v1/drops?port=web-1", NULL);
    assert_int_equal(json_integer_value(at(f, "matching")), 0);
    assert_call(f, 200, "GET", "/v1/drops?reason=x&app=overlay", NULL);
    assert_int_equal(json_integer_value(at(f, "matching")), 0);
    assert_call(f, 400, "GET", "/v1/drops?limit=0", NULL);
    assert_text(f, "errors.0.parameter", "limit");
    assert_call(f, 400, "GET", "/v1/drops?colour=red", NULL);

    assert_call(f, 200, "GET", "/v1/drops?app=overlay", NULL);
    assert_int_equal(json_integer_value(at(f, "newest")), 8);
    assert_int_equal(json_array_size(at(f, "samples")), 2);
    assert_text(f, "samples.0.src.port", "web-1");
    assert_text(f, "samples.0.src.ip", "10.0.0.1");
    assert_true(json_is_null(at(f, "samples.0.dst.port")));
    assert_int_equal(json_integer_value(at(f, "samples.0.dst.number")), 80);
    assert_text(f, "samples.0.protocol", "tcp");
    assert_text(f, "samples.0.reason", "spoofed");
    assert_text(f, "samples.0.object.name", "shop");
    assert_int_equal(json_integer_value(at(f, "samples.0.times")), 3);
    assert_int_equal(json_integer_value(at(f, "samples.0.suppressed")), 2);
    assert_text(f, "samples.1.protocol", "0x88cc");
    assert_null(at(f, "samples.1.src.ip"));
    assert_call(f, 200, "GET", "/v1/drops?after=7", NULL);
    assert_int_equal(json_array_size(at(f, "samples")), 1);
    assert_call(f, 200, "GET", "/v1/drops?port=web-2", NULL);
    assert_int_equal(json_array_size(at(f, "samples")), 0);
    assert_call(f, 200, "GET", "/v1/drops?reason=x", NULL);
    assert_int_equal(json_array_size(at(f, "samples")), 0);
    assert_call(f, 200, "GET", "/v1/logs?host=hv2&limit=1", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 1);
    assert_text(f, "items.0.verdict", "allow");
    assert_null(at(f, "items.0.reason"));
    assert_call(f, 400, "GET", "/v1/logs?after=x", NULL);

    assert_call(f, 200, "GET", "/metrics", NULL);
    assert_has(&f->client.body, "vmn_drops_packets_total{app=\"overlay\","
               "reason=\"no \\\"good\\\"\"} 9\n");
    assert_has(&f->client.body, "vmn_drops_bytes_total{app=\"overlay\","
               "reason=\"no \\\"good\\\"\"} 900\n");
}

static void
tiers_that_are_built_in_are_shown_and_stay(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 200, "GET", "/v1/tiers", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 5);
    assert_call(f, 200, "GET", "/v1/tiers/security", NULL);
    assert_int_equal(json_integer_value(at(f, "spec.position")), 5);
    assert_int_equal(json_integer_value(at(f, "metadata.revision")), 0);
    assert_null(at(f, "metadata.created"));
    assert_call(f, 200, "PATCH", "/v1/tiers/security",
                "{\"spec\": {\"position\": 5}}");
    assert_text(f, "outcome", "unchanged");
    assert_call(f, 409, "PATCH", "/v1/tiers/security",
                "{\"spec\": {\"position\": 6}}");
    assert_call(f, 409, "DELETE", "/v1/tiers/security", NULL);
    assert_call(f, 201, "PUT", "/v1/tiers/dmz",
                "{\"spec\": {\"position\": 6}}");
    assert_non_null(at(f, "metadata.created"));
}

/* Also in a plan, which changes nothing. */
static void
priorities_that_are_equal_are_told_of_both(void **state)
{
    struct fixture *f = *state;
    static const char two[] = "{\"objects\": ["
        "{\"type\": \"groups\", \"name\": \"g\", \"spec\": {}},"
        "{\"type\": \"policies\", \"name\": \"a\", \"spec\": {\"tier\":"
        " \"platform\", \"applies_to\": [\"g\"]}},"
        "{\"type\": \"policies\", \"name\": \"b\", \"spec\": {\"tier\":"
        " \"platform\", \"applies_to\": [\"g\"]}}]}";

    for (int i = 0; i < 2; i++) {
        assert_call(f, 409, "POST", i ? "/v1/apply"
                    : "/v1/apply?dry_run=plan", two);
        assert_int_equal(json_array_size(at(f, "errors")), 2);
        assert_text(f, "errors.0.pointer", "/objects/1/spec/priority");
        assert_text(f, "errors.1.pointer", "/objects/2/spec/priority");
    }
}

static void
policies_tell_what_their_rules_were_hit_by(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 201, "PUT", "/v1/groups/g", "{\"spec\": {}}");
    assert_call(f, 201, "PUT", "/v1/policies/p", "{\"spec\": {\"applies_to\":"
                " [\"g\"], \"rules\": ["
                "{\"direction\": \"ingress\", \"action\": \"deny\","
                " \"services\": [{\"protocol\": \"udp\"}]},"
                "{\"direction\": \"egress\", \"action\": \"deny\","
                " \"log\": true},"
                "{\"direction\": \"ingress\", \"action\": \"allow\","
                " \"services\": [{\"protocol\": \"tcp\"}]}]}}");
    assert_call(f, 200, "GET", "/v1/logs", NULL);
    assert_int_equal(json_array_size(at(f, "rules")), 1);
    assert_text(f, "rules.0.policy", "p");
    assert_int_equal(json_integer_value(at(f, "rules.0.rule")), 1);
    assert_int_equal(json_integer_value(at(f, "rules.0.suppressed")), 6);
    assert_call(f, 200, "GET", "/v1/policies/p", NULL);
    assert_null(at(f, "status.rules.0.log"));
    assert_int_equal(json_integer_value(at(f, "status.rules.1.log.events")),
                     10);
    assert_int_equal(json_integer_value(at(f, "status.rules.1.log.told")), 4);
    assert_int_equal(json_integer_value(at(f, "status.packets")), 7);
    assert_int_equal(json_integer_value(at(f, "status.bytes")), 520);
    assert_text(f, "status.last", "2025-11-20T15:02:07.000Z");
    assert_int_equal(json_array_size(at(f, "status.rules")), 3);
    assert_true(json_is_null(at(f, "status.rules.0.last")));
    assert_int_equal(json_integer_value(at(f, "status.rules.1.packets")), 5);
    assert_call(f, 200, "GET", "/v1/policies", NULL);
    assert_int_equal(json_integer_value(at(f, "items.0.status.packets")), 7);
    assert_null(at(f, "items.0.status.rules"));
}

static void
quarantines_tell_what_came_through(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 201, "PUT", "/v1/quarantines/q", "{\"spec\": {\"allow\": ["
                "{\"direction\": \"ingress\"}, {\"direction\": \"egress\","
                " \"services\": [{\"protocol\": \"udp\"}]}]}}");
    assert_call(f, 200, "GET", "/v1/quarantines/q", NULL);
    assert_int_equal(json_integer_value(at(f, "status.n_members")), 0);
    assert_int_equal(json_integer_value(at(f, "status.packets")), 4);
    assert_int_equal(json_array_size(at(f, "status.allow")), 2);
    assert_true(json_is_null(at(f, "status.allow.0.last")));
    assert_int_equal(json_integer_value(at(f, "status.allow.1.bytes")), 400);
    assert_call(f, 200, "GET", "/v1/quarantines", NULL);
    assert_int_equal(json_integer_value(at(f, "items.0.status.packets")), 4);
    assert_null(at(f, "items.0.status.allow"));
}

static void
tiers_tell_what_they_keep(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 200, "GET", "/v1/tiers/platform", NULL);
    assert_int_equal(json_integer_value(at(f, "status.kept.packets")), 9);
    assert_text(f, "status.kept.last", "2025-11-20T15:02:07.000Z");
}

static void
activity_tells_what_changes_cost(void **state)
{
    struct fixture *f = *state;
    size_t n;

    make_shop(f);
    assert_call(f, 200, "GET", "/v1/activity", NULL);
    n = json_array_size(at(f, "items"));
    assert_true(n >= 2);
    /* The state as it was loaded is no revision. */
    assert_int_equal(json_integer_value(at(f, "items.0.id")), 1);
    assert_true(json_is_null(at(f, "items.0.revision")));
    assert_null(at(f, "items.0.hosts"));

    assert_call(f, 201, "PUT", "/v1/networks/other", NET);
    assert_call(f, 200, "GET", "/v1/activity?limit=1", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 1);
    assert_int_equal(json_integer_value(at(f, "items.0.id")), n + 1);
    assert_text(f, "items.0.changes.0.op", "create");
    assert_text(f, "items.0.changes.0.type", "networks");
    assert_text(f, "items.0.changes.0.name", "other");
    assert_text(f, "items.0.apps.0.app", "overlay");
    assert_int_equal(json_integer_value(at(f, "items.0.apps.0.units")), 1);
    assert_int_equal(
        json_integer_value(at(f, "items.0.apps.0.by_unit.net")), 1);
    assert_int_equal(json_integer_value(at(f, "items.0.hosts.confirmed")), 2);
    assert_true(json_integer_value(at(f, "items.0.us.installed")) > 0);
    assert_int_equal(json_integer_value(at(f, "hosts.configured")), 3);
    assert_int_equal(json_integer_value(at(f, "hosts.n_behind")), 1);
    assert_text(f, "hosts.behind.0.host", "hv1");

    /* Only what is new since the last look. */
    assert_call(f, 200, "GET", "/v1/activity?after=1", NULL);
    assert_int_equal(json_array_size(at(f, "items")), n);
    assert_call(f, 200, "GET", "/v1/activity?after=100000", NULL);
    assert_int_equal(json_array_size(at(f, "items")), 0);
    assert_call(f, 400, "GET", "/v1/activity?limit=257", NULL);
    assert_text(f, "errors.0.parameter", "limit");
    assert_call(f, 400, "GET", "/v1/activity?after=x", NULL);
    assert_text(f, "errors.0.parameter", "after");
}

/* Ends the newest audit, with its own request as the answer. */
static void
end_audit(const char *reason)
{
    fake_fabric.audit_cb(fake_fabric.audit_aux,
                         reason ? NULL : fake_fabric.audit, reason);
    json_decref(fake_fabric.audit);
    fake_fabric.audit = NULL;
}

static void
run_until_audits(struct fixture *f, unsigned n)
{
    while (fake_fabric.n_audits < n) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
}

static void
make_host(struct fixture *f)
{
    assert_call(f, 201, "PUT", "/v1/hosts/hv1", "{\"spec\": {\"ovsdb\":"
                " \"tcp:127.0.0.1:6640\", \"tunnel_ip\": \"192.0.2.1\"}}");
}

static void
flows_are_filtered(void **state)
{
    static const struct {
        const char *query;
        const char *parameter;  /* That is refused. */
    } bad[] = {
        { "limit=0", "limit" },
        { "diff=true&limit=10001", "limit" },
        { "diff=maybe", "diff" },
        { "app=overly", "app" },
        { "stage=nowhere", "stage" },
        { "stage=overlay.", "stage" },
        { "stage=", "stage" },
        { "table=255", "table" },
        { "table=x", "table" },
        { "table=1&stage=check", "table" },
        { "object=", "object" },
    };
    struct fixture *f = *state;

    make_host(f);
    assert_call(f, 200, "GET", "/v1/hosts/hv1/flows?app=overlay&object=a/b"
                "&table=3&limit=7", NULL);
    assert_text(f, "host", "hv1");
    assert_text(f, "app", "overlay");
    assert_text(f, "object", "a/b");
    assert_int_equal(json_integer_value(at(f, "first_table")), 3);
    assert_int_equal(json_integer_value(at(f, "last_table")), 3);
    assert_int_equal(json_integer_value(at(f, "limit")), 7);
    assert_call(f, 200, "GET", "/v1/hosts/hv1/flows?stage=check", NULL);
    assert_int_equal(json_integer_value(at(f, "last_table"))
                     - json_integer_value(at(f, "first_table")), 1);
    assert_call(f, 200, "GET", "/v1/hosts/hv1/flows?stage=overlay.check",
                NULL);
    assert_call(f, 404, "GET", "/v1/hosts/hv2/flows", NULL);
    assert_call(f, 404, "GET", "/v1/hosts/hv2/flows?diff=true", NULL);
    assert_call(f, 404, "POST", "/v1/hosts/hv2/audit", NULL);
    assert_call(f, 400, "POST", "/v1/hosts/hv1/audit?app=overlay", NULL);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        char *path = xasprintf("/v1/hosts/hv1/flows?%s", bad[i].query);

        assert_call(f, 400, "GET", path, NULL);
        assert_text(f, "errors.0.parameter", bad[i].parameter);
        free(path);
    }
    assert_int_equal(fake_fabric.n_audits, 0);
}

static void
differences_are_told_when_they_are_known(void **state)
{
    struct fixture *f = *state;

    make_host(f);
    send_only(f, "GET", "/v1/hosts/hv1/flows?diff=true&object=a", NULL);
    run_until_audits(f, 1);
    end_audit(NULL);
    assert_int_equal(take_reply(f), 200);
    assert_text(f, "host", "hv1");
    assert_text(f, "object", "a");
    assert_true(json_is_false(at(f, "mend")));
    assert_true(json_is_false(at(f, "mending")));
    assert_int_equal(json_integer_value(at(f, "limit")), 1000);

    send_only(f, "POST", "/v1/hosts/hv1/audit?limit=5", NULL);
    run_until_audits(f, 2);
    end_audit(NULL);
    assert_int_equal(take_reply(f), 200);
    assert_true(json_is_true(at(f, "mend")));
    assert_true(json_is_true(at(f, "mending")));

    /* The host is gone in the middle, or is not there to begin with. */
    send_only(f, "GET", "/v1/hosts/hv1/flows?diff=true", NULL);
    run_until_audits(f, 3);
    end_audit("its switch is gone");
    assert_int_equal(take_reply(f), 503);
    assert_has(&f->client.head, "Retry-After: 1");
    assert_has(&f->client.body, "its switch is gone");
    fake_fabric.not_now = "its switch is not connected";
    assert_call(f, 503, "GET", "/v1/hosts/hv1/flows?diff=true", NULL);
    assert_has(&f->client.body, "its switch is not connected");
}

static void
client_that_leaves_ends_its_look(void **state)
{
    struct fixture *f = *state;

    make_host(f);
    send_only(f, "GET", "/v1/hosts/hv1/flows?diff=true", NULL);
    run_until_audits(f, 1);
    client_close(&f->client);
    while (!fake_fabric.n_forgotten) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    client_connect(&f->client, f->base, f->path);

    /* In the middle of a list. */
    fake_fabric.endless = true;
    send_only(f, "GET", "/v1/hosts/hv1/flows", NULL);
    while (!fake_fabric.n_flows) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    client_close(&f->client);
    while (fake_fabric.n_flows) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    client_connect(&f->client, f->base, f->path);

    /* As does the end of vmnd. */
    send_only(f, "GET", "/v1/hosts/hv1/flows", NULL);
    while (!fake_fabric.n_flows) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    northbound_destroy(f->nb);
    f->nb = NULL;
    assert_int_equal(fake_fabric.n_flows, 0);
}

static void
northbound_may_go_with_looks_in_flight(void **state)
{
    struct fixture *f = *state;

    make_host(f);
    send_only(f, "GET", "/v1/hosts/hv1/flows?diff=true", NULL);
    run_until_audits(f, 1);
    northbound_destroy(f->nb);
    f->nb = NULL;
    assert_int_equal(fake_fabric.n_forgotten, 1);
}

/* Recommendations.  ------------------------------------------------------- */

static struct vmn_ip
ip_of(struct fixture *f, const char *port)
{
    const struct vmn_port *row = model_get(f->model, VMN_TABLE_PORT, port);

    return row->ips[0];
}

/* web-1 speaks to db-1, on hosts hv1 and hv2; another network has a database,
 * too. */
static void
make_observed(struct fixture *f)
{
    struct model_request request;
    bool done = false;

    make_shop(f);
    make_host(f);
    assert_call(f, 201, "PUT", "/v1/hosts/hv2", "{\"spec\": {\"ovsdb\": "
                "\"inbound\", \"tunnel_ip\": \"10.0.0.2\"}}");
    model_request_init(&request, "host:hv1");
    model_request_add(&request, MODEL_PUT, VMN_TABLE_BINDING, "web-1",
                      json_pack("{s:s}", "host", "hv1"));
    model_request_add(&request, MODEL_PUT, VMN_TABLE_BINDING, "db-1",
                      json_pack("{s:s}", "host", "hv2"));
    commit_submit(f->commit, &request, on_app_made, &done);
    model_request_uninit(&request);
    while (!done) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_call(f, 201, "PUT", "/v1/observations/shop", "{\"spec\": {}}");
    fake_fabric.from = ip_of(f, "web-1");
    fake_fabric.to = ip_of(f, "db-1");
}

static int
ask_for_notes(struct fixture *f, const char *query)
{
    char *path = xasprintf("/v1/recommendations?network=shop%s", query);

    send_only(f, "GET", path, NULL);
    free(path);
    while (!fake_fabric.reading) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_string_equal(fake_fabric.reading->hosts, "hv1,hv2");
    tell_notes();
    return take_reply(f);
}

static void
what_was_seen_becomes_policies(void **state)
{
    struct fixture *f = *state;
    json_t *request;
    char *body;

    make_observed(f);
    assert_int_equal(ask_for_notes(f, ""), 200);
    assert_text(f, "network", "shop");
    assert_text(f, "hosts.0.host", "hv1");
    assert_true(json_is_true(at(f, "hosts.0.full")));
    assert_null(at(f, "hosts.0.missing"));
    assert_text(f, "hosts.1.missing", "its switch is gone");
    assert_int_equal(json_integer_value(at(f, "connections")), 1);
    assert_text(f, "left_out.0.service", "47");
    assert_int_equal(json_integer_value(at(f, "n_unselected")), 2);
    assert_text(f, "unselected.0", "web-1");
    assert_true(json_is_true(at(f, "fewest")));
    /* web-2 is not told apart from web-1. */
    assert_text(f, "rules.0.policy", "shop-db-in");
    assert_text(f, "rules.0.from", "shop-web");
    assert_text(f, "rules.0.services.0", "tcp/80");
    assert_int_equal(json_integer_value(at(f, "rules.0.seen")), 1);
    assert_int_equal(json_integer_value(at(f, "rules.0.extra")), 1);
    assert_text(f, "rules.0.extras.0.from", "web-2");
    assert_text(f, "objects.0.spec.selector", "role=db");
    assert_text(f, "objects.2.spec.mode", "shadow");

    /* They can be applied, and then the groups are those that there are. */
    request = json_pack("{s:O}", "objects", at(f, "objects"));
    body = json_dumps(request, 0);
    json_decref(request);
    assert_call(f, 200, "POST", "/v1/apply", body);
    free(body);
    assert_call(f, 201, "PUT", "/v1/services/http", "{\"spec\": {\"entries\": "
                "[{\"protocol\": \"tcp\", \"ports\": [80]}]}}");
    assert_int_equal(ask_for_notes(f, "&mode=enforce"), 200);
    assert_int_equal(json_array_size(at(f, "rules")), 1);
    assert_text(f, "rules.0.policy", "shop-db-in");
    assert_text(f, "rules.0.from", "shop-web");
    assert_null(at(f, "objects.1.spec.mode"));

    /* Port by port; nothing is allowed that was not seen. */
    assert_int_equal(ask_for_notes(f, "&exact=true"), 200);
    assert_int_equal(json_integer_value(at(f, "rules.0.extra")), 0);
    assert_text(f, "rules.0.from", "shop-web-1");
    assert_text(f, "objects.0.spec.ports.0", "web-1");
}

static void
ports_elsewhere_are_not_picked(void **state)
{
    struct fixture *f = *state;

    make_observed(f);
    assert_call(f, 201, "PUT", "/v1/networks/rival", NET);
    assert_call(f, 201, "PUT", "/v1/ports/r-db-1", "{\"spec\": {\"network\": "
                "\"rival\", \"labels\": {\"role\": \"db\"}}}");
    assert_int_equal(ask_for_notes(f, ""), 200);
    assert_text(f, "rules.0.to", "shop-db-1");
    assert_text(f, "objects.0.spec.ports.0", "db-1");
    assert_text(f, "objects.1.spec.selector", "role=web");

    /* Without labels that tell, all ports are one kind. */
    assert_int_equal(ask_for_notes(f, "&labels=none"), 200);
    assert_int_equal(json_integer_value(at(f, "rules.0.extra")), 5);
    assert_text(f, "rules.0.to", "shop-ports");

    /* An address that is nobody's; and who gets it is known by where it is. */
    fake_fabric.from.addr[0] = 192;
    fake_fabric.to.addr[3] = 255;
    assert_int_equal(ask_for_notes(f, ""), 200);
    assert_true(json_is_array(at(f, "rules.0.from")));
    assert_text(f, "rules.0.to", "shop-web");
    assert_non_null(at(f, "objects.1.spec.rules.0.peers.0.cidr"));
}

static void
questions_about_what_is_not_observed_are_refused(void **state)
{
    static const char *const calls[][2] = {
        { "/v1/recommendations", "network" },
        { "/v1/recommendations?network=shap", "network" },
        { "/v1/recommendations?network=shop&mode=dream", "mode" },
        { "/v1/recommendations?network=shop&labels=", "labels" },
        { "/v1/recommendations?network=shop&exact=1", "exact" },
    };
    struct fixture *f = *state;

    make_shop(f);
    assert_call(f, 409, "GET", "/v1/recommendations?network=shop", NULL);
    assert_has(&f->client.body, "PUT /v1/observations/shop");
    /* An observation is of a network, which cannot go without it. */
    assert_call(f, 400, "PUT", "/v1/observations/shap", "{\"spec\": {}}");
    assert_call(f, 201, "PUT", "/v1/observations/shop", "{\"spec\": {}}");
    assert_call(f, 409, "DELETE", "/v1/networks/shop", NULL);
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        assert_call(f, 400, "GET", calls[i][0], NULL);
        assert_text(f, "errors.0.parameter", calls[i][1]);
    }
}

static void
client_that_leaves_ends_its_reading(void **state)
{
    struct fixture *f = *state;

    make_observed(f);
    send_only(f, "GET", "/v1/recommendations?network=shop", NULL);
    while (!fake_fabric.reading) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    client_close(&f->client);
    while (fake_fabric.reading) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    client_connect(&f->client, f->base, f->path);

    /* As does the end of vmnd. */
    send_only(f, "GET", "/v1/recommendations?network=shop", NULL);
    while (!fake_fabric.reading) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    northbound_destroy(f->nb);
    f->nb = NULL;
    assert_null(fake_fabric.reading);
}

static void
observation_tells_its_end(void **state)
{
    struct fixture *f = *state;
    const struct vmn_observation *row;
    struct model_meta meta;

    make_shop(f);
    assert_call(f, 201, "PUT", "/v1/observations/shop",
                "{\"spec\": {\"minutes\": 2}}");
    row = model_get_durable(f->model, VMN_TABLE_OBSERVATION, "shop", &meta);
    assert_int_equal(nb_observation_ends(row, &meta),
                     meta.created_ms + 120000);
    assert_true(json_is_string(at(f, "status.ends")));
    northbound_set_ready(f->nb, true);
    nb_end_observations(f->nb, meta.created_ms + 119999);
    assert_call(f, 200, "GET", "/v1/observations/shop", NULL);
    nb_end_observations(f->nb, meta.created_ms + 120000);
    assert_call(f, 200, "GET", "/v1/revisions?limit=1", NULL);
    while (model_get_durable(f->model, VMN_TABLE_OBSERVATION, "shop", NULL)) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_call(f, 200, "GET", "/v1/revisions?limit=1", NULL);
    assert_text(f, "items.0.who", "vmnd");
}

static void
listeners_need_an_address_and_a_token(void **state)
{
    static const struct northbound_options bad[] = {
        { 0 },
        { .tcp_listen = "127.0.0.1:0" },
        { .tcp_listen = "0.0.0.0:0", .token_file = "/dev/null" },
        { .unix_path = "/nonexistent/sock" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct northbound *nb;
        char *text = NULL;

        assert_true(northbound_create(&bad[i], f->base, f->model, f->engine,
                                      f->commit, &fake_fabric,
                                      &fake_store_class, &f->store,
                                      f->apphost, &nb, &text) != 0);
        assert_null(nb);
        assert_non_null(text);
        free(text);
    }
}

/* The reference.  -------------------------------------------------------- */

/* Fails unless 'section' has a row for each field. */
static void
check_fields(const char *section, const struct schema_struct *s,
             const char *prefix)
{
    for (const struct schema_field *f = s->fields; f->name; f++) {
        bool list = (f->flags & SCHEMA_LIST) != 0;
        char *row = xasprintf("\n| `%s%s` |", prefix, f->name);
        char *inner = xasprintf("%s%s%s.", prefix, f->name, list ? "[]" : "");

        /* These two are said once for all. */
        if (!strstr(section, row) && strcmp(f->name, "description")
            && strcmp(f->name, "labels")) {
            fail_msg("docs/api.md has no row \"%s\" in \"%.20s\"", row + 1,
                     section + 1);
        }
        if (f->type == SCHEMA_STRUCT) {
            check_fields(section, f->nested, inner);
        }
        free(row);
        free(inner);
    }
}

static void
reference_has_every_field(void **state OVS_UNUSED)
{
    FILE *stream = fopen(TEST_SRCDIR "/docs/api.md", "r");
    struct ds doc = DS_EMPTY_INITIALIZER;
    char buf[4096];
    size_t n;

    assert_non_null(stream);
    while ((n = fread(buf, 1, sizeof buf, stream)) > 0) {
        ds_put_buffer(&doc, buf, n);
    }
    fclose(stream);
    for (int i = 0; i < VMN_N_TABLES; i++) {
        const struct schema_table *table = &schema_tables[i];
        char *heading = xasprintf("\n### %s\n", table->plural);
        const char *start = strstr(ds_cstr(&doc), heading);

        if (!table->observed) {
            assert_non_null(start);
            const char *end = strstr(start + 1, "\n### ");
            char *section = xmemdup0(start, end ? (size_t) (end - start)
                                            : strlen(start));
            check_fields(section, &table->row, "");
            free(section);
        }
        free(heading);
    }
    ds_destroy(&doc);
}

/* The table of bad requests.  -------------------------------------------- */

/* The request of 'test': its "raw" text, or made of method, path, headers and
 * body.  "fill" in a text is replaced by "fill_n" times "fill_with". */
static char *
request_of(const json_t *test)
{
    const char *raw = json_string_value(json_object_get(test, "raw"));
    const char *text = json_string_value(json_object_get(test, "text"));
    const char *headers = json_string_value(json_object_get(test,
                                                            "headers"));
    const char *with = json_string_value(json_object_get(test, "fill_with"));
    json_int_t n = json_integer_value(json_object_get(test, "fill_n"));
    json_t *body = json_object_get(test, "body");
    char *dumped = body ? json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY)
                   : NULL;
    struct ds ds = DS_EMPTY_INITIALIZER;
    const char *content = text ? text : dumped;

    if (content && with) {
        const char *at_ = strstr(content, "@FILL@");

        ds_put_buffer(&ds, content, at_ - content);
        for (json_int_t i = 0; i < n; i++) {
            ds_put_cstr(&ds, with);
        }
        ds_put_cstr(&ds, at_ + 6);
        content = ds_cstr(&ds);
    }
    char *request = raw ? xstrdup(raw)
        : make_request(json_string_value(json_object_get(test, "method")),
                       json_string_value(json_object_get(test, "path")),
                       headers ? headers : "", content);
    ds_destroy(&ds);
    free(dumped);
    return request;
}

static void
check_bad_request(struct fixture *f, const json_t *test)
{
    const char *name = json_string_value(json_object_get(test, "name"));
    json_int_t want = json_integer_value(json_object_get(test, "status"));
    const char *says = json_string_value(json_object_get(test, "says"));
    char *request = request_of(test);
    json_t *pointer;
    size_t i;

    client_close(&f->client);
    client_connect(&f->client, f->base, f->path);
    client_say(&f->client, request);
    free(request);
    int status = take_reply(f);
    if (status != want) {
        fail_msg("%s: %d instead of %d: %s", name, status, (int) want,
                 f->client.body.length ? ds_cstr(&f->client.body) : "");
    }
    if (!json_is_string(at(f, "detail")) || !json_is_string(at(f, "type"))
        || json_integer_value(at(f, "status")) != want) {
        fail_msg("%s: not a problem: %s", name, ds_cstr(&f->client.body));
    }
    if (says && !strstr(ds_cstr(&f->client.body), says)) {
        fail_msg("%s: does not say \"%s\": %s", name, says,
                 ds_cstr(&f->client.body));
    }
    json_array_foreach (json_object_get(test, "at"), i, pointer) {
        if (!has_error_at(f, json_string_value(pointer))) {
            fail_msg("%s: no error at %s: %s", name,
                     json_string_value(pointer), ds_cstr(&f->client.body));
        }
    }
}

static void
bad_requests_are_refused_one_by_one(void **state)
{
    struct fixture *f = *state;
    json_error_t error;
    json_t *table = json_load_file(TEST_SRCDIR "/tests/unit/"
                                   "bad-requests.json",
                                   JSON_REJECT_DUPLICATES, &error);
    json_t *tests, *test;
    size_t i;

    if (!table) {
        fail_msg("line %d: %s", error.line, error.text);
    }
    char *body = json_dumps(json_object_get(table, "setup"), 0);
    assert_call(f, 200, "POST", "/v1/apply", body);
    free(body);
    assert_call(f, 200, "GET", "/v1/status", NULL);
    uint64_t before = model_revision(f->model);

    tests = json_object_get(table, "tests");
    assert_true(json_array_size(tests) >= 100);
    json_array_foreach (tests, i, test) {
        check_bad_request(f, test);
    }
    print_message("%"PRIuSIZE" requests\n", json_array_size(tests));

    /* None of them changed anything, and the server goes on. */
    assert_int_equal(model_revision(f->model), before);
    client_close(&f->client);
    client_connect(&f->client, f->base, f->path);
    assert_call(f, 201, "PUT", "/v1/networks/after", NET);
    json_decref(table);
}

int
main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(put_creates_then_changes_nothing),
        TEST(what_was_read_can_be_put_back),
        TEST(all_faults_are_told_at_once),
        TEST(patch_merges_into_the_spec),
        TEST(stale_if_match_is_refused),
        TEST(referred_object_is_deleted_only_with_cascade),
        TEST(apps_can_only_be_switched),
        TEST(lists_come_in_pages),
        TEST(page_that_takes_long_is_made_in_parts),
        TEST(lists_are_selected_by_label),
        TEST(status_names_members_and_backends),
        TEST(apply_takes_objects_in_any_order),
        TEST(apply_is_all_or_nothing),
        TEST(apply_prunes_what_the_set_no_longer_names),
        TEST(plan_tells_and_changes_nothing),
        TEST(plan_knows_what_goes_along),
        TEST(change_that_is_only_tried_leaves_nothing),
        TEST(wait_answers_with_the_receipt),
        TEST(client_that_leaves_ends_its_wait),
        TEST(change_outlives_a_client_that_leaves),
        TEST(northbound_may_go_with_changes_in_flight),
        TEST(long_lists_are_applied_in_slices),
        TEST(client_of_a_long_list_may_leave_at_any_time),
        TEST(change_that_cannot_be_stored_is_undone),
        TEST(backup_is_a_file),
        TEST(client_may_leave_its_backup),
        TEST(revisions_have_who_what_and_receipt),
        TEST(status_and_metrics_are_told),
        TEST(activity_tells_what_changes_cost),
        TEST(identities_are_asked_for_by_network_and_number),
        TEST(drops_are_told_by_what_they_are_for),
        TEST(drops_of_what_is_nowhere_are_refused),
        TEST(tiers_that_are_built_in_are_shown_and_stay),
        TEST(priorities_that_are_equal_are_told_of_both),
        TEST(policies_tell_what_their_rules_were_hit_by),
        TEST(quarantines_tell_what_came_through),
        TEST(tiers_tell_what_they_keep),
        TEST(flows_are_filtered),
        TEST(differences_are_told_when_they_are_known),
        TEST(client_that_leaves_ends_its_look),
        TEST(northbound_may_go_with_looks_in_flight),
        TEST(what_was_seen_becomes_policies),
        TEST(ports_elsewhere_are_not_picked),
        TEST(questions_about_what_is_not_observed_are_refused),
        TEST(client_that_leaves_ends_its_reading),
        TEST(observation_tells_its_end),
        TEST(listeners_need_an_address_and_a_token),
        cmocka_unit_test(reference_has_every_field),
        TEST(bad_requests_are_refused_one_by_one),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
