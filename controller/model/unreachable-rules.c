/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules that never decide: an earlier rule of the same policy is about all
 * that they are about, and says something else.  Whoever wrote such a policy
 * meant another one, so it is refused.
 *
 * What a rule is about is judged by what it says: group and service by name,
 * addresses and ports by value.  So no change of a group or service turns a
 * policy that was accepted into one that is not.
 *
 * Only what a request writes is looked at: a policy that is loaded, or that a
 * deletion changes, stays as it is. */

#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/checks.h"
#include "controller/model/txn.h"
#include "controller/schema/schema.h"
#include "controller/schema/value.h"
#include "util.h"

/* Steps of the comparison of a policy's rules with each other; some 100 ms.
 * Rules beyond that count as reachable. */
#define COMPARED_MAX 10000000

enum { TCP, UDP, SCTP, ICMP, ICMPV6, N_RANGES };

/* Ports, or 256 x type + code, in the fewest ranges. */
struct ranges {
    size_t n;
    struct vmn_port_range *ranges;
};

/* What a rule matches, in a form that can be compared. */
struct scope {
    const struct vmn_rule *rule;
    bool everyone;
    size_t n_groups;
    const char **groups;        /* Sorted. */
    size_t n_fqdns;
    const char **fqdns;         /* Sorted. */
    size_t n_prefixes;
    struct vmn_prefix *prefixes; /* In the fewest prefixes. */
    bool everything;
    size_t n_services;
    const char **services;      /* Sorted. */
    struct ranges ranges[N_RANGES];
    size_t size;                /* Elements of all of these. */
};

static int
compare_names(const void *a_, const void *b_)
{
    const char *const *a = a_;
    const char *const *b = b_;

    return strcmp(*a, *b);
}

size_t
peer_prefixes(const struct vmn_peer *peer, struct vmn_prefix *out)
{
    size_t n = peer->n_except;
    struct vmn_prefix *except = n ? xmemdup(peer->except, n * sizeof *except)
                                  : NULL;

    n = vmn_prefixes_merge(except, n);
    n = vmn_prefixes_subtract(&peer->cidr, 1, except, n, out);
    free(except);
    return n;
}

static void
read_peers(struct scope *scope)
{
    const struct vmn_rule *rule = scope->rule;
    size_t n = 0;

    scope->everyone = !rule->n_peers;
    scope->groups = xmalloc(MAX(rule->n_peers, 1) * sizeof *scope->groups);
    scope->fqdns = xmalloc(MAX(rule->n_peers, 1) * sizeof *scope->fqdns);
    for (size_t i = 0; i < rule->n_peers; i++) {
        const struct vmn_peer *peer = &rule->peers[i];

        if (peer->group) {
            scope->groups[scope->n_groups++] = peer->group;
        } else if (peer->fqdn) {
            scope->fqdns[scope->n_fqdns++] = peer->fqdn;
        } else {
            n += peer_prefixes(peer, NULL);
        }
    }
    qsort(scope->groups, scope->n_groups, sizeof *scope->groups,
          compare_names);
    qsort(scope->fqdns, scope->n_fqdns, sizeof *scope->fqdns, compare_names);

    scope->prefixes = xmalloc(MAX(n, 1) * sizeof *scope->prefixes);
    n = 0;
    for (size_t i = 0; i < rule->n_peers; i++) {
        if (rule->peers[i].cidr.ip.family) {
            n += peer_prefixes(&rule->peers[i], scope->prefixes + n);
        }
    }
    scope->n_prefixes = vmn_prefixes_merge(scope->prefixes, n);
}

static void
add_range(struct ranges *set, unsigned first, unsigned last)
{
    set->ranges = xrealloc(set->ranges, (set->n + 1) * sizeof *set->ranges);
    set->ranges[set->n++] = (struct vmn_port_range) { first, last };
}

static void
add_entry(struct scope *scope, const struct vmn_service_entry *entry)
{
    static const int sets[] = {
        [VMN_PROTO_TCP] = TCP, [VMN_PROTO_UDP] = UDP,
        [VMN_PROTO_SCTP] = SCTP, [VMN_PROTO_ICMP] = ICMP,
        [VMN_PROTO_ICMPV6] = ICMPV6,
    };
    struct ranges *set = &scope->ranges[sets[entry->protocol]];
    unsigned type = entry->icmp_type >= 0 ? entry->icmp_type : 0;

    if (entry->protocol == VMN_PROTO_ANY) {
        scope->everything = true;
    } else if (entry->icmp_code >= 0) {
        add_range(set, type << 8 | entry->icmp_code,
                  type << 8 | entry->icmp_code);
    } else if (entry->icmp_type >= 0) {
        add_range(set, type << 8, type << 8 | 0xff);
    } else if (!entry->n_ports) {
        add_range(set, 0, UINT16_MAX);
    }
    for (size_t i = 0; i < entry->n_ports; i++) {
        add_range(set, entry->ports[i].first, entry->ports[i].last);
    }
}

