/* SPDX-License-Identifier: Apache-2.0
 *
 * An app that is built with the headers that this plugin ABI began with
 * (tests/abi/vmn) and loaded by today's daemon.  What it reads goes into its
 * flows, so that a member which has moved, or an element that is looked for in
 * the wrong place, shows there.  Not an example: apps/example is. */

#include "vmn/app.h"

enum { STAGE_OLD };
enum { HANDLER_OLD };

#define REL_SEEN "old.seen"
#define NUMBER_OLD "old.number"

/* A flow whose match is 'what' and 'values'; it only goes on. */
static struct vmn_flow *
flow_add(struct vmn_emit *emit, unsigned what, uint32_t a, uint32_t b,
         uint32_t c)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_all(), STAGE_OLD, 0,
                                         what);

    vmn_match(flow, VMN_F_REG10, a);
    vmn_match(flow, VMN_F_REG11, b);
    vmn_match(flow, VMN_F_REG12, c);
    return flow;
}

static uint32_t
bytes_of(const struct vmn_ip *ip)
{
    return (uint32_t) ip->addr[0] << 24 | ip->addr[1] << 16 | ip->addr[2] << 8
           | ip->addr[3];
}

static uint32_t
sum_of(const char *text)
{
    uint32_t sum = 0;

    while (text && *text) {
        sum = sum * 31 + (unsigned char) *text++;
    }
    return sum;
}

static void
go_on(struct vmn_flow *flow)
{
    vmn_act_next(vmn_flow_actions(flow));
}

static void
compile_network(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_network *network = vmn_read_network(view, key);

    for (size_t i = 0; network && i < network->n_subnets; i++) {
        const struct vmn_subnet *subnet = vmn_subnet_at(network, i);

        go_on(flow_add(emit, 100, network->vni,
                       bytes_of(&subnet->cidr.ip) + subnet->cidr.len,
                       subnet->dhcp + 2 * subnet->slaac));
        for (size_t j = 0; j < subnet->n_reservations; j++) {
            const struct vmn_reservation *kept = vmn_reservation_at(subnet, j);

            go_on(flow_add(emit, 110, j, bytes_of(&kept->ip),
                           sum_of(kept->port)));
        }
        for (size_t j = 0; j < subnet->dhcp_options.n_routes; j++) {
            const struct vmn_dhcp_route *route
                = vmn_dhcp_route_at(&subnet->dhcp_options, j);

            go_on(flow_add(emit, 120, j, bytes_of(&route->destination.ip),
                           bytes_of(&route->via)));
        }
    }
}

static void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    const struct vmn_binding *binding = vmn_read_binding(view, key);
    struct vmn_flow *flow;

    if (!port) {
        return;
    }
    for (size_t i = 0; i < port->n_ips; i++) {
        flow = flow_add(emit, 200, vmn_id_of(view, NUMBER_OLD, key),
                        bytes_of(&port->ips[i]), port->enabled);
        vmn_match_mac(flow, VMN_F_ETH_DST, port->mac);
        vmn_flow_count(flow);
        vmn_act_punt(vmn_flow_actions(flow), HANDLER_OLD, i, 0);
    }
    for (size_t i = 0; i < port->n_allowed_addresses; i++) {
        const struct vmn_address_pair *pair = vmn_address_pair_at(port, i);

        go_on(flow_add(emit, 210, bytes_of(&pair->ip.ip), pair->ip.len,
                       sum_of(binding ? binding->host : "-")));
    }
    vmn_publish(emit, REL_SEEN, port->network, key);
}

static void
compile_seen(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_names names = vmn_relation_values(view, REL_SEEN, key);

    for (size_t i = 0; i < names.n; i++) {
        go_on(flow_add(emit, 300, i, sum_of(names.names[i]), names.n));
    }
}

