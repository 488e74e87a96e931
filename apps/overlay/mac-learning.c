/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports with 'unknown': others are behind them (nested guests, appliances that
 * bridge), with Ethernet addresses that no row names.  Switches learn these
 * from who sends, each for itself.  What is learned of an address is the port
 * that it is behind, and where that port is, flows say: so nothing that was
 * learned is wrong when the port moves.
 *
 * In a tunnel, what such a guest sends has a VNI of the port's own.  By it the
 * other hosts know whose it is, which no address tells, and so its identity.
 * What is for an address that nobody has said goes to all ports with
 * 'unknown', and is judged where it arrives, as a flood is.
 *
 * A guest behind a port may call itself anything but what has a meaning
 * already (claimed-addresses.c).  It stays on its network: routers do not know
 * who is there. */

#include "overlay.h"

#include <string.h>

/* Where its own VNI is looked up; see vmn_transit_vni(). */
#define VNI_KEY "port/%s"

static uint32_t
port_vni(struct vmn_view *view, const struct vmn_port *port)
{
    return vmn_number(view, VMN_NUMBER_VNI,
                      vmn_printf(view, VNI_KEY, port->row.name));
}

bool
is_nesting(struct vmn_view *view, const struct vmn_network *network)
{
    return vmn_facts(view, REL_NESTING, network->row.name).n > 0;
}

static void
match_nested(struct vmn_flow *flow)
{
    vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_NESTED, VMN_FLAG_NESTED);
}

/* The port.  -------------------------------------------------------------- */

void
nested_learn(struct vmn_view *view, const struct site *site,
             struct vmn_flow *flow)
{
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_act_learn_mac(actions, port_vni(view, site->port));
    vmn_act_next(actions);
}

/* Lets in what the port does not send as itself: from 'mac', one of the port's
 * own, or from any other (NULL). */
static void
admit_from(struct vmn_emit *emit, const struct site *site,
           const struct vmn_mac *mac)
{
    static const uint16_t types[] = {
        VMN_ETH_IPV4, VMN_ETH_ARP, VMN_ETH_IPV6,
    };

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct vmn_flow *flow = vmn_flow_add(
            emit, vmn_scope_host(site->host), STAGE_ADMIT, ADMIT_GUARD,
            mac ? GUARD_NESTED_OWN : GUARD_NESTED);
        struct vmn_actions *actions = vmn_flow_actions(flow);

        vmn_match(flow, VMN_F_IN_PORT, site->ofport);
        vmn_match(flow, VMN_F_ETH_TYPE, types[i]);
        if (mac) {
            vmn_match_mac(flow, VMN_F_ETH_SRC, *mac);
        }
        vmn_act_set(actions, VMN_REG_FLAGS, VMN_FLAG_NESTED);
        vmn_act_set(actions, REG_CHECK, mac ? CHECK_SAID | CHECK_IP
                    : CHECK_SAID | CHECK_IP | CHECK_MAC);
        vmn_act_goto(actions, STAGE_ADMIT, ADMIT_ND);
    }
}

/* Lets in what the port does not send as itself, and learns from it. */
static void
admit_nested(struct vmn_view *view, struct vmn_emit *emit,
             const struct site *site)
{
    const struct vmn_port *port = site->port;
    struct vmn_flow *flow;

    admit_from(emit, site, NULL);
    admit_from(emit, site, &port->mac);
    for (size_t i = 0; i < port->n_allowed_addresses; i++) {
        if (pair_has_new_mac(port, i)) {
            struct vmn_mac mac = pair_mac(port, &port->allowed_addresses[i]);

            admit_from(emit, site, &mac);
        }
    }
    flow = vmn_flow_add(emit, vmn_scope_host(site->host), STAGE_ADMIT,
                        ADMIT_ND, ND_NESTED);
    vmn_match(flow, VMN_F_IN_PORT, site->ofport);
    match_nested(flow);
    nested_learn(view, site, flow);
}

/* Gives what goes into a tunnel the port's VNI. */
static void
leave_nested(struct vmn_view *view, struct vmn_emit *emit,
             const struct site *site)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(site->host),
                                         STAGE_DELIVER, DELIVER_OUT,
                                         OUT_NESTED);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_F_IN_PORT, site->ofport);
    match_network(flow, site->network);
    match_nested(flow);
    vmn_act_set(actions, VMN_F_TUN_ID, port_vni(view, site->port));
    vmn_act_check_size(actions, vmn_mtu_of(view, site->network));
    vmn_act_goto(actions, STAGE_DELIVER, DELIVER_TUNNEL);
}

