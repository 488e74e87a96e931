/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of limits of what rules let through (app qos, with app firewall):
 * which flows lead to which meters, on which hosts, and what an object says of
 * rules that it does not limit.  What packets come to is in
 * tests/system/test_qos_rules.py. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/engine/relation.h"
#include "controller/model/id-pools.h"
#include "controller/model/model.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/apps-fixture.h"
#include "util.h"
#include "vmn/vocabulary.h"

#define HOST(NAME, N) "'hosts/" NAME "': {'ovsdb': 'inbound'," \
    " 'tunnel_ip': '192.0.2." N "'}"
#define PORT(NAME, NETWORK, N, HOST) \
    "'ports/" NAME "': {'network': '" NETWORK "', 'ips': ['10.0.0." N "']}," \
    " 'bindings/" NAME "': {'host': '" HOST "'}," \
    " 'vifs/" HOST "/" NAME "': {'host': '" HOST "', 'iface_id': '" NAME "'," \
    " 'iface': 'tap-" NAME "', 'ofport': " N ", 'link_up': true}"
#define NETWORK(NAME, VNI) "'networks/" NAME "': {'vni': " VNI ", 'subnets':" \
    " [{'cidr': '10.0.0.0/24'}]}"
#define LIMIT(DIRECTION, WHAT) "{'direction': '" DIRECTION "', " WHAT "}"
#define RULE(DIRECTION, ACTION, PORT) "{'direction': '" DIRECTION "'," \
    " 'action': '" ACTION "', 'services': [{'protocol': 'tcp'," \
    " 'ports': [" PORT "]}]}"

/* Hosts h1 and h2 have ports of the policy's network, h3 another's. */
static int
setup(void **state)
{
    static const char *const apps[] = { "overlay", "firewall", "qos", NULL };
    struct apps_fixture *f = apps_fixture_create(apps);

    apps_fixture_declare_types(f, "qos");
    apps_fixture_apply(
        f, "{" HOST("h1", "1") ", " HOST("h2", "2") ", " HOST("h3", "3") ", "
        NETWORK("n", "7") ", " NETWORK("o", "8") ", " PORT("a", "n", "1", "h1")
        ", " PORT("b", "n", "2", "h2") ", " PORT("c", "o", "3", "h3") ","
        " 'groups/ga': {'ports': ['a']},"
        " 'policies/p': {'applies_to': ['ga'], 'rules': ["
        RULE("ingress", "allow", "80") ", " RULE("ingress", "deny", "81") ", "
        RULE("egress", "pass", "82") "]}}");
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    char *problems = apps_fixture_problems(*state);

    assert_string_equal(problems, "[]");
    free(problems);
    apps_fixture_check(*state);
    apps_fixture_destroy(*state);
    return 0;
}

/* Asserts how many of the host's flows have all of 'parts', which NULL
 * ends. */
static void
assert_flows(struct apps_fixture *f, const char *host, unsigned expected,
             const char *const *parts)
{
    struct ds flows = DS_EMPTY_INITIALIZER;
    char *all, *save = NULL;
    unsigned n = 0;

    apps_fixture_flows(f, host, false, &flows);
    all = xstrdup(ds_cstr(&flows));
    for (char *line = strtok_r(all, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        size_t i = 0;

        while (parts[i] && strstr(line, parts[i])) {
            i++;
        }
        n += !parts[i];
    }
    if (n != expected) {
        fail_msg("%s: %u flows with \"%s\" and so on instead of %u:\n%s", host,
                 n, parts[0], expected, ds_cstr(&flows));
    }
    free(all);
    ds_destroy(&flows);
}

#define ASSERT_FLOWS(F, HOST, EXPECTED, ...) \
    assert_flows(F, HOST, EXPECTED, \
                 (const char *const[]) { __VA_ARGS__, NULL })

/* Returns what the host holds, for who frees it. */
static char *
flows_of(struct apps_fixture *f, const char *host)
{
    struct ds flows = DS_EMPTY_INITIALIZER;

    apps_fixture_flows(f, host, false, &flows);
    return ds_steal_cstr(&flows);
}

/* Asserts what the status of policy 'name' has of a relation; "": nothing. */
static void
assert_values(struct apps_fixture *f, const char *relation, const char *name,
              const char *expected)
{
    struct vmn_names values = engine_relation_values(apps_fixture_engine(f),
                                                     relation, name);
    struct ds all = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < values.n; i++) {
        ds_put_format(&all, "%s%s", i ? "; " : "", values.names[i]);
    }
    assert_string_equal(ds_cstr(&all), expected);
    ds_destroy(&all);
}

