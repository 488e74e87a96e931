/* SPDX-License-Identifier: Apache-2.0
 *
 * The model: what deletions take along, by cascades and prunes. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controller/model/model.h"
#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
#include "svec.h"
#include "tests/unit/model-fixture.h"
#include "tests/unit/model-util.h"
#include "util.h"

/* Applies one request that must go through.  Returns what else it changed,
 * sorted, as lines "OP TYPE NAME"; and checks that the log names all of it.
 * The caller frees it. */
static char *
apply_also(struct model *model, const char *set, const char *text)
{
    struct model_request request;
    struct model_pending pending;
    struct vmn_errors errors;
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct svec lines = SVEC_EMPTY_INITIALIZER;
    uint64_t revision;
    size_t i;

    vmn_errors_init(&errors);
    model_request_init(&request, "test");
    model_util_parse(&request, text);
    request.prune_set = nullable_xstrdup(set);
    assert_int_equal(model_apply(model, &request, 5, &revision, &errors), 0);
    model_get_pending(model, &pending);
    for (i = 0; i < request.n_also; i++) {
        const struct model_also *also = &request.also[i];
        const char *op = model_outcome_op(also->outcome);
        const char *type = schema_tables[also->table]->plural;
        char *entry = xasprintf(
            "{\"op\":\"%s\",\"type\":\"%s\",\"name\":\"%s\"}", op, type,
            also->name);

        assert_non_null(strstr(pending.logs[pending.n_logs - 1].summary,
                               entry));
        free(entry);
        svec_add_nocopy(&lines, xasprintf("%s %s %s\n", op, type,
                                          also->name));
    }
    svec_sort(&lines);
    for (i = 0; i < lines.n; i++) {
        ds_put_cstr(&ds, lines.names[i]);
    }
    svec_destroy(&lines);
    model_request_uninit(&request);
    return ds_steal_cstr(&ds);
}

/* Fails unless 'request' changes just 'also' besides what it names. */
static void
check_also(struct model *model, const char *request, const char *also)
{
    char *got = apply_also(model, NULL, request);

    assert_string_equal(got, also);
    free(got);
}

static void
cascade_of_a_host_cancels_migrations(void **state)
{
    struct model *model = *state;

    apply(model, "put ports m {'network':'n','host':'h1',"
          "'migration':{'to':'h2','activated':true}}", "");
    check_also(model, "cascade hosts h2", "update ports m\n");
    assert_string_equal(get_port(model, "m")->host, "h1");
    assert_null(get_port(model, "m")->migration.to);
    assert_false(get_port(model, "m")->migration.activated);
}

static void
cascade_of_a_network_takes_its_ports(void **state)
{
    struct model *model = *state;

    apply(model, "put bindings p1 {'host':'h1'}\n"
          "put loadbalancers one " LB(",'backends':[{'port':'p1'}]") "\n"
          "put loadbalancers two {'vip':'10.0.0.101','networks':['m','n'],"
          "'ports':[{'port':80}],'backends':[{'port':'p1'},{'port':'p2'}]}",
          "");
    check_also(model, "cascade networks n",
               "delete loadbalancers one\ndelete ports p1\ndelete ports p2\n"
               "update groups g\nupdate loadbalancers two\n");
    assert_null(get_port(model, "p1"));
    assert_null(model_get(model, VMN_TABLE_BINDING, "p1"));
    assert_null(model_get(model, VMN_TABLE_LOADBALANCER, "one"));
    check_spec(model, VMN_TABLE_GROUP, "g", "{'selector':'role=web'}");
    check_spec(model, VMN_TABLE_LOADBALANCER, "two",
               "{'vip':'10.0.0.101','networks':['m'],'protocol':'tcp',"
               "'ports':[{'port':80,'target':80}]}");
    assert_non_null(model_get(model, VMN_TABLE_POLICY, "pol"));
    assert_non_null(model_get(model, VMN_TABLE_NETWORK, "m"));
}

