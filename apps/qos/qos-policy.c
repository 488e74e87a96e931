/* SPDX-License-Identifier: Apache-2.0
 *
 * The type of the qos app, what is checked of its objects, and which ports
 * these are for.  Not for the flows that follow from them (qos.c). */

#include "qos.h"

#include <string.h>

/* Type.  ------------------------------------------------------------------ */

static void
check_limit(const struct qos_policy *row, size_t i, struct vmn_check *check)
{
    static const char *const pointers[N_DIRECTIONS][2] = {
        { "/limits/0/burst_kb", "/limits/0/burst_packets" },
        { "/limits/1/burst_kb", "/limits/1/burst_packets" },
    };
    const struct qos_limit *limit = &row->limits[i];

    if (limit->burst_kb && !limit->max_kbps) {
        vmn_check_fail(check, pointers[i][0], "is of max_kbps, which the "
                       "limit lacks");
    } else if (limit->burst_kb && limit->burst_kb < BURST_KB_LEAST) {
        vmn_check_fail(check, pointers[i][0], "is at least %d, or no large "
                       "frame gets through", BURST_KB_LEAST);
    }
    if (limit->burst_packets && !limit->max_pps) {
        vmn_check_fail(check, pointers[i][1], "is of max_pps, which the limit "
                       "lacks");
    }
}

static void
check_policy(const void *row_, struct vmn_check *check)
{
    const struct qos_policy *row = (const struct qos_policy *) row_;

    if (row->n_ports && (row->network || row->selector.text)) {
        vmn_check_fail(check, "/ports", "a policy has either ports, or a "
                       "network and a selector");
    } else if (!row->n_ports && !row->network && !row->selector.text) {
        vmn_check_fail(check, "", "a policy needs ports, or a network, a "
                       "selector or both");
    }
    if (!row->n_limits && row->dscp == DSCP_KEPT) {
        vmn_check_fail(check, "", "a policy needs limits, or a dscp");
    }
    for (size_t i = 0; i < row->n_limits && i < N_DIRECTIONS; i++) {
        check_limit(row, i, check);
    }
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
          .ref = "ports", .flags = VMN_FIELD_SET,
          .doc = "The ports that it is for, each by itself." },
        { VMN_FIELD(qos_policy, network), .type = VMN_FIELD_REF,
          .ref = "networks",
          .doc = "In place of `ports`: those of this network." },
        { VMN_FIELD(qos_policy, selector), .type = VMN_FIELD_SELECTOR,
          .doc = "In place of `ports`: those with such labels; with "
                 "`network`, of these." },
        { VMN_FIELD(qos_policy, priority), .type = VMN_FIELD_INT, .min = 0,
          .max = PRIORITY_MAX, .def = PRIORITY_MAX / 2,
          .doc = "Of several policies of a port that say a `dscp`, the one "
                 "with the least counts; of equal ones the first by name." },
        { VMN_LIST_FIELD(qos_policy, limits), .type = VMN_FIELD_STRUCT,
          .flags = VMN_FIELD_SET, .nested = &limit,
          .max_items = N_DIRECTIONS,
          .doc = "How much each of its ports may send and get; what is more "
                 "is dropped, at the port's own host.  Of several policies of "
                 "a port the least counts." },
        { VMN_FIELD(qos_policy, dscp), .type = VMN_FIELD_INT,
          .min = DSCP_KEPT, .max = 63, .def = DSCP_KEPT,
          .doc = "DSCP that what its ports send gets (RFC 2474); -1: what "
                 "the VM has given it." },
        { .name = NULL },
    },
};

const struct vmn_type_class qos_types[] = {
    { .name = "qos-policies", .singular = "qos-policy",
      .doc = "How much ports may send and get, and the DSCP of what they "
             "send.",
      .row = &policy, .check = check_policy },
    { .name = NULL },
};

/* Whom a policy is for.  -------------------------------------------------- */

void
compile_policy(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct qos_policy *row
        = (const struct qos_policy *) vmn_read(view, ROW_POLICY, key);
    const char *of;

    if (!row) {
        return;
    }
    for (size_t i = 0; i < row->n_ports; i++) {
        vmn_publish(emit, REL_POLICIES,
                    vmn_printf(view, "port %s", row->ports[i]), key);
    }
    if (row->n_ports) {
        return;
    } else if (row->network) {
        of = vmn_printf(view, "network %s", row->network);
    } else {
        of = vmn_selector_label(view, &row->selector);
        of = of ? vmn_printf(view, "label %s", of) : "any";
    }
    vmn_publish(emit, REL_POLICIES, of, key);
}

/* What the relation says may be of a row that has changed since, so it is
 * looked at. */
static bool
is_for(struct vmn_view *view, const struct qos_policy *row,
       const struct vmn_port *port)
{
    for (size_t i = 0; i < row->n_ports; i++) {
        if (!strcmp(row->ports[i], port->row.name)) {
            return true;
        }
    }
    return (!row->n_ports
            && (!row->network || !strcmp(row->network, port->network))
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

/* Adds to 'effect' what a policy says.  A limit is never lifted by another
 * policy: who may write one for his ports is not to undo an operator's.  Of
 * DSCPs that of 'first' counts, the policy with the least priority so far. */
static void
add_policy(const struct qos_policy *row, const struct qos_policy **first,
           struct qos_effect *effect)
{
    for (size_t i = 0; i < row->n_limits; i++) {
        const struct qos_limit *from = &row->limits[i];
        struct qos_limit *to = &effect->limits[from->direction];

        take_less(&to->max_kbps, &to->burst_kb, from->max_kbps,
                  from->burst_kb);
        take_less(&to->max_pps, &to->burst_packets, from->max_pps,
                  from->burst_packets);
    }
    if (row->dscp != DSCP_KEPT
        && (!*first || row->priority < (*first)->priority
            || (row->priority == (*first)->priority
                && strcmp(row->object.row.name,
                          (*first)->object.row.name) < 0))) {
        *first = row;
        effect->dscp = row->dscp;
    }
}

/* Adds those of the relation at 'key'. */
static bool
add_policies(struct vmn_view *view, const char *key,
             const struct vmn_port *port, const struct qos_policy **first,
             struct qos_effect *effect)
{
    struct vmn_names names = vmn_relation_values(view, REL_POLICIES, key);
    bool found = false;

    for (size_t i = 0; i < names.n; i++) {
        const struct qos_policy *row
            = (const struct qos_policy *) vmn_read(view, ROW_POLICY,
                                                   names.names[i]);

        if (row && is_for(view, row, port)) {
            add_policy(row, first, effect);
            found = true;
        }
    }
    return found;
}

bool
qos_effect_on(struct vmn_view *view, const struct vmn_port *port,
              struct qos_effect *effect)
{
    const struct vmn_labels *labels = vmn_labels_of(view, &port->row);
    const struct qos_policy *first = NULL;
    bool found;

    *effect = (struct qos_effect) { .dscp = DSCP_KEPT };
    found = add_policies(view, vmn_printf(view, "port %s", port->row.name),
                         port, &first, effect);
    found |= add_policies(view, vmn_printf(view, "network %s", port->network),
                          port, &first, effect);
    found |= add_policies(view, "any", port, &first, effect);
    for (size_t i = 0; i < labels->n; i++) {
        const struct vmn_label *label = &labels->labels[i];

        found |= add_policies(view, vmn_printf(view, "label %s", label->key),
                              port, &first, effect);
        found |= add_policies(view, vmn_printf(view, "label %s=%s", label->key,
                                               label->value),
                              port, &first, effect);
    }
    return found;
}
