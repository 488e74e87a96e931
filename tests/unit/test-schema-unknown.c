/* SPDX-License-Identifier: Apache-2.0
 *
 * controller/schema: fields that the description does not have are taken out
 * of a specification, and put back into one that has changed since. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "controller/schema/schema-unknown.h"
#include "tests/unit/schema-fixture.h"
#include "util.h"

static const struct unknown_case {
    const char *table;
    const char *newer;          /* What a newer version wrote. */
    const char *known;          /* What is left of it. */
    const char *changed;        /* What becomes of that here, */
    const char *merged;         /* and what both make. */
} cases[] = {
    { "tiers", "{'position':3}", "{'position':3}", "{}", "{}" },
    { "tiers", "{'position':3,'later':{'a':[1,null]}}", "{'position':3}",
      "{'position':4}", "{'position':4,'later':{'a':[1,null]}}" },
    { "networks", "{'provider':{'physical':'p','later':1}}",
      "{'provider':{'physical':'p'}}", "{'provider':{'physical':'q'}}",
      "{'provider':{'physical':'q','later':1}}" },
    /* It goes with what it is in, */
    { "networks", "{'provider':{'physical':'p','later':1}}",
      "{'provider':{'physical':'p'}}", "{}", "{}" },
    /* unless there is nothing else in that. */
    { "networks", "{'provider':{'later':1}}", "{}", "{'mtu':1}",
      "{'mtu':1,'provider':{'later':1}}" },
    { "networks", "{'provider':{'later':1}}", "{}",
      "{'provider':{'physical':'p'}}",
      "{'provider':{'physical':'p','later':1}}" },
    { "networks", "{'subnets':[{'dhcp_options':{'later':1}}]}",
      "{'subnets':[{}]}", "{'subnets':[{}]}",
      "{'subnets':[{'dhcp_options':{'later':1}}]}" },
    /* Elements of lists are recognised, wherever they are. */
    { "policies", "{'rules':[{'action':'allow','later':1},"
      "{'action':'drop'}]}",
      "{'rules':[{'action':'allow'},{'action':'drop'}]}",
      "{'rules':[{'action':'reject'},{'action':'drop'},"
      "{'action':'allow'}]}",
      "{'rules':[{'action':'reject'},{'action':'drop'},"
      "{'action':'allow','later':1}]}" },
    { "policies", "{'rules':[{'action':'allow','later':1}]}",
      "{'rules':[{'action':'allow'}]}", "{'rules':[{'action':'drop'}]}",
      "{'rules':[{'action':'drop'}]}" },
    { "policies", "{'rules':[{'action':'allow','later':1}]}",
      "{'rules':[{'action':'allow'}]}", "{}", "{}" },
    { "policies", "{'rules':[{'peers':[{'group':'a','later':1},"
      "{'group':'b','later':2}]}]}",
      "{'rules':[{'peers':[{'group':'a'},{'group':'b'}]}]}",
      "{'rules':[{'peers':[{'group':'a'},{'group':'b'}]}]}",
      "{'rules':[{'peers':[{'group':'a','later':1},"
      "{'group':'b','later':2}]}]}" },
    /* Those that were one without what is unknown are two again. */
    { "policies", "{'rules':[{'action':'allow','later':1},"
      "{'action':'allow','later':2},{'action':'allow'}]}",
      "{'rules':[{'action':'allow'},{'action':'allow'},"
      "{'action':'allow'}]}", "{'rules':[{'action':'allow'}]}",
      "{'rules':[{'action':'allow','later':1},"
      "{'action':'allow','later':2},{'action':'allow'}]}" },
    /* What is not even of the type that it should be of. */
    { "policies", "{'rules':{'later':1}}", "{'rules':{'later':1}}", "{}",
      "{}" },
    { "policies", "{'rules':[5]}", "{'rules':[5]}", "{}", "{}" },
    { "networks", "{'provider':[{'later':1}]}", "{'provider':[{'later':1}]}",
      "{}", "{}" },
    { "networks", "{'provider':{'physical':'p','later':1}}",
      "{'provider':{'physical':'p'}}", "{'provider':'p'}",
      "{'provider':'p'}" },
};

static void
check_json(json_t *json, const char *expected)
{
    json_t *other = load_row(expected);

    if (!json_equal(json, other)) {
        fail_msg("%s, not %s", json_dumps(json, 0), expected);
    }
    json_decref(other);
}

static void
what_is_taken_is_put_back(void **state OVS_UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct schema_struct *s = &schema_find_table(
            cases[i].table)->row;
        json_t *newer = load_row(cases[i].newer);
        json_t *changed = load_row(cases[i].changed);
        json_t *unknown = schema_unknown_take(s, newer);

        check_json(newer, cases[i].known);
        schema_unknown_put(newer, unknown);
        check_json(newer, cases[i].newer);
        schema_unknown_put(changed, unknown);
        check_json(changed, cases[i].merged);
        json_decref(unknown);
        json_decref(newer);
        json_decref(changed);
    }
}

static void
size_is_of_all_that_is_unknown(void **state OVS_UNUSED)
{
    const struct schema_struct *s = &schema_find_table("policies")->row;
    json_t *spec = load_row("{'a':1,'rules':[{'b':1,'action':'allow'},"
                            "{'peers':[{'c':1}]}]}");
    json_t *unknown = schema_unknown_take(s, spec);

    assert_int_equal(schema_unknown_size(unknown),
                     3 * sizeof "{\"a\":1}" - 3);
    assert_int_equal(schema_unknown_size(NULL), 0);
    json_decref(unknown);
    json_decref(spec);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken_is_put_back),
        cmocka_unit_test(size_is_of_all_that_is_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
