/* SPDX-License-Identifier: Apache-2.0
 *
 * The type of the mirrors app, and what becomes of a packet that is looked up
 * for a mirror: whether it is copied, and where the copy goes. */

#include "mirrors.h"

#include <string.h>

/* Type.  ------------------------------------------------------------------ */

static const char *const directions[] = {
    [DIRECTION_BOTH] = "both", [DIRECTION_EGRESS] = "egress",
    [DIRECTION_INGRESS] = "ingress", NULL,
};

static const char *const protocols[] = {
    [PROTOCOL_ANY] = "any", [PROTOCOL_TCP] = "tcp", [PROTOCOL_UDP] = "udp",
    [PROTOCOL_SCTP] = "sctp", [PROTOCOL_ICMP] = "icmp",
    [PROTOCOL_ICMPV6] = "icmpv6", [PROTOCOL_ARP] = "arp", NULL,
};

static bool
has_ports(const struct mirror_filter *filter)
{
    return filter->ports.last != 0;
}

static const char *
filter_fault(const struct mirror_filter *filter, const char **field)
{
    uint8_t family = filter->prefix.ip.family;

    *field = "ports";
    if (has_ports(filter) && (filter->protocol < PROTOCOL_TCP
                              || filter->protocol > PROTOCOL_SCTP)) {
        return "are of protocol tcp, udp or sctp";
    }
    *field = "prefix";
    if (family == 6 && (filter->protocol == PROTOCOL_ICMP
                        || filter->protocol == PROTOCOL_ARP)) {
        return "is of IPv4, as the protocol is";
    } else if (family == 4 && filter->protocol == PROTOCOL_ICMPV6) {
        return "is of IPv6, as the protocol is";
    }
    return NULL;
}

static void
check_filters(const struct mirror *row, struct vmn_check *check)
{
    for (size_t i = 0; i < row->n_filters; i++) {
        char pointer[] = "/filters/00/protocol";
        const char *field, *fault = filter_fault(&row->filters[i], &field);
        size_t len = strlen("/filters/");

        if (fault) {
            if (i >= 10) {
                pointer[len++] = (char) ('0' + i / 10);
            }
            pointer[len++] = (char) ('0' + i % 10);
            pointer[len++] = '/';
            memcpy(pointer + len, field, strlen(field) + 1);
            vmn_check_fail(check, pointer, "%s", fault);
        }
    }
}

static void
check_mirror(const void *row_, struct vmn_check *check)
{
    const struct mirror *row = (const struct mirror *) row_;
    int64_t seconds;

    if (!row->n_ports && !row->n_groups && !row->selector.text
        && !row->n_networks) {
        vmn_check_fail(check, "", "a mirror needs ports, groups, a selector "
                       "or networks");
    } else if (row->network && !row->n_groups && !row->selector.text) {
        vmn_check_fail(check, "/network", "is of what groups and selector "
                       "say, which the mirror lacks; all of a network are "
                       "networks");
    }
    if (!row->to_port && row->max_pps > VMN_COPY_RATE_MAX) {
        vmn_check_fail(check, "/max_pps", "is at most %d without a to_port",
                       VMN_COPY_RATE_MAX);
    }
    if (row->to_port && row->max_size != MAX_SIZE_DEFAULT) {
        vmn_check_fail(check, "/max_size", "is of packets that are read by "
                       "the API: a to_port gets them whole");
    }
    if (row->until && !vmn_time_from_text(row->until, &seconds)) {
        vmn_check_fail(check, "/until", "is no time such as "
                       "2027-01-31T12:00:00Z");
    }
    check_filters(row, check);
}

static const struct vmn_struct_class filter = {
    .name = "filter", .size = sizeof(struct mirror_filter),
    .fields = (const struct vmn_field_class[]) {
        { VMN_FIELD(mirror_filter, protocol), .type = VMN_FIELD_ENUM,
          .values = protocols, .def = PROTOCOL_ANY, .doc = "Its protocol." },
        { VMN_FIELD(mirror_filter, prefix), .type = VMN_FIELD_PREFIX,
          .doc = "Source or destination is in it; of ARP, sender or target." },
        { VMN_FIELD(mirror_filter, ports), .type = VMN_FIELD_PORT_RANGE,
          .doc = "Source port or destination port is one of these." },
        { .name = NULL },
    },
};

