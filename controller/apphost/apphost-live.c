/* SPDX-License-Identifier: Apache-2.0
 *
 * Loads, replaces and removes apps while vmnd runs; see apphost.h.  Stages
 * that are there keep their tables: a new one gets tables that are free, and
 * packets come to it because its neighbour leads there. */

#include <config.h>

#include "controller/apphost/apphost.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/apphost/absent-class.h"
#include "controller/apphost/app-check.h"
#include "controller/apphost/app-types.h"
#include "controller/apphost/apphost-private.h"
#include "controller/apphost/stage-registers.h"
#include "controller/apphost/stage-tables.h"
#include "controller/schema/error.h"
#include "controller/schema/module-code.h"
#include "controller/schema/tables.h"
#include "controller/worker/app-description.h"
#include "controller/worker/app-worker.h"
#include "hash.h"
#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(apphost_live);

/* Loading.  --------------------------------------------------------------- */

struct app_worker *
apphost_create_worker(const struct apphost *host, const char *name,
                      const struct apphost_file *file,
                      apphost_create_worker_cb *create, struct vmn_error *why)
{
    struct app_worker *worker;
    void *bytes;
    size_t size;

    if (apphost_is_own(name)) {
        vmn_error_invalid(why, "app name \"%s\" is of an app of VMN's", name);
        return NULL;
    }
    bytes = file->code ? module_code_read(file->code, &size) : NULL;
    if (!host->worker || !bytes) {
        vmn_error_invalid(why, "%s", bytes ? "there is no vmn-app-worker"
                          : "its code is no base64");
        free(bytes);
        return NULL;
    }
    worker = create(host->worker, file->name, bytes, size, why);
    free(bytes);
    return worker;
}

static int
check_name(const struct app_worker *worker, const char *name,
           struct vmn_error *why)
{
    const char *its_name = app_worker_description(worker)->class_.name;

    return (!its_name ? vmn_error_invalid(why, "it has no \"name\"")
            : strcmp(its_name, name)
            ? vmn_error_invalid(why, "it is of an app named \"%s\", not "
                                "\"%s\": load it by that name (vmnctl app "
                                "load FILE %s)", its_name, name, its_name)
            : 0);
}

/* Loads app 'name', and waits for that. */
static struct app_worker *
load_file(const struct apphost *host, const char *name,
          const struct apphost_file *file, struct vmn_error *why)
{
    struct app_worker *worker = apphost_create_worker(
        host, name, file, app_worker_create_from, why);

    if (worker && check_name(worker, name, why)) {
        app_worker_destroy(worker);
        worker = NULL;
    }
    return worker;
}

/* Fills in an app that the worker has loaded, or that is absent. */
static void
init_app(struct pipeline_app *app, const char *name, struct app_worker *worker,
         const struct apphost_file *file, const struct vmn_module *before,
         const char *absent)
{
    *app = (struct pipeline_app) {
        .class_ = (worker ? &app_worker_description(worker)->class_
                   : absent_class_create(name, before)),
        .worker = worker, .digest = xstrdup(file->digest),
        .file = worker ? xstrdup(file->name) : NULL,
        .absent = worker ? NULL : xstrdup(absent),
    };
}

int
apphost_add_file(struct apphost *host, const char *name,
                 const struct apphost_file *file, struct vmn_error *why)
{
    struct app_worker *worker = load_file(host, name, file, why);
    struct pipeline_app app;
    int error;

    if (!worker) {
        return EINVAL;
    }
    init_app(&app, name, worker, file, NULL, NULL);
    error = apphost_add_app(host, &app, why);
    if (error) {
        apphost_uninit_app(&app);
    } else {
        VLOG_INFO("loaded app %s from the database, in a process of its own",
                  name);
    }
    return error;
}

/* The pipeline.  ---------------------------------------------------------- */

/* How the pipeline was: what of it concerns flows. */
struct shape {
    uint32_t apps[PIPELINE_APPS_MAX];
    int hooks[VMN_N_HOOKS];
};

