/* SPDX-License-Identifier: Apache-2.0
 *
 * Implements the matches of include/vmn/flow.h: flows, matches, groups.
 * Actions are in action.c. */

#include <config.h>

#include "controller/flow/emit.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "nx-match.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-errors.h"
#include "packets.h"
#include "util.h"

/* Fields by enum vmn_field, and the prerequisites that a match on them
 * implies.  A prerequisite of 0 is left to the app. */
static const struct {
    enum mf_field_id id;
    uint16_t eth_type;
    uint8_t ip_proto;
} fields[VMN_N_FIELDS] = {
    [VMN_F_IN_PORT] = { MFF_IN_PORT_OXM, 0, 0 },
    [VMN_F_ETH_SRC] = { MFF_ETH_SRC, 0, 0 },
    [VMN_F_ETH_DST] = { MFF_ETH_DST, 0, 0 },
    [VMN_F_ETH_TYPE] = { MFF_ETH_TYPE, 0, 0 },
    [VMN_F_VLAN_TCI] = { MFF_VLAN_TCI, 0, 0 },
    [VMN_F_ARP_OP] = { MFF_ARP_OP, VMN_ETH_ARP, 0 },
    [VMN_F_ARP_SPA] = { MFF_ARP_SPA, VMN_ETH_ARP, 0 },
    [VMN_F_ARP_TPA] = { MFF_ARP_TPA, VMN_ETH_ARP, 0 },
    [VMN_F_ARP_SHA] = { MFF_ARP_SHA, VMN_ETH_ARP, 0 },
    [VMN_F_ARP_THA] = { MFF_ARP_THA, VMN_ETH_ARP, 0 },
    [VMN_F_IP_PROTO] = { MFF_IP_PROTO, 0, 0 },
    [VMN_F_IP_FRAG] = { MFF_IP_FRAG, 0, 0 },
    [VMN_F_IP_TTL] = { MFF_IP_TTL, 0, 0 },
    [VMN_F_IPV4_SRC] = { MFF_IPV4_SRC, VMN_ETH_IPV4, 0 },
    [VMN_F_IPV4_DST] = { MFF_IPV4_DST, VMN_ETH_IPV4, 0 },
    [VMN_F_TCP_SRC] = { MFF_TCP_SRC, 0, IPPROTO_TCP },
    [VMN_F_TCP_DST] = { MFF_TCP_DST, 0, IPPROTO_TCP },
    [VMN_F_UDP_SRC] = { MFF_UDP_SRC, 0, IPPROTO_UDP },
    [VMN_F_UDP_DST] = { MFF_UDP_DST, 0, IPPROTO_UDP },
    [VMN_F_SCTP_SRC] = { MFF_SCTP_SRC, 0, IPPROTO_SCTP },
    [VMN_F_SCTP_DST] = { MFF_SCTP_DST, 0, IPPROTO_SCTP },
    [VMN_F_ICMPV4_TYPE] = { MFF_ICMPV4_TYPE, VMN_ETH_IPV4, IPPROTO_ICMP },
    [VMN_F_ICMPV4_CODE] = { MFF_ICMPV4_CODE, VMN_ETH_IPV4, IPPROTO_ICMP },
    [VMN_F_TUN_ID] = { MFF_TUN_ID, 0, 0 },
    [VMN_F_TUN_SRC] = { MFF_TUN_SRC, 0, 0 },
    [VMN_F_TUN_DST] = { MFF_TUN_DST, 0, 0 },
    [VMN_F_CT_STATE] = { MFF_CT_STATE, 0, 0 },
    [VMN_F_CT_MARK] = { MFF_CT_MARK, 0, 0 },
    [VMN_F_CT_NW_PROTO] = { MFF_CT_NW_PROTO, 0, 0 },
    [VMN_F_CT_NW_SRC] = { MFF_CT_NW_SRC, VMN_ETH_IPV4, 0 },
    [VMN_F_CT_NW_DST] = { MFF_CT_NW_DST, VMN_ETH_IPV4, 0 },
    [VMN_F_CT_TP_SRC] = { MFF_CT_TP_SRC, 0, 0 },
    [VMN_F_CT_TP_DST] = { MFF_CT_TP_DST, 0, 0 },
    [VMN_F_CONJ_ID] = { MFF_CONJ_ID, 0, 0 },
    [VMN_F_REG0] = { MFF_REG0, 0, 0 },   [VMN_F_REG1] = { MFF_REG1, 0, 0 },
    [VMN_F_REG2] = { MFF_REG2, 0, 0 },   [VMN_F_REG3] = { MFF_REG3, 0, 0 },
    [VMN_F_REG4] = { MFF_REG4, 0, 0 },   [VMN_F_REG5] = { MFF_REG5, 0, 0 },
    [VMN_F_REG6] = { MFF_REG6, 0, 0 },   [VMN_F_REG7] = { MFF_REG7, 0, 0 },
    [VMN_F_REG8] = { MFF_REG8, 0, 0 },   [VMN_F_REG9] = { MFF_REG9, 0, 0 },
    [VMN_F_REG10] = { MFF_REG10, 0, 0 }, [VMN_F_REG11] = { MFF_REG11, 0, 0 },
    [VMN_F_REG12] = { MFF_REG12, 0, 0 }, [VMN_F_REG13] = { MFF_REG13, 0, 0 },
    [VMN_F_REG14] = { MFF_REG14, 0, 0 }, [VMN_F_REG15] = { MFF_REG15, 0, 0 },
    [VMN_F_IPV6_SRC] = { MFF_IPV6_SRC, VMN_ETH_IPV6, 0 },
    [VMN_F_IPV6_DST] = { MFF_IPV6_DST, VMN_ETH_IPV6, 0 },
    [VMN_F_ICMPV6_TYPE] = { MFF_ICMPV6_TYPE, VMN_ETH_IPV6, IPPROTO_ICMPV6 },
    [VMN_F_ICMPV6_CODE] = { MFF_ICMPV6_CODE, VMN_ETH_IPV6, IPPROTO_ICMPV6 },
    [VMN_F_ND_TARGET] = { MFF_ND_TARGET, VMN_ETH_IPV6, IPPROTO_ICMPV6 },
    [VMN_F_ND_SLL] = { MFF_ND_SLL, VMN_ETH_IPV6, IPPROTO_ICMPV6 },
    [VMN_F_ND_TLL] = { MFF_ND_TLL, VMN_ETH_IPV6, IPPROTO_ICMPV6 },
    [VMN_F_CT_IPV6_SRC] = { MFF_CT_IPV6_SRC, VMN_ETH_IPV6, 0 },
    [VMN_F_CT_IPV6_DST] = { MFF_CT_IPV6_DST, VMN_ETH_IPV6, 0 },
    [VMN_F_TUN_IPV6_SRC] = { MFF_TUN_IPV6_SRC, 0, 0 },
    [VMN_F_TUN_IPV6_DST] = { MFF_TUN_IPV6_DST, 0, 0 },
    [VMN_F_TCP_FLAGS] = { MFF_TCP_FLAGS, 0, IPPROTO_TCP },
};

