/* SPDX-License-Identifier: Apache-2.0
 *
 * The type of the qos app, what is checked of its objects, and which ports
 * these are for.  Not for the flows that follow from them (qos.c). */

#include "qos.h"

#include <string.h>

/* Type.  ------------------------------------------------------------------ */

/* Checks a limit, by the pointers to itself and to its bursts. */
static void
check_limit(const struct qos_limit *limit, const char *const pointers[3],
            struct vmn_check *check)
{
    if (!limit->max_kbps && !limit->max_pps && !limit->burst_kb
        && !limit->burst_packets) {
        /* A burst without its rate is reported by itself. */
        vmn_check_fail(check, pointers[2], "needs max_kbps or max_pps: it "
                       "limits nothing");
    }
    if (limit->burst_kb && !limit->max_kbps) {
        vmn_check_fail(check, pointers[0], "is of max_kbps, which the limit "
                       "lacks");
    } else if (limit->burst_kb && limit->burst_kb < BURST_KB_LEAST) {
        vmn_check_fail(check, pointers[0], "is at least %d, or no large frame "
                       "gets through", BURST_KB_LEAST);
    }
    if (limit->burst_packets && !limit->max_pps) {
        vmn_check_fail(check, pointers[1], "is of max_pps, which the limit "
                       "lacks");
    }
}

/* Checks a guaranteed rate, also against the limit beside it. */
static void
check_min(int min_kbps, const struct qos_limit *limits, size_t n,
          const char *pointer, struct vmn_check *check)
{
    if (min_kbps && min_kbps < MIN_KBPS_LEAST) {
        vmn_check_fail(check, pointer, "must be 0, or at least %d",
                       MIN_KBPS_LEAST);
    }
    for (size_t i = 0; i < n; i++) {
        if (limits[i].direction == DIRECTION_EGRESS && limits[i].max_kbps
            && min_kbps > limits[i].max_kbps) {
            vmn_check_fail(check, pointer, "is more than max_kbps, %d",
                           limits[i].max_kbps);
        }
    }
}

static void
check_limits(const struct qos_policy *row, struct vmn_check *check)
{
    static const char *const own[N_DIRECTIONS][3] = {
        { "/limits/0/burst_kb", "/limits/0/burst_packets", "/limits/0" },
        { "/limits/1/burst_kb", "/limits/1/burst_packets", "/limits/1" },
    };
    static const char *const shared[N_DIRECTIONS][3] = {
        { "/shared_limits/0/burst_kb", "/shared_limits/0/burst_packets",
          "/shared_limits/0" },
        { "/shared_limits/1/burst_kb", "/shared_limits/1/burst_packets",
          "/shared_limits/1" },
    };

    for (size_t i = 0; i < row->n_limits && i < N_DIRECTIONS; i++) {
        check_limit(&row->limits[i], own[i], check);
    }
    for (size_t i = 0; i < row->n_shared_limits && i < N_DIRECTIONS; i++) {
        check_limit(&row->shared_limits[i], shared[i], check);
    }
    check_min(row->min_kbps, row->limits, row->n_limits, "/min_kbps", check);
    check_min(row->shared_min_kbps, row->shared_limits, row->n_shared_limits,
              "/shared_min_kbps", check);
}

/* Returns true if the policy says which priority VLAN tags have. */
static bool
tags(const struct qos_policy *row)
{
    return row->pcp != PCP_KEPT || row->pcp_from_dscp;
}

static void
check_policy(const void *row_, struct vmn_check *check)
{
    const struct qos_policy *row = (const struct qos_policy *) row_;
    bool has_other = (row->n_groups || row->network || row->selector.text
                      || row->n_hosts);

    if (row->n_policies) {
        qos_check_rules(row, check);
    } else if (row->n_ports && has_other) {
        vmn_check_fail(check, "/ports", "a policy has either ports, or "
                       "groups, a network, a selector and hosts");
    } else if (!row->n_ports && !has_other) {
        vmn_check_fail(check, "", "a policy needs ports, or one of groups, "
                       "network, selector and hosts, or policies");
    }
    if (!row->n_limits && !row->n_shared_limits && !row->min_kbps
        && !row->shared_min_kbps && row->dscp == DSCP_KEPT && !tags(row)) {
        vmn_check_fail(check, "", "a policy needs limits, shared_limits, "
                       "min_kbps, shared_min_kbps, a dscp, a pcp or "
                       "pcp_from_dscp");
    }
    if (row->pcp != PCP_KEPT && row->pcp_from_dscp) {
        vmn_check_fail(check, "/pcp_from_dscp", "is in place of a pcp, which "
                       "the policy has");
    }
    qos_check_filters(row, check);
    check_limits(row, check);
}

