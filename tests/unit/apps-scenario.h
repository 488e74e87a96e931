/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases of tests of apps: changes of the state, and lines that flows of a host
 * must or must not show after each.  After every change, the engine must
 * report no problem, and a compile from nothing must give the same. */

#ifndef TESTS_UNIT_APPS_SCENARIO_H
#define TESTS_UNIT_APPS_SCENARIO_H 1

#include <stddef.h>

/* A line is "+" or "-" (must be there, or must not) and text that the line of
 * a flow or group is to contain, as apps_fixture_expand() takes it. */
struct check {
    const char *host;
    const char *line;
};

struct step {
    const char *rows;           /* As apps_fixture_apply() takes them. */
    struct check checks[24];
};

struct scenario {
    const char *name;
    struct step steps[8];
};

/* Runs 'n' scenarios as the tests of 'group', with 'apps' as
 * apps_fixture_create() takes them.  Returns how many failed. */
int run_scenarios(const char *group, const char *const *apps,
                  struct scenario *, size_t n);

#endif /* tests/unit/apps-scenario.h */
