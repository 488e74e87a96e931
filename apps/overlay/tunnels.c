/* SPDX-License-Identifier: Apache-2.0
 *
 * The overlay between hosts: tunnels, and networks and routing domains on
 * them.  Not for single ports (port.c), nor for floods inside of a host
 * (flood.c). */

#include "overlay.h"

#define BFD_PORT 3784

void
network_registers(struct vmn_view *view, struct vmn_actions *actions,
                  const struct vmn_network *network, uint32_t zone)
{
    const char *domain = vmn_domain_of(view, network->row.name);

    vmn_act_set(actions, VMN_REG_NETWORK, network->vni);
    vmn_act_set(actions, VMN_REG_ZONE, zone);
    vmn_act_set(actions, VMN_REG_BALANCE_ZONE,
                vmn_id_of(view, VMN_ID_POOL_ZONE,
                          vmn_printf(view, "balance/%s", domain)));
}

/* Tunnels.  --------------------------------------------------------------- */

/* The key of REL_TUNNEL_RANK and REL_GENEVE_RANK for a host's first address,
 * 'rank' 1, or its second, 2. */
static const char *
rank_key(struct vmn_view *view, const struct vmn_ip *ip, unsigned rank)
{
    return vmn_printf(view, "%u|%u", ip->family, rank);
}

/* Admits packets from a known host's address 'ip' on tunnel port 'ofport', on
 * the hosts of 'scope', whose address of that family is their first or second,
 * by 'rank'.  Later tables do not distinguish the tunnel ports.
 *
 * Hosts without an address of that family need not know of it, and should not:
 * a packet of one family that is compared with addresses of both has no flow
 * in the kernel's datapath, which takes none that mixes them.  Hosts with both
 * compare with those of their first address's family first, which others that
 * have both send to. */
static void
tunnel_from(struct vmn_emit *emit, struct vmn_scope scope, unsigned rank,
            uint32_t ofport, const struct vmn_ip *ip)
{
    struct vmn_flow *flow = vmn_flow_add(emit, scope, STAGE_ADMIT,
                                         ADMIT_CLASSIFY, rank == 1
                                         ? CLASSIFY_PORT
                                         : CLASSIFY_SECOND_TUNNEL);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_F_IN_PORT, ofport);
    vmn_match_ip(flow, ip->family == 6 ? VMN_F_TUN_IPV6_SRC : VMN_F_TUN_SRC,
                 ip);
    if (ofport != VMN_TUNNEL_OFPORT) {
        vmn_act_set(actions, VMN_F_IN_PORT, VMN_TUNNEL_OFPORT);
    }
    vmn_act_goto(actions, STAGE_ADMIT, ADMIT_TUNNEL);
}

/* Sends packets for host 'number' to its address 'ip', in its
 * encapsulation. */
static void
tunnel_to(struct vmn_emit *emit, struct vmn_scope scope, uint16_t priority,
          uint32_t number, enum vmn_encap encap, const struct vmn_ip *ip)
{
    struct vmn_flow *flow = vmn_flow_add(emit, scope, STAGE_DELIVER,
                                         DELIVER_TUNNEL, priority);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_REG_DST_HOST, number);
    vmn_act_set_ip(actions, ip->family == 6 ? VMN_F_TUN_IPV6_DST
                   : VMN_F_TUN_DST, ip);
    vmn_act_output(actions, encap == VMN_ENCAP_GENEVE ? VMN_GENEVE_OFPORT
                   : VMN_TUNNEL_OFPORT);
}

/* Gives a reason of their own to BFD's packets (RFC 5881, section 4) between a
 * host and those that it watches.  Open vSwitch keeps them for itself, but
 * counts them at the flow that they match first. */
void
compile_watching_host(struct vmn_view *view, const char *key,
                      struct vmn_emit *emit)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(key),
                                         STAGE_ADMIT, ADMIT_CLASSIFY,
                                         CLASSIFY_BFD);

    vmn_match(flow, VMN_F_UDP_DST, BFD_PORT);
    drop_background(flow, "BFD between hosts");
}