static const struct vmn_struct_class mirror = {
    .name = "mirror", .size = sizeof(struct mirror),
    .fields = (const struct vmn_field_class[]) {
        { VMN_LIST_FIELD(mirror, ports), .type = VMN_FIELD_REF,
          .ref = "ports", .flags = VMN_FIELD_SET,
          .doc = "Ports whose packets are copied." },
        { VMN_LIST_FIELD(mirror, groups), .type = VMN_FIELD_REF,
          .ref = "groups", .flags = VMN_FIELD_SET,
          .doc = "The same of these groups." },
        { VMN_FIELD(mirror, selector), .type = VMN_FIELD_SELECTOR,
          .doc = "The same with such labels." },
        { VMN_FIELD(mirror, network), .type = VMN_FIELD_REF,
          .ref = "networks", .flags = VMN_FIELD_MENTIONS,
          .doc = "Of `groups` and `selector`, ports of this network alone." },
        { VMN_LIST_FIELD(mirror, networks), .type = VMN_FIELD_REF,
          .ref = "networks",
          .flags = VMN_FIELD_SET | VMN_FIELD_ADMINISTRATORS,
          .doc = "All ports of these networks, whosever they are." },
        { VMN_FIELD(mirror, direction), .type = VMN_FIELD_ENUM,
          .values = directions, .def = DIRECTION_BOTH,
          .doc = "egress: what the VM sends; ingress: what it gets." },
        { VMN_LIST_FIELD(mirror, filters), .type = VMN_FIELD_STRUCT,
          .flags = VMN_FIELD_LIST, .nested = &filter,
          .max_items = FILTERS_MAX,
          .doc = "Which packets: those that one of these matches; none: "
                 "all." },
        { VMN_FIELD(mirror, to_port), .type = VMN_FIELD_REF, .ref = "ports",
          .flags = VMN_FIELD_ADMINISTRATORS,
          .doc = "The port that gets the copies, on whichever host it is; "
                 "without it they are for `GET /v1/packets`." },
        { VMN_FIELD(mirror, max_pps), .type = VMN_FIELD_INT, .min = 1,
          .max = VMN_LIMIT_MAX, .def = MAX_PPS_DEFAULT,
          .doc = "Copies a second, at most, from each host; what is more is "
                 "not copied.  Without `to_port` at most 2,000." },
        { VMN_FIELD(mirror, max_size), .type = VMN_FIELD_INT,
          .min = VMN_COPY_SIZE_MIN, .max = MAX_SIZE_DEFAULT,
          .def = MAX_SIZE_DEFAULT,
          .doc = "Without `to_port`: of a longer packet its first bytes, so "
                 "many." },
        { VMN_FIELD(mirror, until), .type = VMN_FIELD_TEXT, .min = 0,
          .max = 20,
          .doc = "When it ends, `2027-01-31T12:00:00Z`: then it is deleted; "
                 "absent: never." },
        { .name = NULL },
    },
};

static const struct vmn_field_class status[] = {
    { .name = "active", .type = VMN_FIELD_BOOL, .relation = REL_ACTIVE,
      .doc = "Whether it copies: its time is not over, and its `to_port` can "
             "be given copies." },
    { .name = "problem", .type = VMN_FIELD_TEXT, .relation = REL_PROBLEM,
      .doc = "Why it copies nothing." },
    { .name = "hosts", .type = VMN_FIELD_TEXT, .flags = VMN_FIELD_LIST,
      .relation = REL_HOSTS, .doc = "Where its ports are." },
    { .name = "ports", .type = VMN_FIELD_TEXT, .flags = VMN_FIELD_LIST,
      .relation = REL_PORTS, .doc = "The ports that are copied." },
    { .name = NULL },
};

