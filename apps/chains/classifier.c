/* SPDX-License-Identifier: Apache-2.0
 *
 * Which packets are a chain's: a conjunction of who opened the connection,
 * whom it was opened to (both member.c), and for which service.  All of it is
 * about the connection's original tuple, as policies are: so replies are the
 * chain's, and go through it the other way round. */

#include "chains.h"

#include <string.h>

/* What the clauses of a chain have in common. */
struct clause {
    struct vmn_emit *emit;
    const struct chain_state *state;
    uint16_t priority;
    uint32_t conjunction;
};

/* Adds the clause of a protocol: the third. */
static struct vmn_flow *
protocol_add(const struct clause *clause, uint8_t ip_proto)
{
    struct vmn_flow *flow = vmn_flow_add(
        clause->emit, vmn_scope_domain(clause->state->domain), STAGE_STEER,
        STEER_MATCH, clause->priority);

    vmn_match(flow, VMN_REG_ZONE, clause->state->zone);
    vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK,
                     VMN_CT_TRK | VMN_CT_INV);
    vmn_match(flow, VMN_F_CT_NW_PROTO, ip_proto);
    vmn_act_conjunction(vmn_flow_actions(flow), clause->conjunction, 3, 3);
    return flow;
}

/* Adds clauses for later fragments, of whatever port: switches show none of
 * them, not even conntrack's.  So all of a packet goes through the chain. */
static void
emit_fragments(const struct clause *clause, uint8_t ip_proto)
{
    for (uint8_t family = 4; family <= 6; family += 2) {
        struct vmn_flow *flow = protocol_add(clause, ip_proto);

        vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(family));
        vmn_match_masked(flow, VMN_F_IP_FRAG, VMN_FRAG_LATER, VMN_FRAG_LATER);
    }
}

/* Sets '*ranges' to the service's ports, with overlapping ranges merged.
 * Returns the number of ranges. */
static size_t
service_ranges(struct vmn_view *view, const struct chain_service *service,
               struct vmn_port_range **ranges)
{
    size_t size = service->n_ports * sizeof *service->ports;

    *ranges = (struct vmn_port_range *) vmn_alloc(view, size);
    memcpy(*ranges, service->ports, size);
    return vmn_ranges_merge(*ranges, service->n_ports);
}

static uint8_t
ip_proto_of(const struct chain_service *service, uint8_t family)
{
    return (service->protocol == CHAIN_TCP ? VMN_IP_PROTO_TCP
            : service->protocol == CHAIN_UDP ? VMN_IP_PROTO_UDP
            : family == 6 ? VMN_IP_PROTO_ICMPV6 : VMN_IP_PROTO_ICMP);
}

/* Adds clauses for ports. */
static void
emit_ports(struct vmn_view *view, const struct clause *clause,
           const struct chain_service *service, uint8_t ip_proto)
{
    struct vmn_port_range *ranges;
    size_t n = service_ranges(view, service, &ranges);

    for (size_t i = 0; i < n; i++) {
        for (uint32_t first = ranges[i].first; first <= ranges[i].last;) {
            uint32_t value = first;
            uint16_t mask = vmn_range_mask(&first, ranges[i].last);

            vmn_match_masked(protocol_add(clause, ip_proto), VMN_F_CT_TP_DST,
                             value, mask);
        }
    }
}

static void
emit_service(struct vmn_view *view, const struct clause *clause,
             const struct chain_service *service)
{
    uint8_t ip_proto = ip_proto_of(service, 4);

    if (service->protocol == CHAIN_ICMP) {
        vmn_match(protocol_add(clause, VMN_IP_PROTO_ICMP), VMN_F_ETH_TYPE,
                  VMN_ETH_IPV4);
        vmn_match(protocol_add(clause, VMN_IP_PROTO_ICMPV6), VMN_F_ETH_TYPE,
                  VMN_ETH_IPV6);
    } else if (service->n_ports) {
        emit_ports(view, clause, service, ip_proto);
        emit_fragments(clause, ip_proto);
    } else {
        protocol_add(clause, ip_proto);
    }
}

/* Says which hop is the first of the chain's requests, or replies. */
static void
emit_entry(const struct clause *clause, bool reply)
{
    const struct chain_state *state = clause->state;
    int hop = chain_next_hop(state, reply ? (int) state->chain->n_hops : -1,
                             reply);
    struct vmn_flow *flow = vmn_flow_add(
        clause->emit, vmn_scope_domain(state->domain), STAGE_STEER,
        STEER_MATCH, PRIORITY_VERDICT);

    vmn_match(flow, VMN_F_CONJ_ID, clause->conjunction);
    vmn_match_masked(flow, VMN_F_CT_STATE,
                     VMN_CT_TRK | (reply ? VMN_CT_RPL : 0),
                     VMN_CT_TRK | VMN_CT_RPL);
    vmn_act_set(vmn_flow_actions(flow), REG_STEP,
                hop < 0 ? STEP_PAST : chain_step(state, hop, reply));
}

