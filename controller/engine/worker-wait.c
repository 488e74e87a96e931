/* SPDX-License-Identifier: Apache-2.0
 *
 * How long the engine waits for workers, and when it repeats computations that
 * had no result: a node of the graph stands for an absent worker.  Not for the
 * state of late computations (late-nodes.c), nor for calls
 * (worker-calls.c). */

#include <config.h>

#include "controller/engine/worker-calls-private.h"

#include <stdlib.h>

#include "controller/engine/app-view.h"
#include "util.h"

/* Absent workers.  -------------------------------------------------------- */

static struct absence_node *
absence_get(struct engine *engine, const char *app,
            struct app_worker *worker)
{
    struct node *node = graph_find(&engine->graph, NODE_WORKER_ABSENCE, 0,
                                   app);
    struct absence_node *absence;

    if (!node) {
        node = graph_insert(&engine->graph, sizeof *absence,
                            NODE_WORKER_ABSENCE, 0, app, 0);
        ovs_list_push_back(&engine->absences,
                           &absence_node_cast(node)->absences_node);
    }
    absence = absence_node_cast(node);
    if (absence->worker != worker) {    /* New, or the app has other code. */
        absence->worker = worker;
        absence->n_ready = app_worker_n_ready(worker);
    }
    return absence;
}

void
absence_destroy(struct absence_node *absence, struct graph *graph)
{
    ovs_list_remove(&absence->absences_node);
    graph_remove(graph, &absence->node);
    free(absence);
}

/* Withdraws or recomputes the flows of apps with VMN_APP_WITHDRAW that were
 * suspended or resumed.  Returns true if there are such apps. */
static bool
take_suspended(struct engine *engine)
{
    bool any = false;

    for (size_t i = 0; i < engine->pipeline->n_apps; i++) {
        const struct pipeline_app *app = &engine->pipeline->apps[i];

        if (app->worker && app->class_->options & VMN_APP_WITHDRAW
            && app_worker_is_suspended(app->worker) != engine->withdrawn[i]) {
            engine->withdrawn[i] = !engine->withdrawn[i];
            engine_mark_app(engine, app);
            any = true;
        }
    }
    return any;
}

/* Has workers forget late calls that no computation waits for any more. */
static void
forget_left(const struct engine *engine)
{
    for (size_t i = 0; i < engine->pipeline->n_apps; i++) {
        const struct pipeline_app *app = &engine->pipeline->apps[i];

        if (app->worker && app_worker_has_left(app->worker)
            && !graph_find(&engine->graph, NODE_WORKER_ABSENCE, 0,
                           app->class_->name)) {
            app_worker_offer(app->worker);
            app_worker_end_offer(app->worker);
        }
    }
}

bool
engine_take_ready_workers(struct engine *engine)
{
    bool any = take_suspended(engine);
    struct absence_node *absence;

    forget_left(engine);

    LIST_FOR_EACH (absence, absences_node, &engine->absences) {
        uint64_t n_ready = (absence->worker
                            ? app_worker_n_ready(absence->worker)
                            : absence->n_ready);

        if (n_ready != absence->n_ready) {
            absence->n_ready = n_ready;
            app_worker_offer(absence->worker);
            graph_mark_readers(&engine->graph, &absence->node);
            any = true;
        }
    }
    return any;
}

/* Makes a computation without a result depend on the presence of its app's
 * worker. */
static void
await_worker(struct worker_run *run)
{
    struct engine *engine = run->view->engine;
    struct absence_node *absence = absence_get(engine, run->app, run->worker);

    graph_read(&engine->graph, run->view->node, &absence->node,
               run->view->serial);
}

/* Time.  ------------------------------------------------------------------ */

void
engine_set_worker_wait(struct engine *engine, int ms)
{
    engine->worker_wait_ms = ms;
}

void
worker_calls_begin(struct engine *engine)
{
    engine->worker_left_ms = engine->worker_wait_ms;
}

void
worker_calls_end(struct engine *engine)
{
    for (size_t i = 0; i < engine->pipeline->n_apps; i++) {
        struct app_worker *worker = engine->pipeline->apps[i].worker;

        if (worker && !engine->shadow) {
            app_worker_end_offer(worker);
        }
    }
}

/* A worker whose wait has no limit here exceeds a limit of its own first. */
int
worker_time_left(const struct worker_run *run)
{
    const struct engine *engine = run->view->engine;

    return (!engine->worker_wait_ms || engine->shadow ? 2 * WORKER_WAIT_MS
            : run->view->node ? MAX(engine->worker_left_ms, 0)
            : engine->worker_wait_ms);
}

bool
worker_is_too_late(const struct worker_run *run)
{
    return !worker_time_left(run) && !app_worker_has_left(run->worker);
}

void
worker_note_late(struct worker_run *run)
{
    struct vmn_view *view = run->view;

    if (view->node) {
        await_worker(run);
        view->late = !app_worker_is_suspended(run->worker);
    }
}
