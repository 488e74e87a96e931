/* SPDX-License-Identifier: Apache-2.0
 *
 * The way through connection tracking, on all hosts: which packets conntrack
 * sees, what becomes of them by their state, and which connections are
 * committed.  Not for the tiers in between (tier.c). */

#include "firewall.h"

/* Both families, for matches on fields that require one. */
static const uint16_t ip_types[] = { VMN_ETH_IPV4, VMN_ETH_IPV6 };
#define N_IP_TYPES (sizeof ip_types / sizeof ip_types[0])

static void
to_done(struct vmn_flow *flow)
{
    vmn_act_goto(vmn_flow_actions(flow), STAGE_POLICY, POLICY_DONE);
}

/* What earlier stages have left would only keep packets of one kind apart:
 * from here on, each value of a register is a way of its own through the
 * datapath. */
static void
clear_scratch(struct vmn_actions *actions)
{
    static const enum vmn_field scratch[] = {
        VMN_F_REG10, VMN_F_REG11, REG_KEEP, VMN_F_REG13, VMN_F_REG14,
        VMN_F_REG15,
    };

    for (size_t i = 0; i < sizeof scratch / sizeof scratch[0]; i++) {
        vmn_act_set(actions, scratch[i], 0);
    }
}

void
act_track(struct vmn_actions *actions)
{
    clear_scratch(actions);
    act_set_named(actions, false);
    vmn_act_ct(actions, &(struct vmn_ct) { .zone = VMN_REG_ZONE,
                                           .then = VMN_CT_TABLE,
                                           .stage = STAGE_TRACK,
                                           .table = TRACK_STATE });
}

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
        act_track(vmn_flow_actions(flow));
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

/* Drops fragments to the ports of DHCP clients: the guard where the sender is
 * cannot see these ports (overlay, dhcp-ra-guard.c).  No server's message
 * needs fragments. */
static void
base_fragmented_dhcp(struct vmn_emit *emit)
{
    static const uint16_t client_ports[N_IP_TYPES] = { 68, 546 };

    for (size_t i = 0; i < N_IP_TYPES; i++) {
        struct vmn_flow *flow = tracked_add(emit, STAGE_TRACK, TRACK_STATE, 97,
                                            0, VMN_CT_INV | VMN_CT_RPL);

        vmn_match(flow, VMN_F_ETH_TYPE, ip_types[i]);
        vmn_match_masked(flow, VMN_F_IP_FRAG, VMN_FRAG_ANY,
                         VMN_FRAG_ANY | VMN_FRAG_LATER);
        vmn_match(flow, VMN_F_CT_NW_PROTO, VMN_IP_PROTO_UDP);
        vmn_match(flow, VMN_F_CT_TP_DST, client_ports[i]);
        vmn_act_drop(vmn_flow_actions(flow), "DHCP server");
    }
}

static void
base_state(struct vmn_emit *emit)
{
    struct vmn_flow *flow;

    flow = tracked_add(emit, STAGE_TRACK, TRACK_STATE, 100, VMN_CT_INV,
                       VMN_CT_INV);
    vmn_act_drop(vmn_flow_actions(flow), "invalid state");
    base_fragmented_dhcp(emit);

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

    /* What rules say of ports is then about the original tuple, of which the
     * packet's own ports say nothing; so it is with what is related, too. */
    flow = tracked_add(emit, STAGE_TRACK, TRACK_STATE, 80, VMN_CT_RPL,
                       VMN_CT_RPL);
    swap_sides(vmn_flow_actions(flow));
    act_set_named(vmn_flow_actions(flow), true);
    vmn_act_goto(vmn_flow_actions(flow), STAGE_TRACK, TRACK_SOURCE);
    /* And with first fragments, whose ports a switch hides from flows: only
     * conntrack knows them. */
    for (size_t i = 0; i < N_IP_TYPES; i++) {
        flow = tracked_add(emit, STAGE_TRACK, TRACK_STATE, 75, 0, VMN_CT_INV);
        vmn_match(flow, VMN_F_ETH_TYPE, ip_types[i]);
        vmn_match_masked(flow, VMN_F_IP_FRAG, VMN_FRAG_ANY, VMN_FRAG_ANY);
        act_set_named(vmn_flow_actions(flow), true);
        vmn_act_goto(vmn_flow_actions(flow), STAGE_TRACK, TRACK_SOURCE);
    }
    flow = tracked_add(emit, STAGE_TRACK, TRACK_STATE, 70, VMN_CT_REL,
                       VMN_CT_REL);
    act_set_named(vmn_flow_actions(flow), true);
    vmn_act_goto(vmn_flow_actions(flow), STAGE_TRACK, TRACK_SOURCE);

    flow = tracked_add(emit, STAGE_TRACK, TRACK_STATE, 1, 0, 0);
    vmn_act_goto(vmn_flow_actions(flow), STAGE_TRACK, TRACK_SOURCE);
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

void
tracking_base(struct vmn_emit *emit)
{
    base_send(emit);
    base_state(emit);
    base_accept(emit);
}
