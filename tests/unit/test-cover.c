/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules that never decide: random policies, against a plain count of all that
 * each rule is about, in a world that is so small that it can be counted. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controller/model/model.h"
#include "openvswitch/dynamic-string.h"
#include "random.h"
#include "tests/unit/model-util.h"
#include "util.h"

#define N_ROUNDS 4000
#define N_RULES 6

/* Who may be on the other side: members of three groups, addresses 10.0.0.0 to
 * 10.0.0.15, and somebody else.  What may be spoken: two named services, ports
 * 0 to 15 of TCP and of SCTP, four types with four codes of ICMP, and
 * something else. */
enum {
    GROUPS = 0, ADDRESSES = GROUPS + 3, ELSEWHERE = ADDRESSES + 16, N_PEERS,
};
enum {
    NAMED = 0, TCP = NAMED + 2, SCTP = TCP + 16, ICMP = SCTP + 16,
    ELSE = ICMP + 16, N_SERVICES,
};

struct about {
    const char *direction;
    const char *action;
    bool peers[N_PEERS];
    bool services[N_SERVICES];
};

static void
mark(bool *marks, unsigned first, unsigned n, bool value)
{
    for (unsigned i = first; i < first + n; i++) {
        marks[i] = value;
    }
}

/* A prefix of 10.0.0.0/28 by its length from there; returns its first. */
static unsigned
random_block(unsigned *size)
{
    *size = 1u << random_range(5);
    return random_range(16) & ~(*size - 1);
}

static unsigned
length_of(unsigned size)
{
    unsigned len = 32;

    for (; size > 1; size >>= 1) {
        len--;
    }
    return len;
}

static void
put_peers(struct ds *ds, struct about *about)
{
    unsigned n = random_range(4);

    if (!n) {
        mark(about->peers, 0, N_PEERS, true);
        return;
    }
    ds_put_cstr(ds, ",'peers':[");
    for (; n > 0; n--) {
        bool here[16] = { false };
        unsigned size, first, inner, at;

        if (random_range(2)) {
            unsigned group = random_range(3);

            ds_put_format(ds, "{'group':'g%u'},", group);
            about->peers[GROUPS + group] = true;
            continue;
        }
        first = random_block(&size);
        at = random_block(&inner);
        ds_put_format(ds, "{'cidr':'10.0.0.%u/%u'", first, length_of(size));
        mark(here, first, size, true);
        if (inner < size && at >= first && at < first + size) {
            ds_put_format(ds, ",'except':['10.0.0.%u/%u']", at,
                          length_of(inner));
            mark(here, at, inner, false);
        }
        ds_put_cstr(ds, "},");
        for (int i = 0; i < 16; i++) {
            about->peers[ADDRESSES + i] |= here[i];
        }
    }
    ds_chomp(ds, ',');
    ds_put_char(ds, ']');
}

static void
put_ports(struct ds *ds, bool *marks, const char *protocol)
{
    unsigned first = 1 + random_range(15);
    unsigned n = 1 + random_range(16 - first);

    if (random_range(4)) {
        ds_put_format(ds, "{'protocol':'%s','ports':['%u-%u']},", protocol,
                      first, first + n - 1);
        mark(marks, first, n, true);
    } else {
        ds_put_format(ds, "{'protocol':'%s'},", protocol);
        mark(marks, 0, 16, true);
    }
}

static void
put_icmp(struct ds *ds, bool *marks)
{
    unsigned type = random_range(4), code = random_range(4);

    switch (random_range(3)) {
    case 0:
        ds_put_cstr(ds, "{'protocol':'icmp'},");
        mark(marks, 0, 16, true);
        break;
    case 1:
        ds_put_format(ds, "{'protocol':'icmp','icmp_type':%u},", type);
        mark(marks, 4 * type, 4, true);
        break;
    default:
        ds_put_format(ds, "{'protocol':'icmp','icmp_type':%u,'icmp_code':%u},",
                      type, code);
        marks[4 * type + code] = true;
        break;
    }
}

