/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports with 'unknown': others are behind them (nested guests, appliances that
 * bridge), with Ethernet addresses that no row names.  Switches learn these from
 * who sends, each for itself.  What is learned of an address is the port that it
 * is behind, and where that port is, flows say: so nothing that was learned is
 * wrong when the port moves.
 *
 * In a tunnel, what such a guest sends has a VNI of the port's own.  By it the
 * other hosts know whose it is, which no address tells, and so its identity.
 * What is for an address that nobody has said goes to all ports with 'unknown',
 * and is judged where it arrives, as a flood is.
 *
 * A guest behind a port may call itself anything but what is somebody's
 * already.  It stays on its network: routers do not know who is there. */

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

static struct vmn_scope
scope_nesting(const struct vmn_network *network)
{
    return vmn_scope_facts(REL_NESTING_HOSTS, network->row.name);
}

static void
match_nested(struct vmn_flow *flow)
{
    vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_NESTED, VMN_FLAG_NESTED);
}

/* What is somebody's already.  -------------------------------------------- */

/* On hosts where somebody might claim it. */
static struct vmn_flow *
claim_add(struct vmn_emit *emit, const struct vmn_network *network)
{
    struct vmn_flow *flow = vmn_flow_add(emit, scope_nesting(network),
                                         STAGE_ADMIT, ADMIT_ND, ND_CLAIMED);

    match_network(flow, network);
    match_nested(flow);
    drop(flow, "spoofed");
    return flow;
}

static void
claim_ip(struct vmn_emit *emit, const struct vmn_network *network,
         const struct vmn_ip *ip)
{
    if (ip->family == 6) {
        struct vmn_flow *flow;

        vmn_match_ip(claim_add(emit, network), VMN_F_IPV6_SRC, ip);
        flow = claim_add(emit, network);
        vmn_match(flow, VMN_F_ICMPV6_TYPE, VMN_ND_ADVERT);
        vmn_match_ip(flow, VMN_F_ND_TARGET, ip);
    } else {
        vmn_match_ip(claim_add(emit, network), VMN_F_IPV4_SRC, ip);
        vmn_match_ip(claim_add(emit, network), VMN_F_ARP_SPA, ip);
    }
}

/* A MAC that is a port's: it is nobody's behind another one, and what comes for
 * it out of a tunnel after it has gone is for nobody. */
static void
claim_mac(struct vmn_emit *emit, const struct vmn_network *network,
          struct vmn_mac mac, bool nesting)
{
    struct vmn_flow *flow;

    if (!nesting) {
        /* One that is may have addresses that are not known. */
        vmn_match_mac(claim_add(emit, network), VMN_F_ETH_SRC, mac);
    }
    flow = vmn_flow_add(emit, scope_nesting(network), STAGE_LOCATE,
                        LOCATE_HEARD, HEARD_KNOWN);
    match_network(flow, network);
    vmn_match_mac(flow, VMN_F_ETH_DST, mac);
    drop(flow, "destination is not here");
}

void
nested_claims_of_port(struct vmn_view *view, struct vmn_emit *emit,
                      const struct site *site)
{
    const struct vmn_port *port = site->port;
    struct vmn_ip *ips;
    size_t n = port_ips(view, port, &ips);

    if (!is_nesting(view, site->network)) {
        return;
    }
    claim_mac(emit, site->network, port->mac, port->unknown);
    for (size_t i = 0; i < n; i++) {
        claim_ip(emit, site->network, &ips[i]);
    }
}

static void
claims_of_router(struct vmn_view *view, struct vmn_emit *emit,
                 const struct vmn_network *network, const char *name)
{
    const struct vmn_router *router = vmn_read_router(view, name);

    for (size_t i = 0; router && i < router->n_interfaces; i++) {
        const struct vmn_router_interface *interface = &router->interfaces[i];
        struct vmn_ip addresses[VMN_ADDRESSES_MAX];
        size_t n;

        if (strcmp(interface->network, network->row.name)) {
            continue;
        }
        n = vmn_interface_addresses(interface, network, addresses);
        for (size_t j = 0; j < n; j++) {
            claim_ip(emit, network, &addresses[j]);
        }
    }
}

/* Routers' addresses and virtual IPs.  Those of servers that are on each link
 * (app dhcp, app dns) are of 169.254.0.0/16, which no guest uses. */
static void
claims_of_network(struct vmn_view *view, struct vmn_emit *emit,
                  const struct vmn_network *network)
{
    static const struct vmn_prefix links = {
        .ip = { .family = 4, .addr = { 169, 254 } }, .len = 16,
    };
    static const uint64_t reserved[] = {
        (uint64_t) VMN_RESERVED_MAC_SERVICE << 24,
        (uint64_t) VMN_RESERVED_MAC_FLOATING << 24,
    };
    const uint64_t group_bit = UINT64_C(1) << 40;
    const char *name = network->row.name;
    struct vmn_names names;

    vmn_match_prefix(claim_add(emit, network), VMN_F_IPV4_SRC, &links);
    vmn_match_prefix(claim_add(emit, network), VMN_F_ARP_SPA, &links);
    vmn_match_masked(claim_add(emit, network), VMN_F_ETH_SRC, group_bit,
                     group_bit);
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        vmn_match_masked(claim_add(emit, network), VMN_F_ETH_SRC, reserved[i],
                         UINT64_C(0xffffff) << 24);
    }
    names = vmn_lookup(view, VMN_INDEX_ROUTER_BY_NETWORK, name);
    for (size_t i = 0; i < names.n; i++) {
        claims_of_router(view, emit, network, names.names[i]);
    }
    names = vmn_lookup(view, VMN_INDEX_LB_BY_NETWORK, name);
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_loadbalancer *lb = vmn_read_loadbalancer(
            view, names.names[i]);

        if (lb) {
            claim_ip(emit, network, &lb->vip);
        }
    }
}

/* The port.  -------------------------------------------------------------- */

/* Lets in what the port does not send as itself, and learns from it. */
static void
admit_nested(struct vmn_view *view, struct vmn_emit *emit,
             const struct site *site)
{
    static const uint16_t types[] = {
        VMN_ETH_IPV4, VMN_ETH_ARP, VMN_ETH_IPV6,
    };
    const struct vmn_scope scope = vmn_scope_host(site->host);
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        flow = vmn_flow_add(emit, scope, STAGE_ADMIT, ADMIT_GUARD,
                            GUARD_NESTED);
        vmn_match(flow, VMN_F_IN_PORT, site->ofport);
        vmn_match(flow, VMN_F_ETH_TYPE, types[i]);
        actions = vmn_flow_actions(flow);
        vmn_act_set(actions, VMN_REG_FLAGS, VMN_FLAG_NESTED);
        vmn_act_goto(actions, STAGE_ADMIT, ADMIT_ND);
    }
    flow = vmn_flow_add(emit, scope, STAGE_ADMIT, ADMIT_ND, ND_NESTED);
    vmn_match(flow, VMN_F_IN_PORT, site->ofport);
    match_nested(flow);
    actions = vmn_flow_actions(flow);
    vmn_act_learn_mac(actions, port_vni(view, site->port));
    vmn_act_next(actions);
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

/* Takes to the port what is for somebody behind it.  Out of a tunnel it may be a
 * part of a flood, which its sender's host has not judged. */
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
    claims_of_network(view, emit, network);
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
