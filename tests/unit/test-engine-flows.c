/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of the engine: flows that several units make, or want
 * differently, and those that are counted as parts. */

#include <config.h>

#include "tests/unit/toy-fixture.h"

#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"

/* App "one", of which several units write to the same flows. ------------- */

static void
compile_clause(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(), STAGE, 0, 30);

    vmn_match(flow, VMN_F_REG1, 7);
    vmn_act_conjunction(vmn_flow_actions(flow),
                        vmn_id_of(view, "one.conj", key), 1, 2);
    if (key[0] == 'z') {
        vmn_flow_count(flow);
    }
}

/* Wants register 2 = 9 to lead to a value of the port's own. */
static void
compile_rival(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(), STAGE, 0, 40);

    vmn_match(flow, VMN_F_REG2, 9);
    vmn_act_set(vmn_flow_actions(flow), VMN_F_REG10, key[0]);
    vmn_act_goto(vmn_flow_actions(flow), STAGE, 1);
}

static const struct vmn_app_class one_app = {
    VMN_APP_HEAD, .name = "one",
    .stages = toy_stages,
    .id_pools = (const struct vmn_id_pool_class[]) {
        { "one.conj", 1000 }, { NULL, 0 },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "clause", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
          .compile = compile_clause },
        { .name = "rival", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
          .compile = compile_rival },
        { .name = NULL },
    },
};

static int
setup_one(void **state)
{
    toy_init(&toy, &one_app, NULL);
    toy_edit(&toy, VMN_TABLE_NETWORK, "net", toy_network());
    toy_edit(&toy, VMN_TABLE_PORT, "b", toy_port("net", "web"));
    toy_settle(&toy);
    return 0;
}

static size_t
count_desired_flows(void)
{
    struct engine_stats stats;

    engine_get_stats(toy.engine, &stats);
    return stats.n_flows;
}

/* Every flow, merged ones too, leads to who wants it. */
static void
check_owner(void *n_clauses, const struct flow_item *item)
{
    const char *name = engine_cookie_name(toy.engine, item->cookie);

    assert_non_null(name);
    if (item->priority == 30) {
        assert_memory_equal(name, "one.clause/", 11);
        ++*(int *) n_clauses;
    }
}

static void
a_merged_flow_names_one_of_its_units(void **state)
{
    int n_clauses = 0;

    toy_edit(&toy, VMN_TABLE_HOST, "h1", toy_host(1));
    toy_edit(&toy, VMN_TABLE_PORT, "c", toy_port("net", "web"));
    toy_settle(&toy);
    engine_host_items(toy.engine, "h1", check_owner, &n_clauses);
    assert_int_equal(n_clauses, 1);
}

static void
clauses_cannot_be_counted(void **state)
{
    const struct engine_problems *problems;

    toy_edit(&toy, VMN_TABLE_PORT, "z", toy_port("net", "web"));
    toy_settle(&toy);
    problems = engine_problems(toy.engine);
    assert_string_equal("one.clause/z", problems->problems[0].units[0]);
    assert_non_null(strstr(problems->problems[0].detail, "counted"));
}

static void
clauses_of_several_units_meet_in_one_flow(void **state)
{
    size_t before = count_desired_flows();

    toy_edit(&toy, VMN_TABLE_PORT, "c", toy_port("net", "web"));
    toy_expect(&toy, 1, 1);     /* The merged flow, with one more clause. */
    assert_int_equal(count_desired_flows(), before);
    toy_edit(&toy, VMN_TABLE_PORT, "b", NULL);
    toy_settle(&toy);
    assert_int_equal(count_desired_flows(), before);
    toy_edit(&toy, VMN_TABLE_PORT, "c", NULL);
    toy_settle(&toy);
    assert_int_equal(count_desired_flows(), before - 2);
}

static void
of_two_rivals_the_first_by_name_wins(void **state)
{
    const struct engine_problems *problems;

    /* "a" comes later and takes the place of "b": order of arrival does not
     * matter. */
    toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("net", "web"));
    toy_settle(&toy);
    problems = engine_problems(toy.engine);
    assert_int_equal(problems->n, 1);
    assert_string_equal(problems->problems[0].units[0], "one.rival/a");
    assert_string_equal(problems->problems[0].units[1], "one.rival/b");

    toy_edit(&toy, VMN_TABLE_PORT, "a", NULL);
    toy_settle(&toy);
    assert_int_equal(engine_problems(toy.engine)->n, 0);
}

