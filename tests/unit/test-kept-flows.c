/* SPDX-License-Identifier: Apache-2.0
 *
 * What hosts have of units that fail from the start, and of apps that are not
 * there, stays (controller/engine/kept-flows.c), with the IDs that it may
 * refer to. */

#include <config.h>

#include "tests/unit/toy-fixture.h"

#include <string.h>

#include "controller/flow/flow-item.h"
#include "controller/flow/pipeline.h"
#include "controller/model/id-pools.h"
#include "controller/schema/tables.h"
#include "util.h"

#define GROUP 7

static void
compile(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read_port(view, key);

    if (!strcmp(port->network, "bad")) {
        vmn_fail(emit, "it is in bad");
    }
}

static const struct vmn_unit_class units[] = {
    { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
      .compile = compile },
    { .name = NULL },
};
static const struct vmn_app_class app = {
    VMN_APP_HEAD, .name = "toy", .stages = toy_stages, .units = units,
};

/* As it was when vmnd ran the last time. */
static const struct vmn_module_stage stages[] = {
    { .name = "stage", .hook = VMN_HOOK_ADMIT, .tables = 2,
      .miss = VMN_MISS_DROP, .scratch = VMN_SCRATCH(VMN_F_REG10),
      .first_table = 0, .next_table = 2 },
};
static const struct vmn_module module = { .n_stages = 1, .stages = stages };
/* Of one that cannot be loaded. */
static const struct vmn_module_stage gone_stages[] = {
    { .name = "gone", .hook = VMN_HOOK_ADMIT, .order = 1, .tables = 1,
      .first_table = 2, .next_table = -1 },
};
static const struct vmn_module gone = { .n_stages = 1, .stages = gone_stages };

static bool
keeps_unit(const char *name)
{
    bool keeps = engine_keeps_flow(toy.engine, 0, flow_owner_cookie(name)
                                                  | FLOW_COOKIE_COUNTED);

    assert_int_equal(engine_keeps_unit(toy.engine, name), keeps);
    return keeps;
}

/* Returns true if what the app's units "port", or its units "other", want is
 * not known. */
static bool
is_unknown(const char *name, bool other)
{
    const char *const of[] = { "none", other ? "other" : "port", NULL };

    return engine_keeps_units(toy.engine, name, of);
}

static bool
has_group(void)
{
    return id_pools_peek(model_id_pools(toy.model), VMN_ID_POOL_GROUP, "g");
}

static void
start_apphost(void)
{
    toy.apphost = apphost_create(NULL, false);
    assert_int_equal(apphost_add(toy.apphost, &app, NULL), 0);
}

/* With rows and an ID that were stored. */
static void
start_engine(void)
{
    struct id_pools *ids;

    toy.model = model_create();
    toy.engine = engine_create(toy.model, apphost_pipeline(toy.apphost));
    ids = model_id_pools(toy.model);
    assert_int_equal(id_pools_load(ids, VMN_ID_POOL_GROUP, "g", GROUP), 0);
    toy_edit(&toy, VMN_TABLE_HOST, "h1", toy_host(1));
    toy_edit(&toy, VMN_TABLE_NETWORK, "net", toy_network());
    toy_edit(&toy, VMN_TABLE_NETWORK, "bad", json_pack("{s:i}", "vni", 9));
    toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("bad", "a"));
    toy_edit(&toy, VMN_TABLE_PORT, "b", toy_port("net", "b"));
}

static void
start(bool is_absent, const struct vmn_module *before)
{
    start_apphost();
    if (is_absent) {
        assert_int_equal(apphost_add_absent(toy.apphost, "gone", NULL, &gone,
                                            "why", NULL), 0);
        apphost_compare_place(toy.apphost, "gone", &gone);
    }
    apphost_compare_place(toy.apphost, "toy", before);
    start_engine();
}

static void
run(void)
{
    engine_delta_destroy(engine_run(toy.engine));
}

