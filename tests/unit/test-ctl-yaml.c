/* SPDX-License-Identifier: Apache-2.0
 *
 * YAML to JSON and back: types, bounds, faults with their place. */

#include <config.h>

#include "controller/ctl/yaml.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "controller/ctl/yaml-scalar.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Checks that 'text' means the documents in 'json' (an array). */
static void
assert_means(const char *text, const char *json)
{
    json_t *expected = json_loads(json, 0, NULL);
    json_t *docs = json_array();
    struct vmn_error why = VMN_ERROR_INIT;

    assert_non_null(expected);
    if (ctl_yaml_parse(text, strlen(text), docs, &why)) {
        fail_msg("%s: %s", text, why.text);
    }
    if (!json_equal(docs, expected)) {
        char *got = json_dumps(docs, JSON_COMPACT);

        fail_msg("%s: is %s, not %s", text, got, json);
    }
    json_decref(docs);
    json_decref(expected);
}

/* Checks that 'text' is refused with a message that has 'part'. */
static void
assert_refused_size(const char *text, size_t size, const char *part)
{
    json_t *docs = json_array();
    struct vmn_error why = VMN_ERROR_INIT;

    assert_int_equal(ctl_yaml_parse(text, size, docs, &why), EINVAL);
    assert_non_null(why.text);
    if (!strstr(why.text, part)) {
        fail_msg("\"%s\" says \"%s\", not \"%s\"", text, why.text, part);
    }
    vmn_error_uninit(&why);
    json_decref(docs);
}

static void
assert_refused(const char *text, const char *part)
{
    assert_refused_size(text, strlen(text), part);
}

static void
scalars_have_the_types_of_the_core_schema(void **state OVS_UNUSED)
{
    assert_means("a: 80", "[{\"a\": 80}]");
    assert_means("a: \"80\"", "[{\"a\": \"80\"}]");
    assert_means("a: '80'", "[{\"a\": \"80\"}]");
    assert_means("a: -7", "[{\"a\": -7}]");
    assert_means("a: +7", "[{\"a\": 7}]");
    assert_means("a: 0", "[{\"a\": 0}]");
    assert_means("a: 0x1F", "[{\"a\": 31}]");
    assert_means("a: 0o17", "[{\"a\": 15}]");
    assert_means("a: 9223372036854775807", "[{\"a\": 9223372036854775807}]");
    assert_means("a: 1.5", "[{\"a\": 1.5}]");
    assert_means("a: 2.", "[{\"a\": 2.0}]");
    assert_means("a: -.5e1", "[{\"a\": -5.0}]");
    assert_means("a: true", "[{\"a\": true}]");
    assert_means("a: False", "[{\"a\": false}]");
    assert_means("a: \"true\"", "[{\"a\": \"true\"}]");
    assert_means("a: null", "[{\"a\": null}]");
    assert_means("a: ~", "[{\"a\": null}]");
    assert_means("a:", "[{\"a\": null}]");
    assert_means("a: !!str 80", "[{\"a\": \"80\"}]");
    assert_means("80: a", "[{\"80\": \"a\"}]");
}

static void
what_only_yaml_1_1_takes_for_something_else_is_a_string(
    void **state OVS_UNUSED)
{
    assert_means("a: yes", "[{\"a\": \"yes\"}]");
    assert_means("a: no", "[{\"a\": \"no\"}]");
    assert_means("a: off", "[{\"a\": \"off\"}]");
    assert_means("a: 12:30", "[{\"a\": \"12:30\"}]");
    assert_means("a: 02:00:00:00:00:01", "[{\"a\": \"02:00:00:00:00:01\"}]");
    assert_means("a: 10.0.0.1", "[{\"a\": \"10.0.0.1\"}]");
    assert_means("a: 10.0.0.0/24", "[{\"a\": \"10.0.0.0/24\"}]");
    assert_means("a: 1_000", "[{\"a\": \"1_000\"}]");
    assert_means("a: 2026-01-02", "[{\"a\": \"2026-01-02\"}]");
    assert_means("a: 8000-8100", "[{\"a\": \"8000-8100\"}]");
    assert_means("a: e1", "[{\"a\": \"e1\"}]");
    assert_means("a: .", "[{\"a\": \".\"}]");
    assert_means("a: 1e", "[{\"a\": \"1e\"}]");
    assert_means("a: 0x", "[{\"a\": \"0x\"}]");
}

