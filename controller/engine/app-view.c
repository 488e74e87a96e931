/* SPDX-License-Identifier: Apache-2.0
 *
 * Implements the reading functions of include/vmn/app.h; see app-view.h. */

#include <config.h>

#include "controller/engine/app-view.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine-private.h"
#include "controller/engine/ownership.h"
#include "controller/flow/emit.h"
#include "controller/model/id-pools.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/schema-row.h"
#include "util.h"

/* Depth of queries that read each other in a handler. */
#define PEEK_DEPTH_MAX 16

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, size;
    _Alignas(max_align_t) uint8_t data[];
};

#define CHUNK_SIZE 4000
/* The engine keeps this many between computations: chunks are too large for
 * malloc()'s fast paths, and each computation needs one. */
#define SPARE_CHUNKS_MAX 8

static struct arena_chunk *
chunk_create(struct arena_chunk *next, size_t size)
{
    struct arena_chunk *chunk = xmalloc(sizeof *chunk + size);

    chunk->next = next;
    chunk->used = 0;
    chunk->size = size;
    return chunk;
}

/* Returns a chunk for at least 'size' bytes, linked before 'next'. */
static struct arena_chunk *
chunk_take(struct engine *engine, struct arena_chunk *next, size_t size)
{
    struct arena_chunk *chunk = engine->spare_chunks;

    if (size > CHUNK_SIZE || !chunk) {
        return chunk_create(next, MAX(size, CHUNK_SIZE));
    }
    engine->spare_chunks = chunk->next;
    engine->n_spare_chunks--;
    chunk->next = next;
    chunk->used = 0;
    return chunk;
}

static void
chunk_give(struct engine *engine, struct arena_chunk *chunk)
{
    if (chunk->size == CHUNK_SIZE
        && engine->n_spare_chunks < SPARE_CHUNKS_MAX) {
        chunk->next = engine->spare_chunks;
        engine->spare_chunks = chunk;
        engine->n_spare_chunks++;
    } else {
        free(chunk);
    }
}

void
view_free_spare(struct engine *engine)
{
    while (engine->spare_chunks) {
        struct arena_chunk *next = engine->spare_chunks->next;

        free(engine->spare_chunks);
        engine->spare_chunks = next;
    }
    engine->n_spare_chunks = 0;
}

void
view_init(struct vmn_view *view, struct engine *engine, struct node *node,
          const struct pipeline_app *app)
{
    memset(view, 0, sizeof *view);
    view->engine = engine;
    view->node = node;
    view->app = app;
    view->serial = ++engine->graph.serial;
}

void
view_init_handler(struct vmn_view *view, struct engine *engine,
                  const struct pipeline_app *app, struct arena_chunk **kept)
{
    view_init(view, engine, NULL, app);
    if (!*kept) {
        *kept = chunk_create(NULL, CHUNK_SIZE);
    }
    (*kept)->used = 0;
    view->arena = *kept;
}

void
view_uninit_handler(struct vmn_view *view, struct arena_chunk **kept)
{
    while (view->arena != *kept) {
        struct arena_chunk *next = view->arena->next;

        free(view->arena);
        view->arena = next;
    }
    view->arena = NULL;
    view_uninit(view);
}

void
id_refs_uninit(struct id_refs *ids, struct id_pools *table)
{
    for (size_t i = 0; i < ids->n; i++) {
        id_pools_unref(table, ids->refs[i]);
    }
    free(ids->refs);
    memset(ids, 0, sizeof *ids);
}

void
view_uninit(struct vmn_view *view)
{
    id_refs_uninit(&view->ids, model_id_pools(view->engine->model));
    while (view->arena) {
        struct arena_chunk *next = view->arena->next;

        chunk_give(view->engine, view->arena);
        view->arena = next;
    }
    free(view->problem);
}

static bool
view_has_failed(const struct vmn_view *view)
{
    return view->problem != NULL;
}

static int
view_table_of_hook(const struct vmn_view *view, enum vmn_hook hook)
{
    return pipeline_table_of_hook(view->engine->pipeline, hook);
}

const struct emit_services view_emit_services = {
    .alloc = vmn_alloc,
    .number = vmn_id_of,
    .fail = view_fail,
    .failed = view_has_failed,
    .charge = memory_charge,
    .table_of_hook = view_table_of_hook,
};

