/* SPDX-License-Identifier: Apache-2.0
 *
 * The model: how many rows a table may have, and how long a chain of
 * balancers may be.  Not for what is in a row, nor for quotas, which
 * test-usage.c is for. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <jansson.h>

#include "controller/model/model.h"
#include "controller/schema/schema.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/model-fixture.h"
#include "util.h"

#define N_MAX 100
#define TOO_MANY " there can be at most 100 telemetries\n"
#define SPEC "{'ipfix':{'targets':['192.0.2.9:4739']}}"

/* Puts 'n' telemetries in one request, from number 'first' on. */
static void
put(struct model *model, size_t first, size_t n, const char *errors)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (size_t i = first; i < first + n; i++) {
        ds_put_format(&ds, "%sput telemetries t%"PRIuSIZE" " SPEC,
                      i > first ? "\n" : "", i);
    }
    apply(model, ds_cstr(&ds), errors);
    ds_destroy(&ds);
}

static void
a_table_has_as_many_rows_as_it_may(void **state)
{
    struct model *model = *state;

    assert_int_equal(schema_tables[VMN_TABLE_TELEMETRY]->max_rows, N_MAX);
    put(model, 0, N_MAX + 1, TOO_MANY);
    put(model, 0, N_MAX, "");
    put(model, N_MAX, 1, TOO_MANY);

    /* What is full may be changed, and one may come in another's place. */
    apply(model, "patch telemetries t0 {'description':'x'}", "");
    apply(model, "delete telemetries t0\nput telemetries x " SPEC, "");
    put(model, 0, 1, TOO_MANY);
    apply(model, "delete telemetries x", "");
    put(model, 0, 1, "");
}

/* As a file brings it of a vmnd that allowed more. */
static void
a_table_above_its_bound_may_change_but_not_grow(void **state)
{
    struct model *model = model_create();
    json_t *spec = json_pack("{s:{s:[s]}}", "ipfix", "targets",
                             "192.0.2.9:4739");
    struct model_meta meta = { .revision = 1 };
    struct vmn_errors errors;

    vmn_errors_init(&errors);
    for (int i = 0; i < N_MAX + 2; i++) {
        char *name = xasprintf("t%d", i);

        assert_int_equal(model_load_row(model, VMN_TABLE_TELEMETRY, name,
                                        spec, NULL, &meta, &errors), 0);
        free(name);
    }
    assert_int_equal(model_load_done(model, 1, &errors), 0);
    vmn_errors_uninit(&errors);
    json_decref(spec);

    apply(model, "patch telemetries t0 {'description':'x'}", "");
    put(model, N_MAX + 2, 1, TOO_MANY);
    apply(model, "delete telemetries t0", "");
    put(model, 0, 1, TOO_MANY);
    apply(model, "delete telemetries t1", "");
    put(model, 0, 1, TOO_MANY);
    apply(model, "delete telemetries t2", "");
    put(model, 0, 1, "");
    model_destroy(model);
}

/* A chain is as long as it may be, and not longer by one. */
static void
fallbacks_are_bounded(void **state)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct model *model = *state;

    for (int i = 0; i < VMN_LB_FALLBACKS_MAX; i++) {
        ds_put_format(&ds, "put loadbalancers b%d {'vip':'10.0.0.%d',"
                      "'networks':['n'],'ports':[{'port':80}],"
                      "'fallback':'b%d'}\n", i, 100 + i, i + 1);
    }
    ds_put_format(&ds, "put loadbalancers b%d {'vip':'10.0.0.%d',"
                  "'networks':['n'],'ports':[{'port':80}]}",
                  VMN_LB_FALLBACKS_MAX, 100 + VMN_LB_FALLBACKS_MAX);
    apply(model, ds_cstr(&ds), "");
    ds_destroy(&ds);
    apply(model, "put loadbalancers x {'vip':'10.0.0.99','networks':['n'],"
          "'ports':[{'port':80}],'fallback':'b0'}",
          "/fallback must not form a chain of more than 4, nor a cycle\n");
    apply(model, "put loadbalancers x {'vip':'10.0.0.99','networks':['n'],"
          "'ports':[{'port':80}],'fallback':'b1'}", "");
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, model_setup, \
                                                   model_teardown)

