/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses that have a meaning in a network (VMN_REL_CLAIMED), whichever app
 * gives it to them: those of ports, routers, virtual IPs, servers, gateways,
 * and whatever else is answered for.  Guests behind ports with 'unknown' may
 * call themselves anything but these, and a port that is allowed a prefix may
 * forward for those in it, but not answer for them.  Not for what a port
 * itself may send from (port-security.c).
 *
 * A port may be allowed what another one is, too (VRRP), or a prefix with
 * somebody's address in it.  So the longest prefix decides, and of two equal
 * ones the port's own. */

#include "overlay.h"

#include <string.h>

/* Returns the priority of a flow for 'prefix': longer prefixes take
 * precedence, and of the same length, one that a port is allowed over one that
 * is claimed. */
static uint16_t
claim_priority(uint16_t base, const struct vmn_prefix *prefix, bool is_own)
{
    return base + 2 * prefix->len + is_own;
}

/* Publishing.  ------------------------------------------------------------ */

/* Returns true if 'prefix' contains all of a subnet of its family.  A port
 * that is allowed so much forwards for others, and claims none of it. */
static bool
covers_subnet(const struct vmn_network *network,
              const struct vmn_prefix *prefix)
{
    if (!prefix->len) {
        return true;
    }
    for (size_t i = 0; i < network->n_subnets; i++) {
        const struct vmn_prefix *cidr = &vmn_subnet_at(network, i)->cidr;

        if (cidr->len >= prefix->len
            && vmn_prefix_contains(prefix, &cidr->ip)) {
            return true;
        }
    }
    return false;
}

/* Claims the addresses of port 'name', whether or not it is bound or enabled:
 * its guest may start at any moment. */
void
claims_of_port(struct vmn_view *view, struct vmn_emit *emit, const char *name)
{
    const struct vmn_port *port = vmn_read_port(view, name);
    const struct vmn_network *network = (port ? vmn_read_network(
                                             view, port->network) : NULL);
    struct vmn_ip *ips;
    size_t n;

    if (!network) {
        return;
    }
    for (size_t i = 0; i < port->n_allowed_addresses; i++) {
        const struct vmn_prefix *prefix = &vmn_address_pair_at(port, i)->ip;

        if (!covers_subnet(network, prefix)) {
            vmn_claim_prefix(view, emit, port->network, prefix);
        }
    }
    if (!vmn_is_claiming(view, port->network)) {
        return;
    }
    vmn_claim_mac(view, emit, port->network, port->mac);
    n = port_ips(view, port, &ips);
    for (size_t i = 0; i < n; i++) {
        vmn_claim_ip(view, emit, port->network, &ips[i]);
    }
    for (size_t i = 0; i < port->n_allowed_addresses; i++) {
        vmn_claim_mac(view, emit, port->network,
                      pair_mac(port, vmn_address_pair_at(port, i)));
    }
}

/* Claims the addresses in the network's own row: gateways, and those reserved
 * for ports that do not exist yet. */
static void
claims_of_subnet(struct vmn_view *view, struct vmn_emit *emit,
                 const struct vmn_network *network,
                 const struct vmn_subnet *subnet)
{
    if (subnet->gateway.family) {
        vmn_claim_ip(view, emit, network->row.name, &subnet->gateway);
    }
    for (size_t i = 0; i < subnet->n_reservations; i++) {
        vmn_claim_ip(view, emit, network->row.name,
                     &vmn_reservation_at(subnet, i)->ip);
    }
}

bool
port_has_prefix(const struct vmn_port *port)
{
    for (size_t i = 0; i < port->n_allowed_addresses; i++) {
        const struct vmn_prefix *prefix = &vmn_address_pair_at(port, i)->ip;

        if (prefix->len < vmn_ip_bits(&prefix->ip)) {
            return true;
        }
    }
    return false;
}

void
claims_are_checked(struct vmn_emit *emit, const struct port_ctx *ctx)
{
    const char *network = ctx->network->row.name;

    if (!ctx->host
        || (!ctx->port->unknown && !port_has_prefix(ctx->port))) {
        return;
    }
    vmn_publish(emit, VMN_REL_CLAIMING, network, "");
    vmn_publish(emit, REL_CLAIM_HOSTS, network, ctx->host);
    if (ctx->candidate) {
        vmn_publish(emit, REL_CLAIM_HOSTS, network, ctx->candidate);
    }
}

/* Flows.  ----------------------------------------------------------------- */

/* Adds a flow that drops packets of the network for which 'check' (CHECK_*) is
 * due, on the hosts where claims are checked. */
static struct vmn_flow *
claim_add(struct vmn_emit *emit, const struct vmn_network *network,
          unsigned check, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_relation(REL_CLAIM_HOSTS, network->row.name),
        STAGE_ADMIT, ADMIT_ND, priority);

    match_network(flow, network);
    vmn_match_masked(flow, REG_CHECK, check, check);
    drop(flow, "spoofed");
    return flow;
}

/* Drops packets from a claimed MAC.  Only guests behind ports choose their
 * MACs. */
