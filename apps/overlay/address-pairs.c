/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses that a port may use beside its own (allowed_addresses).  Several
 * ports may be allowed the same (VRRP, for instance), so each address or MAC
 * has one unit, which sees all ports that may use it. */

#include "overlay.h"

#include <string.h>

/* Own addresses.  -------------------------------------------------------- */

bool
port_has_ipv6(const struct vmn_port *port)
{
    for (size_t i = 0; i < port->n_ips; i++) {
        if (port->ips[i].family == 6) {
            return true;
        }
    }
    for (size_t i = 0; i < port->n_allowed_addresses; i++) {
        if (vmn_address_pair_at(port, i)->ip.ip.family == 6) {
            return true;
        }
    }
    return false;
}

size_t
port_ips(struct vmn_view *view, const struct vmn_port *port,
         struct vmn_ip **ips)
{
    size_t n = port->n_ips;

    *ips = vmn_alloc(view, (n + 1) * sizeof **ips);
    if (n) {
        memcpy(*ips, port->ips, n * sizeof **ips);
    }
    if (port_has_ipv6(port)) {
        (*ips)[n++] = vmn_link_local(port->mac);
    }
    return n;
}

/* Returns true if 'prefix' is a single address, one of the port's own. */
static bool
port_owns(const struct vmn_port *port, const struct vmn_prefix *prefix)
{
    struct vmn_ip local = vmn_link_local(port->mac);

    if (prefix->len != vmn_ip_bits(&prefix->ip)) {
        return false;
    }
    for (size_t i = 0; i < port->n_ips; i++) {
        if (vmn_ip_equal(&port->ips[i], &prefix->ip)) {
            return true;
        }
    }
    return port_has_ipv6(port) && vmn_ip_equal(&local, &prefix->ip);
}

/* Allowed ones.  --------------------------------------------------------- */

struct vmn_mac
pair_mac(const struct vmn_port *port, const struct vmn_address_pair *pair)
{
    return vmn_mac_is_none(pair->mac) ? port->mac : pair->mac;
}

bool
pair_is_new(const struct vmn_port *port, size_t i)
{
    const struct vmn_address_pair *pair = vmn_address_pair_at(port, i);
    struct vmn_mac mac = pair_mac(port, pair);

    if (vmn_mac_equal(mac, port->mac) && port_owns(port, &pair->ip)) {
        return false;
    }
    for (size_t j = 0; j < i; j++) {
        const struct vmn_address_pair *other = vmn_address_pair_at(port, j);

        if (other->ip.len == pair->ip.len
            && vmn_mac_equal(mac, pair_mac(port, other))
            && !memcmp(&other->ip.ip, &pair->ip.ip, sizeof pair->ip.ip)) {
            return false;
        }
    }
    return true;
}

bool
pair_has_new_mac(const struct vmn_port *port, size_t i)
{
    struct vmn_mac mac = pair_mac(port, vmn_address_pair_at(port, i));

    for (size_t j = 0; j < i; j++) {
        if (vmn_mac_equal(mac, pair_mac(port, vmn_address_pair_at(port, j)))) {
            return false;
        }
    }
    return !vmn_mac_equal(mac, port->mac);
}

size_t
port_prefixes(struct vmn_view *view, const struct vmn_port *port,
              struct vmn_mac mac, struct vmn_prefix **prefixes)
{
    struct vmn_ip *ips;
    size_t n_ips = port_ips(view, port, &ips);
    struct vmn_prefix *set = vmn_alloc(
        view, (n_ips + port->n_allowed_addresses) * sizeof *set);
    size_t n = 0;

    for (size_t i = 0; vmn_mac_equal(mac, port->mac) && i < n_ips; i++) {
        set[n].ip = ips[i];
        set[n++].len = vmn_ip_bits(&ips[i]);
    }
    for (size_t i = 0; i < port->n_allowed_addresses; i++) {
        const struct vmn_address_pair *pair = vmn_address_pair_at(port, i);

        if (vmn_mac_equal(mac, pair_mac(port, pair))) {
            set[n++] = pair->ip;
        }
    }
    *prefixes = set;
    return vmn_prefixes_merge(set, n);
}

