/* SPDX-License-Identifier: Apache-2.0
 *
 * One VM's interface: admitted where it is, answered for and known as a source
 * everywhere in its network, found by its MAC.  Not for what several ports may
 * share (allowed-addresses.c), nor for what is peculiar to IPv6
 * (nd-responder.c).
 *
 * A VM that moves is on two hosts for a while.  The second one, the candidate,
 * holds all that it takes, so that nothing but where others send their packets
 * is left to change; the first one becomes the candidate then, and what was
 * sent to it late still arrives.  Floods go to the active one only: a VM
 * would hear its own. */

#include "overlay.h"

#include <string.h>

bool
site_read(struct vmn_view *view, const char *name, struct site *site)
{
    memset(site, 0, sizeof *site);
    site->port = vmn_read_port(view, name);
    if (!site->port || !site->port->enabled) {
        return false;
    }
    site->network = vmn_read_network(view, site->port->network);
    if (!site->network || !site->network->vni) {
        return false;
    }
    site->domain = vmn_domain_of(view, site->port->network);

    size_t size;
    const void *identity = vmn_query(view, VMN_QUERY_IDENTITY, name, &size);

    if (identity && size == sizeof site->identity) {
        memcpy(&site->identity, identity, size);
    }

    const struct vmn_binding *binding = (site->port->external ? NULL
                                         : vmn_read_binding(view, name));

    if (binding && binding->host) {
        const struct vmn_vif *vif = vmn_read_vif(view, binding->host,
                                                 site->port->iface_id);

        site->host = binding->host;
        site->ofport = vif ? vif->ofport : 0;
    }
    if (site->host && binding->candidate) {
        const struct vmn_vif *vif = vmn_read_vif(view, binding->candidate,
                                                 site->port->iface_id);

        site->candidate = binding->candidate;
        site->candidate_ofport = vif ? vif->ofport : 0;
    }
    return true;
}

/* To the port, on 'host', where it has number 'ofport'. */
static struct vmn_flow *
local_add(struct vmn_emit *emit, const struct site *site, const char *host,
          uint32_t ofport, struct vmn_mac mac, bool is_own)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(host),
                                         STAGE_LOCATE, 0,
                                         is_own ? LOCATE_LOCAL
                                         : LOCATE_LOCAL_PAIR);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    match_network(flow, site->network);
    vmn_match_mac(flow, VMN_F_ETH_DST, mac);
    vmn_act_set(actions, VMN_REG_DST_ID, site->identity);
    vmn_act_set(actions, VMN_REG_DST_LOCAL, 1);
    vmn_act_set(actions, VMN_REG_OUT_PORT, ofport);
    vmn_act_next(actions);
    return flow;
}

/* A candidate gets what others send it, as soon as they do; its own host goes
 * on sending to the active one until it is active itself. */
void
site_locate(struct vmn_view *view, struct vmn_emit *emit,
            const struct site *site, struct vmn_mac mac, bool is_own)
{
    bool provider = is_provider(site->network);
    uint32_t from = (!site->candidate_ofport ? 0
                     : provider ? wire_ofport(view, site->network,
                                              site->candidate)
                     : VMN_TUNNEL_OFPORT);
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    if (!site->host && !site->port->external) {
        return;
    }

    flow = vmn_flow_add(emit, vmn_scope_domain(site->domain), STAGE_LOCATE, 0,
                        is_own ? LOCATE_REMOTE : LOCATE_REMOTE_PAIR);
    match_network(flow, site->network);
    vmn_match_mac(flow, VMN_F_ETH_DST, mac);
    actions = vmn_flow_actions(flow);
    vmn_act_set(actions, VMN_REG_DST_ID, site->identity);
    if (site->port->external) {
        /* What is to reach it is judged here, or nowhere. */
        vmn_act_set(actions, VMN_REG_DST_LOCAL, 1);
    }
    vmn_act_set(actions, VMN_REG_DST_HOST, provider ? VMN_DST_HOST_WIRE
                : vmn_number(view, VMN_NUMBER_HOST, site->host));
    vmn_act_next(actions);

    if (site->ofport) {
        local_add(emit, site, site->host, site->ofport, mac, is_own);
    }
    if (from) {
        flow = local_add(emit, site, site->candidate, site->candidate_ofport,
                         mac, is_own);
        vmn_match(flow, VMN_F_IN_PORT, from);
    }
}

/* Everywhere in the network, or in its domain.  -------------------------- */

/* What may come over a router is known in all of the domain, whose networks
 * have no addresses in common; what stays on the link, in the network. */
