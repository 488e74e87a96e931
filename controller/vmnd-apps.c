/* SPDX-License-Identifier: Apache-2.0
 *
 * The apps of vmnd: loads them, keeps the place of those that cannot be
 * loaded, and has a row for each, by which users see it.  Not for how they are
 * loaded (apphost/), nor for their worker processes (vmnd-workers.c). */

#include <config.h>

#include "controller/vmnd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/apphost/apphost.h"
#include "controller/commit/commit.h"
#include "controller/engine/engine.h"
#include "controller/flow/pipeline.h"
#include "controller/model/model.h"
#include "controller/schema/schema-origin.h"
#include "controller/schema/schema.h"
#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(vmnd_apps);

/* Loading.  --------------------------------------------------------------- */

/* What cannot be loaded is no reason to leave the network alone, unless it is
 * an app of VMN's: the others rely on those. */
static void
load(struct vmnd *vmnd, const char *file)
{
    struct vmn_error why = VMN_ERROR_INIT;
    int error = apphost_load(vmnd->apphost, vmnd->options.app_dir, file, &why);

    if (!error) {
        return;
    }
    if (apphost_is_own(file)) {
        vmnd_die_of(error, "cannot load apps", why.text);
    }
    VLOG_ERR("cannot load apps: %s; goes on without it", why.text);
    vmnd->unloaded = xrealloc(vmnd->unloaded, (vmnd->n_unloaded + 1)
                                              * sizeof *vmnd->unloaded);
    vmnd->unloaded[vmnd->n_unloaded++] = (struct vmnd_unloaded) {
        .file = file, .why = xstrdup(why.text),
    };
    vmn_error_uninit(&why);
}

void
vmnd_load_apps(struct vmnd *vmnd)
{
    char *worker = apphost_find_worker();

    vmnd->apphost = apphost_create(worker, false);
    free(worker);
    /* VMN's own apps first: they have a table or a name before others do. */
    for (int own = 1; own >= 0; own--) {
        for (size_t i = 0; i < vmnd->options.n_apps; i++) {
            if (apphost_is_own(vmnd->options.apps[i]) == own) {
                load(vmnd, vmnd->options.apps[i]);
            }
        }
    }
}

/* Returns the name that the app in 'file' has, as far as can be known: that of
 * the file.  The caller frees it. */
static char *
name_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    const char *base = slash ? slash + 1 : file;

    return xmemdup0(base, strcspn(base, "."));
}

/* Returns the row of the app that was loaded from 'file' the last time, or
 * NULL.  The options may call the file otherwise than then. */
static const struct vmn_app_row *
find_row(const struct vmnd *vmnd, const char *file)
{
    struct vmn_names names = model_names(vmnd->model, VMN_TABLE_APP);
    const struct vmn_app_row *row;
    char *name;

    for (size_t i = 0; i < names.n; i++) {
        row = model_get(vmnd->model, VMN_TABLE_APP, names.names[i]);
        if (row->module.file && !strcmp(row->module.file, file)) {
            return row;
        }
    }
    name = name_of(file);
    row = model_get(vmnd->model, VMN_TABLE_APP, name);
    free(name);
    return row && row->module.file ? row : NULL;
}

/* Adds an app that cannot be loaded: with the stages of 'before' (or NULL), or
 * if these have no room, with none.  It is to be there, whatever: otherwise
 * its row would be taken for that of an app which nobody wants any more.
 * 'digest' is that of its file, if that is in the database; or NULL. */
static void
add_absent(struct vmnd *vmnd, const char *name, const char *digest,
           const struct vmn_module *before, const char *reason)
{
    struct vmn_error why = VMN_ERROR_INIT;

    if (apphost_add_absent(vmnd->apphost, name, digest, before, reason,
                           &why)) {
        VLOG_ERR("app %s, which could not be loaded, loses its place in the "
                 "pipeline: %s", name, why.text);
        vmn_error_uninit(&why);
        apphost_add_absent(vmnd->apphost, name, digest, NULL, reason, NULL);
    }
}

/* The same for one that vmnd's options name. */
static void
add_unloaded(struct vmnd *vmnd, const struct vmnd_unloaded *unloaded)
{
    const struct vmn_app_row *before = find_row(vmnd, unloaded->file);
    char *name = (before ? xstrdup(before->row.name)
                  : name_of(unloaded->file));

    add_absent(vmnd, name, NULL, before ? &before->module : NULL,
               unloaded->why);
    free(name);
}

/* The file of an app that the database has. */
static struct apphost_file
file_of(const struct vmn_app_row *row)
{
    return (struct apphost_file) {
        .name = row->module.file, .code = row->code,
        .digest = row->module.digest,
    };
}

