/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of the app host: which apps it refuses and why, and how it places
 * stages. */

#include <config.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "controller/apphost/apphost.h"
#include "controller/flow/pipeline.h"
#include "util.h"

#define APP .abi = VMN_APP_ABI, .size = sizeof(struct vmn_app_class)

static void
refused(const struct vmn_app_class *class_, const char *why)
{
    struct apphost *host = apphost_create();
    char *text = NULL;

    assert_true(apphost_add(host, class_, &text));
    assert_non_null(text);
    if (!strstr(text, why)) {
        fail_msg("\"%s\" does not say \"%s\"", text, why);
    }
    free(text);
    apphost_destroy(host);
}

static void
compile_nothing(struct vmn_view *view, const char *key,
                struct vmn_emit *emit)
{
}

static void
handle_nothing(struct vmn_view *view, const struct vmn_packet_in *in,
               struct vmn_packets_out *out)
{
}

static void
apps_that_do_not_fit_are_refused(void **state)
{
#define REFUSED(WHY, ...) \
    refused(&(const struct vmn_app_class) { __VA_ARGS__ }, WHY)
#define STAGES(...) \
    .stages = (const struct vmn_stage_class[]) { { __VA_ARGS__ }, { NULL } }
#define UNITS(...) \
    .units = (const struct vmn_unit_class[]) { { __VA_ARGS__ }, { NULL } }

    REFUSED("ABI 99", .abi = 99, .size = 1000, .name = "x");
    REFUSED("bytes", .abi = VMN_APP_ABI, .size = 8, .name = "x");
    REFUSED("app name", APP);
    REFUSED("app name", APP, .name = "Upper");
    REFUSED("app name", APP, .name = "vmn");
    REFUSED("app name", APP,
            .name = "a-name-that-is-longer-than-thirty-one");
    REFUSED("no hook 77", APP, .name = "x",
            STAGES(.name = "s", .hook = 77, .n_tables = 1));
    REFUSED("0 tables", APP, .name = "x", STAGES(.name = "s"));
    REFUSED("17 tables", APP, .name = "x",
            STAGES(.name = "s", .n_tables = 17));
    REFUSED("no compile", APP, .name = "x", UNITS(.name = "u"));
    REFUSED("no table 99", APP, .name = "x",
            UNITS(.name = "u", .table = 99, .compile = compile_nothing));
    REFUSED("no relation", APP, .name = "x",
            UNITS(.name = "u", .each = VMN_EACH_KEY,
                  .compile = compile_nothing));
    REFUSED("no eval", APP, .name = "x",
            .queries = (const struct vmn_query_class[]) { { .name = "q" },
                                                          { NULL } });
#define HANDLERS(...) \
    .handlers = (const struct vmn_handler_class[]) { __VA_ARGS__, { NULL } }
    REFUSED("no handle function", APP, .name = "x",
            HANDLERS({ .name = "h" }));
    REFUSED("handler name", APP, .name = "x",
            HANDLERS({ .name = "H", .handle = handle_nothing }));
    REFUSED("two handlers", APP, .name = "x",
            HANDLERS({ .name = "h", .handle = handle_nothing },
                     { .name = "h", .handle = handle_nothing }));
    REFUSED("does not begin with", APP, .name = "x",
            .numbers = (const struct vmn_number_class[]) { { "y.k", 1 },
                                                           { NULL } });
}

static void
the_same_name_twice_is_refused(void **state)
{
    static const struct vmn_app_class class_ = { APP, .name = "same" };
    struct apphost *host = apphost_create();
    char *text = NULL;

    assert_int_equal(apphost_add(host, &class_, &text), 0);
    assert_true(apphost_add(host, &class_, &text));
    assert_non_null(strstr(text, "loaded already"));
    free(text);
    apphost_destroy(host);
}

/* A module that was built before there were handlers has a smaller class, and
 * what follows it in memory is nobody's. */
