/* SPDX-License-Identifier: Apache-2.0
 *
 * The overlay app: isolated layer-2 networks over VXLAN and Geneve, and
 * provider networks on physical ones, with anti-spoofing, answers to ARP and
 * neighbour discovery, and delivery of known unicast, broadcast and multicast.
 * This file describes the app to the engine, and emits what all hosts have. */

#include "overlay.h"

#include <string.h>

/* Emits the drops of packets from ports and tunnels that no flow admits. */
static void
base_admit(struct vmn_emit *emit)
{
    struct vmn_flow *flow;

    /* A tag with VLAN 0 carries only a priority (IEEE 802.1Q, table 9-2). */
    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_ADMIT, ADMIT_CLASSIFY,
                        CLASSIFY_PRIORITY_TAG);
    vmn_match_masked(flow, VMN_F_VLAN_TCI, 0x1000, 0x1fff);
    vmn_act_set(vmn_flow_actions(flow), VMN_F_VLAN_TCI, 0);
    vmn_act_jump(vmn_flow_actions(flow), STAGE_ADMIT, ADMIT_CLASSIFY);

    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_ADMIT, ADMIT_CLASSIFY,
                        CLASSIFY_VLAN);
    vmn_match_masked(flow, VMN_F_VLAN_TCI, 0x1000, 0x1000);
    drop(flow, "VLAN tag");

    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_ADMIT, ADMIT_CLASSIFY,
                        CLASSIFY_UNKNOWN_HOST);
    vmn_match(flow, VMN_F_IN_PORT, VMN_TUNNEL_OFPORT);
    drop(flow, "unknown tunnel source");

    flow = vmn_flow_add(emit, vmn_scope_relation(REL_GENEVE, ""), STAGE_ADMIT,
                        ADMIT_CLASSIFY, CLASSIFY_UNKNOWN_HOST);
    vmn_match(flow, VMN_F_IN_PORT, VMN_GENEVE_OFPORT);
    drop(flow, "unknown tunnel source");

    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_ADMIT, ADMIT_CLASSIFY,
                        PRIORITY_LAST);
    drop(flow, "unknown port");

    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_ADMIT, ADMIT_TUNNEL,
                        PRIORITY_LAST);
    drop(flow, "unknown network");

    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_ADMIT, ADMIT_SOURCE,
                        PRIORITY_LAST);
    drop(flow, "unknown source");
}

static void
base_guard(struct vmn_emit *emit)
{
    static const struct {
        uint16_t eth_type;
        const char *reason;
    } rest[] = {
        { VMN_ETH_IPV4, "spoofed" },
        { VMN_ETH_ARP, "spoofed" },
        { VMN_ETH_IPV6, "no IPv6 address" },
    };

    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++) {
        struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(),
                                             STAGE_ADMIT, ADMIT_GUARD,
                                             GUARD_SPOOFED);

        vmn_match(flow, VMN_F_ETH_TYPE, rest[i].eth_type);
        drop(flow, rest[i].reason);
    }
    drop(vmn_flow_add(emit, vmn_scope_all(), STAGE_ADMIT, ADMIT_GUARD,
                      PRIORITY_LAST), "neither IP nor ARP");
}

static void
base_service(struct vmn_emit *emit)
{
    struct vmn_flow *flow;

    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_SERVICE,
                        SERVICE_REQUEST, SERVICE_THROUGH);
    vmn_match_mac(flow, VMN_F_ETH_DST, VMN_THROUGH_MAC_DST);
    drop(flow, "probe that nobody awaits");

    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_SERVICE,
                        SERVICE_REQUEST, SERVICE_REMOTE);
    vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_ARP);
    vmn_match(flow, VMN_REG_SRC_LOCAL, 0);
    vmn_act_next(vmn_flow_actions(flow));

    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_SERVICE,
                        SERVICE_REQUEST, SERVICE_REPLY);
    vmn_match(flow, VMN_F_ARP_OP, 2);
    vmn_act_next(vmn_flow_actions(flow));

    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_SERVICE,
                        SERVICE_REQUEST, SERVICE_UNKNOWN);
    vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_ARP);
    drop(flow, "ARP for unknown address");
}

