/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine's life cycle and its run: processes changes, recomputes stale
 * nodes with the lowest level first, resolves slots and scopes, and returns a
 * difference.  See engine.h. */

#include <config.h>

#include "controller/engine/engine-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/app-view.h"
#include "controller/engine/builtin-app.h"
#include "controller/engine/delta.h"
#include "controller/engine/ownership.h"
#include "controller/engine/packet-handler.h"
#include "controller/flow/oxm.h"
#include "controller/model/id-pools.h"
#include "openvswitch/vlog.h"
#include "sset.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(engine);

static void
scope_released_relation(void *graph, struct relation_node *rel)
{
    graph_add_idle(graph, &rel->node);
}

struct engine *
engine_create(struct model *model, const struct pipeline *pipeline)
{
    struct engine *engine = xzalloc(sizeof *engine);
    struct id_pools *ids = model_id_pools(model);

    engine->model = model;
    engine->pipeline = pipeline;
    engine->withdrawn = xcalloc(PIPELINE_APPS_MAX,
                                sizeof *engine->withdrawn);
    graph_init(&engine->graph);
    shash_init(&engine->queries);
    shash_init(&engine->relations);
    ovs_list_init(&engine->changed_relations);
    ovs_list_init(&engine->exhaustions);
    ovs_list_init(&engine->absences);
    ovs_list_init(&engine->shortages);
    ovs_list_init(&engine->late);
    past_times_init(engine);
    shards_init(&engine->cookies);
    ovs_list_init(&engine->problems);
    dry_run_init(&engine->dry_run);
    scope_table_init(&engine->scopes, model);
    engine->scopes.relation_unused = scope_released_relation;
    engine->scopes.aux = &engine->graph;
    engine->registry = flow_item_registry_create(scope_unref);
    desired_init(&engine->desired);
    quotas_init(&engine->quotas);
    emit_pool_init(&engine->pool);
    engine->problems_cache = xzalloc(sizeof *engine->problems_cache);

    for (int i = 0; i < ENGINE_N_ROW_TYPES; i++) {
        engine->table_of[i] = schema_table_of(i);
    }
    packet_handlers_init(engine);
    id_pools_declare(ids, VMN_ID_POOL_HOST, UINT32_MAX - 1);
    id_pools_declare(ids, VMN_ID_POOL_ZONE, UINT16_MAX);
    id_pools_declare(ids, VMN_ID_POOL_GROUP, 0xfffffeff);
    id_pools_declare(ids, VMN_ID_POOL_METER, FLOW_LIMIT_N_METERS);
    id_pools_declare(ids, PIPELINE_ID_POOL_APP, PIPELINE_APP_NUMBER_MAX);
    engine_add_classes(engine, builtin_app(), UINT16_MAX);
    engine->n_moves = pipeline->n_moves;
    for (size_t i = 0; i < pipeline->n_apps; i++) {
        engine_add_classes(engine, &pipeline->apps[i], i);
        engine->n_app_moves[i] = pipeline->apps[i].n_moves;
    }
    engine_list_queries(engine);
    return engine;
}

void
engine_set_key(struct engine *engine, const struct siphash_key *key)
{
    ovs_assert(!engine->registry->n_bytes);
    engine->registry->key = *key;
}

const struct siphash_key *
engine_key(const struct engine *engine)
{
    return &engine->registry->key;
}

/* Units come and go.  ---------------------------------------------------- */

void
engine_ensure_unit(struct engine *engine, unsigned class_id, const char *key,
                   bool exists)
{
    struct node *node = graph_find(&engine->graph, NODE_UNIT, class_id, key);

    if (exists && !node) {
        unit_create(engine, class_id, key);
    } else if (!exists && node) {
        struct unit_node *unit = unit_node_cast(node);

        if (dry_run_holds(&engine->dry_run, unit)) {
            dry_run_set_skipped(&engine->dry_run, unit);
            unit->gone = true;
        } else {
            unit_destroy(engine, unit);
        }
    } else if (exists) {
        unit_node_cast(node)->gone = false;
    }
}

