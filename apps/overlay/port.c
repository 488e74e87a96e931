/* SPDX-License-Identifier: Apache-2.0
 *
 * One VM's interface: admitted where it is, answered for and known as a source
 * everywhere in its network, found by its MAC.  Not for what it may send from
 * (port-security.c), what several ports may share (address-pairs.c), nor for
 * ARP and neighbour discovery (arp-responder.c, nd-responder.c).
 *
 * A VM that moves is on two hosts for a while.  The second one, the candidate,
 * holds all that it takes; the first one becomes the candidate in turn.
 * migration.c has what differs meanwhile.  Floods go to the active one only: a
 * VM would hear its own. */

#include "overlay.h"

#include <string.h>

bool
port_ctx_read(struct vmn_view *view, const char *name, struct port_ctx *ctx)
{
    memset(ctx, 0, sizeof *ctx);
    ctx->port = vmn_read_port(view, name);
    if (!ctx->port || !ctx->port->enabled) {
        return false;
    }
    ctx->network = vmn_read_network(view, ctx->port->network);
    if (!ctx->network || !ctx->network->vni) {
        return false;
    }
    ctx->domain = vmn_domain_of(view, ctx->port->network);

    size_t size;
    const void *identity = vmn_query(view, VMN_QUERY_IDENTITY, name, &size);

    if (identity && size == sizeof ctx->identity) {
        memcpy(&ctx->identity, identity, size);
    }
    ctx->isolation = isolation_of_port(view, ctx->port, ctx->network);

    const struct vmn_binding *binding = (ctx->port->external ? NULL
                                         : vmn_read_binding(view, name));

    if (binding && binding->host) {
        const struct vmn_vif *vif = vmn_read_vif(view, binding->host,
                                                 ctx->port->iface_id);

        ctx->host = binding->host;
        ctx->ofport = vif ? vif->ofport : 0;
    }
    if (ctx->host && binding->candidate) {
        const struct vmn_vif *vif = vmn_read_vif(view, binding->candidate,
                                                 ctx->port->iface_id);

        ctx->candidate = binding->candidate;
        ctx->candidate_ofport = vif ? vif->ofport : 0;
        ctx->activated = binding->activated;
    } else if (ctx->host) {
        ctx->former = binding->former;
    }
    return true;
}

/* Adds a flow on 'host' that delivers packets to the port, which has number
 * 'ofport' there. */
static struct vmn_flow *
local_add(struct vmn_emit *emit, const struct port_ctx *ctx, const char *host,
          uint32_t ofport, struct vmn_mac mac, bool is_own)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(host),
                                         STAGE_LOCATE, 0,
                                         is_own ? LOCATE_LOCAL
                                         : LOCATE_LOCAL_PAIR);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    match_network(flow, ctx->network);
    vmn_match_mac(flow, VMN_F_ETH_DST, mac);
    vmn_act_set(actions, VMN_REG_DST_ID, ctx->identity);
    vmn_act_set(actions, VMN_REG_DST_LOCAL, 1);
    vmn_act_set(actions, VMN_REG_OUT_PORT, ofport);
    isolation_next(actions, ctx);
    return flow;
}

/* For an address that is not copied to both hosts (migration.c), a candidate
 * gets what other hosts send to it at once; its own host goes on sending to
 * the active host until the candidate becomes active. */
void
locate_port(struct vmn_view *view, struct vmn_emit *emit,
            const struct port_ctx *ctx, struct vmn_mac mac, bool is_own)
{
    bool provider = is_provider(ctx->network);
    bool copied = (is_own && !ctx->port->unknown && ctx->candidate_ofport
                   && !(provider && ctx->activated));
    uint32_t from = (!ctx->candidate_ofport || copied ? 0
                     : provider ? vmn_provider_ofport(view, ctx->network,
                                                      ctx->candidate)
                     : VMN_TUNNEL_OFPORT);
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    if (!ctx->host && !ctx->port->external) {
        return;
    }

    flow = vmn_flow_add(emit, vmn_scope_domain(ctx->domain), STAGE_LOCATE, 0,
                        is_own ? LOCATE_REMOTE : LOCATE_REMOTE_PAIR);
    match_network(flow, ctx->network);
    vmn_match_mac(flow, VMN_F_ETH_DST, mac);
    actions = vmn_flow_actions(flow);
    vmn_act_set(actions, VMN_REG_DST_ID, ctx->identity);
    if (ctx->port->external) {
        /* Ingress rules are applied here, or nowhere. */
        vmn_act_set(actions, VMN_REG_DST_LOCAL, 1);
    }
    vmn_act_set(actions, VMN_REG_DST_HOST, provider ? VMN_DST_HOST_PROVIDER
                : vmn_id_of(view, VMN_ID_POOL_HOST, ctx->host));
    vmn_act_next(actions);

    if (ctx->ofport) {
        local_add(emit, ctx, ctx->host, ctx->ofport, mac, is_own);
        provider_return(view, emit, ctx, mac);
    }
    if (copied) {
        if (ctx->activated) {
            local_add(emit, ctx, ctx->candidate, ctx->candidate_ofport, mac,
                      true);
        } else {
            locate_on_candidate(view, emit, ctx);
        }
        copies_of_migration(view, emit, ctx);
    }
    if (copied || (is_own && !ctx->port->unknown && ctx->former)) {
        ask_other_host(view, emit, ctx);
    }
    if (from) {
        flow = local_add(emit, ctx, ctx->candidate, ctx->candidate_ofport,
                         mac, is_own);
        vmn_match(flow, VMN_F_IN_PORT, from);
    }
}