static void
cascade_of_a_port_keeps_what_lists_it(void **state)
{
    struct model *model = *state;

    apply(model, "put groups only {'ports':['p2']}\n"
          "put policies q {'applies_to':['only']}\n"
          "put loadbalancers x " LB(",'backends':[{'port':'p2'}]"), "");
    check_also(model, "cascade ports p2",
               "update groups g\nupdate groups only\n"
               "update loadbalancers x\n");
    check_spec(model, VMN_TABLE_GROUP, "only", "{}");
    check_spec(model, VMN_TABLE_GROUP, "g", "{'selector':'role=web'}");
    assert_non_null(model_get(model, VMN_TABLE_POLICY, "q"));
}

static void
cascade_of_a_group_takes_it_out_of_others(void **state)
{
    struct model *model = *state;

    apply(model, "put groups a {}\nput groups d {'groups':['a']}", "");
    check_also(model, "cascade groups a", "update groups d\n");
}

#define PEERS "{'direction':'ingress','action':'allow','peers':["

static void
cascade_of_a_peer_keeps_the_policy_and_its_isolation(void **state)
{
    struct model *model = *state;

    /* Without the rule, "directions" would be just egress by default. */
    apply(model, "put groups peer {}\nput groups two {}\n"
          "put policies in {'applies_to':['g','peer'],'rules':["
          PEERS "{'group':'peer'}]},"
          PEERS "{'group':'peer'},{'group':'two'}]},"
          "{'direction':'egress','action':'deny'}]}\n"
          "put policies all {'applies_to':['two'],'rules':["
          PEERS "{'group':'peer'}]}]}\n"
          "put policies gone {'applies_to':['peer']}", "");
    check_also(model, "cascade groups peer",
               "delete policies gone\nupdate policies all\n"
               "update policies in\n");
    check_spec(model, VMN_TABLE_POLICY, "in",
               "{'tier':'application','priority':500,'applies_to':['g'],"
               "'directions':['ingress','egress'],'mode':'enforce','on_change':'recheck',"
               "'rules':["
               PEERS "{'group':'two'}],'log':false},"
               "{'direction':'egress','action':'deny','log':false}]}");
    check_spec(model, VMN_TABLE_POLICY, "all",
               "{'tier':'application','priority':500,'applies_to':['two'],"
               "'directions':['ingress'],'mode':'enforce','on_change':'recheck'}");
    assert_null(model_get(model, VMN_TABLE_POLICY, "gone"));
}

#define SERVICES "{'direction':'egress','action':'allow','services':["

static void
cascade_of_a_service_keeps_the_policy(void **state)
{
    struct model *model = *state;

    apply(model, "put services s {'entries':[{'protocol':'tcp'}]}\n"
          "put policies q {'applies_to':['g'],'rules':["
          SERVICES "{'service':'s'}]},"
          SERVICES "{'service':'s'},{'protocol':'udp'}]}]}", "");
    check_also(model, "cascade services s", "update policies q\n");
    check_spec(model, VMN_TABLE_POLICY, "q",
               "{'tier':'application','priority':500,'applies_to':['g'],"
               "'directions':['egress'],'mode':'enforce','on_change':'recheck',"
               "'rules':["
               SERVICES "{'protocol':'udp'}],'log':false}]}");
}

#define DENY ",'rules':[{'direction':'ingress','action':'deny'}]"

static void
cascade_of_a_tier_takes_its_policies_along(void **state)
{
    struct model *model = *state;

    /* To fall back to the default tier would be another policy. */
    apply(model, "put tiers early {'position':3}\n"
          "put policies q {'applies_to':['g'],'tier':'early'" DENY "}", "");
    apply(model, "delete tiers early",
          " tier \"early\" is referenced by policy \"q\"\n");
    check_also(model, "cascade tiers early", "delete policies q\n");
}