void
view_fail(struct vmn_view *view, const char *format, va_list args)
{
    if (!view->problem) {
        view->problem = xvasprintf(format, args);
    }
}

void
vmn_fail(struct vmn_emit *emit, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    view_fail(emit->view, format, args);
    va_end(args);
}

void
view_failf(struct vmn_view *view, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    view_fail(view, format, args);
    va_end(args);
}

void *
vmn_alloc(struct vmn_view *view, size_t size)
{
    struct arena_chunk *chunk = view->arena;

    size = ROUND_UP(size, sizeof(max_align_t));
    if (!chunk || chunk->size - chunk->used < size) {
        chunk = chunk_take(view->engine, view->arena, size);
        view->arena = chunk;
    }

    void *p = chunk->data + chunk->used;

    chunk->used += size;
    memset(p, 0, size);
    return p;
}

/* Most texts fit into the rest of the chunk, so that they are formatted
 * once. */
char *
vmn_printf(struct vmn_view *view, const char *format, ...)
{
    struct arena_chunk *chunk = view->arena;
    size_t left = chunk ? chunk->size - chunk->used : 0;
    char *s = chunk ? (char *) chunk->data + chunk->used : NULL;
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);

    size_t size = vsnprintf(s, left, format, args) + 1;

    if (size <= left) {
        chunk->used += MIN(left, ROUND_UP(size, sizeof(max_align_t)));
    } else {
        s = vmn_alloc(view, size);
        vsnprintf(s, size, format, again);
    }
    va_end(again);
    va_end(args);
    return s;
}

/* Records (kind, id, key) as an input of the computation. */
static void
record(struct vmn_view *view, enum node_kind kind, unsigned id,
       const char *key)
{
    struct graph *graph = &view->engine->graph;
    struct node *source;

    if (!view->node) {
        return;
    }
    source = graph_find(graph, kind, id, key);
    if (!source) {
        source = graph_insert(graph, sizeof *source, kind, id, key, 0);
    }
    graph_read(graph, view->node, source, view->serial);
}

const void *
view_read(struct vmn_view *view, enum vmn_table table, const char *name)
{
    const void *row;

    if (!view->node) {
        row = model_get_durable(view->engine->model, table, name, NULL);
    } else {
        record(view, NODE_ROW, table, name);
        row = model_get(view->engine->model, table, name);
    }
    if (row && schema_is_own(table)
        && !pipeline_declares(view->app, table, row)) {
        view_failf(view, "%s \"%s\" is of what another version of the app "
                   "declares", schema_tables[table]->singular, name);
        return NULL;
    }
    return row;
}

/* Returns the table of what the app reads as 'type', or VMN_N_TABLES. */
static enum vmn_table
view_table_of(const struct vmn_view *view, enum vmn_row_type type)
{
    int own = pipeline_table_of(view->app, type);

    return (own >= 0 ? (enum vmn_table) own
            : (unsigned) type < ENGINE_N_ROW_TYPES
            ? view->engine->table_of[type] : VMN_N_TABLES);
}

const void *
vmn_read(struct vmn_view *view, enum vmn_row_type type, const char *name)
{
    enum vmn_table table = view_table_of(view, type);

    if (table == VMN_N_TABLES || !name) {
        view_failf(view, "read of a row of type %u, or without a name",
                   (unsigned) type);
        return NULL;
    }
    return view_read(view, table, name);
}

/* The row's presence is an input already. */
const struct vmn_labels *
vmn_labels_of(struct vmn_view *view, const struct vmn_row *row)
{
    static const struct vmn_labels none = { 0, NULL };
    const struct vmn_labels *labels = schema_row_labels(row);

    if (!labels) {
        return &none;
    }
    record(view, NODE_LABELS, row->table, row->name);
    return labels;
}

const struct vmn_health *
vmn_read_health(struct vmn_view *view, const char *loadbalancer,
                const char *port)
{
    if (!loadbalancer || !port) {
        return NULL;
    }
    return view_read(view, VMN_TABLE_HEALTH,
                     vmn_printf(view, "%s/%s", loadbalancer, port));
}