static const char *const directions[] = {
    [DIRECTION_EGRESS] = "egress", [DIRECTION_INGRESS] = "ingress", NULL,
};

static const struct vmn_struct_class limit = {
    .name = "limit", .size = sizeof(struct qos_limit),
    .fields = (const struct vmn_field_class[]) {
        { VMN_FIELD(qos_limit, direction), .type = VMN_FIELD_ENUM,
          .values = directions, .flags = VMN_FIELD_REQUIRED | VMN_FIELD_KEY,
          .doc = "egress: what the VM sends; ingress: what it gets." },
        { VMN_FIELD(qos_limit, max_kbps), .type = VMN_FIELD_INT, .min = 0,
          .max = VMN_LIMIT_KBPS_MAX,
          .doc = "Kilobits a second, of whole Ethernet frames; 0: any." },
        { VMN_FIELD(qos_limit, burst_kb), .type = VMN_FIELD_INT, .min = 0,
          .max = VMN_LIMIT_KBPS_MAX,
          .doc = "Kilobits that may come at once, after a rest; 0: those of "
                 "500 ms, and at least 640." },
        { VMN_FIELD(qos_limit, max_pps), .type = VMN_FIELD_INT, .min = 0,
          .max = VMN_LIMIT_MAX,
          .doc = "Packets a second; 0: any." },
        { VMN_FIELD(qos_limit, burst_packets), .type = VMN_FIELD_INT,
          .min = 0, .max = VMN_LIMIT_MAX,
          .doc = "Packets that may come at once, after a rest; 0: those of "
                 "500 ms, and at least 32." },
        { .name = NULL },
    },
};

