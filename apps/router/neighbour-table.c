/* SPDX-License-Identifier: Apache-2.0
 *
 * Who has which address, for routers: ports with their own addresses, and with
 * allowed ones.  One flow for each address, whatever the number of routers and
 * of networks. */

#include "router.h"

#include <string.h>

/* Emits the flow for a prefix that the guest with one of 'n' MAC addresses
 * has: each gets a copy. */
static void
emit(struct vmn_emit *emit_, const char *domain,
     const struct vmn_network *network, const struct vmn_prefix *prefix,
     const struct vmn_mac *macs, size_t n, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(emit_, vmn_scope_domain(domain),
                                         STAGE_ROUTE, ROUTE_NEIGHBOUR,
                                         priority);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_REG_NETWORK, network->vni);
    vmn_match_prefix(flow, vmn_field_ip_dst(prefix->ip.family), prefix);
    for (size_t i = 0; i + 1 < n; i++) {
        vmn_act_set_mac(actions, VMN_F_ETH_DST, macs[i]);
        vmn_act_clone(actions, STAGE_ROUTE, ROUTE_SEND);
    }
    vmn_act_set_mac(actions, VMN_F_ETH_DST, macs[n - 1]);
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
                    vmn_printf(view, "%s|%s",
                               vmn_mac_text(view, is_own ? port->mac
                                            : pair->mac), port->row.name));
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

        emit(emit_, domain, network, &prefix, &port->mac, 1,
             NEIGHBOUR_OWN);
    }
    publish_neighbours(view, emit_, port);
}

static size_t
add_name(const char **names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(names[i], name)) {
            return n;
        }
    }
    names[n] = name;
    return n + 1;
}

size_t
neighbour_macs(struct vmn_view *view, const char *key,
               struct vmn_mac macs[NEIGHBOUR_MACS_MAX])
{
    /* "MAC|PORT", sorted. */
    struct vmn_names values = vmn_relation_values(view, REL_NEIGHBOUR, key);
    const char **ports = vmn_alloc(view, (values.n + 1) * sizeof *ports);
    size_t n_ports_of[NEIGHBOUR_MACS_MAX] = { 0 };
    size_t n_ports = 0, n = 0;

    for (size_t i = 0; i < values.n; i++) {
        const char *text, *port;
        struct vmn_mac mac;

        if (!vmn_key_split_two(view, values.names[i], &text, &port)
            || !vmn_mac_from_text(text, &mac)) {
            continue;
        }
        if (!n || memcmp(&macs[n - 1], &mac, sizeof mac)) {
            if (n == NEIGHBOUR_MACS_MAX) {
                return 0;
            }
            macs[n++] = mac;
        }
        n_ports_of[n - 1]++;
        n_ports = add_name(ports, n_ports, port);
    }
    for (size_t i = 0; n > 1 && i < n; i++) {
        if (n_ports_of[i] == n_ports) {
            macs[0] = macs[i];
            n = 1;
        }
    }
    return n;
}

/* Compiles the neighbours of a prefix.  Of an address that guests share, only
 * they know who has it now, and a router does not send ARP requests: without a
 * MAC address that all of them may use each gets a copy, which the others
 * drop. */
void
compile_neighbour(struct vmn_view *view, const char *key,
                  struct vmn_emit *emit_)
{
    const char *name = NULL, *prefix_text = NULL;
    const struct vmn_network *network
        = (vmn_key_split_two(view, key, &name, &prefix_text)
           ? vmn_read_network(view, name) : NULL);
    struct vmn_mac macs[NEIGHBOUR_MACS_MAX];
    struct vmn_prefix prefix;
    size_t n;

    if (!network || !network->vni
        || !vmn_prefix_from_text(prefix_text, &prefix)) {
        return;
    }
    n = neighbour_macs(view, key, macs);
    if (n == 1 || (n && prefix.len == vmn_ip_bits(&prefix.ip))) {
        emit(emit_, vmn_domain_of(view, name), network, &prefix, macs, n,
             NEIGHBOUR_PAIR + prefix.len);
    }
}
