/* SPDX-License-Identifier: Apache-2.0
 *
 * Source NAT at the gateway: connections to an external network get a router's
 * address, and a port of their sender's share; and what NAT of both directions
 * has in common.  Not for port forwards (inbound.c) nor for floating addresses
 * (floating-ip.c). */

#include "gateway.h"

/* Source ports that NAT allocates in shares: from this one... */
#define PORT_FIRST 1024
/* ...up to those that are kept, a power of two: a port is below if that bit of
 * it is not set... */
#define PORT_KEPT 0x8000
/* ...or up to the last, where none is kept. */
#define PORT_END 0x10000

static struct vmn_flow *
nat_flow(const struct gateway_ctx *ctx, uint8_t family, unsigned stage,
         unsigned table, uint16_t priority, unsigned state, unsigned mask)
{
    struct vmn_flow *flow = gateway_flow(ctx, stage, table, priority);

    vmn_match(flow, REG_TRANSIT, ctx->transit);
    vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(family));
    vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | state,
                     VMN_CT_TRK | mask);
    return flow;
}

/* Adds a flow for packets of the connections with this mark. */
static struct vmn_flow *
marked_flow(const struct gateway_ctx *ctx, uint8_t family, unsigned stage,
            uint16_t priority, uint32_t mark, uint32_t mask)
{
    struct vmn_flow *flow = nat_flow(ctx, family, stage,
                                     stage == STAGE_INGRESS ? IN_NAT
                                     : OUT_NAT, priority, 0, VMN_CT_INV);

    vmn_match_masked(flow, VMN_F_CT_MARK, mark, mask);
    return flow;
}

/* FNV-1a, of 32 bits. */
static uint32_t
mix(uint32_t hash, const void *bytes_, size_t size)
{
    const uint8_t *bytes = bytes_;

    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * UINT32_C(16777619);
    }
    return hash;
}

static uint32_t
mix_ip(uint32_t hash, const struct vmn_ip *ip)
{
    return ip ? mix(hash, ip->addr, ip->family == 4 ? 4 : 16) : hash;
}

uint32_t
translation_mark(const struct translation *t)
{
    const uint16_t ports[] = { t->protocol, t->outer_port, t->inner_port };
    uint32_t hash = mix_ip(mix_ip(UINT32_C(2166136261), t->outer), t->inner);

    return mix(hash, ports, sizeof ports) | MARK_TRANSLATED;
}

/* Emits how errors about replies to a connection from inside, and answers of
 * gone.c, leave this host, which need not be the gateway: NAT changes back
 * what they quote.  They are from and to the MAC addresses that the handler
 * has chosen (apps/router/icmp-error.c), so no neighbour has to be known; and
 * an address that this host serves gets them. */
void
nat_own(const struct gateway_ctx *ctx, uint8_t family)
{
    struct vmn_flow *flow = gateway_flow(ctx, STAGE_EGRESS, OUT_ENTER,
                                         ENTER_OWN);
    struct vmn_actions *actions;

    vmn_match(flow, VMN_REG_NETWORK, ctx->transit);
    vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_PROVIDER);
    vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(family));
    out_track(ctx, vmn_flow_actions(flow));

    flow = nat_flow(ctx, family, STAGE_EGRESS, OUT_NAT, NAT_OWN, 0,
                    VMN_CT_NEW);
    vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_PROVIDER);
    actions = vmn_flow_actions(flow);
    vmn_act_set(actions, VMN_REG_NETWORK, ctx->network->vni);
    vmn_act_set(actions, VMN_REG_NEIGHBOUR_STATE, VMN_NEIGHBOUR_REACHABLE);
    vmn_act_goto(actions, STAGE_EGRESS, OUT_SEND);
}

/* Has OUT_HOP take new connections that are not translated.  It sets the
 * register itself, later. */
static struct vmn_flow *
not_translated(struct vmn_flow *flow)
{
    vmn_act_set(vmn_flow_actions(flow), VMN_REG_DST_HOST,
                VMN_DST_HOST_PROVIDER);
    return flow;
}

void
nat_allow(const struct gateway_ctx *ctx, const struct translation *t)
{
    static const struct {
        unsigned stage, next;
    } ways[] = { { STAGE_INGRESS, IN_ROUTE }, { STAGE_EGRESS, OUT_HOP } };

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct vmn_flow *flow = marked_flow(ctx, t->family, ways[i].stage,
                                            NAT_OPEN, translation_mark(t),
                                            UINT32_MAX);

        if (!t->outer && ways[i].stage == STAGE_EGRESS) {
            not_translated(flow);
        }
        vmn_act_goto(vmn_flow_actions(flow), ways[i].stage, ways[i].next);
    }
}

