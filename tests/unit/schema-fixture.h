/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of controller/schema share: rows of a specification in JSON,
 * and back. */

#ifndef TESTS_UNIT_SCHEMA_FIXTURE_H
#define TESTS_UNIT_SCHEMA_FIXTURE_H 1

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "controller/schema/schema-struct.h"

json_t *load_row(const char *text);
char *dump_row(const json_t *json);

struct bad_case {
    const char *table;
    const char *spec;
    /* "POINTER TEXT" of each error, in order, each on a line. */
    const char *errors;
};

#define POLICY(RULES) "{'applies_to':['g'],'rules':[" RULES "]}"
#define RULE(MORE) "{'direction':'ingress','action':'allow'," MORE "}"
#define LB(MORE) "{'vip':'10.0.0.9','networks':['n']," MORE "}"

#endif /* tests/unit/schema-fixture.h */
