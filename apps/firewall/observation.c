/* SPDX-License-Identifier: Apache-2.0
 *
 * Observations: where packets are accepted, those of an observed network have
 * their connection learned, on the host of the one that gets them.  That is of
 * connections that open, and of those that are open already; an answer belongs
 * to a connection whose requests are learned.  Packets are accepted as they
 * are without: these flows do what those of all networks do, and learn. */

#include "firewall.h"

/* Protocols with flows of their own, since their services are in different
 * fields (vmn_act_learn_connection()).  0: all others. */
static const struct {
    uint16_t eth_type;
    uint8_t ip_proto;
} learned[] = {
    { VMN_ETH_IPV4, 0 },
    { VMN_ETH_IPV4, VMN_IP_PROTO_ICMP },
    { VMN_ETH_IPV4, VMN_IP_PROTO_SCTP },
    { VMN_ETH_IPV6, 0 },
    { VMN_ETH_IPV6, VMN_IP_PROTO_ICMPV6 },
    { VMN_ETH_IPV6, VMN_IP_PROTO_SCTP },
};

/* Adds a flow that learns connections.  It matches neither replies nor errors,
 * nor later fragments, for which the first one stands. */
static struct vmn_flow *
learn_flow_add(struct vmn_emit *emit, const struct vmn_network *network,
               uint16_t eth_type, uint8_t ip_proto, unsigned is_new)
{
    const unsigned mask = (VMN_CT_TRK | VMN_CT_NEW | VMN_CT_REL | VMN_CT_RPL
                           | VMN_CT_INV);
    struct vmn_flow *flow
        = vmn_flow_add(emit, vmn_scope_network(network->row.name),
                       STAGE_POLICY, POLICY_ACCEPT,
                       ip_proto ? ACCEPT_LEARN_PROTOCOL : ACCEPT_LEARN);

    vmn_match(flow, VMN_REG_NETWORK, network->vni);
    vmn_match(flow, VMN_REG_DST_LOCAL, 1);
    vmn_match(flow, VMN_F_ETH_TYPE, eth_type);
    if (ip_proto) {
        vmn_match(flow, VMN_F_IP_PROTO, ip_proto);
    }
    vmn_match_masked(flow, VMN_F_IP_FRAG, 0, VMN_FRAG_LATER);
    vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | is_new, mask);
    vmn_act_learn_connection(vmn_flow_actions(flow), eth_type, ip_proto);
    return flow;
}

void
compile_observation(struct vmn_view *view, const char *key,
                    struct vmn_emit *emit)
{
    const struct vmn_network *network = vmn_read_network(view, key);

    if (!vmn_read_observation(view, key) || !network || !network->vni) {
        return;
    }
    for (size_t i = 0; i < sizeof learned / sizeof learned[0]; i++) {
        struct vmn_actions *actions;

        actions = vmn_flow_actions(learn_flow_add(emit, network,
                                                  learned[i].eth_type,
                                                  learned[i].ip_proto,
                                                  VMN_CT_NEW));
        act_commit(actions, true);
        vmn_act_next(actions);
        vmn_act_next(vmn_flow_actions(learn_flow_add(emit, network,
                                                     learned[i].eth_type,
                                                     learned[i].ip_proto, 0)));
    }
}
