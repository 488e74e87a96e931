/* SPDX-License-Identifier: Apache-2.0
 *
 * Policies: in which networks and on which hosts they apply, what their rules
 * decide, and what becomes of their rules in a network.
 *
 * A network has the rules of a policy in POLICY_BUCKETS parts by their hash,
 * each a unit of its own.  So a rule that comes or goes costs a network the few
 * rules of its part, and not the whole policy. */

#include "firewall.h"

#include <stdlib.h>
#include <string.h>

/* Without rules a policy is not complete: then what was compiled stays. */
static bool
is_complete(struct vmn_emit *emit, const char *policy, const void *rules)
{
    if (!rules) {
        vmn_fail(emit, "policy %s changes its action too often: its rules "
                 "would need more than %d levels", policy, POLICY_LEVELS);
    }
    return rules != NULL;
}

/* Finds the networks in which groups of the policy have members. */
void
compile_policy(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    size_t size;
    const struct applies *applies = vmn_query(view, QUERY_APPLIES, key,
                                              &size);
    const char *group = applies ? applies->groups : NULL;

    for (size_t i = 0; applies && i < applies->n_groups; i++) {
        struct vmn_names networks = vmn_facts(view, REL_NETWORKS, group);

        for (size_t j = 0; j < networks.n; j++) {
            vmn_publish(emit, REL_APPLIED,
                        vmn_printf(view, "%s|%s", key, networks.names[j]),
                        "");
        }
        group += strlen(group) + 1;
    }
}

/* What of a policy does not depend on its rules. */
void
eval_applies(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    const struct vmn_policy *policy = vmn_read_policy(view, key);
    size_t size = sizeof(struct applies);
    struct applies *applies;
    char *p;

    if (!policy) {
        return;
    }
    for (size_t i = 0; i < policy->n_applies_to; i++) {
        size += strlen(policy->applies_to[i]) + 1;
    }
    applies = vmn_alloc(view, size);
    applies->n_groups = policy->n_applies_to;
    for (int i = 0; i < VMN_N_DIRECTIONS; i++) {
        applies->isolates[i] = (policy->tier == VMN_TIER_APPLICATION
                                && policy->isolates[i]);
    }
    p = applies->groups;
    for (size_t i = 0; i < policy->n_applies_to; i++) {
        p = stpcpy(p, policy->applies_to[i]) + 1;
    }
    vmn_value_set(value, applies, size);
}

/* The identities that the policy applies to in a network. */
static const struct applies *
read_own(struct vmn_view *view, const char *policy, const char *network,
         struct ids *own)
{
    size_t size;
    const struct applies *applies = vmn_query(view, QUERY_APPLIES, policy,
                                              &size);
    const char *group = applies ? applies->groups : NULL;

    memset(own, 0, sizeof *own);
    for (size_t i = 0; applies && i < applies->n_groups; i++) {
        ids_add_group(view, own, network, group);
        group += strlen(group) + 1;
    }
    return applies;
}

/* A policy in a network, without its rules: which of them it has, whom it closes,
 * and on which hosts. */
void
compile_applied(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const char *policy, *network;
    const struct applies *applies;
    const uint32_t *buckets;
    struct vmn_names hosts;
    struct ids own;
    size_t size;

    if (!key_split(view, key, &policy, &network)) {
        return;
    }
    applies = read_own(view, policy, network, &own);
    buckets = vmn_query(view, QUERY_BUCKETS, policy, &size);
    if (!applies || !is_complete(emit, policy, buckets)) {
        return;
    }
    for (int i = 0; i < POLICY_BUCKETS; i++) {
        if (*buckets >> i & 1) {
            vmn_publish(emit, REL_BUCKETS, vmn_printf(view, "%s|%d", key, i),
                        "");
        }
    }
    for (int i = 0; i < VMN_N_DIRECTIONS; i++) {
        for (size_t j = 0; applies->isolates[i] && j < own.n; j++) {
            vmn_publish(emit, REL_ISOLATED,
                        vmn_printf(view, "%s|%s", network,
                                   i == VMN_EGRESS ? "egress" : "ingress"),
                        vmn_printf(view, "%u", own.ids[j]));
        }
    }
    hosts = vmn_facts(view, VMN_REL_NETWORK_HOSTS, network);
    for (size_t i = 0; i < hosts.n; i++) {
        vmn_publish(emit, REL_HOSTS, policy, hosts.names[i]);
    }
}

/* What its rules decide, wherever they apply. */
void
compile_verdicts(struct vmn_view *view, const char *key,
                 struct vmn_emit *emit)
{
    const char *p, *end;
    size_t size;

    if (!vmn_read_policy(view, key)) {
        return;
    }
    p = vmn_query(view, QUERY_RULES, key, &size);
    if (!is_complete(emit, key, p)) {
        return;
    }
    for (end = p + size - 1; p < end; ) {
        struct rule rule;

        p = (const char *) rule_read(p, &rule);
        emit_verdict(emit, key, rule.head);
    }
}

/* Some rules of a policy in a network: "POLICY|NETWORK|BUCKET". */
void
compile_bucket(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const char *policy, *rest, *network_name, *bucket, *p, *end;
    struct place place = { .view = view, .emit = emit };
    size_t size;

    if (!key_split(view, key, &policy, &rest)
        || !key_split(view, rest, &network_name, &bucket)) {
        return;
    }
    place.network = vmn_read_network(view, network_name);
    if (!place.network || !place.network->vni
        || !read_own(view, policy, network_name, &place.own)) {
        return;
    }
    p = vmn_query(view, QUERY_BUCKET,
                  vmn_printf(view, "%s|%s", policy, bucket), &size);
    if (!is_complete(emit, policy, p)) {
        return;
    }
    for (end = p + size - 1; p < end; ) {
        struct rule rule;

        p = (const char *) rule_read(p, &rule);
        emit_rule(&place, &rule);
    }
}
