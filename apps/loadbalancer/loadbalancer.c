/* SPDX-License-Identifier: Apache-2.0
 *
 * The loadbalancer app: virtual IPs for TCP and UDP inside of networks, by
 * NAT in conntrack at the client's host.  This file describes the app to the
 * engine, and emits what all hosts have. */

#include "loadbalancer.h"

static void
compile_base(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_flow *flow;

    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_BALANCE, BALANCE_SELECT,
                        PRIORITY_LAST);
    vmn_act_goto(vmn_flow_actions(flow), STAGE_BALANCE, BALANCE_BACKEND);

    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_BALANCE, BALANCE_BACKEND,
                        PRIORITY_LAST);
    vmn_act_drop(vmn_flow_actions(flow), "backend is gone");
}

/* ARP for virtual IPs comes before what refuses unknown addresses. */
static const struct vmn_stage_class stages[] = {
    [STAGE_ARP] = { "arp", VMN_HOOK_SERVICE, -10, 1, VMN_MISS_NEXT },
    [STAGE_BALANCE] = { "balance", VMN_HOOK_BALANCE, 0, BALANCE_N_TABLES,
                        VMN_MISS_NEXT },
    [STAGE_UNBALANCE] = { "unbalance", VMN_HOOK_UNBALANCE, 0,
                          UNBALANCE_N_TABLES, VMN_MISS_NEXT },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "base", .each = VMN_EACH_ONCE, .compile = compile_base },
    { .name = "vip", .each = VMN_EACH_ROW, .table = VMN_TABLE_LOADBALANCER,
      .compile = compile_vip },
    { .name = "backend", .each = VMN_EACH_KEY, .relation = REL_BACKEND,
      .compile = compile_backend },
    { .name = "target", .each = VMN_EACH_KEY, .relation = REL_TARGET,
      .compile = compile_target },
    { .name = NULL },
};

static const struct vmn_handler_class handlers[] = {
    [HANDLER_NEIGHBOUR] = { .name = "neighbour", .handle = handle_neighbour },
    { .name = NULL },
};

static const struct vmn_number_class numbers[] = {
    { NUMBER_VIP, (1u << 24) - 1 },
    { .kind = NULL },
};

extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    .abi = VMN_APP_ABI,
    .size = sizeof(struct vmn_app_class),
    .name = "loadbalancer",
    .description = "Virtual IPs inside of networks",
    .stages = stages,
    .units = units,
    .numbers = numbers,
    .handlers = handlers,
};
