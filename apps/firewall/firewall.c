/* SPDX-License-Identifier: Apache-2.0
 *
 * The firewall app: stateful policies between groups of VMs.  This file
 * describes the app to the engine, and emits what all hosts have: the way
 * through connection tracking and through the tiers. */

#include "firewall.h"

static void
to_done(struct vmn_flow *flow)
{
    vmn_act_goto(vmn_flow_actions(flow), STAGE_POLICY, POLICY_DONE);
}

static void
base_send(struct vmn_emit *emit)
{
    struct vmn_flow *flow;

    /* A VM may always reach itself. */
    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_TRACK, TRACK_SEND, 200);
    vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_HAIRPIN, VMN_FLAG_HAIRPIN);
    to_done(flow);

    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_TRACK, TRACK_SEND, 100);
    vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_IPV4);
    vmn_act_ct(vmn_flow_actions(flow),
               &(struct vmn_ct) { .zone = VMN_REG_ZONE,
                                  .then = VMN_CT_TABLE,
                                  .stage = STAGE_TRACK,
                                  .table = TRACK_STATE });

    to_done(vmn_flow_add(emit, vmn_scope_all(), STAGE_TRACK, TRACK_SEND, 1));
}

static struct vmn_flow *
tracked_add(struct vmn_emit *emit, unsigned stage, unsigned table,
            uint16_t priority, unsigned state, unsigned mask)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(), stage, table,
                                         priority);

    vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_IPV4);
    vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | state,
                     VMN_CT_TRK | mask);
    return flow;
}

/* A reply is judged as its request is: identities and places trade places. */
static void
swap_sides(struct vmn_actions *actions)
{
    vmn_act_swap(actions, VMN_REG_SRC_ID, VMN_REG_DST_ID);
    vmn_act_swap(actions, VMN_REG_SRC_LOCAL, VMN_REG_DST_LOCAL);
}

static void
base_state(struct vmn_emit *emit)
{
    struct vmn_flow *flow;

    flow = tracked_add(emit, STAGE_TRACK, TRACK_STATE, 100, VMN_CT_INV,
                       VMN_CT_INV);
    vmn_act_drop(vmn_flow_actions(flow), "invalid state");

    /* Without ports; the first fragment is judged.  But a connection is
     * committed only once all fragments have come there.  (Where conntrack
     * puts packets together for good, there are no fragments here.) */
    flow = tracked_add(emit, STAGE_TRACK, TRACK_STATE, 95, 0, VMN_CT_INV);
    vmn_match_masked(flow, VMN_F_IP_FRAG, VMN_FRAG_LATER, VMN_FRAG_LATER);
    vmn_act_goto(vmn_flow_actions(flow), STAGE_POLICY, POLICY_ACCEPT);

    /* ICMP errors about a connection. */
    to_done(tracked_add(emit, STAGE_TRACK, TRACK_STATE, 90, VMN_CT_REL,
                        VMN_CT_REL));

    flow = tracked_add(emit, STAGE_TRACK, TRACK_STATE, 80, VMN_CT_RPL,
                       VMN_CT_RPL);
    swap_sides(vmn_flow_actions(flow));
    vmn_act_goto(vmn_flow_actions(flow), STAGE_TRACK, TRACK_SOURCE);

    flow = tracked_add(emit, STAGE_TRACK, TRACK_STATE, 1, 0, 0);
    vmn_act_goto(vmn_flow_actions(flow), STAGE_TRACK, TRACK_SOURCE);
}

/* From each tier to the next one. */
static void
base_tiers(struct vmn_emit *emit)
{
    struct vmn_flow *flow;

    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_POLICY, POLICY_EGRESS,
                        POLICY_SKIP);
    vmn_match(flow, VMN_REG_SRC_LOCAL, 0);
    vmn_act_goto(vmn_flow_actions(flow), STAGE_POLICY, POLICY_INGRESS);

    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_POLICY, POLICY_INGRESS,
                        POLICY_SKIP);
    vmn_match(flow, VMN_REG_DST_LOCAL, 0);
    vmn_act_goto(vmn_flow_actions(flow), STAGE_POLICY, POLICY_ACCEPT);

    for (unsigned table = POLICY_EGRESS; table < POLICY_ACCEPT; table++) {
        flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_POLICY, table,
                            POLICY_NEXT_TIER);
        vmn_act_goto(vmn_flow_actions(flow), STAGE_POLICY, table + 1);
    }
}

