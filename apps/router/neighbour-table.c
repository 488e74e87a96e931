/* SPDX-License-Identifier: Apache-2.0
 *
 * Who has which address, for routers: ports with their own addresses, and with
 * allowed ones where only one MAC address may have them.  One flow for each
 * address, whatever the number of routers and of networks. */

#include "router.h"

#include <string.h>

static void
emit(struct vmn_emit *emit_, const char *domain,
     const struct vmn_network *network, const struct vmn_prefix *prefix,
     struct vmn_mac mac, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(emit_, vmn_scope_domain(domain),
                                         STAGE_ROUTE, ROUTE_NEIGHBOUR,
                                         priority);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_REG_NETWORK, network->vni);
    vmn_match_prefix(flow, vmn_field_ip_dst(prefix->ip.family), prefix);
    vmn_act_set_mac(actions, VMN_F_ETH_DST, mac);
    vmn_act_goto(actions, STAGE_ROUTE, ROUTE_SEND);
}

/* Publishes the port's addresses for the router's neighbour table.  Which port
 * has a prefix is decided once all that may use it are known. */
static void
publish_neighbours(struct vmn_view *view, struct vmn_emit *emit_,
                   const struct vmn_port *port)
{
    static const struct vmn_mac none;

    for (size_t i = 0; i < port->n_allowed_addresses; i++) {
        const struct vmn_address_pair *pair = vmn_address_pair_at(port, i);
        bool is_own = !memcmp(&pair->mac, &none, sizeof none);

        vmn_publish(emit_, REL_NEIGHBOUR,
                    vmn_printf(view, "%s|%s", port->network,
                               vmn_prefix_text(view, &pair->ip)),
                    vmn_mac_text(view, is_own ? port->mac : pair->mac));
    }
}

/* Compiles the port's neighbours; a port that is bound nowhere has none. */
void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit_)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    const char *domain = port ? vmn_domain_of(view, port->network) : NULL;
    const struct vmn_binding *binding;
    const struct vmn_network *network;

    if (!domain || !vmn_domain_is_routed(domain) || !port->enabled) {
        return;
    }
    binding = vmn_read_binding(view, key);
    network = vmn_read_network(view, port->network);
    if (!binding || !binding->host || !network || !network->vni) {
        return;
    }
    for (size_t i = 0; i < port->n_ips; i++) {
        struct vmn_prefix prefix = { port->ips[i],
                                     vmn_ip_bits(&port->ips[i]) };

        emit(emit_, domain, network, &prefix, port->mac, NEIGHBOUR_OWN);
    }
    publish_neighbours(view, emit_, port);
}

/* Compiles the neighbours of a prefix.  With several MACs only the guests know
 * who has an address, and a router does not send ARP requests. */
void
compile_neighbour(struct vmn_view *view, const char *key,
                  struct vmn_emit *emit_)
{
    struct vmn_names macs = vmn_relation_values(view, REL_NEIGHBOUR, key);
    const char *name = NULL, *prefix_text = NULL;
    const struct vmn_network *network
        = (vmn_key_split_two(view, key, &name, &prefix_text)
           ? vmn_read_network(view, name) : NULL);
    struct vmn_prefix prefix;
    struct vmn_mac mac;

    if (network && network->vni && macs.n == 1
        && vmn_prefix_from_text(prefix_text, &prefix)
        && vmn_mac_from_text(macs.names[0], &mac)) {
        emit(emit_, vmn_domain_of(view, name), network, &prefix, mac,
             NEIGHBOUR_PAIR + prefix.len);
    }
}
