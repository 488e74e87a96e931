/* SPDX-License-Identifier: Apache-2.0
 *
 * Text from outside in a line for people: what could end the line, control a
 * terminal or hide is an escape, in what vmnctl prints and in the log. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "proto/text/quoted-text.h"
#include "svec.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(test_quoted_text);

static void
check(const char *text, size_t size, const char *keep, const char *quoted)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    text_put_quoted(&ds, text, size, keep);
    assert_string_equal(ds_cstr(&ds), quoted);
    ds_destroy(&ds);
}

static void
check_text(const char *text, const char *quoted)
{
    check(text, strlen(text), "", quoted);
    assert_int_equal(text_needs_quoting(text), strcmp(text, quoted) != 0);
}

static void
visible_text_stays(void **state OVS_UNUSED)
{
    check_text("", "");
    check_text("a \"b\" \\n c~", "a \"b\" \\n c~");
    check_text("B\xc3\xbcro, \xe6\x9d\xb1\xe4\xba\xac, \xf0\x9f\x92\xa1",
               "B\xc3\xbcro, \xe6\x9d\xb1\xe4\xba\xac, \xf0\x9f\x92\xa1");
    /* The neighbours of what is quoted. */
    check_text("\xc2\xa0\xe2\x80\xa7\xe2\x80\xaf\xe2\x80\x90",
               "\xc2\xa0\xe2\x80\xa7\xe2\x80\xaf\xe2\x80\x90");
}

static void
controls_are_escapes_of_json(void **state OVS_UNUSED)
{
    check_text("a\nb\rc\td", "a\\nb\\rc\\td");
    check_text("\x1b[31m\x07\x7f", "\\u001b[31m\\u0007\\u007f");
    check_text("\xc2\x80\xc2\x85\xc2\x9b\xc2\x9f",
               "\\u0080\\u0085\\u009b\\u009f");
    check("a\0b", 3, "", "a\\u0000b");
    check("a\0\nb", 4, "\n", "a\\u0000\nb");
    check("a\n\tb\r", 5, "\n\t", "a\n\tb\\r");
}

static void
directions_separators_and_the_invisible_are_escapes(void **state OVS_UNUSED)
{
    check_text("\xe2\x80\xaa\xe2\x80\xae\xe2\x81\xa6\xe2\x81\xa9",
               "\\u202a\\u202e\\u2066\\u2069");
    check_text("\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c", "\\u200e\\u200f\\u061c");
    check_text("\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029");
    check_text("\xe2\x80\x8b\xe2\x80\x8d\xe2\x81\xa0\xef\xbb\xbf\xc2\xad",
               "\\u200b\\u200d\\u2060\\ufeff\\u00ad");
    check_text("\xf3\xa0\x80\x81\xf3\xa0\x81\xbf",
               "\\udb40\\udc01\\udb40\\udc7f");
}

