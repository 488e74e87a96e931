/* SPDX-License-Identifier: Apache-2.0
 *
 * The qos app: how much ports may send and get, each by itself and several of
 * a host together, and the DSCP of what they send.  This file makes flows of
 * it, with meters of the port's own host, by which both of Open vSwitch's
 * datapaths can do it.  Whom a policy is for is in qos-policy.c.
 *
 * A packet is given the number of each limit that it is to meet in turn, and
 * looked up by that: so any number of limits takes one table, each meter has
 * one flow, and a shared one is there once for all of its ports.  What one
 * meter drops gets to no other.
 *
 * ARP and neighbour discovery have a limit of their own: a VM that sends too
 * much would lose its neighbours otherwise, and with them what it may send. */

#include "qos.h"

#define BURST_PARTS 2           /* Of a second, as a burst: TCP needs much. */
#define BURST_KB_MIN 640        /* TSO: 64 KiB may be one packet. */
#define BURST_PACKETS_MIN 32
#define NEIGHBOURS_KBPS 64      /* Some 100 packets that are not padded. */

/* The limit that a packet is to meet next: limit_number(). */
#define REG_LIMIT VMN_F_REG10

/* The two that a policy may have for a direction. */
enum limit_kind { LIMIT_KBPS, LIMIT_PPS, N_LIMIT_KINDS };

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

/* Limits.  ---------------------------------------------------------------- */

/* Returns what REG_LIMIT holds for a limit of policy number 'policy'; 0: of
 * the port itself. */
static uint32_t
limit_number(uint32_t policy, enum limit_kind kind)
{
    return policy * N_LIMIT_KINDS + kind;
}

static const char *
stage_name(unsigned stage)
{
    return stage == STAGE_EGRESS ? "egress" : "ingress";
}

/* Has what 'flow' of TABLE_LIMITS matches meet a limit of 'kind', which others
 * share that have the same key. */
static void
act_limit(struct vmn_flow *flow, const char *key,
          const struct qos_limit *limit, enum limit_kind kind)
{
    struct vmn_actions *actions = vmn_flow_actions(flow);

    if (kind == LIMIT_KBPS) {
        vmn_act_limit_kbps(actions, key, (uint32_t) limit->max_kbps,
                           burst(limit->burst_kb, limit->max_kbps,
                                 BURST_KB_MIN));
    } else {
        vmn_act_limit(actions, key, (uint32_t) limit->max_pps,
                      burst(limit->burst_packets, limit->max_pps,
                            BURST_PACKETS_MIN));
    }
}

static bool
has_kind(const struct qos_limit *limit, enum limit_kind kind)
{
    return kind == LIMIT_KBPS ? limit->max_kbps : limit->max_pps;
}

/* Returns the policy's shared limit of a stage, or NULL. */
static const struct qos_limit *
shared_limit(const struct qos_policy *row, unsigned stage)
{
    for (size_t i = 0; i < row->n_shared_limits; i++) {
        if (row->shared_limits[i].direction == (int) direction_of[stage]) {
            return &row->shared_limits[i];
        }
    }
    return NULL;
}

/* Emits the shared limits of a policy in a stage, on the hosts with ports of
 * it: a meter is the switch's, so each of them has its own. */
static void
emit_shared(struct vmn_view *view, struct vmn_emit *emit,
            const struct qos_policy *row, unsigned stage)
{
    const char *name = row->object.row.name;
    const struct qos_limit *limit = shared_limit(row, stage);

    for (int kind = 0; limit && kind < N_LIMIT_KINDS; kind++) {
        if (has_kind(limit, (enum limit_kind) kind)) {
            struct vmn_flow *flow = vmn_flow_add(
                emit, vmn_scope_relation(REL_HOSTS, name), stage,
                TABLE_LIMITS, PRIORITY_LIMITED);

            vmn_match(flow, REG_LIMIT,
                      limit_number(vmn_id_of(view, POOL_POLICY, name),
                                   (enum limit_kind) kind));
            act_limit(flow, vmn_printf(view, "shared %s/%s",
                                       stage_name(stage), name),
                      limit, (enum limit_kind) kind);
        }
    }
}

static void
compile_policy(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct qos_policy *row
        = (const struct qos_policy *) vmn_read(view, ROW_POLICY, key);

    qos_publish_policy(view, key, emit);
    for (unsigned stage = 0; row && stage < N_STAGES; stage++) {
        emit_shared(view, emit, row, stage);
    }
}

/* Ports.  ----------------------------------------------------------------- */

