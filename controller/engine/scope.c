/* SPDX-License-Identifier: Apache-2.0
 *
 * Scopes; see scope.h. */

#include <config.h>

#include "controller/engine/scope.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/delta.h"
#include "controller/engine/dependency-graph.h"
#include "controller/engine/engine-private.h"
#include "controller/flow/flow-item.h"
#include "controller/model/model.h"
#include "hash.h"
#include "util.h"

void
scope_table_init(struct scope_table *table, const struct model *model)
{
    memset(table, 0, sizeof *table);
    hmap_init(&table->scopes);
    ovs_list_init(&table->touched);
    ovs_list_init(&table->recount);
    host_scopes_init(&table->by_host);
    host_totals_init(&table->totals);
    table->model = model;
}

static void
detach(struct engine_scope *scope)
{
    struct scope_table *table = scope->table;
    const char *host;

    if (!table) {
        return;
    }
    hmap_remove(&table->scopes, &scope->hmap_node);
    SSET_FOR_EACH (host, &scope->members) {
        host_scopes_remove(&table->by_host, host, scope);
    }
    if (scope->touched) {
        ovs_list_remove(&scope->touched_node);
        scope->touched = false;
    }
    if (scope->recount) {
        ovs_list_remove(&scope->recount_node);
        scope->recount = false;
    }
    scope->table = NULL;
    if (scope->rel) {
        struct relation_node *rel = scope->rel;

        scope->rel = NULL;
        rel->scope = NULL;
        if (table->relation_unused) {
            table->relation_unused(table->aux, rel);
        }
    }
}

void
scope_table_uninit(struct scope_table *table)
{
    struct engine_scope *scope, *next;

    HMAP_FOR_EACH_SAFE (scope, next, hmap_node, &table->scopes) {
        detach(scope);
    }
    hmap_destroy(&table->scopes);
    host_scopes_uninit(&table->by_host);
    host_totals_uninit(&table->totals);
}

static char *
scope_make_name(const struct vmn_scope *spec)
{
    switch (spec->kind) {
    case VMN_SCOPE_HOST:
        return xasprintf("host:%s", spec->key);
    case VMN_SCOPE_RELATION:
        return xasprintf("%s:%s", spec->relation, spec->key);
    case VMN_SCOPE_ALL:
    default:
        return xstrdup("all");
    }
}

static uint32_t
spec_hash(const struct vmn_scope *spec)
{
    uint32_t hash = spec->kind;

    if (spec->kind == VMN_SCOPE_RELATION) {
        hash = hash_string(spec->relation, hash);
    }
    return spec->kind == VMN_SCOPE_ALL ? hash : hash_string(spec->key, hash);
}

static bool
scope_is(const struct engine_scope *scope, const struct vmn_scope *spec)
{
    if (scope->kind != spec->kind) {
        return false;
    }
    return (spec->kind == VMN_SCOPE_ALL
            || (!strcmp(scope->key, spec->key)
                && (spec->kind == VMN_SCOPE_HOST
                    || !strcmp(scope->relation, spec->relation))));
}

struct engine_scope *
scope_find_host(const struct scope_table *table, const char *host)
{
    const struct vmn_scope spec = { .kind = VMN_SCOPE_HOST,
                                    .key = host };
    struct engine_scope *scope;

    HMAP_FOR_EACH_WITH_HASH (scope, hmap_node, spec_hash(&spec),
                             &table->scopes) {
        if (scope_is(scope, &spec)) {
            return scope;
        }
    }
    return NULL;
}

struct engine_scope *
scope_get(struct scope_table *table, const struct vmn_scope *spec,
          struct relation_node *rel)
{
    uint32_t hash = spec_hash(spec);
    struct engine_scope *scope;

    /* Called for every flow that is compiled, so it does not create the
     * name. */
    HMAP_FOR_EACH_WITH_HASH (scope, hmap_node, hash, &table->scopes) {
        if (scope_is(scope, spec)) {
            scope->n_refs++;
            return scope;
        }
    }

    scope = xzalloc(sizeof *scope);
    scope->table = table;
    scope->n_refs = 1;
    scope->kind = spec->kind;
    scope->name = scope_make_name(spec);
    scope->relation = xstrdup(spec->relation ? spec->relation : "");
    scope->key = xstrdup(spec->key ? spec->key : "");
    scope->rel = rel;
    if (rel) {
        rel->scope = scope;
    }
    ovs_list_init(&scope->groups);
    ovs_list_init(&scope->flows);
    sset_init(&scope->members);
    ovs_list_init(&scope->shares);
    hmap_insert(&table->scopes, &scope->hmap_node, hash);
    scope_touch(scope);
    return scope;
}

void
scope_ref(struct engine_scope *scope)
{
    scope->n_refs++;
}

void
scope_unref(struct engine_scope *scope)
{
    if (!scope || --scope->n_refs) {
        return;
    }
    detach(scope);
    sset_destroy(&scope->members);
    free(scope->name);
    free(scope->relation);
    free(scope->key);
    free(scope);
}

void
scope_touch(struct engine_scope *scope)
{
    if (!scope->touched && scope->table) {
        scope->touched = true;
        ovs_list_push_back(&scope->table->touched, &scope->touched_node);
    }
}

void
scope_touch_host(struct scope_table *table, const char *host)
{
    struct engine_scope *scope;

    HMAP_FOR_EACH (scope, hmap_node, &table->scopes) {
        if (scope->kind == VMN_SCOPE_ALL
            || (scope->kind == VMN_SCOPE_HOST && !strcmp(scope->key, host))
            || (scope->kind == VMN_SCOPE_RELATION
                && shash_find(&scope->rel->values, host))) {
            scope_touch(scope);
        }
    }
}