static const struct vmn_struct_class policy = {
    .name = "policy", .size = sizeof(struct qos_policy),
    .fields = (const struct vmn_field_class[]) {
        { VMN_LIST_FIELD(qos_policy, ports), .type = VMN_FIELD_REF,
          .ref = "ports", .min = 1, .flags = VMN_FIELD_SET,
          .doc = "The ports that it is for, each by itself." },
        /* The first three are columns of vmnctl's table. */
        { VMN_FIELD(qos_policy, selector), .type = VMN_FIELD_SELECTOR,
          .doc = "In place of `ports`: those with such labels; with "
                 "`network`, of these." },
        { VMN_FIELD(qos_policy, network), .type = VMN_FIELD_REF,
          .ref = "networks", .flags = VMN_FIELD_ADMINISTRATORS,
          .doc = "In place of `ports`: those of this network, whosever they "
                 "are." },
        { VMN_LIST_FIELD(qos_policy, groups), .type = VMN_FIELD_REF,
          .ref = "groups", .min = 1, .flags = VMN_FIELD_SET,
          .doc = "In place of `ports`: those in one of these groups, or in "
                 "groups that are in them; with others of these fields, of "
                 "these." },
        { VMN_LIST_FIELD(qos_policy, hosts), .type = VMN_FIELD_REF,
          .ref = "hosts", .min = 1,
          .flags = VMN_FIELD_SET | VMN_FIELD_ADMINISTRATORS,
          .doc = "In place of `ports`: those that are on these hosts; with "
                 "`network` or `selector`, of these." },
        { VMN_LIST_FIELD(qos_policy, policies), .type = VMN_FIELD_STRUCT,
          .flags = VMN_FIELD_SET, .nested = &qos_rules_class, .min = 1,
          .max_items = RULE_POLICIES_MAX,
          .doc = "In place of `ports`, and of the others: what rules of these "
                 "policies let through, or pass on, on each host together "
                 "(`shared_limits`); of the ports that they apply to." },
        { VMN_FIELD(qos_policy, priority), .type = VMN_FIELD_INT, .min = 0,
          .max = PRIORITY_MAX, .def = PRIORITY_DEFAULT,
          .doc = "Of several policies of a port that say a `dscp`, the one "
                 "with the least counts, and one with `hosts` before all "
                 "others; of equal ones the first by name.  So it is of those "
                 "that say a `pcp`." },
        { VMN_LIST_FIELD(qos_policy, filters), .type = VMN_FIELD_STRUCT,
          .flags = VMN_FIELD_LIST, .nested = &qos_filter_class,
          .max_items = FILTERS_MAX,
          .doc = "Which packets its limits are for: those that one of these "
                 "matches; none: all." },
        { VMN_LIST_FIELD(qos_policy, limits), .type = VMN_FIELD_STRUCT,
          .flags = VMN_FIELD_SET, .nested = &limit,
          .max_items = N_DIRECTIONS,
          .doc = "How much each of its ports may send and get; what is more "
                 "is dropped, at the port's own host.  Of several policies of "
                 "a port without `filters` the least counts; those with "
                 "`filters` all hold." },
        { VMN_LIST_FIELD(qos_policy, shared_limits),
          .type = VMN_FIELD_STRUCT, .flags = VMN_FIELD_SET, .nested = &limit,
          .max_items = N_DIRECTIONS,
          .doc = "How much all of its ports on a host may send and get "
                 "together, on each host by itself.  Those of several "
                 "policies all hold, behind `limits`: those of `ports` first, "
                 "and last those of nothing but `hosts`." },
        { VMN_FIELD(qos_policy, dscp), .type = VMN_FIELD_INT,
          .min = DSCP_KEPT, .max = 63, .def = DSCP_KEPT,
          .doc = "DSCP that what its ports send gets (RFC 2474); -1: what "
                 "the VM has given it." },
        { VMN_FIELD(qos_policy, pcp), .type = VMN_FIELD_INT,
          .min = PCP_KEPT, .max = PCP_MAX, .def = PCP_KEPT,
          .flags = VMN_FIELD_ADMINISTRATORS,
          .doc = "Priority of the VLAN tag with which IP that its ports send "
                 "leaves their host by a provider network (PCP, IEEE 802.1Q); "
                 "-1: none is said, and tags have 0.  Of several policies of "
                 "a port one counts, as of `dscp`." },
        { VMN_FIELD(qos_policy, pcp_from_dscp), .type = VMN_FIELD_BOOL,
          .flags = VMN_FIELD_ADMINISTRATORS,
          .doc = "In place of `pcp`: the upper three bits of the DSCP, as the "
                 "VM or a policy has set it (class selectors, RFC 2474)." },
        { VMN_FIELD(qos_policy, min_kbps), .type = VMN_FIELD_INT,
          .min = 0, .max = VMN_LIMIT_KBPS_MAX,
          .flags = VMN_FIELD_ADMINISTRATORS,
          .doc = "Guaranteed to each of its ports: kilobits a second that it "
                 "may send by any `qos-uplinks` of its host, 100 at least; "
                 "0: none.  Of several policies of a port the largest "
                 "counts." },
        { VMN_FIELD(qos_policy, shared_min_kbps), .type = VMN_FIELD_INT,
          .min = 0, .max = VMN_LIMIT_KBPS_MAX,
          .flags = VMN_FIELD_ADMINISTRATORS,
          .doc = "Guaranteed to all of its ports on a host together, on each "
                 "host by itself, but for those with a `min_kbps`; 100 at "
                 "least, 0: none.  Of several policies of a port that with "
                 "`ports` counts, then one with a network or labels, then the "
                 "first by name." },
        { .name = NULL },
    },
};

