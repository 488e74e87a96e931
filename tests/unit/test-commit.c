/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of the door in: what is sent and answered when, and what happens
 * when the store refuses.  The store here keeps nothing: it says what the test
 * wants, when the test wants. */

#include <config.h>

#include "tests/unit/toy-app.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>

#include "controller/commit/activity.h"
#include "controller/commit/commit.h"
#include "controller/model/id-pools.h"
#include "controller/commit/plan.h"
#include "controller/schema/schema-struct.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

/* How long the work for one host takes. */
static int compile_ms;
static int n_compiled;

static void
compile_host(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(), 0, 0, 10);
    long long int end = time_msec() + compile_ms;

    n_compiled++;
    while (compile_ms && time_msec() <= end) {
        continue;
    }
    vmn_match(flow, VMN_F_REG0, vmn_id_of(view, VMN_ID_POOL_HOST, key));
}

/* The ID pool "app.few" has two IDs only.  Each network wants one, of its
 * name or of its label; those whose names begin with "q" by way of a query. */
static int n_few_compiled;

static uint32_t
get_few(struct vmn_view *view, const char *key)
{
    const struct vmn_network *network = vmn_read_network(view, key);
    const char *other = (network ? vmn_labels_get(
                             vmn_labels_of(view, &network->row), "key")
                         : NULL);

    return vmn_id_of(view, "app.few", other ? other : key);
}

static void
eval_few(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    uint32_t number = get_few(view, key);

    if (number) {
        vmn_value_set(value, &number, sizeof number);
    }
}

static void
compile_few(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    size_t size;
    const uint32_t *asked = (key[0] == 'q'
                             ? vmn_query(view, "app.few", key, &size) : NULL);
    uint32_t number = (asked ? *asked : key[0] == 'q' ? 0
                       : get_few(view, key));

    n_few_compiled++;
    vmn_id_of(view, VMN_ID_POOL_GROUP, key);
    if (number) {
        vmn_match(vmn_flow_add(emit, vmn_scope_all(), 0, 0, 20), VMN_F_REG0,
                  number);
    }
}

static const struct vmn_app_class app = {
    VMN_APP_HEAD, .name = "app",
    .stages = (const struct vmn_stage_class[]) {
        { .name = "stage", .hook = VMN_HOOK_ADMIT, .n_tables = 1,
          .miss = VMN_MISS_DROP },
        { .name = NULL },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "host", .each = VMN_EACH_ROW, .row_type = VMN_ROW_HOST,
          .compile = compile_host },
        { .name = "few", .each = VMN_EACH_ROW, .row_type = VMN_ROW_NETWORK,
          .compile = compile_few },
        { .name = NULL },
    },
    .queries = (const struct vmn_query_class[]) {
        { .name = "few", .eval = eval_few }, { .name = NULL },
    },
    .id_pools = (const struct vmn_id_pool_class[]) {
        { "app.few", 2 }, { NULL, 0 },
    },
};

/* A store that waits for the test. */
static store_done_cb *store_done;
static void *store_aux;
static int n_submits;
static struct model *store_model;

static void
fake_submit(struct store *store, struct model *model, store_done_cb *done,
            void *aux)
{
    store_model = model;
    store_done = done;
    store_aux = aux;
    n_submits++;
}

static const struct store_class fake_store = { .name = "fake",
                                               .submit = fake_submit };

static struct toy toy;
static int n_plans, n_plans_refused;
static struct event_base *base;
static struct event *finish;
static struct commit *commit;

static int n_groups;            /* That the sink has got. */
static size_t n_sent;           /* Changes in the last of them. */
static int n_ok, n_refused;     /* Answers. */
static uint64_t last_revision;
static int last_code;

static void
sink(void *aux, const struct commit_group *group)
{
    n_groups++;
    n_sent = group->delta->n_changes;
}

static void
done(void *aux, const struct commit_result *result)
{
    if (result->ok) {
        n_ok++;
        last_revision = result->revision;
    } else {
        n_refused++;
        last_code = result->errors->errors[0].code;
    }
}

