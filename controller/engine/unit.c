/* SPDX-License-Identifier: Apache-2.0
 *
 * Units: one computation of an app for one object.  A computation's entries
 * and values are compared with those of the previous one, and only the
 * difference is passed on. */

#include <config.h>

#include "controller/engine/engine-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/app-view.h"
#include "controller/engine/late-nodes.h"
#include "controller/flow/emit.h"
#include "controller/flow/flow-part.h"
#include "controller/flow/learn-action.h"
#include "controller/flow/sample-action.h"
#include "controller/model/id-pools.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/vlog.h"
#include "proto/watchdog/watchdog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(engine_unit);

/* Flows of a unit between two yields. */
#define PAUSE_FLOWS 256

void
unit_create(struct engine *engine, unsigned class_id, const char *key)
{
    const struct unit_class *class_ = &engine->unit_classes[class_id];
    char *name = xasprintf("%s.%s/%s", class_->app->class_->name,
                           class_->class_->name, key);
    size_t key_ofs = strlen(name) - strlen(key);
    struct unit_node *unit = unit_node_cast(
        graph_insert(&engine->graph, sizeof *unit, NODE_UNIT, class_id, name,
                     key_ofs));

    free(name);
    unit->name = unit->node.key - key_ofs;
    unit->builtin = class_->app->builtin;
    unit->cookie = flow_owner_cookie(unit->name);
    shards_insert(&engine->cookies, &unit->cookie_node,
                  flow_key_hash(unit->cookie));
    graph_mark(&engine->graph, &unit->node);
    engine->stats.n_units++;
    unit_class(engine, unit)->n_units++;
    quotas_add_unit(engine, unit);
}

/* Flows and groups.  ----------------------------------------------------- */

/* An entry of the unit's last computation, to be found by an equal new one. */
struct old_entry {
    struct hmap_node node;      /* By entry_digest(). */
    uint32_t entry;
};

struct comparison {
    struct desired_state *desired;
    struct unit_node *unit;
    struct old_entry *old_entries;
    struct hmap old;            /* Entries that were not matched yet. */
    size_t n;
    uint32_t *entries;          /* The new entries. */
    size_t n_clauses, allocated_clauses;
    struct clause *clauses;     /* Of the flow that is being added. */
    struct vmn_scope spec;      /* The previous flow's scope, */
    struct engine_scope *scope; /* and the same in the engine; counted. */
};

/* 'n_desired' is how many entries there will be. */
static void
comparison_init(struct comparison *cmp, struct desired_state *desired,
                struct unit_node *unit, size_t n_desired)
{
    memset(cmp, 0, sizeof *cmp);
    cmp->desired = desired;
    cmp->unit = unit;
    cmp->entries = (n_desired ? xmalloc(n_desired * sizeof *cmp->entries)
                    : NULL);
    hmap_init(&cmp->old);
    if (!unit->n_entries) {
        return;
    }
    hmap_reserve(&cmp->old, unit->n_entries);
    cmp->old_entries = xmalloc(unit->n_entries * sizeof *cmp->old_entries);
    for (size_t i = 0; i < unit->n_entries; i++) {
        cmp->old_entries[i].entry = unit->entries[i];
        hmap_insert(&cmp->old, &cmp->old_entries[i].node,
                    entry_digest(desired_entry(desired, unit->entries[i])));
    }
}

static void
comparison_add(struct comparison *cmp, uint32_t entry)
{
    cmp->entries[cmp->n++] = entry;
}

/* Makes the new entries the unit's, and removes old ones that were not
 * matched. */
static void
comparison_finish(struct comparison *cmp, struct engine *engine)
{
    struct old_entry *old;
    size_t n = 0;

    HMAP_FOR_EACH (old, node, &cmp->old) {
        desired_remove(engine, old->entry);
        if (++n % PAUSE_FLOWS == 0) {
            engine_yield(engine);
        }
    }
    hmap_destroy(&cmp->old);
    free(cmp->old_entries);
    free(cmp->clauses);
    scope_unref(cmp->scope);
    free(cmp->unit->entries);
    cmp->unit->entries = cmp->entries;
    cmp->unit->n_entries = cmp->n;
}

