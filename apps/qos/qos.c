/* SPDX-License-Identifier: Apache-2.0
 *
 * The qos app: how much ports may send and get, each by itself and several of
 * a host together, and the DSCP and VLAN priority of what they send.  This
 * file makes flows of it, with meters of the port's own host, by which both of
 * Open vSwitch's datapaths can do it.  Whom a policy is for is in
 * qos-policy.c.
 *
 * A packet is given the number of each limit that it is to meet in turn, and
 * looked up by that: so any number of limits takes one table, each meter has
 * one flow, and a shared one is there once for all of its ports.  What one
 * meter drops gets to no other.  What a policy's filters match is looked up
 * before, once for all of its ports on a host; a register tells its limits.
 *
 * Meters come from a pool that may be used up, which fails the unit that wants
 * one.  So what has a port's packets meet their limits is a unit without
 * meters, and the port's own limits are two others: what there is, holds.
 * Limits of what rules let through are the firewall's flows (qos-rule.c).
 *
 * ARP and neighbour discovery have a limit of their own: a VM that sends too
 * much would lose its neighbours otherwise, and with them what it may send. */

#include "qos.h"

#define BURST_PARTS 2           /* Of a second, as a burst: TCP needs much. */
#define BURST_KB_MIN 640        /* TSO: 64 KiB may be one packet. */
#define BURST_PACKETS_MIN 32
#define NEIGHBOURS_KBPS 64      /* Some 100 packets that are not padded. */
/* Of a DSCP: its precedence (RFC 2474, section 4.2.2). */
#define DSCP_CLASS_SHIFT 3

/* The limit that a packet is to meet next: limit_number(). */
#define REG_LIMIT VMN_F_REG10
/* 1: the filters of that limit's policy match it. */
#define REG_MATCHED VMN_F_REG11

/* In place of a kind, where it is to be found whether filters match. */
#define FILTERS N_LIMIT_KINDS

static const enum direction direction_of[N_STAGES] = {
    [STAGE_EGRESS] = DIRECTION_EGRESS, [STAGE_INGRESS] = DIRECTION_INGRESS,
};

/* A port on one of its hosts. */
struct place {
    const struct vmn_port *port;
    const char *host;
    uint32_t ofport;            /* Never 0. */
    const struct qos_effect *effect;
};

static uint32_t
burst(int given, int rate, int least)
{
    return (uint32_t) (given ? given
                       : rate / BURST_PARTS > least ? rate / BURST_PARTS
                       : least);
}

uint32_t
qos_rate(const struct qos_limit *limit, enum limit_kind kind,
         uint32_t *at_once)
{
    if (kind == LIMIT_KBPS) {
        *at_once = burst(limit->burst_kb, limit->max_kbps, BURST_KB_MIN);
        return (uint32_t) limit->max_kbps;
    }
    *at_once = burst(limit->burst_packets, limit->max_pps, BURST_PACKETS_MIN);
    return (uint32_t) limit->max_pps;
}

/* Limits.  ---------------------------------------------------------------- */

/* What REG_LIMIT holds for a limit: of policy number 'policy', shared or of
 * each port; or for its FILTERS. */
static uint32_t
limit_number(uint32_t policy, bool shared, enum limit_kind kind)
{
    return (policy * 2 + shared) * (N_LIMIT_KINDS + 1) + kind;
}

static const char *
stage_name(unsigned stage)
{
    return stage == STAGE_EGRESS ? "egress" : "ingress";
}

static bool
has_kind(const struct qos_limit *limit, enum limit_kind kind)
{
    return kind == LIMIT_KBPS ? limit->max_kbps : limit->max_pps;
}

/* Returns that of 'n' limits which is of a stage, or NULL. */
static const struct qos_limit *
limit_of(const struct qos_limit *limits, size_t n, unsigned stage)
{
    for (size_t i = 0; i < n; i++) {
        if (limits[i].direction == (int) direction_of[stage]) {
            return &limits[i];
        }
    }
    return NULL;
}

/* Returns the limits that a policy has in a stage for packets that are looked
 * up by its number; NULL: none.  Those of a port's policies without filters
 * are together number 0's. */
