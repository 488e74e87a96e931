/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations that the engine's files share.  Not for others. */

#ifndef CONTROLLER_ENGINE_ENGINE_PRIVATE_H
#define CONTROLLER_ENGINE_ENGINE_PRIVATE_H 1

#include "controller/engine/dependency-graph.h"
#include "controller/engine/dry-run.h"
#include "controller/engine/engine.h"
#include "controller/engine/flow-quotas.h"
#include "controller/engine/kept-flows.h"
#include "controller/engine/handler-counts.h"
#include "controller/engine/scope.h"
#include "controller/engine/desired-state.h"
#include "controller/flow/emit.h"
#include "controller/flow/pipeline.h"
#include "controller/worker/app-worker.h"
#include "openvswitch/shash.h"

struct engine_handler;

/* A class of units or queries, with the app it belongs to.  One whose app has
 * gone has no units, and is the same again if that comes back. */
struct unit_class {
    const struct vmn_unit_class *class_; /* engine_no_unit: it has gone. */
    char *name;                 /* "APP.UNIT". */
    size_t number;              /* Of engine_get_class(). */
    enum vmn_table table;       /* VMN_EACH_ROW; else VMN_N_TABLES. */
    const struct pipeline_app *app;
    uint16_t app_index;
    uint16_t relation;          /* VMN_EACH_KEY. */
    uint64_t n_computed;        /* Since the start. */
    size_t n_units;             /* Current number, */
    size_t n_desired[2];        /* and that of their desired items, by kind. */
};
struct query_class {
    const struct vmn_query_class *class_; /* NULL: it has gone. */
    const struct pipeline_app *app;
    size_t number;              /* Of engine_get_class(). */
    char *name;                 /* "APP.QUERY". */
    uint64_t n_computed;        /* Since the start. */
    struct sset *changed;       /* Keys, if changes are recorded; else NULL. */
};

/* The result of the last engine_problems(), and the run that it was of. */
struct problems_cache {
    uint64_t run;
    struct engine_problems *problems; /* NULL: not requested. */
};

/* Maximum number of computations of a node in one run; above that, the engine
 * assumes a cycle and skips the node. */
#define COMPUTED_MAX 200

/* Numbers of types of rows are below. */
#define ENGINE_N_ROW_TYPES 256

struct engine {
    struct model *model;
    uint8_t table_of[ENGINE_N_ROW_TYPES]; /* schema_table_of() each. */
    const struct pipeline *pipeline;
    bool *withdrawn;            /* By app: it is suspended, and its units are
                                 * to have no flows then. */
    bool shadow;                /* Compiles in parallel to the live engine. */
    bool started;
    bool following;             /* Another member of the cluster writes. */
    bool running;               /* In engine_run(), possibly yielding. */
    bool rolling_back;          /* In engine_roll_back(). */
    void (*yield)(void *aux);   /* Or NULL. */
    void *yield_aux;

    struct graph graph;
    size_t n_unit_classes;
    struct unit_class *unit_classes;
    size_t n_query_classes;
    struct query_class *query_classes;
    struct shash queries;       /* Name -> struct query_class. */
    size_t n_class_names;       /* Of both, by their numbers. */
    struct {
        bool is_query;
        size_t i;
    } *class_names;
    unsigned n_moves;           /* Of the pipeline, when it was last seen, */
    unsigned n_app_moves[PIPELINE_APPS_MAX]; /* and of its apps. */
    struct hmap handlers;       /* Of struct engine_handler, by id. */
    struct hmap handler_counts; /* Of struct handler_count. */
    size_t n_handler_counts[VMN_OWN_TYPES_MAX]; /* By type of the object. */
    int64_t handler_counts_sweep_ms; /* Earliest time of the next sweep. */
    size_t n_relations;         /* Numbers in order of appearance. */
    struct shash relations;     /* Name -> number + 1, as pointer. */
    size_t allocated_relations;
    const char **relation_names; /* By number.  Owned by 'relations'. */

    struct ovs_list changed_relations; /* Of struct relation_node. */
    struct ovs_list exhaustions; /* Of struct exhaustion_node. */
    struct ovs_list absences;   /* Of struct absence_node. */
    struct ovs_list shortages;  /* Of nodes of kind NODE_APP_MEMORY. */
    uint64_t memory[PIPELINE_APPS_MAX]; /* Kept for each app, in bytes. */
    struct ovs_list late;       /* Of struct late. */
    int worker_wait_ms;         /* engine_set_worker_wait(). */
    int worker_left_ms;         /* What is left of that in this run. */
    struct timer_heap times;    /* Of struct time_node. */
    int64_t (*clock)(void);     /* Seconds since 1970; */
    int64_t now_s;              /* when it was last looked at. */
    struct shards cookies;      /* Of struct unit_node, by cookie. */
    struct ovs_list problems;   /* Of struct unit_node that have one. */
    struct dry_run dry_run;
    struct scope_table scopes;
    struct flow_item_registry *registry;
    struct desired_state desired;
    struct quotas quotas;
    struct kept kept;
    struct emit_pool pool;
    size_t n_spare_chunks;
    struct arena_chunk *spare_chunks; /* Of views that are done. */
    size_t n_reasons;           /* Reasons for drops of flows. */
    struct {
        const char *text;       /* The app's. */
        uint32_t hash;
        bool background;
    } reasons[1024];
    struct arena_chunk *owner_arena; /* engine_get_flow_owner()'s. */
    struct engine_stats stats;
    struct problems_cache *problems_cache;
};

