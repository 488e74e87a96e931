/* SPDX-License-Identifier: Apache-2.0
 *
 * Loads apps.  A module that does not fit this daemon is refused with a
 * sentence that says what is wrong with it (app-check.c). */

#include <config.h>

#include "controller/apphost/apphost.h"
#include "controller/apphost/absent-class.h"
#include "controller/apphost/app-check.h"
#include "controller/apphost/app-class.h"
#include "controller/apphost/app-types.h"
#include "controller/apphost/apphost-private.h"
#include "controller/apphost/stage-registers.h"
#include "controller/apphost/stage-tables.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/flow/pipeline.h"
#include "controller/schema/error.h"
#include "controller/schema/tables.h"
#include "controller/worker/app-description.h"
#include "controller/worker/app-worker.h"
#include "controller/worker/worker-process.h"
#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(apphost);

/* VMN's own apps. */
static const char *const own_apps[] = {
    "overlay", "firewall", "loadbalancer", "router", "gateway", "dhcp", "dns",
};

void
apphost_uninit_app(struct pipeline_app *app)
{
    for (size_t i = 0; i < app->n_stages; i++) {
        if (!app->worker) {
            free(CONST_CAST(uint32_t *, app->stages[i].prefixes));
        }
    }
    free(app->stages);
    free(app->file);
    if (app->worker) {
        app_worker_destroy(app->worker);
    } else if (app->absent) {
        absent_class_destroy(app->class_);
    } else {
        app_class_destroy(app->class_);
    }
    app_types_uninit(app);
    free(app->absent);
    free(app->digest);
}

/* The VMN_PREFIX_* of each table of a stage, or NULL.  Those of an app in this
 * process are allocated. */
static const uint32_t *
get_prefixes(const struct pipeline_app *app, size_t stage)
{
    const struct vmn_stage_class *class_ = app->stages[stage].class_;
    uint32_t *prefixes;

    if (app->worker) {
        return app_worker_description(app->worker)->prefixes[stage];
    }
    if (!class_->prefixes) {
        return NULL;
    }
    prefixes = xcalloc(class_->n_tables, sizeof *prefixes);
    for (unsigned i = 0; i < class_->n_tables; i++) {
        prefixes[i] = class_->prefixes(i);
    }
    return prefixes;
}

struct apphost *
apphost_create(const char *worker, bool own_too)
{
    struct apphost *host = xzalloc(sizeof *host);

    host->worker = nullable_xstrdup(worker);
    host->own_too = own_too;
    ovs_list_init(&host->loads);
    host->pipeline.apps = xcalloc(PIPELINE_APPS_MAX,
                                  sizeof *host->pipeline.apps);
    return host;
}

void
apphost_destroy(struct apphost *host)
{
    if (!host) {
        return;
    }
    apphost_cancel_loads(host);
    for (size_t i = 0; i < host->pipeline.n_apps; i++) {
        apphost_uninit_app(&host->pipeline.apps[i]);
    }
    apphost_free_retired(host);
    apphost_forget_prepared(host);
    free(host->pipeline.apps);
    free(host->left);
    free(host->worker);
    for (size_t i = 0; i < host->n_modules; i++) {
        dlclose(host->modules[i]);
    }
    free(host->modules);
    free(host);
}

const struct pipeline *
apphost_pipeline(const struct apphost *host)
{
    return &host->pipeline;
}

static int
compare_apps(const void *a_, const void *b_)
{
    const struct pipeline_app *a = a_;
    const struct pipeline_app *b = b_;

    return strcmp(a->class_->name, b->class_->name);
}

bool
apphost_is_own(const char *file)
{
    const char *slash = strrchr(file, '/');
    const char *name = slash ? slash + 1 : file;

    for (size_t i = 0; i < ARRAY_SIZE(own_apps); i++) {
        size_t len = strlen(own_apps[i]);

        if (!strncmp(name, own_apps[i], len)
            && !strcmp(name + len, slash ? ".so" : "")) {
            return true;
        }
    }
    return false;
}

int
apphost_assign(struct pipeline *pipeline, struct vmn_error *why)
{
    return (stage_tables_assign(pipeline, why)
            || stage_registers_assign(pipeline, why) ? EINVAL : 0);
}

void
apphost_keep(struct pipeline *pipeline)
{
    stage_tables_keep(pipeline, NULL);
    stage_registers_assign(pipeline, NULL);
}

static int
assign_anew(struct pipeline *pipeline, struct vmn_error *why)
{
    return (stage_tables_start(pipeline, why)
            || stage_registers_assign(pipeline, why) ? EINVAL : 0);
}

/* Gives the stages of all apps, of which 'app' is the newest, tables and
 * registers.  Wishes come later (apphost_settle()): those of the ones that are
 * there already could take the room that this one had. */
static int
place(struct pipeline *pipeline, const struct pipeline_app *app,
      struct vmn_error *why)
{
    size_t i = 0;

