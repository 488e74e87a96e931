/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of plans: what they say of flows that contradict each other, of
 * units that fail, and of hosts that would hold too much.  That they leave
 * nothing behind and tell what then happens is for tests/property. */

#include <config.h>

#include "tests/unit/toy-app.h"

#include <string.h>

#include "controller/commit/plan.h"
#include "controller/model/id-pools.h"
#include "controller/schema/status.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "util.h"

#define STAGE 0

/* The flows of a port follow from its role. */
static void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read(view, VMN_ROW_PORT, key);
    const char *role = vmn_labels_get(vmn_labels_of(view, &port->row),
                                      "role");
    struct vmn_flow *flow;
    int n;

    if (!strcmp(role, "broken")) {
        vmn_fail(emit, "broken");
        return;
    }
    n = !strcmp(role, "many") ? 50
        : !strcmp(role, "huge") ? ENGINE_BUNDLE_ITEMS + 1 : 0;
    for (int i = 0; i < n; i++) {
        flow = vmn_flow_add(emit, vmn_scope_all(), STAGE, 0, 20);
        vmn_match(flow, VMN_F_REG0, i);
    }
    if (!strcmp(role, "web") || !strcmp(role, "wide")) {
        bool wide = !strcmp(role, "wide");
        struct vmn_prefix prefix = {
            .ip = { .family = 4, .addr = { 10, wide ? 0 : 1, 0, 0 } },
            .len = wide ? 8 : 16,
        };

        flow = vmn_flow_add(emit, vmn_scope_all(), STAGE, 0, 10);
        vmn_match(flow, VMN_F_ETH_TYPE, 0x0800);
        vmn_match_prefix(flow, VMN_F_IPV4_DST, &prefix);
        vmn_act_goto(vmn_flow_actions(flow), STAGE, 1);
    } else if (!strcmp(role, "db") || !strcmp(role, "clash")) {
        flow = vmn_flow_add(emit, vmn_scope_all(), STAGE, 0, 10);
        vmn_match(flow, VMN_F_ETH_TYPE, 0x0800);
        vmn_match(flow, VMN_F_IP_PROTO, 6);
        vmn_match(flow, VMN_F_TCP_DST, 80);
        if (!strcmp(role, "db")) {
            vmn_act_drop(vmn_flow_actions(flow), "no web");
        } else {
            vmn_act_set(vmn_flow_actions(flow), VMN_F_REG10,
                        vmn_id_of(view, VMN_ID_POOL_ZONE, key));
        }
    }
}

static const struct vmn_app_class app = {
    VMN_APP_HEAD, .name = "app",
    .stages = (const struct vmn_stage_class[]) {
        { .name = "stage", .hook = VMN_HOOK_ADMIT, .n_tables = 2,
          .miss = VMN_MISS_DROP,
          .scratch = VMN_SCRATCH(VMN_F_REG10) },
        { .name = NULL },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
          .compile = compile_port },
        { .name = NULL },
    },
};

static struct toy toy;

static void
put_port(const char *name, const char *role)
{
    toy_edit(&toy, VMN_TABLE_PORT, name, toy_port("net", role));
    toy_settle(&toy);
}

/* Plans that port 'name' gets 'role' (NULL: that it is deleted). */
static struct plan *
plan_port(const char *name, const char *role, struct vmn_errors *errors)
{
    struct model_request request;
    struct plan *plan;

    model_request_init(&request, "test");
    model_request_add(&request, role ? MODEL_PUT : MODEL_DELETE,
                      VMN_TABLE_PORT, name,
                      role ? toy_port("net", role) : NULL);
    vmn_errors_init(errors);
    plan = plan_make(toy.model, toy.engine, &request, 0, errors);
    model_request_uninit(&request);
    return plan;
}

static struct plan *
must_plan(const char *name, const char *role)
{
    struct vmn_errors errors;
    struct plan *plan = plan_port(name, role, &errors);

    if (!plan) {
        fail_msg("%s", errors.errors[0].text);
    }
    vmn_errors_uninit(&errors);
    return plan;
}