static void
read_services(struct scope *scope)
{
    const struct vmn_rule *rule = scope->rule;

    scope->everything = !rule->n_services;
    scope->services = xmalloc(MAX(rule->n_services, 1)
                              * sizeof *scope->services);
    for (size_t i = 0; i < rule->n_services; i++) {
        const struct vmn_rule_service *use = &rule->services[i];

        if (use->service) {
            scope->services[scope->n_services++] = use->service;
        } else {
            add_entry(scope, &use->inline_entry);
        }
    }
    qsort(scope->services, scope->n_services, sizeof *scope->services,
          compare_names);
    scope->size = (scope->n_groups + scope->n_fqdns + scope->n_prefixes
                   + scope->n_services + 1);
    for (int i = 0; i < N_RANGES; i++) {
        struct ranges *set = &scope->ranges[i];

        set->n = vmn_ranges_merge(set->ranges, set->n);
        scope->size += set->n;
    }
}

static void
scope_uninit(struct scope *scope)
{
    free(scope->groups);
    free(scope->fqdns);
    free(scope->prefixes);
    free(scope->services);
    for (int i = 0; i < N_RANGES; i++) {
        free(scope->ranges[i].ranges);
    }
}

/* Returns true if 'a' contains all of 'b'; both are sorted, without
 * duplicates. */
static bool
has_names(const char *const *a, size_t n_a, const char *const *b, size_t n_b)
{
    size_t i = 0;

    for (size_t j = 0; j < n_b; j++, i++) {
        while (n_a - i > n_b - j && strcmp(a[i], b[j]) < 0) {
            i++;
        }
        if (n_a - i < n_b - j || strcmp(a[i], b[j])) {
            return false;
        }
    }
    return true;
}

static bool
has_ranges(const struct ranges *a, const struct ranges *b)
{
    size_t i = 0;

    for (size_t j = 0; j < b->n; j++) {
        while (i < a->n && a->ranges[i].last < b->ranges[j].first) {
            i++;
        }
        if (i >= a->n || a->ranges[i].first > b->ranges[j].first
            || a->ranges[i].last < b->ranges[j].last) {
            return false;
        }
    }
    return true;
}

static bool
covers(const struct scope *a, const struct scope *b)
{
    if (!a->everyone
        && (b->everyone
            || !has_names(a->groups, a->n_groups, b->groups, b->n_groups)
            || !has_names(a->fqdns, a->n_fqdns, b->fqdns, b->n_fqdns)
            || vmn_prefixes_subtract(b->prefixes, b->n_prefixes, a->prefixes,
                                     a->n_prefixes, NULL))) {
        return false;
    }
    if (a->everything) {
        return true;
    }
    if (b->everything || !has_names(a->services, a->n_services, b->services,
                                    b->n_services)) {
        return false;
    }
    for (int i = 0; i < N_RANGES; i++) {
        if (!has_ranges(&a->ranges[i], &b->ranges[i])) {
            return false;
        }
    }
    return true;
}

/* Reports rule 'j' if an earlier rule covers it.  Adds the steps that this
 * takes to '*compared', and ends with too many. */
static void
check_rule(struct txn *txn, const struct entry *entry,
           const struct scope *scopes, size_t j, size_t *compared)
{
    for (size_t i = 0; i < j && *compared < COMPARED_MAX; i++) {
        const struct vmn_rule *a = scopes[i].rule, *b = scopes[j].rule;

        /* What decides at some times only leaves the others to it. */
        if (a->direction != b->direction || a->action == b->action
            || a->n_windows) {
            continue;
        }
        model_yield(txn->model);
        *compared += scopes[i].size + scopes[j].size;
        if (covers(&scopes[i], &scopes[j])) {
            char *field = xasprintf("/rules/%"PRIuSIZE, j);

            txn_error(txn, entry, VMN_ERR_INVALID, field,
                      "never decides: rule %"PRIuSIZE" is before it, about "
                      "all that it is about, and says \"%s\"", i,
                      schema_action_names[a->action]);
            free(field);
            return;
        }
    }
}

