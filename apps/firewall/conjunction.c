/* SPDX-License-Identifier: Apache-2.0
 *
 * One rule as flows: a conjunction of whom the policy applies to, the peers,
 * and the services (service.c).  Its cost is the sum of the three, not the
 * product.
 *
 * A dimension that leaves nothing out is left out itself.  Where only the
 * first would remain, the domain stands in as a second, so that every rule is
 * a conjunction with a flow of its own that counts its hits, and rules of
 * several policies can share clauses.
 *
 * Both families share the clauses, but for those about addresses.
 *
 * The clauses are the domain's: those that name no identity match the domain,
 * and an identity belongs to one.  So all domains can share the flow that
 * decides. */

#include "firewall.h"

#include <stdlib.h>
#include <string.h>

/* What the clauses of one dimension of a rule have in common. */
struct clause {
    const struct policy_ctx *ctx;
    const struct rule_head *rule;
    unsigned number;
    unsigned of;
};

static struct vmn_flow *
clause_add(const struct clause *clause)
{
    const struct policy_ctx *ctx = clause->ctx;
    struct vmn_flow *flow = vmn_flow_add(
        ctx->emit, vmn_scope_domain(ctx->domain), STAGE_POLICY,
        rule_table(clause->rule), clause->rule->priority);

    vmn_act_conjunction(vmn_flow_actions(flow), clause->rule->conj,
                        clause->number, clause->of);
    return flow;
}

/* Adds a clause that matches the original tuple of the packet's connection. */
static struct vmn_flow *
tuple_add(const struct clause *clause)
{
    struct vmn_flow *flow = clause_add(clause);

    vmn_match(flow, VMN_REG_ZONE, clause->ctx->zone);
    vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK,
                     VMN_CT_TRK | VMN_CT_INV);
    return flow;
}

static void
emit_anyone(const struct clause *clause)
{
    vmn_match(clause_add(clause), VMN_REG_ZONE, clause->ctx->zone);
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
              const struct prefixes *prefixes)
{
    static const enum vmn_field fields[2][2] = {
        { VMN_F_CT_NW_DST, VMN_F_CT_NW_SRC },
        { VMN_F_CT_IPV6_DST, VMN_F_CT_IPV6_SRC },
    };

    for (size_t i = 0; i < prefixes->n; i++) {
        const struct vmn_prefix *prefix = &prefixes->prefixes[i];

        vmn_match_prefix(tuple_add(clause),
                         fields[prefix->ip.family == 6][source], prefix);
    }
}

/* Adds clauses for ports of SCTP. */
static void
emit_sctp_ports(const struct clause *clause,
                const struct service_match *service)
{
    for (int i = 0; i < SERVICE_SCTP_FLOWS; i++) {
        struct vmn_flow *flow = clause_add(clause);

        vmn_match(flow, VMN_REG_ZONE, clause->ctx->zone);
        match_sctp_ports(flow, service, i);
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

        if (service->ip_proto == VMN_IP_PROTO_SCTP
            && service->what == SERVICE_PORTS) {
            emit_sctp_ports(clause, service);
        } else {
            struct vmn_flow *flow = tuple_add(clause);

            if (service->what != SERVICE_ALL) {
                match_named(flow);
            }
            match_service(flow, service);
        }
    }
}

/* The peers of a rule in a domain: identities, and other addresses in the
 * fewest prefixes. */
struct peers {
    struct ids ids;
    struct prefixes prefixes;
};

static void
read_peers(const struct policy_ctx *ctx, const struct rule *rule,
           struct peers *peers)
{
    struct prefixes *prefixes = &peers->prefixes;
    const char *group = rule->groups; /* Then names in DNS. */

    memset(peers, 0, sizeof *peers);
    prefixes_add(ctx->view, prefixes, rule->prefixes,
                 rule->head->n_prefixes, NULL, 0);
    for (size_t i = 0; i < rule->head->n_groups; i++) {
        ids_add_group(ctx->view, &peers->ids, ctx->domain, group);
        prefixes_add_group(ctx->view, prefixes, group);
        group += strlen(group) + 1;
    }
    for (size_t i = 0; i < rule->head->n_fqdns; i++) {
        prefixes_add_fqdn(ctx, prefixes, group);
        group += strlen(group) + 1;
    }
    prefixes->n = vmn_prefixes_merge(prefixes->prefixes, prefixes->n);
    prefixes_add_served(ctx, rule, prefixes);
}

