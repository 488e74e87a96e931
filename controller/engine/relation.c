/* SPDX-License-Identifier: Apache-2.0
 *
 * Relations: facts that units publish, counted, so that what reads them is
 * recomputed only when a value appears at a key or disappears from it.  That
 * turns a pass over all members of a set into the cost of the one that
 * changed. */

#include <config.h>

#include "controller/engine/engine-private.h"
#include "controller/engine/relation.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

unsigned
relation_number(struct engine *engine, const char *name)
{
    void *number = shash_find_data(&engine->relations, name);

    if (!number) {
        number = (void *) (uintptr_t) ++engine->n_relations;
        shash_add(&engine->relations, name, number);
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

    struct relation_node *facts
        = relation_node_cast(graph_insert(&engine->graph, sizeof *facts,
                                          NODE_RELATION, relation, key, 0));

    shash_init(&facts->values);
    return facts;
}

static void
note_changed(struct engine *engine, struct relation_node *facts)
{
    free(facts->names);
    facts->names = NULL;
    if (!facts->changed) {
        facts->changed = true;
        ovs_list_push_back(&engine->changed_facts, &facts->changed_node);
    }
}

struct relation_value
relation_add(struct engine *engine, unsigned relation, const char *key,
             const char *value)
{
    struct relation_node *facts = relation_get(engine, relation, key);
    struct shash_node *node = shash_find(&facts->values, value);

    if (!node) {
        node = shash_add(&facts->values, value, NULL);
        note_changed(engine, facts);
    }
    node->data = (void *) ((uintptr_t) node->data + 1);
    engine->stats.n_facts++;
    return (struct relation_value) { .facts = facts, .value = node };
}

void
relation_remove(struct engine *engine, const struct relation_value *fact)
{
    struct relation_node *facts = fact->facts;
    struct shash_node *node = fact->value;

    engine->stats.n_facts--;
    node->data = (void *) ((uintptr_t) node->data - 1);
    if (!node->data) {
        shash_delete(&facts->values, node);
        note_changed(engine, facts);
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
relation_names(struct relation_node *facts)
{
    if (!facts->names) {
        struct shash_node *node;
        size_t n = 0;

        facts->n_names = shash_count(&facts->values);
        facts->names = xmalloc(MAX(facts->n_names, 1)
                               * sizeof *facts->names);
        SHASH_FOR_EACH (node, &facts->values) {
            facts->names[n++] = node->name;
        }
        qsort(facts->names, n, sizeof *facts->names, compare_names);
    }
    return (struct vmn_names) { facts->n_names, facts->names };
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

void
relation_node_destroy(struct engine *engine, struct relation_node *facts)
{
    if (facts->changed) {
        ovs_list_remove(&facts->changed_node);
    }
    quotas_facts_destroy(facts);
    graph_remove(&engine->graph, &facts->node);
    shash_destroy(&facts->values);
    free(facts->names);
    free(facts);
}

void
relation_release(struct engine *engine, struct relation_node *facts)
{
    if (shash_is_empty(&facts->values) && !facts->changed && !facts->scope
        && ovs_list_is_empty(&facts->node.readers)) {
        relation_node_destroy(engine, facts);
    }
}
