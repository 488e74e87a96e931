/* SPDX-License-Identifier: Apache-2.0
 *
 * controller/commit: plans, which change nothing. */

#include <config.h>

#include "tests/unit/commit-fixture.h"
#include "tests/unit/toy-app.h"

#include "controller/commit/commit.h"
#include "controller/model/id-pools.h"
#include "controller/commit/plan.h"
#include "controller/model/request-author.h"
#include "openvswitch/vlog.h"
#include "tests/unit/model-util.h"
#include "util.h"

static void
plan_host(const char *name, const char *if_match)
{
    struct model_request request;

    model_request_init(&request, "test");
    model_request_add(&request, MODEL_PUT, VMN_TABLE_HOST, name,
                      toy_host(name[1] - '0'))->if_match
        = nullable_xstrdup(if_match);
    commit_plan(the_commit, &request, planned, NULL);
}

static void
plan_reaches_neither_store_nor_sink(void **state)
{
    plan_host("h1", NULL);
    plan_host("h2", NULL);
    commit_turn();
    assert_int_equal(n_plans, 2);
    assert_int_equal(n_submits, 0);
    assert_int_equal(n_groups, 0);
    assert_null(model_get(core.model, VMN_TABLE_HOST, "h1"));
    assert_int_equal(id_pools_peek(model_id_pools(core.model),
                                   VMN_ID_POOL_HOST, "h1"), 0);

    /* What comes next is as if there had been none. */
    add_host("h2");
    commit_turn();
    finish_store(0);
    assert_int_equal(last_revision, 1);
    assert_int_equal(id_pools_peek(model_id_pools(core.model),
                                   VMN_ID_POOL_HOST, "h2"), 1);
}

static void
plan_waits_for_the_write_that_is_under_way(void **state)
{
    add_host("h1");
    commit_turn();
    plan_host("h2", NULL);
    add_host("h3");
    commit_turn();
    assert_int_equal(n_plans, 0);
    finish_store(0);
    /* Between the groups: with h1, and without h3. */
    assert_int_equal(n_plans, 1);
    assert_int_equal(n_submits, 2);
    int total = planned_total;
    finish_store(0);
    plan_host("h2", NULL);
    commit_turn();
    assert_int_equal(planned_total, total + 1);
}

static void
plan_is_refused_as_the_change_would_be(void **state)
{
    plan_host("h1", "7");
    commit_turn();
    assert_int_equal(n_plans, 0);
    assert_int_equal(n_plans_refused, 1);
    assert_int_equal(last_code, VMN_ERR_STALE);
}

static void
plans_beyond_their_number_are_refused(void **state)
{
    for (int i = 0; i < COMMIT_PLANS_MAX + 1; i++) {
        plan_host("h1", NULL);
    }
    commit_turn();
    assert_int_equal(n_plans_refused, 1);
    assert_int_equal(last_code, VMN_ERR_UNAVAILABLE);
    for (int i = 0; n_plans < COMMIT_PLANS_MAX && i < 1000; i++) {
        commit_turn();
    }
    assert_int_equal(n_plans, COMMIT_PLANS_MAX);

    plan_host("h1", NULL);
    commit_stop(the_commit);
    assert_int_equal(n_plans_refused, 2);
}

/* Plans a group, as an account with a scope. */
static void
plan_as(char *account)
{
    const struct model_author author = {
        .account = account, .role = VMN_ROLE_OPERATOR,
    };
    struct model_request request;

    model_request_init(&request, account);
    request.author = model_author_clone(&author);
    request.rights = model_util_rights("t=a", NULL, NULL, false);
    model_request_add(&request, MODEL_PUT, VMN_TABLE_GROUP, "g",
                      json_pack("{s:{s:s}}", "labels", "t", "a"));
    commit_plan(the_commit, &request, planned, NULL);
}

static void
plans_of_a_tenant_leave_room_for_others(void **state)
{
    char a[] = "a", b[] = "b";
    struct model_request request;

    model_request_init(&request, "test");
    for (int i = 0; i < 2; i++) {
        model_request_add(&request, MODEL_PUT, VMN_TABLE_ACCOUNT, i ? b : a,
                          json_pack("{s:s, s:s, s:b}", "role", "operator",
                                    "scope", "t=a", "certificate", true));
    }
    commit_submit(the_commit, &request, NULL, NULL);
    commit_turn();
    finish_store(0);
    for (int i = 0; i < COMMIT_PLANS_ACCOUNT_MAX + 1; i++) {
        plan_as(a);
    }
    plan_as(b);
    commit_turn();
    assert_int_equal(n_plans_refused, 1);
    assert_int_equal(last_code, VMN_ERR_UNAVAILABLE);
    for (int i = 0; n_plans <= COMMIT_PLANS_ACCOUNT_MAX && i < 1000; i++) {
        commit_turn();
    }
    assert_int_equal(n_plans, COMMIT_PLANS_ACCOUNT_MAX + 1);
    plan_as(a);
    commit_turn();
    assert_int_equal(n_plans_refused, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(NAME) \
    cmocka_unit_test_setup_teardown(NAME, commit_setup, commit_teardown)
        T(plan_reaches_neither_store_nor_sink),
        T(plan_waits_for_the_write_that_is_under_way),
        T(plan_is_refused_as_the_change_would_be),
        T(plans_beyond_their_number_are_refused),
        T(plans_of_a_tenant_leave_room_for_others),
#undef T
    };

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