/* A flow that decides and leads to limits, and one that is a limit. */
#define LEADS "->reg14,resubmit("
#define LIMITS "firewall.policy/71 "
#define OPENING "ct_state=-rpl"
#define ANSWERS "ct_state=+rpl+trk"

/* Returns how many meters the host's limits of rules have. */
static unsigned
n_meters(struct apps_fixture *f, const char *host)
{
    char *all = flows_of(f, host), *save = NULL;
    unsigned long meters[64];
    unsigned n = 0;

    for (char *line = strtok_r(all, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        const char *s = strstr(line, LIMITS) ? strstr(line, "meter:") : NULL;
        unsigned long meter = s ? strtoul(s + strlen("meter:"), NULL, 10) : 0;
        unsigned i = 0;

        while (i < n && meters[i] != meter) {
            i++;
        }
        if (meter && i == n) {
            assert_true(n < 64);
            meters[n++] = meter;
        }
    }
    free(all);
    return n;
}

/* Where rules decide, and without anything left behind. */
static void
what_a_rule_lets_through_meets_its_limits(void **state)
{
    struct apps_fixture *f = *state;
    char *before = flows_of(f, "h1"), *after;

    apps_fixture_apply(f, "{'qos-policies/q': {'policies': [{'policy': 'p',"
                       " 'rules': [0]}], 'shared_limits': ["
                       LIMIT("egress", "'max_pps': 10") ", "
                       LIMIT("ingress", "'max_pps': 5, 'max_kbps': 900")
                       "]}}");
    ASSERT_FLOWS(f, "h1", 1, "conj_id=", LEADS);
    ASSERT_FLOWS(f, "h1", 3, LIMITS, "meter:");
    /* Of a rule of ingress the port gets what opens a connection. */
    ASSERT_FLOWS(f, "h1", 2, LIMITS, OPENING);
    ASSERT_FLOWS(f, "h1", 1, LIMITS, ANSWERS);
    assert_int_equal(n_meters(f, "h1"), 3);
    ASSERT_FLOWS(f, "h2", 3, LIMITS, "meter:");
    ASSERT_FLOWS(f, "h3", 0, LIMITS);
    assert_values(f, "qos.hosts", "q", "h1; h2");
    assert_values(f, "qos.unlimited", "q", "");

    /* All that allow or pass. */
    apps_fixture_apply(f, "{'qos-policies/q': {'policies': [{'policy': 'p'}],"
                       " 'shared_limits': ["
                       LIMIT("egress", "'max_pps': 10") ", "
                       LIMIT("ingress", "'max_pps': 5, 'max_kbps': 900")
                       "]}}");
    ASSERT_FLOWS(f, "h1", 2, "conj_id=", LEADS);
    ASSERT_FLOWS(f, "h1", 3, LIMITS, OPENING);
    ASSERT_FLOWS(f, "h1", 3, LIMITS, ANSWERS);
    /* What a port gets, by whichever rule, has one meter of each kind. */
    assert_int_equal(n_meters(f, "h1"), 3);

    apps_fixture_apply(f, "{'qos-policies/q': null}");
    after = flows_of(f, "h1");
    assert_string_equal(after, before);
    free(after);
    free(before);
}

/* A limit of one direction is none of the other. */
static void
a_limit_is_of_a_direction(void **state)
{
    struct apps_fixture *f = *state;

    apps_fixture_apply(f, "{'qos-policies/q': {'policies': [{'policy': 'p',"
                       " 'rules': [2]}], 'shared_limits': ["
                       LIMIT("egress", "'max_kbps': 900") "]}}");
    ASSERT_FLOWS(f, "h1", 1, LIMITS);
    ASSERT_FLOWS(f, "h1", 1, LIMITS, OPENING);
    apps_fixture_apply(f, "{'qos-policies/q': {'policies': [{'policy': 'p',"
                       " 'rules': [2]}], 'shared_limits': ["
                       LIMIT("ingress", "'max_kbps': 900") "]}}");
    ASSERT_FLOWS(f, "h1", 1, LIMITS);
    ASSERT_FLOWS(f, "h1", 1, LIMITS, ANSWERS);
}

#define OF_P(RULES) "{'qos-policies/q': {'policies': [{'policy': 'p'" RULES \
    "}], 'shared_limits': [{'direction': 'ingress', 'max_pps': 9}]}}"
#define POLICY_P(MORE, ACTION) "{'policies/p': {'applies_to': ['ga'], " MORE \
    " 'rules': [" RULE("ingress", ACTION, "80") "]}}"

static void
what_is_not_limited_is_named(void **state)
{
    struct apps_fixture *f = *state;

    apps_fixture_apply(f, OF_P(", 'rules': [0, 1, 3]"));
    assert_values(f, "qos.unlimited", "q", "p: rule 1 lets nothing through;"
                  " p: rule 3 is not there: they are counted from 0");
    ASSERT_FLOWS(f, "h1", 1, "conj_id=", LEADS);
    apps_fixture_apply(f, POLICY_P("", "deny"));
    apps_fixture_apply(f, OF_P(""));
    assert_values(f, "qos.unlimited", "q",
                  "p: no rule of it lets anything through");
    assert_values(f, "qos.hosts", "q", "");
    apps_fixture_apply(f, POLICY_P("'mode': 'shadow',", "allow"));
    assert_values(f, "qos.unlimited", "q",
                  "p: it is in mode shadow, and lets nothing through");
    apps_fixture_apply(f, POLICY_P("'on_change': 'keep',", "allow"));
    assert_values(f, "qos.unlimited", "q", "p: it has on_change: keep, so"
                  " open connections go on without its rules");
    ASSERT_FLOWS(f, "h1", 0, LEADS);
    ASSERT_FLOWS(f, "h1", 0, LIMITS);
    apps_fixture_apply(f, POLICY_P("", "allow"));
    assert_values(f, "qos.unlimited", "q", "");
    ASSERT_FLOWS(f, "h1", 1, LIMITS);
}

/* No limit is left out for others: nothing gets through then, and all say
 * so. */
static void
a_rule_has_limits_up_to_a_number(void **state)
{
    struct apps_fixture *f = *state;
    struct ds rows = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&rows, "{");
    for (int i = 0; i < 33; i++) {
        ds_put_format(&rows, "%s'qos-policies/q%02d': {'policies': [{'policy':"
                      " 'p', 'rules': [0]}], 'shared_limits': ["
                      LIMIT("ingress", "'max_pps': %d") "]}", i ? ", " : "",
                      i, i + 1);
    }
    ds_put_cstr(&rows, "}");
    apps_fixture_apply(f, ds_cstr(&rows));
    ds_destroy(&rows);
    ASSERT_FLOWS(f, "h1", 0, LEADS);
    assert_values(f, "qos.crowded", "p", "0");
    /* Rule 1 denies. */
    ASSERT_FLOWS(f, "h1", 2, "conj_id=", "actions=drop");
    assert_values(f, "qos.unlimited", "q32", "p: rule 0 lets nothing through"
                  " any more: more than 32 policies limit it");
    apps_fixture_apply(f, "{'qos-policies/q07': null}");
    ASSERT_FLOWS(f, "h1", 1, "conj_id=", LEADS);
    ASSERT_FLOWS(f, "h1", 32, LIMITS);
    assert_values(f, "qos.unlimited", "q32", "");
}

