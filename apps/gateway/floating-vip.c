/* SPDX-License-Identifier: Apache-2.0
 *
 * Virtual IPs with a floating address.  In the balancer's routing domain that
 * is one more virtual IP of the balancer (app loadbalancer), so what comes for
 * it is let in to the router as it is, and balanced at the gateway as that of
 * any client.  An answer of a backend is a packet from a port; whether it
 * answers for the floating address, conntrack knows, in the zone where the
 * gateway has balanced it. */

#include "gateway.h"

#include <stdlib.h>
#include <string.h>

static uint32_t
balance_zone(const struct gateway_ctx *ctx)
{
    return vmn_id_of(ctx->view, VMN_ID_POOL_ZONE,
                     vmn_printf(ctx->view, "balance/%s", ctx->domain));
}

/* In.  -------------------------------------------------------------------- */

static void
emit_in(const struct gateway_ctx *ctx, const struct vmn_ip *ip)
{
    if (ctx->ofport) {
        struct vmn_flow *flow = external_flow(ctx, STAGE_INGRESS, IN_ENTER,
                                              ENTER_LOCAL);

        vmn_match_ip(flow, vmn_field_ip_dst(ip->family), ip);
        act_let_in(ctx, vmn_flow_actions(flow), balance_zone(ctx));
        in_served(ctx, ip);
    }
}

/* Out.  ------------------------------------------------------------------- */

/* Sends what is from the floating address to the next hop. */
static void
act_unbalanced(const struct gateway_ctx *ctx, struct vmn_flow *flow,
               const struct vmn_ip *ip)
{
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match_ip(flow, vmn_field_ip_src(ip->family), ip);
    vmn_act_set(actions, REG_TRANSIT, ctx->transit);
    vmn_act_set(actions, VMN_REG_DST_HOST, VMN_DST_HOST_PROVIDER);
    vmn_act_goto(actions, STAGE_EGRESS, OUT_HOP);
}

/* Emits flows for packets that are from the floating address: that vmnd has
 * sent for a client without a backend, and replies. */
static void
emit_out(const struct gateway_ctx *ctx, const struct vmn_ip *ip)
{
    struct vmn_flow *flow;

    for (size_t i = 0; i < ctx->failover.n; i++) {
        const struct gateway_ctx at = gateway_at(ctx, i);

        act_unbalanced(&at, out_enter_flow(&at, vmn_scope_host(at.host),
                                           ENTER_BALANCED), ip);
    }
    flow = gateway_flow(ctx, STAGE_EGRESS, OUT_UNBALANCED, UNBALANCED_REPLY);
    vmn_match(flow, VMN_REG_NETWORK, ctx->transit);
    act_unbalanced(ctx, flow, ip);
}

static bool
is_in_domain(const struct gateway_ctx *ctx, const struct vmn_loadbalancer *lb)
{
    for (size_t i = 0; i < lb->n_networks; i++) {
        if (!strcmp(vmn_domain_of(ctx->view, lb->networks[i]), ctx->domain)) {
            return true;
        }
    }
    return false;
}

void
balanced(const struct gateway_ctx *ctx, const struct vmn_floating_ip *floating)
{
    const struct vmn_loadbalancer *lb = vmn_read_loadbalancer(
        ctx->view, floating->load_balancer);
    const struct vmn_ip *ip = &floating->ip;

    if (!lb || lb->vip.family != ip->family || !is_in_domain(ctx, lb)) {
        return;
    }
    vmn_publish(ctx->emit, VMN_REL_VIRTUAL_IPS, lb->row.name,
                vmn_printf(ctx->view, "%s|%s", ctx->domain,
                           vmn_ip_text(ctx->view, ip)));
    for (size_t i = 0; i < ctx->failover.n; i++) {
        const struct gateway_ctx at = gateway_at(ctx, i);

        emit_in(&at, ip);
        external_address(&at, ip);
        in_ping(&at, ip);
    }
    emit_out(ctx, ip);
    vmn_publish(ctx->emit, REL_BALANCED, ctx->router->row.name,
                vmn_printf(ctx->view, "%u|%u", ip->family,
                           lb->protocol == VMN_PROTO_UDP ? VMN_IP_PROTO_UDP
                           : VMN_IP_PROTO_TCP));
}

/* What the router's virtual IPs share.  ----------------------------------- */

/* Adds a flow for packets that may be replies of backends. */
static struct vmn_flow *
reply_flow(const struct gateway_ctx *ctx, uint8_t family)
{
    struct vmn_flow *flow = out_enter_flow(ctx, vmn_scope_host(ctx->host),
                                           ENTER_MAY_BE_BALANCED);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(family));
    vmn_act_set(actions, REG_NAT_ZONE, balance_zone(ctx));
    vmn_act_ct(actions, &(struct vmn_ct) { .zone = REG_NAT_ZONE, .nat = true,
                                           .then = VMN_CT_TABLE,
                                           .stage = STAGE_EGRESS,
                                           .table = OUT_UNBALANCED });
    return flow;
}

/* Matches packets of a port here that open a connection: those that were
 * committed in the zone of policies, which leaves them untracked.  There a
 * backend's reply opens none. */
