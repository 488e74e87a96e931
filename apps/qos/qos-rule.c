/* SPDX-License-Identifier: Apache-2.0
 *
 * Limits of what rules of the firewall's policies let through.  A rule is
 * asked about each packet, of both directions, on the host that decides; so
 * the firewall's flows have the packets meet the limits right there
 * (VMN_REL_RULE_LIMITS), and this file says which.  It is about the ports that
 * the policy applies to: of a rule of ingress, what opens a connection is what
 * they get, and answers are what they send. */

#include "qos.h"

#include <string.h>

/* Type.  ------------------------------------------------------------------ */

const struct vmn_struct_class qos_rules_class = {
    .name = "limited_policy", .size = sizeof(struct qos_rules),
    .fields = (const struct vmn_field_class[]) {
        { VMN_FIELD(qos_rules, policy), .type = VMN_FIELD_REF,
          .ref = "policies", .flags = VMN_FIELD_REQUIRED | VMN_FIELD_KEY,
          .doc = "Its name." },
        { VMN_LIST_FIELD(qos_rules, rules), .type = VMN_FIELD_INT,
          .flags = VMN_FIELD_SET, .min = 0, .max = RULE_MAX,
          .max_items = RULES_MAX,
          .doc = "Which of its rules, counted from 0, as in logs and drops; "
                 "absent: all that allow or pass." },
        { .name = NULL },
    },
};

void
qos_check_rules(const struct qos_policy *row, struct vmn_check *check)
{
    static const char why[] = "is of ports: what rules let through has "
                              "shared_limits";

    if (row->n_ports || row->n_groups || row->network || row->selector.text
        || row->n_hosts) {
        vmn_check_fail(check, "/policies", "are in place of ports, groups, a "
                       "network, a selector and hosts");
    }
    if (!row->n_shared_limits) {
        vmn_check_fail(check, "/shared_limits", "are missing: what rules let "
                       "through is limited together, on each host");
    }
    if (row->n_limits) {
        vmn_check_fail(check, "/limits", "%s", why);
    }
    if (row->n_filters) {
        vmn_check_fail(check, "/filters", "%s", why);
    }
    if (row->dscp != DSCP_KEPT) {
        vmn_check_fail(check, "/dscp", "%s", why);
    }
    if (row->pcp != PCP_KEPT) {
        vmn_check_fail(check, "/pcp", "%s", why);
    }
    if (row->pcp_from_dscp) {
        vmn_check_fail(check, "/pcp_from_dscp", "%s", why);
    }
    if (row->min_kbps) {
        vmn_check_fail(check, "/min_kbps", "%s", why);
    }
    if (row->shared_min_kbps) {
        vmn_check_fail(check, "/shared_min_kbps", "%s", why);
    }
}

void
qos_publish_rules(struct vmn_view *view, const struct qos_policy *row,
                  struct vmn_emit *emit)
{
    (void) view;
    for (size_t i = 0; i < row->n_policies; i++) {
        vmn_publish(emit, REL_OF_RULES, row->policies[i].policy,
                    row->object.row.name);
    }
}

/* Which rules are limited.  ----------------------------------------------- */

static bool
lets_through(const struct vmn_rule *rule)
{
    return rule->action == VMN_ALLOW || rule->action == VMN_PASS;
}

/* Returns why nothing that the firewall's policy decides on can be limited, or
 * NULL. */
static const char *
policy_fault(const struct vmn_policy *policy)
{
    bool any = false;

    if (policy->mode == VMN_SHADOW) {
        return "it is in mode shadow, and lets nothing through";
    } else if (policy->on_change == VMN_KEEP) {
        return "with on_change: keep its rules decide on the first packets "
               "of a connection alone";
    }
    for (size_t i = 0; i < policy->n_rules && !any; i++) {
        any = lets_through(vmn_policy_rule_at(policy, i));
    }
    return any ? NULL : "no rule of it lets anything through";
}

