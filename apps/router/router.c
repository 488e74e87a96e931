/* SPDX-License-Identifier: Apache-2.0
 *
 * The router app: networks joined by routers, which are wherever their packets
 * come from.  The sender's host does all of it: a packet arrives as one of the
 * network that it goes to.  This file describes the app to the engine. */

#include "router.h"

/* Compiles what there is on every host of a domain that has routers, once,
 * whatever their number. */
static void
compile_base(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    martian_drop_base(emit);
    hop_limit_base(emit);
    local_replies_base(emit);
}

static const struct vmn_stage_class stages[] = {
    [STAGE_ARP] = { "arp", VMN_HOOK_SERVICE, -5, 1, VMN_MISS_NEXT },
    [STAGE_ROUTE] = { "route", VMN_HOOK_ROUTE, 0, ROUTE_N_TABLES,
                      VMN_MISS_NEXT, vmn_prefixes_with_ipv6_dst,
                      .scratch = (VMN_SCRATCH(REG_ROUTER)
                                  | VMN_SCRATCH(REG_HOPS)
                                  | VMN_SCRATCH(REG_FROM)
                                  | VMN_SCRATCH(REG_ENTRY)) },
    [STAGE_LOCAL] = { "local", VMN_HOOK_DELIVER, -10, 1, VMN_MISS_NEXT },
    { .name = NULL },
};

static const struct vmn_query_class queries[] = {
    { "domain", query_domain },
    { "component", query_component },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "base", .each = VMN_EACH_ONCE, .compile = compile_base },
    { .name = "domain", .each = VMN_EACH_KEY,
      .relation = VMN_REL_DOMAIN_HOSTS, .compile = compile_domain },
    { .name = "router", .each = VMN_EACH_ROW, .row_type = VMN_ROW_ROUTER,
      .compile = compile_router },
    { .name = "routes", .each = VMN_EACH_ROW, .row_type = VMN_ROW_ROUTER,
      .compile = compile_routes },
    { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
      .compile = compile_port },
    { .name = "neighbour", .each = VMN_EACH_KEY, .relation = REL_NEIGHBOUR,
      .compile = compile_neighbour },
    { .name = NULL },
};

static const struct vmn_id_pool_class id_pools[] = {
    { ID_POOL_ROUTER, (1u << 24) - 1 },
    { .name = NULL },
};

static const struct vmn_handler_class handlers[] = {
    [HANDLER_ICMP_ERROR] = { "icmp-error", handle_error },
    [HANDLER_NEIGHBOUR] = { "neighbour", handle_neighbour },
    [HANDLER_ANNOUNCE] = { .name = "announce", .handle = handle_announce,
                           .interval_s = ANNOUNCE_INTERVAL },
    { .name = NULL },
};

extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD,
    .name = "router",
    .description = "Routers between networks",
    .stages = stages,
    .queries = queries,
    .units = units,
    .id_pools = id_pools,
    .handlers = handlers,
};
