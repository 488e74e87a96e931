/* SPDX-License-Identifier: Apache-2.0
 *
 * The model: what is known of backends when the configuration of their
 * balancer changes. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "controller/model/model.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/model-fixture.h"
#include "util.h"

#define PROBES ",'health':{'type':'tcp'}"
#define BOTH ",'backends':[{'port':'p1'},{'port':'p2'}]"
#define ROW(LB, PORT, STATE) \
    "put healths " LB "/" PORT " {'loadbalancer':'" LB "','port':'" PORT "'," \
    "'state':'" STATE "'}\n"

/* Requests, one after the other, and the rows of health after the last. */
static const struct {
    const char *what, *requests[4], *rows;
} cases[] = {
    { "probes of a new balancer know nothing",
      { "put loadbalancers l " LB(BOTH PROBES) }, "" },
    { "what served without probes is up",
      { "put loadbalancers l " LB(BOTH),
        "put loadbalancers l " LB(BOTH PROBES) }, "l/p1=up l/p2=up" },
    { "and what a selector adds",
      { "patch ports p1 {'labels':{'kind':'x'}}\n"
        "put loadbalancers l " LB(",'selector':'kind=x'"),
        "put loadbalancers l " LB(",'selector':'kind=x'" PROBES) },
      "l/p1=up" },
    { "a new backend that comes with the probes is not",
      { "put loadbalancers l " LB(",'backends':[{'port':'p1'}]"),
        "put loadbalancers l " LB(BOTH PROBES) }, "l/p1=up" },
    { "nor one that gets its label with them",
      { "put loadbalancers l " LB(",'selector':'kind=x'"),
        "patch ports p1 {'labels':{'kind':'x'}}\n"
        "put loadbalancers l " LB(",'selector':'kind=x'" PROBES) }, "" },
    { "other probes change nothing",
      { "put loadbalancers l " LB(BOTH PROBES),
        ROW("l", "p1", "up") ROW("l", "p2", "down"),
        "put loadbalancers l " LB(BOTH ",'health':{'type':'http',"
                                  "'port':81}") },
      "l/p1=up l/p2=down" },
    { "without probes nothing is known but drains",
      { "put loadbalancers l " LB(BOTH PROBES),
        ROW("l", "p1", "down") ROW("l", "p2", "drained"),
        "put loadbalancers l " LB(BOTH) }, "l/p2=drained" },
    { "what was down serves without them, and is up with them again",
      { "put loadbalancers l " LB(BOTH PROBES), ROW("l", "p1", "down"),
        "put loadbalancers l " LB(BOTH),
        "put loadbalancers l " LB(BOTH PROBES) }, "l/p1=up l/p2=up" },
    { "a balancer that is renamed has the states",
      { "put loadbalancers l " LB(BOTH PROBES),
        ROW("l", "p1", "up") ROW("l", "p2", "down"),
        "delete loadbalancers l\n"
        "put loadbalancers k " LB(BOTH PROBES) }, "k/p1=up k/p2=down" },
    { "and drains, which need no probes",
      { "put loadbalancers l " LB(BOTH), ROW("l", "p2", "drained"),
        "delete loadbalancers l\n"
        "put loadbalancers k " LB(BOTH) }, "k/p2=drained" },
    { "renamed, and probed by the same request",
      { "put loadbalancers l " LB(BOTH),
        "put loadbalancers k " LB(BOTH PROBES) "\n"
        "delete loadbalancers l" }, "k/p1=up k/p2=up" },
    { "a name that another balancer gets is nothing of its backends",
      { "put loadbalancers l " LB(BOTH PROBES),
        ROW("l", "p1", "up"),
        "delete loadbalancers l\n"
        "put loadbalancers k {'vip':'10.0.0.101','networks':['n'],"
        "'ports':[{'port':80}]" BOTH PROBES "}" }, "" },
    { "a service that moves to another balancer takes its backends' along",
      { "put loadbalancers l " LB(BOTH PROBES) "\n"
        "put loadbalancers k {'vip':'10.0.0.100','networks':['n'],"
        "'ports':[{'port':81}],'backends':[{'port':'p1'}]" PROBES "}",
        ROW("l", "p1", "up") ROW("l", "p2", "up") ROW("k", "p1", "down"),
        "delete loadbalancers l\n"
        "put loadbalancers k {'vip':'10.0.0.100','networks':['n'],"
        "'ports':[{'port':80,'end_port':81}]" BOTH PROBES "}" },
      "k/p1=down k/p2=up" },
    { "another virtual IP, and another network, change nothing",
      { "put loadbalancers l " LB(BOTH PROBES), ROW("l", "p1", "up"),
        "put loadbalancers l {'vip':'10.0.0.101','networks':['n','m'],"
        "'ports':[{'port':99}]" BOTH PROBES "}" }, "l/p1=up" },
};

static char *
print_rows(struct model *model)
{
    static const char *const words[] = {
        [VMN_HEALTH_UP] = "up", [VMN_HEALTH_DOWN] = "down",
        [VMN_HEALTH_DRAINED] = "drained",
    };
    struct vmn_names names = model_names(model, VMN_TABLE_HEALTH);
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_health *row = model_get(model, VMN_TABLE_HEALTH,
                                                 names.names[i]);

        ds_put_format(&ds, "%s%s=%s", i ? " " : "", row->row.name,
                      words[row->state]);
    }
    return ds_steal_cstr(&ds);
}

static void
backends_keep_their_states_whatever_changes(void **state OVS_UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        void *model_;
        char *rows;

        assert_int_equal(model_setup(&model_), 0);
        for (size_t j = 0; j < 4 && cases[i].requests[j]; j++) {
            apply(model_, cases[i].requests[j], "");
        }
        rows = print_rows(model_);
        if (strcmp(rows, cases[i].rows)) {
            fail_msg("%s: \"%s\", and not \"%s\"", cases[i].what, rows,
                     cases[i].rows);
        }
        free(rows);
        model_teardown(&model_);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backends_keep_their_states_whatever_changes),
    };

    return cmocka_run_group_tests_name("model-health", tests, NULL, NULL);
}
