/* SPDX-License-Identifier: Apache-2.0
 *
 * The dependency graph: nodes that are read (rows, index keys, relation
 * values, exhausted ID pools, absent workers, memory of apps, times), nodes
 * that read and are read (queries), and nodes that only read (units).  An edge
 * says that 'reader' has read 'source'.  Not for what a computation does
 * (app-view.c, unit.c, query.c). */

#ifndef CONTROLLER_ENGINE_DEPENDENCY_GRAPH_H
#define CONTROLLER_ENGINE_DEPENDENCY_GRAPH_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/engine/app-memory.h"
#include "controller/engine/number-table.h"
#include "controller/sharded-hmap.h"
#include "controller/timer-heap.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/shash.h"

struct app_worker;
struct engine_scope;
struct flow_item;
struct publisher_quotas;
struct id_entry;
struct late;
struct quota_set;

enum node_kind {
    NODE_ROW,                   /* 'id' is an enum vmn_table. */
    NODE_LABELS,                /* Of a row; 'id' as for that. */
    NODE_INDEX,                 /* 'id' is an enum vmn_index. */
    NODE_RELATION,              /* 'id' is a relation. */
    NODE_ID_EXHAUSTION,         /* ID pool 'key', while it was exhausted. */
    NODE_WORKER_ABSENCE,        /* The worker of app 'key', while it was not
                                 * there. */
    NODE_APP_MEMORY,            /* The memory of app 'key', while it was too
                                 * little. */
    NODE_TIME,                  /* 'key' is a number of seconds since 1970, in
                                 * the future when it was read. */
    NODE_QUERY,                 /* 'id' is a query class. */
    NODE_UNIT,                  /* 'id' is a unit class. */
};

/* Levels order recomputation: a reader's level is above that of everything it
 * reads.  A deeper graph is still correct, only with repeated computations. */
#define NODE_MAX_LEVEL 63

/* What a node may be queued for. */
enum node_queue {
    NODE_STALE,                 /* Recomputation. */
    NODE_IDLE,                  /* To be freed: it has no readers. */
    N_NODE_QUEUES
};

/* Nodes and edges are most of what there is, and refer to each other by
 * numbers of 32 bits; 0 is none. */
struct node_link {
    uint32_t prev, next;
};

struct node {
    struct hmap_node hmap_node; /* In graph's 'nodes'. */
    const char *key;            /* After the node, in the same block. */
    uint32_t number;            /* In graph's 'by_number'. */
    uint16_t id;
    uint8_t kind;               /* An enum node_kind. */
    uint8_t level;
    uint32_t readers;           /* The first edge from it. */
    uint32_t reads;             /* The last edge to it. */
    uint16_t n_computed;        /* Computations in 'run', to detect cycles. */
    uint8_t queued;             /* A bit for each enum node_queue. */
    uint8_t stale_level;        /* Its level when it became stale. */
    bool running;               /* Being computed: reading it is a cycle. */
    struct node_link links[N_NODE_QUEUES];
    uint64_t run;               /* Run of its last computation. */
    uint64_t seen;              /* Serial of the computation that read it. */
};

/* The values of a relation at one key. */
struct relation_node {
    struct node node;
    struct shash values;        /* Value -> count of publications. */
    bool changed;               /* In the engine's 'changed_relations'. */
    struct ovs_list changed_node;
    struct publisher_quotas *quotas; /* Of the publishing units, or NULL. */
    size_t n_names;             /* Sorted cache; 'names' is NULL if stale. */
    const char **names;
    struct engine_scope *scope; /* Scope of these hosts, or NULL. */
};

/* An exhausted ID pool.  Exists while a computation that found no ID depends
 * on it. */
struct exhaustion_node {
    struct node node;
    struct ovs_list exhaustions_node; /* In the engine's 'exhaustions'. */
    uint64_t n_freed;           /* IDs of the pool that had been freed when its
                                 * readers were last marked. */
};

/* The worker of an app that was not there.  Exists while a computation that
 * could not be done depends on it. */
struct absence_node {
    struct node node;
    struct ovs_list absences_node; /* In the engine's 'absences'. */
    struct app_worker *worker;  /* NULL: its app has gone. */
    uint64_t n_ready;           /* app_worker_n_ready() when its readers were
                                 * last marked. */
};

/* A time that was in the future.  Exists while a computation depends on it. */
struct time_node {
    struct node node;
    struct timer timer;         /* In the engine's 'times', until it has
                                 * passed; in seconds since 1970. */
};

/* A value that a unit has published at one key of a relation. */
struct relation_value {
    struct relation_node *rel;
    struct shash_node *value;
};

