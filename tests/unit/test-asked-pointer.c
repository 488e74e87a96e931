/* SPDX-License-Identifier: Apache-2.0
 *
 * Pointers into what was asked for, from those into the row that was made of
 * it. */

#include <config.h>

#include "controller/model/asked-pointer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/schema.h"
#include "util.h"

static const struct schema_field inner_fields[] = {
    { .name = "x", .type = SCHEMA_U32 },
    { .name = "y", .type = SCHEMA_U32 },
    { .name = NULL },
};
static const struct schema_struct inner = {
    .name = "inner", .fields = inner_fields,
};

static const struct schema_field element_fields[] = {
    { .name = "a", .type = SCHEMA_U32 },
    { .name = "b", .type = SCHEMA_U32 },
    { .name = "in", .type = SCHEMA_STRUCT, .nested = &inner },
    { .name = "set", .type = SCHEMA_STRUCT, .flags = SCHEMA_SET,
      .nested = &inner },
    { .name = NULL },
};
static const struct schema_struct element = {
    .name = "element", .fields = element_fields,
};

static const struct schema_field keyed_fields[] = {
    { .name = "k", .type = SCHEMA_STRING, .flags = SCHEMA_KEY },
    { .name = "v", .type = SCHEMA_U32 },
    { .name = NULL },
};
static const struct schema_struct keyed = {
    .name = "keyed", .fields = keyed_fields,
};

static const struct schema_field fields[] = {
    { .name = "set", .type = SCHEMA_STRUCT, .flags = SCHEMA_SET,
      .nested = &element },
    { .name = "keyed", .type = SCHEMA_STRUCT, .flags = SCHEMA_SET,
      .nested = &keyed },
    { .name = "list", .type = SCHEMA_STRUCT, .flags = SCHEMA_LIST,
      .nested = &element },
    { .name = "words", .type = SCHEMA_STRING, .flags = SCHEMA_SET },
    { .name = NULL },
};
static const struct schema_struct row = {
    .name = "row", .fields = fields,
};

static const struct {
    const char *kept, *asked;   /* With ' for ". */
    const char *pointer, *expected;
} cases[] = {
    /* With a key, whatever else differs. */
    { "{'keyed':[{'k':'p','v':1},{'k':'q','v':2}]}",
      "{'keyed':[{'k':'q','v':1},{'k':'p'}]}", "/keyed/0/v", "/keyed/1/v" },
    /* Without one, with defaults besides. */
    { "{'set':[{'a':1,'b':0},{'a':2,'b':0}]}",
      "{'set':[{'a':2},{'a':1,'b':null}]}", "/set/1/a", "/set/0/a" },
    { "{'set':[{'a':1},{'a':1}]}", "{'set':[{'a':1},{'a':1}]}", "/set/1",
      "/set/1" },
    /* One that has less may be another one's. */
    { "{'set':[{'a':1,'b':2},{'a':1}]}", "{'set':[{'a':1},{'a':1,'b':2}]}",
      "/set/0/b", "/set/1/b" },
    { "{'set':[{'a':1,'b':2},{'a':1}]}", "{'set':[{'a':1},{'a':1,'b':2}]}",
      "/set/1/a", "/set/0/a" },
    { "{'set':[{'a':1,'b':2},{'a':1}]}",
      "{'set':[{'a':1,'in':null,'set':null},{'a':1,'b':2}]}", "/set/0/b",
      "/set/1/b" },
    { "{'set':[{'in':{'x':1,'y':2}},{'in':{'x':1}}]}",
      "{'set':[{'in':{'x':1}},{'in':{'x':1,'y':2}}]}", "/set/0/in/y",
      "/set/1/in/y" },
    /* Sets in sets. */
    { "{'set':[{'a':1},{'a':2,'set':[{'x':1},{'y':1}]}]}",
      "{'set':[{'a':2,'set':[{'y':1},{'x':1}]},{'a':1}]}", "/set/1/set/0/x",
      "/set/0/set/1/x" },
    /* Of texts; and lists, which keep their order. */
    { "{'words':['p','q']}", "{'words':['q','p']}", "/words/0", "/words/1" },
    { "{'list':[{'a':1},{'a':2}]}", "{'list':[{'a':2},{'a':1}]}",
      "/list/0/a", "/list/0/a" },
    /* What is not there. */
    { "{'set':[{'a':1}]}", "{'set':[{'a':2}]}", "/set/0/a", "/set/0/a" },
    { "{'set':[{'a':1}]}", "{}", "/set/3/a", "/set/3/a" },
    { "{'set':[{'a':1}]}", "{'set':[{'a':1}]}", "/set/3/a", "/set/3/a" },
    { "{}", "{}", "/no/0/such", "/no/0/such" },
    { "{}", "{}", "", "" },
};

static json_t *
load(const char *text)
{
    char *copy = xstrdup(text);
    json_t *json;

    for (char *p = copy; *p; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    json = json_loads(copy, 0, NULL);
    free(copy);
    assert_non_null(json);
    return json;
}

static void
pointers_are_into_what_was_asked_for(void **state OVS_UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *kept = load(cases[i].kept), *asked = load(cases[i].asked);
        char *got = asked_pointer(cases[i].pointer, &row, kept, asked);

        if (strcmp(got, cases[i].expected)) {
            fail_msg("row %"PRIuSIZE": got %s, expected %s", i, got,
                     cases[i].expected);
        }
        free(got);
        json_decref(asked);
        json_decref(kept);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pointers_are_into_what_was_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
