/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of what quotas count of flows: whatever comes, goes, moves or is
 * taken back, it is what follows from the rows, and of a quota of everything
 * what hosts are to hold.  And that a plan beyond a limit is refused. */

#include <config.h>

#include "tests/unit/toy-app.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "controller/commit/plan.h"
#include "controller/schema/error.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "random.h"
#include "tests/unit/model-util.h"
#include "util.h"

#define STAGE 0
#define REL_SHARED "app.shared"         /* K -> "". */
#define REL_DEEP "app.deep"             /* K modulo 2 -> "". */
#define REL_WHERE "app.where"           /* "x" -> host of a port. */

#define N_PORTS 8
#define N_HOSTS 3
#define N_KEYS 4
#define N_QUOTAS 3

/* The app.  --------------------------------------------------------------- */

static int
label_int(const struct vmn_labels *labels, const char *key)
{
    const char *value = vmn_labels_get(labels, key);

    return value ? atoi(value) : 0;
}

static struct vmn_flow *
flow_add(struct vmn_emit *emit, struct vmn_scope scope, unsigned table,
         enum vmn_field field, uint64_t value)
{
    struct vmn_flow *flow = vmn_flow_add(emit, scope, STAGE, table, 10);

    vmn_match(flow, field, value);
    return flow;
}

/* A port has 'n' flows on host 'w', or on all; and a part in what all with the
 * same 'k' share. */
static void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read(view, VMN_ROW_PORT, key);
    const struct vmn_labels *labels = vmn_labels_of(view, &port->row);
    const char *where = vmn_labels_get(labels, "w");
    bool all = !strcmp(where, "all");
    int number = atoi(key + 1), k = label_int(labels, "k");
    struct vmn_flow *flow;

    for (int i = 0; i < label_int(labels, "n"); i++) {
        flow_add(emit, all ? vmn_scope_all() : vmn_scope_host(where), 0,
                 VMN_F_REG0, 100 * number + i);
    }
    if (!all) {
        vmn_publish(emit, REL_WHERE, "x", where);
    }
    vmn_publish(emit, REL_SHARED, vmn_printf(view, "%d", k), "");
    flow = flow_add(emit, vmn_scope_all(), 1, VMN_F_REG0, k);
    vmn_act_conjunction(vmn_flow_actions(flow), number + 1, 1, 2);
}

static void
compile_shared(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    int k = atoi(key);

    flow_add(emit, vmn_scope_host("h0"), 0, VMN_F_REG1, 2 * k);
    flow_add(emit, vmn_scope_host("h0"), 0, VMN_F_REG1, 2 * k + 1);
    vmn_publish(emit, REL_DEEP, vmn_printf(view, "%d", k % 2), "");
}

static void
compile_deep(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    flow_add(emit, vmn_scope_relation(REL_WHERE, "x"), 0, VMN_F_REG2,
             atoi(key));
}

static void
compile_once(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    flow_add(emit, vmn_scope_all(), 0, VMN_F_REG3, 1);
}

static const struct vmn_app_class app = {
    VMN_APP_HEAD, .name = "app",
    .stages = (const struct vmn_stage_class[]) {
        { .name = "stage", .hook = VMN_HOOK_ADMIT, .n_tables = 2,
          .miss = VMN_MISS_DROP },
        { .name = NULL },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "once", .each = VMN_EACH_ONCE, .compile = compile_once },
        { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
          .compile = compile_port },
        { .name = "shared", .each = VMN_EACH_KEY, .relation = REL_SHARED,
          .compile = compile_shared },
        { .name = "deep", .each = VMN_EACH_KEY, .relation = REL_DEEP,
          .compile = compile_deep },
        { .name = NULL },
    },
};

static struct toy toy;
static uint64_t base;           /* What a host has without any port. */
static unsigned n_refused;      /* Changes of edit(). */

static int
setup(void **state)
{
    toy_init(&toy, &app, NULL);
    for (int i = 0; i < N_HOSTS; i++) {
        char name[] = { 'h', '0' + i, '\0' };

        toy_edit(&toy, VMN_TABLE_HOST, name, toy_host(i + 1));
    }
    toy_edit(&toy, VMN_TABLE_NETWORK, "net",
             json_pack("{s:[{s:s}], s:{s:s}}", "subnets", "cidr",
                       "10.0.0.0/16", "labels", "t", "a"));
    toy_settle(&toy);
    base = engine_host_total(toy.engine, "h0");
    return 0;
}