/* Emits flows, in both directions, for connections whose mark no other flow
 * has: what they were translated by is gone.  The switch forgets them, and
 * what is sent again opens another one.  Conntrack calls a connection new
 * until there is a reply, so this precedes the flows for new ones. */
static void
nat_gone(const struct gateway_ctx *ctx, uint8_t family)
{
    static const unsigned stages[] = { STAGE_INGRESS, STAGE_EGRESS };

    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        bool in = stages[i] == STAGE_INGRESS;
        unsigned table = in ? IN_NAT : OUT_NAT;
        struct vmn_actions *actions = vmn_flow_actions(marked_flow(
            ctx, family, stages[i], NAT_GONE, MARK_TRANSLATED,
            MARK_TRANSLATED));

        vmn_act_punt(actions, HANDLER_FORGET, in ? FORGET_FROM_OUTSIDE : 0,
                     VMN_REJECT_QUOTED_MAX);
        vmn_act_drop(actions, "translation is gone");
        vmn_act_drop(vmn_flow_actions(nat_flow(
            ctx, family, stages[i], table, NAT_INVALID, VMN_CT_INV,
            VMN_CT_INV)), "invalid state");
    }
}

/* A switch whose datapath is in userspace passes on what it finds no address
 * and port for, or no room in conntrack (a limit of the zone, its own
 * maximum), as it came: with a guest's address.  VMN_REG_DST_HOST is another
 * one where nothing is to be translated (not_translated()). */
static void
nat_untranslated(const struct gateway_ctx *ctx, uint8_t family)
{
    struct vmn_flow *flow = nat_flow(ctx, family, STAGE_EGRESS, OUT_HOP,
                                     HOP_UNTRANSLATED, VMN_CT_NEW,
                                     VMN_CT_NEW | VMN_CT_SNAT);

    vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_EXTERNAL);
    vmn_act_drop(vmn_flow_actions(flow), "no room for NAT");
}

struct vmn_flow *
nat_new(const struct gateway_ctx *ctx, uint8_t family, unsigned stage,
        unsigned table, uint16_t priority)
{
    return nat_flow(ctx, family, stage, table, priority, VMN_CT_NEW,
                    VMN_CT_NEW);
}

/* Sets the mark of the connection that is committed next. */
static void
act_mark(struct vmn_actions *actions, const struct translation *t)
{
    vmn_act_set(actions, REG_MARK, translation_mark(t));
}

void
nat_commit(struct vmn_flow *flow, unsigned stage, const struct translation *t)
{
    bool in = stage == STAGE_INGRESS;
    struct vmn_ct ct = {
        .commit = true,
        .zone = REG_NAT_ZONE,
        .nat = t->outer != NULL,
        .then = VMN_CT_TABLE,
        .stage = stage,
        .table = in ? IN_ROUTE : OUT_HOP,
        .mark = true,
        .mark_from = REG_MARK,
    };

    if (t->outer && in) {
        ct.dnat = *t->inner;
        ct.dnat_port = t->inner_port;
    } else if (t->outer) {
        ct.snat = *t->outer;
    }
    act_mark(vmn_flow_actions(flow), t);
    vmn_act_ct(vmn_flow_actions(flow), &ct);
}

static struct translation
snat_of(const struct gateway_ctx *ctx, uint8_t family)
{
    return (struct translation) {
        .family = family, .outer = first_external(ctx->router, family),
    };
}

/* Emits source NAT for all other connections.  They keep their source port if
 * it is free, so another gateway does the same and continues established
 * connections.  So that one guest cannot take all ports, those below PORT_KEPT
 * are given out in shares, of which the sender's address selects one; clients
 * usually have source ports above.  A connection whose port is taken there
 * gets any other port, so two guests together can take all, unless the router
 * is strict: then a connection has a port of its sender's share, whatever its
 * source port.  A switch hides the ports of fragments, so these have shares,
 * too. */
