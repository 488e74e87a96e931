/* SPDX-License-Identifier: Apache-2.0
 *
 * Implements the flows and groups of include/vmn/flow.h, and checks them.
 * Matches are in flow-match.c, actions in action.c. */

#include <config.h>

#include "controller/flow/emit.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-errors.h"
#include "util.h"

/* Flows.  ---------------------------------------------------------------- */

/* Bounds of the pool: about 2 MiB, and no buffers larger than this. */
#define POOL_FLOWS_MAX 1000
#define POOL_ACTIONS_MAX 512

static bool
same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

/* Returns a copy that is valid as long as the view.  Equal scopes in a row
 * share one copy. */
static struct vmn_scope
scope_copy(struct vmn_emit *emit, struct vmn_scope scope)
{
    struct vmn_scope *last = &emit->scope;

    if (scope.kind != last->kind || !same_text(scope.key, last->key)
        || !same_text(scope.relation, last->relation)) {
        last->kind = scope.kind;
        last->relation = emit_strdup(emit, scope.relation);
        last->key = emit_strdup(emit, scope.key);
    }
    return *last;
}

static bool
scope_is_valid(struct vmn_emit *emit, const struct vmn_scope *scope)
{
    if (scope->kind > VMN_SCOPE_RELATION) {
        emit_fail(emit, "there is no kind %u of scopes",
                  (unsigned) scope->kind);
        return false;
    }
    if ((scope->kind != VMN_SCOPE_ALL && !scope->key)
        || (scope->kind == VMN_SCOPE_RELATION && !scope->relation)) {
        emit_fail(emit, "a scope lacks its key or its relation");
        return false;
    }
    return true;
}

/* Returns a flow from the pool, or a new one; the last one again if there are
 * too many, since the unit has failed then.  Only its buffer for actions is
 * initialised. */
static struct vmn_flow *
take_flow(struct vmn_emit *emit)
{
    struct emit_pool *pool = emit->pool;
    struct vmn_flow *flow;

    if (emit->n_flows > EMIT_FLOWS_MAX || pool->n) {
        bool again = emit->n_flows > EMIT_FLOWS_MAX;

        pool->n -= !again;
        flow = CONTAINER_OF(ovs_list_pop_back(again ? &emit->flows
                                              : &pool->flows),
                            struct vmn_flow, node);
        ofpbuf_clear(&flow->actions.ofpacts);
    } else {
        flow = xmalloc(sizeof *flow);
        ofpbuf_init(&flow->actions.ofpacts, 64);
    }
    return flow;
}

static void
free_flow(struct vmn_flow *flow)
{
    ofpbuf_uninit(&flow->actions.ofpacts);
    free(flow);
}

static void
give_flow(struct emit_pool *pool, struct vmn_flow *flow)
{
    if (pool->n < POOL_FLOWS_MAX
        && flow->actions.ofpacts.allocated <= POOL_ACTIONS_MAX) {
        pool->n++;
        ovs_list_push_back(&pool->flows, &flow->node);
    } else {
        free_flow(flow);
    }
}

void
emit_pool_init(struct emit_pool *pool)
{
    pool->n = 0;
    ovs_list_init(&pool->flows);
}

void
emit_pool_uninit(struct emit_pool *pool)
{
    struct vmn_flow *flow;

    LIST_FOR_EACH_POP (flow, node, &pool->flows) {
        free_flow(flow);
    }
}

struct vmn_flow *
emit_flow(struct vmn_emit *emit, struct vmn_scope scope,
          const struct pipeline_stage *stage, uint8_t table,
          uint16_t priority)
{
    struct vmn_flow *flow = take_flow(emit);

    ovs_list_push_back(&emit->flows, &flow->node);
    flow->scope = scope_copy(emit, scope);
    flow->table = table;
    flow->priority = priority;
    flow->matched = 0;
    flow->counted = flow->log = false;
    flow->part = 0;
    match_init_catchall(&flow->match);
    actions_init(&flow->actions, emit, stage, table, false);
    return flow;
}

/* Always returns a flow, so that apps need not check.  A flow with invalid
 * arguments is never used, since the unit has failed. */
