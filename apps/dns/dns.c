/* SPDX-License-Identifier: Apache-2.0
 *
 * The dns app: answers for the names of ports, balancers, and zones.
 *
 * Guests ask at an address of its own, or at the resolvers that their network
 * names: what these are asked comes up too, and goes on to them untouched if
 * no zone knows of it.  So names work whichever way a guest is set up.  TCP is
 * answered at the app's own address alone: to other resolvers it goes on.
 * What becomes of a query is in dns-query.c. */

#include "dns-app.h"

#include <string.h>

enum {
    PRIORITY_OWN = 110,
    PRIORITY_OWN_OTHER = 105,   /* Other packets to the server's address. */
    PRIORITY_RESOLVER = 100,
};

static const struct vmn_mac server_mac = SERVER_MAC;
static const struct vmn_ip server_ip = SERVER_IP;

/* Flows.  ---------------------------------------------------------------- */

static struct vmn_flow *
flow_add(struct vmn_emit *emit, const struct vmn_network *network,
         uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(emit,
                                         vmn_scope_network(network->row.name),
                                         STAGE_DNS, 0, priority);

    vmn_match(flow, VMN_REG_NETWORK, network->vni);
    vmn_match(flow, VMN_REG_SRC_LOCAL, 1);
    return flow;
}

static void
emit_resolver(struct vmn_emit *emit, const struct vmn_network *network,
              const struct vmn_ip *ip, uint16_t priority)
{
    struct vmn_flow *flow = flow_add(emit, network, priority);

    vmn_match_ip(flow, ip->family == 4 ? VMN_F_IPV4_DST : VMN_F_IPV6_DST, ip);
    vmn_match(flow, VMN_F_UDP_DST, VMN_DNS_PORT);
    vmn_match_masked(flow, VMN_F_IP_FRAG, 0, VMN_FRAG_ANY);
    vmn_act_punt(vmn_flow_actions(flow), HANDLER_QUERY, 0, VMN_PUNT_ALL);
}

static bool
is_in(const struct vmn_ip *ip, const struct vmn_ip *ips, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!memcmp(ip, &ips[i], sizeof *ip)) {
            return true;
        }
    }
    return false;
}

/* Emits the flows of the resolvers that the network and its subnets name, each
 * once. */
static void
emit_resolvers(struct vmn_emit *emit, const struct vmn_network *network)
{
    for (size_t i = 0; i <= network->n_subnets; i++) {
        const struct vmn_dhcp_options *told
            = (i ? &vmn_subnet_at(network, i - 1)->dhcp_options
               : &network->dhcp_options);

        for (size_t j = 0; j < told->n_dns; j++) {
            bool seen = (is_in(&told->dns[j], &server_ip, 1)
                         || is_in(&told->dns[j], told->dns, j)
                         || (i && is_in(&told->dns[j],
                                        network->dhcp_options.dns,
                                        network->dhcp_options.n_dns)));

            for (size_t k = 1; k < i && !seen; k++) {
                const struct vmn_dhcp_options *other
                    = &vmn_subnet_at(network, k - 1)->dhcp_options;

                seen = is_in(&told->dns[j], other->dns, other->n_dns);
            }
            if (!seen) {
                emit_resolver(emit, network, &told->dns[j],
                              PRIORITY_RESOLVER);
            }
        }
    }
}

static void
compile_network(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_network *network = vmn_read_network(view, key);
    struct vmn_flow *flow;

    if (!network || !network->vni
        || !vmn_lookup(view, VMN_INDEX_ZONE_BY_NETWORK, key).n) {
        return;
    }
    vmn_claim_ip(view, emit, key, &server_ip);
    flow = flow_add(emit, network, PRIORITY_OWN);
    vmn_match(flow, VMN_F_ARP_OP, 1);
    vmn_match_ip(flow, VMN_F_ARP_TPA, &server_ip);
    vmn_act_arp_reply(vmn_flow_actions(flow), server_mac, &server_ip);

    emit_resolver(emit, network, &server_ip, PRIORITY_OWN);
    flow = flow_add(emit, network, PRIORITY_OWN);
    vmn_match_ip(flow, VMN_F_IPV4_DST, &server_ip);
    vmn_match(flow, VMN_F_TCP_DST, VMN_DNS_PORT);
    vmn_act_punt(vmn_flow_actions(flow), HANDLER_STREAM, 0, VMN_PUNT_ALL);
    flow = flow_add(emit, network, PRIORITY_OWN_OTHER);
    vmn_match_ip(flow, VMN_F_IPV4_DST, &server_ip);
    vmn_act_punt(vmn_flow_actions(flow), HANDLER_REFUSE, 0,
                 VMN_REJECT_QUOTED_MAX);
    vmn_act_drop(vmn_flow_actions(flow), "not a DNS query");
    emit_resolvers(emit, network);
}

/* Evaluates the server's address in network 'key', if the network has a
 * zone. */
static void
eval_server(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    if (vmn_lookup(view, VMN_INDEX_ZONE_BY_NETWORK, key).n) {
        vmn_value_set(value, &server_ip, sizeof server_ip);
    }
}

/* The app.  -------------------------------------------------------------- */

/* Before overlay (order 0), which drops ARP for unknown addresses. */
static const struct vmn_stage_class stages[] = {
    [STAGE_DNS] = { .name = "dns", .hook = VMN_HOOK_SERVICE, .order = -4,
                    .n_tables = 1, .miss = VMN_MISS_NEXT },
    { .name = NULL },
};

static const struct vmn_query_class queries[] = {
    { .name = "server", .eval = eval_server },
    { .name = "addresses", .eval = eval_addresses },
    { .name = NULL },
};

static const struct vmn_unit_class units[] = {
    { .name = "network", .each = VMN_EACH_ROW, .row_type = VMN_ROW_NETWORK,
      .compile = compile_network },
    { .name = NULL },
};

static const struct vmn_handler_class handlers[] = {
    [HANDLER_QUERY] = { .name = "query", .handle = handle_query },
    [HANDLER_STREAM] = { .name = "stream", .handle = handle_stream,
                         .options = VMN_HANDLER_HTTP
                                    | VMN_HANDLER_MESSAGES },
    [HANDLER_REFUSE] = { .name = "refuse", .handle = vmn_handle_no_port },
    { .name = NULL },
};

extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD,
    .name = "dns",
    .description = "Names of ports, balancers and zones",
    .stages = stages,
    .queries = queries,
    .units = units,
    .handlers = handlers,
};
