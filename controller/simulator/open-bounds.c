/* SPDX-License-Identifier: Apache-2.0
 *
 * See open-bounds.h. */

#include <config.h>

#include "controller/simulator/open-bounds.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "controller/schema/value.h"
#include "sset.h"
#include "util.h"
#include "vmn/rows.h"

static void
add_range(struct open_bounds *b, enum vmn_protocol protocol, uint32_t first,
          uint32_t last)
{
    static const enum vmn_protocol protocols[] = {
        [OPEN_TCP] = VMN_PROTO_TCP, [OPEN_UDP] = VMN_PROTO_UDP,
        [OPEN_SCTP] = VMN_PROTO_SCTP,
    };

    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
        if (protocol == protocols[i] || protocol == VMN_PROTO_ANY) {
            b->starts[i][MAX(first, 1)] = true;
            b->starts[i][last + 1] = true;
        }
    }
}

static void
add_prefixes(struct open_bounds *b, const struct vmn_prefix *prefixes,
             size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!prefixes[i].ip.family) {
            continue;
        }
        if (b->n_prefixes >= OPEN_PREFIXES_MAX) {
            b->too_many = true;
            return;
        }
        if (b->n_prefixes >= b->allocated) {
            b->prefixes = x2nrealloc(b->prefixes, &b->allocated,
                                     sizeof *b->prefixes);
        }
        b->prefixes[b->n_prefixes++] = prefixes[i];
    }
}

/* Adds the prefixes of the group, as deep as groups may be nested, and once
 * for each group. */
static void
add_group(struct open_bounds *b, const struct model *model, const char *name)
{
    const struct vmn_group *group = model_get(model, VMN_TABLE_GROUP, name);

    if (group && sset_add(&b->groups, name)) {
        add_prefixes(b, group->cidrs, group->n_cidrs);
        add_prefixes(b, group->except, group->n_except);
        for (size_t i = 0; i < group->n_groups; i++) {
            add_group(b, model, group->groups[i]);
        }
    }
}

static void
add_ips(struct open_bounds *b, const struct vmn_ip *ips, size_t n)
{
    char buf[VALUE_IP_SIZE];

    for (size_t i = 0; i < n; i++) {
        const struct vmn_prefix prefix = {
            .ip = ips[i], .len = ips[i].family == 4 ? 32 : 128,
        };

        if (sset_add(&b->ips, value_format_ip(&ips[i], buf))) {
            add_prefixes(b, &prefix, 1);
        }
    }
}

static bool
is_inside(const char *name, const char *domain)
{
    size_t len = strlen(name), domain_len = strlen(domain);

    return (len >= domain_len && !strcmp(name + len - domain_len, domain)
            && (len == domain_len || name[len - domain_len - 1] == '.'));
}

/* Adds the addresses that zones have for a name in any of their networks: of
 * more than the policy's ports are in at the most, which divides more than it
 * must. */
static void
add_zoned(struct open_bounds *b, struct engine *engine,
          const struct model *model, const char *name)
{
    struct vmn_names zones = model_names(model, VMN_TABLE_DNS_ZONE);

    for (size_t i = 0; i < zones.n; i++) {
        const struct vmn_dns_zone *zone = model_get(
            model, VMN_TABLE_DNS_ZONE, zones.names[i]);

        for (size_t j = 0; zone && is_inside(name, zone->domain)
                           && j < zone->n_networks; j++) {
            char *key = xasprintf("%s|%s", zone->networks[j], name);
            size_t size = 0;
            struct vmn_ip *ips = engine_peek(engine, "dns.addresses", key,
                                             &size);

            add_ips(b, ips, ips ? size / sizeof *ips : 0);
            free(ips);
            free(key);
            engine_yield(engine);
        }
    }
}

/* Adds the addresses that a name in DNS has by now, once for each name. */
static void
add_fqdn(struct open_bounds *b, struct engine *engine,
         const struct model *model, const char *name)
{
    const struct vmn_fqdn *fqdn = model_get(model, VMN_TABLE_FQDN, name);

    if (sset_add(&b->fqdns, name)) {
        add_ips(b, fqdn ? fqdn->ips : NULL, fqdn ? fqdn->n_ips : 0);
        add_zoned(b, engine, model, name);
    }
}

static void
add_entry(struct open_bounds *b, const struct vmn_service_entry *entry)
{
    for (size_t i = 0; i < entry->n_ports; i++) {
        add_range(b, entry->protocol, entry->ports[i].first,
                  entry->ports[i].last);
    }
}