static void
get_shape(const struct pipeline *pipeline, struct shape *shape)
{
    for (size_t i = 0; i < pipeline->n_apps; i++) {
        const struct pipeline_app *app = &pipeline->apps[i];
        uint32_t hash = hash_int(app->bucket_writes, 0);

        for (size_t j = 0; j < app->n_stages; j++) {
            hash = hash_int(app->stages[j].first_table, hash);
            hash = hash_int(app->stages[j].next_table, hash);
            hash = hash_int(app->stages[j].writes, hash);
        }
        shape->apps[i] = hash;
    }
    for (int hook = 0; hook < VMN_N_HOOKS; hook++) {
        shape->hooks[hook] = pipeline_table_of_hook(pipeline, hook);
    }
}

/* Notes what has changed since 'before', with 'n' apps, but for the one in
 * 'slot'. */
static void
note_moves(struct pipeline *pipeline, const struct shape *before, size_t n,
           size_t slot)
{
    struct shape now;

    get_shape(pipeline, &now);
    for (size_t i = 0; i < n; i++) {
        pipeline->apps[i].n_moves += (i != slot
                                      && now.apps[i] != before->apps[i]);
    }
    pipeline->n_moves += memcmp(now.hooks, before->hooks,
                                sizeof now.hooks) != 0;
}

/* Returns true if the app has other tables than it wants. */
static bool
is_elsewhere(const struct pipeline_app *app)
{
    for (size_t i = 0; i < app->n_stages; i++) {
        if (app->stages[i].wanted != app->stages[i].first_table) {
            return true;
        }
    }
    return false;
}

/* The same for any app but the one in 'slot'. */
static bool
has_moved(const struct pipeline *pipeline, size_t slot)
{
    for (size_t i = 0; i < pipeline->n_apps; i++) {
        if (i != slot && is_elsewhere(&pipeline->apps[i])) {
            return true;
        }
    }
    return false;
}

static void
swap(struct pipeline_app *a, struct pipeline_app *b)
{
    struct pipeline_app tmp = *a;

    *a = *b;
    *b = tmp;
}

/* Returns where the app goes: where one of its name is or was, or else a free
 * slot.  There are no more rows of apps than slots. */
static size_t
find_slot(const struct pipeline *pipeline, const char *name)
{
    size_t slot = pipeline->n_apps;

    for (size_t i = 0; i < pipeline->n_apps; i++) {
        const struct pipeline_app *app = &pipeline->apps[i];

        if (!strcmp(app->class_->name, name)) {
            return i;
        }
        if (app->removed && pipeline->n_apps >= PIPELINE_APPS_MAX) {
            slot = i;
        }
    }
    return slot;
}

/* Has the stages of 'app' get the tables that the same ones of 'old' have. */
static void
want_those_of(struct pipeline_app *app, const struct pipeline_app *old)
{
    for (size_t i = 0; i < old->n_stages; i++) {
        const struct vmn_stage_class *then = old->stages[i].class_;

        stage_tables_want_one(app, then->name, then->hook, then->n_tables,
                              old->stages[i].first_table);
    }
}

/* Exchanges 'app' and what is in 'slot', and has all stages want the tables
 * that they have, and those of 'app' the ones in 'module'. */
static void
swap_in(struct pipeline *pipeline, size_t slot, struct pipeline_app *app,
        const struct vmn_module *module)
{
    stage_tables_want(pipeline, true);
    want_those_of(app, &pipeline->apps[slot]);
    apphost_want(app, module);
    /* It has none yet, even if it was prepared: others come first. */
    for (size_t i = 0; i < app->n_stages; i++) {
        app->stages[i].first_table = PIPELINE_N_TABLES;
    }
    swap(&pipeline->apps[slot], app);
    pipeline->n_apps = MAX(pipeline->n_apps, slot + 1);
}

/* Takes back swap_in(); there were 'n' apps. */
static void
swap_back(struct pipeline *pipeline, size_t slot, struct pipeline_app *app,
          size_t n)
{
    swap(&pipeline->apps[slot], app);
    pipeline->n_apps = n;
    apphost_keep(pipeline);
}

/* Puts 'app' into 'slot', with the tables that it has in 'module', or NULL;
 * '*app' is what was there then.  If it does not fit, leaves all as it is.
 * One without stages does. */
