/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of a packet that is looked up for a mirror: whether it is
 * copied, and where the copy goes.  The type is in mirror-type.c. */

#include "mirrors.h"

#include <string.h>

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

const char *
mirror_tunnel(const struct mirror *row)
{
    return (row->to_remote.family
            ? VMN_COPY_TUNNEL_TYPE(row->encap, row->to_remote.family) : NULL);
}

uint32_t
mirror_number(struct vmn_view *view, const struct mirror *row)
{
    uint32_t number = vmn_id_of(view, POOL_MIRROR, row->object.row.name);

    return number && row->to_remote.family ? number | MIRROR_REMOTE : number;
}

struct vmn_copy
mirror_copy(struct vmn_view *view, const struct mirror *row)
{
    return (struct vmn_copy) {
        .key = vmn_printf(view, "mirror/%s", row->object.row.name),
        .rate = (uint32_t) row->max_pps,
        .burst = (uint32_t) row->max_pps,
        .type = TYPE_MIRRORS,
        .name = row->object.row.name,
        .max_size = (uint16_t) row->max_size,
    };
}

/* Filters.  --------------------------------------------------------------- */

/* What the flows of a mirror have in common. */
struct copies {
    struct vmn_view *view;
    struct vmn_emit *emit;
    const struct mirror *row;
    uint32_t number;
    const char *hosts;          /* The relation of those that copy. */
    uint16_t priority;
};

/* Has what the flow matches copied, and counted. */
static void
act_copy(const struct copies *c, struct vmn_flow *flow)
{
    struct vmn_copy copy = { .to = VMN_COPY_TO_TABLE,
                             .stage = STAGE_INGRESS, .table = INGRESS_HAND };

    if (mirror_is_for_readers(c->row)) {
        copy = mirror_copy(c->view, c->row);
        copy.to = VMN_COPY_TO_READERS;
    }
    vmn_flow_count(flow);
    vmn_act_copy(vmn_flow_actions(flow), &copy);
}

/* Has a connection be one of so many, by a hash that is the same one on each
 * host; with the number in it mirrors choose differently, and with the bit
 * than who spreads connections over several guests, of whom one would else
 * have all that is copied. */
static void
act_sample(const struct copies *c, struct vmn_actions *actions)
{
    uint16_t basis = (uint16_t) (c->number | VMN_HASH_SAMPLE);

    vmn_act_set(actions, REG_SAMPLE, 0);
    vmn_act_hash_connection(actions, basis, REG_SAMPLE,
                            (uint32_t) c->row->sampling);
    vmn_act_goto(actions, STAGE_INGRESS, INGRESS_SAMPLE);
}

static struct vmn_flow *
add_flow_to(const struct copies *c, unsigned table, uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(
        c->emit, vmn_scope_relation(c->hosts, c->row->object.row.name),
        STAGE_INGRESS, table, priority);

    vmn_match(flow, REG_MIRROR, c->number);
    return flow;
}

