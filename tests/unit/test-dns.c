/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of DNS messages (vmn/dns.h): what is taken for a question, and
 * what an answer looks like.  What names there are:
 * tests/system/test_dns.py. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "util.h"
#include "vmn/dns.h"

/* A question for "Web.shop", type A, that wants recursion. */
static const uint8_t question[] =
    "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
    "\x03Web\x04shop\x00\x00\x01\x00\x01";
#define QUESTION_SIZE (sizeof question - 1)

/* OPT: 4,096 bytes are fine. */
static const uint8_t opt[] = "\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00";
#define OPT_SIZE (sizeof opt - 1)

/* A message of two parts, as long as it is. */
static bool
parse(const void *a, size_t a_size, const void *b, size_t b_size,
      struct vmn_dns_query *query)
{
    static uint8_t *copy;

    free(copy);
    copy = xmalloc(MAX(a_size + b_size, 1));
    memcpy(copy, a, a_size);
    if (b_size) {
        memcpy(copy + a_size, b, b_size);
        copy[11]++;
    }

    bool ok = vmn_dns_parse(copy, a_size + b_size, query);
    if (!ok) {
        free(copy);
        copy = NULL;
    }
    return ok;
}

static void
question_is_taken_apart(void **state OVS_UNUSED)
{
    struct vmn_dns_query query;

    assert_true(parse(question, QUESTION_SIZE, NULL, 0, &query));
    assert_int_equal(query.id, 0x1234);
    assert_int_equal(query.error, VMN_DNS_NOERROR);
    assert_string_equal(query.name, "web.shop");
    assert_true(query.is_text && query.wants_recursion && !query.has_edns);
    assert_int_equal(query.type, VMN_DNS_A);
    assert_int_equal(query.class_, 1);
    assert_int_equal(query.udp_size, 512);
    assert_int_equal(query.question_size, QUESTION_SIZE - 12);

    assert_true(parse(question, QUESTION_SIZE, opt, OPT_SIZE, &query));
    assert_true(query.has_edns);
    assert_int_equal(query.udp_size, 4096);
}

/* Cut anywhere, it is none. */
static void
part_of_a_question_is_none(void **state OVS_UNUSED)
{
    struct vmn_dns_query query;

    for (size_t n = 0; n < QUESTION_SIZE; n++) {
        assert_false(parse(question, n, NULL, 0, &query));
    }
    for (size_t n = 1; n < OPT_SIZE; n++) {
        assert_false(parse(question, QUESTION_SIZE, opt, n, &query));
    }
}

static void
check_error(size_t at, uint8_t value, int error)
{
    uint8_t copy[QUESTION_SIZE];
    struct vmn_dns_query query;
    bool ok;

    memcpy(copy, question, sizeof copy);
    copy[at] = value;
    ok = parse(copy, sizeof copy, NULL, 0, &query);
    assert_int_equal(ok ? query.error : -1, error);
}

static void
unusual_questions_are_told_so(void **state OVS_UNUSED)
{
    uint8_t version[OPT_SIZE];
    struct vmn_dns_query query;

    check_error(2, 0x81, -1);               /* An answer. */
    check_error(2, 0x21, VMN_DNS_NOTIMP);   /* A notification. */
    check_error(5, 2, VMN_DNS_FORMERR);     /* Two questions. */
    check_error(5, 0, VMN_DNS_FORMERR);
    check_error(7, 1, VMN_DNS_FORMERR);     /* It brings an answer. */
    check_error(11, 1, -1);                 /* A record is missing. */
    check_error(12, 0xc0, -1);              /* A compressed name. */
    check_error(12, 0x40, -1);
    memcpy(version, opt, OPT_SIZE);
    version[6] = 1;
    assert_true(parse(question, QUESTION_SIZE, version, OPT_SIZE, &query));
    assert_int_equal(query.error, VMN_DNS_BADVERS);
}

static void
strange_names_are_no_text(void **state OVS_UNUSED)
{
    uint8_t copy[QUESTION_SIZE];
    struct vmn_dns_query query;

    memcpy(copy, question, sizeof copy);
    copy[13] = '.';
    assert_true(parse(copy, sizeof copy, NULL, 0, &query));
    assert_false(query.is_text);
    assert_string_equal(query.name, "");
}

/* The longest name there can be, and one more. */
static void
names_are_bounded(void **state OVS_UNUSED)
{
    uint8_t message[400] = { [5] = 1 };
    struct vmn_dns_query query;
    size_t at = 12;

    for (int i = 0; i < 4; i++) {
        size_t len = i < 3 ? 63 : 61;

        message[at] = len;
        memset(&message[at + 1], 'a', len);
        at += 1 + len;
    }
    assert_true(parse(message, at + 5, NULL, 0, &query));
    assert_int_equal(strlen(query.name), 253);
    message[12 + 3 * 64] = 62;
    message[at] = 'a';
    assert_false(parse(message, at + 6, NULL, 0, &query));
}

