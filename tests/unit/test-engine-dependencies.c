/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of the engine: units that depend on facts and queries of others,
 * in any order, or on themselves. */

#include <config.h>

#include "tests/unit/toy-fixture.h"

#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"

/* App "facts": ports publish their host's membership of a network; a unit per
 * network has a flow in the scope of these hosts. ------------------------- */

static void
compile_membership(struct vmn_view *view, const char *key,
                   struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    const struct vmn_binding *binding = vmn_read_binding(view, key);

    if (binding) {
        vmn_publish(emit, "facts.hosts", port->network, binding->host);
    }
}

static int n_network_compiles;

static void
compile_network(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_names hosts = vmn_relation_values(view, "facts.hosts", key);
    struct vmn_flow *flow;

    n_network_compiles++;
    flow = vmn_flow_add(emit, vmn_scope_relation("facts.hosts", key), STAGE, 0,
                        20);
    vmn_match(flow, VMN_F_REG0, hosts.n);
    vmn_act_drop(vmn_flow_actions(flow), "test");
}

static const struct vmn_app_class facts_app = {
    VMN_APP_HEAD, .name = "facts",
    .stages = toy_stages,
    .units = (const struct vmn_unit_class[]) {
        { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
          .compile = compile_membership },
        { .name = "network", .each = VMN_EACH_KEY, .relation = "facts.hosts",
          .compile = compile_network },
        { .name = NULL },
    },
};

static void
bind_port(const char *port, const char *host)
{
    toy_edit(&toy, VMN_TABLE_BINDING, port,
             host ? json_pack("{s:s}", "host", host) : NULL);
}

static int
setup_facts(void **state)
{
    toy_init(&toy, &facts_app, NULL);
    toy_edit(&toy, VMN_TABLE_HOST, "h1", toy_host(1));
    toy_edit(&toy, VMN_TABLE_HOST, "h2", toy_host(2));
    toy_edit(&toy, VMN_TABLE_NETWORK, "net", toy_network());
    toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("net", "web"));
    toy_edit(&toy, VMN_TABLE_PORT, "b", toy_port("net", "db"));
    bind_port("a", "h1");
    toy_settle(&toy);
    n_network_compiles = 0;
    return 0;
}

static void
a_fact_published_twice_changes_nothing(void **state)
{
    bind_port("b", "h1");
    toy_expect(&toy, 0, 0);
    assert_int_equal(n_network_compiles, 0);
    bind_port("a", NULL);
    toy_expect(&toy, 0, 0);
    assert_int_equal(n_network_compiles, 0);
}

static void
a_host_joins_and_leaves_a_scope(void **state)
{
    bind_port("b", "h2");

    struct engine_delta *delta = toy_run(&toy);

    assert_int_equal(delta->n_members, 1);
    assert_string_equal(delta->members[0].host, "h2");
    assert_true(delta->members[0].joined);
    engine_delta_destroy(delta);

    bind_port("b", NULL);
    delta = toy_run(&toy);
    assert_int_equal(delta->n_members, 1);
    assert_false(delta->members[0].joined);
    engine_delta_destroy(delta);
}

static void
the_last_fact_takes_the_unit_along(void **state)
{
    bind_port("a", NULL);

    struct engine_delta *delta = toy_run(&toy);

    assert_int_equal(delta->n_changes, 1);
    assert_false(delta->changes[0].added);
    assert_int_equal(delta->n_members, 1);
    assert_string_equal(delta->members[0].host, "h1");
    assert_false(delta->members[0].joined);
    engine_delta_destroy(delta);
}

/* App "late": a unit that, when it is new, reads a query's value before it
 * learns that it is stale, and once more after. --------------------------- */

static void
eval_base(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    const struct vmn_network *network = vmn_read_network(view, key);

    if (network) {
        vmn_value_set(value, &network->mtu, sizeof network->mtu);
    }
}

static void
eval_above(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    size_t size;
    const void *base = vmn_query(view, "late.base", key, &size);

    if (base) {
        vmn_value_set(value, base, size);
    }
}

static void
compile_late(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    size_t size;
    const uint32_t *value = vmn_query(view, "late.above", port->network,
                                      &size);
    uint32_t first = value ? *value : 0;
    struct vmn_flow *flow;

    vmn_query(view, "late.base", port->network, &size);
    vmn_query(view, "late.above", port->network, &size);
    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE, 0, 10);
    vmn_match_mac(flow, VMN_F_ETH_SRC, port->mac);
    vmn_act_set(vmn_flow_actions(flow), VMN_F_REG10, first);
}

static const struct vmn_app_class late_app = {
    VMN_APP_HEAD, .name = "late",
    .stages = toy_stages,
    .queries = (const struct vmn_query_class[]) {
        { .name = "base", .eval = eval_base },
        { .name = "above", .eval = eval_above },
        { .name = NULL },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
          .compile = compile_late },
        { .name = NULL },
    },
};

