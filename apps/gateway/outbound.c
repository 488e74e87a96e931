/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets to an external network: to the gateway, through NAT, and to the next
 * hop. */

#include "gateway.h"

/* Source ports that NAT allocates in shares: from this one... */
#define PORT_FIRST 1024
/* ...up to those that are kept, a power of two: a port is below if that bit of
 * it is not set... */
#define PORT_KEPT 0x8000
/* ...or up to the last, where none is kept. */
#define PORT_END 0x10000

/* NAT, of both directions.  ---------------------------------------------- */

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

void
nat_open(const struct gateway_ctx *ctx, uint8_t family, unsigned stage,
         unsigned table, unsigned next)
{
    vmn_act_drop(vmn_flow_actions(nat_flow(ctx, family, stage, table,
                                           NAT_INVALID, VMN_CT_INV,
                                           VMN_CT_INV)),
                 "invalid state");
    vmn_act_goto(vmn_flow_actions(nat_flow(ctx, family, stage, table,
                                           NAT_OPEN, 0, VMN_CT_NEW)),
                 stage, next);
}

struct vmn_flow *
nat_new(const struct gateway_ctx *ctx, uint8_t family, unsigned stage,
        unsigned table, uint16_t priority)
{
    return nat_flow(ctx, family, stage, table, priority, VMN_CT_NEW,
                    VMN_CT_NEW);
}

void
nat_commit(struct vmn_flow *flow, unsigned stage, unsigned next,
           const struct vmn_ip *snat, const struct vmn_ip *dnat,
           uint16_t dnat_port)
{
    struct vmn_ct ct = {
        .commit = true,
        .zone = REG_NAT_ZONE,
        .nat = snat || dnat,
        .then = VMN_CT_TABLE,
        .stage = stage,
        .table = next,
    };

    if (snat) {
        ct.snat = *snat;
    }
    if (dnat) {
        ct.dnat = *dnat;
        ct.dnat_port = dnat_port;
    }
    vmn_act_ct(vmn_flow_actions(flow), &ct);
}

/* Resolves the neighbour that OUT_HOP did not find: from floating IP number
 * 'floating', or from the router (0). */
static void
act_resolve(struct vmn_actions *actions, uint32_t floating)
{
    vmn_act_punt(actions, HANDLER_RESOLVE, floating, 64);
    vmn_act_drop(actions, "neighbour is not known yet");
}

/* To the gateway.  ------------------------------------------------------- */

struct vmn_flow *
out_enter_flow(const struct gateway_ctx *ctx, struct vmn_scope scope,
               uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(ctx->emit, scope, STAGE_EGRESS,
                                         OUT_ENTER, priority);

    vmn_match(flow, VMN_REG_NETWORK, ctx->transit);
    vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_EXTERNAL);
    return flow;
}

void
out_track(const struct gateway_ctx *ctx, struct vmn_actions *actions)
{
    vmn_act_set(actions, REG_NAT_ZONE, ctx->nat_zone);
    vmn_act_set(actions, REG_TRANSIT, ctx->transit);
    vmn_act_ct(actions, &(struct vmn_ct) { .zone = REG_NAT_ZONE, .nat = true,
                                           .then = VMN_CT_TABLE,
                                           .stage = STAGE_EGRESS,
                                           .table = OUT_NAT });
}

/* Sends what a port with address 'ip' sends to the external network out of
 * this host, which serves its floating IP 'floating'. */
void
outbound_distributed(const struct gateway_ctx *ctx, const struct vmn_ip *ip,
                     const struct vmn_ip *floating, uint32_t number)
{
    struct vmn_scope scope = vmn_scope_host(ctx->host);
    struct vmn_flow *flow = out_enter_flow(ctx, scope, ENTER_DISTRIBUTED);
    struct vmn_actions *actions;

    vmn_match_ip(flow, vmn_field_ip_src(ip->family), ip);
    out_track(ctx, vmn_flow_actions(flow));

    for (int known = 0; known < 2; known++) {
        flow = vmn_flow_add(ctx->emit, scope, STAGE_EGRESS, OUT_SEND,
                            known ? SEND_DISTRIBUTED
                            : SEND_DISTRIBUTED_UNKNOWN);
        actions = vmn_flow_actions(flow);
        vmn_match(flow, REG_TRANSIT, ctx->transit);
        vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_PROVIDER);
        vmn_match_ip(flow, vmn_field_ip_src(floating->family), floating);
        if (known) {
            vmn_act_set_mac(actions, VMN_F_ETH_SRC, ctx->mac);
            vmn_act_next(actions);
        } else {
            vmn_match_mac(flow, VMN_F_ETH_DST, (struct vmn_mac) { { 0 } });
            act_resolve(actions, number);
        }
    }
}

static void
out_enter(const struct gateway_ctx *ctx)
{
    struct vmn_flow *flow = out_enter_flow(
        ctx, vmn_scope_domain(ctx->domain), ENTER_REMOTE);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    if (!ctx->host) {
        vmn_act_drop(actions, "no gateway");
        return;
    }
    vmn_act_set(actions, VMN_REG_DST_HOST,
                vmn_id_of(ctx->view, VMN_ID_POOL_HOST, ctx->host));
    vmn_act_next(actions);

    for (size_t i = 0; i < N_FAMILIES; i++) {
        if (first_external(ctx->router, families[i])) {
            flow = out_enter_flow(ctx, vmn_scope_host(ctx->host),
                                  ENTER_LOCAL);
            vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(families[i]));
            out_track(ctx, vmn_flow_actions(flow));
        }
    }
}

