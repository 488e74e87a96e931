/* SPDX-License-Identifier: Apache-2.0
 *
 * What each port has to do with the chains of its domain: its addresses as
 * clauses of their classifiers; and of what functions send, whom it is from
 * and where it goes. */

#include "chains.h"

/* What the flows of a port have in common. */
struct member {
    struct vmn_view *view;
    struct vmn_emit *emit;
    const struct vmn_port *port;
    const char *domain;
    uint32_t zone;
    uint32_t vni;               /* The port's network's. */
};

static struct vmn_flow *
member_flow_add(const struct member *member, unsigned stage, unsigned table,
                uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(
        member->emit, vmn_scope_domain(member->domain), stage, table,
        priority);

    vmn_match(flow, VMN_REG_ZONE, member->zone);
    return flow;
}

/* Adds the port's addresses to a chain's clause 1 (source), or 2. */
static void
emit_clause(const struct member *member, const char *name,
            const struct chain *chain, uint16_t priority, unsigned clause)
{
    static const enum vmn_field fields[][2] = {
        { VMN_F_CT_NW_SRC, VMN_F_CT_NW_DST },
        { VMN_F_CT_IPV6_SRC, VMN_F_CT_IPV6_DST },
    };

    for (size_t i = 0; i < member->port->n_ips; i++) {
        const struct vmn_ip *ip = &member->port->ips[i];
        struct vmn_flow *flow = member_flow_add(member, STAGE_STEER,
                                                STEER_MATCH, priority);

        vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK,
                         VMN_CT_TRK | VMN_CT_INV);
        vmn_match_ip(flow, fields[ip->family == 6][clause - 1], ip);
        vmn_act_conjunction(vmn_flow_actions(flow),
                            vmn_id_of(member->view, POOL_CHAIN, name), clause,
                            chain->n_services ? 3 : 2);
    }
}

/* Adds 'flow' to clause 1 or 2 of what a chain cannot take. */
static void
unsupported_clause(const struct member *member, const char *name,
                   const struct chain *chain, struct vmn_flow *flow,
                   unsigned clause)
{
    vmn_act_conjunction(vmn_flow_actions(flow),
                        vmn_id_of(member->view, POOL_CHAIN, name), clause,
                        chain->n_services ? 3 : 2);
}

/* Adds what the port sends on 'host', by whatever addresses, to a chain's
 * clause 1. */
static void
unsupported_source(const struct member *member, const char *name,
                   const struct chain *chain, uint16_t priority,
                   const char *host)
{
    const struct vmn_vif *vif = (host ? vmn_read_vif(member->view, host,
                                                     member->port->iface_id)
                                 : NULL);
    struct vmn_flow *flow;

    if (vif && vif->ofport) {
        flow = vmn_flow_add(member->emit, vmn_scope_host(host), STAGE_STEER,
                            STEER_UNSUPPORTED, priority);
        vmn_match(flow, VMN_F_IN_PORT, vif->ofport);
        unsupported_clause(member, name, chain, flow, 1);
    }
}

/* Adds the port to the clauses of what the chain cannot take. */
static void
emit_unsupported(const struct member *member, const char *name,
                 const struct chain *chain, uint16_t priority, bool is_source,
                 bool is_destination)
{
    const struct vmn_binding *binding
        = vmn_read_binding(member->view, member->port->row.name);
    struct vmn_flow *flow;

    if (chain->unsupported != CHAIN_UNSUPPORTED_BLOCK) {
        return;
    }
    if (is_source && binding) {
        unsupported_source(member, name, chain, priority, binding->host);
        unsupported_source(member, name, chain, priority, binding->candidate);
    }
    if (is_destination) {
        flow = member_flow_add(member, STAGE_STEER, STEER_UNSUPPORTED,
                               priority);
        vmn_match(flow, VMN_REG_NETWORK, member->vni);
        vmn_match_mac(flow, VMN_F_ETH_DST, member->port->mac);
        unsupported_clause(member, name, chain, flow, 2);
    }
}

/* Without a selector all ports are meant. */
static bool
selects(const struct vmn_selector *selector, const struct vmn_labels *labels)
{
    return !selector->text || vmn_selector_matches(selector, labels);
}

/* Says of what functions with one port send to the port, which of the chain's
 * sides has opened the connection, where its sender does not tell it. */
static void
emit_side(const struct member *member, uint32_t chain,
          const struct vmn_ip *ip, enum chain_side side)
{
    struct vmn_flow *flow = member_flow_add(member, STAGE_RETURN, RETURN_SIDE,
                                            PRIORITY_USUAL);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, REG_CHAIN, chain);
    vmn_match_ip(flow, vmn_field_ip_dst(ip->family), ip);
    vmn_act_set(actions, REG_SIDE, side);
    vmn_act_goto(actions, STAGE_RETURN, RETURN_DIRECTION);
}