static void
put_services(struct ds *ds, struct about *about)
{
    unsigned n = random_range(4);

    if (!n) {
        mark(about->services, 0, N_SERVICES, true);
        return;
    }
    ds_put_cstr(ds, ",'services':[");
    for (; n > 0; n--) {
        unsigned named = random_range(2);

        switch (random_range(8)) {
        case 0:
            ds_put_cstr(ds, "{'protocol':'any'},");
            mark(about->services, 0, N_SERVICES, true);
            break;
        case 1:
        case 2:
            ds_put_format(ds, "{'service':'s%u'},", named);
            about->services[NAMED + named] = true;
            break;
        case 3:
        case 4:
            put_ports(ds, about->services + TCP, "tcp");
            break;
        case 5:
            put_ports(ds, about->services + SCTP, "sctp");
            break;
        default:
            put_icmp(ds, about->services + ICMP);
            break;
        }
    }
    ds_chomp(ds, ',');
    ds_put_char(ds, ']');
}

static void
put_rule(struct ds *ds, struct about *about)
{
    static const char *const actions[] = { "allow", "deny", "pass", "reject" };

    memset(about, 0, sizeof *about);
    about->direction = random_range(3) ? "ingress" : "egress";
    about->action = actions[random_range(4)];
    ds_put_format(ds, "{'direction':'%s','action':'%s'", about->direction,
                  about->action);
    put_peers(ds, about);
    put_services(ds, about);
    ds_put_char(ds, '}');
}

static bool
has_all(const bool *a, const bool *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (b[i] && !a[i]) {
            return false;
        }
    }
    return true;
}

/* The errors that there should be. */
static void
put_expected(struct ds *ds, const struct about *rules, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < j; i++) {
            const struct about *a = &rules[i], *b = &rules[j];

            if (!strcmp(a->direction, b->direction)
                && strcmp(a->action, b->action)
                && has_all(a->peers, b->peers, N_PEERS)
                && has_all(a->services, b->services, N_SERVICES)) {
                ds_put_format(ds, "/rules/%"PRIuSIZE" never decides: rule "
                              "%"PRIuSIZE" is before it, about all that it "
                              "is about, and says \"%s\"\n", j, i, a->action);
                break;
            }
        }
    }
}

static void
rules_that_never_decide_are_refused_and_no_others(void **state OVS_UNUSED)
{
    struct model *model = model_create();
    unsigned n_refused = 0;
    uint64_t revision;

    random_set_seed(1);
    free(model_util_apply(model, "test", NULL, "put groups g0 {}\n"
                          "put groups g1 {}\nput groups g2 {}\n"
                          "put services s0 {'entries':[{'protocol':'tcp'}]}\n"
                          "put services s1 {'entries':[{'protocol':'any'}]}",
                          &revision));
    for (int round = 0; round < N_ROUNDS; round++) {
        struct ds ds = DS_EMPTY_INITIALIZER, expected = DS_EMPTY_INITIALIZER;
        size_t n = 1 + random_range(N_RULES);
        struct about rules[N_RULES];

        ds_put_cstr(&ds, "put policies p {'applies_to':['g0'],'rules':[");
        for (size_t i = 0; i < n; i++) {
            ds_put_cstr(&ds, i ? "," : "");
            put_rule(&ds, &rules[i]);
        }
        ds_put_cstr(&ds, "]}");
        put_expected(&expected, rules, n);

        char *errors = model_util_apply(model, "test", NULL, ds_cstr(&ds),
                                        &revision);
        if (strcmp(errors, ds_cstr(&expected))) {
            fail_msg("%s\ngot:\n%s\nexpected:\n%s", ds_cstr(&ds), errors,
                     ds_cstr(&expected));
        }
        n_refused += *errors != '\0';
        free(errors);
        ds_destroy(&expected);
        ds_destroy(&ds);
    }
    printf("%u of %d refused\n", n_refused, N_ROUNDS);
    assert_in_range(n_refused, N_ROUNDS / 20, N_ROUNDS);
    model_destroy(model);
}

/* The policy is as it was written, and what a deletion leaves of it too. */
static void
deletions_are_not_refused_for_what_they_leave(void **state OVS_UNUSED)
{
    struct model *model = model_create();
    uint64_t revision;
    char *errors = model_util_apply(
        model, "test", NULL, "put groups a {}\nput groups b {}\n"
        "put policies p {'applies_to':['a'],'rules':["
        "{'direction':'ingress','action':'allow','peers':[{'group':'a'}]},"
        "{'direction':'ingress','action':'deny','peers':[{'group':'a'},"
        "{'group':'b'}]}]}", &revision);

    assert_string_equal(errors, "");
    free(errors);
    errors = model_util_apply(model, "test", NULL, "cascade groups b",
                              &revision);
    assert_string_equal(errors, "");
    free(errors);
    errors = model_util_apply(model, "test", NULL,
                              "patch policies p {'priority':7}", &revision);
    assert_string_equal(errors, "/rules/1 never decides: rule 0 is before it, "
                        "about all that it is about, and says \"allow\"\n");
    free(errors);
    model_destroy(model);
}

