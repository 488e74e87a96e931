/* SPDX-License-Identifier: Apache-2.0
 *
 * The hop limit: each packet that a router forwards has one hop less, on every
 * host of a domain that has routers.  What has none left is answered by
 * icmp-error.c. */

#include "router.h"

void
hop_limit_base(struct vmn_emit *emit)
{
    static const uint16_t eth_types[] = { VMN_ETH_IPV4, VMN_ETH_IPV6 };
    struct vmn_scope scope = vmn_scope_relation(REL_HOSTS, "");

    for (size_t i = 0; i < sizeof eth_types / sizeof eth_types[0]; i++) {
        struct vmn_flow *flow = vmn_flow_add(emit, scope, STAGE_ROUTE,
                                             ROUTE_HOP, HOP_FORWARD);
        struct vmn_actions *actions = vmn_flow_actions(flow);

        vmn_match(flow, VMN_F_ETH_TYPE, eth_types[i]);
        vmn_act_dec_ttl(actions);
        vmn_act_move(actions, VMN_REG_NETWORK, REG_FROM);
        vmn_act_goto(actions, STAGE_ROUTE, ROUTE_LOOKUP);
    }
    vmn_act_drop(vmn_flow_actions(vmn_flow_add(emit, scope, STAGE_ROUTE,
                                               ROUTE_HOP, PRIORITY_LAST)),
                 "non-IP packet to a router");
}
