/* SPDX-License-Identifier: Apache-2.0
 *
 * The firewall app: stateful policies between groups of VMs.  This file
 * describes the app to the engine, and emits what all hosts have: the way
 * through connection tracking and through the tiers. */

#include "firewall.h"

#include <string.h>

static void
to_done(struct vmn_flow *flow)
{
    vmn_act_goto(vmn_flow_actions(flow), STAGE_POLICY, POLICY_DONE);
}

/* Both families, for matches on fields that require one. */
static const uint16_t ip_types[] = { VMN_ETH_IPV4, VMN_ETH_IPV6 };
#define N_IP_TYPES (sizeof ip_types / sizeof ip_types[0])

static void
base_send(struct vmn_emit *emit)
{
    /* Router discovery passes in provider networks only. */
    static const uint8_t nd_types[] = { 133, 134, VMN_ND_SOLICIT,
                                        VMN_ND_ADVERT };
    struct vmn_flow *flow;

    /* A VM may always reach itself. */
    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_TRACK, TRACK_SEND, 200);
    vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_HAIRPIN, VMN_FLAG_HAIRPIN);
    to_done(flow);

    /* Where a gateway only forwards, policies apply on another host: this one
     * may see only one of both directions. */
    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_TRACK, TRACK_SEND, 190);
    vmn_match(flow, VMN_REG_SRC_LOCAL, 0);
    vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_EXTERNAL);
    to_done(flow);
    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_TRACK, TRACK_SEND, 180);
    vmn_match(flow, VMN_REG_DST_LOCAL, 0);
    vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_EXTERNAL,
                     VMN_FLAG_EXTERNAL);
    to_done(flow);

    /* No policy applies to neighbour discovery, as to ARP; conntrack would
     * call it invalid. */
    for (size_t i = 0; i < sizeof nd_types; i++) {
        flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_TRACK, TRACK_SEND,
                            150);
        vmn_match(flow, VMN_F_ICMPV6_TYPE, nd_types[i]);
        to_done(flow);
    }

    for (size_t i = 0; i < N_IP_TYPES; i++) {
        flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_TRACK, TRACK_SEND,
                            SEND_TRACKED);
        vmn_match(flow, VMN_F_ETH_TYPE, ip_types[i]);
        vmn_act_set(vmn_flow_actions(flow), REG_KEEP, 0);
        vmn_act_ct(vmn_flow_actions(flow),
                   &(struct vmn_ct) { .zone = VMN_REG_ZONE,
                                      .then = VMN_CT_TABLE,
                                      .stage = STAGE_TRACK,
                                      .table = TRACK_STATE });
    }

    to_done(vmn_flow_add(emit, vmn_scope_all(), STAGE_TRACK, TRACK_SEND, 1));
}

/* Adds a flow of both families, since only these are tracked. */
static struct vmn_flow *
tracked_add(struct vmn_emit *emit, unsigned stage, unsigned table,
            uint16_t priority, unsigned state, unsigned mask)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(), stage, table,
                                         priority);

    vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | state,
                     VMN_CT_TRK | mask);
    return flow;
}

/* Swaps source and destination of a reply, identities and whether they are
 * local, since the policies of its request apply.  So it is with an ICMP error
 * about a connection, to which conntrack gives that connection's original
 * tuple, and the direction in which it goes. */
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

    /* Later fragments have no ports; policies apply to the first fragment.
     * But a connection is committed only once all fragments have arrived
     * there.  (Where conntrack reassembles packets for good, there are no
     * fragments here.) */
    for (size_t i = 0; i < N_IP_TYPES; i++) {
        flow = tracked_add(emit, STAGE_TRACK, TRACK_STATE, 95, 0, VMN_CT_INV);
        vmn_match(flow, VMN_F_ETH_TYPE, ip_types[i]);
        vmn_match_masked(flow, VMN_F_IP_FRAG, VMN_FRAG_LATER, VMN_FRAG_LATER);
        vmn_act_goto(vmn_flow_actions(flow), STAGE_POLICY, POLICY_ACCEPT);
    }

    flow = tracked_add(emit, STAGE_TRACK, TRACK_STATE, 80, VMN_CT_RPL,
                       VMN_CT_RPL);
    swap_sides(vmn_flow_actions(flow));
    vmn_act_goto(vmn_flow_actions(flow), STAGE_TRACK, TRACK_SOURCE);

    flow = tracked_add(emit, STAGE_TRACK, TRACK_STATE, 1, 0, 0);
    vmn_act_goto(vmn_flow_actions(flow), STAGE_TRACK, TRACK_SOURCE);
}

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

void
act_commit(struct vmn_actions *actions, bool with_mark)
{
    vmn_act_ct(actions, &(struct vmn_ct) { .commit = true,
                                           .zone = VMN_REG_ZONE,
                                           .mark = with_mark,
                                           .mark_from = REG_KEEP,
                                           .then = VMN_CT_STOP });
}

/* Commits an allowed connection.  Rules were not applied to later fragments,
 * so they do not know the mark. */
static void
add_commit(struct vmn_emit *emit, uint16_t eth_type, bool later_fragment)
{
    struct vmn_flow *flow = tracked_add(emit, STAGE_POLICY, POLICY_ACCEPT,
                                        later_fragment ? ACCEPT_LATER_FRAGMENT
                                        : ACCEPT_NEW,
                                        VMN_CT_NEW, VMN_CT_NEW);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_F_ETH_TYPE, eth_type);
    if (later_fragment) {
        vmn_match_masked(flow, VMN_F_IP_FRAG, VMN_FRAG_LATER, VMN_FRAG_LATER);
    }
    act_commit(actions, !later_fragment);
    vmn_act_next(actions);
}

static void
base_accept(struct vmn_emit *emit)
{
    struct vmn_flow *flow;

    for (size_t i = 0; i < N_IP_TYPES; i++) {
        add_commit(emit, ip_types[i], false);
        add_commit(emit, ip_types[i], true);
    }

    /* Later stages need the packet's own destination.  (Sides of later
     * fragments were not swapped.) */
    for (size_t i = 0; i < N_IP_TYPES; i++) {
        flow = tracked_add(emit, STAGE_POLICY, POLICY_ACCEPT, ACCEPT_REPLY,
                           VMN_CT_RPL, VMN_CT_RPL);
        vmn_match(flow, VMN_F_ETH_TYPE, ip_types[i]);
        vmn_match_masked(flow, VMN_F_IP_FRAG, 0, VMN_FRAG_LATER);
        swap_sides(vmn_flow_actions(flow));
        vmn_act_next(vmn_flow_actions(flow));
    }

    for (unsigned table = POLICY_ACCEPT; table <= POLICY_DONE; table++) {
        flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_POLICY, table, 1);
        vmn_act_next(vmn_flow_actions(flow));
    }
}

static void
compile_base(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    base_send(emit);
    base_state(emit);
    known_base(emit);
    base_skip(emit);
    base_accept(emit);
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
        || !strcmp(unit, "identity")) {
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
    if (!strcmp(unit, "quarantined") || !strcmp(unit, "denied")) {
        return owner_of_domain(key, owner);
    }
    return false;
}

static const struct vmn_stage_class stages[] = {
    [STAGE_TRACK] = { "track", VMN_HOOK_TRACK, 0, TRACK_N_TABLES,
                      VMN_MISS_NEXT },
    [STAGE_POLICY] = { "policy", VMN_HOOK_POLICY, 0, POLICY_N_TABLES,
                       VMN_MISS_NONE },
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
};
