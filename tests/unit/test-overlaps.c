/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of the search for flows that overlap, where there are many.  What
 * is told of a few is in test-plan.c and tests/property. */

#include <config.h>

#include "tests/unit/toy-fixture.h"

#include <string.h>

#include "util.h"

/* Port "NAME-N" has N flows, which look at another register for each first
 * letter, and let pass what they match. */
static void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    int n = atoi(strchr(key, '-') + 1);

    for (int i = 0; i < n; i++) {
        struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(), STAGE, 0,
                                             10);

        vmn_match(flow, VMN_F_REG0 + *key - 'a', i);
        vmn_act_set(vmn_flow_actions(flow), VMN_F_REG10, *key);
        vmn_act_goto(vmn_flow_actions(flow), STAGE, 1);
    }
}

static const struct vmn_app_class app = {
    VMN_APP_HEAD, .name = "app",
    .stages = toy_stages,
    .units = (const struct vmn_unit_class[]) {
        { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
          .compile = compile_port },
        { .name = NULL },
    },
};

static int
setup(void **state)
{
    toy_setup(&app);
    return 0;
}

static void
put_port(const char *name)
{
    toy_edit(&toy, VMN_TABLE_PORT, name, toy_port("net", "x"));
    toy_settle(&toy);
}

static size_t
count(const char *kind)
{
    const struct engine_problems *problems = engine_problems(toy.engine);
    size_t n = 0;

    for (size_t i = 0; i < problems->n; i++) {
        n += !strcmp(problems->problems[i].kind, kind);
    }
    return n;
}

static void
all_pairs_of_some_are_found(void **state)
{
    put_port("a-3");
    put_port("b-4");
    assert_int_equal(count("overlap"), 12);
    assert_int_equal(count("unchecked"), 0);
}

/* Who asks often is told of overlaps once somebody has searched. */
static void
what_is_known_without_a_search(void **state)
{
    struct engine_problems *known;

    put_port("a-3");
    put_port("b-4");
    known = engine_known_problems(toy.engine);
    assert_int_equal(known->n, 0);
    engine_problems_destroy(known);
    assert_int_equal(count("overlap"), 12);
    put_port("c-0");
    known = engine_known_problems(toy.engine);
    assert_int_equal(known->n, 12);
    assert_string_equal(known->problems[0].kind, "overlap");
    assert_int_equal(known->problems[0].n_units, 2);
    engine_problems_destroy(known);
}

/* What was not looked at is not passed over in silence. */
static void
a_search_that_is_cut_short_says_so(void **state)
{
    put_port("a-1000");
    put_port("b-1000");
    assert_true(count("overlap") > 0);
    assert_int_equal(count("unchecked"), 0);
    put_port("c-1");
    assert_int_equal(count("unchecked"), 1);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) \
        cmocka_unit_test_setup_teardown(NAME, setup, toy_teardown)
        T(all_pairs_of_some_are_found),
        T(what_is_known_without_a_search),
        T(a_search_that_is_cut_short_says_so),
#undef T
    };

    return toy_run_all(argv, tests, ARRAY_SIZE(tests));
}
