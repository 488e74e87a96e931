/* SPDX-License-Identifier: Apache-2.0
 *
 * controller/commit: groups of requests, when they are durable and when they
 * leave, and the start. */

#include <config.h>

#include "tests/unit/commit-fixture.h"
#include "tests/unit/toy-app.h"

#include <event2/event.h>

#include "controller/commit/commit.h"
#include "controller/commit/plan.h"
#include "controller/schema/tables.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "timeval.h"

static int n_ticks, n_ticks_unsettled;
static bool asked;

static void
tick_cb(evutil_socket_t fd, short what, void *aux)
{
    n_ticks++;
    n_ticks_unsettled += !commit_is_quiescent(the_commit);
    /* What is shown meanwhile is what is durable, and all that is asked for
     * waits for its turn. */
    assert_null(model_get_durable(core.model, VMN_TABLE_HOST, "h1", NULL));
    assert_int_equal(n_groups + n_ok, 0);
    if (n_compiled && !asked) {
        asked = true;
        add_host("h9");
    }
}

static void
long_compile_leaves_the_loop_its_turns(void **state)
{
    struct event *tick = event_new(commit_base, -1, EV_PERSIST, tick_cb, NULL);
    long long int limit = time_msec() + 120000;
    struct model_request request;

    n_ticks = n_ticks_unsettled = n_compiled = 0;
    asked = false;
    event_add(tick, &(struct timeval) { 0, 1 });
    model_request_init(&request, "test");
    for (int i = 1; i <= 5; i++) {
        char name[] = { 'h', '0' + i, '\0' };

        model_request_add(&request, MODEL_PUT, VMN_TABLE_HOST, name,
                          toy_host(i));
    }
    compile_ms = 6;
    commit_submit(the_commit, &request, committed, NULL);
    while (!n_submits && time_msec() < limit) {
        commit_turn();
    }
    compile_ms = 0;
    event_free(tick);
    assert_true(n_ticks_unsettled >= 3);

    /* It is one group, and the request that came meanwhile is the next. */
    assert_int_equal(n_submits, 1);
    finish_store(0);
    assert_int_equal(n_groups, 1);
    assert_int_equal(n_sent, 5);
    assert_int_equal(n_ok, 1);
    assert_int_equal(n_submits, 2);
    finish_store(0);
    assert_int_equal(n_groups, 2);
    assert_int_equal(n_ok, 2);
}

static void
nothing_leaves_before_it_is_durable(void **state)
{
    add_host("h1");
    commit_turn();
    assert_int_equal(n_submits, 1);
    assert_int_equal(n_groups, 0);
    assert_int_equal(n_ok, 0);
    assert_null(model_get_durable(core.model, VMN_TABLE_HOST, "h1", NULL));
    assert_false(commit_is_quiescent(the_commit));

    finish_store(0);
    assert_int_equal(n_groups, 1);
    assert_true(n_sent >= 1);
    assert_int_equal(n_ok, 1);
    assert_non_null(model_get_durable(core.model, VMN_TABLE_HOST, "h1",
                                      NULL));
    assert_true(commit_is_quiescent(the_commit));
}

static void
what_waits_becomes_one_group(void **state)
{
    add_host("h1");
    commit_turn();
    add_host("h2");
    add_host("h3");
    commit_turn();
    assert_int_equal(n_submits, 1);
    finish_store(0);
    assert_int_equal(n_submits, 2);
    finish_store(0);
    assert_int_equal(n_groups, 2);
    assert_int_equal(n_ok, 3);
    assert_int_equal(last_revision, 3);
}

static void
a_refused_group_has_not_happened(void **state)
{
    add_host("h1");
    add_host("h2");
    commit_turn();
    finish_store(ENOSPC);
    assert_int_equal(n_groups, 0);
    assert_int_equal(n_refused, 2);
    assert_int_equal(last_code, VMN_ERR_UNAVAILABLE);
    assert_null(model_get(core.model, VMN_TABLE_HOST, "h1"));
    assert_int_equal(model_revision(core.model), 0);
    assert_string_equal(commit_store_error(the_commit), "disk full");

    add_host("h1");
    commit_turn();
    finish_store(0);
    assert_null(commit_store_error(the_commit));
    assert_int_equal(n_ok, 1);
    assert_int_equal(last_revision, 1);
    assert_int_equal(n_sent, 1);
}