static int
exchange(struct pipeline *pipeline, size_t slot, struct pipeline_app *app,
         const struct vmn_module *module, struct vmn_error *why)
{
    size_t n = pipeline->n_apps;
    int error;

    swap_in(pipeline, slot, app, module);
    if (!pipeline->apps[slot].n_stages) {
        apphost_keep(pipeline);
        return 0;
    }
    error = apphost_assign(pipeline, why);
    if (!error && has_moved(pipeline, slot)) {
        error = vmn_error_invalid(why, "all packets would come to it first, "
                                  "which can only be so from a start on: "
                                  "have vmnd's options name it");
    }
    if (error) {
        swap_back(pipeline, slot, app, n);
    }
    return error;
}

/* Live changes.  ---------------------------------------------------------- */

/* Checks what is to be in 'slot', and fills in its stages. */
static int
check(struct apphost *host, size_t slot, struct pipeline_app *app,
      struct vmn_error *why)
{
    struct pipeline_app *place = &host->pipeline.apps[slot];
    bool removed = place->removed;
    int error;

    place->removed = true;      /* Its name is free. */
    error = app_check(app->class_, &host->pipeline, why);
    place->removed = removed;
    return (error || apphost_init_stages(app, why) || app_types_init(app, why)
            ? EINVAL : 0);
}

/* Loads what is to be in 'slot'.  If that fails, there is nothing to be
 * freed. */
static int
load(struct apphost *host, const char *name, size_t slot,
     const struct apphost_file *file, struct pipeline_app *app,
     struct vmn_error *why)
{
    struct app_worker *worker = load_file(host, name, file, why);
    int error;

    if (!worker) {
        return EINVAL;
    }
    init_app(app, name, worker, file, NULL, NULL);
    error = check(host, slot, app, why);
    if (error) {
        apphost_uninit_app(app);
    }
    return error;
}

void
apphost_forget_prepared(struct apphost *host)
{
    while (host->n_prepared) {
        apphost_uninit_app(&host->prepared[--host->n_prepared]);
    }
}

const struct pipeline_app *
apphost_prepared(const struct apphost *host)
{
    return host->n_prepared ? &host->prepared[0] : NULL;
}

/* Remembers it as the newest.  The oldest is forgotten if there are too
 * many. */
static void
add_prepared(struct apphost *host, const struct pipeline_app *app)
{
    if (host->n_prepared == APPHOST_LOADS_MAX) {
        apphost_uninit_app(&host->prepared[--host->n_prepared]);
    }
    memmove(&host->prepared[1], &host->prepared[0],
            host->n_prepared++ * sizeof *host->prepared);
    host->prepared[0] = *app;
}

int
apphost_remember(struct apphost *host, const char *name,
                 const struct apphost_file *file, struct app_worker *worker,
                 struct vmn_error *why)
{
    struct pipeline *pipeline = &host->pipeline;
    size_t n = pipeline->n_apps, slot = find_slot(pipeline, name);
    struct pipeline_app app;

    init_app(&app, name, worker, file, NULL, NULL);
    if (slot >= PIPELINE_APPS_MAX) {
        apphost_uninit_app(&app);
        return vmn_error_invalid(why, "there are %d apps, the most that are "
                                 "possible", PIPELINE_APPS_MAX);
    }
    if (check_name(worker, name, why) || check(host, slot, &app, why)
        || exchange(pipeline, slot, &app, NULL, why)) {
        apphost_uninit_app(&app);
        return EINVAL;
    }
    /* And back: nobody has seen it. */
    swap_back(pipeline, slot, &app, n);
    add_prepared(host, &app);
    return 0;
}

/* Takes the app with that file out of 'apps', if it is among them. */
static bool
take_out(struct pipeline_app *apps, size_t *n, const char *name,
         const struct apphost_file *file, struct pipeline_app *app)
{
    for (size_t i = 0; i < *n; i++) {
        if (!apps[i].absent && apps[i].digest
            && !strcmp(apps[i].class_->name, name)
            && !strcmp(apps[i].digest, file->digest)) {
            *app = apps[i];
            app->in_place = false;
            app->n_moves = 0;
            memmove(&apps[i], &apps[i + 1], (--*n - i) * sizeof *apps);
            return true;
        }
    }
    return false;
}

/* Takes the app with that file, if it is loaded already: it was prepared, or
 * the change that has replaced it is rolled back. */
static bool
take_loaded(struct apphost *host, const char *name,
            const struct apphost_file *file, struct pipeline_app *app)
{
    return (take_out(host->prepared, &host->n_prepared, name, file, app)
            || take_out(host->retired, &host->n_retired, name, file, app));
}

