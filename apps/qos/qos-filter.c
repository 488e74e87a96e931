/* SPDX-License-Identifier: Apache-2.0
 *
 * Which packets a policy's limits are for: its filters, what is checked of
 * them, and the matches that they come to.  Not for what becomes of the
 * packets (qos.c). */

#include "qos.h"

#include <string.h>

/* Type.  ------------------------------------------------------------------ */

static const char *const protocols[] = {
    [PROTOCOL_ANY] = "any", [PROTOCOL_TCP] = "tcp", [PROTOCOL_UDP] = "udp",
    [PROTOCOL_SCTP] = "sctp", [PROTOCOL_ICMP] = "icmp",
    [PROTOCOL_ICMPV6] = "icmpv6", NULL,
};

const struct vmn_struct_class qos_filter_class = {
    .name = "filter", .size = sizeof(struct qos_filter),
    .fields = (const struct vmn_field_class[]) {
        { VMN_FIELD(qos_filter, protocol), .type = VMN_FIELD_ENUM,
          .values = protocols, .def = PROTOCOL_ANY, .doc = "Its protocol." },
        { VMN_FIELD(qos_filter, prefix), .type = VMN_FIELD_PREFIX,
          .doc = "Source or destination is in it." },
        { VMN_FIELD(qos_filter, ports), .type = VMN_FIELD_PORT_RANGE,
          .doc = "Source port or destination port is one of these." },
        { .name = NULL },
    },
};

static bool
has_ports(const struct qos_filter *filter)
{
    return filter->ports.last != 0;
}

static const char *
filter_fault(const struct qos_filter *filter, const char **field)
{
    uint8_t family = filter->prefix.ip.family;

    *field = "ports";
    if (has_ports(filter) && (filter->protocol < PROTOCOL_TCP
                              || filter->protocol > PROTOCOL_SCTP)) {
        return "are of protocol tcp, udp or sctp";
    }
    *field = "prefix";
    if (family == 6 && filter->protocol == PROTOCOL_ICMP) {
        return "is of IPv4, as the protocol is";
    } else if (family == 4 && filter->protocol == PROTOCOL_ICMPV6) {
        return "is of IPv6, as the protocol is";
    }
    return NULL;
}

void
qos_check_filters(const struct qos_policy *row, struct vmn_check *check)
{
    for (size_t i = 0; i < row->n_filters && i < FILTERS_MAX; i++) {
        char pointer[] = "/filters/0/protocol";
        const size_t digit = strlen("/filters/"), at = digit + 2;
        const char *field, *fault = filter_fault(&row->filters[i], &field);

        if (fault) {
            pointer[digit] = (char) ('0' + i);
            memcpy(pointer + at, field, strlen(field) + 1);
            vmn_check_fail(check, pointer, "%s", fault);
        }
    }
    if (row->n_filters && row->dscp != DSCP_KEPT) {
        vmn_check_fail(check, "/filters", "are of limits: a dscp is that of "
                       "all that a port sends");
    }
    if (row->n_filters && (row->pcp != PCP_KEPT || row->pcp_from_dscp)) {
        vmn_check_fail(check, "/filters", "are of limits: a pcp is that of "
                       "all that a port sends");
    }
    if (row->n_filters && (row->min_kbps || row->shared_min_kbps)) {
        vmn_check_fail(check, "/filters", "are of limits: a guaranteed rate "
                       "is that of all that ports send");
    }
}

/* Matches.  --------------------------------------------------------------- */

static const uint8_t numbers[N_PROTOCOLS] = {
    [PROTOCOL_TCP] = VMN_IP_PROTO_TCP, [PROTOCOL_UDP] = VMN_IP_PROTO_UDP,
    [PROTOCOL_SCTP] = VMN_IP_PROTO_SCTP, [PROTOCOL_ICMP] = VMN_IP_PROTO_ICMP,
    [PROTOCOL_ICMPV6] = VMN_IP_PROTO_ICMPV6,
};

/* What is matched of a filter: of one family, and of one end each. */
struct part {
    const struct qos_filter *filter;
    const struct qos_filtered *to;
    uint16_t priority;
    uint8_t family;
    bool has_prefix;
    enum vmn_field prefix_field;
};

/* Adds the flow of a part, for packets of 'ip_proto'; 0: of any. */
static struct vmn_flow *
add_part(const struct part *part, uint8_t ip_proto)
{
    struct vmn_flow *flow = part->to->add(part->priority, part->to->aux);

    vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(part->family));
    if (ip_proto) {
        vmn_match(flow, VMN_F_IP_PROTO, ip_proto);
    }
    if (part->has_prefix) {
        vmn_match_prefix(flow, part->prefix_field, &part->filter->prefix);
    }
    return flow;
}

/* Adds a flow for each mask of the filter's ports, of either end. */
static void
add_ports(const struct part *part)
{
    static const enum vmn_field fields[][2] = {
        [PROTOCOL_TCP] = { VMN_F_TCP_SRC, VMN_F_TCP_DST },
        [PROTOCOL_UDP] = { VMN_F_UDP_SRC, VMN_F_UDP_DST },
        [PROTOCOL_SCTP] = { VMN_F_SCTP_SRC, VMN_F_SCTP_DST },
    };
    const struct qos_filter *filter = part->filter;
    uint32_t first = filter->ports.first;

    while (first <= filter->ports.last) {
        uint32_t value = first;
        uint16_t mask = vmn_range_mask(&first, filter->ports.last);

        for (int end = 0; end < 2; end++) {
            vmn_match_masked(add_part(part, numbers[filter->protocol]),
                             fields[filter->protocol][end], value, mask);
        }
    }
}

/* Adds the flow for later fragments, if what matches the first ones does not
 * match these: they have no ports, and those of IPv6 no protocol either
 * (ovs-fields(7), "nw_proto").  So a guest that fragments what it sends does
 * not get around the limit; of IPv6, it is for fragments of other protocols,
 * too. */
static void
add_later_fragments(const struct part *part)
{
    uint8_t ip_proto = numbers[part->filter->protocol];

    if (ip_proto && part->family == 6) {
        add_part(part, VMN_IP_PROTO_FRAGMENT);
    } else if (has_ports(part->filter)) {
        vmn_match_masked(add_part(part, ip_proto), VMN_F_IP_FRAG,
                         VMN_FRAG_LATER, VMN_FRAG_LATER);
    }
}

/* Adds what a filter is of one family, if it is. */
static void
add_family(struct part *part, uint8_t family)
{
    const struct qos_filter *filter = part->filter;
    uint8_t only = (filter->protocol == PROTOCOL_ICMP ? 4
                    : filter->protocol == PROTOCOL_ICMPV6 ? 6
                    : filter->prefix.ip.family);

    if (only && only != family) {
        return;
    }
    part->family = family;
    part->has_prefix = filter->prefix.ip.family && filter->prefix.len;
    for (int end = 0; end < (part->has_prefix ? 2 : 1); end++) {
        part->prefix_field = (end ? vmn_field_ip_dst(family)
                              : vmn_field_ip_src(family));
        if (has_ports(filter)) {
            add_ports(part);
        } else {
            add_part(part, numbers[filter->protocol]);
        }
        add_later_fragments(part);
    }
}

/* Filters overlap, so each has a priority of its own. */
void
qos_add_filtered(const struct qos_policy *row, const struct qos_filtered *to)
{
    for (size_t i = 0; i < row->n_filters; i++) {
        struct part part = {
            .filter = &row->filters[i], .to = to,
            .priority = (uint16_t) (PRIORITY_LIMITED + i),
        };

        add_family(&part, 4);
        add_family(&part, 6);
    }
}
