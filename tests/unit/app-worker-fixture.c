/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of workers share; see app-worker-fixture.h. */

#include <config.h>

#include "tests/unit/app-worker-fixture.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "controller/engine/engine.h"
#include "controller/flow/pipeline.h"
#include "openvswitch/dynamic-string.h"
#include "timeval.h"
#include "util.h"

static char *module;
char *withdraw_module;

struct apps_fixture *
app_worker_start_with(const char *file)
{
    const char *const apps[] = { "overlay", file, NULL };
    struct apps_fixture *f = apps_fixture_create(apps);

    apps_fixture_apply(f, ROWS);
    apps_fixture_check(f);
    return f;
}

struct apps_fixture *
app_worker_start(void)
{
    return app_worker_start_with(module);
}

void
apply_network(struct apps_fixture *f, const char *name, int vni,
              const char *labels)
{
    char *json = xasprintf("{'networks/%s': {'vni': %d, 'subnets': "
                           "[{'cidr': '10.%d.0.0/24'}], 'labels': {%s}}}",
                           name, vni, name[0] - 'a', labels);

    apps_fixture_apply(f, json);
    free(json);
}

/* How many of the app's flows are there. */
size_t
count_flows(struct apps_fixture *f)
{
    struct ds flows = DS_EMPTY_INITIALIZER;
    size_t n = 0;

    apps_fixture_flows(f, "h1", false, &flows);
    for (const char *p = ds_cstr(&flows);
         (p = strstr(p, "bad.bad/0 10 ")); p++) {
        n++;
    }
    ds_destroy(&flows);
    return n;
}

bool
has_flow(struct apps_fixture *f, const char *text)
{
    struct ds flows = DS_EMPTY_INITIALIZER;
    bool has;

    apps_fixture_flows(f, "h1", false, &flows);
    has = strstr(ds_cstr(&flows), text) != NULL;
    ds_destroy(&flows);
    return has;
}

struct app_worker *
worker_of(struct apps_fixture *f, const char *app)
{
    const struct pipeline *pipeline = apps_fixture_pipeline(f);

    for (size_t i = 0; i < pipeline->n_apps; i++) {
        if (!strcmp(pipeline->apps[i].class_->name, app)) {
            return pipeline->apps[i].worker;
        }
    }
    return NULL;
}

struct app_worker_status
app_worker_status_of(struct apps_fixture *f)
{
    struct app_worker_status status;

    app_worker_get_status(worker_of(f, "bad"), &status);
    return status;
}

void
assert_either(const char *problem, const char *text, const char *other)
{
    if (!strstr(problem, text) && !strstr(problem, other)) {
        fail_msg("neither \"%s\" nor \"%s\" in: %s", text, other, problem);
    }
}

void
assert_problem(struct apps_fixture *f, const char *text)
{
    char *problems = apps_fixture_problems(f);

    if (!strstr(problems, text)) {
        fail_msg("no \"%s\" in: %s", text, problems);
    }
    free(problems);
}

/* Returns the processor time that children had which have ended. */
int64_t
children_ms(void)
{
    struct rusage usage;

    getrusage(RUSAGE_CHILDREN, &usage);
    return (timeval_to_msec(&usage.ru_utime)
            + timeval_to_msec(&usage.ru_stime));
}

/* Waits until it may be started again, and computes what was left. */
void
wait_ready(struct apps_fixture *f)
{
    struct engine *engine = apps_fixture_engine(f);

    for (int i = 0; !app_worker_run(worker_of(f, "bad")); i++) {
        assert_true(i < 10000);
        usleep(1000);
    }
    if (engine_take_ready_workers(engine)) {
        engine_delta_destroy(engine_run(engine));
    }
}

/* Looks after the worker, and computes what was late, until nothing is. */
void
wait_done(struct apps_fixture *f)
{
    struct engine *engine = apps_fixture_engine(f);

    for (int i = 0; ; i++) {
        char *problems = apps_fixture_problems(f);
        bool late = strstr(problems, "\"late\"") != NULL;

        free(problems);
        if (!late && !app_worker_is_busy(worker_of(f, "bad"))
            && !app_worker_is_busy(worker_of(f, "overlay"))) {
            return;
        }
        assert_true(i < 60000);
        usleep(1000);
        app_worker_look(worker_of(f, "bad"));
        app_worker_look(worker_of(f, "overlay"));
        if (engine_take_ready_workers(engine)) {
            engine_delta_destroy(engine_run(engine));
        }
    }
}

int
app_worker_setup(void **state OVS_UNUSED)
{
    char here[PATH_MAX];

    assert_non_null(getcwd(here, sizeof here));
    module = xasprintf("%s/tests/unit/.libs/bad-app.so", here);
    withdraw_module = xasprintf("%s/tests/unit/.libs/bad-app-withdraw.so",
                                here);
    setenv("VMN_TEST_WORKER", WORKER, 1);
    return 0;
}

int
app_worker_teardown(void **state OVS_UNUSED)
{
    free(module);
    free(withdraw_module);
    return 0;
}