/* If the unit has an equal entry already, keeps that, and returns true.  If
 * 'clauses' is true, those of 'cmp' replace the actions in the draft. */
static bool
keep_old(struct comparison *cmp, const struct engine_scope *scope,
         const struct flow_draft *draft, uint64_t digest, bool clauses)
{
    struct old_entry *old;

    HMAP_FOR_EACH_WITH_HASH (old, node, digest, &cmp->old) {
        const struct entry *entry = desired_entry(cmp->desired, old->entry);

        if (entry_scope(entry) == scope
            && (clauses
                ? desired_is_of_clauses(entry, draft, cmp->clauses,
                                        cmp->n_clauses)
                : desired_is_of_draft(entry, draft))) {
            hmap_remove(&cmp->old, &old->node);
            comparison_add(cmp, old->entry);
            return true;
        }
    }
    return false;
}

/* Equal specs in a row share their strings. */
static bool
same_spec(const struct vmn_scope *a, const struct vmn_scope *b)
{
    return (a->kind == b->kind && a->key == b->key
            && a->relation == b->relation);
}

/* Returns the scope with a reference, which the caller releases. */
static struct engine_scope *
get_scope(struct engine *engine, struct comparison *cmp,
          const struct vmn_scope *spec)
{
    if (!cmp->scope || !same_spec(spec, &cmp->spec)) {
        struct relation_node *rel = NULL;

        if (spec->kind == VMN_SCOPE_RELATION) {
            rel = relation_get(engine, relation_index(engine,
                                                      spec->relation),
                               spec->key);
        }
        scope_unref(cmp->scope);
        cmp->scope = scope_get(&engine->scopes, spec, rel);
        cmp->spec = *spec;
    }
    scope_ref(cmp->scope);
    return cmp->scope;
}

static void
extract_clauses(struct comparison *cmp, const struct ofpbuf *ofpacts)
{
    const struct ofpact *a;

    cmp->n_clauses = 0;
    OFPACT_FOR_EACH (a, ofpacts->data, ofpacts->size) {
        const struct ofpact_conjunction *conj = ofpact_get_CONJUNCTION(a);

        if (cmp->n_clauses >= cmp->allocated_clauses) {
            cmp->clauses = x2nrealloc(cmp->clauses, &cmp->allocated_clauses,
                                      sizeof *cmp->clauses);
        }

        struct clause *clause = &cmp->clauses[cmp->n_clauses++];

        memset(clause, 0, sizeof *clause); /* It is hashed as bytes, with its
                                            * padding. */
        clause->id = conj->id;
        clause->clause = conj->clause;
        clause->n_clauses = conj->n_clauses;
    }
    if (cmp->n_clauses > 1) {
        qsort(cmp->clauses, cmp->n_clauses, sizeof *cmp->clauses,
              clause_compare);
    }
}

static void
want_clauses(struct engine *engine, struct comparison *cmp,
             struct engine_scope *scope, struct flow_draft *draft,
             const struct ofpbuf *ofpacts)
{
    extract_clauses(cmp, ofpacts);
    if (keep_old(cmp, scope, draft,
                 desired_clauses_digest(draft->key, cmp->clauses,
                                        cmp->n_clauses), true)) {
        scope_unref(scope);
    } else {
        comparison_add(cmp, desired_contribute(engine, cmp->unit, scope,
                                               draft, cmp->clauses,
                                               cmp->n_clauses));
    }
}

static void
want_item(struct engine *engine, struct comparison *cmp,
          struct engine_scope *scope, struct flow_draft *draft,
          const char *drop_reason)
{
    if (keep_old(cmp, scope, draft, draft->digest, false)) {
        scope_unref(scope);
    } else {
        comparison_add(cmp, desired_add(engine, cmp->unit, scope, draft,
                                        drop_reason));
    }
}