static void
row_changed(struct engine *engine, enum vmn_table table, const char *name)
{
    struct node *node = graph_find(&engine->graph, NODE_ROW, table, name);
    bool exists = model_get(engine->model, table, name) != NULL;

    if (node) {
        graph_mark_readers(&engine->graph, node);
    }
    for (unsigned i = 0; i < engine->n_unit_classes; i++) {
        if (engine->unit_classes[i].table == table) {
            engine_ensure_unit(engine, i, name, exists);
        }
    }
    if (table == VMN_TABLE_HOST) {
        scope_touch_host(&engine->scopes, name);
    } else if (table == VMN_TABLE_APP) {
        kept_app_changed(engine);
    }
}

void
engine_start_class(struct engine *engine, unsigned class_id)
{
    const struct unit_class *class_ = &engine->unit_classes[class_id];

    if (class_->class_->each == VMN_EACH_ONCE) {
        engine_ensure_unit(engine, class_id, "", true);
    } else if (class_->class_->each == VMN_EACH_ROW) {
        struct vmn_names names = model_names(engine->model, class_->table);

        for (size_t j = 0; j < names.n; j++) {
            engine_ensure_unit(engine, class_id, names.names[j], true);
            engine_yield(engine);
        }
    }
}

static void
start(struct engine *engine)
{
    for (unsigned i = 0; i < engine->n_unit_classes; i++) {
        if (engine->unit_classes[i].class_ != &engine_no_unit) {
            engine_start_class(engine, i);
        }
    }
    engine->started = true;
}

static void
source_changed(struct engine *engine, enum node_kind kind,
               const struct model_change *change)
{
    struct node *node = graph_find(&engine->graph, kind, change->id,
                                   change->key);

    if (node) {
        graph_mark_readers(&engine->graph, node);
    }
}

static void
take_changes(struct engine *engine)
{
    struct model_changes changes;

    model_take_changes(engine->model, &changes);
    for (size_t i = 0; engine->started && i < changes.n; i++) {
        const struct model_change *change = &changes.changes[i];

        switch (change->kind) {
        case MODEL_CHANGE_ROW:
            row_changed(engine, change->id, change->key);
            quotas_row_changed(engine, change->id, change->key);
            break;
        case MODEL_CHANGE_LABELS:
            source_changed(engine, NODE_LABELS, change);
            quotas_row_changed(engine, change->id, change->key);
            break;
        case MODEL_CHANGE_INDEX:
            source_changed(engine, NODE_INDEX, change);
            break;
        }
        engine_yield(engine);
    }
    model_changes_uninit(&changes);
}

static void
relation_changed(struct engine *engine, struct relation_node *rel)
{
    bool exists = !shash_is_empty(&rel->values);

    graph_mark_readers(&engine->graph, &rel->node);
    if (rel->scope) {
        scope_touch(rel->scope);
    }
    for (unsigned i = 0; i < engine->n_unit_classes; i++) {
        const struct unit_class *class_ = &engine->unit_classes[i];

        if (class_->class_->each == VMN_EACH_KEY
            && class_->relation == rel->node.id) {
            engine_ensure_unit(engine, i, rel->node.key, exists);
        }
    }
    graph_add_idle(&engine->graph, &rel->node);
}

static void
take_changed_relations(struct engine *engine)
{
    while (!ovs_list_is_empty(&engine->changed_relations)) {
        struct relation_node *rel
            = CONTAINER_OF(ovs_list_pop_front(&engine->changed_relations),
                           struct relation_node, changed_node);

        rel->changed = false;
        relation_changed(engine, rel);
        engine_yield(engine);
    }
}

/* Cleaning up.  ---------------------------------------------------------- */

static void
free_idle(struct engine *engine)
{
    struct node *node;

    while ((node = graph_pop_idle(&engine->graph))) {
        engine_yield(engine);
        if (node_has_readers(node)) {
            continue;
        }
        switch (node->kind) {
        case NODE_ROW:
        case NODE_LABELS:
        case NODE_INDEX:
            graph_remove(&engine->graph, node);
            free(node);
            break;
        case NODE_RELATION:
            relation_release(engine, relation_node_cast(node));
            break;
        case NODE_ID_EXHAUSTION:
            id_exhaustion_destroy(engine, exhaustion_node_cast(node));
            break;
        case NODE_WORKER_ABSENCE:
            absence_destroy(absence_node_cast(node), &engine->graph);
            break;
        case NODE_APP_MEMORY:
            memory_node_destroy(engine, node);
            break;
        case NODE_TIME:
            time_node_destroy(engine, time_node_cast(node));
            break;
        case NODE_QUERY:
            query_destroy(engine, query_node_cast(node));
            break;
        case NODE_UNIT:
            break;
        }
    }
}