/* Takes to the port what is for somebody behind it.  Out of a tunnel it may be
 * a part of a flood, which its sender's host has not judged. */
static void
locate_here(struct vmn_view *view, struct vmn_emit *emit,
            const struct site *site, bool out_of_tunnel)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(site->host),
                                         STAGE_LOCATE, LOCATE_HEARD,
                                         out_of_tunnel ? HEARD_HERE_TUNNEL
                                         : HEARD_HERE);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_REG_MAC_VALUE, port_vni(view, site->port));
    if (out_of_tunnel) {
        vmn_match(flow, VMN_F_IN_PORT, VMN_TUNNEL_OFPORT);
        vmn_act_set(actions, VMN_REG_SRC_LOCAL, 1);
    }
    vmn_act_set(actions, VMN_REG_DST_ID, site->identity);
    vmn_act_set(actions, VMN_REG_DST_LOCAL, 1);
    vmn_act_set(actions, VMN_REG_OUT_PORT, site->ofport);
    vmn_act_next(actions);
}

void
nested_of_port_here(struct vmn_view *view, struct vmn_emit *emit,
                    const struct site *site)
{
    /* A candidate's own host goes on sending to the active one. */
    bool is_candidate = (site->candidate
                         && !strcmp(site->host, site->candidate));

    if (!site->port->unknown) {
        return;
    }
    admit_nested(view, emit, site);
    if (!is_candidate) {
        locate_here(view, emit, site, false);
    }
    if (!is_provider(site->network)) {
        leave_nested(view, emit, site);
        locate_here(view, emit, site, true);
    }
}

/* Everywhere in its network. */
void
nested_of_port(struct vmn_view *view, struct vmn_emit *emit,
               const struct site *site)
{
    const char *network = site->network->row.name;
    struct vmn_scope scope = vmn_scope_network(network);
    struct vmn_flow *flow;
    struct vmn_actions *actions;
    uint32_t vni;

    if (!site->port->unknown || !site->host) {
        return;
    }
    vmn_publish(emit, REL_NESTING, network, "");
    vmn_publish(emit, REL_NESTING_HOSTS, network, site->host);
    vmn_publish(emit, REL_ASKS, network, "");
    vmn_publish(emit, REL_ASKS_ND, network, "");
    if (site->candidate) {
        vmn_publish(emit, REL_NESTING_HOSTS, network, site->candidate);
    }
    if (is_provider(site->network)) {
        return;
    }

    vmn_publish(emit, REL_NESTING_PORTS, network, site->port->row.name);
    vni = port_vni(view, site->port);
    flow = vmn_flow_add(emit, scope, STAGE_ADMIT, ADMIT_TUNNEL,
                        TUNNEL_NETWORK);
    vmn_match(flow, VMN_F_TUN_ID, vni);
    actions = vmn_flow_actions(flow);
    network_registers(view, actions, site->network, site->zone);
    vmn_act_set(actions, VMN_REG_SRC_ID, site->identity);
    vmn_act_learn_mac(actions, vni);
    vmn_act_next(actions);

    flow = vmn_flow_add(emit, scope, STAGE_LOCATE, LOCATE_HEARD,
                        HEARD_ELSEWHERE);
    vmn_match(flow, VMN_REG_MAC_VALUE, vni);
    actions = vmn_flow_actions(flow);
    vmn_act_set(actions, VMN_REG_DST_ID, site->identity);
    vmn_act_set(actions, VMN_REG_DST_HOST,
                vmn_number(view, VMN_NUMBER_HOST, site->host));
    vmn_act_next(actions);
}

/* The network.  ----------------------------------------------------------- */

static void
look_add(struct vmn_emit *emit, const struct vmn_network *network,
         struct vmn_scope scope, uint32_t in_port)
{
    struct vmn_flow *flow = vmn_flow_add(emit, scope, STAGE_LOCATE,
                                         LOCATE_PLACE,
                                         in_port ? LOCATE_NESTED_FAR
                                         : LOCATE_NESTED);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    match_network(flow, network);
    if (in_port) {
        vmn_match(flow, VMN_F_IN_PORT, in_port);
    }
    vmn_act_find_mac(actions);
    vmn_act_goto(actions, STAGE_LOCATE, LOCATE_HEARD);
}

/* Nested guests' questions are for guests, and so are those about them. */
static void
ask_guests(struct vmn_emit *emit, const struct vmn_network *network)
{
    for (int v6 = 0; v6 < 2; v6++) {
        struct vmn_flow *flow = vmn_flow_add(
            emit, vmn_scope_network(network->row.name), STAGE_SERVICE,
            SERVICE_ASK, SERVICE_OUTSIDE);

        match_network(flow, network);
        if (v6) {
            vmn_match(flow, VMN_F_ICMPV6_TYPE, VMN_ND_SOLICIT);
        } else {
            vmn_match(flow, VMN_F_ARP_OP, 1);
        }
        vmn_act_next(vmn_flow_actions(flow));
    }
}

