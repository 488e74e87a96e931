/* SPDX-License-Identifier: Apache-2.0
 *
 * One rule as flows: a conjunction of whom the policy applies to, the peers,
 * and the services.  Its cost is the sum of the three, not the product.
 *
 * A dimension that leaves nothing out is left out itself.  Where only the
 * first would remain, the network stands in as a second, so that every rule is
 * a conjunction with a flow of its own that counts its hits, and rules of
 * several policies can share clauses.
 *
 * Clauses that name no identity match the network: an identity belongs to one,
 * a service does not. */

#include "firewall.h"

#include <string.h>

#define IP_PROTO_ICMP 1
#define IP_PROTO_TCP 6
#define IP_PROTO_UDP 17

/* The conjunction that clauses belong to. */
struct conj {
    const struct rule *rule;
    uint32_t id;
    unsigned table;
    unsigned clause;            /* The one that is being emitted. */
    unsigned n_clauses;
};

static struct vmn_flow *
clause_add(const struct conj *conj)
{
    const struct rule *rule = conj->rule;
    struct vmn_flow *flow = vmn_flow_add(
        rule->emit, vmn_scope_network(rule->network->row.name), STAGE_POLICY,
        conj->table, rule->priority);

    vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_IPV4);
    vmn_act_conjunction(vmn_flow_actions(flow), conj->id, conj->clause,
                        conj->n_clauses);
    return flow;
}

/* A clause about the original tuple of the packet's connection. */
static struct vmn_flow *
tuple_add(const struct conj *conj)
{
    struct vmn_flow *flow = clause_add(conj);

    vmn_match(flow, VMN_REG_NETWORK, conj->rule->network->vni);
    vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK,
                     VMN_CT_TRK | VMN_CT_INV);
    return flow;
}

static void
emit_anyone(const struct conj *conj)
{
    vmn_match(clause_add(conj), VMN_REG_NETWORK, conj->rule->network->vni);
}

static void
emit_ids(const struct conj *conj, enum vmn_field reg, const struct ids *ids)
{
    for (size_t i = 0; i < ids->n; i++) {
        vmn_match(clause_add(conj), reg, ids->ids[i]);
    }
}

/* Peers.  ---------------------------------------------------------------- */

static const struct vmn_group *
peer_group(const struct rule *rule, size_t i)
{
    const char *name = rule->rule->peers[i].group;

    return name ? vmn_read_group(rule->view, name) : NULL;
}

/* Whoever the peers are, in the fewest flows: identities, and prefixes of any
 * of the peers. */
struct peers {
    struct ids ids;
    size_t n_prefixes;
    struct vmn_prefix *prefixes;
};

static void
prefixes_add(struct peers *peers, const struct vmn_prefix *prefixes, size_t n)
{
    if (n) {
        memcpy(&peers->prefixes[peers->n_prefixes], prefixes,
               n * sizeof *prefixes);
        peers->n_prefixes += n;
    }
}

/* Returns false if there is nobody at all. */
static bool
peers_read(const struct rule *rule, struct peers *peers)
{
    size_t n_most = 0;

    memset(peers, 0, sizeof *peers);
    for (size_t i = 0; i < rule->rule->n_peers; i++) {
        const struct vmn_group *group = peer_group(rule, i);

        n_most += group ? group->n_cidrs : 1;
    }
    peers->prefixes = vmn_alloc(rule->view, n_most * sizeof *peers->prefixes);
    for (size_t i = 0; i < rule->rule->n_peers; i++) {
        const struct vmn_peer *peer = &rule->rule->peers[i];
        const struct vmn_group *group = peer_group(rule, i);

        if (group) {
            ids_add_group(rule->view, &peers->ids, rule->network->row.name,
                          group->row.name);
            prefixes_add(peers, group->cidrs, group->n_cidrs);
        } else if (!peer->group) {
            prefixes_add(peers, &peer->cidr, 1);
        }
    }
    peers->n_prefixes = vmn_prefixes_merge(peers->prefixes,
                                           peers->n_prefixes);
    return peers->ids.n || peers->n_prefixes;
}

static void
emit_peers(const struct conj *conj, const struct peers *peers, bool ingress)
{
    emit_ids(conj, ingress ? VMN_REG_SRC_ID : VMN_REG_DST_ID, &peers->ids);
    for (size_t i = 0; i < peers->n_prefixes; i++) {
        vmn_match_prefix(tuple_add(conj),
                         ingress ? VMN_F_CT_NW_SRC : VMN_F_CT_NW_DST,
                         &peers->prefixes[i]);
    }
}