/* Returns true if the flow matches only packets that a check of their size
 * found too large.  Open vSwitch translates both outcomes of a check at once,
 * and counts the packet and all that are like it for the flows of both, so the
 * statistics of such a flow are those of all packets that were checked. */
static bool
is_behind_check(const struct vmn_flow *flow)
{
    const int reg = VMN_REG_FLAGS - VMN_F_REG0;

    return flow->match.wc.masks.regs[reg] & flow->match.flow.regs[reg]
           & VMN_FLAG_LARGE;
}

/* Returns the flow's cookie.  Drops are always counted, if they can be. */
static uint64_t
cookie_of(const struct unit_node *unit, const struct vmn_flow *flow)
{
    bool counted = ((flow->counted || flow->actions.drop_reason
                     || !flow->actions.ofpacts.size)
                    && !is_behind_check(flow));

    return unit->cookie | (counted ? FLOW_COOKIE_COUNTED : 0);
}

/* Adds an action that samples what the flow drops or logs. */
static void
put_sample_action(struct engine *engine, const struct unit_node *unit,
                  struct vmn_flow *flow)
{
    const struct match *match = &flow->match;
    uint32_t part = match->wc.masks.conj_id ? match->flow.conj_id : 0;
    const char *reason = flow->actions.drop_reason;
    struct ofpbuf *ofpacts = &flow->actions.ofpacts;
    struct ofpbuf rest;

    if (reason) {
        engine_add_drop_reason(engine, reason, flow->actions.background);
        sample_action_put(ofpacts, unit->cookie, part, reason, flow->log,
                !is_behind_check(flow));
    } else if (flow->log) {
        ofpbuf_init(&rest, ofpacts->size);
        ofpbuf_put(&rest, ofpacts->data, ofpacts->size);
        ofpbuf_clear(ofpacts);
        sample_action_put(ofpacts, unit->cookie, part, NULL, true, true);
        ofpbuf_put(ofpacts, rest.data, rest.size);
        ofpbuf_uninit(&rest);
    }
}

static void
want_flow(struct engine *engine, struct comparison *cmp,
          struct vmn_flow *flow)
{
    struct vmn_actions *actions = &flow->actions;
    struct engine_scope *scope = get_scope(engine, cmp, &flow->scope);
    struct flow_draft draft;

    flow_draft_match(&draft, flow->table, flow->priority, &flow->match,
                     flow->matched);
    if (actions->has_conjunction) {
        want_clauses(engine, cmp, scope, &draft, &actions->ofpacts);
    } else {
        uint64_t cookie = cookie_of(cmp->unit, flow);

        put_sample_action(engine, cmp->unit, flow);
        if (flow->part && cookie & FLOW_COOKIE_COUNTED) {
            flow_part_put(&actions->ofpacts, flow->part);
        }
        draft.log = flow->log;
        draft.limit = actions->limit;
        learn_action_set_cookie(&actions->ofpacts, cmp->unit->cookie);
        flow_draft_actions(&draft, engine->registry, cookie,
                           actions->ofpacts.data, actions->ofpacts.size);
        want_item(engine, cmp, scope, &draft, actions->drop_reason);
    }
    flow_draft_uninit(&draft);
}

/* Sets how a select group chooses its buckets.  The caller frees 'props'. */
static void
set_selection(struct ofputil_group_props *props, unsigned hash_family)
{
    ovs_strlcpy(props->selection_method, hash_family ? "hash" : "dp_hash",
                sizeof props->selection_method);
    if (hash_family) {
        enum mf_field_id id = (hash_family == 4 ? MFF_IPV4_SRC
                               : MFF_IPV6_SRC);
        union mf_value all;     /* Of its bits. */

        memset(&all, 0xff, sizeof all);
        field_array_set(id, &all, &props->fields);
    }
}

