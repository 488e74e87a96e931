/* SPDX-License-Identifier: Apache-2.0
 *
 * Limits of what rules of the firewall's policies let through.  A rule is
 * asked about each packet, of both directions, on the host that decides; so
 * the firewall's flows have the packets meet the limits right there
 * (VMN_REL_RULE_LIMITS), and this file says which.  It is about the ports that
 * the policy applies to: of a rule of ingress, what opens a connection is what
 * they get, and answers are what they send.
 *
 * A unit of each policy of ours publishes all that is of it: so what it costs
 * has a bound, whatever others write, and what fails of one takes no others
 * with it.  A unit of each of the firewall's says alone where there are too
 * many of ours: then nothing gets through. */

#include "qos.h"

#include <stdlib.h>
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

/* Returns true if shared limits of the policy have a rate of this kind. */
static bool
has_kind(const struct qos_policy *row, enum limit_kind kind)
{
    uint32_t burst;

    for (size_t i = 0; i < row->n_shared_limits; i++) {
        if (qos_rate(&row->shared_limits[i], kind, &burst)) {
            return true;
        }
    }
    return false;
}

static bool
has_rate(const struct qos_policy *row)
{
    return has_kind(row, LIMIT_KBPS) || has_kind(row, LIMIT_PPS);
}

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
    if (!has_rate(row)) {
        vmn_check_fail(check, "/shared_limits", "need a max_kbps or max_pps: "
                       "what rules let through is limited together, on each "
                       "host");
    }
    if (row->priority != PRIORITY_DEFAULT) {
        vmn_check_fail(check, "/priority", "%s", why);
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
    for (size_t i = 0; has_rate(row) && i < row->n_policies; i++) {
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
        return "it has on_change: keep, so open connections go on without "
               "its rules";
    }
    for (size_t i = 0; i < policy->n_rules && !any; i++) {
        any = lets_through(vmn_policy_rule_at(policy, i));
    }
    return any ? NULL : "no rule of it lets anything through";
}

/* A policy of ours, and what of it is in use. */
struct limiter {
    struct vmn_view *view;
    struct vmn_emit *emit;
    const struct qos_policy *row;
    const char *name;
    uint32_t number;
    bool limits[2];             /* Rules of egress, and of ingress. */
    struct vmn_names hosts[RULE_POLICIES_MAX]; /* Of each that it limits. */
    size_t n;
};

static void
say_unlimited(const struct limiter *l, const char *policy, const char *why)
{
    vmn_publish(l->emit, REL_UNLIMITED, l->name,
                vmn_printf(l->view, "%s: %s", policy, why));
}

/* Returns the number that stands for limits of one kind, for what rules of a
 * direction let through. */
static uint32_t
limit_id(const struct limiter *l, bool ingress_rule, enum limit_kind kind)
{
    return (l->number * 2 + ingress_rule) * N_LIMIT_KINDS + kind;
}

/* Publishes that 'which' rules of a policy, all of one direction, meet the
 * limits. */
static void
publish_limited(struct limiter *l, const char *policy, const char *which,
                bool ingress_rule)
{
    for (int i = 0; i < N_LIMIT_KINDS; i++) {
        enum limit_kind kind = (enum limit_kind) i;

        if (has_kind(l->row, kind)) {
            vmn_publish(l->emit, VMN_REL_RULE_LIMITS, policy,
                        vmn_printf(l->view, "%s|%u|%s", which,
                                   (unsigned) limit_id(l, ingress_rule, kind),
                                   l->name));
        }
    }
    l->limits[ingress_rule] = true;
}

static const char *const directions[2] = { "egress", "ingress" };

/* All rules of a policy. */
static void
limit_all(struct limiter *l, const struct vmn_policy *policy)
{
    bool any[2] = { false, false };

    for (size_t i = 0; i < policy->n_rules; i++) {
        const struct vmn_rule *rule = vmn_policy_rule_at(policy, i);

        any[rule->direction == VMN_INGRESS] |= lets_through(rule);
    }
    for (int i = 0; i < 2; i++) {
        if (any[i]) {
            publish_limited(l, policy->row.name, directions[i], i);
        }
    }
}