/* The result of a query or unit. */
struct id_refs {
    size_t n, allocated;
    struct id_entry **refs;
};

struct query_node {
    struct node node;
    struct id_refs ids;
    void *value;                /* NULL: none. */
    size_t value_size;
    struct memory_share memory;
    char *problem;              /* Why its last computation failed, or NULL:
                                 * the value is that of a former one. */
    struct late *late;          /* It failed since its worker is not done;
                                 * else NULL. */
};

struct unit_node {
    struct node node;
    struct id_refs ids;         /* Of its result. */
    struct id_refs failed_ids;  /* Of its last computation, if that failed. */
    struct hmap_node cookie_node; /* In engine's 'cookies'. */
    uint64_t cookie;
    struct memory_share memory;
    const char *name;           /* "APP.UNIT/KEY", in the same block. */
    char *problem;              /* Why it failed, or NULL. */
    bool failed;                /* The same, but for a dry run's. */
    struct late *late;          /* It failed since its worker is not done;
                                 * else NULL. */
    bool gone;                  /* Its object was deleted in a dry run. */
    bool builtin;               /* Of one of VMN's own apps. */
    struct ovs_list problem_node; /* In engine's 'problems', if it has one. */
    uint32_t n_entries;         /* Desired entries; see desired-state.h. */
    uint32_t n_values;          /* Published values. */
    uint32_t *entries;          /* Their numbers. */
    struct relation_value *values;
    struct quota_set *quotas;   /* Flow quotas that count it; NULL: none.
                                 * Counted. */
};

struct node_list {
    uint32_t first, last;
};

struct graph {
    struct shards nodes;
    struct number_table by_number; /* Of struct node pointers. */
    struct number_table edges;  /* Of struct edge. */
    struct node_list stale[NODE_MAX_LEVEL + 1];
    int lowest;                 /* No stale node is below this level. */
    struct node_list idle;
    uint64_t serial;            /* Of the last computation. */
};

void graph_init(struct graph *);
/* All nodes must have been removed. */
void graph_uninit(struct graph *);

/* Returns the node, or NULL. */
struct node *graph_find(const struct graph *, enum node_kind, unsigned id,
                        const char *key);
/* Creates a node at the start of a zeroed block of 'size' bytes, and adds it
 * to the graph.  'name' is copied after it; its end from 'key_ofs' on is the
 * node's key.  The caller frees the block after graph_remove(). */
struct node *graph_insert(struct graph *, size_t size, enum node_kind,
                          unsigned id, const char *name, size_t key_ofs);
/* Removes the node, which must not have readers; drops its edges as a reader,
 * and sources without others become idle. */
void graph_remove(struct graph *, struct node *);

static inline bool
node_is_stale(const struct node *node)
{
    return node->queued & 1u << NODE_STALE;
}

static inline bool
node_has_readers(const struct node *node)
{
    return node->readers != 0;
}

/* Records that 'reader' has read 'source', once per computation 'serial'. */
void graph_read(struct graph *, struct node *reader, struct node *source,
                uint64_t serial);
/* Detaches the reader's edges, so that they can be dropped after new ones were
 * recorded (sources that are read again do not become idle in between).
 * Returns the number of the first. */
uint32_t graph_take_reads(struct node *reader);
/* Puts them back, where the reader has none now.  Their sources count as read
 * by computation 'serial'. */
void graph_put_reads(struct graph *, struct node *reader, uint32_t edges,
                     uint64_t serial);
/* Drops these edges.  Sources without readers become idle. */
void graph_drop_reads(struct graph *, uint32_t edges);
/* Returns the source of edge '*edge', which becomes the reader's next one, or
 * NULL if it is 0.  Begin with the reader's 'reads'. */
struct node *graph_next_source(const struct graph *, uint32_t *edge);

/* The same of readers.  Begin with the source's 'readers'. */
struct node *graph_next_reader(const struct graph *, uint32_t *edge);

/* Queues 'node' to be freed, if it has no readers and is not a unit. */
void graph_add_idle(struct graph *, struct node *);
/* Removes and returns a node that is queued so, or NULL.  It may have readers
 * again. */
struct node *graph_pop_idle(struct graph *);

/* Queues 'node' for recomputation. */
void graph_mark(struct graph *, struct node *);
/* Queues all readers of 'source'. */
void graph_mark_readers(struct graph *, const struct node *source);
/* Removes and returns a stale node of the lowest level, or NULL. */
struct node *graph_pop(struct graph *);
/* Removes 'node' from the queue, if it is queued. */
void graph_unmark(struct graph *, struct node *);

#endif /* controller/engine/dependency-graph.h */