/* At the gateway.  ------------------------------------------------------- */

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
    const struct vmn_ct ct = {
        .commit = true,
        .zone = REG_NAT_ZONE,
        .nat = true,
        .snat = *first_external(ctx->router, family),
        .then = VMN_CT_TABLE,
        .stage = STAGE_EGRESS,
        .table = OUT_HOP,
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

static void
out_nat(const struct gateway_ctx *ctx, uint8_t family)
{
    const struct vmn_external *external = &ctx->router->external;
    struct vmn_flow *flow;

    nat_open(ctx, family, STAGE_EGRESS, OUT_NAT, OUT_HOP);
    for (size_t i = 0; i < external->n_exempt; i++) {
        if (external->exempt[i].ip.family == family) {
            flow = nat_new(ctx, family, STAGE_EGRESS, OUT_NAT, NAT_EXEMPT);
            vmn_match_prefix(flow, vmn_field_ip_dst(family),
                             &external->exempt[i]);
            nat_commit(flow, STAGE_EGRESS, OUT_HOP, NULL, NULL, 0);
        }
    }
    if (!external->routed) {
        out_shares(ctx, family);
    }
    nat_commit(nat_new(ctx, family, STAGE_EGRESS, OUT_NAT, NAT_DEFAULT),
               STAGE_EGRESS, OUT_HOP,
               external->routed ? NULL : first_external(ctx->router, family),
               NULL, 0);
}

/* Looks up the neighbour 'next', or if that is NULL, the destination. */
static void
act_neighbour(struct vmn_actions *actions, uint8_t family,
              const struct vmn_ip *next)
{
    for (unsigned i = 0; i < (family == 6 ? 4 : 1); i++) {
        enum vmn_field reg = (family == 6 ? VMN_REG_NEIGHBOUR6 + i
                              : VMN_REG_NEIGHBOUR4);

        if (next) {
            const uint8_t *p = &next->addr[4 * i];

            vmn_act_set(actions, reg, (uint32_t) p[0] << 24 | p[1] << 16
                        | p[2] << 8 | p[3]);
        } else {
            vmn_act_move_bits(actions, vmn_field_ip_dst(family),
                              family == 6 ? 96 - 32 * i : 0, reg, 0, 32);
        }
    }
}

/* Sends packets to the next hop 'next', a gateway, or to their own destination
 * (NULL). */
static void
out_to(const struct gateway_ctx *ctx, struct vmn_flow *flow, uint8_t family,
       const struct vmn_ip *next)
{
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, REG_TRANSIT, ctx->transit);
    vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(family));
    act_neighbour(actions, family, next);
    vmn_act_set(actions, VMN_REG_NETWORK, ctx->network->vni);
    vmn_act_set(actions, VMN_REG_DST_HOST, VMN_DST_HOST_PROVIDER);
    vmn_act_set_mac(actions, VMN_F_ETH_SRC, ctx->router->mac);
    vmn_act_find_neighbour(actions);
    vmn_act_goto(actions, STAGE_EGRESS, OUT_SEND);
}

static void
out_hop(const struct gateway_ctx *ctx, uint8_t family)
{
    const struct vmn_ip *next = next_hop(ctx->network, family);

    for (size_t i = 0; i < ctx->network->n_subnets; i++) {
        const struct vmn_prefix *cidr = &vmn_subnet_at(ctx->network, i)->cidr;

        if (cidr->ip.family == family) {
            struct vmn_flow *flow = gateway_flow(ctx, STAGE_EGRESS, OUT_HOP,
                                                 HOP_LINK + cidr->len);

            vmn_match_prefix(flow, vmn_field_ip_dst(family), cidr);
            out_to(ctx, flow, family, NULL);
        }
    }
    if (next) {
        out_to(ctx, gateway_flow(ctx, STAGE_EGRESS, OUT_HOP, HOP_FURTHER),
               family, next);
    }
}

void
out_router(const struct gateway_ctx *ctx)
{
    out_enter(ctx);
    for (size_t i = 0; i < N_FAMILIES; i++) {
        if (first_external(ctx->router, families[i])) {
            out_nat(ctx, families[i]);
            out_hop(ctx, families[i]);
        }
    }
}

void
out_base(struct vmn_emit *emit)
{
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    /* From the external network, and for another host: there the flag tells
     * where it came from. */
    flow = vmn_flow_add(emit, vmn_scope_relation(REL_HOSTS, ""), STAGE_EGRESS,
                        OUT_ENTER, ENTER_FROM_EXTERNAL);
    vmn_match(flow, VMN_REG_DST_LOCAL, 0);
    vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_EXTERNAL,
                     VMN_FLAG_EXTERNAL);
    actions = vmn_flow_actions(flow);
    vmn_act_set_mac(actions, VMN_F_ETH_SRC, VMN_EXTERNAL_MAC);
    vmn_act_next(actions);

    flow = vmn_flow_add(emit, vmn_scope_relation(REL_HOSTS, ""), STAGE_EGRESS,
                        OUT_SEND, ONLY);
    vmn_match_mac(flow, VMN_F_ETH_DST, (struct vmn_mac) { { 0 } });
    actions = vmn_flow_actions(flow);
    act_resolve(actions, 0);

    /* While resolution is in progress, no further requests are sent. */
    flow = vmn_flow_add(emit, vmn_scope_relation(REL_HOSTS, ""), STAGE_EGRESS,
                        OUT_SEND, SEND_INCOMPLETE);
    vmn_match_mac(flow, VMN_F_ETH_DST, VMN_NEIGHBOUR_INCOMPLETE);
    vmn_act_drop(vmn_flow_actions(flow), "neighbour does not answer");
}