/* As add_host(), with the key of its name. */
static void
add_keyed_host(const char *name)
{
    struct model_request request;

    model_request_init(&request, "test");
    model_request_add(&request, MODEL_PUT, VMN_TABLE_HOST, name,
                      toy_host(name[1] - '0'));
    request.key = xstrdup(name);
    request.digest = xstrdup("00112233445566778899aabbccddeeff");
    commit_submit(the_commit, &request, committed, NULL);
}

static void
repeated_request_is_made_once(void **state)
{
    /* Both in the group that waits for this one, */
    add_host("h9");
    commit_turn();
    add_keyed_host("h1");
    add_keyed_host("h1");
    finish_store(0);
    /* and one that comes while they are written. */
    add_keyed_host("h1");
    commit_turn();
    assert_int_equal(n_ok, 1);
    finish_store(0);
    assert_int_equal(n_submits, 2);
    assert_int_equal(n_ok, 4);
    assert_int_equal(last_revision, 2);
    assert_int_equal(model_revision(core.model), 2);
    assert_int_equal(n_groups, 2);
}

static void
key_of_what_was_refused_is_not_kept(void **state)
{
    add_keyed_host("h1");
    add_keyed_host("h1");
    commit_turn();
    add_keyed_host("h1");
    finish_store(EINTR);
    assert_int_equal(n_refused, 2);
    assert_int_equal(last_code, VMN_ERR_UNCERTAIN);
    finish_store(0);
    assert_int_equal(n_submits, 2);
    assert_int_equal(n_ok, 1);
    assert_int_equal(model_revision(core.model), 1);
    assert_non_null(model_get_durable(core.model, VMN_TABLE_HOST, "h1",
                                      NULL));
}

static void
requests_wait_for_others_while_hosts_are_behind(void **state)
{
    struct commit_stats stats;
    uint64_t most_us;
    int submits;

    commit_set_max_delay(the_commit, 100000);
    /* Each group begins at once, and finds hosts behind when it is sent. */
    for (int i = 0; i < 20; i++) {
        commit_set_behind(the_commit, false);
        if (i % 2) {
            delete_host("h1");
        } else {
            add_host("h1");
        }
        commit_turn();
        commit_set_behind(the_commit, true);
        finish_store(0);
    }
    commit_get_stats(the_commit, &stats);
    assert_int_equal(stats.n_groups, 20);
    assert_int_equal(stats.delay_us, 100000 * 1000);

    submits = n_submits;
    most_us = time_usec();
    for (int i = 0; i < 3; i++) {
        add_host(i == 0 ? "h1" : i == 1 ? "h2" : "h3");
        commit_turn();
    }
    assert_int_equal(n_submits, submits);
    assert_true(commit_is_quiescent(the_commit));
    commit_set_behind(the_commit, false);
    commit_turn();
    most_us = time_usec() - most_us;
    assert_int_equal(n_submits, submits + 1);
    finish_store(0);
    assert_int_equal(n_ok, 23);
    commit_get_stats(the_commit, &stats);
    assert_int_equal(stats.n_groups, 21);
    assert_int_equal(stats.n_requests, 23);
    assert_int_equal(stats.n_waits, 1);
    assert_in_range(stats.waited_us, 1, most_us);
    assert_int_equal(stats.n_queue, 0);
}

/* Only the writer of a cluster waits for who was answered just now
 * (test-commit-follow.c): where a write is cheap, that costs more than it
 * saves. */
static void
without_a_cluster_requests_do_not_wait_for_clients(void **state)
{
    struct commit_stats stats;

    commit_set_max_delay(the_commit, 100000);
    add_host("h1");
    commit_turn();
    add_host("h2");
    finish_store_after(200);
    assert_int_equal(n_ok, 1);
    assert_int_equal(n_submits, 2);
    finish_store(0);
    commit_get_stats(the_commit, &stats);
    assert_int_equal(stats.n_waits, 0);
}

