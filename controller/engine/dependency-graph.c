/* SPDX-License-Identifier: Apache-2.0
 *
 * The dependency graph; see dependency-graph.h. */

#include <config.h>

#include "controller/engine/dependency-graph.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "util.h"

/* That 'reader' has read 'source'. */
struct edge {
    uint32_t source, reader;    /* Numbers of nodes; those of edges follow. */
    uint32_t next_read;         /* In reader's 'reads'. */
    uint32_t next, prev;        /* In source's 'readers'.  The first edge's
                                 * 'prev' is the last one. */
};

void
graph_init(struct graph *graph)
{
    memset(graph, 0, sizeof *graph);
    shards_init(&graph->nodes);
    number_table_init(&graph->by_number, sizeof(struct node *));
    number_table_init(&graph->edges, sizeof(struct edge));
    graph->lowest = NODE_MAX_LEVEL + 1;
}

void
graph_uninit(struct graph *graph)
{
    shards_destroy(&graph->nodes);
    number_table_destroy(&graph->by_number);
    number_table_destroy(&graph->edges);
}

static struct node *
node_at(const struct graph *graph, uint32_t number)
{
    return *(struct node **) number_table_at(&graph->by_number, number);
}

static struct edge *
edge_at(const struct graph *graph, uint32_t number)
{
    return number_table_at(&graph->edges, number);
}

/* Queues of nodes.  ------------------------------------------------------ */

static bool
is_queued(const struct node *node, enum node_queue queue)
{
    return node->queued & 1u << queue;
}

static void
push(struct graph *graph, struct node_list *list, enum node_queue queue,
     struct node *node)
{
    node->links[queue] = (struct node_link) { .prev = list->last };
    if (list->last) {
        node_at(graph, list->last)->links[queue].next = node->number;
    } else {
        list->first = node->number;
    }
    list->last = node->number;
    node->queued |= 1u << queue;
}

static void
take_out(struct graph *graph, struct node_list *list, enum node_queue queue,
         struct node *node)
{
    const struct node_link link = node->links[queue];

    if (link.prev) {
        node_at(graph, link.prev)->links[queue].next = link.next;
    } else {
        list->first = link.next;
    }
    if (link.next) {
        node_at(graph, link.next)->links[queue].prev = link.prev;
    } else {
        list->last = link.prev;
    }
    node->queued &= ~(1u << queue);
}

/* Nodes.  ---------------------------------------------------------------- */

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
    node->number = number_table_add(&graph->by_number);
    *(struct node **) number_table_at(&graph->by_number, node->number) = node;
    shards_insert(&graph->nodes, &node->hmap_node, hash);
    return node;
}

void
graph_add_idle(struct graph *graph, struct node *node)
{
    if (!is_queued(node, NODE_IDLE) && node->kind != NODE_UNIT
        && !node_has_readers(node)) {
        push(graph, &graph->idle, NODE_IDLE, node);
    }
}

struct node *
graph_pop_idle(struct graph *graph)
{
    struct node *node = NULL;

    if (graph->idle.first) {
        node = node_at(graph, graph->idle.first);
        take_out(graph, &graph->idle, NODE_IDLE, node);
    }
    return node;
}

void
graph_remove(struct graph *graph, struct node *node)
{
    graph_unmark(graph, node);
    graph_drop_reads(graph, graph_take_reads(node));
    if (is_queued(node, NODE_IDLE)) {
        take_out(graph, &graph->idle, NODE_IDLE, node);
    }
    hmap_remove(shards_at(&graph->nodes, node->hmap_node.hash),
                &node->hmap_node);
    number_table_remove(&graph->by_number, node->number);
}

/* Edges.  ---------------------------------------------------------------- */

static void
raise_level(struct node *reader, const struct node *source)
{
    if (reader->level <= source->level && source->level < NODE_MAX_LEVEL) {
        reader->level = source->level + 1;
    }
}