static const struct qos_limit *
own_limit(const struct qos_policy *row, unsigned stage)
{
    return (row->n_filters ? limit_of(row->limits, row->n_limits, stage)
            : NULL);
}

static const struct qos_limit *
shared_limit(const struct qos_policy *row, unsigned stage)
{
    return limit_of(row->shared_limits, row->n_shared_limits, stage);
}

/* A limit as a meter in a stage, of those that have the same key. */
struct metered {
    struct vmn_emit *emit;
    const struct place *place;  /* NULL: it is shared... */
    const char *policy;         /* ...by the ports of this policy. */
    uint32_t number;            /* The policy's; 0: all without filters. */
    bool filtered;
    unsigned stage;
    const char *key;
    const struct qos_limit *limit; /* NULL: none. */
};

static struct vmn_flow *port_flow_add(struct vmn_emit *, const struct place *,
                                      unsigned stage, unsigned table,
                                      uint16_t priority);

/* Adds a flow on the hosts with ports of a policy. */
static struct vmn_flow *
policy_flow_add(struct vmn_emit *emit, const char *policy, unsigned stage,
                uint16_t priority)
{
    return vmn_flow_add(emit, vmn_scope_relation(REL_HOSTS, policy), stage,
                        TABLE_LIMITS, priority);
}

static void
act_limit(struct vmn_actions *actions, const struct metered *m,
          enum limit_kind kind)
{
    uint32_t at_once, rate = qos_rate(m->limit, kind, &at_once);

    (kind == LIMIT_KBPS ? vmn_act_limit_kbps : vmn_act_limit)(
        actions, m->key, rate, at_once);
}

/* Emits both kinds of a limit, as far as it has them.  A shared limit is on
 * the hosts with ports of the policy: a meter is the switch's, so each of them
 * has its own. */
static void
emit_limit(const struct metered *m)
{
    for (int i = 0; m->limit && i < N_LIMIT_KINDS; i++) {
        enum limit_kind kind = (enum limit_kind) i;
        struct vmn_flow *flow;

        if (!has_kind(m->limit, kind)) {
            continue;
        }
        flow = (m->place
                ? port_flow_add(m->emit, m->place, m->stage, TABLE_LIMITS,
                                PRIORITY_LIMITED)
                : policy_flow_add(m->emit, m->policy, m->stage,
                                  PRIORITY_LIMITED));
        vmn_match(flow, REG_LIMIT, limit_number(m->number, !m->place, kind));
        if (m->filtered) {
            vmn_match(flow, REG_MATCHED, 1);
        }
        act_limit(vmn_flow_actions(flow), m, kind);
    }
}

uint32_t
qos_number(struct vmn_view *view, const struct qos_policy *row)
{
    return vmn_id_of(view, POOL_POLICY, row->object.row.name);
}

/* Returns policy 'key', if it has shared limits or filters and there are ports
 * of it on hosts; NULL otherwise, and if it is for what rules let through. */
static const struct qos_policy *
policy_in_use(struct vmn_view *view, const char *key)
{
    const struct qos_policy *row
        = (vmn_relation_values(view, REL_HOSTS, key).n
           ? (const struct qos_policy *) vmn_read(view, ROW_POLICY, key)
           : NULL);

    return row && !row->n_policies ? row : NULL;
}

static void
compile_policy(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    qos_publish_policy(view, key, emit);
}

static void
compile_shared(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct qos_policy *row = policy_in_use(view, key);

    for (unsigned stage = 0; row && stage < N_STAGES; stage++) {
        const struct metered m = {
            .emit = emit, .policy = key, .stage = stage,
            .number = qos_number(view, row), .filtered = row->n_filters,
            .key = vmn_printf(view, "shared %s/%s", stage_name(stage), key),
            .limit = shared_limit(row, stage),
        };

        emit_limit(&m);
    }
}

/* Filters of a policy in a stage. */
struct filters {
    struct vmn_emit *emit;
    const char *policy;
    uint32_t number;
    unsigned stage;
};

