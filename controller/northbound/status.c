/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects as the API shows them: the row, and under "status" what is observed
 * about it, each type by a function of its own. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/pipeline.h"
#include "sset.h"
#include "util.h"

/* Adds the members of 'more', which it takes, to 'json'. */
static void
add_members(json_t *json, json_t *more)
{
    if (more) {
        json_object_update(json, more);
        json_decref(more);
    }
}

static void
host_status(const struct northbound *nb, const struct vmn_row *row,
            bool one OVS_UNUSED, json_t *status)
{
    add_members(status, fabric_host_status(nb->fabric, row->name));
}

static void
network_status(const struct northbound *nb, const struct vmn_row *row,
               bool one OVS_UNUSED, json_t *status)
{
    struct vmn_names ports = model_lookup(nb->model, VMN_INDEX_PORT_BY_NETWORK,
                                          row->name);

    json_object_set_new(status, "ports", json_integer(ports.n));
}

static void
port_status(const struct northbound *nb, const struct vmn_row *row,
            bool one OVS_UNUSED, json_t *status)
{
    add_members(status, fabric_port_status(nb->fabric, row->name));
}

static void
app_status(const struct northbound *nb, const struct vmn_row *row,
           bool one OVS_UNUSED, json_t *status)
{
    const struct pipeline *pipeline = apphost_pipeline(nb->apphost);

    for (size_t i = 0; pipeline && i < pipeline->n_apps; i++) {
        const struct vmn_app_class *app = pipeline->apps[i].class_;

        if (!strcmp(app->name, row->name) && app->description) {
            json_object_set_new(status, "about",
                                http_json_string(app->description));
        }
    }
    add_members(status, engine_app_status(nb->engine, row->name));
}

/* Members.  -------------------------------------------------------------- */

/* Adds to 'ports' those that 'selector' selects. */
static void
add_selected(const struct northbound *nb, const struct vmn_selector *selector,
             struct sset *ports)
{
    size_t n;
    const char **names;

    if (!selector->text) {
        return;
    }
    names = nb_selector_candidates(nb->model, selector, &n);
    for (size_t i = 0; i < n; i++) {
        const struct vmn_port *port = model_get_durable(
            nb->model, VMN_TABLE_PORT, names[i], NULL);

        if (port && vmn_selector_matches(selector, &port->labels)) {
            sset_add(ports, names[i]);
        }
    }
    free(names);
}

/* Which ports are in the group, sorted, as far as a list may go. */
static void
group_status(const struct northbound *nb, const struct vmn_row *row,
             bool one, json_t *status)
{
    const struct vmn_group *group = (const struct vmn_group *) row;
    struct sset ports = SSET_INITIALIZER(&ports);

    if (!one) {
        return;
    }
    for (size_t i = 0; i < group->n_ports; i++) {
        sset_add(&ports, group->ports[i]);
    }
    add_selected(nb, &group->selector, &ports);

    const char **sorted = sset_sort(&ports);
    size_t n = sset_count(&ports);
    json_t *members = json_array();
    for (size_t i = 0; i < MIN(n, NB_MEMBERS_MAX); i++) {
        json_array_append_new(members, json_string(sorted[i]));
    }
    json_object_set_new(status, "n_members", json_integer(n));
    json_object_set_new(status, "members", members);
    free(sorted);
    sset_destroy(&ports);
}

static bool
is_offered_in(const struct vmn_loadbalancer *lb, const char *network)
{
    for (size_t i = 0; i < lb->n_networks; i++) {
        if (!strcmp(lb->networks[i], network)) {
            return true;
        }
    }
    return false;
}

/* Why a port does not serve, or NULL if it does. */
static const char *
why_idle(const struct vmn_port *port, const struct vmn_binding *binding,
         uint32_t weight)
{
    return (!weight ? "its weight is 0"
            : !port->enabled ? "it is not enabled"
            : port->quarantined ? "it is quarantined"
            : !binding || !binding->host ? "it is not bound to a host"
            : NULL);
}

static void
add_backend(const struct northbound *nb, const struct vmn_loadbalancer *lb,
            const char *name, uint32_t weight, json_t *backends)
{
    const struct vmn_port *port = model_get_durable(
        nb->model, VMN_TABLE_PORT, name, NULL);
    const struct vmn_binding *binding = model_get_durable(
        nb->model, VMN_TABLE_BINDING, name, NULL);

    if (!port || !is_offered_in(lb, port->network)
        || json_array_size(backends) >= NB_MEMBERS_MAX) {
        return;
    }

    const char *why = why_idle(port, binding, weight);
    json_t *backend = json_pack("{s:s, s:i, s:b}", "port", name, "weight",
                                (int) weight, "serving", why == NULL);
    if (binding && binding->host) {
        json_object_set_new(backend, "host", json_string(binding->host));
    }
    if (why) {
        json_object_set_new(backend, "reason", json_string(why));
    }
    json_array_append_new(backends, backend);
}

/* The backends that there are now: those named, then those selected. */
static void
loadbalancer_status(const struct northbound *nb, const struct vmn_row *row,
                    bool one, json_t *status)
{
    const struct vmn_loadbalancer *lb = (const void *) row;
    struct sset selected = SSET_INITIALIZER(&selected);
    json_t *backends;

    if (!one) {
        return;
    }
    backends = json_array();
    add_selected(nb, &lb->selector, &selected);
    for (size_t i = 0; i < lb->n_backends; i++) {
        add_backend(nb, lb, lb->backends[i].port, lb->backends[i].weight,
                    backends);
        sset_find_and_delete(&selected, lb->backends[i].port);
    }

    const char **sorted = sset_sort(&selected);
    for (size_t i = 0; i < sset_count(&selected); i++) {
        add_backend(nb, lb, sorted[i], 1, backends);
    }
    json_object_set_new(status, "backends", backends);
    free(sorted);
    sset_destroy(&selected);
}

/* All types.  ------------------------------------------------------------ */

static void (*const status_of[VMN_N_TABLES])(const struct northbound *,
                                             const struct vmn_row *,
                                             bool one, json_t *status) = {
    [VMN_TABLE_HOST] = host_status,
    [VMN_TABLE_NETWORK] = network_status,
    [VMN_TABLE_PORT] = port_status,
    [VMN_TABLE_GROUP] = group_status,
    [VMN_TABLE_LOADBALANCER] = loadbalancer_status,
    [VMN_TABLE_APP] = app_status,
};

json_t *
nb_row_json(const struct northbound *nb, const struct vmn_row *row,
            const struct model_meta *meta, bool one)
{
    json_t *json = json_pack("{s:s}", "type",
                             schema_tables[row->table].plural);
    json_t *status;

    add_members(json, model_row_to_json(row, meta));
    status = json_object_get(json, "status");
    if (status_of[row->table]) {
        status_of[row->table](nb, row, one, status);
    }
    return json;
}

json_t *
nb_object_json(const struct northbound *nb, const struct schema_table *table,
               const char *name, bool one)
{
    struct model_meta meta;
    const struct vmn_row *row = model_get_durable(nb->model, table->id, name,
                                                  &meta);

    return row ? nb_row_json(nb, row, &meta, one) : NULL;
}

const struct vmn_labels *
nb_row_labels(const struct vmn_row *row)
{
    const struct schema_field *labels
        = schema_find_field(&schema_tables[row->table].row, "labels");

    return (const struct vmn_labels *) ((const char *) row + labels->offset);
}
