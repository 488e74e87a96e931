/* SPDX-License-Identifier: Apache-2.0
 *
 * Parsing of heads, targets and JSON text (proto/http), on memory. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "proto/http/http-parse.h"
#include "proto/http/http.h"
#include "util.h"

/* Status of parsing 'text', or 0 if it is fine. */
static int
head_status(const char *text)
{
    struct http_fault fault = { 0, NULL };
    struct http_head head;
    bool ok = http_head_parse(&head, text, strlen(text), &fault);

    http_head_uninit(&head);
    assert_true(ok || fault.text);
    return ok ? 0 : fault.status;
}

#define H "Host: h\r\n"
static const struct {
    const char *text;
    int status;
} head_cases[] = {
    { "GET / HTTP/1.1\r\n" H "\r\n", 0 },
    { "GET / HTTP/1.0\r\n\r\n", 0 },
    { "GET http://h/v1 HTTP/1.1\r\n" H "\r\n", 0 },
    { "PATCH /v1?x=%20 HTTP/1.1\r\n" H "X-Y:\tv \r\n\r\n", 0 },
    { "GET / HTTP/1.1\r\n\r\n", 400 },
    { "GET / HTTP/1.1\r\n" H H "\r\n", 400 },
    { "GET  / HTTP/1.1\r\n" H "\r\n", 400 },
    { " GET / HTTP/1.1\r\n" H "\r\n", 400 },
    { "GET /\r\n" H "\r\n", 400 },
    { "GET / HTTP/1.1 x\r\n" H "\r\n", 400 },
    { "GET / FTP/1.1\r\n" H "\r\n", 400 },
    { "GET / HTTP/2.0\r\n" H "\r\n", 505 },
    { "GET / HTTP/1.10\r\n" H "\r\n", 505 },
    { "PRI * HTTP/2.0\r\n\r\n", 505 },
    { "BREW / HTTP/1.1\r\n" H "\r\n", 501 },
    { "get / HTTP/1.1\r\n" H "\r\n", 501 },
    { "G(T / HTTP/1.1\r\n" H "\r\n", 400 },
    { "GET * HTTP/1.1\r\n" H "\r\n", 400 },
    { "GET v1 HTTP/1.1\r\n" H "\r\n", 400 },
    { "GET http://h HTTP/1.1\r\n" H "\r\n", 400 },
    { "GET /a#b HTTP/1.1\r\n" H "\r\n", 400 },
    { "GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n", 400 },
    { "GET /\x01 HTTP/1.1\r\n" H "\r\n", 400 },
    { "GET / HTTP/1.1\r\n" H "Bad\r\n\r\n", 400 },
    { "GET / HTTP/1.1\r\n" H ": v\r\n\r\n", 400 },
    { "GET / HTTP/1.1\r\n" H "A : v\r\n\r\n", 400 },
    { "GET / HTTP/1.1\r\n" H "A: v\r\n w\r\n\r\n", 400 },
    { "GET / HTTP/1.1\r\n" H "A: v\rw\r\n\r\n", 400 },
    { "GET / HTTP/1.1\r\n" H "A: \x07\r\n\r\n", 400 },
    { "PUT / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\n", 0 },
    { "PUT / HTTP/1.1\r\n" H "Content-Length: 5\r\n"
      "Content-Length: 6\r\n\r\n", 400 },
    { "PUT / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\n", 400 },
    { "PUT / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n", 400 },
    { "PUT / HTTP/1.1\r\n" H "Content-Length: +1\r\n\r\n", 400 },
    { "PUT / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\n", 400 },
    { "PUT / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n", 400 },
    { "PUT / HTTP/1.1\r\n" H
      "Content-Length: 99999999999999999999999\r\n\r\n", 400 },
    { "PUT / HTTP/1.1\r\n" H "Content-Length: 8388608\r\n\r\n", 0 },
    { "PUT / HTTP/1.1\r\n" H "Content-Length: 8388609\r\n\r\n", 413 },
    { "PUT / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n", 0 },
    { "PUT / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\n\r\n", 501 },
    { "PUT / HTTP/1.1\r\n" H
      "Transfer-Encoding: gzip, chunked\r\n\r\n", 501 },
    { "PUT / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n"
      "Content-Length: 5\r\n\r\n", 400 },
    { "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
    { "PUT / HTTP/1.1\r\n" H "Expect: 100-continue\r\n\r\n", 0 },
    { "PUT / HTTP/1.1\r\n" H "Expect: tea\r\n\r\n", 417 },
    { "GET / HTTP/1.1\r\n" H "Authorization: a\r\n"
      "Authorization: b\r\n\r\n", 400 },
    { "GET / HTTP/1.1\r\n" H, 400 },
    { "\r\n\r\n", 400 },
    { "\x16\x03\x01\x02\r\n\r\n", 400 },
};

static void
heads_are_refused_with_their_status(void **state OVS_UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(head_cases); i++) {
        if (head_status(head_cases[i].text) != head_cases[i].status) {
            fail_msg("case %"PRIuSIZE": %d instead of %d: %s", i,
                     head_status(head_cases[i].text), head_cases[i].status,
                     head_cases[i].text);
        }
    }
}