static struct vmn_flow *
add_filter(uint16_t priority, const void *filters_)
{
    const struct filters *filters = (const struct filters *) filters_;
    struct vmn_flow *flow = policy_flow_add(filters->emit, filters->policy,
                                            filters->stage, priority);

    vmn_match(flow, REG_LIMIT, limit_number(filters->number, false, FILTERS));
    vmn_act_set(vmn_flow_actions(flow), REG_MATCHED, 1);
    return flow;
}

/* Those of a direction without a limit are for nothing. */
static void
compile_filters(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct qos_policy *row = policy_in_use(view, key);

    for (unsigned stage = 0; row && stage < N_STAGES; stage++) {
        const struct filters filters = {
            emit, key, qos_number(view, row), stage,
        };
        const struct qos_filtered to = { add_filter, &filters };

        if (own_limit(row, stage) || shared_limit(row, stage)) {
            qos_add_filtered(row, &to);
        }
    }
}

/* Ports.  ----------------------------------------------------------------- */

static struct vmn_flow *
port_flow_add(struct vmn_emit *emit, const struct place *place, unsigned stage,
              unsigned table, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(place->host),
                                         stage, table, priority);

    if (stage == STAGE_EGRESS) {
        vmn_match(flow, VMN_F_IN_PORT, place->ofport);
    } else {
        vmn_match(flow, VMN_REG_DST_LOCAL, 1);
        vmn_match(flow, VMN_REG_OUT_PORT, place->ofport);
    }
    return flow;
}

/* Has the packet meet both kinds of 'limit', as far as it has them. */
static void
meet(struct vmn_actions *actions, unsigned stage, uint32_t policy, bool shared,
     const struct qos_limit *limit)
{
    for (int kind = 0; kind < N_LIMIT_KINDS; kind++) {
        if (has_kind(limit, (enum limit_kind) kind)) {
            vmn_act_set(actions, REG_LIMIT,
                        limit_number(policy, shared, (enum limit_kind) kind));
            vmn_act_resubmit(actions, stage, TABLE_LIMITS);
        }
    }
}

static bool
limits(const struct qos_limit *limit)
{
    return limit && (limit->max_kbps || limit->max_pps);
}

/* Has the packet meet the limits of a policy, if its filters match. */
static void
meet_policy(struct vmn_actions *actions, unsigned stage, uint32_t number,
            bool shared, const struct qos_policy *row)
{
    const struct qos_limit *limit = (shared ? shared_limit(row, stage)
                                     : own_limit(row, stage));

    if (!limits(limit)) {
        return;
    }
    if (row->n_filters) {
        vmn_act_set(actions, REG_MATCHED, 0);
        vmn_act_set(actions, REG_LIMIT, limit_number(number, false, FILTERS));
        vmn_act_resubmit(actions, stage, TABLE_LIMITS);
    }
    meet(actions, stage, number, shared, limit);
}

/* Has the packet's tag have a priority, if it leaves with one: the provider
 * network's flow that puts it on takes it from there. */
static void
set_pcp(struct vmn_actions *actions, int pcp)
{
    if (pcp == PCP_OF_DSCP) {
        vmn_act_move_bits(actions, VMN_F_IP_DSCP, DSCP_CLASS_SHIFT,
                          VMN_REG_FLAGS, VMN_FLAG_PCP_SHIFT,
                          VMN_FLAG_PCP_BITS);
    } else if (pcp > 0) {
        vmn_act_set_masked(actions, VMN_REG_FLAGS,
                           (uint32_t) pcp << VMN_FLAG_PCP_SHIFT,
                           VMN_FLAG_PCP_MASK);
    }
}

/* Gives what the port sends the DSCP that it is to have, and then the priority
 * of its tag. */
static void
mark(struct vmn_actions *actions, const struct qos_effect *effect)
{
    if (effect->dscp != DSCP_KEPT) {
        vmn_act_set(actions, VMN_F_IP_DSCP, (uint32_t) effect->dscp);
    }
    set_pcp(actions, effect->pcp);
}

/* Has the packet meet all limits of the port: its own first, so that what is
 * beyond these is not taken from those that it shares one with. */
