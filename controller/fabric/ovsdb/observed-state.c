/* SPDX-License-Identifier: Apache-2.0
 *
 * The hosts' reports, and the ports that they may concern, in memory; see
 * observed-state.h. */

#include <config.h>

#include "controller/fabric/ovsdb/observed-state.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/ovsdb/binding-decision.h"
#include "controller/fabric/ovsdb/rejected-claims.h"
#include "controller/fabric/ovsdb/unclaimed-vifs.h"
#include "hash.h"
#include "timeval.h"
#include "util.h"

/* Ports.  ---------------------------------------------------------------- */

static struct observed_port *
find_port(const struct observed_state *state, const char *name)
{
    struct observed_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, name_node, hash_string(name, 0),
                             &state->ports) {
        if (!strcmp(port->name, name)) {
            return port;
        }
    }
    return NULL;
}

const struct observed_port *
observed_find_port(const struct observed_state *state, const char *name)
{
    return find_port(state, name);
}

/* Returns any port whose active host is 'host', or NULL. */
struct observed_port *
observed_find_active(const struct observed_state *state, const char *host)
{
    struct observed_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, active_node, hash_string(host, 0),
                             &state->by_active) {
        if (!strcmp(port->active, host)) {
            return port;
        }
    }
    return NULL;
}

/* The same for candidates. */
struct observed_port *
observed_find_candidate(const struct observed_state *state, const char *host)
{
    struct observed_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, candidate_node, hash_string(host, 0),
                             &state->by_candidate) {
        if (!strcmp(port->candidate, host)) {
            return port;
        }
    }
    return NULL;
}

/* Notifies watchers that the port's status may have changed. */
static void
notify_port(const struct observed_state *state,
            const struct observed_port *port)
{
    FABRIC_NOTIFY(state->fabric, port, (aux, port->name))
}

void
observed_port_due(struct observed_state *state, struct observed_port *port,
                  const char *cause)
{
    if (ovs_list_is_empty(&port->due_node)) {
        ovs_list_push_back(&state->due, &port->due_node);
        port->cause = nullable_xstrdup(cause);
    }
    notify_port(state, port);
    observed_commit_schedule(state);
}

void
observed_port_set_moving(struct observed_state *state,
                         struct observed_port *port,
                      bool moving)
{
    ovs_list_remove(&port->moving_node);
    ovs_list_init(&port->moving_node);
    if (moving) {
        ovs_list_push_back(&state->moving, &port->moving_node);
    }
}

static void
set_host_of(struct hmap *index, struct hmap_node *node, char **part,
         const char *host)
{
    char *new_part = nullable_xstrdup(host); /* May be the same. */

    if (*part) {
        hmap_remove(index, node);
        free(*part);
    }
    *part = new_part;
    if (new_part) {
        hmap_insert(index, node, hash_string(new_part, 0));
    }
}

/* Schedules a decision for the sub-ports of 'port', which follow its
 * binding. */
static void
sub_ports_due(struct observed_state *state, const struct observed_port *port)
{
    struct observed_port *sub;

    HMAP_FOR_EACH_WITH_HASH (sub, parent_node, hash_string(port->name, 0),
                             &state->by_parent) {
        if (!strcmp(sub->parent, port->name)) {
            observed_port_due(state, sub, NULL);
        }
    }
}

/* Notifies that sub-ports of 'port', if it has any, may have been added to or
 * removed from the hosts of its binding. */
static void
trunk_due(struct observed_state *state, const struct observed_port *port)
{
    if (hmap_first_with_hash(&state->by_parent, hash_string(port->name, 0))) {
        if (port->active) {
            state->trunks_cb(state->fabric, port->active);
        }
        if (port->candidate) {
            state->trunks_cb(state->fabric, port->candidate);
        }
    }
}

/* Makes 'port' a sub-port of 'parent', or of none if that is NULL. */
static void
port_set_parent(struct observed_state *state, struct observed_port *port,
                const char *parent)
{
    const char *const parents[] = { port->parent, parent };

    for (int i = 0; i < 2; i++) {
        const struct observed_port *p = (parents[i]
                                     ? find_port(state, parents[i]) : NULL);

        if (p && p->active) {
            state->trunks_cb(state->fabric, p->active);
        }
        if (p && p->candidate) {
            state->trunks_cb(state->fabric, p->candidate);
        }
    }
    set_host_of(&state->by_parent, &port->parent_node, &port->parent, parent);
}

void
observed_port_set_binding(struct observed_state *state,
                          struct observed_port *port,
                          const struct binding *binding)
{
    /* Each may be the other's previous value. */
    char *new_candidate = nullable_xstrdup(binding->candidate);

    trunk_due(state, port);

    if (!nullable_string_is_equal(binding->active, port->active)) {
        observed_guests_forget(state, port, binding->active, true);
    }
    if (binding->activated && !port->activated) {
        port->activated_ms = time_msec();
        port->contradicted_ms = 0;
    }
    port->activated = binding->activated;
    former_host_set(state, port, binding->former);
    set_host_of(&state->by_active, &port->active_node, &port->active,
                binding->active);
    set_host_of(&state->by_candidate, &port->candidate_node, &port->candidate,
             new_candidate);
    free(new_candidate);
    notify_port(state, port);
    trunk_due(state, port);
    sub_ports_due(state, port);
}

