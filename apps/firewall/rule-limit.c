/* SPDX-License-Identifier: Apache-2.0
 *
 * Limits of what rules of policies let through (VMN_REL_RULE_LIMITS), which
 * app qos says: the flow that decides sends the packet to a table that has a
 * meter for each, one after the other, and then does what the rule says.  What
 * one drops gets to no other.  All of a connection is judged, each packet by
 * itself, so all of it counts.  A flow has one meter at most, and the flow
 * that decides is that of both directions of its connections, where a limit
 * is of one: so they have flows of their own. */

#include "firewall.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define PRIORITY_LIMITED 10

/* In place of a rule's number: all rules of a direction. */
#define ALL_OF(DIRECTION) (UINT_MAX - (unsigned) (DIRECTION))

static int
compare_limits(const void *a_, const void *b_)
{
    const struct rule_limit *a = a_, *b = b_;

    return (a->rule != b->rule ? (a->rule < b->rule ? -1 : 1)
            : a->limit < b->limit ? -1 : a->limit > b->limit);
}

static int
compare_names(const void *a_, const void *b_)
{
    const char *const *a = a_, *const *b = b_;

    return strcmp(*a, *b);
}

/* Parses WHICH: a rule's number, or a direction. */
static bool
parse_which(const char *which, unsigned *rule)
{
    uint32_t number = 0;

    for (int d = 0; d < VMN_N_DIRECTIONS; d++) {
        if (!strcmp(which, direction_names[d])) {
            *rule = ALL_OF(d);
            return true;
        }
    }
    if (strcmp(which, "0") && !id_from_text(which, &number)) {
        return false;
    }
    *rule = number;
    return number < ALL_OF(VMN_N_DIRECTIONS);
}

/* Parses "WHICH|LIMIT|NAME", or "WHICH|0": then '*name' is NULL. */
static bool
parse_limit(struct vmn_view *view, const char *value,
            struct rule_limit *limit, const char **name)
{
    const char *which, *rest, *number;

    *name = NULL;
    limit->limit = 0;
    if (!vmn_key_split_two(view, value, &which, &rest)) {
        return false;
    }
    return (parse_which(which, &limit->rule)
            && (!strcmp(rest, "0")
                || (vmn_key_split_two(view, rest, &number, name)
                    && id_from_text(number, &limit->limit))));
}

/* Publishes that flows lead to limits of these, each once. */
static void
publish_uses(struct vmn_emit *emit, const char **names, size_t n)
{
    qsort(names, n, sizeof *names, compare_names);
    for (size_t i = 0; i < n; i++) {
        if (!i || strcmp(names[i - 1], names[i])) {
            vmn_publish(emit, VMN_REL_RULE_LIMIT_USES, names[i], "");
        }
    }
}

/* If the unit fails later on, its flows stay as they are, and what it has
 * published too: so the numbers stay with whose they are.  A limit that is not
 * met would let all through, so one that makes no sense fails the unit. */
void
rule_limits_hold(struct vmn_view *view, struct vmn_emit *emit,
                 const char *policy, struct rule_limits *limits)
{
    struct vmn_names values = vmn_relation_values(view, VMN_REL_RULE_LIMITS,
                                                  policy);
    const char **names;
    size_t n_names = 0;

    memset(limits, 0, sizeof *limits);
    if (!values.n) {
        return;
    }
    limits->limits = vmn_alloc(view, values.n * sizeof *limits->limits);
    names = vmn_alloc(view, values.n * sizeof *names);
    for (size_t i = 0; i < values.n; i++) {
        if (!parse_limit(view, values.names[i], &limits->limits[i],
                         &names[n_names])) {
            vmn_fail(emit, "\"%s\" is no limit of rules", values.names[i]);
            return;
        }
        n_names += names[n_names] != NULL;
    }
    limits->n = values.n;
    qsort(limits->limits, limits->n, sizeof *limits->limits, compare_limits);
    publish_uses(emit, names, n_names);
}

