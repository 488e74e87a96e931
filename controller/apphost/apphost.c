/* SPDX-License-Identifier: Apache-2.0
 *
 * Loads apps.  A module that does not fit this daemon is refused with a
 * sentence that says what is wrong with it (app-check.c). */

#include <config.h>

#include "controller/apphost/apphost.h"
#include "controller/apphost/app-check.h"
#include "controller/apphost/app-class.h"
#include "controller/apphost/stage-tables.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/flow/pipeline.h"
#include "controller/schema/error.h"
#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(apphost);

struct apphost {
    struct pipeline pipeline;
    size_t n_modules;
    void **modules;             /* Of dlopen(). */
};

struct apphost *
apphost_create(void)
{
    return xzalloc(sizeof(struct apphost));
}

void
apphost_destroy(struct apphost *host)
{
    if (!host) {
        return;
    }
    for (size_t i = 0; i < host->pipeline.n_apps; i++) {
        free(host->pipeline.apps[i].stages);
        app_class_destroy(host->pipeline.apps[i].class_);
    }
    free(host->pipeline.apps);
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

int
apphost_add(struct apphost *host, const struct vmn_app_class *theirs,
            struct vmn_error *why)
{
    struct pipeline *pipeline = &host->pipeline;
    const struct vmn_app_class *class_ = app_class_clone(theirs, why);

    if (!class_ || app_check(class_, pipeline, why)) {
        app_class_destroy(class_);
        return EINVAL;
    }

    struct pipeline_app app = { .class_ = class_ };

    while (class_->stages && class_->stages[app.n_stages].name) {
        app.n_stages++;
    }
    app.stages = xcalloc(MAX(app.n_stages, 1), sizeof *app.stages);
    for (size_t i = 0; i < app.n_stages; i++) {
        app.stages[i].class_ = &class_->stages[i];
    }
    pipeline->apps = xrealloc(pipeline->apps, (pipeline->n_apps + 1)
                                              * sizeof *pipeline->apps);
    pipeline->apps[pipeline->n_apps++] = app;
    qsort(pipeline->apps, pipeline->n_apps, sizeof *pipeline->apps,
          compare_apps);
    return 0;
}

int
apphost_load(struct apphost *host, const char *dir, const char *file,
             struct vmn_error *why)
{
    char *path = (strchr(file, '/') ? xstrdup(file)
                  : xasprintf("%s/%s.so", dir, file));
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    struct vmn_error problem = VMN_ERROR_INIT;
    const struct vmn_app_class *class_;
    int error;

    if (!module) {
        vmn_error_set(why, VMN_ERR_NOT_FOUND, "", "app %s: %s", file,
                      dlerror());
        free(path);
        return ENOENT;
    }
    class_ = dlsym(module, "vmn_app");
    if (!class_) {
        error = vmn_error_invalid(&problem, "it defines no \"vmn_app\"");
    } else {
        error = apphost_add(host, class_, &problem);
    }
    if (error) {
        vmn_error_invalid(why, "app %s: %s", path, problem.text);
        vmn_error_uninit(&problem);
        dlclose(module);
    } else {
        VLOG_INFO("loaded app %s from %s", class_->name, path);
        host->modules = xrealloc(host->modules, (host->n_modules + 1)
                                                * sizeof *host->modules);
        host->modules[host->n_modules++] = module;
    }
    free(path);
    return error;
}

int
apphost_place(struct apphost *host, struct vmn_error *why)
{
    return stage_tables_assign(&host->pipeline, why);
}
