/* SPDX-License-Identifier: Apache-2.0
 *
 * A plain reading of policies; see policy-text.h.  Slow on purpose: every
 * packet goes through every tier, policy and rule. */

#include <config.h>

#include "tests/property/policy-text.h"

#include <stdio.h>
#include <string.h>

#include "vmn/types.h"

/* Who is meant.  ---------------------------------------------------------- */

static bool
term_holds(const struct vmn_selector_term *term,
           const struct vmn_labels *labels)
{
    const char *value = vmn_labels_get(labels, term->key);
    bool listed = false;

    for (size_t i = 0; value && i < term->n_values; i++) {
        listed |= !strcmp(value, term->values[i]);
    }
    switch (term->op) {
    case VMN_SEL_IN:
        return listed;
    case VMN_SEL_NOT_IN:
        return !listed;
    case VMN_SEL_EXISTS:
        return value != NULL;
    case VMN_SEL_NOT_EXISTS:
        return value == NULL;
    }
    return false;
}

static bool
selects(const struct vmn_selector *selector, const struct vmn_labels *labels)
{
    if (!selector->text) {
        return false;
    }
    for (size_t i = 0; i < selector->n_terms; i++) {
        if (!term_holds(&selector->terms[i], labels)) {
            return false;
        }
    }
    return true;
}

static bool
prefix_holds(const struct vmn_prefix *prefix, const struct vmn_ip *ip)
{
    if (prefix->ip.family != ip->family) {
        return false;
    }
    for (int i = 0; i < prefix->len; i++) {
        uint8_t bit = 0x80 >> i % 8;

        if ((prefix->ip.addr[i / 8] ^ ip->addr[i / 8]) & bit) {
            return false;
        }
    }
    return true;
}

static bool
any_prefix_holds(const struct vmn_prefix *prefixes, size_t n,
                 const struct vmn_ip *ip)
{
    for (size_t i = 0; i < n; i++) {
        if (prefix_holds(&prefixes[i], ip)) {
            return true;
        }
    }
    return false;
}

/* Whether 'port' is one of the group's, by its labels or its name, or one of a
 * group's inside of it. */
static bool
has_port(const struct model *model, const char *name,
         const struct vmn_port *port)
{
    const struct vmn_group *group = model_get(model, VMN_TABLE_GROUP, name);

    if (!group) {
        return false;
    }
    for (size_t i = 0; i < group->n_ports; i++) {
        if (!strcmp(group->ports[i], port->row.name)) {
            return true;
        }
    }
    for (size_t i = 0; i < group->n_groups; i++) {
        if (has_port(model, group->groups[i], port)) {
            return true;
        }
    }
    return selects(&group->selector, &port->labels);
}

static bool
has_address(const struct model *model, const char *name,
            const struct vmn_ip *ip)
{
    const struct vmn_group *group = model_get(model, VMN_TABLE_GROUP, name);

    if (!group) {
        return false;
    }
    for (size_t i = 0; i < group->n_groups; i++) {
        if (has_address(model, group->groups[i], ip)) {
            return true;
        }
    }
    return any_prefix_holds(group->cidrs, group->n_cidrs, ip)
           && !any_prefix_holds(group->except, group->n_except, ip);
}

/* What is meant.  --------------------------------------------------------- */

static bool
entry_speaks(const struct vmn_service_entry *entry,
             const struct text_packet *packet)
{
    if (entry->protocol != packet->protocol) {
        return false;
    }
    if (packet->protocol == VMN_PROTO_ICMP
        || packet->protocol == VMN_PROTO_ICMPV6) {
        return (entry->icmp_type < 0 || entry->icmp_type == packet->port)
               && (entry->icmp_code < 0 || entry->icmp_code == packet->code);
    }
    for (size_t i = 0; i < entry->n_ports; i++) {
        if (packet->port >= entry->ports[i].first
            && packet->port <= entry->ports[i].last) {
            return true;
        }
    }
    return !entry->n_ports;
}

static bool
service_speaks(const struct model *model,
               const struct vmn_rule_service *service,
               const struct text_packet *packet)
{
    const struct vmn_service *named;

    if (!service->service) {
        return entry_speaks(&service->inline_entry, packet);
    }
    named = model_get(model, VMN_TABLE_SERVICE, service->service);
    for (size_t i = 0; named && i < named->n_entries; i++) {
        if (entry_speaks(&named->entries[i], packet)) {
            return true;
        }
    }
    return false;
}