static void
compile_policy(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_policy *policy = vmn_read_policy(view, key);

    for (size_t i = 0; policy && i < policy->n_rules; i++) {
        const struct vmn_rule *rule = vmn_policy_rule_at(policy, i);

        go_on(flow_add(emit, 400, i, rule->direction, rule->action));
        for (size_t j = 0; j < rule->n_peers; j++) {
            const struct vmn_peer *peer = vmn_peer_at(rule, j);

            go_on(flow_add(emit, 410, j, bytes_of(&peer->cidr.ip),
                           sum_of(peer->group)));
        }
        for (size_t j = 0; j < rule->n_services; j++) {
            const struct vmn_rule_service *use = vmn_rule_service_at(rule, j);

            go_on(flow_add(emit, 420, j, use->inline_entry.protocol,
                           sum_of(use->service)));
        }
    }
}

static void
compile_balancer(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_loadbalancer *lb = vmn_read_loadbalancer(view, key);
    const struct vmn_lb_members *members;
    size_t size;

    for (size_t i = 0; lb && i < lb->n_ports; i++) {
        const struct vmn_lb_port *port = vmn_lb_port_at(lb, i);

        go_on(flow_add(emit, 500, bytes_of(&lb->vip), port->port,
                       port->target));
    }
    for (size_t i = 0; lb && i < lb->n_backends; i++) {
        const struct vmn_backend *backend = vmn_backend_at(lb, i);

        go_on(flow_add(emit, 510, i, sum_of(backend->port), backend->weight));
    }
    members = vmn_query(view, VMN_QUERY_BACKENDS, key, &size);
    for (size_t i = 0; members && i < members->n; i++) {
        const struct vmn_lb_member *member = vmn_lb_member_at(members, i);

        go_on(flow_add(emit, 520, sum_of(member->port), bytes_of(&member->ip),
                       member->state));
    }
}

static void
compile_all(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_names names = vmn_lookup(view, VMN_INDEX_ALL_HOSTS, "");

    (void) key;
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_host *host = vmn_read_host(view, names.names[i]);

        go_on(flow_add(emit, 600, i, bytes_of(&host->tunnel_ip),
                       host->zone_limit));
        for (size_t j = 0; j < host->n_provider_bridges; j++) {
            go_on(flow_add(emit, 610, j, sum_of(
                vmn_provider_bridge_at(host, j)->physical), sum_of(
                vmn_provider_bridge_at(host, j)->bridge)));
        }
    }
}

static void
handle(struct vmn_view *view, const struct vmn_packet_in *in,
       struct vmn_packets_out *out)
{
    (void) view;
    vmn_send_back(out, in->bytes, in->size);
}

static bool
flow_owner(struct vmn_view *view, const char *unit, const char *key,
           uint32_t part, struct vmn_flow_owner *owner)
{
    (void) view;
    (void) unit;
    (void) part;
    owner->row_type = VMN_ROW_NETWORK;
    owner->name = key;
    return true;
}

static const struct vmn_stage_class stages[] = {
    [STAGE_OLD] = { .name = "old", .hook = VMN_HOOK_SERVICE, .order = 20,
                    .n_tables = 1, .miss = VMN_MISS_NEXT },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "all", .each = VMN_EACH_ONCE, .compile = compile_all },
    { .name = "network", .each = VMN_EACH_ROW, .row_type = VMN_ROW_NETWORK,
      .compile = compile_network },
    { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
      .compile = compile_port },
    { .name = "seen", .each = VMN_EACH_KEY, .relation = REL_SEEN,
      .compile = compile_seen },
    { .name = "policy", .each = VMN_EACH_ROW, .row_type = VMN_ROW_POLICY,
      .compile = compile_policy },
    { .name = "balancer", .each = VMN_EACH_ROW,
      .row_type = VMN_ROW_LOADBALANCER, .compile = compile_balancer },
    { .name = NULL },
};

static const struct vmn_id_pool_class id_pools[] = {
    { .name = NUMBER_OLD, .max = 1000 },
    { .name = NULL },
};

static const struct vmn_handler_class handlers[] = {
    [HANDLER_OLD] = { .name = "old", .handle = handle },
    { .name = NULL },
};

extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD,
    .name = "old",
    .description = "Built with the first headers of its ABI",
    .stages = stages,
    .units = units,
    .id_pools = id_pools,
    .handlers = handlers,
    .flow_owner = flow_owner,
};