/* One that came out of 'wire' (0: there is none) on 'host' is for local guests
 * alone. */
void
nested_of_wire(struct vmn_view *view, struct vmn_emit *emit,
               const struct vmn_network *network, const char *host,
               uint32_t wire)
{
    struct vmn_flow *flow;

    if (!is_nesting(view, network)) {
        return;
    }
    look_add(emit, network, vmn_scope_host(host), wire);
    flow = vmn_flow_add(emit, vmn_scope_host(host), STAGE_LOCATE,
                        LOCATE_HEARD, HEARD_NOT_HERE);
    match_network(flow, network);
    vmn_match(flow, VMN_F_IN_PORT, wire);
    drop(flow, "destination is not here");
}

/* What is for nobody who was heard, on hosts without such a port: others have
 * copies for theirs before (flood.c). */
static void
not_heard(struct vmn_emit *emit, const struct vmn_network *network)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_network(network->row.name), STAGE_LOCATE,
        LOCATE_HEARD, HEARD_NOT);

    match_network(flow, network);
    nested_put_rest(vmn_flow_actions(flow), network);
}

void
nested_put_rest(struct vmn_actions *actions, const struct vmn_network *network)
{
    bool provider = is_provider(network);

    if (!provider) {
        vmn_act_set(actions, VMN_REG_SRC_LOCAL, 0);
    }
    vmn_act_set(actions, VMN_REG_DST_ID, 0);
    vmn_act_set(actions, VMN_REG_DST_LOCAL, 0);
    vmn_act_set(actions, VMN_REG_OUT_PORT, 0);
    vmn_act_set(actions, VMN_REG_DST_HOST, provider ? VMN_DST_HOST_WIRE
                : VMN_DST_HOST_UNKNOWN);
    vmn_act_next(actions);
}

/* A flood of a guest behind the port: on the host where that is, or may be. */
static void
flood_of_port(struct vmn_view *view, struct vmn_emit *emit,
              const struct site *site, const char *host, uint32_t ofport,
              uint32_t to, struct vmn_group_msg *group)
{
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    if (!ofport) {
        return;
    }
    flow = vmn_flow_add(emit, vmn_scope_host(host), STAGE_DELIVER,
                        DELIVER_OUT, OUT_NESTED_FLOOD);
    vmn_match(flow, VMN_F_IN_PORT, ofport);
    match_network(flow, site->network);
    match_nested(flow);
    vmn_match(flow, VMN_REG_DST_HOST, to);
    actions = vmn_flow_actions(flow);
    vmn_act_set(actions, VMN_F_TUN_ID, port_vni(view, site->port));
    vmn_act_group(actions, group);
}

void
nested_flood(struct vmn_view *view, struct vmn_emit *emit,
             const struct vmn_network *network, uint32_t to,
             struct vmn_group_msg *group)
{
    struct vmn_names ports = vmn_facts(view, REL_NESTING_PORTS,
                                       network->row.name);

    for (size_t i = 0; i < ports.n; i++) {
        struct site site;

        if (site_read(view, ports.names[i], &site)) {
            flood_of_port(view, emit, &site, site.host, site.ofport, to,
                          group);
            flood_of_port(view, emit, &site, site.candidate,
                          site.candidate_ofport, to, group);
        }
    }
}

/* Where somebody is behind a port. */
void
nested_of_network(struct vmn_view *view, struct vmn_emit *emit,
                  const struct vmn_network *network)
{
    const struct vmn_scope scope = vmn_scope_network(network->row.name);
    struct vmn_flow *flow;

    if (!is_nesting(view, network)) {
        return;
    }
    look_add(emit, network, scope, 0);
    not_heard(emit, network);
    if (is_provider(network)) {
        return;                 /* Its guests are asked already. */
    }
    ask_guests(emit, network);
    look_add(emit, network, scope, VMN_TUNNEL_OFPORT);
    flow = vmn_flow_add(emit, scope, STAGE_LOCATE, LOCATE_HEARD,
                        HEARD_NOT_HERE);
    match_network(flow, network);
    vmn_match(flow, VMN_F_IN_PORT, VMN_TUNNEL_OFPORT);
    drop(flow, "destination is not here");
    flood_add(view, emit, network, VMN_DST_HOST_UNKNOWN,
              vmn_facts(view, REL_NESTING_HOSTS, network->row.name));
}