/* Adds an app whose file is in the database. */
static void
add_stored(struct vmnd *vmnd, const struct vmn_app_row *row)
{
    const struct apphost_file file = file_of(row);
    struct vmn_error why = VMN_ERROR_INIT;

    if (apphost_add_file(vmnd->apphost, row->row.name, &file, &why)) {
        VLOG_ERR("cannot load app %s: %s; goes on without it", row->row.name,
                 why.text);
        add_absent(vmnd, row->row.name, row->module.digest, &row->module,
                   why.text);
        vmn_error_uninit(&why);
    }
}

static void
add_all_stored(struct vmnd *vmnd)
{
    const struct pipeline *pipeline = apphost_pipeline(vmnd->apphost);
    struct vmn_names names = model_names(vmnd->model, VMN_TABLE_APP);

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_app_row *row = model_get(vmnd->model, VMN_TABLE_APP,
                                                  names.names[i]);

        if (row->module.digest && !pipeline_find(pipeline, row->row.name)) {
            add_stored(vmnd, row);
        }
    }
}

void
vmnd_place_apps(struct vmnd *vmnd)
{
    struct vmn_names names = model_names(vmnd->model, VMN_TABLE_APP);

    for (size_t i = 0; i < vmnd->n_unloaded; i++) {
        add_unloaded(vmnd, &vmnd->unloaded[i]);
    }
    add_all_stored(vmnd);
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_app_row *row = model_get(vmnd->model, VMN_TABLE_APP,
                                                  names.names[i]);

        if (row->module.file) {
            apphost_want_place(vmnd->apphost, row->row.name, &row->module);
        }
    }
    apphost_settle(vmnd->apphost);
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_app_row *row = model_get(vmnd->model, VMN_TABLE_APP,
                                                  names.names[i]);

        if (row->module.file) {
            apphost_compare_place(vmnd->apphost, row->row.name, &row->module);
        }
    }
}

void
vmnd_forget_apps(struct vmnd *vmnd)
{
    for (size_t i = 0; i < vmnd->n_unloaded; i++) {
        free(vmnd->unloaded[i].why);
    }
    free(vmnd->unloaded);
    apphost_destroy(vmnd->apphost);
}

/* Rows.  ------------------------------------------------------------------ */

static bool
withdraws(const struct pipeline_app *app)
{
    return app->class_->options & VMN_APP_WITHDRAW;
}

static bool
denies(const struct pipeline_app *app)
{
    return app->class_->options & VMN_APP_DENIES;
}

/* Returns true unless it is one of VMN's own. */
static bool
has_module(const struct pipeline_app *app)
{
    return app->file && !app->builtin;
}

static bool
is_same(const struct pipeline_app *app, const struct vmn_module *row)
{
    if (!has_module(app)) {
        return app->absent || denies(app) == row->denies;
    }
    return (row->file && !strcmp(app->file, row->file)
            && nullable_string_is_equal(app->digest, row->digest)
            && withdraws(app) == row->withdraw
            && denies(app) == row->denies
            && apphost_is_in_place(app, row));
}

static json_t *
stage_to_json(const struct pipeline_stage *stage)
{
    const struct vmn_stage_class *class_ = stage->class_;

    return json_pack(
        "{s:s, s:s, s:i, s:i, s:s, s:I, s:I, s:i, s:i}", "name", class_->name,
        "hook", schema_hook_names[class_->hook], "order", class_->order,
        "tables", (int) class_->n_tables,
        "miss", schema_miss_names[class_->miss],
        "scratch", (json_int_t) class_->scratch,
        "keeps", (json_int_t) class_->keeps,
        "first_table", stage->first_table, "next_table", stage->next_table);
}

static json_t *
stages_to_json(const struct pipeline_app *app)
{
    json_t *stages = json_array();

    for (size_t i = 0; i < app->n_stages; i++) {
        json_array_append_new(stages, stage_to_json(&app->stages[i]));
    }
    return stages;
}

static json_t *
module_to_json(const struct pipeline_app *app)
{
    return json_pack("{s:s, s:s*, s:b, s:b, s:o}", "file", app->file,
                     "digest", app->digest, "withdraw", (int) withdraws(app),
                     "denies", (int) denies(app),
                     "stages", stages_to_json(app));
}

/* What of the app's row is to be written.  One that vmnd's options have come
 * to name is not loaded from the database any more. */