static void
meet_all(struct vmn_view *view, struct vmn_actions *actions,
         const struct place *place, unsigned stage)
{
    const struct qos_effect *effect = place->effect;
    uint32_t queue = qos_queue_of(view, place->host, place->ofport, effect);

    if (qos_has_too_many(effect)) {
        vmn_act_drop(actions, "too many limits");
        return;
    }
    if (stage == STAGE_EGRESS) {
        mark(actions, effect);
    }
    if (stage == STAGE_EGRESS && queue) {
        vmn_act_set_queue(actions, queue);
    }
    meet(actions, stage, 0, false, &effect->limits[direction_of[stage]]);
    for (int shared = 0; shared < 2; shared++) {
        for (size_t i = 0; i < effect->n; i++) {
            const struct qos_policy *row = effect->policies[i];

            meet_policy(actions, stage, qos_number(view, row), shared, row);
        }
    }
    /* What would keep packets apart for nothing. */
    vmn_act_set(actions, REG_LIMIT, 0);
    vmn_act_set(actions, REG_MATCHED, 0);
    vmn_act_next(actions);
}

/* Returns true if the port has a limit in a stage, of its own or shared. */
static bool
is_limited(const struct qos_effect *effect, unsigned stage)
{
    if (limits(&effect->limits[direction_of[stage]])
        || qos_has_too_many(effect)) {
        return true;
    }
    for (size_t i = 0; i < effect->n; i++) {
        if (limits(own_limit(effect->policies[i], stage))
            || limits(shared_limit(effect->policies[i], stage))) {
            return true;
        }
    }
    return false;
}

static void
emit_stage(struct vmn_view *view, struct vmn_emit *emit,
           const struct place *place, unsigned stage)
{
    static const uint16_t families[] = { VMN_ETH_IPV4, VMN_ETH_IPV6 };
    bool limited = is_limited(place->effect, stage);

    if (!limited && (stage != STAGE_EGRESS
                     || (place->effect->dscp == DSCP_KEPT
                         && place->effect->pcp <= 0
                         && !qos_queue_of(view, place->host, place->ofport,
                                          place->effect)))) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        struct vmn_flow *flow = port_flow_add(emit, place, stage, TABLE_PORT,
                                              PRIORITY_LIMITED);

        vmn_match(flow, VMN_F_ETH_TYPE, families[i]);
        meet_all(view, vmn_flow_actions(flow), place, stage);
    }
    if (limited) {
        vmn_publish(emit, REL_LIMITED, place->port->row.name, place->host);
    }
}

/* Says where the port's packets leave with no tag for their priority. */
static void
publish_untagged(struct vmn_view *view, struct vmn_emit *emit,
                 const struct place *place)
{
    const char *name = place->port->network;
    const struct vmn_network *network = vmn_read_network(view, name);
    const char *why = NULL;

    if (!place->effect->tagging || !place->effect->pcp || !network) {
        return;                 /* 0 is what there is anyway. */
    } else if (!network->provider.physical) {
        why = "no provider network: what leaves by a router has it where that "
              "is by a VLAN of the port's own host";
    } else if (!network->provider.vlan) {
        why = "the provider network has no VLAN";
    }
    if (why) {
        vmn_publish(emit, REL_UNTAGGED,
                    place->effect->tagging->object.row.name,
                    vmn_printf(view, "%s: %s", name, why));
    }
}

static void
emit_place(struct vmn_view *view, struct vmn_emit *emit,
           const struct place *place)
{
    const struct qos_effect *effect = place->effect;

    for (unsigned stage = 0; stage < N_STAGES; stage++) {
        emit_stage(view, emit, place, stage);
    }
    for (size_t i = 0; i < effect->n && i < POLICIES_OF_PORT_MAX; i++) {
        vmn_publish(emit, REL_HOSTS, effect->policies[i]->object.row.name,
                    place->host);
    }
    if (qos_has_too_many(effect)) {
        qos_publish_too_many(view, place->port, place->host, emit);
    }
    publish_untagged(view, emit, place);
    qos_publish_guarantee(view, place->port, place->host, place->ofport,
                          effect, emit);
}

/* Has 'emit_one' emit what is to be on each of the port's hosts.  One that
 * migrates has its limits on both, before its guest is on the new one. */
