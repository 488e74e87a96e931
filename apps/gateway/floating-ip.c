/* SPDX-License-Identifier: Apache-2.0
 *
 * Floating addresses of ports: NAT in both directions, at the gateway or
 * distributed.  Not for those of virtual IPs (floating-vip.c). */

#include "gateway.h"

const struct vmn_ip *
first_ip(const struct vmn_port *port, uint8_t family)
{
    for (size_t i = 0; i < port->n_ips; i++) {
        if (port->ips[i].family == family) {
            return &port->ips[i];
        }
    }
    return NULL;
}

/* Returns the locally administered MAC of floating IP 'number'. */
struct vmn_mac
floating_mac(uint32_t number)
{
    return (struct vmn_mac) VMN_RESERVED_MAC(VMN_RESERVED_MAC_FLOATING,
                                             number);
}

/* Sets the host of 'ctx' to 'host' (NULL: none), for floating IP 'number'.
 * Returns false if it is not connected to the external network. */
static bool
send_distributed(struct gateway_ctx *ctx, const char *host, uint32_t number)
{
    uint32_t ofport = (host ? vmn_provider_ofport(ctx->view, ctx->network,
                                                  host) : 0);

    if (!ofport) {
        return false;
    }
    ctx->failover = (struct vmn_names) { 0, NULL };
    ctx->rank = 0;
    ctx->host = host;
    ctx->ofport = ofport;
    ctx->mac = floating_mac(number);
    vmn_publish(ctx->emit, REL_GATEWAY_HOSTS, ctx->router->row.name,
                ctx->host);
    vmn_publish(ctx->emit, REL_HOSTS, "", ctx->host);
    arp_learn(ctx);
    return true;
}

/* Serves the address at the port's host, which is that of 'ctx' then, if that
 * is connected to the external network.  While the port migrates, and for a
 * while after that, its other host passes on what gets there, and sends what
 * comes from the guest there (migrating.c); but it neither answers for it nor
 * announces it by itself. */
static void
distribute(struct gateway_ctx *ctx, const struct vmn_port *port,
           const struct vmn_ip *ip, const struct vmn_floating_ip *floating,
           uint32_t number)
{
    const struct vmn_binding *binding
        = (port->external || !port->enabled ? NULL
           : vmn_read_binding(ctx->view, port->row.name));
    const struct gateway_ctx gateway = *ctx;
    struct gateway_ctx other = *ctx;

    if (!binding || !send_distributed(ctx, binding->host, number)) {
        return;
    }
    outbound_distributed(ctx, ip, &floating->ip, number);
    in_from_port(ctx);
    in_address(ctx, &floating->ip);
    external_address(ctx, &floating->ip);
    /* Where it has migrated to: a switch forgets what it has learned by a flow
     * that goes.  Always, since nobody can tell any more where that is. */
    publish_asks(ctx);
    if (!vmn_other_host(binding)) {
        replies_to_gateway(&gateway, binding->host, ip);
    }
    if (send_distributed(&other, vmn_other_host(binding), number)) {
        outbound_distributed(&other, ip, &floating->ip, number);
        in_from_port(&other);
        in_address(&other, &floating->ip);
        migrating_address(ctx, &other, port, binding, ip, &floating->ip,
                          number);
    }
}

/* Claims the address in the external network, whether or not a host serves it
 * at the moment. */
static void
claim(struct vmn_view *view, struct vmn_emit *emit,
      const struct vmn_floating_ip *floating)
{
    const struct vmn_router *router = vmn_read_router(view, floating->router);

    if (router && router->external.network) {
        vmn_claim_ip(view, emit, router->external.network, &floating->ip);
    }
}

void
compile_floating_ip(struct vmn_view *view, const char *key,
                    struct vmn_emit *emit)
{
    const struct vmn_floating_ip *floating = vmn_read_floating_ip(view, key);
    const struct vmn_port *port;
    const struct vmn_ip *ip;
    struct translation t;
    struct vmn_flow *flow;
    struct gateway_ctx ctx;
    uint32_t number;
    uint8_t family;

    if (!floating) {
        return;
    }
    claim(view, emit, floating);
    if (!gateway_ctx_read(view, emit, floating->router, &ctx)) {
        return;
    }
    if (floating->load_balancer) {
        balanced(&ctx, floating);
        return;
    }
    port = vmn_read_port(view, floating->port);
    family = floating->ip.family;
    ip = port ? first_ip(port, family) : NULL;
    if (!ip) {
        return;
    }
    number = vmn_id_of(view, ID_POOL_FLOATING, key);
    distribute(&ctx, port, ip, floating, number);
    for (size_t i = 0; i < ctx.failover.n; i++) {
        const struct gateway_ctx at = gateway_at(&ctx, i);

        in_address(&at, &floating->ip);
        external_address(&at, &floating->ip);
    }

    if (first_external(ctx.router, family)) {
        snat_served(&ctx, &floating->ip);
    }
    t = (struct translation) {
        .family = family, .outer = &floating->ip, .inner = ip,
    };
    flow = nat_new(&ctx, family, STAGE_INGRESS, IN_NAT, NAT_FLOATING);
    vmn_match_ip(flow, vmn_field_ip_dst(family), &floating->ip);
    nat_commit(flow, STAGE_INGRESS, &t);

    flow = nat_new(&ctx, family, STAGE_EGRESS, OUT_NAT, NAT_FLOATING);
    vmn_match_ip(flow, vmn_field_ip_src(family), ip);
    nat_commit(flow, STAGE_EGRESS, &t);
    nat_allow(&ctx, &t);
}