/* Publishes the addresses whose ARP requests and solicitations are flooded to
 * the network: allowed ones, and link-local ones that guests choose. */
static void
publish_arp_flooded(struct vmn_view *view, struct vmn_emit *emit,
                    const struct port_ctx *ctx)
{
    const struct vmn_port *port = ctx->port;
    struct vmn_prefix *set = vmn_alloc(
        view, (port->n_allowed_addresses + 1) * sizeof *set);
    const char *network = ctx->network->row.name;
    size_t n = 0;
    bool v4 = false, v6 = false;

    if (port_has_ipv6(port)) {
        set[n++] = link_local_prefix;
    }

    for (size_t i = 0; i < port->n_allowed_addresses; i++) {
        if (pair_is_new(port, i)) {
            set[n++] = vmn_address_pair_at(port, i)->ip;
        }
    }
    n = vmn_prefixes_merge(set, n);
    for (size_t i = 0; i < n; i++) {
        vmn_publish(emit, REL_ARP_FLOODED,
                    vmn_printf(view, "%s|%s", network,
                               vmn_prefix_text(view, &set[i])),
                    port->row.name);
        v4 |= set[i].ip.family == 4;
        v6 |= set[i].ip.family == 6;
    }
    if (v4) {
        vmn_publish(emit, REL_FLOODS_ARP, network, "");
    }
    if (v6) {
        vmn_publish(emit, REL_FLOODS_ND, network, "");
    }
}

/* Publishes the pairs as they were configured, not merged, so that ports with
 * a pair in common can be found. */
void
publish_pairs(struct vmn_view *view, struct vmn_emit *emit,
              const struct port_ctx *ctx)
{
    const struct vmn_port *port = ctx->port;
    const char *network = ctx->network->row.name;
    const char *name = port->row.name;

    publish_arp_flooded(view, emit, ctx);
    for (size_t i = 0; i < port->n_allowed_addresses; i++) {
        const struct vmn_address_pair *pair = vmn_address_pair_at(port, i);

        if (!pair_is_new(port, i)) {
            continue;
        }

        struct vmn_mac mac = pair_mac(port, pair);
        const char *mac_text = vmn_mac_text(view, mac);
        const char *prefix = vmn_prefix_text(view, &pair->ip);

        vmn_publish(emit, REL_PAIR,
                    vmn_printf(view, "%s|%s|%s", network, prefix, mac_text),
                    name);
        if (vmn_domain_is_routed(ctx->domain)
            && !vmn_is_link_local(&pair->ip.ip)) {
            vmn_publish(emit, REL_ROUTED_PAIR,
                        vmn_printf(view, "%s|%s", ctx->domain, prefix), name);
        }
        if (!vmn_mac_equal(mac, port->mac)) {
            vmn_publish(emit, REL_MAC,
                        vmn_printf(view, "%s|%s", network, mac_text), name);
        }
    }
}

/* Compiles flows that flood ARP requests and solicitations for a prefix that a
 * port may use: only the guests know which of them has the address. */
void
compile_arp_flooded(struct vmn_view *view, const char *key,
                    struct vmn_emit *emit)
{
    const char *parts[2];
    struct vmn_prefix prefix;

    if (vmn_key_split(view, key, parts, 2) < 2
        || !vmn_prefix_from_text(parts[1], &prefix)) {
        return;
    }

    const struct vmn_network *network = vmn_read_network(view, parts[0]);