static void
base_accept(struct vmn_emit *emit)
{
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    flow = tracked_add(emit, STAGE_POLICY, POLICY_ACCEPT, 100, VMN_CT_NEW,
                       VMN_CT_NEW);
    actions = vmn_flow_actions(flow);
    vmn_act_ct(actions, &(struct vmn_ct) { .commit = true,
                                           .zone = VMN_REG_ZONE,
                                           .then = VMN_CT_STOP });
    vmn_act_next(actions);

    /* Later stages want to know where the packet itself goes.  (Of later
     * fragments, nobody has swapped the sides.) */
    flow = tracked_add(emit, STAGE_POLICY, POLICY_ACCEPT, 90, VMN_CT_RPL,
                       VMN_CT_RPL);
    vmn_match_masked(flow, VMN_F_IP_FRAG, 0, VMN_FRAG_LATER);
    swap_sides(vmn_flow_actions(flow));
    vmn_act_next(vmn_flow_actions(flow));
}

static void
compile_base(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    base_send(emit);
    base_state(emit);
    known_base(emit);
    base_tiers(emit);
    base_accept(emit);
}

static const struct vmn_stage_class stages[] = {
    [STAGE_TRACK] = { "track", VMN_HOOK_TRACK, 0, TRACK_N_TABLES,
                      VMN_MISS_NEXT },
    [STAGE_POLICY] = { "policy", VMN_HOOK_POLICY, 0, POLICY_N_TABLES,
                       VMN_MISS_NEXT },
    { .name = NULL },
};

static const struct vmn_query_class queries[] = {
    { "groups", eval_groups },
    { "identity", eval_identity },
    { "applies", eval_applies },
    { "rules", eval_rules },
    { "bucket", eval_bucket },
    { "buckets", eval_buckets },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "base", .each = VMN_EACH_ONCE, .compile = compile_base },
    { .name = "member", .each = VMN_EACH_ROW, .table = VMN_TABLE_PORT,
      .compile = compile_member },
    { .name = "network", .each = VMN_EACH_ROW, .table = VMN_TABLE_NETWORK,
      .compile = compile_network },
    { .name = "policy", .each = VMN_EACH_ROW, .table = VMN_TABLE_POLICY,
      .compile = compile_policy },
    { .name = "verdicts", .each = VMN_EACH_ROW, .table = VMN_TABLE_POLICY,
      .compile = compile_verdicts },
    { .name = "applied", .each = VMN_EACH_KEY, .relation = REL_APPLIED,
      .compile = compile_applied },
    { .name = "rules", .each = VMN_EACH_KEY, .relation = REL_BUCKETS,
      .compile = compile_bucket },
    { .name = "isolated", .each = VMN_EACH_KEY, .relation = REL_ISOLATED,
      .compile = compile_isolated },
    { .name = "known", .each = VMN_EACH_KEY, .relation = REL_KNOWN,
      .compile = compile_known },
    { .name = "quarantined", .each = VMN_EACH_KEY,
      .relation = REL_QUARANTINED, .compile = compile_quarantined },
    { .name = NULL },
};

static const struct vmn_number_class numbers[] = {
    { NUMBER_IDENTITY, INT32_MAX },
    { NUMBER_CONJUNCTION, INT32_MAX },
    { .kind = NULL },
};

extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    .abi = VMN_APP_ABI,
    .size = sizeof(struct vmn_app_class),
    .name = "firewall",
    .description = "Stateful policies between groups of VMs",
    .stages = stages,
    .queries = queries,
    .units = units,
    .numbers = numbers,
};