const struct vmn_type_class mirrors_types[] = {
    { .name = TYPE_NAME, .singular = "mirror",
      .doc = "Copies of what ports send and get, to a port or to who reads "
             "them.",
      .row = &mirror, .check = check_mirror, .max_objects = 1000,
      .status = status },
    { .name = NULL },
};

/* Reading.  --------------------------------------------------------------- */

static bool
is_over(struct vmn_view *view, const struct mirror *row)
{
    int64_t seconds;

    return (row->until && vmn_time_from_text(row->until, &seconds)
            && vmn_is_past(view, seconds));
}

const struct mirror *
read_mirror(struct vmn_view *view, const char *name)
{
    const struct mirror *row
        = (const struct mirror *) vmn_read(view, ROW_MIRROR, name);

    return row && !is_over(view, row) ? row : NULL;
}

bool
mirror_is_operators(struct vmn_view *view, const struct mirror *row)
{
    const struct vmn_labels *labels = vmn_labels_of(view, &row->object.row);

    for (size_t i = 0; i < labels->n; i++) {
        if (!strncmp(labels->labels[i].key, ADMIN_PREFIX,
                     strlen(ADMIN_PREFIX))) {
            return true;
        }
    }
    return false;
}

uint32_t
mirror_number(struct vmn_view *view, const char *name)
{
    return vmn_id_of(view, POOL_MIRROR, name);
}

/* Filters.  --------------------------------------------------------------- */

/* What the flows of a mirror have in common. */
struct copies {
    struct vmn_view *view;
    struct vmn_emit *emit;
    const struct mirror *row;
    uint32_t number;
    struct vmn_copy copy;
    uint16_t priority;
};

static struct vmn_flow *
add_flow(const struct copies *c)
{
    struct vmn_flow *flow = vmn_flow_add(
        c->emit, vmn_scope_relation(REL_HOSTS, c->row->object.row.name),
        STAGE_INGRESS, INGRESS_COPY, c->priority);

    vmn_match(flow, REG_MIRROR, c->number);
    vmn_flow_count(flow);
    vmn_act_copy(vmn_flow_actions(flow), &c->copy);
    return flow;
}

/* A filter as OpenFlow has it, of one family, protocol and end. */
struct filter_match {
    uint16_t eth_type;          /* 0: any. */
    uint8_t ip_proto;           /* 0: any. */
    const struct vmn_prefix *prefix; /* Or NULL. */
    enum vmn_field prefix_field;
};

static struct vmn_flow *
add_match(const struct copies *c, const struct filter_match *m)
{
    struct vmn_flow *flow = add_flow(c);

    if (m->eth_type) {
        vmn_match(flow, VMN_F_ETH_TYPE, m->eth_type);
    }
    if (m->ip_proto) {
        vmn_match(flow, VMN_F_IP_PROTO, m->ip_proto);
    }
    if (m->prefix) {
        vmn_match_prefix(flow, m->prefix_field, m->prefix);
    }
    return flow;
}

/* Emits a match for each mask of the ports, of either end. */
static void
emit_ports(const struct copies *c, const struct filter_match *m,
           const struct mirror_filter *f)
{
    static const enum vmn_field fields[][2] = {
        [PROTOCOL_TCP] = { VMN_F_TCP_SRC, VMN_F_TCP_DST },
        [PROTOCOL_UDP] = { VMN_F_UDP_SRC, VMN_F_UDP_DST },
        [PROTOCOL_SCTP] = { VMN_F_SCTP_SRC, VMN_F_SCTP_DST },
    };
    uint32_t first = f->ports.first;

    if (!has_ports(f)) {
        add_match(c, m);
        return;
    }
    while (first <= f->ports.last) {
        uint32_t value = first;
        uint16_t mask = vmn_range_mask(&first, f->ports.last);

        for (int end = 0; end < 2; end++) {
            vmn_match_masked(add_match(c, m), fields[f->protocol][end], value,
                             mask);
        }
    }
}