/* Services.  ------------------------------------------------------------- */

static struct vmn_flow *
protocol_add(const struct conj *conj, unsigned ip_proto)
{
    struct vmn_flow *flow = tuple_add(conj);

    vmn_match(flow, VMN_F_CT_NW_PROTO, ip_proto);
    return flow;
}

/* A range as the few masks that make it up. */
static void
emit_range(const struct conj *conj, unsigned ip_proto,
           const struct vmn_port_range *range)
{
    uint32_t port = range->first;

    while (port <= range->last) {
        uint32_t size = port ? port & -port : 0x10000;

        while (port + size - 1 > range->last) {
            size >>= 1;
        }
        vmn_match_masked(protocol_add(conj, ip_proto), VMN_F_CT_TP_DST, port,
                         0xffff & ~(size - 1));
        port += size;
    }
}

static void
emit_ports(const struct conj *conj, unsigned ip_proto,
           const struct ranges *ports)
{
    for (size_t i = 0; i < ports->n; i++) {
        const struct vmn_port_range *range = &ports->ranges[i];

        if (!range->first && range->last == UINT16_MAX) {
            protocol_add(conj, ip_proto);
        } else {
            emit_range(conj, ip_proto, range);
        }
    }
}

/* The original tuple holds the request's type in place of a port, so that this
 * also matches its replies. */
static void
emit_icmp(const struct conj *conj, const struct spoken *spoken)
{
    if (spoken->all_icmp) {
        protocol_add(conj, IP_PROTO_ICMP);
        return;
    }
    for (unsigned type = 0; type <= UINT8_MAX; type++) {
        if (spoken->icmp_types[type]) {
            vmn_match(protocol_add(conj, IP_PROTO_ICMP), VMN_F_CT_TP_SRC,
                      type);
        }
    }
}

static void
emit_services(const struct conj *conj)
{
    struct spoken spoken;

    spoken_read(conj->rule->view, conj->rule->rule, &spoken);
    if (spoken.anything) {
        emit_anyone(conj);
        return;
    }
    emit_ports(conj, IP_PROTO_TCP, &spoken.tcp);
    emit_ports(conj, IP_PROTO_UDP, &spoken.udp);
    emit_icmp(conj, &spoken);
}

/* A whole rule.  --------------------------------------------------------- */

static void
emit_verdict(const struct conj *conj, bool ingress)
{
    const struct rule *rule = conj->rule;
    struct vmn_flow *flow = vmn_flow_add(
        rule->emit, vmn_scope_network(rule->network->row.name), STAGE_POLICY,
        conj->table, rule->priority);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_IPV4);
    vmn_match(flow, VMN_F_CONJ_ID, conj->id);
    switch (rule->rule->action) {
    case VMN_ALLOW:
        vmn_act_goto(actions, STAGE_POLICY,
                     ingress ? POLICY_ACCEPT : POLICY_INGRESS);
        break;
    case VMN_PASS:
        vmn_act_goto(actions, STAGE_POLICY, conj->table + 1);
        break;
    case VMN_DENY:
    default:
        vmn_act_drop(actions, "denied by rule");
        break;
    }
}

void
emit_rule(const struct rule *rule)
{
    bool ingress = rule->rule->direction == VMN_INGRESS;
    bool has_peers = rule->rule->n_peers > 0;
    bool has_services = rule->rule->n_services > 0;
    struct peers peers;

    /* A list of peers with nobody in it matches nobody. */
    if (!rule->own->n || (has_peers && !peers_read(rule, &peers))) {
        return;
    }

    struct conj conj = {
        .rule = rule,
        .id = vmn_number(rule->view, NUMBER_CONJUNCTION, rule->name),
        .table = policy_table(rule->rule->direction, rule->tier),
        .clause = 1,
        .n_clauses = has_peers && has_services ? 3 : 2,
    };

    emit_ids(&conj, ingress ? VMN_REG_DST_ID : VMN_REG_SRC_ID, rule->own);
    if (has_peers) {
        conj.clause++;
        emit_peers(&conj, &peers, ingress);
    }
    if (has_services) {
        conj.clause++;
        emit_services(&conj);
    }
    if (!has_peers && !has_services) {
        conj.clause++;
        emit_anyone(&conj);
    }
    emit_verdict(&conj, ingress);
}
