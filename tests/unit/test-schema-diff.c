/* SPDX-License-Identifier: Apache-2.0
 *
 * controller/schema: the difference of two versions of an object, field by
 * field. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "controller/schema/arena.h"
#include "controller/schema/schema-diff.h"
#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/schema-fixture.h"
#include "util.h"

static const struct vmn_row *
parse(const char *type, const char *text, struct arena *arena)
{
    json_t *spec = load_row(text);
    struct vmn_errors errors;
    struct vmn_row *row;

    vmn_errors_init(&errors);
    row = schema_row_parse(schema_find_table(type), "x", spec, "", arena,
                           &errors);
    if (!row) {
        fail_msg("%s: %s", errors.errors[0].pointer, errors.errors[0].text);
    }
    vmn_errors_uninit(&errors);
    json_decref(spec);
    return row;
}

/* "PATH BEFORE AFTER", with '-' for what is absent, a line for each field. */
static char *
diff_text(const struct schema_diff *diff)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < diff->n; i++) {
        const struct schema_diff_field *f = &diff->fields[i];

        ds_put_format(&ds, "%s%s", i ? "\n" : "", f->path);
        if (f->left_out) {
            ds_put_format(&ds, " %s", f->left_out);
        } else if (f->added) {
            ds_put_format(&ds, " +%s -%s", f->added, f->removed);
        } else {
            ds_put_format(&ds, " %s %s", f->before ? f->before : "-",
                          f->after ? f->after : "-");
        }
    }
    if (diff->n_more) {
        ds_put_format(&ds, "\n%d more", (int) diff->n_more);
    }
    return ds_steal_cstr(&ds);
}

static void
assert_diff_max(const char *type, const char *before, const char *after,
                size_t max, const char *expected)
{
    struct schema_version was = { NULL, NULL }, is = { NULL, NULL };
    struct schema_diff diff;
    struct arena arena;
    char *text;

    arena_init(&arena);
    was.row = parse(type, before, &arena);
    is.row = parse(type, after, &arena);
    schema_version_diff(&was, &is, max, &arena, &diff);
    text = diff_text(&diff);
    assert_string_equal(text, expected);
    free(text);
    arena_uninit(&arena);
}

static void
assert_diff(const char *type, const char *before, const char *after,
            const char *expected)
{
    assert_diff_max(type, before, after, SCHEMA_DIFF_MAX, expected);
}

static void
fields_that_differ_are_told(void **state OVS_UNUSED)
{
    assert_diff("policies", "{'applies_to':['g'],'mode':'enforce'}",
                "{'applies_to':['g'],'mode':'shadow'}",
                "/spec/mode \"enforce\" \"shadow\"");
    assert_diff("ports", "{'network':'n','ips':['10.0.0.4']}",
                "{'network':'n','ips':['10.1.0.7']}",
                "/spec/ips [\"10.0.0.4\"] [\"10.1.0.7\"]");
    assert_diff("ports", "{'network':'n'}", "{'network':'n'}", "");
    assert_diff("networks", "{}", "{'mtu':1400}", "/spec/mtu - 1400");
    assert_diff("networks", "{'mtu':1400}", "{}", "/spec/mtu 1400 -");
}

static void
labels_are_told_one_by_one(void **state OVS_UNUSED)
{
    assert_diff("ports", "{'network':'n','labels':{'a':'1','b/c':'2'}}",
                "{'network':'n','labels':{'b/c':'3','d':'4'}}",
                "/spec/labels/a \"1\" -\n"
                "/spec/labels/b~1c \"2\" \"3\"\n"
                "/spec/labels/d - \"4\"");
}

#define RULE_TO(GROUP)                                                  \
    "{'direction':'ingress','action':'allow','peers':[{'group':'" GROUP "'}]}"

static void
list_is_told_by_its_elements(void **state OVS_UNUSED)
{
    /* What is put in front does not make all behind it differ. */
    assert_diff("policies", POLICY(RULE_TO("a") "," RULE_TO("b")),
                POLICY(RULE_TO("c") "," RULE_TO("a") "," RULE_TO("b")),
                "/spec/rules/0 - {\"direction\":\"ingress\",\"action\":"
                "\"allow\",\"peers\":[{\"group\":\"c\"}],\"log\":false}");
    assert_diff("policies", POLICY(RULE_TO("a") "," RULE_TO("b")),
                POLICY(RULE_TO("a") "," RULE_TO("c")),
                "/spec/rules/1/peers/0/group \"b\" \"c\"");
    /* Elements with a key are known by it. */
    assert_diff("networks",
                "{'subnets':[{'cidr':'10.0.0.0/24'},{'cidr':'10.1.0.0/24'}]}",
                "{'subnets':[{'cidr':'10.1.0.0/24','gateway':'10.1.0.9'}]}",
                "/spec/subnets/0 {\"cidr\":\"10.0.0.0/24\"} -\n"
                "/spec/subnets/0/gateway - \"10.1.0.9\"");
}

static void
long_set_is_told_by_what_comes_and_goes(void **state OVS_UNUSED)
{
    assert_diff("groups", "{'ports':['a','b','c','d','e','f']}",
                "{'ports':['a','b','c','d','e','g']}",
                "/spec/ports +[\"g\"] -[\"f\"]");
}

static void
secrets_are_not_told(void **state OVS_UNUSED)
{
#define SHA "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde"
    assert_diff("tokens", "{'account':'a','sha256':'" SHA "8'}",
                "{'account':'b','sha256':'" SHA "9'}",
                "/spec/account \"a\" \"b\"\n/spec/sha256 secret");
}

static void
what_is_left_out_is_counted(void **state OVS_UNUSED)
{
    static const char before[] = "{'network':'n','labels':{'a':'1','b':'1',"
                                 "'c':'1'}}";

    assert_diff_max("ports", before, "{'network':'n'}", 2,
                    "/spec/labels/a \"1\" -\n/spec/labels/b \"1\" -\n1 more");
    assert_diff_max("ports", before, "{'network':'n'}", 0, "\n3 more");
}

static void
value_that_is_too_long_is_left_out(void **state OVS_UNUSED)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&ds, "{'ports':[");
    for (int i = 0; i < 200; i++) {
        ds_put_format(&ds, "%s'port-%d'", i ? "," : "", i);
    }
    ds_put_cstr(&ds, "]}");
    assert_diff("groups", "{'ports':['a']}", ds_cstr(&ds),
                "/spec/ports size");
    ds_destroy(&ds);
}

static void
set_is_told(void **state OVS_UNUSED)
{
    struct schema_version was = { NULL, NULL }, is = { NULL, "demo" };
    struct schema_diff diff;
    struct arena arena;
    char *text;

    arena_init(&arena);
    was.row = is.row = parse("networks", "{}", &arena);
    schema_version_diff(&was, &is, SCHEMA_DIFF_MAX, &arena, &diff);
    text = diff_text(&diff);
    assert_string_equal(text, "/metadata/set - \"demo\"");
    free(text);
    arena_uninit(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_that_differ_are_told),
        cmocka_unit_test(labels_are_told_one_by_one),
        cmocka_unit_test(list_is_told_by_its_elements),
        cmocka_unit_test(long_set_is_told_by_what_comes_and_goes),
        cmocka_unit_test(secrets_are_not_told),
        cmocka_unit_test(what_is_left_out_is_counted),
        cmocka_unit_test(value_that_is_too_long_is_left_out),
        cmocka_unit_test(set_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
