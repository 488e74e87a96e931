/* SPDX-License-Identifier: Apache-2.0
 *
 * Policies: in which domains and on which hosts they apply, what their rules
 * decide, and what becomes of their rules in a domain.
 *
 * A domain has the rules of a policy in POLICY_BUCKETS parts by their hash,
 * each a unit of its own.  So a rule that comes or goes costs a domain the few
 * rules of its part, and not the whole policy. */

#include "firewall.h"

#include <stdlib.h>
#include <string.h>

/* Fails the unit if the policy's rules are not available; it keeps the flows
 * that it had. */
static bool
is_complete(struct vmn_emit *emit, const char *policy, const void *rules)
{
    if (!rules) {
        vmn_fail(emit,
                 "policy %s is too complex: its rules change their action "
                 "too often, or would need more than %d bytes", policy,
                 VMN_VALUE_SIZE_MAX);
    }
    return rules != NULL;
}

/* Publishes the domains in which groups of the policy have members. */
void
compile_policy(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    size_t size;
    const struct applies *applies = vmn_query(view, QUERY_APPLIES, key,
                                              &size);
    const char *group = applies ? applies->groups : NULL;

    if (applies && applies->shadow) {
        vmn_publish(emit, REL_SHADOWS, "all",
                    vmn_printf(view, "%u", applies->position));
    }
    for (size_t i = 0; applies && i < applies->n_groups; i++) {
        struct vmn_names domains =
            vmn_relation_values(view, REL_DOMAINS, group);

        for (size_t j = 0; j < domains.n; j++) {
            vmn_publish(emit, REL_APPLIED,
                        vmn_printf(view, "%s|%s", key, domains.names[j]),
                        "");
        }
        group += strlen(group) + 1;
    }
}

/* Evaluates what does not depend on the policy's rules. */
void
eval_applies(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    const struct vmn_policy *policy = vmn_read_policy(view, key);
    const struct vmn_tier *tier = policy ? vmn_read_tier(view, policy->tier)
                                         : NULL;
    size_t size = sizeof(struct applies);
    struct names groups = { 0, 0, NULL };
    struct applies *applies;
    char *p;

    if (!tier) {
        return;
    }
    for (size_t i = 0; i < policy->n_applies_to; i++) {
        names_add_nested(view, &groups, policy->applies_to[i]);
    }
    names_sort(&groups);
    for (size_t i = 0; i < groups.n; i++) {
        size += strlen(groups.names[i]) + 1;
    }
    applies = vmn_alloc(view, size);
    applies->n_groups = groups.n;
    applies->position = tier->position;
    applies->shadow = policy->mode == VMN_SHADOW;
    for (int i = 0; i < VMN_N_DIRECTIONS; i++) {
        applies->isolates[i] = (tier->position == VMN_TIER_APPLICATION
                                && policy->isolates[i]);
    }
    p = applies->groups;
    for (size_t i = 0; i < groups.n; i++) {
        p = stpcpy(p, groups.names[i]) + 1;
    }
    vmn_value_set(value, applies, size);
}

const struct applies *
policy_read_own(struct vmn_view *view, const char *policy, const char *domain,
                struct ids *own)
{
    size_t size;
    const struct applies *applies = vmn_query(view, QUERY_APPLIES, policy,
                                              &size);
    const char *group = applies ? applies->groups : NULL;

    memset(own, 0, sizeof *own);
    for (size_t i = 0; applies && i < applies->n_groups; i++) {
        ids_add_group(view, own, domain, group);
        group += strlen(group) + 1;
    }
    return applies;
}

/* Compiles a policy in a domain, but for its rules: publishes which buckets it
 * has there, the ports that these name, whom it isolates, and the hosts that
 * need it. */
void
compile_applied(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const char *policy, *domain;
    const struct service_block *blocks;
    const struct applies *applies;
    const uint32_t *buckets;
    struct vmn_names hosts;
    struct ids own;
    size_t size;

    if (!vmn_key_split_two(view, key, &policy, &domain)) {
        return;
    }
    applies = policy_read_own(view, policy, domain, &own);
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
    blocks = vmn_query(view, QUERY_BLOCKS, policy, &size);
    service_blocks_publish(view, emit, domain, blocks,
                           blocks ? size / sizeof *blocks : 0);
    for (int i = 0; i < VMN_N_DIRECTIONS; i++) {
        for (size_t j = 0; applies->isolates[i] && j < own.n; j++) {
            const char *where = vmn_printf(view, "%s|%s", domain,
                                           direction_names[i]);

            if (applies->shadow) {
                vmn_publish(emit, REL_SHADOWED, where,
                            vmn_printf(view, "%u/%s", own.ids[j], policy));
            } else {
                vmn_publish(emit, REL_ISOLATED, where,
                            vmn_printf(view, "%u", own.ids[j]));
            }
        }
    }
    if (own.n && vmn_query(view, QUERY_WILD, policy, &size)) {
        for (size_t i = 0; i < own.n; i++) {
            vmn_publish(emit, REL_ASKED, domain,
                        vmn_printf(view, "%u", own.ids[i]));
        }
    }
    hosts =
        vmn_relation_values(view, vmn_scope_domain(domain).relation, domain);
    for (size_t i = 0; i < hosts.n; i++) {
        vmn_publish(emit, REL_HOSTS, policy, hosts.names[i]);
    }
}

/* Compiles the verdicts of a policy's rules, for all domains. */
void
compile_verdicts(struct vmn_view *view, const char *key,
                 struct vmn_emit *emit)
{
    const struct applies *applies;
    struct detours detours;
    const char *p, *end;
    size_t size;

    if (!vmn_read_policy(view, key)) {
        return;
    }
    applies = vmn_query(view, QUERY_APPLIES, key, &size);
    if (applies && applies->shadow) {
        emit_would_isolate(view, emit, key, applies);
    }
    p = vmn_query(view, QUERY_RULES, key, &size);
    if (!is_complete(emit, key, p)) {
        return;
    }
    rule_groups_hold(view, emit, key, &detours.groups);
    rule_limits_hold(view, emit, key, &detours.limits);
    end = p + size - 1;
    for (unsigned number = 0; p < end; number++) {
        struct rule rule;

        p = (const char *) rule_read(p, &rule);
        emit_verdict(view, emit, key, rule.head, number, &detours);
    }
}

/* Compiles a bucket of a policy's rules in a domain:
 * "POLICY|DOMAIN|BUCKET". */
void
compile_bucket(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const char *policy, *rest, *bucket, *p, *end;
    struct policy_ctx ctx = { .view = view, .emit = emit };
    size_t size;

    if (!vmn_key_split_two(view, key, &policy, &rest)
        || !vmn_key_split_two(view, rest, &ctx.domain, &bucket)
        || !policy_read_own(view, policy, ctx.domain, &ctx.own)) {
        return;
    }
    ctx.policy = policy;
    ctx.zone = vmn_domain_zone(view, ctx.domain);
    p = vmn_query(view, QUERY_BUCKET,
                  vmn_printf(view, "%s|%s", policy, bucket), &size);
    if (!is_complete(emit, policy, p)) {
        return;
    }
    for (end = p + size - 1; p < end; ) {
        struct rule rule;

        p = (const char *) rule_read(p, &rule);
        emit_rule(&ctx, &rule);
    }
}
