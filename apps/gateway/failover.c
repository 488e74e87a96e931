/* SPDX-License-Identifier: Apache-2.0
 *
 * How another gateway takes over by flows alone, as soon as switches see by
 * BFD that the one before it is down: whether or not vmnd is there, which then
 * elects the same one (active-gateway.c).
 *
 * Hosts send to the first gateway that they see.  A gateway that stands by has
 * all flows of an active one, for packets with VMN_FLAG_STANDS_IN, which they
 * get where a group finds that all gateways before it are down, and that some
 * other host is not: one that sees nobody has lost its own link, and must not
 * answer beside the one that is there.  What it is sent while one of those is
 * up, it relays: the sender does not see that one, or not yet.  One that is
 * sent to a gateway that stands by is not relayed again, and so goes in no
 * circle, whatever hosts have which revision. */

#include "gateway.h"

#include <string.h>

/* Other hosts that a gateway which stands by looks for. */
#define WITNESSES_MAX 16

static uint32_t
number_of(const struct gateway_ctx *ctx, const char *host)
{
    return vmn_id_of(ctx->view, VMN_ID_POOL_HOST, host);
}

/* Adds a bucket for while 'host' is seen. */
static struct vmn_actions *
bucket_for(const struct gateway_ctx *ctx, struct vmn_group_msg *group,
           const char *host)
{
    uint32_t number = number_of(ctx, host);
    struct vmn_actions *bucket = vmn_bucket_add(group, number, 0);

    vmn_bucket_watch(bucket, VMN_PEER_OFPORT(number));
    return bucket;
}

/* Adds a bucket for when none before it is taken. */
static struct vmn_actions *
last_bucket(struct vmn_group_msg *group)
{
    struct vmn_actions *bucket = vmn_bucket_add(group, 0, 0);

    vmn_bucket_watch(bucket, VMN_TUNNEL_OFPORT);
    return bucket;
}

/* Out.  ------------------------------------------------------------------- */

/* Packets with the number of a host go on as the last table's miss has it. */
static void
act_to_host(const struct gateway_ctx *ctx, struct vmn_actions *bucket,
            const char *host)
{
    vmn_act_set(bucket, VMN_REG_DST_HOST, number_of(ctx, host));
    vmn_act_resubmit(bucket, STAGE_EGRESS, OUT_ENTER);
}

static const char *
out_key(const struct gateway_ctx *ctx)
{
    return vmn_printf(ctx->view, "out/%s", ctx->router->row.name);
}

void
act_to_gateways(const struct gateway_ctx *ctx, struct vmn_actions *actions)
{
    if (!ctx->host) {
        vmn_act_drop(actions, "no gateway");
    } else if (ctx->failover.n < 2) {
        vmn_act_set(actions, VMN_REG_DST_HOST, number_of(ctx, ctx->host));
        vmn_act_next(actions);
    } else {
        vmn_act_group_id(actions, vmn_id_of(ctx->view, VMN_ID_POOL_GROUP,
                                            out_key(ctx)));
    }
}

void
out_to_gateways(const struct gateway_ctx *ctx)
{
    struct vmn_scope scope = vmn_scope_domain(ctx->domain);
    struct vmn_group_msg *group;

    act_to_gateways(ctx, vmn_flow_actions(out_enter_flow(ctx, scope,
                                                         ENTER_REMOTE)));
    if (ctx->failover.n < 2) {
        return;
    }
    group = vmn_group_add(ctx->emit, scope, VMN_GROUP_FAILOVER, out_key(ctx));
    for (size_t i = 0; i < ctx->failover.n; i++) {
        const char *host = ctx->failover.names[i];

        act_to_host(ctx, bucket_for(ctx, group, host), host);
    }
    act_to_host(ctx, last_bucket(group), ctx->host);
}

/* Standing by.  ----------------------------------------------------------- */

static const char *
standby_key(const struct gateway_ctx *ctx, const char *way)
{
    return vmn_printf(ctx->view, "%s/%s/%s", way, ctx->router->row.name,
                      ctx->host);
}

/* Has the packet go to the group that decides on it, unless it has been
 * there. */
