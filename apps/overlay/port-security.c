/* SPDX-License-Identifier: Apache-2.0
 *
 * Port security (anti-spoofing): a port sends from its own addresses and from
 * those that it is allowed beside them, IP as well as ARP.  Not for neighbour
 * discovery (nd-port-security.c), ports with 'unknown' (mac-learning.c), nor
 * for what is said without an address (unaddressed.c). */

#include "overlay.h"

static struct vmn_flow *
guard_add(struct vmn_emit *emit, const struct port_ctx *ctx,
          struct vmn_mac mac, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(ctx->host),
                                         STAGE_ADMIT, ADMIT_GUARD, priority);

    vmn_match(flow, VMN_F_IN_PORT, ctx->ofport);
    vmn_match_mac(flow, VMN_F_ETH_SRC, mac);
    return flow;
}

/* Lets the port answer DHCP clients from 'prefix' with 'mac'. */
static void
emit_dhcp_server(struct vmn_emit *emit, const struct port_ctx *ctx,
                 struct vmn_mac mac, const struct vmn_prefix *ip)
{
    struct vmn_flow *flow = guard_add(emit, ctx, mac, GUARD_DHCP_SERVER);

    vmn_match_prefix(flow, vmn_field_ip_src(ip->ip.family), ip);
    match_dhcp_server(flow, ip->ip.family);
    vmn_act_next(vmn_flow_actions(flow));
}

/* Lets the port send from 'prefix' with 'mac'.  If that is more than one
 * address, some of them may be claimed by others. */
static void
emit_guard(struct vmn_emit *emit, const struct port_ctx *ctx,
           struct vmn_mac mac, const struct vmn_prefix *ip)
{
    bool check = port_has_prefix(ctx->port);
    struct vmn_flow *flow;

    flow = guard_add(emit, ctx, mac, GUARD_OWN);
    if (ip->ip.family == 6) {
        vmn_match_prefix(flow, VMN_F_IPV6_SRC, ip);
        if (check) {
            vmn_act_set(vmn_flow_actions(flow), REG_CHECK, CHECK_ANNOUNCED);
        }
        vmn_act_goto(vmn_flow_actions(flow), STAGE_ADMIT, ADMIT_ND);
        nd_security_target(emit, ctx, mac, ip);
        return;
    }
    vmn_match_prefix(flow, VMN_F_IPV4_SRC, ip);
    vmn_act_next(vmn_flow_actions(flow));

    flow = guard_add(emit, ctx, mac, GUARD_OWN);
    vmn_match_prefix(flow, VMN_F_ARP_SPA, ip);
    vmn_match_mac(flow, VMN_F_ARP_SHA, mac);
    if (check && ip->len < 32) {
        vmn_act_set(vmn_flow_actions(flow), REG_CHECK, CHECK_ANNOUNCED);
        vmn_act_goto(vmn_flow_actions(flow), STAGE_ADMIT, ADMIT_ND);
    } else {
        vmn_act_next(vmn_flow_actions(flow));
    }
}

static void
emit_guards(struct vmn_view *view, struct vmn_emit *emit,
            const struct port_ctx *ctx, struct vmn_mac mac)
{
    struct vmn_prefix *prefixes;
    size_t n = port_prefixes(view, ctx->port, mac, &prefixes);
    bool v6 = false;

    for (size_t i = 0; i < n; i++) {
        emit_guard(emit, ctx, mac, &prefixes[i]);
        if (ctx->port->dhcp_server) {
            emit_dhcp_server(emit, ctx, mac, &prefixes[i]);
        }
        v6 |= prefixes[i].ip.family == 6;
    }
    if (v6) {
        nd_security_mac(emit, ctx, mac);
    }
}

void
port_security(struct vmn_view *view, struct vmn_emit *emit,
              const struct port_ctx *ctx)
{
    const struct vmn_port *port = ctx->port;
    struct vmn_flow *flow;

    emit_guards(view, emit, ctx, port->mac);
    for (size_t i = 0; i < port->n_allowed_addresses; i++) {
        if (pair_has_new_mac(port, i)) {
            emit_guards(view, emit, ctx,
                        pair_mac(port, vmn_address_pair_at(port, i)));
        }
    }

    dhcp_client_of_port(view, emit, ctx);

    /* An address probe has no sender address (RFC 5227, section 1.1). */
    flow = guard_add(emit, ctx, port->mac, GUARD_OWN);
    vmn_match(flow, VMN_F_ARP_OP, 1);
    vmn_match(flow, VMN_F_ARP_SPA, 0);
    vmn_match_mac(flow, VMN_F_ARP_SHA, port->mac);
    vmn_act_next(vmn_flow_actions(flow));
}
