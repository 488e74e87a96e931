/* SPDX-License-Identifier: Apache-2.0
 *
 * The dependency graph; see dependency-graph.h. */

#include <config.h>

#include "controller/engine/dependency-graph.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "util.h"

void
graph_init(struct graph *graph)
{
    shards_init(&graph->nodes);
    for (int i = 0; i <= NODE_MAX_LEVEL; i++) {
        ovs_list_init(&graph->stale[i]);
    }
    graph->lowest = NODE_MAX_LEVEL + 1;
    ovs_list_init(&graph->idle);
    graph->serial = 0;
}

void
graph_uninit(struct graph *graph)
{
    shards_destroy(&graph->nodes);
}

static uint32_t
node_hash(enum node_kind kind, unsigned id, const char *key)
{
    return hash_string(key, hash_2words(kind, id));
}

struct node *
graph_find(const struct graph *graph, enum node_kind kind, unsigned id,
           const char *key)
{
    uint32_t hash = node_hash(kind, id, key);
    struct node *node;

    HMAP_FOR_EACH_WITH_HASH (node, hmap_node, hash,
                             shards_at(&graph->nodes, hash)) {
        if (node->kind == kind && node->id == id && !strcmp(node->key, key)) {
            return node;
        }
    }
    return NULL;
}

struct node *
graph_insert(struct graph *graph, size_t size, enum node_kind kind,
             unsigned id, const char *name, size_t key_ofs)
{
    uint32_t hash = node_hash(kind, id, name + key_ofs);
    size_t name_size = strlen(name) + 1;
    struct node *node = xmalloc(size + name_size);
    char *copy = (char *) node + size;

    memset(node, 0, size);
    memcpy(copy, name, name_size);
    node->kind = kind;
    node->id = id;
    node->key = copy + key_ofs;
    ovs_list_init(&node->readers);
    shards_insert(&graph->nodes, &node->hmap_node, hash);
    return node;
}

void
graph_add_idle(struct graph *graph, struct node *node)
{
    if (!node->idle && node->kind != NODE_UNIT
        && ovs_list_is_empty(&node->readers)) {
        node->idle = true;
        ovs_list_push_back(&graph->idle, &node->idle_node);
    }
}

/* Frees 'edge' and those that follow.  Sources without readers become idle,
 * unless 'graph' is NULL. */
static void
drop_reads(struct graph *graph, struct edge *edge)
{
    while (edge) {
        struct edge *next = edge->next;
        struct node *source = edge->source;

        ovs_list_remove(&edge->source_node);
        free(edge);
        if (graph) {
            graph_add_idle(graph, source);
        }
        edge = next;
    }
}

void
graph_remove(struct graph *graph, struct node *node)
{
    graph_unmark(node);
    if (node->idle) {
        ovs_list_remove(&node->idle_node);
        node->idle = false;
    }
    drop_reads(NULL, graph_take_reads(node));
    hmap_remove(shards_at(&graph->nodes, node->hmap_node.hash),
                &node->hmap_node);
}

static void
raise_level(struct node *reader, const struct node *source)
{
    if (reader->level <= source->level && source->level < NODE_MAX_LEVEL) {
        reader->level = source->level + 1;
    }
}

void
graph_read(struct node *reader, struct node *source, uint64_t serial)
{
    if (source->seen == serial) {
        return;
    }

    struct edge *edge = xmalloc(sizeof *edge);

    source->seen = serial;
    edge->source = source;
    edge->reader = reader;
    edge->next = reader->reads;
    reader->reads = edge;
    ovs_list_push_back(&source->readers, &edge->source_node);
    raise_level(reader, source);
}

struct edge *
graph_take_reads(struct node *reader)
{
    struct edge *edges = reader->reads;

    reader->reads = NULL;
    return edges;
}

void
graph_drop_reads(struct graph *graph, struct edge *edges)
{
    drop_reads(graph, edges);
}

void
graph_mark(struct graph *graph, struct node *node)
{
    if (!node->stale) {
        node->stale = true;
        ovs_list_push_back(&graph->stale[node->level], &node->stale_node);
        graph->lowest = MIN(graph->lowest, node->level);
    }
}

void
graph_mark_readers(struct graph *graph, struct node *source)
{
    struct edge *edge;

    LIST_FOR_EACH (edge, source_node, &source->readers) {
        if (!edge->reader->stale) {
            raise_level(edge->reader, source);
            graph_mark(graph, edge->reader);
        }
    }
}

struct node *
graph_pop(struct graph *graph)
{
    for (; graph->lowest <= NODE_MAX_LEVEL; graph->lowest++) {
        struct ovs_list *list = &graph->stale[graph->lowest];

        if (!ovs_list_is_empty(list)) {
            struct node *node = CONTAINER_OF(ovs_list_front(list),
                                             struct node, stale_node);
            graph_unmark(node);
            return node;
        }
    }
    return NULL;
}

void
graph_unmark(struct node *node)
{
    if (node->stale) {
        node->stale = false;
        ovs_list_remove(&node->stale_node);
    }
}