static void
turn(void)
{
    for (int i = 0; i < 5; i++) {
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
}

/* Lets the store finish from the loop, as a writer's thread would. */
static bool finish_at_once;

static void
finish_cb(evutil_socket_t fd, short what, void *aux)
{
    if (finish_at_once && store_done) {
        store_done_cb *cb = store_done;

        store_done = NULL;
        id_pools_written(model_id_pools(store_model));
        cb(store_aux, 0, NULL);
    }
}

static void
finish_store(int error)
{
    store_done_cb *cb = store_done;

    assert_non_null(cb);
    store_done = NULL;
    if (!error) {
        id_pools_written(model_id_pools(store_model));
    }
    cb(store_aux, error, error ? "disk full" : NULL);
    turn();
}

static void
put_host(const char *name)
{
    struct model_request request;

    model_request_init(&request, "test");
    model_request_add(&request, MODEL_PUT, VMN_TABLE_HOST, name,
                      toy_host(name[1] - '0'));
    commit_submit(commit, &request, done, NULL);
}

static int
setup(void **state)
{
    toy_init(&toy, &app, NULL);
    base = event_base_new();
    finish = event_new(base, -1, EV_PERSIST, finish_cb, NULL);
    event_add(finish, &(struct timeval) { 0, 1000 });
    commit = commit_create(base, toy.model, toy.engine, &fake_store, NULL);
    commit_set_sink(commit, sink, NULL);
    turn();                     /* The loaded state: no numbers, no write. */
    n_submits = n_groups = n_ok = n_refused = 0;
    n_plans = n_plans_refused = 0;
    store_done = NULL;
    return 0;
}

static int
teardown(void **state)
{
    commit_destroy(commit);
    toy_uninit(&toy);
    event_free(finish);
    event_base_free(base);
    return 0;
}

static int n_ticks, n_ticks_unsettled;
static bool asked;

static void
tick_cb(evutil_socket_t fd, short what, void *aux)
{
    n_ticks++;
    n_ticks_unsettled += !commit_is_quiescent(commit);
    /* What is shown meanwhile is what is durable, and all that is asked for
     * waits for its turn. */
    assert_null(model_get_durable(toy.model, VMN_TABLE_HOST, "h1", NULL));
    assert_int_equal(n_groups + n_ok, 0);
    if (n_compiled && !asked) {
        asked = true;
        put_host("h9");
    }
}

static void
long_compile_leaves_the_loop_its_turns(void **state)
{
    struct event *tick = event_new(base, -1, EV_PERSIST, tick_cb, NULL);
    long long int limit = time_msec() + 30000;
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
    commit_submit(commit, &request, done, NULL);
    while (!n_submits && time_msec() < limit) {
        turn();
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
    put_host("h1");
    turn();
    assert_int_equal(n_submits, 1);
    assert_int_equal(n_groups, 0);
    assert_int_equal(n_ok, 0);
    assert_null(model_get_durable(toy.model, VMN_TABLE_HOST, "h1", NULL));
    assert_false(commit_is_quiescent(commit));

    finish_store(0);
    assert_int_equal(n_groups, 1);
    assert_true(n_sent >= 1);
    assert_int_equal(n_ok, 1);
    assert_non_null(model_get_durable(toy.model, VMN_TABLE_HOST, "h1",
                                      NULL));
    assert_true(commit_is_quiescent(commit));
}

static void
what_waits_becomes_one_group(void **state)
{
    put_host("h1");
    turn();
    put_host("h2");
    put_host("h3");
    turn();
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
    put_host("h1");
    put_host("h2");
    turn();
    finish_store(ENOSPC);
    assert_int_equal(n_groups, 0);
    assert_int_equal(n_refused, 2);
    assert_int_equal(last_code, VMN_ERR_UNAVAILABLE);
    assert_null(model_get(toy.model, VMN_TABLE_HOST, "h1"));
    assert_int_equal(model_revision(toy.model), 0);
    assert_string_equal(commit_store_error(commit), "disk full");

    put_host("h1");
    turn();
    finish_store(0);
    assert_null(commit_store_error(commit));
    assert_int_equal(n_ok, 1);
    assert_int_equal(last_revision, 1);
    assert_int_equal(n_sent, 1);
}

static void
delete_host(const char *name)
{
    struct model_request request;

    model_request_init(&request, "test");
    model_request_add(&request, MODEL_DELETE, VMN_TABLE_HOST, name, NULL);
    commit_submit(commit, &request, done, NULL);
}

static void
requests_wait_for_others_while_hosts_are_behind(void **state)
{
    struct commit_stats stats;
    int submits;

    commit_set_max_delay(commit, 100000);
    /* Each group begins at once, and finds hosts behind when it is sent. */
    for (int i = 0; i < 20; i++) {
        commit_set_behind(commit, false);
        if (i % 2) {
            delete_host("h1");
        } else {
            put_host("h1");
        }
        turn();
        commit_set_behind(commit, true);
        finish_store(0);
    }
    commit_get_stats(commit, &stats);
    assert_int_equal(stats.n_groups, 20);
    assert_int_equal(stats.delay_us, 100000 * 1000);

    submits = n_submits;
    for (int i = 0; i < 3; i++) {
        put_host(i == 0 ? "h1" : i == 1 ? "h2" : "h3");
        turn();
    }
    assert_int_equal(n_submits, submits);
    assert_true(commit_is_quiescent(commit));
    commit_set_behind(commit, false);
    turn();
    assert_int_equal(n_submits, submits + 1);
    finish_store(0);
    assert_int_equal(n_ok, 23);
    commit_get_stats(commit, &stats);
    assert_int_equal(stats.n_groups, 21);
    assert_int_equal(stats.n_requests, 23);
    assert_int_equal(stats.n_waits, 1);
    assert_int_equal(stats.n_queue, 0);
}

static void
an_unchanged_request_writes_nothing(void **state)
{
    put_host("h1");
    turn();
    finish_store(0);
    put_host("h1");
    turn();
    assert_int_equal(n_submits, 1);
    assert_int_equal(n_ok, 2);
    assert_int_equal(last_revision, 1);
}

/* Plans.  ---------------------------------------------------------------- */

static int planned_total;       /* Of the last plan's first host. */

static void
planned(void *aux, const struct commit_result *result)
{
    const struct plan_flows *flows;

    assert_true(commit_is_quiescent(commit));
    if (!result->ok) {
        assert_null(result->plan);
        last_code = result->errors->errors[0].code;
        n_plans_refused++;
        return;
    }
    flows = &result->plan->flows;
    planned_total = flows->n_hosts ? flows->hosts[0].total : 0;
    n_plans++;
}

static void
plan_host(const char *name, const char *if_match)
{
    struct model_request request;

    model_request_init(&request, "test");
    model_request_add(&request, MODEL_PUT, VMN_TABLE_HOST, name,
                      toy_host(name[1] - '0'))->if_match
        = nullable_xstrdup(if_match);
    commit_plan(commit, &request, planned, NULL);
}

static void
plan_reaches_neither_store_nor_sink(void **state)
{
    plan_host("h1", NULL);
    plan_host("h2", NULL);
    turn();
    assert_int_equal(n_plans, 2);
    assert_int_equal(n_submits, 0);
    assert_int_equal(n_groups, 0);
    assert_null(model_get(toy.model, VMN_TABLE_HOST, "h1"));
    assert_int_equal(id_pools_peek(model_id_pools(toy.model), VMN_ID_POOL_HOST,
                                  "h1"), 0);

    /* What comes next is as if there had been none. */
    put_host("h2");
    turn();
    finish_store(0);
    assert_int_equal(last_revision, 1);
    assert_int_equal(id_pools_peek(model_id_pools(toy.model), VMN_ID_POOL_HOST,
                                  "h2"), 1);
}

static void
plan_waits_for_the_write_that_is_under_way(void **state)
{
    put_host("h1");
    turn();
    plan_host("h2", NULL);
    put_host("h3");
    turn();
    assert_int_equal(n_plans, 0);
    finish_store(0);
    /* Between the groups: with h1, and without h3. */
    assert_int_equal(n_plans, 1);
    assert_int_equal(n_submits, 2);
    int total = planned_total;
    finish_store(0);
    plan_host("h2", NULL);
    turn();
    assert_int_equal(planned_total, total + 1);
}

static void
plan_is_refused_as_the_change_would_be(void **state)
{
    plan_host("h1", "7");
    turn();
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
    turn();
    assert_int_equal(n_plans_refused, 1);
    assert_int_equal(last_code, VMN_ERR_UNAVAILABLE);
    for (int i = 0; n_plans < COMMIT_PLANS_MAX && i < 1000; i++) {
        turn();
    }
    assert_int_equal(n_plans, COMMIT_PLANS_MAX);

    plan_host("h1", NULL);
    commit_stop(commit);
    assert_int_equal(n_plans_refused, 2);
}

/* Numbers that are few.  ------------------------------------------------- */

static void
submit_network(const char *name, json_t *spec)
{
    struct model_request request;

    model_request_init(&request, "test");
    model_request_add(&request, spec ? MODEL_PUT : MODEL_DELETE,
                      VMN_TABLE_NETWORK, name, spec);
    commit_submit(commit, &request, done, NULL);
}

static void
edit_network(const char *name, json_t *spec)
{
    int before = n_ok;

    submit_network(name, spec);
    turn();
    finish_store(0);
    assert_int_equal(n_ok, before + 1);
}

/* Makes a revision that has nothing to do with these. */
static void
edit_other(void)
{
    put_host("h1");
    turn();
    finish_store(0);
    delete_host("h1");
    turn();
    finish_store(0);
}

/* As when every host has acknowledged the newest revision. */
static void
free_cb(void *aux)
{
    id_pools_acked(model_id_pools(toy.model), last_revision);
}

static void
free_numbers(void)
{
    commit_when_quiescent(commit, free_cb, NULL);
    turn();
}

static uint32_t
few_of(const char *key)
{
    return id_pools_peek(model_id_pools(toy.model), "app.few", key);
}

static void
assert_problems(size_t n)
{
    assert_int_equal(engine_problems(toy.engine)->n, n);
}

/* A unit that fails again and again holds a number that it has once. */
static void
assert_held_once(const char *key)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    char *line = xasprintf("%s \"%s\": %"PRIu32", 1 references\n",
                           VMN_ID_POOL_GROUP, key,
                           id_pools_peek(model_id_pools(toy.model),
                                        VMN_ID_POOL_GROUP, key));

    id_pools_format(model_id_pools(toy.model), &ds);
    assert_non_null(strstr(ds_cstr(&ds), line));
    free(line);
    ds_destroy(&ds);
}

static void
assert_verified(void)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    assert_int_equal(engine_verify(toy.engine, &ds), 0);
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
    assert_false(commit_is_quiescent(commit));
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
    assert_int_equal(id_pools_peek(model_id_pools(toy.model), VMN_ID_POOL_HOST,
                                  "h1"), 0);
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
        turn();
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
    commit_plan(commit, &request, planned, NULL);
    turn();
    assert_int_equal(n_plans, 1);
    assert_int_equal(few_of("c"), 0);
    assert_problems(1);
    /* Both at one moment: the second try comes first. */
    model_request_init(&request, "test");
    model_request_add(&request, MODEL_DELETE, VMN_TABLE_NETWORK, "c", NULL);
    commit_plan(commit, &request, planned, NULL);
    free_numbers();
    finish_store(0);
    assert_int_equal(n_plans, 2);
    assert_int_not_equal(few_of("c"), 0);
    assert_problems(0);
    assert_verified();
}