static struct vmn_flow *
add_flow(const struct copies *c)
{
    struct vmn_flow *flow = add_flow_to(c, INGRESS_COPY, c->priority);

    if (c->row->sampling > 1) {
        act_sample(c, vmn_flow_actions(flow));
    } else {
        act_copy(c, flow);
    }
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

    if (!mirror_filter_has_ports(f)) {
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
    if (c->row->sampling > 1) {
        struct vmn_flow *flow = add_flow_to(c, INGRESS_SAMPLE,
                                            PRIORITY_FILTER);

        vmn_match(flow, REG_SAMPLE, 0);
        act_copy(c, flow);
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

/* Has the copy go to the port.  It is nobody's packet from here on: no policy
 * is asked, and no limit but the mirror's counts it. */
static void
act_hand(const struct copies *c, struct vmn_actions *actions)
{
    struct vmn_copy copy = mirror_copy(c->view, c->row);

    vmn_act_limit(actions, copy.key, copy.rate, copy.burst);
    vmn_act_set(actions, VMN_REG_NETWORK,
                vmn_id_of(c->view, VMN_ID_POOL_VNI,
                          vmn_printf(c->view, VMN_PORT_VNI_KEY,
                                     c->row->to_port)));
    vmn_act_set(actions, VMN_REG_DST_LOCAL, 0);
    vmn_act_set(actions, VMN_REG_OUT_PORT, 0);
    vmn_act_set(actions, VMN_REG_DST_HOST, 0);
    vmn_forget_tunnel(c->view, actions);
    vmn_act_next(actions);
}

static bool
is_other_family_used(const struct copies *c)
{
    const struct vmn_names families = vmn_relation_values(
        c->view, VMN_REL_TUNNEL_FAMILIES, "");
    const char *own = c->row->to_remote.family == 6 ? "6" : "4";

    for (size_t i = 0; i < families.n; i++) {
        if (strcmp(families.names[i], own)) {
            return true;
        }
    }
    return false;
}

static void
act_leave(const struct copies *c, struct vmn_actions *actions)
{
    struct vmn_copy copy = mirror_copy(c->view, c->row);
    struct vmn_copy_tunnel tunnel = {
        .encap = (enum vmn_copy_encap) c->row->encap,
        .remote = c->row->to_remote,
        .key = (uint32_t) c->row->key,
        .erspan_ver = (uint8_t) c->row->erspan_ver,
        .erspan_idx = (uint32_t) c->row->erspan_idx,
        .erspan_hwid = (uint8_t) c->row->erspan_hwid,
    };

    if (is_other_family_used(c)) {
        vmn_act_copy_to_tunnel(actions, &copy, &tunnel);
    } else {
        vmn_act_copy_to_same_family(actions, &copy, &tunnel);
    }
}

/* Emits the way of a copy, unless each host has one of its own
 * (host-interface.c), or it goes up. */
static void
emit_way(const struct copies *c)
{
    struct vmn_flow *flow;

    if (c->row->to_port || c->row->to_remote.family) {
        flow = add_flow_to(c, INGRESS_HAND, PRIORITY_FILTER);
        (c->row->to_port ? act_hand : act_leave)(c, vmn_flow_actions(flow));
    }
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
    mirror_publish_rules(c->view, c->emit, row);
}

/* Returns what a host lacks that does not copy. */
static const char *
lacks(const struct copies *c)
{
    return (c->row->to_interface
            ? vmn_printf(c->view, "no interface \"%s\" on the bridge that "
                         "copies can be given to: one that is attached and "
                         "has no iface-id; or mirrors name more than %d such "
                         "there", c->row->to_interface,
                         VMN_COPY_INTERFACES_MAX)
            : vmn_printf(c->view, "no tunnel of type %s for its copies yet, "
                         "or none to be had (then the host's reason says "
                         "why)", mirror_tunnel(c->row)));
}

/* Returns true if nothing is left of what it named: what was deleted with a
 * cascade has left the lists. */
static bool
names_nothing(const struct mirror *row)
{
    return (!row->n_ports && !row->n_groups && !row->n_networks
            && !row->selector.text && !row->n_policies);
}

/* Returns false if it is of nothing but rules, and has copies of none. */
static bool
has_source(const struct copies *c)
{
    const struct mirror *row = c->row;

    return (row->n_ports || row->n_groups || row->n_networks
            || row->selector.text || mirror_copies_rules(c->view, row));
}

/* Returns true if its `to_port` is all that it is to copy: of that it copies
 * nothing.  A group, network or selector of it alone may have others later,
 * and is no mistake. */
static bool
is_of_itself(const struct mirror *row)
{
    return (row->to_port && row->n_ports == 1 && !row->n_groups
            && !row->n_networks && !row->n_policies && !row->selector.text
            && !strcmp(row->ports[0], row->to_port));
}

/* Says whether it copies, and which hosts lack what that takes, or else which
 * rule there is none of.  Where no port of it is there is none to be had, and
 * nothing wrong with it. */
static void
publish_status(const struct copies *c)
{
    const char *name = c->row->object.row.name;
    size_t n = vmn_relation_values(c->view, REL_SENDERS, name).n;
    struct vmn_names hosts = vmn_relation_values(c->view, REL_WAITING, name);
    const char *others = (hosts.n > 1
                          ? vmn_printf(c->view, " and %u more",
                                       (unsigned) hosts.n - 1) : "");
    const char *fault = mirror_rule_fault(c->view, c->row);

    vmn_publish(c->emit, REL_ACTIVE, name,
                (hosts.n && !n) || !has_source(c) ? "false" : "true");
    if (hosts.n) {
        vmn_publish(c->emit, REL_PROBLEM, name,
                    vmn_printf(c->view, "host %s%s: %s", hosts.names[0],
                               others, lacks(c)));
    } else if (fault || names_nothing(c->row)) {
        vmn_publish(c->emit, REL_PROBLEM, name, fault ? fault
                    : "what it was to copy was deleted: it names nothing any "
                      "more");
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
    fault = (row->to_port ? destination_fault(view, row->to_port)
             : remote_fault(view, &row->to_remote));
    fault = (is_of_itself(row) ? "its only port is its to_port, of which it "
             "copies nothing" : fault);
    if (fault) {
        vmn_publish(emit, REL_ACTIVE, key, "false");
        vmn_publish(emit, REL_PROBLEM, key, fault);
        return;
    }
    if (row->to_remote.family) {
        vmn_publish(emit, REL_REMOTES, vmn_ip_text(view, &row->to_remote),
                    key);
    }
    c.number = mirror_number(view, row);
    c.hosts = (row->to_interface || row->to_remote.family ? REL_SENDERS
               : REL_HOSTS);
    emit_copies(&c);
    mirror_emit_rules(view, emit, row, c.number, c.hosts);
    emit_way(&c);
    publish_status(&c);
}