static int
teardown(void **state)
{
    toy_uninit(&toy);
    return 0;
}

/* What is right.  --------------------------------------------------------- */

/* Adds up what the ports in 'scope' cause on 'host', from the rows alone. */
static uint64_t
expect(const struct vmn_selector *scope, const char *host)
{
    struct vmn_names names = model_names(toy.model, VMN_TABLE_PORT);
    bool keys[N_KEYS] = { false }, some = false, is_where = false;
    bool deep[2] = { false };
    uint64_t n = 0;

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_port *port = model_get(toy.model, VMN_TABLE_PORT,
                                                names.names[i]);
        const char *where = vmn_labels_get(&port->labels, "w");

        is_where |= !strcmp(where, host);
        if (!vmn_selector_matches(scope, &port->labels)) {
            continue;
        }
        if (!strcmp(where, host) || !strcmp(where, "all")) {
            n += label_int(&port->labels, "n");
        }
        keys[label_int(&port->labels, "k")] = some = true;
    }
    for (int k = 0; some && k < N_KEYS; k++) {
        n += keys[k] + 2 * (keys[k] && !strcmp(host, "h0"));
        deep[k % 2] |= keys[k];
    }
    return n + (is_where ? deep[0] + deep[1] : 0);
}

/* The same of what is kept in all: flows, and values of relations. */
static uint64_t
expect_kept(const struct vmn_selector *scope)
{
    struct vmn_names names = model_names(toy.model, VMN_TABLE_PORT);
    bool keys[N_KEYS] = { false }, deep[2] = { false };
    uint64_t n = 0;

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_port *port = model_get(toy.model, VMN_TABLE_PORT,
                                                names.names[i]);
        const char *where = vmn_labels_get(&port->labels, "w");

        if (vmn_selector_matches(scope, &port->labels)) {
            n += label_int(&port->labels, "n") + (strcmp(where, "all") ? 3
                                                  : 2);
            keys[label_int(&port->labels, "k")] = true;
        }
    }
    for (int k = 0; k < N_KEYS; k++) {
        n += keys[k] ? 3 : 0;
        deep[k % 2] |= keys[k];
    }
    return n + deep[0] + deep[1];
}

static void
check_quota(const struct vmn_quota *quota)
{
    struct vmn_names hosts = model_names(toy.model, VMN_TABLE_HOST);
    const char *most = NULL, *host;
    uint64_t n_most = 0, n;

    for (size_t i = 0; i < hosts.n; i++) {
        n = expect(&quota->scope, hosts.names[i]);
        if (n > n_most) {
            n_most = n;
            most = hosts.names[i];
        }
        if (!quota->scope.n_terms) {
            assert_int_equal(engine_host_total(toy.engine, hosts.names[i]),
                             base + n);
        }
    }
    assert_int_equal(engine_quota_flows(toy.engine, quota->row.name, &host,
                                        &n), quota->flows_per_host > 0);
    if (quota->flows_per_host > 0) {
        assert_int_equal(n, n_most);
        assert_string_equal(host ? host : "", most ? most : "");
    }
    assert_int_equal(engine_quota_kept(toy.engine, quota->row.name),
                     expect_kept(&quota->scope));
}

static void
check(void)
{
    struct vmn_names names = model_names(toy.model, VMN_TABLE_QUOTA);
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < names.n; i++) {
        check_quota(model_get(toy.model, VMN_TABLE_QUOTA, names.names[i]));
    }
    if (engine_verify(toy.engine, &ds)) {
        fail_msg("%s", ds_cstr(&ds));
    }
    ds_destroy(&ds);
}

/* Edits.  ----------------------------------------------------------------- */

static json_t *
make_port(char t, int k, int n, const char *where)
{
    return json_pack("{s:s, s:{s:o, s:o, s:o, s:s}}", "network", "net",
                     "labels", "t", json_sprintf("%c", t), "k",
                     json_sprintf("%d", k), "n", json_sprintf("%d", n), "w",
                     where);
}