static void
base_locate(struct vmn_emit *emit)
{
    struct vmn_flow *flow;

    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_LOCATE, 0,
                        LOCATE_NOT_HERE);
    vmn_match(flow, VMN_F_IN_PORT, VMN_TUNNEL_OFPORT);
    drop(flow, "destination is not here");

    drop(vmn_flow_add(emit, vmn_scope_all(), STAGE_LOCATE, LOCATE_DESTINATION,
                      PRIORITY_LAST), "unknown destination");

    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_LOCATE, LOCATE_COPY,
                        PRIORITY_LAST);
    vmn_act_next(vmn_flow_actions(flow));
}

static void
base_deliver(struct vmn_view *view, struct vmn_emit *emit)
{
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_DELIVER, DELIVER_OUT,
                        OUT_HAIRPIN);
    vmn_match(flow, VMN_REG_DST_LOCAL, 1);
    vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_HAIRPIN, VMN_FLAG_HAIRPIN);
    actions = vmn_flow_actions(flow);
    vmn_act_clear_in_port(actions);
    vmn_act_output_field(actions, VMN_REG_OUT_PORT);

    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_DELIVER, DELIVER_OUT,
                        OUT_LOCAL);
    vmn_match(flow, VMN_REG_DST_LOCAL, 1);
    vmn_act_output_field(vmn_flow_actions(flow), VMN_REG_OUT_PORT);

    flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_DELIVER, DELIVER_OUT,
                        OUT_FLOOD_ONE_HOST);
    vmn_match(flow, VMN_REG_DST_HOST, VMN_DST_HOST_FLOOD);
    drop_background(flow, "no other host");

    tunnel_mtu_base(view, emit);
    drop(vmn_flow_add(emit, vmn_scope_all(), STAGE_DELIVER, DELIVER_TUNNEL,
                      PRIORITY_LAST), "unknown host");
}

/* Emits what every host has, whatever its networks. */
void
compile_base(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    base_admit(emit);
    base_guard(emit);
    unaddressed_base(emit);
    dhcp_guard_base(view, emit);
    group_frames_base(emit);
    base_service(emit);
    nd_security_base(emit);
    link_local_base(emit);
    arp_base(emit);
    nd_base(emit);
    base_locate(emit);
    base_deliver(view, emit);
}

static const struct vmn_stage_class stages[] = {
    [STAGE_ADMIT] = { "admit", VMN_HOOK_ADMIT, 0, ADMIT_N_TABLES,
                      VMN_MISS_DROP, vmn_prefixes_with_ipv6_src,
                      .scratch = VMN_SCRATCH(REG_CHECK)
                                 | VMN_SCRATCH(VMN_REG_HOLDER)
                                 | VMN_SCRATCH(VMN_REG_HOLDER6)
                                 | VMN_SCRATCH(VMN_REG_HOLDER6 + 1)
                                 | VMN_SCRATCH(VMN_REG_HOLDER6 + 2)
                                 | VMN_SCRATCH(VMN_REG_HOLDER6 + 3) },
    [STAGE_SERVICE] = { "arp", VMN_HOOK_SERVICE, 0, SERVICE_N_TABLES,
                        VMN_MISS_NEXT },
    [STAGE_LOCATE] = { "locate", VMN_HOOK_LOCATE, 0, LOCATE_N_TABLES,
                       VMN_MISS_DROP,
                       .scratch = VMN_SCRATCH(VMN_REG_MAC_VALUE) },
    [STAGE_DELIVER] = { "deliver", VMN_HOOK_DELIVER, 0, DELIVER_N_TABLES,
                        VMN_MISS_DROP },
    [STAGE_DESTINATION] = { "destination", VMN_HOOK_ADMIT, 20, 1,
                            VMN_MISS_NEXT },
    { .name = NULL },
};

