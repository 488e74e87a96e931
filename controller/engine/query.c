/* SPDX-License-Identifier: Apache-2.0
 *
 * Queries: named functions of a key whose values are cached, and computed
 * again only when something that they read has changed.  If the new value is
 * equal, readers are not recomputed. */

#include <config.h>

#include "controller/engine/engine-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/app-view.h"
#include "controller/engine/late-nodes.h"
#include "openvswitch/vlog.h"
#include "proto/watchdog/watchdog.h"
#include "sset.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(engine_query);

/* Returns the node of query 'name' at 'key'; a new one is stale.  Returns NULL
 * if no loaded app has such a query. */
struct query_node *
query_get(struct engine *engine, const char *name, const char *key)
{
    const struct query_class *class_ = shash_find_data(&engine->queries,
                                                       name);
    if (!class_) {
        return NULL;
    }

    unsigned id = class_ - engine->query_classes;
    struct node *node = graph_find(&engine->graph, NODE_QUERY, id, key);

    if (!node) {
        node = graph_insert(&engine->graph, sizeof(struct query_node),
                            NODE_QUERY, id, key, 0);
        graph_mark(&engine->graph, node);
        engine->stats.n_queries++;
    }
    return query_node_cast(node);
}

static bool
value_equals(const struct query_node *query, const struct vmn_value *value)
{
    return (!query->value == !value->data
            && query->value_size == value->size
            && (!value->data
                || !memcmp(query->value, value->data, value->size)));
}

static void
note_changed(struct engine *engine, const struct node *node)
{
    struct sset *changed = engine->query_classes[node->id].changed;

    if (changed) {
        sset_add(changed, node->key);
    }
}

/* Notes all keys of query class 'id' at which there is a value. */
static void
note_all(struct engine *engine, unsigned id)
{
    struct node *node;

    for (int i = 0; i < SHARDS_N; i++) {
        HMAP_FOR_EACH (node, hmap_node, &engine->graph.nodes.maps[i]) {
            if (node->kind == NODE_QUERY && node->id == id
                && query_node_cast(node)->value) {
                note_changed(engine, node);
            }
        }
    }
}

bool
engine_watch(struct engine *engine, const char *query)
{
    struct query_class *class_ = shash_find_data(&engine->queries, query);

    if (class_ && !class_->changed) {
        class_->changed = xmalloc(sizeof *class_->changed);
        sset_init(class_->changed);
        note_all(engine, class_ - engine->query_classes);
    }
    return class_ != NULL;
}

void
engine_take_changed(struct engine *engine, const char *query,
                    struct sset *keys)
{
    struct query_class *class_ = shash_find_data(&engine->queries, query);

    if (class_ && class_->changed) {
        const char *key;

        SSET_FOR_EACH (key, class_->changed) {
            sset_add(keys, key);
        }
        sset_clear(class_->changed);
    }
}

/* Takes over the value, and marks the query's readers if it differs or the
 * query had failed: a reader that failed for that reason is computed again,
 * whatever the value. */
static void
take_value(struct engine *engine, struct query_node *query,
           struct vmn_value *value, bool done)
{
    if (!done || (value_equals(query, value) && !query->problem)) {
        engine->stats.n_queries_unchanged++;
        free(value->data);
    } else {
        free(query->value);
        query->value = value->data;
        query->value_size = value->size;
        graph_mark_readers(&engine->graph, &query->node);
        note_changed(engine, &query->node);
    }
}

void
query_compute(struct engine *engine, struct query_node *query)
{
    struct node *node = &query->node;
    const struct query_class *class_ = &engine->query_classes[node->id];
    struct id_refs old_numbers = query->ids;
    struct vmn_value value = { NULL, 0 };
    struct vmn_view view;
    uint32_t old_reads;
    bool done = true;

    if (!class_->class_) {
        return;                 /* Its app was removed.  Its readers are about
                                 * to be computed, and find no query. */
    }
    old_reads = graph_take_reads(node);

    node->level = 0;
    node->running = true;
    view_init(&view, engine, node, class_->app);
    memory_begin(&view, &query->memory);
    if (class_->app->worker) {
        done = worker_eval(&view, class_, node->key, old_reads, &value);
    } else {
        struct watchdog_mark mark;

        watchdog_begin(&mark, "query", class_->name, node->key);
        class_->class_->eval(&view, node->key, &value);
        watchdog_end(&mark);
    }
    if (view.denied) {
        /* Its readers fail as well, unless it has a value already. */
        done = false;
        VLOG_WARN("query %s at \"%s\": %s", class_->name, node->key,
                  view.problem);
    }
    memory_settle(&view, &query->memory, done);
    if (done) {
        query->ids = view.ids;
        memset(&view.ids, 0, sizeof view.ids);
    } else {
        memset(&old_numbers, 0, sizeof old_numbers);
    }
    node->running = false;
    engine->stats.n_queries_computed++;
    engine->query_classes[node->id].n_computed++;

    take_value(engine, query, &value, done);
    free(query->problem);
    query->problem = NULL;
    if (!done) {
        query->problem = view.problem;
        view.problem = NULL;
    }
    id_refs_uninit(&old_numbers, model_id_pools(engine->model));
    if (!done && view.late) {
        late_keep(engine, &view, old_reads, &query->late);
    } else {
        late_end(engine, &query->late);
        graph_drop_reads(&engine->graph, old_reads);
    }
    view_uninit(&view);
}

void
query_destroy(struct engine *engine, struct query_node *query)
{
    if (query->value) {
        note_changed(engine, &query->node);
    }
    memory_give_back(engine, engine->query_classes[query->node.id].app,
                     &query->memory);
    graph_remove(&engine->graph, &query->node);
    late_end(engine, &query->late);
    id_refs_uninit(&query->ids, model_id_pools(engine->model));
    free(query->value);
    free(query->problem);
    free(query);
    engine->stats.n_queries--;
}
