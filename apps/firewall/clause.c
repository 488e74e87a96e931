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
 * The clauses are the network's: those that name no identity match the
 * network, and an identity belongs to one.  So all networks can share the flow
 * that decides. */

#include "firewall.h"

#include <string.h>

/* The clauses of one dimension. */
struct clause {
    const struct place *place;
    const struct rule_head *rule;
    unsigned number;
    unsigned of;
};

static struct vmn_flow *
clause_add(const struct clause *clause)
{
    const struct place *place = clause->place;
    struct vmn_flow *flow = vmn_flow_add(
        place->emit, vmn_scope_network(place->network->row.name),
        STAGE_POLICY, clause->rule->table, clause->rule->priority);

    vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_IPV4);
    vmn_act_conjunction(vmn_flow_actions(flow), clause->rule->conj,
                        clause->number, clause->of);
    return flow;
}

/* A clause about the original tuple of the packet's connection. */
static struct vmn_flow *
tuple_add(const struct clause *clause)
{
    struct vmn_flow *flow = clause_add(clause);

    vmn_match(flow, VMN_REG_NETWORK, clause->place->network->vni);
    vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK,
                     VMN_CT_TRK | VMN_CT_INV);
    return flow;
}

static void
emit_anyone(const struct clause *clause)
{
    vmn_match(clause_add(clause), VMN_REG_NETWORK,
              clause->place->network->vni);
}

static void
emit_ids(const struct clause *clause, bool source, const struct ids *ids)
{
    for (size_t i = 0; i < ids->n; i++) {
        vmn_match(clause_add(clause),
                  source ? VMN_REG_SRC_ID : VMN_REG_DST_ID, ids->ids[i]);
    }
}

static void
emit_prefixes(const struct clause *clause, bool source,
              const struct rule *rule)
{
    for (size_t i = 0; i < rule->head->n_prefixes; i++) {
        vmn_match_prefix(tuple_add(clause),
                         source ? VMN_F_CT_NW_SRC : VMN_F_CT_NW_DST,
                         &rule->prefixes[i]);
    }
}

static void
emit_services(const struct clause *clause, const struct rule *rule)
{
    if (rule->head->any_service) {
        emit_anyone(clause);
        return;
    }
    for (size_t i = 0; i < rule->head->n_services; i++) {
        const struct service_match *service = &rule->services[i];
        struct vmn_flow *flow = tuple_add(clause);

        vmn_match(flow, VMN_F_CT_NW_PROTO, service->ip_proto);
        if (service->what == SERVICE_PORTS) {
            vmn_match_masked(flow, VMN_F_CT_TP_DST, service->value,
                             service->mask);
        } else if (service->what == SERVICE_ICMP_TYPE) {
            /* The original tuple holds the request's type in place of a port,
             * so that this also matches its replies. */
            vmn_match(flow, VMN_F_CT_TP_SRC, service->value);
        }
    }
}

static void
read_peers(const struct place *place, const struct rule *rule,
           struct ids *ids)
{
    const char *group = rule->groups;

    for (size_t i = 0; i < rule->head->n_groups; i++) {
        ids_add_group(place->view, ids, place->network->row.name, group);
        group += strlen(group) + 1;
    }
}

void
emit_rule(const struct place *place, const struct rule *rule)
{
    const struct rule_head *head = rule->head;
    bool ingress = head->direction == VMN_INGRESS;
    struct ids peers = { 0, 0, NULL };
    struct clause clause = {
        .place = place,
        .rule = head,
        .number = 1,
        .of = head->has_peers && head->has_services ? 3 : 2,
    };

    read_peers(place, rule, &peers);
    /* A list of peers with nobody in it matches nobody. */
    if (!place->own.n
        || (head->has_peers && !peers.n && !head->n_prefixes)) {
        return;
    }
    emit_ids(&clause, !ingress, &place->own);
    if (head->has_peers) {
        clause.number++;
        emit_ids(&clause, ingress, &peers);
        emit_prefixes(&clause, ingress, rule);
    }
    if (head->has_services) {
        clause.number++;
        emit_services(&clause, rule);
    }
    if (!head->has_peers && !head->has_services) {
        clause.number++;
        emit_anyone(&clause);
    }
}

void
emit_verdict(struct vmn_emit *emit, const char *policy,
             const struct rule_head *rule)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_facts(REL_HOSTS, policy), STAGE_POLICY, rule->table,
        rule->priority);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_IPV4);
    vmn_match(flow, VMN_F_CONJ_ID, rule->conj);
    switch (rule->action) {
    case VMN_ALLOW:
        vmn_act_goto(actions, STAGE_POLICY, rule->direction == VMN_INGRESS
                     ? POLICY_ACCEPT : POLICY_INGRESS);
        break;
    case VMN_PASS:
        vmn_act_goto(actions, STAGE_POLICY, rule->table + 1);
        break;
    case VMN_DENY:
    default:
        vmn_act_drop(actions, "denied by rule");
        break;
    }
}
