/* SPDX-License-Identifier: Apache-2.0
 *
 * What there is once in a routing domain that has chains: which packets are
 * looked at, before policies and behind them, and what no flow is for.  Not
 * for what depends on a chain or a port (classifier.c, chain.c, member.c). */

#include "chains.h"

struct domain {
    struct vmn_emit *emit;
    const char *name;
    uint32_t zone;
};

static struct vmn_flow *
domain_flow_add(const struct domain *domain, unsigned stage, unsigned table,
                uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(
        domain->emit, vmn_scope_domain(domain->name), stage, table, priority);

    vmn_match(flow, VMN_REG_ZONE, domain->zone);
    return flow;
}

/* Matches what is sent to one neighbour, and is not the sender's own. */
static void
match_sent(struct vmn_flow *flow, uint8_t family)
{
    vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(family));
    vmn_match_masked(flow, VMN_REG_FLAGS, 0, VMN_FLAG_HAIRPIN);
    vmn_match_masked(flow, VMN_F_ETH_DST, 0, UINT64_C(1) << 40);
}

/* Classifies what local ports send, by what conntrack knows.  Here the two
 * sides of a reply have changed places (firewall.track). */
static void
emit_classify(const struct domain *domain, uint8_t family, bool reply)
{
    struct vmn_flow *flow = domain_flow_add(domain, STAGE_CLASSIFY, 0,
                                            PRIORITY_USUAL);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    match_sent(flow, family);
    vmn_match(flow, reply ? VMN_REG_DST_LOCAL : VMN_REG_SRC_LOCAL, 1);
    vmn_match_masked(flow, VMN_F_CT_STATE,
                     VMN_CT_TRK | (reply ? VMN_CT_RPL : 0),
                     VMN_CT_TRK | VMN_CT_RPL | VMN_CT_INV);
    vmn_act_resubmit(actions, STAGE_STEER, STEER_MATCH);
    vmn_act_next(actions);
}

static struct vmn_flow *
enter_add(const struct domain *domain, uint8_t family, uint16_t priority)
{
    struct vmn_flow *flow = domain_flow_add(domain, STAGE_STEER, STEER_ENTER,
                                            priority);

    match_sent(flow, family);
    vmn_match(flow, VMN_REG_SRC_LOCAL, 1);
    return flow;
}

/* Sends packets of a chain to its hop, once policies have allowed them.
 * REG_STEP is not set for packets that bypass STAGE_CLASSIFY: neighbour
 * discovery, and SCTP, whose connections the userspace datapath's conntrack
 * does not distinguish and which no chain takes.  Later fragments bypass it
 * too, and are classified here with the first one, since conntrack reassembles
 * the packet. */
static void
emit_enter(const struct domain *domain, uint8_t family)
{
    static const uint8_t discovery[] = { VMN_ND_SOLICIT, VMN_ND_ADVERT };
    const struct vmn_ct look_up = {
        .zone = VMN_REG_ZONE, .then = VMN_CT_TABLE, .stage = STAGE_STEER,
        .table = STEER_FRAGMENT,
    };
    struct vmn_flow *flow = enter_add(domain, family, PRIORITY_USUAL);

    vmn_act_goto(vmn_flow_actions(flow), STAGE_STEER, STEER_FOUND);

    flow = enter_add(domain, family, PRIORITY_SPECIAL);
    vmn_match_masked(flow, VMN_F_IP_FRAG, VMN_FRAG_ANY, VMN_FRAG_ANY);
    vmn_act_ct(vmn_flow_actions(flow), &look_up);

    flow = enter_add(domain, family, PRIORITY_SPECIAL + 1);
    vmn_match(flow, VMN_F_IP_PROTO, VMN_IP_PROTO_SCTP);
    vmn_act_goto(vmn_flow_actions(flow), STAGE_STEER, STEER_UNSUPPORTED);

    for (int i = 0; family == 6 && i < 2; i++) {
        flow = enter_add(domain, family, PRIORITY_SPECIAL + 1);
        vmn_match(flow, VMN_F_ICMPV6_TYPE, discovery[i]);
        vmn_act_next(vmn_flow_actions(flow));
    }
}

