/* SPDX-License-Identifier: Apache-2.0
 *
 * A state of VMN without hosts or API; see kit-world.h. */

#include <config.h>

#include "controller/kit/kit-world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/apphost/apphost.h"
#include "controller/engine/engine.h"
#include "controller/flow/pipeline.h"
#include "controller/kit/kit-changes.h"
#include "controller/model/model.h"
#include "controller/schema/schema-origin.h"
#include "controller/simulator/learned-flows.h"
#include "util.h"
#include "vmn/text.h"

/* VMN's own, all of them, as vmnd loads them by default. */
static const char *const own[] = {
    "overlay", "firewall", "loadbalancer", "router", "gateway", "dhcp", "dns",
};

/* What time it is, in seconds since 1970: engine_set_clock() has a function
 * without arguments. */
static int64_t now_s;

static int64_t
get_time(void)
{
    return now_s;
}

/* Apps.  ------------------------------------------------------------------ */

/* It is a file, whatever it is called: not one of VMN's own. */
static int
load_file(struct apphost *apphost, const struct kit_setup *setup,
          struct vmn_error *why)
{
    char *path = xasprintf("%s%s", strchr(setup->file, '/') ? "" : "./",
                           setup->file);
    int error = apphost_load(apphost, setup->app_dir, path, why);

    free(path);
    return error;
}

static struct apphost *
load(const struct kit_setup *setup, struct vmn_error *why)
{
    char *worker = apphost_find_worker();
    struct apphost *apphost = apphost_create(worker, false);
    int error = 0;

    free(worker);
    for (size_t i = 0; !error && i < ARRAY_SIZE(own); i++) {
        error = apphost_load(apphost, setup->app_dir, own[i], why);
    }
    if (!error && setup->file) {
        error = load_file(apphost, setup, why);
    }
    if (error) {
        apphost_destroy(apphost);
        return NULL;
    }
    apphost_settle(apphost);
    return apphost;
}

/* Returns the app that is not VMN's own, or NULL. */
static const struct pipeline_app *
find_app(const struct apphost *apphost)
{
    const struct pipeline *pipeline = apphost_pipeline(apphost);

    for (size_t i = 0; i < pipeline->n_apps; i++) {
        if (!pipeline->apps[i].builtin) {
            return &pipeline->apps[i];
        }
    }
    return NULL;
}

static void
check_object(void *world_, const struct vmn_type_row *type,
             const struct vmn_row *object, uint64_t *checked,
             struct vmn_errors *faults)
{
    struct kit_world *world = world_;

    engine_check_object(world->engine, type, object, checked, faults);
}

/* Has the model know the types that the app declares. */
static int
declare_types(struct kit_world *world, const struct pipeline_app *app,
              struct vmn_error *why)
{
    struct model_declared declared[VMN_APP_TYPES_MAX];
    struct model_request request;
    struct vmn_errors errors;
    uint64_t revision;
    int error;

    for (size_t i = 0; i < app->n_types; i++) {
        declared[i] = (struct model_declared) {
            app->types[i].class_->name, app->types[i].spec,
        };
    }
    vmn_errors_init(&errors);
    model_request_init(&request, ORIGIN_NAME_VMND);
    model_request_set_types(&request, world->model, app->class_->name,
                            declared, app->n_types);
    error = model_apply(world->model, &request, 1, &revision, &errors);
    if (error) {
        vmn_error_invalid(why, "types of app %s: %s", app->class_->name,
                          errors.errors[0].text);
    }
    model_request_uninit(&request);
    vmn_errors_uninit(&errors);
    return error;
}

static void
compute(struct kit_world *world)
{
    engine_delta_destroy(engine_run(world->engine));
    model_settle(world->model);
    learned_flows_follow(world->learned, world->engine);
}

