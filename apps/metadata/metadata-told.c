/* SPDX-License-Identifier: Apache-2.0
 *
 * What a port is told: by the objects that list it, and those that select it,
 * member by member.  Not for how that looks (metadata-openstack.c,
 * metadata-ec2.c). */

#include "metadata.h"

#include <stdlib.h>

/* Objects that apply to a port. */
struct objects {
    size_t n_looks;             /* How many were read... */
    size_t looked_size;         /* ...and their sizes. */
    size_t n;
    const struct metadata *rows[OBJECTS_MAX];
};

static bool
lists(const struct metadata *row, const char *port)
{
    for (size_t i = 0; i < row->n_ports; i++) {
        if (!strcmp(row->ports[i], port)) {
            return true;
        }
    }
    return false;
}

/* The first by name is asked first: it comes before those with selectors, and
 * a smaller priority before a larger one. */
static int
compare(const void *a_, const void *b_)
{
    const struct metadata *a = *(const struct metadata *const *) a_;
    const struct metadata *b = *(const struct metadata *const *) b_;

    return (!a->n_ports != !b->n_ports ? (a->n_ports ? -1 : 1)
            : a->priority != b->priority ? (a->priority < b->priority ? -1 : 1)
            : strcmp(a->object.row.name, b->object.row.name));
}

/* Adds the object if it is for the port.  What a look-up names may not be
 * there yet, or be another by now, so it is looked at. */
static void
add_object(struct vmn_view *view, const char *name,
           const struct vmn_port *port, struct objects *objects)
{
    const struct metadata *row
        = (const struct metadata *) vmn_read(view, ROW_METADATA, name);

    if (row && (row->n_ports ? lists(row, port->row.name)
                : vmn_selector_matches(&row->selector,
                                       vmn_labels_of(view, &port->row)))) {
        objects->rows[objects->n++] = row;
    }
}

/* Takes the first of the values of several keys, which are sorted each, or
 * NULL: there are no more. */
static const char *
take_first(struct vmn_names *keys, size_t n)
{
    struct vmn_names *first = NULL;

    for (size_t i = 0; i < n; i++) {
        if (keys[i].n && (!first || strcmp(keys[i].names[0],
                                           first->names[0]) < 0)) {
            first = &keys[i];
        }
    }
    if (!first) {
        return NULL;
    }
    first->n--;
    return *first->names++;
}

/* Counts the object of 'value', which is RANKED.  Returns its name, or NULL if
 * there is no room for what would be read. */
static const char *
take_look(struct vmn_view *view, const char *value, struct objects *objects)
{
    const char *name = value + RANKED_NAME;
    const char *size = strchr(name, ' ');

    objects->n_looks++;
    objects->looked_size += strtoul(size, NULL, 10);
    return (objects->looked_size <= LOOKED_SIZE_MAX
            ? vmn_printf(view, "%.*s", (int) (size - name), name) : NULL);
}

/* Adds objects at these keys in their order, so that those that are one too
 * many, to read or to apply, are the last. */
static void
add_objects(struct vmn_view *view, struct vmn_names *keys, size_t n,
            const struct vmn_port *port, struct objects *objects)
{
    const char *value, *name;

    while (objects->n < OBJECTS_MAX && objects->n_looks < LOOKS_MAX
           && (value = take_first(keys, n))
           && (name = take_look(view, value, objects))) {
        add_object(view, name, port, objects);
    }
}

/* Adds to 'keys' what there is of objects that want the label. */
static void
add_key(struct vmn_view *view, const char *label, struct vmn_names *keys,
        size_t *n)
{
    keys[*n] = vmn_relation_values(view, REL_OF_LABEL, label);
    *n += keys[*n].n > 0;
}

