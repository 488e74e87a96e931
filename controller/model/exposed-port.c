/* SPDX-License-Identifier: Apache-2.0
 *
 * See exposed-port.h. */

#include <config.h>

#include "controller/model/exposed-port.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/model.h"
#include "controller/schema/value.h"
#include "sset.h"
#include "util.h"
#include "vmn/rows.h"

/* A question about one port. */
struct question {
    const struct model *model;
    const struct vmn_port *port;
    size_t *steps;              /* That are left. */
    struct sset without;        /* Groups that the port is not in. */
};

static bool
step(struct question *q, size_t n)
{
    *q->steps -= MIN(*q->steps, n);
    return *q->steps > 0;
}

static bool
names_port(size_t n, const char *const *ports, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(ports[i], name)) {
            return true;
        }
    }
    return false;
}

/* As deep as groups may be nested, and once for each group. */
static bool
group_contains(struct question *q, const char *name)
{
    const struct vmn_group *group = model_get(q->model, VMN_TABLE_GROUP,
                                              name);

    if (!group || !step(q, 1 + group->n_ports)
        || sset_contains(&q->without, name)) {
        return false;
    }
    if ((group->selector.text
         && vmn_selector_matches(&group->selector, &q->port->labels))
        || names_port(group->n_ports, group->ports, q->port->row.name)) {
        return true;
    }
    for (size_t i = 0; i < group->n_groups; i++) {
        if (group_contains(q, group->groups[i])) {
            return true;
        }
    }
    sset_add(&q->without, name);
    return false;
}

static bool
applies_to(struct question *q, const struct vmn_policy *policy)
{
    for (size_t i = 0; i < policy->n_applies_to; i++) {
        if (group_contains(q, policy->applies_to[i])) {
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
            && !rule->n_services && !rule->n_windows
            && (rule->action == VMN_DENY || rule->action == VMN_REJECT)) {
            return true;
        }
    }
    return false;
}

/* Returns true if an enforced policy isolates the port in ingress, or denies
 * it everything. */
static bool
is_covered(struct question *q)
{
    struct vmn_names names = model_names(q->model, VMN_TABLE_POLICY);

    for (size_t i = 0; i < names.n && step(q, 1); i++) {
        const struct vmn_policy *policy = model_get(
            q->model, VMN_TABLE_POLICY, names.names[i]);
        /* That tier alone isolates. */
        bool isolates = (policy && policy->isolates[VMN_INGRESS]
                         && !strcmp(policy->tier, "application"));

        if (policy && policy->mode == VMN_ENFORCE
            && (isolates || denies_all(policy)) && applies_to(q, policy)) {
            return true;
        }
    }
    return false;
}

/* Returns true if the port is cut off by itself: its parent may be, too. */
static bool
is_held(struct question *q, const struct vmn_port *port)
{
    struct vmn_names names = model_names(q->model, VMN_TABLE_QUARANTINE);

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_quarantine *quarantine = model_get(
            q->model, VMN_TABLE_QUARANTINE, names.names[i]);

        if (quarantine && step(q, 1 + quarantine->n_ports)
            && ((quarantine->selector.text
                 && vmn_selector_matches(&quarantine->selector,
                                         &port->labels))
                || names_port(quarantine->n_ports, quarantine->ports,
                              port->row.name))) {
            return true;
        }
    }
    return port->quarantined;
}

/* A quarantined VM interface includes its sub-ports. */
static bool
is_quarantined(struct question *q)
{
    const struct vmn_port *parent
        = (q->port->parent ? model_get(q->model, VMN_TABLE_PORT,
                                       q->port->parent) : NULL);

    return is_held(q, q->port) || (parent && is_held(q, parent));
}

bool
model_port_is_exposed(const struct model *model, const struct vmn_port *port,
                      size_t *steps)
{
    const struct vmn_network *network = model_get(model, VMN_TABLE_NETWORK,
                                                  port->network);
    struct question q = { .model = model, .port = port, .steps = steps };
    bool exposed;

    if (!port->enabled || !network
        || network->default_action == VMN_DEFAULT_DENY) {
        return false;
    }
    sset_init(&q.without);
    exposed = !is_quarantined(&q) && !is_covered(&q) && *steps;
    sset_destroy(&q.without);
    return exposed;
}

char *
model_exposed_text(const struct vmn_floating_ip *floating,
                   const struct vmn_port *port, bool is_scoped)
{
    char ip[VALUE_IP_SIZE];
    /* An account with a scope may not ask for reachability. */
    char *how = (is_scoped ? xasprintf("trace outside %s tcp/22",
                                       value_format_ip(&floating->ip, ip))
                 : xasprintf("reachability --from outside --to port/%s",
                             port->row.name));
    char *text = xasprintf(
        "opens all TCP, UDP and SCTP ports, and pings, from outside, except "
        "what a rule denies: no policy isolates port \"%s\" in ingress, and "
        "\"default\" of network \"%s\" is allow (vmnctl %s)",
        port->row.name, port->network, how);

    free(how);
    return text;
}
