/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports of service functions (VMN_REL_FUNCTION_PORTS): their guests forward
 * packets of others.  Such a port is handed packets as they are, from whatever
 * host, by a VNI of its own; and what it sends from others' addresses is let
 * in as theirs.  Which packets go there, and where they go on, is for the app
 * that publishes the port.  Ports that are only handed packets
 * (VMN_REL_HANDED_PORTS) have the first half of that. */

#include "overlay.h"

/* What the flows of a function's port need. */
struct function {
    const struct port_ctx *ctx;
    uint32_t vni;
};

static struct vmn_flow *
match_vni(struct vmn_emit *emit, struct vmn_scope scope, uint16_t priority,
          const struct function *function)
{
    struct vmn_flow *flow = vmn_flow_add(emit, scope, STAGE_DELIVER,
                                         DELIVER_OUT, priority);

    vmn_match(flow, VMN_REG_NETWORK, function->vni);
    return flow;
}

/* Emits the way to the port from the hosts of 'scope'.  A packet that fits its
 * own network fits this one, but for an MTU that is larger there, which is
 * 'checked' then. */
static void
to_port(struct vmn_view *view, struct vmn_emit *emit, struct vmn_scope scope,
        uint16_t priority, const struct function *function, bool checked)
{
    const struct port_ctx *ctx = function->ctx;
    struct vmn_flow *flow = match_vni(emit, scope, priority, function);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_act_set(actions, VMN_REG_DST_HOST,
                vmn_id_of(view, VMN_ID_POOL_HOST, ctx->host));
    vmn_act_move(actions, VMN_REG_NETWORK, VMN_F_TUN_ID);
    if (checked) {
        vmn_act_check_size(actions, vmn_mtu_of(view, ctx->network));
    } else {
        vmn_act_set_masked(actions, VMN_REG_FLAGS, 0, VMN_FLAG_LARGE);
    }
    vmn_act_goto(actions, STAGE_DELIVER, DELIVER_TUNNEL);
}

/* Emits the end of that way on 'host'. */
static void
to_port_here(struct vmn_emit *emit, const struct function *function,
             const char *host, uint32_t ofport)
{
    struct vmn_scope scope = vmn_scope_host(host);
    struct vmn_flow *flow = vmn_flow_add(emit, scope, STAGE_ADMIT,
                                         ADMIT_TUNNEL, TUNNEL_NETWORK);

    vmn_match(flow, VMN_F_TUN_ID, function->vni);
    vmn_act_output(vmn_flow_actions(flow), ofport);

    flow = match_vni(emit, scope, OUT_FUNCTION_HERE, function);
    vmn_act_output(vmn_flow_actions(flow), ofport);
}

/* Lets in probes that have passed through the function, as from nobody: they
 * are for the app that has it probed (VMN_PROBE_THROUGH), and are dropped
 * behind it.  Nothing else comes in so, since it has no identity. */
static void
from_through(struct vmn_emit *emit, const struct port_ctx *ctx,
             const char *host, uint32_t ofport)
{
    static const struct vmn_prefix prefixes[] = {
        VMN_THROUGH_PREFIX4, VMN_THROUGH_PREFIX6,
    };

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(host),
                                             STAGE_ADMIT, ADMIT_GUARD,
                                             GUARD_FUNCTION_THROUGH);
        struct vmn_actions *actions = vmn_flow_actions(flow);
        uint8_t family = prefixes[i].ip.family;

        vmn_match(flow, VMN_F_IN_PORT, ofport);
        vmn_match_mac(flow, VMN_F_ETH_SRC, VMN_THROUGH_MAC_SRC);
        vmn_match_mac(flow, VMN_F_ETH_DST, VMN_THROUGH_MAC_DST);
        vmn_match(flow, vmn_field_icmp_type(family),
                  family == 6 ? VMN_ICMPV6_ECHO : VMN_ICMP_ECHO);
        vmn_match_prefix(flow, vmn_field_ip_src(family), &prefixes[i]);
        vmn_match_prefix(flow, vmn_field_ip_dst(family), &prefixes[i]);
        vmn_act_set(actions, VMN_REG_SRC_ID, 0);
        vmn_act_set(actions, VMN_REG_SRC_LOCAL, 0);
        isolation_of_nobody(actions, ctx);
        vmn_act_next(actions);
    }
}

/* Emits the way from the port into the pipeline: as if the packet came by a
 * tunnel, so its sender's identity is looked up, and its sender's rules are
 * not asked again.  Nobody's neighbours are the function's to announce. */