static void
documents_and_collections(void **state OVS_UNUSED)
{
    assert_means("", "[]");
    assert_means("---\n---\n# nothing\n", "[]");
    assert_means("---\na: 1\n---\nb: 2\n...\n", "[{\"a\": 1}, {\"b\": 2}]");
    assert_means("- {a: [1, two]}\n- []\n- {}\n",
                 "[[{\"a\": [1, \"two\"]}, [], {}]]");
    assert_means("a: |\n  one\n  two\n", "[{\"a\": \"one\\ntwo\\n\"}]");
    assert_means("{\"a\": \"\\u00e9\", \"b\": [true]}",
                 "[{\"a\": \"\\u00e9\", \"b\": [true]}]");
}

static void
aliases_stand_for_copies(void **state OVS_UNUSED)
{
    assert_means("a: &x {p: 1}\nb: *x\nc: [*x, *x]\n",
                 "[{\"a\": {\"p\": 1}, \"b\": {\"p\": 1},"
                 " \"c\": [{\"p\": 1}, {\"p\": 1}]}]");
    assert_means("a: &x 1\nb: &x 2\nc: *x\n",
                 "[{\"a\": 1, \"b\": 2, \"c\": 2}]");
}

/* JSON does not limit them; the server names the field, and its range. */
static void
integers_beyond_64_bits_are_numbers(void **state OVS_UNUSED)
{
    assert_means("a: 9223372036854775808\nb: -99999999999999999999\n",
                 "[{\"a\": 9223372036854775808.0,"
                 " \"b\": -99999999999999999999.0}]");
}

static void
faults_are_refused_with_their_place(void **state OVS_UNUSED)
{
    assert_refused("a: 1\nb: 010\n", "line 2, column 4: a number with a "
                   "leading zero");
    assert_refused("a: 1\na: 2\n", "line 2, column 1: the key \"a\" appears "
                   "twice");
    assert_refused("a: 0x10000000000000000", "64 bits");
    assert_refused("a:\n\tb: 1\n", "line 2, column 1: a tab: YAML is indented "
                   "with spaces");
    assert_refused("\xc3\xbc: 1\na:\n  \tb: [\n", "a tab: YAML is");
    assert_refused("a: -0123", "leading zero");
    assert_refused("a: .inf", "infinite");
    assert_refused("a: 1e999", "too large");
    assert_refused("a: *x", "the alias *x has no complete anchor");
    assert_refused("a: &x [*x]", "the alias *x has no complete anchor");
    assert_refused("a: &x 1\n---\nb: *x", "the alias *x");
    assert_refused("b: {<<: {a: 1}}", "merge keys");
    assert_refused("? [a]\n: 1", "a key must be a string");
    assert_refused("a: !!binary aGk=", "the tag");
    assert_refused("a: !mine 1", "the tag");
    assert_refused("a: !!set {b}", "the tag");
    assert_refused("a: [1, 2", "line");
    assert_refused("a: b: c", "line 1");
    assert_refused("\ta: 1", "line 1");
    assert_refused("a: \"\\0\"\n\"b\\0c\": 1", "null byte");
    assert_refused("a: \xff", "");
}

static char *
repeat(const char *text, size_t n)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < n; i++) {
        ds_put_cstr(&ds, text);
    }
    return ds_steal_cstr(&ds);
}

static void
depth_is_bounded(void **state OVS_UNUSED)
{
    char *open = repeat("[", CTL_YAML_DEPTH_MAX);
    char *close = repeat("]", CTL_YAML_DEPTH_MAX);
    char *text = xasprintf("%s%s", open, close);
    json_t *docs = json_array();
    struct vmn_error why = VMN_ERROR_INIT;

    assert_int_equal(ctl_yaml_parse(text, strlen(text), docs, &why), 0);
    free(text);
    text = xasprintf("[%s%s]", open, close);
    assert_refused(text, "levels deep");
    free(text);

    /* The same by a chain of aliases, each one level deeper. */
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&ds, "- &a0 [x]\n");
    for (int i = 1; i < CTL_YAML_DEPTH_MAX; i++) {
        ds_put_format(&ds, "- &a%d [*a%d]\n", i, i - 1);
    }
    assert_refused(ds_cstr(&ds), "levels deep");
    ds_destroy(&ds);

    text = repeat("[", 100000);
    assert_refused(text, "");
    free(text);
    json_decref(docs);
    free(open);
    free(close);
}

static void
aliases_do_not_multiply_without_bound(void **state OVS_UNUSED)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&ds, "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n");
    for (int i = 1; i < 20; i++) {
        ds_put_format(&ds, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d]\n",
                      i, i, i - 1, i - 1, i - 1, i - 1, i - 1);
    }
    assert_refused(ds_cstr(&ds), "more than 1000000 values");
    ds_destroy(&ds);
}

