/* SPDX-License-Identifier: Apache-2.0
 *
 * A northbound with a store that a test speaks for, and the fabric of
 * northbound-fabric.c; see northbound-fixture.h. */

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
#include "controller/model/id-pools.h"
#include "controller/northbound/northbound-private.h"
#include "controller/schema/schema-log.h"
#include "controller/store/store-private.h"
#include "openvswitch/dynamic-string.h"
#include "proto/webhook/webhook.h"
#include "tests/unit/northbound-fixture.h"
#include "timeval.h"
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
            struct ds contents = DS_EMPTY_INITIALIZER;
            char *key = xasprintf("%"PRIu64, log->revision);

            json_array_append_new(store->logs, json_pack(
                "{s:I, s:s, s:s, s:s*, s:o*, s:o}", "revision",
                (json_int_t) log->revision, "time",
                "2026-11-20T09:51:13.595Z", "who", log->who,
                "comment", log->comment, "undoes",
                log->undoes ? json_integer(log->undoes) : NULL, "changes",
                json_loads(log->summary, 0, NULL)));
            store_contents_print(log, &contents);
            json_object_set_new(store->contents, key,
                                json_string(ds_cstr(&contents)));
            ds_destroy(&contents);
            free(key);
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

static uint64_t
revision_of(const struct store *store, size_t i)
{
    return json_integer_value(json_object_get(json_array_get(store->logs, i),
                                              "revision"));
}

static int
fake_logs(struct store *store, uint64_t after, uint64_t before, size_t limit,
          struct ds *ds, struct vmn_error *why)
{
    json_t *log;
    size_t i, n = 0;

    json_array_foreach (store->logs, i, log) {
        uint64_t revision = revision_of(store, i);

        if (revision > after && revision < before && n < limit) {
            ds_put_cstr(ds, n++ ? "," : "");
            put_log(log, ds);
        }
    }
    return fake_read(store, why);
}

static int
fake_each_log(struct store *store, uint64_t after, size_t limit,
              store_log_entry_cb *cb, void *aux, struct vmn_error *why)
{
    json_t *log;
    size_t i, n = 0;

    json_array_foreach (store->logs, i, log) {
        uint64_t revision = json_integer_value(json_object_get(log,
                                                               "revision"));
        char *changes = json_dumps(json_object_get(log, "changes"),
                                   JSON_COMPACT);
        const struct schema_log_entry entry = {
            .revision = revision, .time = time_wall_msec(),
            .who = json_string_value(json_object_get(log, "who")),
            .comment = json_string_value(json_object_get(log, "comment")),
            .changes = changes,
        };

        if (revision > after && n++ < limit) {
            cb(aux, &entry);
        }
        free(changes);
    }
    return fake_read(store, why);
}

static int
fake_count_logs(struct store *store, uint64_t after, size_t max, size_t *n,
                struct vmn_error *why)
{
    json_t *log;
    size_t i;

    *n = 0;
    json_array_foreach (store->logs, i, log) {
        *n += json_integer_value(json_object_get(log, "revision"))
              > (json_int_t) after;
    }
    *n = MIN(*n, max);
    return fake_read(store, why);
}

static int
fake_newest_logs(struct store *store, uint64_t before, size_t limit,
                 struct ds *ds, struct vmn_error *why)
{
    size_t n = json_array_size(store->logs);

    while (n && revision_of(store, n - 1) >= before) {
        n--;
    }
    for (size_t i = n - MIN(n, limit); i < n; i++) {
        ds_put_cstr(ds, i > n - MIN(n, limit) ? "," : "");
        put_log(json_array_get(store->logs, i), ds);
    }
    return fake_read(store, why);
}

/* All at once. */
static int
fake_filter_logs(struct store *store, const struct store_log_filter *filter,
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
                           filter->type)
                && (!filter->name
                    || !strcmp(json_string_value(json_object_get(change,
                                                                 "name")),
                               filter->name))) {
                ds_put_cstr(ds, n++ ? "," : "");
                put_log(log, ds);
            }
        }
    }
    *next = before == 2 ? 5 : 0;
    return fake_read(store, why);
}

