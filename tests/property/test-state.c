/* SPDX-License-Identifier: Apache-2.0
 *
 * Property test of model and store: after any sequence of requests, good and
 * bad ones,
 *
 *  - a refused request has changed nothing;
 *  - what holds between objects, holds, by a plain reading of all rows;
 *  - the indexes are what a plain scan of all rows gives;
 *  - the notes of changes name just the rows and index keys that changed;
 *  - an undone group leaves the durable state;
 *  - what the store loads is what the model holds: whatever was accepted is
 *    accepted again, values at the edges of what is allowed included.
 *
 * Usage: test-state [SEED [STEPS]].  The seed is printed. */

#include <config.h>

#include <event2/event.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "controller/model/id-pools.h"
#include "controller/model/model.h"
#include "controller/store/store.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/shash.h"
#include "tests/property/state-check.h"
#include "tests/property/state-random.h"
#include "tests/property/state-snapshot.h"
#include "tests/unit/model-util.h"
#include "util.h"

static uint64_t seed = 1;
static unsigned n_steps = 3000;

struct test {
    char *dir, *path;
    struct event_base *base;
    struct store *store;
    struct model *model;
    bool done;
    struct shash snap;          /* Of the model, after the last step. */
    unsigned n_accepted, n_refused, n_undone, n_stored, n_cascades;
};

static void
check_step(struct test *t)
{
    struct shash now;

    check_invariants(t->model);
    snap_init(&now, t->model);
    check_indexes(t->model, &now, &t->snap);
    check_changes(t->model, &t->snap, &now);
    shash_swap(&t->snap, &now);
    snap_uninit(&now);
}

static void
step_request(struct test *t)
{
    char *before = model_util_dump(t->model, false);
    struct ds ds = DS_EMPTY_INITIALIZER;
    uint64_t old_revision = model_revision(t->model);
    bool settled = !model_is_unsettled(t->model);
    uint64_t revision;

    for (unsigned i = chance(50) ? 1 : 1 + rnd(5); i > 0; i--) {
        put_op(&ds);
    }
    const char *who = chance(80) ? "test" : "vmnd";
    const char *set = chance(5) ? "set" : NULL;
    char *errors = model_util_apply(t->model, who, set, ds_cstr(&ds),
                                    &revision);
    char *after = model_util_dump(t->model, false);
    if (*errors) {
        assert_string_equal(before, after);
        assert_int_equal(model_revision(t->model), old_revision);
        t->n_refused++;
    } else {
        /* Nothing else may delete a policy meanwhile. */
        if (settled && !set && !strncmp(ds_cstr(&ds), "cascade", 7)
            && ds_chomp(&ds, '\n') && !strchr(ds_cstr(&ds), '\n')
            && !strstr(ds_cstr(&ds), " policies ")) {
            check_cascade(t->model);
            t->n_cascades++;
        }
        t->n_accepted++;
    }
    check_step(t);
    free(before);
    free(after);
    free(errors);
    ds_destroy(&ds);
}

static void
step_undo(struct test *t)
{
    char *durable = model_util_dump(t->model, true);

    model_undo(t->model);
    char *after = model_util_dump(t->model, true);
    assert_string_equal(durable, after);
    assert_int_equal(model_revision(t->model),
                     model_durable_revision(t->model));
    check_step(t);
    free(after);
    free(durable);
    t->n_undone++;
}

static void
on_done(void *t_, int error, const struct vmn_error *why OVS_UNUSED)
{
    struct test *t = t_;

    assert_int_equal(error, 0);
    t->done = true;
}

static void
step_store(struct test *t)
{
    t->done = false;
    store_sqlite_class.submit(t->store, t->model, on_done, t);
    while (!t->done) {
        event_base_loop(t->base, EVLOOP_ONCE);
    }
    model_settle(t->model);
    id_pools_acked(model_id_pools(t->model), model_revision(t->model)
                                           - MIN(model_revision(t->model),
                                                 rnd(4)));
    check_step(t);
    t->n_stored++;
}

/* All durable rows that are stored, metadata included. */
static char *
dump_stored(struct model *model)
{
    char *dump = model_util_dump(model, true);
    char *vifs = strstr(dump, "vifs {");

    if (vifs) {
        *vifs = '\0';
    }
    return dump;
}

static void
step_load(struct test *t)
{
    struct model *copy = model_create();
    struct vmn_error why = VMN_ERROR_INIT;

    if (store_sqlite_class.load(t->store, copy, &why)) {
        fail_msg("what was stored does not load: %s", why.text);
    }
    char *a = dump_stored(t->model);
    char *b = dump_stored(copy);
    assert_string_equal(a, b);
    check_invariants(copy);
    free(a);
    free(b);
    model_destroy(copy);
}

static void
open_test(struct test *t)
{
    const char *parent = getenv("TMPDIR");
    struct vmn_error why = VMN_ERROR_INIT;

    memset(t, 0, sizeof *t);
    t->dir = xasprintf("%s/test-state-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(t->dir));
    t->path = xasprintf("%s/state.db", t->dir);
    t->base = event_base_new();
    assert_int_equal(store_sqlite_class.open(t->path, t->base, &t->store,
                                             &why), 0);
    t->model = model_create();
    snap_init(&t->snap, t->model);
}

static void
close_test(struct test *t)
{
    char *lock = xasprintf("%s.lock", t->path);

    store_sqlite_class.close(t->store);
    model_destroy(t->model);
    event_base_free(t->base);
    snap_uninit(&t->snap);
    unlink(t->path);
    unlink(lock);
    assert_int_equal(rmdir(t->dir), 0);
    free(lock);
    free(t->path);
    free(t->dir);
}

static void
state_keeps_its_promises(void **state OVS_UNUSED)
{
    struct test t;

    seed_state(seed);
    open_test(&t);
    for (unsigned i = 0; i < n_steps; i++) {
        step_request(&t);
        if (chance(3)) {
            step_undo(&t);
        } else if (chance(15)) {
            step_store(&t);
            step_load(&t);
        }
    }
    print_message("%u accepted, %u refused, %u undone, %u stored, "
                  "%u cascades\n", t.n_accepted, t.n_refused, t.n_undone,
                  t.n_stored, t.n_cascades);
    /* A test that refuses or accepts nearly all would show little. */
    assert_true(t.n_accepted > n_steps / 10);
    assert_true(t.n_refused > n_steps / 10);
    close_test(&t);
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(state_keeps_its_promises),
    };

    seed = argc > 1 ? strtoull(argv[1], NULL, 10) : seed;
    n_steps = argc > 2 ? strtoul(argv[2], NULL, 10) : n_steps;
    print_message("seed %"PRIu64"\n", seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