/* Emits the matches of either address. */
static void
emit_prefix(const struct copies *c, struct filter_match *m,
            const struct mirror_filter *f)
{
    const enum vmn_field fields[] = {
        m->eth_type == VMN_ETH_ARP ? VMN_F_ARP_SPA
        : m->eth_type == VMN_ETH_IPV6 ? VMN_F_IPV6_SRC : VMN_F_IPV4_SRC,
        m->eth_type == VMN_ETH_ARP ? VMN_F_ARP_TPA
        : m->eth_type == VMN_ETH_IPV6 ? VMN_F_IPV6_DST : VMN_F_IPV4_DST,
    };

    m->prefix = NULL;
    if (!f->prefix.ip.family || !f->prefix.len) {
        emit_ports(c, m, f);    /* All of the family. */
        return;
    }
    m->prefix = &f->prefix;
    for (int end = 0; end < 2; end++) {
        m->prefix_field = fields[end];
        emit_ports(c, m, f);
    }
}

/* Returns true if packets of that Ethernet type may match the filter. */
static bool
may_be(const struct mirror_filter *f, uint16_t eth_type)
{
    uint8_t family = f->prefix.ip.family;

    switch (eth_type) {
    case VMN_ETH_ARP:
        return (family != 6 && (f->protocol == PROTOCOL_ARP
                                || f->protocol == PROTOCOL_ANY));
    case VMN_ETH_IPV6:
        return (family != 4 && f->protocol != PROTOCOL_ARP
                && f->protocol != PROTOCOL_ICMP);
    default:
        return (family != 6 && f->protocol != PROTOCOL_ARP
                && f->protocol != PROTOCOL_ICMPV6);
    }
}

static void
emit_filter(const struct copies *c, const struct mirror_filter *f)
{
    static const uint16_t eth_types[] = { VMN_ETH_IPV4, VMN_ETH_IPV6,
                                          VMN_ETH_ARP };
    static const uint8_t ip_protos[] = {
        [PROTOCOL_TCP] = VMN_IP_PROTO_TCP, [PROTOCOL_UDP] = VMN_IP_PROTO_UDP,
        [PROTOCOL_SCTP] = VMN_IP_PROTO_SCTP,
        [PROTOCOL_ICMP] = VMN_IP_PROTO_ICMP,
        [PROTOCOL_ICMPV6] = VMN_IP_PROTO_ICMPV6, [PROTOCOL_ARP] = 0,
    };

    if (f->protocol == PROTOCOL_ANY && !f->prefix.ip.family) {
        add_flow(c);
        return;
    }
    for (size_t i = 0; i < sizeof eth_types / sizeof eth_types[0]; i++) {
        struct filter_match m = { .eth_type = eth_types[i],
                                  .ip_proto = ip_protos[f->protocol] };

        if (may_be(f, eth_types[i])) {
            emit_prefix(c, &m, f);
        }
    }
}

/* Of packets that several filters match, the first one's flow copies it: they
 * have priorities of their own. */
static void
emit_copies(struct copies *c)
{
    static const struct mirror_filter any = { .protocol = PROTOCOL_ANY };

    for (size_t i = 0; i < c->row->n_filters; i++) {
        c->priority = (uint16_t) (PRIORITY_FILTER + FILTERS_MAX - i);
        emit_filter(c, &c->row->filters[i]);
    }
    if (!c->row->n_filters) {
        c->priority = PRIORITY_FILTER;
        emit_filter(c, &any);
    }
}

/* Mirrors.  --------------------------------------------------------------- */

/* Returns why port 'name' cannot be given copies, or NULL. */
static const char *
destination_fault(struct vmn_view *view, const char *name)
{
    const struct vmn_port *port = vmn_read_port(view, name);
    const struct vmn_network *network
        = port ? vmn_read_network(view, port->network) : NULL;

    return (!network ? "to_port is not there"
            : !port->enabled ? "to_port is not enabled"
            : port->external || network->provider.physical
            ? "to_port is in a provider network"
            : port->unknown ? "to_port has unknown guests"
            : vmn_is_quarantined(view, port) ? "to_port is quarantined"
            /* It would send on what it gets, as of whom that says it is: to
             * who has it already, and who is perhaps mirrored himself. */
            : vmn_relation_values(view, VMN_REL_FUNCTION_PORTS, name).n
            ? "to_port is of a service function"
            : !vmn_host_of_port(view, name) ? "to_port is on no host" : NULL);
}

