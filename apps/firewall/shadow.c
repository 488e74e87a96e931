/* SPDX-License-Identifier: Apache-2.0
 *
 * Shadow policies: what they would decide is counted, and nothing else comes
 * of it.
 *
 * A packet that comes to a tier with shadow policies takes a detour through a
 * table that has their rules as the tier's own table has those that decide;
 * that table only counts.  Behind the rules there, what a shadow policy would
 * isolate gets the policy's number into a register.  If the tier itself then
 * has nothing to say about the packet, that is counted where it goes on, and
 * told of what opens connections: neither a shadow policy nor one that decides
 * allows it. */

#include "firewall.h"

#include <stdlib.h>
#include <string.h>

/* Emits the end of each tier's shadow table, where no rule matches. */
void
shadow_base(struct vmn_emit *emit, const struct tiers *tiers)
{
    for (int i = 0; i < VMN_N_DIRECTIONS; i++) {
        for (unsigned p = VMN_TIER_EMERGENCY + 1; p <= VMN_TIER_POSITIONS;
             p++) {
            struct vmn_flow *flow;

            if (tiers->present & tiers->shadowed & UINT32_C(1) << p) {
                flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_POLICY,
                                    shadow_table(i, p), POLICY_NEXT_TIER);
                vmn_act_set(vmn_flow_actions(flow), REG_SHADOW, 0);
            }
        }
    }
}

/* Returns the ID that stands for "would be isolated by the policy". */
static uint32_t
number_of(struct vmn_view *view, const char *policy,
          enum vmn_direction direction)
{
    return vmn_id_of(view, ID_POOL_CONJUNCTION,
                     vmn_printf(view, "%s/%s", policy,
                                direction_names[direction]));
}

static void
mark_identity(struct vmn_view *view, struct vmn_emit *emit,
              const char *domain, enum vmn_direction direction, uint32_t id,
              const char *policy)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_domain(domain), STAGE_POLICY,
        shadow_table(direction, VMN_TIER_APPLICATION), POLICY_NO_RULE);

    vmn_match(flow, direction == VMN_EGRESS ? VMN_REG_SRC_ID : VMN_REG_DST_ID,
              id);
    vmn_act_set(vmn_flow_actions(flow), REG_SHADOW,
                number_of(view, policy, direction));
}

/* Compiles whom shadow policies would isolate: "DOMAIN|DIRECTION".  The first
 * policy by name stands for all. */
void
compile_shadowed(struct vmn_view *view, const char *key,
                 struct vmn_emit *emit)
{
    struct vmn_names values = vmn_relation_values(view, REL_SHADOWED, key);
    enum vmn_direction direction;
    const char *domain, *name;
    uint32_t last = 0;

    if (!vmn_key_split_two(view, key, &domain, &name)) {
        return;
    }
    direction = (!strcmp(name, direction_names[VMN_EGRESS]) ? VMN_EGRESS
                 : VMN_INGRESS);
    for (size_t i = 0; i < values.n; i++) {
        char *end;
        uint32_t id = strtoul(values.names[i], &end, 10);

        if (id && *end == '/' && id != last) {
            mark_identity(view, emit, domain, direction, id, end + 1);
            last = id;
        }
    }
}

/* Adds a flow that counts what 'policy' would isolate. */
static struct vmn_flow *
add_would_isolate(struct vmn_view *view, struct vmn_emit *emit,
                  const char *policy, enum vmn_direction direction,
                  uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_relation(REL_HOSTS, policy), STAGE_POLICY,
        policy_table(direction, VMN_TIER_APPLICATION), priority);

    vmn_match(flow, REG_SHADOW, number_of(view, policy, direction));
    vmn_flow_count(flow);
    act_pass(view, vmn_flow_actions(flow), direction, VMN_TIER_APPLICATION);
    return flow;
}

/* No rule decides about this, so none can say that it is to be told: it always
 * is.  Who would be cut off is what a shadow is asked. */
void
emit_would_isolate(struct vmn_view *view, struct vmn_emit *emit,
                   const char *policy, const struct applies *applies)
{
    for (int i = 0; i < VMN_N_DIRECTIONS; i++) {
        struct vmn_flow *flow;

        if (!applies->isolates[i]) {
            continue;
        }
        add_would_isolate(view, emit, policy, i, POLICY_WOULD_ISOLATE);
        flow = add_would_isolate(view, emit, policy, i,
                                 POLICY_WOULD_ISOLATE + 1);
        vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_NEW | VMN_CT_TRK,
                         VMN_CT_NEW | VMN_CT_TRK);
        vmn_flow_log(flow);
    }
}
