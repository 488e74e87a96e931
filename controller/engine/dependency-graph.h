/* SPDX-License-Identifier: Apache-2.0
 *
 * The dependency graph: nodes that are read (rows, index keys, relation
 * values, exhausted ID pools), nodes that read and are read
 * (queries), and nodes that only read (units).  An edge says that 'reader' has
 * read 'source'.  Not for what a computation does (app-view.c, unit.c,
 * query.c). */

#ifndef CONTROLLER_ENGINE_DEPENDENCY_GRAPH_H
#define CONTROLLER_ENGINE_DEPENDENCY_GRAPH_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/sharded-hmap.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/shash.h"

struct engine_scope;
struct flow_item;
struct entry;
struct publisher_quotas;
struct id_entry;
struct quota_set;

enum node_kind {
    NODE_ROW,                   /* 'id' is an enum vmn_table. */
    NODE_LABELS,                /* Of a row; 'id' as for that. */
    NODE_INDEX,                 /* 'id' is an enum vmn_index. */
    NODE_RELATION,              /* 'id' is a relation. */
    NODE_ID_EXHAUSTION,         /* ID pool 'key', when no ID was left. */
    NODE_QUERY,                 /* 'id' is a query class. */
    NODE_UNIT,                  /* 'id' is a unit class. */
};

/* Levels order recomputation: a reader's is above that of all it reads. A
 * deeper graph still comes out right, only with repeated work. */
#define NODE_MAX_LEVEL 63

struct node {
    struct hmap_node hmap_node; /* In graph's 'nodes'. */
    const char *key;            /* Behind the node, in the same block. */
    uint16_t id;
    uint8_t kind;               /* An enum node_kind. */
    uint8_t level;
    uint16_t n_computed;        /* How often in 'run', to stop endless ones. */
    bool stale : 1;             /* Queued for recomputation. */
    bool running : 1;           /* Being computed: reading it is a cycle. */
    bool idle : 1;              /* Queued to be freed: nobody reads it. */
    uint64_t run;               /* In which it was last computed. */
    uint64_t seen;              /* Serial of the computation that read it. */
    struct ovs_list stale_node; /* In graph's 'stale'. */
    struct ovs_list idle_node;  /* In graph's 'idle'. */
    struct ovs_list readers;    /* Of struct edge, by 'source_node'. */
    struct edge *reads;         /* Singly linked. */
};

struct edge {
    struct ovs_list source_node; /* In source's 'readers'. */
    struct node *source;
    struct node *reader;
    struct edge *next;          /* In reader's 'reads'. */
};

/* The values of a relation at one key. */
struct relation_node {
    struct node node;
    struct shash values;        /* Value -> count of publications. */
    bool changed;               /* In the engine's 'changed_relations'. */
    struct ovs_list changed_node;
    struct publisher_quotas *quotas; /* Of those who publish them, or NULL. */
    size_t n_names;             /* Sorted cache; 'names' is NULL if stale. */
    const char **names;
    struct engine_scope *scope; /* Of these hosts, or NULL. */
};

/* An ID pool that had no ID left.  Exists while a computation that asked in
 * vain depends on it. */
struct exhaustion_node {
    struct node node;
    struct ovs_list exhaustions_node; /* In the engine's 'exhaustions'. */
    uint64_t n_freed;           /* IDs of the pool that had become free when
                                 * its readers were last marked. */
};

/* A value that a unit has published at one key of a relation. */
struct relation_value {
    struct relation_node *rel;
    struct shash_node *value;
};

/* What a query or unit holds besides its edges. */
struct id_refs {
    size_t n, allocated;
    struct id_entry **refs;
};

struct query_node {
    struct node node;
    struct id_refs ids;
    void *value;                /* NULL: none. */
    size_t value_size;
};

struct unit_node {
    struct node node;
    struct id_refs ids;
    struct hmap_node cookie_node; /* In engine's 'cookies'. */
    uint64_t cookie;
    const char *name;           /* "APP.UNIT/KEY", in the same block. */
    char *problem;              /* Why it failed, or NULL. */
    bool failed;                /* The same, but not for a dry run's sake. */
    bool gone;                  /* What it is for is gone, in a dry run. */
    struct ovs_list problem_node; /* In engine's 'problems', if it has one. */
    size_t n_entries;           /* What it wants; see desired-state.h. */
    struct entry **entries;
    size_t n_values;            /* What it has published. */
    struct relation_value *values;
    struct quota_set *quotas;   /* That it counts for; NULL: none.  Counted. */
};

struct graph {
    struct shards nodes;
    struct ovs_list stale[NODE_MAX_LEVEL + 1];
    int lowest;                 /* No stale node is below this level. */
    struct ovs_list idle;       /* Of struct node: nobody reads them. */
    uint64_t serial;            /* Of the last computation. */
};

void graph_init(struct graph *);
/* All nodes must have been removed. */
void graph_uninit(struct graph *);

/* Returns the node, or NULL. */
struct node *graph_find(const struct graph *, enum node_kind, unsigned id,
                        const char *key);
/* Makes a node at the start of a zeroed block of 'size' bytes, and puts it
 * into the graph.  'name' is copied behind; its end from 'key_ofs' on is the
 * node's key.  The caller frees the block after graph_remove(). */
struct node *graph_insert(struct graph *, size_t size, enum node_kind,
                          unsigned id, const char *name, size_t key_ofs);
/* Takes it out; drops its edges as a reader.  It must not be read by any. */
void graph_remove(struct graph *, struct node *);

/* Records that 'reader' has read 'source', once per computation 'serial'. */
void graph_read(struct node *reader, struct node *source, uint64_t serial);
/* Takes the reader's edges off, so that they can be dropped after new ones
 * were recorded (nothing that is read again falls idle in between). */
struct edge *graph_take_reads(struct node *reader);
/* Drops edges.  Sources that nobody reads any more become idle. */
void graph_drop_reads(struct graph *, struct edge *);
/* Puts 'node' on the list of those to be freed, if nobody reads it and it is
 * no unit. */
void graph_add_idle(struct graph *, struct node *);

/* Queues 'node' for recomputation. */
void graph_mark(struct graph *, struct node *);
/* Queues all readers of 'source'. */
void graph_mark_readers(struct graph *, struct node *source);
/* Takes the next stale node of the lowest level, or NULL. */
struct node *graph_pop(struct graph *);
/* Takes 'node' off the queue, if it is there. */
void graph_unmark(struct node *);

#endif /* controller/engine/dependency-graph.h */