static void
an_unchanged_request_writes_nothing(void **state)
{
    add_host("h1");
    commit_turn();
    finish_store(0);
    add_host("h1");
    commit_turn();
    assert_int_equal(n_submits, 1);
    assert_int_equal(n_ok, 2);
    assert_int_equal(last_revision, 1);
}

/* The limit.  ------------------------------------------------------------ */

/* Each host brings a flow for every host. */
static void
of_a_group_only_the_guilty_request_is_refused(void **state)
{
    add_host("h1");
    commit_turn();
    finish_store(0);
    engine_set_max_items(core.engine, engine_host_total(core.engine, "h1")
                                     + 1);
    n_ok = 0;
    add_host("h2");
    add_host("h3");
    add_host("h1");
    commit_turn();
    finish_store(0);            /* h2's own group. */
    assert_int_equal(n_ok, 2);
    assert_int_equal(n_refused, 1);
    assert_int_equal(last_code, VMN_ERR_TOO_LARGE);
    assert_int_equal(n_submits, 2);
    assert_non_null(model_get_durable(core.model, VMN_TABLE_HOST, "h2",
                                      NULL));
    assert_null(model_get(core.model, VMN_TABLE_HOST, "h3"));

    struct ds ds = DS_EMPTY_INITIALIZER;
    assert_int_equal(engine_verify(core.engine, &ds), 0);
    ds_destroy(&ds);
}

static bool
follow(void *aux)
{
    return true;
}

/* Says which host is the newest, as vmnd says where stages are. */
static void
note(void *aux, struct model_request *request)
{
    struct vmn_names names = model_names(core.model, VMN_TABLE_HOST);

    model_request_add(request, MODEL_PUT, VMN_TABLE_APP, "x",
                      json_pack("{s:s}", "description",
                                names.n ? names.names[names.n - 1] : "-"));
}

static bool has_followed;

static bool
follow_once(void *aux)
{
    bool follows = !has_followed;

    has_followed = true;
    return follows;
}

/* The same; the model refuses the first one. */
static void
note_after_refusal(void *n, struct model_request *request)
{
    if (!(*(int *) n)++) {
        model_request_add(request, MODEL_PUT, VMN_TABLE_APP, "x",
                          json_pack("{s:i}", "description", 7));
    } else {
        note(NULL, request);
    }
}

static const char *
noted(void)
{
    const struct vmn_app_row *row = model_get_durable(core.model,
                                                      VMN_TABLE_APP, "x",
                                                      NULL);

    return row ? row->description : "";
}

static void
watch(void *last, const struct commit_group *group)
{
    *(uint64_t *) last = group->last_revision;
}

/* It is stored with what it is about, or not at all. */
static void
what_is_noted_is_of_the_same_group(void **state)
{
    uint64_t last = 0;

    commit_set_follow(the_commit, follow, NULL);
    commit_set_note(the_commit, note, NULL);
    commit_add_watch(the_commit, watch, &last);
    add_host("h1");
    commit_turn();
    assert_string_equal(noted(), "");
    finish_store(0);
    assert_string_equal(noted(), "h1");
    assert_int_equal(last_revision, 1);
    assert_int_equal(last, 2);
    assert_int_equal(model_durable_revision(core.model), 2);
    assert_int_equal(n_submits, 1);

    add_host("h2");
    commit_turn();
    finish_store(ENOSPC);
    assert_int_equal(n_refused, 1);
    assert_string_equal(noted(), "h1");
    assert_int_equal(model_revision(core.model), 2);

    /* One too many, with another one and alone. */
    engine_set_max_items(core.engine, engine_host_total(core.engine, "h1")
                                      + 1);
    n_ok = n_refused = n_submits = 0;
    add_host("h3");
    add_host("h4");
    commit_turn();
    finish_store(0);
    assert_int_equal(n_ok, 1);
    assert_int_equal(n_refused, 1);
    assert_int_equal(n_submits, 1);
    assert_string_equal(noted(), "h3");
    assert_int_equal(model_durable_revision(core.model), 4);
    commit_remove_watch(the_commit, watch, &last);
}

