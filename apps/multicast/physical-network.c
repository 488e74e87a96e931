/* SPDX-License-Identifier: Apache-2.0
 *
 * Provider networks.  Members are also behind the physical switches, which
 * have to hear what guests say: so what a guest says of its groups leaves by
 * its host's own bridge, beside being learned here, and what guests send to a
 * group always does.  What comes from there goes to members on this host
 * alone; copies.c has that, as in any network.
 *
 * What leaves past policies is reports and leaves: those of MLD, which a
 * switch tells apart by their type, and those of IGMP once vmnd has found that
 * they are some (querier.c).  Queries leave if they are a router's, and by the
 * way of all that is flooded.
 *
 * Hosts say nothing to each other: each one has what the physical network
 * sends it.  vmnd asks ports as in other networks, and its queries never get
 * there: whoever is the querier on the link stays it.
 *
 * Queries from there are for all guests.  Reports are for none, or some would
 * keep their own back; but ports of routers hear them.  Of what IGMP says
 * about one group switches cannot tell one from the other, so it goes up. */

#include "multicast.h"

#include <string.h>

#include "group-message.h"

/* To the physical network.  ----------------------------------------------- */

bool
clone_to_wire(struct vmn_actions *actions, const struct vmn_network *network)
{
    if (is_on_wire(network)) {
        vmn_act_set(actions, REG_STEP, DETOUR_WIRE);
        vmn_act_clone(actions, STAGE_SNOOP, TABLE_DETOURS);
    }
    return is_on_wire(network);
}

void
wire_of_network(struct vmn_view *view, struct vmn_emit *emit,
                const struct vmn_network *network)
{
    struct vmn_flow *flow = step_flow(emit, network, STAGE_SNOOP, DETOUR_WIRE,
                                      PRIORITY_NETWORK);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    /* Where a packet goes is said at a later hook. */
    vmn_act_set(actions, VMN_F_ETH_DST, MESSAGE_MAC(MESSAGE_WIRE));
    sign(actions, 0);
    vmn_act_goto_hook(actions, VMN_HOOK_LOCATE);
    vmn_publish(emit, REL_WIRES, vmn_printf(view, "%u", network->vni),
                network->row.name);
}

/* Returns true if the port has an address of that family, or may have one: who
 * has none there says nothing of groups either. */
static bool
may_have_family(const struct vmn_port *port, uint8_t family)
{
    bool found = port->unknown;

    for (size_t i = 0; !found && i < port->n_ips; i++) {
        found = port->ips[i].family == family;
    }
    for (size_t i = 0; !found && i < port->n_allowed_addresses; i++) {
        found = vmn_address_pair_at(port, i)->ip.ip.family == family;
    }
    return found;
}

/* They leave as the port's own, whatever a guest has written there: of MLD,
 * and of IGMP from 0.0.0.0, the guard has not looked at the sender. */
void
wire_of_port(struct vmn_emit *emit, const struct vmn_network *network,
             const char *host, const struct vmn_port *port, uint32_t ofport)
{
    const struct vmn_ip own = vmn_link_local(port->mac);

    for (size_t i = 0; i < N_FAMILIES; i++) {
        bool v6 = families[i] == 6;
        struct vmn_flow *flow;
        struct vmn_actions *actions;

        if (!may_have_family(port, families[i])) {
            continue;
        }
        flow = vmn_flow_add(emit, vmn_scope_host(host), STAGE_RELAY, 0,
                            PRIORITY_WIRE);
        actions = vmn_flow_actions(flow);
        vmn_match(flow, VMN_REG_NETWORK, network->vni);
        vmn_match(flow, VMN_REG_SRC_LOCAL, 1);
        vmn_match(flow, VMN_F_IN_PORT, ofport);
        vmn_match(flow, VMN_F_ETH_DST, MESSAGE_MAC(MESSAGE_WIRE));
        vmn_match_prefix(flow, vmn_field_ip_dst(families[i]),
                         v6 ? &all_groups6 : &all_groups4);
        vmn_act_set_mac(actions, VMN_F_ETH_SRC, port->mac);
        if (v6) {
            vmn_act_set_ip(actions, VMN_F_IPV6_SRC, &own);
        }
        group_mac(actions, families[i]);
        vmn_act_set(actions, VMN_REG_DST_HOST, VMN_DST_HOST_PROVIDER);
        vmn_act_set(actions, VMN_REG_OUT_PORT, 0);
        vmn_act_set(actions, VMN_REG_DST_LOCAL, 0);
        vmn_act_goto_hook(actions, VMN_HOOK_DELIVER);
    }
}

/* From the physical network.  --------------------------------------------- */

/* A host's port to the physical network, and whose network it is. */
struct wire {
    struct vmn_emit *emit;
    const struct multicast_network *row;
    const struct vmn_network *network;
    const char *host;
    uint32_t ofport;            /* Never 0. */
};

