/* SPDX-License-Identifier: Apache-2.0
 *
 * The qos app: how much ports may send and get, and the DSCP of what they
 * send.  This file makes flows of it, with meters of the port's own host, by
 * which both of Open vSwitch's datapaths can do it.  Whom a policy is for is
 * in qos-policy.c.
 *
 * ARP and neighbour discovery have a limit of their own: a VM that sends too
 * much would lose its neighbours otherwise, and with them what it may send. */

#include "qos.h"

#define BURST_PARTS 2           /* Of a second, as a burst: TCP needs much. */
#define BURST_KB_MIN 640        /* TSO: 64 KiB may be one packet. */
#define BURST_PACKETS_MIN 32
#define NEIGHBOURS_KBPS 64      /* Some 100 packets that are not padded. */

enum { STAGE_EGRESS, STAGE_INGRESS };

/* Tables of both stages. */
enum { TABLE_KBPS, TABLE_PPS, N_TABLES };

enum { PRIORITY_LIMITED = 10, PRIORITY_NEIGHBOURS = 20 };

/* A port on one of its hosts. */
struct place {
    const struct vmn_port *port;
    const char *host;
    uint32_t ofport;            /* Never 0. */
};

static uint32_t
burst(int given, int rate, int least)
{
    return (uint32_t) (given ? given
                       : rate / BURST_PARTS > least ? rate / BURST_PARTS
                       : least);
}

static struct vmn_flow *
flow_add(struct vmn_emit *emit, const struct place *place, unsigned stage,
         unsigned table, uint16_t priority, uint16_t eth_type)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(place->host),
                                         stage, table, priority);

    if (stage == STAGE_EGRESS) {
        vmn_match(flow, VMN_F_IN_PORT, place->ofport);
    } else {
        vmn_match(flow, VMN_REG_DST_LOCAL, 1);
        vmn_match(flow, VMN_REG_OUT_PORT, place->ofport);
    }
    vmn_match(flow, VMN_F_ETH_TYPE, eth_type);
    return flow;
}

/* Returns the key of one of the port's limits. */
static const char *
limit_key(struct vmn_view *view, const struct place *place, unsigned stage,
          const char *of)
{
    return vmn_printf(view, "%s %s/%s", of,
                      stage == STAGE_EGRESS ? "egress" : "ingress",
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
        pass(flow_add(emit, place, stage, TABLE_KBPS, PRIORITY_NEIGHBOURS,
                      VMN_ETH_ARP), key);
    }
    for (uint8_t type = VMN_ND_ROUTER_SOLICIT; type <= VMN_ND_ADVERT;
         type++) {
        struct vmn_flow *flow = flow_add(emit, place, stage, TABLE_KBPS,
                                         PRIORITY_NEIGHBOURS, VMN_ETH_IPV6);

        vmn_match(flow, VMN_F_IP_PROTO, VMN_IP_PROTO_ICMPV6);
        vmn_match(flow, VMN_F_ICMPV6_TYPE, type);
        pass(flow, key);
    }
}

/* Emits what becomes of IPv4, or IPv6, of the port in a stage. */
static void
emit_family(struct vmn_view *view, struct vmn_emit *emit,
            const struct place *place, unsigned stage, uint16_t eth_type,
            const struct qos_limit *limit, int dscp)
{
    const char *key = limit_key(view, place, stage, "IP");
    struct vmn_flow *flow = flow_add(emit, place, stage, TABLE_KBPS,
                                     PRIORITY_LIMITED, eth_type);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    if (limit->max_kbps) {
        vmn_act_limit_kbps(actions, key, (uint32_t) limit->max_kbps,
                           burst(limit->burst_kb, limit->max_kbps,
                                 BURST_KB_MIN));
    }
    if (dscp != DSCP_KEPT) {
        vmn_act_set(actions, VMN_F_IP_DSCP, (uint32_t) dscp);
    }
    if (!limit->max_pps) {
        vmn_act_next(actions);
        return;
    }
    vmn_act_goto(actions, stage, TABLE_PPS);
    flow = flow_add(emit, place, stage, TABLE_PPS, PRIORITY_LIMITED,
                    eth_type);
    actions = vmn_flow_actions(flow);
    vmn_act_limit(actions, key, (uint32_t) limit->max_pps,
                  burst(limit->burst_packets, limit->max_pps,
                        BURST_PACKETS_MIN));
    vmn_act_next(actions);
}

static void
emit_direction(struct vmn_view *view, struct vmn_emit *emit,
               const struct place *place, unsigned stage,
               const struct qos_limit *limit, int dscp)
{
    bool is_limited = limit->max_kbps || limit->max_pps;

    if (is_limited || dscp != DSCP_KEPT) {
        emit_family(view, emit, place, stage, VMN_ETH_IPV4, limit, dscp);
        emit_family(view, emit, place, stage, VMN_ETH_IPV6, limit, dscp);
    }
    if (is_limited) {
        emit_neighbours(view, emit, place, stage);
    }
}

/* A port that migrates has its limits on both hosts, before its guest is on
 * the new one. */
static void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    struct qos_effect effect;
    const struct vmn_binding *binding
        = (port && qos_effect_on(view, port, &effect)
           ? vmn_read_binding(view, key) : NULL);

    for (int i = 0; binding && i < 2; i++) {
        const char *host = i ? binding->candidate : binding->host;
        const struct vmn_vif *vif
            = host ? vmn_read_vif(view, host, port->iface_id) : NULL;

        if (vif) {
            const struct place place = { port, host, vif->ofport };

            emit_direction(view, emit, &place, STAGE_EGRESS,
                           &effect.limits[DIRECTION_EGRESS], effect.dscp);
            emit_direction(view, emit, &place, STAGE_INGRESS,
                           &effect.limits[DIRECTION_INGRESS], DSCP_KEPT);
        }
    }
}

/* Behind the guard and what the switch or vmnd answers; and the last but the
 * one that delivers. */
static const struct vmn_stage_class stages[] = {
    [STAGE_EGRESS] = { .name = "egress", .hook = VMN_HOOK_BALANCE,
                       .order = -100, .n_tables = N_TABLES,
                       .miss = VMN_MISS_NEXT },
    [STAGE_INGRESS] = { .name = "ingress", .hook = VMN_HOOK_DELIVER,
                        .order = -4, .n_tables = N_TABLES,
                        .miss = VMN_MISS_NEXT },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "policy", .each = VMN_EACH_ROW, .row_type = ROW_POLICY,
      .compile = compile_policy },
    { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
      .compile = compile_port },
    { .name = NULL },
};

extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD,
    .name = "qos",
    .description = "Limits what ports send and get, and marks it",
    .stages = stages,
    .units = units,
    VMN_APP_TYPES(qos_types),
};