    pipeline->apps[pipeline->n_apps++] = *app;
    qsort(pipeline->apps, pipeline->n_apps, sizeof *pipeline->apps,
          compare_apps);
    if (!assign_anew(pipeline, why)) {
        return 0;
    }
    while (pipeline->apps[i].class_ != app->class_) {
        i++;
    }
    pipeline->n_apps--;
    memmove(&pipeline->apps[i], &pipeline->apps[i + 1],
            (pipeline->n_apps - i) * sizeof *pipeline->apps);
    /* The others fit, as they did before. */
    assign_anew(pipeline, NULL);
    return EINVAL;
}

int
apphost_init_stages(struct pipeline_app *app, struct vmn_error *why)
{
    const struct vmn_app_class *class_ = app->class_;

    while (class_->stages && class_->stages[app->n_stages].name) {
        app->n_stages++;
    }
    app->stages = xcalloc(MAX(app->n_stages, 1), sizeof *app->stages);
    for (size_t i = 0; i < app->n_stages; i++) {
        app->stages[i].class_ = &class_->stages[i];
        app->stages[i].wanted = -1;
        app->stages[i].prefixes = get_prefixes(app, i);
        if (app_check_prefixes(&app->stages[i], why)) {
            return EINVAL;
        }
    }
    return 0;
}

int
apphost_add_app(struct apphost *host, struct pipeline_app *app,
                struct vmn_error *why)
{
    struct pipeline *pipeline = &host->pipeline;
    const struct vmn_app_class *class_ = app->class_;

    if (app_check(class_, pipeline, why)) {
        return EINVAL;
    }
    if (pipeline->n_apps >= PIPELINE_APPS_MAX) {
        return vmn_error_invalid(why, "there are %d apps, the most that are "
                                 "possible", PIPELINE_APPS_MAX);
    }
    app->builtin = apphost_is_own(class_->name);
    return (apphost_init_stages(app, why) || app_types_init(app, why)
            ? EINVAL : place(pipeline, app, why));
}

int
apphost_add(struct apphost *host, const struct vmn_app_class *theirs,
            struct vmn_error *why)
{
    struct pipeline_app app = { .class_ = app_class_clone(theirs, why) };
    int error = app.class_ ? apphost_add_app(host, &app, why) : EINVAL;

    if (error) {
        apphost_uninit_app(&app);
    }
    return error;
}

static void
set_file(struct apphost *host, const char *name, const char *file)
{
    pipeline_find(&host->pipeline, name)->file = xstrdup(file);
}

/* Loads module 'file' at 'path' into this process. */
static int
load_here(struct apphost *host, const char *path, const char *file,
          struct vmn_error *why)
{
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct vmn_app_class *class_;
    int error;

    if (!module) {
        vmn_error_set(why, VMN_ERR_NOT_FOUND, "", "%s", dlerror());
        return ENOENT;
    }
    class_ = dlsym(module, "vmn_app");
    if (!class_) {
        error = vmn_error_invalid(why, "it defines no \"vmn_app\"");
    } else {
        error = apphost_add(host, class_, why);
    }
    if (error) {
        dlclose(module);
    } else {
        VLOG_INFO("loaded app %s from %s", class_->name, path);
        set_file(host, class_->name, file);
        host->modules = xrealloc(host->modules, (host->n_modules + 1)
                                                * sizeof *host->modules);
        host->modules[host->n_modules++] = module;
    }
    return error;
}

/* Loads module 'file' at 'path' into a worker process. */
static int
load_apart(struct apphost *host, const char *path, const char *file,
           struct vmn_error *why)
{
    struct pipeline_app app = {
        .worker = app_worker_create(host->worker, path, why) };
    const char *name;
    int error;

    if (!app.worker) {
        return EINVAL;
    }
    app.class_ = &app_worker_description(app.worker)->class_;
    name = app.class_->name;
    /* vmnd and its own apps take their queries' values on trust. */
    error = (name && apphost_is_own(name) && !host->own_too
             ? vmn_error_invalid(why, "app name \"%s\" is of an app of VMN's",
                                 name)
             : apphost_add_app(host, &app, why));
    if (error) {
        apphost_uninit_app(&app);
    } else {
        VLOG_INFO("loaded app %s from %s, in a process of its own", name,
                  path);
        set_file(host, name, file);
    }
    return error;
}

/* Returns the file of an app: a module, or a script if there is no module of
 * that name.  The caller frees it. */
static char *
find_file(const char *dir, const char *file)
{
    char *module, *script;

    if (strchr(file, '/')) {
        return xstrdup(file);
    }
    module = xasprintf("%s/%s.so", dir, file);
    script = xasprintf("%s/%s.lua", dir, file);
    if (!apphost_is_own(file) && access(module, F_OK)
        && !access(script, F_OK)) {
        free(module);
        return script;
    }
    free(script);
    return module;
}