static int
fake_log_contents(struct store *store, uint64_t revision, struct ds *ds,
                  struct vmn_error *why)
{
    char *key = xasprintf("%"PRIu64, revision);
    const char *text = json_string_value(json_object_get(store->contents,
                                                         key));

    free(key);
    if (text) {
        ds_put_cstr(ds, text);
    }
    return fake_read(store, why) ? store->read_error : text ? 0 : ENOENT;
}

static int
fake_set_revision(struct store *store, const char *set, uint64_t *revision,
                  struct vmn_error *why)
{
    *revision = !strcmp(set, "demo") ? store->set_revision : 0;
    return fake_read(store, why) ? store->read_error : 0;
}

static uint64_t
fake_taken_back(const struct store *store, uint64_t revision)
{
    return (revision > store->backup && revision < store->restore
            ? store->restore : 0);
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
fake_note_backup(struct store *store, const struct store_last_backup *last)
{
    store->last_backup = *last;
}

static void
fake_get_stats(const struct store *store, struct store_stats *stats)
{
    *stats = (struct store_stats) {
        .ok = !store->error, .corrupt = store->corrupt, .n_batches = 7,
        .last_backup = store->last_backup, .disk_free = store->disk_free,
        .disk_size = store->disk_free ? 1000 << 20 : 0,
    };
}

const struct store_class fake_store_class = {
    .name = "fake", .submit = fake_submit, .log = fake_log, .logs = fake_logs,
    .each_log = fake_each_log, .count_logs = fake_count_logs,
    .newest_logs = fake_newest_logs, .filter_logs = fake_filter_logs,
    .log_contents = fake_log_contents,
    .set_revision = fake_set_revision,
    .taken_back = fake_taken_back,
    .copy = fake_copy,
    .note_backup = fake_note_backup,
    .get_stats = fake_get_stats,
};

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

static int
set_up(void **state, bool following)
{
    struct fixture *f = xzalloc(sizeof *f);
    struct northbound_options options = { 0 };
    struct vmn_errors errors;
    struct vmn_error why = VMN_ERROR_INIT;

    alarm(240);
    memset(&fake_fabric, 0, sizeof fake_fabric);
    f->base = event_base_new();
    ovs_strlcpy(f->dir, "/tmp/vmn-nb-XXXXXX", sizeof f->dir);
    assert_non_null(mkdtemp(f->dir));
    f->path = xasprintf("%s/sock", f->dir);
    f->store.done = event_new(f->base, -1, 0, store_finish, &f->store);
    f->store.logs = json_array();
    f->store.contents = json_object();
    f->model = model_create();
    vmn_errors_init(&errors);
    assert_int_equal(model_load_done(f->model, 0, &errors), 0);
    f->apphost = apphost_create(NULL, false);
    assert_int_equal(apphost_add(f->apphost, &fake_app, NULL), 0);
    assert_int_equal(apphost_add(f->apphost, &fake_balancer, NULL), 0);
    f->engine = engine_create(f->model, apphost_pipeline(f->apphost));
    f->commit = commit_create(f->base, f->model, f->engine,
                              &fake_store_class, &f->store);
    make_app(f);
    make_load(f);
    options.unix_path = f->path;
    options.webhook = f->webhook;
    options.load = f->load;
    options.following = following;
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
setup(void **state)
{
    return set_up(state, false);
}

int
setup_member(void **state)
{
    return set_up(state, true);
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
    json_decref(f->store.contents);
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

void
make_host(struct fixture *f)
{
    assert_call(f, 201, "PUT", "/v1/hosts/hv1", "{\"spec\": {\"ovsdb\":"
                " \"tcp:127.0.0.1:6640\", \"tunnel_ip\": \"192.0.2.1\"}}");
}
