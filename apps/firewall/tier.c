/* SPDX-License-Identifier: Apache-2.0
 *
 * The way from tier to tier.  A tier's table is its position, so that one more
 * tier moves none of the others: only the tier before it leads to it. */

#include "firewall.h"

#include <string.h>

void
eval_tiers(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    struct vmn_names names = vmn_lookup(view, VMN_INDEX_ALL_TIERS, "");
    struct vmn_names shadows = vmn_relation_values(view, REL_SHADOWS, "all");
    struct tiers tiers = { 0, 0 };

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_tier *tier = vmn_read_tier(view, names.names[i]);

        if (tier) {
            tiers.present |= UINT32_C(1) << tier->position;
        }
    }
    for (size_t i = 0; i < shadows.n; i++) {
        uint32_t position;

        if (id_from_text(shadows.names[i], &position)) {
            tiers.shadowed |= UINT32_C(1) << position;
        }
    }
    vmn_value_set(value, &tiers, sizeof tiers);
}

static struct tiers
read_tiers(struct vmn_view *view)
{
    size_t size;
    const struct tiers *tiers = vmn_query(view, QUERY_TIERS, "", &size);

    return tiers ? *tiers : (struct tiers) { 0, 0 };
}

/* Does what act_pass() does, with tiers that were read already. */
static void
act_after(const struct tiers *tiers, struct vmn_actions *actions,
          enum vmn_direction direction, unsigned position)
{
    /* Quarantine comes after the first tier. */
    unsigned next = (position == POSITION_QUARANTINE ? VMN_TIER_EMERGENCY
                     : position) + 1;

    if (position == VMN_TIER_EMERGENCY) {
        vmn_act_goto(actions, STAGE_POLICY,
                     policy_table(direction, POSITION_QUARANTINE));
        return;
    }
    while (next <= VMN_TIER_POSITIONS && !(tiers->present >> next & 1)) {
        next++;
    }
    if (next > VMN_TIER_POSITIONS) {
        vmn_act_goto(actions, STAGE_POLICY, direction == VMN_EGRESS
                     ? POLICY_INGRESS : POLICY_DEFAULT);
        return;
    }
    if (tiers->shadowed >> next & 1) {
        vmn_act_resubmit(actions, STAGE_POLICY,
                         shadow_table(direction, next));
    }
    vmn_act_goto(actions, STAGE_POLICY, policy_table(direction, next));
}

void
act_pass(struct vmn_view *view, struct vmn_actions *actions,
         enum vmn_direction direction, unsigned position)
{
    struct tiers tiers = read_tiers(view);

    act_after(&tiers, actions, direction, position);
}

/* Passes packets that no rule of the tier matches to the next tier. */
static void
add_next(struct vmn_emit *emit, const struct tiers *tiers,
         enum vmn_direction direction, unsigned position)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_all(), STAGE_POLICY,
        policy_table(direction, position), POLICY_NEXT_TIER);

    act_after(tiers, vmn_flow_actions(flow), direction, position);
}

void
act_allow(struct vmn_actions *actions, enum vmn_direction direction,
          unsigned keep)
{
    if (keep) {
        vmn_act_set_masked(actions, REG_KEEP,
                           keep << KEEP_BITS(direction),
                           UINT32_C(0xff) << KEEP_BITS(direction));
    }
    vmn_act_goto(actions, STAGE_POLICY,
                 direction == VMN_EGRESS ? POLICY_INGRESS : POLICY_ACCEPT);
}

/* Adds a flow for connections that the tier allowed and that are retained:
 * they go on, whatever its rules are now, and even once none of its policies
 * retains connections.  Conntrack's mark is the connection's, so it also
 * matches replies, whose sides are swapped by now. */
static void
add_retained(struct vmn_emit *emit, enum vmn_direction direction,
             unsigned position)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_all(), STAGE_POLICY,
        policy_table(direction, position), POLICY_RETAINED);

    vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK,
                     VMN_CT_TRK | VMN_CT_INV);
    vmn_match_masked(flow, VMN_F_CT_MARK, position << KEEP_BITS(direction),
                     UINT32_C(0xff) << KEEP_BITS(direction));
    vmn_flow_count(flow);
    act_allow(vmn_flow_actions(flow), direction, position);
}

/* Compiles the flows of retained connections.  The mark holds the tier, not
 * the rule, so packets are counted for the tier. */
void
compile_retained(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_tier *tier = vmn_read_tier(view, key);

    for (int i = 0; tier && tier->position != VMN_TIER_EMERGENCY
                    && i < VMN_N_DIRECTIONS; i++) {
        add_retained(emit, i, tier->position);
    }
}

/* Compiles how tiers follow each other.  Packets that no rule of a tier
 * matches, and those that a rule passes, go on at the next tier; neither
 * bypasses quarantine or a network's default. */
void
compile_tiers(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct tiers tiers = read_tiers(view);
    struct vmn_flow *flow;

    for (int i = 0; i < VMN_N_DIRECTIONS; i++) {
        for (unsigned p = 1; p <= VMN_TIER_POSITIONS; p++) {
            if (tiers.present >> p & 1) {
                add_next(emit, &tiers, i, p);
            }
        }
        add_next(emit, &tiers, i, POSITION_QUARANTINE);
    }
    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_POLICY, POLICY_DEFAULT,
                        POLICY_NEXT_TIER);
    vmn_act_goto(vmn_flow_actions(flow), STAGE_POLICY, POLICY_ACCEPT);
    shadow_base(emit, &tiers);
}
