/* SPDX-License-Identifier: Apache-2.0
 *
 * Property test of the engine with all apps: after any sequence of edits,
 *
 *  - what it wants equals a compile of the same state from nothing;
 *  - a host that applies every difference, as engine.h says a host must, holds
 *    just what it is to hold;
 *  - an undone revision leaves no trace;
 *  - a plan leaves no trace either, and tells what then happens.
 *
 * Usage: test-oracle [SEED [STEPS]].  The seed is printed. */

#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "controller/apphost/apphost.h"
#include "controller/engine/engine.h"
#include "controller/model/id-pools.h"
#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "tests/property/oracle-hosts.h"
#include "tests/property/oracle-random.h"
#include "tests/property/plan-check.h"
#include "tests/property/setup.h"
#include "util.h"

static void
show_errors(const struct vmn_errors *errors)
{
    for (size_t i = 0; i < errors->n && getenv("ORACLE_VERBOSE"); i++) {
        printf("# refused: %s %s\n", errors->errors[i].pointer,
               errors->errors[i].text);
    }
}

/* One random request.  Returns true if it changed something. */
static bool
edit(struct model *model)
{
    struct model_request request;
    struct vmn_errors errors;
    uint64_t revision;

    random_request(&request);
    vmn_errors_init(&errors);

    bool ok = !model_apply(model, &request, 0, &revision, &errors);

    show_errors(&errors);
    vmn_errors_uninit(&errors);
    model_request_uninit(&request);
    return ok && model_is_unsettled(model);
}

/* Pauses.  ---------------------------------------------------------------- */

static size_t n_looked;

static void
look_item_cb(void *engine, const struct flow_item *item)
{
    n_looked += engine_find_xid(engine, item->xid) == item;
    n_looked += engine_cookie_name(engine, item->cookie) != NULL;
}

/* Does in a pause what others may do there.  Whatever it sees, it must be
 * there to be seen. */
static void
pause_cb(void *engine)
{
    static unsigned n;
    const char *most;
    uint64_t n_most;
    struct status_app status;
    struct arena arena;
    char host[8];

    if (n++ % 61) {
        return;
    }
    snprintf(host, sizeof host, "h%u", n / 61 % N_HOSTS);
    engine_host_items(engine, host, look_item_cb, engine);
    n_looked += engine_host_digest(engine, host) != 0;
    n_looked += engine_host_total(engine, host) != 0;
    n_looked += engine_quota_flows(engine, "k0", &most, &n_most);
    arena_init(&arena);
    engine_app_status(engine, "firewall", &arena, &status);
    arena_uninit(&arena);
}

/* The test.  -------------------------------------------------------------- */

static size_t
verify(const struct engine *engine, unsigned step)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    size_t n = engine_verify(engine, &ds);

    if (n) {
        printf("# step %u: differs from a compile from nothing:\n%s", step,
               ds_cstr(&ds));
    }
    ds_destroy(&ds);
    return n;
}

/* A revision that the store refuses.  The difference out and the one back
 * cancel each other out, so neither reaches a host. */
static void
undone_edit(struct model *model, struct engine *engine)
{
    if (edit(model)) {
        engine_delta_destroy(engine_run(engine));
        model_undo(model);
        engine_delta_destroy(engine_run(engine));
    }
}

/* Plans a request, or the one that comes next. */
static size_t
plan(struct model *model, struct engine *engine, struct plan_check *check,
     bool next)
{
    struct model_request request;
    uint64_t before = random_state();
    size_t n_wrong;

    random_request(&request);
    if (next) {
        set_random_state(before);
    }
    n_wrong = plan_check_make(check, model, engine, &request);
    model_request_uninit(&request);
    return n_wrong;
}

static size_t
run(struct model *model, struct engine *engine, unsigned n_steps)
{
    struct plan_check check = { .plan = NULL };
    size_t n_wrong = 0;
    size_t n_edits = 0;
    size_t n_plans = 0;

    for (unsigned step = 0; step < n_steps && !n_wrong; step++) {
        if (chance(10)) {
            undone_edit(model, engine);
            continue;
        }

        bool planned = chance(40);
        if (planned) {
            n_wrong += plan(model, engine, &check, false);
            n_wrong += plan(model, engine, &check, true);
            n_plans += 2;
        }
        if (edit(model)) {
            struct engine_delta *delta;

            id_pools_set_revision(model_id_pools(model),
                                  model_revision(model));
            delta = engine_run(engine);
            if (planned) {
                n_wrong += plan_check_compare(&check, model, engine, delta);
            }
            model_settle(model);
            hosts_apply(engine, delta);
            engine_delta_destroy(delta);
            n_edits++;
            if (chance(20)) {
                id_pools_acked(model_id_pools(model), model_revision(model));
            }
        }
        if (step % 50 == 49 || step < 50) {
            n_wrong += verify(engine, step) + hosts_check(engine, model);
        }
        if (n_wrong) {
            printf("# step %u\n", step);
        }
        plan_check_uninit(&check);
    }

    struct engine_stats stats;

    engine_get_stats(engine, &stats);
    printf("# %"PRIuSIZE" edits, %"PRIuSIZE" plans; at the end %"PRIu64
           " flows, %"PRIu64
           " groups, %"PRIu64" units, %"PRIu64" computed\n", n_edits, n_plans,
           stats.n_flows, stats.n_groups, stats.n_units,
           stats.n_units_computed);
    return n_wrong;
}

int
main(int argc, char *argv[])
{
    unsigned seed = argc > 1 ? atoi(argv[1]) : 1;
    unsigned n_steps = argc > 2 ? atoi(argv[2]) : 2000;
    struct apphost *apphost = load_apps();
    struct model *model = model_create();
    struct engine *engine = engine_create(model, apphost_pipeline(apphost));
    size_t n_wrong;
    int n_problems;

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_ERR);
    printf("# seed %u, %u steps\n", seed, n_steps);
    seed_random(seed);
    hosts_init();
    engine_set_yield(engine, pause_cb, engine);
    engine_delta_destroy(engine_run(engine));
    n_wrong = run(model, engine, n_steps);

    const struct engine_problems *problems = engine_problems(engine);

    n_problems = problems->n;
    for (size_t i = 0; i < problems->n; i++) {
        printf("# problem: %s: %s\n", problems->problems[i].units[0],
               problems->problems[i].detail);
    }
    hosts_uninit();
    engine_destroy(engine);
    model_destroy(model);
    apphost_destroy(apphost);
    printf("%s\n", n_wrong || n_problems ? "not ok" : "ok");
    return n_wrong || n_problems ? 1 : 0;
}
