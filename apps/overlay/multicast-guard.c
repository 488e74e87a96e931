/* SPDX-License-Identifier: Apache-2.0
 *
 * Networks whose multicast is snooped (VMN_REL_SNOOPED): what guests say of
 * their groups gets as far as the app that listens, and so do the messages
 * that it sends from host to host, which have no guest's address.  Without
 * such an app nothing of this is there.
 *
 * What is let in here goes no further than to that app, which holds it against
 * the port that has sent it.  What hosts and vmnd say to each other is dropped
 * if it is a guest's, before all that is let in. */

#include "overlay.h"

#define PROTO_IGMP 2

static struct vmn_flow *
snooped_add(struct vmn_emit *emit, const struct vmn_network *network,
            unsigned table, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_network(network->row.name), STAGE_ADMIT, table,
        priority);

    match_network(flow, network);
    vmn_act_next(vmn_flow_actions(flow));
    return flow;
}

void
snooped_of_network(struct vmn_view *view, struct vmn_emit *emit,
                   const struct vmn_network *network)
{
    /* Queries, reports and leaves of MLD. */
    static const uint8_t types[] = { 130, 131, 132, 143 };
    static const struct vmn_ip nobody = { .family = 4 };
    struct vmn_flow *flow;

    if (!vmn_relation_values(view, VMN_REL_SNOOPED, network->row.name).n) {
        return;
    }
    for (size_t i = 0; i < sizeof types; i++) {
        flow = snooped_add(emit, network, ADMIT_GUARD, GUARD_SERVED);
        vmn_match(flow, VMN_F_ICMPV6_TYPE, types[i]);
    }
    flow = snooped_add(emit, network, ADMIT_GUARD, GUARD_SERVED);
    vmn_match_ip(flow, VMN_F_IPV4_SRC, &nobody);
    vmn_match(flow, VMN_F_IP_PROTO, PROTO_IGMP);

    flow = vmn_flow_add(emit, vmn_scope_network(network->row.name),
                        STAGE_ADMIT, ADMIT_GUARD, GUARD_NO_MESSAGE);
    match_network(flow, network);
    vmn_match_masked(flow, VMN_F_ETH_DST, VMN_SNOOPED_MAC,
                     VMN_SNOOPED_MAC_MASK);
    drop(flow, "spoofed");
    if (is_provider(network)) {
        return;
    }

    flow = snooped_add(emit, network, ADMIT_SOURCE, SOURCE_SNOOPED);
    vmn_match_masked(flow, VMN_F_ETH_SRC,
                     (uint64_t) VMN_RESERVED_MAC_SERVICE << 24,
                     UINT64_C(0xffffff) << 24);
    vmn_match_masked(flow, VMN_F_ETH_DST, VMN_SNOOPED_MAC,
                     VMN_SNOOPED_MAC_MASK);
}