/* The run.  -------------------------------------------------------------- */

static void
compute(struct engine *engine, struct node *node, struct engine_delta *delta)
{
    if (node->run != engine->stats.n_runs) {
        node->run = engine->stats.n_runs;
        node->n_computed = 0;
    }
    if (++node->n_computed > COMPUTED_MAX) {
        circle_report(engine, node);
        return;
    }
    if (node->kind == NODE_UNIT) {
        struct unit_node *unit = unit_node_cast(node);

        if (!unit->gone) {
            delta_count_unit(delta, unit_class(engine, unit)->app_index);
            unit_compute(engine, unit);
        }
    } else if (!node_has_readers(node)) {
        graph_add_idle(&engine->graph, node);
    } else {
        query_compute(engine, query_node_cast(node));
    }
}

struct engine_delta *
engine_run(struct engine *engine)
{
    struct engine_delta *delta = delta_create(engine, engine->pipeline);
    struct node *node;

    engine->running = true;
    engine->stats.n_runs++;
    worker_calls_begin(engine);
    if (!engine->shadow) {
        take_changes(engine);
    }
    quotas_refresh(engine);
    if (!engine->started) {
        start(engine);
    }
    /* First the relation values of units whose rows were deleted. */
    take_changed_relations(engine);
    /* What is left of a run that is rolled back is computed then. */
    while (!engine->quotas.refused && (node = graph_pop(&engine->graph))) {
        compute(engine, node, delta);
        take_changed_relations(engine);
        engine_yield(engine);
    }
    worker_calls_end(engine);
    quotas_update_units(engine);
    desired_update(engine, delta);
    scope_update(engine, delta);
    free_idle(engine);
    if (engine->stats.n_runs == 1) {
        kept_decide(engine);
    }
    engine->running = false;
    return delta;
}

void
engine_destroy(struct engine *engine)
{
    struct node *node, *next;
    struct engine_delta *delta;

    if (!engine) {
        return;
    }
    engine->yield = NULL;
    dry_run_uninit(&engine->dry_run);
    for (int i = 0; i < SHARDS_N; i++) {
        HMAP_FOR_EACH_SAFE (node, next, hmap_node,
                            &engine->graph.nodes.maps[i]) {
            if (node->kind == NODE_UNIT) {
                unit_destroy(engine, unit_node_cast(node));
            }
        }
    }
    while (!ovs_list_is_empty(&engine->changed_relations)) {
        struct relation_node *rel
            = CONTAINER_OF(ovs_list_pop_front(&engine->changed_relations),
                           struct relation_node, changed_node);
        rel->changed = false;
        graph_add_idle(&engine->graph, &rel->node);
    }
    delta = delta_create(engine, engine->pipeline);
    desired_update(engine, delta);
    engine_delta_destroy(delta);
    desired_uninit(&engine->desired);
    kept_uninit(engine);
    quotas_uninit(&engine->quotas);
    emit_pool_uninit(&engine->pool);
    view_free_spare(engine);
    scope_table_uninit(&engine->scopes);
    free_idle(engine);
    timer_heap_uninit(&engine->times);
    graph_uninit(&engine->graph);
    shards_destroy(&engine->cookies);
    packet_handlers_uninit(engine);
    free(engine->owner_arena);
    free(engine->withdrawn);
    flow_item_registry_unref(engine->registry);
    for (size_t i = 0; i < engine->n_query_classes; i++) {
        struct query_class *class_ = &engine->query_classes[i];

        if (class_->changed) {
            sset_destroy(class_->changed);
            free(class_->changed);
        }
        free(class_->name);
    }
    for (size_t i = 0; i < engine->n_unit_classes; i++) {
        free(engine->unit_classes[i].name);
    }
    free(engine->query_classes);
    free(engine->unit_classes);
    free(engine->class_names);
    shash_destroy(&engine->queries);
    shash_destroy(&engine->relations);
    free(engine->relation_names);
    engine_problems_destroy(engine->problems_cache->problems);
    free(engine->problems_cache);
    free(engine);
}

