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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRIORITY_LIMITED 10

static int
compare_limits(const void *a_, const void *b_)
{
    const struct rule_limit *a = a_, *b = b_;

    return (a->rule != b->rule ? (a->rule < b->rule ? -1 : 1)
            : a->limit < b->limit ? -1 : a->limit > b->limit);
}

void
rule_limits_read(struct vmn_view *view, const char *policy,
                 struct rule_limits *limits)
{
    struct vmn_names values = vmn_relation_values(view, VMN_REL_RULE_LIMITS,
                                                  policy);

    memset(limits, 0, sizeof *limits);
    if (!values.n) {
        return;
    }
    limits->limits = vmn_alloc(view, values.n * sizeof *limits->limits);
    for (size_t i = 0; i < values.n; i++) {
        struct rule_limit *limit = &limits->limits[limits->n];
        unsigned number;

        if (sscanf(values.names[i], "%u|%u", &limit->rule, &number) == 2) {
            limit->limit = number;
            limits->n++;
        }
    }
    qsort(limits->limits, limits->n, sizeof *limits->limits, compare_limits);
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

bool
act_limits(struct vmn_actions *actions, const struct rule_limits *limits,
           unsigned number)
{
    bool met = false;

    for (size_t i = first_of(limits, number);
         i < limits->n && limits->limits[i].rule == number; i++) {
        if (!limits->limits[i].limit) {
            vmn_act_drop(actions, "too many limits");
            return false;
        }
        vmn_act_set(actions, REG_LIMIT, limits->limits[i].limit);
        vmn_act_resubmit(actions, STAGE_POLICY, POLICY_LIMITS);
        met = true;
    }
    if (met) {
        /* What would keep packets apart for nothing. */
        vmn_act_set(actions, REG_LIMIT, 0);
    }
    return true;
}

/* Emits a limit, a value of VMN_REL_LIMITS at 'name'.  What conntrack does not
 * see (SCTP, on some hosts) has no answers. */
static void
emit_limit(struct vmn_emit *emit, const char *name, const char *value)
{
    unsigned number, rate, burst;
    struct vmn_flow *flow;
    char way[16], unit[8];
    int key = 0;

    if (sscanf(value, "%u %15s %7s %u %u %n", &number, way, unit, &rate,
               &burst, &key) != 5 || !key) {
        return;
    }
    flow = vmn_flow_add(emit, vmn_scope_relation(VMN_REL_LIMIT_HOSTS, name),
                        STAGE_POLICY, POLICY_LIMITS, PRIORITY_LIMITED);
    vmn_match(flow, REG_LIMIT, number);
    if (!strcmp(way, VMN_LIMIT_ANSWERS)) {
        vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_TRK | VMN_CT_RPL,
                         VMN_CT_TRK | VMN_CT_RPL);
    } else {
        vmn_match_masked(flow, VMN_F_CT_STATE, 0, VMN_CT_RPL);
    }
    if (!strcmp(unit, "kbps")) {
        vmn_act_limit_kbps(vmn_flow_actions(flow), value + key, rate, burst);
    } else {
        vmn_act_limit(vmn_flow_actions(flow), value + key, rate, burst);
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
        emit_limit(emit, key, values.names[i]);
    }
}
