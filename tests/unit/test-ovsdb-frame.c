/* SPDX-License-Identifier: Apache-2.0
 *
 * Framing of JSON-RPC and the question to a host that dials in. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/ovsdb/ovsdb-private.h"
#include "util.h"

/* Feeds 'text' in pieces of 'step' bytes; returns the number of messages, or
 * -1 if it is bad. */
static int
count_messages(struct json_frame *frame, const char *text, size_t step)
{
    size_t left = strlen(text);
    int n = 0;

    while (left) {
        enum json_frame_result result;
        size_t used = json_frame_feed(frame, text, MIN(step, left), &result);

        if (result == JSON_FRAME_BAD) {
            return -1;
        }
        n += result == JSON_FRAME_END;
        text += used;
        left -= used;
    }
    return n;
}

static void
frame_splits_messages_at_any_chunking(void **state OVS_UNUSED)
{
    static const struct {
        const char *text;
        int n;
    } cases[] = {
        { "", 0 },
        { "{}", 1 },
        { "{}{}", 2 },
        { " {} \n\t{\"a\":[1,2,{}]}\r\n", 2 },
        { "{\"a\":\"}{\"}", 1 },
        { "{\"a\":\"\\\"}{\\\\\"}{", 1 },
        { "{\"a\":[[[\"]\"]]]}", 1 },
        { "{\"\\u00e9\":\"\xc3\xa9\"}", 1 },
        { "[]", -1 },
        { "\"a\"", -1 },
        { "x", -1 },
        { "{}}", -1 },
        { "]", -1 },
        { "{}\"", -1 },
        { "GET / HTTP/1.1\r\n\r\n", -1 },
        { "\x16\x03\x01\x02", -1 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (size_t step = 1; step < 12; step++) {
            struct json_frame frame;

            json_frame_init(&frame, 1000);
            assert_int_equal(count_messages(&frame, cases[i].text, step),
                             cases[i].n);
            assert_int_equal(!frame.error, cases[i].n >= 0);
        }
    }
}

static void
frame_refuses_deep_nesting(void **state OVS_UNUSED)
{
    for (size_t depth = JSON_FRAME_MAX_DEPTH;
         depth <= JSON_FRAME_MAX_DEPTH + 1; depth++) {
        struct json_frame frame;
        char *text = xzalloc(depth + 1);

        memset(text, '[', depth);
        text[0] = '{';
        json_frame_init(&frame, 1000);
        assert_int_equal(json_frame_check(&frame, text, depth),
                         depth <= JSON_FRAME_MAX_DEPTH);
        free(text);
    }
}

/* Values take many times their text in memory. */
static void
frame_refuses_many_values(void **state OVS_UNUSED)
{
    static const struct {
        const char *value;
        size_t cost;
    } cases[] = {
        { "{},", JSON_FRAME_OBJECT_COST },
        { "[],", JSON_FRAME_ARRAY_COST },
        { "1,", JSON_FRAME_VALUE_COST },
        { "\"\\\"\",", 0 },    /* Commas of strings are no values. */
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct json_frame frame;

        json_frame_init(&frame, SIZE_MAX);
        frame.max_cost = 100000;
        for (int message = 0; message < 3; message++) {
            size_t n = 0;

            assert_true(json_frame_check(&frame, "{\"a\":[", 6));
            while (n < 90000 / (cases[i].cost + JSON_FRAME_VALUE_COST + 3)
                   && json_frame_check(&frame, cases[i].value,
                                       strlen(cases[i].value))) {
                n++;
            }
            assert_null(frame.error);
            assert_true(json_frame_check(&frame, "1]}", 3));
            assert_true(json_frame_at_boundary(&frame));
        }
        if (cases[i].cost) {
            assert_true(json_frame_check(&frame, "{\"a\":[", 6));
            for (size_t n = 0; n <= 100000 / cases[i].cost; n++) {
                json_frame_check(&frame, cases[i].value,
                                 strlen(cases[i].value));
            }
            assert_string_equal(frame.error, "a message has too many values");
            assert_true(frame.over);
        }
    }
}

static void
frame_refuses_a_large_message_only(void **state OVS_UNUSED)
{
    struct json_frame frame;

    json_frame_init(&frame, 10);
    for (int i = 0; i < 100; i++) {
        assert_true(json_frame_check(&frame, "{\"a\":\"12\"}", 10));
        assert_true(json_frame_at_boundary(&frame));
    }
    assert_true(json_frame_check(&frame, "{\"a\":\"123\"", 10));
    assert_false(json_frame_at_boundary(&frame));
    assert_false(json_frame_check(&frame, "}", 1));
    assert_string_equal(frame.error, "a message is too large");
    /* It stays bad. */
    assert_false(json_frame_check(&frame, "{}", 2));
}

static void
frame_refuses_endless_white_space(void **state OVS_UNUSED)
{
    struct json_frame frame;

    json_frame_init(&frame, 10);
    assert_true(json_frame_check(&frame, "          ", 10));
    assert_false(json_frame_check(&frame, " ", 1));
}

#define ANSWER(IDS) \
    "{\"id\":\"vmn-id\",\"error\":null,\"result\":[{\"rows\":[" \
    "{\"external_ids\":" IDS "}]}]}"

static void
identify_tells_answers_from_the_rest(void **state OVS_UNUSED)
{
    static const struct {
        const char *message;
        enum ovsdb_id_kind kind;
        const char *text;       /* NULL: any. */
    } cases[] = {
        { ANSWER("[\"map\",[[\"system-id\",\"hv1\"]]]"), OVSDB_ID_ANSWER,
          "hv1" },
        { ANSWER("[\"map\",[[\"a\",\"b\"],[\"system-id\",\"hv2\"]]]"),
          OVSDB_ID_ANSWER, "hv2" },
        { ANSWER("[\"map\",[[\"system-id\",\"\"]]]"), OVSDB_ID_BAD, NULL },
        { ANSWER("[\"map\",[[\"system-id\",7]]]"), OVSDB_ID_BAD, NULL },
        { ANSWER("[\"map\",[[\"system-id\"]]]"), OVSDB_ID_BAD, NULL },
        { ANSWER("[\"map\",[]]"), OVSDB_ID_BAD, NULL },
        { ANSWER("[\"map\"]"), OVSDB_ID_BAD, NULL },
        { ANSWER("[\"set\",[[\"system-id\",\"hv1\"]]]"), OVSDB_ID_BAD, NULL },
        { ANSWER("\"system-id\""), OVSDB_ID_BAD, NULL },
        { ANSWER("[]"), OVSDB_ID_BAD, NULL },
        { "{\"id\":\"vmn-id\",\"error\":null,\"result\":[{\"rows\":[]}]}",
          OVSDB_ID_BAD, NULL },
        { "{\"id\":\"vmn-id\",\"error\":null,\"result\":[]}", OVSDB_ID_BAD,
          NULL },
        { "{\"id\":\"vmn-id\",\"error\":null,\"result\":{}}", OVSDB_ID_BAD,
          NULL },
        { "{\"id\":\"vmn-id\",\"error\":\"no\",\"result\":null}",
          OVSDB_ID_BAD, NULL },
        { "{\"id\":\"other\",\"error\":null,\"result\":[]}", OVSDB_ID_OTHER,
          NULL },
        { "{\"id\":\"echo\",\"method\":\"echo\",\"params\":[1]}",
          OVSDB_ID_ECHO, "{\"error\":null,\"id\":\"echo\",\"result\":[1]}" },
        { "{\"id\":\"x\",\"method\":\"steal\",\"params\":[]}", OVSDB_ID_OTHER,
          NULL },
        { "{\"id\":null,\"method\":\"update\",\"params\":[]}", OVSDB_ID_OTHER,
          NULL },
        { "{}", OVSDB_ID_BAD, NULL },
        { "{\"id\":{}", OVSDB_ID_BAD, NULL },
        { "{\"id\" \"a\"}", OVSDB_ID_BAD, NULL },
        { "{\"more\":1,\"id\":\"vmn-id\",\"error\":null,\"result\":[]}",
          OVSDB_ID_BAD, NULL },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *text;

        assert_int_equal(ovsdb_identify_parse(cases[i].message, &text),
                         cases[i].kind);
        assert_int_equal(!text, cases[i].kind == OVSDB_ID_OTHER);
        if (cases[i].text) {
            assert_string_equal(text, cases[i].text);
        }
        free(text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frame_splits_messages_at_any_chunking),
        cmocka_unit_test(frame_refuses_deep_nesting),
        cmocka_unit_test(frame_refuses_many_values),
        cmocka_unit_test(frame_refuses_a_large_message_only),
        cmocka_unit_test(frame_refuses_endless_white_space),
        cmocka_unit_test(identify_tells_answers_from_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