static void
to_standby_group(const struct gateway_ctx *ctx, struct vmn_flow *flow,
                 const char *way)
{
    vmn_match_masked(flow, VMN_REG_FLAGS, 0, VMN_FLAG_STANDS_IN);
    vmn_act_group_id(vmn_flow_actions(flow),
                     vmn_id_of(ctx->view, VMN_ID_POOL_GROUP,
                               standby_key(ctx, way)));
}

/* Adds a flow for packets from the external network that have not been at the
 * group. */
static struct vmn_flow *
standby_flow(const struct gateway_ctx *ctx, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(ctx->emit, vmn_scope_host(ctx->host),
                                         STAGE_INGRESS, IN_ENTER, priority);

    vmn_match(flow, VMN_F_IN_PORT, ctx->ofport);
    vmn_match(flow, VMN_REG_NETWORK, ctx->network->vni);
    return flow;
}

void
stand_by(const struct gateway_ctx *ctx)
{
    struct vmn_scope scope = vmn_scope_host(ctx->host);
    struct vmn_flow *flow = standby_flow(ctx, ENTER_STANDBY_ROUTER);
    struct vmn_actions *actions;

    vmn_match_mac(flow, VMN_F_ETH_DST, ctx->mac);
    to_standby_group(ctx, flow, "standby-in");

    /* The flags of 'ctx' are not those of these packets. */
    flow = vmn_flow_add(ctx->emit, scope, STAGE_EGRESS, OUT_ENTER,
                        ENTER_STANDBY);
    vmn_match(flow, VMN_REG_NETWORK, ctx->transit);
    vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_EXTERNAL);
    to_standby_group(ctx, flow, "standby-out");

    for (size_t i = 0; i < N_FAMILIES; i++) {
        if (first_external(ctx->router, families[i])) {
            flow = vmn_flow_add(ctx->emit, scope, STAGE_EGRESS, OUT_ENTER,
                                ENTER_RELAYED);
            vmn_match(flow, VMN_REG_NETWORK, ctx->transit);
            vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_EXTERNAL);
            vmn_match_mac(flow, VMN_F_ETH_SRC, VMN_EXTERNAL_MAC);
            vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(families[i]));
            vmn_match_masked(flow, VMN_REG_FLAGS, 0, VMN_FLAG_STANDS_IN);
            out_track(ctx, vmn_flow_actions(flow));
        }
    }

    /* On from the group: by the same tunnel, with what says so. */
    flow = vmn_flow_add(ctx->emit, scope, STAGE_EGRESS, OUT_ENTER,
                        ENTER_RELAY);
    actions = vmn_flow_actions(flow);
    vmn_match(flow, VMN_F_IN_PORT, VMN_TUNNEL_OFPORT);
    vmn_match(flow, VMN_REG_NETWORK, ctx->transit);
    vmn_match_masked(flow, VMN_REG_FLAGS, 0, VMN_FLAG_STANDS_IN);
    vmn_act_set_mac(actions, VMN_F_ETH_SRC, VMN_EXTERNAL_MAC);
    vmn_forget_tunnel(ctx->view, actions);
    vmn_act_clear_in_port(actions);
    vmn_act_next(actions);
    publish_asks_as_host(ctx);
}

/* The same for solicitations, with a source link-layer address or without
 * one. */
static void
stand_by_solicited(const struct gateway_ctx *ctx, const struct vmn_ip *ip,
                   bool no_lladdr)
{
    struct vmn_flow *flow = standby_flow(ctx, no_lladdr
                                         ? ENTER_STANDBY_NO_LLADDR
                                         : ENTER_STANDBY_ADDRESS);

    match_nd(flow, VMN_ND_SOLICIT);
    vmn_match_ip(flow, VMN_F_ND_TARGET, ip);
    if (no_lladdr) {
        vmn_match_mac(flow, VMN_F_ND_SLL, (struct vmn_mac) { { 0 } });
    } else {
        vmn_act_learn_neighbour(vmn_flow_actions(flow),
                                VMN_NEIGHBOUR_SOLICIT);
    }
    to_standby_group(ctx, flow, "standby-in");
}