/* The limit.  ------------------------------------------------------------ */

/* Each host brings a flow for every host. */
static void
of_a_group_only_the_guilty_request_is_refused(void **state)
{
    put_host("h1");
    turn();
    finish_store(0);
    engine_set_max_items(toy.engine, engine_host_total(toy.engine, "h1")
                                     + 1);
    n_ok = 0;
    put_host("h2");
    put_host("h3");
    put_host("h1");
    turn();
    finish_store(0);            /* h2's own group. */
    assert_int_equal(n_ok, 2);
    assert_int_equal(n_refused, 1);
    assert_int_equal(last_code, VMN_ERR_TOO_LARGE);
    assert_int_equal(n_submits, 2);
    assert_non_null(model_get_durable(toy.model, VMN_TABLE_HOST, "h2",
                                      NULL));
    assert_null(model_get(toy.model, VMN_TABLE_HOST, "h3"));

    struct ds ds = DS_EMPTY_INITIALIZER;
    assert_int_equal(engine_verify(toy.engine, &ds), 0);
    ds_destroy(&ds);
}

static void
what_hosts_report_is_never_too_much(void **state)
{
    struct model_request request;

    put_host("h1");
    turn();
    finish_store(0);
    engine_set_max_items(toy.engine, 1);
    model_request_init(&request, "host:h1");
    model_request_add(&request, MODEL_PUT, VMN_TABLE_HOST, "h2",
                      toy_host(2));
    commit_submit(commit, &request, done, NULL);
    turn();
    finish_store(0);
    assert_int_equal(n_ok, 2);
}

