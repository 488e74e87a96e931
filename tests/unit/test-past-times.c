/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of engine/past-times.c: units and queries that ask whether a time
 * has passed.  That time passes at all is tested in a lab
 * (tests/system/test_tutorial_own_type.py). */

#include <config.h>

#include "tests/unit/toy-fixture.h"

#include <stdlib.h>

#include "controller/engine/engine.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* App "times": a network whose label "from" is a time in the past has a flow,
 * and so has one whose label "asks" is another network for which that is
 * so. */

static int n_compiled, n_evaluated;
static int64_t the_time;

static int64_t
get_time(void)
{
    return the_time;
}

static const char *
label_of(struct vmn_view *view, const char *network, const char *key)
{
    const struct vmn_network *row = vmn_read_network(view, network);

    return row ? vmn_labels_get(vmn_labels_of(view, &row->row), key) : NULL;
}

static bool
is_on(struct vmn_view *view, const char *network)
{
    const char *from = label_of(view, network, "from");

    return from && vmn_is_past(view, strtoll(from, NULL, 10));
}

static void
eval_on(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    n_evaluated++;
    if (is_on(view, key)) {
        vmn_value_set(value, "", 0);
    }
}

static void
compile_network(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const char *asks = label_of(view, key, "asks");
    size_t size;

    n_compiled++;
    if (asks ? vmn_query(view, "times.on", asks, &size) != NULL
        : is_on(view, key)) {
        struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(), STAGE, 0,
                                             20);

        vmn_match(flow, VMN_F_REG0, vmn_read_network(view, key)->vni);
        vmn_act_drop(vmn_flow_actions(flow), "test");
    }
}

static const struct vmn_app_class times_app = {
    VMN_APP_HEAD, .name = "times",
    .stages = toy_stages,
    .units = (const struct vmn_unit_class[]) {
        { .name = "network", .each = VMN_EACH_ROW,
          .row_type = VMN_ROW_NETWORK, .compile = compile_network },
        { .name = NULL },
    },
    .queries = (const struct vmn_query_class[]) {
        { .name = "on", .eval = eval_on }, { .name = NULL },
    },
};

static int
setup(void **state)
{
    the_time = 100;
    toy_init(&toy, &times_app, NULL);
    engine_set_clock(toy.engine, get_time);
    toy_edit(&toy, VMN_TABLE_HOST, "h1", toy_host(1));
    toy_settle(&toy);
    n_compiled = n_evaluated = 0;
    return 0;
}

static void
put_network(const char *name, int vni, const char *key, const char *value)
{
    toy_edit(&toy, VMN_TABLE_NETWORK, name, json_pack(
        "{s:i, s:{s:s}}", "vni", vni, "labels", key, value));
}

static void
assert_verified(void)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    assert_int_equal(engine_verify(toy.engine, &ds), 0);
    ds_destroy(&ds);
}

/* Has it be 'now'; whether a time that somebody asks for has come then. */
static void
pass(int64_t now, bool any)
{
    the_time = now;
    assert_int_equal(engine_take_past_times(toy.engine), any);
}

static void
a_unit_is_computed_when_its_time_comes(void **state)
{
    put_network("a", 1, "from", "200");
    toy_expect(&toy, 0, 0);
    assert_int_equal(engine_next_time(toy.engine), 200);
    pass(199, false);
    toy_expect(&toy, 0, 0);
    assert_int_equal(n_compiled, 1);
    pass(200, true);
    toy_expect(&toy, 1, 0);
    assert_int_equal(n_compiled, 2);
    assert_int_equal(engine_next_time(toy.engine), INT64_MAX);
    pass(201, false);
    toy_expect(&toy, 0, 0);
    assert_int_equal(n_compiled, 2);
    assert_verified();
}

static void
the_earliest_is_next_and_those_of_one_second_come_together(void **state)
{
    put_network("a", 1, "from", "300");
    put_network("b", 2, "from", "200");
    put_network("c", 3, "from", "200");
    put_network("d", 4, "from", "400");
    toy_expect(&toy, 0, 0);
    assert_int_equal(engine_next_time(toy.engine), 200);
    pass(250, true);
    toy_expect(&toy, 2, 0);
    assert_int_equal(engine_next_time(toy.engine), 300);
    pass(500, true);
    toy_expect(&toy, 2, 0);
    assert_verified();
}

