/* SPDX-License-Identifier: Apache-2.0
 *
 * Link-local addresses of IPv6 that guests choose themselves (RFC 7217, RFC
 * 8981): a port may use each one that no other port of its network holds,
 * first come, first served (FCFS SAVI, RFC 6620).  Switches learn the holder
 * from duplicate address detection, which reaches all hosts of the network,
 * and from what the holder sends.  Not for the address that follows from a
 * port's MAC and for allowed ones (port-security.c, nd-port-security.c), which
 * are a port's whether it uses them or not: no other port may claim these.
 *
 * The address that is checked is the key: the source of a packet, or the
 * target of an advertisement or of duplicate address detection. */

#include "overlay.h"

/* Of one port, on each host.  A guest needs one for each interface. */
#define ADDRESSES_MAX 16

/* Values of REG_CHECK, beside those for claimed addresses. */
#define CHECK_KEY 8u            /* The sender uses the key. */
#define CHECK_DAD 16u           /* The sender asks whether it may. */
#define CHECK_LEARNED 32u       /* The switch was to remember the key. */
/* In REG_CHECK, by vmn_act_learn_holder(). */
#define LEARNED 1u

/* Addresses that follow from a MAC address have ff:fe in the middle of their
 * interface identifier (RFC 4291, appendix A). */
#define EUI64_WORD2 0x000000ffu
#define EUI64_WORD3_MASK 0xff000000u
#define EUI64_WORD3 0xfe000000u

const struct vmn_prefix link_local_prefix = {
    .ip = { .family = 6, .addr = { 0xfe, 0x80 } }, .len = 10,
};

/* Sets the key to field 'from' of a packet, and finds its holder. */
static void
find_holder(struct vmn_actions *actions, enum vmn_field from, uint32_t check)
{
    for (unsigned i = 0; i < 4; i++) {
        vmn_act_move_bits(actions, from, 96 - 32 * i, VMN_REG_HOLDER6 + i, 0,
                          32);
    }
    vmn_act_set(actions, REG_CHECK, check);
    vmn_act_find_holder(actions);
}

void
link_local_check_source(struct vmn_actions *actions)
{
    find_holder(actions, VMN_F_IPV6_SRC, CHECK_KEY);
}

void
link_local_check_target(struct vmn_actions *actions)
{
    find_holder(actions, VMN_F_ND_TARGET, CHECK_KEY);
}

void
link_local_check_dad(struct vmn_actions *actions)
{
    find_holder(actions, VMN_F_ND_TARGET, CHECK_DAD);
}

/* Everywhere.  ----------------------------------------------------------- */

static struct vmn_flow *
base_add(struct vmn_emit *emit, uint16_t priority)
{
    return vmn_flow_add(emit, vmn_scope_all(), STAGE_ADMIT, ADMIT_HOLDER,
                        priority);
}

static void
match_eui64(struct vmn_flow *flow)
{
    vmn_match_masked(flow, VMN_REG_HOLDER6, 0xfe800000, 0xffc00000);
    vmn_match_masked(flow, VMN_REG_HOLDER6 + 2, EUI64_WORD2, EUI64_WORD2);
    vmn_match_masked(flow, VMN_REG_HOLDER6 + 3, EUI64_WORD3,
                     EUI64_WORD3_MASK);
}

/* Drops what 'flow' matches: a key that is another's, used or not.  A sender
 * on another host was checked there. */
static void
refuse(struct vmn_flow *flow)
{
    vmn_match(flow, REG_CHECK, CHECK_KEY);
    vmn_match(flow, VMN_REG_SRC_LOCAL, 1);
    drop(flow, "spoofed");
}

/* Emits what becomes of a packet whose key the switch was to remember: at the
 * limit it does not, and then only what it remembers already is let
 * through. */
static void
base_learned(struct vmn_emit *emit)
{
    struct vmn_flow *flow = base_add(emit, HOLDER_LEARNED);

    vmn_match(flow, REG_CHECK, CHECK_LEARNED | LEARNED);
    vmn_act_next(vmn_flow_actions(flow));

    flow = base_add(emit, HOLDER_KNOWN);
    vmn_match(flow, REG_CHECK, CHECK_LEARNED);
    vmn_match(flow, VMN_REG_HOLDER, VMN_HOLDER_SENDER);
    vmn_act_next(vmn_flow_actions(flow));

    flow = base_add(emit, HOLDER_TOO_MANY);
    vmn_match(flow, REG_CHECK, CHECK_LEARNED);
    drop(flow, "too many link-local addresses");
}