static void
emit_places(struct vmn_view *view, const char *key, struct vmn_emit *emit,
            void (*emit_one)(struct vmn_view *, struct vmn_emit *,
                             const struct place *))
{
    const struct vmn_port *port = vmn_read_port(view, key);
    const struct vmn_binding *binding
        = port ? vmn_read_binding(view, key) : NULL;

    for (int i = 0; binding && i < 2; i++) {
        const char *host = i ? binding->candidate : binding->host;
        struct qos_effect effect;
        const struct vmn_vif *vif
            = (host && qos_effect_on(view, port, host, &effect)
               ? vmn_read_vif(view, host, port->iface_id) : NULL);

        if (vif) {
            const struct place place = { port, host, vif->ofport, &effect };

            emit_one(view, emit, &place);
        }
    }
}

static void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    emit_places(view, key, emit, emit_place);
}

/* Limits of each port.  --------------------------------------------------- */

/* Returns the key of one of the port's limits. */
static const char *
limit_key(struct vmn_view *view, const struct place *place, unsigned stage,
          const char *of)
{
    return vmn_printf(view, "%s %s/%s", of, stage_name(stage),
                      place->port->row.name);
}

/* Has 'flow' go on within the limit 'key'; NULL: in any case. */
static void
pass(struct vmn_flow *flow, const char *key)
{
    struct vmn_actions *actions = vmn_flow_actions(flow);

    if (key) {
        vmn_act_limit_kbps(actions, key, NEIGHBOURS_KBPS, BURST_KB_LEAST);
    }
    vmn_act_next(actions);
}

/* ARP, and solicitations and advertisements of routers and neighbours.  What
 * the port sends has a limit; what it gets is nobody's to use up, and ARP of
 * that is not looked at anyway. */
static void
emit_neighbours(struct vmn_view *view, struct vmn_emit *emit,
                const struct place *place, unsigned stage)
{
    const char *key = (stage == STAGE_EGRESS
                       ? limit_key(view, place, stage, "neighbours") : NULL);

    if (key) {
        struct vmn_flow *flow = port_flow_add(emit, place, stage, TABLE_PORT,
                                              PRIORITY_NEIGHBOURS);

        vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_ARP);
        pass(flow, key);
    }
    for (uint8_t type = VMN_ND_ROUTER_SOLICIT; type <= VMN_ND_ADVERT;
         type++) {
        struct vmn_flow *flow = port_flow_add(emit, place, stage, TABLE_PORT,
                                              PRIORITY_NEIGHBOURS);

        vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_IPV6);
        vmn_match(flow, VMN_F_IP_PROTO, VMN_IP_PROTO_ICMPV6);
        vmn_match(flow, VMN_F_ICMPV6_TYPE, type);
        if (stage == STAGE_EGRESS) {
            mark(vmn_flow_actions(flow), place->effect);
        }
        pass(flow, key);
    }
}

/* Emits the limit that all policies without filters come to. */
static void
emit_own(struct vmn_view *view, struct vmn_emit *emit,
         const struct place *place)
{
    const struct qos_effect *effect = place->effect;

    for (unsigned stage = 0; stage < N_STAGES; stage++) {
        const struct metered m = {
            .emit = emit, .place = place, .stage = stage,
            .key = limit_key(view, place, stage, "IP"),
            .limit = &effect->limits[direction_of[stage]],
        };

        if (!qos_has_too_many(effect)) {
            emit_limit(&m);
        }
        if (is_limited(effect, stage)) {
            emit_neighbours(view, emit, place, stage);
        }
    }
}

/* Emits the limits of policies with filters. */
static void
emit_filtered(struct vmn_view *view, struct vmn_emit *emit,
              const struct place *place)
{
    const struct qos_effect *effect = place->effect;

    for (size_t i = 0; !qos_has_too_many(effect) && i < effect->n; i++) {
        const struct qos_policy *row = effect->policies[i];

        for (unsigned stage = 0; row->n_filters && stage < N_STAGES; stage++) {
            const struct metered m = {
                .emit = emit, .place = place, .stage = stage,
                .number = qos_number(view, row), .filtered = true,
                .key = limit_key(view, place, stage,
                                 vmn_printf(view, "by %s",
                                            row->object.row.name)),
                .limit = own_limit(row, stage),
            };

            emit_limit(&m);
        }
    }
}