static void
cascade_of_a_host_unpins_its_ports(void **state)
{
    struct model *model = *state;

    /* The second subnet is full, which is no reason to refuse this. */
    apply(model, "patch ports p1 {'host':'h1'}\n"
          "put bindings p1 {'host':'h1'}", "");
    apply(model, "patch networks n {'subnets':[{'cidr':'10.0.0.0/24',"
          "'gateway':'10.0.0.1'},{'cidr':'10.1.0.0/31'}]}\n"
          "put ports a {'network':'n'}\nput ports b {'network':'n'}", "");
    struct vmn_mac mac = get_port(model, "p1")->mac;
    check_also(model, "cascade hosts h1", "update ports p1\n");
    assert_null(get_port(model, "p1")->host);
    check_ip(model, "p1", "10.0.0.2");
    assert_memory_equal(&get_port(model, "p1")->mac, &mac, sizeof mac);
    assert_null(model_get(model, VMN_TABLE_BINDING, "p1"));
}

static void
cascade_that_meets_a_plain_deletion_is_refused(void **state)
{
    apply(*state, "put groups x {'ports':['p1','p2']}", "");
    apply(*state, "cascade ports p2\ndelete ports p1",
          "/1 port \"p1\" is referenced by group \"x\"\n");
}

static void
cascade_keeps_the_set_of_what_it_changes(void **state)
{
    struct model *model = *state;
    char *also = apply_also(model, "shop", "put groups x {'ports':['p2']}");

    free(also);
    apply(model, "cascade ports p2", "");
    also = apply_also(model, "shop", "put groups y {}");
    assert_string_equal(also, "delete groups x\n");
    free(also);
}

/* Applies cascades that may change what is no newer than 'since' (by
 * operation; 0: anything), and expects these errors. */
static void
check_since(struct model *model, const char *text, const uint64_t *since,
            const char *expected)
{
    struct model_request request;
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct vmn_errors errors;
    uint64_t revision;
    int error;

    vmn_errors_init(&errors);
    model_request_init(&request, "test");
    model_util_parse(&request, text);
    request.list = request.n_ops > 1;
    for (size_t i = 0; i < request.n_ops; i++) {
        request.ops[i].cascade_since = since[i];
    }
    error = model_apply(model, &request, 5, &revision, &errors);
    for (size_t i = 0; i < errors.n; i++) {
        assert_int_equal(errors.errors[i].code, VMN_ERR_CONFLICT);
        ds_put_format(&ds, "%s %s\n", errors.errors[i].pointer,
                      errors.errors[i].text);
    }
    assert_string_equal(ds_cstr(&ds), expected);
    assert_int_equal(error != 0, *expected != '\0');
    ds_destroy(&ds);
    vmn_errors_uninit(&errors);
    model_request_uninit(&request);
}

/* What a cascade deletes or changes must not have changed since, however far
 * it is from what the request names; what it does not change may have. */
static void
cascade_of_what_was_looked_at(void **state)
{
    struct model *model = *state;
    char *expected;
    uint64_t then;

    apply(model, "put groups a {'ports':['p2']}\n"
          "put loadbalancers one " LB(",'backends':[{'port':'p1'}]"), "");
    then = model_revision(model);
    apply(model, "put groups b {'ports':['p1']}", "");
    apply(model, "patch ports p2 {'description':'x'}", "");
    apply(model, "put groups c {}\nput networks m2 {}", "");
    expected = xasprintf(
        " port \"p2\", which would be deleted as well, has come or was "
        "changed since, in revision %d\n"
        " group \"b\", which would be changed as well, has come or was "
        "changed since, in revision %d\n", (int) then + 2, (int) then + 1);
    check_since(model, "cascade networks n", &then, expected);
    free(expected);
    assert_non_null(get_port(model, "p2"));
    /* Of two deletions the one that may change less. */
    expected = xasprintf(
        "/1 port \"p2\", which would be deleted as well, has come or was "
        "changed since, in revision %d\n", (int) then + 2);
    check_since(model, "cascade groups b\ncascade networks n",
                (const uint64_t[]) { 0, then + 1 }, expected);
    free(expected);
    check_since(model, "cascade networks n",
                (const uint64_t[]) { then + 2 }, "");
    assert_null(get_port(model, "p2"));
    assert_null(model_get(model, VMN_TABLE_LOADBALANCER, "one"));
    assert_non_null(model_get(model, VMN_TABLE_GROUP, "b"));
}