static void
match_opening(struct vmn_flow *flow, uint8_t family, uint8_t protocol)
{
    vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(family));
    vmn_match(flow, VMN_F_IP_PROTO, protocol);
    vmn_match(flow, VMN_REG_SRC_LOCAL, 1);
    vmn_match_masked(flow, VMN_F_CT_STATE, 0, VMN_CT_TRK);
}

/* Emits a flow for packets that open a connection, on the gateway: a datapath
 * passes a packet through conntrack six times at most, as many as one needs
 * that reaches an address which this host serves. */
static struct vmn_flow *
opening_at(const struct gateway_ctx *ctx)
{
    struct vmn_flow *flow = out_enter_flow(ctx, vmn_scope_host(ctx->host),
                                           ENTER_OPENS);

    out_track(ctx, vmn_flow_actions(flow));
    return flow;
}

static void
emit_opening_at(const struct gateway_ctx *ctx, uint8_t family,
                uint8_t protocol)
{
    struct vmn_flow *flow = opening_at(ctx);

    if (protocol == VMN_IP_PROTO_TCP) {
        vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(family));
        vmn_match(flow, VMN_F_IP_PROTO, protocol);
        vmn_match_masked(flow, VMN_F_TCP_FLAGS, VMN_TCP_SYN,
                         VMN_TCP_SYN | VMN_TCP_ACK);
        return;
    }
    match_opening(flow, family, protocol);
    /* Its own host knows that of a packet from a tunnel. */
    flow = opening_at(ctx);
    vmn_match(flow, VMN_F_IN_PORT, VMN_TUNNEL_OFPORT);
    vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(family));
    vmn_match(flow, VMN_F_IP_PROTO, protocol);
    vmn_match_mac(flow, VMN_F_ETH_DST, VMN_EXTERNAL_MAC);
}

/* Emits a flow for such packets that are not of TCP, on all other hosts. */
static void
emit_opening(const struct gateway_ctx *ctx, uint8_t family, uint8_t protocol)
{
    struct vmn_flow *flow;

    if (protocol != VMN_IP_PROTO_TCP) {
        flow = out_enter_flow(ctx, vmn_scope_domain(ctx->domain),
                              ENTER_REMOTE_OPENS);
        match_opening(flow, family, protocol);
        vmn_act_set_mac(vmn_flow_actions(flow), VMN_F_ETH_DST,
                        VMN_EXTERNAL_MAC);
        act_to_gateways(ctx, vmn_flow_actions(flow));
    }
}

/* Emits flows for fragments, of which the first alone has its port, and for
 * ICMP errors. */
static void
emit_family_at(const struct gateway_ctx *ctx, uint8_t family)
{
    vmn_match_masked(reply_flow(ctx, family), VMN_F_IP_FRAG, VMN_FRAG_ANY,
                     VMN_FRAG_ANY);
    if (family == 6) {
        vmn_match(reply_flow(ctx, family), VMN_F_ICMPV6_TYPE,
                  VMN_ICMPV6_UNREACHABLE);
        vmn_match(reply_flow(ctx, family), VMN_F_ICMPV6_TYPE,
                  VMN_ICMPV6_TOO_BIG);
    } else {
        vmn_match(reply_flow(ctx, family), VMN_F_ICMPV4_TYPE,
                  VMN_ICMP_UNREACHABLE);
    }
}

/* Emits where packets go on that are no replies of a virtual IP. */
static void
emit_family(const struct gateway_ctx *ctx, uint8_t family)
{
    struct vmn_flow *flow =
        gateway_flow(ctx, STAGE_EGRESS, OUT_UNBALANCED, UNBALANCED_OTHER);

    vmn_match(flow, VMN_REG_NETWORK, ctx->transit);
    vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(family));
    out_track(ctx, vmn_flow_actions(flow));
}

/* Emits what 'ctx->failover' has for 'protocol' of REL_BALANCED.  Returns its
 * family. */
static uint8_t
emit_protocol(const struct gateway_ctx *ctx, const char *protocol)
{
    const char *parts[2];        /* FAMILY|PROTOCOL. */
    uint8_t family;

    if (vmn_key_split(ctx->view, protocol, parts, 2) < 2) {
        return 0;
    }
    family = atoi(parts[0]);
    emit_opening(ctx, family, atoi(parts[1]));
    for (size_t i = 0; i < ctx->failover.n; i++) {
        const struct gateway_ctx at = gateway_at(ctx, i);

        vmn_match(reply_flow(&at, family), VMN_F_IP_PROTO, atoi(parts[1]));
        emit_opening_at(&at, family, atoi(parts[1]));
    }
    return family;
}

void
balanced_replies(const struct gateway_ctx *ctx)
{
    struct vmn_names names = vmn_relation_values(ctx->view, REL_BALANCED,
                                                 ctx->router->row.name);
    bool some[7] = { false };

    for (size_t i = 0; i < names.n; i++) {
        some[emit_protocol(ctx, names.names[i])] = true;
    }
    for (uint8_t family = 4; family <= 6; family += 2) {
        if (some[family]) {
            emit_family(ctx, family);
            for (size_t i = 0; i < ctx->failover.n; i++) {
                const struct gateway_ctx at = gateway_at(ctx, i);

                emit_family_at(&at, family);
            }
        }
    }
}