struct vmn_flow *
vmn_flow_add(struct vmn_emit *emit, struct vmn_scope scope, unsigned stage,
             unsigned table, uint16_t priority)
{
    int number = emit_table(emit, stage, table);

    if (++emit->n_flows > EMIT_FLOWS_MAX) {
        emit_fail(emit, "more than %d flows", EMIT_FLOWS_MAX);
    }
    if (!priority) {
        emit_fail(emit, "priority 0 is the stage's own");
    }
    if (!scope_is_valid(emit, &scope)) {
        scope = vmn_scope_all();
    }
    return emit_flow(emit, scope,
                     number < 0 ? NULL : &emit->app->stages[stage],
                     number < 0 ? 0 : number, priority);
}

struct vmn_actions *
vmn_flow_actions(struct vmn_flow *flow)
{
    return &flow->actions;
}

void
vmn_flow_count(struct vmn_flow *flow)
{
    flow->counted = true;
}

void
vmn_flow_count_part(struct vmn_flow *flow, uint32_t part)
{
    flow->counted = true;
    flow->part = part;
}

void
vmn_flow_log(struct vmn_flow *flow)
{
    flow->log = true;
}

/* Actions of this size fit into a message in any case: none is encoded to more
 * than three times its size here. */
#define SMALL_ACTIONS (EMIT_ACTIONS_MAX / 3)
/* What a bucket takes in a message beside its actions, with its weight. */
#define BUCKET_SIZE 16

/* Returns how many bytes actions take in a message, whose length has 16
 * bits. */
static size_t
encoded_size(const struct ofpbuf *ofpacts)
{
    struct ofpbuf b;
    size_t size;

    ofpbuf_init(&b, ofpacts->size);
    ofpacts_put_openflow_actions(ofpacts->data, ofpacts->size, &b,
                                 OFP15_VERSION);
    size = b.size;
    ofpbuf_uninit(&b);
    return size;
}

/* Returns false, with emit_fail(), if the action writes or reads a field that
 * packets of the flow need not have. */
static bool
has_fields_of_action(struct vmn_flow *flow, const struct ofpact *a)
{
    switch ((int) a->type) {
    case OFPACT_SET_FIELD:
        return flow_has_prerequisites(flow, ofpact_get_SET_FIELD(a)->field,
                                      "setting");
    case OFPACT_REG_MOVE:
        return (flow_has_prerequisites(
                    flow, ofpact_get_REG_MOVE(a)->src.field, "moving")
                && flow_has_prerequisites(
                    flow, ofpact_get_REG_MOVE(a)->dst.field, "moving to"));
    case OFPACT_STACK_PUSH:
        return flow_has_prerequisites(
            flow, ofpact_get_STACK_PUSH(a)->subfield.field, "exchanging");
    default:
        return true;
    }
}

static bool
has_fields_of_actions(struct vmn_flow *flow)
{
    const struct ofpbuf *ofpacts = &flow->actions.ofpacts;
    const struct ofpact *a;

    OFPACT_FOR_EACH (a, ofpacts->data, ofpacts->size) {
        if (!has_fields_of_action(flow, a)) {
            return false;
        }
    }
    return true;
}

bool
emit_check_flow(struct vmn_flow *flow)
{
    struct vmn_actions *actions = &flow->actions;

    if (!flow_match_is_complete(flow)) {
        return false;
    }
    if (actions->has_conjunction && actions->has_other) {
        emit_fail(actions->emit,
                  "a flow with conjunction() can have no other action");
        return false;
    }
    if (actions->has_conjunction && (flow->counted || flow->log)) {
        emit_fail(actions->emit, "a flow with conjunction() cannot be "
                  "counted or logged");
        return false;
    }

    if (flow->part && (flow->match.wc.masks.conj_id || flow->log
                       || actions->drop_reason)) {
        emit_fail(actions->emit, "a flow that drops, is logged or is for "
                  "packets of a conjunction is counted as such, and has no "
                  "other part");
        return false;
    }

    struct ofpact_check_params params = {
        .match = &flow->match,
        .max_ports = OFPP_MAX,
        .table_id = flow->table,
        .n_tables = 254,
    };
    enum ofperr error = ofpacts_check_consistency(
        actions->ofpacts.data, actions->ofpacts.size, OFPUTIL_P_OF15_OXM,
        &params);

    if (error) {
        if (has_fields_of_actions(flow)) {
            emit_fail(actions->emit, "a switch refuses the actions of a flow "
                      "in table %d: %s", flow->table,
                      ofperr_to_string(error));
        }
        return false;
    }
    if (actions->ofpacts.size > SMALL_ACTIONS
        && encoded_size(&actions->ofpacts) > EMIT_ACTIONS_MAX) {
        emit_fail(actions->emit, "too many actions for a message");
        return false;
    }
    return true;
}

