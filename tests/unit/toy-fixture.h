/* SPDX-License-Identifier: Apache-2.0
 *
 * One model and engine with an app made for the test, and what such apps and
 * tests have in common. */

#ifndef TESTS_UNIT_TOY_FIXTURE_H
#define TESTS_UNIT_TOY_FIXTURE_H 1

#include "tests/unit/toy-app.h"

extern struct toy toy;

/* One stage of two tables, STAGE, for an app's 'stages'. */
enum { STAGE };
extern const struct vmn_stage_class toy_stages[];

/* Makes 'toy' with the app, host "h1" and network "net", all compiled. */
void toy_setup(const struct vmn_app_class *);
/* cmocka's. */
int toy_teardown(void **state);
/* For main(): the case argv[1], or all 'n' tests. */
int toy_run_all(char *argv[], const struct CMUnitTest *tests, size_t n);

#endif /* tests/unit/toy-fixture.h */
