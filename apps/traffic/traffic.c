/* SPDX-License-Identifier: Apache-2.0
 *
 * The traffic app: has switches count who sends how much to whom, on the host
 * of the one that gets it.  It sees packets that policies have let through,
 * before a backend's address becomes a virtual IP.  A source is an address in
 * a subnet of the routing domain; all others, which nobody bounds, are counted
 * together.  Not for what becomes of the counts (GET /v1/traffic).
 *
 * The first table picks the networks, the second has a flow for each subnet of
 * a domain: so it costs as many flows as there are networks and subnets. */

#include "vmn/app.h"

/* The app's type. */
enum { TYPE_TRAFFIC_COUNTS };
#define ROW_COUNT VMN_ROW_OWN(TYPE_TRAFFIC_COUNTS)

/* Relations: network name, or "" for all -> traffic-counts. */
#define REL_NETWORKS "traffic.networks"
/* DOMAIN -> prefixes of its networks' subnets. */
#define REL_SUBNETS "traffic.subnets"
/* DOMAIN -> networks of it that are counted. */
#define REL_DOMAINS "traffic.domains"

enum { STAGE_COUNT };
enum { TABLE_NETWORK, TABLE_SOURCE, N_TABLES };
enum { PRIORITY_OTHERS = 10, PRIORITY_SUBNET = 100, PRIORITY_NETWORK = 100 };

/* Of an Ethernet address: it is a group's, not one neighbour's. */
#define GROUP_BIT (UINT64_C(1) << 40)

/* The type.  -------------------------------------------------------------- */

struct traffic_count {
    struct vmn_object object;
    size_t n_networks;
    const char *const *networks;
    bool all_networks;
};

static void
check_count(const void *row_, struct vmn_check *check)
{
    const struct traffic_count *row = (const struct traffic_count *) row_;

    if (!row->all_networks == !row->n_networks) {
        vmn_check_fail(check, "/networks", "either lists networks, or "
                       "all_networks is true");
    }
}

static const struct vmn_struct_class traffic_count = {
    .name = "traffic_count", .size = sizeof(struct traffic_count),
    .fields = (const struct vmn_field_class[]) {
        { VMN_LIST_FIELD(traffic_count, networks), .type = VMN_FIELD_REF,
          .ref = "networks",
          .flags = VMN_FIELD_SET | VMN_FIELD_ADMINISTRATORS,
          .doc = "Networks of which it is counted what their ports get." },
        { VMN_FIELD(traffic_count, all_networks), .type = VMN_FIELD_BOOL,
          .flags = VMN_FIELD_ADMINISTRATORS,
          .doc = "Of all networks, those to come as well." },
        { .name = NULL },
    },
};

static const struct vmn_type_class types[] = {
    { .name = "traffic-counts", .singular = "traffic-count",
      .doc = "Has switches count who sends how much to whom "
             "(`GET /v1/traffic`).",
      .row = &traffic_count, .check = check_count, .max_objects = 100 },
    { .name = NULL },
};

/* Units.  ----------------------------------------------------------------- */

static void
compile_count(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct traffic_count *row
        = (const struct traffic_count *) vmn_read(view, ROW_COUNT, key);

    if (row && row->all_networks) {
        vmn_publish(emit, REL_NETWORKS, "", key);
    }
    for (size_t i = 0; row && i < row->n_networks; i++) {
        vmn_publish(emit, REL_NETWORKS, row->networks[i], key);
    }
}

static bool
is_counted(struct vmn_view *view, const char *network)
{
    return (vmn_relation_values(view, REL_NETWORKS, network).n
            || vmn_relation_values(view, REL_NETWORKS, "").n);
}

/* Broadcast and multicast are no pairs. */
static void
compile_network(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_network *network = vmn_read_network(view, key);
    struct vmn_flow *flow;
    const char *domain;

    if (!network || !network->vni) {
        return;
    }
    domain = vmn_domain_of(view, key);
    for (size_t i = 0; i < network->n_subnets; i++) {
        vmn_publish(emit, REL_SUBNETS, domain,
                    vmn_prefix_text(view, &vmn_subnet_at(network, i)->cidr));
    }
    if (is_counted(view, key)) {
        vmn_publish(emit, REL_DOMAINS, domain, key);
        flow = vmn_flow_add(emit, vmn_scope_network(key), STAGE_COUNT,
                            TABLE_NETWORK, PRIORITY_NETWORK);
        vmn_match(flow, VMN_REG_NETWORK, network->vni);
        vmn_match(flow, VMN_REG_DST_LOCAL, 1);
        vmn_match_masked(flow, VMN_F_ETH_DST, 0, GROUP_BIT);
        vmn_act_goto(vmn_flow_actions(flow), STAGE_COUNT, TABLE_SOURCE);
    }
}

static struct vmn_flow *
source_flow_add(struct vmn_view *view, struct vmn_emit *emit,
                const char *domain, uint16_t priority, uint16_t eth_type)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_domain(domain),
                                         STAGE_COUNT, TABLE_SOURCE, priority);

    vmn_match(flow, VMN_REG_ZONE, vmn_domain_zone(view, domain));
    vmn_match(flow, VMN_F_ETH_TYPE, eth_type);
    vmn_act_count_pair(vmn_flow_actions(flow), eth_type,
                       priority == PRIORITY_SUBNET);
    vmn_act_next(vmn_flow_actions(flow));
    return flow;
}

static void
compile_domain(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_names subnets = vmn_relation_values(view, REL_SUBNETS, key);
    struct vmn_prefix prefix;

    if (!vmn_domain_zone(view, key)) {
        return;
    }
    for (size_t i = 0; i < subnets.n; i++) {
        if (vmn_prefix_from_text(subnets.names[i], &prefix)) {
            bool ipv6 = prefix.ip.family == 6;
            struct vmn_flow *flow
                = source_flow_add(view, emit, key, PRIORITY_SUBNET,
                                  ipv6 ? VMN_ETH_IPV6 : VMN_ETH_IPV4);

            vmn_match_prefix(flow, ipv6 ? VMN_F_IPV6_SRC : VMN_F_IPV4_SRC,
                             &prefix);
        }
    }
    source_flow_add(view, emit, key, PRIORITY_OTHERS, VMN_ETH_IPV4);
    source_flow_add(view, emit, key, PRIORITY_OTHERS, VMN_ETH_IPV6);
}

/* The app.  --------------------------------------------------------------- */

/* Behind policies and what steers packets through chains, and before a
 * backend's address becomes a virtual IP. */
static const struct vmn_stage_class stages[] = {
    [STAGE_COUNT] = { .name = "count", .hook = VMN_HOOK_UNBALANCE,
                      .order = -50, .n_tables = N_TABLES,
                      .miss = VMN_MISS_NEXT },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "count", .each = VMN_EACH_ROW, .row_type = ROW_COUNT,
      .compile = compile_count },
    { .name = "network", .each = VMN_EACH_ROW, .row_type = VMN_ROW_NETWORK,
      .compile = compile_network },
    { .name = "domain", .each = VMN_EACH_KEY, .relation = REL_DOMAINS,
      .compile = compile_domain },
    { .name = NULL },
};

extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD,
    .name = "traffic",
    .description = "Counts who sends how much to whom",
    .stages = stages,
    .units = units,
    VMN_APP_TYPES(types),
};