static void
head_bounds_are_kept(void **state OVS_UNUSED)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&ds, "GET / HTTP/1.1\r\n" H);
    for (int i = 1; i < HTTP_FIELDS_MAX; i++) {
        ds_put_format(&ds, "X-%d: y\r\n", i);
    }
    ds_put_cstr(&ds, "\r\n");
    assert_int_equal(head_status(ds_cstr(&ds)), 0);
    ds_truncate(&ds, ds.length - 2);
    ds_put_cstr(&ds, "One-more: y\r\n\r\n");
    assert_int_equal(head_status(ds_cstr(&ds)), 431);

    ds_clear(&ds);
    ds_put_cstr(&ds, "GET /");
    ds_put_char_multiple(&ds, 'a', HTTP_TARGET_MAX - 1);
    ds_put_cstr(&ds, " HTTP/1.1\r\n" H "\r\n");
    assert_int_equal(head_status(ds_cstr(&ds)), 0);
    ds_clear(&ds);
    ds_put_cstr(&ds, "GET /");
    ds_put_char_multiple(&ds, 'a', HTTP_TARGET_MAX);
    ds_put_cstr(&ds, " HTTP/1.1\r\n" H "\r\n");
    assert_int_equal(head_status(ds_cstr(&ds)), 414);
    ds_destroy(&ds);
}

static void
head_ends_where_it_ends_however_it_is_split(void **state OVS_UNUSED)
{
    static const char text[] = "GET / HTTP/1.1\r\n" H "\r\nrest";
    struct http_fault fault;

    for (size_t cut = 1; cut < sizeof text; cut++) {
        size_t scanned = 0;
        int early = http_head_size(text, cut, &scanned, &fault);
        int all = early ? early : http_head_size(text, sizeof text - 1,
                                                 &scanned, &fault);

        assert_int_equal(all, (int) sizeof text - 1 - 4);
    }

    size_t scanned = 0;
    assert_int_equal(http_head_size("GET /\nHost: h\n\n", 15, &scanned,
                                    &fault), -1);
    assert_int_equal(fault.status, 400);
}

