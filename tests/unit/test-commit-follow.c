/* SPDX-License-Identifier: Apache-2.0
 *
 * controller/commit: batches of another member of a cluster. */

#include <config.h>

#include "tests/unit/commit-fixture.h"
#include "tests/unit/toy-app.h"

#include <errno.h>
#include <string.h>

#include "controller/commit/commit.h"
#include "controller/model/id-pools.h"
#include "controller/model/replicate.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

static struct store_class follower_store;
static int64_t last_index;
static int n_applied, n_failed, last_error;
static char *last_text;

/* A batch is the name of a host, with its ID, or with none if it ends in
 * "!"; or nothing that fits. */
static int
fake_apply(struct store *store, struct model *model, const char *text,
           int64_t index, store_done_cb *done, void *aux,
           struct vmn_error *why)
{
    const struct model_meta meta = { .revision = index };
    struct vmn_errors errors;
    struct id_write id = { VMN_ID_POOL_HOST, "h1", 100 };
    json_t *spec = toy_host(1), *status = json_object();

    if (text[0] != 'h') {
        json_decref(spec);
        json_decref(status);
        return vmn_error_invalid(why, "a row of the batch is not valid");
    }
    vmn_errors_init(&errors);
    if (!strchr(text, '!')) {
        assert_int_equal(id_pools_replicate(model_id_pools(model), &id, 1),
                         0);
    }
    assert_int_equal(model_replicate_row(model, VMN_TABLE_HOST, "h1", spec,
                                         status, &meta, false, &errors), 0);
    assert_int_equal(model_replicate_done(model, index, &errors), 0);
    vmn_errors_uninit(&errors);
    json_decref(spec);
    json_decref(status);
    last_index = index;
    fake_store.submit(store, model, done, aux);
    return 0;
}

static void
applied(void *aux, int error, const struct vmn_error *why)
{
    n_applied += !error;
    n_failed += error != 0;
    last_error = error;
    free(last_text);
    last_text = nullable_xstrdup(error ? why->text : NULL);
}

/* Those of hosts. */
static int
count_flows(void)
{
    static int n_others;
    struct engine_stats stats;

    engine_get_stats(core.engine, &stats);
    if (!model_names(core.model, VMN_TABLE_HOST).n) {
        n_others = stats.n_flows;
    }
    return stats.n_flows - n_others;
}

static int
setup(void **state)
{
    commit_setup(state);
    commit_destroy(the_commit);
    toy_uninit(&core);
    toy_init(&core, &toy_class, NULL);
    follower_store = fake_store;
    follower_store.apply = fake_apply;
    the_commit = commit_create(commit_base, core.model, core.engine,
                               &follower_store, NULL);
    commit_follow(the_commit);
    commit_set_sink(the_commit, sink, NULL);
    commit_turn();
    n_submits = n_groups = n_applied = n_failed = n_compiled = 0;
    assert_int_equal(count_flows(), 0);
    return 0;
}

static int
teardown(void **state)
{
    free(last_text);
    last_text = NULL;
    return commit_teardown(state);
}

static void
batch_is_compiled_and_passed_on(void **state)
{
    commit_apply_batch(the_commit, "h1", 7, applied, NULL);
    commit_turn();
    assert_false(commit_is_quiescent(the_commit));
    finish_store(0);
    assert_int_equal(n_applied, 1);
    assert_int_equal(last_index, 7);
    assert_int_equal(n_groups, 1);
    assert_int_equal(n_sent, 1);
    assert_true(commit_is_quiescent(the_commit));
    assert_int_equal(model_durable_revision(core.model), 7);
    assert_int_equal(id_pools_peek(model_id_pools(core.model),
                                   VMN_ID_POOL_HOST, "h1"), 100);
}

static void
requests_are_refused(void **state)
{
    add_host("h2");
    commit_turn();
    assert_int_equal(n_refused, 1);
    assert_int_equal(last_code, VMN_ERR_UNAVAILABLE);
    assert_null(model_get(core.model, VMN_TABLE_HOST, "h2"));

    commit_lead(the_commit);
    add_host("h2");
    commit_turn();
    finish_store(0);
    assert_int_equal(n_ok, 1);
}

