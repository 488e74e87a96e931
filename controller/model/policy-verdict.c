/* SPDX-License-Identifier: Apache-2.0
 *
 * See policy-verdict.h.  Not for which rules concern a port
 * (judged-ports.c). */

#include <config.h>

#include "controller/model/policy-verdict.h"

#include <string.h>

#include "util.h"

/* Matching.  -------------------------------------------------------------- */

static bool
has_address(const struct vmn_prefix *prefixes, size_t n, const struct vmn_ip
            *ip)
{
    for (size_t i = 0; i < n; i++) {
        if (prefixes[i].ip.family == ip->family
            && vmn_prefix_contains(&prefixes[i], ip)) {
            return true;
        }
    }
    return false;
}

static bool
group_has_ip(struct judge *judge, const char *name, enum moment at,
             const struct vmn_ip *ip)
{
    const struct vmn_group *group = judge_row(judge, VMN_TABLE_GROUP, name,
                                              at);

    if (!group || !judge_step(judge, 1 + group->n_cidrs)) {
        return false;
    }
    if (has_address(group->cidrs, group->n_cidrs, ip)
        && !has_address(group->except, group->n_except, ip)) {
        return true;
    }
    for (size_t i = 0; i < group->n_groups; i++) {
        if (group_has_ip(judge, group->groups[i], at, ip)) {
            return true;
        }
    }
    return false;
}

bool
judge_peer_has_ip(struct judge *judge, const struct vmn_peer *peer,
                  enum moment at, const struct vmn_ip *ip)
{
    return (peer->group ? group_has_ip(judge, peer->group, at, ip)
            : (judge_step(judge, 1)
               && has_address(&peer->cidr, peer->cidr.ip.family != 0, ip)
               && !has_address(peer->except, peer->n_except, ip)));
}

static bool
matches_peer(struct judge *judge, const struct vmn_peer *peer, enum moment at,
             const struct judged_peer *other)
{
    if (peer->fqdn) {
        return other->fqdn && !strcmp(other->fqdn, peer->fqdn);
    }
    if (other->port && peer->group
        && sset_contains(&other->port->kind->groups[at], peer->group)) {
        return true;
    }
    return (other->ip.family
            && judge_peer_has_ip(judge, peer, at, &other->ip));
}

static bool
matches_peers(struct judge *judge, const struct vmn_rule *rule,
              enum moment at, const struct judged_peer *other)
{
    for (size_t i = 0; i < rule->n_peers && judge_step(judge, 1); i++) {
        if (matches_peer(judge, vmn_peer_at(rule, i), at, other)) {
            return true;
        }
    }
    return !rule->n_peers;
}

static bool
matches_entry(const struct vmn_service_entry *entry,
              const struct judged_service *service)
{
    bool icmp = (entry->protocol == VMN_PROTO_ICMP
                 || entry->protocol == VMN_PROTO_ICMPV6);

    if (entry->protocol == VMN_PROTO_ANY) {
        return true;
    } else if (entry->protocol != service->protocol) {
        return false;
    } else if (icmp) {
        return ((entry->icmp_type < 0
                 || entry->icmp_type == service->value >> 8)
                && (entry->icmp_code < 0
                    || entry->icmp_code == (service->value & 0xff)));
    }
    for (size_t i = 0; i < entry->n_ports; i++) {
        if (entry->ports[i].first <= service->value
            && service->value <= entry->ports[i].last) {
            return true;
        }
    }
    return !entry->n_ports;
}

static bool
matches_services(struct judge *judge, const struct vmn_rule *rule,
                 enum moment at, const struct judged_service *service)
{
    for (size_t i = 0; i < rule->n_services && judge_step(judge, 1); i++) {
        const struct vmn_rule_service *use = vmn_rule_service_at(rule, i);
        const struct vmn_service *named
            = (use->service ? judge_row(judge, VMN_TABLE_SERVICE,
                                        use->service, at) : NULL);

        if (!use->service && matches_entry(&use->inline_entry, service)) {
            return true;
        }
        for (size_t j = 0; named && j < named->n_entries; j++) {
            if (matches_entry(vmn_service_entry_at(named, j), service)) {
                return true;
            }
        }
    }
    return !rule->n_services;
}

static bool
is_valid(const struct vmn_rule *rule, enum moment at,
         enum judged_windows windows)
{
    bool opens = rule->action == VMN_ALLOW || rule->action == VMN_PASS;

    return (!rule->n_windows || windows == WINDOWS_OPEN
            || (windows == WINDOWS_WORST && (at == AFTER) == opens));
}

/* A connection that is judged. */
struct question {
    const struct judged_port *port;
    enum moment at;
    enum vmn_direction direction;
    const struct judged_peer *peer;
    const struct judged_service *service;
    enum judged_windows windows;
};

static bool
matches(struct judge *judge, const struct question *q,
        const struct vmn_rule *rule)
{
    return (judge_step(judge, 1) && rule->direction == q->direction
            && is_valid(rule, q->at, q->windows)
            && matches_services(judge, rule, q->at, q->service)
            && matches_peers(judge, rule, q->at, q->peer));
}

/* Returns true if a quarantine of the port allows the connection. */
static bool
is_let_through(struct judge *judge, const struct question *q)
{
    const char *name;

    SSET_FOR_EACH (name, &q->port->kind->quarantines[q->at]) {
        const struct vmn_quarantine *quarantine = judge_row(
            judge, VMN_TABLE_QUARANTINE, name, q->at);

        for (size_t i = 0; quarantine && i < quarantine->n_allow; i++) {
            if (matches(judge, q, vmn_quarantine_rule_at(quarantine, i))) {
                return true;
            }
        }
    }
    return false;
}

/* Returns true if the network denies what no policy decides. */
static bool
is_denied_by_default(const struct judge *judge, const struct question *q)
{
    const struct vmn_network *network = judge_row(
        judge, VMN_TABLE_NETWORK, q->port->row[q->at]->network, q->at);

    return (q->direction == VMN_INGRESS && network
            && network->default_action == VMN_DEFAULT_DENY);
}

bool
judge_allows(struct judge *judge, const struct judged_port *port,
             enum moment at, enum vmn_direction direction,
             const struct judged_peer *peer,
             const struct judged_service *service,
             enum judged_windows windows, const struct placed_rule **by)
{
    const struct question q = { port, at, direction, peer, service, windows };
    const struct placed_rules *rules = &port->kind->rules[at][direction];
    bool isolates = port->kind->isolates[at][direction];
    bool is_held = port->kind->is_quarantined[at];
    unsigned passed = 0;

    *by = NULL;
    for (size_t i = 0; i < rules->n; i++) {
        const struct placed_rule *placed = &rules->rules[i];

        /* Quarantine comes after the first tier. */
        if (placed->position > VMN_TIER_EMERGENCY && is_held) {
            return is_let_through(judge, &q);
        }
        if (placed->position > VMN_TIER_APPLICATION && isolates) {
            return false;
        }
        if (placed->position <= passed || !matches(judge, &q, placed->rule)) {
            continue;
        }
        *by = placed;
        if (placed->rule->action != VMN_PASS) {
            return placed->rule->action == VMN_ALLOW;
        }
        passed = placed->position;
        isolates = isolates && passed != VMN_TIER_APPLICATION;
    }
    if (is_held) {
        return is_let_through(judge, &q);
    }
    return !isolates && !is_denied_by_default(judge, &q);
}