/* What could not be noted is noted with the next group that is stored. */
static void
what_is_not_noted_is_noted_later(void **state)
{
    int n = 0;

    has_followed = false;
    commit_set_follow(the_commit, follow_once, NULL);
    commit_set_note(the_commit, note_after_refusal, &n);
    add_host("h1");
    commit_turn();
    finish_store(0);
    assert_int_equal(n_ok, 1);
    assert_int_equal(n, 1);
    assert_string_equal(noted(), "");

    add_host("h2");
    commit_turn();
    finish_store(ENOSPC);
    assert_int_equal(n_refused, 1);
    assert_int_equal(n, 2);
    assert_string_equal(noted(), "");

    add_host("h3");
    commit_turn();
    finish_store(0);
    assert_int_equal(n, 3);
    assert_string_equal(noted(), "h3");

    add_host("h4");
    commit_turn();
    finish_store(0);
    assert_int_equal(n_ok, 3);
    assert_int_equal(n, 3);
}

static void
what_hosts_report_is_never_too_much(void **state)
{
    struct model_request request;

    add_host("h1");
    commit_turn();
    finish_store(0);
    engine_set_max_items(core.engine, 1);
    model_request_init(&request, "host:h1");
    model_request_add(&request, MODEL_PUT, VMN_TABLE_HOST, "h2",
                      toy_host(2));
    commit_submit(the_commit, &request, committed, NULL);
    commit_turn();
    finish_store(0);
    assert_int_equal(n_ok, 2);
}

static int n_settled;

static void
settled(void *aux)
{
    assert_true(commit_is_quiescent(the_commit));
    n_settled++;
}

static void
settled_moments_come_between_groups(void **state)
{
    add_host("h1");
    commit_turn();
    add_host("h2");
    commit_when_quiescent(the_commit, settled, NULL);
    commit_turn();
    assert_int_equal(n_settled, 0);
    finish_store(0);
    assert_int_equal(n_settled, 1);
    assert_int_equal(n_submits, 2);
    commit_when_quiescent(the_commit, settled, NULL);
    commit_cancel_when_quiescent(the_commit, settled, NULL);
    finish_store(0);
    assert_int_equal(n_settled, 1);
}

static int n_turns, n_loaded;

/* Goes on until others have had their turn. */
static void
load(void *aux)
{
    long long int limit = time_msec() + 120000;

    while (n_turns < 3 && time_msec() < limit) {
        commit_yield(the_commit);
    }
    n_loaded++;
}

