/* SPDX-License-Identifier: Apache-2.0
 *
 * The firewall app: stateful policies between groups of VMs.  This file
 * describes the app to the engine, and its flows to people. */

#include "firewall.h"

#include <string.h>

/* Each direction's rules are applied on the host where that side is. */
static void
base_skip(struct vmn_emit *emit)
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
}

static void
compile_base(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    tracking_base(emit);
    known_base(emit);
    base_skip(emit);
}

/* Sets 'owner' to a domain's: its network, or the router that it is named
 * after. */
static bool
owner_of_domain(const char *domain, struct vmn_flow_owner *owner)
{
    bool routed = vmn_domain_is_routed(domain);

    owner->row_type = routed ? VMN_ROW_ROUTER : VMN_ROW_NETWORK;
    owner->name = domain + routed;
    return true;
}

/* Sets 'owner' of a flow: a verdict is a rule's.  What is compiled for a
 * domain and something else is the domain's. */
static bool
flow_owner(struct vmn_view *view, const char *unit, const char *key,
           uint32_t part, struct vmn_flow_owner *owner)
{
    const char *domain, *quarantine, *rest;

    if (!strcmp(unit, "verdicts")) {
        owner->row_type = VMN_ROW_POLICY;
        owner->name = key;
        owner->rule = part ? rule_index(view, key, part) : -1;
        return true;
    }
    if (!strcmp(unit, "isolated") || !strcmp(unit, "shadowed")
        || !strcmp(unit, "identity") || !strcmp(unit, "block")) {
        return vmn_key_split_two(view, key, &domain, &rest)
               && owner_of_domain(domain, owner);
    }
    if (!strcmp(unit, "retained")) {
        owner->row_type = VMN_ROW_TIER;
        owner->name = key;
        return true;
    }
    if (!strcmp(unit, "quarantine")) {
        owner->row_type = VMN_ROW_QUARANTINE;
        owner->name = (vmn_key_split_two(view, key, &quarantine,
                                         &rest) ? quarantine
                            : NULL);
        owner->rule = part ? allowed_index(view, key, part) : -1;
        return true;
    }
    if (!strcmp(unit, "quarantined") || !strcmp(unit, "denied")
        || !strcmp(unit, "asked")) {
        return owner_of_domain(key, owner);
    }
    return false;
}

/* Rules match prefixes of their peers, which are the sources of what comes in
 * (see conjunction.c). */
static uint32_t
policy_prefixes(unsigned table)
{
    static const uint32_t of[VMN_N_DIRECTIONS] = {
        [VMN_INGRESS] = VMN_PREFIX_CT_NW_SRC | VMN_PREFIX_CT_IPV6_SRC,
        [VMN_EGRESS] = VMN_PREFIX_CT_NW_DST | VMN_PREFIX_CT_IPV6_DST,
    };

    for (int i = 0; i < VMN_N_DIRECTIONS; i++) {
        unsigned first = policy_first(i);
        unsigned shadow = shadow_table(i, VMN_TIER_EMERGENCY + 1);

        if ((table >= first && table < first + POLICY_DIRECTION_TABLES)
            || (table >= shadow
                && table < shadow + VMN_TIER_POSITIONS - 1)) {
            return of[i];
        }
    }
    return 0;
}

static const struct vmn_stage_class stages[] = {
    [STAGE_TRACK] = { "track", VMN_HOOK_TRACK, 0, TRACK_N_TABLES,
                      VMN_MISS_NEXT,
                      .scratch = (VMN_SCRATCH(VMN_F_REG10)
                                  | VMN_SCRATCH(VMN_F_REG11)
                                  | VMN_SCRATCH(REG_KEEP)
                                  | VMN_SCRATCH(REG_SHADOW)
                                  | VMN_SCRATCH(VMN_F_REG14)
                                  | VMN_SCRATCH(VMN_F_REG15)),
                      .keeps = (VMN_SCRATCH(REG_KEEP)
                                | VMN_SCRATCH(REG_SHADOW)) },
    [STAGE_POLICY] = { "policy", VMN_HOOK_POLICY, 0, POLICY_N_TABLES,
                       VMN_MISS_NONE, policy_prefixes,
                       .scratch = (VMN_SCRATCH(REG_KEEP)
                                   | VMN_SCRATCH(REG_SHADOW)
                                   | VMN_SCRATCH(REG_LIMIT)) },
    { .name = NULL },
};

