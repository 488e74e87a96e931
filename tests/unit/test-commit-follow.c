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

static bool
follow(void *aux)
{
    return true;
}

static void
note(void *n, struct model_request *request)
{
    ++*(int *) n;
}

/* It is in the batch: the writer has noted it. */
static void
nothing_is_noted_while_following(void **state)
{
    int n = 0;

    commit_set_follow(the_commit, follow, NULL);
    commit_set_note(the_commit, note, &n);
    commit_apply_batch(the_commit, "h1", 7, applied, NULL);
    commit_turn();
    finish_store(0);
    assert_int_equal(n_applied, 1);
    assert_int_equal(n, 0);
    commit_lead(the_commit);
    add_host("h2");
    commit_turn();
    finish_store(0);
    assert_int_equal(n, 1);
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

/* Waits for clients.  ---------------------------------------------------- */

/* For at most half of it the next group waits. */
#define TOOK_MS 400

static int64_t answered_us;

/* Has h1 written, as the writer of a cluster, while h2 waits, and answers. */
static void
answer_first(void)
{
    commit_set_max_delay(the_commit, 100000);
    commit_lead(the_commit);
    add_host("h1");
    commit_turn();
    assert_int_equal(n_submits, 1);
    add_host("h2");
    answered_us = time_usec() + 1000 * TOOK_MS;
    finish_store_after(TOOK_MS);
    assert_int_equal(n_ok, 1);
}

/* Returns true if too little time has passed for a wait to be over. */
static bool
still_waits(void)
{
    return time_usec() < answered_us + 1000 * TOOK_MS / 2;
}

static void
assert_waits(uint64_t n)
{
    struct commit_stats stats;

    commit_get_stats(the_commit, &stats);
    assert_int_equal(stats.n_waits, n);
}

static void
submit_as(const char *who, const char *host)
{
    struct model_request request;

    model_request_init(&request, who);
    model_request_add(&request, MODEL_PUT, VMN_TABLE_HOST, host,
                      toy_host(host[1] - '0'));
    commit_submit(the_commit, &request, committed, NULL);
    commit_turn();
}

static void
request_waits_for_who_is_answered_just_now(void **state)
{
    bool waited;

    answer_first();
    waited = still_waits();
    if (waited) {
        assert_int_equal(n_submits, 1);
        assert_true(commit_is_quiescent(the_commit));
        assert_waits(0);
    }
    /* Who is back makes the group whole. */
    add_host("h3");
    commit_turn();
    assert_int_equal(n_submits, 2);
    finish_store(0);
    if (waited) {
        assert_int_equal(n_ok, 3);
        assert_waits(1);
    }
}

static void
wait_ends_if_nobody_comes(void **state)
{
    struct commit_stats stats;
    uint64_t most_us;

    answer_first();
    while (n_submits < 2 && time_usec() < answered_us + 60000000) {
        commit_turn();
    }
    most_us = time_usec() - answered_us;
    assert_int_equal(n_submits, 2);
    finish_store(0);
    assert_int_equal(n_ok, 2);
    commit_get_stats(the_commit, &stats);
    assert_in_range(stats.waited_us, 0, most_us);
}

/* As long as the others' answers take counts as the wait of none. */
static void
watch(void *aux, const struct commit_group *group)
{
    int64_t until_us = time_usec() + 1000 * 2 * TOOK_MS;

    while (time_usec() < until_us) {
        continue;
    }
    answered_us = time_usec();
}

static void
wait_begins_with_the_answer(void **state)
{
    commit_add_watch(the_commit, watch, NULL);
    commit_set_max_delay(the_commit, 100000);
    commit_lead(the_commit);
    add_host("h1");
    commit_turn();
    add_host("h2");
    finish_store_after(TOOK_MS);
    if (still_waits()) {
        assert_int_equal(n_submits, 1);
    }
    commit_remove_watch(the_commit, watch, NULL);
    add_host("h3");
    commit_turn();
    assert_int_equal(n_submits, 2);
    finish_store(0);
}

/* Nor are they waited for. */
static void
what_hosts_report_waits_for_no_client(void **state)
{
    commit_set_max_delay(the_commit, 100000);
    commit_lead(the_commit);
    add_host("h1");
    add_host("h2");
    commit_turn();
    submit_as("host:h1", "h3");
    finish_store_after(TOOK_MS);
    assert_int_equal(n_submits, 2);

    /* A client alone, with what a host reports. */
    add_host("h4");
    finish_store_after(TOOK_MS);
    assert_int_equal(n_submits, 3);
    submit_as("host:h1", "h5");
    finish_store_after(TOOK_MS);
    assert_int_equal(n_submits, 4);
    add_host("h6");
    commit_turn();
    finish_store(0);
    assert_int_equal(n_submits, 5);
    finish_store(0);
    assert_waits(0);
}

static void
full_group_does_not_wait(void **state)
{
    struct model_request request;

    commit_set_max_delay(the_commit, 100000);
    commit_lead(the_commit);
    add_host("h1");
    commit_turn();
    /* It is answered once it has been applied, since there is no such host. */
    model_request_init(&request, "test");
    for (int i = 0; i < 2000; i++) {
        model_request_add(&request, MODEL_DELETE, VMN_TABLE_HOST, "h9", NULL);
    }
    commit_submit(the_commit, &request, committed, NULL);
    finish_store_after(TOOK_MS);
    assert_int_equal(n_ok, 1);
    assert_int_equal(n_refused, 1);
    assert_waits(0);
}

static void
groups_of_one_do_not_wait(void **state)
{
    commit_set_max_delay(the_commit, 100000);
    commit_lead(the_commit);
    add_host("h1");
    commit_turn();
    finish_store(0);
    engine_set_max_items(core.engine, engine_host_total(core.engine, "h1")
                                     + 1);
    add_host("h2");
    add_host("h3");
    add_host("h1");
    commit_turn();
    assert_int_equal(n_submits, 2);
    finish_store_after(TOOK_MS); /* h2's own group. */
    assert_int_equal(n_ok, 3);
    assert_int_equal(n_refused, 1);
    assert_waits(0);
}

static void
group_that_waits_for_hosts_and_for_clients_counts_once(void **state)
{
    struct commit_stats stats;
    uint64_t most_us;

    commit_set_max_delay(the_commit, 100000);
    commit_lead(the_commit);
    /* Each begins at once, and finds hosts behind. */
    for (int i = 0; i < 12; i++) {
        commit_set_behind(the_commit, false);
        if (i % 2) {
            delete_host("h1");
        } else {
            add_host("h1");
        }
        commit_turn();
        commit_set_behind(the_commit, true);
        if (i == 11) {
            add_host("h2");
            add_host("h3");
            answered_us = time_usec() + 1000 * TOOK_MS;
            finish_store_after(TOOK_MS);
        } else {
            finish_store(0);
        }
    }
    assert_int_equal(n_submits, 12);
    commit_set_behind(the_commit, false);
    commit_turn();
    if (still_waits()) {
        assert_int_equal(n_submits, 12);
    }
    add_host("h4");
    commit_turn();
    most_us = time_usec() - answered_us;
    assert_int_equal(n_submits, 13);
    commit_get_stats(the_commit, &stats);
    assert_int_equal(stats.n_waits, 1);
    assert_in_range(stats.waited_us, 1, most_us);
    finish_store(0);
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
        T(nothing_is_noted_while_following),
        T(no_id_is_allocated_while_following),
        T(id_comes_with_a_later_batch),
        T(request_waits_for_who_is_answered_just_now),
        T(wait_ends_if_nobody_comes),
        T(wait_begins_with_the_answer),
        T(what_hosts_report_waits_for_no_client),
        T(full_group_does_not_wait),
        T(groups_of_one_do_not_wait),
        T(group_that_waits_for_hosts_and_for_clients_counts_once),
#undef T
    };

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
