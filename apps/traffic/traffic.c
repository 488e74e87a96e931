/* SPDX-License-Identifier: Apache-2.0
 *
 * The traffic app: has switches count who sends how much to whom, on the host
 * of the one that gets it.  It sees packets that policies have let through,
 * before a backend's address becomes a virtual IP.  A source is an address of
 * a port of the routing domain; all others, which nobody bounds, are counted
 * together: so neither those outside nor guests make pairs.  Not for what
 * becomes of the counts (GET /v1/traffic).
 *
 * The first table picks the networks, the second has a flow for each address
 * of a port in a domain where something is counted, the third counts pairs of
 * those. */

#include "vmn/app.h"

/* The app's type. */
enum { TYPE_TRAFFIC_COUNTS };
#define ROW_COUNT VMN_ROW_OWN(TYPE_TRAFFIC_COUNTS)

/* Relations: network name, or "" for all -> traffic-counts. */
#define REL_NETWORKS "traffic.networks"
/* DOMAIN -> networks of it that are counted. */
#define REL_DOMAINS "traffic.domains"

enum { STAGE_COUNT };
enum { TABLE_NETWORK, TABLE_SOURCE, TABLE_PAIR, N_TABLES };
enum { PRIORITY_OTHERS = 10, PRIORITY_PORT = 100, PRIORITY_OUTSIDE = 150,
       PRIORITY_SEVERAL = 200 };

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
    if (is_counted(view, key)) {
        vmn_publish(emit, REL_DOMAINS, domain, key);
        flow = vmn_flow_add(emit, vmn_scope_network(key), STAGE_COUNT,
                            TABLE_NETWORK, PRIORITY_PORT);
        vmn_match(flow, VMN_REG_NETWORK, network->vni);
        vmn_match(flow, VMN_REG_DST_LOCAL, 1);
        vmn_match_masked(flow, VMN_F_ETH_DST, 0, GROUP_BIT);
        vmn_act_goto(vmn_flow_actions(flow), STAGE_COUNT, TABLE_SOURCE);
    }
}

/* An address that routers forward is one port's in all of the domain. */
static void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    const char *domain;
    uint32_t zone;

    if (!port) {
        return;
    }
    domain = vmn_domain_of(view, port->network);
    zone = vmn_domain_zone(view, domain);
    if (!zone || !vmn_relation_values(view, REL_DOMAINS, domain).n) {
        return;
    }
    for (size_t i = 0; i < port->n_ips; i++) {
        const struct vmn_ip *ip = &port->ips[i];
        struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_domain(domain),
                                             STAGE_COUNT, TABLE_SOURCE,
                                             PRIORITY_PORT);

        vmn_match(flow, VMN_REG_ZONE, zone);
        vmn_match_ip(flow, vmn_field_ip_src(ip->family), ip);
        vmn_act_goto(vmn_flow_actions(flow), STAGE_COUNT, TABLE_PAIR);
    }
}

static struct vmn_flow *
domain_flow_add(struct vmn_view *view, struct vmn_emit *emit,
                const char *domain, unsigned table, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_domain(domain),
                                         STAGE_COUNT, table, priority);

    vmn_match(flow, VMN_REG_ZONE, vmn_domain_zone(view, domain));
    return flow;
}

static void
count(struct vmn_flow *flow, uint16_t eth_type, bool by_source)
{
    vmn_match(flow, VMN_F_ETH_TYPE, eth_type);
    vmn_act_count_pair(vmn_flow_actions(flow), eth_type, by_source);
    vmn_act_next(vmn_flow_actions(flow));
}

/* What has come in from outside, here or on another host, is nobody's,
 * whatever address it says. */
static void
count_family(struct vmn_view *view, struct vmn_emit *emit, const char *domain,
             uint16_t eth_type)
{
    struct vmn_flow *flow;

    flow = domain_flow_add(view, emit, domain, TABLE_SOURCE,
                           PRIORITY_OUTSIDE);
    vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_EXTERNAL,
                     VMN_FLAG_EXTERNAL);
    count(flow, eth_type, false);
    flow = domain_flow_add(view, emit, domain, TABLE_SOURCE,
                           PRIORITY_OUTSIDE);
    vmn_match(flow, VMN_F_IN_PORT, VMN_TUNNEL_OFPORT);
    vmn_match_mac(flow, VMN_F_ETH_SRC, VMN_EXTERNAL_MAC);
    count(flow, eth_type, false);
    count(domain_flow_add(view, emit, domain, TABLE_SOURCE, PRIORITY_OTHERS),
          eth_type, false);
    count(domain_flow_add(view, emit, domain, TABLE_PAIR, PRIORITY_PORT),
          eth_type, true);
}

static void
skip(struct vmn_view *view, struct vmn_emit *emit, const char *domain,
     uint32_t number, uint32_t mask)
{
    struct vmn_flow *flow = domain_flow_add(view, emit, domain, TABLE_SOURCE,
                                            PRIORITY_SEVERAL);

    vmn_match_masked(flow, VMN_REG_OUT_PORT, number, mask);
    vmn_act_next(vmn_flow_actions(flow));
}

/* A copy for several ports, all or those of a part, is no pair's. */
static void
skip_copies(struct vmn_view *view, struct vmn_emit *emit, const char *domain)
{
    skip(view, emit, domain, VMN_OUT_SEVERAL,
         ((1u << VMN_OUT_ISOLATION_SHIFT) - 1)
         & ~(uint32_t) (VMN_OUT_SEVERAL ^ VMN_OUT_SEVERAL_UNKNOWN));
    skip(view, emit, domain, VMN_OUT_PART, VMN_OUT_PARTS_MASK);
}

static void
compile_domain(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    if (vmn_domain_zone(view, key)) {
        skip_copies(view, emit, key);
        count_family(view, emit, key, VMN_ETH_IPV4);
        count_family(view, emit, key, VMN_ETH_IPV6);
    }
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
    { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
      .compile = compile_port },
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