static void
emit_source(struct vmn_emit *emit, const struct site *site,
            enum vmn_field field, const struct vmn_ip *ip)
{
    bool on_link = field == VMN_F_ARP_SPA || is_link_local(ip);
    struct vmn_flow *flow = vmn_flow_add(
        emit, on_link ? vmn_scope_network(site->network->row.name)
        : vmn_scope_domain(site->domain), STAGE_ADMIT, ADMIT_SOURCE,
        SOURCE_OWN);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    if (on_link) {
        match_network(flow, site->network);
    } else {
        match_domain(flow, site->zone);
    }
    vmn_match_ip(flow, field, ip);
    vmn_act_set(actions, VMN_REG_SRC_ID, site->identity);
    if (site->port->external) {
        /* What it sends is judged here, or nowhere. */
        vmn_act_set(actions, VMN_REG_SRC_LOCAL, 1);
    }
    vmn_act_next(actions);
}

/* ARP leaves its host only where a port may use an address that the switch
 * cannot answer for. */
static void
emit_address(struct vmn_view *view, struct vmn_emit *emit,
             const struct site *site, const struct vmn_ip *ip)
{
    struct vmn_flow *flow;

    if (site->port->external) {
        emit_source(emit, site, ip->family == 6 ? VMN_F_IPV6_SRC
                    : VMN_F_IPV4_SRC, ip);
        return;                 /* It answers for itself. */
    }
    if (ip->family == 6) {
        emit_source(emit, site, VMN_F_IPV6_SRC, ip);
        nd_of_address(emit, site, ip);
        return;
    }
    emit_source(emit, site, VMN_F_IPV4_SRC, ip);
    if (vmn_facts(view, REL_ASKS, site->network->row.name).n) {
        emit_source(emit, site, VMN_F_ARP_SPA, ip);
    }

    flow = vmn_flow_add(emit, vmn_scope_network(site->network->row.name),
                        STAGE_SERVICE, SERVICE_ASK, SERVICE_ANSWER);
    match_network(flow, site->network);
    vmn_match(flow, VMN_F_ARP_OP, 1);
    vmn_match_ip(flow, VMN_F_ARP_TPA, ip);
    vmn_act_arp_reply(vmn_flow_actions(flow), site->port->mac, ip);
}

/* Where the port is.  ---------------------------------------------------- */

static void
emit_classify(struct vmn_view *view, struct vmn_emit *emit,
              const struct site *site)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(site->host),
                                         STAGE_ADMIT, ADMIT_CLASSIFY,
                                         CLASSIFY_PORT);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_F_IN_PORT, site->ofport);
    network_registers(view, actions, site->network, site->zone);
    vmn_act_set(actions, VMN_REG_SRC_ID, site->identity);
    vmn_act_set(actions, VMN_REG_SRC_LOCAL, 1);
    vmn_act_goto(actions, STAGE_ADMIT, ADMIT_GUARD);
}

static struct vmn_flow *
guard_add(struct vmn_emit *emit, const struct site *site, struct vmn_mac mac)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(site->host),
                                         STAGE_ADMIT, ADMIT_GUARD, GUARD_OWN);

    vmn_match(flow, VMN_F_IN_PORT, site->ofport);
    vmn_match_mac(flow, VMN_F_ETH_SRC, mac);
    return flow;
}

/* The port may send from 'ip' with 'mac'.  Where that is more than one
 * address, somebody else may have one of them. */
static void
emit_guard(struct vmn_emit *emit, const struct site *site,
           struct vmn_mac mac, const struct vmn_prefix *ip)
{
    bool check = port_has_prefix(site->port);
    struct vmn_flow *flow;

    flow = guard_add(emit, site, mac);
    if (ip->ip.family == 6) {
        vmn_match_prefix(flow, VMN_F_IPV6_SRC, ip);
        if (check) {
            vmn_act_set(vmn_flow_actions(flow), REG_CHECK, CHECK_SAID);
        }
        vmn_act_goto(vmn_flow_actions(flow), STAGE_ADMIT, ADMIT_ND);
        nd_guard_target(emit, site, mac, ip);
        return;
    }
    vmn_match_prefix(flow, VMN_F_IPV4_SRC, ip);
    vmn_act_next(vmn_flow_actions(flow));

    flow = guard_add(emit, site, mac);
    vmn_match_prefix(flow, VMN_F_ARP_SPA, ip);
    vmn_match_mac(flow, VMN_F_ARP_SHA, mac);
    if (check && ip->len < 32) {
        vmn_act_set(vmn_flow_actions(flow), REG_CHECK, CHECK_SAID);
        vmn_act_goto(vmn_flow_actions(flow), STAGE_ADMIT, ADMIT_ND);
    } else {
        vmn_act_next(vmn_flow_actions(flow));
    }
}

static void
emit_guards(struct vmn_view *view, struct vmn_emit *emit,
            const struct site *site, struct vmn_mac mac)
{
    struct vmn_prefix *prefixes;
    size_t n = port_prefixes(view, site->port, mac, &prefixes);
    bool v6 = false;

    for (size_t i = 0; i < n; i++) {
        emit_guard(emit, site, mac, &prefixes[i]);
        v6 |= prefixes[i].ip.family == 6;
    }
    if (v6) {
        nd_guard_mac(emit, site, mac);
    }
}