/* Says what there is none of, and what denies, of rules that are named. */
static void
publish_unlimited(struct vmn_view *view, struct vmn_emit *emit,
                  const struct vmn_policy *policy, const char *name,
                  const struct qos_rules *of)
{
    for (size_t i = 0; i < of->n_rules; i++) {
        size_t number = (size_t) of->rules[i];
        const char *why
            = (number >= policy->n_rules ? "is not there: they are counted "
                                           "from 0"
               : !lets_through(vmn_policy_rule_at(policy, number))
               ? "lets nothing through" : NULL);

        if (why) {
            vmn_publish(emit, REL_UNLIMITED, name,
                        vmn_printf(view, "%s: rule %u %s", policy->row.name,
                                   (unsigned) number, why));
        }
    }
}

static bool
names_rule(const struct qos_rules *of, size_t number)
{
    bool found = !of->n_rules;

    for (size_t i = 0; i < of->n_rules && !found; i++) {
        found = (size_t) of->rules[i] == number;
    }
    return found;
}

/* A policy of ours that names one of the firewall's. */
struct limiter {
    const struct qos_policy *row;
    const struct qos_rules *of;
    uint32_t number;
    bool limits[2];             /* Rules of egress, and of ingress. */
};

static bool
find_limiter(struct vmn_view *view, const char *name, const char *policy,
             struct limiter *limiter)
{
    const struct qos_policy *row
        = (const struct qos_policy *) vmn_read(view, ROW_POLICY, name);

    for (size_t i = 0; row && i < row->n_policies; i++) {
        if (!strcmp(row->policies[i].policy, policy)) {
            *limiter = (struct limiter) {
                .row = row, .of = &row->policies[i],
            };
            return true;
        }
    }
    return false;
}

/* The firewall's policy, and those of ours that name it. */
struct limiting {
    struct vmn_view *view;
    struct vmn_emit *emit;
    const struct vmn_policy *policy;
    size_t n;
    struct limiter *limiters;
};

/* Limits.  ---------------------------------------------------------------- */

/* Returns the number that stands for limits of one kind, for what rules of a
 * direction let through. */
static uint32_t
limit_id(const struct limiter *limiter, bool ingress_rule,
         enum limit_kind kind)
{
    return (limiter->number * 2 + ingress_rule) * N_LIMIT_KINDS + kind;
}

/* Publishes that rule 'number' meets the limits of a policy of ours. */
static void
publish_limited(const struct limiting *l, struct limiter *limiter,
                size_t number)
{
    const struct qos_policy *row = limiter->row;
    bool ingress_rule = (vmn_policy_rule_at(l->policy, number)->direction
                         == VMN_INGRESS);
    bool has[N_LIMIT_KINDS] = { false, false };

    for (size_t i = 0; i < row->n_shared_limits; i++) {
        has[LIMIT_KBPS] |= row->shared_limits[i].max_kbps != 0;
        has[LIMIT_PPS] |= row->shared_limits[i].max_pps != 0;
    }
    for (int i = 0; i < N_LIMIT_KINDS; i++) {
        if (has[i]) {
            vmn_publish(l->emit, VMN_REL_RULE_LIMITS, l->policy->row.name,
                        vmn_printf(l->view, "%u|%u", (unsigned) number,
                                   (unsigned) limit_id(limiter, ingress_rule,
                                                       (enum limit_kind) i)));
            limiter->limits[ingress_rule] = true;
        }
    }
}

/* Publishes what rule 'number' meets.  If that would be too much nothing gets
 * through, and each of those that name it says so: no limit is left out
 * because somebody has written others. */
static void
publish_rule(const struct limiting *l, size_t number)
{
    const char *policy = l->policy->row.name;
    size_t n = 0;

    for (size_t i = 0; i < l->n; i++) {
        n += names_rule(l->limiters[i].of, number);
    }
    if (n > POLICIES_OF_RULE_MAX) {
        vmn_publish(l->emit, VMN_REL_RULE_LIMITS, policy,
                    vmn_printf(l->view, "%u|0", (unsigned) number));
    }
    for (size_t i = 0; i < l->n; i++) {
        struct limiter *limiter = &l->limiters[i];

        if (!names_rule(limiter->of, number)) {
            continue;
        } else if (n <= POLICIES_OF_RULE_MAX) {
            publish_limited(l, limiter, number);
        } else {
            vmn_publish(l->emit, REL_UNLIMITED, limiter->row->object.row.name,
                        vmn_printf(l->view, "%s: rule %u lets nothing through "
                                   "any more: %u policies limit it, and %d "
                                   "may", policy, (unsigned) number,
                                   (unsigned) n, POLICIES_OF_RULE_MAX));
        }
    }
}