/* Returns how many of the policies q000 to q299 are told that something does
 * not get through. */
static unsigned
n_told(struct apps_fixture *f)
{
    unsigned n = 0;

    for (int i = 0; i < 300; i++) {
        char *name = xasprintf("q%03d", i);

        n += engine_relation_values(apps_fixture_engine(f), "qos.unlimited",
                                    name).n;
        free(name);
    }
    return n;
}

/* Any number may be for a port, of which each would be told for each port. */
static void
so_many_policies_of_a_port_are_told(void **state)
{
    struct apps_fixture *f = *state;
    struct ds rows = DS_EMPTY_INITIALIZER;

    for (int i = 0; i < 300; i++) {
        ds_put_format(&rows, "%s'qos-policies/q%03d': {'ports': ['a'],"
                      " 'shared_limits': [" LIMIT("ingress", "'max_pps': 9")
                      "]}", i ? ", " : "{", i);
    }
    ds_put_cstr(&rows, "}");
    apps_fixture_apply(f, ds_cstr(&rows));
    ASSERT_FLOWS(f, "h1", 4, "too many limits");
    assert_int_equal(n_told(f), 256);
    ds_clear(&rows);
    for (int i = 33; i < 300; i++) {
        ds_put_format(&rows, "%s'qos-policies/q%03d': null",
                      i > 33 ? ", " : "{", i);
    }
    ds_put_cstr(&rows, "}");
    apps_fixture_apply(f, ds_cstr(&rows));
    ds_destroy(&rows);
    assert_int_equal(n_told(f), 33);
    apps_fixture_apply(f, "{'qos-policies/q000': null}");
    assert_int_equal(n_told(f), 0);
}

