/* SPDX-License-Identifier: Apache-2.0
 *
 * The loadbalancer app: virtual IPs for TCP and UDP inside of routing domains,
 * by NAT in conntrack at the client's host.  This file describes the app to
 * the engine, and emits what all hosts have. */

#include "loadbalancer.h"

static struct vmn_actions *
base_add(struct vmn_emit *emit, unsigned table)
{
    return vmn_flow_actions(vmn_flow_add(emit, vmn_scope_all(), STAGE_BALANCE,
                                         table, PRIORITY_LAST));
}

/* Emits the path of packets that no-backend.c makes in the name of a packet's
 * destination.  That may be a backend by now, which conntrack knows. */
static void
base_reject(struct vmn_emit *emit)
{
    static const uint16_t eth_types[] = { VMN_ETH_IPV4, VMN_ETH_IPV6 };

    for (size_t i = 0; i < 2; i++) {
        struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(),
                                             STAGE_BALANCE, BALANCE_ASIDE,
                                             PRIORITY_LAST);
        struct vmn_actions *actions = vmn_flow_actions(flow);

        vmn_match(flow, VMN_F_ETH_TYPE, eth_types[i]);
        vmn_act_set_masked(actions, VMN_REG_FLAGS, VMN_FLAG_HAIRPIN,
                           VMN_FLAG_HAIRPIN);
        vmn_act_ct(actions, &(struct vmn_ct) { .zone = VMN_REG_BALANCE_ZONE,
                                               .nat = true,
                                               .then = VMN_CT_NEXT });
    }
}

/* Drops packets that conntrack does not accept as part of a connection. */
static void
base_invalid(struct vmn_emit *emit)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_BALANCE,
                                         BALANCE_SELECT, SELECT_INVALID);

    vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | VMN_CT_INV,
                     VMN_CT_TRK | VMN_CT_INV);
    vmn_act_drop(vmn_flow_actions(flow), "invalid state");
}

static struct vmn_flow *
open_add(struct vmn_emit *emit, uint16_t priority, uint16_t eth_type,
         unsigned state)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_BALANCE,
                                         BALANCE_CHOOSE, priority);

    vmn_match(flow, VMN_F_ETH_TYPE, eth_type);
    /* Conntrack calls a connection new until there is a reply. */
    vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | state,
                     VMN_CT_TRK | VMN_CT_INV | (state ? state : VMN_CT_NEW));
    return flow;
}

/* Emits what becomes of packets of connections to a backend that the balancer
 * does not have any more, wherever conntrack still has them: the client is
 * notified.  A reset is the client's answer to that, which also the backend
 * receives.  By that a connection of TCP ends; any other would last as long as
 * the client sends, so the switch forgets it. */
static void
base_gone(struct vmn_emit *emit)
{
    static const uint16_t eth_types[] = { VMN_ETH_IPV4, VMN_ETH_IPV6 };
    static const unsigned states[] = { 0, VMN_CT_NEW | VMN_CT_DNAT };

    for (size_t i = 0; i < 4; i++) {
        uint16_t eth_type = eth_types[i % 2];
        unsigned state = states[i / 2];
        struct vmn_flow *flow = open_add(emit, CHOOSE_END, eth_type, state);

        vmn_match(flow, VMN_F_IP_PROTO, VMN_IP_PROTO_TCP);
        vmn_match_masked(flow, VMN_F_TCP_FLAGS, VMN_TCP_RST, VMN_TCP_RST);
        vmn_act_goto(vmn_flow_actions(flow), STAGE_BALANCE, BALANCE_BACKEND);

        /* Conntrack's copy: a switch hides the protocol of some fragments. */
        flow = open_add(emit, CHOOSE_GONE, eth_type, state);
        vmn_match(flow, VMN_F_CT_NW_PROTO, VMN_IP_PROTO_TCP);
        act_reject(vmn_flow_actions(flow), "backend is gone");
        flow = open_add(emit, CHOOSE_GONE, eth_type, state);
        vmn_match(flow, VMN_F_CT_NW_PROTO, VMN_IP_PROTO_UDP);
        act_reject_forget(vmn_flow_actions(flow), "backend is gone");
    }
}

static void
compile_base(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    vmn_act_goto(base_add(emit, BALANCE_SELECT), STAGE_BALANCE,
                 BALANCE_BACKEND);
    for (unsigned table = BALANCE_LIMIT; table <= BALANCE_METER; table++) {
        vmn_act_goto(base_add(emit, table), STAGE_BALANCE, BALANCE_COMMIT);
    }
    for (unsigned table = BALANCE_ADMITTED; table <= BALANCE_ASSIGNED;
         table++) {
        vmn_act_goto(base_add(emit, table), STAGE_BALANCE, table + 1);
    }
    act_reject(base_add(emit, BALANCE_CHOOSE), "no backend");
    act_reject(base_add(emit, BALANCE_COMMIT), "no backend");
    act_reject(base_add(emit, BALANCE_BACKEND), "backend is gone");
    base_vip(emit);
    base_invalid(emit);
    base_gone(emit);
    base_reject(emit);
    migrating_base(emit);
}

