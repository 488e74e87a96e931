/* SPDX-License-Identifier: Apache-2.0
 *
 * Apps follow their rows (controller/vmnd-apps.c), also where a change of
 * several apps is rolled back that have no room in any order; and one that
 * could not be loaded is loaded again. */

#include <config.h>

#include "tests/unit/commit-fixture.h"
#include "tests/unit/toy-app.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/commit/commit.h"
#include "controller/flow/pipeline.h"
#include "controller/schema/module-code.h"
#include "controller/vmnd.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

#define SCRIPT                                                          \
    "local function each(view, key, emit)\n"                            \
    "    emit:flow { scope = { host = key }, stage = 's',\n"            \
    "                priority = 10, match = {} }:next()\n"              \
    "end\n"                                                             \
    "return { name = '%s',\n"                                           \
    "  stages = { { name = 's', hook = 'admit', order = %d,\n"          \
    "               n_tables = %d } },\n"                               \
    "  units = { { name = 'n', each = 'host', compile = each } } }\n"

#define LIMIT_MS 60000

static struct vmnd vmnd;
static char *worker;            /* The program that apps run in. */

/* What the rest of vmnd does about it is not needed.  --------------------- */

void
vmnd_watch_workers(struct vmnd *vmnd_ OVS_UNUSED)
{
}

void
vmnd_set_ready(void *vmnd_ OVS_UNUSED)
{
}

void
vmnd_die_of(int error, const char *what, const char *text)
{
    fail_msg("%s: %s (%d)", what, text, error);
    abort();
}

/* Rows.  ------------------------------------------------------------------ */

/* Lets the store have what was submitted, which may take the commit some
 * turns, and finish or fail. */
static void
store(int error)
{
    int64_t until = time_msec() + LIMIT_MS;

    while (!store_done && !n_refused && time_msec() < until) {
        commit_turn();
    }
    finish_store(error);
}

/* Adds to the request that the app is to have so many tables. */
static void
add_app(struct model_request *request, const char *name, int order,
        int n_tables)
{
    const struct vmn_app_row *row = model_get(core.model, VMN_TABLE_APP,
                                              name);
    char *text = xasprintf(SCRIPT, name, order, n_tables);
    char *code = module_code_make(text, strlen(text));
    char digest[MODULE_DIGEST_LEN + 1];

    request->loads = true;
    assert_true(module_code_digest(code, digest));
    model_request_add(request, row ? MODEL_PATCH : MODEL_PUT, VMN_TABLE_APP,
                      name, json_pack("{s:{s:s, s:s}, s:s}", "module", "file",
                                      "x.lua", "digest", digest, "code",
                                      code));
    free(code);
    free(text);
}

/* The apps 'a' and 'b' are to have so many, in one change. */
static void
submit_both(int n_a, int n_b)
{
    struct model_request request;

    model_request_init(&request, "test");
    add_app(&request, "a", 10, n_a);
    add_app(&request, "b", 20, n_b);
    commit_submit(vmnd.commit, &request, committed, NULL);
}

/* The app's stage is at 'first', as its row says as well. */
static void
check_place(const char *name, int first, unsigned n_tables)
{
    const struct pipeline_app *app
        = pipeline_find(apphost_pipeline(vmnd.apphost), name);
    const struct vmn_app_row *row = model_get(core.model, VMN_TABLE_APP,
                                              name);

    assert_null(app->absent);
    assert_int_equal(app->n_stages, 1);
    assert_int_equal(app->stages[0].first_table, first);
    assert_int_equal(app->stages[0].class_->n_tables, n_tables);
    assert_int_equal(row->module.n_stages, 1);
    assert_int_equal(row->module.stages[0].first_table, first);
    assert_int_equal(row->module.stages[0].tables, n_tables);
}

/* Has there be the program that apps run in, or not. */
static void
set_worker(bool is_there)
{
    unlink(worker);
    assert_int_equal(is_there ? symlink(getenv("VMN_TEST_WORKER"), worker) : 0,
                     0);
}

static int
setup(void **state OVS_UNUSED)
{
    set_worker(true);
    core.apphost = apphost_create(worker, false);
    assert_int_equal(apphost_add(core.apphost, &toy_class, NULL), 0);
    assert_int_equal(apphost_add_absent(core.apphost, "option", NULL, NULL,
                                        "it is not there", NULL), 0);
    core.model = model_create();
    core.engine = engine_create(core.model, apphost_pipeline(core.apphost));
    commit_setup_core();
    vmnd = (struct vmnd) {
        .apphost = core.apphost, .model = core.model, .engine = core.engine,
        .commit = the_commit, .active = true,
    };
    commit_set_follow(the_commit, vmnd_follow_apps, &vmnd);
    commit_set_note(the_commit, vmnd_note_apps, &vmnd);
    add_host("h1");
    store(0);
    return 0;
}

