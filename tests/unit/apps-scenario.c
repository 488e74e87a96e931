/* SPDX-License-Identifier: Apache-2.0
 *
 * See apps-scenario.h. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/apps-scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/apps-fixture.h"
#include "util.h"

/* A test has one pointer for its state, which is its scenario. */
static const char *const *apps_of_group;

static void
run_check(struct apps_fixture *f, const struct check *check,
          const char *scenario, size_t step)
{
    char *text = apps_fixture_expand(f, check->line + 1);
    struct ds flows = DS_EMPTY_INITIALIZER;

    apps_fixture_flows(f, check->host, false, &flows);
    apps_fixture_groups(f, check->host, &flows);
    if ((strstr(ds_cstr(&flows), text) != NULL) != (check->line[0] == '+')) {
        fputs(ds_cstr(&flows), stderr);
        fail_msg("%s, step %"PRIuSIZE", %s: %s: %s", scenario, step,
                 check->host, check->line[0] == '+' ? "missing" : "not wanted",
                 text);
    }
    ds_destroy(&flows);
    free(text);
}

static void
run_scenario(void **state)
{
    const struct scenario *scenario = *state;
    struct apps_fixture *f = apps_fixture_create(apps_of_group);

    for (size_t i = 0; i < ARRAY_SIZE(scenario->steps); i++) {
        const struct step *step = &scenario->steps[i];

        if (!step->rows) {
            break;
        }
        apps_fixture_apply(f, step->rows);
        apps_fixture_check(f);
        for (size_t j = 0; j < ARRAY_SIZE(step->checks); j++) {
            if (step->checks[j].host) {
                run_check(f, &step->checks[j], scenario->name, i);
            }
        }
    }
    apps_fixture_destroy(f);
}

int
run_scenarios(const char *group, const char *const *apps,
              struct scenario *scenarios, size_t n)
{
    struct CMUnitTest *tests = xcalloc(n, sizeof *tests);
    int n_failed;

    for (size_t i = 0; i < n; i++) {
        tests[i].name = scenarios[i].name;
        tests[i].test_func = run_scenario;
        tests[i].initial_state = &scenarios[i];
    }
    apps_of_group = apps;
    n_failed = _cmocka_run_group_tests(group, tests, n, NULL, NULL);
    free(tests);
    return n_failed;
}