/* What goes with either of two deletions goes by the one that may change less,
 * whichever of its fields refers to that. */
static void
cascades_that_meet_are_by_the_stricter(void **state)
{
    struct model *model = *state;
    uint64_t then = model_revision(model);
    char *expected;

    apply(model, "put ports s {'network':'m','parent':'p1','vlan':7}", "");
    expected = xasprintf(
        " port \"s\", which would be deleted as well, has come or was changed "
        "since, in revision %d\n", (int) then + 1);
    for (size_t i = 0; i < 2; i++) {
        char *told = xasprintf("/%d%s", (int) i, expected);

        check_since(model, "cascade networks m\ncascade ports p1",
                    (const uint64_t[]) { i ? 0 : then, i ? then : 0 }, told);
        free(told);
    }
    free(expected);
}

static void
prune_deletes_what_the_set_no_longer_names(void **state)
{
    struct model *model = *state;
    uint64_t revision;
    char *errors;

    errors = model_util_apply(model, "test", "shop",
                              "put groups a {}\nput groups b {}\n"
                              "put policies r {'applies_to':['a']}",
                              &revision);
    assert_string_equal(errors, "");
    free(errors);

    /* 'a' is still needed by what is named. */
    errors = model_util_apply(model, "test", "shop",
                              "put policies r {'applies_to':['a']}",
                              &revision);
    assert_string_equal(errors, " group \"a\" is referenced by policy "
                        "\"r\"\n");
    free(errors);
    assert_non_null(model_get(model, VMN_TABLE_GROUP, "b"));

    errors = model_util_apply(model, "test", "shop", "put groups b {}",
                              &revision);
    assert_string_equal(errors, "");
    free(errors);
    assert_null(model_get(model, VMN_TABLE_GROUP, "a"));
    assert_null(model_get(model, VMN_TABLE_POLICY, "r"));
    assert_non_null(model_get(model, VMN_TABLE_GROUP, "b"));
    assert_non_null(model_get(model, VMN_TABLE_GROUP, "g"));
}

/* The revision of a request is the change's own, also if nothing that the
 * request names was changed. */
static void
what_only_prunes_has_a_revision_of_its_own(void **state)
{
    struct model *model = *state;
    uint64_t before, revision;

    free(model_util_apply(model, "test", "shop",
                          "put groups a {}\nput groups b {}", &before));
    free(model_util_apply(model, "test", "shop", "put groups a {}",
                          &revision));
    assert_null(model_get(model, VMN_TABLE_GROUP, "b"));
    assert_int_equal(revision, before + 1);
    assert_int_equal(revision, model_revision(model));
    free(model_util_apply(model, "test", "shop", "", &revision));
    assert_null(model_get(model, VMN_TABLE_GROUP, "a"));
    assert_int_equal(revision, before + 2);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, model_setup, \
                                                   model_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cascade_of_a_host_cancels_migrations),
        TEST(cascade_of_a_network_takes_its_ports),
        TEST(cascade_of_a_port_keeps_what_lists_it),
        TEST(cascade_of_a_group_takes_it_out_of_others),
        TEST(cascade_of_a_peer_keeps_the_policy_and_its_isolation),
        TEST(cascade_of_a_service_keeps_the_policy),
        TEST(cascade_of_a_tier_takes_its_policies_along),
        TEST(cascade_of_a_host_unpins_its_ports),
        TEST(cascade_that_meets_a_plain_deletion_is_refused),
        TEST(cascade_keeps_the_set_of_what_it_changes),
        TEST(cascade_of_what_was_looked_at),
        TEST(cascades_that_meet_are_by_the_stricter),
        TEST(prune_deletes_what_the_set_no_longer_names),
        TEST(what_only_prunes_has_a_revision_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