/* App "parts": a port's flow is counted as the part that its role says, and as
 * what else it says. */
static void
compile_part(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    const char *role = vmn_labels_get(vmn_labels_of(view, &port->row),
                                      "role");
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(), STAGE, 0, 10);

    vmn_match_mac(flow, VMN_F_ETH_SRC, port->mac);
    vmn_flow_count_part(flow, strtoul(role, NULL, 10));
    if (strstr(role, "conjunction")) {
        vmn_match(flow, VMN_F_CONJ_ID, 3);
    }
    if (strstr(role, "log")) {
        vmn_flow_log(flow);
    }
    if (strstr(role, "drop")) {
        vmn_act_drop(vmn_flow_actions(flow), "the test wants it");
    } else {
        vmn_act_set(vmn_flow_actions(flow), VMN_F_REG10, 1);
        vmn_act_goto(vmn_flow_actions(flow), STAGE, 1);
    }
}

static const struct vmn_app_class parts_app = {
    VMN_APP_HEAD, .name = "parts",
    .stages = toy_stages,
    .units = (const struct vmn_unit_class[]) {
        { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
          .compile = compile_part },
        { .name = NULL },
    },
};

static int
setup_parts(void **state)
{
    toy_init(&toy, &parts_app, NULL);
    toy_edit(&toy, VMN_TABLE_NETWORK, "net", toy_network());
    toy_edit(&toy, VMN_TABLE_HOST, "h1", toy_host(1));
    return 0;
}

static void
part_cb(void *part_, const struct flow_item *item)
{
    uint32_t *part = part_;

    if (item->priority == 10) {
        assert_true(item->cookie & FLOW_COOKIE_COUNTED);
        *part = flow_item_part(item);
    } else {
        assert_int_equal(flow_item_part(item), 0);
    }
}

static uint32_t
part_now(void)
{
    uint32_t part = 99;

    engine_host_items(toy.engine, "h1", part_cb, &part);
    return part;
}

static void
counted_flows_have_the_part_that_was_said(void **state)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("net", "4000000001"));
    toy_settle(&toy);
    assert_int_equal(part_now(), 4000000001u);
    toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("net", "7"));
    toy_expect(&toy, 1, 1);
    assert_int_equal(part_now(), 7);
    assert_int_equal(engine_verify(toy.engine, &ds), 0);
    ds_destroy(&ds);
    toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("net", "0"));
    toy_expect(&toy, 1, 1);
    assert_int_equal(part_now(), 0);
    /* With none they may be what they like. */
    toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("net", "0-drop"));
    toy_expect(&toy, 1, 1);
    assert_int_equal(part_now(), 0);
}

static void
what_is_counted_as_something_else_has_no_part(void **state)
{
    static const char *const roles[] = { "7-drop", "7-log", "7-conjunction" };

    for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
        const struct engine_problems *problems;

        toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("net", roles[i]));
        toy_settle(&toy);
        problems = engine_problems(toy.engine);
        assert_int_equal(problems->n, 1);
        assert_non_null(strstr(problems->problems[0].detail,
                               "has no other part"));
        toy_edit(&toy, VMN_TABLE_PORT, "a", NULL);
        toy_settle(&toy);
    }
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME, SETUP) \
        cmocka_unit_test_setup_teardown(NAME, SETUP, toy_teardown)
        T(clauses_of_several_units_meet_in_one_flow, setup_one),
        T(a_merged_flow_names_one_of_its_units, setup_one),
        T(clauses_cannot_be_counted, setup_one),
        T(counted_flows_have_the_part_that_was_said, setup_parts),
        T(what_is_counted_as_something_else_has_no_part, setup_parts),
        T(of_two_rivals_the_first_by_name_wins, setup_one),
#undef T
    };

    return toy_run_all(argv, tests, ARRAY_SIZE(tests));
}