static void
an_app_of_a_smaller_class_has_no_handlers(void **state)
{
    const struct vmn_app_class class_ = {
        .abi = VMN_APP_ABI,
        .size = offsetof(struct vmn_app_class, handlers),
        .name = "old",
        HANDLERS({ .name = "h", .handle = handle_nothing }),
    };
    struct apphost *host = apphost_create();
    char *text = NULL;

    assert_int_equal(apphost_add(host, &class_, &text), 0);
    assert_null(pipeline_handlers(&apphost_pipeline(host)->apps[0]));
    apphost_destroy(host);
}

static void
a_missing_module_is_refused_with_its_name(void **state)
{
    struct apphost *host = apphost_create();
    char *text = NULL;

    assert_true(apphost_load(host, "/nonexistent", "ghost", &text));
    assert_non_null(strstr(text, "ghost"));
    free(text);
    apphost_destroy(host);
}

static const struct vmn_app_class early = {
    APP, .name = "early",
    .stages = (const struct vmn_stage_class[]) {
        { .name = "last", .hook = VMN_HOOK_DELIVER, .n_tables = 1 },
        { .name = "first", .hook = VMN_HOOK_ADMIT, .n_tables = 3 },
        { NULL },
    },
};
static const struct vmn_app_class late = {
    APP, .name = "late",
    .stages = (const struct vmn_stage_class[]) {
        { .name = "before", .hook = VMN_HOOK_DELIVER, .order = -1,
          .n_tables = 2 },
        { .name = "after", .hook = VMN_HOOK_ADMIT, .n_tables = 1 },
        { NULL },
    },
};

static void
stages_are_placed_by_hook_order_and_name(void **state)
{
    struct apphost *host = apphost_create();
    char *text = NULL;

    /* The order of loading does not matter. */
    assert_int_equal(apphost_add(host, &late, &text), 0);
    assert_int_equal(apphost_add(host, &early, &text), 0);
    assert_int_equal(apphost_place(host, &text), 0);

    const struct pipeline *p = apphost_pipeline(host);
    const struct pipeline_stage *e = p->apps[0].stages;
    const struct pipeline_stage *l = p->apps[1].stages;
    int deliver = PIPELINE_N_TABLES - 16;

    assert_int_equal(e[1].first_table, 0);
    assert_int_equal(e[1].next_table, 3);
    assert_int_equal(l[1].first_table, 3);
    assert_int_equal(l[1].next_table, deliver);
    assert_int_equal(l[0].first_table, deliver);
    assert_int_equal(l[0].next_table, deliver + 2);
    assert_int_equal(e[0].first_table, deliver + 2);
    assert_int_equal(e[0].next_table, -1);
    apphost_destroy(host);
}

static void
a_hook_that_is_full_is_refused(void **state)
{
    static const struct vmn_stage_class stages[] = {
        { .name = "s", .hook = VMN_HOOK_POLICY, .n_tables = 41 }, { NULL },
    };
    static const struct vmn_app_class a = { APP, .name = "a",
                                            .stages = stages };
    static const struct vmn_app_class b = { APP, .name = "b",
                                            .stages = stages };
    struct apphost *host = apphost_create();
    char *text = NULL;

    assert_int_equal(apphost_add(host, &a, &text), 0);
    assert_int_equal(apphost_add(host, &b, &text), 0);
    assert_true(apphost_place(host, &text));
    assert_non_null(strstr(text, "stage s of app b does not fit"));
    free(text);
    apphost_destroy(host);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(apps_that_do_not_fit_are_refused),
        cmocka_unit_test(the_same_name_twice_is_refused),
        cmocka_unit_test(an_app_of_a_smaller_class_has_no_handlers),
        cmocka_unit_test(a_missing_module_is_refused_with_its_name),
        cmocka_unit_test(stages_are_placed_by_hook_order_and_name),
        cmocka_unit_test(a_hook_that_is_full_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
