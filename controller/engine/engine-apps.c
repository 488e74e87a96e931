/* SPDX-License-Identifier: Apache-2.0
 *
 * Apps that come and go while the engine runs; see engine.h.  What has been
 * computed for an app goes with it; the next run computes what a new one has,
 * and what else depends on its place in the pipeline.  Not for loading apps
 * (apphost/). */

#include <config.h>

#include "controller/engine/engine-private.h"

#include "controller/engine/builtin-app.h"
#include "controller/engine/packet-handler.h"
#include "svec.h"

/* Has all that apps of others compute computed again: they may ask for what
 * another one knows. */
static void
mark_others(struct engine *engine)
{
    struct node *node;

    for (int i = 0; i < SHARDS_N; i++) {
        HMAP_FOR_EACH (node, hmap_node, &engine->graph.nodes.maps[i]) {
            const struct pipeline_app *app = engine_app_of(engine, node);

            if (app && !app->builtin && !app->removed
                && (node->kind == NODE_UNIT
                    || engine->query_classes[node->id].class_)) {
                graph_mark(&engine->graph, node);
            }
        }
    }
}

/* Has everything computed again that leads to other tables now. */
static void
follow_pipeline(struct engine *engine)
{
    const struct pipeline *pipeline = engine->pipeline;
    bool all = engine->n_moves != pipeline->n_moves;

    engine_mark_app(engine, builtin_app());
    for (size_t i = 0; i < pipeline->n_apps; i++) {
        const struct pipeline_app *app = &pipeline->apps[i];

        if (all || engine->n_app_moves[i] != app->n_moves) {
            engine_mark_app(engine, app);
        }
        engine->n_app_moves[i] = app->n_moves;
    }
    engine->n_moves = pipeline->n_moves;
}

/* Creates the units of a class at keys of its relation that have values. */
static void
start_keys(struct engine *engine, unsigned class_id)
{
    struct svec keys = SVEC_EMPTY_INITIALIZER;
    struct node *node;

    for (int i = 0; i < SHARDS_N; i++) {
        HMAP_FOR_EACH (node, hmap_node, &engine->graph.nodes.maps[i]) {
            if (node->kind == NODE_RELATION
                && node->id == engine->unit_classes[class_id].relation
                && !shash_is_empty(&relation_node_cast(node)->values)) {
                svec_add(&keys, node->key);
            }
        }
    }
    for (size_t i = 0; i < keys.n; i++) {
        engine_ensure_unit(engine, class_id, keys.names[i], true);
    }
    svec_destroy(&keys);
}

void
engine_add_app(struct engine *engine, const struct pipeline_app *app)
{
    /* Who reads meanwhile sees what there was before, as in a run. */
    engine->running = true;
    engine_add_classes(engine, app, app - engine->pipeline->apps);
    engine_list_queries(engine);
    packet_handlers_add(engine, app);
    kept_apps_changed(engine);
    for (unsigned i = 0; engine->started && i < engine->n_unit_classes; i++) {
        const struct unit_class *class_ = &engine->unit_classes[i];

        if (class_->app != app || class_->class_ == &engine_no_unit) {
            continue;
        } else if (class_->class_->each == VMN_EACH_KEY) {
            start_keys(engine, i);
        } else {
            engine_start_class(engine, i);
        }
    }
    mark_others(engine);
    follow_pipeline(engine);
    engine->running = false;
}

void
engine_apps_moved(struct engine *engine)
{
    engine->running = true;
    kept_apps_changed(engine);
    follow_pipeline(engine);
    engine->running = false;
}

/* Removes the units of an app, and has those computed again that have asked
 * for its queries. */
static void
remove_nodes(struct engine *engine, const struct pipeline_app *app)
{
    struct node *node, *next;

    for (int i = 0; i < SHARDS_N; i++) {
        HMAP_FOR_EACH_SAFE (node, next, hmap_node,
                            &engine->graph.nodes.maps[i]) {
            if (engine_app_of(engine, node) != app) {
                continue;
            } else if (node->kind == NODE_UNIT) {
                unit_destroy(engine, unit_node_cast(node));
            } else {
                memory_give_back(engine, app, &query_node_cast(node)->memory);
                graph_mark_readers(&engine->graph, node);
            }
        }
    }
}

static void
remove_classes(struct engine *engine, const struct pipeline_app *app)
{
    for (size_t i = 0; i < engine->n_unit_classes; i++) {
        struct unit_class *class_ = &engine->unit_classes[i];

        if (class_->app == app) {
            class_->class_ = &engine_no_unit;
            class_->table = VMN_N_TABLES;
        }
    }
    for (size_t i = 0; i < engine->n_query_classes; i++) {
        struct query_class *class_ = &engine->query_classes[i];

        if (class_->app == app) {
            class_->class_ = NULL;
        }
    }
    engine_list_queries(engine);
}

void
engine_remove_app(struct engine *engine, const struct pipeline_app *app)
{
    struct absence_node *absence;

    LIST_FOR_EACH (absence, absences_node, &engine->absences) {
        if (absence->worker == app->worker) {
            graph_mark_readers(&engine->graph, &absence->node);
            absence->worker = NULL;
        }
    }
    remove_nodes(engine, app);
    remove_classes(engine, app);
    packet_handlers_remove(engine, app);
    kept_apps_changed(engine);
    engine->withdrawn[app - engine->pipeline->apps] = false;
}