static void
must_refuse(const char *name, const char *role, const char *text)
{
    struct vmn_errors errors;

    assert_null(plan_port(name, role, &errors));
    assert_int_equal(errors.n, 1);
    assert_string_equal(errors.errors[0].text, text);
    vmn_errors_uninit(&errors);
}

/* Problem 'i' of a plan as "KIND UNIT UNIT PACKET". */
static void
assert_problem(const struct plan *plan, size_t i, const char *expected)
{
    const struct engine_problem *problem = &plan->problems[i];
    struct ds ds = DS_EMPTY_INITIALIZER;

    assert_true(i < plan->n_problems);
    ds_put_cstr(&ds, problem->kind);
    for (size_t j = 0; j < problem->n_units; j++) {
        ds_put_format(&ds, " %s", problem->units[j]);
    }
    ds_put_format(&ds, " %s", problem->packet ? problem->packet : "none");
    assert_string_equal(ds_cstr(&ds), expected);
    ds_destroy(&ds);
}

static size_t
n_problems(const struct plan *plan)
{
    return plan->n_problems;
}

static int
setup(void **state)
{
    toy_init(&toy, &app, NULL);
    toy_edit(&toy, VMN_TABLE_NETWORK, "net", toy_network());
    toy_edit(&toy, VMN_TABLE_HOST, "h1", toy_host(1));
    toy_settle(&toy);
    return 0;
}

static int
teardown(void **state)
{
    toy_uninit(&toy);
    return 0;
}

static void
an_overlap_shows_one_packet(void **state)
{
    struct plan *plan;

    put_port("a", "web");
    plan = must_plan("b", "db");
    assert_int_equal(n_problems(plan), 1);
    assert_problem(plan, 0, "overlap app.port/a app.port/b "
                   "tcp,nw_dst=10.1.0.0,tp_dst=80");
    plan_destroy(plan);
}

static void
only_new_problems_are_told(void **state)
{
    struct plan *plan;

    put_port("a", "web");
    put_port("b", "db");
    plan = must_plan("c", "many");
    assert_int_equal(n_problems(plan), 0);
    plan_destroy(plan);

    /* "b" changes what it does, and overlaps as it did. */
    plan = must_plan("b", "clash");
    assert_int_equal(n_problems(plan), 0);
    plan_destroy(plan);

    /* The second of two overlaps is a new one. */
    plan = must_plan("c", "wide");
    assert_int_equal(n_problems(plan), 1);
    assert_problem(plan, 0, "overlap app.port/b app.port/c "
                   "tcp,nw_dst=10.0.0.0,tp_dst=80");
    plan_destroy(plan);
}

static void
a_conflict_shows_one_packet(void **state)
{
    struct plan *plan;

    put_port("a", "clash");
    plan = must_plan("b", "clash");
    assert_int_equal(n_problems(plan), 1);
    assert_problem(plan, 0, "conflict app.port/a app.port/b tcp,tp_dst=80");
    plan_destroy(plan);
    /* The zone that "b" would have had is free. */
    assert_int_equal(id_pools_peek(model_id_pools(toy.model), VMN_ID_POOL_ZONE,
                                  "app/app/b"), 0);
}

static void
a_unit_that_would_fail_is_told(void **state)
{
    struct plan *plan;

    put_port("a", "web");
    plan = must_plan("a", "broken");
    assert_problem(plan, 0, "failed app.port/a none");
    plan_destroy(plan);

    assert_int_equal(engine_problems(toy.engine)->n, 0);
}