static int n_settled;

static void
settled(void *aux)
{
    assert_true(commit_is_quiescent(commit));
    n_settled++;
}

static void
settled_moments_come_between_groups(void **state)
{
    put_host("h1");
    turn();
    put_host("h2");
    commit_when_quiescent(commit, settled, NULL);
    turn();
    assert_int_equal(n_settled, 0);
    finish_store(0);
    assert_int_equal(n_settled, 1);
    assert_int_equal(n_submits, 2);
    commit_when_quiescent(commit, settled, NULL);
    commit_cancel_when_quiescent(commit, settled, NULL);
    finish_store(0);
    assert_int_equal(n_settled, 1);
}

static int n_turns, n_loaded;

/* Goes on until others have had their turn. */
static void
load(void *aux)
{
    long long int limit = time_msec() + 30000;

    while (n_turns < 3 && time_msec() < limit) {
        commit_yield(commit);
    }
    n_loaded++;
}

static void
first_group_can_be_put_off(void **state)
{
    assert_false(commit_hold(commit)); /* It has begun long ago. */
    commit_destroy(commit);
    commit = commit_create(base, toy.model, toy.engine, &fake_store, NULL);
    commit_set_sink(commit, sink, NULL);
    assert_true(commit_hold(commit));
    put_host("h1");
    commit_when_quiescent(commit, settled, NULL);
    n_settled = 0;
    turn();
    assert_int_equal(n_groups + n_submits + n_settled, 0);
    assert_false(commit_is_quiescent(commit));

    /* The loaded state, and then what waits.  Loading may take turns. */
    commit_begin(commit, load, NULL);
    while (!n_loaded) {
        event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        n_turns++;
        assert_true(n_loaded || n_groups + n_submits + n_settled == 0);
    }
    assert_true(n_turns >= 3);
    turn();
    assert_int_equal(n_groups, 1);
    assert_int_equal(n_submits, 1);
    assert_int_equal(n_settled, 1);
    finish_store(0);
    assert_int_equal(n_ok, 1);

    /* One that never begins can end. */
    commit_destroy(commit);
    commit = commit_create(base, toy.model, toy.engine, &fake_store, NULL);
    assert_true(commit_hold(commit));
    put_host("h2");
    turn();
    commit_stop(commit);
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

    commit_destroy(commit);
    toy_uninit(&toy);
    toy_init(&toy, &app, NULL);
    vmn_errors_init(&errors);
    assert_int_equal(model_load_row(toy.model, VMN_TABLE_HOST, "h1", spec,
                                    NULL, &meta, &errors), 0);
    json_decref(spec);
    commit = commit_create(base, toy.model, toy.engine, &fake_store, NULL);
    commit_set_sink(commit, sink, NULL);
    turn();
}

