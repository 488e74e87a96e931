/* SPDX-License-Identifier: Apache-2.0
 *
 * Which mirrors a port has, and the flows by which what it sends and gets is
 * looked up for them.  Copies do not come here: they go out of the port that
 * gets them by the way of handed ports.  What that port sends and gets itself
 * is copied as anybody's, but not to it: else whoever may have copies sent to
 * his port would be out of the mirrors of others by that. */

#include "mirrors.h"

#include <string.h>

/* Mirrors of a port. */
struct mirrors_of {
    struct vmn_view *view;
    struct vmn_emit *emit;
    const struct vmn_port *port;
    bool operators;             /* Only those are added that are. */
    size_t n;
    const struct mirror *mirrors[MIRRORS_OF_PORT_MAX];
};

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

/* Returns what the port's groups are, "g1,g2"; or NULL. */
static const char *
groups_of(struct vmn_view *view, const char *port)
{
    size_t size;

    return (const char *) vmn_query(view, VMN_QUERY_GROUPS, port, &size);
}

/* What the relation says may be of a row that has changed since, so it is
 * looked at. */
static bool
is_of(const struct mirrors_of *of, const struct mirror *mirror)
{
    const struct vmn_port *port = of->port;
    const char *groups, *group;

    if (mirror->to_port && !strcmp(mirror->to_port, port->row.name)) {
        return false;
    }
    if (lists(mirror->ports, mirror->n_ports, port->row.name)) {
        return true;
    }
    if (lists(mirror->networks, mirror->n_networks, port->network)) {
        return true;
    }
    if (mirror->network && strcmp(mirror->network, port->network)) {
        return false;
    }
    groups = mirror->n_groups ? groups_of(of->view, port->row.name) : NULL;
    while ((group = vmn_next_name(of->view, &groups))) {
        if (lists(mirror->groups, mirror->n_groups, group)) {
            return true;
        }
    }
    return (mirror->selector.text
            && vmn_selector_matches(&mirror->selector,
                                    vmn_labels_of(of->view, &port->row)));
}

static void
add_mirror(struct mirrors_of *of, const char *name)
{
    const struct mirror *mirror = read_mirror(of->view, name);

    if (!mirror || !is_of(of, mirror)
        || mirror_is_operators(of->view, mirror) != of->operators) {
        return;
    }
    for (size_t i = 0; i < of->n; i++) {
        if (of->mirrors[i] == mirror) {
            return;
        }
    }
    if (of->n < MIRRORS_OF_PORT_MAX) {
        of->mirrors[of->n++] = mirror;
    }
}

/* Adds those of the relation at 'key'. */
static void
add_mirrors(struct mirrors_of *of, const char *key)
{
    struct vmn_names names = vmn_relation_values(of->view, REL_SOURCES, key);

    for (size_t i = 0; i < names.n; i++) {
        add_mirror(of, names.names[i]);
    }
}

static void
find_mirrors(struct mirrors_of *of)
{
    const char *name = of->port->row.name;
    const struct vmn_labels *labels = vmn_labels_of(of->view, &of->port->row);
    const char *groups = groups_of(of->view, name), *group;

    add_mirrors(of, vmn_printf(of->view, "port %s", name));
    while ((group = vmn_next_name(of->view, &groups))) {
        add_mirrors(of, vmn_printf(of->view, "group %s", group));
    }
    add_mirrors(of, vmn_printf(of->view, "network %s", of->port->network));
    add_mirrors(of, "any");
    for (size_t i = 0; i < labels->n; i++) {
        const struct vmn_label *label = &labels->labels[i];

        add_mirrors(of, vmn_printf(of->view, "label %s", label->key));
        add_mirrors(of, vmn_printf(of->view, "label %s=%s", label->key,
                                   label->value));
    }
}

/* Has what 'flow' matches looked up for those of the port's mirrors that are
 * not of direction 'except'; then it goes on. */
static void
look_up(const struct mirrors_of *of, struct vmn_flow *flow, int except,
        uint32_t copied)
{
    struct vmn_actions *actions = vmn_flow_actions(flow);
    bool samples = false;

    vmn_act_set(actions, VMN_REG_COPIED, copied);
    for (size_t i = 0; i < of->n; i++) {
        const struct mirror *mirror = of->mirrors[i];

        if (mirror->direction != except) {
            samples |= mirror->sampling > 1;
            vmn_act_set(actions, REG_MIRROR,
                        mirror_number(of->view, mirror));
            vmn_act_resubmit(actions, STAGE_INGRESS, INGRESS_COPY);
        }
    }
    /* What would keep packets apart for nothing. */
    vmn_act_set(actions, VMN_REG_COPIED, 0);
    vmn_act_set(actions, REG_MIRROR, 0);
    if (samples) {
        vmn_act_set(actions, REG_SAMPLE, 0);
    }
    vmn_act_next(actions);
}

