/* SPDX-License-Identifier: Apache-2.0
 *
 * The services of a rule.  What all of them come to: ports, and types of ICMP
 * with their codes, as ranges that do not overlap.  So what entries have in
 * common costs nothing, and how they are cut up makes no difference.  And how
 * a flow matches one of them. */

#include "firewall.h"

#include <string.h>

void
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

void
match_service(struct vmn_flow *flow, const struct service_match *service)
{
    /* A packet of one family may well name the other's ICMP, so the family is
     * matched. */
    if (service->ip_proto == VMN_IP_PROTO_ICMP) {
        vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_IPV4);
    } else if (service->ip_proto == VMN_IP_PROTO_ICMPV6) {
        vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_IPV6);
    }
    vmn_match(flow, VMN_F_CT_NW_PROTO, service->ip_proto);
    if (service->what == SERVICE_PORTS) {
        vmn_match_masked(flow, VMN_F_CT_TP_DST, service->value,
                         service->mask);
    } else if (service->what != SERVICE_ALL) {
        /* The original tuple holds the request's type and code in place of
         * ports, so that this also matches its replies. */
        vmn_match(flow, VMN_F_CT_TP_SRC, service->value >> 8);
        if (service->what == SERVICE_ICMP_CODE) {
            vmn_match(flow, VMN_F_CT_TP_DST, service->value & 0xff);
        }
    }
}

void
match_sctp_ports(struct vmn_flow *flow, const struct service_match *service,
                 int i)
{
    static const uint16_t types[] = { VMN_ETH_IPV4, VMN_ETH_IPV6 };
    bool reply = i & 1;

    vmn_match(flow, VMN_F_ETH_TYPE, types[i / 2]);
    vmn_match_masked(flow, VMN_F_CT_STATE,
                     VMN_CT_TRK | (reply ? VMN_CT_RPL : 0),
                     VMN_CT_TRK | VMN_CT_INV | VMN_CT_RPL);
    vmn_match_masked(flow, reply ? VMN_F_SCTP_SRC : VMN_F_SCTP_DST,
                     service->value, service->mask);
}