static void
loaded_state_is_not_shown_until_it_is_stored(void **state)
{
    struct model_request report;

    start_anew();
    assert_int_equal(n_submits, 1);
    commit_when_quiescent(commit, settled, NULL);
    n_settled = 0;
    for (int i = 1; i <= 2; i++) {
        struct model_request plan;

        put_host("h2");
        model_request_init(&plan, "test");
        model_request_add(&plan, MODEL_PUT, VMN_TABLE_HOST, "h3",
                          toy_host(3));
        commit_plan(commit, &plan, done, NULL);
        model_request_init(&report, "host:h1");
        model_request_add(&report, MODEL_PUT, VMN_TABLE_NETWORK, "n",
                          json_object());
        commit_submit(commit, &report, done, NULL);
        turn();
        finish_store(ENOSPC);
        assert_int_equal(n_refused, 2 * i);
        assert_int_equal(last_code, VMN_ERR_UNAVAILABLE);
        assert_string_equal(commit_store_error(commit), "disk full");
        assert_int_equal(n_groups + n_ok + n_settled, 0);
        assert_false(commit_is_quiescent(commit));
        while (n_submits == i) {
            event_base_loop(base, EVLOOP_ONCE);
        }
    }
    finish_store(0);
    assert_null(commit_store_error(commit));
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
    commit_stop(commit);
    assert_int_equal(n_submits, 1);
}