/* 'spec' NULL: it is not to be there. */
static void
add_object(struct model_request *request, enum vmn_table table, char prefix,
           unsigned i, json_t *spec)
{
    char name[] = { prefix, '0' + i, '\0' };

    model_request_add(request, spec ? MODEL_PUT : MODEL_DELETE, table, name,
                      spec)->missing_ok = !spec;
}

static json_t *
make_quota(void)
{
    static const char *const scopes[] = { "t=a", "t in (a,b)", "" };

    return json_pack("{s:s, s:o*, s:i}", "scope", scopes[random_range(3)],
                     "flows_per_host", random_range(4)
                     ? json_integer(1 + random_range(20)) : NULL, "flows",
                     1 + random_range(40));
}

static void
add_edit(struct model_request *request)
{
    static const char *const wheres[] = { "h0", "h1", "h2", "all" };
    unsigned i = random_range(N_PORTS);

    switch (random_range(10)) {
    case 0: case 1: case 2: case 3: case 4: case 5:
        add_object(request, VMN_TABLE_PORT, 'p', i, make_port(
            "abc"[random_range(3)], random_range(N_KEYS), random_range(5),
            wheres[random_range(4)]));
        break;
    case 6: case 7:
        add_object(request, VMN_TABLE_PORT, 'p', i, NULL);
        break;
    case 8:
        add_object(request, VMN_TABLE_QUOTA, 'q', i % N_QUOTAS,
                   random_range(4) ? make_quota() : NULL);
        break;
    default:
        i %= N_HOSTS;
        add_object(request, VMN_TABLE_HOST, 'h', i,
                   random_range(3) ? toy_host(i + 1) : NULL);
        break;
    }
}

/* Plans one edit, or some, or has them happen, or happen and be undone. */
static void
edit(void)
{
    struct model_request request;
    struct vmn_errors errors;
    uint64_t revision;

    model_request_init(&request, "test");
    for (unsigned n = 1 + random_range(3); n; n--) {
        add_edit(&request);
    }
    vmn_errors_init(&errors);
    if (!random_range(4)) {
        plan_destroy(plan_make(toy.model, toy.engine, &request, 0, &errors));
    } else if (!model_apply(toy.model, &request, 0, &revision, &errors)) {
        struct model_rights *rights
            = random_range(2) ? NULL
              : model_util_rights("t=a", NULL, NULL, false);
        struct engine_delta *delta;

        engine_bind_quotas(toy.engine, rights);
        delta = engine_run(toy.engine);
        if (!plan_is_within_quotas(toy.model, toy.engine, rights, &errors)) {
            n_refused++;
        }
        model_rights_destroy(rights);
        if (!errors.n && random_range(4)) {
            check();
            model_settle(toy.model);
        } else {
            model_undo(toy.model);
            engine_delta_destroy(engine_roll_back(toy.engine, delta));
        }
        engine_delta_destroy(delta);
    }
    vmn_errors_uninit(&errors);
    model_request_uninit(&request);
}

static void
what_is_counted_is_what_there_is(void **state)
{
    random_set_seed(20261122);
    for (int i = 0; i < 3000; i++) {
        edit();
        check();
    }
    assert_true(n_refused > 100);
}

/* Limits.  ---------------------------------------------------------------- */

/* Plans that port 'name' is as 'spec' says (NULL: that it is deleted), as an
 * account with 'scope' (NULL: none), and expects this error ("": none). */
static void
plan(const char *scope, const char *name, json_t *spec, const char *error)
{
    struct model_request request;
    struct vmn_errors errors;
    struct plan *made;

    model_request_init(&request, "account:x");
    request.rights = scope ? model_util_rights(scope, NULL, NULL, false)
                     : NULL;
    model_request_add(&request, spec ? MODEL_PUT : MODEL_DELETE,
                      VMN_TABLE_PORT, name, spec);
    vmn_errors_init(&errors);
    made = plan_make(toy.model, toy.engine, &request, 0, &errors);
    assert_string_equal(errors.n ? errors.errors[0].text : "", error);
    assert_int_equal(made != NULL, !*error);
    plan_destroy(made);
    vmn_errors_uninit(&errors);
    model_request_uninit(&request);
}