struct engine_delta *
engine_roll_back(struct engine *engine, const struct engine_delta *undone)
{
    struct engine_delta *delta;

    for (size_t i = 0; i < undone->n_changes; i++) {
        if (!undone->changes[i].added) {
            withdrawn_keep(&engine->dry_run, undone->changes[i].item);
        }
        engine_yield(engine);
    }
    engine->rolling_back = true;
    delta = engine_run(engine);
    engine->rolling_back = false;
    withdrawn_forget(&engine->dry_run);
    return delta;
}

/* Dry runs and limits.  -------------------------------------------------- */

void
engine_begin_dry_run(struct engine *engine)
{
    engine->dry_run.running = true;
}

const char *
engine_dry_run_skipped(const struct engine *engine)
{
    return engine->dry_run.skipped;
}

const char *
engine_dry_run_late(const struct engine *engine)
{
    return engine->dry_run.late;
}

void
engine_end_dry_run(struct engine *engine)
{
    dry_run_end(&engine->dry_run);
}

void
engine_set_max_items(struct engine *engine, uint64_t max)
{
    engine->scopes.totals.max = max;
}

uint64_t
engine_max_items(const struct engine *engine)
{
    return engine->scopes.totals.max;
}

const char *
engine_exceeded(const struct engine *engine, uint64_t *total)
{
    return host_totals_exceeded(&engine->scopes.totals, total);
}

uint64_t
engine_host_total(const struct engine *engine, const char *host)
{
    return host_totals_get(&engine->scopes.totals, host);
}

uint64_t
engine_host_groups(const struct engine *engine, const char *host)
{
    return host_totals_get_groups(&engine->scopes.totals, host);
}

/* Reading.  -------------------------------------------------------------- */

void
engine_scope_items(const struct engine *engine,
                   const struct engine_scope *scope,
                   void (*cb)(void *aux, const struct flow_item *),
                   void *aux)
{
    struct flow_item *item;

    LIST_FOR_EACH (item, scope_node, &scope->groups) {
        cb(aux, item);
    }
    LIST_FOR_EACH (item, scope_node, &scope->flows) {
        cb(aux, item);
    }
}

/* Returns the struct host_scope of 'host', by 'node': none if it has no
 * row. */
static const struct hmap *
scopes_of_host(const struct engine *engine, const char *host)
{
    static const struct hmap none = HMAP_INITIALIZER(&none);
    const struct hmap *scopes
        = (model_get(engine->scopes.model, VMN_TABLE_HOST, host)
           ? host_scopes_get(&engine->scopes.by_host, host) : NULL);

    return scopes ? scopes : &none;
}

void
engine_host_scopes(const struct engine *engine, const char *host,
                   void (*cb)(void *aux, const struct engine_scope *),
                   void *aux)
{
    const struct hmap *scopes = scopes_of_host(engine, host);
    const struct host_scope *member;

    HMAP_FOR_EACH (member, node, scopes) {
        if (member->scope->n_items) {
            cb(aux, member->scope);
        }
    }
}

void
engine_host_group_items(const struct engine *engine, const char *host,
                        void (*cb)(void *aux, const struct flow_item *),
                        void *aux)
{
    const struct hmap *scopes = scopes_of_host(engine, host);
    const struct host_scope *member;
    const struct flow_item *item;

    HMAP_FOR_EACH (member, node, scopes) {
        LIST_FOR_EACH (item, scope_node, &member->scope->groups) {
            cb(aux, item);
        }
    }
}

void
engine_host_items(const struct engine *engine, const char *host,
                  void (*cb)(void *aux, const struct flow_item *),
                  void *aux)
{
    const struct hmap *scopes = scopes_of_host(engine, host);
    const struct host_scope *member;
    const struct flow_item *item;

    engine_host_group_items(engine, host, cb, aux);
    HMAP_FOR_EACH (member, node, scopes) {
        LIST_FOR_EACH (item, scope_node, &member->scope->flows) {
            cb(aux, item);
        }
    }
}

uint64_t
engine_scope_digest(const struct engine_scope *scope)
{
    return scope->digest;
}

uint64_t
engine_host_digest(const struct engine *engine, const char *host)
{
    const struct hmap *scopes = scopes_of_host(engine, host);
    const struct host_scope *member;
    uint64_t digest = 0;

    HMAP_FOR_EACH (member, node, scopes) {
        digest += member->scope->digest;
    }
    return digest;
}