/* A guest that asks for its own address probes for a duplicate or announces
 * itself; an answer would tell it that there is one. */
static void
emit_self(struct vmn_emit *emit, const struct site *site,
          const struct vmn_ip *ip)
{
    struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_host(site->host),
                                         STAGE_SERVICE, SERVICE_ASK,
                                         SERVICE_SELF);

    vmn_match(flow, VMN_F_IN_PORT, site->ofport);
    vmn_match(flow, VMN_F_ARP_OP, 1);
    vmn_match_ip(flow, VMN_F_ARP_TPA, ip);
    drop(flow, "ARP for own address");
}

static void
emit_local(struct vmn_view *view, struct vmn_emit *emit,
           const struct site *site)
{
    const struct vmn_port *port = site->port;
    struct vmn_flow *flow;

    trunk_of_port(view, emit, site);
    nested_of_port_here(view, emit, site);
    claims_but_for_port(view, emit, site);
    emit_classify(view, emit, site);
    emit_guards(view, emit, site, port->mac);
    for (size_t i = 0; i < port->n_allowed_addresses; i++) {
        if (pair_has_new_mac(port, i)) {
            emit_guards(view, emit, site,
                        pair_mac(port, &port->allowed_addresses[i]));
        }
    }
    for (size_t i = 0; i < port->n_ips; i++) {
        if (is_provider(site->network)) {
            wire_self(emit, site, &port->ips[i]);
        } else if (port->ips[i].family == 4) {
            emit_self(emit, site, &port->ips[i]);
        }
    }

    /* An address probe has no sender address (RFC 5227, section 1.1). */
    flow = guard_add(emit, site, port->mac);
    vmn_match(flow, VMN_F_ARP_OP, 1);
    vmn_match(flow, VMN_F_ARP_SPA, 0);
    vmn_match_mac(flow, VMN_F_ARP_SHA, port->mac);
    vmn_act_next(vmn_flow_actions(flow));

    if (port_has_ipv6(port)) {
        nd_guard_port(emit, site);
    }
    if (vmn_is_quarantined(view, port)
        && (port_has_ipv6(port) || port->unknown)) {
        nd_guard_quarantined(emit, site);
    }
    if (is_provider(site->network)) {
        wire_guard_port(view, emit, site);
    }
    if (vmn_is_quarantined(view, port)) {
        flow = vmn_flow_add(emit, vmn_scope_host(site->host), STAGE_SERVICE,
                            SERVICE_ASK, SERVICE_QUARANTINE);
        vmn_match(flow, VMN_F_IN_PORT, site->ofport);
        vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_ARP);
        drop(flow, "quarantined");
    }
}

/* For a network that no router joins, its own relation is its domain's as
 * well. */
static void
publish_host(struct vmn_view *view, struct vmn_emit *emit,
             const struct site *site, const char *host)
{
    const char *network = site->network->row.name;

    vmn_publish(emit, VMN_REL_NETWORK_HOSTS, network, host);
    if (strcmp(site->domain, network)) {
        vmn_publish(emit, VMN_REL_DOMAIN_HOSTS, site->domain, host);
    }
    if (is_provider(site->network)) {
        vmn_publish(emit, REL_WIRE, vmn_printf(view, "%s|%s", network, host),
                    site->port->row.name);
    }
}

void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct site site;

    claims_of_port(view, emit, key);
    if (!site_read(view, key, &site)) {
        return;
    }

    const char *network = site.network->row.name;
    struct vmn_ip *ips;
    size_t n_ips = port_ips(view, site.port, &ips);

    if (site.host || site.port->external) {
        site.zone = vmn_domain_zone(view, site.domain);
    }

    /* A port that is nowhere has nothing on any host: so its VM's start is one
     * bundle for each host, and nobody is told to send to it before. */
    for (size_t i = 0; (site.host || site.port->external) && i < n_ips;
         i++) {
        emit_address(view, emit, &site, &ips[i]);
    }
    publish_pairs(view, emit, &site);
    nested_of_port(view, emit, &site);
    claims_are_checked(emit, &site);
    site_locate(view, emit, &site, site.port->mac, true);
    if (site.host) {
        publish_host(view, emit, &site, site.host);
        vmn_publish(emit, REL_LOCAL,
                    vmn_printf(view, "%s|%s", network, site.host), key);
    }
    if (site.candidate) {
        publish_host(view, emit, &site, site.candidate);
    }
    if (site.ofport) {
        emit_local(view, emit, &site);
    }
    if (site.candidate_ofport) {
        struct site next = site;

        next.host = site.candidate;
        next.ofport = site.candidate_ofport;
        emit_local(view, emit, &next);
    }
}