static void
unit_that_fails_at_the_start_is_kept_until_it_does_not(void **state OVS_UNUSED)
{
    start(true, &module);
    run();
    assert_true(keeps_unit("toy.port/a"));
    assert_false(keeps_unit("toy.port/b"));
    assert_false(keeps_unit("toy.port/c"));
    assert_true(engine_keeps_flow(toy.engine, 2, 1));
    assert_false(engine_keeps_flow(toy.engine, 1, 1));
    assert_true(is_unknown("toy", false));
    assert_false(is_unknown("toy", true));
    assert_true(is_unknown("gone", true));
    assert_false(is_unknown("none", false));
    assert_true(engine_keeps_group(toy.engine, GROUP));
    assert_false(engine_keeps_group(toy.engine, GROUP + 1));
    id_pools_acked(model_id_pools(toy.model), UINT64_MAX);
    assert_true(has_group());
    assert_false(engine_take_released(toy.engine));

    /* One that fails later has what it has. */
    toy_edit(&toy, VMN_TABLE_PORT, "b", toy_port("bad", "b"));
    run();
    assert_false(keeps_unit("toy.port/b"));

    toy_edit(&toy, VMN_TABLE_PORT, "a", NULL);
    run();
    assert_true(engine_take_released(toy.engine));
    assert_false(keeps_unit("toy.port/a"));
    assert_false(is_unknown("toy", false));
    assert_false(engine_take_released(toy.engine));
    assert_true(engine_keeps_group(toy.engine, GROUP));

    toy_edit(&toy, VMN_TABLE_APP, "gone", json_pack("{s:b}", "enabled", 0));
    run();
    assert_true(engine_take_released(toy.engine));
    assert_false(engine_keeps_flow(toy.engine, 2, 1));
    assert_false(is_unknown("gone", true));
}

static void
ids_are_free_when_nothing_is_kept_any_more(void **state OVS_UNUSED)
{
    static const struct vmn_module_stage alone[] = {
        { .name = "stage", .hook = VMN_HOOK_ADMIT, .tables = 2,
          .miss = VMN_MISS_DROP, .scratch = VMN_SCRATCH(VMN_F_REG10),
          .first_table = 0, .next_table = -1 },
    };
    static const struct vmn_module before = { .n_stages = 1, .stages = alone };

    start(false, &before);
    run();
    assert_true(keeps_unit("toy.port/a"));
    toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("net", "a"));
    run();
    assert_true(engine_take_released(toy.engine));
    assert_false(keeps_unit("toy.port/a"));
    assert_false(engine_keeps_group(toy.engine, GROUP));
    id_pools_acked(model_id_pools(toy.model), UINT64_MAX);
    assert_false(has_group());
}

static void
nothing_is_kept_of_stages_that_have_moved(void **state OVS_UNUSED)
{
    start(false, &module);      /* Now no stage follows. */
    run();
    assert_false(keeps_unit("toy.port/a"));
    assert_false(engine_keeps_group(toy.engine, GROUP));
}

static const struct vmn_module *
get_module(void *elsewhere_, const char *name)
{
    static struct vmn_module_stage moved;
    static const struct vmn_module there = { .n_stages = 1, .stages = &moved };
    const char *elsewhere = elsewhere_;

    moved = strcmp(name, "gone") ? stages[0] : gone_stages[0];
    moved.first_table += 6 * !strcmp(name, elsewhere);
    return &there;
}

static void
move(const char *app_name)
{
    assert_true(apphost_move(toy.apphost, get_module,
                             CONST_CAST(char *, app_name)));
    engine_apps_moved(toy.engine);
    run();
}

/* As another member of a cluster says. */
static void
nothing_is_kept_of_stages_that_move(void **state OVS_UNUSED)
{
    start(true, &module);
    run();
    move("gone");
    assert_true(engine_take_released(toy.engine));
    assert_false(engine_keeps_flow(toy.engine, 2, 1));
    assert_false(engine_keeps_flow(toy.engine, 8, 1));
    assert_false(is_unknown("gone", true));
    /* It leads to table 2, where there is nothing now. */
    assert_false(keeps_unit("toy.port/a"));
    assert_false(engine_keeps_group(toy.engine, GROUP));
}

/* All that is kept by start(true, ...), with the IDs. */
static bool
keeps_all(void)
{
    id_pools_acked(model_id_pools(toy.model), UINT64_MAX);
    return (keeps_unit("toy.port/a") && engine_keeps_flow(toy.engine, 2, 1)
            && is_unknown("gone", true) && has_group()
            && engine_keeps_group(toy.engine, GROUP));
}

static void
remove_gone(void)
{
    const struct pipeline_app *absent
        = pipeline_find(apphost_pipeline(toy.apphost), "gone");

    engine_remove_app(toy.engine, absent);
    apphost_remove(toy.apphost, "gone");
    engine_add_app(toy.engine, absent);
    run();
}

