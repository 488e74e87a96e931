/* SPDX-License-Identifier: Apache-2.0
 *
 * A distributed floating address while its port migrates, and while it still
 * has a former host: both of the port's hosts serve it (floating-ip.c), and
 * this is what differs.
 *
 * What comes in: the address's MAC address is the same on both hosts, so the
 * physical network has to learn only by which of them it is reached.  The
 * RARP by which the hypervisor announces the guest tells it so, as it tells
 * the guest's own switch: the destination passes it on with that MAC address,
 * without waiting for the controller, which tells it again once it has
 * activated the port there.  What still comes in by the source goes
 * to both, as any packet to a port that migrates (apps/overlay/migration.c).
 *
 * What goes out: the source's switch knows the neighbours that the guest talks
 * to, and the destination's does not.  What is for one that it does not know
 * it sends by the source, as the guest has sent it there before, and so it
 * does not wait for an answer.  It has been judged by then, and comes by the
 * router's transit: of the source's connection tracking only NAT's zone sees
 * it, not that of policies.  Meanwhile the destination asks for the neighbour
 * in the host's own name, as gateways that stand by do: an answer to the
 * floating address would go wherever the physical network believes that to be.
 * For the same reason the source sends it with the MAC address of its host.
 *
 * It is sent as it was before NAT, but the source address alone: an ICMP error
 * still quotes the floating address, and the source's NAT does not take it. */

#include "gateway.h"

#include <string.h>

#define ETH_RARP 0x8035         /* RFC 903. */

/* Addresses of a port that its hypervisor's announcement is passed on for, the
 * first by network and MAC address.  HANDLER_ANNOUNCE tells of all. */
#define RARP_OUTPUTS_MAX 16

/* What passes of announcements, in kilobits a second and at once: two of
 * QEMU's five, of 60 bytes, at once, and four a second.  One that is longer
 * than the burst does not pass at all, so a guest hides little behind its
 * end. */
#define RARP_KBPS 2
#define RARP_BURST_KB 1

/* The host that the port goes to, or is on already, and the one that it comes
 * from; the contexts are those of the address on each. */
struct move {
    const struct gateway_ctx *to, *from;
    uint32_t ofport;            /* The port's, on 'to'. */
};

/* Sends what the guest sends on 'to' through the tunnel to 'from', as it was
 * before NAT. */
static void
act_by_source(const struct move *move, struct vmn_actions *actions,
              const struct vmn_ip *ip)
{
    const struct gateway_ctx *ctx = move->to;

    vmn_act_set(actions, VMN_REG_NETWORK, ctx->transit);
    vmn_act_set(actions, VMN_REG_DST_HOST,
                vmn_id_of(ctx->view, VMN_ID_POOL_HOST, move->from->host));
    vmn_act_set_mac(actions, VMN_F_ETH_SRC, VMN_EXTERNAL_MAC);
    vmn_act_set_mac(actions, VMN_F_ETH_DST, ctx->router->mac);
    vmn_act_set_ip(actions, vmn_field_ip_src(ip->family), ip);
    vmn_act_next(actions);
}

/* Emits the flows of 'to' for neighbours that it does not know. */
static void
send_by_source(const struct move *move, const struct vmn_ip *ip,
               const struct vmn_ip *floating, uint32_t number)
{
    const struct vmn_mac unknown = { { 0 } };

    for (int asked = 0; asked < 2; asked++) {
        struct vmn_flow *flow = vmn_flow_add(
            move->to->emit, vmn_scope_host(move->to->host), STAGE_EGRESS,
            OUT_SEND, asked ? SEND_MIGRATED_INCOMPLETE
            : SEND_MIGRATED_UNKNOWN);
        struct vmn_actions *actions = vmn_flow_actions(flow);

        /* What has come by a tunnel was sent here by another host. */
        vmn_match(flow, VMN_F_IN_PORT, move->ofport);
        vmn_match(flow, REG_TRANSIT, move->to->transit);
        vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_PROVIDER);
        vmn_match_ip(flow, vmn_field_ip_src(floating->family), floating);
        vmn_match_mac(flow, VMN_F_ETH_DST,
                      asked ? VMN_NEIGHBOUR_INCOMPLETE : unknown);
        if (!asked) {
            vmn_act_punt(actions, HANDLER_RESOLVE, number | RESOLVE_AS_HOST,
                         64);
        }
        act_by_source(move, actions, ip);
    }
}