    if (network && network->vni) {
        struct vmn_flow *flow = vmn_flow_add(emit,
                                             vmn_scope_network(parts[0]),
                                             STAGE_SERVICE, SERVICE_REQUEST,
                                             SERVICE_FLOOD);

        match_network(flow, network);
        if (prefix.ip.family == 6) {
            vmn_match(flow, VMN_F_ICMPV6_TYPE, VMN_ND_SOLICIT);
            vmn_match_prefix(flow, VMN_F_ND_TARGET, &prefix);
        } else {
            vmn_match(flow, VMN_F_ARP_OP, 1);
            vmn_match_prefix(flow, VMN_F_ARP_TPA, &prefix);
        }
        vmn_act_next(vmn_flow_actions(flow));
    }
}

static void
emit_pair(struct vmn_emit *emit, const struct port_ctx *ctx,
          struct vmn_mac mac,
          enum vmn_field field, const struct vmn_prefix *prefix)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_network(ctx->network->row.name), STAGE_ADMIT,
        ADMIT_SOURCE, SOURCE_PAIR + prefix->len);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    match_network(flow, ctx->network);
    vmn_match_mac(flow, VMN_F_ETH_SRC, mac);
    vmn_match_prefix(flow, field, prefix);
    vmn_act_set(actions, VMN_REG_SRC_ID, ctx->identity);
    isolation_of_source(actions, ctx);
    vmn_act_next(actions);
}

/* Reads the context of the first port into 'ctx'.  Returns false if there is
 * none, or if the ports differ in identity. */
static bool
read_united(struct vmn_view *view, struct vmn_names ports,
            struct port_ctx *ctx)
{
    struct port_ctx other;

    if (!ports.n || !port_ctx_read(view, ports.names[0], ctx)) {
        return false;
    }
    for (size_t i = 1; i < ports.n; i++) {
        if (!port_ctx_read(view, ports.names[i], &other)
            || other.identity != ctx->identity) {
            return false;
        }
    }
    return true;
}

/* Compiles the source lookup of packets from a tunnel that have this address
 * and MAC.  Ports that share both cannot be told apart, so they must have one
 * identity; otherwise their packets are dropped as from an unknown source.  If
 * they differ in isolation, all count as isolated. */
void
compile_pair(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct port_ctx ctx;
    struct vmn_prefix prefix;
    struct vmn_mac mac;
    const char *parts[3];

    if (vmn_key_split(view, key, parts, 3) < 3
        || !vmn_prefix_from_text(parts[1], &prefix)
        || !vmn_mac_from_text(parts[2], &mac)
        || !read_united(view, vmn_relation_values(view, REL_PAIR, key),
                        &ctx)) {
        return;
    }
    ctx.isolation = isolation_of_any(
        view, vmn_relation_values(view, REL_PAIR, key), ctx.network);
    if (prefix.ip.family == 6) {
        emit_pair(emit, &ctx, mac, VMN_F_IPV6_SRC, &prefix);
    } else {
        emit_pair(emit, &ctx, mac, VMN_F_IPV4_SRC, &prefix);
        emit_pair(emit, &ctx, mac, VMN_F_ARP_SPA, &prefix);
    }
}

/* Adds the lookup of routed packets by a prefix: in 'network', or where that
 * is NULL, anywhere else in the domain. */
static struct vmn_flow *
routed_add(struct vmn_view *view, struct vmn_emit *emit, const char *domain,
           const struct vmn_network *network, const struct vmn_prefix *prefix)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, network ? vmn_scope_network(network->row.name)
        : vmn_scope_domain(domain), STAGE_ADMIT, ADMIT_SOURCE,
        SOURCE_ROUTED_PAIR + 2 * prefix->len + (network ? 1 : 0));

    if (network) {
        match_network(flow, network);
    } else {
        match_domain(flow, vmn_domain_zone(view, domain));
    }
    vmn_match_prefix(flow, vmn_field_ip_src(prefix->ip.family), prefix);
    return flow;
}