/* Returns the item of the slot, which may be NULL, that the host is to have,
 * or NULL. */
static const struct flow_item *
active_on_host(const struct engine *engine, const struct slot *slot,
               const char *host)
{
    if (slot && slot->by_host && slot->n_active > 1) {
        const struct engine_scope *scope = scope_find_host(&engine->scopes,
                                                           host);

        return (scope && scope_has_host(scope, host)
                ? slot_item_of(slot, scope) : NULL);
    }
    for (size_t i = 0; slot && i < slot->n_active; i++) {
        if (scope_has_host(slot_active(slot)[i]->scope, host)) {
            return slot_active(slot)[i];
        }
    }
    return NULL;
}

const struct flow_item *
engine_find_flow(const struct engine *engine, const char *host,
                 uint8_t table, uint16_t priority, const struct match *match)
{
    struct flow_draft draft;
    size_t match_size;
    const uint8_t *bytes;

    flow_draft_match(&draft, table, priority, match, OXM_ANY_FIELD);
    bytes = flow_draft_get_match(&draft, &match_size);

    const struct flow_item *item = engine_find_encoded_flow(
        engine, host, table, priority, bytes, match_size);

    flow_draft_uninit(&draft);
    return item;
}

const struct flow_item *
engine_find_encoded_flow(const struct engine *engine, const char *host,
                         uint8_t table, uint16_t priority, const void *match,
                         size_t match_size)
{
    const struct slot *slot = desired_find_flow(&engine->desired, table,
                                                priority, match, match_size);

    return active_on_host(engine, slot, host);
}

const struct flow_item *
engine_find_group(const struct engine *engine, const char *host,
                  uint32_t group_id)
{
    return active_on_host(engine,
                          desired_find_group(&engine->desired, group_id),
                          host);
}

const struct flow_item *
engine_find_xid(const struct engine *engine, uint32_t xid)
{
    struct hmap_node *node = hmap_first_with_hash(
        shards_at(&engine->registry->by_xid, xid), xid);
    return node ? CONTAINER_OF(node, struct flow_item, xid_node) : NULL;
}

const char *
engine_cookie_name(const struct engine *engine, uint64_t cookie)
{
    const struct unit_node *unit;

    cookie = flow_cookie_owner(cookie);
    if (!cookie) {
        return NULL;            /* Groups have none, and neither have unknown
                                 * flows. */
    }
    unit = engine_find_unit(engine, cookie);
    return unit ? unit->name : desired_clause_name(&engine->desired, cookie);
}

const char *
engine_item_owner(const struct engine *engine, const struct flow_item *item)
{
    const struct slot *slot;
    struct slot_range range;

    if (item->kind == FLOW_ITEM_FLOW) {
        return engine_cookie_name(engine, item->cookie);
    }
    slot = desired_find_group(&engine->desired, item->group_id);
    if (!slot) {
        return NULL;
    }
    range = slot_range_of(&engine->desired, slot, item->scope);
    for (size_t i = range.first; i < range.end; i++) {
        const struct entry *entry = slot_entry(&engine->desired, slot, i);

        if (entry_scope(entry) == item->scope) {
            return entry->unit->name;
        }
    }
    return NULL;
}

bool
engine_get_limit(const struct engine *engine, uint32_t meter,
                 struct flow_limit *limit)
{
    const char *key = id_pools_key_of(model_id_pools(engine->model),
                                      VMN_ID_POOL_METER,
                                      meter - FLOW_LIMIT_FIRST_METER + 1);

    limit->meter = meter;
    limit->kbps = 0;
    if (!key) {
        return false;
    }
    key = ownership_plain_key(key);
    if (ovs_scan(key, FLOW_LIMIT_KEY, &limit->rate, &limit->burst)) {
        return true;
    }
    limit->kbps = 1;
    return ovs_scan(key, FLOW_LIMIT_KBPS_KEY, &limit->rate, &limit->burst);
}

void
engine_get_stats(const struct engine *engine, struct engine_stats *stats)
{
    *stats = engine->stats;
    stats->n_flows = engine->desired.n_flows;
    stats->n_groups = engine->desired.n_groups;
    stats->n_scopes = hmap_count(&engine->scopes.scopes);
    stats->n_bytes = engine->registry->n_bytes;
}