static void
emit_found(const struct domain *domain)
{
    struct vmn_actions *actions;
    struct vmn_flow *flow;

    flow = domain_flow_add(domain, STAGE_STEER, STEER_FRAGMENT,
                           PRIORITY_USUAL);
    actions = vmn_flow_actions(flow);
    vmn_act_resubmit(actions, STAGE_STEER, STEER_MATCH);
    vmn_act_goto(actions, STAGE_STEER, STEER_FOUND);

    flow = domain_flow_add(domain, STAGE_STEER, STEER_MATCH, PRIORITY_LAST);
    vmn_act_set(vmn_flow_actions(flow), REG_STEP, 0);

    flow = domain_flow_add(domain, STAGE_STEER, STEER_FOUND, PRIORITY_USUAL);
    vmn_act_goto(vmn_flow_actions(flow), STAGE_STEER, STEER_HOP);

    flow = domain_flow_add(domain, STAGE_STEER, STEER_FOUND,
                           PRIORITY_SPECIAL);
    vmn_match(flow, REG_STEP, 0);
    vmn_act_goto(vmn_flow_actions(flow), STAGE_STEER, STEER_UNSUPPORTED);

    flow = domain_flow_add(domain, STAGE_STEER, STEER_FOUND,
                           PRIORITY_SPECIAL);
    vmn_match(flow, REG_STEP, STEP_PAST);
    vmn_act_next(vmn_flow_actions(flow));
}

/* Sends on what functions send: to the next hop, or behind the chain. */
static void
emit_on(const struct domain *domain)
{
    struct vmn_flow *flow = domain_flow_add(domain, STAGE_RETURN, RETURN_SIDE,
                                            PRIORITY_LAST);

    vmn_act_goto(vmn_flow_actions(flow), STAGE_RETURN, RETURN_DIRECTION);

    /* The function's port has told the direction. */
    flow = domain_flow_add(domain, STAGE_RETURN, RETURN_DIRECTION,
                           PRIORITY_USUAL);
    vmn_match(flow, REG_SENDER, 0);
    vmn_act_goto(vmn_flow_actions(flow), STAGE_RETURN, RETURN_ON);

    flow = domain_flow_add(domain, STAGE_RETURN, RETURN_ON, PRIORITY_USUAL);
    vmn_act_goto(vmn_flow_actions(flow), STAGE_STEER, STEER_HOP);

    flow = domain_flow_add(domain, STAGE_RETURN, RETURN_ON, PRIORITY_SPECIAL);
    vmn_match(flow, REG_STEP, 0);
    vmn_act_goto(vmn_flow_actions(flow), STAGE_RETURN, RETURN_RESTORE);
}

/* Drops what no flow is for, and what has registers of a hop that is no more:
 * a switch may have them from before conntrack for some milliseconds. */
static void
emit_unknown(const struct domain *domain)
{
    static const struct {
        unsigned stage;
        unsigned table;
        const char *reason;
    } last[] = {
        { STAGE_RETURN, RETURN_SOURCE, "not from a VM of the chain" },
        { STAGE_RETURN, RETURN_DIRECTION, "request or answer, nothing tells" },
        { STAGE_RETURN, RETURN_RESTORE, "not for a VM of the chain" },
        { STAGE_STEER, STEER_HOP, "hop of no chain" },
        { STAGE_STEER, STEER_REMEMBERED, "hop of no chain" },
        { STAGE_STEER, STEER_CHOOSE, "hop of no chain" },
        { STAGE_STEER, STEER_HAND, "function of no chain" },
    };

    for (size_t i = 0; i < sizeof last / sizeof last[0]; i++) {
        vmn_act_drop(vmn_flow_actions(domain_flow_add(
            domain, last[i].stage, last[i].table, PRIORITY_LAST)),
            last[i].reason);
    }
}

void
compile_domain(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct domain domain = {
        .emit = emit, .name = key, .zone = vmn_domain_zone(view, key),
    };

    for (uint8_t family = 4; family <= 6; family += 2) {
        emit_classify(&domain, family, false);
        emit_classify(&domain, family, true);
        emit_enter(&domain, family);
    }
    emit_found(&domain);
    emit_on(&domain);
    emit_unknown(&domain);
}