/* Returns true if one of the first 'n' ports is of the network. */
static bool
is_among(struct vmn_view *view, struct vmn_names ports, size_t n,
         const struct vmn_network *network)
{
    for (size_t i = 0; i < n; i++) {
        const struct vmn_port *port = vmn_read_port(view, ports.names[i]);

        if (port && !strcmp(port->network, network->row.name)) {
            return true;
        }
    }
    return false;
}

/* Emits the lookup in the networks of the ports where these are isolated: a
 * router has brought a packet back, or it is from a port of another network,
 * which cannot be told apart. */
static void
routed_isolation(struct vmn_view *view, struct vmn_emit *emit,
                 const char *domain, struct vmn_names ports,
                 const struct vmn_prefix *prefix)
{
    struct port_ctx ctx;

    for (size_t i = 0; i < ports.n; i++) {
        if (!port_ctx_read(view, ports.names[i], &ctx)
            || !has_isolation(ctx.network)
            || is_among(view, ports, i, ctx.network)) {
            continue;
        }
        ctx.isolation = isolation_of_any(view, ports, ctx.network);
        if (ctx.isolation) {
            struct vmn_actions *actions = vmn_flow_actions(
                routed_add(view, emit, domain, ctx.network, prefix));

            vmn_act_set(actions, VMN_REG_SRC_ID, ctx.identity);
            isolation_of_source(actions, &ctx);
            vmn_act_next(actions);
        }
    }
}

/* Compiles the same for routed packets, of whose pair only the address is
 * left.  'key' is "DOMAIN|PREFIX".  All ports that may use the prefix must
 * have one identity; otherwise its packets are dropped.  Of overlapping
 * prefixes the longest decides, and a port's own address takes precedence over
 * all.  What isolation a network's ports have is asked for in that network
 * alone: to others it is nothing. */
void
compile_routed_pair(struct vmn_view *view, const char *key,
                    struct vmn_emit *emit)
{
    struct vmn_names ports = vmn_relation_values(view, REL_ROUTED_PAIR, key);
    struct vmn_prefix prefix;
    struct vmn_flow *flow;
    const char *parts[2];
    struct port_ctx ctx;

    if (vmn_key_split(view, key, parts, 2) < 2
        || !vmn_prefix_from_text(parts[1], &prefix)) {
        return;
    }
    flow = routed_add(view, emit, parts[0], NULL, &prefix);
    if (!read_united(view, ports, &ctx)) {
        drop(flow, "unknown source");
        return;
    }
    vmn_act_set(vmn_flow_actions(flow), VMN_REG_SRC_ID, ctx.identity);
    vmn_act_next(vmn_flow_actions(flow));
    routed_isolation(view, emit, parts[0], ports, &prefix);
}

/* Emits whether those are isolated that send by a MAC address in a provider
 * network. */
static void
isolation_of_shared(struct vmn_view *view, struct vmn_emit *emit,
                    struct vmn_names ports, struct vmn_mac mac)
{
    struct port_ctx ctx;

    if (!ports.n || !port_ctx_read(view, ports.names[0], &ctx)
        || !is_provider(ctx.network)) {
        return;
    }
    ctx.isolation = isolation_of_any(view, ports, ctx.network);
    if (ctx.isolation) {
        isolation_of_mac(emit, &ctx, mac);
    }
}

/* Compiles the location of a MAC that is no port's own: the only port that may
 * use it, or a flood of the network if there are several. */
void
compile_mac(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_names ports = vmn_relation_values(view, REL_MAC, key);
    const char *parts[2];
    struct vmn_mac mac;
    struct port_ctx ctx;

    if (vmn_key_split(view, key, parts, 2) < 2 || !vmn_mac_from_text(parts[1],
                                                              &mac)) {
        return;
    }
    isolation_of_shared(view, emit, ports, mac);
    if (ports.n > 1) {
        vmn_publish(emit, REL_SHARED, parts[0], parts[1]);
    } else if (ports.n == 1 && port_ctx_read(view, ports.names[0], &ctx)) {
        locate_port(view, emit, &ctx, mac, false);
    }
}