/* Adds 'n' policies that limit both kinds of both directions of what 'of'
 * says of p, from number 'first' on. */
static void
add_limiters(struct apps_fixture *f, unsigned first, unsigned n,
             const char *of)
{
    struct ds rows = DS_EMPTY_INITIALIZER;

    for (unsigned i = first; i < first + n; i++) {
        ds_put_format(&rows, "%s'qos-policies/q%03u': {'policies': [{'policy':"
                      " 'p'%s}], 'shared_limits': ["
                      LIMIT("ingress", "'max_pps': 9, 'max_kbps': 900") ", "
                      LIMIT("egress", "'max_pps': 9, 'max_kbps': 900") "]}",
                      i == first ? "{" : ", ", i, of);
    }
    ds_put_cstr(&rows, "}");
    apps_fixture_apply(f, ds_cstr(&rows));
    ds_destroy(&rows);
}

/* Makes p one of as many rules as there may be, which all allow. */
static void
have_many_rules(struct apps_fixture *f)
{
    struct ds row = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&row, "{'policies/p': {'applies_to': ['ga'], 'rules': [");
    for (int i = 1; i <= 1000; i++) {
        ds_put_format(&row, "%s" RULE("ingress", "allow", "%d"),
                      i > 1 ? ", " : "", i);
    }
    ds_put_cstr(&row, "]}}");
    apps_fixture_apply(f, ds_cstr(&row));
    ds_destroy(&row);
}

/* Within what is documented no unit fails, whoever else limits the same: the
 * fixture has no problems at the end. */
static void
the_most_that_there_may_be(void **state)
{
    struct apps_fixture *f = *state;

    have_many_rules(f);
    add_limiters(f, 0, 32, "");
    ASSERT_FLOWS(f, "h1", 1000, "conj_id=", LEADS);
    ASSERT_FLOWS(f, "h1", 32 * 4, LIMITS);
    assert_values(f, "qos.hosts", "q031", "h1; h2");
    assert_values(f, "qos.unlimited", "q031", "");
    /* One more of a single rule closes that one. */
    add_limiters(f, 32, 1, ", 'rules': [5]");
    ASSERT_FLOWS(f, "h1", 999, "conj_id=", LEADS);
    assert_values(f, "qos.unlimited", "q031", "p: rules that more than 32"
                  " policies limit let nothing through any more");
    assert_values(f, "qos.unlimited", "q032", "p: rule 5 lets nothing through"
                  " any more: more than 32 policies limit it");
    /* One more of all closes all. */
    add_limiters(f, 32, 1, "");
    ASSERT_FLOWS(f, "h1", 0, "conj_id=", LEADS);
    apps_fixture_apply(f, "{'qos-policies/q000': null}");
    ASSERT_FLOWS(f, "h1", 1000, "conj_id=", LEADS);
}