/* Appends a rule for all of 10.0.0.0/8 but 'n_except' addresses. */
static void
put_holes(struct ds *ds, const char *action, int n_except, int port)
{
    ds_put_format(ds, "{'direction':'ingress','action':'%s','peers':[{"
                  "'cidr':'10.0.0.0/8','except':[", action);
    for (int i = 0; i < n_except; i++) {
        ds_put_format(ds, "%s'10.%d.%d.1/32'", i ? "," : "", i, i);
    }
    ds_put_format(ds, "]}],'services':[{'protocol':'tcp','ports':[%d]}]}",
                  port);
}

/* Puts a policy of 'n' rules, the last of which never decides. */
static void
check_holes(struct model *model, int n, int n_except, const char *expected)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    uint64_t revision;
    char *errors;

    ds_put_cstr(&ds, "put policies p {'applies_to':['g'],'rules':[");
    for (int i = 0; i < n; i++) {
        put_holes(&ds, i < n / 2 ? "allow" : "deny", n_except, i + 1);
        ds_put_char(&ds, ',');
    }
    put_holes(&ds, "deny", n_except, 1);
    ds_put_cstr(&ds, "]}");
    errors = model_util_apply(model, "test", NULL, ds_cstr(&ds), &revision);
    assert_string_equal(errors, expected);
    free(errors);
    ds_destroy(&ds);
}

/* Exceptions cut prefixes into many: their number, and the work of comparing
 * rules with each other, are bounded. */
static void
prefixes_of_peers_are_bounded(void **state OVS_UNUSED)
{
    static const char too_many[] = " must come to at most 100000 matches: "
        "each prefix of a peer is one, and each block of ports of a "
        "service\n";
    struct model *model = model_create();
    struct ds ds = DS_EMPTY_INITIALIZER;
    uint64_t revision;
    char *errors = model_util_apply(model, "test", NULL, "put groups g {}",
                                    &revision);

    free(errors);
    check_holes(model, 4, 10, "/rules/4 never decides: rule 0 is before it, "
                "about all that it is about, and says \"allow\"\n");
    check_holes(model, 999, 3, "");    /* Too many pairs of rules. */
    errors = xasprintf("/rules%s", too_many);
    check_holes(model, 40, 256, errors);
    free(errors);

    ds_put_cstr(&ds, "put quarantines q {'selector':'a=b','allow':[");
    for (int i = 0; i < 60; i++) {
        ds_put_format(&ds, "%s{'direction':'ingress','peers':[{'cidr':"
                      "'10.0.0.0/8','except':[", i ? "," : "");
        for (int j = 0; j < 256; j++) {
            ds_put_format(&ds, "%s'10.%d.%d.1/32'", j ? "," : "", j, j);
        }
        ds_put_cstr(&ds, "]}]}");
    }
    ds_put_cstr(&ds, "]}");
    errors = model_util_apply(model, "test", NULL, ds_cstr(&ds), &revision);
    assert_string_equal(strchr(errors, ' '), too_many);
    free(errors);

    ds_clear(&ds);
    ds_put_cstr(&ds, "put groups h {'cidrs':['fd00::/8'],'except':[");
    for (int i = 0; i < 9000; i++) {
        ds_put_format(&ds, "%s'fd%02x:%x::/128'", i ? "," : "", i >> 8,
                      (i & 0xff) << 8 | 0xff);
    }
    ds_put_cstr(&ds, "]}");
    errors = model_util_apply(model, "test", NULL, ds_cstr(&ds), &revision);
    assert_string_equal(errors, "/except must leave at most 100000 prefixes "
                        "of \"cidrs\"\n");
    free(errors);
    ds_destroy(&ds);
    model_destroy(model);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_that_never_decide_are_refused_and_no_others),
        cmocka_unit_test(deletions_are_not_refused_for_what_they_leave),
        cmocka_unit_test(prefixes_of_peers_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