static struct vmn_flow *
flow_add(struct vmn_emit *emit, const struct place *place, unsigned stage,
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

/* Returns the key of one of the port's limits. */
static const char *
limit_key(struct vmn_view *view, const struct place *place, unsigned stage,
          const char *of)
{
    return vmn_printf(view, "%s %s/%s", of, stage_name(stage),
                      place->port->row.name);
}

/* Emits the port's own limits in a stage. */
static void
emit_own(struct vmn_view *view, struct vmn_emit *emit,
         const struct place *place, unsigned stage)
{
    const struct qos_limit *limit
        = &place->effect->limits[direction_of[stage]];

    for (int kind = 0; kind < N_LIMIT_KINDS; kind++) {
        if (has_kind(limit, (enum limit_kind) kind)) {
            struct vmn_flow *flow = flow_add(emit, place, stage, TABLE_LIMITS,
                                             PRIORITY_LIMITED);

            vmn_match(flow, REG_LIMIT,
                      limit_number(0, (enum limit_kind) kind));
            act_limit(flow, limit_key(view, place, stage, "IP"), limit,
                      (enum limit_kind) kind);
        }
    }
}

/* Has the packet meet both kinds of 'limit', as far as it has them. */
static void
meet(struct vmn_actions *actions, unsigned stage, uint32_t policy,
     const struct qos_limit *limit)
{
    for (int kind = 0; limit && kind < N_LIMIT_KINDS; kind++) {
        if (has_kind(limit, (enum limit_kind) kind)) {
            vmn_act_set(actions, REG_LIMIT,
                        limit_number(policy, (enum limit_kind) kind));
            vmn_act_resubmit(actions, stage, TABLE_LIMITS);
        }
    }
}

/* Has the packet meet all limits of the port: its own first, so that what is
 * beyond that is not taken from those that it shares one with. */
static void
meet_all(struct vmn_view *view, struct vmn_actions *actions,
         const struct place *place, unsigned stage)
{
    const struct qos_effect *effect = place->effect;

    if (effect->n_shared > SHARED_MAX) {
        vmn_act_drop(actions, "too many limits");
        return;
    }
    if (stage == STAGE_EGRESS && effect->dscp != DSCP_KEPT) {
        vmn_act_set(actions, VMN_F_IP_DSCP, (uint32_t) effect->dscp);
    }
    meet(actions, stage, 0, &effect->limits[direction_of[stage]]);
    for (size_t i = 0; i < effect->n_shared; i++) {
        const struct qos_policy *row = effect->shared[i];

        meet(actions, stage,
             vmn_id_of(view, POOL_POLICY, row->object.row.name),
             shared_limit(row, stage));
    }
    /* What would keep packets apart for nothing. */
    vmn_act_set(actions, REG_LIMIT, 0);
    vmn_act_next(actions);
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
        struct vmn_flow *flow = flow_add(emit, place, stage, TABLE_PORT,
                                         PRIORITY_NEIGHBOURS);

        vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_ARP);
        pass(flow, key);
    }
    for (uint8_t type = VMN_ND_ROUTER_SOLICIT; type <= VMN_ND_ADVERT;
         type++) {
        struct vmn_flow *flow = flow_add(emit, place, stage, TABLE_PORT,
                                         PRIORITY_NEIGHBOURS);

        vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_IPV6);
        vmn_match(flow, VMN_F_IP_PROTO, VMN_IP_PROTO_ICMPV6);
        vmn_match(flow, VMN_F_ICMPV6_TYPE, type);
        pass(flow, key);
    }
}

/* Returns true if the port has a limit in a stage, of its own or shared. */
static bool
is_limited(const struct qos_effect *effect, unsigned stage)
{
    const struct qos_limit *own = &effect->limits[direction_of[stage]];

    if (own->max_kbps || own->max_pps || effect->n_shared > SHARED_MAX) {
        return true;
    }
    for (size_t i = 0; i < effect->n_shared; i++) {
        const struct qos_limit *limit = shared_limit(effect->shared[i],
                                                     stage);

        if (limit && (limit->max_kbps || limit->max_pps)) {
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
                     || place->effect->dscp == DSCP_KEPT)) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        struct vmn_flow *flow = flow_add(emit, place, stage, TABLE_PORT,
                                         PRIORITY_LIMITED);

        vmn_match(flow, VMN_F_ETH_TYPE, families[i]);
        meet_all(view, vmn_flow_actions(flow), place, stage);
    }
    emit_own(view, emit, place, stage);
    if (limited) {
        emit_neighbours(view, emit, place, stage);
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
    for (size_t i = 0; i < effect->n_shared && i < SHARED_MAX; i++) {
        vmn_publish(emit, REL_HOSTS, effect->shared[i]->object.row.name,
                    place->host);
    }
}

/* A port that migrates has its limits on both hosts, before its guest is on
 * the new one. */
static void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit)
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

            emit_place(view, emit, &place);
        }
    }
}

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
                       .scratch = VMN_SCRATCH(REG_LIMIT) },
    [STAGE_INGRESS] = { .name = "ingress", .hook = VMN_HOOK_DELIVER,
                        .order = -4, .n_tables = N_TABLES,
                        .miss = VMN_MISS_NEXT,
                        .scratch = VMN_SCRATCH(REG_LIMIT) },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "base", .each = VMN_EACH_ONCE, .compile = compile_base },
    { .name = "policy", .each = VMN_EACH_ROW, .row_type = ROW_POLICY,
      .compile = compile_policy },
    { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
      .compile = compile_port },
    { .name = NULL },
};

static const struct vmn_id_pool_class id_pools[] = {
    { POOL_POLICY, POLICIES_MAX },
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