static const struct vmn_query_class queries[] = {
    { "tiers", eval_tiers },
    { "groups", eval_groups },
    { "identity", eval_identity },
    { "quarantine", eval_quarantine },
    { "quarantine-selects", eval_quarantine_selects },
    { "nested", eval_nested },
    { "addresses", eval_addresses },
    { "applies", eval_applies },
    { "rules", eval_rules },
    { "bucket", eval_bucket },
    { "buckets", eval_buckets },
    { "blocks", eval_blocks },
    { "zoned", eval_zoned },
    { "named", eval_named },
    { "wild", eval_wild },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "base", .each = VMN_EACH_ONCE, .compile = compile_base },
    { .name = "host",
      .each = VMN_EACH_ROW,
      .row_type = VMN_ROW_HOST,
      .compile = compile_host },
    { .name = "sctp",
      .each = VMN_EACH_KEY,
      .relation = REL_SCTP_STATELESS,
      .compile = compile_sctp },
    { .name = "tiers", .each = VMN_EACH_ONCE, .compile = compile_tiers },
    { .name = "retained",
      .each = VMN_EACH_ROW,
      .row_type = VMN_ROW_TIER,
      .compile = compile_retained },
    { .name = "member",
      .each = VMN_EACH_ROW,
      .row_type = VMN_ROW_PORT,
      .compile = compile_member },
    { .name = "network",
      .each = VMN_EACH_ROW,
      .row_type = VMN_ROW_NETWORK,
      .compile = compile_network },
    { .name = "limit",
      .each = VMN_EACH_ROW,
      .row_type = VMN_ROW_PORT,
      .compile = compile_limit },
    { .name = "policy",
      .each = VMN_EACH_ROW,
      .row_type = VMN_ROW_POLICY,
      .compile = compile_policy },
    { .name = "verdicts",
      .each = VMN_EACH_ROW,
      .row_type = VMN_ROW_POLICY,
      .compile = compile_verdicts },
    { .name = "applied",
      .each = VMN_EACH_KEY,
      .relation = REL_APPLIED,
      .compile = compile_applied },
    { .name = "rules",
      .each = VMN_EACH_KEY,
      .relation = REL_BUCKETS,
      .compile = compile_bucket },
    { .name = "rule-limit",
      .each = VMN_EACH_KEY,
      .relation = VMN_REL_LIMITS,
      .compile = compile_rule_limit },
    { .name = "block",
      .each = VMN_EACH_KEY,
      .relation = REL_BLOCKS,
      .compile = compile_block },
    { .name = "isolated",
      .each = VMN_EACH_KEY,
      .relation = REL_ISOLATED,
      .compile = compile_isolated },
    { .name = "denied",
      .each = VMN_EACH_KEY,
      .relation = REL_DENIED,
      .compile = compile_denied },
    { .name = "shadowed",
      .each = VMN_EACH_KEY,
      .relation = REL_SHADOWED,
      .compile = compile_shadowed },
    { .name = "identity",
      .each = VMN_EACH_KEY,
      .relation = REL_IDENTITIES,
      .compile = compile_identity },
    { .name = "quarantined",
      .each = VMN_EACH_KEY,
      .relation = REL_QUARANTINED,
      .compile = compile_quarantined },
    { .name = "quarantine",
      .each = VMN_EACH_KEY,
      .relation = REL_QUARANTINE_IDS,
      .compile = compile_quarantine },
    { .name = "asked",
      .each = VMN_EACH_KEY,
      .relation = REL_ASKED,
      .compile = compile_asked },
    { .name = "observation",
      .each = VMN_EACH_ROW,
      .row_type = VMN_ROW_OBSERVATION,
      .compile = compile_observation },
    { .name = NULL },
};

static const struct vmn_id_pool_class id_pools[] = {
    { ID_POOL_IDENTITY, INT32_MAX },
    { ID_POOL_CONJUNCTION, INT32_MAX },
    { .name = NULL },
};

static const struct vmn_handler_class handlers[] = {
    [HANDLER_REJECT] = { .name = "reject", .handle = handle_reject },
    [HANDLER_NAMES] = { .name = "names", .handle = handle_names,
                        .options = VMN_HANDLER_NAMES },
    { .name = NULL },
};

extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD,
    .name = "firewall",
    .description = "Stateful policies between groups of VMs",
    .stages = stages,
    .queries = queries,
    .units = units,
    .id_pools = id_pools,
    .handlers = handlers,
    .flow_owner = flow_owner,
    .options = VMN_APP_DENIES,
};
