/* SPDX-License-Identifier: Apache-2.0
 *
 * Has an app look at an object of one of its own types, before it is written
 * ('check' of struct vmn_type_class).  Nothing is recorded: it reads nothing
 * else. */

#include <config.h>

#include "controller/engine/engine-private.h"

#include <stdlib.h>

#include "controller/engine/app-view.h"
#include "controller/schema/own-check.h"
#include "controller/worker/app-worker.h"
#include "util.h"

void
engine_check_object(struct engine *engine, const struct vmn_type_row *type,
                    const struct vmn_row *object, uint64_t *checked,
                    struct vmn_errors *faults)
{
    const struct pipeline_app *app = pipeline_find(engine->pipeline,
                                                   type->app);
    int i = pipeline_type_of(app, object->table);
    enum app_worker_outcome outcome;
    struct vmn_view view;

    if (i < 0 || !app->types[i].class_->check) {
        vmn_errors_add(faults, VMN_ERR_CONFLICT, "", "app %s, which looks at "
                       "each %s that is written, is not loaded", type->app,
                       type->singular);
        return;
    }
    if (!pipeline_declares(app, object->table, object)) {
        vmn_errors_add(faults, VMN_ERR_CONFLICT, "", "app %s, which looks at "
                       "it, declares the type otherwise now: try again",
                       type->app);
        return;
    }
    if (!app->worker) {
        struct vmn_check check = { faults, 0 };

        app->types[i].class_->check(object, &check);
        return;
    }
    view_init(&view, engine, NULL, app);
    outcome = worker_check(&view, app, i, object, checked, faults);
    if (outcome != APP_WORKER_DONE) {
        bool busy = (outcome == APP_WORKER_AWAY
                     && !app_worker_is_suspended(app->worker));

        vmn_errors_add(faults, busy ? VMN_ERR_BUSY : VMN_ERR_CONFLICT, "",
                       "app %s could not look at it: %s", type->app,
                       view.problem ? view.problem : "its process is away");
    }
    view_uninit(&view);
}

void
engine_end_checks(const struct engine *engine)
{
    for (size_t i = 0; i < engine->pipeline->n_apps; i++) {
        if (engine->pipeline->apps[i].worker) {
            app_worker_end_checks(engine->pipeline->apps[i].worker);
        }
    }
}