static void
from_port(struct vmn_emit *emit, const struct port_ctx *ctx, const char *host,
          uint32_t ofport)
{
    static const uint16_t types[] = { VMN_ETH_IPV4, VMN_ETH_IPV6 };
    static const uint8_t discovery[] = { VMN_ND_SOLICIT, VMN_ND_ADVERT };
    struct vmn_scope scope = vmn_scope_host(host);
    struct vmn_flow *flow;

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct vmn_actions *actions;

        flow = vmn_flow_add(emit, scope, STAGE_ADMIT, ADMIT_GUARD,
                            GUARD_FUNCTION);
        vmn_match(flow, VMN_F_IN_PORT, ofport);
        vmn_match(flow, VMN_F_ETH_TYPE, types[i]);
        vmn_match_masked(flow, VMN_F_ETH_DST, 0, GROUP_BIT);
        actions = vmn_flow_actions(flow);
        vmn_act_set(actions, VMN_REG_SRC_ID, 0);
        vmn_act_set(actions, VMN_REG_SRC_LOCAL, 0);
        isolation_of_nobody(actions, ctx);
        vmn_act_jump(actions, STAGE_ADMIT, ADMIT_SOURCE);
    }
    from_through(emit, ctx, host, ofport);

    /* A bridge has had it by all of its ports, as everybody. */
    flow = vmn_flow_add(emit, scope, STAGE_ADMIT, ADMIT_GUARD,
                        GUARD_FUNCTION);
    vmn_match(flow, VMN_F_IN_PORT, ofport);
    vmn_match_masked(flow, VMN_F_ETH_DST, GROUP_BIT, GROUP_BIT);
    drop_background(flow, "flood forwarded by a function");

    for (size_t i = 0; i < sizeof discovery / sizeof discovery[0]; i++) {
        flow = vmn_flow_add(emit, scope, STAGE_ADMIT, ADMIT_GUARD,
                            GUARD_FUNCTION_ND);
        vmn_match(flow, VMN_F_IN_PORT, ofport);
        vmn_match(flow, VMN_F_ICMPV6_TYPE, discovery[i]);
        drop(flow, "spoofed");
    }
}

/* Fills in 'ctx' for port 'key', if it may be handed packets. */
static bool
read_port(struct vmn_view *view, const char *key, struct port_ctx *ctx)
{
    return (port_ctx_read(view, key, ctx) && ctx->host && !ctx->port->external
            && !ctx->port->unknown && !is_provider(ctx->network));
}

/* Drops what is larger than the tunnel carries, without a word: whoever has
 * sent it has nothing to do with the copy. */
static void
drop_large(struct vmn_emit *emit, struct vmn_scope scope, uint32_t vni)
{
    struct vmn_flow *flow = vmn_flow_add(emit, scope, STAGE_DELIVER,
                                         DELIVER_TUNNEL, TUNNEL_LARGE);

    vmn_match(flow, VMN_REG_NETWORK, vni);
    vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_LARGE, VMN_FLAG_LARGE);
    drop_background(flow, "copy larger than the MTU");
}

/* Emits the way to the port of 'handed' from the hosts that hand it copies.
 *
 * Their size is checked on those with the userspace datapath alone.  A copy is
 * limited by a meter, and by a check behind that what goes out is nested more
 * deeply than the meter, in the actions that the datapath is given.  With the
 * kernel's datapath ovs-vswitchd itself executes those of a packet that
 * becomes an answer to ARP, and Open vSwitch 3.1 then looks for what goes out
 * behind the meter, at its level, for ever: a thread never ends, and the
 * switch hangs (dpif_execute_helper_cb()).  So what is larger than the port's
 * network carries goes as far as the underlay carries it. */
static void
copies_to_port(struct vmn_view *view, struct vmn_emit *emit, const char *key,
               const struct function *handed)
{
    const struct vmn_names hosts
        = vmn_relation_values(view, VMN_REL_HANDED_PORTS, key);

    to_port(view, emit, vmn_scope_relation(VMN_REL_HANDED_PORTS, key),
            OUT_FUNCTION, handed, false);
    for (size_t i = 0; i < hosts.n; i++) {
        const struct vmn_host *host = vmn_read_host(view, hosts.names[i]);

        if (host && host->datapath == VMN_DATAPATH_NETDEV) {
            to_port(view, emit, vmn_scope_host(hosts.names[i]),
                    OUT_COPY_CHECKED, handed, true);
        }
    }
}

/* What comes to a function's port comes there from all hosts of its domain,
 * and others hand it nothing. */
void
compile_handed_port(struct vmn_view *view, const char *key,
                    struct vmn_emit *emit)
{
    struct vmn_scope scope = vmn_scope_relation(VMN_REL_HANDED_PORTS, key);
    struct port_ctx ctx;
    struct function handed = { .ctx = &ctx };

    if (vmn_relation_values(view, VMN_REL_FUNCTION_PORTS, key).n
        || !read_port(view, key, &ctx)) {
        return;
    }
    handed.vni = port_vni(view, ctx.port);
    copies_to_port(view, emit, key, &handed);
    drop_large(emit, scope, handed.vni);
    if (ctx.ofport) {
        to_port_here(emit, &handed, ctx.host, ctx.ofport);
    }
    if (ctx.candidate_ofport) {
        to_port_here(emit, &handed, ctx.candidate, ctx.candidate_ofport);
    }
}

void
compile_function_port(struct vmn_view *view, const char *key,
                      struct vmn_emit *emit)
{
    struct port_ctx ctx;
    struct function function = { .ctx = &ctx };
    bool is_quarantined;

    if (!read_port(view, key, &ctx)) {
        return;
    }
    function.vni = port_vni(view, ctx.port);
    to_port(view, emit, vmn_scope_domain(ctx.domain), OUT_FUNCTION, &function,
            true);
    /* What others are said to have sent no quarantine would stop. */
    is_quarantined = vmn_is_quarantined(view, ctx.port);
    if (ctx.ofport) {
        to_port_here(emit, &function, ctx.host, ctx.ofport);
        if (!is_quarantined) {
            from_port(emit, &ctx, ctx.host, ctx.ofport);
        }
    }
    if (ctx.candidate_ofport) {
        to_port_here(emit, &function, ctx.candidate, ctx.candidate_ofport);
        if (!is_quarantined) {
            from_port(emit, &ctx, ctx.candidate, ctx.candidate_ofport);
        }
    }
}
