/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON that is taken apart in place: what is in it, what is refused, and that
 * nothing else is looked into.  A fuzz target compares it with jansson. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/json-slice.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static const char *const names[] = { "a", "b", "c" };

/* Prints a value, and what it consists of, in brackets. */
static bool
print(struct json_slice *slice, struct ds *ds)
{
    struct json_slice values[ARRAY_SIZE(names)], element;

    switch (slice->type) {
    case JSON_SLICE_NONE:
        ds_put_char(ds, '-');
        return true;
    case JSON_SLICE_TEXT:
        assert_int_equal(strlen(slice->text), slice->length);
        ds_put_format(ds, "'%s'", json_slice_text(slice));
        return true;
    case JSON_SLICE_INTEGER:
        assert_null(json_slice_text(slice));
        ds_put_format(ds, "%lld", (long long) slice->integer);
        return true;
    case JSON_SLICE_OTHER:
        ds_put_char(ds, '*');
        return true;
    case JSON_SLICE_OBJECT:
        if (!json_slice_members(slice, names, values, ARRAY_SIZE(names))) {
            return false;
        }
        ds_put_char(ds, '{');
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
            ds_put_cstr(ds, i ? " " : "");
            if (!print(&values[i], ds)) {
                return false;
            }
        }
        ds_put_char(ds, '}');
        return true;
    case JSON_SLICE_LIST:
        ds_put_char(ds, '[');
        do {
            if (!json_slice_next(slice, &element) || !print(&element, ds)) {
                return false;
            }
        } while (element.type);
        ds_put_char(ds, ']');
        return true;
    }
    return false;
}

/* Returns what print() prints, or "refused"; the caller frees it. */
static char *
read_all(const char *json)
{
    char *copy = xstrdup(json);
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct json_slice slice;

    if (!json_slice_init(&slice, copy, strlen(copy))
        || !print(&slice, &ds)) {
        ds_clear(&ds);
        ds_put_cstr(&ds, "refused");
    }
    free(copy);
    return ds_steal_cstr(&ds);
}

static void
values_are_what_they_are(void **state OVS_UNUSED)
{
    static const struct {
        const char *json, *read;
    } good[] = {
        { " { } ", "{- - -}" }, { "[ ]", "[-]" }, { "[[],{}]",
                                                    "[[-]{- - -}-]" },
        { "{\"b\":1,\"a\":\"x\"}", "{'x' 1 -}" },
        { "{ \"c\" : [ 1 , 2 ] , \"z\" : [ 3, ] , \"a\" : null }",
          "{* - [12-]}" },
        { "[0,-0,7,-7,9223372036854775807,-9223372036854775808]",
          "[007-79223372036854775807-9223372036854775808-]" },
        { "[1.5,1e3,1.25E-3,true,false]", "[*****-]" },
        { "[99999999999999999999.5,99999999999999999999e0,"
          "-9223372036854775809.5]", "[***-]" },
        { "[\"\",\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]",
          "['''\"\\/\b\f\n\r\t'-]" },
        { "[\"\\u0041\\u00e4\\u20ac\\ud83d\\ude00\xc3\xa4\"]",
          "['A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa4'-]" },
        { "{\"\\u0061\":{\"b\":\"]}\\\"\"}}", "{{- ']}\"' -} - -}" },
        { "\"x\"", "'x'" }, { "7", "7" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        char *read = read_all(good[i].json);

        assert_string_equal(read, good[i].read);
        free(read);
    }
}

static void
what_is_no_json_is_refused(void **state OVS_UNUSED)
{
    static const char *const bad[] = {
        "", " ", "{", "[", "}", "[}", "{]", "[[]", "[1,]", "[,1]", "[1 2]",
        "[\"a\" \"b\"]", "[1],", "{}{}", "{\"a\"}", "{\"a\":}", "{a:1}",
        "{\"a\":1,}", "{\"a\":1 \"b\":2}", "{1:2}", "{\"a\":1,\"a\":2}",
        "[\"]", "[\"\\\"]", "\"\\", "[\"\\x\"]", "[\"\\u12\"]",
        "[\"\\u12g4\"]", "[\"\\u0000\"]", "[\"\\ud800\"]",
        "[\"\\ud800\\u0041\"]", "[\"\\udc00\"]", "[\"\n\"]", "[\"\xff\"]",
        "[01]", "[-]", "[+1]", "[1.]", "[.5]", "[1e]", "[1e+]",
        "[9223372036854775808]", "[-9223372036854775809]",
        "[99999999999999999999]", "[tru]", "[nul]", "[truefalse]",
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        char *read = read_all(bad[i]);

        if (strcmp(read, "refused")) {
            fail_msg("%s: %s", bad[i], read);
        }
        free(read);
    }
}

static void
depth_is_bounded(void **state OVS_UNUSED)
{
    for (size_t n = JSON_SLICE_DEPTH; n <= JSON_SLICE_DEPTH + 1; n++) {
        char *text = xzalloc(2 * n + 1);
        struct json_slice slice;

        memset(text, '[', n);
        memset(text + n, ']', n);
        assert_int_equal(json_slice_init(&slice, text, 2 * n),
                         n == JSON_SLICE_DEPTH);
        free(text);
    }
}

static void
text_ends_where_it_is_said(void **state OVS_UNUSED)
{
    char text[] = "[1]\0]";
    struct json_slice slice;

    assert_false(json_slice_init(&slice, text, sizeof text - 1));
    assert_true(json_slice_init(&slice, text, 3));
    assert_int_equal(slice.length, 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_what_they_are),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(text_ends_where_it_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