/* Returns true if the peers of 'rules' are more prefixes than they may be. */
static bool
has_too_many_prefixes(const struct vmn_rule *rules, size_t n)
{
    size_t n_prefixes = 0;

    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < rules[i].n_peers; j++) {
            if (rules[i].peers[j].cidr.ip.family) {
                n_prefixes += peer_prefixes(&rules[i].peers[j], NULL);
            }
            if (n_prefixes > CHECKS_MATCHES_MAX) {
                return true;
            }
        }
    }
    return false;
}

void
check_rules(struct txn *txn, const struct entry *entry)
{
    const struct vmn_policy *policy = entry_row(entry);
    struct scope *scopes;
    size_t compared = 0;

    if (has_too_many_prefixes(policy->rules, policy->n_rules)) {
        return;                 /* check_matches() reports it. */
    }
    scopes = xcalloc(MAX(policy->n_rules, 1), sizeof *scopes);
    for (size_t i = 0; i < policy->n_rules; i++) {
        scopes[i].rule = &policy->rules[i];
        read_peers(&scopes[i]);
        read_services(&scopes[i]);
        check_rule(txn, entry, scopes, i, &compared);
        model_yield(txn->model);
    }
    for (size_t i = 0; i < policy->n_rules; i++) {
        scope_uninit(&scopes[i]);
    }
    free(scopes);
}

/* Families.  -------------------------------------------------------------- */

/* Returns the address family of all peers of 'rule', or 0 if they may have
 * both. */
static int
peers_family(const struct vmn_rule *rule)
{
    int family = rule->n_peers ? rule->peers[0].cidr.ip.family : 0;

    for (size_t i = 1; i < rule->n_peers; i++) {
        family = rule->peers[i].cidr.ip.family == family ? family : 0;
    }
    return family;
}

/* Returns the address family of packets of 'protocol', or 0 for both. */
static int
protocol_family(enum vmn_protocol protocol)
{
    return (protocol == VMN_PROTO_ICMP ? 4
            : protocol == VMN_PROTO_ICMPV6 ? 6 : 0);
}

/* Returns true if 'service' only matches packets of another family than
 * 'family'. */
static bool
is_of_other_family(const struct txn *txn,
                   const struct vmn_rule_service *service, int family)
{
    const struct vmn_service *named
        = (service->service ? model_get(txn->model, VMN_TABLE_SERVICE,
                                        service->service) : NULL);
    const struct vmn_service_entry *entries
        = named ? named->entries : &service->inline_entry;
    size_t n = named ? named->n_entries : !service->service;

    for (size_t i = 0; i < n; i++) {
        int other = protocol_family(entries[i].protocol);

        if (!other || other == family) {
            return false;
        }
    }
    return n > 0;
}

/* Checks 'rules', which are in 'field' of the entry. */
void
check_rules_match(struct txn *txn, const struct entry *entry,
                  const char *field, const struct vmn_rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int family = peers_family(&rules[i]);
        size_t j = 0;

        while (family && j < rules[i].n_services
               && is_of_other_family(txn, &rules[i].services[j], family)) {
            j++;
        }
        if (j && j == rules[i].n_services) {
            char *pointer = xasprintf("/%s/%"PRIuSIZE"/services", field, i);

            txn_error(txn, entry, VMN_ERR_INVALID, pointer,
                      "can never match: they are of IPv%d, and all \"peers\" "
                      "are of IPv%d", family == 4 ? 6 : 4, family);
            free(pointer);
        }
    }
}

/* What they cost.  -------------------------------------------------------- */

int64_t
rules_fqdns(const struct vmn_rule *rules, size_t n)
{
    int64_t n_fqdns = 0;

    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < rules[i].n_peers; j++) {
            n_fqdns += rules[i].peers[j].fqdn != NULL;
        }
    }
    return n_fqdns;
}

/* Returns the number of rules, each counted for every peer, exception and
 * service that it names. */
int64_t
rules_cost(const struct vmn_rule *rules, size_t n)
{
    int64_t cost = n + rules_fqdns(rules, n) * (VALUE_FQDN_IPS_MAX - 1);

    for (size_t i = 0; i < n; i++) {
        cost += rules[i].n_peers + rules[i].n_services;
        for (size_t j = 0; j < rules[i].n_peers; j++) {
            cost += rules[i].peers[j].n_except;
        }
    }
    return cost;
}
