/* SPDX-License-Identifier: Apache-2.0
 *
 * See exposed-port.h. */

#include <config.h>

#include "controller/model/exposed-port.h"

#include <string.h>

#include "controller/model/model.h"
#include "vmn/rows.h"

/* As deep as groups may be nested. */
static bool
group_contains(const struct model *model, const char *name,
               const struct vmn_port *port)
{
    const struct vmn_group *group = model_get(model, VMN_TABLE_GROUP, name);

    if (!group) {
        return false;
    }
    if (group->selector.text
        && vmn_selector_matches(&group->selector, &port->labels)) {
        return true;
    }
    for (size_t i = 0; i < group->n_ports; i++) {
        if (!strcmp(group->ports[i], port->row.name)) {
            return true;
        }
    }
    for (size_t i = 0; i < group->n_groups; i++) {
        if (group_contains(model, group->groups[i], port)) {
            return true;
        }
    }
    return false;
}

static bool
applies_to(const struct model *model, const struct vmn_policy *policy,
           const struct vmn_port *port)
{
    for (size_t i = 0; i < policy->n_applies_to; i++) {
        if (group_contains(model, policy->applies_to[i], port)) {
            return true;
        }
    }
    return false;
}

/* Returns true if one of the policy's rules denies everything in ingress. */
static bool
denies_all(const struct vmn_policy *policy)
{
    for (size_t i = 0; i < policy->n_rules; i++) {
        const struct vmn_rule *rule = vmn_policy_rule_at(policy, i);

        if (rule->direction == VMN_INGRESS && !rule->n_peers
            && !rule->n_services
            && (rule->action == VMN_DENY || rule->action == VMN_REJECT)) {
            return true;
        }
    }
    return false;
}

bool
model_port_is_exposed(const struct model *model, const struct vmn_port *port)
{
    const struct vmn_network *network = model_get(model, VMN_TABLE_NETWORK,
                                                  port->network);
    struct vmn_names names = model_names(model, VMN_TABLE_POLICY);

    if (port->quarantined || !network
        || network->default_action == VMN_DEFAULT_DENY) {
        return false;
    }
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_policy *policy = model_get(model, VMN_TABLE_POLICY,
                                                    names.names[i]);
        /* That tier alone isolates. */
        bool isolates = (policy && policy->isolates[VMN_INGRESS]
                         && !strcmp(policy->tier, "application"));

        if (policy && policy->mode == VMN_ENFORCE
            && (isolates || denies_all(policy))
            && applies_to(model, policy, port)) {
            return false;
        }
        model_yield(model);
    }
    return true;
}