/* Emits the flows of 'from' for what 'to' sends by it.  It does not ask for
 * whom it does not know either: in the address's name that would say that the
 * address is here, and in its own 'to' has asked already. */
static void
sent_for_other(const struct move *move, const struct vmn_ip *floating)
{
    const struct gateway_ctx *ctx = move->from;

    for (int known = 0; known < 2; known++) {
        struct vmn_flow *flow = vmn_flow_add(
            ctx->emit, vmn_scope_host(ctx->host), STAGE_EGRESS, OUT_SEND,
            known ? SEND_RELAYED : SEND_RELAYED_UNKNOWN);
        struct vmn_actions *actions = vmn_flow_actions(flow);

        vmn_match(flow, VMN_F_IN_PORT, VMN_TUNNEL_OFPORT);
        vmn_match(flow, REG_TRANSIT, ctx->transit);
        vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_PROVIDER);
        vmn_match_ip(flow, vmn_field_ip_src(floating->family), floating);
        if (known) {
            vmn_act_set_mac(actions, VMN_F_ETH_SRC,
                            host_mac(ctx->view, ctx->host));
            vmn_act_next(actions);
        } else {
            vmn_match_mac(flow, VMN_F_ETH_DST, (struct vmn_mac) { { 0 } });
            vmn_act_drop(actions, "neighbour is not known yet");
        }
    }
}

/* Has the bridge of 'from' to the physical network go on passing on what comes
 * for the address, after it has heard from there that the address is on the
 * other side, by an announcement: else it would drop what is on its way, or is
 * sent here still by a switch that takes some time to learn.  A frame to whom
 * it is from goes no further than the bridge, which learns from it.
 *
 * Not on 'to', which hears 'from' announce the address every 5 s until it is
 * activated: that bridge would take the address for its own from the moment
 * that the migration is prepared, and drop what others on 'to' send to it.
 * Nor once the migration is over: the same would become of what others on
 * 'from' send. */
static void
keep_receiving(const struct move *move)
{
    static const struct vmn_mac announced_to[] = {
        { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } }, /* ARP, RARP. */
        { { 0x33, 0x33, 0, 0, 0, 1 } }, /* All nodes: advertisements. */
    };
    const struct gateway_ctx *ctx = move->from;

    for (size_t i = 0; i < sizeof announced_to / sizeof *announced_to; i++) {
        struct vmn_flow *flow = external_flow(ctx, STAGE_INGRESS, IN_ENTER,
                                              ENTER_MIGRATED);
        struct vmn_actions *actions = vmn_flow_actions(flow);

        vmn_match_mac(flow, VMN_F_ETH_SRC, ctx->mac);
        vmn_match_mac(flow, VMN_F_ETH_DST, announced_to[i]);
        vmn_act_set_mac(actions, VMN_F_ETH_DST, ctx->mac);
        if (external_vlan_tci(ctx->network)) {
            vmn_act_set(actions, VMN_F_VLAN_TCI,
                        external_vlan_tci(ctx->network));
        }
        vmn_act_output_in_port(actions);
        if (external_vlan_tci(ctx->network)) {
            vmn_act_set(actions, VMN_F_VLAN_TCI, 0);
        }
        vmn_act_set_mac(actions, VMN_F_ETH_DST, announced_to[i]);
        vmn_act_next(actions);
    }
}

