/* SPDX-License-Identifier: Apache-2.0
 *
 * controller/commit: what lacked a number of a pool is computed again once one
 * is free. */

#include <config.h>

#include "tests/unit/commit-fixture.h"
#include "tests/unit/toy-app.h"

#include "controller/commit/commit.h"
#include "controller/model/id-pools.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "util.h"

/* Numbers that are few.  ------------------------------------------------- */

static void
submit_network(const char *name, json_t *spec)
{
    struct model_request request;

    model_request_init(&request, "test");
    model_request_add(&request, spec ? MODEL_PUT : MODEL_DELETE,
                      VMN_TABLE_NETWORK, name, spec);
    commit_submit(the_commit, &request, committed, NULL);
}

static void
edit_network(const char *name, json_t *spec)
{
    int before = n_ok;

    submit_network(name, spec);
    commit_turn();
    finish_store(0);
    assert_int_equal(n_ok, before + 1);
}

/* Makes a revision that has nothing to do with these. */
static void
edit_other(void)
{
    add_host("h1");
    commit_turn();
    finish_store(0);
    delete_host("h1");
    commit_turn();
    finish_store(0);
}

/* As when every host has acknowledged the newest revision. */
static void
free_cb(void *aux)
{
    id_pools_acked(model_id_pools(core.model), last_revision);
}

static void
free_numbers(void)
{
    commit_when_quiescent(the_commit, free_cb, NULL);
    commit_turn();
}

static uint32_t
few_of(const char *key)
{
    return id_pools_peek(model_id_pools(core.model), "app.few", key);
}

static void
assert_problems(size_t n)
{
    assert_int_equal(engine_problems(core.engine)->n, n);
}

/* A unit that fails again and again holds a number that it has once. */
static void
assert_held_once(const char *key)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    char *own = xasprintf("app/app/%s", key);
    char *line = xasprintf("%s \"%s\": %"PRIu32", 1 references\n",
                           VMN_ID_POOL_GROUP, own,
                           id_pools_peek(model_id_pools(core.model),
                                         VMN_ID_POOL_GROUP, own));

    id_pools_format(model_id_pools(core.model), &ds);
    assert_non_null(strstr(ds_cstr(&ds), line));
    free(line);
    free(own);
    ds_destroy(&ds);
}

static void
assert_verified(void)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    assert_int_equal(engine_verify(core.engine, &ds), 0);
    ds_destroy(&ds);
}

/* Networks a and b have all numbers, and the others have to go without. */
static void
put_networks(const char *const *others)
{
    edit_network("a", toy_network());
    edit_network("b", toy_network());
    for (; *others; others++) {
        edit_network(*others, toy_network());
        assert_int_equal(n_sent, 0);
    }
}

static void
a_unit_that_lacked_a_number_is_tried_again_when_one_is_free(void **state)
{
    static const char *const others[] = { "c", "d", NULL };
    uint32_t number;

    put_networks(others);
    assert_problems(2);
    number = few_of("a");
    edit_network("a", NULL);
    assert_int_equal(few_of("a"), number);
    n_few_compiled = n_submits = n_groups = 0;

    /* Both try, and one of them has it.  That is durable before it is sent. */
    free_numbers();
    assert_int_equal(n_few_compiled, 2);
    assert_int_equal(n_submits, 1);
    assert_int_equal(n_groups, 0);
    assert_false(commit_is_quiescent(the_commit));
    finish_store(0);
    assert_int_equal(n_groups, 1);
    assert_int_equal(n_sent, 1);
    assert_int_equal(few_of("c") + few_of("d"), number);
    assert_problems(1);
    assert_held_once("c");
    assert_held_once("d");

    /* Once, and not when what has become free is of no use. */
    free_numbers();
    edit_other();
    free_numbers();
    assert_int_equal(id_pools_peek(model_id_pools(core.model),
                                   VMN_ID_POOL_HOST, "h1"), 0);
    assert_int_equal(n_few_compiled, 2);

    /* The next number is for the other. */
    edit_network("b", NULL);
    free_numbers();
    finish_store(0);
    assert_int_equal(n_few_compiled, 3);
    assert_int_equal(n_sent, 1);
    assert_true(few_of("c") && few_of("d"));
    assert_problems(0);
    assert_verified();
}

static void
what_a_second_try_leaves_is_free_after_the_next_revision(void **state)
{
    static const char *const none[] = { NULL };
    json_t *spec = toy_network();

    put_networks(none);
    json_object_set_new(spec, "labels", json_pack("{s:s}", "key", "b2"));
    edit_network("b", spec);
    assert_problems(1);
    edit_network("a", NULL);
    free_numbers();
    finish_store(0);
    assert_problems(0);
    assert_int_not_equal(few_of("b2"), 0);
    /* What hosts have acknowledged is older than that. */
    free_numbers();
    assert_int_not_equal(few_of("b"), 0);
    edit_other();
    free_numbers();
    assert_int_equal(few_of("b"), 0);
}

static void
a_query_that_lacked_a_number_is_computed_again_too(void **state)
{
    static const char *const others[] = { "q", NULL };

    put_networks(others);
    edit_network("a", NULL);
    free_numbers();
    finish_store(0);
    assert_int_equal(n_sent, 1);
    assert_int_not_equal(few_of("q"), 0);
}

static void
a_second_try_is_stored_again_until_it_is_durable(void **state)
{
    static const char *const others[] = { "c", NULL };

    put_networks(others);
    edit_network("a", NULL);
    n_groups = n_refused = n_submits = 0;
    free_numbers();
    submit_network("e", toy_network());
    finish_store(ENOSPC);
    assert_int_equal(n_refused, 1);
    assert_int_equal(last_code, VMN_ERR_UNAVAILABLE);
    assert_int_equal(n_groups, 0);
    while (!store_done) {
        commit_turn();
    }
    finish_store(0);
    assert_int_equal(n_submits, 2);
    assert_int_equal(n_groups, 1);
    assert_int_equal(n_sent, 1);
    edit_network("e", toy_network());
}

/* What would be free after a change that is only planned is not. */
static void
a_plan_is_no_second_try(void **state)
{
    static const char *const others[] = { "c", NULL };
    struct model_request request;

    put_networks(others);
    edit_network("a", NULL);
    n_few_compiled = 0;
    model_request_init(&request, "test");
    model_request_add(&request, MODEL_DELETE, VMN_TABLE_NETWORK, "b", NULL);
    commit_plan(the_commit, &request, planned, NULL);
    commit_turn();
    assert_int_equal(n_plans, 1);
    assert_int_equal(few_of("c"), 0);
    assert_problems(1);
    /* Both at one moment: the second try comes first. */
    model_request_init(&request, "test");
    model_request_add(&request, MODEL_DELETE, VMN_TABLE_NETWORK, "c", NULL);
    commit_plan(the_commit, &request, planned, NULL);
    free_numbers();
    finish_store(0);
    assert_int_equal(n_plans, 2);
    assert_int_not_equal(few_of("c"), 0);
    assert_problems(0);
    assert_verified();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(NAME) \
    cmocka_unit_test_setup_teardown(NAME, commit_setup, commit_teardown)
        T(a_unit_that_lacked_a_number_is_tried_again_when_one_is_free),
        T(what_a_second_try_leaves_is_free_after_the_next_revision),
        T(a_query_that_lacked_a_number_is_computed_again_too),
        T(a_second_try_is_stored_again_until_it_is_durable),
        T(a_plan_is_no_second_try),
#undef T
    };

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
