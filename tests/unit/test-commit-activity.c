/* SPDX-License-Identifier: Apache-2.0
 *
 * controller/commit: the activity that is kept of groups. */

#include <config.h>

#include "tests/unit/commit-fixture.h"
#include "tests/unit/toy-app.h"

#include "controller/commit/activity.h"
#include "controller/commit/commit.h"
#include "controller/schema/schema-struct.h"
#include "openvswitch/vlog.h"

/* The newest group that is kept. */
static const struct activity_group *
newest_group(void)
{
    uint64_t oldest, newest;

    activity_range(commit_activity(the_commit), &oldest, &newest);
    assert_true(newest > 0);
    return activity_get(commit_activity(the_commit), newest);
}

static json_int_t
newest_count(const char *name)
{
    struct activity_item item;
    struct arena arena;
    json_t *json, *first;
    json_int_t n;

    arena_init(&arena);
    activity_show(commit_activity(the_commit), newest_group(), &arena, &item);
    json = schema_struct_to_json(&activity_item_shown, &item);
    first = json_array_get(json_object_get(json, "apps"), 0);
    n = json_integer_value(json_object_get(first, name));
    json_decref(json);
    arena_uninit(&arena);
    return n;
}

static void
activity_tells_who_what_and_the_price(void **state)
{
    const struct activity_group *group = newest_group();

    assert_int_equal(group->id, 1); /* The state as it was loaded. */
    assert_true(group->first_revision > group->last_revision);

    add_host("h1");
    add_host("h2");
    add_host("h1");             /* Changes nothing. */
    commit_turn();
    assert_int_equal(newest_group()->id, 1);
    finish_store(0);
    group = newest_group();
    assert_int_equal(group->id, 2);
    assert_int_equal(group->first_revision, 1);
    assert_int_equal(group->last_revision, 2);
    assert_int_equal(group->n_requests, 2);
    assert_int_equal(group->n_who, 1);
    assert_string_equal(group->who[0], "test");
    assert_int_equal(group->n_changes, 2);
    assert_string_equal(group->changes[1].op, "create");
    assert_string_equal(group->changes[1].type, "hosts");
    assert_string_equal(group->changes[1].name, "h2");
    assert_int_equal(newest_count("units"), 2);
    assert_int_equal(newest_count("queries"), 0);
    assert_int_equal(newest_count("added"), 2);
    for (int i = 0; i < ACTIVITY_N_STEPS; i++) {
        assert_true(group->step_us[i] >= 0);
    }
}

static void
activity_has_nothing_of_what_was_undone(void **state)
{
    uint64_t id = newest_group()->id;

    add_host("h1");
    commit_turn();
    finish_store(ENOSPC);
    assert_int_equal(newest_group()->id, id);

    add_host("h2");
    commit_turn();
    finish_store(0);
    assert_int_equal(newest_group()->id, id + 1);
    assert_int_equal(newest_group()->n_changes, 1);
    assert_string_equal(newest_group()->changes[0].name, "h2");
    assert_int_equal(newest_count("units"), 1);
}

static void
activity_is_bounded(void **state)
{
    struct model_request request;
    uint64_t oldest, newest;

    /* More than are named, in one request ... */
    model_request_init(&request, "test");
    for (int i = 0; i < ACTIVITY_NAMES_MAX + 3; i++) {
        char name[16];

        snprintf(name, sizeof name, "h%d", i);
        model_request_add(&request, MODEL_PUT, VMN_TABLE_HOST, name,
                          toy_host(i + 1));
    }
    commit_submit(the_commit, &request, committed, NULL);
    commit_turn();
    finish_store(0);
    assert_int_equal(newest_group()->n_changes, ACTIVITY_NAMES_MAX + 3);

    /* ... and more groups than are kept. */
    for (int i = 0; i < ACTIVITY_MAX + 3; i++) {
        model_request_init(&request, "test");
        model_request_add(&request, MODEL_PATCH, VMN_TABLE_HOST, "h1",
                          json_pack("{s:o}", "description",
                                    json_sprintf("%d", i)));
        commit_submit(the_commit, &request, committed, NULL);
        commit_turn();
        finish_store(0);
    }
    activity_range(commit_activity(the_commit), &oldest, &newest);
    assert_int_equal(newest, 2 + ACTIVITY_MAX + 3);
    assert_int_equal(newest - oldest + 1, ACTIVITY_MAX);
    for (uint64_t id = oldest; id <= newest; id++) {
        assert_int_equal(activity_get(commit_activity(the_commit), id)->id,
                         id);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(NAME) \
    cmocka_unit_test_setup_teardown(NAME, commit_setup, commit_teardown)
        T(activity_tells_who_what_and_the_price),
        T(activity_has_nothing_of_what_was_undone),
        T(activity_is_bounded),
#undef T
    };

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