static const struct vmn_field_class status[] = {
    { .name = "hosts", .type = VMN_FIELD_TEXT, .flags = VMN_FIELD_LIST,
      .relation = REL_HOSTS,
      .doc = "Hosts with ports of it, if it has `shared_limits`, which each "
             "of these hosts allows, or `filters`; with `policies`, hosts on "
             "which rules of these may decide." },
    { .name = "unlimited", .type = VMN_FIELD_TEXT, .flags = VMN_FIELD_LIST,
      .relation = REL_UNLIMITED,
      .doc = "Of its `policies`, what it does not limit, and why; and what "
             "lets nothing through any more, as too many limit it: rules, "
             "and hosts with such ports.  Hosts with no meter left are among "
             "the problems of apps, at unit firewall.rule-limit." },
    { .name = "unguaranteed", .type = VMN_FIELD_TEXT, .flags = VMN_FIELD_LIST,
      .relation = REL_UNGUARANTEED,
      .doc = "Hosts with ports of it that have no queue for its `min_kbps` "
             "or `shared_min_kbps`, or not for all, or whose uplink "
             "guarantees nothing, and why." },
    { .name = "untagged", .type = VMN_FIELD_TEXT, .flags = VMN_FIELD_LIST,
      .relation = REL_UNTAGGED,
      .doc = "Networks of its ports without a VLAN tag that could have its "
             "`pcp`, and why." },
    { .name = NULL },
};

const struct vmn_type_class qos_types[] = {
    { .name = "qos-policies", .singular = "qos-policy",
      .doc = "How much ports may send and get, and the DSCP and VLAN priority "
             "of what they send.",
      .row = &policy, .check = check_policy, .status = status },
    { .name = "qos-uplinks", .singular = "qos-uplink",
      .doc = "An interface by which packets leave hosts, on which rates are "
             "guaranteed.",
      .row = &qos_uplink_class, .check = qos_check_uplink,
      .status = qos_uplink_status },
    { .name = NULL },
};

/* Whom a policy is for.  -------------------------------------------------- */

/* Publishes that policy 'key' is for the ports of a group, and of all that are
 * in it. */
static void
publish_group(struct vmn_view *view, const char *group, const char *key,
              struct vmn_emit *emit)
{
    size_t size;
    const char *p = (const char *) vmn_query(view, VMN_QUERY_NESTED_GROUPS,
                                             group, &size);

    for (const char *end = p + size; p && p < end; p += strlen(p) + 1) {
        vmn_publish(emit, REL_POLICIES, vmn_printf(view, "group %s", p), key);
    }
    vmn_publish(emit, REL_BY_GROUP, "", "");
}

void
qos_publish_policy(struct vmn_view *view, const char *key,
                   struct vmn_emit *emit)
{
    const struct qos_policy *row
        = (const struct qos_policy *) vmn_read(view, ROW_POLICY, key);
    const char *of;

    if (!row) {
        return;
    }
    qos_publish_rules(view, row, emit);
    for (size_t i = 0; i < row->n_ports; i++) {
        vmn_publish(emit, REL_POLICIES,
                    vmn_printf(view, "port %s", row->ports[i]), key);
    }
    for (size_t i = 0; i < row->n_groups; i++) {
        publish_group(view, row->groups[i], key, emit);
    }
    if (row->n_ports || row->n_groups) {
        return;
    } else if (row->network) {
        of = vmn_printf(view, "network %s", row->network);
    } else if (!row->selector.text) {
        /* Never those of any host: there is no policy of nothing. */
        for (size_t i = 0; i < row->n_hosts; i++) {
            vmn_publish(emit, REL_POLICIES,
                        vmn_printf(view, "host %s", row->hosts[i]), key);
        }
        return;
    } else {
        of = vmn_selector_label(view, &row->selector);
        of = of ? vmn_printf(view, "label %s", of) : "any";
    }
    vmn_publish(emit, REL_POLICIES, of, key);
}

static bool
lists(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(names[i], name)) {
            return true;
        }
    }
    return false;
}

/* Returns the groups that the port is in, "g1,g2"; or NULL. */
static const char *
groups_of(struct vmn_view *view, const char *port)
{
    size_t size;

    return (vmn_relation_values(view, REL_BY_GROUP, "").n
            ? (const char *) vmn_query(view, VMN_QUERY_GROUPS, port, &size)
            : NULL);
}

/* What the relation says may be of a row that has changed since, so it is
 * looked at. */
static bool
is_for(struct vmn_view *view, const struct qos_policy *row,
       const struct vmn_port *port, const char *host)
{
    if (row->n_ports) {
        return lists(row->ports, row->n_ports, port->row.name);
    }
    return ((!row->network || !strcmp(row->network, port->network))
            && (!row->n_hosts || lists(row->hosts, row->n_hosts, host))
            && (!row->selector.text
                || vmn_selector_matches(&row->selector,
                                        vmn_labels_of(view, &port->row))));
}

