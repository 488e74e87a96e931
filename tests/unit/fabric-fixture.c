/* SPDX-License-Identifier: Apache-2.0
 *
 * The fabric on the real model, engine and commit; see fabric-fixture.h. */

#include <config.h>

#include "tests/unit/fabric-fixture.h"

#include <errno.h>
#include <event2/event.h>

#include "controller/commit/commit.h"
#include "controller/fabric/fabric-receipts.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/fabric.h"
#include "controller/model/id-pools.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-struct.h"
#include "tests/unit/app-loader.h"
#include "util.h"

struct commit *commit;
struct fabric *fabric;
struct loop *loop;
uint64_t revision;
int fixture_store_errors;

static bool answered;

/* A store that is durable at once.  -------------------------------------- */

static store_done_cb *store_done;
static void *store_aux;
static struct model *store_model;

static void
store_event_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED,
               void *aux OVS_UNUSED)
{
    if (fixture_store_errors) {
        fixture_store_errors--;
        struct vmn_error why = VMN_ERROR_INIT;

        vmn_error_errno(&why, EIO, "the test wants it");
        store_done(store_aux, EIO, &why);
        vmn_error_uninit(&why);
        return;
    }
    id_pools_written(model_id_pools(store_model));
    store_done(store_aux, 0, NULL);
}

static void
fake_submit(struct store *store OVS_UNUSED, struct model *model,
            store_done_cb *done, void *aux)
{
    const struct timeval now = { 0, 0 };
    const struct id_write *numbers;
    size_t n;

    id_pools_get_pending(model_id_pools(model), &n, &numbers);
    store_model = model;
    store_done = done;
    store_aux = aux;
    event_base_once(loop_base(loop), -1, EV_TIMEOUT, store_event_cb, NULL,
                    &now);
}

static const struct store_class fake_store = {
    .name = "fake", .submit = fake_submit,
};

/* The fixture.  ---------------------------------------------------------- */

struct fabric_wait *
wait_for_revision(struct fabric *f, uint64_t waited, int timeout_ms,
                  fabric_wait_cb *cb, void *aux)
{
    const struct fabric_wait_for what = { 1, &waited, 0, NULL };

    return fabric_wait(f, &what, timeout_ms, cb, aux);
}

json_t *
fixture_receipt(uint64_t rev)
{
    struct fabric_receipt receipt;
    json_t *json = NULL;
    struct arena arena;

    arena_init(&arena);
    if (fabric_get_receipt(fabric, rev, &arena, &receipt)) {
        json = schema_struct_to_json(&fabric_receipt_shown, &receipt);
    }
    arena_uninit(&arena);
    return json;
}

void
fixture_turn(void)
{
    loop_turn(loop, 1);
}

static void
done_cb(void *aux OVS_UNUSED, const struct commit_result *result)
{
    if (!result->ok) {
        fail_msg("%s: %s", result->errors->errors[0].pointer,
                 result->errors->errors[0].text);
    }
    revision = result->revision;
    answered = true;
}

void
fixture_submit(struct model_request *request, void (*turn)(void))
{
    answered = false;
    commit_submit(commit, request, done_cb, NULL);
    FIXTURE_TURN_UNTIL(turn, answered);
}

void
fixture_edit(enum vmn_table table, const char *name, json_t *spec,
             void (*turn)(void))
{
    struct model_request request;

    model_request_init(&request, "test");
    model_request_add(&request, spec ? MODEL_PUT : MODEL_DELETE, table, name,
                      spec);
    fixture_submit(&request, turn);
}

static void
load(const struct vmn_app_class *app, const char *const *modules)
{
    struct vmn_error error = VMN_ERROR_INIT;

    toy.apphost = apphost_create(NULL, false);
    if (app && apphost_add(toy.apphost, app, &error)) {
        fail_msg("%s", error.text);
    }
    for (; modules && *modules; modules++) {
        if (load_built_app(toy.apphost, *modules, &error)) {
            fail_msg("%s", error.text);
        }
    }
    toy.model = model_create();
    toy.engine = engine_create(toy.model, apphost_pipeline(toy.apphost));
}

void
fixture_start_fabric(const struct fabric_options *options)
{
    assert_int_equal(fabric_create(options, loop, toy.model, toy.engine,
                                   commit, &fabric, NULL), 0);
}

void
fixture_start_commit(void)
{
    commit = commit_create(loop_base(loop), toy.model, toy.engine,
                           &fake_store, NULL);
}

void
fixture_start_with(const struct fabric_options *options,
                   const struct vmn_app_class *app,
                   const char *const *modules)
{
    loop = loop_create();
    load(app, modules);
    fixture_start_commit();
    fixture_start_fabric(options);
}

void
fixture_start(const char *target, const char *pki,
              const struct vmn_app_class *app, const char *const *modules)
{
    char *key = pki ? xasprintf("%s/key.pem", pki) : NULL;
    char *cert = pki ? xasprintf("%s/cert.pem", pki) : NULL;
    char *ca = pki ? xasprintf("%s/ca.pem", pki) : NULL;
    struct fabric_options options = {
        .openflow_listen = target, .ssl_private_key = key,
        .ssl_certificate = cert, .ssl_ca_cert = ca,
    };

    fixture_start_with(&options, app, modules);
    free(key);
    free(cert);
    free(ca);
}

void
fixture_stop_fabric(void)
{
    FIXTURE_TURN_UNTIL(fixture_turn, commit_is_quiescent(commit));
    fabric_destroy(fabric);
    fabric = NULL;
}

void
fixture_stop(void)
{
    fixture_stop_fabric();
    commit_destroy(commit);
    toy_uninit(&toy);
    loop_destroy(loop);
}

json_t *
fixture_host_status(const char *host)
{
    struct status_host status;
    struct arena arena;
    json_t *json = NULL;

    arena_init(&arena);
    if (fabric_host_status(fabric, host, &arena, &status)) {
        struct status_lag lag;
        const char *state;

        assert_true(fabric_host_state(fabric, host, &state, &lag));
        assert_string_equal(state, status.state);
        assert_int_equal(lag.revisions, status.lag.revisions);
        json = schema_struct_to_json(&schema_status_host, &status);
    }
    arena_uninit(&arena);
    return json;
}

json_t *
fixture_port_status(const char *port)
{
    struct status_port status;
    struct arena arena;
    json_t *json = NULL;

    arena_init(&arena);
    if (fabric_port_status(fabric, port, &arena, &status)) {
        const struct vmn_port *row = model_get_durable(
            toy.model, VMN_TABLE_PORT, port, NULL);

        if (row) {
            assert_string_equal(fabric_port_state(fabric, row), status.state);
        }
        json = schema_struct_to_json(&schema_status_port, &status);
    }
    arena_uninit(&arena);
    return json;
}

json_t *
fixture_telemetry_status(const struct vmn_telemetry *row)
{
    struct status_telemetry status;
    struct arena arena;
    json_t *json;

    arena_init(&arena);
    fabric_telemetry_status(fabric, row, 10, &arena, &status);
    json = schema_struct_to_json(&schema_status_telemetry, &status);
    arena_uninit(&arena);
    return json;
}