/* Adds 'edge', of this number, to the end of its source's readers. */
static void
add_reader(struct graph *graph, struct node *source, struct edge *edge,
           uint32_t number)
{
    edge->next = 0;
    if (source->readers) {
        struct edge *first = edge_at(graph, source->readers);

        edge->prev = first->prev;
        edge_at(graph, first->prev)->next = number;
        first->prev = number;
    } else {
        edge->prev = number;
        source->readers = number;
    }
}

static void
remove_reader(struct graph *graph, struct node *source,
              const struct edge *edge, uint32_t number)
{
    struct edge *first = edge_at(graph, source->readers);

    if (edge->next) {
        edge_at(graph, edge->next)->prev = edge->prev;
    } else {
        first->prev = edge->prev;
    }
    if (source->readers == number) {
        source->readers = edge->next;
    } else {
        edge_at(graph, edge->prev)->next = edge->next;
    }
}

void
graph_read(struct graph *graph, struct node *reader, struct node *source,
           uint64_t serial)
{
    if (source->seen == serial) {
        return;
    }

    uint32_t number = number_table_add(&graph->edges);
    struct edge *edge = edge_at(graph, number);

    source->seen = serial;
    edge->source = source->number;
    edge->reader = reader->number;
    edge->next_read = reader->reads;
    reader->reads = number;
    add_reader(graph, source, edge, number);
    raise_level(reader, source);
}

uint32_t
graph_take_reads(struct node *reader)
{
    uint32_t edges = reader->reads;

    reader->reads = 0;
    return edges;
}

void
graph_put_reads(struct graph *graph, struct node *reader, uint32_t edges,
                uint64_t serial)
{
    struct node *source;

    reader->reads = edges;
    while ((source = graph_next_source(graph, &edges))) {
        source->seen = serial;
        raise_level(reader, source);
    }
}

void
graph_drop_reads(struct graph *graph, uint32_t number)
{
    while (number) {
        const struct edge *edge = edge_at(graph, number);
        struct node *source = node_at(graph, edge->source);
        uint32_t next = edge->next_read;

        remove_reader(graph, source, edge, number);
        number_table_remove(&graph->edges, number);
        graph_add_idle(graph, source);
        number = next;
    }
}

struct node *
graph_next_source(const struct graph *graph, uint32_t *number)
{
    const struct edge *edge;

    if (!*number) {
        return NULL;
    }
    edge = edge_at(graph, *number);
    *number = edge->next_read;
    return node_at(graph, edge->source);
}

/* What is stale.  -------------------------------------------------------- */

void
graph_mark(struct graph *graph, struct node *node)
{
    if (!node_is_stale(node)) {
        node->stale_level = node->level;
        push(graph, &graph->stale[node->level], NODE_STALE, node);
        graph->lowest = MIN(graph->lowest, node->level);
    }
}

void
graph_mark_readers(struct graph *graph, const struct node *source)
{
    const struct edge *edge;

    for (uint32_t i = source->readers; i; i = edge->next) {
        struct node *reader;

        edge = edge_at(graph, i);
        reader = node_at(graph, edge->reader);
        if (!node_is_stale(reader)) {
            raise_level(reader, source);
            graph_mark(graph, reader);
        }
    }
}

struct node *
graph_next_reader(const struct graph *graph, uint32_t *edge)
{
    const struct edge *e;

    if (!*edge) {
        return NULL;
    }
    e = edge_at(graph, *edge);
    *edge = e->next;
    return node_at(graph, e->reader);
}

struct node *
graph_pop(struct graph *graph)
{
    for (; graph->lowest <= NODE_MAX_LEVEL; graph->lowest++) {
        uint32_t first = graph->stale[graph->lowest].first;

        if (first) {
            struct node *node = node_at(graph, first);

            graph_unmark(graph, node);
            return node;
        }
    }
    return NULL;
}

void
graph_unmark(struct graph *graph, struct node *node)
{
    if (node_is_stale(node)) {
        take_out(graph, &graph->stale[node->stale_level], NODE_STALE, node);
    }
}
