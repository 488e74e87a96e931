/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses that a port may use beside its own (allowed_addresses).  Several
 * ports may be allowed the same (VRRP, for instance), so each address or MAC
 * has one unit, which sees all ports that may use it. */

#include "overlay.h"

#include <string.h>

struct vmn_mac
pair_mac(const struct vmn_port *port, const struct vmn_address_pair *pair)
{
    return mac_is_none(pair->mac) ? port->mac : pair->mac;
}

bool
pair_is_new(const struct vmn_port *port, size_t i)
{
    const struct vmn_address_pair *pair = &port->allowed_addresses[i];
    struct vmn_mac mac = pair_mac(port, pair);

    if (pair->ip.ip.family != 4) {
        return false;
    }
    for (size_t j = 0; j < port->n_ips; j++) {
        if (pair->ip.len == 32 && mac_equal(mac, port->mac)
            && !memcmp(&port->ips[j], &pair->ip.ip, sizeof pair->ip.ip)) {
            return false;
        }
    }
    for (size_t j = 0; j < i; j++) {
        const struct vmn_address_pair *other = &port->allowed_addresses[j];

        if (other->ip.len == pair->ip.len
            && mac_equal(mac, pair_mac(port, other))
            && !memcmp(&other->ip.ip, &pair->ip.ip, sizeof pair->ip.ip)) {
            return false;
        }
    }
    return true;
}

bool
pair_has_new_mac(const struct vmn_port *port, size_t i)
{
    struct vmn_mac mac = pair_mac(port, &port->allowed_addresses[i]);

    for (size_t j = 0; j < i; j++) {
        if (mac_equal(mac, pair_mac(port, &port->allowed_addresses[j]))) {
            return false;
        }
    }
    return !mac_equal(mac, port->mac);
}

size_t
port_prefixes(struct vmn_view *view, const struct vmn_port *port,
              struct vmn_mac mac, struct vmn_prefix **prefixes)
{
    struct vmn_prefix *set = vmn_alloc(
        view, (port->n_ips + port->n_allowed_addresses) * sizeof *set);
    size_t n = 0;

    for (size_t i = 0; i < port->n_ips; i++) {
        if (port->ips[i].family == 4 && mac_equal(mac, port->mac)) {
            set[n].ip = port->ips[i];
            set[n++].len = 32;
        }
    }
    for (size_t i = 0; i < port->n_allowed_addresses; i++) {
        const struct vmn_address_pair *pair = &port->allowed_addresses[i];

        if (pair->ip.ip.family == 4 && mac_equal(mac, pair_mac(port, pair))) {
            set[n++] = pair->ip;
        }
    }
    *prefixes = set;
    return vmn_prefixes_merge(set, n);
}

/* Says for which addresses ARP goes to the guests. */
static void
publish_asked(struct vmn_view *view, struct vmn_emit *emit,
              const struct site *site)
{
    const struct vmn_port *port = site->port;
    struct vmn_prefix *set = vmn_alloc(
        view, port->n_allowed_addresses * sizeof *set);
    const char *network = site->network->row.name;
    size_t n = 0;

    for (size_t i = 0; i < port->n_allowed_addresses; i++) {
        if (pair_is_new(port, i)) {
            set[n++] = port->allowed_addresses[i].ip;
        }
    }
    n = vmn_prefixes_merge(set, n);
    for (size_t i = 0; i < n; i++) {
        vmn_publish(emit, REL_ASKED,
                    vmn_printf(view, "%s|%s", network,
                               prefix_to_text(view, &set[i])),
                    port->row.name);
    }
    if (n) {
        vmn_publish(emit, REL_ASKS, network, "");
    }
}

/* Pairs stay as they were given: which ports share one must show. */
void
publish_pairs(struct vmn_view *view, struct vmn_emit *emit,
              const struct site *site)
{
    const struct vmn_port *port = site->port;
    const char *network = site->network->row.name;
    const char *name = port->row.name;

    publish_asked(view, emit, site);
    for (size_t i = 0; i < port->n_allowed_addresses; i++) {
        const struct vmn_address_pair *pair = &port->allowed_addresses[i];

        if (!pair_is_new(port, i)) {
            continue;
        }

        struct vmn_mac mac = pair_mac(port, pair);
        const char *mac_text = mac_to_text(view, mac);
        const char *prefix = prefix_to_text(view, &pair->ip);

        vmn_publish(emit, REL_PAIR,
                    vmn_printf(view, "%s|%s|%s", network, prefix, mac_text),
                    name);
        if (!mac_equal(mac, port->mac)) {
            vmn_publish(emit, REL_MAC,
                        vmn_printf(view, "%s|%s", network, mac_text), name);
        }
    }
}

/* ARP requests for a prefix that some port may use go to the guests: only
 * they know who has the address now. */
void
compile_asked(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const char *parts[2];
    struct vmn_prefix prefix;

    if (!key_split(view, key, parts, 2)
        || !prefix_from_text(parts[1], &prefix)) {
        return;
    }

    const struct vmn_network *network = vmn_read_network(view, parts[0]);

    if (network && network->vni) {
        struct vmn_flow *flow = vmn_flow_add(emit,
                                             vmn_scope_network(parts[0]),
                                             STAGE_SERVICE, 0, SERVICE_FLOOD);

        match_network(flow, network);
        vmn_match(flow, VMN_F_ARP_OP, 1);
        vmn_match_prefix(flow, VMN_F_ARP_TPA, &prefix);
        vmn_act_next(vmn_flow_actions(flow));
    }
}

/* Packets out of a tunnel that claim a pair.  Ports that share both address
 * and MAC cannot be told apart: they must have one identity, or all of their
 * packets are dropped as from an unknown source. */
void
compile_pair(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    static const enum vmn_field fields[] = { VMN_F_IPV4_SRC, VMN_F_ARP_SPA };
    struct vmn_names ports = vmn_facts(view, REL_PAIR, key);
    struct site site, other;
    struct vmn_prefix prefix;
    struct vmn_mac mac;
    const char *parts[3];

    if (!key_split(view, key, parts, 3)
        || !prefix_from_text(parts[1], &prefix)
        || !mac_from_text(parts[2], &mac)
        || !ports.n || !site_read(view, ports.names[0], &site)) {
        return;
    }
    for (size_t i = 1; i < ports.n; i++) {
        if (!site_read(view, ports.names[i], &other)
            || other.identity != site.identity) {
            return;
        }
    }
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        struct vmn_flow *flow = vmn_flow_add(emit,
                                             vmn_scope_network(parts[0]),
                                             STAGE_ADMIT, ADMIT_SOURCE,
                                             SOURCE_PAIR + prefix.len);
        struct vmn_actions *actions = vmn_flow_actions(flow);

        match_network(flow, site.network);
        vmn_match_mac(flow, VMN_F_ETH_SRC, mac);
        vmn_match_prefix(flow, fields[i], &prefix);
        vmn_act_set(actions, VMN_REG_SRC_ID, site.identity);
        vmn_act_next(actions);
    }
}

/* A MAC that is no port's own: to the one port that may use it, or to all of
 * the network if there are several. */
void
compile_mac(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_names ports = vmn_facts(view, REL_MAC, key);
    const char *parts[2];
    struct vmn_mac mac;
    struct site site;

    if (!key_split(view, key, parts, 2) || !mac_from_text(parts[1], &mac)) {
        return;
    }
    if (ports.n > 1) {
        vmn_publish(emit, REL_SHARED, parts[0], parts[1]);
    } else if (ports.n == 1 && site_read(view, ports.names[0], &site)) {
        site_locate(view, emit, &site, mac, false);
    }
}