static json_t *
module_spec(const struct pipeline_app *app, const struct vmn_app_row *row)
{
    json_t *module = (has_module(app) ? module_to_json(app)
                      : json_pack("{s:b}", "denies", (int) denies(app)));
    json_t *spec = json_pack("{s:o}", "module", module);

    if (row && row->module.digest && !app->digest) {
        json_object_set_new(module, "digest", json_null());
        json_object_set_new(spec, "code", json_null());
    }
    return spec;
}

/* Of an app that is absent and has lost its place: where it is now.  Hosts
 * have nothing of it there, but maybe of whoever had these tables before: so
 * that the next start does not keep that, a stage leads to itself, as none
 * does. */
static json_t *
lost_stages_to_json(const struct pipeline_app *app)
{
    json_t *stages = stages_to_json(app);

    for (size_t i = 0; i < app->n_stages; i++) {
        json_object_set_new(json_array_get(stages, i), "next_table",
                            json_integer(app->stages[i].first_table));
    }
    return stages;
}

/* Returns true if an app that is absent has other tables than its row says:
 * it has lost its place, which others may have by now.  What follows it does
 * not matter: the row says what led there when the app was there. */
static bool
has_lost_place(const struct pipeline_app *app, const struct vmn_module *row)
{
    if (app->n_stages != row->n_stages) {
        return true;
    }
    for (size_t i = 0; i < app->n_stages; i++) {
        if (app->stages[i].first_table != row->stages[i].first_table) {
            return true;
        }
    }
    return false;
}

/* Has a row created for an app that has none.  What a module declares is
 * written only if it is another than it was: all of the app's units read the
 * row. */
static void
put_app(struct vmnd *vmnd, const struct pipeline_app *app,
        struct model_request *request)
{
    const char *name = app->class_->name;
    const struct vmn_app_row *row = model_get(vmnd->model, VMN_TABLE_APP,
                                              name);

    if (app->absent && row && row->module.file) {
        if (has_lost_place(app, &row->module)) {
            model_request_add(request, MODEL_PATCH, VMN_TABLE_APP, name,
                              json_pack("{s:{s:o}}", "module", "stages",
                                        lost_stages_to_json(app)));
        }
    } else if (!row || !is_same(app, &row->module)) {
        model_request_add(request, row ? MODEL_PATCH : MODEL_PUT,
                          VMN_TABLE_APP, name, module_spec(app, row));
    }
}

/* Has the rows deleted of apps that vmnd's options do not name any more.  Not
 * while there are some whose names may not be known; and none with an app's
 * code, which goes when the app is unloaded, and by nothing else. */
static void
delete_others(struct vmnd *vmnd, struct model_request *request)
{
    const struct pipeline *pipeline = apphost_pipeline(vmnd->apphost);
    struct vmn_names rows = model_names(vmnd->model, VMN_TABLE_APP);

    for (size_t i = 0; i < rows.n; i++) {
        const struct vmn_app_row *row = model_get(vmnd->model, VMN_TABLE_APP,
                                                  rows.names[i]);

        if (!row->module.digest && !pipeline_find(pipeline, rows.names[i])) {
            model_request_add(request, MODEL_DELETE, VMN_TABLE_APP,
                              rows.names[i], NULL);
            model_request_set_types(request, vmnd->model, rows.names[i], NULL,
                                    0);
        }
    }
}

static void
apps_done(void *vmnd, const struct commit_result *result)
{
    if (result->ok) {
        vmnd_set_ready(vmnd);
    } else {
        VLOG_ERR("the rows of the apps: %s", result->errors->errors[0].text);
    }
}

/* Adds what is to be written of apps to 'request'. */
static void
put_apps(struct vmnd *vmnd, struct model_request *request)
{
    const struct pipeline *pipeline = apphost_pipeline(vmnd->apphost);

    for (size_t i = 0; i < pipeline->n_apps; i++) {
        if (!pipeline->apps[i].removed) {
            put_app(vmnd, &pipeline->apps[i], request);
        }
    }
}

static void
types_done(void *app, const struct commit_result *result)
{
    if (!result->ok) {
        const struct vmn_error *error = &result->errors->errors[0];

        VLOG_ERR("app %s: its types: %s%s%s", (const char *) app,
                 error->pointer, error->pointer[0] ? ": " : "", error->text);
    }
    free(app);
}

/* Has the types be those that the apps of vmnd's options declare.  Where
 * objects do not fit them, the types stay, and the app's units that read them
 * fail: it is no reason to leave the rest alone. */