/* Returns true if the group fits into a message. */
static bool
group_fits(const struct vmn_group_msg *group)
{
    const struct emit_bucket *bucket;
    size_t small = 0, size = 0;

    LIST_FOR_EACH (bucket, node, &group->buckets) {
        small += BUCKET_SIZE / 3 + 1 + bucket->actions.ofpacts.size;
    }
    if (small <= SMALL_ACTIONS) {
        return true;
    }
    LIST_FOR_EACH (bucket, node, &group->buckets) {
        size += BUCKET_SIZE + encoded_size(&bucket->actions.ofpacts);
    }
    return size <= EMIT_ACTIONS_MAX;
}

/* Checks a group's buckets.  Open vSwitch executes a bucket as an action set
 * (OpenFlow 1.5, section 5.6): it accepts all actions, and ignores those that
 * an action set cannot hold (action_set_classify() in its
 * lib/ofp-actions.c). */
bool
emit_check_group(const struct vmn_group_msg *group)
{
    const struct emit_bucket *bucket;
    const struct ofpact *a;

    LIST_FOR_EACH (bucket, node, &group->buckets) {
        const struct ofpbuf *ofpacts = &bucket->actions.ofpacts;

        if ((group->type == VMN_GROUP_FAILOVER) != (bucket->watch != 0)) {
            emit_fail(group->emit, "the buckets of groups that fail over, and "
                      "no others, watch a port");
            return false;
        }
        OFPACT_FOR_EACH (a, ofpacts->data, ofpacts->size) {
            if (a->type != OFPACT_SET_FIELD && a->type != OFPACT_REG_MOVE
                && a->type != OFPACT_SET_QUEUE
                && a->type != OFPACT_OUTPUT && a->type != OFPACT_GROUP
                && a->type != OFPACT_RESUBMIT && a->type != OFPACT_CT
                && a->type != OFPACT_CT_CLEAR && a->type != OFPACT_DEC_TTL) {
                emit_fail(group->emit, "a bucket cannot %s: go on at a table "
                          "for that", ofpact_name(a->type));
                return false;
            }
        }
    }
    if (!group_fits(group)) {
        emit_fail(group->emit, "too many buckets for a message");
        return false;
    }
    return true;
}

/* Groups.  --------------------------------------------------------------- */

struct vmn_group_msg *
vmn_group_add(struct vmn_emit *emit, struct vmn_scope scope,
              enum vmn_group_type type, const char *key)
{
    struct vmn_group_msg *group = xzalloc(sizeof *group);

    if (!scope_is_valid(emit, &scope)) {
        scope = vmn_scope_all();
    }
    if (type > VMN_GROUP_FAILOVER) {
        emit_fail(emit, "there is no type %u of groups", (unsigned) type);
        type = VMN_GROUP_ALL;
    }
    if (!key) {
        emit_fail(emit, "a group lacks its key");
    }
    group->emit = emit;
    group->scope = scope_copy(emit, scope);
    group->type = type;
    group->id = (key ? emit->services->number(emit->view, VMN_ID_POOL_GROUP,
                                              key) : 0);
    ovs_list_init(&group->buckets);
    ovs_list_push_back(&emit->groups, &group->node);
    return group;
}

