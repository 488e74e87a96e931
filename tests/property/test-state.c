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
 *    accepted again, values at the edges of what is allowed included;
 *  - what another member of a cluster applies makes its model, and what it
 *    stores, the same, keys of requests included; and if there are fields in
 *    rows that it does not know, it keeps them, and nothing else differs.
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
#include "controller/schema/schema-row.h"
#include "controller/schema/schema-unknown.h"
#include "controller/store/store.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/shash.h"
#include "svec.h"
#include "tests/property/ids-text.h"
#include "tests/property/state-check.h"
#include "tests/property/state-random.h"
#include "tests/property/state-snapshot.h"
#include "tests/unit/model-util.h"
#include "util.h"

static uint64_t seed = 1;
static unsigned n_steps = 3000;

/* Requests have a key of so many. */
#define N_KEYS 1000

/* Another member of the cluster. */
struct follower {
    char *path;
    struct store *store;
    struct model *model;
    char *text;                 /* The batch that it is to apply. */
    struct shash unknown;       /* By "TYPE NAME", the specs of rows that have
                                 * fields which it does not know: json_t. */
    int64_t index;
    bool done;
};

struct test {
    char *dir, *path;
    struct event_base *base;
    struct store *store;
    struct model *model;
    bool done;
    struct store_replicator replicator;
    struct follower follower;
    struct shash snap;          /* Of the model, after the last step. */
    uint64_t stored_revision;
    unsigned n_accepted, n_refused, n_undone, n_stored, n_cascades;
    unsigned n_followed, n_unknown;
};

static void
check_same(char *a, char *b)
{
    assert_string_equal(a, b);
    free(a);
    free(b);
}

/* The keys that are known, by their authors. */
static char *
dump_keys(const struct model *model)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (unsigned i = 0; i < 2 * N_KEYS; i++) {
        const char *who = i % 2 ? "test" : "vmnd";
        char *key = xasprintf("key-%u", i / 2);

        if (model_has_key(model, who, key, 1000)) {
            ds_put_format(&ds, "%s %s\n", who, key);
        }
        free(key);
    }
    return ds_steal_cstr(&ds);
}

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
    char *key = chance(30) ? xasprintf("key-%u", rnd(N_KEYS)) : NULL;
    char *errors = model_util_apply_keyed(t->model, who, set, key,
                                          ds_cstr(&ds), &revision);
    char *after = model_util_dump(t->model, false);
    if (*errors) {
        assert_string_equal(before, after);
        assert_int_equal(model_revision(t->model), old_revision);
        t->n_refused++;
    } else {
        /* Nothing else may delete a policy meanwhile. */
        if (settled && !set && !key && !strncmp(ds_cstr(&ds), "cascade", 7)
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
    free(key);
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
    check_same(dump_keys(t->model), dump_keys(t->follower.model));
    check_step(t);
    free(after);
    free(durable);
    t->n_undone++;
}

static void
on_done(void *done, int error, const struct vmn_error *why)
{
    if (error) {
        fail_msg("%s", why->text);
    }
    *(bool *) done = true;
}

static void
wait_done(struct test *t, bool *done)
{
    while (!*done) {
        event_base_loop(t->base, EVLOOP_ONCE);
    }
    *done = false;
}

static void
append(void *t_, char *text, size_t length, store_appended_cb *done,
       void *done_aux)
{
    struct test *t = t_;

    assert_int_equal(strlen(text), length);
    assert_null(strchr(text, '\n'));
    free(t->follower.text);
    t->follower.text = text;
    done(done_aux, 0, NULL, ++t->follower.index);
}

static void
fell_behind(void *t OVS_UNUSED, const char *why)
{
    fail_msg("%s", why);
}

/* The cursors, without those that are as if there were none. */
static char *
dump_cursors(struct model *model)
{
    struct svec lines = SVEC_EMPTY_INITIALIZER;
    struct model_cursors all;

    model_get_all_cursors(model, &all);
    for (size_t i = 0; i < all.n; i++) {
        const struct model_cursor *cursor = &all.cursors[i];

        if (cursor->next) {
            svec_add_nocopy(&lines, xasprintf(
                "%s %s %"PRIu64, cursor->network, cursor->subnet,
                cursor->next));
        }
    }
    svec_sort(&lines);

    char *dump = svec_join(&lines, "\n", "\n");
    svec_destroy(&lines);
    free(all.cursors);
    return dump;
}

static char *
dump_log(struct store *store, uint64_t revision)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct vmn_error why = VMN_ERROR_INIT;

    store_sqlite_class.log(store, revision, &ds, &why);
    store_sqlite_class.log_contents(store, revision, &ds, &why);
    return ds_steal_cstr(&ds);
}