/* Publishes a limit for what rules of a direction let through.  Rules of both
 * directions share the meter of a direction of their ports, for which the key
 * stands. */
static void
publish_limit(const struct limiting *l, const struct limiter *limiter,
              bool ingress_rule, const struct qos_limit *limit,
              enum limit_kind kind)
{
    bool got = limit->direction == DIRECTION_INGRESS;
    const char *name = limiter->row->object.row.name;
    uint32_t burst, rate = qos_rate(limit, kind, &burst);

    if (rate) {
        vmn_publish(l->emit, VMN_REL_LIMITS, name,
                    vmn_printf(l->view, "%u %s %s %u %u shared %s/%s",
                               (unsigned) limit_id(limiter, ingress_rule,
                                                   kind),
                               got == ingress_rule ? VMN_LIMIT_OPENING
                               : VMN_LIMIT_ANSWERS,
                               kind == LIMIT_KBPS ? "kbps" : "pps",
                               (unsigned) rate, (unsigned) burst,
                               got ? "ingress" : "egress", name));
    }
}

/* Publishes the limits of a policy of ours, and on which hosts they are, if
 * there are rules that lead to them. */
static void
publish_limits(const struct limiting *l, const struct limiter *limiter)
{
    const struct qos_policy *row = limiter->row;
    struct vmn_names hosts = vmn_relation_values(l->view, VMN_REL_POLICY_HOSTS,
                                                 l->policy->row.name);

    for (int r = 0; r < 2; r++) {
        for (size_t i = 0; limiter->limits[r] && i < row->n_shared_limits;
             i++) {
            const struct qos_limit *limit = &row->shared_limits[i];

            publish_limit(l, limiter, r, limit, LIMIT_KBPS);
            publish_limit(l, limiter, r, limit, LIMIT_PPS);
        }
    }
    for (size_t i = 0; (limiter->limits[0] || limiter->limits[1])
                       && i < hosts.n; i++) {
        vmn_publish(l->emit, REL_HOSTS, row->object.row.name, hosts.names[i]);
    }
}

void
qos_compile_rules(struct vmn_view *view, const char *key,
                  struct vmn_emit *emit)
{
    struct vmn_names names = vmn_relation_values(view, REL_OF_RULES, key);
    struct limiting l = { .view = view, .emit = emit,
                          .policy = vmn_read_policy(view, key) };
    const char *fault = l.policy ? policy_fault(l.policy) : NULL;

    if (!l.policy || !names.n) {
        return;
    }
    l.limiters = (struct limiter *) vmn_alloc(view, names.n
                                              * sizeof *l.limiters);
    for (size_t i = 0; i < names.n; i++) {
        struct limiter *limiter = &l.limiters[l.n];

        if (!find_limiter(view, names.names[i], key, limiter)) {
            continue;
        } else if (fault) {
            vmn_publish(emit, REL_UNLIMITED, names.names[i],
                        vmn_printf(view, "%s: %s", key, fault));
            continue;
        }
        limiter->number = qos_number(view, limiter->row);
        if (!limiter->number) {
            return;
        }
        publish_unlimited(view, emit, l.policy, names.names[i], limiter->of);
        l.n++;
    }
    for (size_t i = 0; l.n && i < l.policy->n_rules; i++) {
        if (lets_through(vmn_policy_rule_at(l.policy, i))) {
            publish_rule(&l, i);
        }
    }
    for (size_t i = 0; i < l.n; i++) {
        publish_limits(&l, &l.limiters[i]);
    }
}
