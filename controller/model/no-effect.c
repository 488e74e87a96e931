/* SPDX-License-Identifier: Apache-2.0
 *
 * Refuses what can never have an effect: a policy that looks as if it protected
 * something and decides nothing, a selector that contradicts itself, options
 * that are never sent.  Judges only what a request writes, so that what an
 * older version has stored still loads, and cascades go through.  What has no
 * effect yet, such as a group without members, is not refused. */

#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/model-private.h"
#include "controller/schema/schema.h"
#include "controller/schema/selector.h"
#include "util.h"

/* Selectors.  ------------------------------------------------------------- */

static void
check_selectors(struct txn *txn, const struct entry *entry)
{
    const struct schema_table *table = &schema_tables[entry->table];
    const char *row = entry_row(entry);

    for (const struct schema_field *f = table->row.fields; f->name; f++) {
        const struct vmn_selector *selector
            = (const void *) (row + f->offset);
        const char *key;
        char *field;

        if (f->type != SCHEMA_SELECTOR || !selector->text
            || selector_is_satisfiable(selector, &key)) {
            continue;
        }
        field = xasprintf("/%s", f->name);
        txn_error(txn, entry, VMN_ERR_INVALID, field, "can never select "
                  "anything: no object meets all that it says of label "
                  "\"%s\"", key);
        free(field);
    }
}

/* Rules.  ----------------------------------------------------------------- */

/* The family of all peers of 'rule', or 0 if they may be of both. */
static int
peers_family(const struct vmn_rule *rule)
{
    int family = rule->n_peers ? rule->peers[0].cidr.ip.family : 0;

    for (size_t i = 1; i < rule->n_peers; i++) {
        family = rule->peers[i].cidr.ip.family == family ? family : 0;
    }
    return family;
}

/* The family of the packets of 'protocol', or 0 if they may be of both. */
static int
protocol_family(enum vmn_protocol protocol)
{
    return (protocol == VMN_PROTO_ICMP ? 4
            : protocol == VMN_PROTO_ICMPV6 ? 6 : 0);
}

/* Whether 'service' is only about packets of another family than 'family'. */
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
static void
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

/* Policies.  -------------------------------------------------------------- */

/* Outside of the application tier only rules decide. */
static void
check_directions(struct txn *txn, const struct entry *entry,
                 const struct vmn_policy *policy)
{
    bool isolates = !strcmp(policy->tier, "application");
    bool has_rule[VMN_N_DIRECTIONS] = { false };
    bool any = false;

    for (size_t i = 0; i < policy->n_rules; i++) {
        has_rule[policy->rules[i].direction] = true;
    }
    for (int d = 0; d < VMN_N_DIRECTIONS; d++) {
        any |= has_rule[d] || (isolates && policy->isolates[d]);
    }
    if (!any) {
        txn_error(txn, entry, VMN_ERR_INVALID, "/rules",
                  "is required: a policy %s decides nothing",
                  isolates ? "without rules and without \"directions\""
                  : "without rules outside of tier application");
        return;
    }
    for (int d = 0; d < VMN_N_DIRECTIONS; d++) {
        if (!isolates && policy->isolates[d] && !has_rule[d]) {
            txn_error(txn, entry, VMN_ERR_INVALID, "/directions",
                      "must not have \"%s\", for which there is no rule: "
                      "outside of tier application nothing is denied but by "
                      "a rule", d == VMN_INGRESS ? "ingress" : "egress");
        }
    }
}

/* A group that has only addresses has no ports to protect.  One that has
 * nothing is to be filled. */
static bool
has_only_addresses(const struct vmn_group *group)
{
    return (group && !group->selector.text && !group->n_groups
            && !group->n_ports && group->n_cidrs);
}

static void
check_applies_to(struct txn *txn, const struct entry *entry,
                 const struct vmn_policy *policy)
{
    for (size_t i = 0; i < policy->n_applies_to; i++) {
        if (!has_only_addresses(model_get(txn->model, VMN_TABLE_GROUP,
                                          policy->applies_to[i]))) {
            return;
        }
    }
    txn_error(txn, entry, VMN_ERR_INVALID, "/applies_to",
              "must have a group with ports: \"%s\"%s only \"cidrs\"",
              policy->applies_to[0],
              policy->n_applies_to > 1 ? " and the others have" : " has");
}