static void
put_types(struct vmnd *vmnd)
{
    const struct pipeline *pipeline = apphost_pipeline(vmnd->apphost);

    for (size_t i = 0; i < pipeline->n_apps; i++) {
        const struct pipeline_app *app = &pipeline->apps[i];
        struct model_declared declared[VMN_APP_TYPES_MAX];
        struct model_request request;

        if (app->digest || app->absent || app->removed) {
            continue;           /* Or it came with them. */
        }
        for (size_t j = 0; j < app->n_types; j++) {
            declared[j] = (struct model_declared) {
                app->types[j].class_->name, app->types[j].spec,
            };
        }
        model_request_init(&request, ORIGIN_NAME_VMND);
        model_request_set_types(&request, vmnd->model, app->class_->name,
                                declared, app->n_types);
        if (request.n_ops) {
            commit_submit(vmnd->commit, &request, types_done,
                          xstrdup(app->class_->name));
        }
        model_request_uninit(&request);
    }
}

void
vmnd_check_object(void *vmnd_, const struct vmn_type_row *type,
                  const struct vmn_row *object, uint64_t *checked,
                  struct vmn_errors *faults)
{
    struct vmnd *vmnd = vmnd_;

    engine_check_object(vmnd->engine, type, object, checked, faults);
}

void
vmnd_start_apps(struct vmnd *vmnd)
{
    struct model_request request;

    put_types(vmnd);
    model_request_init(&request, ORIGIN_NAME_VMND);
    put_apps(vmnd, &request);
    if (!vmnd->n_unloaded) {
        delete_others(vmnd, &request);
    }
    if (request.n_ops) {
        commit_submit(vmnd->commit, &request, apps_done, vmnd);
    } else {
        commit_when_quiescent(vmnd->commit, vmnd_set_ready, vmnd);
    }
    model_request_uninit(&request);
}

/* While it runs.  --------------------------------------------------------- */

/* Nothing of what has gone is used any more. */
static void
followed_cb(void *vmnd_)
{
    struct vmnd *vmnd = vmnd_;

    apphost_free_retired(vmnd->apphost);
}

/* Where the stages of apps are is in the rows together with their code: so
 * they are there at each member of a cluster, and after each start. */
void
vmnd_note_apps(void *vmnd, struct model_request *request)
{
    put_apps(vmnd, request);
}

/* Removes an app that has no row with its code any more. */
static bool
remove_app(struct vmnd *vmnd, const struct pipeline_app *app)
{
    const struct vmn_app_row *row = model_get(vmnd->model, VMN_TABLE_APP,
                                              app->class_->name);

    if (app->removed || !app->digest || (row && row->module.digest)) {
        return false;
    }
    engine_remove_app(vmnd->engine, app);
    apphost_remove(vmnd->apphost, app->class_->name);
    engine_add_app(vmnd->engine, app);
    return true;
}

/* Puts the code of the row in place of the app of its name, if there is
 * one. */
static void
exchange_app(struct vmnd *vmnd, const struct vmn_app_row *row)
{
    const struct pipeline *pipeline = apphost_pipeline(vmnd->apphost);
    const struct pipeline_app *app = pipeline_find(pipeline, row->row.name);
    const struct apphost_file file = file_of(row);

    if (app) {
        engine_remove_app(vmnd->engine, app);
    }
    apphost_replace(vmnd->apphost, row->row.name, &file, &row->module);
    engine_add_app(vmnd->engine, pipeline_find(pipeline, row->row.name));
}

/* Loads an app whose row has other code than is loaded. */
static bool
load_app(struct vmnd *vmnd, const struct vmn_app_row *row)
{
    const struct pipeline_app *app
        = pipeline_find(apphost_pipeline(vmnd->apphost), row->row.name);
    const char *digest = row->module.digest;

    if (!digest || (app && (!app->digest || !strcmp(app->digest, digest)))) {
        return false;
    }
    exchange_app(vmnd, row);
    return true;
}

/* What the row of an app says of it; NULL: nothing. */
static const struct vmn_module *
get_module(void *vmnd_, const char *app)
{
    const struct vmnd *vmnd = vmnd_;
    const struct vmn_app_row *row = model_get(vmnd->model, VMN_TABLE_APP, app);

    return row && row->module.file ? &row->module : NULL;
}

/* Has the stages of all apps be where the rows say.  They are, but for those
 * of a member of a cluster that could not have them there when it started, or
 * of a change that is rolled back. */
static bool
move_apps(struct vmnd *vmnd)
{
    if (!apphost_move(vmnd->apphost, get_module, vmnd)) {
        return false;
    }
    engine_apps_moved(vmnd->engine);
    return true;
}

/* Tries once more what was loaded just now, but is absent: another one, which
 * was loaded after it or has moved, may have had its tables.  So it is when a
 * change of several apps is rolled back. */