/* All durable rows, metadata included. */
static char *
dump_stored(struct model *model)
{
    return model_util_dump(model, true);
}

/* Unknown fields.  -------------------------------------------------------- */

/* Adds fields that nobody knows to objects in 'json', at any depth, perhaps
 * none.  Labels are an object without a description, and so are specs that a
 * draft has. */
static void
add_unknown(struct test *t, json_t *json)
{
    const char *name;
    json_t *value;
    size_t i;

    json_array_foreach (json, i, value) {
        add_unknown(t, value);
    }
    json_object_foreach (json, name, value) {
        if (strcmp(name, "labels") && strcmp(name, "spec")
            && strcmp(name, "base_spec")) {
            add_unknown(t, value);
        }
    }
    if (json_is_object(json) && chance(40)) {
        json_object_set_new(json, "later", json_pack(
            "{s:[i, s], s:n}", "a", (int) t->n_unknown++, "b", "c"));
    }
}

static void
forget_unknown(struct follower *f, const char *key)
{
    json_decref(shash_find_and_delete(&f->unknown, key));
}

/* Makes the batch that of a newer version: with fields that the follower does
 * not know.  What the writer has written anew has those fields alone. */
static void
make_newer(struct test *t)
{
    struct follower *f = &t->follower;
    json_t *batch = json_loads(f->text, 0, NULL);
    json_t *row;
    size_t i;

    json_array_foreach (json_object_get(batch, "rows"), i, row) {
        json_t *spec = json_object_get(row, "spec");
        json_t *before = json_deep_copy(spec);
        char *key = xasprintf(
            "%s %s", json_string_value(json_object_get(row, "type")),
            json_string_value(json_object_get(row, "name")));

        forget_unknown(f, key);
        add_unknown(t, chance(70) ? spec : NULL);
        if (spec && !json_equal(spec, before)) {
            shash_add(&f->unknown, key, json_deep_copy(spec));
        }
        json_decref(before);
        free(key);
    }
    free(f->text);
    f->text = json_dumps(batch, JSON_COMPACT);
    json_decref(batch);
}

/* Checks that the follower has just the fields that were added. */
static void
check_unknown(const struct follower *f)
{
    const struct shash_node *node;

    assert_int_equal(model_count_unknown(f->model),
                     shash_count(&f->unknown));
    SHASH_FOR_EACH (node, &f->unknown) {
        char *type = xmemdup0(node->name, strcspn(node->name, " "));
        const struct vmn_row *row;
        struct model_meta meta;
        json_t *spec, *unknown;

        row = model_get_durable(f->model, schema_find_table(type)->id,
                                strchr(node->name, ' ') + 1, &meta);
        unknown = json_loads(meta.unknown, 0, NULL);
        spec = schema_row_spec(row);
        schema_unknown_put(spec, json_object_get(unknown, "spec"));
        if (!json_equal(spec, node->data)) {
            fail_msg("%s: %s", node->name, json_dumps(spec, 0));
        }
        json_decref(unknown);
        json_decref(spec);
        free(type);
    }
}

/* The follower.  ---------------------------------------------------------- */

