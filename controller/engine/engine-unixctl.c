/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine's internal state: unixctl commands and the status of an app. */

#include <config.h>

#include "controller/engine/engine-private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/packet-handler.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "controller/worker/app-log.h"
#include "controller/worker/app-worker.h"
#include "openvswitch/dynamic-string.h"
#include "unixctl.h"
#include "util.h"

static void
put_stages(const struct pipeline_app *app, struct arena *arena,
           struct status_app *status)
{
    status->n_stages = app->n_stages;
    status->stages = arena_alloc(arena, app->n_stages
                                        * sizeof *status->stages);
    for (size_t i = 0; i < app->n_stages; i++) {
        const struct pipeline_stage *stage = &app->stages[i];

        status->stages[i] = (struct status_stage) {
            .name = stage->class_->name, .first_table = stage->first_table,
            .tables = stage->class_->n_tables,
        };
    }
}

static struct status_app_worker *
worker_status(const struct app_worker *worker, struct arena *arena)
{
    static const char *const states[] = {
        [APP_WORKER_RUNNING] = "running",
        [APP_WORKER_PAUSING] = "pausing",
        [APP_WORKER_SUSPENDED] = "suspended",
    };
    struct status_app_worker *status = arena_alloc(arena, sizeof *status);
    struct app_worker_status now;

    app_worker_get_status(worker, &now);
    *status = (struct status_app_worker) {
        .state = states[now.state], .pid = now.pid, .ends = now.n_ends,
        .failure = now.failure ? arena_strdup(arena, now.failure) : NULL,
        .computed = now.computed ? arena_strdup(arena, now.computed) : NULL,
        .failed = now.failure_ms,
    };
    return status;
}

/* Fills in the handlers of 'app' that have failed. */
static void
put_handlers(const struct engine *engine, const struct pipeline_app *app,
             struct arena *arena, struct status_app *status)
{
    const struct engine_handler *handler;

    status->handlers = arena_alloc(arena, hmap_count(&engine->handlers)
                                          * sizeof *status->handlers);
    HMAP_FOR_EACH (handler, node, &engine->handlers) {
        if (handler->app == app && handler->failure) {
            status->handlers[status->n_handlers++] = (struct status_handler) {
                .handler = arena_strdup(arena, handler->name),
                .failures = handler->n_failed,
                .failure = arena_strdup(arena, handler->failure),
                .failed = handler->failed_ms,
            };
        }
    }
    if (!status->n_handlers) {
        status->handlers = NULL;
    }
}

bool
engine_app_status(const struct engine *engine, const char *name,
                  struct arena *arena, struct status_app *status)
{
    const struct pipeline_app *app = pipeline_find(engine->pipeline, name);
    const struct unit_node *unit;

    if (!app) {
        return false;
    }
    *status = (struct status_app) { .units = 0 };
    put_stages(app, arena, status);
    if (app->worker) {
        status->worker = worker_status(app->worker, arena);
    } else if (app->absent) {
        status->worker = arena_alloc(arena, sizeof *status->worker);
        status->worker->state = "absent";
        status->worker->failure = arena_strdup(arena, app->absent);
    }
    put_handlers(engine, app, arena, status);
    memory_get(engine, app, &status->memory_bytes,
               &status->max_memory_bytes);
    for (size_t i = 0; i < engine->n_unit_classes; i++) {
        const struct unit_class *class_ = &engine->unit_classes[i];

        if (class_->app == app) {
            status->units += class_->n_units;
            status->flows += class_->n_desired[FLOW_ITEM_FLOW];
            status->groups += class_->n_desired[FLOW_ITEM_GROUP];
        }
    }
    LIST_FOR_EACH (unit, problem_node, &engine->problems) {
        status->problems += unit_class(engine, unit)->app == app;
    }
    return true;
}

bool
engine_app_log(const struct engine *engine, const char *name,
               struct arena *arena, struct status_app_log *shown)
{
    const struct pipeline_app *app = pipeline_find(engine->pipeline, name);
    const struct app_log *log;
    size_t n;

    *shown = (struct status_app_log) { .n_items = 0 };
    if (!app || !app->worker) {
        return app && !app->removed;
    }
    log = app_worker_log(app->worker);
    n = app_log_count(log);
    shown->items = arena_alloc(arena, n * sizeof *shown->items);
    shown->dropped = log->n_dropped;
    shown->total = log->n;
    while (shown->n_items < n) {
        const struct app_log_line *line = app_log_get(log, shown->n_items);

        shown->items[shown->n_items++] = (struct status_app_line) {
            .time = line->time_ms, .what = arena_strdup(arena, line->what),
            .text = arena_strdup(arena, line->text),
        };
    }
    return true;
}

static void
unixctl_show(struct unixctl_conn *conn, int argc OVS_UNUSED,
             const char *argv[] OVS_UNUSED, void *engine)
{
    struct engine_stats s;
    struct ds ds = DS_EMPTY_INITIALIZER;

    engine_get_stats(engine, &s);
    ds_put_format(&ds,
                  "units %" PRIu64 ", queries %" PRIu64
                  ", relation values %" PRIu64 ", scopes %" PRIu64 "\n",
                  s.n_units, s.n_queries, s.n_relation_values, s.n_scopes);
    ds_put_format(&ds, "flows %"PRIu64", groups %"PRIu64", bytes %"PRIu64
                  "\n", s.n_flows, s.n_groups, s.n_bytes);
    ds_put_format(&ds, "runs %"PRIu64", units computed %"PRIu64
                  ", queries computed %"PRIu64" (%"PRIu64" to an equal "
                  "value)\n", s.n_runs, s.n_units_computed,
                  s.n_queries_computed, s.n_queries_unchanged);
    unixctl_command_reply(conn, ds_cstr(&ds));
    ds_destroy(&ds);
}

static int
compare_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

static char *
unit_line(const struct unit_node *unit)
{
    return xasprintf(
        "%s: cookie 0x%" PRIx64 ", %" PRIu32 " flows and groups, "
        "%" PRIu32 " relation values%s%s",
        unit->name, unit->cookie, unit->n_entries, unit->n_values,
        unit->problem ? ", failed: " : "", unit->problem ? unit->problem : "");
}

static void
unixctl_units(struct unixctl_conn *conn, int argc, const char *argv[],
              void *engine_)
{
    const struct engine *engine = engine_;
    struct ds ds = DS_EMPTY_INITIALIZER;
    const struct unit_node *unit;
    char **lines = xmalloc((shards_count(&engine->cookies) + 1)
                           * sizeof *lines);
    size_t n = 0;

    for (int i = 0; i < SHARDS_N; i++) {
        HMAP_FOR_EACH (unit, cookie_node, &engine->cookies.maps[i]) {
            if (argc < 2 || strstr(unit->name, argv[1])) {
                lines[n++] = unit_line(unit);
            }
        }
    }
    qsort(lines, n, sizeof *lines, compare_strings);
    for (size_t i = 0; i < n; i++) {
        ds_put_format(&ds, "%s\n", lines[i]);
        free(lines[i]);
    }
    free(lines);
    unixctl_command_reply(conn, ds_cstr(&ds));
    ds_destroy(&ds);
}

void
engine_unixctl_init(struct engine *engine)
{
    unixctl_command_register("engine/show", "", 0, 0, unixctl_show, engine);
    unixctl_command_register("engine/units", "[PART-OF-NAME]", 0, 1,
                             unixctl_units, engine);
    unit_unixctl_init(engine);
}