static void
batch_that_cannot_be_written_is_applied_again(void **state)
{
    commit_apply_batch(the_commit, "h1", 7, applied, NULL);
    commit_turn();
    finish_store(ENOSPC);
    assert_int_equal(n_failed, 1);
    assert_int_equal(last_error, ENOSPC);
    assert_string_equal(last_text, "disk full");
    assert_null(model_get(core.model, VMN_TABLE_HOST, "h1"));
    assert_int_equal(count_flows(), 0);
    assert_int_equal(n_groups, 0);

    commit_apply_batch(the_commit, "h1", 7, applied, NULL);
    commit_turn();
    finish_store(0);
    assert_int_equal(n_applied, 1);
    assert_int_equal(count_flows(), 1);
}

static void
batch_that_does_not_fit_is_the_last(void **state)
{
    commit_apply_batch(the_commit, "rubbish", 7, applied, NULL);
    commit_turn();
    assert_int_equal(last_error, EUCLEAN);
    assert_string_equal(last_text, "batch 7 cannot be applied: a row of the "
                        "batch is not valid");
    assert_int_equal(n_submits, 0);
    assert_false(commit_is_quiescent(the_commit));
    commit_apply_batch(the_commit, "h1", 8, applied, NULL);
    commit_turn();
    assert_int_equal(n_applied, 0);
}

/* The unit waits for its ID, whoever allocates it. */
static void
no_id_is_allocated_while_following(void **state)
{
    commit_apply_batch(the_commit, "h1!", 7, applied, NULL);
    commit_turn();
    finish_store(0);
    assert_int_equal(n_applied, 1);
    assert_int_equal(count_flows(), 0);
    assert_int_equal(id_pools_peek(model_id_pools(core.model),
                                   VMN_ID_POOL_HOST, "h1"), 0);

    commit_lead(the_commit);
    commit_turn();
    finish_store(0);            /* The ID. */
    assert_int_equal(count_flows(), 1);
    assert_int_equal(id_pools_peek(model_id_pools(core.model),
                                   VMN_ID_POOL_HOST, "h1"), 1);
}

static void
id_comes_with_a_later_batch(void **state)
{
    commit_apply_batch(the_commit, "h1!", 7, applied, NULL);
    commit_turn();
    finish_store(0);
    commit_apply_batch(the_commit, "h1", 8, applied, NULL);
    commit_turn();
    finish_store(0);
    assert_int_equal(n_applied, 2);
    assert_int_equal(count_flows(), 1);
}

/* As far as half of the time that the store took has not passed here. */
static void
request_waits_for_who_is_answered_just_now(void **state)
{
    struct commit_stats stats;
    int64_t begin_us, stored_us;

    commit_set_max_delay(the_commit, 100000);
    commit_lead(the_commit);
    add_host("h1");
    commit_turn();
    begin_us = time_usec();
    add_host("h2");
    while (time_usec() < begin_us + 200000) {
        commit_turn();
    }
    stored_us = time_usec();
    finish_store(0);
    assert_int_equal(n_ok, 1);
    if (time_usec() < stored_us + 100000) {
        assert_int_equal(n_submits, 1);
        commit_get_stats(the_commit, &stats);
        assert_int_equal(stats.n_groups, 1);
        assert_true(commit_is_quiescent(the_commit));
    }
    /* Who is back makes the group whole. */
    add_host("h3");
    commit_turn();
    assert_int_equal(n_submits, 2);
    commit_get_stats(the_commit, &stats);
    assert_int_equal(stats.n_groups, 2);
    while (n_ok < 3) {
        commit_turn();
        if (store_done) {
            finish_store(0);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
        T(batch_is_compiled_and_passed_on),
        T(requests_are_refused),
        T(batch_that_cannot_be_written_is_applied_again),
        T(batch_that_does_not_fit_is_the_last),
        T(no_id_is_allocated_while_following),
        T(id_comes_with_a_later_batch),
        T(request_waits_for_who_is_answered_just_now),
#undef T
    };

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
