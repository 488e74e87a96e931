/* SPDX-License-Identifier: Apache-2.0
 *
 * What routers answer themselves, in STAGE_LOCAL, after policies and on the
 * sender's host: pings, and errors for services that they do not have. */

#include "router.h"

static struct vmn_flow *
self_add(struct vmn_emit *emit, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(emit,
                                         vmn_scope_relation(REL_HOSTS, ""),
                                         STAGE_LOCAL, 0, priority);

    vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_ROUTER);
    return flow;
}

/* Turns echo requests into replies. */
static void
base_ping(struct vmn_emit *emit)
{
    static const struct {
        enum vmn_field type, src, dst;
        uint8_t request, reply;
    } pings[] = {
        { VMN_F_ICMPV4_TYPE, VMN_F_IPV4_SRC, VMN_F_IPV4_DST, 8, 0 },
        { VMN_F_ICMPV6_TYPE, VMN_F_IPV6_SRC, VMN_F_IPV6_DST, 128, 129 },
    };

    for (size_t i = 0; i < sizeof pings / sizeof pings[0]; i++) {
        struct vmn_flow *flow = self_add(emit, SELF_PING);
        struct vmn_actions *actions = vmn_flow_actions(flow);

        vmn_match(flow, pings[i].type, pings[i].request);
        vmn_act_swap(actions, VMN_F_ETH_SRC, VMN_F_ETH_DST);
        vmn_act_swap(actions, pings[i].src, pings[i].dst);
        vmn_act_set(actions, VMN_F_IP_TTL, 64);
        vmn_act_set(actions, pings[i].type, pings[i].reply);
        vmn_act_output_in_port(actions);
    }
}

void
local_replies_base(struct vmn_emit *emit)
{
    static const uint16_t eth_types[] = { VMN_ETH_IPV4, VMN_ETH_IPV6 };
    static const uint8_t protocols[] = { VMN_IP_PROTO_TCP,
                                         VMN_IP_PROTO_UDP };

    base_ping(emit);
    for (size_t i = 0; i < 4; i++) {
        struct vmn_flow *flow = self_add(emit, SELF_UNREACHABLE);

        vmn_match(flow, VMN_F_ETH_TYPE, eth_types[i / 2]);
        vmn_match(flow, VMN_F_IP_PROTO, protocols[i % 2]);
        refuse(flow, ERROR_NO_SERVICE, "router has no such service");
    }
    vmn_act_drop(vmn_flow_actions(self_add(emit, SELF_OTHER)),
                 "router has no such service");
}