static void
out_share(const struct gateway_ctx *ctx, uint8_t family, uint32_t share,
          unsigned n_bits, uint32_t size)
{
    const struct translation t = snat_of(ctx, family);
    const struct vmn_ct ct = {
        .commit = true,
        .zone = REG_NAT_ZONE,
        .nat = true,
        .snat = *t.outer,
        .then = VMN_CT_TABLE,
        .stage = STAGE_EGRESS,
        .table = OUT_HOP,
        .mark = true,
        .mark_from = REG_MARK,
    };
    static const struct {
        enum vmn_field port;
        uint8_t ip_proto;       /* 0: fragments of any. */
    } kinds[] = {
        { VMN_F_TCP_SRC, 6 }, { VMN_F_UDP_SRC, 17 }, { VMN_N_FIELDS, 0 },
    };
    uint16_t first = PORT_FIRST + share * size;

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        bool fragment = !kinds[i].ip_proto;
        struct vmn_flow *flow = nat_new(ctx, family, STAGE_EGRESS, OUT_NAT,
                                        NAT_SHARE);

        vmn_match_low_bits(flow, vmn_field_ip_src(family), share, n_bits);
        vmn_match_masked(flow, VMN_F_IP_FRAG, fragment ? VMN_FRAG_ANY : 0,
                         VMN_FRAG_ANY);
        if (!fragment && ctx->router->external.strict_port_shares) {
            vmn_match(flow, VMN_F_IP_PROTO, kinds[i].ip_proto);
        } else if (!fragment) {
            vmn_match_masked(flow, kinds[i].port, 0, PORT_KEPT);
        }
        act_mark(vmn_flow_actions(flow), &t);
        vmn_act_ct_snat_ports(vmn_flow_actions(flow), &ct, first,
                              first + size - 1);
    }
}

static void
out_shares(const struct gateway_ctx *ctx, uint8_t family)
{
    const struct vmn_external *external = &ctx->router->external;
    uint32_t end = external->strict_port_shares ? PORT_END : PORT_KEPT;
    uint32_t n = external->port_shares;
    unsigned n_bits = 0;

    n = n ? n : VMN_PORT_SHARES_DEFAULT;
    while (n >> (n_bits + 1)) {
        n_bits++;
    }
    for (uint32_t i = 0; n_bits && i < UINT32_C(1) << n_bits; i++) {
        out_share(ctx, family, i, n_bits, (end - PORT_FIRST) >> n_bits);
    }
}

struct translation
exempt_of(const struct gateway_ctx *ctx, size_t i)
{
    const struct vmn_external *external = &ctx->router->external;

    return (struct translation) {
        .family = external->exempt[i].ip.family,
        .inner = &external->exempt[i].ip,
        .inner_port = external->exempt[i].len,
    };
}

void
snat_served(const struct gateway_ctx *ctx, const struct vmn_ip *ip)
{
    const struct vmn_external *external = &ctx->router->external;
    const struct translation own = snat_of(ctx, ip->family);
    struct vmn_flow *flow;

    if (external->routed || external->n_exempt) {
        flow = nat_new(ctx, ip->family, STAGE_EGRESS, OUT_NAT, NAT_SERVED);
        vmn_match_ip(flow, vmn_field_ip_dst(ip->family), ip);
        nat_commit(flow, STAGE_EGRESS, &own);
    }
}

void
snat_router(const struct gateway_ctx *ctx, uint8_t family)
{
    const struct vmn_external *external = &ctx->router->external;
    const struct translation all = (external->routed
                                    ? (struct translation) { .family = family }
                                    : snat_of(ctx, family));
    struct vmn_flow *flow;

    nat_gone(ctx, family);
    nat_untranslated(ctx, family);
    for (size_t i = 0; i < external->n_exempt; i++) {
        const struct translation exempt = exempt_of(ctx, i);

        if (exempt.family == family) {
            flow = nat_new(ctx, family, STAGE_EGRESS, OUT_NAT, NAT_EXEMPT);
            vmn_match_prefix(flow, vmn_field_ip_dst(family),
                             &external->exempt[i]);
            nat_commit(not_translated(flow), STAGE_EGRESS, &exempt);
            nat_allow(ctx, &exempt);
        }
    }
    flow = nat_new(ctx, family, STAGE_EGRESS, OUT_NAT, NAT_DEFAULT);
    if (external->routed) {
        const struct translation served = snat_of(ctx, family);

        not_translated(flow);
        nat_allow(ctx, &served);
    } else {
        out_shares(ctx, family);
    }
    nat_commit(flow, STAGE_EGRESS, &all);
    nat_allow(ctx, &all);
}
