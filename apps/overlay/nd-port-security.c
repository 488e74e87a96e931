/* SPDX-License-Identifier: Apache-2.0
 *
 * Port security of neighbour discovery (RFC 4861): a port solicits and
 * advertises only its own addresses, with its own link-layer address.
 *
 * Routers there are none in a network, so what only routers say or are asked
 * is dropped, and so are reports of multicast listeners (RFC 3810), since a
 * network's multicast reaches all of its ports.  Not for IP and ARP
 * (port-security.c), nor for answers (nd-responder.c). */

#include "overlay.h"

/* Everywhere.  ----------------------------------------------------------- */

/* Drops messages whose target and options Open vSwitch does not parse, while
 * their receiver may accept them: the same link-layer address option occurs
 * twice.  Fragments are not visible here; conntrack marks fragments of
 * neighbour discovery as invalid (RFC 6980). */
static void
malformed_base(struct vmn_emit *emit)
{
    static const uint8_t types[] = { VMN_ND_SOLICIT, VMN_ND_ADVERT };
    static const struct vmn_ip none = { .family = 6 };

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct vmn_flow *flow = nd_flow_add(emit, STAGE_ADMIT, ADMIT_ND,
                                            ND_MALFORMED, types[i]);

        vmn_match_ip(flow, VMN_F_ND_TARGET, &none);
        drop(flow, "malformed neighbour discovery");
    }
}

void
nd_security_base(struct vmn_emit *emit)
{
    /* What each guest says, and what only routers do. */
    static const struct {
        uint8_t type;
        const char *reason;
    } usual[] = {
        { 130, "MLD" }, { 131, "MLD" }, { 132, "MLD" }, { 143, "MLD" },
        { 133, "router solicitation" },
    }, unheard[] = {
        { 134, "router advertisement" },
        { 137, "ICMPv6 redirect" },
    };

    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) {
        drop_background(nd_flow_add(emit, STAGE_ADMIT, ADMIT_GUARD,
                                    GUARD_UNSUPPORTED, usual[i].type),
                        usual[i].reason);
    }
    for (size_t i = 0; i < sizeof unheard / sizeof unheard[0]; i++) {
        drop(nd_flow_add(emit, STAGE_ADMIT, ADMIT_GUARD, GUARD_UNSUPPORTED,
                         unheard[i].type), unheard[i].reason);
    }

    malformed_base(emit);

    /* Without a source link-layer address there is nothing to spoof. */
    struct vmn_flow *flow = nd_flow_add(emit, STAGE_ADMIT, ADMIT_ND, ND_OWN,
                                        VMN_ND_SOLICIT);

    vmn_match_mac(flow, VMN_F_ND_SLL, (struct vmn_mac) { { 0 } });
    vmn_act_goto(vmn_flow_actions(flow), STAGE_ADMIT, ADMIT_HOLDER);

    drop(nd_flow_add(emit, STAGE_ADMIT, ADMIT_ND, ND_SPOOFED, VMN_ND_SOLICIT),
         "spoofed");
    drop(nd_flow_add(emit, STAGE_ADMIT, ADMIT_ND, ND_SPOOFED, VMN_ND_ADVERT),
         "spoofed");
    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_ADMIT, ADMIT_ND,
                        PRIORITY_LAST);
    vmn_act_goto(vmn_flow_actions(flow), STAGE_ADMIT, ADMIT_HOLDER);
}

/* Where a port is.  ------------------------------------------------------ */

static struct vmn_flow *
own_add(struct vmn_emit *emit, const struct port_ctx *ctx, unsigned table,
        uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(ctx->host),
                                         STAGE_ADMIT, table, priority);

    vmn_match(flow, VMN_F_IN_PORT, ctx->ofport);
    return flow;
}

/* Lets the port advertise 'prefix' at 'mac', or without a link-layer address,
 * as a reply to a unicast solicitation may be. */
void
nd_security_target(struct vmn_emit *emit, const struct port_ctx *ctx,
                   struct vmn_mac mac, const struct vmn_prefix *prefix)
{
    for (int known = 0; known < 2; known++) {
        struct vmn_flow *flow = own_add(emit, ctx, ADMIT_ND, ND_OWN);

        vmn_match(flow, VMN_F_ICMPV6_TYPE, VMN_ND_ADVERT);
        vmn_match_prefix(flow, VMN_F_ND_TARGET, prefix);
        vmn_match_mac(flow, VMN_F_ND_TLL,
                      known ? (struct vmn_mac) { { 0 } } : mac);
        vmn_act_goto(vmn_flow_actions(flow), STAGE_ADMIT, ADMIT_HOLDER);
    }
}

/* Lets the port send solicitations with 'mac'. */
void
nd_security_mac(struct vmn_emit *emit, const struct port_ctx *ctx,
                struct vmn_mac mac)
{
    const struct vmn_ip none = { .family = 6 };
    struct vmn_flow *flow = own_add(emit, ctx, ADMIT_ND, ND_OWN);

    vmn_match(flow, VMN_F_ICMPV6_TYPE, VMN_ND_SOLICIT);
    vmn_match_mac(flow, VMN_F_ND_SLL, mac);
    vmn_act_goto(vmn_flow_actions(flow), STAGE_ADMIT, ADMIT_HOLDER);

    /* Duplicate address detection has no sender address (RFC 4862, section
     * 5.4.2). */
    flow = own_add(emit, ctx, ADMIT_GUARD, GUARD_OWN);
    vmn_match_mac(flow, VMN_F_ETH_SRC, mac);
    vmn_match(flow, VMN_F_ICMPV6_TYPE, VMN_ND_SOLICIT);
    vmn_match_ip(flow, VMN_F_IPV6_SRC, &none);
    link_local_check_dad(vmn_flow_actions(flow));
    vmn_act_goto(vmn_flow_actions(flow), STAGE_ADMIT, ADMIT_ND);
}

/* Emits what a port with IPv6 has once, whatever its addresses. */
void
nd_security_port(struct vmn_emit *emit, const struct port_ctx *ctx)
{
    struct vmn_flow *flow = own_add(emit, ctx, ADMIT_GUARD, GUARD_PORT);

    vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_IPV6);
    drop(flow, "spoofed");
    link_local_security(emit, ctx);
}