void
link_local_base(struct vmn_emit *emit)
{
    struct vmn_flow *flow;

    base_learned(emit);
    flow = base_add(emit, HOLDER_RESERVED);
    match_eui64(flow);
    refuse(flow);
    flow = base_add(emit, HOLDER_FIXED);
    match_eui64(flow);
    vmn_act_next(vmn_flow_actions(flow));

    flow = base_add(emit, HOLDER_OTHER);
    vmn_match(flow, REG_CHECK, CHECK_KEY);
    vmn_match(flow, VMN_REG_HOLDER, VMN_HOLDER_OTHER);
    drop(flow, "spoofed");

    flow = base_add(emit, PRIORITY_LAST);
    vmn_act_next(vmn_flow_actions(flow));
}

/* In a network.  --------------------------------------------------------- */

static struct vmn_flow *
network_add(struct vmn_emit *emit, const struct vmn_network *network,
            uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_network(network->row.name), STAGE_ADMIT, ADMIT_HOLDER,
        priority);

    match_network(flow, network);
    return flow;
}

void
link_local_reserve(struct vmn_emit *emit, const struct vmn_network *network,
                   const struct vmn_prefix *prefix)
{
    if (vmn_is_link_local_choice(prefix)) {
        struct vmn_flow *flows[] = {
            network_add(emit, network, HOLDER_RESERVED),
            network_add(emit, network, HOLDER_FIXED),
        };

        for (size_t i = 0; i < 2; i++) {
            for (unsigned j = 0; j < 4; j++) {
                const uint8_t *p = &prefix->ip.addr[4 * j];

                vmn_match(flows[i], VMN_REG_HOLDER6 + j,
                          (uint32_t) p[0] << 24 | p[1] << 16 | p[2] << 8
                          | p[3]);
            }
        }
        refuse(flows[0]);
        vmn_act_next(vmn_flow_actions(flows[1]));
    }
}

void
link_local_of_port(struct vmn_emit *emit, const struct port_ctx *ctx)
{
    struct vmn_flow *flow = network_add(emit, ctx->network, HOLDER_FREE);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match_mac(flow, VMN_F_ETH_SRC, ctx->port->mac);
    vmn_match_masked(flow, VMN_REG_HOLDER6, 0xfe800000, 0xffc00000);
    vmn_match_masked(flow, VMN_REG_HOLDER, 0, VMN_HOLDER_OTHER);
    vmn_act_learn_holder(actions, ADDRESSES_MAX);
    vmn_act_set_masked(actions, REG_CHECK, CHECK_LEARNED, CHECK_LEARNED);
    vmn_act_jump(actions, STAGE_ADMIT, ADMIT_HOLDER);
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

/* An advertisement is sent from its target, here if the guest did not do so:
 * one check is for both then.  A link-layer address may be absent. */
static void
emit_advert(struct vmn_emit *emit, const struct port_ctx *ctx,
            struct vmn_mac mac)
{
    struct vmn_flow *flow = own_add(emit, ctx, ADMIT_ND, ND_LINK_LOCAL);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match_mac(flow, VMN_F_ETH_SRC, ctx->port->mac);
    vmn_match(flow, VMN_F_ICMPV6_TYPE, VMN_ND_ADVERT);
    vmn_match_prefix(flow, VMN_F_ND_TARGET, &link_local_prefix);
    vmn_match_mac(flow, VMN_F_ND_TLL, mac);
    vmn_act_move(actions, VMN_F_ND_TARGET, VMN_F_IPV6_SRC);
    link_local_check_target(actions);
    vmn_act_goto(actions, STAGE_ADMIT, ADMIT_HOLDER);
}

void
link_local_security(struct vmn_emit *emit, const struct port_ctx *ctx)
{
    struct vmn_flow *flow = own_add(emit, ctx, ADMIT_GUARD,
                                    GUARD_LINK_LOCAL);

    vmn_match_mac(flow, VMN_F_ETH_SRC, ctx->port->mac);
    vmn_match_prefix(flow, VMN_F_IPV6_SRC, &link_local_prefix);
    link_local_check_source(vmn_flow_actions(flow));
    vmn_act_goto(vmn_flow_actions(flow), STAGE_ADMIT, ADMIT_ND);
    emit_advert(emit, ctx, ctx->port->mac);
    emit_advert(emit, ctx, (struct vmn_mac) { { 0 } });
}