static void
targets_are_decoded_or_refused(void **state OVS_UNUSED)
{
    static const char *const bad[] = {
        "/?a=%", "/?a=%4", "/?a=%zz", "/?a=%00", "/?a=%0a", "/?a=%ff",
        "/?a=%c0%80", "/?a=%ed%a0%80", "/?=1", "/?a=1&&b=2",
        "/?a=1&", "/?1&2&3&4&5&6&7&8&9&10&11&12&13&14&15&16&17",
    };
    struct http_fault fault;
    struct http_target target;

    assert_true(http_target_parse(&target, "/p/q?a=x%3Dy%2C+z&b&c=", &fault));
    assert_string_equal(target.path, "/p/q");
    assert_int_equal(target.n_query, 3);
    assert_string_equal(target.query[0].name, "a");
    assert_string_equal(target.query[0].value, "x=y, z");
    assert_string_equal(target.query[1].name, "b");
    assert_string_equal(target.query[2].value, "");
    http_target_uninit(&target);

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        if (http_target_parse(&target, bad[i], &fault)) {
            fail_msg("%s was taken", bad[i]);
        }
        assert_int_equal(fault.status, 400);
        http_target_uninit(&target);
    }
}

static void
chunk_sizes_are_hexadecimal_and_bounded(void **state OVS_UNUSED)
{
    uint64_t size;

    assert_true(http_chunk_size("1aF", 3, &size));
    assert_int_equal(size, 0x1af);
    assert_true(http_chunk_size("0", 1, &size));
    assert_true(http_chunk_size("5;x=y", 5, &size));
    assert_false(http_chunk_size("", 0, &size));
    assert_false(http_chunk_size("-1", 2, &size));
    assert_false(http_chunk_size("g", 1, &size));
    assert_false(http_chunk_size("5x", 2, &size));
    assert_false(http_chunk_size("1000000000000", 13, &size));
}

static bool
json_is_taken(const char *text, size_t size)
{
    char *fault;
    json_t *json = http_json_parse(text, size, NULL, &fault);

    assert_true(!json == !!fault);
    free(fault);
    json_decref(json);
    return json != NULL;
}

static void
json_that_is_not_one_clean_value_is_refused(void **state OVS_UNUSED)
{
    static const char *const bad[] = {
        "", " ", "{", "}", "{} x", "{}{}", "[1,]", "{\"a\":1,}",
        "{\"a\":1,\"a\":2}", "{\"a\":{\"b\":1,\"b\":1}}", "{a:1}", "{'a':1}",
        "// x\n{}", "nul", "01", "1.", "+1", "NaN", "\"\\u0000\"",
        "{\"\\u0000\":1}", "\"\xff\"", "\"\xed\xa0\x80\"", "\"\\ud800\"",
        "\"a\nb\"", "123456789012345678901234567890", "1e999", "[1 2]",
        "\xef\xbb\xbf", "\xef\xbb\xbf\xef\xbb\xbf{}", " \xef\xbb\xbf{}",
        "\"unfinished", "\"\\", "[\"\\x\"]",
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        if (json_is_taken(bad[i], strlen(bad[i]))) {
            fail_msg("%s was taken", bad[i]);
        }
    }
    assert_false(json_is_taken("{}\0", 3));
    assert_true(json_is_taken("{\"a\": [1, -2.5, \"\\u00e4\"]} \n", 28));
    assert_true(json_is_taken("\"[[[[{{{\"", 9));
}

/* The pointer is as RFC 6901 has it, and to that number: others may be large,
 * too, which is allowed of real ones. */
static void
numbers_that_are_too_large_are_named(void **state OVS_UNUSED)
{
#define BIG "18446744073709551616"
#define INTEGER "an integer must be from -9223372036854775808 to " \
                "9223372036854775807"
#define REAL "a number must be from -1.7e308 to 1.7e308"
    static const struct {
        const char *json, *fault;
    } cases[] = {
        { BIG, "line 1, column 20: " INTEGER },
        { "-" BIG, "line 1, column 21: " INTEGER },
        { "{\"a/b~c\": {\"\": " BIG "}}",
          "line 1, column 35: /a~1b~0c/: " INTEGER },
        { "{\"a\": [1e300, {\"b\": [0]}, " BIG "]}",
          "line 1, column 46: /a/2: " INTEGER },
        { "{\"\\\"\\u002f,\": \"[{:,\", \"\\\\\": [[], -" BIG,
          "line 1, column 54: /\\/1: " INTEGER },
        { "{\"a\": 1, \"\\u002fx\":\n1e999}",
          "line 2, column 5: /~1x: " REAL },
        { "{" BIG, "line 1, column 21: " INTEGER },
        { "[{\"a\" " BIG, "line 1, column 26: /0/a: " INTEGER },
        { "[] " BIG, "line 1, column 23: " INTEGER },
        { "[1, -1.5e999]", "line 1, column 12: /1: " REAL },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *fault;

        assert_null(http_json_parse(cases[i].json, strlen(cases[i].json),
                                    NULL, &fault));
        assert_string_equal(fault, cases[i].fault);
        free(fault);
    }
}