/* Returns true if flows may be for the host: a lost one gets none. */
static bool
gets_flows(const struct model *model, const char *host)
{
    const struct vmn_host *row = model_get(model, VMN_TABLE_HOST, host);

    return row && !row->lost;
}

bool
scope_has_host(const struct engine_scope *scope, const char *host)
{
    if (!scope->table || !gets_flows(scope->table->model, host)) {
        return false;
    }
    switch (scope->kind) {
    case VMN_SCOPE_ALL:
        return true;
    case VMN_SCOPE_HOST:
        return !strcmp(scope->key, host);
    case VMN_SCOPE_RELATION:
    default:
        return shash_find(&scope->rel->values, host) != NULL;
    }
}

void
engine_scope_hosts(const struct engine *engine,
                   const struct engine_scope *scope,
                   void (*cb)(void *aux, const char *host), void *aux)
{
    if (!scope->table) {
        return;
    }

    const struct model *model = scope->table->model;

    if (scope->kind == VMN_SCOPE_HOST) {
        if (gets_flows(model, scope->key)) {
            cb(aux, scope->key);
        }
    } else if (scope->kind == VMN_SCOPE_ALL) {
        struct vmn_names hosts = model_names(model, VMN_TABLE_HOST);

        for (size_t i = 0; i < hosts.n; i++) {
            if (gets_flows(model, hosts.names[i])) {
                cb(aux, hosts.names[i]);
            }
        }
    } else {
        struct shash_node *node;

        SHASH_FOR_EACH (node, &scope->rel->values) {
            if (gets_flows(model, node->name)) {
                cb(aux, node->name);
            }
        }
    }
}

const char *
engine_scope_name(const struct engine_scope *scope)
{
    return scope->name;
}

bool
scope_may_meet(const struct engine_scope *a, const struct engine_scope *b)
{
    return !(a != b && a->kind == VMN_SCOPE_HOST
             && b->kind == VMN_SCOPE_HOST);
}

static void
collect_host(void *hosts, const char *host)
{
    sset_add(hosts, host);
}

static void
update_members(struct engine_scope *scope, struct engine_delta *delta)
{
    struct scope_table *table = scope->table;
    struct host_totals *totals = &table->totals;
    struct sset now = SSET_INITIALIZER(&now);
    const char *host;

    engine_scope_hosts(NULL, scope, collect_host, &now);
    SSET_FOR_EACH (host, &now) {
        if (!sset_contains(&scope->members, host)) {
            delta_add_member(delta, scope, host, true);
            host_scopes_add(&table->by_host, host, scope);
            host_totals_add(totals, host, scope->n_counted,
                            scope->n_counted_groups);
            quotas_member_changed(scope, host, true);
        }
    }
    SSET_FOR_EACH (host, &scope->members) {
        if (!sset_contains(&now, host)) {
            delta_add_member(delta, scope, host, false);
            host_scopes_remove(&table->by_host, host, scope);
            host_totals_add(totals, host, -(int64_t) scope->n_counted,
                            -(int64_t) scope->n_counted_groups);
            quotas_member_changed(scope, host, false);
        }
    }
    sset_swap(&scope->members, &now);
    sset_destroy(&now);
}

/* Adds the number of items that were added or removed to the totals of the
 * members. */
static void
update_count(struct engine_scope *scope)
{
    int64_t n = (int64_t) scope->n_items - (int64_t) scope->n_counted;
    int64_t n_groups = ((int64_t) scope->n_groups
                        - (int64_t) scope->n_counted_groups);
    const char *host;

    SSET_FOR_EACH (host, &scope->members) {
        host_totals_add(&scope->table->totals, host, n, n_groups);
    }
    scope->n_counted = scope->n_items;
    scope->n_counted_groups = scope->n_groups;
}

void
scope_update(struct engine *engine, struct engine_delta *delta)
{
    struct scope_table *table = &engine->scopes;

    while (!ovs_list_is_empty(&table->touched)) {
        struct engine_scope *scope
            = CONTAINER_OF(ovs_list_pop_front(&table->touched),
                           struct engine_scope, touched_node);

        scope->touched = false;
        update_members(scope, delta);
        engine_yield(engine);
    }
    while (!ovs_list_is_empty(&table->recount)) {
        struct engine_scope *scope
            = CONTAINER_OF(ovs_list_pop_front(&table->recount),
                           struct engine_scope, recount_node);

        scope->recount = false;
        update_count(scope);
        engine_yield(engine);
    }
    host_totals_update(&table->totals);
    quotas_update(engine);
}

static void
mark_recount(struct engine_scope *scope)
{
    if (!scope->recount && scope->table) {
        scope->recount = true;
        ovs_list_push_back(&scope->table->recount, &scope->recount_node);
    }
}

void
scope_add_item(struct flow_item *item)
{
    struct engine_scope *scope = CONST_CAST(struct engine_scope *,
                                            item->scope);

    scope->digest += item->digest;
    ovs_list_push_back(item->kind == FLOW_ITEM_GROUP
                       ? &scope->groups : &scope->flows, &item->scope_node);
    scope->n_items++;
    scope->n_groups += item->kind == FLOW_ITEM_GROUP;
    mark_recount(scope);
}

void
scope_remove_item(struct flow_item *item)
{
    struct engine_scope *scope = CONST_CAST(struct engine_scope *,
                                            item->scope);

    scope->digest -= item->digest;
    ovs_list_remove(&item->scope_node);
    scope->n_items--;
    scope->n_groups -= item->kind == FLOW_ITEM_GROUP;
    mark_recount(scope);
}