/* Everywhere in the network, or in its domain.  -------------------------- */

/* Adds the lookup of the sender's identity.  Addresses that routers forward
 * are looked up in the whole domain, whose networks have no addresses in
 * common; link-local ones only in the network, and by the port's MAC: its
 * guest may have chosen another one, which the sender's host has checked
 * (link-local.c), as this one does with what it knows. */
static void
emit_source(struct vmn_emit *emit, const struct port_ctx *ctx,
            enum vmn_field field, const struct vmn_ip *ip)
{
    bool link_local = vmn_is_link_local(ip);
    bool on_link = field == VMN_F_ARP_SPA || link_local;
    struct vmn_flow *flow = vmn_flow_add(
        emit, on_link ? vmn_scope_network(ctx->network->row.name)
        : vmn_scope_domain(ctx->domain), STAGE_ADMIT, ADMIT_SOURCE,
        link_local && ctx->port->external ? SOURCE_OWN_EXTERNAL : SOURCE_OWN);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    if (on_link) {
        match_network(flow, ctx->network);
    } else {
        match_domain(flow, ctx->zone);
    }
    if (link_local && !ctx->port->external) {
        vmn_match_mac(flow, VMN_F_ETH_SRC, ctx->port->mac);
        vmn_match_prefix(flow, field, &link_local_prefix);
    } else {
        vmn_match_ip(flow, field, ip);
    }
    vmn_act_set(actions, VMN_REG_SRC_ID, ctx->identity);
    if (ctx->port->external) {
        /* Egress rules are applied here, or nowhere. */
        vmn_act_set(actions, VMN_REG_SRC_LOCAL, 1);
    }
    isolation_of_source(actions, ctx);
    if (link_local && !ctx->port->external) {
        link_local_check_source(actions);
        vmn_act_goto(actions, STAGE_ADMIT, ADMIT_HOLDER);
    } else {
        vmn_act_next(actions);
    }
}

/* Emits the flows of one of the port's own addresses. */
static void
emit_address(struct vmn_view *view, struct vmn_emit *emit,
             const struct port_ctx *ctx, const struct vmn_ip *ip)
{
    if (ctx->port->external) {
        emit_source(emit, ctx, vmn_field_ip_src(ip->family), ip);
        return;                 /* The guest replies for itself. */
    }
    if (ip->family == 6) {
        emit_source(emit, ctx, VMN_F_IPV6_SRC, ip);
        nd_of_address(emit, ctx, ip);
        return;
    }
    emit_source(emit, ctx, VMN_F_IPV4_SRC, ip);
    if (vmn_relation_values(view, REL_FLOODS_ARP, ctx->network->row.name).n) {
        emit_source(emit, ctx, VMN_F_ARP_SPA, ip);
    }

    arp_of_address(emit, ctx, ip);
}

/* Where the port is.  ---------------------------------------------------- */

/* Adds the flow that classifies packets from the port. */
static void
classify_add(struct vmn_view *view, struct vmn_emit *emit,
             const struct port_ctx *ctx, bool migrating)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(ctx->host),
                                         STAGE_ADMIT, ADMIT_CLASSIFY,
                                         migrating ? CLASSIFY_MIGRATING
                                         : CLASSIFY_PORT);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_F_IN_PORT, ctx->ofport);
    network_registers(view, actions, ctx->network, ctx->zone);
    if (migrating) {
        classify_migrating(ctx, flow);
    }
    vmn_act_set(actions, VMN_REG_SRC_ID, ctx->identity);
    vmn_act_set(actions, VMN_REG_SRC_LOCAL, 1);
    isolation_of_source(actions, ctx);
    vmn_act_goto(actions, STAGE_ADMIT, ADMIT_GUARD);
}