/* engine-classes.c */
extern const struct vmn_unit_class engine_no_unit;
void engine_add_classes(struct engine *, const struct pipeline_app *,
                        uint16_t app_index);
void engine_list_queries(struct engine *);
/* Returns the app that computes the node, or NULL. */
const struct pipeline_app *engine_app_of(const struct engine *,
                                         const struct node *);
/* Has all units of an app computed again. */
void engine_mark_app(struct engine *, const struct pipeline_app *);

/* engine.c */
/* Creates the unit, if there is none, or removes it. */
void engine_ensure_unit(struct engine *, unsigned class_id, const char *key,
                        bool exists);
/* Creates the units of a class for what is there already. */
void engine_start_class(struct engine *, unsigned class_id);

/* relation.c */
unsigned relation_index(struct engine *, const char *name);
/* Returns false for a relation that is new where there are 'max' or more, at
 * most RELATIONS_MAX: names are kept for good, and their numbers have 16 bits
 * in what units publish. */
#define RELATIONS_MAX 4096
bool relation_may_be_new(const struct engine *, const char *name, size_t max);
struct relation_node *relation_get(struct engine *, unsigned relation,
                                   const char *key);
/* Publishes a value, until it is removed. */
struct relation_value relation_add(struct engine *, unsigned relation,
                                   const char *key, const char *value);
void relation_remove(struct engine *, const struct relation_value *);
struct vmn_names relation_names(struct relation_node *);
/* Frees the node if it is empty and has no readers. */
void relation_release(struct engine *, struct relation_node *);

/* drop-reasons.c: records a reason that a flow drops for, and whether that is
 * background. */
void engine_add_drop_reason(struct engine *, const char *reason,
                            bool background);

/* id-exhaustion.c */
struct exhaustion_node *id_exhaustion_get(struct engine *, const char *kind);
void id_exhaustion_destroy(struct engine *, struct exhaustion_node *);

/* past-times.c */
void past_times_init(struct engine *);
/* Returns true if the time of NODE_TIME 'node' has passed. */
bool time_node_is_past(const struct engine *, const struct node *);
void time_node_destroy(struct engine *, struct time_node *);

/* worker-wait.c: the begin and the end of a run. */
void worker_calls_begin(struct engine *);
void worker_calls_end(struct engine *);
void absence_destroy(struct absence_node *, struct graph *);

/* worker-calls.c: computes in the worker of an app. */
void worker_compile(struct vmn_view *, const struct unit_node *,
                    uint32_t old_reads, struct vmn_emit *);
/* Returns false if there is no new value: the former one stays. */
bool worker_eval(struct vmn_view *, const struct query_class *,
                 const char *key, uint32_t old_reads, struct vmn_value *);
void worker_handle(struct vmn_view *, const struct engine_handler *,
                   const struct vmn_packet_in *, struct vmn_packets_out *);
/* Returns the table of what 'app' reads as 'type', or VMN_N_TABLES. */
enum vmn_table engine_table_of(const struct pipeline_app *,
                               enum vmn_row_type type);
/* Has the app look at an object of its type 'type' (pipeline_type_of()), and
 * adds what is wrong to 'faults', which is complete if the outcome is
 * APP_WORKER_DONE.  '*checked' is as for engine_check_object(). */
enum app_worker_outcome worker_check(struct vmn_view *,
                                     const struct pipeline_app *, int type,
                                     const struct vmn_row *,
                                     uint64_t *checked,
                                     struct vmn_errors *faults);
bool worker_find_owner(struct vmn_view *, const struct unit_class *,
                       const char *key, uint32_t part,
                       struct vmn_flow_owner *);

/* query.c */
struct query_node *query_get(struct engine *, const char *name,
                             const char *key);
void query_compute(struct engine *, struct query_node *);
void query_destroy(struct engine *, struct query_node *);

/* unit.c */
void unit_create(struct engine *, unsigned class_id, const char *key);
void unit_compute(struct engine *, struct unit_node *);
void unit_destroy(struct engine *, struct unit_node *);

/* flow-owner.c: returns the unit with that cookie (flow_cookie_owner()), or
 * NULL. */
struct unit_node *engine_find_unit(const struct engine *, uint64_t cookie);

/* Fails a unit that was not computed, for the reason 'problem', which it
 * takes. */
void unit_set_failed(struct engine *, struct unit_node *, char *problem);

/* fact-circle.c: 'node' was computed too often in a run.  Fails it, if it is a
 * unit, and says in which circle it is. */
void circle_report(struct engine *, struct node *);

/* unit-unixctl.c */
void unit_unixctl_init(struct engine *);

static inline struct relation_node *
relation_node_cast(struct node *node)
{
    return CONTAINER_OF(node, struct relation_node, node);
}

static inline struct exhaustion_node *
exhaustion_node_cast(struct node *node)
{
    return CONTAINER_OF(node, struct exhaustion_node, node);
}

static inline struct time_node *
time_node_cast(struct node *node)
{
    return CONTAINER_OF(node, struct time_node, node);
}

static inline struct absence_node *
absence_node_cast(struct node *node)
{
    return CONTAINER_OF(node, struct absence_node, node);
}

static inline struct query_node *
query_node_cast(struct node *node)
{
    return CONTAINER_OF(node, struct query_node, node);
}

static inline struct unit_node *
unit_node_cast(struct node *node)
{
    return CONTAINER_OF(node, struct unit_node, node);
}

static inline struct unit_class *
unit_class(const struct engine *engine, const struct unit_node *unit)
{
    return &engine->unit_classes[unit->node.id];
}

#endif /* controller/engine/engine-private.h */