static void
size_is_bounded(void **state OVS_UNUSED)
{
    assert_refused_size("a: 1", CTL_YAML_SIZE_MAX + 1, "more than");
}

/* Strings that would be read as something else if they had no quotes. */
static void
printed_yaml_reads_back_as_it_was(void **state OVS_UNUSED)
{
    static const char text[] =
        "{\"strings\": [\"\", \"80\", \"true\", \"null\", \"~\", \"yes\","
        " \"NO\", \"010\", \"1.5\", \"0x1f\", \"12:30\", \"- a\", \"a: b\","
        " \"# no\", \"*a\", \"&a\", \"!t\", \" lead\", \"trail \", \"two\\n"
        "lines\\n\", \"\\ttab\", \"\\u00e9\\u4e2d\", \"'\", \"\\\"\", \"<<\","
        " \"02:00:00:00:00:01\", \"10.0.0.0/24\", \".inf\", \"@x\", \"=\","
        " \"2026-01-02\", \"\\u0001\", \"---\", \"{\", \"[\", \"? x\"],"
        " \"80\": 1, \"empty\": [{}, []], \"numbers\": [1, -1, 1.5, 1e100],"
        " \"others\": [true, false, null], \"nested\": {\"a\": [{\"b\":"
        " [[1], {\"c\": 2}]}]}}";
    json_t *json = json_loads(text, 0, NULL);
    struct ds ds = DS_EMPTY_INITIALIZER;
    json_t *docs = json_array();
    struct vmn_error why = VMN_ERROR_INIT;

    assert_non_null(json);
    ctl_yaml_print(json, &ds);
    if (ctl_yaml_parse(ds_cstr(&ds), ds.length, docs, &why)) {
        fail_msg("%s\n%s", why.text, ds_cstr(&ds));
    }
    assert_int_equal(json_array_size(docs), 1);
    if (!json_equal(json_array_get(docs, 0), json)) {
        fail_msg("reads back differently:\n%s", ds_cstr(&ds));
    }
    ds_destroy(&ds);
    json_decref(docs);
    json_decref(json);
}

static void
strings_get_quotes_only_where_they_need_them(void **state OVS_UNUSED)
{
    json_t *json = json_loads("{\"ip\": \"10.0.0.1\", \"cidr\":"
                              " \"10.0.0.0/24\", \"name\": \"web-1\","
                              " \"port\": \"80\", \"answer\": \"no\"}", 0,
                              NULL);
    struct ds ds = DS_EMPTY_INITIALIZER;

    ctl_yaml_print(json, &ds);
    assert_string_equal(ds_cstr(&ds),
                        "ip: 10.0.0.1\ncidr: 10.0.0.0/24\nname: web-1\n"
                        "port: \"80\"\nanswer: \"no\"\n");
    ds_destroy(&ds);
    json_decref(json);
}

/* Every YAML reader takes these for strings only with quotes: those of YAML
 * 1.1 (yaml.org/type) and of programs that go further. */