static void
what_exceeds_a_quota_is_refused(void **state)
{
    /* Four of its own, one for its key; and on h0 the two that its key has,
     * and one more as somebody is there. */
    static const char refusal[] = "quota \"q\" exceeded: 8 of 7 "
                                  "flows_per_host with this change, on host "
                                  "\"h0\"";

    toy_edit(&toy, VMN_TABLE_QUOTA, "q",
             json_pack("{s:s, s:i}", "scope", "t=a", "flows_per_host", 7));
    toy_settle(&toy);
    plan("t=a", "p1", make_port('a', 1, 4, "h0"), refusal);
    plan("t=a", "p1", make_port('a', 1, 3, "h0"), "");
    /* Nobody else is bound, and what is elsewhere does not add up. */
    plan(NULL, "p1", make_port('a', 1, 4, "h0"), "");
    plan("t=a", "p1", make_port('a', 1, 5, "h1"), "");
    /* Above its limit it may shrink, and stay as it is. */
    toy_edit(&toy, VMN_TABLE_PORT, "p1", make_port('a', 1, 9, "h0"));
    toy_settle(&toy);
    plan("t=a", "p1", make_port('a', 1, 8, "h0"), "");
    plan("t=a", "p2", make_port('a', 1, 1, "h1"), "");
    plan("t=a", "p2", make_port('a', 1, 1, "h0"),
         "quota \"q\" exceeded: 14 of 7 flows_per_host with this change, on "
         "host \"h0\"");
    plan("t=a", "p1", NULL, "");
}

static void
what_would_be_kept_beyond_a_quota_is_refused(void **state)
{
    toy_edit(&toy, VMN_TABLE_QUOTA, "q",
             json_pack("{s:s, s:i}", "scope", "t=a", "flows", 12));
    toy_settle(&toy);
    /* Each has three besides 'n'; its key has three, and the key's parity
     * one.  On whichever host. */
    plan("t=a", "p1", make_port('a', 1, 5, "nowhere"), "");
    plan("t=a", "p1", make_port('a', 1, 10, "nowhere"),
         "quota \"q\" exceeded: 13 of 12 flows with this change");
    plan("t=a", "p1", make_port('a', 1, 6, "nowhere"),
         "quota \"q\" exceeded: 13 of 12 flows with this change");
    plan(NULL, "p1", make_port('a', 1, 10, "nowhere"), "");
    assert_int_equal(engine_quota_kept(toy.engine, "q"), 0);
    /* Above its limit it may shrink. */
    toy_edit(&toy, VMN_TABLE_PORT, "p1", make_port('a', 1, 20, "h0"));
    toy_settle(&toy);
    assert_int_equal(engine_quota_kept(toy.engine, "q"), 27);
    plan("t=a", "p1", make_port('a', 1, 19, "h0"), "");
    plan("t=a", "p2", make_port('a', 1, 0, "h0"),
         "quota \"q\" exceeded: 30 of 12 flows with this change");
    plan("t=a", "p1", NULL, "");
}

static void
account_without_a_quota_has_a_limit_of_flows(void **state)
{
    toy_edit(&toy, VMN_TABLE_ACCOUNT, "a",
             json_pack("{s:s, s:s, s:b}", "role", "operator", "scope", "t=a",
                       "certificate", true));
    toy_edit(&toy, VMN_TABLE_PORT, "p1", make_port('a', 1, 5, "h0"));
    toy_settle(&toy);
    assert_int_equal(engine_quota_kept(toy.engine, "account/a"), 12);
    toy_edit(&toy, VMN_TABLE_QUOTA, "q", json_pack("{s:s}", "scope", "t=a"));
    toy_settle(&toy);
    assert_int_equal(engine_quota_kept(toy.engine, "account/a"), 0);
    assert_int_equal(engine_quota_kept(toy.engine, "q"), 12);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
        T(what_is_counted_is_what_there_is),
        T(what_exceeds_a_quota_is_refused),
        T(what_would_be_kept_beyond_a_quota_is_refused),
        T(account_without_a_quota_has_a_limit_of_flows),
#undef T
    };

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