static void
want_group(struct engine *engine, struct comparison *cmp,
           struct vmn_group_msg *group)
{
    struct engine_scope *scope = get_scope(engine, cmp, &group->scope);
    struct ofputil_group_mod gm;
    struct flow_draft draft;
    struct emit_bucket *b;
    bool counted = false;

    memset(&gm, 0, sizeof gm);
    gm.type = (group->type == VMN_GROUP_ALL ? OFPGT11_ALL
               : group->type == VMN_GROUP_FAILOVER ? OFPGT11_FF
               : OFPGT11_SELECT);
    gm.group_id = group->id;
    ovs_list_init(&gm.buckets);
    if (group->type == VMN_GROUP_SELECT) {
        set_selection(&gm.props, group->hash_family);
    }
    LIST_FOR_EACH (b, node, &group->buckets) {
        struct ofputil_bucket *bucket = xzalloc(sizeof *bucket);

        if (b->part) {
            flow_part_put(&b->actions.ofpacts, b->part);
            counted = true;
        }
        bucket->weight = group->type == VMN_GROUP_SELECT ? b->weight : 0;
        bucket->bucket_id = b->id;
        bucket->watch_port = b->watch ? OFP_PORT_C(b->watch) : OFPP_ANY;
        bucket->watch_group = OFPG_ANY;
        bucket->ofpacts = xmemdup(b->actions.ofpacts.data,
                                  b->actions.ofpacts.size);
        bucket->ofpacts_len = b->actions.ofpacts.size;
        ovs_list_push_back(&gm.buckets, &bucket->list_node);
    }
    flow_draft_group(&draft, engine->registry,
                     counted ? cmp->unit->cookie | FLOW_COOKIE_COUNTED : 0,
                     &gm);
    ofputil_uninit_group_mod(&gm);
    want_item(engine, cmp, scope, &draft, NULL);
    flow_draft_uninit(&draft);
}

static void
take_desired(struct engine *engine, struct unit_node *unit,
             struct vmn_emit *emit)
{
    struct comparison cmp;
    struct vmn_flow *flow;
    struct vmn_group_msg *group;

    comparison_init(&cmp, &engine->desired, unit, ovs_list_size(&emit->groups)
                                + ovs_list_size(&emit->flows));
    LIST_FOR_EACH (group, node, &emit->groups) {
        want_group(engine, &cmp, group);
    }
    LIST_FOR_EACH (flow, node, &emit->flows) {
        want_flow(engine, &cmp, flow);
        if (cmp.n % PAUSE_FLOWS == 0) {
            engine_yield(engine);
        }
    }
    comparison_finish(&cmp, engine);
}

/* Relation values.  ------------------------------------------------------ */

/* Takes over the relation values.  New ones are added before old ones are
 * removed, so that values that stay change nothing. */
static void
take_values(struct engine *engine, struct unit_node *unit,
            struct vmn_emit *emit)
{
    struct relation_value *old = unit->values;
    size_t n_old = unit->n_values;

    unit->n_values = emit->n_values;
    unit->values = (emit->n_values
                    ? xmalloc(emit->n_values * sizeof *unit->values) : NULL);
    for (size_t i = 0; i < emit->n_values; i++) {
        const struct emit_value *value = &emit->values[i];
        struct node *node;

        unit->values[i] = relation_add(engine, value->relation, value->key,
                                       value->value);
        quotas_publish(engine, unit, unit->values[i].rel, 1);
        node = &unit->values[i].rel->node;
        if (node->level <= unit->node.level) {
            node->level = MIN(unit->node.level + 1, NODE_MAX_LEVEL);
        }
    }
    for (size_t i = 0; i < n_old; i++) {
        quotas_publish(engine, unit, old[i].rel, -1);
        relation_remove(engine, &old[i]);
    }
    free(old);
}

/* Computing.  ------------------------------------------------------------ */