static bool
rule_matches(const struct model *model, const struct vmn_rule *rule,
             enum vmn_direction direction, const struct text_packet *packet)
{
    bool out = direction == VMN_EGRESS;
    const struct vmn_port *other = out ? packet->dst : packet->src;
    const struct vmn_ip *address = out ? &packet->dst_ip : &packet->src_ip;
    bool peer = !rule->n_peers;
    bool service = !rule->n_services;

    for (size_t i = 0; i < rule->n_peers; i++) {
        const struct vmn_peer *p = &rule->peers[i];

        peer |= (p->group ? has_port(model, p->group, other)
                            || has_address(model, p->group, address)
                 : prefix_holds(&p->cidr, address)
                   && !any_prefix_holds(p->except, p->n_except, address));
    }
    for (size_t i = 0; i < rule->n_services; i++) {
        service |= service_speaks(model, &rule->services[i], packet);
    }
    return rule->direction == direction && peer && service;
}

/* What is said.  ---------------------------------------------------------- */

static bool
applies(const struct model *model, const struct vmn_policy *policy,
        const struct vmn_port *port)
{
    for (size_t i = 0; i < policy->n_applies_to; i++) {
        if (has_port(model, policy->applies_to[i], port)) {
            return true;
        }
    }
    return false;
}

enum said {
    SILENT, SAYS_ALLOW, SAYS_KEEP, SAYS_DENY, SAYS_REJECT, SAYS_PASS,
};

/* Of policies of equal priority, which are taken by turns: in each, those that
 * deny come first, then those that reject, allow, keep, pass.  A
 * policy is through with a turn where its next action is none that is still to
 * come in it. */
static unsigned
rank(enum said says)
{
    return (says == SAYS_DENY ? 0 : says == SAYS_REJECT ? 1
            : says == SAYS_ALLOW ? 2 : says == SAYS_KEEP ? 3 : 4);
}

static enum said
policy_says(const struct model *model, const struct vmn_policy *policy,
            enum vmn_direction direction, const struct text_packet *packet,
            char why[TEXT_WHY], unsigned *place)
{
    static const enum said said[] = {
        [VMN_ALLOW] = SAYS_ALLOW, [VMN_DENY] = SAYS_DENY,
        [VMN_PASS] = SAYS_PASS, [VMN_REJECT] = SAYS_REJECT,
    };

    enum said before = SILENT;
    unsigned turn = 0;

    for (size_t i = 0; i < policy->n_rules; i++) {
        const struct vmn_rule *rule = &policy->rules[i];
        enum said says = (rule->action == VMN_ALLOW
                          && policy->on_change == VMN_KEEP ? SAYS_KEEP
                          : said[rule->action]);

        if (rule->direction != direction) {
            continue;
        }
        turn += (before != SILENT && says != before
                 && rank(says) <= rank(before));
        before = says;
        if (rule_matches(model, rule, direction, packet)) {
            snprintf(why, TEXT_WHY, "rule %zu of %s", i, policy->row.name);
            *place = 5 * turn + rank(says);
            return says;
        }
    }
    return SILENT;
}

/* The first policy of a tier, by priority, that says something; of equal
 * priorities the one that says it first. */
static enum said
tier_says(const struct model *model, const struct vmn_tier *tier,
          enum vmn_direction direction, const struct text_packet *packet,
          char why[TEXT_WHY])
{
    struct vmn_names names = model_names(model, VMN_TABLE_POLICY);
    const struct vmn_port *own = (direction == VMN_EGRESS ? packet->src
                                  : packet->dst);
    enum said said = SILENT;
    uint32_t priority = UINT32_MAX;
    unsigned place = UINT32_MAX;
    bool isolated = false;

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_policy *policy = model_get(model, VMN_TABLE_POLICY,
                                                    names.names[i]);
        char reason[TEXT_WHY];
        unsigned at = 0;
        enum said says;

        if (policy->mode == VMN_SHADOW
            || strcmp(policy->tier, tier->row.name)
            || !applies(model, policy, own)) {
            continue;
        }
        isolated |= policy->isolates[direction];
        if (policy->priority <= priority) {
            says = policy_says(model, policy, direction, packet, reason, &at);
            if (says != SILENT
                && (policy->priority < priority || at < place)) {
                said = says;
                place = at;
                priority = policy->priority;
                strcpy(why, reason);
            }
        }
    }
    if (said == SILENT && isolated
        && tier->position == VMN_TIER_APPLICATION) {
        strcpy(why, "isolated");
        return SAYS_DENY;
    }
    return said;
}