static void
drop_mac(struct vmn_view *view, struct vmn_emit *emit,
         const struct vmn_network *network, const struct vmn_mac *mac)
{
    struct vmn_flow *flow;

    if (!has_unknown(view, network)) {
        return;
    }
    vmn_match_mac(claim_add(emit, network, CHECK_MAC, ND_CLAIMED_MAC),
                  VMN_F_ETH_SRC, *mac);

    /* Drop what a tunnel still delivers to the MAC after its port has left. */
    flow = vmn_flow_add(emit, vmn_scope_relation(REL_UNKNOWN_HOSTS,
                                                 network->row.name),
                        STAGE_LOCATE, LOCATE_LEARNED, LEARNED_OWN);
    match_network(flow, network);
    vmn_match_mac(flow, VMN_F_ETH_DST, *mac);
    drop(flow, "destination is not here");
}

static void
drop_prefix(struct vmn_emit *emit, const struct vmn_network *network,
            const struct vmn_prefix *prefix)
{
    uint16_t priority = claim_priority(ND_CLAIMED, prefix, false);
    struct vmn_flow *flow;

    if (prefix->ip.family == 4) {
        vmn_match_prefix(claim_add(emit, network, CHECK_IP, priority),
                         VMN_F_IPV4_SRC, prefix);
        vmn_match_prefix(claim_add(emit, network, CHECK_ANNOUNCED, priority),
                         VMN_F_ARP_SPA, prefix);
        return;
    }
    vmn_match_prefix(claim_add(emit, network, CHECK_IP, priority),
                     VMN_F_IPV6_SRC, prefix);
    flow = claim_add(emit, network, CHECK_ANNOUNCED,
                     claim_priority(ND_CLAIMED_TARGET, prefix, false));
    vmn_match(flow, VMN_F_ICMPV6_TYPE, VMN_ND_ADVERT);
    vmn_match_prefix(flow, VMN_F_ND_TARGET, prefix);

    /* A solicitation also tells its sender's link-layer address. */
    flow = claim_add(emit, network, CHECK_ANNOUNCED, priority);
    vmn_match(flow, VMN_F_ICMPV6_TYPE, VMN_ND_SOLICIT);
    vmn_match_prefix(flow, VMN_F_IPV6_SRC, prefix);
}

/* Compiles the flows of a claim.  'key' is "NETWORK|PREFIX" or
 * "NETWORK|MAC". */
void
compile_claimed(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_network *network;
    struct vmn_prefix prefix;
    struct vmn_mac mac;
    const char *parts[2];

    if (vmn_key_split(view, key, parts, 2) < 2) {
        return;
    }
    network = vmn_read_network(view, parts[0]);
    if (!network || !network->vni) {
        return;
    }
    if (vmn_mac_from_text(parts[1], &mac)) {
        drop_mac(view, emit, network, &mac);
    } else if (vmn_prefix_from_text(parts[1], &prefix)) {
        drop_prefix(emit, network, &prefix);
        link_local_reserve(emit, network, &prefix);
    }
}

/* Claims the network's own addresses.  The addresses of servers on each link
 * (apps dhcp and dns) are in 169.254.0.0/16, which no guest uses. */
void
claims_of_network(struct vmn_view *view, struct vmn_emit *emit,
                  const struct vmn_network *network)
{
    static const struct vmn_prefix links = {
        .ip = { .family = 4, .addr = { 169, 254 } }, .len = 16,
    };
    static const uint64_t reserved[] = {
        (uint64_t) VMN_RESERVED_MAC_SERVICE << 24,
        (uint64_t) VMN_RESERVED_MAC_FLOATING << 24,
        (uint64_t) VMN_RESERVED_MAC_VIP << 24,
    };
    const uint64_t group_bit = UINT64_C(1) << 40;

    if (!vmn_is_claiming(view, network->row.name)) {
        return;
    }
    vmn_claim_prefix(view, emit, network->row.name, &links);
    for (size_t i = 0; i < network->n_subnets; i++) {
        claims_of_subnet(view, emit, network, vmn_subnet_at(network, i));
    }
    if (!has_unknown(view, network)) {
        return;
    }
    vmn_match_masked(claim_add(emit, network, CHECK_MAC, ND_CLAIMED_MAC),
                     VMN_F_ETH_SRC, group_bit, group_bit);
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        vmn_match_masked(claim_add(emit, network, CHECK_MAC, ND_CLAIMED_MAC),
                         VMN_F_ETH_SRC, reserved[i], UINT64_C(0xffffff) << 24);
    }
}

/* Exceptions.  ------------------------------------------------------------ */

/* Adds a flow of higher priority than a claim, for guests behind the port with
 * an address that the port is allowed.  The caller adds the actions. */
static struct vmn_flow *
own_add(const struct port_ctx *ctx, struct vmn_emit *emit,
        const struct vmn_prefix *prefix, uint16_t base)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(ctx->host),
                                         STAGE_ADMIT, ADMIT_ND,
                                         claim_priority(base, prefix, true));

    vmn_match(flow, VMN_F_IN_PORT, ctx->ofport);
    vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_UNKNOWN, VMN_FLAG_UNKNOWN);
    return flow;
}