/* Traffic that the chain cannot take.  ------------------------------------ */

static struct vmn_flow *
unsupported_add(const struct clause *clause, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(
        clause->emit, vmn_scope_domain(clause->state->domain), STAGE_STEER,
        STEER_UNSUPPORTED, priority);

    vmn_match(flow, VMN_REG_ZONE, clause->state->zone);
    return flow;
}

/* Adds the third clause: a protocol of 'family'. */
static struct vmn_flow *
unsupported_protocol(const struct clause *clause, uint8_t family,
                     uint8_t ip_proto)
{
    struct vmn_flow *flow = unsupported_add(clause, clause->priority);

    vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(family));
    vmn_match(flow, VMN_F_IP_PROTO, ip_proto);
    vmn_act_conjunction(vmn_flow_actions(flow), clause->conjunction, 3, 3);
    return flow;
}

/* The same of a protocol with ports.  Of fragments, switches show none. */
static void
unsupported_ports(struct vmn_view *view, const struct clause *clause,
                  const struct chain_service *service, uint8_t family,
                  uint8_t ip_proto)
{
    struct vmn_port_range *ranges;
    size_t n = service_ranges(view, service, &ranges);
    struct vmn_flow *flow;

    for (size_t i = 0; i < n; i++) {
        for (uint32_t first = ranges[i].first; first <= ranges[i].last;) {
            uint32_t value = first;
            uint16_t mask = vmn_range_mask(&first, ranges[i].last);

            flow = unsupported_protocol(clause, family, ip_proto);
            vmn_match_masked(flow, ip_proto == VMN_IP_PROTO_TCP
                             ? VMN_F_TCP_DST : VMN_F_UDP_DST, value, mask);
        }
    }
    flow = unsupported_protocol(clause, family, ip_proto);
    vmn_match_masked(flow, VMN_F_IP_FRAG, VMN_FRAG_ANY, VMN_FRAG_ANY);
}

static void
unsupported_service(struct vmn_view *view, const struct clause *clause,
                    const struct chain_service *service)
{
    for (uint8_t family = 4; family <= 6; family += 2) {
        uint8_t ip_proto = ip_proto_of(service, family);

        if (service->n_ports) {
            unsupported_ports(view, clause, service, family, ip_proto);
        } else {
            unsupported_protocol(clause, family, ip_proto);
        }
    }
}

/* Drops what the chain's sources send to its destinations, and would be the
 * chain's by other addresses: from a port to a MAC address, whatever is
 * between (member.c).  Replies are not the chain's then: its destinations have
 * opened their connections. */
static void
emit_unsupported(struct vmn_view *view, const struct clause *clause)
{
    const struct chain *chain = clause->state->chain;
    struct vmn_flow *flow;

    if (chain->unsupported != CHAIN_UNSUPPORTED_BLOCK) {
        return;
    }
    for (size_t i = 0; i < chain->n_services; i++) {
        unsupported_service(view, clause, &chain->services[i]);
    }
    flow = unsupported_add(clause, PRIORITY_VERDICT);
    vmn_match(flow, VMN_F_CONJ_ID, clause->conjunction);
    vmn_match_masked(flow, VMN_F_CT_STATE, 0, VMN_CT_RPL);
    vmn_act_drop(vmn_flow_actions(flow), "not by addresses of the chain");
}

void
compile_classifier(struct vmn_view *view, const char *key,
                   struct vmn_emit *emit)
{
    struct chain_state state;
    struct clause clause = { .emit = emit, .state = &state };

    int priority;

    /* Where the hops are left as they were, this is as well. */
    if (!chain_state_read(view, key, &state)
        || !chain_is_possible(view, emit, &state)) {
        return;
    }
    priority = chain_priority(view, state.domain, key);
    if (priority <= 0) {
        if (priority) {
            vmn_fail(emit, "too many chains of the routing domain have "
                     "priority %d", state.chain->priority);
        }
        return;
    }
    clause.priority = priority;
    clause.conjunction = vmn_id_of(view, POOL_CHAIN, key);
    for (size_t i = 0; i < state.chain->n_services; i++) {
        emit_service(view, &clause, &state.chain->services[i]);
    }
    emit_entry(&clause, false);
    emit_entry(&clause, true);
    emit_unsupported(view, &clause);
}