/* Schedules a decision for the port whose interface has 'iface_id'. */
void
observed_iface_due(struct observed_state *state, const char *iface_id,
          const char *cause)
{
    struct observed_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, id_node, hash_string(iface_id, 0),
                             &state->ports_by_id) {
        if (!strcmp(port->iface_id, iface_id)) {
            observed_port_due(state, port, cause);
        }
    }
}

/* Calls notify_port() for the port whose interface has 'iface_id'. */
void
observed_notify_iface(const struct observed_state *state, const char *iface_id)
{
    const struct observed_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, id_node, hash_string(iface_id, 0),
                             &state->ports_by_id) {
        if (!strcmp(port->iface_id, iface_id)) {
            notify_port(state, port);
        }
    }
}

/* Schedules a decision for each port that is bound to 'host' or has an
 * interface there. */
void
observed_host_ports_due(struct observed_host *host, const char *cause)
{
    uint32_t hash = hash_string(host->name, 0);
    struct observed_state *state = host->state;
    struct observed_port *port;
    struct observed_vif *vif;

    HMAP_FOR_EACH_WITH_HASH (port, active_node, hash, &state->by_active) {
        if (!strcmp(port->active, host->name)) {
            observed_port_due(state, port, cause);
        }
    }
    HMAP_FOR_EACH_WITH_HASH (port, candidate_node, hash,
                             &state->by_candidate) {
        if (!strcmp(port->candidate, host->name)) {
            observed_port_due(state, port, cause);
        }
    }
    former_hosts_of_host_due(state, host->name, cause);
    HMAP_FOR_EACH (vif, host_node, &host->vifs) {
        observed_iface_due(state, vif->iface_id, cause);
    }
}

static void
port_destroy(struct observed_state *state, struct observed_port *port)
{
    static const struct binding unbound;

    hmap_remove(&state->ports, &port->name_node);
    hmap_remove(&state->ports_by_id, &port->id_node);
    unclaimed_vifs_port_changed(state, port->iface_id);
    ovs_list_remove(&port->due_node);
    ovs_list_remove(&port->moving_node);
    observed_port_set_binding(state, port, &unbound);
    port_set_parent(state, port, NULL);
    free(port->name);
    free(port->iface_id);
    placement_uninit(&port->placement);
    free(port->cause);
    free(port);
}

const char *
observed_iface_id(const struct vmn_port *row)
{
    return row->external ? "" : row->iface_id;
}

static struct observed_port *
port_create(struct observed_state *state, const struct vmn_port *row)
{
    struct observed_port *port = xzalloc(sizeof *port);

    port->name = xstrdup(row->row.name);
    port->iface_id = xstrdup(observed_iface_id(row));
    placement_init(&port->placement);
    ovs_list_init(&port->due_node);
    ovs_list_init(&port->moving_node);
    ovs_list_init(&port->former_node);
    hmap_insert(&state->ports, &port->name_node, hash_string(port->name, 0));
    hmap_insert(&state->ports_by_id, &port->id_node,
                hash_string(port->iface_id, 0));
    unclaimed_vifs_port_changed(state, port->iface_id);
    return port;
}

/* Sets the hosts that the row allows: a sub-port follows its parent.  Returns
 * true if they have changed. */
static bool
set_placement(const struct observed_state *state, struct observed_port *port,
              const struct vmn_port *row)
{
    const struct vmn_port *parent
        = (row->parent ? model_get(state->fabric->model, VMN_TABLE_PORT,
                                   row->parent) : NULL);

    return placement_set(&port->placement, row, parent);
}

static void
set_iface_id(struct observed_state *state, struct observed_port *port,
             const char *iface_id)
{
    char *old = port->iface_id;

    hmap_remove(&state->ports_by_id, &port->id_node);
    port->iface_id = xstrdup(iface_id);
    hmap_insert(&state->ports_by_id, &port->id_node,
                hash_string(port->iface_id, 0));
    unclaimed_vifs_port_changed(state, old);
    unclaimed_vifs_port_changed(state, iface_id);
    free(old);
}

