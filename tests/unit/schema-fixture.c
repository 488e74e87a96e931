/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of controller/schema share; see schema-fixture.h. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/unit/schema-fixture.h"
#include "util.h"

/* Test cases write ' for ". */
json_t *
load_row(const char *text)
{
    char *copy = xstrdup(text);
    json_error_t error;

    for (char *p = copy; *p; p++) {
        if (*p == '\'') {
            *p = '"';
        }
    }
    json_t *json = json_loads(copy, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
                              &error);
    if (!json) {
        fail_msg("%s: %s", copy, error.text);
    }
    free(copy);
    return json;
}

char *
dump_row(const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);

    for (char *p = text; *p; p++) {
        if (*p == '"') {
            *p = '\'';
        }
    }
    return text;
}