int
apphost_load(struct apphost *host, const char *dir, const char *file,
             struct vmn_error *why)
{
    char *path = find_file(dir, file);
    struct vmn_error problem = VMN_ERROR_INIT;
    int error = (host->worker && (!apphost_is_own(file) || host->own_too)
                 ? load_apart(host, path, file, &problem)
                 : load_here(host, path, file, &problem));

    if (error) {
        vmn_error_set(why, problem.code, "", "app %s: %s", path,
                      problem.text);
        vmn_error_uninit(&problem);
    }
    free(path);
    return error;
}

bool
apphost_run(struct apphost *host)
{
    uint64_t n_ready = 0;
    bool grown;

    apphost_run_loads(host);
    for (size_t i = 0; i < host->pipeline.n_apps; i++) {
        struct app_worker *worker = host->pipeline.apps[i].worker;

        if (worker) {
            app_worker_look(worker);
            n_ready += app_worker_n_ready(worker);
        }
    }
    grown = n_ready != host->n_ready;
    host->n_ready = n_ready;
    return grown;
}

bool
apphost_is_busy(const struct apphost *host)
{
    if (!ovs_list_is_empty(&host->loads)) {
        return true;
    }
    for (size_t i = 0; i < host->pipeline.n_apps; i++) {
        const struct app_worker *worker = host->pipeline.apps[i].worker;

        if (worker && app_worker_is_busy(worker)) {
            return true;
        }
    }
    return false;
}

void
apphost_set_busy_cb(struct apphost *host, void (*busy)(void *aux), void *aux)
{
    host->busy = busy;
    host->busy_aux = aux;
}

bool
apphost_has_workers(const struct apphost *host)
{
    for (size_t i = 0; i < host->pipeline.n_apps; i++) {
        if (host->pipeline.apps[i].worker) {
            return true;
        }
    }
    return false;
}

bool
apphost_is_confined(const struct pipeline_app *app)
{
    size_t len = app->file ? strlen(app->file) : 0;
    bool is_script = len > 4 && !strcmp(app->file + len - 4, ".lua");

    return !app->worker || is_script || worker_files_are_confined();
}

bool
apphost_resume(struct apphost *host, const char *app)
{
    struct pipeline_app *found = pipeline_find(&host->pipeline, app);

    if (found && found->worker) {
        app_worker_resume(found->worker);
        app_worker_end_bars(found->worker);
        return true;
    }
    return false;
}

int
apphost_add_absent(struct apphost *host, const char *name, const char *digest,
                   const struct vmn_module *before, const char *absent,
                   struct vmn_error *why)
{
    struct pipeline_app app = {
        .class_ = absent_class_create(name, before),
        .digest = nullable_xstrdup(digest),
        .absent = xstrdup(absent),
    };
    int error = apphost_add_app(host, &app, why);

    if (error) {
        apphost_uninit_app(&app);
    }
    return error;
}

bool
apphost_is_in_place(const struct pipeline_app *app,
                    const struct vmn_module *before)
{
    if (app->n_stages != before->n_stages) {
        return false;
    }
    for (size_t i = 0; i < app->n_stages; i++) {
        const struct pipeline_stage *stage = &app->stages[i];
        const struct vmn_module_stage *then = &before->stages[i];

        if (strcmp(stage->class_->name, then->name)
            || stage->class_->hook != then->hook
            || stage->class_->order != then->order
            || stage->class_->n_tables != then->tables
            || stage->class_->miss != then->miss
            || stage->class_->scratch != then->scratch
            || stage->class_->keeps != then->keeps
            || stage->first_table != then->first_table
            || stage->next_table != then->next_table) {
            return false;
        }
    }
    return true;
}

void
apphost_compare_place(struct apphost *host, const char *name,
                      const struct vmn_module *before)
{
    struct pipeline_app *app = pipeline_find(&host->pipeline, name);

    if (app) {
        app->in_place = apphost_is_in_place(app, before);
    }
}

void
apphost_want(struct pipeline_app *app, const struct vmn_module *module)
{
    for (size_t i = 0; module && i < module->n_stages; i++) {
        const struct vmn_module_stage *then = &module->stages[i];

        stage_tables_want_one(app, then->name, then->hook, then->tables,
                              then->first_table);
    }
}

void
apphost_want_place(struct apphost *host, const char *name,
                   const struct vmn_module *before)
{
    struct pipeline_app *app = pipeline_find(&host->pipeline, name);

    if (app) {
        apphost_want(app, before);
    }
}

void
apphost_settle(struct apphost *host)
{
    struct vmn_error why = VMN_ERROR_INIT;

    if (stage_tables_keep(&host->pipeline, &why)) {
        VLOG_WARN("stages cannot have the tables that they had, and all are "
                  "placed anew: %s", why.text);
        vmn_error_uninit(&why);
        stage_tables_want(&host->pipeline, false);
        stage_tables_start(&host->pipeline, NULL);
    }
    stage_registers_assign(&host->pipeline, NULL);
}