static bool
load_again(struct vmnd *vmnd, const char *name)
{
    const struct pipeline_app *app
        = pipeline_find(apphost_pipeline(vmnd->apphost), name);

    if (!app->absent) {
        return false;
    }
    exchange_app(vmnd, model_get(vmnd->model, VMN_TABLE_APP, name));
    return true;
}

/* Has the apps be those of the rows, at the tables that these say. */
static bool
follow_rows(struct vmnd *vmnd)
{
    const struct pipeline *pipeline = apphost_pipeline(vmnd->apphost);
    struct vmn_names names = model_names(vmnd->model, VMN_TABLE_APP);
    const char *loaded[PIPELINE_APPS_MAX];
    bool any = false, moved, again = false;
    size_t n = 0;

    for (size_t i = 0; i < pipeline->n_apps; i++) {
        any |= remove_app(vmnd, &pipeline->apps[i]);
    }
    for (size_t i = 0; i < names.n; i++) {
        if (load_app(vmnd, model_get(vmnd->model, VMN_TABLE_APP,
                                     names.names[i]))) {
            loaded[n++] = names.names[i];
        }
    }
    moved = move_apps(vmnd);
    for (size_t i = 0; i < n && (n > 1 || moved); i++) {
        again |= load_again(vmnd, loaded[i]);
    }
    if (again) {
        move_apps(vmnd);
    }
    return any || moved || n;
}

/* Has the rest of vmnd know of apps that have come or gone. */
static void
tell_others(struct vmnd *vmnd)
{
    if (vmnd->fabric) {
        fabric_apps_changed(vmnd->fabric);
    }
    vmnd_watch_workers(vmnd);
    commit_when_quiescent(vmnd->commit, followed_cb, vmnd);
}

bool
vmnd_follow_apps(void *vmnd_)
{
    struct vmnd *vmnd = vmnd_;

    if (!follow_rows(vmnd)) {
        return false;
    }
    tell_others(vmnd);
    return true;
}

static void
places_done(void *aux OVS_UNUSED, const struct commit_result *result)
{
    if (!result->ok) {
        VLOG_ERR("the rows of the apps: %s", result->errors->errors[0].text);
    }
}

/* Has the rows say where apps are, if that has changed. */
static void
submit_places(struct vmnd *vmnd)
{
    struct model_request request;

    model_request_init(&request, ORIGIN_NAME_VMND);
    put_apps(vmnd, &request);
    if (request.n_ops) {
        commit_submit(vmnd->commit, &request, places_done, NULL);
    }
    model_request_uninit(&request);
}

/* Returns the row of an app of the database that is absent, or NULL with the
 * error set. */
static const struct vmn_app_row *
find_absent(struct vmnd *vmnd, const char *name, struct vmn_error *why)
{
    const struct pipeline_app *app
        = pipeline_find(apphost_pipeline(vmnd->apphost), name);
    const struct vmn_app_row *row = model_get(vmnd->model, VMN_TABLE_APP,
                                              name);

    if (!app || !app->absent) {
        vmn_error_invalid(why, "no app of that name has a worker, or could "
                          "not be loaded");
        return NULL;
    } else if (!app->digest || !row) {
        vmn_error_invalid(why, "app %s is one of vmnd's options, which are "
                          "loaded when it starts: %s", name, app->absent);
        return NULL;
    }
    return row;
}

struct apphost_load *
vmnd_prepare_absent(struct vmnd *vmnd, const char *name,
                    apphost_load_cb *done, void *aux, struct vmn_error *why)
{
    const struct vmn_app_row *row = find_absent(vmnd, name, why);
    struct vmn_error reason = VMN_ERROR_INIT;
    struct apphost_load *load;
    struct apphost_file file;

    if (!row) {
        return NULL;
    }
    file = file_of(row);
    load = apphost_prepare(vmnd->apphost, name, &file, done, aux, &reason);
    if (!load) {
        vmn_error_set(why, reason.code, "", "app %s cannot be loaded: %s",
                      name, reason.text);
        vmn_error_uninit(&reason);
    }
    return load;
}

int
vmnd_load_absent(struct vmnd *vmnd, const char *name, struct vmn_error *why)
{
    const struct vmn_app_row *row = find_absent(vmnd, name, why);
    const struct pipeline_app *app;

    if (!row) {
        return EINVAL;
    }
    exchange_app(vmnd, row);
    tell_others(vmnd);
    commit_recompute(vmnd->commit);
    if (vmnd->active) {
        submit_places(vmnd);
    }
    app = pipeline_find(apphost_pipeline(vmnd->apphost), name);
    return (!app->absent ? 0
            : vmn_error_invalid(why, "app %s cannot be loaded: %s", name,
                                app->absent));
}