/* Adds a flow for what comes from there. */
static struct vmn_flow *
wire_flow(const struct wire *wire, int more)
{
    struct vmn_flow *flow = vmn_flow_add(wire->emit,
                                         vmn_scope_host(wire->host),
                                         STAGE_SNOOP, TABLE_IN,
                                         (uint16_t) (PRIORITY_WIRE + more));

    vmn_match(flow, VMN_F_IN_PORT, wire->ofport);
    vmn_match(flow, VMN_REG_NETWORK, wire->network->vni);
    return flow;
}

static void
match_igmp(struct vmn_flow *flow, const struct vmn_prefix *to)
{
    vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_IPV4);
    vmn_match(flow, VMN_F_IP_PROTO, PROTO_IGMP);
    vmn_match_prefix(flow, VMN_F_IPV4_DST, to);
}

static void
reports_from_wire(const struct wire *wire)
{
    static const uint8_t types[] = { MLD_REPORT, MLD_DONE, MLD2_REPORT };
    const struct vmn_prefix link = link_groups(4);
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    for (size_t i = 0; i <= sizeof types; i++) {
        flow = wire_flow(wire, 1);
        actions = vmn_flow_actions(flow);
        if (i < sizeof types) {
            vmn_match(flow, VMN_F_ICMPV6_TYPE, types[i]);
        } else {
            match_igmp(flow, &link);
        }
        taken(actions, clone_to_routers(actions, wire->row));
    }
    if (may_have_routers(wire->row)) {
        flow = vmn_flow_add(wire->emit, vmn_scope_host(wire->host),
                            STAGE_SNOOP, TABLE_TO_ROUTER, PRIORITY_PORT);
        vmn_match(flow, VMN_F_IN_PORT, wire->ofport);
        vmn_match(flow, VMN_REG_NETWORK, wire->network->vni);
        vmn_match(flow, REG_STEP, DETOUR_TO_ROUTER);
        vmn_match(flow, REG_IS_MEMBER, 1);
        vmn_act_output_field(vmn_flow_actions(flow), REG_ANY);
    }
}

static void
queries_from_wire(const struct wire *wire)
{
    static const struct vmn_prefix all4 = { { 4, { 224, 0, 0, 1 } }, 32 };
    const struct vmn_prefix link = link_groups(6);
    struct vmn_flow *flow = wire_flow(wire, 2);

    match_igmp(flow, &all4);
    vmn_act_next(vmn_flow_actions(flow));
    flow = wire_flow(wire, 2);
    vmn_match(flow, VMN_F_ICMPV6_TYPE, MLD_QUERY);
    vmn_match_prefix(flow, VMN_F_IPV6_DST, &link);
    vmn_act_next(vmn_flow_actions(flow));

    /* Past policies, as those of MLD (copies.c): they are what the network
     * asks, and no guest's.  Nothing else of IGMP gets there. */
    flow = vmn_flow_add(wire->emit, vmn_scope_host(wire->host), STAGE_FILTER,
                        TABLE_IN, PRIORITY_WIRE);
    vmn_match(flow, VMN_F_IN_PORT, wire->ofport);
    vmn_match(flow, VMN_REG_NETWORK, wire->network->vni);
    match_igmp(flow, &all_groups4);
    vmn_act_goto_hook(vmn_flow_actions(flow), VMN_HOOK_DELIVER);

    /* About one group.  One of MLD may be about sources, which vmnd takes out
     * of it where lists are kept. */
    flow = wire_flow(wire, 0);
    match_igmp(flow, &all_groups4);
    punt(flow, clone_to_routers(vmn_flow_actions(flow), wire->row));
    flow = wire_flow(wire, 0);
    vmn_match(flow, VMN_F_ICMPV6_TYPE, MLD_QUERY);
    vmn_match_prefix(flow, VMN_F_IPV6_DST, &all_groups6);
    if (wire->row->source_filtering) {
        punt(flow, false);
    } else {
        vmn_act_next(vmn_flow_actions(flow));
    }
}

void
wire_on_host(struct vmn_view *view, struct vmn_emit *emit,
             const struct multicast_network *row,
             const struct vmn_network *network, const char *host)
{
    const struct wire wire = {
        .emit = emit, .row = row, .network = network, .host = host,
        .ofport = vmn_provider_ofport(view, network, host),
    };
    struct vmn_flow *flow;

    if (!wire.ofport) {
        return;
    }
    /* As if from a host to another one. */
    flow = wire_flow(&wire, 3);
    vmn_match_masked(flow, VMN_F_ETH_DST, MESSAGE_MAC(0), MESSAGE_MAC_MASK);
    vmn_act_drop(vmn_flow_actions(flow), "spoofed");
    queries_from_wire(&wire);
    reports_from_wire(&wire);
}

const struct multicast_network *
wire_of_packet(struct vmn_view *view, const struct vmn_packet_in *in,
               const struct vmn_network **network)
{
    uint32_t vni = vmn_packet_reg(in, VMN_REG_NETWORK);
    struct vmn_names names = vmn_relation_values(view, REL_WIRES,
                                                 vmn_printf(view, "%u", vni));
    const struct multicast_network *row
        = names.n ? settings_of(view, names.names[0], network) : NULL;

    return (row && is_on_wire(*network) && (*network)->vni == vni
            && vmn_provider_ofport(view, *network, in->host) == in->in_port
            ? row : NULL);
}