static int
setup_late(void **state)
{
    toy_init(&toy, &late_app, NULL);
    toy_edit(&toy, VMN_TABLE_NETWORK, "net", toy_network());
    toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("net", "web"));
    toy_settle(&toy);
    return 0;
}

static void
a_value_read_too_early_is_read_again(void **state)
{
    json_t *network = toy_network();
    struct ds ds = DS_EMPTY_INITIALIZER;

    json_object_set_new(network, "mtu", json_integer(1400));
    toy_edit(&toy, VMN_TABLE_NETWORK, "net", network);
    toy_edit(&toy, VMN_TABLE_PORT, "b", toy_port("net", "web"));
    toy_expect(&toy, 2, 1);
    if (engine_verify(toy.engine, &ds)) {
        fail_msg("%s", ds_cstr(&ds));
    }
    ds_destroy(&ds);
}

/* App "circle": queries and facts that depend on themselves. -------------- */

static void
eval_circle(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    size_t size;

    vmn_query(view, "circle.self", key, &size);
    vmn_value_set(value, "x", 1);
}

static void
compile_query_circle(struct vmn_view *view, const char *key,
                     struct vmn_emit *emit)
{
    size_t size;

    vmn_query(view, "circle.self", key, &size);
}

/* Publishes one more than what the other app does. */
static void
count_on(struct vmn_view *view, struct vmn_emit *emit, const char *theirs,
         const char *ours)
{
    struct vmn_names names = vmn_relation_values(view, theirs, "k");

    vmn_publish(emit, ours, "k",
                vmn_printf(view, "%d", names.n ? atoi(names.names[0]) + 1
                                               : 0));
}

static void
compile_fact_circle(struct vmn_view *view, const char *key,
                    struct vmn_emit *emit)
{
    count_on(view, emit, "ring.facts", "circle.facts");
}

static void
compile_ring(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    count_on(view, emit, "circle.facts", "ring.facts");
}

/* Has read a fact of the circle, and is in none itself. */
static void
compile_beside(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    vmn_relation_values(view, "ring.facts", "k");
}

static const struct vmn_app_class ring_app = {
    VMN_APP_HEAD,
    .name = "ring",
    .units = (const struct vmn_unit_class[]) {
        { .name = "fact", .each = VMN_EACH_ONCE, .compile = compile_ring },
        { .name = "beside", .each = VMN_EACH_ONCE,
          .compile = compile_beside },
        { .name = NULL },
    },
};

static const struct vmn_app_class circle_app = {
    VMN_APP_HEAD,
    .name = "circle",
    .queries = (const struct vmn_query_class[]) {
        { .name = "self", .eval = eval_circle }, { .name = NULL },
    },
    .units = (const struct vmn_unit_class[]) {
        { .name = "query", .each = VMN_EACH_ONCE,
          .compile = compile_query_circle },
        { .name = "fact", .each = VMN_EACH_ONCE,
          .compile = compile_fact_circle },
        { .name = NULL },
    },
};

static int
setup_circle(void **state)
{
    toy_init(&toy, &circle_app, &ring_app);
    return 0;
}

/* Asserts that a unit has failed for this reason. */
static void
assert_failed(const char *unit, const char *detail)
{
    const struct engine_problems *problems = engine_problems(toy.engine);

    for (size_t i = 0; i < problems->n; i++) {
        if (!strcmp(problems->problems[i].units[0], unit)) {
            assert_string_equal(problems->problems[i].detail, detail);
            return;
        }
    }
    fail_msg("%s has not failed", unit);
}

static void
circles_come_to_an_end_and_are_named(void **state)
{
    toy_settle(&toy);
    assert_failed("circle.fact/", "facts go in a circle, of apps circle, "
                  "ring: unit circle.fact/ -> relation circle.facts at \"k\" "
                  "-> unit ring.fact/ -> relation ring.facts at \"k\" "
                  "-> unit circle.fact/");
    assert_failed("circle.query/", "query circle.self at \"\" has failed: "
                  "query circle.self at \"\" depends on itself");
    toy_edit(&toy, VMN_TABLE_HOST, "h1", toy_host(1));
    toy_settle(&toy);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME, SETUP) \
        cmocka_unit_test_setup_teardown(NAME, SETUP, toy_teardown)
        T(a_fact_published_twice_changes_nothing, setup_facts),
        T(a_host_joins_and_leaves_a_scope, setup_facts),
        T(the_last_fact_takes_the_unit_along, setup_facts),
        T(a_value_read_too_early_is_read_again, setup_late),
        T(circles_come_to_an_end_and_are_named, setup_circle),
#undef T
    };

    return toy_run_all(argv, tests, ARRAY_SIZE(tests));
}