/* Handles a new or changed row, whose iface-id may have changed. */
static void
port_set(struct observed_state *state, const struct vmn_port *row)
{
    struct observed_port *port = find_port(state, row->row.name);
    const char *iface_id = observed_iface_id(row);
    bool is_new = !port;
    bool changed;

    if (is_new) {
        port = port_create(state, row);
    }
    if (row->migration.to
        && !nullable_string_is_equal(row->migration.to, port->placement.to)) {
        observed_guest_expected_at(state, port, row->migration.to);
    }
    changed = set_placement(state, port, row);
    if (!is_new && !changed && !strcmp(port->iface_id, iface_id)
        && nullable_string_is_equal(port->parent, row->parent)) {
        return;
    }
    if (strcmp(port->iface_id, iface_id)) {
        set_iface_id(state, port, iface_id);
    }
    port_set_parent(state, port, row->parent);
    observed_port_due(state, port, NULL);
}

/* Does the same for the sub-ports of 'parent'. */
static void
sub_ports_set(struct observed_state *state, const char *parent)
{
    struct observed_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, parent_node, hash_string(parent, 0),
                             &state->by_parent) {
        const struct vmn_port *row = model_get(state->fabric->model,
                                               VMN_TABLE_PORT, port->name);

        if (row && !strcmp(port->parent, parent)
            && set_placement(state, port, row)) {
            observed_port_due(state, port, NULL);
        }
    }
}

void
observed_port_update(struct observed_state *state, const char *name, bool anew)
{
    const struct vmn_port *row = model_get(state->fabric->model,
                                           VMN_TABLE_PORT, name);
    struct observed_port *port = find_port(state, name);

    if (port && (anew || !row)) {
        port_destroy(state, port);
    }
    if (row) {
        port_set(state, row);
        sub_ports_set(state, name);
    }
}

void
observed_port_rebound(struct observed_state *state, const char *name,
                      const struct vmn_binding *row)
{
    struct observed_port *port = find_port(state, name);

    if (port) {
        const struct binding binding = observed_binding_of_row(row);

        observed_port_set_binding(state, port, &binding);
        /* What was submitted before is applied after it. */
        port->submit_again = !fabric_stands_by(state->fabric);
        observed_port_due(state, port, NULL);
    }
}

void
observed_update_all_ports(struct observed_state *state)
{
    const struct model *model = state->fabric->model;
    struct vmn_names names = model_names(model, VMN_TABLE_PORT);
    struct observed_port *port, *next;

    HMAP_FOR_EACH_SAFE (port, next, name_node, &state->ports) {
        if (!model_get(model, VMN_TABLE_PORT, port->name)) {
            port_destroy(state, port);
        }
        commit_yield(state->fabric->commit);
    }
    for (size_t i = 0; i < names.n; i++) {
        port_set(state, model_get(model, VMN_TABLE_PORT, names.names[i]));
        commit_yield(state->fabric->commit);
    }
}

/* All.  ------------------------------------------------------------------ */

struct observed_state *
observed_state_create(struct fabric *fabric, observed_trunks_cb *trunks_cb,
                      observed_announced_cb *announced_cb)
{
    struct observed_state *state = xzalloc(sizeof *state);
    struct observed_port *port;

    state->fabric = fabric;
    state->trunks_cb = trunks_cb;
    state->announced_cb = announced_cb;
    state->rejected_claims = rejected_claims_create(fabric);
    hmap_init(&state->hosts);
    hmap_init(&state->vifs);
    hmap_init(&state->ports);
    hmap_init(&state->ports_by_id);
    hmap_init(&state->by_active);
    hmap_init(&state->by_candidate);
    hmap_init(&state->by_parent);
    ovs_list_init(&state->due);
    ovs_list_init(&state->moving);
    ovs_list_init(&state->former);
    observed_commit_init(state);
    observed_update_all_ports(state);
    HMAP_FOR_EACH (port, name_node, &state->ports) {
        const struct vmn_binding *row = model_get(fabric->model,
                                                  VMN_TABLE_BINDING,
                                                  port->name);

        if (row) {
            const struct binding binding = observed_binding_of_row(row);

            observed_port_set_binding(state, port, &binding);
        }
    }
    /* There is nothing to decide until hosts report. */
    LIST_FOR_EACH_SAFE (port, due_node, &state->due) {
        ovs_list_remove(&port->due_node);
        ovs_list_init(&port->due_node);
    }
    return state;
}

void
observed_state_destroy(struct observed_state *state)
{
    struct observed_port *port, *next_port;
    struct observed_host *host, *next_host;

    if (!state) {
        return;
    }
    observed_commit_uninit(state);
    HMAP_FOR_EACH_SAFE (port, next_port, name_node, &state->ports) {
        port_destroy(state, port);
    }
    HMAP_FOR_EACH_SAFE (host, next_host, node, &state->hosts) {
        observed_host_destroy(host);
    }
    hmap_destroy(&state->hosts);
    hmap_destroy(&state->vifs);
    hmap_destroy(&state->ports);
    hmap_destroy(&state->ports_by_id);
    hmap_destroy(&state->by_active);
    hmap_destroy(&state->by_candidate);
    hmap_destroy(&state->by_parent);
    rejected_claims_destroy(state->rejected_claims);
    free(state);
}