static void
add_rule(struct open_bounds *b, struct engine *engine,
         const struct model *model, const struct vmn_rule *rule)
{
    for (size_t i = 0; i < rule->n_services; i++) {
        const struct vmn_rule_service *s = vmn_rule_service_at(rule, i);
        const struct vmn_service *service
            = (s->service ? model_get(model, VMN_TABLE_SERVICE, s->service)
               : NULL);

        if (!s->service) {
            add_entry(b, &s->inline_entry);
        }
        for (size_t j = 0; service && j < service->n_entries; j++) {
            add_entry(b, vmn_service_entry_at(service, j));
        }
    }
    for (size_t i = 0; i < rule->n_peers; i++) {
        const struct vmn_peer *peer = vmn_peer_at(rule, i);

        if (peer->group) {
            add_group(b, model, peer->group);
        } else if (peer->fqdn) {
            add_fqdn(b, engine, model, peer->fqdn);
        } else {
            add_prefixes(b, &peer->cidr, 1);
            add_prefixes(b, peer->except, peer->n_except);
        }
    }
}

static bool
applies(const struct vmn_policy *policy, const struct sset *groups)
{
    for (size_t i = 0; groups && i < policy->n_applies_to; i++) {
        if (sset_contains(groups, policy->applies_to[i])) {
            return true;
        }
    }
    return !groups;
}

static void
add_policies(struct open_bounds *b, struct engine *engine,
             const struct model *model, const struct sset *groups)
{
    struct vmn_names names = model_names(model, VMN_TABLE_POLICY);

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_policy *policy = model_get(model, VMN_TABLE_POLICY,
                                                    names.names[i]);

        for (size_t j = 0; policy && policy->mode == VMN_ENFORCE
                           && applies(policy, groups)
                           && j < policy->n_rules; j++) {
            add_rule(b, engine, model, vmn_policy_rule_at(policy, j));
            engine_yield(engine);
        }
        engine_yield(engine);
    }
}

static void
add_quarantines(struct open_bounds *b, struct engine *engine,
                const struct model *model)
{
    struct vmn_names names = model_names(model, VMN_TABLE_QUARANTINE);

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_quarantine *quarantine = model_get(
            model, VMN_TABLE_QUARANTINE, names.names[i]);

        for (size_t j = 0; quarantine && j < quarantine->n_allow; j++) {
            add_rule(b, engine, model, vmn_quarantine_rule_at(quarantine, j));
            engine_yield(engine);
        }
        engine_yield(engine);
    }
}

/* Adds the services of balancers and port forwards. */
static void
add_translations(struct open_bounds *b, struct engine *engine,
                 const struct model *model)
{
    struct vmn_names names = model_names(model, VMN_TABLE_LOADBALANCER);

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_loadbalancer *lb = model_get(
            model, VMN_TABLE_LOADBALANCER, names.names[i]);

        for (size_t j = 0; lb && j < lb->n_ports; j++) {
            const struct vmn_lb_port *port = vmn_lb_port_at(lb, j);

            add_range(b, lb->protocol, port->port,
                      MAX(port->port, port->end_port));
        }
        engine_yield(engine);
    }
    names = model_names(model, VMN_TABLE_ROUTER);
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_router *router = model_get(model, VMN_TABLE_ROUTER,
                                                    names.names[i]);

        for (size_t j = 0; router && j < router->external.n_forwards; j++) {
            const struct vmn_forward *forward
                = vmn_forward_at(&router->external, j);

            add_range(b, forward->protocol, forward->port, forward->port);
        }
        engine_yield(engine);
    }
}

struct open_bounds *
open_bounds_create(struct engine *engine, const struct model *model,
                   const struct sset *groups, bool quarantined)
{
    struct open_bounds *b = xzalloc(sizeof *b);

    sset_init(&b->groups);
    sset_init(&b->fqdns);
    sset_init(&b->ips);
    add_range(b, VMN_PROTO_ANY, 1, UINT16_MAX);
    add_policies(b, engine, model, groups);
    if (quarantined || !groups) {
        add_quarantines(b, engine, model);
    }
    if (!groups) {
        add_translations(b, engine, model);
    }
    return b;
}

void
open_bounds_destroy(struct open_bounds *b)
{
    if (b) {
        sset_destroy(&b->groups);
        sset_destroy(&b->fqdns);
        sset_destroy(&b->ips);
        free(b->prefixes);
        free(b);
    }
}

size_t
open_bounds_count(const struct open_bounds *b, int protocol)
{
    size_t n = 0;

    for (uint32_t port = 1; port <= UINT16_MAX; port++) {
        n += b->starts[protocol][port];
    }
    return n;
}

uint16_t
open_bounds_last(const struct open_bounds *b, int protocol, uint16_t first)
{
    uint32_t port = first;

    while (!b->starts[protocol][port + 1]) {
        port++;
    }
    return port;
}