/* Emits the tunnel to and from one address of a host, on all other hosts.  All
 * of them accept VXLAN, also those that are sent Geneve: a host that changes
 * its encapsulation gets both meanwhile. */
static void
compile_address(struct vmn_view *view, struct vmn_emit *emit,
                const struct vmn_host *host, uint32_t number,
                const struct vmn_ip *ip, bool second)
{
    for (unsigned rank = 1; rank <= 2; rank++) {
        const char *key = rank_key(view, ip, rank);

        tunnel_from(emit, vmn_scope_relation(REL_TUNNEL_RANK, key), rank,
                    VMN_TUNNEL_OFPORT, ip);
        tunnel_from(emit, vmn_scope_relation(REL_GENEVE_RANK, key), rank,
                    VMN_GENEVE_OFPORT, ip);
    }

    /* Hosts with addresses of the first address's family only, use that. */
    if (second) {
        tunnel_to(emit, vmn_scope_relation(REL_TUNNEL_FAMILY,
                                           ip->family == 6 ? "6" : "4"),
                  TUNNEL_SECONDARY, number, host->encap, ip);
    } else {
        tunnel_to(emit, vmn_scope_all(), TUNNEL_HOST, number, host->encap,
                  ip);
    }
}

/* Publishes which tunnel addresses a host has. */
static void
publish_address(struct vmn_view *view, struct vmn_emit *emit,
                const struct vmn_host *host, const struct vmn_ip *ip,
                unsigned rank)
{
    const char *key = rank_key(view, ip, rank);

    if (rank == 1) {
        vmn_publish(emit, VMN_REL_TUNNEL_FAMILIES, "",
                    ip->family == 6 ? "6" : "4");
    }
    vmn_publish(emit, REL_TUNNEL_RANK, key, host->row.name);
    if (host->encap == VMN_ENCAP_GENEVE) {
        vmn_publish(emit, REL_GENEVE_RANK, key, host->row.name);
    }
}

void
compile_host(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_host *host = vmn_read_host(view, key);

    if (!host || host->lost || !host->tunnel_ip.family) {
        return;
    }

    uint32_t number = vmn_id_of(view, VMN_ID_POOL_HOST, key);

    compile_address(view, emit, host, number, &host->tunnel_ip, false);
    publish_address(view, emit, host, &host->tunnel_ip, 1);
    if (host->second_tunnel_ip.family) {
        compile_address(view, emit, host, number, &host->second_tunnel_ip,
                        true);
        publish_address(view, emit, host, &host->second_tunnel_ip, 2);
    } else {
        vmn_publish(emit, REL_TUNNEL_FAMILY,
                    host->tunnel_ip.family == 6 ? "6" : "4", key);
    }
    if (host->encap == VMN_ENCAP_GENEVE) {
        vmn_publish(emit, REL_GENEVE, "", key);
    }

    /* Flows of the domain send to this host's number for a port here; on the
     * host itself this means that the port is not up, or, by the output port,
     * that it is a flood. */
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(key),
                                         STAGE_DELIVER, DELIVER_TUNNEL,
                                         TUNNEL_OWN);

    vmn_match(flow, VMN_REG_DST_HOST, number);
    drop(flow, "destination host is this host");
    flow = vmn_flow_add(emit, vmn_scope_host(key), STAGE_DELIVER,
                        DELIVER_TUNNEL, TUNNEL_OWN_FLOOD);
    vmn_match(flow, VMN_REG_DST_HOST, number);
    vmn_match(flow, VMN_REG_OUT_PORT, VMN_TUNNEL_OFPORT);
    drop_background(flow, REASON_TO_SENDER);
    provider_of_host(view, emit, host);
    tunnel_mtu_of_host(view, emit, host);
}

/* Networks and domains.  -------------------------------------------------- */

/* Emits a group with a bucket for each host, and its flow.  The group is the
 * same on all hosts: the bucket of the host itself ends in a drop,
 * REASON_TO_SENDER. */
