/* SPDX-License-Identifier: Apache-2.0
 *
 * Policies: each decides something, in an order that is unambiguous. */

#include <config.h>

#include <stdio.h>
#include <string.h>

#include "controller/model/checks.h"
#include "controller/model/model-class.h"
#include "controller/model/row-index.h"
#include "controller/model/time-zones.h"
#include "controller/model/txn.h"
#include "util.h"

static void
add_keys(const struct index_sink *sink, const struct vmn_row *row)
{
    const struct vmn_policy *policy = (const struct vmn_policy *) row;
    char priority[12];

    for (size_t i = 0; i < policy->n_applies_to; i++) {
        index_add(sink, VMN_INDEX_POLICY_BY_GROUP, policy->applies_to[i]);
    }
    snprintf(priority, sizeof priority, "%u", policy->priority);
    index_add_joined(sink, INDEX_PRIORITY, policy->tier, '/', priority);
}

static void
count(const struct vmn_row *row, struct model_usage *used)
{
    const struct vmn_policy *policy = (const struct vmn_policy *) row;

    used->rules = rules_cost(policy->rules, policy->n_rules);
    used->fqdns = rules_fqdns(policy->rules, policy->n_rules);
}

static const char *
tier(const struct vmn_row *row)
{
    return ((const struct vmn_policy *) row)->tier;
}

static void
refuse_tier(struct txn *txn, const struct entry *entry,
            const struct vmn_row *row)
{
    txn_error(txn, entry, VMN_ERR_FORBIDDEN, "/tier",
              "policies of tier \"%s\" are not for this account",
              ((const struct vmn_policy *) row)->tier);
}

/* Checks that 'directions' is given only in the application tier: in others
 * only rules decide. */
static void
check_directions(struct txn *txn, const struct entry *entry,
                 const struct vmn_policy *policy)
{
    bool isolates = !strcmp(policy->tier, "application");
    bool has_rule[VMN_N_DIRECTIONS] = { false };
    bool any = false;

    for (size_t i = 0; i < policy->n_rules; i++) {
        has_rule[policy->rules[i].direction] = true;
    }
    for (int d = 0; d < VMN_N_DIRECTIONS; d++) {
        any |= has_rule[d] || (isolates && policy->isolates[d]);
    }
    if (!any) {
        txn_error(txn, entry, VMN_ERR_INVALID, "/rules",
                  "is required: a policy %s decides nothing",
                  isolates ? "without rules and without \"directions\""
                  : "without rules outside of tier application");
        return;
    }
    for (int d = 0; d < VMN_N_DIRECTIONS; d++) {
        if (!isolates && policy->isolates[d] && !has_rule[d]) {
            txn_error(txn, entry, VMN_ERR_INVALID, "/directions",
                      "must not have \"%s\", for which there is no rule: "
                      "outside of tier application nothing is denied but by "
                      "a rule", d == VMN_INGRESS ? "ingress" : "egress");
        }
    }
}

/* Returns true if the group has only addresses, and so no ports to protect.
 * An empty group is yet to be filled. */
static bool
has_only_addresses(const struct vmn_group *group)
{
    return (group && !group->selector.text && !group->n_groups
            && !group->n_ports && group->n_cidrs);
}

static void
check_applies_to(struct txn *txn, const struct entry *entry,
                 const struct vmn_policy *policy)
{
    for (size_t i = 0; i < policy->n_applies_to; i++) {
        if (!has_only_addresses(model_get(txn->model, VMN_TABLE_GROUP,
                                          policy->applies_to[i]))) {
            return;
        }
    }
    txn_error(txn, entry, VMN_ERR_INVALID, "/applies_to",
              "must have a group with ports: \"%s\"%s only \"cidrs\"",
              policy->applies_to[0],
              policy->n_applies_to > 1 ? " and the others have" : " has");
}

static void
check_policy_effect(struct txn *txn, const struct entry *entry)
{
    const struct vmn_policy *policy = entry_row(entry);

    if (model_get(txn->model, VMN_TABLE_TIER, policy->tier)) {
        check_directions(txn, entry, policy);
    }
    check_applies_to(txn, entry, policy);
    check_rules_match(txn, entry, "rules", policy->rules, policy->n_rules);
}

/* Checks that the rules' time zones are known, to this member. */
static void
check_time_zones(struct txn *txn, const struct entry *entry,
                 const struct vmn_policy *policy)
{
    for (size_t i = 0; i < policy->n_rules; i++) {
        const struct vmn_rule *rule = &policy->rules[i];

        for (size_t j = 0; j < rule->n_windows; j++) {
            const char *zone = vmn_window_at(rule, j)->timezone;
            char field[80];

            if (zone && !time_zones_have(txn->model->time_zones, zone)) {
                snprintf(field, sizeof field,
                         "/rules/%"PRIuSIZE"/windows/%"PRIuSIZE"/timezone", i,
                         j);
                txn_error(txn, entry, VMN_ERR_INVALID, field,
                          "\"%s\" is no time zone that the server has (its "
                          "system's package tzdata)", zone);
            }
        }
    }
}

/* Checks the policy's position.  In the application tier, policies of equal
 * priority are united, with denials first; in other tiers, the order must be
 * unique. */
static void
check_policy(struct txn *txn, const struct entry *entry)
{
    const struct vmn_policy *policy = entry_row(entry);
    const struct vmn_tier *tier = model_get(txn->model, VMN_TABLE_TIER,
                                            policy->tier);
    char priority[12];
    const char *other;

    if (entry->op) {
        check_rules(txn, entry);
        check_time_zones(txn, entry, policy);
    }
    if (!tier || tier->position == VMN_TIER_APPLICATION) {
        return;
    }
    snprintf(priority, sizeof priority, "%u", policy->priority);
    other = index_find_other_in(txn->model, INDEX_PRIORITY, policy->tier,
                                priority,
                          entry->name);
    if (other) {
        txn_error(txn, entry, VMN_ERR_CONFLICT, "/priority",
                  "%s is that of %s in tier \"%s\": the order of the two must "
                  "be explicit", priority,
                  txn_name(txn, VMN_TABLE_POLICY, other), policy->tier);
    }
}

const struct model_class model_policy = {
    .add_keys = add_keys,
    .check_effect = check_policy_effect,
    .check = check_policy,
    .check_all = check_matches,
    .tier = tier,
    .refuse_tier = refuse_tier,
    .count = count,
    .limit = "policies",
    .limit_offset = offsetof(struct vmn_quota, policies),
};