/* How many may limit rules of one policy has a bound, too. */
static void
a_policy_has_limits_up_to_a_number(void **state)
{
    struct apps_fixture *f = *state;

    have_many_rules(f);
    for (unsigned i = 0; i < 128; i += 32) {
        char *of = xasprintf(", 'rules': [%u, %u, %u]", i, i + 1, i + 2);

        add_limiters(f, i, 32, of);
        free(of);
    }
    ASSERT_FLOWS(f, "h1", 12, "conj_id=", LEADS);
    add_limiters(f, 128, 1, ", 'rules': [999]");
    ASSERT_FLOWS(f, "h1", 0, "conj_id=", LEADS);
    ASSERT_FLOWS(f, "h1", 0, LIMITS);
    ASSERT_FLOWS(f, "h1", 1000, "conj_id=", "actions=drop");
    assert_values(f, "qos.unlimited", "q000", "p: its rules let nothing"
                  " through any more: more than 128 policies limit them");
    apps_fixture_apply(f, "{'qos-policies/q000': null}");
    ASSERT_FLOWS(f, "h1", 13, "conj_id=", LEADS);
}

/* Returns how many values say that flows lead to limits of q. */
static size_t
n_uses(struct apps_fixture *f)
{
    return engine_relation_values(apps_fixture_engine(f),
                                  VMN_REL_RULE_LIMIT_USES, "q").n;
}

/* The firewall says whose limits its flows lead to. */
static void
flows_hold_what_they_lead_to(void **state)
{
    struct apps_fixture *f = *state;

    apps_fixture_apply(f, OF_P(", 'rules': [0, 2]"));
    assert_values(f, VMN_REL_RULE_LIMITS, "p", "0|7|q; 2|5|q");
    assert_int_equal(n_uses(f), 1);
    apps_fixture_apply(f, "{'qos-policies/q': null}");
    assert_int_equal(n_uses(f), 0);
}

/* Has every second rule of p deny, or takes that back; then what reads it is
 * computed. */
static void
alternate(struct apps_fixture *f, bool on)
{
    apps_fixture_change_rules(f, "p", on ? VMN_DENY : VMN_ALLOW);
    apps_fixture_apply(f, on ? "{'groups/peers': {'groups': ['ga', 'gb']}}"
                       : "{'groups/peers': {'groups': ['ga']}}");
}

/* Returns the number that q has, once all hosts have what there is; 0: it may
 * be another's. */
static uint32_t
number_of_q(struct apps_fixture *f)
{
    struct id_pools *pools = model_id_pools(apps_fixture_model(f));

    id_pools_acked(pools, UINT64_MAX);
    return id_pools_peek(pools, "qos.policy", "q");
}

/* Flows that stay, as the policy is too complex now, keep the number of a
 * limit that is gone: it is no other's. */