/* Has it be absent again, as its code does not load. */
static void
put_gone_back(void)
{
    static const struct apphost_file file = { "gone.lua", "", "digest" };

    apphost_replace(toy.apphost, "gone", &file, &gone);
    engine_add_app(toy.engine, pipeline_find(apphost_pipeline(toy.apphost),
                                             "gone"));
    run();
}

/* What is kept of apps is released once their change is durable, and not if it
 * is rolled back. */
static void
what_is_rolled_back_releases_nothing(void **state OVS_UNUSED)
{
    start(true, &module);
    run();
    move("gone");
    assert_true(keeps_all());
    move("none");               /* Back. */
    assert_false(engine_take_released(toy.engine));
    assert_true(keeps_all());

    remove_gone();
    assert_true(keeps_all());
    put_gone_back();
    assert_false(engine_take_released(toy.engine));
    assert_true(keeps_all());

    remove_gone();
    assert_true(engine_take_released(toy.engine));
    assert_false(engine_keeps_flow(toy.engine, 2, 1));
    assert_false(is_unknown("gone", true));
    assert_false(keeps_unit("toy.port/a"));
    id_pools_acked(model_id_pools(toy.model), UINT64_MAX);
    assert_false(has_group());
    put_gone_back();
    assert_false(engine_take_released(toy.engine));
    assert_false(engine_keeps_flow(toy.engine, 2, 1));
}

static void
enable_gone(bool enabled)
{
    toy_edit(&toy, VMN_TABLE_APP, "gone", json_pack("{s:b}", "enabled",
                                                    (int) enabled));
    run();
}

/* Also of an app that is disabled: hosts are not even compared again. */
static void
app_that_is_not_disabled_after_all_is_kept(void **state OVS_UNUSED)
{
    start(true, &module);
    enable_gone(true);
    assert_false(engine_take_released(toy.engine));
    enable_gone(false);
    assert_true(keeps_all());
    enable_gone(true);          /* It is rolled back. */
    assert_false(engine_take_released(toy.engine));
    assert_true(keeps_all());

    enable_gone(false);
    assert_true(engine_take_released(toy.engine));
    assert_false(engine_keeps_flow(toy.engine, 2, 1));
    assert_false(is_unknown("gone", true));
    assert_true(keeps_unit("toy.port/a"));
    enable_gone(true);
    assert_false(engine_keeps_flow(toy.engine, 2, 1));
    enable_gone(false);         /* That is. */
    assert_false(engine_take_released(toy.engine));
    assert_false(engine_keeps_flow(toy.engine, 2, 1));
}

/* Also of units: whether they are computed, or their app is replaced. */
static void
unit_that_is_rolled_back_is_kept(void **state OVS_UNUSED)
{
    const struct pipeline_app *toy_app;

    start(true, &module);
    toy_app = pipeline_find(apphost_pipeline(toy.apphost), "toy");
    run();
    toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("net", "a"));
    run();
    assert_true(keeps_all());
    toy_edit(&toy, VMN_TABLE_PORT, "a", toy_port("bad", "a"));
    run();
    assert_false(engine_take_released(toy.engine));
    assert_true(keeps_all());

    engine_remove_app(toy.engine, toy_app);
    assert_true(keeps_all());
    engine_add_app(toy.engine, toy_app);
    run();
    assert_false(engine_take_released(toy.engine));
    assert_true(keeps_all());

    engine_remove_app(toy.engine, toy_app);
    run();
    assert_true(engine_take_released(toy.engine));
    assert_false(keeps_unit("toy.port/a"));
    assert_false(is_unknown("toy", false));
    assert_true(engine_keeps_flow(toy.engine, 2, 1));
    engine_add_app(toy.engine, toy_app);
    run();
    assert_false(engine_take_released(toy.engine));
    assert_false(keeps_unit("toy.port/a"));
}

