/* SPDX-License-Identifier: Apache-2.0
 *
 * Descriptions of types that apps declare, without a model: what they are
 * called, what they refer to, that what is printed is parsed, and the faults
 * that checks find.  Not for objects that change (test-own-types.c). */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controller/schema/arena.h"
#include "controller/schema/own-check.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* A client that has heard of the one alone. */
static void
a_type_that_nobody_has_heard_of_has_a_name(void **state OVS_UNUSED)
{
    struct vmn_errors errors;
    const struct schema_table *table;
    json_t *spec = json_pack(
        "{s:s, s:s, s:s, s:[{s:s, s:s, s:s, s:s}]}", "app", "lone",
        "singular", "lone", "doc", "d", "fields", "name", "f", "type", "ref",
        "ref", "lone-other", "doc", "d");
    char *text;

    vmn_errors_init(&errors);
    table = schema_own_parse("lone", spec, &errors);
    assert_non_null(table);
    text = schema_type_text(schema_find_field(&table->row, "f"));
    assert_string_equal(text, "name of a lone-other");
    free(text);
    json_decref(spec);
    vmn_errors_uninit(&errors);
}

static bool
count_ref(void *n_, const char *type OVS_UNUSED,
          const char *pointer OVS_UNUSED)
{
    size_t *n = n_;

    (*n)++;
    return true;
}

/* An app that is called as one of VMN's types may refer to that. */
static void
types_of_vmn_come_before_those_of_apps(void **state OVS_UNUSED)
{
    static const struct vmn_type_field fields[] = {
        { .name = "a", .type = VMN_FIELD_REF, .ref = "ports", .doc = "d" },
        { .name = "b", .type = VMN_FIELD_REF, .ref = "ports-x", .doc = "d" },
    };
    const struct vmn_type_row row = {
        .row.name = "ports-x", .app = "ports", .singular = "x", .doc = "d",
        .n_fields = ARRAY_SIZE(fields), .fields = fields };
    size_t n = 0;

    assert_false(schema_own_is_ref("ports", "ports"));
    assert_true(schema_own_is_ref("ports-x", "ports"));
    assert_true(schema_own_each_ref(&row, count_ref, &n));
    assert_int_equal(n, 1);
}

/* What is shown of an object can be written again: an object that says nothing
 * is stored, and read at the next start. */
static void
what_is_printed_is_parsed(void **state OVS_UNUSED)
{
    static const char *const names[] = {
        "bool", "int", "text", "enum", "mac", "ip", "prefix", "port_range",
    };
    const struct schema_table *types_table = schema_tables[VMN_TABLE_TYPE];

    for (int seed = 0; seed < 300; seed++) {
        struct ds spec = DS_EMPTY_INITIALIZER;
        struct vmn_errors errors;
        struct arena arena;

        arena_init(&arena);
        vmn_errors_init(&errors);
        ds_put_cstr(&spec, "{\"app\":\"x\",\"singular\":\"y\",\"doc\":\"d\","
                    "\"fields\":[");
        for (int i = 0; i < 1 + seed % 7; i++) {
            const char *name = names[(seed * 5 + i * 3 + seed / 8) % 8];

            ds_put_format(&spec, "%s{\"name\":\"f%d\",\"type\":\"%s\","
                          "\"doc\":\"d\"", i ? "," : "", i, name);
            if (!strcmp(name, "enum")) {
                ds_put_format(&spec, ",\"values\":[\"a\",\"b\"],"
                              "\"default\":%d", seed % 2);
            } else if (!strcmp(name, "int") && seed % 3) {
                ds_put_cstr(&spec, ",\"min\":2,\"max\":9,\"default\":5");
            } else if (!strcmp(name, "text") && seed % 3) {
                ds_put_cstr(&spec, ",\"min\":2,\"max\":3");
                ds_put_cstr(&spec, seed % 2 ? "" : ",\"default_text\":"
                            "\"abc\"");
            }
            ds_put_cstr(&spec, seed % 5 == 4 && strcmp(name, "text")
                        ? ",\"list\":true}" : "}");
        }
        ds_put_cstr(&spec, "]}");

        json_t *json = json_loads(ds_cstr(&spec), 0, NULL);
        const struct vmn_row *type = schema_row_parse(
            types_table, "x", json, "", &arena, &errors);
        const struct schema_table *table
            = type ? schema_own_table((const void *) type, "", &errors) : NULL;
        json_t *none = json_object();
        if (!table) {
            fail_msg("%s: %s %s", ds_cstr(&spec), errors.errors[0].pointer,
                     errors.errors[0].text);
        }
        const struct vmn_row *row = schema_row_parse(table, "o", none, "",
                                                     &arena, &errors);
        assert_non_null(row);
        json_t *shown = schema_row_spec(row);
        const struct vmn_row *again = schema_row_parse(table, "o", shown, "",
                                                       &arena, &errors);
        if (!again) {
            fail_msg("%s: %s %s", ds_cstr(&spec), errors.errors[0].pointer,
                     errors.errors[0].text);
        }
        assert_true(schema_row_same(row, again));
        json_decref(shown);
        json_decref(none);
        json_decref(json);
        ds_destroy(&spec);
        vmn_errors_uninit(&errors);
        arena_uninit(&arena);
    }
}

/* Checks.  ---------------------------------------------------------------- */

static void
faults_are_bounded(void **state OVS_UNUSED)
{
    struct vmn_errors errors;
    struct vmn_check check = { &errors, 0 };
    char long_text[2000];

    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    vmn_errors_init(&errors);
    vmn_check_fail(&check, "/a", "%s", long_text);
    assert_int_equal(strlen(errors.errors[0].text), OWN_CHECK_TEXT_MAX);
    vmn_check_fail(&check, NULL, "no \xff text");
    assert_string_equal(errors.errors[1].pointer, "");
    assert_string_equal(errors.errors[1].text,
                        "is wrong, as the app says in no UTF-8");
    /* Cut off behind a character. */
    memset(long_text, 'x', sizeof long_text - 1);
    memcpy(long_text + OWN_CHECK_TEXT_MAX - 1, "\xc3\xa9", 2);
    vmn_check_fail(&check, "", "%s", long_text);
    assert_int_equal(strlen(errors.errors[2].text), OWN_CHECK_TEXT_MAX - 1);
    for (int i = 0; i < 2 * OWN_CHECK_FAULTS_MAX; i++) {
        vmn_check_fail(&check, "", "again");
    }
    assert_int_equal(errors.n, OWN_CHECK_FAULTS_MAX);
    vmn_errors_uninit(&errors);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_type_that_nobody_has_heard_of_has_a_name),
        cmocka_unit_test(types_of_vmn_come_before_those_of_apps),
        cmocka_unit_test(what_is_printed_is_parsed),
        cmocka_unit_test(faults_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