/* Takes the lesser one of two limits, with its burst; 0 is none. */
static void
take_less(int *rate, int *burst, int other_rate, int other_burst)
{
    if (other_rate && (!*rate || other_rate < *rate
                       || (other_rate == *rate && other_burst
                           && (!*burst || other_burst < *burst)))) {
        *rate = other_rate;
        *burst = other_burst;
    }
}

/* Returns true if a DSCP, or a PCP, is that of 'a' rather than of 'b'.
 * Policies with hosts are administrators' alone, and first: no tenant is to
 * have the underlay serve him before others (a host's tunnel_dscp). */
static bool
is_before(const struct qos_policy *a, const struct qos_policy *b)
{
    if (!a->n_hosts != !b->n_hosts) {
        return a->n_hosts;
    }
    return (a->priority != b->priority ? a->priority < b->priority
            : strcmp(a->object.row.name, b->object.row.name) < 0);
}

/* Returns how many ports a policy is for, in comparison: a packet that the
 * narrower limit drops is to take nothing from the wider one. */
static int
width(const struct qos_policy *row)
{
    return (row->n_ports ? 0
            : row->n_groups || row->network || row->selector.text ? 1 : 2);
}

/* Puts a policy among those whose limits each hold, the narrowest first. */
static void
insert(const struct qos_policy *row, struct qos_effect *effect)
{
    size_t i = effect->n++;

    if (i >= POLICIES_OF_PORT_MAX) {
        return;
    }
    for (; i && width(effect->policies[i - 1]) > width(row); i--) {
        effect->policies[i] = effect->policies[i - 1];
    }
    effect->policies[i] = row;
}

/* Returns true if what ports are guaranteed is that of 'a' rather than of
 * 'b'. */
static bool
guarantees_before(const struct qos_policy *a, const struct qos_policy *b)
{
    return (a->min_kbps != b->min_kbps ? a->min_kbps > b->min_kbps
            : strcmp(a->object.row.name, b->object.row.name) < 0);
}

/* The same of what they are guaranteed together. */
static bool
shares_before(const struct qos_policy *a, const struct qos_policy *b)
{
    return (width(a) != width(b) ? width(a) < width(b)
            : strcmp(a->object.row.name, b->object.row.name) < 0);
}

/* Adds to 'effect' what a policy says.  A limit is never lifted by another
 * policy: who may write one for his ports is not to undo an operator's.  Of
 * DSCPs that of 'first' counts. */
static void
add_policy(const struct qos_policy *row, const struct qos_policy **first,
           struct qos_effect *effect)
{
    for (size_t i = 0; !row->n_filters && i < row->n_limits; i++) {
        const struct qos_limit *from = &row->limits[i];
        struct qos_limit *to = &effect->limits[from->direction];

        take_less(&to->max_kbps, &to->burst_kb, from->max_kbps,
                  from->burst_kb);
        take_less(&to->max_pps, &to->burst_packets, from->max_pps,
                  from->burst_packets);
    }
    if (row->n_shared_limits || row->n_filters) {
        insert(row, effect);
    }
    if (row->min_kbps && (!effect->min
                          || guarantees_before(row, effect->min))) {
        effect->min = row;
    }
    if (row->shared_min_kbps
        && (!effect->shared_min || shares_before(row, effect->shared_min))) {
        effect->shared_min = row;
    }
    effect->n_filtered += row->n_filters && row->n_limits;
    if (row->dscp != DSCP_KEPT && (!*first || is_before(row, *first))) {
        *first = row;
        effect->dscp = row->dscp;
    }
    if (tags(row)
        && (!effect->tagging || is_before(row, effect->tagging))) {
        effect->tagging = row;
        effect->pcp = row->pcp_from_dscp ? PCP_OF_DSCP : row->pcp;
    }
}

bool
qos_has_too_many(const struct qos_effect *effect)
{
    return (effect->n > POLICIES_OF_PORT_MAX
            || effect->n_filtered > FILTERED_OF_PORT_MAX);
}

static struct vmn_names
policies_at(struct vmn_view *view, const char *key)
{
    return vmn_relation_values(view, REL_POLICIES, key);
}