/* Whoever asks is learned, since packets may be for them next. */
void
stand_by_address(const struct gateway_ctx *ctx, const struct vmn_ip *ip)
{
    struct vmn_flow *flow;

    if (ip->family == 6) {
        stand_by_solicited(ctx, ip, true);
        stand_by_solicited(ctx, ip, false);
        return;
    }
    flow = standby_flow(ctx, ENTER_STANDBY_ADDRESS);
    vmn_match(flow, VMN_F_ARP_OP, 1);
    vmn_match_ip(flow, VMN_F_ARP_TPA, ip);
    vmn_act_learn_neighbour(vmn_flow_actions(flow), VMN_NEIGHBOUR_ARP);
    to_standby_group(ctx, flow, "standby-in");
}

/* Adds the buckets that are taken while no gateway before the host is seen:
 * for each other host that it watches, or if there is none, for all.  Each
 * leads back to 'table', with the flag. */
static void
serve(const struct gateway_ctx *ctx, struct vmn_group_msg *group,
      struct vmn_names others, unsigned stage, unsigned table)
{
    for (size_t i = 0; i < (others.n ? others.n : 1); i++) {
        struct vmn_actions *bucket
            = (others.n ? bucket_for(ctx, group, others.names[i])
               : last_bucket(group));

        vmn_act_set_masked(bucket, VMN_REG_FLAGS, VMN_FLAG_STANDS_IN,
                           VMN_FLAG_STANDS_IN);
        vmn_act_resubmit(bucket, stage, table);
    }
}

static bool
is_among(const char *name, struct vmn_names names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(names.names[i], name)) {
            return true;
        }
    }
    return false;
}

/* Returns hosts that the one of 'ctx' watches beside the gateways that come
 * before it. */
static struct vmn_names
find_others(const struct gateway_ctx *ctx)
{
    struct vmn_names hosts = vmn_relation_values(
        ctx->view, VMN_REL_DOMAIN_HOSTS, ctx->domain);
    const char **names = vmn_alloc(ctx->view, WITNESSES_MAX * sizeof *names);
    size_t n = 0;

    for (size_t i = 0; i < hosts.n && n < WITNESSES_MAX; i++) {
        const char *host = hosts.names[i];

        if (!is_among(host, ctx->failover, ctx->rank + 1)
            && vmn_read_vif(ctx->view, ctx->host,
                            vmn_printf(ctx->view, VMN_VIF_PEER, host))) {
            names[n++] = host;
        }
    }
    return (struct vmn_names) { n, names };
}

static void
emit_groups(const struct gateway_ctx *ctx)
{
    struct vmn_scope scope = vmn_scope_host(ctx->host);
    struct vmn_names others = find_others(ctx);
    struct vmn_group_msg *in = vmn_group_add(ctx->emit, scope,
                                             VMN_GROUP_FAILOVER,
                                             standby_key(ctx, "standby-in"));
    struct vmn_group_msg *out = vmn_group_add(ctx->emit, scope,
                                              VMN_GROUP_FAILOVER,
                                              standby_key(ctx,
                                                          "standby-out"));

    for (size_t i = 0; i < ctx->rank; i++) {
        const char *host = ctx->failover.names[i];
        struct vmn_actions *bucket = bucket_for(ctx, in, host);

        /* None of the router's: it goes on by the next stage. */
        vmn_act_set(bucket, REG_TRANSIT, 0);
        vmn_act_resubmit(bucket, STAGE_INGRESS, IN_NAT);

        act_to_host(ctx, bucket_for(ctx, out, host), host);
    }
    serve(ctx, in, others, STAGE_INGRESS, IN_ENTER);
    serve(ctx, out, others, STAGE_EGRESS, OUT_ENTER);
}

/* Apart from the router's flows, since the hosts of its domain change more
 * often than these. */
void
compile_standby(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct gateway_ctx ctx;

    if (gateway_ctx_read(view, emit, key, &ctx)) {
        for (size_t i = 1; i < ctx.failover.n; i++) {
            const struct gateway_ctx at = gateway_at(&ctx, i);

            emit_groups(&at);
        }
    }
}
