/* SPDX-License-Identifier: Apache-2.0
 *
 * The gateway app: the way from a router to what is outside, and back.  A
 * router with an external network has a gateway, a host that is on that
 * physical network: there its packets get their external addresses and leave,
 * and there the others come in.  This file describes the app to the engine. */

#include "gateway.h"

static void
compile_base(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    out_base(emit);
}

/* Claims the router's addresses in its external network, whether or not it has
 * an active gateway. */
static void
claims_of_router(struct vmn_view *view, struct vmn_emit *emit, const char *key)
{
    const struct vmn_router *router = vmn_read_router(view, key);
    const struct vmn_external *external = router ? &router->external : NULL;

    if (!external || !external->network) {
        return;
    }
    vmn_claim_mac(view, emit, external->network, router->mac);
    for (size_t i = 0; i < external->n_addresses; i++) {
        vmn_claim_ip(view, emit, external->network, &external->addresses[i]);
    }
    if (first_external(router, 6)) {
        const struct vmn_ip local = vmn_link_local(router->mac);

        vmn_claim_ip(view, emit, external->network, &local);
    }
}

/* Emits what the host of 'ctx' has, as the active gateway or standing by. */
static void
router_at(const struct gateway_ctx *ctx)
{
    const struct vmn_external *external = &ctx->router->external;

    in_router_at(ctx);
    out_router_at(ctx);
    arp_router_at(ctx);
    for (size_t i = 0; i < external->n_addresses; i++) {
        in_address(ctx, &external->addresses[i]);
        external_address(ctx, &external->addresses[i]);
    }
    if (ctx->rank) {
        stand_by(ctx);
    }
}

static void
compile_router(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct gateway_ctx ctx;

    claims_of_router(view, emit, key);
    if (!gateway_ctx_read(view, emit, key, &ctx)) {
        return;
    }
    vmn_publish(emit, REL_TRANSIT, vmn_printf(view, "%u", ctx.transit), key);
    publish_gateway_hosts(&ctx);
    in_router(&ctx);
    out_router(&ctx);
    balanced_replies(&ctx);
    for (size_t i = 0; i < ctx.failover.n; i++) {
        const struct gateway_ctx at = gateway_at(&ctx, i);

        router_at(&at);
    }
}

/* What vmn_act_find_neighbour() reads and writes. */
#define SCRATCH_NEIGHBOUR (VMN_SCRATCH(VMN_REG_NEIGHBOUR6) \
                           | VMN_SCRATCH(VMN_REG_NEIGHBOUR6 + 1) \
                           | VMN_SCRATCH(VMN_REG_NEIGHBOUR6 + 2) \
                           | VMN_SCRATCH(VMN_REG_NEIGHBOUR4) \
                           | VMN_SCRATCH(VMN_REG_NEIGHBOUR_STATE))

/* STAGE_INGRESS comes after overlay's (order 0), which finds the network; so
 * does STAGE_EXTERNAL, since overlay leaves ARP from a provider network to
 * other apps.  STAGE_EGRESS comes before overlay's, which delivers. */
static const struct vmn_stage_class stages[] = {
    [STAGE_INGRESS] = { "ingress", VMN_HOOK_ADMIT, 10, IN_N_TABLES,
                        VMN_MISS_NEXT, vmn_prefixes_with_ipv6_dst,
                        .scratch = (VMN_SCRATCH(REG_NAT_ZONE)
                                    | VMN_SCRATCH(REG_TRANSIT)
                                    | VMN_SCRATCH(REG_MARK)) },
    [STAGE_EXTERNAL] = { "external", VMN_HOOK_SERVICE, 5, EXTERNAL_N_TABLES,
                         VMN_MISS_NEXT,
                         .scratch = SCRATCH_NEIGHBOUR },
    [STAGE_EGRESS] = { "egress", VMN_HOOK_DELIVER, -5, OUT_N_TABLES,
                       VMN_MISS_NEXT, vmn_prefixes_with_ipv6_src,
                       .scratch = (VMN_SCRATCH(REG_NAT_ZONE)
                                   | VMN_SCRATCH(REG_TRANSIT)
                                   | SCRATCH_NEIGHBOUR) },
    { .name = NULL },
};

static const struct vmn_query_class queries[] = {
    { "active", query_active },
    { "failover", query_failover },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "base", .each = VMN_EACH_ONCE, .compile = compile_base },
    { .name = "router", .each = VMN_EACH_ROW, .row_type = VMN_ROW_ROUTER,
      .compile = compile_router },
    { .name = "standby", .each = VMN_EACH_ROW, .row_type = VMN_ROW_ROUTER,
      .compile = compile_standby },
    { .name = "watched", .each = VMN_EACH_ROW, .row_type = VMN_ROW_ROUTER,
      .compile = compile_watched },
    { .name = "external", .each = VMN_EACH_KEY, .relation = REL_LINKS,
      .compile = compile_external },
    { .name = "rarp", .each = VMN_EACH_KEY, .relation = REL_RARP,
      .compile = compile_rarp },
    { .name = "floating-ip", .each = VMN_EACH_ROW,
      .row_type = VMN_ROW_FLOATING_IP, .compile = compile_floating_ip },
    { .name = NULL },
};

static const struct vmn_id_pool_class id_pools[] = {
    { ID_POOL_FLOATING, (1u << 24) - 1 },
    { .name = NULL },
};

static const struct vmn_handler_class handlers[] = {
    [HANDLER_RESOLVE] = { .name = "resolve", .handle = handle_resolve },
    [HANDLER_ANNOUNCE] = { .name = "announce", .handle = handle_announce,
                           .interval_s = ANNOUNCE_INTERVAL,
                           .provider_ports = true },
    [HANDLER_NEIGHBOUR] = { .name = "neighbour",
                            .handle = handle_neighbour },
    [HANDLER_FORGET] = { .name = "forget", .handle = handle_forget,
                         .options = VMN_HANDLER_FORGETS },
    { .name = NULL },
};

extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD,
    .name = "gateway",
    .description = "Gateways of routers to external networks",
    .stages = stages,
    .queries = queries,
    .units = units,
    .id_pools = id_pools,
    .handlers = handlers,
};