void
flood_add(struct vmn_view *view, struct vmn_emit *emit,
          const struct vmn_network *network, uint32_t to,
          struct vmn_names hosts)
{
    struct vmn_scope scope = vmn_scope_network(network->row.name);
    struct vmn_group_msg *group = vmn_group_add(
        emit, scope, VMN_GROUP_ALL,
        vmn_printf(view, to == VMN_DST_HOST_FLOOD ? "flood/%s" : "unknown/%s",
                   network->row.name));
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    for (size_t i = 0; i < hosts.n; i++) {
        uint32_t number = vmn_id_of(view, VMN_ID_POOL_HOST, hosts.names[i]);
        struct vmn_actions *bucket = vmn_bucket_add(group, number, 0);

        vmn_act_set(bucket, VMN_REG_DST_HOST, number);
        vmn_act_resubmit(bucket, STAGE_DELIVER, DELIVER_TUNNEL);
    }

    flow = vmn_flow_add(emit, scope, STAGE_DELIVER, DELIVER_OUT, OUT_FLOOD);
    match_network(flow, network);
    vmn_match(flow, VMN_REG_DST_HOST, to);
    actions = vmn_flow_actions(flow);
    vmn_act_move(actions, VMN_REG_NETWORK, VMN_F_TUN_ID);
    vmn_act_group(actions, group);
    unknown_flood(view, emit, network, to, group);
}

/* Emits the tunnels of an overlay network. */
static void
network_tunnels(struct vmn_view *view, struct vmn_emit *emit,
                const struct vmn_network *network)
{
    const char *name = network->row.name;
    struct vmn_names hosts =
        vmn_relation_values(view, VMN_REL_NETWORK_HOSTS, name);
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_network(name),
                                         STAGE_ADMIT, ADMIT_TUNNEL,
                                         TUNNEL_NETWORK);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_F_TUN_ID, network->vni);
    network_registers(view, actions, network,
                      vmn_domain_zone(view, vmn_domain_of(view, name)));
    vmn_act_goto(actions, STAGE_ADMIT, ADMIT_SOURCE);
    if (hosts.n >= 2) {
        flood_add(view, emit, network, VMN_DST_HOST_FLOOD, hosts);
    }
    tunnel_mtu_of_vni(view, emit, vmn_domain_of(view, name), network->vni,
                      vmn_mtu_of(view, network));
}

void
compile_network(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_network *network = vmn_read_network(view, key);

    if (!network || !network->vni) {
        return;
    }
    if (is_provider(network)) {
        provider_of_network(emit, network);
    } else {
        network_tunnels(view, emit, network);
    }
    nd_of_network(view, emit, network);
    claims_of_network(view, emit, network);
    unknown_of_network(view, emit, network);
    served_of_network(view, emit, network);
    snooped_of_network(view, emit, network);
    group_frames_of_network(emit, network);
}

/* Emits what a domain has once, if routers join its networks. */
void
compile_domain(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_scope scope = vmn_scope_domain(key);
    uint32_t zone = vmn_domain_zone(view, key);
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    /* A routed packet that is sent through the pipeline again no longer has
     * addresses from which its port may send, so its source is looked up as
     * that of a packet from a tunnel. */
    flow = vmn_flow_add(emit, scope, STAGE_ADMIT, ADMIT_CLASSIFY,
                        CLASSIFY_ROUTED);
    match_domain(flow, zone);
    vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_ROUTED, VMN_FLAG_ROUTED);
    actions = vmn_flow_actions(flow);
    vmn_act_set(actions, VMN_REG_SRC_LOCAL, 1);
    vmn_act_goto(actions, STAGE_ADMIT, ADMIT_SOURCE);

    flow = vmn_flow_add(emit, scope, STAGE_LOCATE, 0, LOCATE_ROUTER);
    match_domain(flow, zone);
    vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_ROUTER);
    vmn_act_next(vmn_flow_actions(flow));
    external_of_domain(view, emit, key);
}