void
emit_rule(const struct policy_ctx *ctx, const struct rule *rule)
{
    const struct rule_head *head = rule->head;
    bool ingress = head->direction == VMN_INGRESS;
    struct peers peers;
    struct clause clause = {
        .ctx = ctx,
        .rule = head,
        .number = 1,
        .of = head->has_peers && head->has_services ? 3 : 2,
    };

    read_peers(ctx, rule, &peers);
    /* A list of peers without members matches nobody. */
    if (!ctx->own.n
        || (head->has_peers && !peers.ids.n && !peers.prefixes.n)) {
        return;
    }
    emit_ids(&clause, !ingress, &ctx->own);
    if (head->has_peers) {
        clause.number++;
        emit_ids(&clause, ingress, &peers.ids);
        emit_prefixes(&clause, ingress, &peers.prefixes);
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

static void
act_verdict(struct vmn_view *view, struct vmn_actions *actions,
            const struct rule_head *rule, unsigned number,
            const struct rule_limits *limits)
{
    if (rule->shadow) {
        vmn_act_set(actions, REG_SHADOW, 0);
        return;
    }
    switch (rule->action) {
    case VMN_ALLOW:
        if (act_limits(actions, limits, number, rule->direction)) {
            act_allow(actions, rule->direction,
                      rule->keep ? rule->position : 0);
        }
        break;
    case VMN_PASS:
        if (act_limits(actions, limits, number, rule->direction)) {
            act_pass(view, actions, rule->direction, rule->position);
        }
        break;
    case VMN_REJECT:
        act_reject(actions);
        break;
    case VMN_DENY:
    default:
        vmn_act_drop(actions, "denied by rule");
        break;
    }
}

/* Groups that verdicts go through.  --------------------------------------- */

static int
compare_rules(const void *a_, const void *b_)
{
    const struct rule_group *a = a_, *b = b_;

    return a->rule < b->rule ? -1 : a->rule > b->rule;
}

static void
add_group(struct rule_groups *groups, const char *which, uint32_t id)
{
    for (int d = 0; d < VMN_N_DIRECTIONS; d++) {
        if (!strcmp(which, direction_names[d])) {
            groups->ids[d] = id;
            return;
        }
    }
    groups->groups[groups->n].rule = (unsigned) strtoul(which, NULL, 10);
    groups->groups[groups->n++].id = id;
}

/* If the unit fails later on, its flows stay as they are, and what it has
 * published too: so the groups stay, and with them their numbers. */
void
rule_groups_hold(struct vmn_view *view, struct vmn_emit *emit,
                 const char *policy, struct rule_groups *groups)
{
    struct vmn_names values = vmn_relation_values(view, VMN_REL_RULE_GROUPS,
                                                  policy);

    memset(groups, 0, sizeof *groups);
    if (!values.n) {
        return;
    }
    groups->groups = vmn_alloc(view, values.n * sizeof *groups->groups);
    for (size_t i = 0; i < values.n; i++) {
        const char *which, *group;
        uint32_t id;

        if (vmn_key_split_two(view, values.names[i], &which, &group)
            && id_from_text(group, &id)) {
            add_group(groups, which, id);
            vmn_publish(emit, VMN_REL_RULE_GROUP_USES,
                        vmn_printf(view, "%s|%s", policy, which), "");
        }
    }
    qsort(groups->groups, groups->n, sizeof *groups->groups, compare_rules);
}

/* Has what the rule decides go through the groups that are for that, of its
 * own and of all in its direction. */
static void
act_groups(struct vmn_actions *actions, const struct rule_groups *groups,
           const struct rule_head *rule, unsigned number)
{
    const struct rule_group wanted = { .rule = number };
    const struct rule_group *own = NULL;

    if (groups->n) {
        own = bsearch(&wanted, groups->groups, groups->n,
                      sizeof *groups->groups, compare_rules);
    }
    if (own) {
        vmn_act_group_id(actions, own->id);
    }
    if (groups->ids[rule->direction]) {
        vmn_act_group_id(actions, groups->ids[rule->direction]);
    }
}

/* Verdicts.  -------------------------------------------------------------- */

static struct vmn_flow *
add_verdict(struct vmn_view *view, struct vmn_emit *emit, const char *policy,
            const struct rule_head *rule, unsigned number,
            const struct detours *detours, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_relation(REL_HOSTS, policy), STAGE_POLICY,
        rule_table(rule), priority);

    vmn_match(flow, VMN_F_CONJ_ID, rule->conj);
    vmn_flow_count(flow);
    act_groups(vmn_flow_actions(flow), &detours->groups, rule, number);
    act_verdict(view, vmn_flow_actions(flow), rule, number, &detours->limits);
    return flow;
}

/* Emits the flow to which a rule's conjunction leads.  Logging rules report
 * every packet that they deny; of what they allow, only packets that open a
 * connection, which have a flow of their own, so that these are counted
 * separately.  A conjunction ID leads to no other flows, so any higher
 * priority will do. */
void
emit_verdict(struct vmn_view *view, struct vmn_emit *emit,
             const char *policy, const struct rule_head *rule,
             unsigned number, const struct detours *detours)
{
    bool drops = !rule->shadow && (rule->action == VMN_DENY
                                   || rule->action == VMN_REJECT
                                   || rule_limits_too_many(&detours->limits,
                                                           number,
                                                           rule->direction));
    struct vmn_flow *flow = add_verdict(view, emit, policy, rule,
                                        number, detours, rule->priority);

    if (rule->log && drops) {
        vmn_flow_log(flow);
    } else if (rule->log) {
        flow = add_verdict(view, emit, policy, rule, number, detours,
                           rule->priority + 1);
        vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_NEW | VMN_CT_TRK,
                         VMN_CT_NEW | VMN_CT_TRK);
        vmn_flow_log(flow);
    }
}