static void
find_objects(struct vmn_view *view, const struct vmn_port *port,
             struct objects *objects)
{
    const struct vmn_labels *labels = vmn_labels_of(view, &port->row);
    struct vmn_names own = vmn_relation_values(view, REL_OF_PORT,
                                               port->row.name);
    struct vmn_names *keys = (struct vmn_names *) vmn_alloc(
        view, (2 * labels->n + 1) * sizeof *keys);
    size_t n = 0;

    memset(objects, 0, sizeof *objects);
    add_objects(view, &own, 1, port, objects);
    add_key(view, "", keys, &n);
    for (size_t i = 0; i < labels->n; i++) {
        const struct vmn_label *label = &labels->labels[i];

        add_key(view, label->key, keys, &n);
        add_key(view, vmn_printf(view, "%s=%s", label->key, label->value),
                keys, &n);
    }
    add_objects(view, keys, n, port, objects);
    qsort(objects->rows, objects->n, sizeof objects->rows[0], compare);
}

static void
add_attributes(const struct metadata *row, struct told *told)
{
    for (size_t i = 0; i < row->n_attributes; i++) {
        size_t j = 0;

        while (j < told->n_attributes
               && strcmp(told->attributes[j].name, row->attributes[i].name)) {
            j++;
        }
        if (j == told->n_attributes && j < ATTRIBUTES_MAX) {
            told->attributes[told->n_attributes++] = row->attributes[i];
        }
    }
}

/* Takes from 'row' what none before it has said. */
static void
add_row(const struct metadata *row, struct told *told)
{
    if (!told->instance_id) {
        told->instance_id = row->instance_id;
    }
    if (!told->hostname) {
        told->hostname = row->hostname;
    }
    if (!told->availability_zone) {
        told->availability_zone = row->availability_zone;
    }
    if (!told->n_ssh_keys) {
        told->n_ssh_keys = row->n_ssh_keys;
        told->ssh_keys = row->ssh_keys;
    }
    if (!told->user_data && row->user_data) {
        told->user_data = row;
    }
    if (!told->vendor_data) {
        told->vendor_data = row->vendor_data;
    }
    add_attributes(row, told);
}

/* Sets the ports of the VM: those of the object that lists the one that asks,
 * or that one alone. */
static void
set_ports(struct vmn_view *view, const struct metadata *row,
          const struct vmn_port *port, struct told *told)
{
    size_t n = row ? row->n_ports : 0;
    const struct vmn_port **ports = (const struct vmn_port **) vmn_alloc(
        view, (n + 1) * sizeof *ports);

    for (size_t i = 0; i < n; i++) {
        const struct vmn_port *other = vmn_read_port(view, row->ports[i]);

        if (other) {
            ports[told->n_ports++] = other;
        }
    }
    if (!told->n_ports) {
        ports[told->n_ports++] = port;
    }
    told->ports = ports;
}

void
metadata_tell(struct vmn_view *view, const struct vmn_port *port,
              struct told *told)
{
    struct objects *objects
        = (struct objects *) vmn_alloc(view, sizeof *objects);
    const struct metadata *own;

    memset(told, 0, sizeof *told);
    told->port = port;
    find_objects(view, port, objects);
    own = (objects->n && objects->rows[0]->n_ports ? objects->rows[0] : NULL);
    for (size_t i = 0; i < objects->n; i++) {
        add_row(objects->rows[i], told);
    }
    set_ports(view, own, port, told);
    if (!told->instance_id) {
        told->instance_id = own ? own->object.row.name : port->row.name;
    }
    if (!told->hostname) {
        told->hostname = (port->dhcp_options.hostname
                          ? port->dhcp_options.hostname : port->row.name);
    }
}

const struct vmn_subnet *
metadata_subnet_of(const struct vmn_network *network, const struct vmn_ip *ip)
{
    for (size_t i = 0; i < network->n_subnets; i++) {
        const struct vmn_subnet *subnet = vmn_subnet_at(network, i);

        if (vmn_prefix_contains(&subnet->cidr, ip)) {
            return subnet;
        }
    }
    return NULL;
}