static bool
has_direction(const struct mirrors_of *of, int except)
{
    for (size_t i = 0; i < of->n; i++) {
        if (of->mirrors[i]->direction != except) {
            return true;
        }
    }
    return false;
}

/* Says that the mirror has ports on 'host', and what that takes there. */
static void
publish_on_host(struct vmn_view *view, struct vmn_emit *emit,
                const struct mirror *mirror, const char *host)
{
    const char *name = mirror->object.row.name;
    const char *tunnel = mirror_tunnel(mirror);

    vmn_publish(emit, REL_HOSTS, name, host);
    if (mirror->to_port) {
        vmn_publish(emit, VMN_REL_HANDED_PORTS, mirror->to_port, host);
    } else if (mirror->to_interface) {
        vmn_publish(emit, REL_AT_HOST, vmn_printf(view, "%s %s", host, name),
                    "");
    } else if (tunnel) {
        const char *iface_id = vmn_printf(view, VMN_VIF_COPY_TUNNEL, tunnel);

        vmn_publish(emit, VMN_REL_COPY_TUNNELS, host, tunnel);
        if (vmn_read_vif(view, host, iface_id)) {
            vmn_publish(emit, REL_SENDERS, name, host);
            vmn_publish(emit, REL_ALL_SENDERS, "", host);
        } else {
            vmn_publish(emit, REL_WAITING, name, host);
        }
    }
}

static void
emit_on_host(const struct mirrors_of *of, const char *host, uint32_t ofport)
{
    struct vmn_scope scope = vmn_scope_host(host);
    struct vmn_flow *flow;

    if (has_direction(of, DIRECTION_INGRESS)) {
        flow = vmn_flow_add(of->emit, scope, STAGE_EGRESS, EGRESS_SELECT,
                            PRIORITY_SOURCE);
        vmn_match(flow, VMN_F_IN_PORT, ofport);
        look_up(of, flow, DIRECTION_INGRESS, ofport);
    }
    if (has_direction(of, DIRECTION_EGRESS)) {
        flow = vmn_flow_add(of->emit, scope, STAGE_INGRESS, INGRESS_SELECT,
                            PRIORITY_SOURCE);
        vmn_match(flow, VMN_REG_DST_LOCAL, 1);
        vmn_match(flow, VMN_REG_OUT_PORT, ofport);
        look_up(of, flow, DIRECTION_EGRESS, ofport | VMN_COPIED_TO);
    }
    for (size_t i = 0; i < of->n; i++) {
        publish_on_host(of->view, of->emit, of->mirrors[i], host);
    }
}

/* Says that the port is of mirrors of rules that apply to it, or, with a
 * 'host', where: what these decide has no flow of the port's.  Returns true if
 * there are any. */
static bool
publish_decided(const struct mirrors_of *of, const char *host)
{
    const char *name = of->port->row.name;
    const char *groups = groups_of(of->view, name), *group;
    bool any = false;

    while ((group = vmn_next_name(of->view, &groups))) {
        struct vmn_names mirrors = vmn_relation_values(
            of->view, REL_DECIDED_PORTS, group);

        for (size_t i = 0; i < mirrors.n; i++) {
            const struct mirror *mirror = read_mirror(of->view,
                                                      mirrors.names[i]);

            if (!mirror || (mirror->to_port
                            && !strcmp(mirror->to_port, name))) {
                continue;
            }
            any = true;
            if (host) {
                publish_on_host(of->view, of->emit, mirror, host);
            } else {
                vmn_publish(of->emit, REL_PORTS, mirrors.names[i], name);
            }
        }
    }
    return any;
}

/* A port that migrates is copied on both hosts, each of which has what its
 * guest sends and gets there. */
void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct mirrors_of of = { .view = view, .emit = emit,
                             .port = vmn_read_port(view, key) };
    const struct vmn_binding *binding;
    bool decided;

    if (!of.port) {
        return;
    }
    /* So that nobody takes an operator's place by mirrors of his own. */
    of.operators = true;
    find_mirrors(&of);
    of.operators = false;
    find_mirrors(&of);
    for (size_t i = 0; i < of.n; i++) {
        vmn_publish(emit, REL_PORTS, of.mirrors[i]->object.row.name, key);
    }
    decided = publish_decided(&of, NULL);
    binding = of.n || decided ? vmn_read_binding(view, key) : NULL;
    for (int i = 0; binding && i < 2; i++) {
        const char *host = i ? binding->candidate : binding->host;
        const struct vmn_vif *vif
            = host ? vmn_read_vif(view, host, of.port->iface_id) : NULL;

        if (vif) {
            emit_on_host(&of, host, vif->ofport);
            publish_decided(&of, host);
        }
    }
}
