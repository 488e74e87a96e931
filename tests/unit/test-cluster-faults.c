/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of the text by which members tell each other of faults of hosts. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster-faults.h"
#include "openvswitch/dynamic-string.h"
#include "random.h"
#include "util.h"

static void
put_cb(void *ds, const struct cluster_fault *fault)
{
    ds_put_format(ds, "%s %"PRIu64" %"PRIu64" %s\n", fault->host,
                  fault->acked, fault->revision, fault->reason);
}

static void
assert_parsed(const char *text, const char *expected)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    cluster_faults_parse(text, put_cb, &ds);
    assert_string_equal(ds_cstr(&ds), expected);
    ds_destroy(&ds);
}

static void
faults_are_printed_and_parsed(void **state OVS_UNUSED)
{
    const struct cluster_fault faults[] = {
        { .host = "h1", .acked = 17, .revision = 16,
          .reason = "say \"no\"\nto \xc3\xa4" },
        { .host = "h2", .acked = INT64_MAX, .reason = "" },
    };
    char *text = cluster_faults_print(faults, 1);

    assert_string_equal(
        text, "{\"h1\":[17,16,\"say \\\"no\\\"\\nto \xc3\xa4\"]}");
    assert_parsed(text, "h1 17 16 say \"no\"\nto \xc3\xa4\n");
    free(text);
    text = cluster_faults_print(&faults[1], 1);
    assert_parsed(text, "h2 9223372036854775807 0 \n");
    free(text);
    text = cluster_faults_print(NULL, 0);
    assert_string_equal(text, "");
    assert_parsed(text, "");
    free(text);
}

/* At a whole character. */
static void
long_reason_is_cut(void **state OVS_UNUSED)
{
    char reason[1000], expected[300] = "h 1 2 ";
    const struct cluster_fault fault = {
        .host = "h", .acked = 1, .revision = 2, .reason = reason,
    };
    char *text;

    memset(reason, 'x', sizeof reason);
    reason[239] = '\xc3';
    reason[240] = '\xa4';
    reason[999] = '\0';
    memset(expected + 6, 'x', 239);
    strcpy(expected + 6 + 239, "\n");
    text = cluster_faults_print(&fault, 1);
    assert_parsed(text, expected);
    free(text);
}

static void
count_cb(void *n_, const struct cluster_fault *fault OVS_UNUSED)
{
    ++*(size_t *) n_;
}

static void
number_is_limited(void **state OVS_UNUSED)
{
    struct cluster_fault faults[CLUSTER_FAULTS_MAX + 5];
    struct ds too_many = DS_EMPTY_INITIALIZER;
    char names[ARRAY_SIZE(faults)][12];
    size_t n = 0;
    char *text;

    for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
        snprintf(names[i], sizeof names[i], "h%zu", i);
        faults[i] = (struct cluster_fault) {
            .host = names[i], .acked = i, .reason = "r",
        };
        ds_put_format(&too_many, "%s\"h%zu\":[1,0,\"r\"]", i ? "," : "{", i);
    }
    text = cluster_faults_print(faults, ARRAY_SIZE(faults));
    cluster_faults_parse(text, count_cb, &n);
    assert_int_equal(n, CLUSTER_FAULTS_MAX);
    assert_non_null(strstr(text, "\"h63\":[63,0,\"r\"]"));
    assert_non_null(strstr(text, "\"h64\":[64,0,\"its switch rejects "));
    free(text);
    ds_put_char(&too_many, '}');
    assert_parsed(ds_cstr(&too_many), "");
    ds_destroy(&too_many);
}

static void
rubbish_is_left_out(void **state OVS_UNUSED)
{
    static const char *const texts[] = {
        "{", "[]", "7", "null", "{\"h\":7}", "{\"h\":[]}", "{\"h\":[1]}",
        "{\"h\":[1,2]}", "{\"h\":[1,2,3]}", "{\"h\":[\"1\",0,\"r\"]}",
        "{\"h\":[-1,0,\"r\"]}",
        "{\"h\":[1,-1,\"r\"]}", "{\"h\":[1,0,\"r\",3]}",
    };
    char *longer = xmalloc(1100000);

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        assert_parsed(texts[i], "");
    }
    assert_parsed("{\"a\":[1,0,\"r\"],\"b\":[]}", "a 1 0 r\n");
    memset(longer, ' ', 1100000);
    strcpy(longer + 1090000, "{\"a\":[1,0,\"r\"]}");
    assert_parsed(longer, "");
    free(longer);
}

/* What is cut off, or changed in some place, does no harm. */
static void
text_that_was_changed_does_no_harm(void **state OVS_UNUSED)
{
    static const char good[] = "{\"h1\":[17,17,\"no room\"],"
                               "\"h2\":[3,2,\"x\"]}";

    random_set_seed(1);
    for (int i = 0; i < 20000; i++) {
        char text[sizeof good];
        size_t n = 0;

        memcpy(text, good, sizeof good);
        text[random_range(sizeof good)] = random_range(256);
        text[random_range(sizeof good)] = "{}[]\",:0"[random_range(8)];
        text[sizeof good - 1] = '\0';
        cluster_faults_parse(text, count_cb, &n);
        assert_in_range(n, 0, 3);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_are_printed_and_parsed),
        cmocka_unit_test(long_reason_is_cut),
        cmocka_unit_test(number_is_limited),
        cmocka_unit_test(rubbish_is_left_out),
        cmocka_unit_test(text_that_was_changed_does_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