static void
check_policy_effect(struct txn *txn, const struct entry *entry)
{
    const struct vmn_policy *policy = entry_row(entry);

    if (model_get(txn->model, VMN_TABLE_TIER, policy->tier)) {
        check_directions(txn, entry, policy);
    }
    check_applies_to(txn, entry, policy);
    check_rules_match(txn, entry, "rules", policy->rules, policy->n_rules);
}

static void
check_quarantine_effect(struct txn *txn, const struct entry *entry)
{
    const struct vmn_quarantine *quarantine = entry_row(entry);

    if (!quarantine->selector.text && !quarantine->n_ports) {
        txn_error(txn, entry, VMN_ERR_INVALID, "/selector",
                  "is required where there are no \"ports\": a quarantine "
                  "without both cuts off nothing");
    }
    check_rules_match(txn, entry, "allow", quarantine->allow,
                      quarantine->n_allow);
}

/* Groups.  ---------------------------------------------------------------- */

static bool
is_excepted(const struct vmn_group *group, const struct vmn_prefix *cidr)
{
    for (size_t i = 0; i < group->n_except; i++) {
        if (group->except[i].len <= cidr->len
            && value_prefix_contains(&group->except[i], &cidr->ip)) {
            return true;
        }
    }
    return false;
}

static void
check_group_effect(struct txn *txn, const struct entry *entry)
{
    const struct vmn_group *group = entry_row(entry);

    for (size_t i = 0; i < group->n_cidrs; i++) {
        if (!is_excepted(group, &group->cidrs[i])) {
            return;
        }
    }
    if (group->n_cidrs) {
        txn_error(txn, entry, VMN_ERR_INVALID, "/except",
                  "must not exclude all of \"cidrs\"");
    }
}

/* DHCP.  ------------------------------------------------------------------ */

static bool
has_options(const struct vmn_dhcp_options *o)
{
    return (o->lease_time || o->n_dns || o->domain || o->n_search || o->n_ntp
            || o->n_routes || o->boot_server.family || o->boot_file);
}

static void
check_network_effect(struct txn *txn, const struct entry *entry)
{
    const struct vmn_network *network = entry_row(entry);

    for (size_t i = 0; i < network->n_subnets; i++) {
        const struct vmn_subnet *subnet = &network->subnets[i];
        const struct vmn_dhcp_options *options = &subnet->dhcp_options;
        char buf[VALUE_PREFIX_SIZE];

        value_format_prefix(&subnet->cidr, buf);
        if (subnet->cidr.ip.family == 4 && !subnet->dhcp
            && has_options(options)) {
            txn_error(txn, entry, VMN_ERR_INVALID, "/subnets",
                      "has \"dhcp_options\" of %s that are never sent: its "
                      "\"dhcp\" is false", buf);
        } else if (subnet->cidr.ip.family == 6
                   && (options->n_routes || options->boot_server.family)) {
            txn_error(txn, entry, VMN_ERR_INVALID, "/subnets",
                      "has \"dhcp_options\" of %s that are never sent: "
                      "\"%s\" is only for IPv4", buf,
                      options->n_routes ? "routes" : "boot_server");
        }
    }
}

/* Tokens.  ---------------------------------------------------------------- */

static void
check_token_effect(struct txn *txn, const struct entry *entry)
{
    const struct vmn_token *token = entry_row(entry);

    if (token->expires
        && value_parse_time(token->expires) <= txn->now_ms / 1000) {
        txn_error(txn, entry, VMN_ERR_INVALID, "/expires",
                  "must be in the future: such a token is never accepted");
    }
}

void
check_effect(struct txn *txn, const struct entry *entry)
{
    static void (*const checks[VMN_N_TABLES])(struct txn *,
                                              const struct entry *) = {
        [VMN_TABLE_NETWORK] = check_network_effect,
        [VMN_TABLE_GROUP] = check_group_effect,
        [VMN_TABLE_POLICY] = check_policy_effect,
        [VMN_TABLE_QUARANTINE] = check_quarantine_effect,
        [VMN_TABLE_TOKEN] = check_token_effect,
    };

    if (!entry->op || schema_tables[entry->table].observed) {
        return;
    }
    check_selectors(txn, entry);
    if (checks[entry->table]) {
        checks[entry->table](txn, entry);
    }
}
