/* SPDX-License-Identifier: Apache-2.0
 *
 * What all services of a rule come to: ports, and types of ICMP with their
 * codes, as ranges that do not overlap.  So what entries have in common costs
 * nothing, and how they are cut up makes no difference. */

#include "firewall.h"

#include <string.h>

static void
ranges_add(struct vmn_view *view, struct ranges *set,
           const struct vmn_port_range *ranges, size_t n)
{
    if (n > set->allocated - set->n) {
        struct vmn_port_range *bigger;

        set->allocated = 2 * set->allocated + n;
        bigger = vmn_alloc(view, set->allocated * sizeof *bigger);
        if (set->n) {
            memcpy(bigger, set->ranges, set->n * sizeof *bigger);
        }
        set->ranges = bigger;
    }
    memcpy(&set->ranges[set->n], ranges, n * sizeof *ranges);
    set->n += n;
}

/* Adds an entry's ports; an entry without ports stands for all. */
static void
ports_add(struct vmn_view *view, struct ranges *set,
          const struct vmn_service_entry *entry)
{
    const struct vmn_port_range all = { 0, UINT16_MAX };

    if (entry->n_ports) {
        ranges_add(view, set, entry->ports, entry->n_ports);
    } else {
        ranges_add(view, set, &all, 1);
    }
}

/* Adds an entry's ICMP messages.  Without a type it stands for all types,
 * without a code for all codes. */
static void
icmp_add(struct vmn_view *view, struct ranges *set,
         const struct vmn_service_entry *entry)
{
    struct vmn_port_range range = { 0, UINT16_MAX };

    if (entry->icmp_type >= 0) {
        range.first = entry->icmp_type << 8;
        range.last = range.first + 0xff;
    }
    if (entry->icmp_code >= 0) {
        range.first += entry->icmp_code;
        range.last = range.first;
    }
    ranges_add(view, set, &range, 1);
}

static void
entry_add(struct vmn_view *view, struct service_set *services,
          const struct vmn_service_entry *entry)
{
    switch (entry->protocol) {
    case VMN_PROTO_TCP:
        ports_add(view, &services->tcp, entry);
        break;

    case VMN_PROTO_UDP:
        ports_add(view, &services->udp, entry);
        break;

    case VMN_PROTO_SCTP:
        ports_add(view, &services->sctp, entry);
        break;

    case VMN_PROTO_ICMP:
        icmp_add(view, &services->icmp, entry);
        break;

    case VMN_PROTO_ICMPV6:
        icmp_add(view, &services->icmpv6, entry);
        break;

    case VMN_PROTO_ANY:
    default:
        services->anything = true;
        break;
    }
}

void
service_set_read(struct vmn_view *view, const struct vmn_rule *rule,
                 struct service_set *services)
{
    memset(services, 0, sizeof *services);
    for (size_t i = 0; i < rule->n_services; i++) {
        const struct vmn_rule_service *use = vmn_rule_service_at(rule, i);
        const struct vmn_service *service;

        if (!use->service) {
            entry_add(view, services, &use->inline_entry);
            continue;
        }
        service = vmn_read_service(view, use->service);
        for (size_t j = 0; service && j < service->n_entries; j++) {
            entry_add(view, services, vmn_service_entry_at(service, j));
        }
    }

    struct ranges *const sets[] = {
        &services->tcp, &services->udp, &services->sctp, &services->icmp,
        &services->icmpv6,
    };

    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        sets[i]->n = vmn_ranges_merge(sets[i]->ranges, sets[i]->n);
    }
}