static const struct vmn_vif *
vif_of(const struct gateway_ctx *ctx, const struct vmn_port *port)
{
    return vmn_read_vif(ctx->view, ctx->host, port->iface_id);
}

static void
publish_rarp(const struct gateway_ctx *ctx, const struct vmn_port *port)
{
    vmn_publish(ctx->emit, REL_RARP,
                vmn_printf(ctx->view, "%s|%s", port->row.name, ctx->host),
                vmn_printf(ctx->view, "%s|%s", ctx->network->row.name,
                           vmn_mac_text(ctx->view, ctx->mac)));
}

void
migrating_address(const struct gateway_ctx *active,
                  const struct gateway_ctx *other,
                  const struct vmn_port *port,
                  const struct vmn_binding *binding, const struct vmn_ip *ip,
                  const struct vmn_ip *floating, uint32_t number)
{
    const bool has_left = !binding->candidate;
    const bool activated = has_left || binding->activated;
    struct move move = {
        .to = activated ? active : other,
        .from = activated ? other : active,
    };
    const struct vmn_vif *vif = vif_of(move.to, port);

    /* Also once it is activated, which may come before the announcement. */
    publish_rarp(move.to, port);
    publish_asks_as_host(move.to);
    if (!has_left) {
        keep_receiving(&move);
    }
    if (vif && vif->ofport) {
        move.ofport = vif->ofport;
        send_by_source(&move, ip, floating, number);
        sent_for_other(&move, floating);
    }
}

/* Passes an announcement on to the network of 'what', "NETWORK|MAC", which
 * learns from its source address alone. */
static void
act_rarp(struct vmn_view *view, struct vmn_actions *actions, const char *host,
         const char *what)
{
    const char *name, *text;
    const struct vmn_network *network;
    struct vmn_mac mac;
    uint32_t ofport;

    if (!vmn_key_split_two(view, what, &name, &text)
        || !vmn_mac_from_text(text, &mac)) {
        return;
    }
    network = vmn_read_network(view, name);
    ofport = network ? vmn_provider_ofport(view, network, host) : 0;
    if (ofport) {
        vmn_act_set_mac(actions, VMN_F_ETH_SRC, mac);
        vmn_act_set(actions, VMN_F_VLAN_TCI, external_vlan_tci(network));
        vmn_act_output(actions, ofport);
    }
}

/* Compiles what becomes of the announcements of a port on a host: they end
 * here.  A port may have several floating addresses.  What passes is as a
 * hypervisor makes it (VMN_REL_RARP_PORTS), and seldom: the guest can make it
 * as well. */
void
compile_rarp(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_names addresses = vmn_relation_values(view, REL_RARP,
                                                           key);
    const struct vmn_mac broadcast = {
        { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }
    };
    const struct vmn_port *port;
    const struct vmn_vif *vif;
    const char *name, *host;
    struct vmn_flow *flow;

    if (!vmn_key_split_two(view, key, &name, &host)) {
        return;
    }
    port = vmn_read_port(view, name);
    vif = port ? vmn_read_vif(view, host, port->iface_id) : NULL;
    if (!vif || !vif->ofport) {
        return;
    }
    vmn_publish(emit, VMN_REL_RARP_PORTS, name, host);
    flow = vmn_flow_add(emit, vmn_scope_host(host), STAGE_INGRESS, IN_ENTER,
                        ENTER_RARP);
    vmn_match(flow, VMN_F_IN_PORT, vif->ofport);
    vmn_match(flow, VMN_F_ETH_TYPE, ETH_RARP);
    vmn_match_mac(flow, VMN_F_ETH_DST, broadcast);
    vmn_act_limit_kbps(vmn_flow_actions(flow),
                       vmn_printf(view, "gateway/rarp/%s", name), RARP_KBPS,
                       RARP_BURST_KB);
    for (size_t i = 0; i < addresses.n && i < RARP_OUTPUTS_MAX; i++) {
        act_rarp(view, vmn_flow_actions(flow), host, addresses.names[i]);
    }
}