struct vmn_actions *
vmn_bucket_add(struct vmn_group_msg *group, uint32_t bucket_id,
               uint16_t weight)
{
    struct emit_bucket *bucket = xzalloc(sizeof *bucket);

    if (++group->n_buckets > EMIT_BUCKETS_MAX) {
        emit_fail(group->emit, "more than %d buckets", EMIT_BUCKETS_MAX);
    }
    bucket->id = bucket_id;
    bucket->weight = weight;
    ofpbuf_init(&bucket->actions.ofpacts, 64);
    actions_init(&bucket->actions, group->emit, NULL, 0, true);
    ovs_list_push_back(&group->buckets, &bucket->node);
    return &bucket->actions;
}

void
vmn_bucket_count_part(struct vmn_actions *actions, uint32_t part)
{
    if (!actions->in_bucket) {
        emit_fail(actions->emit, "not a bucket: a flow is counted by itself");
    } else if (!part) {
        emit_fail(actions->emit, "a bucket is counted as a part that is not "
                  "0");
    } else {
        CONTAINER_OF(actions, struct emit_bucket, actions)->part = part;
    }
}

void
vmn_bucket_watch(struct vmn_actions *actions, uint32_t ofport)
{
    if (!actions->in_bucket) {
        emit_fail(actions->emit, "not a bucket: a flow watches no port");
    } else if (!ofport || ofport >= OFPP_MAX) {
        emit_fail(actions->emit, "there is no port %"PRIu32" to watch",
                  ofport);
    } else {
        CONTAINER_OF(actions, struct emit_bucket, actions)->watch = ofport;
    }
}

void
vmn_group_hash_client(struct vmn_group_msg *group, unsigned family)
{
    if (group->type != VMN_GROUP_SELECT) {
        emit_fail(group->emit, "a group that does not select hashes nothing");
    } else if (family != 4 && family != 6) {
        emit_fail(group->emit, "a client's address is of family 4 or 6, "
                  "not %u", family);
    } else {
        group->hash_family = family;
    }
}

/* The emitter.  ---------------------------------------------------------- */

void
emit_init(struct vmn_emit *emit, const struct emit_services *services,
          struct vmn_view *view, const struct pipeline_app *app,
          struct emit_pool *pool)
{
    memset(emit, 0, sizeof *emit);
    emit->services = services;
    emit->view = view;
    emit->app = app;
    emit->pool = pool;
    ovs_list_init(&emit->flows);
    ovs_list_init(&emit->groups);
}

void
emit_fail(struct vmn_emit *emit, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    emit->services->fail(emit->view, format, args);
    va_end(args);
}

bool
emit_has_failed(const struct vmn_emit *emit)
{
    return emit->services->failed(emit->view);
}

const char *
emit_strdup(struct vmn_emit *emit, const char *s)
{
    if (!s) {
        return NULL;
    }

    size_t size = strlen(s) + 1;

    return memcpy(emit->services->alloc(emit->view, size), s, size);
}

static void
group_free(struct vmn_group_msg *group)
{
    struct emit_bucket *bucket;

    LIST_FOR_EACH_POP (bucket, node, &group->buckets) {
        ofpbuf_uninit(&bucket->actions.ofpacts);
        free(bucket);
    }
    free(group);
}

void
emit_uninit(struct vmn_emit *emit)
{
    struct vmn_flow *flow;
    struct vmn_group_msg *group;

    LIST_FOR_EACH_POP (flow, node, &emit->flows) {
        give_flow(emit->pool, flow);
    }
    LIST_FOR_EACH_POP (group, node, &emit->groups) {
        group_free(group);
    }
    free(emit->values);
}

int
emit_table(struct vmn_emit *emit, unsigned stage, unsigned table)
{
    const struct pipeline_app *app = emit->app;

    if (stage >= app->n_stages
        || table >= app->stages[stage].class_->n_tables) {
        if (stage >= app->n_stages) {
            emit_fail(emit, "app %s has no stage %u: it has %"PRIuSIZE
                      ", from 0", app->class_->name, stage, app->n_stages);
        } else {
            emit_fail(emit, "stage %s of app %s has no table %u: it has %u, "
                      "from 0", app->stages[stage].class_->name,
                      app->class_->name, table,
                      app->stages[stage].class_->n_tables);
        }
        return -1;
    }
    return app->stages[stage].first_table + table;
}