static void
strings_that_yaml_1_1_reads_as_another_type_get_quotes(void **state OVS_UNUSED)
{
    static const char *const quoted[] = {
        "0b101", "-0b1_0", "0B11", "0x_1F", "0x1F", "+0x1_f", "0X1f", "0o17",
        "0O17", "010", "+010", "0_7", "1_000", "-1_000", "+12", "685_230.15",
        "1_0.5e+3", "6.8523015e+5", "1.e+3", "._5", ".5", "-.5", "1e3", "5.",
        "190:20:30", "190:20:30.15", "12:30", "-1:30", "52:54:00:12:34:56",
        ".inf", "-.INF", "+.Inf", ".iNf", ".NaN", ".nAn", "~", "", "null",
        "NULL", "nuLL", "y", "N", "Yes", "nO", "on", "OFF", "True", "fAlse",
        "2026-01-02", "2026-1-2", "2001-12-14t21:59:43.10-05:00",
        "2001-12-14 21:59:43.10 -5", "2026-11-30T20:12:00Z", "=", "<<",
        "111111111111111111111111111111111111111111111111111111111111111111",
        "1_11111111111111111111111111111111111111111111111111111111111111111",
    };
    static const char *const plain[] = {
        "10.0.0.1", "1.2.3", "10.0.0.0/24", "02:00:00:00:00:0a", "fd00::1",
        "web-1", "1-a", "yesterday", "tcp", "v1", "0.0.0.0/0", "00ff00x",
        "8000-8100/tcp", "e", "nan", "inf", "none", "~a",
    };

    for (size_t i = 0; i < ARRAY_SIZE(quoted); i++) {
        if (ctl_yaml_is_plain(quoted[i], strlen(quoted[i]))) {
            fail_msg("%s has no quotes", quoted[i]);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
        if (!ctl_yaml_is_plain(plain[i], strlen(plain[i]))) {
            fail_msg("%s has quotes", plain[i]);
        }
    }
}

/* Returns random strings that look like numbers, times and words. */
static json_t *
make_strings(size_t n)
{
    static const char letters[] = "0101234579_:.-+eExXboaAfTtZzyYnNsi~ ";
    json_t *strings = json_array();
    uint32_t random = 1;

    while (json_array_size(strings) < n) {
        char text[10];
        size_t len;

        random = random * 1664525 + 1013904223;
        len = 1 + (random >> 16) % (sizeof text - 1);
        for (size_t i = 0; i < len; i++) {
            random = random * 1664525 + 1013904223;
            text[i] = letters[(random >> 16)
                              % (i % 3 ? 16 : sizeof letters - 1)];
        }
        json_array_append_new(strings, json_stringn(text, len));
    }
    return strings;
}

/* PyYAML, a reader of YAML 1.1, reads what is printed as it was. */
static void
pyyaml_reads_strings_as_strings(void **state OVS_UNUSED)
{
    static const char check[] =
        "import json, sys, yaml\n"
        "was, read = json.load(sys.stdin), yaml.safe_load(open(sys.argv[1]))\n"
        "bad = [pair for pair in zip(was, read) if pair[0] != pair[1]]\n"
        "sys.exit(repr(bad[:9]) if bad or len(was) != len(read) else 0)\n";
    char file[] = "/tmp/vmn-yaml-XXXXXX";
    struct ds ds = DS_EMPTY_INITIALIZER;
    json_t *json;
    FILE *stream;
    char *line;
    int fd;

    if (system("/usr/bin/python3 -c 'import yaml' 2>/dev/null")) {
        skip();
    }
    json = make_strings(5000);
    ctl_yaml_print(json, &ds);
    fd = mkstemp(file);
    assert_int_equal(write(fd, ds_cstr(&ds), ds.length), ds.length);
    close(fd);
    line = xasprintf("/usr/bin/python3 -c '%s' %s", check, file);
    stream = popen(line, "w");
    assert_non_null(stream);
    json_dumpf(json, stream, 0);
    assert_int_equal(pclose(stream), 0);
    unlink(file);
    free(line);
    ds_destroy(&ds);
    json_decref(json);
}

static void
real_numbers_have_a_point_and_the_sign_of_their_exponent(
    void **state OVS_UNUSED)
{
    json_t *json = json_loads("[1e100, 1.5e-7, 25e20, 0.1, -3e-9, 2.0]", 0,
                              NULL);
    struct ds ds = DS_EMPTY_INITIALIZER;

    ctl_yaml_print(json, &ds);
    assert_string_equal(ds_cstr(&ds), "- 1.0e+100\n- 1.5e-7\n- 2.5e+21\n"
                        "- 0.1\n- -3.0e-9\n- 2.0\n");
    ds_destroy(&ds);
    json_decref(json);
}

static void
a_byte_order_mark_is_skipped(void **state OVS_UNUSED)
{
    assert_means("\xef\xbb\xbf" "a: 1\nb: 2\n",
                 "[{\"a\": 1, \"b\": 2}]");
    assert_means("\xef\xbb\xbf", "[]");
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_have_the_types_of_the_core_schema),
        cmocka_unit_test(
            what_only_yaml_1_1_takes_for_something_else_is_a_string),
        cmocka_unit_test(documents_and_collections),
        cmocka_unit_test(aliases_stand_for_copies),
        cmocka_unit_test(integers_beyond_64_bits_are_numbers),
        cmocka_unit_test(faults_are_refused_with_their_place),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(aliases_do_not_multiply_without_bound),
        cmocka_unit_test(size_is_bounded),
        cmocka_unit_test(printed_yaml_reads_back_as_it_was),
        cmocka_unit_test(strings_get_quotes_only_where_they_need_them),
        cmocka_unit_test(
            strings_that_yaml_1_1_reads_as_another_type_get_quotes),
        cmocka_unit_test(pyyaml_reads_strings_as_strings),
        cmocka_unit_test(
            real_numbers_have_a_point_and_the_sign_of_their_exponent),
        cmocka_unit_test(a_byte_order_mark_is_skipped),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