static void
what_waits_at_the_end_is_refused(void **state)
{
    put_host("h1");
    turn();
    put_host("h2");
    finish_at_once = true;      /* The write that is under way is waited for.
                                 * */
    commit_stop(commit);
    finish_at_once = false;
    assert_int_equal(n_ok, 1);
    assert_int_equal(n_refused, 1);
    assert_int_equal(last_code, VMN_ERR_UNAVAILABLE);
    put_host("h3");
    turn();
    assert_int_equal(n_ok + n_refused, 2);
}

/* The newest group that is kept. */
static const struct activity_group *
newest_group(void)
{
    uint64_t oldest, newest;

    activity_range(commit_activity(commit), &oldest, &newest);
    assert_true(newest > 0);
    return activity_get(commit_activity(commit), newest);
}

static json_int_t
newest_count(const char *name)
{
    struct activity_item item;
    struct arena arena;
    json_t *json, *first;
    json_int_t n;

    arena_init(&arena);
    activity_show(commit_activity(commit), newest_group(), &arena, &item);
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

    put_host("h1");
    put_host("h2");
    put_host("h1");             /* Changes nothing. */
    turn();
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

    put_host("h1");
    turn();
    finish_store(ENOSPC);
    assert_int_equal(newest_group()->id, id);

    put_host("h2");
    turn();
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
    commit_submit(commit, &request, done, NULL);
    turn();
    finish_store(0);
    assert_int_equal(newest_group()->n_changes, ACTIVITY_NAMES_MAX + 3);

    /* ... and more groups than are kept. */
    for (int i = 0; i < ACTIVITY_MAX + 3; i++) {
        model_request_init(&request, "test");
        model_request_add(&request, MODEL_PATCH, VMN_TABLE_HOST, "h1",
                          json_pack("{s:o}", "description",
                                    json_sprintf("%d", i)));
        commit_submit(commit, &request, done, NULL);
        turn();
        finish_store(0);
    }
    activity_range(commit_activity(commit), &oldest, &newest);
    assert_int_equal(newest, 2 + ACTIVITY_MAX + 3);
    assert_int_equal(newest - oldest + 1, ACTIVITY_MAX);
    for (uint64_t id = oldest; id <= newest; id++) {
        assert_int_equal(activity_get(commit_activity(commit), id)->id, id);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
        T(long_compile_leaves_the_loop_its_turns),
        T(nothing_leaves_before_it_is_durable),
        T(activity_tells_who_what_and_the_price),
        T(activity_has_nothing_of_what_was_undone),
        T(activity_is_bounded),
        T(what_waits_becomes_one_group),
        T(a_refused_group_has_not_happened),
        T(requests_wait_for_others_while_hosts_are_behind),
        T(an_unchanged_request_writes_nothing),
        T(settled_moments_come_between_groups),
        T(first_group_can_be_put_off),
        T(loaded_state_is_not_shown_until_it_is_stored),
        T(what_waits_at_the_end_is_refused),
        T(plan_reaches_neither_store_nor_sink),
        T(plan_waits_for_the_write_that_is_under_way),
        T(plan_is_refused_as_the_change_would_be),
        T(plans_beyond_their_number_are_refused),
        T(a_unit_that_lacked_a_number_is_tried_again_when_one_is_free),
        T(what_a_second_try_leaves_is_free_after_the_next_revision),
        T(a_query_that_lacked_a_number_is_computed_again_too),
        T(a_second_try_is_stored_again_until_it_is_durable),
        T(a_plan_is_no_second_try),
        T(of_a_group_only_the_guilty_request_is_refused),
        T(what_hosts_report_is_never_too_much),
#undef T
    };

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
