/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets whose source or destination has an identity that is no more.
 *
 * A packet gets its identities before connection tracking, and is judged after
 * it.  A switch changes all of its flows at once, but its datapath's cache
 * follows for each of the two steps by itself, some milliseconds later.  In
 * between, a packet can come with a port's former identity to rules that know
 * nothing of it, and so to what holds where no rule decides: neither the rules
 * of before nor those of now might let it through.  Such a packet goes through
 * the pipeline anew, and comes back with the identities of now.  Of a flood
 * there may be other copies, so that is dropped. */

#include "firewall.h"

/* The identity to look up, and whether it is stale. */
#define REG_LOOKUP_ID VMN_F_REG10
#define REG_STALE VMN_F_REG11

enum {
    KNOWN_ID = 100,
    KNOWN_OTHERS = 1,
    STALE_FLOOD = 110,
    STALE = 100,
    NOT_STALE = 1,
};

static struct vmn_actions *
actions_add(struct vmn_emit *emit, unsigned table, uint16_t priority)
{
    return vmn_flow_actions(vmn_flow_add(emit, vmn_scope_all(), STAGE_TRACK,
                                         table, priority));
}

static void
restart_if_stale(struct vmn_emit *emit, unsigned table)
{
    const uint64_t group_bit = UINT64_C(1) << 40;
    struct vmn_flow *flow;

    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_TRACK, table,
                        STALE_FLOOD);
    vmn_match(flow, REG_STALE, 1);
    vmn_match_masked(flow, VMN_F_ETH_DST, group_bit, group_bit);
    vmn_act_drop(vmn_flow_actions(flow), "former identity");

    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_TRACK, table, STALE);
    vmn_match(flow, REG_STALE, 1);
    vmn_act_restart(vmn_flow_actions(flow));
}

static void
lookup_identity(struct vmn_actions *actions, enum vmn_field reg)
{
    vmn_act_move(actions, reg, REG_LOOKUP_ID);
    vmn_act_resubmit(actions, STAGE_TRACK, TRACK_KNOWN);
}

static void
known_add(struct vmn_emit *emit, struct vmn_scope scope, uint32_t id)
{
    struct vmn_flow *flow = vmn_flow_add(emit, scope, STAGE_TRACK,
                                         TRACK_KNOWN, KNOWN_ID);

    vmn_match(flow, REG_LOOKUP_ID, id);
    vmn_act_set(vmn_flow_actions(flow), REG_STALE, 0);
}

void
act_look_up_source(struct vmn_actions *actions, bool named)
{
    if (named) {
        act_set_named(actions, true);
    }
    lookup_identity(actions, VMN_REG_SRC_ID);
    vmn_act_goto(actions, STAGE_TRACK, TRACK_DESTINATION);
}

void
known_base(struct vmn_emit *emit)
{
    struct vmn_actions *actions;
    struct vmn_flow *flow;

    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_TRACK, TRACK_SOURCE,
                        SOURCE_ANY_BLOCK);
    match_named(flow);
    act_look_up_source(vmn_flow_actions(flow), false);
    act_look_up_source(actions_add(emit, TRACK_SOURCE, SOURCE_NO_BLOCK),
                       false);

    restart_if_stale(emit, TRACK_DESTINATION);
    actions = actions_add(emit, TRACK_DESTINATION, NOT_STALE);
    lookup_identity(actions, VMN_REG_DST_ID);
    vmn_act_goto(actions, STAGE_TRACK, TRACK_VERDICT);

    restart_if_stale(emit, TRACK_VERDICT);

    /* Identity 0 is none, and always known. */
    known_add(emit, vmn_scope_all(), 0);
    vmn_act_set(actions_add(emit, TRACK_KNOWN, KNOWN_OTHERS), REG_STALE, 1);
}

void
compile_identity(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const char *domain, *text;
    uint32_t id;

    if (vmn_key_split_two(view, key, &domain, &text) && id_from_text(text,
                                                                     &id)) {
        known_add(emit, vmn_scope_domain(domain), id);
    }
}