/* Puts 'app', which was checked, into 'slot', and keeps what was there. */
static int
put(struct apphost *host, size_t slot, struct pipeline_app *app,
    const struct vmn_module *module, struct vmn_error *why)
{
    struct pipeline *pipeline = &host->pipeline;
    size_t n = pipeline->n_apps;
    struct shape before;
    int error;

    get_shape(pipeline, &before);
    error = exchange(pipeline, slot, app, module, why);
    if (error) {
        apphost_uninit_app(app);
        return error;
    }
    note_moves(pipeline, &before, n, slot);
    if (app->class_) {
        host->retired = xrealloc(host->retired, (host->n_retired + 1)
                                                * sizeof *host->retired);
        host->retired[host->n_retired++] = *app;
    }
    return 0;
}

/* Has the app be absent: with the stages of 'before' if they have room, or
 * else with none. */
static void
put_absent(struct apphost *host, const char *name, size_t slot,
           const struct apphost_file *file, const struct vmn_module *before,
           const char *reason)
{
    struct pipeline_app app;

    VLOG_ERR("cannot load app %s: %s; goes on without it", name, reason);
    init_app(&app, name, NULL, file, before, reason);
    if (check(host, slot, &app, NULL)) {
        apphost_uninit_app(&app);
    } else if (!put(host, slot, &app, before, NULL)) {
        return;
    }
    init_app(&app, name, NULL, file, NULL, reason);
    check(host, slot, &app, NULL);
    put(host, slot, &app, NULL, NULL);
}

void
apphost_replace(struct apphost *host, const char *name,
                const struct apphost_file *file,
                const struct vmn_module *before)
{
    size_t slot = find_slot(&host->pipeline, name);
    struct vmn_error why = VMN_ERROR_INIT;
    struct pipeline_app app;

    if ((!take_loaded(host, name, file, &app)
         && load(host, name, slot, file, &app, &why))
        || put(host, slot, &app, before, &why)) {
        put_absent(host, name, slot, file, before, why.text);
        vmn_error_uninit(&why);
    } else {
        VLOG_INFO("loaded app %s, in a process of its own", name);
    }
}

void
apphost_remove(struct apphost *host, const char *name)
{
    struct pipeline_app app = {
        .class_ = absent_class_create(name, NULL),
        .absent = xstrdup("it was removed"), .removed = true,
    };

    apphost_init_stages(&app, NULL);
    put(host, find_slot(&host->pipeline, name), &app, NULL, NULL);
    VLOG_INFO("removed app %s", name);
}

/* Logs what stages are not where rows say; NULL: none.  Once, as long as it is
 * the same.  Takes 'left'. */
static void
note_left(struct apphost *host, char *left)
{
    if (left && (!host->left || strcmp(left, host->left))) {
        VLOG_WARN("apps are not where the database has them, which other "
                  "members of a cluster may differ in: %s; a start from now "
                  "on may have room", left);
    }
    free(host->left);
    host->left = left;
}

bool
apphost_move(struct apphost *host, const struct vmn_module *
             (*get_module)(void *aux, const char *app), void *aux)
{
    struct pipeline *pipeline = &host->pipeline;
    bool any = false;
    struct shape before;
    char *left;

    stage_tables_want(pipeline, true);
    for (size_t i = 0; i < pipeline->n_apps; i++) {
        struct pipeline_app *app = &pipeline->apps[i];

        apphost_want(app, get_module(aux, app->class_->name));
        any |= is_elsewhere(app);
    }
    if (!any) {
        note_left(host, NULL);
        return false;           /* As always, nearly. */
    }
    get_shape(pipeline, &before);
    any = stage_tables_move(pipeline, &left);
    note_left(host, left);
    if (any) {
        /* It succeeds as before: registers are given by stages' order. */
        stage_registers_assign(pipeline, NULL);
        note_moves(pipeline, &before, pipeline->n_apps, SIZE_MAX);
    }
    return any;
}

void
apphost_free_retired(struct apphost *host)
{
    while (host->n_retired) {
        apphost_uninit_app(&host->retired[--host->n_retired]);
    }
    free(host->retired);
    host->retired = NULL;
}