/* A rule of a policy, or what there is none of. */
static void
limit_rule(struct limiter *l, const struct vmn_policy *policy, size_t number)
{
    const struct vmn_rule *rule = (number < policy->n_rules
                                   ? vmn_policy_rule_at(policy, number)
                                   : NULL);
    const char *which = vmn_printf(l->view, "%u", (unsigned) number);

    if (rule && lets_through(rule)) {
        publish_limited(l, policy->row.name, which,
                        rule->direction == VMN_INGRESS);
    } else {
        say_unlimited(l, policy->row.name,
                      vmn_printf(l->view, "rule %s %s", which,
                                 rule ? "lets nothing through"
                                 : "is not there: they are counted from 0"));
    }
}

/* Says which of the rules let nothing through any more.  Returns true if none
 * does. */
static bool
say_crowded(const struct limiter *l, const char *policy,
            const struct qos_rules *of)
{
    struct vmn_names crowded = vmn_relation_values(l->view, REL_CROWDED,
                                                   policy);

    if (crowded.n == 1 && !strcmp(crowded.names[0], CROWDED_ALL)) {
        say_unlimited(l, policy, vmn_printf(
            l->view, "its rules let nothing through any more: more than %d "
            "policies limit them", POLICIES_OF_FIREWALL_MAX));
        return true;
    }
    if (crowded.n && !of->n_rules) {
        say_unlimited(l, policy, vmn_printf(
            l->view, "rules that more than %d policies limit let nothing "
            "through any more", POLICIES_OF_RULE_MAX));
    }
    for (size_t i = 0; i < crowded.n && i < RULE_MAX + 1; i++) {
        for (size_t j = 0; j < of->n_rules; j++) {
            if ((unsigned long) of->rules[j]
                == strtoul(crowded.names[i], NULL, 10)) {
                say_unlimited(l, policy, vmn_printf(
                    l->view, "rule %d lets nothing through any more: more "
                    "than %d policies limit it", of->rules[j],
                    POLICIES_OF_RULE_MAX));
            }
        }
    }
    return false;
}

/* Limits what one of the firewall's policies lets through. */
static void
limit_policy(struct limiter *l, const struct qos_rules *of)
{
    const struct vmn_policy *policy = vmn_read_policy(l->view, of->policy);
    const char *fault = policy ? policy_fault(policy) : NULL;

    if (!policy) {
        return;
    } else if (fault) {
        say_unlimited(l, of->policy, fault);
        return;
    } else if (say_crowded(l, of->policy, of)) {
        return;
    }
    if (!of->n_rules) {
        limit_all(l, policy);
    }
    for (size_t i = 0; i < of->n_rules; i++) {
        limit_rule(l, policy, (size_t) of->rules[i]);
    }
    if (l->n < RULE_POLICIES_MAX) {
        l->hosts[l->n++] = vmn_relation_values(l->view, VMN_REL_POLICY_HOSTS,
                                               of->policy);
    }
}

/* Limits.  ---------------------------------------------------------------- */

/* Publishes a limit for what rules of a direction let through.  Rules of both
 * directions share the meter of a direction of their ports, for which the key
 * stands. */
static void
publish_limit(const struct limiter *l, bool ingress_rule,
              const struct qos_limit *limit, enum limit_kind kind)
{
    bool got = limit->direction == DIRECTION_INGRESS;
    uint32_t burst, rate = qos_rate(limit, kind, &burst);

    if (rate) {
        vmn_publish(l->emit, VMN_REL_LIMITS, l->name,
                    vmn_printf(l->view, "%u|%s|%s|%u|%u|shared %s/%s",
                               (unsigned) limit_id(l, ingress_rule, kind),
                               got == ingress_rule ? VMN_LIMIT_OPENING
                               : VMN_LIMIT_ANSWERS,
                               kind == LIMIT_KBPS ? "kbps" : "pps",
                               (unsigned) rate, (unsigned) burst,
                               got ? "ingress" : "egress", l->name));
    }
}

static void
publish_limits(const struct limiter *l)
{
    for (int r = 0; r < 2; r++) {
        for (size_t i = 0; l->limits[r] && i < l->row->n_shared_limits; i++) {
            const struct qos_limit *limit = &l->row->shared_limits[i];

            publish_limit(l, r, limit, LIMIT_KBPS);
            publish_limit(l, r, limit, LIMIT_PPS);
        }
    }
}