const struct vmn_vif *
vmn_read_vif(struct vmn_view *view, const char *host, const char *iface_id)
{
    if (!host || !iface_id) {
        return NULL;
    }
    return view_read(view, VMN_TABLE_VIF,
                     vmn_printf(view, "%s/%s", host, iface_id));
}

/* Returns true if what is no row cannot be read now. */
static bool
refuses(struct vmn_view *view)
{
    if (!view->node && view->rows_only) {
        view_failf(view, "a change is being planned");
        view->refused = true;
    }
    return view->refused;
}

struct vmn_names
vmn_lookup(struct vmn_view *view, enum vmn_index index, const char *key)
{
    if (index >= VMN_N_INDEXES || !key) {
        view_failf(view, "look-up in index %u without a key",
                   (unsigned) index);
        return (struct vmn_names) { 0, NULL };
    }
    if (refuses(view)) {
        return (struct vmn_names) { 0, NULL };
    }
    record(view, NODE_INDEX, index, key);
    return model_lookup(view->engine->model, index, key);
}

/* For handlers, of which nothing is recorded.  --------------------------- */

static struct vmn_names
peek_relation(struct engine *engine, const char *relation, const char *key)
{
    const void *number = shash_find_data(&engine->relations, relation);
    struct node *node = (number ? graph_find(&engine->graph, NODE_RELATION,
                                             (uintptr_t) number - 1, key)
                         : NULL);

    return (node ? relation_names(relation_node_cast(node))
            : (struct vmn_names) { 0, NULL });
}

static const void *
peek_query(struct vmn_view *view, const char *name, const char *key,
           size_t *size)
{
    struct engine *engine = view->engine;
    const struct query_class *class_ = shash_find_data(&engine->queries,
                                                       name);
    struct vmn_value value = { NULL, 0 };
    struct vmn_view inner;
    struct node *node;
    void *copy = NULL;

    if (!class_) {
        ownership_check_query(view, name);
        return NULL;
    }
    node = graph_find(&engine->graph, NODE_QUERY,
                      class_ - engine->query_classes, key);
    if (node && !node_is_stale(node) && !node->running) {
        *size = query_node_cast(node)->value_size;
        return query_node_cast(node)->value;
    }
    if (view->depth >= PEEK_DEPTH_MAX) {
        view_failf(view, "query %s at \"%s\" depends on itself", name, key);
        return NULL;
    }
    view_init(&inner, engine, NULL, class_->app);
    inner.depth = view->depth + 1;
    if (class_->app->worker) {
        worker_eval(&inner, class_, key, 0, &value);
    } else {
        class_->class_->eval(&inner, key, &value);
    }
    if (inner.problem) {
        view_failf(view, "%s", inner.problem);
    } else if (value.data) {
        *size = value.size;
        copy = vmn_alloc(view, value.size);
        memcpy(copy, value.data, value.size);
    }
    free(value.data);
    view_uninit(&inner);
    return copy;
}

static uint32_t
peek_id(struct vmn_view *view, const char *kind, const char *key)
{
    uint32_t number = id_pools_peek(model_id_pools(view->engine->model), kind,
                                    key);

    if (!number) {
        view_failf(view, "there is no %s number of \"%s\" yet", kind, key);
    }
    return number;
}

/* Other reads.  ---------------------------------------------------------- */

struct vmn_names
vmn_relation_values(struct vmn_view *view, const char *relation,
                    const char *key)
{
    struct engine *engine = view->engine;

    if (refuses(view)) {
        return (struct vmn_names) { 0, NULL };
    }
    if (!view->node) {
        return peek_relation(engine, relation, key);
    }

    struct relation_node *rel
        = relation_get(engine, relation_index(engine, relation), key);

    graph_read(&engine->graph, view->node, &rel->node, view->serial);
    return relation_names(rel);
}