/* Returns the first one of a rule, or of those behind it. */
static size_t
first_of(const struct rule_limits *limits, unsigned rule)
{
    size_t low = 0, high = limits->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (limits->limits[mid].rule < rule) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

/* Returns true if the first limit of 'rule' is that there are too many. */
static bool
has_too_many(const struct rule_limits *limits, unsigned rule)
{
    size_t i = first_of(limits, rule);

    return (i < limits->n && limits->limits[i].rule == rule
            && !limits->limits[i].limit);
}

bool
rule_limits_too_many(const struct rule_limits *limits, unsigned number,
                     enum vmn_direction direction)
{
    return (has_too_many(limits, number)
            || has_too_many(limits, ALL_OF(direction)));
}

/* Has the packet meet those of 'rule'.  Returns true if there are any. */
static bool
meet(struct vmn_actions *actions, const struct rule_limits *limits,
     unsigned rule)
{
    size_t first = first_of(limits, rule), i = first;

    for (; i < limits->n && limits->limits[i].rule == rule; i++) {
        vmn_act_set(actions, REG_LIMIT, limits->limits[i].limit);
        vmn_act_resubmit(actions, STAGE_POLICY, POLICY_LIMITS);
    }
    return i > first;
}

bool
act_limits(struct vmn_actions *actions, const struct rule_limits *limits,
           unsigned number, enum vmn_direction direction)
{
    bool own, all;

    if (rule_limits_too_many(limits, number, direction)) {
        vmn_act_drop(actions, "too many limits");
        return false;
    }
    own = meet(actions, limits, number);
    all = meet(actions, limits, ALL_OF(direction));
    if (own || all) {
        /* What would keep packets apart for nothing. */
        vmn_act_set(actions, REG_LIMIT, 0);
    }
    return true;
}

/* What a value of VMN_REL_LIMITS says. */
struct met {
    uint32_t number, rate, burst;
    const char *way, *unit, *key;
};

static bool
parse_met(struct vmn_view *view, const char *value, struct met *p)
{
    const char *number, *rate, *burst, *rest;

    return (vmn_key_split_two(view, value, &number, &rest)
            && vmn_key_split_two(view, rest, &p->way, &rest)
            && vmn_key_split_two(view, rest, &p->unit, &rest)
            && vmn_key_split_two(view, rest, &rate, &rest)
            && vmn_key_split_two(view, rest, &burst, &p->key)
            && id_from_text(number, &p->number)
            && id_from_text(rate, &p->rate)
            && id_from_text(burst, &p->burst));
}

/* Emits a limit, a value of VMN_REL_LIMITS at 'name'.  What conntrack does not
 * see (SCTP, on some hosts) has no answers. */
static void
emit_limit(struct vmn_view *view, struct vmn_emit *emit, const char *name,
           const char *value)
{
    struct vmn_flow *flow;
    struct met p;

    if (!parse_met(view, value, &p)) {
        vmn_fail(emit, "\"%s\" is no limit", value);
        return;
    }
    flow = vmn_flow_add(emit, vmn_scope_relation(VMN_REL_LIMIT_HOSTS, name),
                        STAGE_POLICY, POLICY_LIMITS, PRIORITY_LIMITED);
    vmn_match(flow, REG_LIMIT, p.number);
    if (!strcmp(p.way, VMN_LIMIT_ANSWERS)) {
        vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | VMN_CT_RPL,
                         VMN_CT_TRK | VMN_CT_RPL);
    } else {
        vmn_match_masked(flow, VMN_F_CT_STATE, 0, VMN_CT_RPL);
    }
    if (!strcmp(p.unit, "kbps")) {
        vmn_act_limit_kbps(vmn_flow_actions(flow), p.key, p.rate, p.burst);
    } else {
        vmn_act_limit(vmn_flow_actions(flow), p.key, p.rate, p.burst);
    }
}

/* Compiles the limits of a name.  Where there is no meter left for them the
 * unit fails, and not those of the policies. */
void
compile_rule_limit(struct vmn_view *view, const char *key,
                   struct vmn_emit *emit)
{
    struct vmn_names values = vmn_relation_values(view, VMN_REL_LIMITS, key);

    for (size_t i = 0; i < values.n; i++) {
        emit_limit(view, emit, key, values.names[i]);
    }
}
