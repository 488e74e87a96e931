/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts of handlers (vmn_count()): sums of objects and of their parts, and
 * how many an app may have. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "controller/apphost/apphost.h"
#include "controller/engine/engine.h"
#include "controller/engine/handler-counts.h"
#include "controller/engine/packet-handler.h"
#include "controller/flow/pipeline.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/apps-fixture.h"
#include "util.h"

/* Objects that have all parts, when an app has all counts that it may have. */
#define N_FULL (HANDLER_COUNTS_MAX / VMN_COUNT_PARTS_MAX)

static int
setup(void **state)
{
    static const char *const apps[] = { "overlay", "monitors", "mirrors",
                                        NULL };
    struct apps_fixture *f = apps_fixture_create(apps);
    struct ds s = DS_EMPTY_INITIALIZER;

    apps_fixture_declare_types(f, "monitors");
    apps_fixture_declare_types(f, "mirrors");
    ds_put_cstr(&s, "{'groups/g': {'selector': 'a=b'}, "
                "'mirrors/q': {'selector': 'a=b'}");
    for (int i = 0; i <= N_FULL; i++) {
        ds_put_format(&s, ", 'monitors/m%d': {'group': 'g', 'type': 'ping'}",
                      i);
    }
    ds_put_char(&s, '}');
    apps_fixture_apply(f, ds_cstr(&s));
    ds_destroy(&s);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    apps_fixture_destroy(*state);
    return 0;
}

static int
table_of(struct apps_fixture *f, const char *app)
{
    return pipeline_table_of(pipeline_find(apps_fixture_pipeline(f), app),
                             VMN_ROW_OWN(0));
}

/* Counts a packet of 10 bytes for an object of an app. */
static void
count(struct apps_fixture *f, const char *app, const char *name, uint32_t part)
{
    struct engine_handler_count of = { .table = table_of(f, app),
                                       .part = part };

    ovs_strlcpy(of.name, name, sizeof of.name);
    handler_counts_add(apps_fixture_engine(f),
                       pipeline_find(apps_fixture_pipeline(f), app), 10, &of,
                       1);
}

struct sum {
    unsigned n;
    uint64_t packets, bytes;
};

static void
add(void *sum_, const struct handler_count *count)
{
    struct sum *sum = sum_;

    sum->n++;
    sum->packets += count->packets;
    sum->bytes += count->bytes;
}

static void
assert_sum(struct apps_fixture *f, const char *app, const char *name,
           unsigned n, uint64_t packets)
{
    struct sum sum = { .n = 0 };

    engine_handler_counts(apps_fixture_engine(f), table_of(f, app), name, add,
                          &sum);
    assert_int_equal(sum.n, n);
    assert_int_equal(sum.packets, packets);
    assert_int_equal(sum.bytes, 10 * packets);
}

/* Has app monitors have all counts that it may have. */
static void
fill(struct apps_fixture *f)
{
    for (int i = 0; i < N_FULL; i++) {
        for (uint32_t part = 0; part < VMN_COUNT_PARTS_MAX; part++) {
            char *name = xasprintf("m%d", i);

            count(f, "monitors", name, part);
            free(name);
        }
    }
}

static void
objects_and_parts_have_sums(void **state)
{
    struct apps_fixture *f = *state;

    count(f, "monitors", "m1", 0);
    count(f, "monitors", "m1", 0);
    count(f, "monitors", "m1", 7);
    count(f, "monitors", "none", 0);
    assert_sum(f, "monitors", "m1", 2, 3);
    assert_sum(f, "monitors", "m2", 0, 0);
    assert_sum(f, "monitors", "none", 0, 0);
    for (uint32_t part = 0; part < 2 * VMN_COUNT_PARTS_MAX; part++) {
        count(f, "monitors", "m2", part);
    }
    assert_sum(f, "monitors", "m2", VMN_COUNT_PARTS_MAX, VMN_COUNT_PARTS_MAX);

    /* Made anew under its name, it is another object. */
    apps_fixture_apply(f, "{'monitors/m1': null}");
    apps_fixture_apply_at(f, "{'monitors/m1': {'group': 'g', 'type': 'ping'}}",
                          2);
    assert_sum(f, "monitors", "m1", 0, 0);
}

static void
counts_of_an_app_have_a_bound_of_their_own(void **state)
{
    struct apps_fixture *f = *state;
    char *last = xasprintf("m%d", N_FULL);

    fill(f);
    count(f, "monitors", last, 0);
    assert_sum(f, "monitors", last, 0, 0);
    count(f, "monitors", "m0", 0);
    assert_sum(f, "monitors", "m0", VMN_COUNT_PARTS_MAX,
               VMN_COUNT_PARTS_MAX + 1);
    count(f, "mirrors", "q", 1);
    assert_sum(f, "mirrors", "q", 1, 1);
    free(last);
}

static void
counts_of_deleted_objects_make_room(void **state)
{
    struct apps_fixture *f = *state;
    char *last = xasprintf("m%d", N_FULL);

    fill(f);
    apps_fixture_apply(f, "{'monitors/m0': null}");
    count(f, "monitors", last, 0);
    assert_sum(f, "monitors", last, 1, 1);
    assert_sum(f, "monitors", "m1", VMN_COUNT_PARTS_MAX, VMN_COUNT_PARTS_MAX);
    free(last);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(objects_and_parts_have_sums, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            counts_of_an_app_have_a_bound_of_their_own, setup, teardown),
        cmocka_unit_test_setup_teardown(counts_of_deleted_objects_make_room,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