const void *
vmn_query(struct vmn_view *view, const char *name, const char *key,
          size_t *size)
{
    struct engine *engine = view->engine;

    *size = 0;
    if (refuses(view)) {
        return NULL;
    }
    if (!view->node) {
        return peek_query(view, name, key, size);
    }

    struct query_node *query = query_get(engine, name, key);

    if (!query) {
        ownership_check_query(view, name);
        return NULL;
    }
    if (query->node.running) {
        view->denied = true;
        view_failf(view, "query %s at \"%s\" depends on itself", name, key);
        return NULL;
    }
    if (node_is_stale(&query->node)) {
        graph_unmark(&engine->graph, &query->node);
        query_compute(engine, query);
        if (view->node->level <= query->node.level) {
            view->node->level = MIN(query->node.level + 1, NODE_MAX_LEVEL);
        }
    }
    if (query->problem && !query->value) {
        view->late |= query->late != NULL;
        view_failf(view, "query %s at \"%s\" has failed: %s", name, key,
                   query->problem);
    }
    /* Read afterwards: a reader that gets the new value need not be computed
     * again. */
    graph_read(&engine->graph, view->node, &query->node, view->serial);
    *size = query->value_size;
    return query->value;
}

uint32_t
vmn_id_of(struct vmn_view *view, const char *kind, const char *key)
{
    struct id_entry *number;

    if (view->node && !ownership_check_pool(view, kind)) {
        return 0;
    }
    key = ownership_id_key(view, kind, key);
    if (!view->node) {
        return peek_id(view, kind, key);
    }
    number = id_pools_ref(model_id_pools(view->engine->model), kind, key);
    if (!number) {
        graph_read(&view->engine->graph, view->node,
                   &id_exhaustion_get(view->engine, kind)->node,
                   view->serial);
        view_failf(view, "no %s number is left for \"%s\"", kind, key);
        return 0;
    }
    if (view->ids.n >= view->ids.allocated) {
        view->ids.refs = x2nrealloc(view->ids.refs,
                                    &view->ids.allocated,
                                    sizeof *view->ids.refs);
    }
    view->ids.refs[view->ids.n++] = number;
    return id_entry_value(number);
}

void
vmn_value_set(struct vmn_value *value, const void *data, size_t size)
{
    free(value->data);
    value->size = MIN(size, VMN_VALUE_SIZE_MAX);
    /* An empty value is not the same as none. */
    value->data = xmalloc(MAX(value->size, 1));
    memcpy(value->data, data, value->size);
}

void
vmn_publish(struct vmn_emit *emit, const char *relation, const char *key,
            const char *value)
{
    if (emit->n_values >= EMIT_VALUES_MAX) {
        emit_fail(emit, "more than %d relation values", EMIT_VALUES_MAX);
        return;
    }
    if (!relation || !key || !value) {
        emit_fail(emit, "a value of a relation lacks its relation, its key or "
                  "itself");
        return;
    }
    if (!ownership_check_relation(emit->view, relation, key)) {
        return;
    }
    if (!relation_may_be_new(emit->view->engine, relation, RELATIONS_MAX)) {
        emit_fail(emit, "relation %s is one too many", relation);
        return;
    }
    if (strlen(key) > 255 || strlen(value) > 255) {
        emit_fail(emit, "a value of relation %s is longer than 255 characters",
                  relation);
        return;
    }
    if (emit->n_values >= emit->allocated_values) {
        emit->values = x2nrealloc(emit->values, &emit->allocated_values,
                                  sizeof *emit->values);
    }
    emit->values[emit->n_values++] = (struct emit_value) {
        .relation = relation_index(emit->view->engine, relation),
        .key = emit_strdup(emit, key),
        .value = emit_strdup(emit, value),
    };
}

void *
engine_peek(struct engine *engine, const char *query, const char *key,
            size_t *size)
{
    struct vmn_view view;
    const void *value;
    void *copy = NULL;

    view_init(&view, engine, NULL, NULL);
    value = vmn_query(&view, query, key, size);
    if (value && !view.problem) {
        copy = xmemdup(value, MAX(*size, 1));
    }
    free(view.problem);
    view.problem = NULL;
    view_uninit(&view);
    return copy;
}

int
engine_table_of_hook(const struct engine *engine, enum vmn_hook hook)
{
    return pipeline_table_of_hook(engine->pipeline, hook);
}

char *
engine_domain_of(struct engine *engine, const char *network)
{
    size_t size;
    char *domain = engine_peek(engine, VMN_QUERY_DOMAIN, network, &size);

    return domain ? domain : xstrdup(network);
}