/* Who has sent a key of megabytes knows it. */
static void
pointers_are_bounded(void **state OVS_UNUSED)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    char *fault;

    ds_put_cstr(&ds, "{\"");
    ds_put_char_multiple(&ds, 'x', 100000);
    ds_put_cstr(&ds, "\": " BIG "}");
    assert_null(http_json_parse(ds_cstr(&ds), ds.length, NULL, &fault));
    assert_string_equal(fault, "line 1, column 100025: " INTEGER);
    free(fault);
    ds_destroy(&ds);
}

static void
json_bounds_are_kept(void **state OVS_UNUSED)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_char_multiple(&ds, '[', HTTP_JSON_DEPTH_MAX);
    ds_put_char_multiple(&ds, ']', HTTP_JSON_DEPTH_MAX);
    assert_true(json_is_taken(ds_cstr(&ds), ds.length));
    ds_clear(&ds);
    ds_put_char_multiple(&ds, '[', HTTP_JSON_DEPTH_MAX + 1);
    ds_put_char_multiple(&ds, ']', HTTP_JSON_DEPTH_MAX + 1);
    assert_false(json_is_taken(ds_cstr(&ds), ds.length));

    /* Many deep starts, as an attacker would send. */
    ds_clear(&ds);
    ds_put_char_multiple(&ds, '[', 1000000);
    assert_false(json_is_taken(ds_cstr(&ds), ds.length));

    ds_clear(&ds);
    ds_put_cstr(&ds, "[0");
    for (int i = 0; i < HTTP_JSON_VALUES_MAX; i++) {
        ds_put_cstr(&ds, ",0");
    }
    ds_put_cstr(&ds, "]");
    assert_false(json_is_taken(ds_cstr(&ds), ds.length));

    ds_clear(&ds);
    ds_put_char(&ds, '"');
    ds_put_char_multiple(&ds, 'x', HTTP_BODY_MAX);
    ds_put_char(&ds, '"');
    assert_false(json_is_taken(ds_cstr(&ds), ds.length));
    ds_destroy(&ds);
}

static void
json_strings_of_any_bytes_are_made_valid(void **state OVS_UNUSED)
{
    json_t *json = http_json_string("a\xff" "b");

    assert_string_equal(json_string_value(json), "a?b");
    json_decref(json);
    json = http_json_string("\xc3\xa4");
    assert_string_equal(json_string_value(json), "\xc3\xa4");
    json_decref(json);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_refused_with_their_status),
        cmocka_unit_test(head_bounds_are_kept),
        cmocka_unit_test(head_ends_where_it_ends_however_it_is_split),
        cmocka_unit_test(targets_are_decoded_or_refused),
        cmocka_unit_test(chunk_sizes_are_hexadecimal_and_bounded),
        cmocka_unit_test(json_that_is_not_one_clean_value_is_refused),
        cmocka_unit_test(numbers_that_are_too_large_are_named),
        cmocka_unit_test(pointers_are_bounded),
        cmocka_unit_test(json_bounds_are_kept),
        cmocka_unit_test(json_strings_of_any_bytes_are_made_valid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