static bool
holds(const struct vmn_quarantine *quarantine, const struct vmn_port *port)
{
    for (size_t i = 0; i < quarantine->n_ports; i++) {
        if (!strcmp(quarantine->ports[i], port->row.name)) {
            return true;
        }
    }
    return selects(&quarantine->selector, &port->labels);
}

/* What is cut off is let through by any quarantine that it is in. */
static enum said
quarantine_says(const struct model *model, enum vmn_direction direction,
                const struct text_packet *packet, char why[TEXT_WHY])
{
    struct vmn_names names = model_names(model, VMN_TABLE_QUARANTINE);
    const struct vmn_port *own = (direction == VMN_EGRESS ? packet->src
                                  : packet->dst);
    enum said said = own->quarantined ? SAYS_DENY : SILENT;

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_quarantine *quarantine = model_get(
            model, VMN_TABLE_QUARANTINE, names.names[i]);

        if (!holds(quarantine, own)) {
            continue;
        }
        for (size_t j = 0; j < quarantine->n_allow; j++) {
            if (rule_matches(model, &quarantine->allow[j], direction,
                             packet)) {
                snprintf(why, TEXT_WHY, "allowed by %s",
                         quarantine->row.name);
                return SAYS_ALLOW;
            }
        }
        said = SAYS_DENY;
    }
    if (said == SAYS_DENY) {
        strcpy(why, "quarantined");
    }
    return said;
}

static const struct vmn_tier *
tier_at(const struct model *model, unsigned position)
{
    struct vmn_names names = model_names(model, VMN_TABLE_TIER);

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_tier *tier = model_get(model, VMN_TABLE_TIER,
                                                names.names[i]);

        if (tier->position == position) {
            return tier;
        }
    }
    return NULL;
}

static enum text_verdict
direction_verdict(const struct model *model, enum vmn_direction direction,
                  const struct text_packet *packet, char why[TEXT_WHY],
                  unsigned kept[VMN_N_DIRECTIONS])
{
    const struct vmn_port *own = (direction == VMN_EGRESS ? packet->src
                                  : packet->dst);

    for (unsigned p = 1; p <= VMN_TIER_POSITIONS; p++) {
        const struct vmn_tier *tier = tier_at(model, p);
        enum said said = (tier ? tier_says(model, tier, direction, packet,
                                           why) : SILENT);

        if (tier && packet->kept[direction] == p) {
            snprintf(why, TEXT_WHY, "kept by %s", tier->row.name);
            said = SAYS_KEEP;
        }
        if (p == VMN_TIER_EMERGENCY && (said == SILENT
                                        || said == SAYS_PASS)) {
            said = quarantine_says(model, direction, packet, why);
        }
        if (said == SAYS_KEEP) {
            kept[direction] = p;
        }
        if (said != SILENT && said != SAYS_PASS) {
            return (said == SAYS_DENY ? TEXT_DENIED
                    : said == SAYS_REJECT ? TEXT_REJECTED : TEXT_ALLOWED);
        }
    }

    const struct vmn_network *network = model_get(model, VMN_TABLE_NETWORK,
                                                  own->network);

    strcpy(why, "default");
    return (direction == VMN_EGRESS
            || network->default_action == VMN_DEFAULT_ALLOW
            ? TEXT_ALLOWED : TEXT_DENIED);
}

enum text_verdict
policy_text_verdict(const struct model *model,
                    const struct text_packet *packet, char why[TEXT_WHY],
                    unsigned kept[VMN_N_DIRECTIONS])
{
    enum text_verdict verdict;

    kept[VMN_EGRESS] = kept[VMN_INGRESS] = 0;
    verdict = direction_verdict(model, VMN_EGRESS, packet, why, kept);
    return (verdict != TEXT_ALLOWED ? verdict
            : direction_verdict(model, VMN_INGRESS, packet, why, kept));
}
