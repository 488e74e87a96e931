/* SPDX-License-Identifier: Apache-2.0
 *
 * Policies: in which networks they apply, and the priority of each of their
 * rules there.  What one rule matches is in clause.c.
 *
 * A rule's priority is POLICY_RULE_MAX - POLICY_LEVELS x the policy's - its
 * level.  Rules that follow each other with the same action share a level.
 * Denying rules have even levels, others odd ones, so that where policies of
 * equal priority meet, rules of one level never contradict each other, and a
 * policy's first denials come before another's first permissions. */

#include "firewall.h"

#include <inttypes.h>
#include <string.h>

/* Finds the networks in which groups of the policy have members. */
void
compile_policy(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_policy *policy = vmn_read_policy(view, key);

    if (!policy) {
        return;
    }
    for (size_t i = 0; i < policy->n_applies_to; i++) {
        struct vmn_names networks = vmn_facts(view, REL_NETWORKS,
                                              policy->applies_to[i]);

        for (size_t j = 0; j < networks.n; j++) {
            vmn_publish(emit, REL_APPLIED,
                        vmn_printf(view, "%s|%s", key, networks.names[j]),
                        "");
        }
    }
}

/* Levels.  --------------------------------------------------------------- */

/* Where a direction's rules have got to. */
struct level {
    bool started;
    enum vmn_action action;
    unsigned level;
};

static void
level_next(struct level *level, enum vmn_action action)
{
    bool odd = action != VMN_DENY;

    if (!level->started) {
        level->level = odd;
    } else if (action != level->action) {
        level->level += (level->level & 1) == odd ? 2 : 1;
    }
    level->started = true;
    level->action = action;
}

/* Names.  ---------------------------------------------------------------- */

/* FNV-1a over a text and its final null. */
static uint64_t
hash_text(uint64_t hash, const char *text)
{
    for (;; text++) {
        hash = (hash ^ (uint8_t) *text) * UINT64_C(0x100000001b3);
        if (!*text) {
            return hash;
        }
    }
}

static uint64_t
hash_prefix(struct vmn_view *view, uint64_t hash,
            const struct vmn_prefix *prefix)
{
    for (int i = 0; i < 16; i++) {
        hash = hash_text(hash, vmn_printf(view, "%02x", prefix->ip.addr[i]));
    }
    return hash_text(hash, vmn_printf(view, "%u/%u", prefix->ip.family,
                                      prefix->len));
}

static uint64_t
hash_service(struct vmn_view *view, uint64_t hash,
             const struct vmn_rule_service *service)
{
    const struct vmn_service_entry *entry = &service->inline_entry;

    if (service->service) {
        return hash_text(hash, vmn_printf(view, "s:%s", service->service));
    }
    hash = hash_text(hash, vmn_printf(view, "e:%d,%d", entry->protocol,
                                      entry->icmp_type));
    for (size_t i = 0; i < entry->n_ports; i++) {
        hash = hash_text(hash, vmn_printf(view, "%u-%u",
                                          entry->ports[i].first,
                                          entry->ports[i].last));
    }
    return hash;
}

/* A hash of what a rule says.  A conjunction is numbered by it, so that a
 * rule keeps its number whatever is put before it. */
static uint64_t
rule_hash(struct vmn_view *view, const struct vmn_rule *rule)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    hash = hash_text(hash, vmn_printf(view, "%d%d", rule->direction,
                                      rule->action));
    for (size_t i = 0; i < rule->n_peers; i++) {
        const struct vmn_peer *peer = &rule->peers[i];

        hash = peer->group
               ? hash_text(hash, vmn_printf(view, "g:%s", peer->group))
               : hash_prefix(view, hash, &peer->cidr);
    }
    for (size_t i = 0; i < rule->n_services; i++) {
        hash = hash_service(view, hash, &rule->services[i]);
    }
    return hash;
}

/* POLICY/NETWORK/HASH, with a number if the policy says the same twice. */
static const char *
rule_name(struct vmn_view *view, const struct vmn_policy *policy,
          const char *network, uint64_t hashes[], size_t i)
{
    size_t n_before = 0;

    hashes[i] = rule_hash(view, &policy->rules[i]);
    for (size_t j = 0; j < i; j++) {
        n_before += hashes[j] == hashes[i];
    }

    const char *name = vmn_printf(view, "%s/%s/%016" PRIx64,
                                  policy->row.name, network, hashes[i]);

    return n_before ? vmn_printf(view, "%s#%zu", name, n_before) : name;
}

/* A policy in a network.  ------------------------------------------------ */

static void
publish_isolated(struct vmn_view *view, struct vmn_emit *emit,
                 const struct vmn_policy *policy, const char *network,
                 const struct ids *own)
{
    if (policy->tier != VMN_TIER_APPLICATION) {
        return;
    }
    for (int direction = 0; direction < VMN_N_DIRECTIONS; direction++) {
        for (size_t i = 0; policy->isolates[direction] && i < own->n; i++) {
            vmn_publish(emit, REL_ISOLATED,
                        vmn_printf(view, "%s|%s", network,
                                   direction == VMN_EGRESS ? "egress"
                                   : "ingress"),
                        vmn_printf(view, "%u", own->ids[i]));
        }
    }
}

void
compile_rules(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const char *policy_name, *network_name;

    if (!key_split(view, key, &policy_name, &network_name)) {
        return;
    }

    const struct vmn_policy *policy = vmn_read_policy(view, policy_name);
    const struct vmn_network *network = vmn_read_network(view, network_name);

    if (!policy || !network || !network->vni) {
        return;
    }

    struct level levels[VMN_N_DIRECTIONS] = { { .started = false } };
    uint64_t *hashes = vmn_alloc(view, policy->n_rules * sizeof *hashes);
    struct ids own = { 0, 0, NULL };

    for (size_t i = 0; i < policy->n_applies_to; i++) {
        ids_add_group(view, &own, network_name, policy->applies_to[i]);
    }
    publish_isolated(view, emit, policy, network_name, &own);

    for (size_t i = 0; i < policy->n_rules; i++) {
        const struct vmn_rule *rule = &policy->rules[i];
        struct level *level = &levels[rule->direction];

        level_next(level, rule->action);
        if (level->level > POLICY_LEVELS) {
            vmn_fail(emit, "policy %s changes its action too often: rule %zu "
                     "would be at level %u of %d", policy_name, i,
                     level->level, POLICY_LEVELS);
            return;
        }
        emit_rule(&(struct rule) {
            .view = view,
            .emit = emit,
            .network = network,
            .rule = rule,
            .own = &own,
            .name = rule_name(view, policy, network_name, hashes, i),
            .tier = policy->tier,
            .priority = POLICY_RULE_MAX - POLICY_LEVELS * policy->priority
                        - level->level,
        });
    }
}