static int
compare_names(const void *a_, const void *b_)
{
    const char *const *a = (const char *const *) a_;
    const char *const *b = (const char *const *) b_;

    return strcmp(*a, *b);
}

/* Publishes on which hosts the limits are: each once, for its policies mostly
 * have the same. */
static void
publish_hosts(const struct limiter *l)
{
    const char **names;
    size_t n = 0;

    for (size_t i = 0; i < l->n; i++) {
        n += l->hosts[i].n;
    }
    if (!n || (!l->limits[0] && !l->limits[1])) {
        return;
    }
    names = (const char **) vmn_alloc(l->view, n * sizeof *names);
    n = 0;
    for (size_t i = 0; i < l->n; i++) {
        for (size_t j = 0; j < l->hosts[i].n; j++) {
            names[n++] = l->hosts[i].names[j];
        }
    }
    qsort(names, n, sizeof *names, compare_names);
    for (size_t i = 0; i < n; i++) {
        if (!i || strcmp(names[i - 1], names[i])) {
            vmn_publish(l->emit, REL_HOSTS, l->name, names[i]);
        }
    }
}

void
qos_compile_limited(struct vmn_view *view, const char *key,
                    struct vmn_emit *emit)
{
    struct limiter l = {
        .view = view, .emit = emit, .name = key,
        .row = (const struct qos_policy *) vmn_read(view, ROW_POLICY, key),
    };

    if (!l.row || !l.row->n_policies) {
        return;
    }
    l.number = qos_number(view, l.row);
    if (!l.number) {
        return;
    }
    for (size_t i = 0; i < l.row->n_policies; i++) {
        limit_policy(&l, &l.row->policies[i]);
    }
    publish_limits(&l);
    publish_hosts(&l);
}

void
qos_compile_held(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    (void) emit;
    vmn_id_of(view, POOL_POLICY, key);
}

/* Too many.  -------------------------------------------------------------- */

static void
publish_crowded(struct vmn_view *view, struct vmn_emit *emit,
                const char *policy, const char *which)
{
    vmn_publish(emit, VMN_REL_RULE_LIMITS, policy,
                vmn_printf(view, "%s|0", which));
}

/* How many policies of ours limit rules: all, and single ones. */
struct counts {
    size_t all;
    size_t of[RULE_MAX + 1];
};

static void
count_limiter(struct vmn_view *view, const char *name, const char *policy,
              struct counts *counts)
{
    const struct qos_policy *row
        = (const struct qos_policy *) vmn_read(view, ROW_POLICY, name);

    for (size_t i = 0; row && i < row->n_policies; i++) {
        const struct qos_rules *of = &row->policies[i];

        if (strcmp(of->policy, policy)) {
            continue;
        }
        counts->all += !of->n_rules;
        for (size_t j = 0; j < of->n_rules; j++) {
            counts->of[of->rules[j]]++; /* Within the field's bounds. */
        }
    }
}

void
qos_compile_rules(struct vmn_view *view, const char *key,
                  struct vmn_emit *emit)
{
    struct vmn_names names = vmn_relation_values(view, REL_OF_RULES, key);
    const struct vmn_policy *policy = vmn_read_policy(view, key);
    struct counts *counts;

    if (names.n <= POLICIES_OF_RULE_MAX || !policy || policy_fault(policy)) {
        return;
    }
    if (names.n > POLICIES_OF_FIREWALL_MAX) {
        publish_crowded(view, emit, key, directions[0]);
        publish_crowded(view, emit, key, directions[1]);
        vmn_publish(emit, REL_CROWDED, key, CROWDED_ALL);
        return;
    }
    counts = (struct counts *) vmn_alloc(view, sizeof *counts);
    for (size_t i = 0; i < names.n; i++) {
        count_limiter(view, names.names[i], key, counts);
    }
    for (size_t i = 0; i < policy->n_rules && i <= RULE_MAX; i++) {
        const char *which = vmn_printf(view, "%u", (unsigned) i);

        if (counts->all + counts->of[i] > POLICIES_OF_RULE_MAX
            && lets_through(vmn_policy_rule_at(policy, i))) {
            publish_crowded(view, emit, key, which);
            vmn_publish(emit, REL_CROWDED, key, which);
        }
    }
}