static void
flows_that_stay_hold_it_too(void **state)
{
    struct apps_fixture *f = *state;
    struct ds rows = DS_EMPTY_INITIALIZER;
    char *problems;

    ds_put_cstr(&rows, "{'groups/gb': {'ports': ['b']},"
                " 'groups/peers': {'groups': ['ga']},"
                " 'policies/p': {'applies_to': ['ga'], 'rules': [");
    for (int i = 0; i < 40; i++) {
        ds_put_format(&rows, "%s{'direction': 'ingress', 'action': 'allow',"
                      " 'peers': [{'group': 'peers'}], 'services':"
                      " [{'protocol': 'tcp', 'ports': [%d]}]}",
                      i ? ", " : "", 100 + i);
    }
    ds_put_cstr(&rows, "]}}");
    apps_fixture_apply(f, ds_cstr(&rows));
    ds_destroy(&rows);
    apps_fixture_apply(f, OF_P(""));
    ASSERT_FLOWS(f, "h1", 40, "conj_id=", LEADS);

    alternate(f, true);
    problems = apps_fixture_problems(f);
    assert_non_null(strstr(problems, "policy p is too complex"));
    free(problems);
    apps_fixture_apply(f, "{'qos-policies/q': null}");
    assert_values(f, VMN_REL_RULE_LIMITS, "p", "");
    ASSERT_FLOWS(f, "h1", 0, LIMITS);
    ASSERT_FLOWS(f, "h1", 40, "conj_id=", LEADS);
    assert_int_equal(n_uses(f), 1);
    assert_int_not_equal(number_of_q(f), 0);

    alternate(f, false);
    ASSERT_FLOWS(f, "h1", 0, LEADS);
    assert_int_equal(n_uses(f), 0);
    assert_int_equal(number_of_q(f), 0);
}

/* Both flows of a rule that logs lead to limits; and what too many limit is
 * logged as a denial, each packet. */
static void
a_rule_that_logs(void **state)
{
    struct apps_fixture *f = *state;

    apps_fixture_apply(f, "{'policies/p': {'applies_to': ['ga'], 'rules': ["
                       "{'direction': 'ingress', 'action': 'allow',"
                       " 'log': true}]}}");
    apps_fixture_apply(f, OF_P(""));
    ASSERT_FLOWS(f, "h1", 2, "conj_id=", LEADS);
    ASSERT_FLOWS(f, "h1", 1, "conj_id=", LEADS, "ct_state=+new+trk");
    add_limiters(f, 0, 32, "");
    ASSERT_FLOWS(f, "h1", 1, "conj_id=");
    ASSERT_FLOWS(f, "h1", 0, "conj_id=", LEADS);
}

/* A host that the policy gets later has the limits. */
static void
a_host_comes_later(void **state)
{
    struct apps_fixture *f = *state;

    apps_fixture_apply(f, OF_P(""));
    ASSERT_FLOWS(f, "h3", 0, LIMITS);
    apps_fixture_apply(f, "{" PORT("d", "n", "4", "h3") "}");
    ASSERT_FLOWS(f, "h3", 2, LIMITS);
    assert_values(f, "qos.hosts", "q", "h1; h2; h3");
}

/* Rules in front, the policy itself: numbers are places. */
static void
rules_come_and_go(void **state)
{
    struct apps_fixture *f = *state;

    apps_fixture_apply(f, OF_P(", 'rules': [1]"));
    ASSERT_FLOWS(f, "h1", 0, LEADS);
    apps_fixture_apply(f, "{'policies/p': {'applies_to': ['ga'], 'rules': ["
                       RULE("ingress", "deny", "79") ", "
                       RULE("ingress", "allow", "80") "]}}");
    ASSERT_FLOWS(f, "h1", 1, "conj_id=", LEADS);
    ASSERT_FLOWS(f, "h1", 1, LIMITS);
    apps_fixture_apply(f, "{'qos-policies/q': null, 'policies/p': null}");
    ASSERT_FLOWS(f, "h1", 0, LIMITS);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            what_a_rule_lets_through_meets_its_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(a_limit_is_of_a_direction, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_not_limited_is_named, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_rule_has_limits_up_to_a_number,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(so_many_policies_of_a_port_are_told,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(the_most_that_there_may_be, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_policy_has_limits_up_to_a_number, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(flows_hold_what_they_lead_to, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(flows_that_stay_hold_it_too, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_rule_that_logs, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_host_comes_later, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(rules_come_and_go, setup, teardown),
    };

    if (argv[1]) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("qos-rules", tests, NULL, NULL);
}