/* "gone" leads to "w", and that to "z", which is the first one at its hook. */
static void
start_with_others(void)
{
    static const struct vmn_module_stage w_stages[] = {
        { .name = "s", .hook = VMN_HOOK_SERVICE, .tables = 1,
          .first_table = 16, .next_table = -1 },
    };
    static const struct vmn_module_stage z_stages[] = {
        { .name = "s", .hook = VMN_HOOK_DELIVER, .tables = 1,
          .first_table = 192, .next_table = -1 },
    };
    static const struct vmn_module w = { .n_stages = 1, .stages = w_stages };
    static const struct vmn_module z = { .n_stages = 1, .stages = z_stages };
    struct vmn_module_stage leads = gone_stages[0];
    const struct vmn_module before = { .n_stages = 1, .stages = &leads };

    leads.next_table = w_stages[0].first_table;
    start_apphost();
    assert_int_equal(apphost_add_absent(toy.apphost, "gone", NULL, &before,
                                        "why", NULL), 0);
    assert_int_equal(apphost_add_absent(toy.apphost, "w", NULL, &w, "why",
                                        NULL), 0);
    assert_int_equal(apphost_add_absent(toy.apphost, "z", NULL, &z, "why",
                                        NULL), 0);
    apphost_compare_place(toy.apphost, "gone", &before);
    apphost_compare_place(toy.apphost, "toy", &module);
    start_engine();
}

/* Another app comes beside "z". */
static void
load_beside_z(const char *name, int order)
{
    static const struct apphost_file file = { "x.lua", "", "digest" };
    const struct vmn_module_stage stage = {
        .name = "s", .hook = VMN_HOOK_DELIVER, .order = order, .tables = 1,
        .first_table = -1, .next_table = -1,
    };
    const struct vmn_module its = { .n_stages = 1, .stages = &stage };
    const struct pipeline_app *loaded;

    apphost_replace(toy.apphost, name, &file, &its);
    loaded = pipeline_find(apphost_pipeline(toy.apphost), name);
    assert_int_equal(loaded->n_stages, 1);
    engine_add_app(toy.engine, loaded);
    run();
}

/* Flows may lead to any hook, not only to the next stage. */
static void
nothing_is_kept_that_may_lead_to_another_hook(void **state OVS_UNUSED)
{
    start_with_others();
    run();
    load_beside_z("last", 10);
    assert_false(engine_take_released(toy.engine));
    assert_true(keeps_all());

    load_beside_z("first", -10);
    assert_true(keeps_all());
    assert_true(engine_take_released(toy.engine));
    assert_false(keeps_unit("toy.port/a"));
    assert_false(engine_keeps_flow(toy.engine, 2, 1));
    assert_false(is_unknown("gone", true));
}

/* A standby frees what the writer has freed, and holds the rest once it is the
 * writer itself. */
static void
standby_holds_no_id(void **state OVS_UNUSED)
{
    static const struct id_write freed = { VMN_ID_POOL_GROUP, "freed", 0 };
    struct id_pools *ids;

    start(true, &module);
    ids = model_id_pools(toy.model);
    assert_int_equal(id_pools_load(ids, VMN_ID_POOL_GROUP, "freed", 8), 0);
    id_pools_set_frozen(ids, true);
    engine_set_following(toy.engine, true);
    run();
    assert_true(engine_keeps_group(toy.engine, GROUP));
    assert_int_equal(id_pools_replicate(ids, &freed, 1), 0);

    id_pools_set_frozen(ids, false);
    engine_set_following(toy.engine, false);
    id_pools_acked(ids, UINT64_MAX);
    assert_true(has_group());
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(
            unit_that_fails_at_the_start_is_kept_until_it_does_not,
            toy_teardown),
        cmocka_unit_test_teardown(ids_are_free_when_nothing_is_kept_any_more,
                                  toy_teardown),
        cmocka_unit_test_teardown(nothing_is_kept_of_stages_that_have_moved,
                                  toy_teardown),
        cmocka_unit_test_teardown(nothing_is_kept_of_stages_that_move,
                                  toy_teardown),
        cmocka_unit_test_teardown(what_is_rolled_back_releases_nothing,
                                  toy_teardown),
        cmocka_unit_test_teardown(app_that_is_not_disabled_after_all_is_kept,
                                  toy_teardown),
        cmocka_unit_test_teardown(unit_that_is_rolled_back_is_kept,
                                  toy_teardown),
        cmocka_unit_test_teardown(
            nothing_is_kept_that_may_lead_to_another_hook, toy_teardown),
        cmocka_unit_test_teardown(standby_holds_no_id,
                                  toy_teardown),
    };

    return toy_run_all(argv, tests, ARRAY_SIZE(tests));
}
