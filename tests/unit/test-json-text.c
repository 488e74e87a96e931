/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of the reader of plain JSON, against jansson. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controller/schema/json-text.h"
#include "random.h"
#include "util.h"

static const char *const plain[] = {
    "{}", "[]", " [ ] ", "{\"a\":{}}", "[[],[[]]]", "[\"\"]", "{\"\":\"\"}",
    "[0,-0,1,-1,999999999999999999,-999999999999999999]",
    "[true,false,null]\n",
    "\t{ \"a\" : [ 1 , \"b\" ] ,\r\n\"c\" : { \"d\" : true } } ",
    "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\", \"a\\\"b\"]",
    "[\"\xc3\xa4\", \"a\\n\xe2\x82\xac\", \"\xf0\x9f\x90\x8c\"]",
    "{\"format\":2,\"rows\":[{\"type\":\"ports\",\"name\":\"p-1\",\"spec\":{"
    "\"labels\":{\"example.com/role\":\"web\"},\"enabled\":true},\"status\":{"
    "\"ips\":[\"10.0.0.1\",\"fd00::1\"]},\"revision\":1000042}],\"logs\":[{"
    "\"summary\":\"[{\\\"op\\\":\\\"update\\\"}]\"}]}",
};

/* What is left to jansson, valid or not. */
static const char *const others[] = {
    "", " ", "1", "\"a\"", "null", "[", "{", "]", "[1", "[1,", "[1,]", "[,1]",
    "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}",
    "{\"a\" 1}", "{\"a\":1 \"b\":2}", "[1 2]", "[]]", "[] []", "{}x",
    "[01]", "[-]", "[-01]", "[+1]", "[1.5]", "[1e3]", "[1E3]", "[0x1]",
    "[1000000000000000000]", "[9223372036854775808]", "[123456789012345678.5]",
    "[tru]", "[truex]", "[True]", "[nul", "[\"", "[\"a", "[\"a\\", "[\"\\x\"]",
    "[\"\\u0041\"]", "[\"\\u0000\"]", "[\"\\ud83d\\ude00\"]", "[\"\t\"]",
    "[\"\n\"]", "[\"\xff\"]", "[\"\xc3\"]", "[\"\xc0\x80\"]",
    "[\"\xed\xa0\x80\"]", "{\"\xc3\xa4\":1}", "{\"a\\n\":1}",
    "{\"a\":1,\"a\":2}",
    "{\"\xff\":1}",
};

/* Reads a copy that ends where the text does, so that tools notice who reads
 * on. */
static json_t *
read_copy(json_t *(*read)(const char *, size_t), const char *text, size_t n)
{
    char *copy = xmemdup(text, n ? n : 1);
    json_t *json = read(copy, n);

    free(copy);
    return json;
}

static json_t *
read_any(const char *text, size_t n)
{
    return json_text_read(text, n, JSON_REJECT_DUPLICATES);
}

/* Checks that what is read is what jansson reads. */
static void
compare(const char *text, size_t n)
{
    json_t *json = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    json_t *any = read_copy(read_any, text, n);
    json_t *fast = read_copy(json_text_read_plain, text, n);

    if (json ? !json_equal(any, json) : any != NULL) {
        fail_msg("%.*s is read otherwise than by jansson", (int) n, text);
    }
    if (fast && (!json || !json_equal(fast, json))) {
        fail_msg("%.*s is plain, and otherwise than by jansson", (int) n,
                 text);
    }
    json_decref(json);
    json_decref(any);
    json_decref(fast);
}

static void
plain_text_is_read(void **state OVS_UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
        json_t *json = read_copy(json_text_read_plain, plain[i],
                                 strlen(plain[i]));

        if (!json) {
            fail_msg("%s is not taken for plain", plain[i]);
        }
        json_decref(json);
        compare(plain[i], strlen(plain[i]));
    }
}

static void
other_text_is_left_to_jansson(void **state OVS_UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        json_t *json = read_copy(json_text_read_plain, others[i],
                                 strlen(others[i]));

        if (json) {
            fail_msg("%s is taken for plain", others[i]);
        }
        compare(others[i], strlen(others[i]));
    }
    /* A NUL ends nothing. */
    compare("[]\0", 3);
    compare("[\"a\0b\"]", 7);
    compare("[1\0]", 4);
}

static void
later_names_replace_earlier_ones_if_they_may(void **state OVS_UNUSED)
{
    static const char text[] = "{\"a\":1,\"b\":2,\"a\":3}";
    json_t *json = json_text_read(text, strlen(text), 0);

    assert_int_equal(json_integer_value(json_object_get(json, "a")), 3);
    json_decref(json);
    assert_null(json_text_read(text, strlen(text), JSON_REJECT_DUPLICATES));
}

static bool
nested_is_plain(size_t depth)
{
    char *text = xmalloc(2 * depth);
    json_t *json;

    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    json = json_text_read_plain(text, 2 * depth);
    free(text);
    json_decref(json);
    return json != NULL;
}

static void
names_and_depth_are_bounded(void **state OVS_UNUSED)
{
    char text[600];

    for (int n = 120; n < 135; n++) {
        int length = snprintf(text, sizeof text, "{\"%0*d\":1}", n, 0);

        json_t *json = json_text_read_plain(text, length);

        assert_int_equal(json != NULL, n <= 127);
        json_decref(json);
        compare(text, length);
    }
    for (int n = 25; n < 300; n++) {
        memset(text, '[', n);
        memset(text + n, ']', n);
        compare(text, 2 * n);
    }
    assert_true(nested_is_plain(32));
    assert_false(nested_is_plain(33));
    /* Which no stack would have room for. */
    assert_false(nested_is_plain(10000000));
}

/* All that begins like something plain, and what differs in some bytes. */
static void
mutations_are_read_as_by_jansson(void **state OVS_UNUSED)
{
    static const char bytes[]
        = "{}[]\",:\\u0123456789-+.eEtrufalsn \n\xc3\xa4";

    random_set_seed(1);
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
        size_t n = strlen(plain[i]);

        for (size_t j = 0; j < n; j++) {
            compare(plain[i], j);
        }
        for (int j = 0; j < 2000; j++) {
            char *text = xstrdup(plain[i]);

            for (int k = random_range(3); k >= 0; k--) {
                text[random_range(n)] = bytes[random_range(sizeof bytes)];
            }
            compare(text, n);
            free(text);
        }
    }
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_is_read),
        cmocka_unit_test(other_text_is_left_to_jansson),
        cmocka_unit_test(later_names_replace_earlier_ones_if_they_may),
        cmocka_unit_test(names_and_depth_are_bounded),
        cmocka_unit_test(mutations_are_read_as_by_jansson),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