static void
invalid_utf8_is_escaped(void **state OVS_UNUSED)
{
    check_text("\x80\xff", "\\x80\\xff");
    check_text("\xc0\x8a", "\\xc0\\x8a");           /* Overlong: a newline. */
    check_text("\xe0\x80\x9b", "\\xe0\\x80\\x9b");  /* Overlong: U+001B. */
    check_text("\xed\xa0\x80", "\\xed\\xa0\\x80");  /* A surrogate. */
    check_text("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
    check_text("a\xc3", "a\\xc3");                  /* Cut. */
    check_text("\xe2\x80", "\\xe2\\x80");
    check_text("\xe2\x80\x1b", "\\xe2\\x80\\u001b");
}

static void
quoted_json_means_the_same(void **state OVS_UNUSED)
{
    const char text[] = "{\"k\xe2\x80\xae\": \"\xc2\x9b \xf3\xa0\x80\x81 "
                        "\x7f \xc3\xbc\"}";
    struct ds ds = DS_EMPTY_INITIALIZER;

    text_put_quoted(&ds, text, strlen(text), "\n");

    json_t *before = json_loads(text, 0, NULL);
    json_t *after = json_loads(ds_cstr(&ds), 0, NULL);

    assert_non_null(before);
    assert_true(json_equal(before, after));
    assert_null(strstr(ds_cstr(&ds), "\x7f"));
    json_decref(before);
    json_decref(after);
    ds_destroy(&ds);
}

static void
control_is_known_by_its_first_byte(void **state OVS_UNUSED)
{
    assert_true(text_is_control("\n"));
    assert_true(text_is_control("\x7f"));
    assert_true(text_is_control(""));
    assert_true(text_is_control("\xc2\x9b" "31m"));
    assert_true(text_is_control("\xe2\x80\xae" "a"));
    assert_true(text_is_control("\xe2\x80\xa8"));
    assert_true(text_is_control("\xd8\x9c"));
    assert_false(text_is_control("a\n"));
    assert_false(text_is_control("\xc2\xa0"));
    /* Of writing, as in Persian, and of emojis. */
    assert_false(text_is_control("\xe2\x80\x8c"));
    assert_false(text_is_control("\xe2\x80\x8d"));
    assert_false(text_is_control("\xe2\x80"));
    assert_false(text_is_control("\x80"));
}

static void
reported_text_has_a_character_set(void **state OVS_UNUSED)
{
    char text[] = "2.17 {{ a|b }} $(x) `y` <b> \\n\n\x1b\xc3\xbc \"it's\"";
    char names[] = "br-int:~_+,;=%&#@!?*^|[](/).";

    assert_false(text_is_restricted(text));
    text_restrict(text);
    assert_string_equal(text, "2.17 (( a|b )) ?(x) 'y' (b) /n???? \"it's\"");
    assert_true(text_is_restricted(text));
    assert_true(text_is_restricted(names));
    assert_true(text_is_restricted(""));
    assert_false(text_is_restricted("a\n"));
    assert_false(text_is_restricted("${a"));
}

/* The log.  --------------------------------------------------------------- */

static char *
read_file(const char *name)
{
    FILE *file = fopen(name, "r");
    char buffer[4096];
    size_t n;

    assert_non_null(file);
    n = fread(buffer, 1, sizeof buffer - 1, file);
    fclose(file);
    return xmemdup0(buffer, n);
}

static void
message_of_the_log_is_one_line(void **state OVS_UNUSED)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(60, 60);
    char name[] = "/tmp/test-quoted-text.XXXXXX";
    int fd = mkstemp(name);
    struct svec words = SVEC_EMPTY_INITIALIZER;
    char *text;

    assert_true(fd >= 0);
    vlog_set_pattern(VLF_FILE, "%c|%p|%m");
    vlog_set_levels(NULL, VLF_CONSOLE, VLL_OFF);
    vlog_set_levels(NULL, VLF_SYSLOG, VLL_OFF);
    assert_int_equal(vlog_set_log_file(name), 0);
    VLOG_WARN("host %s\n", "a\nforged|ERR|b\x1b[2J");
    VLOG_WARN_RL(&rl, "%d %s", 2, "\xe2\x80\xaeoff\xff");
    /* libopenvswitch's own. */
    svec_parse_words(&words, "\"\x1b]0;x\n");
    text = read_file(name);
    assert_non_null(strstr(text, "test_quoted_text|WARN|host a\\nforged|ERR|b"
                           "\\u001b[2J\n"));
    assert_non_null(strstr(text, "test_quoted_text|WARN|2 "
                           "\\u202eoff\\xff\n"));
    assert_non_null(strstr(text, "svec|WARN|\"\\u001b]0;x\\n: word"));
    assert_null(strchr(text, '\x1b'));
    free(text);
    svec_destroy(&words);
    unlink(name);
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(visible_text_stays),
        cmocka_unit_test(controls_are_escapes_of_json),
        cmocka_unit_test(directions_separators_and_the_invisible_are_escapes),
        cmocka_unit_test(invalid_utf8_is_escaped),
        cmocka_unit_test(quoted_json_means_the_same),
        cmocka_unit_test(control_is_known_by_its_first_byte),
        cmocka_unit_test(reported_text_has_a_character_set),
        cmocka_unit_test(message_of_the_log_is_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