const struct mf_field *
field_get(enum vmn_field field)
{
    return mf_from_id(fields[field < VMN_N_FIELDS ? field : 0].id);
}

/* Writes 'value' to '*mfv' in network byte order, with the width of 'field'.
 * Returns false, with emit_fail(), if that is not possible. */
bool
field_value(struct vmn_emit *emit, enum vmn_field field, uint64_t value,
            union mf_value *mfv)
{
    if (field >= VMN_N_FIELDS) {
        emit_fail(emit, "there is no field %u", (unsigned) field);
        return false;
    }

    const struct mf_field *mf = field_get(field);
    unsigned n_bytes = mf->n_bytes;

    memset(mfv, 0, sizeof *mfv);
    if (n_bytes > 8
        || (mf->n_bits < 64 && mf->id != MFF_VLAN_TCI
            && value >> mf->n_bits)) {
        emit_fail(emit, "value %#llx does not fit field %s",
                  (unsigned long long) value, mf->name);
        return false;
    }
    for (unsigned i = 0; i < n_bytes; i++) {
        ((uint8_t *) mfv)[n_bytes - 1 - i] = value >> (8 * i);
    }
    return true;
}

bool
field_ip(struct vmn_emit *emit, enum vmn_field field, const struct vmn_ip *ip,
         union mf_value *mfv)
{
    const struct mf_field *mf = field_get(field);