static void
first_group_can_be_put_off(void **state)
{
    assert_false(commit_hold(the_commit)); /* It has begun long ago. */
    commit_destroy(the_commit);
    the_commit = commit_create(commit_base, core.model, core.engine,
                               &fake_store, NULL);
    commit_set_sink(the_commit, sink, NULL);
    assert_true(commit_hold(the_commit));
    add_host("h1");
    commit_when_quiescent(the_commit, settled, NULL);
    n_settled = 0;
    commit_turn();
    assert_int_equal(n_groups + n_submits + n_settled, 0);
    assert_false(commit_is_quiescent(the_commit));

    /* The loaded state, and then what waits.  Loading may take turns. */
    commit_begin(the_commit, load, NULL);
    while (!n_loaded) {
        event_base_loop(commit_base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        n_turns++;
        assert_true(n_loaded || n_groups + n_submits + n_settled == 0);
    }
    assert_true(n_turns >= 3);
    commit_turn();
    assert_int_equal(n_groups, 1);
    assert_int_equal(n_submits, 1);
    assert_int_equal(n_settled, 1);
    finish_store(0);
    assert_int_equal(n_ok, 1);

    /* One that never begins can end. */
    commit_destroy(the_commit);
    the_commit = commit_create(commit_base, core.model, core.engine,
                               &fake_store, NULL);
    assert_true(commit_hold(the_commit));
    add_host("h2");
    commit_turn();
    commit_stop(the_commit);
    assert_int_equal(n_refused, 1);
}

/* A model that has a host for whose number the store has never been asked, and
 * a commit that has just started. */
static void
start_anew(void)
{
    const struct model_meta meta = { .revision = 1 };
    json_t *spec = toy_host(1);
    struct vmn_errors errors;

    commit_destroy(the_commit);
    toy_uninit(&core);
    toy_init(&core, &toy_class, NULL);
    vmn_errors_init(&errors);
    assert_int_equal(model_load_row(core.model, VMN_TABLE_HOST, "h1", spec,
                                    NULL, &meta, &errors), 0);
    json_decref(spec);
    the_commit = commit_create(commit_base, core.model, core.engine,
                               &fake_store, NULL);
    commit_set_sink(the_commit, sink, NULL);
    commit_turn();
}

static void
loaded_state_is_not_shown_until_it_is_stored(void **state)
{
    struct model_request report;

    start_anew();
    assert_int_equal(n_submits, 1);
    commit_when_quiescent(the_commit, settled, NULL);
    n_settled = 0;
    for (int i = 1; i <= 2; i++) {
        struct model_request plan;

        add_host("h2");
        model_request_init(&plan, "test");
        model_request_add(&plan, MODEL_PUT, VMN_TABLE_HOST, "h3",
                          toy_host(3));
        commit_plan(the_commit, &plan, committed, NULL);
        model_request_init(&report, "host:h1");
        model_request_add(&report, MODEL_PUT, VMN_TABLE_NETWORK, "n",
                          json_object());
        commit_submit(the_commit, &report, committed, NULL);
        commit_turn();
        finish_store(ENOSPC);
        assert_int_equal(n_refused, 2 * i);
        assert_int_equal(last_code, VMN_ERR_UNAVAILABLE);
        assert_string_equal(commit_store_error(the_commit), "disk full");
        assert_int_equal(n_groups + n_ok + n_settled, 0);
        assert_false(commit_is_quiescent(the_commit));
        while (n_submits == i) {
            event_base_loop(commit_base, EVLOOP_ONCE);
        }
    }
    finish_store(0);
    assert_null(commit_store_error(the_commit));
    assert_int_equal(n_groups, 1);
    assert_true(n_sent > 0);        /* All that follows from h1. */
    assert_int_equal(n_settled, 1);
    assert_int_equal(n_submits, 4); /* What hosts reported meanwhile. */
    finish_store(0);
    assert_int_equal(n_ok, 2);

    /* One that was never stored can end. */
    n_submits = 0;
    start_anew();
    finish_store(ENOSPC);
    commit_stop(the_commit);
    assert_int_equal(n_submits, 1);
}

static void
what_waits_at_the_end_is_refused(void **state)
{
    add_host("h1");
    commit_turn();
    add_host("h2");
    finish_at_once = true;      /* The write that is under way is waited for.
                                 * */
    commit_stop(the_commit);
    finish_at_once = false;
    assert_int_equal(n_ok, 1);
    assert_int_equal(n_refused, 1);
    assert_int_equal(last_code, VMN_ERR_UNAVAILABLE);
    add_host("h3");
    commit_turn();
    assert_int_equal(n_ok + n_refused, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(NAME) \
    cmocka_unit_test_setup_teardown(NAME, commit_setup, commit_teardown)
        T(long_compile_leaves_the_loop_its_turns),
        T(nothing_leaves_before_it_is_durable),
        T(what_waits_becomes_one_group),
        T(a_refused_group_has_not_happened),
        T(repeated_request_is_made_once),
        T(key_of_what_was_refused_is_not_kept),
        T(requests_wait_for_others_while_hosts_are_behind),
        T(without_a_cluster_requests_do_not_wait_for_clients),
        T(an_unchanged_request_writes_nothing),
        T(settled_moments_come_between_groups),
        T(first_group_can_be_put_off),
        T(loaded_state_is_not_shown_until_it_is_stored),
        T(what_waits_at_the_end_is_refused),
        T(of_a_group_only_the_guilty_request_is_refused),
        T(what_is_noted_is_of_the_same_group),
        T(what_is_not_noted_is_noted_later),
        T(what_hosts_report_is_never_too_much),
#undef T
    };

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
