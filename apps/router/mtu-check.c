/* SPDX-License-Identifier: Apache-2.0
 *
 * Routers between networks of different MTUs.  What is too large for the
 * network that it leaves for is dropped, and its sender is told how much there
 * is room for (RFC 1812, section 5.2.7.1; RFC 4443, section 3.2).  Switches do
 * not cut packets up, so IPv4 is treated as if none may be.  Where no network
 * of a router has a larger MTU, nothing is looked at here: a packet that is
 * too large for the network it comes from is app overlay's concern. */

#include "router.h"

static const struct vmn_network *
network_of(const struct site *site, size_t i)
{
    return vmn_read_network(site->view, site->router->interfaces[i].network);
}

static void
emit_fit(const struct site *site, uint32_t vni, uint32_t mtu)
{
    struct vmn_flow *flow = site_flow_here(site, ROUTE_SEND, LARGE);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_REG_NETWORK, vni);
    vmn_act_check_size(actions, mtu);
    vmn_act_goto(actions, STAGE_ROUTE, ROUTE_FIT);

    flow = site_flow_here(site, ROUTE_FIT, LARGE);
    actions = vmn_flow_actions(flow);
    vmn_match(flow, VMN_REG_NETWORK, vni);
    vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_LARGE, VMN_FLAG_LARGE);
    vmn_act_punt(actions, HANDLER_ERROR, ERROR_TOO_LARGE | mtu << ERROR_BITS,
                 VMN_REFUSAL_QUOTED);
    vmn_act_drop(actions, "larger than the MTU");
}

void
emit_fits(const struct site *site)
{
    const struct vmn_network *external = (
        site->router->external.network
        ? vmn_read_network(site->view, site->router->external.network) : NULL);
    uint32_t max = external ? vmn_mtu_of(site->view, external) : 0;
    bool any = external;

    for (size_t i = 0; i < site->router->n_interfaces; i++) {
        const struct vmn_network *network = network_of(site, i);

        if (network && vmn_mtu_of(site->view, network) > max) {
            max = vmn_mtu_of(site->view, network);
        }
    }
    for (size_t i = 0; i < site->router->n_interfaces; i++) {
        const struct vmn_network *network = network_of(site, i);

        if (network && network->vni
            && vmn_mtu_of(site->view, network) < max) {
            emit_fit(site, network->vni, vmn_mtu_of(site->view, network));
            any = true;
        }
    }
    if (external) {
        emit_fit(site, vmn_transit_vni(site->view, site->router->row.name),
                 vmn_outside_mtu(site->view, site->router));
    }
    if (any) {
        act_send(site, vmn_flow_actions(site_flow_here(site, ROUTE_FIT,
                                                       ONLY)));
    }
}