    if (!(ip->family == 4 && mf->n_bytes == 4)
        && !(ip->family == 6 && mf->n_bytes == 16)) {
        emit_fail(emit, "%s takes no IPv%u address", mf->name, ip->family);
        return false;
    }
    memset(mfv, 0, sizeof *mfv);
    memcpy(mfv, ip->addr, mf->n_bytes);
    return true;
}

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
    if ((scope->kind != VMN_SCOPE_ALL && !scope->key)
        || (scope->kind == VMN_SCOPE_RELATION && !scope->relation)) {
        emit_fail(emit, "a scope lacks its key or its relation");
        return false;
    }
    return true;
}

/* Returns a flow from the pool, or a new one.  Only its buffer for actions is
 * initialised. */
static struct vmn_flow *
take_flow(struct emit_pool *pool)
{
    struct vmn_flow *flow;

    if (pool->n) {
        pool->n--;
        flow = CONTAINER_OF(ovs_list_pop_back(&pool->flows), struct vmn_flow,
                            node);
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
    struct vmn_flow *flow = take_flow(emit->pool);

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

static void
match_imply(struct vmn_flow *flow, enum vmn_field field)
{
    struct match *match = &flow->match;

    if (fields[field].eth_type && !match->wc.masks.dl_type) {
        match_set_dl_type(match, htons(fields[field].eth_type));
    }
    if (fields[field].ip_proto) {
        if (!match->wc.masks.dl_type) {
            match_set_dl_type(match, htons(VMN_ETH_IPV4));
        }
        if (!match->wc.masks.nw_proto) {
            match_set_nw_proto(match, fields[field].ip_proto);
        }
    }
}

static void
match_bytes(struct vmn_flow *flow, enum vmn_field field,
            const union mf_value *value, const union mf_value *mask)
{
    char *error = NULL;

    flow->matched |= UINT64_C(1) << field;
    match_imply(flow, field);
    if (!mf_set(field_get(field), value, mask, &flow->match, &error)) {
        emit_fail(flow->actions.emit, "cannot match %s",
                  field_get(field)->name);
    } else if (error) {
        emit_fail(flow->actions.emit, "cannot match %s: %s",
                  field_get(field)->name, error);
    }
    free(error);
}

void
vmn_match(struct vmn_flow *flow, enum vmn_field field, uint64_t value)
{
    union mf_value mfv;

    if (field_value(flow->actions.emit, field, value, &mfv)) {
        match_bytes(flow, field, &mfv, NULL);
    }
}

void
vmn_match_masked(struct vmn_flow *flow, enum vmn_field field, uint64_t value,
                 uint64_t mask)
{
    union mf_value mfv, mfm;

    if (field_value(flow->actions.emit, field, value & mask, &mfv)
        && field_value(flow->actions.emit, field, mask, &mfm)) {
        match_bytes(flow, field, &mfv, &mfm);
    }
}

void
vmn_match_low_bits(struct vmn_flow *flow, enum vmn_field field,
                   uint32_t value, unsigned n_bits)
{
    union mf_value mfv, mfm;
    uint32_t mask = n_bits < 32 ? (UINT32_C(1) << n_bits) - 1 : UINT32_MAX;
    unsigned n_bytes;

    if (field >= VMN_N_FIELDS) {
        emit_fail(flow->actions.emit, "there is no field %u",
                  (unsigned) field);
        return;
    }
    n_bytes = field_get(field)->n_bytes;
    memset(&mfv, 0, sizeof mfv);
    memset(&mfm, 0, sizeof mfm);
    for (unsigned i = 0; i < 4 && i < n_bytes; i++) {
        ((uint8_t *) &mfv)[n_bytes - 1 - i] = (value & mask) >> (8 * i);
        ((uint8_t *) &mfm)[n_bytes - 1 - i] = mask >> (8 * i);
    }
    if (n_bits) {
        match_bytes(flow, field, &mfv, &mfm);
    }
}

void
vmn_match_mac(struct vmn_flow *flow, enum vmn_field field, struct vmn_mac mac)
{
    union mf_value mfv = { .be64 = 0 };

    if (field_get(field)->n_bytes != sizeof mac.ea) {
        emit_fail(flow->actions.emit, "%s is no Ethernet address",
                  field_get(field)->name);
        return;
    }
    memcpy(&mfv.mac, mac.ea, sizeof mac.ea);
    match_bytes(flow, field, &mfv, NULL);
}

void
vmn_match_prefix(struct vmn_flow *flow, enum vmn_field field,
                 const struct vmn_prefix *prefix)
{
    union mf_value mfv, mfm;

    if (!field_ip(flow->actions.emit, field, &prefix->ip, &mfv)) {
        return;
    }
    if (prefix->len > 8 * field_get(field)->n_bytes) {
        emit_fail(flow->actions.emit, "%s takes no prefix of length %u",
                  field_get(field)->name, prefix->len);
        return;
    }
    memset(&mfm, 0, sizeof mfm);
    if (prefix->ip.family == 4) {
        mfm.be32 = be32_prefix_mask(prefix->len);
        mfv.be32 &= mfm.be32;
    } else {
        mfm.ipv6 = ipv6_create_mask(prefix->len);
        mfv.ipv6 = ipv6_addr_bitand(&mfv.ipv6, &mfm.ipv6);
    }
    match_bytes(flow, field, &mfv, &mfm);
}

void
vmn_match_ip(struct vmn_flow *flow, enum vmn_field field,
             const struct vmn_ip *ip)
{
    struct vmn_prefix prefix = { .ip = *ip,
                                 .len = ip->family == 4 ? 32 : 128 };

    vmn_match_prefix(flow, field, &prefix);
}

/* Returns true if the match's prerequisites are met.  Fields without them
 * would be left out of the message silently, and the flow would match more
 * than intended. */
static bool
check_prerequisites(struct vmn_flow *flow)
{
    uint64_t left;

    for (left = flow->matched; left; left = zero_rightmost_1bit(left)) {
        const struct mf_field *mf = field_get(raw_ctz(left));

        if (!mf_are_match_prereqs_ok(mf, &flow->match)) {
            emit_fail(flow->actions.emit,
                      "match on %s lacks a prerequisite", mf->name);
            return false;
        }
    }
    return true;
}

bool
emit_check_flow(struct vmn_flow *flow)
{
    struct vmn_actions *actions = &flow->actions;

    if (!check_prerequisites(flow)) {
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
        emit_fail(actions->emit, "actions of a flow in table %d: %s",
                  flow->table, ofperr_to_string(error));
        return false;
    }
    return true;
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

        OFPACT_FOR_EACH (a, ofpacts->data, ofpacts->size) {
            if (a->type != OFPACT_SET_FIELD && a->type != OFPACT_REG_MOVE
                && a->type != OFPACT_OUTPUT && a->type != OFPACT_GROUP
                && a->type != OFPACT_RESUBMIT && a->type != OFPACT_CT
                && a->type != OFPACT_CT_CLEAR && a->type != OFPACT_DEC_TTL) {
                emit_fail(group->emit, "a bucket cannot %s: go on at a table "
                          "for that", ofpact_name(a->type));
                return false;
            }
        }
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
    group->emit = emit;
    group->scope = scope_copy(emit, scope);
    group->type = type;
    group->id = emit->services->number(emit->view, VMN_ID_POOL_GROUP, key);
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
        emit_fail(emit, "app %s has no stage %u with a table %u",
                  app->class_->name, stage, table);
        return -1;
    }
    return app->stages[stage].first_table + table;
}
