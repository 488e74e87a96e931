/* SPDX-License-Identifier: Apache-2.0
 *
 * What the controller answers in a network as a server (VMN_REL_SERVED):
 * guests may ask for it from nobody's address, and none of them may answer.
 * Who answers is another app's matter; without one, nothing of this is there.
 *
 * What is asked for here goes no further than to that app, so that the port's
 * own MAC and address are for it to hold against what it reads. */

#include "overlay.h"

#include <string.h>

#define DHCP4_CLIENT 68
#define DHCP4_SERVER 67
#define DHCP6_CLIENT 546
#define ROUTER_SOLICITATION 133

static struct vmn_flow *
guard_add(struct vmn_emit *emit, const struct vmn_network *network,
          uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_network(network->row.name), STAGE_ADMIT, ADMIT_GUARD,
        priority);

    match_network(flow, network);
    return flow;
}

/* Drops packets to a client's port: only servers send these. */
static void
silence_servers(struct vmn_emit *emit, const struct vmn_network *network,
                uint16_t eth_type, uint16_t client)
{
    struct vmn_flow *flow = guard_add(emit, network, GUARD_SERVER);

    vmn_match(flow, VMN_F_ETH_TYPE, eth_type);
    vmn_match(flow, VMN_F_UDP_DST, client);
    drop(flow, "DHCP server");
}

static void
serve_dhcp4(struct vmn_emit *emit, const struct vmn_network *network)
{
    static const struct vmn_ip nobody = { .family = 4 };
    static const struct vmn_ip everyone = { 4, { 255, 255, 255, 255 } };
    struct vmn_flow *flow = guard_add(emit, network, GUARD_SERVED);

    vmn_match_ip(flow, VMN_F_IPV4_SRC, &nobody);
    vmn_match_ip(flow, VMN_F_IPV4_DST, &everyone);
    vmn_match(flow, VMN_F_UDP_SRC, DHCP4_CLIENT);
    vmn_match(flow, VMN_F_UDP_DST, DHCP4_SERVER);
    vmn_act_next(vmn_flow_actions(flow));
    silence_servers(emit, network, VMN_ETH_IPV4, DHCP4_CLIENT);
}

static void
serve_routers(struct vmn_emit *emit, const struct vmn_network *network)
{
    struct vmn_flow *flow = guard_add(emit, network, GUARD_SERVED);

    vmn_match(flow, VMN_F_ICMPV6_TYPE, ROUTER_SOLICITATION);
    vmn_act_next(vmn_flow_actions(flow));
}

void
served_of_network(struct vmn_view *view, struct vmn_emit *emit,
                  const struct vmn_network *network)
{
    struct vmn_names served = vmn_relation_values(view, VMN_REL_SERVED,
                                                  network->row.name);

    for (size_t i = 0; i < served.n; i++) {
        const char *what = served.names[i];

        if (!strcmp(what, VMN_SERVED_DHCP4)) {
            serve_dhcp4(emit, network);
        } else if (!strcmp(what, VMN_SERVED_DHCP6)) {
            silence_servers(emit, network, VMN_ETH_IPV6, DHCP6_CLIENT);
        } else if (!strcmp(what, VMN_SERVED_ROUTERS)) {
            serve_routers(emit, network);
        }
    }
}
