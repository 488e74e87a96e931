/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects as the API shows them: the row, and under "status" what is observed
 * about it, each type by a function of its own. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/pipeline.h"
#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"
#include "sset.h"
#include "util.h"

/* Texts of objects are made without their last brace: members are appended,
 * and the brace at the end. */

/* '"NAME":', behind a comma unless it is the first member. */
static void
put_name(struct ds *ds, const char *name)
{
    ds_put_format(ds, "%s\"%s\":", ds_last(ds) == '{' ? "" : ",", name);
}

void
nb_put_members(struct ds *ds, json_t *more)
{
    if (json_object_size(more)) {
        char *text = json_dumps(more, JSON_COMPACT);

        ds_put_cstr(ds, ds_last(ds) == '{' ? "" : ",");
        ds_put_buffer(ds, text + 1, strlen(text) - 2);
        free(text);
    }
    json_decref(more);
}

static void
host_status(const struct northbound *nb, const struct vmn_row *row,
            bool one OVS_UNUSED, struct ds *ds)
{
    nb_put_members(ds, fabric_host_status(nb->fabric, row->name));
}

static void
network_status(const struct northbound *nb, const struct vmn_row *row,
               bool one OVS_UNUSED, struct ds *ds)
{
    struct vmn_names ports = model_lookup(nb->model, VMN_INDEX_PORT_BY_NETWORK,
                                          row->name);

    put_name(ds, "ports");
    ds_put_format(ds, "%"PRIuSIZE, ports.n);
}

static void
port_status(const struct northbound *nb, const struct vmn_row *row,
            bool one OVS_UNUSED, struct ds *ds)
{
    nb_put_members(ds, fabric_port_status(nb->fabric, row->name));
}

static void
app_status(const struct northbound *nb, const struct vmn_row *row,
           bool one OVS_UNUSED, struct ds *ds)
{
    const struct pipeline *pipeline = apphost_pipeline(nb->apphost);

    for (size_t i = 0; pipeline && i < pipeline->n_apps; i++) {
        const struct vmn_app_class *app = pipeline->apps[i].class_;

        if (!strcmp(app->name, row->name) && app->description) {
            nb_put_members(ds, json_pack(
                "{s:o}", "about", http_json_string(app->description)));
        }
    }
    nb_put_members(ds, engine_app_status(nb->engine, row->name));
}

/* Members.  -------------------------------------------------------------- */

/* The ports that 'selector' selects, sorted.  The caller frees the array. */
static const char **
get_selected(const struct northbound *nb,
             const struct vmn_selector *selector, size_t *np)
{
    const char **names;
    size_t n_candidates, n = 0;

    *np = 0;
    if (!selector->text) {
        return NULL;
    }
    names = nb_selector_candidates(nb->model, selector, &n_candidates);
    for (size_t i = 0; i < n_candidates; i++) {
        const struct vmn_port *port = model_get_durable(
            nb->model, VMN_TABLE_PORT, names[i], NULL);

        if (port && vmn_selector_matches(selector, &port->labels)) {
            names[n++] = names[i];
        }
    }
    *np = n;
    return names;
}

/* Which ports are in the group, sorted, as far as a list may go: those that
 * are named and those that are selected, both of which are sorted. */
static void
group_status(const struct northbound *nb, const struct vmn_row *row,
             bool one, struct ds *ds)
{
    const struct vmn_group *group = (const struct vmn_group *) row;
    size_t n_selected, n = 0;
    const char **selected;

    if (!one) {
        return;
    }
    selected = get_selected(nb, &group->selector, &n_selected);
    put_name(ds, "members");
    ds_put_char(ds, '[');
    for (size_t i = 0, j = 0; i < group->n_ports || j < n_selected; n++) {
        int order = (i >= group->n_ports ? 1 : j >= n_selected ? -1
                     : strcmp(group->ports[i], selected[j]));
        const char *name = order <= 0 ? group->ports[i] : selected[j];

        if (n < NB_MEMBERS_MAX) {
            ds_put_cstr(ds, n ? "," : "");
            schema_print_string(ds, name);
        }
        i += order <= 0;
        j += order >= 0;
    }
    ds_put_char(ds, ']');
    put_name(ds, "n_members");
    ds_put_format(ds, "%"PRIuSIZE, n);
    free(selected);
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
                    bool one, struct ds *ds)
{
    const struct vmn_loadbalancer *lb = (const void *) row;
    struct sset selected = SSET_INITIALIZER(&selected);
    const char **names;
    json_t *backends;
    size_t n;

    if (!one) {
        return;
    }
    backends = json_array();
    names = get_selected(nb, &lb->selector, &n);
    for (size_t i = 0; i < n; i++) {
        sset_add(&selected, names[i]);
    }
    free(names);
    for (size_t i = 0; i < lb->n_backends; i++) {
        add_backend(nb, lb, lb->backends[i].port, lb->backends[i].weight,
                    backends);
        sset_find_and_delete(&selected, lb->backends[i].port);
    }

    const char **sorted = sset_sort(&selected);
    for (size_t i = 0; i < sset_count(&selected); i++) {
        add_backend(nb, lb, sorted[i], 1, backends);
    }
    nb_put_members(ds, json_pack("{s:o}", "backends", backends));
    free(sorted);
    sset_destroy(&selected);
}

/* All types.  ------------------------------------------------------------ */

static void (*const status_of[VMN_N_TABLES])(const struct northbound *,
                                             const struct vmn_row *,
                                             bool one, struct ds *) = {
    [VMN_TABLE_HOST] = host_status,
    [VMN_TABLE_NETWORK] = network_status,
    [VMN_TABLE_PORT] = port_status,
    [VMN_TABLE_GROUP] = group_status,
    [VMN_TABLE_LOADBALANCER] = loadbalancer_status,
    [VMN_TABLE_APP] = app_status,
};

void
nb_put_object(const struct northbound *nb, const struct vmn_row *row,
              const struct model_meta *meta, bool one, struct ds *ds)
{
    ds_put_cstr(ds, "{\"type\":\"");
    ds_put_cstr(ds, schema_tables[row->table].plural);
    ds_put_cstr(ds, "\",");
    model_row_print(row, meta, ds);
    if (status_of[row->table]) {
        ds_truncate(ds, ds->length - 1);
        status_of[row->table](nb, row, one, ds);
        ds_put_char(ds, '}');
    }
}

const struct vmn_labels *
nb_row_labels(const struct vmn_row *row)
{
    const struct schema_field *labels
        = schema_find_field(&schema_tables[row->table].row, "labels");

    return (const struct vmn_labels *) ((const char *) row + labels->offset);
}
