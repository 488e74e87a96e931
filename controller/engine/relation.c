/* SPDX-License-Identifier: Apache-2.0
 *
 * Relations: values that units publish at keys.  Each value is counted, so
 * that readers are recomputed only when a value appears at a key or disappears
 * from it: the cost is that of the value that changed, not of all of them. */

#include <config.h>

#include "controller/engine/engine-private.h"
#include "controller/engine/relation.h"

#include <stdlib.h>
#include <string.h>

#include "sset.h"
#include "util.h"

bool
relation_may_be_new(const struct engine *engine, const char *name, size_t max)
{
    const void *number = shash_find_data(&engine->relations, name);

    return number ? (uintptr_t) number - 1 <= UINT16_MAX
                  : engine->n_relations < max;
}

unsigned
relation_index(struct engine *engine, const char *name)
{
    void *number = shash_find_data(&engine->relations, name);

    if (!number) {
        number = (void *) (uintptr_t) ++engine->n_relations;
        shash_add(&engine->relations, name, number);
        if (engine->n_relations > engine->allocated_relations) {
            engine->relation_names = x2nrealloc(
                engine->relation_names, &engine->allocated_relations,
                sizeof *engine->relation_names);
        }
        engine->relation_names[engine->n_relations - 1]
            = shash_find(&engine->relations, name)->name;
    }
    return (uintptr_t) number - 1;
}

struct relation_node *
relation_get(struct engine *engine, unsigned relation, const char *key)
{
    struct node *node = graph_find(&engine->graph, NODE_RELATION, relation,
                                   key);

    if (node) {
        return relation_node_cast(node);
    }

    struct relation_node *rel
        = relation_node_cast(graph_insert(&engine->graph, sizeof *rel,
                                          NODE_RELATION, relation, key, 0));

    shash_init(&rel->values);
    return rel;
}

static void
note_changed(struct engine *engine, struct relation_node *rel)
{
    free(rel->names);
    rel->names = NULL;
    if (!rel->changed) {
        rel->changed = true;
        ovs_list_push_back(&engine->changed_relations, &rel->changed_node);
    }
}

struct relation_value
relation_add(struct engine *engine, unsigned relation, const char *key,
             const char *value)
{
    struct relation_node *rel = relation_get(engine, relation, key);
    struct shash_node *node = shash_find(&rel->values, value);

    if (!node) {
        node = shash_add(&rel->values, value, NULL);
        note_changed(engine, rel);
    }
    node->data = (void *) ((uintptr_t) node->data + 1);
    engine->stats.n_relation_values++;
    return (struct relation_value) { .rel = rel, .value = node };
}

void
relation_remove(struct engine *engine, const struct relation_value *value)
{
    struct relation_node *rel = value->rel;
    struct shash_node *node = value->value;

    engine->stats.n_relation_values--;
    node->data = (void *) ((uintptr_t) node->data - 1);
    if (!node->data) {
        shash_delete(&rel->values, node);
        note_changed(engine, rel);
    }
}

static int
compare_names(const void *a_, const void *b_)
{
    const char *const *a = a_;
    const char *const *b = b_;

    return strcmp(*a, *b);
}

struct vmn_names
relation_names(struct relation_node *rel)
{
    if (!rel->names) {
        struct shash_node *node;
        size_t n = 0;

        rel->n_names = shash_count(&rel->values);
        rel->names = xmalloc(MAX(rel->n_names, 1)
                             * sizeof *rel->names);
        SHASH_FOR_EACH (node, &rel->values) {
            rel->names[n++] = node->name;
        }
        qsort(rel->names, n, sizeof *rel->names, compare_names);
    }
    return (struct vmn_names) { rel->n_names, rel->names };
}

struct vmn_names
engine_relation_values(struct engine *engine, const char *relation, const char
                       *key)
{
    void *number = shash_find_data(&engine->relations, relation);
    struct node *node = number ? graph_find(&engine->graph, NODE_RELATION,
                                            (uintptr_t) number - 1, key)
        : NULL;

    return (node ? relation_names(relation_node_cast(node))
            : (struct vmn_names) { 0, NULL });
}

/* Returns true if a unit or query of 'app' has read the node. */
static bool
is_read_by(const struct engine *engine, const struct node *source,
           const char *app)
{
    uint32_t edge = source->readers;
    const struct node *reader;

    while ((reader = graph_next_reader(&engine->graph, &edge))) {
        const struct pipeline_app *of = engine_app_of(engine, reader);

        if (of && !strcmp(of->class_->name, app)) {
            return true;
        }
    }
    return false;
}

void
engine_relations_used(const struct engine *engine, const char *app,
                      struct sset *read, struct sset *published)
{
    struct node *node;

    for (int i = 0; i < SHARDS_N; i++) {
        HMAP_FOR_EACH (node, hmap_node, &engine->graph.nodes.maps[i]) {
            if (node->kind != NODE_RELATION) {
                continue;
            }
            if (is_read_by(engine, node, app)) {
                sset_add(read, engine->relation_names[node->id]);
            }
            if (!shash_is_empty(&relation_node_cast(node)->values)) {
                sset_add(published, engine->relation_names[node->id]);
            }
        }
    }
}

static void
relation_node_destroy(struct engine *engine, struct relation_node *rel)
{
    if (rel->changed) {
        ovs_list_remove(&rel->changed_node);
    }
    quotas_relation_destroy(rel);
    graph_remove(&engine->graph, &rel->node);
    shash_destroy(&rel->values);
    free(rel->names);
    free(rel);
}

void
relation_release(struct engine *engine, struct relation_node *rel)
{
    if (shash_is_empty(&rel->values) && !rel->changed && !rel->scope
        && !node_has_readers(&rel->node)) {
        relation_node_destroy(engine, rel);
    }
}