static void
emit_classify(struct vmn_view *view, struct vmn_emit *emit,
              const struct port_ctx *ctx)
{
    classify_add(view, emit, ctx, false);
    if (ctx->candidate && !strcmp(ctx->host, ctx->candidate)) {
        classify_add(view, emit, ctx, true);
    }
}

static void
emit_local(struct vmn_view *view, struct vmn_emit *emit,
           const struct port_ctx *ctx)
{
    const struct vmn_port *port = ctx->port;
    struct vmn_flow *flow;

    trunk_of_port(view, emit, ctx);
    unknown_of_port_here(view, emit, ctx);
    claims_but_for_port(view, emit, ctx);
    emit_classify(view, emit, ctx);
    flood_to_sender(emit, ctx);
    port_security(view, emit, ctx);
    for (size_t i = 0; i < port->n_ips; i++) {
        if (is_provider(ctx->network)) {
            provider_self(emit, ctx, &port->ips[i]);
        } else if (port->ips[i].family == 4) {
            arp_self(view, emit, ctx, &port->ips[i]);
        }
    }

    if (port_has_ipv6(port)) {
        nd_security_port(emit, ctx);
        nd_of_port(view, emit, ctx);
    }
    if (vmn_is_quarantined(view, port)
        && (port_has_ipv6(port) || port->unknown)) {
        nd_of_quarantined(emit, ctx);
    }
    if (is_provider(ctx->network)) {
        provider_guard_port(view, emit, ctx);
    } else if (!vmn_is_quarantined(view, port)) {
        guard_announcement(view, emit, ctx);
    }
    if (vmn_is_quarantined(view, port)) {
        flow = vmn_flow_add(emit, vmn_scope_host(ctx->host), STAGE_SERVICE,
                            SERVICE_REQUEST, SERVICE_QUARANTINE);
        vmn_match(flow, VMN_F_IN_PORT, ctx->ofport);
        vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_ARP);
        drop(flow, "quarantined");
    }
}

/* Publishes where the port is, or may come to.  A network that no router joins
 * is its own domain, so both relations have the same key. */
static void
publish_host(struct vmn_view *view, struct vmn_emit *emit,
             const struct port_ctx *ctx, const char *host)
{
    const char *network = ctx->network->row.name;

    vmn_publish(emit, VMN_REL_NETWORK_HOSTS, network, host);
    if (strcmp(ctx->domain, network)) {
        vmn_publish(emit, VMN_REL_DOMAIN_HOSTS, ctx->domain, host);
    }
    vmn_publish(emit, REL_LOCAL, vmn_printf(view, "%s|%s", network, host),
                ctx->port->row.name);
    if (is_provider(ctx->network)) {
        vmn_publish(emit, REL_PROVIDER,
                    vmn_printf(view, "%s|%s", network, host),
                    ctx->port->row.name);
    }
}

void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct port_ctx ctx;

    claims_of_port(view, emit, key);
    if (!port_ctx_read(view, key, &ctx)) {
        return;
    }

    struct vmn_ip *ips;
    size_t n_ips = port_ips(view, ctx.port, &ips);

    if (ctx.host || ctx.port->external) {
        ctx.zone = vmn_domain_zone(view, ctx.domain);
    }

    /* A port that is bound nowhere has flows on no host: so its VM's start is
     * one bundle for each host, and no host sends to it earlier. */
    for (size_t i = 0; (ctx.host || ctx.port->external) && i < n_ips;
         i++) {
        emit_address(view, emit, &ctx, &ips[i]);
    }
    if (ctx.host && port_has_ipv6(ctx.port)) {
        link_local_of_port(emit, &ctx);
    }
    publish_pairs(view, emit, &ctx);
    isolation_publish(emit, &ctx);
    if (ctx.isolation) {
        isolation_of_mac(emit, &ctx, ctx.port->mac);
    }
    dhcp_client_source(view, emit, &ctx);
    unknown_of_port(view, emit, &ctx);
    claims_are_checked(emit, &ctx);
    locate_port(view, emit, &ctx, ctx.port->mac, true);
    if (ctx.host) {
        publish_host(view, emit, &ctx, ctx.host);
    }
    if (ctx.candidate) {
        publish_host(view, emit, &ctx, ctx.candidate);
    }
    /* What it is asked to send, or still comes in there, is routed there. */
    if (ctx.former && strcmp(ctx.domain, ctx.network->row.name)) {
        vmn_publish(emit, VMN_REL_DOMAIN_HOSTS, ctx.domain, ctx.former);
    }
    if (ctx.ofport) {
        emit_local(view, emit, &ctx);
    }
    if (ctx.candidate_ofport) {
        struct port_ctx next = ctx;

        next.host = ctx.candidate;
        next.ofport = ctx.candidate_ofport;
        emit_local(view, emit, &next);
    }
}
