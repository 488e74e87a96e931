/* SPDX-License-Identifier: Apache-2.0
 *
 * A model, an engine and an app made for a test, for the unit tests of the
 * engine's room.  Header only: each test is a program of its own. */

#ifndef TESTS_UNIT_TOY_APP_H
#define TESTS_UNIT_TOY_APP_H 1

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>

#include "controller/apphost/apphost.h"
#include "controller/engine/engine.h"
#include "controller/model/model.h"

struct toy {
    struct apphost *apphost;
    struct model *model;
    struct engine *engine;
};

static inline void
toy_init(struct toy *toy, const struct vmn_app_class *app,
         const struct vmn_app_class *other)
{
    toy->apphost = apphost_create(NULL, false);
    assert_int_equal(apphost_add(toy->apphost, app, NULL), 0);
    if (other) {
        assert_int_equal(apphost_add(toy->apphost, other, NULL), 0);
    }
    toy->model = model_create();
    toy->engine = engine_create(toy->model, apphost_pipeline(toy->apphost));
}

static inline void
toy_uninit(struct toy *toy)
{
    engine_destroy(toy->engine);
    model_destroy(toy->model);
    apphost_destroy(toy->apphost);
}

/* Applies one operation; it must be accepted.  'spec' NULL deletes. */
static inline void
toy_edit(struct toy *toy, enum vmn_table table, const char *name,
         json_t *spec)
{
    struct model_request request;
    struct vmn_errors errors;
    uint64_t revision;

    model_request_init(&request, table == VMN_TABLE_APP ? "vmnd" : "test");
    model_request_add(&request, spec ? MODEL_PUT : MODEL_DELETE, table, name,
                      spec);
    vmn_errors_init(&errors);
    if (model_apply(toy->model, &request, 0, &revision, &errors)) {
        fail_msg("%s: %s %s", name, errors.errors[0].pointer,
                 errors.errors[0].text);
    }
    vmn_errors_uninit(&errors);
    model_request_uninit(&request);
}

/* Runs the engine and settles the model.  The caller frees the delta. */
static inline struct engine_delta *
toy_run(struct toy *toy)
{
    struct engine_delta *delta = engine_run(toy->engine);

    model_settle(toy->model);
    return delta;
}

/* The number of items added (or removed) by the next run. */
static inline void
toy_expect(struct toy *toy, int n_added, int n_removed)
{
    struct engine_delta *delta = toy_run(toy);
    int added = 0, removed = 0;

    for (size_t i = 0; i < delta->n_changes; i++) {
        if (delta->changes[i].added) {
            added++;
        } else {
            removed++;
        }
    }
    engine_delta_destroy(delta);
    assert_int_equal(added, n_added);
    assert_int_equal(removed, n_removed);
}

static inline void
toy_settle(struct toy *toy)
{
    engine_delta_destroy(toy_run(toy));
}

static inline json_t *
toy_host(int i)
{
    return json_pack("{s:s, s:o}", "ovsdb", "inbound", "tunnel_ip",
                     json_sprintf("192.0.2.%d", i));
}

static inline json_t *
toy_port(const char *network, const char *role)
{
    return json_pack("{s:s, s:{s:s}}", "network", network, "labels", "role",
                     role);
}

static inline json_t *
toy_network(void)
{
    return json_pack("{s:[{s:s}]}", "subnets", "cidr", "10.0.0.0/16");
}

#endif /* tests/unit/toy-app.h */
