/* SPDX-License-Identifier: Apache-2.0
 *
 * The classes of units and queries of an engine's apps.  Not for what comes
 * and goes with an app (engine-apps.c). */

#include <config.h>

#include "controller/engine/engine-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/id-pools.h"
#include "util.h"

/* What is computed of a class whose app has gone: nothing. */
const struct vmn_unit_class engine_no_unit = { .each = VMN_EACH_ONCE };

static size_t
add_number(struct engine *engine, bool is_query, size_t i)
{
    engine->class_names = xrealloc(engine->class_names,
                                   (engine->n_class_names + 1)
                                   * sizeof *engine->class_names);
    engine->class_names[engine->n_class_names].is_query = is_query;
    engine->class_names[engine->n_class_names].i = i;
    return engine->n_class_names++;
}

/* Returns the class of units of that name, which is new if there never was
 * one. */
static struct unit_class *
get_unit_class(struct engine *engine, const struct pipeline_app *app,
               const struct vmn_unit_class *unit)
{
    char *name = xasprintf("%s.%s", app->class_->name, unit->name);
    struct unit_class *class_;

    for (size_t i = 0; i < engine->n_unit_classes; i++) {
        class_ = &engine->unit_classes[i];
        if (class_->class_ == &engine_no_unit && !strcmp(class_->name, name)) {
            free(name);
            return class_;
        }
    }
    engine->unit_classes = xrealloc(engine->unit_classes,
                                    (engine->n_unit_classes + 1)
                                    * sizeof *engine->unit_classes);
    class_ = &engine->unit_classes[engine->n_unit_classes];
    *class_ = (struct unit_class) {
        .name = name,
        .number = add_number(engine, false, engine->n_unit_classes),
    };
    engine->n_unit_classes++;
    return class_;
}

/* The same for queries. */
static struct query_class *
get_query_class(struct engine *engine, const struct pipeline_app *app,
                const struct vmn_query_class *query)
{
    char *name = xasprintf("%s.%s", app->class_->name, query->name);
    struct query_class *class_;

    for (size_t i = 0; i < engine->n_query_classes; i++) {
        class_ = &engine->query_classes[i];
        if (!class_->class_ && !strcmp(class_->name, name)) {
            free(name);
            return class_;
        }
    }
    engine->query_classes = xrealloc(engine->query_classes,
                                     (engine->n_query_classes + 1)
                                     * sizeof *engine->query_classes);
    class_ = &engine->query_classes[engine->n_query_classes];
    *class_ = (struct query_class) {
        .name = name,
        .number = add_number(engine, true, engine->n_query_classes),
    };
    engine->n_query_classes++;
    return class_;
}

enum vmn_table
engine_table_of(const struct pipeline_app *app, enum vmn_row_type type)
{
    int own = pipeline_table_of(app, type);

    return own >= 0 ? (enum vmn_table) own : schema_table_of(type);
}

void
engine_add_classes(struct engine *engine, const struct pipeline_app *app,
                   uint16_t app_index)
{
    const struct vmn_unit_class *u = app->class_->units;
    const struct vmn_query_class *q = app->class_->queries;
    const struct vmn_id_pool_class *pool = app->class_->id_pools;

    for (; u && u->name; u++) {
        struct unit_class *class_ = get_unit_class(engine, app, u);

        class_->class_ = u;
        class_->table = (u->each == VMN_EACH_ROW
                         ? engine_table_of(app, u->row_type) : VMN_N_TABLES);
        class_->app = app;
        class_->app_index = app_index;
        class_->relation = (u->each == VMN_EACH_KEY
                            ? relation_index(engine, u->relation) : 0);
    }
    for (; q && q->name; q++) {
        struct query_class *class_ = get_query_class(engine, app, q);

        class_->class_ = q;
        class_->app = app;
    }
    for (; pool && pool->name; pool++) {
        id_pools_declare(model_id_pools(engine->model), pool->name, pool->max);
    }
}

void
engine_list_queries(struct engine *engine)
{
    shash_clear(&engine->queries);
    for (size_t i = 0; i < engine->n_query_classes; i++) {
        struct query_class *class_ = &engine->query_classes[i];

        if (class_->class_) {
            shash_add(&engine->queries, class_->name, class_);
        }
    }
}

size_t
engine_n_classes(const struct engine *engine)
{
    return engine->n_class_names;
}

struct engine_class
engine_get_class(const struct engine *engine, size_t number)
{
    size_t i = engine->class_names[number].i;
    bool is_query = engine->class_names[number].is_query;
    const char *name = (is_query ? engine->query_classes[i].name
                        : engine->unit_classes[i].name);
    const struct pipeline_app *app = (is_query ? engine->query_classes[i].app
                                      : engine->unit_classes[i].app);

    return (struct engine_class) {
        .app = app->class_->name,
        .name = name + strlen(app->class_->name) + 1,
        .is_query = is_query,
        .n_computed = (is_query ? engine->query_classes[i].n_computed
                       : engine->unit_classes[i].n_computed),
    };
}

/* Returns the app that computes the node, or NULL. */
const struct pipeline_app *
engine_app_of(const struct engine *engine, const struct node *node)
{
    switch (node->kind) {
    case NODE_UNIT:
        return engine->unit_classes[node->id].app;
    case NODE_QUERY:
        return engine->query_classes[node->id].app;
    default:
        return NULL;
    }
}

void
engine_mark_app(struct engine *engine, const struct pipeline_app *app)
{
    struct node *node;

    for (int i = 0; i < SHARDS_N; i++) {
        HMAP_FOR_EACH (node, hmap_node, &engine->graph.nodes.maps[i]) {
            if (node->kind == NODE_UNIT
                && engine_app_of(engine, node) == app) {
                graph_mark(&engine->graph, node);
            }
        }
    }
}