static void
allow_prefix(struct vmn_view *view, const struct port_ctx *ctx,
             struct vmn_emit *emit, const struct vmn_prefix *prefix)
{
    static const enum vmn_field v4[] = { VMN_F_IPV4_SRC, VMN_F_ARP_SPA };
    struct vmn_flow *flow;

    for (size_t i = 0; prefix->ip.family == 4 && i < 2; i++) {
        flow = own_add(ctx, emit, prefix, ND_CLAIMED);
        vmn_match_prefix(flow, v4[i], prefix);
        unknown_learn(view, ctx, flow);
    }
    if (prefix->ip.family == 6) {
        flow = own_add(ctx, emit, prefix, ND_CLAIMED);
        vmn_match_prefix(flow, VMN_F_IPV6_SRC, prefix);
        unknown_learn(view, ctx, flow);

        flow = own_add(ctx, emit, prefix, ND_CLAIMED_TARGET);
        vmn_match(flow, VMN_F_ICMPV6_TYPE, VMN_ND_ADVERT);
        vmn_match_prefix(flow, VMN_F_IPV6_SRC, prefix);
        vmn_match_prefix(flow, VMN_F_ND_TARGET, prefix);
        unknown_learn(view, ctx, flow);
    }
}

/* Returns true if an allowed address before 'i' has the same prefix. */
static bool
is_repeated(const struct vmn_port *port, size_t i)
{
    const struct vmn_prefix *prefix = &vmn_address_pair_at(port, i)->ip;

    for (size_t j = 0; j < i; j++) {
        const struct vmn_prefix *other = &vmn_address_pair_at(port, j)->ip;

        if (other->len == prefix->len
            && vmn_ip_equal(&other->ip, &prefix->ip)) {
            return true;
        }
    }
    return false;
}

static struct vmn_flow *
announcement_add(struct vmn_emit *emit, const struct port_ctx *ctx,
                 const struct vmn_prefix *prefix, uint16_t base)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(ctx->host),
                                         STAGE_ADMIT, ADMIT_ND,
                                         claim_priority(base, prefix, true));

    vmn_match(flow, VMN_F_IN_PORT, ctx->ofport);
    vmn_match(flow, REG_CHECK, CHECK_ANNOUNCED);
    vmn_act_next(vmn_flow_actions(flow));
    return flow;
}

/* Lets the port announce 'prefix', which is its own or allowed to it, with
 * 'mac', even where a shorter prefix is claimed.  In neighbour discovery the
 * link-layer address may be absent. */
static void
allow_announcement(struct vmn_emit *emit, const struct port_ctx *ctx,
                   const struct vmn_prefix *prefix, struct vmn_mac mac)
{
    struct vmn_flow *flow;

    if (prefix->ip.family == 4) {
        flow = announcement_add(emit, ctx, prefix, ND_CLAIMED);
        vmn_match_prefix(flow, VMN_F_ARP_SPA, prefix);
        vmn_match_mac(flow, VMN_F_ARP_SHA, mac);
        return;
    }
    for (int said = 0; said < 2; said++) {
        struct vmn_mac where = said ? mac : (struct vmn_mac) { { 0 } };

        flow = announcement_add(emit, ctx, prefix, ND_CLAIMED_TARGET);
        vmn_match(flow, VMN_F_ICMPV6_TYPE, VMN_ND_ADVERT);
        vmn_match_prefix(flow, VMN_F_ND_TARGET, prefix);
        vmn_match_mac(flow, VMN_F_ND_TLL, where);

        flow = announcement_add(emit, ctx, prefix, ND_CLAIMED);
        vmn_match(flow, VMN_F_ICMPV6_TYPE, VMN_ND_SOLICIT);
        vmn_match_prefix(flow, VMN_F_IPV6_SRC, prefix);
        vmn_match_mac(flow, VMN_F_ND_SLL, where);
    }
}

static void
allow_own_announcements(struct vmn_view *view, struct vmn_emit *emit,
                        const struct port_ctx *ctx)
{
    const struct vmn_port *port = ctx->port;
    struct vmn_ip *ips;
    size_t n = port_ips(view, port, &ips);

    for (size_t i = 0; i < n; i++) {
        const struct vmn_prefix prefix = { ips[i], vmn_ip_bits(&ips[i]) };

        allow_announcement(emit, ctx, &prefix, port->mac);
    }
    for (size_t i = 0; i < port->n_allowed_addresses; i++) {
        const struct vmn_address_pair *pair = vmn_address_pair_at(port, i);

        if (pair_is_new(port, i)) {
            allow_announcement(emit, ctx, &pair->ip, pair_mac(port, pair));
        }
    }
}

void
claims_but_for_port(struct vmn_view *view, struct vmn_emit *emit,
                    const struct port_ctx *ctx)
{
    const struct vmn_port *port = ctx->port;

    if (port_has_prefix(port)) {
        allow_own_announcements(view, emit, ctx);
    }
    for (size_t i = 0; port->unknown && i < port->n_allowed_addresses; i++) {
        if (!is_repeated(port, i)) {
            allow_prefix(view, ctx, emit, &vmn_address_pair_at(port, i)->ip);
        }
    }
}