static void
answer_is_as_it_should_be(void **state OVS_UNUSED)
{
    static const uint8_t expected[] =
        "\x12\x34\x85\x00\x00\x01\x00\x02\x00\x00\x00\x01"
        "\x03Web\x04shop\x00\x00\x01\x00\x01"
        "\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x1e\x00\x0a\x02w1\x05other\x00"
        "\x02w1\x05other\x00\x00\x01\x00\x01\x00\x00\x00\x1e\x00\x04\x0a\x00"
        "\x00\x07"
        "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00";
    const struct vmn_ip ip = { 4, { 10, 0, 0, 7 } };
    struct vmn_dns_query query;
    struct vmn_dns_answer answer;
    uint8_t buffer[600];

    assert_true(parse(question, QUESTION_SIZE, opt, OPT_SIZE, &query));
    vmn_dns_start(&answer, &query, buffer, sizeof buffer);
    vmn_dns_add_name(&answer, "web.shop", 30, VMN_DNS_CNAME, "w1.other");
    vmn_dns_add_ip(&answer, "w1.other", 30, &ip);
    assert_int_equal(vmn_dns_end(&answer), sizeof expected - 1);
    assert_memory_equal(buffer, expected, sizeof expected - 1);
}

/* What does not fit is left out, and said; the rest is whole. */
static void
long_answers_are_truncated(void **state OVS_UNUSED)
{
    const struct vmn_ip ip = { 6, { 0xfd } };
    struct vmn_dns_query query;
    struct vmn_dns_answer answer;
    uint8_t buffer[1232];
    size_t n, left;

    assert_true(parse(question, QUESTION_SIZE, NULL, 0, &query));
    vmn_dns_start(&answer, &query, buffer, sizeof buffer);
    for (int i = 0; i < 40; i++) {
        vmn_dns_add_ip(&answer, "web.shop", 30, &ip);
    }
    assert_true(answer.is_truncated);
    n = vmn_dns_end(&answer);
    left = 512 - QUESTION_SIZE;
    assert_int_equal(answer.n_answers, left / 28);
    assert_int_equal(n, QUESTION_SIZE + left / 28 * 28);
    assert_int_equal(buffer[2], 0x87);
    assert_int_equal(buffer[7], left / 28);
}

static void
check_reverse(const char *name, const struct vmn_ip *expected)
{
    struct vmn_ip ip;
    bool ok = vmn_dns_reverse(name, &ip);

    assert_int_equal(ok, expected != NULL);
    if (ok) {
        assert_memory_equal(&ip, expected, sizeof ip);
    }
}

static void
addresses_are_names_backwards(void **state OVS_UNUSED)
{
    const struct vmn_ip v4 = { 4, { 10, 0, 200, 7 } };
    const struct vmn_ip v6 = { 6, { 0xfd, [14] = 0x1a, [15] = 0xb2 } };

    check_reverse("7.200.0.10.in-addr.arpa", &v4);
    check_reverse("2.b.a.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
                  "0.0.d.f.ip6.arpa", &v6);
    check_reverse("200.0.10.in-addr.arpa", NULL);
    check_reverse("1.7.200.0.10.in-addr.arpa", NULL);
    check_reverse("256.0.0.10.in-addr.arpa", NULL);
    check_reverse("07.0.0.10.in-addr.arpa", NULL);
    check_reverse("in-addr.arpa", NULL);
    check_reverse("7.200.0.10.in-addr.arpb", NULL);
    check_reverse("g.b.a.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
                  "0.0.d.f.ip6.arpa", NULL);
}

static void
names_below_a_name_follow_it(void **state OVS_UNUSED)
{
    static const char *const names[] = {
        "", "@", "a", "b.a", "c.b.a", "d.a", "a-b", "aa", "z.b", "b.z",
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(names); j++) {
            int cmp = vmn_dns_compare_names(names[i], names[j]);

            assert_int_equal((cmp > 0) - (cmp < 0), (i > j) - (i < j));
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_below_a_name_follow_it),
        cmocka_unit_test(question_is_taken_apart),
        cmocka_unit_test(part_of_a_question_is_none),
        cmocka_unit_test(unusual_questions_are_told_so),
        cmocka_unit_test(strange_names_are_no_text),
        cmocka_unit_test(names_are_bounded),
        cmocka_unit_test(answer_is_as_it_should_be),
        cmocka_unit_test(long_answers_are_truncated),
        cmocka_unit_test(addresses_are_names_backwards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