/* Each is there again, though it has room only where the other one is, until
 * that has gone back. */
static void
apps_that_change_together_are_rolled_back_together(void **state OVS_UNUSED)
{
    struct model_request request;
    struct ds ds = DS_EMPTY_INITIALIZER;
    size_t total;

    /* All spare tables; and those of the hook but the first one. */
    model_request_init(&request, "test");
    add_app(&request, "f", 30, 16);
    add_app(&request, "g", 40, 16);
    commit_submit(vmnd.commit, &request, committed, NULL);
    store(0);
    check_place("f", 208, 16);
    check_place("g", 224, 16);
    submit_both(10, 5);
    store(0);
    check_place("a", 1, 10);
    check_place("b", 11, 5);
    total = engine_host_total(core.engine, "h1");

    submit_both(5, 10);
    store(ENOSPC);
    assert_int_equal(n_refused, 1);
    n_refused = 0;
    check_place("a", 1, 10);
    check_place("b", 11, 5);
    assert_int_equal(engine_host_total(core.engine, "h1"), total);
    assert_int_equal(engine_verify(core.engine, &ds), 0);
    ds_destroy(&ds);

    submit_both(5, 10);
    store(0);
    assert_int_equal(n_refused, 0);
    check_place("a", 1, 5);
    check_place("b", 6, 10);
}

/* What the last load_again() found. */
static struct {
    const char *name;
    bool done;
    int error;
    struct vmn_error why;
} again;

static void
load_again_cb(void *aux OVS_UNUSED)
{
    again.error = vmnd_load_absent(&vmnd, again.name, &again.why);
    again.done = true;
}

static void
prepared_cb(void *aux OVS_UNUSED, const char *error)
{
    if (error) {
        again.error = vmn_error_invalid(&again.why, "%s", error);
        again.done = true;
    } else {
        commit_when_quiescent(the_commit, load_again_cb, NULL);
    }
}

/* Has the app loaded again, which ends with an error that has 'expected' in
 * it; NULL: with none. */
static void
load_again(const char *name, const char *expected)
{
    int64_t until = time_msec() + LIMIT_MS;

    again.name = name;
    again.done = false;
    if (!vmnd_prepare_absent(&vmnd, name, prepared_cb, NULL, &again.why)) {
        again.error = EINVAL;
        again.done = true;
    }
    while (!again.done && time_msec() < until) {
        apphost_run(core.apphost);
        commit_turn();
    }
    assert_true(again.done);
    if (expected) {
        assert_int_equal(again.error, EINVAL);
        assert_non_null(strstr(again.why.text, expected));
        vmn_error_uninit(&again.why);
    } else {
        assert_int_equal(again.error, 0);
    }
}

static void
app_that_could_not_be_loaded_is_loaded_again(void **state OVS_UNUSED)
{
    const struct pipeline *pipeline = apphost_pipeline(core.apphost);
    size_t total = engine_host_total(core.engine, "h1");
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct model_request request;

    set_worker(false);
    model_request_init(&request, "test");
    add_app(&request, "a", 10, 5);
    commit_submit(vmnd.commit, &request, committed, NULL);
    store(0);
    assert_non_null(pipeline_find(pipeline, "a")->absent);
    n_groups = 0;
    load_again("a", "app a cannot be loaded: ");
    load_again("nobody", "no app of that name has a worker");
    load_again("app", "no app of that name has a worker");
    load_again("option", "is one of vmnd's options, which are loaded when it "
               "starts: it is not there");
    assert_non_null(pipeline_find(pipeline, "a")->absent);
    assert_int_equal(n_groups, 0);

    set_worker(true);
    load_again("a", NULL);
    while (n_groups < 2) {      /* Its flows, and where it is. */
        store(0);
    }
    check_place("a", 1, 5);
    assert_true(engine_host_total(core.engine, "h1") > total);
    assert_int_equal(engine_verify(core.engine, &ds), 0);
    ds_destroy(&ds);
    load_again("a", "no app of that name has a worker");
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            apps_that_change_together_are_rolled_back_together, setup,
            commit_teardown),
        cmocka_unit_test_setup_teardown(
            app_that_could_not_be_loaded_is_loaded_again, setup,
            commit_teardown),
    };
    int failed;

    setenv("VMN_TEST_WORKER", "./vmn-app-worker", 1);
    worker = xasprintf("./follow-worker.%ld", (long) getpid());
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(worker);
    free(worker);
    return failed;
}