static bool
has_limits(struct vmn_view *view, const char *key)
{
    return vmn_relation_values(view, REL_LIMITED, key).n;
}

static void
compile_limits(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    if (has_limits(view, key)) {
        emit_places(view, key, emit, emit_own);
    }
}

static void
compile_filtered(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    if (has_limits(view, key)) {
        emit_places(view, key, emit, emit_filtered);
    }
}

/* The app.  --------------------------------------------------------------- */

/* Where packets are looked up for limits, none may go on as one that no policy
 * is for does, or it would go on twice.  What matches nothing else there is of
 * a policy whose own flow is not there. */
static void
compile_base(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    (void) view;
    (void) key;
    for (unsigned stage = 0; stage < N_STAGES; stage++) {
        vmn_flow_add(emit, vmn_scope_all(), stage, TABLE_LIMITS,
                     PRIORITY_NONE);
    }
}

/* Behind the guard and what the switch or vmnd answers; and the last but the
 * one that delivers. */
static const struct vmn_stage_class stages[] = {
    [STAGE_EGRESS] = { .name = "egress", .hook = VMN_HOOK_BALANCE,
                       .order = -100, .n_tables = N_TABLES,
                       .miss = VMN_MISS_NEXT,
                       .scratch = VMN_SCRATCH(REG_LIMIT)
                                  | VMN_SCRATCH(REG_MATCHED) },
    [STAGE_INGRESS] = { .name = "ingress", .hook = VMN_HOOK_DELIVER,
                        .order = -4, .n_tables = N_TABLES,
                        .miss = VMN_MISS_NEXT,
                        .scratch = VMN_SCRATCH(REG_LIMIT)
                                  | VMN_SCRATCH(REG_MATCHED) },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "base", .each = VMN_EACH_ONCE, .compile = compile_base },
    { .name = "policy", .each = VMN_EACH_ROW, .row_type = ROW_POLICY,
      .compile = compile_policy },
    { .name = "filters", .each = VMN_EACH_ROW, .row_type = ROW_POLICY,
      .compile = compile_filters },
    { .name = "shared", .each = VMN_EACH_ROW, .row_type = ROW_POLICY,
      .compile = compile_shared },
    { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
      .compile = compile_port },
    { .name = "limits", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
      .compile = compile_limits },
    { .name = "filtered", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
      .compile = compile_filtered },
    { .name = "number", .each = VMN_EACH_ROW, .row_type = ROW_POLICY,
      .compile = qos_compile_number },
    { .name = "limited", .each = VMN_EACH_ROW, .row_type = ROW_POLICY,
      .compile = qos_compile_limited },
    { .name = "held", .each = VMN_EACH_KEY,
      .relation = VMN_REL_RULE_LIMIT_USES, .compile = qos_compile_held },
    { .name = "rules", .each = VMN_EACH_KEY, .relation = REL_OF_RULES,
      .compile = qos_compile_rules },
    { .name = "uplink", .each = VMN_EACH_ROW, .row_type = ROW_UPLINK,
      .compile = qos_compile_uplink },
    { .name = "uplinks", .each = VMN_EACH_ROW, .row_type = VMN_ROW_HOST,
      .compile = qos_compile_uplinks },
    { .name = "queues", .each = VMN_EACH_ROW, .row_type = VMN_ROW_HOST,
      .compile = qos_compile_queues },
    { .name = "unqueued", .each = VMN_EACH_ROW, .row_type = VMN_ROW_HOST,
      .compile = qos_compile_unqueued },
    { .name = NULL },
};

static const struct vmn_id_pool_class id_pools[] = {
    { POOL_POLICY, POLICY_NUMBER_MAX },
    { POOL_QUEUE, QUEUE_ID_MAX },
    { .name = NULL },
};

extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD,
    .name = "qos",
    .description = "Limits what ports send and get, and marks it",
    .stages = stages,
    .units = units,
    .id_pools = id_pools,
    VMN_APP_TYPES(qos_types),
};