/* ARP for virtual IPs comes before overlay, which drops requests for unknown
 * addresses. */
static const struct vmn_stage_class stages[] = {
    [STAGE_ARP] = { "arp", VMN_HOOK_SERVICE, -10, 1, VMN_MISS_NEXT },
    [STAGE_BALANCE] = { "balance", VMN_HOOK_BALANCE, 0, BALANCE_N_TABLES,
                        VMN_MISS_NEXT, vmn_prefixes_with_ipv6_dst,
                        .scratch = (VMN_SCRATCH(REG_BACKEND)
                                    | VMN_SCRATCH(VMN_REG_CLIENT_VALUE)
                                    | VMN_SCRATCH(REG_BALANCER)
                                    | VMN_SCRATCH(REG_LIMIT)) },
    [STAGE_UNBALANCE] = { "unbalance", VMN_HOOK_UNBALANCE, 0,
                          UNBALANCE_N_TABLES, VMN_MISS_NEXT,
                          vmn_prefixes_with_ipv6_src },
    { .name = NULL },
};

static const struct vmn_query_class queries[] = {
    { .name = "backends", .eval = eval_backends },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "base", .each = VMN_EACH_ONCE, .compile = compile_base },
    { .name = "vip", .each = VMN_EACH_ROW, .row_type = VMN_ROW_LOADBALANCER,
      .compile = compile_balancer },
    { .name = "address", .each = VMN_EACH_KEY, .relation = REL_ADDRESS,
      .compile = compile_address },
    { .name = "network", .each = VMN_EACH_KEY, .relation = REL_NETWORK,
      .compile = compile_network },
    { .name = "backend", .each = VMN_EACH_KEY, .relation = REL_BACKEND,
      .compile = compile_backend },
    { .name = "reset", .each = VMN_EACH_KEY, .relation = REL_RESET,
      .compile = compile_reset },
    { .name = "reply", .each = VMN_EACH_KEY, .relation = REL_REPLY,
      .compile = compile_replies },
    { .name = "target", .each = VMN_EACH_KEY, .relation = REL_TARGET,
      .compile = compile_target },
    { .name = "hairpin", .each = VMN_EACH_KEY, .relation = REL_HAIRPIN,
      .compile = compile_hairpin },
    { .name = "migrating-client", .each = VMN_EACH_KEY,
      .relation = VMN_REL_ASKING_PORTS,
      .compile = compile_migrating_client },
    { .name = "client-limit", .each = VMN_EACH_KEY, .relation = REL_LIMIT,
      .compile = compile_limit },
    { .name = "port-limit", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
      .compile = compile_port_limit },
    { .name = "probe", .each = VMN_EACH_KEY, .relation = REL_PROBE,
      .compile = compile_probe },
    { .name = NULL },
};

/* Replies to probes are for the controller itself. */
static void
handle_probe(struct vmn_view *view, const struct vmn_packet_in *in,
             struct vmn_packets_out *out)
{
    vmn_send_nothing(out, "answer to a probe");
}

static const struct vmn_handler_class handlers[] = {
    [HANDLER_NEIGHBOUR] = { .name = "neighbour", .handle = handle_neighbour },
    [HANDLER_REJECT] = { .name = "reject", .handle = handle_reject },
    [HANDLER_PROBE] = { .name = "probe", .handle = handle_probe,
                        .to_controller = true },
    [HANDLER_FORGET] = { .name = "forget", .handle = handle_reject,
                         .options = VMN_HANDLER_FORGETS },
    { .name = NULL },
};

static const struct vmn_id_pool_class id_pools[] = {
    { ID_POOL_BALANCER, (1u << 24) - 1 },
    { ID_POOL_AFFINITY, (1u << 24) - 1 },
    { ID_POOL_BACKEND, UINT32_MAX - VMN_LB_PART_BACKENDS },
    { ID_POOL_LIMIT, (1u << 24) - 1 },
    { ID_POOL_TARGET, (1u << 24) - 1 },
    { .name = NULL },
};

extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD,
    .name = "loadbalancer",
    .description = "Virtual IPs inside of networks",
    .stages = stages,
    .queries = queries,
    .units = units,
    .id_pools = id_pools,
    .handlers = handlers,
    .flow_owner = flow_owner,
};