/* A plan that deletes the row of an app unloads the app. */
static bool
is_enabled(struct vmn_view *view, const struct unit_class *class_)
{
    const struct vmn_app_row *row = view_read(view, VMN_TABLE_APP,
                                              class_->app->class_->name);
    const bool *withdrawn = view->engine->withdrawn;

    return ((row ? row->enabled
             : !class_->app->digest || !view->engine->dry_run.running)
            && (class_->app_index == UINT16_MAX
                || !withdrawn[class_->app_index]));
}

static bool
check_scope(struct vmn_emit *emit, const struct vmn_scope *scope)
{
    if (scope->kind == VMN_SCOPE_RELATION
        && !relation_may_be_new(emit->view->engine, scope->relation,
                                RELATIONS_MAX)) {
        emit_fail(emit, "relation %s is one too many", scope->relation);
        return false;
    }
    return true;
}

static void
check_flows(struct vmn_emit *emit)
{
    struct vmn_group_msg *group;
    struct vmn_flow *flow;
    size_t n = 0;

    LIST_FOR_EACH (flow, node, &emit->flows) {
        if (++n % PAUSE_FLOWS == 0) {
            engine_yield(emit->view->engine);
        }
        if (emit->view->problem || !emit_check_flow(flow)
            || !check_scope(emit, &flow->scope)) {
            break;
        }
    }
    LIST_FOR_EACH (group, node, &emit->groups) {
        if (emit->view->problem || !emit_check_group(group)
            || !check_scope(emit, &group->scope)) {
            break;
        }
    }
}

static void
note_problem(struct engine *engine, struct unit_node *unit, char *problem)
{
    if (problem && (!unit->problem || strcmp(problem, unit->problem))
        && !engine->dry_run.running && !unit->late) {
        VLOG_WARN("%s: %s; its former flows stay "
                  "installed", unit->name, problem);
    }
    if (!unit->problem != !problem) {
        if (problem) {
            ovs_list_push_back(&engine->problems, &unit->problem_node);
        } else {
            ovs_list_remove(&unit->problem_node);
        }
    }
    free(unit->problem);
    unit->problem = problem;
    unit->failed = problem && !engine->dry_run.running;
}

/* Keeps the IDs of a unit that fails, beside those of its result.  One that
 * found no free ID is computed again when an ID of the pool is freed, which
 * must not be one that it has got itself.  IDs of its failure before are
 * released. */
static void
keep_ids(struct engine *engine, struct unit_node *unit, struct id_refs *now)
{
    struct id_refs before = unit->failed_ids;

    unit->failed_ids = *now;
    id_refs_uninit(&before, model_id_pools(engine->model));
}

/* Takes over the results of a computation. */
static void
finish(struct engine *engine, struct unit_node *unit, struct vmn_view *view,
       struct vmn_emit *emit)
{
    struct id_refs old_numbers = unit->ids;
    bool admitted = (view->problem
                     || quotas_admit(engine, unit,
                                     ovs_list_size(&emit->flows)
                                     + ovs_list_size(&emit->groups)
                                     + emit->n_values));

    memory_settle(view, &unit->memory, !view->problem && admitted);
    if (unit->late) {
        /* Its IDs as well. */
    } else if (view->problem || !admitted) {
        keep_ids(engine, unit, &view->ids);
    } else {
        take_desired(engine, unit, emit);
        take_values(engine, unit, emit);
        unit->ids = view->ids;
        kept_unit_changed(engine, unit);
        id_refs_uninit(&old_numbers, model_id_pools(engine->model));
        id_refs_uninit(&unit->failed_ids, model_id_pools(engine->model));
    }
    memset(&view->ids, 0, sizeof view->ids);
    if (admitted) {
        note_problem(engine, unit, view->problem);
        view->problem = NULL;
    } else {
        graph_mark(&engine->graph, &unit->node);
    }
}