static const struct vmn_query_class queries[] = {
    { "mtu", eval_mtu },
    { "isolation", eval_isolation },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "base", .each = VMN_EACH_ONCE, .compile = compile_base },
    { .name = "host",
      .each = VMN_EACH_ROW,
      .row_type = VMN_ROW_HOST,
      .compile = compile_host },
    { .name = "network",
      .each = VMN_EACH_ROW,
      .row_type = VMN_ROW_NETWORK,
      .compile = compile_network },
    { .name = "port",
      .each = VMN_EACH_ROW,
      .row_type = VMN_ROW_PORT,
      .compile = compile_port },
    { .name = "flood",
      .each = VMN_EACH_KEY,
      .relation = REL_LOCAL,
      .compile = compile_flood },
    { .name = "external",
      .each = VMN_EACH_ROW,
      .row_type = VMN_ROW_ROUTER,
      .compile = compile_external },
    { .name = "floating-ip",
      .each = VMN_EACH_ROW,
      .row_type = VMN_ROW_FLOATING_IP,
      .compile = compile_floating_ip },
    { .name = "transit",
      .each = VMN_EACH_KEY,
      .relation = REL_TRANSIT,
      .compile = compile_transit },
    { .name = "provider",
      .each = VMN_EACH_KEY,
      .relation = REL_PROVIDER,
      .compile = compile_provider },
    { .name = "claimed",
      .each = VMN_EACH_KEY,
      .relation = VMN_REL_CLAIMED,
      .compile = compile_claimed },
    { .name = "arp-flooded",
      .each = VMN_EACH_KEY,
      .relation = REL_ARP_FLOODED,
      .compile = compile_arp_flooded },
    { .name = "address-pair",
      .each = VMN_EACH_KEY,
      .relation = REL_PAIR,
      .compile = compile_pair },
    { .name = "routed-address-pair",
      .each = VMN_EACH_KEY,
      .relation = REL_ROUTED_PAIR,
      .compile = compile_routed_pair },
    { .name = "watching-host",
      .each = VMN_EACH_KEY,
      .relation = VMN_REL_WATCHED_HOSTS,
      .compile = compile_watching_host },
    { .name = "path-probe",
      .each = VMN_EACH_KEY,
      .relation = VMN_REL_PATH_PROBES,
      .compile = compile_path_probes },
    { .name = "domain",
      .each = VMN_EACH_KEY,
      .relation = VMN_REL_DOMAIN_HOSTS,
      .compile = compile_domain },
    { .name = "allowed-mac",
      .each = VMN_EACH_KEY,
      .relation = REL_MAC,
      .compile = compile_mac },
    { .name = "handed-port",
      .each = VMN_EACH_KEY,
      .relation = VMN_REL_HANDED_PORTS,
      .compile = compile_handed_port },
    { .name = "function-port",
      .each = VMN_EACH_KEY,
      .relation = VMN_REL_FUNCTION_PORTS,
      .compile = compile_function_port },
    { .name = "isolated",
      .each = VMN_EACH_KEY,
      .relation = REL_ISOLATED,
      .compile = compile_isolated },
    { .name = NULL },
};

static const struct vmn_id_pool_class id_pools[] = {
    { ID_POOL_ISOLATION, UINT16_MAX },
    { .name = NULL },
};

/* Says that what keeps ports of a network apart is the network. */
static bool
flow_owner(struct vmn_view *view, const char *unit, const char *key,
           uint32_t part, struct vmn_flow_owner *owner)
{
    if (strcmp(unit, "isolated")) {
        return false;
    }
    owner->row_type = VMN_ROW_NETWORK;
    owner->name = key;
    return true;
}

/* The controller is told by the packet's arrival. */
static void
handle_guest(struct vmn_view *view, const struct vmn_packet_in *in,
             struct vmn_packets_out *out)
{
    vmn_send_nothing(out, "guest of a port that migrates");
}

/* The controller itself is told. */
static void
handle_path(struct vmn_view *view, const struct vmn_packet_in *in,
            struct vmn_packets_out *out)
{
    vmn_send_nothing(out, "probe of a path");
}

static const struct vmn_handler_class handlers[] = {
    [HANDLER_OVERSIZED] = { .name = "oversized", .handle = handle_oversized },
    [HANDLER_GUEST] = { .name = "guest", .handle = handle_guest,
                        .tells_guest = true },
    [HANDLER_ANNOUNCE] = { .name = "announce", .handle = handle_announce,
                           .options = VMN_HANDLER_ARRIVALS },
    [HANDLER_PATH] = { .name = "path", .handle = handle_path,
                       .to_controller = true },
    { .name = NULL },
};

extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD,
    .name = "overlay",
    .description = "Layer-2 networks over VXLAN and Geneve",
    .stages = stages,
    .queries = queries,
    .units = units,
    .id_pools = id_pools,
    .handlers = handlers,
    .flow_owner = flow_owner,
    .options = VMN_APP_DENIES,
};