/* Lets the chain's functions send on what is from the port's addresses, and
 * for them: for a VM that is none of the chain's they have nothing to say.
 * 'side' is that of packets that the port sends.  Behind the chain, a packet
 * for the port is one of the port's network and for its MAC address; the
 * overlay knows where that is. */
static void
emit_forwarded(const struct member *member, const char *name,
               const struct chain *chain_row, enum chain_side side)
{
    uint32_t chain = vmn_id_of(member->view, POOL_CHAIN, name);
    bool has_router = chain_has_inner_router(chain_row);

    for (size_t i = 0; i < member->port->n_ips; i++) {
        const struct vmn_ip *ip = &member->port->ips[i];
        struct vmn_flow *flow = member_flow_add(member, STAGE_RETURN,
                                                RETURN_SOURCE,
                                                PRIORITY_USUAL);
        struct vmn_actions *actions = vmn_flow_actions(flow);

        vmn_match(flow, REG_CHAIN, chain);
        vmn_match_ip(flow, vmn_field_ip_src(ip->family), ip);
        vmn_act_set(actions, REG_SIDE, side);
        vmn_act_goto(actions, STAGE_RETURN,
                     side == SIDE_EITHER ? RETURN_SIDE : RETURN_DIRECTION);
        if (has_router && side != SIDE_EITHER) {
            emit_side(member, chain, ip, side == SIDE_SOURCE
                      ? SIDE_DESTINATION : SIDE_SOURCE);
        }

        flow = member_flow_add(member, STAGE_RETURN, RETURN_RESTORE,
                               PRIORITY_USUAL);
        actions = vmn_flow_actions(flow);
        vmn_match(flow, REG_CHAIN, chain);
        vmn_match_ip(flow, vmn_field_ip_dst(ip->family), ip);
        vmn_act_set(actions, VMN_REG_NETWORK, member->vni);
        vmn_act_set_mac(actions, VMN_F_ETH_DST, member->port->mac);
        vmn_act_goto_hook(actions, VMN_HOOK_LOCATE);
    }
}

static void
emit_clauses(const struct member *member, const char *name)
{
    const struct chain *chain = chain_read(member->view, name);
    int priority = chain_priority(member->view, member->domain, name);
    const struct vmn_labels *labels;
    bool is_source, is_destination;

    if (!chain || priority <= 0) {
        return;
    }
    labels = vmn_labels_of(member->view, &member->port->row);
    is_source = selects(&chain->sources, labels);
    is_destination = selects(&chain->destinations, labels);
    if (is_source) {
        emit_clause(member, name, chain, priority, 1);
    }
    if (is_destination) {
        emit_clause(member, name, chain, priority, 2);
    }
    emit_unsupported(member, name, chain, priority, is_source,
                     is_destination);
    if (is_source || is_destination) {
        emit_forwarded(member, name, chain,
                       is_source && is_destination ? SIDE_EITHER
                       : is_source ? SIDE_SOURCE : SIDE_DESTINATION);
    }
    if (is_source && is_destination && chain_has_inner_router(chain)) {
        vmn_publish(member->emit, REL_BOTH, name, member->port->row.name);
    }
}

void
compile_member(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    const struct vmn_network *network
        = port && port->enabled ? vmn_read_network(view, port->network) : NULL;
    struct member member = { .view = view, .emit = emit, .port = port };
    struct vmn_names chains;

    if (!network || !network->vni) {
        return;
    }
    member.domain = vmn_domain_of(view, port->network);
    chains = vmn_relation_values(view, REL_OF_DOMAIN, member.domain);
    if (!chains.n || !vmn_host_of_port(view, key)) {
        return;
    }
    member.zone = vmn_domain_zone(view, member.domain);
    member.vni = network->vni;

    /* What functions say for themselves goes through no chain. */
    if (vmn_relation_values(view, VMN_REL_FUNCTION_PORTS, key).n) {
        return;
    }
    for (size_t i = 0; i < chains.n; i++) {
        emit_clauses(&member, chains.names[i] + 5);
    }
}

/* Two ports that are sources and destinations of a chain may each have opened
 * the connection between them: behind a function with one port, nothing tells
 * which.  One of these ports alone does no harm. */
void
compile_both(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_names ports = vmn_relation_values(view, REL_BOTH, key);

    if (ports.n > 1) {
        vmn_fail(emit, "ports %s and %s%s are sources and destinations of "
                 "chain %s: what they send each other is dropped behind its "
                 "functions with one port", ports.names[0], ports.names[1],
                 ports.n > 2 ? ", and others," : "", key);
    }
}