/* Appends a group of 'n' prefixes that are no others' halves. */
static void
put_group(struct ds *ds, const char *name, int n)
{
    ds_put_format(ds, "put groups %s {'cidrs':[", name);
    for (int i = 0; i < n; i++) {
        ds_put_format(ds, "%s'10.%d.%d.1/32'", i ? "," : "", i >> 8, i & 0xff);
    }
    ds_put_cstr(ds, "]}\n");
}

static void
apply_ds(struct model *model, struct ds *ds, const char *errors)
{
    apply(model, ds_cstr(ds), errors);
    ds_clear(ds);
}

#define RULE "{'direction':'ingress','action':'allow',"
#define MATCHES "must come to at most 100000 matches: each prefix of a peer " \
                 "is one, and each block of ports of a service\n"
#define WITH_IT " would come to more than 100000 matches with it\n"

/* Few rules that name large groups and services would be more flows than
 * vmnd has memory for; also by groups and services that grow afterwards. */
static void
matches_of_rules_are_bounded(void **state)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct model *model = *state;

    put_group(&ds, "big", 9000);
    ds_put_cstr(&ds, "put groups small {'cidrs':['192.0.2.0/24']}\n"
                "put groups outer {'groups':['small']}\n"
                "put services s {'entries':[{'protocol':'tcp',"
                "'ports':['1-65534']}]}\n"
                "put policies p {'applies_to':['g'],'rules':[");
    for (int i = 0; i < 11; i++) {
        ds_put_format(&ds, "%s" RULE "'peers':[{'group':'outer'}],'services':["
                      "{'service':'s'},{'protocol':'udp','ports':[%d]}]}",
                      i ? "," : "", i + 1);
    }
    ds_put_cstr(&ds, "]}\n");
    apply_ds(model, &ds, "");

    /* By the policy itself, and by a quarantine. */
    apply(model, "patch policies p {'rules':[" RULE "'peers':["
          "{'group':'big'}]}]}", "");
    for (int q = 0; q < 2; q++) {
        ds_put_cstr(&ds, q ? "put quarantines q {'selector':'a=b','allow':["
                    : "patch policies p {'rules':[");
        for (int i = 0; i < 12; i++) {
            ds_put_format(&ds, "%s{'direction':'ingress',%s'peers':["
                          "{'group':'big'}],'services':[{'protocol':'tcp',"
                          "'ports':[%d]}]}", i ? "," : "",
                          q ? "" : "'action':'allow',", i + 1);
        }
        ds_put_cstr(&ds, "]}");
        apply_ds(model, &ds, q ? "/allow " MATCHES : "/rules " MATCHES);
    }

    /* By a group within its peer, and by a service. */
    ds_put_cstr(&ds, "patch policies p {'rules':[");
    for (int i = 0; i < 12; i++) {
        ds_put_format(&ds, "%s" RULE "'peers':[{'group':'outer'}],'services':["
                      "{'service':'s'},{'protocol':'udp','ports':[%d]}]}",
                      i ? "," : "", i + 1);
    }
    ds_put_cstr(&ds, "]}");
    apply_ds(model, &ds, "");
    put_group(&ds, "small", 9000);
    apply_ds(model, &ds, " the rules of policy \"p\"" WITH_IT);
    put_group(&ds, "small", 8000);
    apply_ds(model, &ds, "");
    ds_put_cstr(&ds, "put services s {'entries':[");
    for (int i = 0; i < 10; i++) {
        ds_put_format(&ds, "%s{'protocol':'tcp','ports':[", i ? "," : "");
        for (int j = 0; j < 64; j++) {
            ds_put_format(&ds, "%s%d", j ? "," : "", i * 128 + 2 * j + 1);
        }
        ds_put_cstr(&ds, "]}");
    }
    ds_put_cstr(&ds, "]}");
    apply_ds(model, &ds, " the rules of policy \"p\"" WITH_IT);
    ds_destroy(&ds);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_table_has_as_many_rows_as_it_may),
        TEST(matches_of_rules_are_bounded),
        TEST(fallbacks_are_bounded),
        TEST(a_table_above_its_bound_may_change_but_not_grow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