/* A port on one of its hosts, and what was found of its policies so far. */
struct search {
    struct vmn_view *view;
    const struct vmn_port *port;
    const char *host;
    const struct qos_policy *first;
    struct qos_effect *effect;
    const char *groups;         /* The port's, "g1,g2", or NULL. */
    const char *group;          /* Which of these is looked up, or NULL:
                                 * something else of it. */
    struct vmn_emit *told;      /* NULL, or: the policies that there are too
                                 * many of are told, up to TOLD_OF_PORT_MAX. */
    unsigned int n_told;
    bool found;
};

/* Returns true if the policy is found by what is looked up now: one with
 * several of the port's groups counts once, by the first of these. */
static bool
is_found(const struct search *search, const struct qos_policy *row)
{
    const char *groups = search->groups, *group;

    if (!search->group || !row->n_groups) {
        return !search->group && !row->n_groups;
    }
    while ((group = vmn_next_name(search->view, &groups)) != NULL
           && strcmp(group, search->group)) {
        struct vmn_names names = policies_at(
            search->view, vmn_printf(search->view, "group %s", group));

        if (lists(names.names, names.n, row->object.row.name)) {
            return false;
        }
    }
    return true;
}

/* Says that the port, which has the policy among too many, lets nothing
 * through.  It has no name there: a policy may be of thousands. */
static void
tell_too_many(struct search *search, const struct qos_policy *row)
{
    if ((row->n_shared_limits || row->n_filters)
        && search->n_told++ < TOLD_OF_PORT_MAX) {
        vmn_publish(search->told, REL_UNLIMITED, row->object.row.name,
                    vmn_printf(search->view, "%s: no IP packet of some of its "
                               "ports there gets through any more: more than "
                               "%d policies with shared_limits or filters, or "
                               "%d with filters and limits, are for them",
                               search->host, POLICIES_OF_PORT_MAX,
                               FILTERED_OF_PORT_MAX));
    }
}

/* Adds those of the relation at 'key'. */
static void
add_policies(struct search *search, const char *key)
{
    struct vmn_names names = policies_at(search->view, key);

    for (size_t i = 0; i < names.n; i++) {
        const struct qos_policy *row
            = (const struct qos_policy *) vmn_read(search->view, ROW_POLICY,
                                                   names.names[i]);

        if (row && is_found(search, row)
            && is_for(search->view, row, search->port, search->host)) {
            if (search->told) {
                tell_too_many(search, row);
            } else {
                add_policy(row, &search->first, search->effect);
            }
            search->found = true;
        }
    }
}

/* Adds all that are for the port. */
static void
search_all(struct search *search)
{
    struct vmn_view *view = search->view;
    const struct vmn_port *port = search->port;
    const struct vmn_labels *labels = vmn_labels_of(view, &port->row);
    const char *groups = groups_of(view, port->row.name);

    search->groups = groups;
    add_policies(search, vmn_printf(view, "port %s", port->row.name));
    add_policies(search, vmn_printf(view, "network %s", port->network));
    add_policies(search, vmn_printf(view, "host %s", search->host));
    add_policies(search, "any");
    for (size_t i = 0; i < labels->n; i++) {
        const struct vmn_label *label = &labels->labels[i];

        add_policies(search, vmn_printf(view, "label %s", label->key));
        add_policies(search, vmn_printf(view, "label %s=%s", label->key,
                                        label->value));
    }
    while ((search->group = vmn_next_name(view, &groups)) != NULL) {
        add_policies(search, vmn_printf(view, "group %s", search->group));
    }
}

bool
qos_effect_on(struct vmn_view *view, const struct vmn_port *port,
              const char *host, struct qos_effect *effect)
{
    struct search search = { .view = view, .port = port, .host = host,
                             .effect = effect };

    *effect = (struct qos_effect) { .dscp = DSCP_KEPT, .pcp = PCP_KEPT };
    search_all(&search);
    return search.found;
}

void
qos_publish_too_many(struct vmn_view *view, const struct vmn_port *port,
                     const char *host, struct vmn_emit *emit)
{
    struct search search = { .view = view, .port = port, .host = host,
                             .told = emit };

    search_all(&search);
}