/* Emits the way of a copy to the port.  It is nobody's packet from here on: no
 * policy is asked, and no limit counts it. */
static void
emit_hand(const struct copies *c)
{
    struct vmn_flow *flow = vmn_flow_add(
        c->emit, vmn_scope_relation(REL_HOSTS, c->row->object.row.name),
        STAGE_INGRESS, INGRESS_HAND, PRIORITY_FILTER);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match(flow, REG_MIRROR, c->number);
    vmn_act_set(actions, VMN_REG_NETWORK,
                vmn_id_of(c->view, VMN_ID_POOL_VNI,
                          vmn_printf(c->view, VMN_PORT_VNI_KEY,
                                     c->row->to_port)));
    vmn_act_set(actions, VMN_REG_DST_LOCAL, 0);
    vmn_act_set(actions, VMN_REG_OUT_PORT, 0);
    vmn_act_set(actions, VMN_REG_DST_HOST, 0);
    /* It may leave by the tunnel port by which the packet came. */
    vmn_act_clear_in_port(actions);
    vmn_act_next(actions);
}

static void
publish_sources(const struct copies *c)
{
    const struct mirror *row = c->row;
    const char *name = row->object.row.name;

    for (size_t i = 0; i < row->n_ports; i++) {
        vmn_publish(c->emit, REL_SOURCES,
                    vmn_printf(c->view, "port %s", row->ports[i]), name);
    }
    for (size_t i = 0; i < row->n_groups; i++) {
        vmn_publish(c->emit, REL_SOURCES,
                    vmn_printf(c->view, "group %s", row->groups[i]), name);
    }
    if (row->selector.text) {
        const char *label = vmn_selector_label(c->view, &row->selector);

        vmn_publish(c->emit, REL_SOURCES,
                    label ? vmn_printf(c->view, "label %s", label) : "any",
                    name);
    }
    for (size_t i = 0; i < row->n_networks; i++) {
        vmn_publish(c->emit, REL_SOURCES,
                    vmn_printf(c->view, "network %s", row->networks[i]),
                    name);
    }
}

void
compile_mirror(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct mirror *row
        = (const struct mirror *) vmn_read(view, ROW_MIRROR, key);
    struct copies c = { .view = view, .emit = emit, .row = row };
    const char *fault;

    if (!row) {
        return;
    }
    if (is_over(view, row)) {
        vmn_publish(emit, REL_ACTIVE, key, "false");
        vmn_publish(emit, REL_PROBLEM, key, "its time is over");
        vmn_publish(emit, VMN_REL_ENDED("mirrors"), TYPE_NAME, key);
        return;
    }
    publish_sources(&c);
    fault = row->to_port ? destination_fault(view, row->to_port) : NULL;
    vmn_publish(emit, REL_ACTIVE, key, fault ? "false" : "true");
    if (fault) {
        vmn_publish(emit, REL_PROBLEM, key, fault);
        return;
    }
    c.number = mirror_number(view, key);
    c.copy = (struct vmn_copy) {
        .key = vmn_printf(view, "mirror/%s", key),
        .rate = (uint32_t) row->max_pps,
        .burst = (uint32_t) row->max_pps,
        .to = row->to_port ? VMN_COPY_TO_TABLE : VMN_COPY_TO_READERS,
        .stage = STAGE_INGRESS,
        .table = INGRESS_HAND,
        .type = TYPE_MIRRORS,
        .name = key,
        .max_size = (uint16_t) row->max_size,
    };
    emit_copies(&c);
    if (row->to_port) {
        emit_hand(&c);
    }
}