/* It holds on to flows that no computation gives any more. */
static void
a_unit_that_fails_cannot_be_planned(void **state)
{
    static const char text[] = "app.port/a fails already, and what becomes "
                               "of it cannot be planned";
    struct engine_stats before, after;
    struct plan *plan;

    put_port("a", "web");
    put_port("a", "broken");
    engine_get_stats(toy.engine, &before);
    must_refuse("a", "db", text);
    must_refuse("a", NULL, text);
    engine_get_stats(toy.engine, &after);
    assert_int_equal(before.n_flows, after.n_flows);
    assert_int_equal(before.n_units, after.n_units);
    plan = must_plan("b", "db");
    assert_problem(plan, 0, "overlap app.port/a app.port/b "
                   "tcp,nw_dst=10.1.0.0,tp_dst=80");
    plan_destroy(plan);

    put_port("a", "db");        /* In earnest it may be mended. */
    toy_edit(&toy, VMN_TABLE_PORT, "a", NULL);
    toy_settle(&toy);
}

static void
a_host_that_would_exceed_its_limit_is_named(void **state)
{
    uint64_t total = engine_host_total(toy.engine, "h1");
    char *text = xasprintf("host \"h1\" would hold %d flows and groups, and "
                           "at most %d are allowed", (int) total + 50,
                           (int) total + 49);

    engine_set_max_items(toy.engine, total + 49);
    must_refuse("a", "many", text);
    free(text);
    assert_int_equal(engine_host_total(toy.engine, "h1"), total);
    plan_destroy(must_plan("a", "web"));

    engine_set_max_items(toy.engine, total + 50);
    put_port("a", "many");
    /* One that is above it may shrink. */
    engine_set_max_items(toy.engine, 10);
    plan_destroy(must_plan("a", "web"));
    plan_destroy(must_plan("a", NULL));
    text = xasprintf("host \"h1\" would hold %d flows and groups, and at "
                     "most 10 are allowed", (int) total + 51);
    must_refuse("b", "db", text);
    free(text);
}

/* Of the app that is there, what a plan says of its flows. */
static void
assert_flows(const struct plan *plan, int added, int changed, int removed)
{
    const struct status_app_flows *flows = &plan->flows.apps[0];

    assert_int_equal(plan->flows.n_apps, 1);
    assert_string_equal(flows->app, "app");
    assert_int_equal(flows->added, added);
    assert_int_equal(flows->changed, changed);
    assert_int_equal(flows->removed, removed);
}

/* What then happens is counted by the same code: so here by numbers. */
static void
a_flow_counts_as_added_changed_or_removed(void **state)
{
    struct plan *plan = must_plan("a", "db");

    assert_flows(plan, 1, 0, 0);
    plan_destroy(plan);
    put_port("a", "db");
    plan = must_plan("a", "clash");     /* The same match. */
    assert_flows(plan, 0, 1, 0);
    plan_destroy(plan);
    plan = must_plan("a", "web");       /* Another. */
    assert_flows(plan, 1, 0, 1);
    plan_destroy(plan);
    plan = must_plan("a", NULL);
    assert_flows(plan, 0, 0, 1);
    plan_destroy(plan);
}

static void
what_takes_more_than_a_bundle_says_so(void **state)
{
    struct plan *plan = must_plan("a", "many");

    assert_string_equal(plan->flows.hosts[0].host, "h1");
    assert_int_equal(plan->flows.hosts[0].bundles, 0);
    plan_destroy(plan);
    plan = must_plan("a", "huge");
    assert_int_equal(plan->flows.hosts[0].bundles, 2);
    plan_destroy(plan);
}

static void
what_is_planned_with_nothing_to_do_says_so(void **state)
{
    struct plan *plan;

    put_port("a", "web");
    plan = must_plan("a", "web");
    assert_false(plan->changed);
    assert_string_equal(plan->objects[0].op, "unchanged");
    plan_destroy(plan);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
        T(an_overlap_shows_one_packet),
        T(only_new_problems_are_told),
        T(a_conflict_shows_one_packet),
        T(a_unit_that_would_fail_is_told),
        T(a_unit_that_fails_cannot_be_planned),
        T(a_host_that_would_exceed_its_limit_is_named),
        T(a_flow_counts_as_added_changed_or_removed),
        T(what_takes_more_than_a_bundle_says_so),
        T(what_is_planned_with_nothing_to_do_says_so),
#undef T
    };

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