static void
a_time_that_nobody_asks_for_any_more_is_forgotten(void **state)
{
    put_network("a", 1, "from", "200");
    put_network("b", 2, "from", "300");
    toy_settle(&toy);
    put_network("a", 1, "from", "50");
    toy_expect(&toy, 1, 0);
    assert_int_equal(engine_next_time(toy.engine), 300);
    toy_edit(&toy, VMN_TABLE_NETWORK, "b", NULL);
    toy_expect(&toy, 0, 0);
    assert_int_equal(engine_next_time(toy.engine), INT64_MAX);
    assert_verified();
}

static void
who_reads_a_query_is_computed_when_that_has_changed(void **state)
{
    put_network("a", 1, "from", "200");
    put_network("b", 2, "asks", "a");
    toy_settle(&toy);
    assert_int_equal(n_evaluated, 1);
    n_compiled = 0;
    pass(200, true);
    toy_expect(&toy, 2, 0);
    assert_int_equal(n_evaluated, 2);
    assert_int_equal(n_compiled, 2);
    assert_verified();
}

/* A unit that would be computed again and again by it would be so for ever. */
static void
the_clock_of_the_engine_never_goes_back(void **state)
{
    put_network("a", 1, "from", "200");
    toy_settle(&toy);
    pass(200, true);
    toy_expect(&toy, 1, 0);
    pass(150, false);
    toy_expect(&toy, 0, 0);
    put_network("b", 2, "from", "180");
    toy_expect(&toy, 1, 0);
    assert_int_equal(engine_next_time(toy.engine), INT64_MAX);
    assert_verified();
}

static void
what_is_later_than_dates_can_say_never_comes(void **state)
{
    put_network("a", 1, "from", "253402300799");
    put_network("b", 2, "from", "253402300800");
    put_network("c", 3, "from", "9223372036854775807");
    put_network("d", 4, "from", "1");
    toy_expect(&toy, 1, 0);
    assert_int_equal(engine_next_time(toy.engine), INT64_C(253402300799));
    pass(INT64_C(253402300799), true);
    toy_expect(&toy, 1, 0);
    assert_int_equal(engine_next_time(toy.engine), INT64_MAX);
    assert_verified();
}

/* A plan, say, whose rows ask for a time that the durable ones do not. */
static void
a_dry_run_leaves_no_time_behind(void **state)
{
    struct engine_delta *delta;

    put_network("a", 1, "from", "300");
    toy_settle(&toy);
    engine_begin_dry_run(toy.engine);
    put_network("b", 2, "from", "200");
    delta = engine_run(toy.engine);
    assert_int_equal(delta->n_changes, 0);
    assert_int_equal(engine_next_time(toy.engine), 200);
    model_undo(toy.model);
    engine_delta_destroy(engine_roll_back(toy.engine, delta));
    engine_delta_destroy(delta);
    engine_end_dry_run(toy.engine);
    assert_int_equal(engine_next_time(toy.engine), 300);
    pass(300, true);
    toy_expect(&toy, 1, 0);
    assert_verified();
}

static void
texts_of_times(void **state)
{
    static const char *const bad[] = {
        "", "2027-01-31", "2027-01-31T12:00:00", "2027-02-30T12:00:00Z",
        "2027-01-31T12:00:00+01:00", "2027-01-31t12:00:00z",
        " 2027-01-31T12:00:00Z", "2027-01-31T12:00:00Z ",
        "2027-01-31T25:00:00Z", "20270-01-31T12:00:00Z",
    };
    int64_t seconds = -7;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_false(vmn_time_from_text(bad[i], &seconds));
        assert_int_equal(seconds, -7);
    }
    assert_true(vmn_time_from_text("1970-01-01T00:00:00Z", &seconds));
    assert_int_equal(seconds, 0);
    assert_true(vmn_time_from_text("2027-01-31T12:00:00Z", &seconds));
    assert_int_equal(seconds, 1801396800);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, toy_teardown)
        T(a_unit_is_computed_when_its_time_comes),
        T(the_earliest_is_next_and_those_of_one_second_come_together),
        T(a_time_that_nobody_asks_for_any_more_is_forgotten),
        T(who_reads_a_query_is_computed_when_that_has_changed),
        T(the_clock_of_the_engine_never_goes_back),
        T(what_is_later_than_dates_can_say_never_comes),
        T(a_dry_run_leaves_no_time_behind),
        cmocka_unit_test(texts_of_times),
#undef T
    };

    return toy_run_all(argv, tests, ARRAY_SIZE(tests));
}