/* Has an app of our own compute, here. */
static void
compile(const struct unit_class *class_, struct vmn_view *view,
        const char *key, struct vmn_emit *emit)
{
    struct watchdog_mark mark;

    watchdog_begin(&mark, "unit", class_->name, key);
    class_->class_->compile(view, key, emit);
    watchdog_end(&mark);
}

/* Keeps what a late unit needs to be resumed, or ends that. */
static void
keep_late(struct engine *engine, struct unit_node *unit,
          struct vmn_view *view, uint32_t old_reads)
{
    if (view->problem && view->late) {
        late_keep(engine, view, old_reads, &unit->late);
        if (engine->dry_run.running && !engine->rolling_back) {
            dry_run_set_late(&engine->dry_run, unit);
        }
    } else {
        late_end(engine, &unit->late);
        graph_drop_reads(&engine->graph, old_reads);
    }
}

void
unit_compute(struct engine *engine, struct unit_node *unit)
{
    const struct unit_class *class_ = unit_class(engine, unit);
    struct node *node = &unit->node;
    uint32_t old_reads;
    struct vmn_view view;
    struct vmn_emit emit;

    if (unit->late && dry_run_holds(&engine->dry_run, unit)) {
        dry_run_set_late(&engine->dry_run, unit);
        return;                 /* It is computed afterwards. */
    }
    old_reads = graph_take_reads(node);
    node->level = 0;
    if (class_->class_->each == VMN_EACH_KEY) {
        node->level = relation_get(engine, class_->relation,
                                   node->key)->node.level + 1;
        node->level = MIN(node->level, NODE_MAX_LEVEL);
    }
    node->running = true;
    view_init(&view, engine, node, class_->app);
    memory_begin(&view, &unit->memory);
    emit_init(&emit, &view_emit_services, &view, class_->app,
              &engine->pool);
    if (is_enabled(&view, class_)) {
        if (class_->app->worker) {
            worker_compile(&view, unit, old_reads, &emit);
        } else {
            compile(class_, &view, node->key, &emit);
        }
        check_flows(&emit);
    }
    node->running = false;
    engine->stats.n_units_computed++;
    engine->unit_classes[node->id].n_computed++;

    keep_late(engine, unit, &view, old_reads);
    if (!dry_run_holds(&engine->dry_run, unit)) {
        finish(engine, unit, &view, &emit);
    } else {
        memory_settle(&view, &unit->memory, false);
        if (!view.problem) {
            dry_run_set_skipped(&engine->dry_run, unit);
        }
    }
    emit_uninit(&emit);
    view_uninit(&view);
}

void
unit_set_failed(struct engine *engine, struct unit_node *unit, char *problem)
{
    if (dry_run_holds(&engine->dry_run, unit)) {
        free(problem);
    } else {
        note_problem(engine, unit, problem);
    }
}

void
unit_destroy(struct engine *engine, struct unit_node *unit)
{
    kept_unit_changed(engine, unit);
    memory_give_back(engine, unit_class(engine, unit)->app, &unit->memory);
    for (size_t i = 0; i < unit->n_entries; i++) {
        desired_remove(engine, unit->entries[i]);
    }
    free(unit->entries);
    for (size_t i = 0; i < unit->n_values; i++) {
        quotas_publish(engine, unit, unit->values[i].rel, -1);
        relation_remove(engine, &unit->values[i]);
    }
    free(unit->values);
    quotas_remove_unit(engine, unit);
    graph_remove(&engine->graph, &unit->node);
    hmap_remove(shards_at(&engine->cookies, unit->cookie_node.hash),
                &unit->cookie_node);
    late_end(engine, &unit->late);
    id_refs_uninit(&unit->ids, model_id_pools(engine->model));
    id_refs_uninit(&unit->failed_ids, model_id_pools(engine->model));
    if (unit->problem) {
        ovs_list_remove(&unit->problem_node);
    }
    unit_class(engine, unit)->n_units--;
    free(unit->problem);
    free(unit);
    engine->stats.n_units--;
}