struct kit_world *
kit_world_create(const struct kit_setup *setup, struct vmn_error *why)
{
    struct kit_world *world = xzalloc(sizeof *world);
    const struct pipeline_app *app;

    world->placed = json_object();
    world->learned = learned_flows_create();
    world->apphost = load(setup, why);
    if (world->apphost && setup->twice) {
        world->other = load(setup, why);
    }
    if (!world->apphost || (setup->twice && !world->other)) {
        kit_world_destroy(world);
        return NULL;
    }
    world->model = model_create();
    model_show_types(world->model);
    world->engine = engine_create(world->model,
                                  apphost_pipeline(world->apphost));
    vmn_time_from_text(KIT_FIRST_TIME, &now_s);
    learned_flows_set_time(world->learned, now_s);
    engine_set_clock(world->engine, get_time);
    model_set_check_object(world->model, check_object, world);
    app = find_app(world->apphost);
    if (app) {
        world->app = xstrdup(app->class_->name);
        if (app->n_types && declare_types(world, app, why)) {
            kit_world_destroy(world);
            return NULL;
        }
    }
    compute(world);
    return world;
}

void
kit_world_destroy(struct kit_world *world)
{
    if (world) {
        engine_destroy(world->engine);
        model_destroy(world->model);
        apphost_destroy(world->other);
        apphost_destroy(world->apphost);
        learned_flows_destroy(world->learned);
        json_decref(world->placed);
        free(world->app);
        free(world);
    }
}

/* Workers.  --------------------------------------------------------------- */

void
kit_world_restart(struct kit_world *world)
{
    if (world->app) {
        apphost_resume(world->apphost, world->app);
    }
    if (world->app && world->other) {
        apphost_resume(world->other, world->app);
    }
}

/* Time.  ------------------------------------------------------------------ */

/* Reads the step's time.  Returns false with an error if it is none. */
static bool
read_time(const json_t *step, int64_t *seconds, struct vmn_errors *errors)
{
    const char *text = json_string_value(json_object_get(step, "time"));

    *seconds = now_s;
    if (text && !vmn_time_from_text(text, seconds)) {
        vmn_errors_add(errors, VMN_ERR_INVALID, "/time", "must be a time in "
                       "UTC such as \"2027-01-31T12:00:00Z\"");
        return false;
    }
    if (*seconds < now_s) {
        vmn_errors_add(errors, VMN_ERR_INVALID, "/time", "is before that of a "
                       "former step (the first has %s)", KIT_FIRST_TIME);
        return false;
    }
    return true;
}

/* Has it be 'seconds', and computes what follows from that alone. */
static void
set_time(struct kit_world *world, int64_t seconds)
{
    now_s = seconds;
    learned_flows_set_time(world->learned, seconds);
    if (engine_take_past_times(world->engine)) {
        compute(world);
    }
}

/* Changes.  --------------------------------------------------------------- */

int
kit_world_change(struct kit_world *world, const json_t *step,
                 struct vmn_errors *errors)
{
    json_t *placed = json_deep_copy(world->placed);
    int last_ofport = world->last_ofport;
    struct kit_changes changes;
    uint64_t revision;
    int error = EINVAL;
    int64_t seconds;

    if (!read_time(step, &seconds, errors)) {
        json_decref(placed);
        return EINVAL;
    }
    kit_world_restart(world);
    kit_changes_init(&changes, world);
    if (kit_changes_read(&changes, step, errors)) {
        error = model_apply(world->model, &changes.request, 1, &revision,
                            &changes.errors);
        kit_changes_tell(&changes, errors);
    }
    kit_changes_uninit(&changes);
    if (error) {
        json_decref(world->placed);
        world->placed = placed;
        world->last_ofport = last_ofport;
        return error;
    }
    json_decref(placed);
    compute(world);
    set_time(world, seconds);
    return 0;
}

int
kit_world_apply(struct kit_world *world, const json_t *step,
                struct vmn_error *why)
{
    struct vmn_errors errors;
    int error;

    vmn_errors_init(&errors);
    error = kit_world_change(world, step, &errors);
    if (error) {
        vmn_error_invalid(why, "%s: %s", errors.errors[0].pointer,
                          errors.errors[0].text);
    }
    vmn_errors_uninit(&errors);
    return error;
}

bool
kit_world_has_app(const struct kit_world *world, const char *name)
{
    return pipeline_find(apphost_pipeline(world->apphost), name) != NULL;
}

size_t
kit_world_verify(struct kit_world *world, struct ds *ds)
{
    const struct pipeline *pipeline = apphost_pipeline(
        world->other ? world->other : world->apphost);
    size_t n = engine_verify_with(world->engine, pipeline, ds);

    /* Once more: that process has computed as often as ours by now, and an
     * app that counts calls would come to the same. */
    return n ? n : engine_verify_with(world->engine, pipeline, ds);
}