/* The follower applies the last batch. */
static void
follow(struct test *t)
{
    struct follower *f = &t->follower;
    struct vmn_error why = VMN_ERROR_INIT;
    struct store_place place;

    make_newer(t);
    if (store_sqlite_class.apply(f->store, f->model, f->text, f->index,
                                 on_done, &f->done, &why)) {
        fail_msg("%s", why.text);
    }
    wait_done(t, &f->done);
    model_settle(f->model);
    assert_int_equal(model_revision(f->model), model_revision(t->model));
    assert_int_equal(model_durable_revision(f->model),
                     model_revision(f->model));
    check_same(dump_stored(f->model), dump_stored(t->model));
    check_same(dump_ids(f->model), dump_ids(t->model));
    check_same(dump_cursors(f->model), dump_cursors(t->model));
    check_same(dump_keys(f->model), dump_keys(t->model));
    for (uint64_t r = t->stored_revision + 1; r <= model_revision(t->model);
         r++) {
        check_same(dump_log(f->store, r), dump_log(t->store, r));
    }
    store_sqlite_class.get_place(f->store, &place);
    assert_int_equal(place.index, f->index);
    check_unknown(f);
    t->n_followed++;
}

/* Makes the file that of a cluster's member, unless it is. */
static void
be_member(struct store *store)
{
    struct store_place place;

    store_sqlite_class.get_place(store, &place);
    if (!place.cluster) {
        place.cluster = 1;
        assert_int_equal(store_sqlite_class.set_place(store, &place, NULL),
                         0);
    }
}

static void
open_follower(struct test *t)
{
    struct follower *f = &t->follower;
    struct vmn_error why = VMN_ERROR_INIT;

    assert_int_equal(store_sqlite_class.open(f->path, t->base, &f->store,
                                             &why), 0);
    f->model = model_create();
    model_set_replicated(f->model);
    be_member(f->store);
    if (store_sqlite_class.load(f->store, f->model, &why)) {
        fail_msg("%s", why.text);
    }
}

static void
close_follower(struct test *t)
{
    store_sqlite_class.close(t->follower.store);
    model_destroy(t->follower.model);
}

/* The follower is restarted, and goes on where it was. */
static void
restart_follower(struct test *t)
{
    struct follower *f = &t->follower;
    char *rows = dump_stored(f->model), *ids = dump_ids(f->model);
    char *cursors = dump_cursors(f->model), *keys = dump_keys(f->model);
    struct store_place place;

    close_follower(t);
    open_follower(t);
    store_sqlite_class.get_place(f->store, &place);
    assert_int_equal(place.index, f->index);
    check_same(dump_stored(f->model), rows);
    check_same(dump_ids(f->model), ids);
    check_same(dump_cursors(f->model), cursors);
    check_same(dump_keys(f->model), keys);
    check_unknown(f);
}

static void
step_store(struct test *t)
{
    store_sqlite_class.submit(t->store, t->model, on_done, &t->done);
    wait_done(t, &t->done);
    model_settle(t->model);
    follow(t);
    t->stored_revision = model_revision(t->model);
    id_pools_acked(model_id_pools(t->model), model_revision(t->model)
                                           - MIN(model_revision(t->model),
                                                 rnd(4)));
    check_step(t);
    t->n_stored++;
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
    t->replicator = (struct store_replicator) { append, fell_behind, t };
    store_sqlite_class.set_replicator(t->store, &t->replicator);
    t->follower.path = xasprintf("%s/follower.db", t->dir);
    shash_init(&t->follower.unknown);
    open_follower(t);
    t->model = model_create();
    model_set_replicated(t->model);
    be_member(t->store);
    snap_init(&t->snap, t->model);
}

static void
close_test(struct test *t)
{
    char *lock = xasprintf("%s.lock", t->path);
    char *other = xasprintf("%s.lock", t->follower.path);

    close_follower(t);
    while (!shash_is_empty(&t->follower.unknown)) {
        forget_unknown(&t->follower,
                       shash_first(&t->follower.unknown)->name);
    }
    shash_destroy(&t->follower.unknown);
    store_sqlite_class.close(t->store);
    model_destroy(t->model);
    event_base_free(t->base);
    snap_uninit(&t->snap);
    unlink(t->path);
    unlink(lock);
    unlink(t->follower.path);
    unlink(other);
    free(other);
    free(t->follower.path);
    free(t->follower.text);
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
            if (chance(10)) {
                restart_follower(&t);
            }
        }
    }
    print_message("%u accepted, %u refused, %u undone, %u stored, "
                  "%u cascades, %u followed, %u unknown fields\n",
                  t.n_accepted, t.n_refused, t.n_undone, t.n_stored,
                  t.n_cascades, t.n_followed, t.n_unknown);
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
