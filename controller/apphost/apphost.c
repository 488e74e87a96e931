/* SPDX-License-Identifier: Apache-2.0
 *
 * Loads apps and checks that they fit this daemon.  A module that does not is
 * refused with a sentence that says what is wrong with it. */

#include <config.h>

#include "controller/apphost/apphost.h"
#include "controller/apphost/app-class.h"
#include "controller/apphost/stage-tables.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/flow/pipeline.h"
#include "controller/schema/schema.h"
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

/* Checks.  --------------------------------------------------------------- */

static bool
is_name(const char *s)
{
    size_t len = s ? strlen(s) : 0;

    if (!len || len > 31 || !islower((unsigned char) s[0])) {
        return false;
    }
    for (size_t i = 1; i < len; i++) {
        if (!islower((unsigned char) s[i]) && !isdigit((unsigned char) s[i])
            && s[i] != '-') {
            return false;
        }
    }
    return true;
}

static int
check_stages(const struct vmn_app_class *class_, struct vmn_error *why)
{
    const struct vmn_stage_class *stage = class_->stages;

    for (; stage && stage->name; stage++) {
        if (!is_name(stage->name)) {
            return vmn_error_invalid(why, "stage name \"%s\" is not "
                                     "[a-z][a-z0-9-]*", stage->name);
        }
        if ((unsigned) stage->hook >= VMN_N_HOOKS) {
            return vmn_error_invalid(why, "stage %s: there is no hook %d",
                                     stage->name, (int) stage->hook);
        }
        if (!stage->n_tables
            || stage->n_tables > pipeline_hook_tables(stage->hook)) {
            return vmn_error_invalid(why, "stage %s has %u tables; 1 to %u "
                                     "are possible", stage->name,
                                     stage->n_tables,
                                     pipeline_hook_tables(stage->hook));
        }
    }
    return 0;
}

static int
check_units(const struct vmn_app_class *class_, struct vmn_error *why)
{
    const struct vmn_unit_class *unit = class_->units;

    for (; unit && unit->name; unit++) {
        if (!is_name(unit->name)) {
            return vmn_error_invalid(why, "unit name \"%s\" is not "
                                     "[a-z][a-z0-9-]*", unit->name);
        }
        if (!unit->compile) {
            return vmn_error_invalid(why, "unit %s has no compile function",
                                     unit->name);
        }
        if (unit->each == VMN_EACH_ROW
            && schema_table_of(unit->row_type) == VMN_N_TABLES) {
            return vmn_error_invalid(why, "unit %s: \"row_type\" %d is none "
                                     "of an app's", unit->name,
                                     (int) unit->row_type);
        }
        if (unit->each == VMN_EACH_KEY && !unit->relation) {
            return vmn_error_invalid(why, "unit %s names no relation",
                                     unit->name);
        }
    }
    return 0;
}

static int
check_queries(const struct vmn_app_class *class_, struct vmn_error *why)
{
    const struct vmn_query_class *query = class_->queries;

    for (; query && query->name; query++) {
        if (!is_name(query->name)) {
            return vmn_error_invalid(why, "query name \"%s\" is not "
                                     "[a-z][a-z0-9-]*", query->name);
        }
        if (!query->eval) {
            return vmn_error_invalid(why, "query %s has no eval function",
                                     query->name);
        }
    }
    return 0;
}

static int
check_id_pools(const struct vmn_app_class *class_, struct vmn_error *why)
{
    const struct vmn_id_pool_class *pool = class_->id_pools;
    size_t len = strlen(class_->name);

    for (; pool && pool->name; pool++) {
        if (strncmp(pool->name, class_->name, len)
            || pool->name[len] != '.') {
            return vmn_error_invalid(why, "ID pool \"%s\" does not begin "
                                     "with \"%s.\"", pool->name,
                                     class_->name);
        }
        if (!pool->max) {
            return vmn_error_invalid(why, "ID pool \"%s\" has no IDs",
                                     pool->name);
        }
    }
    return 0;
}

static int
check_handlers(const struct vmn_app_class *class_, struct vmn_error *why)
{
    const struct vmn_handler_class *handlers = class_->handlers;

    for (size_t i = 0; handlers && handlers[i].name; i++) {
        if (!is_name(handlers[i].name)) {
            return vmn_error_invalid(why, "handler name \"%s\" is not "
                                     "[a-z][a-z0-9-]*", handlers[i].name);
        }
        if (!handlers[i].handle) {
            return vmn_error_invalid(why, "handler %s has no handle function",
                                     handlers[i].name);
        }
        for (size_t j = 0; j < i; j++) {
            if (!strcmp(handlers[i].name, handlers[j].name)) {
                return vmn_error_invalid(why, "two handlers are named %s",
                                         handlers[i].name);
            }
        }
    }
    return 0;
}

/* Checks an app's descriptor.  Returns 0, or EINVAL with an error that says
 * what is wrong with it. */
static int
check_class(const struct apphost *host, const struct vmn_app_class *class_,
            struct vmn_error *why)
{
    int error;

    if (!is_name(class_->name) || !strcmp(class_->name, "vmn")) {
        return vmn_error_invalid(why, "app name \"%s\" is not "
                                 "[a-z][a-z0-9-]*, or is reserved",
                                 class_->name ? class_->name : "");
    }
    for (size_t i = 0; i < host->pipeline.n_apps; i++) {
        if (!strcmp(host->pipeline.apps[i].class_->name, class_->name)) {
            return vmn_error_invalid(why, "an app named %s is loaded already",
                                     class_->name);
        }
    }
    error = check_stages(class_, why);
    error = error ? error : check_units(class_, why);
    error = error ? error : check_queries(class_, why);
    error = error ? error : check_id_pools(class_, why);
    return error ? error : check_handlers(class_, why);
}

/* Loading.  -------------------------------------------------------------- */

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

    if (!class_ || check_class(host, class_, why)) {
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
    return pipeline_place(&host->pipeline, why);
}
