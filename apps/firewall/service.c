/* SPDX-License-Identifier: Apache-2.0
 *
 * What all services of a rule come to: ports of TCP and UDP as ranges that do
 * not overlap, types of ICMP once each.  So what entries have in common costs
 * nothing, and how they are cut up makes no difference. */

#include "firewall.h"

#include <string.h>

static const struct vmn_port_range all_ports = { 0, UINT16_MAX };

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

/* No ports are all ports. */
static void
ports_add(struct vmn_view *view, struct ranges *set,
          const struct vmn_service_entry *entry)
{
    if (entry->n_ports) {
        ranges_add(view, set, entry->ports, entry->n_ports);
    } else {
        ranges_add(view, set, &all_ports, 1);
    }
}

static void
entry_add(struct vmn_view *view, struct spoken *spoken,
          const struct vmn_service_entry *entry)
{
    switch (entry->protocol) {
    case VMN_PROTO_ICMP:
        if (entry->icmp_type < 0) {
            spoken->all_icmp = true;
        } else if (entry->icmp_type <= UINT8_MAX) {
            spoken->icmp_types[entry->icmp_type] = true;
        }
        break;

    case VMN_PROTO_TCP:
        ports_add(view, &spoken->tcp, entry);
        break;

    case VMN_PROTO_UDP:
        ports_add(view, &spoken->udp, entry);
        break;

    case VMN_PROTO_ANY:
    default:
        spoken->anything = true;
        break;
    }
}

void
spoken_read(struct vmn_view *view, const struct vmn_rule *rule,
            struct spoken *spoken)
{
    memset(spoken, 0, sizeof *spoken);
    for (size_t i = 0; i < rule->n_services; i++) {
        const struct vmn_rule_service *use = &rule->services[i];
        const struct vmn_service *service;

        if (!use->service) {
            entry_add(view, spoken, &use->inline_entry);
            continue;
        }
        service = vmn_read_service(view, use->service);
        for (size_t j = 0; service && j < service->n_entries; j++) {
            entry_add(view, spoken, &service->entries[j]);
        }
    }
    spoken->tcp.n = vmn_ranges_merge(spoken->tcp.ranges, spoken->tcp.n);
    spoken->udp.n = vmn_ranges_merge(spoken->udp.ranges, spoken->udp.n);
}
